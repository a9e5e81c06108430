//! Small searches that the tests share.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;

use tacit_exec::{KernelSet, Options};
use tacit_spec::Specification;
use tacit_train::search::{Found, Keeping, SearchOptions, search};
use tacit_train::{Artifact, Examples, Failure, assemble, build_hash};
use tempfile::TempDir;

pub const OPTIONS: Options = Options { threads: 1, kernels: KernelSet::Baseline };

/// Three inputs and two classes that a line tells apart.
pub const CATEGORY: &str = r#"
[program]
name = "small"
[input.pair]
type = "vector"
columns = ["a", "b"]
size = 2
[input.age]
type = "number"
[input.flags]
type = "vector"
columns = "flag*"
size = 2
[output.kind]
type = "category"
[data]
source = "small.csv"
split = { validation = 0.2, test = 0.2, seed = 3 }
[skeleton]
layers = ["dense 4", "layer-norm", "tanh", "dropout 0.1"]
[goal]
minimise = "cross-entropy"
class-weights = "balanced"
[search]
epochs = 6
batch = 7
learning-rate = 0.05
average = 0.9
clip = 1.0
[[require]]
metric = "recall"
class = "yes"
where = "age > 20"
at_least = 0.5
confidence = 0.9
[[require]]
metric = "file-size"
at_most = 100_000
"#;

/// A number with a large unit.
pub const NUMBER: &str = r#"
[program]
name = "price"
[input.age]
type = "number"
[output.price]
type = "number"
[data]
source = "small.csv"
split = { validation = 0.2, test = 0.2, seed = 3 }
[skeleton]
preset = "linear"
[goal]
minimise = "huber"
delta = 1000.0
[search]
epochs = 60
batch = 8
learning-rate = 0.05
optimiser = "sgd"
patience = 20
[[require]]
metric = "mae"
at_most = 500.0
"#;

pub fn specification(text: &str) -> Specification {
    tacit_spec::parse("Tacit.toml", text).unwrap_or_else(|e| panic!("{e:#?}"))
}

/// Sixty rows: the class follows from a + b, the price from the age.
pub fn table() -> String {
    let mut text = "a,b,age,flag0,flag1,kind,price\n".to_owned();
    for row in 0..60u32 {
        let (a, b, age) = (row * 7 % 13, row * 5 % 11, 18 + row * 3 % 40);
        let kind = if a + b > 11 { "yes" } else { "no" };
        text += &format!("{a},{b},{age},{},{},{kind},{}\n", row % 5, row * 2 % 5, 50_000 + 1_000 * age);
    }
    text
}

/// The table as `small.csv`, read as the specification asks.
pub fn examples(specification: &Specification) -> Examples {
    examples_of(specification, &folder(&[("small.csv", table().as_bytes())]))
}

/// A folder with files.
pub fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

pub fn examples_of(specification: &Specification, folder: &TempDir) -> Examples {
    let output = folder.path().join("program.tacit");
    tacit_train::examples(specification, folder.path(), &output).unwrap_or_else(|e| panic!("{e:#?}"))
}

/// Searches without telling anybody; checkpoints every `steps` at `path`, if given.
pub fn found(specification: &Specification, examples: &Examples, keeping: Option<(PathBuf, u64)>) -> Found {
    let keeping = keeping.map(|(path, steps)| Keeping { path, steps });
    let options = SearchOptions { exec: OPTIONS, keeping, start: Vec::new() };
    found_with(specification, examples, &options).unwrap_or_else(|e| panic!("{e:?}"))
}

pub fn found_with(
    specification: &Specification,
    examples: &Examples,
    options: &SearchOptions,
) -> Result<Found, Failure> {
    let build = build_hash(specification, &examples.dataset, None);
    search(specification, &examples.dataset, &examples.prepared, &build, options, &mut |_| {})
}

/// The finished program of a search.
pub fn assembled(specification: &Specification, examples: &Examples, found: Found) -> Artifact {
    assemble(specification, examples, found, None, &OPTIONS).unwrap_or_else(|e| panic!("{e:?}"))
}

/// Reads, searches and puts together; the folder stays for what comes after.
pub fn built(manifest: &str, folder: &TempDir) -> (Specification, Examples, Artifact) {
    let specification = specification(manifest);
    let examples = examples_of(&specification, folder);
    let artifact = assembled(&specification, &examples, found(&specification, &examples, None));
    (specification, examples, artifact)
}
