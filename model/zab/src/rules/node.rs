//! What a rule can see and do: one server, its outbox, the probe.

use std::fmt::Display;

use crate::config::Config;
use crate::message::{Message, Notification};
use crate::outbox::{Decision, Effect, Outbox, Write};
use crate::probe::Probe;
use crate::program::{Item, Program};
use crate::rules::{discovery, election, synchronization};
use crate::server::{Link, Server};
use crate::shape::{Number, Shape, Table};
use crate::step::Enabled;
use crate::types::{ServerId, TxnOf, Zxid};

/// One server in the middle of a step.
pub(crate) struct Node<'a, S: Shape, P: Probe> {
    pub(crate) cfg: &'a Config<S>,
    pub(crate) me: &'a mut Server<S>,
    pub(crate) out: &'a mut Outbox<S>,
    pub(crate) probe: &'a mut P,
}

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// Shows a guard to the probe; returns whether it holds.
    pub(crate) fn check(
        &mut self,
        rule: &'static str,
        guard: &'static str,
        holds: bool,
        offered: impl Display,
        held: impl Display,
    ) -> bool {
        self.probe.check(rule, guard, holds, offered, held)
    }

    /// Says that the effect of a rule takes place.
    pub(crate) fn fired(&mut self, rule: &'static str) {
        self.probe.fired(rule);
    }

    pub(crate) fn send(&mut self, to: ServerId, message: Message<S>) {
        self.out.push(Effect::Sent { to, message });
    }

    pub(crate) fn decide(&mut self, decision: Decision<S::Num>) {
        self.out.push(Effect::Decided(decision));
    }

    /// This server's role, vote and round, as a message.
    pub(crate) fn notification(&self) -> Message<S> {
        let Server { role, vote, round, .. } = *self.me;
        Message::Notification(Notification { role, vote, round })
    }

    /// Sends the proposal to every other voter, in order of ids.
    pub(crate) fn notify_all(&mut self) {
        let notification = self.notification();
        for to in self.cfg.voters().filter(|id| *id != self.me.id) {
            self.out.push(Effect::Sent { to, message: notification });
        }
    }

    /// Sends to every forwarding learner, in order of ids.
    pub(crate) fn send_forwarding(&mut self, message: Message<S>) {
        for to in self.cfg.voters().filter(|id| self.me.leader.links.row(*id).is_forwarding()) {
            self.out.push(Effect::Sent { to, message });
        }
    }

    /// The learners whose link is `link`, in order of ids.
    pub(crate) fn learners(&self, link: Link) -> impl Iterator<Item = ServerId> + use<S, P> {
        let links = self.me.leader.links.clone();
        (1..=self.cfg.voters).map(ServerId).filter(move |id| links.row(*id) == link)
    }

    /// The last zxid of the history.
    pub(crate) fn last(&self) -> Zxid<S::Num> {
        self.me.last(self.cfg)
    }

    /// The zxid that the history's first `length` transactions end with.
    pub(crate) fn zxid_at(&self, length: usize) -> Zxid<S::Num> {
        S::zxid_at(&self.cfg.logs, &self.me.history, length)
    }

    /// The history's transaction at an index, from 0.
    pub(crate) fn txn(&self, index: usize) -> Option<TxnOf<S>> {
        S::get(&self.cfg.logs, &self.me.history, index)
    }

    /// Delivers the history's transactions from one length to another.
    pub(crate) fn deliver(&mut self, from: usize, to: usize) {
        for index in from..to {
            if let Some(txn) = self.txn(index) {
                self.out.push(Effect::Delivered(txn.zxid));
            }
        }
    }

    /// Leaves a program to be run and runs it up to its first write.
    pub(crate) fn run(&mut self, items: [Item; 5]) -> Enabled {
        self.me.program = Program::of(items);
        self.run_to_write();
        Enabled::Yes
    }

    /// The next write of the program is durable; then everything up to the write after it.
    pub(crate) fn program_next(&mut self) -> Enabled {
        let next = self.me.program.next();
        let is_write = next.is_write();
        if !self.check("program", "a write is left", is_write, is_write, true) {
            return Enabled::No;
        }
        self.me.program.advance();
        self.write(next);
        self.run_to_write();
        Enabled::Yes
    }

    fn run_to_write(&mut self) {
        while !self.me.program.is_finished() && !self.me.program.next().is_write() {
            let item = self.me.program.next();
            self.me.program.advance();
            self.perform(item);
        }
    }

    fn write(&mut self, item: Item) {
        let logs = &self.cfg.logs;
        let me = &mut *self.me;
        let write = match item {
            Item::AcceptedEpoch => {
                me.disk.accepted_epoch = me.accepted_epoch;
                Write::AcceptedEpoch(me.accepted_epoch)
            }
            Item::CurrentEpoch => {
                me.disk.current_epoch = me.current_epoch;
                Write::CurrentEpoch(me.current_epoch)
            }
            Item::Log => {
                me.disk.history = me.history;
                Write::Log(S::last(logs, &me.history))
            }
            Item::Truncate => {
                me.disk.history = me.history;
                me.disk.base = me.base;
                Write::Truncated(S::last(logs, &me.history))
            }
            Item::Snapshot => {
                me.disk.history = S::prefix(logs, &me.history, me.base.to_usize());
                me.disk.base = me.base;
                Write::Snapshot(S::last(logs, &me.disk.history))
            }
            Item::None
            | Item::Deliver
            | Item::Notify
            | Item::LeaderInfo
            | Item::AckEpoch
            | Item::Synchronize
            | Item::AckLd => return,
        };
        self.out.push(Effect::Persisted(write));
    }

    fn perform(&mut self, item: Item) {
        match item {
            Item::Deliver => synchronization::deliver_received(self),
            Item::Notify => election::notify(self),
            Item::LeaderInfo => discovery::offer_to_waiting(self),
            Item::AckEpoch => discovery::answer_epoch(self),
            Item::Synchronize => synchronization::synchronize_waiting(self),
            Item::AckLd => synchronization::acknowledge_new_leader(self),
            Item::None
            | Item::AcceptedEpoch
            | Item::CurrentEpoch
            | Item::Log
            | Item::Truncate
            | Item::Snapshot => {}
        }
    }
}
