//! Emitted WebAssembly, run by an interpreter of it, gives the bits that the loops have by their definition.

mod common;

use common::{Leaves, value};
use proptest::prelude::*;
use tacit_emit::loops::{
    Affine, Array, Call, Element, Expression, Function, Leaf, Loops, Memory, Operand, Options as Lowering, Output,
    Place, Statement, bytes_of, evaluate, lower, with_rounded_products,
};
use tacit_emit::wasm::{Module, Options, Products, Program, TooLarge, emit};
use tacit_ir::passes::simplify;
use tacit_ir::testing::{self, Draw, function_programs, random_graph, random_leaves};
use tacit_ir::{DType, Graph, Op, ValueId, text};

const VARIANTS: [Options; 5] = [
    Options { simd: false, products: Products::Rounded },
    Options { simd: true, products: Products::Rounded },
    Options { simd: false, products: Products::Fused },
    Options { simd: true, products: Products::Fused },
    // The engine of these tests fuses.
    Options { simd: true, products: Products::Relaxed },
];

/// A module in an engine.
struct Running {
    store: wasmi::Store<()>,
    memory: wasmi::Memory,
    instance: wasmi::Instance,
}

const FUEL: u64 = 1 << 60;

impl Running {
    fn new(module: &Module) -> Running {
        let mut config = wasmi::Config::default();
        config.wasm_relaxed_simd(true).consume_fuel(true);
        let engine = wasmi::Engine::new(&config);
        let compiled = wasmi::Module::new(&engine, &module.bytes).expect("the module is valid");
        assert_eq!(compiled.imports().count(), 0, "a module needs nothing from outside");
        let mut store = wasmi::Store::new(&engine, ());
        store.set_fuel(FUEL).unwrap();
        let instance = wasmi::Linker::new(&engine).instantiate_and_start(&mut store, &compiled).unwrap();
        let memory = instance.get_memory(&store, "memory").expect("the memory is exported");
        let ty = memory.ty(&store);
        assert_eq!(Some(ty.minimum()), ty.maximum(), "the memory cannot grow");
        assert_eq!(ty.minimum() * 65536, module.memory_bytes);
        Running { store, memory, instance }
    }

    fn address(&self, global: &str) -> usize {
        let value = self.instance.get_global(&self.store, global).expect("addresses are exported").get(&self.store);
        let wasmi::Val::I32(address) = value else { panic!("an address is an i32, not {value:?}") };
        address as u32 as usize
    }

    fn call(&mut self, name: &str) {
        let function = self.instance.get_typed_func::<(), ()>(&self.store, name).expect("the function is exported");
        function.call(&mut self.store, ()).expect("a program does not trap");
    }

    fn write(&mut self, global: &str, bytes: &[u8]) {
        let address = self.address(global);
        self.memory.write(&mut self.store, address, bytes).unwrap();
    }

    fn read(&self, global: &str, bytes: usize) -> Vec<u8> {
        let mut found = vec![0; bytes];
        self.memory.read(&self.store, self.address(global), &mut found).unwrap();
        found
    }
}

/// The first element that differs; all NaNs are one value.
fn difference(dtype: DType, a: &[u8], b: &[u8]) -> Option<usize> {
    a.chunks(dtype.size()).zip(b.chunks(dtype.size())).position(|(a, b)| {
        let are_nan = dtype == DType::F32
            && [a, b]
                .iter()
                .all(|word| f32::from_le_bytes((*word).try_into().expect("a word has four bytes")).is_nan());
        a != b && !are_nan
    })
}

/// Runs a program three times, the last time as if it were the first, in all variants.
fn check(graph: &Graph, leaves: &Leaves, lanes: usize) -> Result<(), TestCaseError> {
    let graph = simplify(graph).unwrap();
    let loops = lower(&graph, &Lowering { lanes, is_unrolled: false });
    let values = |leaf: &Leaf| value(&graph, leaves, leaf);
    let program = Program { loops: &loops, values: &values };
    for options in VARIANTS {
        let module = emit(&program, &options).unwrap();
        let mut running = Running::new(&module);
        let meant = match options.products {
            Products::Rounded => with_rounded_products(&loops),
            Products::Fused | Products::Relaxed => loops.clone(),
        };
        for steps in [2, 1] {
            let mut memory = Memory::new(&meant, values);
            for (leaf, input) in loops.inputs.iter().zip(&module.inputs) {
                running.write(&input.global, &bytes_of(&values(leaf)));
            }
            for step in 0..steps {
                evaluate(&meant, &mut memory);
                running.call("run");
                for output in &module.outputs {
                    let expected = memory.output(&meant, &output.name).unwrap();
                    let found = running.read(&output.global, expected.len());
                    let difference = difference(output.dtype, &found, expected);
                    prop_assert_eq!(
                        difference,
                        None,
                        "output `{}` of step {} with {:?} of\n{}",
                        output.name,
                        step,
                        options,
                        text::print(&graph)
                    );
                }
            }
            if module.keeps {
                running.call("reset");
            } else {
                break;
            }
        }
    }
    Ok(())
}

/// States begin with their initial values, which nobody can bind here.
fn leaves_of(graph: &Graph, seed: u64, options: &testing::Options) -> Leaves {
    let mut leaves = random_leaves(graph, seed, options);
    leaves.retain(|name, _| {
        let leaf = graph.leaf(name).expect("leaves are bound by their names");
        !matches!(graph.instruction(leaf).op, Op::State { .. })
    });
    leaves
}

/// Five modules are interpreted for every program, so that fewer programs are drawn than where none is.
fn config(share: u32) -> ProptestConfig {
    let cases = ProptestConfig::default().cases / share;
    ProptestConfig { cases, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(2))]

    #[test]
    fn random_programs_in_wasm_give_the_bits_of_their_loops(
        seed in any::<u64>(), instructions in 1usize..30, lanes in 1usize..33,
    ) {
        let options = testing::Options { instructions, ..testing::Options::default() };
        let graph = random_graph(seed, &options);
        check(&graph, &leaves_of(&graph, seed, &options), lanes)?;
    }

    #[test]
    fn longer_rows_in_wasm_give_the_bits_of_their_loops(
        seed in any::<u64>(), extent_max in 7usize..40, instructions in 1usize..12, lanes in 1usize..33,
    ) {
        let options =
            testing::Options { instructions, extent_max, elements_max: 4000, ..testing::Options::default() };
        let graph = random_graph(seed, &options);
        check(&graph, &leaves_of(&graph, seed, &options), lanes)?;
    }

}

proptest! {
    #![proptest_config(config(8))]

    #[test]
    fn convolutions_and_products_in_wasm_give_the_bits_of_their_loops(
        seed in any::<u64>(), i in 1usize..4, c in 1usize..40, o in 1usize..40, lanes in 1usize..33,
    ) {
        let source = format!(
            "tacit-ir 1\n\
             %0 = input \"image\" -> f32[5,6,{c}]\n\
             %1 = param \"w\" -> f32[{i},{i},{c},{o}]\n\
             %2 = contract \"{{h+i-1}}{{2w+j-1}}c,ijco->hwo\" h=4 w=3 o={o} i={i} j={i} c={c} (%0, %1) -> f32[4,3,{o}]\n\
             %3 = param \"b\" -> f32[{o}]\n\
             %4 = map add \"hwo,o->hwo\" h=4 w=3 o={o} (%2, %3) -> f32[4,3,{o}]\n\
             %5 = constant 0.0 -> f32[]\n\
             %6 = map max (%4, %5) -> f32[4,3,{o}]\n\
             %7 = reduce sum \"hwo->o\" h=4 w=3 o={o} (%6) -> f32[{o}]\n\
             %8 = map exp (%6) -> f32[4,3,{o}]\n\
             %9 = reduce sum \"hwo->hw\" h=4 w=3 o={o} (%8) -> f32[4,3]\n\
             %10 = input \"bytes\" -> i8[4,{c}]\n\
             %11 = input \"narrow\" -> i8[{c},{o}]\n\
             %12 = contract \"hc,co->ho\" h=4 o={o} c={c} (%10, %11) -> i32[4,{o}]\n\
             %13 = param \"d\" -> f32[{i},{i},{c}]\n\
             %14 = contract \"{{h+i-1}}{{w+j-1}}c,ijc->hwc\" h=4 w=3 c={c} i={i} j={i} (%0, %13) -> f32[4,3,{c}]\n\
             %15 = input \"picture\" -> i8[5,6,{c}]\n\
             %16 = param \"v\" -> i8[{i},{i},{c},{o}]\n\
             %17 = contract \"{{h+i-1}}{{2w+j-1}}c,ijco->hwo\" h=4 w=3 o={o} i={i} j={i} c={c} (%15, %16) -> i32[4,3,{o}]\n\
             %18 = param \"m\" -> i32[{o}]\n\
             %19 = param \"s\" -> i32[{o}]\n\
             %20 = map mulshift \"hwo,o,o->hwo\" h=4 w=3 o={o} (%17, %18, %19) -> i32[4,3,{o}]\n\
             %21 = param \"e\" -> i8[{i},{i},{c}]\n\
             %22 = contract \"{{h+i-1}}{{w+j-1}}c,ijc->hwc\" h=4 w=3 c={c} i={i} j={i} (%15, %21) -> i32[4,3,{c}]\n\
             %23 = input \"columns\" -> i8[{c},4]\n\
             %24 = contract \"ch,co->ho\" h=4 o={o} c={c} (%23, %11) -> i32[4,{o}]\n\
             output \"features\" = %6\n\
             output \"sums\" = %7\n\
             output \"rows\" = %9\n\
             output \"integers\" = %12\n\
             output \"depthwise\" = %14\n\
             output \"scaled\" = %20\n\
             output \"depthwise-integers\" = %22\n\
             output \"transposed\" = %24\n"
        );
        let graph = text::parse(&source).unwrap();
        check(&graph, &leaves_of(&graph, seed, &testing::Options::default()), lanes)?;
    }
}

#[test]
fn products_of_bytes_take_two_terms_at_a_time() {
    // The instruction i32x4.dot_i16x8_s, by its number in the SIMD proposal.
    const DOT: [u8; 3] = [0xfd, 0xba, 0x01];
    for (terms, lanes, has_dots) in [(2, 8, true), (9, 20, true), (1, 8, false), (9, 7, false)] {
        let source = format!(
            "tacit-ir 1\n%0 = input \"x\" -> i8[3,{terms}]\n%1 = param \"w\" -> i8[{terms},{lanes}]\n\
             %2 = contract \"hc,co->ho\" h=3 o={lanes} c={terms} (%0, %1) -> i32[3,{lanes}]\noutput \"y\" = %2\n"
        );
        let graph = text::parse(&source).unwrap();
        let loops = lower(&graph, &Lowering { lanes: 32, is_unrolled: false });
        let leaves = leaves_of(&graph, 1, &testing::Options::default());
        let values = |leaf: &Leaf| value(&graph, &leaves, leaf);
        let options = Options { simd: true, products: Products::Rounded };
        let module = emit(&Program { loops: &loops, values: &values }, &options).unwrap();
        let found = module.bytes.windows(DOT.len()).any(|bytes| bytes == DOT);
        assert_eq!(found, has_dots, "{terms} terms for {lanes} lanes");
    }
}

/// Every function on every element type that it is defined on, over ordinary and special values, one by one and in fours.
#[test]
fn every_scalar_function_in_wasm_gives_the_interpreters_bits() {
    const ELEMENTS: usize = 4003;
    let options = testing::Options { specials: true, ..testing::Options::default() };
    let programs = function_programs(ELEMENTS);
    let functions = programs.len();
    for (number, (_, graph)) in programs.into_iter().enumerate() {
        check(&graph, &leaves_of(&graph, number as u64, &options), 4).unwrap();
    }
    assert!(functions > 50, "only {functions} functions");
}

/// y[i] = a[i]·b[i] + c[i], once.
fn mul_add_loops(elements: usize) -> Loops {
    let operand = |is_written| Operand { dtype: DType::F32, elements, is_written };
    let element = |operand| Element::plain(Array::Operand(operand), Affine::counter(0));
    let product = Expression::MulAdd(Box::new([0, 1, 2].map(|operand| Expression::Load(element(operand)))));
    let body = vec![Statement::Store { element: element(3), value: product }];
    let function = Function {
        operands: vec![operand(false), operand(false), operand(false), operand(true)],
        counters: 1,
        body: vec![Statement::For { counter: 0, extent: elements, body }],
        ..Function::default()
    };
    let leaf = |name: &str| Leaf { value: ValueId(0), name: Some(name.to_owned()), dtype: DType::F32, elements };
    let places = vec![Place::Input(0), Place::Input(1), Place::Input(2), Place::Arena(0)];
    Loops {
        functions: vec![function],
        calls: vec![Call { function: 0, places, root: ValueId(0), anchor: None }],
        inputs: ["a", "b", "c"].map(leaf).to_vec(),
        outputs: vec![Output { name: "y".to_owned(), dtype: DType::F32, elements, place: Place::Arena(0) }],
        kept: vec![],
        constants: vec![],
        copies: vec![],
        arena_bytes: elements * 4,
        lower_bound_bytes: elements * 4,
    }
}

/// Numbers for a·b + c: special ones in all combinations, random patterns, and sums that lie next to the middle between two
/// numbers, where rounding twice goes wrong.
fn mul_add_triples() -> Vec<[f32; 3]> {
    let specials = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        3.0,
        f32::MIN_POSITIVE,
        -f32::MIN_POSITIVE,
        f32::from_bits(1),
        -f32::from_bits(1),
        f32::from_bits(0x007f_ffff),
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        f32::EPSILON,
        1.0 + f32::EPSILON,
        1.0 - f32::EPSILON / 2.0,
        16_777_215.0,
        16_777_217.0,
        2f32.powi(-75),
        2f32.powi(64),
    ];
    let mut triples = vec![];
    for a in specials {
        for b in specials {
            triples.extend(specials.map(|c| [a, b, c]));
        }
    }
    let mut draw = Draw::new(11);
    let bits = |draw: &mut Draw| f32::from_bits((draw.below(1 << 16) << 16 | draw.below(1 << 16)) as u32);
    for _ in 0..60_000 {
        let [a, b, c] = [bits(&mut draw), bits(&mut draw), bits(&mut draw)];
        triples.push([a, b, c]);
        // The addend near the product, with either sign, and far below its last place.
        let product = a * b;
        let near = f32::from_bits(product.to_bits() ^ draw.below(1 << 6) as u32 ^ (draw.below(2) as u32) << 31);
        triples.push([a, b, near]);
        triples.push([a, b, f32::from_bits(product.to_bits().wrapping_sub(0x0c00_0000 + draw.below(1 << 24) as u32))]);
        // A number whose 25th bit is set, and an addend that decides to which side it is rounded.
        let odd = f32::from_bits(0x3f80_0000 | (draw.below(1 << 23) as u32) | 1);
        let below = f32::from_bits(draw.below(0x3300_0000) as u32 | (draw.below(2) as u32) << 31);
        triples.push([odd, 1.5, below]);
        triples.push([odd, 1.0 + f32::EPSILON, below]);
    }
    triples
}

#[test]
fn a_fused_multiply_add_in_software_rounds_once() {
    let triples = mul_add_triples();
    let loops = mul_add_loops(triples.len());
    let program = Program { loops: &loops, values: &|_| panic!("the program has no constants") };
    for simd in [false, true] {
        let module = emit(&program, &Options { simd, products: Products::Fused }).unwrap();
        let mut running = Running::new(&module);
        for (k, input) in module.inputs.iter().enumerate() {
            let bytes: Vec<u8> = triples.iter().flat_map(|triple| triple[k].to_le_bytes()).collect();
            running.write(&input.global, &bytes);
        }
        running.call("run");
        let found = running.read("output_y", triples.len() * 4);
        let mut differ_if_rounded_twice = 0;
        for (word, [a, b, c]) in found.chunks(4).zip(&triples) {
            let (found, expected) = (f32::from_le_bytes(word.try_into().unwrap()), a.mul_add(*b, *c));
            let is_equal = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
            assert!(is_equal, "{a:e} * {b:e} + {c:e} is {expected:e}, not {found:e} (simd: {simd})");
            let twice = (f64::from(*a) * f64::from(*b) + f64::from(*c)) as f32;
            differ_if_rounded_twice += usize::from(twice.to_bits() != expected.to_bits() && !expected.is_nan());
        }
        assert!(differ_if_rounded_twice > 100, "the numbers would not tell: {differ_if_rounded_twice}");
    }
}

#[test]
fn a_run_takes_the_same_instructions_whatever_the_inputs() {
    let source = "tacit-ir 1\n\
        %0 = input \"x\" -> f32[6,7,3]\n\
        %1 = param \"w\" -> f32[3,3,3,10]\n\
        %2 = contract \"{h+i-1}{w+j-1}c,ijco->hwo\" h=6 w=7 o=10 i=3 j=3 c=3 (%0, %1) -> f32[6,7,10]\n\
        %3 = constant 0.0 -> f32[]\n\
        %4 = map max (%2, %3) -> f32[6,7,10]\n\
        %5 = map tanh (%4) -> f32[6,7,10]\n\
        %6 = map cast (%5) -> i32[6,7,10]\n\
        %7 = map less (%5, %2) -> bool[6,7,10]\n\
        %8 = map select (%7, %5, %2) -> f32[6,7,10]\n\
        %9 = reduce sum \"hwo->o\" h=6 w=7 o=10 (%8) -> f32[10]\n\
        %10 = map log (%9) -> f32[10]\n\
        output \"y\" = %10\n\
        output \"z\" = %6\n";
    let graph = text::parse(source).unwrap();
    let weights = leaves_of(&graph, 3, &testing::Options::default());
    let loops = lower(&graph, &Lowering { lanes: 8, is_unrolled: false });
    let values = |leaf: &Leaf| value(&graph, &weights, leaf);
    for options in VARIANTS {
        let module = emit(&Program { loops: &loops, values: &values }, &options).unwrap();
        let mut running = Running::new(&module);
        // The engine compiles in the first run, at the cost of fuel.
        running.call("run");
        let mut taken = vec![];
        for seed in 0..20u64 {
            let input = match seed {
                0 => vec![0u8; 6 * 7 * 3 * 4],
                1 => f32::NAN.to_le_bytes().repeat(6 * 7 * 3),
                2 => f32::from_bits(1).to_le_bytes().repeat(6 * 7 * 3),
                3 => f32::MAX.to_le_bytes().repeat(6 * 7 * 3),
                seed => bytes_of(&leaves_of(&graph, seed, &testing::Options::default())["x"]),
            };
            running.write("input_x", &input);
            running.store.set_fuel(FUEL).unwrap();
            running.call("run");
            taken.push(FUEL - running.store.get_fuel().unwrap());
        }
        assert!(taken[0] > 10_000, "{taken:?}");
        assert!(taken.iter().all(|fuel| *fuel == taken[0]), "{options:?}: {taken:?}");
    }
}

#[test]
fn programs_beyond_a_32_bit_memory_are_refused() {
    let mut loops = mul_add_loops(4);
    loops.arena_bytes = 5 << 30;
    let program = Program { loops: &loops, values: &|_| panic!("the program has no constants") };
    let fault = emit(&program, &Options { simd: true, products: Products::Rounded }).unwrap_err();
    assert!(matches!(fault, TooLarge::Memory { bytes, bytes_max } if bytes > bytes_max), "{fault}");
    assert!(fault.to_string().contains("4294967296"), "{fault}");
}

#[test]
fn names_of_globals_are_letters_and_tell_tensors_apart() {
    let mut loops = mul_add_loops(4);
    for (leaf, name) in loops.inputs.iter_mut().zip(["pixel-1", "pixel.1", "größe"]) {
        leaf.name = Some(name.to_owned());
    }
    let program = Program { loops: &loops, values: &|_| panic!("the program has no constants") };
    let module = emit(&program, &Options { simd: true, products: Products::Rounded }).unwrap();
    let globals: Vec<&str> = module.inputs.iter().map(|input| input.global.as_str()).collect();
    assert_eq!(globals, ["input_pixel_1", "input_pixel_1_2", "input_gr__e"]);
    let running = Running::new(&module);
    let addresses: Vec<usize> = globals.iter().map(|global| running.address(global)).collect();
    assert!(addresses.is_sorted() && addresses.windows(2).all(|pair| pair[1] - pair[0] >= 16), "{addresses:?}");
}

proptest! {
    #![proptest_config(config(2))]

    /// The bound of docs/NUMERICS.md, which follows from Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1.
    #[test]
    fn rounded_products_stay_within_the_stated_bound(seed in any::<u64>(), terms in 1usize..3000, o in 1usize..6) {
        let source = format!(
            "tacit-ir 1\n\
             %0 = input \"x\" -> f32[{terms}]\n\
             %1 = input \"w\" -> f32[{terms},{o}]\n\
             %2 = contract \"i,io->o\" o={o} i={terms} (%0, %1) -> f32[{o}]\n\
             output \"y\" = %2\n"
        );
        let graph = text::parse(&source).unwrap();
        let options = testing::Options { specials: false, ..testing::Options::default() };
        let leaves = random_leaves(&graph, seed, &options);
        let loops = lower(&graph, &Lowering { lanes: 4, is_unrolled: false });
        let [fused, rounded] = [loops.clone(), with_rounded_products(&loops)].map(|loops| {
            let mut memory = Memory::new(&loops, |leaf| value(&graph, &leaves, leaf));
            evaluate(&loops, &mut memory);
            let words: Vec<f32> = memory.output(&loops, "y").unwrap().chunks(4)
                .map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
            words
        });
        let floats = |name: &str| leaves[name].as_floats().to_vec();
        let (x, w) = (floats("x"), floats("w"));
        for k in 0..o {
            let sizes: f64 = (0..terms).map(|i| f64::from(x[i] * w[i * o + k]).abs()).sum();
            let roundings = (terms.min(512) + terms.div_ceil(512)) as f64 * 2f64.powi(-24);
            let bound = 2.0 * roundings / (1.0 - roundings) * sizes + (terms + 1) as f64 * 2f64.powi(-126);
            let found = (f64::from(fused[k]) - f64::from(rounded[k])).abs();
            prop_assert!(found <= bound, "{found:e} is over {bound:e} for {terms} terms");
        }
    }
}
