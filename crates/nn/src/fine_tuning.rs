//! A finished program that goes on learning: the loss of its answers, its gradients and updates behind its own graph.

use crate::goals::{log_likelihood_loss, squared_error};
use crate::ops::{add, at_least, mean, misshapen, mul, offset, scale, unary};
use crate::optimise::{Optimiser, minimise};
use crate::training::TARGET;
use tacit_ir::passes::batch;
use tacit_ir::{DType, Graph, Op, Result, ScalarFn, ValueId};

/// What an output of a finished program is, and so what its target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A probability for each class [k]; the target is the number of the class, an i32.
    Probabilities,
    /// A probability for each label [k]; the target is 0 or 1 for each, f32 [k].
    Labels,
    /// Numbers; the target is what they should be.
    Numbers,
    /// A score that is small for what is familiar; it is lowered, and there is no target.
    Score,
}

/// Below this a probability has no gradient, so that its logarithm stays finite.
const LEAST: f32 = 1e-7;

/// One step over a batch of n of a finished program for one example: the inputs of the program, a target behind [`TARGET`] for
/// each output that has one, and the output `loss`, the mean over the batch before the step, summed over outputs; updates of
/// the named parameters and of what the optimiser keeps. Everything else about the program stays, running statistics among it.
///
/// The loss is taken of probabilities, since that is what a finished program gives.
///
/// # Errors
/// Those of graphs, among them a program that is not differentiable or a parameter that it does not have.
pub fn fine_tuning_step(
    program: &Graph,
    answers: &[(String, Answer)],
    trained: &[String],
    n: usize,
    optimiser: &Optimiser,
) -> Result<Graph> {
    let mut graph = batch(program, n)?;
    let outputs: Vec<(String, ValueId)> = graph.outputs().to_vec();
    graph.clear_roots();
    let mut total = None;
    for (name, answer) in answers {
        let Some((_, value)) = outputs.iter().find(|(output, _)| output == name) else {
            return misshapen(format!("the program has no output `{name}`"));
        };
        let loss = loss(&mut graph, *answer, *value, &format!("{TARGET}{name}"))?;
        total = Some(match total {
            Some(sum) => add(&mut graph, sum, loss)?,
            None => loss,
        });
    }
    let Some(loss) = total else { return misshapen("a program has an output") };
    let mut parameters: Vec<(&str, ValueId, bool)> = vec![];
    for name in trained {
        match graph.leaf(name).filter(|leaf| matches!(graph.instruction(*leaf).op, Op::Param { .. })) {
            Some(leaf) => parameters.push((name, leaf, false)),
            None => return misshapen(format!("the program has no parameter `{name}`")),
        }
    }
    minimise(&mut graph, optimiser, loss, &parameters)?;
    graph.set_output("loss", loss)?;
    Ok(graph)
}

fn loss(graph: &mut Graph, answer: Answer, value: ValueId, target: &str) -> Result<ValueId> {
    let shape = graph.shape(value).to_vec();
    match answer {
        Answer::Probabilities => {
            // −log p of the right class, averaged over the rows.
            let target = graph.input(target, DType::I32, shape.split_last().map_or(&[][..], |(_, rows)| rows))?;
            let logarithms = logarithm(graph, value)?;
            log_likelihood_loss(graph, logarithms, target, None, 0.0)
        }
        Answer::Labels => {
            // −y·log p − (1 − y)·log(1 − p), averaged over all.
            let target = graph.input(target, DType::F32, &shape)?;
            let other = |graph: &mut Graph, x| {
                let negative = unary(graph, ScalarFn::Neg, x)?;
                offset(graph, negative, 1.0)
            };
            let (absent, improbable) = (other(graph, target)?, other(graph, value)?);
            let mut terms = vec![];
            for (share, probability) in [(target, value), (absent, improbable)] {
                let logarithm = logarithm(graph, probability)?;
                terms.push(mul(graph, share, logarithm)?);
            }
            let agreement = add(graph, terms[0], terms[1])?;
            let mean = mean(graph, agreement)?;
            scale(graph, mean, -1.0)
        }
        Answer::Numbers => {
            let target = graph.input(target, DType::F32, &shape)?;
            squared_error(graph, value, target)
        }
        Answer::Score => mean(graph, value),
    }
}

fn logarithm(graph: &mut Graph, probability: ValueId) -> Result<ValueId> {
    let probability = at_least(graph, probability, LEAST)?;
    unary(graph, ScalarFn::Log, probability)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimise::OptimiserKind;
    use crate::schedule::Schedule;
    use std::collections::HashMap;
    use tacit_ir::passes::verify;
    use tacit_ir::{Tensor, interpret, text};

    fn sgd(rate: f32) -> Optimiser {
        let kind = OptimiserKind::Sgd { momentum: 0.0 };
        Optimiser { kind, schedule: Schedule::Constant { rate }, weight_decay: 0.0, clip: None, average: None }
    }

    /// Logits of three numbers, and what an output makes of them.
    fn program(behind: &str) -> Graph {
        let text = format!(
            "tacit-ir 1\n%0 = input \"x\" -> f32[3]\n%1 = param \"w\" -> f32[3,2]\n%2 = param \"fixed\" -> f32[2]\n\
             %3 = contract \"i,ij->j\" i=3 j=2 (%0, %1) -> f32[2]\n%4 = map add (%3, %2) -> f32[2]\n{behind}\n"
        );
        text::parse(&text).unwrap()
    }

    /// The losses of some steps on one batch; everything but `w` stays.
    fn losses(graph: &Graph, answer: Answer, targets: Option<Tensor<f32>>, steps: usize) -> Vec<f32> {
        let step = fine_tuning_step(graph, &[("y".into(), answer)], &["w".into()], 2, &sgd(0.2)).unwrap();
        verify(&step).unwrap();
        let mut leaves: HashMap<String, Tensor<f32>> = HashMap::from([
            ("x".to_owned(), Tensor::floats(&[2, 3], vec![1.0, 0.5, -0.5, -1.0, 0.25, 0.75])),
            ("w".to_owned(), Tensor::floats(&[3, 2], vec![0.1, -0.2, 0.3, 0.1, -0.4, 0.2])),
            ("fixed".to_owned(), Tensor::floats(&[2], vec![0.1, 0.2])),
        ]);
        leaves.extend(targets.map(|targets| ("target/y".to_owned(), targets)));
        let mut losses = vec![];
        for _ in 0..steps {
            let outcome = interpret(&step, &leaves).unwrap();
            losses.push(outcome.outputs["loss"].as_floats()[0]);
            assert!(!outcome.updates.contains_key("fixed"));
            leaves.extend(outcome.updates);
        }
        losses
    }

    #[test]
    fn every_kind_of_answer_learns_its_targets_and_the_loss_is_the_stated_one() {
        let logits = [[0.55, -0.05], [-0.225, 0.575]];
        let softmax = program(
            "%5 = map exp (%4) -> f32[2]\n%6 = reduce sum \"z->\" z=2 (%5) -> f32[]\n\
             %7 = map div \"z,->z\" z=2 (%5, %6) -> f32[2]\noutput \"y\" = %7",
        );
        let sigmoid = program("%5 = map sigmoid (%4) -> f32[2]\noutput \"y\" = %5");
        let plain = program("output \"y\" = %4");
        let log_softmax = |row: [f32; 2], class: usize| row[class] - (row[0].exp() + row[1].exp()).ln();
        let cases = [
            (
                &softmax,
                Answer::Probabilities,
                Tensor::integers(&[2], vec![1, 0]),
                -(log_softmax(logits[0], 1) + log_softmax(logits[1], 0)) / 2.0,
            ),
            (
                &sigmoid,
                Answer::Labels,
                Tensor::floats(&[2, 2], vec![1.0, 0.0, 0.0, 1.0]),
                [(0.55f32, 1.0), (-0.05, 0.0), (-0.225, 0.0), (0.575, 1.0)]
                    .iter()
                    .map(|(z, y)| (1.0 + z.exp()).ln() - z * y)
                    .sum::<f32>()
                    / 4.0,
            ),
            (
                &plain,
                Answer::Numbers,
                Tensor::floats(&[2, 2], vec![1.0, 0.0, 0.0, 1.0]),
                (0.45f32.powi(2) + 0.05f32.powi(2) + 0.225f32.powi(2) + 0.425f32.powi(2)) / 4.0,
            ),
        ];
        for (graph, answer, targets, first) in cases {
            let losses = losses(graph, answer, Some(targets), 60);
            assert!((losses[0] - first).abs() < 1e-5, "{answer:?}: {} is not {first}", losses[0]);
            assert!(losses.is_sorted_by(|a, b| a > b) && losses[59] < 0.6 * first, "{answer:?}: {losses:?}");
        }
    }

    #[test]
    fn a_score_is_lowered_without_a_target() {
        let graph =
            program("%5 = map mul (%4, %4) -> f32[2]\n%6 = reduce sum \"z->\" z=2 (%5) -> f32[]\noutput \"y\" = %6");
        let losses = losses(&graph, Answer::Score, None, 20);
        assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
    }

    #[test]
    fn what_the_program_does_not_have_is_an_error() {
        let graph = program("output \"y\" = %4");
        let tune = |output: &str, parameter: &str| {
            fine_tuning_step(&graph, &[(output.into(), Answer::Numbers)], &[parameter.into()], 2, &sgd(0.1))
        };
        assert!(tune("z", "w").is_err() && tune("y", "v").is_err() && tune("y", "x").is_err());
    }
}
