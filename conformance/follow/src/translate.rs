//! From packets of a capture to messages of the model, and what is left out, with the reason for which
//! leaving it out makes no wrong run right.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::hash::BuildHasher as _;

use foldhash::quality::FixedState;
use zab_capture::Item;
use zab_capture::Message as Heard;
use zab_capture::Payload;
use zab_capture::What;
use zab_model::Config;
use zab_model::Message as Any;
use zab_model::Notification;
use zab_model::Role;
use zab_model::ServerId;
use zab_model::Shape as _;
use zab_model::Txn;
use zab_model::Vote;
use zab_model::Wide;
use zab_model::Zxid;
use zab_wire::PacketType;
use zab_wire::QuorumPacket;
use zab_wire::Record as _;
use zab_wire::election;
use zab_wire::election::ServerState;
use zab_wire::txn;

use crate::voters::Voters;

type Message = Any<Wide>;

/// A server that is no voter, in a vote.
const STRANGER: ServerId = ServerId(u8::MAX);

/// Gives payloads their numbers; the same in every run.
const PAYLOADS: u64 = 0x7061_796c_6f61_6473;

/// What a capture shows of transactions, whoever sent them.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The content of each, as it was proposed last.
    payloads: BTreeMap<Zxid<u32>, u64>,
    committed: BTreeSet<Zxid<u32>>,
}

impl Known {
    /// Looks at every packet.
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut known = Self::default();
        for item in items {
            let What::Sent { message, .. } = &item.what else { continue };
            let Heard::Packet(packet, payload) = &**message else { continue };
            match (packet.kind, payload) {
                (PacketType::Proposal, Payload::Txn(txn)) => {
                    known.payloads.insert(zxid(packet.zxid), content(txn));
                }
                (PacketType::Inform, Payload::Txn(txn)) => {
                    known.payloads.insert(zxid(packet.zxid), content(txn));
                    known.committed.insert(zxid(packet.zxid));
                }
                (PacketType::Commit, _) => {
                    known.committed.insert(zxid(packet.zxid));
                }
                _ => {}
            }
        }
        known
    }

    /// The content of a transaction, which the capture may not show.
    pub(crate) fn payload(&self, zxid: Zxid<u32>) -> u64 {
        self.payloads.get(&zxid).copied().unwrap_or(0)
    }
}

/// Translates for one server that is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Translator<'a> {
    pub(crate) voters: &'a Voters,
    pub(crate) known: &'a Known,
    /// Where the histories are that come with SNAP.
    pub(crate) cfg: &'a Config<Wide>,
}

impl Translator<'_> {
    /// What a message is to the model; nothing, if it is nothing to it.
    ///
    /// # Errors
    /// If the model has no words for it. Then nothing can be said of who sent or received it.
    pub(crate) fn message(&self, heard: &Heard, is_mine: bool) -> Result<Option<Message>, String> {
        match heard {
            Heard::Initial(_) => Ok(None),
            Heard::Notification(vote) => Ok(self.vote(vote)),
            Heard::NotANotification(error) => Err(format!("a vote cannot be read: {error}")),
            Heard::Snapshot(_) => Ok(None),
            Heard::Packet(packet, payload) => self.packet(packet, payload, is_mine),
        }
    }

    /// A vote. Observers vote for nobody and send to nobody who would count it: what they say is
    /// nothing to an election (`FastLeaderElection.Messenger`, `zk.fle.receive`).
    fn vote(&self, vote: &election::Notification) -> Option<Message> {
        let role = match vote.state {
            ServerState::Looking => Role::Looking,
            ServerState::Following => Role::Following,
            ServerState::Leading => Role::Leading,
            ServerState::Observing => return None,
        };
        let leader = self.voters.number(vote.leader).unwrap_or(STRANGER);
        let told = Vote { leader, zxid: zxid(vote.zxid), peer_epoch: low(vote.peer_epoch) };
        Some(Any::Notification(Notification { role, vote: told, round: vote.election_epoch }))
    }

    fn packet(
        &self,
        packet: &QuorumPacket,
        payload: &Payload,
        is_mine: bool,
    ) -> Result<Option<Message>, String> {
        let zxid = zxid(packet.zxid);
        Ok(Some(match (packet.kind, payload) {
            (PacketType::FollowerInfo, _) => Any::FollowerInfo { accepted_epoch: zxid.epoch },
            (PacketType::ObserverInfo, _) => Any::ObserverInfo { accepted_epoch: zxid.epoch },
            (PacketType::LeaderInfo, _) => Any::LeaderInfo { epoch: zxid.epoch },
            (PacketType::AckEpoch, Payload::CurrentEpoch(epoch)) => {
                Any::AckEpoch { current_epoch: u32::try_from(*epoch).ok(), last_zxid: zxid }
            }
            (PacketType::Diff, _) => Any::Diff { zxid },
            (PacketType::Trunc, _) => Any::Trunc { zxid },
            (PacketType::Snap, _) if is_mine => Any::Snap { zxid, history: <_>::default() },
            (PacketType::Snap, _) => Any::Snap { zxid, history: self.history(zxid) },
            (PacketType::Proposal, Payload::Txn(txn)) => {
                Any::Proposal(Txn { zxid, payload: content(txn) })
            }
            (PacketType::Inform, Payload::Txn(txn)) => {
                Any::Inform(Txn { zxid, payload: content(txn) })
            }
            (PacketType::Commit, _) => Any::Commit { zxid },
            (PacketType::NewLeader, _) => Any::NewLeader { epoch: zxid.epoch },
            (PacketType::UpToDate, _) => Any::UpToDate,
            (PacketType::Ack, _) if zxid.counter == 0 => Any::AckLd { epoch: zxid.epoch },
            (PacketType::Ack, _) => Any::Ack { zxid },
            (kind, _) if is_of_sessions(kind) || is_heartbeat(kind) => return Ok(None),
            (kind, _) => return Err(format!("the model has no words for {kind:?}")),
        }))
    }

    /// The history of a SNAP, of which the capture has the label and a tree: what the capture shows to
    /// be committed, up to the label. It decides nothing that is sent: who takes a SNAP answers with
    /// the label, and a later window begins after it (`Database::recovered`).
    fn history(&self, label: Zxid<u32>) -> <Wide as zab_model::Shape>::Log {
        let mut txns: Vec<Zxid<u32>> = self.known.committed.range(..label).copied().collect();
        txns.extend((label.counter > 0).then_some(label));
        txns.into_iter().fold(<_>::default(), |log, zxid| {
            let txn = Txn { zxid, payload: self.known.payload(zxid) };
            Wide::append(&self.cfg.logs, &log, txn).unwrap_or(log)
        })
    }
}

/// Requests of clients, SYNC and sessions. A leader may make a transaction at any time (`l.3.1`), so the
/// request for it forbids and permits nothing; sessions are no part of what is modelled.
fn is_of_sessions(kind: PacketType) -> bool {
    matches!(kind, PacketType::Request | PacketType::Sync | PacketType::Revalidate)
}

/// PING, both ways. It changes nothing but timers, and the model has no time: whatever a timeout does
/// can happen at any moment. Its zxid is looked at by W-PING.
fn is_heartbeat(kind: PacketType) -> bool {
    kind == PacketType::Ping
}

fn zxid(zxid: i64) -> Zxid<u32> {
    let bits = zxid.cast_unsigned();
    Zxid::new(low((bits >> 32).cast_signed()), low(zxid))
}

/// The low 32 bits. Epochs and rounds of servers fit; another number is one that no server sends.
fn low(number: i64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// What a transaction does, as a number. The digest of the tree is left out (W-DIGEST looks at it): a
/// leader that has read the transaction from its log may send it without.
fn content(txn: &txn::Txn) -> u64 {
    let bare = txn::Txn { digest: None, ..txn.clone() };
    FixedState::with_seed(PAYLOADS).hash_one(bare.to_bytes())
}
