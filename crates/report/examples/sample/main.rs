//! Writes made-up reports of every kind, to look at and to test the page with: `sample FOLDER`. All numbers are drawn from a
//! seeded generator; none was measured. `sample FOLDER REPORT.json …` draws the reports in JSON files instead.

mod census;
mod census_details;
mod draw;
mod garments;
mod housing;
mod small;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(folder) = arguments.next() else {
        eprintln!("usage: sample FOLDER [REPORT.json …]");
        return ExitCode::from(2);
    };
    let files: Vec<String> = arguments.collect();
    let written = if files.is_empty() { write(Path::new(&folder)) } else { redraw(Path::new(&folder), &files) };
    match written {
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
        ("species", small::many_classes()),
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

fn redraw(folder: &Path, files: &[String]) -> std::io::Result<()> {
    for file in files {
        let report: tacit_report::Report = serde_json::from_str(&std::fs::read_to_string(file)?)?;
        let name = Path::new(file).file_stem().unwrap_or_default();
        std::fs::write(folder.join(name).with_extension("html"), tacit_report::html(&report))?;
    }
    Ok(())
}
