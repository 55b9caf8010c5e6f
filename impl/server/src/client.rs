//! The client port: connections, sessions, requests in each session's order.
//!
//! Reads are answered from this server's tree; everything else goes to the leader through
//! [`service`]. Not here yet, and refused rather than half done: ephemeral, sequential, container
//! and expiring nodes, `multi`, access control lists other than for everyone, authentication.
//! **Watches are not kept**: the flag of a read is ignored. Sessions do not expire: one whose
//! client never comes back lives until the client closes it.

pub mod service;

mod budget;
mod connection;
mod handshake;
mod limits;
mod listener;
mod pipeline;
mod places;
mod requests;
#[cfg(test)]
mod tests;
mod wire;

pub use service::{Mode, Service, Submission, Submissions};
