//! LEADING: a link for each learner, served by a thread of its own, and requests of clients.

use zab_model::Item;
use zab_model::Message as Any;
use zab_model::Notification;
use zab_model::Progress;
use zab_model::ServerId;
use zab_model::Shape as _;
use zab_model::Step;
use zab_model::Table as _;
use zab_model::Wide;
use zab_model::Zxid;

use super::Moves;
use crate::node::Moved;
use crate::node::Node;
use crate::node::Stage;
use crate::node::Track;
use crate::node::is_same;
use crate::reasons::Witness;
use crate::view::Message;

/// How what waits in a handler's queue compares with the capture.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    /// The capture has something else.
    Contradicts,
    /// The capture has all of it, and then this place of the link.
    Fits(usize),
    /// The capture has a part of it, and nothing more of the link.
    Unrecorded,
}

impl Moves<'_, '_, '_> {
    pub(super) fn leader(&mut self) {
        if self.sets_vote() {
            let reply = self.reply();
            self.add(reply);
            return self.add_step(Step::ProgramNext);
        }
        if !self.node.server.program.is_finished() {
            let waits = self.may_end_before_write();
            let moved = self.attempt(Step::ProgramNext);
            match moved {
                Some(moved) if !waits => {
                    if self.only(moved) {
                        return;
                    }
                }
                moved => self.add(moved),
            }
        }
        let choosing = self.someone_is_chosen_for() || !self.track.is_eager;
        let due = [self.reply(), self.handler_is_due(), self.count_acks()];
        for moved in due.into_iter().flatten() {
            if self.only(moved) {
                return;
            }
        }
        if choosing {
            self.any_of_propose_or_commit();
        } else if let Some(moved) = self.propose_or_commit()
            && self.only(moved)
        {
            return;
        }
        self.sync_own_log();
        self.receive_others();
        self.choose();
        self.request_unseen();
        self.leave();
    }

    /// Whether the next process may show that this one ended before its next write. Otherwise what the
    /// main thread does commutes with what handlers do, which wait for it where it matters.
    fn may_end_before_write(&self) -> bool {
        let next = self.node.server.program.next();
        let is_epoch = matches!(next, Item::CurrentEpoch | Item::AcceptedEpoch);
        is_epoch && self.node.life + 1 < self.track.view.lives.len()
    }

    /// Whether a learner has arrived for which DIFF, TRUNC or SNAP is still to be chosen: then it makes a
    /// difference whether that is before or after the next transaction is proposed, committed or applied.
    fn someone_is_chosen_for(&self) -> bool {
        let links = self.node.record(self.track).links.iter().zip(&self.node.links);
        let mut pending = links.filter(|(link, at)| {
            let is_open = at.stage == Stage::Open && !self.progress(link.peer).is_forwarding();
            let has_arrived = link.into.first().is_some_and(|(place, _)| *place < self.place);
            let is_header = |(_, packet): &(usize, Message)| {
                matches!(packet, Any::Diff { .. } | Any::Trunc { .. } | Any::Snap { .. })
            };
            let is_coming = link.out.iter().skip(at.sent).take(2).any(is_header);
            link.leads && (at.stage == Stage::NotYet || is_open) && has_arrived && is_coming
        });
        pending.next().is_some()
    }

    fn progress(&self, learner: ServerId) -> Progress {
        self.node.server.leader.learners.row(learner).progress
    }

    /// LEADERINFO, NEWLEADER and UPTODATE, where the capture has it next: whatever else is sent on the
    /// link comes after it, and the step changes nothing but how far this learner is.
    fn handler_is_due(&mut self) -> Option<Moved> {
        for learner in self.peers() {
            let Some(link) = self.node.link(self.track, learner) else { continue };
            let next = self.node.next_out(self.track, link).map(|(_, message)| message);
            let is_due = match self.progress(learner) {
                Progress::WaitsForLeaderInfo => matches!(next, Some(Any::LeaderInfo { .. })),
                Progress::Acknowledged => matches!(next, Some(Any::UpToDate)),
                Progress::WaitsForNewLeader => {
                    let queue = queue_of(self.track, self.node, learner);
                    let after = match queue {
                        Queue::Fits(place) => out_at(self.track, self.node, link, place),
                        Queue::Contradicts | Queue::Unrecorded => None,
                    };
                    matches!(after, Some(Any::NewLeader { .. }))
                }
                Progress::None
                | Progress::Offered
                | Progress::WaitsForGate
                | Progress::WaitsForSnap
                | Progress::Forwarding
                | Progress::Served => false,
            };
            let moved = if is_due { self.attempt(Step::Handler { learner }) } else { None };
            if let Some(moved) = moved.filter(|moved| moved.matched > 0) {
                return Some(moved);
            }
        }
        None
    }

    /// Acknowledgements that are received and commit nothing: they only add to what is known, and
    /// nobody can tell when.
    fn count_acks(&mut self) -> Option<Moved> {
        for learner in self.peers() {
            let Some((link, message)) = self.arrived(learner) else { continue };
            let is_ack = matches!(message, Any::Ack { .. } | Any::AckLd { .. });
            if !is_ack || self.progress(learner) != Progress::Served {
                continue;
            }
            let moved = self.node.receive(self.track, link, message, self.witness);
            if let Some(moved) = moved.filter(|moved| moved.packets == 0) {
                return Some(moved);
            }
        }
        None
    }

    /// The next packet of a learner that has arrived on its open link.
    fn arrived(&self, learner: ServerId) -> Option<(usize, Message)> {
        let link = self.node.link(self.track, learner)?;
        Some((link, self.node.next_into(self.track, link, self.place)?))
    }

    /// The next transaction is proposed or committed, if the capture has that next on every link: the
    /// leader gives both to all its learners in one step, so all links have them in one order.
    fn propose_or_commit(&mut self) -> Option<Moved> {
        let mut moves = self.proposals_and_commits();
        if moves.is_empty() { None } else { Some(moves.swap_remove(0)) }
    }

    fn any_of_propose_or_commit(&mut self) {
        for moved in self.proposals_and_commits() {
            self.add(Some(moved));
        }
    }

    fn proposals_and_commits(&mut self) -> Vec<Moved> {
        let mut found = Vec::new();
        let demands = self.demands();
        for demand in &demands {
            if let Any::Proposal(txn) = demand
                && self.is_next(txn.zxid)
            {
                found.extend(self.attempt(Step::Request { payload: txn.payload }));
                break;
            }
        }
        if demands.iter().any(|demand| committed_by(demand).is_some()) {
            for learner in self.peers() {
                let Some((link, message @ Any::Ack { .. })) = self.arrived(learner) else {
                    continue;
                };
                let moved = self.node.receive(self.track, link, message, self.witness);
                found.extend(moved.filter(|moved| moved.packets > 0));
                let older = self.receive_older(learner);
                found.extend(older.filter(|moved| moved.packets > 0));
            }
            found.extend(self.own_ack(&demands).filter(|moved| moved.packets > 0));
        }
        found.retain(|moved| self.fits(moved));
        found
    }

    /// A part of the own log is synced, on demand of a COMMIT: until then it makes no difference, and a
    /// process that ends may have lost it.
    fn sync_own_log(&mut self) {
        let demands = self.demands();
        let moved = self.own_ack(&demands);
        self.add_fitting(moved);
        if !self.track.is_eager {
            let durable = Wide::length(&self.node.server.disk.history);
            let next = self.track.cfg.history(self.node.server.history).zxid(durable);
            let moved = next.and_then(|up_to| self.attempt(Step::SyncLog { up_to }));
            self.add_fitting(moved);
            self.add_step(Step::Apply);
        }
    }

    fn own_ack(&mut self, demands: &[Message]) -> Option<Moved> {
        let zxid = demands.iter().find_map(committed_by)?;
        self.attempt(Step::SyncLog { up_to: zxid })
    }

    /// What the capture has next on each link that gets PROPOSALs and COMMITs, behind what is queued.
    fn demands(&self) -> Vec<Message> {
        let mut demands: Vec<Message> = Vec::new();
        for learner in self.peers().filter(|learner| self.progress(*learner).is_forwarding()) {
            let Some(link) = self.node.link(self.track, learner) else { continue };
            let next = match queue_of(self.track, self.node, learner) {
                Queue::Fits(place) => out_at(self.track, self.node, link, place),
                Queue::Contradicts | Queue::Unrecorded => None,
            };
            demands.extend(next.filter(|next| !demands.contains(next)));
        }
        demands
    }

    /// Whether this is the zxid of the next transaction that the leader makes.
    fn is_next(&self, zxid: Zxid<u32>) -> bool {
        let last = self.node.server.last(self.track.cfg);
        let epoch = self.node.server.current_epoch;
        let counter = if last.epoch == epoch { last.counter } else { 0 };
        self.is_in_broadcast() && (zxid.epoch, zxid.counter) == (epoch, counter + 1)
    }

    /// Whether the capture has what is queued after a step. What it has instead is told to the witness.
    fn fits(&mut self, moved: &Moved) -> bool {
        let contradicts =
            |learner: &ServerId| queue_of(self.track, &moved.node, *learner) == Queue::Contradicts;
        let Some(learner) = self.peers().find(contradicts) else { return true };
        let link = moved.node.link(self.track, learner);
        let next = link.and_then(|link| moved.node.next_out(self.track, link));
        if let (Witness::Told(reasons), Some((place, _))) = (&mut *self.witness, next) {
            let after = &moved.node;
            let mut queued = after.queued.iter().filter(|(to, _)| *to == learner);
            let is_snap =
                after.server.leader.learners.row(learner).progress == Progress::WaitsForSnap;
            let message = queued.next().map(|(_, message)| message).filter(|_| !is_snap);
            reasons.queued(place, message, after.server.database.label);
        }
        false
    }

    fn add_fitting(&mut self, moved: Option<Moved>) {
        let moved = moved.filter(|moved| self.fits(moved));
        self.add(moved);
    }

    /// Every other packet of a learner, in any order of the learners.
    fn receive_others(&mut self) {
        for learner in self.peers() {
            if let Some((link, message)) = self.arrived(learner) {
                let moved = self.node.receive(self.track, link, message, self.witness);
                self.add_fitting(moved);
            }
            let older = self.receive_older(learner);
            self.add_fitting(older);
            self.accept(learner);
        }
    }

    /// What arrives late on the older connection of a learner that has a newer one.
    fn receive_older(&mut self, learner: ServerId) -> Option<Moved> {
        let link = self.node.older(self.track, learner)?;
        let message = self.node.next_into(self.track, link, self.place)?;
        self.node.receive(self.track, link, message, self.witness)
    }

    /// A new connection of a learner. Those on which the leader sent nothing can be left out.
    fn accept(&mut self, learner: ServerId) {
        let links = self.node.record(self.track).links.iter().zip(&self.node.links);
        let mut candidates = Vec::new();
        for (index, (link, at)) in links.enumerate() {
            if link.leads && link.peer == learner && at.stage == Stage::NotYet {
                candidates.push(index);
                if !link.out.is_empty() {
                    break;
                }
            }
        }
        for link in candidates {
            if let Some(message) = self.node.next_into(self.track, link, self.place) {
                let moved = self.node.receive(self.track, link, message, self.witness);
                self.add(moved);
            }
        }
    }

    /// A handler chooses DIFF, TRUNC or SNAP, or sends the SNAP. Only here it makes a difference how far
    /// the commit thread has come, so it goes on here, to any place.
    fn choose(&mut self) {
        for learner in self.peers() {
            let Some(link) = self.node.link(self.track, learner) else { continue };
            let next = self.node.next_out(self.track, link);
            let progress = self.progress(learner);
            let is_due = progress == Progress::WaitsForGate && next.is_some()
                || progress == Progress::WaitsForSnap
                    && matches!(next, Some((_, Any::Snap { .. })));
            if is_due {
                self.choose_for(learner);
            }
        }
    }

    fn choose_for(&mut self, learner: ServerId) {
        let mut now = Some(self.node.clone());
        while let Some(node) = now {
            let moved = node.step(self.track, Step::Handler { learner }, self.witness);
            self.add_fitting(moved);
            now = node.step(self.track, Step::Apply, &mut Witness::None).map(|moved| moved.node);
        }
    }

    /// A transaction that no packet shows, because no learner got it: on demand of a later vote of this
    /// server with its zxid.
    fn request_unseen(&mut self) {
        let last = self.node.server.last(self.track.cfg);
        let told = self.told_position().filter(|told| *told > last);
        if let Some(zxid) = told.filter(|told| told.epoch == self.node.server.current_epoch) {
            let counter = if last.epoch == zxid.epoch { last.counter + 1 } else { 1 };
            let payload = self.track.known.payload(Zxid::new(zxid.epoch, counter));
            let moved = self.attempt(Step::Request { payload });
            self.add_fitting(moved);
        }
    }

    /// The position that this server tells of itself in its next election, in this process or the next. A
    /// repetition of an earlier vote tells nothing: it may never be accounted for.
    fn told_position(&self) -> Option<Zxid<u32>> {
        let me = self.node.server.id;
        let own = |vote: &Message| {
            let Any::Notification(Notification { vote, .. }) = vote else { return None };
            (vote.leader == me).then_some(vote.zxid)
        };
        let looking = |vote: &Message| matches!(vote, Any::Notification(vote) if vote.role == zab_model::Role::Looking);
        let here = self.peers().filter_map(|peer| self.node.owed_vote(self.track, peer));
        let mut here = here.map(|(_, vote)| vote);
        let here = here.find_map(|vote| own(&vote).filter(|_| looking(&vote)));
        here.or_else(|| {
            let next = self.track.view.lives.get(self.node.life + 1)?;
            let first = next.votes.values().filter_map(|votes| votes.out.first());
            first.min_by_key(|(place, _)| *place).and_then(|(_, vote)| own(vote))
        })
    }
}

/// What a packet tells to be committed.
fn committed_by(packet: &Message) -> Option<Zxid<u32>> {
    if let Any::Commit { zxid } = packet {
        return Some(*zxid);
    }
    if let Any::Inform(txn) = packet { Some(txn.zxid) } else { None }
}

/// The packet that the capture has at a place of a link.
fn out_at(track: Track<'_>, node: &Node, link: usize, place: usize) -> Option<Message> {
    let sent = node.record(track).links.get(link)?.out.get(place);
    sent.map(|(_, message)| *message)
}

/// Compares what waits for a learner with what the capture has next on its link.
fn queue_of(track: Track<'_>, node: &Node, learner: ServerId) -> Queue {
    let Some(link) = node.link(track, learner) else { return Queue::Unrecorded };
    let progress = node.server.leader.learners.row(learner).progress;
    let mut place = node.links[link].sent + usize::from(progress == Progress::WaitsForSnap);
    let is_snap = |message: &Message| matches!(message, Any::Snap { .. });
    if progress == Progress::WaitsForSnap
        && out_at(track, node, link, place - 1).is_some_and(|next| !is_snap(&next))
    {
        return Queue::Contradicts;
    }
    for (_, queued) in node.queued.iter().filter(|(to, _)| *to == learner) {
        match out_at(track, node, link, place) {
            None => return Queue::Unrecorded,
            Some(recorded) if is_same(&recorded, queued) => place += 1,
            Some(_) => return Queue::Contradicts,
        }
    }
    Queue::Fits(place)
}
