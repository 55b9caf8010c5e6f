//! A ZooKeeper-like server: sockets, disk, znode tree and sessions around [`zab_core`].
//!
//! The protocol itself is in `zab-core`, the byte formats are in `zab-wire`; this crate owns
//! everything that can fail because the world does.

mod admin;
mod auth;
pub mod client;
pub mod config;
pub mod console;
mod convert;
mod descriptors;
mod driver;
mod election_net;
mod error;
mod four_letter;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod link;
mod mutant;
mod properties;
mod quorum_net;
mod session;
mod start;
mod storage;
mod tls;
mod trace;
mod transport;
pub mod tree;
mod unknown_peers;
mod zxid;

pub use error::ServerError;
#[cfg(feature = "mutants")]
pub use mutant::announce_mutant;
pub use start::serve;
pub use storage::StorageError;
pub use trace::TraceError;
