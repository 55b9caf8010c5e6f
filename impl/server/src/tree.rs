//! The znode tree: a pure state machine that applies *transactions*, not requests.
//!
//! Two servers that applied the same transactions hold the same tree, to the last field of every
//! `Stat`: a transaction carries what the leader decided (the version afterwards, the parent's
//! `cversion`, the time, the error), and applying it decides nothing. The semantics are those of
//! ZooKeeper's `DataTree`.

use std::sync::Arc;

use bytes::Bytes;
use zab_wire::{Acl, ErrorCode, Stat, StatPersisted};

mod acl;
mod admit;
mod apply;
mod ops;
mod path;
mod pieces;
mod prepare;
mod snapshot;
#[cfg(test)]
mod tests;

pub use acl::Permission;
pub use admit::{ApplyError, Fault, check};
pub use apply::{Applied, Change};
pub use pieces::Pieces;
pub use prepare::{Origin, Preparer};
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
    /// Names of the children.
    children: imbl::OrdSet<Arc<str>>,
}

impl Node {
    fn new(data: Option<Bytes>, acl: i64, stat: StatPersisted) -> Self {
        Self { data, acl, stat, children: imbl::OrdSet::new() }
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
            ephemeral_owner: stored.ephemeral_owner,
            data_length: as_i32(self.data.as_ref().map_or(0, Bytes::len)),
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
/// live (top byte 0xff).
fn owner_is_session(owner: i64) -> bool {
    owner != 0 && owner != CONTAINER_OWNER && owner.cast_unsigned() >> 56 != 0xff
}

/// The owner of a node with a time to live, as `Stat` shows it.
fn ttl_owner(ttl: i64) -> i64 {
    0xff_i64 << 56 | ttl
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
            let node = Node::new(Some(Bytes::new()), acl::OPEN, StatPersisted::default());
            tree.nodes.insert(path.into(), Arc::new(node));
            if let Some((parent, name)) = path::split(path)
                && let Some(parent) = tree.node_mut(parent)
            {
                parent.children.insert(name.into());
            }
        }
        // As in ZooKeeper: what the ensemble is, is not for clients to write.
        let read_only = [Acl { perms: Permission::Read as i32, ..Acl::open().remove(0) }];
        let read_only = tree.acls.acquire(&read_only);
        if let Some(config) = tree.node_mut("/zookeeper/config") {
            config.acl = read_only;
        }
        tree
    }
}

impl Tree {
    /// Not even a root: for a snapshot to fill.
    fn empty() -> Self {
        Self {
            nodes: imbl::HashMap::new(),
            acls: AclTable::default(),
            sessions: imbl::OrdMap::new(),
            ephemerals: imbl::OrdMap::new(),
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

    /// What is known of a node.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`]; [`ErrorCode::NoAuth`] if its list does not let everyone read.
    pub fn stat(&self, path: &str) -> Result<Stat, ErrorCode> {
        let node = self.node(path)?;
        self.permit(node, Permission::Read)?;
        Ok(node.stat())
    }

    /// Data of a node, and what is known of it.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`]; [`ErrorCode::NoAuth`] if its list does not let everyone read.
    pub fn data(&self, path: &str) -> Result<(Option<Bytes>, Stat), ErrorCode> {
        let node = self.node(path)?;
        self.permit(node, Permission::Read)?;
        Ok((node.data.clone(), node.stat()))
    }

    /// Names of a node's children in alphabetical order, and what is known of the node.
    ///
    /// # Errors
    /// [`ErrorCode::NoNode`]; [`ErrorCode::NoAuth`] if its list does not let everyone read.
    pub fn children(&self, path: &str) -> Result<(Vec<String>, Stat), ErrorCode> {
        let node = self.node(path)?;
        self.permit(node, Permission::Read)?;
        Ok((node.children.iter().map(|name| name.to_string()).collect(), node.stat()))
    }

    fn node(&self, path: &str) -> Result<&Node, ErrorCode> {
        self.nodes.get(path::normal(path)).map(|node| &**node).ok_or(ErrorCode::NoNode)
    }

    /// The node under a key, of its own from now on if it was shared.
    fn node_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.nodes.get_mut(key).map(Arc::make_mut)
    }

    fn permit(&self, node: &Node, permission: Permission) -> Result<(), ErrorCode> {
        acl::permit(&self.acl(node), permission)
    }

    /// A node's list; empty if the table lacks it, so that nothing is permitted.
    fn acl(&self, node: &Node) -> Arc<[Acl]> {
        self.acls.list(node.acl)
    }
}
