//! Access control lists. Nodes hold keys into a table, since a few lists serve many nodes.
//! Source: `ReferenceCountedACLCache`, `ZooKeeperServer.checkACL`, `PrepRequestProcessor.fixupACL`.
//!
//! Schemes: `world`, `digest`, `ip`, and `auth`, which stands for whatever the client that sets
//! the list is authenticated as. A list with an entry of another scheme is refused when it is set.
//! Lists that a ZooKeeper server wrote may have such entries: they grant nothing.

use std::sync::{Arc, LazyLock};

use imbl::HashMap;
use zab_wire::{Acl, ErrorCode, Id};

use crate::auth;
use crate::mutant::Mutant;

/// Key of the list that grants everything to everyone, which is not in the table.
pub(super) const OPEN: i64 = -1;

/// That list.
static OPEN_LIST: LazyLock<Arc<[Acl]>> = LazyLock::new(|| Acl::open().into());

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
    /// See the list: whoever may read, and whoever may replace it.
    ReadOrAdmin = 17,
}

/// Whether a list grants a permission to somebody with these identities.
///
/// # Errors
/// [`ErrorCode::NoAuth`] if not.
pub(crate) fn permit(list: &[Acl], permission: Permission, ids: &[Id]) -> Result<(), ErrorCode> {
    let grants = |acl: &Acl| {
        acl.perms & permission as i32 != 0
            && (is_anyone(&acl.id) || ids.iter().any(|id| auth::matches(id, &acl.id)))
    };
    if list.iter().any(grants) || ids.iter().any(auth::is_super) || Mutant::AclIgnored.is_on() {
        Ok(())
    } else {
        Err(ErrorCode::NoAuth)
    }
}

/// The list that a node gets when a client with these identities asks for `asked`: without
/// repetitions, and with the client's identities in place of `auth`.
///
/// # Errors
/// [`ErrorCode::InvalidAcl`] if it is empty, has an entry that is malformed or of an unknown
/// scheme, or asks for the identities of a client that has none.
pub(super) fn settle(asked: &[Acl], ids: &[Id]) -> Result<Vec<Acl>, ErrorCode> {
    let mut settled: Vec<Acl> = Vec::with_capacity(asked.len());
    let mut seen = std::collections::HashSet::new();
    for acl in asked.iter().filter(|acl| seen.insert(*acl)) {
        match acl.id.scheme.as_str() {
            "auth" => {
                let before = settled.len();
                let own = ids.iter().filter(|id| auth::is_authenticated(id));
                settled.extend(own.map(|id| Acl { perms: acl.perms, id: id.clone() }));
                if settled.len() == before {
                    return Err(ErrorCode::InvalidAcl);
                }
            }
            _ if is_anyone(&acl.id) || auth::is_valid(&acl.id) => settled.push(acl.clone()),
            _ => return Err(ErrorCode::InvalidAcl),
        }
    }
    if settled.is_empty() { Err(ErrorCode::InvalidAcl) } else { Ok(settled) }
}

fn is_anyone(id: &Id) -> bool {
    id.scheme == "world" && id.id == "anyone"
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
            return Arc::clone(&OPEN_LIST);
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
