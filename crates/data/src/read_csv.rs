//! CSV files, read strictly.
//!
//! The first line names the columns. Cells and names lose the white space around them; a byte order mark, lines that end
//! in CR LF and quoted cells are understood; blank lines hold no row. Everything else that is unusual is an error.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use csv::StringRecord;
use tacit_spec::report::quoted;
use tacit_spec::suggest::nearest;
use tacit_spec::{Code, Diagnostic, InputKind, Output, OutputKind, Pattern, Place, Requirement, Specification};

use crate::dataset::{Dataset, GROUPS_MAX, Groups, InputValues, RequirementRows, Target, TargetValues};

/// The greatest number of classes of a category.
pub const CLASSES_MAX: usize = 1 << 16;

/// Reads a CSV file as the specification's inputs and outputs ask.
///
/// # Errors
/// All kinds of things that are wrong, each with the first cells it is found in and their number.
pub fn read_csv(path: &Path, specification: &Specification) -> Result<Dataset, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let help = "`source` in `[data]` is relative to the folder of the manifest";
        vec![Diagnostic::io(&name, "read", &error).help(help)]
    })?;
    read_csv_bytes(&name, &bytes, specification)
}

/// Reads the bytes of a CSV file; `name` is the file's name for messages.
///
/// # Errors
/// As [`read_csv`].
pub fn read_csv_bytes(name: &str, bytes: &[u8], specification: &Specification) -> Result<Dataset, Vec<Diagnostic>> {
    let text = std::str::from_utf8(bytes).map_err(|error| vec![not_utf8(name, bytes, error.valid_up_to())])?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (header, rows) = records(text);
    let header: Vec<&str> = header.iter().map(str::trim).collect();
    let layout = layout(name, &header, specification)?;
    if rows.is_empty() {
        let message = format!("{} has no rows below its header", quoted(name));
        let diagnostic = Diagnostic::error(Code::NoRows, Place::File(name.to_owned()), message);
        return Err(vec![diagnostic.help("add at least three rows: one for each part of the split")]);
    }
    let mut faults = Faults { file: name, header: &header, faults: BTreeMap::new() };
    check_rows(text, &rows, &mut faults);
    faults.done()?;
    let mut inputs = Vec::new();
    for (input, columns) in specification.inputs.iter().zip(&layout.inputs) {
        let scale = match input.kind {
            InputKind::Image { scale, .. } => scale,
            InputKind::Number | InputKind::Vector { .. } => None,
        };
        let values = numbers(&rows, columns, scale, &mut faults);
        inputs.push(InputValues { name: input.name.clone(), shape: input.shape(), values });
    }
    let mut targets = Vec::new();
    for (output, column) in specification.outputs.iter().zip(&layout.outputs) {
        let values = match &output.kind {
            OutputKind::Number => TargetValues::Number(numbers(&rows, &[*column], None, &mut faults)),
            OutputKind::Category { classes } => categories(&rows, *column, classes.as_deref(), &mut faults),
            OutputKind::Labels { .. } | OutputKind::Anomaly => {
                let message =
                    format!("an output of type `{}` cannot be read from a table yet", output.kind.answers().name());
                let diagnostic = Diagnostic::error(Code::NotAvailable, output.column.place.clone(), message);
                return Err(vec![diagnostic.help("use an output of type `category` or `number`")]);
            }
        };
        targets.push(Target { name: output.name.clone(), values });
    }
    let requirement_rows: Vec<RequirementRows> = specification
        .requirements
        .iter()
        .map(|requirement| RequirementRows {
            selected: slice(&rows, requirement, &layout, &mut faults),
            groups: requirement.gap.as_deref().map(|column| groups(&rows, layout.by_name[column])),
        })
        .collect();
    faults.done()?;
    let mut diagnostics = check_classes(name, specification, &targets);
    diagnostics.extend(check_requirement_rows(name, specification, &requirement_rows));
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    Ok(Dataset {
        file: name.to_owned(),
        hash: blake3::hash(bytes).to_hex().to_string(),
        rows: rows.len(),
        lines: rows.iter().map(|row| row.line).collect(),
        inputs,
        targets,
        requirement_rows,
    })
}

/// A row of the file.
struct Row {
    cells: StringRecord,
    /// The line it begins at, from 1.
    line: u64,
    /// The byte it begins at.
    start: usize,
}

impl Row {
    fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default().trim()
    }
}

/// Which columns of the file are used for what.
struct Layout<'a> {
    /// The columns of each input, in the order of its values.
    inputs: Vec<Vec<usize>>,
    /// The column of each output.
    outputs: Vec<usize>,
    by_name: HashMap<&'a str, usize>,
}

/// The header and the rows of a text.
fn records(text: &str) -> (StringRecord, Vec<Row>) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    let (mut counted, mut line) = (0, 1);
    for cells in reader.records() {
        // Reading from memory, of text that is UTF-8, with rows of any length, has no errors.
        let cells = cells.expect("text in memory is read without errors");
        // The reader's position may lie before the line end that separates the record from the last one.
        let position = cells.position().map_or(0, |position| position.byte() as usize);
        let start = position + text[position..].len() - text[position..].trim_start_matches(['\r', '\n']).len();
        line += line_ends(&text.as_bytes()[counted..start]);
        counted = start;
        rows.push(Row { cells, line, start });
    }
    let mut rows = rows.into_iter();
    let header = rows.next().map(|row| row.cells).unwrap_or_default();
    (header, rows.collect())
}

/// The number of line ends: LF, CR LF, or CR alone.
fn line_ends(bytes: &[u8]) -> u64 {
    let ends = |index: usize| match bytes[index] {
        b'\n' => true,
        b'\r' => bytes.get(index + 1) != Some(&b'\n'),
        _ => false,
    };
    (0..bytes.len()).filter(|index| ends(*index)).count() as u64
}

fn not_utf8(name: &str, bytes: &[u8], valid: usize) -> Diagnostic {
    let line = 1 + line_ends(&bytes[..valid]);
    let place = Place::Row { file: name.to_owned(), line, column: None };
    let message = format!("the byte `0x{:02x}` is not UTF-8", bytes.get(valid).copied().unwrap_or_default());
    Diagnostic::error(Code::NotUtf8, place, message)
        .help("convert the file: `iconv -f latin1 -t utf-8 old.csv > new.csv`")
}

/// Finds the columns of the inputs, outputs and requirements in the header.
fn layout<'a>(name: &str, header: &[&'a str], specification: &Specification) -> Result<Layout<'a>, Vec<Diagnostic>> {
    if header.iter().all(|column| column.is_empty()) {
        let message = format!("{} has no header", quoted(name));
        let diagnostic = Diagnostic::error(Code::NoHeader, Place::File(name.to_owned()), message);
        return Err(vec![diagnostic.help("name the columns in the first line")]);
    }
    let mut diagnostics = Vec::new();
    let mut by_name = HashMap::new();
    let mut twice = BTreeSet::new();
    for (index, column) in header.iter().enumerate() {
        if by_name.insert(*column, index).is_some() && twice.insert(*column) && twice.len() <= SHOWN_MAX {
            let place = Place::Row { file: name.to_owned(), line: 1, column: Some((*column).to_owned()) };
            let message = format!("the header names the column {} twice", quoted(column));
            diagnostics.push(Diagnostic::error(Code::ColumnTwice, place, message).help("rename one of them"));
        }
    }
    // With columns that cannot be told apart, nothing can be said about how they are used.
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let mut used: HashMap<usize, String> = HashMap::new();
    let mut inputs = Vec::new();
    for input in &specification.inputs {
        let user = format!("the input {}", quoted(&input.name));
        let mut columns = Vec::new();
        let mut complete = true;
        for pattern in &input.columns.patterns {
            let found: Vec<usize> = if pattern.text.contains('*') {
                (0..header.len()).filter(|index| pattern.matches(header[*index])).collect()
            } else {
                by_name.get(pattern.text.as_str()).copied().into_iter().collect()
            };
            complete &= !found.is_empty();
            if found.is_empty() {
                diagnostics.push(not_found(name, header, pattern));
            }
            if let Some(shared) = found.iter().find(|column| used.contains_key(column)) {
                complete = false;
                diagnostics.push(shared_column(header[*shared], &used[shared], &user, pattern));
            }
            used.extend(found.iter().map(|column| (*column, user.clone())));
            columns.extend(found);
        }
        if complete && columns.len() != input.values() {
            let message = format!("{user} takes {} values, but {} columns match", input.values(), columns.len());
            let names: Vec<String> = columns.iter().take(SHOWN_MAX).map(|column| quoted(header[*column])).collect();
            let more = if columns.len() > SHOWN_MAX { ", …" } else { "" };
            let diagnostic = Diagnostic::error(Code::ColumnCount, input.columns.place.clone(), message)
                .note(format!("the columns are {}{more}", names.join(", ")))
                .help("correct `size`, or the pattern in `columns`");
            diagnostics.push(diagnostic);
        }
        inputs.push(columns);
    }
    let mut outputs = Vec::new();
    for output in &specification.outputs {
        let Some(column) = by_name.get(output.column.text.as_str()).copied() else {
            diagnostics.push(not_found(name, header, &output.column));
            continue;
        };
        let user = format!("the output {}", quoted(&output.name));
        if let Some(other) = used.insert(column, user.clone()) {
            diagnostics.push(shared_column(header[column], &other, &user, &output.column));
        }
        outputs.push(column);
    }
    for requirement in &specification.requirements {
        let columns = requirement.rows.iter().flat_map(|rows| rows.columns());
        for column in columns.chain(requirement.gap.as_deref()) {
            if !by_name.contains_key(column) {
                let pattern = Pattern { text: column.to_owned(), place: requirement.place.clone() };
                diagnostics.push(not_found(name, header, &pattern));
            }
        }
    }
    if diagnostics.is_empty() { Ok(Layout { inputs, outputs, by_name }) } else { Err(diagnostics) }
}

fn not_found(name: &str, header: &[&str], pattern: &Pattern) -> Diagnostic {
    let message = if pattern.text.contains('*') {
        format!("no column of {} matches {}", quoted(name), quoted(&pattern.text))
    } else {
        format!("{} has no column {}", quoted(name), quoted(&pattern.text))
    };
    let help = match nearest(&pattern.text, header.iter().copied()) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None => {
            let names: Vec<String> = header.iter().take(SHOWN_MAX).map(|column| quoted(column)).collect();
            let more = if header.len() > SHOWN_MAX { ", …" } else { "" };
            format!("the columns are {}{more}", names.join(", "))
        }
    };
    Diagnostic::error(Code::ColumnNotFound, pattern.place.clone(), message).help(help)
}

fn shared_column(column: &str, first: &str, second: &str, pattern: &Pattern) -> Diagnostic {
    let users = if first == second { format!("{first} twice") } else { format!("{first} and {second}") };
    let message = format!("the column {} is used for {users}", quoted(column));
    let help = "choose patterns that do not overlap, or name the columns one by one";
    Diagnostic::error(Code::ColumnShared, pattern.place.clone(), message).help(help)
}

/// Finds rows of the wrong length, and a quote that swallowed the end of the file.
fn check_rows(text: &str, rows: &[Row], faults: &mut Faults) {
    for row in rows {
        if row.cells.len() != faults.header.len() {
            faults.add(FaultKind::RaggedRow, row.line, None, &format!("{} cells", row.cells.len()));
        }
    }
    if let Some(last) = rows.last() {
        let quotes = text.as_bytes()[last.start..].iter().filter(|byte| **byte == b'"').count();
        let spans_lines = last.cells.iter().any(|cell| cell.contains(['\n', '\r']));
        if quotes % 2 == 1 && spans_lines {
            faults.add(FaultKind::OpenQuote, last.line, None, "an open quote");
        }
    }
}

/// The numbers of some columns: (rows, columns).
fn numbers(rows: &[Row], columns: &[usize], scale: Option<f64>, faults: &mut Faults) -> Vec<f32> {
    let mut values = Vec::with_capacity(rows.len() * columns.len());
    for row in rows {
        for column in columns {
            let cell = row.cell(*column);
            let value = match number(cell) {
                Ok(value) => value,
                Err(kind) => {
                    faults.add(kind, row.line, Some(*column), cell);
                    continue;
                }
            };
            if scale.is_some_and(|scale| !(0.0..=scale).contains(&f64::from(value))) {
                faults.add(FaultKind::OutsideScale, row.line, Some(*column), cell);
            }
            values.push(value);
        }
    }
    values
}

fn number(cell: &str) -> Result<f32, FaultKind> {
    if cell.is_empty() {
        return Err(FaultKind::MissingCell);
    }
    match cell.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(FaultKind::NotFinite),
        Err(_) => Err(FaultKind::BadNumber),
    }
}

/// The labels of a column and each row's place among them.
fn categories(rows: &[Row], column: usize, classes: Option<&[String]>, faults: &mut Faults) -> TargetValues {
    let labels: Vec<String> = match classes {
        Some(classes) => classes.to_vec(),
        None => {
            let found: BTreeSet<&str> =
                rows.iter().map(|row| row.cell(column)).filter(|cell| !cell.is_empty()).collect();
            let mut labels: Vec<&str> = found.into_iter().collect();
            labels.sort_by(|a, b| label_order(a, b));
            labels.into_iter().map(str::to_owned).collect()
        }
    };
    if labels.len() > CLASSES_MAX {
        let line = rows.first().map_or(1, |row| row.line);
        faults.add(FaultKind::TooManyClasses, line, Some(column), &format!("{} classes", labels.len()));
        return TargetValues::Category { labels, ids: Vec::new() };
    }
    let by_label: HashMap<&str, i32> = labels.iter().map(String::as_str).zip(0..).collect();
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows {
        let cell = row.cell(column);
        match by_label.get(cell) {
            Some(id) => ids.push(*id),
            None if cell.is_empty() => faults.add(FaultKind::MissingCell, row.line, Some(column), cell),
            None => faults.add(FaultKind::UnknownLabel, row.line, Some(column), cell),
        }
    }
    TargetValues::Category { labels, ids }
}

/// Numbers first, by their value; then text by Unicode code points, which also orders numbers of equal value.
fn label_order(a: &str, b: &str) -> std::cmp::Ordering {
    let value = |label: &str| label.parse::<f64>().ok().filter(|value| value.is_finite());
    match (value(a), value(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// The rows that a requirement is about.
fn slice(rows: &[Row], requirement: &Requirement, layout: &Layout, faults: &mut Faults) -> Option<Vec<bool>> {
    let predicate = requirement.rows.as_ref()?;
    let mut selected = Vec::with_capacity(rows.len());
    for row in rows {
        match predicate.holds(&|column| row.cell(layout.by_name[column])) {
            Ok(holds) => selected.push(holds),
            Err(column) => {
                let column = layout.by_name[column];
                let cell = row.cell(column);
                let kind = if cell.is_empty() { FaultKind::MissingCell } else { FaultKind::BadNumber };
                faults.add(kind, row.line, Some(column), cell);
            }
        }
    }
    Some(selected)
}

/// The rows by the values of a column.
fn groups(rows: &[Row], column: usize) -> Groups {
    let found: BTreeSet<&str> = rows.iter().map(|row| row.cell(column)).collect();
    let mut labels: Vec<&str> = found.into_iter().collect();
    labels.sort_by(|a, b| label_order(a, b));
    let by_label: HashMap<&str, u32> = labels.iter().copied().zip(0..).collect();
    let ids = rows.iter().map(|row| by_label[row.cell(column)]).collect();
    Groups { labels: labels.into_iter().map(str::to_owned).collect(), ids }
}

/// What is wrong with the classes, which can be told only once all rows are read.
fn check_classes(name: &str, specification: &Specification, targets: &[Target]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (output, target) in specification.outputs.iter().zip(targets) {
        let TargetValues::Category { labels, .. } = &target.values else { continue };
        if let [only] = &labels[..] {
            let message = format!("the column {} holds a single class, {}", quoted(&output.column.text), quoted(only));
            let help = "choose the column that holds the right answers";
            diagnostics.push(Diagnostic::error(Code::OneClass, output.column.place.clone(), message).help(help));
        }
        for requirement in specification.requirements.iter().filter(|requirement| requirement.is_about(output)) {
            if let Some(class) = requirement.class.as_ref().filter(|class| !labels.contains(class)) {
                diagnostics.push(unknown_class(name, output, requirement, class, labels));
            }
        }
    }
    diagnostics
}

/// What is wrong with the rows that requirements are about.
fn check_requirement_rows(name: &str, specification: &Specification, rows: &[RequirementRows]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for (requirement, rows) in specification.requirements.iter().zip(rows) {
        if rows.selected.as_ref().is_some_and(|selected| !selected.contains(&true)) {
            let message = format!("this requirement's `where` selects no row of {}", quoted(name));
            let help = "write the value as it stands in the data";
            diagnostics.push(Diagnostic::error(Code::SliceEmpty, requirement.place.clone(), message).help(help));
        }
        let (Some(column), Some(groups)) = (&requirement.gap, &rows.groups) else { continue };
        let message = match groups.labels.len() {
            1 => format!("the column {} of {} holds a single value", quoted(column), quoted(name)),
            count if count > GROUPS_MAX => {
                format!(
                    "the column {} of {} holds {count} values, more than {GROUPS_MAX}",
                    quoted(column),
                    quoted(name)
                )
            }
            _ => continue,
        };
        let help = "name a column that divides the rows into a few groups";
        diagnostics.push(Diagnostic::error(Code::GapGroups, requirement.place.clone(), message).help(help));
    }
    diagnostics
}

fn unknown_class(name: &str, output: &Output, requirement: &Requirement, class: &str, labels: &[String]) -> Diagnostic {
    let column = quoted(&output.column.text);
    let message = format!("the column {column} of {} has no label {}", quoted(name), quoted(class));
    let shown: Vec<String> = labels.iter().take(SHOWN_MAX).map(|label| quoted(label)).collect();
    let more = if labels.len() > SHOWN_MAX { ", …" } else { "" };
    let help = format!("the labels are {}{more}", shown.join(", "));
    Diagnostic::error(Code::UnknownClass, requirement.place.clone(), message).help(help)
}

/// How many of the same kind are shown.
const SHOWN_MAX: usize = 10;

/// Cells and rows that cannot be used, by what is wrong with them.
struct Faults<'a> {
    file: &'a str,
    header: &'a [&'a str],
    faults: BTreeMap<FaultKind, Fault>,
}

/// All that have the same thing wrong: the first few, and how many there are.
#[derive(Default)]
struct Fault {
    count: u64,
    /// The line, the column if it is about one, and what stands there.
    first: Vec<(u64, Option<usize>, String)>,
}

impl Faults<'_> {
    fn add(&mut self, kind: FaultKind, line: u64, column: Option<usize>, found: &str) {
        let fault = self.faults.entry(kind).or_default();
        fault.count += 1;
        if fault.first.len() < SHOWN_MAX {
            fault.first.push((line, column, found.to_owned()));
        }
    }

    /// All faults as diagnostics, if there are any.
    fn done(&self) -> Result<(), Vec<Diagnostic>> {
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(self.faults.iter().map(|(kind, fault)| self.diagnostic(*kind, fault)).collect())
    }

    fn diagnostic(&self, kind: FaultKind, fault: &Fault) -> Diagnostic {
        let (line, column, found) = &fault.first[0];
        let (code, message, help) = describe(kind, found, self.header.len());
        let column = column.map(|column| self.header[column].to_owned());
        let place = Place::Row { file: self.file.to_owned(), line: *line, column };
        let mut diagnostic = Diagnostic::error(code, place, message).help(help);
        for (line, column, found) in &fault.first[1..] {
            let column = column.map_or(String::new(), |column| format!(", column {}", quoted(self.header[column])));
            diagnostic = diagnostic.note(format!("line {line}{column}: {}", quoted(found)));
        }
        if fault.count > 1 {
            diagnostic = diagnostic.note(format!("{} in all", fault.count));
        }
        diagnostic
    }
}

/// What can be wrong with a cell or a row, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FaultKind {
    OpenQuote,
    RaggedRow,
    MissingCell,
    BadNumber,
    NotFinite,
    OutsideScale,
    UnknownLabel,
    TooManyClasses,
}

/// The code, message and help for the first of several faults of a kind.
fn describe(kind: FaultKind, found: &str, columns: usize) -> (Code, String, &'static str) {
    let cell = quoted(found);
    match kind {
        FaultKind::OpenQuote => {
            (Code::OpenQuote, "a quote in this row is never closed".to_owned(), "close it, or remove it")
        }
        FaultKind::RaggedRow => {
            let message = format!("this row has {found}, but the header has {columns}");
            (Code::RaggedRow, message, "put cells that hold commas in double quotes")
        }
        FaultKind::MissingCell => (Code::MissingCell, "this cell is empty".to_owned(), "fill it, or remove the row"),
        FaultKind::BadNumber => {
            let message = format!("{cell} is not a number");
            (Code::BadNumber, message, "correct the cell, or choose other columns")
        }
        FaultKind::NotFinite => {
            let message = format!("{cell} is not a finite number");
            (Code::NotFinite, message, "write a finite number, or remove the row")
        }
        FaultKind::OutsideScale => {
            let message = format!("{cell} lies outside 0 to `scale`");
            (Code::OutsideScale, message, "correct the value, or `scale` in the manifest")
        }
        FaultKind::UnknownLabel => {
            let message = format!("the label {cell} is not among the `classes`");
            (Code::UnknownLabel, message, "add it to `classes`, or correct the cell")
        }
        FaultKind::TooManyClasses => {
            let message = format!("this column has {found}, more than {CLASSES_MAX}");
            (Code::TooManyClasses, message, "choose another column, or `type = \"number\"`")
        }
    }
}
