//! Server processes: started, waited for, killed, stopped, and never left behind.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long to wait between two looks at a condition or a process.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How many lines of its log are shown when a process fails.
const LOG_LINES_SHOWN: usize = 15;

/// How to start a process.
#[derive(Clone, Debug)]
pub struct Launch {
    /// What to call it in errors: `server 2`.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The folder it runs in; must exist.
    pub folder: PathBuf,
    /// The file in `folder` that takes its output and its errors. Appended to, so that it holds
    /// all lives of a server.
    pub log: PathBuf,
}

/// What can go wrong with a process.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It cannot be started, watched or signalled.
    #[error("{name}: {what}: {source}")]
    Io {
        /// The process.
        name: String,
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// It ended while it was waited for.
    #[error("{name} ended ({status}) before {what}\n{log}")]
    Ended {
        /// The process.
        name: String,
        /// What was waited for.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// What was waited for did not come.
    #[error("{name}: no {what} within {waited:?}\n{log}")]
    Late {
        /// The process.
        name: String,
        /// What was waited for.
        what: String,
        /// How long.
        waited: Duration,
        /// The end of its log.
        log: String,
    },
}

/// A running process. Dropping it kills and reaps it.
///
/// It is the first of a process group of its own: what it has started and left in the group (a
/// wrapper script, its server) is frozen, thawed and killed with it, and a Ctrl-C on the terminal is
/// for this program only, which then ends its processes in order.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts a process, without input, with its output in its log.
    ///
    /// # Errors
    /// When the log cannot be opened or the program not be started.
    pub fn start(launch: &Launch) -> Result<Self, ProcessError> {
        let name = &launch.name;
        let failed =
            |what: String| move |source| ProcessError::Io { name: name.clone(), what, source };
        let log = launch.folder.join(&launch.log);
        let cannot_log = || failed(format!("cannot write {}", log.display()));
        let output = OpenOptions::new().create(true).append(true).open(&log);
        let output = output.map_err(cannot_log())?;
        let errors = output.try_clone().map_err(cannot_log())?;
        let child = Command::new(&launch.program)
            .args(&launch.args)
            .current_dir(&launch.folder)
            .stdin(Stdio::null())
            .process_group(0)
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(failed(format!("cannot start {}", launch.program.display())))?;
        Ok(Self { name: name.clone(), log, child })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file with its output.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        self.child.try_wait().map_err(|source| self.io("cannot be watched", source))
    }

    /// Fails if it has ended, which it should not `before` this.
    ///
    /// # Errors
    /// When it has ended, or the system cannot say.
    pub fn check_running(&mut self, before: &str) -> Result<(), ProcessError> {
        match self.ended()? {
            None => Ok(()),
            Some(status) => Err(self.early(before, status)),
        }
    }

    /// Waits until `ready` holds. `what` names it, for errors: `answer on the client port`.
    ///
    /// # Errors
    /// When the process ends before, or `ready` does not hold within `deadline`.
    pub fn wait_until(
        &mut self,
        what: &str,
        deadline: Duration,
        ready: impl FnMut() -> bool,
    ) -> Result<(), ProcessError> {
        self.wait_until_among(&mut [], what, deadline, ready)
    }

    /// The same, while the others must not end either.
    ///
    /// # Errors
    /// When any of the processes ends before, or `ready` does not hold within `deadline`.
    pub fn wait_until_among(
        &mut self,
        others: &mut [&mut Self],
        what: &str,
        deadline: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), ProcessError> {
        let begin = Instant::now();
        loop {
            if ready() {
                return Ok(());
            }
            self.check_running(what)?;
            for other in &mut *others {
                other.check_running(what)?;
            }
            if begin.elapsed() >= deadline {
                return Err(self.late(what, deadline));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Freezes it (SIGSTOP): it runs no code until it is thawed, and its sockets stay open.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn freeze(&self) -> Result<(), ProcessError> {
        self.signal_group(Signal::STOP, "cannot be frozen")
    }

    /// Lets it go on where it was frozen (SIGCONT).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn thaw(&self) -> Result<(), ProcessError> {
        self.signal_group(Signal::CONT, "cannot be thawed")
    }

    /// Kills it (SIGKILL) and reaps it. It runs no code of its own any more; what it wrote is
    /// there.
    ///
    /// # Errors
    /// When it had ended before (so that nothing was killed), or the system refuses.
    pub fn kill(mut self) -> Result<(), ProcessError> {
        self.check_running("it was killed")?;
        self.signal_group(Signal::KILL, "cannot be killed")?;
        let status = self.child.wait().map_err(|source| self.io("cannot be reaped", source))?;
        if status.signal() == Some(Signal::KILL.as_raw()) {
            return Ok(());
        }
        Err(self.early("it was killed", status))
    }

    /// Asks it to stop (SIGTERM) and waits until it has. What it leaves behind in its group is
    /// killed.
    ///
    /// # Errors
    /// When it had ended before, or does not end within `deadline`: then it is killed.
    pub fn stop(mut self, deadline: Duration) -> Result<ExitStatus, ProcessError> {
        self.check_running("it was asked to")?;
        self.signal(Signal::TERM, "cannot be asked to stop")?;
        self.ends("end after SIGTERM", deadline)
    }

    /// Waits until it has ended, as somebody else made it.
    ///
    /// # Errors
    /// When it does not end within `deadline`: then it is killed.
    pub fn await_end(self, deadline: Duration) -> Result<ExitStatus, ProcessError> {
        self.ends("end of the process", deadline)
    }

    fn ends(mut self, what: &str, deadline: Duration) -> Result<ExitStatus, ProcessError> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if begin.elapsed() >= deadline {
                return Err(self.late(what, deadline));
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn signal(&self, signal: Signal, what: &str) -> Result<(), ProcessError> {
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|error| self.io(what, error.into()))
    }

    fn signal_group(&self, signal: Signal, what: &str) -> Result<(), ProcessError> {
        kill_process_group(Pid::from_child(&self.child), signal)
            .map_err(|error| self.io(what, error.into()))
    }

    fn early(&self, what: &str, status: ExitStatus) -> ProcessError {
        let (name, what) = (self.name.clone(), what.to_owned());
        ProcessError::Ended { name, what, status, log: self.log_tail() }
    }

    fn late(&self, what: &str, waited: Duration) -> ProcessError {
        let (name, what) = (self.name.clone(), what.to_owned());
        ProcessError::Late { name, what, waited, log: self.log_tail() }
    }

    fn io(&self, what: &str, source: io::Error) -> ProcessError {
        ProcessError::Io { name: self.name.clone(), what: what.to_owned(), source }
    }

    /// The last lines of the log. A log that cannot be read must not hide the failure itself.
    fn log_tail(&self) -> String {
        let Ok(bytes) = fs::read(&self.log) else {
            return format!("(its log {} cannot be read)", self.log.display());
        };
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
        format!("the end of {}:\n{}", self.log.display(), shown.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if nobody is left, and then there is nothing to do.
        let _ = self.signal_group(Signal::KILL, "cannot be killed");
        let _ = self.child.wait();
    }
}
