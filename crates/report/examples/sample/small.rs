//! Several labels at once, scores of how unusual an input is, and many classes.

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

pub fn many_classes() -> Report {
    let first = ["Common", "Great", "Lesser", "Northern", "Red-breasted", "White-throated"];
    let second = ["wren", "tit", "warbler", "flycatcher", "sandpiper"];
    let names = first.iter().flat_map(|first| second.iter().map(move |second| format!("{first} {second}")));
    let classes: Vec<String> = names.collect();
    let mut random = SplitMix64::new(41);
    let truth: Vec<usize> = (0..6000).map(|row| row % 30).collect();
    let answers: Vec<usize> = truth
        .iter()
        .map(|class| match random.below(9) {
            0 => (class + 5) % 30,
            1 => random.below(30) as usize,
            _ => *class,
        })
        .collect();
    let labels: Vec<&str> = classes.iter().map(|class| &class[..]).collect();
    let answers = CategoryAnswers {
        per_class: draw::per_class(&labels, &truth, &answers),
        confusion: Some(Confusion::of(&truth, &answers)),
        classes,
        ..CategoryAnswers::default()
    };
    Report {
        head: Head { program: "species".to_owned(), ..Head::default() },
        outputs: vec![Output { name: "species".to_owned(), answers: Answers::Category(answers) }],
        ..Report::default()
    }
}
