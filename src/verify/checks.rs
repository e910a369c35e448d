//! Comparisons of one case against its reference, each with its limit.

use std::collections::BTreeSet;

use super::case::nchw_from_nhwc;
use super::{Case, VerifyError};
use crate::exec::Tensor;
use crate::weights::RawData;

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The reference tensor.
    pub tensor: String,
    /// Largest absolute difference; infinite for a NaN or another shape.
    pub error: f64,
    /// What it may be.
    pub limit: f64,
    /// Largest error over limit of any element. At most 1 passes.
    pub ratio: f64,
    /// What else is wrong, in words.
    pub remark: String,
}

impl Check {
    /// Whether the difference is within the limit.
    pub fn passed(&self) -> bool {
        self.ratio <= 1.0
    }
}

/// The comparisons of one case.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// In the order they were made.
    pub list: Vec<Check>,
    /// Parts of the case that there is no code for yet.
    pub not_yet: BTreeSet<String>,
    /// What the executor rounds, as a part of a tensor's largest value: allowed beside every limit of floats.
    pub rounding: f64,
}

impl Checks {
    /// Says aloud that a part of the case is not judged, for there is no code for it yet.
    pub fn not_yet(&mut self, part: &str) {
        self.not_yet.insert(part.into());
    }

    /// Compares floats in the reference's own layout: 10 x the recorded float64 error + 1e-6 x the largest value, and what the
    /// executor rounds; a reference stored in 16 bit also allows one unit in its last place.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`] when the case has no such tensor.
    pub fn float(&mut self, case: &Case<'_>, tensor: &str, got: &Tensor) -> Result<(), VerifyError> {
        let recorded = case.entry.tensors.get(tensor).and_then(|info| info.err.get("f64")).copied().unwrap_or(0.0);
        let reference = case.float(tensor)?;
        let largest = reference.data.iter().fold(0.0f64, |m, v| m.max(f64::from(v.abs())));
        let limit = 10.0 * recorded + (1e-6 + self.rounding) * largest;
        let unit: fn(f64) -> f64 = match case.raw(tensor)?.data {
            RawData::F16(_) => |v| f64::exp2(v.abs().max(f64::exp2(-14.0)).log2().floor() - 10.0),
            RawData::Bf16(_) => |v| f64::exp2(v.abs().max(f64::exp2(-126.0)).log2().floor() - 7.0),
            _ => |_| 0.0,
        };
        self.compare(tensor, &reference, got, limit, |value| limit.max(unit(value)));
        Ok(())
    }

    /// Compares NHWC floats with a reference stored NCHW.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn nhwc(&mut self, case: &Case<'_>, tensor: &str, got: &Tensor) -> Result<(), VerifyError> {
        self.float(case, tensor, &nchw_from_nhwc(got))
    }

    /// Compares sinusoids per element with 1e-6 + 2^-22 x |argument of sin or cos|: one unit in the last place of `exp` moves
    /// an argument of 19000 by a thousandth.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn sinusoid(
        &mut self,
        case: &Case<'_>,
        tensor: &str,
        got: &Tensor,
        arguments: &[f64],
    ) -> Result<(), VerifyError> {
        let reference = case.float(tensor)?;
        let mut at = 0;
        self.compare(tensor, &reference, got, 1e-6, |_| {
            let argument = arguments.get(at).copied().unwrap_or(0.0);
            at += 1;
            1e-6 + f64::exp2(-22.0) * argument.abs()
        });
        Ok(())
    }

    /// Compares integers for equality.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn ints(&mut self, case: &Case<'_>, tensor: &str, got: &[i64]) -> Result<(), VerifyError> {
        let reference = case.ints(tensor)?;
        self.equal(tensor, reference.iter().map(|v| *v as f64), got.iter().map(|v| *v as f64));
        Ok(())
    }

    /// Compares bytes for equality.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn bytes(&mut self, case: &Case<'_>, tensor: &str, got: &[u8]) -> Result<(), VerifyError> {
        let reference = case.bytes(tensor)?;
        self.equal(tensor, reference.iter().map(|v| f64::from(*v)), got.iter().map(|v| f64::from(*v)));
        Ok(())
    }

    /// A fact that must hold, with what was found instead when it does not.
    pub fn fact(&mut self, name: &str, holds: bool, found: impl Into<String>) {
        let ratio = if holds { 0.0 } else { f64::INFINITY };
        let remark = if holds { String::new() } else { found.into() };
        self.list.push(Check { tensor: name.into(), error: ratio, limit: 0.0, ratio, remark });
    }

    fn equal(
        &mut self,
        tensor: &str,
        reference: impl ExactSizeIterator<Item = f64>,
        got: impl ExactSizeIterator<Item = f64>,
    ) {
        if reference.len() != got.len() {
            self.fact(tensor, false, format!("{} values instead of {}", got.len(), reference.len()));
            return;
        }
        let error = reference.zip(got).fold(0.0f64, |error, (a, b)| error.max((a - b).abs()));
        let ratio = if error == 0.0 { 0.0 } else { f64::INFINITY };
        self.list.push(Check { tensor: tensor.into(), error, limit: 0.0, ratio, remark: String::new() });
    }

    fn compare(
        &mut self,
        tensor: &str,
        reference: &Tensor,
        got: &Tensor,
        stated: f64,
        mut limit_at: impl FnMut(f64) -> f64,
    ) {
        if reference.shape != got.shape {
            let text = format!("shape {:?} instead of {:?}", got.shape, reference.shape);
            self.fact(tensor, false, text);
            return;
        }
        let mut check = Check { tensor: tensor.into(), error: 0.0, limit: stated, ratio: 0.0, remark: String::new() };
        for (expected, value) in reference.data.iter().zip(&got.data) {
            let (expected, value) = (f64::from(*expected), f64::from(*value));
            let error = if value.is_finite() { (expected - value).abs() } else { f64::INFINITY };
            let limit = limit_at(expected);
            let ratio = if error == 0.0 { 0.0 } else { error / limit };
            check.error = check.error.max(error);
            if ratio > check.ratio {
                check.ratio = ratio;
                check.limit = limit;
            }
        }
        self.list.push(check);
    }
}
