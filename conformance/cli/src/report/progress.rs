//! The progress of anything that takes longer than a second.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::out;

/// Where standard error is no terminal, a line is written so often.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// On a terminal, a line on standard error that is rewritten in place; elsewhere, such as in the
/// log of a CI, a line every half minute.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: String,
    /// When the last line was written; `None` on a terminal.
    written: Option<Mutex<Instant>>,
}

impl Progress {
    /// Starts a line that begins with `what`.
    pub(crate) fn start(what: &str) -> Self {
        let bar = if out::is_quiet() { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        let lines = !out::stderr_is_watched() && !out::is_quiet();
        let written = lines.then(|| Mutex::new(Instant::now()));
        Self { bar, what: what.to_owned(), written }
    }

    /// Changes what the line ends with.
    pub(crate) fn say(&self, message: impl Into<String>) {
        let message = message.into();
        if let Some(Ok(mut written)) = self.written.as_ref().map(Mutex::lock)
            && written.elapsed() >= LINE_EVERY
        {
            *written = Instant::now();
            out::note(format_args!("{} {message}", self.what));
        }
        self.bar.set_message(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
