//! Every error of the manifest is triggered once, with the place it points at; whole manifests are read as they are
//! meant; and no text makes the reader panic.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tacit_spec::keys::{Presence, TABLES};
use tacit_spec::report::{Colour, render, render_json};
use tacit_spec::*;

/// A manifest with nothing left out.
const FULL: &str = r#"
[program]
name = "digits"
seed = 7

[input.image]
type = "image"
columns = ["p0*", "p*7"]
size = [8, 8, 1]
scale = 16

[output.digit]
type = "category"
column = "label"
classes = ["7", "8"]

[data]
source = "digits.csv"
split = { validation = 0.15, test = 0.25, seed = 3 }

[skeleton]
layers = ["conv 3x3 16", { residual = ["batch-norm", "relu", "conv 3x3 16"] }, "flatten", "dense 64"]

[goal]
minimise = "cross-entropy"
label-smoothing = 0.1
class-weights = "balanced"

[search]
epochs = 20
batch = 64
optimiser = "sgd"
learning-rate = 1e-2
weight-decay = 0
momentum = 0.5
schedule = "constant"
warmup = 10
clip = 1
patience = 4
average = 0.99

[[require]]
metric = "recall"
class = "8"
where = "label = '8' and age > 3"
at_least = 0.85
confidence = 0.95

[[require]]
metric = "flops"
at_most = 200_000

[baseline]
command = ["python3", "rules.py"]
"#;

/// A manifest with nothing that could be left out.
const SHORT: &str = r#"
[program]
name = "price"
[input.age]
type = "number"
[input.rooms]
type = "vector"
columns = "r*"
size = 3
[output.price]
type = "number"
[data]
source = "houses.csv"
[skeleton]
preset = "mlp"
[goal]
minimise = "huber"
"#;

/// The full manifest with one piece exchanged.
fn full(from: &str, to: &str) -> String {
    assert_eq!(FULL.matches(from).count(), 1, "{from} stands once in the manifest");
    FULL.replace(from, to)
}

fn short(from: &str, to: &str) -> String {
    assert_eq!(SHORT.matches(from).count(), 1, "{from} stands once in the manifest");
    SHORT.replace(from, to)
}

/// The full manifest with one more requirement.
fn require(keys: &str) -> String {
    full("[baseline]", &format!("[[require]]\n{keys}\n[baseline]"))
}

fn short_require(keys: &str) -> String {
    format!("{SHORT}[[require]]\n{keys}\n")
}

fn errors(text: &str) -> Vec<Diagnostic> {
    parse("Tacit.toml", text).err().unwrap_or_default()
}

/// The text that a diagnostic underlines; nothing for one that is about the whole file.
fn underlined(diagnostic: &Diagnostic) -> &str {
    match &diagnostic.place {
        Place::Span { source, span } => &source.text[span.clone()],
        Place::File(_) => "",
        Place::Nowhere | Place::Row { .. } => panic!("{diagnostic:?}"),
    }
}

/// Manifests with one error each: the code and the text it points at.
fn cases() -> Vec<(Code, String, &'static str)> {
    let layers = FULL.lines().find(|line| line.starts_with("layers")).unwrap();
    let skeleton = |text: &str| full(layers, text);
    vec![
        (Code::Syntax, full("seed = 7", "seed = "), ""),
        (Code::Syntax, full("seed = 7", "seed = 7\nseed = 8"), "seed"),
        (Code::UnknownKey, full("epochs = 20", "epoch = 20"), "epoch"),
        (Code::UnknownKey, full("[baseline]", "[banana]"), "banana"),
        (Code::UnknownKey, full("[goal]", "[gaol]"), "gaol"),
        (Code::MissingKey, full("metric = \"flops\"", ""), "[[require]]"),
        (Code::MissingKey, require("metric = \"top-k\"\nat_least = 0.9"), "[[require]]"),
        (Code::MissingKey, require("metric = \"f1\"\nat_least = 0.9"), "[[require]]"),
        (Code::MissingKey, require("metric = \"selection-rate\"\ngap = \"sex\"\nat_most = 0.1"), "[[require]]"),
        (Code::MissingKey, full("name = \"digits\"", ""), "[program]"),
        (Code::MissingKey, full("class = \"8\"\nwhere = \"label = '8' and age > 3\"", ""), "[[require]]"),
        (Code::MissingKey, full("[program]\nname = \"digits\"\nseed = 7\n", ""), ""),
        (Code::MissingKey, skeleton(""), "[skeleton]"),
        (Code::WrongType, full("epochs = 20", "epochs = \"20\""), "\"20\""),
        (
            Code::WrongType,
            full("[[require]]\nmetric = \"flops\"\nat_most = 200_000", "").replace("[[require]]", "[require]"),
            "[require]",
        ),
        (Code::WrongType, skeleton("layers = [3]"), "3"),
        (Code::OutOfRange, full("at_least = 0.85", "at_least = 85"), "85"),
        (Code::OutOfRange, require("metric = \"top-k\"\nk = 0\nat_least = 0.9"), "0"),
        (Code::OutOfRange, require("metric = \"top-k\"\nk = 2\nat_least = 0.9"), "2"),
        (Code::OutOfRange, require("metric = \"accuracy\"\ngap = \"sex\"\nat_most = 1.5"), "1.5"),
        (Code::OutOfRange, require("metric = \"latency\"\nat_most = -1"), "-1"),
        (Code::OutOfRange, short_require("metric = \"r2\"\nat_least = 1.1"), "1.1"),
        (Code::OutOfRange, short_require("metric = \"r2\"\ngap = \"age\"\nat_most = -0.5"), "-0.5"),
        (Code::OutOfRange, full("learning-rate = 1e-2", "learning-rate = inf"), "inf"),
        (Code::OutOfRange, full("clip = 1", "clip = nan"), "nan"),
        (Code::OutOfRange, full("seed = 7", "seed = -1"), "-1"),
        (
            Code::OutOfRange,
            full("batch = 64", "batch = 99999999999999999999999999999999999999999999"),
            "99999999999999999999999999999999999999999999",
        ),
        (Code::OutOfRange, full("[8, 8, 1]", "[8]"), "[8]"),
        (Code::OutOfRange, full("[\"7\", \"8\"]", "[\"8\"]"), "[\"8\"]"),
        (Code::OutOfRange, full("[\"python3\", \"rules.py\"]", "[]"), "[]"),
        (Code::UnknownValue, full("\"sgd\"", "\"sdg\""), "\"sdg\""),
        (Code::UnknownValue, full("class = \"8\"", "class = \"9\""), "\"9\""),
        (Code::UnknownValue, require("metric = \"auroc\"\nclass = \"9\"\nat_least = 0.9"), "\"9\""),
        (Code::UnknownValue, require("metric = \"auroc\"\noutput = \"digits\"\nat_least = 0.9"), "\"digits\""),
        (Code::BadName, full("\"digits\"", "\"Di/gits\""), "\"Di/gits\""),
        (Code::BadName, full("[input.image]", "[input.\"a b\"]"), "[input.\"a b\"]"),
        (Code::NameTwice, full("[\"7\", \"8\"]", "[\"8\", \"8\"]"), "\"8\""),
        (Code::NameTwice, short("[output.price]", "[output.age]"), "[output.age]"),
        (
            Code::SplitFractions,
            full("validation = 0.15", "validation = 0.75"),
            "{ validation = 0.75, test = 0.25, seed = 3 }",
        ),
        (Code::UnknownLayer, skeleton("layers = [\"relo\"]"), "relo"),
        (Code::UnknownLayer, skeleton("layers = [{ residual = [\"relo\"] }]"), "relo"),
        (Code::LayerArguments, skeleton("layers = [\"conv 3x3\"]"), "conv 3x3"),
        (Code::LayerArguments, skeleton("layers = [{ residual = [] }]"), "[]"),
        (Code::LayerShape, skeleton("layers = [\"dense 3\"]"), "\"dense 3\""),
        (Code::LayerShape, skeleton("layers = [{ residual = [\"pool 2\"] }]"), "{ residual = [\"pool 2\"] }"),
        (Code::LayerShape, short("\"mlp\"", "\"convnet\""), "\"convnet\""),
        (Code::TooLarge, skeleton("layers = [\"flatten\", \"dense 1000000\", \"dense 1000000\"]"), "\"dense 1000000\""),
        (Code::TooLarge, skeleton(&format!("layers = [{}]", "\"relu\",".repeat(1001))), "\"relu\""),
        (
            Code::TooLarge,
            skeleton(&format!("layers = [{}\"relu\"{}]", "{ residual = [".repeat(9), "] }".repeat(9))),
            "{ residual = [\"relu\"] }",
        ),
        (Code::TooLarge, full("[8, 8, 1]", "[1000000, 1000000, 1]"), "[1000000, 1000000, 1]"),
        (Code::TooLarge, full("[baseline]", &format!("{}\n[baseline]", "[[require]]\n".repeat(1000))), "[[require]]"),
        (Code::GoalMismatch, short("\"huber\"", "\"cross-entropy\""), "\"cross-entropy\""),
        (Code::MetricMismatch, full("\"flops\"\nat_most = 200_000", "\"rmse\"\nat_most = 1"), "\"rmse\""),
        (Code::MetricMismatch, short_require("metric = \"auroc\"\nat_least = 0.9"), "\"auroc\""),
        (
            Code::MetricMismatch,
            short_require("metric = \"top-k\"\nk = 2\noutput = \"price\"\nat_least = 0.9"),
            "\"top-k\"",
        ),
        (Code::BoundCount, full("at_most = 200_000", ""), "[[require]]"),
        (Code::BoundCount, full("at_least = 0.85", "at_least = 0.85\nat_most = 0.9"), "[[require]]"),
        (Code::BoundCount, require("metric = \"accuracy\"\ngap = \"sex\""), "[[require]]"),
        (
            Code::BoundCount,
            require("metric = \"selection-rate\"\nclass = \"8\"\nat_least = 0.1\nat_most = 0.2"),
            "[[require]]",
        ),
        (Code::BoundSide, full("at_most = 200_000", "at_least = 3"), "3"),
        (Code::BoundSide, require("metric = \"accuracy\"\ngap = \"sex\"\nat_least = 0.1"), "0.1"),
        (Code::BoundSide, require("metric = \"latency\"\nat_least = 50"), "50"),
        (
            Code::BoundConflict,
            full("[baseline]", "[[require]]\nmetric = \"flops\"\nat_most = 3\n[baseline]"),
            "[[require]]",
        ),
        (
            Code::BoundConflict,
            require(
                "metric = \"top-k\"\nk = 1\nat_least = 0.9\n[[require]]\nmetric = \"top-k\"\nk = 1\nat_least = 0.8",
            ),
            "[[require]]",
        ),
        (Code::BadExpression, full("age > 3", "age > '3'"), ">"),
        (Code::NotAvailable, full("[goal]", "width = \"search\"\n[goal]"), "\"search\""),
        (Code::NotAvailable, full("digits.csv", "digits.parquet"), "\"digits.parquet\""),
        (Code::NotAvailable, full("[baseline]", "[output.more]\ntype = \"number\"\n[baseline]"), "[output.more]"),
        (Code::NotAvailable, full("[baseline]", "[input.more]\ntype = \"number\"\n[baseline]"), "[input.more]"),
        (Code::BadColumns, full("[\"p0*\", \"p*7\"]", "[]"), "[]"),
        (Code::BadColumns, full("[\"p0*\", \"p*7\"]", "\"\""), "\"\""),
        (Code::BadColumns, full("column = \"label\"", "column = \"l*\""), "\"l*\""),
        (Code::BadColumns, require("metric = \"accuracy\"\ngap = \"\"\nat_most = 0.1"), "\"\""),
        (
            Code::TooManyErrors,
            "\n\n[program]\n".to_owned() + &(0..200).map(|i| format!("zz{i} = 1\n")).collect::<String>(),
            "",
        ),
        (Code::NotApplicable, full("\"sgd\"", "\"adamw\""), "0.5"),
        (Code::NotApplicable, full("\"constant\"", "\"one-cycle\""), "10"),
        (Code::NotApplicable, full("at_most = 200_000", "at_most = 200_000\nclass = \"8\""), "\"8\""),
        (Code::NotApplicable, full("at_most = 200_000", "at_most = 200_000\noutput = \"digit\""), "\"digit\""),
        (Code::NotApplicable, full("at_most = 200_000", "at_most = 200_000\ngap = \"sex\""), "\"sex\""),
        (Code::NotApplicable, full("at_most = 200_000", "at_most = 200_000\nk = 3"), "3"),
        (Code::NotApplicable, require("metric = \"latency\"\nwhere = \"a = 1\"\nat_most = 50"), "\"a = 1\""),
        (Code::NotApplicable, require("metric = \"macro-f1\"\nclass = \"8\"\nat_least = 0.5"), "\"8\""),
        (Code::NotApplicable, short("\"huber\"", "\"squared-error\"\ndelta = 3"), "3"),
        (Code::FileTooLarge, "#".repeat((1 << 20) + 1), ""),
    ]
}

#[test]
fn every_code_of_the_manifest_is_triggered_and_points_at_its_cause() {
    let mut triggered = BTreeSet::new();
    for (code, text, part) in cases() {
        let found = errors(&text);
        let codes: Vec<Code> = found.iter().map(|diagnostic| diagnostic.code).collect();
        let diagnostic = found.iter().find(|diagnostic| diagnostic.code == code);
        let diagnostic = diagnostic.unwrap_or_else(|| panic!("{code} is not in {codes:?}: {text}"));
        assert_eq!(underlined(diagnostic).trim(), part, "{}", render(&found, Colour::Never));
        assert!(diagnostic.help.is_some(), "{code} does not say how to fix it");
        // One mistake gives one error, except where nothing at all is said about what must be there.
        if code != Code::TooManyErrors {
            assert_eq!(codes, [code], "{}", render(&found, Colour::Never));
        }
        triggered.insert(code.number());
    }
    let missing: Vec<&Code> =
        Code::ALL.iter().filter(|code| code.stage() == Stage::Manifest && !triggered.contains(code.number())).collect();
    assert!(missing.is_empty(), "{missing:?} are triggered by no case");
}

#[test]
fn every_code_about_files_is_triggered() {
    let folder = std::env::temp_dir().join(format!("tacit-spec-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let code = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.join(name);
        if let Some(bytes) = bytes {
            std::fs::write(&path, bytes).unwrap();
        }
        tacit_spec::read(&path).unwrap_err()[0].code
    };
    let mut triggered = vec![
        code("missing.toml", None),
        code("latin.toml", Some(b"[program]\nname = \"caf\xe9\"")),
        code("large.toml", Some("é".repeat(1 << 20).as_bytes())),
    ];
    std::fs::remove_dir_all(&folder).unwrap();
    triggered.sort_by_key(|code| code.number());
    let all: Vec<Code> = Code::ALL.iter().copied().filter(|code| code.stage() == Stage::Files).collect();
    assert_eq!(triggered, all);
}

#[test]
fn every_key_is_read_from_its_table() {
    for table in TABLES {
        for key in table.keys {
            // No key takes a date, so each must be refused where it is read.
            let text = match table.header {
                "the manifest" => format!("{} = 1979-05-27", key.name),
                "split" => format!("[data]\nsource = \"a.csv\"\nsplit = {{ {} = 1979-05-27 }}", key.name),
                "[input.NAME]" => ["number", "vector", "image"]
                    .into_iter()
                    .map(|kind| format!("[input.{kind}]\ntype = \"{kind}\"\n{} = 1979-05-27\n", key.name))
                    .collect::<String>()
                    .replace("type = \"number\"\ntype", "type"),
                "[output.NAME]" if key.name != "type" => {
                    format!("[output.x]\ntype = \"category\"\n{} = 1979-05-27", key.name)
                }
                "[goal]" if key.name == "delta" => "[goal]\nminimise = \"huber\"\ndelta = 1979-05-27".into(),
                "[goal]" if key.name != "minimise" => {
                    format!("[goal]\nminimise = \"cross-entropy\"\n{} = 1979-05-27", key.name)
                }
                "[[require]]" if key.name == "at_most" => {
                    "[[require]]\nmetric = \"flops\"\nat_most = 1979-05-27".into()
                }
                "[[require]]" if key.name == "k" => "[[require]]\nmetric = \"top-k\"\nk = 1979-05-27".into(),
                "[[require]]" if key.name != "metric" => {
                    let output = "[output.x]\ntype = \"category\"\n";
                    format!("{output}[[require]]\nmetric = \"recall\"\n{} = 1979-05-27", key.name)
                }
                header => format!("{}\n{} = 1979-05-27", header.replace("NAME", "x"), key.name),
            };
            // A key given twice in one table of the case is left to its first occurrence.
            let text = text.replace("type = \"vector\"\ntype", "type").replace("type = \"image\"\ntype", "type");
            let found = errors(&text);
            let refused = found.iter().any(|diagnostic| {
                underlined(diagnostic).contains("1979-05-27")
                    && matches!(diagnostic.code, Code::WrongType | Code::NotAvailable)
            });
            assert!(refused, "{} {}: {}\n{text}", table.header, key.name, render(&found, Colour::Never));
        }
    }
}

#[test]
fn a_required_key_that_is_missing_is_named() {
    let found = errors("");
    let named: Vec<&str> = TABLES[0]
        .keys
        .iter()
        .filter(|key| key.presence == Presence::Required)
        .map(|key| key.value)
        .filter(|value| found.iter().any(|diagnostic| diagnostic.message.contains(value)))
        .collect();
    assert_eq!(named.len(), found.len());
    assert_eq!(named.len(), 6);
}

#[test]
fn all_errors_are_found_in_one_go_and_in_the_order_of_the_file() {
    let text = FULL
        .replace("\"digits\"", "\"DIGITS\"")
        .replace("scale = 16", "scale = 0")
        .replace("conv 3x3 16\"]", "conv 3x3\"]")
        .replace("epochs = 20", "epochs = 0")
        .replace("at_most = 200_000", "at_most = 0.5");
    let codes: Vec<Code> = errors(&text).iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [Code::BadName, Code::OutOfRange, Code::LayerArguments, Code::OutOfRange, Code::WrongType]);
}

#[test]
fn the_full_manifest_is_read_as_it_is_meant() {
    let specification = parse("Tacit.toml", FULL).unwrap();
    assert_eq!(specification.program, Program { name: "digits".into(), seed: 7 });
    assert_eq!(specification.input_shape(), Shape::Image { height: 8, width: 8, channels: 1 });
    let kind = InputKind::Image { height: 8, width: 8, channels: 1, scale: Some(16.0) };
    assert_eq!(specification.inputs[0].kind, kind);
    assert_eq!(specification.inputs[0].columns.patterns.len(), 2);
    assert_eq!(specification.outputs[0].column.text, "label");
    let split = &specification.data.split;
    assert_eq!((split.validation, split.test, split.seed), (0.15, 0.25, 3));
    let layers: Vec<String> = specification.layers.iter().map(Layer::to_string).collect();
    let residual = "{ residual = [\"batch-norm\", \"relu\", \"conv 3x3 16\"] }";
    assert_eq!(layers, ["conv 3x3 16", residual, "flatten", "dense 64"]);
    let loss = Loss::CrossEntropy { label_smoothing: 0.1 };
    assert_eq!(specification.goal, Goal { loss, class_weights: ClassWeights::Balanced });
    let search = Search {
        epochs: 20,
        batch: 64,
        optimiser: Optimiser::Sgd { momentum: 0.5 },
        learning_rate: 0.01,
        weight_decay: 0.0,
        schedule: Schedule::Constant,
        warmup_steps: 10,
        clip: Some(1.0),
        patience_epochs: Some(4),
        average: Some(0.99),
    };
    assert_eq!(specification.search, search);
    let [recall, flops] = &specification.requirements[..] else { panic!() };
    assert_eq!((recall.metric, recall.class.as_deref(), recall.confidence), (Metric::Recall, Some("8"), Some(0.95)));
    assert_eq!(recall.rows.as_ref().unwrap().to_string(), "label = '8' and age > 3");
    assert_eq!((flops.metric, flops.bound), (Metric::Flops, Bound::AtMost(200_000.0)));
    assert_eq!(specification.baseline.unwrap().command, ["python3", "rules.py"]);
}

#[test]
fn what_is_left_out_has_its_default() {
    let specification = parse("Tacit.toml", SHORT).unwrap();
    assert_eq!(specification.program.seed, 1);
    assert_eq!(specification.inputs[0].columns.patterns[0].text, "age");
    assert_eq!(specification.outputs[0].column.text, "price");
    assert_eq!(specification.input_shape(), Shape::Vector(4));
    let split = &specification.data.split;
    assert_eq!((split.validation, split.test, split.seed), (0.1, 0.2, 1));
    assert_eq!(specification.goal.loss, Loss::Huber { delta: 1.0 });
    let search = &specification.search;
    assert_eq!((search.epochs, search.batch, search.optimiser), (100, 32, Optimiser::AdamW));
    assert_eq!((search.learning_rate, search.weight_decay, search.warmup_steps), (0.001, 0.01, 0));
    assert!(specification.requirements.is_empty() && specification.baseline.is_none());
}

#[test]
fn a_recall_over_the_rows_of_one_class_is_of_that_class() {
    let text = full("class = \"8\"\nwhere = \"label = '8' and age > 3\"", "where = \"label = '8'\"");
    let specification = parse("Tacit.toml", &text).unwrap();
    assert_eq!(specification.requirements[0].class.as_deref(), Some("8"));
    // Over those rows a precision would be 1 by construction, so it has to name its class.
    let precision = text.replace("\"recall\"", "\"precision\"");
    assert_eq!(errors(&precision)[0].code, Code::MissingKey);
}

#[test]
fn every_key_of_a_requirement_is_read_as_it_is_meant() {
    let of = |keys: &str| parse("Tacit.toml", &require(keys)).unwrap_or_else(|found| panic!("{found:?}")).requirements;
    let gap = of("metric = \"auroc\"\nwhere = \"age > 3\"\ngap = \"sex\"\nat_most = 0.1\nconfidence = 0.9").remove(2);
    assert_eq!((gap.metric, gap.output.as_deref(), gap.class), (Metric::Auroc, Some("digit"), None));
    assert_eq!((gap.gap.as_deref(), gap.bound, gap.confidence), (Some("sex"), Bound::AtMost(0.1), Some(0.9)));
    assert_eq!(gap.rows.unwrap().to_string(), "age > 3");
    let top = of("metric = \"top-k\"\nk = 1\noutput = \"digit\"\nat_least = 0.9").remove(2);
    assert_eq!((top.metric, top.k, top.gap), (Metric::TopK, Some(1), None));
    let latency = of("metric = \"latency\"\nat_most = 12.5").remove(2);
    assert_eq!((latency.metric, latency.output, latency.bound), (Metric::Latency, None, Bound::AtMost(12.5)));
    let worse = short_require("metric = \"r2\"\nat_least = -0.5");
    assert_eq!(parse("Tacit.toml", &worse).unwrap().requirements[0].bound, Bound::AtLeast(-0.5));
    let rate = "metric = \"selection-rate\"\nclass = \"8\"\n";
    let band = of(&format!("{rate}at_least = 0.1\n[[require]]\n{rate}at_most = 0.2"));
    assert_eq!((band[2].bound, band[3].bound), (Bound::AtLeast(0.1), Bound::AtMost(0.2)));
}

#[test]
fn with_several_outputs_a_requirement_says_which_it_is_about_unless_its_metric_does() {
    let two = |keys: &str| {
        let more = "[output.kind]\ntype = \"category\"\n[output.age]\ntype = \"number\"\n[data]";
        require(keys)
            .replace("[data]", more)
            .replace("class = \"8\"\nwhere", "class = \"8\"\noutput = \"digit\"\nwhere")
    };
    let about_outputs = |keys: &str| {
        let found = errors(&two(keys));
        found
            .into_iter()
            .find(|diagnostic| diagnostic.code == Code::MissingKey && diagnostic.message.contains("output"))
    };
    let found = about_outputs("metric = \"accuracy\"\nat_least = 0.9").unwrap();
    assert_eq!(underlined(&found), "[[require]]");
    assert_eq!(found.help.as_deref(), Some("add `output = \"digit\"`, or another of its outputs"));
    assert_eq!(about_outputs("metric = \"accuracy\"\noutput = \"kind\"\nat_least = 0.9"), None);
    assert_eq!(about_outputs("metric = \"mae\"\nat_most = 3"), None, "only one output is a number");
    let mismatch = errors(&two("metric = \"mae\"\noutput = \"kind\"\nat_most = 3"));
    assert!(mismatch.iter().any(|diagnostic| diagnostic.code == Code::MetricMismatch));
}

/// Nothing that a diagnostic can do to its readers may panic.
fn harmless(text: &str) {
    if let Err(found) = parse("Tacit.toml", text) {
        assert!(!found.is_empty(), "refused without a reason: {text}");
        render(&found, Colour::Never);
        render_json(&found);
        found.iter().for_each(|diagnostic| assert!(!diagnostic.message.is_empty()));
    }
}

#[test]
fn hostile_texts_are_refused_quickly() {
    harmless(&"[".repeat(100_000));
    harmless(&format!("a = {}", "[".repeat(100_000)));
    harmless(&format!("a = {}1{}", "{a=".repeat(10_000), "}".repeat(10_000)));
    harmless(&"a.".repeat(50_000));
    harmless(&"[[require]]\n".repeat(80_000));
    harmless(&(0..50_000).map(|i| format!("[input.a{i}]\n")).collect::<String>());
    harmless(&(0..100_000).map(|i| format!("k{i}=1\n")).collect::<String>());
    harmless("\u{feff}[program]\r\nname = \"\u{202e}\u{1b}\"\r\n\0");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        harmless(&text);
    }

    #[test]
    fn no_mutation_of_a_manifest_makes_it_panic(
        short in any::<bool>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[\\[\\]{}=\",.'#0-9a-z_ \n\u{e9}\u{0}-]{0,6}"), 1..6),
    ) {
        let mut text: Vec<char> = if short { SHORT } else { FULL }.chars().collect();
        for (at, removed, inserted) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        harmless(&text.into_iter().collect::<String>());
    }

    #[test]
    fn no_exchange_of_values_makes_it_panic(
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let mut lines: Vec<String> = FULL.lines().map(str::to_owned).collect();
        for (a, b) in swaps {
            let (a, b) = (a.index(lines.len()), b.index(lines.len()));
            let value = lines[b].split_once('=').map(|(_, value)| value.to_owned());
            if let (Some((key, _)), Some(value)) = (lines[a].clone().split_once('='), value) {
                lines[a] = format!("{key}={value}");
            } else {
                lines.swap(a, b);
            }
        }
        harmless(&lines.join("\n"));
    }
}
