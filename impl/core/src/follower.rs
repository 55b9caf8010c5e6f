//! A server that is FOLLOWING, or OBSERVING: what it holds, and when it gives up.

mod broadcast;
mod discovery;
mod synchronization;

use crate::election::Settled;
use crate::server::{KeepRole, Server};
use crate::{ConnectionId, Dial, Effects, Message, Phase, ProtocolError, ServerId, Txn, Zxid};
use synchronization::Synchronization;

/// A server that is FOLLOWING, or OBSERVING.
#[derive(Clone, Debug)]
pub(crate) struct Follower {
    pub(crate) elected: Settled,
    /// The connection to the leader, once it is up.
    pub(crate) connection: Option<ConnectionId>,
    stage: Stage,
    /// Until the header: whether it reports no history (`zk.sync.drop`).
    drops_history: bool,
    /// For how many ticks nothing was heard of the leader.
    silent_ticks: u32,
}

/// How far a follower is, which is what it can be told next.
#[derive(Clone, Debug)]
enum Stage {
    /// Not connected, or waiting for LEADERINFO.
    Discovery,
    /// Waiting for DIFF, TRUNC or SNAP.
    Header,
    /// Between that and UPTODATE.
    Synchronization(Synchronization),
    Broadcast,
}

impl Follower {
    /// The role begins: dial the leader.
    pub(crate) fn enter(elected: Settled, out: &mut Effects) -> Self {
        out.dial = Some(Dial::To(elected.vote.leader));
        Self {
            elected,
            connection: None,
            stage: Stage::Discovery,
            drops_history: false,
            silent_ticks: 0,
        }
    }

    pub(crate) fn leader(&self) -> ServerId {
        self.elected.vote.leader
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.stage {
            Stage::Discovery => Phase::Discovery,
            Stage::Header | Stage::Synchronization(_) => Phase::Synchronization,
            Stage::Broadcast => Phase::Broadcast,
        }
    }

    /// Something arrived from the leader.
    pub(crate) fn on_heard(&mut self) {
        self.silent_ticks = 0;
    }

    /// A part of what brings this server up to date has arrived.
    pub(crate) fn on_flowing(&mut self) {
        match self.stage {
            Stage::Header | Stage::Synchronization(_) => self.on_heard(),
            Stage::Discovery | Stage::Broadcast => {}
        }
    }

    /// zk.fail.learner_link, its part about silence.
    pub(crate) fn on_tick(&mut self, server: &Server) -> KeepRole {
        self.silent_ticks += 1;
        let limit = match self.phase() {
            Phase::Broadcast => server.config.sync_limit,
            Phase::Election | Phase::Discovery | Phase::Synchronization => server.config.init_limit,
        };
        if self.silent_ticks <= limit { KeepRole::Yes } else { KeepRole::No }
    }

    /// PING is answered in broadcast only: until then the leader waits for something else.
    pub(crate) fn on_ping(&self, out: &mut Effects) {
        match self.stage {
            Stage::Broadcast => self.send(Message::Ping, out),
            Stage::Discovery | Stage::Header | Stage::Synchronization(_) => {}
        }
    }

    /// PROPOSAL(z), in synchronization or broadcast.
    pub(crate) fn on_proposal(
        &mut self,
        server: &mut Server,
        txn: Txn,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        self.refuse_future_epoch(server, "PROPOSAL", txn.zxid)?;
        match &self.stage {
            Stage::Discovery | Stage::Header => Err(self.unexpected("PROPOSAL")),
            Stage::Synchronization(_) => self.on_proposal_in_synchronization(txn),
            Stage::Broadcast => self.on_proposal_in_broadcast(server, txn, out),
        }
    }

    /// COMMIT(z), in synchronization or broadcast.
    pub(crate) fn on_commit(
        &mut self,
        server: &mut Server,
        zxid: Zxid,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        match &self.stage {
            Stage::Discovery | Stage::Header => Err(self.unexpected("COMMIT")),
            Stage::Synchronization(_) => self.on_commit_in_synchronization(zxid),
            Stage::Broadcast => self.on_commit_in_broadcast(server, zxid, out),
        }
    }

    /// zk.sync.inform, zk.bcast.inform: INFORM(z), at an observer: PROPOSAL and COMMIT in one
    /// (`Observer.processPacket`, `Learner.syncWithLeader`). On NEWLEADER an observer does what a follower
    /// does (D-OBSERVER).
    pub(crate) fn on_inform(
        &mut self,
        server: &mut Server,
        txn: Txn,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        if !server.config.is_observer() {
            return Err(self.unexpected("INFORM"));
        }
        let zxid = txn.zxid;
        self.on_proposal(server, txn, out)?;
        self.on_commit(server, zxid, out)
    }

    fn send(&self, message: Message, out: &mut Effects) {
        let connection = self.connection.expect("a message came on it");
        out.send_to(self.leader(), connection, message);
    }

    /// The error for a message that has no place now.
    pub(crate) fn unexpected(&self, message: &'static str) -> ProtocolError {
        let expected = match &self.stage {
            Stage::Discovery => "LEADERINFO",
            Stage::Header => "DIFF, TRUNC or SNAP",
            Stage::Synchronization(sync) if sync.acknowledged => "PROPOSAL, COMMIT or UPTODATE",
            Stage::Synchronization(_) => "PROPOSAL, COMMIT or NEWLEADER",
            Stage::Broadcast => "PROPOSAL or COMMIT",
        };
        ProtocolError::Unexpected { from: self.leader(), message, expected }
    }
}
