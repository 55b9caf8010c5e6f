//! Writes on their way: from a client to the driver, and back when the transaction is applied.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use zab_wire::Id;
use zab_wire::quorum::ForwardedRequest;

use super::{Service, Serving, Submission, now_ms};
use crate::client::budget::Room;
use crate::client::expiry::Expiry;
use crate::tree::{Applied, Change, Preparer, Tree};

/// What became of a write.
#[derive(Debug)]
pub(in crate::client) struct Outcome {
    /// Of its transaction.
    pub(in crate::client) zxid: i64,
    /// An error's number, which a newer leader may know and this server may not.
    pub(in crate::client) result: Result<Change, i32>,
    /// What there was right after it, if [`Service::keep_state`] has asked for that.
    pub(in crate::client) state: Option<Box<State>>,
}

/// A write that was handed in.
pub(in crate::client) struct Submitted {
    /// This server's number for it.
    pub(in crate::client) cxid: i32,
    pub(in crate::client) outcome: oneshot::Receiver<Outcome>,
}

/// What there was at one moment. It shares all that has not changed since with what there is now.
#[derive(Debug)]
pub(in crate::client) struct State {
    pub(in crate::client) tree: Tree,
    /// One of those that may be kept.
    _place: OwnedSemaphorePermit,
}

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// Of the last time of serving.
    pub(super) generation: u64,
    /// `None` while clients are not served.
    pub(super) serving: Option<Serving>,
    /// Writes whose transactions were not applied here yet: by session, and by the number under
    /// which this server submitted them.
    pub(super) waiting: HashMap<(i64, i32), Waiting>,
    /// The last such number. The client's own would not do: a session that moves may count from
    /// one again, and then the answer to what it asked at another server looks like the answer to
    /// what it asks here. These begin with the server's id, so that two servers' never meet.
    pub(super) last_cxid: i32,
    /// Only used by a leader.
    pub(super) preparer: Preparer,
    /// Only used by a leader.
    pub(super) expiry: Expiry,
    /// At a leader: when containers were last looked for.
    pub(super) containers_checked: Option<Instant>,
}

/// A write whose transaction was not applied here yet.
#[derive(Debug)]
pub(super) struct Waiting {
    done: oneshot::Sender<Outcome>,
    /// Somebody wants to look at what there is right after it.
    keeps: Option<OwnedSemaphorePermit>,
    /// What it takes of the server's memory, whether its client is still there or not.
    _room: Option<Room>,
}

impl Service {
    /// Hands a write to the driver, which takes this room until it is applied; the receiver gets
    /// what becomes of it. `None`, or a receiver without a sender: serving has stopped.
    pub(in crate::client) async fn write(
        &self,
        serving: Serving,
        (session, op, payload): (i64, i32, Bytes),
        auth: Arc<[Id]>,
        room: Option<Room>,
    ) -> Option<Submitted> {
        let permit = self.submit.reserve().await.ok()?;
        let (done, outcome) = oneshot::channel();
        let cxid = {
            // Under one lock, so that it cannot be registered after serving has stopped, where
            // nothing would clear it.
            let mut writes = self.writes();
            if writes.serving != Some(serving) {
                return None;
            }
            writes.last_cxid = next_cxid(writes.last_cxid);
            let cxid = writes.last_cxid;
            writes.waiting.insert((session, cxid), Waiting { done, keeps: None, _room: room });
            cxid
        };
        let request = ForwardedRequest { session, cxid, op, payload };
        permit.send((serving.generation, Submission::Write { request, auth }));
        Some(Submitted { cxid, outcome })
    }

    /// Asks for what there will be right after a write that was handed in: later reads of its
    /// client are to see that, and not what is written after them. `false`: it is applied already,
    /// or too many states are kept.
    pub(in crate::client) fn keep_state(&self, session: i64, cxid: i32) -> bool {
        let Ok(place) = Arc::clone(&self.kept).try_acquire_owned() else { return false };
        let mut writes = self.writes();
        let waiting = writes.waiting.get_mut(&(session, cxid));
        waiting.map(|waiting| waiting.keeps = Some(place)).is_some()
    }

    /// Hands anything but a write to the driver. `false`: the driver is gone.
    pub(in crate::client) async fn submit(&self, serving: Serving, submission: Submission) -> bool {
        self.submit.send((serving.generation, submission)).await.is_ok()
    }
}

impl Writes {
    /// Whether it was the request of a client of this server. `state` gives what there is now.
    pub(super) fn applied(&mut self, applied: Applied, state: impl FnOnce() -> Tree) -> bool {
        let Applied { header, outcome: result, .. } = applied;
        self.preparer.applied(header.zxid);
        match &result {
            // A leader has these; at a follower nobody asks.
            Ok(Change::SessionCreated { timeout_ms })
                if self.serving.is_some_and(|serving| serving.mode.leads()) =>
            {
                self.expiry.track(header.session, *timeout_ms, Instant::now());
            }
            Ok(Change::SessionClosed) => self.expiry.forget(header.session),
            Ok(_) | Err(_) => {}
        }
        let Some(waiting) = self.waiting.remove(&(header.session, header.cxid)) else {
            return false;
        };
        // The client may be gone; the write stands all the same.
        let state = waiting.keeps.map(|place| Box::new(State { tree: state(), _place: place }));
        let _ = waiting.done.send(Outcome { zxid: header.zxid, result, state });
        true
    }
}

/// Where numbers begin: the server's id, then somewhere, so that what an earlier process of this
/// server submitted is not met again.
pub(super) fn first_cxid(server: u64) -> i32 {
    let [.., id] = server.to_be_bytes();
    let [.., a, b, c] = now_ms().to_be_bytes();
    i32::from_be_bytes([id, a, b, c])
}

/// The next number under the same first byte.
fn next_cxid(last: i32) -> i32 {
    (last & !0x00ff_ffff) | (last.wrapping_add(1) & 0x00ff_ffff)
}
