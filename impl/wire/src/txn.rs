//! Transactions as they are proposed, logged and applied: header, body, and perhaps a digest.

use bytes::{BufMut, Bytes, BytesMut};

use crate::code::{ErrorCode, OpCode};
use crate::data::Acl;
use crate::error::DecodeError;
use crate::jute::{Reader, Record, record};

mod multi;

pub use multi::{CheckTxn, MultiTxn, PartTxn};

record! {
    /// What every transaction starts with.
    #[derive(Copy)]
    TxnHeader {
        /// Session whose request it was.
        session: i64,
        /// That client's number of the request.
        cxid: i32,
        /// The transaction's zxid, epoch in the upper 32 bits.
        zxid: i64,
        /// When the leader made it, milliseconds since 1970.
        time: i64,
        /// The operation's number, which says what the body is.
        kind: i32,
    }
}

record! {
    /// A node was created.
    CreateTxn {
        /// Path of the node, with its sequence number if it has one.
        path: String,
        /// Its data; `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Vec<Acl>,
        /// Whether it belongs to the session in the header.
        ephemeral: bool,
        /// The parent's stored `cversion` afterwards; −1: one more than before.
        parent_cversion: i32,
    }
}

record! {
    /// A container node was created: it may be deleted once its last child is.
    CreateContainerTxn {
        /// Path of the node.
        path: String,
        /// Its data; `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Vec<Acl>,
        /// The parent's stored `cversion` afterwards; −1: one more than before.
        parent_cversion: i32,
    }
}

record! {
    /// A node with a time to live was created.
    CreateTtlTxn {
        /// Path of the node, with its sequence number if it has one.
        path: String,
        /// Its data; `None` is null.
        data: Option<Bytes>,
        /// Its access control list.
        acl: Vec<Acl>,
        /// The parent's stored `cversion` afterwards; −1: one more than before.
        parent_cversion: i32,
        /// Its time to live in milliseconds.
        ttl: i64,
    }
}

record! {
    /// A node was deleted.
    DeleteTxn {
        /// Its path.
        path: String,
    }
}

record! {
    /// A node's data was replaced.
    SetDataTxn {
        /// Its path.
        path: String,
        /// The new data; `None` is null.
        data: Option<Bytes>,
        /// The version afterwards.
        version: i32,
    }
}

record! {
    /// A node's access control list was replaced.
    SetAclTxn {
        /// Its path.
        path: String,
        /// The new list.
        acl: Vec<Acl>,
        /// The list's version afterwards.
        version: i32,
    }
}

/// What a transaction changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxnBody {
    /// Kinds `Create` and `Create2`: which of the two decides about the answer only.
    Create(CreateTxn),
    /// Kind `CreateContainer`.
    CreateContainer(CreateContainerTxn),
    /// Kind `CreateTtl`.
    CreateTtl(CreateTtlTxn),
    /// Kinds `Delete` and `DeleteContainer`.
    Delete(DeleteTxn),
    /// Kind `SetData`.
    SetData(SetDataTxn),
    /// Kind `SetAcl`.
    SetAcl(SetAclTxn),
    /// Kind `CreateSession`: its timeout in milliseconds.
    CreateSession(i32),
    /// Kind `CloseSession`: its ephemeral nodes, which go with it. `None` in the old form.
    CloseSession(Option<Vec<String>>),
    /// Kind `Error`: the request failed with this code and changes nothing.
    Error(i32),
    /// Kind `Check`, which stands in a `Multi` only.
    Check(CheckTxn),
    /// Kind `Multi`: several at once.
    Multi(MultiTxn),
    /// Any other kind; all bytes after the header, a digest included.
    Other(Bytes),
}

record! {
    /// A digest of the whole tree after a transaction.
    #[derive(Copy)]
    TxnDigest {
        /// Version of the digest's definition.
        version: i32,
        /// The digest.
        tree: i64,
    }
}

/// A whole transaction: the data of a PROPOSAL, and one record of the transaction log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txn {
    /// Whose, which, when, what kind.
    pub header: TxnHeader,
    /// What it changes; its variant agrees with the header's kind.
    pub body: TxnBody,
    /// The tree's digest afterwards, if the leader computes it.
    pub digest: Option<TxnDigest>,
}

impl Txn {
    /// The kind of the transaction, if it has a name.
    #[must_use]
    pub fn op_code(&self) -> Option<OpCode> {
        OpCode::from_number(self.header.kind)
    }

    /// The code of a failed request's transaction; `None` if it is no such transaction, or if
    /// the code has no name.
    #[must_use]
    pub fn error(&self) -> Option<ErrorCode> {
        match &self.body {
            TxnBody::Error(number) => ErrorCode::from_number(*number),
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
        }
    }
}

impl TxnBody {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Create(create) => create.encode(out),
            Self::CreateContainer(create) => create.encode(out),
            Self::CreateTtl(create) => create.encode(out),
            Self::Delete(delete) => delete.encode(out),
            Self::SetData(set_data) => set_data.encode(out),
            Self::SetAcl(set_acl) => set_acl.encode(out),
            Self::CreateSession(timeout_ms) => timeout_ms.encode(out),
            Self::CloseSession(Some(paths)) => paths.encode(out),
            Self::CloseSession(None) => {}
            Self::Error(number) => number.encode(out),
            Self::Check(check) => check.encode(out),
            Self::Multi(multi) => multi.encode(out),
            Self::Other(bytes) => out.put_slice(bytes),
        }
    }
}

impl Record for Txn {
    fn encode(&self, out: &mut BytesMut) {
        self.header.encode(out);
        self.body.encode(out);
        if let Some(digest) = &self.digest {
            digest.encode(out);
        }
    }

    /// Takes all bytes that are left: only their end tells whether a digest follows the body.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let header: TxnHeader = reader.read()?;
        let body = body(&header, reader)?;
        let digest = match reader.remaining() {
            0 => None,
            _ => Some(reader.read()?),
        };
        Ok(Self { header, body, digest })
    }
}

/// Bytes of a digest.
const DIGEST_LENGTH: usize = 12;

fn body(header: &TxnHeader, reader: &mut Reader<'_>) -> Result<TxnBody, DecodeError> {
    let Some(kind) = OpCode::from_number(header.kind) else {
        return Ok(TxnBody::Other(Bytes::copy_from_slice(reader.rest())));
    };
    Ok(match kind {
        OpCode::Create | OpCode::Create2 => TxnBody::Create(reader.read()?),
        OpCode::CreateContainer => TxnBody::CreateContainer(reader.read()?),
        OpCode::CreateTtl => TxnBody::CreateTtl(reader.read()?),
        OpCode::Delete | OpCode::DeleteContainer => TxnBody::Delete(reader.read()?),
        OpCode::SetData => TxnBody::SetData(reader.read()?),
        OpCode::SetAcl => TxnBody::SetAcl(reader.read()?),
        OpCode::CreateSession => TxnBody::CreateSession(reader.read()?),
        OpCode::CloseSession => TxnBody::CloseSession(close_session(reader)?),
        OpCode::Error => TxnBody::Error(reader.read()?),
        OpCode::Multi => TxnBody::Multi(reader.read()?),
        OpCode::Notification
        | OpCode::Exists
        | OpCode::GetData
        | OpCode::GetAcl
        | OpCode::GetChildren
        | OpCode::Sync
        | OpCode::Ping
        | OpCode::GetChildren2
        | OpCode::Check
        | OpCode::Reconfig
        | OpCode::CheckWatches
        | OpCode::RemoveWatches
        | OpCode::MultiRead
        | OpCode::Auth
        | OpCode::SetWatches
        | OpCode::Sasl
        | OpCode::GetEphemerals
        | OpCode::GetAllChildrenNumber
        | OpCode::SetWatches2
        | OpCode::AddWatch
        | OpCode::WhoAmI => TxnBody::Other(Bytes::copy_from_slice(reader.rest())),
    })
}

/// The old form of a session's end has no list, and still a digest may follow. A list and a digest
/// are told apart by trying: digests have version 2, and two paths of 8 bytes with their lengths
/// would both be empty, which paths never are.
fn close_session(reader: &mut Reader<'_>) -> Result<Option<Vec<String>>, DecodeError> {
    match reader.remaining() {
        0 => Ok(None),
        DIGEST_LENGTH => {
            let mut attempt = reader.clone();
            let paths: Result<Vec<String>, DecodeError> = attempt.read();
            match paths {
                Ok(paths) if attempt.remaining() == 0 && !paths.iter().any(String::is_empty) => {
                    *reader = attempt;
                    Ok(Some(paths))
                }
                Ok(_) | Err(_) => Ok(None),
            }
        }
        _ => reader.read().map(Some),
    }
}
