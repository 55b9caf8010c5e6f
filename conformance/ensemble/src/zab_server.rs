//! Our own server: the binary beside this program or in PATH, built first if its sources are at
//! hand. It is never linked.

use std::env;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::process::Launch;
use crate::target::{Life, Target};

/// The package and binary of the server.
const SERVER: &str = "zab-server";

/// How often it is looked whether a build is to end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The server of this project, which writes its own trace.
#[derive(Clone, Debug)]
pub struct ZabServer {
    program: PathBuf,
    origin: String,
}

/// Why there is no server to run.
#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    /// The own path is unknown.
    #[error("cannot tell where this program is: {0}")]
    NoOwnPath(io::Error),
    /// Somebody has asked for the end while it was built.
    #[error("interrupted while {SERVER} was built")]
    Interrupted,
    /// `cargo build` failed.
    #[error("cargo could not build {SERVER}:\n{0}")]
    Build(String),
    /// Neither a binary nor sources.
    #[error(
        "there is no {SERVER} beside {} or in PATH, and no checkout to build it from: install it \
         (in a checkout: cargo install --locked --path impl/server), or give another server with \
         record --server", .0.display()
    )]
    Missing(PathBuf),
}

impl ZabServer {
    /// Finds the server, building it when this program runs from a checkout's `target` folder; `tell`
    /// is told each line of what cargo says meanwhile. The build ends when `stop` is set.
    ///
    /// # Errors
    /// When it cannot be built, or there is none.
    pub fn find(stop: &AtomicBool, tell: &mut dyn FnMut(&str)) -> Result<Self, BinaryError> {
        let own = env::current_exe().map_err(BinaryError::NoOwnPath)?;
        let folder = own.parent().unwrap_or(Path::new("."));
        // Test binaries are one folder deeper than the programs.
        let deeper = folder.ends_with("deps");
        let folder = if deeper { folder.parent().unwrap_or(folder) } else { folder };
        let program = folder.join(SERVER);
        if let Some((checkout, target)) = checkout_of(folder) {
            let mut command = cargo(&checkout, &target, folder.ends_with("release"));
            build(&mut command, stop, tell)?;
            return Ok(Self { program, origin: format!("{SERVER}, built from this checkout") });
        }
        if program.is_file() {
            return Ok(Self { program, origin: format!("{SERVER}, found beside zabcheck") });
        }
        match which::which(SERVER) {
            Ok(program) => Ok(Self { program, origin: format!("{SERVER}, found in PATH") }),
            Err(_) => Err(BinaryError::Missing(own)),
        }
    }

    /// The binary.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Where it comes from, in a sentence.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl Target for ZabServer {
    fn launch(&self, life: &Life<'_>) -> Launch {
        Launch {
            name: format!("server {}", life.server),
            program: self.program.clone(),
            args: vec!["zoo.cfg".into(), "--trace".into(), life.traces.into()],
            folder: life.folder.to_owned(),
            log: "log".into(),
        }
    }
}

/// The same server without a trace: what is known of it is what goes over the wires.
#[derive(Clone, Debug)]
pub struct Untraced(pub ZabServer);

impl Target for Untraced {
    fn software(&self) -> String {
        format!("zab-server {}", env!("CARGO_PKG_VERSION"))
    }

    fn launch(&self, life: &Life<'_>) -> Launch {
        Launch { args: vec!["zoo.cfg".into()], ..self.0.launch(life) }
    }

    fn writes_traces(&self) -> bool {
        false
    }
}

/// The checkout that `folder` was built from, and the target folder it is in.
///
/// Cargo tells a program that it runs where its package is; one started by hand looks above itself.
fn checkout_of(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let checkout = package
        .iter()
        .flat_map(|package| package.ancestors())
        .chain(folder.ancestors())
        .find(|path| path.join("impl/server/Cargo.toml").is_file())?;
    Some((checkout.to_owned(), folder.parent()?.to_owned()))
}

fn cargo(checkout: &Path, target: &Path, release: bool) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--package", SERVER, "--bin", SERVER, "--target-dir"]);
    command.arg(target).current_dir(checkout);
    if release {
        command.arg("--release");
    }
    command
}

/// Builds; cargo and the compilers that it runs are a group of their own, so that all of them end with
/// it.
fn build(
    command: &mut Command,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(&str),
) -> Result<(), BinaryError> {
    let failed = |error: io::Error| BinaryError::Build(error.to_string());
    let quiet = command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = quiet.stderr(Stdio::piped()).spawn().map_err(failed)?;
    let (send, lines) = mpsc::channel();
    if let Some(said) = child.stderr.take() {
        thread::spawn(move || {
            let lines = BufReader::new(said).lines().map_while(Result::ok);
            // Nobody listens any more once the build is given up.
            lines.map(|line| send.send(line)).take_while(Result::is_ok).for_each(drop);
        });
    }
    let mut said = String::new();
    loop {
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(line) => {
                tell(line.trim());
                said += &format!("{line}\n");
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if stop.load(Ordering::Relaxed) {
            // It fails only if all of them have just ended.
            let _ = kill_process_group(Pid::from_child(&child), Signal::TERM);
            child.wait().map_err(failed)?;
            return Err(BinaryError::Interrupted);
        }
    }
    match child.wait().map_err(failed)? {
        status if status.success() => Ok(()),
        _ => Err(BinaryError::Build(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::starts_processes;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_is_said_while_it_is_built_is_told() {
        let _alone = starts_processes();
        let (stop, mut told) = (AtomicBool::new(false), Vec::new());
        let mut tell = |line: &str| told.push(line.to_owned());
        let script = "echo '   Compiling one' >&2; echo two >&2";
        build(&mut shell(script), &stop, &mut tell).expect("it ends well");
        let failed = build(&mut shell("echo why >&2; exit 3"), &stop, &mut tell);
        assert!(matches!(failed, Err(BinaryError::Build(said)) if said == "why\n"));
        assert_eq!(told, ["Compiling one", "two", "why"]);
    }

    #[test]
    fn a_build_that_is_given_up_leaves_no_process() {
        let _alone = starts_processes();
        let (stop, mut children) = (AtomicBool::new(false), String::new());
        let mut tell = |line: &str| {
            children = line.to_owned();
            stop.store(true, Ordering::Relaxed);
        };
        // A child of its own, which holds the output open.
        let given_up = build(&mut shell("sleep 600 & echo $! >&2; wait"), &stop, &mut tell);
        assert!(matches!(given_up, Err(BinaryError::Interrupted)));
        let state = || std::fs::read_to_string(format!("/proc/{children}/stat"));
        let begin = std::time::Instant::now();
        while state().is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(begin.elapsed().as_secs() < 600, "{children} still runs");
            thread::sleep(LOOK_EVERY);
        }
    }
}
