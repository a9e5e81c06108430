use super::*;

const INF: f32 = f32::INFINITY;
const NAN: f32 = f32::NAN;
const TINY: f32 = f32::MIN_POSITIVE;

// The largest errors that the sweep over all inputs found, rounded up: docs/NUMERICS.md states them.
const EXP_ULP: f64 = 0.99;
const LOG_ULP: f64 = 0.88;
const TANH_ULP: f64 = 1.21;
const ERF_ULP: f64 = 1.66;
const SIGMOID_ULP: f64 = 1.69;
const SIN_ULP: f64 = 1.82;
const COS_ULP: f64 = 1.83;
const SIN_TO_LARGEST_ULP: f64 = 2.36;
const COS_TO_LARGEST_ULP: f64 = 2.29;

/// Bit patterns a prime step apart and every pattern near a place where the sequences change their course.
fn inputs() -> impl Iterator<Item = f32> {
    let seams = [
        0.0,
        TINY,
        1.0,
        std::f32::consts::FRAC_1_SQRT_2,
        std::f32::consts::SQRT_2,
        std::f32::consts::LN_2 / 2.0,
        std::f32::consts::PI,
        std::f32::consts::FRAC_PI_2,
        0.625,
        3.92,
        4.0,
        9.02,
        10.0,
        87.336_54,
        88.722_83,
        1_048_576.0,
        8_388_608.0,
        f32::MAX,
    ];
    let near = |seam: f32| (-40..=40).map(move |d| f32::from_bits(seam.to_bits().wrapping_add_signed(d)));
    let swept = (0..=u32::MAX).step_by(4099).map(f32::from_bits);
    swept.chain(seams.into_iter().flat_map(near).flat_map(|x| [x, -x]))
}

#[track_caller]
fn assert_same(got: f32, expected: f32) {
    let same = got.to_bits() == expected.to_bits() || (got.is_nan() && expected.is_nan());
    assert!(same, "{got:e} ({:#x}) is not {expected:e}", got.to_bits());
}

#[track_caller]
fn assert_error(f: fn(f32) -> f32, exact: fn(f64) -> f64, limit_ulp: f64, holds_for: fn(f32) -> bool) {
    for x in inputs().filter(|x| holds_for(*x)) {
        let (got, exact) = (f(x), exact(x as f64));
        let error = oracle::error_ulp(got, exact);
        assert!(error <= limit_ulp, "{error} ulp at {x:e}: {got:e}, exact {exact:e}");
    }
}

fn everywhere(_: f32) -> bool {
    true
}

#[test]
fn log_tanh_and_erf_err_by_no_more_than_stated() {
    assert_error(log, oracle::log, LOG_ULP, everywhere);
    assert_error(tanh, oracle::tanh, TANH_ULP, everywhere);
    assert_error(erf, oracle::erf, ERF_ULP, everywhere);
}

#[test]
fn exp_and_sigmoid_err_by_no_more_than_stated_where_their_results_are_normal() {
    assert_error(exp, oracle::exp, EXP_ULP, |x| x >= -87.336_54 || x.is_nan());
    assert_error(sigmoid, oracle::sigmoid, SIGMOID_ULP, |x| x >= -87.336_54 || x.is_nan());
}

#[test]
fn exp_and_sigmoid_are_plus_zero_where_their_results_would_be_subnormal() {
    let last = -87.336_54f32;
    assert!(exp(last) >= TINY && sigmoid(last) >= TINY);
    for x in inputs().filter(|x| *x < last).chain([last.next_down()]) {
        assert!(oracle::exp(x as f64) < TINY as f64);
        assert_same(exp(x), 0.0);
        assert_same(sigmoid(x), 0.0);
    }
}

#[test]
fn exp_is_infinite_from_where_the_exact_result_rounds_to_infinity() {
    let last = 88.722_83f32;
    assert!(exp(last).is_finite() && exp(last) > 3.4e38);
    assert_same(exp(last.next_up()), INF);
    assert_same(exp(f32::MAX), INF);
}

#[test]
fn sine_and_cosine_err_by_no_more_than_stated_in_their_ranges() {
    assert_error(sin, oracle::sin, SIN_ULP, |x| x.abs() <= 131_072.0);
    assert_error(cos, oracle::cos, COS_ULP, |x| x.abs() <= 131_072.0);
    let beyond = |x: f32| (131_072.0..=1_048_576.0).contains(&x.abs());
    assert_error(sin, oracle::sin, SIN_TO_LARGEST_ULP, beyond);
    assert_error(cos, oracle::cos, COS_TO_LARGEST_ULP, beyond);
}

#[test]
fn beyond_their_range_sine_and_cosine_take_the_angle_zero() {
    for x in inputs().filter(|x| x.abs() > 1_048_576.0 && x.is_finite()) {
        assert_same(sin(x), 0f32.copysign(x));
        assert_same(cos(x), 1.0);
    }
}

#[test]
fn every_result_is_in_the_range_of_its_function() {
    for x in inputs().filter(|x| !x.is_nan()) {
        let angle = x.is_finite();
        assert!(exp(x) >= 0.0 && !exp(x).is_subnormal(), "exp {x:e}");
        assert!((0.0..=1.0).contains(&sigmoid(x)) && !sigmoid(x).is_subnormal(), "sigmoid {x:e}");
        assert!(tanh(x).abs() <= 1.0 && erf(x).abs() <= 1.0, "tanh or erf {x:e}");
        assert!(!angle || (sin(x).abs() <= 1.0 && cos(x).abs() <= 1.0), "sin or cos {x:e}");
    }
}

#[test]
fn odd_functions_are_odd_in_every_bit_and_the_cosine_is_even() {
    for x in inputs().filter(|x| !x.is_nan()) {
        for f in [tanh, erf, sin, round] {
            assert_same(f(-x), -f(x));
        }
        assert_same(cos(-x), cos(x));
    }
}

#[test]
fn special_values_are_as_documented() {
    type Row = (fn(f32) -> f32, [f32; 5]);
    let table: [Row; 10] = [
        // at −∞, −0, +0, +∞, NaN
        (exp, [0.0, 1.0, 1.0, INF, NAN]),
        (log, [NAN, -INF, -INF, INF, NAN]),
        (tanh, [-1.0, -0.0, 0.0, 1.0, NAN]),
        (erf, [-1.0, -0.0, 0.0, 1.0, NAN]),
        (sigmoid, [0.0, 0.5, 0.5, 1.0, NAN]),
        (sin, [NAN, -0.0, 0.0, NAN, NAN]),
        (cos, [NAN, 1.0, 1.0, NAN, NAN]),
        (sqrt, [NAN, -0.0, 0.0, INF, NAN]),
        (round, [-INF, -0.0, 0.0, INF, NAN]),
        (flush, [-INF, 0.0, 0.0, INF, NAN]),
    ];
    for (f, expected) in table {
        for (x, expected) in [-INF, -0.0, 0.0, INF, NAN].into_iter().zip(expected) {
            assert_same(f(x), expected);
        }
        // A signalling NaN with all payload bits but the quiet one, of either sign.
        for bits in [0x7f80_0001, 0xff80_0001, 0x7fbf_ffff, 0xffff_ffff] {
            assert!(f(f32::from_bits(bits)).is_nan());
        }
    }
    assert_same(log(1.0), 0.0);
    assert_same(log(-TINY), NAN);
    assert_same(log(-f32::from_bits(1)), NAN);
}

#[test]
fn subnormal_inputs_are_kept() {
    for bits in [1u32, 2, 3, 0x1234, 0x7f_ffff] {
        let x = f32::from_bits(bits);
        assert_same(tanh(x), x);
        assert_same(sin(x), x);
        assert_same(cos(x), 1.0);
        assert_same(exp(x), 1.0);
        assert!(oracle::error_ulp(log(x), oracle::log(x as f64)) <= LOG_ULP);
    }
}

#[test]
fn round_agrees_with_ieee_everywhere() {
    for x in inputs().chain([0.5, 1.5, 2.5, -0.5, -1.5, 0.499_999_97, 8_388_607.5]) {
        assert_same(round(x), x.round_ties_even());
    }
}

#[test]
fn flush_replaces_subnormals_alone() {
    for x in inputs() {
        assert_same(flush(x), if x.is_subnormal() || x == 0.0 { 0.0 } else { x });
    }
    assert_same(flush(-TINY), -TINY);
    assert_same(flush(-TINY.next_down()), 0.0);
}

#[test]
fn max_and_min_return_the_second_operand_on_nan_and_ties() {
    for f in [max, min] {
        assert_same(f(NAN, 1.0), 1.0);
        assert_same(f(1.0, NAN), NAN);
        assert_same(f(0.0, -0.0), -0.0);
        assert_same(f(-0.0, 0.0), 0.0);
    }
    assert_same(max(1.0, 2.0), 2.0);
    assert_same(max(2.0, 1.0), 2.0);
    assert_same(min(1.0, 2.0), 1.0);
    assert_same(min(2.0, 1.0), 1.0);
}

#[test]
fn error_is_counted_in_units_of_the_exact_value() {
    assert_eq!(oracle::error_ulp(1.0, 1.0), 0.0);
    assert_eq!(oracle::error_ulp(1.0f32.next_up(), 1.0), 1.0);
    assert_eq!(oracle::error_ulp(1.0f32.next_down(), 1.0), 0.5);
    assert_eq!(oracle::error_ulp(0.0, 2f64.powi(-149)), 1.0);
    assert_eq!(oracle::error_ulp(f32::MAX, 1e300), (1e300 - f32::MAX as f64) / 2f64.powi(104));
    assert_eq!(oracle::error_ulp(INF, 1e300), 0.0);
    assert_eq!(oracle::error_ulp(INF, f32::MAX as f64), 1.0);
    assert_eq!(oracle::error_ulp(-INF, f64::INFINITY), f64::INFINITY);
    assert_eq!(oracle::error_ulp(NAN, 1.0), f64::INFINITY);
    assert_eq!(oracle::error_ulp(1.0, f64::NAN), f64::INFINITY);
    assert_eq!(oracle::error_ulp(NAN, f64::NAN), 0.0);
}

/// gemmlowp's two steps as its documentation states them, in arithmetic wide enough for all of them.
fn mulshift_reference(x: i32, multiplier: i32, shift: i32) -> i32 {
    let shift = shift.clamp(-31, 31);
    let shifted = ((x as i128) << shift.max(0)) as i32;
    let product = shifted as i128 * multiplier as i128;
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    let high = ((product + nudge) / (1 << 31)).min(i32::MAX as i128);
    let divisor = 1i128 << (-shift).max(0);
    let magnitude = (2 * high.abs() + divisor) / (2 * divisor);
    (high.signum() * magnitude) as i32
}

#[test]
fn mulshift_gives_values_worked_by_hand() {
    const HALF: i32 = 1 << 30;
    // ½·x: the high multiply rounds ties up, …
    assert_eq!(mulshift(3, HALF, 0), 2);
    assert_eq!(mulshift(-3, HALF, 0), -1);
    // … the shift rounds them away from zero.
    assert_eq!(mulshift(6, HALF, -1), 2);
    assert_eq!(mulshift(-6, HALF, -1), -2);
    // Both round: ½·5 → 3, 3/2 → 2, where one rounding of 5/4 would give 1.
    assert_eq!(mulshift(5, HALF, -1), 2);
    assert_eq!(mulshift(100, HALF, 1), 100);
    assert_eq!(mulshift(i32::MIN, i32::MIN, 0), i32::MAX);
    assert_eq!(mulshift(i32::MIN, i32::MIN, -31), 1);
    assert_eq!(mulshift(i32::MIN, i32::MAX, 0), -i32::MAX);
    // The left shift wraps: 2³¹ becomes −2³¹.
    assert_eq!(mulshift(1, HALF, 31), -HALF);
    assert_eq!(mulshift(2, HALF, 31), 0);
    assert_eq!(mulshift(77, HALF, i32::MAX), mulshift(77, HALF, 31));
    assert_eq!(mulshift(i32::MAX, i32::MAX, i32::MIN), mulshift(i32::MAX, i32::MAX, -31));
}

#[test]
fn mulshift_agrees_with_the_reference() {
    let edges = [i32::MIN, i32::MIN + 1, -(1 << 30), -3, -2, -1, 0, 1, 2, 3, 1 << 30, i32::MAX - 1, i32::MAX];
    let random = (0..40_000u32).map(|i| philox4x32_10([i, 0, 0, 0], [7, 7])).map(|[a, b, c, d]| {
        // Of all magnitudes: products far from any tie would test little.
        (a as i32 >> (d % 32), b as i32 >> (d / 32 % 32), (c % 71) as i32 - 35)
    });
    let corners =
        edges.iter().flat_map(|x| edges.map(|m| (*x, m))).flat_map(|(x, m)| (-33..=33).map(move |s| (x, m, s)));
    for (x, multiplier, shift) in corners.chain(random) {
        let expected = mulshift_reference(x, multiplier, shift);
        assert_eq!(mulshift(x, multiplier, shift), expected, "{x} {multiplier} {shift}");
    }
}

#[test]
fn philox_gives_the_published_answers() {
    // Random123, kat_vectors, philox4x32 with 10 rounds.
    let zeros = philox4x32_10([0; 4], [0; 2]);
    assert_eq!(zeros, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
    let ones = philox4x32_10([u32::MAX; 4], [u32::MAX; 2]);
    assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    let pi = philox4x32_10([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]);
    assert_eq!(pi, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
}

#[test]
fn uniform_keeps_24_bits_and_stays_below_one() {
    assert_eq!(uniform(0), 0.0);
    assert_eq!(uniform(0xff), 0.0);
    assert_eq!(uniform(0x100), 2f32.powi(-24));
    assert_eq!(uniform(1 << 31), 0.5);
    assert_eq!(uniform(u32::MAX), 1.0f32.next_down());
}

#[test]
fn a_filled_element_depends_on_its_coordinate_alone() {
    let (stream, key) = (5, [11, 13]);
    for start in [0, (1u64 << 34) - 30, u64::MAX - 40] {
        for offset in 0..9 {
            for length in [0, 1, 2, 3, 4, 5, 7, 64, 75] {
                let first = start.wrapping_add(offset);
                let mut out = vec![-1.0; length];
                philox_fill_uniform(&mut out, first, stream, key);
                for (i, got) in out.into_iter().enumerate() {
                    let e = first.wrapping_add(i as u64);
                    let block = philox4x32_10([(e / 4) as u32, ((e / 4) >> 32) as u32, stream, 0], key);
                    assert_eq!(got, uniform(block[(e % 4) as usize]), "element {e}");
                }
            }
        }
    }
}
