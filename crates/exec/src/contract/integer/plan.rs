//! Decides at plan time how a contraction of integers runs.

use super::super::division::{Tile, tiles_of};
use super::super::plan::PlanOptions;
use super::super::spec::{Base, Contraction, Lengths, Row, SpecError};
use super::kernel::KernelTable;
use super::slots::{Reading, Slots};
use crate::memory::ALIGNMENT;

/// The rows of a depthwise tile, which is one call.
const DEPTHWISE_ROWS: usize = 24;

/// A contraction of i8 checked and prepared for execution.
pub struct IntegerPlan {
    pub(super) batches: Vec<Base>,
    /// Where the operand `b` of each copy in pairs begins, and the copy of each batch item.
    pub(super) b_bases: Vec<i32>,
    pub(super) copy_of: Vec<usize>,
    pub(super) rows: Vec<Row>,
    pub(super) lanes: usize,
    pub(super) is_depthwise: bool,
    pub(super) b_lane_stride: isize,
    pub(super) c_lane_stride: isize,
    pub(super) lengths: Lengths,
    /// Whether a row's results begin at a multiple of the lanes.
    rows_are_lanes: bool,
    pub(super) kernels: KernelTable,
    pub(super) tiles: Vec<Tile>,
    pub(super) slots: Slots,
    pub(super) b_constant: bool,
    pub(super) workers: usize,
    pub(super) parts_each: usize,
    /// Into how many parts the panels are divided, where there are few tiles.
    pub(super) columns: usize,
    pub(super) workspace: Workspace,
}

/// Where the parts of the workspace begin, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Workspace {
    /// `a` as i16, if any group reads it in place.
    pub wide: usize,
    /// For each worker the rows of a tile, gathered.
    pub gathered: usize,
    pub gathered_each: usize,
    /// `b` in pairs, unless it is constant.
    pub pairs: usize,
    /// All of it, with room to align the start.
    pub total: usize,
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
        let kernels = KernelTable::of(options.kernels);
        let workers = options.workers.max(1);
        let is_depthwise = spec.a_lane_stride == 1;
        let tiles = tiles_of(spec, if is_depthwise { DEPTHWISE_ROWS } else { kernels.rows_max }, workers);
        let slots = Slots::of(spec);
        let mut b_bases: Vec<i32> = vec![];
        let copy_of = spec
            .batches
            .iter()
            .map(|base| {
                b_bases.iter().position(|known| *known == base.b).unwrap_or_else(|| {
                    b_bases.push(base.b);
                    b_bases.len() - 1
                })
            })
            .collect();
        let blocks = spec.batches.len() * tiles.len();
        let parts_each = (blocks / (4 * workers)).clamp(1, options.parts_each.max(1));
        let panels = spec.lanes.div_ceil(kernels.panel_lanes);
        let columns = (2 * workers).div_ceil(blocks.max(1)).clamp(1, panels.max(1));
        let mut plan = IntegerPlan {
            batches: spec.batches.clone(),
            b_bases,
            copy_of,
            rows: spec.rows.clone(),
            lanes: spec.lanes,
            is_depthwise,
            b_lane_stride: spec.b_lane_stride as isize,
            c_lane_stride: spec.c_lane_stride as isize,
            lengths,
            rows_are_lanes: spec.c_lane_stride == 1
                && spec.lanes > 0
                && spec
                    .batches
                    .iter()
                    .all(|base| spec.rows.iter().all(|row| ((base.c + row.c) as usize).is_multiple_of(spec.lanes))),
            kernels,
            tiles,
            slots,
            b_constant: options.b_constant,
            workers,
            parts_each,
            columns: if workers == 1 { 1 } else { columns },
            workspace: Workspace::default(),
        };
        plan.workspace = plan.workspace();
        Ok(plan)
    }

    /// Whether results can be taken on by numbers for each of so many channels, if these are the lanes of every row.
    pub fn has_channels(&self, channels: usize) -> bool {
        self.rows_are_lanes && self.lanes == channels
    }

    /// The bytes that the workspace must have at least.
    pub fn workspace_bytes(&self) -> usize {
        self.workspace.total
    }

    /// The bytes of a constant `b` once it is in pairs; nothing where it varies.
    pub fn packed_bytes(&self) -> Option<usize> {
        self.b_constant.then(|| self.pairs_len() * size_of::<i16>())
    }

    /// The number of elements that the operands must have at least.
    pub fn lengths(&self) -> Lengths {
        self.lengths
    }

    /// How often a run divides its work.
    pub fn divisions(&self) -> usize {
        1
    }

    /// Numbers in all copies of `b`.
    pub(super) fn pairs_len(&self) -> usize {
        self.b_bases.len() * self.panels() * self.panel_len()
    }

    /// Numbers in one panel.
    pub(super) fn panel_len(&self) -> usize {
        2 * self.slots.pairs() * self.kernels.panel_lanes
    }

    pub(super) fn panels(&self) -> usize {
        self.lanes.div_ceil(self.kernels.panel_lanes)
    }

    fn workspace(&self) -> Workspace {
        let mut total = 0;
        let mut part = |bytes: usize| {
            let start = total;
            total += bytes.next_multiple_of(ALIGNMENT);
            start
        };
        let any = |in_place: bool| {
            self.slots.readings.iter().any(|reading| matches!(reading, Reading::InPlace(_)) == in_place)
        };
        // The number behind the last one is read where a run is odd.
        let wide = part(if any(true) { (self.lengths.a + 1) * size_of::<i16>() } else { 0 });
        let gathered_each = match any(false) && !self.is_depthwise {
            true => (self.kernels.rows_max * self.slots.terms.len() * size_of::<i16>()).next_multiple_of(ALIGNMENT),
            false => 0,
        };
        let gathered = part(gathered_each * self.workers);
        let pairs = part(if self.b_constant { 0 } else { self.pairs_len() * size_of::<i16>() });
        let total = if total == 0 { 0 } else { total + ALIGNMENT };
        Workspace { wide, gathered, gathered_each, pairs, total }
    }
}
