//! Questions on a terminal: a line each, with what is taken if nothing is answered.

use std::io::{self, BufRead, Write};

use tacit_spec::{Code, Diagnostic, Place};

use crate::output::Result;

/// Where questions are written and answers come from.
pub struct Console<'a> {
    pub answers: &'a mut dyn BufRead,
    pub questions: &'a mut dyn Write,
}

/// Asks for a text until it is accepted; an empty answer means `default`, where there is one.
///
/// # Errors
/// `E0025` if the answers end.
pub fn ask<T>(
    console: &mut Console,
    question: &str,
    default: Option<&str>,
    accept: impl Fn(&str) -> std::result::Result<T, String>,
) -> Result<T> {
    loop {
        let shown = default.map_or(String::new(), |default| format!(" [{default}]"));
        say(console, &format!("{question}{shown} "))?;
        let mut line = String::new();
        let read = console.answers.read_line(&mut line).map_err(|error| unanswered(question, Some(&error)))?;
        if read == 0 {
            say(console, "\n")?;
            return Err(unanswered(question, None).into());
        }
        let answer = match (line.trim(), default) {
            ("", Some(default)) => default,
            (answer, _) => answer,
        };
        match accept(answer) {
            Ok(value) => return Ok(value),
            Err(problem) => say(console, &format!("{problem}\n"))?,
        }
    }
}

/// Asks whether something shall be done; an empty answer means that it shall.
///
/// # Errors
/// As [`ask`].
pub fn confirm(console: &mut Console, question: &str) -> Result<bool> {
    ask(console, question, Some("yes"), |answer| match answer.to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("answer `yes` or `no`".to_owned()),
    })
}

/// Writes text beside the questions.
///
/// # Errors
/// The terminal is gone.
pub fn say(console: &mut Console, text: &str) -> Result<()> {
    let written = console.questions.write_all(text.as_bytes()).and_then(|()| console.questions.flush());
    Ok(written.map_err(|error| unanswered(text.trim(), Some(&error)))?)
}

fn unanswered(question: &str, error: Option<&io::Error>) -> Diagnostic {
    let reason = error.map_or(String::new(), |error| format!(": {error}"));
    let message = format!("no answer to {}{reason}", tacit_spec::report::quoted(question));
    Diagnostic::error(Code::Unanswered, Place::Nowhere, message)
        .help("answer it, or give `--yes` to take what is proposed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Outcome;
    use tacit_train::Failure;

    fn asked(answers: &str) -> (Result<usize>, String) {
        let mut questions = Vec::new();
        let mut answers = answers.as_bytes();
        let mut console = Console { answers: &mut answers, questions: &mut questions };
        let accept = |answer: &str| answer.parse().map_err(|_| "give a number".to_owned());
        let found = ask(&mut console, "how many?", Some("3"), accept);
        (found, String::from_utf8(questions).unwrap())
    }

    #[test]
    fn an_empty_answer_is_the_default_and_a_wrong_one_is_asked_again() {
        assert!(matches!(asked("\n"), (Ok(3), _)));
        let (found, shown) = asked("many\n 7 \n");
        assert!(matches!(found, Ok(7)));
        assert_eq!(shown, "how many? [3] give a number\nhow many? [3] ");
    }

    #[test]
    fn the_end_of_the_answers_is_an_error() {
        let (Err(Outcome::Failed(Failure::Diagnostics(found))), _) = asked("many\n") else { panic!("it ends") };
        assert_eq!(found[0].code, Code::Unanswered);
    }

    #[test]
    fn yes_and_no_are_understood() {
        let of = |mut answers: &[u8]| {
            confirm(&mut Console { answers: &mut answers, questions: &mut io::sink() }, "write it?").ok()
        };
        assert_eq!(
            [of(b"\n"), of(b"N\n"), of(b"perhaps\nyes\n"), of(b"")],
            [Some(true), Some(false), Some(true), None]
        );
    }
}
