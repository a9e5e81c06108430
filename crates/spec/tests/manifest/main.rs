//! Every error of the manifest is triggered once, with the place it points at; whole manifests are read as they are
//! meant; and no text makes the reader panic.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tacit_spec::keys::{Presence, TABLES};
use tacit_spec::report::{Colour, render, render_json};
use tacit_spec::*;

mod cases;
mod samples;

use cases::cases;
use samples::*;

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
        let shown = render(&found, Colour::Never);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
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
    // The command `tacit new` raises these, and its tests trigger them.
    let elsewhere = [Code::ManifestExists, Code::Unanswered];
    let all = Code::ALL.iter().copied().filter(|code| code.stage() == Stage::Files && !elsewhere.contains(code));
    let all: Vec<Code> = all.collect();
    assert_eq!(triggered, all);
}

#[test]
fn every_key_is_read_from_its_table() {
    for definition in TABLES {
        for key in definition.keys {
            // No key takes a date, so each must be refused where it is read.
            let line = format!("{} = 1979-05-27", key.name);
            let texts = match definition.header {
                "the manifest" => vec![line],
                "split" => vec![format!("[data]\nsource = \"a.csv\"\nsplit = {{ {line} }}")],
                "[input.NAME]" => of_each_type("input", INPUT_TYPES, key.name),
                "[output.NAME]" => of_each_type("output", OUTPUT_TYPES, key.name),
                "[goal]" if key.name != "minimise" => {
                    ["cross-entropy", "huber"].map(|loss| format!("[goal]\nminimise = \"{loss}\"\n{line}")).to_vec()
                }
                "[[require]]" if key.name != "metric" => ["flops", "recall", "top-k"]
                    .map(|metric| {
                        format!("[output.x]\ntype = \"category\"\n[[require]]\nmetric = \"{metric}\"\n{line}")
                    })
                    .to_vec(),
                header => vec![format!("{}\n{line}", header.replace("NAME", "x"))],
            };
            let refused = texts.iter().any(|text| {
                errors(text).iter().any(|diagnostic| {
                    underlined(diagnostic).contains("1979-05-27")
                        && matches!(diagnostic.code, Code::WrongType | Code::NotAvailable)
                })
            });
            assert!(refused, "{} {}", definition.header, key.name);
        }
    }
}

const INPUT_TYPES: &[&str] = &["number", "category", "ordinal", "date", "vector", "image"];
const OUTPUT_TYPES: &[&str] = &["category", "labels", "number", "anomaly"];

/// A table of each type with a date as the value of a key.
fn of_each_type(kind: &str, types: &[&str], key: &str) -> Vec<String> {
    let table = |name: &&str| match key {
        "type" => format!("[{kind}.x]\ntype = 1979-05-27"),
        // Without a column nothing tells which rows are normal.
        "normal" => format!("[{kind}.x]\ntype = \"{name}\"\ncolumn = \"x\"\nnormal = 1979-05-27"),
        // Pictures go from 0 to 255; only columns of values have a scale.
        "scale" => format!("[{kind}.x]\ntype = \"{name}\"\ncolumns = \"x*\"\nscale = 1979-05-27"),
        _ => format!("[{kind}.x]\ntype = \"{name}\"\n{key} = 1979-05-27"),
    };
    types.iter().map(table).collect()
}

#[test]
fn every_type_owns_the_keys_that_it_reads_and_refuses_those_of_others() {
    let listed = |definition: &keys::Table| {
        let key = definition.keys.iter().find(|key| key.name == "type").unwrap();
        key.value.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(listed(&keys::INPUT), INPUT_TYPES);
    assert_eq!(listed(&keys::OUTPUT), OUTPUT_TYPES);
    for (kind, definition, types) in [("input", &keys::INPUT, INPUT_TYPES), ("output", &keys::OUTPUT, OUTPUT_TYPES)] {
        for key in definition.keys.iter().filter(|key| key.name != "type") {
            let codes: Vec<Code> = of_each_type(kind, types, key.name)
                .iter()
                .map(|text| {
                    let found = errors(text);
                    let at_key = found.iter().find(|diagnostic| underlined(diagnostic) == "1979-05-27");
                    at_key.unwrap_or_else(|| panic!("{text}: {}", render(&found, Colour::Never))).code
                })
                .collect();
            // Every key belongs to some type, and its value is then looked at.
            assert!(codes.contains(&Code::WrongType), "{kind} {}: {codes:?}", key.name);
            assert!(codes.iter().all(|code| matches!(code, Code::WrongType | Code::NotApplicable)), "{codes:?}");
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
    assert_eq!(named.len(), 5);
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
    let program =
        Program { name: "digits".into(), seed: 7, convolutions: Convolutions::Winograd, precision: Precision::F32 };
    assert_eq!(specification.program, program);
    assert_eq!(specification.input_shape(), Shape::Image { height: 8, width: 8, channels: 1 });
    let kind = InputKind::Image { height: 8, width: 8, channels: 1, scale: Some(16.0) };
    assert_eq!((&specification.inputs[0].kind, specification.inputs[0].missing), (&kind, Missing::Refuse));
    assert_eq!(specification.inputs[0].columns.patterns.len(), 2);
    let output = &specification.outputs[0];
    assert_eq!(output.column().unwrap().text, "label");
    assert_eq!(output.kind, OutputKind::Category { classes: Some(vec!["7".into(), "8".into()]) });
    assert_eq!((&output.aliases[..], output.weight), (&[("VIII".to_owned(), "8".to_owned())][..], 2.0));
    let data = &specification.data;
    assert_eq!((data.source.path.as_str(), data.labels.as_deref()), ("digits.csv", Some("digits-labels")));
    assert_eq!((data.bad_rows, data.memory_bytes), (BadRows::SetAside, 64 << 20));
    let columns = ["label", "p00", "p07"].map(String::from).to_vec();
    let missing = ["?", "NA"].map(String::from).to_vec();
    assert_eq!(data.dialect, Dialect { delimiter: Some(';'), columns: Some(columns), missing });
    let split = &data.split;
    assert_eq!((split.validation, split.test, split.seed), (0.15, 0.25, 3));
    assert_eq!(split.method, SplitMethod::Random);
    let augmentation = Augmentation {
        shift_pixels: 2,
        flip: true,
        crop: Some(0.75),
        rotate_degrees: 10.0,
        cutout_pixels: 3,
        mixup: 0.2,
    };
    assert_eq!(specification.augmentation, augmentation);
    let Body::Layers(layers) = &specification.skeleton.body else { panic!() };
    let layers: Vec<String> = layers.iter().map(Layer::to_string).collect();
    let residual = "{ residual = [\"batch-norm\", \"relu\", \"conv 3x3 16\"] }";
    assert_eq!(layers, ["conv 3x3 16", residual, "flatten", "dense 64"]);
    assert_eq!(specification.skeleton.members, None);
    let losses = vec![Loss::CrossEntropy { label_smoothing: 0.1 }];
    assert_eq!(specification.goal, Goal { losses, class_weights: ClassWeights::Balanced });
    let search = Search {
        epochs: Some(20),
        batch: Some(64),
        optimiser: Optimiser::Sgd { momentum: 0.5 },
        learning_rate: LearningRate::Value(0.01),
        weight_decay: Some(0.0),
        schedule: Some(Schedule::Constant),
        warmup_steps: Some(10),
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
fn the_table_manifest_is_read_as_it_is_meant() {
    let specification = parse("Tacit.toml", TABLE).unwrap();
    let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let kinds: Vec<(&InputKind, Missing)> =
        specification.inputs.iter().map(|input| (&input.kind, input.missing)).collect();
    let piecewise = |bins| Some(Encoding::Piecewise { bins: Some(bins) });
    let expected = [
        (&InputKind::Number { encoding: piecewise(12) }, Missing::Median),
        (&InputKind::Number { encoding: piecewise(5) }, Missing::Value(170.5)),
        (&InputKind::Category { labels: None, rows_min: 3 }, Missing::Label),
        (&InputKind::Category { labels: Some(strings(&["red", "blue"])), rows_min: 2 }, Missing::Refuse),
        (
            &InputKind::Ordinal { levels: strings(&["low", "middle", "high"]), encoding: Some(Encoding::Standard) },
            Missing::Mean,
        ),
        (&InputKind::Date { format: DateFormat::Pattern("%d.%m.%Y".into()) }, Missing::Refuse),
        (&InputKind::Vector { length: 2, encoding: None }, Missing::Value(-1.0)),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(specification.inputs[0].columns.patterns[0].text, "AGE");
    assert_eq!(specification.inputs[3].columns.patterns[0].text, "colour");
    // A date is a day and a share of a day.
    assert_eq!(specification.input_shape(), Shape::Vector(1 + 1 + 1 + 1 + 1 + 2 + 2));
    let [kind, weather, tags, cost] = &specification.outputs[..] else { panic!() };
    assert_eq!(kind.kind, OutputKind::Category { classes: None });
    assert_eq!(weather.kind, OutputKind::Labels { labels: None, separator: None });
    assert_eq!(weather.columns.patterns.len(), 2);
    let listed = OutputKind::Labels { labels: Some(strings(&["x", "y"])), separator: Some("/".into()) };
    assert_eq!((&tags.kind, tags.weight), (&listed, 0.5));
    assert_eq!((&cost.kind, cost.column().unwrap().text.as_str()), (&OutputKind::Number, "cost"));
    let data = &specification.data;
    let path = |file: &Option<DataFile>| file.as_ref().unwrap().path.clone();
    assert_eq!((path(&data.validation), path(&data.test)), ("valid.csv".into(), "test.jsonl".into()));
    assert_eq!(data.dialect.missing, ["-"]);
    let split = &data.split;
    let SplitMethod::Grouped { column } = &split.method else { panic!("{split:?}") };
    // Files are given for both parts, so no share of the source goes to them.
    assert_eq!((column.text.as_str(), split.validation, split.test, split.seed), ("customer", 0.0, 0.0, 4));
    assert_eq!(specification.skeleton.body, Body::Preset(Preset::Mlp));
    assert_eq!(specification.skeleton.members, Some(4));
    let entropy = Loss::CrossEntropy { label_smoothing: 0.0 };
    assert_eq!(specification.goal.losses, [entropy, entropy, entropy, Loss::Huber { delta: 2.0 }]);
    let search = &specification.search;
    assert_eq!((search.learning_rate, search.schedule), (LearningRate::RangeTest, Some(Schedule::OneCycle)));
}

#[test]
fn the_anomaly_manifest_is_read_as_it_is_meant() {
    let specification = parse("Tacit.toml", ANOMALY).unwrap();
    let kind = OutputKind::Anomaly { normal: Some("ok".into()), share: 0.02 };
    assert_eq!(specification.outputs[0].kind, kind);
    assert_eq!(specification.outputs[0].column().unwrap().text, "state");
    assert_eq!(specification.goal.losses, [Loss::SquaredError]);
    let split = &specification.data.split;
    assert!(matches!(&split.method, SplitMethod::Time { column } if column.text == "day"));
    assert_eq!((split.validation, split.test), (0.1, 0.3));
    let text = anomaly("column = \"state\"\nnormal = \"ok\"\nshare = 0.02\n", "");
    let output = &parse("Tacit.toml", &text).unwrap().outputs[0];
    assert_eq!((&output.kind, output.column()), (&OutputKind::Anomaly { normal: None, share: 0.01 }, None));
}

#[test]
fn what_is_left_out_has_its_default() {
    let specification = parse("Tacit.toml", SHORT).unwrap();
    assert_eq!(specification.program.seed, 1);
    assert_eq!(specification.inputs[0].columns.patterns[0].text, "age");
    assert_eq!(specification.inputs[0].kind, InputKind::Number { encoding: None });
    assert_eq!(specification.inputs[0].missing, Missing::Refuse);
    let output = &specification.outputs[0];
    assert_eq!((output.column().unwrap().text.as_str(), output.weight), ("price", 1.0));
    assert_eq!(specification.input_shape(), Shape::Vector(4));
    let data = &specification.data;
    assert_eq!((data.bad_rows, data.memory_bytes), (BadRows::Stop, 2 << 30));
    assert_eq!((&data.dialect, &data.validation, &data.test), (&Dialect::default(), &None, &None));
    let split = &data.split;
    assert_eq!((split.validation, split.test, split.seed), (0.1, 0.2, 1));
    assert_eq!(split.method, SplitMethod::Stratified);
    assert_eq!(specification.augmentation, Augmentation::default());
    let goal = Goal { losses: vec![Loss::SquaredError], class_weights: ClassWeights::Uniform };
    assert_eq!(specification.goal, goal);
    let search = Search {
        epochs: None,
        batch: None,
        optimiser: Optimiser::AdamW,
        learning_rate: LearningRate::Usual,
        weight_decay: None,
        schedule: None,
        warmup_steps: None,
        clip: None,
        patience_epochs: None,
        average: None,
    };
    assert_eq!((&specification.search, specification.skeleton.members), (&search, None));
    assert!(specification.requirements.is_empty() && specification.baseline.is_none());
    // One file that holds a part leaves the usual share to the other.
    let text = short("source = \"houses.csv\"", "source = \"houses.csv\"\ntest = \"test.csv\"");
    let split = parse("Tacit.toml", &text).unwrap().data.split;
    assert_eq!((split.validation, split.test), (0.1, 0.0));
    let huber = parse("Tacit.toml", &goal_of("huber")).unwrap().goal.losses;
    assert_eq!(huber, [Loss::Huber { delta: 1.0 }]);
}

fn goal_of(loss: &str) -> String {
    goal(&format!("minimise = \"{loss}\""))
}

#[test]
fn an_output_with_an_error_is_told_once_and_what_depends_on_it_is_not_blamed() {
    for keys in ["minimise = { price = \"huber\" }", "label-smoothing = 0.1", "minimise = \"cross-entropy\""] {
        let text = goal(keys).replace("[output.price]\ntype = \"number\"", "[output.price]\ntype = \"numbers\"");
        let codes: Vec<Code> = errors(&text).iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, [Code::UnknownValue], "{keys}");
    }
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
        let shown = render(&found, Colour::Never);
        assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
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
        sample in prop::sample::select(vec![FULL, TABLE, SHORT, ANOMALY]),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[\\[\\]{}=\",.'#0-9a-z_ \n\u{e9}\u{0}-]{0,6}"), 1..6),
    ) {
        let mut text: Vec<char> = sample.chars().collect();
        for (at, removed, inserted) in edits {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, inserted.chars());
        }
        harmless(&text.into_iter().collect::<String>());
    }

    #[test]
    fn no_exchange_of_values_makes_it_panic(
        sample in prop::sample::select(vec![FULL, TABLE, ANOMALY]),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5),
    ) {
        let mut lines: Vec<String> = sample.lines().map(str::to_owned).collect();
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
