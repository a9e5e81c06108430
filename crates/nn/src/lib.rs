//! The textbook library: layers, goals and optimisers as compositions of the instruction set, never instructions.
//!
//! Every function adds to a [`tacit_ir::Graph`] and returns the value that it defines. Images are channels-last
//! ([h, w, c], or [n, h, w, c] with a batch), filters are [i, j, c, o], matrices [in, out]. A layer works on its last
//! dimensions, so that the same function serves one example and a batch; only batch normalisation needs the batch.
//! Gradients are not written here: they follow from the instructions (`tacit_ir::gradient`).

pub mod encode;
pub mod fine_tuning;
pub mod goals;
pub mod initialise;
pub mod layers;
mod ops;
pub mod optimise;
pub mod schedule;
pub mod skeleton;
pub mod training;

#[cfg(test)]
mod check;

pub use encode::{Bins, Block, Categories, Dates, Numbers, Raw, encoded_shape};
pub use fine_tuning::{Answer, fine_tuning_step};
pub use goals::Goal;
pub use initialise::{Initialiser, initialise};
pub use layers::{Padding, Window};
pub use optimise::{Optimiser, OptimiserKind};
pub use schedule::Schedule;
pub use skeleton::{Layer, Mode, Parameter, forward};
pub use training::{Head, HeadKind, Training, TrainingSpec, answers, program, training_step, training_step_of};
