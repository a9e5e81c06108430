//! What the tests of reading share: manifests, files in a folder, and reading them.

use std::path::{Path, PathBuf};

use tacit_data::{Dataset, InputValues, Parts, ReadOptions, data_files, labels_file, read, split};
use tacit_spec::report::{Colour, render};
use tacit_spec::{Diagnostic, Place, Specification, parse};
use tempfile::TempDir;

pub const MANIFEST: &str = r#"
[program]
name = "cats"
[input.image]
type = "image"
columns = "p*"
size = [1, 2]
scale = 16
[output.kind]
type = "category"
[data]
source = "cats.csv"
split = { validation = 0.3, test = 0.3 }
[skeleton]
preset = "linear"
"#;

pub const GOOD: &str = "p0,p1,kind,age\n0,1,cat,3\n2,3,dog,4\n4,5,cat,5\n6,7,dog,6\n8,9,cat,7\n16,1.5e1,dog,8\n";

/// Files that a manifest names, in a folder of their own.
pub struct Folder(TempDir);

impl Folder {
    pub fn new(files: &[(&str, &[u8])]) -> Folder {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        Folder(folder)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn rejects(&self) -> PathBuf {
        self.path().join("out/rejects.jsonl")
    }

    pub fn spool(&self) -> PathBuf {
        self.path().join("spool")
    }

    pub fn read(&self, specification: &Specification) -> Result<Dataset, Vec<Diagnostic>> {
        let options = ReadOptions {
            files: data_files(specification, self.path()),
            labels: labels_file(specification, self.path()),
            spool: self.spool(),
            rejects: Some(self.rejects()),
        };
        read(specification, &options)
    }

    /// What a diagnostic points at: `line:column` of the data, a file in the folder, or the text of the manifest.
    pub fn place(&self, diagnostic: &Diagnostic) -> String {
        match &diagnostic.place {
            Place::Row { line, column, .. } => format!("{line}:{}", column.as_deref().unwrap_or_default()),
            Place::Span { source, span } => source.text[span.clone()].to_owned(),
            Place::File(file) => {
                let inside = Path::new(file).strip_prefix(self.path()).map(|inside| inside.display().to_string());
                inside.unwrap_or_else(|_| file.clone())
            }
            Place::Nowhere => panic!("{diagnostic:?}"),
        }
    }
}

pub fn specification(manifest: &str) -> Specification {
    parse("Tacit.toml", manifest).unwrap_or_else(|found| panic!("{}", render(&found, Colour::Never)))
}

/// The usual manifest with more at its end.
pub fn with(extra: &str) -> String {
    format!("{MANIFEST}{extra}")
}

/// The manifest of a small table in `t.csv`: inputs and outputs, and more of `[data]`, as given.
pub fn table(inputs_and_outputs: &str, data: &str) -> String {
    format!(
        "[program]\nname = \"t\"\n{inputs_and_outputs}\n[data]\nsource = \"t.csv\"\n{data}\n\
         [skeleton]\npreset = \"mlp\"\n"
    )
}

/// Reads `cats.csv` with this text.
pub fn read_text(text: &str, manifest: &str) -> Result<Dataset, Vec<Diagnostic>> {
    Folder::new(&[("cats.csv", text.as_bytes())]).read(&specification(manifest))
}

/// Reads `t.csv` with this text.
pub fn read_table(text: &str, manifest: &str) -> Result<Dataset, Vec<Diagnostic>> {
    Folder::new(&[("t.csv", text.as_bytes())]).read(&specification(manifest))
}

pub fn all_right<T>(found: Result<T, Vec<Diagnostic>>) -> T {
    found.unwrap_or_else(|found| panic!("{}", render(&found, Colour::Never)))
}

pub fn parts(dataset: &Dataset, manifest: &str) -> Parts {
    all_right(split(dataset, &specification(manifest)))
}

/// All values of an input, row after row.
pub fn values(input: &InputValues) -> Vec<f32> {
    let rows: Vec<usize> = (0..input.store.rows()).collect();
    let mut out = vec![0.0; rows.len() * input.width()];
    input.store.gather(&rows, &mut out).unwrap();
    out
}
