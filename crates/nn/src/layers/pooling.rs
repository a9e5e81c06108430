//! Pooling over windows of an image.

use super::convolution::{Padding, Window, image};
use crate::ops::{count, div, expand};
use tacit_ir::{Graph, Reduction, Result, ScalarFn, ValueId};

/// The greatest value of each window, which may overlap: [(n,) h, w, c] → [(n,) h', w', c]. The first of equal values
/// receives the gradient.
pub fn max_pool(graph: &mut Graph, x: ValueId, window: Window) -> Result<ValueId> {
    windows(graph, Reduction::Max, x, window)
}

/// The mean of each window; what hangs over the edge does not count.
pub fn average_pool(graph: &mut Graph, x: ValueId, window: Window) -> Result<ValueId> {
    let sum = windows(graph, Reduction::Sum, x, window)?;
    match window.padding {
        Padding::Valid => {
            let places = graph.float((window.kernel[0] * window.kernel[1]) as f32)?;
            div(graph, sum, places)
        }
        Padding::Same => {
            let (n, [h, w, _]) = image(graph, x)?;
            let one = graph.float(1.0)?;
            let ones = expand(graph, "->hwc", one, &[('h', h), ('w', w), ('c', 1)])?;
            let places = windows(graph, Reduction::Sum, ones, window)?;
            let places = graph.reduce(Reduction::Sum, "hwc->hw", places, &[])?;
            graph.map_nest(ScalarFn::Div, &format!("{n}hwc,hw->{n}hwc"), &[sum, places])
        }
    }
}

/// The mean of each channel: [(n,) h, w, c] → [(n,) c].
pub fn global_average_pool(graph: &mut Graph, x: ValueId) -> Result<ValueId> {
    let (n, _) = image(graph, x)?;
    let sum = graph.reduce(Reduction::Sum, &format!("{n}hwc->{n}c"), x, &[])?;
    let places = count(graph, x, &[n.len(), n.len() + 1])?;
    div(graph, sum, places)
}

fn windows(graph: &mut Graph, reduction: Reduction, x: ValueId, window: Window) -> Result<ValueId> {
    let (n, [h, w, _]) = image(graph, x)?;
    let places = window.places([h, w])?;
    let mut given = vec![('h', places[0]), ('w', places[1])];
    let at = window.access();
    // A window of one place along a side has no axis there.
    let sides = [('i', window.kernel[0]), ('j', window.kernel[1])];
    given.extend(sides.into_iter().filter(|(axis, _)| at.contains(*axis)));
    graph.reduce(reduction, &format!("{n}{at}c->{n}hwc"), x, &given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, value_of};
    use tacit_ir::Tensor;

    fn ramp() -> Tensor<f64> {
        Tensor::floats(&[3, 4, 1], (0..12).map(f64::from).collect())
    }

    #[test]
    fn windows_give_their_greatest_and_their_mean() {
        let overlapping = Window { stride: [1, 2], ..Window::tiles([2, 2]) };
        let greatest = value_of(|g, x| max_pool(g, x[0], overlapping), &[ramp()]);
        assert_eq!(greatest, Tensor::floats(&[2, 2, 1], vec![5.0, 7.0, 9.0, 11.0]));
        let mean = value_of(|g, x| average_pool(g, x[0], overlapping), &[ramp()]);
        assert_eq!(mean, Tensor::floats(&[2, 2, 1], vec![2.5, 4.5, 6.5, 8.5]));
        let all = value_of(|g, x| global_average_pool(g, x[0]), &[ramp()]);
        assert_eq!(all, Tensor::floats(&[1], vec![5.5]));
    }

    #[test]
    fn what_hangs_over_the_edge_does_not_count() {
        let window = Window { stride: [2, 2], ..Window::same([3, 3]) };
        let mean = value_of(|g, x| average_pool(g, x[0], window), &[ramp()]);
        assert_eq!(mean, Tensor::floats(&[2, 2, 1], vec![2.5, 4.0, 6.5, 8.0]));
        let negative = Tensor::floats(&[1, 1, 1], vec![-3.0]);
        assert_eq!(value_of(|g, x| max_pool(g, x[0], window), std::slice::from_ref(&negative)), negative);
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        let windows = [
            Window::tiles([2, 2]),
            Window { stride: [2, 1], ..Window::tiles([3, 2]) },
            Window::same([3, 3]),
            Window::tiles([1, 2]),
            Window::tiles([1, 1]),
        ];
        for window in windows {
            check_gradients(|g, x| max_pool(g, x[0], window), &[&[4, 5, 2]], false);
            check_gradients(|g, x| max_pool(g, x[0], window), &[&[2, 3, 4, 1]], false);
            check_gradients(|g, x| average_pool(g, x[0], window), &[&[2, 3, 4, 1]], true);
        }
        check_gradients(|g, x| global_average_pool(g, x[0]), &[&[2, 3, 4, 2]], true);
    }
}
