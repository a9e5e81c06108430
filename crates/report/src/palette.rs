//! The colours of the page, in light and in dark, defined once.
//!
//! The series are told apart by people with every common form of colour vision, and text stands out from what is behind it
//! by the ratio that WCAG 2.2 asks for (success criteria 1.4.3 and 1.4.11); the tests compute both.

use std::fmt::Write as _;

/// A colour's name in the style sheet, and what it is in light and in dark.
type Colour = (&'static str, &'static str, &'static str);

const COLOURS: [Colour; 26] = [
    ("page", "#ffffff", "#14171c"),
    ("raised", "#f6f7f9", "#1c2027"),
    ("line", "#e3e6eb", "#2c323b"),
    ("line-strong", "#c3c9d2", "#46505d"),
    ("ink", "#171b22", "#eceff3"),
    ("ink-soft", "#3f4753", "#c3cad4"),
    ("ink-quiet", "#5b6573", "#98a2b0"),
    ("accent", "#1f5fae", "#7fb4f2"),
    ("accent-tint", "#edf4fc", "#1a2a3e"),
    ("good", "#0a6b52", "#58c9a4"),
    ("good-tint", "#e9f6f1", "#15302a"),
    ("bad", "#b23a0a", "#ff9566"),
    ("bad-tint", "#fdf0ea", "#3a2218"),
    ("warn", "#7d5700", "#e6b84d"),
    ("warn-tint", "#fdf5df", "#33290f"),
    // Series, after Okabe and Ito, "Color Universal Design" (2008), darkened or lightened for their backgrounds.
    ("s1", "#1f6fb8", "#6cb2f0"),
    ("s2", "#c24e00", "#ff9a5c"),
    ("s3", "#005f4a", "#7be0bd"),
    ("s4", "#9b4a86", "#e59fd0"),
    ("s5", "#7f6a00", "#e8d24a"),
    ("s6", "#4a5563", "#b4bdc9"),
    ("on-strong", "#ffffff", "#0d1014"),
    // Text over cells of a matrix, named by what is readable in light and in dark: black or white.
    ("over-bb", "#000000", "#000000"),
    ("over-bw", "#000000", "#ffffff"),
    ("over-wb", "#ffffff", "#000000"),
    ("over-ww", "#ffffff", "#ffffff"),
];

/// The colour of text over a cell that is filled with a share of a series' colour: in light and in dark, black or white,
/// whichever stands out more.
pub(crate) fn ink_over(series: &str, strength: f64) -> &'static str {
    let is_white = |theme: usize| {
        let behind = mixed(colour("raised")[theme], colour(series)[theme], strength);
        contrast("#ffffff", &behind) > contrast("#000000", &behind)
    };
    match (is_white(0), is_white(1)) {
        (false, false) => "over-bb",
        (false, true) => "over-bw",
        (true, false) => "over-wb",
        (true, true) => "over-ww",
    }
}

/// A colour in light and in dark.
fn colour(name: &str) -> [&'static str; 2] {
    let found = COLOURS.iter().find(|(known, _, _)| *known == name);
    let (_, light, dark) = found.expect("the page names its own colours only");
    [light, dark]
}

/// A colour laid over another one with a share of opacity.
fn mixed(below: &str, above: &str, share: f64) -> String {
    let [r, g, b] = [0, 1, 2].map(|k| (bytes(below)[k] * (1.0 - share) + bytes(above)[k] * share).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn bytes(colour: &str) -> [f64; 3] {
    [1, 3, 5].map(|at| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour in hexadecimal")))
}

/// Red, green and blue of light, each from 0 to 1 (IEC 61966-2-1).
fn linear(colour: &str) -> [f64; 3] {
    bytes(colour).map(|byte| match byte / 255.0 {
        dark if dark <= 0.04045 => dark / 12.92,
        value => libm::pow((value + 0.055) / 1.055, 2.4),
    })
}

/// The contrast ratio of WCAG 2.2.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |colour: &str| {
        let [r, g, b] = linear(colour);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The colours as rules of a style sheet: by the system's preference, by the reader's choice, and light on paper.
pub(crate) fn rules() -> String {
    let (mut light, mut dark) = (String::from("color-scheme:light;"), String::from("color-scheme:dark;"));
    for (name, in_light, in_dark) in COLOURS {
        // Writing to a string does not fail.
        let _ = write!(light, "--{name}:{in_light};");
        let _ = write!(dark, "--{name}:{in_dark};");
    }
    format!(
        ":root{{{light}}}\n\
         @media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         :root[data-theme=\"light\"]{{{light}}}\n\
         :root[data-theme=\"dark\"]{{{dark}}}\n\
         @media print{{:root,:root[data-theme=\"dark\"]{{{light}}}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_contrast(front: &str, back: &str, least: f64) {
        for (front_colour, back_colour) in colour(front).into_iter().zip(colour(back)) {
            let ratio = contrast(front_colour, back_colour);
            assert!(ratio >= least, "{front} on {back}: {ratio:.2} is below {least}");
        }
    }

    #[test]
    fn text_stands_out_from_what_is_behind_it() {
        for ink in ["ink", "ink-soft", "ink-quiet", "accent", "good", "bad", "warn"] {
            for paper in ["page", "raised"] {
                assert_contrast(ink, paper, 4.5);
            }
        }
        for (ink, paper) in
            [("good", "good-tint"), ("bad", "bad-tint"), ("warn", "warn-tint"), ("accent", "accent-tint")]
        {
            assert_contrast(ink, paper, 4.5);
            assert_contrast("ink", paper, 4.5);
            assert_contrast("ink-soft", paper, 4.5);
            assert_contrast("ink-quiet", paper, 4.5);
        }
        for paper in ["s1", "s2", "good", "bad", "accent"] {
            assert_contrast("on-strong", paper, 4.5);
        }
    }

    #[test]
    fn numbers_in_cells_of_any_strength_can_be_read() {
        for theme in 0..2 {
            for cell in ["s1", "s2"] {
                for percent in 0..=100 {
                    let strength = f64::from(percent) / 100.0;
                    let behind = mixed(colour("raised")[theme], colour(cell)[theme], strength);
                    let ratio = contrast(colour(ink_over(cell, strength))[theme], &behind);
                    assert!(ratio >= 4.5, "{cell} at {percent} % in theme {theme}: {ratio:.2}");
                }
            }
        }
    }

    #[test]
    fn words_in_a_series_colour_can_be_read() {
        for series in ["s1", "s2", "s3", "s4", "s5", "s6"] {
            assert_contrast(series, "page", 4.5);
        }
    }

    #[test]
    fn the_first_series_differ_for_every_common_colour_vision() {
        // Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009),
        // severity 1.0, on light.
        let visions = [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
            [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
            [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
        ];
        let seen = |colour: &str, vision: [[f64; 3]; 3]| {
            let light = linear(colour);
            oklab(vision.map(|row| row.iter().zip(light).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0)))
        };
        for vision in visions {
            for theme in 0..2 {
                for (a, b) in [("s1", "s2"), ("s1", "s3"), ("s2", "s3"), ("good", "bad")] {
                    let (a_seen, b_seen) = (seen(colour(a)[theme], vision), seen(colour(b)[theme], vision));
                    let apart = a_seen.iter().zip(b_seen).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt();
                    assert!(apart > 0.05, "{a} and {b} in theme {theme}: {apart:.3} ({vision:?})");
                }
            }
        }
    }

    /// Björn Ottosson, "A perceptual color space for image processing" (2020).
    fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
        let l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b).cbrt();
        let m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b).cbrt();
        let s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b).cbrt();
        [
            0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
        ]
    }

    #[test]
    fn every_colour_of_the_style_sheet_is_defined() {
        let style = include_str!("style.css");
        for used in style.split("var(--").skip(1).filter_map(|rest| rest.split([')', ',']).next()) {
            let is_local = style.contains(&format!("--{used}:"));
            assert!(is_local || COLOURS.iter().any(|(name, _, _)| *name == used), "`--{used}` is not defined");
        }
    }
}
