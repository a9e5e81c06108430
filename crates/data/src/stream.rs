//! The batches of training: an endless stream of rows, each epoch in an order of its own, cut into steps of equal size.
//!
//! A batch that an epoch does not fill goes on with the next epoch, so every step has the same shape. What a step sees
//! follows from the seed and its number alone: a run that is resumed sees what it would have seen.

use crate::random::{Purpose, SplitMix64};

/// The stream of batches over a part of the data.
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rows: &'a [usize],
    batch: usize,
    seed: u64,
    /// The order of the epoch that was looked at last, and which it is.
    order: Vec<usize>,
    epoch: Option<u64>,
}

impl<'a> Batches<'a> {
    /// Batches of `batch` rows each, out of `rows`; both are at least 1.
    pub fn new(rows: &'a [usize], batch: usize, seed: u64) -> Batches<'a> {
        assert!(!rows.is_empty() && batch > 0, "there are rows to put into batches");
        Batches { rows, batch, seed, order: rows.to_vec(), epoch: None }
    }

    /// The rows of a step, written to `out`, which holds one batch. Steps count from 0 and may be asked for in any order;
    /// within an epoch a look-up costs nothing, and at the first of an epoch one shuffle. Nothing is allocated.
    pub fn indices_for_step(&mut self, step: u64, out: &mut [usize]) {
        assert_eq!(out.len(), self.batch, "room for one batch");
        let length = self.rows.len() as u128;
        let start = u128::from(step) * self.batch as u128;
        let (mut epoch, mut offset) = ((start / length) as u64, (start % length) as usize);
        let mut filled = 0;
        while filled < out.len() {
            self.shuffle_for(epoch);
            let count = (out.len() - filled).min(self.order.len() - offset);
            out[filled..filled + count].copy_from_slice(&self.order[offset..offset + count]);
            filled += count;
            (epoch, offset) = (epoch + 1, 0);
        }
    }

    /// The number of steps that see every row at least `epochs` times.
    pub fn steps(&self, epochs: u64) -> u64 {
        let rows = u128::from(epochs) * self.rows.len() as u128;
        u64::try_from(rows.div_ceil(self.batch as u128)).unwrap_or(u64::MAX)
    }

    /// The number of epochs that are complete once `steps` steps are done.
    pub fn epochs_after(&self, steps: u64) -> u64 {
        let rows = u128::from(steps) * self.batch as u128;
        u64::try_from(rows / self.rows.len() as u128).unwrap_or(u64::MAX)
    }

    /// Brings the rows into the order of an epoch, from the order they came in: epochs do not depend on one another.
    fn shuffle_for(&mut self, epoch: u64) {
        if self.epoch != Some(epoch) {
            self.order.copy_from_slice(self.rows);
            SplitMix64::keyed(self.seed, Purpose::Shuffle, epoch).shuffle(&mut self.order);
            self.epoch = Some(epoch);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(batches: &mut Batches, step: u64) -> Vec<usize> {
        let mut out = vec![0; batches.batch];
        batches.indices_for_step(step, &mut out);
        out
    }

    #[test]
    fn epochs_and_steps_count_rows() {
        let rows: Vec<usize> = (0..10).collect();
        let batches = Batches::new(&rows, 4, 1);
        assert_eq!([0, 1, 2, 3].map(|epochs| batches.steps(epochs)), [0, 3, 5, 8]);
        assert_eq!([0, 2, 3, 5, 8].map(|steps| batches.epochs_after(steps)), [0, 0, 1, 2, 3]);
        assert_eq!(batches.steps(u64::MAX), u64::MAX);
    }

    #[test]
    fn epochs_have_different_orders() {
        let rows: Vec<usize> = (0..50).collect();
        let mut batches = Batches::new(&rows, 50, 1);
        assert_ne!(step(&mut batches, 0), step(&mut batches, 1));
        assert_ne!(step(&mut batches, 0), step(&mut Batches::new(&rows, 50, 2), 0));
    }

    #[test]
    fn the_greatest_step_has_a_batch() {
        let rows = [3, 4, 5];
        assert!(step(&mut Batches::new(&rows, 2, 1), u64::MAX / 2).iter().all(|row| rows.contains(row)));
    }

    proptest! {
        #[test]
        fn over_any_number_of_steps_every_row_comes_equally_often_but_for_one(
            length in 1usize..40, batch in 1usize..50, steps in 0u64..40, seed in any::<u64>(),
        ) {
            let rows: Vec<usize> = (0..length).map(|row| 3 * row).collect();
            let mut batches = Batches::new(&rows, batch, seed);
            let mut counts = vec![0u64; length];
            for index in 0..steps {
                step(&mut batches, index).iter().for_each(|row| counts[row / 3] += 1);
            }
            let seen = steps * batch as u64;
            let (floor, ceiling) = (seen / length as u64, seen.div_ceil(length as u64));
            prop_assert!(counts.iter().all(|count| (floor..=ceiling).contains(count)), "{:?}", counts);
        }

        #[test]
        fn a_resumed_run_sees_what_the_straight_run_sees(
            length in 1usize..40, batch in 1usize..50, steps in 1u64..40, seed in any::<u64>(), resumed in 0u64..40,
        ) {
            let rows: Vec<usize> = (0..length).collect();
            let mut straight = Batches::new(&rows, batch, seed);
            let all: Vec<Vec<usize>> = (0..steps).map(|index| step(&mut straight, index)).collect();
            let resumed = resumed % steps;
            let mut fresh = Batches::new(&rows, batch, seed);
            for index in resumed..steps {
                prop_assert_eq!(&step(&mut fresh, index), &all[index as usize]);
            }
            // Going back is as good as going on.
            prop_assert_eq!(&step(&mut fresh, 0), &all[0]);
        }
    }
}
