//! Random corruptions, some of which are legal runs: another checker has to say which.

use zab_trace::{Event, EventKind, Message, Persisted, Zxid};

use crate::{contract::renumber, walk::Dice};

/// The trace with one to three random changes. Half of the time numbers close up afterwards, so
/// that the change looks like something the protocol did.
#[must_use]
pub fn corrupt(events: &[Event], dice: &mut Dice) -> Vec<Event> {
    let mut events = events.to_vec();
    for _ in 0..=dice.below(3) {
        if events.is_empty() {
            break;
        }
        change(&mut events, dice);
    }
    if dice.often(750) {
        renumber(&mut events);
    }
    events
}

fn change(events: &mut Vec<Event>, dice: &mut Dice) {
    let index = dice.below(events.len());
    match dice.below(6) {
        0 => {
            events.remove(index);
        }
        1 => events.insert(index, events[index].clone()),
        2 => {
            let other = dice.below(events.len());
            events.swap(index, other);
        }
        3 => {
            // With the next line of the same server.
            let server = events[index].server;
            let next = (index + 1..events.len()).find(|at| events[*at].server == server);
            if let Some(next) = next {
                events.swap(index, next);
            }
        }
        _ => field(&mut events[index], dice),
    }
}

fn nudge(number: &mut u32, dice: &mut Dice) {
    *number = if dice.often(500) { *number + 1 } else { number.saturating_sub(1) };
}

fn nudge_zxid(zxid: &mut Zxid, dice: &mut Dice) {
    if dice.often(300) { nudge(&mut zxid.epoch, dice) } else { nudge(&mut zxid.counter, dice) }
}

/// Changes a number of the line.
fn field(event: &mut Event, dice: &mut Dice) {
    match &mut event.kind {
        EventKind::Start { recovered } => match dice.below(3) {
            0 => nudge(&mut recovered.accepted_epoch, dice),
            1 => nudge(&mut recovered.current_epoch, dice),
            _ => nudge_zxid(&mut recovered.last_zxid, dice),
        },
        EventKind::Sent(packet) | EventKind::Received(packet) => message(&mut packet.message, dice),
        EventKind::Persisted(Persisted::AcceptedEpoch(epoch) | Persisted::CurrentEpoch(epoch))
        | EventKind::Established { epoch } => nudge(epoch, dice),
        EventKind::Persisted(
            Persisted::Log(zxid) | Persisted::Truncated(zxid) | Persisted::Snapshot(zxid),
        )
        | EventKind::Delivered { zxid }
        | EventKind::Proposed { zxid, .. }
        | EventKind::Committed { zxid } => nudge_zxid(zxid, dice),
        EventKind::Looking { round } => *round += 1,
        EventKind::Elected { leader, round } => {
            if dice.often(500) {
                *leader = if *leader == 1 { 2 } else { 1 };
            } else {
                *round += 1;
            }
        }
        EventKind::Stop
        | EventKind::Killed
        | EventKind::Connected { .. }
        | EventKind::Disconnected { .. }
        | EventKind::Resent
        | EventKind::Joined { .. } => {}
    }
}

fn message(message: &mut Message, dice: &mut Dice) {
    match message {
        Message::Notification { leader, zxid, round, peer_epoch, .. } => match dice.below(4) {
            0 => *leader = if *leader == 1 { 2 } else { 1 },
            1 => nudge_zxid(zxid, dice),
            2 => *round += 1,
            _ => nudge(peer_epoch, dice),
        },
        Message::FollowerInfo { accepted_epoch: epoch }
        | Message::LeaderInfo { epoch }
        | Message::NewLeader { epoch }
        | Message::AckLd { epoch } => nudge(epoch, dice),
        Message::AckEpoch { current_epoch, last_zxid } => {
            if dice.often(500) {
                *current_epoch = if current_epoch.is_some() { None } else { Some(1) };
            } else {
                nudge_zxid(last_zxid, dice);
            }
        }
        Message::Diff { zxid }
        | Message::Trunc { zxid }
        | Message::Snap { zxid }
        | Message::Commit { zxid }
        | Message::Ack { zxid } => nudge_zxid(zxid, dice),
        Message::Proposal { zxid, digest } => {
            if dice.often(500) {
                nudge_zxid(zxid, dice);
            } else {
                digest.0 ^= 1;
            }
        }
        Message::UpToDate => {}
    }
}
