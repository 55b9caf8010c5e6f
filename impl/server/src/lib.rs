//! A ZooKeeper-like server: sockets, disk, znode tree and sessions around [`zab_core`].
//!
//! The protocol itself is in `zab-core`, the byte formats are in `zab-wire`; this crate owns
//! everything that can fail because the world does.

pub mod client;
pub mod config;
mod four_letter;
mod properties;
mod session;
mod storage;
pub mod tree;
mod zxid;

pub use storage::StorageError;
