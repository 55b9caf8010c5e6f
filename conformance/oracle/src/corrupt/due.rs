//! Corruptions of what is due: lines that come too late, twice, or not before the role ends.

use zab_trace::{Event, EventName, Role};

use super::{Corrupted, Corruption, corrupted, lines, moved};

pub(super) const CORRUPTIONS: &[Corruption] = &[
    Corruption {
        name: "established_twice",
        story: "A leader is established a second time in its epoch.",
        rule: "l.2.2",
        apply: |events| twice(events, EventName::Established),
    },
    Corruption {
        name: "committed_twice",
        story: "A leader commits a transaction a second time.",
        rule: "l.3.2",
        apply: |events| twice(events, EventName::Committed),
    },
    Corruption {
        name: "committed_after_leading",
        story: "A leader shows a commit only when it has left its role.",
        rule: "l.3.2",
        apply: |events| {
            let (last, looking) = last_before_looking(events, EventName::Committed)?;
            // Earlier it would be too early, so the line that leaves the role is illegal.
            corrupted(moved(events, last, looking), looking - 1)
        },
    },
    Corruption {
        name: "committed_not_shown",
        story: "A leader leaves its role, and its last commit was never shown.",
        rule: "l.3.2",
        apply: |events| {
            let (last, looking) = last_before_looking(events, EventName::Committed)?;
            let mut events = events.to_vec();
            events.remove(last);
            corrupted(events, looking - 1)
        },
    },
    Corruption {
        name: "established_not_shown",
        story: "A leader leaves its role, and that it was established was never shown.",
        rule: "l.2.2",
        apply: |events| {
            let (last, looking) = last_before_looking(events, EventName::Established)?;
            let mut events = events.to_vec();
            events.remove(last);
            corrupted(events, looking - 1)
        },
    },
    Corruption {
        name: "delivered_after_following",
        story: "A follower delivers a committed transaction after zk.fle.enter has taken it over.",
        rule: "f.2.1",
        apply: |events| {
            for (looking, event) in events.iter().enumerate() {
                let leads = lines::role(&events[..looking], event.server) == Some(Role::Leading);
                if event.kind.name() != EventName::Looking || leads {
                    continue;
                }
                let delivered = last_of(&events[..looking], event, EventName::Delivered);
                let role = last_of(&events[..looking], event, EventName::Elected);
                if let (Some(delivered), Some(role)) = (delivered, role)
                    && delivered > role
                    && lines::in_broadcast(&events[..delivered], event.server)
                {
                    return corrupted(moved(events, delivered, looking), looking);
                }
            }
            None
        },
    },
    Corruption {
        name: "looking_not_shown",
        story: "A follower that lost its leader settles on another without showing that it looked.",
        rule: "zk.fle.enter",
        apply: |events| {
            for (looking, event) in events.iter().enumerate() {
                // Of its own accord a server shows only by this line that it has left its role.
                let before = (0..looking).rev().find(|at| events[*at].server == event.server);
                let noticed =
                    before.is_some_and(|at| events[at].kind.name() == EventName::Disconnected);
                let follows =
                    lines::role(&events[..looking], event.server) == Some(Role::Following);
                if event.kind.name() != EventName::Looking || !noticed || !follows {
                    continue;
                }
                let own = |other: &Event| {
                    (other.server, other.incarnation) == (event.server, event.incarnation)
                };
                let next = events
                    .iter()
                    .skip(looking)
                    .position(|other| own(other) && other.kind.name() == EventName::Elected);
                let Some(elected) = next.map(|offset| looking + offset) else { continue };
                let mut events = events.to_vec();
                events.remove(looking);
                return corrupted(events, elected - 1);
            }
            None
        },
    },
];

/// Shows the first line of this kind twice.
fn twice(events: &[Event], name: EventName) -> Option<Corrupted> {
    let index = events.iter().position(|event| event.kind.name() == name)?;
    let mut events = events.to_vec();
    events.insert(index + 1, events[index].clone());
    corrupted(events, index + 1)
}

/// The last line of this kind of the incarnation of `event`.
fn last_of(before: &[Event], event: &Event, name: EventName) -> Option<usize> {
    before.iter().rposition(|other| {
        let own = (other.server, other.incarnation) == (event.server, event.incarnation);
        own && other.kind.name() == name
    })
}

/// The last line of this kind of a leader that leaves its role of its own accord, and the line in
/// which it does. It is not the only line of its kind: a kind that never comes is another fault.
fn last_before_looking(events: &[Event], name: EventName) -> Option<(usize, usize)> {
    events.iter().enumerate().find_map(|(looking, event)| {
        let leads = lines::role(&events[..looking], event.server) == Some(Role::Leading);
        if event.kind.name() != EventName::Looking {
            return None;
        }
        let last = last_of(&events[..looking], event, name)?;
        let role = last_of(&events[..looking], event, EventName::Elected)?;
        let is_alone = events[..last].iter().all(|event| event.kind.name() != name);
        (leads && last > role && !is_alone).then_some((last, looking))
    })
}
