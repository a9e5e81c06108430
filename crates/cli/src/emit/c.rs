//! `tacit emit c`.

use std::path::{Path, PathBuf};

use tacit_emit::c::{self, Program};
use tacit_emit::loops::{Leaf, Loops, Options, lower, share_kept};
use tacit_ir::{DType, ValueId};
use tacit_spec::Exit;
use tacit_train::files::folder_of;
use tacit_train::{CodedError, error};

use super::learn::Learn;
use super::part::{self, Footprint, Part, Target};
use super::{Emitted, write_files};
use crate::certify::certificate::{Element, Memory, Subject};
use crate::certify::{How, Scratch, certify_emitted};
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
    /// The results that a layer computes side by side: about as many as the processor has registers for. 16 by default, 4
    /// for a small processor.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1024))]
    lanes: Option<u64>,
    /// Check that the program fits a part with this processor: needs a compiler for it.
    #[arg(long, value_enum, value_name = "PROCESSOR")]
    target: Option<Target>,
    /// Show that no branch and no address depends on data, and write a certificate: needs a C compiler and valgrind.
    #[arg(long)]
    certify: bool,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    learn: Learn,
    /// Refuse programs whose addresses depend on data, as those do that look up vectors of labels.
    #[arg(long)]
    no_lookups: bool,
}

pub fn emit(arguments: &Arguments) -> Result<Exit> {
    let lanes = arguments.lanes.unwrap_or(if arguments.target.is_some() { 4 } else { 16 }) as usize;
    // So few sums are registers, without an array between.
    let options = Options { lanes, is_unrolled: lanes <= 4 };
    let load = |path: &PathBuf| match options.is_unrolled {
        true => Emitted::load(path)?.with_terms_last(),
        false => Emitted::load(path),
    };
    let emitted = match (&arguments.programs[..], arguments.learn.is_asked_for()) {
        ([program], true) => arguments.learn.load(program)?.into(),
        (_, true) => {
            let message = "a step of learning belongs to one program, and several are named";
            return Err(CodedError::new(error::CANNOT_LEARN, message).help("emit the others apart").into());
        }
        (programs, false) => programs.iter().map(load).collect::<Result<Vec<_>>>()?,
    };
    refuse_equal_names(&emitted)?;
    let mut loops: Vec<Loops> = emitted.iter().map(|program| lower(&program.graph, &options)).collect();
    if let ([program, step], true) = (&mut loops[..], arguments.learn.is_asked_for()) {
        share_kept(program, step);
    }
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
                notes: program.notes.clone(),
                labels: program
                    .interface
                    .outputs
                    .iter()
                    .filter(|output| !output.labels.is_empty())
                    .map(|output| (output.name.clone(), output.labels.clone()))
                    .collect(),
            },
            operations: program.operations,
            keeps_with: (k > 0 && arguments.learn.is_asked_for()).then_some(&emitted[0].name),
        })
        .collect();
    let name = c::identifier(arguments.name.as_deref().unwrap_or(&emitted[0].name));
    let bundle = c::emit(&name, &programs);
    let folder = arguments.output.clone().unwrap_or_else(|| PathBuf::from(format!("{name}-c")));
    let files: Vec<(String, Vec<u8>)> =
        bundle.files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    if let Some(target) = arguments.target {
        check_fit(&folder, &name, &files, &emitted, &loops, &target.part())?;
    }
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
        let subjects = programs.iter().zip(&bundle.functions).map(|(program, functions)| subject(program, functions));
        let subjects = subjects.collect();
        certify_emitted(&folder, &name, subjects, &arguments.how)?;
    }
    print(&written.iter().map(|path| format!("{}\n", path.display())).collect::<String>())?;
    Ok(Exit::Ok)
}

/// Compiles the files for a part beside the folder that they are for, and says what they take of it.
fn check_fit(
    folder: &Path,
    name: &str,
    files: &[(String, Vec<u8>)],
    emitted: &[Emitted],
    loops: &[Loops],
    part: &Part,
) -> Result<()> {
    let scratch = Scratch::new(folder_of(folder))?;
    write_files(&scratch.folder, files)?;
    let entries: Vec<String> = emitted.iter().map(|program| format!("{}_run", c::identifier(&program.name))).collect();
    let compiled = part::measure(&scratch.folder, name, &entries, part)?;
    let bytes = |elements: usize, dtype: DType| (elements * dtype.size()) as u64;
    let interface = |loops: &Loops| -> u64 {
        let inputs = loops.inputs.iter().map(|leaf| bytes(leaf.elements, leaf.dtype));
        inputs.chain(loops.outputs.iter().map(|output| bytes(output.elements, output.dtype))).sum()
    };
    // The programs of a bundle run one after the other.
    let greatest = (0..loops.len()).max_by_key(|k| c::arena_bytes(&loops[*k])).expect("a bundle has a program");
    let footprint = Footprint {
        compiled,
        arena_bytes: c::arena_bytes(&loops[greatest]) as u64,
        interface_bytes: loops.iter().map(interface).max().unwrap_or(0),
    };
    let largest = || {
        let constants = loops.iter().flat_map(|loops| &loops.constants);
        let largest = constants.max_by_key(|leaf| bytes(leaf.elements, leaf.dtype));
        largest.map_or_else(String::new, |leaf| {
            let name = leaf.name.as_deref().unwrap_or("a constant that follows from the weights");
            format!("{} of {name}", bytes(leaf.elements, leaf.dtype))
        })
    };
    footprint.check(part, largest, || emitted[greatest].peak())?;
    message(&footprint.text(part));
    Ok(())
}

/// # Errors
/// `E0805`, which names the program.
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
/// `E0803`, which names the value that is looked up.
fn refuse_lookups(program: &Emitted, loops: &Loops) -> std::result::Result<(), CodedError> {
    let Some(call) = loops.calls.iter().find(|call| loops.functions[call.function].looks_up()) else { return Ok(()) };
    let message = format!("`{}` looks elements up: {}", program.name, program.instruction(call.root));
    Err(CodedError::new(error::FORBIDDEN, message)
        .help("leave out `--no-lookups`, or build the program without inputs whose labels are learnt as vectors"))
}

/// What a certificate says of how the program is run.
fn subject(program: &Program, functions: &[String]) -> Subject {
    let loops = program.loops;
    let memory = |elements: usize, dtype| Memory { elements: elements as u64, dtype: Element::of(dtype) };
    let lookups = loops.functions.iter().zip(functions).filter(|(function, _)| function.looks_up());
    Subject {
        prefix: c::identifier(program.name),
        arena_bytes: c::arena_bytes(loops) as u64,
        reset: program.reset(),
        inputs: loops.inputs.iter().map(|leaf| memory(leaf.elements, leaf.dtype)).collect(),
        outputs: loops.outputs.iter().map(|output| memory(output.elements, output.dtype)).collect(),
        lookups: lookups.map(|(_, name)| name.clone()).collect(),
    }
}
