//! W-PHASE: each packet of a connection has its place.
//!
//! `Learner.registerWithLeader`, `Learner.syncWithLeader` and `LearnerHandler.run` send and read these
//! packets in one order, whatever the release: FOLLOWERINFO, LEADERINFO, ACKEPOCH, then DIFF, TRUNC or
//! SNAP, NEWLEADER, its acknowledgement, UPTODATE. The sender of a handler's queue starts after the
//! header, so PROPOSAL, COMMIT and PING follow it. A learner serves clients after UPTODATE, and asks
//! and answers PING from then on. Only followers are sent what is not committed yet
//! (`Leader.startForwarding`, `Leader.propose`), and only observers INFORM.

use std::collections::BTreeMap;

use zab_wire::PacketType;

use super::connections::Seen;
use super::{Count, Findings, Packet, W_PHASE, is_of_txn};
use crate::payload::Payload;
use crate::show::name;

/// How far a leader is with a learner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Leader {
    #[default]
    Silent,
    Offered,
    Synchronizing,
    Synchronized,
    UpToDate,
}

/// How far a learner is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Learner {
    #[default]
    Silent,
    Registered,
    Accepted,
}

#[derive(Debug, Default)]
struct Phase {
    leader: Leader,
    learner: Learner,
    acknowledged: bool,
    /// Acknowledgements of NEWLEADER and UPTODATE.
    acks_ld: u32,
    /// Requests for SYNC and for REVALIDATE that are not answered.
    unanswered: [u64; 2],
    /// One end answered what the capture does not show; it is a finding once the other end speaks.
    suspicion: Option<(String, Packet)>,
}

/// How far each connection is.
#[derive(Debug, Default)]
pub(super) struct Phases {
    connections: BTreeMap<u64, Phase>,
    looked_at: u64,
}

impl Phases {
    pub(super) fn count(&self) -> Count {
        Count { rule: W_PHASE, what: "packets of the quorum port", number: self.looked_at }
    }

    pub(super) fn closed(&mut self, connection: u64) {
        self.connections.remove(&connection);
    }

    pub(super) fn packet(&mut self, seen: &Seen<'_>, findings: &mut Findings) {
        let phase = self.connections.entry(seen.connection.number).or_default();
        self.looked_at += 1;
        let kind = seen.packet.kind;
        let wrong = if seen.by_learner {
            phase.by_learner(seen)
        } else {
            phase.by_leader(kind, seen.connection.is_observer)
        };
        let wrong = wrong.err().map(|why| {
            let to = seen.connection.learner + seen.connection.leader - seen.sender();
            format!("server {} sends {} to server {to} {why}", seen.sender(), name(kind))
        });
        if seen.is_one_sided() {
            phase.suspicion = wrong.map(|says| (says, seen.evidence()));
        } else if !seen.is_whole() {
            if let Some((says, packet)) = phase.suspicion.take() {
                findings.add(W_PHASE, says, vec![packet, seen.evidence()]);
            }
        } else if let Some(says) = wrong {
            findings.add(W_PHASE, says, vec![seen.evidence()]);
        }
        phase.after(seen);
    }
}

type Fault = Result<(), &'static str>;

fn unless(fine: bool, why: &'static str) -> Fault {
    if fine { Ok(()) } else { Err(why) }
}

impl Phase {
    fn by_leader(&self, kind: PacketType, to_observer: bool) -> Fault {
        let at = self.leader;
        match kind {
            PacketType::LeaderInfo => {
                unless(self.learner >= Learner::Registered, "before it has said who it is")?;
                unless(at == Leader::Silent, "a second time")
            }
            PacketType::Diff | PacketType::Trunc | PacketType::Snap => {
                unless(self.learner == Learner::Accepted, "before it has accepted the epoch")?;
                unless(at <= Leader::Offered, "after another DIFF, TRUNC or SNAP")
            }
            PacketType::NewLeader => {
                unless(at >= Leader::Synchronizing, "before DIFF, TRUNC or SNAP")?;
                unless(at == Leader::Synchronizing, "a second time")
            }
            PacketType::UpToDate => {
                unless(at >= Leader::Synchronized, "before NEWLEADER")?;
                unless(self.acknowledged, "before it has acknowledged NEWLEADER")?;
                unless(at == Leader::Synchronized, "a second time")
            }
            PacketType::Proposal | PacketType::Commit | PacketType::CommitAndActivate => {
                unless(at >= Leader::Synchronizing, "before DIFF, TRUNC or SNAP")?;
                let fine = !to_observer || at == Leader::Synchronizing;
                unless(fine, "which is an observer and in broadcast")
            }
            PacketType::Inform | PacketType::InformAndActivate => {
                unless(at >= Leader::Synchronizing, "before DIFF, TRUNC or SNAP")?;
                unless(to_observer, "which is no observer")
            }
            PacketType::Ping => unless(at >= Leader::Synchronizing, "before DIFF, TRUNC or SNAP"),
            PacketType::Sync => unless(self.unanswered[0] > 0, "which has not asked for it"),
            PacketType::Revalidate => unless(self.unanswered[1] > 0, "which has not asked for it"),
            PacketType::Request
            | PacketType::Ack
            | PacketType::FollowerInfo
            | PacketType::ObserverInfo
            | PacketType::AckEpoch => Err("and only a learner sends that"),
        }
    }

    fn by_learner(&self, seen: &Seen<'_>) -> Fault {
        match seen.packet.kind {
            PacketType::FollowerInfo | PacketType::ObserverInfo => {
                let is_own = match seen.payload {
                    Payload::Learner(learner) => learner.server == seen.connection.learner,
                    _ => true,
                };
                unless(is_own, "in the name of another")?;
                unless(self.learner == Learner::Silent, "a second time")
            }
            PacketType::AckEpoch => {
                unless(self.learner >= Learner::Registered, "before FOLLOWERINFO")?;
                unless(self.leader >= Leader::Offered, "before LEADERINFO")?;
                unless(self.learner == Learner::Registered, "a second time")
            }
            PacketType::Ack => {
                unless(self.leader >= Leader::Synchronized, "before NEWLEADER")?;
                if is_of_txn(seen.packet.zxid) {
                    return unless(!seen.connection.is_observer, "and is an observer");
                }
                let expected = if self.leader == Leader::UpToDate { 2 } else { 1 };
                unless(self.acks_ld < expected, "(of NEWLEADER or UPTODATE) once too often")
            }
            PacketType::Request | PacketType::Ping | PacketType::Revalidate => {
                unless(self.leader == Leader::UpToDate, "before UPTODATE")
            }
            PacketType::Proposal
            | PacketType::Commit
            | PacketType::Sync
            | PacketType::Inform
            | PacketType::CommitAndActivate
            | PacketType::NewLeader
            | PacketType::UpToDate
            | PacketType::Diff
            | PacketType::Trunc
            | PacketType::Snap
            | PacketType::LeaderInfo
            | PacketType::InformAndActivate => Err("and only a leader sends that"),
        }
    }

    fn after(&mut self, seen: &Seen<'_>) {
        let kind = seen.packet.kind;
        match (seen.by_learner, kind) {
            (true, PacketType::FollowerInfo | PacketType::ObserverInfo) => {
                self.learner = self.learner.max(Learner::Registered);
            }
            (true, PacketType::AckEpoch) => self.learner = Learner::Accepted,
            (true, PacketType::Ack) => {
                self.acknowledged = true;
                self.acks_ld += u32::from(!is_of_txn(seen.packet.zxid));
            }
            (true, PacketType::Request) => self.unanswered[0] += 1,
            (true, PacketType::Revalidate) => self.unanswered[1] += 1,
            (false, PacketType::LeaderInfo) => self.leader = self.leader.max(Leader::Offered),
            (false, PacketType::Diff | PacketType::Trunc | PacketType::Snap) => {
                self.leader = self.leader.max(Leader::Synchronizing);
            }
            (false, PacketType::NewLeader) => self.leader = self.leader.max(Leader::Synchronized),
            (false, PacketType::UpToDate) => self.leader = Leader::UpToDate,
            (false, PacketType::Sync) => {
                self.unanswered[0] = self.unanswered[0].saturating_sub(1);
            }
            (false, PacketType::Revalidate) => {
                self.unanswered[1] = self.unanswered[1].saturating_sub(1);
            }
            _ => {}
        }
    }
}
