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
    pub fn same(kernel: [usize; 2]) -> Window {
        Window { kernel, stride: [1, 1], dilation: [1, 1], padding: Padding::Same }
    }

    /// Windows that tile the image.
    pub fn tiles(kernel: [usize; 2]) -> Window {
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
