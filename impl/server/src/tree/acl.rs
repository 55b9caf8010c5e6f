//! Access control lists. Nodes hold keys into a table, since a few lists serve many nodes.
//! Source: `ReferenceCountedACLCache`, `ZooKeeperServer.checkACL`.
//!
//! Nobody can authenticate yet, so a list grants only what it grants to `world:anyone`; a list
//! with any other entry is refused when a node is created, since it would promise a protection
//! for someone who cannot come. Lists in a snapshot that ZooKeeper wrote may have such entries:
//! they grant nothing.

use std::sync::Arc;

use imbl::HashMap;

use zab_wire::{Acl, ErrorCode};

/// Key of the list that grants everything to everyone, which is not in the table.
pub(super) const OPEN: i64 = -1;

/// What a list can grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Permission {
    /// Read data, and names of children.
    Read = 1,
    /// Replace data.
    Write = 2,
    /// Create children.
    Create = 4,
    /// Delete children.
    Delete = 8,
    /// Replace the list.
    Admin = 16,
}

/// Whether a list grants a permission to everyone.
///
/// # Errors
/// [`ErrorCode::NoAuth`] if not.
pub(super) fn permit(list: &[Acl], permission: Permission) -> Result<(), ErrorCode> {
    let granted = list.iter().any(|acl| is_anyone(acl) && acl.perms & permission as i32 != 0);
    if granted { Ok(()) } else { Err(ErrorCode::NoAuth) }
}

/// Whether a new node may have this list.
///
/// # Errors
/// [`ErrorCode::InvalidAcl`] if it is empty or names anyone but `world:anyone`.
pub(super) fn validate(list: &[Acl]) -> Result<(), ErrorCode> {
    if list.is_empty() || !list.iter().all(is_anyone) {
        return Err(ErrorCode::InvalidAcl);
    }
    Ok(())
}

fn is_anyone(acl: &Acl) -> bool {
    acl.id.scheme == "world" && acl.id.id == "anyone"
}

/// The lists of all nodes, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct AclTable {
    by_key: HashMap<i64, Entry>,
    by_list: HashMap<Arc<[Acl]>, i64>,
    /// The greatest key so far.
    last_key: i64,
}

#[derive(Debug, Clone)]
struct Entry {
    list: Arc<[Acl]>,
    /// How many nodes refer to it.
    nodes: usize,
}

impl AclTable {
    /// The key of a list for one more node.
    pub(super) fn acquire(&mut self, list: &[Acl]) -> i64 {
        let key = self.by_list.get(list).copied().unwrap_or_else(|| {
            self.last_key += 1;
            self.insert(self.last_key, list);
            self.last_key
        });
        self.acquire_key(key);
        key
    }

    /// One more node has this key, which may be in no list.
    pub(super) fn acquire_key(&mut self, key: i64) {
        if let Some(entry) = self.by_key.get_mut(&key) {
            entry.nodes += 1;
        }
    }

    /// One node less has this key; a list without nodes is forgotten.
    pub(super) fn release(&mut self, key: i64) {
        let Some(entry) = self.by_key.get_mut(&key) else { return };
        entry.nodes -= 1;
        if entry.nodes == 0 {
            let list = Arc::clone(&entry.list);
            self.by_key.remove(&key);
            if self.by_list.get(&list) == Some(&key) {
                self.by_list.remove(&list);
            }
        }
    }

    /// Enters a list that no node refers to yet.
    pub(super) fn insert(&mut self, key: i64, list: &[Acl]) {
        let list: Arc<[Acl]> = list.into();
        self.last_key = self.last_key.max(key);
        self.by_list.entry(Arc::clone(&list)).or_insert(key);
        self.by_key.insert(key, Entry { list, nodes: 0 });
    }

    /// Forgets lists that no node refers to.
    pub(super) fn purge(&mut self) {
        self.by_key.retain(|_, entry| entry.nodes > 0);
        let by_key = &self.by_key;
        self.by_list.retain(|_, key| by_key.contains_key(key));
    }

    /// The list with this key; empty if there is none.
    pub(super) fn list(&self, key: i64) -> Arc<[Acl]> {
        if key == OPEN {
            return Acl::open().into();
        }
        self.by_key.get(&key).map_or_else(|| [].into(), |entry| Arc::clone(&entry.list))
    }

    /// Keys and lists in the order of the keys.
    pub(super) fn sorted(&self) -> Vec<(i64, &[Acl])> {
        let mut lists: Vec<_> =
            self.by_key.iter().map(|(key, entry)| (*key, &*entry.list)).collect();
        lists.sort_by_key(|(key, _)| *key);
        lists
    }
}
