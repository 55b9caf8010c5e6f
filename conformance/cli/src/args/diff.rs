//! The flags of `diff`.

use std::path::PathBuf;

use clap::Args;
use zab_bugs::Budget;

use super::named::{Named, named};
use super::values;

pub(super) const EXAMPLES: &str = "\
Examples:
  zabcheck diff 3.9.2 3.9.3
  zabcheck diff fixed fixed,acks_of_cut=kept --budget 'rounds=1 requests=1 disconnects=1'
  zabcheck diff 3.8.0 3.9.4 --json diff.json

A budget is as in `zabcheck bugs --help`, with servers=2 or servers=3. Without one, several are tried,
small ones first, until there is a difference; with nothing to find these are ten searches.

Exit codes: 0 a difference was found; 2 none was found within these bounds, which does not say that
there is none; 3 bad input or usage, or the output could not be written.";

#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// A release, with switches set otherwise or not
    #[arg(value_name = "RELEASE[,SWITCH=VALUE]…", value_parser = named)]
    pub(crate) one: Named,
    /// Another one
    #[arg(value_name = "RELEASE[,SWITCH=VALUE]…", value_parser = named)]
    pub(crate) other: Named,
    /// Look within these counts only
    #[arg(long, value_name = "COUNTS", value_parser = Budget::parse)]
    pub(crate) budget: Option<Budget>,
    /// Look at this many pairs of a state of the one and states of the other for each budget at most
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = values::number::<usize>(1..=1_000_000_000))]
    pub(crate) pairs_max: usize,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
