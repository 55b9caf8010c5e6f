//! The threads of a leader that serve its learners, one for each connection
//! (`LearnerHandler.run`).
//!
//! A handler takes what its learner sends, and between two packets does what is here. At grain
//! `threads` each of these is a step. At grain `writes` whoever lets a handler go on does its steps
//! at once, as far as it can.

use super::guard::{Guard, holds};
use super::{Node, Outcome};
use crate::grain::Grain;
use crate::probe::Probe;
use crate::program::Item;
use crate::server::Progress;
use crate::shape::{Shape, Table};
use crate::types::{Phase, Role, ServerId};

/// What a handler does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// LEADERINFO (`l.1.1`).
    LeaderInfo,
    /// The choice of DIFF, TRUNC or SNAP (`l.2.1`).
    Choice,
    /// SNAP.
    Snap,
    /// NEWLEADER.
    NewLeader,
    /// UPTODATE (`l.2.3`).
    UpToDate,
}

impl<S: Shape, P: Probe> Node<'_, S, P> {
    /// The handler of a learner goes on, if it has something to do.
    pub(super) fn let_handler_go_on(&mut self, learner: ServerId) {
        match self.grain() {
            Grain::Writes => {
                while let Some(next) = self.next_of_handler(learner) {
                    self.do_in_handler(learner, next);
                }
            }
            Grain::Threads => {}
        }
    }

    /// A step of a handler.
    pub(crate) fn handler_step(&mut self, learner: ServerId) -> Outcome {
        let next = self.next_of_handler(learner);
        let guard = Guard::new(next.is_some(), learner, "a learner whose handler does not wait");
        self.require("handler", "the handler has something to do", guard)?;
        next.into_iter().for_each(|next| self.do_in_handler(learner, next));
        Ok(())
    }

    /// What a handler does next; `None` while it waits for a packet, a gate or the main thread.
    fn next_of_handler(&self, learner: ServerId) -> Option<Next> {
        let program = self.me.program;
        let is_written = |write: Item| !program.contains(write);
        let next = match self.progress(learner) {
            Progress::WaitsForLeaderInfo => {
                (self.me.leader.decided && is_written(Item::LeaderInfo)).then_some(Next::LeaderInfo)
            }
            Progress::WaitsForGate => {
                let is_open = self.me.phase > Phase::Discovery && is_written(Item::Synchronize);
                is_open.then_some(Next::Choice)
            }
            Progress::WaitsForSnap => Some(Next::Snap),
            Progress::WaitsForNewLeader => Some(Next::NewLeader),
            Progress::Acknowledged => (self.me.phase == Phase::Broadcast).then_some(Next::UpToDate),
            Progress::None | Progress::Offered | Progress::Forwarding | Progress::Served => None,
        };
        next.filter(|_| self.me.role == Role::Leading)
    }

    fn do_in_handler(&mut self, learner: ServerId, next: Next) {
        match next {
            Next::LeaderInfo => self.offer_epoch(learner),
            Next::Choice => self.l_2_1(learner, self.me.leader.learners.row(learner).last),
            Next::Snap => self.send_snap(learner),
            Next::NewLeader => self.send_new_leader(learner),
            Next::UpToDate => self.l_2_3(learner),
        }
    }

    /// A handler that waits for the leader to be established reads nothing, so at grain `threads` a
    /// packet waits with it. At grain `writes` nothing that it would read makes a difference.
    pub(super) fn handler_reads(&mut self, waits: bool) -> Outcome {
        match self.grain() {
            Grain::Writes => Ok(()),
            Grain::Threads => {
                let text = "the handler does not wait for the leader to be established";
                self.require("l.2.3", text, holds(!waits))
            }
        }
    }
}
