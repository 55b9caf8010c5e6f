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
//! | `Revalidate` | `done.send(service.revalidate(session, timeout, own id))` | REVALIDATE packet; the answer's flag: `done.send(valid)` |
//!
//! A REQUEST from a follower is the same at the leader with the follower's id in place of the
//! own one. **Every submission must come to its end, or serving must stop**: a session's later
//! answers wait for it. There is no other way to fail a submission.
//!
//! Sessions: a follower tells the leader with every PING which ones it has heard of
//! ([`Service::take_heard`]), which the leader notes ([`Service::heard`]); and at every tick the
//! leader proposes what [`Service::chores`] gives it.
//!
//! The answer to a write needs no call: [`Service::apply`] finds the client whose request the
//! transaction was.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};
use zab_wire::quorum::ForwardedRequest;
use zab_wire::{Id, OpCode};

use super::budget::{Room, Sizes};
use super::expiry::Expiry;
use super::limits::{Limits, Stats};
use super::places::Places;
use super::roster::Roster;
use super::watches::Watches;
use crate::config::{Config, ContainerChecks};
use crate::descriptors::Shares;
use crate::session::SessionIds;
use crate::tree::{Applied, ApplyError, Asked, Change, Origin, Preparer, Rules, Tree};

/// Most submissions that wait for the driver; clients are not read from while it is reached.
const SUBMISSIONS_MAX: usize = 1024;

/// Most sessions in one PING; the others are in the next.
const HEARD_MAX: usize = 100_000;

/// Most sessions that are closed in one tick because they expired.
const EXPIRED_MAX: usize = 10_000;

/// Whether this server leads, for `srvr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It leads.
    Leader,
    /// It follows.
    Follower,
    /// It is alone: it leads nobody.
    Standalone,
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
    /// A change of the tree, or of the sessions.
    Write {
        /// The data of a REQUEST packet. Its `cxid` is this server's number, not the client's.
        request: ForwardedRequest,
        /// Who the client is: the identities of a REQUEST packet.
        auth: Arc<[Id]>,
    },
    /// Bring this server's tree up to the leader's.
    Sync {
        /// The data of a REQUEST packet.
        request: ForwardedRequest,
        /// Who the client is: the identities of a REQUEST packet.
        auth: Arc<[Id]>,
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
    config: Config,
    started: Instant,
    /// At the leader: learners that are connected, and those of them that are synchronized.
    learners: (AtomicUsize, AtomicUsize),
    watches: Watches,
    roster: Roster,
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
    /// Only used by a leader.
    expiry: Expiry,
    /// At a leader: when containers were last looked for.
    containers_checked: Option<Instant>,
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
            config: config.clone(),
            started: Instant::now(),
            learners: Default::default(),
            watches: Watches::default(),
            roster: Roster::default(),
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
        writes.preparer = Preparer::new(Rules { extended_types: self.config.extended_types });
        writes.expiry = Expiry::default();
        writes.containers_checked = None;
        if mode != Mode::Follower {
            let now = Instant::now();
            self.read(|tree| {
                for (session, timeout_ms) in tree.sessions() {
                    writes.expiry.track(session, timeout_ms, now);
                }
            });
        }
        // Nobody cares who was heard of at another time.
        self.sessions.take_heard(usize::MAX);
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
        let applied = {
            let mut tree = self.tree.write().unwrap_or_else(PoisonError::into_inner);
            let applied = tree.apply(transaction)?;
            // Before anybody can look at the tree.
            self.watches.trigger(&applied.events, applied.header.zxid);
            applied
        };
        let is_closed = applied.outcome == Ok(Change::SessionClosed);
        let session = applied.header.session;
        let is_own = self.writes().applied(applied);
        if is_closed && !is_own {
            // It expired. A client that closes its session itself waits for the answer.
            self.sessions.end(session);
        }
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
    pub fn prepare(
        &self,
        request: &ForwardedRequest,
        auth: &[Id],
        origin: Origin,
        zxid: i64,
    ) -> Option<Bytes> {
        let mut writes = self.writes();
        if writes.serving?.mode == Mode::Follower {
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
        if writes.serving.is_none_or(|serving| serving.mode == Mode::Follower) {
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
        auth: Arc<[Id]>,
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

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// At the leader: how many learners are connected, and how many of them are synchronized.
    pub(crate) fn learners(&self) -> (usize, usize) {
        (self.learners.0.load(Ordering::Relaxed), self.learners.1.load(Ordering::Relaxed))
    }

    /// Tells what [`Self::learners`] gives.
    pub(crate) fn show_learners(&self, connected: usize, synced: usize) {
        self.learners.0.store(connected, Ordering::Relaxed);
        self.learners.1.store(synced, Ordering::Relaxed);
    }

    pub(crate) fn watches(&self) -> &Watches {
        &self.watches
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writes {
    /// Whether it was the request of a client of this server.
    fn applied(&mut self, applied: Applied) -> bool {
        let Applied { header, outcome: result, events: _ } = applied;
        self.preparer.applied(header.zxid);
        match &result {
            // A leader has these; at a follower nobody asks.
            Ok(Change::SessionCreated { timeout_ms })
                if self.serving.is_some_and(|serving| serving.mode != Mode::Follower) =>
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
        let _ = waiting.done.send(Outcome { result });
        true
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
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
