//! The words around the pictures: captions, hints, what is being waited for.

use egui::{Align2, Area, Context, Frame, Id, Margin, Order, Rect, Stroke};

use super::action::Action;
use super::cx::Cx;
use super::stage::StageLook;
use super::widgets::{link, note};
use crate::capture::SourceSpec;
use crate::engine::Picture;
use crate::studio::{LiveState, LoadProgress, SourceState};

/// Under this many pictures a second a new one fades in.
const FADE_BELOW: f64 = 8.0;
/// What an empty canvas says.
const HINT: &str = "Draw something. Try a red circle and type “apple”.";
/// A latency up to this is good.
const GOOD_MS: f64 = 150.0;

/// How the stage shall look in this frame.
pub fn stage_look(cx: &Cx<'_>, picture: Option<&Picture>) -> StageLook {
    let latency = cx.snapshot.latency_ms.map(|(median, _)| format!("pen to picture {median:.0}\u{2009}ms"));
    let draws = cx.settings.source == SourceSpec::Drawing;
    let window = &cx.settings.window;
    let look = StageLook {
        view: window.view,
        alone: cx.session.alone,
        smooth: window.smooth,
        divider: window.divider,
        left_caption: left_caption(cx),
        right_caption: match cx.explore.pointed() {
            Some(pointed) => pointed.caption.clone(),
            None => picture.map_or_else(|| "Painting".into(), right_caption),
        },
        latency_text: latency.filter(|_| cx.explore.pointed().is_none()).unwrap_or_default(),
        latency_good: cx.snapshot.latency_ms.is_none_or(|(median, _)| median <= GOOD_MS),
        hint: (draws && cx.document.is_blank()).then(|| HINT.to_owned()),
        trouble: trouble(cx),
        busy_text: busy(cx),
        fade: cx.snapshot.pictures_per_s < FADE_BELOW,
    };
    match cx.session.alone {
        true => {
            StageLook { left_caption: String::new(), right_caption: String::new(), latency_text: String::new(), ..look }
        }
        false => look,
    }
}

fn left_caption(cx: &Cx<'_>) -> String {
    let name = match &cx.settings.source {
        SourceSpec::Drawing => {
            let active = cx.document.active();
            let layer = cx.document.layers().iter().find(|layer| layer.id() == active);
            let unsaved = if cx.session.unsaved { " · not saved" } else { "" };
            return format!("Drawing · {}{unsaved}", layer.map_or("", |layer| layer.name()));
        }
        SourceSpec::Camera { id, .. } => {
            let camera = cx.session.cameras.iter().find(|camera| camera.id == *id);
            camera.map_or("Camera", |camera| camera.name.as_str()).to_owned()
        }
        SourceSpec::Picture { path } => path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into()),
        SourceSpec::Pattern => "Test pattern".into(),
    };
    match &cx.snapshot.source {
        SourceState::Live(size) => format!("{name} · {size}"),
        SourceState::Opening | SourceState::Drawing => format!("{name} · opening…"),
        SourceState::Trouble(_) => format!("{name} · no pictures"),
    }
}

/// What is wrong with the source and what helps, as a sentence.
fn trouble(cx: &Cx<'_>) -> Option<String> {
    let SourceState::Trouble(notice) = &cx.snapshot.source else { return None };
    let text = format!("{notice}.");
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect())
}

fn right_caption(picture: &Picture) -> String {
    format!("Painting · {} · seed {}", steps(picture.params.steps as usize), picture.params.seed)
}

/// "1 step", "2 steps".
pub fn steps(count: usize) -> String {
    format!("{count} {}", if count == 1 { "step" } else { "steps" })
}

fn busy(cx: &Cx<'_>) -> Option<String> {
    let snapshot = cx.snapshot;
    match (&snapshot.state, &snapshot.model, &snapshot.loading) {
        (_, None, Some(LoadProgress { what, seconds, .. })) => {
            Some(format!("Loading the model: {what} · {seconds:.1} s"))
        }
        (_, None, None) => Some("No model is loaded. Choose one in the menu at the top.".into()),
        (LiveState::Stopped, ..) => Some("The engine stopped.".into()),
        _ => None,
    }
}

/// The way from the sample drawing to an empty sheet, at the foot of the stage.
pub fn sample_ui(ctx: &Context, stage: Rect, cx: &mut Cx<'_>) {
    if !cx.document.is_sample() || cx.settings.source != SourceSpec::Drawing {
        return;
    }
    let frame = Frame::new()
        .fill(cx.theme.panel)
        .stroke(Stroke::new(1.0, cx.theme.raised))
        .corner_radius(14)
        .inner_margin(Margin::symmetric(12, 4));
    let place = egui::pos2(stage.center().x, stage.bottom() - 12.0);
    Area::new(Id::unique("sample")).order(Order::Middle).pivot(Align2::CENTER_BOTTOM).fixed_pos(place).show(
        ctx,
        |ui| {
            frame.show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(note("A sample drawing: your first stroke puts it away.", cx.theme));
                    if link(ui, "Start fresh", cx.theme).clicked() {
                        cx.act(Action::StartFresh);
                    }
                });
            });
        },
    );
}
