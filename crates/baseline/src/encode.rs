//! Numbers standardised and categories as one-hot columns, for the methods that add up or compare columns.

use crate::problem::Kind;
use crate::table::Table;

/// What was learnt about the columns of the training rows.
#[derive(Clone, Debug)]
pub(crate) struct Encoding {
    numbers: Vec<Standard>,
    levels: Vec<Levels>,
}

/// A numeric column becomes (value − mean) / deviation; a missing value becomes 0, the mean.
#[derive(Clone, Debug)]
struct Standard {
    column: usize,
    mean: f64,
    /// 1 / standard deviation (of the population), and 0 for a column that never varied: it says nothing.
    factor: f64,
    /// Another column that is 1 where the value is missing, if one was in training.
    flagged: bool,
}

/// A column of categories becomes `count` columns of which one is 1. A missing or unknown category has a column, too.
#[derive(Clone, Debug)]
struct Levels {
    column: usize,
    count: usize,
    /// Where its one-hot columns begin.
    first: usize,
}

/// Rows in encoded form. The one-hot columns are kept as the place of their 1.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub rows: usize,
    /// (rows, dense): standardised numbers and flags.
    pub numbers: Vec<f64>,
    /// (rows, sparse): for each column of categories the encoded column that is 1.
    pub ones: Vec<u32>,
}

impl Encoding {
    pub fn new(table: &Table) -> Encoding {
        let mut numbers = Vec::new();
        let mut categories = Vec::new();
        for (column, kind) in table.kinds.iter().enumerate() {
            match *kind {
                Kind::Numeric => numbers.push(Standard::new(table, column)),
                Kind::Category { count } => categories.push((column, count + 1)),
            }
        }
        let mut first = numbers.len() + numbers.iter().filter(|standard| standard.flagged).count();
        let levels = categories.into_iter().map(|(column, count)| {
            let levels = Levels { column, count, first };
            first += count;
            levels
        });
        let levels = levels.collect();
        Encoding { numbers, levels }
    }

    /// Encoded columns.
    pub fn width(&self) -> usize {
        self.levels.last().map_or(self.dense(), |levels| levels.first + levels.count)
    }

    /// Encoded columns that are numbers and flags: the first ones.
    pub fn dense(&self) -> usize {
        self.numbers.len() + self.numbers.iter().filter(|standard| standard.flagged).count()
    }

    /// Columns of categories.
    pub fn sparse(&self) -> usize {
        self.levels.len()
    }

    /// Numbers that encoding a row takes.
    pub fn stored_numbers(&self) -> usize {
        2 * self.numbers.len()
    }

    pub fn encode(&self, table: &Table) -> Encoded {
        let mut numbers = Vec::with_capacity(table.rows * self.dense());
        let mut ones = Vec::with_capacity(table.rows * self.sparse());
        for row in 0..table.rows {
            let row = table.row(row);
            for standard in &self.numbers {
                let value = f64::from(row[standard.column]);
                numbers.push(if value.is_nan() { 0.0 } else { (value - standard.mean) * standard.factor });
            }
            let flagged = self.numbers.iter().filter(|standard| standard.flagged);
            numbers.extend(flagged.map(|standard| f64::from(u8::from(row[standard.column].is_nan()))));
            for levels in &self.levels {
                let category = table.kinds[levels.column].category(row[levels.column]);
                ones.push((levels.first + category.unwrap_or(levels.count - 1)) as u32);
            }
        }
        Encoded { rows: table.rows, numbers, ones }
    }
}

impl Standard {
    fn new(table: &Table, column: usize) -> Standard {
        let present = || table.column(column).filter(|value| !value.is_nan()).map(f64::from);
        let count = present().count();
        let n = count.max(1) as f64;
        let mean = present().sum::<f64>() / n;
        let deviation = (present().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n).sqrt();
        // Rounding leaves a constant column a deviation that is not quite 0.
        let varies = deviation > 1e-12 * mean.abs();
        Standard { column, mean, factor: if varies { 1.0 / deviation } else { 0.0 }, flagged: count < table.rows }
    }
}
