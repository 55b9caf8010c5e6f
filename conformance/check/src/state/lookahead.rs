//! What is read beforehand of a trace that hides steps: what its later lines say narrows down which
//! hidden steps can have been taken.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use zab_model::{Config, Shape, Wide, Zxid};
use zab_trace::{
    ConnectionName, Contract, Epoch, Event, EventKind, Message, Packet, Port, ServerId, TxnDigest,
};

use crate::trace::{ConnectionId, Direction, End, Line, Log, Orders, Shows, convert};

/// What is known beforehand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookahead {
    /// What the lines show of connections.
    shows: Shows,
    /// The order of lines that are only partially ordered.
    orders: Rc<Orders>,
    /// Each server's ends of quorum connections, by incarnation, as far as they are read.
    ends: HashMap<Name, End>,
    /// All that each server sends in each use of a quorum connection, in order.
    sends: HashMap<(Name, u32), Vec<Message>>,
    /// The digests that PROPOSALs show.
    digests: HashMap<zab_trace::Zxid, TxnDigest>,
    /// The greatest counter that any line names, by epoch. A transaction that no line names was
    /// never needed to explain one.
    named: BTreeMap<Epoch, u32>,
}

/// A connection's name, and whose end: server and incarnation.
type Name = (ConnectionName, ServerId, u32);

impl Lookahead {
    /// Nothing is known yet of a trace under this contract.
    pub(crate) fn new(contract: &Contract, orders: Rc<Orders>) -> Self {
        Self { shows: Shows::new(contract), orders, ..Self::default() }
    }

    /// As the links see the ends of this server.
    fn shows(&self, server: ServerId) -> Shows {
        Shows { partial: self.orders.is_partial(server), ..self.shows }
    }

    /// Notes what a line names.
    pub(crate) fn note(&mut self, line: &Line) {
        match &line.event.kind {
            EventKind::Received(packet) => {
                self.note_message(&packet.message);
                self.note_packet(&line.event, packet, Direction::In);
            }
            EventKind::Sent(packet) => {
                self.note_message(&packet.message);
                self.note_packet(&line.event, packet, Direction::Out);
            }
            EventKind::Connected { connection, peer } => {
                let name = (connection.clone(), line.event.server, line.event.incarnation);
                let shows = self.shows(line.event.server);
                let end = self.ends.entry(name).or_default();
                // A line that does not fit is refused when its turn comes.
                let _ = end.connected(*peer, shows);
            }
            EventKind::Disconnected { .. } if self.orders.is_partial(line.event.server) => {}
            EventKind::Disconnected { connection } => {
                let name = (connection.clone(), line.event.server, line.event.incarnation);
                self.ends.entry(name).or_default().close();
            }
            EventKind::Start { recovered } => self.name(recovered.last_zxid),
            EventKind::Delivered { zxid } | EventKind::Committed { zxid } => self.name(*zxid),
            EventKind::Proposed { zxid, digest } => self.propose(*zxid, *digest),
            EventKind::Persisted(
                zab_trace::Persisted::Log(zxid)
                | zab_trace::Persisted::Truncated(zxid)
                | zab_trace::Persisted::Snapshot(zxid),
            ) => self.name(*zxid),
            EventKind::Persisted(
                zab_trace::Persisted::AcceptedEpoch(_) | zab_trace::Persisted::CurrentEpoch(_),
            )
            | EventKind::Stop
            | EventKind::Killed
            | EventKind::Looking { .. }
            | EventKind::Resent
            | EventKind::Elected { .. }
            | EventKind::Established { .. }
            | EventKind::Joined { .. } => {}
        }
        if let Some(zxid) = line.event.state.and_then(|state| state.last_zxid) {
            self.name(zxid);
        }
    }

    fn note_message(&mut self, message: &Message) {
        match message {
            Message::Notification { zxid, .. }
            | Message::AckEpoch { last_zxid: zxid, .. }
            | Message::Diff { zxid }
            | Message::Trunc { zxid }
            | Message::Snap { zxid }
            | Message::Commit { zxid }
            | Message::Ack { zxid } => self.name(*zxid),
            Message::Proposal { zxid, digest } => self.propose(*zxid, *digest),
            Message::FollowerInfo { .. }
            | Message::LeaderInfo { .. }
            | Message::NewLeader { .. }
            | Message::AckLd { .. }
            | Message::UpToDate => {}
        }
    }

    fn note_packet(&mut self, event: &Event, packet: &Packet, direction: Direction) {
        if packet.message.port() != Port::Quorum {
            return;
        }
        let name = (packet.connection.clone(), event.server, event.incarnation);
        let shows = self.shows(event.server);
        let end = self.ends.entry(name.clone()).or_default();
        // A line that does not fit is refused when its turn comes.
        let _ = end.message(direction, packet, shows);
        if direction == Direction::Out {
            self.sends.entry((name, end.uses())).or_default().push(packet.message);
        }
    }

    /// Whether something is known of what is sent.
    pub(crate) fn knows_sends(&self) -> bool {
        !self.sends.is_empty()
    }

    fn propose(&mut self, zxid: zab_trace::Zxid, digest: TxnDigest) {
        self.digests.insert(zxid, digest);
        self.name(zxid);
    }

    fn name(&mut self, zxid: zab_trace::Zxid) {
        let counter = self.named.entry(zxid.epoch).or_default();
        *counter = zxid.counter.max(*counter);
    }

    /// The payload of a hidden request for this transaction; none if no line needs it. A digest
    /// that no line shows is 0, and digests of histories with it are not compared.
    pub(crate) fn payload(&self, zxid: Zxid<u32>) -> Option<u64> {
        let zxid = convert::zxid(zxid);
        if self.named.get(&zxid.epoch).is_none_or(|counter| zxid.counter > *counter) {
            return None;
        }
        Some(self.digests.get(&zxid).map_or(0, |digest| digest.0))
    }

    /// Whether the history holds a transaction of which no line shows the digest, so that its own
    /// digest is not known. Where every step is shown there is none.
    pub(crate) fn is_blurred(&self, cfg: &Config<Wide>, history: &Log) -> bool {
        !self.named.is_empty()
            && (0..Wide::length(history)).any(|index| {
                let zxid = cfg.history(*history).zxid(index).map(convert::zxid);
                zxid.is_some_and(|zxid| !self.digests.contains_key(&zxid))
            })
    }
}

/// What the servers will send on their quorum connections, from now on.
///
/// Queues are first in, first out, so a candidate whose queue disagrees with what is sent later can
/// never explain it, and is dropped as soon as that shows. One that agrees as far as both go is
/// kept: what is never sent need not be.
#[derive(Debug, Default)]
pub(crate) struct Future {
    sends: HashMap<ConnectionId, Vec<Message>>,
}

impl Future {
    /// A use of a connection begins, the n-th of this name in this incarnation.
    pub(crate) fn begin(
        &mut self,
        lookahead: &Lookahead,
        event: &Event,
        name: &ConnectionName,
        (id, number): (ConnectionId, u32),
    ) {
        self.sends.entry(id).or_insert_with(|| {
            let name = (name.clone(), event.server, event.incarnation);
            lookahead.sends.get(&(name, number)).cloned().unwrap_or_default()
        });
    }

    /// All that a server sends on a connection.
    pub(crate) fn all(&self, connection: ConnectionId) -> &[Message] {
        self.sends.get(&connection).map_or(&[], Vec::as_slice)
    }

    /// What a server sends on a connection after so many messages.
    pub(crate) fn after(&self, connection: ConnectionId, count: usize) -> &[Message] {
        self.all(connection).get(count..).unwrap_or_default()
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }
}
