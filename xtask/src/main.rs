//! The project's chores, run as `cargo xtask <task>`.

#![forbid(unsafe_code)]

mod bench;
mod data;
mod docs;
mod fuzz;
mod setup;
mod test;
mod tidy;

use std::path::Path;
use std::process::{Command, ExitCode};

const HELP: &str = "\
Usage: cargo xtask <task>

  setup          check for what the tests need and install what is missing
  test           everything that has to hold before a commit, tests included
  tidy           the house rules that the compiler does not know
  data [NAME]    bring the data of the examples, or of one, into its folder
  docs           write the documents that are generated from the code
  fuzz [SECONDS] run every fuzz target for so many seconds, 600 if left out
  docs --check   tell whether they are what the code says
  bench [OPTIONS]
                 measure Tacit beside its peers; `bench --help` prints the options
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["setup"] => setup::setup(),
        ["test"] => test::test(root()),
        ["data"] => data::data(root(), None),
        ["data", example] => data::data(root(), Some(example)),
        ["docs"] => docs::write(root()),
        ["docs", "--check"] => docs::check(root()),
        ["fuzz"] => fuzz::fuzz(root(), 600),
        ["fuzz", seconds] => match seconds.parse() {
            Ok(seconds) => fuzz::fuzz(root(), seconds),
            Err(_) => Err(format!("`{seconds}` is no number of seconds")),
        },
        ["bench", ref options @ ..] => bench::bench(root(), options),
        ["tidy"] => tidy::tidy(root()),
        [] | ["help" | "-h" | "--help"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("`{}` is no task\n\n{HELP}", words.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// The cargo that runs this task, so that a chosen toolchain stays chosen.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
