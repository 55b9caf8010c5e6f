//! `zabcheck lint`.

use serde_json::{Value, json};
use zab_trace::{Finding, LintReport, Severity};

use crate::args::Lint;
use crate::exit::Exit;
use crate::given::Given;
use crate::out;
use crate::report::ci::{self, Case, State};
use crate::report::{can_write, conformance, write_json};

/// Prints every finding with its place, and a summary.
pub(crate) fn run(args: &Lint) -> Exit {
    let json = args.json.as_deref();
    let fine = json.map_or(Ok(()), can_write).and_then(|()| ci::can_write(&args.reports));
    if let Err(why) = fine {
        out::error(why);
        return Exit::Usage;
    }
    let lint = |given: Given| {
        let report = zab_trace::lint(&given.paths).map_err(|error| error.to_string())?;
        Ok((conformance::names(&given.paths), report))
    };
    let (paths, report) = match Given::new(&args.paths).and_then(lint) {
        Ok(linted) => linted,
        Err(why) => {
            out::error(why);
            return Exit::Usage;
        }
    };
    for finding in &report.findings {
        out::line(finding);
    }
    if report.left_out > 0 {
        out::line(format_args!("… and {} more findings", report.left_out));
    }
    out::line(format_args!(
        "{} files, {} events: {} findings, {} of them errors",
        report.files,
        report.events,
        report.findings.len() as u64 + report.left_out,
        report.errors,
    ));
    let exit = if report.is_sound() { Exit::Good } else { Exit::Bad };
    exit.and(write_json(json, "lint", to_json(&paths, &report))).and(ci::write(
        &args.reports,
        "lint",
        &[case(&paths, &report)],
    ))
}

fn to_json(paths: &[String], report: &LintReport) -> Value {
    json!({
        "paths": paths,
        "sound": report.is_sound(),
        "files": report.files,
        "events": report.events,
        "errors": report.errors,
        "left_out": report.left_out,
        "findings": report.findings.iter().map(conformance::note).collect::<Vec<_>>(),
    })
}

fn case(paths: &[String], report: &LintReport) -> Case {
    let finding = |finding: &Finding| ci::Finding {
        is_error: finding.severity == Severity::Error,
        place: Some((finding.file.clone(), (finding.line > 0).then_some(finding.line))),
        ..ci::Finding::error("trace-format", finding.sentence.as_str())
    };
    Case {
        suite: "lint".to_owned(),
        name: paths.join(" "),
        state: if report.is_sound() { State::Passed } else { State::Failed },
        findings: report.findings.iter().map(finding).collect(),
    }
}
