//! What a contract decides, on which rows, and what of it a file holds.

use proptest::prelude::*;
use tacit_data::random::SplitMix64;
use tacit_data::{Groups, RequirementRows};
use tacit_spec::expression::parse_expression;
use tacit_spec::{Bound, Metric, Place, Requirement};
use tacit_train::contract::{Contract, Costs, Gap, OutputAnswers, contract};
use tacit_train::error;
use tacit_train::metrics::{Answers, CONFIDENCE, measure};

const COSTS: Costs = Costs { flops: 100, parameters: 10, file_bytes: 0, peak_memory_bytes: 64 };

fn require(metric: Metric, bound: Bound) -> Requirement {
    Requirement {
        metric,
        output: metric.is_of_data().then(|| "kind".to_owned()),
        class: matches!(metric, Metric::Recall | Metric::SelectionRate).then(|| "b".to_owned()),
        k: None,
        rows: None,
        gap: None,
        bound,
        confidence: None,
        place: Place::Nowhere,
    }
}

fn confident(requirement: Requirement, confidence: f64) -> Requirement {
    Requirement { confidence: Some(confidence), ..requirement }
}

fn gap(metric: Metric, at_most: f64) -> Requirement {
    Requirement { gap: Some("sex".into()), ..require(metric, Bound::AtMost(at_most)) }
}

/// Answers in two classes, each of them sure.
fn two_classes(truth: &[i32], answered: &[i32]) -> Answers {
    let probabilities = answered.iter().flat_map(|id| if *id == 0 { [0.75, 0.25] } else { [0.25, 0.75] });
    Answers::Category { classes: 2, truth: truth.to_vec(), probabilities: probabilities.collect() }
}

/// Nine of ten right, in two classes; class `b` has the first five rows.
fn nine_of_ten() -> Answers {
    two_classes(&[1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &[1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
}

fn decide(requirements: &[Requirement], answers: &Answers, rows: &[RequirementRows]) -> Contract {
    let labels = ["a".to_owned(), "b".to_owned()];
    contract(requirements, &[OutputAnswers { name: "kind", labels: &labels, answers }], rows, &COSTS)
}

fn all(requirements: &[Requirement]) -> Contract {
    decide(requirements, &nine_of_ten(), &vec![RequirementRows::default(); requirements.len()])
}

fn met(contract: &Contract, requirements: usize) -> Vec<Option<bool>> {
    contract.lines[..requirements].iter().map(|line| line.met).collect()
}

#[test]
fn the_figure_decides_without_and_the_interval_with_a_confidence() {
    let at_least = Bound::AtLeast(0.9);
    let contract = all(&[
        require(Metric::Accuracy, at_least),
        confident(require(Metric::Accuracy, at_least), 0.95),
        confident(require(Metric::Accuracy, Bound::AtLeast(0.55)), 0.95),
        require(Metric::Recall, Bound::AtLeast(0.8)),
        require(Metric::LogLoss, Bound::AtMost(0.4)),
        confident(require(Metric::LogLoss, Bound::AtMost(0.4)), 0.95),
    ]);
    assert_eq!(met(&contract, 6), [true, false, true, true, true, false].map(Some));
    assert!(contract.lines[6..].iter().all(|line| line.met.is_none()) && !contract.is_met());
}

#[test]
fn a_figure_that_a_requirement_measures_is_not_measured_again() {
    let sliced = Requirement {
        rows: Some(parse_expression("age > 3").unwrap()),
        ..require(Metric::MacroF1, Bound::AtLeast(0.5))
    };
    let contract = all(&[require(Metric::Accuracy, Bound::AtLeast(0.9)), sliced, gap(Metric::LogLoss, 1.0)]);
    let usual: Vec<&str> = contract.lines[3..].iter().map(|line| line.metric.as_str()).collect();
    let expected = ["macro-f1", "log-loss", "auroc", "ece", "flops", "parameters", "file-size", "peak-memory"];
    assert_eq!(usual, expected);
}

#[test]
fn a_slice_is_measured_on_its_rows_only() {
    let first = RequirementRows { selected: Some((0..10).map(|row| row < 5).collect()), groups: None };
    let none = RequirementRows { selected: Some(vec![false; 10]), groups: None };
    let accuracy = require(Metric::Accuracy, Bound::AtLeast(0.9));
    let contract = decide(&[accuracy.clone(), accuracy], &nine_of_ten(), &[first, none]);
    let [first, none] = [&contract.lines[0], &contract.lines[1]];
    assert_eq!((first.value, first.rows, first.met), (Some(0.8), Some(5), Some(false)));
    assert_eq!((none.value, none.rows, none.met), (None, Some(0), Some(false)));
    assert_eq!(none.undefined.as_deref(), Some("there are no rows"));
}

#[test]
fn costs_are_exact_and_the_size_of_the_file_comes_last() {
    let mut contract = all(&[
        require(Metric::Flops, Bound::AtMost(100.0)),
        require(Metric::Parameters, Bound::AtMost(9.0)),
        require(Metric::FileSize, Bound::AtMost(1000.0)),
    ]);
    contract.set_file_size(1001);
    assert_eq!(met(&contract, 3), [true, false, false].map(Some));
    assert_eq!((contract.lines[2].value, contract.lines[2].rows), (Some(1001.0), None));
}

#[test]
fn what_a_clock_says_is_decided_beside_the_contract_and_never_stored() {
    let contract =
        all(&[require(Metric::Latency, Bound::AtMost(50.0)), require(Metric::Accuracy, Bound::AtLeast(0.5))]);
    let latency = &contract.lines[0];
    assert_eq!((latency.value, latency.met, latency.is_open()), (None, None, true));
    assert!(contract.is_met() && contract.requires_latency());
    assert!(contract.with_latency(50.0).is_met() && !contract.with_latency(50.5).is_met());
    assert!(!contract.with_latency(f64::NAN).is_met());
    let decided = contract.with_latency(12.5);
    assert_eq!((decided.lines[0].value, decided.lines[0].is_open()), (Some(12.5), false));
    assert_eq!(decided.lines[1..], contract.lines[1..]);
    // A file that holds a figure of a clock was made by another program.
    assert!(contract.requirements().is_ok());
    assert_eq!(decided.requirements().unwrap_err().code, error::CONTENTS);
    assert!(!all(&[require(Metric::Flops, Bound::AtMost(1e6))]).requires_latency());
}

#[test]
fn requirements_come_back_from_the_lines() {
    let sliced = Requirement {
        rows: Some(parse_expression("\"a b\" = 'x' and age > 3").unwrap()),
        ..confident(require(Metric::Recall, Bound::AtLeast(0.5)), 0.9)
    };
    let top = Requirement { k: Some(2), ..require(Metric::TopK, Bound::AtLeast(0.5)) };
    let requirements = vec![
        sliced,
        gap(Metric::SelectionRate, 0.2),
        top,
        require(Metric::Flops, Bound::AtMost(7.0)),
        require(Metric::Latency, Bound::AtMost(7.5)),
    ];
    let contract = all(&requirements);
    assert_eq!(contract.requirements().unwrap(), requirements);
    let json = serde_json::to_string(&contract).unwrap();
    assert_eq!(serde_json::from_str::<Contract>(&json).unwrap(), contract);
    let broken = |change: fn(&mut Contract)| {
        let mut broken = contract.clone();
        change(&mut broken);
        assert_eq!(broken.requirements().unwrap_err().code, error::CONTENTS);
    };
    broken(|contract| contract.lines[0].metric = "speed".into());
    broken(|contract| contract.lines[0].k = Some(3));
    broken(|contract| contract.lines[2].k = None);
    broken(|contract| contract.lines[2].class = Some("b".into()));
    broken(|contract| contract.lines[0].confidence = Some(2.0));
    broken(|contract| contract.lines[0].at_most = Some(1.0));
    broken(|contract| contract.lines[0].rows_where = Some("age >".into()));
}

#[test]
fn lines_that_an_earlier_version_wrote_are_read() {
    let line = r#"{"metric":"recall","class":"b","rows_where":null,"at_least":0.5,"at_most":null,"confidence":null,
        "value":0.8,"interval":[0.3,0.99],"rows":5,"met":true}"#;
    let old: Contract = serde_json::from_str(&format!("{{\"lines\":[{line}]}}")).unwrap();
    let requirements = old.requirements().unwrap();
    assert_eq!(requirements[0].output, None);
    let again = all(&requirements);
    assert_eq!((again.lines[0].value, again.lines[0].output.as_deref()), (Some(0.8), Some("kind")));
}

#[test]
fn what_the_program_or_the_data_does_not_have_is_not_met_and_says_why() {
    let unnamed = Requirement { class: Some("c".into()), ..require(Metric::Recall, Bound::AtLeast(0.0)) };
    let elsewhere = Requirement { output: Some("age".into()), ..require(Metric::Accuracy, Bound::AtLeast(0.0)) };
    let mismatch = require(Metric::RSquared, Bound::AtLeast(-100.0));
    let contract = all(&[unnamed, elsewhere, mismatch]);
    assert_eq!(met(&contract, 3), [Some(false); 3]);
    let why: Vec<&str> = contract.lines[..3].iter().filter_map(|line| line.undefined.as_deref()).collect();
    let expected =
        ["the data has no such class", "the program has no such output", "the metric is not measured on such answers"];
    assert_eq!(why, expected);
}

#[test]
fn anomalies_that_the_data_does_not_tell_miss_their_requirement() {
    let answers = Answers::Anomaly { truth: vec![], scores: vec![0.1, 0.9], threshold: 0.5 };
    let recall = Requirement { class: None, ..require(Metric::Recall, Bound::AtLeast(0.1)) };
    let contract = contract(
        &[recall],
        &[OutputAnswers { name: "kind", labels: &[], answers: &answers }],
        &[RequirementRows::default()],
        &COSTS,
    );
    assert_eq!(contract.lines[0].undefined.as_deref(), Some("the data does not say which rows are anomalous"));
    assert_eq!((contract.lines[0].met, contract.is_met()), (Some(false), false));
    assert_eq!((contract.lines[1].metric.as_str(), contract.lines[1].value), ("selection-rate", Some(0.5)));
}

#[test]
fn each_output_is_measured_on_its_own_answers() {
    let numbers = Answers::Number { truth: vec![1.0; 10], answers: vec![3.0; 10] };
    let labels = ["a".to_owned(), "b".to_owned()];
    let kinds = nine_of_ten();
    let outputs = [
        OutputAnswers { name: "age", labels: &[], answers: &numbers },
        OutputAnswers { name: "kind", labels: &labels, answers: &kinds },
    ];
    let mae = Requirement { output: Some("age".into()), ..require(Metric::MeanAbsoluteError, Bound::AtMost(2.0)) };
    let requirements = [require(Metric::Accuracy, Bound::AtLeast(0.9)), mae];
    let contract =
        contract(&requirements, &outputs, &[const { RequirementRows { selected: None, groups: None } }; 2], &COSTS);
    assert_eq!((contract.lines[0].value, contract.lines[1].value), (Some(0.9), Some(2.0)));
    let usual: Vec<(&str, Option<&str>)> =
        contract.lines[2..].iter().map(|line| (line.metric.as_str(), line.output.as_deref())).collect();
    let (age, kind) = (Some("age"), Some("kind"));
    assert_eq!(
        usual[..6],
        [("rmse", age), ("r2", age), ("macro-f1", kind), ("log-loss", kind), ("auroc", kind), ("ece", kind)]
    );
    assert!(usual[6..].iter().all(|(_, output)| output.is_none()));
}

/// Rows of women, men, and one of a group that the recall of `b` is not defined for.
fn sexes() -> Groups {
    let labels = ["", "f", "m"].map(str::to_owned).to_vec();
    Groups { labels, ids: vec![1, 1, 1, 2, 2, 1, 1, 2, 2, 0] }
}

#[test]
fn a_gap_is_the_greatest_difference_between_groups_that_have_the_figure() {
    let rows = RequirementRows { selected: None, groups: Some(sexes()) };
    let requirements = [gap(Metric::Recall, 0.5), gap(Metric::Recall, 0.49), gap(Metric::SelectionRate, 1.0)];
    let contract = decide(&requirements, &nine_of_ten(), &vec![rows; 3]);
    assert_eq!(met(&contract, 3), [true, false, true].map(Some));
    // Of class b three women are all found, and one of two men.
    let recall = &contract.lines[0];
    assert_eq!((recall.value, recall.rows), (Some(0.5), Some(9)));
    let Some(Gap { column, between: Some([greatest, least]) }) = &recall.gap else { panic!("{recall:?}") };
    assert_eq!(column, "sex");
    assert_eq!((greatest.group.as_str(), greatest.value, greatest.rows), ("f", 1.0, 3));
    assert_eq!((least.group.as_str(), least.value, least.rows), ("m", 0.5, 2));
    let [low, high] = recall.interval.unwrap();
    assert!(low == 0.0 && high > 0.5, "so few rows tell little: {low} {high}");
    // Selected are three of five women, one of four men, and not the one of neither.
    let [greatest, least] = contract.lines[2].gap.as_ref().unwrap().between.clone().unwrap();
    assert_eq!((greatest.group.as_str(), least.group.as_str(), contract.lines[2].rows), ("f", "", Some(10)));
    assert_eq!(contract.lines[2].value, Some(0.6));
}

#[test]
fn the_upper_end_of_a_gap_decides_with_a_confidence() {
    let rows = RequirementRows { selected: None, groups: Some(sexes()) };
    let contract = decide(&[confident(gap(Metric::Recall, 0.5), 0.95)], &nine_of_ten(), &[rows]);
    assert_eq!(met(&contract, 1), [Some(false)]);
}

#[test]
fn a_gap_within_a_slice_compares_only_its_rows() {
    let selected = (0..10).map(|row| row < 4).collect();
    let rows = RequirementRows { selected: Some(selected), groups: Some(sexes()) };
    let women = RequirementRows { selected: Some((0..10).map(|row| row < 3).collect()), groups: Some(sexes()) };
    let requirements = [gap(Metric::Accuracy, 0.0), gap(Metric::Accuracy, 0.0)];
    let contract = decide(&requirements, &nine_of_ten(), &[rows, women]);
    assert_eq!((contract.lines[0].value, contract.lines[0].rows), (Some(0.0), Some(4)));
    assert_eq!((contract.lines[1].value, contract.lines[1].met), (None, Some(false)));
    assert_eq!(contract.lines[1].undefined.as_deref(), Some("fewer than two groups have the figure"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_gap_of_identical_groups_is_nought_and_no_order_of_rows_changes_a_gap(
        rows in prop::collection::vec((0i32..2, 0i32..2), 2..20),
        groups in 2usize..5,
        seed in any::<u64>(),
    ) {
        let one: (Vec<i32>, Vec<i32>) = rows.iter().copied().unzip();
        let answers = two_classes(&one.0.repeat(groups), &one.1.repeat(groups));
        let labels: Vec<String> = (0..groups).map(|group| group.to_string()).collect();
        let ids: Vec<u32> = (0..groups as u32).flat_map(|group| vec![group; rows.len()]).collect();
        let identical = Groups { labels: labels.clone(), ids: ids.clone() };
        let of = |answers: &Answers, groups: Groups| {
            let metrics = [Metric::Accuracy, Metric::SelectionRate, Metric::LogLoss, Metric::MacroF1];
            let rows = RequirementRows { selected: None, groups: Some(groups) };
            decide(&metrics.map(|metric| gap(metric, 1.0)), answers, &vec![rows; 4]).lines[..4].to_vec()
        };
        for line in of(&answers, identical) {
            prop_assert_eq!(line.value, Some(0.0), "{:?}", line);
            prop_assert_eq!(line.interval.unwrap()[0], 0.0);
        }
        // Other groups differ, but not by the order of their rows.
        let mut random = SplitMix64::new(seed);
        let ids: Vec<u32> = ids.iter().map(|_| random.below(groups as u64) as u32).collect();
        let mut order: Vec<usize> = (0..ids.len()).collect();
        random.shuffle(&mut order);
        let shuffled = Groups { labels: labels.clone(), ids: order.iter().map(|row| ids[*row]).collect() };
        prop_assert_eq!(of(&answers, Groups { labels, ids }), of(&answers.select(&order), shuffled));
    }
}

#[test]
fn the_figure_of_a_line_is_that_of_the_metric() {
    let contract = all(&[require(Metric::Auroc, Bound::AtLeast(0.5))]);
    let measured = measure(Metric::Auroc.into(), &nine_of_ten(), CONFIDENCE);
    assert_eq!((contract.lines[0].value, contract.lines[0].interval), (Some(measured.value), measured.interval));
}
