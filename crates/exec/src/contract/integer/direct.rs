//! Decides at plan time how a contraction of integers runs term by term.

use super::super::division::{Tile, tiles_of};
use super::super::plan::PlanOptions;
use super::super::spec::{Base, Contraction, Row};
use super::kernel::KernelTable;
use super::slots::{Reading, Slots};
use crate::memory::ALIGNMENT;

/// The rows of a depthwise tile, by which the work is divided.
const DEPTHWISE_ROWS: usize = 32;

/// A contraction prepared for execution by tiles of rows and panels of lanes.
pub(super) struct DirectPlan {
    pub(super) batches: Vec<Base>,
    /// Where the operand `b` of each copy in pairs begins, and the copy of each batch item.
    pub(super) b_bases: Vec<i32>,
    pub(super) copy_of: Vec<usize>,
    pub(super) rows: Vec<Row>,
    pub(super) lanes: usize,
    pub(super) is_depthwise: bool,
    pub(super) b_lane_stride: isize,
    pub(super) c_lane_stride: isize,
    /// The length of `a`.
    pub(super) a_len: usize,
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
    pub total: usize,
}

impl DirectPlan {
    /// Plans tables that were checked, with so many numbers in `a`.
    pub fn new(spec: &Contraction, a_len: usize, options: &PlanOptions) -> DirectPlan {
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
        let panels = spec.lanes.div_ceil(kernels.panel_lanes);
        let mut plan = DirectPlan {
            batches: spec.batches.clone(),
            b_bases,
            copy_of,
            rows: spec.rows.clone(),
            lanes: spec.lanes,
            is_depthwise,
            b_lane_stride: spec.b_lane_stride as isize,
            c_lane_stride: spec.c_lane_stride as isize,
            a_len,
            kernels,
            tiles,
            slots,
            b_constant: options.b_constant,
            workers,
            parts_each: parts_each(blocks, options),
            columns: columns(blocks, panels, workers),
            workspace: Workspace::default(),
        };
        plan.workspace = plan.workspace();
        plan
    }

    /// Numbers in all copies of `b`.
    pub fn pairs_len(&self) -> usize {
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
        let wide = part(if any(true) { (self.a_len + 1) * size_of::<i16>() } else { 0 });
        let gathered_each = match any(false) && !self.is_depthwise {
            true => (self.kernels.rows_max * self.slots.terms.len() * size_of::<i16>()).next_multiple_of(ALIGNMENT),
            false => 0,
        };
        let gathered = part(gathered_each * self.workers);
        let pairs = part(if self.b_constant { 0 } else { self.pairs_len() * size_of::<i16>() });
        Workspace { wide, gathered, gathered_each, pairs, total }
    }
}

/// How many parts of so many blocks each worker gets.
pub(super) fn parts_each(blocks: usize, options: &PlanOptions) -> usize {
    (blocks / (4 * options.workers.max(1))).clamp(1, options.parts_each.max(1))
}

/// Into how many parts panels are divided, where there are so few blocks that workers would go without.
pub(super) fn columns(blocks: usize, panels: usize, workers: usize) -> usize {
    match workers {
        1 => 1,
        _ => (2 * workers).div_ceil(blocks.max(1)).clamp(1, panels.max(1)),
    }
}
