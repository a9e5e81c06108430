//! A fence around decoders that others wrote: some of them panic on damaged files, where an error belongs.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// This thread is inside the fence, so a panic is not reported.
    static FENCED: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`, and gives the message of its panic if it panics. What `work` changed must not be used then.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !FENCED.get() {
                report(panic);
            }
        }));
    });
    let outer = FENCED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    FENCED.set(outer);
    done.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        format!("its decoder gave up ({})", text.unwrap_or_default().lines().next().unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message_and_results_pass() {
        assert_eq!(guarded(|| 7), Ok(7));
        let empty: Vec<u8> = Vec::new();
        let found = guarded(|| empty[usize::from(empty.is_empty())]).unwrap_err();
        assert!(found.starts_with("its decoder gave up (index out of bounds"), "{found}");
        assert_eq!(guarded(|| guarded(|| 1)), Ok(Ok(1)));
        assert!(!FENCED.get());
    }
}
