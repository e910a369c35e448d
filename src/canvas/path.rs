//! From pointer samples to a smooth line: midpoints are joined by quadratic curves with the samples as control points,
//! so a fast stroke of few samples is round. Knows no pixels.

/// A place on the line and how wide the line is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    /// Canvas pixels from the left.
    pub x: f32,
    /// Canvas pixels from the top.
    pub y: f32,
    /// Half the width, in pixels.
    pub radius: f32,
}

impl Node {
    /// The node at `t` between two.
    pub fn between(self, other: Self, t: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * t;
        Self { x: mix(self.x, other.x), y: mix(self.y, other.y), radius: mix(self.radius, other.radius) }
    }

    /// How far apart two nodes are, in pixels.
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A straight piece of the line, its ends included.
pub(super) type Piece = [Node; 2];

/// What one more sample adds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Growth {
    /// Pieces that stay.
    pub solid: Vec<Piece>,
    /// From there to the pen; replaced with the next sample.
    pub tail: Vec<Piece>,
}

/// The line so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    /// Where the solid part ends: between the last two samples. None until there are two.
    middle: Option<Node>,
    last: Option<Node>,
}

/// Samples closer than this do not bend the line, in pixels: a slow mouse reports whole pixels, and their stairs would show.
const SPACING_PX: f32 = 3.0;
/// Moves shorter than this are the same place, in pixels.
const SAME_PLACE_PX: f32 = 0.05;
/// How far a straight piece may be off the curve, in pixels.
const FLATNESS_PX: f32 = 0.08;

impl Path {
    /// Adds a sample.
    pub fn add(&mut self, node: Node) -> Growth {
        let Some(last) = self.last else {
            self.last = Some(node);
            return Growth { solid: Vec::new(), tail: vec![[node, node]] };
        };
        let moved = last.distance(node);
        if moved < SPACING_PX {
            if moved < SAME_PLACE_PX {
                self.last = Some(Node { radius: last.radius.max(node.radius), ..last });
            }
            let tail = self.middle.map_or_else(|| vec![[last, node]], |middle| flattened(middle, last, node));
            return Growth { solid: Vec::new(), tail };
        }
        let middle = last.between(node, 0.5);
        let solid = match self.middle {
            Some(before) => flattened(before, last, middle),
            None => vec![[last, middle]],
        };
        self.middle = Some(middle);
        self.last = Some(node);
        Growth { solid, tail: vec![[middle, node]] }
    }

    /// Lets the line begin at another width, while it is still only a dot.
    pub fn begin_with(&mut self, radius: f32) {
        if let (None, Some(last)) = (self.middle, &mut self.last) {
            last.radius = radius;
        }
    }
}

/// A quadratic curve as straight pieces.
fn flattened(from: Node, control: Node, to: Node) -> Vec<Piece> {
    let bend = (from.x - 2.0 * control.x + to.x).hypot(from.y - 2.0 * control.y + to.y) / 4.0;
    let count = (bend / FLATNESS_PX).sqrt().ceil().clamp(1.0, 64.0) as usize;
    let at = |i: usize| {
        let t = i as f32 / count as f32;
        from.between(control, t).between(control.between(to, t), t)
    };
    (0..count).map(|i| [at(i), at(i + 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(x: f32, y: f32) -> Node {
        Node { x, y, radius: 1.0 }
    }

    #[test]
    fn the_line_is_unbroken_and_reaches_the_pen() {
        let mut path = Path::default();
        let mut end: Option<Node> = None;
        for i in 0..40_i16 {
            let angle = f32::from(i) * 0.7;
            let sample = node(100.0 + 60.0 * angle.cos(), 100.0 + 60.0 * angle.sin());
            let growth = path.add(sample);
            for [from, to] in growth.solid {
                assert!(end.is_none_or(|end| end.distance(from) < 1e-3));
                end = Some(to);
            }
            let [from, to] = growth.tail[0];
            assert!(end.is_none_or(|end| end.distance(from) < 1e-3) && to == sample);
        }
    }

    #[test]
    fn a_fast_circle_is_round() {
        let mut path = Path::default();
        let mut radii = Vec::new();
        for i in 0..24_i16 {
            let angle = f32::from(i) * std::f32::consts::TAU / 12.0;
            let growth = path.add(node(100.0 * angle.cos(), 100.0 * angle.sin()));
            radii.extend(growth.solid.iter().skip(1).map(|[_, to]| to.x.hypot(to.y)));
        }
        let (low, high) = radii.iter().fold((f32::MAX, 0.0_f32), |(low, high), &r| (low.min(r), high.max(r)));
        assert!(high - low < 1.0, "{low} to {high}");
    }

    #[test]
    fn standing_still_adds_no_piece_but_may_widen() {
        let mut path = Path::default();
        path.add(node(5.0, 5.0));
        let growth = path.add(Node { radius: 3.0, ..node(5.0, 5.0) });
        assert!(growth.solid.is_empty() && growth.tail[0][1].radius == 3.0);
    }

    #[test]
    fn a_slow_slanting_line_of_whole_pixels_has_no_stairs() {
        let mut path = Path::default();
        for x in 0..400_u16 {
            let x = f32::from(x) * 0.5;
            let growth = path.add(node(x.round(), (x * 0.3).round()));
            assert_eq!(growth.tail.last().unwrap()[1].x, x.round());
            for [from, to] in growth.solid.iter().filter(|_| x > 10.0) {
                let off = (to.y - to.x * 0.3).abs();
                let slope = (to.y - from.y) / (to.x - from.x);
                assert!(off < 0.6 && (-0.05..0.7).contains(&slope), "{from:?} {to:?}");
            }
        }
    }
}
