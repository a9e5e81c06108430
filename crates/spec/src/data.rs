//! `[data]` and `[augment]`: where the examples are, how they are divided, and what is done to images while training.

use std::path::Path;

use crate::codes::Code;
use crate::interface::one_pattern;
use crate::keys;
use crate::manifest::seed;
use crate::read::{Field, Interval, Reader, Table};
use crate::report::quoted;
use crate::specification::*;

/// Reads `[data]`.
pub(crate) fn data(reader: &mut Reader, table: &Table) -> Option<Data> {
    let source = table.require(reader, "source").and_then(|field| file(reader, &field));
    let mut part = |name| match table.get(name) {
        Some(field) => file(reader, &field).map(Some),
        None => Some(None),
    };
    let (validation, test) = (part("validation"), part("test"));
    let split = split(reader, table);
    let dialect = dialect(reader, table);
    let labels = match table.get("labels") {
        Some(field) => field.string(reader).map(|text| Some(text.to_owned())),
        None => Some(None),
    };
    let bad_rows = match table.get("bad-rows") {
        Some(field) => field.choice(reader, &[BadRows::Stop, BadRows::SetAside], |rows| match rows {
            BadRows::Stop => "stop",
            BadRows::SetAside => "set-aside",
        }),
        None => Some(BadRows::Stop),
    };
    let memory = match table.get("memory") {
        Some(field) => field.integer(reader, 1, MEMORY_MIB_MAX),
        None => Some(MEMORY_MIB),
    };
    Some(Data {
        source: source?,
        validation: validation?,
        test: test?,
        labels: labels?,
        dialect: dialect?,
        bad_rows: bad_rows?,
        memory_bytes: memory? << 20,
        split: split?,
    })
}

/// Reads `[augment]`, which is for images alone.
pub(crate) fn augmentation(reader: &mut Reader, table: &Table, inputs: Option<&[Input]>) -> Option<Augmentation> {
    let size = match inputs {
        Some([Input { kind: InputKind::Image { height, width, .. }, .. }]) => Some([*height, *width]),
        Some(_) => {
            for key in keys::AUGMENT.keys {
                table.refuse(reader, key.name, "only images are augmented");
            }
            None
        }
        None => None,
    };
    let side = size.map_or(u64::MAX, |[height, width]| height.min(width) as u64);
    let mut pixels = |name| match table.get(name) {
        Some(field) => field.integer(reader, 0, side.saturating_sub(1)),
        None => Some(0),
    };
    let (shift, cutout) = (pixels("shift"), pixels("cutout"));
    let flip = match table.get("flip") {
        Some(field) => field.boolean(reader),
        None => Some(false),
    };
    let mut number = |name, interval| match table.get(name) {
        Some(field) => field.number(reader, interval).map(Some),
        None => Some(None),
    };
    let crop = number("crop", Interval::half_open_above(0.0, 1.0));
    let rotate = number("rotate", Interval::closed(0.0, 180.0));
    let mixup = number("mixup", Interval::closed(0.0, 10.0));
    Some(Augmentation {
        shift_pixels: shift? as usize,
        flip: flip?,
        crop: crop?,
        rotate_degrees: rotate?.unwrap_or(0.0),
        cutout_pixels: cutout? as usize,
        mixup: mixup?.unwrap_or(0.0),
    })
}

/// How many MiB of values are kept in memory unless the manifest says otherwise.
const MEMORY_MIB: u64 = 2048;
const MEMORY_MIB_MAX: u64 = 1 << 24;
/// The shares of the parts that are not given.
const VALIDATION: f64 = 0.1;
const TEST: f64 = 0.2;

fn file(reader: &mut Reader, field: &Field) -> Option<DataFile> {
    let path = field.string(reader)?;
    if path.is_empty() {
        let diagnostic = reader.error(Code::OutOfRange, &field.span, format!("`{}` is empty", field.name));
        reader.push(diagnostic.help("give a file, or a folder of images"));
        return None;
    }
    let known = ["csv", "tsv", "txt", "data", "jsonl", "ndjson", "parquet", "gz"];
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    // A name without an extension may be a folder of images or an idx file, which only the disk can tell.
    let foreign = extension.filter(|extension| FOREIGN.contains(&extension.as_str()));
    if let Some(extension) = foreign {
        let message = format!("data such as {} cannot be read", quoted(path));
        let help = format!("save the `.{extension}` file as one of {}", crate::read::listed(known.into_iter()));
        let diagnostic = reader.error(Code::NotAvailable, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    Some(DataFile { path: path.to_owned(), place: reader.place(&field.span) })
}

/// Kinds of data that people have and this tool does not read.
const FOREIGN: &[&str] = &[
    "xls", "xlsx", "ods", "json", "xml", "html", "arff", "sav", "dta", "rds", "feather", "pkl", "npy", "npz", "mat",
    "db", "sqlite", "zip", "tar",
];

fn dialect(reader: &mut Reader, table: &Table) -> Option<Dialect> {
    let delimiter = match table.get("delimiter") {
        Some(field) => delimiter(reader, &field).map(Some),
        None => Some(None),
    };
    let columns = match table.get("columns") {
        Some(field) => names(reader, &field).map(Some),
        None => Some(None),
    };
    let missing = match table.get("missing") {
        Some(field) => {
            let items = if field.value.is_str() { Some(vec![field.clone()]) } else { field.list(reader) };
            items.and_then(|items| items.iter().map(|item| Some(item.string(reader)?.trim().to_owned())).collect())
        }
        None => Some(Vec::new()),
    };
    Some(Dialect { delimiter: delimiter?, columns: columns?, missing: missing? })
}

fn delimiter(reader: &mut Reader, field: &Field) -> Option<char> {
    const DELIMITERS: &[char] = &[',', ';', '\t', '|'];
    field.choice(reader, DELIMITERS, |delimiter| match delimiter {
        ',' => ",",
        ';' => ";",
        '\t' => "\t",
        _ => "|",
    })
}

fn names(reader: &mut Reader, field: &Field) -> Option<Vec<String>> {
    let items = field.list(reader)?;
    let mut seen = std::collections::BTreeSet::new();
    let mut names = Vec::new();
    for item in &items {
        let name = item.string(reader)?;
        if name.is_empty() || !seen.insert(name) {
            let (code, message) = match name.is_empty() {
                true => (Code::BadColumns, "a column's name is empty".to_owned()),
                false => (Code::NameTwice, format!("the column {} is listed twice", quoted(name))),
            };
            let diagnostic = reader.error(code, &item.span, message).help("give each column a name of its own");
            reader.push(diagnostic);
            return None;
        }
        names.push(name.to_owned());
    }
    if names.is_empty() {
        let diagnostic = reader.error(Code::BadColumns, &field.span, "`columns` is empty");
        reader.push(diagnostic.help("name every column of the file, in its order"));
        return None;
    }
    Some(names)
}

fn split(reader: &mut Reader, data: &Table) -> Option<Split> {
    let (given_validation, given_test) = (data.get("validation").is_some(), data.get("test").is_some());
    let share_or_none = |given: bool, share: f64| if given { 0.0 } else { share };
    let defaults = (share_or_none(given_validation, VALIDATION), share_or_none(given_test, TEST));
    let Some(field) = data.get("split") else {
        let place = reader.place(&data.span);
        let (validation, test) = defaults;
        return Some(Split { method: SplitMethod::Stratified, validation, test, seed: 1, place });
    };
    let table = field.table(reader, &keys::SPLIT, keys::SPLIT.header.to_owned())?;
    let method = method(reader, &table);
    let is_given = matches!(method, Some(SplitMethod::Given { .. }));
    for (name, given) in [("validation", given_validation), ("test", given_test)] {
        if given {
            table.refuse(reader, name, "`[data]` names a file for this part");
        }
        if is_given {
            table.refuse(reader, name, "`column` says which rows belong to it");
        }
    }
    if is_given || matches!(method, Some(SplitMethod::Time { .. })) {
        table.refuse(reader, "seed", "nothing is left to chance");
    }
    let mut share = |name, default| match table.get(name) {
        Some(field) => field.number(reader, Interval::open(0.0, 1.0)),
        None => Some(default),
    };
    let (validation, test) = (share("validation", defaults.0), share("test", defaults.1));
    let seed = seed(reader, &table);
    let (validation, test) = (validation?, test?);
    if validation + test >= 1.0 {
        let message =
            format!("validation and test take {} of the rows, which leaves none for training", validation + test);
        let help = "choose shares that sum to less than 1, such as 0.1 and 0.2";
        let diagnostic = reader.error(Code::SplitFractions, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    Some(Split { method: method?, validation, test, seed: seed?, place: reader.place(&field.span) })
}

fn method(reader: &mut Reader, table: &Table) -> Option<SplitMethod> {
    let ways: Vec<Field> =
        ["by", "time", "column", "stratify"].into_iter().filter_map(|name| table.get(name)).collect();
    if let [first, second, ..] = &ways[..] {
        let message = format!("`{}` means nothing here: `{}` says how the rows are divided", second.name, first.name);
        let help = format!("keep `{}` or `{}`", first.name, second.name);
        let diagnostic = reader.error(Code::NotApplicable, &second.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    let Some(field) = ways.first() else { return Some(SplitMethod::Stratified) };
    if field.name == "stratify" {
        let stratify = field.boolean(reader)?;
        return Some(if stratify { SplitMethod::Stratified } else { SplitMethod::Random });
    }
    let column = one_pattern(reader, field)?;
    Some(match field.name.as_str() {
        "by" => SplitMethod::Grouped { column },
        "time" => SplitMethod::Time { column },
        _ => SplitMethod::Given { column },
    })
}
