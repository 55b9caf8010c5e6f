//! Exploration: every behaviour of servers, channels and environment within bounds.
//!
//! [`Zab`] composes the rules of single servers with [`links`](Links) that lose messages, and with
//! an environment that crashes servers, cuts links and makes requests, each within a budget
//! ([`Bounds`]). It is a `stateright::Model` over flat states, which [`zab_explorer::check`]
//! explores.
//!
//! A verdict is never stronger than the run: only an exploration that has visited every state
//! within its bounds says that a property holds.
//!
//! # What an exploration leaves out
//!
//! Besides what its bounds leave out, and what the rules leave out (see the crate):
//!
//! * More than five servers and three transactions; simulated runs, which the checker of traces
//!   steps through, have more of both. A model is compiled for a number of servers (`Zab<N, P>`).
//! * Election channels hold two notifications. A newer one replaces the last one only when the
//!   channel is full, and a new connection does not repeat the last one (that is a resend).
//! * A follower connects only to a server that leads; an attempt that fails is the follower
//!   leaving its role.
//! * All servers are up at first, unless the start names one that is down. A late start is like a start
//!   after a crash.
//! * With [`Election::Oracle`], elections by notifications that are no longer true.
//!
//! # Reading order
//!
//! `sizes`, `sized`, `bounds`, `state`, `action`: the words. `links`, `oracle`: channels and the coarse
//! election. `model`, `enabled`, `effects`: what an action does, when it can, what follows from it.
//! `engines`: the model as engines see it; `waiting`: whether it may stop. `properties`, `agreement`, `leading`, `abstraction`, `observers`, `reached`,
//! `ghost`: what must hold, what should be seen, what is remembered for it. `unlimited`: no bound on failures. `liveness`: what must come about. `starts`: what runs begin with. `render`, `facts`,
//! `picture`: telling the result.

mod abstraction;
mod action;
mod agreement;
mod bounds;
mod effects;
mod enabled;
mod engines;
mod facts;
mod ghost;
mod leading;
mod links;
pub mod liveness;
mod model;
mod observers;
mod older;
mod oracle;
mod packet;
mod picture;
pub mod properties;
pub mod reached;
mod render;
mod sized;
mod sizes;
mod starts;
mod state;
mod unlimited;
mod waiting;

pub use abstraction::Seen;
pub use action::Action;
pub use bounds::{Bounds, Election};
pub use ghost::{Established, Ghost, Violation};
pub use links::{DOWN_MAX, Down, End, Links, NOTES_MAX, Pairs, UP_MAX, Up};
pub use model::{NetworkMutant, Settled, Start, Zab};
pub use packet::{Note, Packet, PacketKind};
pub use picture::run_svg;
pub use properties::{Kind, PROPERTIES, Property};
pub use render::{ActionText, changes, trace_text};
pub use sized::{Largest, WithSize, with_size};
pub use sizes::{Flat, Log, PAIRS, SERVERS, SERVERS_MAX, TXNS_MAX, Transactions};
pub use starts::{after_first_epoch, in_snapshot, one_is_late, uneven_starts};
pub use state::{Budget, State};
pub use unlimited::Unlimited;
