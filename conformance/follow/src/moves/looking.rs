//! LOOKING: votes are received in any order of the peers, and any of them can be lost.

use zab_model::ServerId;
use zab_model::Step;

use super::Moves;
use crate::node::Moved;
use crate::view::Message;

impl Moves<'_, '_, '_> {
    pub(super) fn looking(&mut self) {
        if !self.node.server.program.is_finished() {
            self.add_step(Step::ProgramNext);
            return;
        }
        self.add_step(Step::Settle);
        let held = self.held_answers();
        self.found.extend(held.into_iter().map(|node| (node, 1)));
        for peer in self.peers() {
            let arrived: Vec<_> = self.node.arrived_votes(self.track, peer, self.place).collect();
            for (index, (number, vote)) in arrived.iter().enumerate() {
                if arrived.iter().take(index).any(|(_, other)| other == vote) {
                    continue;
                }
                let newer = arrived.len() - index - 1;
                self.hear(peer, *number, vote, newer);
            }
        }
    }

    /// A vote is received. The more newer ones of this peer have arrived, the later is it looked at: votes
    /// of earlier elections mostly were received long ago, by a server that did not want them.
    fn hear(&mut self, peer: ServerId, number: usize, vote: &Message, newer: usize) {
        let mut after = self.node.clone();
        after.hear(peer, number);
        let step = Step::Receive { from: peer, message: *vote };
        let moved = after.step(self.track, step, self.witness);
        // A vote that changes nothing is as good as a lost one.
        let changes = |moved: &Moved| moved.matched > 0 || moved.node.server != self.node.server;
        let cost = u32::try_from(newer).unwrap_or(u32::MAX / 2) + 1;
        let moved = moved.filter(changes);
        self.found.extend(moved.map(|moved| (moved.node, cost)));
    }
}
