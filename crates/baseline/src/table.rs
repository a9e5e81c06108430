//! The matrix that methods are fitted to: what a caller gives, with its images averaged.

use crate::limits;
use crate::problem::{Image, Kind, Matrix, Problem};

/// Rows of columns, owned. A missing value is NaN.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub rows: usize,
    pub kinds: Vec<Kind>,
    /// (rows, columns)
    values: Vec<f32>,
}

impl Table {
    #[cfg(test)]
    pub fn of(kinds: Vec<Kind>, values: Vec<f32>) -> Table {
        Table { rows: values.len() / kinds.len(), kinds, values }
    }

    pub fn columns(&self) -> usize {
        self.kinds.len()
    }

    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns()..][..self.columns()]
    }

    /// The values of one column, in the order of the rows.
    pub fn column(&self, column: usize) -> impl Iterator<Item = f32> {
        self.values.iter().skip(column).step_by(self.columns()).copied()
    }

    pub fn select(&self, rows: &[u32]) -> Table {
        let values = rows.iter().flat_map(|row| self.row(*row as usize)).copied().collect();
        Table { rows: rows.len(), kinds: self.kinds.clone(), values }
    }
}

/// How the columns of a table follow from those that a caller gives.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    kinds: Vec<Kind>,
    /// The columns that each is the mean of: mostly one.
    sources: Vec<Vec<u32>>,
    /// Columns of the rows that a caller gives.
    given: usize,
}

impl Columns {
    pub fn new(problem: &Problem) -> Columns {
        let mut kinds = Vec::new();
        let mut sources = Vec::new();
        let mut column = 0;
        while column < problem.training.columns {
            match problem.images.iter().find(|image| image.first == column) {
                Some(image) => {
                    let blocks = blocks(image, limits::block(image, problem.images.len()));
                    kinds.resize(kinds.len() + blocks.len(), Kind::Numeric);
                    sources.extend(blocks);
                    column += image.height * image.width * image.channels;
                }
                None => {
                    kinds.push(problem.training.kinds[column]);
                    sources.push(vec![column as u32]);
                    column += 1;
                }
            }
        }
        Columns { kinds, sources, given: problem.training.columns }
    }

    pub fn table(&self, matrix: &Matrix) -> Table {
        assert_eq!(matrix.columns, self.given, "rows have the columns of the problem");
        let rows = matrix.values.chunks_exact(matrix.columns);
        let values = rows.flat_map(|row| self.sources.iter().map(|sources| mean(row, sources))).collect();
        Table { rows: matrix.rows, kinds: self.kinds.clone(), values }
    }

    /// The given column that a column is; none if it is the mean of several.
    pub fn source(&self, column: usize) -> Option<usize> {
        match self.sources[column][..] {
            [source] => Some(source as usize),
            _ => None,
        }
    }
}

/// The mean of the values that are not missing.
fn mean(row: &[f32], sources: &[u32]) -> f32 {
    match sources {
        [source] => row[*source as usize],
        sources => {
            let present = || sources.iter().map(|source| row[*source as usize]).filter(|value| !value.is_nan());
            (present().map(f64::from).sum::<f64>() / present().count() as f64) as f32
        }
    }
}

/// The pixels of every block and channel, blocks by rows. The last blocks may be smaller.
fn blocks(image: &Image, side: usize) -> Vec<Vec<u32>> {
    let Image { first, height, width, channels } = *image;
    let mut blocks = Vec::new();
    for top in (0..height).step_by(side) {
        for left in (0..width).step_by(side) {
            for channel in 0..channels {
                let ys = top..(top + side).min(height);
                let pixels = ys.flat_map(|y| (left..(left + side).min(width)).map(move |x| (y, x)));
                blocks.push(pixels.map(|(y, x)| (first + (y * width + x) * channels + channel) as u32).collect());
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Task;

    #[test]
    fn images_are_averaged_in_blocks_and_other_columns_kept() {
        // An image of 15×15 with two channels, 450 numbers, becomes 8×8 blocks of 2×2; the last ones are smaller.
        let kinds = [vec![Kind::Category { count: 4 }], vec![Kind::Numeric; 450], vec![Kind::Numeric]].concat();
        let mut values = vec![3.0];
        values.extend((0..450).map(|k| k as f32));
        values.push(f32::NAN);
        values[1 + 2] = f32::NAN;
        let matrix = Matrix { rows: 1, columns: 452, values: &values, kinds: &kinds };
        let images = [Image { first: 1, height: 15, width: 15, channels: 2 }];
        let problem =
            Problem { training: matrix, test: matrix, task: Task::Number { training: &[1.0] }, images: &images };
        problem.check().unwrap();
        let columns = Columns::new(&problem);
        let table = columns.table(&matrix);
        assert_eq!(table.columns(), 1 + 8 * 8 * 2 + 1);
        assert_eq!(table.columns(), limits::columns(&problem));
        assert_eq!(table.kinds[..2], [Kind::Category { count: 4 }, Kind::Numeric]);
        let row = table.row(0);
        assert_eq!(row[0], 3.0);
        // Channel 0 of the first block: pixels (0,0), (0,1), (1,0), (1,1), of which the second is missing.
        assert_eq!(row[1], (0.0 + 30.0 + 32.0) / 3.0);
        assert_eq!(row[2], (1.0 + 3.0 + 31.0 + 33.0) / 4.0);
        assert_eq!(row[1 + 126], 448.0);
        assert!(row[129].is_nan());
        assert_eq!((columns.source(0), columns.source(1), columns.source(129)), (Some(0), None, Some(451)));
    }

    #[test]
    fn small_images_stay_as_they_are() {
        let image = Image { first: 0, height: 8, width: 8, channels: 1 };
        assert_eq!(limits::block(&image, 1), 1);
        assert_eq!(limits::block(&Image { height: 28, width: 28, ..image }, 1), 2);
        assert_eq!(limits::block(&Image { height: 32, width: 32, channels: 3, ..image }, 1), 4);
        assert_eq!(limits::block(&Image { height: 1, width: 1, channels: 900, ..image }, 3), 1);
    }
}
