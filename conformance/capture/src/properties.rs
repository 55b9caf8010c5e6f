//! What must hold on the wire whatever the release: properties that need no model.
//!
//! Each has an id in `docs/src/rules.md`, section "On the wire". Some are properties of the protocol
//! (nothing that is committed is lost); the others say what each packet may be after those before it,
//! as far as no hidden state decides. They are weaker than the question whether every step was legal,
//! which is not asked here: a capture of which none is violated may still hold illegal steps.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a property is about a few types of packets, and the others are nothing to it"
)]

mod acknowledged;
mod client;
mod committed;
mod complete;
mod connections;
mod covered;
mod elected;
mod epochs;
mod gates;
mod histories;
mod leaders;
mod names;
mod phases;
mod pings;
mod streams;
mod sync;
mod truncated;
mod votes;
mod vouching;
mod watch;
mod zxids;

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use crate::decode::{Item, Summary, decode};
use crate::error::CaptureError;

use names::OF_QUORUMS;
pub use names::{
    W_ACK, W_ACKNOWLEDGED, W_CLIENT, W_COMMIT, W_COMMITTED, W_DIGEST, W_ELECTED, W_EPOCH, W_GATE,
    W_HISTORY, W_LEADER, W_PHASE, W_PING, W_PROPOSAL, W_QUORUM, W_SYNC, W_TRUNCATED, W_VOTE,
};
use watch::Watch;

/// Which servers there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// All servers, observers included.
    pub servers: BTreeSet<i64>,
    /// The observers, whose acknowledgements do not count.
    pub observers: BTreeSet<i64>,
}

impl Members {
    fn is_voter(&self, server: i64) -> bool {
        self.servers.contains(&server) && !self.observers.contains(&server)
    }

    /// How many voters are more than half of them.
    fn quorum(&self) -> usize {
        self.servers.difference(&self.observers).count() / 2 + 1
    }
}

/// An entry of the capture that a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Its line in the capture, from 1.
    pub line: u64,
    /// As `decode` shows it.
    pub text: String,
}

impl Packet {
    pub(crate) fn of(item: &Item) -> Self {
        Self { line: item.line, text: item.to_string() }
    }
}

/// A property that is violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The id of the property.
    pub rule: &'static str,
    /// What is wrong, in a sentence.
    pub says: String,
    /// The entries that show it, in the capture's order.
    pub packets: Vec<Packet>,
    /// Whose doing it is, if it is one server's.
    pub server: Option<i64>,
}

/// How often a property had something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The id of the property.
    pub rule: &'static str,
    /// What was looked at.
    pub what: &'static str,
    /// How many of them.
    pub number: u64,
}

/// What the properties say of a capture.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Violated properties, in the capture's order.
    pub findings: Vec<Finding>,
    /// How much was looked at.
    pub counts: Vec<Count>,
    /// Why the answer is weaker than it seems: what the capture does not show.
    pub doubts: Vec<String>,
    /// A connection that seems to be missing. What conforms without it conforms; what does not may be legal
    /// with it.
    pub lacks: Option<String>,
    /// What may be worth knowing and weakens nothing.
    pub notes: Vec<String>,
    /// How often it came to what W-ACKNOWLEDGED and W-QUORUM speak of, by property and server: a server
    /// was started again and said what it has, a leader had a transaction that is not committed cut off
    /// from a learner that had acknowledged it.
    pub occasions: BTreeMap<(&'static str, i64), u64>,
    /// What the capture held.
    pub summary: Summary,
}

/// How many doubts are told: one is enough.
const DOUBTS_MAX: usize = 5;

/// How many findings are told. What comes later mostly follows from the first ones.
pub const FINDINGS_MAX: usize = 100;

/// What has been found so far.
#[derive(Debug, Default)]
struct Findings {
    found: Vec<Finding>,
    /// Findings that found no room.
    left_out: usize,
    doubts: BTreeSet<String>,
}

impl Findings {
    fn add(&mut self, rule: &'static str, says: String, packets: Vec<Packet>) {
        self.add_of(None, rule, says, packets);
    }

    fn add_of(
        &mut self,
        server: Option<i64>,
        rule: &'static str,
        says: String,
        mut packets: Vec<Packet>,
    ) {
        if self.found.len() >= FINDINGS_MAX {
            self.left_out += 1;
            return;
        }
        packets.sort_by_key(|packet| packet.line);
        packets.dedup();
        self.found.push(Finding { rule, says, packets, server });
    }

    fn doubt(&mut self, why: String) {
        if self.doubts.len() < DOUBTS_MAX {
            self.doubts.insert(why);
        }
    }
}

/// Looks at every property of a capture. Of one that is cut, at what there is.
///
/// # Errors
/// If the input is no capture.
pub fn check(members: &Members, input: impl BufRead) -> Result<Report, CaptureError> {
    let mut watch = Watch::default();
    let summary = match decode(input, |item| watch.item(members, item)) {
        Err(error @ CaptureError::Cut { .. }) => {
            watch.findings.doubt(error.to_string());
            Summary::default()
        }
        decoded => decoded?,
    };
    Ok(watch.report(members, summary))
}

/// The zxid's epoch.
pub(crate) fn epoch(zxid: i64) -> i64 {
    zxid >> 32
}

/// Whether the zxid is that of a transaction: an epoch's first one names NEWLEADER.
pub(crate) fn is_of_txn(zxid: i64) -> bool {
    zxid & 0xffff_ffff != 0
}
