//! A slice that several workers write at the same time, each its own part.

use std::marker::PhantomData;
use std::ops::Range;

/// Elements that several threads may read and write, each its own part.
#[derive(Clone, Copy)]
pub struct SharedSlice<'a, T = f32> {
    start: *mut T,
    len: usize,
    owner: PhantomData<&'a mut [T]>,
}

// SAFETY: all access goes through unsafe functions whose callers promise that no element is written by one thread
// while another one uses it.
unsafe impl<T: Send> Send for SharedSlice<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedSlice<'_, T> {}

impl<'a, T> SharedSlice<'a, T> {
    /// Shares `slice` for as long as it is borrowed.
    pub fn new(slice: &'a mut [T]) -> SharedSlice<'a, T> {
        SharedSlice { start: slice.as_mut_ptr(), len: slice.len(), owner: PhantomData }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The address of the first element.
    pub fn as_mut_ptr(&self) -> *mut T {
        self.start
    }

    /// The elements of `range`, to write.
    ///
    /// # Safety
    /// While the result lives, nothing else may read or write these elements.
    ///
    /// # Panics
    /// If the range ends beyond the slice.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn slice_mut(&self, range: Range<usize>) -> &'a mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "a range within the slice");
        // SAFETY: the range lies within the borrowed slice, and the caller has it alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }

    /// The elements of `range`, to read.
    ///
    /// # Safety
    /// While the result lives, nothing may write these elements.
    ///
    /// # Panics
    /// If the range ends beyond the slice.
    pub unsafe fn slice(&self, range: Range<usize>) -> &'a [T] {
        assert!(range.start <= range.end && range.end <= self.len, "a range within the slice");
        // SAFETY: the range lies within the borrowed slice, and the caller says that nobody writes it.
        unsafe { std::slice::from_raw_parts(self.start.add(range.start), range.len()) }
    }
}
