//! From a `contract` instruction's nest to tables of addresses.
//!
//! The output's index has *coordinates*: the axes of its plain dimensions, and each affine dimension as a whole. A
//! coordinate that only `a` depends on becomes rows, one that only `b` depends on becomes lanes or batches, one that
//! both depend on becomes batches (or lanes, in a depthwise contraction). The operands may exchange roles. Terms that
//! a row skips are left out of its group's runs. What fits no role goes to [`AnyLoop`].

use super::any::AnyLoop;
use super::{
    Base, Behind, CHUNK, ContractPlan, Contraction, Group, IntegerOperands, IntegerPlan, Operands, PlanOptions,
    Requantise, Row, Run, SharedSlice,
};
use crate::block::{Finish, Slot};
use crate::kernels::KernelSet;
use crate::memory::Slots;
use crate::team::Member;
use std::collections::HashMap;
use tacit_ir::nest::{Determined, Resolved, Terms};
use tacit_ir::types::{DType, TensorType, row_major_strides};
use tacit_ir::{Access, Graph, Instruction, Nest, ValueId};

/// A contraction ready to run.
pub struct ContractLoop {
    way: Way,
    a: Slot,
    b: Slot,
    c: Slot,
    c_type: TensorType,
    /// Where a `b` that stays lies in the order of the kernels, once it was put there.
    packed: Option<Slot>,
}

enum Way {
    /// Over f32, with what is done to results before they are stored.
    Floats(Box<ContractPlan>, Behind<Slot>),
    /// Over i8, likewise.
    Integers(Box<IntegerPlan>, Option<Requantise<Slot>>),
    Any(AnyLoop),
}

impl ContractLoop {
    /// Bytes of workspace that a run needs.
    pub fn workspace_bytes(&self) -> usize {
        match &self.way {
            Way::Floats(plan, _) => plan.workspace_len() * size_of::<f32>(),
            Way::Integers(plan, _) => plan.workspace_bytes(),
            Way::Any(_) => 0,
        }
    }

    /// True if finished elements come in consecutive rows, many at a time.
    pub fn finishes_in_long_ranges(&self) -> bool {
        match &self.way {
            Way::Floats(plan, _) => plan.finishes_in_long_ranges(),
            // Whatever is not done in registers waits for all.
            Way::Integers(..) => false,
            Way::Any(_) => true,
        }
    }

    /// The bytes that [`ContractLoop::pack`] fills, if `b` stays and is read in another order.
    pub fn packed_bytes(&self) -> Option<usize> {
        match &self.way {
            Way::Floats(plan, _) => plan.packed_len().map(|length| length * size_of::<f32>()),
            Way::Integers(plan, _) => plan.packed_bytes(),
            Way::Any(_) => None,
        }
    }

    /// Lets results go through maps before they are stored, which have so many channels; tells whether they can.
    pub fn take_on(&mut self, maps: Behind<Slot>, channels: usize) -> bool {
        let by_lane = maps.bias.is_some() || maps.factor.is_some() || maps.term.is_some();
        match &mut self.way {
            Way::Floats(plan, behind) if plan.can_take_on(by_lane.then_some(channels)) => {
                *behind = maps;
                true
            }
            Way::Floats(..) | Way::Integers(..) | Way::Any(_) => false,
        }
    }

    /// Lets sums of integers be requantised, channel by channel, and stored in another slot; tells whether they can.
    pub fn requantise(&mut self, maps: Requantise<Slot>, channels: usize, to: (Slot, &TensorType)) -> bool {
        match &mut self.way {
            Way::Integers(plan, requantise) if plan.has_channels(channels) => {
                *requantise = Some(maps);
                (self.c, self.c_type) = (to.0, to.1.clone());
                true
            }
            Way::Floats(..) | Way::Integers(..) | Way::Any(_) => false,
        }
    }

    /// Lets the kernel read `b` from a slot of [`ContractLoop::packed_bytes`].
    pub fn set_packed(&mut self, slot: Slot) {
        self.packed = Some(slot);
    }

    /// Puts `b` into the order of the kernels, if it has a slot for that.
    pub fn pack(&self, slots: &Slots) {
        let (Some(slot), Some(bytes)) = (self.packed, self.packed_bytes()) else { return };
        match &self.way {
            Way::Floats(plan, _) => {
                plan.pack_constant(slots.read::<f32>(self.b), slots.write(slot, 0, bytes / size_of::<f32>()));
            }
            Way::Integers(plan, _) => {
                plan.pack_constant(slots.read::<i8>(self.b), slots.write(slot, 0, bytes / size_of::<i16>()));
            }
            Way::Any(_) => {}
        }
    }

    /// How often a run divides its work.
    pub fn divisions(&self) -> usize {
        match &self.way {
            Way::Floats(plan, _) => plan.divisions(),
            Way::Integers(plan, _) => plan.divisions(),
            Way::Any(_) => 0,
        }
    }

    /// Runs this worker's part.
    ///
    /// `finish`, if there is one, is called for every range of elements that will not change any more.
    pub fn run(&self, slots: &Slots, workspace: Slot, member: &Member<'_>, finish: Option<Finish<'_>>) {
        let workspace_bytes = self.workspace_bytes();
        match &self.way {
            Way::Floats(plan, behind) => {
                let workspace = slots.write::<f32>(workspace, 0, workspace_bytes / size_of::<f32>());
                let operands = Operands {
                    a: slots.read::<f32>(self.a),
                    b: slots.read::<f32>(self.packed.unwrap_or(self.b)),
                    c: SharedSlice::new(slots.write::<f32>(self.c, 0, self.c_type.elements())),
                    workspace: SharedSlice::new(workspace),
                    behind: behind.with_memory(|slot| slots.read::<f32>(slot)),
                };
                // SAFETY: every worker runs its part once; the memory plan gives the result and the workspace to this
                // kernel alone.
                unsafe { plan.execute(*member, &operands, finish) }
            }
            Way::Integers(plan, requantise) => {
                let operands = IntegerOperands {
                    a: slots.read::<i8>(self.a),
                    b: slots.read::<i8>(self.b),
                    packed: self.packed.map(|slot| slots.read::<i16>(slot)),
                    c: SharedSlice::new(slots.write::<u8>(self.c, 0, self.c_type.bytes())),
                    workspace: SharedSlice::new(slots.write::<u8>(workspace, 0, workspace_bytes)),
                    requantise: requantise.map(|maps| maps.with_memory(|slot| slots.read::<i32>(slot))),
                };
                // SAFETY: as above.
                unsafe { plan.execute(*member, &operands) }
            }
            Way::Any(any) => any.run(slots, self.a, self.b, self.c, member.worker, member.count, finish),
        }
    }
}

/// Lowers the contraction that defines `value`. An operand that `stays` is put into order once.
pub fn lower_contract(
    graph: &Graph,
    value: ValueId,
    slot_of: &dyn Fn(ValueId) -> Slot,
    kernels: KernelSet,
    (workers, parts_each): (usize, usize),
    stays: &dyn Fn(ValueId) -> bool,
) -> ContractLoop {
    let Instruction { operands, nest, ty, .. } = graph.instruction(value);
    let shapes = [graph.shape(operands[0]), graph.shape(operands[1])];
    let slots = [slot_of(operands[0]), slot_of(operands[1])];
    let resolved = nest.resolve();
    let dtype = graph.ty(operands[0]).dtype;
    let made = |way, a: usize, b: usize| {
        let (c, c_type) = (slot_of(value), ty.clone());
        ContractLoop { way, a: slots[a], b: slots[b], c, c_type, packed: None }
    };
    if matches!(dtype, DType::F32 | DType::I8) {
        let candidates = [(0, 1), (1, 0)].into_iter().filter_map(|(a, b)| {
            let (score, spec) = Roles::new(nest, &resolved, &ty.shape, shapes, a, b)?.tables()?;
            Some((score, a, b, spec))
        });
        let best = candidates.max_by(|x, y| x.0.total_cmp(&y.0).then(y.1.cmp(&x.1)));
        if let Some((_, a, b, spec)) = best {
            let options =
                PlanOptions { parts_each, b_constant: stays(operands[b]), ..PlanOptions::new(kernels, workers) };
            let way = match dtype {
                DType::F32 => {
                    ContractPlan::new(&spec, options).map(|plan| Way::Floats(Box::new(plan), Behind::NOTHING))
                }
                DType::I32 | DType::I8 | DType::Bool => {
                    IntegerPlan::new(&spec, options).map(|plan| Way::Integers(Box::new(plan), None))
                }
            };
            if let Ok(way) = way {
                return made(way, a, b);
            }
        }
    }
    made(Way::Any(AnyLoop::new(nest, &resolved, shapes, dtype, ty)), 0, 1)
}

/// One coordinate of the output's index.
#[derive(Clone, Debug)]
struct Coordinate {
    extent: usize,
    c_stride: i64,
    /// Strides in `a` and `b` of the axis that it is; for an affine dimension, of its solved axis.
    a_stride: i64,
    b_stride: i64,
    /// True if it is an axis itself.
    plain: bool,
    in_a: bool,
    in_b: bool,
}

/// A condition on a term: low ≤ Σ coordinate + Σ box + constant < high, and, if `divisor` is above 1, divisible.
#[derive(Clone, Debug)]
struct Condition {
    coordinates: Terms,
    places: Terms,
    constant: i64,
    divisor: i64,
    /// After division.
    extent: i64,
    /// What the quotient (the solved axis) adds to the addresses.
    a_stride: i64,
    b_stride: i64,
}

/// A nest seen with one operand as `a` (rows) and the other as `b` (lanes).
struct Roles {
    coordinates: Vec<Coordinate>,
    /// The reduction box: extent and strides of each axis.
    places: Vec<(usize, i64, i64)>,
    conditions: Vec<Condition>,
    a_constant: i64,
    b_constant: i64,
}

impl Roles {
    fn new(
        nest: &Nest,
        resolved: &Resolved,
        output: &[usize],
        shapes: [&[usize]; 2],
        a: usize,
        b: usize,
    ) -> Option<Roles> {
        let extent = |axis: usize| nest.axes[axis].1;
        let (a_strides, a_constant) = strides(nest, &nest.operands[a], shapes[a]);
        let (b_strides, b_constant) = strides(nest, &nest.operands[b], shapes[b]);
        let uses = |access: &Access, axis: usize| tacit_ir::nest::axes_of(access).contains(&nest.axes[axis].0);
        let in_a = |axis: usize| uses(&nest.operands[a], axis);
        let in_b = |axis: usize| uses(&nest.operands[b], axis);
        let c_strides = row_major_strides(output);
        let mut coordinates: Vec<Coordinate> = vec![];
        let mut coordinate_of_axis: HashMap<usize, usize> = HashMap::new();
        let mut conditions = vec![];
        for (dim, determined) in resolved.output.iter().enumerate() {
            if let Determined::Digits(digits) = determined {
                let inner = row_major_strides(&digits.iter().map(|axis| extent(*axis)).collect::<Vec<_>>());
                for (axis, inner) in digits.iter().zip(inner) {
                    coordinate_of_axis.insert(*axis, coordinates.len());
                    coordinates.push(Coordinate {
                        extent: extent(*axis),
                        c_stride: (c_strides[dim] * inner) as i64,
                        a_stride: a_strides[*axis],
                        b_stride: b_strides[*axis],
                        plain: true,
                        in_a: in_a(*axis),
                        in_b: in_b(*axis),
                    });
                }
            }
        }
        let place_of_axis: HashMap<usize, usize> =
            resolved.reduction.iter().enumerate().map(|(place, axis)| (*axis, place)).collect();
        // Splits Σ coefficient·axis by what the axis is; a solved axis inside another equation is not handled here.
        let split = |terms: &[(i64, usize)]| -> Option<(Terms, Terms)> {
            let (mut by_coordinate, mut by_place) = (vec![], vec![]);
            for (coefficient, axis) in terms {
                match (coordinate_of_axis.get(axis), place_of_axis.get(axis)) {
                    (Some(coordinate), _) => by_coordinate.push((*coefficient, *coordinate)),
                    (None, Some(place)) => by_place.push((*coefficient, *place)),
                    (None, None) => return None,
                }
            }
            Some((by_coordinate, by_place))
        };
        let mut solved: HashMap<usize, (usize, usize)> = HashMap::new();
        for (dim, determined) in resolved.output.iter().enumerate() {
            match determined {
                Determined::Digits(_) => {}
                Determined::Lookup => return None,
                Determined::Solved { axis, coefficient, others, constant } => {
                    // axis = (index − constant − Σ others) / coefficient; a negative divisor turns all signs.
                    let (by_coordinate, by_place) = split(others)?;
                    let sign = coefficient.signum();
                    let own = coordinates.len();
                    let mut of_coordinates: Terms = by_coordinate.into_iter().map(|(c, k)| (-sign * c, k)).collect();
                    of_coordinates.push((sign, own));
                    solved.insert(*axis, (own, conditions.len()));
                    conditions.push(Condition {
                        coordinates: of_coordinates,
                        places: by_place.into_iter().map(|(c, k)| (-sign * c, k)).collect(),
                        constant: -sign * constant,
                        divisor: coefficient.abs(),
                        extent: extent(*axis) as i64,
                        a_stride: a_strides[*axis],
                        b_stride: b_strides[*axis],
                    });
                    coordinates.push(Coordinate {
                        extent: output[dim],
                        c_stride: c_strides[dim] as i64,
                        a_stride: 0,
                        b_stride: 0,
                        plain: false,
                        in_a: in_a(*axis),
                        in_b: in_b(*axis),
                    });
                }
                Determined::Checked { terms, constant } => {
                    let (mut of_coordinates, of_places) = split(terms)?;
                    of_coordinates.push((-1, coordinates.len()));
                    conditions.push(Condition {
                        coordinates: of_coordinates,
                        places: of_places,
                        constant: *constant,
                        divisor: 1,
                        extent: 1,
                        a_stride: 0,
                        b_stride: 0,
                    });
                    coordinates.push(Coordinate {
                        extent: output[dim],
                        c_stride: c_strides[dim] as i64,
                        a_stride: 0,
                        b_stride: 0,
                        plain: false,
                        in_a: true,
                        in_b: false,
                    });
                }
            }
        }
        // Bounds of the operands' own dimensions.
        for (access, shape) in [(&nest.operands[a], shapes[a]), (&nest.operands[b], shapes[b])] {
            for (index, dimension) in access.iter().zip(shape) {
                if nest.range(index).is_some_and(|(low, high)| low >= 0 && high < *dimension as i64) {
                    continue;
                }
                let (terms, constant) = nest.affine(index);
                let (of_coordinates, of_places) = split(&terms)?;
                conditions.push(Condition {
                    coordinates: of_coordinates,
                    places: of_places,
                    constant,
                    divisor: 1,
                    extent: *dimension as i64,
                    a_stride: 0,
                    b_stride: 0,
                });
            }
        }
        let places =
            resolved.reduction.iter().map(|axis| (extent(*axis), a_strides[*axis], b_strides[*axis])).collect();
        Some(Roles { coordinates, places, conditions, a_constant, b_constant })
    }

    /// The tables with the best choice of lanes, and how good it is; `None` if these roles do not fit.
    fn tables(&self) -> Option<(f64, Contraction)> {
        let conditioned: Vec<usize> =
            self.conditions.iter().flat_map(|c| c.coordinates.iter().map(|(_, k)| *k)).collect();
        let is_row = |k: usize| !self.coordinates[k].in_b;
        // A condition may depend on rows only, since groups are of rows.
        if conditioned.iter().any(|k| !is_row(*k)) {
            return None;
        }
        let rows = self.coordinates.iter().filter(|coordinate| !coordinate.in_b);
        let row_count = rows.map(|row| row.extent).product();
        let terms = self.places.iter().map(|(extent, _, _)| extent).product();
        let without = Shape { rows: row_count, lanes: 1, terms }.share_of_peak(true, 1, false);
        let mut best: (f64, Vec<usize>) = (without, vec![]);
        for (k, last) in self.coordinates.iter().enumerate() {
            let depthwise = last.in_a && last.in_b;
            if !last.plain || !last.in_b || last.extent <= 1 || (depthwise && last.a_stride != 1) {
                continue;
            }
            // Neighbouring coordinates that continue the lanes in every operand join them.
            let mut lanes = vec![k];
            let mut count = last.extent;
            while let Some(next) = (0..self.coordinates.len()).find(|j| {
                let c = &self.coordinates[*j];
                let continues = |stride: i64, step: i64| stride == step * count as i64;
                !lanes.contains(j)
                    && c.plain
                    && c.extent > 1
                    && (c.in_a, c.in_b) == (last.in_a, last.in_b)
                    && continues(c.c_stride, last.c_stride)
                    && continues(c.b_stride, last.b_stride)
                    && (!depthwise || continues(c.a_stride, last.a_stride))
            }) {
                count *= self.coordinates[next].extent;
                lanes.push(next);
            }
            let shape = Shape { rows: row_count, lanes: count, terms };
            let score = shape.share_of_peak(last.b_stride == 1, last.c_stride, depthwise);
            if score > best.0 {
                best = (score, lanes);
            }
        }
        let (score, lanes) = best;
        let first = lanes.first().map(|k| &self.coordinates[*k]);
        let depthwise = first.is_some_and(|c| c.in_a);
        let fits = |x: i64| i32::try_from(x).ok();
        let rows: Vec<usize> = (0..self.coordinates.len()).filter(|k| is_row(*k)).collect();
        let batches: Vec<usize> = (0..self.coordinates.len()).filter(|k| !is_row(*k) && !lanes.contains(k)).collect();
        let bases = self
            .indices(&batches)
            .map(|index| {
                let mut base = [self.a_constant, self.b_constant, 0];
                for (k, i) in batches.iter().zip(index) {
                    let c = &self.coordinates[*k];
                    base[0] += i * c.a_stride;
                    base[1] += i * c.b_stride;
                    base[2] += i * c.c_stride;
                }
                Some(Base { a: fits(base[0])?, b: fits(base[1])?, c: fits(base[2])? })
            })
            .collect::<Option<Vec<Base>>>()?;
        let (groups, rows) = self.groups(&rows)?;
        Some((
            score,
            Contraction {
                batches: bases,
                rows,
                groups,
                lanes: lanes.iter().map(|k| self.coordinates[*k].extent).product(),
                a_lane_stride: depthwise as i32,
                b_lane_stride: fits(first.map_or(1, |c| c.b_stride))?,
                c_lane_stride: fits(first.map_or(1, |c| c.c_stride))?,
            },
        ))
    }

    /// Every index of some coordinates, the last fastest.
    fn indices<'s>(&'s self, coordinates: &'s [usize]) -> impl Iterator<Item = Vec<i64>> + 's {
        let extents: Vec<usize> = coordinates.iter().map(|k| self.coordinates[*k].extent).collect();
        let total: usize = extents.iter().product();
        (0..total).map(move |number| digits(number, &extents))
    }

    /// Rows gathered by the terms that they have, and each group's terms.
    fn groups(&self, rows: &[usize]) -> Option<(Vec<Group>, Vec<Row>)> {
        let fits = |x: i64| i32::try_from(x).ok();
        let box_extents: Vec<usize> = self.places.iter().map(|(extent, _, _)| *extent).collect();
        // A row's terms follow from the value of each condition at the row: its remainder, and which places pass.
        let mut passing: Vec<HashMap<i64, usize>> = vec![HashMap::new(); self.conditions.len()];
        let mut patterns: Vec<HashMap<Vec<bool>, usize>> = vec![HashMap::new(); self.conditions.len()];
        let mut members: HashMap<Terms, usize> = HashMap::new();
        let mut groups: Vec<RowGroup> = vec![];
        for index in self.indices(rows) {
            let (mut a, mut c) = (0, 0);
            for (k, i) in rows.iter().zip(&index) {
                a += i * self.coordinates[*k].a_stride;
                c += i * self.coordinates[*k].c_stride;
            }
            let mut key = vec![];
            let mut values = vec![];
            for (k, condition) in self.conditions.iter().enumerate() {
                let value: i64 = condition.constant
                    + condition
                        .coordinates
                        .iter()
                        .map(|(c, coordinate)| {
                            let at = rows.iter().position(|k| k == coordinate).expect("conditions are on rows");
                            c * index[at]
                        })
                        .sum::<i64>();
                let pattern = match passing[k].get(&value) {
                    Some(pattern) => *pattern,
                    None => {
                        let passes = self.passes(condition, value);
                        let next = patterns[k].len();
                        let pattern = *patterns[k].entry(passes).or_insert(next);
                        passing[k].insert(value, pattern);
                        pattern
                    }
                };
                let remainder = value.rem_euclid(condition.divisor);
                a += value.div_euclid(condition.divisor) * condition.a_stride;
                key.push((remainder, pattern));
                values.push(value);
            }
            let group = *members.entry(key).or_insert_with(|| {
                groups.push(RowGroup { values, rows: vec![] });
                groups.len() - 1
            });
            groups[group].rows.push(Row { a: fits(a)?, c: fits(c)? });
        }
        let mut table = vec![];
        let mut made = vec![];
        for RowGroup { values, rows } in groups {
            made.push(Group { rows: rows.len(), runs: self.runs(&values, &box_extents)? });
            table.extend(rows);
        }
        Some((made, table))
    }

    /// Which places of a condition's own axes pass, for one value at the row.
    fn passes(&self, condition: &Condition, value: i64) -> Vec<bool> {
        let extents: Vec<usize> = condition.places.iter().map(|(_, place)| self.places[*place].0).collect();
        let total: usize = extents.iter().product();
        (0..total)
            .map(|number| {
                let index = digits(number, &extents);
                let sum = value + condition.places.iter().zip(index).map(|((c, _), i)| c * i).sum::<i64>();
                condition.admits(sum)
            })
            .collect()
    }

    /// The terms of a row with these condition values, as runs of equal steps cut at chunk ends.
    fn runs(&self, values: &[i64], box_extents: &[usize]) -> Option<Vec<Run>> {
        let total: usize = box_extents.iter().product();
        let mut runs: Vec<Open> = vec![];
        let mut fresh = true;
        let mut index = vec![0i64; box_extents.len()];
        for position in 0..total {
            if position % CHUNK == 0 && position > 0 {
                end_chunk(&mut runs, fresh);
                fresh = true;
            }
            let (mut a, mut b) = (0, 0);
            for (i, (_, a_stride, b_stride)) in index.iter().zip(&self.places) {
                a += i * a_stride;
                b += i * b_stride;
            }
            let mut admitted = true;
            for (condition, value) in self.conditions.iter().zip(values) {
                let own: i64 = condition.places.iter().map(|(c, place)| c * index[*place]).sum();
                admitted &= condition.admits(value + own);
                // The row's address holds the quotient of its own value; the term adds the rest.
                let quotient = (value + own).div_euclid(condition.divisor) - value.div_euclid(condition.divisor);
                a += quotient * condition.a_stride;
                b += (value + own).div_euclid(condition.divisor) * condition.b_stride;
            }
            if admitted {
                match runs.last_mut() {
                    Some(run) if !fresh && run.len == 1 => {
                        (run.a_stride, run.b_stride) = (a - run.a, b - run.b);
                        run.len = 2;
                    }
                    Some(run)
                        if !fresh
                            && a == run.a + run.a_stride * run.len as i64
                            && b == run.b + run.b_stride * run.len as i64 =>
                    {
                        run.len += 1
                    }
                    _ => runs.push(Open { a, b, len: 1, ..Open::default() }),
                }
                fresh = false;
            }
            for (i, extent) in index.iter_mut().zip(box_extents).rev() {
                *i += 1;
                if *i < *extent as i64 {
                    break;
                }
                *i = 0;
            }
        }
        end_chunk(&mut runs, fresh);
        let fits = |x: i64| i32::try_from(x).ok();
        runs.into_iter()
            .map(|run| {
                let (a_stride, b_stride) = (fits(run.a_stride)?, fits(run.b_stride)?);
                let Open { len, ends_chunk, .. } = run;
                Some(Run { a: fits(run.a)?, b: fits(run.b)?, len, a_stride, b_stride, ends_chunk })
            })
            .collect()
    }
}

impl Condition {
    fn admits(&self, sum: i64) -> bool {
        sum.rem_euclid(self.divisor) == 0 && (0..self.extent).contains(&sum.div_euclid(self.divisor))
    }
}

/// The sizes of one batch item of a contraction.
struct Shape {
    rows: usize,
    lanes: usize,
    terms: usize,
}

impl Shape {
    /// Roughly the share of the machine's peak that tables of this shape reach, for comparing choices of roles. One
    /// unit of work is a multiply-add of each of 32 lanes, one cycle at the peak.
    fn share_of_peak(&self, b_adjacent: bool, c_stride: i64, depthwise: bool) -> f64 {
        let vectors = self.lanes.div_ceil(16);
        let filled = self.lanes as f64 / (vectors * 16) as f64;
        // Eight chains hide the latency of an addition; tiles of few rows take more vectors.
        let vectors_at_a_time = match self.rows {
            0..=3 => 8,
            4..=6 => 4,
            _ => 2,
        };
        let chains = self.rows.min(14) * vectors.min(vectors_at_a_time);
        let busy = (chains as f64 / 8.0).min(1.0);
        let computing = if depthwise { 2.0 } else { 1.0 } / (filled * busy).max(1e-3);
        // Measured: about a cycle for each element that is packed from afar; a few for one that is written apart from
        // its neighbours, and many where each falls into a page of its own.
        let packing = if b_adjacent { 0.0 } else { 32.0 / self.rows.max(1) as f64 };
        let writing = match c_stride {
            1 => 0.0,
            2..1024 => 150.0,
            _ => 800.0,
        } / self.terms.max(1) as f64;
        1.0 / (computing + packing + writing)
    }
}

/// Rows that have the same terms, and the values of the conditions at the first of them.
struct RowGroup {
    values: Vec<i64>,
    rows: Vec<Row>,
}

/// A run that may still grow.
#[derive(Default)]
struct Open {
    a: i64,
    b: i64,
    a_stride: i64,
    b_stride: i64,
    len: u32,
    ends_chunk: bool,
}

/// Ends a chunk at the last run, or with a run of no terms where the chunk has none.
fn end_chunk(runs: &mut Vec<Open>, empty: bool) {
    match runs.last_mut() {
        Some(run) if !empty => run.ends_chunk = true,
        _ => runs.push(Open { ends_chunk: true, ..Open::default() }),
    }
}

/// The element strides of every axis of the nest through an access, and the constant offset.
fn strides(nest: &Nest, access: &Access, shape: &[usize]) -> (Vec<i64>, i64) {
    let mut strides = vec![0; nest.axes.len()];
    let mut offset = 0;
    for (index, stride) in access.iter().zip(row_major_strides(shape)) {
        let (terms, constant) = nest.affine(index);
        offset += constant * stride as i64;
        for (coefficient, axis) in terms {
            strides[axis] += coefficient * stride as i64;
        }
    }
    (strides, offset)
}

/// The digits of a number in mixed radix, the last fastest.
pub(super) fn digits(mut number: usize, extents: &[usize]) -> Vec<i64> {
    let mut digits = vec![0; extents.len()];
    for (digit, extent) in digits.iter_mut().zip(extents).rev() {
        *digit = (number % extent) as i64;
        number /= extent;
    }
    digits
}
