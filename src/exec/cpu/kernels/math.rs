//! Functions of one number, written so that a loop over them becomes vector code: no calls, no branches.
//!
//! The polynomials are Chebyshev fits; each one's error is stated in units of its value, and far below that of f32.
//! Where a function is `FUSED`, products are added in one go, rounded once: most processors have an instruction for that.

/// Adding this leaves a number's integer part in the low bits.
const ROUND: f32 = 12_582_912.0;

/// a * b + c, rounded once where it is `FUSED` and otherwise twice: without the instruction it would be a call.
#[inline(always)]
pub fn fma<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// A polynomial in x, the coefficient of the highest power first.
#[inline(always)]
fn poly<const FUSED: bool, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[0];
    for coefficient in &coefficients[1..] {
        sum = fma::<FUSED>(sum, x, *coefficient);
    }
    sum
}

/// `p` times 2 to the integer that is in the low bits of `shifted`. A NaN stays one if its nine lowest bits are 0, as they are
/// in all that arithmetic makes.
#[inline(always)]
fn times_exp2(p: f32, shifted: f32) -> f32 {
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// e^x, within 2 units in the last place; 0 below -87.3 and about 1.7e38 above 88.
#[inline(always)]
pub fn exp<const FUSED: bool>(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = between(x, -87.3, 88.0);
    let shifted = fma::<FUSED>(clamped, std::f32::consts::LOG2_E, ROUND);
    let integer = shifted - ROUND;
    let rest = fma::<FUSED>(-integer, LN2_LOW, fma::<FUSED>(-integer, LN2_HIGH, clamped));
    // Error 2e-9 for |rest| <= ln(2) / 2.
    let coefficients = [1.394_111_6e-3, 8.375_133e-3, 4.166_635e-2, 1.666_641_5e-1, 0.5, 1.0, 1.0];
    let exp = times_exp2(poly::<FUSED, _>(rest, coefficients), shifted);
    if x < -87.3 { 0.0 } else { exp }
}

/// 2^x for x up to 127, within 2 units in the last place; 2^-125 for everything below -125. That saves a comparison where
/// x is the distance to a larger number, beside whose exponential such a small one is nothing.
#[inline(always)]
pub fn exp2<const FUSED: bool>(x: f32) -> f32 {
    let x = if x < -125.0 { -125.0 } else { x };
    let shifted = x + ROUND;
    let rest = x - (shifted - ROUND);
    // Error 2e-8 for |rest| <= 1/2. (With one coefficient less it would be 1e-7, which pipelines of several steps show.)
    let coefficients =
        [1.559_467_8e-4, 1.340_664_3e-3, 9.617_693e-3, 5.550_310_4e-2, 0.240_226_52, std::f32::consts::LN_2, 1.0];
    times_exp2(poly::<FUSED, _>(rest, coefficients), shifted)
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid<const FUSED: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FUSED>(-x))
}

/// x / (1 + e^-x).
#[inline(always)]
pub fn silu<const FUSED: bool>(x: f32) -> f32 {
    x * sigmoid::<FUSED>(x)
}

/// The larger of x and 0. (`f32::max` loses a NaN; this keeps it.)
#[inline(always)]
pub fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// x / (1 + e^(-1.702 x)).
#[inline(always)]
pub fn quick_gelu<const FUSED: bool>(x: f32) -> f32 {
    x * sigmoid::<FUSED>(1.702 * x)
}

/// x times the standard normal distribution function, with the exact error function.
#[inline(always)]
pub fn gelu<const FUSED: bool>(x: f32) -> f32 {
    0.5 * x * (1.0 + erf::<FUSED>(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function, within 1.5e-7.
#[inline(always)]
pub fn erf<const FUSED: bool>(x: f32) -> f32 {
    let size = between(x.abs(), 0.0, 4.2);
    // erfc(s) e^(s^2) in t, fitted for s from 0 to 4.8, error 3e-9.
    let t = 1.0 / fma::<FUSED>(0.5, size, 1.0);
    let coefficients = [
        -2.260_946_9e-2,
        8.256_543_5e-2,
        -4.579_702_7e-4,
        -0.390_671_2,
        0.550_239,
        -0.121_112_52,
        0.361_331_97,
        0.255_296_67,
        0.285_618,
        -1.999_732_2e-4,
    ];
    let far = fma::<FUSED>(-poly::<FUSED, _>(t, coefficients), exp::<FUSED>(-size * size), 1.0);
    // Near 0 the difference above has few digits left; the series has all.
    let coefficients = [
        1.205_533_3e-4,
        -8.548_327e-4,
        5.223_977_6e-3,
        -2.686_617e-2,
        0.112_837_92,
        -0.376_126_39,
        std::f32::consts::FRAC_2_SQRT_PI,
    ];
    let near = x * poly::<FUSED, _>(x * x, coefficients);
    if size < 0.6 { near } else { far.copysign(x) }
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh<const FUSED: bool>(x: f32) -> f32 {
    let size = between(x.abs(), 0.0, 12.0);
    let far = 1.0 - 2.0 / (exp::<FUSED>(2.0 * size) + 1.0);
    let coefficients = [2.186_949e-2, -5.396_825_4e-2, 0.133_333_34, -0.333_333_34, 1.0];
    let near = x * poly::<FUSED, _>(x * x, coefficients);
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

    /// 2^-125.
    const LEAST: f32 = 2.0 * f32::MIN_POSITIVE;

    fn check_exactness<const FUSED: bool>() {
        assert!(worst(-100.0, 87.9, exp::<FUSED>, f64::exp) < 2.5e-7);
        let relative = |x: f32| (f64::from(exp2::<FUSED>(x)) / f64::from(x).exp2()) as f32;
        assert!(worst(-125.0, 120.0, relative, |_| 1.0) < 2.5e-7);
        assert_eq!([0.0, -3.0, -200.0, f32::NEG_INFINITY].map(exp2::<FUSED>), [1.0, 0.125, LEAST, LEAST]);
        assert!(worst(-30.0, 30.0, sigmoid::<FUSED>, |x| 1.0 / (1.0 + (-x).exp())) < 1.5e-7);
        assert!(worst(-6.0, 6.0, erf::<FUSED>, libm::erf) < 1.5e-7);
        assert!(worst(-8.0, 8.0, gelu::<FUSED>, |x| 0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2))) < 3e-7);
        assert!(worst(-15.0, 15.0, tanh::<FUSED>, f64::tanh) < 1.5e-7);
    }

    #[test]
    fn functions_are_exact_to_a_few_units() {
        check_exactness::<true>();
        check_exactness::<false>();
    }

    #[test]
    fn small_numbers_keep_their_digits() {
        for x in [1e-20f32, 1e-6, 1e-3, 0.1] {
            for tanh in [tanh::<true>, tanh::<false>] {
                assert!((tanh(x) / f64::from(x).tanh() as f32 - 1.0).abs() < 3e-7);
            }
            for erf in [erf::<true>, erf::<false>] {
                assert!((erf(x) / libm::erf(f64::from(x)) as f32 - 1.0).abs() < 3e-7);
            }
        }
    }

    fn check_broken<const FUSED: bool>() {
        for f in [exp::<FUSED>, exp2::<FUSED>, sigmoid::<FUSED>, erf::<FUSED>, tanh::<FUSED>, gelu::<FUSED>] {
            assert!(f(f32::NAN).is_nan());
        }
        assert_eq!(exp::<FUSED>(f32::NEG_INFINITY), 0.0);
        assert_eq!(tanh::<FUSED>(f32::NEG_INFINITY), -1.0);
        assert_eq!(sigmoid::<FUSED>(f32::INFINITY), 1.0);
    }

    #[test]
    fn broken_numbers_stay_broken() {
        check_broken::<true>();
        check_broken::<false>();
    }
}
