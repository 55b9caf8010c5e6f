//! The znode tree: a pure state machine that applies *transactions*, not requests.
//!
//! Two servers that applied the same transactions hold the same tree, to the last field of every
//! `Stat`: a transaction carries what the leader decided (the version afterwards, the parent's
//! `cversion`, the time, the error), and applying it decides nothing. The semantics are those of
//! ZooKeeper's `DataTree`.

use std::sync::Arc;

use bytes::Bytes;
use zab_wire::{Acl, ErrorCode, Id, Stat, StatPersisted};

mod acl;
mod admit;
mod apply;
mod digest;
mod event;
mod ops;
mod path;
mod pieces;
mod prepare;
mod quota;
mod snapshot;
#[cfg(test)]
mod tests;

pub use acl::Permission;
pub(crate) use acl::permit;
pub(crate) use admit::TTL_MAX;
pub use admit::{ApplyError, Fault, check};
pub use apply::{Applied, Change, PartOutcome};
pub use digest::Mismatch;
pub(crate) use digest::VERSION as DIGEST_VERSION;
pub use event::{EventKind, NodeEvent};
pub use pieces::Pieces;
pub use prepare::{Asked, ENSEMBLE, Origin, Preparer, Rules};
pub use snapshot::{SnapshotError, TreeBuilder};

use acl::AclTable;

/// Everything that transactions change: nodes, their access control lists, sessions.
///
/// A clone shares everything with its original until one of the two changes it, so that it is
/// cheap whatever the size: that is how a leader sends a snapshot while it goes on.
#[derive(Debug, Clone)]
pub struct Tree {
    /// By full path; the root's is empty.
    nodes: imbl::HashMap<Arc<str>, Arc<Node>>,
    acls: AclTable,
    /// Timeout in milliseconds of every session that lives.
    sessions: imbl::OrdMap<i64, i32>,
    /// Paths of the ephemeral nodes of each session that has any.
    ephemerals: imbl::OrdMap<i64, imbl::OrdSet<Arc<str>>>,
    /// Containers, and nodes with a time to live: the leader deletes them one day.
    expiring: imbl::OrdSet<Arc<str>>,
    /// The paths that have limits; see [`quota`].
    quotas: imbl::OrdSet<Arc<str>>,
    /// Bytes of all paths and all data.
    data_bytes: usize,
    /// The sum over all nodes; see [`digest`].
    digest: i64,
    /// What the transaction that is being applied did.
    events: Vec<NodeEvent>,
    /// The last transaction that was applied.
    last_zxid: i64,
}

/// One node.
#[derive(Debug, Clone)]
struct Node {
    data: Option<Bytes>,
    /// Key into the table of lists.
    acl: i64,
    /// `cversion` counts created children only.
    stat: StatPersisted,
    /// [`digest::content`] of its path and data.
    content: u32,
    /// Names of the children.
    children: imbl::OrdSet<Arc<str>>,
}

impl Node {
    fn new(path: &str, data: Option<Bytes>, acl: i64, stat: StatPersisted) -> Self {
        let content = digest::content(path, data.as_deref());
        Self { data, acl, stat, content, children: imbl::OrdSet::new() }
    }

    /// What clients are told. The reported `cversion` counts creations and deletions of children:
    /// of those created, all that are not there any more were deleted.
    fn stat(&self) -> Stat {
        let stored = self.stat;
        let num_children = as_i32(self.children.len());
        Stat {
            czxid: stored.czxid,
            mzxid: stored.mzxid,
            ctime: stored.ctime,
            mtime: stored.mtime,
            version: stored.version,
            cversion: stored.cversion.wrapping_mul(2).wrapping_sub(num_children),
            aversion: stored.aversion,
            // The marks of other kinds of nodes are not shown (`DataNode.copyStat`).
            ephemeral_owner: match stored.ephemeral_owner {
                owner if is_ephemeral(owner) => owner,
                _ => 0,
            },
            data_length: as_i32(length_of(&self.data)),
            num_children,
            pzxid: stored.pzxid,
        }
    }
}

/// The owner of a container node.
const CONTAINER_OWNER: i64 = i64::MIN;

/// Nodes of ZooKeeper itself, which stay.
const SPECIAL: [&str; 4] = ["", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"];

/// Whether a node's owner is a session; the field also marks containers, and nodes with a time to
/// live (top byte 0xff, which no server's sessions have: see `Config::id`).
fn is_ephemeral(owner: i64) -> bool {
    owner != 0 && owner != CONTAINER_OWNER && owner.cast_unsigned() >> 56 != 0xff
}

/// The owner of a node with a time to live, as it is stored.
fn ttl_owner(ttl: i64) -> i64 {
    0xff_i64 << 56 | ttl
}

/// Of a node with a time to live, that time in milliseconds.
fn ttl_of(owner: i64) -> i64 {
    owner & TTL_MAX
}

/// Bytes of data.
fn length_of(data: &Option<Bytes>) -> usize {
    data.as_ref().map_or(0, Bytes::len)
}

fn str_of(paths: &imbl::OrdSet<Arc<str>>) -> impl Iterator<Item = &str> {
    paths.iter().map(|path| &**path)
}

/// A count as clients see it.
fn as_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl Default for Tree {
    /// The tree before the first transaction: the root and ZooKeeper's own three nodes.
    fn default() -> Self {
        let mut tree = Self::empty();
        for path in ["", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"] {
            let node = Node::new(path, Some(Bytes::new()), acl::OPEN, StatPersisted::default());
            tree.enter(&path.into(), node);
            if let Some((parent, name)) = path::split(path) {
                tree.change(parent, |parent| parent.children.insert(name.into()));
            }
        }
        // As in ZooKeeper: what the ensemble is, is not for clients to write.
        let read_only = [Acl { perms: Permission::Read as i32, ..Acl::open().remove(0) }];
        let read_only = tree.acls.acquire(&read_only);
        tree.change("/zookeeper/config", |config| config.acl = read_only);
        tree
    }
}

impl Tree {
    /// Writes what the ensemble is into `/zookeeper/config`. Every server does so by itself, in no
    /// transaction (`ZKDatabase.initConfigInZKDatabase`).
    pub(crate) fn set_config(&mut self, text: &str, time_ms: i64) {
        let data = Bytes::copy_from_slice(text.as_bytes());
        let before = self.change("/zookeeper/config", |node| {
            node.content = digest::content("/zookeeper/config", Some(&data));
            // The version of the ensemble is the zxid that made it what it is: none did.
            (node.stat.version, node.stat.mzxid, node.stat.mtime) = (-1, 0, time_ms);
            length_of(&node.data.replace(data))
        });
        self.data_bytes += before.map_or(0, |_| text.len());
        self.data_bytes -= before.unwrap_or(0);
    }

    /// Not even a root: for a snapshot to fill.
    fn empty() -> Self {
        Self {
            nodes: imbl::HashMap::new(),
            acls: AclTable::default(),
            sessions: imbl::OrdMap::new(),
            ephemerals: imbl::OrdMap::new(),
            expiring: imbl::OrdSet::new(),
            quotas: imbl::OrdSet::new(),
            data_bytes: 0,
            digest: 0,
            events: Vec::new(),
            last_zxid: 0,
        }
    }

    /// Zxid of the last transaction that was applied, 0 before the first.
    #[must_use]
    pub fn last_zxid(&self) -> i64 {
        self.last_zxid
    }

    /// Number of nodes, the root included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Bytes of all paths and all data (`approximateDataSize`).
    #[must_use]
    pub fn data_bytes(&self) -> usize {
        self.data_bytes
    }

    /// The digest of all nodes.
    #[must_use]
    pub fn digest(&self) -> i64 {
        self.digest
    }

    /// Timeout of a session in milliseconds; `None` if there is no such session.
    #[must_use]
    pub fn session_timeout_ms(&self, session: i64) -> Option<i32> {
        self.sessions.get(&session).copied()
    }

    /// Number of sessions.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Every session, and its timeout in milliseconds.
    pub fn sessions(&self) -> impl Iterator<Item = (i64, i32)> {
        self.sessions.iter().map(|(session, timeout_ms)| (*session, *timeout_ms))
    }

    /// Every session that has ephemeral nodes, and their paths.
    pub fn ephemerals(&self) -> impl Iterator<Item = (i64, impl Iterator<Item = &str>)> {
        let paths = |(session, paths): (&i64, _)| (*session, str_of(paths));
        self.ephemerals.iter().map(paths)
    }

    /// Paths of a session's ephemeral nodes, in order.
    pub fn ephemerals_of(&self, session: i64) -> impl Iterator<Item = &str> {
        self.ephemerals.get(&session).into_iter().flat_map(str_of)
    }

    /// What is known of a node.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`].
    pub fn stat(&self, path: &str) -> Result<Stat, ErrorCode> {
        self.node(path).map(Node::stat)
    }

    /// Data of a node, and what is known of it.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`].
    pub fn data(&self, path: &str) -> Result<(Option<Bytes>, Stat), ErrorCode> {
        let node = self.node(path)?;
        Ok((node.data.clone(), node.stat()))
    }

    /// Names of a node's children in alphabetical order, and what is known of the node.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`].
    pub fn children(&self, path: &str) -> Result<(Vec<String>, Stat), ErrorCode> {
        let node = self.node(path)?;
        Ok((node.children.iter().map(|name| name.to_string()).collect(), node.stat()))
    }

    /// How many nodes there are below one.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`].
    pub fn descendants(&self, path: &str) -> Result<usize, ErrorCode> {
        let top = path::normal(path);
        self.node(top)?;
        if top.is_empty() {
            return Ok(self.nodes.len() - 1);
        }
        let mut count = 0;
        let mut open = vec![top.to_owned()];
        while let Some(path) = open.pop() {
            let Some(node) = self.nodes.get(path.as_str()) else { continue };
            count += node.children.len();
            open.extend(node.children.iter().map(|name| format!("{path}/{name}")));
        }
        Ok(count)
    }

    /// A node's list, which is empty if the table lacks it, so that nothing is permitted.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`].
    pub fn list(&self, path: &str) -> Result<Arc<[Acl]>, ErrorCode> {
        self.node(path).map(|node| self.acl(node))
    }

    /// Whether somebody with these identities has a permission at a node.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`]; [`ErrorCode::NoAuth`].
    pub fn permit(&self, path: &str, permission: Permission, ids: &[Id]) -> Result<(), ErrorCode> {
        let node = self.node(path)?;
        if node.acl == acl::OPEN {
            return Ok(());
        }
        permit(&self.acl(node), permission, ids)
    }

    /// Nodes without children whose time is over: containers that had children, and nodes whose
    /// data has not changed for their time to live (`ContainerManager.getCandidates`).
    #[must_use]
    pub fn expired_nodes(&self, time_ms: i64) -> Vec<String> {
        let is_over = |path: &&Arc<str>| {
            let Some(node) = self.nodes.get(&**path) else { return false };
            let owner = node.stat.ephemeral_owner;
            let is_over = if owner == CONTAINER_OWNER {
                node.stat.cversion > 0
            } else {
                time_ms.saturating_sub(node.stat.mtime) > ttl_of(owner)
            };
            is_over && node.children.is_empty()
        };
        self.expiring.iter().filter(is_over).map(|path| path.to_string()).collect()
    }

    fn node(&self, path: &str) -> Result<&Node, ErrorCode> {
        self.nodes.get(path::normal(path)).map(|node| &**node).ok_or(ErrorCode::NoNode)
    }

    /// Changes the node under a key, which is of its own from now on if it was shared. `None`: there
    /// is none.
    fn change<R>(&mut self, key: &str, change: impl FnOnce(&mut Node) -> R) -> Option<R> {
        let node = Arc::make_mut(self.nodes.get_mut(key)?);
        let before = digest::of(key, node.content, &node.stat);
        let done = change(node);
        let after = digest::of(key, node.content, &node.stat);
        self.digest = self.digest.wrapping_sub(before).wrapping_add(after);
        Some(done)
    }

    /// Enters a node, which its parent knows already.
    fn enter(&mut self, path: &Arc<str>, node: Node) {
        let owner = node.stat.ephemeral_owner;
        if is_ephemeral(owner) {
            self.ephemerals.entry(owner).or_default().insert(Arc::clone(path));
        } else if owner != 0 {
            self.expiring.insert(Arc::clone(path));
        }
        self.data_bytes += path.len() + length_of(&node.data);
        self.digest = self.digest.wrapping_add(digest::of(path, node.content, &node.stat));
        self.nodes.insert(Arc::clone(path), Arc::new(node));
    }

    /// Takes a node out; its parent still knows it.
    fn leave(&mut self, path: &str) -> Option<(Arc<str>, Arc<Node>)> {
        let (path, node) = self.nodes.remove_with_key(path)?;
        let owner = node.stat.ephemeral_owner;
        if is_ephemeral(owner) {
            if let Some(paths) = self.ephemerals.get_mut(&owner) {
                paths.remove(&path);
                if paths.is_empty() {
                    self.ephemerals.remove(&owner);
                }
            }
        } else if owner != 0 {
            self.expiring.remove(&path);
        }
        self.data_bytes -= path.len() + length_of(&node.data);
        self.digest = self.digest.wrapping_sub(digest::of(&path, node.content, &node.stat));
        Some((path, node))
    }

    /// A node's list; empty if the table lacks it, so that nothing is permitted.
    fn acl(&self, node: &Node) -> Arc<[Acl]> {
        self.acls.list(node.acl)
    }
}
