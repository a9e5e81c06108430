//! Memory that holds code: written first, executable afterwards, never both.

use memmap2::{Mmap, MmapMut};

/// Code that can be executed. Its address stays for as long as it lives.
#[derive(Debug)]
pub struct Executable {
    memory: Mmap,
}

impl Executable {
    /// Nothing if there is no code or the system does not allow it.
    pub fn new(code: &[u8]) -> Option<Executable> {
        if code.is_empty() {
            return None;
        }
        let mut memory = MmapMut::map_anon(code.len()).ok()?;
        memory.copy_from_slice(code);
        Some(Executable { memory: memory.make_exec().ok()? })
    }

    pub fn address(&self, offset: usize) -> *const u8 {
        self.memory[offset..].as_ptr()
    }
}
