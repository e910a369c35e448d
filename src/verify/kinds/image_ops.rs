//! `image_ops`: resampling, and pixels to numbers and back, as the reference's image processors do it. Bytes are equal.

use crate::engine;
use crate::exec::Tensor;
use crate::frame::{Filter, Size, fit_longer_side, resample};
use crate::verify::{Case, Checks, VerifyError};

/// Compares every tensor of the case.
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let input = Picture::of(case, "input")?;
    for name in case.names() {
        let Some((filter, size)) = resampling(name) else { continue };
        checks.bytes(case, name, &input.resampled(size, filter).pixels)?;
    }
    checks.nhwc(case, "vae_preprocess", &autoencoder_input(&input))?;
    checks.float(case, "clip_preprocess_224_stride3", &clip_input(&input))?;
    postprocess(case, checks)
}

/// An RGB picture of 8 bits.
struct Picture {
    size: Size,
    pixels: Vec<u8>,
}

impl Picture {
    fn of(case: &Case<'_>, tensor: &str) -> Result<Self, VerifyError> {
        let pixels = case.bytes(tensor)?.to_vec();
        match *case.raw(tensor)?.shape {
            [height, width, 3] => Ok(Self { size: Size::new(width as u32, height as u32), pixels }),
            ref other => Err(VerifyError::Other(format!("`{tensor}` should be [h, w, 3], found {other:?}"))),
        }
    }

    fn resampled(&self, size: Size, filter: Filter) -> Self {
        Self { size, pixels: resample(&self.pixels, 3, self.size, size, filter) }
    }
}

/// `lanczos.64x40`: filter, then height x width.
fn resampling(name: &str) -> Option<(Filter, Size)> {
    let (filter, size) = name.split_once('.')?;
    let (height, width) = size.split_once('x')?;
    let filter = match filter {
        "nearest" => Filter::Nearest,
        "bilinear" => Filter::Bilinear,
        "bicubic" => Filter::Bicubic,
        "lanczos" => Filter::Lanczos,
        _ => return None,
    };
    Some((filter, Size::new(width.parse().ok()?, height.parse().ok()?)))
}

/// Sides rounded down to multiples of 8, values in -1..=1.
fn autoencoder_input(input: &Picture) -> Tensor {
    let size = fit_longer_side(input.size, input.size.longer_side(), 8);
    let picture = input.resampled(size, Filter::Lanczos);
    let values = picture.pixels.iter().map(|byte| engine::signed(*byte)).collect();
    Tensor::new([1, size.height as usize, size.width as usize, 3], values)
}

/// The shorter side to 224, the middle 224 x 224, and of that every third pixel, normalised per channel; NCHW.
fn clip_input(input: &Picture) -> Tensor {
    const SIDE: u32 = 224;
    const STRIDE: usize = 3;
    const MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
    const DEVIATION: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];
    let shorter = input.size.width.min(input.size.height);
    let side = |length: u32| (f64::from(SIDE) * f64::from(length) / f64::from(shorter)) as u32;
    let size = Size::new(side(input.size.width), side(input.size.height));
    let picture = input.resampled(size, Filter::Bicubic);
    let (left, top) = ((size.width - SIDE) as usize / 2, (size.height - SIDE) as usize / 2);
    let mut values = Vec::new();
    for channel in 0..3 {
        for y in (0..SIDE as usize).step_by(STRIDE) {
            for x in (0..SIDE as usize).step_by(STRIDE) {
                let byte = picture.pixels[((top + y) * size.width as usize + left + x) * 3 + channel];
                let unit = (f64::from(byte) * (1.0 / 255.0)) as f32;
                values.push((unit - MEAN[channel]) / DEVIATION[channel]);
            }
        }
    }
    let kept = (SIDE as usize).div_ceil(STRIDE);
    Tensor::new([1, 3, kept, kept], values)
}

/// -1..=1 to 0..=1 to bytes.
fn postprocess(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    let mut values = case.nhwc("post_in")?;
    values.data.iter_mut().for_each(|value| *value = engine::unsigned(*value));
    checks.nhwc(case, "post_01", &values)?;
    let frame = engine::frame_from_tensor(&values).map_err(VerifyError::other)?;
    let rgb: Vec<u8> = frame.pixels().chunks_exact(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
    checks.bytes(case, "post_u8", &rgb)
}
