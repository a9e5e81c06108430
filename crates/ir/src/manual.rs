//! The manual of the instruction set, docs/ISA.md: written from the instructions themselves.
//!
//! What can be computed is computed: accepted types from the type rule, sample values by the interpreter, operation
//! counts by the cost pass, and gradients by differentiating the example.

use crate::gradient::pull_back;
use crate::graph::{Graph, Instruction, Op, Reduction, ValueId};
use crate::interpret::{Tensor, compute};
use crate::nest::Nest;
use crate::passes::instruction_cost;
use crate::scalar::ScalarFn;
use crate::text;
use crate::types::{DType, Literal, Scalar, TensorType};
use std::fmt::Write;

/// The manual page of an instruction, but for what is computed from its example.
pub struct Page {
    pub title: &'static str,
    /// What it is for, in a sentence or two.
    pub doc: &'static str,
    /// Its line in the text form; words in angle brackets vary.
    pub form: &'static str,
    /// The element type and shape of the result, and what the rules refuse.
    pub shape: &'static str,
    /// The operations of one run.
    pub count: &'static str,
    /// The order of arithmetic, which is part of the meaning.
    pub order: &'static str,
    pub gradient: &'static str,
    /// A program whose last instruction is this one.
    pub example: &'static str,
}

/// One instruction of every family, in the order of the manual.
pub fn families() -> Vec<Op> {
    let zero = Scalar::F32(0.0);
    vec![
        Op::Input { name: "x".into() },
        Op::Param { name: "w".into() },
        Op::State { name: "h".into(), init: zero },
        Op::Constant { value: Literal::Splat(zero) },
        Op::Iota,
        Op::Random { stream: 0 },
        Op::Extent { dim: 0 },
        Op::Contract,
        Op::Map(ScalarFn::Add),
        Op::Reduce(Reduction::Sum),
        Op::Reduce(Reduction::Max),
        Op::Move { fill: zero },
        Op::Gather,
        Op::Scatter,
    ]
}

/// The whole manual as Markdown.
pub fn manual() -> String {
    let mut text = INTRODUCTION.to_string();
    for op in families() {
        instruction_page(&mut text, &op.manual());
    }
    text.push_str(FUNCTIONS);
    for function in ScalarFn::ALL {
        // One page for all casts.
        if !matches!(function, ScalarFn::Cast(DType::F32 | DType::I8 | DType::Bool)) {
            function_page(&mut text, function);
        }
    }
    text
}

/// A function of operands `%0`, `%1`, … as a program in text form.
pub fn function_example(function: ScalarFn) -> String {
    let types = accepted(function).remove(0).0;
    let (graph, _) = applied(function, &types, &[2]);
    text::print(&graph)
}

impl Op {
    /// What the manual says about an instruction.
    pub fn manual(&self) -> Page {
        match self {
            Op::Input { .. } => Page {
                title: "input",
                doc: "A tensor that the caller binds by name for each run.",
                form: "%n = input \"<name>\" -> <type>",
                shape: "Any. Names of inputs, parameters and states are distinct.",
                count: "0.",
                order: "None.",
                gradient: "Ends here.",
                example: "%0 = input \"x\" -> f32[32,32,3]",
            },
            Op::Param { .. } => Page {
                title: "param",
                doc: "A tensor that the search finds. An `update` line says what it becomes after a training step.",
                form: "%n = param \"<name>\" -> <type>",
                shape: "Any. A search finds f32; the integers of a quantised program follow from them.",
                count: "0.",
                order: "None.",
                gradient: "Ends here.",
                example: "%0 = param \"w\" -> f32[3,3,3,16]",
            },
            Op::State { .. } => Page {
                title: "state",
                doc: "A tensor that is kept from run to run. It is `init` everywhere before the first run; an `update` \
                      line says what it becomes. All updates of a run are made at its end, at once.",
                form: "%n = state \"<name>\" init=<value> -> <type>",
                shape: "Any.",
                count: "0.",
                order: "None.",
                gradient: "Ends here: a gradient through time is taken of the unrolled program.",
                example: "%0 = state \"h\" init=0.0 -> f32[8]",
            },
            Op::Constant { .. } => Page {
                title: "constant",
                doc: "A tensor that is part of the program: one value for all elements, or one each in row-major order.",
                form: "%n = constant <value> -> <type>\n%n = constant [<value>, …] -> <type>",
                shape: "Any; a list has as many values as the type has elements. A NaN is written by its bits, \
                        `nan:7fc00000`.",
                count: "0.",
                order: "None.",
                gradient: "Ends here.",
                example: "%0 = constant [1, -2, 3] -> i32[3]",
            },
            Op::Iota => Page {
                title: "iota",
                doc: "The numbers 0, 1, 2, …: what functions of a position are written from.",
                form: "%n = iota -> i32[<extent>]",
                shape: "i32 of one dimension.",
                count: "0.",
                order: "None.",
                gradient: "Ends here.",
                example: "%0 = iota -> i32[5]",
            },
            Op::Random { .. } => Page {
                title: "random",
                doc: "Uniform numbers in [0, 1), multiples of 2⁻²⁴, from a key of two i32. Equal keys and streams give \
                      equal numbers; `stream` tells uses of one key apart.",
                form: "%n = random stream=<number> (%<key>) -> f32[<shape>]",
                shape: "f32 of any shape; the key is i32[2].",
                count: "15 integer operations an element.",
                order: "Element e is word e mod 4 of the Philox-4×32-10 block ⌊e/4⌋; e is the row-major position.",
                gradient: "Ends here.",
                example: "%0 = input \"key\" -> i32[2]\n%1 = random stream=3 (%0) -> f32[4]",
            },
            Op::Extent { .. } => Page {
                title: "extent",
                doc: "The extent of a dimension as a number, so that a mean stays a mean when the extent is changed.",
                form: "%n = extent dim=<number> (%<value>) -> i32[]",
                shape: "i32 of rank 0.",
                count: "0.",
                order: "None.",
                gradient: "Ends here.",
                example: "%0 = input \"x\" -> f32[4,7]\n%1 = extent dim=1 (%0) -> i32[]",
            },
            Op::Contract => Page {
                title: "contract",
                doc: "out[f] += a[g] · b[h]: matrix products, convolutions with stride, dilation, padding and groups, \
                      transposed convolutions.",
                form: "%n = contract \"<a>,<b>-><out>\" <axis>=<extent> … (%<a>, %<b>) -> <type>",
                shape: "Two f32 give f32; two i8 or two i32 give i32. Accesses are free, `*` excepted.",
                count: "2 for each term, skipped ones included.",
                order: "f32: chains of fused multiply-adds over 512 positions of the reduction box, whose results are \
                        added in ascending order; the sum is flushed. Integers wrap.",
                gradient: "The same instruction: the output exchanges its role with the operand.",
                example: "%0 = param \"x\" -> f32[8,8,3]\n\
                          %1 = param \"w\" -> f32[3,3,3,4]\n\
                          %2 = contract \"{2h+i-1}{2w+j-1}c,ijco->hwo\" h=4 w=4 o=4 i=3 j=3 c=3 (%0, %1) -> f32[4,4,4]",
            },
            Op::Map(_) => Page {
                title: "map",
                doc: "One scalar function of the operands' elements at the same index. An operand that omits an axis is \
                      repeated along it.",
                form: "%n = map <function> (%<a>, …) -> <type>\n\
                       %n = map <function> \"<a>,…-><out>\" <axis>=<extent> … (%<a>, …) -> <type>",
                shape: "Accesses are plain axes, each at most once; the output names them all. Without accesses, every \
                        operand has the result's shape or rank 0. The type follows from the function.",
                count: "1 an element.",
                order: "None: each element is one function value.",
                gradient: "A map by the function's own rule, then `reduce sum` over the axes that the operand omits.",
                example: "%0 = param \"x\" -> f32[4,3]\n\
                          %1 = param \"scale\" -> f32[3]\n\
                          %2 = map mul \"ij,j->ij\" i=4 j=3 (%0, %1) -> f32[4,3]",
            },
            Op::Reduce(Reduction::Sum) => Page {
                title: "reduce sum",
                doc: "out[f] += a[g]: sums over axes, over overlapping windows, or scattered into them.",
                form: "%n = reduce sum \"<a>-><out>\" <axis>=<extent> … (%<a>) -> <type>",
                shape: "f32 or i32. Accesses are free, `*` excepted.",
                count: "1 for each term, skipped ones included.",
                order: "Sixteen interleaved lanes and a fixed tree where no term can be skipped and the output is plain, \
                        in pieces of 2048 terms, else one by one in the declared order of the axes. f32 sums are flushed, integers wrap.",
                gradient: "The same instruction with the accesses exchanged (a `move` where each element gets one term).",
                example: "%0 = param \"x\" -> f32[6]\n%1 = reduce sum \"{2t+i-1}->t\" t=3 i=3 (%0) -> f32[3]",
            },
            Op::Reduce(Reduction::Max) => Page {
                title: "reduce max",
                doc: "out[f] = max(out[f], a[g]): maxima over axes or windows. Without any term the result is the \
                      lowest value of the type (−∞ for f32).",
                form: "%n = reduce max \"<a>-><out>\" <axis>=<extent> … (%<a>) -> <type>",
                shape: "Any type. The output is made of plain axes, alone or merged.",
                count: "1 for each term, skipped ones included.",
                order: "As for `reduce sum`, by the function `max`, which says what happens to NaN and ±0.",
                gradient: "To the first of equal elements in the declared order.",
                example: "%0 = param \"x\" -> f32[3,4]\n%1 = reduce max \"ij->i\" i=3 j=4 (%0) -> f32[3]",
            },
            Op::Move { .. } => Page {
                title: "move",
                doc: "The one operand that is in bounds at an index, else the fill: permute, expand, slice, pad, window, \
                      split, merge, concatenate.",
                form: "%n = move fill=<value> \"<a>,…-><out>\" <axis>=<extent> … (%<a>, …) -> <type>",
                shape: "Operands and fill have one type, any. The output names every axis plainly, once. No two \
                        operands are in bounds at one index; some axis alone decides between them.",
                count: "0.",
                order: "None: bits are copied.",
                gradient: "`reduce sum` with the accesses exchanged, for each operand (a `move` where each element gets \
                           one term).",
                example: "%0 = param \"a\" -> f32[4,2]\n\
                          %1 = param \"b\" -> f32[4,3]\n\
                          %2 = move fill=0.0 \"i{j},i{j-2}->ij\" i=4 j=5 (%0, %1) -> f32[4,5]",
            },
            Op::Gather => Page {
                title: "gather",
                doc: "Rows of a table by index; an index out of range gives 0.",
                form: "%n = gather \"<table>,<index>-><out>\" <axis>=<extent> … (%<table>, %<index>) -> <type>",
                shape: "The table is of any type and has `*` for one dimension, which the i32 index looks up. The \
                        output names every axis plainly, once.",
                count: "0.",
                order: "None: bits are copied.",
                gradient: "`scatter` into the table; none to the index.",
                example: "%0 = param \"table\" -> f32[10,3]\n\
                          %1 = input \"index\" -> i32[4]\n\
                          %2 = gather \"*d,i->id\" i=4 d=3 (%0, %1) -> f32[4,3]",
            },
            Op::Scatter => Page {
                title: "scatter",
                doc: "Rows added into zeros by index; an index out of range is skipped.",
                form: "%n = scatter \"<source>,<index>-><out>\" <axis>=<extent> … (%<source>, %<index>) -> <type>",
                shape: "f32 or i32 with an i32 index. The output has `*` for one dimension.",
                count: "1 for each term.",
                order: "One by one in the declared order of the axes; f32 results are flushed, integers wrap.",
                gradient: "`gather` of the rows; none to the index.",
                example: "%0 = param \"rows\" -> f32[4,3]\n\
                          %1 = input \"index\" -> i32[4]\n\
                          %2 = scatter \"id,i->*d\" i=4 d=3 (%0, %1) -> f32[10,3]",
            },
        }
    }
}

const INTRODUCTION: &str = "\
# The instruction set

<!-- Written by `cargo xtask docs` from crates/ir/src/manual.rs; changes made here are lost. -->

A program is a list of instructions in text form, one a line, after the line `tacit-ir 1`. `#` starts a comment. Every
instruction defines one value, `%n`, of a static type: `f32`, `i32`, `i8` or `bool` with a shape. `output \"name\" = %n`
names a result; `update %leaf = %next` says what a parameter or state becomes.

An instruction that is no leaf is a loop nest over *axes*, single letters whose extents stand behind the accesses. An
access says, dimension by dimension, where a tensor is read or written:

| index | meaning |
|---|---|
| `h` | the axis itself; its extent is the dimension's |
| `(hd)` | merged axes, the first the most significant; the dimension's extent is the product of theirs |
| `{2h+i-1}` | a sum of axes with coefficients and a constant, which may be out of range |
| `*` | the value of the index operand, in `gather` and `scatter` only |

A term whose access is out of range in any tensor is skipped, which is not the same as multiplying by zero. The output's
index fixes some axes; the others are the reduction box, walked in the declared order of the axes. [NUMERICS.md](NUMERICS.md)
states every order of arithmetic in full.

# Instructions
";

const FUNCTIONS: &str = "
# Scalar functions

Each is used as `map <function>`, at one operation an element. In gradients, `d` is what comes in and `y` the
result; `0` means that the rule says so: the function is flat, or its operand only decides.
";

fn instruction_page(text: &mut String, page: &Page) {
    let graph = text::parse(&format!("{}\n{}", text::HEADER, page.example)).expect("a test parses every example");
    let last = graph.values().next_back().expect("an example has an instruction");
    let cost = instruction_cost(&graph, last);
    let operations = cost.float_operations + cost.integer_operations;
    let Page { title, doc, form, shape, count, order, gradient, example } = page;
    let block = |lines: &str| format!("\n```text\n{lines}\n```\n");
    write!(text, "\n## {title}\n\n{doc}\n{}\n", block(form)).expect("writing to a string");
    write!(text, "- **Type and shape.** {shape}\n- **Operations.** {count}\n- **Order.** {order}\n")
        .expect("writing to a string");
    write!(text, "- **Gradient.** {gradient}\n\nExample, {operations} operations:\n{}", block(example))
        .expect("writing to a string");
    if let Some(lines) = example_gradient(graph, last) {
        write!(text, "\nIts gradients, where `%{}` comes in:\n{}", last.0 + 1, block(&lines))
            .expect("writing to a string");
    }
}

/// What differentiation adds to an example, if its last value depends on a parameter by more than being one.
fn example_gradient(mut graph: Graph, last: ValueId) -> Option<String> {
    let params: Vec<(String, ValueId)> = graph.params().map(|(name, value)| (name.to_string(), value)).collect();
    if params.is_empty() || !graph.instruction(last).op.has_nest() {
        return None;
    }
    let shape = graph.shape(last).to_vec();
    let incoming = graph.input("d", DType::F32, &shape).expect("examples name nothing `d`");
    let values: Vec<ValueId> = params.iter().map(|(_, value)| *value).collect();
    let gradients = pull_back(&mut graph, last, incoming, &values).expect("examples have gradients");
    let mut lines: Vec<String> =
        (incoming.0..graph.instructions().len() as u32).map(|v| text::print_instruction(&graph, ValueId(v))).collect();
    for ((name, _), gradient) in params.iter().zip(gradients) {
        lines.push(format!("output \"{name}\" = %{}", gradient.0));
    }
    Some(lines.join("\n"))
}

fn function_page(text: &mut String, function: ScalarFn) {
    let row = function.row();
    write!(text, "\n## {}({})\n\n{}\n\n", row.name, row.operands.join(", "), row.doc).expect("writing to a string");
    let casts = matches!(function, ScalarFn::Cast(_));
    let types: Vec<String> = accepted(function)
        .iter()
        .map(|(operands, result)| {
            let operands: Vec<&str> = operands.iter().map(|t| t.name()).collect();
            let result = if casts { "any type" } else { result.name() };
            format!("{} → {result}", operands.join(", "))
        })
        .collect();
    write!(
        text,
        "- **Types.** {}\n- **Gradient.** {}\n- **Values.** {}\n",
        types.join("; "),
        rules(function),
        samples(function)
    )
    .expect("writing to a string");
    let line = function_example(function);
    let line = line.lines().rfind(|line| line.contains(" = map ")).expect("the example holds the map");
    write!(text, "\n```text\n{line}\n```\n").expect("writing to a string");
}

/// The operand types that a function takes, with the type of its result.
fn accepted(function: ScalarFn) -> Vec<(Vec<DType>, DType)> {
    let mut accepted = vec![];
    for dtype in DType::ALL {
        let mut types = vec![dtype; function.arity()];
        if function == ScalarFn::Select {
            types[0] = DType::Bool;
        }
        if let Ok(result) = function.result_type(&types) {
            accepted.push((types, result));
        }
    }
    accepted
}

/// A program that applies a function to inputs of these types, and its operands.
fn applied(function: ScalarFn, types: &[DType], shape: &[usize]) -> (Graph, Vec<ValueId>) {
    let mut graph = Graph::new();
    let operands: Vec<ValueId> = function
        .row()
        .operands
        .iter()
        .zip(types)
        .map(|(name, dtype)| graph.input(name, *dtype, shape).expect("operand names are distinct"))
        .collect();
    let y = graph.map(function, &operands).expect("the types are accepted");
    graph.set_output("y", y).expect("there is one output");
    (graph, operands)
}

/// The derivative in each operand, as differentiation writes it.
fn rules(function: ScalarFn) -> String {
    if matches!(function, ScalarFn::Cast(_)) {
        return "a: `d` from f32 to f32, else none.".into();
    }
    let (types, result) = accepted(function).remove(0);
    if result != DType::F32 {
        return "none, as the result is not f32.".into();
    }
    let (mut graph, operands) = applied(function, &types, &[]);
    let y = graph.output("y").expect("it was set");
    let d = graph.input("d", DType::F32, &[]).expect("no operand is named `d`");
    let mut rules = vec![];
    for (name, operand) in function.row().operands.iter().zip(operands) {
        let rule = match graph.ty(operand).dtype {
            DType::F32 => {
                let gradient = pull_back(&mut graph, y, d, &[operand]).expect("f32 has gradients")[0];
                expression(&graph, gradient, y)
            }
            DType::I32 | DType::I8 | DType::Bool => "0".into(),
        };
        rules.push(format!("{name}: `{rule}`"));
    }
    rules.join("; ") + "."
}

/// A value of rank 0 as a term of scalar functions.
fn expression(graph: &Graph, value: ValueId, y: ValueId) -> String {
    if value == y {
        return "y".into();
    }
    let Instruction { op, operands, .. } = graph.instruction(value);
    match op {
        Op::Input { name } | Op::Param { name } | Op::State { name, .. } => name.clone(),
        Op::Constant { value } if value.at(0) == Scalar::F32(0.0) => "0".into(),
        Op::Constant { value } => value.at(0).to_string(),
        Op::Map(function) => {
            let operands: Vec<String> = operands.iter().map(|v| expression(graph, *v, y)).collect();
            format!("{}({})", function.name(), operands.join(", "))
        }
        Op::Iota
        | Op::Random { .. }
        | Op::Extent { .. }
        | Op::Contract
        | Op::Reduce(_)
        | Op::Move { .. }
        | Op::Gather
        | Op::Scatter => unreachable!("rules of scalar functions are maps"),
    }
}

/// Values of a function where people ask for them, by the interpreter.
fn samples(function: ScalarFn) -> String {
    let (types, dtype) = accepted(function).remove(0);
    let sample = |k: usize, dtype: DType, at: usize| match dtype {
        // The third operand of a function of integers is a shift.
        DType::I32 if k == 2 => Scalar::I32([-2, 1, 0, -1][at]),
        DType::F32 => Scalar::F32([-2.5, -0.0, 0.5, f32::NAN][at]),
        DType::I32 => Scalar::I32([-1000, 1 << 30, 3, i32::MAX][at]),
        DType::I8 => Scalar::I8([-100, 100, 3, 127][at]),
        DType::Bool => Scalar::Bool(at.is_multiple_of(2)),
    };
    let mut lines = vec![];
    for first in 0..4 {
        let operands: Vec<Scalar> = types.iter().enumerate().map(|(k, t)| sample(k, *t, (first + 2 * k) % 4)).collect();
        let tensors: Vec<Tensor<f32>> =
            operands.iter().map(|s| Tensor::filled(&TensorType::new(s.dtype(), &[]), *s)).collect();
        let nest = Nest { axes: vec![], operands: vec![vec![]; operands.len()], output: vec![] };
        let ty = TensorType::new(dtype, &[]);
        let instruction = Instruction { op: Op::Map(function), operands: vec![], nest, ty };
        let shown = |scalar: Scalar| match scalar {
            Scalar::F32(x) if x.is_nan() => "NaN".to_string(),
            Scalar::F32(_) | Scalar::I32(_) | Scalar::I8(_) | Scalar::Bool(_) => scalar.to_string(),
        };
        let result = compute(&instruction, &tensors.iter().collect::<Vec<_>>()).at(0).scalar();
        let operands: Vec<String> = operands.into_iter().map(shown).collect();
        lines.push(format!("`{}({}) = {}`", function.name(), operands.join(", "), shown(result)));
    }
    lines.join(", ") + "."
}
