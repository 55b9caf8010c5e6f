//! W-PROPOSAL, W-COMMIT, W-ACK: transactions on one connection.
//!
//! A leader queues each PROPOSAL to all that follow it, in the order of zxids, under one lock
//! (`Leader.propose`, `Leader.startForwarding`), and the COMMIT of each in the same order
//! (`Leader.tryToCommit`); a follower acknowledges in the order in which it was sent them
//! (`SyncRequestProcessor`). What a learner already has is not sent again
//! (`LearnerHandler.queueCommittedProposals`).
//!
//! Not asked: whether transactions of *earlier* epochs are without a gap. A leader whose window has a
//! hole sends one (ZOOKEEPER-4925, up to 3.9.3). And not whether each is acknowledged: from 3.9.3 on
//! those of a synchronization are not.

use std::collections::{BTreeMap, VecDeque};

use zab_wire::PacketType;

use super::connections::Seen;
use super::{Count, Findings, Packet, W_ACK, W_COMMIT, W_PROPOSAL, epoch, is_of_txn};
use crate::payload::Payload;
use crate::show::Zxid;

/// What is on its way on each connection.
#[derive(Debug, Default)]
pub(super) struct Streams {
    connections: BTreeMap<u64, Stream>,
    proposals: u64,
    commits: u64,
    acks: u64,
}

#[derive(Debug, Default)]
struct Stream {
    last: Option<i64>,
    uncommitted: VecDeque<i64>,
    unacknowledged: VecDeque<i64>,
    /// Whether an acknowledgement has come: the next ones are for those that follow.
    has_acknowledged: bool,
}

impl Streams {
    pub(super) fn counts(&self) -> [Count; 3] {
        [
            (W_PROPOSAL, "PROPOSALs and INFORMs", self.proposals),
            (W_COMMIT, "COMMITs", self.commits),
            (W_ACK, "ACKs of transactions", self.acks),
        ]
        .map(|(rule, what, number)| Count { rule, what, number })
    }

    pub(super) fn closed(&mut self, connection: u64) {
        self.connections.remove(&connection);
    }

    pub(super) fn packet(&mut self, seen: &Seen<'_>, findings: &mut Findings) {
        if !seen.is_whole() {
            return;
        }
        let stream = self.connections.entry(seen.connection.number).or_default();
        let (count, rule, wrong) = match (seen.packet.kind, seen.by_learner) {
            (PacketType::Proposal | PacketType::Inform, false) => {
                (&mut self.proposals, W_PROPOSAL, stream.proposal(seen))
            }
            (PacketType::Commit | PacketType::CommitAndActivate, false) => {
                (&mut self.commits, W_COMMIT, stream.commit(seen.packet.zxid))
            }
            (PacketType::Ack, true) if is_of_txn(seen.packet.zxid) => {
                (&mut self.acks, W_ACK, stream.ack(seen.packet.zxid))
            }
            _ => return,
        };
        *count += 1;
        if let Err(why) = wrong {
            let (from, zxid) = (seen.sender(), Zxid(seen.packet.zxid));
            let what = match rule {
                W_PROPOSAL => "sends transaction",
                W_COMMIT => "commits",
                _ => "acknowledges",
            };
            let says = format!("server {from} {what} {zxid} {why}");
            findings.add(rule, says, evidence(seen));
        }
    }
}

/// The packet, and what its connection began with.
fn evidence(seen: &Seen<'_>) -> Vec<Packet> {
    let reported = seen.connection.reported.iter().map(|(_, packet)| packet.clone());
    reported.chain([seen.evidence()]).collect()
}

type Fault = Result<(), String>;

impl Stream {
    fn proposal(&mut self, seen: &Seen<'_>) -> Fault {
        let zxid = seen.packet.zxid;
        let fine = self.is_in_place(seen);
        self.last = Some(zxid);
        if seen.packet.kind == PacketType::Proposal {
            self.uncommitted.push_back(zxid);
            if !seen.connection.is_observer {
                self.unacknowledged.push_back(zxid);
            }
        }
        fine
    }

    fn is_in_place(&self, seen: &Seen<'_>) -> Fault {
        let (zxid, connection) = (seen.packet.zxid, seen.connection);
        if let Payload::Txn(txn) = seen.payload
            && txn.header.zxid != zxid
        {
            return Err(format!("with the transaction {} in it", Zxid(txn.header.zxid)));
        }
        let before = self.last.or_else(|| connection.start());
        if let Some(before) = before.filter(|before| zxid <= *before) {
            return Err(format!("after {}", Zxid(before)));
        }
        let Some(current) = connection.epoch else { return Ok(()) };
        if epoch(zxid) > current || (connection.newleader_sent && epoch(zxid) != current) {
            return Err(format!("in epoch {current}"));
        }
        if epoch(zxid) != current {
            return Ok(());
        }
        // Its own transactions are all there, from the first one.
        let first = (current << 32) + 1;
        let before = match (before, connection.header) {
            (Some(before), _) => before,
            // The snapshot may hold more than SNAP says, and never less.
            (None, Some((PacketType::Snap, has))) if epoch(has) == current => {
                let is_next = zxid <= has.saturating_add(1);
                let why = || format!("and the snapshot before it ends at {}", Zxid(has));
                return is_next.then_some(()).ok_or_else(why);
            }
            _ => first - 1,
        };
        let next = first.max(before.saturating_add(1));
        let why = || format!("where {} is the next", Zxid(next));
        (zxid == next).then_some(()).ok_or_else(why)
    }

    fn commit(&mut self, zxid: i64) -> Fault {
        if self.uncommitted.front() == Some(&zxid) {
            self.uncommitted.pop_front();
            return Ok(());
        }
        let why = match self.uncommitted.front() {
            Some(next) => format!("where {} is the next that it has proposed", Zxid(*next)),
            None => "which it has not proposed, or has committed, on this connection".to_owned(),
        };
        if let Some(found) = self.uncommitted.iter().position(|proposed| *proposed == zxid) {
            self.uncommitted.drain(..=found);
        }
        Err(why)
    }

    fn ack(&mut self, zxid: i64) -> Fault {
        let found = self.unacknowledged.iter().position(|proposed| *proposed == zxid);
        let next = self.unacknowledged.front().copied();
        if let Some(found) = found {
            self.unacknowledged.drain(..=found);
        }
        let had_acknowledged = std::mem::replace(&mut self.has_acknowledged, true);
        match (found, next) {
            (Some(0), _) => Ok(()),
            (Some(_), _) if !had_acknowledged => Ok(()),
            (Some(_), Some(next)) => Err(format!("before {}", Zxid(next))),
            _ => Err("which was not proposed to it, or it has acknowledged, on this connection"
                .to_owned()),
        }
    }
}
