//! Factors and terms of channels taken into the contraction before them, as batch normalisation of a finished program is.
//!
//! (Σ x·w)·s + t is Σ x·(w·s) + t wherever s depends on axes that w has as well. What is taken in follows from parameters and
//! constants, so nothing of it is left to compute for an example. The results differ by rounding.

use super::channels::{depends_on, spread};
use crate::error::Result;
use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::passes::plan::settled;
use crate::passes::rebuild::Rebuild;
use crate::passes::simplify;
use crate::scalar::ScalarFn;
use crate::types::DType;

/// The names of a value's dimensions in the maps that are written here.
const LETTERS: &str = "abcdefghijkl";

/// Takes every factor and term in.
pub(super) fn fold(graph: &Graph) -> Result<Graph> {
    let settled = settled(graph);
    let uses = uses(graph);
    let mut rebuild = Rebuild::new(graph);
    let mut known: Vec<Option<Folded>> = vec![None; graph.instructions().len()];
    for value in graph.values() {
        rebuild.copy(value)?;
        let found = match contraction(graph, &settled, value) {
            Some(weight) => {
                let contraction = rebuild.translated(value);
                Some(Folded { contraction, weight, term: None })
            }
            None => match taken_in(graph, &settled, &uses, &known, value) {
                Some(taken) => {
                    let before = known[taken.before.index()].clone().expect("what is taken in follows a contraction");
                    let had_term = before.term.is_some();
                    let operand = rebuild.get(taken.operand);
                    let after = before.with(&mut rebuild.new, taken.function, operand, &taken.dims)?;
                    // A first term alone stays the map that it is.
                    if let Some(after) = &after
                        && (taken.function != ScalarFn::Add || had_term)
                    {
                        let new = after.emit(&mut rebuild.new)?;
                        rebuild.set(value, new);
                    }
                    after
                }
                None => None,
            },
        };
        known[value.index()] = found;
    }
    simplify(&rebuild.finish()?)
}

/// How often each value is read, results and updates included.
pub(super) fn uses(graph: &Graph) -> Vec<usize> {
    let mut uses = vec![0; graph.instructions().len()];
    let operands = graph.instructions().iter().flat_map(|instruction| &instruction.operands);
    let roots = graph.outputs().iter().map(|(_, value)| value).chain(graph.updates().iter().map(|(_, next)| next));
    operands.chain(roots).for_each(|value| uses[value.index()] += 1);
    uses
}

/// The place of the weight among the operands, if this is an f32 contraction of a computed value by a settled one.
pub(super) fn contraction(graph: &Graph, settled: &[bool], value: ValueId) -> Option<usize> {
    let Instruction { op, operands, ty, .. } = graph.instruction(value);
    if !matches!(op, Op::Contract) || ty.dtype != DType::F32 {
        return None;
    }
    match [settled[operands[0].index()], settled[operands[1].index()]] {
        [true, false] => Some(0),
        [false, true] => Some(1),
        [true, true] | [false, false] => None,
    }
}

/// A map that reads all of one value in place, and a settled operand along some of its dimensions.
pub(super) struct Beside {
    pub value: ValueId,
    pub operand: ValueId,
    /// The dimensions of the result that the operand has, in its order.
    pub dims: Vec<usize>,
    /// Whether the settled operand comes first.
    pub first: bool,
}

impl Beside {
    pub fn of(graph: &Graph, settled: &[bool], map: ValueId) -> Option<Beside> {
        let Instruction { op, operands, nest, .. } = graph.instruction(map);
        let (Op::Map(_), [a, b]) = (op, &operands[..]) else { return None };
        let place = match [settled[a.index()], settled[b.index()]] {
            [true, false] => 0,
            [false, true] => 1,
            [true, true] | [false, false] => return None,
        };
        let dims = nest.operands[place].iter().map(|index| nest.output.iter().position(|other| other == index));
        let whole = nest.operands[1 - place] == nest.output;
        whole.then_some(Beside {
            value: operands[1 - place],
            operand: operands[place],
            dims: dims.collect::<Option<_>>()?,
            first: place == 0,
        })
    }
}

/// What a map does to a contraction's result.
struct Taken {
    /// `Mul`, `Div`, `Add` or `Sub`.
    function: ScalarFn,
    /// The old value before the map.
    before: ValueId,
    operand: ValueId,
    dims: Vec<usize>,
}

fn taken_in(
    graph: &Graph,
    settled: &[bool],
    uses: &[usize],
    known: &[Option<Folded>],
    value: ValueId,
) -> Option<Taken> {
    let Op::Map(function) = graph.instruction(value).op else { return None };
    let Beside { value: before, operand, dims, first } = Beside::of(graph, settled, value)?;
    let commutes = function == ScalarFn::Mul || function == ScalarFn::Add;
    let divides = function == ScalarFn::Div || function == ScalarFn::Sub;
    let fits = (commutes || divides && !first) && uses[before.index()] == 1 && known[before.index()].is_some();
    fits.then_some(Taken { function, before, operand, dims })
}

/// A contraction and what is added to its result, in the new graph.
#[derive(Clone)]
struct Folded {
    contraction: Instruction,
    /// The place of the weight among the operands.
    weight: usize,
    /// The value and the dimensions of the result that it has.
    term: Option<(ValueId, Vec<usize>)>,
}

impl Folded {
    /// The same with a factor or term more; none where the weight lacks an axis of the factor.
    fn with(self, graph: &mut Graph, function: ScalarFn, operand: ValueId, dims: &[usize]) -> Result<Option<Folded>> {
        let Folded { mut contraction, weight, term } = self;
        let is_factor = function == ScalarFn::Mul || function == ScalarFn::Div;
        if !is_factor {
            let term = match (term, function) {
                (Some((old, old_dims)), _) => joined(graph, function, (old, &old_dims), (operand, dims))?,
                (None, ScalarFn::Sub) => (graph.map(ScalarFn::Neg, &[operand])?, dims.to_vec()),
                (None, _) => (operand, dims.to_vec()),
            };
            return Ok(Some(Folded { contraction, weight, term: Some(term) }));
        }
        let access = contraction.nest.operands[weight].clone();
        if !dims.iter().all(|dim| depends_on(&access, &contraction.nest.output[*dim])) {
            return Ok(None);
        }
        let factors = spread(graph, operand, dims, &contraction.nest, &access)?;
        contraction.operands[weight] = graph.map(function, &[contraction.operands[weight], factors])?;
        let term = match term {
            Some((old, old_dims)) => Some(joined(graph, function, (old, &old_dims), (operand, dims))?),
            None => None,
        };
        Ok(Some(Folded { contraction, weight, term }))
    }

    fn emit(&self, graph: &mut Graph) -> Result<ValueId> {
        let product = graph.add(self.contraction.clone())?;
        match &self.term {
            None => Ok(product),
            Some((term, dims)) => {
                let all = &LETTERS[..graph.shape(product).len()];
                graph.map_nest(ScalarFn::Add, &format!("{all},{}->{all}", letters(dims)), &[product, *term])
            }
        }
    }
}

/// A function of two values that each have some of the dimensions; with the dimensions of the result.
fn joined(
    graph: &mut Graph,
    function: ScalarFn,
    (a, of_a): (ValueId, &[usize]),
    (b, of_b): (ValueId, &[usize]),
) -> Result<(ValueId, Vec<usize>)> {
    let mut dims: Vec<usize> = of_a.iter().chain(of_b).copied().collect();
    dims.sort_unstable();
    dims.dedup();
    let words = format!("{},{}->{}", letters(of_a), letters(of_b), letters(&dims));
    Ok((graph.map_nest(function, &words, &[a, b])?, dims))
}

fn letters(dims: &[usize]) -> String {
    dims.iter().map(|dim| &LETTERS[*dim..dim + 1]).collect()
}
