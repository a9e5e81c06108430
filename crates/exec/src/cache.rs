//! The size of the processor's caches, by which work is cut into blocks. It changes no bit of any result.

/// What processors of the last ten years have at least.
const SECOND_LEVEL_DEFAULT: usize = 512 * 1024;

/// Sizes that exist; anything else is no answer.
const SECOND_LEVEL: std::ops::Range<usize> = 128 * 1024..16 * 1024 * 1024;

/// The bytes of one core's second-level cache, or a cautious guess where the processor does not tell.
pub fn second_level_bytes() -> usize {
    reported().filter(|bytes| SECOND_LEVEL.contains(bytes)).unwrap_or(SECOND_LEVEL_DEFAULT)
}

/// From function 8000_0006h of CPUID, which processors of Intel and AMD fill in alike.
#[cfg(target_arch = "x86_64")]
fn reported() -> Option<usize> {
    use std::arch::x86_64::__cpuid;
    const FUNCTION: u32 = 0x8000_0006;
    #[allow(unused_unsafe, reason = "calling it needs `unsafe` up to some version of Rust")]
    // SAFETY: every x86-64 processor has the instruction.
    let cpuid = |function| unsafe { __cpuid(function) };
    (cpuid(0x8000_0000).eax >= FUNCTION).then(|| (cpuid(FUNCTION).ecx >> 16) as usize * 1024)
}

#[cfg(not(target_arch = "x86_64"))]
fn reported() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_level_has_a_size_that_exists() {
        assert!(SECOND_LEVEL.contains(&second_level_bytes()));
        assert!(SECOND_LEVEL.contains(&SECOND_LEVEL_DEFAULT));
    }
}
