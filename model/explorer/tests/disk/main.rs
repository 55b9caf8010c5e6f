//! Runs that keep on disk what memory is short of, and runs that go on in another process.

mod full;
mod killed;
mod resume;
mod spill;
mod torn;

use zab_explorer::{ExplorerModel, Options, Report, Verdict, check};

/// All that does not depend on how a run was made.
#[derive(Debug, PartialEq)]
struct Seen {
    complete: bool,
    distinct: u64,
    generated: u64,
    unreduced: Option<u64>,
    waiting: u64,
    terminal: u64,
    deadlocks: u64,
    levels: Vec<u64>,
    actions: Vec<(String, u64)>,
    /// By property: the verdict, and the length of the run that shows it.
    verdicts: Vec<(&'static str, &'static str, Option<usize>)>,
}

fn word<S>(verdict: &Verdict<S>) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated(_) => "violated",
        Verdict::Reached(_) => "reached",
        Verdict::NeverReached => "never reached",
        Verdict::Unknown => "unknown",
    }
}

fn seen<S>(report: &Report<S>) -> Seen {
    let verdicts = report.properties.iter().map(|property| {
        let length = property.verdict.trace().map(|trace| trace.steps());
        (property.name, word(&property.verdict), length)
    });
    Seen {
        complete: report.complete(),
        distinct: report.distinct,
        generated: report.generated,
        unreduced: report.unreduced,
        waiting: report.waiting,
        terminal: report.terminal,
        deadlocks: report.deadlocks,
        levels: report.levels.clone(),
        actions: report.actions.clone(),
        verdicts: verdicts.collect(),
    }
}

/// Both must be the same; says what is not, which is less than all.
fn assert_same<S>(report: &Report<S>, wanted: &Report<S>) {
    let (one, other) = (seen(report), seen(wanted));
    let differs = one.levels.iter().zip(&other.levels).position(|(a, b)| a != b);
    assert_eq!(differs, None, "the first level that differs");
    assert_eq!(Seen { levels: Vec::new(), ..one }, Seen { levels: Vec::new(), ..other });
}

fn explored<M: ExplorerModel>(model: &M, options: &Options<'_>) -> Report<M::State> {
    check(model, options, &mut |_| {}).expect("a run")
}
