//! What may stand in a page.

/// A page in which no character hides or rearranges others: control characters, and those that override the direction of
/// text, are written out as `\u{…}`. Applied to the finished page, so that no text from data goes around it; the page's own
/// parts have no such characters.
pub(crate) fn visible(page: String) -> String {
    if !page.chars().any(is_hidden) {
        return page;
    }
    let mut shown = String::with_capacity(page.len() + 64);
    for c in page.chars() {
        match is_hidden(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}

fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Marks, embeddings, overrides and isolates of direction (Unicode Standard Annex 9), and separators of lines.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_written_out() {
        let page = "a\u{0}b\u{7}\r\n\u{202e}evil\u{2066}\u{feff}".to_owned();
        assert_eq!(visible(page), "a\\u{0}b\\u{7}\\u{d}\n\\u{202e}evil\\u{2066}\\u{feff}");
    }

    #[test]
    fn letters_of_all_scripts_stay() {
        let page = "für שלום 東京 👩‍🔬 \t".to_owned();
        assert_eq!(visible(page.clone()), page);
    }
}
