//! Passes: functions from graphs to graphs, or from a graph to an answer.

mod batch;
mod classes;
mod cost;
pub mod plan;
pub mod quantize;
mod rebuild;
mod settle;
mod simplify;
mod terms_last;
mod unroll;
mod verify;
mod winograd;

pub use batch::batch;
pub use classes::{AxisClass, Member, Part, axis_classes};
pub use cost::{Cost, cost, instruction_cost};
pub use rebuild::Rebuild;
pub use settle::settle;
pub use simplify::simplify;
pub use terms_last::terms_last;
pub use unroll::unroll;
pub use verify::verify;
pub use winograd::winograd;
