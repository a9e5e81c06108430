//! Boosted trees: gradient boosting over binned columns, a tree for each score and round.
//!
//! Each round fits trees to the gradient and curvature of the loss (Friedman, "Greedy function approximation", Annals of
//! Statistics 2001; second-order and penalised as in Chen and Guestrin, "XGBoost", KDD 2016; leaf by leaf over histograms
//! as in Ke and others, "LightGBM", NIPS 2017). A tenth of the rows, held out, tells after how many rounds to stop; where
//! rows are few, several tenths do, each held out in turn. The trees are then grown again on all rows for as many rounds.
//!
//! The project writes this itself. Of the libraries, hessboost 0.4 needs a C compiler, Rust 1.93 and four minutes of
//! processor time to build; forust-ml 0.8 knows neither categories nor more than two classes; the boosting of smartcore
//! 0.7 predicts numbers only and sorts the rows at every split; ferricml 0.2 comes with a matrix library and 60 packages.

use crate::bins::{BINS_MAX, Binning, Codes};
use crate::choose::{Choice, choose, shuffled};
use crate::grow::{Criterion, Tree, grow};
use crate::table::Table;
use crate::targets::{Link, Targets};

pub(crate) const ROUNDS_MAX: usize = 100;

/// Rounds without a better loss on the rows held out, after which boosting stops.
const PATIENCE: usize = 10;

/// Tenths of the rows that are held out, each in its own trial, if rows are few: one tenth alone would then tell little.
const TRIALS_MAX: usize = 5;

/// Rows times trees of a round that all trials together may fit.
const TRIAL_TREE_ROWS: usize = 8000;

const LEAVES_MAX: usize = 31;

/// Rows for every bin, so that little data does not wait for empty bins.
const BIN_ROWS: usize = 20;

const BINS_MIN: usize = 32;

/// Columns that a tree is split by at most: a random choice for each tree, where there are more.
pub(crate) const COLUMNS_MAX: usize = 64;

/// The share of a tree's prediction that is added.
const SHRINKAGE: f64 = 0.1;

/// Of half the squared norm of a tree's values.
const PENALTY: f64 = 1.0;

/// Rows that a leaf has at least, of many.
const LEAF_ROWS_MIN: usize = 20;

/// Curvature that a leaf has at least: where all is certain, there is nothing to gain.
const LEAF_CURVATURE_MIN: f64 = 1e-3;

/// Rows without any signal that each category is thought to have as well when categories are ordered, so that rare ones
/// do not stand at the ends by chance.
const CATEGORY_ROWS: f64 = 10.0;

#[derive(Clone, Debug)]
pub(crate) struct Boosted {
    binning: Binning,
    columns: usize,
    link: Link,
    outputs: usize,
    /// The scores before the first round.
    start: Vec<f64>,
    /// (rounds, scores)
    trees: Vec<BoostedTree>,
}

#[derive(Clone, Debug)]
struct BoostedTree {
    tree: Tree,
    /// What each leaf adds to the score.
    values: Vec<f32>,
}

pub(crate) fn fit(table: &Table, targets: &Targets) -> Boosted {
    let binning = Binning::new(table, (table.rows / BIN_ROWS).clamp(BINS_MIN, BINS_MAX));
    let codes = binning.codes(table);
    let rounds = rounds(table, targets, &binning);
    let mut boosting = Boosting::new(targets, &targets.frequencies());
    let mut trees = Vec::new();
    (0..rounds).for_each(|_| trees.extend(boosting.round(&binning, &codes)));
    let Boosting { link, start, .. } = boosting;
    Boosted { columns: table.columns(), binning, link, outputs: targets.outputs(), start, trees }
}

/// The number of rounds whose trees, grown on the other rows, predict those held out best.
fn rounds(table: &Table, targets: &Targets, binning: &Binning) -> usize {
    let width = Link::new(targets).scores(targets.outputs());
    let trials = (TRIAL_TREE_ROWS / (table.rows * width)).clamp(1, TRIALS_MAX);
    let order = shuffled(table.rows, Choice::HoldOut, 0);
    let held_out = order.chunks(table.rows.div_ceil(10)).take(trials);
    let mut trials: Vec<Trial> = held_out.map(|rows| Trial::new(table, targets, binning, rows)).collect();
    let (mut best, mut best_loss) = (0, trials.iter().map(Trial::loss).sum::<f64>());
    for round in 1..=ROUNDS_MAX {
        trials.iter_mut().for_each(|trial| trial.round(binning));
        let loss: f64 = trials.iter().map(Trial::loss).sum();
        if loss < best_loss {
            (best, best_loss) = (round, loss);
        } else if round - best >= PATIENCE {
            break;
        }
    }
    best
}

/// Boosting on some rows, watched on others.
struct Trial {
    boosting: Boosting,
    codes: Codes,
    held_out: Table,
    /// Of the rows held out, (rows, scores).
    scores: Vec<f64>,
    truth: Vec<f64>,
}

impl Trial {
    fn new(table: &Table, targets: &Targets, binning: &Binning, held_out: &[u32]) -> Trial {
        let mut kept = vec![true; table.rows];
        held_out.iter().for_each(|row| kept[*row as usize] = false);
        let kept: Vec<u32> = (0..table.rows as u32).filter(|row| kept[*row as usize]).collect();
        let boosting = Boosting::new(&targets.select(&kept), &targets.frequencies());
        Trial {
            codes: binning.codes(&table.select(&kept)),
            held_out: table.select(held_out),
            scores: boosting.start.repeat(held_out.len()),
            truth: targets.select(held_out).beside_scores(),
            boosting,
        }
    }

    fn round(&mut self, binning: &Binning) {
        let trees = self.boosting.round(binning, &self.codes);
        let mut codes = vec![0; self.held_out.columns()];
        for (row, scores) in self.scores.chunks_exact_mut(trees.len()).enumerate() {
            binning.row(self.held_out.row(row), &mut codes);
            trees.iter().zip(scores).for_each(|(tree, score)| *score += tree.value(&codes));
        }
    }

    fn loss(&self) -> f64 {
        let width = self.boosting.start.len();
        let lines = self.scores.chunks_exact(width).zip(self.truth.chunks_exact(width));
        lines.map(|(scores, truth)| self.boosting.link.loss(scores, truth)).sum()
    }
}

impl Boosted {
    pub fn predict(&self, table: &Table, predictions: &mut [f32]) {
        let width = self.start.len();
        let mut codes = vec![0; self.columns];
        let mut scores = vec![0.0; width];
        for (row, prediction) in predictions.chunks_exact_mut(self.outputs).enumerate() {
            self.binning.row(table.row(row), &mut codes);
            scores.copy_from_slice(&self.start);
            for round in self.trees.chunks_exact(width) {
                round.iter().zip(&mut scores).for_each(|(tree, score)| *score += tree.value(&codes));
            }
            self.link.predict(&mut scores, prediction);
        }
    }

    pub fn rounds(&self) -> usize {
        self.trees.len() / self.start.len()
    }

    /// The splits, the values, and the bins of the columns that are split by.
    pub fn stored_numbers(&self) -> usize {
        let mut used = vec![false; self.columns];
        self.trees.iter().flat_map(|tree| &tree.tree.splits).for_each(|split| used[split.column] = true);
        let bins = (0..self.columns).filter(|column| used[*column]).map(|column| self.binning.stored_numbers(column));
        let trees = self.trees.iter().map(|tree| tree.tree.stored_numbers() + tree.values.len());
        bins.chain(trees).sum::<usize>() + self.start.len()
    }
}

impl BoostedTree {
    fn value(&self, codes: &[u8]) -> f64 {
        f64::from(self.values[self.tree.leaf(codes)])
    }
}

/// Boosting under way.
struct Boosting {
    link: Link,
    start: Vec<f64>,
    /// Of the rows that are fitted, (rows, scores), as is `truth`.
    scores: Vec<f64>,
    truth: Vec<f64>,
    leaf_rows_min: f64,
    /// Grown so far.
    trees: u32,
}

impl Boosting {
    fn new(targets: &Targets, frequencies: &[f64]) -> Boosting {
        let link = Link::new(targets);
        let start = link.scores_of(frequencies);
        let rows = targets.rows();
        // With few rows, large leaves would leave nothing to split.
        let leaf_rows_min = LEAF_ROWS_MIN.min(rows / 20).max(1) as f64;
        Boosting { link, scores: start.repeat(rows), start, truth: targets.beside_scores(), leaf_rows_min, trees: 0 }
    }

    /// A tree for each score, which are added to the scores of the rows.
    fn round(&mut self, binning: &Binning, codes: &Codes) -> Vec<BoostedTree> {
        let width = self.start.len();
        let mut means = self.scores.clone();
        means.chunks_exact_mut(width).for_each(|line| self.link.to_means(line));
        let tree = |score: usize| {
            let slope = |row: usize| {
                let mean = means[row * width + score];
                [mean - self.truth[row * width + score], self.link.curvature(mean)]
            };
            let newton = Newton { slopes: (0..codes.rows).map(slope).collect(), leaf_rows_min: self.leaf_rows_min };
            let columns = choose(binning.columns().len(), COLUMNS_MAX, Choice::Columns, self.trees + score as u32);
            let (tree, leaves, rows) = grow(binning, codes, &columns, &newton, LEAVES_MAX);
            let values = leaves.iter().map(|leaf| newton.value(&leaf.cell));
            let tree = BoostedTree { tree, values: values.collect() };
            for (leaf, value) in leaves.iter().zip(&tree.values) {
                for row in &rows[leaf.start..leaf.end] {
                    self.scores[*row as usize * width + score] += f64::from(*value);
                }
            }
            tree
        };
        let trees = (0..width).map(tree).collect();
        self.trees += width as u32;
        trees
    }
}

/// Cells are (rows, gradient, curvature). The worth of a group is what one step of Newton's method gains, twice.
struct Newton {
    /// Gradient and curvature of each row.
    slopes: Vec<[f64; 2]>,
    leaf_rows_min: f64,
}

impl Newton {
    fn value(&self, cell: &[f64]) -> f32 {
        (-SHRINKAGE * cell[1] / (cell[2] + PENALTY)) as f32
    }
}

impl Criterion for Newton {
    fn width(&self) -> usize {
        3
    }

    #[inline(always)]
    fn add(&self, row: usize, cell: &mut [f64]) {
        let [gradient, curvature] = self.slopes[row];
        cell[0] += 1.0;
        cell[1] += gradient;
        cell[2] += curvature;
    }

    #[inline(always)]
    fn worth(&self, cell: &[f64]) -> f64 {
        cell[1] * cell[1] / (cell[2] + PENALTY)
    }

    fn rank(&self, cell: &[f64], _: &[f64]) -> f64 {
        cell[1] / (cell[2] + CATEGORY_ROWS)
    }

    #[inline(always)]
    fn suffices(&self, cell: &[f64]) -> bool {
        cell[0] >= self.leaf_rows_min && cell[2] >= LEAF_CURVATURE_MIN
    }
}
