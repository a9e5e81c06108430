//! The data of the examples that is too large to lie beside them: copied from a folder, or fetched from its origin.
//!
//! Whatever it comes from, a file is kept only if its contents have the pinned sum.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

/// Brings the data of one example, or of all, into `examples/NAME/data`.
///
/// A file that is there already stays. If the variable TACIT_DATA names a folder that holds the file, it is copied;
/// otherwise `curl` fetches it.
///
/// # Errors
/// If there is no such example, or lists every file that could not be had and why.
pub fn data(root: &Path, example: Option<&str>) -> Result<(), String> {
    let wanted: Vec<&File> = FILES.iter().filter(|file| example.is_none_or(|name| name == file.example)).collect();
    if wanted.is_empty() {
        let mut names: Vec<&str> = FILES.iter().map(|file| file.example).collect();
        names.dedup();
        let message = format!("no data is known for the example `{}`", example.unwrap_or_default());
        return Err(format!("{message}\nhelp: choose one of {}", names.join(", ")));
    }
    let shelf = std::env::var_os("TACIT_DATA").map(PathBuf::from);
    let mut failures = vec![];
    for file in wanted {
        let path = root.join("examples").join(file.example).join("data").join(file.name);
        let shown = format!("examples/{}/data/{}", file.example, file.name);
        match bring(file, &path, shelf.as_deref()) {
            Ok(how) => println!("{shown}: {how}"),
            Err(message) => failures.push(format!("{shown}: {message}")),
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(failures.join("\n")),
    }
}

/// One file of an example.
struct File {
    example: &'static str,
    /// What the manifest calls it. A name that ends in `.gz` is kept compressed, any other is unpacked.
    name: &'static str,
    /// The SHA-256 of the unpacked contents, in hexadecimal digits, so that another compression changes nothing.
    sum: &'static str,
    /// Where it lies in the folder of TACIT_DATA.
    shelf: &'static str,
    origin: &'static str,
}

macro_rules! brownlee {
    ($name:literal) => {
        concat!("https://raw.githubusercontent.com/jbrownlee/Datasets/d20fcb6402ae34e653d4513b00f39257bb37ed7f/", $name)
    };
}

macro_rules! geron {
    ($name:literal) => {
        concat!("https://raw.githubusercontent.com/ageron/data/2ea73147454d2ff8c8a933913be4606f05b352ca/", $name)
    };
}

macro_rules! fashion {
    ($name:literal, $sum:literal) => {
        File {
            example: "fashion",
            name: $name,
            sum: $sum,
            shelf: concat!("fashion-mnist/", $name),
            origin: concat!(
                "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/",
                "b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/",
                $name
            ),
        }
    };
}

/// Every file, those of an example together.
const FILES: [File; 10] = [
    File {
        example: "adult",
        name: "adult-train.csv",
        sum: "5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
        shelf: "tabular/adult-train.csv.gz",
        origin: brownlee!("adult-train.csv"),
    },
    File {
        example: "adult",
        name: "adult-test.csv",
        sum: "72567b94f5c1a6f8501377dd80f93892c3848ff071cf91ba47e00b0785a28074",
        shelf: "tabular/adult-test.csv.gz",
        origin: brownlee!("adult-test.csv"),
    },
    File {
        example: "california-housing",
        name: "housing.csv",
        sum: "2364609dc48bec7df3ba9dbb7041478e704ecddcee70ef1827ec3fc49d22c0cc",
        shelf: "tabular/california-housing.csv.gz",
        origin: geron!("housing/housing.csv"),
    },
    fashion!("train-images-idx3-ubyte.gz", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
    fashion!("train-labels-idx1-ubyte.gz", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
    fashion!("t10k-images-idx3-ubyte.gz", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
    fashion!("t10k-labels-idx1-ubyte.gz", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    File {
        example: "titanic",
        name: "titanic-train.csv",
        sum: "14769fb1850e2d26d8e6db0ee49c213878040432827e39b13caaa15603c6598f",
        shelf: "tabular/titanic-train.csv",
        origin: geron!("titanic/train.csv"),
    },
    File {
        example: "wine",
        name: "winequality-red.csv",
        sum: "c9614512e980f1cbd221c796daa97f00c4898c3cd1716863abac60f6cd1a522e",
        shelf: "tabular/winequality-red.csv",
        origin: brownlee!("winequality-red.csv"),
    },
    File {
        example: "wine",
        name: "winequality-white.csv",
        sum: "659d419fff887f225bf977d20520bb64a64cae203e460087f809721d4430ba27",
        shelf: "tabular/winequality-white.csv",
        origin: brownlee!("winequality-white.csv"),
    },
];

/// More than any file has, packed or not.
const BYTES_MAX: u64 = 1 << 28;

/// Puts a file where it belongs, and says how.
fn bring(file: &File, path: &Path, shelf: Option<&Path>) -> Result<&'static str, String> {
    if path.exists() && check(&read(path)?, file.sum).is_ok() {
        return Ok("already there");
    }
    let folder = path.parent().expect("a file of an example lies in a folder");
    fs::create_dir_all(folder).map_err(|error| format!("`{}` cannot be made: {error}", folder.display()))?;
    let copy = shelf.map(|shelf| shelf.join(file.shelf)).filter(|copy| copy.is_file());
    match copy {
        Some(copy) => {
            place(&read(&copy)?, file.sum, path)
                .map_err(|message| format!("the copy `{}` is not used: {message}", copy.display()))?;
            Ok("copied")
        }
        None => {
            let part = beside(path, "part");
            let outcome = download(file.origin, &part).and_then(|()| place(&read(&part)?, file.sum, path));
            // If the download failed, there may be no part to remove.
            let _ = fs::remove_file(&part);
            outcome.map_err(|message| format!("{} is not used: {message}", file.origin))?;
            Ok("fetched")
        }
    }
}

/// Fetches a file with `curl`.
fn download(origin: &str, path: &Path) -> Result<(), String> {
    let mut curl = Command::new("curl");
    curl.args(["--fail", "--location", "--proto-redir", "=https", "--silent", "--show-error"])
        // A connection that stands still is given up; how long a whole download may take, nobody knows.
        .args(["--connect-timeout", "30", "--speed-limit", "1", "--speed-time", "60"])
        .args(["--max-filesize", &BYTES_MAX.to_string()])
        // This machine itself is never behind a proxy.
        .args(["--noproxy", "127.0.0.1"])
        .arg("--output")
        .arg(path)
        .arg("--")
        .arg(origin);
    let output = curl.output().map_err(|error| {
        format!("`curl` could not be started: {error}\nhelp: install curl, or set TACIT_DATA to a folder with the data")
    })?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("curl says {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// Keeps bytes under a name if their contents have the sum; else there is no file of that name that was not there before.
fn place(stored: &[u8], sum: &str, path: &Path) -> Result<(), String> {
    let contents = check(stored, sum)?;
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let bytes = if is_packed { stored } else { &contents };
    let whole = beside(path, "whole");
    let written = fs::write(&whole, bytes).and_then(|()| fs::rename(&whole, path));
    written.map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
}

/// The contents of a file, unpacked if it is compressed, if they have the sum.
fn check(stored: &[u8], sum: &str) -> Result<Vec<u8>, String> {
    let contents = match stored.starts_with(&[0x1f, 0x8b]) {
        true => {
            let mut contents = vec![];
            let unpacked = MultiGzDecoder::new(stored).take(BYTES_MAX).read_to_end(&mut contents);
            unpacked.map_err(|error| format!("it cannot be unpacked: {error}"))?;
            contents
        }
        false => stored.to_vec(),
    };
    let found: String = Sha256::digest(&contents).iter().map(|byte| format!("{byte:02x}")).collect();
    match found == sum {
        true => Ok(contents),
        false => Err(format!("the SHA-256 of its contents is {found}, not {sum}")),
    }
}

/// The path with an ending added.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("`{}` cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicU32, Ordering};

    const TEXT: &[u8] = b"a,b\n1,2\n";
    /// `printf 'a,b\n1,2\n' | sha256sum`
    const TEXT_SUM: &str = "492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470";

    /// A folder that goes away when the test is over.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let name = format!("tacit-data-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn files(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<String> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    /// Answers one request with these bytes, and gives the address.
    fn serve(answer: Vec<u8>) -> &'static str {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}/file.csv", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let request = BufReader::new(stream.try_clone().unwrap());
            request.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            stream.write_all(&answer).unwrap();
        });
        origin.leak()
    }

    /// A whole answer whose header promises `length` bytes.
    fn answer(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
        let header = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        [header.as_bytes(), body].concat()
    }

    fn file(origin: &'static str, sum: &'static str) -> File {
        File { example: "one", name: "file.csv", sum, shelf: "shelf/file.csv.gz", origin }
    }

    fn packed(contents: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(vec![], Compression::best());
        encoder.write_all(contents).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_good_download_is_kept_and_not_fetched_again() {
        let folder = Folder::new();
        let path = folder.0.join("file.csv");
        let file = file(serve(answer("200 OK", TEXT.len(), TEXT)), TEXT_SUM);
        assert_eq!(bring(&file, &path, None), Ok("fetched"));
        assert_eq!(fs::read(&path).unwrap(), TEXT);
        assert_eq!(folder.files(), ["file.csv"]);
        // The server has gone, so this could not fetch.
        assert_eq!(bring(&file, &path, None), Ok("already there"));
    }

    #[test]
    fn a_compressed_download_is_unpacked_unless_its_name_says_so() {
        let folder = Folder::new();
        let stored = packed(TEXT);
        for (name, expected) in [("file.csv", TEXT), ("file.csv.gz", &stored)] {
            let file = file(serve(answer("200 OK", stored.len(), &stored)), TEXT_SUM);
            let path = folder.0.join(name);
            assert_eq!(bring(&file, &path, None), Ok("fetched"));
            assert_eq!(fs::read(&path).unwrap(), expected);
        }
    }

    #[test]
    fn other_contents_are_refused_with_both_sums_and_nothing_is_kept() {
        let folder = Folder::new();
        let wrong = "0000000000000000000000000000000000000000000000000000000000000000";
        let file = file(serve(answer("200 OK", TEXT.len(), TEXT)), wrong);
        let message = bring(&file, &folder.0.join("file.csv"), None).unwrap_err();
        assert!(message.contains(TEXT_SUM) && message.contains(wrong), "{message}");
        assert!(folder.files().is_empty());
    }

    #[test]
    fn a_download_that_is_cut_off_is_refused_and_nothing_is_kept() {
        let folder = Folder::new();
        let file = file(serve(answer("200 OK", TEXT.len(), &TEXT[..4])), TEXT_SUM);
        let message = bring(&file, &folder.0.join("file.csv"), None).unwrap_err();
        assert!(message.contains("curl says"), "{message}");
        assert!(folder.files().is_empty());
    }

    #[test]
    fn a_compressed_file_that_is_cut_off_is_refused_and_nothing_is_kept() {
        let folder = Folder::new();
        let stored = &packed(TEXT)[..20];
        let file = file(serve(answer("200 OK", stored.len(), stored)), TEXT_SUM);
        let message = bring(&file, &folder.0.join("file.csv"), None).unwrap_err();
        assert!(message.contains("cannot be unpacked"), "{message}");
        assert!(folder.files().is_empty());
    }

    #[test]
    fn a_page_that_is_not_found_is_refused_and_nothing_is_kept() {
        let folder = Folder::new();
        let file = file(serve(answer("404 Not Found", TEXT.len(), TEXT)), TEXT_SUM);
        let message = bring(&file, &folder.0.join("file.csv"), None).unwrap_err();
        assert!(message.contains("404"), "{message}");
        assert!(folder.files().is_empty());
    }

    #[test]
    fn a_damaged_file_is_fetched_again_and_stays_if_that_fails() {
        let folder = Folder::new();
        let path = folder.0.join("file.csv");
        fs::write(&path, "mine").unwrap();
        bring(&file(serve(answer("404 Not Found", 0, b"")), TEXT_SUM), &path, None).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        assert_eq!(bring(&file(serve(answer("200 OK", TEXT.len(), TEXT)), TEXT_SUM), &path, None), Ok("fetched"));
        assert_eq!(fs::read(&path).unwrap(), TEXT);
    }

    #[test]
    fn a_folder_with_the_file_saves_the_download() {
        let folder = Folder::new();
        let shelf = Folder::new();
        fs::create_dir(shelf.0.join("shelf")).unwrap();
        let copy = shelf.0.join("shelf/file.csv.gz");
        fs::write(&copy, packed(TEXT)).unwrap();
        let path = folder.0.join("file.csv");
        let file = file("http://127.0.0.1:1/", TEXT_SUM);
        assert_eq!(bring(&file, &path, Some(&shelf.0)), Ok("copied"));
        assert_eq!(fs::read(&path).unwrap(), TEXT);
        // A copy with other contents is an error that names it, not a reason to use the network in silence.
        fs::remove_file(&path).unwrap();
        fs::write(&copy, "other").unwrap();
        let message = bring(&file, &path, Some(&shelf.0)).unwrap_err();
        assert!(message.contains("file.csv.gz") && message.contains(TEXT_SUM), "{message}");
        assert!(folder.files().is_empty());
    }

    #[test]
    fn an_unknown_example_is_an_error_that_lists_the_known() {
        let message = data(Path::new("."), Some("mars")).unwrap_err();
        assert!(message.contains("`mars`") && message.contains("adult, california-housing, fashion"), "{message}");
    }
}
