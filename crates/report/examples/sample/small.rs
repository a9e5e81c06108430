//! Several labels at once, and scores of how unusual an input is.

use tacit_data::random::SplitMix64;
use tacit_report::*;

use crate::draw;

pub fn labels() -> Report {
    let label = |label: &str, rows: u64, precision: f64, recall: f64| LabelFigures {
        label: label.to_owned(),
        rows,
        precision: draw::share((precision * rows as f64) as u64, rows),
        recall: draw::share((recall * rows as f64) as u64, rows),
        f1: draw::about(2.0 * precision * recall / (precision + recall), 0.02, rows),
        average_precision: Some(draw::about((precision + recall) / 2.0, 0.02, rows)),
        threshold: Some(0.42),
    };
    let labels = vec![
        label("earnings", 1_087, 0.97, 0.98),
        label("acquisitions", 719, 0.94, 0.91),
        label("grain", 149, 0.92, 0.83),
        label("coffee", 28, 0.89, 0.71),
    ];
    Report {
        head: Head { program: "topics".to_owned(), ..Head::default() },
        outputs: vec![Output { name: "topic".to_owned(), answers: Answers::Labels(LabelsAnswers { labels }) }],
        ..Report::default()
    }
}

pub fn anomaly() -> Report {
    let mut random = SplitMix64::new(31);
    let usual: Vec<f64> = (0..5000).map(|_| libm::exp(0.3 * draw::normal(&mut random))).collect();
    let unusual: Vec<f64> = (0..120).map(|_| 2.4 + 0.6 * draw::normal(&mut random)).collect();
    let (usual, unusual) = (Histogram::between(&usual, 0.0, 5.0, 50), Histogram::between(&unusual, 0.0, 5.0, 50));
    let answers = AnomalyAnswers {
        edges: usual.edges,
        groups: vec![
            ScoreGroup { name: "usual".to_owned(), counts: usual.counts },
            ScoreGroup { name: "faults that were found".to_owned(), counts: unusual.counts },
        ],
        threshold: Some(1.83),
        flagged_share: Some(0.041),
    };
    Report {
        head: Head {
            program: "pumps".to_owned(),
            description: "Whether a pump sounds unusual".to_owned(),
            ..Head::default()
        },
        outputs: vec![Output { name: String::new(), answers: Answers::Anomaly(answers) }],
        ..Report::default()
    }
}
