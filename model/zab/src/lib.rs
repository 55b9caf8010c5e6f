//! The formal model of ZAB as Apache ZooKeeper implements it. `zab-paper` has it as published.
//!
//! # What is modelled
//!
//! The `zookeeper` family: every rule of `docs/src/rules.md`, at the finest
//! grain. A rule reads and writes *one* server, consumes at most one message, and never touches a
//! channel; guard and effect stand together in one function. [`apply`] takes a server through one
//! [`Step`] and says whether that was possible. Channels, faults and time belong to the code that
//! composes servers (the explorer) or follows one (the checker of traces).
//!
//! Where releases of ZooKeeper differ, a [`Profile`] says what a rule does; `fixed`, which the
//! ledger describes, is none of them and stricter than any.
//!
//! A [`Grain`] says how much of this is one step; each grain calls the same functions.
//!
//! Durability is explicit. What a rule must write before it may send is a [`Program`]. Each write
//! of a program is a step of its own, so a crash can come between any two.
//!
//! # What is left out
//!
//! * Time. Whatever a timeout does can happen at any moment.
//! * Reconfiguration, weights, epochs that run out of counters.
//! * What PING, SYNC and client sessions do; the content of transactions.
//! * Of releases: what [`profile::GAPS`] lists.
//!
//! # Reading order
//!
//! 1. `types`, `message`, `server`, `stores`: the nouns, the messages, the state of a server.
//! 2. `rules/node`, `rules/guard`, `history`: what a rule can see and do.
//! 3. `rules/election`, `rules/discovery`, `rules/synchronization`, `rules/broadcast`,
//!    `rules/failure`: the protocol, phase by phase, beside `docs/src/rules.md`.
//! 4. `dispatch`: which rule applies to a message in which role.
//! 5. `shape`: how the same rules run on bytes ([`Small`]) and on traces of any length ([`Wide`]).
//! 6. `explore`: servers, links and faults composed, and what must hold of them.

mod config;
mod dispatch;
pub mod explore;
mod grain;
mod history;
mod message;
mod number;
mod outbox;
mod probe;
pub mod profile;
mod program;
mod rules;
mod server;
pub mod shape;
mod step;
mod stores;
mod types;

pub use config::{Config, Ensemble, WINDOW_DEFAULT};
pub use dispatch::apply;
pub use grain::Grain;
pub use history::History;
pub use message::{Message, Notification};
pub use number::{Number, Round};
pub use outbox::{Decision, Effect, Outbox, Write};
pub use probe::{Check, NoProbe, Probe, Record};
pub use profile::Profile;
pub use program::{Item, Program};
pub use rules::election::elect;
pub use rules::sync_plan::sync_window;
pub use server::{
    Election, Former, Heard, Leader, Learner, Progress, Projection, Server, Stage, SyncMode,
    Synchronization,
};
pub use shape::{Ledger, Queue, RoundOf, Shape, Small, Table, TxnOf, Wide};
pub use step::{Enabled, Step};
pub use stores::{CommittedLog, Database, Disk, Snapshot};
pub use types::{Phase, Role, ServerId, ServerSet, Txn, Vote, Zxid};
