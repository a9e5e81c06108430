//! The command `tacit`: arguments, files and exit codes. Data goes to stdout, messages to stderr.
//!
//! Exit codes: 0 if everything was done and the contract is met, 1 if the program does not meet its contract, 2 for wrong
//! usage or bad input.

#![forbid(unsafe_code)]

mod bench;
mod build;
mod certify;
mod check;
mod emit;
mod help;
mod inspect;
mod latency;
mod ledger;
mod memory_map;
mod new;
mod output;
mod report;
mod run;
mod table;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tacit_spec::Exit;

use crate::output::Outcome;

/// Programs that nobody can write down: state what one must do, and search for it.
#[derive(Parser)]
#[command(name = "tacit", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look at data and write a manifest for it.
    New(NewArguments),
    /// Search for a program that meets a manifest, and measure its contract.
    Build(BuildArguments),
    /// Check a manifest and its data without searching.
    Check(CheckArguments),
    /// Answer rows with a finished program: CSV or JSON lines in, JSON lines out.
    Run(RunArguments),
    /// Measure a finished program's contract again.
    Test(TestArguments),
    /// Show what is in a finished program.
    Inspect(InspectArguments),
    /// Measure how long a finished program takes on this machine.
    Bench(BenchArguments),
    /// Write a finished program as something that needs no Tacit.
    #[command(subcommand)]
    Emit(emit::Target),
    /// Show again what a certificate says of an emitted program.
    Certify(certify::Arguments),
    /// Print a script that completes the commands of a shell.
    Completions(CompletionsArguments),
    /// Print the manual page.
    Man,
    /// Print the JSON schema of `Tacit.toml`, with which editors complete and check it.
    Schema,
    /// Explain an error code such as E0101, or a command.
    Help(HelpArguments),
}

#[derive(clap::Args)]
struct NewArguments {
    /// The examples: CSV, JSON lines, Parquet, an idx file, or a folder of pictures. Asked for if it is left out.
    source: Option<PathBuf>,
    /// The column with the right answers, by its name or its number from 1; several times for several outputs.
    #[arg(long, value_name = "COLUMN")]
    target: Vec<String>,
    /// There are no answers: the program is to tell unusual rows. A target then says which rows are usual.
    #[arg(long)]
    anomaly: bool,
    /// A file of rows for the test.
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,
    /// A file of rows for validation.
    #[arg(long, value_name = "FILE")]
    validation: Option<PathBuf>,
    /// What the program is called; by default as the data.
    #[arg(long)]
    name: Option<String>,
    /// Where to write the manifest: a folder, or a file that ends in `.toml`; the current folder by default.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Ask nothing, and take what is proposed.
    #[arg(short, long)]
    yes: bool,
    /// Replace a manifest that is there.
    #[arg(long)]
    force: bool,
    /// Propose the contract without measuring what simple methods reach.
    #[arg(long)]
    no_baselines: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(clap::Args)]
struct BuildArguments {
    /// The manifest, or the folder it lies in.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// The seed of every random choice, instead of the manifest's.
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    seed: Option<u64>,
    /// Search even if the program is up to date, and from the start even if a search was interrupted.
    #[arg(long)]
    force: bool,
    /// Where to write the program; beside the manifest by default.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Steps between two checkpoints; they change nothing but what an interruption costs.
    #[arg(long, value_name = "STEPS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint: u64,
    /// Start from the weights of another program: more data, more classes, a neighbouring task.
    #[arg(long, value_name = "PROGRAM")]
    from: Option<PathBuf>,
    /// Run the `[baseline]` command of the manifest too. A command from a manifest never runs unasked.
    #[arg(long)]
    baseline: bool,
    /// Do not measure what simpler methods reach.
    #[arg(long)]
    no_baselines: bool,
    /// Write no report.
    #[arg(long)]
    no_report: bool,
    /// Search again on shares of the training rows, to tell whether more data would help, however long it takes.
    #[arg(long)]
    learning_curve: bool,
    /// Write the curves of the search for TensorBoard into this folder.
    #[arg(long, value_name = "FOLDER")]
    tensorboard: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(clap::Args)]
struct BenchArguments {
    /// A finished program.
    program: PathBuf,
    /// How many rows are answered at once.
    #[arg(long, value_name = "ROWS", value_delimiter = ',', default_value = "1,32", value_parser = clap::value_parser!(u64).range(1..=65536))]
    batch: Vec<u64>,
    /// The seconds that each measurement takes at most.
    #[arg(long, default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// Show where the time goes: each kernel with its share, its operations and bytes a second, and what the machine reaches.
    #[arg(long)]
    profile: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(clap::Args)]
struct CompletionsArguments {
    shell: clap_complete::Shell,
}

/// A time that a person would wait.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "give a number of seconds from 0 to 3600".to_owned())
}

#[derive(clap::Args)]
struct CheckArguments {
    /// The manifest, or the folder it lies in.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print the layers and every choice that the manifest leaves open.
    #[arg(long)]
    expand: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(clap::Args)]
struct RunArguments {
    /// A finished program.
    program: PathBuf,
    /// The rows: tables, JSON lines, pictures, a folder of pictures; `-` or nothing reads standard input.
    rows: Vec<PathBuf>,
    /// Standard input is JSON lines, not CSV.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
struct TestArguments {
    /// A finished program.
    program: PathBuf,
    /// Measure on all rows of this file instead of the test rows of the data that the program was built from.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(clap::Args)]
struct InspectArguments {
    /// A finished program.
    program: PathBuf,
    /// The graph in its text form.
    #[arg(long, group = "part")]
    graph: bool,
    /// What every instruction costs.
    #[arg(long, group = "part")]
    cost: bool,
    /// A map of the memory: where every intermediate lies, and when.
    #[arg(long, group = "part")]
    memory: bool,
    /// What the program was built from.
    #[arg(long, group = "part")]
    provenance: bool,
    /// Only a hash.
    #[arg(long, group = "part", value_enum, value_name = "WHAT")]
    hash: Option<Hashed>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(clap::Args)]
struct HelpArguments {
    /// An error code, or a command.
    topic: Option<String>,
}

/// How results and messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What can be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Hashed {
    /// The weights by names, types, shapes and little-endian bytes.
    Weights,
    /// The file's bytes.
    File,
}

fn main() -> ExitCode {
    let (outcome, format) = match Arguments::parse().command {
        Command::New(arguments) => (new::new(&arguments), arguments.format),
        Command::Build(arguments) => (build::build(&arguments), arguments.format),
        Command::Check(arguments) => (check::check(&arguments), arguments.format),
        Command::Run(arguments) => (run::run(&arguments), Format::Text),
        Command::Test(arguments) => (test::test(&arguments), arguments.format),
        Command::Inspect(arguments) => (inspect::inspect(&arguments), arguments.format),
        Command::Bench(arguments) => (bench::bench(&arguments), arguments.format),
        Command::Certify(arguments) => (certify::certify(&arguments), arguments.format),
        Command::Emit(target) => (emit::emit(&target), Format::Text),
        Command::Completions(arguments) => (help::completions(arguments.shell), Format::Text),
        Command::Schema => (output::print(&tacit_spec::schema::text()).map(|()| Exit::Ok), Format::Text),
        Command::Man => (help::manual_page(), Format::Text),
        Command::Help(arguments) => (help::help(arguments.topic.as_deref()), Format::Text),
    };
    let exit = match outcome {
        Ok(exit) => exit,
        // The reader of the output has what it wanted.
        Err(Outcome::PipeClosed) => Exit::Ok,
        Err(Outcome::Failed(failure)) => {
            output::report(&failure, format);
            Exit::BadInput
        }
    };
    ExitCode::from(exit as u8)
}
