//! Corruptions in a single line that is no message.

use zab_trace::{Event, EventKind, Message, Persisted, Role, TxnDigest, Zxid};

use super::{Corrupted, Corruption, corrupted};

pub(super) const CORRUPTIONS: &[Corruption] = &[
    Corruption {
        name: "winner_that_should_lose",
        story: "A server settles on a leader for which no quorum voted.",
        rule: "zk.fle.settle",
        apply: |events| {
            change(events, |_, event| match &mut event.kind {
                EventKind::Elected { leader, .. } if *leader > 1 => {
                    *leader -= 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "round_of_the_future",
        story: "A server that starts does not begin with its first round.",
        rule: "zk.fle.enter",
        apply: |events| {
            change(events, |_, event| match &mut event.kind {
                EventKind::Looking { round: round @ 1 } => {
                    *round += 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "established_epoch_of_nobody",
        story: "A leader establishes an epoch that it did not offer.",
        rule: "l.2.2",
        apply: |events| {
            change(events, |_, event| match &mut event.kind {
                EventKind::Established { epoch } => {
                    *epoch += 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "proposed_with_a_gap",
        story: "A leader leaves out a number.",
        rule: "l.3.1",
        apply: |events| {
            change(events, |_, event| match &mut event.kind {
                EventKind::Proposed { zxid, .. } => {
                    zxid.counter += 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "accepted_epoch_goes_back",
        story: "A follower writes an older epoch than the one it was offered.",
        rule: "f.1.2",
        apply: |events| {
            change(events, |past, event| match &mut event.kind {
                EventKind::Persisted(Persisted::AcceptedEpoch(epoch))
                    if role(past, event.server) == Some(Role::Following) =>
                {
                    *epoch -= 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "two_leaders_in_one_epoch",
        story: "A leader takes for itself the epoch of the leader before it.",
        rule: "l.1.1",
        apply: |events| {
            change(events, |past, event| match &mut event.kind {
                EventKind::Persisted(Persisted::AcceptedEpoch(epoch))
                    if *epoch > 1 && role(past, event.server) == Some(Role::Leading) =>
                {
                    *epoch -= 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "current_epoch_goes_back",
        story: "A follower takes over an epoch and writes the one before it.",
        rule: "f.2.1",
        apply: |events| {
            change(events, |past, event| match &mut event.kind {
                EventKind::Persisted(Persisted::CurrentEpoch(epoch))
                    if role(past, event.server) == Some(Role::Following) =>
                {
                    *epoch -= 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "restart_forgets_its_promise",
        story: "A restarted server has an older acceptedEpoch than it had written.",
        rule: "zk.start",
        apply: |events| {
            change(events, |_, event| match &mut event.kind {
                EventKind::Start { recovered } if recovered.accepted_epoch > 0 => {
                    recovered.accepted_epoch -= 1;
                    event.state = None;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "restart_lost_synced_transactions",
        story: "A restarted server lacks transactions that it had synced.",
        rule: "zk.start",
        apply: |events| {
            change(events, |past, event| match &mut event.kind {
                EventKind::Start { recovered }
                    if recovered.last_zxid.counter > 0
                        && synced(past, event.server) == Some(recovered.last_zxid) =>
                {
                    recovered.last_zxid = Zxid::ZERO;
                    recovered.log_length = None;
                    recovered.log_digest = None;
                    event.state = None;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "restart_found_a_transaction",
        story: "A restarted server has a transaction that it never had.",
        rule: "zk.start",
        apply: |events| {
            change(events, |_, event| match &mut event.kind {
                EventKind::Start { recovered } if recovered.last_zxid.counter > 0 => {
                    recovered.last_zxid.counter += 1;
                    recovered.log_length = None;
                    recovered.log_digest = None;
                    event.state = None;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "restart_with_wrong_digest",
        story: "A restarted server has as many transactions as before, but others.",
        rule: "zk.start",
        apply: |events| {
            change(events, |_, event| match &mut event.kind {
                EventKind::Start { recovered } if recovered.last_zxid.counter > 0 => {
                    let Some(digest) = &mut recovered.log_digest else { return false };
                    digest.0 ^= 1;
                    event.state = None;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "state_with_wrong_last_committed",
        story: "A follower counts as committed what it was not told to commit.",
        rule: "f.3.3",
        apply: |events| {
            change(events, |past, event| match &event.kind {
                EventKind::Received(packet)
                    if matches!(packet.message, Message::Commit { .. })
                        && in_broadcast(past, event.server) =>
                {
                    let Some(state) = &mut event.state else { return false };
                    let Some(zxid) = &mut state.last_committed else { return false };
                    zxid.counter += 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "state_with_wrong_log_digest",
        story: "A follower logs another transaction than it received.",
        rule: "f.3.1",
        apply: |events| {
            change(events, |past, event| match &event.kind {
                EventKind::Received(packet)
                    if matches!(packet.message, Message::Proposal { .. })
                        && in_broadcast(past, event.server) =>
                {
                    let digest = event.state.as_mut().and_then(|state| state.log_digest.as_mut());
                    let Some(digest) = digest else { return false };
                    digest.0 ^= 1;
                    true
                }
                _ => false,
            })
        },
    },
    Corruption {
        name: "message_changes_on_its_way",
        story: "What arrives is not what was sent.",
        rule: "links",
        apply: |events| {
            change(events, |_, event| match &mut event.kind {
                EventKind::Received(packet) => match &mut packet.message {
                    Message::Proposal { digest, .. } => {
                        *digest = TxnDigest(digest.0 ^ 1);
                        true
                    }
                    _ => false,
                },
                _ => false,
            })
        },
    },
];

/// The role that a server showed last.
pub(super) fn role(past: &[Event], server: u64) -> Option<Role> {
    let own = past.iter().rev().filter(|event| event.server == server);
    own.filter_map(|event| event.state).find_map(|state| state.role)
}

/// Whether a server showed broadcast last.
pub(super) fn in_broadcast(past: &[Event], server: u64) -> bool {
    let own = past.iter().rev().filter(|event| event.server == server);
    let phase = own.filter_map(|event| event.state).find_map(|state| state.phase);
    phase == Some(zab_trace::Phase::Broadcast)
}

/// The last write to the log that a server showed.
fn synced(past: &[Event], server: u64) -> Option<Zxid> {
    past.iter().rev().filter(|event| event.server == server).find_map(|event| match event.kind {
        EventKind::Persisted(
            Persisted::Log(zxid) | Persisted::Truncated(zxid) | Persisted::Snapshot(zxid),
        ) => Some(zxid),
        _ => None,
    })
}

/// Changes the first line that `wrong` changes, given the lines before it.
fn change(events: &[Event], wrong: impl Fn(&[Event], &mut Event) -> bool) -> Option<Corrupted> {
    for index in 0..events.len() {
        let mut event = events[index].clone();
        if wrong(&events[..index], &mut event) {
            let mut events = events.to_vec();
            events[index] = event;
            return corrupted(events, index);
        }
    }
    None
}
