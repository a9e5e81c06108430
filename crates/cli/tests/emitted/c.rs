//! Emitted C, compiled for this machine with what reads inputs and writes outputs as bytes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::case::Case;

/// The folder of the emitted source, with a driver and the bytes of all inputs beside it.
pub fn source(case: &Case, options: &[&str]) -> PathBuf {
    let folder = case.emit("c", options);
    let bytes: Vec<u8> = case.rows.iter().flatten().flat_map(|x| x.to_ne_bytes()).collect();
    fs::write(folder.join("inputs"), bytes).unwrap();
    fs::write(folder.join("driver.c"), driver(case)).unwrap();
    folder
}

/// The name of the files and functions.
fn prefix(case: &Case) -> String {
    case.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn driver(case: &Case) -> String {
    let prefix = prefix(case);
    let mut text = format!(
        "#include \"{prefix}.h\"\n#include <stdio.h>\n#include <stdlib.h>\n\
         static union {{ uint64_t alignment; uint8_t bytes[{}_ARENA_BYTES]; }} arena;\n",
        prefix.to_ascii_uppercase()
    );
    let mut body = String::new();
    let mut call = vec!["arena.bytes".to_owned()];
    for (k, (_, elements)) in case.inputs.iter().enumerate() {
        let _ = writeln!(text, "static float in{k}[{elements}];");
        let _ = writeln!(body, "        if (fread(in{k}, 4, {elements}, inputs) != {elements}) return 1;");
        call.push(format!("in{k}"));
    }
    for (k, (_, elements)) in case.outputs.iter().enumerate() {
        let _ = writeln!(text, "static float out{k}[{elements}];");
        call.push(format!("out{k}"));
    }
    let _ = writeln!(body, "        {prefix}_run({});", call.join(", "));
    for (k, (_, elements)) in case.outputs.iter().enumerate() {
        let _ = writeln!(body, "        if (fwrite(out{k}, 4, {elements}, stdout) != {elements}) return 1;");
    }
    text + "int main(int count, char **arguments)\n{\n    FILE *inputs = fopen(\"inputs\", \"rb\");\n    if (inputs == NULL \
            || count != 2) return 1;\n    for (int i = 0; i < atoi(arguments[1]); ++i) {\n"
        + &body
        + "    }\n    return fclose(inputs);\n}\n"
}

/// The answers of the program, compiled with these options, to the first rows.
pub fn answers(case: &Case, folder: &Path, flags: &[&str], rows: usize) -> Vec<Vec<f32>> {
    let source = format!("{}.c", prefix(case));
    let mut compiler = Command::new("cc");
    compiler.current_dir(folder).args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off"]);
    let compiled = compiler.args(flags).args(["-o", "driver", "driver.c", &source]).output().expect("cc runs");
    assert!(compiled.status.success(), "{}: {}", case.name, String::from_utf8_lossy(&compiled.stderr));
    let said = Command::new(folder.join("driver")).current_dir(folder).arg(rows.to_string()).output().unwrap();
    assert!(said.status.success(), "{} with {flags:?} ends with {}", case.name, said.status);
    let width: usize = case.outputs.iter().map(|(_, elements)| elements).sum();
    let floats: Vec<f32> = said.stdout.as_chunks::<4>().0.iter().map(|word| f32::from_ne_bytes(*word)).collect();
    let found: Vec<Vec<f32>> = floats.chunks(width).map(<[f32]>::to_vec).collect();
    assert_eq!(found.len(), rows);
    found
}
