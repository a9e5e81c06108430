//! A reader of pages that is stricter than browsers are.

use std::collections::BTreeSet;

/// An element of a page, and what stands in it before its first child.
#[derive(Debug)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| &value[..])
    }
}

/// Elements that have no end.
const VOID: [&str; 4] = ["meta", "br", "img", "link"];

/// Reads a page: every tag closed in order, every attribute in double quotes and there once, every ampersand a reference.
///
/// # Panics
/// At the first place where the page is not like that.
pub fn elements(page: &str) -> Vec<Element> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    let mut open: Vec<String> = vec![];
    let mut elements = vec![];
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        rest = &rest[start + 1..];
        if let Some(ended) = rest.strip_prefix('/') {
            let (name, after) = ended.split_once('>').expect("the end of a tag");
            assert_eq!(open.pop().as_deref(), Some(name), "the tags are closed in order");
            rest = after;
            continue;
        }
        let (element, after) = tag(rest);
        rest = after;
        if matches!(&element.name[..], "script" | "style") {
            // Their text is no markup.
            let end = format!("</{}>", element.name);
            rest = rest.split_once(&end[..]).expect("the end of an element").1;
        } else if !VOID.contains(&&element.name[..]) {
            open.push(element.name.clone());
        }
        elements.push(element);
    }
    check_text(rest);
    assert!(open.is_empty(), "all tags are closed, but {open:?}");
    elements
}

fn tag(text: &str) -> (Element, &str) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let length = text.find(|c| !is_name(c)).expect("the end of a name");
    assert!(length > 0, "a tag has a name: {}", &text[..text.len().min(40)]);
    let (name, mut rest) = text.split_at(length);
    let mut attributes: Vec<(String, String)> = vec![];
    loop {
        if let Some(after) = rest.strip_prefix('>') {
            return (Element { name: name.to_owned(), attributes }, after);
        }
        rest = rest.strip_prefix(' ').unwrap_or_else(|| panic!("a space before an attribute of {name}"));
        let length = rest.find(|c| !is_name(c)).expect("the end of a name");
        let attribute = rest[..length].to_owned();
        assert!(length > 0 && attributes.iter().all(|(known, _)| *known != attribute), "{name} {attribute}");
        rest = &rest[length..];
        let mut value = "";
        if let Some(quoted) = rest.strip_prefix("=\"") {
            (value, rest) = quoted.split_once('"').expect("the end of a value");
            assert!(!value.contains('<'), "{name} {attribute}: {value}");
            check_text(value);
        }
        attributes.push((attribute, value.to_owned()));
    }
}

fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let known = ["&amp;", "&lt;", "&gt;", "&quot;"];
        assert!(
            known.iter().any(|reference| text[at..].starts_with(reference)),
            "{}",
            &text[at..text.len().min(at + 20)]
        );
    }
    assert!(!text.contains('>'), "a bare `>` in {text}");
    let hidden = |c: &char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(text.chars().find(hidden), None, "no character hides in {text:?}");
}

/// Checks all that holds for every page.
///
/// # Panics
/// If something does not.
pub fn check(page: &str) -> Vec<Element> {
    let elements = elements(page);
    let mut ids = BTreeSet::new();
    for id in elements.iter().filter_map(|element| element.attribute("id")) {
        assert!(ids.insert(id), "`{id}` names two elements");
    }
    for element in &elements {
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on"), "{element:?} has a handler");
            match &name[..] {
                "href" => {
                    assert!(value.strip_prefix('#').is_some_and(|id| ids.contains(id)), "{element:?} leads nowhere")
                }
                "src" => assert!(value.starts_with("data:image/png;base64,"), "{element:?} loads something"),
                "aria-labelledby" => assert!(ids.contains(&value[..]), "{element:?} is labelled by nothing"),
                "style" => assert!(!value.contains("url("), "{element:?} loads something"),
                _ => {}
            }
        }
        if element.attribute("role") == Some("img") || element.attribute("role") == Some("region") {
            assert!(element.attribute("aria-label").is_some_and(|label| !label.is_empty()), "{element:?} has no words");
        }
        if element.name == "img" {
            assert!(element.attribute("alt").is_some_and(|words| !words.is_empty()), "{element:?} has no words");
        }
        if element.name == "svg" {
            let has_words =
                element.attribute("aria-label").is_some() || element.attribute("aria-hidden") == Some("true");
            assert!(has_words, "{element:?} has no words");
        }
    }
    let count = |name: &str| elements.iter().filter(|element| element.name == name).count();
    assert_eq!([count("h1"), count("main"), count("title"), count("script"), count("style")], [1; 5]);
    let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style sheet").0;
    assert!(!style.contains("url(") && !style.contains("@import"), "the style sheet loads something");
    for broken in ["NaN", "inf\"", "\"inf"] {
        let drawn = elements.iter().flat_map(|element| &element.attributes).filter(|(name, _)| name != "data-tip");
        for (name, value) in
            drawn.filter(|(name, _)| matches!(&name[..], "d" | "x" | "y" | "width" | "height" | "cx" | "cy"))
        {
            assert!(!value.contains(broken.trim_matches('"')), "{name}=\"{value}\"");
        }
    }
    elements
}
