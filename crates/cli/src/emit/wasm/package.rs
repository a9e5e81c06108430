//! The files beside a module: what loads it in JavaScript, the types of that for TypeScript, and a page that runs it.

use serde_json::{Value, json};
use tacit_emit::wasm::{Exported, Module};
use tacit_train::interface::{InputInterface, OutputInterface};

use crate::emit::Emitted;

const SCRIPT: &str = include_str!("program.js");
const TYPES: &str = include_str!("program.d.ts");
const PAGE: &str = include_str!("index.html");

/// A name of a file and of a module: letters, digits, `-` and `_`.
pub fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let text: String = name.chars().map(plain).collect();
    if text.is_empty() { "program".to_owned() } else { text }
}

/// The module and everything beside it, by file names.
pub fn files(name: &str, emitted: &Emitted, module: &Module) -> Vec<(String, Vec<u8>)> {
    let interface = &emitted.interface;
    let inputs: Vec<Value> = interface.inputs.iter().map(input).collect();
    let outputs: Vec<Value> = interface.outputs.iter().map(output).collect();
    let addresses = json!({ "inputs": addresses(&module.inputs), "outputs": addresses(&module.outputs) });
    let script = filled(
        SCRIPT,
        &[
            ("FILE", &json!(format!("./{name}.wasm")).to_string()),
            ("ADDRESSES", &addresses.to_string()),
            ("NAME", &json!(emitted.name).to_string()),
            ("INPUTS", &list(&inputs)),
            ("OUTPUTS", &list(&outputs)),
        ],
    );
    let fields = |tensors: &[Value], ty: &str| -> String {
        tensors.iter().map(|tensor| format!("  {}: {ty};\n", tensor["name"])).collect()
    };
    let types = filled(
        TYPES,
        &[("INPUTS", &fields(&inputs, "ArrayLike<number>")), ("OUTPUTS", &fields(&outputs, "Float32Array"))],
    );
    let title = file_name(&emitted.name);
    let page = filled(PAGE, &[("TITLE", &title), ("MODULE", &json!(format!("./{name}.js")).to_string())]);
    vec![
        (format!("{name}.wasm"), module.bytes.clone()),
        (format!("{name}.js"), script.into_bytes()),
        (format!("{name}.d.ts"), types.into_bytes()),
        ("index.html".to_owned(), page.into_bytes()),
    ]
}

/// A template whose words between `@` are replaced; what replaces them is not looked at again.
fn filled(template: &str, words: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('@') {
        let behind = &rest[at + 1..];
        text += &rest[..at];
        let is_here = |word: &str| behind.strip_prefix(word).is_some_and(|end| end.starts_with('@'));
        match words.iter().find(|(word, _)| is_here(word)) {
            Some((word, replacement)) => {
                text += replacement;
                rest = &behind[word.len() + 1..];
            }
            None => {
                text.push('@');
                rest = behind;
            }
        }
    }
    text + rest
}

fn input(input: &InputInterface) -> Value {
    json!({
        "name": input.name,
        "type": input.kind,
        "shape": input.shape,
        "labels": input.labels,
        "columns": input.columns,
        "scale": input.scale,
        "missing": input.missing_allowed,
        "range": input.coverage.range,
    })
}

fn output(output: &OutputInterface) -> Value {
    json!({
        "name": output.name,
        "type": output.kind,
        "shape": [output.values()],
        "labels": output.labels,
        "columns": output.columns,
        "scale": null,
        "threshold": output.threshold,
    })
}

/// A list of objects, each on a line of its own.
fn list(objects: &[Value]) -> String {
    let lines: String = objects.iter().map(|object| format!("  {object},\n")).collect();
    format!("[\n{lines}]")
}

/// The globals that hold addresses, by the names of tensors.
fn addresses(tensors: &[Exported]) -> Value {
    let entries = tensors.iter().map(|tensor| (tensor.name.clone(), json!(tensor.global)));
    Value::Object(entries.collect())
}
