//! The engines that Tacit is compared with.

use super::case::Case;
use crate::workloads::Mode;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Tacit's own name in tables and in the record.
pub const TACIT: &str = "Tacit";

/// The peer with whose losses and outputs all others must agree.
pub const REFERENCE: &str = "PyTorch eager";

/// An engine that runs the same networks.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub name: &'static str,
    program: Program,
    pub trains: bool,
    pub answers: bool,
    /// Whether it is measured with 8-bit integers, too.
    pub integers: bool,
}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// A script in `bench/peers`, with the variant that it is asked for.
    Python { script: &'static str, variant: Option<&'static str> },
    /// An engine of the program in `bench/native`.
    Native { engine: &'static str },
}

const fn python(name: &'static str, script: &'static str, variant: Option<&'static str>) -> Peer {
    Peer { name, program: Program::Python { script, variant }, trains: false, answers: false, integers: false }
}

const fn native(name: &'static str, engine: &'static str) -> Peer {
    Peer { name, program: Program::Native { engine }, trains: false, answers: false, integers: false }
}

/// In the order of the tables' columns. ONNX Runtime stands before those that read the file which its script leaves.
pub const PEERS: [Peer; 9] = [
    Peer { answers: true, integers: true, ..python("ONNX Runtime", "onnxruntime_worker.py", None) },
    Peer { answers: true, ..python("OpenVINO", "openvino_worker.py", None) },
    Peer { trains: true, answers: true, ..python(REFERENCE, "torch_worker.py", Some("eager")) },
    Peer { trains: true, answers: true, ..python("torch.compile", "torch_worker.py", Some("compile")) },
    Peer { trains: true, ..python("JAX", "jax_worker.py", None) },
    Peer { trains: true, ..native("candle", "candle") },
    Peer { trains: true, ..native("Burn", "burn") },
    Peer { answers: true, ..python("LiteRT", "litert_worker.py", None) },
    Peer { answers: true, ..native("tract", "tract") },
];

/// Where the peers' programs lie.
#[derive(Clone, Debug)]
pub struct Programs {
    pub python: PathBuf,
    pub native: Option<PathBuf>,
    pub scripts: PathBuf,
}

impl Peer {
    pub fn takes_part(&self, mode: Mode) -> bool {
        match mode {
            Mode::Train => self.trains,
            Mode::Infer => self.answers,
            Mode::Int8 => self.integers,
        }
    }

    /// The words of the peer's command.
    ///
    /// # Errors
    /// Why the peer cannot be started.
    pub fn command(&self, programs: &Programs, case: &Case, file: &Path) -> Result<Vec<OsString>, String> {
        let mut words: Vec<OsString> = match self.program {
            Program::Python { script, variant } => {
                let script = programs.scripts.join(script);
                if !script.exists() {
                    return Err("its script is not there".into());
                }
                let variant = variant.map(OsString::from);
                [programs.python.clone().into(), script.into()].into_iter().chain(variant).collect()
            }
            Program::Native { engine } => {
                let native = programs.native.clone().filter(|native| native.exists()).ok_or("it was not built")?;
                vec![native.into(), engine.into()]
            }
        };
        words.extend(worker_arguments(case, file));
        Ok(words)
    }
}

/// What follows the program and its variant in every worker's command.
pub fn worker_arguments(case: &Case, file: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = case.words().map(OsString::from).to_vec();
    words.push(file.into());
    words.extend(["--threads".into(), case.threads.to_string().into()]);
    words
}
