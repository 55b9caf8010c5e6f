//! Everything that this program prints. Nothing else writes to standard output or standard error.
//!
//! What is printed may be read by a program, so a print never panics and never changes a verdict:
//!
//! * A reader that has closed its end (`zabcheck … | head -1`) has seen enough. Nothing more is
//!   written, and the exit code is that of the command.
//! * Any other failure (a full disk) is told on standard error, once, and the exit code is 3.
//! * A failure of standard error is ignored: there is nowhere left to tell it.

mod paint;

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::AutoStream;
use clap::ColorChoice;
use zab_trace::Printable;

use crate::exit::Exit;

static STDOUT: Mutex<Out> = Mutex::new(Out::Open);

/// Whether standard output is for a program: what is for people then goes to standard error.
static FOR_MACHINES: AtomicBool = AtomicBool::new(false);

/// Whether nothing is printed for people but what went wrong.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Whether verdicts have colours on standard output.
static COLORS: AtomicBool = AtomicBool::new(false);

/// What has become of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Out {
    /// Everything was written so far.
    Open,
    /// Its reader is gone.
    Closed,
    /// Something could not be written.
    Failed,
}

impl Out {
    /// Writes the text whole, unless an earlier write failed.
    ///
    /// # Errors
    /// The first failure that is not a closed reader; later ones are not told.
    fn write(&mut self, to: &mut impl Write, text: &str) -> io::Result<()> {
        match self {
            Self::Open => self.settle(to.write_all(text.as_bytes()).and_then(|()| to.flush())),
            Self::Closed | Self::Failed => Ok(()),
        }
    }

    /// Remembers how a write ended.
    fn settle(&mut self, written: io::Result<()>) -> io::Result<()> {
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                *self = Self::Closed;
                Ok(())
            }
            Err(error) => {
                *self = Self::Failed;
                Err(error)
            }
            Ok(()) => Ok(()),
        }
    }
}

/// The text as a terminal can show it: lines, and nothing that moves the cursor or changes colours.
/// Names in it come from files that others wrote. What is written for machines goes into files.
fn shown(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| Printable(line).to_string()).collect();
    lines.join("\n")
}

/// Prints a line on standard output.
pub(crate) fn line(what: impl Display) {
    print(format!("{what}\n"));
}

/// Prints on standard output what has its own end of line.
pub(crate) fn text(what: impl Display) {
    print(what.to_string());
}

/// Tells on standard error what went wrong.
pub(crate) fn error(what: impl Display) {
    note(format_args!("zabcheck: {what}"));
}

/// Prints a line on standard error.
pub(crate) fn note(what: impl Display) {
    let text = shown(&format!("{what}\n"));
    // There is nowhere to tell that standard error fails.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Prints what clap has to say: help that was asked for, or what is wrong with the arguments.
pub(crate) fn usage(error: &clap::Error) -> Exit {
    let printed = error.print();
    if error.use_stderr() {
        return Exit::Usage;
    }
    tell(stdout().settle(printed.and_then(|()| io::stdout().flush())));
    Exit::Good
}

/// Whether somebody looks at standard error as it is written.
pub(crate) fn stderr_is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Chooses whether verdicts have colours. Where nobody has said so, they have on a terminal, unless
/// `NO_COLOR` or `TERM=dumb` is set (<https://no-color.org>).
pub(crate) fn choose_colors(choice: ColorChoice) {
    let colors = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    };
    COLORS.store(colors, Ordering::Relaxed);
}

/// How wide tables may be: what `COLUMNS` says, or as wide as the terminal; elsewhere as wide as they
/// come.
pub(crate) fn width() -> Option<usize> {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.or_else(|| {
        let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(io::stdout())?;
        Some(columns.into())
    })
}

/// Whether something could not be printed on standard output, other than for want of a reader.
pub(crate) fn failed() -> bool {
    *stdout() == Out::Failed
}

/// How a command ends, given whether its output could be written.
pub(crate) fn end(exit: Exit) -> Exit {
    if failed() { exit.and(Exit::Usage) } else { exit }
}

/// From now on only [`machine`] writes to standard output (`--json -`).
pub(crate) fn keep_for_machines() {
    FOR_MACHINES.store(true, Ordering::Relaxed);
}

/// From now on nothing is printed for people but what went wrong (`--quiet`).
pub(crate) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether progress is shown to nobody.
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints a line that a CI system looks for in the log; a person who wants quiet gets it too.
pub(crate) fn annotation(line: impl Display) {
    put(format!("{line}\n"));
}

/// Prints a result for machines on standard output.
pub(crate) fn machine(text: &str) {
    tell(stdout().write(&mut io::stdout().lock(), text));
}

fn print(text: String) {
    if !is_quiet() {
        put(text);
    }
}

fn put(text: String) {
    if FOR_MACHINES.load(Ordering::Relaxed) {
        // There is nowhere to tell that standard error fails.
        let _ = io::stderr().lock().write_all(shown(&text).as_bytes());
        return;
    }
    let text = paint::verdicts(&shown(&text), COLORS.load(Ordering::Relaxed));
    tell(stdout().write(&mut io::stdout().lock(), &text));
}

fn tell(written: io::Result<()>) {
    if let Err(why) = written {
        error(format_args!("cannot write to standard output: {why}"));
    }
}

/// A thread that panicked while it printed does not keep the others from it.
fn stdout() -> MutexGuard<'static, Out> {
    STDOUT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then fails in this way.
    struct Full {
        room: usize,
        taken: Vec<u8>,
        kind: ErrorKind,
    }

    impl Full {
        fn new(room: usize, kind: ErrorKind) -> Self {
            Self { room, taken: Vec::new(), kind }
        }
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.room - self.taken.len());
            self.taken.extend_from_slice(&bytes[..fits]);
            if fits == 0 { Err(self.kind.into()) } else { Ok(fits) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_reader_is_no_failure_and_gets_nothing_more() {
        let (mut out, mut to) = (Out::Open, Full::new(6, ErrorKind::BrokenPipe));
        assert!(out.write(&mut to, "line\n").is_ok());
        assert!(out.write(&mut to, "line\n").is_ok());
        assert_eq!(out, Out::Closed);
        to.room = 100;
        assert!(out.write(&mut to, "line\n").is_ok());
        assert_eq!(to.taken, b"line\nl");
    }

    #[test]
    fn any_other_failure_is_told_once_and_remembered() {
        for kind in [ErrorKind::StorageFull, ErrorKind::WriteZero, ErrorKind::WouldBlock] {
            let (mut out, mut to) = (Out::Open, Full::new(2, kind));
            assert_eq!(out.write(&mut to, "line\n").map_err(|error| error.kind()), Err(kind));
            assert_eq!(out, Out::Failed);
            to.room = 100;
            assert!(out.write(&mut to, "line\n").is_ok());
            assert_eq!(to.taken, b"li");
        }
    }
}
