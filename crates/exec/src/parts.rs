//! The division of one kernel's work: every worker has parts of its own, and who is through with them takes over what
//! others have not begun.
//!
//! Processors are shared with other programs, so that equal parts take unequal times; without this everybody waits for
//! the latest. Which worker computes a part changes no bit of it.

use std::sync::atomic::{AtomicU64, Ordering};

/// The parts of one worker that are taken in one run: from the front by itself, from the back by others.
///
/// The number of the run stands beside the counts, so that a new run begins without anybody resetting them.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Home(AtomicU64);

/// A home's word: 32 bits for the run, 16 for the parts taken from the front, 16 for those from the back.
#[derive(Clone, Copy)]
struct Taken {
    run: u32,
    front: u16,
    back: u16,
}

impl Taken {
    fn read(word: u64) -> Taken {
        Taken { run: (word >> 32) as u32, front: (word >> 16) as u16, back: word as u16 }
    }

    fn word(self) -> u64 {
        u64::from(self.run) << 32 | u64::from(self.front) << 16 | u64::from(self.back)
    }
}

impl Home {
    /// Takes one of `each` parts that is left in this run.
    fn take(&self, run: u32, each: usize, as_owner: bool) -> Option<usize> {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let mut taken = Taken::read(word);
            if taken.run != run {
                taken = Taken { run, front: 0, back: 0 };
            }
            let (front, back) = (usize::from(taken.front), usize::from(taken.back));
            if front + back >= each {
                return None;
            }
            let part = match as_owner {
                true => {
                    taken.front += 1;
                    front
                }
                false => {
                    taken.back += 1;
                    each - 1 - back
                }
            };
            // The work itself is handed over by barriers; here only the counts have to agree.
            match self.0.compare_exchange_weak(word, taken.word(), Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(part),
                Err(changed) => word = changed,
            }
        }
    }
}

/// How a kernel's work is handed out in one run of the program.
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    /// One row of homes, a home for each worker, for every division that the kernel makes in a run.
    pub homes: &'a [Home],
    /// The number of the run, which differs from that of the run before.
    pub run: u32,
    /// How many parts each worker has.
    pub each: usize,
}

/// The parts that one worker gets, one after another.
pub struct Parts<'a> {
    /// The homes of this division; without them every worker does its own parts.
    homes: &'a [Home],
    run: u32,
    each: usize,
    worker: usize,
    done: usize,
}

impl<'a> Parts<'a> {
    /// The parts of `worker` in a kernel's division number `division`, of `each` parts for everyone of `count` workers.
    pub fn new(claims: Option<Claims<'a>>, division: usize, each: usize, worker: usize, count: usize) -> Parts<'a> {
        let homes = claims.and_then(|claims| claims.homes.get(division * count..(division + 1) * count));
        let run = claims.map_or(0, |claims| claims.run);
        Parts { homes: homes.unwrap_or_default(), run, each, worker, done: 0 }
    }
}

impl Iterator for Parts<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.homes.is_empty() {
            let part = (self.done < self.each).then_some(self.worker * self.each + self.done);
            self.done += 1;
            return part;
        }
        let count = self.homes.len();
        (0..count).find_map(|step| {
            let home = (self.worker + step) % count;
            let part = self.homes[home].take(self.run, self.each, step == 0)?;
            Some(home * self.each + part)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(homes: &[Home], run: u32, each: usize, worker: usize) -> Parts<'_> {
        Parts::new(Some(Claims { homes, run, each }), 0, each, worker, 3)
    }

    #[test]
    fn every_part_is_taken_once_by_any_number_of_threads() {
        let homes: Vec<Home> = (0..3).map(|_| Home::default()).collect();
        for run in 1..200 {
            let each = run as usize % 9;
            let mut taken: Vec<usize> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..3)
                    .map(|worker| {
                        scope.spawn({
                            let homes = &homes;
                            move || parts(homes, run, each, worker).collect::<Vec<_>>()
                        })
                    })
                    .collect();
                threads.into_iter().flat_map(|thread| thread.join().expect("no thread panics")).collect()
            });
            taken.sort_unstable();
            assert_eq!(taken, (0..3 * each).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_worker_takes_its_own_parts_first_and_those_of_others_from_the_back() {
        let homes: Vec<Home> = (0..3).map(|_| Home::default()).collect();
        assert_eq!(parts(&homes, 1, 2, 1).collect::<Vec<_>>(), [2, 3, 5, 4, 1, 0]);
        assert_eq!(parts(&homes, 1, 2, 0).next(), None);
        assert_eq!(parts(&homes, 2, 2, 0).next(), Some(0));
    }

    #[test]
    fn without_homes_everyone_has_their_own_parts() {
        assert_eq!(Parts::new(None, 0, 2, 1, 3).collect::<Vec<_>>(), [2, 3]);
        let homes = [Home::default(), Home::default()];
        let claims = Some(Claims { homes: &homes, run: 1, each: 1 });
        assert_eq!(Parts::new(claims, 1, 1, 1, 2).collect::<Vec<_>>(), [1]);
    }
}
