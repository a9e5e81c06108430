//! The section of `bench/RESULTS.md` that is written from the record.

use super::case::{Case, KINDS, Kind};
use super::peers::{PEERS, REFERENCE, TACIT};
use super::record::{Measured, Outcome, Record, Run, Timing};
use super::statistics::{geometric_mean, ratio};
use crate::workloads::Mode;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

/// The plot's file, which lies beside the document.
pub const PLOT: &str = "speed.svg";

const BEGIN: &str = "<!-- speed: written by `cargo xtask bench`, like all up to its end -->";
const END: &str = "<!-- speed: end -->";

/// What stands where nothing was measured.
const NOTHING: &str = "–";

/// Writes the section into the document and leaves the rest of it as it is.
///
/// # Errors
/// If the document cannot be read or written, or one of its two marks is missing.
pub fn write(document: &Path, record: &Record) -> Result<(), String> {
    let text = match std::fs::read_to_string(document) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("{}: {error}", document.display())),
    };
    let placed = placed(&text, &section(record)).map_err(|error| format!("{}: {error}", document.display()))?;
    std::fs::write(document, placed).map_err(|error| format!("{}: {error}", document.display()))
}

/// The document with the section between its marks; without marks, before everything else.
fn placed(document: &str, section: &str) -> Result<String, String> {
    let marked = format!("{BEGIN}\n\n{section}\n{END}\n");
    match (document.find(BEGIN), document.find(END)) {
        (None, None) if document.is_empty() => Ok(marked),
        (None, None) => Ok(format!("{marked}\n{document}")),
        (Some(begin), Some(end)) if begin < end => {
            let rest = document[end + END.len()..].strip_prefix('\n').unwrap_or_default();
            Ok(format!("{}{marked}{rest}", &document[..begin]))
        }
        (Some(_) | None, Some(_) | None) => Err(format!("`{BEGIN}` and `{END}` do not stand there in this order")),
    }
}

/// A case of a table as it was measured.
pub struct Row<'a> {
    pub case: Case,
    pub measured: &'a Measured,
}

/// The numbers of threads that anything of a kind was measured with.
pub fn threads(record: &Record, kind: Kind) -> Vec<usize> {
    let all: BTreeSet<usize> = record.cases.keys().filter_map(|key| key.rsplit('/').next()?.parse().ok()).collect();
    all.into_iter().filter(|threads| !rows(record, kind, *threads).is_empty()).collect()
}

/// The cases of a table that were measured.
pub fn rows(record: &Record, kind: Kind, threads: usize) -> Vec<Row<'_>> {
    let row = |case: Case| record.cases.get(&case.key()).map(|measured| Row { case, measured });
    kind.cases(threads).into_iter().filter_map(row).collect()
}

impl Row<'_> {
    fn tacit(&self) -> Option<&Timing> {
        self.measured.timing(TACIT)
    }

    /// How many times as long as Tacit a peer takes, if both were timed.
    pub fn ratio(&self, peer: &str) -> Option<f64> {
        Some(ratio(self.measured.timing(peer)?.min_ns, self.tacit()?.min_ns))
    }

    /// The fastest peer, and its ratio.
    fn best(&self) -> Option<(&'static str, f64)> {
        let there = PEERS.iter().filter_map(|peer| Some((peer.name, self.ratio(peer.name)?)));
        there.min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// All of the section between the marks.
fn section(record: &Record) -> String {
    let mut text = String::from("# Speed beside other engines\n\n");
    introduce(&mut text, record);
    let kinds_and_threads: Vec<(Kind, usize)> =
        KINDS.iter().flat_map(|kind| threads(record, *kind).into_iter().map(|threads| (*kind, threads))).collect();
    summarise(&mut text, record);
    if !kinds_and_threads.is_empty() {
        let _ = writeln!(text, "\n![The time of each engine divided by Tacit's, for each network]({PLOT})");
    }
    for (kind, threads) in kinds_and_threads {
        tabulate(&mut text, record, kind, threads);
    }
    memory(&mut text, record);
    start(&mut text, record);
    versions(&mut text, record);
    gaps(&mut text, record);
    text.push_str(
        "\n## To reproduce\n\n    cargo xtask bench\n\nWith `--only w2,start` or another part, only that is measured \
         again.\n",
    );
    wrapped(&text)
}

/// A text whose paragraphs and items have lines of the usual length; tables, headings and code stay as they are.
fn wrapped(text: &str) -> String {
    const WIDTH: usize = 120;
    let mut lines = String::new();
    for line in text.lines() {
        if line.starts_with(['|', '#', '!', ' ']) {
            lines.push_str(line);
            lines.push('\n');
            continue;
        }
        let indent = if line.starts_with("- ") { "  " } else { "" };
        let mut width = 0;
        for (k, word) in line.split(' ').enumerate() {
            let added = word.chars().count();
            if k > 0 && width + 1 + added > WIDTH {
                lines.push('\n');
                lines.push_str(indent);
                width = indent.len();
            } else if k > 0 {
                lines.push(' ');
                width += 1;
            }
            lines.push_str(word);
            width += added;
        }
        lines.push('\n');
    }
    lines
}

fn introduce(text: &mut String, record: &Record) {
    let _ = writeln!(
        text,
        "The same networks in float32 from the same weights and data: a step of training (forward, backward, AdamW), and \
         answers to a batch. Every engine is a process of its own; they are timed in turns, {}. \
         Times are in milliseconds, each engine's least; Tacit's median stands beside it. The ratio is the fastest peer's \
         time divided by Tacit's: above 1, Tacit is faster. An engine is timed only if its first five losses, or its \
         outputs, agree with those of {REFERENCE} to 1e-3 (in 8-bit integers, with those of ONNX Runtime to 0.05).{} Tacit's answers come from programs with \
         `convolutions = \"winograd\"`, whose large 3×3 convolutions take fewer multiplications; its training has no such \
         choice.\n",
        rounds(record),
        greatest_deviation(record)
    );
    // Runs of one day on machines of one kind are told together.
    let mut groups: Vec<(&str, &Run, Vec<&str>)> = vec![];
    for (moment, run) in &record.runs {
        let is_same = |(other, of, _): &&mut (&str, &Run, Vec<&str>)| {
            *other == day(moment) && of.machine.is_like(&run.machine) && of.is_pinned == run.is_pinned
        };
        match groups.iter_mut().find(is_same) {
            Some((_, _, moments)) => moments.push(moment),
            None => groups.push((day(moment), run, vec![moment])),
        }
    }
    match &groups[..] {
        [] => text.push_str("Nothing was measured.\n"),
        [(day, run, _)] => {
            let _ = writeln!(text, "Measured on {day} on {}.", machine(run));
        }
        _ => {
            text.push_str("**Not all cases are from the same day and machine:**\n\n");
            for (day, run, moments) in groups {
                let rows = all_rows(record);
                let of_group = rows.iter().filter(|row| moments.contains(&row.measured.run.as_str()));
                let mut names = listed(record, &of_group.map(|row| row.case).collect::<Vec<_>>());
                if record.start.as_ref().is_some_and(|start| moments.contains(&start.run.as_str())) {
                    names.push_str(if names.is_empty() { "size and start" } else { ", size and start" });
                }
                let _ = writeln!(text, "- {day}, {}: {names}", machine(run));
            }
            text.push('\n');
        }
    }
    disturbance(text, record);
}

/// How much other programs took while engines were timed.
fn disturbance(text: &mut String, record: &Record) {
    /// Above this, times are rough.
    const QUIET: f64 = 0.05;
    let all: Vec<(Case, f64)> =
        all_rows(record).iter().filter_map(|row| Some((row.case, row.measured.elsewhere?))).collect();
    let Some(most) = all.iter().map(|(_, share)| *share).reduce(f64::max) else { return };
    let busy: Vec<Case> = all.iter().filter(|(_, share)| *share > QUIET).map(|(case, _)| *case).collect();
    let percent = 100.0 * most;
    let _ = match busy[..] {
        [] => writeln!(text, "Other programs took at most {percent:.0} % of the processors' time meanwhile."),
        _ => writeln!(
            text,
            "The machine was not quiet: other programs **took up to {percent:.0} % of the processors' time in {}**, whose \
             times are rough.",
            listed(record, &busy)
        ),
    };
}

/// How often and how long each engine was timed.
fn rounds(record: &Record) -> String {
    let ways: BTreeSet<String> =
        record.runs.values().map(|run| format!("{} times for {} s", run.rounds, run.seconds)).collect();
    match ways.len() {
        0 => "one after the other".into(),
        _ => ways.into_iter().collect::<Vec<_>>().join(" or "),
    }
}

fn greatest_deviation(record: &Record) -> String {
    let rows = all_rows(record);
    let floats = rows.iter().filter(|row| row.case.mode != Mode::Int8);
    let deviations = floats.filter_map(|row| Some(row.measured.timing(TACIT)?.deviation));
    match deviations.reduce(f64::max) {
        Some(greatest) if greatest > 0.0 => format!(" Tacit's greatest deviation in float32 is {greatest:.1e}."),
        Some(_) | None => String::new(),
    }
}

fn machine(run: &Run) -> String {
    let machine = &run.machine;
    let peaks: Vec<String> = machine
        .peaks
        .iter()
        .map(|(threads, peak)| {
            let (gflops, copied, named) = (peak.gflops, peak.copied_gb, counted(*threads, "thread"));
            format!("{gflops:.0} GFLOP/s and {copied:.0} GB/s copied with {named}")
        })
        .collect();
    let pinned = if run.is_pinned { ", every engine kept on as many cores as it has threads" } else { "" };
    format!(
        "{}, {}, {}{pinned}; measured peaks: {}",
        machine.processor,
        counted(machine.cores, "core"),
        machine.instructions,
        peaks.join(", ")
    )
}

fn day(moment: &str) -> &str {
    moment.split('T').next().unwrap_or(moment)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The geometric means of all tables beside each other.
fn summarise(text: &mut String, record: &Record) {
    let mut lines = String::new();
    for kind in KINDS {
        for threads in threads(record, kind) {
            let ratios: Vec<f64> = rows(record, kind, threads).iter().filter_map(|row| Some(row.best()?.1)).collect();
            let Some(mean) = geometric_mean(&ratios) else { continue };
            let faster = ratios.iter().filter(|ratio| **ratio > 1.0).count();
            let title = kind.title();
            let _ = writeln!(lines, "| {title} | {threads} | {} | {faster} of {} |", times(mean), ratios.len());
        }
    }
    if !lines.is_empty() {
        text.push_str(
            "\n| | threads | fastest peer / Tacit, geometric mean | Tacit is the fastest |\n|---|--:|--:|--:|\n",
        );
        text.push_str(&lines);
    }
}

fn tabulate(text: &mut String, record: &Record, kind: Kind, threads: usize) {
    let rows = rows(record, kind, threads);
    let is_timed = |name: &str| rows.iter().any(|row| row.measured.timing(name).is_some());
    let peers: Vec<&str> = PEERS.iter().map(|peer| peer.name).filter(|name| is_timed(name)).collect();
    let _ = writeln!(text, "\n## {}, {}\n", kind.title(), counted(threads, "thread"));
    let mut heads = vec!["network".to_owned(), TACIT.into(), "median".into()];
    heads.extend(peers.iter().map(|name| (*name).to_owned()));
    heads.extend(["best peer", "ratio", "GFLOP/s", "of peak"].map(String::from));
    if threads > 1 {
        heads.push(format!("scaling 1→{threads}"));
    }
    line(text, &heads);
    let _ = writeln!(text, "|---|{}", "--:|".repeat(heads.len() - 1));
    for row in &rows {
        line(text, &cells(record, row, &peers));
    }
    let mut means = vec!["geometric mean of the ratios".to_owned(), String::new(), String::new()];
    for peer in &peers {
        means.push(mean(rows.iter().filter_map(|row| row.ratio(peer))));
    }
    means.push(String::new());
    means.push(mean(rows.iter().filter_map(|row| Some(row.best()?.1))));
    means.resize(heads.len(), String::new());
    line(text, &means);
}

fn line(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn mean(ratios: impl Iterator<Item = f64>) -> String {
    let ratios: Vec<f64> = ratios.collect();
    geometric_mean(&ratios).map_or_else(|| NOTHING.into(), |mean| format!("×{}", times(mean)))
}

/// The cells of one line of a table; the fastest engine's time is bold.
fn cells(record: &Record, row: &Row, peers: &[&str]) -> Vec<String> {
    let (case, best) = (&row.case, row.best());
    let tacit_is_best = best.is_some_and(|(_, ratio)| ratio > 1.0);
    let mut cells = vec![network(case)];
    match row.tacit() {
        Some(timing) => {
            cells.push(bold(milliseconds(timing.min_ns), tacit_is_best));
            cells.push(milliseconds(timing.median_ns));
        }
        None => cells.extend(["**error**".to_owned(), NOTHING.into()]),
    }
    for peer in peers {
        let is_best = !tacit_is_best && best.is_some_and(|(name, _)| name == *peer);
        cells.push(match row.measured.workers.get(*peer).map(|entry| &entry.outcome) {
            Some(Outcome::Timed(timing)) => bold(milliseconds(timing.min_ns), is_best),
            Some(Outcome::Disagrees(_)) => "disagrees".into(),
            Some(Outcome::Absent(_)) | None => NOTHING.into(),
        });
    }
    match best {
        Some((name, ratio)) => cells.extend([name.to_owned(), bold(times(ratio), ratio > 1.0)]),
        None => cells.extend([NOTHING; 2].map(String::from)),
    }
    let gflops = row.measured.flops.zip(row.tacit()).map(|(flops, timing)| flops as f64 / timing.min_ns.max(1) as f64);
    let run = record.runs.get(&row.measured.run);
    let peak = run.and_then(|run| run.machine.peaks.get(&case.threads)).map(|peak| peak.gflops);
    cells.push(gflops.map_or_else(|| NOTHING.into(), |gflops| format!("{gflops:.1}")));
    let share = gflops.zip(peak).map(|(gflops, peak)| format!("{:.0} %", 100.0 * gflops / peak));
    cells.push(share.unwrap_or_else(|| NOTHING.into()));
    if case.threads > 1 {
        let alone = record.cases.get(&Case { threads: 1, ..*case }.key()).and_then(|measured| measured.timing(TACIT));
        let scaling = alone.zip(row.tacit()).map(|(one, all)| times(ratio(one.min_ns, all.min_ns)));
        cells.push(scaling.unwrap_or_else(|| NOTHING.into()));
    }
    cells
}

/// What a table calls a network.
pub fn network(case: &Case) -> String {
    let (name, what) = (case.workload.name, case.workload.what);
    let named = match what.strip_prefix(name) {
        Some(rest) => format!("`{name}`{rest}"),
        None => format!("`{name}` {what}"),
    };
    match case.mode {
        Mode::Train => format!("{named}, batch {}", case.batch),
        Mode::Infer | Mode::Int8 => named,
    }
}

fn bold(text: String, is_bold: bool) -> String {
    if is_bold { format!("**{text}**") } else { text }
}

/// Three digits that count, or all before the point.
fn digits(number: f64) -> String {
    let decimals = match number {
        large if large >= 99.95 => 0,
        middle if middle >= 9.995 => 1,
        small if small >= 0.9995 => 2,
        tenths if tenths >= 0.09995 => 3,
        _ => 4,
    };
    let text = format!("{number:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (k, digit) in whole.chars().enumerate() {
        if k > 0 && (whole.len() - k) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

fn milliseconds(ns: u64) -> String {
    digits(ns as f64 / 1e6)
}

/// A ratio, with no more digits than it deserves.
fn times(ratio: f64) -> String {
    if ratio < 9.995 { format!("{ratio:.2}") } else { digits(ratio) }
}

/// The greatest resident memory of every worker with two threads.
fn memory(text: &mut String, record: &Record) {
    const THREADS: usize = 2;
    let rows: Vec<Row> = KINDS.iter().flat_map(|kind| rows(record, *kind, THREADS)).collect();
    let used = |row: &Row, name: &str| row.measured.timing(name)?.peak_rss_kib;
    let names = std::iter::once(TACIT).chain(PEERS.iter().map(|peer| peer.name));
    let names: Vec<&str> = names.filter(|name| rows.iter().any(|row| used(row, name).is_some())).collect();
    if names.is_empty() {
        return;
    }
    let _ =
        writeln!(text, "\n## Memory\n\nThe greatest resident memory of the process with {THREADS} threads, in MB.\n");
    let heads: Vec<String> = std::iter::once("").chain(names.iter().copied()).map(String::from).collect();
    line(text, &heads);
    let _ = writeln!(text, "|---|{}", "--:|".repeat(names.len()));
    for row in &rows {
        let [name, mode, batch] = row.case.words();
        let mut cells = vec![format!("`{name}` {mode}, batch {batch}")];
        let megabytes = |kib: u64| format!("{:.0}", kib as f64 * 1024.0 / 1e6);
        cells.extend(names.iter().map(|name| used(row, name).map_or_else(|| NOTHING.into(), megabytes)));
        line(text, &cells);
    }
}

fn start(text: &mut String, record: &Record) {
    let Some(start) = &record.start else { return };
    let size = start.binary_bytes as f64 / 1e6;
    let _ = write!(text, "\n## Size and start\n\nThe program `tacit` is a file of {size:.1} MB.");
    if let Some(answer) = &start.answer {
        let _ = write!(
            text,
            " `tacit run` of examples/digits on one row, from the start of the process to its end, {} times: {} ms at the \
             least, {} ms in the middle.",
            answer.samples,
            milliseconds(answer.min_ns),
            milliseconds(answer.median_ns)
        );
    }
    text.push('\n');
}

/// The versions of all engines, and what they chose.
fn versions(text: &mut String, record: &Record) {
    text.push_str("\n## Versions\n\n");
    for name in std::iter::once(TACIT).chain(PEERS.iter().map(|peer| peer.name)) {
        let entries: Vec<(Case, &super::record::Entry)> = all_rows(record)
            .into_iter()
            .filter_map(|row| Some((row.case, row.measured.workers.get(name)?)))
            .filter(|(_, entry)| matches!(entry.outcome, Outcome::Timed(_)))
            .collect();
        let versions: BTreeSet<&str> = entries.iter().filter_map(|(_, entry)| entry.version.as_deref()).collect();
        if entries.is_empty() {
            continue;
        }
        // "Engine: Engine 1.0" would say the name twice.
        let short = |version: &str| version.strip_prefix(name).map_or(version, str::trim_start).to_owned();
        let versions: Vec<String> = versions.into_iter().map(short).collect();
        let _ = write!(text, "- {name}: {}", if versions.is_empty() { NOTHING.into() } else { versions.join(" and ") });
        let mut variants: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
        for (case, entry) in &entries {
            if let Some(variant) = &entry.variant {
                variants.entry(variant).or_default().push(*case);
            }
        }
        let count = entries.len();
        for (variant, cases) in variants {
            match cases.len() == count {
                true => write!(text, "; {variant}"),
                false => write!(text, "; {variant} in {}", listed(record, &cases)),
            }
            .expect("a string takes all text");
        }
        text.push('\n');
    }
}

fn all_rows(record: &Record) -> Vec<Row<'_>> {
    KINDS.iter().flat_map(|kind| threads(record, *kind).into_iter().flat_map(|n| rows(record, *kind, n))).collect()
}

/// Names cases as shortly as possible: all of a mode in a word, and a case once for all its numbers of threads.
fn listed(record: &Record, cases: &[Case]) -> String {
    let rows = all_rows(record);
    let mut words: Vec<String> = vec![];
    for (mode, all) in
        [(Mode::Train, "all training"), (Mode::Infer, "all inference"), (Mode::Int8, "all inference in integers")]
    {
        let of_mode: Vec<&Case> = cases.iter().filter(|case| case.mode == mode).collect();
        let count = rows.iter().filter(|row| row.case.mode == mode).count();
        if of_mode.len() == count && count > 1 {
            words.push(all.into());
            continue;
        }
        for case in of_mode {
            let named = |case: &Case| case.words().join("/");
            let same = |other: &Case| named(other) == named(case);
            let is_everywhere =
                rows.iter().filter(|row| same(&row.case)).count() == cases.iter().filter(|other| same(other)).count();
            let word = if is_everywhere { format!("`{}`", named(case)) } else { format!("`{}`", case.key()) };
            if !words.contains(&word) {
                words.push(word);
            }
        }
    }
    words.join(", ")
}

/// Who is missing where, and why.
fn gaps(text: &mut String, record: &Record) {
    let (mut absent, mut disagreeing): (Reasons, Reasons) = (Reasons::new(), Reasons::new());
    for row in all_rows(record) {
        for (name, entry) in &row.measured.workers {
            let (reasons, reason) = match &entry.outcome {
                Outcome::Timed(_) => continue,
                Outcome::Absent(reason) => (&mut absent, reason),
                Outcome::Disagrees(reason) => (&mut disagreeing, reason),
            };
            reasons.entry((name.clone(), reason.clone())).or_default().push(row.case);
        }
    }
    for (title, reasons) in [("Absent", absent), ("Disagreeing, and so not timed", disagreeing)] {
        if reasons.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n## {title}\n");
        for ((name, reason), cases) in reasons {
            let _ = writeln!(text, "- {name} in {}: {}", listed(record, &cases), plain(&reason));
        }
    }
}

/// Cases by the worker and its reason.
type Reasons = BTreeMap<(String, String), Vec<Case>>;

/// Words that other programs wrote, without what Markdown would take for its own.
fn plain(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.trim_end().chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '|' | '#') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::compare::record::Start;
    use crate::compare::record::tests::{case, entry, run, timed};

    /// Two training cases and one of inference, with an engine that is slower, one that is faster and some that are missing.
    pub fn small() -> Record {
        let mut record = Record::default();
        let moment = "2031-02-03T04:05:06Z";
        let workers = |list: Vec<(&str, super::super::record::Entry)>| {
            list.into_iter().map(|(name, entry)| (name.to_owned(), entry)).collect::<BTreeMap<_, _>>()
        };
        for (threads, tacit) in [(1, 2_000_000), (2, 1_000_000)] {
            let there = workers(vec![
                (TACIT, timed(tacit)),
                (REFERENCE, timed(4_000_000)),
                ("torch.compile", timed(3_000_000)),
                ("JAX", entry(Outcome::Absent("no module named 'jax'".into()))),
            ]);
            record.insert(format!("w1/train/128/{threads}"), &run("Processor"), case(moment, Some(100_000_000), there));
        }
        let there = workers(vec![
            (TACIT, timed(50_000_000)),
            (REFERENCE, timed(25_000_000)),
            ("JAX", entry(Outcome::Disagrees("loss 0 is 1 instead of 2".into()))),
        ]);
        record.insert("w2/train/64/2".into(), &run("Processor"), case(moment, None, there));
        let there = workers(vec![(TACIT, entry(Outcome::Absent("no such *kernel*".into())))]);
        record.insert("kws/infer/1/2".into(), &run("Processor"), case(moment, None, there));
        let answer =
            Timing { min_ns: 6_300_000, median_ns: 7_100_000, samples: 60, peak_rss_kib: None, deviation: 0.0 };
        record.start = Some(Start { run: moment.into(), binary_bytes: 10_900_000, answer: Some(answer) });
        record
    }

    #[test]
    fn a_small_record_becomes_tables() {
        let text = section(&small());
        for expected in [
            "## Training, 2 threads",
            "| network | Tacit | median | PyTorch eager | torch.compile | best peer | ratio | GFLOP/s | of peak | scaling 1→2 |",
            // 100 MFLOP in 1 ms are 100 GFLOP/s of the 160 that two threads reach.
            "| **1.00** | 1.10 | 4.00 | 3.00 | torch.compile | **3.00** | 100.0 | 62 % | 2.00 |",
            "| 50.0 | 55.0 | **25.0** | – | PyTorch eager | 0.50 | – | – | – |",
            "| geometric mean of the ratios |  |  | ×1.41 | ×3.00 |  | ×1.22 |  |  |  |",
            "| Training | 1 | 1.50 | 1 of 1 |",
            "| Training | 2 | 1.22 | 1 of 2 |",
            "Measured on 2031-02-03 on Processor, 2 cores, AVX2, every engine kept",
            "80 GFLOP/s and 20 GB/s copied with 1 thread, 160 GFLOP/s",
            "| `w1` train, batch 128 | 105 | 105 | 105 |",
            "6.30 ms at the least, 7.10 ms in the middle",
            "- PyTorch eager: Engine 1.0\n",
            "- JAX in `w1/train/128`: no module named 'jax'",
            "- JAX in `w2/train/64`: loss 0 is 1 instead of 2",
            "- Tacit in `kws/infer/1`: no such \\*kernel\\*",
            "| **error** |",
            "speed.svg",
        ] {
            // Lines may end anywhere in prose.
            let is_there = text.contains(expected) || flat(&text).contains(expected.trim_end());
            assert!(is_there, "{expected} is not in\n{text}");
        }
        assert!(text.lines().all(|line| line.trim_end() == line), "{text}");
    }

    /// A text in one line.
    fn flat(text: &str) -> String {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_prose_is_wrapped() {
        let long = "word ".repeat(30);
        let text = wrapped(&format!("| {long}|\n- {long}end\n{long}end\n"));
        let lengths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(lengths, [153, 116, 40, 119, 33]);
        assert!(text.contains("\n  word") && flat(&text).ends_with("word end"));
    }

    #[test]
    fn other_days_and_machines_are_told() {
        let mut record = small();
        assert!(!section(&record).contains("Not all cases"));
        let workers = record.cases["w2/train/64/2"].workers.clone();
        let moment = "2031-02-04T00:00:00Z";
        record.insert("w2/train/64/2".into(), &run("Processor"), case(moment, None, workers.clone()));
        let text = section(&record);
        assert!(text.contains("Not all cases") && text.contains("- 2031-02-04, Processor"), "{text}");
        record.insert("w2/train/64/2".into(), &run("Other"), case("2031-02-03T09:00:00Z", None, workers));
        assert!(section(&record).contains("- 2031-02-03, Other"));
    }

    #[test]
    fn a_busy_machine_is_told() {
        let mut record = small();
        assert!(flat(&section(&record)).contains("at most 1 % of the"));
        record.cases.get_mut("w2/train/64/2").expect("it is there").elsewhere = Some(0.3);
        assert!(flat(&section(&record)).contains("**took up to 30 % of the processors' time in `w2/train/64`**"));
    }

    #[test]
    fn the_section_replaces_itself_and_nothing_else() {
        let first = placed("# Measurements\n\nold\n", "new\n").expect("no marks are well");
        assert!(first.starts_with(BEGIN) && first.ends_with("\n# Measurements\n\nold\n"));
        let second = placed(&first, "newer\n").expect("both marks are there");
        assert_eq!(second, first.replace("new\n", "newer\n"));
        assert!(placed(BEGIN, "").is_err());
        assert!(placed(&format!("{END}\n{BEGIN}\n"), "").is_err());
        assert!(placed("", "new\n").expect("an empty document is well").ends_with(&format!("{END}\n")));
    }

    #[test]
    fn numbers_have_the_digits_that_count() {
        let texts = [0.012_34, 0.1234, 0.9999, 1.234, 12.34, 99.96, 123.4, 1234.5, 1_234_567.0].map(digits);
        assert_eq!(texts, ["0.0123", "0.123", "1.00", "1.23", "12.3", "100", "123", "1,234", "1,234,567"]);
        assert_eq!([0.5, 2.0, 12.34].map(times), ["0.50", "2.00", "12.3"]);
    }
}
