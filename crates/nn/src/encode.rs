//! Encoders: how the raw values of inputs become the features that the first layer gets.
//!
//! They are part of the program, so a finished program takes what stands in the data. What they know of the data (means,
//! bins, vocabularies) is fitted on the training part before the graph is built and stands in it as constants; only the
//! vectors of labels are learnt. Inputs that are encoded alike form a block, so that twenty columns cost no more
//! instructions than one.

use crate::initialise::{Initialiser, initialise};
use crate::layers::{embedding, standardise};
use crate::ops::{at_least, at_most, misshapen, offset, scale, unary};
use crate::skeleton::{Mode, Parameter};
use tacit_ir::{DType, Graph, Index, Nest, Op, Result, Scalar, ScalarFn, ValueId};

/// Inputs that are encoded alike. A missing number is NaN.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// One image h × w × c, standardised by channel.
    Image {
        name: String,
        shape: [usize; 3],
        mean: Vec<f32>,
        deviation: Vec<f32>,
    },
    Numbers(Numbers),
    Categories(Categories),
    Dates(Dates),
}

/// An input of a block and how many values it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    pub name: String,
    pub values: usize,
}

/// Columns of numbers. Each becomes `1 + bins` features, and one more if it can be missing: the number less the mean and
/// divided by the deviation, kept within ±5; how far it has come through each bin, from −1 to 1, which is
/// 2·min(max((x − low)·scale, 0), 1) − 1 (after Gorishniy, Rubachev and Babenko, arXiv:2203.05556, equation 1); and 1
/// where it is missing, else 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    pub inputs: Vec<Raw>,
    /// What takes the place of a missing number, by column; none if none can be missing.
    pub fill: Option<Vec<f32>>,
    /// By column, in the order of the inputs.
    pub mean: Vec<f32>,
    pub deviation: Vec<f32>,
    pub bins: Bins,
}

/// The bins of each column, over standardised numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bins {
    /// The number of bins of every column; a column with fewer has some of scale 0, which give the feature −1.
    pub count: usize,
    /// (columns, count): where a bin begins.
    pub low: Vec<f32>,
    /// (columns, count): 1 / width.
    pub scale: Vec<f32>,
}

/// Columns of labels, each a position in a list of which 0 stands for all that are not in it. Each becomes a learnt
/// vector of `width` numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Categories {
    /// Of one value each.
    pub inputs: Vec<Raw>,
    /// The positions of each column.
    pub positions: Vec<usize>,
    pub width: usize,
    /// Whether the vectors are learnt; else they are drawn once, as a target that does not move has to be.
    pub learnt: bool,
    /// The share of labels that are taken for unknown while training, so that the vector of the unknown is learnt.
    pub masked: f32,
}

/// Moments: days since 1970-01-01 and the share of the day that has passed. Each becomes eight features: the days less
/// the mean and divided by the deviation; sine and cosine of the place in the year of 365.2425 days, in the week, and in
/// the day; and 1 where it is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Dates {
    /// Of two values each.
    pub inputs: Vec<Raw>,
    /// The day that takes the place of a missing one, by column.
    pub fill: Vec<f32>,
    pub mean: Vec<f32>,
    pub deviation: Vec<f32>,
}

impl Block {
    /// Its columns; an image has none.
    pub fn columns(&self) -> usize {
        match self {
            Block::Image { .. } => 0,
            Block::Numbers(numbers) => numbers.mean.len(),
            Block::Categories(categories) => categories.positions.len(),
            Block::Dates(dates) => dates.mean.len(),
        }
    }

    /// The features that a column becomes; those of an image.
    pub fn features_per_column(&self) -> usize {
        match self {
            Block::Image { shape, .. } => shape.iter().product(),
            Block::Numbers(numbers) => 1 + numbers.bins.count + usize::from(numbers.fill.is_some()),
            Block::Categories(categories) => categories.width,
            Block::Dates(_) => DATE_FEATURES,
        }
    }

    /// The names of its inputs with the shape of one example.
    pub fn inputs(&self) -> Vec<(&str, Vec<usize>)> {
        match self {
            Block::Image { name, shape, .. } => vec![(name, shape.to_vec())],
            Block::Numbers(numbers) => vectors(&numbers.inputs),
            Block::Categories(categories) => vectors(&categories.inputs),
            Block::Dates(dates) => vectors(&dates.inputs),
        }
    }
}

fn vectors(inputs: &[Raw]) -> Vec<(&str, Vec<usize>)> {
    inputs.iter().map(|raw| (raw.name.as_str(), vec![raw.values])).collect()
}

/// The shape of what [`encode`] gives for one example.
pub fn encoded_shape(blocks: &[Block], even_columns: bool) -> Vec<usize> {
    match blocks {
        [Block::Image { shape, .. }] => shape.to_vec(),
        several if even_columns => {
            vec![several.iter().map(Block::columns).sum::<usize>() * widest(several)]
        }
        several => vec![several.iter().map(|block| block.columns().max(1) * block.features_per_column()).sum()],
    }
}

/// Adds the inputs of the blocks, `prefix` before their names, and makes features of them: the image [h, w, c] if there
/// is one, else all features of all blocks, [features]; while training with a batch of n in front. With `even_columns`
/// every column has as many features as any other, filled up with zeros.
pub fn encode(
    graph: &mut Graph,
    blocks: &[Block],
    prefix: &str,
    n: Option<usize>,
    mode: Mode,
    even_columns: bool,
) -> Result<(ValueId, Vec<Parameter>)> {
    let mut encoder = Encoder { graph, prefix, n, mode, parameters: Vec::new() };
    if let [Block::Image { name, shape, mean, deviation }] = blocks {
        let image = encoder.input(name, shape)?;
        let image = standardise(encoder.graph, image, mean, deviation)?;
        return Ok((image, encoder.parameters));
    }
    let mut features = Vec::new();
    for block in blocks {
        features.push(match block {
            Block::Image { name, .. } => return misshapen(format!("the image `{name}` does not stand alone")),
            Block::Numbers(numbers) => encoder.numbers(numbers)?,
            Block::Categories(categories) => encoder.categories(categories)?,
            Block::Dates(dates) => encoder.dates(dates)?,
        });
    }
    let width = even_columns.then(|| widest(blocks));
    let flat = features.into_iter().map(|feature| encoder.flat(feature, width)).collect::<Result<Vec<_>>>()?;
    let joined = encoder.joined(&flat)?;
    Ok((joined, encoder.parameters))
}

/// The parameter that holds the vectors of all labels.
const EMBEDDING: &str = "embedding.weight";
/// The stream of random numbers by which labels are masked; layers count theirs from 0.
const MASK_STREAM: u32 = u32::MAX;
/// The greatest standardised number.
const FARTHEST: f32 = 5.0;
const DATE_FEATURES: usize = 8;
const DAYS_OF_YEAR: f32 = 365.2425;
const DAYS_OF_WEEK: f32 = 7.0;

fn widest(blocks: &[Block]) -> usize {
    blocks.iter().map(Block::features_per_column).max().unwrap_or(0)
}

/// What is needed to lay blocks out.
struct Encoder<'g> {
    graph: &'g mut Graph,
    prefix: &'g str,
    /// The rows of a batch.
    n: Option<usize>,
    mode: Mode,
    parameters: Vec<Parameter>,
}

impl Encoder<'_> {
    /// Words with the letter of the batch in front of every operand, if there is one.
    fn words(&self, words: &str) -> String {
        match self.n {
            Some(_) => words.replace('?', "n"),
            None => words.replace('?', ""),
        }
    }

    fn input(&mut self, name: &str, shape: &[usize]) -> Result<ValueId> {
        let shape: Vec<usize> = self.n.into_iter().chain(shape.iter().copied()).collect();
        self.graph.input(&format!("{}{name}", self.prefix), DType::F32, &shape)
    }

    /// The inputs of a block, one after another: [values].
    fn raw(&mut self, inputs: &[Raw]) -> Result<ValueId> {
        let values = inputs.iter().map(|raw| self.input(&raw.name, &[raw.values])).collect::<Result<Vec<_>>>()?;
        self.joined(&values)
    }

    /// Vectors one after another.
    fn joined(&mut self, values: &[ValueId]) -> Result<ValueId> {
        if let [only] = values {
            return Ok(*only);
        }
        let batch: Vec<Index> = self.n.iter().map(|_| Index::Axis('n')).collect();
        let (mut accesses, mut first) = (Vec::new(), 0);
        for value in values {
            let place = Index::Affine { terms: vec![(1, 'k')], constant: -(first as i64) };
            accesses.push([batch.clone(), vec![place]].concat());
            first += *self.graph.shape(*value).last().expect("a vector has a dimension");
        }
        let axes = self.n.map(|n| ('n', n)).into_iter().chain([('k', first)]).collect();
        let shape: Vec<usize> = self.n.into_iter().chain([first]).collect();
        let output = [batch, vec![Index::Axis('k')]].concat();
        let nest = Nest { axes, operands: accesses, output };
        self.graph.with_shape(Op::Move { fill: Scalar::F32(0.0) }, nest, values, &shape)
    }

    /// The features of all columns, [columns, features] → [columns · width], filled up with zeros.
    fn flat(&mut self, features: ValueId, width: Option<usize>) -> Result<ValueId> {
        let own = *self.graph.shape(features).last().expect("features have a dimension");
        let zero = Scalar::F32(0.0);
        let even = match width {
            Some(width) if width > own => {
                self.graph.move_nest(zero, &self.words("?c{w}->?cw"), &[features], &[('w', width)])?
            }
            Some(_) | None => features,
        };
        self.graph.move_nest(zero, &self.words("?cw->?(cw)"), &[even], &[])
    }

    fn constant(&mut self, values: &[f32], shape: &[usize]) -> Result<ValueId> {
        self.graph.constant(values.iter().map(|v| Scalar::F32(*v)).collect(), shape)
    }

    /// Whether each number is there (NaN equals nothing), and the numbers with `fill` [c] where they are not.
    fn filled(&mut self, raw: ValueId, fill: &[f32]) -> Result<(ValueId, ValueId)> {
        let present = self.graph.map(ScalarFn::Equal, &[raw, raw])?;
        let fill = self.constant(fill, &[fill.len()])?;
        let words = self.words("?c,?c,c->?c");
        let filled = self.graph.map_nest(ScalarFn::Select, &words, &[present, raw, fill])?;
        Ok((present, filled))
    }

    /// 1 where a number is missing, else 0.
    fn flag(&mut self, present: ValueId) -> Result<ValueId> {
        let (zero, one) = (self.graph.float(0.0)?, self.graph.float(1.0)?);
        let words = self.words("?c,,->?c");
        self.graph.map_nest(ScalarFn::Select, &words, &[present, zero, one])
    }

    /// What lies far out is as far as it matters: one outlier would else outweigh all other features.
    fn within(&mut self, z: ValueId) -> Result<ValueId> {
        let z = at_least(self.graph, z, -FARTHEST)?;
        at_most(self.graph, z, FARTHEST)
    }

    /// Values [c] side by side, and behind them values [c, t]: [c, values + t].
    fn beside(&mut self, single: &[ValueId], spread: Option<ValueId>) -> Result<ValueId> {
        let batch: Vec<Index> = self.n.iter().map(|_| Index::Axis('n')).collect();
        let mut operands = Vec::new();
        let (mut accesses, mut width) = (Vec::new(), 0);
        let first = single.first().expect("there is a value for each column");
        let columns = *self.graph.shape(*first).last().expect("values by column have a dimension");
        for value in single {
            let words = self.words("?c->?cu");
            operands.push(self.graph.move_nest(Scalar::F32(0.0), &words, &[*value], &[('u', 1)])?);
        }
        operands.extend(spread);
        for operand in &operands {
            let place = Index::Affine { terms: vec![(1, 'k')], constant: -(width as i64) };
            accesses.push([batch.clone(), vec![Index::Axis('c'), place]].concat());
            width += *self.graph.shape(*operand).last().expect("a value has a dimension");
        }
        let axes = self.n.map(|n| ('n', n)).into_iter().chain([('c', columns), ('k', width)]).collect();
        let shape: Vec<usize> = self.n.into_iter().chain([columns, width]).collect();
        let output = [batch, vec![Index::Axis('c'), Index::Axis('k')]].concat();
        let nest = Nest { axes, operands: accesses, output };
        self.graph.with_shape(Op::Move { fill: Scalar::F32(0.0) }, nest, &operands, &shape)
    }

    fn numbers(&mut self, numbers: &Numbers) -> Result<ValueId> {
        let Numbers { inputs, fill, mean, deviation, bins } = numbers;
        let raw = self.raw(inputs)?;
        let (present, x) = match fill {
            Some(fill) => {
                let (present, filled) = self.filled(raw, fill)?;
                (Some(present), filled)
            }
            None => (None, raw),
        };
        let z = standardise(self.graph, x, mean, deviation)?;
        let mut single = vec![self.within(z)?];
        if let Some(present) = present {
            single.push(self.flag(present)?);
        }
        let spread = match bins.count {
            0 => None,
            count => {
                let shape = [mean.len(), count];
                let (low, slope) = (self.constant(&bins.low, &shape)?, self.constant(&bins.scale, &shape)?);
                let words = self.words("?c,ct->?ct");
                let beyond = self.graph.map_nest(ScalarFn::Sub, &words, &[z, low])?;
                let words = self.words("?ct,ct->?ct");
                let share = self.graph.map_nest(ScalarFn::Mul, &words, &[beyond, slope])?;
                let share = at_least(self.graph, share, 0.0)?;
                let share = at_most(self.graph, share, 1.0)?;
                let twice = scale(self.graph, share, 2.0)?;
                Some(offset(self.graph, twice, -1.0)?)
            }
        };
        self.beside(&single, spread)
    }

    fn categories(&mut self, categories: &Categories) -> Result<ValueId> {
        let Categories { inputs, positions, width, learnt, masked } = categories;
        let mut ids = self.raw(inputs)?;
        if let (Mode::Training { key }, true) = (self.mode, *masked > 0.0) {
            let shape = self.graph.shape(ids).to_vec();
            let drawn = self.graph.random(key, MASK_STREAM, &shape)?;
            let (share, unknown) = (self.graph.float(*masked)?, self.graph.float(0.0)?);
            let is_masked = self.graph.map(ScalarFn::Less, &[drawn, share])?;
            ids = self.graph.map(ScalarFn::Select, &[is_masked, unknown, ids])?;
        }
        let starts: Vec<f32> =
            positions.iter().scan(0, |next, count| Some(std::mem::replace(next, *next + count) as f32)).collect();
        let total: usize = positions.iter().sum();
        let starts = self.constant(&starts, &[positions.len()])?;
        let words = self.words("?c,c->?c");
        let rows = self.graph.map_nest(ScalarFn::Add, &words, &[ids, starts])?;
        let rows = unary(self.graph, ScalarFn::Cast(DType::I32), rows)?;
        let shape = [total, *width];
        let initialiser = Initialiser::Normal { deviation: 1.0 };
        let table = match learnt {
            true => {
                let name = EMBEDDING.to_owned();
                let parameter = Parameter { name, shape: shape.to_vec(), initialiser, decays: false, trained: true };
                self.parameters.push(parameter);
                self.graph.param(EMBEDDING, &shape)?
            }
            false => self.constant(&initialise(initialiser, 0, EMBEDDING, total * width), &shape)?,
        };
        embedding(self.graph, table, rows)
    }

    fn dates(&mut self, dates: &Dates) -> Result<ValueId> {
        let Dates { inputs, fill, mean, deviation } = dates;
        let raw = self.raw(inputs)?;
        let columns = mean.len();
        let part = |encoder: &mut Self, which: &str| {
            let words = encoder.words(&format!("?{which}->?c"));
            encoder.graph.move_nest(Scalar::F32(0.0), &words, &[raw], &[('c', columns)])
        };
        let (days, share) = (part(self, "{2c}")?, part(self, "{2c+1}")?);
        let (present, days) = self.filled(days, fill)?;
        let (_, share) = self.filled(share, &vec![0.0; columns])?;
        let z = standardise(self.graph, days, mean, deviation)?;
        let flag = self.flag(present)?;
        let mut features = vec![self.within(z)?];
        for period in [DAYS_OF_YEAR, DAYS_OF_WEEK] {
            // Days less whole periods are exact, where a large angle would not be.
            let periods = scale(self.graph, days, 1.0 / period)?;
            let whole = unary(self.graph, ScalarFn::Round, periods)?;
            let whole = scale(self.graph, whole, -period)?;
            let rest = self.graph.map(ScalarFn::Add, &[days, whole])?;
            let angle = scale(self.graph, rest, std::f32::consts::TAU / period)?;
            features.extend(self.turn(angle)?);
        }
        let angle = scale(self.graph, share, std::f32::consts::TAU)?;
        features.extend(self.turn(angle)?);
        features.push(flag);
        self.beside(&features, None)
    }

    fn turn(&mut self, angle: ValueId) -> Result<[ValueId; 2]> {
        Ok([unary(self.graph, ScalarFn::Sin, angle)?, unary(self.graph, ScalarFn::Cos, angle)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tacit_ir::passes::{simplify, verify};
    use tacit_ir::{Tensor, interpret};

    fn raw(name: &str, values: usize) -> Raw {
        Raw { name: name.into(), values }
    }

    fn numbers(fill: Option<Vec<f32>>) -> Numbers {
        let bins = Bins { count: 2, low: vec![-1.0, 0.0, 0.5, 0.0], scale: vec![1.0, 0.5, 2.0, 0.0] };
        let inputs = vec![raw("a", 1), raw("b", 1)];
        Numbers { inputs, fill, mean: vec![1.0, 0.0], deviation: vec![2.0, 1.0], bins }
    }

    /// The features of one example, interpreted after simplification.
    fn features(blocks: &[Block], inputs: &[(&str, Vec<f32>)], even: bool) -> Vec<f32> {
        let mut graph = Graph::new();
        let (value, parameters) = encode(&mut graph, blocks, "", None, Mode::Inference, even).unwrap();
        assert_eq!(graph.shape(value), encoded_shape(blocks, even));
        graph.set_output("features", value).unwrap();
        let graph = simplify(&graph).unwrap();
        verify(&graph).unwrap();
        let mut leaves: HashMap<String, Tensor<f32>> =
            inputs.iter().map(|(name, v)| ((*name).to_owned(), Tensor::floats(&[v.len()], v.clone()))).collect();
        for parameter in parameters {
            let count = parameter.shape.iter().product();
            let values = (0..count).map(|k| k as f32).collect();
            leaves.insert(parameter.name, Tensor::floats(&parameter.shape, values));
        }
        interpret(&graph, &leaves).unwrap().outputs["features"].as_floats().to_vec()
    }

    #[test]
    fn numbers_become_standardised_numbers_and_shares_of_bins() {
        let blocks = [Block::Numbers(numbers(None))];
        let found = features(&blocks, &[("a", vec![2.0]), ("b", vec![0.75])], false);
        // z = 0.5: through the first bin from −1 of width 1, a quarter of the second from 0 of width 2.
        assert_eq!(found, [0.5, 1.0, -0.5, 0.75, 0.0, -1.0]);
        let far = features(&blocks, &[("a", vec![1e9]), ("b", vec![-1e9])], false);
        assert_eq!(far, [5.0, 1.0, 1.0, -5.0, -1.0, -1.0]);
    }

    #[test]
    fn a_missing_number_is_filled_and_flagged() {
        let blocks = [Block::Numbers(numbers(Some(vec![2.0, 9.0])))];
        let found = features(&blocks, &[("a", vec![f32::NAN]), ("b", vec![0.75])], false);
        assert_eq!(found, [0.5, 1.0, 1.0, -0.5, 0.75, 0.0, 0.0, -1.0]);
    }

    #[test]
    fn labels_look_up_the_rows_of_their_own_column() {
        let inputs = vec![raw("a", 1), raw("b", 1)];
        let block = Categories { inputs, positions: vec![3, 2], width: 2, learnt: true, masked: 0.5 };
        let found = features(&[Block::Categories(block)], &[("a", vec![2.0]), ("b", vec![1.0])], false);
        assert_eq!(found, [4.0, 5.0, 8.0, 9.0]);
    }

    #[test]
    fn dates_turn_with_the_year_the_week_and_the_day() {
        let dates = Dates { inputs: vec![raw("t", 2)], fill: vec![0.0], mean: vec![20_000.0], deviation: vec![100.0] };
        // 2024-11-04, a Monday: four days after a Thursday, which 1970-01-01 was.
        let found = features(&[Block::Dates(dates.clone())], &[("t", vec![20_031.0, 0.25])], false);
        let angle = |share: f64| [(std::f64::consts::TAU * share).sin(), (std::f64::consts::TAU * share).cos()];
        let [year, week, day] = [20_031.0 / 365.2425, 20_031.0 / 7.0, 0.25].map(angle);
        let expected = [0.31, year[0], year[1], week[0], week[1], day[0], day[1], 0.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 2e-4, "{found} is not {expected}");
        }
        let missing = features(&[Block::Dates(dates)], &[("t", vec![f32::NAN, f32::NAN])], false);
        assert_eq!((missing[0], missing[7]), (-5.0, 1.0));
        assert!(missing.iter().all(|feature| feature.is_finite()));
    }

    #[test]
    fn even_columns_are_filled_up_with_zeros_and_blocks_follow_one_another() {
        let categories =
            Categories { inputs: vec![raw("c", 1)], positions: vec![2], width: 1, learnt: true, masked: 0.0 };
        let blocks = [Block::Numbers(numbers(None)), Block::Categories(categories)];
        let inputs = [("a", vec![1.0]), ("b", vec![0.0]), ("c", vec![1.0])];
        assert_eq!(features(&blocks, &inputs, true), [0.0, 1.0, -1.0, 0.0, -1.0, -1.0, 1.0, 0.0, 0.0]);
        assert_eq!(features(&blocks, &inputs, false), [0.0, 1.0, -1.0, 0.0, -1.0, -1.0, 1.0]);
    }

    #[test]
    fn a_batch_gives_each_row_the_bits_it_has_alone() {
        let categories =
            Categories { inputs: vec![raw("c", 1)], positions: vec![3], width: 2, learnt: true, masked: 0.0 };
        let dates = Dates { inputs: vec![raw("t", 2)], fill: vec![5.0], mean: vec![3.0], deviation: vec![2.0] };
        let blocks =
            [Block::Numbers(numbers(Some(vec![0.0, 0.0]))), Block::Categories(categories), Block::Dates(dates)];
        let (n, columns) = (3, [("a", 1), ("b", 1), ("c", 1), ("t", 2)]);
        let values = |name: &str, width: usize| -> Vec<f32> {
            let drawn = initialise(Initialiser::Normal { deviation: 2.0 }, 1, name, n * width);
            match name {
                "c" => vec![0.0, 2.0, 1.0],
                _ => drawn.into_iter().enumerate().map(|(k, v)| if k == 1 { f32::NAN } else { v }).collect(),
            }
        };
        let mut graph = Graph::new();
        let key = graph.input("key", DType::I32, &[2]).unwrap();
        let (value, parameters) = encode(&mut graph, &blocks, "", Some(n), Mode::Training { key }, false).unwrap();
        graph.set_output("features", value).unwrap();
        verify(&graph).unwrap();
        let mut leaves: HashMap<String, Tensor<f32>> = columns
            .iter()
            .map(|(name, width)| ((*name).to_owned(), Tensor::floats(&[n, *width], values(name, *width))))
            .collect();
        leaves.insert("key".into(), Tensor::integers(&[2], vec![0, 0]));
        for parameter in parameters {
            let count = parameter.shape.iter().product();
            let ascending = (0..count).map(|k| k as f32).collect();
            leaves.insert(parameter.name, Tensor::floats(&parameter.shape, ascending));
        }
        let all = interpret(&graph, &leaves).unwrap().outputs["features"].as_floats().to_vec();
        for row in 0..n {
            let inputs = columns.map(|(name, width)| (name, values(name, width)[row * width..][..width].to_vec()));
            let alone = features(&blocks, &inputs, false);
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&all[row * alone.len()..][..alone.len()]), bits(&alone), "row {row}");
        }
    }

    #[test]
    fn masking_takes_a_share_of_the_labels_for_unknown() {
        let categories =
            Categories { inputs: vec![raw("c", 1)], positions: vec![2], width: 1, learnt: true, masked: 0.25 };
        let n = 1000;
        let mut graph = Graph::new();
        let key = graph.input("key", DType::I32, &[2]).unwrap();
        let block = [Block::Categories(categories)];
        let (value, _) = encode(&mut graph, &block, "", Some(n), Mode::Training { key }, false).unwrap();
        graph.set_output("features", value).unwrap();
        let leaves = HashMap::from([
            ("c".to_owned(), Tensor::floats(&[n, 1], vec![1.0; n])),
            ("key".to_owned(), Tensor::integers(&[2], vec![1, 2])),
            (EMBEDDING.to_owned(), Tensor::floats(&[2, 1], vec![0.0, 1.0])),
        ]);
        let known: f32 = interpret(&graph, &leaves).unwrap().outputs["features"].as_floats().iter().sum();
        assert!((700.0..800.0).contains(&known), "{known}");
    }
}
