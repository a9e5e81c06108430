//! Data sets and metrics for the tests and for `examples/measure.rs`.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tacit_baseline::{Image, Kind, Matrix, Problem, Task};

/// A data set divided in two.
pub struct Set {
    pub kinds: Vec<Kind>,
    pub images: Vec<Image>,
    pub training: Rows,
    pub test: Rows,
    pub classes: usize,
}

/// Rows with their true outputs: classes if the set has some, else numbers.
#[derive(Default)]
pub struct Rows {
    pub values: Vec<f32>,
    pub classes: Vec<i32>,
    pub numbers: Vec<f32>,
}

impl Set {
    pub fn problem(&self) -> Problem<'_> {
        let task = match self.classes {
            0 => Task::Number { training: &self.training.numbers },
            classes => Task::Category { classes, training: &self.training.classes },
        };
        Problem { training: self.matrix(&self.training), test: self.matrix(&self.test), task, images: &self.images }
    }

    fn matrix<'a>(&'a self, rows: &'a Rows) -> Matrix<'a> {
        let columns = self.kinds.len();
        Matrix { rows: rows.values.len() / columns, columns, values: &rows.values, kinds: &self.kinds }
    }

    /// The usual figure of the set: AUROC for two classes, accuracy for more, R² for numbers.
    pub fn quality(&self, predictions: &[f32]) -> f64 {
        match self.classes {
            0 => r2(predictions, &self.test.numbers),
            2 => {
                let positive: Vec<f32> = predictions.iter().skip(1).step_by(2).copied().collect();
                auroc(&positive, &self.test.classes)
            }
            classes => accuracy(predictions, classes, &self.test.classes),
        }
    }
}

/// The folder with public data, which is not part of the project.
pub fn data_folder() -> Option<PathBuf> {
    std::env::var_os("TACIT_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// The set of this name, as `make.py` divides it.
pub fn load(folder: &Path, name: &str) -> Set {
    let tabular = |file: &str| lines(&folder.join("tabular").join(file));
    match name {
        "adult" => {
            // The census weight in column 2 is left out.
            let read = |file| tabular(file).into_iter().map(|mut row| (row.remove(14), without(row, 2)));
            let (training, test): (Vec<_>, Vec<_>) =
                (read("adult-train.csv.gz").collect(), read("adult-test.csv.gz").collect());
            categories(training, test)
        }
        "california" => {
            let rows = tabular("california-housing.csv.gz").into_iter().skip(1);
            let rows = rows.map(|mut row| (row.remove(8), row)).collect();
            let (training, test) = every_fifth(rows);
            numbers(training, test)
        }
        "wine-red" => {
            let rows = tabular("winequality-red.csv").into_iter().map(|mut row| (row.remove(11), row)).collect();
            let (training, test) = every_fifth(rows);
            numbers(training, test)
        }
        "wine-white" => {
            let rows = tabular("winequality-white.csv").into_iter().map(|mut row| (row.remove(11), row)).collect();
            let (training, test) = every_fifth(rows);
            categories(training, test)
        }
        "iris" => {
            let rows = tabular("iris.csv").into_iter().map(|mut row| (row.remove(4), row)).collect();
            let (training, test) = every_fifth(rows);
            categories(training, test)
        }
        "titanic" => {
            // Class, sex, age, siblings, parents, fare, port.
            let rows = tabular("titanic-train.csv").into_iter().skip(1);
            let row = |row: Vec<String>| (row[1].clone(), [2, 4, 5, 6, 7, 9, 11].map(|k| row[k].clone()).to_vec());
            let (training, test) = every_fifth(rows.map(row).collect());
            categories(training, test)
        }
        "robot" => {
            let rows = lines(&folder.join("robot-wall-following/sensor_readings_24.csv")).into_iter().skip(1);
            let (training, test) = every_fifth(rows.map(|mut row| (row.remove(24), row)).collect());
            categories(training, test)
        }
        "fashion" => fashion(&folder.join("fashion-mnist")),
        other => panic!("there is no set `{other}`"),
    }
}

type Example = (String, Vec<String>);

fn without(mut row: Vec<String>, column: usize) -> Vec<String> {
    row.remove(column);
    row
}

/// Rows 0, 5, 10 … are the test rows.
fn every_fifth(rows: Vec<Example>) -> (Vec<Example>, Vec<Example>) {
    let (test, training): (Vec<_>, Vec<_>) = rows.into_iter().enumerate().partition(|(row, _)| row % 5 == 0);
    let bare = |rows: Vec<(usize, Example)>| rows.into_iter().map(|(_, row)| row).collect();
    (bare(training), bare(test))
}

fn categories(training: Vec<Example>, test: Vec<Example>) -> Set {
    // The test file of adult ends its classes with a full stop.
    let class = |example: &Example| example.0.trim_end_matches('.').to_owned();
    let mut ids = BTreeMap::new();
    training.iter().for_each(|example| _ = ids.insert(class(example), 0));
    ids.values_mut().enumerate().for_each(|(id, place)| *place = id as i32);
    let mut set = encoded(&training, &test);
    set.classes = ids.len();
    set.training.classes = training.iter().map(|example| ids[&class(example)]).collect();
    set.test.classes = test.iter().map(|example| ids[&class(example)]).collect();
    set
}

fn numbers(training: Vec<Example>, test: Vec<Example>) -> Set {
    let number = |example: &Example| example.0.parse().expect("outputs are numbers");
    let mut set = encoded(&training, &test);
    set.training.numbers = training.iter().map(number).collect();
    set.test.numbers = test.iter().map(number).collect();
    set
}

/// A column is numeric if all its values are numbers or missing; its categories are numbered by their names.
fn encoded(training: &[Example], test: &[Example]) -> Set {
    let columns = training[0].1.len();
    let missing = |value: &str| value.is_empty() || value == "?";
    let mut kinds = Vec::new();
    let mut ids: Vec<BTreeMap<&str, f32>> = Vec::new();
    for column in 0..columns {
        let values = || training.iter().map(|(_, row)| row[column].as_str()).filter(|value| !missing(value));
        let mut of_column = BTreeMap::new();
        if values().any(|value| value.parse::<f32>().is_err()) {
            values().for_each(|value| _ = of_column.insert(value, 0.0));
            of_column.values_mut().enumerate().for_each(|(id, place)| *place = id as f32);
            kinds.push(Kind::Category { count: of_column.len() });
        } else {
            kinds.push(Kind::Numeric);
        }
        ids.push(of_column);
    }
    let value = |column: usize, value: &str| match kinds[column] {
        _ if missing(value) => f32::NAN,
        Kind::Numeric => value.parse().expect("a numeric column holds numbers"),
        Kind::Category { .. } => ids[column].get(value).copied().unwrap_or(f32::NAN),
    };
    let rows = |examples: &[Example]| Rows {
        values: examples.iter().flat_map(|(_, row)| (0..columns).map(|k| value(k, &row[k]))).collect(),
        ..Rows::default()
    };
    let (training, test) = (rows(training), rows(test));
    Set { kinds, images: vec![], training, test, classes: 0 }
}

fn fashion(folder: &Path) -> Set {
    let rows = |part: &str| {
        let pixels = bytes(&folder.join(format!("{part}-images-idx3-ubyte.gz")));
        let labels = bytes(&folder.join(format!("{part}-labels-idx1-ubyte.gz")));
        Rows {
            values: pixels[16..].iter().map(|pixel| f32::from(*pixel) / 255.0).collect(),
            classes: labels[8..].iter().map(|label| i32::from(*label)).collect(),
            ..Rows::default()
        }
    };
    let images = vec![Image { first: 0, height: 28, width: 28, channels: 1 }];
    let (training, test) = (rows("train"), rows("t10k"));
    Set { kinds: vec![Kind::Numeric; 784], images, training, test, classes: 10 }
}

fn lines(path: &Path) -> Vec<Vec<String>> {
    let text = bytes(path);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(&text[..]);
    let rows = reader.records().map(|record| record.expect("the file is CSV").iter().map(str::to_owned).collect());
    rows.filter(|row: &Vec<String>| row.len() > 1).collect()
}

fn bytes(path: &Path) -> Vec<u8> {
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_none_or(|extension| extension != "gz") {
        return file;
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&file[..]).read_to_end(&mut text).expect("the file is compressed by gzip");
    text
}

/// The chance that a positive row has the greater score than a negative one, ties counting half.
pub fn auroc(scores: &[f32], classes: &[i32]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut below, mut pairs) = (0.0, 0.0);
    for equal in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let positive = equal.iter().filter(|row| classes[**row] == 1).count() as f64;
        let negative = equal.len() as f64 - positive;
        pairs += positive * (below + negative / 2.0);
        below += negative;
    }
    pairs / (below * (scores.len() as f64 - below))
}

pub fn accuracy(predictions: &[f32], classes: usize, truth: &[i32]) -> f64 {
    let greatest = |line: &[f32]| (0..classes).fold(0, |best, k| if line[k] > line[best] { k } else { best });
    let right = predictions.chunks_exact(classes).zip(truth).filter(|(line, class)| greatest(line) as i32 == **class);
    right.count() as f64 / truth.len() as f64
}

pub fn r2(predictions: &[f32], truth: &[f32]) -> f64 {
    let mean = truth.iter().map(|t| f64::from(*t)).sum::<f64>() / truth.len() as f64;
    let squared = |a: f64, b: f64| (a - b) * (a - b);
    let rest: f64 = predictions.iter().zip(truth).map(|(p, t)| squared(f64::from(*p), f64::from(*t))).sum();
    let all: f64 = truth.iter().map(|t| squared(f64::from(*t), mean)).sum();
    1.0 - rest / all
}
