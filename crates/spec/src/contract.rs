//! `[[require]]` and `[baseline]`: what the program must meet, and what it must beat.

use crate::codes::Code;
use crate::expression::{Literal, Operator, Predicate, parse_expression};
use crate::keys;
use crate::metric::{Better, Metric, MetricKind};
use crate::read::{Field, Interval, Reader, Table};
use crate::report::quoted;
use crate::specification::*;

/// Reads every `[[require]]`; without an output that is known, what depends on it is not checked.
pub(crate) fn requirements(reader: &mut Reader, root: &Table, output: Option<&Output>) -> Option<Vec<Requirement>> {
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
        let Some(requirement) = table.and_then(|table| requirement(reader, &table, output)) else {
            complete = false;
            continue;
        };
        let repeated = requirements.iter().any(|earlier| {
            earlier.metric == requirement.metric
                && earlier.class == requirement.class
                && earlier.rows == requirement.rows
                && earlier.confidence == requirement.confidence
        });
        if repeated {
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

fn requirement(reader: &mut Reader, table: &Table, output: Option<&Output>) -> Option<Requirement> {
    let field = table.require(reader, "metric")?;
    let metric = field.choice(reader, Metric::ALL, Metric::name)?;
    let definition = metric.definition();
    if definition.kind == MetricKind::Cost {
        let why = format!("`{metric}` is exact and the same for all rows");
        table.refuse(reader, "where", &why);
        table.refuse(reader, "confidence", &why);
    }
    let fits = output.is_none_or(|output| metric_fits(reader, &field, metric, output));
    let bound = bound(reader, table, metric);
    let rows = match table.get("where") {
        Some(field) => expression(reader, &field).map(Some),
        None => Some(None),
    };
    let class = if fits { class(reader, table, metric, output, rows.as_ref()) } else { None };
    let confidence = match table.get("confidence") {
        Some(field) => field.number(reader, Interval::half_open(0.5, 1.0)).map(Some),
        None => Some(None),
    };
    Some(Requirement {
        metric,
        output: output.map(|output| output.name.clone()),
        k: None,
        gap: None,
        class: class?,
        rows: rows?,
        bound: bound?,
        confidence: confidence?,
        place: reader.place(&table.span),
    })
}

fn metric_fits(reader: &mut Reader, field: &Field, metric: Metric, output: &Output) -> bool {
    let help = match (metric.definition().kind, &output.kind) {
        (MetricKind::Cost, _)
        | (MetricKind::CategoryShare | MetricKind::CategoryLoss, OutputKind::Category { .. })
        | (MetricKind::NumberError, OutputKind::Number) => return true,
        (MetricKind::CategoryShare | MetricKind::CategoryLoss, _) => "for a number choose `mae` or `rmse`",
        (MetricKind::NumberError, _) => {
            "for a category choose `accuracy`, `macro-f1`, `recall`, `precision` or `log-loss`"
        }
    };
    let message = format!("`{metric}` does not fit the output {}", quoted(&output.name));
    let diagnostic = reader.error(Code::MetricMismatch, &field.span, message).help(help);
    reader.push(diagnostic);
    false
}

/// The one bound, on the side where the metric is worse.
fn bound(reader: &mut Reader, table: &Table, metric: Metric) -> Option<Bound> {
    let definition = metric.definition();
    let (right, wrong) = match definition.better {
        Better::Higher => ("at_least", "at_most"),
        Better::Lower => ("at_most", "at_least"),
    };
    let (field, other) = (table.get(right), table.get(wrong));
    if field.is_some() == other.is_some() {
        let count = if field.is_some() { "two bounds" } else { "no bound" };
        let message = format!("the requirement on `{metric}` has {count}");
        let help = if field.is_some() { format!("remove `{wrong}`") } else { format!("add `{right} = …`") };
        let diagnostic = reader.error(Code::BoundCount, &table.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    if let Some(other) = other {
        let better = match definition.better {
            Better::Higher => "higher",
            Better::Lower => "lower",
        };
        let message = format!("`{wrong}` bounds the wrong side of `{metric}`, which is better when {better}");
        let diagnostic = reader.error(Code::BoundSide, &other.span, message).help(format!("write `{right}`"));
        reader.push(diagnostic);
    }
    let field = field?;
    let value = match definition.kind {
        MetricKind::CategoryShare => field.number(reader, Interval::closed(0.0, 1.0)),
        MetricKind::CategoryLoss | MetricKind::NumberError => field.number(reader, Interval::from(0.0)),
        // Counts are exact up to 2⁵³, past every limit on programs.
        MetricKind::Cost => field.integer(reader, 0, 1 << 53).map(|count| count as f64),
    };
    value.map(|value| match definition.better {
        Better::Higher => Bound::AtLeast(value),
        Better::Lower => Bound::AtMost(value),
    })
}

/// The class of a recall or precision: outer nothing is an error.
///
/// A recall over the rows of one class, `where = "digit = '8'"`, is the recall of that class.
fn class(
    reader: &mut Reader,
    table: &Table,
    metric: Metric,
    output: Option<&Output>,
    rows: Option<&Option<Predicate>>,
) -> Option<Option<String>> {
    if !metric.has_class() {
        table.refuse(reader, "class", &format!("`{metric}` is not about one class"));
        return Some(None);
    }
    let Some(output) = output else { return Some(None) };
    let (class, field) = match (table.get("class"), table.get("where")) {
        (Some(field), _) => (field.string(reader)?.to_owned(), field),
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
    let listed = match &output.kind {
        OutputKind::Category { classes } => classes.as_ref(),
        OutputKind::Labels { labels, .. } => labels.as_ref(),
        OutputKind::Number | OutputKind::Anomaly { .. } => None,
    };
    if listed.is_some_and(|classes| !classes.contains(&class)) {
        let message = format!("{} is not among the `classes` of the output", quoted(&class));
        let help = "write it as it stands in `classes`";
        let diagnostic = reader.error(Code::UnknownValue, &field.span, message).help(help);
        reader.push(diagnostic);
        return None;
    }
    Some(Some(class))
}

fn class_of_rows(rows: &Predicate, output: &Output) -> Option<String> {
    match rows {
        Predicate::Compare { column, operator: Operator::Equal, value: Literal::Text(label) }
            if output.column().is_some_and(|own| *column == own.text) =>
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
