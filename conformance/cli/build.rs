//! Gives the program its version, with the commit that it is built from, the corpus of traces, and some
//! captures, so that `selftest` needs no checkout.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// The corpus, from the folder of the package.
const CORPUS: &str = "../../traces/corpus";

/// Captures of that corpus that conform, and between them have every kind of packet that `selftest`
/// makes wrong.
const CAPTURES: &str = "../capture/corpus";
const HONEST: [&str; 4] = [
    "apache-3.8.0/leader-kill",
    "apache-3.8.0/observer",
    "apache-3.9.3/truncate",
    "zab-server/truncate-after-snap",
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let commit = commit().unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=ZABCHECK_VERSION={version} (commit {commit})");
    println!("cargo::rerun-if-changed={CORPUS}");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("corpus.rs"), corpus()?)?;
    fs::write(Path::new(&out).join("captures.rs"), captures()?)
}

/// A list of captures, as an expression of Rust.
fn captures() -> io::Result<String> {
    let mut list = "&[\n".to_owned();
    for name in HONEST {
        let file = Path::new(CAPTURES).join(format!("{name}.raw.ndjson")).canonicalize()?;
        println!("cargo::rerun-if-changed={}", file.display());
        // Writing to a string cannot fail.
        let _ = writeln!(list, "    ({name:?}, include_str!({file:?})),");
    }
    Ok(list + "]\n")
}

/// A list of names and contents, as an expression of Rust.
fn corpus() -> io::Result<String> {
    let mut list = "&[\n".to_owned();
    for part in ["accept", "reject", "incomplete"] {
        let mut files: Vec<_> = fs::read_dir(Path::new(CORPUS).join(part))?
            .map(|entry| entry.and_then(|entry| entry.path().canonicalize()))
            .collect::<io::Result<_>>()?;
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            // Writing to a string cannot fail.
            let _ = writeln!(list, "    ({:?}, include_str!({file:?})),", format!("{part}/{name}"));
        }
    }
    Ok(list + "]\n")
}

/// The commit of the checkout, if this is one of its own: a package may also lie unpacked in a
/// checkout of something else.
fn commit() -> Option<String> {
    let checkout = Path::new("../..").canonicalize().ok()?;
    if Path::new(&git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()? != checkout {
        return None;
    }
    for name in ["HEAD", "packed-refs", &git(&["rev-parse", "--symbolic-full-name", "HEAD"])?] {
        let file = git(&["rev-parse", "--git-path", name])?;
        // Cargo takes a file that is not there for one that has changed.
        if Path::new(&file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// What git says, if it is there and knows.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !said.is_empty()).then_some(said)
}
