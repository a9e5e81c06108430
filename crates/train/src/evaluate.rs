//! Running a program over many rows: batches of a fixed size, the last one filled up with zeros.

use tacit_data::{Dataset, TargetValues, gather};
use tacit_exec::{Options, Program};
use tacit_ir::passes::batch;
use tacit_ir::{Graph, Op};

use crate::container::{Tensor, Values};
use crate::error::Result;
use crate::metrics::Answers;

/// A program laid out for a batch, ready to answer.
pub struct Evaluator {
    program: Program,
    /// The inputs with the number of values of one example.
    inputs: Vec<(String, usize)>,
    output: String,
    /// The numbers of one answer.
    width: usize,
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
        let (output, value) = graph.outputs()[0].clone();
        let buffers = inputs.iter().map(|(_, width)| vec![0.0; width * rows]).collect();
        let program = Program::compile(&batched, options)?;
        Ok(Evaluator { program, inputs, output, width: graph.ty(value).elements(), batch: rows, buffers })
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
            }
        }
        Ok(())
    }

    /// The inputs with the number of values of one example, in the order in which [`Evaluator::answer`] fills them.
    pub fn inputs(&self) -> &[(String, usize)] {
        &self.inputs
    }

    /// The rows of one batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The numbers of one answer.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The answers for `rows` examples (rows, width), at most a batch. `fill` writes each input's (rows, values).
    ///
    /// # Errors
    /// None that a verified program gives.
    pub fn answer(&mut self, rows: usize, mut fill: impl FnMut(usize, &mut [f32])) -> Result<&[f32]> {
        assert!(rows <= self.batch, "the rows fit one batch");
        for (index, ((name, width), buffer)) in self.inputs.iter().zip(&mut self.buffers).enumerate() {
            let (used, rest) = buffer.split_at_mut(rows * width);
            fill(index, used);
            rest.fill(0.0);
            self.program.set_f32(name, buffer)?;
        }
        self.program.step();
        Ok(&self.program.output_f32(&self.output)?[..rows * self.width])
    }

    /// The answers for rows of a data set beside the right ones.
    ///
    /// # Errors
    /// None that a verified program gives.
    pub fn answers(&mut self, dataset: &Dataset, rows: &[usize]) -> Result<Answers> {
        let order: Vec<usize> = self
            .inputs
            .iter()
            .map(|(name, _)| dataset.inputs.iter().position(|i| i.name == *name).expect("the data has every input"))
            .collect();
        let mut all = Vec::with_capacity(rows.len() * self.width);
        for chunk in rows.chunks(self.batch) {
            let answers = self.answer(chunk.len(), |index, out| {
                let values = &dataset.inputs[order[index]];
                gather(&values.values, values.shape.values(), chunk, out);
            })?;
            all.extend_from_slice(answers);
        }
        Ok(match &dataset.targets[0].values {
            TargetValues::Category { labels, ids } => Answers::Category {
                classes: labels.len(),
                truth: rows.iter().map(|row| ids[*row]).collect(),
                probabilities: all,
            },
            TargetValues::Number(values) => {
                Answers::Number { truth: rows.iter().map(|row| values[*row]).collect(), answers: all }
            }
        })
    }
}
