//! The tables of `Tacit.toml`, read into a [`Specification`].

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use crate::codes::Code;
use crate::contract::{baseline, requirements};
use crate::goal::{goal, search};
use crate::keys;
use crate::read::{Field, Interval, Reader, Table};
use crate::report::{Diagnostic, Place, Source, quoted};
use crate::shape::VALUES_MAX;
use crate::skeleton::skeleton;
use crate::specification::*;

/// The longest manifest, in bytes.
const MANIFEST_BYTES_MAX: usize = 1 << 20;
/// After so many errors the list stops.
const ERRORS_MAX: usize = 100;

/// Reads and checks a manifest file.
///
/// # Errors
/// All that is wrong, in the order of the file.
pub fn read(path: &Path) -> Result<Specification, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let bytes = read_limited(path).map_err(|error| {
        let help = "run the command in the folder of the manifest, or give its path";
        vec![Diagnostic::io(&name, "read", &error).help(help)]
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let message = format!("{} is not UTF-8 from byte {} on", quoted(&name), error.utf8_error().valid_up_to());
        let place = Place::File(name.clone());
        vec![Diagnostic::error(Code::NotUtf8, place, message).help("save the manifest as UTF-8")]
    })?;
    parse(&name, &text)
}

/// Checks the text of a manifest. Never panics, whatever the text.
///
/// # Errors
/// All that is wrong, in the order of the text, at most about a hundred.
pub fn parse(file_name: &str, text: &str) -> Result<Specification, Vec<Diagnostic>> {
    if text.len() > MANIFEST_BYTES_MAX {
        let message = format!("{} is larger than {MANIFEST_BYTES_MAX} bytes", quoted(file_name));
        let place = Place::File(file_name.to_owned());
        return Err(vec![Diagnostic::error(Code::FileTooLarge, place, message).help("is it the manifest?")]);
    }
    let source = Arc::new(Source { name: file_name.to_owned(), text: text.to_owned() });
    let mut reader = Reader { source: source.clone(), diagnostics: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let span = error.span().map(|span| clamped(&source.text, span)).unwrap_or(0..0);
        let message = error.message().trim_end_matches('.').replace('\n', ", ");
        let diagnostic = reader.error(Code::Syntax, &span, message).help("the grammar of TOML is at https://toml.io");
        reader.push(diagnostic);
    }
    // A broken text recovers into tables that the user did not write, so nothing else is said about it.
    let specification = if errors.is_empty() { manifest(&mut reader, document.get_ref()) } else { None };
    let mut diagnostics = reader.diagnostics;
    diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
        Place::Span { span, .. } => span.start,
        Place::Nowhere | Place::File(_) | Place::Row { .. } => usize::MAX,
    });
    if diagnostics.len() > ERRORS_MAX {
        let rest = diagnostics.len() - ERRORS_MAX;
        diagnostics.truncate(ERRORS_MAX);
        let message = format!("{rest} more errors are not shown");
        let place = Place::File(file_name.to_owned());
        diagnostics.push(Diagnostic::error(Code::TooManyErrors, place, message).help("correct the first ones"));
    }
    match specification {
        Some(specification) if diagnostics.is_empty() => Ok(specification),
        Some(_) | None => Err(diagnostics),
    }
}

/// Reads a file up to one byte more than a manifest may have, so that [`parse`] can tell.
fn read_limited(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MANIFEST_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    // A cut character at the end must not hide that the file is too large.
    if bytes.len() > MANIFEST_BYTES_MAX { Ok(vec![b' '; bytes.len()]) } else { Ok(bytes) }
}

/// A span that lies in the text and between characters, whatever the parser says.
fn clamped(text: &str, span: Range<usize>) -> Range<usize> {
    let boundary =
        |offset: usize| (0..=offset.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (start, end) = (boundary(span.start), boundary(span.end));
    start..end.max(start)
}

fn manifest(reader: &mut Reader, entries: &DeTable) -> Option<Specification> {
    let root = Table::open(reader, &keys::ROOT, keys::ROOT.header.to_owned(), 0..0, entries);
    let program = section(reader, &root, "program", &keys::PROGRAM).and_then(|table| program(reader, &table));
    let inputs = each_named(reader, &root, "input", &keys::INPUT, input);
    let outputs = each_named(reader, &root, "output", &keys::OUTPUT, output);
    if let (Some(inputs), Some(outputs)) = (&inputs, &outputs) {
        interface(reader, &root, inputs, outputs);
    }
    let data = section(reader, &root, "data", &keys::DATA).and_then(|table| data(reader, &table));
    let shape = inputs.as_deref().filter(|inputs| inputs_fit(inputs)).map(input_shape);
    let layers = section(reader, &root, "skeleton", &keys::SKELETON).and_then(|table| skeleton(reader, &table, shape));
    let first_output = outputs.as_ref().and_then(|outputs| outputs.first());
    let goal = section(reader, &root, "goal", &keys::GOAL).and_then(|table| goal(reader, &table, first_output));
    let search = match root.get("search") {
        Some(field) => {
            let table = field.table(reader, &keys::SEARCH, keys::SEARCH.header.to_owned());
            table.and_then(|table| search(reader, &table))
        }
        None => {
            let empty = DeTable::new();
            let table = Table::open(reader, &keys::SEARCH, keys::SEARCH.header.to_owned(), 0..0, &empty);
            search(reader, &table)
        }
    };
    let requirements = requirements(reader, &root, outputs.as_deref());
    let baseline = match root.get("baseline") {
        Some(field) => {
            let table = field.table(reader, &keys::BASELINE, keys::BASELINE.header.to_owned());
            table.and_then(|table| baseline(reader, &table)).map(Some)
        }
        None => Some(None),
    };
    Some(Specification {
        program: program?,
        inputs: inputs?,
        outputs: outputs?,
        data: data?,
        layers: layers?,
        goal: goal?,
        search: search?,
        requirements: requirements?,
        baseline: baseline?,
        source: reader.source.clone(),
    })
}

fn section<'a>(
    reader: &mut Reader,
    root: &Table<'a>,
    name: &'static str,
    definition: &'static keys::Table,
) -> Option<Table<'a>> {
    root.require(reader, name)?.table(reader, definition, definition.header.to_owned())
}

/// All tables `[kind.NAME]`, or nothing if one of them has an error.
fn each_named<T>(
    reader: &mut Reader,
    root: &Table,
    kind: &'static str,
    definition: &'static keys::Table,
    one: fn(&mut Reader, &Table, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let field = root.require(reader, kind)?;
    let named = field.named(reader, definition.header)?;
    if named.is_empty() {
        let message = format!("`[{kind}]` is empty");
        let help = format!("add a table `{}`", definition.header);
        let diagnostic = reader.error(Code::MissingKey, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    let read: Vec<Option<T>> = named
        .iter()
        .map(|field| {
            let table = field.table(reader, definition, format!("[{kind}.{}]", field.name))?;
            let usable = usable_name(reader, &field.name, &field.span);
            one(reader, &table, &field.name).filter(|_| usable)
        })
        .collect();
    read.into_iter().collect()
}

fn usable_name(reader: &mut Reader, name: &str, span: &Range<usize>) -> bool {
    const BYTES_MAX: usize = 64;
    let starts = name.starts_with(|first: char| first.is_ascii_lowercase());
    let goes_on = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let usable = starts && name.chars().all(goes_on) && name.len() <= BYTES_MAX;
    if !usable {
        let message = format!("the name {} cannot be used", quoted(name));
        let help = "choose a lower-case letter, then lower-case letters, digits, `-` and `_`, 64 in all";
        let diagnostic = reader.error(Code::BadName, span, message).help(help);
        reader.push(diagnostic);
    }
    usable
}

fn program(reader: &mut Reader, table: &Table) -> Option<Program> {
    let seed = seed(reader, table);
    let field = table.require(reader, "name")?;
    let name = field.string(reader)?;
    usable_name(reader, name, &field.span).then_some(())?;
    Some(Program { name: name.to_owned(), seed: seed? })
}

/// Seeds stay below 2⁶³, the integers of TOML.
fn seed(reader: &mut Reader, table: &Table) -> Option<u64> {
    match table.get("seed") {
        Some(field) => field.integer(reader, 0, i64::MAX as u64),
        None => Some(1),
    }
}

#[derive(Clone, Copy)]
enum InputType {
    Number,
    Vector,
    Image,
}

fn input(reader: &mut Reader, table: &Table, name: &str) -> Option<Input> {
    const TYPES: &[InputType] = &[InputType::Number, InputType::Vector, InputType::Image];
    let name_of = |kind| match kind {
        InputType::Number => "number",
        InputType::Vector => "vector",
        InputType::Image => "image",
    };
    let kind = table.require(reader, "type")?.choice(reader, TYPES, name_of)?;
    let (kind, columns) = match kind {
        InputType::Number => {
            for key in ["columns", "size", "scale"] {
                table.refuse(reader, key, "an input of type `number` has one `column`");
            }
            let column = column(reader, table, name)?;
            (Some(InputKind::Number), Some(Columns { place: column.place.clone(), patterns: vec![column] }))
        }
        InputType::Vector => {
            table.refuse(reader, "column", "an input of type `vector` has `columns`");
            table.refuse(reader, "scale", "it belongs to images");
            let columns = table.require(reader, "columns").and_then(|field| columns(reader, &field));
            let length = table.require(reader, "size").and_then(|field| field.integer(reader, 1, SIZE_MAX));
            (length.map(|length| InputKind::Vector { length: length as usize }), columns)
        }
        InputType::Image => {
            table.refuse(reader, "column", "an input of type `image` has `columns`");
            let columns = table.require(reader, "columns").and_then(|field| columns(reader, &field));
            let size = table.require(reader, "size").and_then(|field| image_size(reader, &field));
            let scale = match table.get("scale") {
                Some(field) => field.number(reader, Interval::above(0.0)).map(Some),
                None => Some(None),
            };
            let kind = size.zip(scale).map(|([height, width, channels], scale)| InputKind::Image {
                height,
                width,
                channels,
                scale,
            });
            (kind, columns)
        }
    };
    Some(Input { name: name.to_owned(), kind: kind?, columns: columns? })
}

/// The greatest size along one axis. Three of them multiply without overflow.
const SIZE_MAX: u64 = 1 << 20;

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

fn output(reader: &mut Reader, table: &Table, name: &str) -> Option<Output> {
    const TYPES: &[bool] = &[true, false];
    let name_of = |category| if category { "category" } else { "number" };
    let is_category = table.require(reader, "type")?.choice(reader, TYPES, name_of)?;
    let column = column(reader, table, name);
    let kind = match (is_category, table.get("classes")) {
        (true, Some(field)) => classes(reader, &field).map(|classes| OutputKind::Category { classes: Some(classes) }),
        (true, None) => Some(OutputKind::Category { classes: None }),
        (false, _) => {
            table.refuse(reader, "classes", "they belong to an output of type `category`");
            Some(OutputKind::Number)
        }
    };
    Some(Output { name: name.to_owned(), kind: kind?, column: column? })
}

fn classes(reader: &mut Reader, field: &Field) -> Option<Vec<String>> {
    let items = field.list(reader)?;
    let labels: Option<Vec<String>> = items.iter().map(|item| Some(item.string(reader)?.to_owned())).collect();
    let labels = labels?;
    if labels.len() < 2 {
        let help = "list every label, or remove `classes` to take them from the data";
        let message = "a category needs at least two classes";
        let diagnostic = reader.error(Code::OutOfRange, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    let mut seen = BTreeSet::new();
    for (label, item) in labels.iter().zip(&items) {
        if !seen.insert(label) {
            let message = format!("the class {} is listed twice", quoted(label));
            let diagnostic = reader.error(Code::NameTwice, &item.span, message).help("remove one");
            reader.push(diagnostic);
        }
    }
    Some(labels)
}

/// `column`, by default the name of the input or output.
fn column(reader: &mut Reader, table: &Table, name: &str) -> Option<Pattern> {
    let Some(field) = table.get("column") else {
        return Some(Pattern { text: name.to_owned(), place: reader.place(&table.span) });
    };
    let pattern = pattern(reader, &field)?;
    if pattern.text.contains('*') {
        let message = "`column` names one column, not a pattern";
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

/// Whether the inputs together have a shape.
fn inputs_fit(inputs: &[Input]) -> bool {
    let has_image = inputs.iter().any(|input| matches!(input.kind, InputKind::Image { .. }));
    inputs.len() == 1 || !has_image
}

/// What holds between inputs and outputs.
fn interface(reader: &mut Reader, root: &Table, inputs: &[Input], outputs: &[Output]) {
    let names: BTreeSet<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
    for output in outputs {
        if names.contains(output.name.as_str()) {
            let message = format!("{} is both an input and an output", quoted(&output.name));
            let place = output.column.place.clone();
            let diagnostic = Diagnostic::error(Code::NameTwice, place, message).help("rename one of them");
            reader.push(diagnostic);
        }
    }
    if !inputs_fit(inputs) {
        unavailable(reader, root, "input", "an image beside other inputs", "use the image alone");
    }
    if outputs.len() > 1 {
        unavailable(reader, root, "output", "more than one output", "keep one output, and build one program for each");
    }
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

fn data(reader: &mut Reader, table: &Table) -> Option<Data> {
    let split = split(reader, table);
    let field = table.require(reader, "source")?;
    let file = field.string(reader)?;
    let extension = Path::new(file).extension().map(|extension| extension.to_ascii_lowercase());
    if extension.is_none_or(|extension| extension != "csv") {
        let message = format!("data such as {} cannot be read yet", quoted(file));
        let help = "give a file whose name ends in `.csv`";
        let diagnostic = reader.error(Code::NotAvailable, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    Some(Data { file: file.to_owned(), split: split?, place: reader.place(&field.span) })
}

fn split(reader: &mut Reader, data: &Table) -> Option<Split> {
    const SHARE: Interval = Interval::open(0.0, 1.0);
    let Some(field) = data.get("split") else {
        return Some(Split { validation: 0.1, test: 0.2, seed: 1, place: reader.place(&data.span) });
    };
    let table = field.table(reader, &keys::SPLIT, keys::SPLIT.header.to_owned())?;
    let mut share = |name, default| match table.get(name) {
        Some(field) => field.number(reader, SHARE),
        None => Some(default),
    };
    let (validation, test) = (share("validation", 0.1), share("test", 0.2));
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
    Some(Split { validation, test, seed: seed?, place: reader.place(&field.span) })
}
