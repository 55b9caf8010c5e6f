//! Our own server: the binary beside this program, built first if its sources are at hand, and the
//! traces that it writes. It is never linked.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use zab_trace::{Event, Reader, ServerId};

use crate::process::Launch;
use crate::target::{Setup, Target};

/// The package and binary of the server.
const SERVER: &str = "zab-server";

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
    /// `cargo build` failed.
    #[error("cargo could not build {SERVER}:\n{0}")]
    Build(String),
    /// Neither a binary nor sources.
    #[error("there is no {SERVER} beside {}, and no checkout to build it from", .0.display())]
    Missing(PathBuf),
}

impl ZabServer {
    /// Finds the server, building it when this program runs from a checkout's `target` folder.
    ///
    /// # Errors
    /// When it cannot be built, or there is none.
    pub fn find() -> Result<Self, BinaryError> {
        let own = env::current_exe().map_err(BinaryError::NoOwnPath)?;
        let folder = own.parent().unwrap_or(Path::new("."));
        // Test binaries are one folder deeper than the programs.
        let deeper = folder.ends_with("deps");
        let folder = if deeper { folder.parent().unwrap_or(folder) } else { folder };
        let program = folder.join(SERVER);
        if let Some((checkout, target)) = checkout_of(folder) {
            build(&checkout, &target, folder.ends_with("release"))?;
            return Ok(Self { program, origin: format!("{SERVER}, built from this checkout") });
        }
        if program.is_file() {
            return Ok(Self { program, origin: format!("{SERVER}, found beside zabcheck") });
        }
        Err(BinaryError::Missing(own))
    }

    /// Where it comes from, in a sentence.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl Target for ZabServer {
    fn config(&self, setup: &Setup<'_>) -> String {
        setup.zoo_cfg()
    }

    fn launch(&self, server: ServerId, folder: &Path, traces: &Path) -> Launch {
        Launch {
            name: format!("server {server}"),
            program: self.program.clone(),
            args: vec!["zoo.cfg".into(), "--trace".into(), traces.into()],
            folder: folder.to_owned(),
            log: "log".into(),
        }
    }

    /// The server chooses the number.
    fn newest_life(&self, traces: &Path, server: ServerId) -> u32 {
        newest_life(traces, server)
    }

    /// Up to the first line that is not whole.
    fn events(&self, traces: &Path, server: ServerId, life: u32) -> Vec<Event> {
        let Ok(reader) = Reader::open(&trace(traces, server, life)) else { return Vec::new() };
        reader.map_while(Result::ok).map(|located| located.event).collect()
    }

    fn mend(&self, traces: &Path, server: ServerId, life: u32) -> io::Result<()> {
        drop_half_line(&trace(traces, server, life))
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

fn build(checkout: &Path, target: &Path, release: bool) -> Result<(), BinaryError> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", SERVER, "--bin", SERVER, "--target-dir"]);
    command.arg(target).current_dir(checkout);
    if release {
        command.arg("--release");
    }
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(BinaryError::Build(String::from_utf8_lossy(&output.stderr).into_owned())),
        Err(error) => Err(BinaryError::Build(error.to_string())),
    }
}

fn trace(folder: &Path, server: ServerId, life: u32) -> PathBuf {
    folder.join(format!("server-{server}-{life}.ndjson"))
}

/// The newest life of a server that has a trace file; 0 if there is none.
fn newest_life(folder: &Path, server: ServerId) -> u32 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let prefix = format!("server-{server}-");
    let lives = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.strip_prefix(&prefix)?.strip_suffix(".ndjson")?.parse().ok()
    });
    lives.max().unwrap_or(0)
}

/// Drops a last line without its end: a kill can fall into a write(2), and what it left half done
/// is as if it had come a moment earlier. Removes the file if then no line follows the header: a
/// server that was killed so early has done nothing, and a file without events is no trace.
fn drop_half_line(file: &Path) -> io::Result<()> {
    let content = fs::read(file)?;
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if !content[..whole].windows(2).any(|pair| pair[0] == b'\n') {
        return fs::remove_file(file);
    }
    if whole == content.len() {
        return Ok(());
    }
    let file = fs::OpenOptions::new().write(true).open(file)?;
    file.set_len(u64::try_from(whole).map_err(io::Error::other)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_half_of_a_line_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = trace(folder.path(), 1, 2);
        for (content, expected) in
            [("a\nb\nc", "a\nb\n"), ("a\nb\n", "a\nb\n"), ("a\nb\nc\n", "a\nb\nc\n")]
        {
            fs::write(&file, content).expect("written");
            drop_half_line(&file).expect("mended");
            assert_eq!(fs::read_to_string(&file).expect("read"), expected);
        }
    }

    #[test]
    fn a_file_without_a_whole_event_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = trace(folder.path(), 1, 2);
        for content in ["", "head", "head\n", "head\nhalf an event"] {
            fs::write(&file, content).expect("written");
            drop_half_line(&file).expect("mended");
            assert!(!file.exists(), "{content:?}");
        }
    }

    #[test]
    fn the_newest_life_is_that_of_the_greatest_number() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(newest_life(folder.path(), 1), 0);
        for name in ["server-1-9", "server-1-10", "server-11-12", "server-1-x", "server-1-3"] {
            fs::write(folder.path().join(format!("{name}.ndjson")), "").expect("written");
        }
        fs::write(folder.path().join("server-1-99"), "").expect("written");
        assert_eq!(newest_life(folder.path(), 1), 10);
        assert_eq!(newest_life(folder.path(), 11), 12);
    }
}
