//! How terms are laid out in pairs: the *slots* of a contraction.

use super::super::spec::{Contraction, Group};
use std::collections::HashMap;

/// The terms of a contraction in the order in which the kernels read `b`: an even number of them, padded by terms that are 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// The address of each term in `b`, relative to the batch; none where there is padding.
    pub terms: Vec<Option<i32>>,
    /// How each group of rows finds its terms in `a`.
    pub readings: Vec<Reading>,
}

/// How the rows of a group find the terms of all slots in `a`, relative to batch and row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of them, in runs whose pairs lie side by side; behind an odd run comes a number that is multiplied by 0.
    InPlace(Vec<PairRun>),
    /// One by one. What is multiplied by 0 is any of them.
    OneByOne(Vec<i32>),
    /// One by one, some of which these rows skip; none is 0.
    Skipping(Vec<Option<i32>>),
}

/// Pairs of terms that lie one behind the other in `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairRun {
    pub a: i32,
    pub pairs: u32,
}

impl Slots {
    /// The slots of all groups that have rows. Each address of `b` has as many as the group with the most terms there; the
    /// group with the most terms of all lies in its own order, each of its runs from a new pair on.
    pub fn of(spec: &Contraction) -> Slots {
        let has_rows = |group: &&Group| group.rows > 0;
        let most = spec.groups.iter().filter(has_rows).max_by_key(|group| terms_of(group).count());
        let Some(first) = most else {
            return Slots { terms: vec![], readings: vec![Reading::Skipping(vec![]); spec.groups.len()] };
        };
        let mut slots = Slots::default();
        let mut places: HashMap<(i32, usize), usize> = HashMap::new();
        let mut runs = vec![];
        let is_contiguous = spec.a_lane_stride == 0 && first.runs.iter().all(|run| run.len <= 1 || run.a_stride == 1);
        let mut seen: HashMap<i32, usize> = HashMap::new();
        for run in first.runs.iter().filter(|run| run.len > 0) {
            for i in 0..run.len as i32 {
                let b = run.b + i * run.b_stride;
                places.insert((b, count(&mut seen, b)), slots.terms.len());
                slots.terms.push(Some(b));
            }
            if is_contiguous && !run.len.is_multiple_of(2) {
                slots.terms.push(None);
            }
            runs.push(PairRun { a: run.a, pairs: run.len.div_ceil(2) });
        }
        for group in spec.groups.iter().filter(has_rows) {
            seen.clear();
            for (_, b) in terms_of(group) {
                places.entry((b, count(&mut seen, b))).or_insert_with(|| {
                    slots.terms.push(Some(b));
                    slots.terms.len() - 1
                });
            }
        }
        if !slots.terms.len().is_multiple_of(2) {
            slots.terms.push(None);
        }
        let in_runs = runs.iter().map(|run| 2 * run.pairs as usize).sum::<usize>();
        for group in &spec.groups {
            let follows = is_contiguous && in_runs == slots.terms.len() && group.runs == first.runs;
            slots.readings.push(match follows {
                true => Reading::InPlace(runs.clone()),
                false => {
                    let mut found = vec![None; slots.terms.len()];
                    seen.clear();
                    for (a, b) in terms_of(group).filter(|_| group.rows > 0) {
                        found[places[&(b, count(&mut seen, b))]] = Some(a);
                    }
                    let skips = slots.terms.iter().zip(&found).any(|(b, a)| b.is_some() && a.is_none());
                    match found.iter().flatten().next().copied().filter(|_| !skips) {
                        Some(any) => Reading::OneByOne(found.iter().map(|term| term.unwrap_or(any)).collect()),
                        None => Reading::Skipping(found),
                    }
                }
            });
        }
        slots
    }

    /// Half the number of slots.
    pub fn pairs(&self) -> usize {
        self.terms.len() / 2
    }
}

/// How often a term has been seen before.
fn count(seen: &mut HashMap<i32, usize>, b: i32) -> usize {
    let times = seen.entry(b).or_insert(0);
    *times += 1;
    *times - 1
}

/// The addresses of a group's terms in `a` and `b`.
fn terms_of(group: &Group) -> impl Iterator<Item = (i32, i32)> {
    group.runs.iter().flat_map(|run| run.terms())
}
