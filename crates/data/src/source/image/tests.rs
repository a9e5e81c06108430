use proptest::prelude::*;

use super::*;

fn grey(height: usize, width: usize, pixels: &[u8]) -> Picture {
    Picture { height, width, channels: 1, pixels: pixels.to_vec() }
}

#[test]
fn a_picture_of_its_own_size_stays_as_it_is() {
    let picture = grey(2, 3, &[0, 50, 100, 150, 200, 255]);
    assert_eq!(picture.fit(2, 3, 1), picture.pixels);
}

#[test]
fn grey_follows_the_luma_weights_and_colour_repeats_grey() {
    let picture = Picture {
        height: 1,
        width: 5,
        channels: 3,
        pixels: vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 10, 20, 30],
    };
    // 0.299 · 255 = 76.2, 0.587 · 255 = 149.7, 0.114 · 255 = 29.1, 0.299 · 10 + 0.587 · 20 + 0.114 · 30 = 18.2.
    assert_eq!(picture.fit(1, 5, 1), [76, 150, 29, 255, 18]);
    assert_eq!(grey(1, 2, &[3, 9]).fit(1, 2, 3), [3, 3, 3, 9, 9, 9]);
}

#[test]
fn shrinking_averages_under_a_triangle() {
    // Halving: weights 1 3 3 1 about each centre, cut off at the borders.
    let row = grey(1, 6, &[0, 80, 160, 240, 0, 40]);
    // (3 · 0 + 3 · 80 + 160) / 7, (80 + 3 · 160 + 3 · 240 + 0) / 8 and (240 + 3 · 0 + 3 · 40) / 7.
    assert_eq!(row.fit(1, 3, 1), [57, 160, 51]);
    let column = grey(6, 1, &[0, 80, 160, 240, 0, 40]);
    assert_eq!(column.fit(3, 1, 1), row.fit(1, 3, 1));
    assert_eq!(grey(2, 2, &[0, 100, 100, 201]).fit(1, 1, 1), [100]);
}

#[test]
fn enlarging_interpolates_between_centres() {
    // The new centres lie at −¼, ¼, ¾ and 1¼ old pixels.
    assert_eq!(grey(1, 2, &[0, 100]).fit(1, 4, 1), [0, 25, 75, 100]);
    assert_eq!(grey(1, 1, &[7]).fit(3, 2, 1), [7; 6]);
}

#[test]
fn channels_do_not_mix() {
    let colour = Picture { height: 1, width: 2, channels: 3, pixels: vec![0, 100, 200, 50, 100, 0] };
    assert_eq!(colour.fit(1, 1, 3), [25, 100, 100]);
}

/// The same by the definition, in floating point.
fn by_definition(picture: &Picture, height: usize, width: usize) -> Vec<f64> {
    let weight = |from: usize, to: usize, i: usize, j: usize| {
        let centre = (i as f64 + 0.5) * from as f64 / to as f64;
        let half = (from as f64 / to as f64).max(1.0);
        (1.0 - (j as f64 + 0.5 - centre).abs() / half).max(0.0)
    };
    let mut out = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let (mut sum, mut total) = (0.0, 0.0);
            for j in 0..picture.height {
                for k in 0..picture.width {
                    let weight = weight(picture.height, height, row, j) * weight(picture.width, width, column, k);
                    sum += weight * f64::from(picture.pixels[j * picture.width + k]);
                    total += weight;
                }
            }
            out.push(sum / total);
        }
    }
    out
}

proptest! {
    #[test]
    fn resizing_is_within_a_rounding_of_its_definition(
        height in 1usize..12, width in 1usize..12, new_height in 1usize..12, new_width in 1usize..12, seed in any::<u64>(),
    ) {
        let mut random = crate::random::SplitMix64::new(seed);
        let pixels: Vec<u8> = (0..height * width).map(|_| random.next_u64() as u8).collect();
        let picture = grey(height, width, &pixels);
        let found = picture.fit(new_height, new_width, 1);
        for (value, exact) in found.iter().zip(by_definition(&picture, new_height, new_width)) {
            prop_assert!((f64::from(*value) - exact).abs() <= 0.5 + 1.0 / 256.0, "{value} for {exact}");
        }
        let flat = grey(height, width, &vec![77; height * width]);
        prop_assert!(flat.fit(new_height, new_width, 1).iter().all(|value| *value == 77));
    }
}
