//! A picture made ready to be a layer. Making it takes time, laying it down does not: who must not wait has it made on
//! another thread.

use std::sync::Arc;

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
        Self { ink: tiled(covering.pixels().as_chunks::<4>().0, covering.size()) }
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

/// Straight pixels of a canvas of `size` as premultiplied tiles.
fn tiled(pixels: &[[u8; 4]], size: Size) -> Grid<InkTile> {
    let mut grid = Grid::new(size);
    for index in 0..grid.shape().count() {
        let rect = grid.shape().rect(index);
        let mut tile = NO_INK;
        for (row, y) in (rect.y..rect.bottom()).enumerate() {
            let from = &pixels[(y * size.width + rect.x) as usize..][..rect.width as usize];
            for (to, &pixel) in tile[row * TILE as usize..].iter_mut().zip(from) {
                *to = premultiplied(pixel);
            }
        }
        if tile.iter().any(|pixel| pixel[3] > 0) {
            grid.replace(index, Some(Arc::new(tile)));
        }
    }
    grid
}
