//! The answers of each output: confusion, calibration, curves, errors.

use tacit_report as page;
use tacit_spec::Metric;
use tacit_train::charts::{self, Charts, charts};
use tacit_train::metrics::{Answers, CONFIDENCE, Figure, measure, value};

use super::{Findings, estimate};

/// What each output answered on the test rows.
pub(super) fn outputs(findings: &Findings) -> Vec<page::Output> {
    let pairs = findings.artifact.interface.outputs.iter().zip(&findings.answers);
    pairs
        .map(|(output, answers)| {
            let drawn = charts(answers, &output.labels);
            page::Output { name: output.name.clone(), answers: drawn_answers(drawn, answers, &output.labels) }
        })
        .collect()
}

fn drawn_answers(drawn: Charts, answers: &Answers, labels: &[String]) -> page::Answers {
    let of_class =
        |metric, class| estimate(measure(Figure { metric, class: Some(class), k: None }, answers, CONFIDENCE));
    match drawn {
        Charts::Category { classes, confusion, calibration, curves } => {
            page::Answers::Category(page::CategoryAnswers {
                classes: labels.to_vec(),
                confusion: Some(page::Confusion { pairs: pairs(&confusion, labels) }),
                per_class: classes
                    .iter()
                    .enumerate()
                    .map(|(class, figures)| page::ClassFigures {
                        class: figures.label.clone(),
                        precision: of_class(Metric::Precision, class),
                        recall: of_class(Metric::Recall, class),
                        f1: of_class(Metric::F1, class),
                        rows: figures.rows,
                    })
                    .collect(),
                reliability: Some(page::Reliability {
                    bins: calibration.iter().map(reliability_bin).collect(),
                    calibration_error: page::finite(value(Figure::from(Metric::CalibrationError), answers)),
                }),
                roc: curves.iter().map(|curve| rate_curve(curve, false, answers)).collect(),
                precision_recall: curves.iter().map(|curve| rate_curve(curve, true, answers)).collect(),
            })
        }
        Charts::Labels { labels: figures, .. } => page::Answers::Labels(page::LabelsAnswers {
            labels: figures
                .iter()
                .enumerate()
                .map(|(label, figures)| page::LabelFigures {
                    label: figures.label.clone(),
                    rows: figures.rows,
                    precision: of_class(Metric::Precision, label),
                    recall: of_class(Metric::Recall, label),
                    f1: of_class(Metric::F1, label),
                    average_precision: Some(of_class(Metric::AveragePrecision, label)),
                    threshold: Some(f64::from(tacit_train::metrics::LABEL_ABOVE)),
                })
                .collect(),
        }),
        Charts::Number { errors, quantiles, points } => page::Answers::Number(page::NumberAnswers {
            measured_in: String::new(),
            scatter: Some(page::Scatter::Points(points.iter().map(|point| point.map(f64::from)).collect())),
            residuals: Some(histogram(&errors)),
            error_quantiles: quantiles
                .iter()
                .map(|quantile| page::Quantile { share: quantile.share, value: quantile.value })
                .collect(),
        }),
        Charts::Anomaly { threshold, usual, anomalous, .. } => {
            let known = answers.truth_is_known();
            let mut groups = vec![page::ScoreGroup {
                name: if known { "usual" } else { "test rows" }.to_owned(),
                counts: usual.counts.clone(),
            }];
            if known {
                groups.push(page::ScoreGroup { name: "anomalous".to_owned(), counts: anomalous.counts.clone() });
            }
            let flagged = match answers {
                Answers::Anomaly { scores, .. } => {
                    Some(scores.iter().filter(|score| **score > threshold).count() as f64 / scores.len().max(1) as f64)
                }
                Answers::Category { .. } | Answers::Labels { .. } | Answers::Number { .. } => None,
            };
            page::Answers::Anomaly(page::AnomalyAnswers {
                edges: usual.edges.clone(),
                groups,
                threshold: page::finite(f64::from(threshold)),
                flagged_share: flagged,
            })
        }
    }
}

fn histogram(histogram: &charts::Histogram) -> page::Histogram {
    page::Histogram { edges: histogram.edges.clone(), counts: histogram.counts.clone() }
}

fn pairs(confusion: &charts::Confusion, labels: &[String]) -> Vec<page::Confused> {
    match &confusion.matrix {
        Some(matrix) => {
            let cells = matrix.iter().enumerate().flat_map(|(truth, row)| {
                row.iter().enumerate().map(move |(answer, count)| page::Confused { truth, answer, count: *count })
            });
            cells.filter(|cell| cell.count > 0).collect()
        }
        None => {
            let place = |label: &String| labels.iter().position(|known| known == label);
            let mistakes = confusion.mistakes.iter();
            mistakes
                .filter_map(|mistake| {
                    let (truth, answer) = place(&mistake.class).zip(place(&mistake.answer))?;
                    Some(page::Confused { truth, answer, count: mistake.rows })
                })
                .collect()
        }
    }
}

fn reliability_bin(bin: &charts::CalibrationBin) -> page::ReliabilityBin {
    page::ReliabilityBin {
        low: bin.low,
        high: bin.high,
        probability: bin.probability,
        right: page::Estimate { value: bin.right, interval: bin.interval, rows: Some(bin.decisions as u64) },
    }
}

fn rate_curve(curve: &charts::Curve, precision: bool, answers: &Answers) -> page::RateCurve {
    let points = curve.points.iter().filter_map(|point| match precision {
        true => point.precision.map(|precision| [point.recall, precision]),
        false => Some([point.false_positive_rate, point.recall]),
    });
    let area = if precision { curve.average_precision } else { curve.auroc };
    page::RateCurve {
        name: curve.label.clone(),
        points: points.collect(),
        area: page::Estimate { value: page::finite(area), interval: None, rows: Some(answers.rows() as u64) },
        guess: precision.then(|| curve.rows as f64 / answers.rows().max(1) as f64),
        chosen: None,
    }
}
