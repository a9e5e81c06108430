//! The boxes of an elementwise loop: parts of its index space in which every guard holds everywhere or nowhere.
//!
//! Machine code reads all that a box needs where it lies in memory, borders included, so that a box may be large. What a guard
//! shuts out is read from a row of zeros.

use super::run::{Store, set_place};
use super::{Affine, BLOCK, BlockProgram, Code, Guard, Lasts};
use crate::machine::{Preparation, Routine, Width};
use std::ops::Range;

/// Rows and columns of a region, for some steps of its other dimensions. Columns are the last dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexBox {
    /// Where the region begins, and its rows and columns that this is about.
    pub corner: Vec<i64>,
    pub row_dim: usize,
    pub rows: usize,
    pub columns: usize,
    /// The other dimensions, outermost first, and their extents in the region.
    pub outer: Vec<usize>,
    pub outer_extents: Vec<usize>,
    /// Which of their steps, counted in row-major order.
    pub layers: Range<usize>,
}

impl IndexBox {
    /// The least and the greatest value of an affine form in the whole region.
    pub fn bounds(&self, affine: &Affine) -> (i64, i64) {
        let at_corner = affine.constant + affine.coefficients.iter().zip(&self.corner).map(|(c, i)| c * i).sum::<i64>();
        let columns_dim = self.corner.len() - 1;
        let row = (self.row_dim != columns_dim).then_some((self.row_dim, self.rows));
        let outer = self.outer.iter().copied().zip(self.outer_extents.iter().copied());
        let spans = outer.chain(row).chain([(columns_dim, self.columns)]);
        spans.fold((at_corner, at_corner), |(least, greatest), (dim, extent)| {
            let reach = affine.coefficients[dim] * (extent as i64 - 1);
            (least + reach.min(0), greatest + reach.max(0))
        })
    }
}

/// The most columns of a box, which is also the length of the row of zeros.
pub const COLUMNS_MAX: usize = 4096;
/// The elements of a box, where there are many: starting one takes some tenths of a microsecond.
const ELEMENTS: usize = 4096;
const ELEMENTS_MAX: usize = 16 * 1024;
/// A loop is cut into about so many boxes, for workers to share.
const BOXES: usize = 64;
/// Rows of a box, where they can be chosen: the code is entered anew for each step of the other dimensions.
const ROWS_MIN: usize = 4;
/// Loops that borders would cut into more parts than this are run block by block.
const PARTS_MAX: usize = 1024;

/// The boxes that fill an index space in the order of its elements; nothing if some operation of the program cannot be read in
/// place.
pub fn boxes_of(
    program: &BlockProgram,
    routine: &Routine,
    extents: &[usize],
    stores: &[Store],
) -> Option<Vec<IndexBox>> {
    let columns_dim = extents.len().checked_sub(1)?;
    let in_place =
        |(s, width): (&Store, &Width)| Width::of(s.dtype) == *width && s.offset.coefficients[columns_dim] == 1;
    let stores_rows = stores.iter().zip(&routine.results).all(in_place);
    if !stores_rows || (program.lasts.contains(&Lasts::Columns) && extents[columns_dim] > BLOCK) {
        return None;
    }
    let mut cuts: Vec<Vec<usize>> = extents.iter().map(|extent| vec![0, *extent]).collect();
    for (preparation, code) in routine.preparations.iter().zip(&program.codes) {
        let guards = match (preparation, code) {
            (Preparation::Never, _) => continue,
            (Preparation::AtEdges, Code::Load { guards, fill, .. }) if *fill == 0 || guards.is_empty() => guards,
            (Preparation::AtEdges, Code::Within { guards }) => guards,
            (Preparation::AtEdges | Preparation::Always, _) => return None,
        };
        for guard in guards {
            let (dim, places) = places_of(guard)?;
            if dim == Some(columns_dim) {
                return None;
            }
            if let Some(dim) = dim {
                cuts[dim].extend(
                    places.into_iter().filter(|place| (0..extents[dim] as i64).contains(place)).map(|p| p as usize),
                );
            }
        }
    }
    for cuts in &mut cuts {
        cuts.sort_unstable();
        cuts.dedup();
    }
    let counts: Vec<usize> = cuts.iter().map(|cuts| cuts.len() - 1).collect();
    let parts: usize = counts.iter().product();
    if parts > PARTS_MAX {
        return None;
    }
    let elements: usize = extents.iter().product();
    let most = (elements / BOXES).clamp(ELEMENTS / stores.len().max(1), ELEMENTS_MAX);
    let mut boxes = vec![];
    for part in 0..parts {
        let mut at = vec![0; extents.len()];
        set_place(&mut at, &counts, part);
        let region: Vec<Range<usize>> =
            cuts.iter().zip(at).map(|(cuts, at)| cuts[at as usize]..cuts[at as usize + 1]).collect();
        fill(&region, most, &mut boxes);
    }
    Some(boxes)
}

/// The dimension that a guard depends on, if any, and where along it the guard begins or ceases to hold; nothing if it depends
/// on several.
fn places_of(guard: &Guard) -> Option<(Option<usize>, [i64; 2])> {
    let mut moving = guard.value.coefficients.iter().enumerate().filter(|(_, step)| **step != 0);
    let (first, constant) = (moving.next(), guard.value.constant);
    if moving.next().is_some() {
        return None;
    }
    let Some((dim, step)) = first else { return Some((None, [0, 0])) };
    // From where on the value has passed a bound.
    let passes = |bound: i64| match *step > 0 {
        true => -(constant - bound).div_euclid(*step),
        false => (constant - bound).div_euclid(-step) + 1,
    };
    Some((Some(dim), [passes(0), passes(guard.extent)]))
}

/// Cuts a region into boxes of at most about so many elements.
fn fill(region: &[Range<usize>], most: usize, boxes: &mut Vec<IndexBox>) {
    let columns_dim = region.len() - 1;
    // Rows are the innermost other dimension that is long enough, or else the longest.
    let long_enough = |dim: &usize| region[*dim].len() >= ROWS_MIN;
    let longest = || (0..columns_dim).rev().max_by_key(|dim| region[*dim].len());
    let row_dim = (0..columns_dim).rev().find(long_enough).or_else(longest).unwrap_or(columns_dim);
    let outer: Vec<usize> = (0..columns_dim).filter(|dim| *dim != row_dim).collect();
    let outer_extents: Vec<usize> = outer.iter().map(|dim| region[*dim].len()).collect();
    let all_columns = region[columns_dim].len();
    let all_rows = if row_dim == columns_dim { 1 } else { region[row_dim].len() };
    let all_layers: usize = outer_extents.iter().product();
    let columns = all_columns.div_ceil(all_columns.div_ceil(COLUMNS_MAX.min(most)).max(1)).next_multiple_of(16);
    let columns = columns.min(all_columns);
    let rows = (most / columns.max(1)).clamp(1, all_rows.max(1));
    let layers = if rows < all_rows { 1 } else { (most / (columns * rows).max(1)).clamp(1, all_layers.max(1)) };
    for first_layer in (0..all_layers).step_by(layers) {
        for first_row in (0..all_rows).step_by(rows) {
            for first_column in (0..all_columns).step_by(columns.max(1)) {
                let mut corner: Vec<i64> = region.iter().map(|range| range.start as i64).collect();
                if row_dim != columns_dim {
                    corner[row_dim] += first_row as i64;
                }
                corner[columns_dim] += first_column as i64;
                boxes.push(IndexBox {
                    corner,
                    row_dim,
                    rows: rows.min(all_rows - first_row),
                    columns: columns.min(all_columns - first_column),
                    outer: outer.clone(),
                    outer_extents: outer_extents.clone(),
                    layers: first_layer..all_layers.min(first_layer + layers),
                });
            }
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::machine::Library;
    use proptest::prelude::*;
    use tacit_ir::types::{DType, row_major_strides};

    fn affine(coefficients: &[i64], constant: i64) -> Affine {
        Affine { coefficients: coefficients.to_vec(), constant }
    }

    /// Every place of a box's part of the space.
    fn places(index_box: &IndexBox) -> Vec<Vec<i64>> {
        let columns_dim = index_box.corner.len() - 1;
        let mut places = vec![];
        for layer in index_box.layers.clone() {
            let mut steps = vec![0; index_box.outer.len()];
            set_place(&mut steps, &index_box.outer_extents, layer);
            let mut corner = index_box.corner.clone();
            for (dim, step) in index_box.outer.iter().zip(steps) {
                corner[*dim] += step;
            }
            for row in 0..index_box.rows {
                for column in 0..index_box.columns {
                    let mut place = corner.clone();
                    if index_box.row_dim != columns_dim {
                        place[index_box.row_dim] += row as i64;
                    }
                    place[columns_dim] += column as i64;
                    places.push(place);
                }
            }
        }
        places
    }

    proptest! {
        #[test]
        fn boxes_fill_the_space_once_and_no_guard_changes_within_one(
            extents in prop::collection::vec(1usize..6, 1..4),
            columns in prop::sample::select(vec![1usize, 5, 40, 5000]),
            guards in prop::collection::vec((0usize..4, -3i64..4, -5i64..9, 1i64..9), 0..4),
        ) {
            let mut extents = extents;
            extents.push(columns);
            let guards: Vec<Guard> = guards
                .into_iter()
                .map(|(dim, step, constant, extent)| {
                    let mut coefficients = vec![0; extents.len()];
                    coefficients[dim % (extents.len() - 1)] = step;
                    Guard { value: affine(&coefficients, constant), extent }
                })
                .collect();
            let strides: Vec<i64> = row_major_strides(&extents).into_iter().map(|stride| stride as i64).collect();
            let offset = affine(&strides, 0);
            let load = Code::Load { slot: 0, dtype: DType::F32, offset: offset.clone(), guards: guards.clone(), fill: 0 };
            let mut program = BlockProgram::new(vec![load], vec![0], None);
            program.compile(&mut Library::default(), Some(extents.len() - 1));
            let stores = [Store { slot: 1, dtype: DType::F32, offset }];
            let routine = program.routine.as_ref().expect("there is code for all operations");
            let boxes = boxes_of(&program, routine, &extents, &stores).expect("everything is read in place");

            let holds = |place: &[i64]| {
                let value = |guard: &Guard| {
                    guard.value.constant + guard.value.coefficients.iter().zip(place).map(|(c, i)| c * i).sum::<i64>()
                };
                guards.iter().map(|guard| (0..guard.extent).contains(&value(guard))).collect::<Vec<bool>>()
            };
            let mut visits = vec![0; extents.iter().product()];
            for index_box in &boxes {
                prop_assert!(index_box.columns <= COLUMNS_MAX);
                for place in places(index_box) {
                    let at: i64 = place.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
                    visits[at as usize] += 1;
                    prop_assert_eq!(holds(&place), holds(&index_box.corner));
                }
            }
            prop_assert!(visits.into_iter().all(|visits| visits == 1));
        }
    }
}
