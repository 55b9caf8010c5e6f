//! Ctrl-C: the first one asks the work at hand to end and to tell what it has; the second one ends
//! the command.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Set as soon as somebody has asked the command to end.
pub(crate) fn flag() -> &'static AtomicBool {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        let handled = ctrlc::set_handler(|| {
            if ASKED.swap(true, Ordering::Relaxed) {
                std::process::exit(2);
            }
        });
        if let Err(error) = handled {
            eprintln!("zabcheck: Ctrl-C will end this run without a result: {error}");
        }
    });
    &ASKED
}

/// Whether somebody has asked the command to end.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
