//! Engines in Rust that Tacit is compared with, as workers: the same protocol as that of the scripts in `bench/peers`.

#![forbid(unsafe_code)]

mod protocol;
mod tract;

use protocol::{Arguments, Prepared};
use std::process::ExitCode;

const HELP: &str = "Usage: tacit-bench-native ENGINE WORKLOAD MODE BATCH FILE --threads N\n\nENGINE is `tract`.\n";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // The file tells which workload it is and which batch.
    let [engine, _workload, mode, _batch, file, "--threads", threads] = words[..] else {
        eprint!("{HELP}");
        return ExitCode::FAILURE;
    };
    let Ok(threads) = threads.parse() else {
        eprint!("{HELP}");
        return ExitCode::FAILURE;
    };
    let is_training = mode == "train";
    let arguments = Arguments { is_training, file: file.into(), threads };
    let prepared: Result<Box<dyn Prepared>, String> = match engine {
        "tract" => tract::prepare(&arguments).map_err(|error| format!("{error:#}")),
        _ => Err(format!("`{engine}` is not built in")),
    };
    match protocol::serve(prepared, is_training) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
