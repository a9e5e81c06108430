//! Names that C allows.

use crate::distinct;

/// Words that C99, C++ or a common header has already.
const TAKEN: &str = "
    alignas alignof and asm auto bool break case catch char class const continue default delete do double else
    enum explicit export extern false float for friend goto if inline int long main memory mutable namespace
    new not operator or private protected public register restrict return short signed sizeof static struct
    switch template this throw true try typedef typename union unsigned using virtual void volatile while xor
    arena
";

/// A name as letters, digits and underscores, beginning with a letter and different from every word of the language.
pub fn identifier(name: &str) -> String {
    let mut text: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        text.insert(0, 'n');
    }
    if TAKEN.split_whitespace().any(|taken| taken == text) {
        text.push('_');
    }
    text
}

/// Different identifiers for names that might become equal ones.
pub fn identifiers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    distinct(names.map(identifier))
}

/// For macros.
pub fn upper(name: &str) -> String {
    identifier(name).to_ascii_uppercase()
}
