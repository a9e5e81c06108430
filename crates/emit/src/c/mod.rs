//! C99 from loops: one source and one header that need nothing, not even a C library.
//!
//! A bundle of several programs shares one arena, one set of functions and equal constants.

mod constants;
mod expressions;
mod functions;
mod interface;
mod names;
mod scalars;

pub use interface::{Files, Interface};

use crate::loops::{Function, Leaf, Loops, Place};
use names::identifier;
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
    /// What the kernel with this root computes, for a comment.
    pub describe: &'a dyn Fn(tacit_ir::ValueId) -> String,
    /// What the header says of inputs and outputs, by name.
    pub interface: Interface,
    /// Operations of one run: a fused multiply-add counts twice.
    pub operations: u64,
}

/// The source, header and build files of programs that are compiled together; `name` is that of the files.
pub fn emit(name: &str, programs: &[Program]) -> Files {
    let name = identifier(name);
    let mut bundle = Bundle::default();
    let bodies: Vec<String> = programs.iter().map(|program| bundle.add(program)).collect();
    let mut source = String::new();
    let _ = writeln!(source, "/* Written by Tacit; changes made here are lost. */\n#include \"{name}.h\"\n");
    source += &scalars::helpers(&bundle.used);
    source += &bundle.constants;
    source += &bundle.functions;
    source += &bodies.concat();
    interface::files(&name, programs, source)
}

/// What the programs of a bundle share.
#[derive(Default)]
struct Bundle {
    /// Helpers that some function calls.
    used: BTreeSet<scalars::Helper>,
    constants: String,
    /// The names of constants by their C text.
    constant_names: HashMap<String, String>,
    functions: String,
    function_names: HashMap<(Function, Vec<bool>), String>,
}

impl Bundle {
    /// Adds what a program needs and gives the text of its entry points.
    fn add(&mut self, program: &Program) -> String {
        let loops = program.loops;
        let constants: Vec<String> =
            loops.constants.iter().map(|leaf| self.constant(&(program.values)(leaf), leaf)).collect();
        let exclusive = interface::exclusive_operands(loops);
        let functions: Vec<String> = (0..loops.functions.len())
            .map(|number| {
                let first = loops.calls.iter().find(|call| call.function == number);
                let comment = first.map(|call| (program.describe)(call.root)).unwrap_or_default();
                self.function(&loops.functions[number], &exclusive[number], &comment)
            })
            .collect();
        interface::entry_points(program, &functions, &constants, |leaf| (program.values)(leaf), &mut |tensor, leaf| {
            self.constant(tensor, leaf)
        })
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

/// The C expression for the address of a place; `kept` and `arena` are the offsets at which a program's parts begin.
fn address(place: Place, loops: &Loops, constants: &[String], inputs: &[String], kept_offset: usize) -> String {
    match place {
        Place::Input(input) => inputs[input].clone(),
        Place::Constant(constant) => constants[constant].clone(),
        Place::Kept(kept) => format!("(memory + {})", kept_offset + loops.kept[kept].offset),
        Place::Arena(offset) => format!("(memory + {offset})"),
    }
}
