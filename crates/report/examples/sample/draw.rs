//! Numbers drawn from a seeded generator, and what reports are made of from them.

use tacit_data::random::SplitMix64;
use tacit_report::{
    ClassFigures, Curves, Epoch, Estimate, MemoryBuffer, MemoryMap, RangeTest, RateCurve, Reliability, ReliabilityBin,
};

/// From 0 to 1.
pub fn even(random: &mut SplitMix64) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// About normal: the sum of twelve even numbers.
pub fn normal(random: &mut SplitMix64) -> f64 {
    (0..12).map(|_| even(random)).sum::<f64>() - 6.0
}

pub fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// A share of rows with about its 95 % interval.
pub fn share(hits: u64, rows: u64) -> Estimate {
    let p = hits as f64 / rows as f64;
    let half = 1.96 * (p * (1.0 - p) / rows as f64).sqrt() + 0.5 / rows as f64;
    Estimate::measured(p, Some([(p - half).max(0.0), (p + half).min(1.0)]), rows)
}

/// A figure with an interval of a given half width.
pub fn about(value: f64, half: f64, rows: u64) -> Estimate {
    Estimate::measured(value, Some([value - half, value + half]), rows)
}

/// A search whose losses fall and whose figure rises to `figure_end`.
pub fn curves(figure: &str, epochs: u64, steps: u64, losses: [f64; 2], figures: [f64; 2], seed: u64) -> Curves {
    let mut random = SplitMix64::new(seed);
    let mut best = (1, f64::NEG_INFINITY);
    let higher = figures[1] > figures[0];
    let epochs: Vec<Epoch> = (1..=epochs)
        .map(|epoch| {
            let t = epoch as f64 / epochs as f64;
            let fall = libm::exp(-5.0 * t);
            let training =
                losses[1] * 0.93 + (losses[0] - losses[1]) * fall - 0.04 * losses[1] * t + 0.002 * normal(&mut random);
            let overfit = 0.35 * losses[1] * (t - 0.55).max(0.0);
            let validation =
                losses[1] + (losses[0] - losses[1]) * fall * 0.9 + overfit + 0.004 * losses[0] * normal(&mut random);
            let noise = 0.012 * (figures[1] - figures[0]) * normal(&mut random);
            let value =
                figures[1] - (figures[1] - figures[0]) * fall - 0.4 * overfit * (figures[1] - figures[0]) + noise;
            let score = if higher { value } else { -value };
            if score > best.1 {
                best = (epoch, score);
            }
            let warm = (t / 0.1).min(1.0);
            Epoch {
                epoch,
                step: epoch * steps,
                training_loss: Some(training),
                validation_loss: Some(validation),
                validation_figure: Some(value),
                learning_rate: Some(0.003 * warm * (0.5 + 0.5 * libm::cos(std::f64::consts::PI * t)).max(0.01)),
            }
        })
        .collect();
    let points = (0..60)
        .map(|k| {
            let exponent = -6.0 + 6.0 * k as f64 / 59.0;
            let fall = 1.0 - 0.45 * logistic(3.0 * (exponent + 3.4));
            let rise = libm::exp(4.0 * (exponent + 1.2));
            [libm::exp10(exponent), losses[0] * (fall + rise) + 0.004 * normal(&mut random)]
        })
        .collect();
    let range_test = Some(RangeTest { points, chosen: Some(0.003) });
    let better = if higher { tacit_report::Better::Higher } else { tacit_report::Better::Lower };
    Curves { figure: figure.to_owned(), better, epochs, best: Some(best.0), range_test }
}

/// Scores and whether each row is positive, as a curve of false and true positive rates.
pub fn roc(name: &str, scored: &[(f64, bool)]) -> RateCurve {
    let (points, area) = walk(scored, |found, wrong, positives, negatives| [wrong / negatives, found / positives]);
    let chosen = chosen(scored, |found, wrong, positives, negatives| [wrong / negatives, found / positives]);
    let area = about(area, 0.0035, scored.len() as u64);
    RateCurve { name: name.to_owned(), points, area, guess: None, chosen: Some(chosen) }
}

/// As a curve of recall and precision.
pub fn precision_recall(name: &str, scored: &[(f64, bool)]) -> RateCurve {
    let (points, area) =
        walk(scored, |found, wrong, positives, _| [found / positives, found / (found + wrong).max(1.0)]);
    let chosen = chosen(scored, |found, wrong, positives, _| [found / positives, found / (found + wrong).max(1.0)]);
    let positives = scored.iter().filter(|(_, is_positive)| *is_positive).count();
    let guess = Some(positives as f64 / scored.len() as f64);
    RateCurve {
        name: name.to_owned(),
        points,
        area: about(area, 0.008, scored.len() as u64),
        guess,
        chosen: Some(chosen),
    }
}

fn walk(scored: &[(f64, bool)], point: impl Fn(f64, f64, f64, f64) -> [f64; 2]) -> (Vec<[f64; 2]>, f64) {
    let mut rows = scored.to_vec();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = rows.iter().filter(|(_, is_positive)| *is_positive).count() as f64;
    let negatives = rows.len() as f64 - positives;
    let (mut found, mut wrong, mut area) = (0.0, 0.0, 0.0);
    let mut points: Vec<[f64; 2]> = vec![];
    for (k, (_, is_positive)) in rows.iter().enumerate() {
        if *is_positive {
            found += 1.0
        } else {
            wrong += 1.0
        }
        if k % 12 == 0 || k + 1 == rows.len() {
            let next = point(found, wrong, positives, negatives);
            let last = points.last().copied().unwrap_or([0.0, next[1]]);
            area += (next[0] - last[0]) * (next[1] + last[1]) / 2.0;
            points.push(next);
        }
    }
    (points, area)
}

fn chosen(scored: &[(f64, bool)], point: impl Fn(f64, f64, f64, f64) -> [f64; 2]) -> [f64; 2] {
    let count = |is_positive: bool, is_found: bool| {
        scored.iter().filter(|(score, truth)| *truth == is_positive && (*score >= 0.5) == is_found).count() as f64
    };
    let (found, wrong) = (count(true, true), count(false, true));
    point(found, wrong, found + count(true, false), wrong + count(false, false))
}

/// How often the surest class was right, in ten bins from `low` to 1.
pub fn reliability(answers: &[(f64, bool)], low: f64) -> Reliability {
    let mut error = 0.0;
    let bins = (0..10)
        .map(|bin| {
            let width = (1.0 - low) / 10.0;
            let (from, to) = (low + width * bin as f64, low + width * (bin + 1) as f64);
            let rows: Vec<&(f64, bool)> = answers.iter().filter(|(p, _)| *p >= from && (*p < to || bin == 9)).collect();
            if rows.is_empty() {
                return ReliabilityBin { low: from, high: to, ..ReliabilityBin::default() };
            }
            let mean = rows.iter().map(|(p, _)| p).sum::<f64>() / rows.len() as f64;
            let right = share(rows.iter().filter(|(_, right)| *right).count() as u64, rows.len() as u64);
            error += (mean - right.value.unwrap_or(mean)).abs() * rows.len() as f64 / answers.len() as f64;
            ReliabilityBin { low: from, high: to, probability: Some(mean), right }
        })
        .collect();
    Reliability { bins, calibration_error: Some(error) }
}

/// The figures of each class from right and given classes.
pub fn per_class(classes: &[&str], truth: &[usize], answers: &[usize]) -> Vec<ClassFigures> {
    let count =
        |keep: &dyn Fn(usize, usize) -> bool| truth.iter().zip(answers).filter(|(t, a)| keep(**t, **a)).count() as u64;
    classes
        .iter()
        .enumerate()
        .map(|(k, class)| {
            let rows = count(&|t, _| t == k);
            let hits = count(&|t, a| t == k && a == k);
            let (precision, recall) = (share(hits, count(&|_, a| a == k).max(1)), share(hits, rows.max(1)));
            let (p, r) = (precision.value.unwrap_or(0.0), recall.value.unwrap_or(0.0));
            let f1 = about(2.0 * p * r / (p + r).max(1e-9), 0.9 / (rows as f64).sqrt() * 0.5, rows);
            ClassFigures { class: (*class).to_owned(), precision, recall, f1, rows }
        })
        .collect()
}

/// An arena in which every value is read by one of the next kernels.
pub fn memory(sizes: &[(&str, u64)], longest: u64) -> MemoryMap {
    let mut buffers: Vec<MemoryBuffer> = vec![];
    let mut random = SplitMix64::new(11);
    for (kernel, (label, bytes)) in sizes.iter().enumerate() {
        let first_kernel = kernel as u64;
        let last_kernel = (first_kernel + 1 + random.below(longest)).min(sizes.len() as u64);
        let mut taken: Vec<(u64, u64)> = buffers
            .iter()
            .filter(|other| other.last_kernel >= first_kernel)
            .map(|other| (other.offset, other.offset + other.bytes))
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (from, to) in taken {
            if offset + bytes <= from {
                break;
            }
            offset = offset.max(to);
        }
        buffers.push(MemoryBuffer { label: (*label).to_owned(), offset, bytes: *bytes, first_kernel, last_kernel });
    }
    let arena_bytes = buffers.iter().map(|buffer| buffer.offset + buffer.bytes).max().unwrap_or(0);
    let live = |kernel: u64| {
        let alive = buffers.iter().filter(|b| b.first_kernel <= kernel && b.last_kernel >= kernel);
        alive.map(|buffer| buffer.bytes).sum::<u64>()
    };
    let lower_bound_bytes = (0..sizes.len() as u64).map(live).max().unwrap_or(0);
    MemoryMap { kernels: sizes.len() as u64 + 1, arena_bytes, lower_bound_bytes, buffers }
}
