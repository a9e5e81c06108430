//! `tacit emit wasm`: what is written gives the answers of the program, in a browser too, and what is wrong is said.

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use common::{BUILD, digits, run};
use serde_json::Value;
use tempfile::TempDir;

/// A folder with a digits program of two epochs.
fn program() -> TempDir {
    let folder = digits(2);
    let (code, _, err) = run(folder.path(), BUILD);
    assert!(code <= 1, "{err}");
    folder
}

#[test]
fn files_are_written_whose_names_and_types_are_those_of_the_program() {
    let folder = program();
    let here = folder.path();
    let (code, files, err) = run(here, &["emit", "wasm", "digits.tacit", "--output", "web"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(files, "web/digits.wasm\nweb/digits.js\nweb/digits.d.ts\nweb/index.html\n");
    assert!(err.contains("bytes of WebAssembly") && err.contains("operations a run"), "{err}");
    let read = |name: &str| fs::read_to_string(here.join("web").join(name)).unwrap();
    let (script, types, page) = (read("digits.js"), read("digits.d.ts"), read("index.html"));
    assert!(script.contains(r#"export const name = "digits";"#) && script.contains(r#""shape":[8,8,1]"#), "{script}");
    assert!(types.contains(r#""image": ArrayLike<number>;"#) && types.contains(r#""digit": Float32Array;"#), "{types}");
    assert!(page.contains("<title>digits</title>") && page.contains(r#"from "./digits.js""#));
    for (name, text) in [("digits.js", script), ("digits.d.ts", types), ("index.html", page)] {
        assert!(!["NAME", "INPUTS", "TITLE"].iter().any(|word| text.contains(&format!("@{word}@"))), "{name}");
    }
}

#[test]
fn variants_exclude_one_another_and_a_folder_that_is_a_file_is_refused() {
    let folder = program();
    let here = folder.path();
    for two in [["--simd", "--plain"], ["--exact", "--relaxed"], ["--plain", "--relaxed"]] {
        let (code, _, err) = run(here, &["emit", "wasm", "digits.tacit", two[0], two[1]]);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("cannot be used with"), "{err}");
    }
    fs::write(here.join("taken"), "").unwrap();
    let (code, _, err) = run(here, &["emit", "wasm", "digits.tacit", "--output", "taken"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("error[E0306]: "), "{err}");
}

/// A browser that can be asked for a page's document.
fn browser() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    names.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok_and(|said| said.status.success()))
}

/// Gives the files of a folder to whoever asks on the address that it returns, for as long as the test runs.
fn served(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A browser that hangs up early is no fault.
            let _ = answer(stream, &folder);
        }
    });
    address
}

fn answer(mut stream: TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut request = vec![];
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            read => request.extend(&buffer[..read]),
        }
    }
    let request = String::from_utf8_lossy(&request);
    let path = request.split(' ').nth(1).unwrap_or("/").trim_start_matches('/');
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    let (status, body) = match fs::read(folder.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", vec![]),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// The answers that the page shows for an input in its address.
fn answers_of_page(browser: &str, address: &str, pixels: &str) -> Value {
    let profile = tempfile::tempdir().unwrap();
    let url = format!("http://{address}/index.html#image={pixels}");
    let said = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(&url)
        .output()
        .expect("the browser runs");
    let page = String::from_utf8_lossy(&said.stdout);
    let shown = page.split("data-answers=\"").nth(1).and_then(|rest| rest.split('"').next());
    let shown = shown.unwrap_or_else(|| panic!("the page has no answer: {page}"));
    serde_json::from_str(&shown.replace("&quot;", "\"")).unwrap()
}

#[test]
fn the_page_in_a_browser_answers_as_the_program_does() {
    let Some(browser) = browser() else {
        eprintln!("skipped: this machine has no Chromium and no Chrome");
        return;
    };
    let folder = program();
    let here = folder.path();
    let rows = fs::read_to_string(here.join("digits.csv")).unwrap();
    let (_, answers, _) = run(here, &["run", "digits.tacit", "digits.csv"]);
    // The default is close; `--exact` has the bits.
    for (flags, error_max) in [(&[][..], 1e-5), (&["--exact"][..], 0.0)] {
        let emit = [&["emit", "wasm", "digits.tacit", "--output", "web"][..], flags].concat();
        let (code, _, err) = run(here, &emit);
        assert_eq!(code, 0, "{err}");
        let address = served(here.join("web"));
        for place in [0, 700] {
            let row = rows.lines().nth(place + 1).unwrap();
            let pixels: Vec<&str> = row.split(',').take(64).collect();
            let found = answers_of_page(browser, &address, &pixels.join(","));
            let said: Value = serde_json::from_str(answers.lines().nth(place).unwrap()).unwrap();
            for digit in 0..10 {
                let found = found["digit"][digit].as_f64().unwrap() as f32;
                let expected = said["probabilities"][digit.to_string()].as_f64().unwrap() as f32;
                assert!((found - expected).abs() <= error_max, "{flags:?}, digit {digit}: {found} and {expected}");
            }
        }
    }
}
