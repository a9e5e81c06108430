//! The loop nest: iteration axes and the access of every operand and of the output.
//!
//! Every instruction but the leaves is such a nest with a scalar body. Its meaning is given element by element of the
//! output (`Nest::resolve`): the output's index determines some axes, the others are the *reduction box*, walked in the
//! declared order. A term whose access is out of range in any operand is skipped.

use crate::error::{self, GraphError, Result};
use std::fmt;

/// An iteration axis, named by one letter within its nest.
pub type AxisName = char;

/// How one dimension of a tensor is indexed by the axes of a nest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    /// The axis itself: coefficient 1, offset 0, and the axis's extent equals the dimension's.
    Axis(AxisName),
    /// Several axes merged into one dimension, the first the most significant; the dimension's extent is the product
    /// of theirs. Kept symbolic, so that changing an extent needs no new strides.
    Radix(Vec<AxisName>),
    /// Σ coefficient·axis + constant; out of range means skipped (or filled, in a `move`).
    Affine { terms: Vec<(i64, AxisName)>, constant: i64 },
    /// The value of the index operand: the one data-dependent access, in `gather` and `scatter` only.
    Lookup,
}

/// One [`Index`] for each dimension of a tensor.
pub type Access = Vec<Index>;

/// Σ coefficient·axis, axes by position.
pub type Terms = Vec<(i64, usize)>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nest {
    /// The axes with their extents in the declared order: terms of one output element are taken lexicographically.
    pub axes: Vec<(AxisName, usize)>,
    pub operands: Vec<Access>,
    pub output: Access,
}

/// How one dimension of the output's index fixes the axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Determined {
    /// The axes whose digits, most significant first, are this dimension's index.
    Digits(Vec<usize>),
    /// The axis follows from the index and the other terms by exact division; otherwise the term is skipped.
    Solved { axis: usize, coefficient: i64, others: Terms, constant: i64 },
    /// Every axis is fixed already; the term is skipped unless the sum equals the index.
    Checked { terms: Terms, constant: i64 },
    /// The index operand decides (`scatter`).
    Lookup,
}

/// The meaning of a nest from the output's side; axes are positions in `Nest::axes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// One entry per output dimension.
    pub output: Vec<Determined>,
    /// The axes that the output's index leaves free, in the declared order. Positions in this box count every term,
    /// skipped ones included.
    pub reduction: Vec<usize>,
}

impl Resolved {
    /// True if every output element has exactly the box's terms: no solving and no checking.
    pub fn is_plain(&self) -> bool {
        self.output.iter().all(|d| match d {
            Determined::Digits(_) => true,
            Determined::Solved { .. } | Determined::Checked { .. } | Determined::Lookup => false,
        })
    }
}

impl Nest {
    pub fn extent(&self, axis: AxisName) -> Option<usize> {
        self.axes.iter().find(|(name, _)| *name == axis).map(|(_, extent)| *extent)
    }

    pub fn position(&self, axis: AxisName) -> Option<usize> {
        self.axes.iter().position(|(name, _)| *name == axis)
    }

    /// An access's dimension as Σ coefficient·axis + constant over axis positions. `Lookup` has none.
    pub fn affine(&self, index: &Index) -> (Terms, i64) {
        let position = |axis: AxisName| self.position(axis).expect("a verified nest names its axes");
        match index {
            Index::Axis(axis) => (vec![(1, position(*axis))], 0),
            Index::Radix(axes) => {
                let mut terms = vec![];
                let mut stride = 1;
                for axis in axes.iter().rev() {
                    terms.push((stride, position(*axis)));
                    stride *= self.axes[position(*axis)].1 as i64;
                }
                terms.reverse();
                (terms, 0)
            }
            Index::Affine { terms, constant } => (terms.iter().map(|(c, a)| (*c, position(*a))).collect(), *constant),
            Index::Lookup => (vec![], 0),
        }
    }

    /// The smallest and greatest index that a dimension's access takes over all iterations; `None` for `Lookup` and
    /// for a nest without iterations.
    pub fn range(&self, index: &Index) -> Option<(i64, i64)> {
        if *index == Index::Lookup || self.axes.iter().any(|(_, extent)| *extent == 0) {
            return None;
        }
        let (terms, constant) = self.affine(index);
        let mut low = constant;
        let mut high = constant;
        for (coefficient, axis) in terms {
            let reach = coefficient * (self.axes[axis].1 as i64 - 1);
            low += reach.min(0);
            high += reach.max(0);
        }
        Some((low, high))
    }

    /// True if the access stays inside a tensor of this shape for all iterations.
    pub fn stays_inside(&self, access: &[Index], shape: &[usize]) -> bool {
        access.iter().zip(shape).all(|(index, extent)| match self.range(index) {
            Some((low, high)) => low >= 0 && high < *extent as i64,
            None => *index != Index::Lookup,
        })
    }

    /// Which axes the output's index determines, and which are left to the reduction box.
    ///
    /// Dimensions made of plain axes come first. Then, in order, each affine dimension solves its last axis (in the
    /// declared order) that is neither determined nor already left to the box; its other free axes go to the box.
    pub fn resolve(&self) -> Resolved {
        #[derive(Clone, Copy, PartialEq)]
        enum Fate {
            Open,
            Determined,
            Box,
        }
        let mut fate = vec![Fate::Open; self.axes.len()];
        let mut output: Vec<Option<Determined>> = vec![None; self.output.len()];
        for (index, slot) in self.output.iter().zip(&mut output) {
            let digits = match index {
                Index::Axis(axis) => vec![self.position(*axis).expect("a verified nest names its axes")],
                Index::Radix(_) => self.affine(index).0.into_iter().map(|(_, axis)| axis).collect(),
                Index::Affine { .. } => continue,
                Index::Lookup => {
                    *slot = Some(Determined::Lookup);
                    continue;
                }
            };
            if digits.iter().all(|axis| fate[*axis] == Fate::Open) {
                for axis in &digits {
                    fate[*axis] = Fate::Determined;
                }
                *slot = Some(Determined::Digits(digits));
            }
        }
        for (index, slot) in self.output.iter().zip(&mut output) {
            if slot.is_some() {
                continue;
            }
            let (terms, constant) = self.affine(index);
            let solved = terms
                .iter()
                .filter(|(coefficient, axis)| *coefficient != 0 && fate[*axis] == Fate::Open)
                .map(|(_, axis)| *axis)
                .max();
            *slot = Some(match solved {
                None => Determined::Checked { terms, constant },
                Some(axis) => {
                    for (_, other) in &terms {
                        if *other != axis && fate[*other] == Fate::Open {
                            fate[*other] = Fate::Box;
                        }
                    }
                    fate[axis] = Fate::Determined;
                    let coefficient = terms.iter().filter(|(_, a)| *a == axis).map(|(c, _)| c).sum();
                    let others = terms.into_iter().filter(|(_, a)| *a != axis).collect();
                    Determined::Solved { axis, coefficient, others, constant }
                }
            });
        }
        let reduction = (0..self.axes.len()).filter(|axis| fate[*axis] != Fate::Determined).collect();
        Resolved { output: output.into_iter().map(|d| d.expect("every dimension was visited")).collect(), reduction }
    }

    /// The axes that appear as plain dimensions (alone or merged) of an access.
    pub fn plain_axes(access: &[Index]) -> Vec<AxisName> {
        let mut plain = vec![];
        for index in access {
            match index {
                Index::Axis(axis) => plain.push(*axis),
                Index::Radix(axes) => plain.extend(axes),
                Index::Affine { .. } | Index::Lookup => {}
            }
        }
        plain
    }

    /// The axes in the order that the adjoint takes its terms: first those that the output does not name plainly,
    /// then the others. It makes the adjoint of an adjoint the original.
    pub fn adjoint_axes(&self) -> Vec<(AxisName, usize)> {
        let plain = Nest::plain_axes(&self.output);
        let (kept, reduced): (Vec<_>, Vec<_>) = self.axes.iter().partition(|(name, _)| plain.contains(name));
        reduced.into_iter().chain(kept).collect()
    }

    /// A letter that no axis of this nest uses.
    pub fn fresh_axis(&self) -> Result<AxisName> {
        ('a'..='z')
            .find(|letter| self.position(*letter).is_none())
            .ok_or_else(|| GraphError::new(error::SIZE, "a nest has at most 26 axes"))
    }

    /// Reads accesses such as `"{2h+i-1}{2w+j-1}c,ijco->hwo"`: operands, then the output.
    pub fn parse_accesses(words: &str) -> Result<(Vec<Access>, Access)> {
        let syntax = |message: String| GraphError::new(error::SYNTAX, message);
        let (operands, output) = words.split_once("->").ok_or_else(|| syntax(format!("`{words}` has no `->`")))?;
        let operands = operands.split(',').map(parse_access).collect::<Result<Vec<_>>>()?;
        Ok((operands, parse_access(output)?))
    }

    /// Derives the axes of a nest from its accesses and the shapes they read, with `given` extents for those that no
    /// plain access shows (windows). The order is the output's axes, then the others as they first appear.
    pub fn infer(words: &str, shapes: &[&[usize]], given: &[(AxisName, usize)]) -> Result<Nest> {
        let (operands, output) = Nest::parse_accesses(words)?;
        let mut names: Vec<AxisName> = vec![];
        for access in std::iter::once(&output).chain(&operands) {
            for axis in axes_of(access) {
                if !names.contains(&axis) {
                    names.push(axis);
                }
            }
        }
        let mut axes = vec![];
        for name in names {
            let shown = operands.iter().zip(shapes).find_map(|(access, shape)| {
                access.iter().zip(shape.iter()).find(|(index, _)| **index == Index::Axis(name)).map(|(_, e)| *e)
            });
            let extent = given.iter().find(|(axis, _)| *axis == name).map(|(_, e)| *e).or(shown);
            axes.push((name, extent));
        }
        // A merged dimension shows the one extent that its other axes leave open.
        for (access, shape) in operands.iter().zip(shapes) {
            for (index, extent) in access.iter().zip(shape.iter()) {
                let Index::Radix(merged) = index else { continue };
                let open: Vec<_> =
                    (0..axes.len()).filter(|k| axes[*k].1.is_none() && merged.contains(&axes[*k].0)).collect();
                let known: usize =
                    axes.iter().filter(|(name, _)| merged.contains(name)).filter_map(|(_, e)| *e).product();
                if let [only] = open[..] {
                    if known == 0 || extent % known != 0 {
                        return Err(GraphError::new(
                            error::SHAPE,
                            format!("in `{words}` a dimension of {extent} does not split by {known}"),
                        ));
                    }
                    axes[only].1 = Some(extent / known);
                }
            }
        }
        let axes = axes
            .into_iter()
            .map(|(name, extent)| match extent {
                Some(extent) => Ok((name, extent)),
                None => Err(GraphError::new(
                    error::SHAPE,
                    format!("the extent of axis `{name}` in `{words}` cannot be derived; give it as `{name}=…`"),
                )),
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Nest { axes, operands, output })
    }
}

/// The axes that an access names, in order of appearance, with repetitions.
pub fn axes_of(access: &[Index]) -> Vec<AxisName> {
    let mut axes = vec![];
    for index in access {
        match index {
            Index::Axis(axis) => axes.push(*axis),
            Index::Radix(merged) => axes.extend(merged),
            Index::Affine { terms, .. } => axes.extend(terms.iter().map(|(_, axis)| *axis)),
            Index::Lookup => {}
        }
    }
    axes
}

impl fmt::Display for Nest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, access) in self.operands.iter().enumerate() {
            if k > 0 {
                write!(f, ",")?;
            }
            print_access(f, access)?;
        }
        write!(f, "->")?;
        print_access(f, &self.output)
    }
}

fn print_access(f: &mut fmt::Formatter<'_>, access: &[Index]) -> fmt::Result {
    for index in access {
        match index {
            Index::Axis(axis) => write!(f, "{axis}")?,
            Index::Radix(axes) => write!(f, "({})", axes.iter().collect::<String>())?,
            Index::Lookup => write!(f, "*")?,
            Index::Affine { terms, constant } => {
                write!(f, "{{")?;
                for (k, (coefficient, axis)) in terms.iter().enumerate() {
                    match (*coefficient, k) {
                        (1, 0) => write!(f, "{axis}")?,
                        (1, _) => write!(f, "+{axis}")?,
                        (-1, _) => write!(f, "-{axis}")?,
                        (c, 0) => write!(f, "{c}{axis}")?,
                        (c, _) => write!(f, "{c:+}{axis}")?,
                    }
                }
                match (terms.is_empty(), *constant) {
                    (true, c) => write!(f, "{c}")?,
                    (false, 0) => {}
                    (false, c) => write!(f, "{c:+}")?,
                }
                write!(f, "}}")?;
            }
        }
    }
    Ok(())
}

fn parse_access(word: &str) -> Result<Access> {
    let fail = || GraphError::new(error::SYNTAX, format!("`{word}` is not an access"));
    let mut access = vec![];
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        match first {
            'a'..='z' => {
                access.push(Index::Axis(first));
                rest = &rest[1..];
            }
            '*' => {
                access.push(Index::Lookup);
                rest = &rest[1..];
            }
            '(' => {
                let end = rest.find(')').ok_or_else(fail)?;
                let axes: Vec<AxisName> = rest[1..end].chars().collect();
                if !axes.iter().all(char::is_ascii_lowercase) {
                    return Err(fail());
                }
                access.push(Index::Radix(axes));
                rest = &rest[end + 1..];
            }
            '{' => {
                let end = rest.find('}').ok_or_else(fail)?;
                access.push(parse_affine(&rest[1..end]).ok_or_else(fail)?);
                rest = &rest[end + 1..];
            }
            _ => return Err(fail()),
        }
    }
    Ok(access)
}

/// `2h+i-1`: signed terms of an optional coefficient and an optional axis.
fn parse_affine(text: &str) -> Option<Index> {
    let bytes = text.as_bytes();
    let mut terms = vec![];
    let mut constant = None;
    let mut at = 0;
    while at < bytes.len() {
        let mut sign = 1;
        match bytes[at] {
            b'+' | b'-' if at == 0 && bytes[at] == b'+' => return None,
            b'+' => at += 1,
            b'-' => {
                sign = -1;
                at += 1;
            }
            _ if at > 0 => return None,
            _ => {}
        }
        let start = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        let number = match &text[start..at] {
            "" => None,
            digits => Some(digits.parse::<i64>().ok().filter(|n| *n < 1 << 31)?),
        };
        match bytes.get(at) {
            Some(letter) if letter.is_ascii_lowercase() => {
                terms.push((sign * number.unwrap_or(1), *letter as char));
                at += 1;
            }
            _ if constant.is_none() => constant = Some(sign * number?),
            _ => return None,
        }
    }
    if terms.is_empty() && constant.is_none() {
        return None;
    }
    Some(Index::Affine { terms, constant: constant.unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nest(words: &str, shapes: &[&[usize]], given: &[(char, usize)]) -> Nest {
        Nest::infer(words, shapes, given).unwrap()
    }

    #[test]
    fn accesses_print_as_they_were_written() {
        for words in ["{2h+i-1}{2w+j-1}c,ijco->hwo", "t(hd),u(hd)->htu", "*d,i->id", "{-i+3}{5}->i", "->", "a->()a"] {
            let (operands, output) = Nest::parse_accesses(words).unwrap();
            assert_eq!(Nest { axes: vec![], operands, output }.to_string(), words);
        }
        for words in ["A->a", "{2}h+", "{+i}->i", "{}->", "(a->a", "{3 i}->i", "{1-2}->", "{99999999999i}->i", "é->a"]
        {
            assert!(Nest::parse_accesses(words).is_err(), "{words}");
        }
    }

    #[test]
    fn extents_are_derived_and_missing_ones_are_named() {
        let n = nest("{2h+i-1}{2w+j-1}c,ijco->hwo", &[&[32, 32, 3], &[3, 3, 3, 16]], &[('h', 16), ('w', 16)]);
        let expected = [('h', 16), ('w', 16), ('o', 16), ('i', 3), ('j', 3), ('c', 3)];
        assert_eq!(n.axes, expected);
        let n = nest("t(hd),u(hd)->htu", &[&[5, 12], &[7, 12]], &[('h', 3)]);
        assert_eq!(n.extent('d'), Some(4));
        let error = Nest::infer("{i+k}->i", &[&[5]], &[('i', 3)]).unwrap_err();
        assert!(error.message.contains("axis `k`"), "{error}");
    }

    #[test]
    fn a_gathering_nest_reduces_the_axes_that_its_output_does_not_name() {
        let n = nest("{2h+i-1}{2w+j-1}c,ijco->hwo", &[&[32, 32, 3], &[3, 3, 3, 16]], &[('h', 16), ('w', 16)]);
        let resolved = n.resolve();
        assert!(resolved.is_plain());
        assert_eq!(resolved.reduction, [3, 4, 5]);
    }

    #[test]
    fn a_scattering_nest_solves_the_last_axis_of_each_affine_dimension() {
        let n = nest("hwo,ijco->{2h+i-1}{2w+j-1}c", &[&[16, 16, 16], &[3, 3, 3, 16]], &[]);
        let axes = vec![('i', 3), ('j', 3), ('h', 16), ('w', 16), ('o', 16), ('c', 3)];
        let resolved = Nest { axes, ..n }.resolve();
        assert_eq!(resolved.reduction, [0, 1, 4]);
        assert_eq!(
            resolved.output[0],
            Determined::Solved { axis: 2, coefficient: 2, others: vec![(1, 0)], constant: -1 }
        );
        assert_eq!(resolved.output[2], Determined::Digits(vec![5]));
    }

    #[test]
    fn a_diagonal_output_is_checked() {
        let resolved = nest("i->ii", &[&[3]], &[]).resolve();
        assert_eq!(resolved.output[1], Determined::Checked { terms: vec![(1, 0)], constant: 0 });
    }
}
