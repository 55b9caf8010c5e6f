//! Applying transactions. Source: `DataTree.processTxn`.

use std::collections::BTreeSet;

use thiserror::Error;
use zab_wire::txn::{CreateTxn, SetAclTxn, SetDataTxn};
use zab_wire::{DecodeError, ErrorCode, Record as _, Stat, StatPersisted, Txn, TxnBody, TxnHeader};

use super::{Node, Tree, path};

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
}

/// Bytes that are no transaction this server can apply. The tree is unchanged, and the server
/// must not go on: it would no longer hold what the others hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// They are no transaction at all.
    #[error("not a transaction: {0}")]
    Decode(#[from] DecodeError),
    /// They are one of a kind that is not implemented.
    #[error("transaction 0x{zxid:x} is of kind {kind}, which this server cannot apply")]
    Unsupported {
        /// Its zxid.
        zxid: i64,
        /// Its kind.
        kind: i32,
    },
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
        let txn = Txn::from_bytes(bytes)?;
        self.apply_txn(txn)
    }

    /// As [`Self::apply`], with a transaction that is decoded already.
    ///
    /// # Errors
    /// [`ApplyError::Unsupported`].
    pub fn apply_txn(&mut self, txn: Txn) -> Result<Applied, ApplyError> {
        let Txn { header, body, digest: _ } = txn;
        let outcome = match body {
            TxnBody::Create(create) => self.create(&header, create).map_err(ErrorCode::number),
            TxnBody::Delete(delete) => {
                self.delete(&delete.path, header.zxid).map_err(ErrorCode::number)
            }
            TxnBody::SetData(set_data) => {
                self.set_data(&header, set_data).map_err(ErrorCode::number)
            }
            TxnBody::SetAcl(set_acl) => self.set_acl(set_acl).map_err(ErrorCode::number),
            TxnBody::CreateSession(timeout) => {
                self.sessions.insert(header.session, timeout);
                Ok(Change::SessionCreated)
            }
            TxnBody::CloseSession(paths) => {
                self.close_session(&header, paths);
                Ok(Change::SessionClosed)
            }
            TxnBody::Error(number) => Err(number),
            TxnBody::Other(_) => {
                let (zxid, kind) = (header.zxid, header.kind);
                return Err(ApplyError::Unsupported { zxid, kind });
            }
        };
        self.last_zxid = self.last_zxid.max(header.zxid);
        Ok(Applied { header, outcome })
    }

    fn create(&mut self, header: &TxnHeader, txn: CreateTxn) -> Result<Change, ErrorCode> {
        let (parent_path, name) = path::split(&txn.path).ok_or(ErrorCode::BadArguments)?;
        let parent = self.nodes.get_mut(parent_path).ok_or(ErrorCode::NoNode)?;
        // Also when the node is there already: a snapshot may hold the child and still the
        // parent as it was before (ZOOKEEPER-1046, 2052).
        let cversion = match txn.parent_cversion {
            -1 => parent.stat.cversion.wrapping_add(1),
            given => given,
        };
        if cversion > parent.stat.cversion {
            parent.stat.cversion = cversion;
            parent.stat.pzxid = header.zxid;
        }
        if !parent.children.insert(name.into()) {
            return Err(ErrorCode::NodeExists);
        }
        let ephemeral_owner = if txn.ephemeral { header.session } else { 0 };
        let stat = StatPersisted {
            czxid: header.zxid,
            mzxid: header.zxid,
            ctime: header.time,
            mtime: header.time,
            ephemeral_owner,
            pzxid: header.zxid,
            ..StatPersisted::default()
        };
        let node = Node::new(txn.data, self.acls.acquire(&txn.acl), stat);
        if txn.ephemeral {
            self.ephemerals.entry(ephemeral_owner).or_default().insert(txn.path.clone());
        }
        let stat = node.stat();
        self.nodes.insert(txn.path.clone(), node);
        Ok(Change::Created { path: txn.path, stat })
    }

    fn delete(&mut self, path: &str, zxid: i64) -> Result<Change, ErrorCode> {
        let (parent_path, name) = path::split(path).ok_or(ErrorCode::BadArguments)?;
        let node = self.nodes.remove(path).ok_or(ErrorCode::NoNode)?;
        self.acls.release(node.acl);
        self.forget_ephemeral(node.stat.ephemeral_owner, path);
        if let Some(parent) = self.nodes.get_mut(parent_path) {
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
        let node = self.nodes.get_mut(path::normal(&txn.path)).ok_or(ErrorCode::NoNode)?;
        node.data = txn.data;
        node.stat.version = txn.version;
        node.stat.mzxid = header.zxid;
        node.stat.mtime = header.time;
        Ok(Change::Replaced { stat: node.stat() })
    }

    fn set_acl(&mut self, txn: SetAclTxn) -> Result<Change, ErrorCode> {
        let node = self.nodes.get_mut(path::normal(&txn.path)).ok_or(ErrorCode::NoNode)?;
        let key = self.acls.acquire(&txn.acl);
        self.acls.release(node.acl);
        node.acl = key;
        node.stat.aversion = txn.version;
        Ok(Change::Replaced { stat: node.stat() })
    }

    /// Nodes that the leader listed, and those that this server knows of: a snapshot may hold a
    /// node that the leader had not created yet when it made the list, and the other way round.
    fn close_session(&mut self, header: &TxnHeader, listed: Option<Vec<String>>) {
        self.sessions.remove(&header.session);
        let mut paths: BTreeSet<String> =
            self.ephemerals.remove(&header.session).unwrap_or_default();
        paths.extend(listed.unwrap_or_default());
        for path in paths {
            // Deleted already, by a transaction between the list and this one.
            let _ = self.delete(&path, header.zxid);
        }
    }
}
