//! `tacit certify`: what an emitted program is said to be, shown with a compiler and valgrind.

pub mod certificate;
mod driver;
mod tools;

use std::path::{Path, PathBuf};

use tacit_spec::Exit;
use tacit_train::files::write_atomic;
use tacit_train::{CodedError, error};

use crate::Format;
use crate::output::{self, message, print};
use certificate::{Certificate, Evidence, FILE, Measured, Subject, VERSION};
use driver::{KINDS, driver};
use tools::{Finding, Tools};

pub use tools::{frames, printed, read};

#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with an emitted program and its certificate.
    folder: PathBuf,
    #[command(flatten)]
    how: How,
    /// Write what is found as the certificate, instead of holding it to the one that is there.
    #[arg(long)]
    renew: bool,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// What compiles the program.
#[derive(Clone, Debug, clap::Args)]
pub struct How {
    /// The C compiler: gcc, clang or one that knows their options.
    #[arg(long, env = "CC", default_value = "cc")]
    compiler: String,
    /// Its options, separated by spaces.
    #[arg(long, default_value = "-O3 -std=c99 -ffp-contract=off", allow_hyphen_values = true)]
    flags: String,
}

/// The symbols that compilers call of their own accord.
const ALLOWED: &[&str] = &["memcmp", "memcpy", "memmove", "memset"];

type Result<T> = std::result::Result<T, CodedError>;

pub fn certify(arguments: &Arguments) -> output::Result<Exit> {
    let path = arguments.folder.join(FILE);
    let known = read_certificate(&path)?;
    let found = certificate(&arguments.folder, &known.name, known.programs.clone(), &arguments.how)?;
    if arguments.renew {
        write(&arguments.folder, &found)?;
    } else {
        compare(&known, &found).map_err(|fault| fault.in_file(&path))?;
    }
    print(&match arguments.format {
        Format::Text => summary(&found),
        Format::Json => format!("{}\n", serde_json::json!(found)),
    })?;
    Ok(Exit::Ok)
}

/// Certifies what was just emitted into a folder.
pub fn certify_emitted(folder: &Path, name: &str, programs: Vec<Subject>, how: &How) -> output::Result<()> {
    let found = certificate(folder, name, programs, how)?;
    write(folder, &found)?;
    message(summary(&found).trim_end());
    Ok(())
}

fn read_certificate(path: &Path) -> Result<Certificate> {
    let text = std::fs::read_to_string(path).map_err(|fault| {
        CodedError::io(error::UNREADABLE, "read", path, &fault).help("`tacit emit c … --certify` writes it")
    })?;
    let certificate: Certificate = serde_json::from_str(&text)
        .map_err(|fault| CodedError::new(error::CONTENTS, format!("this is no certificate: {fault}")).in_file(path))?;
    if certificate.version > VERSION {
        let message = format!("the certificate has version {}, and this tool knows {VERSION}", certificate.version);
        return Err(CodedError::new(error::NEWER, message).in_file(path));
    }
    // Names become paths and C, so they must be what the emitter makes.
    let of_programs = certificate.programs.iter().flat_map(|program| program.reset.iter().chain([&program.prefix]));
    let names = of_programs.chain([&certificate.name]);
    for name in names {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let message = format!("`{}` is no name of an emitted program", name.escape_debug());
            return Err(CodedError::new(error::CONTENTS, message).in_file(path));
        }
    }
    Ok(certificate)
}

fn write(folder: &Path, certificate: &Certificate) -> Result<()> {
    let text = serde_json::to_string_pretty(certificate).expect("a certificate has keys of text") + "\n";
    write_atomic(&folder.join(FILE), text.as_bytes())
}

/// Compiles the programs in a folder of their own and looks at them.
fn certificate(folder: &Path, name: &str, programs: Vec<Subject>, how: &How) -> Result<Certificate> {
    let tools =
        Tools { compiler: how.compiler.clone(), flags: how.flags.split_whitespace().map(str::to_owned).collect() };
    let mut hasher = blake3::Hasher::new();
    let scratch = Scratch::new(folder)?;
    for extension in ["c", "h"] {
        let path = folder.join(format!("{name}.{extension}"));
        let text = std::fs::read(&path).map_err(|fault| CodedError::io(error::UNREADABLE, "read", &path, &fault))?;
        hasher.update(&text);
        write_atomic(&scratch.folder.join(format!("{name}.{extension}")), &text)?;
    }
    let source = hasher.finalize().to_hex().to_string();
    let evidence = Evidence {
        compiler: tools.compiler_version()?,
        flags: tools.flags.clone(),
        valgrind: tools.valgrind_version()?,
        undefined_symbols: vec![],
        programs: vec![],
    };
    let mut certificate = Certificate { version: VERSION, name: name.to_owned(), source, programs, evidence };
    write_atomic(&scratch.folder.join("driver.c"), driver(&certificate).as_bytes())?;
    tools.compile(&scratch.folder, name)?;
    certificate.evidence.undefined_symbols = symbols(&tools, &scratch.folder, name)?;
    let frames = tools.stack_usage(&scratch.folder, name)?;
    for (number, subject) in certificate.programs.iter().enumerate() {
        certificate.evidence.programs.push(measured(&tools, &scratch.folder, number, subject, &frames)?);
    }
    Ok(certificate)
}

fn symbols(tools: &Tools, folder: &Path, name: &str) -> Result<Vec<String>> {
    let symbols = tools.undefined_symbols(folder, name)?;
    match symbols.iter().find(|symbol| !ALLOWED.contains(&symbol.as_str())) {
        None => Ok(symbols),
        Some(symbol) => Err(CodedError::new(
            error::NOT_CERTIFIED,
            format!("the compiled program calls `{symbol}`, which it does not bring along"),
        )
        .help("compile for a processor that has the instruction, or leave out what changes the source")),
    }
}

fn measured(
    tools: &Tools,
    folder: &Path,
    number: usize,
    subject: &Subject,
    frames: &[(String, u64)],
) -> Result<Measured> {
    let prefix = subject.prefix.clone();
    let findings = tools.findings(folder, number)?;
    if let Some(finding) = findings.iter().find(|finding| !finding.depends_on_inputs) {
        let message = format!("`{}` of `{prefix}` touches memory out of bounds", finding.function);
        return Err(CodedError::new(error::NOT_CERTIFIED, message));
    }
    let (lookups, others): (Vec<Finding>, Vec<Finding>) =
        findings.into_iter().partition(|finding| subject.lookups.contains(&finding.function));
    if let Some(finding) = others.first() {
        return Err(CodedError::new(
            error::NOT_CERTIFIED,
            format!("a branch or an address in `{}` depends on the inputs of `{prefix}`", finding.function),
        )
        .help("compilers turn some selections into branches: try `-O2` or `-O3`, or another compiler"));
    }
    let mut instructions = None;
    for (kind, name) in KINDS.iter().enumerate() {
        let count = tools.instructions(folder, number, &prefix, kind + 1)?;
        match instructions {
            None => instructions = Some(count),
            Some(first) if first == count => {}
            Some(first) => {
                return Err(CodedError::new(
                    error::NOT_CERTIFIED,
                    format!("`{prefix}` takes {first} instructions on {} and {count} on {name}", KINDS[0]),
                ));
            }
        }
    }
    Ok(Measured {
        stack_bytes: stack_bytes(frames, &prefix),
        prefix,
        data_dependent: 0,
        lookups: lookups.len() as u64,
        instructions: instructions.unwrap_or_default(),
        inputs: KINDS.iter().map(|name| (*name).to_owned()).collect(),
    })
}

/// A run calls one kernel at a time, and kernels call helpers alone, of which none calls itself: so the run's frame, the
/// largest kernel's and those of all helpers are a bound.
pub fn stack_bytes(frames: &[(String, u64)], prefix: &str) -> u64 {
    let entries = [format!("{prefix}_run"), format!("{prefix}_reset")];
    let (mut entry, mut kernel, mut helpers) = (0, 0, 0);
    for (name, bytes) in frames {
        if entries.contains(name) {
            entry = entry.max(*bytes);
        } else if name.starts_with("kernel_") {
            kernel = kernel.max(*bytes);
        } else if name.starts_with("tacit_") {
            helpers += bytes;
        }
    }
    entry + kernel + helpers
}

/// Holds what is found to what a certificate says. Another compiler gives other figures, and its own certificate.
fn compare(known: &Certificate, found: &Certificate) -> Result<()> {
    let refused = |what: String, help: &str| Err(CodedError::new(error::NOT_CERTIFIED, what).help(help));
    if known.source != found.source {
        return refused(
            format!("`{}.c` or `{}.h` is not the one that the certificate is of", known.name, known.name),
            "emit it again, or certify what is there with `--renew`",
        );
    }
    let (before, now) = (&known.evidence, &found.evidence);
    if (&before.compiler, &before.flags) != (&now.compiler, &now.flags) {
        message(&format!("the certificate is of {} {}", before.compiler, before.flags.join(" ")));
        return Ok(());
    }
    match before.programs == now.programs && before.undefined_symbols == now.undefined_symbols {
        true => Ok(()),
        false => refused(
            "the figures of the certificate are not those that this machine finds".to_owned(),
            "see what changed in the compiler or valgrind, and certify with `--renew`",
        ),
    }
}

fn summary(certificate: &Certificate) -> String {
    let evidence = &certificate.evidence;
    let symbols = match &evidence.undefined_symbols[..] {
        [] => "no symbol".to_owned(),
        symbols => symbols.join(", "),
    };
    let mut text = format!(
        "{} {} with {}\nneeds from outside: {symbols}\n",
        evidence.compiler,
        evidence.flags.join(" "),
        evidence.valgrind
    );
    for (subject, measured) in certificate.programs.iter().zip(&evidence.programs) {
        let lookups = match measured.lookups {
            0 => String::new(),
            _ => format!(", but for the addresses of lookups in {}", subject.lookups.join(", ")),
        };
        text += &format!(
            "{}: no branch and no address depends on the inputs{lookups}; {} instructions for each of {} kinds of input \
             (two runs); at most {} bytes of stack, {} of arena\n",
            measured.prefix,
            measured.instructions,
            measured.inputs.len(),
            measured.stack_bytes,
            subject.arena_bytes
        );
    }
    text
}

/// A folder that is removed in the end.
pub struct Scratch {
    pub folder: PathBuf,
}

impl Scratch {
    pub fn new(beside: &Path) -> Result<Scratch> {
        let folder = beside.join(format!(".certify-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|fault| CodedError::io(error::UNWRITABLE, "make", &folder, &fault))?;
        Ok(Scratch { folder })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
