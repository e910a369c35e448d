//! Small cards at the lower right that leave by themselves; errors stay until they are put away.

use egui::{Align2, Area, Frame, Id, Margin, Order, Rect, RichText, Stroke, Ui, vec2};
use egui_material_icons::{MaterialIcon, icons};

use super::action::Action;
use super::theme::Theme;
use super::widgets::{note, primary_button, small_icon_button};
use crate::studio::{Notice, NoticeKind};

/// How many cards show at once; older ones make way.
const MOST: usize = 4;

/// A button's word, and what it does.
pub type Offer = (&'static str, Action);

/// One card.
struct Card {
    id: u64,
    notice: Notice,
    /// Buttons with what they do, the likeliest first; the card leaves with them.
    offers: Vec<Offer>,
    /// When it leaves, in seconds of egui's clock; never when `None`.
    leaves: Option<f64>,
}

impl Card {
    /// Whether it starts the engine again: the only way back, so it goes when that was done, and not before.
    fn restarts(&self) -> bool {
        self.offers.iter().any(|(_, action)| *action == Action::Restart)
    }
}

/// The cards that show.
#[derive(Default)]
pub struct Notices {
    cards: Vec<Card>,
    next_id: u64,
}

impl Notices {
    /// Shows `notice` from `now` on; the same notice again only starts its time anew.
    pub fn add(&mut self, notice: Notice, now: f64) {
        self.put(notice, Vec::new(), now);
    }

    /// Shows that the engine stopped, with the button that starts it again.
    pub fn add_stopped(&mut self, notice: Notice, now: f64) {
        self.restarted();
        self.put(notice, vec![("Start again", Action::Restart)], now);
    }

    /// Shows `notice` with buttons, the likeliest first.
    pub fn add_offer(&mut self, notice: Notice, offers: Vec<Offer>, now: f64) {
        self.put(notice, offers, now);
    }

    /// Takes away the cards that offer a restart.
    pub fn restarted(&mut self) {
        self.cards.retain(|card| !card.restarts());
    }

    fn put(&mut self, notice: Notice, offers: Vec<Offer>, now: f64) {
        let stay = match (notice.kind, offers.is_empty()) {
            (NoticeKind::Done | NoticeKind::Info, true) => Some(5.0),
            (NoticeKind::Done | NoticeKind::Info, false) | (NoticeKind::Warning, true) => Some(12.0),
            (NoticeKind::Warning, false) | (NoticeKind::Error, _) => None,
        };
        self.cards.retain(|card| card.notice != notice);
        self.cards.push(Card { id: self.next_id, notice, offers, leaves: stay.map(|stay| now + stay) });
        self.next_id += 1;
        if self.cards.len() > MOST {
            // Never the one that came just now.
            let older = &self.cards[..MOST];
            let oldest = older.iter().position(|card| card.offers.is_empty());
            let oldest = oldest.or_else(|| older.iter().position(|card| !card.restarts()));
            self.cards.remove(oldest.unwrap_or(0));
        }
    }

    /// The texts that show, for tests.
    pub fn texts(&self) -> Vec<String> {
        self.cards.iter().map(|card| card.notice.to_string()).collect()
    }

    /// Shows the cards in the lower right corner of `rect`.
    pub fn ui(&mut self, ctx: &egui::Context, rect: Rect, theme: &Theme, actions: &mut Vec<Action>) {
        let now = ctx.input(|input| input.time);
        self.cards.retain(|card| card.leaves.is_none_or(|leaves| leaves > now));
        let mut closed = None;
        let mut bottom = rect.bottom() - 12.0;
        for card in self.cards.iter().rev() {
            let area = Area::new(Id::unique("notice").with(card.id))
                .order(Order::Foreground)
                .pivot(Align2::RIGHT_BOTTOM)
                .fixed_pos(egui::pos2(rect.right() - 12.0, bottom))
                .show(ctx, |ui| card_ui(ui, card, (rect.width() - 24.0).min(340.0), theme, actions));
            bottom -= area.response.rect.height() + 8.0;
            if area.inner {
                closed = Some(card.id);
            }
        }
        self.cards.retain(|card| Some(card.id) != closed);
        if let Some(next) = self.cards.iter().filter_map(|card| card.leaves).min_by(f64::total_cmp) {
            ctx.request_repaint_after_secs((next - now).max(0.0) as f32 + 0.02);
        }
    }
}

/// True when the card is to go.
fn card_ui(ui: &mut Ui, card: &Card, width: f32, theme: &Theme, actions: &mut Vec<Action>) -> bool {
    let (icon, colour) = sign(card.notice.kind, theme);
    let frame = Frame::new()
        .fill(theme.panel)
        .stroke(Stroke::new(1.0, theme.raised))
        .corner_radius(8)
        .inner_margin(Margin { left: 12, right: 8, top: 10, bottom: 10 })
        .shadow(ui.visuals().popup_shadow);
    let mut close = false;
    frame.show(ui, |ui| {
        ui.set_width(width - 22.0);
        ui.horizontal_top(|ui| {
            ui.label(icon.rich_text().size(18.0).color(colour));
            ui.allocate_ui_with_layout(
                vec2(ui.available_width() - 32.0, 0.0),
                egui::Layout::top_down(egui::Align::Min),
                |ui| {
                    let (what, remedy) = words(&card.notice);
                    ui.label(RichText::new(what).color(theme.text));
                    if !remedy.is_empty() {
                        ui.label(note(remedy, theme));
                    }
                    if let Some(action) = offers_ui(ui, &card.offers, theme) {
                        actions.push(action);
                        close = !card.restarts();
                    }
                },
            );
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Min), |ui| {
                if !card.restarts() {
                    close |= small_icon_button(ui, icons::ICON_CLOSE, "Dismiss", "", theme).clicked();
                }
            });
        });
    });
    close
}

/// The buttons in a row; what was chosen.
fn offers_ui(ui: &mut Ui, offers: &[Offer], theme: &Theme) -> Option<Action> {
    if offers.is_empty() {
        return None;
    }
    let mut chosen = None;
    ui.horizontal_wrapped(|ui| {
        for (nth, (word, action)) in offers.iter().enumerate() {
            let clicked = if nth == 0 { primary_button(ui, word, theme).clicked() } else { ui.button(*word).clicked() };
            if clicked {
                chosen = Some(action.clone());
            }
        }
    });
    chosen
}

/// What happened and what helps, as they stand on a card. Errors do not know where they are shown and begin small; news may
/// begin with a name.
fn words(notice: &Notice) -> (String, String) {
    match notice.kind {
        NoticeKind::Done | NoticeKind::Info => (notice.what.clone(), notice.remedy.clone()),
        NoticeKind::Warning | NoticeKind::Error => (capital(&notice.what), capital(&notice.remedy)),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn sign(kind: NoticeKind, theme: &Theme) -> (MaterialIcon, egui::Color32) {
    match kind {
        NoticeKind::Done => (icons::ICON_CHECK_CIRCLE, theme.good),
        NoticeKind::Info => (icons::ICON_INFO, theme.quiet),
        NoticeKind::Warning => (icons::ICON_WARNING, theme.warn),
        NoticeKind::Error => (icons::ICON_ERROR, theme.bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_notice_shows_once_and_old_ones_make_way() {
        let mut notices = Notices::default();
        notices.add(Notice::info("saved"), 0.0);
        notices.add(Notice::info("saved"), 1.0);
        assert_eq!(notices.texts(), ["saved"]);
        for number in 0..5 {
            notices.add(Notice::error(format!("trouble {number}"), "wait"), 2.0);
        }
        assert_eq!(notices.texts().len(), MOST);
        assert!(notices.texts()[3].contains("trouble 4"));
        for number in 0..MOST {
            notices.add_offer(Notice::info(format!("offer {number}")), vec![("Take", Action::Step)], 3.0);
        }
        notices.add(Notice::error("disk full", "make room"), 4.0);
        assert_eq!(notices.texts().last().map(String::as_str), Some("disk full: make room"));
    }

    #[test]
    fn sentences_begin_with_a_capital() {
        assert_eq!(capital("cannot read `x`"), "Cannot read `x`");
        assert_eq!(capital("`x` is no picture"), "`x` is no picture");
        assert_eq!(capital("über"), "Über");
        assert_eq!(capital(""), "");
    }

    #[test]
    fn errors_stay_and_news_leave() {
        let mut notices = Notices::default();
        notices.add(Notice::info("saved"), 0.0);
        notices.add(Notice::error("disk full", "make room"), 0.0);
        let ctx = egui::Context::default();
        let input = egui::RawInput { time: Some(60.0), ..Default::default() };
        let mut actions = Vec::new();
        let _ = ctx.run_ui(input, |ui| {
            let rect = Rect::from_min_size(egui::Pos2::ZERO, vec2(400.0, 400.0));
            notices.ui(ui.ctx(), rect, &Theme::dark(), &mut actions);
        });
        assert_eq!(notices.texts(), ["disk full: make room"]);
    }
}
