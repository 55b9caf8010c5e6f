//! All properties at once, in one pass over a capture.

use std::collections::BTreeMap;

use zab_wire::PacketType;
use zab_wire::election::{Notification, ServerState};
use zab_wire::quorum::PROTOCOL_VERSION;

use super::acknowledged::Acknowledged;
use super::client::Clients;
use super::committed::Committed;
use super::complete::Complete;
use super::connections::{Connections, Seen};
use super::covered::Covered;
use super::elected::Elected;
use super::epochs::Epochs;
use super::gates::Gates;
use super::histories::Histories;
use super::leaders::Leaders;
use super::phases::Phases;
use super::pings::Pings;
use super::streams::Streams;
use super::sync::Sync;
use super::truncated::Truncated;
use super::votes::{At, Context, Votes};
use super::vouching::Vouching;
use super::{Findings, Members, OF_QUORUMS, Packet, Report, W_ACKNOWLEDGED, W_EPOCH, W_QUORUM};
use crate::connection::Message;
use crate::decode::{Item, Summary, What};
use crate::payload::Payload;
use crate::raw::Event;
use crate::show::ENCRYPTED;

/// All properties, beside one another.
#[derive(Default)]
pub(super) struct Watch {
    connections: Connections,
    covered: Covered,
    histories: Histories,
    acknowledged: Acknowledged,
    committed: Committed,
    vouching: Vouching,
    leaders: Leaders,
    clients: Clients,
    truncated: Truncated,
    phases: Phases,
    gates: Gates,
    epochs: Epochs,
    sync: Sync,
    streams: Streams,
    pings: Pings,
    votes: Votes,
    elected: Elected,
    complete: Complete,
    pub(super) findings: Findings,
}

impl Watch {
    pub(super) fn item(&mut self, members: &Members, item: &Item) {
        self.complete.item(item);
        match &item.what {
            What::Other(event) => self.event(item, event),
            What::Lost { connection, from, to, error, is_tls } => {
                let why = if *is_tls { ENCRYPTED.to_owned() } else { error.to_string() };
                self.connections.lost(*connection);
                self.histories.lost(*from, *to);
                self.findings.doubt(format!(
                    "line {}: bytes of server {from} to server {to} are no message, so what it sent \
                     afterwards is unknown: {why}",
                    item.line
                ));
            }
            What::Sent { connection, from, to, message, .. } => {
                if message.is_unreadable() {
                    self.findings.doubt(format!(
                        "line {}: server {from} sends server {to} something that cannot be read: \
                         {message}",
                        item.line
                    ));
                }
                if let Message::Notification(vote) = &**message {
                    let at = At { item, connection: *connection, from: *from, to: *to };
                    self.vote(members, &at, vote);
                }
                self.packet(members, item);
            }
        }
    }

    fn event(&mut self, item: &Item, event: &Event) {
        self.connections.event(item, event);
        self.covered.event(event);
        self.epochs.event(event);
        self.votes.event(event);
        if let Some(server) = event.started() {
            self.acknowledged.started(server);
        }
        match event {
            Event::Mark { what, details } => {
                self.clients.mark(item, what, details, &mut self.findings);
            }
            Event::Close { connection } => {
                self.phases.closed(*connection);
                self.streams.closed(*connection);
                self.pings.closed(*connection);
            }
            _ => {}
        }
    }

    fn vote(&mut self, members: &Members, at: &At<'_>, vote: &Notification) {
        let findings = &mut self.findings;
        let covered = &self.covered;
        self.acknowledged.vote(at.item, findings);
        // A server that does not vote is answered with the vote of an earlier election.
        let is_own = vote.state == ServerState::Looking && vote.leader == at.from;
        if is_own && members.is_voter(at.to) {
            self.histories.says(covered, at.item, at.from, vote.zxid, findings);
            self.truncated.says(at.item, at.from, vote.zxid, findings);
            let can_be = self.histories.can_have_epoch(covered, at.from, vote.peer_epoch);
            self.histories.says_epoch(at.from, vote.peer_epoch);
            if !can_be {
                let says = format!(
                    "server {} says that its epoch is {}, which it was never told to adopt",
                    at.from, vote.peer_epoch
                );
                findings.add(W_EPOCH, says, vec![Packet::of(at.item)]);
            }
        }
        let context = Context { members, covered, histories: &self.histories };
        self.votes.vote(&context, at, vote, findings);
        self.elected.vote(members, covered, at.item, (at.from, at.to), vote, findings);
    }

    fn packet(&mut self, members: &Members, item: &Item) {
        let findings = &mut self.findings;
        let Some(seen) = self.connections.packet(item) else { return };
        doubt_version(&seen, findings);
        doubt_silence(&seen, &mut self.covered, findings);
        let covered = &self.covered;
        self.phases.packet(&seen, findings);
        self.gates.packet(members, covered, &seen, findings);
        self.elected.packet(members, covered, &seen, findings);
        self.votes.packet(&seen);
        self.epochs.packet(covered, &mut self.histories, &seen, findings);
        if seen.by_learner && seen.packet.kind == PacketType::AckEpoch {
            let learner = seen.connection.learner;
            self.histories.says(covered, item, learner, seen.packet.zxid, findings);
            self.truncated.says(item, learner, seen.packet.zxid, findings);
        }
        self.sync.packet(members, covered, &self.histories, &seen, findings);
        self.histories.packet(&seen);
        self.truncated.packet(&seen);
        self.streams.packet(&seen, findings);
        self.pings.packet(&seen, findings);
        self.acknowledged.packet(&seen, findings);
        self.vouching.packet(members, &seen, covered, findings);
        self.committed.packet(members, &seen, &self.vouching, findings);
        self.leaders.packet(&seen, findings);
        self.connections.after(item);
    }

    pub(super) fn report(self, members: &Members, summary: Summary) -> Report {
        let mut report = Report {
            counts: vec![
                self.acknowledged.count(),
                self.committed.count(),
                self.vouching.count(),
                self.committed.count_digests(),
                self.leaders.count(),
                self.clients.count(),
                self.truncated.count(),
                self.phases.count(),
                self.gates.count(),
                self.epochs.count(),
                self.votes.count(),
                self.elected.count(),
                self.histories.count(),
                self.sync.count(),
            ],
            findings: self.findings.found,
            doubts: self.findings.doubts.into_iter().collect(),
            lacks: None,
            notes: Vec::new(),
            occasions: BTreeMap::new(),
            summary,
        };
        let words = self.acknowledged.by_server().map(|(id, n)| ((W_ACKNOWLEDGED, id), n));
        let cuts = self.vouching.cuts().map(|(id, n)| ((W_QUORUM, id), n));
        report.occasions.extend(words.chain(cuts));
        report.counts.extend(self.streams.counts());
        report.counts.push(self.pings.count());
        if self.findings.left_out > 0 {
            let more = self.findings.left_out;
            report.notes.push(format!("{more} more findings are not told"));
        }
        let silent = members.servers.iter().filter(|id| !self.connections.has_sent(**id));
        report.notes.extend(silent.map(|id| format!("server {id} has sent nothing")));
        doubt_end(&mut report);
        if self.leaders.count().number == 0 {
            report.doubts.push("no leader has sent NEWLEADER: there is nothing to look at".into());
        }
        // Whose acknowledgements count is then unknown.
        if self.connections.strangers(members).next().is_some() {
            report.findings.retain(|found| !OF_QUORUMS.contains(&found.rule));
        }
        for id in self.connections.strangers(members) {
            report.doubts.push(format!(
                "server {id} takes part, and is none of those that were named: whose \
                 acknowledgements count is unknown"
            ));
        }
        self.complete.report(members, &mut report);
        report.notes.extend(report.lacks.clone());
        report
    }
}

/// A recorder that is ended by somebody still writes its last entry, and messages that pass it are whole
/// or end with their connection. Without that entry, the capture says nothing of what followed.
fn doubt_end(report: &mut Report) {
    let Summary { has_end, waiting_bytes, entries, .. } = report.summary;
    // Of a capture that is cut in a line it is told already, and nothing is counted.
    if has_end || entries == 0 {
        return;
    }
    if waiting_bytes == 0 {
        let note = "the last entry is not quit: the capture was not ended by its recorder";
        report.notes.push(note.to_owned());
    } else {
        report.doubts.push(format!(
            "the capture is cut in the middle of a message: {waiting_bytes} bytes wait for the rest of \
             it, and the last entry is not quit"
        ));
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

/// One end answers what the capture does not show.
fn doubt_silence(seen: &Seen<'_>, covered: &mut Covered, findings: &mut Findings) {
    if !seen.is_one_sided() {
        return;
    }
    let (learner, leader) = (seen.connection.learner, seen.connection.leader);
    let (from, to) = if seen.by_learner { (learner, leader) } else { (leader, learner) };
    if covered.forget(learner, leader) {
        findings.doubt(format!(
            "line {}: server {from} answers server {to}, and the capture does not show what",
            seen.item.line
        ));
    }
}
