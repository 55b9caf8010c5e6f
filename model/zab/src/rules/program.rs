//! Running a program. At grain `writes` each write is a step of its own, and what stands between
//! writes runs with the step before it; at grain `threads` each item is a step.

use super::Node;
use super::guard::holds;
use super::node::Outcome;
use crate::outbox::{Effect, Write};
use crate::probe::Probe;
use crate::program::{Item, Program, ProgramName};
use crate::shape::Shape;

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// Leaves a program to be run and runs it up to its first step.
    pub(crate) fn run(&mut self, name: ProgramName) {
        self.me.program = Program::new(name);
        self.run_to_step();
    }

    /// The next item of the program is done; then everything up to the next step.
    pub(crate) fn program_next(&mut self) -> Outcome {
        let next = self.me.program.next();
        self.require("program", "a write is left", holds(next.is_step(self.grain())))?;
        self.me.program.advance();
        self.write(next);
        self.perform(next);
        self.run_to_step();
        Ok(())
    }

    fn run_to_step(&mut self) {
        while !self.me.program.is_finished() {
            let item = self.me.program.next();
            if item.is_step(self.grain()) && self.me.has_to(item) {
                return;
            }
            self.me.program.advance();
            self.perform(item);
        }
    }

    fn write(&mut self, item: Item) {
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
                Write::Log(self.last())
            }
            Item::Truncate => {
                me.disk.history = me.history;
                me.disk.snapshot = me.kept_snapshot(me.database.label);
                Write::Truncated(self.last())
            }
            Item::Snapshot => {
                let snapshot = me.database.snapshot();
                if me.replaces_log_by_snapshot(self.cfg) {
                    me.disk.history = snapshot.tree;
                }
                me.disk.snapshot = snapshot;
                Write::Snapshot(snapshot.label)
            }
            Item::None
            | Item::Deliver
            | Item::CurrentVote
            | Item::Notify
            | Item::LeaderInfo
            | Item::AckEpoch
            | Item::Synchronize
            | Item::Queue
            | Item::Pause
            | Item::AckLd
            | Item::OwnAckLd => return,
        };
        self.out.push(Effect::Persisted(write));
    }

    fn perform(&mut self, item: Item) {
        match item {
            Item::Deliver => self.deliver_received(),
            Item::CurrentVote => self.set_current_vote(),
            Item::Notify => self.notify(),
            Item::LeaderInfo => self.offer_to_waiting(),
            Item::AckEpoch => self.answer_epoch(),
            Item::Synchronize => self.synchronize_waiting(),
            Item::Queue => self.queue_received(),
            Item::AckLd => self.acknowledge_new_leader(),
            Item::OwnAckLd => self.own_ack_ld(),
            Item::None
            | Item::Pause
            | Item::AcceptedEpoch
            | Item::CurrentEpoch
            | Item::Log
            | Item::Truncate
            | Item::Snapshot => {}
        }
    }
}
