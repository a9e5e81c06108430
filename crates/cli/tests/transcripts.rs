//! The guide's transcripts are true: every command that a page shows is run, and says what the page says.
//!
//! A page is a folder of its own. A block with a file's name behind its language (```` ```toml Tacit.toml ````) is written to
//! that file; in a block of `console` each line that begins with `$ ` is run by `sh`, and what follows is what it writes to
//! both outputs. A line `⋮` stands for any lines. Latencies, which a clock produces, are not compared. The pages begin with
//! `<!-- folder: examples/digits -->` if they take place in a copy of a folder of the repository.
//!
//! `UPDATE_TRANSCRIPTS=1 cargo test -p tacit-cli --test transcripts` writes what the commands say now.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn every_command_of_the_guide_says_what_its_page_says() {
    let guide = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide");
    let mut pages: Vec<PathBuf> = fs::read_dir(&guide)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.sort();
    let mut commands = 0;
    let mut wrong = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let (now, ran, differences) = replay(&text);
        commands += ran;
        if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            fs::write(&page, now).unwrap();
        } else {
            wrong.extend(differences.into_iter().map(|difference| format!("{}: {difference}", page.display())));
        }
    }
    assert!(commands > 15, "the guide shows {commands} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Plays a page in a fresh folder: the page with what the commands say now, their number, and where they differ.
fn replay(page: &str) -> (String, usize, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    if let Some(source) = page.lines().next().and_then(|line| line.strip_prefix("<!-- folder: ")) {
        let source = source.trim_end_matches(" -->");
        copy(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(source), folder.path());
    }
    let (mut now, mut ran, mut differences) = (String::new(), 0, Vec::new());
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        now += &format!("{line}\n");
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let mut block = Vec::new();
        while let Some(inside) = lines.next_if(|line| *line != "```") {
            block.push(inside);
        }
        let file = info.split_once(' ').map(|(_, file)| file);
        if let Some(file) = file {
            fs::write(folder.path().join(file), block.join("\n") + "\n").unwrap();
        }
        if info != "console" {
            block.iter().for_each(|line| now += &format!("{line}\n"));
            continue;
        }
        let mut shown = block.into_iter().peekable();
        while let Some(command) = shown.next() {
            let words = command.strip_prefix("$ ").unwrap_or_else(|| panic!("no command before: {command}"));
            let mut expected = Vec::new();
            while let Some(line) = shown.next_if(|line| !line.starts_with("$ ")) {
                expected.push(line);
            }
            let said = run(folder.path(), words);
            let said: Vec<&str> = said.lines().collect();
            ran += 1;
            if !says(&said, &expected) {
                differences.push(format!("`{words}` says\n{}\nand not\n{}", said.join("\n"), expected.join("\n")));
            }
            now += &format!("{command}\n");
            shortened(&said, &expected).iter().for_each(|line| now += &format!("{line}\n"));
        }
    }
    (now, ran, differences)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let is_made = path.extension().is_some_and(|extension| extension == "tacit" || extension == "html");
        if path.is_file() && !is_made {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// What a command writes to both of its outputs.
fn run(folder: &Path, words: &str) -> String {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_tacit"));
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("sh")
        .current_dir(folder)
        .args(["-c", &format!("{{ {words}\n}} 2>&1")])
        .env("PATH", format!("{}:{path}", binary.parent().unwrap().display()))
        .env("NO_COLOR", "1")
        .env("TACIT_THREADS", "1")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whether lines are those that were expected, in which `⋮` stands for any number of lines.
fn says(said: &[&str], expected: &[&str]) -> bool {
    let (said, expected) = (without_latencies(said), without_latencies(expected));
    fn matches(said: &[String], expected: &[String]) -> bool {
        match expected.split_first() {
            None => said.is_empty(),
            Some((first, rest)) if first == "⋮" => (0..=said.len()).any(|skip| matches(&said[skip..], rest)),
            Some((first, rest)) => said.first() == Some(first) && matches(&said[1..], rest),
        }
    }
    matches(&said, &expected)
}

/// Tables that have a column of latencies, without it and with single spaces; other lines as they are.
fn without_latencies(lines: &[&str]) -> Vec<String> {
    let mut column: Option<usize> = None;
    lines
        .iter()
        .map(|line| {
            let characters: Vec<char> = line.chars().collect();
            if let Some(place) = line.find("latency") {
                column = Some(line[..place].chars().count());
                return line.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            // The columns in front do not depend on the latencies, so that theirs begins at the same character.
            let Some(cell) = column.and_then(|start| Some((start, characters.get(start..)?))) else {
                return (*line).to_owned();
            };
            let (start, behind) = cell;
            let latency: String = behind.iter().take_while(|c| !c.is_whitespace()).collect();
            if latency.parse::<f64>().is_err() || characters[..start].last() != Some(&' ') {
                return (*line).to_owned();
            }
            let rest: String = behind.iter().skip(latency.chars().count()).collect();
            let kept = format!("{} {rest}", characters[..start].iter().collect::<String>());
            kept.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// What is said, cut where the page cuts: as many lines before and behind each `⋮`.
fn shortened<'a>(said: &[&'a str], expected: &[&'a str]) -> Vec<&'a str> {
    let Some(cut) = expected.iter().position(|line| *line == "⋮") else { return said.to_vec() };
    let behind = expected.len() - cut - 1;
    if expected[cut + 1..].contains(&"⋮") || said.len() < cut + behind {
        return expected.to_vec();
    }
    [&said[..cut], &["⋮"], &said[said.len() - behind..]].concat()
}
