//! Learning rates over the course of a search, as part of the training step: they follow from its count of steps.

use crate::ops::{at_least, at_most, mul, offset, scale, unary};
use std::f32::consts::PI;
use tacit_ir::{Graph, Result, ScalarFn, ValueId, math};

/// The learning rate as a function of the steps that were taken before.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    Constant {
        rate: f32,
    },
    /// Half a cosine from `rate` to `end` over `steps` (Loshchilov and Hutter, arXiv:1608.03983, equation 5, without
    /// restarts), then `end`.
    Cosine {
        rate: f32,
        end: f32,
        steps: u32,
    },
    /// Half a cosine from peak/25 up to `peak` over the first three tenths of `steps`, then one down to peak/250000
    /// (Smith and Topin, arXiv:1708.07120).
    OneCycle {
        peak: f32,
        steps: u32,
    },
    /// from·(to/from)^(t/steps), as a range test runs through rates (Smith, arXiv:1506.01186, section 3.3), then `to`.
    Exponential {
        from: f32,
        to: f32,
        steps: u32,
    },
    /// Step t of the first `steps` runs at (t + 1)/steps of the following schedule's first rate (Goyal et al.,
    /// arXiv:1706.02677, section 2.2); the schedule itself starts after them.
    WarmUp {
        steps: u32,
        then: Box<Schedule>,
    },
}

/// The rate at `step`, an f32 that counts the steps before.
pub fn learning_rate(graph: &mut Graph, schedule: &Schedule, step: ValueId) -> Result<ValueId> {
    match schedule {
        Schedule::Constant { rate } => graph.float(*rate),
        Schedule::Cosine { rate, end, steps } => half_cosine(graph, step, 0.0, *steps as f32, *rate, *end),
        Schedule::OneCycle { peak, steps } => {
            let rise = 0.3 * *steps as f32;
            let start = peak / 25.0;
            let up = half_cosine(graph, step, 0.0, rise, start, *peak)?;
            let down = half_cosine(graph, step, rise, *steps as f32 - rise, *peak, start / 1e4)?;
            let turn = graph.float(rise)?;
            let rising = graph.map(ScalarFn::Less, &[step, turn])?;
            graph.map(ScalarFn::Select, &[rising, up, down])
        }
        Schedule::Exponential { from, to, steps } => {
            let passed = scale(graph, step, 1.0 / (*steps).max(1) as f32)?;
            let passed = at_most(graph, passed, 1.0)?;
            let power = scale(graph, passed, math::log(to / from))?;
            let growth = unary(graph, ScalarFn::Exp, power)?;
            scale(graph, growth, *from)
        }
        Schedule::WarmUp { steps, then } => {
            let after = offset(graph, step, -(*steps as f32))?;
            let after = at_least(graph, after, 0.0)?;
            let rate = learning_rate(graph, then, after)?;
            let count = offset(graph, step, 1.0)?;
            let share = scale(graph, count, 1.0 / (*steps).max(1) as f32)?;
            let share = at_most(graph, share, 1.0)?;
            mul(graph, rate, share)
        }
    }
}

/// From `start` at step `first` to `end` at `first + length` along half a cosine, and `end` from there on.
fn half_cosine(graph: &mut Graph, step: ValueId, first: f32, length: f32, start: f32, end: f32) -> Result<ValueId> {
    let passed = offset(graph, step, -first)?;
    let passed = scale(graph, passed, 1.0 / length.max(1.0))?;
    let passed = at_least(graph, passed, 0.0)?;
    let passed = at_most(graph, passed, 1.0)?;
    let angle = scale(graph, passed, PI)?;
    let cosine = unary(graph, ScalarFn::Cos, angle)?;
    let swing = scale(graph, cosine, 0.5 * (start - end))?;
    offset(graph, swing, 0.5 * (start + end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::run;
    use tacit_ir::{DType, Tensor};

    fn rates(schedule: &Schedule, steps: &[f64]) -> Vec<f64> {
        let mut graph = Graph::new();
        let step = graph.input("step", DType::F32, &[]).unwrap();
        let rate = learning_rate(&mut graph, schedule, step).unwrap();
        graph.set_output("rate", rate).unwrap();
        steps
            .iter()
            .map(|t| run(&graph, &[("step", Tensor::floats(&[], vec![*t]))]).outputs["rate"].as_floats()[0])
            .collect()
    }

    fn close(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len());
        for (a, b) in found.iter().zip(wanted) {
            assert!((a - b).abs() < 1e-6, "{found:?} is not {wanted:?}");
        }
    }

    #[test]
    fn a_cosine_falls_from_rate_to_end_and_stays() {
        let schedule = Schedule::Cosine { rate: 1.0, end: 0.2, steps: 10 };
        let quarter = 0.6 + 0.4 * std::f64::consts::FRAC_1_SQRT_2;
        close(&rates(&schedule, &[0.0, 2.5, 5.0, 10.0, 99.0]), &[1.0, quarter, 0.6, 0.2, 0.2]);
    }

    #[test]
    fn one_cycle_peaks_after_three_tenths() {
        let schedule = Schedule::OneCycle { peak: 1.0, steps: 100 };
        close(&rates(&schedule, &[0.0, 15.0, 30.0, 65.0, 100.0]), &[0.04, 0.52, 1.0, 0.500002, 0.000004]);
    }

    #[test]
    fn an_exponential_multiplies_by_the_same_factor_each_step() {
        let schedule = Schedule::Exponential { from: 0.01, to: 1.0, steps: 10 };
        close(&rates(&schedule, &[0.0, 5.0, 10.0, 20.0]), &[0.01, 0.1, 1.0, 1.0]);
    }

    #[test]
    fn warm_up_rises_to_the_first_rate_and_delays_the_schedule() {
        let then = Box::new(Schedule::Cosine { rate: 1.0, end: 0.0, steps: 10 });
        let schedule = Schedule::WarmUp { steps: 4, then };
        close(&rates(&schedule, &[0.0, 1.0, 3.0, 4.0, 9.0, 14.0]), &[0.25, 0.5, 1.0, 1.0, 0.5, 0.0]);
        close(&rates(&Schedule::Constant { rate: 0.5 }, &[0.0, 7.0]), &[0.5, 0.5]);
    }
}
