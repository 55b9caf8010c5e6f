//! What must hold on the wire whatever the release: properties that need no model.
//!
//! Each has an id in `docs/src/rules.md`, section "On the wire". They are weaker than the question
//! whether every step was legal, which is not asked here: a capture of which none is violated may
//! still hold illegal steps.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a property is about a few types of packets, and the others are nothing to it"
)]

mod acknowledged;
mod client;
mod committed;
mod connections;
mod leaders;
mod vouching;

use std::collections::BTreeSet;
use std::io::BufRead;

use zab_wire::quorum::PROTOCOL_VERSION;

use crate::decode::{Item, Summary, What, decode};
use crate::error::CaptureError;
use crate::payload::Payload;
use crate::raw::{Event, Link, Port, Side};
use crate::show::ENCRYPTED;

use acknowledged::Acknowledged;
use client::Clients;
use committed::Committed;
use connections::{Connections, Seen};
use leaders::Leaders;
use vouching::Vouching;

/// W-ACKNOWLEDGED: what a server acknowledged is in its first vote after a restart.
pub const W_ACKNOWLEDGED: &str = "W-ACKNOWLEDGED";
/// W-COMMITTED: what is committed stays, with its content.
pub const W_COMMITTED: &str = "W-COMMITTED";
/// W-QUORUM: a COMMIT counts only acknowledgements that still vouch.
pub const W_QUORUM: &str = "W-QUORUM";
/// W-DIGEST: a transaction has one digest.
pub const W_DIGEST: &str = "W-DIGEST";
/// W-LEADER: an epoch has one leader.
pub const W_LEADER: &str = "W-LEADER";
/// W-CLIENT: a write that a client was told of is read afterwards.
pub const W_CLIENT: &str = "W-CLIENT";

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
    fn of(item: &Item) -> Self {
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
    /// What may be worth knowing and weakens nothing.
    pub notes: Vec<String>,
    /// What the capture held.
    pub summary: Summary,
}

/// How many doubts are told: one is enough.
const DOUBTS_MAX: usize = 5;

/// What has been found so far.
#[derive(Debug, Default)]
struct Findings {
    found: Vec<Finding>,
    doubts: BTreeSet<String>,
}

impl Findings {
    fn add(&mut self, rule: &'static str, says: String, mut packets: Vec<Packet>) {
        packets.sort_by_key(|packet| packet.line);
        packets.dedup();
        self.found.push(Finding { rule, says, packets });
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

/// Learners and leaders between which the recorder stood: it listened for the one in place of the
/// other, or was dialled.
type Covered = BTreeSet<(i64, i64)>;

/// All properties, beside one another.
#[derive(Default)]
struct Watch {
    connections: Connections,
    acknowledged: Acknowledged,
    committed: Committed,
    vouching: Vouching,
    covered: Covered,
    leaders: Leaders,
    clients: Clients,
    findings: Findings,
}

impl Watch {
    fn item(&mut self, members: &Members, item: &Item) {
        let findings = &mut self.findings;
        match &item.what {
            What::Other(event) => {
                self.connections.event(item, event);
                match event {
                    Event::Listen(Link { port: Port::Quorum, from, to })
                    | Event::Open(Side { port: Port::Quorum, from, to, .. }) => {
                        self.covered.insert((*from, *to));
                    }
                    _ => {}
                }
                if let Event::Mark { what, details } = event {
                    self.acknowledged.mark(what, details);
                    self.clients.mark(item, what, details, findings);
                }
            }
            What::Lost { from, to, error, is_tls, .. } => {
                let why = if *is_tls { ENCRYPTED.to_owned() } else { error.to_string() };
                findings.doubt(format!(
                    "line {}: bytes of server {from} to server {to} are no message, so what it sent \
                     afterwards is unknown: {why}",
                    item.line
                ));
            }
            What::Sent { .. } => {
                self.acknowledged.vote(item, findings);
                if let Some(seen) = self.connections.packet(item) {
                    doubt_version(&seen, findings);
                    doubt_silence(&seen, &mut self.covered, findings);
                    self.acknowledged.packet(&seen, findings);
                    self.vouching.packet(members, &seen, &self.covered, findings);
                    self.committed.packet(members, &seen, &self.vouching, findings);
                    self.leaders.packet(&seen, findings);
                    self.connections.after(item);
                }
            }
        }
    }

    fn report(self, members: &Members, summary: Summary) -> Report {
        let mut report = Report {
            counts: vec![
                self.acknowledged.count(),
                self.committed.count(),
                self.vouching.count(),
                self.committed.count_digests(),
                self.leaders.count(),
                self.clients.count(),
            ],
            findings: self.findings.found,
            doubts: self.findings.doubts.into_iter().collect(),
            notes: Vec::new(),
            summary,
        };
        let silent = members.servers.iter().filter(|id| !self.connections.has_sent(**id));
        report.notes.extend(silent.map(|id| format!("server {id} has sent nothing")));
        if self.leaders.count().number == 0 {
            report.doubts.push("no leader has sent NEWLEADER: there is nothing to look at".into());
        }
        // Whose acknowledgements count is then unknown.
        if self.connections.strangers(members).next().is_some() {
            report.findings.retain(|found| ![W_QUORUM, W_COMMITTED].contains(&found.rule));
        }
        for id in self.connections.strangers(members) {
            report.doubts.push(format!(
                "server {id} takes part, and is none of those that were named: whose \
                 acknowledgements count is unknown"
            ));
        }
        report
    }
}

/// Of a version that nobody here knows, the meaning of packets is not known either.
fn doubt_version(seen: &Seen<'_>, findings: &mut Findings) {
    let version = match seen.payload {
        Payload::Learner(learner) => learner.protocol_version,
        Payload::Version(version) => *version,
        _ => return,
    };
    if version != PROTOCOL_VERSION {
        findings.doubt(format!(
            "line {}: version {version:#x} of the protocol between servers, expected \
             {PROTOCOL_VERSION:#x}",
            seen.item.line
        ));
    }
}

/// A leader answers a learner of which the capture shows nothing.
fn doubt_silence(seen: &Seen<'_>, covered: &mut Covered, findings: &mut Findings) {
    let connection = seen.connection;
    let pair = (connection.learner, connection.leader);
    if !seen.by_learner && !connection.learner_has_spoken && covered.remove(&pair) {
        findings.doubt(format!(
            "line {}: server {} answers server {}, and the capture does not show what",
            seen.item.line, connection.leader, connection.learner
        ));
    }
}

/// The zxid's epoch.
pub(crate) fn epoch(zxid: i64) -> i64 {
    zxid >> 32
}

/// Whether the zxid is that of a transaction: an epoch's first one names NEWLEADER.
pub(crate) fn is_of_txn(zxid: i64) -> bool {
    zxid & 0xffff_ffff != 0
}
