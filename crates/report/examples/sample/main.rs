//! Writes made-up reports of every kind, to look at and to test the page with: `sample FOLDER`. All numbers are drawn from a
//! seeded generator; none was measured.

mod census;
mod draw;
mod garments;
mod housing;
mod small;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: sample FOLDER");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let reports = [
        ("census", census::report()),
        ("housing", housing::report()),
        ("garments", garments::report()),
        ("topics", small::labels()),
        ("pumps", small::anomaly()),
        ("bare", tacit_report::Report::default()),
    ];
    for (name, report) in reports {
        std::fs::write(folder.join(format!("{name}.report.html")), tacit_report::html(&report))?;
        std::fs::write(folder.join(format!("{name}.report.json")), serde_json::to_string_pretty(&report)?)?;
        if let Some(curves) = &report.curves {
            let events = tacit_report::tensorboard::events(curves, 0.0, 0.0);
            std::fs::write(folder.join(tacit_report::tensorboard::file_name(0.0, name)), events)?;
        }
    }
    Ok(())
}
