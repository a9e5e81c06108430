//! `tacit emit wasm`.

mod package;

use std::path::PathBuf;

use tacit_emit::loops::{Leaf, Options as Lowering, lower};
use tacit_emit::wasm::{Options, Products, Program, TooLarge, emit as emit_module};
use tacit_spec::Exit;
use tacit_train::{CodedError, error};

use super::{Emitted, write_files};
use crate::output::{Result, message, print};

#[derive(clap::Args)]
pub struct Arguments {
    /// A finished program.
    program: PathBuf,
    /// Where to write the files; a folder with the program's name by default.
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// What the files are called; by default as the program.
    #[arg(long)]
    name: Option<String>,
    /// Use four lanes at a time, with instructions that every browser has had since 2023: the default.
    #[arg(long, group = "instructions")]
    simd: bool,
    /// Use no vectors, for engines without them.
    #[arg(long, group = "instructions")]
    plain: bool,
    /// Give the bits of `tacit run`: a fused multiply-add in software, slowly.
    #[arg(long, group = "products")]
    exact: bool,
    /// Fuse by the relaxed instruction, for engines that have it: fast, and the bits of `tacit run` where the machine fuses.
    #[arg(long, group = "products", conflicts_with = "plain")]
    relaxed: bool,
    /// The results that a layer computes side by side.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=64))]
    lanes: Option<u64>,
}

pub fn emit(arguments: &Arguments) -> Result<Exit> {
    let emitted = Emitted::load(&arguments.program)?;
    let options = Options {
        simd: !arguments.plain,
        products: match (arguments.exact, arguments.relaxed) {
            (true, _) => Products::Fused,
            (_, true) => Products::Relaxed,
            (false, false) => Products::Rounded,
        },
    };
    // As many sums as stay in registers.
    let lanes = arguments.lanes.unwrap_or(if options.simd { 32 } else { 8 });
    let loops = lower(&emitted.graph, &Lowering { lanes: lanes as usize, is_unrolled: false });
    let values = |leaf: &Leaf| emitted.value(leaf);
    let module = emit_module(&Program { loops: &loops, values: &values }, &options)
        .map_err(|fault| does_not_fit(&emitted.name, &fault))?;
    let name = package::file_name(arguments.name.as_deref().unwrap_or(&emitted.name));
    let folder = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}-wasm")));
    let written = write_files(&folder, &package::files(&name, &emitted, &module))?;
    message(&format!(
        "{}: {} bytes of WebAssembly, {} bytes of memory, {} operations a run",
        emitted.name,
        module.bytes.len(),
        module.memory_bytes,
        emitted.operations
    ));
    print(&written.iter().map(|path| format!("{}\n", path.display())).collect::<String>())?;
    Ok(Exit::Ok)
}

fn does_not_fit(name: &str, fault: &TooLarge) -> CodedError {
    CodedError::new(error::DOES_NOT_FIT, format!("`{name}` does not fit: {fault}"))
        .help("build it with fewer channels or a smaller input, or emit it as C, which has no such limit")
}
