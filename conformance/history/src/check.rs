//! All rules on one history.

use crate::events::Events;
use crate::findings::Findings;
use crate::history::History;
use crate::outcome::{Report, Summary, Verdict};
use crate::record::{Clock, What};
use crate::unknown::Unknowns;
use crate::{moments, order, recipes, replay, watches};

/// Judges a history.
#[must_use]
pub fn check(history: &History) -> Report {
    let events = Events::new(history);
    let unknowns = Unknowns::new(&events);
    let mut findings = Findings::default();
    let mut notes = Vec::new();
    order::check(&events, &mut findings);
    if history.header.clock == Clock::Shared {
        moments::check(&events, &unknowns.found(), &mut findings);
    } else {
        notes.push(
            "clients have no clock in common: real time, sync-read and timely are not judged"
                .to_owned(),
        );
    }
    let replayed = replay::check(&events, &unknowns, &mut findings);
    watches::check(&events, &unknowns, &replayed, &mut findings);
    recipes::check(&events, &mut findings);
    let Findings { mut violations, asked, stale, first_stale } = findings;
    violations.sort_by_key(|violation| (seen_at(history, violation.index), violation.rule));
    let answered = events.ops.iter().filter(|op| op.zxid().is_some()).count();
    let summary = Summary {
        clients: events.by_client().len(),
        sessions: events.sessions.len(),
        operations: events.ops.len(),
        unknown: events.ops.iter().filter(|op| op.operation.returned.is_none()).count(),
        found: unknowns.found().len(),
        events: history.lines.iter().filter(|line| matches!(line.what, What::Watch { .. })).count(),
        asked,
        stale,
        first_stale,
        last: events.ops.iter().filter_map(|op| op.zxid()).max().unwrap_or_default(),
    };
    let verdict = match violations.first() {
        Some(first) => Verdict::Violates(first.clone()),
        None if answered == 0 => Verdict::Inconclusive("no operation was answered".to_owned()),
        None => Verdict::Conforms,
    };
    Report { verdict, summary, violations, notes }
}

/// When a client could see what a line shows.
fn seen_at(history: &History, index: usize) -> u64 {
    match &history.lines[index].what {
        What::Operation(operation) => operation.returned.unwrap_or(operation.invoked),
        What::Connected { at }
        | What::Disconnected { at }
        | What::Expired { at }
        | What::Watch { at, .. } => *at,
        What::Mark(mark) => mark.at,
    }
}
