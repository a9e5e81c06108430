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
        key("skeleton", "[skeleton]", Required, "Which part of program space is searched."),
        key("goal", "[goal]", Required, "What the search makes small."),
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
        key("type", "\"number\", \"vector\" or \"image\"", Required, "What kind of value it is."),
        key("column", "\"age\"", Default("the input's name"), "The column of a number."),
        key(
            "columns",
            "\"p*\" or [\"a\", \"b*\"]",
            Required,
            "The columns of a vector or an image: names, or patterns in which `*` stands for any text. A pattern takes \
             its columns in the order of the file. An image's values go row by row, channels last.",
        ),
        key(
            "size",
            "13, [8, 8] or [32, 32, 3]",
            Required,
            "The length of a vector; the height and width of an image, and its channels (1 if left out).",
        ),
        key(
            "scale",
            "a number above 0",
            Optional,
            "The raw value of an image's full brightness. The program divides by it, and data outside 0 to it is an error.",
        ),
    ],
};

pub static OUTPUT: Table = Table {
    header: "[output.NAME]",
    doc: "One output of the program.",
    keys: &[
        key("type", "\"category\" or \"number\"", Required, "What kind of value it is."),
        key("column", "\"digit\"", Default("the output's name"), "The column that holds the right answers."),
        key(
            "classes",
            "[\"cat\", \"dog\"]",
            Default("the labels in the data, numbers first, in ascending order"),
            "The labels of a category, in the order of the program's scores.",
        ),
    ],
};

pub static DATA: Table = Table {
    header: "[data]",
    doc: "The examples.",
    keys: &[
        key("source", "\"digits.csv\"", Required, "The file, relative to the folder of the manifest."),
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
    doc: "How rows are divided among training, validation and test: at random, the shares of the classes kept.",
    keys: &[
        key("validation", "a number above 0 and below 1", Default("0.1"), "The share for choosing."),
        key("test", "a number above 0 and below 1", Default("0.2"), "The share for the final measurement."),
        key("seed", "an integer from 0", Default("1"), "Another seed is another division."),
    ],
};

pub static SKELETON: Table = Table {
    header: "[skeleton]",
    doc: "Which part of program space is searched. The layer that makes the output is added at the end.",
    keys: &[
        key("preset", "\"linear\", \"mlp\" or \"convnet\"", Optional, "A usual skeleton for the input."),
        key("layers", "[\"conv 3x3 16\", \"relu\", { residual = [\"…\"] }]", Optional, "The layers themselves."),
        key("width", "\"search\"", Optional, "Leaves the widths to the search."),
    ],
};

pub static GOAL: Table = Table {
    header: "[goal]",
    doc: "What the search makes small on the training part.",
    keys: &[
        key("minimise", "\"cross-entropy\", \"squared-error\", \"absolute-error\" or \"huber\"", Required, "The loss."),
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
    doc: "How the search goes about it. Budgets count steps, never seconds, so that results can be repeated.",
    keys: &[
        key("epochs", "an integer from 1", Default("100"), "How often every training row is seen."),
        key("batch", "an integer from 1", Default("32"), "Rows in one step."),
        key("optimiser", "\"adamw\" or \"sgd\"", Default("\"adamw\""), "The rule of the steps."),
        key("learning-rate", "a number above 0", Default("0.001 for adamw, 0.05 for sgd"), "The greatest step size."),
        key(
            "weight-decay",
            "a number from 0",
            Default("0.01 for adamw, 0 for sgd"),
            "The pull of weights towards zero.",
        ),
        key("momentum", "a number from 0, below 1", Default("0.9"), "How much of the last step `sgd` keeps."),
        key(
            "schedule",
            "\"constant\", \"cosine\" or \"one-cycle\"",
            Default("\"cosine\""),
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
    &[&ROOT, &PROGRAM, &INPUT, &OUTPUT, &DATA, &SPLIT, &SKELETON, &GOAL, &SEARCH, &REQUIRE, &BASELINE];
