//! The bytes of a file or stream: hashed as they are stored, then gunzipped if they are compressed.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use tacit_spec::report::quoted;
use tacit_spec::{Code, Diagnostic, Place};

/// A stream whose compression and byte order mark have been seen to.
pub(super) struct ByteStream {
    input: BufReader<Headed<Layer>>,
    compressed: bool,
    utf16: Option<&'static str>,
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const UTF8_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
const UTF16_LITTLE: &[u8] = &[0xff, 0xfe];
const UTF16_BIG: &[u8] = &[0xfe, 0xff];

/// The size of each buffer.
const BUFFER_BYTES: usize = 1 << 16;

enum Layer {
    Plain(Headed<Hashing>),
    Gzip(Box<MultiGzDecoder<BufReader<Headed<Hashing>>>>),
}

/// Hashes what is read through it.
struct Hashing {
    inner: Box<dyn Read + Send>,
    /// Boxed because it is large.
    hasher: Box<blake3::Hasher>,
    bytes: u64,
}

/// A reader of which the first bytes were read ahead.
struct Headed<R> {
    head: Vec<u8>,
    /// How many bytes of the head have been given out.
    given: usize,
    rest: R,
}

impl ByteStream {
    pub(super) fn new(inner: Box<dyn Read + Send>) -> io::Result<ByteStream> {
        let stored = Headed::new(Hashing::new(inner), &[GZIP])?;
        let compressed = stored.head == GZIP;
        let layer = if compressed {
            Layer::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, stored))))
        } else {
            Layer::Plain(stored)
        };
        let mut text = Headed::new(layer, &[UTF8_MARK, UTF16_LITTLE, UTF16_BIG])?;
        let utf16 = match &text.head[..] {
            UTF16_LITTLE => Some("UTF-16 (little-endian)"),
            UTF16_BIG => Some("UTF-16 (big-endian)"),
            _ => None,
        };
        if text.head == UTF8_MARK {
            text.given = text.head.len();
        }
        Ok(ByteStream { input: BufReader::with_capacity(BUFFER_BYTES, text), compressed, utf16 })
    }

    /// The encoding, if a byte order mark says that it is UTF-16.
    pub(super) fn utf16(&self) -> Option<&'static str> {
        self.utf16
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Reads what is left; the hash of the stored bytes, and their number.
    pub(super) fn finish(self) -> io::Result<(blake3::Hash, u64)> {
        match self.input.into_inner().rest {
            Layer::Plain(stored) => stored.rest.finish(),
            Layer::Gzip(decoder) => decoder.into_inner().into_inner().rest.finish(),
        }
    }
}

impl Read for ByteStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.input.read(out)
    }
}

impl BufRead for ByteStream {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.input.consume(count);
    }
}

impl<R: Read> Headed<R> {
    /// Reads ahead only as long as the bytes may still become one of the marks, so that a stream with a first short line
    /// is not waited for.
    fn new(mut rest: R, marks: &[&[u8]]) -> io::Result<Headed<R>> {
        let mut head = Vec::new();
        while marks.iter().any(|mark| mark.len() > head.len() && mark.starts_with(&head)) {
            let mut byte = [0];
            match rest.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => head.push(byte[0]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Headed { head, given: 0, rest })
    }
}

impl<R: Read> Read for Headed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = &self.head[self.given..];
        if left.is_empty() {
            return self.rest.read(out);
        }
        let count = left.len().min(out.len());
        out[..count].copy_from_slice(&left[..count]);
        self.given += count;
        Ok(count)
    }
}

impl Read for Layer {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Layer::Plain(stored) => stored.read(out),
            Layer::Gzip(decoder) => decoder.read(out),
        }
    }
}

impl Hashing {
    fn new(inner: Box<dyn Read + Send>) -> Hashing {
        Hashing { inner, hasher: Box::new(blake3::Hasher::new()), bytes: 0 }
    }

    /// Reads what is left.
    fn finish(mut self) -> io::Result<(blake3::Hash, u64)> {
        io::copy(&mut self, &mut io::sink())?;
        Ok((self.hasher.finalize(), self.bytes))
    }
}

impl Read for Hashing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.hasher.update(&out[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// The hash of a file's bytes, and their number.
#[cfg(feature = "parquet")]
pub(super) fn hash(file: std::fs::File) -> io::Result<(blake3::Hash, u64)> {
    Hashing::new(Box::new(file)).finish()
}

/// What an error of reading means: the operating system's refusal, or compressed data that does not unfold.
pub(super) fn diagnostic(name: &str, error: &io::Error) -> Diagnostic {
    if error.raw_os_error().is_some() {
        return Diagnostic::io(name, "read", error);
    }
    let message = format!("{} cannot be unpacked: {error}", quoted(name));
    let help = "the file is damaged or was cut off: copy or download it again";
    Diagnostic::error(Code::DamagedFile, Place::File(name.to_owned()), message).help(help)
}
