//! The client port: connections, sessions, requests in each session's order, watches.
//!
//! Reads are answered from this server's tree; everything else goes to the leader through
//! [`service`].

pub mod service;

mod answers;
mod budget;
mod connection;
mod digests;
mod expiry;
mod handshake;
mod limits;
mod listener;
mod pipeline;
mod places;
mod reads;
mod requests;
mod roster;
#[cfg(test)]
mod tests;
mod watches;
mod wire;

pub(crate) use roster::Entry;
pub use service::{Learners, Mode, Place, Service, Submission, Submissions};
