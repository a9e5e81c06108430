//! What makes an instruction legal: its type rule, its shape rule and the restrictions of its family, read off the nest.

use crate::error::{self, GraphError, Result};
use crate::graph::{Graph, Instruction, Op, Reduction, ValueId, plain_access};
use crate::nest::{Access, Index, Nest, axes_of};
use crate::types::{DType, Literal, TensorType};

/// Offsets fit 32 bits with room for arithmetic.
pub const MAX_ELEMENTS: usize = 1 << 31;
pub const MAX_RANK: usize = 12;
pub const MAX_AXES: usize = 26;
const MAX_COEFFICIENT: i64 = 1 << 31;
/// Iterations of one nest; far above any program that ends in a lifetime, and no product overflows below it.
const MAX_ITERATIONS: usize = 1 << 52;

fn fail<T>(code: &'static str, message: impl Into<String>) -> Result<T> {
    Err(GraphError::new(code, message))
}

/// The element type of the result. Leaves carry their own; the argument of `constant` is checked by [`check`].
pub fn result_type(op: &Op, operands: &[DType]) -> Result<DType> {
    let arity = |n: usize| -> Result<()> {
        match operands.len() == n {
            true => Ok(()),
            false => fail(error::TYPE, format!("`{}` takes {n} operands, not {}", op.keyword(), operands.len())),
        }
    };
    let wrong = |what: &str| fail(error::TYPE, format!("`{}` {what}", op.keyword()));
    match op {
        Op::Input { .. } | Op::Param { .. } | Op::State { .. } | Op::Constant { .. } => {
            unreachable!("leaves carry their type")
        }
        Op::Iota => arity(0).map(|()| DType::I32),
        Op::Random { .. } => {
            arity(1)?;
            if operands[0] == DType::I32 { Ok(DType::F32) } else { wrong("takes a key of two i32") }
        }
        Op::Extent { .. } => arity(1).map(|()| DType::I32),
        Op::Contract => {
            arity(2)?;
            match (operands[0], operands[1]) {
                (DType::F32, DType::F32) => Ok(DType::F32),
                (DType::I8, DType::I8) | (DType::I32, DType::I32) => Ok(DType::I32),
                (a, b) => wrong(&format!("takes two f32, two i8 or two i32, not {} and {}", a.name(), b.name())),
            }
        }
        Op::Map(function) => function.result_type(operands),
        Op::Reduce(reduction) => {
            arity(1)?;
            match (reduction, operands[0]) {
                (Reduction::Sum, DType::I8 | DType::Bool) => wrong("sum takes f32 or i32; use `cast`"),
                (Reduction::Sum | Reduction::Max, dtype) => Ok(dtype),
            }
        }
        Op::Move { fill } => match operands.iter().find(|t| **t != fill.dtype()) {
            Some(other) => wrong(&format!("fills with {}, but an operand is {}", fill.dtype().name(), other.name())),
            None if operands.is_empty() => wrong("takes at least one operand"),
            None => Ok(fill.dtype()),
        },
        Op::Gather | Op::Scatter => {
            arity(2)?;
            match (op, operands) {
                (_, [_, DType::F32 | DType::I8 | DType::Bool]) => wrong("takes an i32 index"),
                (Op::Scatter, [DType::I8 | DType::Bool, _]) => wrong("adds f32 or i32; use `cast`"),
                (_, [dtype, _]) => Ok(*dtype),
                _ => unreachable!("the arity was checked"),
            }
        }
    }
}

/// The shape that an output access without affine dimensions has.
pub fn output_shape(nest: &Nest) -> Result<Vec<usize>> {
    nest.output
        .iter()
        .map(|index| match index {
            Index::Axis(axis) => extent(nest, *axis),
            Index::Radix(axes) => axes.iter().map(|axis| extent(nest, *axis)).product(),
            Index::Affine { .. } | Index::Lookup => {
                fail(error::SHAPE, format!("the shape that `{nest}` writes does not follow from its axes; give it"))
            }
        })
        .collect()
}

fn extent(nest: &Nest, axis: char) -> Result<usize> {
    nest.extent(axis)
        .ok_or_else(|| GraphError::new(error::ACCESS, format!("`{nest}` names axis `{axis}`, which has no extent")))
}

/// The greatest shape among operands of one shape or of rank 0.
pub fn common_shape(graph: &Graph, operands: &[ValueId]) -> Vec<usize> {
    operands.iter().map(|v| graph.shape(*v)).max_by_key(|shape| shape.len()).unwrap_or(&[]).to_vec()
}

/// The nest of an elementwise map: axes `a`, `b`, …; operands of rank 0 omit them all.
pub fn elementwise_nest(graph: &Graph, operands: &[ValueId], shape: &[usize]) -> Result<Nest> {
    if shape.len() > MAX_RANK {
        return fail(error::SIZE, format!("a rank of {} exceeds {MAX_RANK}", shape.len()));
    }
    let axes: Vec<_> = ('a'..='z').zip(shape.iter().copied()).collect();
    let output = plain_access(&axes);
    let operands = operands
        .iter()
        .map(|value| match graph.shape(*value) {
            [] => Ok(vec![]),
            own if own == shape => Ok(output.clone()),
            own => fail(
                error::SHAPE,
                format!("operands of a map have one shape or none, but {own:?} and {shape:?} were given"),
            ),
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Nest { axes, operands, output })
}

/// Names are words of letters, digits and `_ . / -`, so that they need no quoting anywhere.
pub fn check_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    if name.is_empty() || name.len() > 200 || !name.chars().all(allowed) {
        return fail(error::STRUCTURE, format!("the name {name:?} is not 1 to 200 letters, digits or `_./-`"));
    }
    Ok(())
}

pub fn check_update(graph: &Graph, leaf: ValueId, next: ValueId) -> Result<()> {
    let count = graph.instructions().len();
    if leaf.index() >= count || next.index() >= count {
        return fail(error::STRUCTURE, "an update names a value that is not defined");
    }
    match &graph.instruction(leaf).op {
        Op::Param { .. } | Op::State { .. } => {}
        Op::Input { .. }
        | Op::Constant { .. }
        | Op::Iota
        | Op::Random { .. }
        | Op::Extent { .. }
        | Op::Contract
        | Op::Map(_)
        | Op::Reduce(_)
        | Op::Move { .. }
        | Op::Gather
        | Op::Scatter => {
            return fail(
                error::STRUCTURE,
                format!("%{} is neither a parameter nor a state, so it has no update", leaf.0),
            );
        }
    }
    if graph.ty(leaf) != graph.ty(next) {
        let (old, new) = (graph.ty(leaf), graph.ty(next));
        return fail(error::STRUCTURE, format!("%{} is {old} but its update %{} is {new}", leaf.0, next.0));
    }
    if graph.updates().iter().any(|(known, _)| *known == leaf) {
        return fail(error::STRUCTURE, format!("%{} is updated twice", leaf.0));
    }
    Ok(())
}

/// Checks one instruction against a graph that already holds its operands.
pub fn check(graph: &Graph, instruction: &Instruction) -> Result<()> {
    let Instruction { op, operands, nest, ty } = instruction;
    check_size(ty)?;
    if let Some(missing) = operands.iter().find(|v| v.index() >= graph.instructions().len()) {
        return fail(error::STRUCTURE, format!("value %{} is used before it is defined", missing.0));
    }
    if let Some(name) = op.leaf_name() {
        check_name(name)?;
    }
    let has_accesses = !(nest.axes.is_empty() && nest.operands.is_empty() && nest.output.is_empty());
    if has_accesses && !op.has_nest() {
        return fail(error::ACCESS, format!("`{}` has no accesses", op.keyword()));
    }
    let types: Vec<DType> = operands.iter().map(|v| graph.ty(*v).dtype).collect();
    let carries = |dtype: DType| match dtype == ty.dtype {
        true => Ok(()),
        false => fail(error::TYPE, format!("`{}` gives {}, not {}", op.keyword(), dtype.name(), ty.dtype.name())),
    };
    match op {
        Op::Input { .. } | Op::Param { .. } | Op::State { .. } | Op::Constant { .. } if !operands.is_empty() => {
            fail(error::TYPE, format!("`{}` takes no operands", op.keyword()))
        }
        Op::Input { .. } | Op::Param { .. } => Ok(()),
        Op::State { init, .. } => carries(init.dtype()),
        Op::Constant { value: Literal::Splat(value) } => carries(value.dtype()),
        Op::Constant { value: Literal::Dense(values) } => {
            if values.len() != ty.elements() {
                return fail(error::SHAPE, format!("{} elements do not fill {ty}", values.len()));
            }
            values.iter().try_for_each(|value| carries(value.dtype()))
        }
        Op::Iota => {
            carries(result_type(op, &types)?)?;
            if ty.shape.len() == 1 { Ok(()) } else { fail(error::SHAPE, "`iota` has one dimension") }
        }
        Op::Random { .. } => {
            carries(result_type(op, &types)?)?;
            match graph.shape(operands[0]) {
                [2] => Ok(()),
                other => fail(error::SHAPE, format!("the key of `random` is i32[2], not of shape {other:?}")),
            }
        }
        Op::Extent { dim } => {
            carries(result_type(op, &types)?)?;
            let rank = graph.shape(operands[0]).len();
            match *dim < rank && ty.shape.is_empty() {
                true => Ok(()),
                false => fail(error::SHAPE, format!("`extent` of dimension {dim} of a value of rank {rank}")),
            }
        }
        Op::Contract | Op::Map(_) | Op::Reduce(_) | Op::Move { .. } | Op::Gather | Op::Scatter => {
            carries(result_type(op, &types)?)?;
            let shapes: Vec<&[usize]> = operands.iter().map(|v| graph.shape(*v)).collect();
            check_nest(nest, &shapes, &ty.shape)?;
            check_family(op, nest, &shapes)
        }
    }
}

fn check_size(ty: &TensorType) -> Result<()> {
    let elements = ty.shape.iter().try_fold(1usize, |n, e| n.checked_mul(*e)).filter(|n| *n <= MAX_ELEMENTS);
    // A zero extent must not hide factors that overflow elsewhere.
    if elements.is_none() || ty.shape.iter().any(|e| *e > MAX_ELEMENTS) {
        return fail(error::SIZE, format!("{ty} holds more than 2^31 elements"));
    }
    if ty.shape.len() > MAX_RANK {
        return fail(error::SIZE, format!("{ty} has a rank above {MAX_RANK}"));
    }
    Ok(())
}

/// Axes are distinct letters; every access fits its tensor's shape.
fn check_nest(nest: &Nest, shapes: &[&[usize]], output: &[usize]) -> Result<()> {
    if nest.axes.len() > MAX_AXES {
        return fail(error::SIZE, format!("a nest of {} axes exceeds {MAX_AXES}", nest.axes.len()));
    }
    for (k, (name, _)) in nest.axes.iter().enumerate() {
        if !name.is_ascii_lowercase() || nest.axes[..k].iter().any(|(other, _)| other == name) {
            return fail(error::ACCESS, format!("axis `{name}` is repeated or not a lower-case letter"));
        }
    }
    let iterations = nest.axes.iter().try_fold(1usize, |n, (_, e)| n.checked_mul(*e));
    if iterations.is_none_or(|n| n > MAX_ITERATIONS) || nest.axes.iter().any(|(_, e)| *e > MAX_ELEMENTS) {
        return fail(error::SIZE, format!("`{nest}` has too many iterations"));
    }
    if nest.operands.len() != shapes.len() {
        return fail(error::ACCESS, format!("`{nest}` accesses {} operands of {}", nest.operands.len(), shapes.len()));
    }
    let accesses = nest.operands.iter().zip(shapes.iter().copied()).chain([(&nest.output, output)]);
    for (access, shape) in accesses {
        check_access(nest, access, shape)?;
    }
    let used: Vec<char> = nest.operands.iter().chain([&nest.output]).flat_map(|access| axes_of(access)).collect();
    match nest.axes.iter().find(|(name, _)| !used.contains(name)) {
        Some((name, _)) => fail(error::ACCESS, format!("axis `{name}` of `{nest}` is used nowhere")),
        None => Ok(()),
    }
}

fn check_access(nest: &Nest, access: &Access, shape: &[usize]) -> Result<()> {
    if access.len() != shape.len() {
        return fail(
            error::ACCESS,
            format!("`{nest}` accesses {} dimensions of a tensor of shape {shape:?}", access.len()),
        );
    }
    for axis in axes_of(access) {
        extent(nest, axis)?;
    }
    for (dim, (index, dimension)) in access.iter().zip(shape).enumerate() {
        let covers = match index {
            Index::Axis(axis) => extent(nest, *axis)?,
            Index::Radix(axes) => {
                if axes.iter().enumerate().any(|(k, axis)| axes[..k].contains(axis)) {
                    return fail(error::ACCESS, format!("`{nest}` merges one axis with itself"));
                }
                axes.iter().map(|axis| extent(nest, *axis)).product::<Result<usize>>()?
            }
            Index::Affine { terms, constant } => {
                let distinct = terms.iter().enumerate().all(|(k, (_, a))| terms[..k].iter().all(|(_, b)| a != b));
                let bounded = |c: i64| c.unsigned_abs() < MAX_COEFFICIENT as u64;
                if !distinct || terms.iter().any(|(c, _)| *c == 0 || !bounded(*c)) || !bounded(*constant) {
                    return fail(
                        error::ACCESS,
                        format!("an affine index of `{nest}` repeats an axis or has a coefficient of 0 or above 2^31"),
                    );
                }
                continue;
            }
            Index::Lookup => continue,
        };
        if covers != *dimension {
            return fail(
                error::SHAPE,
                format!("in `{nest}` dimension {dim} of a tensor of shape {shape:?} has {dimension}, not {covers}"),
            );
        }
    }
    Ok(())
}

/// What each family adds to the general nest.
fn check_family(op: &Op, nest: &Nest, shapes: &[&[usize]]) -> Result<()> {
    let refuse = |what: &str| fail(error::ACCESS, format!("`{}` {what}, unlike `{nest}`", op.keyword()));
    let lookups = |access: &Access| access.iter().filter(|index| **index == Index::Lookup).count();
    let operand_lookups: usize = nest.operands.iter().map(lookups).sum();
    let output_lookups = lookups(&nest.output);
    let allowed = if *op == Op::Gather {
        operand_lookups == 1 && lookups(&nest.operands[0]) == 1 && output_lookups == 0
    } else {
        operand_lookups == 0 && output_lookups == usize::from(*op == Op::Scatter)
    };
    if !allowed {
        return refuse("looks up one dimension of its table and nothing else does");
    }
    let plain = Nest::plain_axes(&nest.output);
    let once = |axes: &[char]| axes.iter().enumerate().all(|(k, axis)| !axes[..k].contains(axis));
    let whole = once(&plain) && plain.len() == nest.axes.len() && axes_of(&nest.output).len() == plain.len();
    let only_axes = |access: &Access| access.iter().all(|index| matches!(index, Index::Axis(_)));
    match op {
        Op::Map(_) => {
            if !whole || !nest.operands.iter().chain([&nest.output]).all(|a| only_axes(a) && once(&axes_of(a))) {
                return refuse("reads and writes plain axes, each at most once");
            }
        }
        Op::Move { .. } => {
            if !whole {
                return refuse("writes every element once: its output names every axis plainly");
            }
            check_disjoint(nest, shapes)?;
        }
        Op::Reduce(Reduction::Max) => {
            if !once(&plain) || axes_of(&nest.output).len() != plain.len() {
                return refuse("max writes plain axes");
            }
        }
        Op::Gather => {
            if !whole {
                return refuse("writes every element once: its output names every axis plainly");
            }
        }
        Op::Reduce(Reduction::Sum) | Op::Contract | Op::Scatter => {}
        Op::Input { .. }
        | Op::Param { .. }
        | Op::State { .. }
        | Op::Constant { .. }
        | Op::Iota
        | Op::Random { .. }
        | Op::Extent { .. } => unreachable!("leaves have no nest"),
    }
    Ok(())
}

/// Of two operands of a `move` never both are in bounds: some axis alone decides between them.
fn check_disjoint(nest: &Nest, shapes: &[&[usize]]) -> Result<()> {
    // The interval of one axis for which a dimension made of that axis alone is in bounds.
    let interval = |index: &Index, extent: usize| -> Option<(char, i64, i64)> {
        let (axis, coefficient, constant) = match index {
            Index::Axis(axis) => (*axis, 1, 0),
            Index::Affine { terms, constant } => match terms[..] {
                [(coefficient, axis)] => (axis, coefficient, *constant),
                _ => return None,
            },
            Index::Radix(_) | Index::Lookup => return None,
        };
        let (first, last) = (-constant, extent as i64 - 1 - constant);
        Some(match coefficient > 0 {
            true => (axis, -(-first).div_euclid(coefficient), last.div_euclid(coefficient)),
            false => (axis, -(last).div_euclid(-coefficient), (-first).div_euclid(-coefficient)),
        })
    };
    let boxes: Vec<Vec<_>> = nest
        .operands
        .iter()
        .zip(shapes)
        .map(|(access, shape)| access.iter().zip(shape.iter()).filter_map(|(i, e)| interval(i, *e)).collect())
        .collect();
    // Sorting by one axis keeps wide concatenations from comparing every pair.
    for (name, _) in &nest.axes {
        let mut spans: Vec<_> = boxes.iter().filter_map(|b| b.iter().find(|(axis, _, _)| axis == name)).collect();
        spans.sort_by_key(|(_, low, _)| *low);
        if spans.len() == boxes.len() && spans.windows(2).all(|pair| pair[0].2 < pair[1].1) {
            return Ok(());
        }
    }
    for (k, one) in boxes.iter().enumerate() {
        for other in &boxes[..k] {
            let apart = one.iter().any(|(axis, low, high)| {
                other.iter().any(|(same, below, above)| same == axis && (high < below || above < low))
            });
            if !apart {
                return fail(error::ACCESS, format!("two operands of `move` `{nest}` may be in bounds at one index"));
            }
        }
    }
    Ok(())
}
