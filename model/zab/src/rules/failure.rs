//! Crashes, starts, and connections that end.

use super::guard::{Guard, at_most, holds, is};
use super::{Node, Outcome};
use crate::number::Number;
use crate::outbox::Effect;
use crate::probe::Probe;
use crate::server::{Progress, Server, Stage};
use crate::shape::Shape;
use crate::stores::Database;
use crate::types::{Phase, Role, ServerId};

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// zk.crash: everything in memory is lost. The unsynced tail, of which the operating system may
    /// still write a part, stays in the history until `zk.start` decides. There is no tail while
    /// the history on disk is still to be cut or replaced.
    pub(crate) fn zk_crash(&mut self) {
        self.fired("zk.crash");
        let Server { id, disk, history, .. } = *self.me;
        let is_tail = !self.me.replaces_log();
        *self.me = Server::recovered(id, disk);
        let length = self.cfg.history(disk.history).length();
        if is_tail && self.cfg.history(history).prefix(length) == disk.history {
            self.me.history = history;
        }
    }

    /// zk.start: memory is what the disk holds, with a prefix of the tail that has survived; a
    /// history ahead of currentEpoch is accepted up to acceptedEpoch (D-H02). Then an election.
    pub(crate) fn zk_start(&mut self, survived: S::Num) -> Outcome {
        self.require("zk.start", "role = DOWN", is(self.me.role, Role::Down))?;
        let tail = S::Num::from_usize(self.me.unsynced());
        self.require("zk.start", "survived <= tail", at_most(survived, tail))?;
        let durable = self.cfg.history(self.me.disk.history).length();
        let history = self.history().prefix(durable + survived.to_usize());
        let database = Database::recovered(self.cfg, self.me.disk.snapshot, history);
        let epoch = database.label.epoch;
        let guard = at_most(epoch, self.me.newest_epoch_to_start(self.cfg));
        self.require("zk.start", "epoch(last) <= acceptedEpoch", guard)?;
        self.fired("zk.start");
        self.me.history = history;
        self.me.disk.history = history;
        self.me.disk.cut = S::Log::default();
        self.me.database = database;
        self.zk_fle_enter();
        Ok(())
    }

    /// FOLLOWING: whether the connection to the leader is up.
    pub(crate) fn is_connected(&self) -> bool {
        self.me.phase > Phase::Discovery
            || self.me.synchronization.stage == Stage::WaitsForLeaderInfo
    }

    /// zk.fail.learner_link: the connection to the leader ends.
    pub(crate) fn zk_fail_learner_link(&mut self, peer: ServerId) -> Outcome {
        let rule = "zk.fail.learner_link";
        self.require(rule, "peer = leader", is(peer, self.me.vote.leader))?;
        self.require(rule, "the connection was up", holds(self.is_connected()))?;
        self.fired(rule);
        self.zk_fle_leave_role();
        Ok(())
    }

    /// zk.fail.leader_link: the connection to a learner ends; what it acknowledged stays counted.
    pub(crate) fn zk_fail_leader_link(&mut self, peer: ServerId) -> Outcome {
        let known = self.progress(peer) != Progress::None;
        self.require("zk.fail.leader_link", "the learner was connected", holds(known))?;
        self.fired("zk.fail.leader_link");
        self.set_progress(peer, Progress::None);
        Ok(())
    }

    /// zk.fail.leader_quorum: a leader leaves its role because it has no quorum, a follower because
    /// it gets no answer (`zk.fail.learner_link`). The model has no clock, so this is possible at
    /// any time.
    pub(crate) fn zk_fail_leader_quorum(&mut self) -> Outcome {
        match self.me.role {
            Role::Leading => self.fired("zk.fail.leader_quorum"),
            Role::Following => self.fired("zk.fail.learner_link"),
            Role::Looking | Role::Down => {
                let guard = Guard::new(false, self.me.role, Role::Looking);
                return self.require("zk.fle.leave_role", "there is a role to leave", guard);
            }
        }
        self.zk_fle_leave_role();
        Ok(())
    }

    /// LEADING: closes the connection of a learner that has sent what it may not send.
    pub(crate) fn close(&mut self, peer: ServerId) -> Outcome {
        self.zk_fail_leader_link(peer)?;
        self.out.push(Effect::Closed(peer));
        Ok(())
    }
}
