//! Decides at plan time how a contraction of integers runs, and runs it.

use super::super::plan::PlanOptions;
use super::super::shared::SharedSlice;
use super::super::spec::{Contraction, Lengths, SpecError};
use super::direct::DirectPlan;
use super::requantise::Requantise;
use super::sliding::SlidingPlan;
use super::winograd::WinogradPlan;
use crate::memory::ALIGNMENT;
use crate::team::Member;

/// A contraction of i8 checked and prepared for execution.
pub struct IntegerPlan {
    way: Way,
    lengths: Lengths,
    lanes: usize,
    /// Whether a row's results begin at a multiple of the lanes, and lie side by side.
    rows_are_lanes: bool,
    is_empty: bool,
    b_constant: bool,
    workers: usize,
}

/// All give the same bits.
enum Way {
    Direct(DirectPlan),
    Winograd(WinogradPlan),
    Sliding(SlidingPlan),
}

/// The memory that a contraction of integers works on.
#[derive(Clone, Copy)]
pub struct IntegerOperands<'a> {
    pub a: &'a [i8],
    pub b: &'a [i8],
    /// What [`IntegerPlan::pack_constant`] made of a constant `b`.
    pub packed: Option<&'a [i16]>,
    /// The bytes of i32, or of i8 where there is something to requantise.
    pub c: SharedSlice<'a, u8>,
    /// At least [`IntegerPlan::workspace_bytes`], whose content is of no matter.
    pub workspace: SharedSlice<'a, u8>,
    /// Numbers for each lane only where [`IntegerPlan::has_channels`].
    pub requantise: Option<Requantise<&'a [i32]>>,
}

impl IntegerPlan {
    /// Checks the tables of `spec` and plans its execution. Whether an operand is packed is not for the options to choose.
    ///
    /// # Errors
    /// What is wrong with the tables.
    ///
    /// # Panics
    /// If this machine lacks the kernel set.
    pub fn new(spec: &Contraction, options: PlanOptions) -> Result<IntegerPlan, SpecError> {
        assert!(options.kernels.is_available(), "the machine has the kernel set");
        let lengths = spec.check()?;
        let starts = || spec.batches.iter().flat_map(|base| spec.rows.iter().map(|row| (base.c + row.c) as usize));
        Ok(IntegerPlan {
            way: WinogradPlan::new(spec, &options)
                .map(Way::Winograd)
                .or_else(|| SlidingPlan::new(spec, &options).map(Way::Sliding))
                .unwrap_or_else(|| Way::Direct(DirectPlan::new(spec, &options))),
            lengths,
            lanes: spec.lanes,
            rows_are_lanes: spec.c_lane_stride == 1
                && spec.lanes > 0
                && starts().all(|start| start.is_multiple_of(spec.lanes)),
            is_empty: spec.rows.is_empty() || spec.lanes == 0 || spec.batches.is_empty(),
            b_constant: options.b_constant,
            workers: options.workers.max(1),
        })
    }

    /// Whether results can be taken on by numbers for each of so many channels, if these are the lanes of every row.
    pub fn has_channels(&self, channels: usize) -> bool {
        self.rows_are_lanes && self.lanes == channels
    }

    /// The bytes that the workspace must have at least.
    pub fn workspace_bytes(&self) -> usize {
        let bytes = match &self.way {
            Way::Direct(plan) => plan.workspace.total,
            Way::Winograd(plan) => plan.workspace_bytes(),
            Way::Sliding(_) => 0,
        };
        // With room to align the start.
        if bytes == 0 { 0 } else { bytes + ALIGNMENT }
    }

    /// The bytes of a constant `b` once it is in the order of the kernels; nothing where it varies.
    pub fn packed_bytes(&self) -> Option<usize> {
        self.b_constant.then(|| self.packed_len() * size_of::<i16>())
    }

    fn packed_len(&self) -> usize {
        match &self.way {
            Way::Direct(plan) => plan.pairs_len(),
            Way::Winograd(plan) => plan.packed_len(),
            Way::Sliding(plan) => plan.packed_len(),
        }
    }

    /// The number of elements that the operands must have at least.
    pub fn lengths(&self) -> Lengths {
        self.lengths
    }

    /// How often a run divides its work.
    pub fn divisions(&self) -> usize {
        1
    }

    /// Lays a constant `b` out as the kernels read it, into [`IntegerPlan::packed_bytes`].
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn pack_constant(&self, b: &[i8], packed: &mut [i16]) {
        assert!(packed.len() >= self.packed_len(), "room for the packed operand");
        assert!(b.len() >= self.lengths.b, "operand b has all addresses");
        match &self.way {
            // SAFETY: there is room, and nobody else.
            Way::Direct(plan) => unsafe { plan.pack_all(b, packed.as_mut_ptr()) },
            Way::Winograd(plan) => plan.pack(b, packed),
            Way::Sliding(plan) => plan.pack(b, packed),
        }
    }

    /// Runs one worker's part.
    ///
    /// # Safety
    /// All workers use the same operands, and each runs its part once; nothing else writes the operands or touches `c` and
    /// the workspace until all are through.
    ///
    /// # Panics
    /// If the team has another size than planned, or a slice is too short.
    pub unsafe fn execute(&self, member: Member<'_>, operands: &IntegerOperands<'_>) {
        let size = if operands.requantise.is_some() { size_of::<i8>() } else { size_of::<i32>() };
        assert!(operands.a.len() >= self.lengths.a, "operand a has all addresses");
        assert!(operands.b.len() >= self.lengths.b, "operand b has all addresses");
        assert!(operands.c.len() >= self.lengths.c * size, "the result has all addresses");
        assert!(operands.workspace.len() >= self.workspace_bytes(), "the workspace is large enough");
        assert_eq!(operands.packed.is_some(), self.b_constant, "a constant operand is packed before");
        assert!(operands.packed.is_none_or(|packed| packed.len() >= self.packed_len()), "all of b is packed");
        assert!(operands.requantise.is_none_or(|maps| maps.covers(self.lanes)), "maps have a number for every lane");
        assert!(self.workers == 1 || self.workers == member.count, "a team as planned");
        if self.is_empty {
            return;
        }
        let member = if self.workers == 1 { Member::ALONE } else { member };
        let start = operands.workspace.as_mut_ptr();
        let start = start.wrapping_add(start.align_offset(ALIGNMENT).min(ALIGNMENT));
        // SAFETY: passed on; lengths were checked.
        unsafe {
            match &self.way {
                Way::Direct(plan) => plan.run(&member, operands, start),
                Way::Winograd(plan) => plan.run(&member, operands, start),
                Way::Sliding(plan) => plan.run(&member, operands),
            }
        }
    }
}
