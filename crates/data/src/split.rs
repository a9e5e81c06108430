//! Rows divided among training, validation and test: at random with the shares of the classes kept, or by groups, by
//! time, or as the data says.

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Specification, SplitMethod};

use crate::dataset::{Dataset, Part, SplitKeys, TargetValues};
use crate::random::{Purpose, SplitMix64};

/// The rows of each part, ascending. Every row is in exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    pub training: Vec<usize>,
    pub validation: Vec<usize>,
    pub test: Vec<usize>,
}

impl Parts {
    /// The rows of a part.
    pub fn rows(&self, part: Part) -> &[usize] {
        match part {
            Part::Training => &self.training,
            Part::Validation => &self.validation,
            Part::Test => &self.test,
        }
    }
}

/// Divides a data set as its specification says, and checks that each part has what it is for. Rows of a file that is
/// for one part belong to it; the others are divided.
///
/// # Errors
/// An empty part, a class that the training part lacks, a requirement that is about no row of the test part.
pub fn split(dataset: &Dataset, specification: &Specification) -> Result<Parts, Vec<Diagnostic>> {
    let split = &specification.data.split;
    let mut given = Parts { training: Vec::new(), validation: Vec::new(), test: Vec::new() };
    let mut rest = Vec::new();
    let mut first = 0;
    for file in &dataset.files {
        let rows = first..first + file.rows;
        first = rows.end;
        match file.part {
            Some(Part::Training) => given.training.extend(rows),
            Some(Part::Validation) => given.validation.extend(rows),
            Some(Part::Test) => given.test.extend(rows),
            None => rest.extend(rows),
        }
    }
    let divided = match (&split.method, &dataset.split_keys) {
        (SplitMethod::Given { .. }, SplitKeys::Parts(parts)) => by_parts(parts, &rest),
        (SplitMethod::Time { .. }, SplitKeys::Times(times)) => by_time(times, rest, split.validation, split.test),
        (SplitMethod::Grouped { .. }, SplitKeys::Groups(groups)) => {
            by_group(groups, &rest, split.validation, split.test, split.seed)
        }
        (SplitMethod::Random, _) => divide(vec![rest], split.validation, split.test, split.seed),
        (
            SplitMethod::Stratified
            | SplitMethod::Given { .. }
            | SplitMethod::Time { .. }
            | SplitMethod::Grouped { .. },
            _,
        ) => divide(strata(dataset, rest), split.validation, split.test, split.seed),
    };
    let mut parts = Parts {
        training: [given.training, divided.training].concat(),
        validation: [given.validation, divided.validation].concat(),
        test: [given.test, divided.test].concat(),
    };
    for part in [&mut parts.training, &mut parts.validation, &mut parts.test] {
        part.sort_unstable();
    }
    let diagnostics = check(dataset, specification, &parts);
    if diagnostics.is_empty() { Ok(parts) } else { Err(diagnostics) }
}

/// The rows by the class of the first output, whose classes are the ones that are kept in proportion.
fn strata(dataset: &Dataset, rows: Vec<usize>) -> Vec<Vec<usize>> {
    match dataset.targets.first().map(|target| &target.values) {
        Some(TargetValues::Category { labels, ids }) => {
            let mut strata = vec![Vec::new(); labels.len()];
            rows.into_iter().for_each(|row| strata[ids[row] as usize].push(row));
            strata
        }
        Some(TargetValues::Anomaly(Some(anomalous))) => {
            let (odd, normal) = rows.into_iter().partition(|row| anomalous[*row]);
            vec![normal, odd]
        }
        Some(TargetValues::Labels { .. } | TargetValues::Number(_) | TargetValues::Anomaly(None)) | None => vec![rows],
    }
}

fn by_parts(parts: &[Part], rows: &[usize]) -> Parts {
    let of = |part| rows.iter().copied().filter(|row| parts[*row] == part).collect();
    Parts { training: of(Part::Training), validation: of(Part::Validation), test: of(Part::Test) }
}

/// The latest rows are for the test, those before them for validation. Rows of the same time stay together, with the
/// later part.
fn by_time(times: &[f64], mut rows: Vec<usize>, validation: f64, test: f64) -> Parts {
    rows.sort_by(|a, b| times[*a].total_cmp(&times[*b]).then(a.cmp(b)));
    let boundary = |share: f64| {
        let mut start = rows.len() - (share * rows.len() as f64 + 0.5) as usize;
        while start > 0 && start < rows.len() && times[rows[start]] == times[rows[start - 1]] {
            start -= 1;
        }
        start
    };
    let (test_start, validation_start) = (boundary(test), boundary(validation + test));
    let validation_start = validation_start.min(test_start);
    Parts {
        training: rows[..validation_start].to_vec(),
        validation: rows[validation_start..test_start].to_vec(),
        test: rows[test_start..].to_vec(),
    }
}

/// Whole groups in a random order go to the test part until it has its share of the rows, then to validation, then to
/// training. A group goes where it leaves the share nearer to what was asked for.
fn by_group(groups: &[u32], rows: &[usize], validation: f64, test: f64, seed: u64) -> Parts {
    let count = groups.iter().max().map_or(0, |last| *last as usize + 1);
    let mut members = vec![Vec::new(); count];
    rows.iter().for_each(|row| members[groups[*row] as usize].push(*row));
    members.retain(|rows| !rows.is_empty());
    SplitMix64::keyed(seed, Purpose::Split, 0).shuffle(&mut members);
    let mut parts = Parts { training: Vec::new(), validation: Vec::new(), test: Vec::new() };
    let total = rows.len() as f64;
    for group in members {
        let size = group.len() as f64;
        let wants = |part: &Vec<usize>, share: f64| {
            let missing = share * total - part.len() as f64;
            // An empty part takes any group, so that none is left without rows.
            (part.is_empty() && share > 0.0) || missing >= size / 2.0
        };
        if wants(&parts.test, test) {
            parts.test.extend(group);
        } else if wants(&parts.validation, validation) {
            parts.validation.extend(group);
        } else {
            parts.training.extend(group);
        }
    }
    parts
}

/// Divides strata (lists of rows) by shares. Each stratum is shuffled by its own generator; the strata in a row are then
/// cut by even steps: of n rows in all, round(n·test) go to the test part, and of each stratum's rows the floor or the
/// ceiling of its share. Validation takes its rows from those that remain in the same way.
pub fn divide(strata: Vec<Vec<usize>>, validation: f64, test: f64, seed: u64) -> Parts {
    let mut parts = Parts { training: Vec::new(), validation: Vec::new(), test: Vec::new() };
    let (mut position, mut position_rest) = (0, 0);
    for (index, mut stratum) in strata.into_iter().enumerate() {
        SplitMix64::keyed(seed, Purpose::Split, index as u64).shuffle(&mut stratum);
        for row in stratum {
            let is_test = takes(position, test);
            position += 1;
            if is_test {
                parts.test.push(row);
                continue;
            }
            let is_validation = takes(position_rest, validation / (1.0 - test));
            position_rest += 1;
            if is_validation {
                parts.validation.push(row);
            } else {
                parts.training.push(row);
            }
        }
    }
    for part in [&mut parts.training, &mut parts.validation, &mut parts.test] {
        part.sort_unstable();
    }
    parts
}

/// Whether a step falls on this position when `share` of all positions are taken in even steps.
fn takes(position: u64, share: f64) -> bool {
    let taken_before = |position: u64| (position as f64 * share + 0.5).floor();
    taken_before(position + 1) > taken_before(position)
}

fn check(dataset: &Dataset, specification: &Specification, parts: &Parts) -> Vec<Diagnostic> {
    let place = &specification.data.split.place;
    let error = |message: String| {
        let help = "add rows, or change how the rows are divided";
        Diagnostic::error(Code::PartTooSmall, place.clone(), message).help(help)
    };
    let mut diagnostics = Vec::new();
    for part in Part::ALL {
        if parts.rows(part).is_empty() {
            diagnostics.push(error(format!("of {} rows none is left for {}", dataset.rows, part.name())));
        }
    }
    if !diagnostics.is_empty() {
        return diagnostics;
    }
    for (output, target) in specification.outputs.iter().zip(&dataset.targets) {
        if let TargetValues::Category { labels, ids } = &target.values {
            let absent = |part: &[usize]| {
                let mut found = vec![false; labels.len()];
                part.iter().for_each(|row| found[ids[*row] as usize] = true);
                labels.iter().zip(found).filter(|(_, found)| !found).map(|(label, _)| label).collect::<Vec<_>>()
            };
            if let [first, ..] = absent(&parts.training)[..] {
                diagnostics.push(error(format!("the training part has no row of the class {}", quoted(first))));
            }
            let missing = absent(&parts.test);
            for requirement in specification.requirements.iter().filter(|requirement| requirement.is_about(output)) {
                if let Some(class) = requirement.class.as_ref().filter(|class| missing.contains(class)) {
                    let class = quoted(class);
                    let message =
                        format!("the test part has no row of the class {class}, which a requirement is about");
                    diagnostics.push(error(message));
                }
            }
        }
        if let TargetValues::Anomaly(Some(anomalous)) = &target.values
            && parts.training.iter().all(|row| anomalous[*row])
        {
            diagnostics.push(error("the training part has no row that is not anomalous".to_owned()));
        }
    }
    for (requirement, rows) in specification.requirements.iter().zip(&dataset.requirement_rows) {
        let selected: Vec<usize> = rows.places(dataset.rows);
        let tested: Vec<usize> = selected.iter().copied().filter(|row| parts.test.binary_search(row).is_ok()).collect();
        if rows.selected.is_some() && tested.is_empty() {
            let message = format!("`where` selects {} rows, none of them in the test part", selected.len());
            let help = "check the value as it stands in the data, or choose a larger test share";
            diagnostics.push(Diagnostic::error(Code::SliceEmpty, requirement.place.clone(), message).help(help));
            continue;
        }
        let of_one_group =
            |groups: &crate::dataset::Groups| tested.iter().all(|row| groups.ids[*row] == groups.ids[tested[0]]);
        if rows.groups.as_ref().is_some_and(of_one_group) {
            let message = "the test rows of this requirement are all of one group, so that there is no gap to measure";
            let help = "name a column that divides the test rows, or choose a larger test share";
            diagnostics.push(Diagnostic::error(Code::GapGroups, requirement.place.clone(), message).help(help));
        }
    }
    diagnostics
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_division_is_the_same_on_every_machine() {
        let parts = divide(vec![(0..8).collect(), (8..12).collect()], 0.25, 0.25, 1);
        assert_eq!((parts.training.len(), parts.validation.len(), parts.test.len()), (6, 3, 3));
        assert_eq!(parts, divide(vec![(0..8).collect(), (8..12).collect()], 0.25, 0.25, 1));
        assert_eq!(parts.validation, EXPECTED_VALIDATION);
        assert_eq!(parts.test, EXPECTED_TEST);
    }

    /// Computed by an independent program from the description of the algorithm.
    const EXPECTED_VALIDATION: [usize; 3] = [4, 5, 9];
    const EXPECTED_TEST: [usize; 3] = [0, 7, 8];

    #[test]
    fn the_latest_rows_are_for_the_test_and_equal_times_stay_together() {
        let times = [5.0, 1.0, 4.0, 2.0, 3.0, 5.0, 0.0, 2.0, 1.0, 5.0];
        let parts = by_time(&times, (0..10).collect(), 0.2, 0.2);
        let sorted = |mut rows: Vec<usize>| {
            rows.sort_unstable();
            rows
        };
        assert_eq!(sorted(parts.test), [0, 5, 9]);
        assert_eq!(sorted(parts.validation), [2]);
        assert_eq!(parts.training.len(), 6);
    }

    #[test]
    fn a_column_can_say_the_part() {
        let parts = by_parts(&[Part::Test, Part::Training, Part::Validation, Part::Training], &[0, 1, 2, 3]);
        assert_eq!((parts.training, parts.validation, parts.test), (vec![1, 3], vec![2], vec![0]));
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_part_and_every_stratum_keeps_its_shares(
            sizes in prop::collection::vec(0usize..60, 1..8),
            validation in 0.01..0.49f64,
            test in 0.01..0.49f64,
            seed in any::<u64>(),
        ) {
            let mut next = 0;
            let strata: Vec<Vec<usize>> = sizes.iter().map(|size| { next += size; (next - size..next).collect() }).collect();
            let parts = divide(strata.clone(), validation, test, seed);
            let mut all = [parts.training.as_slice(), &parts.validation, &parts.test].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..next).collect::<Vec<_>>());
            prop_assert_eq!(parts.test.len(), (next as f64 * test + 0.5).floor() as usize);
            for stratum in &strata {
                let of = |part: &[usize]| stratum.iter().filter(|row| part.contains(row)).count() as f64;
                let (tested, size) = (of(&parts.test), stratum.len() as f64);
                prop_assert!((tested - size * test).abs() < 1.0);
                let expected = (size - tested) * validation / (1.0 - test);
                prop_assert!((of(&parts.validation) - expected).abs() < 1.0 + 1e-9);
            }
        }

        #[test]
        fn no_group_is_in_two_parts_and_parts_have_nearly_their_shares(
            groups in prop::collection::vec(0u32..40, 60..300),
            seed in any::<u64>(),
        ) {
            let rows: Vec<usize> = (0..groups.len()).collect();
            let parts = by_group(&groups, &rows, 0.2, 0.2, seed);
            let of = |part: &[usize]| part.iter().map(|row| groups[*row]).collect::<std::collections::BTreeSet<_>>();
            let sets = [of(&parts.training), of(&parts.validation), of(&parts.test)];
            prop_assert!(sets[0].is_disjoint(&sets[1]) && sets[0].is_disjoint(&sets[2]) && sets[1].is_disjoint(&sets[2]));
            let all = parts.training.len() + parts.validation.len() + parts.test.len();
            prop_assert_eq!(all, groups.len());
            let largest = (0..40).map(|group| groups.iter().filter(|id| **id == group).count()).max().unwrap();
            for part in [&parts.validation, &parts.test] {
                prop_assert!((part.len() as f64 - 0.2 * all as f64).abs() <= largest as f64);
            }
        }

        #[test]
        fn another_seed_is_another_division(seed in 0u64..1000) {
            let rows = || vec![(0..200).collect::<Vec<_>>()];
            prop_assert_ne!(divide(rows(), 0.1, 0.2, seed), divide(rows(), 0.1, 0.2, seed + 1));
        }
    }
}
