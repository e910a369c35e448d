//! Every colour of the window. No colour literal stands anywhere else.

use egui::Color32;

/// The colours of one look.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Whether this is the light look.
    pub light: bool,
    /// Behind the pictures.
    pub stage: Color32,
    /// Bars and panels.
    pub panel: Color32,
    /// Text fields.
    pub well: Color32,
    /// Separators.
    pub line: Color32,
    /// Raised and hovered controls.
    pub raised: Color32,
    /// Text.
    pub text: Color32,
    /// Quiet text.
    pub quiet: Color32,
    /// The accent as a fill.
    pub accent: Color32,
    /// The accent as text, not on raised.
    pub accent_text: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Good news.
    pub good: Color32,
    /// Warnings.
    pub warn: Color32,
    /// Bad news.
    pub bad: Color32,
    /// Under what floats.
    pub shadow: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

impl Theme {
    /// The dark look.
    pub const fn dark() -> Self {
        Self {
            light: false,
            stage: rgb(0x191b1e),
            panel: rgb(0x202327),
            well: rgb(0x16181a),
            line: rgb(0x2d3136),
            raised: rgb(0x343a40),
            text: rgb(0xe7e5e0),
            quiet: rgb(0xa6acb2),
            accent: rgb(0xff7a59),
            accent_text: rgb(0xff7a59),
            on_accent: rgb(0x191b1e),
            good: rgb(0x7bd88f),
            warn: rgb(0xf2c14e),
            bad: rgb(0xff8a8a),
            shadow: Color32::from_black_alpha(110),
        }
    }

    /// The light look.
    pub const fn light() -> Self {
        Self {
            light: true,
            stage: rgb(0xd9d8d4),
            panel: rgb(0xf4f3f0),
            well: rgb(0xffffff),
            line: rgb(0xd5d3cd),
            raised: rgb(0xe6e4df),
            text: rgb(0x22252a),
            quiet: rgb(0x575c63),
            accent: rgb(0xcf4a26),
            accent_text: rgb(0xa83818),
            on_accent: rgb(0xffffff),
            good: rgb(0x1b6b33),
            warn: rgb(0x735000),
            bad: rgb(0xa8232b),
            shadow: Color32::from_black_alpha(45),
        }
    }
}

impl Theme {
    /// The look by its setting.
    pub const fn of(light: bool) -> Self {
        if light { Self::light() } else { Self::dark() }
    }

    /// What a handle that one drags is filled with.
    pub const fn handle(&self) -> Color32 {
        if self.light { self.well } else { self.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(colour: Color32) -> f64 {
        let linear = |byte: u8| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_can_be_read() {
        for theme in [Theme::dark(), Theme::light()] {
            let grounds = [("stage", theme.stage), ("panel", theme.panel), ("well", theme.well)];
            let texts = [
                ("text", theme.text),
                ("quiet", theme.quiet),
                ("accent", theme.accent_text),
                ("good", theme.good),
                ("warn", theme.warn),
                ("bad", theme.bad),
            ];
            let mut pairs = vec![
                ("text on raised", theme.text, theme.raised),
                ("quiet on raised", theme.quiet, theme.raised),
                ("text on line", theme.text, theme.line),
                ("on accent", theme.on_accent, theme.accent),
            ];
            for (_, ground) in grounds {
                pairs.extend(texts.map(|(name, text)| (name, text, ground)));
            }
            for (name, text, ground) in pairs {
                let ratio = contrast(text, ground);
                assert!(ratio >= 4.5, "{name}, light {}: {text:?} on {ground:?} has {ratio:.2}", theme.light);
            }
        }
    }

    #[test]
    fn black_on_white_is_twenty_one() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
    }
}
