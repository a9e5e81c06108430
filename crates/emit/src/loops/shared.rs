//! Programs that keep the same leaves in one memory, so that one learns and the other answers with what was learnt.

use super::{ALIGNMENT, Kept, Loops, Place};

/// Gives two programs one arena: what either keeps lies in it once, by its name, and at one place for both.
pub fn share_kept(first: &mut Loops, second: &mut Loops) {
    let mut all: Vec<Kept> = vec![];
    for program in [&mut *first, &mut *second] {
        let numbers: Vec<usize> = program.kept.iter().map(|kept| number(&mut all, kept)).collect();
        program.each_place(&mut |place| {
            if let Place::Kept(kept) = place {
                *kept = numbers[*kept];
            }
        });
    }
    let arena_bytes = first.arena_bytes.max(second.arena_bytes);
    for program in [first, second] {
        program.kept.clone_from(&all);
        program.arena_bytes = arena_bytes;
    }
}

/// The position of a kept leaf among all, behind which it is put if it is new.
fn number(all: &mut Vec<Kept>, kept: &Kept) -> usize {
    if let Some(position) = all.iter().position(|known| known.leaf.name == kept.leaf.name) {
        return position;
    }
    let end = all.last().map_or(0, |last| last.offset + last.leaf.elements * last.leaf.dtype.size());
    all.push(Kept { offset: end.next_multiple_of(ALIGNMENT), ..kept.clone() });
    all.len() - 1
}
