//! A card in the middle of the window that wants an answer; everything else waits, dimmed. Knows how it looks, not what it
//! asks.

use egui::{Align, Context, Frame, Id, Key, Layout, Margin, Modal, Modifiers, Stroke, Ui, vec2};

use super::fonts::strong;
use super::look::PROMPT;
use super::theme::Theme;

/// Space between the card's edge and its contents.
const MARGIN: i8 = 20;

/// Shows a card with a title. Besides what `contents` give it says whether the card was put away: by Escape, or by a click
/// beside it.
pub fn modal_ui<T>(
    ctx: &Context,
    title: &str,
    width: f32,
    theme: &Theme,
    contents: impl FnOnce(&mut Ui) -> T,
) -> (T, bool) {
    if ctx.text_edit_focused() {
        // Its keys belong to the card now.
        ctx.memory_mut(egui::Memory::stop_text_input);
    }
    let frame = card_frame(ctx, theme);
    let width = width.min(ctx.content_rect().width() - 2.0 * f32::from(MARGIN) - 16.0);
    let modal = Modal::new(Id::unique("modal").with(title)).frame(frame).backdrop_color(theme.shadow);
    let response = modal.show(ctx, |ui| {
        ui.set_width(width);
        ui.spacing_mut().item_spacing.y = 8.0;
        ui.label(strong(title).size(PROMPT).color(theme.text));
        contents(ui)
    });
    let away = response.should_close();
    (response.inner, away)
}

/// The card itself.
pub fn card_frame(ctx: &Context, theme: &Theme) -> Frame {
    Frame::new()
        .fill(theme.panel)
        .stroke(Stroke::new(1.0, theme.raised))
        .corner_radius(12)
        .inner_margin(Margin::same(MARGIN))
        .shadow(ctx.global_style().visuals.popup_shadow)
}

/// A row of buttons at the right end; they are added from right to left, the one that is meant to be pressed first.
pub fn buttons_ui<T>(ui: &mut Ui, buttons: impl FnOnce(&mut Ui) -> T) -> T {
    ui.add_space(8.0);
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 30.0), Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().button_padding = vec2(14.0, 6.0);
        buttons(ui)
    })
    .inner
}

/// Enter means the button that is meant to be pressed, unless the keyboard is at another.
pub fn enter(ui: &Ui) -> bool {
    ui.memory(|memory| memory.focused().is_none())
        && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter))
}
