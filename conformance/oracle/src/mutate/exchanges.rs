//! Several messages together: a whole exchange that never was, one that was repeated, one that came
//! too early, and contents that changed places.

use std::fmt;

use zab_trace::{EventKind, EventName, Message, MessageType, Persisted, Zxid};

use super::Kind;
use super::draft::{Draft, Link};
use super::messages::{TYPES, receives, sends};
use crate::rng::Rng;

const GROUP: &str = "exchange";

/// The transaction that a message is about.
fn transaction(message: Message) -> Option<Zxid> {
    if let Message::Proposal { zxid, .. } | Message::Commit { zxid } | Message::Ack { zxid } =
        message
    {
        return Some(zxid);
    }
    None
}

/// The transaction that a line is about.
fn about(draft: &Draft, at: usize) -> Option<Zxid> {
    if let EventKind::Proposed { zxid, .. }
    | EventKind::Committed { zxid }
    | EventKind::Delivered { zxid }
    | EventKind::Persisted(Persisted::Log(zxid)) = draft.kind(at)
    {
        return Some(*zxid);
    }
    draft.packet(at).and_then(|packet| transaction(packet.message))
}

/// A message of this type that is sent, with its connection.
fn sent(draft: &Draft, rng: &mut Rng, kind: MessageType) -> Option<(usize, Link)> {
    let at = draft.any(rng, |draft, at| sends(draft, at, kind))?;
    Some((at, draft.link(at)?.clone()))
}

/// The lines that send one of these types on this connection.
fn on(draft: &Draft, link: &Link, kinds: &[MessageType]) -> Vec<usize> {
    draft.all(|draft, at| {
        draft.link(at) == Some(link) && kinds.iter().any(|kind| sends(draft, at, *kind))
    })
}

/// Leaves lines out at both ends, if there are any.
fn leave_out(draft: &mut Draft, lines: Vec<usize>) -> Option<()> {
    (!lines.is_empty()).then(|| draft.remove_both(lines))
}

const SYNC: [MessageType; 3] = [MessageType::Diff, MessageType::Trunc, MessageType::Snap];

/// Exchanges on one connection that are left out as a whole: the type that there must be, and all
/// types that go.
const PARTS: [(&str, MessageType, &[MessageType]); 8] = [
    ("ACK: none on one connection", MessageType::Ack, &[MessageType::Ack]),
    ("ACK-LD: none on one connection", MessageType::AckLd, &[MessageType::AckLd]),
    ("COMMIT: none on one connection", MessageType::Commit, &[MessageType::Commit]),
    ("PROPOSAL: none on one connection", MessageType::Proposal, &[MessageType::Proposal]),
    (
        "NEWLEADER and ACK-LD: none on one connection",
        MessageType::NewLeader,
        &[MessageType::NewLeader, MessageType::AckLd],
    ),
    (
        "LEADERINFO and ACKEPOCH: none on one connection",
        MessageType::LeaderInfo,
        &[MessageType::LeaderInfo, MessageType::AckEpoch],
    ),
    (
        "discovery: none on one connection",
        MessageType::FollowerInfo,
        &[MessageType::FollowerInfo, MessageType::LeaderInfo, MessageType::AckEpoch],
    ),
    (
        "synchronization and broadcast: none on one connection",
        MessageType::NewLeader,
        &[
            MessageType::Diff,
            MessageType::Trunc,
            MessageType::Snap,
            MessageType::Proposal,
            MessageType::Commit,
            MessageType::NewLeader,
            MessageType::AckLd,
            MessageType::Ack,
            MessageType::UpToDate,
        ],
    ),
];

/// What one transaction loses everywhere.
const OF_A_TRANSACTION: [(&str, &[MessageType]); 4] = [
    ("ACK: none of one transaction", &[MessageType::Ack]),
    ("COMMIT: none of one transaction", &[MessageType::Commit]),
    ("PROPOSAL: none of one transaction", &[MessageType::Proposal]),
    (
        "PROPOSAL, ACK and COMMIT: none of one transaction",
        &[MessageType::Proposal, MessageType::Ack, MessageType::Commit],
    ),
];

fn left_out(kinds: &mut Vec<Kind>) {
    for (name, must, types) in PARTS {
        kinds.push(Kind::new(GROUP, name, move |draft, rng| {
            let (_, link) = sent(draft, rng, must)?;
            leave_out(draft, on(draft, &link, types))
        }));
    }
    for (name, types) in OF_A_TRANSACTION {
        kinds.push(Kind::new(GROUP, name, move |draft, rng| {
            let (at, _) = sent(draft, rng, types[0])?;
            let zxid = about(draft, at)?;
            let of_it = |draft: &Draft, at: usize| {
                about(draft, at) == Some(zxid) && types.iter().any(|kind| sends(draft, at, *kind))
            };
            leave_out(draft, draft.all(of_it))
        }));
        kinds.push(Kind::new(GROUP, format!("{name}, on one connection"), move |draft, rng| {
            let (at, link) = sent(draft, rng, types[0])?;
            let zxid = about(draft, at)?;
            let mut lines = on(draft, &link, types);
            lines.retain(|at| about(draft, *at) == Some(zxid));
            leave_out(draft, lines)
        }));
    }
    kinds.push(Kind::new(GROUP, "one transaction: never", |draft, rng| {
        let at =
            draft.any(rng, |draft, at| matches!(draft.kind(at), EventKind::Proposed { .. }))?;
        let zxid = about(draft, at)?;
        let lines = draft.all(|draft, at| about(draft, at) == Some(zxid));
        leave_out(draft, lines)
    }));
    kinds.push(Kind::new(GROUP, "synchronization: none with one learner", |draft, rng| {
        let (_, link) = sent(draft, rng, MessageType::NewLeader)?;
        let lines = on(draft, &link, &TYPES);
        let begin = lines.iter().position(|at| SYNC.iter().any(|kind| sends(draft, *at, *kind)))?;
        let end = lines.iter().position(|at| sends(draft, *at, MessageType::UpToDate));
        let until = end.map_or(lines.len(), |end| end + 1);
        leave_out(draft, lines[begin..until.max(begin)].to_vec())
    }));
    kinds.push(Kind::new(
        GROUP,
        "synchronization: nothing between its head and NEWLEADER",
        |draft, rng| {
            let (newleader, link) = sent(draft, rng, MessageType::NewLeader)?;
            let mut lines = on(draft, &link, &[MessageType::Proposal, MessageType::Commit]);
            lines.retain(|at| *at < newleader);
            leave_out(draft, lines)
        },
    ));
}

fn left_out_of_a_connection(kinds: &mut Vec<Kind>) {
    kinds.push(Kind::new(GROUP, "connection: nothing after one message", |draft, rng| {
        let at = draft.any(rng, |draft, at| draft.packet(at).is_some())?;
        let link = draft.link(at)?.clone();
        let mut lines = on(draft, &link, &TYPES);
        lines.retain(|line| *line > at);
        leave_out(draft, lines)
    }));
    kinds.push(Kind::new(
        GROUP,
        "connection: nothing is received after one message",
        |draft, rng| {
            let at = draft.any(rng, |draft, at| draft.packet(at).is_some() && !draft.sends(at))?;
            let link = draft.link(at)?.clone();
            let received = |draft: &Draft, line: usize| {
                line > at && draft.link(line) == Some(&link) && draft.packet(line).is_some()
            };
            let lines = draft.all(|draft, line| received(draft, line) && !draft.sends(line));
            (!lines.is_empty()).then(|| draft.remove(lines))
        },
    ));
    kinds.push(Kind::new(GROUP, "connection: never", |draft, rng| {
        let at = draft.any(rng, |draft, at| draft.link(at).is_some())?;
        let link = draft.link(at)?.clone();
        let lines = draft.all(|draft, at| draft.link(at) == Some(&link));
        leave_out(draft, lines)
    }));
}

/// Answers, and the questions that they answer.
const ANSWERS: [(MessageType, MessageType); 5] = [
    (MessageType::FollowerInfo, MessageType::LeaderInfo),
    (MessageType::LeaderInfo, MessageType::AckEpoch),
    (MessageType::NewLeader, MessageType::AckLd),
    (MessageType::UpToDate, MessageType::AckLd),
    (MessageType::Proposal, MessageType::Ack),
];

/// A question that is sent, and its answer.
fn answered(
    draft: &Draft,
    rng: &mut Rng,
    question: MessageType,
    answer: MessageType,
) -> Option<(usize, usize)> {
    let (at, link) = sent(draft, rng, question)?;
    let received = draft.other_end(at)?;
    let answered = on(draft, &link, &[answer]).into_iter().find(|at| *at > received)?;
    Some((at, answered))
}

fn repeated(kinds: &mut Vec<Kind>) {
    for (question, answer) in ANSWERS {
        let name = format!("{question} and {answer}: twice");
        kinds.push(Kind::new(GROUP, name, move |draft, rng| {
            let (at, answered) = answered(draft, rng, question, answer)?;
            draft.repeat(answered);
            draft.repeat(at);
            Some(())
        }));
        let name = format!("{question} and {answer}: never");
        kinds.push(Kind::new(GROUP, name, move |draft, rng| {
            let (at, answered) = answered(draft, rng, question, answer)?;
            leave_out(draft, vec![at, answered])
        }));
    }
    for kind in TYPES {
        let name = format!("{kind}: said again later");
        kinds.push(Kind::new(GROUP, name, move |draft, rng| {
            let at = draft.any(rng, |draft, at| sends(draft, at, kind))?;
            let message = draft.packet(at)?.message;
            let later = draft.any(rng, |draft, line| line > at && draft.same_life(at, line))?;
            draft.say(later, at, message)
        }));
    }
}

/// What a line shows.
#[derive(Clone, Copy)]
enum Shows {
    Sends(MessageType),
    Receives(MessageType),
    Event(EventName),
}

impl Shows {
    fn is(self, draft: &Draft, at: usize) -> bool {
        match self {
            Self::Sends(kind) => sends(draft, at, kind),
            Self::Receives(kind) => receives(draft, at, kind),
            Self::Event(name) => draft.kind(at).name() == name,
        }
    }
}

impl fmt::Display for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sends(kind) => kind.fmt(f),
            Self::Receives(kind) => write!(f, "the received {kind}"),
            Self::Event(name) => name.fmt(f),
        }
    }
}

/// A line that comes right behind another one, and so before what it has to wait for.
const HASTY: [(Shows, Shows); 14] = [
    (Shows::Sends(MessageType::UpToDate), Shows::Sends(MessageType::NewLeader)),
    (Shows::Sends(MessageType::Commit), Shows::Sends(MessageType::Proposal)),
    (Shows::Sends(MessageType::Ack), Shows::Receives(MessageType::Proposal)),
    (Shows::Sends(MessageType::AckLd), Shows::Receives(MessageType::NewLeader)),
    (Shows::Sends(MessageType::AckEpoch), Shows::Receives(MessageType::LeaderInfo)),
    (Shows::Sends(MessageType::AckEpoch), Shows::Sends(MessageType::FollowerInfo)),
    (Shows::Sends(MessageType::NewLeader), Shows::Sends(MessageType::LeaderInfo)),
    (Shows::Sends(MessageType::Diff), Shows::Sends(MessageType::LeaderInfo)),
    (Shows::Sends(MessageType::LeaderInfo), Shows::Event(EventName::Connected)),
    (Shows::Event(EventName::Committed), Shows::Event(EventName::Proposed)),
    (Shows::Event(EventName::Established), Shows::Event(EventName::Elected)),
    (Shows::Event(EventName::Elected), Shows::Event(EventName::Looking)),
    (Shows::Event(EventName::Delivered), Shows::Event(EventName::Proposed)),
    (Shows::Event(EventName::Delivered), Shows::Receives(MessageType::Proposal)),
];

fn hasty(kinds: &mut Vec<Kind>) {
    for (late, early) in HASTY {
        let name = format!("{late} right behind {early}");
        kinds.push(Kind::new(GROUP, name, move |draft, rng| {
            let pairs = draft.all(|draft, at| late.is(draft, at)).into_iter().filter_map(|late| {
                let own = (0..late).rev().filter(|at| draft.same_life(*at, late));
                let cause = own.into_iter().find(|at| early.is(draft, *at))?;
                (draft.after(cause)? != late).then_some((late, cause + 1))
            });
            let (from, to) = rng.pick(&pairs.collect::<Vec<_>>())?;
            draft.shift(from, to);
            Some(())
        }));
    }
}

/// Exchanges what two messages of a type say, at both ends; on one connection or on any.
fn exchanged(kinds: &mut Vec<Kind>) {
    let varied =
        [MessageType::Notification, MessageType::Proposal, MessageType::Commit, MessageType::Ack];
    // UPTODATE says nothing that could be exchanged; TRUNC and SNAP are too rare to come twice.
    let rare = [MessageType::UpToDate, MessageType::Trunc, MessageType::Snap];
    for kind in TYPES.into_iter().filter(|kind| !rare.contains(kind)) {
        for same in [true, false] {
            if same && !varied.contains(&kind) {
                continue;
            }
            let whose = if same { "of one connection" } else { "of any two connections" };
            let name = format!("{kind}: two {whose} exchanged");
            kinds.push(Kind::new(GROUP, name, move |draft, rng| {
                let (one, link) = sent(draft, rng, kind)?;
                let message = draft.packet(one)?.message;
                let other = draft.any(rng, |draft, at| {
                    sends(draft, at, kind)
                        && (draft.link(at) == Some(&link)) == same
                        && draft.packet(at).is_some_and(|packet| packet.message != message)
                })?;
                let theirs = draft.packet(other)?.message;
                draft.change_both(one, |_| theirs);
                draft.change_both(other, |_| message);
                Some(())
            }));
        }
    }
    for everywhere in [false, true] {
        let whose = if everywhere { "to all learners" } else { "to one learner" };
        let name = format!("PROPOSAL: payloads of two transactions exchanged {whose}");
        kinds.push(Kind::new(GROUP, name, move |draft, rng| {
            exchange_payloads(draft, rng, everywhere)
        }));
    }
}

/// Exchanges the digests of two transactions in PROPOSALs.
fn exchange_payloads(draft: &mut Draft, rng: &mut Rng, everywhere: bool) -> Option<()> {
    let (one, link) = sent(draft, rng, MessageType::Proposal)?;
    let Message::Proposal { zxid, digest } = draft.packet(one)?.message else { return None };
    let other = draft.any(rng, |draft, at| {
        sends(draft, at, MessageType::Proposal)
            && draft.link(at) == Some(&link)
            && about(draft, at) != Some(zxid)
    })?;
    let theirs = draft.packet(other)?.message;
    let Message::Proposal { zxid: other_zxid, digest: other_digest } = theirs else { return None };
    let lines = draft.all(|draft, at| {
        sends(draft, at, MessageType::Proposal) && (everywhere || draft.link(at) == Some(&link))
    });
    for at in lines {
        draft.change_both(at, |message| match about_proposal(message) {
            Some(at) if at == zxid => Message::Proposal { zxid, digest: other_digest },
            Some(at) if at == other_zxid => Message::Proposal { zxid: other_zxid, digest },
            Some(_) | None => message,
        });
    }
    Some(())
}

fn about_proposal(message: Message) -> Option<Zxid> {
    if let Message::Proposal { zxid, .. } = message { Some(zxid) } else { None }
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    left_out(&mut kinds);
    left_out_of_a_connection(&mut kinds);
    repeated(&mut kinds);
    hasty(&mut kinds);
    exchanged(&mut kinds);
    kinds
}
