//! What is printed.

use std::process::ExitCode;

use crate::file::Wrong;

pub(crate) fn usage() -> ExitCode {
    eprintln!("usage: zab-certify FILE, as `zabcheck check --certificate FILE` has written it");
    eprintln!("exit codes: 0 the set is closed; 1 it is not; 3 the file is no certificate");
    ExitCode::from(3)
}

pub(crate) fn tell(confirmed: Result<String, Wrong>) -> ExitCode {
    match confirmed {
        Ok(text) => println!("{text}"),
        Err(Wrong(code, why)) => {
            eprintln!("{why}");
            return ExitCode::from(code);
        }
    }
    ExitCode::SUCCESS
}
