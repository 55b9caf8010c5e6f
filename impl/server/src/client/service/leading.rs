//! What only the leader decides: transactions, sessions that live, what the ensemble itself asks
//! for.

use std::time::Instant;

use bytes::Bytes;
use zab_wire::quorum::ForwardedRequest;
use zab_wire::{Id, OpCode};

use super::{Service, now_ms};
use crate::config::ContainerChecks;
use crate::tree::{Asked, Origin, Tree};

/// Most sessions in one PING; the others are in the next.
const HEARD_MAX: usize = 100_000;

/// Most sessions that are closed in one tick because they expired.
const EXPIRED_MAX: usize = 10_000;

impl Service {
    /// At the leader: the bytes of the transaction that a request becomes.
    ///
    /// `origin` is the server whose client it is, `zxid` the one the core will give to the next
    /// request (epoch in the upper 32 bits). `None` if this server does not serve as the leader;
    /// then the request is dropped.
    pub fn prepare(
        &self,
        request: &ForwardedRequest,
        auth: &[Id],
        origin: Origin,
        zxid: i64,
    ) -> Option<Bytes> {
        let mut writes = self.writes();
        if !writes.serving?.mode.leads() {
            return None;
        }
        let asked = Asked { request, auth, origin };
        let prepare =
            |tree: &Tree| writes.preparer.prepare(tree, &asked, zxid, now_ms().cast_signed());
        Some(self.read(prepare))
    }

    /// At the leader: whether a session lives. If so, it belongs to `origin` from now on, with
    /// this timeout, and what the server it was at before still sends for it is refused.
    pub fn revalidate(&self, session: i64, timeout_ms: i32, origin: Origin) -> bool {
        let mut writes = self.writes();
        let lives = self.read(|tree| writes.preparer.revalidate(tree, session, origin));
        if lives {
            writes.expiry.touch(session, timeout_ms, Instant::now());
        }
        lives
    }

    /// The sessions whose clients have been heard of here since this was last asked, with their
    /// timeouts: the data of a follower's PING.
    pub fn take_heard(&self) -> Vec<(i64, i32)> {
        self.sessions.take_heard(HEARD_MAX)
    }

    /// At the leader: a follower has heard of the clients of these sessions
    /// (`LearnerHandler`, PING).
    pub fn heard(&self, sessions: impl IntoIterator<Item = (i64, i32)>) {
        let (mut writes, now) = (self.writes(), Instant::now());
        for (session, timeout_ms) in sessions {
            writes.expiry.touch(session, timeout_ms, now);
        }
    }

    /// At the leader, at every tick: what the ensemble itself asks for. Sessions that expired are
    /// closed; containers that are empty, and nodes whose time to live is over, are deleted. Each
    /// is given out once. The origin of the requests is [`crate::tree::ENSEMBLE`].
    pub fn chores(&self) -> Vec<ForwardedRequest> {
        let (mut writes, now) = (self.writes(), Instant::now());
        if !writes.serving.is_some_and(|serving| serving.mode.leads()) {
            // Whom a follower has heard of is for its leader to be told.
            return Vec::new();
        }
        for (session, timeout_ms) in self.sessions.take_heard(usize::MAX) {
            writes.expiry.touch(session, timeout_ms, now);
        }
        let request = |session, op: OpCode, payload| ForwardedRequest {
            session,
            cxid: 0,
            op: op.number(),
            payload,
        };
        let expired = writes.expiry.take_expired(now, EXPIRED_MAX);
        let mut chores: Vec<ForwardedRequest> = expired
            .into_iter()
            .map(|session| request(session, OpCode::CloseSession, Bytes::new()))
            .collect();
        let ContainerChecks { interval, max_per_minute } = self.config.containers;
        let since = *writes.containers_checked.get_or_insert(now);
        if now.duration_since(since) >= interval {
            writes.containers_checked = Some(now);
            let mut paths = self.read(|tree| tree.expired_nodes(now_ms().cast_signed()));
            let minutes = interval.as_millis().max(1).div_ceil(60_000);
            paths.truncate(max_per_minute.saturating_mul(usize::try_from(minutes).unwrap_or(1)));
            let delete = |path: String| request(0, OpCode::DeleteContainer, path.into());
            chores.extend(paths.into_iter().map(delete));
        }
        chores
    }

    /// At the leader: every session and in how many milliseconds it expires, for `dump`.
    pub(crate) fn expiring(&self) -> Vec<(u128, i64)> {
        let now = Instant::now();
        let until = |at: Instant| at.saturating_duration_since(now).as_millis();
        self.writes().expiry.iter().map(|(at, session)| (until(at), session)).collect()
    }
}
