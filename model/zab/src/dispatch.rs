//! Which rule applies to a step, by role.

use crate::config::Config;
use crate::grain::Grain;
use crate::message::{Message, Notification};
use crate::outbox::Outbox;
use crate::probe::Probe;
use crate::program::Item;
use crate::rules::{Guard, Node, Outcome, Refusal, holds, is};
use crate::server::Server;
use crate::shape::Shape;
use crate::step::{Enabled, Step};
use crate::stores::Snapshot;
use crate::types::{Phase, Role, ServerId};

/// Takes a server through one step.
///
/// The effects are appended to `out`. The guards that were evaluated and the rules that fired are
/// shown to `probe`. After [`Enabled::No`] the server and the outbox are as they were.
///
/// A reaction that the rules prescribe is a step like any other: a follower that must leave its
/// role because of a message does so, and the step is [`Enabled::Yes`]. Only what no server that
/// follows the rules can do is [`Enabled::No`].
pub fn apply<S: Shape, P: Probe>(
    cfg: &Config<S>,
    server: &mut Server<S>,
    step: Step<S>,
    out: &mut Outbox<S>,
    probe: &mut P,
) -> Enabled {
    Node { cfg, me: server, out, probe }.step(step).into()
}

impl From<Outcome> for Enabled {
    fn from(outcome: Outcome) -> Self {
        if outcome.is_ok() { Self::Yes } else { Self::No }
    }
}

impl<S: Shape, P: Probe> Node<'_, S, P> {
    fn step(&mut self, step: Step<S>) -> Outcome {
        self.may_act(&step)?;
        match step {
            Step::Start { survived } => self.zk_start(survived),
            Step::Crash => {
                self.zk_crash();
                Ok(())
            }
            Step::CutReturns => self.cut_returns(),
            Step::LoseDisk => self.lose_disk(),
            Step::AppendFails => self.append_fails(),
            Step::ZombieWrites => self.zombie_writes(),
            Step::ProgramNext => self.program_next(),
            Step::Apply => self.apply_step(),
            Step::Handler { learner } => self.handler_step(learner),
            Step::SyncLog { up_to } => self.zk_bcast_sync(up_to),
            Step::Settle => self.zk_fle_settle(),
            Step::Observe { leader } => self.zk_fle_observe(leader),
            Step::Resend => self.zk_fle_resend(),
            Step::LeaveRole => self.zk_fail_leader_quorum(),
            Step::Request { payload } => self.l_3_1(payload),
            Step::Connected { peer } => match self.me.role {
                Role::Following => self.f_1_1(peer),
                Role::Down | Role::Looking | Role::Leading => self.no_connection(),
            },
            Step::Disconnected { peer } => match self.me.role {
                Role::Following => self.zk_fail_learner_link(peer),
                Role::Leading => self.zk_fail_leader_link(peer),
                Role::Down | Role::Looking => self.no_connection(),
            },
            Step::Receive { from, message } => self.receive(from, message),
            Step::ReceiveOlder { from, message } => self.receive_older(from, message),
            Step::OlderEnds { peer } => self.older_ends(peer),
        }
    }

    /// A server that is down can only start. While a program is unfinished, only its next write and
    /// a crash can happen; once it has handed over to the sync thread, also what that does. At grain
    /// `threads` an unfinished program blocks the main thread only.
    fn may_act(&mut self, step: &Step<S>) -> Outcome {
        let (while_writing, while_down) = match step {
            Step::Start { .. } | Step::CutReturns | Step::LoseDisk => (false, true),
            Step::ProgramNext | Step::Crash | Step::ZombieWrites => (true, false),
            Step::SyncLog { .. } => (self.me.program.is_past(Item::Queue), false),
            Step::Apply | Step::Handler { .. } => (self.grain() == Grain::Threads, false),
            Step::Disconnected { .. } => (self.handlers_run(), false),
            Step::Receive { message: Message::Notification(_), .. } => {
                (self.grain() == Grain::Threads && self.me.role != Role::Looking, false)
            }
            Step::Receive { .. } | Step::ReceiveOlder { .. } | Step::OlderEnds { .. } => {
                (self.handlers_run(), false)
            }
            Step::Connected { .. }
            | Step::Settle
            | Step::Observe { .. }
            | Step::Resend
            | Step::LeaveRole
            | Step::AppendFails
            | Step::Request { .. } => (false, false),
        };
        let is_up = holds(self.me.role != Role::Down).or(while_down);
        self.require("zk.start", "the server is up", is_up)?;
        let is_finished = holds(self.me.program.is_finished()).or(while_writing);
        self.require("program", "the program is finished", is_finished)
    }

    /// Grain `threads`, LEADING: whether handlers receive while the main thread runs a program. While
    /// acceptedEpoch is written they wait for the lock (`Leader.getEpochToPropose`), and before the
    /// vote is set there are none.
    fn handlers_run(&self) -> bool {
        self.grain() == Grain::Threads
            && self.me.role == Role::Leading
            && !self.me.program.contains(Item::AcceptedEpoch)
            && !self.me.program.contains(Item::CurrentVote)
    }

    /// The role has no quorum connections.
    pub(crate) fn no_connection(&mut self) -> Outcome {
        let guard = Guard::new(false, self.me.role, "FOLLOWING or LEADING");
        self.require("quorum", "the role has quorum connections", guard)
    }

    fn receive(&mut self, from: ServerId, message: Message<S>) -> Outcome {
        self.require_other_member(from)?;
        match (self.me.role, message) {
            (Role::Looking, Message::Notification(n)) => self.looking_hears(from, &n),
            (Role::Following | Role::Leading, Message::Notification(n)) => {
                self.zk_fle_settled_reply(from, &n);
                Ok(())
            }
            (Role::Following, message) => {
                self.require("quorum", "the sender is the leader", is(from, self.me.vote.leader))?;
                let is_up = holds(self.is_connected());
                self.require("f.1.1", "the connection to the leader is up", is_up)?;
                match self.follower_message(message) {
                    Err(Refusal::Message) => {
                        self.zk_fle_leave_role();
                        Ok(())
                    }
                    done => done,
                }
            }
            (Role::Leading, message) => match self.leader_message(from, message) {
                Err(Refusal::Message) => self.close(from),
                done => done,
            },
            // Connections end with the role.
            (Role::Looking | Role::Down, _) => self.no_connection(),
        }
    }

    pub(crate) fn require_other_member(&mut self, from: ServerId) -> Outcome {
        let is_other = self.cfg.ensemble.is_member(from) && from != self.me.id;
        let guard = Guard::new(is_other, from, self.cfg.ensemble.voters);
        self.require("receive", "the sender is another server of the ensemble", guard)
    }

    /// LOOKING × NOTIFICATION.
    fn looking_hears(&mut self, from: ServerId, n: &Notification<S::Num>) -> Outcome {
        // A vote for a server that cannot lead is ignored (`validVoter`).
        let leader = n.vote.leader;
        let guard =
            Guard::new(self.cfg.ensemble.is_voter(leader), leader, self.cfg.ensemble.voters);
        if !self.check("zk.fle.looking", "the leader is a voter", guard) {
            return Ok(());
        }
        match n.role {
            Role::Looking => self.zk_fle_looking(from, n),
            Role::Following | Role::Leading => self.zk_fle_same_round(from, n),
            Role::Down => return Err(Refusal::Step),
        }
        Ok(())
    }

    /// FOLLOWING × message.
    fn follower_message(&mut self, message: Message<S>) -> Outcome {
        let is_in_broadcast = self.me.phase == Phase::Broadcast;
        match message {
            Message::LeaderInfo { epoch } => self.f_1_2(epoch),
            Message::Diff { zxid: _ } => self.f_2_0_diff(),
            Message::Trunc { zxid } => self.f_2_0_trunc(zxid),
            Message::Snap { zxid, history } => {
                self.f_2_0_snap(Snapshot { label: zxid, tree: history })
            }
            Message::Proposal(txn) if is_in_broadcast => self.f_3_1(txn),
            Message::Proposal(txn) => self.zk_sync_proposal(txn),
            Message::Commit { zxid } if is_in_broadcast => self.f_3_3(zxid),
            Message::Commit { zxid } => self.zk_sync_commit(zxid),
            Message::Inform(txn) if is_in_broadcast => self.zk_bcast_inform(txn),
            Message::Inform(txn) => self.zk_sync_inform(txn),
            Message::NewLeader { epoch } => self.f_2_1(epoch),
            Message::UpToDate => self.f_2_2(),
            // Only learners send these, and the leader is not one.
            Message::FollowerInfo { .. }
            | Message::ObserverInfo { .. }
            | Message::AckEpoch { .. }
            | Message::AckLd { .. }
            | Message::Ack { .. } => {
                self.refuse_unless("quorum", "the leader sends what leaders send", holds(false))
            }
            // Notifications come on the election port and were handled before.
            Message::Notification(_) => Err(Refusal::Step),
        }
    }

    /// LEADING × message.
    fn leader_message(&mut self, from: ServerId, message: Message<S>) -> Outcome {
        match message {
            Message::FollowerInfo { accepted_epoch } | Message::ObserverInfo { accepted_epoch } => {
                self.l_1_1(from, accepted_epoch);
                Ok(())
            }
            Message::AckEpoch { current_epoch, last_zxid } => {
                self.l_1_2(from, current_epoch, last_zxid)
            }
            Message::AckLd { epoch } => self.l_2_2(from, epoch),
            Message::Ack { zxid } => self.l_3_2(from, zxid),
            // Only leaders send these, and a learner is not one.
            Message::LeaderInfo { .. }
            | Message::Diff { .. }
            | Message::Trunc { .. }
            | Message::Snap { .. }
            | Message::Proposal(_)
            | Message::Commit { .. }
            | Message::Inform(_)
            | Message::NewLeader { .. }
            | Message::UpToDate => {
                self.refuse_unless("quorum", "the learner sends what learners send", holds(false))
            }
            // Notifications come on the election port and were handled before.
            Message::Notification(_) => Err(Refusal::Step),
        }
    }
}
