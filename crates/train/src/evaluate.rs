//! Running a program over many rows: batches of a fixed size, the last one filled up with zeros.

use std::time::Duration;

use tacit_data::{Dataset, TargetValues};
use tacit_exec::{KernelTime, Options, Program};
use tacit_ir::passes::batch;
use tacit_ir::{Graph, Op};

use crate::container::{Tensor, Values};
use crate::error::Result;
use crate::metrics::Answers;
use crate::prepare::unreadable_spool;

/// A program laid out for a batch, ready to answer.
pub struct Evaluator {
    program: Program,
    /// The inputs with the number of values of one example.
    inputs: Vec<(String, usize)>,
    /// The outputs with the number of values of one answer.
    outputs: Vec<(String, usize)>,
    batch: usize,
    /// The values of one batch of each input.
    buffers: Vec<Vec<f32>>,
}

impl Evaluator {
    /// Lays a program for one example out for batches of `rows` rows.
    ///
    /// # Errors
    /// The codes of passes and of execution.
    pub fn new(graph: &Graph, rows: usize, options: &Options) -> Result<Evaluator> {
        let batched = batch(graph, rows)?;
        let mut inputs = Vec::new();
        for value in graph.values() {
            let instruction = graph.instruction(value);
            if let (Op::Input { .. }, Some(name)) = (&instruction.op, instruction.op.leaf_name()) {
                inputs.push((name.to_owned(), instruction.ty.elements()));
            }
        }
        let outputs = graph.outputs().iter().map(|(name, value)| (name.clone(), graph.ty(*value).elements())).collect();
        let buffers = inputs.iter().map(|(_, width)| vec![0.0; width * rows]).collect();
        let program = Program::compile(&batched, options)?;
        Ok(Evaluator { program, inputs, outputs, batch: rows, buffers })
    }

    /// Sets the weights by name.
    ///
    /// # Errors
    /// `E1202` for a tensor that the program does not have.
    pub fn set_weights(&mut self, weights: &[Tensor]) -> Result<()> {
        for tensor in weights {
            match &tensor.values {
                Values::F32(values) => self.program.set_f32(&tensor.name, values)?,
                Values::I32(values) => self.program.set_i32(&tensor.name, values)?,
                Values::I8(values) => self.program.set_i8(&tensor.name, values)?,
            }
        }
        Ok(())
    }

    /// What each kernel takes, over about so long; `graph` is what this was laid out from.
    ///
    /// # Errors
    /// The codes of passes.
    pub fn profile(&mut self, graph: &Graph, time: Duration) -> Result<Vec<KernelTime>> {
        Ok(tacit_exec::profile(&mut self.program, &batch(graph, self.batch)?, time))
    }

    /// The inputs with the number of values of one example, in the order in which [`Evaluator::answer`] fills them.
    pub fn inputs(&self) -> &[(String, usize)] {
        &self.inputs
    }

    /// The rows of one batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The outputs with the number of values of one answer, in the order of the program.
    pub fn outputs(&self) -> &[(String, usize)] {
        &self.outputs
    }

    /// Answers `rows` examples, at most a batch. `fill` writes each input's (rows, values); [`Evaluator::output`] then
    /// gives the answers.
    ///
    /// # Errors
    /// Those of `fill`; none else that a verified program gives.
    pub fn answer(&mut self, rows: usize, mut fill: impl FnMut(usize, &mut [f32]) -> Result<()>) -> Result<()> {
        assert!(rows <= self.batch, "the rows fit one batch");
        for (index, ((name, width), buffer)) in self.inputs.iter().zip(&mut self.buffers).enumerate() {
            let (used, rest) = buffer.split_at_mut(rows * width);
            fill(index, used)?;
            rest.fill(0.0);
            self.program.set_f32(name, buffer)?;
        }
        self.program.step();
        Ok(())
    }

    /// The answers of an output by its number, (rows, values), for the rows that were answered last.
    ///
    /// # Errors
    /// None that a verified program gives.
    pub fn output(&self, index: usize, rows: usize) -> Result<&[f32]> {
        let (name, width) = &self.outputs[index];
        Ok(&self.program.output_f32(name)?[..rows * width])
    }

    /// What the program answers for rows of a data set, by output: (rows, values).
    ///
    /// # Errors
    /// Values that are kept in a file cannot be read.
    pub fn raw_answers(&mut self, dataset: &Dataset, rows: &[usize]) -> Result<Vec<Vec<f32>>> {
        let order: Vec<usize> = self
            .inputs
            .iter()
            .map(|(name, _)| dataset.inputs.iter().position(|i| i.name == *name).expect("the data has every input"))
            .collect();
        let mut all: Vec<Vec<f32>> =
            self.outputs.iter().map(|(_, width)| Vec::with_capacity(rows.len() * width)).collect();
        for chunk in rows.chunks(self.batch) {
            self.answer(chunk.len(), |index, out| {
                dataset.inputs[order[index]].store.gather(chunk, out).map_err(unreadable_spool)
            })?;
            for (index, all) in all.iter_mut().enumerate() {
                all.extend_from_slice(self.output(index, chunk.len())?);
            }
        }
        Ok(all)
    }

    /// The answers for rows of a data set beside the right ones, in the order of the data's outputs. `thresholds` are
    /// those of outputs that score anomalies.
    ///
    /// # Errors
    /// Values that are kept in a file cannot be read.
    pub fn answers(&mut self, dataset: &Dataset, rows: &[usize], thresholds: &[Option<f32>]) -> Result<Vec<Answers>> {
        let mut raw = self.raw_answers(dataset, rows)?;
        let position = |name: &str| self.outputs.iter().position(|(output, _)| output == name);
        let beside = |(index, target): (usize, &tacit_data::Target)| {
            let given = std::mem::take(&mut raw[position(&target.name).expect("the program has every output")]);
            let threshold = thresholds.get(index).copied().flatten().unwrap_or(f32::INFINITY);
            beside_truth(&target.values, rows, given, threshold)
        };
        Ok(dataset.targets.iter().enumerate().map(beside).collect())
    }
}

/// Answers of rows beside the right ones.
pub fn beside_truth(target: &TargetValues, rows: &[usize], given: Vec<f32>, threshold: f32) -> Answers {
    match target {
        TargetValues::Category { labels, ids } => Answers::Category {
            classes: labels.len(),
            truth: rows.iter().map(|row| ids[*row]).collect(),
            probabilities: given,
        },
        TargetValues::Labels { labels, values } => Answers::Labels {
            labels: labels.len(),
            truth: rows.iter().flat_map(|row| &values[row * labels.len()..][..labels.len()]).copied().collect(),
            probabilities: given,
        },
        TargetValues::Number(values) => {
            Answers::Number { truth: rows.iter().map(|row| values[*row]).collect(), answers: given }
        }
        TargetValues::Anomaly(known) => Answers::Anomaly {
            truth: known.as_ref().map_or_else(Vec::new, |known| rows.iter().map(|row| known[*row]).collect()),
            scores: given,
            threshold,
        },
    }
}
