//! Client histories: what the clients of an ensemble asked, what they were told, and when.
//!
//! A trace (`zab-trace`) shows servers and is checked against the model of the protocol. A history
//! shows clients and is checked against what ZooKeeper promises to them (Hunt, Konar, Junqueira,
//! Reed, "ZooKeeper: Wait-free coordination for Internet-scale systems", 2010, section 2.3; the
//! programmer's guide, "Consistency Guarantees"). It needs nothing of the servers, so it judges any
//! implementation.
//!
//! [`History::load`] reads one, [`check`] judges it, [`Recorder`] writes one. Every reply of a
//! server carries the zxid of the state that it was made from, so writes are sorted by zxid, and
//! nothing is searched.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each rule is about a few kinds of calls and has nothing to say of the others"
)]

mod check;
mod events;
mod findings;
mod history;
mod moments;
mod order;
mod outcome;
mod recipes;
mod record;
mod replay;
mod unknown;
mod watches;
mod write;

pub use check::check;
pub use history::{History, LoadError};
pub use outcome::{Related, Report, Rule, Stale, Summary, Verdict, Violation};
pub use record::{
    Call, Clock, Header, Kind, Line, Mark, Operation, Reply, ReplyPart, Stat, VERSION, WatchKind,
    WatcherType, What,
};
pub use write::Recorder;
