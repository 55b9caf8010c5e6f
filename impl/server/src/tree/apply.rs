//! Applying transactions. Source: `DataTree.processTxn`.

use zab_wire::{ErrorCode, Stat, Txn, TxnBody, TxnHeader};

use super::Tree;
use super::admit::{self, ApplyError};
use super::digest::{self, Mismatch};
use super::event::NodeEvent;
use super::ops::NewNode;

/// A transaction that was applied, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The transaction's header.
    pub header: TxnHeader,
    /// What changed; or the number of the error that the transaction stands for, which may be
    /// one without an [`ErrorCode`].
    pub outcome: Result<Change, i32>,
    /// What happened to nodes, in order.
    pub events: Vec<NodeEvent>,
    /// This tree is not what the leader says that it is now.
    pub mismatch: Option<Mismatch>,
}

/// What became of a part of a `multi`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartOutcome {
    /// The part's kind.
    pub kind: i32,
    /// What it changed; or an error's number, which is 0 if only another part failed.
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
    SessionCreated {
        /// Its timeout in milliseconds.
        timeout_ms: i32,
    },
    /// A session was closed, and its ephemeral nodes went with it.
    SessionClosed,
    /// A part of a `multi` compared a version, which changes nothing.
    Compared,
    /// What became of each part of a `multi`.
    Several(Vec<PartOutcome>),
}

impl Tree {
    /// Applies a transaction: header, body, perhaps a digest, which is compared
    /// (`DataTree.compareDigest`).
    ///
    /// A transaction whose effect is already there changes nothing and gives the error that says
    /// so. That is not a fault: a snapshot may hold the effects of transactions that follow it.
    ///
    /// # Errors
    /// See [`ApplyError`].
    pub fn apply(&mut self, bytes: &[u8]) -> Result<Applied, ApplyError> {
        let Txn { header, body, digest } = admit::read(bytes)?;
        let outcome = self.apply_body(&header, body);
        self.last_zxid = self.last_zxid.max(header.zxid);
        let mismatch = digest::compare(digest, self.digest);
        Ok(Applied { header, outcome, events: std::mem::take(&mut self.events), mismatch })
    }

    /// Applies a body that [`admit::read`] let through.
    pub(super) fn apply_body(&mut self, header: &TxnHeader, body: TxnBody) -> Result<Change, i32> {
        let done = match body {
            TxnBody::Create(txn) => self.create(header, NewNode::of(header, txn)),
            TxnBody::CreateContainer(txn) => self.create(header, txn.into()),
            TxnBody::CreateTtl(txn) => self.create(header, txn.into()),
            TxnBody::Delete(txn) => self.delete(&txn.path, header.zxid),
            TxnBody::SetData(txn) => self.set_data(header, txn),
            TxnBody::SetAcl(txn) => self.set_acl(txn),
            TxnBody::CreateSession(timeout_ms) => Ok(self.create_session(header, timeout_ms)),
            TxnBody::CloseSession(paths) => Ok(self.close_session(header, paths)),
            TxnBody::Check(_) => Ok(Change::Compared),
            TxnBody::Multi(multi) => Ok(self.multi(header, &multi)),
            TxnBody::Error(number) => return Err(number),
            TxnBody::Other(_) => unreachable!("it was not let through"),
        };
        done.map_err(ErrorCode::number)
    }
}
