//! Functions of one number, written so that a loop over them becomes vector code: no calls, no branches.
//!
//! The polynomials are Chebyshev fits; each one's error is stated in units of its value, and far below that of f32.

/// e^x, within 2 units in the last place; 0 below -87.3 and about 1.7e38 above 88.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    /// Adding this leaves a number's whole part in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = between(x, -87.3, 88.0);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (clamped - whole * LN2_HIGH) - whole * LN2_LOW;
    // Error 2e-9 for |rest| <= ln(2) / 2.
    let p = 1.394_111_6e-3;
    let p = p * rest + 8.375_133e-3;
    let p = p * rest + 4.166_635e-2;
    let p = p * rest + 1.666_641_5e-1;
    let p = p * rest + 0.5;
    let p = p * rest + 1.0;
    let p = p * rest + 1.0;
    let power = f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23));
    if x < -87.3 { 0.0 } else { power }
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// x / (1 + e^-x).
#[inline(always)]
pub fn silu(x: f32) -> f32 {
    x * sigmoid(x)
}

/// The larger of x and 0. (`f32::max` loses a NaN; this keeps it.)
#[inline(always)]
pub fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// x / (1 + e^(-1.702 x)).
#[inline(always)]
pub fn quick_gelu(x: f32) -> f32 {
    x * sigmoid(1.702 * x)
}

/// x times the standard normal distribution function, with the exact error function.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function, within 1.5e-7.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let size = between(x.abs(), 0.0, 4.2);
    // erfc(s) e^(s^2) in t, fitted for s from 0 to 4.8, error 3e-9.
    let t = 1.0 / (1.0 + 0.5 * size);
    let p = -2.260_946_9e-2;
    let p = p * t + 8.256_543_5e-2;
    let p = p * t - 4.579_702_7e-4;
    let p = p * t - 0.390_671_2;
    let p = p * t + 0.550_239;
    let p = p * t - 0.121_112_52;
    let p = p * t + 0.361_331_97;
    let p = p * t + 0.255_296_67;
    let p = p * t + 0.285_618;
    let p = p * t - 1.999_732_2e-4;
    let far = 1.0 - p * exp(-size * size);
    // Near 0 the difference above has few digits left; the series has all.
    let s = x * x;
    let near = -8.548_327e-4 + s * 1.205_533_3e-4;
    let near = 0.112_837_92 + s * (-2.686_617e-2 + s * (5.223_977_6e-3 + s * near));
    let near = x * (std::f32::consts::FRAC_2_SQRT_PI + s * (-0.376_126_39 + s * near));
    if size < 0.6 { near } else { far.copysign(x) }
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let size = between(x.abs(), 0.0, 12.0);
    let far = 1.0 - 2.0 / (exp(2.0 * size) + 1.0);
    let s = x * x;
    let near = x * (1.0 + s * (-0.333_333_34 + s * (0.133_333_34 + s * (-5.396_825_4e-2 + s * 2.186_949e-2))));
    if size < 0.3 { near } else { far.copysign(x) }
}

/// `x` pulled into `low..=high`. (`f32::clamp` keeps NaN by a branch; this keeps it by the order of comparisons.)
#[inline(always)]
fn between(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest |f - exact| / max(1, |exact|) over a grid.
    fn worst(from: f64, to: f64, f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
        (0..=400_000).fold(0.0, |worst, i| {
            let x = (from + (to - from) * f64::from(i) / 400_000.0) as f32;
            let exact = exact(f64::from(x));
            worst.max((f64::from(f(x)) - exact).abs() / exact.abs().max(1.0))
        })
    }

    #[test]
    fn functions_are_exact_to_a_few_units() {
        assert!(worst(-100.0, 87.9, exp, f64::exp) < 2.5e-7);
        assert!(worst(-30.0, 30.0, sigmoid, |x| 1.0 / (1.0 + (-x).exp())) < 1.5e-7);
        assert!(worst(-6.0, 6.0, erf, libm::erf) < 1.5e-7);
        assert!(worst(-8.0, 8.0, gelu, |x| 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2))) < 3e-7);
        assert!(worst(-15.0, 15.0, tanh, f64::tanh) < 1.5e-7);
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        for x in [1e-20f32, 1e-6, 1e-3, 0.1] {
            assert!((tanh(x) / f64::from(x).tanh() as f32 - 1.0).abs() < 3e-7);
            assert!((erf(x) / libm::erf(f64::from(x)) as f32 - 1.0).abs() < 3e-7);
        }
    }

    #[test]
    fn broken_numbers_stay_broken() {
        for f in [exp, sigmoid, erf, tanh, gelu] {
            assert!(f(f32::NAN).is_nan());
        }
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(tanh(f32::NEG_INFINITY), -1.0);
        assert_eq!(sigmoid(f32::INFINITY), 1.0);
    }
}
