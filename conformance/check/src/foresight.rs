//! What is read beforehand of a trace that hides steps: what its later lines say narrows down which
//! hidden steps can have been taken.

use std::collections::{BTreeMap, HashMap};

use zab_model::{Config, Shape, Wide, Zxid};
use zab_trace::{ConnectionName, Epoch, EventKind, Message, Port, ServerId, TxnDigest};

use crate::{
    candidate::{Candidate, Log},
    convert::{self, Ids, Letter},
    input::Item,
    links::{ConnectionId, Links},
};

/// What is known beforehand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Foresight {
    /// All that each server sends on each quorum connection, in order.
    sends: HashMap<(ConnectionName, ServerId), Vec<Message>>,
    /// The digests that PROPOSALs show.
    digests: HashMap<zab_trace::Zxid, TxnDigest>,
    /// The greatest counter that any line names, by epoch. A transaction that no line names was
    /// never needed to explain one.
    named: BTreeMap<Epoch, u32>,
}

impl Foresight {
    /// Notes what a line names.
    pub(crate) fn note(&mut self, item: &Item) {
        match &item.event.kind {
            EventKind::Received(packet) => self.note_message(&packet.message),
            EventKind::Sent(packet) => {
                self.note_message(&packet.message);
                if packet.message.port() == Port::Quorum {
                    let key = (packet.connection.clone(), item.event.server);
                    self.sends.entry(key).or_default().push(packet.message);
                }
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
            | EventKind::Connected { .. }
            | EventKind::Disconnected { .. }
            | EventKind::Looking { .. }
            | EventKind::Resent
            | EventKind::Elected { .. }
            | EventKind::Established { .. }
            | EventKind::Joined { .. } => {}
        }
        if let Some(zxid) = item.event.state.and_then(|state| state.last_zxid) {
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
                let zxid = Wide::zxid(&cfg.logs, history, index).map(convert::zxid);
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
    sends: HashMap<(ConnectionId, ServerId), Vec<Message>>,
}

impl Future {
    /// The future of a trace whose connections are known.
    pub(crate) fn new(foresight: &Foresight, links: &mut Links<Letter>) -> Self {
        let sends = foresight.sends.iter();
        let sends = sends.map(|((name, server), all)| ((links.id(name), *server), all.clone()));
        Self { sends: sends.collect() }
    }

    /// Forgets messages behind the last one that is ever sent on their connection: in what comes
    /// after, states cannot be told apart.
    pub(crate) fn trim(&self, candidate: &mut Candidate, server: ServerId, links: &Links<Letter>) {
        let core = &mut candidate.core;
        let wires = core.wires.iter_mut().filter_map(|wire| {
            let connection = wire.connection?;
            Some((connection, &mut wire.pending))
        });
        let ended = core.ended.iter_mut().map(|ended| (ended.connection, &mut ended.pending));
        for (connection, pending) in wires.chain(ended) {
            let all = self.sends.get(&(connection, server)).map_or(0, Vec::len);
            let sent = usize::try_from(links.sent(connection, server)).unwrap_or(usize::MAX);
            pending.truncate(all.saturating_sub(sent));
        }
    }

    /// How many more acknowledgements than wait to be sent a follower sends on its connection.
    pub(crate) fn acks_left(
        &self,
        candidate: &Candidate,
        server: ServerId,
        links: &Links<Letter>,
    ) -> usize {
        let wires = candidate.core.wires.iter();
        let left = wires.filter_map(|wire| {
            let connection = wire.connection?;
            let sent = usize::try_from(links.sent(connection, server)).ok()?;
            let all = self.sends.get(&(connection, server))?;
            let later = all.iter().skip(sent + wire.pending.len());
            Some(later.filter(|message| matches!(message, Message::Ack { .. })).count())
        });
        left.sum()
    }

    /// Whether the candidate's queues can still lead to what its server sends.
    pub(crate) fn allows(
        &self,
        candidate: &Candidate,
        server: ServerId,
        ids: &Ids,
        links: &Links<Letter>,
    ) -> bool {
        if self.sends.is_empty() {
            return true;
        }
        let future = |connection| {
            let sent = usize::try_from(links.sent(connection, server)).unwrap_or(usize::MAX);
            let all = self.sends.get(&(connection, server));
            all.and_then(|all| all.get(sent..)).unwrap_or_default()
        };
        let agrees = |pending: &std::collections::VecDeque<Letter>, future: &[Message]| {
            let both = pending.iter().zip(future);
            both.into_iter().all(|(letter, due)| convert::message(ids, letter) == Some(*due))
        };
        let core = &candidate.core;
        let open = core.wires.iter().all(|wire| {
            wire.connection.is_none_or(|connection| agrees(&wire.pending, future(connection)))
        });
        open && core.ended.iter().all(|ended| {
            let future = future(ended.connection);
            // Nothing is added any more to the queue of a connection that was ended.
            future.len() <= ended.pending.len() && agrees(&ended.pending, future)
        })
    }
}
