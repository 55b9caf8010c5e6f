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
//!                   (SNAP received)     service.install_tree(tree from TreeBuilder)
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
//! | `Sync` | when everything proposed by now is applied here, and before anything later is: `done.send(its zxid)` | REQUEST packet; the leader answers with SYNC (zxid 0, no data) when everything it had proposed is committed and the COMMITs are queued to this follower, before later ones are; then, when those are applied here: `done.send(the zxid of the last)`. SYNCs answer in order. |
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

mod leading;
mod submission;
mod writes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{Semaphore, mpsc, watch};
use zab_core::Phase;

use super::budget::Sizes;
use super::digests::Digests;
use super::limits::{Limits, Stats};
use super::places::Places;
use super::roster::Roster;
use super::watches::Watches;
use crate::config::Config;
use crate::descriptors::Shares;
use crate::session::SessionIds;
use crate::tree::{ApplyError, Change, Preparer, Rules, Tree};
use writes::{Writes, first_cxid};

pub use submission::{Submission, Submissions};
pub(super) use writes::{Outcome, State, Submitted};

/// Most submissions that wait for the driver; clients are not read from while it is reached.
const SUBMISSIONS_MAX: usize = 1024;

/// Most states that are kept at the same time for reads that later writes do not wait for, of all
/// connections: each may hold what has been replaced since.
const KEPT_MAX: usize = 64;

/// Whether this server leads, for `srvr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It leads.
    Leader,
    /// It follows.
    Follower,
    /// It follows, and has no vote.
    Observer,
    /// It is alone: it leads nobody.
    Standalone,
}

impl Mode {
    /// Whether it decides what becomes of requests.
    pub(crate) fn leads(self) -> bool {
        match self {
            Self::Leader | Self::Standalone => true,
            Self::Follower | Self::Observer => false,
        }
    }
}

/// Who is connected to a leader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Learners {
    /// Everybody who is.
    pub connected: usize,
    /// Followers that are synchronized.
    pub followers: usize,
    /// Observers that are synchronized.
    pub observers: usize,
}

/// Where a server stands in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Who leads, perhaps this server.
    pub leader: Option<u64>,
    /// The phase.
    pub phase: Phase,
}

/// A time during which clients are served: from one [`Service::start_serving`] to the next
/// [`Service::stop_serving`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Serving {
    /// Never the same twice in one process.
    pub(super) generation: u64,
    pub(super) mode: Mode,
}

/// What connections and the driver share. See the [module](self).
#[derive(Debug)]
pub struct Service {
    tree: RwLock<Tree>,
    writes: Mutex<Writes>,
    /// Places for [`State`]s.
    kept: Arc<Semaphore>,
    serving: watch::Sender<Option<Serving>>,
    submit: mpsc::Sender<(u64, Submission)>,
    limits: Limits,
    stats: Stats,
    config: Config,
    started: Instant,
    /// At the leader.
    learners: Mutex<Learners>,
    place: Mutex<Place>,
    watches: Watches,
    roster: Roster,
    digests: Digests,
    /// Which connection each session is on.
    pub(super) sessions: Places,
    pub(super) session_ids: SessionIds,
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
            tree: RwLock::new(with_config(tree, config)),
            writes: Mutex::new(Writes { last_cxid: first_cxid(config.id), ..Writes::default() }),
            kept: Arc::new(Semaphore::new(KEPT_MAX)),
            serving,
            submit,
            limits: Limits::new(config, shares, sizes),
            stats: Stats::default(),
            config: config.clone(),
            started: Instant::now(),
            learners: Mutex::default(),
            place: Mutex::new(Place { leader: None, phase: Phase::Election }),
            watches: Watches::default(),
            roster: Roster::default(),
            digests: Digests::default(),
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
        writes.preparer = Preparer::new(Rules {
            extended_types: self.config.extended_types,
            digests: self.config.digests,
            enforce_quota: self.config.enforce_quota,
        });
        writes.expiry = Default::default();
        writes.containers_checked = None;
        if mode.leads() {
            let now = Instant::now();
            self.read(|tree| {
                for (session, timeout_ms) in tree.sessions() {
                    writes.expiry.track(session, timeout_ms, now);
                }
            });
        }
        self.digests.settled();
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
            if self.config.digests {
                self.digests.note(applied.header.zxid, tree.digest(), applied.mismatch);
            }
            // Before anybody can look at the tree.
            self.watches.trigger(&applied.events, applied.header.zxid);
            applied
        };
        let is_closed = applied.outcome == Ok(Change::SessionClosed);
        let session = applied.header.session;
        let is_own = self.writes().applied(applied, || self.read(Tree::clone));
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
        let tree = with_config(tree, &self.config);
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = tree;
    }

    /// Replaces the whole tree by one that a leader has sent.
    ///
    /// # Panics
    /// If clients are served.
    pub fn install_tree(&self, tree: Tree) {
        self.replace_tree(tree);
        self.digests.settle();
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

    /// Changes when serving begins and ends.
    pub(super) fn watch_serving(&self) -> watch::Receiver<Option<Serving>> {
        self.serving.subscribe()
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

    /// At the leader: who is connected.
    pub(crate) fn learners(&self) -> Learners {
        *self.learners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what [`Self::learners`] gives.
    pub(crate) fn show_learners(&self, learners: Learners) {
        *self.learners.lock().unwrap_or_else(PoisonError::into_inner) = learners;
    }

    /// Where this server stands in the protocol.
    pub(crate) fn place(&self) -> Place {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what [`Self::place`] gives.
    pub(crate) fn show_place(&self, place: Place) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    pub(crate) fn watches(&self) -> &Watches {
        &self.watches
    }

    pub(crate) fn digests(&self) -> &Digests {
        &self.digests
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    fn writes(&self) -> MutexGuard<'_, Writes> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tree, and in it what this server knows of the ensemble.
fn with_config(mut tree: Tree, config: &Config) -> Tree {
    if !config.is_standalone() {
        tree.set_config(&config.quorum_text(), now_ms().cast_signed());
    }
    tree
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
