//! Our own server: the binary beside this program or in PATH, built first if its sources are at
//! hand. It is never linked.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Launch;
use crate::target::{Life, Target};

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
    #[error(
        "there is no {SERVER} beside {} or in PATH, and no checkout to build it from: install it \
         (in a checkout: cargo install --locked --path impl/server), or give another server with \
         record --server", .0.display()
    )]
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
