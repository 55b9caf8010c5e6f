//! `zabcheck`: the only part of the checker that prints.

mod args;
mod baseline;
mod bounds;
mod captures;
mod commands;
mod exit;
mod explorer;
mod exploring;
mod export;
mod given;
mod interrupt;
mod intervals;
mod ledger;
mod listing;
mod look;
mod out;
mod packets;
mod report;
mod retold;
mod saved;
mod traced;
mod window;

use std::path::Path;
use std::process::ExitCode;

use clap::FromArgMatches;

use args::{Cli, Command};

fn main() -> ExitCode {
    interrupt::survive_full_files();
    let parsed = args::command().try_get_matches().and_then(|found| Cli::from_arg_matches(&found));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return out::end(out::usage(&error)).into(),
    };
    if cli.command.tells_what_it_has() {
        let _asked = interrupt::flag();
    } else {
        interrupt::end_at_once();
    }
    if cli.quiet {
        out::be_quiet();
    }
    if cli.command.json().is_some_and(|path| path == Path::new(report::STDOUT)) {
        out::keep_for_machines();
    }
    out::choose_colors(cli.color);
    let exit = match cli.command {
        Command::Verify(args) => commands::verify::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Explore(args) => commands::explore::run(&args),
        Command::Conform(args) => commands::conform::run(&args),
        Command::Decode(args) => commands::decode::run(&args),
        Command::Diagnose(args) => commands::diagnose::run(&args),
        Command::Wire(args) => commands::wire::run(&args),
        Command::History(args) => commands::history::run(&args),
        Command::Explain(args) => commands::explain::run(&args),
        Command::Profiles(args) => commands::profiles::run(&args),
        Command::Bugs(args) => commands::bugs::run(&args),
        Command::Releases(args) => commands::releases::run(&args),
        Command::Replay(args) => commands::replay::run(&args),
        Command::Diff(args) => commands::diff::run(&args),
        Command::Import(args) => commands::import::run(&args),
        Command::Record(args) => commands::record::run(&args),
        Command::Lint(args) => commands::lint::run(&args),
        Command::Selftest(args) => commands::selftest::run(&args),
        Command::Bench(args) => commands::bench::run(&args),
        Command::Completions(args) => commands::complete::completions(&args),
        Command::Man(args) => commands::complete::man(&args),
    };
    out::end(exit).into()
}
