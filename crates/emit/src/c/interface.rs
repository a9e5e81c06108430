//! What a C program sees: the header, the entry points, and the files that build an example.

use super::expressions::c_type;
use super::names::{identifiers, upper};
use super::{Program, address, identifier};
use crate::loops::{ALIGNMENT, Copy, Kept, Leaf, Loops, Place};
use std::fmt::Write as _;
use tacit_ir::interpret::Tensor;

/// What the header says of a program.
#[derive(Clone, Debug, Default)]
pub struct Interface {
    /// Of each input or output by its name in the graph: a line that says what its elements are.
    pub notes: Vec<(String, String)>,
    /// Of each output that has them: the labels of its elements.
    pub labels: Vec<(String, Vec<String>)>,
}

/// The names of a program's parameters: inputs, then outputs.
pub struct Parameters {
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
}

impl Parameters {
    fn of(loops: &Loops) -> Parameters {
        let inputs = loops.inputs.iter().map(|leaf| leaf.name.as_deref().unwrap_or("input"));
        let outputs = loops.outputs.iter().map(|output| output.name.as_str());
        let mut inputs = identifiers(inputs.chain(outputs));
        let outputs = inputs.split_off(loops.inputs.len());
        Parameters { inputs, outputs }
    }
}

/// Where what is kept begins in the arena.
fn kept_offset(loops: &Loops) -> usize {
    loops.arena_bytes.next_multiple_of(ALIGNMENT)
}

/// The bytes of arena and state together; an array has at least one.
pub fn arena_bytes(loops: &Loops) -> usize {
    let kept = loops.kept.iter().map(|kept| kept.offset + bytes_of(&kept.leaf)).max();
    kept.map_or(loops.arena_bytes, |bytes| kept_offset(loops) + bytes).max(1)
}

/// The name of what is kept, for a macro.
fn upper_of_leaf(leaf: &Leaf) -> String {
    upper(leaf.name.as_deref().unwrap_or("leaf"))
}

fn bytes_of(leaf: &Leaf) -> usize {
    leaf.elements * leaf.dtype.size()
}

/// The declaration of the function that runs a program, without a semicolon.
fn declaration(program: &Program) -> String {
    let name = identifier(program.name);
    let parameters = Parameters::of(program.loops);
    let mut list = vec!["void *arena".to_owned()];
    for (leaf, name) in program.loops.inputs.iter().zip(&parameters.inputs) {
        list.push(format!("const {} *{name}", c_type(leaf.dtype)));
    }
    for (output, name) in program.loops.outputs.iter().zip(&parameters.outputs) {
        list.push(format!("{} *{name}", c_type(output.dtype)));
    }
    format!("void {name}_run({})", list.join(", "))
}

/// The functions that the header declares.
pub fn entry_points(
    program: &Program,
    functions: &[String],
    constants: &[String],
    values: impl Fn(&Leaf) -> Tensor<f32>,
    constant: &mut dyn FnMut(&Tensor<f32>, &Leaf) -> String,
) -> String {
    let loops = program.loops;
    let name = identifier(program.name);
    let parameters = Parameters::of(loops);
    let at = |place| address(place, loops, constants, &parameters, kept_offset(loops));
    let mut text = String::new();
    if program.resets() {
        let _ = writeln!(text, "void {name}_reset(void *arena)\n{{\n    uint8_t *const memory = (uint8_t *)arena;");
        for (position, kept) in loops.kept.iter().enumerate() {
            reset(&mut text, kept, &at(Place::Kept(position)), &values, constant);
        }
        text += "}\n\n";
    }
    let _ = writeln!(text, "{}\n{{\n    uint8_t *const memory = (uint8_t *)arena;", declaration(program));
    let places = places(loops);
    if !places.iter().any(|place| matches!(place, Place::Arena(_) | Place::Kept(_))) {
        text += "    (void)memory;\n";
    }
    let inputs = parameters.inputs.iter().enumerate().map(|(k, parameter)| (Place::Input(k), parameter));
    // Outputs that lie elsewhere are copied in the end.
    let outputs = loops.outputs.iter().map(|output| output.place).zip(&parameters.outputs);
    let outputs = outputs.enumerate().filter(|(k, (place, _))| *place == Place::Output(*k)).map(|(_, output)| output);
    for (_, parameter) in inputs.chain(outputs).filter(|(place, _)| !places.contains(place)) {
        let _ = writeln!(text, "    (void){parameter};");
    }
    for call in &loops.calls {
        let operands = &loops.functions[call.function].operands;
        let arguments: Vec<String> = operands
            .iter()
            .zip(&call.places)
            .map(|(operand, place)| {
                let constant = if operand.is_written { "" } else { "const " };
                let ty = super::functions::memory_type(c_type(operand.dtype));
                format!("({constant}{ty} *){}", at(*place))
            })
            .collect();
        let _ = writeln!(text, "    {}({});", functions[call.function], arguments.join(", "));
    }
    for Copy { to, from, bytes } in &loops.copies {
        copy(&mut text, &at(*to), &at(*from), *bytes);
    }
    for (k, (output, parameter)) in loops.outputs.iter().zip(&parameters.outputs).enumerate() {
        if output.place != Place::Output(k) {
            let bytes = output.elements * output.dtype.size();
            copy(&mut text, &format!("((uint8_t *){parameter})"), &at(output.place), bytes);
        }
    }
    text + "}\n\n"
}

/// Every place that a run touches.
fn places(loops: &Loops) -> Vec<Place> {
    let of_calls = loops.calls.iter().flat_map(|call| call.places.iter().copied());
    let of_outputs = loops.outputs.iter().filter(|output| output.elements > 0).map(|output| output.place);
    let of_copies = loops.copies.iter().flat_map(|copy| [copy.to, copy.from]);
    of_calls.chain(of_outputs).chain(of_copies).collect()
}

fn copy(text: &mut String, to: &str, from: &str, bytes: usize) {
    let _ = writeln!(
        text,
        "    for (int32_t i = 0; i < {bytes}; ++i) {{\n        {to}[i] = ((const uint8_t *){from})[i];\n    }}"
    );
}

/// What is kept as it is before the first run.
fn reset(
    text: &mut String,
    kept: &Kept,
    place: &str,
    values: &impl Fn(&Leaf) -> Tensor<f32>,
    constant: &mut dyn FnMut(&Tensor<f32>, &Leaf) -> String,
) {
    let tensor = kept.first(values);
    let bytes = crate::loops::bytes_of(&tensor);
    match bytes.first() {
        Some(byte) if bytes.iter().all(|other| other == byte) => {
            let _ = writeln!(
                text,
                "    for (int32_t i = 0; i < {}; ++i) {{\n        {place}[i] = {byte};\n    }}",
                bytes.len()
            );
        }
        Some(_) | None => copy(text, place, &constant(&tensor, &kept.leaf), bytes.len()),
    }
}

/// Header, source and what builds an example of their use.
pub fn files(name: &str, programs: &[Program], source: String) -> Vec<(String, String)> {
    vec![
        (format!("{name}.c"), source),
        (format!("{name}.h"), header(name, programs)),
        ("main.c".to_owned(), example(name, programs)),
        ("Makefile".to_owned(), MAKEFILE.replace("NAME", name)),
        ("CMakeLists.txt".to_owned(), CMAKE.replace("NAME", name)),
    ]
}

fn header(name: &str, programs: &[Program]) -> String {
    let guard = format!("{}_H", upper(name));
    let mut text = format!(
        "/* Written by Tacit; changes made here are lost. */\n#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n\
         #ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"
    );
    for program in programs {
        let loops = program.loops;
        let upper = upper(program.name);
        let parameters = Parameters::of(loops);
        let note = |name: &str| {
            let known = program.interface.notes.iter().find(|(known, _)| known == name);
            known.map(|(_, note)| format!(": {note}")).unwrap_or_default()
        };
        let weights: usize = loops.constants.iter().map(bytes_of).sum();
        let _ = writeln!(
            text,
            "/* {}: {} operations a run, {weights} bytes of constants. */",
            program.name, program.operations
        );
        let _ = writeln!(text, "#define {upper}_ARENA_BYTES {}", arena_bytes(loops));
        let _ = writeln!(text, "#define {upper}_OPERATIONS {}", program.operations);
        if program.resets() {
            text += "/* Where what is kept lies in the arena, in bytes. */\n";
            for kept in &loops.kept {
                let kept_name = upper_of_leaf(&kept.leaf);
                let _ = writeln!(text, "#define {upper}_AT_{kept_name} {}", kept_offset(loops) + kept.offset);
            }
        }
        for (leaf, parameter) in loops.inputs.iter().zip(&parameters.inputs) {
            let macro_name = format!("{upper}_{}_ELEMENTS", parameter.to_ascii_uppercase());
            let _ = writeln!(text, "#define {macro_name} {}", leaf.elements);
        }
        for (output, parameter) in loops.outputs.iter().zip(&parameters.outputs) {
            let macro_name = format!("{upper}_{}_ELEMENTS", parameter.to_ascii_uppercase());
            let _ = writeln!(text, "#define {macro_name} {}", output.elements);
            if let Some((_, labels)) = program.interface.labels.iter().find(|(name, _)| *name == output.name) {
                let labels: Vec<String> = labels.iter().map(|label| string(label)).collect();
                let labels_name = format!("{upper}_{}_LABELS", parameter.to_ascii_uppercase());
                let _ = writeln!(text, "/* The initialiser of an array of strings. */");
                let _ = writeln!(text, "#define {labels_name} {{ {} }}", labels.join(", "));
            }
        }
        text += "\n/*\n";
        let _ = writeln!(text, " * One run. `arena` has {upper}_ARENA_BYTES bytes and begins at a multiple of 16.");
        for (leaf, parameter) in loops.inputs.iter().zip(&parameters.inputs) {
            let _ = writeln!(text, " * `{parameter}`{}", note(leaf.name.as_deref().unwrap_or_default()));
        }
        for (output, parameter) in loops.outputs.iter().zip(&parameters.outputs) {
            let _ = writeln!(text, " * `{parameter}` is written{}", note(&output.name));
        }
        text += " * No output may overlap an input or the arena.\n";
        match (program.reset(), program.keeps_with) {
            (None, _) => text += " * Runs in several threads need an arena each, and share nothing else.\n",
            (Some(reset), None) => {
                let _ = writeln!(text, " * The arena holds what is kept from run to run: call {reset} first.");
            }
            (Some(reset), Some(keeper)) => {
                let run = identifier(keeper);
                let _ = writeln!(
                    text,
                    " * The arena is that of {run}_run, which {reset} prepares, and both keep the same."
                );
            }
        }
        text += " */\n";
        if program.resets() {
            let _ = writeln!(text, "void {}_reset(void *arena);", identifier(program.name));
        }
        let _ = writeln!(text, "{};\n", declaration(program));
    }
    text + "#ifdef __cplusplus\n}\n#endif\n\n#endif\n"
}

/// A string literal.
fn string(label: &str) -> String {
    let mut text = String::from("\"");
    for byte in label.bytes() {
        match byte {
            b'"' => text += "\\\"",
            b'\\' => text += "\\\\",
            // A `?` could begin a trigraph, and what is no letter of ASCII has no sure spelling.
            b' '..=b'~' if byte != b'?' => text.push(byte as char),
            other => {
                let _ = write!(text, "\\{other:03o}");
            }
        }
    }
    text + "\""
}

/// An example that reads a program's inputs from standard input and prints its outputs.
fn example(name: &str, programs: &[Program]) -> String {
    let program = &programs[0];
    let loops = program.loops;
    let (prefix, upper) = (identifier(program.name), upper(program.name));
    let parameters = Parameters::of(loops);
    let mut text = format!(
        "/* An example: reads the inputs of one run as numbers from standard input, and prints the outputs. */\n\
         #include \"{name}.h\"\n\n#include <stdio.h>\n\n\
         static union {{ uint64_t alignment; uint8_t bytes[{upper}_ARENA_BYTES]; }} arena;\n"
    );
    for (leaf, parameter) in loops.inputs.iter().zip(&parameters.inputs) {
        let elements = format!("{upper}_{}_ELEMENTS", parameter.to_ascii_uppercase());
        let _ = writeln!(text, "static {} {parameter}[{elements}];", c_type(leaf.dtype));
    }
    for (output, parameter) in loops.outputs.iter().zip(&parameters.outputs) {
        let elements = format!("{upper}_{}_ELEMENTS", parameter.to_ascii_uppercase());
        let _ = writeln!(text, "static {} {parameter}[{elements}];", c_type(output.dtype));
    }
    text += "\nint main(void)\n{\n";
    if let Some(reset) = program.reset() {
        let _ = writeln!(text, "    {reset}(arena.bytes);");
    }
    for (leaf, parameter) in loops.inputs.iter().zip(&parameters.inputs) {
        let elements = format!("{upper}_{}_ELEMENTS", parameter.to_ascii_uppercase());
        let _ = writeln!(
            text,
            "    for (int i = 0; i < {elements}; ++i) {{\n        double number = 0.0;\n        \
             if (scanf(\"%lf\", &number) != 1) {{\n            fprintf(stderr, \"{parameter}: %d numbers are \
             expected\\n\", {elements});\n            return 1;\n        }}\n        {parameter}[i] = ({})number;\n    }}",
            c_type(leaf.dtype)
        );
    }
    let arguments: Vec<&str> = parameters.inputs.iter().chain(&parameters.outputs).map(String::as_str).collect();
    let _ = writeln!(text, "    {prefix}_run(arena.bytes, {});", arguments.join(", "));
    for parameter in &parameters.outputs {
        let elements = format!("{upper}_{}_ELEMENTS", parameter.to_ascii_uppercase());
        let _ = writeln!(
            text,
            "    for (int i = 0; i < {elements}; ++i) {{\n        printf(\"{parameter} %d %.9g\\n\", i, \
             (double){parameter}[i]);\n    }}"
        );
    }
    text + "    return 0;\n}\n"
}

const MAKEFILE: &str = "CFLAGS ?= -O3
CFLAGS += -std=c99 -Wall -Wextra -pedantic -ffp-contract=off

example: main.o NAME.o
\t$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

main.o NAME.o: NAME.h

clean:
\trm -f example main.o NAME.o

.PHONY: clean
";

const CMAKE: &str = "cmake_minimum_required(VERSION 3.13)
project(NAME C)

add_library(NAME STATIC NAME.c)
target_include_directories(NAME PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
set_target_properties(NAME PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
if(CMAKE_C_COMPILER_ID MATCHES \"GNU|Clang\")
  target_compile_options(NAME PRIVATE -Wall -Wextra -pedantic -ffp-contract=off)
endif()

add_executable(example main.c)
target_link_libraries(example PRIVATE NAME)
";
