//! C99 from loops: one source and one header that need nothing, not even a C library.
//!
//! A bundle of several programs shares one arena, one set of functions and equal constants.

mod constants;
mod expressions;
mod functions;
mod interface;
mod names;
mod scalars;

pub use interface::{Interface, arena_bytes};
pub use names::identifier;

use crate::loops::{Function, Leaf, Loops, Place, exclusive_operands};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use tacit_ir::interpret::Tensor;

/// A program to emit.
pub struct Program<'a> {
    /// From which names in C are made.
    pub name: &'a str,
    pub loops: &'a Loops,
    /// The values of parameters and constants.
    pub values: &'a dyn Fn(&Leaf) -> Tensor<f32>,
    /// The instruction that defines a value, for comments.
    pub describe: &'a dyn Fn(tacit_ir::ValueId) -> String,
    /// What the header says of inputs and outputs, by name.
    pub interface: Interface,
    /// Operations of one run: a fused multiply-add counts twice.
    pub operations: u64,
    /// The name of the program whose arena it uses, with what is kept there and the function that resets that.
    pub keeps_with: Option<&'a str>,
}

impl Program<'_> {
    /// The name of the function that prepares what is kept, if something is.
    pub fn reset(&self) -> Option<String> {
        let keeper = self.keeps_with.unwrap_or(self.name);
        (!self.loops.kept.is_empty()).then(|| format!("{}_reset", identifier(keeper)))
    }

    /// True if that function is this program's own.
    fn resets(&self) -> bool {
        !self.loops.kept.is_empty() && self.keeps_with.is_none()
    }
}

/// What is written for programs that are compiled together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Files by their names: the source, the header, and what builds an example.
    pub files: Vec<(String, String)>,
    /// Of each program, the names in C of its functions.
    pub functions: Vec<Vec<String>>,
}

/// The source, header and build files of programs that are compiled together; `name` is that of the files.
pub fn emit(name: &str, programs: &[Program]) -> Bundle {
    let name = identifier(name);
    let mut shared = Shared::default();
    let (bodies, functions): (Vec<String>, Vec<Vec<String>>) =
        programs.iter().map(|program| shared.add(program)).unzip();
    let mut source = String::new();
    let _ = writeln!(source, "/* Written by Tacit; changes made here are lost. */\n#include \"{name}.h\"");
    source += &scalars::helpers(&shared.used);
    source += &shared.constants;
    source += &shared.functions;
    source += &bodies.concat();
    Bundle { files: interface::files(&name, programs, source), functions }
}

/// What the programs of a bundle share.
#[derive(Default)]
struct Shared {
    /// Helpers that some function calls.
    used: BTreeSet<scalars::Helper>,
    constants: String,
    /// The names of constants by their C text.
    constant_names: HashMap<String, String>,
    functions: String,
    function_names: HashMap<(Function, Vec<bool>), String>,
}

impl Shared {
    /// Adds what a program needs and gives the text of its entry points, and the names of its functions.
    fn add(&mut self, program: &Program) -> (String, Vec<String>) {
        let loops = program.loops;
        let constants: Vec<String> =
            loops.constants.iter().map(|leaf| self.constant(&(program.values)(leaf), leaf)).collect();
        let exclusive = exclusive_operands(loops);
        let functions: Vec<String> = (0..loops.functions.len())
            .map(|number| {
                let first = loops.calls.iter().find(|call| call.function == number);
                let values = first.into_iter().flat_map(|call| call.anchor.into_iter().chain([call.root]));
                let comment: Vec<String> = values.map(program.describe).collect();
                self.function(&loops.functions[number], &exclusive[number], &comment.join("\n * … "))
            })
            .collect();
        let text = interface::entry_points(
            program,
            &functions,
            &constants,
            |leaf| (program.values)(leaf),
            &mut |tensor, leaf| self.constant(tensor, leaf),
        );
        (text, functions)
    }

    fn constant(&mut self, tensor: &Tensor<f32>, leaf: &Leaf) -> String {
        let text = constants::elements(tensor);
        if let Some(known) = self.constant_names.get(&text) {
            return known.clone();
        }
        let number = self.constant_names.len();
        let name = match &leaf.name {
            Some(name) => format!("weights_{number}_{}", identifier(name)),
            None => format!("constant_{number}"),
        };
        self.constants += &constants::array(&name, tensor, &text);
        self.constant_names.insert(text, name.clone());
        name
    }

    fn function(&mut self, function: &Function, exclusive: &[bool], comment: &str) -> String {
        let key = (function.clone(), exclusive.to_vec());
        if let Some(known) = self.function_names.get(&key) {
            return known.clone();
        }
        let name = format!("kernel_{}", self.function_names.len());
        let _ = writeln!(self.functions, "/* {} */", comment.replace("*/", "* /"));
        self.functions += &functions::function(&name, function, exclusive, &mut self.used);
        self.function_names.insert(key, name.clone());
        name
    }
}

/// The C expression for the address of a place; what is kept begins at `kept_offset` of the arena.
fn address(
    place: Place,
    loops: &Loops,
    constants: &[String],
    parameters: &interface::Parameters,
    kept_offset: usize,
) -> String {
    match place {
        Place::Input(input) => parameters.inputs[input].clone(),
        Place::Output(output) => parameters.outputs[output].clone(),
        Place::Constant(constant) => constants[constant].clone(),
        Place::Kept(kept) => in_memory(kept_offset + loops.kept[kept].offset),
        Place::Arena(offset) => in_memory(offset),
    }
}

fn in_memory(offset: usize) -> String {
    match offset {
        0 => "memory".to_owned(),
        _ => format!("(memory + {offset})"),
    }
}
