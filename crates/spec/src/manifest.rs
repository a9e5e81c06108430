//! The tables of `Tacit.toml`, read into a [`Specification`].

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use crate::codes::Code;
use crate::contract::{baseline, requirements};
use crate::data::{augmentation, data};
use crate::goal::{goal, search};
use crate::interface::{check_interface, input, inputs_fit, output};
use crate::keys;
use crate::read::{Reader, Table};
use crate::report::{Diagnostic, Place, Source, quoted};
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
        check_interface(reader, &root, inputs, outputs);
    }
    let data = section(reader, &root, "data", &keys::DATA).and_then(|table| data(reader, &table));
    let augmentation = optional_section(reader, &root, "augment", &keys::AUGMENT, |reader, table| {
        augmentation(reader, table, inputs.as_deref().filter(|inputs| inputs_fit(inputs)))
    });
    let shape = inputs.as_deref().filter(|inputs| inputs_fit(inputs)).map(input_shape);
    let skeleton = section(reader, &root, "skeleton", &keys::SKELETON)
        .and_then(|table| skeleton(reader, &table, shape, outputs.as_deref()));
    let goal =
        optional_section(reader, &root, "goal", &keys::GOAL, |reader, table| goal(reader, table, outputs.as_deref()));
    let search = optional_section(reader, &root, "search", &keys::SEARCH, search);
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
        augmentation: augmentation?,
        skeleton: skeleton?,
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

/// A table that may be left out; then it is read as an empty one, which gives the defaults.
fn optional_section<T>(
    reader: &mut Reader,
    root: &Table,
    name: &'static str,
    definition: &'static keys::Table,
    read: impl FnOnce(&mut Reader, &Table) -> Option<T>,
) -> Option<T> {
    match root.get(name) {
        Some(field) => {
            let table = field.table(reader, definition, definition.header.to_owned())?;
            read(reader, &table)
        }
        None => {
            let empty = DeTable::new();
            let table = Table::open(reader, definition, definition.header.to_owned(), 0..0, &empty);
            read(reader, &table)
        }
    }
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
    let convolutions = match table.get("convolutions") {
        Some(field) => field.choice(reader, &[Convolutions::Direct, Convolutions::Winograd], |which| match which {
            Convolutions::Direct => "direct",
            Convolutions::Winograd => "winograd",
        }),
        None => Some(Convolutions::Direct),
    };
    let precision = precision(reader, table);
    if let (Some(Convolutions::Winograd), Some(Precision::Int8 { .. }), Some(field)) =
        (convolutions, precision, table.get("convolutions"))
    {
        let message = "the transforms of `convolutions = \"winograd\"` have no form in 8-bit integers";
        let help = "remove `convolutions`, or write `precision = \"f32\"`";
        let diagnostic = reader.error(Code::NotApplicable, &field.span, message).help(help);
        reader.push(diagnostic);
    }
    let field = table.require(reader, "name")?;
    let name = field.string(reader)?;
    usable_name(reader, name, &field.span).then_some(())?;
    Some(Program { name: name.to_owned(), seed: seed?, convolutions: convolutions?, precision: precision? })
}

fn precision(reader: &mut Reader, table: &Table) -> Option<Precision> {
    let is_int8 = match table.get("precision") {
        Some(field) => field.choice(reader, &[false, true], |is_int8| if is_int8 { "int8" } else { "f32" })?,
        None => false,
    };
    let calibration = match table.get("calibration") {
        Some(field) => {
            let choices = [Calibration::MinMax, Calibration::Percentile, Calibration::Mse];
            field.choice(reader, &choices, |which| match which {
                Calibration::MinMax => "min-max",
                Calibration::Percentile => "percentile",
                Calibration::Mse => "mse",
            })
        }
        None => Some(Calibration::Mse),
    };
    let quantisation = match table.get("quantisation") {
        Some(field) => field.choice(reader, &[Quantisation::After, Quantisation::Aware], |which| match which {
            Quantisation::After => "after",
            Quantisation::Aware => "aware",
        }),
        None => Some(Quantisation::After),
    };
    if is_int8 {
        return Some(Precision::Int8 { calibration: calibration?, quantisation: quantisation? });
    }
    for name in ["calibration", "quantisation"] {
        table.refuse(reader, name, "only `precision = \"int8\"` makes integers of the program");
    }
    Some(Precision::F32)
}

/// Seeds stay below 2⁶³, the integers of TOML.
pub(crate) fn seed(reader: &mut Reader, table: &Table) -> Option<u64> {
    match table.get("seed") {
        Some(field) => field.integer(reader, 0, i64::MAX as u64),
        None => Some(1),
    }
}
