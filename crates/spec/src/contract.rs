//! `[[require]]` and `[baseline]`: what the program must meet, and what it must beat.

use crate::codes::Code;
use crate::expression::{Literal, Operator, Predicate, parse_expression};
use crate::keys;
use crate::metric::{AnswerKind, Better, ClassUse, FigureRange, Metric, MetricKind};
use crate::read::{Field, Interval, Reader, Table, listed};
use crate::report::quoted;
use crate::specification::*;
use crate::suggest::nearest;

/// Reads every `[[require]]`; without outputs that are known, what depends on them is not checked.
pub(crate) fn requirements(reader: &mut Reader, root: &Table, outputs: Option<&[Output]>) -> Option<Vec<Requirement>> {
    let Some(field) = root.get("require") else { return Some(Vec::new()) };
    // A single `[require]` is told apart from a wrong type, because it is an easy slip.
    if field.value.is_table() {
        let message = "`require` must be a list of tables";
        let diagnostic = reader.error(Code::WrongType, &field.span, message).help("write `[[require]]`");
        reader.push(diagnostic);
        return None;
    }
    let items = field.list(reader)?;
    if let Some(item) = items.get(REQUIREMENTS_MAX) {
        let message = format!("there are more than {REQUIREMENTS_MAX} requirements");
        let diagnostic = reader.error(Code::TooLarge, &item.span, message).help("keep those that matter");
        reader.push(diagnostic);
        return None;
    }
    let mut requirements: Vec<Requirement> = Vec::new();
    let mut complete = true;
    for item in items {
        let table = item.table(reader, &keys::REQUIRE, keys::REQUIRE.header.to_owned());
        let Some(requirement) = table.and_then(|table| requirement(reader, &table, outputs)) else {
            complete = false;
            continue;
        };
        if requirements.iter().any(|earlier| repeats(earlier, &requirement)) {
            let message = format!("`{}` is bounded already for the same rows", requirement.metric);
            let diagnostic = reader.error(Code::BoundConflict, &item.span, message).help("keep one of the two");
            reader.push(diagnostic);
        }
        requirements.push(requirement);
    }
    complete.then_some(requirements)
}

/// Reads `[baseline]`.
pub(crate) fn baseline(reader: &mut Reader, table: &Table) -> Option<Baseline> {
    const HELP: &str = "name the program, then its arguments: `[\"python3\", \"rules.py\"]`";
    let field = table.require(reader, "command")?;
    let items = field.list(reader)?;
    let words: Vec<Option<&str>> = items.iter().map(|item| item.string(reader)).collect();
    let command: Vec<String> = words.into_iter().map(|word| word.map(str::to_owned)).collect::<Option<_>>()?;
    if command.first().is_none_or(String::is_empty) {
        let diagnostic = reader.error(Code::OutOfRange, &field.span, "`command` names no program").help(HELP);
        reader.push(diagnostic);
        return None;
    }
    Some(Baseline { command })
}

/// Every requirement is compared with every other.
const REQUIREMENTS_MAX: usize = 1000;

/// The greatest `k`: the greatest number of classes.
const K_MAX: u64 = 1 << 16;

fn requirement(reader: &mut Reader, table: &Table, outputs: Option<&[Output]>) -> Option<Requirement> {
    let field = table.require(reader, "metric")?;
    let metric = field.choice(reader, Metric::ALL, Metric::name)?;
    refuse_rows(reader, table, metric);
    let output = output(reader, table, &field, metric, outputs);
    let k = k(reader, table, metric, output.flatten());
    let gap = match table.get("gap") {
        Some(field) => gap(reader, &field).map(Some),
        None => Some(None),
    };
    let bound = bound(reader, table, metric);
    let rows = match table.get("where") {
        Some(field) => expression(reader, &field).map(Some),
        None => Some(None),
    };
    let class = match output {
        Some(output) => class(reader, table, metric, output, rows.as_ref()),
        None => None,
    };
    let confidence = match table.get("confidence") {
        Some(field) => field.number(reader, Interval::half_open(0.5, 1.0)).map(Some),
        None => Some(None),
    };
    Some(Requirement {
        metric,
        output: output?.map(|output| output.name.clone()),
        class: class?,
        k: k?,
        rows: rows?,
        gap: gap?,
        bound: bound?,
        confidence: confidence?,
        place: reader.place(&table.span),
    })
}

/// Whether two requirements bound the same figure on the same side.
fn repeats(one: &Requirement, other: &Requirement) -> bool {
    let is_lower = |bound| matches!(bound, Bound::AtLeast(_));
    one.metric == other.metric
        && one.output == other.output
        && one.class == other.class
        && one.k == other.k
        && one.rows == other.rows
        && one.gap == other.gap
        && one.confidence == other.confidence
        && is_lower(one.bound) == is_lower(other.bound)
}

/// Refuses what only metrics of data have.
fn refuse_rows(reader: &mut Reader, table: &Table, metric: Metric) {
    let why = match metric.definition().kind {
        MetricKind::Data(_) => return,
        MetricKind::Cost => format!("`{metric}` is exact and the same for all rows"),
        MetricKind::Clock => format!("`{metric}` is of the program, whatever the rows"),
    };
    for key in ["output", "where", "gap", "confidence"] {
        table.refuse(reader, key, &why);
    }
}

/// The output that a requirement is about: outer nothing is an error, inner nothing no output or none that is known.
fn output<'o>(
    reader: &mut Reader,
    table: &Table,
    metric_field: &Field,
    metric: Metric,
    outputs: Option<&'o [Output]>,
) -> Option<Option<&'o Output>> {
    let named = match table.get("output") {
        Some(field) if metric.is_of_data() => Some((field.string(reader)?, field)),
        Some(_) | None => None,
    };
    let Some(outputs) = outputs.filter(|_| metric.is_of_data()) else { return Some(None) };
    if let Some((name, field)) = named {
        let Some(output) = outputs.iter().find(|output| output.name == name) else {
            let names = outputs.iter().map(|output| output.name.as_str());
            let help = match nearest(name, names.clone()) {
                Some(near) => format!("did you mean {}?", quoted(near)),
                None => format!("the outputs are {}", listed(names)),
            };
            let message = format!("there is no output {}", quoted(name));
            let diagnostic = reader.error(Code::UnknownValue, &field.span, message).help(help);
            reader.push(diagnostic);
            return None;
        };
        if !metric.fits(output.kind.answers()) {
            mismatch(reader, metric_field, metric, output);
            return None;
        }
        return Some(Some(output));
    }
    let fitting: Vec<&Output> = outputs.iter().filter(|output| metric.fits(output.kind.answers())).collect();
    match (&fitting[..], outputs) {
        ([only], _) => Some(Some(only)),
        ([], [first, ..]) => {
            mismatch(reader, metric_field, metric, first);
            None
        }
        ([], []) => Some(None),
        ([first, ..], _) => {
            let message = format!("the requirement on `{metric}` does not say which output it is about");
            let help = format!("add `output = \"{}\"`, or another of its outputs", first.name);
            let diagnostic = reader.error(Code::MissingKey, &table.span, message).help(help);
            reader.push(diagnostic);
            None
        }
    }
}

fn mismatch(reader: &mut Reader, field: &Field, metric: Metric, output: &Output) {
    let answers = output.kind.answers();
    let fitting = Metric::ALL.iter().copied().filter(|metric| metric.fits(answers)).map(Metric::name);
    let help = format!("an output of type `{}` is measured by {}", answers.name(), listed(fitting));
    let message = format!("`{metric}` does not fit the output {}", quoted(&output.name));
    let diagnostic = reader.error(Code::MetricMismatch, &field.span, message).help(help);
    reader.push(diagnostic);
}

/// The `k` of a top-k: outer nothing is an error.
fn k(reader: &mut Reader, table: &Table, metric: Metric, output: Option<&Output>) -> Option<Option<usize>> {
    if metric != Metric::TopK {
        table.refuse(reader, "k", "it belongs to `top-k`");
        return Some(None);
    }
    let field = table.require(reader, "k")?;
    // With as many as there are classes nothing could be wrong.
    let high = match output.and_then(|output| output.kind.listed()) {
        Some(classes) => classes.len() as u64 - 1,
        None => K_MAX,
    };
    field.integer(reader, 1, high).map(|k| Some(k as usize))
}

fn gap(reader: &mut Reader, field: &Field) -> Option<String> {
    let column = field.string(reader)?;
    if column.is_empty() {
        let diagnostic = reader.error(Code::BadColumns, &field.span, "a column's name is empty");
        reader.push(diagnostic.help("write the name as it stands in the header"));
        return None;
    }
    Some(column.to_owned())
}

/// The one bound, on the side where the metric is worse; a gap is better when it is lower.
fn bound(reader: &mut Reader, table: &Table, metric: Metric) -> Option<Bound> {
    let definition = metric.definition();
    let is_gap = metric.is_of_data() && table.get("gap").is_some();
    let (better, what) = match is_gap {
        true => (Better::Lower, format!("a gap of `{metric}`")),
        false => (definition.better, format!("`{metric}`")),
    };
    let fields = (table.get("at_least"), table.get("at_most"));
    let (field, is_lower) = match (&fields, better) {
        ((Some(field), None), _) => (field, true),
        ((None, Some(field)), _) => (field, false),
        ((None, None), _) | ((Some(_), Some(_)), _) => {
            let has_two = fields.0.is_some();
            let count = if has_two { "two bounds" } else { "no bound" };
            let help = match (has_two, better) {
                (true, Better::Higher) => "remove `at_most`",
                (true, Better::Lower) => "remove `at_least`",
                (true, Better::Neither) => "write two requirements, one for each bound",
                (false, Better::Higher) => "add `at_least = …`",
                (false, Better::Lower) => "add `at_most = …`",
                (false, Better::Neither) => "add `at_least = …` or `at_most = …`",
            };
            let message = format!("the requirement on {what} has {count}");
            let diagnostic = reader.error(Code::BoundCount, &table.span, message).help(help);
            reader.push(diagnostic);
            return None;
        }
    };
    let wrong_side = match better {
        Better::Higher if !is_lower => Some(("at_most", "higher", "at_least")),
        Better::Lower if is_lower => Some(("at_least", "lower", "at_most")),
        Better::Higher | Better::Lower | Better::Neither => None,
    };
    if let Some((wrong, side, right)) = wrong_side {
        let message = format!("`{wrong}` bounds the wrong side of {what}, which is better when {side}");
        let diagnostic = reader.error(Code::BoundSide, &field.span, message).help(format!("write `{right}`"));
        reader.push(diagnostic);
        return None;
    }
    let value = match definition.range {
        FigureRange::Share => field.number(reader, Interval::closed(0.0, 1.0)),
        FigureRange::ToOne if !is_gap => field.number(reader, Interval::to(1.0)),
        FigureRange::FromZero | FigureRange::ToOne => field.number(reader, Interval::from(0.0)),
        // Counts are exact up to 2⁵³, past every limit on programs.
        FigureRange::Count => field.integer(reader, 0, 1 << 53).map(|count| count as f64),
    };
    value.map(|value| if is_lower { Bound::AtLeast(value) } else { Bound::AtMost(value) })
}

/// The class that a requirement is about: outer nothing is an error.
///
/// A recall over the rows of one class, `where = "digit = '8'"`, is the recall of that class.
fn class(
    reader: &mut Reader,
    table: &Table,
    metric: Metric,
    output: Option<&Output>,
    rows: Option<&Option<Predicate>>,
) -> Option<Option<String>> {
    let answers = output.map(|output| output.kind.answers());
    // Without an output that is known, the definition tells whether a class can be meant at all.
    let class_use = answers.map_or(metric.definition().class, |answers| metric.class_use(answers));
    if class_use == ClassUse::Never {
        let why = match (metric.definition().class, answers) {
            (ClassUse::Optional | ClassUse::Required, Some(AnswerKind::Anomaly)) => {
                format!("`{metric}` of an output of type `anomaly` is about the anomalous rows")
            }
            (ClassUse::Never | ClassUse::Optional | ClassUse::Required, _) => {
                format!("`{metric}` is not about one class")
            }
        };
        table.refuse(reader, "class", &why);
        return Some(None);
    }
    let Some(output) = output else { return Some(None) };
    let (class, field) = match (table.get("class"), table.get("where")) {
        (Some(field), _) => (field.string(reader)?.to_owned(), field),
        (None, _) if class_use == ClassUse::Optional => return Some(None),
        (None, field) => {
            let named = rows?.as_ref().and_then(|rows| class_of_rows(rows, output));
            match named.zip(field).filter(|_| metric == Metric::Recall) {
                Some((class, field)) => (class, field),
                None => {
                    let message = format!("the requirement on `{metric}` has no `class`");
                    let help = "add `class = \"…\"` with a label as it stands in the data";
                    let diagnostic = reader.error(Code::MissingKey, &table.span, message).help(help);
                    reader.push(diagnostic);
                    return None;
                }
            }
        }
    };
    if output.kind.listed().is_some_and(|classes| !classes.contains(&class)) {
        let key = match output.kind.answers() {
            AnswerKind::Labels => "labels",
            AnswerKind::Category | AnswerKind::Number | AnswerKind::Anomaly => "classes",
        };
        let message = format!("{} is not among the `{key}` of the output", quoted(&class));
        let help = format!("write it as it stands in `{key}`");
        let diagnostic = reader.error(Code::UnknownValue, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    Some(Some(class))
}

fn class_of_rows(rows: &Predicate, output: &Output) -> Option<String> {
    match rows {
        Predicate::Compare { column, operator: Operator::Equal, value: Literal::Text(label) }
            if output.column().is_some_and(|own| *column == own.text)
                && output.kind.answers() == AnswerKind::Category =>
        {
            Some(label.clone())
        }
        Predicate::Compare { .. } | Predicate::And(..) | Predicate::Or(..) | Predicate::Not(_) => None,
    }
}

fn expression(reader: &mut Reader, field: &Field) -> Option<Predicate> {
    match parse_expression(field.string(reader)?) {
        Ok(predicate) => Some(predicate),
        Err(error) => {
            let span = reader.part(field, error.span);
            let diagnostic = reader.error(Code::BadExpression, &span, error.message).help(error.help);
            reader.push(diagnostic);
            None
        }
    }
}
