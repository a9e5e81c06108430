//! What the names of columns say, and names for inputs made from them.

use std::collections::BTreeSet;

/// The words of a name in lower case: `PassengerId` and `passenger_id` are `passenger` and `id`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for character in name.chars() {
        let starts = character.is_uppercase() && before_is_lower;
        if starts || !character.is_alphanumeric() {
            words.push(String::new());
        }
        if character.is_alphanumeric() {
            let last = words.last_mut().expect("there is a first word");
            last.extend(character.to_lowercase());
        }
        before_is_lower = character.is_lowercase() || character.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Words at the end of the names of identifiers.
const IDENTIFIERS: &[&str] = &[
    "id",
    "ids",
    "uid",
    "uuid",
    "guid",
    "index",
    "idx",
    "key",
    "nr",
    "no",
    "num",
    "number",
    "serial",
    "rownames",
    "rowid",
    "userid",
    "customerid",
    "patientid",
    "sessionid",
    "clientid",
    "accountid",
    "orderid",
    "recordid",
    "unnamed",
];

/// Whether a name says that its column identifies something.
pub(crate) fn is_identifier(name: &str) -> bool {
    let words = words(name);
    // `Unnamed: 0` is what pandas writes above an index.
    let is_index = words.first().is_some_and(|first| first == "unnamed");
    is_index || words.last().is_some_and(|last| IDENTIFIERS.contains(&last.as_str()))
}

/// Whom or what several rows can be about.
const OWNERS: &[&str] = &[
    "person",
    "patient",
    "customer",
    "client",
    "user",
    "member",
    "subject",
    "participant",
    "student",
    "pupil",
    "teacher",
    "employee",
    "worker",
    "player",
    "driver",
    "speaker",
    "writer",
    "author",
    "visitor",
    "household",
    "family",
    "account",
    "session",
    "visit",
    "group",
    "device",
    "machine",
    "engine",
    "unit",
    "userid",
    "customerid",
    "patientid",
    "sessionid",
    "clientid",
    "accountid",
];

/// Whether a name says that its column tells which person, session or the like a row is about.
pub(crate) fn is_owner(name: &str) -> bool {
    const BESIDE: &[&str] = &["id", "uid", "uuid", "guid", "key", "nr", "no", "number", "code", "name", "hash"];
    let words = words(name);
    let is_owner = |word: &String| OWNERS.contains(&word.as_str());
    words.iter().any(is_owner) && words.iter().all(|word| is_owner(word) || BESIDE.contains(&word.as_str()))
}

/// Whether a name says that numbers in its column stand for kinds of things.
pub(crate) fn is_code(name: &str) -> bool {
    const CODES: &[&str] = &[
        "code", "codes", "type", "kind", "category", "cat", "class", "group", "cluster", "zip", "zipcode", "postcode",
        "plz", "region", "district", "state", "country", "id", "channel",
    ];
    words(name).last().is_some_and(|last| CODES.contains(&last.as_str()))
}

/// Whether a name says that numbers in its column are classes.
pub(crate) fn is_class(name: &str) -> bool {
    const CLASSES: &[&str] = &["class", "label", "category", "type", "species", "kind", "digit", "cluster", "segment"];
    words(name).iter().any(|word| CLASSES.contains(&word.as_str()))
}

/// The column that most likely holds the answers: one that is named so, else the last.
pub fn likely_target(columns: &[String]) -> usize {
    const ANSWERS: &[&str] =
        &["target", "label", "labels", "class", "outcome", "y", "answer", "response", "output", "result"];
    let named = |answer: &str| columns.iter().position(|column| words(column) == [answer]);
    ANSWERS.iter().find_map(|answer| named(answer)).unwrap_or(columns.len().saturating_sub(1))
}

/// The longest name of an input, output or program, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// A name as the manifest takes it, made from any text: lower-case ASCII letters, digits, `-` and `_`, the first a
/// letter. Nothing if no letter or digit is left.
pub fn usable_name(text: &str) -> Option<String> {
    let mut name = String::new();
    for character in text.trim().chars() {
        match character {
            'a'..='z' | '0'..='9' | '_' => name.push(character),
            'A'..='Z' => name.push(character.to_ascii_lowercase()),
            _ if character.is_alphanumeric() => name.push_str(plain(character)),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name = name.trim_matches(['-', '_']);
    let first = name.chars().next()?;
    let mut name = if first.is_ascii_lowercase() { name.to_owned() } else { format!("x{name}") };
    name.truncate(NAME_BYTES_MAX);
    Some(name)
}

/// The ASCII letters that are usually written for a letter; nothing for most.
fn plain(letter: char) -> &'static str {
    match letter {
        'ä' | 'Ä' => "ae",
        'ö' | 'Ö' => "oe",
        'ü' | 'Ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'À' | 'Á' | 'Â' | 'Ã' | 'Å' => "a",
        'ç' | 'Ç' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'È' | 'É' | 'Ê' | 'Ë' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'Ì' | 'Í' | 'Î' | 'Ï' => "i",
        'ñ' | 'Ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ø' => "o",
        'ù' | 'ú' | 'û' | 'Ù' | 'Ú' | 'Û' => "u",
        _ => "",
    }
}

/// Names that are usable and differ from one another and from those in `taken`, one for each text.
pub(crate) fn unique_names<'a>(texts: impl Iterator<Item = &'a str>, taken: &mut BTreeSet<String>) -> Vec<String> {
    texts
        .enumerate()
        .map(|(index, text)| {
            let wanted = usable_name(text).unwrap_or_else(|| format!("x{}", index + 1));
            let name = std::iter::once(wanted.clone())
                .chain((2..).map(|number| {
                    let suffix = format!("-{number}");
                    let kept = wanted.len().min(NAME_BYTES_MAX - suffix.len());
                    format!("{}{suffix}", &wanted[..kept])
                }))
                .find(|name| !taken.contains(name))
                .expect("there is no end of numbers");
            taken.insert(name.clone());
            name
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("PassengerId"), ["passenger", "id"]);
        assert_eq!(words("total_bed-rooms 2"), ["total", "bed", "rooms", "2"]);
        assert_eq!(words("SibSp"), ["sib", "sp"]);
        assert_eq!(words("  "), Vec::<String>::new());
    }

    #[test]
    fn identifiers_are_told_by_their_last_word() {
        for name in ["id", "PassengerId", "row_nr", "customer id", "Unnamed: 0", "uuid"] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["paid", "acid", "humidity", "id_type", "solid", "age"] {
            assert!(!is_identifier(name), "{name}");
        }
    }

    #[test]
    fn owners_are_told_by_all_their_words() {
        for name in ["customer_id", "PatientNumber", "session", "user", "household-id"] {
            assert!(is_owner(name), "{name}");
        }
        for name in ["user_rating", "group_size", "id", "session_length"] {
            assert!(!is_owner(name), "{name}");
        }
    }

    #[test]
    fn the_target_is_the_column_that_is_named_so_or_the_last() {
        let of = |names: &[&str]| likely_target(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["Class", "a", "b"]), 0);
        assert_eq!(of(&["y", "target", "b"]), 1);
        assert_eq!(of(&["a", "b"]), 1);
    }

    #[test]
    fn any_text_becomes_a_usable_name() {
        for (text, name) in [
            ("Sepal.Length", Some("sepal-length")),
            ("  \"a\" (cm) ", Some("a-cm")),
            ("Größe", Some("groesse")),
            ("2nd Floor", Some("x2nd-floor")),
            ("年齢", None),
            ("", None),
            ("_id", Some("id")),
            ("a_b", Some("a_b")),
        ] {
            assert_eq!(usable_name(text).as_deref(), name, "{text}");
        }
        assert_eq!(usable_name(&"é".repeat(100)).unwrap().len(), 64);
    }

    #[test]
    fn names_that_would_be_equal_are_numbered() {
        let mut taken = BTreeSet::from(["y".to_owned()]);
        let long = "n".repeat(70);
        let names = unique_names(["a b", "A-B", "年", "y", long.as_str(), long.as_str()].into_iter(), &mut taken);
        assert_eq!(names[..4], ["a-b", "a-b-2", "x3", "y-2"]);
        assert!(names[4].len() == 64 && names[5].len() == 64 && names[5].ends_with("-2"));
    }
}
