//! How the work of a contraction of integers is divided among workers.

use std::ops::Range;

use super::super::division::{part_of, part_within};
use super::super::plan::PlanOptions;
use crate::team::Member;

/// The blocks of every batch item, by all panels or, where there are few blocks, by parts of them: *columns*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// Blocks of a batch item, one after the other through all items.
    blocks: usize,
    all_blocks: usize,
    panels: usize,
    columns: usize,
    pub workers: usize,
    parts_each: usize,
}

/// Blocks of a batch item that are computed together, by some panels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    pub batch: usize,
    pub blocks: Range<usize>,
    pub panels: Range<usize>,
}

impl Units {
    /// Divides so many batch items of so many blocks each.
    pub fn new(batches: usize, blocks: usize, panels: usize, options: &PlanOptions) -> Units {
        let (all_blocks, workers) = (batches * blocks, options.workers.max(1));
        let columns = match workers {
            1 => 1,
            _ => (2 * workers).div_ceil(all_blocks.max(1)).clamp(1, panels.max(1)),
        };
        let parts_each = (all_blocks / (4 * workers)).clamp(1, options.parts_each.max(1));
        Units { blocks, all_blocks, panels, columns, workers, parts_each }
    }

    fn parts<'a>(&self, member: &Member<'a>) -> impl Iterator<Item = Range<usize>> + use<'a> {
        let (units, parts) = (self.all_blocks * self.columns, self.workers * self.parts_each);
        member.parts(0, self.parts_each).map(move |part| part_of(units, part, parts))
    }

    fn panels(&self, column: usize) -> Range<usize> {
        part_within(&(0..self.panels), column, self.columns)
    }

    /// A worker's units, in which all blocks meet the first panels, and then the next.
    pub fn by_panels<'a>(&'a self, member: &Member<'a>) -> impl Iterator<Item = Unit> + 'a {
        self.parts(member).flat_map(move |mut part| {
            std::iter::from_fn(move || {
                if part.is_empty() {
                    return None;
                }
                let (column, block) = (part.start / self.all_blocks, part.start % self.all_blocks);
                let (batch, first) = (block / self.blocks, block % self.blocks);
                let end = self.blocks.min(first + part.len());
                part.start += end - first;
                Some(Unit { batch, blocks: first..end, panels: self.panels(column) })
            })
        })
    }

    /// A worker's units of one block each, which meets all of its panels before the next block.
    pub fn by_blocks<'a>(&'a self, member: &Member<'a>) -> impl Iterator<Item = Unit> + 'a {
        self.parts(member).flatten().map(move |unit| {
            let (block, column) = (unit / self.columns, unit % self.columns);
            let (batch, first) = (block / self.blocks, block % self.blocks);
            Unit { batch, blocks: first..first + 1, panels: self.panels(column) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::KernelSet;
    use crate::team::Team;
    use std::sync::Mutex;

    #[test]
    fn every_block_meets_every_panel_once() {
        for (batches, blocks, panels) in [(1, 1, 1), (1, 21, 4), (3, 1, 5), (2, 7, 1), (5, 13, 2), (0, 3, 2)] {
            for workers in 1..=3 {
                let options = PlanOptions { parts_each: 3, ..PlanOptions::new(KernelSet::Baseline, workers) };
                let units = Units::new(batches, blocks, panels, &options);
                let mut team = Team::new(workers);
                for by_panels in [true, false] {
                    let met = Mutex::new(vec![0; batches * blocks * panels]);
                    team.run(|member| {
                        let all: Vec<Unit> = match by_panels {
                            true => units.by_panels(&member).collect(),
                            false => units.by_blocks(&member).collect(),
                        };
                        let mut met = met.lock().expect("no worker fails");
                        for Unit { batch, blocks: some, panels: few } in all {
                            for block in some {
                                few.clone().for_each(|panel| met[(batch * blocks + block) * panels + panel] += 1);
                            }
                        }
                    });
                    assert!(met.into_inner().expect("no worker fails").iter().all(|times| *times == 1), "{units:?}");
                }
            }
        }
    }
}
