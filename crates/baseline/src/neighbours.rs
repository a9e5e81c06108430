//! Nearest neighbours: the mean of the outputs of the training rows that lie closest.
//!
//! Distances are Euclidean over standardised numbers and one-hot categories, so two categories that differ add 2 to the
//! square. Of rows at equal distance the earlier is closer. How many neighbours to ask is chosen by leaving one out:
//! each of up to [`QUERIES`] training rows is predicted from all the others. All distances are computed; search trees do
//! not help with so many columns.

use crate::choose::{Choice, choose};
use crate::encode::{Encoded, Encoding};
use crate::table::Table;
use crate::targets::Targets;

/// Numbers of neighbours to choose from, ascending.
pub(crate) const COUNTS: [usize; 7] = [1, 3, 5, 9, 15, 25, 51];

/// Training rows that tell how many neighbours to ask.
const QUERIES: usize = 2000;

/// Training rows that are compared with a query at once.
const TILE: usize = 256;

/// Queries that a tile is compared with while it is in cache.
const QUERIES_AT_ONCE: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct Neighbours {
    encoding: Encoding,
    rows: usize,
    tiles: Vec<Tile>,
    targets: Targets,
    frequencies: Vec<f64>,
    count: usize,
}

/// Up to [`TILE`] encoded rows, column by column: (dense, TILE) and (sparse, TILE). What lies past the last row is 0.
#[derive(Clone, Debug)]
struct Tile {
    first: u32,
    rows: usize,
    numbers: Vec<[f32; TILE]>,
    ones: Vec<[u32; TILE]>,
}

/// A neighbour of a query: the squared distance and the row.
type Neighbour = (f32, u32);

pub(crate) fn fit(table: &Table, targets: Targets) -> Neighbours {
    let encoding = Encoding::new(table);
    let encoded = encoding.encode(table);
    let frequencies = targets.frequencies();
    let tiles = tiles(&encoded);
    let mut neighbours = Neighbours { encoding, rows: table.rows, tiles, targets, frequencies, count: 1 };
    neighbours.count = choose_count(&neighbours, &encoded);
    neighbours
}

impl Neighbours {
    pub fn predict(&self, table: &Table, predictions: &mut [f32]) {
        let outputs = self.targets.outputs();
        let encoded = self.encoding.encode(table);
        let all: Vec<u32> = (0..table.rows as u32).collect();
        let mut lines = predictions.chunks_exact_mut(outputs);
        for queries in all.chunks(QUERIES_AT_ONCE) {
            for found in nearest(&self.tiles, &encoded, queries, self.count, false) {
                let mut sums = vec![0.0; outputs];
                found.iter().for_each(|(_, row)| self.targets.add(*row as usize, &mut sums));
                let prediction = self.targets.smoothed(&sums, found.len() as f64, &self.frequencies);
                lines.next().expect("there is a line for every row").copy_from_slice(&prediction);
            }
        }
    }

    /// Neighbours that are asked.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Every stored row with its output.
    pub fn stored_numbers(&self) -> usize {
        let labels = match &self.targets {
            Targets::Classes { .. } | Targets::Numbers(_) => 1,
            Targets::Labels { count, .. } => *count,
        };
        self.rows * (self.encoding.dense() + self.encoding.sparse() + labels) + self.encoding.stored_numbers()
    }
}

/// The number of neighbours whose predictions of left-out rows have the least loss: the squared error of numbers, the
/// negative logarithm of the probability of the truth otherwise. The fewest of equals.
fn choose_count(neighbours: &Neighbours, encoded: &Encoded) -> usize {
    let targets = &neighbours.targets;
    let outputs = targets.outputs();
    let others = encoded.rows - 1;
    let counts: Vec<usize> = COUNTS.into_iter().filter(|count| *count <= others.max(1)).collect();
    if others == 0 {
        return 1;
    }
    let most = *counts.last().expect("one neighbour can be asked");
    let mut losses = vec![0.0; counts.len()];
    for queries in choose(encoded.rows, QUERIES, Choice::Queries, 0).chunks(QUERIES_AT_ONCE) {
        let found = nearest(&neighbours.tiles, encoded, queries, most, true);
        for (query, found) in queries.iter().zip(found) {
            let mut truth = vec![0.0; outputs];
            targets.add(*query as usize, &mut truth);
            let mut sums = vec![0.0; outputs];
            let mut asked = 0;
            for (loss, count) in losses.iter_mut().zip(&counts) {
                found[asked..*count].iter().for_each(|(_, row)| targets.add(*row as usize, &mut sums));
                asked = *count;
                let prediction = targets.smoothed(&sums, asked as f64, &neighbours.frequencies);
                *loss += loss_of(targets, &prediction, &truth);
            }
        }
    }
    let best = (0..counts.len()).fold(0, |best, k| if losses[k] < losses[best] { k } else { best });
    counts[best]
}

fn loss_of(targets: &Targets, prediction: &[f32], truth: &[f64]) -> f64 {
    let pairs = prediction.iter().map(|p| f64::from(*p)).zip(truth);
    match targets {
        Targets::Numbers(_) => pairs.map(|(p, truth)| (p - truth) * (p - truth)).sum(),
        Targets::Classes { .. } => pairs.map(|(p, truth)| if *truth > 0.0 { -libm::log(p) } else { 0.0 }).sum(),
        Targets::Labels { .. } => pairs.map(|(p, truth)| -libm::log(if *truth > 0.0 { p } else { 1.0 - p })).sum(),
    }
}

fn tiles(encoded: &Encoded) -> Vec<Tile> {
    let (dense, sparse) = widths(encoded);
    let starts = (0..encoded.rows).step_by(TILE);
    let tile = |first: usize| {
        let rows = TILE.min(encoded.rows - first);
        let mut numbers = vec![[0.0; TILE]; dense];
        let mut ones = vec![[0; TILE]; sparse];
        for row in 0..rows {
            for (column, number) in numbers.iter_mut().enumerate() {
                number[row] = encoded.numbers[(first + row) * dense + column] as f32;
            }
            for (column, one) in ones.iter_mut().enumerate() {
                one[row] = encoded.ones[(first + row) * sparse + column];
            }
        }
        Tile { first: first as u32, rows, numbers, ones }
    };
    starts.map(tile).collect()
}

fn widths(encoded: &Encoded) -> (usize, usize) {
    (encoded.numbers.len() / encoded.rows.max(1), encoded.ones.len() / encoded.rows.max(1))
}

/// The `count` nearest rows of each query, closest first: all rows if there are fewer. With `leave_out`, queries are rows
/// of the tiles themselves and are not their own neighbours.
fn nearest(tiles: &[Tile], encoded: &Encoded, queries: &[u32], count: usize, leave_out: bool) -> Vec<Vec<Neighbour>> {
    let (dense, sparse) = widths(encoded);
    let mut found = vec![Vec::with_capacity(count + 1); queries.len()];
    let mut distances = [0.0; TILE];
    for tile in tiles {
        for (query, found) in queries.iter().zip(&mut found) {
            let row = *query as usize;
            let numbers = &encoded.numbers[row * dense..][..dense];
            squared_distances(tile, numbers, &encoded.ones[row * sparse..][..sparse], &mut distances);
            for (distance, candidate) in distances[..tile.rows].iter().zip(tile.first..) {
                if !(leave_out && candidate == *query) {
                    keep(found, count, (*distance, candidate));
                }
            }
        }
    }
    found
}

/// From one query to all rows of a tile. The terms are added in the order of the columns.
fn squared_distances(tile: &Tile, numbers: &[f64], ones: &[u32], distances: &mut [f32; TILE]) {
    distances.fill(0.0);
    for (column, number) in tile.numbers.iter().zip(numbers) {
        let number = *number as f32;
        for (distance, other) in distances.iter_mut().zip(column) {
            *distance += (number - other) * (number - other);
        }
    }
    for (column, one) in tile.ones.iter().zip(ones) {
        for (distance, other) in distances.iter_mut().zip(column) {
            *distance += if one == other { 0.0 } else { 2.0 };
        }
    }
}

/// Candidates come by ascending rows, so one that is as far as another stands behind it.
#[inline(always)]
fn keep(found: &mut Vec<Neighbour>, count: usize, candidate: Neighbour) {
    if found.len() == count && found.last().is_none_or(|farthest| candidate.0 >= farthest.0) {
        return;
    }
    let place = found.partition_point(|closer| closer.0 <= candidate.0);
    found.insert(place, candidate);
    found.truncate(count);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Kind, Task};
    use crate::vectors::{Vectors, numbers, small_table};

    #[test]
    fn neighbours_and_their_number_are_those_of_scikit_learn() {
        let data = Vectors::read(include_str!("../tests/vectors/linear.json"));
        let expected = Vectors::read(include_str!("../tests/vectors/neighbours.json"));
        let (training, test) = (small_table(&data, "training"), small_table(&data, "test"));
        let ids: Vec<i32> = numbers(&data, "three").iter().map(|id| *id as i32).collect();
        let number: Vec<f32> = numbers(&data, "number").iter().map(|number| *number as f32).collect();
        let classes = Task::Category { classes: 3, training: &ids };
        for (task, count, predictions) in [
            (classes, "count", "predictions"),
            (Task::Number { training: &number }, "number_count", "number_predictions"),
        ] {
            let fitted = fit(&training, Targets::new(&task));
            assert_eq!(fitted.count as f64, numbers(&expected, count)[0]);
            let mut predicted = vec![0.0; test.rows * task.outputs()];
            fitted.predict(&test, &mut predicted);
            for (predicted, expected) in predicted.iter().zip(numbers(&expected, predictions)) {
                assert!(
                    (f64::from(*predicted) - expected).abs() <= 1e-6 * expected.abs(),
                    "{predicted} for {expected}"
                );
            }
            let encoded = fitted.encoding.encode(&test);
            let queries: Vec<u32> = (0..test.rows as u32).collect();
            let found = nearest(&fitted.tiles, &encoded, &queries, 51, false).concat();
            let rows: Vec<f64> = found.iter().map(|(_, row)| f64::from(*row)).collect();
            assert_eq!(rows, numbers(&expected, "nearest"));
        }
    }

    /// 700 rows are more than two tiles, and every other row is equal.
    #[test]
    fn the_earlier_of_equally_distant_rows_is_closer() {
        let table = Table::of(vec![Kind::Numeric], (0..700).map(|row| (row % 2) as f32).collect());
        let encoding = Encoding::new(&table);
        let encoded = encoding.encode(&table);
        let tiles = tiles(&encoded);
        let rows = |leave_out| -> Vec<u32> {
            nearest(&tiles, &encoded, &[3], 4, leave_out)[0].iter().map(|(_, row)| *row).collect()
        };
        assert_eq!(rows(false), [1, 3, 5, 7]);
        assert_eq!(rows(true), [1, 5, 7, 9]);
        assert_eq!(nearest(&tiles, &encoded, &[3], 1000, true)[0].len(), 699);
    }

    #[test]
    fn categories_that_differ_are_apart() {
        let table = Table::of(vec![Kind::Category { count: 3 }], vec![0.0, 1.0, f32::NAN, 1.0]);
        let fitted = fit(&table, Targets::Numbers(vec![1.0, 2.0, 3.0, 2.0]));
        let mut predictions = vec![0.0; 4];
        let closest = Neighbours { count: 1, ..fitted };
        closest.predict(&table, &mut predictions);
        assert_eq!(predictions, [1.0, 2.0, 3.0, 2.0]);
    }
}
