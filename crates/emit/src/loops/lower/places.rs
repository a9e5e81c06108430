//! Where every tensor lies.

use super::super::{ALIGNMENT, Copy, Kept, Leaf, Output, Place};
use tacit_ir::passes::plan::{Fate, Plan};
use tacit_ir::types::Literal;
use tacit_ir::{Graph, Op, ValueId};

pub struct Places {
    pub inputs: Vec<Leaf>,
    pub outputs: Vec<Output>,
    pub kept: Vec<Kept>,
    pub constants: Vec<Leaf>,
    pub copies: Vec<Copy>,
    pub arena_bytes: usize,
    /// The place of each value that lies in memory.
    places: Vec<Option<Place>>,
}

impl Places {
    pub fn new(graph: &Graph, plan: &Plan) -> Places {
        let mut all = Places {
            inputs: vec![],
            outputs: vec![],
            kept: vec![],
            constants: vec![],
            copies: vec![],
            arena_bytes: plan.arena_bytes,
            places: vec![None; graph.instructions().len()],
        };
        let mut kept_bytes = 0;
        for value in graph.values() {
            let instruction = graph.instruction(value);
            let leaf = Leaf {
                value,
                name: instruction.op.leaf_name().map(str::to_owned),
                dtype: instruction.ty.dtype,
                elements: instruction.ty.elements(),
            };
            let is_updated = graph.updates().iter().any(|(updated, _)| *updated == value);
            let mut keep = |leaf: Leaf, init| {
                all.kept.push(Kept { leaf, offset: kept_bytes, init });
                kept_bytes += instruction.ty.bytes().next_multiple_of(ALIGNMENT);
                Place::Kept(all.kept.len() - 1)
            };
            all.places[value.index()] = match &instruction.op {
                Op::Input { .. } => {
                    all.inputs.push(leaf);
                    Some(Place::Input(all.inputs.len() - 1))
                }
                Op::State { init, .. } => Some(keep(leaf, Some(*init))),
                Op::Param { .. } if is_updated => Some(keep(leaf, None)),
                Op::Param { .. } | Op::Constant { value: Literal::Dense(_) } => {
                    all.constants.push(leaf);
                    Some(Place::Constant(all.constants.len() - 1))
                }
                // One value for all elements is written where it is read, unless something reads it from memory.
                Op::Constant { value: Literal::Splat(_) } if plan.fates[value.index()] == Fate::Leaf => {
                    all.constants.push(leaf);
                    Some(Place::Constant(all.constants.len() - 1))
                }
                Op::Constant { .. }
                | Op::Iota
                | Op::Random { .. }
                | Op::Extent { .. }
                | Op::Contract
                | Op::Map(_)
                | Op::Reduce(_)
                | Op::Move { .. }
                | Op::Gather
                | Op::Scatter => None,
            };
        }
        // Merged values lie where a later one does, so that the chain is followed after all have a place.
        for value in graph.values() {
            all.places[value.index()] = all.resolve(plan, value);
        }
        for (name, value) in graph.outputs() {
            let ty = graph.ty(*value);
            let place = all.of(*value);
            all.outputs.push(Output { name: name.clone(), dtype: ty.dtype, elements: ty.elements(), place });
        }
        all
    }

    fn resolve(&self, plan: &Plan, value: ValueId) -> Option<Place> {
        match &plan.fates[value.index()] {
            Fate::Leaf => self.places[value.index()],
            Fate::Stored(buffer) => {
                let buffer = &plan.buffers[*buffer];
                Some(buffer.output.map_or(Place::Arena(buffer.offset), Place::Output))
            }
            Fate::Alias(of) | Fate::Merged(of) | Fate::InPlace(of) => self.resolve(plan, *of),
            Fate::Inline | Fate::Unused => None,
        }
    }

    /// The place of a value that lies in memory.
    pub fn of(&self, value: ValueId) -> Place {
        self.places[value.index()].expect("the plan gives a value that is read from memory a place")
    }

    /// The copies that make the next values of what is kept. An old value that is an output, or that another leaf takes
    /// on, is put aside first.
    pub fn copies(&mut self, graph: &Graph, plan: &Plan) {
        let updated: Vec<Place> = graph.updates().iter().map(|(leaf, _)| self.of(*leaf)).collect();
        let mut aside = vec![];
        let mut arena_bytes = self.arena_bytes;
        let mut put_aside = |from: Place, bytes: usize| {
            if !updated.contains(&from) {
                return from;
            }
            let to = Place::Arena(arena_bytes);
            arena_bytes += bytes.next_multiple_of(ALIGNMENT);
            aside.push(Copy { to, from, bytes });
            to
        };
        for output in &mut self.outputs {
            output.place = put_aside(output.place, output.elements * output.dtype.size());
        }
        let mut next = vec![];
        for (leaf, value) in graph.updates() {
            let (to, from) = (self.of(*leaf), self.of(*value));
            if to != from && !matches!(plan.fates[value.index()], Fate::InPlace(_)) {
                let bytes = graph.ty(*leaf).bytes();
                next.push(Copy { to, from: put_aside(from, bytes), bytes });
            }
        }
        self.arena_bytes = arena_bytes;
        self.copies = aside.into_iter().chain(next).collect();
    }
}
