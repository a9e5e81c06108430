//! Which axes move together in the networks that channel surgery is for.

use tacit_ir::passes::{AxisClass, Part, axis_classes};
use tacit_ir::testing::{Options, random_graph};
use tacit_ir::{DType, Graph, Op, Reduction, Scalar, ScalarFn, ValueId};

const ZERO: Scalar = Scalar::F32(0.0);

/// The class of this name.
fn class<'c>(classes: &'c [AxisClass], name: &str) -> &'c AxisClass {
    let names: Vec<&str> = classes.iter().map(|c| c.name.as_str()).collect();
    classes.iter().find(|c| c.name == name).unwrap_or_else(|| panic!("no class `{name}` among {names:?}"))
}

/// The parameter dimensions of a class, as `parameter.dimension`, with the way to the part.
fn in_params(graph: &Graph, class: &AxisClass) -> Vec<(String, Vec<Part>)> {
    let mut found = vec![];
    for member in &class.members {
        if let Op::Param { name } = &graph.instruction(member.value).op {
            found.push((format!("{name}.{}", member.dim), member.path.clone()));
        }
    }
    found
}

fn names(graph: &Graph, class: &AxisClass) -> Vec<String> {
    in_params(graph, class).into_iter().map(|(name, _)| name).collect()
}

/// Normalises over the rows and columns of `hwc`, then scales and shifts by parameters.
fn batch_norm(graph: &mut Graph, x: ValueId, name: &str) -> ValueId {
    let shape = graph.shape(x).to_vec();
    let count = graph.extent(x, 0).unwrap();
    let count = graph.map(ScalarFn::Cast(DType::F32), &[count]).unwrap();
    let sum = graph.reduce(Reduction::Sum, "hwc->c", x, &[]).unwrap();
    let mean = graph.map(ScalarFn::Div, &[sum, count]).unwrap();
    let centred = graph.map_nest(ScalarFn::Sub, "hwc,c->hwc", &[x, mean]).unwrap();
    let square = graph.contract("hwc,hwc->c", centred, centred, &[]).unwrap();
    let deviation = graph.map(ScalarFn::Sqrt, &[square]).unwrap();
    let normal = graph.map_nest(ScalarFn::Div, "hwc,c->hwc", &[centred, deviation]).unwrap();
    let scale = graph.param(&format!("{name}.scale"), &shape[2..]).unwrap();
    let shift = graph.param(&format!("{name}.shift"), &shape[2..]).unwrap();
    let scaled = graph.map_nest(ScalarFn::Mul, "hwc,c->hwc", &[normal, scale]).unwrap();
    graph.map_nest(ScalarFn::Add, "hwc,c->hwc", &[scaled, shift]).unwrap()
}

fn convolution(graph: &mut Graph, x: ValueId, name: &str, channels: usize) -> ValueId {
    let [h, w, c] = graph.shape(x).try_into().unwrap();
    let kernel = graph.param(name, &[3, 3, c, channels]).unwrap();
    graph.contract("{h+i-1}{w+j-1}c,ijco->hwo", x, kernel, &[('h', h), ('w', w)]).unwrap()
}

/// A residual block, a branch, concatenation, pooling, flattening and a classifier.
fn residual_network() -> Graph {
    let mut graph = Graph::new();
    let g = &mut graph;
    let x = g.input("x", DType::F32, &[8, 8, 3]).unwrap();
    let first = convolution(g, x, "first", 4);
    let first = batch_norm(g, first, "norm");
    let inner = convolution(g, first, "inner", 6);
    let second = convolution(g, inner, "second", 4);
    let sum = g.map(ScalarFn::Add, &[first, second]).unwrap();
    let zero = g.float(0.0).unwrap();
    let sum = g.map(ScalarFn::Max, &[sum, zero]).unwrap();
    let branch = convolution(g, sum, "branch", 5);
    let both = g.move_nest(ZERO, "hw{c},hw{c-4}->hwc", &[sum, branch], &[('c', 9)]).unwrap();
    let pooled = g.reduce(Reduction::Max, "{2h+i}{2w+j}c->hwc", both, &[('h', 4), ('w', 4), ('i', 2), ('j', 2)]);
    let flat = g.move_nest(ZERO, "hwc->(hwc)", &[pooled.unwrap()], &[]).unwrap();
    let dense = g.param("dense", &[144, 10]).unwrap();
    let bias = g.param("bias", &[10]).unwrap();
    let logits = g.contract("k,ko->o", flat, dense, &[]).unwrap();
    let logits = g.map(ScalarFn::Add, &[logits, bias]).unwrap();
    g.set_output("logits", logits).unwrap();
    graph
}

#[test]
fn channels_move_together_through_residuals_norms_concatenation_pooling_and_flattening() {
    let graph = residual_network();
    let classes = axis_classes(&graph);

    let stream = class(&classes, "first.3");
    let expected = ["first.3", "norm.scale.0", "norm.shift.0", "inner.2", "second.3", "branch.2", "dense.0"];
    assert_eq!(names(&graph, stream), expected);
    assert_eq!((stream.extent, stream.resizable), (4, true));
    let (_, path) = &in_params(&graph, stream)[6];
    assert_eq!(path[..], [Part::Factor { stride: 1, extent: 9 }, Part::Segment { offset: 0, extent: 4 }]);

    let inner = class(&classes, "inner.3");
    assert_eq!(names(&graph, inner), ["inner.3", "second.2"]);
    assert_eq!((inner.extent, inner.resizable), (6, true));

    let branch = class(&classes, "branch.3");
    assert_eq!(names(&graph, branch), ["branch.3", "dense.0"]);
    assert_eq!((branch.extent, branch.resizable), (5, true));
    let (_, path) = &in_params(&graph, branch)[1];
    assert_eq!(path[..], [Part::Factor { stride: 1, extent: 9 }, Part::Segment { offset: 4, extent: 5 }]);
}

#[test]
fn axes_of_the_interface_and_under_windows_cannot_be_resized() {
    let graph = residual_network();
    let classes = axis_classes(&graph);
    let fixed = ["first.0", "first.1", "first.2", "dense.1"];
    assert!(fixed.iter().all(|name| !class(&classes, name).resizable));
    assert_eq!(names(&graph, class(&classes, "dense.1")), ["dense.1", "bias.0"]);
    let resizable: Vec<&str> = classes.iter().filter(|c| c.resizable).map(|c| c.name.as_str()).collect();
    assert_eq!(resizable, ["first.3", "inner.3", "branch.3"]);
}

#[test]
fn the_head_axis_of_attention_couples_its_four_matrices() {
    let mut graph = Graph::new();
    let g = &mut graph;
    let x = g.input("x", DType::F32, &[5, 8]).unwrap();
    let [q, k, v] = ["wq", "wk", "wv"].map(|name| {
        let weights = g.param(name, &[8, 6]).unwrap();
        g.contract("tm,mn->tn", x, weights, &[]).unwrap()
    });
    let scores = g.contract("t(hd),u(hd)->htu", q, k, &[('h', 2)]).unwrap();
    let best = g.reduce(Reduction::Max, "htu->ht", scores, &[]).unwrap();
    let centred = g.map_nest(ScalarFn::Sub, "htu,ht->htu", &[scores, best]).unwrap();
    let weights = g.map(ScalarFn::Exp, &[centred]).unwrap();
    let sum = g.reduce(Reduction::Sum, "htu->ht", weights, &[]).unwrap();
    let weights = g.map_nest(ScalarFn::Div, "htu,ht->htu", &[weights, sum]).unwrap();
    let mixed = g.contract("htu,u(hd)->t(hd)", weights, v, &[]).unwrap();
    let wo = g.param("wo", &[6, 8]).unwrap();
    let out = g.contract("tn,nm->tm", mixed, wo, &[]).unwrap();
    g.set_output("y", out).unwrap();

    let classes = axis_classes(&graph);
    let high = vec![Part::Factor { stride: 3, extent: 2 }];
    let low = vec![Part::Factor { stride: 1, extent: 3 }];
    let heads = class(&classes, "wq.1.0");
    let expected = ["wq.1", "wk.1", "wv.1", "wo.0"].map(|name| (name.to_string(), high.clone()));
    assert_eq!(in_params(&graph, heads), expected);
    let keys = class(&classes, "wq.1.1");
    assert_eq!(in_params(&graph, keys), ["wq.1", "wk.1"].map(|name| (name.to_string(), low.clone())));
    let values = class(&classes, "wv.1.1");
    assert_eq!(in_params(&graph, values), ["wv.1", "wo.0"].map(|name| (name.to_string(), low.clone())));
    assert!([heads, keys, values].iter().all(|c| c.resizable));
    assert!(!class(&classes, "wq.0").resizable);
}

#[test]
fn gates_cut_from_one_product_are_segments_of_its_weights() {
    let mut graph = Graph::new();
    let g = &mut graph;
    let x = g.input("x", DType::F32, &[3]).unwrap();
    let h = g.state("h", ZERO, &[4]).unwrap();
    let joined = g.move_nest(ZERO, "{i},{i-3}->i", &[x, h], &[('i', 7)]).unwrap();
    let weights = g.param("w", &[7, 8]).unwrap();
    let both = g.contract("i,ij->j", joined, weights, &[]).unwrap();
    let gate = g.move_nest(ZERO, "{j}->j", &[both], &[('j', 4)]).unwrap();
    let value = g.move_nest(ZERO, "{j+4}->j", &[both], &[('j', 4)]).unwrap();
    let next = g.map(ScalarFn::Mul, &[gate, value]).unwrap();
    let out = g.param("out", &[4]).unwrap();
    let y = g.contract("i,i->", next, out, &[]).unwrap();
    g.set_update(h, next).unwrap();
    g.set_output("y", y).unwrap();

    let classes = axis_classes(&graph);
    // The update ties the state, and so the rows of the weights that read it, to the gates.
    let hidden = class(&classes, "w.0.1");
    let segment = |offset, extent| vec![Part::Segment { offset, extent }];
    let expected = [("w.0", segment(3, 4)), ("w.1", segment(0, 4)), ("w.1", segment(4, 4)), ("out.0", vec![])];
    assert_eq!(in_params(&graph, hidden), expected.map(|(name, path)| (name.to_string(), path)));
    assert_eq!((hidden.extent, hidden.resizable), (4, true));
    assert!(!class(&classes, "w.0.0").resizable);
}

#[test]
fn dimensions_without_a_common_refinement_are_fixed() {
    let mut graph = Graph::new();
    let g = &mut graph;
    let a = g.param("a", &[2, 3]).unwrap();
    let b = g.param("b", &[3, 2]).unwrap();
    let a = g.move_nest(ZERO, "ij->(ij)", &[a], &[]).unwrap();
    let b = g.move_nest(ZERO, "ij->(ij)", &[b], &[]).unwrap();
    g.map(ScalarFn::Add, &[a, b]).unwrap();
    assert!(axis_classes(&graph).iter().all(|c| !c.resizable));
}

#[test]
fn different_concatenations_of_one_extent_share_their_common_segments() {
    let mut graph = Graph::new();
    let g = &mut graph;
    let [a, b] = ["a", "b"].map(|name| g.param(name, &[4]).unwrap());
    let [c, d] = [("c", 2), ("d", 6)].map(|(name, extent)| g.param(name, &[extent]).unwrap());
    let left = g.move_nest(ZERO, "{i},{i-4}->i", &[a, b], &[('i', 8)]).unwrap();
    let right = g.move_nest(ZERO, "{i},{i-2}->i", &[c, d], &[('i', 8)]).unwrap();
    g.map(ScalarFn::Mul, &[left, right]).unwrap();
    let classes = axis_classes(&graph);
    let groups: Vec<Vec<String>> = classes.iter().map(|c| names(&graph, c)).collect();
    assert_eq!(groups, [vec!["a.0", "c.0"], vec!["a.0", "d.0"], vec!["b.0", "d.0"]]);
    assert_eq!(classes.iter().map(|c| c.extent).collect::<Vec<_>>(), [2, 2, 4]);
}

#[test]
fn the_classes_of_random_programs_cover_every_dimension_exactly() {
    for seed in 0..2000 {
        let graph = random_graph(seed, &Options { instructions: 20, ..Options::default() });
        let classes = axis_classes(&graph);
        for value in graph.values() {
            for (dim, extent) in graph.shape(value).iter().enumerate() {
                // Parts are disjoint if the indices that reach each of them add up: a factor is reached by all.
                let mut reached = vec![0usize; *extent];
                let mut factors = vec![1usize; *extent];
                for class in &classes {
                    for member in class.members.iter().filter(|m| m.value == value && m.dim == dim) {
                        for index in 0..*extent {
                            let mut at = Some(index);
                            for part in &member.path {
                                at = at.and_then(|at| match *part {
                                    Part::Factor { stride, extent } => Some(at / stride % extent),
                                    Part::Segment { offset, extent } => at.checked_sub(offset).filter(|k| *k < extent),
                                });
                            }
                            if let Some(at) = at {
                                assert!(at < class.extent, "seed {seed}");
                                reached[index] += 1;
                                factors[index] *= class.extent;
                            }
                        }
                    }
                }
                assert!(reached.iter().all(|count| *count > 0), "seed {seed}, %{}.{dim}", value.0);
                // Every class that shares an index of the dimension divides a segment around it.
                assert!(factors.iter().all(|product| product <= extent), "seed {seed}, %{}.{dim}", value.0);
            }
        }
    }
}
