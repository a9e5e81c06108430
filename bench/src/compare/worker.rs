//! A worker: a process that is told line by line what to do, and is gone when this program is.

use super::protocol::{self, Ready};
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Some peers compile for minutes; what takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

pub struct Worker {
    child: Child,
    /// Where commands go; closed at the end.
    input: ChildStdin,
    lines: Receiver<String>,
    /// What the worker writes beside the protocol.
    log: PathBuf,
}

impl Worker {
    /// Starts a worker on the given processors, or anywhere if there are none.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(words: &[OsString], processors: Option<&str>, log: &Path) -> Result<Worker, String> {
        let (program, arguments) = words.split_first().ok_or("there is no command")?;
        let mut command = match processors {
            Some(list) => {
                let mut command = Command::new("taskset");
                command.args(["-c", list]).arg(program);
                command
            }
            None => Command::new(program),
        };
        let log_file = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log_file)
            .spawn()
            .map_err(|error| format!("it could not be started: {error}"))?;
        let input = child.stdin.take().expect("the input is a pipe");
        let output = BufReader::new(child.stdout.take().expect("the output is a pipe"));
        let (sender, lines) = channel();
        // A thread reads, so that waiting for a line can end. It ends itself with the process, or with who listens.
        std::thread::spawn(move || {
            let readable = output.lines().map_while(Result::ok);
            let _ = readable.map(|line| sender.send(line)).find(Result::is_err);
        });
        Ok(Worker { child, input, lines, log: log.to_owned() })
    }

    /// Waits until the worker can be timed.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn ready(&mut self) -> Result<Ready, String> {
        protocol::ready(&self.line()?)
    }

    /// Has the worker run for about so many seconds: the nanoseconds of each step or answer.
    ///
    /// # Errors
    /// If the worker is gone or answers something else.
    pub fn time(&mut self, seconds: f64) -> Result<Vec<u64>, String> {
        self.tell(&format!("time {seconds}"))?;
        protocol::times(&self.line()?)
    }

    /// The number by which the system knows the worker.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends the worker: its greatest resident memory in KiB.
    ///
    /// # Errors
    /// If the worker is gone or answers something else.
    pub fn quit(mut self) -> Result<u64, String> {
        self.tell("quit")?;
        protocol::peak_rss(&self.line()?)
    }

    fn tell(&mut self, command: &str) -> Result<(), String> {
        match writeln!(self.input, "{command}").and_then(|()| self.input.flush()) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.end()),
        }
    }

    fn line(&mut self) -> Result<String, String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => Err(format!("no answer within {} minutes", PATIENCE.as_secs() / 60)),
            Err(RecvTimeoutError::Disconnected) => Err(self.end()),
        }
    }

    /// Why a worker that no longer answers ended.
    fn end(&mut self) -> String {
        // It may have closed its output only; then it is of no use either.
        std::thread::sleep(Duration::from_millis(100));
        let status = match self.child.try_wait() {
            Ok(Some(status)) => status.to_string(),
            Ok(None) | Err(_) => "it stopped answering".into(),
        };
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        match log.lines().rev().find(|line| !line.trim().is_empty()) {
            Some(last) => format!("{status}: {}", last.trim()),
            None => status,
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // A worker that has ended cannot be killed, which is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A reason as it may stand in a public table: one line, without the folders of this machine, and short.
pub fn told(reason: &str) -> String {
    const MAX: usize = 200;
    let line = reason.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason was given");
    let text = line.split(' ').map(without_folders).collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A word without the folders of the path that it holds, if that starts at the root.
fn without_folders(word: &str) -> String {
    match word.split_once('/') {
        Some((before, rest)) if !before.ends_with(|c: char| c.is_alphanumeric() || c == '.') => {
            format!("{before}{}", rest.rsplit('/').next().unwrap_or(rest))
        }
        Some(_) | None => word.to_owned(),
    }
}

/// A worker for tests whose program is a script of the shell. It is handed over as a word: a file that was just written may
/// still be open in a process that another test has started, and cannot be executed then.
#[cfg(test)]
pub fn scripted(log: &Path, script: &str) -> Worker {
    let words = ["sh", "-c", script].map(OsString::from);
    Worker::start(&words, None, log).expect("a shell is there")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripted(name: &str, script: &str) -> Worker {
        super::scripted(&std::env::temp_dir().join(format!("tacit-bench-test-{}-{name}", std::process::id())), script)
    }

    #[test]
    fn a_worker_is_ready_is_timed_and_quits() {
        let script = r#"
            echo '{"ready": {"losses": [1, 2]}}'
            while read command rest; do
                case $command in
                    time) echo "{\"times_ns\": [${rest}00, 300]}" ;;
                    quit) echo '{"peak_rss_kib": 7}'; exit ;;
                esac
            done"#;
        let mut worker = scripted("good", script);
        assert!(worker.ready().is_ok());
        assert_eq!(worker.time(2.0), Ok(vec![200, 300]));
        assert_eq!(worker.time(1.0), Ok(vec![100, 300]));
        let log = worker.log.clone();
        assert_eq!(worker.quit(), Ok(7));
        std::fs::remove_file(log).expect("the log is there");
    }

    #[test]
    fn a_worker_that_dies_leaves_its_last_words() {
        let mut worker = scripted("dying", "echo first >&2; echo 'ImportError: no engine' >&2; exit 3");
        let reason = worker.ready().expect_err("it died");
        assert!(reason.contains("3: ImportError: no engine"), "{reason}");
        assert!(worker.time(1.0).is_err());
        let log = worker.log.clone();
        drop(worker);
        std::fs::remove_file(log).expect("the log is there");
    }

    #[test]
    fn a_dropped_worker_is_gone() {
        let worker = scripted("idle", "exec sleep 600");
        let process = PathBuf::from(format!("/proc/{}", worker.child.id()));
        let log = worker.log.clone();
        assert!(process.exists() || !Path::new("/proc/self").exists());
        drop(worker);
        assert!(!process.exists());
        std::fs::remove_file(log).expect("the log is there");
    }

    #[test]
    fn reasons_name_no_folder_and_are_short() {
        assert_eq!(told("\n failed in '/a/b/c.py', line 3\nmore"), "failed in 'c.py', line 3");
        assert_eq!(told("1/2 of and/or"), "1/2 of and/or");
        assert_eq!(told(" "), "no reason was given");
        assert_eq!(told(&"é".repeat(300)).chars().count(), 201);
    }
}
