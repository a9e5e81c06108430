//! Time taken apart: only the moments at which most lives meet matter, and what shares none of them is placed by itself.

use super::Life;

/// A life in sections of time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub bytes: usize,
    /// In units of the original time.
    pub duration: usize,
    pub first: usize,
    pub last: usize,
}

impl Span {
    pub fn overlaps(&self, other: &Span) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Every time is a section.
    pub fn of(life: &Life) -> Span {
        Span { bytes: life.bytes, duration: life.last - life.first + 1, first: life.first, last: life.last }
    }
}

/// The lives in as few sections as possible, and the sum of bytes that live in each. A section is a set of lives that meet and to which no other
/// could be added, so there are at most as many as lives, and two lives overlap if and only if they share a section.
pub fn sections(lives: &[Span]) -> (Vec<Span>, Vec<usize>) {
    let mut spans = lives.to_vec();
    // At one time all starts come before all ends, since both are included.
    let mut events: Vec<(usize, bool, usize)> = vec![];
    for (k, life) in lives.iter().enumerate() {
        events.extend([(life.first, false, k), (life.last, true, k)]);
    }
    events.sort_unstable();
    let mut live_sums = vec![];
    let (mut live, mut grown) = (0, false);
    for (_, ends, k) in events {
        if ends {
            if grown {
                live_sums.push(live);
                grown = false;
            }
            live -= lives[k].bytes;
            spans[k].last = live_sums.len() - 1;
        } else {
            live += lives[k].bytes;
            grown = true;
            spans[k].first = live_sums.len();
        }
    }
    (spans, live_sums)
}

/// Lives that can be placed without regard to all others, from an offset upwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Positions among all lives.
    pub members: Vec<usize>,
    pub base: usize,
}

/// Takes spans apart. Where no life reaches from one section into the next, the sections before and behind are apart. A life
/// that lasts as long as its component can lie below all others: whatever lies below it in a placement fits in the same
/// order above it. Without it the component may fall apart again.
pub fn components(spans: &[Span]) -> Vec<Component> {
    // What has no bytes has a place anywhere.
    let mut order: Vec<usize> = (0..spans.len()).filter(|k| spans[*k].bytes > 0).collect();
    order.sort_by_key(|k| (spans[*k].first, *k));
    let mut open = vec![Component { members: order, base: 0 }];
    let mut done = vec![];
    while let Some(Component { members, base }) = open.pop() {
        for part in apart(spans, members) {
            let first = part.iter().map(|k| spans[*k].first).min();
            let last = part.iter().map(|k| spans[*k].last).max();
            let lasts = |k: &usize| Some(spans[*k].first) == first && Some(spans[*k].last) == last;
            let (below, members): (Vec<usize>, Vec<usize>) = part.into_iter().partition(lasts);
            let mut base = base;
            for k in &below {
                done.push(Component { members: vec![*k], base });
                base += spans[*k].bytes;
            }
            match below.is_empty() {
                true => done.push(Component { members, base }),
                false => open.push(Component { members, base }),
            }
        }
    }
    done
}

/// Divides members, in order of their first sections, where none reaches across.
pub fn apart(spans: &[Span], members: Vec<usize>) -> Vec<Vec<usize>> {
    let mut parts: Vec<Vec<usize>> = vec![];
    let mut end = None;
    for k in members {
        match parts.last_mut() {
            Some(part) if end.is_some_and(|end| spans[k].first <= end) => part.push(k),
            Some(_) | None => parts.push(vec![k]),
        }
        end = end.max(Some(spans[k].last));
    }
    parts
}
