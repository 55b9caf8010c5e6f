//! W-LEADER: an epoch has one leader.
//!
//! LEADERINFO is no sign of it: two servers may offer the same epoch, and a learner that accepted it
//! from one of them does not count for the other. NEWLEADER is sent when a quorum did.

use std::collections::BTreeMap;

use zab_wire::PacketType;

use super::connections::Seen;
use super::{Count, Findings, Packet, W_LEADER, epoch};

/// Who leads which epoch.
#[derive(Debug, Default)]
pub(super) struct Leaders {
    epochs: BTreeMap<i64, (i64, Packet)>,
}

impl Leaders {
    pub(super) fn count(&self) -> Count {
        let number = u64::try_from(self.epochs.len()).unwrap_or(u64::MAX);
        Count { rule: W_LEADER, what: "epochs", number }
    }

    pub(super) fn packet(&mut self, seen: &Seen<'_>, findings: &mut Findings) {
        if seen.by_learner || seen.packet.kind != PacketType::NewLeader {
            return;
        }
        let (epoch, leader) = (epoch(seen.packet.zxid), seen.connection.leader);
        let (first, packet) = self.epochs.entry(epoch).or_insert_with(|| (leader, seen.evidence()));
        if *first != leader {
            let says = format!("servers {first} and {leader} both lead epoch {epoch}");
            findings.add(W_LEADER, says, vec![packet.clone(), seen.evidence()]);
        }
    }
}
