//! From the operations of a block program to those of a vector unit. The scalar functions are recorded from their one
//! definition in [`tacit_ir::math`].

use super::ranges::Range;
use crate::block::{Affine, Code, Guard, Lasts, is_word};
use std::cell::RefCell;
use std::collections::HashMap;
use tacit_ir::ScalarFn;
use tacit_ir::math::sequence::{self, Operation as Defined, Sequence, sequence};
use tacit_ir::types::DType;

/// The bit that tells a float's sign.
const SIGN_BIT: u32 = 1 << 31;

/// The number of an operation, whose result it stands for.
pub type Value = usize;

/// One instruction over vectors of 32-bit words; floats are words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Constant(u32),
    /// The elements of a stream at this place.
    Stream(usize),
    Binary(Binary, Value, Value),
    /// a·b + c, rounded once.
    MulAdd(Value, Value, Value),
    Sqrt(Value),
    /// To the nearest f32.
    FromInteger(Value),
    /// Towards zero; what is no i32 becomes the least one.
    ToInteger(Value),
    /// By a fixed number of bits.
    Shift(Shift, Value, u8),
    /// All bits of the mask's words are equal.
    Select {
        mask: Value,
        yes: Value,
        no: Value,
    },
    /// A stream's elements as a result of their own, which outlives what is written over the stream.
    Copy(Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    /// a < b ? a : b
    Min,
    /// b < a ? a : b
    Max,
    /// Masks.
    Less,
    Equal,
    And,
    Or,
    Xor,
    AddInteger,
    SubInteger,
    MulInteger,
    MinInteger,
    MaxInteger,
    EqualInteger,
    GreaterInteger,
    /// The product of 64 bits of every even word, with its sign.
    MulEven,
    /// Over words of 64 bits.
    AddLong,
    /// By as many bits as the second operand says, word by word.
    ShiftLeft,
    ShiftRightSigned,
    /// The odd words of the second operand, the even ones of the first.
    OddOfSecond,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shift {
    Left,
    /// Copies of the sign come in.
    RightSigned,
    /// Over words of 64 bits; zeros come in.
    RightLong,
}

/// What a routine reads: `columns` elements next to each other in each row, or one for the whole row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    pub source: Source,
    pub one_a_row: bool,
    pub width: Width,
}

/// How elements lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Words,
    /// Words of which only the lowest byte is stored, whose sign the others have.
    Bytes,
}

impl Width {
    pub fn of(dtype: DType) -> Width {
        if is_word(dtype) { Width::Words } else { Width::Bytes }
    }

    pub fn bytes(self) -> i64 {
        match self {
            Width::Words => 4,
            Width::Bytes => 1,
        }
    }
}

/// Where a stream comes from; the numbers are those of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Where the code's guards hold in the whole rectangle, the memory of a load or the ones of a `within`; else the code's
    /// register, row after row.
    InPlace(usize),
    /// The code's register, row after row.
    Register(usize),
    /// The first row of the code's register, for all rows.
    Row(usize),
}

/// A block program for the vector unit.
#[derive(Debug)]
pub struct Operations {
    /// Operands come before their uses.
    pub operations: Vec<Operation>,
    pub streams: Vec<Stream>,
    pub results: Vec<Value>,
    /// How each result is written.
    pub widths: Vec<Width>,
}

impl Operations {
    /// Nothing if an operation has no vector form here. Results are words unless `in_place` says how memory has them; then
    /// bytes are read in place as well.
    pub fn record(
        codes: &[Code],
        lasts: &[Lasts],
        results: &[usize],
        column_dim: Option<usize>,
        in_place: Option<&[Width]>,
    ) -> Option<Operations> {
        let recorder = Recorder::default();
        let mut streams = vec![];
        let mut known: Vec<Option<Known>> = vec![];
        for (k, code) in codes.iter().enumerate() {
            let stream = match (lasts[k], code) {
                // What lasts is evaluated once; constants need no memory at all.
                (_, Code::Splat { bits }) => {
                    known.push(Some(Known::Word(recorder.push(Operation::Constant(*bits)))));
                    continue;
                }
                (Lasts::Run, _) => Some(Stream::of_words(Source::Row(k), true)),
                (Lasts::Columns, _) => Some(Stream::of_words(Source::Row(k), false)),
                (Lasts::Block, Code::Load { dtype, offset, guards, .. }) => {
                    Some(loaded(k, *dtype, offset, guards, column_dim, in_place.is_some()))
                }
                (Lasts::Block, Code::Index { .. }) => Some(Stream::of_words(Source::Register(k), false)),
                (Lasts::Block, Code::Within { .. }) => Some(Stream::of_words(Source::InPlace(k), false)),
                (Lasts::Block, Code::Apply { .. } | Code::MulAdd { .. }) => None,
            };
            known.push(match (stream, code) {
                (Some(stream), _) => {
                    streams.push(stream);
                    let value = recorder.push(Operation::Stream(streams.len() - 1));
                    if let Code::Load { dtype, .. } = code {
                        recorder.bound(value, Range::of(*dtype));
                    }
                    Some(Known::Word(value))
                }
                (None, Code::Apply { function, dtype, operands }) => {
                    let operands = operands.map(|operand| known.get(operand).copied().flatten());
                    Some(apply(&recorder, *function, *dtype, operands)?)
                }
                (None, Code::MulAdd { operands }) => {
                    let [a, b, c] = operands.map(|operand| known.get(operand).copied().flatten());
                    let word = |known: Option<Known>| known.map(|known| recorder.word(known));
                    Some(Known::Word(recorder.push(Operation::MulAdd(word(a)?, word(b)?, word(c)?))))
                }
                (None, _) => None,
            });
        }
        let results = results
            .iter()
            .map(|code| {
                let word = recorder.word(known[*code]?);
                let is_own = !matches!(recorder.operation(word), Operation::Stream(_) | Operation::Constant(_));
                Some(if is_own { word } else { recorder.push(Operation::Copy(word)) })
            })
            .collect::<Option<Vec<Value>>>()?;
        let widths = in_place.map_or(vec![Width::Words; results.len()], <[Width]>::to_vec);
        let operations = Operations { operations: recorder.operations.into_inner(), streams, results, widths };
        Some(operations.without_unused())
    }

    /// Whether bytes are read or written in place.
    pub fn has_bytes(&self) -> bool {
        let read = self.streams.iter().map(|stream| stream.width);
        read.chain(self.widths.iter().copied()).any(|width| width == Width::Bytes)
    }

    /// Leaves out operations and streams that no result needs.
    fn without_unused(self) -> Operations {
        let mut needed = vec![false; self.operations.len()];
        for result in &self.results {
            needed[*result] = true;
        }
        for value in (0..needed.len()).rev() {
            if needed[value] {
                for operand in self.operations[value].operands() {
                    needed[operand] = true;
                }
            }
        }
        let mut numbers = vec![0; needed.len()];
        let mut stream_numbers = vec![None; self.streams.len()];
        let mut operations = vec![];
        let mut streams = vec![];
        for (value, operation) in self.operations.iter().enumerate().filter(|(value, _)| needed[*value]) {
            numbers[value] = operations.len();
            let mut stream_number = |stream: usize| {
                *stream_numbers[stream].get_or_insert_with(|| {
                    streams.push(self.streams[stream].clone());
                    streams.len() - 1
                })
            };
            operations.push(operation.renumbered(|operand| numbers[operand], &mut stream_number));
        }
        let results = self.results.iter().map(|result| numbers[*result]).collect();
        Operations { operations, streams, results, widths: self.widths }
    }
}

impl Stream {
    fn of_words(source: Source, one_a_row: bool) -> Stream {
        Stream { source, one_a_row, width: Width::Words }
    }
}

/// The stream of a load that is done anew for every block.
fn loaded(
    code: usize,
    dtype: DType,
    offset: &Affine,
    guards: &[Guard],
    column_dim: Option<usize>,
    bytes_in_place: bool,
) -> Stream {
    let step = |affine: &Affine| column_dim.map_or(0, |dim| affine.coefficients[dim]);
    let words = is_word(dtype);
    match step(offset) {
        1 if words || bytes_in_place && guards.is_empty() => {
            Stream { source: Source::InPlace(code), one_a_row: false, width: Width::of(dtype) }
        }
        0 if words && guards.iter().all(|guard| step(&guard.value) == 0) => {
            Stream::of_words(Source::InPlace(code), true)
        }
        _ => Stream::of_words(Source::Register(code), false),
    }
}

impl Operation {
    pub fn operands(&self) -> impl Iterator<Item = Value> + use<> {
        let operands = match *self {
            Operation::Constant(_) | Operation::Stream(_) => [None, None, None],
            Operation::Binary(_, a, b) => [Some(a), Some(b), None],
            Operation::MulAdd(a, b, c) => [Some(a), Some(b), Some(c)],
            Operation::Sqrt(a)
            | Operation::FromInteger(a)
            | Operation::ToInteger(a)
            | Operation::Shift(_, a, _)
            | Operation::Copy(a) => [Some(a), None, None],
            Operation::Select { mask, yes, no } => [Some(mask), Some(yes), Some(no)],
        };
        operands.into_iter().flatten()
    }

    fn renumbered(self, of: impl Fn(Value) -> Value, of_stream: &mut dyn FnMut(usize) -> usize) -> Operation {
        match self {
            Operation::Constant(_) => self,
            Operation::Stream(stream) => Operation::Stream(of_stream(stream)),
            Operation::Binary(binary, a, b) => Operation::Binary(binary, of(a), of(b)),
            Operation::MulAdd(a, b, c) => Operation::MulAdd(of(a), of(b), of(c)),
            Operation::Sqrt(a) => Operation::Sqrt(of(a)),
            Operation::FromInteger(a) => Operation::FromInteger(of(a)),
            Operation::ToInteger(a) => Operation::ToInteger(of(a)),
            Operation::Shift(shift, a, places) => Operation::Shift(shift, of(a), places),
            Operation::Select { mask, yes, no } => Operation::Select { mask: of(mask), yes: of(yes), no: of(no) },
            Operation::Copy(a) => Operation::Copy(of(a)),
        }
    }
}

impl Binary {
    /// The operation that a scalar function's definition names.
    fn of(defined: sequence::Binary) -> Binary {
        match defined {
            sequence::Binary::Add => Binary::Add,
            sequence::Binary::Sub => Binary::Sub,
            sequence::Binary::Mul => Binary::Mul,
            sequence::Binary::Div => Binary::Div,
            sequence::Binary::And => Binary::And,
            sequence::Binary::Or => Binary::Or,
            sequence::Binary::Xor => Binary::Xor,
            sequence::Binary::AddInteger => Binary::AddInteger,
            sequence::Binary::SubInteger => Binary::SubInteger,
        }
    }

    /// True if the operands may change places. (The NaN that a sum of NaNs gives is any.)
    fn commutes(self) -> bool {
        match self {
            Binary::Add
            | Binary::Mul
            | Binary::Equal
            | Binary::And
            | Binary::Or
            | Binary::Xor
            | Binary::AddInteger
            | Binary::MulInteger
            | Binary::MinInteger
            | Binary::MaxInteger
            | Binary::EqualInteger
            | Binary::MulEven
            | Binary::AddLong => true,
            Binary::Sub
            | Binary::Div
            | Binary::Min
            | Binary::Max
            | Binary::Less
            | Binary::SubInteger
            | Binary::GreaterInteger
            | Binary::ShiftLeft
            | Binary::ShiftRightSigned
            | Binary::OddOfSecond => false,
        }
    }
}

/// A code's result: words as registers hold them, or a mask that stands for a bool.
#[derive(Clone, Copy)]
enum Known {
    Word(Value),
    Mask(Value),
}

/// Gathers operations; equal ones are one.
#[derive(Default)]
pub(super) struct Recorder {
    operations: RefCell<Vec<Operation>>,
    numbers: RefCell<HashMap<Operation, Value>>,
    pub(super) ranges: RefCell<Vec<Range>>,
}

impl Recorder {
    pub fn push(&self, operation: Operation) -> Value {
        // A constant can be read from memory as the second operand.
        let operation = match operation {
            Operation::Binary(binary, a, b) => match binary.commutes() && self.is_constant(a) {
                true => Operation::Binary(binary, b, a),
                false => operation,
            },
            Operation::MulAdd(a, b, c) if self.is_constant(a) => Operation::MulAdd(b, a, c),
            Operation::MulAdd(..)
            | Operation::Constant(_)
            | Operation::Stream(_)
            | Operation::Sqrt(_)
            | Operation::FromInteger(_)
            | Operation::ToInteger(_)
            | Operation::Shift(..)
            | Operation::Select { .. }
            | Operation::Copy(_) => operation,
        };
        if let Some(known) = self.numbers.borrow().get(&operation) {
            return *known;
        }
        let range = self.range_of(operation);
        self.operations.borrow_mut().push(operation);
        self.ranges.borrow_mut().push(range);
        let value = self.operations.borrow().len() - 1;
        self.numbers.borrow_mut().insert(operation, value);
        value
    }

    pub fn operation(&self, value: Value) -> Operation {
        self.operations.borrow()[value]
    }

    fn is_constant(&self, value: Value) -> bool {
        matches!(self.operation(value), Operation::Constant(_))
    }

    pub fn binary(&self, binary: Binary, a: Value, b: Value) -> Value {
        self.push(Operation::Binary(binary, a, b))
    }

    pub fn constant(&self, bits: u32) -> Value {
        self.push(Operation::Constant(bits))
    }

    /// As registers hold it: a bool is 0 or 1.
    fn word(&self, known: Known) -> Value {
        match known {
            Known::Word(value) => value,
            Known::Mask(value) => self.binary(Binary::And, value, self.constant(1)),
        }
    }

    fn mask(&self, known: Known) -> Value {
        match known {
            Known::Word(value) => self.binary(Binary::GreaterInteger, value, self.constant(0)),
            Known::Mask(value) => value,
        }
    }

    /// The operations of a scalar function's definition.
    fn sequence(&self, function: ScalarFn, argument: Value) -> Value {
        let Sequence { operations, result } = sequence(function).expect("its definition is a sequence");
        let mut values: Vec<Value> = Vec::with_capacity(operations.len());
        for operation in operations {
            let shift = |of: Shift, value: usize, places: u32| Operation::Shift(of, values[value], places as u8);
            let value = match operation {
                Defined::Argument => argument,
                Defined::Word(bits) => self.constant(bits),
                Defined::Binary(binary, a, b) => self.binary(Binary::of(binary), values[a], values[b]),
                Defined::MulAdd(a, b, c) => self.push(Operation::MulAdd(values[a], values[b], values[c])),
                Defined::Less(a, b) => self.binary(Binary::Less, values[a], values[b]),
                Defined::Equal(a, b) => self.binary(Binary::Equal, values[a], values[b]),
                Defined::Select(mask, yes, no) => {
                    self.push(Operation::Select { mask: values[mask], yes: values[yes], no: values[no] })
                }
                Defined::ShiftLeft(value, places) => self.push(shift(Shift::Left, value, places)),
                Defined::ShiftRight(value, places) => self.push(shift(Shift::RightSigned, value, places)),
                Defined::FromInteger(value) => self.push(Operation::FromInteger(values[value])),
            };
            values.push(value);
        }
        values[result]
    }
}

/// Records a scalar function; nothing if it has no vector form here.
fn apply(recorder: &Recorder, function: ScalarFn, dtype: DType, operands: [Option<Known>; 3]) -> Option<Known> {
    let word = |k: usize| operands[k].map(|known| recorder.word(known));
    let binary = |of: Binary| Some(Known::Word(recorder.binary(of, word(0)?, word(1)?)));
    let masks = |of: Binary| {
        let (a, b) = (recorder.mask(operands[0]?), recorder.mask(operands[1]?));
        Some(Known::Mask(recorder.binary(of, a, b)))
    };
    let by_type = |float: Binary, integer: Option<Binary>| match dtype {
        DType::F32 => binary(float),
        DType::I32 => binary(integer?),
        DType::I8 => Some(Known::Word(recorder.wrapped(recorder.binary(integer?, word(0)?, word(1)?)))),
        DType::Bool => None,
    };
    match function {
        ScalarFn::Add => by_type(Binary::Add, Some(Binary::AddInteger)),
        ScalarFn::Sub => by_type(Binary::Sub, Some(Binary::SubInteger)),
        ScalarFn::Mul => by_type(Binary::Mul, Some(Binary::MulInteger)),
        ScalarFn::Div => by_type(Binary::Div, None),
        ScalarFn::Max => match dtype {
            DType::Bool => masks(Binary::Or),
            DType::I8 => binary(Binary::MaxInteger),
            DType::F32 | DType::I32 => by_type(Binary::Max, Some(Binary::MaxInteger)),
        },
        ScalarFn::Min => match dtype {
            DType::Bool => masks(Binary::And),
            DType::I8 => binary(Binary::MinInteger),
            DType::F32 | DType::I32 => by_type(Binary::Min, Some(Binary::MinInteger)),
        },
        ScalarFn::Neg => match dtype {
            DType::F32 => Some(Known::Word(recorder.binary(Binary::Xor, word(0)?, recorder.constant(SIGN_BIT)))),
            DType::I32 => Some(Known::Word(recorder.binary(Binary::SubInteger, recorder.constant(0), word(0)?))),
            DType::I8 | DType::Bool => None,
        },
        ScalarFn::Less => {
            let (a, b) = (word(0)?, word(1)?);
            Some(Known::Mask(match dtype {
                DType::F32 => recorder.binary(Binary::Less, a, b),
                DType::I32 | DType::I8 | DType::Bool => recorder.binary(Binary::GreaterInteger, b, a),
            }))
        }
        ScalarFn::Equal => {
            let of = if dtype == DType::F32 { Binary::Equal } else { Binary::EqualInteger };
            Some(Known::Mask(recorder.binary(of, word(0)?, word(1)?)))
        }
        ScalarFn::Select => {
            let mask = recorder.mask(operands[0]?);
            if dtype == DType::Bool {
                let (yes, no) = (recorder.mask(operands[1]?), recorder.mask(operands[2]?));
                return Some(Known::Mask(recorder.push(Operation::Select { mask, yes, no })));
            }
            Some(Known::Word(recorder.push(Operation::Select { mask, yes: word(1)?, no: word(2)? })))
        }
        ScalarFn::Straight => operands[1],
        ScalarFn::Sqrt => Some(Known::Word(recorder.push(Operation::Sqrt(word(0)?)))),
        ScalarFn::Exp
        | ScalarFn::Log
        | ScalarFn::Tanh
        | ScalarFn::Sigmoid
        | ScalarFn::Erf
        | ScalarFn::Sin
        | ScalarFn::Cos
        | ScalarFn::Round
        | ScalarFn::Flush => Some(Known::Word(recorder.sequence(function, word(0)?))),
        ScalarFn::Cast(to) => match (dtype, to) {
            (DType::F32, DType::F32)
            | (DType::I32, DType::I32)
            | (DType::I8, DType::I8 | DType::I32)
            | (DType::Bool, DType::Bool) => operands[0],
            (DType::Bool, DType::I8 | DType::I32) => Some(Known::Word(word(0)?)),
            (DType::Bool, DType::F32) => {
                let mask = recorder.mask(operands[0]?);
                Some(Known::Word(recorder.binary(Binary::And, mask, recorder.constant(1.0f32.to_bits()))))
            }
            (DType::I32 | DType::I8, DType::F32) => Some(Known::Word(recorder.push(Operation::FromInteger(word(0)?)))),
            (DType::F32, DType::I32) => Some(Known::Word(recorder.integer(word(0)?))),
            (DType::F32, DType::I8) => Some(Known::Word(recorder.small_integer(word(0)?))),
            (DType::F32, DType::Bool) | (DType::I32 | DType::I8, DType::Bool) => None,
            (DType::I32, DType::I8) => Some(Known::Word(recorder.saturated(word(0)?))),
        },
        ScalarFn::MulShift => Some(Known::Word(recorder.mulshift(word(0)?, word(1)?, word(2)?))),
        ScalarFn::ShiftLeft if dtype == DType::I32 => Some(Known::Word(recorder.shift_left(word(0)?, word(1)?))),
        ScalarFn::ShiftRight if dtype == DType::I32 => Some(Known::Word(recorder.shift_right(word(0)?, word(1)?))),
        ScalarFn::ShiftLeft | ScalarFn::ShiftRight => None,
    }
}
