//! Programs of every kind: several outputs, several labels, anomalies, members, a range test, mixed pictures, every preset.

mod common;

use common::{CATEGORY, OPTIONS, assembled, built, examples_of, folder, found, specification, table};
use tacit_data::augment::augment;
use tacit_data::random::SplitMix64;
use tacit_ir::passes::cost;
use tacit_spec::{Optimiser, Preset, Specification};
use tacit_train::batch::{BatchSource, BatchTarget};
use tacit_train::container::Values;
use tacit_train::graphs::{TargetForm, graphs};
use tacit_train::metrics::Answers;
use tacit_train::{Artifact, Examples};
use tempfile::TempDir;

/// A class and a number that follow from a number, a label, a level and a date, some of them missing.
const CLAIMS: &str = r#"
[program]
name = "claims"
[input.age]
type = "number"
missing = "median"
[input.region]
type = "category"
missing = "label"
rows-min = 2
[input.grade]
type = "ordinal"
levels = ["low", "middle", "high"]
[input.day]
type = "date"
[output.kind]
type = "category"
[output.cost]
type = "number"
weight = 0.5
[data]
source = "claims.csv"
split = { validation = 0.2, test = 0.2, seed = 2 }
[skeleton]
preset = "mlp"
members = 2
[search]
epochs = 30
batch = 16
learning-rate = 0.01
[[require]]
metric = "accuracy"
at_least = 0.85
[[require]]
metric = "r2"
at_least = 0.9
"#;

fn claims() -> TempDir {
    let mut text = "day,region,age,grade,kind,cost\n".to_owned();
    for row in 0..240u32 {
        let (age, grade) = (20 + row * 7 % 50, row * 5 % 3);
        let region = ["north", "south", "", "west"][(row * 11 % 13 % 4) as usize];
        let kind = if age + 15 * grade > 60 { "yes" } else { "no" };
        let shown = if row % 40 == 3 { String::new() } else { age.to_string() };
        let level = ["low", "middle", "high"][grade as usize];
        text += &format!("2026-{:02}-{:02},{region},{shown},{level},{kind},", 1 + row % 12, 1 + row % 28);
        text += &format!("{}\n", 1000 * age + 5000 * grade);
    }
    folder(&[("claims.csv", text.as_bytes())])
}

/// The file reads back to what was written.
fn assert_reads_back(artifact: &mut Artifact) {
    let bytes = artifact.encode();
    assert_eq!(Artifact::decode(&bytes).unwrap(), *artifact);
}

#[test]
fn a_class_and_a_number_are_found_together() {
    let (_, examples, mut artifact) = built(CLAIMS, &claims());
    assert!(artifact.contract.is_met(), "{:#?}", artifact.contract);
    let lines = &artifact.contract.lines;
    let about = |metric: &str| lines.iter().find(|line| line.metric == metric).unwrap().output.as_deref();
    assert_eq!((about("accuracy"), about("r2")), (Some("kind"), Some("cost")));
    let names: Vec<&str> = artifact.weights.iter().map(|tensor| tensor.name.as_str()).collect();
    for name in ["embedding.weight", "output/kind.weight", "output/kind.bias", "output/cost.weight"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert_eq!(artifact.interface.outputs[0].labels, ["no", "yes"]);
    // The label of a missing region comes first, and positions count from 1.
    assert_eq!(artifact.interface.inputs[1].labels, ["", "north", "south", "west"]);
    let answers = artifact.answers(&examples.dataset, &examples.parts.test, &OPTIONS).unwrap();
    let [Answers::Category { classes: 2, .. }, Answers::Number { truth, answers }] = &answers[..] else { panic!() };
    // Costs run from 20,000 to 79,000, and are answered in their own unit.
    assert!(truth.iter().zip(answers).all(|(truth, answer)| (truth - answer).abs() < 15_000.0));
    assert_reads_back(&mut artifact);
}

#[test]
fn the_weight_of_an_output_counts() {
    let weights = |manifest: &str| {
        let folder = claims();
        let specification = specification(&manifest.replace("epochs = 30", "epochs = 2"));
        let examples = examples_of(&specification, &folder);
        found(&specification, &examples, None).weights_hash()
    };
    assert_ne!(weights(CLAIMS), weights(&CLAIMS.replace("weight = 0.5", "weight = 2")));
    assert_eq!(weights(CLAIMS), weights(&CLAIMS.replace("weight = 0.5", "weight = 0.50")));
}

/// Two labels that two numbers decide, in a column each and in one column.
fn sky() -> TempDir {
    let mut text = "a,b,wet,cold,sky\n".to_owned();
    for row in 0..120u32 {
        let (a, b) = (row * 7 % 20, row * 13 % 20);
        let (wet, cold) = (a > 9, b > 12);
        let listed = [("wet", wet), ("cold", cold)].into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name);
        let listed = listed.collect::<Vec<_>>().join("; ");
        text += &format!("{a},{b},{},{},{listed}\n", u8::from(wet), u8::from(cold));
    }
    folder(&[("sky.csv", text.as_bytes())])
}

const SKY: &str = r#"
[program]
name = "sky"
[input.a]
type = "number"
[input.b]
type = "number"
[output.sky]
type = "labels"
columns = ["wet", "cold"]
[data]
source = "sky.csv"
split = { validation = 0.2, test = 0.2 }
[skeleton]
layers = ["dense 16", "relu"]
[search]
epochs = 40
batch = 8
learning-rate = 0.02
[[require]]
metric = "accuracy"
at_least = 0.9
[[require]]
metric = "recall"
class = "cold"
at_least = 0.6
"#;

#[test]
fn several_labels_are_found_at_once_however_they_are_written() {
    let folder = sky();
    let (_, examples, mut artifact) = built(SKY, &folder);
    assert!(artifact.contract.is_met(), "{:#?}", artifact.contract);
    assert_eq!(artifact.interface.outputs[0].labels, ["wet", "cold"]);
    let answers = artifact.answers(&examples.dataset, &examples.parts.test, &OPTIONS).unwrap();
    let [Answers::Labels { labels: 2, truth, probabilities }] = &answers[..] else { panic!() };
    assert_eq!((truth.len(), probabilities.len()), (48, 48));
    assert_reads_back(&mut artifact);
    // Shares of labels are kept for a class alone, so the rows are divided alike.
    let listed = "labels = [\"wet\", \"cold\"]";
    let (_, _, other) = built(&SKY.replace("columns = [\"wet\", \"cold\"]", listed), &folder);
    assert_eq!(other.provenance.weights_hash, artifact.provenance.weights_hash);
}

/// Readings on a line, and some that are not.
fn pump() -> TempDir {
    let mut random = SplitMix64::new(4);
    let mut text = "s0,s1,s2,s3,s4,s5,state\n".to_owned();
    for row in 0..300 {
        let along = random.uniform() * 4.0 - 2.0;
        let odd = row % 15 == 7;
        for column in 0..6 {
            let direction = [1.0, -0.5, 0.8, 0.3, -1.0, 0.6][column];
            let off = if odd { 3.0 * (random.uniform() - 0.5) } else { 0.0 };
            text += &format!("{},", along * direction + off + 0.02 * random.uniform());
        }
        text += if odd { "leak\n" } else { "ok\n" };
    }
    folder(&[("pump.csv", text.as_bytes())])
}

const PUMP: &str = r#"
[program]
name = "pump"
[input.sound]
type = "vector"
columns = "s?"
size = 6
[output.odd]
type = "anomaly"
column = "state"
normal = "ok"
share = 0.1
[data]
source = "pump.csv"
split = { validation = 0.3, test = 0.3 }
[skeleton]
preset = "autoencoder"
[search]
epochs = 60
batch = 16
learning-rate = 0.01
[[require]]
metric = "recall"
at_least = 0.9
[[require]]
metric = "auroc"
at_least = 0.95
"#;

#[test]
fn what_is_unlike_the_normal_rows_lies_above_the_threshold() {
    let manifest = PUMP.replace("\"s?\"", "[\"s0\", \"s1\", \"s2\", \"s3\", \"s4\", \"s5\"]");
    let folder = pump();
    let (_, examples, mut artifact) = built(&manifest, &folder);
    assert!(artifact.contract.is_met(), "{:#?}", artifact.contract);
    // No anomalous row was learnt from, and none decided where the threshold lies.
    let odd = |row: &usize| row % 15 == 7;
    assert!(!examples.prepared.training.iter().chain(&examples.prepared.validation).any(odd));
    assert!(examples.parts.training.iter().any(odd) && examples.parts.test.iter().any(odd));
    let threshold = artifact.interface.outputs[0].threshold.unwrap();
    let answers = artifact.answers(&examples.dataset, &examples.prepared.validation, &OPTIONS).unwrap();
    let [Answers::Anomaly { scores, .. }] = &answers[..] else { panic!() };
    let above = scores.iter().filter(|score| **score > threshold).count() as f64 / scores.len() as f64;
    assert!((above - 0.1).abs() < 0.02, "{above}");
    assert_reads_back(&mut artifact);
    // Without a column nothing tells which rows are anomalous, and all are learnt from.
    let untold = manifest.replace("column = \"state\"\nnormal = \"ok\"\n", "");
    let untold = &untold[..untold.find("[[require]]").unwrap()];
    let (_, examples, mut artifact) = built(&untold.replace("epochs = 60", "epochs = 2"), &folder);
    assert_eq!(examples.prepared.training.len(), examples.parts.training.len());
    assert!(artifact.interface.outputs[0].threshold.is_some() && artifact.contract.is_met());
    assert_reads_back(&mut artifact);
}

#[test]
fn members_share_most_weights_and_answer_together() {
    let folder = folder(&[("small.csv", table().as_bytes())]);
    let (_, _, alone) = built(CATEGORY, &folder);
    let with = CATEGORY.replace("[goal]", "members = 3\n[goal]");
    let (_, examples, mut together) = built(&with, &folder);
    let count = |artifact: &Artifact| artifact.costs().parameters;
    assert!(count(&alone) < count(&together) && count(&together) < 3 * count(&alone));
    let answers = together.answers(&examples.dataset, &examples.parts.test, &OPTIONS).unwrap();
    let [Answers::Category { probabilities, .. }] = &answers[..] else { panic!() };
    assert!(probabilities.chunks_exact(2).all(|pair| (pair[0] + pair[1] - 1.0).abs() < 1e-5));
    assert_reads_back(&mut together);
}

#[test]
fn a_range_test_finds_a_learning_rate_and_is_repeated_to_the_bit() {
    let text = CATEGORY.replace("learning-rate = 0.05", "learning-rate = \"range-test\"");
    let specification = specification(&text);
    assert_eq!(specification.search.optimiser, Optimiser::AdamW);
    let examples = common::examples(&specification);
    assert_eq!(examples.prepared.choices.learning_rate, None);
    let found = common::found(&specification, &examples, None);
    let test = found.range_test.clone().unwrap();
    assert!(test.curve.len() > 50 && test.curve.windows(2).all(|pair| pair[0][0] < pair[1][0]), "{test:?}");
    assert_eq!(found.learning_rate, test.learning_rate);
    let [low, high] = [test.curve[0][0], test.curve.last().unwrap()[0]];
    assert!(test.learning_rate > 10.0 * low && test.learning_rate < high, "{}", test.learning_rate);
    let again = common::found(&specification, &examples, None);
    assert_eq!((again.range_test.as_ref(), again.weights_hash()), (Some(&test), found.weights_hash()));
    // What the search then does is what it would do with that rate in the manifest.
    let fixed = CATEGORY.replace("learning-rate = 0.05", &format!("learning-rate = {}", test.learning_rate));
    let fixed = common::specification(&fixed);
    let straight = common::found(&fixed, &common::examples(&fixed), None);
    assert_eq!(straight.weights_hash(), found.weights_hash());
    let mut artifact = assembled(&specification, &examples, found);
    assert_eq!(artifact.provenance.learning_rate, test.learning_rate);
    assert_reads_back(&mut artifact);
}

/// Pictures of 4 × 4 whose upper or lower half is bright.
fn halves() -> TempDir {
    let names: String = (0..16).map(|pixel| format!("p{pixel},")).collect();
    let mut text = format!("{names}half,light\n");
    let mut random = SplitMix64::new(9);
    for row in 0..90 {
        let upper = row % 3 == 0;
        for pixel in 0..16 {
            let bright = (pixel < 8) == upper;
            text += &format!("{},", random.below(6) + if bright { 10 } else { 0 });
        }
        text += &format!("{},{}\n", if upper { "upper" } else { "lower" }, row % 7);
    }
    folder(&[("halves.csv", text.as_bytes())])
}

const HALVES: &str = r#"
[program]
name = "halves"
[input.image]
type = "image"
columns = "p*"
size = [4, 4]
scale = 16
[output.half]
type = "category"
[output.light]
type = "number"
weight = 0.1
[data]
source = "halves.csv"
split = { validation = 0.2, test = 0.2 }
[augment]
mixup = 0.4
shift = 1
[skeleton]
layers = ["flatten", "dense 8", "relu"]
[goal]
label-smoothing = 0.1
class-weights = "balanced"
[search]
epochs = 30
batch = 6
learning-rate = 0.01
"#;

#[test]
fn mixed_pictures_have_mixed_targets() {
    let specification = specification(HALVES);
    let folder = halves();
    let examples = examples_of(&specification, &folder);
    let made = graphs(&specification, &examples.dataset, &examples.prepared, 10, 0.01).unwrap();
    let [TargetForm::Shares { classes: 2, smoothing: 0.1, weights }, TargetForm::Number { mean, deviation }] =
        &made.targets[..]
    else {
        panic!("{:?}", made.targets)
    };
    // A third of the rows are upper ones.
    assert!((weights[0] - 0.75).abs() < 0.05 && (weights[1] - 1.5).abs() < 0.1, "{weights:?}");
    let source = BatchSource::new(&specification, &examples.dataset, &made.targets);
    let rows = &examples.prepared.training[..6];
    let mut batch = source.batch(6);
    source.fill(3, rows, &mut batch).unwrap();
    // The same pictures, mixed by hand.
    let mut images = vec![0.0; 6 * 16];
    examples.dataset.inputs[0].store.gather(rows, &mut images).unwrap();
    let mixed = augment(&specification.augmentation, [4, 4, 1], specification.program.seed, 3, &mut images).unwrap();
    assert_eq!(batch.inputs, [("input/image".to_owned(), images)]);
    let is_upper = |row: usize| row.is_multiple_of(3);
    let target = |row: usize, class: usize| {
        let own = usize::from(is_upper(row));
        weights[own] * (0.1 / 2.0 + if own == class { 0.9 } else { 0.0 })
    };
    let light = |row: usize| ((row % 7) as f32 - mean) / deviation;
    let blend = |place: usize, of: &dyn Fn(usize) -> f32| {
        let share = mixed[place].share;
        share * of(rows[place]) + (1.0 - share) * of(rows[mixed[place].partner])
    };
    let [(half, BatchTarget::Values(shares)), (named, BatchTarget::Values(lights))] = &batch.targets[..] else {
        panic!()
    };
    assert_eq!((half.as_str(), named.as_str()), ("target/half", "target/light"));
    for place in 0..6 {
        for class in 0..2 {
            let expected = blend(place, &|row| target(row, class));
            assert!((shares[2 * place + class] - expected).abs() < 1e-6);
        }
        assert!((lights[place] - blend(place, &light)).abs() < 1e-6);
    }
    assert!(mixed.iter().any(|one| one.share > 0.05 && one.share < 0.95), "some are mixed: {mixed:?}");
}

#[test]
fn mixed_pictures_teach_what_the_plain_ones_show() {
    let (_, examples, mut artifact) = built(HALVES, &halves());
    let answers = artifact.answers(&examples.dataset, &examples.parts.test, &OPTIONS).unwrap();
    let Answers::Category { classes, truth, probabilities } = &answers[0] else { panic!() };
    let right = truth.iter().zip(probabilities.chunks_exact(*classes)).filter(|(t, p)| p[**t as usize] > 0.5);
    assert_eq!(right.count(), truth.len());
    assert_reads_back(&mut artifact);
}

#[test]
fn every_preset_gives_a_program_that_reads_back_and_answers_with_finite_numbers() {
    for preset in Preset::ALL {
        let name = preset.name();
        let of_table = CLAIMS.replace("preset = \"mlp\"\nmembers = 2", &format!("preset = \"{name}\""));
        let layers = "layers = [\"flatten\", \"dense 8\", \"relu\"]";
        let of_image = HALVES.replace(layers, &format!("preset = \"{name}\""));
        let short = |text: String| text.replace("epochs = 30", "epochs = 1");
        let cases: Vec<(String, TempDir)> = match preset {
            Preset::Linear | Preset::Mlp | Preset::ResNet => vec![(of_table, claims()), (of_image, halves())],
            Preset::ConvNet => vec![(of_image, halves())],
            Preset::Additive => vec![(of_table, claims())],
            Preset::Autoencoder => {
                let outputs = HALVES.find("[output.half]").unwrap()..HALVES.find("[data]").unwrap();
                let goal = of_image.find("[goal]").unwrap()..of_image.find("[search]").unwrap();
                let mut text = of_image.clone();
                text.replace_range(goal, "");
                text.replace_range(outputs, "[output.odd]\ntype = \"anomaly\"\n");
                vec![(text.replace("mixup = 0.4\n", ""), halves())]
            }
        };
        for (manifest, folder) in cases {
            let (_, examples, mut artifact) = built(&short(manifest), &folder);
            assert_reads_back(&mut artifact);
            let answers = artifact.answers(&examples.dataset, &examples.parts.test, &OPTIONS).unwrap();
            let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
            assert!(answers.iter().all(|answers| match answers {
                Answers::Category { probabilities, .. } | Answers::Labels { probabilities, .. } =>
                    finite(probabilities),
                Answers::Number { answers, .. } => finite(answers),
                Answers::Anomaly { scores, .. } => finite(scores),
            }));
            let is_finite = |values: &Values| matches!(values, Values::F32(values) if finite(values));
            assert!(artifact.weights.iter().all(|tensor| is_finite(&tensor.values)), "{name}");
        }
    }
}

#[test]
fn a_preset_and_its_layers_written_out_are_the_same_search() {
    let folder = folder(&[("small.csv", table().as_bytes())]);
    let layers = CATEGORY.lines().find(|line| line.starts_with("layers")).unwrap();
    let preset = CATEGORY.replace(layers, "preset = \"resnet\"").replace("epochs = 6", "epochs = 1");
    let (_, examples, artifact) = built(&preset, &folder);
    let quoted = |layer: &tacit_spec::Layer| {
        let text = layer.to_string();
        if text.starts_with('{') { text } else { format!("\"{text}\"") }
    };
    let written: Vec<String> = examples.prepared.layers.iter().map(quoted).collect();
    let bins = format!("bins = {}", examples.prepared.choices.bins);
    let expanded = preset
        .replace("preset = \"resnet\"", &format!("layers = [{}]", written.join(", ")))
        .replace("type = \"vector\"", &format!("type = \"vector\"\n{bins}"))
        .replace("type = \"number\"", &format!("type = \"number\"\n{bins}"));
    let (_, _, other) = built(&expanded, &folder);
    assert_eq!(other.graph, artifact.graph);
    assert_eq!(other.provenance.weights_hash, artifact.provenance.weights_hash);
}

/// Pictures of 16 × 16 whose upper or lower half is bright.
const LARGE_HALVES: &str = r#"
[program]
name = "halves"
convolutions = "direct"
[input.image]
type = "image"
columns = "p*"
size = [16, 16]
[output.half]
type = "category"
[data]
source = "halves.csv"
split = { validation = 0.2, test = 0.2 }
[skeleton]
layers = ["conv 3x3 48", "relu", "conv 3x3 48", "relu", "pool 16x16", "flatten"]
[search]
epochs = 1
batch = 8
learning-rate = 0.001
"#;

#[test]
fn fewer_multiplications_change_the_program_and_hardly_its_answers() {
    let names: String = (0..256).map(|pixel| format!("p{pixel},")).collect();
    let mut text = format!("{names}half\n");
    let mut random = SplitMix64::new(4);
    for row in 0..20 {
        let upper = row % 2 == 0;
        let pixels = (0..256).map(|pixel| random.below(10) + if (pixel < 128) == upper { 9 } else { 0 });
        text += &pixels.map(|value| format!("{value},")).collect::<String>();
        text += if upper { "upper\n" } else { "lower\n" };
    }
    let folder = folder(&[("halves.csv", text.as_bytes())]);
    let winograd = LARGE_HALVES.replace("\"direct\"", "\"winograd\"");
    let [direct, fewer] = [LARGE_HALVES, &winograd].map(|manifest| built(manifest, &folder));
    let scores = |(_, examples, artifact): &(Specification, Examples, Artifact)| {
        let answers = artifact.answers(&examples.dataset, &examples.parts.test, &OPTIONS).unwrap();
        let Answers::Category { probabilities, .. } = &answers[0] else { panic!("{answers:?}") };
        probabilities.clone()
    };
    // One epoch, after which the same weights are the best: only the finished programs differ.
    assert_eq!(direct.2.weights, fewer.2.weights);
    let multiplications = |artifact: &Artifact| cost(&artifact.graph).float_operations;
    assert!(10 * multiplications(&fewer.2) < 6 * multiplications(&direct.2));
    let pairs: Vec<(f32, f32)> = scores(&direct).into_iter().zip(scores(&fewer)).collect();
    assert!(pairs.iter().all(|(a, b)| (a - b).abs() < 1e-4), "{pairs:?}");
    assert!(pairs.iter().any(|(a, b)| a != b), "the order of arithmetic is another one");
}
