//! Time of a leader, in ticks: silent learners, gates that do not open, a quorum that is lost.

use std::collections::BTreeSet;

use crate::leader::{Leader, Progress, Stage};
use crate::server::{KeepRole, Server};
use crate::{ConnectionId, Effects, Message, ServerId};

impl Leader {
    /// Something arrived on this connection.
    pub(crate) fn on_heard(&mut self, connection: ConnectionId) {
        if let Some(id) = self.learner_of(connection) {
            self.learner(id).silent_ticks = 0;
        }
    }

    /// A learner that is being brought up to date has taken a part of it: neither is it silent,
    /// nor does the gate that waits for it stand still.
    pub(crate) fn on_flowing(&mut self, connection: ConnectionId) {
        let Some(id) = self.learner_of(connection) else { return };
        let learner = self.learner(id);
        if learner.progress == Progress::Forwarding {
            learner.silent_ticks = 0;
            self.gate_ticks = 0;
        }
    }

    /// A tick: close what is silent, see whether the role can be kept, and send signs of life.
    pub(crate) fn on_tick(&mut self, server: &Server, out: &mut Effects) -> KeepRole {
        self.close_silent(server, out);
        if self.check_quorum(server) == KeepRole::No {
            return KeepRole::No;
        }
        if self.stage == Stage::Broadcast {
            for id in self.learners_at(|progress| progress == Progress::Acknowledged) {
                self.send(id, Message::Ping, out);
            }
        }
        KeepRole::Yes
    }

    /// zk.fail.leader_quorum: no gate may take longer than its limit, and an established leader
    /// needs a quorum that was heard within syncLimit.
    fn check_quorum(&mut self, server: &Server) -> KeepRole {
        self.gate_ticks = self.gate_ticks.saturating_add(1);
        let keeps = match self.stage {
            Stage::Epoch | Stage::AckEpoch => self.gate_ticks <= server.config.discovery_limit,
            Stage::AckLd => self.gate_ticks <= server.config.init_limit,
            Stage::Broadcast => self.hears_quorum(server),
        };
        if keeps { KeepRole::Yes } else { KeepRole::No }
    }

    fn hears_quorum(&self, server: &Server) -> bool {
        let sync_limit = server.config.sync_limit;
        let heard = self.learners.iter().filter(|(_, l)| l.silent_ticks <= sync_limit);
        let mut live: BTreeSet<ServerId> = heard.map(|(id, _)| *id).collect();
        live.insert(server.config.id);
        server.config.is_quorum(&live)
    }

    /// Closes every connection that was silent for too long: initLimit until NEWLEADER is
    /// acknowledged, syncLimit from then on.
    fn close_silent(&mut self, server: &Server, out: &mut Effects) {
        let (init_limit, sync_limit) = (server.config.init_limit, server.config.sync_limit);
        let is_established = self.stage == Stage::Broadcast;
        let mut silent = Vec::new();
        for (connection, ticks) in &mut self.unnamed {
            *ticks += 1;
            if *ticks > init_limit {
                silent.push(*connection);
            }
        }
        for learner in self.learners.values_mut() {
            learner.silent_ticks += 1;
            let is_pinged = is_established && learner.progress == Progress::Acknowledged;
            let limit = if is_pinged { sync_limit } else { init_limit };
            if learner.silent_ticks > limit {
                silent.push(learner.connection);
            }
        }
        for connection in silent {
            self.close(connection, out);
        }
    }
}
