//! The compiler and valgrind, and what is read from what they write.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tacit_train::{CodedError, error};

/// What compiles and inspects.
pub struct Tools {
    pub compiler: String,
    pub flags: Vec<String>,
}

type Result<T> = std::result::Result<T, CodedError>;

/// Runs a command in a folder; `packages` are those of Debian that have it.
fn output(folder: &Path, program: &str, arguments: &[&str], packages: &str) -> Result<Output> {
    Command::new(program).current_dir(folder).args(arguments).output().map_err(|fault| {
        CodedError::new(error::TOOL_MISSING, format!("`{program}` cannot be run: {fault}"))
            .help(format!("install what has `{program}`; on Debian and Ubuntu `apt-get install {packages}`"))
    })
}

/// What a command that must succeed writes to its standard output.
pub fn printed(folder: &Path, program: &str, arguments: &[&str], packages: &str) -> Result<String> {
    let ran = output(folder, program, arguments, packages)?;
    match ran.status.success() {
        true => Ok(text(&ran.stdout)),
        false => Err(CodedError::new(
            error::NOT_CERTIFIED,
            format!("`{program} {}` fails: {}", arguments.join(" "), text(&ran.stderr).trim()),
        )),
    }
}

/// The text of a file that a tool wrote.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|fault| CodedError::io(error::UNREADABLE, "read", path, &fault))
}

/// The packages that have what looks at a program for this machine.
const PACKAGES: &str = "gcc binutils valgrind";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Tools {
    /// The first line that the compiler says of itself.
    pub fn compiler_version(&self) -> Result<String> {
        let said = output(Path::new("."), &self.compiler, &["--version"], PACKAGES)?;
        Ok(text(&said.stdout).lines().next().unwrap_or_default().to_owned())
    }

    pub fn valgrind_version(&self) -> Result<String> {
        Ok(text(&output(Path::new("."), "valgrind", &["--version"], PACKAGES)?.stdout).trim().to_owned())
    }

    /// Compiles `NAME.c` to `NAME.o`, with a table of the stack's use, and the driver with it.
    pub fn compile(&self, folder: &Path, name: &str) -> Result<()> {
        let (source, object) = (format!("{name}.c"), format!("{name}.o"));
        let flags = self.flags.iter().map(String::as_str);
        let of_source = ["-g", "-fstack-usage", "-c", "-o", &object, &source];
        self.run_compiler(folder, &flags.clone().chain(of_source).collect::<Vec<_>>())?;
        let of_driver = ["-g", "-o", "driver", "driver.c", &object];
        self.run_compiler(folder, &flags.chain(of_driver).collect::<Vec<_>>())
    }

    fn run_compiler(&self, folder: &Path, arguments: &[&str]) -> Result<()> {
        printed(folder, &self.compiler, arguments, PACKAGES).map(|_| ())
    }

    /// The symbols that an object leaves to others.
    pub fn undefined_symbols(&self, folder: &Path, name: &str) -> Result<Vec<String>> {
        let listed = output(folder, "nm", &["--undefined-only", "--format=posix", &format!("{name}.o")], PACKAGES)?;
        let mut symbols: Vec<String> =
            text(&listed.stdout).lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        symbols.retain(|symbol| symbol != "_GLOBAL_OFFSET_TABLE_");
        symbols.sort();
        Ok(symbols)
    }

    /// The bytes of each function's frame, by its name; an error if one is not known beforehand.
    pub fn stack_usage(&self, folder: &Path, name: &str) -> Result<Vec<(String, u64)>> {
        let path = folder.join(format!("{name}.su"));
        let table = read(&path)?;
        frames(&table)
    }

    /// What memcheck finds with undefined inputs: branches and addresses that depend on them, and memory out of bounds.
    pub fn findings(&self, folder: &Path, program: usize) -> Result<Vec<Finding>> {
        let number = program.to_string();
        let arguments = [
            "--tool=memcheck",
            "--xml=yes",
            "--xml-file=memcheck.xml",
            "--error-limit=no",
            "--leak-check=no",
            "./driver",
        ];
        let run = output(folder, "valgrind", &[&arguments[..], &[&number, "0"]].concat(), PACKAGES)?;
        let path = folder.join("memcheck.xml");
        let found = read(&path)?;
        if !run.status.success() || !found.contains("<state>FINISHED</state>") {
            let message = format!("memcheck does not finish: {}", text(&run.stderr).trim());
            return Err(CodedError::new(error::NOT_CERTIFIED, message));
        }
        Ok(found.split("<error>").skip(1).filter_map(finding).collect())
    }

    /// The instructions that the program's runs take on one kind of input.
    pub fn instructions(&self, folder: &Path, program: usize, prefix: &str, kind: usize) -> Result<u64> {
        let (number, kind) = (program.to_string(), kind.to_string());
        let collect = format!("--toggle-collect={prefix}_run");
        let arguments =
            ["--tool=callgrind", "--callgrind-out-file=callgrind.out", &collect, "./driver", &number, &kind];
        let run = output(folder, "valgrind", &arguments, PACKAGES)?;
        let path: PathBuf = folder.join("callgrind.out");
        let counts = read(&path)?;
        let total = counts.lines().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
        total.filter(|_| run.status.success()).ok_or_else(|| {
            CodedError::new(error::NOT_CERTIFIED, format!("callgrind does not finish: {}", text(&run.stderr).trim()))
        })
    }
}

/// Something that memcheck objects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The innermost kernel, or the innermost function.
    pub function: String,
    /// True for a branch or an address that depends on the inputs, false for memory out of bounds and the like.
    pub depends_on_inputs: bool,
}

/// An error of memcheck's report; memory that the driver does not give back is none.
fn finding(xml: &str) -> Option<Finding> {
    let kind = element(xml, "kind")?;
    if kind.starts_with("Leak_") {
        return None;
    }
    let functions: Vec<&str> = xml.split("<frame>").skip(1).filter_map(|frame| element(frame, "fn")).collect();
    let kernel = functions.iter().find(|function| function.starts_with("kernel_")).or(functions.first());
    let function = kernel.copied().unwrap_or("?").to_owned();
    Some(Finding { function, depends_on_inputs: matches!(kind, "UninitCondition" | "UninitValue") })
}

/// The bytes of each function's frame, by its name, from the table that a compiler writes.
///
/// # Errors
/// `E0802` if a frame's size is not known beforehand.
pub fn frames(table: &str) -> Result<Vec<(String, u64)>> {
    table.lines().map(frame).collect()
}

/// A line of the table that the compiler writes: place and function, bytes, and how they are known.
fn frame(line: &str) -> Result<(String, u64)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [place, bytes, kind] = fields[..] else {
        return Err(CodedError::new(error::NOT_CERTIFIED, format!("`{line}` is no line of a table of stack use")));
    };
    let name = place.rsplit(':').next().unwrap_or(place).to_owned();
    match (bytes.parse(), kind) {
        (Ok(bytes), "static" | "dynamic,bounded") => Ok((name, bytes)),
        _ => Err(CodedError::new(error::NOT_CERTIFIED, format!("`{name}` takes a frame of no fixed size"))),
    }
}

/// The text of the first element of a name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let begin = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let end = begin + xml[begin..].find(&format!("</{name}>"))?;
    Some(&xml[begin..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_no_fixed_size_is_an_error_and_a_fixed_one_is_read() {
        assert_eq!(frame("a.c:12:13:kernel_0\t96\tstatic"), Ok(("kernel_0".to_owned(), 96)));
        let error = frame("a.c:12:13:kernel_0\t96\tdynamic").unwrap_err();
        assert!(error.message.contains("kernel_0"), "{error}");
    }

    #[test]
    fn the_function_of_a_finding_is_the_innermost_kernel() {
        let xml = "<kind>UninitCondition</kind><stack><frame><fn>tacit_max_float</fn></frame>\
                   <frame><fn>kernel_3</fn></frame><frame><fn>main</fn></frame></stack>";
        assert_eq!(finding(xml), Some(Finding { function: "kernel_3".to_owned(), depends_on_inputs: true }));
        let xml = "<kind>InvalidRead</kind><stack><frame><fn>a_run</fn></frame></stack>";
        assert_eq!(finding(xml), Some(Finding { function: "a_run".to_owned(), depends_on_inputs: false }));
        assert_eq!(finding("<kind>Leak_DefinitelyLost</kind><stack></stack>"), None);
    }
}
