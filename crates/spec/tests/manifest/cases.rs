//! Manifests with one error each.

use tacit_spec::Code;

use crate::samples::*;

/// The code, the manifest, and the text that the diagnostic points at.
pub type Case = (Code, String, &'static str);

pub fn cases() -> Vec<Case> {
    [general(), inputs(), outputs(), data_and_augmentation(), skeletons_and_search()].concat()
}

/// What every manifest can have wrong.
fn general() -> Vec<Case> {
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
        (Code::MissingKey, full("[program]\nname = \"digits\"\nseed = 7\nconvolutions = \"winograd\"\n", ""), ""),
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
        (Code::UnknownValue, full("\"winograd\"", "\"fast\""), "\"fast\""),
        (Code::UnknownValue, full("seed = 7", "precision = \"i8\""), "\"i8\""),
        (Code::NotApplicable, full("seed = 7", "precision = \"int8\""), "\"winograd\""),
        (Code::NotApplicable, full("seed = 7", "calibration = \"mse\""), "\"mse\""),
        (Code::NotApplicable, full("seed = 7", "quantisation = \"aware\""), "\"aware\""),
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
            "{ validation = 0.75, test = 0.25, seed = 3, stratify = false }",
        ),
        (Code::UnknownLayer, skeleton("layers = [\"relo\"]"), "relo"),
        (Code::UnknownLayer, skeleton("layers = [{ residual = [\"relo\"] }]"), "relo"),
        (Code::LayerArguments, skeleton("layers = [\"conv 3x3\"]"), "conv 3x3"),
        (Code::LayerArguments, skeleton("layers = [{ residual = [] }]"), "[]"),
        (Code::LayerShape, skeleton("layers = [\"dense 3\"]"), "\"dense 3\""),
        (Code::LayerShape, skeleton("layers = [{ residual = [\"pool 2\"] }]"), "{ residual = [\"pool 2\"] }"),
        (
            Code::LayerShape,
            skeleton("layers = [{ residual = [\"pool 2\"], shortcut = [\"pool 4\"] }]"),
            "{ residual = [\"pool 2\"], shortcut = [\"pool 4\"] }",
        ),
        (Code::UnknownLayer, skeleton("layers = [{ residual = [\"relu\"], shortcut = [\"relo\"] }]"), "relo"),
        (Code::TooLarge, skeleton("layers = [\"flatten\", \"dense 1000000\", \"dense 1000000\"]"), "\"dense 1000000\""),
        (Code::TooLarge, skeleton(&format!("layers = [{}]", "\"relu\",".repeat(1001))), "\"relu\""),
        (
            Code::TooLarge,
            skeleton(&format!("layers = [{}\"relu\"{}]", "{ residual = [".repeat(9), "] }".repeat(9))),
            "{ residual = [\"relu\"] }",
        ),
        (Code::TooLarge, full("[8, 8, 1]", "[1000000, 1000000, 1]"), "[1000000, 1000000, 1]"),
        (Code::TooLarge, full("[baseline]", &format!("{}\n[baseline]", "[[require]]\n".repeat(1000))), "[[require]]"),
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
        (Code::NotAvailable, full("digits.csv", "digits.xlsx"), "\"digits.xlsx\""),
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
        (Code::FileTooLarge, "#".repeat((1 << 20) + 1), ""),
    ]
}

/// `[input.NAME]`.
fn inputs() -> Vec<Case> {
    let levels = "levels = [\"low\", \"middle\", \"high\"]";
    let vector = "columns = [\"r1\", \"r2\"]\nsize = 2";
    let pictures = full("columns = [\"p0*\", \"p*7\"]", "column = \"file\"");
    vec![
        (Code::UnknownValue, full("\"image\"", "\"picture\""), "\"picture\""),
        (Code::NotApplicable, short("[output.price]", "bins = 3\nencoding = \"standard\"\n[output.price]"), "3"),
        (Code::NotApplicable, table("type = \"date\"", "type = \"date\"\nencoding = \"standard\""), "\"standard\""),
        (Code::NotApplicable, table(levels, &format!("{levels}\nlabels = [\"a\", \"b\"]")), "[\"a\", \"b\"]"),
        (Code::NotApplicable, table("rows-min = 3", "rows-min = 3\nlevels = [\"a\", \"b\"]"), "[\"a\", \"b\"]"),
        (Code::NotApplicable, table("rows-min = 3", "labels = [\"a\", \"b\"]\nrows-min = 3"), "3"),
        (Code::NotApplicable, table("rows-min = 3", "format = \"iso\""), "\"iso\""),
        (Code::NotApplicable, table(vector, &format!("{vector}\nscale = 3")), "3"),
        (Code::NotApplicable, table(vector, &format!("{vector}\ncolumn = \"r\"")), "\"r\""),
        (Code::NotApplicable, full("scale = 16", "scale = 16\nmissing = \"mean\""), "\"mean\""),
        (Code::NotApplicable, full("scale = 16", "scale = 16\ncolumn = \"file\""), "\"file\""),
        (Code::NotApplicable, pictures, "16"),
        (Code::MissingKey, table(vector, "columns = \"r*\""), "[input.rest]"),
        (Code::MissingKey, table(vector, "size = 2"), "[input.rest]"),
        (Code::MissingKey, table(levels, ""), "[input.grade]"),
        (Code::MissingKey, full("size = [8, 8, 1]", ""), "[input.image]"),
        (Code::WrongType, table("missing = -1", "missing = true"), "true"),
        (Code::WrongType, full("size = [8, 8, 1]", "size = 64"), "64"),
        (Code::WrongType, table("missing = \"mean\"", "missing = 3"), "3"),
        (Code::WrongType, table("rows-min = 3", "rows-min = 2.5"), "2.5"),
        (Code::OutOfRange, table("missing = -1", "missing = nan"), "nan"),
        (Code::OutOfRange, table("bins = 12", "bins = 0"), "0"),
        (Code::OutOfRange, table("rows-min = 3", "rows-min = 0"), "0"),
        (Code::OutOfRange, table(levels, "levels = [\"low\"]"), "[\"low\"]"),
        (Code::OutOfRange, table("[\"red\", \"blue\"]", "[]"), "[]"),
        (Code::OutOfRange, table("\"%d.%m.%Y\"", "\"%d.%m.\""), "\"%d.%m.\""),
        (Code::OutOfRange, full("scale = 16", "scale = 0"), "0"),
        (Code::UnknownValue, table("\"%d.%m.%Y\"", "\"%d.%q.%Y\""), "%q"),
        (Code::UnknownValue, table("\"%d.%m.%Y\"", "\"%Y-%m-%d%\""), "%"),
        (
            Code::UnknownValue,
            table("missing = \"label\"", "missing = \"median\"").replacen("median", "mean", 1),
            "\"median\"",
        ),
        (Code::UnknownValue, table("\"piecewise\"", "\"pieces\""), "\"pieces\""),
        (Code::NameTwice, table(levels, "levels = [\"low\", \"high\", \"low\"]"), "\"low\""),
        (Code::NameTwice, table("[\"red\", \"blue\"]", "[\"red\", \"red\"]"), "\"red\""),
        (Code::BadColumns, table("\"AGE\"", "\"A*\""), "\"A*\""),
        (Code::BadColumns, table("[\"r1\", \"r2\"]", "[\"r1\", \"\"]"), "\"\""),
    ]
}

/// `[output.NAME]` and `[goal]`.
fn outputs() -> Vec<Case> {
    let weather = "columns = [\"wet\", \"cold\"]";
    let cost = "[output.cost]\ntype = \"number\"";
    vec![
        (Code::UnknownValue, full("\"category\"", "\"class\""), "\"class\""),
        (Code::UnknownValue, full("\"VIII\" = \"8\"", "\"VIII\" = \"9\""), "\"9\""),
        (Code::WrongType, full("\"VIII\" = \"8\"", "\"VIII\" = 8"), "8"),
        (Code::WrongType, full("{ \"VIII\" = \"8\" }", "[\"VIII\"]"), "[\"VIII\"]"),
        (Code::OutOfRange, full("weight = 2", "weight = 0"), "0"),
        (Code::OutOfRange, table("separator = \"/\"", "separator = \"\""), "\"\""),
        (Code::OutOfRange, anomaly("share = 0.02", "share = 2"), "2"),
        (Code::NotApplicable, table(cost, &format!("{cost}\nclasses = [\"a\", \"b\"]")), "[\"a\", \"b\"]"),
        (Code::NotApplicable, table(cost, &format!("{cost}\naliases = {{}}")), "{}"),
        (Code::NotApplicable, table(cost, &format!("{cost}\nshare = 0.5")), "0.5"),
        (Code::NotApplicable, table(weather, &format!("{weather}\nseparator = \",\"")), "\",\""),
        (Code::NotApplicable, table(weather, &format!("{weather}\ncolumn = \"w\"")), "\"w\""),
        (Code::NotApplicable, table(weather, &format!("{weather}\nlabels = [\"a\", \"b\"]")), "[\"a\", \"b\"]"),
        (Code::NotApplicable, anomaly("column = \"state\"\n", ""), "\"ok\""),
        (Code::NotApplicable, anomaly("share = 0.02", "weight = 2"), "2"),
        (Code::MissingKey, anomaly("normal = \"ok\"", ""), "[output.odd]"),
        (Code::MissingKey, full("[output.digit]\ntype = \"category\"", "[output.digit]"), "[output.digit]"),
        (Code::BadColumns, table(weather, "columns = []"), "[]"),
        (Code::BadColumns, anomaly("\"state\"", "\"s*\""), "\"s*\""),
        (Code::NotAvailable, anomaly("[data]", "[output.more]\ntype = \"number\"\n[data]"), "[output.more]"),
        (Code::GoalMismatch, goal("minimise = \"cross-entropy\""), "\"cross-entropy\""),
        (Code::GoalMismatch, table("cost = \"huber\"", "kind = \"huber\", cost = \"huber\""), "\"huber\""),
        (
            Code::GoalMismatch,
            full("\"cross-entropy\"", "\"huber\"").replace("label-smoothing = 0.1\nclass-weights = \"balanced\"\n", ""),
            "\"huber\"",
        ),
        (Code::UnknownValue, table("cost = \"huber\"", "cost = \"hubert\""), "\"hubert\""),
        (
            Code::UnknownKey,
            table("cost = \"huber\"", "costs = \"squared-error\", cost = \"huber\""),
            "\"squared-error\"",
        ),
        (Code::WrongType, goal("minimise = { price = 3 }"), "3"),
        (Code::WrongType, goal("minimise = [\"huber\"]"), "[\"huber\"]"),
        (Code::NotApplicable, goal("minimise = \"squared-error\"\ndelta = 3"), "3"),
        (Code::NotApplicable, goal("label-smoothing = 0.1"), "0.1"),
        (Code::NotApplicable, goal("class-weights = \"balanced\""), "\"balanced\""),
        (Code::OutOfRange, table("delta = 2", "delta = 0"), "0"),
        (
            Code::MetricMismatch,
            format!("{ANOMALY}[[require]]\nmetric = \"accuracy\"\nat_least = 0.5\n"),
            "\"accuracy\"",
        ),
        (
            Code::NotApplicable,
            format!("{ANOMALY}[[require]]\nmetric = \"recall\"\nclass = \"bad\"\nat_least = 0.5\n"),
            "\"bad\"",
        ),
    ]
}

/// `[data]` and `[augment]`.
fn data_and_augmentation() -> Vec<Case> {
    let split = "{ by = \"customer\", seed = 4 }";
    let names = "[\"label\", \"p00\", \"p07\"]";
    vec![
        (Code::OutOfRange, full("\"digits.csv\"", "\"\""), "\"\""),
        (Code::OutOfRange, full("memory = 64", "memory = 0"), "0"),
        (Code::WrongType, full("memory = 64", "memory = \"64\""), "\"64\""),
        (Code::WrongType, full("\"digits-labels\"", "3"), "3"),
        (Code::WrongType, full("[\"?\", \"NA\"]", "[\"?\", 9]"), "9"),
        (Code::UnknownValue, full("delimiter = \";\"", "delimiter = \":\""), "\":\""),
        (Code::UnknownValue, full("\"set-aside\"", "\"aside\""), "\"aside\""),
        (Code::BadColumns, full(names, "[]"), "[]"),
        (Code::BadColumns, full(names, "[\"label\", \"\"]"), "\"\""),
        (Code::NameTwice, full(names, "[\"label\", \"label\"]"), "\"label\""),
        (Code::NotAvailable, table("\"valid.csv\"", "\"valid.xlsx\""), "\"valid.xlsx\""),
        (Code::WrongType, table(split, "\"random\""), "\"random\""),
        (Code::NotApplicable, table(split, "{ by = \"customer\", time = \"day\" }"), "\"day\""),
        (Code::NotApplicable, table(split, "{ column = \"part\", stratify = true }"), "true"),
        (Code::NotApplicable, table(split, "{ column = \"part\", seed = 4 }"), "4"),
        (Code::NotApplicable, anomaly("test = 0.3", "seed = 4"), "4"),
        (Code::NotApplicable, anomaly("time = \"day\", test = 0.3", "column = \"part\", test = 0.3"), "0.3"),
        (Code::NotApplicable, table(split, "{ validation = 0.1 }"), "0.1"),
        (Code::NotApplicable, table(split, "{ test = 0.1 }"), "0.1"),
        (Code::BadColumns, table("\"customer\"", "\"c*\""), "\"c*\""),
        (Code::WrongType, full("stratify = false", "stratify = 0"), "0"),
        (Code::OutOfRange, full("validation = 0.15", "validation = 15"), "15"),
        (Code::OutOfRange, full("shift = 2", "shift = 8"), "8"),
        (Code::OutOfRange, full("crop = 0.75", "crop = 0"), "0"),
        (Code::OutOfRange, full("rotate = 10", "rotate = 181"), "181"),
        (Code::OutOfRange, full("cutout = 3", "cutout = -3"), "-3"),
        (Code::OutOfRange, full("mixup = 0.2", "mixup = 11"), "11"),
        (Code::WrongType, full("flip = true", "flip = 1"), "1"),
        (Code::NotApplicable, format!("{SHORT}[augment]\nflip = true\n"), "true"),
    ]
}

/// `[skeleton]` and `[search]`.
fn skeletons_and_search() -> Vec<Case> {
    let layers = FULL.lines().find(|line| line.starts_with("layers")).unwrap();
    let preset = |name: &str| full(layers, &format!("preset = \"{name}\""));
    vec![
        (Code::LayerShape, short("\"mlp\"", "\"convnet\""), "\"convnet\""),
        (Code::LayerShape, short("\"mlp\"", "\"autoencoder\""), "\"autoencoder\""),
        (Code::LayerShape, preset("additive"), "\"additive\""),
        (Code::LayerShape, anomaly("\"autoencoder\"", "\"mlp\""), "\"mlp\""),
        (
            Code::LayerShape,
            short("preset = \"mlp\"", "layers = [\"dense 4\", \"pool 2\"]"),
            "[\"dense 4\", \"pool 2\"]",
        ),
        (Code::UnknownValue, preset("convnett"), "\"convnett\""),
        (
            Code::NotApplicable,
            full(layers, &format!("preset = \"mlp\"\n{layers}")),
            layers.strip_prefix("layers = ").unwrap(),
        ),
        (Code::NotApplicable, full("[goal]", "members = 4\n[goal]"), "4"),
        (Code::OutOfRange, table("members = 4", "members = 0"), "0"),
        (Code::UnknownValue, full("learning-rate = 1e-2", "learning-rate = \"range\""), "\"range\""),
        (Code::WrongType, full("learning-rate = 1e-2", "learning-rate = [1e-2]"), "[1e-2]"),
        (Code::UnknownValue, table("\"one-cycle\"", "\"two-cycle\""), "\"two-cycle\""),
        (Code::OutOfRange, full("average = 0.99", "average = 1"), "1"),
        (Code::OutOfRange, full("patience = 4", "patience = 0"), "0"),
    ]
}
