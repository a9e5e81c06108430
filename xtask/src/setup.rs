//! What the tests need beside the crates: a short list of tools, looked for before anything is installed.

use crate::cargo;
use std::process::{Command, Stdio};

/// Checks for every tool and installs those that are missing, if that is possible without asking.
///
/// Debian packages are installed by root only; parts of the Rust toolchain by rustup.
///
/// # Errors
/// Names the first tool that is missing and cannot be installed, and how to get it.
pub fn setup() -> Result<(), String> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !succeeds(cargo().args([subcommand, "--version"])) {
            install(Command::new("rustup").args(["component", "add", component]), component)?;
        }
    }
    let missing: Vec<&Tool> =
        TOOLS.iter().filter(|tool| !succeeds(Command::new(tool.program).arg("--version"))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|tool| tool.debian.iter().copied()).collect();
    for tool in &missing {
        eprintln!("missing: `{}`, {}", tool.program, tool.purpose);
    }
    if !is_root() || !succeeds(Command::new("apt-get").arg("--version")) {
        return Err(format!(
            "tools are missing\nhelp: install them; on Debian and Ubuntu `sudo apt-get install {}`",
            packages.join(" ")
        ));
    }
    install(Command::new("apt-get").arg("update"), "the package lists")?;
    let options = ["install", "--yes", "--no-install-recommends"];
    install(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(options).args(&packages), "tools")
}

/// A program that the tests call.
struct Tool {
    program: &'static str,
    /// Why it is needed.
    purpose: &'static str,
    /// The Debian packages that bring it.
    debian: &'static [&'static str],
}

const TOOLS: [Tool; 12] = [
    Tool { program: "cc", purpose: "the C compiler that links Rust programs", debian: &["gcc", "libc6-dev"] },
    Tool { program: "clang", purpose: "the other C compiler that emitted programs are held to", debian: &["clang"] },
    Tool { program: "cppcheck", purpose: "which holds emitted programs to rules of MISRA", debian: &["cppcheck"] },
    Tool { program: "git", purpose: "which lists the files that the house rules are about", debian: &["git"] },
    Tool { program: "make", purpose: "which builds the example beside an emitted program", debian: &["make"] },
    Tool {
        program: "valgrind",
        purpose: "which shows that emitted programs take constant time",
        debian: &["valgrind"],
    },
    Tool {
        program: "arm-none-eabi-gcc",
        purpose: "which compiles emitted programs for Cortex-M",
        debian: &["gcc-arm-none-eabi", "libnewlib-arm-none-eabi"],
    },
    Tool { program: "qemu-system-arm", purpose: "which runs them", debian: &["qemu-system-arm"] },
    Tool {
        program: "riscv64-unknown-elf-gcc",
        purpose: "which compiles emitted programs for RISC-V",
        debian: &["gcc-riscv64-unknown-elf"],
    },
    Tool {
        program: "mips-linux-gnu-gcc",
        purpose: "which compiles emitted programs for a processor with the most significant byte first",
        debian: &["gcc-mips-linux-gnu"],
    },
    Tool { program: "qemu-riscv32", purpose: "which runs both", debian: &["qemu-user"] },
    Tool { program: "curl", purpose: "which fetches the data of the examples", debian: &["curl"] },
];

/// Whether a command can be started and succeeds; its output is dropped.
fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn install(command: &mut Command, what: &str) -> Result<(), String> {
    eprintln!("running {command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what} could not be installed: {command:?} ended with {status}")),
        Err(error) => Err(format!("{what} could not be installed: {command:?}: {error}")),
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
