//! The few x86-64 instructions that routines are made of, in their encodings (Intel's Software Developer's Manual,
//! volume 2, section 2.3 on the VEX prefix).

/// A vector register of eight words: ymm0 to ymm15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vector(pub u8);

/// A general register by its number in the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct General(pub u8);

pub const RAX: General = General(0);
pub const RCX: General = General(1);
pub const RDX: General = General(2);
pub const RSP: General = General(4);
pub const RSI: General = General(6);
pub const RDI: General = General(7);
/// Registers that a routine may use for what it likes, beside those above.
pub const FREE: [General; 4] = [General(8), General(9), General(10), General(11)];

/// The last operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    Vector(Vector),
    /// [base + displacement]
    At(General, i32),
    /// [base + 4·index], a word of an array
    Word(General, General),
    /// [base + index]
    Byte(General, General),
    /// A constant, eight times.
    Constant(u32),
    /// The words that [`Assembler::load_mask`] chooses from.
    MaskTable,
}

/// An instruction over vectors: opcode map, prefix, opcode, and whether it takes whole vectors or their lower halves.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    map: u8,
    prefix: u8,
    opcode: u8,
    whole: bool,
}

const fn instruction(map: u8, prefix: u8, opcode: u8) -> Instruction {
    Instruction { map, prefix, opcode, whole: true }
}

const fn of_halves(map: u8, prefix: u8, opcode: u8) -> Instruction {
    Instruction { map, prefix, opcode, whole: false }
}

// Maps: 0F, 0F 38, 0F 3A. Prefixes: none, 66, F3.
pub const LOAD: Instruction = instruction(1, 0, 0x10);
pub const STORE: Instruction = instruction(1, 0, 0x11);
pub const BROADCAST: Instruction = instruction(2, 1, 0x18);
pub const LOAD_MASKED: Instruction = instruction(2, 1, 0x2c);
pub const STORE_MASKED: Instruction = instruction(2, 1, 0x2e);
pub const ADD: Instruction = instruction(1, 0, 0x58);
pub const MUL: Instruction = instruction(1, 0, 0x59);
pub const SUB: Instruction = instruction(1, 0, 0x5c);
pub const MIN: Instruction = instruction(1, 0, 0x5d);
pub const DIV: Instruction = instruction(1, 0, 0x5e);
pub const MAX: Instruction = instruction(1, 0, 0x5f);
pub const SQRT: Instruction = instruction(1, 0, 0x51);
pub const AND: Instruction = instruction(1, 0, 0x54);
pub const OR: Instruction = instruction(1, 0, 0x56);
pub const XOR: Instruction = instruction(1, 0, 0x57);
pub const COMPARE: Instruction = instruction(1, 0, 0xc2);
pub const BLEND: Instruction = instruction(3, 1, 0x4a);
/// second·first + third, over the first.
pub const MUL_ADD_213: Instruction = instruction(2, 1, 0xa8);
/// second·third + first, over the first.
pub const MUL_ADD_231: Instruction = instruction(2, 1, 0xb8);
pub const ADD_INTEGER: Instruction = instruction(1, 1, 0xfe);
pub const SUB_INTEGER: Instruction = instruction(1, 1, 0xfa);
pub const MUL_INTEGER: Instruction = instruction(2, 1, 0x40);
pub const MAX_INTEGER: Instruction = instruction(2, 1, 0x3d);
pub const MIN_INTEGER: Instruction = instruction(2, 1, 0x39);
pub const GREATER_INTEGER: Instruction = instruction(1, 1, 0x66);
pub const EQUAL_INTEGER: Instruction = instruction(1, 1, 0x76);
/// The product of 64 bits of every even word.
pub const MUL_EVEN: Instruction = instruction(2, 1, 0x28);
/// Over words of 64 bits.
pub const ADD_LONG: Instruction = instruction(1, 1, 0xd4);
/// By as many bits as the other operand says, word by word.
pub const SHIFT_LEFT_EACH: Instruction = instruction(2, 1, 0x47);
pub const SHIFT_RIGHT_SIGNED_EACH: Instruction = instruction(2, 1, 0x46);
/// Of the second operand where the predicate has a one, else of the first.
pub const CHOOSE_WORDS: Instruction = instruction(3, 1, 0x02);
pub const ODD_WORDS: u8 = 0b1010_1010;
pub const FROM_INTEGER: Instruction = instruction(1, 0, 0x5b);
/// Towards zero; what is no i32 becomes the least one.
pub const TO_INTEGER: Instruction = instruction(1, 2, 0x5b);
/// Eight i8 as words.
pub const LOAD_BYTES: Instruction = instruction(2, 1, 0x21);
/// The upper half of the first operand into the lower one of the last.
pub const UPPER_HALF: Instruction = instruction(3, 1, 0x39);
/// The words of both operands as i16, saturated.
pub const NARROW_WORDS: Instruction = of_halves(1, 1, 0x6b);
/// The i16 of both operands as i8, saturated.
pub const NARROW_HALVES: Instruction = of_halves(1, 1, 0x63);
pub const STORE_EIGHT_BYTES: Instruction = of_halves(1, 1, 0xd6);
/// By a number of bits; the kind of shift stands in place of a register.
pub const SHIFT: Instruction = instruction(1, 1, 0x72);
/// The same over words of 64 bits.
pub const SHIFT_LONG: Instruction = instruction(1, 1, 0x73);
pub const SHIFT_RIGHT: u8 = 2;
pub const SHIFT_LEFT: u8 = 6;
pub const SHIFT_RIGHT_SIGNED: u8 = 4;

/// Predicates of [`COMPARE`]: false where a NaN is.
pub const EQUAL: u8 = 0x00;
pub const LESS: u8 = 0x11;

/// A place that jumps go back to.
#[derive(Clone, Copy, Debug)]
pub struct Label(usize);

/// A jump whose target is not known yet.
#[must_use]
pub struct Forward(usize);

/// Bytes of a vector.
const VECTOR_BYTES: usize = 32;
/// Routines begin, and constants lie, at multiples of this.
pub const ALIGNMENT: usize = 64;

/// Code and, behind it, its constants.
#[derive(Default)]
pub struct Assembler {
    code: Vec<u8>,
    constants: Vec<u32>,
    /// Where the code holds a distance to a constant: place, end of the instruction, what it is to reach.
    distances: Vec<(usize, usize, Operand)>,
}

impl Assembler {
    /// An instruction of up to three vector operands and perhaps an immediate byte: `first` is written, as a rule. An unused
    /// second operand is register 0.
    pub fn vector(
        &mut self,
        instruction: Instruction,
        first: Vector,
        second: Vector,
        third: Operand,
        immediate: Option<u8>,
    ) {
        let Instruction { map, prefix, opcode, whole } = instruction;
        let (base, index) = match third {
            Operand::Vector(vector) => (vector.0, 0),
            Operand::At(base, _) => (base.0, 0),
            Operand::Word(base, index) | Operand::Byte(base, index) => (base.0, index.0),
            Operand::Constant(_) | Operand::MaskTable => (0, 0),
        };
        let inverted = |bit: u8, register: u8| (!(register >> 3) & 1) << bit;
        self.code.push(0xc4);
        self.code.push(inverted(7, first.0) | inverted(6, index) | inverted(5, base) | map);
        // Where there is no second operand its field is that of register 0.
        self.code.push(((!second.0 & 0xf) << 3) | u8::from(whole) << 2 | prefix);
        self.code.push(opcode);
        self.operand(first.0, third);
        self.code.extend(immediate);
        if matches!(third, Operand::Constant(_) | Operand::MaskTable) {
            let place = self.code.len() - 4 - immediate.iter().count();
            self.distances.push((place, self.code.len(), third));
        }
    }

    /// The bytes that say where an operand is, beside a register's number.
    fn operand(&mut self, register: u8, operand: Operand) {
        let register = (register & 7) << 3;
        match operand {
            Operand::Vector(vector) => self.code.push(0xc0 | register | (vector.0 & 7)),
            Operand::At(base, displacement) => {
                self.code.push(0x80 | register | (base.0 & 7));
                if base.0 & 7 == RSP.0 {
                    self.code.push(0x24);
                }
                self.code.extend(displacement.to_le_bytes());
            }
            Operand::Word(base, index) => {
                self.code.push(0x04 | register);
                self.code.push(0x80 | (index.0 & 7) << 3 | (base.0 & 7));
            }
            Operand::Byte(base, index) => {
                self.code.push(0x04 | register);
                self.code.push((index.0 & 7) << 3 | (base.0 & 7));
            }
            Operand::Constant(_) | Operand::MaskTable => {
                self.code.push(0x05 | register);
                self.code.extend([0; 4]);
            }
        }
    }

    /// Puts ones into the first `count` words of a vector, `count` being in a register that is lost; `scratch` is, too.
    pub fn load_mask(&mut self, to: Vector, count: General, scratch: General) {
        // lea scratch, [table]
        self.code.extend([0x48, 0x8d]);
        self.operand(scratch.0, Operand::MaskTable);
        self.distances.push((self.code.len() - 4, self.code.len(), Operand::MaskTable));
        // The table has eight words of ones, then eight of zeros.
        self.negate(count);
        self.add_immediate(count, 8);
        self.vector(LOAD, to, Vector(0), Operand::Word(scratch, count), None);
    }

    /// to = the 64-bit word at [base + displacement]
    pub fn load_word(&mut self, to: General, base: General, displacement: i32) {
        self.code.extend([0x48 | (to.0 >> 3) << 2, 0x8b]);
        self.operand(to.0, Operand::At(base, displacement));
    }

    /// to += the 64-bit word at [base + displacement]
    pub fn add_word(&mut self, to: General, base: General, displacement: i32) {
        self.code.extend([0x48 | (to.0 >> 3) << 2, 0x03]);
        self.operand(to.0, Operand::At(base, displacement));
    }

    /// [base + displacement] += from
    pub fn add_to_word(&mut self, base: General, displacement: i32, from: General) {
        self.code.extend([0x48, 0x01]);
        self.operand(from.0, Operand::At(base, displacement));
    }

    pub fn add_immediate(&mut self, to: General, value: i32) {
        self.code.extend([0x48, 0x81, 0xc0 | to.0]);
        self.code.extend(value.to_le_bytes());
    }

    fn negate(&mut self, register: General) {
        self.code.extend([0x48, 0xf7, 0xd8 | register.0]);
    }

    pub fn zero(&mut self, register: General) {
        self.code.extend([0x31, 0xc0 | register.0 << 3 | register.0]);
    }

    pub fn label(&self) -> Label {
        Label(self.code.len())
    }

    /// Goes back if a < b, without signs.
    pub fn jump_back_if_below(&mut self, a: General, b: General, label: Label) {
        self.code.extend([0x48, 0x39, 0xc0 | b.0 << 3 | a.0]);
        self.jump_back([0x0f, 0x82], label);
    }

    /// Counts a register down and goes back unless it has become 0.
    pub fn count_down(&mut self, register: General, label: Label) {
        self.code.extend([0x48, 0xff, 0xc8 | register.0]);
        self.jump_back([0x0f, 0x85], label);
    }

    fn jump_back(&mut self, opcode: [u8; 2], label: Label) {
        self.code.extend(opcode);
        let end = self.code.len() + 4;
        self.code.extend((label.0 as i32 - end as i32).to_le_bytes());
    }

    /// Leaves for a place ahead if a register is 0.
    pub fn jump_ahead_if_zero(&mut self, register: General) -> Forward {
        self.code.extend([0x48, 0x85, 0xc0 | register.0 << 3 | register.0, 0x0f, 0x84, 0, 0, 0, 0]);
        Forward(self.code.len())
    }

    /// The place that a jump ahead goes to is here.
    pub fn land(&mut self, jump: Forward) {
        let distance = (self.code.len() - jump.0) as i32;
        self.code[jump.0 - 4..jump.0].copy_from_slice(&distance.to_le_bytes());
    }

    /// Takes bytes from the stack; how many may be set later.
    pub fn enter(&mut self) -> Forward {
        self.code.extend([0x48, 0x81, 0xec, 0, 0, 0, 0]);
        Forward(self.code.len())
    }

    pub fn set_frame(&mut self, frame: Forward, bytes: u32) {
        self.code[frame.0 - 4..frame.0].copy_from_slice(&bytes.to_le_bytes());
    }

    /// Gives bytes back to the stack and returns. The upper halves of the vectors are cleared, as other code expects.
    pub fn leave(&mut self, bytes: u32) {
        self.add_immediate(RSP, bytes as i32);
        self.code.extend([0xc5, 0xf8, 0x77, 0xc3]);
    }

    /// The code with its constants.
    pub fn finish(mut self) -> Vec<u8> {
        self.code.resize(self.code.len().next_multiple_of(ALIGNMENT), 0xcc);
        let table = self.code.len();
        for word in [u32::MAX, 0] {
            self.code.extend([word; 8].iter().flat_map(|word| word.to_le_bytes()));
        }
        let constants = self.code.len();
        for (place, end, operand) in std::mem::take(&mut self.distances) {
            let target = match operand {
                Operand::MaskTable => table,
                Operand::Constant(bits) => constants + self.constant(bits) * VECTOR_BYTES,
                Operand::Vector(_) | Operand::At(..) | Operand::Word(..) | Operand::Byte(..) => {
                    unreachable!("only constants are far")
                }
            };
            let distance = (target as i64 - end as i64) as i32;
            self.code[place..place + 4].copy_from_slice(&distance.to_le_bytes());
        }
        for constant in &self.constants {
            self.code.extend([*constant; 8].iter().flat_map(|word| word.to_le_bytes()));
        }
        self.code
    }

    /// The number of a constant.
    fn constant(&mut self, bits: u32) -> usize {
        self.constants.iter().position(|known| *known == bits).unwrap_or_else(|| {
            self.constants.push(bits);
            self.constants.len() - 1
        })
    }
}
