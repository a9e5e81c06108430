//! Decides at plan time how a contraction of integers runs term by term.

use std::ops::Range;

use super::super::division::{Tile, tiles_of};
use super::super::plan::PlanOptions;
use super::super::spec::{Base, Contraction, Row};
use super::kernel::KernelTable;
use super::slots::{Reading, Slots};
use super::units::Units;
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
    pub(super) kernels: KernelTable,
    pub(super) tiles: Vec<Tile>,
    /// From where to where each tile reads `a`, relative to the batch item, if it reads pairs in place.
    reaches: Vec<Range<i32>>,
    pub(super) slots: Slots,
    pub(super) b_constant: bool,
    /// Tiles are the blocks.
    pub(super) units: Units,
    pub(super) workspace: Workspace,
}

/// Where the parts of the workspace begin, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Workspace {
    /// For each worker as i16 what it reads of `a` in place.
    pub wide: usize,
    pub wide_each: usize,
    /// For each worker the rows of a tile, gathered.
    pub gathered: usize,
    pub gathered_each: usize,
    /// `b` in pairs, unless it is constant.
    pub pairs: usize,
    pub total: usize,
}

impl DirectPlan {
    /// Plans tables that were checked.
    pub fn new(spec: &Contraction, options: &PlanOptions) -> DirectPlan {
        let kernels = KernelTable::of(options.kernels);
        let is_depthwise = spec.a_lane_stride == 1;
        let rows_max = if is_depthwise { DEPTHWISE_ROWS } else { kernels.rows_max };
        let tiles = tiles_of(spec, rows_max, options.workers.max(1));
        let slots = Slots::of(spec);
        let reaches = tiles.iter().map(|tile| reach(tile, &spec.rows, &slots)).collect();
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
            kernels,
            units: Units::new(spec.batches.len(), tiles.len(), panels, options),
            tiles,
            reaches,
            slots,
            b_constant: options.b_constant,
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

    /// From where to where some tiles read pairs of `a` in place, relative to the batch item.
    pub(super) fn reach_of(&self, tiles: Range<usize>) -> Range<i32> {
        let reaches = || self.reaches[tiles.clone()].iter().filter(|reach| !reach.is_empty());
        let start = reaches().map(|reach| reach.start).min().unwrap_or(0);
        start..reaches().map(|reach| reach.end).max().unwrap_or(start)
    }

    fn workspace(&self) -> Workspace {
        let mut total = 0;
        let mut part = |bytes: usize| {
            let start = total;
            total += bytes.next_multiple_of(ALIGNMENT);
            start
        };
        let reach = self.reach_of(0..self.tiles.len());
        let wide_each = (reach.len() * size_of::<i16>()).next_multiple_of(ALIGNMENT);
        let wide = part(wide_each * self.units.workers);
        let is_gathered = |reading: &Reading| !matches!(reading, Reading::InPlace(_));
        let gathered_each = match self.slots.readings.iter().any(is_gathered) && !self.is_depthwise {
            true => (self.kernels.rows_max * self.slots.terms.len() * size_of::<i16>()).next_multiple_of(ALIGNMENT),
            false => 0,
        };
        let gathered = part(gathered_each * self.units.workers);
        let pairs = part(if self.b_constant { 0 } else { self.pairs_len() * size_of::<i16>() });
        Workspace { wide, wide_each, gathered, gathered_each, pairs, total }
    }
}

/// From where to where a tile reads pairs of `a` in place; nothing where it does not.
fn reach(tile: &Tile, rows: &[Row], slots: &Slots) -> Range<i32> {
    let Reading::InPlace(runs) = &slots.readings[tile.group as usize] else { return 0..0 };
    let rows = || rows[tile.first_row as usize..(tile.first_row + tile.rows) as usize].iter().map(|row| row.a);
    let starts = || runs.iter().map(|run| run.a);
    // The number behind the last one is read where a run is odd.
    let ends = runs.iter().map(|run| run.a + 2 * run.pairs as i32);
    match (rows().min(), rows().max(), starts().min(), ends.max()) {
        (Some(first), Some(last), Some(start), Some(end)) => first + start..last + end,
        _ => 0..0,
    }
}
