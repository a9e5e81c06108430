//! How many different values there are, and how often each is there, in bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A sample of the different values that were met: all of them as long as they fit, then those whose hash ends in more
/// and more zero bits, so that their number times 2 to the number of bits estimates how many there are (P. B. Gibbons,
/// "Distinct sampling for highly-accurate answers to distinct values queries and event reports", VLDB 2001). With a
/// capacity of n the standard error is near 1/√n.
#[derive(Clone, Debug)]
pub struct Distinct<V> {
    capacity: usize,
    /// Hashes are kept if so many of their last bits are zero.
    level: u32,
    entries: HashMap<u64, V, BuildHasherDefault<Kept>>,
}

impl<V> Distinct<V> {
    /// An empty sample of at most `capacity` values.
    pub fn new(capacity: usize) -> Distinct<V> {
        Distinct { capacity: capacity.max(1), level: 0, entries: HashMap::default() }
    }

    /// The entry of the value with this hash, made by `new` where it is met for the first time; nothing if the sample
    /// leaves the value out.
    pub fn entry(&mut self, hash: u64, new: impl FnOnce() -> V) -> Option<&mut V> {
        if !self.takes(hash) {
            return None;
        }
        if self.entries.len() == self.capacity && !self.entries.contains_key(&hash) {
            while self.entries.len() == self.capacity && self.level < u64::BITS {
                self.level += 1;
                let level = self.level;
                self.entries.retain(|hash, _| hash.trailing_zeros() >= level);
            }
            if !self.takes(hash) {
                return None;
            }
        }
        Some(self.entries.entry(hash).or_insert_with(new))
    }

    /// Whether every value is in the sample.
    pub fn is_exact(&self) -> bool {
        self.level == 0
    }

    /// The number of different values, estimated if the sample is not exact.
    pub fn count(&self) -> u64 {
        (self.entries.len() as u64) << self.level.min(u64::BITS - 1)
    }

    /// What one value of the sample stands for.
    pub fn weight(&self) -> u64 {
        1 << self.level.min(u64::BITS - 1)
    }

    /// The entry of a value that is in the sample.
    pub fn get(&self, hash: u64) -> Option<&V> {
        self.entries.get(&hash)
    }

    /// Whether the sample holds the values with this hash if they are met.
    pub fn takes(&self, hash: u64) -> bool {
        hash.trailing_zeros() >= self.level
    }

    /// The hashes and entries, in no order.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &V)> {
        self.entries.iter().map(|(hash, entry)| (*hash, entry))
    }
}

/// A hash of bytes whose every bit depends on every byte: FNV-1a (Fowler, Noll and Vo), finished by [`mixed`]. It is
/// not for input that wants to collide.
pub fn hash_of(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    mixed(bytes.iter().fold(OFFSET, |state, byte| (state ^ u64::from(*byte)).wrapping_mul(PRIME)))
}

/// The hash of a sequence, from that of what came before and that of the next.
pub fn chained(state: u64, next: u64) -> u64 {
    mixed(state.wrapping_mul(3).wrapping_add(next))
}

/// The finishing step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Keys are hashes already.
#[derive(Default)]
pub struct Kept(u64);

impl Hasher for Kept {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_of(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        // The table takes the first bits, and the last are equal in a sample that is not exact.
        self.0 = hash.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_counted_exactly() {
        let mut distinct = Distinct::new(100);
        for value in 0..1000u64 {
            *distinct.entry(hash_of(&(value % 10).to_le_bytes()), || 0u64).unwrap() += 1;
        }
        assert!(distinct.is_exact() && distinct.count() == 10);
        assert!(distinct.entries().all(|(_, count)| *count == 100));
    }

    #[test]
    fn many_values_are_estimated_within_bounded_memory() {
        let mut distinct = Distinct::new(1024);
        for value in 0..200_000u64 {
            distinct.entry(hash_of(&value.to_le_bytes()), || ());
            distinct.entry(hash_of(&(value / 2).to_le_bytes()), || ());
        }
        assert!(!distinct.is_exact() && distinct.entries().count() <= 1024);
        // Four standard errors.
        assert!(distinct.count().abs_diff(200_000) < 25_000, "{}", distinct.count());
    }

    #[test]
    fn the_counts_of_the_values_that_are_kept_are_whole() {
        let mut distinct = Distinct::new(64);
        for _ in 0..3 {
            for value in 0..5000u64 {
                if let Some(count) = distinct.entry(hash_of(&value.to_le_bytes()), || 0u64) {
                    *count += 1;
                }
            }
        }
        // A value is kept from its first time on or never: its hash does not change.
        assert!(distinct.entries().all(|(_, count)| *count == 3));
    }

    #[test]
    fn every_input_bit_reaches_the_last_bits() {
        let mut ends = std::collections::BTreeSet::new();
        for value in 0..4096u64 {
            ends.insert(hash_of(&(value << 52).to_le_bytes()) & 0xff);
        }
        assert_eq!(ends.len(), 256);
    }
}
