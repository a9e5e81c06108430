//! `tacit help`: error codes and commands.

use clap::CommandFactory as _;
use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Exit, Place};

use crate::Arguments;
use crate::output::{Result, print};

pub fn help(topic: Option<&str>) -> Result<Exit> {
    let mut command = Arguments::command();
    let text = match topic {
        None => command.render_long_help().to_string(),
        Some(topic) => match (explanation(topic), command.find_subcommand_mut(topic)) {
            (Some(text), _) => text,
            (None, Some(found)) => found.render_long_help().to_string(),
            (None, None) => return Err(unknown(topic).into()),
        },
    };
    print(&text)?;
    Ok(Exit::Ok)
}

/// A script that completes the commands of a shell.
pub fn completions(shell: clap_complete::Shell) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tacit", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Ok)
}

/// The manual page in the form that `man` reads: `tacit man > tacit.1`.
pub fn manual_page() -> Result<Exit> {
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(Arguments::command()).render(&mut page);
    written.expect("memory takes every byte");
    print(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Ok)
}

/// What a code means; none if there is no such code.
fn explanation(number: &str) -> Option<String> {
    if let Some(code) = Code::from_number(number) {
        return Some(format!("{code}: {}\n\n{}\n", code.title(), wrapped(code.explanation())));
    }
    let tables = [tacit_train::CODES, tacit_ir::error::CODES, tacit_exec::CODES, tacit_baseline::CODES];
    let mut codes = tables.into_iter().flatten();
    let (code, text) = codes.find(|(code, _)| code.eq_ignore_ascii_case(number))?;
    Some(format!("{code}\n\n{}\n", wrapped(text)))
}

fn unknown(topic: &str) -> Diagnostic {
    let message = format!("there is neither an error code nor a command {}", quoted(topic));
    Diagnostic::error(Code::UnknownValue, Place::Nowhere, message).help("`tacit help` lists the commands")
}

/// Text in lines of at most 80 characters.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 80;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_one_table_and_has_an_explanation() {
        let spec = Code::ALL.iter().map(|code| code.number());
        let tables = [tacit_train::CODES, tacit_ir::error::CODES, tacit_exec::CODES, tacit_baseline::CODES];
        let mut all: Vec<&str> = spec.chain(tables.into_iter().flatten().map(|(code, _)| *code)).collect();
        for code in &all {
            let text = explanation(&code.to_lowercase()).unwrap();
            assert!(text.starts_with(code) && text.len() > 40 && text.lines().all(|line| line.chars().count() <= 120));
        }
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "a code is in two tables: {all:?}");
        assert!(explanation("E9999").is_none());
    }
}
