//! Holds every kernel set, team size, packing choice and kind of table to the definition, bit for bit.

use std::ops::Range;
use std::sync::Mutex;

use super::*;
use crate::kernels::KernelSet;
use crate::team::Team;

/// A small generator, so that cases are the same everywhere.
pub(super) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn within(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn values(&mut self, kind: Values, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.value(kind)).collect()
    }

    fn value(&mut self, kind: Values) -> f32 {
        let near_one = (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
        match kind {
            Values::NearOne => near_one,
            // Products reach down into the subnormals and below, and up to infinity.
            Values::Wide => near_one * 2.0f32.powi(self.below(130) as i32 - 100),
            Values::Special => match self.below(12) {
                0 => f32::INFINITY,
                1 => f32::NEG_INFINITY,
                2 => f32::NAN,
                3 => -0.0,
                4 => f32::from_bits(self.below(1 << 20) as u32),
                5 => f32::MAX,
                _ => near_one,
            },
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Values {
    NearOne,
    Wide,
    Special,
}

pub(super) fn available() -> impl Iterator<Item = KernelSet> {
    KernelSet::ALL.into_iter().filter(|set| set.is_available())
}

fn same_bits(x: f32, y: f32) -> bool {
    x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan())
}

/// Runs `spec` on every kernel set, 1 to 3 workers and every packing choice, and compares with the definition.
fn hold_to_reference(spec: &Contraction, random: &mut Random, kind: Values, teams: &mut [Team]) {
    let lengths = spec.check().expect("sound tables");
    let a = random.values(kind, lengths.a);
    let b = random.values(kind, lengths.b);
    let untouched = 12345.0f32;
    let mut expected = vec![untouched; lengths.c];
    execute_reference(spec, &a, &b, &mut expected);
    for kernels in available() {
        for team in teams.iter_mut() {
            for (pack_a, pack_b, b_constant) in [
                (None, None, false),
                (Some(true), Some(true), false),
                (None, None, true),
                (Some(false), Some(true), true),
            ] {
                let workers = team.size();
                let options = PlanOptions { kernels, workers, parts_each: 3, b_constant, pack_a, pack_b };
                let plan = ContractPlan::new(spec, options).expect("sound tables");
                let packed = plan.packed_len().map(|len| {
                    let mut packed = vec![f32::NAN; len];
                    plan.pack_constant(&b, &mut packed);
                    packed
                });
                let mut c = vec![untouched; lengths.c];
                let mut workspace = vec![f32::NAN; plan.workspace_len()];
                let finished = Mutex::new(vec![0u8; lengths.c]);
                let operands = Operands {
                    a: &a,
                    b: packed.as_deref().unwrap_or(&b),
                    c: SharedSlice::new(&mut c),
                    workspace: SharedSlice::new(&mut workspace),
                    behind: Behind::NOTHING,
                };
                plan.run(team, &operands, &|range: Range<usize>| {
                    for times in &mut finished.lock().unwrap()[range] {
                        *times += 1;
                    }
                });
                let case = format!("{options:?} {kind:?} {:?}", Sizes::of(spec));
                for (at, (&x, &y)) in c.iter().zip(&expected).enumerate() {
                    assert!(same_bits(x, y), "element {at}: {x:?} is not {y:?} in {case}");
                }
                let finished = finished.into_inner().unwrap();
                let written = expected.iter().map(|x| u8::from(x.to_bits() != untouched.to_bits()));
                assert!(finished.into_iter().eq(written), "results finish once in {case}");
                hold_maps_behind_to_their_meaning(
                    &plan,
                    spec,
                    (&a, packed.as_deref().unwrap_or(&b)),
                    &expected,
                    random,
                    team,
                );
            }
        }
    }
}

/// Runs a plan whose results are taken on by random maps, and compares with the maps over the results without.
fn hold_maps_behind_to_their_meaning(
    plan: &ContractPlan,
    spec: &Contraction,
    (a, b): (&[f32], &[f32]),
    results: &[f32],
    random: &mut Random,
    team: &mut Team,
) {
    if !plan.can_take_on(None) {
        return;
    }
    let lanes = spec.lanes;
    let [biases, factors, terms] = [(); 3].map(|()| random.values(Values::NearOne, lanes));
    let places = random.values(Values::Special, results.len());
    let by_lane = plan.can_take_on(Some(lanes));
    let behind: Behind<&[f32]> = Behind {
        bias: (by_lane && random.below(2) == 0).then_some(&biases),
        factor: (by_lane && random.below(2) == 0).then_some(&factors),
        term: (by_lane && random.below(2) == 0).then_some(&terms),
        residual: (random.below(2) == 0).then_some(&places),
        floor: (random.below(2) == 0).then_some(0.25),
    };
    let meant = |address: usize| {
        let x = results[address];
        let x = behind.bias.map_or(x, |bias| x + bias[address % lanes]);
        let x = behind.factor.map_or(x, |factor| x * factor[address % lanes]);
        let x = behind.term.map_or(x, |term| x + term[address % lanes]);
        let x = behind.residual.map_or(x, |residual| x + residual[address]);
        behind.floor.map_or(x, |floor| if floor < x { x } else { floor })
    };
    let mut c = vec![0.0; results.len()];
    let mut workspace = vec![f32::NAN; plan.workspace_len()];
    let (c_shared, workspace) = (SharedSlice::new(&mut c), SharedSlice::new(&mut workspace));
    plan.run(team, &Operands { a, b, c: c_shared, workspace, behind }, &|_| {});
    let starts = spec.batches.iter().flat_map(|base| spec.rows.iter().map(|row| (base.c + row.c) as usize));
    for address in starts.flat_map(|start| start..start + lanes) {
        let (found, meant) = (c[address], meant(address));
        assert!(same_bits(found, meant), "element {address}: {found:?} is not {meant:?} after {behind:?}");
    }
}

/// The sizes of a case, for messages.
#[derive(Debug)]
#[allow(dead_code)]
struct Sizes {
    batches: usize,
    rows: usize,
    groups: usize,
    lanes: usize,
    chunks: usize,
    strides: (i32, i32, i32),
}

impl Sizes {
    fn of(spec: &Contraction) -> Sizes {
        Sizes {
            batches: spec.batches.len(),
            rows: spec.rows.len(),
            groups: spec.groups.len(),
            lanes: spec.lanes,
            chunks: spec.chunk_count(),
            strides: (spec.a_lane_stride, spec.b_lane_stride, spec.c_lane_stride),
        }
    }
}

pub(super) fn teams() -> Vec<Team> {
    (1..=3).map(Team::new).collect()
}

/// Runs over `0..terms` in equal steps, cut at multiples of `chunk`.
fn cut(terms: usize, a_stride: i32, b_stride: i32, chunk: usize) -> Vec<Run> {
    (0..terms)
        .step_by(chunk)
        .map(|start| Run {
            a: start as i32 * a_stride,
            b: start as i32 * b_stride,
            len: chunk.min(terms - start) as u32,
            a_stride,
            b_stride,
            ends_chunk: true,
        })
        .collect()
}

/// A batched matrix product with any operand transposed.
pub(super) fn product(
    (batches, m, n, k): (usize, usize, usize, usize),
    transposed: [bool; 3],
    chunk: usize,
) -> Contraction {
    let (mi, ni, ki) = (m as i32, n as i32, k as i32);
    let (a_row, a_term) = if transposed[0] { (1, mi) } else { (ki, 1) };
    let (b_term, b_lane) = if transposed[1] { (1, ki) } else { (ni, 1) };
    let (c_row, c_lane) = if transposed[2] { (1, mi) } else { (ni, 1) };
    Contraction {
        batches: (0..batches as i32).map(|i| Base { a: i * mi * ki, b: i * ki * ni, c: i * mi * ni }).collect(),
        rows: (0..mi).map(|i| Row { a: i * a_row, c: i * c_row }).collect(),
        groups: vec![Group { rows: m, runs: cut(k, a_term, b_term, chunk) }],
        lanes: n,
        a_lane_stride: 0,
        b_lane_stride: b_lane,
        c_lane_stride: c_lane,
    }
}

/// Random tables: groups that skip terms, runs of any step, empty chunks, results in any order.
pub(super) fn random_tables(random: &mut Random) -> Contraction {
    let lanes = random.within(1, 150);
    let a_moves = random.chance(30);
    let (b_lane_stride, c_lane_stride) =
        (random.within(1, 3) as i32, if random.chance(70) { 1 } else { random.within(2, 3) as i32 });
    let chunk_count = random.within(1, 4);
    // Every group draws from the same terms, so that packed copies are shared.
    let width = 3 * lanes as i32;
    let universe: Vec<(i32, i32, i32, i32, bool)> = (0..chunk_count)
        .flat_map(|chunk| {
            let runs = random.within(0, 3);
            (0..runs)
                .map(|run| {
                    (
                        random.below(200) as i32,
                        (chunk * 3 + run) as i32 * 40 * width,
                        random.within(0, 39) as i32,
                        random.within(0, 4) as i32 - 2,
                        false,
                    )
                })
                .chain([(0, 0, 0, 0, true)])
                .collect::<Vec<_>>()
        })
        .collect();
    let group_count = random.within(1, 4);
    let groups: Vec<Group> = (0..group_count)
        .map(|_| {
            let runs = universe
                .iter()
                .map(|&(a, b, len, a_stride, ends_chunk)| {
                    let skipped = if random.chance(40) { random.below(len as usize + 1) } else { 0 };
                    Run {
                        a: a + skipped as i32 * a_stride,
                        b: b + skipped as i32 * width,
                        len: (len - skipped as i32) as u32,
                        a_stride,
                        b_stride: width,
                        ends_chunk,
                    }
                })
                .collect();
            Group { rows: random.within(0, 33), runs }
        })
        .collect();
    let row_count: usize = groups.iter().map(|group| group.rows).sum();
    // Results lie in a random order, rows of `a` anywhere, some of them before their first term's address.
    let mut places: Vec<i32> = (0..row_count as i32).collect();
    for i in (1..row_count).rev() {
        places.swap(i, random.below(i + 1));
    }
    let rows: Vec<Row> = places
        .iter()
        .map(|&place| Row { a: 100 + random.below(300) as i32, c: place * lanes as i32 * c_lane_stride })
        .collect();
    let batches = random.within(1, 4) as i32;
    let c_len = row_count as i32 * lanes as i32 * c_lane_stride;
    Contraction {
        batches: (0..batches).map(|i| Base { a: i * 7, b: i * 11, c: i * c_len }).collect(),
        rows,
        groups,
        lanes,
        a_lane_stride: i32::from(a_moves),
        b_lane_stride,
        c_lane_stride,
    }
}

#[test]
fn products_of_every_tile_and_tail_match_the_reference() {
    let (mut random, mut teams) = (Random(1), teams());
    for m in 1..=15 {
        for n in [1, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 130] {
            let k = random.within(1, 21);
            let spec = product((1, m, n, k), [false; 3], CHUNK);
            hold_to_reference(&spec, &mut random, Values::NearOne, &mut teams);
        }
    }
}

#[test]
fn transposed_products_match_the_reference() {
    let (mut random, mut teams) = (Random(2), teams());
    for bits in 0..8usize {
        let transposed = [bits & 1 != 0, bits & 2 != 0, bits & 4 != 0];
        for sizes in [(1, 37, 45, 29), (5, 9, 20, 11), (2, 1, 70, 33), (1, 65, 3, 40)] {
            let spec = product(sizes, transposed, CHUNK);
            hold_to_reference(&spec, &mut random, Values::Wide, &mut teams);
        }
    }
}

#[test]
fn chunk_boundaries_match_the_reference() {
    let (mut random, mut teams) = (Random(3), teams());
    for k in [511, 512, 513, 1024, 1025] {
        let spec = product((1, 16, 33, k), [false, k % 2 == 0, false], CHUNK);
        hold_to_reference(&spec, &mut random, Values::NearOne, &mut teams);
    }
    // Rows that fall into one set of the cache are computed fewer at a time.
    hold_to_reference(&product((1, 30, 5, 1024), [false; 3], CHUNK), &mut random, Values::NearOne, &mut teams);
    // Many chunks and few results: workers divide the chunks.
    for (m, n) in [(1, 1), (3, 10), (14, 32), (9, 33)] {
        let spec = product((1, m, n, 300), [true, false, false], 16);
        hold_to_reference(&spec, &mut random, Values::NearOne, &mut teams);
        let spec = product((2, m, n, 300), [true, true, true], 16);
        hold_to_reference(&spec, &mut random, Values::NearOne, &mut teams);
    }
}

#[test]
fn blocks_larger_than_the_cache_match_the_reference() {
    let (mut random, mut teams) = (Random(4), teams());
    // Several blocks of lanes and of chunks, with a tail in each.
    let spec = product((1, 5, 1100, 700), [false; 3], CHUNK);
    hold_to_reference(&spec, &mut random, Values::NearOne, &mut teams[..2]);
}

#[test]
fn random_tables_match_the_reference() {
    let (mut random, mut teams) = (Random(5), teams());
    for case in 0..150 {
        let spec = random_tables(&mut random);
        let kind = [Values::NearOne, Values::Wide, Values::Special][case % 3];
        hold_to_reference(&spec, &mut random, kind, &mut teams);
    }
}

#[test]
fn rows_without_terms_are_zero() {
    let (mut random, mut teams) = (Random(6), teams());
    let spec = product((1, 20, 19, 0), [false; 3], CHUNK);
    assert_eq!(spec.chunk_count(), 0);
    hold_to_reference(&spec, &mut random, Values::NearOne, &mut teams);
}

#[test]
fn the_result_is_flushed() {
    let spec = product((1, 1, 4, 1), [false; 3], CHUNK);
    let tiny = f32::MIN_POSITIVE / 4.0;
    let (a, b) = ([1.0], [tiny, -tiny, -2.0, -0.0]);
    let mut c = [9.0; 4];
    execute_reference(&spec, &a, &b, &mut c);
    assert_eq!(c, [0.0, 0.0, -2.0, 0.0]);
    assert!([c[0], c[1], c[3]].iter().all(|x| x.is_sign_positive()));
}

#[test]
fn a_chunk_starts_from_zero_and_is_added_as_a_whole() {
    let spec = product((1, 1, 1, 4), [false; 3], 2);
    let big = 2.0f32.powi(24);
    // One chain would lose each 1; in chunks of two they meet first.
    let (a, b) = ([big, 0.0, 1.0, 1.0], [1.0; 4]);
    let mut c = [0.0];
    execute_reference(&spec, &a, &b, &mut c);
    assert_eq!(c, [big + 2.0]);
}

#[test]
fn a_plan_for_one_worker_runs_in_a_worker_of_a_larger_team() {
    let mut random = Random(7);
    let spec = product((1, 30, 40, 50), [false; 3], CHUNK);
    let (a, b) = (random.values(Values::NearOne, 1500), random.values(Values::NearOne, 2000));
    let mut expected = vec![0.0; 1200];
    execute_reference(&spec, &a, &b, &mut expected);
    let plan = ContractPlan::new(&spec, PlanOptions::new(KernelSet::best(), 1)).unwrap();
    let mut c = vec![0.0; 1200];
    let mut workspace = vec![0.0; plan.workspace_len()];
    let (c_shared, workspace) = (SharedSlice::new(&mut c), SharedSlice::new(&mut workspace));
    let operands = Operands { a: &a, b: &b, c: c_shared, workspace, behind: Behind::NOTHING };
    Team::new(3).run(|member| {
        if member.worker == 2 {
            // SAFETY: only this worker touches the operands.
            unsafe { plan.execute(member, &operands, None) };
        }
    });
    assert_eq!(c, expected);
}

#[test]
fn unsound_tables_are_errors() {
    let sound = product((2, 3, 4, 5), [false; 3], CHUNK);
    assert_eq!(sound.check(), Ok(Lengths { a: 30, b: 40, c: 24 }));

    let mut spec = sound.clone();
    spec.rows[1].a = -6;
    assert_eq!(spec.check(), Err(SpecError::Address { operand: 'a', lowest: -6, highest: 29 }));

    let mut spec = sound.clone();
    spec.groups[0].runs[0].b_stride = i32::MAX;
    assert!(matches!(spec.check(), Err(SpecError::Address { operand: 'b', .. })));

    let mut spec = sound.clone();
    spec.rows[1].c = spec.rows[0].c + 3;
    assert_eq!(spec.check(), Err(SpecError::Overlap { address: 3 }));

    let mut spec = product((1, 3, 4, 5), [false, false, true], CHUNK);
    spec.rows[1].c = spec.rows[0].c;
    assert_eq!(spec.check(), Err(SpecError::Overlap { address: 0 }));

    let mut spec = sound.clone();
    spec.rows.pop();
    assert_eq!(spec.check(), Err(SpecError::Rows { in_groups: 3, in_table: 2 }));

    let mut spec = sound.clone();
    spec.groups.push(Group { rows: 0, runs: vec![] });
    assert_eq!(spec.check(), Err(SpecError::Chunks { group: 1, expected: 1, found: 0 }));

    let mut spec = sound.clone();
    spec.groups[0].runs[0] = Run { len: 1 << 21, a_stride: 0, b_stride: 0, ..spec.groups[0].runs[0] };
    assert_eq!(spec.check(), Err(SpecError::ChunkLength { group: 0 }));

    let mut spec = sound;
    spec.a_lane_stride = 2;
    assert_eq!(spec.check(), Err(SpecError::LaneStride { a_lane_stride: 2 }));
}

#[test]
fn padded_windows_skip_terms_instead_of_multiplying_by_zero() {
    // A sum over a window of 3 at both ends of a row of 8: the outer terms are skipped, so the weight that would
    // meet them may be infinite.
    let mut spec = Contraction {
        batches: vec![Base::default()],
        lanes: 1,
        b_lane_stride: 1,
        c_lane_stride: 1,
        ..Contraction::default()
    };
    let run = |from: i32, len: u32| Run { a: from - 1, b: from, len, a_stride: 1, b_stride: 1, ends_chunk: true };
    for (rows, runs) in [(0..1, run(1, 2)), (1..7, run(0, 3)), (7..8, run(0, 2))] {
        spec.groups.push(Group { rows: rows.len(), runs: vec![runs] });
        spec.rows.extend(rows.map(|i| Row { a: i, c: i }));
    }
    let a: Vec<f32> = (1..=8).map(|x| x as f32).collect();
    let mut c = [0.0; 8];
    execute_reference(&spec, &a, &[1.0, 1.0, f32::INFINITY], &mut c);
    assert_eq!(c[7], 15.0);
    assert_eq!(c[0], f32::INFINITY);
    hold_to_reference(&spec, &mut Random(8), Values::Special, &mut teams());
}
