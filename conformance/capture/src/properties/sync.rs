//! W-SYNC: a learner is synchronized from where it is to where its leader is.
//!
//! The table of `LearnerHandler.syncFollower`, as far as it is the same in every release and can be
//! seen: DIFF names no earlier end than the learner's, and all up to it follows before NEWLEADER; TRUNC
//! names an earlier one; each names a place in the leader's history, and a transaction of the leader's
//! own epoch is committed before it is named.

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::PacketType;

use super::connections::Seen;
use super::covered::Covered;
use super::histories::Histories;
use super::{Count, Findings, Members, W_SYNC, epoch, is_of_txn};
use crate::show::{Zxid, name};

/// How far voters have acknowledged what a leader has proposed.
#[derive(Debug, Default)]
pub(super) struct Sync {
    acknowledged: BTreeMap<(i64, i64), BTreeMap<i64, i64>>,
    looked_at: u64,
}

impl Sync {
    pub(super) fn count(&self) -> Count {
        Count { rule: W_SYNC, what: "DIFFs, TRUNCs and SNAPs", number: self.looked_at }
    }

    pub(super) fn packet(
        &mut self,
        members: &Members,
        covered: &Covered,
        histories: &Histories,
        seen: &Seen<'_>,
        findings: &mut Findings,
    ) {
        if !seen.is_whole() {
            return;
        }
        let (connection, zxid) = (seen.connection, seen.packet.zxid);
        let Some((leader, current)) = seen.leadership() else { return };
        let wrong = match (seen.packet.kind, seen.by_learner) {
            (PacketType::Ack, true)
                if epoch(zxid) == current && members.is_voter(connection.learner) =>
            {
                let known = self.acknowledged.entry((leader, current)).or_default();
                let known = known.entry(connection.learner).or_default();
                *known = zxid.max(*known);
                return;
            }
            (PacketType::Diff | PacketType::Trunc | PacketType::Snap, false) => {
                self.looked_at += 1;
                let wrong = self.header(members, covered, histories, seen);
                wrong.map(|why| format!("{} {} {why}", name(seen.packet.kind), Zxid(zxid)))
            }
            (PacketType::NewLeader, false) => match connection.header {
                Some((PacketType::Diff, end)) if connection.history < end => Some(format!(
                    "NEWLEADER after DIFF {}, and nothing after {} was committed before it",
                    Zxid(end),
                    Zxid(connection.history)
                )),
                _ => None,
            },
            _ => return,
        };
        if let Some(why) = wrong {
            let says = format!("server {leader} sends server {} {why}", connection.learner);
            let reported = connection.reported.iter().map(|(_, packet)| packet.clone());
            findings.add(W_SYNC, says, reported.chain([seen.evidence()]).collect());
        }
    }

    fn header(
        &self,
        members: &Members,
        covered: &Covered,
        histories: &Histories,
        seen: &Seen<'_>,
    ) -> Option<String> {
        let (kind, zxid) = (seen.packet.kind, seen.packet.zxid);
        let (leader, current) = seen.leadership()?;
        let (reported, _) = seen.connection.reported.as_ref()?;
        let has = Zxid(*reported);
        match kind {
            PacketType::Diff if zxid < *reported => return Some(format!("which has {has}")),
            PacketType::Trunc if zxid >= *reported => return Some(format!("which has {has}")),
            _ => {}
        }
        if epoch(zxid) > current || !histories.can_end(covered, leader, zxid) {
            return Some("which is no place in its own history".to_owned());
        }
        if epoch(zxid) != current || !is_of_txn(zxid) {
            return None;
        }
        let acknowledged = self.acknowledged.get(&(leader, current)).into_iter().flatten();
        let have: BTreeSet<i64> =
            acknowledged.filter(|(_, last)| **last >= zxid).map(|(id, _)| *id).collect();
        let hidden = covered.hidden(members, leader, &have);
        let needed = members.quorum();
        (have.len() + hidden.len() + 1 < needed).then(|| {
            format!("which {} of {needed} needed voters have acknowledged", have.len() + 1)
        })
    }
}
