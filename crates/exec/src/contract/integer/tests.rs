//! Holds every kernel set, team size and way of reading to the definition.

use super::sliding::SlidingPlan;
use super::slots::{Reading, Slots};
use super::winograd::WinogradPlan;
use super::*;
use crate::contract::spec::{Base, Contraction, Group, Row, Run};
use crate::contract::tests::{Random, available, product, random_tables, teams};
use crate::contract::{CHUNK, PlanOptions, SharedSlice};
use crate::team::Team;
use tacit_ir::math;

/// The contraction as its definition says.
fn execute_reference(spec: &Contraction, a: &[i8], b: &[i8], c: &mut [i32]) {
    for base in &spec.batches {
        for (rows, group) in spec.groups_with_rows() {
            for row in &spec.rows[rows] {
                for lane in 0..spec.lanes as i32 {
                    let a_base = base.a + row.a + lane * spec.a_lane_stride;
                    let b_base = base.b + lane * spec.b_lane_stride;
                    let mut sum = 0i32;
                    for run in &group.runs {
                        for i in 0..run.len as i32 {
                            let x = a[(a_base + run.a + i * run.a_stride) as usize];
                            let y = b[(b_base + run.b + i * run.b_stride) as usize];
                            sum = sum.wrapping_add(i32::from(x) * i32::from(y));
                        }
                    }
                    c[(base.c + row.c + lane * spec.c_lane_stride) as usize] = sum;
                }
            }
        }
    }
}

/// Numbers of which many are the least, where products of pairs are greatest.
fn numbers(random: &mut Random, count: usize) -> Vec<i8> {
    (0..count).map(|_| if random.chance(12) { i8::MIN } else { random.next() as i8 }).collect()
}

/// Factors and shifts that layers may have.
fn multiplier(random: &mut Random) -> (i32, i32) {
    match random.below(6) {
        0 => (random.next() as i32, random.next() as i32 >> random.below(32)),
        1 => (i32::MIN, random.below(70) as i32 - 35),
        _ => usual_multiplier(random),
    }
}

/// Factors and shifts as layers have them; of a power of two there are sums in the middle between two results.
fn usual_multiplier(random: &mut Random) -> (i32, i32) {
    let factor = if random.chance(20) { 1 << 30 } else { (random.next() >> 33) as i32 | 1 << 30 };
    (factor, -(random.within(1, 20) as i32))
}

fn random_maps(random: &mut Random, lanes: usize) -> [Lanewise<Vec<i32>>; 3] {
    let are_usual = random.chance(60);
    let biases = (0..lanes).map(|_| random.next() as i32 >> if are_usual { 12 } else { random.below(32) }).collect();
    let pick = if are_usual { usual_multiplier } else { multiplier };
    let (factors, shifts): (Vec<i32>, Vec<i32>) = (0..lanes).map(|_| pick(random)).unzip();
    [biases, factors, shifts].map(|each: Vec<i32>| match random.chance(30) {
        true => Lanewise::Same(each[0]),
        false => Lanewise::Each(each),
    })
}

/// Runs `spec` on every kernel set with 1 to 3 workers, and compares with the definition.
fn hold_to_reference(spec: &Contraction, random: &mut Random, teams: &mut [Team]) {
    let lengths = spec.check().expect("sound tables");
    let (a, b) = (numbers(random, lengths.a), numbers(random, lengths.b));
    let mut expected = vec![0x5555_5555; lengths.c];
    execute_reference(spec, &a, &b, &mut expected);
    for kernels in available() {
        for team in teams.iter_mut() {
            for b_constant in [false, true] {
                let options = PlanOptions { parts_each: 3, b_constant, ..PlanOptions::new(kernels, team.size()) };
                let plan = IntegerPlan::new(spec, options).expect("sound tables");
                let packed = plan.packed_bytes().map(|bytes| {
                    let mut packed = vec![0x5555; bytes / size_of::<i16>()];
                    plan.pack_constant(&b, &mut packed);
                    packed
                });
                let mut run = |c: &mut [u8], requantise: Option<Requantise<&[i32]>>| {
                    let mut workspace = vec![0x55; plan.workspace_bytes()];
                    let operands = IntegerOperands {
                        a: &a,
                        b: &b,
                        packed: packed.as_deref(),
                        c: SharedSlice::new(c),
                        workspace: SharedSlice::new(&mut workspace),
                        requantise,
                    };
                    // SAFETY: every worker runs its part once.
                    team.run(|member| unsafe { plan.execute(member, &operands) });
                };
                let mut c = vec![0x55; 4 * lengths.c];
                run(&mut c, None);
                let found: Vec<i32> = c.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect();
                assert_eq!(found, expected, "{options:?} {spec:?}");
                if !plan.has_channels(spec.lanes) {
                    continue;
                }
                let [bias, factor, shift] = random_maps(random, spec.lanes);
                let [zero_point, low, high] = [(); 3].map(|()| i32::from(random.next() as i8));
                let maps = [&bias, &factor, &shift].map(|numbers| match numbers {
                    Lanewise::Same(number) => Lanewise::Same(*number),
                    Lanewise::Each(each) => Lanewise::Each(&each[..]),
                });
                let maps = Requantise { bias: maps[0], factor: maps[1], shift: maps[2], zero_point, low, high };
                let of_lane = |numbers: &Lanewise<&[i32]>, lane: usize| match numbers {
                    Lanewise::Same(number) => *number,
                    Lanewise::Each(each) => each[lane],
                };
                let mut meant = vec![0x55; lengths.c];
                for start in spec.batches.iter().flat_map(|base| spec.rows.iter().map(|row| (base.c + row.c) as usize))
                {
                    for lane in 0..spec.lanes {
                        let sum = expected[start + lane].wrapping_add(of_lane(&maps.bias, lane));
                        let scaled = math::mulshift(sum, of_lane(&maps.factor, lane), of_lane(&maps.shift, lane));
                        let result = scaled.wrapping_add(zero_point).max(low).min(high);
                        meant[start + lane] = result.clamp(-128, 127) as i8 as u8;
                    }
                }
                let mut c = vec![0x55; lengths.c];
                run(&mut c, Some(maps));
                assert_eq!(c, meant, "{options:?} {maps:?} {spec:?}");
            }
        }
    }
}

#[test]
fn products_of_every_tile_and_tail_match_the_reference() {
    let (mut random, mut teams) = (Random(11), teams());
    for m in 1..=15 {
        for n in [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63] {
            let k = random.within(0, 21);
            hold_to_reference(&product((1, m, n, k), [false; 3], CHUNK), &mut random, &mut teams);
        }
    }
}

#[test]
fn transposed_products_match_the_reference() {
    let (mut random, mut teams) = (Random(12), teams());
    for bits in 0..8usize {
        let transposed = [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0];
        for sizes in [(1, 37, 45, 29), (5, 9, 20, 11), (2, 1, 70, 33), (1, 65, 3, 600)] {
            hold_to_reference(&product(sizes, transposed, CHUNK), &mut random, &mut teams);
        }
    }
}

#[test]
fn random_tables_match_the_reference() {
    let (mut random, mut teams) = (Random(13), teams());
    for _ in 0..200 {
        let spec = random_tables(&mut random);
        hold_to_reference(&spec, &mut random, &mut teams);
    }
}

/// A convolution of 3×3 pixels, whose images have some columns more than it reads.
fn convolution(
    random: &mut Random,
    batches: usize,
    [height, width]: [usize; 2],
    [channels, lanes]: [usize; 2],
) -> Contraction {
    let [height, width, channels, lanes] = [height, width, channels, lanes].map(|extent| extent as i32);
    let pitch = (width + 2 + random.below(3) as i32) * channels;
    let is_transposed = random.chance(30);
    let (b_term, b_lane_stride) = if is_transposed { (1, 9 * channels) } else { (lanes, 1) };
    let run = |y: i32, x: i32| Run {
        a: y * pitch + x * channels,
        b: (3 * y + x) * channels * b_term,
        len: channels as u32,
        a_stride: 1,
        b_stride: b_term,
        ends_chunk: x == 2,
    };
    let mut runs: Vec<Run> = (0..3).flat_map(|y| (0..3).map(move |x| run(y, x))).collect();
    // The order of terms is of no matter.
    if random.chance(50) {
        runs.reverse();
    }
    let windows = windows(batches, [height, width], [pitch, channels], lanes, runs);
    Contraction { a_lane_stride: 0, b_lane_stride, ..windows }
}

/// Windows at every pixel of images that have two rows more.
fn windows(
    batches: usize,
    [height, width]: [i32; 2],
    [pitch, pixel]: [i32; 2],
    lanes: i32,
    runs: Vec<Run>,
) -> Contraction {
    let image = (height + 2) * pitch;
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    let rows = places.map(|(y, x)| Row { a: y * pitch + x * pixel, c: (y * width + x) * lanes });
    Contraction {
        batches: (0..batches as i32).map(|i| Base { a: i * image, b: 0, c: i * height * width * lanes }).collect(),
        rows: rows.collect(),
        groups: vec![Group { rows: (height * width) as usize, runs }],
        lanes: lanes as usize,
        c_lane_stride: 1,
        ..Contraction::default()
    }
}

/// A depthwise convolution of 3×3 pixels, likewise.
fn depthwise(random: &mut Random, batches: usize, [height, width]: [usize; 2], lanes: usize) -> Contraction {
    let [height, width, lanes] = [height, width, lanes].map(|extent| extent as i32);
    let pixel = lanes + 8 * random.below(3) as i32;
    let pitch = (width + 2 + random.below(3) as i32) * pixel;
    let run =
        |y: i32| Run { a: y * pitch, b: 3 * y * lanes, len: 3, a_stride: pixel, b_stride: lanes, ends_chunk: y == 2 };
    let mut runs: Vec<Run> = (0..3).map(run).collect();
    if random.chance(50) {
        runs.reverse();
    }
    let windows = windows(batches, [height, width], [pitch, pixel], lanes, runs);
    Contraction { a_lane_stride: 1, b_lane_stride: 1, ..windows }
}

fn options_for_constant(kernels: crate::kernels::KernelSet) -> PlanOptions {
    PlanOptions { b_constant: true, ..PlanOptions::new(kernels, 1) }
}

#[test]
fn convolutions_by_transforms_match_the_reference() {
    let (mut random, mut teams) = (Random(14), teams());
    for (batches, extents, channels) in [
        (1, [4, 4], [16, 16]),
        (2, [5, 7], [16, 32]),
        (1, [12, 18], [32, 48]),
        (3, [8, 8], [64, 64]),
        (1, [30, 31], [16, 16]),
        (1, [4, 6], [224, 80]),
    ] {
        let spec = convolution(&mut random, batches, extents, channels);
        for kernels in available() {
            assert!(WinogradPlan::new(&spec, &options_for_constant(kernels)).is_some(), "{kernels}");
        }
        hold_to_reference(&spec, &mut random, &mut teams);
    }
}

#[test]
fn depthwise_convolutions_by_sliding_windows_match_the_reference() {
    let (mut random, mut teams) = (Random(17), teams());
    for (batches, extents, lanes) in
        [(1, [1, 2], 32), (2, [5, 3], 32), (1, [25, 5], 64), (3, [4, 4], 96), (1, [12, 13], 32)]
    {
        for _ in 0..4 {
            let spec = depthwise(&mut random, batches, extents, lanes);
            for kernels in available() {
                assert!(SlidingPlan::new(&spec, &options_for_constant(kernels)).is_some(), "{kernels}");
            }
            hold_to_reference(&spec, &mut random, &mut teams);
        }
    }
}

#[test]
fn windows_do_not_slide_where_lanes_are_no_whole_panels_or_there_is_no_way() {
    let mut random = Random(18);
    let slides = |spec: &Contraction| {
        SlidingPlan::new(spec, &options_for_constant(crate::kernels::KernelSet::Baseline)).is_some()
    };
    let spec = depthwise(&mut random, 1, [6, 6], 32);
    assert!(slides(&spec));
    let narrow = depthwise(&mut random, 1, [6, 1], 32);
    let with_rest = depthwise(&mut random, 1, [6, 6], 36);
    let mut strided = spec.clone();
    strided.rows.iter_mut().for_each(|row| row.a *= 2);
    let mut shifted = spec.clone();
    shifted.groups[0].runs[1].a += 1;
    let full = convolution(&mut random, 1, [6, 6], [16, 32]);
    for (what, spec) in [("one column", narrow), ("a rest", with_rest), ("strides", strided), ("a shift", shifted)] {
        assert!(!slides(&spec), "{what}");
        hold_to_reference(&spec, &mut random, &mut teams());
    }
    assert!(!slides(&full));
}

/// The ends of what is rounded once: sums as great as they may be, by the greatest factors and shifts.
#[test]
fn requantised_sums_at_the_bounds_of_what_is_small_match_the_reference() {
    let mut random = Random(19);
    let spec = product((1, 9, 32, 40), [false; 3], CHUNK);
    let lengths = spec.check().expect("sound tables");
    for (number, bias) in [(i8::MIN, 1 << 28), (i8::MAX, -(1 << 28)), (3, (1 << 28) + 1), (0, i32::MAX), (-7, 0)] {
        let (a, b) = (vec![number; lengths.a], vec![i8::MIN; lengths.b]);
        for (shift, zero_point) in [(-2, -128), (-2, 127), (-20, 127), (-20, -128), (-1, 0), (-21, 5), (0, -3)] {
            let factor = [i32::MAX, 1 << 30, -(1 << 30), i32::MIN + 1, i32::MIN][random.below(5)];
            for low in [-128, zero_point] {
                let maps = Requantise {
                    bias: Lanewise::Same(bias),
                    factor: Lanewise::Same(factor),
                    shift: Lanewise::Same(shift),
                    zero_point,
                    low,
                    high: 127,
                };
                let sum = (40 * i32::from(number) * i32::from(i8::MIN)).wrapping_add(bias);
                let meant = math::mulshift(sum, factor, shift).wrapping_add(zero_point).max(low).clamp(-128, 127);
                for kernels in available() {
                    let plan = IntegerPlan::new(&spec, PlanOptions::new(kernels, 1)).expect("sound tables");
                    let (mut c, mut workspace) = (vec![0u8; lengths.c], vec![0; plan.workspace_bytes()]);
                    let (c_shared, workspace) = (SharedSlice::new(&mut c), SharedSlice::new(&mut workspace));
                    let requantise = Some(maps);
                    let operands = IntegerOperands { a: &a, b: &b, packed: None, c: c_shared, workspace, requantise };
                    // SAFETY: one worker runs its part once.
                    Team::new(1).run(|member| unsafe { plan.execute(member, &operands) });
                    assert!(c.iter().all(|byte| *byte as i8 == meant as i8), "{kernels} {maps:?} {number}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_convolution_of_nine_pixels_is_computed_term_by_term() {
    let mut random = Random(15);
    let spec = convolution(&mut random, 1, [8, 8], [16, 16]);
    let is_transformed = |spec: &Contraction| {
        let options = options_for_constant(crate::kernels::KernelSet::Baseline);
        WinogradPlan::new(spec, &options).is_some()
    };
    assert!(is_transformed(&spec));
    let mut changed: Vec<Contraction> = vec![spec.clone(); 5];
    changed[0].rows[9].a += 1;
    changed[1].groups[0].runs[4].a += 1;
    changed[2].groups[0].runs.pop();
    changed[3].rows.pop();
    changed[3].groups[0].rows -= 1;
    changed[4].a_lane_stride = 1;
    for (k, spec) in changed.iter().enumerate() {
        assert!(!is_transformed(spec), "{k}");
    }
    let few = convolution(&mut random, 1, [8, 8], [8, 16]);
    let many = convolution(&mut random, 1, [8, 8], [240, 16]);
    assert!(!is_transformed(&few) && !is_transformed(&many));
}

#[test]
fn transformed_sums_of_the_greatest_products_are_exact() {
    let mut random = Random(16);
    let spec = convolution(&mut random, 1, [4, 4], [224, 16]);
    let lengths = spec.check().expect("sound tables");
    for (a, b) in [(i8::MIN, i8::MIN), (i8::MIN, i8::MAX), (i8::MAX, i8::MIN)] {
        let (a, b) = (vec![a; lengths.a], vec![b; lengths.b]);
        for kernels in available() {
            let plan = IntegerPlan::new(&spec, options_for_constant(kernels)).expect("sound tables");
            let mut packed = vec![0; plan.packed_bytes().expect("it is constant") / size_of::<i16>()];
            plan.pack_constant(&b, &mut packed);
            let (mut c, mut workspace) = (vec![0u8; 4 * lengths.c], vec![0; plan.workspace_bytes()]);
            let (c_shared, workspace) = (SharedSlice::new(&mut c), SharedSlice::new(&mut workspace));
            let operands =
                IntegerOperands { a: &a, b: &b, packed: Some(&packed), c: c_shared, workspace, requantise: None };
            // SAFETY: one worker runs its part once.
            Team::new(1).run(|member| unsafe { plan.execute(member, &operands) });
            let expected = 9 * 224 * i32::from(a[0]) * i32::from(b[0]);
            assert!(c.as_chunks().0.iter().all(|bytes| i32::from_le_bytes(*bytes) == expected), "{kernels}");
        }
    }
}

#[test]
fn sums_of_the_greatest_products_are_exact() {
    let mut teams = teams();
    let spec = product((1, 7, 18, 300), [false; 3], CHUNK);
    let (a, b) = (vec![i8::MIN; 7 * 300], vec![i8::MIN; 300 * 18]);
    for kernels in available() {
        let plan = IntegerPlan::new(&spec, PlanOptions::new(kernels, 1)).expect("sound tables");
        let (mut c, mut workspace) = (vec![0u8; 4 * 7 * 18], vec![0; plan.workspace_bytes()]);
        let (c_shared, workspace) = (SharedSlice::new(&mut c), SharedSlice::new(&mut workspace));
        let operands = IntegerOperands { a: &a, b: &b, packed: None, c: c_shared, workspace, requantise: None };
        // SAFETY: one worker runs its part once.
        teams[0].run(|member| unsafe { plan.execute(member, &operands) });
        assert!(c.as_chunks().0.iter().all(|bytes| i32::from_le_bytes(*bytes) == 300 << 14), "{kernels}");
    }
}

#[test]
fn rows_that_skip_terms_read_zeros_there_and_the_others_in_place() {
    let run =
        |a: i32, b: i32, len: u32| crate::contract::Run { a, b, len, a_stride: 1, b_stride: 4, ends_chunk: false };
    let group = |runs: Vec<crate::contract::Run>| crate::contract::Group { rows: 1, runs };
    let spec = Contraction {
        groups: vec![group(vec![run(1, 4, 2)]), group(vec![run(0, 0, 3), run(10, 12, 2)])],
        ..Contraction::default()
    };
    let slots = Slots::of(&spec);
    assert_eq!(slots.terms, [Some(0), Some(4), Some(8), None, Some(12), Some(16)]);
    let [Reading::Skipping(first), Reading::InPlace(second)] = &slots.readings[..] else { panic!("{slots:?}") };
    assert_eq!(first[..], [None, Some(1), Some(2), None, None, None]);
    assert_eq!(second.iter().map(|run| (run.a, run.pairs)).collect::<Vec<_>>(), [(0, 2), (10, 1)]);
}

#[test]
fn terms_that_do_not_lie_side_by_side_are_read_one_by_one_with_any_for_what_is_multiplied_by_zero() {
    let run = Run { a: 5, b: 0, len: 3, a_stride: 2, b_stride: 1, ends_chunk: true };
    let spec = Contraction { groups: vec![Group { rows: 1, runs: vec![run] }], ..Contraction::default() };
    let slots = Slots::of(&spec);
    assert_eq!(slots.terms, [Some(0), Some(1), Some(2), None]);
    assert_eq!(slots.readings, [Reading::OneByOne(vec![5, 7, 9, 5])]);
}
