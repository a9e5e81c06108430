//! Convolutions with fewer multiplications: 3×3 filters over tiles of 2×2 or 4×4 results, by the minimal filtering algorithms
//! of Winograd (Lavin and Gray, "Fast algorithms for convolutional neural networks", arXiv:1509.09308, section 4).
//!
//! A tile of m×m results is `Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A`, summed over channels between the transforms. Each transform is two
//! contractions by a small constant, and the sum over channels is one product of matrices for each of the (m+2)² places of a
//! transformed tile, so that the result is again a graph of the same instructions. Where the filter follows from parameters
//! alone, so does its transform.
//!
//! The results differ from those of the convolution by rounding: the pass is a recorded choice, never a silent one.
//! docs/NUMERICS.md states by how much.

use super::plan::settled;
use super::rebuild::Rebuild;
use crate::error::Result;
use crate::graph::{Graph, Instruction, Op, ValueId};
use crate::nest::{AxisName, Index};
use crate::types::{DType, Scalar};

/// Replaces every convolution that gets faster by it.
pub fn winograd(graph: &Graph) -> Result<Graph> {
    let settled = settled(graph);
    let mut rebuild = Rebuild::new(graph);
    for value in graph.values() {
        let convolution = Convolution::of(graph, value).filter(|c| settled[c.filter.index()]);
        match convolution.and_then(|convolution| Some((convolution.tile()?, convolution))) {
            None => {
                rebuild.copy(value)?;
            }
            Some((tile, convolution)) => {
                let (x, filter) = (rebuild.get(convolution.x), rebuild.get(convolution.filter));
                let result = transformed(&mut rebuild.new, &convolution, tile, x, filter)?;
                rebuild.set(value, result);
            }
        }
    }
    rebuild.finish()
}

/// A 3×3 convolution of stride 1: x [.., h', w', c] by a filter [3, 3, c, o] to [.., h, w, o].
struct Convolution {
    x: ValueId,
    filter: ValueId,
    /// Dimensions in front of the image, such as a batch.
    batch: usize,
    /// The results of one image: rows and columns.
    size: [usize; 2],
    /// What is added to a result's row and column for the first row and column of the filter: −1 for a border of 1.
    offset: [i64; 2],
    channels: usize,
    outputs: usize,
}

impl Convolution {
    /// The instruction as a convolution, if it is one.
    fn of(graph: &Graph, value: ValueId) -> Option<Convolution> {
        let Instruction { op, operands, nest, ty } = graph.instruction(value);
        if !matches!(op, Op::Contract) || ty.dtype != DType::F32 {
            return None;
        }
        let [x, filter] = &nest.operands[..] else { return None };
        let plain = |access: &[Index]| -> Option<Vec<AxisName>> {
            let names = access.iter().map(|index| match index {
                Index::Axis(axis) => Some(*axis),
                Index::Radix(_) | Index::Affine { .. } | Index::Lookup => None,
            });
            names.collect()
        };
        let [front_x @ .., rows, columns, last_x] = &x[..] else { return None };
        let [i, j, c, o] = plain(filter)?[..] else { return None };
        let output = plain(&nest.output)?;
        let [front @ .., h, w, last] = &output[..] else { return None };
        let offset = [window(rows, *h, i)?, window(columns, *w, j)?];
        let extent = |axis| nest.extent(axis);
        let fits = plain(front_x)? == front
            && *last_x == Index::Axis(c)
            && *last == o
            && extent(i) == Some(3)
            && extent(j) == Some(3)
            && nest.resolve().reduction.len() == 3;
        fits.then_some(Convolution {
            x: operands[0],
            filter: operands[1],
            batch: front.len(),
            size: [extent(*h)?, extent(*w)?],
            offset,
            channels: extent(c)?,
            outputs: extent(o)?,
        })
    }

    /// The tile that saves most, if one saves enough.
    fn tile(&self) -> Option<&'static Tile> {
        let direct = self.direct_work();
        let pays = |tile: &&Tile| self.size.iter().all(|n| n % tile.side() == 0) && 10 * self.work(tile) <= 8 * direct;
        TILES.iter().filter(pays).min_by_key(|tile| self.work(tile))
    }

    /// The multiply-adds of one image without transforms.
    fn direct_work(&self) -> usize {
        9 * self.size[0] * self.size[1] * self.channels * self.outputs
    }

    /// About as many multiply-adds as one image takes with this tile.
    fn work(&self, tile: &Tile) -> usize {
        let (side, places) = (tile.side(), tile.places());
        let tiles = self.size[0] * self.size[1] / (side * side);
        let products = places * places * self.channels * self.outputs;
        let rows = (side + places) * places;
        let transforms = places * (self.channels * rows + self.outputs * rows * side / places);
        // A transform is bound by what it reads and writes; the transformed filter is read once, from a cache that is far away.
        tiles * (products + TRANSFORM_WEIGHT * transforms) + FILTER_WEIGHT * products
    }
}

/// What a multiply-add of a transform takes, and what an element of the transformed filter, in multiply-adds of a product.
const TRANSFORM_WEIGHT: usize = 5;
const FILTER_WEIGHT: usize = 6;

/// The constant that is added where `index` is `place + step + constant`.
fn window(index: &Index, place: AxisName, step: AxisName) -> Option<i64> {
    let Index::Affine { terms, constant } = index else { return None };
    let is = |terms: &[(i64, AxisName)]| terms == [(1, place), (1, step)] || terms == [(1, step), (1, place)];
    is(terms).then_some(*constant)
}

/// The matrices of one minimal filtering algorithm, row after row.
struct Tile {
    /// `Aᵀ`: from the places of a transformed tile to its results.
    results: &'static [&'static [f32]],
    /// `G`: from the filter's three weights to the places.
    filter: &'static [[f32; 3]],
    /// `Bᵀ`: from the tile's numbers to the places.
    input: &'static [&'static [f32]],
}

impl Tile {
    /// The results of a tile along one side.
    fn side(&self) -> usize {
        self.results.len()
    }

    /// The places of a transformed tile along one side: two more.
    fn places(&self) -> usize {
        self.input.len()
    }
}

/// F(2×2, 3×3) and F(4×4, 3×3).
const TILES: [Tile; 2] = [
    Tile {
        results: &[&[1.0, 1.0, 1.0, 0.0], &[0.0, 1.0, -1.0, -1.0]],
        filter: &[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]],
        input: &[&[1.0, 0.0, -1.0, 0.0], &[0.0, 1.0, 1.0, 0.0], &[0.0, -1.0, 1.0, 0.0], &[0.0, 1.0, 0.0, -1.0]],
    },
    Tile {
        results: &[
            &[1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
            &[0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
            &[0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
            &[0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
        ],
        filter: &[
            [1.0 / 4.0, 0.0, 0.0],
            [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
            [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
            [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
            [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
            [0.0, 0.0, 1.0],
        ],
        input: &[
            &[4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
            &[0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
            &[0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
            &[0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
            &[0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
            &[0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
        ],
    },
];

/// The convolution by transforms.
fn transformed(
    graph: &mut Graph,
    convolution: &Convolution,
    tile: &Tile,
    x: ValueId,
    filter: ValueId,
) -> Result<ValueId> {
    let side = tile.side();
    let [tile_rows, tile_columns] = convolution.size.map(|n| n / side);
    // The front dimensions, then t and u for the tile, a and b for its places, r and s for its results.
    let n = &"klmn"[..convolution.batch];
    let reads = |tile: char, step: char, offset: i64| format!("{{{side}{tile}+{step}{offset:+}}}");
    let rows = reads('t', 'i', convolution.offset[0]);
    let columns = reads('u', 'j', convolution.offset[1]);

    let to_places = matrix(graph, tile.input)?;
    let x = graph.contract(&format!("{n}{rows}wc,ai->{n}tawc"), x, to_places, &[('t', tile_rows)])?;
    let x = graph.contract(&format!("{n}ta{columns}c,bj->{n}abtuc"), x, to_places, &[('u', tile_columns)])?;

    let of_filter = matrix(graph, tile.filter)?;
    let filter = graph.contract("ijco,ai->ajco", filter, of_filter, &[])?;
    let filter = graph.contract("ajco,bj->abco", filter, of_filter, &[])?;

    let products = graph.contract(&format!("{n}abtuc,abco->{n}abtuo"), x, filter, &[])?;

    let to_results = matrix(graph, tile.results)?;
    let y = graph.contract(&format!("{n}abtuo,ra->{n}btruo"), products, to_results, &[])?;
    graph.contract(&format!("{n}btruo,sb->{n}(tr)(us)o"), y, to_results, &[])
}

fn matrix<R: AsRef<[f32]>>(graph: &mut Graph, rows: &[R]) -> Result<ValueId> {
    let columns = rows[0].as_ref().len();
    let values = rows.iter().flat_map(|row| row.as_ref()).map(|x| Scalar::F32(*x)).collect();
    graph.constant(values, &[rows.len(), columns])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpret::{Tensor, interpret};
    use crate::passes::{batch, verify};
    use crate::testing::Draw;
    use std::collections::HashMap;

    /// A convolution of an image [h, w, c] to o channels.
    fn convolution(words: &str, image: [usize; 3], size: [usize; 2], outputs: usize) -> Graph {
        let mut graph = Graph::new();
        let x = graph.input("x", DType::F32, &image).unwrap();
        let filter = graph.param("filter", &[3, 3, image[2], outputs]).unwrap();
        let y = graph.contract(words, x, filter, &[('h', size[0]), ('w', size[1])]).unwrap();
        graph.set_output("y", y).unwrap();
        graph
    }

    /// Numbers of both signs for every leaf.
    fn leaves(graph: &Graph) -> HashMap<String, Tensor<f32>> {
        let mut draw = Draw::new(1);
        let named = graph.values().filter_map(|v| Some((graph.instruction(v).op.leaf_name()?, graph.ty(v))));
        named
            .map(|(name, ty)| {
                let values = (0..ty.elements()).map(|_| draw.below(2001) as f32 / 1000.0 - 1.0).collect();
                (name.to_owned(), Tensor::floats(&ty.shape, values))
            })
            .collect()
    }

    fn contractions(graph: &Graph) -> usize {
        graph.instructions().iter().filter(|instruction| matches!(instruction.op, Op::Contract)).count()
    }

    /// The greatest difference of the results from those of the convolution in f64, over the greatest of these.
    fn deviation(graph: &Graph) -> [f64; 2] {
        let single = leaves(graph);
        let double: HashMap<String, Tensor<f64>> = single
            .iter()
            .map(|(name, tensor)| {
                let values = tensor.as_floats().iter().map(|x| f64::from(*x)).collect();
                (name.clone(), Tensor::floats(&tensor.shape, values))
            })
            .collect();
        let rewritten = winograd(graph).unwrap();
        verify(&rewritten).unwrap();
        let exact = interpret(graph, &double).unwrap().outputs["y"].clone();
        let greatest = exact.as_floats().iter().fold(0.0f64, |most, x| most.max(x.abs()));
        let difference = |found: Vec<f64>| {
            assert_eq!(found.len(), exact.as_floats().len());
            found.iter().zip(exact.as_floats()).fold(0.0f64, |most, (a, b)| most.max((a - b).abs())) / greatest
        };
        let of_double = interpret(&rewritten, &double).unwrap().outputs["y"].as_floats().to_vec();
        let of_single = interpret(&rewritten, &single).unwrap().outputs["y"].as_floats().to_vec();
        [difference(of_double), difference(of_single.into_iter().map(f64::from).collect())]
    }

    #[test]
    fn transforms_compute_the_convolution() {
        // By tiles of 4×4, with a border on all sides, without one, and with one on two sides; by tiles of 2×2.
        let cases = [
            convolution("{h+i-1}{w+j-1}c,ijco->hwo", [16, 16, 64], [16, 16], 64),
            convolution("{h+i}{w+j}c,ijco->hwo", [22, 18, 64], [20, 16], 64),
            convolution("{h+i-2}{w+j}c,ijco->hwo", [16, 16, 64], [16, 16], 48),
            convolution("{h+i-1}{w+j-1}c,ijco->hwo", [14, 14, 96], [14, 14], 64),
        ];
        for (graph, side) in cases.iter().zip([4, 4, 4, 2]) {
            let rewritten = winograd(graph).unwrap();
            assert_eq!(contractions(&rewritten), 7);
            let is_matrix = |i: &Instruction| i.ty.shape == [side, side + 2];
            assert_eq!(rewritten.instructions().iter().filter(|i| is_matrix(i)).count(), 1);
            let [double, single] = deviation(graph);
            // The thirds in the filter's transform are f32 numbers, even where all else is f64.
            assert!(double < 4e-7, "{double}");
            // What docs/NUMERICS.md states.
            assert!(single < 1e-5, "{single}");
        }
    }

    #[test]
    fn a_batch_is_rewritten_as_its_images_are() {
        let graph = convolution("{h+i-1}{w+j-1}c,ijco->hwo", [16, 16, 64], [16, 16], 64);
        let first = batch(&winograd(&graph).unwrap(), 2).unwrap();
        let then = winograd(&batch(&graph, 2).unwrap()).unwrap();
        let leaves = leaves(&first);
        let results = [first, then].map(|graph| interpret(&graph, &leaves).unwrap().outputs["y"].clone());
        assert_eq!(results[0].as_floats(), results[1].as_floats());
    }

    #[test]
    fn what_gains_nothing_stays_as_it_is() {
        let mut trained = convolution("{h+i-1}{w+j-1}c,ijco->hwo", [16, 16, 64], [16, 16], 64);
        let filter = trained.leaf("filter").unwrap();
        let half = trained.float(0.5).unwrap();
        let next = trained.map(crate::ScalarFn::Mul, &[filter, half]).unwrap();
        trained.set_update(filter, next).unwrap();
        let cases = [
            // A stride, a dilation, few channels, a side that no tile divides, a filter that changes.
            convolution("{2h+i-1}{2w+j-1}c,ijco->hwo", [32, 32, 64], [16, 16], 64),
            convolution("{h+2i-2}{w+2j-2}c,ijco->hwo", [16, 16, 64], [16, 16], 64),
            convolution("{h+i-1}{w+j-1}c,ijco->hwo", [16, 16, 8], [16, 16], 8),
            convolution("{h+i-1}{w+j-1}c,ijco->hwo", [15, 16, 64], [15, 16], 64),
            trained,
        ];
        for graph in cases {
            assert_eq!(winograd(&graph).unwrap(), graph);
        }
    }
}
