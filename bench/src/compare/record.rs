//! What was measured, as a file: every case with all workers, so that tables are completed in parts.

use super::machine::Machine;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Record {
    /// By the moment of their start.
    pub runs: BTreeMap<String, Run>,
    pub cases: BTreeMap<String, Measured>,
    pub start: Option<Start>,
}

/// What all cases have in common that were measured by one call of this program.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Run {
    pub machine: Machine,
    /// Whether every worker was kept on as many processors as it has threads.
    pub is_pinned: bool,
    pub rounds: usize,
    pub seconds: f64,
}

/// One case with all its workers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Measured {
    /// The run that this comes from.
    pub run: String,
    /// Floating-point operations of all contractions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flops: Option<u64>,
    /// The share of all processors' time that other programs took while workers were timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<f64>,
    pub workers: BTreeMap<String, Entry>,
}

/// One worker of a case.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    #[serde(flatten)]
    pub outcome: Outcome,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Timed(Timing),
    /// It could not be started, or did not come through; why.
    Absent(String),
    /// It computes something else; where it shows.
    Disagrees(String),
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Timing {
    pub min_ns: u64,
    pub median_ns: u64,
    pub samples: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_rss_kib: Option<u64>,
    /// The greatest relative deviation from the reference.
    pub deviation: f64,
}

/// How large the program `tacit` is, and how soon it answers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Start {
    pub run: String,
    pub binary_bytes: u64,
    /// From the start of the process to its end, with one row to answer.
    pub answer: Option<Timing>,
}

impl Record {
    /// Reads a record; a file that is not there is an empty one.
    ///
    /// # Errors
    /// If the file cannot be read or is no record.
    pub fn load(path: &Path) -> Result<Record, String> {
        match std::fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Record::default()),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }

    /// Writes the record in one go: who reads meanwhile sees the old one or the new one.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&mut self, path: &Path) -> Result<(), String> {
        let cases = self.cases.values().map(|case| &case.run);
        let used: Vec<String> = cases.chain(self.start.iter().map(|start| &start.run)).cloned().collect();
        self.runs.retain(|moment, _| used.contains(moment));
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        std::fs::write(&beside, text + "\n")
            .and_then(|()| std::fs::rename(&beside, path))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Puts a case in its place, with the run that it comes from.
    pub fn insert(&mut self, key: String, run: &Run, measured: Measured) {
        self.runs.insert(measured.run.clone(), run.clone());
        self.cases.insert(key, measured);
    }
}

impl Measured {
    /// The timing of a worker, if it was timed.
    pub fn timing(&self, worker: &str) -> Option<&Timing> {
        match &self.workers.get(worker)?.outcome {
            Outcome::Timed(timing) => Some(timing),
            Outcome::Absent(_) | Outcome::Disagrees(_) => None,
        }
    }
}

/// The present moment of UTC, such as `2031-02-03T04:05:06Z`.
pub fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    moment(seconds)
}

/// A moment by its seconds since 1970.
fn moment(seconds: u64) -> String {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    // Years start in March here, so that the day that some years lack or have is their last; 400 years have 146,097 days.
    let day = day + 719_468;
    let (era, day_of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::compare::machine::Peak;

    pub fn run(processor: &str) -> Run {
        let peak = |threads: usize| Peak { gflops: 80.0 * threads as f64, copied_gb: 20.0 };
        let machine = Machine {
            processor: processor.into(),
            cores: 2,
            instructions: "AVX2".into(),
            peaks: [1, 2].map(|threads| (threads, peak(threads))).into(),
        };
        Run { machine, is_pinned: true, rounds: 7, seconds: 0.5 }
    }

    pub fn entry(outcome: Outcome) -> Entry {
        Entry { version: Some("Engine 1.0".into()), variant: None, outcome }
    }

    pub fn timed(min_ns: u64) -> Entry {
        let median_ns = min_ns + min_ns / 10;
        entry(Outcome::Timed(Timing { min_ns, median_ns, samples: 70, peak_rss_kib: Some(102_400), deviation: 1e-6 }))
    }

    pub fn case(moment: &str, flops: Option<u64>, workers: BTreeMap<String, Entry>) -> Measured {
        Measured { run: moment.into(), flops, elsewhere: Some(0.01), workers }
    }

    fn workers(tacit_ns: u64) -> BTreeMap<String, Entry> {
        let mut silent = entry(Outcome::Absent("no engine".into()));
        silent.version = None;
        let others = [entry(Outcome::Disagrees("loss 0 is 1 instead of 2".into())), silent, timed(tacit_ns)];
        ["A", "B", "Tacit"].map(String::from).into_iter().zip(others).collect()
    }

    #[test]
    fn a_record_is_read_as_it_was_written_and_replaced_in_parts() {
        let folder = std::env::temp_dir().join(format!("tacit-bench-record-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        let path = folder.join("speed.json");
        let mut record = Record::load(&path).expect("nothing is an empty record");
        let old = "2031-01-01T00:00:00Z";
        record.insert("w1/train/128/1".into(), &run("P"), case(old, Some(5), workers(10)));
        record.insert("w2/train/64/1".into(), &run("P"), case(old, None, workers(20)));
        record.save(&path).expect("the folder is there");
        let mut again = Record::load(&path).expect("a record");
        assert_eq!(again, record);

        let new = "2031-01-02T00:00:00Z";
        again.insert("w2/train/64/1".into(), &run("Q"), case(new, None, workers(30)));
        again.save(&path).expect("the folder is there");
        let third = Record::load(&path).expect("a record");
        assert_eq!(third.cases["w1/train/128/1"], record.cases["w1/train/128/1"]);
        assert_eq!(third.cases["w2/train/64/1"].timing("Tacit").map(|timing| timing.min_ns), Some(30));
        assert_eq!(third.runs.keys().collect::<Vec<_>>(), [old, new]);

        let mut last = third;
        last.insert("w1/train/128/1".into(), &run("Q"), case(new, None, workers(40)));
        last.save(&path).expect("the folder is there");
        assert_eq!(last.runs.keys().collect::<Vec<_>>(), [new], "a run without cases is forgotten");
        std::fs::remove_dir_all(folder).expect("the folder is there");
    }

    #[test]
    fn moments_have_their_dates() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(moment(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(moment(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(moment(1_798_761_599), "2026-12-31T23:59:59Z");
        assert_eq!(moment(4_107_542_400), "2100-03-01T00:00:00Z");
    }
}
