//! Lines that are no messages: left out, repeated, too early, too late, at another server.

use zab_trace::{EventKind, EventName, Persisted};

use super::Kind;
use super::draft::Draft;
use crate::rng::Rng;

/// A kind of line.
type Target = (&'static str, fn(&EventKind) -> bool);

const TARGETS: [Target; 17] = [
    ("Start", |kind| kind.name() == EventName::Start),
    ("Stop", |kind| kind.name() == EventName::Stop),
    ("Connected", |kind| kind.name() == EventName::Connected),
    ("Disconnected", |kind| kind.name() == EventName::Disconnected),
    ("Persisted acceptedEpoch", |kind| writes(kind, |w| matches!(w, Persisted::AcceptedEpoch(_)))),
    ("Persisted currentEpoch", |kind| writes(kind, |w| matches!(w, Persisted::CurrentEpoch(_)))),
    ("Persisted log", |kind| writes(kind, |write| matches!(write, Persisted::Log(_)))),
    ("Persisted truncated", |kind| writes(kind, |write| matches!(write, Persisted::Truncated(_)))),
    ("Persisted snapshot", |kind| writes(kind, |write| matches!(write, Persisted::Snapshot(_)))),
    ("Delivered", |kind| kind.name() == EventName::Delivered),
    ("Looking", |kind| kind.name() == EventName::Looking),
    ("Resent", |kind| kind.name() == EventName::Resent),
    ("Elected", |kind| kind.name() == EventName::Elected),
    ("Proposed", |kind| kind.name() == EventName::Proposed),
    ("Established", |kind| kind.name() == EventName::Established),
    ("Committed", |kind| kind.name() == EventName::Committed),
    ("Killed", |kind| kind.name() == EventName::Killed),
];

fn writes(kind: &EventKind, holds: impl Fn(&Persisted) -> bool) -> bool {
    if let EventKind::Persisted(write) = kind { holds(write) } else { false }
}

/// What is done to a line: its name, and how it is done, given the line.
type Operation = (&'static str, fn(&mut Draft, usize, &mut Rng) -> Option<()>);

const OPERATIONS: [Operation; 7] = [
    ("left out", |draft, at, _| {
        // A process that was killed before it wrote a line is no fault.
        let only = draft.before(at).is_none() && draft.after(at).is_none();
        let start = matches!(draft.kind(at), EventKind::Start { .. });
        (!start || !only).then(|| draft.remove(vec![at]))
    }),
    ("twice", |draft, at, _| {
        draft.repeat(at);
        Some(())
    }),
    ("one line earlier", |draft, at, _| {
        draft.swap(draft.before(at)?, at);
        Some(())
    }),
    ("one line later", |draft, at, _| {
        draft.swap(at, draft.after(at)?);
        Some(())
    }),
    ("much earlier", |draft, at, rng| much_earlier(draft, at, rng)),
    ("much later", |draft, at, rng| much_later(draft, at, rng)),
    ("at another server", |draft, at, rng| {
        let server = draft.server(at);
        let others: Vec<_> = (1..=16).filter(|other| *other != server).collect();
        let runs = |other: &&u64| draft.running(**other, at).is_some();
        let other = rng.pick(&others.iter().filter(runs).copied().collect::<Vec<_>>())?;
        let kind = draft.kind(at).clone();
        draft.remove(vec![at]);
        draft.insert(at, other, kind)
    }),
];

/// How many lines of its server a line is moved at most.
const FAR: usize = 9;

/// Moves a line before two to nine lines of its server.
pub(super) fn much_earlier(draft: &mut Draft, at: usize, rng: &mut Rng) -> Option<()> {
    let mut to = draft.before(at)?;
    for _ in 0..=rng.below(FAR) {
        to = draft.before(to).unwrap_or(to);
    }
    draft.shift(at, to);
    Some(())
}

/// Moves a line behind two to nine lines of its server.
pub(super) fn much_later(draft: &mut Draft, at: usize, rng: &mut Rng) -> Option<()> {
    let mut to = draft.after(at)?;
    for _ in 0..=rng.below(FAR) {
        to = draft.after(to).unwrap_or(to);
    }
    draft.shift(at, to);
    Some(())
}

/// Whether there is nothing that the operation could do to such lines: the first and the last line
/// of a life have none before and after them, and a kill is no line of the life that it ends.
fn pointless(target: &str, operation: &str) -> bool {
    match target {
        "Start" => operation.ends_with("earlier"),
        "Stop" => operation.ends_with("later"),
        "Killed" => !matches!(operation, "left out" | "twice"),
        _ => false,
    }
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (target, is) in TARGETS {
        for (operation, apply) in OPERATIONS {
            if !pointless(target, operation) {
                let new = Kind::new("line", format!("{target}: {operation}"), move |draft, rng| {
                    let at = draft.any(rng, |draft, at| is(draft.kind(at)))?;
                    apply(draft, at, rng)
                });
                // A life has one beginning and one end.
                let bound = matches!(target, "Start" | "Stop" | "Killed");
                kinds.push(if bound { new.illegal() } else { new });
            }
        }
        kinds.push(Kind::new("line", format!("{target}: never"), move |draft, _| {
            let lines = draft.all(|draft, at| is(draft.kind(at)));
            (!lines.is_empty()).then(|| draft.remove(lines))
        }));
    }
    kinds
}
