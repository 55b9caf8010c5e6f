//! Which transactions a tree can apply. A server asks before it logs and acknowledges one: what
//! is in the log must be applied, at every later start too.

use thiserror::Error;
use zab_wire::{
    DecodeError, MAX_SERVER_BUFFER, OpCode, Reader, Record as _, Txn, TxnBody, TxnHeader,
};

use super::path;

/// Greatest time to live: it shares 8 bytes with a mark (`EphemeralType.TTL`).
pub(crate) const TTL_MAX: i64 = 0xff_ffff_ffff;

/// Most characters of a path in a message.
const SHOWN_MAX: usize = 64;

/// Bytes that are no transaction this server can apply. No tree was changed, and the server must
/// not go on with them: it would no longer hold what the others hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// They are no transaction at all.
    #[error("not a transaction: {0}")]
    Header(DecodeError),
    /// They are one that this server cannot apply.
    #[error("transaction 0x{zxid:x} of kind {} {fault}", shown_kind(*.kind))]
    Txn {
        /// Its zxid.
        zxid: i64,
        /// Its kind.
        kind: i32,
        /// Why not.
        fault: Fault,
    },
}

/// Why a transaction cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Its kind is not implemented, or nobody knows it.
    #[error("cannot be applied by this server")]
    Kind,
    /// It is a `multi`, and a part of it has a kind that has no place there.
    #[error("has a part of kind {}, which cannot be applied by this server", shown_kind(*.0))]
    Part(i32),
    /// Its body is not what its kind asks for.
    #[error("is malformed: {0}")]
    Malformed(DecodeError),
    /// It names a node that no tree can hold.
    #[error("names the node {0:?}, which no tree can hold")]
    Path(String),
    /// Its time to live is none.
    #[error("has the time to live {0}, expected 1 to {TTL_MAX}")]
    Ttl(i64),
    /// It is longer than what servers can send each other.
    #[error("has {0} bytes, more than the {MAX_SERVER_BUFFER} that servers send each other")]
    Length(usize),
}

/// A kind's number, and its name if it has one.
fn shown_kind(kind: i32) -> String {
    OpCode::from_number(kind).map_or_else(|| kind.to_string(), |name| format!("{kind} ({name:?})"))
}

/// Whether any tree can apply these bytes: header, body, perhaps a digest. Applying them may
/// still come to an error, which then every server comes to.
///
/// # Errors
/// See [`ApplyError`].
pub fn check(bytes: &[u8]) -> Result<(), ApplyError> {
    read(bytes).map(|_| ())
}

/// Reads a transaction that any tree can apply.
pub(super) fn read(bytes: &[u8]) -> Result<Txn, ApplyError> {
    let TxnHeader { zxid, kind, .. } = Reader::new(bytes).read().map_err(ApplyError::Header)?;
    let refuse = |fault| ApplyError::Txn { zxid, kind, fault };
    if bytes.len() > MAX_SERVER_BUFFER {
        return Err(refuse(Fault::Length(bytes.len())));
    }
    let txn = Txn::from_bytes(bytes).map_err(|error| refuse(Fault::Malformed(error)))?;
    check_body(&txn.body).map_err(refuse)?;
    Ok(txn)
}

fn check_body(body: &TxnBody) -> Result<(), Fault> {
    match body {
        TxnBody::Create(create) => child(&create.path),
        TxnBody::CreateContainer(create) => child(&create.path),
        TxnBody::CreateTtl(create) => match create.ttl {
            1..=TTL_MAX => child(&create.path),
            ttl => Err(Fault::Ttl(ttl)),
        },
        TxnBody::Delete(delete) => child(&delete.path),
        TxnBody::SetData(set_data) => node(&set_data.path),
        TxnBody::SetAcl(set_acl) => node(&set_acl.path),
        TxnBody::CloseSession(paths) => paths.iter().flatten().try_for_each(|path| child(path)),
        TxnBody::Multi(multi) => multi.parts.iter().try_for_each(|part| {
            let body = part.decode_body().map_err(Fault::Malformed)?;
            if let TxnBody::Check(check) = &body {
                node(&check.path)
            } else if let TxnBody::Other(_) = body {
                Err(Fault::Part(part.kind))
            } else {
                check_body(&body)
            }
        }),
        TxnBody::CreateSession(_) | TxnBody::Error(_) => Ok(()),
        TxnBody::Check(_) | TxnBody::Other(_) => Err(Fault::Kind),
    }
}

/// The path of a node that may be the root.
fn node(path: &str) -> Result<(), Fault> {
    if path::normal(path).is_empty() { Ok(()) } else { child(path) }
}

/// The path of a node that has a parent.
fn child(path: &str) -> Result<(), Fault> {
    if path::names_a_child(path) {
        return Ok(());
    }
    Err(Fault::Path(path.chars().take(SHOWN_MAX).collect()))
}
