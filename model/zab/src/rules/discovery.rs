//! Phase 1: agreeing on a new epoch.

use super::guard::{StateSummary, at_least, at_most, holds, is, is_not};
use super::{Node, Outcome, Refusal};
use crate::message::Message;
use crate::number::Number;
use crate::probe::Probe;
use crate::profile::{
    AcceptedEpochWrite, FresherLearner, LeaderEpochWrite, ObserversInDiscovery, OlderEpoch,
    SnapshotWhenLeading,
};
use crate::program::ProgramName;
use crate::server::{Leader, Learner, Progress, Stage};
use crate::shape::{Shape, Table};
use crate::types::{Phase, ServerId, ServerSet, Zxid};

/// D-EPOCH: how far a new epoch may be above the leader's own acceptedEpoch.
const EPOCH_STEP_MAX: usize = 1 << 16;

/// D-EPOCH: how far a follower lets an epoch be above its acceptedEpoch and its vote's epoch.
const EPOCH_LEAP_MAX: usize = 1 << 24;

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// zk.disc.lead: a new leader counts itself and wants an epoch after the one it accepted.
    pub(crate) fn zk_disc_lead(&mut self) {
        self.fired("zk.disc.lead");
        match self.profile().snapshot_when_leading {
            SnapshotWhenLeading::No => {}
            SnapshotWhenLeading::Yes => self.me.disk.snapshot = self.me.database.snapshot(),
        }
        let accepted_epoch = self.me.accepted_epoch;
        self.me.leader = Leader {
            new_epoch: accepted_epoch.next().unwrap_or(accepted_epoch),
            connecting: ServerSet::of(self.me.id),
            electing: ServerSet::of(self.me.id),
            ..Leader::default()
        };
    }

    /// f.1.1: on a new connection to the leader, send FOLLOWERINFO(acceptedEpoch); an observer sends
    /// OBSERVERINFO.
    pub(crate) fn f_1_1(&mut self, peer: ServerId) -> Outcome {
        self.require("f.1.1", "peer = leader", is(peer, self.me.vote.leader))?;
        let is_first = holds(self.is_at(Phase::Discovery, &[Stage::Idle]));
        self.require("f.1.1", "the connection is the first", is_first)?;
        self.fired("f.1.1");
        self.me.synchronization.stage = Stage::WaitsForLeaderInfo;
        let accepted_epoch = self.me.accepted_epoch;
        self.send(
            peer,
            match self.votes() {
                true => Message::FollowerInfo { accepted_epoch },
                false => Message::ObserverInfo { accepted_epoch },
            },
        );
        Ok(())
    }

    /// l.1.1: FOLLOWERINFO(a) on a new connection. Until a quorum has reported, the new epoch rises
    /// above every acceptedEpoch, as far as one step goes (D-EPOCH); then it is accepted durably
    /// and offered to all.
    pub(crate) fn l_1_1(&mut self, from: ServerId, accepted_epoch: S::Num) {
        self.fired("l.1.1");
        self.zk_sync_fence(from);
        self.set_progress(from, Progress::WaitsForLeaderInfo);
        if self.me.leader.decided {
            return self.let_handler_go_on(from);
        }
        if self.counts_in_discovery(from) {
            self.me.leader.connecting.insert(from);
        }
        self.me.leader.new_epoch = self.me.leader.new_epoch.max(self.epoch_above(accepted_epoch));
        let reports = self.quorum(self.me.leader.connecting);
        if self.check("l.1.1", "reports >= quorum", reports) {
            self.me.accepted_epoch = self.me.leader.new_epoch;
            self.me.leader.decided = true;
            self.me.leader.new_epoch = S::Num::ZERO;
            self.me.leader.connecting = ServerSet::default();
            self.run(ProgramName::OfferEpoch);
        }
    }

    /// Whether a learner is among those that the gates of `l.1.1` and `l.1.2` count. What an observer
    /// reports raises the new epoch all the same.
    fn counts_in_discovery(&self, learner: ServerId) -> bool {
        match self.profile().observers_in_discovery {
            ObserversInDiscovery::NotCounted => self.cfg.ensemble.is_voter(learner),
            ObserversInDiscovery::Counted => true,
        }
    }

    /// The lowest epoch above one that a learner accepted, if it is within one step of the own
    /// acceptedEpoch (D-EPOCH).
    fn epoch_above(&self, accepted_epoch: S::Num) -> S::Num {
        let reach = self.me.accepted_epoch.to_usize().saturating_add(EPOCH_STEP_MAX);
        accepted_epoch.next().unwrap_or(accepted_epoch).min(S::Num::from_usize(reach))
    }

    /// What follows the write of `l.1.1`.
    pub(crate) fn offer_to_waiting(&mut self) {
        for learner in self.learners_at(Progress::WaitsForLeaderInfo) {
            self.let_handler_go_on(learner);
        }
    }

    /// A step of a handler: it sends LEADERINFO (`l.1.1`).
    pub(super) fn offer_epoch(&mut self, to: ServerId) {
        self.set_progress(to, Progress::Offered);
        self.send(to, Message::LeaderInfo { epoch: self.me.accepted_epoch });
    }

    /// f.1.2: on LEADERINFO(e), accept a newer epoch durably and report the own history; report
    /// without a vote if it was accepted before, and no history if that is to be dropped
    /// (`zk.sync.drop`); refuse an older one (D-WAIT), and one that no ensemble can
    /// have reached (D-EPOCH).
    pub(crate) fn f_1_2(&mut self, epoch: S::Num) -> Outcome {
        let waits = holds(self.is_at(Phase::Discovery, &[Stage::WaitsForLeaderInfo]));
        self.refuse_unless("f.1.2", "LEADERINFO comes first", waits)?;
        let accepted = self.me.accepted_epoch;
        let defect = self.profile().older_epoch == OlderEpoch::Accepted;
        let is_not_older = at_least(epoch, accepted).or(defect);
        self.refuse_unless("f.1.2", "epoch >= acceptedEpoch", is_not_older)?;
        let known = accepted.max(self.me.vote.peer_epoch);
        // The probe is not shown this guard: only wide numbers can be this far apart.
        if epoch.to_usize().saturating_sub(known.to_usize()) > EPOCH_LEAP_MAX {
            return Err(Refusal::Message);
        }
        self.fired("f.1.2");
        self.me.phase = Phase::Synchronization;
        self.me.synchronization.stage = Stage::Header;
        if !self.check("f.1.2", "epoch > acceptedEpoch", is_not(epoch, accepted)) {
            self.ack_epoch(None);
            return Ok(());
        }
        self.me.accepted_epoch = epoch;
        // Another epoch has another history, of which the own one may be a part.
        self.me.synchronization.drops = false;
        self.run(match self.profile().accepted_epoch_write {
            AcceptedEpochWrite::BeforeAnswer => ProgramName::AcceptEpoch,
            AcceptedEpochWrite::Never => ProgramName::AnswerEpoch,
        });
        Ok(())
    }

    /// What follows the write of `f.1.2`.
    pub(crate) fn answer_epoch(&mut self) {
        self.ack_epoch(Some(self.me.current_epoch));
    }

    fn ack_epoch(&mut self, current_epoch: Option<S::Num>) {
        let drops = self.me.synchronization.drops;
        let last_zxid = if drops { Zxid::default() } else { self.me.database.label };
        self.send_to_leader(Message::AckEpoch { current_epoch, last_zxid });
    }

    /// l.1.2: ACKEPOCH(c, z). A learner that is ahead is refused until a quorum of others is not;
    /// then currentEpoch is adopted durably (D-05) and every waiting learner is synchronized.
    pub(crate) fn l_1_2(
        &mut self,
        from: ServerId,
        current_epoch: Option<S::Num>,
        last_zxid: Zxid<S::Num>,
    ) -> Outcome {
        let offered = self.progress(from) == Progress::Offered;
        self.refuse_unless("l.1.2", "LEADERINFO was sent and not answered", holds(offered))?;
        self.count_ack_epoch(from, current_epoch, last_zxid)?;
        let Learner { older, .. } = self.me.leader.learners.row(from);
        let learner = Learner { progress: Progress::WaitsForGate, last: last_zxid, older };
        self.me.leader.learners.set(from, learner);
        if self.me.phase == Phase::Discovery {
            self.look_at_gate();
        } else {
            self.let_handler_go_on(from);
        }
        Ok(())
    }

    /// Before the gate, a learner that is not ahead joins those whose ACKEPOCH counts.
    pub(super) fn count_ack_epoch(
        &mut self,
        from: ServerId,
        current_epoch: Option<S::Num>,
        last_zxid: Zxid<S::Num>,
    ) -> Outcome {
        if self.me.phase == Phase::Discovery
            && let Some(current_epoch) = current_epoch
        {
            self.refuse_if_ahead(StateSummary { current_epoch, last_zxid })?;
            if self.counts_in_discovery(from) {
                self.me.leader.electing.insert(from);
            }
        }
        self.fired("l.1.2");
        Ok(())
    }

    /// The gate of `l.1.2`: a quorum opens it.
    pub(super) fn look_at_gate(&mut self) {
        let acks = self.quorum(self.me.leader.electing);
        if self.check("l.1.2", "acknowledgements >= quorum", acks) {
            self.me.leader.electing = ServerSet::default();
            self.me.current_epoch = self.me.accepted_epoch;
            self.me.phase = Phase::Synchronization;
            self.run(match self.profile().leader_epoch_write {
                LeaderEpochWrite::BeforeSync => ProgramName::Lead,
                LeaderEpochWrite::AfterNewLeader => ProgramName::LeadFirst,
            });
        }
    }

    /// Refuses a learner whose (currentEpoch, last) is above this leader's.
    fn refuse_if_ahead(&mut self, learner: StateSummary<S::Num>) -> Outcome {
        let (current_epoch, last_zxid) = (self.me.current_epoch, self.me.database.label);
        let own = StateSummary { current_epoch, last_zxid };
        let defect = self.profile().fresher_learner == FresherLearner::Accepted;
        let guard = at_most(learner, own).or(defect);
        self.refuse_unless("l.1.2", "(currentEpoch, lastZxid) <= the leader's", guard)
    }
}
