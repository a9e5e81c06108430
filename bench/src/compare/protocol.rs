//! What workers write: one line of JSON for each command, and one when they are ready.

use serde::Deserialize;

/// A worker that can be timed.
#[derive(Clone, Debug, PartialEq)]
pub struct Ready {
    pub answer: Answer,
    pub version: Option<String>,
    /// What the worker chose among the ways that its engine offers.
    pub variant: Option<String>,
}

/// The numbers by which workers are compared before they are timed.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The losses of the first steps, each before its update.
    Losses(Vec<f64>),
    /// The first numbers of the output.
    Outputs(Vec<f64>),
}

#[derive(Deserialize)]
struct ReadyLine {
    ready: Option<Answer>,
    error: Option<String>,
    version: Option<String>,
    variant: Option<String>,
}

#[derive(Deserialize)]
struct TimesLine {
    times_ns: Vec<f64>,
}

#[derive(Deserialize)]
struct QuitLine {
    peak_rss_kib: u64,
}

/// The first line of a worker.
///
/// # Errors
/// What the worker says if it cannot, or that the line is none of the protocol.
pub fn ready(line: &str) -> Result<Ready, String> {
    // Losses that are not finite are no JSON, though Python writes them.
    let line: ReadyLine = serde_json::from_str(line).map_err(|error| format!("no first line: {error}"))?;
    match (line.ready, line.error) {
        (_, Some(error)) => Err(error),
        (Some(answer), None) => {
            let variant = line.variant.filter(|variant| !variant.is_empty());
            Ok(Ready { answer, version: line.version, variant })
        }
        (None, None) => Err("the first line says neither `ready` nor `error`".into()),
    }
}

/// The times that answer `time`, in nanoseconds.
pub fn times(line: &str) -> Result<Vec<u64>, String> {
    let line: TimesLine = serde_json::from_str(line).map_err(|error| format!("no times: {error}"))?;
    match line.times_ns[..] {
        [] => Err("there are no times in the answer".into()),
        _ => Ok(line.times_ns.iter().map(|time| time.round() as u64).collect()),
    }
}

/// The greatest resident memory that answers `quit`, in KiB.
pub fn peak_rss(line: &str) -> Result<u64, String> {
    let line: QuitLine = serde_json::from_str(line).map_err(|error| format!("no memory: {error}"))?;
    Ok(line.peak_rss_kib)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_ready_with_losses_or_outputs() {
        let line = r#"{"ready": {"losses": [2.5, 2]}, "version": "Engine 1", "variant": "", "extra": [1]}"#;
        let expected =
            Ready { answer: Answer::Losses(vec![2.5, 2.0]), version: Some("Engine 1".into()), variant: None };
        assert_eq!(ready(line), Ok(expected));
        let line = r#"{"ready": {"outputs": [1e-3]}, "variant": "channels last"}"#;
        let expected =
            Ready { answer: Answer::Outputs(vec![1e-3]), version: None, variant: Some("channels last".into()) };
        assert_eq!(ready(line), Ok(expected));
    }

    #[test]
    fn a_worker_says_why_it_cannot() {
        assert_eq!(ready(r#"{"error": "no such operator"}"#), Err("no such operator".into()));
        for line in ["", "{}", "warning: x", r#"{"ready": {"losses": [NaN]}}"#, r#"{"ready": {"other": []}}"#] {
            assert!(ready(line).is_err(), "{line}");
        }
    }

    #[test]
    fn times_may_be_means_with_fractions() {
        assert_eq!(times(r#"{"times_ns": [10, 11.6]}"#), Ok(vec![10, 12]));
        assert!(times(r#"{"times_ns": []}"#).is_err());
        assert!(times(r#"{"peak_rss_kib": 5}"#).is_err());
        assert_eq!(peak_rss(r#"{"peak_rss_kib": 5}"#), Ok(5));
    }
}
