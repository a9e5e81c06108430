//! Evaluating a block program over one rectangle: the innermost loops, compiled for every kernel set.

use super::boxes::{COLUMNS_MAX, IndexBox};
use super::run::{MAX_DIMS, Store, set_place};
use super::{Affine, BLOCK, BlockProgram, Code, Guard, Lasts, Rectangle, Register, Slot};
use crate::kernels::KernelSet;
use crate::machine::{LANES, Position, Preparation, Routine, STREAMS_MAX, Source, Stream, Width};
use crate::memory::Slots;
use tacit_ir::ScalarFn;
use tacit_ir::math;
use tacit_ir::types::DType;

/// The registers of one worker.
pub type Registers<'a> = &'a mut [[u32; BLOCK]];

/// What the registers of a run hold from earlier blocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    /// Whether what lasts a run is there.
    run: bool,
    /// The columns of what lasts with them, and for how many rows it is there.
    column: i64,
    columns: usize,
    rows: usize,
}

/// What of a program is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Everything,
    /// What does not have to be evaluated for each block anew.
    WhatLasts,
}

/// Evaluates a program; its results are in registers.
pub fn evaluate(
    kernels: KernelSet,
    program: &BlockProgram,
    slots: &Slots,
    rectangle: &Rectangle<'_>,
    registers: Registers<'_>,
    kept: &mut Kept,
) {
    interpret(kernels, program, slots, rectangle, registers, kept, Extent::Everything);
    if let Some(routine) = &program.routine {
        let to = |k: usize, registers: *mut [u32; BLOCK]| at_register(registers, program.result(k), rectangle);
        run_routine(program, routine, slots, rectangle, registers, to);
    }
}

/// Evaluates a program and writes its results to memory.
pub fn evaluate_into(
    kernels: KernelSet,
    program: &BlockProgram,
    slots: &Slots,
    rectangle: &Rectangle<'_>,
    registers: Registers<'_>,
    kept: &mut Kept,
    stores: &[Store],
) {
    interpret(kernels, program, slots, rectangle, registers, kept, Extent::Everything);
    // Machine code writes to memory itself where it can.
    let in_place = |s: &Store| program.routine.is_some() && s.is_in_place(rectangle);
    if let Some(routine) = &program.routine {
        let to = |k: usize, registers: *mut [u32; BLOCK]| match in_place(&stores[k]) {
            true => {
                let (corner, row, _) = rectangle.steps(&stores[k].offset);
                let memory = slots.whole(stores[k].slot);
                at_memory(memory, (corner, row), rectangle, rectangle.columns)
            }
            false => at_register(registers, program.result(k), rectangle),
        };
        run_routine(program, routine, slots, rectangle, registers, to);
    }
    for (k, s) in stores.iter().enumerate().filter(|(_, s)| !in_place(s)) {
        store(slots, s.slot, s.dtype, rectangle.steps(&s.offset), rectangle, &registers[program.result(k)]);
    }
}

/// Runs machine code over a box and writes its results to memory; every stream is read in place.
#[expect(clippy::too_many_arguments, reason = "what a loop consists of, and where it runs")]
pub fn evaluate_box(
    kernels: KernelSet,
    program: &BlockProgram,
    routine: &Routine,
    slots: &Slots,
    index_box: &IndexBox,
    registers: Registers<'_>,
    kept: &mut Kept,
    stores: &[Store],
) {
    let IndexBox { corner, row_dim, rows, columns, outer, outer_extents, layers } = index_box;
    let first_layer =
        Rectangle { corner, row_dim: *row_dim, column_dim: corner.len() - 1, rows: *rows, columns: *columns };
    let first_row = Rectangle { rows: 1, ..first_layer };
    interpret(kernels, program, slots, &first_row, registers, kept, Extent::WhatLasts);
    let block = registers.as_mut_ptr();
    assert!(program.register_count <= registers.len());
    // Where each stream is in the first layer, and what tells how it moves from layer to layer.
    let in_memory = |slot: Slot, offset, width: Width| {
        let (memory, bytes) = slots.whole(slot);
        let (least, greatest) = index_box.bounds(offset);
        let size = width.bytes();
        assert!(least >= 0 && (greatest + 1) * size <= bytes as i64, "a box lies within its slot");
        assert!(width == Width::Words || columns.is_multiple_of(LANES), "bytes come in whole vectors");
        let (start, row, _) = first_layer.steps(offset);
        let position = Position { start: memory.wrapping_offset((start * size) as isize), row_bytes: row * size };
        (position, Some((offset, size)))
    };
    let fixed = |position: Position| (position, None);
    let in_register = |k: usize| at_register(block, program.registers[k], &first_row);
    let of_stream = |stream: &Stream| match reads(program, stream, &first_row) {
        Reads::Memory { slot, offset } => in_memory(slot, offset, stream.width),
        Reads::Ones => fixed(all_rows(&ONES)),
        Reads::Laid(_) => fixed(all_rows(&ZEROS)),
        Reads::Row(k) => fixed(Position { row_bytes: 0, ..in_register(k) }),
    };
    let mut positions = [(Position { start: std::ptr::null_mut(), row_bytes: 0 }, None); STREAMS_MAX];
    let results = stores.iter().map(|s| in_memory(s.slot, &s.offset, Width::of(s.dtype)));
    let mut count = 0;
    for (position, found) in positions.iter_mut().zip(routine.streams.iter().map(of_stream).chain(results)) {
        *position = found;
        count += 1;
    }
    let mut steps = [0i64; MAX_DIMS];
    let steps = &mut steps[..outer.len()];
    for layer in layers.clone() {
        set_place(steps, outer_extents, layer);
        let positions = positions[..count].iter().map(|(position, offset)| {
            let moves = |(offset, size): &(&Affine, i64)| {
                let elements: i64 = outer.iter().zip(&*steps).map(|(dim, step)| step * offset.coefficients[*dim]).sum();
                elements * size
            };
            let moved: i64 = offset.as_ref().map_or(0, moves);
            Position { start: position.start.wrapping_offset(moved as isize), ..*position }
        });
        // SAFETY: a routine is bound only where its features were detected. Streams and results were found to lie in their
        // slots in the whole region, or are rows of at least as many words as a box has columns. A worker's part of a result
        // is its own.
        unsafe { routine.run(*rows, *columns, positions) };
    }
}

/// Runs machine code whose streams are prepared; `to` tells where each result goes.
fn run_routine(
    program: &BlockProgram,
    routine: &Routine,
    slots: &Slots,
    rectangle: &Rectangle<'_>,
    registers: Registers<'_>,
    to: impl Fn(usize, *mut [u32; BLOCK]) -> Position,
) {
    let block = registers.as_mut_ptr();
    assert!(program.register_count <= registers.len());
    let in_register = |k: usize| at_register(block, program.registers[k], rectangle);
    let of_stream = |stream: &Stream| match reads(program, stream, rectangle) {
        Reads::Memory { slot, offset } => {
            let (corner, row, _) = rectangle.steps(offset);
            let width = if stream.one_a_row { 1 } else { rectangle.columns };
            at_memory(slots.whole(slot), (corner, row), rectangle, width)
        }
        Reads::Ones => all_rows(&ONES),
        Reads::Laid(k) => in_register(k),
        Reads::Row(k) => Position { row_bytes: 0, ..in_register(k) },
    };
    let positions = routine.streams.iter().map(of_stream).chain((0..routine.results.len()).map(|k| to(k, block)));
    // SAFETY: a routine is bound only where its features were detected. Streams and results in memory were found to lie in
    // their slots; those in registers take at most a block. A worker's part of a result is its own.
    unsafe { routine.run(rectangle.rows, rectangle.columns, positions) };
}

/// Where a stream's elements are in a rectangle.
enum Reads<'p> {
    Memory {
        slot: Slot,
        offset: &'p Affine,
    },
    Ones,
    /// In the register of this operation, if they were laid there; a box has zeros.
    Laid(usize),
    /// In the first row of the register of this operation, for all rows.
    Row(usize),
}

fn reads<'p>(program: &'p BlockProgram, stream: &Stream, rectangle: &Rectangle<'_>) -> Reads<'p> {
    match stream.source {
        Source::InPlace(k) => match &program.codes[k] {
            Code::Load { slot, offset, guards, .. } if hold_everywhere(guards, rectangle) => {
                Reads::Memory { slot: *slot, offset }
            }
            Code::Within { guards } if hold_everywhere(guards, rectangle) => Reads::Ones,
            Code::Load { .. }
            | Code::Splat { .. }
            | Code::Index { .. }
            | Code::Within { .. }
            | Code::Apply { .. }
            | Code::MulAdd { .. } => Reads::Laid(k),
        },
        Source::Register(k) => Reads::Laid(k),
        Source::Row(k) => Reads::Row(k),
    }
}

/// The same row again and again; the code only reads it.
fn all_rows(words: &'static [u32]) -> Position {
    Position { start: words.as_ptr().cast_mut().cast(), row_bytes: 0 }
}

/// Rows of ones and of zeros.
static ONES: [u32; COLUMNS_MAX] = [1; COLUMNS_MAX];
static ZEROS: [u32; COLUMNS_MAX] = [0; COLUMNS_MAX];

/// The rows of a rectangle in a register.
fn at_register(registers: *mut [u32; BLOCK], register: Register, rectangle: &Rectangle<'_>) -> Position {
    Position { start: registers.wrapping_add(register).cast(), row_bytes: 4 * rectangle.columns as i64 }
}

/// Rows of `width` words in memory.
fn at_memory(
    (memory, bytes): (*mut u8, usize),
    (corner, row): (i64, i64),
    rectangle: &Rectangle<'_>,
    width: usize,
) -> Position {
    let along_rows = row * (rectangle.rows as i64 - 1);
    let (least, greatest) = (corner + along_rows.min(0), corner + along_rows.max(0) + width as i64);
    assert!(least >= 0 && greatest as usize * 4 <= bytes, "a rectangle lies within its slot");
    Position { start: memory.wrapping_offset(corner as isize * 4), row_bytes: row * 4 }
}

/// Evaluates all operations but those whose results are `kept`. Where there is machine code, that is what it finds in
/// registers: results that last, of one row, and what it cannot read in place.
fn interpret(
    kernels: KernelSet,
    program: &BlockProgram,
    slots: &Slots,
    rectangle: &Rectangle<'_>,
    registers: Registers<'_>,
    kept: &mut Kept,
    extent: Extent,
) {
    match kernels {
        // SAFETY: a kernel set is chosen only after its features were detected.
        #[cfg(target_arch = "x86_64")]
        KernelSet::Avx512 => unsafe { evaluate_avx512(program, slots, rectangle, registers, kept, extent) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        KernelSet::Avx2 => unsafe { evaluate_avx2(program, slots, rectangle, registers, kept, extent) },
        #[cfg(not(target_arch = "x86_64"))]
        KernelSet::Avx512 | KernelSet::Avx2 => evaluate_with(program, slots, rectangle, registers, kept, extent),
        KernelSet::Baseline => evaluate_with(program, slots, rectangle, registers, kept, extent),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,fma")]
fn evaluate_avx512(
    p: &BlockProgram,
    s: &Slots,
    r: &Rectangle<'_>,
    registers: Registers<'_>,
    kept: &mut Kept,
    e: Extent,
) {
    evaluate_with(p, s, r, registers, kept, e);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn evaluate_avx2(p: &BlockProgram, s: &Slots, r: &Rectangle<'_>, registers: Registers<'_>, kept: &mut Kept, e: Extent) {
    evaluate_with(p, s, r, registers, kept, e);
}

#[inline(always)]
fn evaluate_with(
    program: &BlockProgram,
    slots: &Slots,
    rectangle: &Rectangle<'_>,
    registers: Registers<'_>,
    kept: &mut Kept,
    extent: Extent,
) {
    let routine = program.routine.as_ref();
    let whole = rectangle;
    let one_row = Rectangle { rows: 1, ..*rectangle };
    let of_columns = if routine.is_some() { &one_row } else { rectangle };
    let column = rectangle.corner.get(rectangle.column_dim).copied().unwrap_or(0);
    let same_columns =
        kept.run && kept.column == column && kept.columns == rectangle.columns && kept.rows >= of_columns.rows;
    for (k, code) in program.codes.iter().enumerate() {
        let (is_kept, rectangle, n) = match program.lasts[k] {
            Lasts::Run => (kept.run, whole, BLOCK),
            Lasts::Columns => (same_columns, of_columns, of_columns.elements()),
            Lasts::Block if extent == Extent::WhatLasts => continue,
            Lasts::Block => {
                let is_prepared = routine.is_none_or(|routine| match routine.preparations[k] {
                    Preparation::Always => true,
                    Preparation::AtEdges => match code {
                        Code::Load { guards, .. } | Code::Within { guards } => !hold_everywhere(guards, whole),
                        Code::Splat { .. } | Code::Index { .. } | Code::Apply { .. } | Code::MulAdd { .. } => true,
                    },
                    Preparation::Never => false,
                });
                (!is_prepared, whole, whole.elements())
            }
        };
        if is_kept {
            continue;
        }
        let target = program.registers[k];
        match code {
            Code::Load { slot, dtype, offset, guards, fill } => {
                let is_one = program.lasts[k] == Lasts::Run;
                let rectangle = if is_one { &Rectangle { rows: 1, columns: 1, ..*rectangle } } else { rectangle };
                let steps = rectangle.steps(offset);
                let out = &mut registers[target];
                match dtype {
                    DType::F32 | DType::I32 => {
                        load(slots.read::<u32>(*slot), steps, guards, *fill, rectangle, out, |x| x)
                    }
                    DType::I8 => {
                        load(slots.read::<i8>(*slot), steps, guards, *fill, rectangle, out, |x| x as i32 as u32)
                    }
                    DType::Bool => load(slots.read::<u8>(*slot), steps, guards, *fill, rectangle, out, |x| x as u32),
                }
                if is_one {
                    let one = out[0];
                    out.fill(one);
                }
            }
            Code::Splat { bits } => registers[target].fill(*bits),
            Code::Index { value } => {
                let (corner, row, column) = rectangle.steps(value);
                let out = &mut registers[target];
                if program.lasts[k] == Lasts::Run {
                    out.fill(corner as i32 as u32);
                    continue;
                }
                for r in 0..rectangle.rows {
                    let first = corner + row * r as i64;
                    for c in 0..rectangle.columns {
                        out[r * rectangle.columns + c] = (first + column * c as i64) as i32 as u32;
                    }
                }
            }
            Code::Within { guards } => {
                let out = &mut registers[target];
                if hold_everywhere(guards, rectangle) {
                    out[..n].fill(1);
                    continue;
                }
                for r in 0..rectangle.rows {
                    let row = &mut out[r * rectangle.columns..(r + 1) * rectangle.columns];
                    let (first, end) = columns_within(guards, rectangle, r);
                    row[..first].fill(0);
                    row[first..end].fill(1);
                    row[end..].fill(0);
                }
            }
            Code::Apply { .. } | Code::MulAdd { .. } => {
                // A result has another register than its operands, so three shared borrows and one exclusive are
                // disjoint.
                let base = registers.as_mut_ptr();
                // SAFETY: register numbers are below the length, and `target` differs from every operand's.
                let (out, a, b, c) = unsafe {
                    let operands = code.operands();
                    let operand = |i: usize| {
                        let o = program.registers[operands[if i < operands.len() { i } else { 0 }]];
                        assert!(o < registers.len() && o != target);
                        &(&*base.add(o))[..n]
                    };
                    (&mut (&mut *base.add(target))[..n], operand(0), operand(1), operand(2))
                };
                match code {
                    Code::Apply { function, dtype, .. } => apply(*function, *dtype, out, a, b, c),
                    Code::MulAdd { .. } => multiply_add(out, a, b, c),
                    Code::Load { .. } | Code::Splat { .. } | Code::Index { .. } | Code::Within { .. } => {}
                }
            }
        }
    }
    kept.run = true;
    if !same_columns {
        (kept.column, kept.columns, kept.rows) = (column, rectangle.columns, of_columns.rows);
    }
}

/// True if all guards hold in the whole rectangle: an affine form is least and greatest in its corners.
fn hold_everywhere(guards: &[Guard], rectangle: &Rectangle<'_>) -> bool {
    guards.iter().all(|guard| {
        let (corner, row, column) = rectangle.steps(&guard.value);
        let (along_rows, along_columns) = (row * (rectangle.rows as i64 - 1), column * (rectangle.columns as i64 - 1));
        let least = corner + along_rows.min(0) + along_columns.min(0);
        let greatest = corner + along_rows.max(0) + along_columns.max(0);
        least >= 0 && greatest < guard.extent
    })
}

/// The columns of a row of the rectangle for which all guards hold; they are consecutive.
#[inline(always)]
pub(super) fn columns_within(guards: &[Guard], rectangle: &Rectangle<'_>, row: usize) -> (usize, usize) {
    let (mut first, mut end) = (0i64, rectangle.columns as i64);
    for guard in guards {
        let (corner, row_step, step) = rectangle.steps(&guard.value);
        let value = corner + row_step * row as i64;
        match step {
            0 => {
                if value < 0 || value >= guard.extent {
                    end = 0;
                }
            }
            1.. => {
                first = first.max(-value.div_euclid(step));
                end = end.min((guard.extent - 1 - value).div_euclid(step) + 1);
            }
            _ => {
                first = first.max(-(guard.extent - 1 - value).div_euclid(-step));
                end = end.min(value.div_euclid(-step) + 1);
            }
        }
    }
    let first = first.clamp(0, rectangle.columns as i64) as usize;
    (first, end.clamp(first as i64, rectangle.columns as i64) as usize)
}

#[inline(always)]
fn load<T: Copy>(
    memory: &[T],
    (corner, row, column): (i64, i64, i64),
    guards: &[Guard],
    fill: u32,
    rectangle: &Rectangle<'_>,
    out: &mut [u32; BLOCK],
    widen: impl Fn(T) -> u32,
) {
    let (rows, columns) = (rectangle.rows, rectangle.columns);
    let guards = if hold_everywhere(guards, rectangle) { &[] } else { guards };
    if guards.is_empty() && column == 1 && (rows == 1 || row == columns as i64) {
        let n = rows * columns;
        prefetch(&memory[corner as usize..], n);
        for (o, x) in out[..n].iter_mut().zip(&memory[corner as usize..corner as usize + n]) {
            *o = widen(*x);
        }
        return;
    }
    if guards.is_empty() && column == 0 && row == 0 {
        out[..rows * columns].fill(widen(memory[corner as usize]));
        return;
    }
    for r in 0..rows {
        let (first, end) = match guards {
            [] => (0, columns),
            _ => columns_within(guards, rectangle, r),
        };
        let line = &mut out[r * columns..(r + 1) * columns];
        let start = corner + row * r as i64;
        line[..first].fill(fill);
        line[end..].fill(fill);
        let line = &mut line[first..end];
        if line.is_empty() {
            continue;
        }
        let at = (start + column * first as i64) as usize;
        match column {
            1 => {
                for (o, x) in line.iter_mut().zip(&memory[at..at + (end - first)]) {
                    *o = widen(*x);
                }
            }
            0 => line.fill(widen(memory[at])),
            _ => {
                for (i, o) in line.iter_mut().enumerate() {
                    *o = widen(memory[(at as i64 + column * i as i64) as usize]);
                }
            }
        }
    }
}

/// Asks for as many elements behind the first `n` as come with the next block, while this one is computed.
#[inline(always)]
fn prefetch<T>(memory: &[T], n: usize) {
    #[cfg(target_arch = "x86_64")]
    for next in memory[n..memory.len().min(2 * n)].iter().step_by(64 / size_of::<T>()) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction, and the address lies in memory that may be read.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(next).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (memory, n);
}

#[inline(always)]
fn unary(out: &mut [u32], a: &[u32], f: impl Fn(f32) -> f32) {
    for (o, x) in out.iter_mut().zip(a) {
        *o = f(f32::from_bits(*x)).to_bits();
    }
}

#[inline(always)]
fn binary(out: &mut [u32], a: &[u32], b: &[u32], f: impl Fn(f32, f32) -> f32) {
    for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
        *o = f(f32::from_bits(*x), f32::from_bits(*y)).to_bits();
    }
}

#[inline(always)]
fn multiply_add(out: &mut [u32], a: &[u32], b: &[u32], c: &[u32]) {
    for (((o, x), y), z) in out.iter_mut().zip(a).zip(b).zip(c) {
        *o = f32::from_bits(*x).mul_add(f32::from_bits(*y), f32::from_bits(*z)).to_bits();
    }
}

/// i8 results wrap to eight bits; i32 results stay.
#[inline(always)]
fn integers(dtype: DType, out: &mut [u32], a: &[u32], b: &[u32], f: impl Fn(i32, i32) -> i32) {
    match dtype {
        DType::I8 => {
            for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
                *o = f(*x as i32, *y as i32) as i8 as i32 as u32;
            }
        }
        DType::F32 | DType::I32 | DType::Bool => {
            for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
                *o = f(*x as i32, *y as i32) as u32;
            }
        }
    }
}

#[inline(always)]
fn compare(
    dtype: DType,
    out: &mut [u32],
    a: &[u32],
    b: &[u32],
    floats: impl Fn(f32, f32) -> bool,
    words: impl Fn(i32, i32) -> bool,
) {
    match dtype {
        DType::F32 => {
            for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
                *o = floats(f32::from_bits(*x), f32::from_bits(*y)) as u32;
            }
        }
        DType::I32 | DType::I8 | DType::Bool => {
            for ((o, x), y) in out.iter_mut().zip(a).zip(b) {
                *o = words(*x as i32, *y as i32) as u32;
            }
        }
    }
}

#[inline(always)]
fn apply(function: ScalarFn, dtype: DType, out: &mut [u32], a: &[u32], b: &[u32], c: &[u32]) {
    let float = dtype == DType::F32;
    match function {
        ScalarFn::Add if float => binary(out, a, b, |x, y| x + y),
        ScalarFn::Sub if float => binary(out, a, b, |x, y| x - y),
        ScalarFn::Mul if float => binary(out, a, b, |x, y| x * y),
        ScalarFn::Div if float => binary(out, a, b, |x, y| x / y),
        ScalarFn::Max if float => binary(out, a, b, |x, y| if y < x { x } else { y }),
        ScalarFn::Min if float => binary(out, a, b, |x, y| if x < y { x } else { y }),
        ScalarFn::Neg if float => unary(out, a, |x| -x),
        ScalarFn::Add => integers(dtype, out, a, b, i32::wrapping_add),
        ScalarFn::Sub => integers(dtype, out, a, b, i32::wrapping_sub),
        ScalarFn::Mul => integers(dtype, out, a, b, i32::wrapping_mul),
        ScalarFn::Div => integers(dtype, out, a, b, |x, y| ScalarFn::Div.integer(x, y)),
        ScalarFn::Max => integers(dtype, out, a, b, i32::max),
        ScalarFn::Min => integers(dtype, out, a, b, i32::min),
        ScalarFn::Neg => integers(dtype, out, a, a, |x, _| x.wrapping_neg()),
        ScalarFn::Less => compare(dtype, out, a, b, |x, y| x < y, |x, y| x < y),
        ScalarFn::Equal => compare(dtype, out, a, b, |x, y| x == y, |x, y| x == y),
        ScalarFn::Select => {
            for (((o, chosen), x), y) in out.iter_mut().zip(a).zip(b).zip(c) {
                *o = if *chosen != 0 { *x } else { *y };
            }
        }
        ScalarFn::Straight => out.copy_from_slice(b),
        ScalarFn::Exp => unary(out, a, math::exp),
        ScalarFn::Log => unary(out, a, math::log),
        ScalarFn::Sqrt => unary(out, a, f32::sqrt),
        ScalarFn::Tanh => unary(out, a, math::tanh),
        ScalarFn::Sigmoid => unary(out, a, math::sigmoid),
        ScalarFn::Erf => unary(out, a, math::erf),
        ScalarFn::Sin => unary(out, a, math::sin),
        ScalarFn::Cos => unary(out, a, math::cos),
        ScalarFn::Round => unary(out, a, f32::round_ties_even),
        ScalarFn::Flush => unary(out, a, math::flush),
        ScalarFn::Cast(to) => cast(dtype, to, out, a),
        ScalarFn::MulShift => {
            for (((o, x), m), s) in out.iter_mut().zip(a).zip(b).zip(c) {
                *o = math::mulshift(*x as i32, *m as i32, *s as i32) as u32;
            }
        }
        ScalarFn::ShiftLeft => integers(dtype, out, a, b, |x, s| x.wrapping_shl(s.clamp(0, 31) as u32)),
        ScalarFn::ShiftRight => integers(dtype, out, a, b, |x, s| x >> s.clamp(0, 31)),
    }
}

#[inline(always)]
fn cast(from: DType, to: DType, out: &mut [u32], a: &[u32]) {
    let each = |out: &mut [u32], f: &dyn Fn(u32) -> u32| {
        for (o, x) in out.iter_mut().zip(a) {
            *o = f(*x);
        }
    };
    match (from, to) {
        (DType::F32, DType::F32)
        | (DType::I32, DType::I32)
        | (DType::I8, DType::I8 | DType::I32)
        | (DType::Bool, DType::Bool | DType::I8 | DType::I32) => out.copy_from_slice(a),
        (DType::I32 | DType::I8 | DType::Bool, DType::F32) => {
            for (o, x) in out.iter_mut().zip(a) {
                *o = (*x as i32 as f32).to_bits();
            }
        }
        (DType::F32, DType::I32) => each(out, &|x| f32::from_bits(x) as i32 as u32),
        (DType::F32, DType::I8) => each(out, &|x| (f32::from_bits(x) as i32).clamp(-128, 127) as u32),
        (DType::I32, DType::I8) => each(out, &|x| (x as i32).clamp(-128, 127) as u32),
        (DType::F32, DType::Bool) => each(out, &|x| (f32::from_bits(x) != 0.0) as u32),
        (DType::I32 | DType::I8, DType::Bool) => each(out, &|x| (x != 0) as u32),
    }
}

/// Writes a register's elements to memory at an affine offset.
pub fn store(
    slots: &Slots,
    slot: usize,
    dtype: DType,
    steps: (i64, i64, i64),
    rectangle: &Rectangle<'_>,
    from: &[u32],
) {
    match dtype {
        DType::F32 | DType::I32 => store_as::<u32>(slots, slot, steps, rectangle, from, |x| x),
        DType::I8 | DType::Bool => store_as::<u8>(slots, slot, steps, rectangle, from, |x| x as u8),
    }
}

fn store_as<T: Copy>(
    slots: &Slots,
    slot: usize,
    (corner, row, column): (i64, i64, i64),
    rectangle: &Rectangle<'_>,
    from: &[u32],
    narrow: impl Fn(u32) -> T,
) {
    let (rows, columns) = (rectangle.rows, rectangle.columns);
    let dense = column == 1 || columns == 1;
    let (rows, columns) = match dense && (rows == 1 || row == columns as i64) {
        true => (1, rows * columns),
        false => (rows, columns),
    };
    for r in 0..rows {
        let start = corner + row * r as i64;
        let line = &from[r * columns..(r + 1) * columns];
        if dense {
            let out = slots.write::<T>(slot, start as usize, columns);
            for (o, x) in out.iter_mut().zip(line) {
                *o = narrow(*x);
            }
        } else {
            for (c, x) in line.iter().enumerate() {
                slots.write::<T>(slot, (start + column * c as i64) as usize, 1)[0] = narrow(*x);
            }
        }
    }
}
