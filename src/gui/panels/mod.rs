//! The right panel: tabs of things to look at and change while painting goes on.

mod earlier;
mod explore;
mod latency;
mod layers;
mod models;
mod tile;

use egui::{Align, Button, Layout, RichText, Sense, Stroke, Ui, vec2};
use egui_material_icons::icons;

use super::action::Action;
use super::cx::Cx;
use super::widgets::small_icon_button;
use crate::studio::PanelTab;

/// Shows the panel in all of `ui`.
pub fn panel_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    tabs_ui(ui, cx);
    ui.add_space(8.0);
    egui::ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_max_width(ui.available_width() - 4.0);
        match cx.settings.window.panel {
            PanelTab::Explore => explore::explore_ui(ui, cx),
            PanelTab::Layers => layers::layers_ui(ui, cx),
            PanelTab::Models => models::models_ui(ui, cx),
            PanelTab::Latency => latency::latency_ui(ui, cx),
        }
    });
}

/// What a tab is called.
fn title(tab: PanelTab) -> &'static str {
    match tab {
        PanelTab::Explore => "Explore",
        PanelTab::Layers => "Layers",
        PanelTab::Models => "Models",
        PanelTab::Latency => "Latency",
    }
}

fn tabs_ui(ui: &mut Ui, cx: &mut Cx<'_>) {
    let now = cx.settings.window.panel;
    let line = ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        ui.spacing_mut().button_padding = vec2(1.0, 4.0);
        for tab in PanelTab::ALL {
            let name = title(tab);
            let colour = if tab == now { cx.theme.text } else { cx.theme.quiet };
            let text = RichText::new(name).color(colour);
            let response = ui.add(Button::new(text).frame_when_inactive(false).fill(cx.theme.panel));
            let response = response.accessible_name(format!("{name} tab"));
            if tab == now {
                let rect = response.rect;
                let stroke = Stroke::new(2.0, cx.theme.accent);
                ui.painter().hline(rect.left() + 2.0..=rect.right() - 2.0, rect.bottom() + 3.0, stroke);
            }
            if response.clicked() {
                cx.settings.window.panel = tab;
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if small_icon_button(ui, icons::ICON_CLOSE, "Close panel", "", cx.theme).clicked() {
                cx.act(Action::TogglePanel);
            }
        });
    });
    let y = line.response.rect.bottom() + 3.0;
    ui.painter().hline(ui.max_rect().x_range(), y, Stroke::new(1.0, cx.theme.line));
}

/// A heading inside a panel.
fn heading_ui(ui: &mut Ui, text: &str, cx: &Cx<'_>) {
    ui.add_space(8.0);
    ui.label(super::widgets::note(text, cx.theme));
    ui.add_space(2.0);
}

/// A quiet name at the left and a value at the right.
fn fact_ui(ui: &mut Ui, name: &str, value: &str, cx: &Cx<'_>) {
    ui.horizontal(|ui| {
        ui.label(super::widgets::quiet(name, cx.theme));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(egui::Label::new(RichText::new(value).color(cx.theme.text)).truncate());
        });
    });
}

/// A swatch of one colour.
fn swatch_ui(ui: &mut Ui, colour: egui::Color32, cx: &Cx<'_>) {
    let (rect, _) = ui.allocate_exact_size(vec2(24.0, 24.0), Sense::hover());
    ui.painter().rect(rect, 4, colour, Stroke::new(1.0, cx.theme.raised), egui::StrokeKind::Inside);
}
