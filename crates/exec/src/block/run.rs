//! Elementwise kernels: a block program over a whole index space, divided among workers.

use super::boxes::{IndexBox, boxes_of};
use super::copies::Copies;
use super::evaluate::{Kept, Registers, evaluate_box, evaluate_into};
use super::{Affine, BLOCK, BlockProgram, Code, Rectangle, Slot, is_word};
use crate::kernels::KernelSet;
use crate::machine::{LANES, Library, Routine, Width};
use crate::memory::Slots;
use crate::team::Member;
use tacit_ir::types::DType;

/// Where a result is written to memory.
#[derive(Clone, Debug)]
pub struct Store {
    pub slot: Slot,
    pub dtype: DType,
    pub offset: Affine,
}

impl Store {
    /// True if rows of the rectangle are words next to each other in memory.
    pub fn is_in_place(&self, rectangle: &Rectangle<'_>) -> bool {
        let (_, _, column) = rectangle.steps(&self.offset);
        is_word(self.dtype) && (column == 1 || rectangle.columns == 1)
    }
}

/// An elementwise kernel.
#[derive(Clone, Debug)]
pub struct ElementwiseLoop {
    pub program: BlockProgram,
    /// The loop dimensions' extents, outermost first, collapsed where all accesses allow.
    pub(super) extents: Vec<usize>,
    pub(super) stores: Vec<Store>,
    /// What machine code works on at a time, where it reads everything in place.
    boxes: Option<Vec<IndexBox>>,
    /// The machine code for boxes, where some of what is in place is bytes.
    of_bytes: Option<Routine>,
    /// The loop, if it only moves bytes.
    copies: Option<Copies>,
    /// Nothing of a block lies in registers, so that its size has no bound.
    unbounded: bool,
}

/// The most elements of a block that does not have to fit registers: enough that starting it costs nothing.
const UNBOUNDED: usize = 4096;

impl ElementwiseLoop {
    pub fn new(
        mut program: BlockProgram,
        mut extents: Vec<usize>,
        mut stores: Vec<Store>,
        library: Option<&mut Library>,
    ) -> ElementwiseLoop {
        {
            let mut affines: Vec<&mut Affine> = program.affines().collect();
            affines.extend(stores.iter_mut().map(|s| &mut s.offset));
            let dims = extents.len();
            collapse(&mut extents, 0..dims, &mut affines);
        }
        let copies = Copies::of(&program, &extents, &stores);
        let mut of_bytes = None;
        if let Some(library) = library {
            program.compile(library, extents.len().checked_sub(1));
            if copies.is_none() {
                of_bytes = compile_bytes(&program, &extents, &stores, library);
            }
        }
        let routine = of_bytes.as_ref().or(program.routine.as_ref());
        let boxes = routine.and_then(|routine| boxes_of(&program, routine, &extents, &stores));
        let of_bytes = of_bytes.filter(|_| boxes.is_some());
        let is_unguarded = |code: &Code| match code {
            Code::Load { guards, .. } | Code::Within { guards } => guards.is_empty(),
            Code::Splat { .. } | Code::Index { .. } | Code::Apply { .. } | Code::MulAdd { .. } => true,
        };
        let unbounded = boxes.is_some() && of_bytes.is_none() && program.codes.iter().all(is_unguarded);
        ElementwiseLoop { program, extents, stores, boxes, of_bytes, copies, unbounded }
    }

    /// The places of its machine code.
    pub fn routines(&mut self) -> impl Iterator<Item = &mut Option<Routine>> {
        [&mut self.program.routine, &mut self.of_bytes].into_iter()
    }

    /// Evaluates this worker's share.
    pub fn run(&self, kernels: KernelSet, slots: &Slots, registers: Registers<'_>, member: &Member<'_>) {
        if let Some(copies) = &self.copies {
            copies.run(slots, member);
            return;
        }
        let mut kept = Kept::default();
        let routine = self.of_bytes.as_ref().or(self.program.routine.as_ref());
        if let (Some(boxes), Some(routine)) = (&self.boxes, routine) {
            let elements: usize = self.extents.iter().product();
            for k in share(boxes.len(), member, 0, (elements * self.stores.len()).div_ceil(boxes.len().max(1))) {
                evaluate_box(kernels, &self.program, routine, slots, &boxes[k], registers, &mut kept, &self.stores);
            }
            return;
        }
        let tiling = Tiling::in_any_order(&self.extents);
        let mut corner = [0i64; MAX_DIMS];
        let corner = &mut corner[..self.extents.len()];
        for block in share(tiling.blocks, member, 0, tiling.block_elements()) {
            let rectangle = tiling.rectangle(block, &self.extents, corner);
            evaluate_into(kernels, &self.program, slots, &rectangle, registers, &mut kept, &self.stores);
        }
    }
}

/// Machine code for boxes in which bytes are in place, if there are any and columns come in whole vectors.
fn compile_bytes(
    program: &BlockProgram,
    extents: &[usize],
    stores: &[Store],
    library: &mut Library,
) -> Option<Routine> {
    let (columns, outer) = extents.split_last()?;
    let loads_bytes = |code: &Code| matches!(code, Code::Load { dtype, .. } if !is_word(*dtype));
    let has_bytes = program.codes.iter().any(loads_bytes) || stores.iter().any(|s| !is_word(s.dtype));
    // Boxes are cut at multiples of the lanes.
    if !has_bytes || !columns.is_multiple_of(LANES) {
        return None;
    }
    let widths: Vec<Width> = stores.iter().map(|s| Width::of(s.dtype)).collect();
    library.compile(&program.codes, &program.lasts, &program.results, Some(outer.len()), Some(&widths))
}

impl ElementwiseLoop {
    /// Evaluates consecutive elements of the result.
    pub fn run_range(
        &self,
        kernels: KernelSet,
        slots: &Slots,
        registers: Registers<'_>,
        kept: &mut Kept,
        range: std::ops::Range<usize>,
    ) {
        let mut corner = [0i64; MAX_DIMS];
        let dims = self.extents.len();
        let is_bounded = !self.unbounded || self.program.routine.is_none();
        let elements: usize = self.extents.iter().product();
        let most = if is_bounded { BLOCK } else { (elements / 4).next_multiple_of(64).clamp(BLOCK, UNBOUNDED) };
        let mut at = range.start;
        while at < range.end {
            set_place(&mut corner[..dims], &self.extents, at);
            let (rows, columns) = stretch(&self.extents, at, (range.end - at).min(most));
            let rectangle = Rectangle {
                corner: &corner[..dims],
                row_dim: dims.saturating_sub(2),
                column_dim: dims.saturating_sub(1),
                rows,
                columns,
            };
            evaluate_into(kernels, &self.program, slots, &rectangle, registers, kept, &self.stores);
            at += rows * columns;
        }
    }
}

/// What a kernel does to results that it has just finished: consecutive elements of its output.
pub type Finish<'f> = &'f mut dyn FnMut(std::ops::Range<usize>);

/// Loop dimensions of one kernel at most: 26 axes and as many solved ones.
pub const MAX_DIMS: usize = 64;

/// Sets the index of every dimension to that of a place, counted in row-major order.
pub(super) fn set_place(corner: &mut [i64], extents: &[usize], place: usize) {
    let mut rest = place;
    for (index, extent) in corner.iter_mut().zip(extents).rev() {
        *index = (rest % extent) as i64;
        rest /= extent;
    }
}

/// Rows and columns of the longest stretch of at most so many elements from a place on: whole rows of the last two
/// dimensions, or the rest of one row.
pub(super) fn stretch(extents: &[usize], place: usize, most: usize) -> (usize, usize) {
    let from_end = |k: usize| extents.len().checked_sub(k).map_or(1, |at| extents[at]);
    let (rows, columns) = (from_end(2), from_end(1));
    let column = place % columns;
    match column == 0 && columns <= most {
        true => ((most / columns).min(rows - place / columns % rows), columns),
        false => (1, most.min(columns - column)),
    }
}

/// What is worth dividing has more elements than this.
const DIVIDED_MIN: usize = 4096;

/// The stretches of consecutive blocks that a worker does, in the kernel's division of this number. Where the work is
/// small the first workers do everything.
pub fn stretches<'a>(
    blocks: usize,
    member: &Member<'a>,
    division: usize,
    block_elements: usize,
) -> impl Iterator<Item = std::ops::Range<usize>> + use<'a> {
    let elements = blocks * block_elements;
    let parts = (member.count * member.each()).min(elements.div_ceil(DIVIDED_MIN)).max(1);
    let all = member.parts(division, member.each()).filter(move |part| *part < parts);
    all.map(move |part| blocks * part / parts..blocks * (part + 1) / parts)
}

/// The blocks of these stretches.
pub fn share<'a>(
    blocks: usize,
    member: &Member<'a>,
    division: usize,
    block_elements: usize,
) -> impl Iterator<Item = usize> + use<'a> {
    stretches(blocks, member, division, block_elements).flatten()
}

/// The division of the last and another dimension into rectangles of bounded size.
pub struct Tiling {
    row_dim: usize,
    rows: usize,
    columns: usize,
    row_blocks: usize,
    column_blocks: usize,
    /// The number of rectangles in the whole space.
    pub blocks: usize,
}

impl Tiling {
    /// Rectangles of the last two dimensions that fit registers, in the order of the elements.
    pub fn new(extents: &[usize]) -> Tiling {
        Tiling::with_rows(extents, extents.len().saturating_sub(2))
    }

    /// Rectangles of the last dimension and of another that fills them, where the last but one is short.
    pub fn in_any_order(extents: &[usize]) -> Tiling {
        let rows_max = BLOCK / extents.last().copied().unwrap_or(1).max(1);
        let mut row_dim = extents.len().saturating_sub(2);
        for dim in (0..row_dim).rev() {
            if extents[row_dim] < rows_max / 2 && extents[dim] > extents[row_dim] {
                row_dim = dim;
            }
        }
        Tiling::with_rows(extents, row_dim)
    }

    fn with_rows(extents: &[usize], row_dim: usize) -> Tiling {
        let columns_all = extents.last().copied().unwrap_or(1);
        let rows_all = if extents.len() > 1 { extents[row_dim] } else { 1 };
        let others = |dim: &usize| *dim != row_dim && *dim + 1 != extents.len();
        let outer: usize = (0..extents.len()).filter(others).map(|dim| extents[dim]).product();
        let column_blocks = columns_all.div_ceil(BLOCK).max(1);
        let columns = columns_all.div_ceil(column_blocks).max(1);
        let columns = if column_blocks > 1 { columns.next_multiple_of(16).min(BLOCK) } else { columns };
        let column_blocks = columns_all.div_ceil(columns);
        let rows = (BLOCK / columns).clamp(1, rows_all.max(1));
        let rows = if column_blocks > 1 { 1 } else { rows };
        let row_blocks = rows_all.div_ceil(rows);
        Tiling { row_dim, rows, columns, row_blocks, column_blocks, blocks: outer * row_blocks * column_blocks }
    }

    /// One element at a time.
    pub fn single(extents: &[usize]) -> Tiling {
        let from_end = |k: usize| extents.len().checked_sub(k).map_or(1, |at| extents[at]);
        let (rows, columns) = (from_end(2), from_end(1));
        let blocks = extents.iter().product();
        let row_dim = extents.len().saturating_sub(2);
        Tiling { row_dim, rows: 1, columns: 1, row_blocks: rows, column_blocks: columns, blocks }
    }

    pub fn block_elements(&self) -> usize {
        self.rows * self.columns
    }

    /// Rectangle number `block`; sets the corner.
    pub fn rectangle<'c>(&self, block: usize, extents: &[usize], corner: &'c mut [i64]) -> Rectangle<'c> {
        let dims = extents.len();
        let column = block % self.column_blocks * self.columns;
        let rest = block / self.column_blocks;
        let row = rest % self.row_blocks * self.rows;
        let mut outer = rest / self.row_blocks;
        for dim in (0..dims.saturating_sub(1)).rev().filter(|dim| *dim != self.row_dim) {
            corner[dim] = (outer % extents[dim]) as i64;
            outer /= extents[dim];
        }
        let columns_all = extents.last().copied().unwrap_or(1);
        let rows_all = if dims > 1 { extents[self.row_dim] } else { 1 };
        if dims > 0 {
            corner[dims - 1] = column as i64;
        }
        if dims > 1 {
            corner[self.row_dim] = row as i64;
        }
        Rectangle {
            corner,
            row_dim: self.row_dim,
            column_dim: dims.saturating_sub(1),
            rows: self.rows.min(rows_all - row),
            columns: self.columns.min(columns_all - column),
        }
    }
}

impl BlockProgram {
    /// Every affine form of the program.
    pub(super) fn affines(&mut self) -> impl Iterator<Item = &mut Affine> {
        self.codes.iter_mut().flat_map(|code| match code {
            Code::Load { offset, guards, .. } => {
                std::iter::once(offset).chain(guards.iter_mut().map(|g| &mut g.value)).collect::<Vec<_>>()
            }
            Code::Index { value } => vec![value],
            Code::Within { guards } => guards.iter_mut().map(|g| &mut g.value).collect(),
            Code::Splat { .. } | Code::Apply { .. } | Code::MulAdd { .. } => vec![],
        })
    }
}

/// Removes dimensions of extent 1 among some neighbours, and joins those that every affine form walks as one. Gives how
/// many of them are left.
pub(super) fn collapse(extents: &mut Vec<usize>, among: std::ops::Range<usize>, affines: &mut [&mut Affine]) -> usize {
    let (mut dim, mut end) = (among.start, among.end);
    while dim < end {
        let joins = dim + 1 < end
            && affines.iter().all(|a| a.coefficients[dim] == a.coefficients[dim + 1] * extents[dim + 1] as i64);
        if extents[dim] != 1 && !joins {
            dim += 1;
            continue;
        }
        if joins {
            extents[dim + 1] *= extents[dim];
        }
        extents.remove(dim);
        for affine in affines.iter_mut() {
            affine.coefficients.remove(dim);
        }
        end -= 1;
        if joins && dim > among.start {
            dim -= 1;
        }
    }
    end - among.start
}
