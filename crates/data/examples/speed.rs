use std::path::Path;
use std::time::Instant;
use tacit_data::source::{Row, open};
fn main() {
    for arg in std::env::args().skip(1) {
        let start = Instant::now();
        let sniffed = match tacit_data::source::sniff::sniff(Path::new(&arg)) {
            Ok(s) => s,
            Err(e) => {
                print!("{}", tacit_spec::report::render(&e, tacit_spec::report::Colour::Never));
                continue;
            }
        };
        println!("{sniffed:?} {:?}", start.elapsed());
        let options = sniffed.options;
        let start = Instant::now();
        let mut source = match open(Path::new(&arg), &options) {
            Ok(s) => s,
            Err(e) => {
                print!("{}", tacit_spec::report::render(&e, tacit_spec::report::Colour::Never));
                continue;
            }
        };
        let mut row = Row::default();
        let mut faults = tacit_data::source::FaultLog::default();
        loop {
            match source.next(&mut row) {
                Ok(true) => {}
                Ok(false) => break,
                Err(f) => faults.add(&f),
            }
        }
        println!(
            "{arg} {:?} columns {:?} {:?}",
            source.kind(),
            source.columns(),
            row.cells.iter().map(|c| c.describe().into_owned()).collect::<Vec<_>>()
        );
        print!("{}", tacit_spec::report::render(&faults.diagnostics(), tacit_spec::report::Colour::Never));
        let s = source.finish().unwrap();
        println!("{s:?} {:?}", start.elapsed());
    }
}
