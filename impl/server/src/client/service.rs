//! The seam between the client port and the driver.
//!
//! The driver owns the protocol core. It *takes* what clients want changed from [`Submissions`],
//! and *tells* the [`Service`] what the protocol decided:
//!
//! ```text
//! let (service, submissions) = Service::new(&config, shares, tree);  // the tree holds the whole log
//! tokio::spawn(Arc::clone(&service).listen(listener));
//!
//! Effects.deliver   Commit, CatchUp     service.apply(&txn.payload)?
//!                   Rebuild             service.replace_tree(tree read again from disk)
//!                   (SNAP received)     service.replace_tree(tree from TreeBuilder)
//!                   (SNAP to send)      service.read(Tree::clone)
//! f.2.2             follower            service.start_serving(Mode::Follower)
//! l.2.2             leader, once its whole initial history is applied
//!                                       service.start_serving(Mode::Leader)
//! zk.fle.leave_role                     service.stop_serving()
//! ```
//!
//! What to do with a [`Submission`]:
//!
//! | | at the leader | at a follower |
//! |---|---|---|
//! | `Write` | `service.prepare(&request, own id, next zxid)`, and the bytes are `Input::Request` | REQUEST packet: the request as data, `auth` as identities |
//! | `Sync` | when everything proposed by now is applied here: `done.send(())` | REQUEST packet; the leader answers with SYNC (zxid 0, no data) when everything it had proposed is committed and the COMMITs are queued to this follower; then, when those are applied here: `done.send(())`. SYNCs answer in order. |
//! | `Revalidate` | `done.send(service.revalidate(session, own id))` | REVALIDATE packet; the answer's flag: `done.send(valid)` |
//!
//! A REQUEST from a follower is the same at the leader with the follower's id in place of the
//! own one. **Every submission must come to its end, or serving must stop**: a session's later
//! answers wait for it. There is no other way to fail a submission.
//!
//! The answer to a write needs no call: [`Service::apply`] finds the client whose request the
//! transaction was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use zab_wire::Id;
use zab_wire::quorum::ForwardedRequest;

use super::budget::{Room, Sizes};
use super::limits::{Limits, Stats};
use super::places::Places;
use crate::config::Config;
use crate::descriptors::Shares;
use crate::session::SessionIds;
use crate::tree::{Applied, ApplyError, Change, Origin, Preparer, Tree};

/// Most submissions that wait for the driver; clients are not read from while it is reached.
const SUBMISSIONS_MAX: usize = 1024;

/// Whether this server leads, for `srvr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It leads.
    Leader,
    /// It follows.
    Follower,
}

/// A time during which clients are served: from one [`Service::start_serving`] to the next
/// [`Service::stop_serving`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Serving {
    /// Never the same twice in one process.
    pub(super) generation: u64,
    pub(super) mode: Mode,
}

/// Something that a client wants and that needs the leader.
#[derive(Debug)]
pub enum Submission {
    /// A change: `Create`, `Create2`, `Delete`, `SetData`, `CreateSession`, `CloseSession`.
    Write {
        /// The data of a REQUEST packet. Its `cxid` is this server's number, not the client's.
        request: ForwardedRequest,
        /// Who the client is: the identities of a REQUEST packet.
        auth: Vec<Id>,
    },
    /// Bring this server's tree up to the leader's.
    Sync {
        /// The data of a REQUEST packet.
        request: ForwardedRequest,
        /// Who the client is: the identities of a REQUEST packet.
        auth: Vec<Id>,
        /// To be told when that is so.
        done: oneshot::Sender<()>,
    },
    /// A client came back with a session; does it live, and may this server have it?
    Revalidate {
        /// The session.
        session: i64,
        /// Its timeout in milliseconds.
        timeout_ms: i32,
        /// To be told the answer.
        done: oneshot::Sender<bool>,
    },
}

/// What became of a write.
#[derive(Debug)]
pub(super) struct Outcome {
    /// An error's number, which a newer leader may know and this server may not.
    pub(super) result: Result<Change, i32>,
}

/// What clients submit, in an order that keeps each session's.
#[derive(Debug)]
pub struct Submissions {
    queue: mpsc::Receiver<(u64, Submission)>,
    serving: watch::Receiver<Option<Serving>>,
}

impl Submissions {
    /// The next submission; those from before the last [`Service::stop_serving`] are left out,
    /// since their clients are gone. Waits until there is one. May be dropped while it waits.
    pub async fn next(&mut self) -> Submission {
        loop {
            match self.queue.recv().await {
                Some((generation, submission)) if self.is_current(generation) => return submission,
                Some(_) => {}
                // The service is gone, and nobody can submit any more.
                None => std::future::pending().await,
            }
        }
    }

    /// The next submission if one waits already.
    pub fn try_next(&mut self) -> Option<Submission> {
        loop {
            let (generation, submission) = self.queue.try_recv().ok()?;
            if self.is_current(generation) {
                return Some(submission);
            }
        }
    }

    fn is_current(&self, generation: u64) -> bool {
        self.serving.borrow().is_some_and(|serving| serving.generation == generation)
    }
}

/// What connections and the driver share. See the [module](self).
#[derive(Debug)]
pub struct Service {
    tree: RwLock<Tree>,
    writes: Mutex<Writes>,
    serving: watch::Sender<Option<Serving>>,
    submit: mpsc::Sender<(u64, Submission)>,
    limits: Limits,
    stats: Stats,
    /// Which connection each session is on.
    pub(super) sessions: Places,
    pub(super) session_ids: SessionIds,
}

/// What is on its way.
#[derive(Debug, Default)]
struct Writes {
    /// Of the last time of serving.
    generation: u64,
    /// `None` while clients are not served.
    serving: Option<Serving>,
    /// Writes whose transactions were not applied here yet: by session, and by the number under
    /// which this server submitted them.
    waiting: HashMap<(i64, i32), Waiting>,
    /// The last such number. The client's own would not do: a session that moves may count from
    /// one again, and then the answer to what it asked at another server looks like the answer to
    /// what it asks here. These begin with the server's id, so that two servers' never meet.
    last_cxid: i32,
    /// Only used by a leader.
    preparer: Preparer,
}

/// A write whose transaction was not applied here yet.
#[derive(Debug)]
struct Waiting {
    done: oneshot::Sender<Outcome>,
    /// What it takes of the server's memory, whether its client is still there or not.
    _room: Option<Room>,
}

impl Service {
    /// A service that does not serve yet. `tree` must hold what is in the snapshot and the log.
    #[must_use]
    pub(crate) fn new(config: &Config, shares: Shares, tree: Tree) -> (Arc<Self>, Submissions) {
        Self::with_sizes(config, shares, tree, Sizes::default())
    }

    /// As [`Self::new`], and clients may take this much memory.
    pub(super) fn with_sizes(
        config: &Config,
        shares: Shares,
        tree: Tree,
        sizes: Sizes,
    ) -> (Arc<Self>, Submissions) {
        let (submit, queue) = mpsc::channel(SUBMISSIONS_MAX);
        let serving = watch::Sender::new(None);
        let submissions = Submissions { queue, serving: serving.subscribe() };
        let service = Self {
            tree: RwLock::new(tree),
            writes: Mutex::new(Writes { last_cxid: first_cxid(config.id), ..Writes::default() }),
            serving,
            submit,
            limits: Limits::new(config, shares, sizes),
            stats: Stats::default(),
            sessions: Places::default(),
            session_ids: SessionIds::new(config.id, now_ms()),
        };
        (Arc::new(service), submissions)
    }

    /// Begins to serve clients. A leader calls it when its whole initial history is applied, and
    /// prepares nothing before.
    pub fn start_serving(&self, mode: Mode) {
        let mut writes = self.writes();
        writes.generation += 1;
        writes.preparer = Preparer::default();
        writes.waiting.clear();
        writes.serving = Some(Serving { generation: writes.generation, mode });
        self.serving.send_replace(writes.serving);
    }

    /// Stops serving: every client connection is closed, and what clients still wait for is
    /// given up. Their sessions live on. Does nothing if clients are not served.
    pub fn stop_serving(&self) {
        let mut writes = self.writes();
        writes.serving = None;
        writes.waiting.clear();
        self.serving.send_replace(None);
    }

    /// Applies a transaction and answers the client whose request it was, if it is here.
    ///
    /// # Errors
    /// See [`ApplyError`]: the process must end.
    pub fn apply(&self, transaction: &[u8]) -> Result<(), ApplyError> {
        let applied =
            self.tree.write().unwrap_or_else(PoisonError::into_inner).apply(transaction)?;
        self.writes().applied(applied);
        Ok(())
    }

    /// Replaces the whole tree: the history was cut, or a snapshot came.
    ///
    /// # Panics
    /// If clients are served: they would see the past.
    pub fn replace_tree(&self, tree: Tree) {
        let writes = self.writes();
        assert!(writes.serving.is_none());
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = tree;
    }

    /// Looks at the tree, whether clients are served or not. Applying waits meanwhile.
    pub fn read<R>(&self, look: impl FnOnce(&Tree) -> R) -> R {
        look(&self.tree.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the tree on behalf of a client. `None`: serving has stopped, and the tree may
    /// already hold what is not committed, or be the past.
    pub(super) fn look<R>(&self, serving: Serving, look: impl FnOnce(&Tree) -> R) -> Option<R> {
        // The driver stops serving before it changes the tree like that, and cannot change it
        // before the look is over.
        self.read(|tree| (*self.serving.borrow() == Some(serving)).then(|| look(tree)))
    }

    /// At the leader: the bytes of the transaction that a request becomes.
    ///
    /// `origin` is the server whose client it is, `zxid` the one the core will give to the next
    /// request (epoch in the upper 32 bits). `None` if this server does not serve as the leader;
    /// then the request is dropped.
    pub fn prepare(&self, request: &ForwardedRequest, origin: Origin, zxid: i64) -> Option<Bytes> {
        let mut writes = self.writes();
        if writes.serving?.mode != Mode::Leader {
            return None;
        }
        let prepare = |tree: &Tree| {
            writes.preparer.prepare(tree, request, origin, zxid, now_ms().cast_signed())
        };
        Some(self.read(prepare))
    }

    /// At the leader: whether a session lives. If so, it belongs to `origin` from now on, and
    /// what the server it was at before still sends for it is refused.
    pub fn revalidate(&self, session: i64, origin: Origin) -> bool {
        let mut writes = self.writes();
        self.read(|tree| writes.preparer.revalidate(tree, session, origin))
    }

    /// Changes when serving begins and ends.
    pub(super) fn watch_serving(&self) -> watch::Receiver<Option<Serving>> {
        self.serving.subscribe()
    }

    /// Hands a write to the driver, which takes this room until it is applied; the receiver gets
    /// what becomes of it. `None`, or a receiver without a sender: serving has stopped.
    pub(super) async fn write(
        &self,
        serving: Serving,
        (session, op, payload): (i64, i32, Bytes),
        auth: Vec<Id>,
        room: Option<Room>,
    ) -> Option<oneshot::Receiver<Outcome>> {
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
            writes.waiting.insert((session, cxid), Waiting { done, _room: room });
            cxid
        };
        let request = ForwardedRequest { session, cxid, op, payload };
        permit.send((serving.generation, Submission::Write { request, auth }));
        Some(outcome)
    }

    /// Hands anything but a write to the driver. `false`: the driver is gone.
    pub(super) async fn submit(&self, serving: Serving, submission: Submission) -> bool {
        self.submit.send((serving.generation, submission)).await.is_ok()
    }

    /// Whether this server leads; `None` if it does not serve clients.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.serving.borrow().map(|serving| serving.mode)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writes {
    fn applied(&mut self, applied: Applied) {
        let Applied { header, outcome: result } = applied;
        self.preparer.applied(header.zxid);
        if let Some(waiting) = self.waiting.remove(&(header.session, header.cxid)) {
            // The client may be gone; the write stands all the same.
            let _ = waiting.done.send(Outcome { result });
        }
    }
}

/// Where numbers begin: the server's id, then somewhere, so that what an earlier process of this
/// server submitted is not met again.
fn first_cxid(server: u64) -> i32 {
    let [.., id] = server.to_be_bytes();
    let [.., a, b, c] = now_ms().to_be_bytes();
    i32::from_be_bytes([id, a, b, c])
}

/// The next number under the same first byte.
fn next_cxid(last: i32) -> i32 {
    (last & !0x00ff_ffff) | (last.wrapping_add(1) & 0x00ff_ffff)
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
