//! `zabcheck`: the only part of the checker that prints.

mod args;
mod baseline;
mod bounds;
mod commands;
mod exit;
mod exploring;
mod interrupt;
mod listing;
mod record;
mod report;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::Exit;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Asking for help is no error; everything else is wrong usage.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Good };
            return match error.print() {
                Ok(()) => exit.into(),
                Err(_) => Exit::Usage.into(),
            };
        }
    };
    let exit = match cli.command {
        Command::Verify(args) => commands::verify::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Explore(args) => commands::explore::run(&args),
        Command::Conform(args) => commands::conform::run(&args),
        Command::Record(args) => commands::record::run(&args),
        Command::Lint(args) => commands::lint::run(&args),
        Command::Selftest(args) => commands::selftest::run(&args),
        Command::Bench(args) => commands::bench::run(&args),
    };
    exit.into()
}
