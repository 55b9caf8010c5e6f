//! An observer: it elects nobody, and owes the leader nothing once it is in broadcast.

use zab_model::Message as Any;
use zab_model::ServerId;
use zab_model::Step;
use zab_model::Zxid;

use super::Moves;
use super::follower::apply_durable;
use crate::node::Moved;
use crate::node::Stage;
use crate::reasons::Witness;
use crate::view::Link;
use crate::view::Message;

/// What a move costs that is looked at only if nothing else explains the capture.
const LATER: u32 = 1_000;

impl Moves<'_, '_, '_> {
    /// Whether the server that is followed is an observer.
    pub(super) fn observes(&self) -> bool {
        !self.track.cfg.ensemble.is_voter(self.node.server.id)
    }

    /// LOOKING: on demand of the next connection that it dials, it takes the server at the other end for
    /// its leader (`zk.fle.observe`). What it voted and heard is left out, since it decides nothing else.
    pub(super) fn looking_observer(&mut self) {
        if !self.node.server.program.is_finished() {
            return self.add_step(Step::ProgramNext);
        }
        if let Some(leader) = self.next_leader() {
            self.add_step(Step::Observe { leader });
        }
    }

    /// The server to which it dials next.
    pub(super) fn next_leader(&self) -> Option<ServerId> {
        self.next_dialled().map(|link| link.peer)
    }

    /// The next connection on which it sends something.
    fn next_dialled(&self) -> Option<&Link> {
        let links = self.node.record(self.track).links.iter().zip(&self.node.links);
        let mut dialled = links
            .filter(|(link, at)| !link.leads && at.stage == Stage::NotYet && !link.out.is_empty());
        dialled.next().map(|(link, _)| link)
    }

    /// BROADCAST: it is told of transactions and answers nothing. What it has logged, synced and applied
    /// shows in its next ACKEPOCH alone. So what it receives is synced and applied at once up to the
    /// position that it tells there, and then it leaves its role; every other order comes later.
    pub(super) fn observing(&mut self, link: usize) {
        let told = self.told_next();
        let next = self.node.next_into(self.track, link, self.place);
        let ends = |message: Message| matches!((message, told), (Any::Inform(txn), Some(told)) if txn.zxid > told);
        let is_there = told.is_none_or(|told| self.node.server.database.label == told);
        if let Some(message) = next {
            let received = self.node.receive(self.track, link, message, self.witness);
            let synced = received.as_ref().and_then(|moved| self.all_synced(moved));
            let cost = if ends(message) { LATER } else { 1 };
            let bare = if synced.is_some() { LATER } else { cost };
            self.found.extend(synced.map(|moved| (moved.node, cost)));
            self.found.extend(received.map(|moved| (moved.node, bare)));
        }
        let before = self.found.len();
        self.sync_more(Some(link));
        self.apply_ahead();
        for (_, cost) in self.found.iter_mut().skip(before) {
            *cost = LATER;
        }
        let before = self.found.len();
        self.leave();
        for (_, cost) in self.found.iter_mut().skip(before) {
            *cost = if is_there || next.is_some_and(ends) { 1 } else { LATER };
        }
    }

    /// The position that it tells in its next ACKEPOCH.
    fn told_next(&self) -> Option<Zxid<u32>> {
        let mut sent = self.next_dialled()?.out.iter();
        sent.find_map(|(_, packet)| {
            if let Any::AckEpoch { last_zxid, .. } = packet { Some(*last_zxid) } else { None }
        })
    }

    /// The node with all of the log synced, and applied as far as it is committed.
    fn all_synced(&self, moved: &Moved) -> Option<Moved> {
        let server = &moved.node.server;
        let up_to = server.last(self.track.cfg);
        let step = if server.unsynced() > 0 { Step::SyncLog { up_to } } else { Step::Apply };
        let synced = moved.node.step(self.track, step, &mut Witness::None);
        synced.map(|synced| apply_durable(self.track, synced))
    }
}
