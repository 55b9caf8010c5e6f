//! Random corruptions, some of which are legal runs: another checker has to say which.

use zab_trace::{ConnectionName, Event, EventKind, Message, Persisted, Zxid};

use crate::renumber::renumber;
use crate::rng::Rng;

/// The trace with one to three random changes. Half of the time numbers close up afterwards, so
/// that the change looks like something the protocol did.
#[must_use]
pub fn corrupt(events: &[Event], rng: &mut Rng) -> Vec<Event> {
    let mut events = events.to_vec();
    for _ in 0..=rng.below(3) {
        if events.is_empty() {
            break;
        }
        change(&mut events, rng);
    }
    if rng.often(750) {
        renumber(&mut events);
    }
    events
}

fn change(events: &mut Vec<Event>, rng: &mut Rng) {
    let index = rng.below(events.len());
    match rng.below(9) {
        6 => name(events, index, rng),
        7 => peer(&mut events[index], rng),
        8 => stop(events, rng),
        0 => {
            events.remove(index);
        }
        1 => events.insert(index, events[index].clone()),
        2 => {
            let other = rng.below(events.len());
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
        _ => field(&mut events[index], rng),
    }
}

/// Gives the lines of a connection, from some line on, the name of another connection.
fn name(events: &mut [Event], from: usize, rng: &mut Rng) {
    let names: Vec<ConnectionName> =
        events.iter().filter_map(|event| event.kind.connection().cloned()).collect();
    let (one, other) = (rng.below(names.len()), rng.below(names.len()));
    let (Some(old), Some(new)) = (names.get(one), names.get(other)) else { return };
    for name in events[from..].iter_mut().filter_map(|event| event.kind.connection_mut()) {
        if name == old {
            name.clone_from(new);
        }
    }
}

/// Names another peer, or an ordinal beside the right one.
fn peer(event: &mut Event, rng: &mut Rng) {
    let other = 1 + rng.below(3) as u64;
    if let EventKind::Connected { peer, .. } = &mut event.kind {
        *peer = rng.often(700).then_some(other);
    } else if let Some(packet) = event.kind.packet_mut() {
        if rng.often(700) {
            packet.peer = other;
        } else {
            packet.ordinal += 1;
        }
    }
}

/// A server that was killed has stopped instead.
fn stop(events: &mut [Event], rng: &mut Rng) {
    let kills: Vec<usize> =
        (0..events.len()).filter(|index| events[*index].kind == EventKind::Killed).collect();
    if let Some(index) = rng.pick(&kills) {
        let (server, incarnation) = (events[index].server, events[index].incarnation);
        let main = events.iter().filter(|event| {
            (event.server, event.incarnation) == (server, incarnation)
                && event.kind != EventKind::Killed
        });
        let seq = main.count() as u64;
        events[index] = Event::new(server, incarnation, seq, EventKind::Stop);
    }
}

fn nudge(number: &mut u32, rng: &mut Rng) {
    *number = if rng.often(500) { *number + 1 } else { number.saturating_sub(1) };
}

fn nudge_zxid(zxid: &mut Zxid, rng: &mut Rng) {
    if rng.often(300) { nudge(&mut zxid.epoch, rng) } else { nudge(&mut zxid.counter, rng) }
}

/// Changes a number of the line.
fn field(event: &mut Event, rng: &mut Rng) {
    match &mut event.kind {
        EventKind::Start { recovered } => match rng.below(3) {
            0 => nudge(&mut recovered.accepted_epoch, rng),
            1 => nudge(&mut recovered.current_epoch, rng),
            _ => nudge_zxid(&mut recovered.last_zxid, rng),
        },
        EventKind::Sent(packet) | EventKind::Received(packet) => message(&mut packet.message, rng),
        EventKind::Persisted(Persisted::AcceptedEpoch(epoch) | Persisted::CurrentEpoch(epoch))
        | EventKind::Established { epoch } => nudge(epoch, rng),
        EventKind::Persisted(
            Persisted::Log(zxid) | Persisted::Truncated(zxid) | Persisted::Snapshot(zxid),
        )
        | EventKind::Delivered { zxid }
        | EventKind::Proposed { zxid, .. }
        | EventKind::Committed { zxid } => nudge_zxid(zxid, rng),
        EventKind::Looking { round } => *round += 1,
        EventKind::Elected { leader, round } => {
            if rng.often(500) {
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

fn message(message: &mut Message, rng: &mut Rng) {
    match message {
        Message::Notification { leader, zxid, round, peer_epoch, .. } => match rng.below(4) {
            0 => *leader = if *leader == 1 { 2 } else { 1 },
            1 => nudge_zxid(zxid, rng),
            2 => *round += 1,
            _ => nudge(peer_epoch, rng),
        },
        Message::FollowerInfo { accepted_epoch: epoch }
        | Message::LeaderInfo { epoch }
        | Message::NewLeader { epoch }
        | Message::AckLd { epoch } => nudge(epoch, rng),
        Message::AckEpoch { current_epoch, last_zxid } => {
            if rng.often(500) {
                *current_epoch = if current_epoch.is_some() { None } else { Some(1) };
            } else {
                nudge_zxid(last_zxid, rng);
            }
        }
        Message::Diff { zxid }
        | Message::Trunc { zxid }
        | Message::Snap { zxid }
        | Message::Commit { zxid }
        | Message::Ack { zxid } => nudge_zxid(zxid, rng),
        Message::Proposal { zxid, digest } => {
            if rng.often(500) {
                nudge_zxid(zxid, rng);
            } else {
                digest.0 ^= 1;
            }
        }
        Message::UpToDate => {}
    }
}
