//! A C program that runs an emitted one on one kind of input.

use std::fmt::Write as _;

use super::certificate::{Certificate, Subject};

/// The kinds of input that must all take the same instructions, by their numbers in the driver.
pub const KINDS: &[&str] =
    &["zeros", "extremes", "NaN", "infinities", "subnormals", "random 1", "random 2", "random 3"];

/// Its first argument is the number of the program, its second the kind of input from 1 on; 0 leaves the inputs undefined.
/// The program runs twice, so that what it keeps from the first run is looked at in the second.
pub fn driver(certificate: &Certificate) -> String {
    let mut text = format!("#include \"{}.h\"\n{HEAD}", certificate.name);
    for (number, subject) in certificate.programs.iter().enumerate() {
        text += &program(number, subject);
    }
    text += "int main(int count, char **arguments)\n{\n    int kind = count > 2 ? atoi(arguments[2]) : 0;\n    \
             switch (count > 1 ? atoi(arguments[1]) : 0) {\n";
    for number in 0..certificate.programs.len() {
        let _ = writeln!(text, "    case {number}: run_{number}(kind); break;");
    }
    text + "    }\n    return 0;\n}\n"
}

fn program(number: usize, subject: &Subject) -> String {
    let mut text = format!("static void run_{number}(int kind)\n{{\n");
    let _ = writeln!(text, "    void *arena = memory({});", subject.arena_bytes);
    let mut arguments = vec!["arena".to_owned()];
    for (k, memory) in subject.inputs.iter().enumerate() {
        let ty = memory.dtype.c_type();
        let _ = writeln!(text, "    {ty} *in{k} = memory({} * sizeof({ty}));", memory.elements.max(1));
        let _ = writeln!(text, "    fill_{ty}(in{k}, {}, kind);", memory.elements);
        arguments.push(format!("in{k}"));
    }
    for (k, memory) in subject.outputs.iter().enumerate() {
        let ty = memory.dtype.c_type();
        let _ = writeln!(text, "    {ty} *out{k} = memory({} * sizeof({ty}));", memory.elements.max(1));
        arguments.push(format!("out{k}"));
    }
    let prefix = &subject.prefix;
    if let Some(reset) = &subject.reset {
        let _ = writeln!(text, "    {reset}(arena);");
    }
    let call = format!("    {prefix}_run({});\n", arguments.join(", "));
    text + &call + &call + "}\n\n"
}

const HEAD: &str = "#include <float.h>
#include <stdlib.h>

/* Memory of exactly this size, whose bytes are undefined. */
static void *memory(size_t bytes)
{
    void *begin = malloc(bytes);
    if (begin == NULL) {
        abort();
    }
    return begin;
}

static uint32_t state = 1u;

static uint32_t next_bits(void)
{
    state = state * 1664525u + 1013904223u;
    return state ^ (state >> 16);
}

static float from_bits(uint32_t bits)
{
    union { uint32_t bits; float number; } word;
    word.bits = bits;
    return word.number;
}

static inline void fill_float(float *x, int elements, int kind)
{
    state = (uint32_t)kind * 2654435769u + 1u;
    for (int i = 0; i < elements; ++i) {
        const float sign = i % 2 ? -1.0f : 1.0f;
        switch (kind) {
        case 0: break;
        case 1: x[i] = 0.0f; break;
        case 2: x[i] = sign * FLT_MAX; break;
        case 3: x[i] = from_bits(0x7fc00000u); break;
        case 4: x[i] = sign * from_bits(0x7f800000u); break;
        case 5: x[i] = sign * from_bits(1u + (next_bits() & 0xffffu)); break;
        default: x[i] = ((float)(next_bits() >> 8) / 8388608.0f - 1.0f) * 4.0f; break;
        }
    }
}

static inline int32_t integer(int i, int kind, int32_t least, int32_t greatest)
{
    switch (kind) {
    case 1: return 0;
    case 2: return i % 2 ? least : greatest;
    case 3: return greatest;
    case 4: return least;
    case 5: return 1;
    default: return least + (int32_t)(next_bits() % ((uint32_t)greatest - (uint32_t)least));
    }
}

static inline void fill_int32_t(int32_t *x, int elements, int kind)
{
    for (int i = 0; i < elements && kind; ++i) {
        x[i] = integer(i, kind, INT32_MIN, INT32_MAX);
    }
}

static inline void fill_int8_t(int8_t *x, int elements, int kind)
{
    for (int i = 0; i < elements && kind; ++i) {
        x[i] = (int8_t)integer(i, kind, INT8_MIN, INT8_MAX);
    }
}

static inline void fill_uint8_t(uint8_t *x, int elements, int kind)
{
    for (int i = 0; i < elements && kind; ++i) {
        x[i] = (uint8_t)(integer(i, kind, 0, 1) & 1);
    }
}

";
