//! The one block of memory that a program runs in, and the table of slots that kernels address it by.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::marker::PhantomData;

/// Cache lines: every slot starts on one.
pub const ALIGNMENT: usize = 64;

/// Zeroed bytes, aligned to a cache line, of fixed size.
pub struct Arena {
    base: *mut u8,
    layout: Layout,
}

// SAFETY: the arena owns its bytes; access is through `Slots`, whose users divide it.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Nothing if the machine does not give so many bytes.
    pub fn new(bytes: usize) -> Option<Arena> {
        let layout = Layout::from_size_align(bytes.max(ALIGNMENT), ALIGNMENT).ok()?;
        // SAFETY: the layout has a size above zero.
        let base = unsafe { alloc_zeroed(layout) };
        (!base.is_null()).then_some(Arena { base, layout })
    }

    pub fn base(&self) -> *mut u8 {
        self.base
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.base, self.layout) }
    }
}

/// Where a slot lies in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub offset: usize,
    pub bytes: usize,
}

/// The table by which kernels reach memory while a step runs.
///
/// Kernels read and write through shared references: the plan guarantees that what one kernel writes no worker of it
/// reads, except at the very index that it is about to write, and that workers write disjoint elements.
pub struct Slots<'a> {
    base: *mut u8,
    spans: &'a [Span],
    arena: PhantomData<&'a Arena>,
}

// SAFETY: see the type's documentation; the plan divides all writes.
unsafe impl Sync for Slots<'_> {}

impl<'a> Slots<'a> {
    pub fn new(arena: &'a mut Arena, spans: &'a [Span]) -> Slots<'a> {
        assert!(spans.iter().all(|s| s.offset % ALIGNMENT == 0 && s.offset + s.bytes <= arena.layout.size()));
        Slots { base: arena.base, spans, arena: PhantomData }
    }

    /// The elements of a slot.
    pub fn read<T: Copy>(&self, slot: usize) -> &[T] {
        let span = self.spans[slot];
        // SAFETY: spans lie inside the arena and are aligned; `T` is a plain number of at most 4 bytes.
        unsafe { std::slice::from_raw_parts(self.base.add(span.offset).cast::<T>(), span.bytes / size_of::<T>()) }
    }

    /// Where a slot begins, and its bytes.
    pub fn whole(&self, slot: usize) -> (*mut u8, usize) {
        let span = self.spans[slot];
        (self.base.wrapping_add(span.offset), span.bytes)
    }

    /// `count` elements from `first` of a slot, for writing by the one worker that owns them.
    #[expect(clippy::mut_from_ref, reason = "the plan divides all writes among workers")]
    pub fn write<T: Copy>(&self, slot: usize, first: usize, count: usize) -> &mut [T] {
        let span = self.spans[slot];
        assert!((first + count) * size_of::<T>() <= span.bytes);
        // SAFETY: the range was checked against the span; the plan gives it to this worker alone.
        unsafe { std::slice::from_raw_parts_mut(self.base.add(span.offset).cast::<T>().add(first), count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_no_machine_has_is_not_given() {
        // Without the black box the compiler may leave out allocations that nobody uses, and say that they were given.
        for bytes in [usize::MAX, 1 << 62] {
            assert!(std::hint::black_box(Arena::new(std::hint::black_box(bytes))).is_none());
        }
        assert!(Arena::new(0).is_some());
    }
}
