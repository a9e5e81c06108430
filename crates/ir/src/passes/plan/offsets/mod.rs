//! Offsets in one arena: dynamic storage allocation with known lives.
//!
//! No placement needs less than the greatest sum of bytes that live at once. Where a greedy placement meets that bound, as it
//! does for most programs, nothing is searched. Otherwise the problem is taken apart (`sections.rs`), and what is left of it
//! is searched depth first (`search.rs`) for a placement of a given height, from the bound upwards. A search that ends without
//! one proves that there is none. All budgets are counted in steps, so the same lives always get the same offsets.

mod greedy;
mod orders;
mod search;
mod sections;
#[cfg(test)]
mod tests;

use greedy::place_greedily;
use orders::Order;
use search::{Outcome, Search};
use sections::{Component, Span, components, sections};

/// Memory that is needed from one time to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub bytes: usize,
    pub first: usize,
    pub last: usize,
}

/// Offsets such that no two lives that share a time overlap. They are sums of sizes, so they keep the alignment of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Of each life, in bytes from the arena's start.
    pub offsets: Vec<usize>,
    pub arena_bytes: usize,
    /// The greatest sum of bytes that live at once.
    pub live_bytes: usize,
    /// No placement needs less than this: the greatest live sum, or more where a search has shown that it cannot be met.
    pub least_bytes: usize,
    /// What the search took, at most what it was allowed.
    pub steps: u64,
}

impl Placement {
    /// True if no placement of these lives needs less.
    pub fn is_least(&self) -> bool {
        self.arena_bytes == self.least_bytes
    }
}

/// Components of more lives are placed greedily only: the search's tables grow with the square of their number.
const SEARCHED_MAX: usize = 1024;

/// Places lives, searching for at most so many steps; a step looks at one life.
pub fn place(lives: &[Life], steps_max: u64) -> Placement {
    let spans: Vec<Span> = lives.iter().map(Span::of).collect();
    let (spans, live_sums) = sections(&spans);
    let live_bytes = live_sums.iter().copied().max().unwrap_or(0);
    let mut best = greedy_best(&spans, &live_sums, live_bytes);
    let (mut least_bytes, mut steps) = (live_bytes, 0);
    if best.height > live_bytes && steps_max > 0 {
        let components = components(&spans);
        let mut offsets = vec![0; lives.len()];
        let mut left: usize = components.iter().map(|component| component.members.len()).sum();
        for component in &components {
            // Each gets a share, by the number of its lives, of what those before it have not used.
            let members = component.members.len();
            let allowed = u128::from(steps_max - steps) * members as u128 / left as u128;
            let allowed = u64::try_from(allowed).expect("a share is not more than the whole");
            left -= members;
            // What does not rise above the greatest live sum of the whole needs no search.
            let placed = place_component(&spans, component, live_bytes - component.base, allowed);
            for (life, offset) in component.members.iter().zip(placed.offsets) {
                offsets[*life] = component.base + offset;
            }
            least_bytes = least_bytes.max(component.base + placed.least);
            steps += placed.steps;
        }
        let searched = Heights::of(&spans, offsets);
        if searched.height < best.height {
            best = searched;
        }
    }
    Placement { offsets: best.offsets, arena_bytes: best.height, live_bytes, least_bytes, steps }
}

/// Offsets and the end of the highest.
struct Heights {
    offsets: Vec<usize>,
    height: usize,
}

impl Heights {
    fn of(spans: &[Span], offsets: Vec<usize>) -> Heights {
        let height = spans.iter().zip(&offsets).map(|(span, offset)| span.bytes + offset).max().unwrap_or(0);
        Heights { offsets, height }
    }
}

/// The lowest of the greedy placements, or the first that is not higher than `enough`.
fn greedy_best(spans: &[Span], live_sums: &[usize], enough: usize) -> Heights {
    let mut best: Option<Heights> = None;
    for order in Order::FIXED {
        let placed = Heights::of(spans, place_greedily(spans, &order.sorted(spans, live_sums)));
        let is_enough = placed.height <= enough;
        if best.as_ref().is_none_or(|best| placed.height < best.height) {
            best = Some(placed);
        }
        if is_enough {
            break;
        }
    }
    best.expect("there are fixed orders")
}

struct PlacedComponent {
    offsets: Vec<usize>,
    /// No placement of the component is lower.
    least: usize,
    steps: u64,
}

/// Places the members of a component, if possible no higher than `enough`.
fn place_component(spans: &[Span], component: &Component, enough: usize, steps_max: u64) -> PlacedComponent {
    let members: Vec<Span> = component.members.iter().map(|k| spans[*k]).collect();
    // Fewer sections may be left without the lives that were set aside.
    let (spans, live_sums) = sections(&members);
    let live = live_sums.iter().copied().max().unwrap_or(0);
    let enough = enough.max(live);
    let mut best = greedy_best(&spans, &live_sums, enough);
    let (mut least, mut steps) = (live, 0);
    if best.height <= enough || spans.len() > SEARCHED_MAX {
        return PlacedComponent { offsets: best.offsets, least, steps };
    }
    // Every height is a sum of sizes.
    let unit = spans.iter().fold(0, |unit, span| greatest_common_divisor(unit, span.bytes));
    let mut search = Search::new(&spans, live_sums);
    // First the least height that is of use; if that takes too long or is impossible, the middle of what is left.
    let (mut lowest, mut height) = (enough, enough);
    while lowest < best.height && steps < steps_max {
        let (outcome, taken) = search.run(height, (steps_max - steps).div_ceil(2));
        steps += taken;
        let next = (height / unit + 1) * unit;
        match outcome {
            Outcome::Found(offsets) => best = Heights::of(&spans, offsets),
            Outcome::Impossible => (least, lowest) = (next, next),
            // Given up, not excluded.
            Outcome::OutOfSteps => lowest = next,
        }
        height = lowest + best.height.saturating_sub(lowest + unit) / 2 / unit * unit;
    }
    PlacedComponent { offsets: best.offsets, least, steps }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    match b {
        0 => a,
        _ => greatest_common_divisor(b, a % b),
    }
}
