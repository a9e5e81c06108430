//! What a line of a command's output means.

use serde_json::{Map, Value};

use crate::error::{ANSWER, CodedError, LINE_SYNTAX};

/// An output that a command answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub kind: OutputKind,
}

/// What an answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// One of the labels, as a JSON string, or as a number or boolean that is written like it. Beside it, or instead of
    /// it, `probabilities` may have a number for each label; labels that it leaves out have 0.
    Category { labels: Vec<String> },
    /// A finite number.
    Number,
    /// A list of the labels that apply, or an object with true or false for labels. `probabilities` may have a number
    /// for each label; a label that it leaves out has 0.
    Labels { labels: Vec<String> },
}

/// The answers for one output.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    Category {
        /// The number of each row's label.
        classes: Vec<u32>,
        /// (rows, labels), if all lines had them.
        probabilities: Option<Vec<f32>>,
    },
    Number(Vec<f32>),
    Labels {
        /// (rows, labels)
        set: Vec<bool>,
        /// (rows, labels), if all lines had them.
        probabilities: Option<Vec<f32>>,
    },
}

impl Answers {
    pub(super) fn new(output: &Output) -> Answers {
        match output.kind {
            OutputKind::Category { .. } => Answers::Category { classes: Vec::new(), probabilities: None },
            OutputKind::Number => Answers::Number(Vec::new()),
            OutputKind::Labels { .. } => Answers::Labels { set: Vec::new(), probabilities: None },
        }
    }
}

/// Reads one line and adds its answers to those for each output.
pub(super) fn read_line(line: &[u8], outputs: &[Output], answers: &mut [Answers]) -> Result<(), CodedError> {
    let value: Value = serde_json::from_slice(line).map_err(|error| {
        let shown = shown(&String::from_utf8_lossy(line));
        let help = "write one JSON value a line, such as `\"label\"` or `{\"answer\": 1.5}`";
        CodedError::new(LINE_SYNTAX, format!("the line is not JSON ({error}): {shown}")).help(help)
    })?;
    let line = Line { value: &value, single: outputs.len() == 1 };
    for (output, answers) in outputs.iter().zip(answers) {
        line.read(output, answers)?;
    }
    Ok(())
}

struct Line<'a> {
    value: &'a Value,
    /// Whether there is only one output, so that it need not be named.
    single: bool,
}

impl<'a> Line<'a> {
    fn read(&self, output: &Output, answers: &mut Answers) -> Result<(), CodedError> {
        let answer = self.answer(output)?;
        match (&output.kind, answers) {
            (OutputKind::Category { labels }, Answers::Category { classes, probabilities }) => {
                let given = self.probabilities(output, labels)?;
                if let Some(given) = &given {
                    let sum: f64 = given.iter().map(|p| f64::from(*p)).sum();
                    if (sum - 1.0).abs() > 1e-3 {
                        return Err(wrong(output, format!("the probabilities add up to {sum}, not to 1")));
                    }
                }
                let class = match (answer, &given) {
                    (Some(answer), _) => label(output, labels, answer)?,
                    (None, Some(given)) => {
                        (0..given.len()).fold(0, |best, k| if given[k] > given[best] { k } else { best })
                    }
                    (None, None) => return Err(self.missing(output)),
                };
                let is_first = classes.is_empty();
                classes.push(class as u32);
                gather(output, probabilities, given, is_first)
            }
            (OutputKind::Labels { labels }, Answers::Labels { set, probabilities }) => {
                let given = self.probabilities(output, labels)?;
                let applies = match (answer, &given) {
                    (Some(answer), _) => label_set(output, labels, answer)?,
                    (None, Some(given)) => given.iter().map(|p| *p >= 0.5).collect(),
                    (None, None) => return Err(self.missing(output)),
                };
                let is_first = set.is_empty();
                set.extend(applies);
                gather(output, probabilities, given, is_first)
            }
            (OutputKind::Number, Answers::Number(numbers)) => {
                let answer = answer.ok_or_else(|| self.missing(output))?;
                // JSON has no infinite numbers, but f32 has less room than JSON.
                let number = answer.as_f64().map(|number| number as f32).filter(|number| number.is_finite());
                let found = || wrong(output, format!("{} is not a finite number", shown(&answer.to_string())));
                numbers.push(number.ok_or_else(found)?);
                Ok(())
            }
            (OutputKind::Category { .. } | OutputKind::Number | OutputKind::Labels { .. }, _) => {
                unreachable!("answers are made for their output")
            }
        }
    }

    /// The answer for an output, if there is one.
    fn answer(&self, output: &Output) -> Result<Option<&'a Value>, CodedError> {
        let Some(fields) = self.value.as_object() else {
            return if self.single { Ok(Some(self.value)) } else { Err(self.missing(output)) };
        };
        let named = fields.get(&output.name);
        let plain = if self.single { fields.get("answer") } else { None };
        match (named, plain) {
            (Some(_), Some(_)) if output.name != "answer" => {
                Err(wrong(output, format!("the line has both `answer` and `{}`", output.name)))
            }
            (named, plain) => Ok(plain.or(named)),
        }
    }

    fn probabilities(&self, output: &Output, labels: &[String]) -> Result<Option<Vec<f32>>, CodedError> {
        let Some(given) = self.value.get("probabilities") else { return Ok(None) };
        let given = if self.single { Some(given) } else { given.get(&output.name) };
        let Some(given) = given else { return Ok(None) };
        let Value::Object(given) = given else {
            return Err(wrong(output, format!("`probabilities` is {}, not an object", shown(&given.to_string()))));
        };
        let mut probabilities = vec![0.0; labels.len()];
        for (name, value) in given {
            let probability = value.as_f64().filter(|p| (0.0..=1.0).contains(p)).ok_or_else(|| {
                let value = shown(&value.to_string());
                wrong(output, format!("the probability of `{name}` is {value}, not a number from 0 to 1"))
            })?;
            probabilities[position(output, labels, name)?] = probability as f32;
        }
        Ok(Some(probabilities))
    }

    fn missing(&self, output: &Output) -> CodedError {
        let fields = self.value.as_object().map_or_else(|| shown(&self.value.to_string()), named);
        let names = if self.single { format!("`answer` nor `{}`", output.name) } else { format!("`{}`", output.name) };
        let neither = if self.single { "neither" } else { "no field" };
        wrong(output, format!("the line has {neither} {names}, only {fields}"))
    }
}

/// Keeps the probabilities of a line, if they came with all lines before.
fn gather(
    output: &Output,
    all: &mut Option<Vec<f32>>,
    given: Option<Vec<f32>>,
    is_first: bool,
) -> Result<(), CodedError> {
    match (all, given) {
        (None, None) => Ok(()),
        (Some(all), Some(given)) => {
            all.extend(given);
            Ok(())
        }
        (all @ None, given) if is_first => {
            *all = given;
            Ok(())
        }
        (None, Some(_)) => Err(wrong(output, "the line has probabilities, but the lines before have none".into())),
        (Some(_), None) => Err(wrong(output, "the line has no probabilities, but the lines before have some".into())),
    }
}

/// The label that a value names.
fn label(output: &Output, labels: &[String], value: &Value) -> Result<usize, CodedError> {
    match value {
        Value::String(name) => position(output, labels, name),
        Value::Number(number) => {
            // 3 and 3.0 are both the label `3`.
            let equal = |label: &String| label.parse::<f64>().ok() == number.as_f64();
            let written = number.to_string();
            let found = labels.iter().position(|label| *label == written).or_else(|| labels.iter().position(equal));
            found.ok_or_else(|| unknown(output, labels, &written))
        }
        Value::Bool(flag) => position(output, labels, &flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(wrong(output, format!("{} is not a label", shown(&value.to_string()))))
        }
    }
}

fn label_set(output: &Output, labels: &[String], value: &Value) -> Result<Vec<bool>, CodedError> {
    let mut set = vec![false; labels.len()];
    match value {
        Value::Array(names) => {
            for name in names {
                set[label(output, labels, name)?] = true;
            }
        }
        Value::Object(flags) => {
            for (name, flag) in flags {
                let applies = flag.as_bool().ok_or_else(|| {
                    wrong(output, format!("`{name}` is {}, neither true nor false", shown(&flag.to_string())))
                })?;
                set[position(output, labels, name)?] = applies;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(wrong(output, format!("{} is not a list of labels", shown(&value.to_string()))));
        }
    }
    Ok(set)
}

fn position(output: &Output, labels: &[String], name: &str) -> Result<usize, CodedError> {
    labels.iter().position(|label| label == name).ok_or_else(|| unknown(output, labels, name))
}

fn unknown(output: &Output, labels: &[String], name: &str) -> CodedError {
    const LISTED: usize = 8;
    let listed: Vec<String> = labels.iter().take(LISTED).map(|label| format!("`{label}`")).collect();
    let more = if labels.len() > LISTED { format!(" and {} more", labels.len() - LISTED) } else { String::new() };
    wrong(output, format!("{} is not a label", shown(name))).help(format!("the labels are {}{more}", listed.join(", ")))
}

fn wrong(output: &Output, message: String) -> CodedError {
    CodedError::new(ANSWER, format!("no answer for `{}`: {message}", output.name))
}

fn named(fields: &Map<String, Value>) -> String {
    let names: Vec<String> = fields.keys().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "no fields".into() } else { shown_raw(&names.join(", ")) }
}

/// Text in backticks, shortened to what fits on a line.
fn shown(text: &str) -> String {
    format!("`{}`", shown_raw(text.trim()))
}

fn shown_raw(text: &str) -> String {
    const LENGTH: usize = 80;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
