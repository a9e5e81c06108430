//! Places the buffers of MiniMalloc's challenging instances, each of which fits into 1,048,576 bytes, and prints what it took.
//!
//!     TACIT_DATA=<folder> cargo run --release -p tacit-ir --example offsets
//!
//! The folder `minimalloc` of the data has one file an instance, with a line for each buffer: its number, the first time at
//! which it is needed, the first at which it is not any more, and its size.

#[path = "../tests/minimalloc/mod.rs"]
mod minimalloc;

use minimalloc::instances;
use std::time::Instant;
use tacit_ir::passes::plan::place;

/// Enough for each of them to fit; where the live sum may not be met, all of it is used.
const STEPS_MAX: u64 = 350_000_000;

fn main() {
    let Some(instances) = instances() else {
        eprintln!("there is no folder `minimalloc` in the folder that TACIT_DATA names");
        std::process::exit(1);
    };
    println!(
        "{:>8} {:>7} {:>9} {:>9} {:>6} {:>9} {:>6} {:>11} {:>7}",
        "instance", "buffers", "live sum", "greedy", "", "found", "least", "steps", "seconds"
    );
    let begun = Instant::now();
    for (name, lives) in instances {
        let greedy = minimalloc::greedy_by_size(&lives);
        let start = Instant::now();
        let placement = place(&lives, STEPS_MAX);
        println!(
            "{name:>8} {:>7} {:>9} {greedy:>9} {:>5.3}x {:>9} {:>6} {:>11} {:>7.2}",
            lives.len(),
            placement.live_bytes,
            greedy as f64 / placement.live_bytes as f64,
            placement.arena_bytes,
            if placement.is_least() { "yes" } else { "?" },
            placement.steps,
            start.elapsed().as_secs_f64()
        );
    }
    println!("{:.2} seconds together", begun.elapsed().as_secs_f64());
}
