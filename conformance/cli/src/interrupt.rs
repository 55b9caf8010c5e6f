//! Signals: the first Ctrl-C asks the work at hand to end and to tell what it has; the second one
//! ends the command. SIGTERM and SIGHUP do the same. A file that may not grow is an error of the write, as a full disk is.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::out;

static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let asked = Arc::new(AtomicBool::new(false));
    if let Err(error) = listen(&asked) {
        out::error(format_args!("Ctrl-C will end this run without a result: {error}"));
    }
    asked
});

/// Set as soon as somebody has asked the command to end.
pub(crate) fn flag() -> &'static AtomicBool {
    &ASKED
}

/// Whether somebody has asked the command to end.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// Keeps SIGXFSZ (`ulimit -f`) from killing this process: the write that was too much fails.
pub(crate) fn survive_full_files() {
    if let Err(error) = flag::register(SIGXFSZ, Arc::default()) {
        out::error(format_args!("a limit on the size of files will kill this process: {error}"));
    }
}

/// The order matters: the exit must see the flag as it was before this signal.
fn listen(asked: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, 2, Arc::clone(asked))?;
        flag::register(signal, Arc::clone(asked))?;
    }
    Ok(())
}
