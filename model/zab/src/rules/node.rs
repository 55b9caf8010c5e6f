//! What a rule can see and do: one server, its outbox, the probe.

use std::fmt::Display;

use super::guard::{Guard, is};
use crate::config::Config;
use crate::grain::Grain;
use crate::history::History;
use crate::message::{Message, Notification};
use crate::outbox::{Decision, Effect, Outbox};
use crate::probe::Probe;
use crate::profile::{Profile, WindowGrows};
use crate::program::Item;
use crate::server::{Former, Learner, Progress, Server, Stage};
use crate::shape::{Shape, Table, TxnOf};
use crate::stores::Database;
use crate::types::{Phase, Role, ServerId, ServerSet, Zxid};

/// One server in the middle of a step.
pub(crate) struct Node<'a, S: Shape, P: Probe> {
    pub(crate) cfg: &'a Config<S>,
    pub(crate) me: &'a mut Server<S>,
    pub(crate) out: &'a mut Outbox<S>,
    pub(crate) probe: &'a mut P,
}

/// Why a rule has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No server that follows the rules can take this step now.
    Step,
    /// A peer may not send this message now: a follower then leaves its role, and a leader closes
    /// the connection.
    Message,
}

/// What becomes of a rule that has guards.
pub(crate) type Outcome = Result<(), Refusal>;

impl<'a, S: Shape, P: Probe> Node<'a, S, P> {
    /// Shows a guard to the probe; returns whether it holds, so that a rule can branch on it.
    pub(crate) fn check(
        &mut self,
        rule: &'static str,
        text: &'static str,
        guard: Guard<impl Display, impl Display>,
    ) -> bool {
        self.probe.check(rule, text, guard.holds, guard.offered, guard.held)
    }

    /// A guard without which the step is not possible.
    pub(crate) fn require(
        &mut self,
        rule: &'static str,
        text: &'static str,
        guard: Guard<impl Display, impl Display>,
    ) -> Outcome {
        if self.check(rule, text, guard) { Ok(()) } else { Err(Refusal::Step) }
    }

    /// A guard without which the message is one that the peer may not send.
    pub(crate) fn refuse_unless(
        &mut self,
        rule: &'static str,
        text: &'static str,
        guard: Guard<impl Display, impl Display>,
    ) -> Outcome {
        if self.check(rule, text, guard) { Ok(()) } else { Err(Refusal::Message) }
    }

    /// The step needs this role.
    pub(crate) fn require_looking(&mut self, rule: &'static str) -> Outcome {
        self.require(rule, "role = LOOKING", is(self.me.role, Role::Looking))
    }

    /// Says that the effect of a rule takes place.
    pub(crate) fn fired(&mut self, rule: &'static str) {
        self.probe.fired(rule);
    }

    /// What servers do where releases differ.
    pub(crate) fn profile(&self) -> &'a Profile {
        &self.cfg.ensemble.profile
    }

    /// How much of what this server does is one step.
    pub(crate) fn grain(&self) -> Grain {
        self.cfg.ensemble.grain
    }

    /// These servers are a quorum.
    pub(crate) fn quorum(&self, set: ServerSet) -> Guard<ServerSet, usize> {
        Guard::new(self.cfg.ensemble.is_quorum(set), set, self.cfg.ensemble.quorum())
    }

    pub(crate) fn send(&mut self, to: ServerId, message: Message<S>) {
        self.out.push(Effect::Sent { to, message });
    }

    /// FOLLOWING: sends to the leader.
    pub(crate) fn send_to_leader(&mut self, message: Message<S>) {
        self.send(self.me.vote.leader, message);
    }

    pub(crate) fn decide(&mut self, decision: Decision<S::Num>) {
        self.out.push(Effect::Decided(decision));
    }

    /// This server's role, vote and round, as a message. A vote that is not set yet is not told.
    pub(crate) fn notification(&self) -> Message<S> {
        let Server { role, vote, round, former, .. } = *self.me;
        let is_set = !self.me.program.contains(Item::CurrentVote);
        let Former { vote, round } = if is_set { Former { vote, round } } else { former };
        Message::Notification(Notification { role, vote, round })
    }

    /// Whether this server is a voting member.
    pub(crate) fn votes(&self) -> bool {
        self.cfg.ensemble.is_voter(self.me.id)
    }

    /// Sends the proposal to every other voter, in order of ids. That of an observer counts nowhere.
    pub(crate) fn notify_all(&mut self) {
        if !self.votes() {
            return;
        }
        let notification = self.notification();
        for to in self.cfg.ensemble.voters().filter(|id| *id != self.me.id) {
            self.out.push(Effect::Sent { to, message: notification });
        }
    }

    /// Sends to every forwarding follower, in order of ids.
    pub(crate) fn forward(&mut self, message: Message<S>) {
        self.forward_to(self.cfg.ensemble.voters(), message);
    }

    /// Sends to each of these learners that is forwarding.
    pub(crate) fn forward_to(
        &mut self,
        learners: impl Iterator<Item = ServerId>,
        message: Message<S>,
    ) {
        for to in learners {
            if self.progress(to).is_forwarding() {
                self.send_by_handler(to, message);
            }
        }
    }

    /// LEADING: sends to a learner, or queues it until its handler starts to send.
    pub(crate) fn send_by_handler(&mut self, to: ServerId, message: Message<S>) {
        if self.progress(to).is_queueing() {
            self.out.push(Effect::Queued { to, message });
        } else {
            self.send(to, message);
        }
    }

    /// FOLLOWING: whether this server is in a phase and at one of these stages.
    pub(crate) fn is_at(&self, phase: Phase, stages: &[Stage]) -> bool {
        self.me.phase == phase && stages.contains(&self.me.synchronization.stage)
    }

    /// LEADING: how far a learner is.
    pub(crate) fn progress(&self, id: ServerId) -> Progress {
        self.me.leader.learners.row(id).progress
    }

    /// LEADING: a learner goes on; where its history ends is known only while it waits for the
    /// gate.
    pub(crate) fn set_progress(&mut self, id: ServerId, progress: Progress) {
        let Learner { older, .. } = self.me.leader.learners.row(id);
        self.me.leader.learners.set(id, Learner { progress, last: Zxid::default(), older });
    }

    /// The learners that are this far, in order of ids.
    pub(crate) fn learners_at(&self, at: Progress) -> impl Iterator<Item = ServerId> + use<S, P> {
        let learners = self.me.leader.learners.clone();
        let members = self.cfg.ensemble.members();
        members.filter(move |id| learners.row(*id).progress == at)
    }

    /// The log.
    pub(crate) fn history(&self) -> History<'a, S> {
        self.cfg.history(self.me.history)
    }

    /// The last zxid of the log.
    pub(crate) fn last(&self) -> Zxid<S::Num> {
        self.history().last()
    }

    /// Appends to the unsynced tail of the log.
    pub(crate) fn append(&mut self, txn: TxnOf<S>) -> Outcome {
        self.me.history = self.history().append(txn).ok_or(Refusal::Step)?;
        Ok(())
    }

    /// Applies the log's transactions after `after`, up to and with `to`.
    pub(crate) fn deliver(&mut self, after: Zxid<S::Num>, to: Zxid<S::Num>) {
        for txn in self.history().range(after, to) {
            self.me.database.apply(self.cfg, txn);
            self.out.push(Effect::Delivered(txn.zxid));
        }
    }

    /// In broadcast, the log's transactions after `after`, up to and with `to`, enter
    /// the window if this is the moment for it.
    pub(crate) fn grow_window(
        &mut self,
        moment: WindowGrows,
        after: Zxid<S::Num>,
        to: Zxid<S::Num>,
    ) {
        if moment == self.profile().window_grows {
            self.enter_window(after, to);
        }
    }

    /// The log's transactions after `after`, up to and with `to`, enter the window.
    pub(crate) fn enter_window(&mut self, after: Zxid<S::Num>, to: Zxid<S::Num>) {
        for txn in self.history().range(after, to) {
            self.me.database.committed_log.push(self.cfg, txn);
        }
    }

    /// The database as a start would make it of the newest snapshot and the log.
    pub(crate) fn reload(&mut self) {
        let snapshot = self.me.disk.snapshot;
        self.me.database = Database::recovered(self.cfg, snapshot, self.me.history);
    }
}
