//! A rectangle of fractional pixels or texels. Knows no unit.

/// A rectangle from `min` to `max`, empty when a side is not positive.
///
/// ```
/// use afterimage::display::Area;
///
/// let pane = Area::new([0.0, 0.0], [100.0, 50.0]);
/// assert_eq!(pane.intersection(Area::new([90.0, 0.0], [200.0, 10.0])).size(), [10.0, 10.0]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Left and top.
    pub min: [f32; 2],
    /// Right and bottom.
    pub max: [f32; 2],
}

impl Area {
    /// From `min` to `max`.
    pub const fn new(min: [f32; 2], max: [f32; 2]) -> Self {
        Self { min, max }
    }

    /// Width and height; never negative.
    pub fn size(self) -> [f32; 2] {
        [(self.max[0] - self.min[0]).max(0.0), (self.max[1] - self.min[1]).max(0.0)]
    }

    /// The middle.
    pub fn centre(self) -> [f32; 2] {
        [(self.min[0] + self.max[0]) / 2.0, (self.min[1] + self.max[1]) / 2.0]
    }

    /// True when nothing is in it.
    pub fn is_empty(self) -> bool {
        !(self.max[0] > self.min[0] && self.max[1] > self.min[1])
    }

    /// The part both have; empty when there is none.
    pub fn intersection(self, other: Self) -> Self {
        Self::new(
            [self.min[0].max(other.min[0]), self.min[1].max(other.min[1])],
            [self.max[0].min(other.max[0]), self.max[1].min(other.max[1])],
        )
    }

    /// The same with every edge on a whole number.
    pub fn rounded(self) -> Self {
        Self::new(self.min.map(f32::round), self.max.map(f32::round))
    }
}
