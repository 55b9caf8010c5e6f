//! The `paper` family of models: ZAB as published (Junqueira, Reed, Serafini: DSN 2011), at the
//! grain of its authors' TLA+ specification, `Zab.tla`.
//!
//! # What is modelled
//!
//! The seventeen actions of `Zab.tla` ([`Action`]), one step each, so that runs within equal
//! [`Bounds`] have equal numbers of distinct states.
//!
//! * Election is an oracle that may name anybody at any time; whoever leads adopts the most recent
//!   history of a quorum in phase 1.
//! * ACKEPOCH and NEWLEADER carry whole histories.
//! * Servers write, remember and answer in one step. A crash is its own recovery: epochs and history
//!   survive it, what is known to be committed does not.
//! * A connection ends at both ends at once, with all that is under way on it. A leader that loses
//!   its quorum, and all its learners, look for another leader in that same step.
//! * [`Variant`] has other readings of the paper: the three that its specification's authors found
//!   to be wrong, NEWLEADER's two writes one after the other, and a repair of ours without which an
//!   epoch may stand still.
//!
//! # What is left out
//!
//! Servers that are down for a time, half-open connections, reordered or repeated messages, logs
//! apart from memory: the `zookeeper` family (`zab-model`) has those. A leader never outlives
//! its quorum unnoticed, but for one way out: a follower that has promised more and turns NEWEPOCH
//! down leaves at once, and nobody asks whether a quorum remains. So several established leaders
//! may be there at a time, in different epochs; it takes three failures to see that.
//!
//! # The normal form
//!
//! A state is kept only as far as a later step may depend on it. Relative to all variables of the
//! specification it drops:
//!
//! * the last action, and all variables that only invariants read (`proposalMsgsLog`, `epochLeader`;
//!   see [`Ghost`] for how to have them back; [`Violation`] is always `None` in a correct run);
//! * everything that belongs to leaders, in servers that do not lead;
//! * who has acknowledged which transaction, except in the history of a leader past DISCOVERY;
//! * what CEPOCHs said, once they decided the epoch; what ACKEPOCHs said, once they decided the
//!   initial history (who sent them, and who is still connected since, stays);
//! * what follows from the rest: the epoch that a transaction was appended in, the zxid beside
//!   `lastCommitted`, `maxEpoch`, the leader's own CEPOCH and ACKEPOCH, and channels between servers
//!   that are not connected.
//!
//! Counters of faults and requests are part of the state.
//!
//! # Reading order
//!
//! `types`, `queue`, `state`: the words; `rules`: the actions; `normal`; [`primary_order`],
//! [`properties`]: what must hold;
//! `abstraction`: what the protocol is for, and that every step serves it; `symmetry`; `model`;
//! [`liveness`]: what must come about, and what that assumes;
//! `render`, `picture`: all of it for readers.
//!
//! # Numbers stay small
//!
//! A state of `N` servers is `Copy` and plain bytes. Epochs and counters end at [`NUMBER_MAX`];
//! [`Bounds::fit`] refuses a run that might need more.

mod abstraction;
mod action;
mod bounds;
mod classes;
mod ghost;
pub mod liveness;
mod model;
mod normal;
mod picture;
pub mod primary_order;
pub mod properties;
mod queue;
mod readings;
mod rename;
mod render;
mod rules;
mod sized;
mod state;
mod symmetry;
mod types;
mod unlimited;
mod variant;

pub use abstraction::{AbstractStep, abstract_step};
pub use action::Action;
pub use bounds::{Bounds, BoundsError, SERVERS_MAX};
pub use ghost::Ghost;
pub use model::Paper;
pub use picture::run_svg;
pub use queue::{Kind, Link, Message, Queue};
pub use readings::{READINGS, Reading, reading};
pub use sized::{TXNS_MAX, WithModel, with_model};
pub use state::{Heard, Leading, Report, Role, Server, Spent, State, Violation};
pub use types::{History, Members, NUMBER_MAX, Phase, Seat, Txn, Zxid};
pub use unlimited::{Epochs, Replayed, Unlimited, in_ranks};
pub use variant::{
    CommitLdZxid, LateAckLd, NewLeaderWrites, ProposalsTo, RepeatedProposal, Rules, Variant,
};
