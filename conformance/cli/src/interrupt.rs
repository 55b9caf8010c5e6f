//! Signals: the first Ctrl-C asks the work at hand to end and to tell what it has; the second one
//! ends the command, unless it runs servers, which it ends first. SIGTERM and SIGHUP do the same. A
//! file that may not grow is an error of the write, as a full disk is.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::{SigId, flag, low_level};

use crate::out;

static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| {
    let asked = Arc::new(AtomicBool::new(false));
    if let Err(error) = listen(&asked) {
        out::error(format_args!("Ctrl-C will end this run without a result: {error}"));
    }
    asked
});

/// The signals that ask for the end.
const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// The exit code of a command that a signal ends.
const UNKNOWN: i32 = 2;

/// How often it is looked whether somebody has.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The actions that end the command at the second signal.
static AT_ONCE: Mutex<Vec<SigId>> = Mutex::new(Vec::new());

/// Set as soon as somebody has asked the command to end.
pub(crate) fn flag() -> &'static AtomicBool {
    &ASKED
}

/// The same for a command that runs servers: from now on no signal ends the command before it has
/// ended them.
pub(crate) fn flag_with_servers() -> &'static AtomicBool {
    let flag = flag();
    for id in at_once().drain(..) {
        low_level::unregister(id);
    }
    flag
}

fn at_once() -> MutexGuard<'static, Vec<SigId>> {
    AT_ONCE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether somebody has asked the command to end.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// For a command that has nothing to tell before it is over: the first signal ends it, with the code
/// of what is not known.
pub(crate) fn end_at_once() {
    let always = Arc::new(AtomicBool::new(true));
    for signal in SIGNALS {
        if let Err(error) =
            flag::register_conditional_shutdown(signal, UNKNOWN, Arc::clone(&always))
        {
            out::error(format_args!("a signal will end this run with another code: {error}"));
        }
    }
}

/// Is over when somebody has asked the command to end.
pub(crate) async fn until_asked() {
    while !asked() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Keeps SIGXFSZ (`ulimit -f`) from killing this process: the write that was too much fails.
pub(crate) fn survive_full_files() {
    if let Err(error) = flag::register(SIGXFSZ, Arc::default()) {
        out::error(format_args!("a limit on the size of files will kill this process: {error}"));
    }
}

/// The order matters: the exit must see the flag as it was before this signal.
fn listen(asked: &Arc<AtomicBool>) -> io::Result<()> {
    for signal in SIGNALS {
        at_once().push(flag::register_conditional_shutdown(signal, UNKNOWN, Arc::clone(asked))?);
        flag::register(signal, Arc::clone(asked))?;
    }
    Ok(())
}
