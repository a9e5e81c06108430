//! Programs that need no Tacit: a planned graph becomes loops over memory, and loops become the text or bytes of a target.

pub mod c;
pub mod loops;
pub mod sequence;
pub mod wasm;
