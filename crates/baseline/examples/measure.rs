//! Fits the baselines to public data sets and prints quality, size and time of each. Arguments name sets and methods.
//!
//! ```text
//! TACIT_DATA=… cargo run --release -p tacit-baseline --example measure -- adult california boosted-trees
//! ```

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::Instant;

use tacit_baseline::{Method, fit};

const SETS: [&str; 8] = ["adult", "california", "wine-red", "wine-white", "iris", "titanic", "robot", "fashion"];

fn main() {
    let Some(folder) = common::data_folder() else {
        eprintln!("TACIT_DATA names no folder with the data sets");
        std::process::exit(2);
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let sets: Vec<&str> = SETS.into_iter().filter(|name| named(name)).collect();
    let methods: Vec<Method> = Method::ALL.into_iter().filter(|method| named(method.name())).collect();
    println!("set         method               quality     size      rows   fit s  predict s   µs/row  choice");
    for name in if sets.is_empty() { SETS.to_vec() } else { sets } {
        let set = common::load(&folder, name);
        let problem = set.problem();
        for method in if methods.is_empty() { Method::ALL.to_vec() } else { methods.clone() } {
            let start = Instant::now();
            let baseline = fit(&problem, method).expect("the set can be fitted");
            let predict = start.elapsed().as_secs_f64() - baseline.fit_seconds;
            println!(
                "{:<11} {:<18} {:>9.4} {:>8} {:>9} {:>7.2} {:>10.2} {:>8.1}  {}",
                name,
                method.name(),
                set.quality(&baseline.predictions),
                baseline.size_bytes,
                baseline.fitted_rows,
                baseline.fit_seconds,
                predict,
                1e6 * baseline.seconds_per_row(&problem.test),
                baseline.choice
            );
        }
    }
}
