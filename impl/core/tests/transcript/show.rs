//! Effects as text, a line each, in the order in which the driver carries them out.

use zab_core::{
    Close, Decision, Deliver, Dial, Effects, Message, Notification, Peer, Timer, TimerChange, Txn,
    Write, Zxid,
};

/// All effects of a step.
pub(crate) fn effects(effects: &Effects) -> String {
    let mut lines = Vec::new();
    lines.extend(effects.error.iter().map(|error| format!("error: {error}")));
    lines.extend(effects.close.iter().map(|close| match close {
        Close::One(connection) => format!("close {}", connection.0),
        Close::Every => "close every connection".to_owned(),
    }));
    lines.extend(effects.persist.iter().map(write));
    lines.extend(effects.append.iter().map(|txn| format!("append {}", txn.zxid)));
    lines.extend(effects.deliver.iter().map(|deliver| match deliver {
        Deliver::Commit(txn) => format!("deliver {}", txn.zxid),
        Deliver::CatchUp(txn) => format!("catch up {}", txn.zxid),
        Deliver::Rebuild { zxid } => format!("rebuild up to {zxid}"),
    }));
    lines.extend(effects.send.iter().map(|outgoing| {
        let through = if outgoing.connection.0 == outgoing.to {
            String::new()
        } else {
            format!(" connection={}", outgoing.connection.0)
        };
        format!("send to={}{through} {}", outgoing.to, message(&outgoing.message))
    }));
    lines.extend(effects.notify.iter().map(|(to, n)| format!("notify {to} {}", notification(n))));
    lines.extend(effects.dial.iter().map(|dial| match dial {
        Dial::To(leader) => format!("dial {leader}"),
        Dial::Stop => "stop dialling".to_owned(),
    }));
    lines.extend(effects.timer.iter().map(timer));
    lines.extend(effects.decisions.iter().map(|d| format!("decide {}", decision(d))));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What a trace shows of the state, and what it does not.
pub(crate) fn state(peer: &Peer) -> String {
    let state = peer.state();
    let shown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_owned());
    format!(
        "{} {} acceptedEpoch={} currentEpoch={} log={} lastZxid={} lastCommitted={} applied={}\n",
        peer.role(),
        peer.phase(),
        shown(state.accepted_epoch.map(|epoch| epoch.to_string())),
        shown(state.current_epoch.map(|epoch| epoch.to_string())),
        shown(state.log_length.map(|length| length.to_string())),
        peer.last_zxid(),
        peer.last_committed(),
        peer.applied(),
    )
}

fn write(write: &Write) -> String {
    match write {
        Write::AcceptedEpoch(epoch) => format!("persist acceptedEpoch={epoch}"),
        Write::CurrentEpoch(epoch) => format!("persist currentEpoch={epoch}"),
        Write::SyncLog { zxid } => format!("persist log up to {zxid}"),
        Write::CommittedLog(txns) => format!("persist and deliver {}", zxids(txns)),
        Write::Truncate { zxid } => format!("persist truncated={zxid}"),
        Write::Snapshot { zxid } => format!("persist snapshot={zxid}"),
    }
}

fn zxids(txns: &[Txn]) -> String {
    let zxids: Vec<String> = txns.iter().map(|txn: &Txn| Zxid::to_string(&txn.zxid)).collect();
    zxids.join(" ")
}

fn notification(n: &Notification) -> String {
    let Notification { role, vote, round } = n;
    let (leader, zxid, epoch) = (vote.leader, vote.zxid, vote.peer_epoch);
    format!("{role} leader={leader} zxid={zxid} peer-epoch={epoch} round={round}")
}

fn timer(change: &TimerChange) -> String {
    match change {
        TimerChange::Arm { timer: Timer::FinalizeWait, after_ms } => {
            format!("arm finalize-wait {after_ms} ms")
        }
        TimerChange::Arm { timer: Timer::Notification, after_ms } => {
            format!("arm notification {after_ms} ms")
        }
        TimerChange::Disarm => "disarm".to_owned(),
    }
}

fn decision(decision: &Decision) -> String {
    match decision {
        Decision::Looking { round } => format!("Looking round={round}"),
        Decision::Resent => "Resent".to_owned(),
        Decision::Elected { leader, round } => format!("Elected leader={leader} round={round}"),
        Decision::Proposed { zxid, digest: _ } => format!("Proposed {zxid}"),
        Decision::Established { epoch } => format!("Established epoch={epoch}"),
        Decision::Committed { zxid } => format!("Committed {zxid}"),
    }
}

fn message(message: &Message) -> String {
    let name = message.name();
    match message {
        Message::FollowerInfo { accepted_epoch } | Message::ObserverInfo { accepted_epoch } => {
            format!("{name} acceptedEpoch={accepted_epoch}")
        }
        Message::LeaderInfo { new_epoch } => format!("{name} epoch={new_epoch}"),
        Message::AckEpoch { current_epoch, last_zxid } => {
            let epoch = current_epoch.map_or("none".to_owned(), |epoch| epoch.to_string());
            format!("{name} currentEpoch={epoch} lastZxid={last_zxid}")
        }
        Message::Diff { zxid }
        | Message::Trunc { zxid }
        | Message::Snap { zxid }
        | Message::Commit { zxid }
        | Message::Ack { zxid } => format!("{name} {zxid}"),
        Message::Proposal { txn } | Message::Inform { txn } => format!("{name} {}", txn.zxid),
        Message::Stored { zxid, .. } => format!("{name} {zxid} (from the log)"),
        Message::NewLeader { epoch } | Message::AckLd { epoch } => format!("{name} epoch={epoch}"),
        Message::UpToDate | Message::Ping => name.to_owned(),
    }
}
