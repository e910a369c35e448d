//! A generated pen for measuring: it draws a wandering stroke and starts over when the sheet is full.

use std::time::{Duration, Instant};

use crate::frame::{Frame, Size};

/// How long a sheet lasts.
const SHEET: Duration = Duration::from_secs(4);
/// Paper.
const PAPER: [u8; 4] = [255, 255, 255, 255];
/// Ink of each sheet in turn.
const INKS: [[u8; 4]; 3] = [[0xd6, 0x2f, 0x2f, 255], [0x2f, 0x7d, 0x3a, 255], [0x2f, 0x4f, 0xd6, 255]];

/// A pen that moves by itself.
pub struct Pen {
    sheet: Frame,
    count: u64,
    sheets: u64,
}

impl Pen {
    /// A pen on an empty sheet of `size`.
    pub fn new(size: Size) -> Self {
        Self { sheet: Frame::filled(size, PAPER), count: 0, sheets: 0 }
    }

    /// The sheet after the pen moved to where it is `elapsed` after the start.
    pub fn draw(&mut self, elapsed: Duration) -> Frame {
        let sheets = elapsed.as_millis() as u64 / SHEET.as_millis() as u64;
        if sheets != self.sheets {
            self.sheets = sheets;
            self.sheet = Frame::filled(self.sheet.size(), PAPER);
        }
        let t = elapsed.as_secs_f64();
        let at = |speed: f64| 0.5 + 0.35 * (t * speed).sin();
        self.dab(at(2.3), at(3.1), INKS[(sheets % 3) as usize]);
        self.count += 1;
        self.sheet.clone().stamped(self.count, Instant::now())
    }

    /// A round dab at (`x`, `y`), both 0..=1.
    fn dab(&mut self, x: f64, y: f64, ink: [u8; 4]) {
        let size = self.sheet.size();
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let (x_px, y_px, radius_px) = (x * width, y * height, 0.06 * width.min(height));
        let range = |centre: f64, limit: f64| {
            ((centre - radius_px).max(0.0) as usize)..((centre + radius_px + 1.0).clamp(0.0, limit) as usize)
        };
        let pixels = self.sheet.pixels_mut();
        for row in range(y_px, height) {
            for column in range(x_px, width) {
                if (column as f64 + 0.5 - x_px).hypot(row as f64 + 0.5 - y_px) < radius_px {
                    let start = (row * size.width as usize + column) * 4;
                    pixels[start..start + 4].copy_from_slice(&ink);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_movement_changes_the_sheet() {
        let mut pen = Pen::new(Size::new(64, 32));
        let first = pen.draw(Duration::ZERO);
        let second = pen.draw(Duration::from_millis(200));
        assert_ne!(first.pixels(), second.pixels());
        assert_eq!((first.id, second.id), (1, 2));
        assert_eq!(first.pixel(32, 16), INKS[0]);
    }

    #[test]
    fn a_full_sheet_is_replaced() {
        let mut pen = Pen::new(Size::square(32));
        pen.draw(Duration::ZERO);
        let ink = |frame: &Frame| frame.pixels().chunks(4).filter(|pixel| *pixel != PAPER).count();
        let later = pen.draw(SHEET + Duration::from_millis(700));
        assert!(ink(&later) < 40, "only one dab: {}", ink(&later));
    }
}
