//! What the machine reaches at most: the ceilings that kernels are measured against.

use std::hint::black_box;
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

/// What threads reach together with nothing else to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ceiling {
    /// Fused multiply-adds of f32 in registers, in billions of operations a second, two for each.
    pub gflops: f64,
    /// Bytes read and written by a copy between main memory and main memory, in billions a second.
    pub copied_gb: f64,
}

/// Measures so many threads, each copying its part of `copied_bytes`; it takes about a tenth of a second.
pub fn ceiling(threads: usize, copied_bytes: usize) -> Ceiling {
    Ceiling { gflops: multiply_adds(threads), copied_gb: copies(threads, copied_bytes) }
}

/// The widest vectors that the processor has.
pub fn widest_vectors() -> &'static str {
    Kernel::best().name()
}

/// How many sums each kernel keeps at once: more than the multiply-adds that are under way in any processor's units.
const SUMS: usize = 12;

/// Rounds of one measurement, a few milliseconds long.
const ROUNDS: usize = 1 << 18;

/// The instructions of the loop that finds the peak.
#[derive(Clone, Copy)]
enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    fn best() -> Kernel {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Kernel::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Kernel::Avx2;
            }
        }
        Kernel::Portable
    }

    fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => "AVX2",
            Kernel::Portable => std::env::consts::ARCH,
        }
    }

    fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => 16,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => 8,
            Kernel::Portable => 4,
        }
    }

    /// Multiplies and adds, `SUMS` times in each round.
    fn run(self, rounds: usize) -> f32 {
        match self {
            // SAFETY: `best` is the only source of this value and has found AVX-512F.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => unsafe { x86::avx512(rounds) },
            // SAFETY: `best` is the only source of this value and has found AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => unsafe { x86::avx2(rounds) },
            Kernel::Portable => portable(rounds),
        }
    }
}

/// Where a sum starts: sums that start alike would be one sum to the compiler.
fn first(sum: usize) -> f32 {
    black_box(sum as f32 / SUMS as f32)
}

/// Sums move towards 1 and stay ordinary numbers: `sum * SHRINK + (1 - SHRINK)`.
const SHRINK: f32 = 0.999;

fn portable(rounds: usize) -> f32 {
    let (factor, term) = (black_box(SHRINK), black_box(1.0 - SHRINK));
    let mut sums: [[f32; 4]; SUMS] = std::array::from_fn(|sum| std::array::from_fn(|lane| first(sum + lane)));
    for _ in 0..rounds {
        for number in sums.as_flattened_mut() {
            *number = number.mul_add(factor, term);
        }
    }
    sums.as_flattened().iter().sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{SHRINK, SUMS, first};
    use std::arch::x86_64::{
        _mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_cvtss_f32, _mm512_fmadd_ps, _mm512_set1_ps,
    };
    use std::hint::black_box;

    #[target_feature(enable = "avx512f")]
    pub fn avx512(rounds: usize) -> f32 {
        let (factor, term) = (_mm512_set1_ps(black_box(SHRINK)), _mm512_set1_ps(black_box(1.0 - SHRINK)));
        let mut sums: [_; SUMS] = std::array::from_fn(|sum| _mm512_set1_ps(first(sum)));
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, term);
            }
        }
        sums.map(|sum| _mm512_cvtss_f32(sum)).iter().sum()
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2(rounds: usize) -> f32 {
        let (factor, term) = (_mm256_set1_ps(black_box(SHRINK)), _mm256_set1_ps(black_box(1.0 - SHRINK)));
        let mut sums: [_; SUMS] = std::array::from_fn(|sum| _mm256_set1_ps(first(sum)));
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, term);
            }
        }
        sums.map(|sum| _mm256_cvtss_f32(sum)).iter().sum()
    }
}

/// The most that so many threads reach together, in 10⁹ operations a second.
fn multiply_adds(threads: usize) -> f64 {
    let kernel = Kernel::best();
    let operations = 2.0 * (threads * kernel.lanes() * SUMS * ROUNDS) as f64;
    let seconds = least_seconds(100, vec![(); threads], &|()| {
        black_box(kernel.run(black_box(ROUNDS)));
    });
    operations / seconds / 1e9
}

/// The most that so many threads copy together, in 10⁹ bytes a second, each read and each written byte counted.
fn copies(threads: usize, bytes: usize) -> f64 {
    // Written once, so that the pages are there before the copies are timed.
    let (from, mut to) = (vec![1_u8; bytes], vec![2_u8; bytes]);
    let part = bytes.div_ceil(threads).max(1);
    let parts: Vec<(&[u8], &mut [u8])> = from.chunks(part).zip(to.chunks_mut(part)).collect();
    let seconds = least_seconds(12, parts, &|(from, to)| {
        to.copy_from_slice(from);
        black_box(to);
    });
    2.0 * bytes as f64 / seconds / 1e9
}

/// The least seconds in which every thread has done its part, of several repeats.
fn least_seconds<P: Send>(repeats: usize, parts: Vec<P>, work: &(dyn Fn(&mut P) + Sync)) -> f64 {
    let barrier = Barrier::new(parts.len());
    let slowest = Mutex::new(vec![Duration::ZERO; repeats]);
    std::thread::scope(|scope| {
        for mut part in parts {
            let (barrier, slowest) = (&barrier, &slowest);
            scope.spawn(move || {
                for repeat in 0..repeats {
                    barrier.wait();
                    let start = Instant::now();
                    work(&mut part);
                    let taken = start.elapsed();
                    let mut slowest = slowest.lock().expect("no thread fails while it writes its time");
                    slowest[repeat] = slowest[repeat].max(taken);
                }
            });
        }
    });
    let slowest = slowest.into_inner().expect("all threads have ended");
    slowest.into_iter().min().map_or(f64::NAN, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_compute_what_they_say() {
        // Far enough on, all sums are 1.
        let expected = |kernel: Kernel| match kernel {
            Kernel::Portable => (SUMS * 4) as f32,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 | Kernel::Avx2 => SUMS as f32,
        };
        for kernel in [Kernel::best(), Kernel::Portable] {
            assert!((kernel.run(100_000) - expected(kernel)).abs() < 0.1);
        }
    }

    #[test]
    fn every_part_is_worked_on_in_every_repeat() {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let work = |part: &mut usize| {
            count.fetch_add(*part, std::sync::atomic::Ordering::Relaxed);
        };
        let seconds = least_seconds(5, vec![1, 10], &work);
        assert_eq!(count.into_inner(), 55);
        assert!(seconds >= 0.0);
    }
}
