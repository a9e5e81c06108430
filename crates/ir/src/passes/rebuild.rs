//! What every rewriting pass shares: a new graph beside the old one, and where each old value went.

use crate::error::Result;
use crate::graph::{Graph, Instruction, ValueId};

/// A graph under construction from an older one.
pub struct Rebuild<'g> {
    pub old: &'g Graph,
    pub new: Graph,
    /// The new value of each old value that was carried over.
    carried: Vec<Option<ValueId>>,
}

impl<'g> Rebuild<'g> {
    pub fn new(old: &'g Graph) -> Rebuild<'g> {
        Rebuild { old, new: Graph::new(), carried: vec![None; old.instructions().len()] }
    }

    /// The new value of an old one; operands are always carried before their uses.
    pub fn get(&self, old: ValueId) -> ValueId {
        self.carried[old.index()].expect("operands are carried before their uses")
    }

    pub fn set(&mut self, old: ValueId, new: ValueId) {
        self.carried[old.index()] = Some(new);
    }

    /// The old instruction with its operands replaced by their new values.
    pub fn translated(&self, old: ValueId) -> Instruction {
        let instruction = self.old.instruction(old).clone();
        let operands = instruction.operands.iter().map(|v| self.get(*v)).collect();
        Instruction { operands, ..instruction }
    }

    /// Carries an instruction over as it is.
    pub fn copy(&mut self, old: ValueId) -> Result<ValueId> {
        let new = self.new.add(self.translated(old))?;
        self.set(old, new);
        Ok(new)
    }

    /// Carries outputs and updates over and gives the new graph.
    pub fn finish(mut self) -> Result<Graph> {
        for (name, value) in self.old.outputs() {
            let value = self.get(*value);
            self.new.set_output(name, value)?;
        }
        for (leaf, next) in self.old.updates() {
            let (leaf, next) = (self.get(*leaf), self.get(*next));
            self.new.set_update(leaf, next)?;
        }
        Ok(self.new)
    }
}

/// Which values some output or update needs; inputs, parameters and states are always kept as the interface.
pub fn needed(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.instructions().len()];
    for (_, value) in graph.outputs() {
        needed[value.index()] = true;
    }
    for (leaf, next) in graph.updates() {
        needed[leaf.index()] = true;
        needed[next.index()] = true;
    }
    for value in graph.values().rev() {
        let instruction = graph.instruction(value);
        needed[value.index()] |= instruction.op.leaf_name().is_some();
        if needed[value.index()] {
            for operand in &instruction.operands {
                needed[operand.index()] = true;
            }
        }
    }
    needed
}
