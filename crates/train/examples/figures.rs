//! How long it takes to measure a figure with its interval:
//!
//! ```text
//! cargo run --release -p tacit-train --example figures
//! ```

use std::time::Instant;

use tacit_data::random::SplitMix64;
use tacit_spec::{AnswerKind, Metric};
use tacit_train::metrics::{Answers, CONFIDENCE, Figure, measure};

fn main() {
    for (rows, classes) in [(16_000, 2), (100_000, 2), (1_000_000, 2), (10_000, 10), (100_000, 10)] {
        show(&category(rows, classes), &format!("{rows} rows of {classes} classes"));
    }
    show(&numbers(100_000), "100000 numbers");
}

/// Answers of which about four in five are right, without ties.
fn category(rows: usize, classes: usize) -> Answers {
    let mut random = SplitMix64::new(1);
    let truth: Vec<i32> = (0..rows).map(|_| random.below(classes as u64) as i32).collect();
    let mut probabilities = Vec::with_capacity(rows * classes);
    for t in &truth {
        let mut row: Vec<f32> = (0..classes).map(|_| uniform(&mut random)).collect();
        row[*t as usize] += 1.5 * uniform(&mut random);
        let sum: f32 = row.iter().sum();
        probabilities.extend(row.iter().map(|score| score / sum));
    }
    Answers::Category { classes, truth, probabilities }
}

fn numbers(rows: usize) -> Answers {
    let mut random = SplitMix64::new(2);
    let truth: Vec<f32> = (0..rows).map(|_| uniform(&mut random)).collect();
    let answers = truth.iter().map(|t| t + 0.1 * uniform(&mut random)).collect();
    Answers::Number { truth, answers }
}

fn uniform(random: &mut SplitMix64) -> f32 {
    (random.next_u64() >> 40) as f32 / (1u32 << 24) as f32
}

fn show(answers: &Answers, what: &str) {
    println!("{what}");
    for metric in Metric::ALL.iter().copied().filter(|metric| metric.fits(answers.kind())) {
        let class = (answers.kind() == AnswerKind::Category
            && metric.class_use(answers.kind()) == tacit_spec::metric::ClassUse::Required)
            .then_some(1);
        let figure = Figure { metric, class, k: (metric == Metric::TopK).then_some(1) };
        let start = Instant::now();
        let measured = measure(figure, answers, CONFIDENCE);
        let [low, high] = measured.interval.unwrap_or_default();
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        println!("  {metric:20} {:.4}  {low:.4}–{high:.4}  {milliseconds:8.1} ms", measured.value);
    }
}
