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
    /// Largest absolute difference; infinite where one of both is no number, or the shapes differ.
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
        self.equal(tensor, reference, got, |a, b| a.abs_diff(*b) as f64);
        Ok(())
    }

    /// Compares bytes for equality.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn bytes(&mut self, case: &Case<'_>, tensor: &str, got: &[u8]) -> Result<(), VerifyError> {
        let reference = case.bytes(tensor)?;
        self.equal(tensor, reference, got, |a, b| f64::from(a.abs_diff(*b)));
        Ok(())
    }

    /// A fact that must hold, with what was found instead when it does not.
    pub fn fact(&mut self, name: &str, holds: bool, found: impl Into<String>) {
        let ratio = if holds { 0.0 } else { f64::INFINITY };
        let remark = if holds { String::new() } else { found.into() };
        self.list.push(Check { tensor: name.into(), error: ratio, limit: 0.0, ratio, remark });
    }

    fn equal<T>(&mut self, tensor: &str, reference: &[T], got: &[T], difference: impl Fn(&T, &T) -> f64) {
        if reference.len() != got.len() {
            self.fact(tensor, false, format!("{} values instead of {}", got.len(), reference.len()));
            return;
        }
        let error = reference.iter().zip(got).fold(0.0f64, |error, (a, b)| error.max(difference(a, b)));
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
        if let Some(odd) = reference.data.iter().find(|value| !value.is_finite()) {
            // Nothing is near to what is no number, and every limit that is a part of it is none.
            self.fact(tensor, false, format!("the reference has {odd}"));
            return;
        }
        let mut check = Check { tensor: tensor.into(), error: 0.0, limit: stated, ratio: 0.0, remark: String::new() };
        for (expected, value) in reference.data.iter().zip(&got.data) {
            let (expected, value) = (f64::from(*expected), f64::from(*value));
            let error = if value.is_finite() { (expected - value).abs() } else { f64::INFINITY };
            let limit = limit_at(expected);
            let ratio = match error {
                0.0 => 0.0,
                _ if limit > 0.0 && limit.is_finite() => error / limit,
                // A limit that is none is kept by nothing.
                _ => f64::INFINITY,
            };
            check.error = check.error.max(error);
            if ratio > check.ratio {
                check.ratio = ratio;
                check.limit = limit;
            }
        }
        self.list.push(check);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ratio and the remark for two numbers of which the second may differ.
    fn compared(reference: [f32; 2], got: [f32; 2], limit: f64) -> (f64, String) {
        let mut checks = Checks::default();
        let [reference, got] = [reference, got].map(|values| Tensor::new([2], values.to_vec()));
        checks.compare("x", &reference, &got, limit, |_| limit);
        let check = checks.list.remove(0);
        assert_eq!(check.passed(), check.ratio <= 1.0);
        (check.ratio, check.remark)
    }

    #[test]
    fn what_is_no_number_never_passes() {
        assert_eq!(compared([1.0, 2.0], [1.0, 2.5], 1.0), (0.5, String::new()));
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for got in [0.0, odd] {
                let (ratio, remark) = compared([1.0, odd], [1.0, got], 1.0);
                assert!(
                    ratio.is_infinite() && remark.contains("the reference has"),
                    "{odd} and {got}: {ratio}, {remark}"
                );
            }
            assert_eq!(compared([1.0, 2.0], [1.0, odd], 1.0).0, f64::INFINITY, "{odd} came out");
        }
        for limit in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert_eq!(compared([1.0, 2.0], [1.5, 2.0], limit).0, f64::INFINITY, "a limit of {limit}");
        }
    }

    #[test]
    fn large_whole_numbers_are_compared_to_the_last_digit() {
        let mut checks = Checks::default();
        let difference = |a: &i64, b: &i64| a.abs_diff(*b) as f64;
        checks.equal("x", &[i64::MAX, 1], &[i64::MAX - 1, 1], difference);
        checks.equal("x", &[i64::MAX, 1], &[i64::MAX, 1], difference);
        assert_eq!(checks.list.iter().map(Check::passed).collect::<Vec<_>>(), [false, true]);
    }
}
