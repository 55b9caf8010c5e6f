//! The older connection of a learner that has a newer one.
//!
//! In ZooKeeper every connection has a handler, and nothing ends an older one but its own socket
//! (`Leader.addLearnerHandler` only adds). The learner has closed its end, so what the handler sends
//! reaches nobody; but what was on its way arrives, and counts for the learner.

use super::guard::{holds, is};
use super::{Node, Outcome, Refusal};
use crate::message::Message;
use crate::outbox::Effect;
use crate::probe::Probe;
use crate::profile::OlderConnection;
use crate::server::{Learner, Progress};
use crate::shape::{Shape, Table};
use crate::types::{Phase, Role, ServerId, Zxid};

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// zk.sync.fence: as part of `l.1.1`, FOLLOWERINFO on a newer connection ends an older one, and
    /// nothing that arrives on that counts any more (D-H01).
    pub(super) fn zk_sync_fence(&mut self, from: ServerId) {
        let Learner { progress, last, .. } = self.me.leader.learners.row(from);
        if progress == Progress::None {
            return;
        }
        self.out.push(Effect::Replaced(from));
        match self.profile().older_connection {
            OlderConnection::Fenced => self.fired("zk.sync.fence"),
            OlderConnection::Served => {
                let learner = Learner { progress, last, older: progress };
                self.me.leader.learners.set(from, learner);
            }
        }
    }

    /// LEADING: a message arrives on the older connection of a learner.
    pub(crate) fn receive_older(&mut self, from: ServerId, message: Message<S>) -> Outcome {
        self.require_other_member(from)?;
        if self.me.role != Role::Leading {
            return self.no_connection();
        }
        let served = holds(self.older(from) != Progress::None);
        if !self.check("zk.sync.fence", "the older connection is served", served) {
            return Ok(());
        }
        match self.older_message(from, message) {
            Err(Refusal::Message) => {
                self.set_older(from, Progress::None);
                Ok(())
            }
            done => done,
        }
    }

    /// What the handler of an older connection does about a message.
    fn older_message(&mut self, from: ServerId, message: Message<S>) -> Outcome {
        if let Message::AckEpoch { current_epoch, last_zxid } = message {
            self.older_ack_epoch(from, current_epoch, last_zxid)
        } else if let Message::AckLd { epoch } = message {
            self.older_ack_ld(from, epoch)
        } else if let Message::Ack { zxid } = message {
            self.older_ack(from, zxid)
        } else {
            Err(Refusal::Message)
        }
    }

    /// `l.1.2` on an older connection. No more can arrive on it, since its learner was told nothing.
    fn older_ack_epoch(
        &mut self,
        from: ServerId,
        current_epoch: Option<S::Num>,
        last_zxid: Zxid<S::Num>,
    ) -> Outcome {
        let offered = holds(self.older(from) == Progress::Offered);
        self.refuse_unless("l.1.2", "LEADERINFO was sent and not answered", offered)?;
        self.count_ack_epoch(from, current_epoch, last_zxid)?;
        self.set_older(from, Progress::None);
        if self.me.phase == Phase::Discovery {
            self.look_at_gate();
        }
        Ok(())
    }

    /// `l.2.2` on an older connection.
    fn older_ack_ld(&mut self, from: ServerId, epoch: S::Num) -> Outcome {
        let older = self.older(from);
        if older >= Progress::Acknowledged {
            return self.older_reads(older);
        }
        let forwarding = holds(older == Progress::Forwarding);
        self.refuse_unless("l.2.2", "NEWLEADER was sent", forwarding)?;
        self.refuse_unless("l.2.2", "epoch = newEpoch", is(epoch, self.me.accepted_epoch))?;
        self.fired("l.2.2");
        self.set_older(from, Progress::Acknowledged);
        if self.me.phase != Phase::Broadcast {
            self.count_ack_ld(from);
        }
        Ok(())
    }

    /// `l.3.2` on an older connection.
    fn older_ack(&mut self, from: ServerId, zxid: Zxid<S::Num>) -> Outcome {
        let older = self.older(from);
        if older == Progress::Forwarding && self.takes_any_for_ack_ld() {
            self.set_older(from, Progress::Acknowledged);
            return Ok(());
        }
        let acknowledged = holds(older >= Progress::Acknowledged);
        self.refuse_unless("l.3.2", "ACK-LD came before ACK", acknowledged)?;
        self.older_reads(older)?;
        self.take_ack(from, zxid);
        Ok(())
    }

    /// LEADING: the older connection of a learner has ended; what it acknowledged stays counted.
    pub(crate) fn older_ends(&mut self, peer: ServerId) -> Outcome {
        let known = holds(self.older(peer) != Progress::None);
        self.require("zk.fail.leader_link", "the older connection is served", known)?;
        self.fired("zk.fail.leader_link");
        self.set_older(peer, Progress::None);
        Ok(())
    }

    /// Before the leader is established the handler waits after ACK-LD, and reads nothing.
    fn older_reads(&mut self, older: Progress) -> Outcome {
        let is_early = self.me.phase != Phase::Broadcast;
        self.handler_reads(older == Progress::Acknowledged && is_early)
    }

    fn older(&self, id: ServerId) -> Progress {
        self.me.leader.learners.row(id).older
    }

    fn set_older(&mut self, id: ServerId, older: Progress) {
        let learner = self.me.leader.learners.row(id);
        self.me.leader.learners.set(id, Learner { older, ..learner });
    }
}
