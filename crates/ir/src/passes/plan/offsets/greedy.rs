//! One life after another, each at the lowest gap that fits.

use super::sections::Span;

/// Offsets in this order of the lives.
pub fn place_greedily(spans: &[Span], order: &[usize]) -> Vec<usize> {
    let mut offsets = vec![0; spans.len()];
    // What is placed, by its offset.
    let mut placed: Vec<usize> = Vec::with_capacity(spans.len());
    for k in order {
        let span = &spans[*k];
        let mut offset = 0;
        for other in placed.iter().filter(|other| spans[**other].overlaps(span)) {
            if offset + span.bytes <= offsets[*other] {
                break;
            }
            offset = offset.max(offsets[*other] + spans[*other].bytes);
        }
        offsets[*k] = offset;
        let at = placed.partition_point(|other| offsets[*other] <= offset);
        placed.insert(at, *k);
    }
    offsets
}
