//! The machine that everything was measured on, and what it reaches at most.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tacit_exec::{ceiling, widest_vectors};

/// A machine as far as it decides how fast a program is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Machine {
    pub processor: String,
    /// How many threads run at the same time.
    pub cores: usize,
    /// The widest vectors that there are.
    pub instructions: String,
    /// What so many threads reach.
    pub peaks: BTreeMap<usize, Peak>,
}

/// What threads reach with nothing else to do.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Peak {
    /// Fused multiply-adds of float32 in registers, in 10⁹ operations a second, two for each.
    pub gflops: f64,
    /// Bytes read and written by a copy, in 10⁹ a second.
    pub copied_gb: f64,
}

impl Machine {
    /// Whether two descriptions are of the same kind of machine; peaks vary from run to run.
    pub fn is_like(&self, other: &Machine) -> bool {
        (&self.processor, self.cores, &self.instructions) == (&other.processor, other.cores, &other.instructions)
    }
}

/// Measures the machine with each number of threads.
pub fn measure(threads: &[usize]) -> Machine {
    let peaks = threads.iter().map(|threads| {
        let top = ceiling(*threads, COPIED_BYTES);
        let peak = Peak { gflops: rounded(top.gflops), copied_gb: rounded(top.copied_gb) };
        (*threads, peak)
    });
    Machine {
        processor: processor(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        instructions: widest_vectors().to_owned(),
        peaks: peaks.collect(),
    }
}

/// More than any cache holds.
const COPIED_BYTES: usize = 256 << 20;

/// More digits would say more than was measured.
fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// What the system calls the processor.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    match named {
        Some((_, name)) => name.split_whitespace().collect::<Vec<_>>().join(" "),
        None => std::env::consts::ARCH.to_owned(),
    }
}

/// Processor time so far, in ticks of the system's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ticks {
    /// What all processors had to give.
    pub total: u64,
    /// What was taken by processes other than one.
    pub elsewhere: u64,
}

impl Ticks {
    /// Reads the time of all processors, and of one process; nothing where the system does not tell.
    pub fn beside(process: u32) -> Option<Ticks> {
        let all = std::fs::read_to_string("/proc/stat").ok()?;
        let own = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        Ticks::read(&all, &own)
    }

    fn read(all: &str, own: &str) -> Option<Ticks> {
        let numbers = |words: &str| words.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>().ok();
        // user, nice, system, idle, iowait, irq, softirq, steal; what guests took is among them.
        let all = numbers(all.lines().next()?.strip_prefix("cpu ")?)?;
        let (all, idle) = (all.get(..8)?, all.get(3..5)?);
        let total = all.iter().sum::<u64>();
        // A process is named in parentheses and may have some in its name; user and system time are fields 14 and 15.
        let fields: Vec<&str> = own.rsplit_once(')')?.1.split_whitespace().collect();
        let own = numbers(&fields.get(11..13)?.join(" "))?.iter().sum::<u64>();
        Some(Ticks { total, elsewhere: (total - idle.iter().sum::<u64>()).saturating_sub(own) })
    }

    pub fn since(self, before: Ticks) -> Ticks {
        let total = self.total.saturating_sub(before.total);
        Ticks { total, elsewhere: self.elsewhere.saturating_sub(before.elsewhere) }
    }
}

/// The processors that a worker of so many threads runs on, as `taskset` names them: each on a core of its own as long as
/// there are enough. Nothing where the system does not tell, or has no `taskset`.
pub fn processors(threads: usize) -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let allowed = listed(status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.trim())?;
    let siblings = |processor: usize| {
        let path = format!("/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list");
        let text = std::fs::read_to_string(path).unwrap_or_default();
        listed(text.trim()).unwrap_or_else(|| vec![processor])
    };
    let is_first = |processor: &usize| siblings(*processor).iter().all(|sibling| processor <= sibling);
    let (first, second): (Vec<usize>, Vec<usize>) = allowed.iter().partition(|processor| is_first(processor));
    let chosen: Vec<String> = first.iter().chain(&second).take(threads).map(usize::to_string).collect();
    (chosen.len() == threads && has_taskset()).then(|| chosen.join(","))
}

fn has_taskset() -> bool {
    let mut command = std::process::Command::new("taskset");
    let outcome = command.arg("--version").stdout(std::process::Stdio::null()).status();
    outcome.is_ok_and(|status| status.success())
}

/// The numbers of a list such as `0-2,5`.
fn listed(list: &str) -> Option<Vec<usize>> {
    let mut numbers = vec![];
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        numbers.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_read() {
        assert_eq!(listed("0"), Some(vec![0]));
        assert_eq!(listed("0-2,5"), Some(vec![0, 1, 2, 5]));
        assert_eq!(listed(""), None);
    }

    #[test]
    fn time_elsewhere_is_that_of_all_without_one_process() {
        let all = "cpu  10 20 30 400 50 6 7 8 9 10\ncpu0 1 2 3\n";
        let own = "5 (a (b) c) S 1 5 5 0 -1 4194304 1 0 0 0 30 11 0 0 20 0 1 0 9";
        let ticks = Ticks::read(all, own).expect("both are as Linux writes them");
        assert_eq!(ticks, Ticks { total: 531, elsewhere: 81 - 41 });
        assert_eq!(ticks.since(Ticks { total: 31, elsewhere: 10 }), Ticks { total: 500, elsewhere: 30 });
        assert_eq!(Ticks::read("cpu 1 2", own), None);
    }
}
