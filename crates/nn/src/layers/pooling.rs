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
