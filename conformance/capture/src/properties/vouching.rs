//! W-QUORUM: a COMMIT counts only acknowledgements that still vouch.
//!
//! The ledger: a learner's ACK of z vouches for z, until the learner is told to cut its history
//! below z (TRUNC, SNAP), or says itself that its history ends below z (ACKEPOCH). When a leader
//! commits z, it and those who vouch for z must be a quorum. The leader's own acknowledgement is
//! never on the wire, so it is taken for given.

use std::collections::BTreeMap;

use zab_wire::PacketType;

use super::connections::{Connection, Seen};
use super::covered::Covered;
use super::{Count, Findings, Members, Packet, W_QUORUM, epoch, is_of_txn};
use crate::show::Zxid;

/// How many of the newest transactions are remembered. A learner that is cut further back takes part
/// in no decision that is still open.
const REMEMBERED: usize = 20_000;

/// Who vouches for which transaction.
#[derive(Debug, Default)]
pub(super) struct Vouching {
    txns: BTreeMap<i64, Vouchers>,
    /// By leader: how often it told a learner to cut off what the learner had acknowledged and it had
    /// not committed.
    cuts: BTreeMap<i64, u64>,
    looked_at: u64,
}

#[derive(Debug, Default)]
struct Vouchers {
    /// Who acknowledged it and still has it, and with which packet.
    present: BTreeMap<i64, Packet>,
    /// Who acknowledged it and does not have it any more, and the packets that say so.
    withdrawn: BTreeMap<i64, Vec<Packet>>,
    is_committed: bool,
}

impl Vouching {
    pub(super) fn count(&self) -> Count {
        Count { rule: W_QUORUM, what: "transactions committed", number: self.looked_at }
    }

    pub(super) fn cuts(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        self.cuts.iter().map(|(id, number)| (*id, *number))
    }

    /// The voters that are known to have a transaction, the leader that proposed it included.
    pub(super) fn holders(&self, members: &Members, zxid: i64, leader: i64) -> usize {
        let present = self.txns.get(&zxid).map(|txn| &txn.present);
        let others = present.into_iter().flat_map(BTreeMap::keys).filter(|id| **id != leader);
        others.filter(|id| members.is_voter(**id)).count() + 1
    }

    pub(super) fn packet(
        &mut self,
        members: &Members,
        seen: &Seen<'_>,
        covered: &Covered,
        findings: &mut Findings,
    ) {
        let (connection, zxid) = (seen.connection, seen.packet.zxid);
        match seen.packet.kind {
            PacketType::Ack if seen.by_learner && is_of_txn(zxid) && !connection.is_observer => {
                let txn = self.txns.entry(zxid).or_default();
                txn.withdrawn.remove(&connection.learner);
                txn.present.insert(connection.learner, seen.evidence());
                if self.txns.len() > REMEMBERED {
                    self.txns.pop_first();
                }
            }
            PacketType::AckEpoch if seen.by_learner => self.withdraw(seen, zxid),
            PacketType::Trunc | PacketType::Snap if !seen.by_learner => self.withdraw(seen, zxid),
            // What a leader commits before its epoch is established is its old history.
            PacketType::Commit | PacketType::Inform
                if !seen.by_learner && connection.epoch == Some(epoch(zxid)) && is_of_txn(zxid) =>
            {
                self.commit(members, seen, covered, findings);
            }
            _ => {}
        }
    }

    /// A learner does not have what is after `end` any more.
    fn withdraw(&mut self, seen: &Seen<'_>, end: i64) {
        let Connection { learner, leader, earlier_end, reported, .. } = seen.connection;
        let mut has_cut = false;
        for txn in self.txns.range_mut(end.saturating_add(1)..).map(|(_, txn)| txn) {
            let Some(acknowledged) = txn.present.remove(learner) else { continue };
            has_cut |= !txn.is_committed && !seen.by_learner;
            let reported = reported.iter().map(|(_, packet)| packet);
            let why = [acknowledged].into_iter().chain(earlier_end.iter().cloned());
            let why = why.chain(reported.cloned()).chain([seen.evidence()]);
            txn.withdrawn.insert(*learner, why.collect());
        }
        if has_cut {
            *self.cuts.entry(*leader).or_default() += 1;
        }
    }

    fn commit(
        &mut self,
        members: &Members,
        seen: &Seen<'_>,
        covered: &Covered,
        findings: &mut Findings,
    ) {
        let (zxid, leader) = (seen.packet.zxid, seen.connection.leader);
        let txn = self.txns.entry(zxid).or_default();
        if std::mem::replace(&mut txn.is_committed, true) {
            return;
        }
        self.looked_at += 1;
        let holders = self.holders(members, zxid, leader);
        if holders >= members.quorum() {
            return;
        }
        let Some(txn) = self.txns.get(&zxid) else { return };
        let present = txn.present.keys().copied().collect();
        let hidden = covered.hidden(members, leader, &present);
        if holders + hidden.len() >= members.quorum() {
            let hidden: Vec<String> = hidden.iter().map(ToString::to_string).collect();
            return findings.doubt(format!(
                "the capture does not show what server {} sends to server {leader}, so who \
                 acknowledged what it committed is unknown (first: {}, line {})",
                hidden.join(" and server "),
                Zxid(zxid),
                seen.item.line
            ));
        }
        let mut packets: Vec<Packet> = txn.present.values().cloned().collect();
        packets.extend(txn.withdrawn.values().flatten().cloned());
        packets.push(seen.evidence());
        let lost: Vec<String> = txn.withdrawn.keys().map(ToString::to_string).collect();
        let mut says = format!(
            "server {leader} committed {}, which {holders} of {} needed voters have: itself{}",
            Zxid(zxid),
            members.quorum(),
            txn.present.keys().fold(String::new(), |text, id| format!("{text}, {id}")),
        );
        if !lost.is_empty() {
            says = format!(
                "{says}; the acknowledgement of server {} was given before its history was cut",
                lost.join(" and of server ")
            );
        }
        findings.add_of(Some(leader), W_QUORUM, says, packets);
    }
}
