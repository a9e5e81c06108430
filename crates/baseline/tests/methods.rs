//! The fitted methods from outside: quality beside scikit-learn's, hard inputs, the same bits everywhere.

mod common;

use common::{accuracy, auroc, r2};
use serde_json::Value;
use tacit_baseline::{Baseline, Kind, Matrix, Method, Names, Problem, Task, fit, fit_all, limits};

fn by_method(baselines: &[Baseline], method: Method) -> &Baseline {
    baselines.iter().find(|baseline| baseline.method == method).expect("every method is there")
}

/// Rows of the same steps as in `vectors/make.py`: five numbers, the last of which may be missing, and a category.
fn made(rows: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / 16_777_216.0
    };
    let (mut values, mut scores) = (vec![], vec![]);
    for _ in 0..rows {
        let x: [f64; 5] = std::array::from_fn(|_| next());
        let category = (next() * 12.0).floor();
        let missing = next() < 0.2;
        let noise = next() + next() + next() - 1.5;
        let last = if missing { 1.0 } else { x[4] };
        let centred = x[2] - 0.5;
        let of_category = category * 5.0 % 12.0 / 6.0;
        scores.push((4.0 * x[0] * x[1] + 8.0 * centred * centred + 2.0 * x[3] + of_category + noise + last) as f32);
        values.extend(x[..4].iter().map(|x| *x as f32));
        values.extend([if missing { f32::NAN } else { x[4] as f32 }, category as f32]);
    }
    (values, scores)
}

const MADE: [Kind; 6] =
    [Kind::Numeric, Kind::Numeric, Kind::Numeric, Kind::Numeric, Kind::Numeric, Kind::Category { count: 12 }];

fn matrix<'a>(values: &'a [f32], kinds: &'a [Kind]) -> Matrix<'a> {
    Matrix { rows: values.len() / kinds.len(), columns: kinds.len(), values, kinds }
}

fn classes(scores: &[f32], cuts: &[f32]) -> Vec<i32> {
    scores.iter().map(|score| cuts.iter().filter(|cut| score >= cut).count() as i32).collect()
}

#[test]
fn boosted_trees_are_as_good_as_those_of_scikit_learn() {
    let expected: Value = serde_json::from_str(include_str!("vectors/boosting.json")).unwrap();
    let (training, score) = made(3000, 1);
    let (test, test_score) = made(3000, 2);
    let (training, test) = (matrix(&training, &MADE), matrix(&test, &MADE));
    let (two, three) = (classes(&score, &[4.0]), classes(&score, &[4.0, 5.5]));
    let fitted = |task| {
        let problem = Problem { training, test, task, images: &[] };
        fit(&problem, Method::BoostedTrees).unwrap().predictions
    };
    let near = |name: &str, reached: f64| {
        let expected = expected[name].as_f64().unwrap();
        assert!(reached > expected - 0.01, "{name}: {reached:.4}, of scikit-learn {expected:.4}");
    };
    near("r2", r2(&fitted(Task::Number { training: &score }), &test_score));
    let binary = fitted(Task::Category { classes: 2, training: &two });
    let positive: Vec<f32> = binary.chunks_exact(2).map(|pair| pair[1]).collect();
    near("auroc", auroc(&positive, &classes(&test_score, &[4.0])));
    let several = fitted(Task::Category { classes: 3, training: &three });
    near("accuracy", accuracy(&several, 3, &classes(&test_score, &[4.0, 5.5])));
}

/// The figures of scikit-learn are in `vectors/public.json`. Its single tree splits one-hot columns and imputed means,
/// and small test parts leave more to chance.
#[test]
fn public_data_is_predicted_as_well_as_by_scikit_learn() {
    let Some(folder) = common::data_folder() else {
        eprintln!("skipped: TACIT_DATA names no folder with public data");
        return;
    };
    let expected: Value = serde_json::from_str(include_str!("vectors/public.json")).unwrap();
    let mut misses = vec![];
    for (name, linear, tree, boosted) in [
        ("adult", 0.001, 0.005, 0.005),
        ("california", 0.002, 0.01, 0.01),
        ("wine-red", 0.002, 0.01, 0.03),
        ("wine-white", 0.002, 0.01, 0.02),
        ("titanic", 0.005, 0.02, 0.01),
    ] {
        let set = common::load(&folder, name);
        for (method, tolerance) in [(Method::Linear, linear), (Method::Tree, tree), (Method::BoostedTrees, boosted)] {
            let reached = set.quality(&fit(&set.problem(), method).unwrap().predictions);
            let expected = expected[name][method.name()].as_f64().unwrap();
            if reached < expected - tolerance {
                misses.push(format!("{name}, {}: {reached:.4}, of scikit-learn {expected:.4}", method.name()));
            }
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

/// FNV-1a over the bits.
fn hash(predictions: &[f32]) -> u64 {
    let bytes = predictions.iter().flat_map(|p| p.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn predictions_have_the_same_bits_on_every_machine_and_thread() {
    let (training, score) = made(600, 3);
    let (test, _) = made(50, 4);
    let three = classes(&score, &[4.0, 5.5]);
    let problem = Problem {
        training: matrix(&training, &MADE),
        test: matrix(&test, &MADE),
        task: Task::Category { classes: 3, training: &three },
        images: &[],
    };
    let hashes =
        || -> Vec<u64> { fit_all(&problem).unwrap().iter().map(|baseline| hash(&baseline.predictions)).collect() };
    let several = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(hashes)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    for found in &several {
        assert_eq!(found[..], HASHES, "{found:x?}");
    }
}

/// Constant, linear, neighbours, tree, boosted trees.
const HASHES: [u64; 5] =
    [0x7460_8572_fcf1_b2dd, 0x6f3e_fad9_e99f_9fc8, 0x5815_0b07_0796_c5d0, 0x0a9f_a9a0_4650_37ee, 0x00c5_d39a_16eb_5ed2];

#[test]
fn several_labels_are_told_at_once() {
    let (training, score) = made(1500, 5);
    let (test, test_score) = made(1000, 6);
    let set = |scores: &[f32]| -> Vec<bool> { scores.iter().flat_map(|score| [*score > 4.0, *score > 6.0]).collect() };
    let labels = set(&score);
    let problem = Problem {
        training: matrix(&training, &MADE),
        test: matrix(&test, &MADE),
        task: Task::Labels { labels: 2, training: &labels },
        images: &[],
    };
    let truth = set(&test_score);
    for baseline in fit_all(&problem).unwrap() {
        for label in 0..2 {
            let scores: Vec<f32> = baseline.predictions.iter().skip(label).step_by(2).copied().collect();
            let truth: Vec<i32> = truth.iter().skip(label).step_by(2).map(|set| i32::from(*set)).collect();
            let least = match baseline.method {
                Method::Constant => 0.5,
                Method::Tree => 0.8,
                Method::Linear | Method::NearestNeighbours | Method::BoostedTrees => 0.87,
            };
            let reached = auroc(&scores, &truth);
            assert!(reached >= least, "{}, label {label}: {reached:.3}", baseline.method.name());
        }
    }
}

#[test]
fn better_methods_are_better() {
    let (training, score) = made(2000, 7);
    let (test, test_score) = made(1000, 8);
    let problem = Problem {
        training: matrix(&training, &MADE),
        test: matrix(&test, &MADE),
        task: Task::Number { training: &score },
        images: &[],
    };
    let baselines = fit_all(&problem).unwrap();
    let quality = |method| r2(&by_method(&baselines, method).predictions, &test_score);
    assert!(quality(Method::Constant).abs() < 0.01);
    assert!(quality(Method::Tree) > 0.4);
    assert!(quality(Method::BoostedTrees) > quality(Method::Linear));
    assert!(quality(Method::BoostedTrees) > quality(Method::NearestNeighbours));
    let size = |method| by_method(&baselines, method).size_bytes;
    assert_eq!(size(Method::Constant), 4);
    // Five numbers with mean and deviation, their weights, that of the missing flag, twelve categories, the constant.
    assert_eq!(size(Method::Linear), 4 * (10 + 5 + 1 + 12 + 1));
    // Standardised numbers, the flag, the category and the output of every row.
    assert_eq!(size(Method::NearestNeighbours), 4 * (2000 * (5 + 1 + 1 + 1) + 10));
    assert!(size(Method::Tree) < size(Method::BoostedTrees));
    assert!(baselines.iter().all(|baseline| baseline.fitted_rows == 2000 && baseline.fitted_columns == 6));
}

#[test]
fn a_single_row_is_predicted_as_among_others() {
    let (training, score) = made(400, 9);
    let (test, _) = made(70, 10);
    let problem = Problem {
        training: matrix(&training, &MADE),
        test: matrix(&test, &MADE),
        task: Task::Category { classes: 2, training: &classes(&score, &[5.0]) },
        images: &[],
    };
    for baseline in fit_all(&problem).unwrap() {
        for (row, expected) in test.chunks_exact(6).zip(baseline.predictions.chunks_exact(2)) {
            assert_eq!(baseline.predict_row(row), expected, "{}", baseline.method.name());
        }
        assert!(baseline.seconds_per_row(&problem.test) > 0.0);
    }
}

#[test]
fn probabilities_lie_between_0_and_1_and_add_up_to_1() {
    let (training, score) = made(300, 11);
    // Far outside of what was seen, nothing given, and a category that is unknown.
    let mut test = vec![f32::MAX; 5];
    test.extend([3.0, f32::MIN, f32::MIN, f32::MIN, f32::MIN, f32::MIN, f32::NAN]);
    test.extend([f32::NAN; 6]);
    let problem = Problem {
        training: matrix(&training, &MADE),
        test: matrix(&test, &MADE),
        // The fourth class never occurs.
        task: Task::Category { classes: 4, training: &classes(&score, &[4.0, 5.5]) },
        images: &[],
    };
    for baseline in fit_all(&problem).unwrap() {
        assert_eq!(baseline.predictions.len(), 3 * 4);
        for line in baseline.predictions.chunks_exact(4) {
            assert!(line.iter().all(|p| (0.0..=1.0).contains(p)), "{}: {line:?}", baseline.method.name());
            assert!((line.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{}: {line:?}", baseline.method.name());
        }
    }
}

#[test]
fn the_smallest_and_emptiest_data_can_be_fitted() {
    let kinds = [Kind::Numeric, Kind::Numeric, Kind::Category { count: 0 }];
    let nan = f32::NAN;
    for rows in [1, 2, 3, 11] {
        // A constant, a column without values, and one without categories.
        let values = [7.0, nan, nan].repeat(rows);
        let number = vec![3.0; rows];
        let class = vec![1; rows];
        let labels = vec![true; rows];
        for task in [
            Task::Number { training: &number },
            Task::Category { classes: 2, training: &class },
            Task::Labels { labels: 1, training: &labels },
        ] {
            for test_rows in [0, 1] {
                let test = [8.0, 1.0, nan].repeat(test_rows);
                let (training, test) = (matrix(&values, &kinds), matrix(&test, &kinds));
                for baseline in fit_all(&Problem { training, test, task, images: &[] }).unwrap() {
                    assert_eq!(baseline.predictions.len(), test_rows * task.outputs());
                    let fits = |p: &f32| match task {
                        Task::Number { .. } => (p - 3.0).abs() < 1e-4,
                        Task::Category { .. } | Task::Labels { .. } => (0.0..=1.0).contains(p),
                    };
                    let all_fit = baseline.predictions.iter().all(fits);
                    assert!(all_fit, "{}: {:?}", baseline.method.name(), baseline.predictions);
                }
            }
        }
    }
}

#[test]
fn problems_that_make_no_sense_are_refused() {
    let kinds = [Kind::Numeric, Kind::Category { count: 2 }];
    let (good, test) = ([1.0, 0.0, 2.0, 1.0], [1.5, 1.0]);
    let number = [1.0, 2.0];
    let refused = |training: Matrix, test: Matrix, task: Task, part: &str| {
        let error = fit_all(&Problem { training, test, task, images: &[] }).unwrap_err();
        assert_eq!(error.code, "E0601");
        assert!(error.message.contains(part), "{error}");
    };
    let (good, test) = (matrix(&good, &kinds), matrix(&test, &kinds));
    let task = Task::Number { training: &number };
    refused(Matrix { rows: 0, values: &[], ..good }, test, task, "no training rows");
    refused(Matrix { rows: 3, ..good }, test, task, "3 × 2 has 4 values");
    refused(Matrix { rows: usize::MAX, ..good }, test, task, "has 4 values");
    refused(Matrix { columns: 0, kinds: &[], values: &[], ..good }, test, task, "no columns");
    refused(good, matrix(&[1.0, 0.0], &[Kind::Numeric, Kind::Numeric]), task, "differ");
    refused(matrix(&[1.0, 0.5, 2.0, 1.0], &kinds), test, task, "row 0, column 1: 0.5 is none of its 2 categories");
    refused(matrix(&[1.0, 2.0, 2.0, 1.0], &kinds), test, task, "2 is none of its 2 categories");
    refused(good, matrix(&[f32::INFINITY, 0.0], &kinds), task, "test row 0, column 0: inf is not a finite number");
    refused(good, test, Task::Number { training: &[1.0] }, "1 outputs for 2 training rows");
    refused(good, test, Task::Number { training: &[1.0, f32::NAN] }, "row 1 is NaN");
    refused(good, test, Task::Category { classes: 1, training: &[0, 0] }, "nothing to tell apart");
    refused(good, test, Task::Category { classes: 2, training: &[0, 2] }, "row 1 has the class 2");
    refused(good, test, Task::Category { classes: 2, training: &[-1, 0] }, "row 0 has the class -1");
    refused(good, test, Task::Labels { labels: 0, training: &[] }, "no labels");
    let image = |first, height| tacit_baseline::Image { first, height, width: 1, channels: 1 };
    for (images, part) in [
        (vec![image(0, 3)], "more pixels than columns"),
        (vec![image(0, 0)], "empty"),
        (vec![image(0, 1), image(0, 1)], "overlaps"),
        (vec![image(1, 1)], "column 1 is a pixel, but holds categories"),
    ] {
        let error = fit_all(&Problem { training: good, test, task, images: &images }).unwrap_err();
        assert!(error.message.contains(part), "{error}");
    }
}

#[test]
fn large_data_is_reduced_as_stated() {
    let kinds = vec![Kind::Numeric; 784];
    let images = [tacit_baseline::Image { first: 0, height: 28, width: 28, channels: 1 }];
    let of_rows = |rows| Matrix { rows, columns: 784, values: &[], kinds: &kinds };
    let task = Task::Category { classes: 10, training: &[] };
    let fashion = Problem { training: of_rows(60_000), test: of_rows(10_000), task, images: &images };
    assert_eq!(limits::columns(&fashion), 196);
    let rows = |problem: &Problem| Method::ALL.map(|method| limits::rows(method, problem));
    assert_eq!(rows(&fashion), [60_000, 5102, 10_204, 60_000, 6510]);
    let table = |rows, columns| Matrix { rows, columns, values: &[], kinds: &kinds[..columns] };
    let adult = Problem {
        training: table(32_561, 13),
        test: table(16_281, 13),
        task: Task::Category { classes: 2, training: &[] },
        images: &[],
    };
    assert_eq!(rows(&adult), [32_561, 32_561, 20_000, 32_561, 32_561]);
    // However many columns there are, some rows remain.
    let wide = Problem { training: table(5000, 784), test: table(2_000_000, 784), images: &[], ..fashion };
    assert_eq!(limits::rows(Method::NearestNeighbours, &wide), limits::ROWS_MIN);
    let few = Problem { training: table(10, 784), ..wide };
    assert_eq!(rows(&few), [10; 5]);
}

#[test]
fn the_tree_can_be_read() {
    let kinds = [Kind::Numeric, Kind::Category { count: 3 }];
    let mut values = vec![];
    let mut numbers = vec![];
    for row in 0..400 {
        let (age, colour) = ((row % 20) as f32, (row % 3) as f32);
        let missing = row % 7 == 0;
        values.extend([if missing { f32::NAN } else { age }, colour]);
        numbers.push(if colour == 1.0 {
            50.0
        } else if !missing && age > 9.0 {
            10.0
        } else {
            0.0
        });
    }
    let problem = Problem {
        training: matrix(&values, &kinds),
        test: matrix(&[], &kinds),
        task: Task::Number { training: &numbers },
        images: &[],
    };
    let names = Names {
        column: &|column| ["age", "colour"][column].into(),
        category: &|_, category| ["red", "green", "blue"][category].into(),
        answer: &|prediction| format!("{:.0}", prediction[0]),
    };
    let text = |method| fit(&problem, method).unwrap().text(&names);
    let tree = "\
if colour in {red, blue} or missing:
  if age ≤ 9.5 or missing:
    0  (153 rows)
  else:
    10  (114 rows)
else:
  50  (133 rows)
";
    assert_eq!(text(Method::Tree).unwrap(), tree);
    assert_eq!(text(Method::Linear), None);
}
