//! A ZooKeeper-like server: sockets, disk, znode tree and sessions around [`zab_core`].
//!
//! The protocol itself is in `zab-core`, the byte formats are in `zab-wire`; this crate owns
//! everything that can fail because the world does.

pub mod config;
mod properties;
mod storage;
mod zxid;

pub use storage::StorageError;
pub mod tree;
