//! The trace format, version 1: what a run of a ZooKeeper-like ensemble did, one event per line.
//!
//! The format is described in `traces/README.md`; this crate is its only implementation here.
//! The types here are what its lines say.

mod digest;
mod event;
mod header;
mod message;
mod names;
mod state;
mod word;
mod zxid;

pub use digest::{DigestError, LogDigest, TxnDigest, fnv1a, txn_digest};
pub use event::{Event, EventKind, EventName, Packet, Persisted, ServerId};
pub use header::{Contract, Expect, Header, Implementation, Source, VERSION, Verdict};
pub use message::{Message, MessageType, Port};
pub use names::{Chain, ConnectionName, ConnectionNameError};
pub use state::{Phase, Recovered, Role, State};
pub use zxid::{Epoch, Zxid, ZxidError};
