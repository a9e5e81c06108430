//! Operands that share memory.

use super::{Call, Loops, Place};

/// For each function and operand, whether it overlaps no other operand in any call, so that a compiler may keep its elements
/// in registers.
pub fn exclusive_operands(loops: &Loops) -> Vec<Vec<bool>> {
    let mut exclusive: Vec<Vec<bool>> = loops.functions.iter().map(|f| vec![true; f.operands.len()]).collect();
    for Call { function, places, .. } in &loops.calls {
        let operands = &loops.functions[*function].operands;
        for a in 0..operands.len() {
            for b in 0..operands.len() {
                let is_read_only = !operands[a].is_written && !operands[b].is_written;
                let bytes = |k: usize| operands[k].elements * operands[k].dtype.size();
                if a != b && !is_read_only && overlaps((places[a], bytes(a)), (places[b], bytes(b))) {
                    exclusive[*function][a] = false;
                }
            }
        }
    }
    exclusive
}

fn overlaps(a: (Place, usize), b: (Place, usize)) -> bool {
    match (a.0, b.0) {
        (Place::Arena(x), Place::Arena(y)) => x < y + b.1 && y < x + a.1,
        (x, y) => x == y,
    }
}
