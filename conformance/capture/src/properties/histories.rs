//! What each server can have: where its history can end, and which epochs it can have adopted.
//!
//! W-HISTORY: a history ends where it was told to, or where it ended before. What a server says of the
//! end of its history (its vote for itself, ACKEPOCH) was sent to it (PROPOSAL, INFORM, DIFF, TRUNC,
//! SNAP), belongs to an epoch that it led, or is no later than what it said first.
//! `ZKDatabase.getDataTreeLastProcessedZxid` changes in no other way, whatever is lost in between; a
//! record that a TRUNC keeps was proposed as well.

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::PacketType;

use super::connections::Seen;
use super::covered::Covered;
use super::zxids::Zxids;
use super::{Count, Findings, W_HISTORY, epoch};
use crate::decode::Item;
use crate::show::Zxid;

/// What all servers can have.
#[derive(Debug, Default)]
pub(super) struct Histories {
    servers: BTreeMap<i64, History>,
    /// Who has led.
    leaders: BTreeSet<i64>,
    /// Servers of which not everything is known.
    blind: BTreeSet<i64>,
    looked_at: u64,
}

#[derive(Debug, Default)]
struct History {
    /// What it said first: the end of its history, and its current epoch.
    first: Option<i64>,
    first_epoch: Option<i64>,
    told: Zxids,
    /// Epochs whose NEWLEADER it was sent.
    adopted: BTreeSet<i64>,
    led: BTreeSet<i64>,
}

impl Histories {
    pub(super) fn count(&self) -> Count {
        let what = "ends of histories, as servers told them";
        Count { rule: W_HISTORY, what, number: self.looked_at }
    }

    /// More was said to and by these than is known.
    pub(super) fn lost(&mut self, one: i64, other: i64) {
        self.blind.extend([one, other]);
    }

    /// What a packet tells its receiver.
    pub(super) fn packet(&mut self, seen: &Seen<'_>) {
        let (learner, leader) = (seen.connection.learner, seen.connection.leader);
        if seen.by_learner {
            return;
        }
        let zxid = seen.packet.zxid;
        match seen.packet.kind {
            PacketType::LeaderInfo => {
                self.leaders.insert(leader);
                self.servers.entry(leader).or_default().led.insert(epoch(zxid));
            }
            PacketType::NewLeader => {
                self.servers.entry(learner).or_default().adopted.insert(epoch(zxid));
            }
            PacketType::Proposal
            | PacketType::Inform
            | PacketType::InformAndActivate
            | PacketType::Diff
            | PacketType::Trunc
            | PacketType::Snap => self.servers.entry(learner).or_default().told.insert(zxid),
            _ => {}
        }
    }

    /// A server says where its own history ends.
    pub(super) fn says(
        &mut self,
        covered: &Covered,
        item: &Item,
        server: i64,
        zxid: i64,
        findings: &mut Findings,
    ) {
        self.looked_at += 1;
        let is_possible = self.can_end(covered, server, zxid);
        self.servers.entry(server).or_default().first.get_or_insert(zxid);
        if !is_possible {
            let says = format!(
                "server {server} says that its history ends at {}, where it was never sent to and \
                 never was",
                Zxid(zxid)
            );
            findings.add(W_HISTORY, says, vec![super::Packet::of(item)]);
        }
    }

    /// Whether a server's history can end there.
    pub(super) fn can_end(&self, covered: &Covered, server: i64, zxid: i64) -> bool {
        if !self.is_known(covered, server) {
            return true;
        }
        let Some(history) = self.servers.get(&server) else { return true };
        let Some(first) = history.first else { return true };
        zxid <= first || history.told.contains(zxid) || history.led.contains(&epoch(zxid))
    }

    /// A server says what its current epoch is.
    pub(super) fn says_epoch(&mut self, server: i64, epoch: i64) {
        self.servers.entry(server).or_default().first_epoch.get_or_insert(epoch);
    }

    /// Whether a server's current epoch can be this one: it was sent its NEWLEADER, led it, or has
    /// transactions of it (`QuorumPeer.loadDataBase` takes the epoch of the last one, if the file of
    /// the epoch is not there).
    pub(super) fn can_have_epoch(&self, covered: &Covered, server: i64, current: i64) -> bool {
        if !self.is_known(covered, server) {
            return true;
        }
        let Some(history) = self.servers.get(&server) else { return true };
        let Some(first) = history.first_epoch else { return true };
        current == first
            || (current > first
                && (history.adopted.contains(&current)
                    || history.led.contains(&current)
                    || history.told.has_epoch(current)
                    || history.first.is_some_and(|zxid| current <= epoch(zxid))))
    }

    /// Whether all that was said to a server on the quorum port is known.
    fn is_known(&self, covered: &Covered, server: i64) -> bool {
        let mut others = self.leaders.iter().filter(|leader| **leader != server);
        !self.blind.contains(&server) && others.all(|leader| covered.has_learner(server, *leader))
    }
}
