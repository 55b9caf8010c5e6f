//! W-EPOCH: what servers say of epochs agrees with what they were told and have promised.
//!
//! * acceptedEpoch is on disk before ACKEPOCH is sent, and at the leader before LEADERINFO is
//!   (`Learner.registerWithLeader`, `Leader.getEpochToPropose`); so FOLLOWERINFO and LEADERINFO on a
//!   connection that is opened later say no less.
//! * A learner answers LEADERINFO with its currentEpoch if the epoch is newer than the one that it has
//!   accepted, with −1 if it is the same, and not at all if it is older
//!   (`Learner.registerWithLeader`). Neither its currentEpoch nor the epoch of its last transaction is
//!   after its acceptedEpoch (`QuorumPeer.loadDataBase`).
//! * The epoch of LEADERINFO is that of NEWLEADER and of its acknowledgements.
//! * currentEpoch is one that the server was told to adopt, and on disk before NEWLEADER is
//!   acknowledged (`Learner.syncWithLeader`).

use std::collections::BTreeMap;

use zab_wire::PacketType;

use super::connections::Seen;
use super::covered::Covered;
use super::histories::Histories;
use super::{Count, Findings, Packet, W_EPOCH, epoch, is_of_txn};
use crate::payload::Payload;
use crate::raw::{Event, Port};
use crate::show::Zxid;

/// So far `zab-server` may stay behind what one learner reports (D-EPOCH).
const JUMP_MAX: i64 = 1 << 16;

/// What servers have promised.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    servers: BTreeMap<i64, Promised>,
    /// By connection: what its learner and its leader had promised when it was opened.
    at_open: BTreeMap<u64, [Promised; 2]>,
    looked_at: u64,
}

#[derive(Clone, Debug, Default)]
struct Promised {
    accepted: Option<(i64, Packet)>,
    adopted: Option<(i64, Packet)>,
}

/// The greater of two epochs, each with its packet.
fn raise(promised: &mut Option<(i64, Packet)>, epoch: i64, packet: Packet) {
    if promised.as_ref().is_none_or(|(before, _)| *before < epoch) {
        *promised = Some((epoch, packet));
    }
}

impl Epochs {
    pub(super) fn count(&self) -> Count {
        Count { rule: W_EPOCH, what: "packets that name an epoch", number: self.looked_at }
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Open(side) if side.port == Port::Quorum => {
                let of = |server| self.servers.get(&server).cloned().unwrap_or_default();
                self.at_open.insert(side.connection, [of(side.from), of(side.to)]);
            }
            Event::Close { connection } => {
                self.at_open.remove(connection);
            }
            _ => {}
        }
    }

    pub(super) fn packet(
        &mut self,
        covered: &Covered,
        histories: &mut Histories,
        seen: &Seen<'_>,
        findings: &mut Findings,
    ) {
        if !seen.is_whole() {
            return;
        }
        let (zxid, connection) = (seen.packet.zxid, seen.connection);
        let of_txn = is_of_txn(zxid);
        let wrong = match (seen.packet.kind, seen.by_learner) {
            (PacketType::FollowerInfo | PacketType::ObserverInfo, true) => self.registered(seen),
            (PacketType::LeaderInfo, false) => self.offered(seen),
            (PacketType::AckEpoch, true) => self.accepted(covered, histories, seen),
            (PacketType::NewLeader, false) => {
                let is_offered = connection.epoch == Some(epoch(zxid)) && !of_txn;
                wrong_unless(is_offered, || {
                    let offered = connection.epoch.map_or(String::new(), |epoch| epoch.to_string());
                    (
                        format!("sends NEWLEADER {} and has offered epoch {offered}", Zxid(zxid)),
                        None,
                    )
                })
            }
            (PacketType::Ack, true) if !of_txn => {
                let is_offered = connection.epoch == Some(epoch(zxid));
                wrong_unless(is_offered, || {
                    let offered = connection.epoch.map_or(String::new(), |epoch| epoch.to_string());
                    let says = format!("acknowledges epoch {}, and is in {offered}", epoch(zxid));
                    (says, None)
                })
            }
            (PacketType::UpToDate, false) => None,
            _ => return,
        };
        self.looked_at += 1;
        if let Some((says, earlier)) = wrong {
            let says = format!("server {} {says}", seen.sender());
            findings.add(W_EPOCH, says, earlier.into_iter().chain([seen.evidence()]).collect());
        }
        self.promises(seen);
    }

    /// What a server has promised with this packet.
    fn promises(&mut self, seen: &Seen<'_>) {
        let (zxid, connection) = (seen.packet.zxid, seen.connection);
        let promised = self.servers.entry(seen.sender()).or_default();
        match (seen.packet.kind, seen.by_learner, connection.epoch) {
            (PacketType::LeaderInfo, false, _) => {
                raise(&mut promised.accepted, epoch(zxid), seen.evidence());
            }
            (PacketType::AckEpoch, true, Some(epoch)) => {
                raise(&mut promised.accepted, epoch, seen.evidence());
            }
            (PacketType::Ack, true, Some(epoch)) if !is_of_txn(zxid) => {
                raise(&mut promised.adopted, epoch, seen.evidence());
            }
            (PacketType::UpToDate, false, Some(epoch)) => {
                raise(&mut promised.adopted, epoch, seen.evidence());
            }
            _ => {}
        }
    }

    /// What one end of a connection had promised before it was opened.
    fn before(&self, seen: &Seen<'_>) -> Option<&Promised> {
        let ends = self.at_open.get(&seen.connection.number)?;
        ends.get(usize::from(!seen.by_learner))
    }

    fn registered(&self, seen: &Seen<'_>) -> Wrong {
        let says = epoch(seen.packet.zxid);
        let (promised, packet) = self.before(seen)?.accepted.as_ref()?;
        wrong_unless(says >= *promised && !is_of_txn(seen.packet.zxid), || {
            let says =
                format!("says that it has accepted epoch {says}, and has accepted {promised}");
            (says, Some(packet.clone()))
        })
    }

    fn offered(&self, seen: &Seen<'_>) -> Wrong {
        let offered = epoch(seen.packet.zxid);
        let (promised, packet) = self.before(seen)?.accepted.as_ref()?;
        wrong_unless(offered >= *promised && !is_of_txn(seen.packet.zxid), || {
            let says = format!("offers epoch {offered}, and has accepted {promised}");
            (says, Some(packet.clone()))
        })
    }

    fn accepted(&self, covered: &Covered, histories: &mut Histories, seen: &Seen<'_>) -> Wrong {
        let connection = seen.connection;
        let (offered, had) = (connection.epoch?, connection.accepted_epoch?);
        let Payload::CurrentEpoch(current) = *seen.payload else { return None };
        let current = i64::from(current);
        let last = seen.packet.zxid;
        if offered < had && had - offered < JUMP_MAX {
            return Some((format!("accepts epoch {offered}, and has accepted {had}"), None));
        }
        if (current == -1) != (offered == had) {
            let says = format!("accepts epoch {offered} after {had} with currentEpoch {current}");
            return Some((says, None));
        }
        if current > had || epoch(last) > had {
            let says = format!(
                "has accepted epoch {had}, and is in {current} with {} as its last transaction",
                Zxid(last)
            );
            return Some((says, None));
        }
        if current == -1 {
            return None;
        }
        let can_be = histories.can_have_epoch(covered, connection.learner, current);
        histories.says_epoch(connection.learner, current);
        if !can_be {
            let says =
                format!("says that its epoch is {current}, which it was never told to adopt");
            return Some((says, None));
        }
        let (adopted, packet) = self.before(seen)?.adopted.as_ref()?;
        wrong_unless(current >= *adopted, || {
            let says = format!("says that its epoch is {current}, and has adopted {adopted}");
            (says, Some(packet.clone()))
        })
    }
}

/// What is wrong, and an earlier packet that it contradicts.
type Wrong = Option<(String, Option<Packet>)>;

fn wrong_unless(fine: bool, why: impl FnOnce() -> (String, Option<Packet>)) -> Wrong {
    if fine { None } else { Some(why()) }
}
