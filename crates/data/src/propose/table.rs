//! What becomes of the columns of a table: inputs, or columns that are left out.

use std::collections::{BTreeMap, BTreeSet};

use tacit_spec::report::quoted;
use tacit_spec::{InputKind, Missing, OutputKind};

use crate::dataset::Part;
use crate::profile::{ColumnProfile, leak};
use crate::source::{Header, SourceKind};

use super::columns::{LeftOut, Typed};
use super::families::{self, Names};
use super::words::counted;
use super::{
    Finding, LeftOutInput, ProposedInput, ProposedOutput, ProposedSplit, Seen, UNUSABLE_MAX, columns, findings, names,
};

/// More inputs of numbers than this become one vector.
const NUMBERS_MAX: usize = 64;
/// The greatest and the least side of an image whose pictures differ in size; between them, their middle one counts.
const SIDE: usize = 64;
const SIDE_MIN: usize = 16;
/// The greatest side of pictures that are taken as they are.
const SIDE_MAX: usize = 128;

/// What becomes of the columns of a table.
pub(super) struct Table<'a> {
    seen: &'a Seen,
    pub columns: &'a [ColumnProfile],
    pub answered: &'a [usize],
    typed: BTreeMap<usize, Typed>,
    pub reasons: BTreeMap<usize, LeftOut>,
    /// Columns that give an answer away, and are used all the same because no other column is left.
    leaks_used: BTreeMap<usize, LeftOut>,
    group: Option<usize>,
    part: Option<usize>,
    /// Cells that cannot be used.
    unusable: u64,
}

impl<'a> Table<'a> {
    pub fn of(seen: &'a Seen, outputs: &[ProposedOutput], answered: &'a [usize]) -> Table<'a> {
        let columns = &seen.training.columns[..];
        let mut table = Table {
            seen,
            columns,
            answered,
            typed: BTreeMap::new(),
            reasons: BTreeMap::new(),
            leaks_used: BTreeMap::new(),
            group: None,
            part: None,
            unusable: 0,
        };
        let mut by_hash: BTreeMap<u64, usize> = BTreeMap::new();
        let inputs = (0..columns.len()).filter(|index| !answered.contains(index));
        for index in inputs {
            let column = &columns[index];
            table.typed.insert(index, columns::typed(column, &seen.beside(&column.name)));
            let first = *by_hash.entry(column.hash).or_insert(index);
            let reason = columns::useless(column, table.unreadable(column))
                .or_else(|| (first != index).then(|| LeftOut::Copy(columns[first].name.clone())));
            let reason = reason.or_else(|| table.leak(index, outputs)).or_else(|| table.spoilt(index));
            table.unusable += if reason.is_none() { table.typed[&index].unusable } else { 0 };
            table.reasons.extend(reason.map(|reason| (index, reason)));
        }
        table.find_part();
        table.find_group();
        table.use_leaks_alone();
        table
    }

    /// Where every other column says nothing, the answers may simply follow from one.
    fn use_leaks_alone(&mut self) {
        if self.typed.keys().all(|index| self.reasons.contains_key(index)) {
            let all = std::mem::take(&mut self.reasons);
            (self.leaks_used, self.reasons) =
                all.into_iter().partition(|(_, reason)| matches!(reason, LeftOut::Leak { .. }));
        }
    }

    /// Why the manifest cannot use a column as it is.
    fn unreadable(&self, column: &ColumnProfile) -> Option<&'static str> {
        let sniffed = &self.seen.sniffed;
        let is_in_all = self.seen.profiles().all(|profile| profile.position(&column.name).is_some());
        if column.name.is_empty() {
            Some("it has no name")
        } else if column.name.contains('*') {
            Some("its name holds a `*`, which stands for any text in the manifest: rename it")
        } else if sniffed.decimal_comma.contains(&column.name) {
            Some("numbers with a decimal comma: write them with a point")
        } else if sniffed.thousands_comma.contains(&column.name) {
            Some("numbers with commas between thousands: write them without")
        } else if !is_in_all {
            Some("not every file has it")
        } else {
            None
        }
    }

    fn leak(&self, index: usize, outputs: &[ProposedOutput]) -> Option<LeftOut> {
        let found = outputs.iter().zip(self.answered).find_map(|(output, target)| {
            let categorical = match &output.kind {
                OutputKind::Category { .. } | OutputKind::Anomaly { .. } => true,
                OutputKind::Number => false,
                OutputKind::Labels { .. } => return None,
            };
            Some((*target, leak(&self.seen.training.sample, index, *target, categorical)?))
        });
        found.map(|(target, how)| LeftOut::Leak { target: self.columns[target].name.clone(), how })
    }

    /// A column in which too many cells cannot be used would take too many rows with it.
    fn spoilt(&self, index: usize) -> Option<LeftOut> {
        let unusable = self.typed[&index].unusable;
        let rows: u64 = self.seen.profiles().map(|profile| profile.rows).sum();
        let first = self.columns[index].first_text.as_ref();
        ((self.unusable + unusable) as f64 > UNUSABLE_MAX * rows as f64).then(|| {
            let example =
                first.map_or(String::new(), |(at, text)| format!(", such as {} in {}", quoted(text), at.words()));
            LeftOut::Unreadable(format!("{} that do not fit{example}", counted(unusable, "cell")))
        })
    }

    /// A column whose cells all name a part of the data, and that names each.
    fn find_part(&mut self) {
        if self.seen.profiles().count() > 1 {
            return;
        }
        let names_parts = |column: &ColumnProfile| {
            let labels = column.labels().unwrap_or_default();
            let parts: Option<BTreeSet<&str>> =
                labels.iter().map(|label| Part::from_word(&label.text).map(Part::name)).collect();
            column.missing == 0 && column.texts > 0 && parts.is_some_and(|parts| parts.len() == Part::ALL.len())
        };
        self.part = self.typed.keys().copied().find(|index| names_parts(&self.columns[*index]));
        self.reasons.extend(self.part.map(|index| (index, LeftOut::Part)));
    }

    /// A column that says whom or what several rows are about.
    fn find_group(&mut self) {
        const GROUPS_MIN: u64 = 10;
        let is_group = |index: &usize| {
            let column = &self.columns[*index];
            let groups = column.values.count();
            let repeats = groups >= GROUPS_MIN && 2 * groups <= column.rows;
            let is_whole = column.texts + column.integers == column.rows;
            let is_usable = !matches!(self.reasons.get(index), Some(LeftOut::Unreadable(_)));
            names::is_owner(&column.name) && repeats && is_whole && is_usable
        };
        if self.part.is_none() {
            self.group = self.typed.keys().copied().find(is_group);
            self.reasons.extend(self.group.map(|index| (index, LeftOut::Group)));
        }
    }

    /// Beside a picture nothing else can be an input.
    pub fn only_pictures(&mut self) {
        let picture = self.typed.keys().copied().find(|index| self.columns[*index].pictures > 0);
        for index in self.typed.keys().copied().filter(|index| Some(*index) != picture) {
            let reason = || LeftOut::Beside;
            self.reasons.entry(index).or_insert_with(reason);
        }
        if let Some(index) = picture {
            let (kind, seen) = picture_size(&self.columns[index]);
            self.typed.insert(index, Typed { kind, missing: Missing::Refuse, seen, unusable: 0 });
            self.reasons.remove(&index);
            self.unusable = 0;
        }
    }

    /// Whether a column is one of those that a folder of pictures has beside pictures and labels.
    fn is_made_up(&self, index: usize) -> bool {
        self.seen.training.kind == SourceKind::ImageFolder && self.columns[index].pictures == 0
    }

    pub fn split(&self) -> ProposedSplit {
        let name = |index: usize| self.columns[index].name.clone();
        match (self.part, self.group) {
            (Some(index), _) => ProposedSplit::Given { column: name(index) },
            (None, Some(index)) => {
                ProposedSplit::Grouped { column: name(index), groups: self.columns[index].values.count() }
            }
            (None, None) => ProposedSplit::Random,
        }
    }

    /// The inputs, and the columns that they use; columns that belong together become one.
    pub fn inputs(&mut self, taken: &mut BTreeSet<String>) -> (Vec<ProposedInput>, Vec<usize>) {
        let is_used = |table: &Table, index: &usize| !table.reasons.contains_key(index);
        let is_number = |typed: &Typed| matches!(typed.kind, InputKind::Number { .. });
        // A constant pixel and one that equals another still have their place in the image.
        let may_join = |table: &Table, index: &usize| match table.reasons.get(index) {
            None | Some(LeftOut::Constant(_) | LeftOut::Copy(_)) => is_number(&table.typed[index]),
            Some(
                LeftOut::Identifier(_)
                | LeftOut::FreeText(_)
                | LeftOut::MostlyMissing(_)
                | LeftOut::Group
                | LeftOut::Part
                | LeftOut::Beside
                | LeftOut::Unreadable(_)
                | LeftOut::Leak { .. },
            ) => false,
        };
        let candidates: Vec<usize> = self.typed.keys().copied().filter(|index| may_join(self, index)).collect();
        let has_names = self.seen.sniffed.options.header != Header::Numbered;
        // (the first column, its stem, the columns)
        let mut joined: Vec<(Option<String>, Vec<usize>)> = Vec::new();
        let mut image = None;
        if has_names {
            for family in families::families(self.columns, &candidates) {
                let is_alone = self.typed.keys().all(|index| family.members.contains(index) || !is_used(self, index));
                image = image.or_else(|| families::image(self.columns, &family).filter(|_| is_alone));
                joined.push((Some(family.stem), family.members));
            }
        }
        let in_family = |joined: &[(Option<String>, Vec<usize>)], index: &usize| {
            joined.iter().any(|(_, members)| members.contains(index))
        };
        let single: Vec<usize> =
            candidates.iter().copied().filter(|index| is_used(self, index) && !in_family(&joined, index)).collect();
        if single.len() > NUMBERS_MAX {
            joined.push((None, single));
        }
        let mut parts: Vec<(usize, Option<usize>)> = joined
            .iter()
            .enumerate()
            .map(|(place, (_, members))| (members[0], Some(place)))
            .chain(
                self.typed
                    .keys()
                    .filter(|index| is_used(self, index) && !in_family(&joined, index))
                    .map(|index| (*index, None)),
            )
            .collect();
        parts.sort_unstable();
        joined.iter().flat_map(|(_, members)| members).for_each(|index| {
            self.reasons.remove(index);
        });
        let titles: Vec<String> = parts
            .iter()
            .map(|(index, place)| match place {
                Some(_) if image.is_some() => "image".to_owned(),
                Some(place) => joined[*place].0.clone().unwrap_or_else(|| "numbers".to_owned()),
                None => self.columns[*index].name.clone(),
            })
            .collect();
        let names = names::unique_names(titles.iter().map(String::as_str), taken);
        let mut used = Vec::new();
        let mut inputs = Vec::new();
        for ((index, place), name) in parts.into_iter().zip(names) {
            let Some(place) = place else {
                used.push(index);
                inputs.push(self.single(index, name));
                continue;
            };
            let (stem, members) = &joined[place];
            used.extend(members);
            let has_missing = members.iter().any(|index| self.typed[index].missing != Missing::Refuse);
            let kind = image.clone().unwrap_or(InputKind::Vector { length: members.len(), encoding: None });
            inputs.push(ProposedInput {
                name,
                missing: if has_missing { Missing::Median } else { Missing::Refuse },
                columns: families::names(self.columns, stem.as_deref(), members),
                seen: families::seen(self.columns, members, &kind),
                kind,
            });
        }
        (inputs, used)
    }

    fn single(&self, index: usize, name: String) -> ProposedInput {
        let Typed { kind, missing, seen, unusable: _ } = self.typed[&index].clone();
        let columns = Names::One(self.columns[index].name.clone());
        ProposedInput { name, kind, missing, columns, seen }
    }

    pub fn left_out(&self, taken: &mut BTreeSet<String>) -> Vec<LeftOutInput> {
        let names = self.reasons.keys().map(|index| self.columns[*index].name.as_str());
        let names = names::unique_names(names.collect::<Vec<_>>().into_iter(), taken);
        // Of a folder of pictures the name of the file and the part say nothing that was not known.
        let is_told = |index: &usize| !self.is_made_up(*index);
        let left_out =
            self.reasons.iter().zip(names).filter(|((index, _), _)| is_told(index)).map(|((index, reason), name)| {
                LeftOutInput {
                    input: self.single(*index, name),
                    reason: reason.clone(),
                    usable: self.columns[*index].lists + self.columns[*index].pictures == 0
                        && self.columns[*index].present() > 0
                        && self.unreadable(&self.columns[*index]).is_none(),
                }
            });
        left_out.collect()
    }

    pub fn findings(&self, inputs: &[ProposedInput], used: &[usize]) -> Vec<Finding> {
        let single: Vec<usize> = self
            .typed
            .keys()
            .copied()
            .filter(|index| {
                let name = Names::One(self.columns[*index].name.clone());
                inputs.iter().any(|input| input.columns == name)
            })
            .collect();
        let told = self.reasons.iter().filter(|(index, _)| !self.is_made_up(**index));
        let mut found = findings::of_left_out(&self.seen.training.name, self.columns, told);
        found.extend(findings::of_used_leaks(&self.seen.training.name, self.columns, &self.leaks_used));
        found.extend(findings::of_numbers(&self.seen.training, &single, &self.typed));
        found.extend(findings::of_cells(&self.seen.training, used, &self.typed));
        found.extend(findings::of_dates(&self.seen.training.name, self.columns, &single, &self.typed));
        found
    }
}

/// The size of images for pictures: theirs if they agree, else a usual one.
fn picture_size(column: &ColumnProfile) -> (InputKind, String) {
    let channels = column.sizes.keys().map(|size| size[2]).max().unwrap_or(1);
    let channels = if channels == 1 { 1 } else { 3 };
    let sides: BTreeSet<[usize; 2]> = column.sizes.keys().map(|[height, width, _]| [*height, *width]).collect();
    let count = counted(column.pictures, "picture");
    let image = |[height, width]: [usize; 2]| InputKind::Image { height, width, channels, scale: Some(255.0) };
    match sides.first() {
        Some(side @ [height, width]) if sides.len() == 1 && *height.max(width) <= SIDE_MAX => {
            (image(*side), format!("{count} of {height} × {width}"))
        }
        Some(_) | None => {
            let mut shorter: Vec<usize> = column
                .sizes
                .iter()
                .flat_map(|([height, width, _], count)| std::iter::repeat_n(*height.min(width), *count as usize))
                .collect();
            shorter.sort_unstable();
            let side = shorter.get(shorter.len() / 2).map_or(SIDE, |middle| (*middle).clamp(SIDE_MIN, SIDE));
            let least = shorter.first().copied().unwrap_or(side);
            let most = column.sizes.keys().map(|[height, width, _]| height.max(width)).max().copied().unwrap_or(side);
            (image([side, side]), format!("{count}, sides of {least} to {most} pixels; they are fitted"))
        }
    }
}
