//! What one server's step does to the channels and to the memory of the properties.

use super::ghost::{Established, Violation, common};
use super::leading::{is_durable, may_decide};
use super::links::{End, Links, queue_note};
use super::packet::{Note, Packet};
use super::sizes::{Flat, index};
use super::state::State;
use crate::config::Config;
use crate::message::Message;
use crate::outbox::{Decision, Effect, Outbox};
use crate::server::Server;
use crate::step::Step;
use crate::stores::Database;
use crate::types::{Phase, Role, ServerId, Zxid};

/// A step that a server has made; its state is the new one already.
pub(super) struct Change<'a, const N: usize, const P: usize> {
    /// With the transactions of the new state.
    pub(super) config: &'a Config<Flat<N>>,
    /// Whether notifications are sent.
    pub(super) notifies: bool,
    pub(super) id: ServerId,
    pub(super) before: &'a Server<Flat<N>>,
    pub(super) step: Step<Flat<N>>,
    pub(super) out: &'a Outbox<Flat<N>>,
}

impl<const N: usize, const P: usize> Change<'_, N, P> {
    /// Carries the effects to where they belong.
    pub(super) fn spread(&self, state: &mut State<N, P>) {
        let at = index(self.id);
        if matches!(self.step, Step::Crash) {
            state.links.crash(at);
        }
        for effect in self.out.effects() {
            match effect {
                Effect::Sent { to, message } => self.send(state, *to, message, Links::send_down),
                Effect::Queued { to, message } => {
                    self.send(state, *to, message, Links::hold_down);
                }
                Effect::Started(to) => state.links.start_sending(at, index(*to)),
                Effect::Closed(_) if state.server(self.id).role == Role::Following => {
                    state.links.learner_closes(at);
                }
                Effect::Closed(peer) => state.links.leader_closes(at, index(*peer)),
                // The newer connection is accepted before the step, which ends the older one.
                Effect::Replaced(_) | Effect::Persisted(_) => {}
                Effect::ClosedAll => {
                    state.links.learner_closes(at);
                    state.links.listener_closes(at);
                    self.check_leaving(state);
                }
                Effect::Delivered(zxid) => self.check_delivery(state, *zxid),
                Effect::Decided(decision) => self.remember(state, *decision),
            }
        }
        let server = state.server(self.id);
        let committed = server.delivered(self.config);
        state.ghost.learn_committed(&committed);
        self.check_epochs(state);
        self.check_round(state);
    }

    /// A message goes to where it belongs; one for a learner goes `down`.
    fn send(
        &self,
        state: &mut State<N, P>,
        to: ServerId,
        message: &Message<Flat<N>>,
        down: impl Fn(&mut Links<N, P>, usize, usize, Packet) -> bool,
    ) {
        let (at, peer) = (index(self.id), index(to));
        let fits = match message {
            Message::Notification(notification) => {
                let heard = self.notifies && state.server(to).role != Role::Down;
                if !heard {
                    return;
                }
                let note = Note::encode(*notification);
                note.map(|note| queue_note(&mut state.links.notes[(at, peer)], note)).is_some()
            }
            Message::FollowerInfo { .. } | Message::ObserverInfo { .. } => {
                let packet = Packet::encode(message);
                packet.map(|packet| state.links.connect(at, peer, packet)).is_some()
            }
            Message::Trunc { zxid } => {
                // On a connection that has ended nobody receives it.
                if state.links.up[(peer, at)].end == End::Open {
                    self.check_truncation(state, to, *zxid);
                }
                let packet = Packet::encode(message);
                packet.is_some_and(|packet| down(&mut state.links, at, peer, packet))
            }
            Message::AckEpoch { .. } | Message::AckLd { .. } | Message::Ack { .. } => {
                self.check_acknowledgement(state, message);
                let packet = Packet::encode(message);
                packet.is_some_and(|packet| state.links.send_up(at, peer, packet))
            }
            Message::LeaderInfo { .. } => {
                self.check_offer(state);
                let packet = Packet::encode(message);
                packet.is_some_and(|packet| down(&mut state.links, at, peer, packet))
            }
            Message::Snap { .. } => {
                self.check_snap(state, to);
                let packet = Packet::encode(message);
                packet.is_some_and(|packet| down(&mut state.links, at, peer, packet))
            }
            Message::Diff { .. }
            | Message::Proposal(_)
            | Message::Commit { .. }
            | Message::Inform(_)
            | Message::NewLeader { .. }
            | Message::UpToDate => {
                let packet = Packet::encode(message);
                packet.is_some_and(|packet| down(&mut state.links, at, peer, packet))
            }
        };
        if !fits {
            state.ghost.mark(Violation::Overflow);
        }
    }

    fn remember(&self, state: &mut State<N, P>, decision: Decision<u8>) {
        match decision {
            Decision::Established { epoch } => {
                let initial = state.server(self.id).delivered(self.config);
                let established = Established { epoch, leader: self.id, initial };
                if !is_durable(self.config, &state.servers, &established) {
                    state.ghost.mark(Violation::EstablishedEarly);
                }
                state.ghost.establish(established);
            }
            Decision::Elected { .. } => {
                let vote = state.server(self.id).vote;
                if !may_decide(self.config, self.before, &self.step, vote) {
                    state.ghost.mark(Violation::DecidedEarly);
                }
            }
            Decision::Looking { .. }
            | Decision::Resent
            | Decision::Proposed { .. }
            | Decision::Committed { .. } => {}
        }
    }

    /// Before LEADERINFO leaves, its epoch is decided and on the leader's disk.
    fn check_offer(&self, state: &mut State<N, P>) {
        let server = state.server(self.id);
        let is_promised = server.disk.accepted_epoch == server.accepted_epoch;
        if !(server.leader.decided && is_promised) {
            state.ghost.mark(Violation::AckedNotDurable);
        }
    }

    /// SNAP is for a learner that is not at the leader's position, nor on a transaction of its window.
    fn check_snap(&self, state: &mut State<N, P>, to: ServerId) {
        // On a connection that has ended nobody receives it.
        if state.links.up[(index(to), index(self.id))].end != End::Open {
            return;
        }
        let Server { database, synchronization, .. } = state.server(to);
        let position = if synchronization.drops { Zxid::default() } else { database.label };
        let Database { label, committed_log, .. } = state.server(self.id).database;
        let window = self.config.history(committed_log.log);
        let is_within = |length| length > usize::from(committed_log.start);
        let is_at_end = position == label.max(window.last());
        if is_at_end || window.length_at(position).is_some_and(is_within) {
            state.ghost.mark(Violation::SnapInVain);
        }
    }

    /// What is acknowledged is on disk.
    fn check_acknowledgement(&self, state: &mut State<N, P>, message: &Message<Flat<N>>) {
        let server = state.server(self.id);
        let (disk, memory) = (&server.disk, server);
        let tree = self.config.history(disk.recovered_tree(self.config));
        // The beginning of an epoch is no transaction, and claims none (D-L0).
        let holds = |zxid: Zxid<u8>| zxid.counter == 0 || tree.length_at(zxid).is_some();
        let durable = if let Message::Ack { zxid } = message {
            holds(*zxid)
        } else if let Message::AckLd { epoch } = message {
            // The second ACK-LD, of UPTODATE, says nothing about what is logged after it.
            let whole = server.phase == Phase::Broadcast || disk.history == memory.history;
            // A cut that may come back is not made.
            let cut = disk.cut.numbers().is_empty();
            disk.current_epoch == *epoch && whole && cut
        } else if let Message::AckEpoch { last_zxid, .. } = message {
            let promised = disk.accepted_epoch == memory.accepted_epoch;
            promised && disk.current_epoch == memory.current_epoch && holds(*last_zxid)
        } else {
            true
        };
        let is_early = server.phase == Phase::Synchronization && !server.program.is_finished();
        if !durable {
            state.ghost.mark(Violation::AckedNotDurable);
        }
        if matches!(message, Message::Ack { .. }) && is_early {
            state.ghost.mark(Violation::AckBeforeAckLd);
        }
    }

    /// No leader tells a learner to cut what is committed and on its disk. (A transaction that
    /// others commit between the TRUNC and the cut is cut too; but this learner's acknowledgement
    /// of it was withdrawn.)
    fn check_truncation(&self, state: &mut State<N, P>, learner: ServerId, zxid: Zxid<u8>) {
        let disk = state.server(learner).disk.recovered_tree(self.config);
        let kept = self.config.history(disk).count_to(zxid);
        if kept < common(&disk, &state.ghost.committed) {
            state.ghost.mark(Violation::CommittedCut);
        }
    }

    /// What is delivered is on disk, and in broadcast it is committed.
    fn check_delivery(&self, state: &mut State<N, P>, zxid: Zxid<u8>) {
        let server = state.server(self.id);
        let durable = self.config.history(server.disk.history).length_at(zxid).is_some();
        let committed = server.phase != Phase::Broadcast || zxid <= server.last_committed;
        if !(durable && committed) {
            state.ghost.mark(Violation::DeliveredEarly);
        }
    }

    /// A follower may refuse its leader's epoch; any other packet that makes it leave is one that no
    /// leader may send.
    fn check_leaving(&self, state: &mut State<N, P>) {
        let Step::Receive { message, .. } = self.step else { return };
        let refused = matches!(message, Message::LeaderInfo { .. } | Message::Notification(_));
        if self.before.role == Role::Following && !refused {
            state.ghost.mark(Violation::BadPacket);
        }
    }

    /// A server that begins to look takes another round (`logicalclock` of `FastLeaderElection`).
    fn check_round(&self, state: &mut State<N, P>) {
        let (before, after) = (self.before, state.server(self.id));
        let begins = before.role != Role::Looking && after.role == Role::Looking;
        if begins && after.round == before.round {
            state.ghost.mark(Violation::RoundStood);
        }
    }

    /// Epochs do not go back.
    fn check_epochs(&self, state: &mut State<N, P>) {
        let (before, after) = (self.before, *state.server(self.id));
        let restarts = matches!(self.step, Step::Crash | Step::Start { .. } | Step::LoseDisk);
        let memory_back = after.accepted_epoch < before.accepted_epoch
            || after.current_epoch < before.current_epoch;
        let disk_back = after.disk.accepted_epoch < before.disk.accepted_epoch
            || after.disk.current_epoch < before.disk.current_epoch;
        let loses_disk = matches!(self.step, Step::LoseDisk);
        if (disk_back && !loses_disk) || (memory_back && !restarts) {
            state.ghost.mark(Violation::EpochWentBack);
        }
    }
}
