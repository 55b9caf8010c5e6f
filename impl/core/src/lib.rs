//! ZAB, ZooKeeper's atomic broadcast, as a sans-io state machine.
//!
//! A [`Peer`] is one server, which votes or observes. It does no I/O and has no clock: the *driver* around it hands
//! in every [`Input`] and carries out the [`Effects`] that come back. The protocol is exactly
//! `docs/src/rules.md`, profile `fixed`; every rule's id stands before the code that is the rule.
//!
//! # The driver's loop, in order
//!
//! ```
//! use zab_core::{Config, Input, Observer, Peer, Recovered};
//!
//! # fn emit(_: zab_trace::Event) {}
//! # fn main() -> Result<(), zab_core::RecoverError> {
//! # let mut inputs = std::collections::VecDeque::from([Input::Tick, Input::Tick]);
//! // The state machine already holds everything that is handed in as `Recovered`.
//! let (mut peer, mut effects) = Peer::recover(Config::new(1, [1, 2, 3]), Recovered::EMPTY)?;
//! let mut observer = Observer::new(peer.id(), 1);
//! observer.start(&effects, peer.state()).into_iter().for_each(emit);
//! loop {
//!     for close in &effects.close { /* close it, drop what waits on it in both directions */ }
//!     for write in &effects.persist {
//!         /* write and sync; for `Write::CommittedLog` apply its transactions then, too */
//!         observer.persisted(write).into_iter().for_each(emit);
//!     }
//!     for txn in &effects.append { /* begin to append; never wait */ }
//!     for deliver in &effects.deliver {
//!         /* apply it */
//!         observer.delivered(deliver).into_iter().for_each(emit);
//!     }
//!     for outgoing in &effects.send {
//!         observer.sending(outgoing).into_iter().for_each(emit);
//!         /* send it; with `Message::Snap` goes the state, brought up by `peer.not_applied` */
//!     }
//!     for (to, notification) in &effects.notify {
//!         /* offer it to the election port, which calls `observer.notifying` when it leaves */
//!     }
//!     if let Some(dial) = effects.dial { /* dial the leader, or stop */ }
//!     if let Some(timer) = effects.timer { /* arm or disarm the one timer */ }
//!     observer.finish().into_iter().for_each(emit);
//!
//!     // A tick, a message, a report of the log, … one at a time. The name of a new connection
//!     // is told to the observer first, by `observer.opened`.
//!     let Some(input) = inputs.pop_front() else { break };
//!     effects = peer.handle(input.clone());
//!     observer.step(&input, &effects, peer.state()).into_iter().for_each(emit);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The order is a contract, told at [`Effects`]: what is in `persist` is durable *before* anything
//! in `deliver`, `send` or `notify` leaves.
//!
//! # What is not here
//!
//! Clients, sessions, forwarded requests, SYNC and REVALIDATE are the driver's. It asks
//! [`Peer::leader`], [`Peer::leader_connection`], [`Peer::is_established`] and makes a request at
//! an established leader an [`Input::Request`].
//!
//! # Three kinds of wrong
//!
//! A peer that breaks the protocol is a [`ProtocolError`]: the role is left, or the connection is
//! closed. A disk that no run leaves is a [`RecoverError`]. A driver that breaks the contract, or
//! a defect here, ends in an assertion.

mod config;
mod durable;
mod effects;
mod election;
mod error;
mod follower;
mod history;
mod input;
mod leader;
mod message;
mod mutant;
mod observe;
mod peer;
mod quorum;
mod server;

pub use config::{Config, ConfigError};
pub use durable::{Base, RecoverError, Recovered, Write};
pub use effects::{Close, Decision, Deliver, Dial, Effects, Outgoing, Timer, TimerChange};
pub use error::ProtocolError;
pub use history::is_next;
pub use input::{ConnectionId, Input};
pub use message::{Message, Notification, ROUND_MAX, Txn, Vote};
pub use mutant::Mutant;
pub use observe::Observer;
pub use peer::Peer;
pub use quorum::Quorums;
pub use zab_trace::{Epoch, Phase, Role, ServerId, Zxid};
