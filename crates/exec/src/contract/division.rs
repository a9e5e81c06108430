//! How a contraction's work is divided among workers: tiles, parts, and what is finished with each part.

use std::ops::Range;

use super::plan::{Near, PlanOptions, results_len, rows_adjoin};
use super::spec::Contraction;
use super::terms::{Terms, terms_of};

/// The most elements that chunk results may take.
const RESULTS_MAX: usize = 2 * 1024 * 1024;

/// What the workers' parts are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Division {
    /// Batch items.
    Batches,
    /// Tiles, by all panels of a block or an equal share of them.
    Grid,
    /// Chunks of all results, which are kept and added in order.
    Chunks,
}

/// Rows of one group, computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tile {
    pub first_row: u32,
    pub rows: u32,
    pub group: u32,
}

/// A part of the work that one worker does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub batches: Range<usize>,
    pub tiles: Range<usize>,
    /// This part of so many equal parts of each block's panels.
    pub panel_part: (usize, usize),
    pub chunk_blocks: Range<usize>,
}

/// Elements of the result that are finished with a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// What no other part writes.
    pub own: Range<usize>,
    /// What it and those before it write, complete when all are through.
    pub shared: Range<usize>,
}

/// Cuts every group into tiles of nearly equal height, so that no short tile is left over.
pub(super) fn tiles_of(spec: &Contraction, rows_max: usize, workers: usize) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let single = spec.groups.iter().filter(|group| group.rows > 0).count() == 1;
    for (index, (rows, group)) in spec.groups_with_rows().enumerate() {
        let mut count = group.rows.div_ceil(rows_max);
        if single && count > 1 && count < 8 * workers {
            // Few tiles divide evenly only if there are as many for each worker.
            count = count.next_multiple_of(workers).min(group.rows);
        }
        for tile in 0..count {
            let part = part_of(group.rows, tile, count);
            tiles.push(Tile {
                first_row: (rows.start + part.start) as u32,
                rows: part.len() as u32,
                group: index as u32,
            });
        }
    }
    // Tiles of different groups that write near each other also read near each other.
    tiles.sort_by_key(|tile| spec.rows[tile.first_row as usize].c);
    tiles
}

pub(super) fn choose_division(spec: &Contraction, workers: usize, tiles: usize, panels: usize) -> Division {
    let batches = spec.batches.len();
    if batches >= workers && (batches.is_multiple_of(workers) || batches >= 4 * workers) {
        return Division::Batches;
    }
    let chunks = spec.chunk_count();
    let (rows, columns) = grid_of(workers, tiles, panels, reads_more_lanes(spec));
    // The parts of the whole work that the busiest worker has.
    let grid = (tiles.div_ceil(rows) * panels.div_ceil(columns)) as f64 / (tiles * panels) as f64;
    let by_chunks = chunks.div_ceil(workers) as f64 / chunks.max(1) as f64;
    if by_chunks < 0.75 * grid && results_len(spec) <= RESULTS_MAX { Division::Chunks } else { Division::Grid }
}

/// True if there is more to read of `b` than of `a`.
fn reads_more_lanes(spec: &Contraction) -> bool {
    spec.lanes > spec.rows.len()
}

/// The numbers of parts of tiles and of panels that give the busiest worker least.
fn grid_of(workers: usize, tiles: usize, panels: usize, reads_more_lanes: bool) -> (usize, usize) {
    (1..=workers)
        .map(|rows| (rows, workers / rows))
        .min_by_key(|&(rows, columns)| {
            // Each worker should read its own part of the larger operand; the other way has to save a tenth for each part.
            let along = if reads_more_lanes { rows } else { columns };
            (tiles.div_ceil(rows) * panels.div_ceil(columns) * (9 + along), along)
        })
        .unwrap_or((1, 1))
}

/// How many parts each worker gets: as many as asked for, if they stay large enough.
pub(super) fn parts_each_of(
    spec: &Contraction,
    options: &PlanOptions,
    division: Division,
    tiles: usize,
    near: Near,
    block_panels: usize,
    terms: &Terms,
) -> usize {
    let units = match division {
        Division::Batches => spec.batches.len(),
        Division::Chunks => terms.blocks.len(),
        // A part of `b` that leaves the cache must be worth its return.
        Division::Grid if near.panels < block_panels => spec.rows.len() / near.rows,
        Division::Grid => tiles,
    };
    (units / options.workers.max(1)).clamp(1, options.parts_each.max(1))
}

/// The parts of all workers, `each` for everyone.
pub(super) fn shares_of(
    spec: &Contraction,
    workers: usize,
    each: usize,
    division: Division,
    tiles: &[Tile],
    panels: usize,
    chunk_blocks: usize,
) -> Vec<Share> {
    let all = Share {
        batches: 0..spec.batches.len(),
        tiles: 0..tiles.len(),
        panel_part: (0, 1),
        chunk_blocks: 0..chunk_blocks,
    };
    let (grid_rows, grid_columns) = grid_of(workers, tiles.len(), panels, reads_more_lanes(spec));
    let bounds = tile_bounds(spec, tiles, grid_rows * each);
    let parts = workers * each;
    (0..parts)
        .map(|part| match division {
            Division::Batches => Share { batches: part_of(spec.batches.len(), part, parts), ..all.clone() },
            Division::Chunks => Share { chunk_blocks: part_of(chunk_blocks, part, parts), ..all.clone() },
            Division::Grid => {
                let worker = part / each;
                let (row, column) = (worker / grid_columns, worker % grid_columns);
                let at = row * each + part % each;
                let tiles = if row < grid_rows { bounds[at]..bounds[at + 1] } else { 0..0 };
                Share { tiles, panel_part: (column, grid_columns), ..all.clone() }
            }
        })
        .collect()
}

/// Cuts the tiles into `parts` of nearly equal work.
fn tile_bounds(spec: &Contraction, tiles: &[Tile], parts: usize) -> Vec<usize> {
    let terms: Vec<usize> = spec.groups.iter().map(terms_of).collect();
    // A tile of few rows waits for its chains and takes as long as one of four.
    let work = |tile: &Tile| (tile.rows.max(4) as usize) * (terms[tile.group as usize] + 4);
    let total: usize = tiles.iter().map(work).sum();
    let mut bounds = vec![0];
    let mut done = 0;
    for (index, tile) in tiles.iter().enumerate() {
        // A boundary lies where the middle of a tile passes an equal part.
        while bounds.len() < parts && (done + work(tile) / 2) * parts >= total * bounds.len() {
            bounds.push(index);
        }
        done += work(tile);
    }
    bounds.resize(parts, tiles.len());
    bounds.push(tiles.len());
    bounds
}

/// The workers' regions where groups are written in turns, but together fill the result.
pub(super) fn regions_of(
    spec: &Contraction,
    division: Division,
    tiles: &[Tile],
    shares: &[Share],
    lane_blocks: &[Range<usize>],
) -> Vec<Region> {
    let end = spec.rows.len() * spec.lanes;
    let mut starts: Vec<i32> = spec.rows.iter().map(|row| row.c).collect();
    starts.sort_unstable();
    let fills = starts.iter().enumerate().all(|(k, start)| *start as usize == k * spec.lanes);
    let whole_rows = shares.iter().all(|share| share.panel_part == (0, 1)) && lane_blocks.len() == 1;
    let one_item = spec.batches.len() == 1 && spec.batches[0].c == 0;
    let rows_of = |tile: &Tile| &spec.rows[tile.first_row as usize..(tile.first_row + tile.rows) as usize];
    let ascend = tiles.iter().all(|tile| rows_of(tile).is_sorted_by_key(|row| row.c));
    let applies = spec.c_lane_stride == 1
        && division == Division::Grid
        && !rows_adjoin(spec)
        && fills
        && ascend
        && whole_rows
        && one_item
        && shares.iter().all(|share| !share.tiles.is_empty());
    if !applies {
        return vec![];
    }
    let first_of = |tile: &Tile| spec.rows[tile.first_row as usize].c as usize;
    let end_of = |tile: &Tile| spec.rows[(tile.first_row + tile.rows - 1) as usize].c as usize + spec.lanes;
    let mut regions: Vec<Region> = vec![];
    let mut written = 0;
    for share in shares {
        let own_end = tiles.get(share.tiles.end).map_or(end, first_of).max(written);
        let before = regions.last().map_or(0, |region| region.own.end);
        regions.push(Region { own: written..own_end, shared: before..written });
        written = tiles[share.tiles.clone()].iter().map(end_of).fold(own_end, usize::max);
    }
    regions
}

/// The `index`-th of `count` nearly equal parts of `0..total`.
pub(super) fn part_of(total: usize, index: usize, count: usize) -> Range<usize> {
    total * index / count..total * (index + 1) / count
}

/// The `index`-th of `count` nearly equal parts of a range.
pub(super) fn part_within(range: &Range<usize>, index: usize, count: usize) -> Range<usize> {
    let part = part_of(range.len(), index, count);
    range.start + part.start..range.start + part.end
}
