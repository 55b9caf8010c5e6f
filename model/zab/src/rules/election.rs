//! Phase 0: fast leader election.

use std::cmp::Ordering;

use super::guard::{Guard, at_least, holds, is};
use super::{Node, Outcome};
use crate::config::Config;
use crate::grain::Grain;
use crate::message::Notification;
use crate::number::{Number, Round};
use crate::outbox::{Decision, Effect, Outbox};
use crate::probe::Probe;
use crate::profile::{
    FastForward, PartialDatabase, SameRoundCompares, Settling, SyncThreadOnStop, VoteOrder,
};
use crate::program::ProgramName;
use crate::server::{Election, Former, Heard, Leader, Server, SyncMode, Synchronization};
use crate::shape::{RoundOf, Shape, Table};
use crate::step::Enabled;
use crate::types::{Phase, Role, ServerId, ServerSet, Vote, Zxid};

/// A table of votes.
type Votes<S> = <S as Shape>::Table<Heard<<S as Shape>::Num>>;

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// zk.fle.enter: write the unsynced tail; then a new round, the own vote as proposal, both
    /// tables empty but for it, and the proposal to every other voter.
    pub(crate) fn zk_fle_enter(&mut self) {
        self.fired("zk.fle.enter");
        self.remember_vote();
        self.me.role = Role::Looking;
        self.me.phase = Phase::Election;
        // D-ROUND: after the last round comes the first.
        self.me.round = self.me.round.next().unwrap_or(RoundOf::<S>::FIRST);
        self.me.election = Election::default();
        self.propose(self.me.own_vote());
        self.run(ProgramName::Enter);
    }

    /// What follows the write of `zk.fle.enter`.
    pub(crate) fn notify(&mut self) {
        self.decide(Decision::Looking { round: self.me.round });
        self.notify_all();
    }

    /// Makes this the proposal, and counts it (D-4892: at once, not when it comes back).
    fn propose(&mut self, vote: Vote<S::Num>) {
        self.me.vote = vote;
        self.me.election.recvset.set(self.me.id, Heard { vote, leading: false });
    }

    /// zk.fle.settled_reply: a server that has a role tells a LOOKING one its vote and round.
    pub(crate) fn zk_fle_settled_reply(&mut self, from: ServerId, n: &Notification<S::Num>) {
        if n.role == Role::Looking {
            self.fired("zk.fle.settled_reply");
            self.send(from, self.notification());
        }
    }

    /// zk.fle.looking: catch up with a newer round, help an older one, adopt a better vote.
    pub(crate) fn zk_fle_looking(&mut self, from: ServerId, n: &Notification<S::Num>) {
        let Server { round, vote, .. } = *self.me;
        self.fired("zk.fle.looking");
        if !self.check("zk.fle.looking", "round >= own round", at_least(n.round, round)) {
            return self.send(from, self.notification());
        }
        let wins_over = |vote| zk_fle_order(self.cfg, &n.vote, vote).is_gt();
        if n.round > round {
            let own = self.me.own_vote();
            let better = if wins_over(&own) { n.vote } else { own };
            self.me.round = n.round;
            self.me.election.recvset = Votes::<S>::default();
            self.propose(better);
            self.notify_all();
        } else {
            let guard = Guard::new(wins_over(&vote), n.vote, vote);
            if self.check("zk.fle.order", "vote > proposal", guard) {
                self.fired("zk.fle.order");
                self.propose(n.vote);
                self.notify_all();
            }
        }
        self.me.election.recvset.set(from, Heard { vote: n.vote, leading: false });
    }

    /// zk.fle.terminate: the senders whose vote, in this round, equals the proposal are a quorum.
    fn zk_fle_terminate(&self) -> Guard<ServerSet, usize> {
        let proposal = self.me.vote;
        self.quorum(self.senders(&self.me.election.recvset, |vote| *vote == proposal))
    }

    /// The voters whose vote in a table fits.
    fn senders(&self, votes: &Votes<S>, fits: impl Fn(&Vote<S::Num>) -> bool) -> ServerSet {
        let mut set = ServerSet::default();
        for id in self.cfg.ensemble.voters() {
            let vote = votes.row(id).vote;
            if vote.leader != ServerId::NOBODY && fits(&vote) {
                set.insert(id);
            }
        }
        set
    }

    /// zk.fle.settle: nothing arrived for finalizeWait while `zk.fle.terminate` held, so the
    /// proposal is what this server votes for until its next election.
    pub(crate) fn zk_fle_settle(&mut self) -> Outcome {
        self.require_looking("zk.fle.settle")?;
        let guard = self.zk_fle_terminate();
        self.require("zk.fle.terminate", "votes for the proposal >= quorum", guard)?;
        self.fired("zk.fle.terminate");
        self.fired("zk.fle.settle");
        self.settle(self.me.vote, self.me.round);
        Ok(())
    }

    /// zk.fle.observe: an observer that looks takes a voter for its leader. Whom it heard what from
    /// decides nothing: no voter counts its votes, and a server that does not lead lets nobody in.
    pub(crate) fn zk_fle_observe(&mut self, leader: ServerId) -> Outcome {
        let rule = "zk.fle.observe";
        self.require_looking(rule)?;
        self.require(rule, "this server is an observer", holds(!self.votes()))?;
        let ensemble = &self.cfg.ensemble;
        let is_voter = Guard::new(ensemble.is_voter(leader), leader, ensemble.voters);
        self.require(rule, "the leader is a voter", is_voter)?;
        self.fired(rule);
        let (zxid, peer_epoch) = (Zxid::default(), self.me.accepted_epoch);
        self.settle(Vote { leader, zxid, peer_epoch }, self.me.round);
        Ok(())
    }

    /// Takes the role that a vote gives, in a round, and forgets the election.
    fn settle(&mut self, vote: Vote<S::Num>, round: RoundOf<S>) {
        let leads = vote.leader == self.me.id;
        self.me.vote = vote;
        self.me.round = round;
        self.me.election = Election::default();
        self.me.phase = Phase::Discovery;
        self.me.role = if leads { Role::Leading } else { Role::Following };
        self.decide(Decision::Elected { leader: vote.leader, round });
        if self.sets_vote_later() {
            self.run(ProgramName::Settle);
        } else {
            self.set_current_vote();
        }
    }

    /// Whether there is a moment between taking a role and setting the vote (D-SETTLE), which only
    /// grain `threads` shows.
    fn sets_vote_later(&self) -> bool {
        match self.profile().settling {
            Settling::AtOnce => false,
            Settling::RoleFirst => self.grain() == Grain::Threads,
        }
    }

    /// The vote that is told until the next one is set.
    fn remember_vote(&mut self) {
        let Server { role, vote, round, .. } = *self.me;
        self.me.former = match role {
            _ if !self.sets_vote_later() => Former::default(),
            Role::Down => Former { vote: self.me.own_vote(), round: RoundOf::<S>::NONE },
            Role::Looking | Role::Following | Role::Leading => Former { vote, round },
        };
    }

    /// The vote is set, and is told from here on; the role begins.
    pub(crate) fn set_current_vote(&mut self) {
        self.me.former = Former::default();
        if self.me.role == Role::Leading {
            self.zk_disc_lead();
        }
    }

    /// zk.fle.same_round: a settled server of this very round. Its vote joins `recvset`, and ends
    /// the election if a quorum and the leader itself agree with it; otherwise `zk.fle.join`.
    pub(crate) fn zk_fle_same_round(&mut self, from: ServerId, n: &Notification<S::Num>) {
        let rule = "zk.fle.same_round";
        if self.check(rule, "round = own round", is(n.round, self.me.round)) {
            self.fired(rule);
            self.me.election.recvset.set(from, Heard::of(n));
            let any_epoch = match self.profile().same_round_compares {
                SameRoundCompares::LeaderAndEpoch => false,
                SameRoundCompares::Leader => true,
            };
            if self.elects(rule, &self.me.election.recvset.clone(), n, any_epoch) {
                return self.settle(n.vote, n.round);
            }
        }
        self.zk_fle_join(from, n);
    }

    /// zk.fle.join: a settled server of any round. A quorum of such servers, the leader among them,
    /// is joined, even if that takes the round back.
    fn zk_fle_join(&mut self, from: ServerId, n: &Notification<S::Num>) {
        let mut heard = Heard::of(n);
        heard.vote.zxid = Zxid::default();
        self.fired("zk.fle.join");
        self.me.election.outofelection.set(from, heard);
        if self.elects("zk.fle.join", &self.me.election.outofelection.clone(), n, false) {
            self.settle(n.vote, n.round);
        }
    }

    /// Whether a table elects the sender's leader: those of the same leader and peerEpoch are a
    /// quorum, and `zk.fle.check_leader` holds.
    fn elects(
        &mut self,
        rule: &'static str,
        votes: &Votes<S>,
        n: &Notification<S::Num>,
        any_epoch: bool,
    ) -> bool {
        let Vote { leader, peer_epoch, .. } = n.vote;
        let fits = |vote: &Vote<S::Num>| {
            vote.leader == leader && (any_epoch || vote.peer_epoch == peer_epoch)
        };
        let quorum = self.quorum(self.senders(votes, fits));
        self.check(rule, "votes for leader and epoch >= quorum", quorum)
            && self.zk_fle_check_leader(votes, n)
    }

    /// zk.fle.check_leader: the leader itself was heard as LEADING; if it is this server, then only
    /// in this very round.
    fn zk_fle_check_leader(&mut self, votes: &Votes<S>, n: &Notification<S::Num>) -> bool {
        let leader = n.vote.leader;
        let is_own = leader == self.me.id;
        let leads = if is_own { n.round == self.me.round } else { votes.row(leader).leading };
        self.fired("zk.fle.check_leader");
        self.check("zk.fle.check_leader", "the leader says that it leads", holds(leads))
    }

    /// zk.fle.resend: nothing arrived for the notification interval, so the proposal is sent again.
    pub(crate) fn zk_fle_resend(&mut self) -> Outcome {
        self.require_looking("zk.fle.resend")?;
        self.fired("zk.fle.resend");
        self.decide(Decision::Resent);
        self.notify_all();
        Ok(())
    }

    /// zk.fle.update_vote: on becoming established, vote for the established epoch.
    pub(crate) fn zk_fle_update_vote(&mut self) {
        self.fired("zk.fle.update_vote");
        self.me.vote.peer_epoch = self.me.current_epoch;
    }

    /// zk.fle.leave_role: give up FOLLOWING or LEADING, whatever the reason, and look again.
    pub(crate) fn zk_fle_leave_role(&mut self) {
        self.fired("zk.fle.leave_role");
        self.leave_database();
        self.me.synchronization = Synchronization::default();
        self.me.leader = Leader::default();
        if self.cfg.ensemble.forget_committed {
            self.me.last_committed = Zxid::default();
        }
        self.out.push(Effect::ClosedAll);
        self.zk_fle_enter();
    }

    /// The database when a role is left (D-STORES). Amid a synchronization it
    /// is read from the disk again; otherwise it is taken to the end of the log.
    fn leave_database(&mut self) {
        self.leave_sync_thread();
        let mode = self.me.synchronization.mode;
        let is_cleared = match self.profile().partial_database {
            PartialDatabase::Cleared => mode != SyncMode::Diff,
            PartialDatabase::ClearedAfterSnap => mode == SyncMode::Snap,
            PartialDatabase::Kept => false,
        };
        if is_cleared {
            return self.reload();
        }
        let forwards = match self.profile().fast_forward {
            FastForward::Always => true,
            FastForward::InBroadcast => self.me.phase == Phase::Broadcast,
            FastForward::Never => false,
        };
        if forwards {
            self.me.database.fast_forward(self.cfg, self.me.history);
        }
    }

    /// The sync thread of a follower that leaves its role writes what it has, or lives on with it.
    fn leave_sync_thread(&mut self) {
        let lives_on = match self.profile().sync_thread_on_stop {
            SyncThreadOnStop::Drained => false,
            SyncThreadOnStop::Zombie => self.me.role == Role::Following,
        };
        if lives_on {
            let (log, durable) = (self.history(), S::length(&self.me.disk.history));
            self.me.zombie = self.cfg.history(self.me.zombie).continued(&log, durable);
            self.me.history = log.prefix(durable);
        }
    }

    /// The outcome of an election that took place elsewhere.
    fn elect(&mut self, vote: Vote<S::Num>, round: RoundOf<S>) -> Outcome {
        self.require_looking("oracle")?;
        self.require("oracle", "program finished", holds(self.me.program.is_finished()))?;
        self.settle(vote, round);
        Ok(())
    }
}

impl<N: Number> Heard<N> {
    fn of(n: &Notification<N>) -> Self {
        Self { vote: n.vote, leading: n.role == Role::Leading }
    }
}

/// zk.fle.order: of two votes the greater (peerEpoch, zxid, leader) wins.
pub(crate) fn zk_fle_order<S: Shape>(
    cfg: &Config<S>,
    one: &Vote<S::Num>,
    other: &Vote<S::Num>,
) -> Ordering {
    let epochs = match cfg.ensemble.profile.vote_order {
        VoteOrder::EpochFirst => one.peer_epoch.cmp(&other.peer_epoch),
        VoteOrder::ZxidFirst => Ordering::Equal,
    };
    epochs.then((one.zxid, one.leader).cmp(&(other.zxid, other.leader)))
}

/// Gives a LOOKING server the outcome of an election that took place elsewhere: the coarse grain
/// of elections, for exploration only.
pub fn elect<S: Shape, P: Probe>(
    cfg: &Config<S>,
    server: &mut Server<S>,
    vote: Vote<S::Num>,
    round: RoundOf<S>,
    out: &mut Outbox<S>,
    probe: &mut P,
) -> Enabled {
    Node { cfg, me: server, out, probe }.elect(vote, round).into()
}
