//! Convolutions over the two dimensions before the channels, each one contraction.

use crate::ops::misshapen;
use tacit_ir::{Graph, Nest, Op, Result, ValueId};

/// How a window slides over the height and width of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub padding: Padding,
}

/// What happens at the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Windows may hang over, as far at the top and left as the window's middle; what is outside is skipped. There are
    /// ⌈size / stride⌉ places.
    Same,
    /// Windows lie inside: there are ⌊(size − reach) / stride⌋ + 1 places.
    Valid,
}

impl Window {
    /// A window without stride and dilation that keeps the size.
    pub const fn same(kernel: [usize; 2]) -> Window {
        Window { kernel, stride: [1, 1], dilation: [1, 1], padding: Padding::Same }
    }

    /// Windows that tile the image.
    pub const fn tiles(kernel: [usize; 2]) -> Window {
        Window { kernel, stride: kernel, dilation: [1, 1], padding: Padding::Valid }
    }

    /// The places of the output along height and width.
    pub fn places(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        self.check()?;
        let mut places = [0; 2];
        for side in 0..2 {
            places[side] = match (self.padding, size[side].checked_sub(self.reach(side))) {
                (Padding::Same, _) => size[side].div_ceil(self.stride[side]),
                (Padding::Valid, Some(room)) => room / self.stride[side] + 1,
                (Padding::Valid, None) => {
                    let (reach, [h, w]) = ([self.reach(0), self.reach(1)], size);
                    return misshapen(format!(
                        "a window that reaches over {}x{} does not fit an image of {h}x{w}; use `same` or a smaller one",
                        reach[0], reach[1]
                    ));
                }
            };
        }
        Ok(places)
    }

    /// The image that a transposed convolution makes of this many places: the least that [`Window::places`] takes to
    /// them and that leaves nothing of it out.
    pub fn spread(&self, places: [usize; 2]) -> Result<[usize; 2]> {
        self.check()?;
        Ok([0, 1].map(|side| match self.padding {
            Padding::Same => places[side] * self.stride[side],
            Padding::Valid => places[side].saturating_sub(1) * self.stride[side] + self.reach(side),
        }))
    }

    /// How far the first window hangs over the top and the left edge.
    pub fn before(&self) -> [usize; 2] {
        match self.padding {
            Padding::Same => [(self.reach(0) - 1) / 2, (self.reach(1) - 1) / 2],
            Padding::Valid => [0, 0],
        }
    }

    fn reach(&self, side: usize) -> usize {
        (self.kernel[side] - 1) * self.dilation[side] + 1
    }

    fn check(&self) -> Result<()> {
        let all = [self.kernel, self.stride, self.dilation];
        match all.as_flattened().contains(&0) {
            true => misshapen("a window's kernel, stride and dilation are at least 1"),
            false => Ok(()),
        }
    }

    /// The access of the image by places `h` `w` and window axes `i` `j`, such as `{2h+i-1}{2w+j-1}`. A window of one
    /// place reads the axis plainly, which tells every pass that the two move together.
    pub(super) fn access(&self) -> String {
        let before = self.before();
        let side = |k: usize, place: char, offset: char| match (self.kernel[k], self.stride[k]) {
            (1, 1) => place.to_string(),
            (_, stride) => format!("{{{stride}{place}+{}{offset}-{}}}", self.dilation[k], before[k]),
        };
        format!("{}{}", side(0, 'h', 'i'), side(1, 'w', 'j'))
    }
}

/// out[h,w,o] = Σ x[stride·h + dilation·i − before, …, c]·weight[i,j,c,o]: x [(n,) h, w, c], weight [i, j, c/groups, o]
/// → [(n,) h', w', o]. The filters of one group see the channels of that group only.
pub fn convolution(graph: &mut Graph, x: ValueId, weight: ValueId, window: Window, groups: usize) -> Result<ValueId> {
    let (n, image) = image(graph, x)?;
    let places = window.places([image[0], image[1]])?;
    let given = [('h', places[0]), ('w', places[1]), ('g', groups)];
    let [_, _, inner, outer] = *filter(graph, weight, &window)?;
    if groups == 0 || inner * groups != image[2] || outer % groups != 0 {
        return misshapen(format!(
            "{groups} groups of filters of shape {:?} do not divide {} channels",
            graph.shape(weight),
            image[2]
        ));
    }
    let at = window.access();
    match groups {
        1 => graph.contract(&format!("{n}{at}c,ijco->{n}hwo"), x, weight, &given[..2]),
        _ => graph.contract(&format!("{n}{at}(gc),ijc(go)->{n}hw(go)"), x, weight, &given),
    }
}

/// Each channel with a filter of its own: x [(n,) h, w, c], weight [i, j, c] → [(n,) h', w', c].
pub fn depthwise_convolution(graph: &mut Graph, x: ValueId, weight: ValueId, window: Window) -> Result<ValueId> {
    let (n, image) = image(graph, x)?;
    let places = window.places([image[0], image[1]])?;
    if graph.shape(weight) != [window.kernel[0], window.kernel[1], image[2]] {
        return misshapen(format!(
            "depthwise filters of shape {:?} do not fit a window of {:?} over {} channels",
            graph.shape(weight),
            window.kernel,
            image[2]
        ));
    }
    let given = [('h', places[0]), ('w', places[1])];
    graph.contract(&format!("{n}{}c,ijc->{n}hwc", window.access()), x, weight, &given)
}

/// The adjoint of a convolution, as a layer (Zeiler et al. 2010): x [(n,) h, w, c], weight [i, j, c, o] →
/// [(n,) h', w', o] with h' = stride·h for `same` and stride·(h − 1) + reach for `valid`.
pub fn transposed_convolution(graph: &mut Graph, x: ValueId, weight: ValueId, window: Window) -> Result<ValueId> {
    let (n, image) = image(graph, x)?;
    let size = window.spread([image[0], image[1]])?;
    let outer = filter(graph, weight, &window)?[3];
    let words = format!("{n}hwc,ijco->{n}{}o", window.access());
    let mut nest = Nest::infer(&words, &[graph.shape(x), graph.shape(weight)], &[])?;
    // Window axes first, as in the gradient of a convolution: the places are solved for, not searched.
    nest.axes.sort_by_key(|(axis, _)| !matches!(axis, 'i' | 'j'));
    let mut shape = graph.shape(x)[..n.len()].to_vec();
    shape.extend([size[0], size[1], outer]);
    graph.with_shape(Op::Contract, nest, &[x, weight], &shape)
}

/// The letter of the batch, if there is one, and height, width and channels.
pub(super) fn image(graph: &Graph, x: ValueId) -> Result<(&'static str, [usize; 3])> {
    match *graph.shape(x) {
        [h, w, c] => Ok(("", [h, w, c])),
        [_, h, w, c] => Ok(("n", [h, w, c])),
        ref other => misshapen(format!(
            "an image has height, width and channels (and a batch before them), but the shape here is {other:?}"
        )),
    }
}

/// The shape of filters [i, j, c, o] that fit the window.
fn filter<'g>(graph: &'g Graph, weight: ValueId, window: &Window) -> Result<&'g [usize; 4]> {
    let shape = graph.shape(weight);
    match <&[usize; 4]>::try_from(shape) {
        Ok(filter) if filter[..2] == window.kernel => Ok(filter),
        Ok(_) | Err(_) => misshapen(format!("filters of shape {shape:?} do not fit a window of {:?}", window.kernel)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{check_gradients, numbers, value_of};
    use tacit_ir::Tensor;

    const WINDOWS: [Window; 6] = [
        Window::same([3, 3]),
        Window { stride: [2, 2], ..Window::same([3, 3]) },
        Window { stride: [1, 2], dilation: [2, 1], ..Window::same([3, 2]) },
        Window { padding: Padding::Valid, ..Window::same([3, 2]) },
        Window { padding: Padding::Valid, stride: [2, 3], dilation: [1, 2], ..Window::same([2, 2]) },
        Window::same([1, 1]),
    ];

    /// The sum of a convolution by its definition, with zeros outside the image.
    fn reference(x: &Tensor<f64>, weight: &Tensor<f64>, window: Window, groups: usize) -> Tensor<f64> {
        let [h, w, c] = <[usize; 3]>::try_from(&x.shape[..]).unwrap();
        let [i, j, inner, outer] = <[usize; 4]>::try_from(&weight.shape[..]).unwrap();
        let [high, wide] = window.places([h, w]).unwrap();
        let mut sums = vec![];
        for (y, x0) in (0..high).flat_map(|y| (0..wide).map(move |x| (y, x))) {
            for o in 0..outer {
                let group = o / (outer / groups);
                let mut sum = 0.0;
                for (a, b) in (0..i).flat_map(|a| (0..j).map(move |b| (a, b))) {
                    let row = (y * window.stride[0] + a * window.dilation[0]).checked_sub(window.before()[0]);
                    let column = (x0 * window.stride[1] + b * window.dilation[1]).checked_sub(window.before()[1]);
                    let (Some(row), Some(column)) = (row, column) else { continue };
                    if row < h && column < w {
                        for k in 0..inner {
                            let pixel = x.as_floats()[(row * w + column) * c + group * inner + k];
                            sum += pixel * weight.as_floats()[((a * j + b) * inner + k) * outer + o];
                        }
                    }
                }
                sums.push(sum);
            }
        }
        Tensor::floats(&[high, wide, outer], sums)
    }

    fn assert_close(found: &Tensor<f64>, expected: &Tensor<f64>) {
        assert_eq!(found.shape, expected.shape);
        for (a, b) in found.as_floats().iter().zip(expected.as_floats()) {
            assert!((a - b).abs() < 1e-12, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn convolutions_follow_their_definition() {
        for window in WINDOWS {
            let [i, j] = window.kernel;
            for groups in [1, 2] {
                let (x, weight) = (numbers(1, &[5, 6, 4]), numbers(2, &[i, j, 4 / groups, 6]));
                let found = value_of(|g, x| convolution(g, x[0], x[1], window, groups), &[x.clone(), weight.clone()]);
                assert_close(&found, &reference(&x, &weight, window, groups));
            }
            // A depthwise convolution has as many groups as channels.
            let (x, weight) = (numbers(1, &[5, 6, 4]), numbers(2, &[i, j, 4]));
            let found = value_of(|g, x| depthwise_convolution(g, x[0], x[1], window), &[x.clone(), weight.clone()]);
            let grouped = Tensor::floats(&[i, j, 1, 4], weight.as_floats().to_vec());
            assert_close(&found, &reference(&x, &grouped, window, 4));
        }
    }

    #[test]
    fn a_batch_is_convolved_example_by_example() {
        let (x, weight) = (numbers(1, &[2, 4, 4, 2]), numbers(2, &[3, 3, 2, 3]));
        let window = Window::same([3, 3]);
        let both = value_of(|g, x| convolution(g, x[0], x[1], window, 1), &[x.clone(), weight.clone()]);
        for (k, found) in both.as_floats().chunks(48).enumerate() {
            let one = Tensor::floats(&[4, 4, 2], x.as_floats()[k * 32..][..32].to_vec());
            assert_close(&Tensor::floats(&[4, 4, 3], found.to_vec()), &reference(&one, &weight, window, 1));
        }
    }

    /// ⟨conv(u), v⟩ = ⟨u, transposed(v)⟩ with the filters' channels exchanged.
    #[test]
    fn a_transposed_convolution_is_the_adjoint_of_the_convolution() {
        for window in WINDOWS {
            let [i, j] = window.kernel;
            let [h, w] = window.spread([3, 4]).unwrap();
            assert_eq!(window.places([h, w]).unwrap(), [3, 4]);
            let (u, v, weight) = (numbers(1, &[h, w, 2]), numbers(2, &[3, 4, 3]), numbers(3, &[i, j, 2, 3]));
            let forward = value_of(|g, x| convolution(g, x[0], x[1], window, 1), &[u.clone(), weight.clone()]);
            let transposed = |g: &mut Graph, x: &[ValueId]| {
                let exchanged = g.move_nest(tacit_ir::Scalar::F32(0.0), "ijoc->ijco", &[x[1]], &[])?;
                transposed_convolution(g, x[0], exchanged, window)
            };
            let back = value_of(transposed, &[v.clone(), weight]);
            let dot = |a: &Tensor<f64>, b: &Tensor<f64>| -> f64 {
                assert_eq!(a.shape, b.shape);
                a.as_floats().iter().zip(b.as_floats()).map(|(a, b)| a * b).sum()
            };
            assert!((dot(&forward, &v) - dot(&u, &back)).abs() < 1e-10, "{window:?}");
        }
    }

    #[test]
    fn derivatives_agree_with_central_differences() {
        for window in WINDOWS {
            let [i, j] = window.kernel;
            check_gradients(|g, x| convolution(g, x[0], x[1], window, 1), &[&[4, 5, 2], &[i, j, 2, 2]], true);
            check_gradients(|g, x| convolution(g, x[0], x[1], window, 2), &[&[1, 4, 5, 2], &[i, j, 1, 2]], true);
            check_gradients(|g, x| depthwise_convolution(g, x[0], x[1], window), &[&[4, 5, 2], &[i, j, 2]], true);
            check_gradients(|g, x| transposed_convolution(g, x[0], x[1], window), &[&[2, 2, 2], &[i, j, 2, 1]], true);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut graph = Graph::new();
        let x = graph.input("x", tacit_ir::DType::F32, &[4, 4, 3]).unwrap();
        let vector = graph.input("v", tacit_ir::DType::F32, &[4]).unwrap();
        let weight = graph.param("w", &[3, 3, 3, 2]).unwrap();
        let window = Window::same([3, 3]);
        assert!(convolution(&mut graph, x, weight, window, 1).is_ok());
        assert!(convolution(&mut graph, x, weight, window, 3).is_err());
        assert!(convolution(&mut graph, x, weight, window, 0).is_err());
        assert!(convolution(&mut graph, vector, weight, window, 1).is_err());
        assert!(convolution(&mut graph, x, vector, window, 1).is_err());
        assert!(convolution(&mut graph, x, weight, Window::same([5, 5]), 1).is_err());
        assert!(convolution(&mut graph, x, weight, Window { stride: [0, 1], ..window }, 1).is_err());
        assert!(depthwise_convolution(&mut graph, x, weight, window).is_err());
    }
}
