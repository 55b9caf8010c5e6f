//! Corruptions in what is sent: the line that sends it and the line that receives it say the same
//! wrong thing.

use zab_trace::{Event, EventKind, Message, Role, TxnDigest, Zxid};

use super::{Corrupted, Corruption, corrupted, receipt};

pub(super) const CORRUPTIONS: &[Corruption] = &[
    Corruption {
        name: "leaderinfo_of_a_later_epoch",
        story: "A leader offers an epoch that its learners did not ask for.",
        rule: "l.1.1",
        apply: |events| {
            change(events, |_, message| match message {
                Message::LeaderInfo { epoch } => Some(Message::LeaderInfo { epoch: epoch + 1 }),
                _ => None,
            })
        },
    },
    Corruption {
        name: "followerinfo_boasts",
        story: "A learner reports an acceptedEpoch that it never accepted.",
        rule: "f.1.1",
        apply: |events| {
            change(events, |_, message| match message {
                Message::FollowerInfo { accepted_epoch } => {
                    Some(Message::FollowerInfo { accepted_epoch: accepted_epoch + 1 })
                }
                _ => None,
            })
        },
    },
    Corruption {
        name: "ackepoch_boasts",
        story: "A learner reports a transaction that it does not have.",
        rule: "f.1.2",
        apply: |events| {
            change(events, |_, message| match message {
                Message::AckEpoch { current_epoch, last_zxid } => {
                    Some(Message::AckEpoch { current_epoch, last_zxid: later(last_zxid) })
                }
                _ => None,
            })
        },
    },
    Corruption {
        name: "diff_from_wrong_zxid",
        story: "A leader names a DIFF after a transaction that is not the last of its history.",
        rule: "zk.sync.diff",
        apply: |events| {
            change(events, |_, message| match message {
                Message::Diff { zxid } => Some(Message::Diff { zxid: earlier(zxid)? }),
                _ => None,
            })
        },
    },
    Corruption {
        name: "trunc_below_committed",
        story: "A leader tells a learner to cut off a committed transaction.",
        rule: "zk.sync.trunc",
        apply: |events| {
            change(events, |_, message| match message {
                Message::Trunc { zxid } => Some(Message::Trunc { zxid: earlier(zxid)? }),
                _ => None,
            })
        },
    },
    Corruption {
        name: "snap_of_an_older_state",
        story: "A leader sends a snapshot that lacks its last committed transaction.",
        rule: "zk.sync.snap",
        apply: |events| {
            change(events, |_, message| match message {
                Message::Snap { zxid } => Some(Message::Snap { zxid: earlier(zxid)? }),
                _ => None,
            })
        },
    },
    Corruption {
        name: "proposal_with_wrong_zxid",
        story: "A leader leaves out a number when it proposes.",
        rule: "l.3.1",
        apply: |events| {
            change(events, |past, message| match message {
                Message::Proposal { zxid, digest } if proposed(past, zxid) => {
                    Some(Message::Proposal { zxid: later(zxid), digest })
                }
                _ => None,
            })
        },
    },
    Corruption {
        name: "proposal_with_wrong_digest",
        story: "A leader sends a learner another transaction than the one it logged.",
        rule: "l.3.1",
        apply: |events| {
            change(events, |past, message| match message {
                Message::Proposal { zxid, digest } if proposed(past, zxid) => {
                    Some(Message::Proposal { zxid, digest: TxnDigest(digest.0 ^ 1) })
                }
                _ => None,
            })
        },
    },
    Corruption {
        name: "commit_of_wrong_zxid",
        story: "A leader tells a learner to commit a transaction that no quorum has acknowledged.",
        rule: "l.3.2",
        apply: |events| {
            change(events, |past, message| match message {
                Message::Commit { zxid } if proposed(past, zxid) => {
                    Some(Message::Commit { zxid: later(zxid) })
                }
                _ => None,
            })
        },
    },
    Corruption {
        name: "newleader_of_the_older_epoch",
        story: "NEWLEADER names the epoch before the one that was agreed.",
        rule: "l.2.1",
        apply: |events| {
            change(events, |_, message| match message {
                Message::NewLeader { epoch } => Some(Message::NewLeader { epoch: epoch - 1 }),
                _ => None,
            })
        },
    },
    Corruption {
        name: "ackld_of_another_epoch",
        story: "A learner acknowledges an epoch that it was not told of.",
        rule: "f.2.1",
        apply: |events| {
            change(events, |_, message| match message {
                Message::AckLd { epoch } => Some(Message::AckLd { epoch: epoch + 1 }),
                _ => None,
            })
        },
    },
    Corruption {
        name: "ack_of_a_transaction_never_received",
        story: "A learner acknowledges a transaction that nobody proposed to it.",
        rule: "zk.bcast.sync",
        apply: |events| {
            change(events, |_, message| match message {
                Message::Ack { zxid } => Some(Message::Ack { zxid: later(zxid) }),
                _ => None,
            })
        },
    },
    Corruption {
        name: "vote_boasts",
        story: "A server claims in its vote a longer history than it has.",
        rule: "zk.fle.looking",
        apply: |events| {
            change(events, |_, message| match message {
                Message::Notification { role: Role::Looking, leader, zxid, round, peer_epoch } => {
                    let zxid = later(zxid);
                    let role = Role::Looking;
                    Some(Message::Notification { role, leader, zxid, round, peer_epoch })
                }
                _ => None,
            })
        },
    },
    Corruption {
        name: "vote_for_the_loser",
        story: "A server that heard of a better candidate votes for the worse one.",
        rule: "zk.fle.looking",
        apply: |events| {
            change(events, |_, message| match message {
                Message::Notification { role: Role::Looking, leader, zxid, round, peer_epoch }
                    if leader > 1 =>
                {
                    let (role, leader) = (Role::Looking, leader - 1);
                    Some(Message::Notification { role, leader, zxid, round, peer_epoch })
                }
                _ => None,
            })
        },
    },
    Corruption {
        name: "settled_reply_of_another_round",
        story: "A server that has settled answers with a round that was never held.",
        rule: "zk.fle.settled_reply",
        apply: |events| {
            change(events, |_, message| match message {
                Message::Notification {
                    role: role @ (Role::Following | Role::Leading),
                    leader,
                    zxid,
                    round,
                    peer_epoch,
                } => {
                    let round = round + 1;
                    Some(Message::Notification { role, leader, zxid, round, peer_epoch })
                }
                _ => None,
            })
        },
    },
];

/// Whether the transaction was proposed as a request before: it is sent in broadcast, and does not
/// bring a learner up to date.
fn proposed(past: &[Event], wanted: Zxid) -> bool {
    let last = past.iter().rev().find_map(|event| match event.kind {
        EventKind::Proposed { zxid, .. } => Some(zxid),
        _ => None,
    });
    last == Some(wanted)
}

fn later(zxid: Zxid) -> Zxid {
    Zxid::new(zxid.epoch, zxid.counter + 1)
}

/// The position before, in the same epoch.
fn earlier(zxid: Zxid) -> Option<Zxid> {
    let counter = zxid.counter.checked_sub(1)?;
    Some(Zxid::new(if counter == 0 { 0 } else { zxid.epoch }, counter))
}

/// Changes the first message for which `wrong` has something else, given the lines before it.
fn change(
    events: &[Event],
    wrong: impl Fn(&[Event], Message) -> Option<Message>,
) -> Option<Corrupted> {
    let (index, message) = events.iter().enumerate().find_map(|(index, event)| {
        let EventKind::Sent(packet) = &event.kind else { return None };
        wrong(&events[..index], packet.message).map(|message| (index, message))
    })?;
    let mut events = events.to_vec();
    let receipt = receipt(&events, index);
    for line in [Some(index), receipt].into_iter().flatten() {
        if let Some(packet) = events[line].kind.packet_mut() {
            packet.message = message;
        }
    }
    corrupted(events, index)
}
