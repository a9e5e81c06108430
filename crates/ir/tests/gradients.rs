//! First and second derivatives of every scalar function and of every instruction family against central differences
//! in f64, and the rules at points where no difference is defined (ties, repeated rows, straight-through values).

use std::collections::HashMap;
use tacit_ir::gradient::differentiate;
use tacit_ir::passes::verify;
use tacit_ir::testing::{FAMILIES, family};
use tacit_ir::{DType, Graph, Nest, Op, Reduction, Scalar, ScalarFn, Tensor, TensorType, ValueId, interpret, text};

/// Where the derivative of a scalar function comes from.
enum Place {
    /// Compared with differences, each operand from its open interval.
    Differences(&'static [(f64, f64)]),
    /// Piecewise constant, or not of floats: no gradient flows.
    Nothing,
    /// Defined by its rule and not by differences; it has a test of its own.
    ByRule,
}

/// The place of every function. The match has no wildcard, so that a new function must be placed here.
fn place(function: ScalarFn) -> Place {
    const ANY: (f64, f64) = (-2.0, 2.0);
    const POSITIVE: (f64, f64) = (0.5, 3.0);
    match function {
        ScalarFn::Add | ScalarFn::Sub | ScalarFn::Mul | ScalarFn::Max | ScalarFn::Min => {
            Place::Differences(&[ANY, ANY])
        }
        ScalarFn::Div => Place::Differences(&[ANY, POSITIVE]),
        // The condition is a cast of its float operand.
        ScalarFn::Select => Place::Differences(&[ANY, ANY, ANY]),
        ScalarFn::Neg
        | ScalarFn::Exp
        | ScalarFn::Tanh
        | ScalarFn::Sigmoid
        | ScalarFn::Erf
        | ScalarFn::Sin
        | ScalarFn::Cos
        | ScalarFn::Flush
        | ScalarFn::Cast(DType::F32) => Place::Differences(&[ANY]),
        ScalarFn::Log | ScalarFn::Sqrt => Place::Differences(&[POSITIVE]),
        ScalarFn::Less
        | ScalarFn::Equal
        | ScalarFn::Round
        | ScalarFn::Cast(DType::I32 | DType::I8 | DType::Bool)
        | ScalarFn::MulShift
        | ScalarFn::ShiftLeft
        | ScalarFn::ShiftRight => Place::Nothing,
        ScalarFn::Straight => Place::ByRule,
    }
}

type Leaves = HashMap<String, Tensor<f64>>;

/// Numbers in an open interval, from a linear congruential generator (Knuth, MMIX).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, (low, high): (f64, f64)) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        low + (high - low) * ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn tensor(&mut self, shape: &[usize], interval: (f64, f64)) -> Tensor<f64> {
        let count = shape.iter().product();
        Tensor::floats(shape, (0..count).map(|_| self.next(interval)).collect())
    }
}

/// Σ value·direction, where the direction is a new input of this name.
fn inner(graph: &mut Graph, value: ValueId, name: &str) -> ValueId {
    let shape = graph.shape(value).to_vec();
    let direction = graph.input(name, DType::F32, &shape).unwrap();
    let product = graph.map(ScalarFn::Mul, &[value, direction]).unwrap();
    let letters: String = ('a'..='z').take(shape.len()).collect();
    graph.reduce(Reduction::Sum, &format!("{letters}->"), product, &[]).unwrap()
}

fn params(graph: &Graph) -> Vec<(String, ValueId)> {
    graph.params().map(|(name, value)| (name.to_string(), value)).collect()
}

fn run(graph: &Graph, leaves: &Leaves, output: &str) -> Vec<f64> {
    interpret(graph, leaves).unwrap().outputs[output].as_floats().to_vec()
}

/// Holds the gradient outputs `prefix/<parameter>` against central differences of the output `of`.
fn compare(name: &str, graph: &Graph, leaves: &Leaves, of: &str, prefix: &str, tolerance: f64) {
    const STEP: f64 = 1e-5;
    for (param, _) in params(graph) {
        let gradient = run(graph, leaves, &format!("{prefix}/{param}"));
        for (k, got) in gradient.iter().enumerate() {
            let at = |offset: f64| {
                let mut moved = leaves.clone();
                let mut values = leaves[&param].as_floats().to_vec();
                values[k] += offset;
                moved.insert(param.clone(), Tensor::floats(&leaves[&param].shape, values));
                run(graph, &moved, of)[0]
            };
            let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            let close = (got - expected).abs() <= tolerance * (1.0 + expected.abs());
            assert!(close, "{name}: {prefix}/{param}[{k}] is {got}, not {expected}\n{}", text::print(graph));
        }
    }
}

/// Checks first and second derivatives of the output `y` in every parameter. Parameters that `leaves` does not hold
/// are drawn from (−2, 2).
fn check(name: &str, mut graph: Graph, mut leaves: Leaves) {
    let mut numbers = Numbers(1);
    let y = graph.output("y").expect("a case has an output `y`");
    let loss = inner(&mut graph, y, "direction");
    let gradient_of = |graph: &mut Graph, of: ValueId, prefix: &str| -> Vec<ValueId> {
        let (names, values): (Vec<_>, Vec<_>) = params(graph).into_iter().unzip();
        let gradients = differentiate(graph, of, &values).unwrap();
        for (name, gradient) in names.iter().zip(&gradients) {
            graph.set_output(&format!("{prefix}/{name}"), *gradient).unwrap();
        }
        gradients
    };
    let first = gradient_of(&mut graph, loss, "first");
    let mut along = graph.float(0.0).unwrap();
    for (k, gradient) in first.into_iter().enumerate() {
        let term = inner(&mut graph, gradient, &format!("direction{k}"));
        along = graph.map(ScalarFn::Add, &[along, term]).unwrap();
    }
    gradient_of(&mut graph, along, "second");
    graph.set_output("loss", loss).unwrap();
    graph.set_output("along", along).unwrap();
    verify(&graph).unwrap();
    for value in graph.values() {
        let TensorType { shape, .. } = graph.ty(value);
        if let Some(leaf) = graph.instruction(value).op.leaf_name()
            && !leaves.contains_key(leaf)
        {
            leaves.insert(leaf.to_string(), numbers.tensor(shape, (-2.0, 2.0)));
        }
    }
    // Constants of the rules are f32 (2/√π is, with a relative error of 3e-8), so agreement ends there.
    compare(name, &graph, &leaves, "loss", "first", 5e-8);
    compare(name, &graph, &leaves, "along", "second", 5e-7);
}

/// A program without its header, in text form.
fn program(body: &str) -> Graph {
    let graph = text::parse(&format!("{}\n{body}", text::HEADER)).unwrap_or_else(|e| panic!("{e}\n{body}"));
    verify(&graph).unwrap();
    graph
}

/// A map over `ab` with operands accessed as told, from parameters `p0`, `p1`, ….
fn map_over(function: ScalarFn, accesses: &[&str]) -> Graph {
    let extents = [('a', 2), ('b', 3)];
    let mut graph = Graph::new();
    let mut operands = vec![];
    let mut words = vec![];
    for (k, access) in accesses.iter().enumerate() {
        let shape: Vec<usize> = access.chars().map(|axis| if axis == 'a' { 2 } else { 3 }).collect();
        let mut operand = graph.param(&format!("p{k}"), &shape).unwrap();
        if function == ScalarFn::Select && k == 0 {
            let zero = graph.float(0.0).unwrap();
            operand = graph.map(ScalarFn::Less, &[operand, zero]).unwrap();
        }
        operands.push(operand);
        words.push(*access);
    }
    let (read, written) = Nest::parse_accesses(&format!("{}->ab", words.join(","))).unwrap();
    let nest = Nest { axes: extents.to_vec(), operands: read, output: written };
    let y = graph.with_shape(Op::Map(function), nest, &operands, &[2, 3]).unwrap();
    graph.set_output("y", y).unwrap();
    graph
}

#[test]
fn every_smooth_function_agrees_with_differences_under_every_broadcast() {
    for function in ScalarFn::ALL {
        let Place::Differences(intervals) = place(function) else { continue };
        assert_eq!(intervals.len(), function.arity(), "{}", function.name());
        const ACCESSES: [&str; 5] = ["ab", "ba", "b", "a", ""];
        for case in 0..ACCESSES.len().pow(intervals.len() as u32) {
            let chosen: Vec<&str> =
                (0..intervals.len()).map(|k| ACCESSES[case / ACCESSES.len().pow(k as u32) % ACCESSES.len()]).collect();
            let graph = map_over(function, &chosen);
            let mut numbers = Numbers(case as u64);
            let leaves = params(&graph)
                .into_iter()
                .zip(intervals)
                .map(|((name, value), interval)| (name, numbers.tensor(graph.shape(value), *interval)))
                .collect();
            check(&format!("{} {chosen:?}", function.name()), graph, leaves);
        }
    }
}

#[test]
fn no_gradient_flows_through_piecewise_constant_functions() {
    for function in ScalarFn::ALL {
        let Place::Nothing = place(function) else { continue };
        let mut graph = Graph::new();
        let leaves: Vec<ValueId> =
            (0..function.arity()).map(|k| graph.param(&format!("p{k}"), &[4]).unwrap()).collect();
        // Functions of integers get a cast of each parameter.
        let operands: Vec<ValueId> = match function.result_type(&vec![DType::F32; function.arity()]) {
            Ok(_) => leaves.clone(),
            Err(_) => leaves.iter().map(|leaf| graph.map(ScalarFn::Cast(DType::I32), &[*leaf]).unwrap()).collect(),
        };
        let result = graph.map(function, &operands).unwrap();
        let y = graph.map(ScalarFn::Cast(DType::F32), &[result]).unwrap();
        graph.set_output("y", y).unwrap();
        let mut numbers = Numbers(3);
        let leaves =
            (0..function.arity()).map(|k| (format!("p{k}"), numbers.tensor(&[4], (0.5, 9.5)))).collect::<Leaves>();
        let loss = inner(&mut graph, y, "direction");
        let (names, values): (Vec<_>, Vec<_>) = params(&graph).into_iter().unzip();
        for (name, gradient) in names.iter().zip(differentiate(&mut graph, loss, &values).unwrap()) {
            graph.set_output(&format!("d/{name}"), gradient).unwrap();
        }
        let mut leaves = leaves;
        leaves.insert("direction".into(), numbers.tensor(&[4], (-1.0, 1.0)));
        let outcome = interpret(&graph, &leaves).unwrap();
        for name in names {
            assert_eq!(outcome.outputs[&format!("d/{name}")].as_floats(), [0.0; 4], "{} {name}", function.name());
        }
    }
}

#[test]
fn straight_passes_the_gradient_to_its_first_operand_alone() {
    let mut graph = map_over(ScalarFn::Straight, &["ab", "ab"]);
    let y = graph.output("y").unwrap();
    let loss = inner(&mut graph, y, "direction");
    let (_, values): (Vec<_>, Vec<_>) = params(&graph).into_iter().unzip();
    let gradients = differentiate(&mut graph, loss, &values).unwrap();
    graph.set_output("dx", gradients[0]).unwrap();
    graph.set_output("dq", gradients[1]).unwrap();
    let mut numbers = Numbers(5);
    let leaves: Leaves =
        ["p0", "p1", "direction"].map(|name| (name.to_string(), numbers.tensor(&[2, 3], (-1.0, 1.0)))).into();
    let outcome = interpret(&graph, &leaves).unwrap();
    assert_eq!(outcome.outputs["y"], leaves["p1"]);
    assert_eq!(outcome.outputs["dx"], leaves["direction"]);
    assert_eq!(outcome.outputs["dq"].as_floats(), [0.0; 6]);
}

/// Every instruction family in the forms that differ in their adjoint.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "matrix product",
        r#"%0 = param "a" -> f32[3,4]
           %1 = param "b" -> f32[4,2]
           %2 = contract "ik,kj->ij" i=3 j=2 k=4 (%0, %1) -> f32[3,2]"#,
    ),
    (
        "matrix product of a value with itself",
        r#"%0 = param "a" -> f32[3,3]
           %2 = contract "ik,kj->ij" i=3 j=3 k=3 (%0, %0) -> f32[3,3]"#,
    ),
    (
        "convolution with stride and padding",
        r#"%0 = param "a" -> f32[6,5,2]
           %1 = param "b" -> f32[3,3,2,2]
           %2 = contract "{2h+i-1}{2w+j-1}c,ijco->hwo" h=3 w=3 o=2 i=3 j=3 c=2 (%0, %1) -> f32[3,3,2]"#,
    ),
    (
        "dilated causal convolution",
        r#"%0 = param "a" -> f32[7,2]
           %1 = param "b" -> f32[3,2,2]
           %2 = contract "{t+2i-4}c,ico->to" t=7 o=2 i=3 c=2 (%0, %1) -> f32[7,2]"#,
    ),
    (
        "grouped convolution over merged channels",
        r#"%0 = param "a" -> f32[5,6]
           %1 = param "b" -> f32[2,3,2,2]
           %2 = contract "{t+i-1}(gc),igco->t(go)" t=5 g=3 o=2 i=2 c=2 (%0, %1) -> f32[5,6]"#,
    ),
    (
        "transposed convolution",
        r#"%0 = param "a" -> f32[3,2]
           %1 = param "b" -> f32[3,2,2]
           %2 = contract "tc,ico->{2t+i-1}o" i=3 t=3 c=2 o=2 (%0, %1) -> f32[6,2]"#,
    ),
    (
        "correlation in which the window runs backwards",
        r#"%0 = param "a" -> f32[6]
           %1 = param "b" -> f32[3]
           %2 = contract "{-i+t+1},i->t" t=6 i=3 (%0, %1) -> f32[6]"#,
    ),
    (
        "attention scores over merged heads",
        r#"%0 = param "q" -> f32[3,4]
           %1 = param "k" -> f32[2,4]
           %2 = contract "t(hd),u(hd)->htu" h=2 t=3 u=2 d=2 (%0, %1) -> f32[2,3,2]"#,
    ),
    (
        "outer product written on a diagonal",
        r#"%0 = param "a" -> f32[3]
           %1 = param "b" -> f32[2]
           %2 = contract "i,j->iij" i=3 j=2 (%0, %1) -> f32[3,3,2]"#,
    ),
    (
        "contraction over an axis that one operand omits",
        r#"%0 = param "a" -> f32[3,2]
           %1 = param "b" -> f32[4]
           %2 = contract "ik,j->i" i=3 k=2 j=4 (%0, %1) -> f32[3]"#,
    ),
    (
        "sum over an axis",
        r#"%0 = param "a" -> f32[3,4]
           %1 = reduce sum "ij->i" i=3 j=4 (%0) -> f32[3]
           %2 = map mul (%1, %1) -> f32[3]"#,
    ),
    (
        "sum over overlapping windows",
        r#"%0 = param "a" -> f32[6]
           %1 = reduce sum "{2t+i-1}->t" t=3 i=3 (%0) -> f32[3]
           %2 = map mul (%1, %1) -> f32[3]"#,
    ),
    (
        "sum that scatters overlapping windows",
        r#"%0 = param "a" -> f32[3,4]
           %1 = reduce sum "ti->{2t+i-1}" i=4 t=3 (%0) -> f32[6]
           %2 = map mul (%1, %1) -> f32[6]"#,
    ),
    (
        "sum over a part of a merged dimension",
        r#"%0 = param "a" -> f32[6,2]
           %1 = reduce sum "(hd)e->(eh)" e=2 h=3 d=2 (%0) -> f32[6]
           %2 = map mul (%1, %1) -> f32[6]"#,
    ),
    (
        "trace",
        r#"%0 = param "a" -> f32[3,3]
           %1 = reduce sum "ii->" i=3 (%0) -> f32[]
           %2 = map mul (%1, %1) -> f32[]"#,
    ),
    (
        "sum that repeats its terms",
        r#"%0 = param "a" -> f32[3]
           %1 = reduce sum "i->ij" i=3 j=2 (%0) -> f32[3,2]
           %2 = map mul (%1, %1) -> f32[3,2]"#,
    ),
    (
        "maximum over an axis",
        r#"%0 = param "a" -> f32[3,4]
           %1 = reduce max "ij->j" j=4 i=3 (%0) -> f32[4]
           %2 = map mul (%1, %1) -> f32[4]"#,
    ),
    (
        "maximum over overlapping, padded windows",
        r#"%0 = param "a" -> f32[5,5,2]
           %1 = reduce max "{2h+i-1}{2w+j-1}c->hwc" h=3 w=3 c=2 i=3 j=3 (%0) -> f32[3,3,2]
           %2 = map mul (%1, %1) -> f32[3,3,2]"#,
    ),
    (
        "maximum into a merged dimension",
        r#"%0 = param "a" -> f32[2,3,4]
           %1 = reduce max "hdt->(dh)" h=2 d=3 t=4 (%0) -> f32[6]
           %2 = map mul (%1, %1) -> f32[6]"#,
    ),
    (
        "maximum of windows that lie wholly outside",
        r#"%0 = param "a" -> f32[3]
           %1 = reduce max "{2t+i-2}->t" t=4 i=2 (%0) -> f32[4]
           %3 = constant -9.0 -> f32[]
           %2 = map max (%1, %3) -> f32[4]"#,
    ),
    (
        "padding",
        r#"%0 = param "a" -> f32[3,2]
           %1 = move fill=0.5 "{i-1}{j-2}->ij" i=5 j=5 (%0) -> f32[5,5]
           %2 = map mul (%1, %1) -> f32[5,5]"#,
    ),
    (
        "slice with a stride",
        r#"%0 = param "a" -> f32[7]
           %1 = move fill=0.0 "{2i+1}->i" i=3 (%0) -> f32[3]
           %2 = map mul (%1, %1) -> f32[3]"#,
    ),
    (
        "reversal",
        r#"%0 = param "a" -> f32[4]
           %1 = move fill=0.0 "{-i+3}->i" i=4 (%0) -> f32[4]
           %2 = map mul (%1, %1) -> f32[4]"#,
    ),
    (
        "concatenation",
        r#"%0 = param "a" -> f32[2,2]
           %1 = param "b" -> f32[2,3]
           %3 = move fill=0.0 "i{j},i{j-2}->ij" i=2 j=5 (%0, %1) -> f32[2,5]
           %2 = map mul (%3, %3) -> f32[2,5]"#,
    ),
    (
        "permutation and split",
        r#"%0 = param "a" -> f32[6,2]
           %1 = move fill=0.0 "(hd)t->thd" t=2 h=3 d=2 (%0) -> f32[2,3,2]
           %2 = map mul (%1, %1) -> f32[2,3,2]"#,
    ),
    (
        "merging",
        r#"%0 = param "a" -> f32[2,3,2]
           %1 = move fill=0.0 "thd->(ht)d" h=3 t=2 d=2 (%0) -> f32[6,2]
           %2 = map mul (%1, %1) -> f32[6,2]"#,
    ),
    (
        "expansion",
        r#"%0 = param "a" -> f32[3]
           %1 = move fill=0.0 "i->ji" j=2 i=3 (%0) -> f32[2,3]
           %2 = map mul (%1, %1) -> f32[2,3]"#,
    ),
    (
        "window",
        r#"%0 = param "a" -> f32[5]
           %1 = move fill=0.0 "{2t+i-1}->ti" t=3 i=3 (%0) -> f32[3,3]
           %2 = map mul (%1, %1) -> f32[3,3]"#,
    ),
    (
        "one row of a matrix",
        r#"%0 = param "a" -> f32[4,2]
           %1 = move fill=0.0 "{2}i->i" i=2 (%0) -> f32[2]
           %2 = map mul (%1, %1) -> f32[2]"#,
    ),
    (
        "gather with repeated and out-of-range rows",
        r#"%0 = param "a" -> f32[4,3]
           %1 = constant [1, 3, 1, -1, 4, 0] -> i32[6]
           %3 = gather "*d,i->id" i=6 d=3 (%0, %1) -> f32[6,3]
           %2 = map mul (%3, %3) -> f32[6,3]"#,
    ),
    (
        "gather of shifted rows with a padded index",
        r#"%0 = param "a" -> f32[4,3]
           %1 = constant [1, 3, 2] -> i32[3]
           %3 = gather "{d-1}*,{i+1}->id" i=3 d=6 (%0, %1) -> f32[3,6]
           %2 = map mul (%3, %3) -> f32[3,6]"#,
    ),
    (
        "scatter with repeated and out-of-range rows",
        r#"%0 = param "a" -> f32[6,3]
           %1 = constant [1, 3, 1, -1, 4, 0] -> i32[6]
           %3 = scatter "id,i->*d" i=6 d=3 (%0, %1) -> f32[4,3]
           %2 = map mul (%3, %3) -> f32[4,3]"#,
    ),
    (
        "scatter into a shifted, summed target",
        r#"%0 = param "a" -> f32[3,4,2]
           %1 = constant [2, 0, 2] -> i32[3]
           %3 = scatter "ide,i->*{d-1}" i=3 d=4 e=2 (%0, %1) -> f32[3,3]
           %2 = map mul (%3, %3) -> f32[3,3]"#,
    ),
    (
        "softmax cross-entropy",
        r#"%0 = param "a" -> f32[2,4]
           %1 = reduce max "ij->i" i=2 j=4 (%0) -> f32[2]
           %3 = map sub "ij,i->ij" i=2 j=4 (%0, %1) -> f32[2,4]
           %4 = map exp (%3) -> f32[2,4]
           %5 = reduce sum "ij->i" i=2 j=4 (%4) -> f32[2]
           %6 = map log (%5) -> f32[2]
           %7 = map sub "ij,i->ij" i=2 j=4 (%3, %6) -> f32[2,4]
           %8 = constant [2, 0] -> i32[2]
           %9 = iota -> i32[4]
           %10 = map equal "j,i->ij" i=2 j=4 (%9, %8) -> bool[2,4]
           %11 = map cast (%10) -> f32[2,4]
           %2 = contract "ij,ij->i" i=2 j=4 (%7, %11) -> f32[2]"#,
    ),
    (
        "layer norm by extents",
        r#"%0 = param "a" -> f32[2,3]
           %1 = extent dim=1 (%0) -> i32[]
           %3 = map cast (%1) -> f32[]
           %4 = reduce sum "ij->i" i=2 j=3 (%0) -> f32[2]
           %5 = map div "i,->i" i=2 (%4, %3) -> f32[2]
           %6 = map sub "ij,i->ij" i=2 j=3 (%0, %5) -> f32[2,3]
           %7 = contract "ij,ij->i" i=2 j=3 (%6, %6) -> f32[2]
           %8 = map sqrt (%7) -> f32[2]
           %2 = map div "ij,i->ij" i=2 j=3 (%6, %8) -> f32[2,3]"#,
    ),
    (
        "dropout and a recurrent step",
        r#"%0 = param "a" -> f32[3]
           %1 = state "h" init=0.25 -> f32[3]
           %3 = constant [7, 9] -> i32[2]
           %4 = random stream=1 (%3) -> f32[3]
           %5 = constant 0.5 -> f32[]
           %6 = map less (%4, %5) -> bool[3]
           %7 = map mul (%0, %1) -> f32[3]
           %8 = map tanh (%7) -> f32[3]
           %2 = map select (%6, %8, %7) -> f32[3]
           update %1 = %2"#,
    ),
];

#[test]
fn every_instruction_family_agrees_with_differences() {
    let mut covered = [false; FAMILIES];
    for (name, body) in PROGRAMS {
        let mut graph = program(body);
        // The last line but updates defines %2, the result.
        let y = graph.values().next_back().unwrap();
        graph.set_output("y", y).unwrap();
        for instruction in graph.instructions() {
            covered[family(&instruction.op)] = true;
        }
        check(name, graph, Leaves::new());
    }
    // Inputs are the directions that the check itself adds.
    covered[family(&Op::Input { name: String::new() })] = true;
    assert_eq!(covered, [true; FAMILIES]);
}

/// The gradients of Σ y·direction in every parameter, in order of definition.
fn gradients(mut graph: Graph, leaves: &[(&str, &[f64])], direction: &[f64]) -> Vec<Vec<f64>> {
    let y = graph.values().next_back().unwrap();
    let loss = inner(&mut graph, y, "direction");
    let (names, values): (Vec<_>, Vec<_>) = params(&graph).into_iter().unzip();
    let gradients = differentiate(&mut graph, loss, &values).unwrap();
    for (name, gradient) in names.iter().zip(gradients) {
        graph.set_output(name, gradient).unwrap();
    }
    verify(&graph).unwrap();
    let bound = leaves
        .iter()
        .chain([&("direction", direction)])
        .map(|(name, values)| {
            let shape = graph.shape(graph.leaf(name).unwrap());
            (name.to_string(), Tensor::floats(shape, values.to_vec()))
        })
        .collect();
    let outcome = interpret(&graph, &bound).unwrap();
    names.iter().map(|name| outcome.outputs[name].as_floats().to_vec()).collect()
}

#[test]
fn among_equal_maxima_the_first_in_declared_order_gets_the_gradient() {
    let rows = r#"%0 = param "a" -> f32[2,4]
                  %1 = reduce max "ij->i" i=2 j=4 (%0) -> f32[2]"#;
    let a = [1.0, 3.0, 3.0, 3.0, 5.0, 5.0, 0.0, 5.0];
    assert_eq!(gradients(program(rows), &[("a", &a)], &[1.0, 2.0]), [[0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]]);
    // With j declared before i the box is walked column by column.
    let columns = r#"%0 = param "a" -> f32[2,2]
                     %1 = reduce max "ij->" j=2 i=2 (%0) -> f32[]"#;
    let a = [0.0, 7.0, 7.0, 7.0];
    assert_eq!(gradients(program(columns), &[("a", &a)], &[1.0]), [[0.0, 0.0, 1.0, 0.0]]);
    let overlapping = r#"%0 = param "a" -> f32[5]
                         %1 = reduce max "{t+i-1}->t" t=5 i=3 (%0) -> f32[5]"#;
    let a = [2.0; 5];
    let direction = [1.0, 10.0, 100.0, 1000.0, 10000.0];
    // Window t starts at t − 1, and at 0 for t = 0.
    assert_eq!(gradients(program(overlapping), &[("a", &a)], &direction), [[11.0, 100.0, 1000.0, 10000.0, 0.0]]);
}

#[test]
fn equal_operands_of_max_and_min_give_the_gradient_to_the_second() {
    for function in ["max", "min"] {
        let body = format!(
            r#"%0 = param "a" -> f32[2]
               %1 = param "b" -> f32[2]
               %2 = map {function} (%0, %1) -> f32[2]"#
        );
        let got = gradients(program(&body), &[("a", &[1.0, -0.0]), ("b", &[1.0, 0.0])], &[3.0, 4.0]);
        assert_eq!(got, [[0.0, 0.0], [3.0, 4.0]], "{function}");
    }
}

#[test]
fn rows_out_of_range_give_and_receive_nothing() {
    let gather = r#"%0 = param "a" -> f32[3]
                    %1 = constant [2, -1, 2, 3, 0] -> i32[5]
                    %2 = gather "*,i->i" i=5 (%0, %1) -> f32[5]"#;
    let direction = [1.0, 10.0, 100.0, 1000.0, 10000.0];
    assert_eq!(gradients(program(gather), &[("a", &[1.0; 3])], &direction), [[10000.0, 0.0, 101.0]]);
    let scatter = r#"%0 = param "a" -> f32[5]
                     %1 = constant [2, -1, 2, 3, 0] -> i32[5]
                     %2 = scatter "i,i->*" i=5 (%0, %1) -> f32[3]"#;
    assert_eq!(gradients(program(scatter), &[("a", &[1.0; 5])], &[1.0, 10.0, 100.0]), [[100.0, 0.0, 100.0, 0.0, 1.0]]);
}

#[test]
fn a_gradient_of_something_else_than_a_single_float_is_refused() {
    let mut graph = program("%0 = input \"x\" -> f32[2]\n%1 = iota -> i32[2]\n%2 = constant 1.0 -> f32[]");
    let [x, index, one] = [0, 1, 2].map(ValueId);
    assert_eq!(differentiate(&mut graph, x, &[x]).unwrap_err().code, tacit_ir::error::GRADIENT);
    assert_eq!(differentiate(&mut graph, one, &[index]).unwrap_err().code, tacit_ir::error::GRADIENT);
    let zero = differentiate(&mut graph, one, &[x]).unwrap()[0];
    assert_eq!(graph.shape(zero), [2]);
    assert_eq!(graph.instruction(zero).op, Op::Move { fill: Scalar::F32(0.0) });
}
