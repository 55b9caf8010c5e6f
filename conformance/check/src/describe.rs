//! Lines of a trace in words, and the rule that each stands for.

use zab_model::{Phase, Role, Server, Wide};
use zab_trace::{Event, EventKind, Message, Packet, Persisted};

use crate::{
    candidate::Owed,
    convert::{self, Ids},
};

/// A message in words.
pub(crate) fn message(message: &Message) -> String {
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
pub(crate) fn event(event: &Event) -> String {
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

/// The rule that a line stands for, at a server in this state: the one to read when it is wrong.
pub(crate) fn rule(event: &Event, server: &Server<Wide>) -> &'static str {
    let leads = server.role == Role::Leading;
    let broadcast = server.phase == Phase::Broadcast;
    match &event.kind {
        EventKind::Start { .. } => "zk.start",
        EventKind::Stop | EventKind::Killed => "zk.crash",
        EventKind::Connected { .. } => "f.1.1",
        EventKind::Disconnected { .. } if leads => "zk.fail.leader_link",
        EventKind::Disconnected { .. } => "zk.fail.learner_link",
        EventKind::Received(packet) => received(&packet.message, broadcast),
        EventKind::Sent(packet) => sent(&packet.message, server),
        EventKind::Persisted(write) => persisted(*write, server),
        EventKind::Delivered { .. } if broadcast => "zk.bcast.apply",
        EventKind::Delivered { .. } => "f.2.1",
        EventKind::Looking { .. } if server.role == Role::Looking => "zk.fle.enter",
        EventKind::Looking { .. } => "zk.fle.leave_role",
        EventKind::Resent => "zk.fle.resend",
        EventKind::Elected { .. } => "zk.fle.settle",
        EventKind::Proposed { .. } => "l.3.1",
        EventKind::Established { .. } => "l.2.2",
        EventKind::Committed { .. } => "l.3.2",
        EventKind::Joined { .. } => LINKS,
    }
}

/// What stands for the paragraph on links in the rules: they have no rule of their own, because no
/// server takes the step.
pub(crate) const LINKS: &str = "links";

fn received(message: &Message, broadcast: bool) -> &'static str {
    match message {
        Message::Notification { .. } => "zk.fle.looking",
        Message::FollowerInfo { .. } => "l.1.1",
        Message::LeaderInfo { .. } => "f.1.2",
        Message::AckEpoch { .. } => "l.1.2",
        Message::Diff { .. } | Message::Trunc { .. } | Message::Snap { .. } => "f.2.0",
        Message::Proposal { .. } if broadcast => "f.3.1",
        Message::Proposal { .. } => "zk.sync.proposal",
        Message::Commit { .. } if broadcast => "f.3.3",
        Message::Commit { .. } => "zk.sync.commit",
        Message::NewLeader { .. } => "f.2.1",
        Message::AckLd { .. } => "l.2.2",
        Message::Ack { .. } => "l.3.2",
        Message::UpToDate => "f.2.2",
    }
}

fn sent(message: &Message, server: &Server<Wide>) -> &'static str {
    let broadcast = server.phase == Phase::Broadcast;
    match message {
        Message::Notification { role: zab_trace::Role::Looking, .. } => "zk.fle.looking",
        Message::Notification { .. } => "zk.fle.settled_reply",
        Message::FollowerInfo { .. } => "f.1.1",
        Message::LeaderInfo { .. } => "l.1.1",
        Message::AckEpoch { .. } => "f.1.2",
        Message::Diff { .. } => "zk.sync.diff",
        Message::Trunc { .. } => "zk.sync.trunc",
        Message::Snap { .. } => "zk.sync.snap",
        Message::Proposal { .. } if broadcast => "l.3.1",
        Message::Commit { .. } if broadcast => "l.3.2",
        Message::Proposal { .. } | Message::Commit { .. } | Message::NewLeader { .. } => "l.2.1",
        Message::AckLd { .. } if broadcast => "f.2.2",
        Message::AckLd { .. } => "f.2.1",
        Message::Ack { .. } => "zk.bcast.sync",
        Message::UpToDate => "l.2.3",
    }
}

fn persisted(write: Persisted, server: &Server<Wide>) -> &'static str {
    let leads = server.role == Role::Leading;
    match write {
        Persisted::AcceptedEpoch(_) if leads => "l.1.1",
        Persisted::AcceptedEpoch(_) => "f.1.2",
        Persisted::CurrentEpoch(_) if leads => "l.1.2",
        Persisted::CurrentEpoch(_) | Persisted::Snapshot(_) => "f.2.1",
        Persisted::Truncated(_) => "f.2.0",
        Persisted::Log(_) => match (server.role, server.phase) {
            (Role::Looking, _) => "zk.fle.enter",
            (_, Phase::Broadcast) => "zk.bcast.sync",
            (_, Phase::Election | Phase::Discovery | Phase::Synchronization) => "f.2.1",
        },
    }
}
