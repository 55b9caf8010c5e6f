//! Where results go that are read by programs.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

/// Reports for CI systems.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Reports {
    /// Write the results as JUnit XML, a test case for each trace, property or file
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the findings as SARIF 2.1.0
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) sarif: Option<PathBuf>,
    /// Print each finding as an annotation of GitHub Actions; it sets the variable
    #[arg(
        long,
        env = "GITHUB_ACTIONS",
        value_parser = FalseyValueParser::new(),
        help_heading = "Reports"
    )]
    pub(crate) github: bool,
}
