//! The functions that expressions call, each for one number or for the four of a vector, with the bits that
//! docs/NUMERICS.md states. No instruction in them branches.

use super::Products;
use super::code::{Code, Width};
use tacit_ir::ScalarFn;
use tacit_ir::math::sequence::{Binary, Operation, Sequence, sequence};
use wasm_encoder::{BlockType, Instruction as I, ValType};

/// A function of the module that no kernel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Helper {
    /// a·b + c, rounded once.
    MulAdd(Width),
    /// A function that is a sequence of operations.
    Sequence(ScalarFn, Width),
    MulShift(Width),
    /// Of integers: towards zero; by 0 it gives 0.
    Divide,
    /// The uniform number at a place (first argument) of a stream, from the two words of the key.
    Uniform,
}

/// The helpers that a module has, in the order of their first use.
pub struct Helpers {
    products: Products,
    /// The function number of the first.
    first: u32,
    all: Vec<Helper>,
}

impl Helpers {
    pub fn new(products: Products, first: u32) -> Helpers {
        Helpers { products, first, all: vec![] }
    }

    /// The function number of a helper.
    pub fn number(&mut self, helper: Helper) -> u32 {
        let position = self.all.iter().position(|known| *known == helper).unwrap_or_else(|| {
            self.all.push(helper);
            self.all.len() - 1
        });
        self.first + position as u32
    }

    /// Every helper's types and code; code may ask for further helpers.
    pub fn functions(mut self) -> Vec<(Vec<ValType>, ValType, Code)> {
        let mut functions = vec![];
        while let Some(helper) = self.all.get(functions.len()).copied() {
            let (parameters, result) = signature(helper);
            let mut code = Code::new(parameters.len());
            match helper {
                Helper::MulAdd(Width::One) => mul_add(&mut code),
                Helper::MulAdd(Width::Four) => mul_add_of_four(&mut code),
                Helper::Sequence(function, width) => self.sequence(&mut code, function, width),
                Helper::MulShift(Width::One) => mulshift(&mut code),
                Helper::MulShift(Width::Four) => mulshift_of_four(&mut code),
                Helper::Divide => divide(&mut code),
                Helper::Uniform => uniform(&mut code),
            }
            functions.push((parameters, result, code));
        }
        functions
    }

    /// a·b + c of the three operands on the stack, rounded once (where the engine's relaxed instruction does, if that was
    /// chosen).
    pub fn fused(&mut self, code: &mut Code, width: Width) {
        match (self.products, width) {
            (Products::Relaxed, Width::Four) => code.push(I::F32x4RelaxedMadd),
            (Products::Relaxed, Width::One) => relaxed_of_one(code),
            (Products::Rounded | Products::Fused, width) => {
                let number = self.number(Helper::MulAdd(width));
                code.push(I::Call(number));
            }
        }
    }

    fn sequence(&mut self, code: &mut Code, function: ScalarFn, width: Width) {
        let Sequence { operations, result } = sequence(function).expect("only sequences are helpers of this kind");
        let mut steps: Vec<Step> = vec![];
        for operation in &operations {
            let step = self.operation(code, operation, &steps, width);
            steps.push(step);
        }
        steps[result].push(code, width);
    }

    fn operation(&mut self, code: &mut Code, operation: &Operation, steps: &[Step], width: Width) -> Step {
        let number = |code: &mut Code, step: usize| steps[step].push(code, width);
        let word = |code: &mut Code, step: usize| {
            steps[step].push(code, width);
            if width == Width::One {
                code.push(I::I32ReinterpretF32);
            }
        };
        // One word is a float again when it is put down; a vector has no type.
        let number_again = |code: &mut Code| {
            if width == Width::One {
                code.push(I::F32ReinterpretI32);
            }
        };
        let mut ty = width.of(ValType::F32, ValType::V128);
        match *operation {
            Operation::Argument => return Step::Local(0),
            Operation::Word(bits) => return Step::Word(bits),
            Operation::Binary(binary, a, b) => {
                let (is_integer, instruction) = match binary {
                    Binary::Add => (false, width.of(I::F32Add, I::F32x4Add)),
                    Binary::Sub => (false, width.of(I::F32Sub, I::F32x4Sub)),
                    Binary::Mul => (false, width.of(I::F32Mul, I::F32x4Mul)),
                    Binary::Div => (false, width.of(I::F32Div, I::F32x4Div)),
                    Binary::And => (true, width.of(I::I32And, I::V128And)),
                    Binary::Or => (true, width.of(I::I32Or, I::V128Or)),
                    Binary::Xor => (true, width.of(I::I32Xor, I::V128Xor)),
                    Binary::AddInteger => (true, width.of(I::I32Add, I::I32x4Add)),
                    Binary::SubInteger => (true, width.of(I::I32Sub, I::I32x4Sub)),
                };
                if is_integer {
                    word(code, a);
                    word(code, b);
                } else {
                    number(code, a);
                    number(code, b);
                }
                code.push(instruction);
                if is_integer {
                    number_again(code);
                }
            }
            Operation::MulAdd(a, b, c) => {
                [a, b, c].iter().for_each(|step| number(code, *step));
                self.fused(code, width);
            }
            Operation::Less(a, b) => {
                ty = width.of(ValType::I32, ValType::V128);
                [a, b].iter().for_each(|step| number(code, *step));
                code.push(width.of(I::F32Lt, I::F32x4Lt));
            }
            Operation::Equal(a, b) => {
                ty = width.of(ValType::I32, ValType::V128);
                [a, b].iter().for_each(|step| number(code, *step));
                code.push(width.of(I::F32Eq, I::F32x4Eq));
            }
            Operation::Select(truth, a, b) => match width {
                Width::One => {
                    // no ^ ((yes ^ no) & −truth): a select of floats is a branch on some machines.
                    word(code, b);
                    word(code, a);
                    word(code, b);
                    code.push(I::I32Xor);
                    code.push(I::I32Const(0));
                    number(code, truth);
                    code.all([I::I32Sub, I::I32And, I::I32Xor, I::F32ReinterpretI32]);
                }
                Width::Four => {
                    [a, b, truth].iter().for_each(|step| number(code, *step));
                    code.push(I::V128Bitselect);
                }
            },
            Operation::ShiftLeft(a, places) => {
                word(code, a);
                code.all([I::I32Const(places as i32), width.of(I::I32Shl, I::I32x4Shl)]);
                number_again(code);
            }
            Operation::ShiftRight(a, places) => {
                word(code, a);
                code.all([I::I32Const(places as i32), width.of(I::I32ShrS, I::I32x4ShrS)]);
                number_again(code);
            }
            Operation::FromInteger(a) => {
                word(code, a);
                code.push(width.of(I::F32ConvertI32S, I::F32x4ConvertI32x4S));
            }
        }
        let local = code.local(ty);
        code.push(I::LocalSet(local));
        Step::Local(local)
    }
}

/// Where the result of a step is found again.
#[derive(Clone, Copy)]
enum Step {
    Local(u32),
    Word(u32),
}

impl Step {
    fn push(self, code: &mut Code, width: Width) {
        match (self, width) {
            (Step::Local(local), _) => code.push(I::LocalGet(local)),
            (Step::Word(bits), Width::One) => code.push(I::F32Const(f32::from_bits(bits).into())),
            (Step::Word(bits), Width::Four) => code.push(I::V128Const(repeated(bits))),
        }
    }
}

/// The upper two lanes in the place of the lower two.
const UPPER: [u8; 16] = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];

/// A word in all lanes.
pub fn repeated(bits: u32) -> i128 {
    let word = u128::from(bits);
    (word | word << 32 | word << 64 | word << 96) as i128
}

fn signature(helper: Helper) -> (Vec<ValType>, ValType) {
    match helper {
        Helper::MulAdd(width) => {
            let ty = width.of(ValType::F32, ValType::V128);
            (vec![ty; 3], ty)
        }
        Helper::Sequence(_, width) => {
            let ty = width.of(ValType::F32, ValType::V128);
            (vec![ty], ty)
        }
        Helper::MulShift(width) => {
            let ty = width.of(ValType::I32, ValType::V128);
            (vec![ty; 3], ty)
        }
        Helper::Divide => (vec![ValType::I32; 2], ValType::I32),
        Helper::Uniform => (vec![ValType::I32; 4], ValType::F32),
    }
}

/// The relaxed instruction exists for vectors alone: three numbers go through one lane.
fn relaxed_of_one(code: &mut Code) {
    let c = code.take(ValType::F32);
    let b = code.take(ValType::F32);
    code.all([I::LocalSet(c), I::LocalSet(b), I::F32x4Splat]);
    code.all([I::LocalGet(b), I::F32x4Splat, I::LocalGet(c), I::F32x4Splat]);
    code.all([I::F32x4RelaxedMadd, I::F32x4ExtractLane(0)]);
    code.give(ValType::F32, b);
    code.give(ValType::F32, c);
}

/// The product is exact in f64. The sum is rounded to odd there: to the neighbour with an odd pattern wherever it is not
/// exact, so that rounding it again, to f32, rounds the exact sum (Boldo and Melquiond, "Emulation of a FMA and
/// correctly rounded sums: proved algorithms using rounding to odd", IEEE Transactions on Computers 57(4), 2008).
fn mul_add(code: &mut Code) {
    let [product, sum, addend, error] = [(); 4].map(|()| code.local(ValType::F64));
    let inexact = code.local(ValType::I64);
    code.all([I::LocalGet(0), I::F64PromoteF32, I::LocalGet(1), I::F64PromoteF32, I::F64Mul, I::LocalTee(product)]);
    code.all([I::LocalGet(2), I::F64PromoteF32, I::LocalTee(addend), I::F64Add, I::LocalSet(sum)]);
    // What rounding the sum lost (Knuth's two-sum): (p − (s − t)) + (c − t) with t = s − p.
    code.all([I::LocalGet(sum), I::LocalGet(product), I::F64Sub, I::LocalSet(error)]);
    code.all([I::LocalGet(product), I::LocalGet(sum), I::LocalGet(error), I::F64Sub, I::F64Sub]);
    code.all([I::LocalGet(addend), I::LocalGet(error), I::F64Sub, I::F64Add, I::LocalSet(error)]);
    // False for NaN, which comes of infinities.
    code.all([I::LocalGet(error), I::F64Abs, I::F64Const(0.0.into()), I::F64Gt, I::I64ExtendI32U]);
    code.push(I::LocalSet(inexact));
    // Towards zero first: one less where what was lost has the other sign; then the last bit is set.
    code.all([I::LocalGet(sum), I::I64ReinterpretF64]);
    code.all([I::LocalGet(sum), I::I64ReinterpretF64, I::LocalGet(error), I::I64ReinterpretF64, I::I64Xor]);
    code.all([I::I64Const(63), I::I64ShrU, I::LocalGet(inexact), I::I64And, I::I64Sub]);
    code.all([I::LocalGet(inexact), I::I64Or, I::F64ReinterpretI64, I::F32DemoteF64]);
}

/// The same for four, two at a time.
fn mul_add_of_four(code: &mut Code) {
    let [product, sum, addend, error, inexact] = [(); 5].map(|()| code.local(ValType::V128));
    for is_upper in [false, true] {
        let operand = |code: &mut Code, number: u32| {
            code.push(I::LocalGet(number));
            if is_upper {
                code.all([I::LocalGet(number), I::I8x16Shuffle(UPPER)]);
            }
            code.push(I::F64x2PromoteLowF32x4);
        };
        operand(code, 0);
        operand(code, 1);
        code.all([I::F64x2Mul, I::LocalTee(product)]);
        operand(code, 2);
        code.all([I::LocalTee(addend), I::F64x2Add, I::LocalSet(sum)]);
        code.all([I::LocalGet(sum), I::LocalGet(product), I::F64x2Sub, I::LocalSet(error)]);
        code.all([I::LocalGet(product), I::LocalGet(sum), I::LocalGet(error), I::F64x2Sub, I::F64x2Sub]);
        code.all([I::LocalGet(addend), I::LocalGet(error), I::F64x2Sub, I::F64x2Add, I::LocalSet(error)]);
        code.all([I::LocalGet(error), I::F64x2Abs, I::V128Const(0), I::F64x2Gt, I::LocalSet(inexact)]);
        // A true lane is −1, so that adding it takes one off.
        code.all([I::LocalGet(sum), I::LocalGet(sum), I::LocalGet(error), I::V128Xor, I::I32Const(63), I::I64x2ShrS]);
        code.all([I::LocalGet(inexact), I::V128And, I::I64x2Add]);
        code.all([I::LocalGet(inexact), I::V128Const(1 << 64 | 1), I::V128And, I::V128Or, I::F32x4DemoteF64x2Zero]);
    }
    code.push(I::I8x16Shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]));
}

/// The lesser (false) or greater (true) of the integer on the stack and a constant.
pub fn bounded(code: &mut Code, bound: i32, is_least: bool) {
    let x = code.take(ValType::I32);
    code.all([I::LocalTee(x), I::I32Const(bound), I::LocalGet(x), I::I32Const(bound)]);
    code.all([if is_least { I::I32GtS } else { I::I32LtS }, I::Select]);
    code.give(ValType::I32, x);
}

/// See docs/NUMERICS.md, mulshift.
fn mulshift(code: &mut Code) {
    let [right, mask] = [(); 2].map(|()| code.local(ValType::I32));
    let doubled = code.local(ValType::I64);
    let (x, m, s) = (0, 1, 2);
    // Shifts are clamped; to the right by −min(s, 0).
    code.all([I::I32Const(0), I::LocalGet(s)]);
    bounded(code, -31, true);
    bounded(code, 0, false);
    code.all([I::I32Sub, I::LocalSet(right)]);
    code.all([I::LocalGet(x), I::LocalGet(s)]);
    bounded(code, 31, false);
    bounded(code, 0, true);
    code.all([I::I32Shl, I::I64ExtendI32S, I::LocalGet(m), I::I64ExtendI32S, I::I64Mul]);
    code.all([I::I64Const(1 << 30), I::I64Add, I::I64Const(31), I::I64ShrS, I::LocalTee(doubled)]);
    let most = i64::from(i32::MAX);
    code.all([I::I64Const(most), I::LocalGet(doubled), I::I64Const(most), I::I64LtS, I::Select]);
    code.all([I::I32WrapI64, I::LocalSet(x)]);
    code.all([I::I32Const(1), I::LocalGet(right), I::I32Shl, I::I32Const(1), I::I32Sub, I::LocalSet(mask)]);
    code.all([I::LocalGet(x), I::LocalGet(right), I::I32ShrS]);
    code.all([I::LocalGet(x), I::LocalGet(mask), I::I32And]);
    code.all([I::LocalGet(mask), I::I32Const(1), I::I32ShrS, I::LocalGet(x), I::I32Const(0), I::I32LtS, I::I32Add]);
    code.all([I::I32GtS, I::I32Add]);
}

/// The same for four. A vector is shifted by one number alone, so powers of two are made of f32's exponents. To the left that
/// is a product of integers, which layers hardly ever need; it depends on the shifts, which are weights, whether it is taken.
/// To the right it is a product in f64, where nothing is lost: what was high ± ½ before, away from zero, has no tie behind it,
/// so that a sum with 1.5·2⁵² rounds it as is meant, into its lower word.
fn mulshift_of_four(code: &mut Code) {
    let [high, away, power] = [(); 3].map(|()| code.local(ValType::V128));
    let (x, m, s) = (0, 1, 2);
    // 2ⁿ as f32, of n on the stack.
    let exponent = |code: &mut Code| {
        code.all([I::V128Const(repeated(127)), I::I32x4Add, I::I32Const(23), I::I32x4Shl]);
    };
    code.all([I::LocalGet(s), I::V128Const(0), I::I32x4GtS, I::V128AnyTrue, I::If(BlockType::Empty)]);
    code.all([I::LocalGet(s), I::V128Const(repeated(31)), I::I32x4MinS, I::V128Const(0), I::I32x4MaxS]);
    exponent(code);
    code.all([I::I32x4TruncSatF32x4U, I::LocalGet(x), I::I32x4Mul, I::LocalSet(x), I::End]);
    // Twice the products, rounded at their upper words.
    for product in [I::I64x2ExtMulLowI32x4S, I::I64x2ExtMulHighI32x4S] {
        code.all([I::LocalGet(x), I::LocalGet(m), product, I::V128Const(1 << 94 | 1 << 30), I::I64x2Add]);
        code.all([I::I32Const(1), I::I64x2Shl]);
    }
    code.all([I::I8x16Shuffle([4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31]), I::LocalTee(high)]);
    // Only the product that overflows gives the least integer, to which one less is the greatest.
    code.all([I::LocalGet(high), I::V128Const(repeated(i32::MIN as u32)), I::I32x4Eq, I::I32x4Add, I::LocalSet(high)]);
    // ±½ where something is shifted out.
    code.all([
        I::LocalGet(high),
        I::V128Const(repeated(1 << 31)),
        I::V128And,
        I::V128Const(repeated(0.5f32.to_bits())),
    ]);
    code.all([I::V128Or, I::LocalGet(s), I::V128Const(0), I::I32x4LtS, I::V128And, I::LocalSet(away)]);
    code.all([I::LocalGet(s), I::V128Const(repeated(-31_i32 as u32)), I::I32x4MaxS, I::V128Const(0), I::I32x4MinS]);
    exponent(code);
    code.push(I::LocalSet(power));
    for is_upper in [false, true] {
        let half = |code: &mut Code, vector: u32| match is_upper {
            true => code.all([I::LocalGet(vector), I::LocalGet(vector), I::I8x16Shuffle(UPPER)]),
            false => code.push(I::LocalGet(vector)),
        };
        half(code, high);
        code.push(I::F64x2ConvertLowI32x4S);
        half(code, away);
        code.all([I::F64x2PromoteLowF32x4, I::F64x2Add]);
        half(code, power);
        let rounder = i128::from((1.5 * 2.0f64.powi(52)).to_bits());
        code.all([I::F64x2PromoteLowF32x4, I::F64x2Mul, I::V128Const(rounder << 64 | rounder), I::F64x2Add]);
    }
    code.push(I::I8x16Shuffle([0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27]));
}

fn divide(code: &mut Code) {
    let [by_zero, overflows] = [(); 2].map(|()| code.local(ValType::I32));
    let (a, b) = (0, 1);
    code.all([I::LocalGet(b), I::I32Eqz, I::LocalSet(by_zero)]);
    code.all([I::LocalGet(a), I::I32Const(i32::MIN), I::I32Eq, I::LocalGet(b), I::I32Const(-1), I::I32Eq, I::I32And]);
    code.push(I::LocalSet(overflows));
    // The quotient that overflows wraps to the dividend, which division by 1 gives.
    code.all([I::LocalGet(a), I::I32Const(1), I::LocalGet(b), I::LocalGet(by_zero), I::LocalGet(overflows), I::I32Or]);
    code.all([I::Select, I::I32DivS]);
    code.all([I::LocalGet(by_zero), I::I32Const(1), I::I32Sub, I::I32And]);
}

/// Philox-4×32-10 of Salmon, Moraes, Dror and Shaw (SC 2011), section 3.3.
fn uniform(code: &mut Code) {
    let (place, stream, low, high) = (0, 1, 2, 3);
    let counter = [(); 4].map(|()| code.local(ValType::I32));
    let [first, second] = [(); 2].map(|()| code.local(ValType::I64));
    code.all([I::LocalGet(place), I::I32Const(2), I::I32ShrU, I::LocalSet(counter[0])]);
    code.all([I::LocalGet(stream), I::LocalSet(counter[2])]);
    let product = |code: &mut Code, word: u32, factor: i64, to: u32| {
        code.all([I::LocalGet(word), I::I64ExtendI32U, I::I64Const(factor), I::I64Mul, I::LocalSet(to)]);
    };
    let mixed = |code: &mut Code, product: u32, other: u32, key: u32, to: u32| {
        code.all([I::LocalGet(product), I::I64Const(32), I::I64ShrU, I::I32WrapI64]);
        code.all([I::LocalGet(other), I::I32Xor, I::LocalGet(key), I::I32Xor, I::LocalSet(to)]);
    };
    for _ in 0..10 {
        product(code, counter[0], 0xd251_1f53, first);
        product(code, counter[2], 0xcd9e_8d57, second);
        mixed(code, second, counter[1], low, counter[0]);
        code.all([I::LocalGet(second), I::I32WrapI64, I::LocalSet(counter[1])]);
        mixed(code, first, counter[3], high, counter[2]);
        code.all([I::LocalGet(first), I::I32WrapI64, I::LocalSet(counter[3])]);
        code.all([I::LocalGet(low), I::I32Const(0x9e37_79b9_u32 as i32), I::I32Add, I::LocalSet(low)]);
        code.all([I::LocalGet(high), I::I32Const(0xbb67_ae85_u32 as i32), I::I32Add, I::LocalSet(high)]);
    }
    // Word place mod 4 of the block: chosen by its two bits.
    let bit = |code: &mut Code, bit: i32| code.all([I::LocalGet(place), I::I32Const(bit), I::I32And]);
    code.all([I::LocalGet(counter[3]), I::LocalGet(counter[2])]);
    bit(code, 1);
    code.all([I::Select, I::LocalGet(counter[1]), I::LocalGet(counter[0])]);
    bit(code, 1);
    code.push(I::Select);
    bit(code, 2);
    code.all([I::Select, I::I32Const(8), I::I32ShrU, I::F32ConvertI32S]);
    code.all([I::F32Const((1.0f32 / 16_777_216.0).into()), I::F32Mul]);
}
