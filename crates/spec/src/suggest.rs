//! "Did you mean": the nearest of the words that exist.

/// The choice nearest to a word, if one is near enough to be meant.
///
/// Near is at most a third of the longer word's characters in insertions, deletions, replacements and exchanges of
/// neighbours; `-` and `_` count as the same, and so do upper and lower case.
pub fn nearest<'a>(word: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word much longer than any choice cannot be near one, and must not cost time.
    const CHARACTERS_MAX: usize = 64;
    if word.chars().nth(CHARACTERS_MAX).is_some() {
        return None;
    }
    let word = folded(word);
    choices
        .into_iter()
        .map(|choice| {
            let folded = folded(choice);
            (distance(&word, &folded), word.len().max(folded.len()), choice)
        })
        .filter(|(distance, length, _)| distance * 3 <= *length)
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, choice)| choice)
}

fn folded(word: &str) -> Vec<char> {
    word.chars().map(|character| if character == '_' { '-' } else { character.to_ascii_lowercase() }).collect()
}

/// The optimal string alignment distance (Damerau–Levenshtein without overlapping edits).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut current = vec![0; b.len() + 1];
    for i in 1..=a.len() {
        current[0] = i;
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            current[j] = replaced.min(last[j] + 1).min(current[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                current[j] = current[j].min(before_last[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut current);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_find_their_word() {
        let words = ["minimise", "label-smoothing", "class-weights", "at_least", "at_most"];
        assert_eq!(nearest("minimize", words), Some("minimise"));
        assert_eq!(nearest("minmiise", words), Some("minimise"));
        assert_eq!(nearest("label_smoothing", words), Some("label-smoothing"));
        assert_eq!(nearest("at-least", words), Some("at_least"));
        assert_eq!(nearest("AT_MOST", words), Some("at_most"));
    }

    #[test]
    fn far_words_find_nothing() {
        assert_eq!(nearest("banana", ["minimise", "delta"]), None);
        assert_eq!(nearest("", ["a"]), None);
        assert_eq!(nearest(&"a".repeat(100_000), ["a"]), None);
    }
}
