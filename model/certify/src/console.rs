//! What is printed.

use std::process::ExitCode;

use crate::file::Wrong;

pub(crate) fn usage() -> ExitCode {
    eprintln!("usage: zab-certify FILE, as `zabcheck check --certificate FILE` has written it");
    eprintln!("exit codes: 0 the set is closed; 1 it is not; 3 the file is no certificate");
    ExitCode::from(3)
}

pub(crate) fn tell(confirmed: Result<String, Wrong>) -> ExitCode {
    let (code, text) = match confirmed {
        Ok(text) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(Wrong::Set(why)) => (1, format!("the set is not closed without a violation: {why}")),
        Err(Wrong::File(why)) => (3, format!("the certificate cannot be used: {why}")),
    };
    eprintln!("{text}");
    ExitCode::from(code)
}
