//! Pixels in squares that exist only where something was drawn, shared until one side changes them.

use std::sync::Arc;

use super::PixelRect;
use crate::frame::Size;

/// Side of a tile in pixels.
pub(super) const TILE: u32 = 64;
/// Pixels in a tile.
pub(super) const TILE_AREA: usize = (TILE * TILE) as usize;

/// Premultiplied RGBA8, rows from the top.
pub(super) type InkTile = [[u8; 4]; TILE_AREA];
/// How much of each pixel a stroke covers, 0 to 65535.
pub(super) type MaskTile = [u16; TILE_AREA];

/// A tile of nothing.
pub(super) const NO_INK: InkTile = [[0; 4]; TILE_AREA];
/// A tile no stroke has touched.
pub(super) const NO_MASK: MaskTile = [0; TILE_AREA];

/// The tiles of a canvas by rows; none where nothing was drawn.
#[derive(Clone, Debug)]
pub(super) struct Grid<T> {
    shape: Shape,
    tiles: Vec<Option<Arc<T>>>,
}

impl<T> Grid<T> {
    /// A grid over a canvas of `size` with no tile.
    pub fn new(size: Size) -> Self {
        let shape = Shape::of(size);
        Self { shape, tiles: vec![None; shape.count()] }
    }

    /// How the canvas is cut.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The tile at `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<&Arc<T>> {
        self.tiles.get(index).and_then(Option::as_ref)
    }

    /// Puts `tile` at `index` and gives back what was there.
    pub fn replace(&mut self, index: usize, tile: Option<Arc<T>>) -> Option<Arc<T>> {
        self.tiles.get_mut(index).and_then(|slot| std::mem::replace(slot, tile))
    }

    /// Indices of the tiles that exist.
    pub fn present(&self) -> impl Iterator<Item = usize> + '_ {
        self.tiles.iter().enumerate().filter(|(_, tile)| tile.is_some()).map(|(index, _)| index)
    }
}

impl<T: Copy> Grid<T> {
    /// The tile at `index` for changing: copied first if shared, made of `blank` if missing.
    pub fn get_mut(&mut self, index: usize, blank: &T) -> &mut T {
        Arc::make_mut(self.tiles[index].get_or_insert_with(|| Arc::new(*blank)))
    }
}

/// How a canvas is cut into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The canvas.
    pub size: Size,
    /// Tiles across.
    pub columns: usize,
    /// Tiles down.
    pub rows: usize,
}

impl Shape {
    /// The cut of a canvas of `size`.
    pub fn of(size: Size) -> Self {
        Self { size, columns: size.width.div_ceil(TILE) as usize, rows: size.height.div_ceil(TILE) as usize }
    }

    /// The number of tiles.
    pub fn count(self) -> usize {
        self.columns * self.rows
    }

    /// The pixels of tile `index` that lie on the canvas.
    pub fn rect(self, index: usize) -> PixelRect {
        let (column, row) = ((index % self.columns) as u32, (index / self.columns) as u32);
        PixelRect::new(column * TILE, row * TILE, TILE, TILE).clipped(self.size)
    }

    /// The tiles that share a pixel with `rect`.
    pub fn touching(self, rect: PixelRect) -> impl Iterator<Item = usize> {
        let rect = rect.clipped(self.size);
        let columns = if rect.is_empty() { 0..0 } else { rect.x / TILE..(rect.right() - 1) / TILE + 1 };
        let rows = rect.y / TILE..rect.bottom().saturating_sub(1) / TILE + 1;
        rows.flat_map(move |row| columns.clone().map(move |column| row as usize * self.columns + column as usize))
    }
}
