//! The options of `tacit-bench compare`.

use super::case::names;
use super::peers::Programs;
use std::path::{Path, PathBuf};

pub const HELP: &str = "\
Usage: tacit-bench compare OPTIONS

  --python PYTHON   the Python that has the peers of bench/peers/requirements.txt
  --native PATH     the program of bench/native, for the peers that it holds
  --only PART       only cases named so, such as `w2`, `train`, `infer/32`, `w2/infer/32/1` or `start`; may be given again
  --threads 1,2     with so many threads
  --rounds N        how often each engine is timed, 7 if left out
  --seconds S       how long each time, 0.5 if left out
  --results FILE    the document with the tables, bench/RESULTS.md if left out
  --record FILE     what was measured so far, bench/speed.json if left out
  --render          write the document and the plot from the record, and measure nothing
";

#[derive(Clone, Debug)]
pub struct Options {
    /// Nothing where nothing is to be measured.
    pub programs: Option<Programs>,
    only: Vec<String>,
    pub threads: Vec<usize>,
    pub rounds: usize,
    pub seconds: f64,
    pub results: PathBuf,
    pub record: PathBuf,
}

impl Options {
    /// Reads the words behind `compare`; nothing if they ask for help.
    ///
    /// # Errors
    /// Names the word that is wrong.
    pub fn read(words: &[String]) -> Result<Option<Options>, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut options = Options {
            programs: None,
            only: vec![],
            threads: vec![1, 2],
            rounds: 7,
            seconds: 0.5,
            results: folder.join("RESULTS.md"),
            record: folder.join("speed.json"),
        };
        let (mut python, mut native, mut renders_only) = (None, None, false);
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` is followed by nothing"));
            match word {
                "--python" => python = Some(PathBuf::from(value()?)),
                "--native" => native = Some(PathBuf::from(value()?)),
                "--only" => options.only.extend(value()?.split(',').map(str::to_owned)),
                "--threads" => options.threads = threads(value()?)?,
                "--rounds" => options.rounds = above_zero(value()?)?,
                "--seconds" => options.seconds = seconds(value()?)?,
                "--results" => options.results = value()?.into(),
                "--record" => options.record = value()?.into(),
                "--render" => renders_only = true,
                "help" | "-h" | "--help" => return Ok(None),
                _ => return Err(format!("`{word}` is no option\n\n{HELP}")),
            }
        }
        if !renders_only {
            let python = python.ok_or("`--python` is missing: it says where the peers are installed")?;
            options.programs = Some(Programs { python, native, scripts: folder.join("peers") });
        }
        Ok(Some(options))
    }

    /// Whether what has this key is to be measured.
    pub fn wants(&self, key: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| names(part, key))
    }
}

fn threads(list: &str) -> Result<Vec<usize>, String> {
    let mut threads = list.split(',').map(above_zero).collect::<Result<Vec<usize>, String>>()?;
    threads.sort_unstable();
    threads.dedup();
    let most = std::thread::available_parallelism().map_or(1, usize::from);
    match threads.last() {
        Some(last) if *last > most => Err(format!("{last} threads are asked for, and there are {most} processors")),
        Some(_) | None => Ok(threads),
    }
}

fn above_zero(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        Ok(_) | Err(_) => Err(format!("`{text}` is no number above zero")),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= 600.0 => Ok(seconds),
        Ok(_) | Err(_) => Err(format!("`{text}` is no number of seconds up to 600")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Options>, String> {
        Options::read(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_in_any_order() {
        let options = read("--rounds 3 --only w1,w2/train --python p --only start --threads 1,1").expect("good");
        let options = options.expect("no help");
        assert_eq!((options.rounds, options.threads.clone()), (3, vec![1]));
        assert!(options.wants("w1/infer/1/1") && options.wants("w2/train/64/1") && options.wants("start"));
        assert!(!options.wants("w2/infer/1/1"));
        assert!(read("--help").expect("good").is_none());
        assert!(read("--render").expect("good").expect("no help").programs.is_none());
    }

    #[test]
    fn wrong_options_are_named() {
        for line in ["", "--python", "--python p --x", "--python p --rounds 0", "--python p --seconds nan"] {
            assert!(read(line).is_err(), "{line}");
        }
        assert!(read("--python p --threads 100000").is_err());
        assert!(read("--python p --threads 1,").is_err());
    }
}
