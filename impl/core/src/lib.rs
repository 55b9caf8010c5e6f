//! ZAB, ZooKeeper's atomic broadcast, as a sans-io state machine.
//!
//! A `Peer` is one voting server. It does no I/O and has no clock: the *driver* around it hands
//! in every [`Input`] and carries out the [`Effects`] that come back. The protocol is exactly
//! `docs/src/rules.md`, profile `fixed`; every rule's id stands before the code that is the rule.
//!
//! # The driver's loop, in order
//!
//! ```text
//! let (mut peer, effects) = Peer::recover(config, recovered)?;   // the tree holds all of `recovered`
//! emit(observer.start(&recovered_projection, peer.state()));
//! loop {                                                         // `effects` of recover come first
//!     for event in observer.step(cause, &effects, peer.state()) { emit(event) }
//!     close   every connection in effects.close
//!     for write in effects.persist { write durably; emit(observer.persisted(write)) }
//!     begin   effects.append                                     // answered by Input::Synced
//!     for item in effects.deliver { apply; emit(observer.delivered(item)) }
//!     for out in effects.send { emit(observer.sending(out)); send }
//!     queue   effects.notify                                     // observer.notifying when it leaves
//!     do      effects.dial, effects.timer
//!     emit(observer.finish())                                    // decisions that follow
//!     input = next();  effects = peer.handle(input);
//! }
//! ```
//!
//! Questions a driver may ask: `Peer::state()`, `role()`, `phase()`, `is_leading()`,
//! `is_established()` (BROADCAST), `leader() -> Option<ServerId>`, `leader_connection()`,
//! `last_committed()`, `last_zxid()`, `applied()`, `not_applied(zxid)` (for the state that goes
//! with SNAP).

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
mod peer;
mod quorum;
mod server;

#[cfg(feature = "mutants")]
pub use config::Mutant;
pub use config::{Config, ConfigError};
pub use durable::{Base, RecoverError, Recovered, Write};
pub use effects::{Close, Decision, Deliver, Dial, Effects, Outgoing, Timer, TimerChange};
pub use error::ProtocolError;
pub use input::{ConnectionId, Input};
pub use message::{Message, Notification, Txn, Vote};
pub use peer::Peer;
pub use zab_trace::{Epoch, Phase, Role, ServerId, Zxid};
