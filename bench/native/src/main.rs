//! Engines in Rust that Tacit is compared with, as workers: the same protocol as that of the scripts in `bench/peers`.

#![forbid(unsafe_code)]

mod burn;
mod candle;
mod export;
mod protocol;
mod threads;
mod tract;
mod training;

use protocol::{Arguments, Prepared};
use std::process::ExitCode;

const HELP: &str = "\
Usage: tacit-bench-native ENGINE WORKLOAD MODE BATCH FILE --threads N

ENGINE is `tract` for inference, or `candle` or `burn` for training.
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // The file tells which batch it is.
    let [engine, workload, mode, _batch, file, "--threads", threads] = words[..] else {
        eprint!("{HELP}");
        return ExitCode::FAILURE;
    };
    let Ok(threads) = threads.parse() else {
        eprint!("{HELP}");
        return ExitCode::FAILURE;
    };
    let is_training = mode == "train";
    let arguments = Arguments { workload: workload.into(), is_training, file: file.into(), threads };
    let prepared = threads::limit(threads).and_then(|()| prepare(engine, &arguments));
    match protocol::serve(prepared, is_training) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(engine: &str, arguments: &Arguments) -> Result<Box<dyn Prepared>, String> {
    match engine {
        "tract" => tract::prepare(arguments).map_err(|error| format!("{error:#}")),
        "candle" => candle::prepare(arguments),
        "burn" => burn::prepare(arguments),
        _ => Err(format!("`{engine}` is not built in")),
    }
}
