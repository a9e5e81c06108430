//! Images changed a little each time they are seen, so that the search learns what does not matter.
//!
//! What happens to an image follows from the seed, the step and its place in the batch alone. All arithmetic is that of
//! the four operations and of `libm`, so the bits are the same on every machine.

use tacit_spec::Augmentation;

use crate::random::{Purpose, SplitMix64};

/// A row whose values were mixed with those of another row of the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixed {
    /// The other's place in the batch.
    pub partner: usize,
    /// The share of the row itself.
    pub share: f32,
}

/// Whether images stay as they are.
pub fn is_idle(augmentation: &Augmentation) -> bool {
    *augmentation == Augmentation::default()
}

/// Changes the images of a step's batch, (rows, height, width, channels), and says for each row with what it was mixed;
/// nothing if rows are not mixed.
pub fn augment(
    augmentation: &Augmentation,
    [height, width, channels]: [usize; 3],
    seed: u64,
    step: u64,
    images: &mut [f32],
) -> Option<Vec<Mixed>> {
    let size = height * width * channels;
    let rows = images.len() / size;
    let mut source = vec![0.0; size];
    let mut generators = Vec::with_capacity(rows);
    for (place, image) in images.chunks_exact_mut(size).enumerate() {
        let index = step.wrapping_mul(rows as u64).wrapping_add(place as u64);
        let mut random = SplitMix64::keyed(seed, Purpose::Augment, index);
        let view = View::draw(augmentation, height, width, &mut random);
        if !view.is_identity() {
            source.copy_from_slice(image);
            view.show(&source, [height, width, channels], image);
        }
        cut_out(augmentation.cutout_pixels, [height, width, channels], &mut random, image);
        generators.push(random);
    }
    (augmentation.mixup > 0.0).then(|| mix(augmentation.mixup, size, &mut generators, images))
}

/// Where in the image each pixel of the result is taken from: centre + turn · (place − centre) · stretch + move.
#[derive(Clone, Copy, Debug, PartialEq)]
struct View {
    /// Rows and columns of the turn, stretched.
    along: [[f64; 2]; 2],
    offset: [f64; 2],
}

impl View {
    fn draw(augmentation: &Augmentation, height: usize, width: usize, random: &mut SplitMix64) -> View {
        let Augmentation { shift_pixels, flip, crop, rotate_degrees, .. } = *augmentation;
        let mut view = View { along: [[1.0, 0.0], [0.0, 1.0]], offset: [0.0, 0.0] };
        if rotate_degrees > 0.0 {
            let angle = (2.0 * random.uniform() - 1.0) * rotate_degrees * std::f64::consts::PI / 180.0;
            let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
            view.along = [[cosine, sine], [-sine, cosine]];
        }
        if let Some(area) = crop.filter(|area| *area < 1.0) {
            let side = (area + (1.0 - area) * random.uniform()).sqrt();
            for (axis, extent) in [height, width].into_iter().enumerate() {
                view.along[axis] = view.along[axis].map(|part| part * side);
                view.offset[axis] += (random.uniform() - 0.5) * (1.0 - side) * (extent as f64 - 1.0);
            }
        }
        if shift_pixels > 0 {
            for axis in 0..2 {
                let pixels = random.below(2 * shift_pixels as u64 + 1) as f64;
                view.offset[axis] += pixels - shift_pixels as f64;
            }
        }
        if flip && random.below(2) == 1 {
            view.along.iter_mut().for_each(|row| row[1] = -row[1]);
        }
        view
    }

    fn is_identity(&self) -> bool {
        *self == View { along: [[1.0, 0.0], [0.0, 1.0]], offset: [0.0, 0.0] }
    }

    /// Bilinear between pixels; what lies outside is 0.
    fn show(&self, source: &[f32], [height, width, channels]: [usize; 3], out: &mut [f32]) {
        let centre = [(height as f64 - 1.0) / 2.0, (width as f64 - 1.0) / 2.0];
        let pixel = |y: f64, x: f64| -> Option<usize> {
            let inside = y >= 0.0 && x >= 0.0 && y < height as f64 && x < width as f64;
            inside.then_some((y as usize * width + x as usize) * channels)
        };
        for (place, out) in out.chunks_exact_mut(channels).enumerate() {
            let [dy, dx] = [(place / width) as f64 - centre[0], (place % width) as f64 - centre[1]];
            let at =
                |axis: usize| centre[axis] + self.along[axis][0] * dy + self.along[axis][1] * dx + self.offset[axis];
            let (y, x) = (at(0), at(1));
            let (top, left) = (y.floor(), x.floor());
            let (below, right) = ((y - top) as f32, (x - left) as f32);
            let corners = [
                (pixel(top, left), (1.0 - below) * (1.0 - right)),
                (pixel(top, left + 1.0), (1.0 - below) * right),
                (pixel(top + 1.0, left), below * (1.0 - right)),
                (pixel(top + 1.0, left + 1.0), below * right),
            ];
            out.fill(0.0);
            for (start, weight) in corners {
                let Some(start) = start.filter(|_| weight > 0.0) else { continue };
                for (out, value) in out.iter_mut().zip(&source[start..]) {
                    *out += weight * value;
                }
            }
        }
    }
}

/// Sets a square to 0 whose centre lies anywhere in the image.
fn cut_out(side: usize, [height, width, channels]: [usize; 3], random: &mut SplitMix64, image: &mut [f32]) {
    if side == 0 {
        return;
    }
    let [y, x] = [height, width].map(|extent| random.below(extent as u64) as usize);
    let range = |centre: usize, extent: usize| centre.saturating_sub(side / 2)..(centre + side.div_ceil(2)).min(extent);
    for row in range(y, height) {
        let columns = range(x, width);
        image[(row * width + columns.start) * channels..(row * width + columns.end) * channels].fill(0.0);
    }
}

/// Mixes each row with another of the batch, as the rows were before.
fn mix(parameter: f64, size: usize, generators: &mut [SplitMix64], images: &mut [f32]) -> Vec<Mixed> {
    let rows = generators.len() as u64;
    let mixed: Vec<Mixed> = generators
        .iter_mut()
        .map(|random| Mixed { partner: random.below(rows) as usize, share: beta(parameter, random) as f32 })
        .collect();
    let before = images.to_vec();
    for (image, Mixed { partner, share }) in images.chunks_exact_mut(size).zip(&mixed) {
        for (value, other) in image.iter_mut().zip(&before[partner * size..][..size]) {
            *value = share * *value + (1.0 - share) * other;
        }
    }
    mixed
}

/// A share from the beta distribution with both parameters equal (Jöhnk, Metrika 8, 1964).
fn beta(parameter: f64, random: &mut SplitMix64) -> f64 {
    /// Past so many tries, which parameters above a few would take, the middle is as good a draw.
    const TRIES: usize = 1000;
    for _ in 0..TRIES {
        let [x, y] = [random.uniform(), random.uniform()].map(|u| libm::pow(u, 1.0 / parameter));
        if x + y > 0.0 && x + y <= 1.0 {
            return x / (x + y);
        }
    }
    0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [4, 5, 2];

    fn images(rows: usize) -> Vec<f32> {
        (0..rows * 40).map(|k| (k % 40) as f32 + 1.0).collect()
    }

    fn after(augmentation: Augmentation, step: u64, rows: usize) -> Vec<f32> {
        let mut changed = images(rows);
        augment(&augmentation, SHAPE, 7, step, &mut changed);
        changed
    }

    #[test]
    fn without_a_wish_nothing_changes_and_every_step_draws_anew() {
        assert!(is_idle(&Augmentation::default()));
        assert_eq!(after(Augmentation::default(), 3, 2), images(2));
        let shift = Augmentation { shift_pixels: 2, ..Augmentation::default() };
        assert_eq!(after(shift, 3, 8), after(shift, 3, 8));
        assert_ne!(after(shift, 3, 8), after(shift, 4, 8));
    }

    #[test]
    fn a_flip_mirrors_rows_of_pixels_and_keeps_channels() {
        let flip = Augmentation { flip: true, ..Augmentation::default() };
        let mut mirrored = images(1);
        for row in mirrored.chunks_exact_mut(10) {
            let pixels: Vec<[f32; 2]> = row.as_chunks::<2>().0.iter().rev().copied().collect();
            row.copy_from_slice(pixels.as_flattened());
        }
        let found: Vec<Vec<f32>> = (0..20).map(|step| after(flip, step, 1)).collect();
        let flipped = found.iter().filter(|image| **image == mirrored).count();
        assert!((5..=15).contains(&flipped) && found.iter().all(|image| *image == mirrored || *image == images(1)));
    }

    #[test]
    fn a_shift_moves_pixels_as_they_are_and_brings_in_zeros() {
        let shift = Augmentation { shift_pixels: 1, ..Augmentation::default() };
        let original = images(1);
        let pixel = |image: &[f32], y: i64, x: i64| match (0..4).contains(&y) && (0..5).contains(&x) {
            true => image[((y * 5 + x) * 2) as usize],
            false => 0.0,
        };
        for step in 0..10 {
            let moved = after(shift, step, 1);
            let matches = |dy: i64, dx: i64| {
                (0..4).all(|y| (0..5).all(|x| pixel(&moved, y, x) == pixel(&original, y + dy, x + dx)))
            };
            assert!((-1..=1).any(|dy| (-1..=1).any(|dx| matches(dy, dx))), "{moved:?}");
        }
    }

    #[test]
    fn a_full_turn_of_nothing_is_exact_and_turns_keep_the_centre() {
        let rotate = Augmentation { rotate_degrees: 90.0, ..Augmentation::default() };
        let mut image = vec![0.0; 25];
        image[12] = 9.0;
        for step in 0..10 {
            let mut turned = image.clone();
            augment(&rotate, [5, 5, 1], 1, step, &mut turned);
            assert!((turned[12] - 9.0).abs() < 1e-4, "{turned:?}");
        }
    }

    #[test]
    fn a_crop_stays_inside_the_image() {
        let crop = Augmentation { crop: Some(0.25), ..Augmentation::default() };
        for step in 0..50 {
            let mut image = vec![5.0; 64];
            augment(&crop, [8, 8, 1], 1, step, &mut image);
            assert!(image.iter().all(|value| (*value - 5.0).abs() < 1e-4), "{image:?}");
        }
    }

    #[test]
    fn a_square_is_cut_out() {
        let cut = Augmentation { cutout_pixels: 2, ..Augmentation::default() };
        for step in 0..20 {
            let zeros = after(cut, step, 1).iter().filter(|value| **value == 0.0).count();
            assert!([2, 4, 8].contains(&zeros), "{zeros}");
        }
    }

    #[test]
    fn mixing_is_of_rows_as_they_were_and_tells_the_shares() {
        let mixup = Augmentation { mixup: 0.4, ..Augmentation::default() };
        let before: Vec<f32> = (0..6).flat_map(|row| vec![row as f32; 40]).collect();
        let mut after = before.clone();
        let mixed = augment(&mixup, SHAPE, 3, 0, &mut after).unwrap();
        for (row, Mixed { partner, share }) in mixed.iter().enumerate() {
            let expected = share * row as f32 + (1.0 - share) * *partner as f32;
            assert!((0.0..=1.0).contains(share) && after[row * 40] == expected);
        }
    }

    #[test]
    fn the_beta_distribution_has_its_mean_and_variance() {
        let mut random = SplitMix64::new(1);
        for parameter in [0.2, 1.0, 2.0] {
            let draws: Vec<f64> = (0..4000).map(|_| beta(parameter, &mut random)).collect();
            let mean = draws.iter().sum::<f64>() / 4000.0;
            let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 4000.0;
            let expected = 1.0 / (4.0 * (2.0 * parameter + 1.0));
            assert!((mean - 0.5).abs() < 0.03 && (variance / expected - 1.0).abs() < 0.1, "{mean} {variance}");
        }
    }
}
