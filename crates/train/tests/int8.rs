//! Programs of 8-bit integers: built, kept, loaded, and run with the bits of the interpreter.

mod common;

use std::collections::HashMap;

use common::{CATEGORY, OPTIONS, built, folder, table};
use tacit_data::random::SplitMix64;
use tacit_ir::interpret::{Tensor, interpret};
use tacit_ir::{DType, Graph, Op};
use tacit_train::container::{self, Values};
use tacit_train::metrics::Answers;
use tacit_train::quantise::param_values;
use tacit_train::transfer::start_from;
use tacit_train::{Artifact, remeasure};
use tempfile::TempDir;

const HALVES: &str = r#"
[program]
name = "halves"
precision = "int8"
[input.image]
type = "image"
columns = "p*"
size = [8, 8]
[output.half]
type = "category"
[data]
source = "halves.csv"
split = { validation = 0.2, test = 0.3 }
[skeleton]
layers = ["conv 3x3 8", "batch-norm", "relu", { residual = ["conv 3x3 8", "batch-norm"] }, "relu", "pool 2", "gelu",
    "depthwise 3x3", "average-pool 2", "flatten", "dense 6", "relu"]
[search]
epochs = 6
batch = 8
learning-rate = 0.01
average = 0.9
"#;

/// Pictures that are brighter in one half.
fn halves() -> TempDir {
    let names: String = (0..64).map(|pixel| format!("p{pixel},")).collect();
    let mut text = format!("{names}half\n");
    let mut random = SplitMix64::new(4);
    for row in 0..80 {
        let upper = row % 2 == 0;
        let pixels = (0..64).map(|pixel| random.below(10) + if (pixel < 32) == upper { 4 } else { 0 });
        text += &pixels.map(|value| format!("{value},")).collect::<String>();
        text += if upper { "upper\n" } else { "lower\n" };
    }
    folder(&[("halves.csv", text.as_bytes())])
}

fn contractions(graph: &Graph, operand: DType) -> usize {
    let is_one = |i: &&tacit_ir::Instruction| matches!(i.op, Op::Contract) && graph.ty(i.operands[0]).dtype == operand;
    graph.instructions().iter().filter(is_one).count()
}

fn probabilities(answers: &[Answers]) -> &[f32] {
    let Answers::Category { probabilities, .. } = &answers[0] else { panic!("{answers:?}") };
    probabilities
}

#[test]
fn an_int8_program_answers_nearly_as_the_f32_program_and_is_much_smaller() {
    let folder = halves();
    let floats = HALVES.replace("precision = \"int8\"\n", "");
    let (_, examples, exact) = built(&floats, &folder);
    for more in ["", "calibration = \"min-max\"\n", "calibration = \"percentile\"\n", "quantisation = \"aware\"\n"] {
        let manifest = HALVES.replace("precision = \"int8\"\n", &format!("precision = \"int8\"\n{more}"));
        let (_, _, artifact) = built(&manifest, &folder);
        assert_eq!((contractions(&artifact.graph, DType::I8), contractions(&artifact.graph, DType::F32)), (5, 0));
        let [of_exact, of_integers] = [&exact, &artifact]
            .map(|artifact| artifact.answers(&examples.dataset, &examples.parts.test, &OPTIONS).unwrap());
        let pairs = probabilities(&of_exact).iter().zip(probabilities(&of_integers));
        let differences: Vec<f32> = pairs.map(|(a, b)| (a - b).abs()).collect();
        let mean = differences.iter().sum::<f32>() / differences.len() as f32;
        assert!(mean < 0.05 && mean > 0.0, "{more}: {differences:?}");
        let bytes = |artifact: &Artifact| {
            artifact.weights.iter().map(|t| t.shape.iter().product::<usize>() * t.values.dtype().size()).sum::<usize>()
        };
        assert!(2 * bytes(&artifact) < bytes(&exact), "{} {}", bytes(&artifact), bytes(&exact));
    }
}

#[test]
fn an_int8_program_is_kept_and_loaded_and_measures_the_same() {
    let folder = halves();
    let (_, _, mut artifact) = built(HALVES, &folder);
    let path = folder.path().join("halves.tacit");
    artifact.save(&path).unwrap();
    let loaded = Artifact::load(&path).unwrap();
    assert_eq!(loaded, artifact);
    let bytes = std::fs::read(&path).unwrap();
    let (document, tensors) = container::decode("tacit", &bytes, |_| Ok(())).unwrap();
    assert_eq!(document["format_version"], 2);
    assert!(tensors.iter().any(|tensor| tensor.name == "conv1.weight" && matches!(tensor.values, Values::I8(_))));
    let again = remeasure(&loaded, folder.path(), None, &path, &OPTIONS).unwrap();
    assert_eq!(again.contract, artifact.contract);
    // A tensor of another type than its parameter's is refused.
    let mut forged = artifact.clone();
    for tensor in &mut forged.weights {
        if let Values::I8(values) = &tensor.values {
            tensor.values = Values::I32(values.iter().map(|x| i32::from(*x)).collect());
        }
    }
    forged.provenance.weights_hash = container::hash_tensors(&forged.weights);
    assert_eq!(Artifact::decode(&forged.encode()).unwrap_err().code, "E0304");
}

#[test]
fn planned_int8_programs_have_the_bits_of_the_interpreter() {
    let folder = halves();
    let (_, examples, artifact) = built(HALVES, &folder);
    let rows = &examples.parts.test[..4];
    let planned = artifact.answers(&examples.dataset, rows, &OPTIONS).unwrap();
    let mut leaves: HashMap<String, Tensor<f32>> = param_values(&artifact.weights);
    for (place, row) in rows.iter().enumerate() {
        let mut pixels = vec![0.0; 64];
        examples.dataset.inputs[0].store.gather(&[*row], &mut pixels).unwrap();
        leaves.insert("image".into(), Tensor::floats(&[8, 8, 1], pixels));
        let found = interpret(&artifact.graph, &leaves).unwrap().outputs.remove("half").unwrap();
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(found.as_floats()), bits(&probabilities(&planned)[2 * place..2 * place + 2]));
    }
}

#[test]
fn a_table_becomes_integers_where_it_has_layers_with_weights() {
    let folder = folder(&[("small.csv", table().as_bytes())]);
    for more in ["precision = \"int8\"", "precision = \"int8\"\nquantisation = \"aware\""] {
        let manifest = CATEGORY.replace("name = \"small\"", &format!("name = \"small\"\n{more}"));
        let (_, _, mut artifact) = built(&manifest, &folder);
        assert_eq!((contractions(&artifact.graph, DType::I8), contractions(&artifact.graph, DType::F32)), (2, 0));
        assert_eq!(Artifact::decode(&artifact.encode()).unwrap(), artifact);
    }
}

#[test]
fn a_search_does_not_start_from_integers() {
    let folder = halves();
    let (_, examples, artifact) = built(HALVES, &folder);
    let error = start_from(&artifact, &examples.dataset, &examples.prepared).unwrap_err();
    assert!(format!("{error:?}").contains("8-bit integers"), "{error:?}");
}
