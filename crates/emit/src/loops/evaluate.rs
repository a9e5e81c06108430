//! Loops by their definition: what lowering and every emitter are held to without a compiler or a machine.

use super::{Affine, Array, Call, Condition, DOT, Element, Expression, Function, Loops, Place, Statement};
use tacit_ir::interpret::{Data, Tensor};
use tacit_ir::math;
use tacit_ir::scalar::Value;
use tacit_ir::types::{DType, Scalar};

/// The bytes that a program works on.
#[derive(Clone, Debug)]
pub struct Memory {
    pub inputs: Vec<Vec<u8>>,
    pub outputs: Vec<Vec<u8>>,
    pub constants: Vec<Vec<u8>>,
    pub kept: Vec<Vec<u8>>,
    pub arena: Vec<u8>,
}

impl Memory {
    /// Memory before the first run. `leaf` gives the values of inputs, parameters and constants.
    pub fn new(loops: &Loops, mut leaf: impl FnMut(&super::Leaf) -> Tensor<f32>) -> Memory {
        let kept = loops.kept.iter().map(|kept| bytes_of(&kept.first(&mut leaf))).collect();
        let mut bytes = |of: &super::Leaf| bytes_of(&leaf(of));
        let inputs = loops.inputs.iter().map(&mut bytes).collect();
        let constants = loops.constants.iter().map(&mut bytes).collect();
        // What an element holds before it is written must not matter.
        let outputs = loops.outputs.iter().map(|output| vec![0x3c; output.elements * output.dtype.size()]).collect();
        Memory { inputs, outputs, constants, kept, arena: vec![0xa5; loops.arena_bytes] }
    }

    fn at(&self, place: Place) -> &[u8] {
        match place {
            Place::Input(input) => &self.inputs[input],
            Place::Output(output) => &self.outputs[output],
            Place::Constant(constant) => &self.constants[constant],
            Place::Kept(kept) => &self.kept[kept],
            Place::Arena(offset) => &self.arena[offset..],
        }
    }

    fn at_mut(&mut self, place: Place) -> &mut [u8] {
        match place {
            Place::Input(_) | Place::Constant(_) => panic!("a program writes neither inputs nor constants"),
            Place::Output(output) => &mut self.outputs[output],
            Place::Kept(kept) => &mut self.kept[kept],
            Place::Arena(offset) => &mut self.arena[offset..],
        }
    }

    /// The bytes of an output after a run.
    pub fn output(&self, loops: &Loops, name: &str) -> Option<&[u8]> {
        let output = loops.outputs.iter().find(|output| output.name == name)?;
        Some(&self.at(output.place)[..output.elements * output.dtype.size()])
    }
}

/// The elements of a tensor as they lie in memory, the least significant byte first.
pub fn bytes_of(tensor: &Tensor<f32>) -> Vec<u8> {
    match &tensor.data {
        Data::Float(x) => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I32(x) => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Data::I8(x) => x.iter().map(|x| *x as u8).collect(),
        Data::Bool(x) => x.iter().map(|x| *x as u8).collect(),
    }
}

/// One run.
pub fn evaluate(loops: &Loops, memory: &mut Memory) {
    for call in &loops.calls {
        let function = &loops.functions[call.function];
        let locals = function.locals.iter().map(|local| vec![0x5a; local.elements * local.dtype.size()]).collect();
        let variables = vec![Value::I32(0); function.variables.len()];
        let mut frame = Frame { function, call, memory, locals, variables, counters: vec![0; function.counters] };
        frame.run(&function.body);
    }
    for copy in &loops.copies {
        let bytes = memory.at(copy.from)[..copy.bytes].to_vec();
        memory.at_mut(copy.to)[..copy.bytes].copy_from_slice(&bytes);
    }
}

struct Frame<'a> {
    function: &'a Function,
    call: &'a Call,
    memory: &'a mut Memory,
    locals: Vec<Vec<u8>>,
    variables: Vec<Value<f32>>,
    counters: Vec<i64>,
}

impl Frame<'_> {
    fn run(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::For { counter, extent, body } => {
                    for value in 0..*extent {
                        self.counters[*counter] = value as i64;
                        self.run(body);
                    }
                }
                Statement::If { conditions, then, otherwise } => {
                    let holds = conditions.iter().all(|condition| self.holds(condition));
                    self.run(if holds { then } else { otherwise });
                }
                Statement::Divide { counter, numerator, divisor } => {
                    let numerator = self.position(numerator);
                    assert_eq!(numerator % divisor, 0, "a quotient is exact");
                    self.counters[*counter] = numerator / divisor;
                }
                Statement::Set { variable, value } => self.variables[*variable] = self.value(value),
                Statement::Store { element, value } => {
                    let value = self.value(value);
                    self.store(element, value);
                }
            }
        }
    }

    fn position(&self, affine: &Affine) -> i64 {
        affine.constant + affine.terms.iter().map(|(step, counter)| step * self.counters[*counter]).sum::<i64>()
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Within { position, extent } => (0..*extent).contains(&self.position(position)),
            Condition::Multiple { position, of } => self.position(position) % of == 0,
        }
    }

    /// The element's byte range in its array.
    fn range(&self, element: &Element) -> std::ops::Range<usize> {
        let mut position = self.position(&element.position);
        if let Some(modulo) = element.modulo {
            position = position.rem_euclid(modulo as i64);
        }
        if let Some((variable, stride)) = element.row {
            let Value::I32(row) = self.variables[variable] else { panic!("a row is an i32") };
            position += i64::from(row) * stride as i64;
        }
        let elements = match element.array {
            Array::Operand(operand) => self.function.operands[operand].elements,
            Array::Local(local) => self.function.locals[local].elements,
        };
        assert!((0..elements as i64).contains(&position), "{element:?} at {position} is in bounds");
        let size = self.function.dtype_of(element.array).size();
        position as usize * size..(position as usize + 1) * size
    }

    fn load(&self, element: &Element) -> Value<f32> {
        let range = self.range(element);
        let bytes = match element.array {
            Array::Operand(operand) => &self.memory.at(self.call.places[operand])[range],
            Array::Local(local) => &self.locals[local][range],
        };
        let word = || bytes.try_into().expect("words have four bytes");
        match self.function.dtype_of(element.array) {
            DType::F32 => Value::Float(f32::from_le_bytes(word())),
            DType::I32 => Value::I32(i32::from_le_bytes(word())),
            DType::I8 => Value::I8(bytes[0] as i8),
            DType::Bool => Value::Bool(bytes[0] != 0),
        }
    }

    fn store(&mut self, element: &Element, value: Value<f32>) {
        let range = self.range(element);
        let bytes = match value {
            Value::Float(x) => x.to_le_bytes().to_vec(),
            Value::I32(x) => x.to_le_bytes().to_vec(),
            Value::I8(x) => vec![x as u8],
            Value::Bool(x) => vec![x as u8],
        };
        match element.array {
            Array::Operand(operand) => {
                assert!(self.function.operands[operand].is_written);
                self.memory.at_mut(self.call.places[operand])[range].copy_from_slice(&bytes);
            }
            Array::Local(local) => self.locals[local][range].copy_from_slice(&bytes),
        }
    }

    fn value(&self, expression: &Expression) -> Value<f32> {
        let float = |expression: &Expression| {
            let Value::Float(x) = self.value(expression) else { panic!("{expression:?} is no float") };
            x
        };
        match expression {
            Expression::Constant(value) => Value::from_scalar(*value),
            Expression::Variable(variable) => self.variables[*variable],
            Expression::Load(element) => self.load(element),
            Expression::Position(affine) => Value::from_scalar(Scalar::I32(self.position(affine) as i32)),
            Expression::Apply { function, operands } => {
                let operands: Vec<Value<f32>> = operands.iter().map(|operand| self.value(operand)).collect();
                function.apply(&operands)
            }
            Expression::MulAdd(operands) => {
                let [a, b, c] = &**operands;
                Value::Float(float(a).mul_add(float(b), float(c)))
            }
            Expression::Dot { sum, a, b } => {
                let word = |value| match value {
                    Value::I8(x) => i32::from(x),
                    Value::I32(x) => x,
                    Value::Float(_) | Value::Bool(_) => panic!("a sum of products of bytes is of integers"),
                };
                let pairs = a.run(DOT).zip(b.run(DOT));
                let products = pairs.map(|(a, b)| word(self.load(&a)) * word(self.load(&b)));
                Value::I32(products.fold(word(self.value(sum)), i32::wrapping_add))
            }
            Expression::Random { stream, place, key } => {
                let word = |expression: &Expression| {
                    let Value::I32(x) = self.value(expression) else { panic!("{expression:?} is no word of a key") };
                    x as u32
                };
                let mut uniform = [0.0];
                let place = self.position(place) as u64;
                math::philox_fill_uniform(&mut uniform, place, *stream, [word(&key[0]), word(&key[1])]);
                Value::Float(uniform[0])
            }
        }
    }
}
