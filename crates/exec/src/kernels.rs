//! The kernel sets: the same source compiled for several instruction-set extensions.
//!
//! All sets compute identical bits; they differ in speed only. The choice is made once, at start.

use std::fmt;

/// The environment variable that forces a lower kernel set than the machine offers.
pub const KERNELS_VARIABLE: &str = "TACIT_KERNELS";

/// A vector feature set that kernels are compiled for, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KernelSet {
    /// 512-bit vectors: AVX-512F, with AVX2 and FMA.
    Avx512,
    /// 256-bit vectors with fused multiply-add: AVX2 and FMA.
    Avx2,
    /// What every target of the compiler has.
    Baseline,
}

/// Why a requested kernel set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelSetError {
    /// The requested name is none of `avx512`, `avx2`, `baseline`.
    Unknown { requested: String },
    /// This machine lacks the features that the requested set is compiled for.
    Unavailable { requested: KernelSet, best: KernelSet },
}

impl KernelSet {
    /// All sets, best first.
    pub const ALL: [KernelSet; 3] = [KernelSet::Avx512, KernelSet::Avx2, KernelSet::Baseline];

    /// The set to use: the best that this machine has, or the one that `TACIT_KERNELS` names.
    pub fn detect() -> Result<KernelSet, KernelSetError> {
        match std::env::var_os(KERNELS_VARIABLE) {
            None => Ok(KernelSet::best()),
            Some(requested) => KernelSet::requested(&requested.to_string_lossy()),
        }
    }

    /// The best set that this machine has.
    pub fn best() -> KernelSet {
        let [avx512, avx2, baseline] = KernelSet::ALL;
        if avx512.is_available() {
            avx512
        } else if avx2.is_available() {
            avx2
        } else {
            baseline
        }
    }

    /// The set called `name`, if this machine can run it.
    pub fn requested(name: &str) -> Result<KernelSet, KernelSetError> {
        let requested = KernelSet::ALL
            .into_iter()
            .find(|set| set.name() == name)
            .ok_or_else(|| KernelSetError::Unknown { requested: name.to_owned() })?;
        if requested.is_available() {
            Ok(requested)
        } else {
            Err(KernelSetError::Unavailable { requested, best: KernelSet::best() })
        }
    }

    /// Whether the set has vectors of 256 bits and fused multiply-add, which machine code is made of.
    pub fn has_fused_multiply_add(self) -> bool {
        match self {
            KernelSet::Avx512 | KernelSet::Avx2 => true,
            KernelSet::Baseline => false,
        }
    }

    /// Whether this machine has every feature that the set is compiled for.
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        match self {
            KernelSet::Avx512 => avx2 && is_x86_feature_detected!("avx512f"),
            KernelSet::Avx2 => avx2,
            KernelSet::Baseline => true,
        }
    }

    /// Whether this machine has every feature that the set is compiled for.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        match self {
            KernelSet::Avx512 | KernelSet::Avx2 => false,
            KernelSet::Baseline => true,
        }
    }

    /// The name that `TACIT_KERNELS` takes.
    pub fn name(self) -> &'static str {
        match self {
            KernelSet::Avx512 => "avx512",
            KernelSet::Avx2 => "avx2",
            KernelSet::Baseline => "baseline",
        }
    }
}

impl fmt::Display for KernelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for KernelSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KernelSetError::Unknown { requested } => write!(
                f,
                "`{KERNELS_VARIABLE}` names no kernel set: `{requested}`\n\
                 help: use one of `avx512`, `avx2`, `baseline`, or unset it"
            ),
            KernelSetError::Unavailable { requested, best } => write!(
                f,
                "`{KERNELS_VARIABLE}` asks for `{requested}`, which this processor lacks\n\
                 help: the best set of this processor is `{best}`; use it, or unset the variable"
            ),
        }
    }
}

impl std::error::Error for KernelSetError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_set_can_be_requested_by_its_name() {
        for set in KernelSet::ALL {
            let answer = KernelSet::requested(set.name());
            if set.is_available() {
                assert_eq!(answer, Ok(set));
            } else {
                assert_eq!(answer, Err(KernelSetError::Unavailable { requested: set, best: KernelSet::best() }));
            }
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_names() {
        let error = KernelSet::requested("sse9").unwrap_err();
        let message = error.to_string();
        assert!(message.contains("names no kernel set"), "{message}");
        for set in KernelSet::ALL {
            assert!(message.contains(set.name()), "{message}");
        }
    }

    #[test]
    fn an_unavailable_set_is_an_error_that_names_the_best() {
        let error = KernelSetError::Unavailable { requested: KernelSet::Avx512, best: KernelSet::Baseline };
        let message = error.to_string();
        assert!(message.contains("lacks") && message.contains("`baseline`"), "{message}");
    }

    #[test]
    fn the_best_set_is_available_and_the_baseline_always_is() {
        assert!(KernelSet::best().is_available());
        assert!(KernelSet::Baseline.is_available());
    }
}
