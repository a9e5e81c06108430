//! Every table and key of the manifest, each defined once: what is read, what the reference says and what a misspelt key
//! is compared with all come from here.

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    /// What may stand behind the `=`, in words or as an example.
    pub value: &'static str,
    pub presence: Presence,
    /// What the key means: a sentence or two.
    pub doc: &'static str,
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

use Presence::{Default, Optional, Required};

const fn key(name: &'static str, value: &'static str, presence: Presence, doc: &'static str) -> Key {
    Key { name, value, presence, doc }
}

/// The manifest itself.
pub static ROOT: Table = Table {
    header: "the manifest",
    doc: "What a program must do.",
    keys: &[
        key("program", "[program]", Required, "What the program is called."),
        key("input", "[input.NAME]", Required, "What it is given."),
        key("output", "[output.NAME]", Required, "What it must return."),
        key("data", "[data]", Required, "The examples."),
        key("augment", "[augment]", Optional, "What is done to images while training."),
        key("skeleton", "[skeleton]", Required, "Which part of program space is searched."),
        key("goal", "[goal]", Optional, "What the search makes small."),
        key("search", "[search]", Optional, "How the search goes about it."),
        key("require", "[[require]]", Optional, "The contract: what the result must meet."),
        key("baseline", "[baseline]", Optional, "The hand-written program to beat."),
    ],
};

pub static PROGRAM: Table = Table {
    header: "[program]",
    doc: "What the program is called.",
    keys: &[
        key("name", "\"digits\"", Required, "Becomes the name of the artifact and of emitted functions."),
        key("seed", "an integer from 0", Default("1"), "Every random choice of the search follows from it."),
    ],
};

pub static INPUT: Table = Table {
    header: "[input.NAME]",
    doc: "One input of the program.",
    keys: &[
        key(
            "type",
            "\"number\", \"category\", \"ordinal\", \"date\", \"vector\" or \"image\"",
            Required,
            "What kind of value it is.",
        ),
        key("column", "\"age\"", Default("the input's name"), "The column of the value; for images, of pictures."),
        key(
            "columns",
            "\"p*\" or [\"a\", \"b*\"]",
            Optional,
            "The columns of a vector, or of an image that has one for each value: names, or patterns in which `*` stands \
             for any text. A pattern takes its columns in the order of the file. An image's values go row by row, \
             channels last.",
        ),
        key(
            "size",
            "13, [8, 8] or [32, 32, 3]",
            Optional,
            "The length of a vector; the height and width of an image, and its channels (1 if left out). Pictures of \
             another size are fitted.",
        ),
        key(
            "scale",
            "a number above 0",
            Optional,
            "The raw value of full brightness of an image with `columns`. The program divides by it, and data outside 0 to \
             it is an error.",
        ),
        key(
            "missing",
            "\"error\", \"mean\", \"median\" or a number; for a category \"error\" or \"label\"",
            Default("\"error\""),
            "What happens where a value is missing. Whatever takes its place, the program is also told that it was \
             missing; `label` makes that a label of its own.",
        ),
        key(
            "encoding",
            "\"standard\" or \"piecewise\"",
            Default("by the preset"),
            "How numbers become features: less the mean and divided by the deviation, or also piece by piece over \
             intervals that hold equally many training rows.",
        ),
        key("bins", "an integer from 1", Default("by the number of rows"), "How many intervals `piecewise` makes."),
        key(
            "labels",
            "[\"north\", \"south\"]",
            Default("those of the training part"),
            "The labels of a category that the program tells apart; all others are one.",
        ),
        key(
            "rows-min",
            "an integer from 1",
            Default("5"),
            "A label of a category with fewer training rows is treated as one that was never seen.",
        ),
        key("levels", "[\"low\", \"high\"]", Optional, "The levels of an ordinal input in ascending order."),
        key(
            "format",
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
            "\"category\", \"labels\", \"number\" or \"anomaly\"",
            Required,
            "What kind of value it is: one of several labels, any of several labels at once, a number, or how unlike the \
             training rows the example is.",
        ),
        key("column", "\"digit\"", Default("the output's name"), "The column that holds the right answers."),
        key(
            "classes",
            "[\"cat\", \"dog\"]",
            Default("the labels in the data, numbers first, in ascending order"),
            "The labels of a category, in the order of the program's scores.",
        ),
        key(
            "aliases",
            "{ \"yes.\" = \"yes\" }",
            Default("{}"),
            "Other spellings of a label of a category, each with the label that it stands for.",
        ),
        key("columns", "[\"rain\", \"snow\"]", Optional, "A column of 0 and 1 for each of several labels."),
        key("separator", "\";\"", Default("\";\""), "What stands between two labels in one column."),
        key("labels", "[\"rain\", \"snow\"]", Default("those in the data"), "Labels that stand in one column."),
        key("normal", "\"ok\"", Optional, "What the column of an anomaly holds for a row that is not one."),
        key(
            "share",
            "a number above 0, below 1",
            Default("0.01"),
            "The share of the normal validation rows that an anomaly's threshold lets be flagged.",
        ),
        key("weight", "a number above 0", Default("1"), "How much the output's loss counts among several."),
    ],
};

pub static DATA: Table = Table {
    header: "[data]",
    doc: "The examples: a CSV, JSON lines or Parquet file, an idx file, or a folder of images with a folder for each class.",
    keys: &[
        key("source", "\"digits.csv\"", Required, "The file or folder, relative to the folder of the manifest."),
        key("validation", "\"valid.csv\"", Optional, "A file whose rows are for validation."),
        key("test", "\"test.csv\"", Optional, "A file whose rows are for the test."),
        key(
            "labels",
            "\"train-labels-idx1-ubyte.gz\"",
            Default("found by the name of the images"),
            "The labels of an idx file of images.",
        ),
        key(
            "delimiter",
            "\",\", \";\", \"\\t\" or \"\\|\"",
            Default("\",\""),
            "What stands between the cells of a CSV file.",
        ),
        key("columns", "[\"age\", \"income\"]", Optional, "The names of the columns of a CSV file that has no header."),
        key("missing", "[\"?\", \"NA\"]", Default("[]"), "What stands for a missing value, beside an empty cell."),
        key(
            "bad-rows",
            "\"stop\" or \"set-aside\"",
            Default("\"stop\""),
            "Whether rows that cannot be used stop the build, or are counted and written to a file beside the program.",
        ),
        key(
            "memory",
            "an integer from 1",
            Default("2048"),
            "MiB of examples that are kept in memory; more are kept in a file and read while training.",
        ),
        key(
            "split",
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
        key("validation", "a number above 0 and below 1", Default("0.1"), "The share for choosing."),
        key("test", "a number above 0 and below 1", Default("0.2"), "The share for the final measurement."),
        key("seed", "an integer from 0", Default("1"), "Another seed is another division."),
        key("by", "\"customer\"", Optional, "Rows that agree in this column stay together."),
        key(
            "time",
            "\"day\"",
            Optional,
            "The latest rows by this column are for the test, those before for validation.",
        ),
        key("column", "\"part\"", Optional, "This column says `training`, `validation` or `test`."),
        key("stratify", "true or false", Default("true"), "Whether the shares of the classes are kept."),
    ],
};

pub static AUGMENT: Table = Table {
    header: "[augment]",
    doc: "What is done to images while training, differently each time. It follows from the seed.",
    keys: &[
        key("shift", "an integer from 0", Default("0"), "Pixels up, down, left or right, at most."),
        key("flip", "true or false", Default("false"), "Whether every other image is mirrored left to right."),
        key(
            "crop",
            "a number above 0, up to 1",
            Optional,
            "A part of at least this share of the area is stretched to all.",
        ),
        key("rotate", "a number from 0 to 180", Default("0"), "Degrees to either side, at most."),
        key("cutout", "an integer from 0", Default("0"), "The side of a square that is set to 0."),
        key("mixup", "a number from 0", Default("0"), "How strongly pairs of images and their targets are mixed."),
    ],
};

pub static SKELETON: Table = Table {
    header: "[skeleton]",
    doc: "Which part of program space is searched. The layers that make the outputs are added at the end.",
    keys: &[
        key(
            "preset",
            "\"linear\", \"mlp\", \"resnet\", \"convnet\", \"additive\" or \"autoencoder\"",
            Optional,
            "A usual skeleton for the inputs, its widths by the number of rows.",
        ),
        key("layers", "[\"conv 3x3 16\", \"relu\", { residual = [\"…\"] }]", Optional, "The layers themselves."),
        key(
            "members",
            "an integer from 1",
            Default("by the preset"),
            "Programs that share most of their weights and answer together; for vectors.",
        ),
        key("width", "\"search\"", Optional, "Leaves the widths to the search."),
    ],
};

pub static GOAL: Table = Table {
    header: "[goal]",
    doc: "What the search makes small on the training part.",
    keys: &[
        key(
            "minimise",
            "\"cross-entropy\", \"squared-error\", \"absolute-error\" or \"huber\"",
            Default("\"cross-entropy\" for labels, \"squared-error\" for numbers"),
            "The loss; for several outputs a table such as `{ price = \"huber\", sold = \"cross-entropy\" }`.",
        ),
        key(
            "label-smoothing",
            "a number from 0, below 1",
            Default("0"),
            "The share of a target that is spread over all classes.",
        ),
        key(
            "class-weights",
            "\"uniform\" or \"balanced\"",
            Default("\"uniform\""),
            "Whether rare classes weigh more, so that all classes weigh the same in sum.",
        ),
        key("delta", "a number above 0", Default("1"), "Where the Huber loss turns from a parabola into a line."),
    ],
};

pub static SEARCH: Table = Table {
    header: "[search]",
    doc: "How the search goes about it. What is left out follows from the skeleton and the number of rows; \
          `tacit check --expand` shows it. Budgets count steps, never seconds, so that results can be repeated.",
    keys: &[
        key("epochs", "an integer from 1", Default("by the rows"), "How often every training row is seen."),
        key("batch", "an integer from 1", Default("by the rows"), "Rows in one step."),
        key("optimiser", "\"adamw\" or \"sgd\"", Default("\"adamw\""), "The rule of the steps."),
        key(
            "learning-rate",
            "a number above 0, or \"range-test\"",
            Default("by the preset"),
            "The greatest step size; a range test before the search can find it.",
        ),
        key("weight-decay", "a number from 0", Default("by the preset"), "The pull of weights towards zero."),
        key("momentum", "a number from 0, below 1", Default("0.9"), "How much of the last step `sgd` keeps."),
        key(
            "schedule",
            "\"constant\", \"cosine\" or \"one-cycle\"",
            Default("by the preset"),
            "How the learning rate goes over the run.",
        ),
        key("warmup", "an integer from 0", Default("0"), "Steps over which the learning rate rises from zero."),
        key("clip", "a number above 0", Optional, "The greatest norm of all gradients together."),
        key("patience", "an integer from 1", Optional, "Epochs without a better validation loss until the run stops."),
        key(
            "average",
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
        key("metric", "\"accuracy\", \"flops\", …", Required, "What is measured."),
        key(
            "output",
            "\"price\"",
            Default("the only output that the metric fits"),
            "The output whose answers are measured.",
        ),
        key("class", "\"8\"", Optional, "The class that the metric is about, or one of several labels."),
        key("k", "an integer from 1", Optional, "How many of the likeliest classes count as answers of a `top-k`."),
        key("where", "\"age >= 65\"", Optional, "Only the rows for which this holds."),
        key(
            "gap",
            "\"sex\"",
            Optional,
            "A column: the greatest difference of the metric between the groups of rows with equal values in it is \
             bounded, by `at_most`. Groups for which the metric is not defined are left out. Of `selection-rate` it \
             is demographic parity, of `recall` equal opportunity.",
        ),
        key("at_least", "a number", Optional, "The lower bound."),
        key("at_most", "a number", Optional, "The upper bound."),
        key(
            "confidence",
            "a number from 0.5, below 1",
            Optional,
            "The end of the interval of this confidence decides, not the figure itself.",
        ),
    ],
};

pub static BASELINE: Table = Table {
    header: "[baseline]",
    doc: "The hand-written program to beat: JSON lines in, JSON lines out. It runs only when asked for.",
    keys: &[key("command", "[\"python3\", \"rules.py\"]", Required, "The program and its arguments.")],
};

/// Every table, in the order of the reference.
pub static TABLES: &[&Table] =
    &[&ROOT, &PROGRAM, &INPUT, &OUTPUT, &DATA, &SPLIT, &AUGMENT, &SKELETON, &GOAL, &SEARCH, &REQUIRE, &BASELINE];
