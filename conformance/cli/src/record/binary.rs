//! Where the server under test comes from: the binary beside this one, built first if its sources
//! are at hand. zabcheck never links it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package and binary of the server.
const SERVER: &str = "zab-server";

/// The server's binary, and how it was come by, in a sentence.
pub(crate) struct Binary {
    /// Path to execute.
    pub(crate) path: PathBuf,
    /// What to tell the user.
    pub(crate) origin: String,
}

/// Why there is no server to run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BinaryError {
    /// The own path is unknown.
    #[error("cannot tell where this program is: {0}")]
    NoOwnPath(std::io::Error),
    /// `cargo build` failed.
    #[error("cargo could not build {SERVER}:\n{0}")]
    Build(String),
    /// Neither a binary nor sources.
    #[error("there is no {SERVER} beside {}, and no checkout to build it from", .0.display())]
    Missing(PathBuf),
}

/// Finds the server, building it when this program runs from a checkout's `target` folder.
///
/// # Errors
/// When it cannot be built, or there is none.
pub(crate) fn find() -> Result<Binary, BinaryError> {
    let own = env::current_exe().map_err(BinaryError::NoOwnPath)?;
    let folder = own.parent().unwrap_or(Path::new("."));
    // Test binaries are one folder deeper than the programs.
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(SERVER);
    if let Some((checkout, target)) = checkout_of(folder) {
        build(&checkout, &target, folder.ends_with("release"))?;
        return Ok(Binary { path, origin: format!("{SERVER}, built from this checkout") });
    }
    if path.is_file() {
        return Ok(Binary { path, origin: format!("{SERVER}, found beside zabcheck") });
    }
    Err(BinaryError::Missing(own))
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
