//! Lines of a trace in words.

use zab_trace::{Event, EventKind, Message, Packet, Persisted};

use crate::state::Owed;
use crate::trace::{Ids, convert};

/// A message in words.
#[must_use]
pub fn message(message: &Message) -> String {
    let kind = message.kind();
    match message {
        Message::Notification { role, leader, zxid, round, peer_epoch } => format!(
            "{kind} role={role} leader={leader} zxid={zxid} round={round} peerEpoch={peer_epoch}"
        ),
        Message::FollowerInfo { accepted_epoch } => {
            format!("{kind} acceptedEpoch={accepted_epoch}")
        }
        Message::LeaderInfo { epoch } | Message::NewLeader { epoch } | Message::AckLd { epoch } => {
            format!("{kind} epoch={epoch}")
        }
        Message::AckEpoch { current_epoch: Some(epoch), last_zxid } => {
            format!("{kind} currentEpoch={epoch} lastZxid={last_zxid}")
        }
        Message::AckEpoch { current_epoch: None, last_zxid } => {
            format!("{kind} currentEpoch=none lastZxid={last_zxid}")
        }
        Message::Proposal { zxid, digest } => format!("{kind} {zxid} digest={digest}"),
        Message::Diff { zxid }
        | Message::Trunc { zxid }
        | Message::Snap { zxid }
        | Message::Commit { zxid }
        | Message::Ack { zxid } => format!("{kind} {zxid}"),
        Message::UpToDate => kind.to_string(),
    }
}

/// A write in words.
pub(crate) fn write(write: Persisted) -> String {
    match write {
        Persisted::AcceptedEpoch(epoch) => format!("acceptedEpoch={epoch}"),
        Persisted::CurrentEpoch(epoch) => format!("currentEpoch={epoch}"),
        Persisted::Log(zxid) => format!("log={zxid}"),
        Persisted::Truncated(zxid) => format!("truncated={zxid}"),
        Persisted::Snapshot(zxid) => format!("snapshot={zxid}"),
    }
}

fn packet(verb: &str, towards: &str, packet: &Packet) -> String {
    format!(
        "{verb} {} {towards} {} ({} #{})",
        message(&packet.message),
        packet.peer,
        packet.connection,
        packet.ordinal
    )
}

/// An event in words, without its server and state.
#[must_use]
pub fn event(event: &Event) -> String {
    kind(&event.kind)
}

/// What happened, in words.
pub(crate) fn kind(kind: &EventKind) -> String {
    let name = kind.name();
    match kind {
        EventKind::Start { recovered } => format!(
            "{name} acceptedEpoch={} currentEpoch={} lastZxid={}",
            recovered.accepted_epoch, recovered.current_epoch, recovered.last_zxid
        ),
        EventKind::Stop | EventKind::Killed | EventKind::Resent => name.to_string(),
        EventKind::Connected { connection, peer: Some(peer) } => {
            format!("{name} {connection} to {peer}")
        }
        EventKind::Connected { connection, peer: None }
        | EventKind::Disconnected { connection } => {
            format!("{name} {connection}")
        }
        EventKind::Received(received) => packet("Received", "from", received),
        EventKind::Sent(sent) => packet("Sent", "to", sent),
        EventKind::Persisted(persisted) => format!("{name} {}", write(*persisted)),
        EventKind::Delivered { zxid } | EventKind::Committed { zxid } => format!("{name} {zxid}"),
        EventKind::Looking { round } => format!("{name} round={round}"),
        EventKind::Elected { leader, round } => format!("{name} leader={leader} round={round}"),
        EventKind::Proposed { zxid, digest } => format!("{name} {zxid} digest={digest}"),
        EventKind::Established { epoch } => format!("{name} epoch={epoch}"),
        EventKind::Joined { left, right } => format!("{name} {left} and {right}"),
    }
}

/// A line that should have come: the rule it stands for, and the line.
pub(crate) fn owed(owed: Owed, ids: &Ids) -> (&'static str, String) {
    match owed {
        Owed::Delivered(zxid) => ("zk.bcast.apply", format!("Delivered {}", convert::zxid(zxid))),
        Owed::Looking(round) => ("zk.fle.enter", format!("Looking round={round}")),
        Owed::Elected(leader, round) => {
            ("zk.fle.settle", format!("Elected leader={} round={round}", ids.real(leader)))
        }
        Owed::Established(epoch) => ("l.2.2", format!("Established epoch={epoch}")),
        Owed::Committed(zxid) => ("l.3.2", format!("Committed {}", convert::zxid(zxid))),
        Owed::Persisted => ("zk.crash", "the Persisted lines of what has begun".to_owned()),
    }
}
