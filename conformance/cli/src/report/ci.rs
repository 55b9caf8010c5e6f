//! Results for CI systems and readers: JUnit XML, SARIF, annotations of GitHub Actions, a page. All
//! show the same cases.

mod github;
mod html;
mod junit;
mod sarif;

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;
use zab_view::Sequence;

use crate::exit::Exit;
use crate::out;
use crate::report;

/// Reports for CI systems.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Reports {
    /// Write the results as JUnit XML, a test case for each trace, property or file
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) junit: Option<PathBuf>,
    /// Write the findings as SARIF 2.1.0
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) sarif: Option<PathBuf>,
    /// Write the results as a page with a sequence diagram around each finding; the file needs no other
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    pub(crate) html: Option<PathBuf>,
    /// Print each finding as an annotation of GitHub Actions; done by itself where the variable
    /// GITHUB_ACTIONS is `true`, as it is there
    #[arg(long, help_heading = "Reports")]
    pub(crate) github: bool,
}

/// One thing that was looked at: a trace, a property, a defect.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What it is a part of: a preset's exploration, a table.
    pub(crate) suite: String,
    /// What was looked at.
    pub(crate) name: String,
    pub(crate) state: State,
    /// What is wrong with it; at least one, unless it passed.
    pub(crate) findings: Vec<Finding>,
}

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Passed,
    Failed,
    /// It could not be decided, or not be looked at.
    Unknown,
}

impl State {
    /// The state of a case whose part of the command ends like this.
    pub(crate) const fn of(exit: Exit) -> Self {
        match exit {
            Exit::Good => Self::Passed,
            Exit::Bad => Self::Failed,
            Exit::Unknown | Exit::Usage | Exit::Missing => Self::Unknown,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// The rule or property that is broken, or the verdict's word.
    pub(crate) rule: String,
    pub(crate) is_error: bool,
    /// What is wrong, in a line.
    pub(crate) summary: String,
    /// The same with all that is known.
    pub(crate) text: String,
    /// File and line, from 1; without a line it is about the whole file.
    pub(crate) place: Option<(String, Option<u64>)>,
    /// What happened around it, if that was asked for and is known.
    pub(crate) picture: Option<Sequence>,
}

impl Finding {
    /// An error that has no place in a file.
    pub(crate) fn error(rule: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let summary = text.lines().next().unwrap_or_default().to_owned();
        Self { rule: rule.into(), is_error: true, summary, text, place: None, picture: None }
    }
}

/// Whether all reports that are asked for can be written.
///
/// # Errors
/// A sentence about the first that cannot.
pub(crate) fn can_write(asked: &Reports) -> Result<(), String> {
    [&asked.junit, &asked.sarif, &asked.html]
        .into_iter()
        .flatten()
        .try_for_each(|path| report::can_write(path))
}

/// Writes what is asked for; a failure is told, and makes the command fail.
pub(crate) fn write(asked: &Reports, command: &str, cases: &[Case]) -> Exit {
    if asked.github || env::var_os("GITHUB_ACTIONS").is_some_and(|set| set == "true") {
        let findings = cases.iter().flat_map(|case| &case.findings);
        findings.for_each(|finding| out::annotation(github::annotation(finding)));
    }
    let mut exit = Exit::Good;
    if let Some(path) = &asked.junit {
        exit = exit.and(put(path, junit::text(command, cases)));
    }
    if let Some(path) = &asked.sarif {
        exit = exit.and(put(path, sarif::text(cases)));
    }
    if let Some(path) = &asked.html {
        exit = exit.and(report::write(path, &html::text(command, cases)));
    }
    exit
}

fn put(path: &Path, text: Result<String, String>) -> Exit {
    match text {
        Ok(text) => report::write(path, &text),
        Err(why) => {
            out::error(format_args!("cannot write {}: {why}", path.display()));
            Exit::Usage
        }
    }
}
