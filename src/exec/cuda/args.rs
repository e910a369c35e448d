//! The arguments of a launch, as the kernels of `shaders/cuda/args.cuh` read them: one structure, field after field.

use super::packing::TOGETHER as EIGHT;
use super::plan::Post;
use crate::exec::planner::{Kind, MAX_POSTS, View};
use crate::graph::Activation;

/// Bytes of a structure, each field where a C compiler puts it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args {
    bytes: Vec<u8>,
}

/// A value in device memory: where its piece of memory begins, and where it lies in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Address of the memory the view counts from.
    pub memory: u64,
    /// The view.
    pub view: View,
    /// Whether its numbers are fp8. Its channels are seen as half as many of 16 bits then, as products see them.
    pub fp8: bool,
}

impl Placed {
    /// Address of the first element.
    pub fn address(&self) -> u64 {
        self.memory.wrapping_add((self.view.offset * bytes_of(self.view.kind)) as u64)
    }

    /// Whether every pixel begins at 16 bytes and is whole sixteens, if its numbers are of 16 bits: `in_eights` of the kernels.
    pub fn in_eights(&self) -> bool {
        let View { image, row, pixel, c, .. } = self.view;
        let sixteen = (EIGHT * size_of::<u16>()) as u64;
        self.address().is_multiple_of(sixteen) && [image, row, pixel, c].iter().all(|step| step.is_multiple_of(EIGHT))
    }
}

/// Bytes of an element.
pub fn bytes_of(kind: Kind) -> usize {
    size_of::<f32>() / kind.per_cell()
}

impl Args {
    /// Zeros up to a multiple of so many bytes.
    pub fn aligned(mut self, to: usize) -> Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
        self
    }

    /// Bytes that lie at a multiple of their number.
    pub fn put(mut self, bytes: &[u8]) -> Self {
        self = self.aligned(bytes.len());
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// All of another one.
    pub fn then(self, other: &Self) -> Self {
        let mut all = self.aligned(8);
        all.bytes.extend_from_slice(&other.bytes);
        all
    }

    /// An integer.
    pub fn int(self, value: usize) -> Self {
        self.put(&(value as i32).to_ne_bytes())
    }

    /// A number.
    pub fn float(self, value: f32) -> Self {
        self.put(&value.to_ne_bytes())
    }

    /// An address, 0 for nothing.
    pub fn pointer(self, address: u64) -> Self {
        self.put(&address.to_ne_bytes())
    }

    /// A value. Of one whose numbers are fp8, each of them.
    pub fn view(self, placed: &Placed) -> Self {
        let View { n, h, w, c, image, row, pixel, kind, .. } = placed.view;
        if placed.fp8 {
            let pairs = self.pointer(placed.address()).put(&(2 * image as i64).to_ne_bytes());
            return [2 * row, 2 * pixel, n, h, w, 2 * c, 2].into_iter().fold(pairs, Self::int).aligned(8);
        }
        let kind = match kind {
            Kind::F32 => 0,
            Kind::Half => 1,
        };
        let all = self.pointer(placed.address()).put(&(image as i64).to_ne_bytes());
        [row, pixel, n, h, w, c, kind].into_iter().fold(all, Self::int).aligned(8)
    }

    /// No value.
    pub fn no_view(self) -> Self {
        let (kind, offset) = (Kind::F32, 0);
        let view = View { kind, offset, n: 0, h: 0, w: 0, c: 0, image: 0, row: 0, pixel: 0 };
        self.view(&Placed { memory: 0, view, fp8: false })
    }

    /// What follows element by element.
    pub fn posts(self, posts: &[Post]) -> Self {
        let all = self.int(posts.len()).aligned(8);
        let all = posts.iter().fold(all, |all, post| match *post {
            Post::Activate(activation) => all.post(code(activation), [0.0, 0.0]).no_view(),
            Post::Affine { scale, shift } => all.post(5, [scale, shift]).no_view(),
            Post::Add(other) => all.post(6, [0.0, 0.0]).view(&other),
            Post::Mul(other) => all.post(7, [0.0, 0.0]).view(&other),
        });
        (posts.len()..MAX_POSTS).fold(all, |all, _| all.post(0, [0.0, 0.0]).no_view())
    }

    fn post(self, what: usize, [a, b]: [f32; 2]) -> Self {
        self.int(what).float(a).float(b).aligned(8)
    }

    /// The whole structure.
    pub fn finish(self) -> Box<[u64]> {
        let bytes = self.aligned(8).bytes;
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        // The device is little-endian, and so is every host that has one.
        bytes.chunks(8).map(word).collect()
    }
}

fn code(activation: Activation) -> usize {
    match activation {
        Activation::Silu => 0,
        Activation::Gelu => 1,
        Activation::QuickGelu => 2,
        Activation::Relu => 3,
        Activation::Tanh => 4,
    }
}
