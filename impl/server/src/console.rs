//! What a server prints: its log, lines on standard error with a time and a level; and its usage.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Begins the log: what this level and those above it say goes to standard error. A log that cannot
/// be written (its reader is gone, its disk is full) is lost: a server does not end for want of it.
pub fn begin_log(level: tracing::Level) {
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .log_internal_errors(false)
        .finish();
    // The only error is that there is a log already.
    let _ = tracing::subscriber::set_global_default(log);
}

/// Writes a line, if it can be written.
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
