//! A picture made ready to be a layer. Making it takes time, laying it down does not: who must not wait has it made on
//! another thread.

use std::sync::Arc;

use super::PixelRect;
use super::blend::premultiplied;
use super::tile::{Grid, InkTile, NO_INK, TILE};
use crate::frame::{Frame, Size, cover_crop};

/// A picture cropped, scaled and cut into tiles for a canvas of one size.
///
/// ```
/// use afterimage::canvas::{Document, FittedPicture};
/// use afterimage::frame::{Frame, Size};
///
/// let photo = Frame::filled(Size::new(3000, 2000), [9, 90, 200, 255]);
/// let fitted = std::thread::spawn(move || FittedPicture::covering(&photo, Size::square(128))).join().unwrap();
/// let mut document = Document::new(Size::square(128), [255; 3]);
/// assert!(document.add_fitted(fitted.clone(), "Lake").is_some());
/// assert_eq!(document.pick(0.0, 127.0), Some([9, 90, 200]));
/// assert!(Document::new(Size::square(64), [255; 3]).add_fitted(fitted, "Lake").is_none());
/// ```
#[derive(Clone)]
pub struct FittedPicture {
    pub(super) ink: Grid<InkTile>,
}

impl FittedPicture {
    /// The largest part of `picture` around its middle that covers a canvas of size `canvas`.
    pub fn covering(picture: &Frame, canvas: Size) -> Self {
        let covering = cover_crop(picture, canvas);
        Self { ink: tiled(&covering, (0, 0), canvas) }
    }

    /// The size of the canvas it is for.
    pub fn size(&self) -> Size {
        self.ink.shape().size
    }
}

impl std::fmt::Debug for FittedPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FittedPicture({})", self.size())
    }
}

/// Straight pixels, from the place (`left`, `top`) on, as premultiplied tiles of a canvas of `size`.
pub(super) fn tiled(frame: &Frame, (left, top): (u32, u32), size: Size) -> Grid<InkTile> {
    let (width, pixels) = (frame.size().width, frame.pixels().as_chunks::<4>().0);
    let covered = PixelRect::new(left, top, width, frame.size().height).clipped(size);
    let mut grid = Grid::new(size);
    let shape = grid.shape();
    for index in shape.touching(covered) {
        let rect = shape.rect(index);
        let part = rect.intersection(covered);
        let mut tile = NO_INK;
        for y in part.y..part.bottom() {
            let from = &pixels[((y - top) * width + part.x - left) as usize..][..part.width as usize];
            let to = ((y - rect.y) * TILE + part.x - rect.x) as usize;
            for (to, &pixel) in tile[to..].iter_mut().zip(from) {
                *to = premultiplied(pixel);
            }
        }
        if tile.iter().any(|pixel| pixel[3] > 0) {
            grid.replace(index, Some(Arc::new(tile)));
        }
    }
    grid
}
