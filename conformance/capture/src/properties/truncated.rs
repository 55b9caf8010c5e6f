//! W-TRUNCATED: what a server was told to cut off stays off, unless it is sent again (H-11).
//!
//! A TRUNC was acted upon when NEWLEADER is acknowledged on its connection: a learner handles packets
//! in order. `FileTxnLog.truncate` cuts after the first record that is not before the zxid, so where no
//! record has exactly this one, a record stays that was to go.

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::PacketType;

use super::connections::Seen;
use super::zxids::Zxids;
use super::{Count, Findings, Packet, W_TRUNCATED, epoch, is_of_txn};
use crate::decode::Item;
use crate::show::Zxid;

/// What each server has cut off.
#[derive(Debug, Default)]
pub(super) struct Truncated {
    servers: BTreeMap<i64, Server>,
    looked_at: u64,
}

#[derive(Debug, Default)]
struct Server {
    /// By connection: TRUNC, of which it is not known whether it was acted upon.
    told: BTreeMap<u64, (i64, Packet)>,
    cut: Option<(i64, Packet)>,
    /// What it was sent since the last TRUNC.
    sent: Zxids,
    led: BTreeSet<i64>,
}

impl Truncated {
    pub(super) fn count(&self) -> Count {
        let what = "ends of histories that were truncated before";
        Count { rule: W_TRUNCATED, what, number: self.looked_at }
    }

    pub(super) fn packet(&mut self, seen: &Seen<'_>) {
        let (connection, zxid) = (seen.connection, seen.packet.zxid);
        let learner = self.servers.entry(connection.learner).or_default();
        match (seen.packet.kind, seen.by_learner) {
            (PacketType::Trunc, false) => {
                learner.told.insert(connection.number, (zxid, seen.evidence()));
                learner.sent = Zxids::default();
            }
            (PacketType::Snap, false) => {
                *learner = Server { led: std::mem::take(&mut learner.led), ..Server::default() };
            }
            (PacketType::Proposal | PacketType::Inform | PacketType::Diff, false) => {
                learner.sent.insert(zxid);
            }
            (PacketType::Ack, true) if !is_of_txn(zxid) => {
                if let Some(told) = learner.told.remove(&connection.number) {
                    learner.cut = Some(told);
                }
            }
            (PacketType::LeaderInfo, false) => {
                self.servers.entry(connection.leader).or_default().led.insert(epoch(zxid));
            }
            _ => {}
        }
    }

    /// A server says where its history ends.
    pub(super) fn says(&mut self, item: &Item, id: i64, zxid: i64, findings: &mut Findings) {
        let Some(server) = self.servers.get(&id) else { return };
        let Some((end, packet)) = &server.cut else { return };
        self.looked_at += 1;
        if zxid > *end && !server.sent.contains(zxid) && !server.led.contains(&epoch(zxid)) {
            let says = format!(
                "server {id} was told to cut its history off after {}, has done so, and has {} \
                 again, which nobody has sent it since",
                Zxid(*end),
                Zxid(zxid)
            );
            findings.add_of(Some(id), W_TRUNCATED, says, vec![packet.clone(), Packet::of(item)]);
        }
    }
}
