//! The house rules that the compiler does not know, each a check over the files of the project.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Checks every rule on every file that git tracks or would track.
///
/// # Errors
/// Lists every breach with its file and line.
pub fn tidy(root: &Path) -> Result<(), String> {
    let mut breaches = vec![];
    let mut markdown = vec![];
    for path in files(root)? {
        // What is no text, such as a picture, has no rules.
        let Ok(text) = std::fs::read_to_string(root.join(&path)) else { continue };
        let checked: &[fn(&str) -> Vec<Found>] = match kind(&path) {
            Kind::Rust => &[unfinished, too_long, trailing_space, machine_paths],
            Kind::Markdown => &[trailing_space, machine_paths],
            Kind::Written => &[trailing_space, machine_paths],
            Kind::Other => &[],
        };
        for (line, message) in checked.iter().flat_map(|check| check(&text)) {
            breaches.push(Breach { path: path.clone(), line, message });
        }
        if kind(&path) == Kind::Markdown {
            markdown.push((path, text));
        }
    }
    for (path, text) in &markdown {
        for (line, message) in broken_links(root, path, text) {
            breaches.push(Breach { path: path.clone(), line, message });
        }
    }
    let map = PathBuf::from(CRATE_MAP);
    let written = markdown.iter().find(|(path, _)| *path == map).map_or("", |(_, text)| text);
    for message in crate_map_gaps(written, &crates(root)?) {
        breaches.push(Breach { path: map.clone(), line: 1, message });
    }
    match breaches.is_empty() {
        true => Ok(()),
        false => Err(breaches.iter().fold("house rules are broken".into(), |all, breach| format!("{all}\n  {breach}"))),
    }
}

/// Lines of a source file; above it, there is a second subject in the file.
const LINES_MAX: usize = 900;

/// Where every crate is described.
const CRATE_MAP: &str = "docs/ARCHITECTURE.md";

/// Marks of unfinished work, written so that this file does not hold them.
const UNFINISHED: [&str; 7] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("#[", "ignore"),
];

/// Folders of one person's machine, written so that this file does not hold them.
const MACHINE_FOLDERS: [&str; 3] = [concat!("/", "work/"), concat!("/", "opt/"), concat!("/", "home/")];

/// A line, counted from 1, and what is wrong there.
type Found = (usize, String);

struct Breach {
    path: PathBuf,
    line: usize,
    message: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.message)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rust,
    Markdown,
    /// Other text that people write.
    Written,
    /// Data, recorded output and what tools write.
    Other,
}

fn kind(path: &Path) -> Kind {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs") => Kind::Rust,
        Some("md") => Kind::Markdown,
        Some("toml" | "py" | "sh" | "c" | "h" | "js" | "html" | "css") => Kind::Written,
        Some(_) => Kind::Other,
        None => Kind::Written,
    }
}

/// The files that git tracks and those that it would track, relative to the root.
fn files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(root).args(list).output().map_err(|e| format!("`git`: {e}"))?;
    if !output.status.success() {
        return Err(format!("`git ls-files` failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let mut paths: Vec<PathBuf> = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// The folders that hold a crate, relative to the root.
fn crates(root: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(root.join("crates")).map_err(|e| format!("crates: {e}"))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| format!("crates/{}", entry.file_name().to_string_lossy()))
        .collect();
    names.sort();
    Ok(names)
}

fn unfinished(text: &str) -> Vec<Found> {
    each_line(text, |line| {
        UNFINISHED.iter().find(|mark| line.contains(**mark)).map(|mark| format!("`{mark}` marks unfinished work"))
    })
}

fn too_long(text: &str) -> Vec<Found> {
    match text.lines().count() {
        lines if lines > LINES_MAX => vec![(lines, format!("{lines} lines; above {LINES_MAX}, divide the file"))],
        _ => vec![],
    }
}

fn trailing_space(text: &str) -> Vec<Found> {
    each_line(text, |line| (line.trim_end() != line).then(|| "white space at the end of the line".to_string()))
}

fn machine_paths(text: &str) -> Vec<Found> {
    each_line(text, |line| {
        let folder = MACHINE_FOLDERS.iter().find(|folder| {
            // Behind a name or a dot it is part of a relative path, which means no machine.
            line.match_indices(**folder).any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.'))
        })?;
        Some(format!("`{folder}` is a folder of one machine"))
    })
}

fn each_line(text: &str, check: impl Fn(&str) -> Option<String>) -> Vec<Found> {
    text.split('\n').enumerate().filter_map(|(k, line)| check(line).map(|message| (k + 1, message))).collect()
}

/// Crates that the map leaves out, and crates that it names though they are gone.
fn crate_map_gaps(map: &str, crates: &[String]) -> Vec<String> {
    let named: Vec<&str> = map.split('`').skip(1).step_by(2).filter(|code| is_crate_name(code)).collect();
    let missing = crates.iter().filter(|name| !named.contains(&name.as_str()));
    let gone = named.iter().filter(|name| !crates.iter().any(|known| known == *name));
    missing
        .map(|name| format!("the crate map leaves out `{name}`"))
        .chain(gone.map(|name| format!("the crate map names `{name}`, which does not exist")))
        .collect()
}

/// Whether a piece of code names a crate's folder, not a file in it.
fn is_crate_name(code: &str) -> bool {
    code.strip_prefix("crates/").is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase()))
}

/// Links of a Markdown file to files or headings that do not exist. Links to the web are not followed.
fn broken_links(root: &Path, path: &Path, text: &str) -> Vec<Found> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut broken = vec![];
    for (line, target) in links(text) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, heading) = target.split_once('#').unwrap_or((&target, ""));
        let linked = if file.is_empty() { Some(path.to_path_buf()) } else { inside(&folder.join(file)) };
        let Some(linked) = linked.filter(|linked| root.join(linked).exists()) else {
            broken.push((line, format!("the link `{target}` leads nowhere")));
            continue;
        };
        if heading.is_empty() {
            continue;
        }
        let headings = std::fs::read_to_string(root.join(linked)).map(|text| anchors(&text)).unwrap_or_default();
        if !headings.iter().any(|anchor| anchor == heading) {
            broken.push((line, format!("the link `{target}` names a heading that does not exist")));
        }
    }
    broken
}

/// A relative path without `.` and `..`; `None` if it leaves the project.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

/// The lines of a Markdown file that are prose, with their numbers: blocks of code are left out.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut lines = vec![];
    for (k, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            lines.push((k + 1, line));
        }
    }
    lines
}

/// The targets of `[text](target)` and `[name]: target`, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = vec![];
    for (number, line) in prose(text) {
        // What stands between backticks is code: every second piece.
        let words: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for (at, _) in words.match_indices("](") {
            let rest = &words[at + 2..];
            let target = &rest[..rest.find(')').unwrap_or(rest.len())];
            links.push((number, target.trim_matches(['<', '>']).to_string()));
        }
        if let Some((name, target)) = words.trim_start().split_once("]: ")
            && name.starts_with('[')
        {
            links.push((number, target.trim().trim_matches(['<', '>']).to_string()));
        }
    }
    links
}

/// The anchors of a Markdown file's headings, as code hosts make them: lower case, words joined by hyphens.
fn anchors(text: &str) -> Vec<String> {
    let headings = prose(text).into_iter().filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines at which a check finds something.
    fn lines(found: Vec<Found>) -> Vec<usize> {
        found.into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn every_mark_of_unfinished_work_is_found() {
        for mark in UNFINISHED {
            assert_eq!(lines(unfinished(&format!("fn f() {{\n    {mark}\n}}\n"))), [2], "{mark}");
        }
        assert!(unfinished("fn f() { done() }\n").is_empty());
    }

    #[test]
    fn a_file_may_have_the_greatest_length_and_no_line_more() {
        assert_eq!(too_long(&"x\n".repeat(LINES_MAX)), []);
        assert_eq!(lines(too_long(&"x\n".repeat(LINES_MAX + 1))), [LINES_MAX + 1]);
    }

    #[test]
    fn white_space_at_the_end_of_a_line_is_found() {
        assert_eq!(lines(trailing_space("a \nb\n\t\nc\r\n")), [1, 3, 4]);
    }

    #[test]
    fn folders_of_a_machine_are_found_and_relative_paths_are_not() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(lines(machine_paths(&format!("cd {folder}x\nat=\"{folder}\"\n"))), [1, 2], "{folder}");
            assert!(machine_paths(&format!("a{folder}x ..{folder}x\n")).is_empty(), "{folder}");
        }
    }

    #[test]
    fn the_crate_map_names_each_crate_and_no_other() {
        let crates = ["crates/ir".to_string(), "crates/nn".to_string()];
        assert!(crate_map_gaps("`crates/ir`, `crates/nn`, `crates/ir/src/nest.rs`", &crates).is_empty());
        assert_eq!(crate_map_gaps("`crates/ir` `crates/gone`", &crates).len(), 2);
    }

    #[test]
    fn links_are_read_from_prose_only() {
        let text = "see [a](b.md) and [c](<d.md#e>), not `[f](g)`\n```\n[h](i)\n```\n[name]: j.md\n";
        let expected = [(1, "b.md"), (1, "d.md#e"), (5, "j.md")].map(|(line, target)| (line, target.to_string()));
        assert_eq!(links(text), expected);
    }

    #[test]
    fn headings_become_anchors() {
        assert_eq!(
            anchors("# The `cost` pass\n```\n# no heading\n```\n## 3. One meaning\n"),
            ["the-cost-pass", "3-one-meaning"]
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = "[a](src/main.rs)\n[b](gone.md)\n[c](#here)\n[d](../../outside.md)\n[e](https://example.org)\n";
        assert_eq!(lines(broken_links(root, Path::new("Cargo.toml"), text)), [2, 3, 4]);
    }
}
