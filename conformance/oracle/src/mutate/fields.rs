//! Fields with other values: of messages at both ends or on their way, and of other lines.

use zab_trace::EventKind;

use super::Kind;
use super::draft::Draft;
use super::field::{self, Change, Family, Field};
use crate::rng::Rng;

/// The value of a field in a line that has it.
fn value(kind: &EventKind, field: &Field) -> Option<u64> {
    (field.of)(&mut kind.clone()).map(|slot| slot.get())
}

/// All values in a line that can be taken for values of this field.
fn like(kind: &EventKind, field: &Field) -> Vec<u64> {
    let fields = field::MESSAGES.iter().chain(&field::LINES);
    let same = fields.filter(|other| other.family == field.family);
    same.filter_map(|other| value(kind, other)).collect()
}

/// A line that has the field, and another value for it.
fn opportunity(
    draft: &Draft,
    rng: &mut Rng,
    field: &Field,
    change: Change,
    applies: impl Fn(&EventKind) -> bool,
) -> Option<(usize, u64)> {
    let all: Vec<Vec<u64>> = (0..draft.len()).map(|at| like(draft.kind(at), field)).collect();
    let mut lines = Vec::new();
    for at in draft.all(|draft, at| applies(draft.kind(at))) {
        let Some(now) = value(draft.kind(at), field) else { continue };
        let server = draft.server(at);
        let of = |own: bool, until: usize| -> Vec<u64> {
            let lines = (0..until).filter(|other| (draft.server(*other) == server) == own);
            lines.flat_map(|other| all[other].iter().copied()).collect()
        };
        if let Some(new) = change.of(now, &of(true, at), &of(false, draft.len()), rng) {
            lines.push((at, new));
        }
    }
    rng.pick(&lines)
}

/// Whether a change makes sense: only some values have an epoch, and there are few roles.
fn sensible(field: &Field, change: Change) -> bool {
    match change {
        Change::MoreEpoch | Change::LessEpoch => field.family == Family::Zxid,
        Change::Earlier | Change::Foreign => true,
        Change::More | Change::Less | Change::Zero | Change::Max => field.family != Family::Role,
    }
}

fn set(draft: &mut Draft, at: usize, field: &Field, value: u64) {
    if let Some(slot) = (field.of)(&mut draft.lines[at].event.kind) {
        slot.put(value);
    }
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for field in field::MESSAGES {
        for change in Change::ALL.into_iter().filter(|change| sensible(&field, *change)) {
            let name = format!("{}: {}", field.name, change.name());
            kinds.push(Kind::new("message field", name, move |draft, rng| {
                let sent = |kind: &EventKind| matches!(kind, EventKind::Sent(_));
                let (at, value) = opportunity(draft, rng, &field, change, sent)?;
                for end in [Some(at), draft.other_end(at)].into_iter().flatten() {
                    set(draft, end, &field, value);
                }
                Some(())
            }));
        }
        let name = format!("{}: another where received", field.name);
        let altered = Kind::new("message field", name, move |draft, rng| {
            let received = |kind: &EventKind| matches!(kind, EventKind::Received(_));
            let change = if rng.often(500) { Change::More } else { Change::Earlier };
            let found = opportunity(draft, rng, &field, change, received);
            let (at, value) = match found {
                Some(found) => found,
                None => opportunity(draft, rng, &field, Change::Foreign, received)?,
            };
            set(draft, at, &field, value);
            Some(())
        });
        kinds.push(altered.illegal());
    }
    for field in field::LINES {
        for change in Change::ALL.into_iter().filter(|change| sensible(&field, *change)) {
            let name = format!("{}: {}", field.name, change.name());
            kinds.push(Kind::new("line field", name, move |draft, rng| {
                let (at, value) = opportunity(draft, rng, &field, change, |_| true)?;
                set(draft, at, &field, value);
                Some(())
            }));
        }
    }
    kinds
}
