//! A server whose disk is slow, seen from outside: its calls of fdatasync are held up by strace.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::error::RecordError;
use crate::process::{Launch, Process};

/// How long strace may take to begin or to let go.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A server under strace. Dropping it lets the server go on.
pub(super) struct SlowDisk(Option<Process>);

/// Whether that can be done here.
pub(super) fn is_possible() -> Result<(), RecordError> {
    which::which("strace").map(drop).map_err(|_| RecordError::NeedsProgram { program: "strace" })
}

impl SlowDisk {
    /// Every fdatasync of this process begins so much later, from when this returns.
    pub(super) fn begin(process: u32, delay: Duration, folder: &Path) -> Result<Self, RecordError> {
        let program =
            which::which("strace").map_err(|_| RecordError::NeedsProgram { program: "strace" })?;
        let inject = format!("inject=fdatasync:delay_enter={}", delay.as_micros());
        let args = ["-f", "-p", &process.to_string(), "-e", "trace=fdatasync", "-e", &inject];
        let log = folder.join("strace.log");
        // An earlier one in this folder said the same.
        let _ = fs::remove_file(&log);
        let launch = Launch {
            name: "strace".to_owned(),
            program,
            args: args.map(Into::into).to_vec(),
            folder: folder.to_owned(),
            log: log.clone(),
        };
        let mut strace = Process::start(&launch)?;
        strace.wait_until("sign that it is attached", WAIT_MAX, || {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("attached"))
        })?;
        Ok(Self(Some(strace)))
    }

    /// The disk is as fast as before.
    pub(super) fn end(mut self) -> Result<(), RecordError> {
        match self.0.take() {
            Some(strace) => Ok(strace.stop(WAIT_MAX).map(drop)?),
            None => Ok(()),
        }
    }
}

impl Drop for SlowDisk {
    fn drop(&mut self) {
        if let Some(strace) = self.0.take() {
            // SIGTERM makes strace let go; then there is nothing more to do.
            let _ = strace.stop(WAIT_MAX);
        }
    }
}
