//! What a contraction computes, as tables of addresses, and its definition in a page of plain Rust.

use std::fmt;
use std::ops::Range;

/// The number of positions of the reduction box in one chunk of the numerics.
///
/// Whoever makes the tables cuts the runs so; the kernels take chunks of any length.
pub const CHUNK: usize = 512;

/// The most terms that a chunk may have, so that places in packed operands fit 32 bits.
pub const CHUNK_TERMS_MAX: usize = 1 << 20;

/// A contraction over f32: `c[m, n] = Σ_k a[m, k] · b[k, n]`, repeated over batches.
///
/// Every operand is a slice of elements, addressed by sums of table entries:
///
/// ```text
/// a: batch.a + row.a + run.a + i·run.a_stride + n·a_lane_stride     (a_lane_stride is 0 or 1)
/// b: batch.b         + run.b + i·run.b_stride + n·b_lane_stride
/// c: batch.c + row.c                          + n·c_lane_stride
/// ```
///
/// where `i` counts the terms of a run. With `a_lane_stride` 1 all three operands move along `n` (a depthwise
/// contraction).
///
/// # Numerics
/// The runs of a row's group, in order, are cut into chunks. A chunk's result is a chain of fused multiply-adds
/// from +0 in the order of the terms; chunk results are added in ascending order. Then the result is flushed
/// (smaller than `f32::MIN_POSITIVE` in magnitude, or −0: it becomes +0).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contraction {
    /// Base addresses of each batch item.
    pub batches: Vec<Base>,
    /// The rows, those of one group next to each other, in the order of `groups`.
    pub rows: Vec<Row>,
    /// The sets of rows that have the same terms.
    pub groups: Vec<Group>,
    /// The number of lanes: the extent of `n`.
    pub lanes: usize,
    /// Step of `a` from lane to lane: 0 or 1.
    pub a_lane_stride: i32,
    /// Step of `b` from lane to lane.
    pub b_lane_stride: i32,
    /// Step of `c` from lane to lane.
    pub c_lane_stride: i32,
}

/// Where a batch item begins in each operand, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Base {
    pub a: i32,
    pub b: i32,
    pub c: i32,
}

/// Where a row begins in `a` and `c`, relative to its batch item, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub a: i32,
    pub c: i32,
}

/// Rows for which the same terms are in range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The number of rows.
    pub rows: usize,
    /// The terms, in order. Every group of a contraction has the same number of chunks.
    pub runs: Vec<Run>,
}

/// Consecutive terms whose addresses go in equal steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Address of the first term in `a`, relative to batch and row.
    pub a: i32,
    /// Address of the first term in `b`, relative to the batch.
    pub b: i32,
    /// The number of terms; a run without terms serves to end an empty chunk.
    pub len: u32,
    /// Step of `a` from term to term.
    pub a_stride: i32,
    /// Step of `b` from term to term.
    pub b_stride: i32,
    /// Whether a chunk ends after this run; the last run of a group always ends one.
    pub ends_chunk: bool,
}

impl Run {
    /// The addresses of its terms in `a` and `b`.
    pub fn terms(self) -> impl Iterator<Item = (i32, i32)> {
        (0..self.len as i32).map(move |i| (self.a + i * self.a_stride, self.b + i * self.b_stride))
    }
}

/// Why tables describe no contraction. Tables come from a lowering, so this is a fault of the program, not of its
/// user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// `a_lane_stride` is neither 0 nor 1.
    LaneStride { a_lane_stride: i32 },
    /// The groups' rows do not add up to the table of rows.
    Rows { in_groups: usize, in_table: usize },
    /// A group has another number of chunks than the first.
    Chunks { group: usize, expected: usize, found: usize },
    /// A chunk has more than [`CHUNK_TERMS_MAX`] terms.
    ChunkLength { group: usize },
    /// Some address lies before the operand, or beyond 2³¹ elements.
    Address { operand: char, lowest: i64, highest: i64 },
    /// Two results have the same address.
    Overlap { address: i64 },
}

impl Contraction {
    /// The number of elements that each operand must have at least, if the tables are sound.
    ///
    /// This checks everything that the kernels rely on.
    pub fn check(&self) -> Result<Lengths, SpecError> {
        if !(0..=1).contains(&self.a_lane_stride) {
            return Err(SpecError::LaneStride { a_lane_stride: self.a_lane_stride });
        }
        let in_groups = self.groups.iter().map(|group| group.rows).sum();
        if in_groups != self.rows.len() {
            return Err(SpecError::Rows { in_groups, in_table: self.rows.len() });
        }
        let expected = self.chunk_count();
        for (index, group) in self.groups.iter().enumerate() {
            let found = group.chunk_count();
            if found != expected {
                return Err(SpecError::Chunks { group: index, expected, found });
            }
            if group.chunk_terms_max() > CHUNK_TERMS_MAX {
                return Err(SpecError::ChunkLength { group: index });
            }
        }
        self.check_addresses()
    }

    /// The number of chunks that every row has.
    pub fn chunk_count(&self) -> usize {
        self.groups.first().map_or(0, Group::chunk_count)
    }

    /// The groups with the range of rows that each of them has.
    pub fn groups_with_rows(&self) -> impl Iterator<Item = (Range<usize>, &Group)> {
        let mut start = 0;
        self.groups.iter().map(move |group| {
            let rows = start..start + group.rows;
            start = rows.end;
            (rows, group)
        })
    }

    fn check_addresses(&self) -> Result<Lengths, SpecError> {
        let empty = self.batches.is_empty() || self.rows.is_empty() || self.lanes == 0;
        if empty {
            return Ok(Lengths::default());
        }
        let lane = |stride: i32| Span::of_steps(self.lanes as i64, i64::from(stride));
        let (mut a, mut b) = (Span::EMPTY, Span::EMPTY);
        for (rows, group) in self.groups_with_rows() {
            let row = Span::of(self.rows[rows].iter().map(|row| i64::from(row.a)));
            if row.is_empty() {
                continue;
            }
            for run in group.runs.iter().filter(|run| run.len > 0) {
                let len = i64::from(run.len);
                let a_run = Span::of_steps(len, i64::from(run.a_stride)).shift(i64::from(run.a));
                let b_run = Span::of_steps(len, i64::from(run.b_stride)).shift(i64::from(run.b));
                a = a.join(row.plus(a_run));
                b = b.join(b_run);
            }
        }
        let batch = |part: fn(&Base) -> i32| Span::of(self.batches.iter().map(|base| i64::from(part(base))));
        let c = Span::of(self.rows.iter().map(|row| i64::from(row.c)));
        let a = a.plus(batch(|base| base.a)).plus(lane(self.a_lane_stride));
        let b = b.plus(batch(|base| base.b)).plus(lane(self.b_lane_stride));
        let c = c.plus(batch(|base| base.c)).plus(lane(self.c_lane_stride));
        let lengths = Lengths { a: a.length('a')?, b: b.length('b')?, c: c.length('c')? };
        self.check_overlap(lengths.c)?;
        Ok(lengths)
    }

    /// Checks that all results have addresses of their own: workers write them at the same time.
    fn check_overlap(&self, c_len: usize) -> Result<(), SpecError> {
        let starts = self
            .batches
            .iter()
            .flat_map(|base| self.rows.iter().map(move |row| (i64::from(base.c) + i64::from(row.c)) as usize));
        if self.c_lane_stride == 1 {
            let mut starts: Vec<usize> = starts.collect();
            starts.sort_unstable();
            match starts.windows(2).find(|pair| pair[1] - pair[0] < self.lanes) {
                None => Ok(()),
                Some(pair) => Err(SpecError::Overlap { address: pair[1] as i64 }),
            }
        } else {
            let mut written = vec![false; c_len];
            for start in starts {
                for lane in 0..self.lanes {
                    let address = start as i64 + lane as i64 * i64::from(self.c_lane_stride);
                    if std::mem::replace(&mut written[address as usize], true) {
                        return Err(SpecError::Overlap { address });
                    }
                }
            }
            Ok(())
        }
    }
}

impl Group {
    /// The number of chunks that the runs are cut into.
    pub fn chunk_count(&self) -> usize {
        let ended = self.runs.iter().filter(|run| run.ends_chunk).count();
        let open = self.runs.last().is_some_and(|run| !run.ends_chunk);
        ended + usize::from(open)
    }

    /// The terms of the longest chunk.
    fn chunk_terms_max(&self) -> usize {
        let chunks = self.runs.split_inclusive(|run| run.ends_chunk);
        chunks.map(|chunk| chunk.iter().map(|run| run.len as usize).sum()).max().unwrap_or(0)
    }
}

/// The number of elements that each operand must have at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    pub a: usize,
    pub b: usize,
    pub c: usize,
}

/// The contraction as its definition says, element by element: what all kernels are held to.
///
/// # Panics
/// If an address lies outside its operand.
pub fn execute_reference(spec: &Contraction, a: &[f32], b: &[f32], c: &mut [f32]) {
    let at = |parts: [i64; 4]| parts.iter().sum::<i64>() as usize;
    for base in &spec.batches {
        for (rows, group) in spec.groups_with_rows() {
            for row in &spec.rows[rows] {
                for lane in 0..spec.lanes as i64 {
                    let a_base = i64::from(base.a) + i64::from(row.a) + lane * i64::from(spec.a_lane_stride);
                    let b_base = i64::from(base.b) + lane * i64::from(spec.b_lane_stride);
                    let (mut total, mut chunk) = (0.0f32, 0.0f32);
                    for run in &group.runs {
                        for i in 0..i64::from(run.len) {
                            let a_at = at([a_base, run.a.into(), i * i64::from(run.a_stride), 0]);
                            let b_at = at([b_base, run.b.into(), i * i64::from(run.b_stride), 0]);
                            chunk = a[a_at].mul_add(b[b_at], chunk);
                        }
                        if run.ends_chunk {
                            total += chunk;
                            chunk = 0.0;
                        }
                    }
                    total += chunk;
                    let result = if total.abs() < f32::MIN_POSITIVE { 0.0 } else { total };
                    let lane_c = lane * i64::from(spec.c_lane_stride);
                    c[at([base.c.into(), row.c.into(), lane_c, 0])] = result;
                }
            }
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpecError::LaneStride { a_lane_stride } => {
                write!(f, "the lane stride of operand a is {a_lane_stride}, not 0 or 1")
            }
            SpecError::Rows { in_groups, in_table } => {
                write!(f, "the groups have {in_groups} rows, the table has {in_table}")
            }
            SpecError::Chunks { group, expected, found } => {
                write!(f, "group {group} has {found} chunks, the first has {expected}")
            }
            SpecError::ChunkLength { group } => {
                write!(f, "group {group} has a chunk of more than {CHUNK_TERMS_MAX} terms")
            }
            SpecError::Address { operand, lowest, highest } => {
                write!(f, "operand {operand} is addressed from {lowest} to {highest}, outside 0 to 2^31 - 1")
            }
            SpecError::Overlap { address } => {
                write!(f, "element {address} of the result is written twice")
            }
        }
    }
}

impl std::error::Error for SpecError {}

/// A range of addresses, both ends included; empty when `low > high`.
#[derive(Clone, Copy)]
struct Span {
    low: i64,
    high: i64,
}

impl Span {
    const EMPTY: Span = Span { low: i64::MAX, high: i64::MIN };

    fn of(addresses: impl Iterator<Item = i64>) -> Span {
        addresses.fold(Span::EMPTY, |span, at| span.join(Span { low: at, high: at }))
    }

    /// From 0 in `count` steps (at least one).
    fn of_steps(count: i64, stride: i64) -> Span {
        let last = (count - 1) * stride;
        Span { low: last.min(0), high: last.max(0) }
    }

    fn is_empty(self) -> bool {
        self.low > self.high
    }

    fn join(self, other: Span) -> Span {
        Span { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    fn shift(self, by: i64) -> Span {
        Span { low: self.low + by, high: self.high + by }
    }

    /// All sums of an address of each.
    fn plus(self, other: Span) -> Span {
        if self.is_empty() || other.is_empty() {
            return Span::EMPTY;
        }
        Span { low: self.low + other.low, high: self.high + other.high }
    }

    /// The length of an operand that holds all addresses.
    fn length(self, operand: char) -> Result<usize, SpecError> {
        if self.is_empty() {
            return Ok(0);
        }
        if self.low < 0 || self.high > i64::from(i32::MAX) {
            return Err(SpecError::Address { operand, lowest: self.low, highest: self.high });
        }
        Ok(self.high as usize + 1)
    }
}
