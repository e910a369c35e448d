//! Tensor maps: tensors whose boxes a GPU of compute capability 9.0 copies by itself (TMA, the tensor memory accelerator), as its
//! driver describes them, and the rectangles into which the maps of products are cut for that (`BulkArgs` in `args.cuh`).

use std::ffi::c_void;

use cudarc::driver::sys::{
    self, CUtensorMap, CUtensorMapDataType, CUtensorMapFloatOOBfill, CUtensorMapInterleave, CUtensorMapL2promotion,
    CUtensorMapSwizzle,
};

use super::args::Placed;
use super::device::trouble;
use super::kernels::SLICE;
use super::tiles::{Cut, Extent};
use crate::exec::ExecError;
use crate::exec::planner::View;

/// Bytes of the driver's description, which nobody else reads.
pub type TensorMap = [u8; size_of::<CUtensorMap>()];

/// A tensor of 16-bit numbers with four axes, the first of which is dense.
pub struct Tensor {
    /// Address of the first number.
    pub address: u64,
    /// Numbers along each axis.
    pub extent: [usize; 4],
    /// Numbers from one to the next along all axes but the first.
    pub strides: [usize; 3],
    /// Numbers of a box along each axis, the first [`SLICE`] at most, and every how manieth of the tensor's they are.
    pub boxed: [usize; 4],
    /// See `boxed`.
    pub steps: [usize; 4],
}

impl Tensor {
    /// What kernels are given of it.
    ///
    /// # Errors
    /// The driver's.
    pub fn encode(&self) -> Result<TensorMap, ExecError> {
        let mut map = CUtensorMap { opaque: [0; 16] };
        let extent = self.extent.map(|count| count as u64);
        let strides = self.strides.map(|numbers| (numbers * size_of::<u16>()) as u64);
        let mut boxed = [0; 4];
        for ((all, count), step) in boxed.iter_mut().zip(self.boxed).zip(self.steps) {
            *all = (count * step) as u32;
        }
        let steps = self.steps.map(|step| step as u32);
        // SAFETY: the driver reads as many numbers as there are axes and writes one description.
        #[expect(unsafe_code, reason = "cudarc has no safe call for it")]
        let encoded = unsafe {
            sys::cuTensorMapEncodeTiled(
                &raw mut map,
                CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_UINT16,
                extent.len() as u32,
                self.address as *mut c_void,
                extent.as_ptr(),
                strides.as_ptr(),
                boxed.as_ptr(),
                steps.as_ptr(),
                CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
                CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B,
                CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
            )
        };
        encoded.result().map_err(|error| trouble("describing a tensor to the driver", error))?;
        let mut bytes = [0; size_of::<CUtensorMap>()];
        for (to, word) in bytes.chunks_exact_mut(size_of::<u64>()).zip(map.opaque) {
            to.copy_from_slice(&word.to_ne_bytes());
        }
        Ok(bytes)
    }
}

/// How tiles of some pixels lie on a map: each is `1 << wide` pixels wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rectangles {
    /// Two to this power is the width.
    pub wide: usize,
    /// Tiles side by side.
    pub across: usize,
    /// Tiles below each other.
    pub down: usize,
}

impl Rectangles {
    /// As few as can be, of so many pixels, a power of two; of those the widest.
    pub fn new(pixels: usize, extent: &Extent) -> Self {
        let [n, h, w] = extent.map;
        if extent.in_line() {
            return Self { wide: pixels.ilog2() as usize, across: (n * h * w).div_ceil(pixels), down: 1 };
        }
        let of = |wide: usize| Self { wide, across: w.div_ceil(1 << wide), down: h.div_ceil(pixels >> wide) };
        let all = (0..=pixels.ilog2() as usize).rev().map(of);
        all.min_by_key(|way| way.across * way.down).unwrap_or(of(0))
    }

    /// Of all samples.
    pub fn count(&self, extent: &Extent) -> usize {
        let samples = if extent.in_line() { 1 } else { extent.map[0] };
        samples * self.across * self.down
    }
}

/// Of the pixels of a block's tile, the boxes that it brings itself.
///
/// # Errors
/// The driver's.
pub fn pixels(input: &Placed, extent: &Extent, cut: &Cut) -> Result<TensorMap, ExecError> {
    let View { n, h, w, c, image, row, pixel, .. } = input.view;
    let part = cut.tile.pixels / cut.multicast[1];
    let wide = (1 << Rectangles::new(cut.tile.pixels, extent).wide).min(part);
    let (along, strides) =
        if extent.in_line() { ([c, n * h * w, 1, 1], [pixel; 3]) } else { ([c, w, h, n], [pixel, row, image]) };
    let steps = [1, extent.stride, extent.stride, 1];
    Tensor { address: input.address(), extent: along, strides, boxed: [SLICE, wide, part / wide, 1], steps }.encode()
}

/// Of the weights of a block's tile, the boxes that it brings itself. Values and gates change places every eight rows.
///
/// # Errors
/// The driver's.
pub fn weights(address: u64, extent: &Extent, cut: &Cut) -> Result<TensorMap, ExecError> {
    let (depth, part) = (extent.depth(), cut.tile.outputs / cut.multicast[0]);
    let (along, strides, boxed) = if extent.gated {
        let values = extent.rows / 2;
        ([depth, 8, 2, values / 8], [depth, depth * values, depth * 8], [SLICE, 8, 2, part / 16])
    } else {
        ([depth, extent.rows, 1, 1], [depth; 3], [SLICE, part, 1, 1])
    };
    Tensor { address, extent: along, strides, boxed, steps: [1; 4] }.encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(map: [usize; 3], line: bool) -> Extent {
        Extent { map, rows: 320, inputs: 320, taps: 9, stride: 1, doubled: false, gated: false, line, fp8: false }
    }

    #[test]
    fn rectangles_cover_a_map_with_few_tiles() {
        let of = |pixels, n, h, w| {
            let extent = extent([n, h, w], false);
            let way = Rectangles::new(pixels, &extent);
            assert!(way.across << way.wide >= w && way.down * (pixels >> way.wide) >= h);
            (1 << way.wide, way.count(&extent))
        };
        assert_eq!(of(64, 1, 64, 64), (64, 64));
        assert_eq!(of(128, 1, 32, 32), (32, 8));
        assert_eq!(of(64, 2, 8, 8), (8, 2));
        assert_eq!(of(128, 1, 96, 48), (16, 36));
        assert_eq!(of(64, 1, 1, 77), (64, 2), "a line of tokens");
        assert_eq!(of(64, 1, 40, 40), (8, 25));
    }

    #[test]
    fn one_tap_needs_no_rectangles_where_pixels_are_one_line() {
        let extent = Extent { taps: 1, ..extent([2, 10, 10], true) };
        let way = Rectangles::new(64, &extent);
        assert_eq!((way.wide, way.across, way.down, way.count(&extent)), (6, 4, 1, 4));
    }
}
