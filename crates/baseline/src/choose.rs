//! Rows chosen at random, the same ones on every machine.

use tacit_ir::math::philox4x32_10;

/// What rows are chosen for, so that the choices are not related.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    /// The rows that a method is fitted to where all would take too long.
    Subsample = 1,
    /// The part that tells boosting when to stop.
    HoldOut = 2,
    /// The rows that tell how many neighbours to ask.
    Queries = 3,
    /// The columns that a tree of boosting looks at.
    Columns = 4,
}

/// `take` of the rows 0 to `rows` − 1, ascending; all of them if there are not so many. Every set is equally likely, and
/// a smaller one is part of every larger one. `index` tells several choices for one purpose apart.
pub(crate) fn choose(rows: usize, take: usize, choice: Choice, index: u32) -> Vec<u32> {
    if take >= rows {
        return (0..rows as u32).collect();
    }
    let mut chosen = shuffled(rows, choice, index);
    chosen.truncate(take);
    chosen.sort_unstable();
    chosen
}

/// The rows 0 to `rows` − 1 in random order: each has a random word of its own (Philox) that says where it stands.
pub(crate) fn shuffled(rows: usize, choice: Choice, index: u32) -> Vec<u32> {
    let mut rows: Vec<u32> = (0..rows as u32).collect();
    rows.sort_by_cached_key(|row| (word(*row, choice, index), *row));
    rows
}

fn word(row: u32, choice: Choice, index: u32) -> u64 {
    let [high, low, ..] = philox4x32_10([row, index, choice as u32, 0], [0, 0]);
    u64::from(high) << 32 | u64::from(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_ascending_nested_and_even() {
        let small = choose(1000, 100, Choice::HoldOut, 0);
        let large = choose(1000, 200, Choice::HoldOut, 0);
        assert_eq!((small.len(), large.len()), (100, 200));
        assert!(large.is_sorted_by(|a, b| a < b));
        assert!(small.iter().all(|row| large.contains(row)));
        // Of 200 rows 100 are expected in either half, with a standard deviation of 6.
        let lower = large.iter().filter(|row| **row < 500).count();
        assert!(lower.abs_diff(100) < 30, "{lower}");
        assert_ne!(large, choose(1000, 200, Choice::Queries, 0));
        assert_ne!(large, choose(1000, 200, Choice::HoldOut, 1));
        assert_eq!(choose(3, 9, Choice::Subsample, 0), [0, 1, 2]);
        assert!(choose(3, 0, Choice::Subsample, 0).is_empty());
    }
}
