//! The results of a nest and the terms of each, in the order that docs/NUMERICS.md states.

use super::super::{Affine, Condition};
use super::Options;
use super::build::Builder;
use super::element::{Scope, dimension};
use tacit_ir::ValueId;
use tacit_ir::nest::{Determined, Nest, Resolved};

/// How an instruction's results and terms are walked.
pub struct Walk<'a> {
    scope: &'a Scope<'a>,
    nest: &'a Nest,
    resolved: Resolved,
    shape: &'a [usize],
    slots: Vec<Slot>,
    /// What decides whether a place of the box is a term.
    guards: Vec<Guard>,
}

/// What one loop over results counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Axis(usize),
    /// The index of a dimension of the output that is no plain axis.
    Dimension(usize),
}

#[derive(Clone, Debug)]
enum Guard {
    /// A dimension of the output that is solved for an axis.
    Solve { dim: usize, axis: usize, coefficient: i64, others: Vec<(i64, usize)>, constant: i64 },
    /// A dimension of the output whose index must be the sum.
    Check { dim: usize, terms: Vec<(i64, usize)>, constant: i64 },
    /// A dimension of an operand that an access must not leave.
    Within { operand: ValueId, dim: usize, position: usize, axes: Vec<usize> },
}

impl Guard {
    /// The axes that must be known.
    fn needs(&self) -> Vec<usize> {
        match self {
            Guard::Solve { others, .. } => others.iter().map(|(_, axis)| *axis).collect(),
            Guard::Check { terms, .. } => terms.iter().map(|(_, axis)| *axis).collect(),
            Guard::Within { axes, .. } => axes.clone(),
        }
    }

    fn is_about_output(&self) -> bool {
        match self {
            Guard::Solve { .. } | Guard::Check { .. } => true,
            Guard::Within { .. } => false,
        }
    }
}

/// One result, or a block of results next to each other: the index of the output, dimension by dimension, and the axes
/// that it determines.
#[derive(Clone)]
pub struct Place {
    pub index: Vec<Affine>,
    pub axes: Vec<Affine>,
}

/// A block of results along the lane axis: the first of them, and how many.
pub struct Lanes {
    first: Place,
    /// The axis and the dimension of the output that go from one to the next.
    along: Option<(usize, usize)>,
    pub width: usize,
    /// Whether each lane has statements of its own instead of a turn of a loop.
    pub is_unrolled: bool,
}

impl Lanes {
    /// The body for each of the block's results.
    pub fn each(&self, builder: &mut Builder, body: &mut dyn FnMut(&mut Builder, Affine)) {
        match self.is_unrolled {
            true => (0..self.width).for_each(|lane| body(builder, Affine::constant(lane as i64))),
            false => builder.each(self.width, body),
        }
    }

    /// The place of one of the block's results.
    pub fn place(&self, lane: &Affine) -> Place {
        let mut place = self.first.clone();
        if let Some((axis, dim)) = self.along {
            place.axes[axis] = place.axes[axis].clone().plus(lane);
            place.index[dim] = place.index[dim].clone().plus(lane);
        }
        place
    }

    /// The axes of a term for one of the block's results, from those for the first.
    pub fn axes_of_lane(&self, axes: &[Affine], lane: &Affine) -> Vec<Affine> {
        let mut axes = axes.to_vec();
        if let Some((axis, _)) = self.along {
            axes[axis] = axes[axis].clone().plus(lane);
        }
        axes
    }
}

/// What happens on the way through the box of one block.
pub trait Visitor {
    /// A place of the box that ends a piece: a multiple of the piece's positions, before the term there.
    fn boundary(&mut self, builder: &mut Builder, place: &Affine);
    /// A term for each result of the block: its place in the box, and the axes of the block's first result. What depends
    /// on the lane is still to be looked at ([`Walk::lane_conditions`]).
    fn term(&mut self, builder: &mut Builder, place: &Affine, axes: &[Affine]);
}

impl<'a> Walk<'a> {
    pub fn new(scope: &'a Scope<'a>) -> Walk<'a> {
        let instruction = scope.graph.instruction(scope.anchor());
        let nest = &instruction.nest;
        let resolved = nest.resolve();
        let mut slots = vec![];
        let mut guards = vec![];
        for (dim, determined) in resolved.output.iter().enumerate() {
            match determined {
                Determined::Digits(axes) => slots.extend(axes.iter().map(|axis| Slot::Axis(*axis))),
                Determined::Solved { axis, coefficient, others, constant } => {
                    slots.push(Slot::Dimension(dim));
                    guards.push(Guard::Solve {
                        dim,
                        axis: *axis,
                        coefficient: *coefficient,
                        others: others.clone(),
                        constant: *constant,
                    });
                }
                Determined::Checked { terms, constant } => {
                    slots.push(Slot::Dimension(dim));
                    guards.push(Guard::Check { dim, terms: terms.clone(), constant: *constant });
                }
                Determined::Lookup => panic!("only `scatter` looks its output up"),
            }
        }
        for (position, (operand, access)) in instruction.operands.iter().zip(&nest.operands).enumerate() {
            for (dim, index) in access.iter().enumerate() {
                let extent = scope.graph.shape(*operand)[dim];
                let stays = nest.range(index).is_some_and(|(low, high)| low >= 0 && high < extent as i64);
                if !stays {
                    let axes = nest.affine(index).0.into_iter().map(|(_, axis)| axis).collect();
                    guards.push(Guard::Within { operand: *operand, dim, position, axes });
                }
            }
        }
        Walk { scope, nest, resolved, shape: &instruction.ty.shape, slots, guards }
    }

    /// The positions of the reduction box.
    pub fn box_size(&self) -> usize {
        self.resolved.reduction.iter().map(|axis| self.nest.axes[*axis].1).product()
    }

    fn extent(&self, slot: Slot) -> usize {
        match slot {
            Slot::Axis(axis) => self.nest.axes[axis].1,
            Slot::Dimension(dim) => self.shape[dim],
        }
    }

    /// The last axis of the output, if results along it can be computed side by side.
    fn lane_axis(&self) -> Option<(usize, usize)> {
        let Some(Slot::Axis(axis)) = self.slots.last() else { return None };
        let dim = self.resolved.output.len() - 1;
        let is_free = self.guards.iter().all(|guard| !guard.is_about_output() || !guard.needs().contains(axis));
        is_free.then_some((*axis, dim))
    }

    /// Every result, in blocks of up to so many lanes next to each other.
    pub fn blocks(&self, builder: &mut Builder, options: Options, body: &mut dyn FnMut(&mut Builder, &Lanes)) {
        let Options { lanes, is_unrolled } = options;
        let along = self.lane_axis().filter(|(axis, _)| lanes > 1 && self.nest.axes[*axis].1 > 1);
        let outer = match along {
            Some(_) => &self.slots[..self.slots.len() - 1],
            None => &self.slots[..],
        };
        let extents: Vec<usize> = outer.iter().map(|slot| self.extent(*slot)).collect();
        builder.each_of(&extents, &mut |builder, counters| {
            let place = |lane: Affine| {
                let mut axes = vec![Affine::default(); self.nest.axes.len()];
                let mut of_dimensions = vec![Affine::default(); self.shape.len()];
                for (slot, counter) in outer.iter().zip(counters) {
                    match slot {
                        Slot::Axis(axis) => axes[*axis] = counter.clone(),
                        Slot::Dimension(dim) => of_dimensions[*dim] = counter.clone(),
                    }
                }
                if let Some((axis, _)) = along {
                    axes[axis] = lane;
                }
                let index = self.resolved.output.iter().enumerate().map(|(dim, determined)| match determined {
                    Determined::Digits(_) => dimension(self.nest, &self.nest.output[dim], &axes),
                    Determined::Solved { .. } | Determined::Checked { .. } | Determined::Lookup => {
                        of_dimensions[dim].clone()
                    }
                });
                let index = index.collect();
                Place { index, axes }
            };
            let Some((axis, _)) = along else {
                return body(builder, &Lanes { first: place(Affine::default()), along: None, width: 1, is_unrolled });
            };
            let extent = self.nest.axes[axis].1;
            let width = block_width(extent, lanes);
            let full = extent / width;
            builder.each(full, |builder, block| {
                body(builder, &Lanes { first: place(block.times(width as i64)), along, width, is_unrolled });
            });
            if !extent.is_multiple_of(width) {
                let first = place(Affine::constant((full * width) as i64));
                body(builder, &Lanes { first, along, width: extent % width, is_unrolled });
            }
        });
    }

    /// The axes of every position of the box in order, for the first of a block's results. Nothing is skipped.
    pub fn places(&self, lanes: &Lanes) -> Vec<Vec<Affine>> {
        let mut all = vec![lanes.first.axes.clone()];
        for axis in &self.resolved.reduction {
            let at = |axes: &[Affine], value: usize| {
                let mut axes = axes.to_vec();
                axes[*axis] = Affine::constant(value as i64);
                axes
            };
            let extent = self.nest.axes[*axis].1;
            all = all.iter().flat_map(|axes| (0..extent).map(|value| at(axes, value))).collect();
        }
        all
    }

    /// The conditions of a term that depend on the lane.
    pub fn lane_conditions(&self, lanes: &Lanes, axes: &[Affine]) -> Vec<Condition> {
        let Some((lane, _)) = lanes.along else { return vec![] };
        let of_lane = self.guards.iter().filter(|guard| guard.needs().contains(&lane));
        of_lane.flat_map(|guard| self.conditions(guard, axes, &lanes.first.index)).collect()
    }

    /// The terms of a block's results. `piece` is the number of positions after which the visitor is told of a boundary;
    /// there is none behind the last.
    pub fn terms(&self, builder: &mut Builder, lanes: &Lanes, piece: usize, visitor: &mut dyn Visitor) {
        let mut levels = self.levels(lanes, piece);
        let mut axes = lanes.first.axes.clone();
        self.level(builder, &mut levels, 0, &mut axes, &lanes.first.index, Affine::default(), visitor);
    }

    /// The loops of the box and where guards and boundaries stand between them.
    fn levels(&self, lanes: &Lanes, piece: usize) -> Levels {
        let mut loops: Vec<(usize, usize, i64)> = vec![];
        let mut stride = 1;
        for axis in self.resolved.reduction.iter().rev() {
            loops.push((*axis, self.nest.axes[*axis].1, stride));
            stride *= self.nest.axes[*axis].1 as i64;
        }
        loops.reverse();
        // A loop that neither divides a piece nor is a multiple of one is cut where both can be counted.
        let boundary = (self.box_size() > piece).then(|| {
            let mut level = loops.len();
            let mut inside = 1;
            while level > 0 && piece.is_multiple_of(inside * loops[level - 1].1) {
                inside *= loops[level - 1].1;
                level -= 1;
            }
            if level == loops.len() {
                let (axis, extent, _) = loops.pop().expect("a box of several positions has a loop");
                let part = greatest_common_divisor(extent, piece);
                loops.push((axis, extent / part, part as i64));
                if part > 1 {
                    loops.push((axis, part, 1));
                } else {
                    return loops.len();
                }
                return loops.len() - 1;
            }
            level
        });
        // An axis is known behind its last loop; a solved one with its guard.
        let mut known: Vec<usize> = vec![0; self.nest.axes.len()];
        for (k, (axis, _, _)) in loops.iter().enumerate() {
            known[*axis] = k + 1;
        }
        let lane = lanes.along.map(|(axis, _)| axis);
        let mut guards = vec![vec![]; loops.len() + 1];
        for guard in &self.guards {
            let needs = guard.needs();
            if lane.is_some_and(|lane| needs.contains(&lane)) {
                continue;
            }
            // What a boundary counts is not skipped, so no guard stands in front of it.
            let least = boundary.unwrap_or(0);
            let level = needs.iter().map(|axis| known[*axis]).max().unwrap_or(0).max(least);
            if let Guard::Solve { axis, .. } = guard {
                known[*axis] = level;
            }
            guards[level].push(guard.clone());
        }
        Levels { loops, boundary, piece: piece as i64, guards }
    }

    #[expect(clippy::too_many_arguments, reason = "one step of a recursion, which has a state")]
    fn level(
        &self,
        builder: &mut Builder,
        levels: &mut Levels,
        level: usize,
        axes: &mut Vec<Affine>,
        index: &[Affine],
        place: Affine,
        visitor: &mut dyn Visitor,
    ) {
        if levels.boundary == Some(level) {
            let last = self.box_size() as i64;
            let conditions = vec![
                Condition::Within { position: place.clone().plus(&Affine::constant(-1)), extent: last },
                Condition::Multiple { position: place.clone(), of: levels.piece },
            ];
            builder.when(conditions, |builder| visitor.boundary(builder, &place));
        }
        let guards = levels.guards[level].clone();
        self.guarded(builder, &guards, axes, index, &mut |builder, axes| {
            let Some((axis, extent, stride)) = levels.loops.get(level).copied() else {
                return visitor.term(builder, &place, axes);
            };
            // An axis that is cut has two loops, whose counters add up.
            let is_second = level > 0 && levels.loops[level - 1].0 == axis;
            let is_first = levels.loops.get(level + 1).is_some_and(|(next, _, _)| *next == axis);
            let factor = if is_first { levels.loops[level + 1].1 as i64 } else { 1 };
            let before = if is_second { axes[axis].clone() } else { Affine::default() };
            builder.each(extent, |builder, counter| {
                let place = place.clone().plus(&counter.clone().times(stride));
                axes[axis] = before.clone().plus(&counter.times(factor));
                self.level(builder, levels, level + 1, axes, index, place, visitor);
            });
            axes[axis] = before;
        });
    }

    /// The body where all guards hold, with the axes that they solve.
    fn guarded(
        &self,
        builder: &mut Builder,
        guards: &[Guard],
        axes: &mut Vec<Affine>,
        index: &[Affine],
        body: &mut dyn FnMut(&mut Builder, &mut Vec<Affine>),
    ) {
        let Some((guard, rest)) = guards.split_first() else { return body(builder, axes) };
        let conditions = self.conditions(guard, axes, index);
        builder.when(conditions, |builder| {
            let Guard::Solve { axis, coefficient, .. } = guard else {
                return self.guarded(builder, rest, axes, index, body);
            };
            let extent = self.nest.axes[*axis].1;
            axes[*axis] = builder.quotient(self.numerator(guard, axes, index), *coefficient, extent);
            self.guarded(builder, rest, axes, index, body)
        });
    }

    fn conditions(&self, guard: &Guard, axes: &[Affine], index: &[Affine]) -> Vec<Condition> {
        match guard {
            // The quotient is an index of the axis if the numerator lies within so many multiples.
            Guard::Solve { axis, coefficient, .. } => {
                let position = self.numerator(guard, axes, index).times(coefficient.signum());
                let extent = self.nest.axes[*axis].1 as i64 * coefficient.abs();
                let within = Condition::Within { position: position.clone(), extent };
                vec![within, Condition::Multiple { position, of: coefficient.abs() }]
            }
            Guard::Check { .. } => vec![Condition::Within { position: self.numerator(guard, axes, index), extent: 1 }],
            Guard::Within { operand, dim, position, .. } => {
                let access = &self.nest.operands[*position];
                let position = dimension(self.nest, &access[*dim], axes);
                vec![Condition::Within { position, extent: self.scope.graph.shape(*operand)[*dim] as i64 }]
            }
        }
    }

    /// The output's index less what is known of its sum.
    fn numerator(&self, guard: &Guard, axes: &[Affine], index: &[Affine]) -> Affine {
        let (dim, terms, constant) = match guard {
            Guard::Solve { dim, others, constant, .. } => (*dim, others, *constant),
            Guard::Check { dim, terms, constant } => (*dim, terms, *constant),
            Guard::Within { .. } => panic!("an operand's bounds solve nothing"),
        };
        terms.iter().fold(index[dim].clone().plus(&Affine::constant(-constant)), |rest, (step, axis)| {
            rest.plus(&axes[*axis].clone().times(-step))
        })
    }
}

struct Levels {
    /// Axis, extent, and the positions from one index to the next; the outermost first.
    loops: Vec<(usize, usize, i64)>,
    /// The number of loops around the place where boundaries are counted.
    boundary: Option<usize>,
    piece: i64,
    /// The guards that stand behind so many loops.
    guards: Vec<Vec<Guard>>,
}

/// The largest number up to `lanes` that leaves no rest, unless it is small against `lanes`.
fn block_width(extent: usize, lanes: usize) -> usize {
    if extent <= lanes {
        return extent;
    }
    (lanes.div_ceil(2)..=lanes).rev().find(|width| extent.is_multiple_of(*width)).unwrap_or(lanes)
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
