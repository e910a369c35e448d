//! The latency tab: how long from pen to picture, and where the time goes.

use egui::{Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::{fact_ui, heading_ui};
use crate::engine::StageTimes;
use crate::gui::captions;
use crate::gui::cx::{Cx, Session};
use crate::gui::status::state_of;
use crate::gui::theme::Theme;
use crate::gui::widgets::note;

/// Shows the tab.
pub fn latency_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    headline_ui(ui, cx);
    history_ui(ui, cx);
    heading_ui(ui, "the newest picture", cx);
    stages_ui(ui, &cx.snapshot.stages, cx.theme);
    heading_ui(ui, "the last seconds", cx);
    let snapshot = cx.snapshot;
    fact_ui(ui, "State", &state_of(snapshot, cx.theme).0, cx);
    fact_ui(ui, "Pictures", &format!("{:.1}\u{2009}/s", snapshot.pictures_per_s), cx);
    fact_ui(ui, "Inputs", &format!("{:.1}\u{2009}/s", snapshot.inputs_per_s), cx);
    fact_ui(ui, "Dropped inputs", &snapshot.dropped.to_string(), cx);
    fact_ui(ui, "Pictures not shown", &snapshot.unshown.to_string(), cx);
    fact_ui(ui, "Memory", &format!("{:.0}\u{2009}MB", snapshot.rss_mb), cx);
    ui.add_space(6.0);
    if let Some(model) = &snapshot.model {
        ui.label(note(format!("Painted by {}.", model.executor), cx.theme));
    }
    let (inputs, painted, dropped) = (snapshot.inputs, snapshot.painted, snapshot.dropped);
    let word = if inputs == 1 { "input" } else { "inputs" };
    let counts = format!("{inputs} {word} so far: {painted} painted, {dropped} dropped");
    ui.label(note(format!("{counts}. Only the newest is painted; those it overtakes are dropped."), cx.theme));
}

fn headline_ui(ui: &mut Ui, cx: &Cx<'_>) {
    let Some((median, high)) = cx.snapshot.latency_ms else {
        ui.label(note("Nothing was painted yet.", cx.theme));
        return;
    };
    ui.label(note("pen to picture", cx.theme));
    ui.label(RichText::new(format!("{median:.0}\u{2009}ms")).size(24.0).color(cx.theme.text));
    ui.label(note(format!("half are faster · 95 of 100 under {high:.0}\u{2009}ms"), cx.theme));
    ui.add_space(6.0);
}

/// One thin bar for each of the newest pictures.
fn history_ui(ui: &mut Ui, cx: &Cx<'_>) {
    let times = &cx.session.latencies_ms;
    if times.len() < 2 {
        return;
    }
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Latency of the newest pictures"));
    ui.painter().rect_filled(rect, 4, cx.theme.well);
    let highest = times.iter().copied().fold(1.0_f32, f32::max);
    let inner = rect.shrink(4.0);
    let pitch = inner.width() / Session::LATENCIES as f32;
    for (back, ms) in times.iter().rev().enumerate() {
        let right = inner.right() - back as f32 * pitch;
        let top = inner.bottom() - (ms / highest * inner.height()).max(1.0);
        let bar = Rect::from_min_max(pos2(right - pitch * 0.7, top), pos2(right, inner.bottom()));
        ui.painter().rect_filled(bar, 0, if back == 0 { cx.theme.accent } else { cx.theme.quiet });
    }
    response.on_hover_text(format!("The newest {} pictures; the highest took {highest:.0} ms", times.len()));
}

fn stages_ui(ui: &mut Ui, stages: &StageTimes, theme: &Theme) {
    // A sum of nothing is minus zero, which people would see.
    let steps = stages.step_ms.iter().sum::<f64>() + 0.0;
    let rows = [
        ("Prompt".to_owned(), stages.prompt_ms),
        ("Encode".to_owned(), stages.encode_ms),
        (captions::steps(stages.step_ms.len()), steps),
        ("Decode".to_owned(), stages.decode_ms),
        ("Transfer".to_owned(), stages.transfer_ms),
    ];
    let total: f64 = rows.iter().map(|(_, ms)| ms).sum();
    for (name, ms) in rows {
        let share = if total > 0.0 { (ms / total) as f32 } else { 0.0 };
        bar_ui(ui, &name, ms, share, theme);
    }
}

fn bar_ui(ui: &mut Ui, name: &str, ms: f64, share: f32, theme: &Theme) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    let font = egui::FontId::proportional(12.0);
    let painter = ui.painter();
    painter.text(rect.left_center(), egui::Align2::LEFT_CENTER, name, font.clone(), theme.quiet);
    // Of seconds nobody reads tenths of milliseconds, and there is room for five digits.
    let value = if ms < 1e3 { format!("{ms:.1}\u{2009}ms") } else { format!("{ms:.0}\u{2009}ms") };
    painter.text(rect.right_center(), egui::Align2::RIGHT_CENTER, value, font, theme.text);
    let rail = Rect::from_min_max(
        pos2(rect.left() + 66.0, rect.center().y - 3.0),
        pos2(rect.right() - 62.0, rect.center().y + 3.0),
    );
    painter.rect_filled(rail, 3, theme.line);
    let filled = Rect::from_min_size(rail.min, vec2(rail.width() * share.clamp(0.0, 1.0), rail.height()));
    if filled.width() >= 1.0 {
        painter.rect_filled(filled, 3, theme.accent);
    }
}
