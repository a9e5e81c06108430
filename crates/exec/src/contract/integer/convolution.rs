//! Finds convolutions of 3×3 pixels among contractions, by their tables of addresses.

use super::super::spec::Contraction;

/// Pixels that a window is high and wide.
pub const WINDOW: usize = 3;

/// A contraction whose terms are the channels of all pixels of a window, and whose rows are a grid of windows at every pixel. Of
/// a depthwise one each lane has a channel of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Rows and columns of the results' grid.
    pub height: usize,
    pub width: usize,
    /// Numbers of a pixel that one result follows from.
    pub channels: usize,
    /// Where the first window begins in `a`, relative to the batch item, and how far it is from row to row and from pixel to
    /// pixel.
    pub a_first: i32,
    pub a_row: i32,
    pub a_pixel: i32,
    /// Where each number of a window is in `b`, relative to the batch item: row by row, pixel by pixel.
    pub terms: Vec<i32>,
    /// Where each result of the grid goes in `c`, relative to the batch item: row by row.
    pub results: Vec<i32>,
}

impl Convolution {
    /// Nothing if the tables describe anything else.
    pub fn of(spec: &Contraction) -> Option<Convolution> {
        let mut groups = spec.groups.iter().filter(|group| group.rows > 0);
        let (Some(group), None) = (groups.next(), groups.next()) else { return None };
        let mut terms: Vec<(i32, i32)> = group.runs.iter().flat_map(|run| run.terms()).collect();
        if terms.is_empty() || !terms.len().is_multiple_of(WINDOW * WINDOW) {
            return None;
        }
        let channels = terms.len() / (WINDOW * WINDOW);
        let in_a_row = WINDOW * channels;
        terms.sort_unstable();
        let first = terms[0].0;
        let (a_row, a_pixel) = (terms[in_a_row].0 - first, terms[channels].0 - first);
        let is_window = terms.iter().enumerate().all(|(k, (a, _))| {
            let (y, x, channel) = (k / in_a_row, k / channels % WINDOW, k % channels);
            *a == first + y as i32 * a_row + x as i32 * a_pixel + channel as i32
        });
        if !is_window || a_pixel == 0 {
            return None;
        }
        let start = spec.rows.iter().map(|row| row.a).min()?;
        // Row and column of each result, from where its window begins.
        let places: Vec<(usize, usize)> = spec
            .rows
            .iter()
            .map(|row| {
                let (y, along) = ((row.a - start) / a_row, (row.a - start) % a_row);
                (along % a_pixel == 0).then_some((y as usize, (along / a_pixel) as usize))
            })
            .collect::<Option<_>>()?;
        let height = places.iter().map(|(y, _)| y + 1).max()?;
        let width = places.iter().map(|(_, x)| x + 1).max()?;
        if height * width != places.len() || (width + WINDOW - 1) * a_pixel as usize > a_row as usize {
            return None;
        }
        let mut results = vec![None; height * width];
        for ((y, x), row) in places.iter().zip(&spec.rows) {
            results[y * width + x] = Some(row.c);
        }
        Some(Convolution {
            height,
            width,
            channels,
            a_first: start + first,
            a_row,
            a_pixel,
            terms: terms.iter().map(|(_, b)| *b).collect(),
            results: results.into_iter().collect::<Option<_>>()?,
        })
    }
}
