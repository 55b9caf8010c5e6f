//! Watches of the clients of this server. Source: `WatchManager`, `DataTree`, `WatcherMode`.
//!
//! A watch is set while the tree is looked at, and fires while a transaction is applied; the lock
//! of the tree keeps the two apart. What fires is queued for its connection before anybody can
//! see the change, and a connection sends what is queued before it sends what it sees: so a client
//! hears of a change before it sees it.
//!
//! Memory is bounded: see [`Sizes`]. A read that cannot set its watch fails with
//! [`ErrorCode::ThrottledOp`]; a client that does not read its events loses its connection, and
//! sets its watches again when it comes back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use zab_wire::{ErrorCode, Id};

use crate::mutant::Mutant;
use crate::tree::{EventKind, NodeEvent, Permission, permit};

/// What one watch takes besides its path, about.
const WATCH_OVERHEAD: usize = 128;

/// What one event takes besides its path, about.
const EVENT_OVERHEAD: usize = 64;

/// How much memory watches may take, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// The watches of one connection.
    pub(crate) watches: usize,
    /// The watches of all connections.
    pub(crate) all_watches: usize,
    /// Events that one connection has not been sent yet.
    pub(crate) events: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { watches: 32 << 20, all_watches: 256 << 20, events: 8 << 20 }
    }
}

/// A kind of watch, or several of one client on one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Modes(u8);

impl Modes {
    /// None at all.
    const NONE: Self = Self(0);
    /// Once, when the node is created or deleted or its data changes.
    pub(super) const DATA: Self = Self(1);
    /// Once, when the node is deleted, or a child is created or deleted.
    pub(super) const CHILD: Self = Self(2);
    /// Every time for all of that.
    pub(super) const PERSISTENT: Self = Self(4);
    /// Every time that this node, or one below it, is created or deleted or its data changes.
    pub(super) const RECURSIVE: Self = Self(8);
    /// All of them.
    pub(super) const ANY: Self = Self(15);

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Those that fire when this happens to the very node, and of them those that are over then.
    fn fired_by(kind: EventKind) -> (Self, Self) {
        let lasting = Self::PERSISTENT.and(Self::RECURSIVE);
        match kind {
            EventKind::Created | EventKind::DataChanged => (lasting.and(Self::DATA), Self::DATA),
            EventKind::Deleted => (Self::ANY, Self::DATA.and(Self::CHILD)),
            EventKind::ChildrenChanged => (Self::PERSISTENT.and(Self::CHILD), Self::CHILD),
        }
    }
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    pub(super) path: Arc<str>,
    /// Of the transaction that did it.
    pub(super) zxid: i64,
}

impl Event {
    fn size(&self) -> usize {
        self.path.len() + EVENT_OVERHEAD
    }
}

/// The watches of all connections.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    sizes: Sizes,
    by_path: HashMap<Arc<str>, HashMap<u64, Modes>>,
    watchers: HashMap<u64, Watcher>,
    /// Numbers the watchers.
    last: u64,
    /// How many watches are recursive: without any, nobody looks at the nodes above.
    recursive: usize,
    /// What all watches take.
    bytes: usize,
}

/// One connection.
#[derive(Debug)]
struct Watcher {
    session: i64,
    ids: Arc<[Id]>,
    paths: HashSet<Arc<str>>,
    bytes: usize,
    events: mpsc::UnboundedSender<Event>,
    queued: Arc<AtomicUsize>,
}

/// A connection's place among the watchers, until it is dropped.
#[derive(Debug)]
pub(super) struct Watching {
    number: u64,
    table: Arc<Mutex<Table>>,
    events: mpsc::UnboundedReceiver<Event>,
    /// The first event that is queued, if it was looked at and not taken.
    first: Option<Event>,
    queued: Arc<AtomicUsize>,
}

/// How many watches there are, for `wchs`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) connections: usize,
    pub(crate) paths: usize,
    pub(crate) watches: usize,
}

impl Watches {
    /// With other limits.
    #[cfg(test)]
    pub(super) fn with_sizes(sizes: Sizes) -> Self {
        Self { table: Arc::new(Mutex::new(Table { sizes, ..Table::default() })) }
    }

    /// One more connection, of this session.
    pub(super) fn join(&self, session: i64, ids: Arc<[Id]>) -> Watching {
        let (events, received) = mpsc::unbounded_channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let mut table = self.table();
        table.last += 1;
        let number = table.last;
        let (paths, queued_here) = (HashSet::new(), Arc::clone(&queued));
        let watcher = Watcher { session, ids, paths, bytes: 0, events, queued: queued_here };
        table.watchers.insert(number, watcher);
        Watching { number, table: Arc::clone(&self.table), events: received, first: None, queued }
    }

    /// Tells the watchers what a transaction did. Nobody must see the change before this returns.
    pub(super) fn trigger(&self, events: &[NodeEvent], zxid: i64) {
        if events.is_empty() {
            return;
        }
        let mut table = self.table();
        if table.by_path.is_empty() {
            return;
        }
        for event in events {
            table.fire(event, zxid);
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> Count {
        let table = self.table();
        Count {
            connections: table.watchers.values().filter(|one| !one.paths.is_empty()).count(),
            paths: table.by_path.len(),
            watches: table.by_path.values().map(HashMap::len).sum(),
        }
    }

    /// Every watched path, and the sessions that watch it.
    pub(crate) fn by_path(&self) -> BTreeMap<Arc<str>, Vec<i64>> {
        let table = self.table();
        let sessions = |watchers: &HashMap<u64, Modes>| {
            let numbers = watchers.keys().filter_map(|number| table.watchers.get(number));
            let mut sessions: Vec<i64> = numbers.map(|watcher| watcher.session).collect();
            sessions.sort_unstable();
            sessions
        };
        table.by_path.iter().map(|(path, found)| (Arc::clone(path), sessions(found))).collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watching {
    /// The next event that is queued.
    pub(super) fn try_next(&mut self) -> Option<Event> {
        self.try_next_until(i64::MAX)
    }

    /// The next event that is queued, if its transaction is not later than this.
    pub(super) fn try_next_until(&mut self, zxid: i64) -> Option<Event> {
        if self.first.is_none() && !Mutant::EventAfterAnswer.is_on() {
            self.first = self.events.try_recv().ok();
        }
        let event = self.first.take_if(|event| event.zxid <= zxid)?;
        self.queued.fetch_sub(event.size(), Ordering::Relaxed);
        Some(event)
    }

    /// Waits until an event is queued, and gives the zxid of its transaction; `None` if too many
    /// were not taken. May be dropped while it waits.
    pub(super) async fn ready(&mut self) -> Option<i64> {
        if self.first.is_none() {
            self.first = Some(self.events.recv().await?);
        }
        self.first.as_ref().map(|event| event.zxid)
    }

    /// The client is somebody else too.
    pub(super) fn identify(&self, ids: Arc<[Id]>) {
        if let Some(watcher) = self.table().watchers.get_mut(&self.number) {
            watcher.ids = ids;
        }
    }

    /// Sets watches of this kind.
    pub(super) fn add(&self, path: &str, modes: Modes) -> Result<(), ErrorCode> {
        self.table().add(self.number, path, modes)
    }

    /// Whether a watch of one of these kinds is set.
    pub(super) fn has(&self, path: &str, modes: Modes) -> bool {
        let table = self.table();
        let set = table.by_path.get(path).and_then(|watchers| watchers.get(&self.number));
        set.is_some_and(|set| set.has_any(modes))
    }

    /// Removes watches of these kinds; `false` if none was set.
    pub(super) fn remove(&self, path: &str, modes: Modes) -> bool {
        self.table().remove(self.number, path, modes)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.table().forget(self.number);
    }
}

impl Table {
    fn add(&mut self, number: u64, path: &str, modes: Modes) -> Result<(), ErrorCode> {
        let key = match self.by_path.get_key_value(path) {
            Some((key, _)) => Arc::clone(key),
            None => path.into(),
        };
        // A watcher that is not there any more has a connection that is about to end.
        let Some(watcher) = self.watchers.get_mut(&number) else { return Ok(()) };
        let size = path.len() + WATCH_OVERHEAD;
        if !watcher.paths.contains(&key) {
            if watcher.bytes + size > self.sizes.watches
                || self.bytes + size > self.sizes.all_watches
            {
                return Err(ErrorCode::ThrottledOp);
            }
            watcher.bytes += size;
            self.bytes += size;
            watcher.paths.insert(Arc::clone(&key));
        }
        let set = self.by_path.entry(key).or_default().entry(number).or_insert(Modes::NONE);
        if modes.has_any(Modes::RECURSIVE) && !set.has_any(Modes::RECURSIVE) {
            self.recursive += 1;
        }
        *set = set.and(modes);
        Ok(())
    }

    fn remove(&mut self, number: u64, path: &str, modes: Modes) -> bool {
        let Some(set) = self.by_path.get_mut(path).and_then(|of| of.get_mut(&number)) else {
            return false;
        };
        let had = *set;
        *set = had.without(modes);
        let is_empty = *set == Modes::NONE;
        if had.has_any(Modes::RECURSIVE) && modes.has_any(Modes::RECURSIVE) {
            self.recursive -= 1;
        }
        if is_empty {
            self.clear(number, path);
        }
        had.has_any(modes)
    }

    /// Nothing of this watcher is set on this path any more.
    fn clear(&mut self, number: u64, path: &str) {
        if let Some(watchers) = self.by_path.get_mut(path) {
            watchers.remove(&number);
            if watchers.is_empty() {
                self.by_path.remove(path);
            }
        }
        if let Some(watcher) = self.watchers.get_mut(&number)
            && watcher.paths.remove(path)
        {
            let size = path.len() + WATCH_OVERHEAD;
            watcher.bytes -= size;
            self.bytes -= size;
        }
    }

    fn forget(&mut self, number: u64) {
        let Some(watcher) = self.watchers.remove(&number) else { return };
        self.bytes -= watcher.bytes;
        for path in watcher.paths {
            let Some(watchers) = self.by_path.get_mut(&path) else { continue };
            if watchers.remove(&number).is_some_and(|set| set.has_any(Modes::RECURSIVE)) {
                self.recursive -= 1;
            }
            if watchers.is_empty() {
                self.by_path.remove(&path);
            }
        }
    }

    fn fire(&mut self, event: &NodeEvent, zxid: i64) {
        let (fired, over) = Modes::fired_by(event.kind);
        let over = if Mutant::WatchFiresAgain.is_on() { Modes::NONE } else { over };
        let mut told: Vec<u64> = Vec::new();
        let mut cleared: Vec<u64> = Vec::new();
        if let Some(watchers) = self.by_path.get_mut(&event.path) {
            for (number, set) in watchers.iter_mut().filter(|(_, set)| set.has_any(fired)) {
                told.push(*number);
                *set = set.without(over);
                if *set == Modes::NONE {
                    cleared.push(*number);
                }
            }
        }
        for number in cleared {
            self.clear(number, &event.path);
        }
        if self.recursive > 0 && event.kind != EventKind::ChildrenChanged {
            for above in ancestors(&event.path) {
                let Some(watchers) = self.by_path.get(above) else { continue };
                let all = watchers.iter().filter(|(_, set)| set.has_any(Modes::RECURSIVE));
                told.extend(all.map(|(number, _)| *number));
            }
        }
        told.sort_unstable();
        told.dedup();
        for number in told {
            self.tell(number, event, zxid);
        }
    }

    /// Queues an event, unless its client may not read the node.
    fn tell(&mut self, number: u64, event: &NodeEvent, zxid: i64) {
        let Some(watcher) = self.watchers.get(&number) else { return };
        if Mutant::EventLost.is_on() {
            return;
        }
        if permit(&event.acl, Permission::Read, &watcher.ids).is_err() {
            return;
        }
        let NodeEvent { kind, path, .. } = event;
        let event = Event { kind: *kind, path: Arc::clone(path), zxid };
        let size = event.size();
        let is_full = watcher.queued.load(Ordering::Relaxed) + size > self.sizes.events;
        if is_full || watcher.events.send(event).is_err() {
            // Without its sender, the connection ends when it has sent what is queued.
            self.forget(number);
        } else {
            watcher.queued.fetch_add(size, Ordering::Relaxed);
        }
    }
}

/// The paths of all nodes above one.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        if rest == "/" {
            return None;
        }
        let (above, _) = rest.rsplit_once('/')?;
        rest = if above.is_empty() { "/" } else { above };
        Some(rest)
    })
}

#[cfg(test)]
mod tests;
