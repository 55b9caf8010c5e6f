//! `zabcheck completions` and `zabcheck man`: what a package of this program installs beside it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::args::{self, Completions, Man};
use crate::exit::Exit;
use crate::interrupt;
use crate::out;

/// Prints the completions of a shell.
pub(crate) fn completions(args: &Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "zabcheck", &mut script);
    out::text(String::from_utf8_lossy(&script));
    Exit::Good
}

/// Writes a manual page for the program and one for each command.
pub(crate) fn man(args: &Man) -> Exit {
    // The first signal does not end it: it is over in a moment, and leaves nothing half done.
    let _asked = interrupt::flag();
    match write_pages(&args.out) {
        Ok(()) => Exit::Good,
        Err(error) => {
            out::error(format_args!("cannot write into {}: {error}", args.out.display()));
            Exit::Usage
        }
    }
}

/// Each page under its name only when it is whole.
fn write_pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let written = tempfile::tempdir_in(folder)?;
    clap_mangen::generate_to(args::command(), &written)?;
    for page in fs::read_dir(&written)? {
        let page = page?;
        File::open(page.path())?.sync_all()?;
        fs::rename(page.path(), folder.join(page.file_name()))?;
    }
    Ok(())
}
