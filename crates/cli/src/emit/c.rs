//! `tacit emit c`.

use std::path::PathBuf;

use tacit_emit::c::{self, Program};
use tacit_emit::loops::{Leaf, Loops, Options, lower};
use tacit_ir::ValueId;
use tacit_spec::Exit;
use tacit_train::{CodedError, error};

use super::{Emitted, write_files};
use crate::certify::certificate::{Element, Memory, Subject};
use crate::certify::{How, certify_emitted};
use crate::output::{Result, message, print};

#[derive(clap::Args)]
pub struct Arguments {
    /// Finished programs. Several share one arena, one set of functions and equal constants.
    #[arg(required = true)]
    programs: Vec<PathBuf>,
    /// Where to write the files; a folder with the bundle's name by default.
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// What the files are called; by default as the first program.
    #[arg(long)]
    name: Option<String>,
    /// The results that a layer computes side by side: about as many as the processor has registers for.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=1024))]
    lanes: u64,
    /// Show that no branch and no address depends on data, and write a certificate: needs a C compiler and valgrind.
    #[arg(long)]
    certify: bool,
    #[command(flatten)]
    how: How,
    /// Refuse programs whose addresses depend on data, as those do that look up vectors of labels.
    #[arg(long)]
    no_lookups: bool,
}

pub fn emit(arguments: &Arguments) -> Result<Exit> {
    let emitted = arguments.programs.iter().map(|path| Emitted::load(path)).collect::<Result<Vec<_>>>()?;
    refuse_equal_names(&emitted)?;
    let options = Options { lanes: arguments.lanes as usize };
    let loops: Vec<Loops> = emitted.iter().map(|program| lower(&program.graph, &options)).collect();
    if arguments.no_lookups {
        emitted.iter().zip(&loops).try_for_each(|(program, loops)| refuse_lookups(program, loops))?;
    }
    let values: Vec<_> = emitted.iter().map(|program| move |leaf: &Leaf| program.value(leaf)).collect();
    let describe: Vec<_> = emitted.iter().map(|program| move |root: ValueId| program.instruction(root)).collect();
    let programs: Vec<Program> = emitted
        .iter()
        .enumerate()
        .map(|(k, program)| Program {
            name: &program.name,
            loops: &loops[k],
            values: &values[k],
            describe: &describe[k],
            interface: c::Interface {
                notes: program.notes(),
                labels: program
                    .interface
                    .outputs
                    .iter()
                    .filter(|output| !output.labels.is_empty())
                    .map(|output| (output.name.clone(), output.labels.clone()))
                    .collect(),
            },
            operations: program.operations,
        })
        .collect();
    let name = c::identifier(arguments.name.as_deref().unwrap_or(&emitted[0].name));
    let bundle = c::emit(&name, &programs);
    let folder = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}-c")));
    let files: Vec<(String, Vec<u8>)> =
        bundle.files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let written = write_files(&folder, &files)?;
    for (program, loops) in emitted.iter().zip(&loops) {
        let weights: usize = loops.constants.iter().map(|leaf| leaf.elements * leaf.dtype.size()).sum();
        message(&format!(
            "{}: {} bytes of arena, {weights} bytes of constants, {} operations a run",
            program.name,
            c::arena_bytes(loops),
            program.operations
        ));
    }
    if arguments.certify {
        let subjects = emitted.iter().zip(&loops).zip(&bundle.functions);
        let subjects = subjects.map(|((program, loops), functions)| subject(program, loops, functions)).collect();
        certify_emitted(&folder, &name, subjects, &arguments.how)?;
    }
    print(&written.iter().map(|path| format!("{}\n", path.display())).collect::<String>())?;
    Ok(Exit::Ok)
}

/// # Errors
/// `E0605`, which names the program.
fn refuse_equal_names(programs: &[Emitted]) -> std::result::Result<(), CodedError> {
    for (k, program) in programs.iter().enumerate() {
        let prefix = c::identifier(&program.name);
        if programs[..k].iter().any(|other| c::identifier(&other.name) == prefix) {
            let message = format!("two programs would have functions that begin with `{prefix}`");
            return Err(CodedError::new(error::SAME_NAME, message));
        }
    }
    Ok(())
}

/// # Errors
/// `E0603`, which names the value that is looked up.
fn refuse_lookups(program: &Emitted, loops: &Loops) -> std::result::Result<(), CodedError> {
    let Some(call) = loops.calls.iter().find(|call| loops.functions[call.function].looks_up()) else { return Ok(()) };
    let message = format!("`{}` looks elements up: {}", program.name, program.instruction(call.root));
    Err(CodedError::new(error::FORBIDDEN, message)
        .help("leave out `--no-lookups`, or build the program without inputs whose labels are learnt as vectors"))
}

/// What a certificate says of how the program is run.
fn subject(program: &Emitted, loops: &Loops, functions: &[String]) -> Subject {
    let memory = |elements: usize, dtype| Memory { elements: elements as u64, dtype: Element::of(dtype) };
    let lookups = loops.functions.iter().zip(functions).filter(|(function, _)| function.looks_up());
    Subject {
        prefix: c::identifier(&program.name),
        arena_bytes: c::arena_bytes(loops) as u64,
        has_state: !loops.kept.is_empty(),
        inputs: loops.inputs.iter().map(|leaf| memory(leaf.elements, leaf.dtype)).collect(),
        outputs: loops.outputs.iter().map(|output| memory(output.elements, output.dtype)).collect(),
        lookups: lookups.map(|(_, name)| name.clone()).collect(),
    }
}
