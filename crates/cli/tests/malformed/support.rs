//! A malformed input, and what must come of it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tacit_data::random::SplitMix64;

/// Files, a command line, and what must come of it.
#[derive(Clone)]
pub struct Case {
    /// What is wrong, for people.
    pub what: String,
    pub files: Vec<(String, Vec<u8>)>,
    pub arguments: Vec<String>,
    pub stdin: Vec<u8>,
    pub environment: Vec<(&'static str, &'static str)>,
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 2, and a coded error with a help.
    Refused,
    /// Exit code 2, in the words of the parser of arguments.
    Usage,
    /// Exit code 2, and the commands there are.
    Help,
    /// What is wrong may be of no consequence: then exit code 0 or 1; else as `Refused`.
    Either,
}

/// Far more than any case takes, on a machine with other things to do.
const TIME_MAX: Duration = Duration::from_secs(60);

impl Case {
    /// `tacit` with arguments in a folder with files.
    pub fn new(what: impl Into<String>, files: Vec<(&str, Vec<u8>)>, arguments: &[&str]) -> Case {
        Case {
            what: what.into(),
            files: files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect(),
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            stdin: Vec::new(),
            environment: Vec::new(),
            outcome: Outcome::Refused,
        }
    }

    pub fn outcome(mut self, outcome: Outcome) -> Case {
        self.outcome = outcome;
        self
    }

    pub fn stdin(mut self, stdin: &[u8]) -> Case {
        self.stdin = stdin.to_vec();
        self
    }

    /// What is not as it must be; nothing if all is.
    fn fault(&self) -> Option<String> {
        let (code, errors) = self.run_in_a_folder();
        let told = |what: &str| Some(format!("{}: {what} (exit {code:?})\n{errors}", self.what));
        if errors.contains("panicked") || errors.contains("RUST_BACKTRACE") {
            return told("it panicked");
        }
        let Some(code) = code else { return told("it took too long, or was killed") };
        if errors.chars().any(|c| c.is_control() && c != '\n') {
            return told("control characters reach the terminal");
        }
        let is_coded = errors.contains("error[E");
        match (self.outcome, code) {
            (Outcome::Usage, 2) if errors.starts_with("error: ") && !is_coded => None,
            (Outcome::Help, 2) if errors.contains("Usage: tacit <COMMAND>") => None,
            (Outcome::Refused | Outcome::Either, 2) if !is_coded => told("no code"),
            (Outcome::Refused | Outcome::Either, 2) if !has_way_out(&errors) => told("no help"),
            (Outcome::Refused | Outcome::Either, 2) => None,
            (Outcome::Either, 0 | 1) if !is_coded => None,
            (Outcome::Usage | Outcome::Help | Outcome::Refused | Outcome::Either, _) => {
                told("not what must come of it")
            }
        }
    }

    /// The exit code, which it must have.
    pub fn exit_code(&self) -> i32 {
        let (code, errors) = self.run_in_a_folder();
        code.unwrap_or_else(|| panic!("{}: killed\n{errors}", self.what))
    }

    fn run_in_a_folder(&self) -> (Option<i32>, String) {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        for (name, bytes) in &self.files {
            let path = here.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            // A name that ends in a slash is an empty folder.
            match name.ends_with('/') {
                true => fs::create_dir_all(path).unwrap(),
                false => fs::write(path, bytes).unwrap(),
            }
        }
        self.run(here)
    }

    /// The exit code, unless it was killed, and what stands on stderr.
    fn run(&self, here: &Path) -> (Option<i32>, String) {
        // Outputs go to files, since a pipe that nobody reads would be waited for.
        let outputs = tempfile::tempdir().unwrap();
        let create = |name: &str| File::create(outputs.path().join(name)).unwrap();
        fs::write(outputs.path().join("in"), &self.stdin).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tacit"));
        command.current_dir(here).args(&self.arguments).env("NO_COLOR", "1").env("TACIT_THREADS", "1");
        command.env_remove("RUST_BACKTRACE").envs(self.environment.iter().copied());
        command.stdin(File::open(outputs.path().join("in")).unwrap()).stdout(create("out")).stderr(create("err"));
        let mut child = command.spawn().unwrap();
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > TIME_MAX {
                child.kill().unwrap();
                break child.wait().unwrap();
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let errors = fs::read(outputs.path().join("err")).unwrap();
        (status.code(), String::from_utf8(errors).expect("messages are UTF-8"))
    }
}

/// Whether each error says what to do: it has a help, or a code whose page says it.
fn has_way_out(errors: &str) -> bool {
    let blocks: Vec<&str> = errors.split("error[E").skip(1).collect();
    // Manifests and data are people's own, so the help stands beside the error; files of the tool have their page.
    blocks.iter().all(|block| {
        let own = ["00", "01", "02"].iter().any(|stage| block.starts_with(stage));
        !own || block.contains("help: ")
    })
}

/// Runs all cases, and tells those that are not as they must be.
pub fn assert_all(cases: &[Case]) {
    let faults: Vec<String> = cases.iter().filter_map(Case::fault).collect();
    assert!(faults.is_empty(), "{} of {} cases:\n{}", faults.len(), cases.len(), faults.join("\n\n"));
}

/// A manifest for `t.csv` with the columns `x` and `y`, as short as can be.
pub const MANIFEST: &str = "\
[program]
name = \"tiny\"
[input.x]
type = \"number\"
[output.y]
type = \"category\"
classes = [\"cat\", \"dog\"]
[data]
source = \"t.csv\"
[skeleton]
preset = \"linear\"
";

/// Twenty rows for it; the label stands last.
pub fn table() -> String {
    let row = |row: usize| format!("{}.5,{}\n", row * 7 % 20, ["cat", "dog"][row % 2]);
    "x,y\n".to_owned() + &(0..20).map(row).collect::<String>()
}

/// The files of a folder that `tacit check` finds nothing wrong with.
pub fn sound() -> Vec<(&'static str, Vec<u8>)> {
    vec![("Tacit.toml", MANIFEST.as_bytes().to_vec()), ("t.csv", table().into_bytes())]
}

/// A program that was built from them.
pub fn program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        for (name, bytes) in sound() {
            fs::write(here.join(name), bytes).unwrap();
        }
        fs::write(here.join("Tacit.toml"), format!("{MANIFEST}[search]\nepochs = 1\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tacit"));
        command.current_dir(here).args(["build", "--no-report", "--no-baselines"]).env("TACIT_THREADS", "1");
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(here.join("tiny.tacit")).unwrap()
    })
}

/// Bytes of which some were changed at random; never the same as before.
pub fn garbled(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut random = SplitMix64::new(seed);
    let mut changed = bytes.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(changed.len() as u64) as usize;
        match random.below(3) {
            0 => changed[at] ^= 1 << random.below(8),
            1 => changed[at] = random.below(256) as u8,
            _ => {
                changed.insert(at, random.below(256) as u8);
            }
        }
    }
    if changed == bytes {
        changed.push(0);
    }
    changed
}

/// Places to cut at: at most `count`, evenly over the whole, the end not among them.
pub fn cuts(length: usize, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).map(|index| index * length / count).collect();
    places.dedup();
    places
}
