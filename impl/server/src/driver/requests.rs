//! What clients want from the leader: writes, syncs, sessions that moved.
//!
//! None of it is the core's business except the bytes of a transaction. An answer needs no
//! bookkeeping for writes: applying the transaction finds its client.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use zab_core::{ConnectionId, Decision, Input, ServerId};
use zab_wire::quorum::{ForwardedRequest, Revalidate, Revalidated};
use zab_wire::{Id, OpCode, PacketType, QuorumPacket, Record as _};

use super::Driver;
use crate::client::Submission;
use crate::error::ServerError;
use crate::zxid::{Zxid, to_wire};

/// Most transactions that are proposed and not committed before clients have to wait
/// (ZooKeeper's `globalOutstandingLimit`).
const OUTSTANDING_MAX: u32 = 1000;

/// What waits for the leader, or at the leader. Forgotten with the role.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// At an established leader: the last zxid that was given out in its epoch.
    proposed: Option<Zxid>,
    /// At the leader: syncs of learners' clients, which wait until this is committed.
    learners: VecDeque<(Zxid, ConnectionId)>,
    /// At a follower: syncs that the leader has not answered.
    asked: VecDeque<oneshot::Sender<i64>>,
    /// Syncs of this server's clients, which wait until this is applied.
    own: VecDeque<(Zxid, oneshot::Sender<i64>)>,
    /// At a follower: who waits to hear whether a session lives.
    revalidations: HashMap<i64, VecDeque<oneshot::Sender<bool>>>,
}

impl Driver {
    /// Whether clients can be given another place in the order.
    pub(super) fn takes_submissions(&self) -> bool {
        match self.state.requests.proposed {
            Some(proposed) => {
                let committed = self.peer.last_committed();
                let counted = if committed.epoch == proposed.epoch { committed.counter } else { 0 };
                proposed.counter - counted < OUTSTANDING_MAX
            }
            None => true,
        }
    }

    /// Notes what was decided in a step.
    pub(super) fn on_decisions(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            match decision {
                Decision::Established { epoch } => {
                    self.state.requests.proposed = Some(Zxid::new(*epoch, 0));
                }
                Decision::Proposed { zxid, .. } => self.state.requests.proposed = Some(*zxid),
                Decision::Looking { .. }
                | Decision::Resent
                | Decision::Elected { .. }
                | Decision::Committed { .. } => {}
            }
        }
    }

    /// A client of this server wants something.
    pub(super) async fn on_submission(
        &mut self,
        submission: Submission,
    ) -> Result<(), ServerError> {
        let leader = self.peer.leader_connection();
        match (submission, leader) {
            (Submission::Write { request, auth }, None) => {
                self.propose(&request, &auth, self.config.id).await
            }
            (Submission::Write { request, auth }, Some(leader)) => {
                self.forward(leader, &request, &auth);
                Ok(())
            }
            (Submission::Sync { done, .. }, None) => {
                if let Some(until) = self.proposed_or(self.peer.applied()) {
                    self.state.requests.own.push_back((until, done));
                    self.complete_syncs();
                }
                Ok(())
            }
            (Submission::Sync { request, auth, done }, Some(leader)) => {
                self.state.requests.asked.push_back(done);
                self.forward(leader, &request, &auth);
                Ok(())
            }
            (Submission::Revalidate { session, timeout_ms, done }, None) => {
                // The client may be gone.
                let _ = done.send(self.service.revalidate(session, timeout_ms, self.config.id));
                Ok(())
            }
            (Submission::Revalidate { session, timeout_ms, done }, Some(leader)) => {
                let waiting = self.state.requests.revalidations.entry(session).or_default();
                waiting.push_back(done);
                let data = Revalidate { session, timeout_ms }.to_bytes();
                let packet = QuorumPacket::with_data(PacketType::Revalidate, -1, data);
                self.send_bytes(leader, packet.to_bytes());
                Ok(())
            }
        }
    }

    /// A client of a learner wants something.
    pub(super) async fn on_forwarded(
        &mut self,
        from: ServerId,
        connection: ConnectionId,
        request: &ForwardedRequest,
        auth: &[Id],
    ) -> Result<(), ServerError> {
        if !self.state.links.contains_key(&connection) {
            return Ok(());
        }
        if request.op_code() == Some(OpCode::Sync) {
            if let Some(until) = self.proposed_or(self.peer.last_committed()) {
                self.state.requests.learners.push_back((until, connection));
                self.complete_syncs();
            }
            return Ok(());
        }
        self.propose(request, auth, from).await
    }

    /// l.3.1, outside of the core: a request becomes the bytes of the next transaction.
    pub(super) async fn propose(
        &mut self,
        request: &ForwardedRequest,
        auth: &[Id],
        origin: ServerId,
    ) -> Result<(), ServerError> {
        let Some(proposed) = self.state.requests.proposed else {
            // Not established, or no leader any more: the sender sees its connection end.
            return Ok(());
        };
        // After the last counter the core leaves the role, whatever the bytes say.
        let next = Zxid::new(proposed.epoch, proposed.counter.saturating_add(1));
        match self.service.prepare(request, auth, origin, to_wire(next)) {
            Some(payload) => self.step(Input::Request { payload: Arc::from(&*payload) }).await,
            None => Ok(()),
        }
    }

    fn forward(&mut self, leader: ConnectionId, request: &ForwardedRequest, auth: &[Id]) {
        let packet = QuorumPacket {
            kind: PacketType::Request,
            zxid: -1,
            data: Some(request.to_bytes()),
            auth: Some(auth.to_vec()),
        };
        self.send_bytes(leader, packet.to_bytes());
    }

    /// At an established leader: the last transaction that it has proposed; this one if there is
    /// none in its epoch.
    fn proposed_or(&self, before: Zxid) -> Option<Zxid> {
        self.state.requests.proposed.map(|last| if last.counter == 0 { before } else { last })
    }

    /// Answers the syncs that need not wait any more.
    pub(super) fn complete_syncs(&mut self) {
        let applied = self.peer.applied();
        self.complete_own_syncs(|until| until <= applied);
        let committed = self.peer.last_committed();
        while let Some((until, connection)) = self.state.requests.learners.front()
            && *until <= committed
        {
            let connection = *connection;
            self.state.requests.learners.pop_front();
            self.answer_sync(connection);
        }
    }

    /// Before the next transaction is applied: answers the syncs of this server's clients that wait
    /// for no later one.
    pub(super) fn complete_syncs_before(&mut self, next: Zxid) {
        self.complete_own_syncs(|until| until < next);
    }

    fn complete_own_syncs(&mut self, is_due: impl Fn(Zxid) -> bool) {
        while self.state.requests.own.front().is_some_and(|(until, _)| is_due(*until)) {
            if let Some((until, done)) = self.state.requests.own.pop_front() {
                // The client may be gone.
                let _ = done.send(to_wire(until));
            }
        }
    }

    /// Before a learner is told that the next transaction is committed: answers the syncs of its
    /// clients that wait for no later one. So it knows what each was to wait for.
    pub(super) fn answer_syncs_before(&mut self, connection: ConnectionId, next: Zxid) {
        let waiting = &mut self.state.requests.learners;
        let before = waiting.len();
        waiting.retain(|(until, learner)| *learner != connection || *until >= next);
        for _ in waiting.len()..before {
            self.answer_sync(connection);
        }
    }

    fn answer_sync(&mut self, connection: ConnectionId) {
        let packet = QuorumPacket::bare(PacketType::Sync, 0);
        self.send_bytes(connection, packet.to_bytes());
    }

    /// At a follower: the leader answered the first sync. What it had committed by then has
    /// arrived before the answer.
    pub(super) fn on_sync_answered(&mut self) {
        if let Some(done) = self.state.requests.asked.pop_front() {
            self.state.requests.own.push_back((self.peer.last_committed(), done));
            self.complete_syncs();
        }
    }

    /// At the leader: a client of a learner goes on with a session.
    pub(super) fn on_revalidate(
        &mut self,
        from: ServerId,
        connection: ConnectionId,
        question: Revalidate,
    ) {
        if self.state.requests.proposed.is_none() {
            return;
        }
        let valid = self.service.revalidate(question.session, question.timeout_ms, from);
        let data = Revalidated { session: question.session, valid }.to_bytes();
        let packet = QuorumPacket::with_data(PacketType::Revalidate, -1, data);
        self.send_bytes(connection, packet.to_bytes());
    }

    /// At a follower: the leader's answer to that.
    pub(super) fn on_revalidated(&mut self, answer: Revalidated) {
        let Some(waiting) = self.state.requests.revalidations.get_mut(&answer.session) else {
            return;
        };
        if let Some(done) = waiting.pop_front() {
            // The client may be gone.
            let _ = done.send(answer.valid);
        }
        if waiting.is_empty() {
            self.state.requests.revalidations.remove(&answer.session);
        }
    }

    /// Queues bytes for a quorum connection, if there still is one.
    pub(super) fn send_bytes(&mut self, connection: ConnectionId, bytes: Bytes) {
        if let Some(learner) = self.state.links.get_mut(&connection)
            && !learner.link.send([bytes])
        {
            self.state.stuck.push(connection);
        }
    }
}
