//! Tacit beside its peers, on the same networks, on the same machine, in the same run. `cargo xtask bench` runs it.

mod compare;
mod int8;
mod serve;
mod workloads;

use std::path::Path;
use std::process::ExitCode;
use workloads::{Mode, WORKLOADS, Workload, contraction_flops};

const HELP: &str = "\
Usage: tacit-bench <task>

  compare OPTIONS                       measure Tacit and its peers in turns; `cargo xtask bench` passes options on
  machine                               what the processor and its memory reach at most
  export WORKLOAD MODE BATCH FILE       write weights and data that all sides start from
  serve WORKLOAD MODE BATCH FILE --threads N
                                        be timed: commands come line by line
  profile WORKLOAD MODE BATCH --threads N
                                        the time of each kernel, the slowest first
  flops WORKLOAD MODE BATCH             floating-point operations of the contractions
  list                                  the workloads

MODE is `train`, `infer` or `int8`.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["compare", ..] => compare::compare(&arguments[1..]),
        ["machine"] => {
            println!("{:#?}", compare::machine());
            Ok(())
        }
        ["export", workload, mode, batch, file] => {
            let (workload, mode, batch) = chosen(workload, mode, batch)?;
            serve::export(workload, mode, batch, Path::new(file))
        }
        ["serve", workload, mode, batch, file, "--threads", threads] => {
            let (workload, mode, batch) = chosen(workload, mode, batch)?;
            serve::serve(workload, mode, batch, Path::new(file), number(threads)?)
        }
        ["profile", workload, mode, batch, "--threads", threads] => {
            let (workload, mode, batch) = chosen(workload, mode, batch)?;
            serve::profile(workload, mode, batch, number(threads)?)
        }
        ["flops", workload, mode, batch] => {
            let (workload, mode, batch) = chosen(workload, mode, batch)?;
            let laid = workload.measured(mode, batch).map_err(|error| error.to_string())?;
            println!("{}", contraction_flops(&laid.graph));
            Ok(())
        }
        ["list"] => {
            for workload in WORKLOADS {
                println!("{:12} {}", workload.name, workload.what);
            }
            Ok(())
        }
        [] | ["help" | "-h" | "--help"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("`{}` is no task\n\n{HELP}", words.join(" "))),
    }
}

fn chosen(workload: &str, mode: &str, batch: &str) -> Result<(&'static Workload, Mode, usize), String> {
    let known = Workload::find(workload)
        .ok_or_else(|| format!("`{workload}` is no workload; `tacit-bench list` prints them"))?;
    let mode = match mode {
        "train" if known.training_batch.is_some() => Mode::Train,
        "train" => return Err(format!("`{workload}` is measured with `infer` only")),
        "infer" => Mode::Infer,
        "int8" => Mode::Int8,
        _ => return Err(format!("`{mode}` is none of `train`, `infer` and `int8`")),
    };
    Ok((known, mode, number(batch)?))
}

fn number(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        Ok(_) | Err(_) => Err(format!("`{text}` is no positive number")),
    }
}
