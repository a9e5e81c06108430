//! Every table and key of the manifest, each defined once: what is read, what the reference says and what a misspelt key
//! is compared with all come from here.

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// What may stand behind the `=`, in words or as an example.
    pub value: &'static str,
    pub presence: Presence,
    /// What the key means: a sentence or two.
    pub doc: &'static str,
}

/// What kind of value a key takes, as far as a schema can say it.
#[derive(Debug)]
pub enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    Texts,
    TextOrTexts,
    IntegerOrIntegers,
    /// Names of the user's, each with a text.
    TextByName,
    /// One of these words.
    Words(&'static [&'static str]),
    WordsOrNumber(&'static [&'static str]),
    /// One of these words, or one for each of several names of the user's.
    WordsOrByName(&'static [&'static str]),
    /// The name of a metric.
    Metric,
    /// A list of layers and residuals.
    Layers,
    Table(&'static Table),
    /// Tables under names of the user's.
    Named(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
}

/// Whether a key must be written.
#[derive(Debug, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
    /// Optional, with what holds when it is left out.
    Default(&'static str),
}

/// A table of the manifest.
#[derive(Debug)]
pub struct Table {
    /// How its header is written, `NAME` standing for a name of the user's.
    pub header: &'static str,
    pub doc: &'static str,
    pub keys: &'static [Key],
}

use Kind::{
    Boolean, Integer, IntegerOrIntegers, Layers, Metric, Named, Number, Tables, Text, TextByName, TextOrTexts, Texts,
    Words, WordsOrByName, WordsOrNumber,
};
use Presence::{Default, Optional, Required};

const fn key(name: &'static str, kind: Kind, value: &'static str, presence: Presence, doc: &'static str) -> Key {
    Key { name, kind, value, presence, doc }
}

/// The manifest itself.
pub static ROOT: Table = Table {
    header: "the manifest",
    doc: "What a program must do.",
    keys: &[
        key("program", Kind::Table(&PROGRAM), "[program]", Required, "What the program is called."),
        key("input", Named(&INPUT), "[input.NAME]", Required, "What it is given."),
        key("output", Named(&OUTPUT), "[output.NAME]", Required, "What it must return."),
        key("data", Kind::Table(&DATA), "[data]", Required, "The examples."),
        key("augment", Kind::Table(&AUGMENT), "[augment]", Optional, "What is done to images while training."),
        key("skeleton", Kind::Table(&SKELETON), "[skeleton]", Required, "Which part of program space is searched."),
        key("goal", Kind::Table(&GOAL), "[goal]", Optional, "What the search makes small."),
        key("search", Kind::Table(&SEARCH), "[search]", Optional, "How the search goes about it."),
        key("require", Tables(&REQUIRE), "[[require]]", Optional, "The contract: what the result must meet."),
        key("baseline", Kind::Table(&BASELINE), "[baseline]", Optional, "The hand-written program to beat."),
    ],
};

pub static PROGRAM: Table = Table {
    header: "[program]",
    doc: "What the program is called.",
    keys: &[
        key("name", Text, "\"digits\"", Required, "Becomes the name of the artifact and of emitted functions."),
        key("seed", Integer, "an integer from 0", Default("1"), "Every random choice of the search follows from it."),
        key(
            "convolutions",
            Words(&["direct", "winograd"]),
            "\"direct\" or \"winograd\"",
            Default("\"direct\""),
            "How the finished program computes 3×3 convolutions of stride 1. With \"winograd\" the large ones take about half the \
             time on a processor and more memory, and results differ by rounding; the contract is checked on what is built.",
        ),
        key(
            "precision",
            Words(&["f32", "int8"]),
            "\"f32\" or \"int8\"",
            Default("\"f32\""),
            "The numbers that the finished program computes with. With \"int8\" weights and most values are 8-bit integers: the \
             file takes about a quarter, and the contract is checked on the integers.",
        ),
        key(
            "calibration",
            Words(&["min-max", "percentile", "mse"]),
            "\"min-max\", \"percentile\" or \"mse\"",
            Default("\"mse\""),
            "How the range of values that 8-bit integers divide is found on training rows: all of it, without the outermost \
             hundredth of a percent on each side, or with the least mean squared error. Only with `precision = \"int8\"`.",
        ),
        key(
            "quantisation",
            Words(&["after", "aware"]),
            "\"after\" or \"aware\"",
            Default("\"after\""),
            "Whether the program becomes one of integers after the search, or the search goes on for some steps that round as \
             the integers will. Only with `precision = \"int8\"`.",
        ),
    ],
};

pub static INPUT: Table = Table {
    header: "[input.NAME]",
    doc: "One input of the program.",
    keys: &[
        key(
            "type",
            Words(&["number", "category", "ordinal", "date", "vector", "image"]),
            "\"number\", \"category\", \"ordinal\", \"date\", \"vector\" or \"image\"",
            Required,
            "What kind of value it is.",
        ),
        key(
            "column",
            Text,
            "\"age\"",
            Default("the input's name"),
            "The column of the value; for images, of pictures.",
        ),
        key(
            "columns",
            TextOrTexts,
            "\"p*\" or [\"a\", \"b*\"]",
            Optional,
            "The columns of a vector, or of an image that has one for each value: names, or patterns in which `*` stands \
             for any text. A pattern takes its columns in the order of the file. An image's values go row by row, \
             channels last.",
        ),
        key(
            "size",
            IntegerOrIntegers,
            "13, [8, 8] or [32, 32, 3]",
            Optional,
            "The length of a vector; the height and width of an image, and its channels (1 if left out). Pictures of \
             another size are fitted.",
        ),
        key(
            "scale",
            Number,
            "a number above 0",
            Optional,
            "The raw value of full brightness of an image with `columns`. The program divides by it, and data outside 0 to \
             it is an error.",
        ),
        key(
            "missing",
            WordsOrNumber(&["error", "mean", "median", "label"]),
            "\"error\", \"mean\", \"median\" or a number; for a category \"error\" or \"label\"",
            Default("\"error\""),
            "What happens where a value is missing. Whatever takes its place, the program is also told that it was \
             missing; `label` makes that a label of its own.",
        ),
        key(
            "encoding",
            Words(&["standard", "piecewise"]),
            "\"standard\" or \"piecewise\"",
            Default("by the preset"),
            "How numbers become features: less the mean and divided by the deviation, or also piece by piece over \
             intervals that hold equally many training rows.",
        ),
        key(
            "bins",
            Integer,
            "an integer from 1",
            Default("by the number of rows"),
            "How many intervals `piecewise` makes.",
        ),
        key(
            "labels",
            Texts,
            "[\"north\", \"south\"]",
            Default("those of the training part"),
            "The labels of a category that the program tells apart; all others are one.",
        ),
        key(
            "rows-min",
            Integer,
            "an integer from 1",
            Default("2"),
            "A label of a category with fewer training rows is treated as one that was never seen.",
        ),
        key("levels", Texts, "[\"low\", \"high\"]", Optional, "The levels of an ordinal input in ascending order."),
        key(
            "format",
            Text,
            "\"iso\" or \"%d.%m.%Y %H:%M\"",
            Default("\"iso\""),
            "How dates are written: %Y %m %d %H %M %S, %y (two digits), %b (Jan), %j (day of the year).",
        ),
    ],
};

pub static OUTPUT: Table = Table {
    header: "[output.NAME]",
    doc: "One output of the program.",
    keys: &[
        key(
            "type",
            Words(&["category", "labels", "number", "anomaly"]),
            "\"category\", \"labels\", \"number\" or \"anomaly\"",
            Required,
            "What kind of value it is: one of several labels, any of several labels at once, a number, or how unlike the \
             training rows the example is.",
        ),
        key("column", Text, "\"digit\"", Default("the output's name"), "The column that holds the right answers."),
        key(
            "classes",
            Texts,
            "[\"cat\", \"dog\"]",
            Default("the labels in the data, numbers first, in ascending order"),
            "The labels of a category, in the order of the program's scores.",
        ),
        key(
            "aliases",
            TextByName,
            "{ \"yes.\" = \"yes\" }",
            Default("{}"),
            "Other spellings of a label of a category, each with the label that it stands for.",
        ),
        key(
            "columns",
            TextOrTexts,
            "[\"rain\", \"snow\"]",
            Optional,
            "A column of 0 and 1 for each of several labels.",
        ),
        key("separator", Text, "\";\"", Default("\";\""), "What stands between two labels in one column."),
        key("labels", Texts, "[\"rain\", \"snow\"]", Default("those in the data"), "Labels that stand in one column."),
        key("normal", Text, "\"ok\"", Optional, "What the column of an anomaly holds for a row that is not one."),
        key(
            "share",
            Number,
            "a number above 0, below 1",
            Default("0.01"),
            "The share of the normal validation rows that an anomaly's threshold lets be flagged.",
        ),
        key("weight", Number, "a number above 0", Default("1"), "How much the output's loss counts among several."),
    ],
};

pub static DATA: Table = Table {
    header: "[data]",
    doc: "The examples: a CSV, JSON lines or Parquet file, an idx file, or a folder of images with a folder for each class.",
    keys: &[
        key("source", Text, "\"digits.csv\"", Required, "The file or folder, relative to the folder of the manifest."),
        key("validation", Text, "\"valid.csv\"", Optional, "A file whose rows are for validation."),
        key("test", Text, "\"test.csv\"", Optional, "A file whose rows are for the test."),
        key(
            "labels",
            Text,
            "\"train-labels-idx1-ubyte.gz\"",
            Default("found by the name of the images"),
            "The labels of an idx file of images.",
        ),
        key(
            "delimiter",
            Words(&[",", ";", "\t", "|"]),
            "\",\", \";\", \"\\t\" or \"\\|\"",
            Default("a tab where the name ends in `.tsv` or `.tab`, else \",\""),
            "What stands between the cells of a CSV file.",
        ),
        key(
            "columns",
            Texts,
            "[\"age\", \"income\"]",
            Optional,
            "The names of the columns of a CSV file that has no header.",
        ),
        key(
            "missing",
            TextOrTexts,
            "[\"?\", \"NA\"]",
            Default("[]"),
            "What stands for a missing value, beside an empty cell.",
        ),
        key(
            "bad-rows",
            Words(&["stop", "set-aside"]),
            "\"stop\" or \"set-aside\"",
            Default("\"stop\""),
            "Whether rows that cannot be used stop the build, or are counted and written to a file beside the program.",
        ),
        key(
            "memory",
            Integer,
            "an integer from 1",
            Default("2048"),
            "MiB of examples that are kept in memory; more are kept in a file and read while training.",
        ),
        key(
            "split",
            Kind::Table(&SPLIT),
            "{ validation = 0.1, test = 0.2, seed = 1 }",
            Default("as shown"),
            "Which share of the rows the search may look at to choose (validation) and which stays closed until the end \
             (test).",
        ),
    ],
};

pub static SPLIT: Table = Table {
    header: "split",
    doc: "How rows are divided among training, validation and test: at random, the shares of the classes kept, unless one \
          of `by`, `time`, `column` and `stratify` says otherwise.",
    keys: &[
        key("validation", Number, "a number above 0 and below 1", Default("0.1"), "The share for choosing."),
        key("test", Number, "a number above 0 and below 1", Default("0.2"), "The share for the final measurement."),
        key("seed", Integer, "an integer from 0", Default("1"), "Another seed is another division."),
        key("by", Text, "\"customer\"", Optional, "Rows that agree in this column stay together."),
        key(
            "time",
            Text,
            "\"day\"",
            Optional,
            "The latest rows by this column are for the test, those before for validation.",
        ),
        key("column", Text, "\"part\"", Optional, "This column says `training`, `validation` or `test`."),
        key("stratify", Boolean, "true or false", Default("true"), "Whether the shares of the classes are kept."),
    ],
};

pub static AUGMENT: Table = Table {
    header: "[augment]",
    doc: "What is done to images while training, differently each time. It follows from the seed.",
    keys: &[
        key("shift", Integer, "an integer from 0", Default("0"), "Pixels up, down, left or right, at most."),
        key("flip", Boolean, "true or false", Default("false"), "Whether every other image is mirrored left to right."),
        key(
            "crop",
            Number,
            "a number above 0, up to 1",
            Optional,
            "A part of at least this share of the area is stretched to all.",
        ),
        key("rotate", Number, "a number from 0 to 180", Default("0"), "Degrees to either side, at most."),
        key("cutout", Integer, "an integer from 0", Default("0"), "The side of a square that is set to 0."),
        key(
            "mixup",
            Number,
            "a number from 0",
            Default("0"),
            "How strongly pairs of images and their targets are mixed.",
        ),
    ],
};

pub static SKELETON: Table = Table {
    header: "[skeleton]",
    doc: "Which part of program space is searched. The layers that make the outputs are added at the end.",
    keys: &[
        key(
            "preset",
            Words(&["linear", "mlp", "resnet", "convnet", "additive", "autoencoder"]),
            "\"linear\", \"mlp\", \"resnet\", \"convnet\", \"additive\" or \"autoencoder\"",
            Optional,
            "A usual skeleton for the inputs, its widths by the number of rows.",
        ),
        key(
            "layers",
            Layers,
            "[\"conv 3x3 16\", \"relu\", { residual = [\"…\"] }]",
            Optional,
            "The layers themselves.",
        ),
        key(
            "members",
            Integer,
            "an integer from 1",
            Default("by the preset"),
            "Programs that share most of their weights and answer together; for vectors.",
        ),
        key("width", Words(&["search"]), "\"search\"", Optional, "Leaves the widths to the search."),
    ],
};

pub static GOAL: Table = Table {
    header: "[goal]",
    doc: "What the search makes small on the training part.",
    keys: &[
        key(
            "minimise",
            WordsOrByName(&["cross-entropy", "squared-error", "absolute-error", "huber"]),
            "\"cross-entropy\", \"squared-error\", \"absolute-error\" or \"huber\"",
            Default("\"cross-entropy\" for labels, \"squared-error\" for numbers"),
            "The loss; for several outputs a table such as `{ price = \"huber\", sold = \"cross-entropy\" }`.",
        ),
        key(
            "label-smoothing",
            Number,
            "a number from 0, below 1",
            Default("0"),
            "The share of a target that is spread over all classes.",
        ),
        key(
            "class-weights",
            Words(&["uniform", "balanced"]),
            "\"uniform\" or \"balanced\"",
            Default("\"uniform\""),
            "Whether rare classes weigh more, so that all classes weigh the same in sum.",
        ),
        key(
            "delta",
            Number,
            "a number above 0",
            Default("1"),
            "Where the Huber loss turns from a parabola into a line.",
        ),
    ],
};

pub static SEARCH: Table = Table {
    header: "[search]",
    doc: "How the search goes about it. What is left out follows from the skeleton and the number of rows; \
          `tacit check --expand` shows it. Budgets count steps, never seconds, so that results can be repeated.",
    keys: &[
        key("epochs", Integer, "an integer from 1", Default("by the rows"), "How often every training row is seen."),
        key("batch", Integer, "an integer from 1", Default("by the rows"), "Rows in one step."),
        key(
            "optimiser",
            Words(&["adamw", "sgd"]),
            "\"adamw\" or \"sgd\"",
            Default("\"adamw\""),
            "The rule of the steps.",
        ),
        key(
            "learning-rate",
            WordsOrNumber(&["range-test"]),
            "a number above 0, or \"range-test\"",
            Default("by the preset"),
            "The greatest step size; a range test before the search can find it.",
        ),
        key("weight-decay", Number, "a number from 0", Default("by the preset"), "The pull of weights towards zero."),
        key("momentum", Number, "a number from 0, below 1", Default("0.9"), "How much of the last step `sgd` keeps."),
        key(
            "schedule",
            Words(&["constant", "cosine", "one-cycle"]),
            "\"constant\", \"cosine\" or \"one-cycle\"",
            Default("by the preset"),
            "How the learning rate goes over the run.",
        ),
        key(
            "warmup",
            Integer,
            "an integer from 0",
            Default("0"),
            "Steps over which the learning rate rises from zero.",
        ),
        key("clip", Number, "a number above 0", Optional, "The greatest norm of all gradients together."),
        key(
            "patience",
            Integer,
            "an integer from 1",
            Optional,
            "Epochs without a better validation loss until the run stops.",
        ),
        key(
            "average",
            Number,
            "a number above 0, below 1",
            Optional,
            "The decay of a running average of the weights, which then is the result.",
        ),
    ],
};

pub static REQUIRE: Table = Table {
    header: "[[require]]",
    doc: "One requirement, decided on the test part. `tacit build` fails when one is not met.",
    keys: &[
        key("metric", Metric, "\"accuracy\", \"flops\", …", Required, "What is measured."),
        key(
            "output",
            Text,
            "\"price\"",
            Default("the only output that the metric fits"),
            "The output whose answers are measured.",
        ),
        key("class", Text, "\"8\"", Optional, "The class that the metric is about, or one of several labels."),
        key(
            "k",
            Integer,
            "an integer from 1",
            Optional,
            "How many of the likeliest classes count as answers of a `top-k`.",
        ),
        key("where", Text, "\"age >= 65\"", Optional, "Only the rows for which this holds."),
        key(
            "gap",
            Text,
            "\"sex\"",
            Optional,
            "A column: the greatest difference of the metric between the groups of rows with equal values in it is \
             bounded, by `at_most`. Groups for which the metric is not defined are left out. Of `selection-rate` it \
             is demographic parity, of `recall` equal opportunity.",
        ),
        key("at_least", Number, "a number", Optional, "The lower bound."),
        key("at_most", Number, "a number", Optional, "The upper bound."),
        key(
            "confidence",
            Number,
            "a number from 0.5, below 1",
            Optional,
            "The end of the interval of this confidence decides, not the figure itself.",
        ),
    ],
};

pub static BASELINE: Table = Table {
    header: "[baseline]",
    doc: "The hand-written program to beat: JSON lines in, JSON lines out. It runs only when asked for.",
    keys: &[key("command", Texts, "[\"python3\", \"rules.py\"]", Required, "The program and its arguments.")],
};

/// Every table, in the order of the reference.
pub static TABLES: &[&Table] =
    &[&ROOT, &PROGRAM, &INPUT, &OUTPUT, &DATA, &SPLIT, &AUGMENT, &SKELETON, &GOAL, &SEARCH, &REQUIRE, &BASELINE];
