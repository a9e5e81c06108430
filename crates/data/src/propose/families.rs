//! Numbered columns that belong together: a vector, or the pixels of an image.

use std::collections::BTreeMap;

use tacit_spec::report::Place;
use tacit_spec::{InputKind, Pattern};

use crate::profile::ColumnProfile;

use super::words::figure;

/// Columns of numbers whose names are one text and numbers, as `S1` to `S24` or `pixel_0_0` to `pixel_7_7`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Family {
    /// What the names begin with.
    pub stem: String,
    /// Positions in the file, ascending.
    pub members: Vec<usize>,
    /// The numbers in the names ascend as well.
    pub in_order: bool,
}

/// How the columns of a vector or an image are written in the manifest.
#[derive(Clone, Debug, PartialEq)]
pub enum Names {
    One(String),
    Pattern(String),
    List(Vec<String>),
}

/// Fewer columns stand for themselves.
pub(crate) const FAMILY_MIN: usize = 8;

/// The families among some columns of a table.
pub(crate) fn families(columns: &[ColumnProfile], candidates: &[usize]) -> Vec<Family> {
    // A stem and how many numbers follow it; the columns with theirs.
    type ByForm = BTreeMap<(String, usize), Vec<(usize, Vec<u64>)>>;
    let mut by_form = ByForm::new();
    for index in candidates {
        if let Some((stem, numbers)) = numbered(&columns[*index].name) {
            by_form.entry((stem, numbers.len())).or_default().push((*index, numbers));
        }
    }
    let mut families: Vec<Family> = by_form
        .into_iter()
        .filter(|(_, members)| members.len() >= FAMILY_MIN)
        .map(|((stem, _), members)| Family {
            stem,
            in_order: members.windows(2).all(|pair| pair[0].1 < pair[1].1),
            members: members.into_iter().map(|(index, _)| index).collect(),
        })
        .collect();
    families.sort_by_key(|family| family.members[0]);
    families
}

/// A pattern if it matches these columns and no other, else all their names.
pub(crate) fn names(columns: &[ColumnProfile], stem: Option<&str>, members: &[usize]) -> Names {
    let names = || members.iter().map(|index| columns[*index].name.as_str());
    let stem = stem.map_or_else(|| shared_begin(names()), str::to_owned);
    let pattern = Pattern { text: format!("{stem}*"), place: Place::Nowhere };
    match (0..columns.len()).all(|index| pattern.matches(&columns[index].name) == members.contains(&index)) {
        true => Names::Pattern(pattern.text),
        false => Names::List(names().map(str::to_owned).collect()),
    }
}

/// What all names begin with.
fn shared_begin<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let first = names.next().unwrap_or_default();
    names.fold(first.to_owned(), |shared, name| {
        shared.chars().zip(name.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
    })
}

/// The image that a family holds, if it is named and filled like one.
pub(crate) fn image(columns: &[ColumnProfile], family: &Family) -> Option<InputKind> {
    const STEMS: &[&str] = &["p", "px", "pix", "pixel", "pixels", "image", "img"];
    const SIDE_MIN: usize = 4;
    let stem = family.stem.trim_end_matches(['_', '-', '.', ' ']).to_lowercase();
    let side = family.members.len().isqrt();
    if !STEMS.contains(&stem.as_str()) || side * side != family.members.len() || side < SIDE_MIN || !family.in_order {
        return None;
    }
    let members = || family.members.iter().map(|index| &columns[*index]);
    let is_full = members().all(|column| column.numbers == column.rows && column.least >= 0.0);
    let greatest = members().map(|column| column.greatest).fold(0.0, f64::max);
    let is_whole = members().all(|column| column.integers == column.numbers);
    let scale = if greatest <= 1.0 {
        1.0
    } else if greatest <= 16.0 && is_whole {
        16.0
    } else {
        255.0
    };
    (is_full && greatest <= scale && (is_whole || scale == 1.0)).then_some(InputKind::Image {
        height: side,
        width: side,
        channels: 1,
        scale: Some(scale),
    })
}

/// What was seen of several columns of numbers.
pub(crate) fn seen(columns: &[ColumnProfile], members: &[usize], kind: &InputKind) -> String {
    let members = || members.iter().map(|index| &columns[*index]);
    let least = members().map(|column| column.least).fold(f64::INFINITY, f64::min);
    let greatest = members().map(|column| column.greatest).fold(f64::NEG_INFINITY, f64::max);
    let what = match kind {
        InputKind::Image { .. } => "pixels",
        InputKind::Number { .. }
        | InputKind::Category { .. }
        | InputKind::Ordinal { .. }
        | InputKind::Date { .. }
        | InputKind::Vector { .. } => "columns of numbers",
    };
    format!("{} {what}, {} to {}", members().count(), figure(least), figure(greatest))
}

/// The text before the first digit and the numbers in the rest, between which single marks may stand.
fn numbered(name: &str) -> Option<(String, Vec<u64>)> {
    let start = name.find(|character: char| character.is_ascii_digit())?;
    let (stem, rest) = name.split_at(start);
    if stem.is_empty() || stem.contains('*') {
        return None;
    }
    let numbers: Option<Vec<u64>> = rest.split(['_', '-', '.', 'x', ',']).map(|number| number.parse().ok()).collect();
    Some((stem.to_owned(), numbers?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_a_stem_and_numbers() {
        assert_eq!(numbered("S12"), Some(("S".to_owned(), vec![12])));
        assert_eq!(numbered("pixel_0_7"), Some(("pixel_".to_owned(), vec![0, 7])));
        assert_eq!(numbered("p07"), Some(("p".to_owned(), vec![7])));
        for name in ["a", "7", "x1a", "od280/od315", "a*1"] {
            assert_eq!(numbered(name), None, "{name}");
        }
    }

    #[test]
    fn the_begin_that_names_share_is_found() {
        assert_eq!(shared_begin(["gene_a", "gene_b", "gens"].into_iter()), "gen");
        assert_eq!(shared_begin(["größe", "größer"].into_iter()), "größe");
        assert_eq!(shared_begin(["a", "b"].into_iter()), "");
    }
}
