//! LOOKING: votes are received in any order of the peers, and any of them can be lost.

use zab_model::Step;

use super::Moves;
use crate::view::Message;

impl Moves<'_, '_, '_> {
    pub(super) fn looking(&mut self) {
        if !self.node.server.program.is_finished() {
            self.add_step(Step::ProgramNext);
            return;
        }
        self.add_step(Step::Settle);
        for peer in self.peers() {
            let mut contents: Vec<&Message> = Vec::new();
            for (number, vote) in self.node.arrived_votes(self.track, peer, self.place) {
                if contents.contains(&vote) {
                    continue;
                }
                contents.push(vote);
                let mut after = self.node.clone();
                after.hear(peer, number);
                let step = Step::Receive { from: peer, message: *vote };
                let moved = after.step(self.track, step, self.witness);
                // A vote that changes nothing is as good as a lost one.
                let changes = |moved: &crate::node::Moved| {
                    moved.matched > 0 || moved.node.server != self.node.server
                };
                self.add(moved.filter(changes));
            }
        }
    }
}
