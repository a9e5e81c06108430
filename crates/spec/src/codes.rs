//! Every error code of the tool, each defined once: its name here, its number, a title, and the text that
//! `tacit help E0101` prints.
//!
//! The hundreds tell where an error arises ([`Stage`]). A crate that raises codes has a test that iterates over the
//! codes of its stage and shows a case that triggers each of them.

use std::fmt;

/// Where in the work an error arises; the hundreds of its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// E00xx: files and the command line.
    Files,
    /// E01xx: the manifest.
    Manifest,
    /// E02xx: the data.
    Data,
}

impl Stage {
    /// Every stage, in the order of the hundreds.
    pub const ALL: &[Stage] = &[Stage::Files, Stage::Manifest, Stage::Data];

    /// What the numbers of the stage begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Stage::Files => "E00",
            Stage::Manifest => "E01",
            Stage::Data => "E02",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Stage::Files => "Files",
            Stage::Manifest => "The manifest",
            Stage::Data => "The data",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $number:literal $stage:ident $title:literal $explanation:literal;)*) => {
        /// The code of a diagnostic.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = concat!($number, ": ", $title, ".")] $variant,)*
        }

        impl Code {
            /// Every code, in ascending order of numbers.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The code as it is printed, such as `E0101`.
            pub fn number(self) -> &'static str {
                match self { $(Code::$variant => $number),* }
            }

            /// What the code means, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title),* }
            }

            /// The stage that raises the code.
            pub fn stage(self) -> Stage {
                match self { $(Code::$variant => Stage::$stage),* }
            }

            /// Why the error exists and how to get rid of it: a few paragraphs for `tacit help`.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$variant => $explanation),* }
            }
        }
    };
}

codes! {
    UnreadableFile "E0001" Files "a file cannot be read"
    "The operating system refused to open or read the file. The message holds its reason. Paths in `Tacit.toml` are \
     relative to the folder of `Tacit.toml`, not to the current folder.";

    NotUtf8 "E0002" Files "a text file is not UTF-8"
    "Manifests and CSV files are read as UTF-8. Files from older tools are often in Latin-1 or UTF-16; convert them \
     first, for example with `iconv -f latin1 -t utf-8 old.csv > new.csv`.";

    FileTooLarge "E0003" Files "a file is larger than any sensible one of its kind"
    "Files that people write by hand have a limit of size, so that a mistaken path (a data file given as the manifest) \
     is told at once and a hostile file costs nothing.";

    ManifestExists "E0024" Files "a manifest that would be overwritten"
    "`tacit new` writes a manifest and does not replace one that is there, which may hold work by hand. Give another place \
     with `--output`, or `--force` to replace it.";

    Unanswered "E0025" Files "a question without an answer"
    "`tacit new` asked something on the terminal, and the input ended before there was an answer. Nothing was written. \
     With `--yes` it asks nothing and takes what it proposes.";

    Syntax "E0101" Manifest "the manifest is not valid TOML"
    "The text breaks the grammar of TOML 1.1: an unclosed string, a missing `=`, a key or table given twice, tables \
     nested too deeply. The grammar is at https://toml.io.";

    UnknownKey "E0102" Manifest "a key or table that the manifest does not have"
    "Keys that mean nothing are errors, because a misspelt key would otherwise be ignored in silence. The message \
     proposes the nearest key that exists.";

    MissingKey "E0103" Manifest "a required key or table is missing"
    "The manifest needs at least `[program]`, one `[input.NAME]`, one `[output.NAME]`, `[data]` and `[skeleton]`. The \
     message names what is missing and the help shows a line that would do.";

    WrongType "E0104" Manifest "a value has the wrong type"
    "For example a string where a number belongs. Numbers are written without quotes, names with them.";

    OutOfRange "E0105" Manifest "a value lies outside its range"
    "The message names the range. Shares and probabilities run from 0 to 1: 97 % is written `0.97`. Infinity and NaN \
     are never accepted.";

    UnknownValue "E0106" Manifest "a word that is not among the choices"
    "The key takes one of a few words. The message lists them, or proposes the nearest.";

    BadName "E0107" Manifest "a name cannot be used"
    "Names of programs, inputs and outputs become names of files, functions and fields in what is built. They start \
     with a lower-case letter and go on with lower-case letters, digits, `-` and `_`, 64 characters at most.";

    NameTwice "E0108" Manifest "a name is used twice"
    "An input and an output may not share a name, and a list of names may not repeat one.";

    SplitFractions "E0109" Manifest "the split leaves nothing to train on"
    "`validation` and `test` are shares of the rows; what remains is for training, so their sum must stay below 1. A \
     usual split is `{ validation = 0.1, test = 0.2, seed = 1 }`.";

    UnknownLayer "E0110" Manifest "a layer that does not exist"
    "A layer is written as its name and its arguments, such as `conv 3x3 16`. The message proposes the nearest name.";

    LayerArguments "E0111" Manifest "a layer's arguments are wrong"
    "An argument is missing, superfluous or out of range. The help shows how the layer is written.";

    LayerShape "E0112" Manifest "a layer does not fit what reaches it"
    "Shapes are followed from the input through the list of layers. Convolutions and pools need an image that is at \
     least as large as their window, groups must divide channels, and what a residual holds must return the shape it \
     was given.";

    TooLarge "E0113" Manifest "the program would be larger than Tacit allows"
    "There are fixed limits on the number of layers, on the depth of residuals in residuals and on the number of \
     values that one layer makes, far above what fits in memory.";

    GoalMismatch "E0114" Manifest "the goal does not fit the output"
    "`cross-entropy` is for an output of type `category` or `labels`; `squared-error`, `absolute-error` and `huber` are \
     for an output of type `number` or `anomaly`.";

    MetricMismatch "E0115" Manifest "the metric does not fit the output"
    "Each metric is measured on the answers of some types of outputs: `accuracy` on categories and labels, `top-k` on \
     categories, `mae` on numbers, `recall` on everything that is answered with classes. The help lists those that fit; \
     docs/TACIT-TOML.md has the whole table. Costs such as `flops` fit every program.";

    BoundCount "E0116" Manifest "a requirement needs exactly one bound"
    "Write `at_least` for what must be high and `at_most` for what must be low. For a band write two requirements.";

    BoundSide "E0117" Manifest "a requirement bounds the wrong side"
    "`at_most` on an accuracy would be met by a worse program, and `at_least` on a cost by a wasteful one. A `gap` is \
     better when it is lower, whatever the metric.";

    BoundConflict "E0118" Manifest "two requirements repeat one another"
    "Two bounds on the same side of the same figure: one of them decides nothing. Keep one.";

    BadExpression "E0119" Manifest "a `where` expression cannot be read"
    "An expression compares columns with values: `digit = '8'`, `age >= 65 and not (region = 'north')`. Operators are \
     `=`, `!=`, `<`, `<=`, `>`, `>=`, `and`, `or`, `not` and parentheses. Text stands in single quotes (a quote inside \
     is doubled), numbers stand bare, and a column whose name is not a plain word stands in double quotes.";

    NotAvailable "E0120" Manifest "a feature that this version does not have yet"
    "The manifest is understood, but this version cannot build it. The help names what to write instead.";

    BadColumns "E0121" Manifest "a pattern of columns is wrong"
    "`columns` holds names of columns, or patterns in which `*` stands for any text, or a list of both. Empty patterns \
     match nothing, so they are errors.";

    TooManyErrors "E0122" Manifest "the rest of the errors is not shown"
    "Past a hundred errors the list stops. Correct the first ones and check again.";

    NotApplicable "E0123" Manifest "a key that means nothing here"
    "The key exists, but not together with what else is written: `momentum` belongs to `sgd`, `label-smoothing` to \
     `cross-entropy`, `class` to metrics of one class such as `recall`, `k` to `top-k`, and `output`, `where`, `gap` \
     and `confidence` to metrics measured on data, `calibration` and `quantisation` to `precision = \"int8\"`.";

    NoHeader "E0201" Data "a CSV file has no header"
    "The first line of a CSV file must name the columns. The file is empty, or its first line is.";

    NoRows "E0202" Data "a CSV file has no rows"
    "The file has a header and nothing below it.";

    ColumnTwice "E0203" Data "a CSV header names a column twice"
    "Columns are found by name, so every name must be there once. An empty name counts as a name.";

    RaggedRow "E0204" Data "rows with more or fewer cells than the header"
    "Every row must have as many cells as the header. Usual causes are a comma inside text that is not in quotes, an \
     unclosed quote, and a file that was cut off.";

    BadNumber "E0205" Data "cells that are not numbers"
    "The column is used as a number, but the cell holds something else. Numbers are written as in `12`, `-3.5` or \
     `6.02e23`: a decimal point, no thousands separators, no units.";

    NotFinite "E0206" Data "cells that are not finite numbers"
    "`NaN`, `inf` and numbers beyond the range of 32-bit floating point cannot be learnt from.";

    MissingCell "E0207" Data "empty cells"
    "The column is used, but the cell is empty. Remove the row, or fill the cell on purpose: nothing is dropped or \
     filled in silence.";

    ColumnNotFound "E0208" Data "a column that the data does not have"
    "The manifest names a column, or a pattern, that no column of the data matches. Names are compared exactly, upper \
     and lower case included.";

    ColumnCount "E0209" Data "the number of columns does not match the size"
    "An image of size `[8, 8]` needs 64 columns, in the order row by row, channels last; a vector of size 13 needs 13.";

    ColumnShared "E0210" Data "a column is used twice"
    "A column that is both input and output would give the answer away, and a column that feeds the inputs twice is \
     most often a pattern that matches too much.";

    UnknownLabel "E0211" Data "labels that are not among the classes"
    "The manifest lists the `classes` of the output, and the data holds a label that is not in the list.";

    UnknownClass "E0212" Data "a requirement on a class that the data does not have"
    "A requirement that is about one class is measured on that class's rows, and there are none. The label must be \
     written exactly as it stands in the data.";

    OneClass "E0213" Data "a category with a single class"
    "With one class there is nothing to tell apart. Is it the right column?";

    PartTooSmall "E0214" Data "the split leaves a part without what it needs"
    "Each of the three parts (training, validation, test) needs at least one row, and the training part at least one \
     row of every class. Add rows, or change the shares of the split.";

    OutsideScale "E0215" Data "image values outside the scale"
    "`scale` is the raw value of full brightness: every value must lie between 0 and it.";

    SliceEmpty "E0216" Data "a `where` that selects no rows"
    "A requirement on no rows can be neither met nor missed. The value is compared exactly as it is written in the data.";

    OpenQuote "E0217" Data "a quote that is never closed"
    "A cell that begins with `\"` goes on to the next `\"`, over line ends too, so that a forgotten one swallows the rows \
     behind it. Close the quote; a quote inside a quoted cell is doubled.";

    TooManyClasses "E0218" Data "a category with very many classes"
    "A category has at most 65,536 classes. So many different labels are most often identifiers or numbers: choose \
     another column, or an output of type `number`.";

    BadDate "E0219" Data "cells that are not dates"
    "The column is used as a date, but the cell does not follow its format. Dates are written as in `2026-11-25` or \
     `2026-11-25T12:30`, unless `format` says otherwise.";

    GapGroups "E0220" Data "a `gap` over a column without groups to compare"
    "A gap is the greatest difference of a metric between the groups of rows that have equal values in a column, the rows \
     without a value being one group. With a single value there is nothing to compare, and with more than 256 the column \
     holds numbers or identifiers, not groups: add a column to the data that says which group a row belongs to. The test \
     part must hold rows of two groups at least.";

    UnknownFormat "E0230" Data "a format that cannot be read"
    "Tacit reads CSV, JSON lines, Parquet, idx files and folders of pictures. Other formats, such as the workbooks of \
     spreadsheet programs, must be saved as one of these first. Parquet and folders cannot come from a stream.";

    DamagedFile "E0231" Data "a data file that is cut off or damaged"
    "The bytes break the rules of the file's format: compressed data that does not unpack, a header that promises more \
     than the file holds. Most often a download or a copy was interrupted.";

    RowTooLarge "E0232" Data "a row beyond what one row may hold"
    "A row has limits on its bytes and on its columns, far above what tables need, so that a damaged file cannot take all \
     memory. A quote that is never closed makes one row of the rest of the file; a wrong delimiter can do the same.";

    StrayQuote "E0233" Data "text behind a closing quote"
    "A cell that begins with `\"` ends at the next single `\"`, and only the delimiter or the line end may follow. Write \
     a quote inside a quoted cell twice: `\"a 5\"\" pipe\"`.";

    NameCount "E0234" Data "names that do not match the number of columns"
    "For a file without a header the manifest may name the columns; it must then name all of them, in their order.";

    BadJson "E0235" Data "lines that are not JSON objects"
    "In JSON lines every line is one object, such as `{\"age\": 39, \"job\": \"clerk\"}`. A JSON file that is one long list \
     becomes JSON lines with `jq -c '.[]' old.json > new.jsonl`. `NaN` is not JSON; what is missing is `null`.";

    NestedValue "E0236" Data "values that no cell can hold"
    "A cell holds a text, a number, a truth value, a list of numbers or a list of texts. Lists of lists of numbers are \
     read as one list if they are as regular as an array. Objects must be flattened into the row's own keys.";

    UnknownField "E0237" Data "keys that are not among the columns"
    "The keys of the first object are the columns, unless the manifest names them. A key that appears only later would be \
     ignored in silence otherwise. A key may be absent from a row: its cell is then missing.";

    FieldTwice "E0238" Data "keys given twice"
    "An object that gives a key twice has two values for one cell. Programs differ in which one they take.";

    BadPicture "E0239" Data "a picture that cannot be decoded"
    "The file is no picture of a known format, is damaged, or was cut off. PNG, JPEG, BMP, GIF, WebP, PGM and PPM are told \
     apart by their first bytes, whatever their names say.";

    PictureTooLarge "E0240" Data "a picture with very many pixels"
    "A small file can claim a huge picture, so there is a limit, which photographs stay below.";

    StrayFile "E0241" Data "files among the pictures that are none"
    "Every file in a folder of pictures is an example, so one that is not named as a picture may be one that was misnamed. \
     Files whose names begin with a dot are passed over.";

    NoLabelFolder "E0242" Data "pictures outside the folders that give the labels"
    "In a folder of pictures the first level of folders gives the labels (below `train`, `test` and the like, the second). \
     A picture beside these folders has no label.";

    FolderTwice "E0243" Data "a folder that links lead to twice"
    "A symbolic link leads to a folder that is read anyway, or to one that holds the link. Its pictures would be counted \
     twice, or without end.";

    LabelsMismatch "E0244" Data "a file of labels that does not match"
    "Beside an idx file of images stands one of labels, with one number for each image.";

    FeatureMissing "E0245" Data "a format that this build leaves out"
    "Reading Parquet takes large libraries, so it is left out unless it is asked for: \
     `cargo install tacit-cli --features parquet`.";

    NoTarget "E0250" Data "no column to be answered"
    "`tacit new` must know what the program is to answer. Name the column that holds the right answers with `--target`, by \
     its name or its number from 1; several outputs take several `--target`. If there are no answers, and the program is \
     to tell unusual rows from usual ones, give `--anomaly`.";

    NoInputs "E0251" Data "no column to learn from"
    "Beside the answers there must be at least one column that says something about them. Identifiers, constant columns, \
     copies, free text and columns that are nearly empty say nothing that can be learnt.";

    UnusableTarget "E0252" Data "a target that cannot be answered"
    "The answers of a program are labels or numbers. A column of dates, of pictures, of texts that differ from row to row, \
     or without any value holds neither, so nothing could be learnt or measured.";

    TooFewRows "E0253" Data "too few rows for a program"
    "Rows are divided into those that are learnt from, those that choices are made on, and those that measure the result. \
     With fewer than ten rows no part says anything.";

    ColumnsLeftOut "E0254" Data "columns that are left out"
    "`tacit new` does not use columns from which nothing can be learnt: identifiers, which name rows without saying anything \
     about the next one; constant columns and copies of others; free text; columns that are nearly empty, or that cannot be \
     read as they are written. Each stands in the manifest as a comment with its reason; without the `#` it is used.";

    ColumnLeaks "E0255" Data "a column that gives the answer away"
    "By this column alone nearly every answer is known. Most often it was written down together with the answer, or after \
     it, and will not be known when the program is used: the program would look perfect and be worthless. So it is left \
     out. If it is known in time, remove the `#` before it in the manifest.";

    RepeatedRows "E0256" Data "rows that are there more than once"
    "A row that stands in the training part and again in the test part is remembered, not answered, so that the figures are \
     better than they will be in use. Rows that agree in all inputs and differ in their answers set a limit to every \
     program. Remove what was repeated by mistake.";

    RareClasses "E0257" Data "classes with few examples"
    "A class with few rows is hardly learnt, and its share of the test part is too small to measure anything. A class with \
     fewer than three rows cannot stand in every part at all. Collect more rows, or unite classes.";

    UnusualNumbers "E0258" Data "numbers far from the rest"
    "A number lies more than ten times the distance between the quarters of its column beyond them. It may be right. It may \
     also be a mistake, or stand for a missing value, as `-999` and `99999` do; then add it to `missing` in `[data]`.";

    DatedRows "E0259" Data "rows that have a date"
    "If the program is to answer about days that come after those it was built from, rows divided at random are too easy a \
     test: each has neighbours in time that were learnt from. Then write `split = { time = \"…\" }` in `[data]`.";
}

impl Code {
    /// The code with the number, such as `E0101`, in either case.
    pub fn from_number(number: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.number().eq_ignore_ascii_case(number))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_their_hundreds_are_their_stage() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{} and {}", pair[0], pair[1]);
        }
        for code in Code::ALL {
            assert!(code.number().starts_with(code.stage().prefix()) && code.number().len() == 5, "{code}");
        }
    }

    #[test]
    fn a_number_finds_its_code_in_either_case() {
        for code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(*code));
            assert_eq!(Code::from_number(&code.number().to_lowercase()), Some(*code));
        }
        assert_eq!(Code::from_number("E9999"), None);
    }

    #[test]
    fn titles_follow_the_style_and_explanations_say_more_than_titles() {
        for code in Code::ALL {
            let first = code.title().chars().next().unwrap();
            assert!(!first.is_uppercase() && !code.title().ends_with('.'), "{code}");
            assert!(
                code.explanation().len() > code.title().len() && code.explanation().ends_with(['.', '?']),
                "{code}"
            );
        }
    }
}
