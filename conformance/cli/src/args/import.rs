//! The flags of `import`.

use std::path::PathBuf;

use clap::Args;

use super::named::{Named, named};

pub(super) const EXAMPLES: &str = "\
Examples:
  zabcheck import --tlc-json trace_1.json --profile 3.9.1
  zabcheck import --tlc-json trace_1_87.json --profile fixed,fast_forward=never
  zabcheck import --tlc-json trace_1_87.json      by `fixed`; if it refuses, by every known bug and release

Exit codes: 0 a run of the model agrees with the trace; 1 none does, which is told with the step and
what differs; 2 inconclusive: too many states to look at; 3 bad input: the field, and where it is.";

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A trace that the scripts of the TLA+ specifications' authors have made of TLC's output
    #[arg(long, value_name = "FILE")]
    pub(crate) tlc_json: PathBuf,
    /// What the servers do: a release, with switches set otherwise or not [default: fixed]
    #[arg(long, value_name = "RELEASE[,SWITCH=VALUE]…", value_parser = named)]
    pub(crate) profile: Option<Named>,
    /// Write the result for machines; - prints it, and what is for people on standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}
