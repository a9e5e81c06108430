//! A depth-first search for a placement of at most a given height.
//!
//! Lives are placed in ascending order of their offsets, each on the highest that it overlaps and that is placed, or at the
//! bottom. Every placement can be pushed down into one of that form, so if none is found, none exists. The rules that
//! cut the search short are those of Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine
//! Learning" (ASPLOS 2023): canonical order, bounds by sections, dominance, and taking apart what has no life in common any
//! more; here the bounds by sections also limit which life can come next.

use super::orders::Order;
use super::sections::{Span, apart};

pub enum Outcome {
    /// Offsets of a placement that is not higher.
    Found(Vec<usize>),
    /// There is none.
    Impossible,
    OutOfSteps,
}

/// Whether what is open can be placed.
enum Verdict {
    Placed,
    Impossible,
    OutOfSteps,
}

/// What can be undone: the life or section, and the number that was there.
enum Change {
    Floor(usize, usize),
    Open(usize, usize),
    Lowest(usize, usize),
}

pub struct Search<'a> {
    spans: &'a [Span],
    /// The lives in each section, and those that each life overlaps.
    in_section: Vec<Vec<u32>>,
    overlapping: Vec<Vec<u32>>,
    live_sums: Vec<usize>,
    /// The place of each life in the order in which those of one offset are tried.
    rank: Vec<usize>,
    height: usize,
    /// The offset of each life that is placed.
    offsets: Vec<usize>,
    /// The lowest offset that is left to each life that is open; of a placed one [`PLACED`].
    floor: Vec<usize>,
    /// Of each section, the bytes that are not yet placed, and the lowest of their floors.
    open: Vec<usize>,
    lowest: Vec<usize>,
    changes: Vec<Change>,
    steps: u64,
    steps_max: u64,
}

/// Above all floors, so that what is placed is never the lowest and never raised.
const PLACED: usize = usize::MAX;

/// The orders drawn by chance that take turns with the fixed ones.
const DRAWN: u64 = 30;

/// What the first turns take, for each life. Every round doubles it.
const FIRST_TURN: u64 = 64;

impl<'a> Search<'a> {
    /// The spans are in sections with these live sums.
    pub fn new(spans: &'a [Span], live_sums: Vec<usize>) -> Search<'a> {
        let mut in_section = vec![vec![]; live_sums.len()];
        for (k, span) in spans.iter().enumerate() {
            in_section[span.first..=span.last].iter_mut().for_each(|lives| lives.push(k as u32));
        }
        let others = |k: usize| {
            let overlap = (0..spans.len()).filter(move |other| *other != k && spans[*other].overlaps(&spans[k]));
            overlap.map(|other| other as u32).collect()
        };
        Search {
            spans,
            in_section,
            overlapping: (0..spans.len()).map(others).collect(),
            live_sums,
            rank: vec![],
            height: 0,
            offsets: vec![],
            floor: vec![],
            open: vec![],
            lowest: vec![],
            changes: vec![],
            steps: 0,
            steps_max: 0,
        }
    }

    /// Searches with one order after another and ever more steps each, since a wrong beginning can cost any number of
    /// them. Gives the steps that it took, about as many as it was allowed at most.
    pub fn run(&mut self, height: usize, steps_max: u64) -> (Outcome, u64) {
        let mut taken = 0;
        let mut turn = FIRST_TURN * self.spans.len() as u64;
        for round in 0.. {
            let drawn = (0..DRAWN).map(|k| Order::drawn(round * DRAWN + k));
            for order in Order::FIXED.into_iter().chain(drawn) {
                let outcome = self.run_once(height, &order, turn.min(steps_max - taken));
                taken += self.steps.min(steps_max - taken);
                match outcome {
                    Outcome::OutOfSteps if taken < steps_max => {}
                    Outcome::Found(_) | Outcome::Impossible | Outcome::OutOfSteps => return (outcome, taken),
                }
            }
            turn *= 2;
        }
        unreachable!("turns grow until the steps are used up")
    }

    fn run_once(&mut self, height: usize, order: &Order, steps_max: u64) -> Outcome {
        let lives = self.spans.len();
        self.rank = vec![0; lives];
        for (rank, life) in order.sorted(self.spans, &self.live_sums).into_iter().enumerate() {
            self.rank[life] = rank;
        }
        self.height = height;
        self.offsets = vec![0; lives];
        self.floor = vec![0; lives];
        self.open = self.live_sums.clone();
        self.lowest = vec![0; self.open.len()];
        self.changes.clear();
        (self.steps, self.steps_max) = (0, steps_max);
        let mut all: Vec<usize> = (0..lives).collect();
        all.sort_by_key(|k| (self.spans[*k].first, *k));
        match self.place_all(&all, (0, 0)) {
            Verdict::Placed => Outcome::Found(self.offsets.clone()),
            Verdict::Impossible => Outcome::Impossible,
            Verdict::OutOfSteps => Outcome::OutOfSteps,
        }
    }

    /// Places lives that are open and share no section with others that are, sorted by their first sections. None comes
    /// before `from`, an offset and a rank, in the order in which lives are placed.
    fn place_all(&mut self, lives: &[usize], from: (usize, usize)) -> Verdict {
        self.steps += lives.len() as u64;
        if self.steps > self.steps_max {
            return Verdict::OutOfSteps;
        }
        let Some(sections) = self.sections_of(lives) else { return Verdict::Placed };
        // What is placed later begins no lower than this one, so all that is open in a section must fit above it.
        let latest =
            sections.clone().filter(|s| self.open[*s] > 0).map(|s| self.height.checked_sub(self.open[s])).min();
        let Some(latest) = latest.flatten() else { return Verdict::Impossible };
        // Nothing begins where another that is open could lie wholly below.
        let end = lives.iter().map(|k| self.floor[*k] + self.spans[*k].bytes).min().unwrap_or(0);
        let mut next: Vec<(usize, usize, usize)> = lives
            .iter()
            .map(|k| (self.floor[*k], self.rank[*k], *k))
            .filter(|(floor, rank, _)| (*floor, *rank) >= from && *floor <= latest && *floor < end)
            .collect();
        next.sort_unstable();
        for (k, (floor, rank, life)) in next.iter().enumerate() {
            let same = |other: &(usize, usize, usize)| other.0 == *floor && self.spans[other.2] == self.spans[*life];
            if next[..k].iter().rev().take_while(|other| other.0 == *floor).any(same) {
                continue;
            }
            let mark = self.changes.len();
            let mut verdict = match self.place_one(*life, sections.clone()) {
                true => Verdict::Placed,
                false => Verdict::Impossible,
            };
            if matches!(verdict, Verdict::Placed) {
                let rest = lives.iter().copied().filter(|other| other != life).collect();
                let mut parts = apart(self.spans, rest);
                // The smallest first: if it is impossible, the others need not be tried.
                parts.sort_by_key(Vec::len);
                for part in parts {
                    verdict = self.place_all(&part, (*floor, *rank));
                    if !matches!(verdict, Verdict::Placed) {
                        break;
                    }
                }
            }
            match verdict {
                Verdict::Placed | Verdict::OutOfSteps => return verdict,
                Verdict::Impossible => self.undo(mark),
            }
        }
        Verdict::Impossible
    }

    /// The sections from the first to the last of some lives.
    fn sections_of(&self, lives: &[usize]) -> Option<std::ops::RangeInclusive<usize>> {
        let first = lives.iter().map(|k| self.spans[*k].first).min()?;
        let last = lives.iter().map(|k| self.spans[*k].last).max()?;
        Some(first..=last)
    }

    /// Places one life at its floor. False if what is open in these sections, which are all that it could concern, does not
    /// fit any more.
    fn place_one(&mut self, life: usize, sections: std::ops::RangeInclusive<usize>) -> bool {
        let span = self.spans[life];
        let offset = self.floor[life];
        let top = offset + span.bytes;
        self.steps += self.overlapping[life].len() as u64;
        self.offsets[life] = offset;
        self.changes.push(Change::Floor(life, offset));
        self.floor[life] = PLACED;
        for section in span.first..=span.last {
            self.changes.push(Change::Open(section, self.open[section]));
            self.open[section] -= span.bytes;
        }
        let (mut first, mut last) = (span.first, span.last);
        for k in 0..self.overlapping[life].len() {
            let other = self.overlapping[life][k] as usize;
            if self.floor[other] >= top {
                continue;
            }
            let raised = self.spans[other];
            if top + raised.bytes > self.height {
                return false;
            }
            self.changes.push(Change::Floor(other, self.floor[other]));
            self.floor[other] = top;
            (first, last) = (first.min(raised.first), last.max(raised.last));
        }
        for section in first..=last {
            // Only what was below the top has been raised.
            if self.open[section] > 0 && self.lowest[section] < top {
                let lowest = self.in_section[section].iter().map(|k| self.floor[*k as usize]).min().unwrap_or(PLACED);
                self.changes.push(Change::Lowest(section, self.lowest[section]));
                self.lowest[section] = lowest;
            }
        }
        sections.into_iter().all(|section| {
            self.open[section] == 0 || self.lowest[section].max(offset) + self.open[section] <= self.height
        })
    }

    fn undo(&mut self, mark: usize) {
        for change in self.changes.drain(mark..).rev() {
            match change {
                Change::Floor(life, floor) => self.floor[life] = floor,
                Change::Open(section, open) => self.open[section] = open,
                Change::Lowest(section, lowest) => self.lowest[section] = lowest,
            }
        }
    }
}
