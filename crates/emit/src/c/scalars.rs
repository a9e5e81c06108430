//! The helpers that expressions call: what C has no operator for, with the bits that docs/NUMERICS.md states.

use super::constants;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use tacit_ir::ScalarFn;
use tacit_ir::math::sequence::{Binary, Operation, Sequence, sequence};

/// A function of the source. They are written in this order, so that each finds those that it calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Helper {
    Bits,
    FromBits,
    SelectInteger,
    SelectFloat,
    Fused,
    MulAdd,
    MaxFloat,
    MinFloat,
    MaxInteger,
    MinInteger,
    Divide,
    ToInteger,
    Narrow,
    Places,
    PlacesBack,
    MulShift,
    ShiftLeft,
    ShiftRight,
    Sqrt,
    Random,
    Dot,
    /// A function that is a sequence of operations, by its name.
    Sequence(&'static str),
}

impl Helper {
    pub fn name(self) -> String {
        let name = match self {
            Helper::Bits => "bits",
            Helper::FromBits => "from_bits",
            Helper::SelectInteger => "select_integer",
            Helper::SelectFloat => "select_float",
            Helper::Fused => "fused",
            Helper::MulAdd => return "TACIT_MUL_ADD".to_owned(),
            Helper::MaxFloat => "max_float",
            Helper::MinFloat => "min_float",
            Helper::MaxInteger => "max_integer",
            Helper::MinInteger => "min_integer",
            Helper::Divide => "divide",
            Helper::ToInteger => "to_integer",
            Helper::Narrow => "narrow",
            Helper::Places => "places",
            Helper::PlacesBack => "places_back",
            Helper::MulShift => "mulshift",
            Helper::ShiftLeft => "shift_left",
            Helper::ShiftRight => "shift_right",
            Helper::Sqrt => "square_root",
            Helper::Random => "uniform",
            Helper::Dot => "dot",
            Helper::Sequence(name) => name,
        };
        format!("tacit_{name}")
    }

    /// The helpers that this one calls.
    fn calls(self) -> Vec<Helper> {
        match self {
            Helper::SelectFloat | Helper::Sqrt => vec![Helper::Bits, Helper::FromBits],
            Helper::ToInteger => vec![Helper::SelectInteger, Helper::SelectFloat],
            Helper::Divide => vec![Helper::SelectInteger],
            Helper::Narrow | Helper::Places | Helper::PlacesBack => vec![Helper::MaxInteger, Helper::MinInteger],
            Helper::ShiftLeft | Helper::ShiftRight => vec![Helper::Places],
            Helper::MulShift => vec![Helper::Places, Helper::PlacesBack],
            Helper::Sequence(_) => vec![Helper::Bits, Helper::FromBits, Helper::Fused],
            Helper::MulAdd => vec![Helper::Fused],
            Helper::MaxFloat | Helper::MinFloat => vec![Helper::SelectFloat],
            Helper::MaxInteger | Helper::MinInteger => vec![Helper::SelectInteger],
            Helper::Bits | Helper::FromBits | Helper::SelectInteger | Helper::Fused | Helper::Random | Helper::Dot => {
                vec![]
            }
        }
    }

    fn text(self) -> String {
        match self {
            Helper::Bits => BITS.to_owned(),
            Helper::FromBits => FROM_BITS.to_owned(),
            Helper::SelectInteger => SELECT_INTEGER.to_owned(),
            Helper::SelectFloat => SELECT_FLOAT.to_owned(),
            Helper::Fused => FUSED.to_owned(),
            Helper::MulAdd => MUL_ADD.to_owned(),
            Helper::MaxFloat => MAX_FLOAT.to_owned(),
            Helper::MinFloat => MIN_FLOAT.to_owned(),
            Helper::MaxInteger => MAX_INTEGER.to_owned(),
            Helper::MinInteger => MIN_INTEGER.to_owned(),
            Helper::Divide => DIVIDE.to_owned(),
            Helper::ToInteger => TO_INTEGER.to_owned(),
            Helper::Narrow => NARROW.to_owned(),
            Helper::Places => PLACES.to_owned(),
            Helper::PlacesBack => PLACES_BACK.to_owned(),
            Helper::MulShift => MULSHIFT.to_owned(),
            Helper::ShiftLeft => SHIFT_LEFT.to_owned(),
            Helper::ShiftRight => SHIFT_RIGHT.to_owned(),
            Helper::Sqrt => SQUARE_ROOT.to_owned(),
            Helper::Random => UNIFORM.to_owned(),
            Helper::Dot => DOT.to_owned(),
            Helper::Sequence(name) => sequence_text(name),
        }
    }
}

/// The text of all helpers that are used, each after those that it calls.
pub fn helpers(used: &BTreeSet<Helper>) -> String {
    let mut all = used.clone();
    let mut open: Vec<Helper> = used.iter().copied().collect();
    while let Some(helper) = open.pop() {
        for called in helper.calls() {
            if all.insert(called) {
                open.push(called);
            }
        }
    }
    includes(&all) + PREAMBLE + &all.into_iter().map(Helper::text).collect::<String>()
}

/// The headers with the names of a processor's instructions, for the helpers that use them.
fn includes(used: &BTreeSet<Helper>) -> String {
    let mut text = String::new();
    if used.contains(&Helper::Sqrt) {
        text += "#if defined(__SSE__)\n#include <xmmintrin.h>\n#endif\n";
    }
    if [Helper::Narrow, Helper::Places, Helper::PlacesBack, Helper::Dot].iter().any(|helper| used.contains(helper)) {
        text += "#if defined(__GNUC__) && (defined(__ARM_FEATURE_SAT) || defined(__ARM_FEATURE_SIMD32))\n\
                 #include <arm_acle.h>\n#endif\n";
    }
    text
}

/// A scalar function as its recorded sequence.
fn sequence_text(name: &'static str) -> String {
    let function = ScalarFn::ALL.into_iter().find(|f| f.name() == name).expect("helpers are named after functions");
    let Sequence { operations, result } = sequence(function).expect("only sequences are named by this helper");
    let truths: Vec<bool> =
        operations.iter().map(|o| matches!(o, Operation::Less(..) | Operation::Equal(..))).collect();
    let mut text = format!("static inline float tacit_{name}(float x)\n{{\n");
    for (step, operation) in operations.iter().enumerate() {
        let value = match *operation {
            Operation::Argument => "x".to_owned(),
            Operation::Word(bits) => match f32::from_bits(bits) {
                x if x.is_finite() && (x == 0.0 || x.is_normal()) => constants::float(x),
                _ => format!("tacit_from_bits(0x{bits:08x}u)"),
            },
            Operation::Binary(binary, a, b) => match binary {
                Binary::Add => format!("t{a} + t{b}"),
                Binary::Sub => format!("t{a} - t{b}"),
                Binary::Mul => format!("t{a} * t{b}"),
                Binary::Div => format!("t{a} / t{b}"),
                Binary::And => format!("tacit_from_bits(tacit_bits(t{a}) & tacit_bits(t{b}))"),
                Binary::Or => format!("tacit_from_bits(tacit_bits(t{a}) | tacit_bits(t{b}))"),
                Binary::Xor => format!("tacit_from_bits(tacit_bits(t{a}) ^ tacit_bits(t{b}))"),
                Binary::AddInteger => format!("tacit_from_bits(tacit_bits(t{a}) + tacit_bits(t{b}))"),
                Binary::SubInteger => format!("tacit_from_bits(tacit_bits(t{a}) - tacit_bits(t{b}))"),
            },
            Operation::MulAdd(a, b, c) => format!("tacit_fused(t{a}, t{b}, t{c})"),
            Operation::Less(a, b) => format!("0u - (uint32_t)(t{a} < t{b})"),
            Operation::Equal(a, b) => format!("0u - (uint32_t)(t{a} == t{b})"),
            Operation::Select(truth, a, b) => {
                format!("tacit_from_bits((tacit_bits(t{a}) & t{truth}) | (tacit_bits(t{b}) & ~t{truth}))")
            }
            Operation::ShiftLeft(a, places) => format!("tacit_from_bits(tacit_bits(t{a}) << {places})"),
            Operation::ShiftRight(a, places) => {
                format!("tacit_from_bits((uint32_t)((int32_t)tacit_bits(t{a}) >> {places}))")
            }
            Operation::FromInteger(a) => format!("(float)(int32_t)tacit_bits(t{a})"),
        };
        let ty = if truths[step] { "uint32_t" } else { "float" };
        let _ = writeln!(text, "    const {ty} t{step} = {value};");
    }
    let _ = write!(text, "    return t{result};\n}}\n\n");
    text
}

const PREAMBLE: &str = r#"
/* Every operation is rounded on its own: a compiler must not fuse a product and a sum unless it is told to. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

/* One arena holds elements of several types, one after the other. */
#if defined(__GNUC__)
typedef float __attribute__((may_alias)) tacit_float;
typedef int32_t __attribute__((may_alias)) tacit_int32;
#else
typedef float tacit_float;
typedef int32_t tacit_int32;
#endif

/* A call would take more instructions than these functions have. */
#if defined(__GNUC__)
#define TACIT_INLINE static inline __attribute__((always_inline))
#else
#define TACIT_INLINE static inline
#endif

"#;

const BITS: &str = "TACIT_INLINE uint32_t tacit_bits(float x)
{
    const union { float number; uint32_t bits; } word = { x };
    return word.bits;
}

";

const FROM_BITS: &str = "TACIT_INLINE float tacit_from_bits(uint32_t x)
{
    const union { uint32_t bits; float number; } word = { x };
    return word.number;
}

";

const SELECT_INTEGER: &str = "/* Without a branch. */
TACIT_INLINE int32_t tacit_select_integer(uint8_t truth, int32_t yes, int32_t no)
{
    const uint32_t mask = 0u - (uint32_t)truth;
    return (int32_t)(((uint32_t)yes & mask) | ((uint32_t)no & ~mask));
}

";

const SELECT_FLOAT: &str = "/* Without a branch. */
TACIT_INLINE float tacit_select_float(uint8_t truth, float yes, float no)
{
    const uint32_t mask = 0u - (uint32_t)truth;
    return tacit_from_bits((tacit_bits(yes) & mask) | (tacit_bits(no) & ~mask));
}

";

const FUSED: &str = r"/* a*b + c, rounded once: by an instruction where the machine has one. Elsewhere the product is exact in double, and the sum is
 * rounded to odd there, so that rounding it again to float rounds the exact sum (Boldo and Melquiond 2008). */
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA) || defined(__aarch64__) || defined(__FP_FAST_FMAF)
#define TACIT_HAS_FUSED 1
static inline float tacit_fused(float a, float b, float c)
{
    return __builtin_fmaf(a, b, c);
}
#else
#define TACIT_HAS_FUSED 0
static inline float tacit_fused(float a, float b, float c)
{
    const double product = (double)a * (double)b;
    const double sum = product + (double)c;
    const double rest = sum - product;
    const double error = (product - (sum - rest)) + ((double)c - rest);
    union { double number; uint64_t bits; } odd = { sum };
    const uint64_t is_inexact = (uint64_t)((error < 0.0) | (error > 0.0));
    const uint64_t is_even = ~odd.bits & 1u;
    const uint64_t away = (uint64_t)((error > 0.0) == (sum > 0.0));
    odd.bits += (is_inexact & is_even) * (2u * away - 1u);
    return (float)odd.number;
}
#endif

";

const MUL_ADD: &str = "/* The products and sums of layers: where the machine has no instruction, both are rounded, unless TACIT_EXACT asks for
 * the same bits by software. */
#if TACIT_HAS_FUSED || defined(TACIT_EXACT)
#define TACIT_MUL_ADD(a, b, c) tacit_fused((a), (b), (c))
#else
#define TACIT_MUL_ADD(a, b, c) ((a) * (b) + (c))
#endif

";

const MAX_FLOAT: &str = "TACIT_INLINE float tacit_max_float(float a, float b)
{
    return tacit_select_float((uint8_t)(b < a), a, b);
}

";

const MIN_FLOAT: &str = "TACIT_INLINE float tacit_min_float(float a, float b)
{
    return tacit_select_float((uint8_t)(a < b), a, b);
}

";

const MAX_INTEGER: &str = "TACIT_INLINE int32_t tacit_max_integer(int32_t a, int32_t b)
{
    return tacit_select_integer((uint8_t)(b < a), a, b);
}

";

const MIN_INTEGER: &str = "TACIT_INLINE int32_t tacit_min_integer(int32_t a, int32_t b)
{
    return tacit_select_integer((uint8_t)(a < b), a, b);
}

";

const DIVIDE: &str = "/* Towards zero; by 0 it gives 0, and the one quotient that overflows wraps. */
static inline int32_t tacit_divide(int32_t a, int32_t b)
{
    const uint8_t by_zero = (uint8_t)(b == 0);
    const uint8_t overflows = (uint8_t)((a == (-2147483647 - 1)) & (b == -1));
    const int32_t quotient = a / tacit_select_integer(by_zero | overflows, 1, b);
    return tacit_select_integer(by_zero, 0, quotient);
}

";

const TO_INTEGER: &str = "/* Towards zero, to the nearest bound where there is no such integer; NaN gives 0. */
static inline int32_t tacit_to_integer(float x)
{
    const uint8_t is_above = (uint8_t)(x >= 2147483648.0f);
    const uint8_t is_below = (uint8_t)(x < -2147483648.0f);
    const uint8_t is_nan = (uint8_t)(x != x);
    const int32_t inside = (int32_t)tacit_select_float(is_above | is_below | is_nan, 0.0f, x);
    const int32_t bounded = tacit_select_integer(is_above, 2147483647, inside);
    return tacit_select_integer(is_below, (-2147483647 - 1), bounded);
}

";

const NARROW: &str = "#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__)
TACIT_INLINE int8_t tacit_narrow(int32_t x)
{
    return (int8_t)__ssat(x, 8);
}
#else
TACIT_INLINE int8_t tacit_narrow(int32_t x)
{
    return (int8_t)tacit_max_integer(tacit_min_integer(x, 127), -128);
}
#endif

";

const PLACES: &str = "/* How far a word is shifted one way: 0 to 31. */
#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__)
TACIT_INLINE int32_t tacit_places(int32_t s)
{
    return (int32_t)__usat(s, 5);
}
#else
TACIT_INLINE int32_t tacit_places(int32_t s)
{
    return tacit_max_integer(tacit_min_integer(s, 31), 0);
}
#endif

";

const PLACES_BACK: &str = "/* How far it is shifted the other way, for a negative number. */
#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__)
TACIT_INLINE int32_t tacit_places_back(int32_t s)
{
    return (int32_t)__usat(-__ssat(s, 6), 5);
}
#else
TACIT_INLINE int32_t tacit_places_back(int32_t s)
{
    return -tacit_min_integer(tacit_max_integer(s, -31), 0);
}
#endif

";

const MULSHIFT: &str = "/* x * m * 2^(s - 31), rounded twice, as TensorFlow Lite's reference kernels do. */
static inline int32_t tacit_mulshift(int32_t x, int32_t m, int32_t s)
{
    const int32_t left = tacit_places(s);
    const int32_t right = tacit_places_back(s);
    const int32_t shifted = (int32_t)((uint32_t)x << left);
    const int64_t product = (int64_t)shifted * (int64_t)m;
    /* The one product that is too large is that of the least number with itself. */
    const uint32_t is_too_large = (uint32_t)((shifted == m) & (m == (-2147483647 - 1)));
    const int32_t high = (int32_t)((uint32_t)((product + ((int64_t)1 << 30)) >> 31) - is_too_large);
    const int32_t mask = (int32_t)(((uint32_t)1 << right) - 1u);
    const int32_t threshold = (mask >> 1) + (int32_t)(high < 0);
    return (high >> right) + (int32_t)((high & mask) > threshold);
}

";

const SHIFT_LEFT: &str = "static inline int32_t tacit_shift_left(int32_t a, int32_t s)
{
    return (int32_t)((uint32_t)a << tacit_places(s));
}

";

const SHIFT_RIGHT: &str = "static inline int32_t tacit_shift_right(int32_t a, int32_t s)
{
    return a >> tacit_places(s);
}

";

const SQUARE_ROOT: &str = r#"/* Correctly rounded: one instruction where the machine has it, else digit by digit. */
#if defined(__SSE__)
static inline float tacit_square_root(float x)
{
    return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
}
#elif defined(__aarch64__)
static inline float tacit_square_root(float x)
{
    float root;
    __asm__("fsqrt %s0, %s1" : "=w"(root) : "w"(x));
    return root;
}
#elif defined(__ARM_FP) && (__ARM_FP & 4)
static inline float tacit_square_root(float x)
{
    float root;
    __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
    return root;
}
#elif defined(__riscv_flen)
static inline float tacit_square_root(float x)
{
    float root;
    __asm__("fsqrt.s %0, %1" : "=f"(root) : "f"(x));
    return root;
}
#else
static inline float tacit_square_root(float x)
{
    const uint32_t bits = tacit_bits(x);
    /* A subnormal number is scaled by 2^24 first, and its root by 2^-12 afterwards. */
    const uint32_t is_subnormal = (uint32_t)((bits & 0x7f800000u) == 0u);
    const float scaled = x * (is_subnormal ? 16777216.0f : 1.0f);
    const uint32_t word = tacit_bits(scaled);
    const int32_t exponent = (int32_t)(word >> 23) - 127;
    const uint32_t odd = (uint32_t)exponent & 1u;
    /* The root of a number in [1, 4) with 24 bits behind the point is searched for bit by bit, with one bit more. */
    uint64_t rest = (uint64_t)((word & 0x007fffffu) | 0x00800000u) << (25u + odd);
    uint64_t root = 0;
    for (int32_t place = 24; place >= 0; --place) {
        const uint64_t trial = ((root << 1) | ((uint64_t)1 << place)) << place;
        const uint64_t fits = 0u - (uint64_t)(rest >= trial);
        rest -= trial & fits;
        root |= ((uint64_t)1 << place) & fits;
    }
    /* The last bit rounds; a root is never half-way between two numbers. */
    const uint32_t rounded = (uint32_t)((root + 1u) >> 1);
    const int32_t half = (exponent - (int32_t)odd) / 2 - (int32_t)(12u * is_subnormal);
    const float result = tacit_from_bits(rounded + ((uint32_t)(half + 126) << 23));
    const uint32_t is_zero = (uint32_t)((bits & 0x7fffffffu) == 0u);
    const uint32_t is_special = (uint32_t)((bits >= 0x7f800000u) & (is_zero == 0u));
    /* Zeros and +infinity are their own roots; NaN and negative numbers have none. */
    const float special = (bits == 0x7f800000u) ? x : tacit_from_bits(0x7fc00000u);
    return is_zero ? x : (is_special ? special : result);
}
#endif

"#;

const DOT: &str = r#"/* The sum and four products of bytes. A word with bytes a0 to a3 becomes the halves a0 and a2, then a1 and a3, and two halves
 * are multiplied and added by one instruction. */
#if defined(__ARM_FEATURE_SIMD32) && defined(__GNUC__)
typedef uint32_t __attribute__((may_alias, aligned(1))) tacit_word;
TACIT_INLINE int32_t tacit_dot(const int8_t *a, const int8_t *b, int32_t sum)
{
    const tacit_word x = *(const tacit_word *)a;
    const tacit_word y = *(const tacit_word *)b;
    int16x2_t odd_x;
    int16x2_t odd_y;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(odd_x) : "r"(x));
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(odd_y) : "r"(y));
    const int32_t even = __smlad(__sxtb16((int8x4_t)x), __sxtb16((int8x4_t)y), sum);
    return __smlad(odd_x, odd_y, even);
}
#else
TACIT_INLINE int32_t tacit_dot(const int8_t *a, const int8_t *b, int32_t sum)
{
    const int32_t first = (int32_t)a[0] * b[0] + (int32_t)a[1] * b[1];
    const int32_t second = (int32_t)a[2] * b[2] + (int32_t)a[3] * b[3];
    return (int32_t)((uint32_t)sum + (uint32_t)(first + second));
}
#endif

"#;

const UNIFORM: &str = "/* The uniform number at a place of a stream: Philox-4x32-10 of Salmon, Moraes, Dror and Shaw (SC 2011), section 3.3. */
static inline float tacit_uniform(uint32_t place, uint32_t stream, int32_t low, int32_t high)
{
    uint32_t c0 = place / 4u;
    uint32_t c1 = 0u;
    uint32_t c2 = stream;
    uint32_t c3 = 0u;
    uint32_t k0 = (uint32_t)low;
    uint32_t k1 = (uint32_t)high;
    for (int32_t round = 0; round < 10; ++round) {
        const uint64_t first = (uint64_t)c0 * 0xd2511f53u;
        const uint64_t second = (uint64_t)c2 * 0xcd9e8d57u;
        c0 = (uint32_t)(second >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)second;
        c2 = (uint32_t)(first >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)first;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    const uint32_t words[4] = { c0, c1, c2, c3 };
    return (float)(words[place % 4u] >> 8) * (1.0f / 16777216.0f);
}

";
