//! How much of large data a baseline is fitted to. This is the one place that says so.
//!
//! A baseline has to be there in seconds, so work is bounded, counted in steps and never measured by a clock:
//!
//! - An image of more than [`IMAGE_COLUMNS`] numbers is averaged in square blocks, the smallest that leave no more.
//! - Each method is fitted to as many training rows as its [`work`] allows, chosen at random, and to no fewer than
//!   [`ROWS_MIN`] if there are so many. Nearest neighbours keep at most [`NEIGHBOURS_ROWS`], since they are also the
//!   program that has to be stored.
//!
//! All test rows are predicted. With the reductions that these rules make, a table of 26,000 × 14 is used as a whole but
//! for the neighbours, and 60,000 images of 28×28 as 14×14 with the rows that [`rows`] says.

use crate::problem::{Image, Problem, Task};
use crate::{Method, boosted};

/// Numbers that an image has at most. Several images share them.
pub const IMAGE_COLUMNS: usize = 200;

/// Rows that nearest neighbours keep at most.
pub const NEIGHBOURS_ROWS: usize = 20_000;

/// Rows that each method is fitted to at least, if there are so many.
pub const ROWS_MIN: usize = 1000;

/// Steps that a method may take: sums of a histogram, terms of a product or of a distance.
pub fn work(method: Method) -> u64 {
    match method {
        Method::Constant => u64::MAX,
        Method::Linear => 6_000_000_000,
        Method::NearestNeighbours => 20_000_000_000,
        Method::Tree => 1_500_000_000,
        Method::BoostedTrees => 2_500_000_000,
    }
}

/// The training rows that a method is fitted to.
pub fn rows(method: Method, problem: &Problem) -> usize {
    let columns = columns(problem) as u64;
    let (outputs, scores) = match problem.task {
        Task::Category { classes: 2, .. } | Task::Number { .. } => (1, 1),
        Task::Category { classes, .. } => (1, classes as u64),
        Task::Labels { labels, .. } => (labels as u64, labels as u64),
    };
    let steps_per_row = match method {
        Method::Constant => 1,
        // Products with the matrix and with its transpose.
        Method::Linear => 2 * crate::linear::PRODUCTS_MAX as u64 * columns * scores,
        Method::NearestNeighbours => (problem.test.rows as u64).max(1) * columns,
        // A row is counted once a level and column, and a tree of few leaves has about six levels.
        Method::Tree => 6 * columns * outputs,
        Method::BoostedTrees => 6 * columns.min(boosted::COLUMNS_MAX as u64) * scores * boosted::ROUNDS_MAX as u64,
    };
    let affordable = work(method) / steps_per_row.max(1);
    let most = if method == Method::NearestNeighbours { NEIGHBOURS_ROWS } else { usize::MAX };
    let affordable = usize::try_from(affordable).unwrap_or(usize::MAX).max(ROWS_MIN).min(most);
    affordable.min(problem.training.rows)
}

/// The columns that methods are fitted to, after images were averaged.
pub fn columns(problem: &Problem) -> usize {
    let pixels = |image: &Image| image.height * image.width * image.channels;
    let averaged = |image: &Image| {
        let side = block(image, problem.images.len());
        image.height.div_ceil(side) * image.width.div_ceil(side) * image.channels
    };
    let before: usize = problem.images.iter().map(pixels).sum();
    let after: usize = problem.images.iter().map(averaged).sum();
    problem.training.columns - before + after
}

/// The side of the blocks that an image is averaged in, one of so many `images`.
pub fn block(image: &Image, images: usize) -> usize {
    let blocks = |side: usize| image.height.div_ceil(side) * image.width.div_ceil(side) * image.channels;
    let most = (IMAGE_COLUMNS / images.max(1)).max(image.channels);
    (1..).find(|side| blocks(*side) <= most).expect("one block has as many numbers as there are channels")
}
