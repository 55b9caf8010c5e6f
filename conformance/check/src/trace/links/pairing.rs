//! Which use of one end belongs to which use of the other, where it is not the one with the same
//! number: because an end shows nothing of a use.
//!
//! Uses are paired so that both ends keep their order and everything that is received was sent. It
//! takes a pass over the whole trace, so it is done only when the simple pairing has failed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use zab_trace::{ConnectionName, Event, EventKind, Packet, Port, ReadError, ServerId};

use super::{Begun, Direction, End, Plan, Shows};
use crate::trace::input::Inputs;

/// No pairing is looked for among more pairs of uses than this.
const PAIRS_MAX: usize = 1 << 22;

/// One direction of one use, at one end: the peer, and a hash of each message.
#[derive(Clone, Debug, Default)]
struct Run {
    peer: Option<ServerId>,
    messages: Vec<u64>,
}

/// The uses of a server's end, as a sender and as a receiver.
#[derive(Debug, Default)]
struct Uses {
    sent: Vec<Run>,
    received: Vec<Run>,
}

/// The port, and the first name of those that a relay joined.
type ChannelName = (Port, ConnectionName);

/// Everything that is read.
#[derive(Debug, Default)]
struct Reading {
    /// The first name of those that a relay joined.
    first: HashMap<ConnectionName, ConnectionName>,
    /// By port, name, server and incarnation.
    ends: HashMap<(Port, ConnectionName, ServerId, u32), End>,
    /// By channel, server and incarnation, which may be read in any order.
    uses: BTreeMap<(ChannelName, ServerId, u32), Uses>,
}

/// Finds the pairing in which what is received was sent as early as possible, and the one in which
/// it was sent as late as possible; none if no pairing explains what is received.
///
/// # Errors
/// When the trace cannot be read.
pub(crate) fn pairing<I: Inputs + ?Sized>(
    inputs: &I,
    shows: impl Fn(ServerId) -> Shows,
) -> Result<Option<[Plan; 2]>, ReadError> {
    let mut reading = Reading::default();
    // First which names are joined, then what happened.
    for joins in [true, false] {
        for located in inputs.open()?.into_iter().flat_map(|input| input.events) {
            let event = located?.event;
            if !joins {
                reading.event(&event, shows(event.server));
            } else if let EventKind::Joined { left, right } = &event.kind {
                reading.join(left, right);
            }
        }
    }
    Ok(reading.pair())
}

/// Whether a packet that a server receives in an incarnation was sent, but from another server to
/// this one, or from its peer to another server. Not if the name is used again: it may have been in
/// another use.
///
/// # Errors
/// When the trace cannot be read.
pub(crate) fn is_sent_elsewhere<I: Inputs + ?Sized>(
    inputs: &I,
    (server, incarnation): (ServerId, u32),
    packet: &Packet,
) -> Result<bool, ReadError> {
    let mut names = vec![packet.connection.clone()];
    for located in inputs.open()?.into_iter().flat_map(|input| input.events) {
        if let EventKind::Joined { left, right } = located?.event.kind {
            if left == packet.connection {
                names.push(right);
            } else if right == packet.connection {
                names.push(left);
            }
        }
    }
    let (mut elsewhere, mut senders) = (false, BTreeSet::new());
    for located in inputs.open()?.into_iter().flat_map(|input| input.events) {
        let event = located?.event;
        let (EventKind::Sent(other) | EventKind::Received(other)) = &event.kind else { continue };
        if other.message.port() != packet.message.port() || !names.contains(&other.connection) {
            continue;
        }
        let sends = matches!(event.kind, EventKind::Sent(_));
        let again = event.server == server && event.incarnation != incarnation;
        if again || (sends && other.ordinal == 0 && !senders.insert(event.server)) {
            return Ok(false);
        }
        let misdirected = (event.server == packet.peer) != (other.peer == server);
        let by_other = sends && event.server != server;
        elsewhere |= by_other && other.ordinal == packet.ordinal && misdirected;
    }
    Ok(elsewhere)
}

impl Reading {
    fn channel(&self, name: &ConnectionName) -> ConnectionName {
        self.first.get(name).unwrap_or(name).clone()
    }

    fn join(&mut self, left: &ConnectionName, right: &ConnectionName) {
        let (left, right) = (self.channel(left), self.channel(right));
        let (stays, goes) = if left < right { (left, right) } else { (right, left) };
        if self.first.contains_key(&goes) {
            for first in self.first.values_mut().filter(|first| **first == goes) {
                *first = stays.clone();
            }
        }
        self.first.insert(goes, stays.clone());
        self.first.insert(stays.clone(), stays);
    }

    fn event(&mut self, event: &Event, shows: Shows) {
        if let EventKind::Connected { connection, peer } = &event.kind {
            let begun = self.end(connection, Port::Quorum, event).connected(*peer, shows);
            self.begin(event, connection, Port::Quorum, begun.unwrap_or(Begun::Nothing));
        } else if let EventKind::Disconnected { connection } = &event.kind {
            self.end(connection, Port::Quorum, event).close();
        } else if let EventKind::Sent(packet) = &event.kind {
            self.message(event, packet, Direction::Out, shows);
        } else if let EventKind::Received(packet) = &event.kind {
            self.message(event, packet, Direction::In, shows);
        }
    }

    fn end(&mut self, name: &ConnectionName, port: Port, event: &Event) -> &mut End {
        self.ends.entry((port, name.clone(), event.server, event.incarnation)).or_default()
    }

    fn begin(&mut self, event: &Event, name: &ConnectionName, port: Port, begun: Begun) {
        let key = ((port, self.channel(name)), event.server, event.incarnation);
        let uses = self.uses.entry(key).or_default();
        if matches!(begun, Begun::Both | Begun::One(Direction::Out)) {
            uses.sent.push(Run::default());
        }
        if matches!(begun, Begun::Both | Begun::One(Direction::In)) {
            uses.received.push(Run::default());
        }
    }

    fn message(&mut self, event: &Event, packet: &Packet, direction: Direction, shows: Shows) {
        // A line that contradicts its own end is refused by the check.
        let port = packet.message.port();
        let begun = self.end(&packet.connection, port, event).message(direction, packet, shows);
        self.begin(event, &packet.connection, port, begun.unwrap_or(Begun::Nothing));
        let key = ((port, self.channel(&packet.connection)), event.server, event.incarnation);
        let uses = self.uses.entry(key).or_default();
        let runs = if direction == Direction::Out { &mut uses.sent } else { &mut uses.received };
        if let Some(run) = runs.last_mut() {
            let mut hasher = DefaultHasher::new();
            packet.message.hash(&mut hasher);
            run.messages.push(hasher.finish());
            run.peer = Some(packet.peer);
        }
    }

    /// Pairs the uses of every channel.
    fn pair(self) -> Option<[Plan; 2]> {
        let mut channels: BTreeMap<ChannelName, BTreeMap<ServerId, Uses>> = BTreeMap::new();
        for ((channel, server, _), uses) in self.uses {
            let all = channels.entry(channel).or_default().entry(server).or_default();
            all.sent.extend(uses.sent);
            all.received.extend(uses.received);
        }
        let mut plans = [Plan::new(), Plan::new()];
        for (channel, ends) in &channels {
            if ends.values().all(|uses| uses.sent.len() <= 1 && uses.received.len() <= 1) {
                continue;
            }
            for (one, left) in ends {
                for (other, right) in ends.range(one + 1..) {
                    let ends = [(*one, left), (*other, right)];
                    for (plan, early) in plans.iter_mut().zip([true, false]) {
                        add(plan, early, channel, ends)?;
                    }
                }
            }
        }
        Some(plans)
    }
}

/// One side of a pairing: what each of its uses sends to the other, and receives from it.
struct Side {
    server: ServerId,
    uses: Vec<(Run, Run)>,
}

impl Side {
    fn new(server: ServerId, peer: ServerId, sent: &[Run], received: &[Run]) -> Self {
        let with_peer = |run: Option<&Run>| {
            run.filter(|run| run.peer == Some(peer)).cloned().unwrap_or_default()
        };
        let count = sent.len().max(received.len());
        let uses =
            (0..count).map(|use_| (with_peer(sent.get(use_)), with_peer(received.get(use_))));
        Self { server, uses: uses.collect() }
    }

    /// Whether a use may belong to none of the other end.
    fn is_skippable(&self, index: usize) -> bool {
        self.uses[index].1.messages.is_empty()
    }
}

/// Pairs the uses of two ends of a channel.
fn add(
    plan: &mut Plan,
    early: bool,
    channel: &ChannelName,
    ends: [(ServerId, &Uses); 2],
) -> Option<()> {
    let [(one, left), (other, right)] = ends;
    let nothing: &[Run] = &[];
    let problems = if channel.0 == Port::Quorum {
        vec![(
            Side::new(one, other, &left.sent, &left.received),
            Side::new(other, one, &right.sent, &right.received),
        )]
    } else {
        // Which messages of the two directions belong together, no line says.
        vec![
            (
                Side::new(one, other, &left.sent, nothing),
                Side::new(other, one, nothing, &right.received),
            ),
            (
                Side::new(one, other, nothing, &left.received),
                Side::new(other, one, &right.sent, nothing),
            ),
        ]
    };
    for (left, right) in problems {
        if left.uses.len().saturating_mul(right.uses.len()) > PAIRS_MAX {
            // The same numbers belong together in one plan, and in the other nothing does.
            if early {
                plan.insert((channel.0, channel.1.clone(), one, 0), 0);
            }
            continue;
        }
        let pairs = align(&left, &right, early)?;
        for (receiver, label, partner) in received(&left, &right, &pairs) {
            plan.insert((channel.0, channel.1.clone(), receiver, label), partner);
        }
    }
    Some(())
}

/// What a pairing says of uses in which something is received: receiver, its use, the sender's.
fn received(left: &Side, right: &Side, pairs: &[(usize, usize)]) -> Vec<(ServerId, u32, u32)> {
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let mut all = Vec::new();
    for (i, j) in pairs.iter().copied() {
        if !left.is_skippable(i) {
            all.push((left.server, number(i), number(j)));
        }
        if !right.is_skippable(j) {
            all.push((right.server, number(j), number(i)));
        }
    }
    all
}

/// Pairs the uses of two ends, each as early (or as late) as it can be; none if there is no way.
fn align(left: &Side, right: &Side, early: bool) -> Option<Vec<(usize, usize)>> {
    let begins = |received: &Run, sent: &Run| sent.messages.starts_with(&received.messages);
    let fits = |i: usize, j: usize| {
        let ((sent, received), (back, forth)) = (&left.uses[i], &right.uses[j]);
        begins(forth, sent) && begins(received, back)
    };
    let (rows, columns) = (left.uses.len(), right.uses.len());
    // Whether everything from here on can be paired.
    let mut can = vec![vec![false; columns + 1]; rows + 1];
    for i in (0..=rows).rev() {
        for j in (0..=columns).rev() {
            can[i][j] = (i == rows && j == columns)
                || (i < rows && left.is_skippable(i) && can[i + 1][j])
                || (j < columns && right.is_skippable(j) && can[i][j + 1])
                || (i < rows && j < columns && fits(i, j) && can[i + 1][j + 1]);
        }
    }
    if !can[0][0] {
        return None;
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < rows || j < columns {
        let pair = i < rows && j < columns && fits(i, j) && can[i + 1][j + 1];
        let skip_left = i < rows && left.is_skippable(i) && can[i + 1][j];
        let skip_right = j < columns && right.is_skippable(j) && can[i][j + 1];
        // A use in which this end does nothing takes no partner from the others.
        let idle = |side: &Side, index: usize| {
            side.uses.get(index).is_some_and(|(sent, received)| {
                sent.messages.is_empty() && received.messages.is_empty()
            })
        };
        if skip_left && idle(left, i) {
            i += 1;
        } else if skip_right && idle(right, j) {
            j += 1;
        } else if pair && (early || !(skip_left || skip_right)) {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if skip_left {
            i += 1;
        } else {
            j += 1;
        }
    }
    Some(pairs)
}
