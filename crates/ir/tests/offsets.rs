//! Offsets of instances that nobody here made.

mod minimalloc;

use minimalloc::{greedy_by_size, instances};
use tacit_ir::passes::plan::place;

/// Those that take at most a few seconds without optimisation; `examples/offsets.rs` places all.
const FAST: [&str; 4] = ["C", "F", "G", "K"];

#[test]
fn the_fast_instances_of_minimalloc_are_placed_at_their_greatest_live_sum() {
    let Some(instances) = instances() else {
        eprintln!("skipped: TACIT_DATA names no folder with `minimalloc`");
        return;
    };
    for (name, lives) in instances.iter().filter(|(name, _)| FAST.contains(&name.as_str())) {
        let placement = place(lives, 20_000_000);
        assert_eq!(placement.arena_bytes, placement.live_bytes, "{name}");
        assert!(placement.arena_bytes <= 1_048_576 && placement.is_least(), "{name}");
        assert!(greedy_by_size(lives) * 4 > placement.arena_bytes * 5, "{name} has become easy for a greedy placement");
        for (k, a) in lives.iter().enumerate() {
            for (l, b) in lives[..k].iter().enumerate() {
                let (x, y) = (placement.offsets[k], placement.offsets[l]);
                let meet = a.first <= b.last && b.first <= a.last;
                assert!(!meet || x + a.bytes <= y || y + b.bytes <= x, "{name}: {l} and {k} overlap");
            }
        }
    }
}
