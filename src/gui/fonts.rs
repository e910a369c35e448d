//! The fonts of the window: Inter for text, one family of icons. Other scripts come from egui's and the system's fonts.

use std::sync::Arc;

use egui::{Context, FontData, FontDefinitions, FontFamily, RichText};

/// Inter, subset, with digits of one width (OFL, see `assets/fonts`).
const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.ttf");
/// The same in semibold.
const SEMIBOLD: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.ttf");
/// Name of the semibold family.
const STRONG: &str = "strong";

/// Gives egui our fonts.
pub fn install(ctx: &Context) {
    let mut fonts = FontDefinitions::default();
    fonts.font_data.insert("inter".into(), Arc::new(FontData::from_static(REGULAR)));
    fonts.font_data.insert("inter-semibold".into(), Arc::new(FontData::from_static(SEMIBOLD)));
    let fallbacks = fonts.families.entry(FontFamily::Proportional).or_default();
    fallbacks.insert(0, "inter".into());
    let mut strong = fallbacks.clone();
    strong.insert(0, "inter-semibold".into());
    fonts.families.insert(FontFamily::Name(STRONG.into()), strong);
    ctx.set_fonts(fonts);
    egui_material_icons::initialize(ctx);
}

/// Semibold text.
pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).family(FontFamily::Name(STRONG.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_digits_are_equally_wide() {
        let ctx = Context::default();
        install(&ctx);
        let _ = ctx.run_ui(egui::RawInput::default(), |ui| {
            let width = |digit: char| {
                let font = egui::FontId::proportional(13.0);
                ui.painter().layout_no_wrap(digit.to_string().repeat(8), font, egui::Color32::PLACEHOLDER).size().x
            };
            for digit in '1'..='9' {
                assert_eq!(width(digit), width('0'), "{digit}");
            }
        });
    }
}
