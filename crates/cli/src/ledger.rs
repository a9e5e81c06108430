//! How often the test part of some data has been opened: a count in the folder of the manifest, by the hash of the data.
//!
//! Whoever looks at test figures, changes the manifest and looks again tunes for the test rows, and figures then promise
//! more than they hold. The count cannot forbid that; it makes it seen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tacit_train::files::write_atomic;

/// Counts another look and gives the number of looks so far. A ledger that cannot be read or written counts from one.
pub fn look(folder: &Path, data_hash: &str) -> u64 {
    let path = path(folder);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let mut looks: BTreeMap<String, u64> = serde_json::from_str(&text).unwrap_or_default();
    let count = looks.entry(data_hash.to_owned()).or_default();
    *count += 1;
    let count = *count;
    let text = serde_json::to_string_pretty(&looks).unwrap_or_default() + "\n";
    // In a folder that is only for reading there is no ledger.
    let _ = write_atomic(&path, text.as_bytes());
    count
}

fn path(folder: &Path) -> PathBuf {
    folder.join("test-looks.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_counted_by_data() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        assert_eq!(["a", "b", "a"].map(|hash| look(here, hash)), [1, 1, 2]);
        std::fs::write(path(here), "nonsense").unwrap();
        assert_eq!(look(here, "a"), 1);
    }
}
