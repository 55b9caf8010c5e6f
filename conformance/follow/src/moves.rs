//! What a server can do next, as far as it makes a difference to the capture.
//!
//! Everything that a server does between two packets is hidden, so a node has many successors. Most
//! hidden steps commute with all others, and are taken at once (*eagerly*) or only when the next packet
//! asks for them (*on demand*). Each such choice is a function with its argument.

mod follower;
mod late;
mod leader;
mod looking;
mod observer;

use zab_model::Item;
use zab_model::Message as Any;
use zab_model::Phase;
use zab_model::Role;
use zab_model::ServerId;
use zab_model::Step;
use zab_model::Wide;

use crate::node::Moved;
use crate::node::Node;
use crate::node::Track;
use crate::reasons::Witness;

/// The moves of one node.
pub(crate) struct Moves<'a, 'w, 'r> {
    pub(crate) track: Track<'a>,
    pub(crate) node: &'a Node,
    /// Packets before this place may have arrived.
    place: usize,
    witness: &'w mut Witness<'r>,
    found: Vec<(Node, u32)>,
}

/// What a node leads to, each with its cost: cheaper ones are looked at first.
pub(crate) fn successors(
    track: Track<'_>,
    node: &Node,
    witness: &mut Witness<'_>,
) -> Vec<(Node, u32)> {
    let place = node.place(track);
    let found = Vec::new();
    let mut moves = Moves { track, node, place, witness, found };
    if let Some(sent) = moves.send_late()
        && moves.only(sent)
    {
        return moves.found;
    }
    if node.owes(track).is_none() {
        moves.restart();
    }
    match node.server.role {
        Role::Looking if moves.observes() => moves.looking_observer(),
        Role::Looking => moves.looking(),
        Role::Following => moves.follower(),
        Role::Leading => moves.leader(),
        Role::Down => {}
    }
    moves.found
}

impl Moves<'_, '_, '_> {
    /// The step, if it is possible and the capture has what it sends.
    fn attempt(&mut self, step: Step<Wide>) -> Option<Moved> {
        self.node.step(self.track, step, self.witness)
    }

    fn add(&mut self, moved: Option<Moved>) {
        self.found.extend(moved.map(|moved| (moved.node, 1)));
    }

    fn add_step(&mut self, step: Step<Wide>) {
        let moved = self.attempt(step);
        self.add(moved);
    }

    /// Nothing else needs to be looked at, unless every order is to be tried.
    #[must_use]
    fn only(&mut self, moved: Moved) -> bool {
        if self.track.is_eager {
            self.found.clear();
        }
        self.found.push((moved.node, 1));
        self.track.is_eager
    }

    fn peers(&self) -> impl Iterator<Item = ServerId> + use<> {
        let me = self.node.server.id;
        self.track.cfg.ensemble.members().filter(move |peer| *peer != me)
    }

    /// The process ends and the next one starts. A killed process leaves the pages that it wrote, and
    /// loses what it had not written: any part of the unsynced tail survives.
    fn restart(&mut self) {
        if self.node.life + 1 < self.track.view.lives.len() {
            let tail = u32::try_from(self.node.server.unsynced()).unwrap_or(u32::MAX);
            let starts = (0..=tail).rev();
            let starts = starts.filter_map(|kept| self.node.restart(self.track, kept));
            self.found.extend(starts.map(|node| (node, 1)));
        }
    }

    /// A server that has a role answers a LOOKING one (`zk.fle.settled_reply`): on demand of an answer
    /// in the capture that repeats none, because one that was lost is as good as none. The first vote that
    /// has arrived will do, since the answer does not depend on it and later ones remain.
    fn reply(&mut self) -> Option<Moved> {
        for peer in self.peers() {
            let owed = self.node.owed_vote(self.track, peer);
            let is_asked = |(_, vote): (usize, Any<Wide>)| matches!(vote, Any::Notification(answer) if answer.role != Role::Looking);
            if !owed.is_some_and(is_asked) {
                continue;
            }
            let mut arrived = self.node.arrived_votes(self.track, peer, self.place);
            let asks = |vote: &Any<Wide>| matches!(vote, Any::Notification(vote) if vote.role == Role::Looking);
            let Some((number, message)) = arrived.find(|(_, vote)| asks(vote)) else { continue };
            let mut after = self.node.clone();
            after.hear(peer, number);
            let step = Step::Receive { from: peer, message: *message };
            let moved = after.step(self.track, step, self.witness);
            if let Some(moved) = moved.filter(|moved| moved.matched > 0) {
                return Some(moved);
            }
        }
        None
    }

    /// A role is left for any reason, on demand of a vote of a later election: without one nobody can
    /// tell that it was left. Whoever loses a connection leaves its role in the same way.
    fn leave(&mut self) {
        let is_looking = |vote: &Any<Wide>| matches!(vote, Any::Notification(vote) if vote.role == Role::Looking);
        let mut next = self.peers().flat_map(|peer| self.node.next_votes(self.track, peer));
        let votes_again = next.any(|(_, (_, vote))| is_looking(&vote));
        if votes_again || self.observes() && self.next_leader().is_some() {
            self.add_step(Step::LeaveRole);
            // Where a retained database is not taken to the end of the log, it counts what is applied.
            let applied = self.applied();
            let held = self.held_answers();
            for node in [applied].into_iter().chain(held) {
                let moved = node.step(self.track, Step::LeaveRole, &mut Witness::None);
                self.add(moved);
            }
        }
    }

    /// The node after everything is applied that can be.
    fn applied(&self) -> Node {
        let mut node = self.node.clone();
        while let Some(next) = node.step(self.track, Step::Apply, &mut Witness::None) {
            node = next.node;
        }
        node
    }

    /// Whether the server has its role and has not set its vote (`zk.fle.settle`).
    fn sets_vote(&self) -> bool {
        self.node.server.program.next() == Item::CurrentVote
    }

    fn is_in_broadcast(&self) -> bool {
        self.node.server.phase == Phase::Broadcast
    }
}
