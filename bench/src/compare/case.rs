//! What is measured: every workload in each of its modes, batches and numbers of threads.

use crate::workloads::{Mode, WORKLOADS, Workload};

/// The batches at which answers are timed.
pub const ANSWER_BATCHES: [usize; 2] = [1, 32];

/// One line of a table.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub workload: &'static Workload,
    pub mode: Mode,
    pub batch: usize,
    pub threads: usize,
}

/// One table, for each number of threads: training, or answers at one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Training,
    Answers {
        batch: usize,
    },
    /// Answers in 8-bit integers, one at a time.
    Integers,
}

pub const KINDS: [Kind; 4] = [
    Kind::Training,
    Kind::Answers { batch: ANSWER_BATCHES[0] },
    Kind::Answers { batch: ANSWER_BATCHES[1] },
    Kind::Integers,
];

impl Kind {
    pub fn title(self) -> String {
        match self {
            Kind::Training => "Training".into(),
            Kind::Answers { batch } => format!("Inference, batch {batch}"),
            Kind::Integers => "Inference in int8, batch 1".into(),
        }
    }

    pub fn mode(self) -> Mode {
        match self {
            Kind::Training => Mode::Train,
            Kind::Answers { .. } => Mode::Infer,
            Kind::Integers => Mode::Int8,
        }
    }

    /// The cases of this kind, in the order of the workloads.
    pub fn cases(self, threads: usize) -> Vec<Case> {
        let case = |workload: &'static Workload| {
            let batch = match self {
                Kind::Training => workload.training_batch,
                Kind::Answers { batch } => workload.answers.then_some(batch),
                Kind::Integers => workload.integers.then_some(1),
            };
            batch.map(|batch| Case { workload, mode: self.mode(), batch, threads })
        };
        WORKLOADS.iter().filter_map(case).collect()
    }
}

impl Case {
    /// What the record calls the case.
    pub fn key(&self) -> String {
        format!("{}/{}/{}/{}", self.workload.name, mode_word(self.mode), self.batch, self.threads)
    }

    /// The words that say the same to a worker or to a task of this program.
    pub fn words(&self) -> [String; 3] {
        [self.workload.name.to_owned(), mode_word(self.mode).to_owned(), self.batch.to_string()]
    }
}

pub fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Train => "train",
        Mode::Infer => "infer",
        Mode::Int8 => "int8",
    }
}

/// Whether a part such as `w2`, `train` or `w2/infer/32` names a case: its words stand side by side in the key.
pub fn names(part: &str, key: &str) -> bool {
    format!("/{key}/").contains(&format!("/{part}/"))
}

/// All cases, one kind after another.
pub fn cases(threads: &[usize]) -> Vec<Case> {
    let of_kind = |kind: &Kind| threads.iter().flat_map(|threads| kind.cases(*threads)).collect::<Vec<_>>();
    KINDS.iter().flat_map(of_kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_names_cases_by_whole_words() {
        assert!(names("w1", "w1/train/128/2"));
        assert!(names("train/128", "w1/train/128/2"));
        assert!(!names("w", "w1/train/128/2"));
        assert!(!names("28", "w1/train/128/2"));
        assert!(!names("w1/infer", "w1/train/128/2"));
    }

    #[test]
    fn no_case_is_there_twice() {
        let mut keys: Vec<String> = cases(&[1, 2]).iter().map(Case::key).collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        assert!(keys.contains(&"w1/train/128/1".to_owned()));
        assert!(keys.contains(&"resnet18/infer/32/2".to_owned()));
        assert!(keys.contains(&"kws/int8/1/1".to_owned()));
    }
}
