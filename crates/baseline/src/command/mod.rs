//! The command of `[baseline]`: a hand-written program that is fed the test rows and answers them.
//!
//! The command runs in the manifest's folder, without a shell. It reads one JSON object a line from its standard input,
//! with the columns of a row as fields, and writes one JSON value a line to its standard output, in the order of the
//! rows: the answer itself, or an object with the answer under `answer` or the output's name. See [`Output`] for what an
//! answer is. It runs with the rights of the caller, so nothing here is ever called unless a person asked for it.

mod answer;

use std::io::{BufRead as _, BufReader, BufWriter, ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::error::{CodedError, FAILED, LINE_COUNT, LINE_SYNTAX, NOT_STARTED, TIME_LIMIT};

pub use answer::{Answers, Output, OutputKind};

/// What a manifest says to run.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// The program and its arguments. A program with a `/` in its name is found from `folder`, another on the PATH.
    pub words: &'a [String],
    /// The folder of the manifest, in which it runs.
    pub folder: &'a Path,
    /// For the whole run. When it is over, the command and the processes that it started are ended.
    pub time_limit: Duration,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// For each output, its answers in the order of the rows.
    pub answers: Vec<Answers>,
    /// From the start of the command to its last answer, by the clock.
    pub seconds: f64,
}

/// A limit that only a program that is stuck will meet: a minute, and a tenth of a second a row.
pub fn usual_time_limit(rows: usize) -> Duration {
    Duration::from_secs(60)
        .saturating_add(Duration::from_millis(100).saturating_mul(rows.try_into().unwrap_or(u32::MAX)))
}

/// Runs the command on rows and reads its answers for `outputs`.
///
/// # Errors
/// E0602 if it cannot start, E0603 if it ends with an error, E0604 if it takes too long, E0605 if it does not write one
/// line a row, and E0606 or E0607 with the line's number if a line is no answer.
pub fn run<R>(command: &Command, rows: R, outputs: &[Output]) -> Result<Run, CodedError>
where
    R: IntoIterator<Item = Map<String, Value>, IntoIter: ExactSizeIterator>,
{
    let rows = rows.into_iter();
    let name = format!("`{}`", command.words.join(" "));
    let start = Instant::now();
    let mut child = spawn(command, &name)?;
    let stdin = child.stdin.take().expect("the standard input is a pipe");
    let stdout = child.stdout.take().expect("the standard output is a pipe");
    let stderr = child.stderr.take().expect("the standard error is a pipe");
    let running = Arc::new(Running { child: Mutex::new(child), timed_out: AtomicBool::new(false) });

    // The threads own what they use, so that none has to be waited for: a process that the command left behind could
    // hold its end of a pipe for ever.
    let done = watch(Arc::clone(&running), command.time_limit);
    let messages = collect_messages(stderr);
    let answers = collect_answers(Arc::clone(&running), stdout, name.clone(), rows.len(), outputs.to_vec());

    let row_count = rows.len();
    let mut stdin = BufWriter::new(stdin);
    for row in rows {
        // A command that does not read on has ended, was ended, or has seen enough. Its answers tell.
        if serde_json::to_writer(&mut stdin, &row).is_err() || stdin.write_all(b"\n").is_err() {
            break;
        }
    }
    let _ = stdin.flush();
    // Dropping it ends the input. What could not be written is lost with the reader.
    drop(stdin.into_parts());

    // Once the limit is over, the command is ended, which ends its output; the threads then need a moment.
    let grace = Duration::from_secs(5);
    let left = command.time_limit.saturating_sub(start.elapsed()).saturating_add(grace);
    let answered = answers.recv_timeout(left);
    let status = loop {
        match running.child().try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if answered.is_err() || start.elapsed() > command.time_limit.saturating_add(grace) => break None,
            Ok(None) => std::thread::sleep(Duration::from_millis(1)),
            Err(_) => break None,
        }
    };
    drop(done);
    let tail = messages.recv_timeout(grace).unwrap_or_default();

    if running.timed_out.load(Ordering::Acquire) || answered.is_err() || status.is_none() {
        let message = format!("{name} did not end within {:.1} seconds{tail}", command.time_limit.as_secs_f64());
        return Err(CodedError::new(TIME_LIMIT, message).help("let it end when its standard input ends"));
    }
    let answered = answered.expect("it has been seen that there are answers");
    match answered {
        // What stopped the reading is why the command was ended.
        Err(Stopped::Line(error)) => Err(CodedError { message: format!("{}{tail}", error.message), ..error }),
        Ok(_) | Err(Stopped::TooFew(_)) if status.is_some_and(|status| !status.success()) => {
            let status = status.map_or(String::new(), |status| status.to_string());
            Err(CodedError::new(FAILED, format!("{name} ended with {status}{tail}")))
        }
        Err(Stopped::TooFew(lines)) => {
            let message = format!("{name} wrote {lines} line(s) for {row_count} rows{tail}");
            Err(CodedError::new(LINE_COUNT, message).help("write one line for every line that is read, and flush them"))
        }
        Ok((answers, last)) => Ok(Run { answers, seconds: last.duration_since(start).as_secs_f64() }),
    }
}

fn spawn(command: &Command, name: &str) -> Result<Child, CodedError> {
    let error = |message: String, help: &str| CodedError::new(NOT_STARTED, message).help(help);
    let Some((program, arguments)) = command.words.split_first() else {
        return Err(error("the command of `[baseline]` is empty".into(), "name a program and its arguments"));
    };
    let folder = std::path::absolute(command.folder).unwrap_or_else(|_| command.folder.to_path_buf());
    if !folder.is_dir() {
        let message = format!("cannot start {name}: there is no folder `{}`", folder.display());
        return Err(error(message, "it runs in the folder of the manifest"));
    }
    // Whether a relative program is found from the old or the new folder would differ between systems.
    let is_path = Path::new(program).components().count() > 1;
    let program = if is_path { folder.join(program) } else { PathBuf::from(program) };
    let mut process = std::process::Command::new(&program);
    process.args(arguments).current_dir(&folder);
    process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut process, 0);
    process.spawn().map_err(|cause| {
        let help = if cause.kind() == ErrorKind::PermissionDenied {
            "is it executable? Else name its interpreter first, as in `python3`, `rules.py`"
        } else if is_path {
            "paths start at the folder of the manifest"
        } else {
            "is it installed, and on the PATH?"
        };
        error(format!("cannot start {name}: {cause}"), help)
    })
}

/// A command that has been started.
struct Running {
    child: Mutex<Child>,
    timed_out: AtomicBool,
}

impl Running {
    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the command and the processes of its group, unless it has ended. It is only waited for under the same lock,
    /// so its number cannot have passed to another process.
    fn end(&self) {
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            #[cfg(unix)]
            let _ = rustix::process::kill_process_group(
                rustix::process::Pid::from_child(&child),
                rustix::process::Signal::KILL,
            );
            let _ = child.kill();
        }
    }
}

/// Ends the command when the limit is over, unless what is returned is dropped before.
fn watch(running: Arc<Running>, limit: Duration) -> mpsc::Sender<()> {
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            running.timed_out.store(true, Ordering::Release);
            running.end();
        }
    });
    done
}

/// The end of the standard error, as it is put behind a message; empty if nothing was written.
fn collect_messages(mut stderr: ChildStderr) -> mpsc::Receiver<String> {
    const KEPT: usize = 2000;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut kept: Vec<u8> = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut chunk) {
            kept.extend_from_slice(&chunk[..count]);
            kept.drain(..kept.len().saturating_sub(KEPT));
        }
        let text = String::from_utf8_lossy(&kept);
        let tail = match text.trim() {
            "" => String::new(),
            text => text.lines().fold("; its standard error ends:".into(), |all, line| format!("{all}\n    {line}")),
        };
        let _ = sender.send(tail);
    });
    receiver
}

/// Why there are no answers.
enum Stopped {
    Line(CodedError),
    TooFew(u64),
}

type Answered = Result<(Vec<Answers>, Instant), Stopped>;

/// Reads the standard output to its end, or to the first line that is no answer, where the command is ended.
fn collect_answers(
    running: Arc<Running>,
    stdout: ChildStdout,
    name: String,
    rows: usize,
    outputs: Vec<Output>,
) -> mpsc::Receiver<Answered> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let answered = read_answers(stdout, &format!("output of {name}"), rows as u64, &outputs);
        if let Err(Stopped::Line(_)) = answered {
            running.end();
        }
        let _ = sender.send(answered);
    });
    receiver
}

fn read_answers(stdout: impl Read, place: &str, rows: u64, outputs: &[Output]) -> Answered {
    const LINE_BYTES_MAX: u64 = 1 << 24;
    let mut stdout = BufReader::new(stdout);
    let mut answers: Vec<Answers> = outputs.iter().map(Answers::new).collect();
    let mut last = Instant::now();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let stop = |error: CodedError| Err(Stopped::Line(error.at_line(place, number)));
        if let Err(error) = stdout.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            return stop(CodedError::new(LINE_SYNTAX, format!("the line cannot be read: {error}")));
        }
        let is_blank = line.trim_ascii().is_empty();
        if line.is_empty() {
            return if number > rows { Ok((answers, last)) } else { Err(Stopped::TooFew(number - 1)) };
        }
        if number > rows && is_blank {
            continue;
        }
        if number > rows {
            return stop(CodedError::new(LINE_COUNT, format!("there are more lines than the {rows} rows")));
        }
        if line.len() as u64 == LINE_BYTES_MAX {
            return stop(CodedError::new(LINE_SYNTAX, format!("the line has more than {LINE_BYTES_MAX} bytes")));
        }
        if let Err(error) = answer::read_line(&line, outputs, &mut answers) {
            return stop(error);
        }
        last = Instant::now();
    }
    unreachable!("the output ends before numbers do")
}
