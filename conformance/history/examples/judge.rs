//! Judges histories without the whole command: `-- FILE…`.

use std::path::PathBuf;

use zab_history::{History, check};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let history = History::load(&paths)?;
    let report = check(&history);
    println!("{}", report.verdict.word());
    for violation in &report.violations {
        let (file, line) = history.place(violation.index);
        println!("{file}:{line}: {violation}");
    }
    Ok(())
}
