//! The theme put into egui's own style, so that its widgets look like ours. Knows egui's knobs; colours come from the theme.

use std::cmp::Ordering;

use egui::style::{Selection, TextCursorStyle, WidgetVisuals};
use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, SurrenderFocusOn, TextStyle, Visuals, vec2,
};

use super::theme::Theme;

/// Corner radius of controls.
pub const RADIUS: u8 = 6;
/// Text size of notes.
pub const NOTE: f32 = 11.0;
/// Text size of everything else.
pub const BODY: f32 = 13.0;
/// Text size of the prompt.
pub const PROMPT: f32 = 16.0;

/// The sizes of texts and controls to choose from.
pub const ZOOMS: [f32; 5] = [0.75, 1.0, 1.25, 1.5, 2.0];

/// The next size that is greater or less than `zoom`, or the normal one; `zoom` itself where there is none.
pub fn next_zoom(zoom: f32, way: Ordering) -> f32 {
    let found = match way {
        Ordering::Greater => ZOOMS.into_iter().find(|size| *size > zoom),
        Ordering::Less => ZOOMS.into_iter().rfind(|size| *size < zoom),
        Ordering::Equal => Some(1.0),
    };
    found.unwrap_or(zoom)
}

/// Puts `theme` and `zoom` into `ctx`. Cheap, but meant to be called only on a change.
pub fn apply(ctx: &egui::Context, theme: &Theme, zoom: f32) {
    let kind = if theme.light { egui::Theme::Light } else { egui::Theme::Dark };
    ctx.set_theme(kind);
    // Both of egui's styles are ours, so that nothing depends on which of them it takes.
    ctx.all_styles_mut(|style| {
        style.visuals = visuals(theme);
        for (text, size, family) in [
            (TextStyle::Small, NOTE, FontFamily::Proportional),
            (TextStyle::Body, BODY, FontFamily::Proportional),
            (TextStyle::Button, BODY, FontFamily::Proportional),
            (TextStyle::Heading, PROMPT, FontFamily::Proportional),
            (TextStyle::Monospace, BODY, FontFamily::Monospace),
        ] {
            style.text_styles.insert(text, FontId::new(size, family));
        }
        style.animation_time = 0.0;
        style.interaction.selectable_labels = false;
        let spacing = &mut style.spacing;
        spacing.item_spacing = vec2(8.0, 4.0);
        spacing.button_padding = vec2(8.0, 4.0);
        spacing.interact_size = vec2(32.0, 24.0);
        spacing.menu_margin = Margin::same(8);
        spacing.window_margin = Margin::same(12);
        spacing.icon_width = 16.0;
    });
    // Whoever draws has left the prompt: its keys belong to the tools again, also after a press that becomes a stroke.
    ctx.options_mut(|options| {
        options.input_options.surrender_focus_on = SurrenderFocusOn::Presses;
        // The keys for it are ours: the size is a setting.
        options.zoom_with_keyboard = false;
    });
    ctx.set_zoom_factor(zoom.clamp(0.5, 3.0));
}

fn visuals(theme: &Theme) -> Visuals {
    let base = if theme.light { Visuals::light() } else { Visuals::dark() };
    let shadow = Shadow { offset: [0, 4], blur: 16, spread: 0, color: theme.shadow };
    let mut visuals = Visuals {
        override_text_color: None,
        weak_text_color: Some(theme.quiet),
        hyperlink_color: theme.accent_text,
        faint_bg_color: theme.line,
        extreme_bg_color: theme.well,
        text_edit_bg_color: Some(theme.well),
        code_bg_color: theme.well,
        warn_fg_color: theme.warn,
        error_fg_color: theme.bad,
        window_fill: theme.panel,
        window_stroke: Stroke::new(1.0, theme.line),
        window_corner_radius: CornerRadius::same(10),
        menu_corner_radius: CornerRadius::same(8),
        window_shadow: shadow,
        popup_shadow: shadow,
        panel_fill: theme.panel,
        selection: Selection { bg_fill: theme.raised, stroke: Stroke::new(1.0, theme.text) },
        text_cursor: TextCursorStyle {
            stroke: Stroke::new(2.0, theme.accent),
            // A blinking cursor would paint the window twice a second for ever.
            blink: false,
            ..base.text_cursor.clone()
        },
        slider_trailing_fill: true,
        ..base
    };
    let widgets = &mut visuals.widgets;
    widgets.noninteractive = widget(theme.panel, theme.panel, theme.text, Stroke::new(1.0, theme.line));
    widgets.inactive = widget(theme.raised, theme.line, theme.text, Stroke::NONE);
    widgets.hovered = widget(theme.raised, theme.raised, theme.text, Stroke::NONE);
    widgets.active = widget(theme.line, theme.line, theme.text, Stroke::NONE);
    widgets.open = widget(theme.raised, theme.raised, theme.text, Stroke::NONE);
    visuals
}

fn widget(fill: Color32, weak: Color32, text: Color32, edge: Stroke) -> WidgetVisuals {
    WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: weak,
        bg_stroke: edge,
        corner_radius: CornerRadius::same(RADIUS),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    }
}

/// Paints a ring around what has the keyboard, as long as the keyboard is what moves the focus.
pub fn focus_ring(ctx: &egui::Context, theme: &Theme, keyboard: bool) {
    if !keyboard || ctx.text_edit_focused() {
        return;
    }
    let Some(response) = ctx.memory(|memory| memory.focused()).and_then(|id| ctx.read_response(id)) else { return };
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("focus ring"));
    let ring = Stroke::new(2.0, theme.accent);
    ctx.layer_painter(layer).rect_stroke(response.rect, RADIUS, ring, egui::StrokeKind::Outside);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_up_down_and_back() {
        assert_eq!(next_zoom(1.0, Ordering::Greater), 1.25);
        assert_eq!(next_zoom(1.1, Ordering::Less), 1.0);
        assert_eq!(next_zoom(2.0, Ordering::Greater), 2.0);
        assert_eq!(next_zoom(0.5, Ordering::Less), 0.5);
        assert_eq!(next_zoom(1.5, Ordering::Equal), 1.0);
    }
}
