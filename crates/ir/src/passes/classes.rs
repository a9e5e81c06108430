//! Axis classes: which axes of a program move together, derived from the accesses alone.
//!
//! Every dimension of every value is a list of *cells*; a plain axis of a nest joins the cells of the dimensions that it
//! indexes. Where dimensions are merged, or values are concatenated or sliced, a cell is divided on demand into the
//! coarsest parts that all uses agree on: factors of a product, or segments of a sum. Cells without such parts are
//! held *fixed*, as are dimensions under a window or a lookup.

use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::nest::Index;
use crate::types::Literal;

/// Axes that can only change their extent together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisClass {
    /// The first parameter dimension in the class, as `parameter.dimension`, with the place of the part where the
    /// dimension is divided: `wq.1.0`. Without a parameter, the value's number stands for its name: `%4.0`.
    pub name: String,
    pub extent: usize,
    /// In order of definition.
    pub members: Vec<Member>,
    /// False if the extent is part of the interface (an input's or output's) or of constant data, or is fixed by a
    /// window, a lookup or parts that do not match.
    pub resizable: bool,
}

/// A dimension of a value, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub value: ValueId,
    pub dim: usize,
    /// How to come from an index of the dimension to one of the class, step by step; empty for the whole dimension.
    pub path: Vec<Part>,
}

/// One step from a dimension to a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The digit `index / stride % extent` of a merged dimension.
    Factor { stride: usize, extent: usize },
    /// The indices `offset..offset + extent` of a concatenation, counted from `offset`.
    Segment { offset: usize, extent: usize },
}

/// The axis classes of a program, in order of their first members.
pub fn axis_classes(graph: &Graph) -> Vec<AxisClass> {
    let mut cells = Cells(vec![]);
    let mut dims: Vec<Vec<usize>> = vec![];
    for value in graph.values() {
        let own: Vec<usize> = graph.shape(value).iter().map(|extent| cells.leaf(*extent, false)).collect();
        let instruction = graph.instruction(value);
        relate(&mut cells, graph, instruction, &dims, &own);
        dims.push(own);
    }
    // A parameter or state becomes a value of its own type.
    for (leaf, next) in graph.updates() {
        for (one, other) in dims[leaf.index()].iter().zip(&dims[next.index()]) {
            cells.join(&[*one], &[*other]);
        }
    }
    for value in fixed_values(graph) {
        dims[value.index()].iter().for_each(|cell| cells.fix(*cell));
    }
    collect(graph, &cells, &dims)
}

/// Values whose extents are promised or whose elements are data: inputs, outputs, dense constants and `iota`, whose
/// numbers say where they stand.
fn fixed_values(graph: &Graph) -> Vec<ValueId> {
    let leaves = graph.values().filter(|value| match &graph.instruction(*value).op {
        Op::Input { .. } | Op::Iota | Op::Constant { value: Literal::Dense(_) } => true,
        Op::Param { .. }
        | Op::State { .. }
        | Op::Constant { value: Literal::Splat(_) }
        | Op::Random { .. }
        | Op::Extent { .. }
        | Op::Contract
        | Op::Map(_)
        | Op::Reduce(_)
        | Op::Move { .. }
        | Op::Gather
        | Op::Scatter => false,
    });
    let outputs = graph.outputs().iter().map(|(_, value)| *value);
    // The key of `random` has two elements by definition.
    let keys = graph.instructions().iter().filter(|i| matches!(i.op, Op::Random { .. })).map(|i| i.operands[0]);
    leaves.chain(outputs).chain(keys).collect()
}

/// Joins what one instruction ties together.
fn relate(cells: &mut Cells, graph: &Graph, instruction: &Instruction, dims: &[Vec<usize>], own: &[usize]) {
    let Instruction { op, operands, nest, .. } = instruction;
    let axes: Vec<usize> = nest.axes.iter().map(|(_, extent)| cells.leaf(*extent, false)).collect();
    let axis = |name: char| axes[nest.position(name).expect("a verified nest names its axes")];
    let read = nest.operands.iter().zip(operands).map(|(access, v)| (access, &dims[v.index()][..], graph.shape(*v)));
    for (access, dims, shape) in read.chain([(&nest.output, own, &instruction.ty.shape[..])]) {
        for ((index, dim), extent) in access.iter().zip(dims).zip(shape) {
            match index {
                Index::Axis(name) => cells.join(&[*dim], &[axis(*name)]),
                Index::Radix(merged) => {
                    let merged: Vec<usize> = merged.iter().map(|name| axis(*name)).collect();
                    cells.join(&[*dim], &merged);
                }
                Index::Affine { terms, constant } => match (op, &terms[..]) {
                    (Op::Move { .. }, [(1, name)]) => {
                        let iterated = nest.extent(*name).expect("a verified nest names its axes");
                        cells.overlap(*dim, *extent, axis(*name), iterated, *constant);
                    }
                    _ => {
                        cells.fix(*dim);
                        terms.iter().for_each(|(_, name)| cells.fix(axis(*name)));
                    }
                },
                Index::Lookup => cells.fix(*dim),
            }
        }
    }
}

/// Reads the classes off the cells of all dimensions.
fn collect(graph: &Graph, cells: &Cells, dims: &[Vec<usize>]) -> Vec<AxisClass> {
    let mut classes: Vec<AxisClass> = vec![];
    let mut class_of: Vec<Option<usize>> = vec![None; cells.0.len()];
    let mut named: Vec<bool> = vec![];
    for value in graph.values() {
        let param = if let Op::Param { name } = &graph.instruction(value).op { Some(name) } else { None };
        for (dim, cell) in dims[value.index()].iter().enumerate() {
            let parts = cells.parts(*cell);
            for (k, (leaf, path)) in parts.iter().enumerate() {
                let place = if parts.len() > 1 { format!(".{k}") } else { String::new() };
                let class = *class_of[*leaf].get_or_insert_with(|| {
                    let Cell { extent, fixed, .. } = cells.0[*leaf];
                    let name = format!("%{}.{dim}{place}", value.0);
                    classes.push(AxisClass { name, extent, members: vec![], resizable: !fixed });
                    named.push(false);
                    classes.len() - 1
                });
                if let Some(param) = param.filter(|_| !named[class]) {
                    classes[class].name = format!("{param}.{dim}{place}");
                    named[class] = true;
                }
                classes[class].members.push(Member { value, dim, path: path.clone() });
            }
        }
    }
    classes
}

/// What a cell consists of. Parts are cells themselves.
#[derive(Clone, Debug)]
enum Content {
    Whole,
    /// The most significant factor first.
    Product(Vec<usize>),
    /// Segments in order.
    Sum(Vec<usize>),
    /// Joined with another cell, which stands for both.
    Link(usize),
}

#[derive(Clone, Debug)]
struct Cell {
    extent: usize,
    fixed: bool,
    content: Content,
}

/// Disjoint sets of cells; the root of a set is never a link.
struct Cells(Vec<Cell>);

impl Cells {
    fn leaf(&mut self, extent: usize, fixed: bool) -> usize {
        self.0.push(Cell { extent, fixed, content: Content::Whole });
        self.0.len() - 1
    }

    fn root(&self, mut cell: usize) -> usize {
        while let Content::Link(to) = self.0[cell].content {
            cell = to;
        }
        cell
    }

    /// Marks a cell and all of its parts.
    fn fix(&mut self, cell: usize) {
        let root = self.root(cell);
        self.0[root].fixed = true;
        if let Content::Product(parts) | Content::Sum(parts) = self.0[root].content.clone() {
            parts.into_iter().for_each(|part| self.fix(part));
        }
    }

    /// Divides a whole cell into parts of these extents.
    fn divide(&mut self, root: usize, extents: &[usize], content: fn(Vec<usize>) -> Content) -> Vec<usize> {
        let fixed = self.0[root].fixed;
        let parts: Vec<usize> = extents.iter().map(|extent| self.leaf(*extent, fixed)).collect();
        self.0[root].content = content(parts.clone());
        parts
    }

    /// States that two lists of factors are the same dimension.
    fn join(&mut self, one: &[usize], other: &[usize]) {
        let mut one: Vec<usize> = one.iter().rev().copied().collect();
        let mut other: Vec<usize> = other.iter().rev().copied().collect();
        while let (Some(a), Some(b)) = (one.pop(), other.pop()) {
            let (a, b) = (self.root(a), self.root(b));
            if a == b {
                continue;
            }
            if let Content::Product(factors) = &self.0[a].content {
                one.extend(factors.iter().rev());
                other.push(b);
                continue;
            }
            if let Content::Product(factors) = &self.0[b].content {
                other.extend(factors.iter().rev());
                one.push(a);
                continue;
            }
            let (x, y) = (self.0[a].extent, self.0[b].extent);
            let splits = |long: usize, short: usize| long > short && short > 0 && long.is_multiple_of(short);
            if x == y {
                self.merge(a, b);
            } else if x == 1 {
                // A factor of 1 leaves no trace in a merged dimension.
                self.fix(a);
                other.push(b);
            } else if y == 1 {
                self.fix(b);
                one.push(a);
            } else if splits(x, y) && matches!(self.0[a].content, Content::Whole) {
                let parts = self.divide(a, &[y, x / y], Content::Product);
                self.merge(parts[0], b);
                one.push(parts[1]);
            } else if splits(y, x) && matches!(self.0[b].content, Content::Whole) {
                let parts = self.divide(b, &[x, y / x], Content::Product);
                self.merge(a, parts[0]);
                other.push(parts[1]);
            } else {
                one.push(a);
                other.push(b);
                break;
            }
        }
        // What has no common refinement (2·3 beside 3·2) cannot change, nor can factors of 1 that are left over.
        one.into_iter().chain(other).for_each(|cell| self.fix(cell));
    }

    /// Makes one set of two roots of equal extent, neither of which is a product.
    fn merge(&mut self, a: usize, b: usize) {
        if self.0[a].fixed || self.0[b].fixed {
            self.fix(a);
            self.fix(b);
        }
        match (&self.0[a].content, &self.0[b].content) {
            (Content::Whole, _) => self.0[a].content = Content::Link(b),
            (_, Content::Whole) => self.0[b].content = Content::Link(a),
            _ => {
                let cut = self.bounds(a).into_iter().all(|at| self.cut(b, at))
                    && self.bounds(b).into_iter().all(|at| self.cut(a, at));
                let (left, right) = (self.segments(a), self.segments(b));
                self.0[a].content = Content::Link(b);
                if !cut || left.len() != right.len() {
                    left.into_iter().for_each(|segment| self.fix(segment));
                    self.fix(b);
                    return;
                }
                for (one, other) in left.into_iter().zip(right) {
                    self.join(&[one], &[other]);
                }
            }
        }
    }

    /// The segments of a cell, nested sums laid open; a cell that is no sum is its own only segment.
    fn segments(&self, cell: usize) -> Vec<usize> {
        let root = self.root(cell);
        match &self.0[root].content {
            Content::Sum(segments) => segments.iter().flat_map(|segment| self.segments(*segment)).collect(),
            Content::Whole | Content::Product(_) => vec![root],
            Content::Link(_) => unreachable!("a root is no link"),
        }
    }

    /// The factors of a cell, nested products laid open; a cell that is no product is its own only factor.
    fn factors(&self, cell: usize) -> Vec<usize> {
        let root = self.root(cell);
        match &self.0[root].content {
            Content::Product(factors) => factors.iter().flat_map(|factor| self.factors(*factor)).collect(),
            Content::Whole | Content::Sum(_) => vec![root],
            Content::Link(_) => unreachable!("a root is no link"),
        }
    }

    /// Where one segment of a cell ends and the next begins.
    fn bounds(&self, cell: usize) -> Vec<usize> {
        let mut at = 0;
        let mut bounds: Vec<usize> = vec![];
        for segment in self.segments(cell) {
            at += self.0[segment].extent;
            bounds.push(at);
        }
        bounds.pop();
        bounds
    }

    /// Makes `at` a bound between segments; false if a product is in the way.
    fn cut(&mut self, cell: usize, at: usize) -> bool {
        let mut start = 0;
        for segment in self.segments(cell) {
            let extent = self.0[segment].extent;
            if start < at && at < start + extent {
                if !matches!(self.0[segment].content, Content::Whole) {
                    return false;
                }
                self.divide(segment, &[at - start, start + extent - at], Content::Sum);
                return true;
            }
            start += extent;
        }
        true
    }

    /// States that index `i` of an axis is index `i + constant` of a dimension, wherever both exist: a slice if the
    /// axis lies within the dimension, a part of a concatenation or a padded value if the dimension lies within the axis.
    fn overlap(&mut self, dim: usize, extent: usize, axis: usize, iterated: usize, constant: i64) {
        let (outer, inner, offset, width, whole) = match constant >= 0 {
            true => (dim, axis, constant as usize, iterated, extent),
            false => (axis, dim, constant.unsigned_abs() as usize, extent, iterated),
        };
        let (outer, inner, offset, width, whole) = match offset == 0 && width > whole {
            true => (inner, outer, 0, whole, width),
            false => (outer, inner, offset, width, whole),
        };
        let inside = width > 0 && offset + width <= whole;
        if !inside || !self.cut(outer, offset) || !self.cut(outer, offset + width) {
            self.fix(dim);
            self.fix(axis);
            return;
        }
        let mut start = 0;
        let mut covered = vec![];
        for segment in self.segments(outer) {
            if start >= offset && start + self.0[segment].extent <= offset + width {
                covered.push(segment);
            }
            start += self.0[segment].extent;
        }
        match covered[..] {
            [only] => self.join(&[only], &[inner]),
            _ => {
                let sum = self.leaf(width, false);
                self.0[sum].content = Content::Sum(covered);
                self.join(&[sum], &[inner]);
            }
        }
    }

    /// The undivided parts of a dimension, each with the way to it.
    fn parts(&self, cell: usize) -> Vec<(usize, Vec<Part>)> {
        let root = self.root(cell);
        let steps: Vec<(usize, Part)> = match &self.0[root].content {
            Content::Whole => return vec![(root, vec![])],
            Content::Product(_) => {
                let mut stride = self.0[root].extent;
                let mut steps = vec![];
                for factor in self.factors(root) {
                    let extent = self.0[factor].extent;
                    // An extent of 0 has no digits to tell apart.
                    stride = stride.checked_div(extent).unwrap_or(1);
                    steps.push((factor, Part::Factor { stride, extent }));
                }
                steps
            }
            Content::Sum(_) => {
                let mut offset = 0;
                let mut steps = vec![];
                for segment in self.segments(root) {
                    let extent = self.0[segment].extent;
                    steps.push((segment, Part::Segment { offset, extent }));
                    offset += extent;
                }
                steps
            }
            Content::Link(_) => unreachable!("a root is no link"),
        };
        let mut parts = vec![];
        for (part, step) in steps {
            for (leaf, path) in self.parts(part) {
                parts.push((leaf, std::iter::once(step).chain(path).collect()));
            }
        }
        parts
    }
}
