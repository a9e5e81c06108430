//! How many threads the engines take.

use std::process::Command;

/// Where Rayon, candle and all that builds on them read how many threads they may take.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Has the engines take so many threads.
///
/// candle takes the number from the environment only, which no process can safely change for itself. So this one begins
/// anew with another environment, as the same process to whoever started it.
///
/// # Errors
/// If the process cannot begin anew.
pub fn limit(threads: usize) -> Result<(), String> {
    let wanted = threads.to_string();
    if std::env::var(VARIABLE).is_ok_and(|set| set == wanted) {
        return Ok(());
    }
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1)).env(VARIABLE, wanted);
    begin_anew(&mut again)
}

#[cfg(unix)]
fn begin_anew(again: &mut Command) -> Result<(), String> {
    use std::os::unix::process::CommandExt as _;
    // It comes back only if it failed.
    Err(again.exec().to_string())
}

#[cfg(not(unix))]
fn begin_anew(_again: &mut Command) -> Result<(), String> {
    Err(format!("{VARIABLE} must be set here to the number of threads"))
}
