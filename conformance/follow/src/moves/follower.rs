//! FOLLOWING: one link, whose packets are received in order.

use zab_model::Message as Any;
use zab_model::Shape as _;
use zab_model::Step;
use zab_model::Wide;

use super::Moves;
use crate::node::Moved;
use crate::node::Node;
use crate::node::Stage;
use crate::node::Track;
use crate::reasons::Witness;

impl Moves<'_, '_, '_> {
    pub(super) fn follower(&mut self) {
        let leader = self.node.server.vote.leader;
        let link = self.node.link(self.track, leader);
        if self.sets_vote() {
            let reply = self.reply();
            self.add(reply);
            return self.add_step(Step::ProgramNext);
        }
        for moved in [self.reply(), self.acknowledge(link)].into_iter().flatten() {
            if self.only(moved) {
                return;
            }
        }
        if !self.node.server.program.is_finished() {
            self.add_step(Step::ProgramNext);
            return self.sync_more(link);
        }
        match link {
            Some(link) if self.observes() && self.is_in_broadcast() => self.observing(link),
            Some(link) => self.connected(link),
            None => self.connect(),
        }
    }

    /// The capture has an ACK next: what it acknowledges is synced now. To sync it later would be the
    /// same, since syncing a prefix of the tail commutes with everything that is received, and nothing
    /// else is sent on this link before the ACK.
    fn acknowledge(&mut self, link: Option<usize>) -> Option<Moved> {
        let (_, Any::Ack { zxid }) = self.node.next_out(self.track, link?)? else { return None };
        self.attempt(Step::SyncLog { up_to: zxid })
            .filter(|moved| moved.matched > 0)
            .map(|moved| apply_durable(self.track, moved))
    }

    /// Connected to the leader. As long as the capture has something that this server still sends on the
    /// link, it goes on; after that it may also leave its role with any part of the packets unread and
    /// of the log unsynced.
    fn connected(&mut self, link: usize) {
        let is_owing = self.node.next_out(self.track, link).is_some();
        if let Some(message) = self.node.next_into(self.track, link, self.place) {
            let moved = self.node.receive(self.track, link, message, self.witness);
            self.add(moved.map(|moved| apply_durable(self.track, moved)));
        }
        if !is_owing || !self.track.is_eager {
            self.sync_more(Some(link));
            self.apply_ahead();
        }
        if !is_owing {
            self.leave();
        }
    }

    /// One more transaction of the unsynced tail is synced, and the capture does not have the ACK.
    pub(super) fn sync_more(&mut self, link: Option<usize>) {
        let is_owing = link.and_then(|link| self.node.next_out(self.track, link)).is_some();
        let server = &self.node.server;
        let durable = Wide::length(&server.disk.history);
        let next = self.track.cfg.history(server.history).zxid(durable);
        if let Some(up_to) = next.filter(|_| !is_owing || !self.track.is_eager) {
            let moved = self.attempt(Step::SyncLog { up_to });
            self.add(moved.map(|moved| apply_durable(self.track, moved)));
        }
    }

    /// A transaction is applied that is not durable here.
    pub(super) fn apply_ahead(&mut self) {
        if self.is_in_broadcast()
            && self.node.server.database.label < self.node.server.last_committed
        {
            self.add_step(Step::Apply);
        }
    }

    /// Not connected: the next connection that this server dials to its leader, if there is one.
    fn connect(&mut self) {
        let leader = self.node.server.vote.leader;
        let links = self.node.record(self.track).links.iter().zip(&self.node.links);
        let mut fits = links.enumerate().filter(|(_, (link, at))| {
            !link.leads && link.peer == leader && at.stage == Stage::NotYet && !link.out.is_empty()
        });
        if let Some((index, _)) = fits.next() {
            let mut after = self.node.clone();
            if after.begin(self.track, index).is_some() {
                let step = Step::Connected { peer: leader };
                let moved = after.step(self.track, step, self.witness);
                self.add(moved);
            }
        }
        // An observer has taken the leader to which it dials next, unless it was sent away.
        if !self.observes() || self.next_leader() != Some(leader) {
            self.leave();
        }
    }
}

/// What is committed and durable here is applied at once. A follower's position is told only after it
/// has left its role, and is then at the end of its log at least; a process that ends forgets it.
pub(super) fn apply_durable(track: Track<'_>, mut moved: Moved) -> Moved {
    while track.is_eager
        && let Some(node) = apply_one(track, &moved.node)
    {
        moved.node = node;
    }
    moved
}

fn apply_one(track: Track<'_>, node: &Node) -> Option<Node> {
    let server = &node.server;
    let next = track.cfg.history(server.history).next_after(server.database.label)?;
    let durable = track.cfg.history(server.disk.history).last();
    let is_due = next <= server.last_committed && next <= durable;
    let moved = is_due.then(|| node.step(track, Step::Apply, &mut Witness::None))?;
    moved.map(|moved| moved.node)
}
