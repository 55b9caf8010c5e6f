//! ZooKeeper's byte formats, and nothing else: no protocol knowledge, no I/O.
//!
//! Every number is big-endian. Decoders never panic and never take memory on the word of a
//! length field; what they refuse, they refuse with a [`DecodeError`] that names the offset, what
//! was expected and what was found.
//!
//! Formats on streams are decoded from a [`bytes::BytesMut`]: `Ok(None)` means that more bytes
//! are needed (the buffer is untouched), and an error means that the connection is beyond repair.

pub mod client;
pub mod code;
pub mod data;
pub mod election;
pub mod error;
pub mod frame;
pub mod jute;
pub mod log;
pub mod quorum;
pub mod snapshot;
pub mod txn;

pub use code::{ErrorCode, OpCode};
pub use data::{Acl, Id, Stat, StatPersisted};
pub use error::{DecodeError, Found};
pub use jute::{MAX_BUFFER, MAX_SERVER_BUFFER, Reader, Record};
pub use quorum::{PacketType, QuorumPacket};
pub use txn::{Txn, TxnBody, TxnDigest, TxnHeader};
