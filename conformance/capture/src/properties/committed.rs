//! W-COMMITTED: what is committed stays, with its content. W-DIGEST: a transaction has one digest.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use zab_wire::{PacketType, Txn};

use super::connections::Seen;
use super::vouching::Vouching;
use super::{
    Count, Findings, Members, Packet, W_COMMITTED, W_DIGEST, W_PROPOSAL, epoch, is_of_txn,
};
use crate::payload::Payload;
use crate::show::Zxid;

/// Bytes of a digest behind a transaction.
const DIGEST: usize = 12;

/// Transactions as they were proposed, and those that are committed.
#[derive(Debug, Default)]
pub(super) struct Committed {
    proposed: BTreeMap<i64, Proposed>,
    /// The line of the COMMIT that shows it.
    committed: BTreeMap<i64, u64>,
    /// By epoch: what a leader commits of its history before the epoch is established.
    tentative: BTreeMap<i64, Vec<(i64, u64)>>,
    /// Epochs in which a leader has sent UPTODATE.
    established: BTreeMap<i64, u64>,
    looked_at: u64,
    digests: u64,
}

#[derive(Clone, Debug)]
struct Proposed {
    content: u64,
    digest: Option<(i32, i64)>,
    packet: (u64, i64, i64),
}

impl Committed {
    pub(super) fn count(&self) -> Count {
        let what = "synchronizations of learners, and proposals made again";
        Count { rule: W_COMMITTED, what, number: self.looked_at }
    }

    pub(super) fn count_digests(&self) -> Count {
        Count { rule: W_DIGEST, what: "digests compared with an earlier one", number: self.digests }
    }

    pub(super) fn packet(
        &mut self,
        members: &Members,
        seen: &Seen<'_>,
        vouching: &Vouching,
        findings: &mut Findings,
    ) {
        if seen.by_learner {
            return;
        }
        let (zxid, line) = (seen.packet.zxid, seen.item.line);
        match seen.packet.kind {
            PacketType::Proposal => self.proposal(seen, findings),
            PacketType::Inform => {
                self.proposal(seen, findings);
                self.commit(seen, zxid, line);
            }
            PacketType::Commit => self.commit(seen, zxid, line),
            PacketType::UpToDate => {
                let Some(epoch) = seen.connection.epoch else { return };
                self.established.entry(epoch).or_insert(line);
                for (zxid, line) in self.tentative.remove(&epoch).unwrap_or_default() {
                    self.committed.entry(zxid).or_insert(line);
                }
            }
            PacketType::Diff | PacketType::Trunc | PacketType::Snap => {
                self.looked_at += 1;
                self.synchronization(members, seen, vouching, findings);
            }
            _ => {}
        }
    }

    fn commit(&mut self, seen: &Seen<'_>, zxid: i64, line: u64) {
        let Some(epoch) = seen.connection.epoch else { return };
        if self.established.contains_key(&epoch) {
            self.committed.entry(zxid).or_insert(line);
        } else {
            self.tentative.entry(epoch).or_default().push((zxid, line));
        }
    }

    fn proposal(&mut self, seen: &Seen<'_>, findings: &mut Findings) {
        let (zxid, connection) = (seen.packet.zxid, seen.connection);
        let (Payload::Txn(txn), Some(data)) = (seen.payload, &seen.packet.data) else { return };
        let packet = (seen.item.line, connection.leader, connection.learner);
        let now = Proposed {
            content: content(txn, data),
            digest: txn.digest.map(|digest| (digest.version, digest.tree)),
            packet,
        };
        let Some(before) = self.proposed.insert(zxid, now.clone()) else { return };
        let shown = |what: String| vec![before.shown(zxid), Packet { line: packet.0, text: what }];
        self.looked_at += 1;
        if before.content != now.content {
            if self.committed.contains_key(&zxid) {
                let says = format!(
                    "transaction {} is committed, and is proposed again with another content",
                    Zxid(zxid)
                );
                findings.add(W_COMMITTED, says, shown(seen.item.to_string()));
            } else {
                let says = format!("transaction {} is proposed with two contents", Zxid(zxid));
                findings.add(W_PROPOSAL, says, shown(seen.item.to_string()));
            }
        }
        if let (Some((version, first)), Some((same, second))) = (before.digest, now.digest)
            && version == same
        {
            self.digests += 1;
            if first != second {
                let says = format!(
                    "the state after transaction {} has digest {first:#x} in one proposal and \
                     {second:#x} in another",
                    Zxid(zxid)
                );
                findings.add(W_DIGEST, says, shown(seen.item.to_string()));
            }
        }
    }

    /// A leader tells a learner from where on it sends its history.
    fn synchronization(
        &self,
        members: &Members,
        seen: &Seen<'_>,
        vouching: &Vouching,
        findings: &mut Findings,
    ) {
        let (connection, header) = (seen.connection, seen.packet.zxid);
        let Some(current_epoch) = connection.epoch else { return };
        let reported = connection.reported.as_ref().map_or(0, |(zxid, _)| *zxid);
        // DIFF and SNAP say how far the leader's own history goes; TRUNC may stop before its end.
        let end = match seen.packet.kind {
            PacketType::Trunc => reported,
            _ => i64::MAX,
        };
        let mut cut = self.committed.range(header.saturating_add(1)..).take_while(|z| *z.0 <= end);
        let old = cut.clone().find(|(zxid, _)| is_of_txn(**zxid) && epoch(**zxid) < current_epoch);
        if let Some((zxid, line)) = old {
            let says = format!(
                "transaction {} was committed, and the history of server {}, which leads epoch \
                 {current_epoch}, is without it",
                Zxid(*zxid),
                connection.leader
            );
            return findings.add(W_COMMITTED, says, self.evidence(seen, *zxid, *line));
        }
        // The leader that committed it still has it: it is in danger, if too few others do.
        let own = cut.find(|(zxid, _)| **zxid <= reported && epoch(**zxid) == current_epoch);
        if let Some((zxid, line)) = own {
            let holders = vouching.holders(members, *zxid, connection.leader);
            if holders < members.quorum() {
                let says = format!(
                    "transaction {} is committed, and server {} is told to cut it off: {holders} of \
                     {} needed voters have it now",
                    Zxid(*zxid),
                    connection.learner,
                    members.quorum()
                );
                findings.add(W_COMMITTED, says, self.evidence(seen, *zxid, *line));
            }
        }
    }

    fn evidence(&self, seen: &Seen<'_>, zxid: i64, line: u64) -> Vec<Packet> {
        let mut packets: Vec<Packet> =
            self.proposed.get(&zxid).map(|before| before.shown(zxid)).into_iter().collect();
        packets.push(Packet { line, text: format!("{line:>5}  COMMIT {}", Zxid(zxid)) });
        packets.extend(seen.connection.reported.iter().map(|(_, packet)| packet.clone()));
        packets.push(seen.evidence());
        packets
    }
}

impl Proposed {
    fn shown(&self, zxid: i64) -> Packet {
        let (line, from, to) = self.packet;
        let text = format!("{line:>5}  {from} -> {to}  PROPOSAL {}", Zxid(zxid));
        Packet { line, text }
    }
}

/// The transaction without its digest, as a number.
fn content(txn: &Txn, data: &[u8]) -> u64 {
    let digest = if txn.digest.is_some() { DIGEST } else { 0 };
    let mut hasher = DefaultHasher::new();
    data[..data.len().saturating_sub(digest)].hash(&mut hasher);
    hasher.finish()
}
