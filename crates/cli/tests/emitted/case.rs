//! A program of an example, a thousand inputs, and its answers to them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use tacit_exec::Options;
use tacit_ir::Graph;
use tacit_ir::interpret::{Data, Tensor, interpret};
use tacit_train::Artifact;
use tacit_train::evaluate::Evaluator;
use tacit_train::quantise::param_values;
use tempfile::TempDir;

use super::common::{BUILD, run};
use super::inputs::inputs;
use super::{c, wasm};

/// The runs of every form, but for those in which a rounded product and sum take software.
const ROWS: usize = 1024;
/// The runs of those.
const SLOW_ROWS: usize = 128;
/// The rows that the interpreter answers as well: it takes long, and is what the rest is held to elsewhere.
const INTERPRETED_ROWS: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    Int8,
}

/// A program, a thousand inputs, and its answers to them.
pub struct Case {
    folder: TempDir,
    pub name: String,
    precision: Precision,
    /// The inputs and outputs with their elements, in the order of the program.
    pub inputs: Vec<(String, usize)>,
    pub outputs: Vec<(String, usize)>,
    /// Of each row, all inputs one after the other.
    pub rows: Vec<Vec<f32>>,
    /// Of each row, all outputs one after the other.
    answers: Vec<Vec<f32>>,
}

impl Case {
    /// Builds the program of an example with a short search; nothing if its data is not there.
    fn new(example: &str, precision: Precision) -> Option<Case> {
        let folder = tempfile::tempdir().unwrap();
        let manifest = short_manifest(example, precision)?;
        fs::write(folder.path().join("Tacit.toml"), manifest).unwrap();
        let (code, _, err) = run(folder.path(), &[BUILD, &["--output", "program.tacit"]].concat());
        // A contract that so short a search does not meet is none of this test's business.
        assert!(code <= 1, "{example}: {err}");
        let artifact = Artifact::load(&folder.path().join("program.tacit")).unwrap();
        let mut evaluator = Evaluator::new(&artifact.graph, 1, &Options::from_environment().unwrap()).unwrap();
        evaluator.set_weights(&artifact.weights).unwrap();
        let widths: Vec<usize> = evaluator.inputs().iter().map(|(_, width)| *width).collect();
        let rows = inputs(ROWS, widths.iter().sum());
        let answers: Vec<Vec<f32>> = rows.iter().map(|row| answer(&mut evaluator, row, &widths)).collect();
        let case = Case {
            folder,
            name: artifact.name.clone(),
            precision,
            inputs: evaluator.inputs().to_vec(),
            outputs: evaluator.outputs().to_vec(),
            rows,
            answers,
        };
        let weights = param_values(&artifact.weights);
        for row in 0..INTERPRETED_ROWS {
            let expected = case.interpreted(&artifact.graph, &weights, row);
            case.hold("tacit run", row, &case.answers[row], &expected);
        }
        Some(case)
    }

    fn interpreted(&self, graph: &Graph, weights: &HashMap<String, Tensor<f32>>, row: usize) -> Vec<f32> {
        let mut leaves = weights.clone();
        let mut rest = &self.rows[row][..];
        for (name, elements) in &self.inputs {
            let (values, others) = rest.split_at(*elements);
            rest = others;
            let leaf = graph.leaf(name).expect("inputs are leaves");
            leaves.insert(name.clone(), Tensor::floats(graph.shape(leaf), values.to_vec()));
        }
        let found = interpret(graph, &leaves).unwrap();
        let values = |(name, _): &(String, usize)| match &found.outputs[name].data {
            Data::Float(values) => values.clone(),
            Data::I32(_) | Data::I8(_) | Data::Bool(_) => panic!("outputs of programs are numbers"),
        };
        self.outputs.iter().flat_map(values).collect()
    }

    /// Holds answers to a row to those that are expected; all NaNs are one value.
    fn hold(&self, form: &str, row: usize, found: &[f32], expected: &[f32]) {
        let is_same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let differs = found.iter().zip(expected).position(|pair| !is_same(pair));
        let (name, precision) = (&self.name, self.precision);
        assert_eq!(found.len(), expected.len(), "{name} {precision:?}, {form}, row {row}");
        if let Some(k) = differs {
            panic!("{name} {precision:?}, {form}, row {row}, number {k}: {} is not {}", found[k], expected[k]);
        }
    }

    fn hold_all(&self, form: &str, found: &[Vec<f32>], expected: &[Vec<f32>]) {
        for (row, found) in found.iter().enumerate() {
            self.hold(form, row, found, &expected[row]);
        }
        println!("{} {:?}, {form}: {} rows", self.name, self.precision, found.len());
    }

    /// Emits the program into a folder of its own.
    pub fn emit(&self, target: &str, options: &[&str]) -> PathBuf {
        let output = [&[target], options].concat().join("").replace('-', "");
        let arguments = [&["emit", target, "program.tacit", "--output", &output][..], options].concat();
        let (code, _, err) = run(self.folder.path(), &arguments);
        assert_eq!(code, 0, "{}: {err}", self.name);
        self.folder.path().join(output)
    }

    /// Every form of the program. Those that round a product before its sum all give the same bits, too.
    fn hold_every_form(&self) {
        let wide = c::source(self, &[]);
        let narrow = c::source(self, &["--lanes", "4"]);
        let software = &["-O2", "-DTACIT_EXACT", "-U__SSE__"][..];
        self.hold_all("C, fused by software", &c::answers(self, &wide, software, SLOW_ROWS), &self.answers);
        if std::arch::is_x86_feature_detected!("fma") {
            let fused = &["-O3", "-mavx2", "-mfma"][..];
            self.hold_all("C", &c::answers(self, &wide, fused, ROWS), &self.answers);
            let small = &["-Os", "-mavx2", "-mfma"][..];
            self.hold_all("C of 4 lanes", &c::answers(self, &narrow, small, ROWS), &self.answers);
        }
        let rounded = c::answers(self, &wide, &["-O3"], ROWS);
        if self.precision == Precision::Int8 {
            self.hold_all("C without fused multiply-adds", &rounded, &self.answers);
        }
        self.hold_all("C of 4 lanes without", &c::answers(self, &narrow, &["-O1"], ROWS), &rounded);
        for (options, rows, expected) in [
            (&[][..], ROWS, &rounded),
            (&["--plain"], ROWS, &rounded),
            (&["--exact"], SLOW_ROWS, &self.answers),
            (&["--plain", "--exact"], SLOW_ROWS, &self.answers),
            (&["--relaxed"], ROWS, &self.answers),
        ] {
            let form = format!("WebAssembly {}", options.join(" "));
            self.hold_all(&form, &wasm::answers(self, options, rows), expected);
        }
    }

    fn certify(&self) {
        let certified = ["emit", "c", "program.tacit", "--output", "certified", "--certify", "--no-lookups"];
        let arguments = if self.looks_up() { &certified[..6] } else { &certified[..] };
        let (code, _, err) = run(self.folder.path(), arguments);
        assert_eq!(code, 0, "{} {:?}: {err}", self.name, self.precision);
        assert!(err.contains("no branch and no address depends on the inputs"), "{err}");
        let (code, text, err) = run(self.folder.path(), &["certify", "certified"]);
        assert_eq!((code, err.as_str()), (0, ""), "{text}");
    }

    fn looks_up(&self) -> bool {
        let arguments = ["emit", "c", "program.tacit", "--output", "looks", "--no-lookups"];
        let (code, _, err) = run(self.folder.path(), &arguments);
        assert!(code == 0 || err.starts_with("error[E0803]: "), "{err}");
        code != 0
    }
}

fn answer(evaluator: &mut Evaluator, row: &[f32], widths: &[usize]) -> Vec<f32> {
    let begin = |index: usize| widths[..index].iter().sum::<usize>();
    evaluator
        .answer(1, |index, values| {
            values.copy_from_slice(&row[begin(index)..][..widths[index]]);
            Ok(())
        })
        .unwrap();
    let outputs = 0..evaluator.outputs().len();
    outputs.flat_map(|index| evaluator.output(index, 1).unwrap().to_vec()).collect()
}

/// The manifest of an example with a search of two epochs and its data named by whole paths; nothing if the data is missing.
fn short_manifest(example: &str, precision: Precision) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example).canonicalize().unwrap();
    let manifest = fs::read_to_string(folder.join("Tacit.toml")).unwrap();
    let mut lines = vec![];
    for line in manifest.lines() {
        let key = line.split(" =").next().unwrap_or_default();
        match key {
            "precision" | "calibration" | "quantisation" => {}
            "epochs" => lines.push("epochs = 2".to_owned()),
            "source" | "test" => {
                let (_, rest) = line.split_once('"').expect("a file is a string");
                let (file, rest) = rest.split_once('"').expect("a string ends");
                let file = folder.join(file);
                if !file.exists() {
                    println!(
                        "{example} is skipped: {} is not there; examples/{example}/README.md says where it comes from",
                        file.display()
                    );
                    return None;
                }
                lines.push(format!("{key} = \"{}\"{rest}", file.display()));
            }
            "name" if precision == Precision::Int8 => {
                lines.extend([line.to_owned(), "precision = \"int8\"".to_owned()]);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    if !manifest.contains("\nepochs = ") {
        lines.push("[search]\nepochs = 2".to_owned());
    }
    Some(lines.join("\n"))
}

/// Holds the program of an example in every form to its bits, and certifies it.
pub fn hold_example(example: &str, precision: Precision) {
    let Some(case) = Case::new(example, precision) else { return };
    case.hold_every_form();
    case.certify();
}
