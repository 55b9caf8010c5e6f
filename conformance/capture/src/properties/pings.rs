//! W-PING: a leader's PING says how far it has proposed, and a learner answers each once at most.
//!
//! `LearnerHandler.ping` takes `lastProposed` under the lock under which proposals are queued, and
//! `Learner.ping` answers with the zxid that it was sent. Up to 3.4 a PING may be queued before the
//! synchronization is; so only those after NEWLEADER are compared with PROPOSALs. Before its first
//! transaction a leader says (epoch, 0).

use std::collections::BTreeMap;

use zab_wire::PacketType;

use super::connections::Seen;
use super::{Count, Findings, W_PING, epoch};
use crate::show::Zxid;

/// What each connection's PINGs have said.
#[derive(Debug, Default)]
pub(super) struct Pings {
    connections: BTreeMap<u64, Pinged>,
    looked_at: u64,
}

#[derive(Debug, Default)]
struct Pinged {
    last: Option<i64>,
    /// The greatest zxid that was proposed on this connection.
    proposed: i64,
    pings: u64,
    answers: u64,
}

impl Pings {
    pub(super) fn count(&self) -> Count {
        Count { rule: W_PING, what: "PINGs", number: self.looked_at }
    }

    pub(super) fn closed(&mut self, connection: u64) {
        self.connections.remove(&connection);
    }

    pub(super) fn packet(&mut self, seen: &Seen<'_>, findings: &mut Findings) {
        if !seen.is_whole() {
            return;
        }
        let zxid = seen.packet.zxid;
        let pinged = self.connections.entry(seen.connection.number).or_default();
        let wrong = match (seen.packet.kind, seen.by_learner) {
            (PacketType::Proposal | PacketType::Inform, false) => {
                pinged.proposed = pinged.proposed.max(zxid);
                return;
            }
            (PacketType::Ping, true) => pinged.answered(seen),
            (PacketType::Ping, false) => pinged.pinged(seen),
            _ => return,
        };
        self.looked_at += 1;
        if let Err(why) = wrong {
            let says = format!("server {} sends PING {} {why}", seen.sender(), Zxid(zxid));
            findings.add(W_PING, says, vec![seen.evidence()]);
        }
    }
}

impl Pinged {
    fn pinged(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        let (zxid, connection) = (seen.packet.zxid, seen.connection);
        let last = self.last.replace(zxid);
        self.pings += 1;
        if let Some(last) = last.filter(|last| zxid < *last) {
            return Err(format!("after PING {}", Zxid(last)));
        }
        let Some(current) = connection.epoch else { return Ok(()) };
        if epoch(zxid) > current {
            return Err(format!("in epoch {current}"));
        }
        // An observer is told of what is committed only.
        if !connection.newleader_sent || connection.is_observer {
            return Ok(());
        }
        let most = self.most(seen);
        if zxid <= most { Ok(()) } else { Err(format!("and has proposed up to {}", Zxid(most))) }
    }

    fn answered(&mut self, seen: &Seen<'_>) -> Result<(), String> {
        // Those during the synchronization get no answer.
        self.answers += 1;
        if self.answers > self.pings {
            return Err("and was sent fewer".to_owned());
        }
        // An observer is told by PING of what it is not sent yet.
        let most = self.most(seen).max(self.last.unwrap_or_default());
        let zxid = seen.packet.zxid;
        if zxid <= most { Ok(()) } else { Err(format!("and was told of {} at most", Zxid(most))) }
    }

    /// The greatest zxid that was named on a connection.
    fn most(&self, seen: &Seen<'_>) -> i64 {
        let connection = seen.connection;
        let synced = connection.header.map_or(0, |(_, zxid)| zxid);
        let reported = connection.reported.as_ref().map_or(0, |(zxid, _)| *zxid);
        let first = connection.epoch.unwrap_or_default() << 32;
        self.proposed.max(synced).max(reported).max(first)
    }
}
