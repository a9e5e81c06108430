//! `[input.NAME]` and `[output.NAME]`: what a program is given and what it must return.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::DeValue;

use crate::codes::Code;
use crate::read::{Field, Interval, Reader, Table};
use crate::report::{Diagnostic, quoted};
use crate::shape::VALUES_MAX;
use crate::specification::*;

/// Reads one input.
pub(crate) fn input(reader: &mut Reader, table: &Table, name: &str) -> Option<Input> {
    let kind = table.require(reader, "type")?.choice(reader, InputType::ALL, InputType::name)?;
    for (key, owners) in OWNERS {
        if !owners.contains(&kind) {
            table.refuse(reader, key, &format!("it does not belong to an input of type `{}`", kind.name()));
        }
    }
    let columns = match kind {
        InputType::Number | InputType::Category | InputType::Ordinal | InputType::Date => {
            column(reader, table, name).map(|column| Columns { place: column.place.clone(), patterns: vec![column] })
        }
        InputType::Vector => table.require(reader, "columns").and_then(|field| columns(reader, &field)),
        InputType::Image => image_columns(reader, table, name),
    };
    let missing = missing(reader, table, kind);
    let kind = match kind {
        InputType::Number => encoding(reader, table).map(|encoding| InputKind::Number { encoding }),
        InputType::Category => category(reader, table),
        InputType::Ordinal => {
            let levels = table.require(reader, "levels").and_then(|field| labels(reader, &field, "level"));
            let encoding = encoding(reader, table);
            levels.zip(encoding).map(|(levels, encoding)| InputKind::Ordinal { levels, encoding })
        }
        InputType::Date => date_format(reader, table).map(|format| InputKind::Date { format }),
        InputType::Vector => {
            let length = table.require(reader, "size").and_then(|field| field.integer(reader, 1, SIZE_MAX));
            let encoding = encoding(reader, table);
            length.zip(encoding).map(|(length, encoding)| InputKind::Vector { length: length as usize, encoding })
        }
        InputType::Image => image(reader, table),
    };
    Some(Input { name: name.to_owned(), kind: kind?, columns: columns?, missing: missing? })
}

/// Reads one output.
pub(crate) fn output(reader: &mut Reader, table: &Table, name: &str) -> Option<Output> {
    let kind = table.require(reader, "type")?.choice(reader, OutputType::ALL, OutputType::name)?;
    for (key, owners) in OUTPUT_OWNERS {
        if !owners.contains(&kind) {
            table.refuse(reader, key, &format!("it does not belong to an output of type `{}`", kind.name()));
        }
    }
    let weight = match table.get("weight") {
        Some(field) => field.number(reader, Interval::above(0.0)),
        None => Some(1.0),
    };
    let (columns, kind) = match kind {
        OutputType::Number => (one_column(reader, table, name), Some(OutputKind::Number)),
        OutputType::Category => {
            let kind = match table.get("classes") {
                Some(field) => {
                    labels(reader, &field, "class").map(|classes| OutputKind::Category { classes: Some(classes) })
                }
                None => Some(OutputKind::Category { classes: None }),
            };
            (one_column(reader, table, name), kind)
        }
        OutputType::Labels => several_labels(reader, table, name),
        OutputType::Anomaly => anomaly(reader, table),
    };
    let aliases = aliases(reader, table, kind.as_ref());
    Some(Output { name: name.to_owned(), kind: kind?, columns: columns?, aliases: aliases?, weight: weight? })
}

/// Whether the inputs together have a shape.
pub(crate) fn inputs_fit(inputs: &[Input]) -> bool {
    let has_image = inputs.iter().any(|input| matches!(input.kind, InputKind::Image { .. }));
    inputs.len() == 1 || !has_image
}

/// What holds between inputs and outputs.
pub(crate) fn check_interface(reader: &mut Reader, root: &Table, inputs: &[Input], outputs: &[Output]) {
    let names: BTreeSet<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    for output in outputs {
        if names.contains(output.name.as_str()) {
            let message = format!("{} is both an input and an output", quoted(&output.name));
            let place = output.columns.place.clone();
            let diagnostic = Diagnostic::error(Code::NameTwice, place, message).help("rename one of them");
            reader.push(diagnostic);
        }
    }
    if !inputs_fit(inputs) {
        unavailable(reader, root, "input", "an image beside other inputs", "use the image alone");
    }
    let has_anomaly = outputs.iter().any(|output| matches!(output.kind, OutputKind::Anomaly { .. }));
    if has_anomaly && outputs.len() > 1 {
        unavailable(reader, root, "output", "an anomaly beside other outputs", "build a program of its own for it");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum InputType {
    Number,
    Category,
    Ordinal,
    Date,
    Vector,
    Image,
}

impl InputType {
    const ALL: &[InputType] = &[
        InputType::Number,
        InputType::Category,
        InputType::Ordinal,
        InputType::Date,
        InputType::Vector,
        InputType::Image,
    ];

    fn name(self) -> &'static str {
        match self {
            InputType::Number => "number",
            InputType::Category => "category",
            InputType::Ordinal => "ordinal",
            InputType::Date => "date",
            InputType::Vector => "vector",
            InputType::Image => "image",
        }
    }
}

/// The keys of an input that belong to some types only.
const OWNERS: &[(&str, &[InputType])] = &[
    ("column", &[InputType::Number, InputType::Category, InputType::Ordinal, InputType::Date, InputType::Image]),
    ("columns", &[InputType::Vector, InputType::Image]),
    ("size", &[InputType::Vector, InputType::Image]),
    ("scale", &[InputType::Image]),
    ("missing", &[InputType::Number, InputType::Category, InputType::Ordinal, InputType::Date, InputType::Vector]),
    ("encoding", &[InputType::Number, InputType::Ordinal, InputType::Vector]),
    ("bins", &[InputType::Number, InputType::Ordinal, InputType::Vector]),
    ("labels", &[InputType::Category]),
    ("rows-min", &[InputType::Category]),
    ("levels", &[InputType::Ordinal]),
    ("format", &[InputType::Date]),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum OutputType {
    Category,
    Labels,
    Number,
    Anomaly,
}

impl OutputType {
    const ALL: &[OutputType] = &[OutputType::Category, OutputType::Labels, OutputType::Number, OutputType::Anomaly];

    fn name(self) -> &'static str {
        match self {
            OutputType::Category => "category",
            OutputType::Labels => "labels",
            OutputType::Number => "number",
            OutputType::Anomaly => "anomaly",
        }
    }
}

/// The keys of an output that belong to some types only.
const OUTPUT_OWNERS: &[(&str, &[OutputType])] = &[
    ("columns", &[OutputType::Labels]),
    ("separator", &[OutputType::Labels]),
    ("labels", &[OutputType::Labels]),
    ("classes", &[OutputType::Category]),
    ("aliases", &[OutputType::Category]),
    ("normal", &[OutputType::Anomaly]),
    ("share", &[OutputType::Anomaly]),
    ("weight", &[OutputType::Category, OutputType::Labels, OutputType::Number]),
];

/// The greatest size along one axis. Three of them multiply without overflow.
const SIZE_MAX: u64 = 1 << 20;
const BINS_MAX: u64 = 1 << 10;
const SCALE_OF_BYTES: f64 = 255.0;

fn category(reader: &mut Reader, table: &Table) -> Option<InputKind> {
    const ROWS_MIN: u64 = 2;
    let known = match table.get("labels") {
        Some(field) => {
            table.refuse(reader, "rows-min", "`labels` lists what the program tells apart");
            labels(reader, &field, "label").map(Some)
        }
        None => Some(None),
    };
    let rows_min = match table.get("rows-min") {
        Some(field) => field.integer(reader, 1, 1 << 32),
        None => Some(ROWS_MIN),
    };
    Some(InputKind::Category { labels: known?, rows_min: rows_min? })
}

/// What holds for missing values; a number stands for itself.
fn missing(reader: &mut Reader, table: &Table, kind: InputType) -> Option<Missing> {
    let Some(field) = table.get("missing") else { return Some(Missing::Refuse) };
    let words: &[Missing] = match kind {
        InputType::Number | InputType::Ordinal | InputType::Vector | InputType::Date => {
            &[Missing::Refuse, Missing::Mean, Missing::Median]
        }
        InputType::Category => &[Missing::Refuse, Missing::Label],
        InputType::Image => return Some(Missing::Refuse),
    };
    let is_number = matches!(field.value, DeValue::Integer(_) | DeValue::Float(_));
    if is_number && matches!(kind, InputType::Number | InputType::Vector) {
        return field.number(reader, Interval::FINITE).map(Missing::Value);
    }
    field.choice(reader, words, |missing| match missing {
        Missing::Refuse => "error",
        Missing::Mean => "mean",
        Missing::Median => "median",
        Missing::Label => "label",
        // Written as a number, which is read above.
        Missing::Value(_) => "",
    })
}

fn encoding(reader: &mut Reader, table: &Table) -> Option<Option<Encoding>> {
    let bins = match table.get("bins") {
        Some(field) => field.integer(reader, 1, BINS_MAX).map(|bins| Some(bins as usize)),
        None => Some(None),
    };
    let Some(field) = table.get("encoding") else {
        return bins.map(|bins| bins.map(|bins| Encoding::Piecewise { bins: Some(bins) }));
    };
    let word = field.choice(reader, &[false, true], |piecewise| if piecewise { "piecewise" } else { "standard" })?;
    if !word {
        table.refuse(reader, "bins", "they belong to the encoding `piecewise`");
        return Some(Some(Encoding::Standard));
    }
    bins.map(|bins| Some(Encoding::Piecewise { bins }))
}

fn date_format(reader: &mut Reader, table: &Table) -> Option<DateFormat> {
    const DIRECTIVES: &str = "YmdHMSybj%";
    let Some(field) = table.get("format") else { return Some(DateFormat::Iso) };
    let text = field.string(reader)?;
    if text == "iso" {
        return Some(DateFormat::Iso);
    }
    let mut used = BTreeSet::new();
    let mut rest = text.char_indices();
    while let Some((start, character)) = rest.next() {
        if character != '%' {
            continue;
        }
        let directive = rest.next().map(|(_, directive)| directive);
        let known = directive.filter(|directive| DIRECTIVES.contains(*directive));
        let Some(known) = known else {
            let span = reader.part(&field, start..start + 1 + directive.map_or(0, char::len_utf8));
            let message = "this is not a directive of a date's format";
            let help = "the directives are %Y %m %d %H %M %S %y %b %j, and %% for a percent sign";
            let diagnostic = reader.error(Code::UnknownValue, &span, message).help(help);
            reader.push(diagnostic);
            return None;
        };
        used.insert(known);
    }
    let has = |any: &str| any.chars().any(|directive| used.contains(&directive));
    if !(has("Yy") && (has("j") || has("mb") && has("d"))) {
        let message = format!("the format {} does not tell a day", quoted(text));
        let help = "a day takes %Y (or %y) with %m (or %b) and %d, or with %j, as in `%d.%m.%Y`";
        let diagnostic = reader.error(Code::OutOfRange, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    Some(DateFormat::Pattern(text.to_owned()))
}

/// An image is one column of pictures, or a column for each value.
fn image_columns(reader: &mut Reader, table: &Table, name: &str) -> Option<Columns> {
    match (table.get("column"), table.get("columns")) {
        (_, None) => {
            table.refuse(reader, "scale", "the values of pictures go from 0 to 255");
            column(reader, table, name).map(|column| Columns { place: column.place.clone(), patterns: vec![column] })
        }
        (None, Some(field)) => columns(reader, &field),
        (Some(field), Some(_)) => {
            let message = "`column` means nothing here: `columns` says where the image stands";
            let diagnostic = reader.error(Code::NotApplicable, &field.span, message);
            reader.push(diagnostic.help("keep `column` for a column of pictures, or `columns` for one of each value"));
            None
        }
    }
}

fn image(reader: &mut Reader, table: &Table) -> Option<InputKind> {
    let size = table.require(reader, "size").and_then(|field| image_size(reader, &field));
    let scale = match (table.get("scale"), table.get("columns")) {
        (Some(field), Some(_)) => field.number(reader, Interval::above(0.0)).map(Some),
        (_, None) => Some(Some(SCALE_OF_BYTES)),
        (None, Some(_)) => Some(None),
    };
    let ([height, width, channels], scale) = size.zip(scale)?;
    Some(InputKind::Image { height, width, channels, scale })
}

fn image_size(reader: &mut Reader, field: &Field) -> Option<[usize; 3]> {
    let items = field.list(reader)?;
    if !matches!(items.len(), 2 | 3) {
        let message = format!("`size` has {} numbers", items.len());
        let help = "write `[height, width]` or `[height, width, channels]`";
        let diagnostic = reader.error(Code::OutOfRange, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    let sizes: Vec<Option<u64>> = items.iter().map(|item| item.integer(reader, 1, SIZE_MAX)).collect();
    let mut size = [1; 3];
    for (axis, length) in sizes.into_iter().enumerate() {
        size[axis] = length?;
    }
    if size.iter().product::<u64>() > VALUES_MAX as u64 {
        let message = format!("this image has more than {VALUES_MAX} values");
        let diagnostic = reader.error(Code::TooLarge, &field.span, message).help("choose a smaller size");
        reader.push(diagnostic);
        return None;
    }
    Some(size.map(|length| length as usize))
}

fn several_labels(reader: &mut Reader, table: &Table, name: &str) -> (Option<Columns>, Option<OutputKind>) {
    let listed = match table.get("labels") {
        Some(field) => labels(reader, &field, "label").map(Some),
        None => Some(None),
    };
    match (table.get("columns"), table.get("separator")) {
        (Some(field), None) => {
            table.refuse(reader, "column", "`columns` names a column for each label");
            table.refuse(reader, "labels", "the labels are the names of the `columns`");
            let kind = OutputKind::Labels { labels: None, separator: None };
            (columns(reader, &field), Some(kind))
        }
        (None, field) => {
            let separator = match field {
                Some(field) => field.string(reader).filter(|text| {
                    let usable = !text.is_empty();
                    if !usable {
                        let diagnostic = reader.error(Code::OutOfRange, &field.span, "`separator` is empty");
                        reader
                            .push(diagnostic.help("write what stands between two labels, such as `separator = \";\"`"));
                    }
                    usable
                }),
                None => Some(";"),
            };
            let kind = listed
                .zip(separator)
                .map(|(labels, separator)| OutputKind::Labels { labels, separator: Some(separator.to_owned()) });
            (one_column(reader, table, name), kind)
        }
        (Some(_), Some(field)) => {
            let message = "`separator` means nothing here: `columns` names a column for each label";
            let diagnostic = reader.error(Code::NotApplicable, &field.span, message).help("remove `separator`");
            reader.push(diagnostic);
            (None, None)
        }
    }
}

fn anomaly(reader: &mut Reader, table: &Table) -> (Option<Columns>, Option<OutputKind>) {
    const SHARE: f64 = 0.01;
    let share = match table.get("share") {
        Some(field) => field.number(reader, Interval::open(0.0, 1.0)),
        None => Some(SHARE),
    };
    let columns = match table.get("column") {
        Some(field) => {
            one_pattern(reader, &field).map(|column| Columns { place: column.place.clone(), patterns: vec![column] })
        }
        None => Some(Columns { place: reader.place(&table.span), patterns: Vec::new() }),
    };
    let normal = match (table.get("column"), table.get("normal")) {
        (Some(_), Some(field)) => field.string(reader).map(|text| Some(text.to_owned())),
        (None, Some(_)) => {
            table.refuse(reader, "normal", "without a `column` nothing tells which rows are anomalous");
            Some(None)
        }
        (Some(_), None) => {
            let diagnostic = reader.error(Code::MissingKey, &table.span, "the anomaly's `column` has no `normal`");
            reader.push(
                diagnostic.help("add `normal = \"…\"` with what the column holds for a row that is not anomalous"),
            );
            None
        }
        (None, None) => Some(None),
    };
    let kind = share.zip(normal).map(|(share, normal)| OutputKind::Anomaly { normal, share });
    (columns, kind)
}

/// `aliases`, a table of spellings and what they stand for.
fn aliases(reader: &mut Reader, table: &Table, kind: Option<&OutputKind>) -> Option<Vec<(String, String)>> {
    let Some(field) = table.get("aliases") else { return Some(Vec::new()) };
    let mut aliases = Vec::new();
    for one in field.named(reader, "aliases = { \"…\" = \"…\" }")? {
        let class = one.string(reader)?;
        let classes = kind.and_then(OutputKind::listed);
        if classes.is_some_and(|classes| !classes.iter().any(|listed| listed == class)) {
            let message = format!("{} is not among the `classes`", quoted(class));
            let help = "write the class as it stands in `classes`";
            let diagnostic = reader.error(Code::UnknownValue, &one.span, message).help(help);
            reader.push(diagnostic);
        }
        aliases.push((one.name.clone(), class.to_owned()));
    }
    Some(aliases)
}

fn labels(reader: &mut Reader, field: &Field, what: &str) -> Option<Vec<String>> {
    let items = field.list(reader)?;
    let labels: Option<Vec<String>> = items.iter().map(|item| Some(item.string(reader)?.to_owned())).collect();
    let labels = labels?;
    if labels.len() < 2 {
        let message = format!("`{}` needs at least two of a {what}", field.name);
        let help = "list every one as it stands in the data";
        let diagnostic = reader.error(Code::OutOfRange, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    let mut seen = BTreeSet::new();
    for (label, item) in labels.iter().zip(&items) {
        if !seen.insert(label) {
            let message = format!("the {what} {} is listed twice", quoted(label));
            let diagnostic = reader.error(Code::NameTwice, &item.span, message).help("remove one");
            reader.push(diagnostic);
        }
    }
    Some(labels)
}

fn one_column(reader: &mut Reader, table: &Table, name: &str) -> Option<Columns> {
    let column = column(reader, table, name)?;
    Some(Columns { place: column.place.clone(), patterns: vec![column] })
}

/// `column`, by default the name of the input or output.
fn column(reader: &mut Reader, table: &Table, name: &str) -> Option<Pattern> {
    let Some(field) = table.get("column") else {
        return Some(Pattern { text: name.to_owned(), place: reader.place(&table.span) });
    };
    one_pattern(reader, &field)
}

/// The name of one column, not a pattern.
pub(crate) fn one_pattern(reader: &mut Reader, field: &Field) -> Option<Pattern> {
    let pattern = pattern(reader, field)?;
    if pattern.text.contains('*') {
        let message = format!("`{}` names one column, not a pattern", field.name);
        let diagnostic = reader.error(Code::BadColumns, &field.span, message).help("write its whole name");
        reader.push(diagnostic);
        return None;
    }
    Some(pattern)
}

fn columns(reader: &mut Reader, field: &Field) -> Option<Columns> {
    let fields = if field.value.is_str() { vec![field.clone()] } else { field.list(reader)? };
    if fields.is_empty() {
        let message = "`columns` is empty";
        let diagnostic = reader.error(Code::BadColumns, &field.span, message).help("name at least one column");
        reader.push(diagnostic);
        return None;
    }
    let patterns: Vec<Option<Pattern>> = fields.iter().map(|field| pattern(reader, field)).collect();
    Some(Columns { patterns: patterns.into_iter().collect::<Option<_>>()?, place: reader.place(&field.span) })
}

fn pattern(reader: &mut Reader, field: &Field) -> Option<Pattern> {
    let text = field.string(reader)?;
    if text.is_empty() {
        let diagnostic = reader.error(Code::BadColumns, &field.span, "a column's name is empty");
        reader.push(diagnostic.help("write the name as it stands in the header"));
        return None;
    }
    Some(Pattern { text: text.to_owned(), place: reader.place(&field.span) })
}

fn unavailable(reader: &mut Reader, root: &Table, key: &'static str, feature: &str, help: &str) {
    let span = root.get(key).map_or(0..0, |field| last_named_span(reader, &field));
    let message = format!("{feature} is not available yet");
    let diagnostic = reader.error(Code::NotAvailable, &span, message).help(help);
    reader.push(diagnostic);
}

fn last_named_span(reader: &mut Reader, field: &Field) -> Range<usize> {
    let named = field.named(reader, "").unwrap_or_default();
    named.last().map_or(field.span.clone(), |last| last.span.clone())
}
