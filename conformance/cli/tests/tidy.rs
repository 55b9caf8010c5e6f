//! Rules of the repository, as tests: what matters here fails here.

#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/glossary.rs"]
mod glossary;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/ledger.rs"]
mod ledger;
#[path = "tidy/text.rs"]
mod text;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// Files that git tracks or would track, with the given extension.
fn files(extension: &str) -> Vec<PathBuf> {
    let list = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the repository");
    let files: Vec<PathBuf> = String::from_utf8(list.stdout)
        .expect("file names are UTF-8")
        .lines()
        .map(|line| root().join(line))
        .filter(|path| path.extension().is_some_and(|e| e == extension) && path.exists())
        .collect();
    assert!(!files.is_empty(), "no *.{extension} files: is this a git checkout?");
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn assert_none(what: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{what}:\n  {}", findings.join("\n  "));
}

/// The text of every file with this extension below a folder.
fn texts(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> =
        files(extension).iter().map(|path| (shown(path), read(path))).collect();
    texts.retain(|(name, _)| name.starts_with(folder));
    texts
}

/// Whether a name stands in a text as a whole word.
fn has_word(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').any(|w| w == name)
}
