//! Measures Tacit and its peers in turns, and writes what came out.
//!
//! All workers of a case are started and made ready one after another and then wait; only the one that is told to runs.
//! Who computes something else than the reference is not timed.

mod agree;
mod case;
mod machine;
mod options;
mod peers;
mod plot;
mod protocol;
mod record;
mod start;
mod statistics;
mod tables;
mod worker;

pub use machine::Machine;

use case::Case;
use machine::Ticks;
use options::Options;
use peers::{PEERS, REFERENCE, TACIT, worker_arguments};
use protocol::Ready;
use record::{Entry, Measured, Outcome, Record, Run, Timing, now};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use worker::{Worker, told};

/// How long the machine is left alone before a worker is timed: threads of the worker before wait in a loop for a while.
const PAUSE: Duration = Duration::from_millis(200);

/// What `--only` calls the size and the start of the program `tacit`.
const START: &str = "start";

/// Measures the machine with one and with two threads.
pub fn machine() -> Machine {
    machine::measure(&[1, 2])
}

/// Measures every case that the arguments name, and writes the record, the tables and the plot.
///
/// # Errors
/// If an argument is wrong, a file cannot be written, or Tacit failed in a case; the other cases are measured even so.
pub fn compare(arguments: &[String]) -> Result<(), String> {
    let Some(options) = Options::read(arguments)? else {
        print!("{}", options::HELP);
        return Ok(());
    };
    let mut record = Record::load(&options.record)?;
    let failures = match &options.programs {
        Some(programs) => measure(&options, programs, &mut record)?,
        None => vec![],
    };
    tables::write(&options.results, &record)?;
    let plot = options.results.with_file_name(tables::PLOT);
    std::fs::write(&plot, plot::plot(&record)).map_err(|error| format!("{}: {error}", plot.display()))?;
    eprintln!("written: {}, {}", options.results.display(), plot.display());
    match failures.is_empty() {
        true => Ok(()),
        false => Err(format!("Tacit failed in {} cases:\n  {}", failures.len(), failures.join("\n  "))),
    }
}

/// Measures the cases that are asked for: those in which Tacit failed, and why.
fn measure(options: &Options, programs: &peers::Programs, record: &mut Record) -> Result<Vec<String>, String> {
    let mut cases = case::cases(&options.threads);
    cases.retain(|case| options.wants(&case.key()));
    if cases.is_empty() && !options.wants(START) {
        return Err(
            "`--only` names no case; a part is such as `w2`, `train`, `infer/32`, `w2/infer/32/1` or `start`".into()
        );
    }
    let folder = Folder::make()?;
    let mut peaks_of = options.threads.clone();
    peaks_of.extend([1, 2]);
    peaks_of.sort_unstable();
    peaks_of.dedup();
    let machine = machine::measure(&peaks_of);
    eprintln!("{}, {} cores, {}", machine.processor, machine.cores, machine.instructions);
    for (threads, peak) in &machine.peaks {
        eprintln!("  with {threads}: {} GFLOP/s in registers, {} GB/s copied", peak.gflops, peak.copied_gb);
    }
    let mut run = Run { machine, is_pinned: true, rounds: options.rounds, seconds: options.seconds };
    run.is_pinned = options.threads.iter().all(|threads| machine::processors(*threads).is_some());
    let moment = now();
    let mut failures = vec![];
    for (k, case) in cases.iter().enumerate() {
        eprintln!("{} ({} of {})", case.key(), k + 1, cases.len());
        let mut bench = Bench { options, programs, folder: &folder.0, case, ticks: Ticks::default() };
        let workers = bench.measure();
        let elsewhere = bench.elsewhere();
        if let Some(share) = elsewhere {
            eprintln!("  other programs took {:.0} % of the processors' time", 100.0 * share);
        }
        match workers.get(TACIT).map(|entry| &entry.outcome) {
            Some(Outcome::Timed(_)) => {}
            Some(Outcome::Absent(reason) | Outcome::Disagrees(reason)) => {
                failures.push(format!("{}: {reason}", case.key()));
            }
            None => failures.push(format!("{}: Tacit was not measured", case.key())),
        }
        let measured = Measured { run: moment.clone(), flops: flops(case), elsewhere, workers };
        record.insert(case.key(), &run, measured);
        record.save(&options.record)?;
    }
    if options.wants(START) {
        eprintln!("{START}");
        match start::measure(&moment) {
            Ok(start) => {
                record.runs.insert(moment, run);
                record.start = Some(start);
                record.save(&options.record)?;
            }
            Err(reason) => eprintln!("  not measured: {reason}"),
        }
    }
    Ok(failures)
}

/// A folder for the files of one run, gone with the run.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Folder, String> {
        let path = std::env::temp_dir().join(format!("tacit-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system, which clears this place.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The measurement of one case.
struct Bench<'a> {
    options: &'a Options,
    programs: &'a peers::Programs,
    folder: &'a Path,
    case: &'a Case,
    /// The time of all processors while workers were timed.
    ticks: Ticks,
}

/// A worker that waits to be timed.
struct Waiting {
    name: &'static str,
    worker: Worker,
    ready: Ready,
    deviation: f64,
    times: Vec<u64>,
}

impl Bench<'_> {
    fn measure(&mut self) -> BTreeMap<String, Entry> {
        let mut entries = BTreeMap::new();
        let mut absent = |name: &str, reason: &str| {
            let reason = told(reason);
            eprintln!("  {name} is absent: {reason}");
            entries.insert(name.to_owned(), Entry { version: None, variant: None, outcome: Outcome::Absent(reason) });
        };
        let file = self.folder.join("start.safetensors");
        // The file that some peers leave beside it belongs to the case before.
        let _ = std::fs::remove_file(file.with_extension("onnx"));
        if let Err(reason) = self.export(&file) {
            absent(TACIT, &reason);
            return entries;
        }
        let mut waiting = vec![];
        let tacit = || {
            let mut words = vec![this_program()?, "serve".into()];
            words.extend(worker_arguments(self.case, &file));
            Ok(words)
        };
        match self.start(TACIT, tacit()) {
            Ok(worker) => waiting.push(worker),
            Err(reason) => absent(TACIT, &reason),
        }
        for peer in PEERS.iter().filter(|peer| peer.takes_part(self.case.mode)) {
            match self.start(peer.name, peer.command(self.programs, self.case, &file)) {
                Ok(worker) => waiting.push(worker),
                Err(reason) => absent(peer.name, &reason),
            }
        }
        let (agreeing, disagreeing) = compared(waiting, agree::tolerance(self.case.mode));
        for (name, ready, reason) in disagreeing {
            let reason = told(&reason);
            eprintln!("  {name} disagrees: {reason}");
            let outcome = Outcome::Disagrees(reason);
            entries.insert(name.to_owned(), Entry { version: ready.version, variant: ready.variant, outcome });
        }
        // Without Tacit there is nothing to compare with.
        if agreeing.iter().any(|worker| worker.name == TACIT) {
            entries.extend(self.time(agreeing));
        }
        entries
    }

    /// The share of the processors' time that others took while workers were timed.
    fn elsewhere(&self) -> Option<f64> {
        (self.ticks.total > 0).then(|| self.ticks.elsewhere as f64 / self.ticks.total as f64)
    }

    /// Has this program write what all sides start from.
    fn export(&self, file: &Path) -> Result<(), String> {
        let mut words = vec![OsString::from("export")];
        words.extend(self.case.words().map(OsString::from));
        words.push(file.into());
        output_of_this_program(&words).map(|_| ())
    }

    /// Starts a worker and waits until it is ready.
    fn start(&self, name: &'static str, words: Result<Vec<OsString>, String>) -> Result<Waiting, String> {
        let processors = machine::processors(self.case.threads);
        let mut worker = Worker::start(&words?, processors.as_deref(), &self.folder.join(format!("{name}.log")))?;
        let ready = worker.ready()?;
        Ok(Waiting { name, worker, ready, deviation: 0.0, times: vec![] })
    }

    /// Times workers in turns; each round begins with another one.
    fn time(&mut self, mut workers: Vec<Waiting>) -> BTreeMap<String, Entry> {
        let mut entries = BTreeMap::new();
        for round in 0..self.options.rounds {
            let count = workers.len();
            let mut gone = vec![];
            for turn in 0..count {
                let at = (round + turn) % count;
                std::thread::sleep(PAUSE);
                let process = workers[at].worker.process();
                let before = Ticks::beside(process);
                match workers[at].worker.time(self.options.seconds) {
                    Ok(times) => {
                        workers[at].times.extend(times);
                        if let Some((after, before)) = Ticks::beside(process).zip(before) {
                            let taken = after.since(before);
                            self.ticks.total += taken.total;
                            self.ticks.elsewhere += taken.elsewhere;
                        }
                    }
                    Err(reason) => gone.push((at, reason)),
                }
            }
            gone.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
            for (at, reason) in gone {
                let worker = workers.remove(at);
                eprintln!("  {} is lost: {}", worker.name, told(&reason));
                entries.insert(worker.name.to_owned(), worker.entry(Outcome::Absent(told(&reason))));
            }
        }
        for mut worker in workers {
            let times = std::mem::take(&mut worker.times);
            let (name, deviation) = (worker.name, worker.deviation);
            let (Some(min_ns), Some(median_ns)) = (statistics::least(&times), statistics::median(&times)) else {
                continue;
            };
            eprintln!(
                "  {name:14} {:9.3} ms at the least, {:9.3} in the middle, deviation {deviation:.0e}",
                min_ns as f64 / 1e6,
                median_ns as f64 / 1e6,
            );
            let Waiting { worker: process, ready, .. } = worker;
            let peak_rss_kib = process.quit().ok();
            let timing = Timing { min_ns, median_ns, samples: times.len(), peak_rss_kib, deviation };
            let Ready { version, variant, .. } = ready;
            entries.insert(name.to_owned(), Entry { version, variant, outcome: Outcome::Timed(timing) });
        }
        entries
    }
}

impl Waiting {
    fn entry(self, outcome: Outcome) -> Entry {
        Entry { version: self.ready.version, variant: self.ready.variant, outcome }
    }
}

/// A worker that disagrees, and where.
type Disagreeing = (&'static str, Ready, String);

/// Divides workers into those that agree with the reference and those that do not.
///
/// In the reference's absence it is the first peer that is there; without any peer, nothing shows that Tacit is right.
fn compared(waiting: Vec<Waiting>, tolerance: f64) -> (Vec<Waiting>, Vec<Disagreeing>) {
    let reference = waiting.iter().find(|worker| worker.name == REFERENCE);
    let reference = reference.or_else(|| waiting.iter().find(|worker| worker.name != TACIT));
    let reference = reference.map(|worker| worker.ready.answer.clone());
    let (mut agreeing, mut disagreeing) = (vec![], vec![]);
    for worker in waiting {
        let outcome = match &reference {
            Some(reference) => agree::deviation(&worker.ready.answer, reference, tolerance),
            None => Err("no peer is there to agree with".into()),
        };
        match outcome {
            Ok(deviation) => agreeing.push(Waiting { deviation, ..worker }),
            Err(reason) => disagreeing.push((worker.name, worker.ready, reason)),
        }
    }
    (agreeing, disagreeing)
}

/// Floating-point operations of a case, if this program tells.
fn flops(case: &Case) -> Option<u64> {
    let mut words = vec![OsString::from("flops")];
    words.extend(case.words().map(OsString::from));
    output_of_this_program(&words).ok()?.trim().parse().ok()
}

/// This program, as it was when it was started: a build that replaces it meanwhile must not end up in the same table.
fn this_program() -> Result<OsString, String> {
    let started = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    let path = if started.exists() { Ok(started) } else { std::env::current_exe() };
    path.map(PathBuf::into_os_string).map_err(|error| format!("this program: {error}"))
}

/// What a task of this program prints.
fn output_of_this_program(words: &[OsString]) -> Result<String, String> {
    let output = Command::new(this_program()?).args(words).output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::{Mode, WORKLOADS};

    /// A worker that writes so many losses, and takes so many nanoseconds a step.
    fn scripted(folder: &Path, name: &'static str, losses: &str, times: &str) -> Waiting {
        let script = format!(
            "echo '{{\"ready\": {{\"losses\": [{losses}]}}}}'\nwhile read command rest; do\n\
             case $command in time) {times} ;; quit) echo '{{\"peak_rss_kib\": 9}}'; exit ;; esac\ndone\n"
        );
        let mut worker = worker::scripted(&folder.join(name.replace(' ', "-")), &script);
        let ready = worker.ready().expect("the script says so");
        Waiting { name, worker, ready, deviation: 0.0, times: vec![] }
    }

    #[test]
    fn only_workers_that_agree_are_timed_and_one_that_dies_is_absent() {
        let folder = Folder(std::env::temp_dir().join(format!("tacit-bench-compare-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).expect("a folder for the test");
        let slow = "echo '{\"times_ns\": [200, 400]}'";
        let waiting = vec![
            scripted(&folder.0, TACIT, "2.0, 1.0", "echo '{\"times_ns\": [100]}'"),
            scripted(&folder.0, REFERENCE, "2.0001, 1.0", slow),
            scripted(&folder.0, "JAX", "2.0, 1.1", slow),
            scripted(&folder.0, "torch.compile", "2.0, 1.0", "echo 'out of memory' >&2; exit 1"),
        ];
        let (agreeing, disagreeing) = compared(waiting, agree::tolerance(Mode::Infer));
        assert_eq!(disagreeing.iter().map(|(name, _, _)| *name).collect::<Vec<_>>(), ["JAX"]);
        let words = ["--render", "--rounds", "2", "--seconds", "0.01"].map(String::from);
        let options = Options::read(&words).expect("good options").expect("no help");
        let case = Case { workload: &WORKLOADS[0], mode: Mode::Train, batch: 1, threads: 1 };
        let programs = peers::Programs { python: "python3".into(), native: None, scripts: folder.0.clone() };
        let ticks = Ticks::default();
        let mut bench = Bench { options: &options, programs: &programs, folder: &folder.0, case: &case, ticks };
        let entries = bench.time(agreeing);
        let Outcome::Timed(timing) = &entries[REFERENCE].outcome else { panic!("it was there: {entries:?}") };
        assert_eq!((timing.min_ns, timing.median_ns, timing.samples), (200, 300, 4));
        assert_eq!(timing.peak_rss_kib, Some(9));
        assert!(
            matches!(&entries["torch.compile"].outcome, Outcome::Absent(reason) if reason.contains("out of memory"))
        );
        assert!(matches!(&entries[TACIT].outcome, Outcome::Timed(timing) if timing.min_ns == 100));
    }

    #[test]
    fn without_a_peer_nobody_agrees() {
        let folder = Folder(std::env::temp_dir().join(format!("tacit-bench-alone-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).expect("a folder for the test");
        let (agreeing, disagreeing) =
            compared(vec![scripted(&folder.0, TACIT, "1", "exit")], agree::tolerance(Mode::Infer));
        assert!(agreeing.is_empty());
        assert_eq!(disagreeing.len(), 1);
    }
}
