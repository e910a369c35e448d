//! The window's icon: a painted dot and its after-image, drawn here so that no file is needed.

use egui::IconData;

use super::theme::Theme;

/// Pixels on a side.
const SIDE: u32 = 64;

/// Draws the icon.
pub fn window_icon() -> IconData {
    let theme = Theme::dark();
    let rgba = (0..SIDE * SIDE).flat_map(|at| pixel(at % SIDE, at / SIDE, &theme)).collect();
    IconData { rgba, width: SIDE, height: SIDE }
}

fn pixel(x: u32, y: u32, theme: &Theme) -> [u8; 4] {
    let (x, y) = (x as f32 + 0.5, y as f32 + 0.5);
    let dot = |cx: f32, cy: f32, radius: f32| (radius - (x - cx).hypot(y - cy) + 0.5).clamp(0.0, 1.0);
    let plate = dot(32.0, 32.0, 31.0);
    let mut colour = theme.panel.to_array().map(f32::from);
    for (cx, strength) in [(42.0, 0.25), (34.0, 0.5), (25.0, 1.0)] {
        let cover = dot(cx, 32.0, 13.0) * strength;
        for (channel, accent) in colour.iter_mut().zip(theme.accent.to_array()) {
            *channel += (f32::from(accent) - *channel) * cover;
        }
    }
    [colour[0] as u8, colour[1] as u8, colour[2] as u8, (plate * 255.0) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_round_with_an_accent_dot() {
        let icon = window_icon();
        let pixel = |x: u32, y: u32| &icon.rgba[((y * SIDE + x) * 4) as usize..][..4];
        assert_eq!(pixel(0, 0)[3], 0);
        assert_eq!(pixel(25, 32), Theme::dark().accent.to_array());
    }
}
