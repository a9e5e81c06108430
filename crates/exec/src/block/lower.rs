//! From a planned kernel to a block program: maps become operations, accesses become affine offsets.

use super::reduce::{Phase, ReduceLoop};
use super::run::{ElementwiseLoop, Store, set_place};
use super::{Affine, BLOCK, BlockProgram, Code, Guard, Slot, is_word};
use crate::machine::Library;
use std::collections::HashMap;
use tacit_ir::interpret::{LANES, reduces_in_lanes};
use tacit_ir::nest::{Determined, Index};
use tacit_ir::passes::plan::{Fate, Kernel, Plan};
use tacit_ir::types::{DType, Literal, Scalar, row_major_strides};
use tacit_ir::{Graph, Instruction, Op, Reduction, ScalarFn, ValueId};

/// Where a kernel finds memory: the slot of each value that is not inline.
pub type SlotOf<'a> = &'a dyn Fn(ValueId) -> Slot;

/// Lowers a kernel whose root is a map, a move or a count; behind an anchor, the maps that take its results on.
pub fn lower_elementwise(
    graph: &Graph,
    plan: &Plan,
    kernel: &Kernel,
    slot_of: SlotOf<'_>,
    library: Option<&mut Library>,
) -> ElementwiseLoop {
    lower_maps(graph, plan, kernel, slot_of, library, None).expect("only windows can be too large")
}

/// Lowers a reduction or contraction of few terms, with the maps behind it: every term is an operation of its own. Nothing
/// if there are too many terms, if an output element is not where its plain axes say, or if a contraction is none by
/// constants.
pub fn lower_windows(
    graph: &Graph,
    plan: &Plan,
    kernel: &Kernel,
    slot_of: SlotOf<'_>,
    library: Option<&mut Library>,
) -> Option<ElementwiseLoop> {
    let value = kernel.anchor.unwrap_or(kernel.root);
    let Instruction { op, nest, ty, .. } = graph.instruction(value);
    let resolved = nest.resolve();
    let positions: usize = resolved.reduction.iter().map(|axis| nest.axes[*axis].1).product();
    let is_window = if matches!(op, Op::Contract) {
        resolved.is_plain() && constant_factor(graph, value).is_some()
    } else {
        resolved.output.iter().all(|determined| matches!(determined, Determined::Digits(axes) if axes.len() == 1))
    };
    if !is_window || !is_word(ty.dtype) || positions > LANES {
        return None;
    }
    lower_maps(graph, plan, kernel, slot_of, library, Some(value))
}

/// The operand of a contraction, if it is one, that is a constant of finite numbers while the other has the lanes: combining
/// neighbours by fixed weights, as Winograd's transforms do, is bound by loads, and a tile would store what a loop takes on.
fn constant_factor(graph: &Graph, value: ValueId) -> Option<usize> {
    let Instruction { op, operands, nest, ty } = graph.instruction(value);
    if !matches!(op, Op::Contract) {
        return None;
    }
    let lanes = *tacit_ir::nest::axes_of(&nest.output).last()?;
    let is_finite = |value: &Scalar| matches!(value, Scalar::F32(x) if x.is_finite());
    (0..2).find(|k| {
        let (constant, other) = (graph.instruction(operands[*k]), &nest.operands[1 - *k]);
        matches!(&constant.op, Op::Constant { value: Literal::Dense(values) } if values.iter().all(is_finite))
            && ty.dtype == DType::F32
            && !tacit_ir::nest::axes_of(&nest.operands[*k]).contains(&lanes)
            && other.last() == Some(&Index::Axis(lanes))
    })
}

/// Windows of more operations are computed term by term.
const WINDOW_OPERATIONS_MAX: usize = 256;

/// Lowers the maps of a kernel, and the windows that they stand behind, if there are any.
fn lower_maps(
    graph: &Graph,
    plan: &Plan,
    kernel: &Kernel,
    slot_of: SlotOf<'_>,
    library: Option<&mut Library>,
    windows: Option<ValueId>,
) -> Option<ElementwiseLoop> {
    let root = graph.instruction(kernel.root);
    // The loop dimensions are the output's axes, outermost first, so that results are written in memory order.
    let outer = graph.instruction(windows.unwrap_or(kernel.root));
    let axes: Vec<(char, usize)> = match outer.op.has_nest() {
        true => tacit_ir::nest::axes_of(&outer.nest.output)
            .into_iter()
            .map(|axis| (axis, outer.nest.extent(axis).expect("a verified nest names its axes")))
            .collect(),
        false => ('a'..='z').zip(outer.ty.shape.iter().copied()).collect(),
    };
    let strides = row_major_strides(&axes.iter().map(|(_, extent)| *extent).collect::<Vec<_>>());
    // Axes that stand for several results of one step of the loop, which share what they read.
    let unrolled = windows.map_or(vec![], |value| unrolled_axes(graph, value));
    let looped: Vec<(char, usize)> = axes.iter().filter(|axis| !unrolled.contains(axis)).copied().collect();
    let extents: Vec<usize> = looped.iter().map(|(_, extent)| *extent).collect();
    let mut builder = Builder::new(graph, plan, kernel, slot_of, extents.len());
    let steps: Vec<usize> = unrolled.iter().map(|(_, extent)| *extent).collect();
    let mut stores = vec![];
    for step in 0..steps.iter().product() {
        let mut map: AxisMap =
            looped.iter().enumerate().map(|(dim, (axis, _))| (*axis, builder.dimension(dim))).collect();
        let mut digits = vec![0; steps.len()];
        set_place(&mut digits, &steps, step);
        map.extend(unrolled.iter().zip(digits).map(|((axis, _), digit)| (*axis, builder.constant(digit))));
        // The index of every dimension of the results, merged ones included.
        let dimensions: Vec<Affine> = match outer.op.has_nest() {
            true => outer.nest.output.iter().map(|index| builder.index(&outer.nest, index, &map)).collect(),
            false => axes.iter().map(|(axis, _)| map[axis].clone()).collect(),
        };
        let result = match windows {
            None => builder.emit_instruction(kernel.root, &map, &[]),
            Some(value) => {
                let code = builder.emit_window(value, &map)?;
                match value == kernel.root {
                    true => code,
                    false => {
                        // The maps find it under their own index.
                        builder.known.insert((value, dimensions.clone(), vec![], 0), code);
                        let axes = tacit_ir::nest::axes_of(&root.nest.output);
                        let map = axes.into_iter().zip(dimensions.iter().cloned()).collect();
                        builder.emit_instruction(kernel.root, &map, &[])
                    }
                }
            }
        };
        // The axes are the output in row-major order, merged dimensions included.
        let places = axes.iter().zip(&strides);
        let offset = places.fold(builder.zero(), |sum, ((axis, _), stride)| sum.plus(*stride as i64, &map[axis]));
        stores.push((result, kernel.root, offset.clone()));
        for value in &kernel.also_stored {
            stores.push((builder.emit_operand(*value, &dimensions, &[], 0), *value, offset.clone()));
        }
    }
    let codes = builder.codes;
    let results: Vec<usize> = stores.iter().map(|(code, ..)| *code).collect();
    let program = BlockProgram::new(codes, results, whole_columns(&extents, extents.len()));
    let stores = stores
        .into_iter()
        .map(|(_, value, offset)| Store { slot: slot_of(value), dtype: graph.ty(value).dtype, offset })
        .collect();
    Some(ElementwiseLoop::new(program, extents, stores, library))
}

/// The axes of the output that only the constant of a contraction has, if they stand for few results: what the other operand
/// has at a place is read once for all of them, and the constants become numbers in the code.
fn unrolled_axes(graph: &Graph, value: ValueId) -> Vec<(char, usize)> {
    let Some(constant) = constant_factor(graph, value) else { return vec![] };
    let nest = &graph.instruction(value).nest;
    let of_constant = tacit_ir::nest::axes_of(&nest.operands[constant]);
    let of_other = tacit_ir::nest::axes_of(&nest.operands[1 - constant]);
    let own = tacit_ir::nest::axes_of(&nest.output)
        .into_iter()
        .filter(|axis| of_constant.contains(axis) && !of_other.contains(axis))
        .map(|axis| (axis, nest.extent(axis).expect("a verified nest names its axes")));
    let own: Vec<(char, usize)> = own.collect();
    let results: usize = own.iter().map(|(_, extent)| extent).product();
    if (1..=UNROLLED_MAX).contains(&results) { own } else { vec![] }
}

/// The most results of one step of a loop.
const UNROLLED_MAX: usize = 8;

/// Lowers a reduction with its prologue.
///
/// Loop dimensions: the output's axes, then the reduction box's, then one *shift* for each axis that is solved by a
/// division (its value is set while looping over the box).
pub fn lower_reduce(
    graph: &Graph,
    plan: &Plan,
    kernel: &Kernel,
    slot_of: SlotOf<'_>,
    library: Option<&mut Library>,
) -> Option<ReduceLoop> {
    let value = kernel.anchor.unwrap_or(kernel.root);
    let Instruction { op: Op::Reduce(reduction), operands, nest, ty } = graph.instruction(value) else {
        panic!("the plan gives reductions a reduce kernel");
    };
    let resolved = nest.resolve();
    let extent = |axis: usize| nest.axes[axis].1;
    let name = |axis: usize| nest.axes[axis].0;
    let strides = row_major_strides(&ty.shape);
    // Phases need equations over the box alone; anything else is computed one element at a time.
    let one_by_one = resolved.output.iter().any(|determined| match determined {
        Determined::Solved { coefficient, others, .. } => {
            coefficient.abs() > 1 && others.iter().any(|(_, axis)| !resolved.reduction.contains(axis))
        }
        Determined::Digits(_) | Determined::Checked { .. } | Determined::Lookup => false,
    });
    // One loop dimension for each digit or affine dimension of the output.
    let mut extents: Vec<usize> = vec![];
    let mut store = Affine { coefficients: vec![], constant: 0 };
    let mut dims_of_output: Vec<usize> = vec![];
    for (dim, determined) in resolved.output.iter().enumerate() {
        dims_of_output.push(extents.len());
        match determined {
            Determined::Digits(digits) => {
                let inner = row_major_strides(&digits.iter().map(|a| extent(*a)).collect::<Vec<_>>());
                for (axis, inner) in digits.iter().zip(inner) {
                    extents.push(extent(*axis));
                    store.coefficients.push((strides[dim] * inner) as i64);
                }
            }
            Determined::Solved { coefficient, .. } => {
                let steps = if one_by_one { 1 } else { coefficient.unsigned_abs() as usize };
                extents.push(ty.shape[dim].div_ceil(steps));
                store.coefficients.push((strides[dim] * steps) as i64);
            }
            Determined::Checked { .. } => {
                extents.push(ty.shape[dim]);
                store.coefficients.push(strides[dim] as i64);
            }
            Determined::Lookup => return None,
        }
    }
    let output_dims = extents.len();
    extents.extend(resolved.reduction.iter().map(|axis| extent(*axis)));
    let shifts: Vec<usize> = (0..resolved.output.len())
        .filter(|dim| matches!(&resolved.output[*dim], Determined::Solved { coefficient, .. } if coefficient.abs() > 1))
        .collect();
    let total = extents.len() + shifts.len();
    store.coefficients.resize(total, 0);
    let mut builder = Builder::new(graph, plan, kernel, slot_of, total);
    let mut map: AxisMap = HashMap::new();
    let mut guards: Vec<Guard> = vec![];
    let mut phases: Vec<Phase> = vec![];
    for (k, axis) in resolved.reduction.iter().enumerate() {
        map.insert(name(*axis), builder.dimension(output_dims + k));
    }
    for (dim, determined) in resolved.output.iter().enumerate() {
        if let Determined::Digits(digits) = determined {
            for (k, axis) in digits.iter().enumerate() {
                map.insert(name(*axis), builder.dimension(dims_of_output[dim] + k));
            }
        }
    }
    for (dim, determined) in resolved.output.iter().enumerate() {
        let own = dims_of_output[dim];
        match determined {
            Determined::Digits(_) | Determined::Checked { .. } | Determined::Lookup => {}
            Determined::Solved { axis, coefficient, others, constant } if coefficient.abs() == 1 => {
                // ±axis = index − constant − Σ others
                let mut value = builder.dimension(own);
                value.constant -= constant;
                for (c, other) in others {
                    value = value.plus(-c, map.get(&name(*other))?);
                }
                let value = builder.zero().plus(*coefficient, &value);
                guards.push(Guard { value: value.clone(), extent: extent(*axis) as i64 });
                map.insert(name(*axis), value);
            }
            Determined::Solved { axis, coefficient, others, constant } => {
                let shift = extents.len() + phases.len();
                let mut rest = builder.zero();
                rest.constant = *constant;
                for (c, other) in others {
                    rest = rest.plus(*c, map.get(&name(*other))?);
                }
                let value = match one_by_one {
                    true => builder.dimension(shift),
                    false => builder.dimension(shift).plus(coefficient.signum(), &builder.dimension(own)),
                };
                guards.push(Guard { value: value.clone(), extent: extent(*axis) as i64 });
                map.insert(name(*axis), value);
                phases.push(Phase {
                    dim: own,
                    shift,
                    coefficient: *coefficient,
                    rest,
                    extent: ty.shape[dim],
                    stride: strides[dim],
                });
            }
        }
    }
    for (dim, determined) in resolved.output.iter().enumerate() {
        if let Determined::Checked { terms, constant } = determined {
            let mut difference = builder.zero().plus(-1, &builder.dimension(dims_of_output[dim]));
            difference.constant += constant;
            for (c, axis) in terms {
                difference = difference.plus(*c, map.get(&name(*axis))?);
            }
            guards.push(Guard { value: difference, extent: 1 });
        }
    }
    // The operand's own bounds skip terms as well.
    let operand_shape = graph.shape(operands[0]).to_vec();
    let index: Vec<Affine> = nest.operands[0].iter().map(|index| builder.index(nest, index, &map)).collect();
    for ((line, dimension), value) in nest.operands[0].iter().zip(&operand_shape).zip(&index) {
        let inside = nest.range(line).is_some_and(|(low, high)| low >= 0 && high < *dimension as i64);
        if !inside {
            guards.push(Guard { value: value.clone(), extent: *dimension as i64 });
        }
    }
    let term = builder.emit_operand(operands[0], &index, &guards, 0);
    let valid = (!guards.is_empty()).then(|| builder.push(Code::Within { guards }));
    let results: Vec<usize> = [term].into_iter().chain(valid).collect();
    // Contiguous columns make fast blocks: those of the output if its last dimension is long enough or contiguous in
    // memory, else those of the box.
    let reads_along = |dim: usize| {
        builder.codes.iter().any(|code| match code {
            Code::Load { offset, .. } => offset.coefficients[dim] == 1,
            Code::Splat { .. }
            | Code::Index { .. }
            | Code::Within { .. }
            | Code::Apply { .. }
            | Code::MulAdd { .. } => false,
        })
    };
    let along_box = output_dims == 0
        || (valid.is_none()
            && !resolved.reduction.is_empty()
            && (ty.elements() == 1 || (reads_along(extents.len() - 1) && !reads_along(output_dims - 1))));
    let in_lanes = reduces_in_lanes(nest, &operand_shape);
    let along_box = along_box && in_lanes;
    let columns = whole_columns(&extents, if along_box { extents.len() } else { output_dims });
    let program = BlockProgram::new(builder.codes, results, columns);
    let reduce = ReduceLoop {
        term: program.result(0),
        valid: valid.map(|_| program.result(1)),
        program,
        maximum: *reduction == Reduction::Max,
        dtype: ty.dtype,
        extents,
        output_dims,
        phases,
        store,
        slot: slot_of(value),
        in_lanes,
        along_box,
        one_by_one,
        byte_sums: None,
    };
    let mut reduce = reduce.collapsed();
    if let Some(library) = library {
        let column_dim = if reduce.along_box { reduce.extents.len() } else { reduce.output_dims };
        reduce.program.compile(library, column_dim.checked_sub(1));
    }
    Some(reduce)
}

/// The last of the first `dims` dimensions, if blocks hold it whole and many of them have the same columns.
fn whole_columns(extents: &[usize], dims: usize) -> Option<usize> {
    let columns = dims.checked_sub(1)?;
    let rows: usize = extents.iter().product::<usize>() / extents[columns].max(1);
    (extents[columns] <= BLOCK && rows > 1).then_some(columns)
}

/// What each axis of a nest is in terms of the loop dimensions.
type AxisMap = HashMap<char, Affine>;

struct Builder<'a> {
    graph: &'a Graph,
    plan: &'a Plan,
    kernel: &'a Kernel,
    slot_of: SlotOf<'a>,
    dims: usize,
    codes: Vec<Code>,
    /// Values evaluated already, by index and guards.
    known: HashMap<(ValueId, Vec<Affine>, Vec<Guard>, u32), usize>,
}

impl<'a> Builder<'a> {
    fn new(graph: &'a Graph, plan: &'a Plan, kernel: &'a Kernel, slot_of: SlotOf<'a>, dims: usize) -> Builder<'a> {
        Builder { graph, plan, kernel, slot_of, dims, codes: vec![], known: HashMap::new() }
    }

    fn zero(&self) -> Affine {
        Affine { coefficients: vec![0; self.dims], constant: 0 }
    }

    fn constant(&self, value: i64) -> Affine {
        Affine { constant: value, ..self.zero() }
    }

    fn dimension(&self, dim: usize) -> Affine {
        let mut affine = self.zero();
        affine.coefficients[dim] = 1;
        affine
    }

    fn push(&mut self, code: Code) -> usize {
        self.codes.push(code);
        self.codes.len() - 1
    }

    /// One dimension of an access in terms of the loop dimensions.
    fn index(&self, nest: &tacit_ir::Nest, index: &Index, map: &AxisMap) -> Affine {
        let (terms, constant) = nest.affine(index);
        let mut affine = self.zero();
        affine.constant = constant;
        for (coefficient, axis) in terms {
            affine = affine.plus(coefficient, &map[&nest.axes[axis].0]);
        }
        affine
    }

    /// True if this kernel evaluates the value itself; else it is in memory.
    fn is_inside(&self, value: ValueId) -> bool {
        self.plan.fates[value.index()] == Fate::Inline || self.kernel.also_stored.contains(&value)
    }

    /// A value at an index of its dimensions, where `guards` hold; elsewhere anything, or `fill` if it is a load.
    fn emit_operand(&mut self, value: ValueId, index: &[Affine], guards: &[Guard], fill: u32) -> usize {
        let key = (value, index.to_vec(), guards.to_vec(), fill);
        if let Some(code) = self.known.get(&key) {
            return *code;
        }
        let code = if self.is_inside(value) {
            let instruction = self.graph.instruction(value);
            let map: AxisMap = match instruction.op.has_nest() {
                true => instruction
                    .nest
                    .output
                    .iter()
                    .zip(index)
                    .map(|(line, affine)| match line {
                        Index::Axis(axis) => (*axis, affine.clone()),
                        Index::Radix(_) | Index::Affine { .. } | Index::Lookup => {
                            panic!("the plan inlines values with plain outputs only")
                        }
                    })
                    .collect(),
                false => ('a'..='z').zip(index.iter().cloned()).collect(),
            };
            self.emit_instruction(value, &map, guards)
        } else {
            let strides = row_major_strides(self.graph.shape(value));
            let mut offset = self.zero();
            for (affine, stride) in index.iter().zip(strides) {
                offset = offset.plus(stride as i64, affine);
            }
            if let Op::Constant { value } = &self.graph.instruction(value).op
                && guards.is_empty()
                && offset.coefficients.iter().all(|step| *step == 0)
            {
                let code = self.push(Code::Splat { bits: bits(value.at(offset.constant as usize)) });
                self.known.insert(key, code);
                return code;
            }
            let dtype = self.graph.ty(value).dtype;
            self.push(Code::Load { slot: (self.slot_of)(value), dtype, offset, guards: guards.to_vec(), fill })
        };
        self.known.insert(key, code);
        code
    }

    /// A reduction or contraction where its output's axes have these values, term after term; nothing if that takes too many
    /// operations.
    fn emit_window(&mut self, value: ValueId, map: &AxisMap) -> Option<usize> {
        let Instruction { op, nest, .. } = self.graph.instruction(value);
        let resolved = nest.resolve();
        let box_axes: Vec<(char, usize)> = resolved.reduction.iter().map(|axis| nest.axes[*axis]).collect();
        let extents: Vec<usize> = box_axes.iter().map(|(_, extent)| *extent).collect();
        let mut places = vec![];
        for position in 0..extents.iter().product() {
            let mut digits = vec![0; extents.len()];
            set_place(&mut digits, &extents, position);
            let mut place = map.clone();
            for ((axis, _), digit) in box_axes.iter().zip(digits) {
                place.insert(*axis, self.constant(digit));
            }
            places.push(place);
        }
        let result = if let Op::Reduce(reduction) = op {
            self.emit_reduction(value, *reduction, &places)?
        } else {
            self.emit_products(value, &places)
        };
        Some(match sums_floats(op, self.graph.ty(value).dtype) {
            true => self.push(Code::Apply { function: ScalarFn::Flush, dtype: DType::F32, operands: [result, 0, 0] }),
            false => result,
        })
    }

    /// The sum of the products of a contraction by finite constants, whose terms have these places.
    fn emit_products(&mut self, value: ValueId, places: &[AxisMap]) -> usize {
        let operands = &self.graph.instruction(value).operands;
        let mut sum = self.push(Code::Splat { bits: 0 });
        for place in places {
            // What is out of bounds is read as 0: such a term adds a zero, which only a zero sum could show, by its sign,
            // and flushing takes that away.
            let factors = [0, 1].map(|k| {
                let (index, guards) = self.operand_index(value, k, place);
                self.emit_operand(operands[k], &index, &guards, 0)
            });
            sum = self.push(Code::MulAdd { operands: [factors[0], factors[1], sum] });
        }
        sum
    }

    /// A reduction whose terms have these places; nothing if that takes too many operations.
    fn emit_reduction(&mut self, value: ValueId, reduction: Reduction, places: &[AxisMap]) -> Option<usize> {
        let Instruction { operands, nest, ty, .. } = self.graph.instruction(value);
        let function = match reduction {
            Reduction::Sum => ScalarFn::Add,
            Reduction::Max => ScalarFn::Max,
        };
        let join = |builder: &mut Builder, a: usize, b: usize| {
            builder.push(Code::Apply { function, dtype: ty.dtype, operands: [a, b, 0] })
        };
        let mut terms = vec![];
        for place in places {
            let (index, guards) = self.operand_index(value, 0, place);
            let term = self.emit_operand(operands[0], &index, &guards, 0);
            terms.push((term, guards));
            if self.codes.len() > WINDOW_OPERATIONS_MAX {
                return None;
            }
        }
        match reduces_in_lanes(nest, self.graph.shape(operands[0])) {
            true => {
                let mut lanes: Vec<usize> = terms.into_iter().map(|(term, _)| term).collect();
                for width in [LANES / 2, LANES / 4, LANES / 8, LANES / 16] {
                    for high in (width..lanes.len().min(2 * width)).rev() {
                        lanes[high - width] = join(self, lanes[high - width], lanes[high]);
                    }
                    lanes.truncate(width);
                }
                lanes.first().copied()
            }
            false => {
                let mut sum = self.push(Code::Splat { bits: identity(reduction == Reduction::Max, ty.dtype) });
                for (term, guards) in terms {
                    let more = join(self, sum, term);
                    sum = match guards.is_empty() {
                        true => more,
                        false => {
                            let within = self.push(Code::Within { guards });
                            let operands = [within, more, sum];
                            self.push(Code::Apply { function: ScalarFn::Select, dtype: ty.dtype, operands })
                        }
                    };
                }
                Some(sum)
            }
        }
    }

    /// The index of an instruction's operand where its axes have these values, and the conditions for it to be in bounds.
    fn operand_index(&self, value: ValueId, operand: usize, map: &AxisMap) -> (Vec<Affine>, Vec<Guard>) {
        let Instruction { operands, nest, .. } = self.graph.instruction(value);
        let access = &nest.operands[operand];
        let index: Vec<Affine> = access.iter().map(|line| self.index(nest, line, map)).collect();
        let bounds = access.iter().zip(self.graph.shape(operands[operand])).zip(&index);
        let guards = bounds
            .filter(|((line, extent), _)| {
                !nest.range(line).is_some_and(|(low, high)| low >= 0 && high < **extent as i64)
            })
            .map(|((_, extent), value)| Guard { value: value.clone(), extent: *extent as i64 })
            .collect();
        (index, guards)
    }

    /// An instruction's result where its axes have these values.
    fn emit_instruction(&mut self, value: ValueId, map: &AxisMap, guards: &[Guard]) -> usize {
        let Instruction { op, operands, nest, ty } = self.graph.instruction(value);
        match op {
            Op::Constant { value: Literal::Splat(scalar) } => self.push(Code::Splat { bits: bits(*scalar) }),
            Op::Iota => self.push(Code::Index { value: map[&'a'].clone() }),
            Op::Extent { dim } => {
                let extent = self.graph.shape(operands[0])[*dim];
                self.push(Code::Splat { bits: extent as u32 })
            }
            Op::Map(function) => {
                let mut registers = [0; 3];
                for (k, (operand, access)) in operands.iter().zip(&nest.operands).enumerate() {
                    let index: Vec<Affine> = access.iter().map(|line| self.index(nest, line, map)).collect();
                    registers[k] = self.emit_operand(*operand, &index, guards, 0);
                }
                let dtype = self.graph.ty(*operands.last().expect("a map has operands")).dtype;
                self.push(Code::Apply { function: *function, dtype, operands: registers })
            }
            Op::Move { fill } => {
                let fill = bits(*fill);
                let mut result: Option<usize> = None;
                for (k, operand) in operands.iter().enumerate() {
                    let (index, own) = self.operand_index(value, k, map);
                    let all: Vec<Guard> = guards.iter().chain(&own).cloned().collect();
                    let inside = self.emit_operand(*operand, &index, &all, fill);
                    let is_load = !self.is_inside(*operand);
                    result = Some(match result {
                        // A load alone fills what is out of bounds by itself.
                        None if is_load || own.is_empty() => inside,
                        earlier => {
                            let otherwise = match earlier {
                                Some(earlier) => earlier,
                                None => self.push(Code::Splat { bits: fill }),
                            };
                            let within = self.push(Code::Within { guards: own });
                            let operands = [within, inside, otherwise];
                            self.push(Code::Apply { function: ScalarFn::Select, dtype: ty.dtype, operands })
                        }
                    });
                }
                result.expect("a move has operands")
            }
            Op::Input { .. }
            | Op::Param { .. }
            | Op::State { .. }
            | Op::Constant { value: Literal::Dense(_) }
            | Op::Random { .. }
            | Op::Contract
            | Op::Reduce(_)
            | Op::Gather
            | Op::Scatter => panic!("the plan never evaluates `{}` inside another kernel", op.keyword()),
        }
    }
}

impl Affine {
    /// self + factor·other
    fn plus(&self, factor: i64, other: &Affine) -> Affine {
        let coefficients = self.coefficients.iter().zip(&other.coefficients).map(|(a, b)| a + factor * b).collect();
        Affine { coefficients, constant: self.constant + factor * other.constant }
    }
}

/// True if an instruction adds floats, so that its results are flushed.
fn sums_floats(op: &Op, dtype: DType) -> bool {
    dtype == DType::F32 && matches!(op, Op::Contract | Op::Reduce(Reduction::Sum))
}

/// A scalar as a register holds it.
pub fn bits(scalar: Scalar) -> u32 {
    match scalar {
        Scalar::F32(x) => x.to_bits(),
        Scalar::I32(x) => x as u32,
        Scalar::I8(x) => x as i32 as u32,
        Scalar::Bool(x) => x as u32,
    }
}

/// The identity that a reduction starts from, as a register holds it.
pub fn identity(maximum: bool, dtype: DType) -> u32 {
    match maximum {
        true => bits(Scalar::lowest(dtype)),
        false => bits(Scalar::zero(dtype)),
    }
}
