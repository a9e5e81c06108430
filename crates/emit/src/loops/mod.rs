//! A planned program as loops over memory: what every emitter prints, and the last form that is the same for all.
//!
//! A kernel of the plan becomes a [`Function`]: loops whose extents are constants, conditions on their counters, scalars
//! and elements of memory. No branch and no extent depends on data. Nothing of a target's width, syntax or calling
//! convention stands here.

mod evaluate;
mod lower;
pub(crate) mod mentions;
mod overlap;
mod products;
pub(crate) mod rewrite;
mod shared;

pub use evaluate::{Memory, bytes_of, evaluate};
pub use lower::{Options, lower};
pub use overlap::exclusive_operands;
pub use products::with_rounded_products;
pub use shared::share_kept;

use tacit_ir::interpret::Tensor;
use tacit_ir::types::{DType, Scalar, TensorType};
use tacit_ir::{ScalarFn, ValueId};

/// Tensors, and what is kept, begin at multiples of this, like the buffers of the arena.
pub(crate) const ALIGNMENT: usize = 64;

/// The products of an [`Expression::Dot`].
pub const DOT: usize = 4;

/// A number of a loop's counter, within its function.
pub type Counter = usize;
/// A number of a scalar, within its function.
pub type Variable = usize;

/// A program for any machine: functions, called one after the other.
#[derive(Clone, Debug)]
pub struct Loops {
    /// Distinct functions; kernels of the same loops share one.
    pub functions: Vec<Function>,
    /// In the order in which they run.
    pub calls: Vec<Call>,
    pub inputs: Vec<Leaf>,
    /// Read where they lie after the last call: in memory of their own, or where something else put them.
    pub outputs: Vec<Output>,
    /// What is kept from run to run, states and parameters that the program updates, laid out one after the other.
    pub kept: Vec<Kept>,
    /// The parameters that stay and the constants that are no scalars.
    pub constants: Vec<Leaf>,
    /// Copies at the end of a run, in order.
    pub copies: Vec<Copy>,
    pub arena_bytes: usize,
    /// The greatest sum of bytes that live at once.
    pub lower_bound_bytes: usize,
}

/// A tensor in memory that the graph names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    pub value: ValueId,
    /// The name in the graph; `None` for a constant.
    pub name: Option<String>,
    pub dtype: DType,
    pub elements: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub leaf: Leaf,
    /// In bytes from the beginning of what is kept.
    pub offset: usize,
    /// What a state is before the first run; a parameter begins with its values.
    pub init: Option<Scalar>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub dtype: DType,
    pub elements: usize,
    pub place: Place,
}

/// The next value of what is kept, or an old value that is put aside before it is written over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    pub to: Place,
    pub from: Place,
    pub bytes: usize,
}

/// Where a tensor begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The position in [`Loops::inputs`].
    Input(usize),
    /// The memory of an output of its own: the position in [`Loops::outputs`].
    Output(usize),
    /// The position in [`Loops::constants`].
    Constant(usize),
    /// The position in [`Loops::kept`].
    Kept(usize),
    /// In bytes from the arena's beginning.
    Arena(usize),
}

/// One run of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The position in [`Loops::functions`].
    pub function: usize,
    /// One for each operand of the function.
    pub places: Vec<Place>,
    /// The value that the kernel is for.
    pub root: ValueId,
    /// The contraction or reduction that the kernel begins with, if that is another.
    pub anchor: Option<ValueId>,
}

/// Loops over operands that come from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function {
    pub operands: Vec<Operand>,
    /// Small arrays of the function's own.
    pub locals: Vec<Local>,
    /// The types of the scalars, by number.
    pub variables: Vec<DType>,
    /// The number of loops; counters are distinct.
    pub counters: usize,
    pub body: Vec<Statement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operand {
    pub dtype: DType,
    pub elements: usize,
    pub is_written: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Local {
    pub dtype: DType,
    pub elements: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Statement {
    /// The body for each value of the counter from 0 below the extent, in ascending order.
    For {
        counter: Counter,
        extent: usize,
        body: Vec<Statement>,
    },
    /// One of the two bodies; the conditions, which must all hold for the first, are about counters alone.
    If {
        conditions: Vec<Condition>,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    /// A further counter within the rest of the body: an exact quotient.
    Divide {
        counter: Counter,
        numerator: Affine,
        divisor: i64,
    },
    /// A scalar's first or next value.
    Set {
        variable: Variable,
        value: Expression,
    },
    Store {
        element: Element,
        value: Expression,
    },
}

/// A condition on counters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// 0 ≤ position < extent.
    Within { position: Affine, extent: i64 },
    /// The position is a multiple of `of`, which is positive.
    Multiple { position: Affine, of: i64 },
}

/// Σ coefficient·counter + constant, with each counter at most once and no coefficient of 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Affine {
    pub terms: Vec<(i64, Counter)>,
    pub constant: i64,
}

/// An element of memory. It is in bounds wherever it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Element {
    pub array: Array,
    /// In elements from the array's beginning.
    pub position: Affine,
    /// The position is taken modulo this.
    pub modulo: Option<usize>,
    /// Looked up: variable·stride is added to the position. The one address that depends on data.
    pub row: Option<(Variable, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Array {
    /// The position in [`Function::operands`].
    Operand(usize),
    /// The position in [`Function::locals`].
    Local(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expression {
    Constant(Scalar),
    Variable(Variable),
    Load(Element),
    /// A position as an i32.
    Position(Affine),
    /// A function of operands of one type (`select` has a bool before them).
    Apply {
        function: ScalarFn,
        operands: Vec<Expression>,
    },
    /// f32: a·b + c, rounded once.
    MulAdd(Box<[Expression; 3]>),
    /// i32: the sum and the products of [`DOT`] bytes from one element on with those from another on, which wraps.
    Dot {
        sum: Box<Expression>,
        a: Element,
        b: Element,
    },
    /// The f32 of a Philox block: the uniform number of a place of a stream, from the two words of the key.
    Random {
        stream: u32,
        place: Affine,
        key: Box<[Expression; 2]>,
    },
}

impl Loops {
    /// Every place that some call, output or copy is about.
    fn each_place(&mut self, visit: &mut dyn FnMut(&mut Place)) {
        for call in &mut self.calls {
            call.places.iter_mut().for_each(&mut *visit);
        }
        for output in &mut self.outputs {
            visit(&mut output.place);
        }
        for copy in &mut self.copies {
            visit(&mut copy.from);
            visit(&mut copy.to);
        }
    }
}

impl Affine {
    pub fn constant(constant: i64) -> Affine {
        Affine { terms: vec![], constant }
    }

    pub fn counter(counter: Counter) -> Affine {
        Affine { terms: vec![(1, counter)], constant: 0 }
    }

    pub fn plus(mut self, other: &Affine) -> Affine {
        self.constant += other.constant;
        for (coefficient, counter) in &other.terms {
            match self.terms.iter_mut().find(|(_, known)| known == counter) {
                Some((sum, _)) => *sum += coefficient,
                None => self.terms.push((*coefficient, *counter)),
            }
        }
        self.terms.retain(|(coefficient, _)| *coefficient != 0);
        self
    }

    pub fn times(mut self, factor: i64) -> Affine {
        self.constant *= factor;
        for (coefficient, _) in &mut self.terms {
            *coefficient *= factor;
        }
        self.terms.retain(|(coefficient, _)| *coefficient != 0);
        self
    }

    /// The same sum with another in place of a counter.
    pub fn with(mut self, counter: Counter, other: &Affine) -> Affine {
        let step = self.step(counter);
        self.terms.retain(|(_, known)| *known != counter);
        self.plus(&other.clone().times(step))
    }

    /// The coefficient of a counter.
    pub fn step(&self, counter: Counter) -> i64 {
        self.terms.iter().find(|(_, known)| *known == counter).map_or(0, |(coefficient, _)| *coefficient)
    }
}

impl Condition {
    /// What the condition is about.
    pub fn position(&self) -> &Affine {
        match self {
            Condition::Within { position, .. } | Condition::Multiple { position, .. } => position,
        }
    }

    pub fn position_mut(&mut self) -> &mut Affine {
        match self {
            Condition::Within { position, .. } | Condition::Multiple { position, .. } => position,
        }
    }
}

impl Expression {
    /// The expressions that it is made of.
    pub fn operands(&self) -> &[Expression] {
        match self {
            Expression::Constant(_) | Expression::Variable(_) | Expression::Load(_) | Expression::Position(_) => &[],
            Expression::Apply { operands, .. } => operands,
            Expression::MulAdd(operands) => &**operands,
            Expression::Dot { sum, .. } => std::slice::from_ref(sum),
            Expression::Random { key, .. } => &**key,
        }
    }

    pub fn operands_mut(&mut self) -> &mut [Expression] {
        match self {
            Expression::Constant(_) | Expression::Variable(_) | Expression::Load(_) | Expression::Position(_) => {
                &mut []
            }
            Expression::Apply { operands, .. } => operands,
            Expression::MulAdd(operands) => &mut **operands,
            Expression::Dot { sum, .. } => std::slice::from_mut(sum),
            Expression::Random { key, .. } => &mut **key,
        }
    }
}

impl Kept {
    /// What it holds before the first run, where `values` gives those of parameters.
    pub fn first(&self, values: impl FnOnce(&Leaf) -> Tensor<f32>) -> Tensor<f32> {
        match self.init {
            Some(init) => Tensor::filled(&TensorType::new(self.leaf.dtype, &[self.leaf.elements]), init),
            None => values(&self.leaf),
        }
    }
}

impl Element {
    pub fn plain(array: Array, position: Affine) -> Element {
        Element { array, position, modulo: None, row: None }
    }

    /// The elements that follow from this one on, this among them.
    pub fn run(&self, length: usize) -> impl Iterator<Item = Element> {
        let at =
            |k: usize| Element { position: self.position.clone().plus(&Affine::constant(k as i64)), ..self.clone() };
        (0..length).map(at)
    }
}

impl Function {
    /// True if the address of some element depends on data.
    pub fn looks_up(&self) -> bool {
        let mut found = false;
        mentions::visit_elements(&self.body, &mut |element| found |= element.row.is_some());
        found
    }

    /// The type of the elements of an array.
    pub fn dtype_of(&self, array: Array) -> DType {
        match array {
            Array::Operand(operand) => self.operands[operand].dtype,
            Array::Local(local) => self.locals[local].dtype,
        }
    }

    /// The type of an expression's value.
    pub fn dtype(&self, expression: &Expression) -> DType {
        match expression {
            Expression::Constant(value) => value.dtype(),
            Expression::Variable(variable) => self.variables[*variable],
            Expression::Load(element) => self.dtype_of(element.array),
            Expression::Position(_) => DType::I32,
            Expression::Apply { function, operands } => {
                let types: Vec<DType> = operands.iter().map(|operand| self.dtype(operand)).collect();
                function.result_type(&types).expect("lowering keeps a verified program's types")
            }
            Expression::MulAdd(_) | Expression::Random { .. } => DType::F32,
            Expression::Dot { .. } => DType::I32,
        }
    }
}
