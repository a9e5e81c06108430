//! Runs a contraction of integers term by term: both operands are laid out first, then come tiles by panels.

use std::ops::Range;

use super::super::division::{Tile, part_of};
use super::super::execute::{band_rows, bands};
use super::super::spec::Row;
use super::depthwise::{DepthwiseCall, Terms};
use super::direct::DirectPlan;
use super::kernel::{BandCall, ROWS_MAX};
use super::plan::IntegerOperands;
use super::results::Results;
use super::slots::{PairRun, Reading};
use super::units::Unit;
use crate::team::Member;

impl DirectPlan {
    /// Lays a constant `b` out in pairs.
    ///
    /// # Safety
    /// There is room for [`DirectPlan::pairs_len`] numbers, and nobody else.
    pub unsafe fn pack_all(&self, b: &[i8], packed: *mut i16) {
        // SAFETY: passed on.
        unsafe { self.pack(b, packed, 0..self.b_bases.len() * self.panels()) }
    }

    /// Runs one worker's part.
    ///
    /// # Safety
    /// As for [`super::IntegerPlan::execute`]; the operands are as long as planned, and the workspace begins at this address.
    pub unsafe fn run(&self, member: &Member<'_>, operands: &IntegerOperands<'_>, workspace: *mut u8) {
        let own = |first: usize, each: usize| workspace.wrapping_add(first + member.worker * each).cast::<i16>();
        let wide = own(self.workspace.wide, self.workspace.wide_each);
        let gathered = own(self.workspace.gathered, self.workspace.gathered_each);
        let pairs = match operands.packed {
            Some(packed) => packed.as_ptr().cast_mut(),
            None => workspace.wrapping_add(self.workspace.pairs).cast::<i16>(),
        };
        // SAFETY: the parts of the workspace were laid out for this, every worker fills its own share of what is laid out, and
        // nobody reads it before all are through.
        unsafe {
            if operands.packed.is_none() {
                let panels = self.b_bases.len() * self.panels();
                self.pack(operands.b, pairs, part_of(panels, member.worker, self.units.workers));
                if self.units.workers > 1 {
                    member.barrier();
                }
            }
            let context = Context { plan: self, operands, wide, gathered, pairs };
            context.run(member);
        }
    }

    /// Lays some panels of `b` out in pairs, copy after copy.
    ///
    /// # Safety
    /// There is room for all of them, and nobody else writes these.
    unsafe fn pack(&self, b: &[i8], to: *mut i16, panels: Range<usize>) {
        let panel_lanes = self.kernels.panel_lanes;
        for at in panels {
            let (copy, panel) = (at / self.panels(), at % self.panels());
            let first = panel * panel_lanes;
            let lanes = panel_lanes.min(self.lanes - first);
            // Kernels have the lanes of two vectors turned.
            let is_turned = self.is_depthwise || lanes > self.kernels.vector_lanes();
            // SAFETY: within the room.
            let to = unsafe { std::slice::from_raw_parts_mut(to.add(at * self.panel_len()), self.panel_len()) };
            for (slot, term) in self.slots.terms.iter().enumerate() {
                let line = &mut to[slot / 2 * 2 * panel_lanes..][..2 * panel_lanes];
                for lane in 0..panel_lanes {
                    let from = term.filter(|_| lane < lanes).map(|term| {
                        let base = self.b_bases[copy] as isize + term as isize;
                        (base + (first + lane) as isize * self.b_lane_stride) as usize
                    });
                    let place = if is_turned { (self.kernels.turned_lane)(lane) } else { lane };
                    line[2 * place + slot % 2] = from.map_or(0, |from| i16::from(b[from]));
                }
            }
        }
    }
}

/// What one worker knows while it runs.
struct Context<'a> {
    plan: &'a DirectPlan,
    operands: &'a IntegerOperands<'a>,
    /// This worker's room for numbers of `a`.
    wide: *mut i16,
    gathered: *mut i16,
    pairs: *const i16,
}

impl Context<'_> {
    /// Runs this worker's parts.
    ///
    /// # Safety
    /// As for `execute`, once both operands are laid out.
    unsafe fn run(&self, member: &Member<'_>) {
        for Unit { batch, blocks, panels } in self.plan.units.by_panels(member) {
            // SAFETY: passed on; every unit is in one part.
            unsafe { self.run_tiles(batch, blocks, panels) };
        }
    }

    /// Computes some tiles of a batch item by some panels.
    ///
    /// # Safety
    /// As for `run`; nobody else computes these results.
    unsafe fn run_tiles(&self, batch: usize, tiles: Range<usize>, panels: Range<usize>) {
        let plan = self.plan;
        let base = plan.batches[batch];
        let a = self.operands.a;
        let reach = plan.reach_of(tiles.clone());
        if !reach.is_empty() {
            let [start, end] = [reach.start, reach.end].map(|place| (base.a + place) as usize);
            // What is read behind the last number is multiplied by 0.
            let numbers = &a[start..end.min(a.len())];
            // SAFETY: the plan's maker found the kernel set available on this machine, and there is room for all that tiles read.
            unsafe { (plan.kernels.widen)(numbers, self.wide) };
        }
        let wide = self.wide.wrapping_offset(-reach.start as isize);
        let tiles = &plan.tiles[tiles];
        let same_group = |x: &Tile, y: &Tile| x.group == y.group;
        for tiles in tiles.chunk_by(same_group) {
            // SAFETY: the plan's maker found the kernel set available on this machine; addresses are those that `check` has
            // seen, and those of what was laid out.
            unsafe {
                match &plan.slots.readings[tiles[0].group as usize] {
                    Reading::OneByOne(terms) if plan.is_depthwise => {
                        self.run_depthwise(batch, tiles, Terms::All(terms), panels.clone());
                    }
                    Reading::Skipping(terms) if plan.is_depthwise => {
                        self.run_depthwise(batch, tiles, Terms::Some(terms), panels.clone());
                    }
                    Reading::OneByOne(terms) => {
                        for tile in tiles {
                            self.gather(self.rows_of(tile), terms, |row, term| a[(base.a + row.a + term) as usize]);
                            self.run_gathered(batch, tile, panels.clone());
                        }
                    }
                    Reading::Skipping(terms) => {
                        for tile in tiles {
                            self.gather(self.rows_of(tile), terms, |row, term| {
                                term.map_or(0, |term| a[(base.a + row.a + term) as usize])
                            });
                            self.run_gathered(batch, tile, panels.clone());
                        }
                    }
                    // A panel stays in the first cache while the tiles pass.
                    Reading::InPlace(runs) => {
                        for panel in panels.clone() {
                            for band in bands(tiles, usize::MAX) {
                                let rows = &plan.rows[band_rows(band)];
                                self.run_band(batch, wide, (rows, band[0].rows), runs, panel);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Computes some tiles of rows that find their terms at the same places by some panels of lanes.
    ///
    /// # Safety
    /// As for `run_tiles`.
    unsafe fn run_depthwise(&self, batch: usize, tiles: &[Tile], terms: Terms<'_>, panels: Range<usize>) {
        let a = self.operands.a.as_ptr().wrapping_offset(self.plan.batches[batch].a as isize);
        let adjoin = |one: &Tile, next: &Tile| one.first_row + one.rows == next.first_row;
        for panel in panels {
            let (b, results) = (self.panel(batch, panel), self.results(batch, panel));
            for tiles in tiles.chunk_by(adjoin) {
                let call = DepthwiseCall { a, rows: &self.plan.rows[band_rows(tiles)], terms, b, results };
                // SAFETY: passed on.
                unsafe { (self.plan.kernels.depthwise)(&call) }
            }
        }
    }

    /// Computes a tile whose rows were gathered by some panels.
    ///
    /// # Safety
    /// As for `run_tiles`.
    unsafe fn run_gathered(&self, batch: usize, tile: &Tile, panels: Range<usize>) {
        let terms = self.plan.slots.terms.len();
        let runs = [PairRun { a: 0, pairs: self.plan.slots.pairs() as u32 }];
        let runs = if terms == 0 { &[] } else { &runs[..] };
        let mut rows = [Row::default(); ROWS_MAX];
        for (i, (gathered, row)) in rows.iter_mut().zip(self.rows_of(tile)).enumerate() {
            *gathered = Row { a: (i * terms) as i32, c: row.c };
        }
        for panel in panels {
            // SAFETY: passed on.
            unsafe { self.run_band(batch, self.gathered, (&rows[..tile.rows as usize], tile.rows), runs, panel) }
        }
    }

    /// Computes tiles that are so high by one panel.
    ///
    /// # Safety
    /// As for `run_tiles`.
    unsafe fn run_band(
        &self,
        batch: usize,
        a: *const i16,
        (rows, height): (&[Row], u32),
        runs: &[PairRun],
        panel: usize,
    ) {
        let results = self.results(batch, panel);
        let kernel = self.plan.kernels.band(height as usize, results.lanes);
        // SAFETY: passed on.
        unsafe { kernel(&BandCall { a, rows, runs, b: self.panel(batch, panel), results }) }
    }

    fn rows_of(&self, tile: &Tile) -> &[Row] {
        &self.plan.rows[tile.first_row as usize..(tile.first_row + tile.rows) as usize]
    }

    /// Where a panel of `b` begins for a batch item.
    fn panel(&self, batch: usize, panel: usize) -> *const i16 {
        let plan = self.plan;
        self.pairs.wrapping_add((plan.copy_of[batch] * plan.panels() + panel) * plan.panel_len())
    }

    fn results(&self, batch: usize, panel: usize) -> Results<'_> {
        let plan = self.plan;
        let lane = panel * plan.kernels.panel_lanes;
        Results {
            c: self.operands.c.as_mut_ptr(),
            base: plan.batches[batch].c as isize,
            lane_stride: plan.c_lane_stride,
            lane,
            lanes: plan.kernels.panel_lanes.min(plan.lanes - lane),
            terms: plan.slots.terms.len(),
            requantise: self.operands.requantise,
        }
    }

    /// Lays the terms of some rows one behind the other.
    ///
    /// # Safety
    /// The buffer has room for them and is this worker's.
    unsafe fn gather<T: Copy>(&self, rows: &[Row], terms: &[T], read: impl Fn(&Row, T) -> i8) {
        for (i, row) in rows.iter().enumerate() {
            // SAFETY: promised by the caller.
            let to = unsafe { std::slice::from_raw_parts_mut(self.gathered.add(i * terms.len()), terms.len()) };
            for (to, term) in to.iter_mut().zip(terms) {
                *to = i16::from(read(row, *term));
            }
        }
    }
}
