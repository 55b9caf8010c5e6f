//! What a step looks like in a trace: the same lines, in the same order, for simulator and server.

use std::collections::BTreeMap;

use zab_trace::{ConnectionName, Event, EventKind, Packet, Persisted, State};

use crate::{
    Close, ConnectionId, Decision, Deliver, Effects, Input, Message, Notification, Outgoing,
    ServerId, Write, Zxid,
};

/// Makes the trace lines of one incarnation of one server (`traces/README.md`).
///
/// The driver calls it at the moments that its methods name, in the order of its loop, and writes
/// what it gives at once: a line says that something has happened, or is about to. It numbers the
/// lines, names the connections and counts the messages on them; it never changes what is done.
#[derive(Clone, Debug)]
pub struct Observer {
    server: ServerId,
    incarnation: u32,
    seq: u64,
    links: BTreeMap<ConnectionId, Link>,
    /// The state after the present step.
    state: State,
    /// Decisions of the present step that follow from what it does.
    to_follow: Vec<Decision>,
}

/// A connection of either port.
#[derive(Clone, Debug)]
struct Link {
    name: ConnectionName,
    /// Known from the input that says it is up.
    is_quorum: bool,
    received: u64,
    sent: u64,
}

impl Observer {
    /// An observer of this incarnation, counted from 1.
    #[must_use]
    pub fn new(server: ServerId, incarnation: u32) -> Self {
        Self {
            server,
            incarnation,
            seq: 0,
            links: BTreeMap::new(),
            state: State::default(),
            to_follow: Vec::new(),
        }
    }

    /// The peer has recovered. `effects` and `state` are those right after
    /// [`crate::Peer::recover`], before any of the effects is carried out.
    #[must_use]
    pub fn start(&mut self, effects: &Effects, state: State) -> Vec<Event> {
        let recovered = zab_trace::Recovered {
            accepted_epoch: state.accepted_epoch.unwrap_or_default(),
            current_epoch: state.current_epoch.unwrap_or_default(),
            last_zxid: state.last_zxid.unwrap_or_default(),
            log_length: state.log_length,
            log_digest: state.log_digest,
        };
        let mut events = vec![self.event(EventKind::Start { recovered })];
        self.state = state;
        self.decide(effects, false, &mut events);
        events
    }

    /// A connection, of either port, has this name from now on. Before any input that names it.
    pub fn opened(&mut self, connection: ConnectionId, name: ConnectionName) {
        let stale =
            self.links.insert(connection, Link { name, is_quorum: false, received: 0, sent: 0 });
        assert!(stale.is_none(), "{connection:?} was used twice");
    }

    /// An election connection is gone, and no notification of it will be handed in any more.
    /// Quorum connections are forgotten when they are closed.
    pub fn ended(&mut self, connection: ConnectionId) {
        self.links.remove(&connection);
    }

    /// A step was taken: `effects` and `state` are those right after [`crate::Peer::handle`] of
    /// `input`, before any of the effects is carried out.
    #[must_use]
    pub fn step(&mut self, input: &Input, effects: &Effects, state: State) -> Vec<Event> {
        assert!(self.to_follow.is_empty(), "`finish` ends every step");
        self.state = state;
        let leaves = effects.decisions.iter().any(|d| matches!(d, Decision::Looking { .. }));
        let mut events: Vec<Event> = self.cause(input, effects).into_iter().collect();
        for event in &mut events {
            // Leaving the role and looking again are two steps: the state is that of the second.
            event.state = (!leaves).then_some(state);
        }
        for close in &effects.close {
            self.closed(*close, &mut events);
        }
        self.decide(effects, matches!(input, Input::Elapsed(_)), &mut events);
        events
    }

    /// The line that caused a step, if it is a visible one.
    fn cause(&mut self, input: &Input, effects: &Effects) -> Option<Event> {
        let kind = match input {
            Input::Notification { from, connection, notification } => {
                let message = notification_message(notification);
                let link = self.links.get_mut(connection);
                let link = link.unwrap_or_else(|| panic!("{connection:?} was never opened"));
                EventKind::Received(link.receive(*from, message))
            }
            Input::Connected { leader, connection } => self.connected(*connection, Some(*leader)),
            Input::Accepted { connection } => self.connected(*connection, None),
            Input::Message { from, connection, message } => {
                // Without a link it is left over, and the core ignores it as well.
                let link = self.links.get_mut(connection)?;
                EventKind::Received(link.receive(*from, message_shown(message)?))
            }
            Input::Disconnected { connection } => {
                EventKind::Disconnected { connection: self.links.remove(connection)?.name }
            }
            Input::Synced { .. } => EventKind::Persisted(Persisted::Log(effects.synced?)),
            Input::Tick
            | Input::Elapsed(_)
            | Input::ConnectFailed { .. }
            | Input::Heard { .. }
            | Input::Flowing { .. }
            | Input::Request { .. } => return None,
        };
        Some(self.event(kind))
    }

    fn connected(&mut self, connection: ConnectionId, peer: Option<ServerId>) -> EventKind {
        let link = self.links.get_mut(&connection);
        let link = link.unwrap_or_else(|| panic!("{connection:?} was never opened"));
        link.is_quorum = true;
        EventKind::Connected { connection: link.name.clone(), peer }
    }

    /// `zk.fle.leave_role` and others close connections: a line for each.
    fn closed(&mut self, close: Close, events: &mut Vec<Event>) {
        let connections: Vec<ConnectionId> = match close {
            Close::One(connection) => vec![connection],
            Close::Every => {
                let quorum = self.links.iter().filter(|(_, link)| link.is_quorum);
                quorum.map(|(connection, _)| *connection).collect()
            }
        };
        for connection in connections {
            if let Some(link) = self.links.remove(&connection) {
                events.push(self.event(EventKind::Disconnected { connection: link.name }));
            }
        }
    }

    /// A write is durable. After [`Write::CommittedLog`], also before its transactions are applied.
    #[must_use]
    pub fn persisted(&mut self, write: &Write) -> Vec<Event> {
        let (persisted, delivered): (_, Vec<Zxid>) = match write {
            Write::AcceptedEpoch(epoch) => (Persisted::AcceptedEpoch(*epoch), Vec::new()),
            Write::CurrentEpoch(epoch) => (Persisted::CurrentEpoch(*epoch), Vec::new()),
            Write::SyncLog { zxid } => (Persisted::Log(*zxid), Vec::new()),
            Write::CommittedLog(txns) => {
                let zxids: Vec<Zxid> = txns.iter().map(|txn| txn.zxid).collect();
                let last = *zxids.last().expect("never empty");
                (Persisted::Log(last), zxids)
            }
            Write::Truncate { zxid } => (Persisted::Truncated(*zxid), Vec::new()),
            Write::Snapshot { zxid } => (Persisted::Snapshot(*zxid), Vec::new()),
        };
        let mut events = vec![self.event(EventKind::Persisted(persisted))];
        for zxid in delivered {
            events.push(self.event(EventKind::Delivered { zxid }));
        }
        events
    }

    /// The state machine was given this. Only what is committed is shown.
    #[must_use]
    pub fn delivered(&mut self, deliver: &Deliver) -> Option<Event> {
        match deliver {
            Deliver::Commit(txn) => Some(self.event(EventKind::Delivered { zxid: txn.zxid })),
            Deliver::CatchUp(_) | Deliver::Rebuild { .. } => None,
        }
    }

    /// A message is about to be handed to its quorum connection. Signs of life are not shown.
    #[must_use]
    pub fn sending(&mut self, outgoing: &Outgoing) -> Option<Event> {
        let message = message_shown(&outgoing.message)?;
        let link = self.links.get_mut(&outgoing.connection)?;
        let packet = link.send(outgoing.to, message);
        Some(self.event(EventKind::Sent(packet)))
    }

    /// A notification is about to be handed to an election connection: whenever that is, and again
    /// when the last one is repeated on a new connection.
    #[must_use]
    pub fn notifying(
        &mut self,
        connection: ConnectionId,
        to: ServerId,
        notification: &Notification,
    ) -> Event {
        let link = self.links.get_mut(&connection);
        let link = link.unwrap_or_else(|| panic!("{connection:?} was never opened"));
        let packet = link.send(to, notification_message(notification));
        self.event(EventKind::Sent(packet))
    }

    /// The effects of the step are carried out: the decisions that follow from it.
    #[must_use]
    pub fn finish(&mut self) -> Vec<Event> {
        let decisions = std::mem::take(&mut self.to_follow);
        decisions.into_iter().map(|decision| self.decision(decision)).collect()
    }

    /// The process stops cleanly. The last line of the incarnation.
    #[must_use]
    pub fn stop(&mut self) -> Event {
        self.event(EventKind::Stop)
    }

    /// Shows the decisions that are causes themselves, and keeps the others for `finish`.
    fn decide(&mut self, effects: &Effects, by_timer: bool, events: &mut Vec<Event>) {
        for decision in &effects.decisions {
            let is_cause = match decision {
                Decision::Looking { .. } | Decision::Resent | Decision::Proposed { .. } => true,
                Decision::Elected { .. } => by_timer,
                Decision::Established { .. } | Decision::Committed { .. } => false,
            };
            if is_cause {
                events.push(self.decision(*decision));
            } else {
                self.to_follow.push(*decision);
            }
        }
    }

    fn decision(&mut self, decision: Decision) -> Event {
        let kind = match decision {
            Decision::Looking { round } => EventKind::Looking { round: round_shown(round) },
            Decision::Resent => EventKind::Resent,
            Decision::Elected { leader, round } => {
                EventKind::Elected { leader, round: round_shown(round) }
            }
            Decision::Proposed { zxid, digest } => EventKind::Proposed { zxid, digest },
            Decision::Established { epoch } => EventKind::Established { epoch },
            Decision::Committed { zxid } => EventKind::Committed { zxid },
        };
        let state = self.state;
        self.event(kind).with_state(state)
    }

    fn event(&mut self, kind: EventKind) -> Event {
        let event = Event::new(self.server, self.incarnation, self.seq, kind);
        self.seq += 1;
        event
    }
}

impl Link {
    fn receive(&mut self, peer: ServerId, message: zab_trace::Message) -> Packet {
        let ordinal = self.received;
        self.received += 1;
        Packet { connection: self.name.clone(), ordinal, peer, message }
    }

    fn send(&mut self, peer: ServerId, message: zab_trace::Message) -> Packet {
        let ordinal = self.sent;
        self.sent += 1;
        Packet { connection: self.name.clone(), ordinal, peer, message }
    }
}

fn notification_message(notification: &Notification) -> zab_trace::Message {
    let Notification { role, vote, round } = *notification;
    zab_trace::Message::Notification {
        role,
        leader: vote.leader,
        zxid: vote.zxid,
        round: round_shown(round),
        peer_epoch: vote.peer_epoch,
    }
}

/// A round as a trace shows it. Beyond [`ROUND_MAX`](crate::ROUND_MAX), where a trace has no room,
/// only what is dropped can be (D-ROUND).
fn round_shown(round: u64) -> zab_trace::Round {
    zab_trace::Round::try_from(round).unwrap_or(zab_trace::Round::MAX)
}

/// A message as a trace shows it, if it does.
fn message_shown(message: &Message) -> Option<zab_trace::Message> {
    use zab_trace::Message as Shown;
    Some(match message {
        Message::FollowerInfo { accepted_epoch } => {
            Shown::FollowerInfo { accepted_epoch: *accepted_epoch }
        }
        Message::LeaderInfo { new_epoch } => Shown::LeaderInfo { epoch: *new_epoch },
        Message::AckEpoch { current_epoch, last_zxid } => {
            Shown::AckEpoch { current_epoch: *current_epoch, last_zxid: *last_zxid }
        }
        Message::Diff { zxid } => Shown::Diff { zxid: *zxid },
        Message::Trunc { zxid } => Shown::Trunc { zxid: *zxid },
        Message::Snap { zxid } => Shown::Snap { zxid: *zxid },
        Message::Proposal { txn } => {
            Shown::Proposal { zxid: txn.zxid, digest: zab_trace::txn_digest(&txn.payload) }
        }
        Message::Stored { zxid, digest } => Shown::Proposal { zxid: *zxid, digest: *digest },
        Message::Commit { zxid } => Shown::Commit { zxid: *zxid },
        Message::NewLeader { epoch } => Shown::NewLeader { epoch: *epoch },
        Message::AckLd { epoch } => Shown::AckLd { epoch: *epoch },
        Message::Ack { zxid } => Shown::Ack { zxid: *zxid },
        Message::UpToDate => Shown::UpToDate,
        // The trace format does not have them: an ensemble with observers writes none.
        Message::ObserverInfo { .. } | Message::Inform { .. } | Message::Ping => return None,
    })
}
