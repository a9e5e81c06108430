//! Measures the scalar functions: errors over every f32, and speed.
//!
//!     cargo run --release -p tacit-ir --example ulp -- exp log     errors of these over all 2³² inputs
//!     cargo run --release -p tacit-ir --example ulp -- all         errors of all
//!     cargo run --release -p tacit-ir --example ulp -- speed       ns an element for each set of vector instructions
//!     cargo run --release -p tacit-ir --example ulp -- bits        all sets give the same bits, for 2²⁴ inputs

use std::process::ExitCode;
use std::time::Instant;
use tacit_ir::math::{self, oracle};

/// Writes f(x) for every x.
type Kernel = unsafe fn(&[f32], &mut [f32]);

struct Function {
    name: &'static str,
    oracle: fn(f64) -> f64,
    /// A result below the smallest normal number is +0.
    flushes: bool,
    /// Errors are reported up to each of these magnitudes.
    ranges: &'static [f32],
    /// One for every entry of [`available`].
    kernels: [Kernel; 3],
}

/// The vector instructions a kernel is compiled for, and whether this machine has them.
fn available() -> [(&'static str, bool); 3] {
    #[cfg(target_arch = "x86_64")]
    let has =
        [is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")];
    #[cfg(not(target_arch = "x86_64"))]
    let has = [false, false];
    [("avx512", has[0]), ("avx2+fma", has[1]), ("baseline", true)]
}

macro_rules! kernels {
    ($function:path) => {{
        #[inline(always)]
        fn body(x: &[f32], out: &mut [f32]) {
            for (o, x) in out.iter_mut().zip(x) {
                *o = $function(*x);
            }
        }
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))]
        fn avx512(x: &[f32], out: &mut [f32]) {
            body(x, out)
        }
        #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
        fn avx2(x: &[f32], out: &mut [f32]) {
            body(x, out)
        }
        [avx512 as Kernel, avx2 as Kernel, body as Kernel]
    }};
}

const ALL: &[f32] = &[f32::INFINITY];
const ANGLES: &[f32] = &[1024.0, 131_072.0, 1_048_576.0];

fn functions() -> Vec<Function> {
    let plain = |name, oracle, kernels| Function { name, oracle, flushes: false, ranges: ALL, kernels };
    vec![
        Function { flushes: true, ..plain("exp", oracle::exp, kernels!(math::exp)) },
        plain("log", oracle::log, kernels!(math::log)),
        plain("tanh", oracle::tanh, kernels!(math::tanh)),
        plain("erf", oracle::erf, kernels!(math::erf)),
        Function { flushes: true, ..plain("sigmoid", oracle::sigmoid, kernels!(math::sigmoid)) },
        Function { ranges: ANGLES, ..plain("sin", oracle::sin, kernels!(math::sin)) },
        Function { ranges: ANGLES, ..plain("cos", oracle::cos, kernels!(math::cos)) },
        plain("sqrt", oracle::sqrt, kernels!(math::sqrt)),
        plain("round", oracle::round, kernels!(math::round)),
        plain("flush", |x| if x.abs() < f32::MIN_POSITIVE as f64 { 0.0 } else { x }, kernels!(math::flush)),
    ]
}

fn main() -> ExitCode {
    let functions = functions();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        eprintln!("usage: ulp <all | speed | bits | function...>");
        return ExitCode::FAILURE;
    }
    for argument in &arguments {
        match argument.as_str() {
            "all" => functions.iter().for_each(report_errors),
            "speed" => report_speed(&functions),
            "bits" => functions.iter().for_each(compare_bits),
            name => match functions.iter().find(|f| f.name == name) {
                Some(function) => report_errors(function),
                None => {
                    eprintln!("no function `{name}`");
                    return ExitCode::FAILURE;
                }
            },
        }
    }
    ExitCode::SUCCESS
}

/// The index of the fastest kernel this machine can run.
fn fastest() -> usize {
    available().iter().position(|(_, has)| *has).expect("the baseline is always there")
}

fn run(function: &Function, set: usize, x: &[f32], out: &mut [f32]) {
    assert!(available()[set].1);
    // SAFETY: the machine has the features that this kernel was compiled for.
    unsafe { function.kernels[set](x, out) }
}

/// The largest error of a range and where it is.
#[derive(Clone, Copy)]
struct Worst {
    ulp: f64,
    x: f32,
    got: f32,
}

/// Sweeps all 2³² bit patterns and prints the largest error for each range.
fn report_errors(function: &Function) {
    const BLOCK: usize = 4096;
    let mut worst = vec![Worst { ulp: 0.0, x: 0.0, got: 0.0 }; function.ranges.len()];
    let mut x = vec![0.0; BLOCK];
    let mut out = vec![0.0; BLOCK];
    let set = fastest();
    for first in (0..=u32::MAX).step_by(BLOCK) {
        for (i, x) in x.iter_mut().enumerate() {
            *x = f32::from_bits(first + i as u32);
        }
        run(function, set, &x, &mut out);
        for (&x, &got) in x.iter().zip(&out) {
            let Some(range) = function.ranges.iter().position(|r| x.is_nan() || x.abs() <= *r) else { continue };
            let ulp = error(function, x, got);
            if ulp > worst[range].ulp {
                worst[range] = Worst { ulp, x, got };
            }
        }
    }
    let mut w = worst[0];
    for (range, in_range) in function.ranges.iter().zip(worst) {
        // A range includes the smaller ones before it.
        w = if in_range.ulp > w.ulp { in_range } else { w };
        println!(
            "{:8} |x| <= {range:<8} {:.4} ulp at {:e} ({:#010x}): {:e}, exact {:e}",
            function.name,
            w.ulp,
            w.x,
            w.x.to_bits(),
            w.got,
            (function.oracle)(w.x as f64)
        );
    }
}

fn error(function: &Function, x: f32, got: f32) -> f64 {
    let exact = (function.oracle)(x as f64);
    if function.flushes && exact < f32::MIN_POSITIVE as f64 && got.to_bits() == 0 {
        return 0.0;
    }
    oracle::error_ulp(got, exact)
}

/// Times each kernel on 4096 elements that stay in cache; the best of many repeats.
fn report_speed(functions: &[Function]) {
    let x: Vec<f32> = (0..4096).map(|i| (i as f32 - 2048.0) / 256.0).collect();
    let mut out = vec![0.0; x.len()];
    print!("ns an element");
    available().iter().for_each(|(name, _)| print!(" {name:>10}"));
    println!();
    for function in functions {
        print!("{:13}", function.name);
        for (set, (_, has)) in available().into_iter().enumerate() {
            let best = if has { time_ns(|| run(function, set, &x, &mut out)) } else { f64::NAN };
            print!(" {:10.3}", best / x.len() as f64);
        }
        println!();
    }
    let mut out = vec![0.0; 4096];
    let kernels = random_kernels();
    print!("{:13}", "uniform");
    for (kernel, (_, has)) in kernels.into_iter().zip(available()) {
        // SAFETY: the machine has the features that this kernel was compiled for.
        let best = if has { time_ns(|| unsafe { kernel(&mut out) }) } else { f64::NAN };
        print!(" {:10.3}", best / 4096.0);
    }
    println!();
}

fn random_kernels() -> [unsafe fn(&mut [f32]); 3] {
    #[inline(always)]
    fn body(out: &mut [f32]) {
        math::philox_fill_uniform(out, 0, 1, [2, 3])
    }
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))]
    fn avx512(out: &mut [f32]) {
        body(out)
    }
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
    fn avx2(out: &mut [f32]) {
        body(out)
    }
    [avx512, avx2, body]
}

fn time_ns(mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_nanos() as f64);
    }
    best
}

/// Compares all kernels on 2²⁴ bit patterns, one in each 256; NaN is one value.
fn compare_bits(function: &Function) {
    let x: Vec<f32> = (0..1 << 24).map(|i: u32| f32::from_bits((i << 8) | (i & 0xff))).collect();
    let canonical = |out: &[f32]| -> Vec<u32> {
        out.iter().map(|v| if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() }).collect()
    };
    let mut out = vec![0.0; x.len()];
    let mut expected = None;
    for (set, (name, has)) in available().into_iter().enumerate() {
        if !has {
            continue;
        }
        run(function, set, &x, &mut out);
        let bits = canonical(&out);
        let first = expected.get_or_insert_with(|| bits.clone());
        let differing = first.iter().zip(&bits).filter(|(a, b)| a != b).count();
        println!("{:8} {name:>10}: {differing} of {} differ", function.name, x.len());
    }
}
