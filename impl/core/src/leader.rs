//! A server that is LEADING: its learners, its gates, and what it proposed.

mod broadcast;
mod discovery;
mod liveness;
mod sync_plan;
mod synchronization;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::election::Settled;
use crate::server::Server;
use crate::{
    Close, ConnectionId, Effects, Epoch, Message, Mutant, Phase, ProtocolError, ServerId, Zxid,
};

/// A server that is LEADING.
#[derive(Clone, Debug)]
pub(crate) struct Leader {
    pub(crate) elected: Settled,
    stage: Stage,
    new_epoch: Epoch,
    /// The end of the initial history: what this server held when it was elected.
    initial_last: Zxid,
    /// Whose acceptedEpoch is known; self from the start.
    connecting: BTreeSet<ServerId>,
    /// Who accepted the new epoch and is not ahead; self from the start.
    electing: BTreeSet<ServerId>,
    /// Who acknowledged NEWLEADER.
    new_leader_acks: BTreeSet<ServerId>,
    learners: BTreeMap<ServerId, Learner>,
    /// Connections without FOLLOWERINFO yet, and for how many ticks.
    unnamed: BTreeMap<ConnectionId, u32>,
    outstanding: VecDeque<Outstanding>,
    /// The counter of the last transaction of this epoch.
    counter: u32,
    /// For how many ticks the present gate has been waited for.
    gate_ticks: u32,
}

/// Which gate the leader waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A quorum of FOLLOWERINFO, which decides the epoch.
    Epoch,
    /// A quorum of ACKEPOCH.
    AckEpoch,
    /// A quorum of ACK-LD.
    AckLd,
    /// None: the leader is established.
    Broadcast,
}

/// A learner that is connected.
#[derive(Clone, Copy, Debug)]
struct Learner {
    connection: ConnectionId,
    progress: Progress,
    /// It gets INFORM in place of PROPOSAL and COMMIT.
    observes: bool,
    /// For how many ticks nothing was heard of it.
    silent_ticks: u32,
}

/// How far a learner is on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// FOLLOWERINFO came; it waits for LEADERINFO.
    WaitsForLeaderInfo,
    /// LEADERINFO was sent.
    Offered,
    /// ACKEPOCH came; it waits until the gate of l.1.2 is passed.
    WaitsForGate {
        /// The end of its history.
        last: Zxid,
    },
    /// It was synchronized up to NEWLEADER, and gets every PROPOSAL and COMMIT.
    Forwarding,
    /// It acknowledged NEWLEADER, and still gets every PROPOSAL and COMMIT.
    Acknowledged,
}

/// A transaction that is proposed and not committed.
#[derive(Clone, Debug)]
struct Outstanding {
    zxid: Zxid,
    acks: BTreeSet<ServerId>,
}

impl Leader {
    /// zk.disc.lead: the role begins. Nobody is a learner yet; the new epoch is above the own
    /// acceptedEpoch, and the whole history is the initial one.
    pub(crate) fn enter(server: &Server, elected: Settled) -> Self {
        let new_epoch = server.accepted_epoch.checked_add(1).expect("the last is never accepted");
        let own: BTreeSet<ServerId> = [server.config.id].into();
        Self {
            elected,
            stage: Stage::Epoch,
            new_epoch,
            initial_last: server.history.last(),
            connecting: own.clone(),
            electing: own,
            new_leader_acks: BTreeSet::new(),
            learners: BTreeMap::new(),
            unnamed: BTreeMap::new(),
            outstanding: VecDeque::new(),
            counter: 0,
            gate_ticks: 0,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.stage {
            Stage::Epoch | Stage::AckEpoch => Phase::Discovery,
            Stage::AckLd => Phase::Synchronization,
            Stage::Broadcast => Phase::Broadcast,
        }
    }

    /// A connection was accepted; whose it is will be known with FOLLOWERINFO.
    pub(crate) fn on_accepted(&mut self, connection: ConnectionId) {
        self.unnamed.insert(connection, 0);
    }

    /// Whether this connection has not named its learner yet.
    pub(crate) fn is_unnamed(&self, connection: ConnectionId) -> bool {
        self.unnamed.contains_key(&connection)
    }

    /// zk.sync.fence: whether a message counts for that learner. It does on the learner's present
    /// connection only, whatever arrives on an older one (D-H01).
    pub(crate) fn is_fenced_in(
        &self,
        server: &Server,
        from: ServerId,
        connection: ConnectionId,
        message: &Message,
    ) -> bool {
        let counts_anywhere =
            server.config.has(Mutant::NoFence) && matches!(message, Message::Ack { .. });
        self.learners
            .get(&from)
            .is_some_and(|learner| learner.connection == connection || counts_anywhere)
    }

    /// Whether the learner on this connection has acknowledged NEWLEADER.
    pub(crate) fn has_acknowledged(&self, connection: ConnectionId) -> bool {
        let learner = self.learner_of(connection).map(|id| &self.learners[&id]);
        learner.is_some_and(|learner| learner.progress == Progress::Acknowledged)
    }

    /// The learner that this connection belongs to.
    fn learner_of(&self, connection: ConnectionId) -> Option<ServerId> {
        let mut learners = self.learners.iter();
        learners.find(|(_, learner)| learner.connection == connection).map(|(id, _)| *id)
    }

    /// zk.fail.leader_link: the connection ended. The record of its learner is forgotten; what the
    /// learner acknowledged stays counted.
    pub(crate) fn on_disconnected(&mut self, connection: ConnectionId) {
        self.unnamed.remove(&connection);
        if let Some(id) = self.learner_of(connection) {
            self.learners.remove(&id);
        }
    }

    /// Closes a connection from this end.
    pub(crate) fn close(&mut self, connection: ConnectionId, out: &mut Effects) {
        out.close.push(Close::One(connection));
        self.on_disconnected(connection);
    }

    /// The error for a message that comes before FOLLOWERINFO.
    pub(crate) fn unexpected_before_name(from: ServerId, message: &'static str) -> ProtocolError {
        ProtocolError::Unexpected { from, message, expected: "FOLLOWERINFO" }
    }

    /// The error for a message of a learner that has no place now.
    pub(crate) fn unexpected(&self, from: ServerId, message: &'static str) -> ProtocolError {
        let expected = match self.learners[&from].progress {
            Progress::WaitsForLeaderInfo | Progress::WaitsForGate { .. } => "nothing but PING",
            Progress::Offered => "ACKEPOCH",
            Progress::Forwarding => "ACK-LD",
            Progress::Acknowledged => "ACK",
        };
        ProtocolError::Unexpected { from, message, expected }
    }

    fn learner(&mut self, id: ServerId) -> &mut Learner {
        self.learners.get_mut(&id).expect("the message came from a connected learner")
    }

    /// Sends to one connected learner.
    fn send(&self, to: ServerId, message: Message, out: &mut Effects) {
        out.send_to(to, self.learners[&to].connection, message);
    }

    /// Sends to every forwarding follower, in order of their ids.
    fn forward(&self, message: &Message, out: &mut Effects) {
        self.forward_to(false, message, out);
    }

    /// Sends INFORM to every forwarding observer (`Leader.inform`).
    fn inform(&self, server: &Server, zxid: Zxid, out: &mut Effects) {
        if self.learners.values().any(|learner| learner.observes) {
            for txn in server.history.range(server.last_committed, zxid) {
                self.forward_to(true, &Message::Inform { txn }, out);
            }
        }
    }

    fn forward_to(&self, observes: bool, message: &Message, out: &mut Effects) {
        for (id, learner) in self.learners.iter().filter(|(_, one)| one.observes == observes) {
            match learner.progress {
                Progress::Forwarding | Progress::Acknowledged => {
                    out.send_to(*id, learner.connection, message.clone());
                }
                Progress::WaitsForLeaderInfo
                | Progress::Offered
                | Progress::WaitsForGate { .. } => {}
            }
        }
    }

    /// The connected learners in this state, in order of their ids.
    fn learners_at(&self, wanted: impl Fn(Progress) -> bool) -> Vec<ServerId> {
        let learners = self.learners.iter();
        learners.filter(|(_, learner)| wanted(learner.progress)).map(|(id, _)| *id).collect()
    }
}
