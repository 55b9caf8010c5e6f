//! W-GATE: what needs a quorum comes after it.
//!
//! A leader sends LEADERINFO when a quorum has told it of accepted epochs
//! (`Leader.getEpochToPropose`), DIFF, TRUNC or SNAP when a quorum has accepted the new epoch and did
//! not hold it before (`Leader.waitForEpochAck`), and UPTODATE when a quorum of voters has acknowledged
//! NEWLEADER (`Leader.waitForNewLeaderAck`). It counts itself, and what it tells itself is never on
//! the wire. A gate that is open stays open: only the first packet behind it shows when it opened.
//! Up to 3.4.12 observers count at the first two (ZOOKEEPER-2959), so they are counted here.

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::PacketType;

use super::connections::Seen;
use super::covered::Covered;
use super::{Count, Findings, Members, W_GATE, is_of_txn};
use crate::payload::Payload;
use crate::show::name;

/// A leader and its epoch.
type Leadership = (i64, i64);

/// Who has come to each gate.
#[derive(Debug, Default)]
pub(super) struct Gates {
    /// By leader: connections on which a learner waits for LEADERINFO.
    registered: BTreeMap<i64, BTreeMap<u64, i64>>,
    accepted: BTreeMap<Leadership, BTreeSet<i64>>,
    adopted: BTreeMap<Leadership, BTreeSet<i64>>,
    /// Gates that are open: 0 for LEADERINFO, 1 for the header, 2 for UPTODATE.
    open: BTreeSet<(Leadership, u8)>,
}

impl Gates {
    pub(super) fn count(&self) -> Count {
        let number = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
        let what = "first LEADERINFO, DIFF, TRUNC or SNAP, and UPTODATE of an epoch";
        Count { rule: W_GATE, what, number }
    }

    pub(super) fn packet(
        &mut self,
        members: &Members,
        covered: &Covered,
        seen: &Seen<'_>,
        findings: &mut Findings,
    ) {
        let connection = seen.connection;
        let learner = connection.learner;
        let leadership = connection.epoch.map(|epoch| (connection.leader, epoch));
        match (seen.packet.kind, leadership) {
            (PacketType::FollowerInfo | PacketType::ObserverInfo, _) if seen.by_learner => {
                let waiting = self.registered.entry(connection.leader).or_default();
                waiting.insert(connection.number, learner);
            }
            (PacketType::AckEpoch, Some(of))
                if seen.by_learner && !matches!(seen.payload, Payload::CurrentEpoch(-1)) =>
            {
                self.accepted.entry(of).or_default().insert(learner);
            }
            (PacketType::Ack, Some(of)) if seen.by_learner => {
                let counts = !connection.is_observer && members.is_voter(learner);
                if counts && !is_of_txn(seen.packet.zxid) {
                    self.adopted.entry(of).or_default().insert(learner);
                }
            }
            (PacketType::LeaderInfo, _) if !seen.by_learner => {
                let of = (connection.leader, super::epoch(seen.packet.zxid));
                let waiting = self.registered.entry(connection.leader).or_default();
                let came: BTreeSet<i64> = waiting.values().copied().collect();
                // Who comes later is told the same.
                waiting.remove(&connection.number);
                if self.open.insert((of, 0)) {
                    waiting.clear();
                    passed(members, covered, seen, &came, findings);
                }
            }
            (PacketType::Diff | PacketType::Trunc | PacketType::Snap, Some(of))
                if !seen.by_learner && self.open.insert((of, 1)) =>
            {
                let came = self.accepted.remove(&of).unwrap_or_default();
                passed(members, covered, seen, &came, findings);
            }
            (PacketType::UpToDate, Some(of)) if !seen.by_learner && self.open.insert((of, 2)) => {
                let came = self.adopted.remove(&of).unwrap_or_default();
                passed(members, covered, seen, &came, findings);
            }
            _ => {}
        }
    }
}

/// A leader has passed a gate to which these had come.
fn passed(
    members: &Members,
    covered: &Covered,
    seen: &Seen<'_>,
    came: &BTreeSet<i64>,
    findings: &mut Findings,
) {
    let leader = seen.connection.leader;
    let needed = members.quorum();
    let hidden = covered.hidden(members, leader, came);
    if came.len() + hidden.len() + 1 >= needed {
        return;
    }
    let kind = seen.packet.kind;
    let after = match kind {
        PacketType::LeaderInfo => "have told it their accepted epochs",
        PacketType::UpToDate => "have acknowledged NEWLEADER",
        _ => "have accepted its epoch",
    };
    let says = format!(
        "server {leader} sends {} when {} of {needed} needed servers {after}: itself{}",
        name(kind),
        came.len() + 1,
        came.iter().fold(String::new(), |text, id| format!("{text}, {id}")),
    );
    findings.add(W_GATE, says, vec![seen.evidence()]);
}
