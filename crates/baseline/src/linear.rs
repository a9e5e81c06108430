//! Linear models: ridge regression, and logistic regression for classes (multinomial) and labels (one for each).
//!
//! Both minimise the sum of the losses of all rows plus ½·‖w‖² over the weights of standardised and one-hot columns; the
//! constants are free. That is scikit-learn's `LogisticRegression(C=1)` and `Ridge(alpha=1)`. Newton's method finds the
//! minimum: its linear systems are solved by conjugate gradients, preconditioned by their diagonal, so that nothing
//! larger than the weights is stored and a category costs one addition. For ridge regression one Newton step is the
//! answer. (Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 5.3 and 7.1.)
//!
//! The project writes it itself: the logistic regression of smartcore 0.7 gives labels without probabilities,
//! linfa-logistic 0.8 comes with 56 other packages, and both call the platform's exp and log, whose bits differ between
//! machines.

use crate::encode::{Encoded, Encoding};
use crate::table::Table;
use crate::targets::{Link, Targets};

/// Products of the second derivative with a direction, at most.
pub(crate) const PRODUCTS_MAX: usize = 300;

/// Fitting ends when no derivative is larger than this share of the largest at the start.
const TOLERANCE: f64 = 1e-9;

/// Of half the squared norm of the weights.
const PENALTY: f64 = 1.0;

#[derive(Clone, Debug)]
pub(crate) struct Linear {
    encoding: Encoding,
    link: Link,
    outputs: usize,
    /// (encoded columns + 1, scores): the last line has the constants.
    weights: Vec<f64>,
}

pub(crate) fn fit(table: &Table, targets: &Targets) -> Linear {
    let encoding = Encoding::new(table);
    let link = Link::new(targets);
    let scores = link.scores(targets.outputs());
    let rows = encoding.encode(table);
    let design = Design { rows: &rows, width: encoding.width(), scores };
    let mut weights = vec![0.0; design.weights()];
    // From the best constants, so that the first steps are not spent on them.
    let constants = encoding.width() * scores;
    weights[constants..].copy_from_slice(&link.scores_of(&targets.frequencies()));
    minimise(&design, link, &targets.beside_scores(), &mut weights);
    if link == Link::Softmax {
        // Adding one number to all constants changes no prediction; of all such weights these have the sum 0.
        let mean = weights[constants..].iter().sum::<f64>() / scores as f64;
        weights[constants..].iter_mut().for_each(|constant| *constant -= mean);
    }
    Linear { encoding, link, outputs: targets.outputs(), weights }
}

impl Linear {
    pub fn predict(&self, table: &Table, predictions: &mut [f32]) {
        let rows = self.encoding.encode(table);
        let scores = self.link.scores(self.outputs);
        let design = Design { rows: &rows, width: self.encoding.width(), scores };
        let mut sums = vec![0.0; table.rows * scores];
        design.times(&self.weights, &mut sums);
        for (scores, prediction) in sums.chunks_exact_mut(scores).zip(predictions.chunks_exact_mut(self.outputs)) {
            self.link.predict(scores, prediction);
        }
    }

    /// Weights of columns that were seen and what standardising takes.
    pub fn stored_numbers(&self) -> usize {
        let scores = self.link.scores(self.outputs);
        let used = self.weights.chunks_exact(scores).filter(|line| line.iter().any(|weight| *weight != 0.0)).count();
        used * scores + self.encoding.stored_numbers()
    }
}

/// Encoded rows with a column of ones at the end, as a matrix to multiply with.
struct Design<'a> {
    rows: &'a Encoded,
    /// Columns without the last.
    width: usize,
    scores: usize,
}

impl Design<'_> {
    fn weights(&self) -> usize {
        (self.width + 1) * self.scores
    }

    /// Calls `f` with each row's number, its dense numbers and its columns that are 1 (but for the last).
    #[inline(always)]
    fn for_each_row(&self, mut f: impl FnMut(usize, &[f64], &[u32])) {
        let rows = self.rows.rows;
        let (dense, sparse) = (self.rows.numbers.len() / rows.max(1), self.rows.ones.len() / rows.max(1));
        for row in 0..rows {
            f(row, &self.rows.numbers[row * dense..][..dense], &self.rows.ones[row * sparse..][..sparse]);
        }
    }

    /// sums = rows · weights, (rows, scores).
    fn times(&self, weights: &[f64], sums: &mut [f64]) {
        match self.scores {
            1 => self.times_fixed::<1>(weights, sums),
            _ => self.times_fixed::<ANY>(weights, sums),
        }
    }

    /// weights = transposed rows · sums.
    fn transposed_times(&self, sums: &[f64], weights: &mut [f64]) {
        match self.scores {
            1 => self.transposed_fixed::<1, false>(sums, weights),
            _ => self.transposed_fixed::<ANY, false>(sums, weights),
        }
    }

    /// As `transposed_times`, with the squares of all rows.
    fn transposed_squares_times(&self, sums: &[f64], weights: &mut [f64]) {
        match self.scores {
            1 => self.transposed_fixed::<1, true>(sums, weights),
            _ => self.transposed_fixed::<ANY, true>(sums, weights),
        }
    }

    #[inline(always)]
    fn times_fixed<const SCORES: usize>(&self, weights: &[f64], sums: &mut [f64]) {
        let scores = if SCORES == ANY { self.scores } else { SCORES };
        let (weights, constants) = weights.split_at(self.width * scores);
        self.for_each_row(|row, numbers, ones| {
            let sum = &mut sums[row * scores..][..scores];
            sum.copy_from_slice(constants);
            for (number, line) in numbers.iter().zip(weights.chunks_exact(scores)) {
                sum.iter_mut().zip(line).for_each(|(s, w)| *s += number * w);
            }
            for one in ones {
                let line = &weights[*one as usize * scores..][..scores];
                sum.iter_mut().zip(line).for_each(|(s, w)| *s += w);
            }
        });
    }

    #[inline(always)]
    fn transposed_fixed<const SCORES: usize, const SQUARED: bool>(&self, sums: &[f64], weights: &mut [f64]) {
        let scores = if SCORES == ANY { self.scores } else { SCORES };
        weights.fill(0.0);
        let (weights, constants) = weights.split_at_mut(self.width * scores);
        self.for_each_row(|row, numbers, ones| {
            let sum = &sums[row * scores..][..scores];
            constants.iter_mut().zip(sum).for_each(|(w, s)| *w += s);
            for (number, line) in numbers.iter().zip(weights.chunks_exact_mut(scores)) {
                let number = if SQUARED { number * number } else { *number };
                line.iter_mut().zip(sum).for_each(|(w, s)| *w += number * s);
            }
            for one in ones {
                let line = &mut weights[*one as usize * scores..][..scores];
                line.iter_mut().zip(sum).for_each(|(w, s)| *w += s);
            }
        });
    }
}

/// Stands for a number of scores that is only known at run time.
const ANY: usize = 0;

/// Replaces the weights by those of the least penalised loss. `truth` is (rows, scores).
fn minimise(design: &Design, link: Link, truth: &[f64], weights: &mut [f64]) {
    let penalised = design.width * design.scores;
    let loss = |weights: &[f64], scores: &[f64]| {
        let lines = scores.chunks_exact(design.scores).zip(truth.chunks_exact(design.scores));
        let losses: f64 = lines.map(|(scores, truth)| link.loss(scores, truth)).sum();
        losses + 0.5 * PENALTY * dot(&weights[..penalised], &weights[..penalised])
    };
    let mut scores = vec![0.0; truth.len()];
    let mut scratch = vec![0.0; truth.len()];
    let mut gradient = vec![0.0; weights.len()];
    let mut diagonal = vec![0.0; weights.len()];
    let mut first_slope = None;
    let mut products = 0;
    design.times(weights, &mut scores);
    let mut value = loss(weights, &scores);
    while products < PRODUCTS_MAX {
        let mut means = scores.clone();
        means.chunks_exact_mut(design.scores).for_each(|line| link.to_means(line));
        scratch.iter_mut().zip(means.iter().zip(truth)).for_each(|(s, (mean, truth))| *s = mean - truth);
        design.transposed_times(&scratch, &mut gradient);
        gradient[..penalised].iter_mut().zip(&*weights).for_each(|(g, w)| *g += PENALTY * w);
        let slope = gradient.iter().fold(0.0f64, |greatest, g| greatest.max(g.abs()));
        if slope <= TOLERANCE * *first_slope.get_or_insert(slope) {
            break;
        }

        scratch.iter_mut().zip(&means).for_each(|(s, mean)| *s = link.curvature(*mean));
        design.transposed_squares_times(&scratch, &mut diagonal);
        diagonal[..penalised].iter_mut().for_each(|d| *d += PENALTY);
        // Where all probabilities are 0 or 1, a constant has no curvature left.
        diagonal.iter_mut().for_each(|d| *d = d.max(1e-12));
        let (step, used) = solve(&gradient, &diagonal, PRODUCTS_MAX - products, |direction, product| {
            design.times(direction, &mut scratch);
            let lines = means.chunks_exact(design.scores).zip(scratch.chunks_exact_mut(design.scores));
            lines.for_each(|(means, line)| link.curve(means, line));
            design.transposed_times(&scratch, product);
            product[..penalised].iter_mut().zip(direction).for_each(|(p, d)| *p += PENALTY * d);
        });
        products += used;

        // A whole step of Newton's method may go too far where the losses are far from quadratic.
        let descent = dot(&gradient, &step);
        let rounding = 1e-12 * value.abs();
        let mut share = 1.0;
        let before = weights.to_vec();
        loop {
            weights.iter_mut().zip(before.iter().zip(&step)).for_each(|(w, (b, s))| *w = b + share * s);
            design.times(weights, &mut scores);
            let reached = loss(weights, &scores);
            if reached <= value + 1e-4 * share * descent + rounding {
                value = reached;
                break;
            }
            share *= 0.5;
            if share < 1e-9 {
                weights.copy_from_slice(&before);
                return;
            }
        }
    }
}

/// The step s for which curvature · s = −gradient, by conjugate gradients, nearly; and how many products it took.
fn solve(
    gradient: &[f64],
    diagonal: &[f64],
    products_max: usize,
    mut multiply: impl FnMut(&[f64], &mut [f64]),
) -> (Vec<f64>, usize) {
    // The share of the residual that may remain. Newton's method goes on from there.
    const REMAINS: f64 = 1e-3;
    let mut step = vec![0.0; gradient.len()];
    let mut residual: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut scaled: Vec<f64> = residual.iter().zip(diagonal).map(|(r, d)| r / d).collect();
    let mut direction = scaled.clone();
    let mut product = vec![0.0; gradient.len()];
    let mut weight = dot(&residual, &scaled);
    let enough = REMAINS * REMAINS * weight;
    for used in 0..products_max {
        if weight <= enough {
            return (step, used);
        }
        multiply(&direction, &mut product);
        let curvature = dot(&direction, &product);
        if curvature <= 0.0 {
            // Only rounding is left of this direction.
            return (step, used + 1);
        }
        let length = weight / curvature;
        step.iter_mut().zip(&direction).for_each(|(s, d)| *s += length * d);
        residual.iter_mut().zip(&product).for_each(|(r, p)| *r -= length * p);
        scaled.iter_mut().zip(residual.iter().zip(diagonal)).for_each(|(s, (r, d))| *s = r / d);
        let before = weight;
        weight = dot(&residual, &scaled);
        direction.iter_mut().zip(&scaled).for_each(|(d, s)| *d = s + weight / before * *d);
    }
    (step, products_max)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::{Kind, Task};
    use crate::vectors::{Vectors, numbers, small_table};

    fn weights_are(task: Task, expected: &str) {
        let vectors = Vectors::read(include_str!("../tests/vectors/linear.json"));
        let table = small_table(&vectors, "training");
        let linear = fit(&table, &Targets::new(&task));
        let scores = linear.link.scores(linear.outputs);
        let mut weights: Vec<&[f64]> = linear.weights.chunks_exact(scores).collect();
        // The column of missing categories, which there are none of.
        assert_eq!(weights.remove(3 + 4), vec![0.0; scores]);
        let expected = numbers(&vectors, expected);
        let largest = expected.iter().fold(0.0f64, |largest, weight| largest.max(weight.abs()));
        for (weight, expected) in weights.concat().iter().zip(&expected) {
            assert!((weight - expected).abs() <= 1e-6 * expected.abs().max(0.01 * largest), "{weight} for {expected}");
        }
    }

    #[test]
    fn weights_are_those_of_scikit_learn() {
        let vectors = Vectors::read(include_str!("../tests/vectors/linear.json"));
        let number: Vec<f32> = numbers(&vectors, "number").iter().map(|number| *number as f32).collect();
        weights_are(Task::Number { training: &number }, "ridge");
        for (classes, name, expected) in [(2, "two", "binary"), (3, "three", "several")] {
            let ids: Vec<i32> = numbers(&vectors, name).iter().map(|id| *id as i32).collect();
            weights_are(Task::Category { classes, training: &ids }, expected);
        }
    }

    #[test]
    fn a_class_that_never_occurs_leaves_the_weights_finite() {
        let table = Table::of(vec![Kind::Numeric], vec![1.0, 2.0, 3.0, 4.0]);
        let targets = Targets::Classes { count: 3, ids: vec![0, 0, 2, 2] };
        let linear = fit(&table, &targets);
        assert!(linear.weights.iter().all(|weight| weight.is_finite()));
        let mut prediction = vec![0.0; 3];
        linear.predict(&table.select(&[0]), &mut prediction);
        assert!(prediction[0] > 0.5 && prediction[1] < 0.1, "{prediction:?}");
    }

    #[test]
    fn a_missing_value_is_told_from_the_mean() {
        let missing = f32::NAN;
        let table = Table::of(vec![Kind::Numeric], vec![-1.0, 1.0, missing, -1.0, 1.0, missing, -1.0, 1.0, missing]);
        let targets = Targets::Numbers(vec![0.0, 0.0, 9.0, 0.0, 0.0, 9.0, 0.0, 0.0, 9.0]);
        let mut prediction = vec![0.0; 2];
        fit(&table, &targets).predict(&table.select(&[1, 2]), &mut prediction);
        assert!(prediction[1] - prediction[0] > 5.0, "{prediction:?}");
    }
}
