//! States that lines show: one field or all, in one line or from a line on.

use zab_trace::State;

use super::Kind;
use super::draft::Draft;
use super::field::{Change, Slot};
use crate::rng::Rng;

const GROUP: &str = "state";

/// A field of the state, if a line shows it.
type Part = (&'static str, fn(&mut State) -> Option<Slot<'_>>);

const PARTS: [Part; 7] = [
    ("role", |state| state.role.as_mut().map(Slot::Role)),
    ("acceptedEpoch", |state| state.accepted_epoch.as_mut().map(Slot::Small)),
    ("currentEpoch", |state| state.current_epoch.as_mut().map(Slot::Small)),
    ("logLength", |state| state.log_length.as_mut().map(Slot::Large)),
    ("lastZxid", |state| state.last_zxid.as_mut().map(Slot::Position)),
    ("lastCommitted", |state| state.last_committed.as_mut().map(Slot::Position)),
    ("logDigest", |state| state.log_digest.as_mut().map(|digest| Slot::Large(&mut digest.0))),
];

fn value(draft: &Draft, at: usize, part: Part) -> Option<u64> {
    let mut state = draft.lines[at].event.state?;
    part.1(&mut state).map(|slot| slot.get())
}

fn set(draft: &mut Draft, at: usize, part: Part, value: u64) {
    if let Some(slot) = draft.lines[at].event.state.as_mut().and_then(part.1) {
        slot.put(value);
    }
}

/// Gives a field another value in one line, or in all lines of the life from one on.
fn change(
    draft: &mut Draft,
    rng: &mut Rng,
    part: Part,
    change: Change,
    from_there_on: bool,
) -> Option<()> {
    let values: Vec<Option<u64>> = (0..draft.len()).map(|at| value(draft, at, part)).collect();
    let new = |draft: &Draft, at: usize, rng: &mut Rng| {
        let server = draft.server(at);
        let of = |own: bool, until: usize| -> Vec<u64> {
            let lines = (0..until).filter(|other| (draft.server(*other) == server) == own);
            lines.filter_map(|other| values[other]).collect()
        };
        change.of(values[at]?, &of(true, at), &of(false, draft.len()), rng)
    };
    let at = {
        let rng = &mut rng.clone();
        let lines = (0..draft.len()).filter(|at| new(draft, *at, rng).is_some());
        lines.collect::<Vec<_>>()
    };
    let at = rng.pick(&at)?;
    let value = new(draft, at, rng)?;
    set(draft, at, part, value);
    let mut later = draft.after(at).filter(|_| from_there_on);
    while let Some(line) = later {
        if let Some(value) = new(draft, line, rng) {
            set(draft, line, part, value);
        }
        later = draft.after(line);
    }
    Some(())
}

/// The whole state of another line.
fn replace(draft: &mut Draft, rng: &mut Rng, own: bool) -> Option<()> {
    let at = draft.any(rng, |draft, at| draft.lines[at].event.state.is_some())?;
    let state = draft.lines[at].event.state;
    let other = draft.any(rng, |draft, other| {
        (draft.server(other) == draft.server(at)) == own
            && (!own || other < at)
            && draft.lines[other].event.state.is_some_and(|other| Some(other) != state)
    })?;
    draft.lines[at].event.state = draft.lines[other].event.state;
    Some(())
}

/// From a line on, each line of the life shows the state after the line before it.
fn late(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    let at = draft.any(rng, |draft, at| draft.lines[at].event.state.is_some())?;
    let mut shown = draft.lines[draft.before(at)?].event.state?;
    let mut next = Some(at);
    while let Some(line) = next {
        if let Some(state) = &mut draft.lines[line].event.state {
            std::mem::swap(state, &mut shown);
        }
        next = draft.after(line);
    }
    Some(())
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    let changes =
        [Change::More, Change::Less, Change::Zero, Change::Max, Change::Earlier, Change::Foreign];
    for part in PARTS {
        for how in changes {
            let few = matches!(how, Change::Earlier | Change::Foreign);
            if part.0 == "role" && !few {
                continue;
            }
            let name = format!("{}: {}", part.0, how.name());
            kinds.push(Kind::new(GROUP, name, move |draft, rng| {
                change(draft, rng, part, how, false)
            }));
            if !few {
                let name = format!("{}: {} from a line on", part.0, how.name());
                kinds.push(Kind::new(GROUP, name, move |draft, rng| {
                    change(draft, rng, part, how, true)
                }));
            }
        }
    }
    kinds.push(Kind::new(GROUP, "phase: of an earlier line", |draft, rng| {
        let at = draft.any(rng, |draft, at| draft.lines[at].event.state.is_some())?;
        let phase = draft.lines[at].event.state?.phase;
        let earlier = draft.any(rng, |draft, other| {
            other < at && draft.lines[other].event.state.is_some_and(|s| s.phase != phase)
        })?;
        let earlier = draft.lines[earlier].event.state?.phase;
        draft.lines[at].event.state.as_mut()?.phase = earlier;
        Some(())
    }));
    kinds.push(Kind::new(GROUP, "all: of an earlier line", |draft, rng| replace(draft, rng, true)));
    kinds.push(Kind::new(GROUP, "all: of another server", |draft, rng| replace(draft, rng, false)));
    kinds.push(Kind::new(GROUP, "all: one line late from a line on", late));
    kinds
}
