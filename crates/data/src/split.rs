//! Rows divided among training, validation and test: at random, each class in the shares of the whole.

use tacit_spec::{Code, Diagnostic, Specification};

use crate::dataset::{Dataset, TargetValues};
use crate::random::{Purpose, SplitMix64};

/// The rows of each part, ascending. Every row is in exactly one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    pub training: Vec<usize>,
    pub validation: Vec<usize>,
    pub test: Vec<usize>,
}

/// Divides a data set as its specification says, and checks that each part has what it is for.
///
/// # Errors
/// An empty part, a class that the training part lacks, a requirement that is about no row of the test part.
pub fn split(dataset: &Dataset, specification: &Specification) -> Result<Parts, Vec<Diagnostic>> {
    let shares = &specification.data.split;
    // The first output is the one whose classes are kept in proportion.
    let strata = match dataset.targets.first().map(|target| &target.values) {
        Some(TargetValues::Category { labels, ids }) => {
            let mut strata = vec![Vec::new(); labels.len()];
            for (row, id) in ids.iter().enumerate() {
                strata[*id as usize].push(row);
            }
            strata
        }
        Some(TargetValues::Number(_)) | None => vec![(0..dataset.rows).collect()],
    };
    let parts = divide(strata, shares.validation, shares.test, shares.seed);
    let diagnostics = check(dataset, specification, &parts);
    if diagnostics.is_empty() { Ok(parts) } else { Err(diagnostics) }
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
        let help = "add rows, or change the shares of `split`";
        Diagnostic::error(Code::PartTooSmall, place.clone(), message).help(help)
    };
    let mut diagnostics = Vec::new();
    for (name, part) in [("training", &parts.training), ("validation", &parts.validation), ("test", &parts.test)] {
        if part.is_empty() {
            diagnostics.push(error(format!("of {} rows none is left for {name}", dataset.rows)));
        }
    }
    if !diagnostics.is_empty() {
        return diagnostics;
    }
    if let Some(TargetValues::Category { labels, ids }) = dataset.targets.first().map(|target| &target.values) {
        let without = |part: &[usize]| {
            let mut found = vec![false; labels.len()];
            part.iter().for_each(|row| found[ids[*row] as usize] = true);
            labels.iter().zip(found).filter(|(_, found)| !found).map(|(label, _)| label).collect::<Vec<_>>()
        };
        if let [first, ..] = without(&parts.training)[..] {
            let message = format!("the training part has no row of the class {}", tacit_spec::report::quoted(first));
            diagnostics.push(error(message));
        }
        let missing = without(&parts.test);
        let first = specification.outputs.first();
        for requirement in &specification.requirements {
            if first.is_some_and(|output| !requirement.is_about(output)) {
                continue;
            }
            if let Some(class) = requirement.class.as_ref().filter(|class| missing.contains(class)) {
                let class = tacit_spec::report::quoted(class);
                let message = format!("the test part has no row of the class {class}, which a requirement is about");
                diagnostics.push(error(message));
            }
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
        if rows.groups.as_ref().is_some_and(|groups| tested.iter().all(|row| groups.ids[*row] == groups.ids[tested[0]]))
        {
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
        fn another_seed_is_another_division(seed in 0u64..1000) {
            let rows = || vec![(0..200).collect::<Vec<_>>()];
            prop_assert_ne!(divide(rows(), 0.1, 0.2, seed), divide(rows(), 0.1, 0.2, seed + 1));
        }
    }
}
