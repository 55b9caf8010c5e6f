//! What a server prints: its log, lines on standard error; and its usage.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Writes a line. A log that cannot be written (its reader is gone, its disk is full) is lost: a
/// server does not end for want of a log.
pub fn line(what: impl Display) {
    let text = format!("{what}\n");
    // There is nowhere to tell that standard error fails.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints help that was asked for, or what is wrong with the arguments.
pub fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print().and_then(|()| io::stdout().flush());
    if error.use_stderr() {
        return ExitCode::from(3);
    }
    match printed {
        // A reader that has closed its end has seen enough.
        Err(why) if why.kind() != ErrorKind::BrokenPipe => {
            line(format_args!("zab-server: cannot write to standard output: {why}"));
            ExitCode::from(1)
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}
