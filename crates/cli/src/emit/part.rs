//! Whether an emitted program fits a part: flash and memory as the compiler for it sees them.

use std::path::Path;

use clap::ValueEnum;
use tacit_train::{CodedError, error};

use crate::certify::{frames, printed, read, stack_bytes};

/// Processors with a part that stands for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// STM32G071RB: 128 KiB of flash, 36 KiB of memory.
    CortexM0plus,
    /// STM32F103RB: 128 KiB of flash, 20 KiB of memory.
    CortexM3,
    /// STM32F446RE, with an FPU: 512 KiB of flash, 128 KiB of memory.
    CortexM4,
    /// STM32F746ZG, with an FPU: 1 MiB of flash, 320 KiB of memory.
    CortexM7,
    /// GD32VF103CB: 128 KiB of flash, 32 KiB of memory.
    Rv32imac,
}

/// A part and how to compile for it.
pub struct Part {
    pub name: &'static str,
    pub flash_bytes: u64,
    pub memory_bytes: u64,
    compiler: &'static str,
    /// Brings the few functions that compilers call of their own accord.
    libraries: &'static [&'static str],
    flags: &'static [&'static str],
    /// The Debian packages with the compiler.
    packages: &'static str,
}

const ARM: &str = "arm-none-eabi-gcc";
const ARM_LIBRARIES: &[&str] = &["--specs=nano.specs", "-lc", "-lgcc"];
const ARM_PACKAGES: &str = "gcc-arm-none-eabi libnewlib-arm-none-eabi";

impl Target {
    pub fn part(self) -> Part {
        let arm = |name, flash_kib: u64, memory_kib: u64, flags| Part {
            name,
            flash_bytes: flash_kib << 10,
            memory_bytes: memory_kib << 10,
            compiler: ARM,
            libraries: ARM_LIBRARIES,
            flags,
            packages: ARM_PACKAGES,
        };
        match self {
            Target::CortexM0plus => arm("STM32G071RB", 128, 36, &["-mcpu=cortex-m0plus", "-mthumb"]),
            Target::CortexM3 => arm("STM32F103RB", 128, 20, &["-mcpu=cortex-m3", "-mthumb"]),
            Target::CortexM4 => {
                arm("STM32F446RE", 512, 128, &["-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"])
            }
            Target::CortexM7 => {
                arm("STM32F746ZG", 1024, 320, &["-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"])
            }
            Target::Rv32imac => Part {
                name: "GD32VF103CB",
                flash_bytes: 128 << 10,
                memory_bytes: 32 << 10,
                compiler: "riscv64-unknown-elf-gcc",
                // No C library comes with this compiler; the few functions of it that are called take some ten bytes each.
                libraries: &[
                    "-nostdlib",
                    "-Wl,--defsym=memset=0",
                    "-Wl,--defsym=memcpy=0",
                    "-Wl,--defsym=memmove=0",
                    "-lgcc",
                ],
                flags: &["-march=rv32imac", "-mabi=ilp32"],
                packages: "gcc-riscv64-unknown-elf",
            },
        }
    }
}

/// What a compiler makes of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// Code, with what it calls of the compiler's library.
    pub code_bytes: u64,
    /// Weights and other constants.
    pub constant_bytes: u64,
    /// A bound over all calls.
    pub stack_bytes: u64,
}

/// What a program takes of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    pub compiled: Compiled,
    pub arena_bytes: u64,
    /// Inputs and outputs.
    pub interface_bytes: u64,
}

impl Footprint {
    pub fn flash_bytes(&self) -> u64 {
        self.compiled.code_bytes + self.compiled.constant_bytes
    }

    pub fn memory_bytes(&self) -> u64 {
        self.arena_bytes + self.interface_bytes + self.compiled.stack_bytes
    }

    pub fn text(&self, part: &Part) -> String {
        format!(
            "{}: flash {} of {} bytes ({} of code, {} of constants), memory {} of {} bytes ({} of arena, {} of inputs and \
             outputs, {} of stack)",
            part.name,
            self.flash_bytes(),
            part.flash_bytes,
            self.compiled.code_bytes,
            self.compiled.constant_bytes,
            self.memory_bytes(),
            part.memory_bytes,
            self.arena_bytes,
            self.interface_bytes,
            self.compiled.stack_bytes
        )
    }

    /// `largest` names the largest constants, `peak` the layer at which the arena is full, where that is to be said.
    ///
    /// # Errors
    /// `E0804`, which says by how much the program is too large.
    pub fn check(
        &self,
        part: &Part,
        largest: impl Fn() -> String,
        peak: impl Fn() -> String,
    ) -> Result<(), CodedError> {
        let over = |needed: u64, given: u64| needed.checked_sub(given).filter(|over| *over > 0);
        let mut faults = vec![];
        if let Some(over) = over(self.flash_bytes(), part.flash_bytes) {
            faults.push(format!("{over} bytes of flash too many (the most are {})", largest()));
        }
        if let Some(over) = over(self.memory_bytes(), part.memory_bytes) {
            faults.push(format!("{over} bytes of memory too many (the arena is full at {})", peak()));
        }
        match faults.is_empty() {
            true => Ok(()),
            false => Err(CodedError::new(error::DOES_NOT_FIT, format!("{}: {}", self.text(part), faults.join(", ")))
                .help("fewer channels, a smaller input or another part; `tacit help E0804` says more")),
        }
    }
}

/// Compiles `NAME.c` in a folder for a part and measures it. The entries are the functions that a caller may call.
///
/// # Errors
/// `E0801` if the compiler is not there, `E0802` if it does not compile the source.
pub fn measure(folder: &Path, name: &str, entries: &[String], part: &Part) -> Result<Compiled, CodedError> {
    let mut arguments: Vec<String> = part.flags.iter().map(|flag| (*flag).to_owned()).collect();
    let fixed = [
        "-Os",
        "-std=c99",
        "-ffreestanding",
        "-ffp-contract=off",
        "-fstack-usage",
        "-ffunction-sections",
        "-nostartfiles",
    ];
    arguments.extend(fixed.map(str::to_owned));
    arguments.extend(["-Wl,--gc-sections", "-Wl,--no-warn-rwx-segments"].map(str::to_owned));
    arguments.push(format!("-Wl,--entry={}", entries[0]));
    arguments.extend(entries.iter().map(|entry| format!("-Wl,--undefined={entry}")));
    arguments.extend(["-o".to_owned(), "part.elf".to_owned(), format!("{name}.c")]);
    arguments.extend(part.libraries.iter().map(|library| (*library).to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    printed(folder, part.compiler, &arguments, part.packages)?;
    let sizes = printed(folder, &part.compiler.replace("gcc", "size"), &["-A", "part.elf"], part.packages)?;
    let section = |prefix: &str| -> u64 {
        let lines = sizes.lines().filter(|line| line.starts_with(prefix));
        lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
    };
    let constants = section(".rodata") + section(".data") + section(".sdata") + section(".srodata");
    let code = section(".text") + section(".ARM.exidx") + section(".eh_frame");
    // Compiled and linked at once, the table is named after both files.
    let frames = frames(&read(&folder.join(format!("part.elf-{name}.su")))?)?;
    let prefixes: Vec<&str> = entries.iter().filter_map(|entry| entry.strip_suffix("_run")).collect();
    let stack = prefixes.iter().map(|prefix| stack_bytes(&frames, prefix)).max().unwrap_or(0);
    Ok(Compiled { code_bytes: code, constant_bytes: constants, stack_bytes: stack })
}
