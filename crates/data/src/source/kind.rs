//! Which format a file has, by its name and its first bytes.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

use super::{bytes, idx, image};

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// Lines of cells with a delimiter between them.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// The format of the MNIST digits.
    Idx,
    /// A folder of pictures, one folder a label.
    ImageFolder,
}

impl SourceKind {
    pub const ALL: &[SourceKind] =
        &[SourceKind::Csv, SourceKind::JsonLines, SourceKind::Parquet, SourceKind::Idx, SourceKind::ImageFolder];

    /// The format in words, for messages.
    pub fn words(self) -> &'static str {
        match self {
            SourceKind::Csv => "CSV",
            SourceKind::JsonLines => "JSON lines",
            SourceKind::Parquet => "Parquet",
            SourceKind::Idx => "idx",
            SourceKind::ImageFolder => "a folder of pictures",
        }
    }
}

/// How many bytes are looked at.
const HEAD_BYTES: usize = 4096;

/// The format of a file or folder: a folder holds pictures; else what the first bytes tell beyond doubt; else what the
/// name says; else JSON lines where the text begins with `{`, and CSV for all other text. Of a pipe only the name is looked at.
///
/// # Errors
/// The file cannot be read, or its format is none that can be.
pub(super) fn detect(path: &Path) -> Result<SourceKind, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let help = "`source` in `[data]` is relative to the folder of the manifest";
        vec![Diagnostic::io(&name, "read", &error).help(help)]
    };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Ok(SourceKind::ImageFolder);
    }
    // What is read from a pipe is gone.
    if !metadata.is_file() {
        return Ok(kind_by_name(&name).unwrap_or(SourceKind::Csv));
    }
    let stream = bytes::ByteStream::new(Box::new(File::open(path).map_err(unreadable)?));
    let mut stream = stream.map_err(|error| vec![bytes::diagnostic(&name, &error)])?;
    // Text in UTF-16 is full of zero bytes; that it is UTF-16 is told when it is opened.
    let wide = stream.utf16().is_some();
    let mut head = Vec::new();
    let read = stream.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head);
    if let Err(error) = read.as_ref()
        && head.is_empty()
    {
        return Err(vec![bytes::diagnostic(&name, error)]);
    }
    if head.starts_with(b"PAR1") {
        // It is read from its end, which compression of the whole does not allow.
        return match stream.is_compressed() {
            true => Err(unknown(&name, "Parquet inside gzip", "unpack it: `gunzip`")),
            false => Ok(SourceKind::Parquet),
        };
    }
    if idx::is_idx(&head) {
        return Ok(SourceKind::Idx);
    }
    if image::is_picture(&head) {
        return Err(unknown(&name, "a single picture", "give the folder that holds the pictures, one folder a label"));
    }
    if let Some((format, help)) = foreign(&head) {
        return Err(unknown(&name, format, help));
    }
    let named = kind_by_name(&name);
    let is_text = named == Some(SourceKind::Csv) || named == Some(SourceKind::JsonLines) || named.is_none();
    if is_text && !wide && head.contains(&0) {
        return Err(unknown(
            &name,
            "not text",
            "give a file of CSV, JSON lines, Parquet or idx, or a folder of pictures",
        ));
    }
    Ok(named.unwrap_or_else(|| match head.trim_ascii_start() {
        [b'{', ..] => SourceKind::JsonLines,
        _ => SourceKind::Csv,
    }))
}

/// The format that a name promises.
pub(super) fn kind_by_name(name: &str) -> Option<SourceKind> {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    const ENDINGS: &[(&str, SourceKind)] = &[
        (".csv", SourceKind::Csv),
        (".tsv", SourceKind::Csv),
        (".tab", SourceKind::Csv),
        (".jsonl", SourceKind::JsonLines),
        (".ndjson", SourceKind::JsonLines),
        (".json", SourceKind::JsonLines),
        (".parquet", SourceKind::Parquet),
        ("-ubyte", SourceKind::Idx),
        (".idx", SourceKind::Idx),
    ];
    ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, kind)| *kind)
}

/// The error that Parquet is left out of this build.
#[cfg(not(feature = "parquet"))]
pub(super) fn no_parquet(name: &str) -> Diagnostic {
    let message = format!("{} is Parquet, which this build leaves out", quoted(name));
    Diagnostic::error(Code::FeatureMissing, Place::File(name.to_owned()), message)
        .help("install with it: `cargo install tacit-cli --features parquet`; or save the file as CSV")
}

/// Formats that people have and that cannot be read, by their first bytes; and what to do about them.
fn foreign(head: &[u8]) -> Option<(&'static str, &'static str)> {
    const FORMATS: &[(&[u8], &str, &str)] = &[
        (b"PK\x03\x04", "a zip archive or a workbook", "unpack it, or save the sheet as CSV (UTF-8)"),
        (&[0xd0, 0xcf, 0x11, 0xe0], "an old workbook", "save the sheet as CSV (UTF-8)"),
        (b"SQLite format 3", "a SQLite database", "export the table as CSV: `sqlite3 -header -csv old.db 'select …'`"),
        (b"ARROW1", "an Arrow or Feather file", "save it as CSV or Parquet"),
        (&[0x93, b'N', b'U', b'M', b'P', b'Y'], "a NumPy array", "save it as CSV: `numpy.savetxt`"),
        (&[0x89, b'H', b'D', b'F'], "an HDF5 file", "save the table as CSV or Parquet"),
        (b"BZh", "compressed with bzip2", "unpack it: `bunzip2`"),
        (&[0xfd, b'7', b'z', b'X', b'Z'], "compressed with xz", "unpack it: `unxz`"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "compressed with zstd", "unpack it: `unzstd`"),
        (b"%PDF", "a PDF document", "give the table as CSV"),
    ];
    FORMATS.iter().find(|(mark, _, _)| head.starts_with(mark)).map(|(_, format, help)| (*format, *help))
}

fn unknown(name: &str, format: &str, help: &str) -> Vec<Diagnostic> {
    let message = format!("{} is {format}", quoted(name));
    vec![Diagnostic::error(Code::UnknownFormat, Place::File(name.to_owned()), message).help(help)]
}
