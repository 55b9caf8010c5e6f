//! Applying transactions. Source: `DataTree.processTxn`.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use zab_wire::txn::{CreateContainerTxn, CreateTtlTxn, CreateTxn, MultiTxn, SetAclTxn, SetDataTxn};
use zab_wire::{Acl, ErrorCode, Stat, StatPersisted, Txn, TxnBody, TxnHeader};

use super::admit::{self, ApplyError};
use super::{CONTAINER_OWNER, Node, Tree, owner_is_session, path};

/// A transaction that was applied, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The transaction's header.
    pub header: TxnHeader,
    /// What changed; or the number of the error that the transaction stands for, which may be
    /// one without an [`ErrorCode`].
    pub outcome: Result<Change, i32>,
}

/// What a transaction changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A node was created.
    Created {
        /// Its path.
        path: String,
        /// What is known of it.
        stat: Stat,
    },
    /// A node was deleted.
    Deleted,
    /// A node's data, or its access control list, was replaced.
    Replaced {
        /// What is known of it.
        stat: Stat,
    },
    /// A session was made.
    SessionCreated,
    /// A session was closed, and its ephemeral nodes went with it.
    SessionClosed,
    /// A part of a `multi` compared a version, which changes nothing.
    Compared,
    /// All parts of a `multi` took effect. What each changed is not told: no client of this
    /// server can have asked for it.
    Several,
}

/// What is needed to create a node.
struct NewNode {
    path: String,
    data: Option<Bytes>,
    acl: Vec<Acl>,
    /// The parent's stored `cversion` afterwards; −1: one more than before.
    parent_cversion: i32,
    /// A session, or a mark; see [`super::owner_is_session`].
    owner: i64,
}

impl Tree {
    /// Applies a transaction: header, body, perhaps a digest, which is not compared.
    ///
    /// A transaction whose effect is already there changes nothing and gives the error that says
    /// so. That is not a fault: a snapshot may hold the effects of transactions that follow it.
    ///
    /// # Errors
    /// See [`ApplyError`].
    pub fn apply(&mut self, bytes: &[u8]) -> Result<Applied, ApplyError> {
        let Txn { header, body, digest: _ } = admit::read(bytes)?;
        let outcome = self.apply_body(&header, body);
        self.last_zxid = self.last_zxid.max(header.zxid);
        Ok(Applied { header, outcome })
    }

    /// Applies a body that [`admit::read`] let through.
    fn apply_body(&mut self, header: &TxnHeader, body: TxnBody) -> Result<Change, i32> {
        let done = match body {
            TxnBody::Create(create) => {
                let owner = if create.ephemeral { header.session } else { 0 };
                let CreateTxn { path, data, acl, parent_cversion, .. } = create;
                self.create(header, NewNode { path, data, acl, parent_cversion, owner })
            }
            TxnBody::CreateContainer(create) => {
                let CreateContainerTxn { path, data, acl, parent_cversion } = create;
                let owner = CONTAINER_OWNER;
                self.create(header, NewNode { path, data, acl, parent_cversion, owner })
            }
            TxnBody::CreateTtl(create) => {
                let CreateTtlTxn { path, data, acl, parent_cversion, ttl } = create;
                let owner = admit::ttl_owner(ttl);
                self.create(header, NewNode { path, data, acl, parent_cversion, owner })
            }
            TxnBody::Delete(delete) => self.delete(&delete.path, header.zxid),
            TxnBody::SetData(set_data) => self.set_data(header, set_data),
            TxnBody::SetAcl(set_acl) => self.set_acl(set_acl),
            TxnBody::CreateSession(timeout) => {
                self.sessions.insert(header.session, timeout);
                Ok(Change::SessionCreated)
            }
            TxnBody::CloseSession(paths) => {
                self.close_session(header, paths);
                Ok(Change::SessionClosed)
            }
            TxnBody::Check(_) => Ok(Change::Compared),
            TxnBody::Multi(multi) => return self.apply_parts(header, &multi),
            TxnBody::Error(number) => return Err(number),
            TxnBody::Other(_) => unreachable!("it was not let through"),
        };
        done.map_err(ErrorCode::number)
    }

    /// Applies the parts of a `multi` under its header; none, if one of them is an error. The
    /// first error that a part comes to is that of the whole, and the others are applied.
    fn apply_parts(&mut self, header: &TxnHeader, multi: &MultiTxn) -> Result<Change, i32> {
        let bodies: Vec<TxnBody> =
            multi.parts.iter().filter_map(|part| part.decode_body().ok()).collect();
        assert_eq!(bodies.len(), multi.parts.len(), "the parts were let through");
        let errors = bodies.iter().filter_map(|body| match body {
            TxnBody::Error(number) => Some(*number),
            TxnBody::Create(_)
            | TxnBody::CreateContainer(_)
            | TxnBody::CreateTtl(_)
            | TxnBody::Delete(_)
            | TxnBody::SetData(_)
            | TxnBody::SetAcl(_)
            | TxnBody::CreateSession(_)
            | TxnBody::CloseSession(_)
            | TxnBody::Check(_)
            | TxnBody::Multi(_)
            | TxnBody::Other(_) => None,
        });
        let errors: Vec<i32> = errors.collect();
        if !errors.is_empty() {
            // Error 0 marks the parts before the one that failed.
            let first = errors.into_iter().find(|number| *number != 0);
            return first.map_or(Ok(Change::Several), Err);
        }
        let mut outcome = Ok(Change::Several);
        for body in bodies {
            if let Err(number) = self.apply_body(header, body)
                && outcome.is_ok()
            {
                outcome = Err(number);
            }
        }
        outcome
    }

    fn create(&mut self, header: &TxnHeader, new: NewNode) -> Result<Change, ErrorCode> {
        let NewNode { path, data, acl, parent_cversion, owner } = new;
        let (parent_path, name) = path::split(&path).ok_or(ErrorCode::BadArguments)?;
        let parent = self.node_mut(parent_path).ok_or(ErrorCode::NoNode)?;
        // Also when the node is there already: a snapshot may hold the child and still the
        // parent as it was before (ZOOKEEPER-1046, 2052).
        let cversion = match parent_cversion {
            -1 => parent.stat.cversion.wrapping_add(1),
            given => given,
        };
        if cversion > parent.stat.cversion {
            parent.stat.cversion = cversion;
            parent.stat.pzxid = header.zxid;
        }
        if parent.children.insert(name.into()).is_some() {
            return Err(ErrorCode::NodeExists);
        }
        let stat = StatPersisted {
            czxid: header.zxid,
            mzxid: header.zxid,
            ctime: header.time,
            mtime: header.time,
            ephemeral_owner: owner,
            pzxid: header.zxid,
            ..StatPersisted::default()
        };
        let node = Node::new(data, self.acls.acquire(&acl), stat);
        let key: Arc<str> = path.as_str().into();
        if owner_is_session(owner) {
            self.ephemerals.entry(owner).or_default().insert(Arc::clone(&key));
        }
        let stat = node.stat();
        self.nodes.insert(key, Arc::new(node));
        Ok(Change::Created { path, stat })
    }

    fn delete(&mut self, path: &str, zxid: i64) -> Result<Change, ErrorCode> {
        let (parent_path, name) = path::split(path).ok_or(ErrorCode::BadArguments)?;
        let node = self.nodes.remove(path).ok_or(ErrorCode::NoNode)?;
        self.acls.release(node.acl);
        self.forget_ephemeral(node.stat.ephemeral_owner, path);
        if let Some(parent) = self.node_mut(parent_path) {
            parent.children.remove(name);
            parent.stat.pzxid = parent.stat.pzxid.max(zxid);
        }
        Ok(Change::Deleted)
    }

    fn forget_ephemeral(&mut self, owner: i64, path: &str) {
        if let Some(paths) = self.ephemerals.get_mut(&owner) {
            paths.remove(path);
            if paths.is_empty() {
                self.ephemerals.remove(&owner);
            }
        }
    }

    fn set_data(&mut self, header: &TxnHeader, txn: SetDataTxn) -> Result<Change, ErrorCode> {
        let node = self.node_mut(path::normal(&txn.path)).ok_or(ErrorCode::NoNode)?;
        node.data = txn.data;
        node.stat.version = txn.version;
        node.stat.mzxid = header.zxid;
        node.stat.mtime = header.time;
        Ok(Change::Replaced { stat: node.stat() })
    }

    fn set_acl(&mut self, txn: SetAclTxn) -> Result<Change, ErrorCode> {
        let before = self.node(&txn.path)?.acl;
        let key = self.acls.acquire(&txn.acl);
        self.acls.release(before);
        let node = self.node_mut(path::normal(&txn.path)).ok_or(ErrorCode::NoNode)?;
        node.acl = key;
        node.stat.aversion = txn.version;
        Ok(Change::Replaced { stat: node.stat() })
    }

    /// Nodes that the leader listed, and those that this server knows of: a snapshot may hold a
    /// node that the leader had not created yet when it made the list, and the other way round.
    fn close_session(&mut self, header: &TxnHeader, listed: Option<Vec<String>>) {
        self.sessions.remove(&header.session);
        let known = self.ephemerals.remove(&header.session).unwrap_or_default();
        let mut paths: BTreeSet<Arc<str>> = known.into_iter().collect();
        paths.extend(listed.unwrap_or_default().into_iter().map(Arc::from));
        for path in paths {
            // Deleted already, by a transaction between the list and this one.
            let _ = self.delete(&path, header.zxid);
        }
    }
}
