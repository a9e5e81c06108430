//! The ways of writing dates that are recognised.

use std::sync::LazyLock;

use tacit_spec::DateFormat;

/// The formats that are tried, in this order.
pub fn dates() -> &'static [DateFormat] {
    static FORMATS: LazyLock<Vec<DateFormat>> = LazyLock::new(|| {
        let patterns = PATTERNS.iter().map(|pattern| DateFormat::Pattern((*pattern).to_owned()));
        std::iter::once(DateFormat::Iso).chain(patterns).collect()
    });
    &FORMATS
}

const PATTERNS: &[&str] = &[
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%b %d, %Y",
];
