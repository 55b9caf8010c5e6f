//! `zabcheck completions` and `zabcheck man`: what a package of this program installs beside it.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use crate::args::{Cli, Completions, Man};
use crate::exit::Exit;
use crate::out;

/// Prints the completions of a shell.
pub(crate) fn completions(args: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "zabcheck", &mut script);
    out::text(String::from_utf8_lossy(&script));
    Exit::Good
}

/// Writes a manual page for the program and one for each command.
pub(crate) fn man(args: &Man) -> Exit {
    match write_pages(&args.out) {
        Ok(()) => Exit::Good,
        Err(error) => {
            out::error(format_args!("cannot write into {}: {error}", args.out.display()));
            Exit::Usage
        }
    }
}

fn write_pages(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}
