//! The status line: what the live loop does, in numbers that stand still. A click opens the latency panel.

use std::time::Duration;

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2};

use super::action::Action;
use super::cx::Cx;
use super::layout::Breadth;
use super::theme::Theme;
use crate::engine::StageTimes;
use crate::studio::{LiveState, LoadProgress, PanelTab, RecordingProgress, Snapshot, SourceState};

/// Text size of the line.
const SIZE: f32 = 12.0;

/// A picture that takes longer than this is no live loop any more.
const SLOW_MS: f64 = 500.0;

/// Shows the line in all of `ui`.
pub fn status_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let rect = ui.max_rect();
    let response = ui.interact(rect, ui.scope_id().with("status"), Sense::click());
    let (state, colour) = state_of(cx.snapshot, cx.theme);
    let (left, right) = (left_parts(cx, &state), right_parts(cx));
    let label = spoken(left.iter().map(|(pieces, _)| pieces).chain(&right));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Status: {label}")));
    let right_edge = paint_right(ui, rect, &right, cx.theme);
    let mut at = rect.left() + 12.0;
    ui.painter().circle_filled(pos2(at + 4.0, rect.center().y), 4.0, colour);
    at += 14.0;
    for (text, widest) in left {
        let galley = ui.painter().layout_job(job(&text, cx.theme));
        let slot = ui.painter().layout_job(job(&widest, cx.theme)).size().x.max(galley.size().x);
        if at + slot > right_edge - 12.0 {
            break;
        }
        ui.painter().galley(pos2(at, rect.center().y - galley.size().y / 2.0), galley, Color32::PLACEHOLDER);
        at += slot + 18.0;
    }
    if response.on_hover_text("Open the latency panel").clicked() {
        cx.act(Action::ShowTab(PanelTab::Latency));
    }
}

/// Pieces of text: quiet, or (true) in the text's colour.
type Pieces = Vec<(String, bool)>;

fn quiet(text: impl Into<String>) -> (String, bool) {
    (text.into(), false)
}

fn bold(text: impl Into<String>) -> (String, bool) {
    (text.into(), true)
}

/// The whole line as one text.
fn spoken<'a>(parts: impl Iterator<Item = &'a Pieces>) -> String {
    let part = |pieces: &Pieces| pieces.iter().map(|(text, _)| text.as_str()).collect::<String>();
    parts.map(part).collect::<Vec<_>>().join(", ")
}

/// The word and the colour for the state.
pub fn state_of(snapshot: &Snapshot, theme: &Theme) -> (String, Color32) {
    match &snapshot.state {
        LiveState::Starting if snapshot.loading.is_none() => ("No model".into(), theme.warn),
        LiveState::Starting => ("Starting".into(), theme.warn),
        LiveState::Live if slow(&snapshot.stages).is_some() => ("Slow".into(), theme.warn),
        LiveState::Live => ("Live".into(), theme.good),
        LiveState::Exploring => ("Exploring".into(), theme.good),
        LiveState::Idle => ("Idle".into(), theme.quiet),
        LiveState::Paused => ("Paused".into(), theme.warn),
        LiveState::Stopped => ("Stopped".into(), theme.bad),
    }
}

/// Why a picture takes long and what helps, when it does.
fn slow(stages: &StageTimes) -> Option<String> {
    let steps: f64 = stages.step_ms.iter().sum();
    let whole = stages.whole_ms();
    if whole <= SLOW_MS {
        return None;
    }
    let count = stages.step_ms.len();
    Some(match count > 1 && steps > whole / 2.0 {
        true => format!("{count} steps take {:.1}\u{2009}s: choose fewer, or a smaller size", steps / 1000.0),
        false => format!("a picture takes {:.1}\u{2009}s: choose a smaller size", whole / 1000.0),
    })
}

/// Minutes and seconds, and hours where there are some.
pub fn clock(length: Duration) -> String {
    let seconds = length.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Each part with the widest it gets, so that what follows does not move.
fn left_parts(cx: &Cx<'_>, state: &str) -> Vec<(Pieces, Pieces)> {
    let snapshot = cx.snapshot;
    let mut parts = vec![(vec![bold(state)], vec![bold("Exploring")])];
    if let Some(RecordingProgress { length, bytes }) = snapshot.recording {
        let megabytes = format!(" · {:.1}\u{2009}MB", bytes as f64 / 1e6);
        let widest = vec![bold("recording 00:00"), quiet(" · 000.0\u{2009}MB")];
        parts.push((vec![bold(format!("recording {}", clock(length))), quiet(megabytes)], widest));
    }
    if let Some(reason) = slow(&snapshot.stages).filter(|_| snapshot.state == LiveState::Live) {
        parts.push((vec![quiet(reason)], vec![]));
    }
    if let Some(LoadProgress { what, fraction, seconds }) = &snapshot.loading {
        let text = format!("{what} {:.0} % · {seconds:.1} s", fraction * 100.0);
        parts.push((vec![quiet(text.clone())], vec![quiet(text)]));
    }
    if snapshot.model.is_none() {
        return parts;
    }
    if let SourceState::Live(size) = &snapshot.source {
        parts.push((vec![quiet(format!("source {size}"))], vec![]));
    }
    parts.push((
        vec![bold(format!("{:.1}", snapshot.pictures_per_s)), quiet(" pictures/s")],
        vec![bold("100.0"), quiet(" pictures/s")],
    ));
    if let Some((median, high)) = snapshot.latency_ms {
        parts.push((
            vec![quiet("pen to picture "), bold(format!("{median:.0}\u{2009}ms")), quiet(format!(" (p95 {high:.0})"))],
            vec![quiet("pen to picture "), bold("0000\u{2009}ms"), quiet(" (p95 0000)")],
        ));
    }
    if cx.room.breadth() > Breadth::Tiny {
        parts.push((
            vec![quiet("inputs "), bold(format!("{:.0}", snapshot.inputs_per_s)), quiet("/s")],
            vec![quiet("inputs "), bold("000"), quiet("/s")],
        ));
    }
    parts.push((vec![quiet("dropped "), bold(snapshot.dropped.to_string())], vec![quiet("dropped "), bold("0000")]));
    if let Some(model) = snapshot.model.as_ref().filter(|_| cx.room.width >= 860.0) {
        parts.push((vec![quiet(model.executor.clone())], vec![]));
    }
    parts
}

fn right_parts(cx: &Cx<'_>) -> Vec<Pieces> {
    let snapshot = cx.snapshot;
    let mut parts = vec![vec![quiet(format!("{:.0}\u{2009}MB", snapshot.rss_mb))]];
    let stages = &snapshot.stages;
    if cx.room.width >= 1180.0 && !stages.step_ms.is_empty() {
        let (count, steps) = (stages.step_ms.len(), stages.step_ms.iter().sum::<f64>());
        let step = steps / count as f64;
        // Painted in one go.
        let whole = stages.decode_ms == 0.0;
        parts.push(vec![quiet(if whole {
            format!("{count} steps in one go {steps:.1}\u{2009}ms")
        } else {
            format!(
                "encode {:.0} · steps {}×{step:.0} · decode {:.0}\u{2009}ms",
                stages.encode_ms, count, stages.decode_ms
            )
        })]);
    }
    if snapshot.rss_mb <= 0.0 {
        parts.remove(0);
    }
    parts
}

fn paint_right(ui: &Ui, rect: Rect, parts: &[Pieces], theme: &Theme) -> f32 {
    let mut edge = rect.right() - 12.0;
    for pieces in parts {
        let galley = ui.painter().layout_job(job(pieces, theme));
        edge -= galley.size().x;
        ui.painter().galley(pos2(edge, rect.center().y - galley.size().y / 2.0), galley, Color32::PLACEHOLDER);
        edge -= 18.0;
    }
    edge
}

fn job(pieces: &Pieces, theme: &Theme) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (text, strong) in pieces {
        let colour = if *strong { theme.text } else { theme.quiet };
        job.append(text, 0.0, TextFormat::simple(FontId::proportional(SIZE), colour));
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_picture_has_a_reason() {
        let times = |encode_ms, step_ms: &[f64], decode_ms| StageTimes {
            encode_ms,
            step_ms: step_ms.to_vec(),
            decode_ms,
            ..StageTimes::default()
        };
        assert_eq!(slow(&times(100.0, &[100.0, 100.0], 200.0)), None);
        let reason = slow(&times(100.0, &[300.0; 8], 200.0));
        assert!(reason.is_some_and(|text| text.starts_with("8 steps take 2.4") && text.contains("fewer")));
        let reason = slow(&times(400.0, &[300.0], 900.0));
        assert!(
            reason.is_some_and(|text| text.contains("1.6") && text.contains("smaller size") && !text.contains("fewer"))
        );
        let mut snapshot = Snapshot { state: LiveState::Live, ..Snapshot::starting() };
        assert_eq!(state_of(&snapshot, &Theme::dark()).0, "Live");
        snapshot.stages = times(100.0, &[300.0; 8], 200.0);
        assert_eq!(state_of(&snapshot, &Theme::dark()).0, "Slow");
    }

    #[test]
    fn lengths_are_read_like_those_of_players() {
        let seconds = |seconds| clock(Duration::from_secs(seconds));
        assert_eq!([0, 59, 61, 3600, 36_061].map(seconds), ["0:00", "0:59", "1:01", "1:00:00", "10:01:01"]);
    }

    #[test]
    fn what_is_not_being_loaded_is_not_starting() {
        let mut snapshot = Snapshot::starting();
        assert_eq!(state_of(&snapshot, &Theme::dark()).0, "No model");
        snapshot.loading = Some(LoadProgress { what: "reading unet".into(), fraction: 0.3, seconds: 1.0 });
        assert_eq!(state_of(&snapshot, &Theme::dark()).0, "Starting");
    }
}
