//! `zabcheck lint`.

use crate::args::Lint;
use crate::exit::Exit;
use crate::out;

/// Prints every finding with its place, and a summary.
pub(crate) fn run(args: &Lint) -> Exit {
    let report = match zab_trace::lint(&args.paths) {
        Ok(report) => report,
        Err(error) => {
            out::error(error);
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
    if report.is_sound() { Exit::Good } else { Exit::Bad }
}
