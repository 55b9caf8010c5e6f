//! Corruptions of order: lines that come too early, twice, or not at all.

use zab_trace::{Event, EventKind, EventName, Message, MessageType, Persisted, Role};

use super::{Corrupted, Corruption, corrupted, lines, moved, receipt};

pub(super) const CORRUPTIONS: &[Corruption] = &[
    Corruption {
        name: "ack_before_fsync",
        story: "A follower acknowledges a transaction before it is durable.",
        rule: "zk.bcast.sync",
        apply: |events| {
            hasten(
                events,
                |event| sends(event, MessageType::Ack),
                |event, _| matches!(event.kind, EventKind::Persisted(Persisted::Log(_))),
            )
        },
    },
    Corruption {
        name: "epoch_before_history",
        story: "A follower writes currentEpoch before the history that belongs to it.",
        rule: "f.2.1",
        apply: |events| {
            hasten_past(
                events,
                |event| matches!(event.kind, EventKind::Persisted(Persisted::CurrentEpoch(_))),
                |event| matches!(event.kind, EventKind::Persisted(Persisted::Log(_))),
                |event| event.kind.name() == EventName::Delivered,
            )
        },
    },
    Corruption {
        name: "ackld_before_current_epoch",
        story: "A follower acknowledges NEWLEADER before it has written currentEpoch.",
        rule: "f.2.1",
        apply: |events| {
            hasten(
                events,
                |event| sends(event, MessageType::AckLd),
                |event, _| matches!(event.kind, EventKind::Persisted(Persisted::CurrentEpoch(_))),
            )
        },
    },
    Corruption {
        name: "ackepoch_before_accepted_epoch",
        story: "A follower promises an epoch before it has written its promise.",
        rule: "f.1.2",
        apply: |events| {
            hasten(
                events,
                |event| sends(event, MessageType::AckEpoch),
                |event, _| matches!(event.kind, EventKind::Persisted(Persisted::AcceptedEpoch(_))),
            )
        },
    },
    Corruption {
        name: "leaderinfo_before_accepted_epoch",
        story: "A leader offers its epoch before it has written it.",
        rule: "l.1.1",
        apply: |events| {
            hasten(
                events,
                |event| sends(event, MessageType::LeaderInfo),
                |event, _| matches!(event.kind, EventKind::Persisted(Persisted::AcceptedEpoch(_))),
            )
        },
    },
    Corruption {
        name: "newleader_sync_before_current_epoch",
        story: "A leader brings a learner up to date before it has written its own currentEpoch.",
        rule: "zk.sync.diff",
        apply: |events| {
            hasten(
                events,
                |event| sends(event, MessageType::Diff),
                |event, _| matches!(event.kind, EventKind::Persisted(Persisted::CurrentEpoch(_))),
            )
        },
    },
    Corruption {
        name: "epoch_decided_before_quorum",
        story: "A leader decides on its epoch before a quorum has told it theirs.",
        rule: "l.1.1",
        apply: |events| {
            hasten(
                events,
                |event| matches!(event.kind, EventKind::Persisted(Persisted::AcceptedEpoch(_))),
                |event, _| receives(event, MessageType::FollowerInfo),
            )
        },
    },
    Corruption {
        name: "uptodate_before_quorum",
        story: "A leader sends UPTODATE before a quorum has acknowledged NEWLEADER.",
        rule: "l.2.3",
        apply: |events| {
            hasten(
                events,
                |event| sends(event, MessageType::UpToDate),
                |event, _| receives(event, MessageType::AckLd),
            )
        },
    },
    Corruption {
        name: "established_before_quorum",
        story: "A leader is established before a quorum has acknowledged NEWLEADER.",
        rule: "l.2.2",
        apply: |events| {
            hasten_past(
                events,
                |event| event.kind.name() == EventName::Established,
                |event| receives(event, MessageType::AckLd),
                |event| sends(event, MessageType::UpToDate),
            )
        },
    },
    Corruption {
        name: "commit_without_quorum",
        story: "A leader commits a transaction as soon as it has proposed it.",
        rule: "l.3.2",
        apply: |events| {
            let (proposed, zxid) = first(events, |event| match event.kind {
                EventKind::Proposed { zxid, .. } => Some(zxid),
                _ => None,
            })?;
            let server = events[proposed].server;
            let committed = events.iter().position(|event| {
                event.server == server && event.kind == EventKind::Committed { zxid }
            })?;
            let to = proposed + 1;
            (committed > to).then_some(())?;
            corrupted(moved(events, committed, to), to)
        },
    },
    Corruption {
        name: "commit_sent_without_quorum",
        story: "A leader tells a learner to commit what it has just proposed to it.",
        rule: "l.3.2",
        apply: |events| {
            for (index, event) in events.iter().enumerate() {
                let EventKind::Sent(packet) = &event.kind else { continue };
                let Message::Proposal { zxid, .. } = packet.message else { continue };
                if !lines::in_broadcast(&events[..index], event.server) {
                    continue;
                }
                let commit = events.iter().skip(index).position(|other| match &other.kind {
                    EventKind::Sent(sent) => {
                        other.server == event.server
                            && sent.connection == packet.connection
                            && sent.message == Message::Commit { zxid }
                    }
                    _ => false,
                });
                if let Some(offset) = commit.filter(|offset| *offset > 1) {
                    return corrupted(moved(events, index + offset, index + 1), index + 1);
                }
            }
            None
        },
    },
    Corruption {
        name: "delivery_before_commit",
        story: "A follower gives a transaction to its state machine before it is told to commit it.",
        rule: "zk.bcast.apply",
        apply: |events| {
            hasten(
                events,
                |event| event.kind.name() == EventName::Delivered,
                |event, past| {
                    receives(event, MessageType::Commit) && lines::in_broadcast(past, event.server)
                },
            )
        },
    },
    Corruption {
        name: "delivery_out_of_order",
        story: "A server gives its state machine two transactions in the wrong order.",
        rule: "zk.bcast.apply",
        apply: |events| {
            let delivered = |event: &Event| match event.kind {
                EventKind::Delivered { zxid } => Some(zxid),
                _ => None,
            };
            for (index, event) in events.iter().enumerate() {
                let Some(zxid) = delivered(event) else { continue };
                let next = events.iter().skip(index + 1).find_map(|other| {
                    (other.server == event.server).then(|| delivered(other)).flatten()
                });
                let follows = next.filter(|next| next.counter == zxid.counter + 1);
                let Some(zxid) = follows else { continue };
                if lines::in_broadcast(&events[..index], event.server) {
                    let mut events = events.to_vec();
                    events[index].kind = EventKind::Delivered { zxid };
                    return corrupted(events, index);
                }
            }
            None
        },
    },
    Corruption {
        name: "delivery_skipped",
        story: "A server does not give a committed transaction to its state machine.",
        rule: "zk.bcast.apply",
        apply: |events| {
            let mut events = events.to_vec();
            let delivered = |event: &Event| event.kind.name() == EventName::Delivered;
            for index in 0..events.len() {
                if !delivered(&events[index])
                    || !lines::in_broadcast(&events[..index], events[index].server)
                {
                    continue;
                }
                let server = events[index].server;
                let own = |event: &Event| event.server == server;
                let life = events.iter().skip(index + 1).filter(|event| own(event));
                let life = life.take_while(|event| {
                    !event.kind.ends_incarnation() && event.kind.name() != EventName::Looking
                });
                if life.clone().any(delivered) {
                    events.remove(index);
                    let next = events.iter().skip(index).position(|e| own(e) && delivered(e))?;
                    return corrupted(events, index + next);
                }
            }
            None
        },
    },
    Corruption {
        name: "proposal_skipped",
        story: "A leader leaves a transaction out when it proposes to one learner.",
        rule: "l.3.1",
        apply: |events| {
            for (index, event) in events.iter().enumerate() {
                if !sends(event, MessageType::Proposal)
                    || !lines::in_broadcast(&events[..index], event.server)
                {
                    continue;
                }
                let Some(next) = next_on_connection(events, index) else { continue };
                if !sends(&events[next], MessageType::Proposal) {
                    continue;
                }
                let receipt = receipt(events, index);
                let mut events = events.to_vec();
                let mut illegal = next;
                for line in [receipt, Some(index)].into_iter().flatten() {
                    events.remove(line);
                    illegal -= usize::from(line < next);
                }
                return corrupted(events, illegal);
            }
            None
        },
    },
    Corruption {
        name: "proposal_twice",
        story: "A leader sends a proposal twice.",
        rule: "l.3.1",
        apply: |events| {
            let index = (0..events.len()).find(|index| {
                sends(&events[*index], MessageType::Proposal)
                    && lines::in_broadcast(&events[..*index], events[*index].server)
            })?;
            let mut events = events.to_vec();
            events.insert(index + 1, events[index].clone());
            corrupted(events, index + 1)
        },
    },
    Corruption {
        name: "newleader_before_diff",
        story: "Two messages to one learner leave in the wrong order.",
        rule: "l.2.1",
        apply: |events| {
            let index = (0..events.len()).find(|index| {
                sends(&events[*index], MessageType::Diff)
                    && next_on_connection(events, *index)
                        .is_some_and(|next| sends(&events[next], MessageType::NewLeader))
            })?;
            let next = next_on_connection(events, index)?;
            corrupted(moved(events, next, index), index)
        },
    },
    Corruption {
        name: "received_out_of_order",
        story: "Two messages of one connection are handed to the protocol in the wrong order.",
        rule: "links",
        apply: |events| {
            for (index, event) in events.iter().enumerate() {
                let EventKind::Received(packet) = &event.kind else { continue };
                let next = events.iter().skip(index + 1).position(|other| match &other.kind {
                    EventKind::Received(later) => {
                        other.server == event.server
                            && later.connection == packet.connection
                            && later.message != packet.message
                    }
                    _ => false,
                });
                let sent = |at: usize, events: &[Event]| sender(events, at);
                let Some(next) = next.map(|offset| index + 1 + offset) else { continue };
                // Only the order of the receipts is wrong: both had been sent.
                if sent(next, events).is_some_and(|sent| sent < index) {
                    return corrupted(moved(events, next, index), index);
                }
            }
            None
        },
    },
    Corruption {
        name: "received_before_sent",
        story: "A server acts on a message before its sender, who waits for that very act, has sent it.",
        rule: "links",
        apply: |events| {
            // An answer is received before the question is sent.
            for (question, event) in events.iter().enumerate() {
                if !sends(event, MessageType::LeaderInfo) {
                    continue;
                }
                let Some(asked) = receipt(events, question) else { continue };
                let learner = events[asked].server;
                let answer = events.iter().skip(asked).position(|other| {
                    other.server == learner && sends(other, MessageType::AckEpoch)
                });
                let Some(answer) = answer.map(|offset| asked + offset) else { continue };
                let Some(received) = receipt(events, answer) else { continue };
                let mut events = moved(events, received, question);
                events.truncate(received + 1);
                return Some(Corrupted { events, illegal: question, twin: Vec::new() });
            }
            None
        },
    },
    Corruption {
        name: "ack_by_truncated_learner",
        story: "A learner acknowledges a transaction that it has just cut off.",
        rule: "zk.bcast.sync",
        apply: |events| {
            for (index, event) in events.iter().enumerate() {
                let EventKind::Persisted(Persisted::Truncated(zxid)) = event.kind else { continue };
                let Some(mut ack) = events[..index]
                    .iter()
                    .rev()
                    .find(|other| {
                        other.server == event.server && sends(other, MessageType::AckEpoch)
                    })
                    .cloned()
                else {
                    continue;
                };
                let EventKind::Sent(packet) = &mut ack.kind else { continue };
                let zxid = zab_trace::Zxid::new(zxid.epoch.max(1), zxid.counter + 1);
                packet.message = Message::Ack { zxid };
                let mut events = events.to_vec();
                events.insert(index + 1, ack);
                return corrupted(events, index + 1);
            }
            None
        },
    },
];

/// Whether a line sends a message of this type.
fn sends(event: &Event, kind: MessageType) -> bool {
    matches!(&event.kind, EventKind::Sent(packet) if packet.message.kind() == kind)
}

/// Whether a line receives a message of this type.
fn receives(event: &Event, kind: MessageType) -> bool {
    matches!(&event.kind, EventKind::Received(packet) if packet.message.kind() == kind)
}

fn first<T>(events: &[Event], of: impl Fn(&Event) -> Option<T>) -> Option<(usize, T)> {
    events.iter().enumerate().find_map(|(index, event)| of(event).map(|found| (index, found)))
}

/// The line that sends what the line at `received` receives.
fn sender(events: &[Event], received: usize) -> Option<usize> {
    (0..received).find(|sent| receipt(events, *sent) == Some(received))
}

/// The next message that the same server sends on the same connection.
fn next_on_connection(events: &[Event], index: usize) -> Option<usize> {
    let EventKind::Sent(packet) = &events[index].kind else { return None };
    let later = events.iter().enumerate().skip(index + 1);
    later.filter(|(_, other)| other.server == events[index].server).find_map(|(at, other)| {
        match &other.kind {
            EventKind::Sent(sent) => (sent.connection == packet.connection).then_some(at),
            _ => None,
        }
    })
}

/// Moves the first line that is `early`, and comes directly after one of its server's lines that is
/// a `cause`, before that line.
fn hasten(
    events: &[Event],
    early: impl Fn(&Event) -> bool,
    cause: impl Fn(&Event, &[Event]) -> bool,
) -> Option<Corrupted> {
    for (index, event) in events.iter().enumerate().filter(|(_, event)| early(event)) {
        let before = (0..index).rev().find(|at| events[*at].server == event.server)?;
        if cause(&events[before], &events[..before]) {
            return corrupted(moved(events, index, before), before);
        }
    }
    None
}

/// Like [`hasten`], but lines that are `between` may stand between the two.
fn hasten_past(
    events: &[Event],
    early: impl Fn(&Event) -> bool,
    cause: impl Fn(&Event) -> bool,
    between: impl Fn(&Event) -> bool,
) -> Option<Corrupted> {
    for (index, event) in events.iter().enumerate().filter(|(_, event)| early(event)) {
        let own = (0..index).rev().filter(|at| events[*at].server == event.server);
        let before = own.into_iter().find(|at| !between(&events[*at]));
        if let Some(before) = before.filter(|at| cause(&events[*at])) {
            // A leader's own write is another story.
            if lines::role(&events[..before], event.server) == Some(Role::Leading)
                && event.kind.name() == EventName::Persisted
            {
                continue;
            }
            return corrupted(moved(events, index, before), before);
        }
    }
    None
}
