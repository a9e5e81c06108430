//! Reads the vector files: JSON without escapes in strings, which is all that make_vectors.py writes.

#[derive(Debug)]
pub enum Json {
    Number(f64),
    Bool(bool),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// The value that a whole text holds; panics on anything else, for the files are the test's own.
pub fn parse(text: &str) -> Json {
    let mut rest = text.trim();
    let value = value(&mut rest);
    assert!(rest.is_empty(), "text after the value: {rest:.40}");
    value
}

impl Json {
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub fn entries(&self) -> &[(String, Json)] {
        match self {
            Json::Object(entries) => entries,
            Json::Number(_) | Json::Bool(_) | Json::Text(_) | Json::List(_) => panic!("{self:?} is no object"),
        }
    }

    pub fn list(&self) -> &[Json] {
        match self {
            Json::List(values) => values,
            Json::Number(_) | Json::Bool(_) | Json::Text(_) | Json::Object(_) => panic!("{self:?} is no list"),
        }
    }

    pub fn number(&self) -> f64 {
        match self {
            Json::Number(number) => *number,
            Json::Bool(flag) => *flag as u8 as f64,
            Json::Text(_) | Json::List(_) | Json::Object(_) => panic!("{self:?} is no number"),
        }
    }

    pub fn text(&self) -> &str {
        match self {
            Json::Text(text) => text,
            Json::Number(_) | Json::Bool(_) | Json::List(_) | Json::Object(_) => panic!("{self:?} is no text"),
        }
    }
}

fn value(rest: &mut &str) -> Json {
    match rest.as_bytes().first() {
        Some(b'{') => Json::Object(sequence(rest, '{', '}', |rest| {
            let name = quoted(rest);
            take(rest, ':');
            (name, value(rest))
        })),
        Some(b'[') => Json::List(sequence(rest, '[', ']', value)),
        Some(b'"') => Json::Text(quoted(rest)),
        _ => {
            let length = rest.find([',', ']', '}']).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(length);
            *rest = tail.trim_start();
            match word.trim_end() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                word => Json::Number(word.parse().unwrap_or_else(|_| panic!("`{word}` is no number"))),
            }
        }
    }
}

fn sequence<T>(rest: &mut &str, open: char, close: char, item: impl Fn(&mut &str) -> T) -> Vec<T> {
    take(rest, open);
    let mut items = vec![];
    while !rest.starts_with(close) {
        if !items.is_empty() {
            take(rest, ',');
        }
        items.push(item(rest));
    }
    take(rest, close);
    items
}

fn quoted(rest: &mut &str) -> String {
    take(rest, '"');
    let (text, tail) = rest.split_once('"').expect("a text ends");
    assert!(!text.contains('\\'), "escapes are not read: {text}");
    *rest = tail.trim_start();
    text.to_string()
}

fn take(rest: &mut &str, token: char) {
    let tail = rest.strip_prefix(token).unwrap_or_else(|| panic!("`{token}` is missing before {rest:.40}"));
    *rest = tail.trim_start();
}
