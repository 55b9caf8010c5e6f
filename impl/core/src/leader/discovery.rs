//! Phase 1 of a leader.

use crate::leader::{Leader, Learner, Progress, Stage};
use crate::server::Server;
use crate::{Close, ConnectionId, Effects, Epoch, Message, Mutant, ProtocolError, ServerId, Zxid};

/// How far above its own acceptedEpoch a leader's new epoch may be (D-EPOCH).
const EPOCH_STEP_MAX: Epoch = 1 << 16;

impl Leader {
    /// l.1.1: FOLLOWERINFO(a) on a new connection. Until a quorum has reported, the new epoch
    /// rises above every acceptedEpoch, as far as one step goes (D-EPOCH); then it is accepted
    /// durably and offered to every learner that waits for it.
    pub(crate) fn on_follower_info(
        &mut self,
        server: &mut Server,
        from: ServerId,
        connection: ConnectionId,
        accepted_epoch: Epoch,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let observes = server.config.observers.contains(&from);
        if from == server.config.id || !observes && !server.config.voters.contains(&from) {
            return Err(ProtocolError::NotAPeer { from });
        }
        let new_epoch = self.new_epoch_with(server, from, accepted_epoch)?;
        self.unnamed.remove(&connection);
        let learner = Learner {
            connection,
            progress: Progress::WaitsForLeaderInfo,
            observes,
            silent_ticks: 0,
        };
        if let Some(stale) = self.learners.insert(from, learner) {
            // The learner has connected again; the end of its old connection is on its way.
            out.close.push(Close::One(stale.connection));
        }
        match self.stage {
            Stage::Epoch => {
                self.new_epoch = new_epoch;
                self.connecting.insert(from);
                if server.config.is_quorum(&self.connecting) {
                    self.decide_epoch(server, out);
                }
            }
            Stage::AckEpoch | Stage::AckLd | Stage::Broadcast => self.offer_epoch(from, out),
        }
        Ok(())
    }

    /// The new epoch, once this learner has reported. The last epoch there is, is never used:
    /// whoever accepted it could not lead any more.
    fn new_epoch_with(
        &self,
        server: &Server,
        from: ServerId,
        accepted_epoch: Epoch,
    ) -> Result<Epoch, ProtocolError> {
        if self.stage != Stage::Epoch {
            return Ok(self.new_epoch);
        }
        let new_epoch = self.new_epoch.max(epoch_above(server, accepted_epoch));
        if new_epoch == Epoch::MAX {
            return Err(ProtocolError::EpochExhausted { from, epoch: new_epoch });
        }
        Ok(new_epoch)
    }

    /// zk.fail.leader_quorum, without waiting: a learner that is ahead was refused, and the vote
    /// that elected this leader was not its own. Such a vote is old, or nobody cast it.
    pub(crate) fn was_elected_by_mistake(
        &self,
        server: &Server,
        from: ServerId,
        error: &ProtocolError,
    ) -> bool {
        matches!(error, ProtocolError::LearnerAhead { .. })
            && server.config.voters.contains(&from)
            && self.elected.vote != server.own_vote()
    }

    /// A server without others is a quorum by itself: it passes every gate at once. Without
    /// another epoch it passes none, and leaves the role after a while.
    pub(crate) fn lead_alone(&mut self, server: &mut Server, out: &mut Effects) {
        if self.new_epoch < Epoch::MAX {
            self.decide_epoch(server, out);
            self.pass_ack_epoch_gate(server, out);
            self.become_established(server, out);
        }
    }

    fn decide_epoch(&mut self, server: &mut Server, out: &mut Effects) {
        server.accept_epoch(self.new_epoch, out);
        self.enter_stage(Stage::AckEpoch);
        for id in self.learners_at(|progress| progress == Progress::WaitsForLeaderInfo) {
            self.offer_epoch(id, out);
        }
    }

    fn offer_epoch(&mut self, to: ServerId, out: &mut Effects) {
        self.learner(to).progress = Progress::Offered;
        self.send(to, Message::LeaderInfo { new_epoch: self.new_epoch }, out);
    }

    /// l.1.2: ACKEPOCH(c, z). A learner that is ahead is refused until a quorum of others is not;
    /// then currentEpoch is adopted durably (D-05) and every learner that waits for this is synchronized.
    pub(crate) fn on_ack_epoch(
        &mut self,
        server: &mut Server,
        from: ServerId,
        current_epoch: Option<Epoch>,
        last: Zxid,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        if self.learner(from).progress != Progress::Offered {
            return Err(self.unexpected(from, "ACKEPOCH"));
        }
        match self.stage {
            Stage::Epoch => unreachable!("nobody was offered an epoch yet"),
            Stage::AckEpoch => {}
            Stage::AckLd | Stage::Broadcast => {
                self.synchronize(server, from, last, out);
                return Ok(());
            }
        }
        if let Some(epoch) = current_epoch {
            refuse_if_ahead(server, from, epoch, last)?;
            self.electing.insert(from);
        }
        self.learner(from).progress = Progress::WaitsForGate { last };
        if server.config.is_quorum(&self.electing) {
            self.pass_ack_epoch_gate(server, out);
        }
        Ok(())
    }

    fn pass_ack_epoch_gate(&mut self, server: &mut Server, out: &mut Effects) {
        server.adopt_epoch(self.new_epoch, out);
        self.enter_stage(Stage::AckLd);
        self.new_leader_acks.insert(server.config.id);
        for (id, last) in self.waiting_for_gate() {
            self.synchronize(server, id, last, out);
        }
    }

    /// The learners that wait for the gate, in order of their ids, with the end of their history.
    fn waiting_for_gate(&self) -> Vec<(ServerId, Zxid)> {
        let learners = self.learners.iter();
        learners
            .filter_map(|(id, learner)| match learner.progress {
                Progress::WaitsForGate { last } => Some((*id, last)),
                Progress::WaitsForLeaderInfo
                | Progress::Offered
                | Progress::Forwarding
                | Progress::Acknowledged => None,
            })
            .collect()
    }

    /// The next gate begins, and with it the time that is left for it.
    pub(super) fn enter_stage(&mut self, stage: Stage) {
        self.stage = stage;
        self.gate_ticks = 0;
    }
}

/// The lowest epoch above one that a learner accepted, if it is within one step of the own
/// acceptedEpoch (D-EPOCH): what one learner says must not use up the epochs of all. A learner
/// that really is further ahead is reached after some more elections.
fn epoch_above(server: &Server, accepted_epoch: Epoch) -> Epoch {
    if server.config.has(Mutant::EpochNotAdvanced) {
        return accepted_epoch;
    }
    let reach = server.accepted_epoch.saturating_add(EPOCH_STEP_MAX);
    accepted_epoch.saturating_add(1).min(reach)
}

/// Refuses a learner whose (currentEpoch, last) is above this leader's.
fn refuse_if_ahead(
    server: &Server,
    from: ServerId,
    epoch: Epoch,
    last: Zxid,
) -> Result<(), ProtocolError> {
    if server.config.has(Mutant::NoFreshnessCheck) {
        return Ok(());
    }
    let (own_epoch, own_last) = (server.current_epoch, server.history.last());
    if (epoch, last) > (own_epoch, own_last) {
        return Err(ProtocolError::LearnerAhead { from, epoch, last, own_epoch, own_last });
    }
    Ok(())
}
