//! Which tiles changed since somebody last looked. Knows no pixels.

use super::PixelRect;
use super::tile::Shape;

/// A set of tiles.
#[derive(Clone, Debug)]
pub(super) struct Dirty {
    shape: Shape,
    marks: Vec<bool>,
    any: bool,
}

impl Dirty {
    /// The empty set.
    pub fn none(shape: Shape) -> Self {
        Self { shape, marks: vec![false; shape.count()], any: false }
    }

    /// Every tile.
    pub fn all(shape: Shape) -> Self {
        Self { shape, marks: vec![true; shape.count()], any: true }
    }

    /// Adds a tile.
    pub fn mark(&mut self, index: usize) {
        if let Some(mark) = self.marks.get_mut(index) {
            *mark = true;
            self.any = true;
        }
    }

    /// Adds every tile.
    pub fn mark_all(&mut self) {
        self.marks.fill(true);
        self.any = true;
    }

    /// True when no tile is in it.
    pub fn is_empty(&self) -> bool {
        !self.any
    }

    /// Adds all tiles of another set.
    pub fn join(&mut self, other: &Self) {
        for index in other.tiles() {
            self.mark(index);
        }
    }

    /// The tiles in it, by rows.
    pub fn tiles(&self) -> impl Iterator<Item = usize> + '_ {
        let marks = if self.any { self.marks.as_slice() } else { &[] };
        marks.iter().enumerate().filter(|&(_, &mark)| mark).map(|(index, _)| index)
    }

    /// The set as few rectangles, which is then empty: runs of each row, and equal runs of neighbouring rows together.
    pub fn take(&mut self) -> Vec<PixelRect> {
        let mut rects: Vec<PixelRect> = Vec::new();
        let mut run: Option<PixelRect> = None;
        for index in self.tiles() {
            let tile = self.shape.rect(index);
            match &mut run {
                Some(run) if run.y == tile.y && run.right() == tile.x => run.width += tile.width,
                _ => {
                    stacked(&mut rects, run.replace(tile));
                }
            }
        }
        stacked(&mut rects, run);
        self.marks.fill(false);
        self.any = false;
        rects
    }
}

/// Adds `run` to `rects`, below an equally wide one if there is one right above.
fn stacked(rects: &mut Vec<PixelRect>, run: Option<PixelRect>) {
    let Some(run) = run else { return };
    let above = rects.iter_mut().find(|rect| rect.bottom() == run.y && rect.x == run.x && rect.width == run.width);
    match above {
        Some(rect) => rect.height += run.height,
        None => rects.push(run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    #[test]
    fn everything_is_one_rectangle() {
        let size = Size::new(200, 130);
        let mut dirty = Dirty::all(Shape::of(size));
        assert_eq!(dirty.take(), [PixelRect::whole(size)]);
        assert!(dirty.is_empty() && dirty.take().is_empty());
    }

    #[test]
    fn rectangles_cover_exactly_the_marked_tiles() {
        let shape = Shape::of(Size::new(300, 300));
        for seed in 0..200_usize {
            let mut dirty = Dirty::none(shape);
            let marked: Vec<usize> = (0..shape.count()).filter(|index| (index * 7 + seed * seed) % 5 < 2).collect();
            for &index in &marked {
                dirty.mark(index);
            }
            let rects = dirty.take();
            for index in 0..shape.count() {
                let tile = shape.rect(index);
                let holders = rects.iter().filter(|rect| rect.intersection(tile) == tile).count();
                assert_eq!(holders, usize::from(marked.contains(&index)), "tile {index}");
            }
            assert_eq!(
                rects.iter().map(|r| r.area()).sum::<usize>(),
                marked.iter().map(|&i| shape.rect(i).area()).sum::<usize>()
            );
        }
    }
}
