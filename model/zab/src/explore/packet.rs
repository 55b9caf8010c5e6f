//! Messages in a flat state: two bytes for a packet, three for a notification, four bits for each
//! number. A message that does not fit is refused, never shortened.

use std::fmt;

use zab_flat::flat;

use super::sizes::{Flat, Log, TXNS_MAX};
use crate::message::{Message, Notification};
use crate::types::{Role, ServerId, Txn, Vote, Zxid};

/// A message of the quorum port.
///
/// SNAP carries a zxid and a history, which is the numbers of its transactions, two bits each.
#[flat]
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Packet(
    /// The kind and a number, then two more numbers.
    [u8; 2],
);

/// Which message a packet is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// No packet.
    #[default]
    None,
    /// FOLLOWERINFO.
    FollowerInfo,
    /// LEADERINFO.
    LeaderInfo,
    /// ACKEPOCH.
    AckEpoch,
    /// DIFF.
    Diff,
    /// TRUNC.
    Trunc,
    /// SNAP.
    Snap,
    /// PROPOSAL.
    Proposal,
    /// COMMIT.
    Commit,
    /// NEWLEADER.
    NewLeader,
    /// ACK-LD.
    AckLd,
    /// ACK.
    Ack,
    /// UPTODATE.
    UpToDate,
    /// OBSERVERINFO.
    ObserverInfo,
    /// INFORM.
    Inform,
}

impl PacketKind {
    /// By number.
    const ALL: [Self; 15] = [
        Self::None,
        Self::FollowerInfo,
        Self::LeaderInfo,
        Self::AckEpoch,
        Self::Diff,
        Self::Trunc,
        Self::Snap,
        Self::Proposal,
        Self::Commit,
        Self::NewLeader,
        Self::AckLd,
        Self::Ack,
        Self::UpToDate,
        Self::ObserverInfo,
        Self::Inform,
    ];
}

/// The greatest number that fits.
const NUMBER_MAX: u8 = 15;

/// In place of the epoch of an ACKEPOCH that does not count.
const NO_EPOCH: u8 = NUMBER_MAX;

/// Two numbers in a byte.
fn two(high: u8, low: u8) -> Option<u8> {
    (high <= NUMBER_MAX && low <= NUMBER_MAX).then_some(high << 4 | low)
}

/// The two numbers of a byte.
fn halves(byte: u8) -> (u8, u8) {
    (byte >> 4, byte & NUMBER_MAX)
}

impl Packet {
    /// Which message this is.
    #[must_use]
    pub fn kind(self) -> PacketKind {
        let (kind, _) = halves(self.0[0]);
        PacketKind::ALL.get(usize::from(kind)).copied().unwrap_or_default()
    }

    /// The message as bytes; `None` when a number is too great, and for a notification, which has a
    /// channel of its own.
    #[must_use]
    pub fn encode<const N: usize>(message: &Message<Flat<N>>) -> Option<Self> {
        let (kind, fields) = match message {
            Message::Notification(_) => return None,
            Message::FollowerInfo { accepted_epoch } => {
                (PacketKind::FollowerInfo, [*accepted_epoch, 0, 0])
            }
            Message::ObserverInfo { accepted_epoch } => {
                (PacketKind::ObserverInfo, [*accepted_epoch, 0, 0])
            }
            Message::LeaderInfo { epoch } => (PacketKind::LeaderInfo, [*epoch, 0, 0]),
            Message::AckEpoch { current_epoch: Some(NO_EPOCH), .. } => return None,
            Message::AckEpoch { current_epoch, last_zxid } => (
                PacketKind::AckEpoch,
                [current_epoch.unwrap_or(NO_EPOCH), last_zxid.epoch, last_zxid.counter],
            ),
            Message::Diff { zxid } => (PacketKind::Diff, position(*zxid)),
            Message::Trunc { zxid } => (PacketKind::Trunc, position(*zxid)),
            Message::Snap { zxid, history } => {
                let second = snapshot_byte(zxid.counter, history)?;
                return Some(Self([two(PacketKind::Snap as u8, zxid.epoch)?, second]));
            }
            Message::Proposal(txn) => {
                (PacketKind::Proposal, [txn.zxid.epoch, txn.zxid.counter, txn.payload])
            }
            Message::Inform(txn) => {
                (PacketKind::Inform, [txn.zxid.epoch, txn.zxid.counter, txn.payload])
            }
            Message::Commit { zxid } => (PacketKind::Commit, position(*zxid)),
            Message::NewLeader { epoch } => (PacketKind::NewLeader, [*epoch, 0, 0]),
            Message::AckLd { epoch } => (PacketKind::AckLd, [*epoch, 0, 0]),
            Message::Ack { zxid } => (PacketKind::Ack, position(*zxid)),
            Message::UpToDate => (PacketKind::UpToDate, [0; 3]),
        };
        let [first, second, third] = fields;
        Some(Self([two(kind as u8, first)?, two(second, third)?]))
    }

    /// The message, for those who read or tell it; `None` for the default.
    #[must_use]
    pub fn decode(self) -> Option<Message<Flat>> {
        self.message()
    }

    /// The message for servers of any size; `None` for the default.
    pub(super) fn message<const N: usize>(self) -> Option<Message<Flat<N>>> {
        let (_, first) = halves(self.0[0]);
        let (second, third) = halves(self.0[1]);
        let zxid = Zxid::new(first, second);
        Some(match self.kind() {
            PacketKind::None => return None,
            PacketKind::FollowerInfo => Message::FollowerInfo { accepted_epoch: first },
            PacketKind::LeaderInfo => Message::LeaderInfo { epoch: first },
            PacketKind::AckEpoch => Message::AckEpoch {
                current_epoch: (first != NO_EPOCH).then_some(first),
                last_zxid: Zxid::new(second, third),
            },
            PacketKind::Diff => Message::Diff { zxid },
            PacketKind::Trunc => Message::Trunc { zxid },
            PacketKind::Snap => {
                let (counter, history) = snapshot_of(self.0[1]);
                Message::Snap { zxid: Zxid::new(first, counter), history }
            }
            PacketKind::Proposal => Message::Proposal(Txn { zxid, payload: third }),
            PacketKind::Commit => Message::Commit { zxid },
            PacketKind::NewLeader => Message::NewLeader { epoch: first },
            PacketKind::AckLd => Message::AckLd { epoch: first },
            PacketKind::Ack => Message::Ack { zxid },
            PacketKind::UpToDate => Message::UpToDate,
            PacketKind::ObserverInfo => Message::ObserverInfo { accepted_epoch: first },
            PacketKind::Inform => Message::Inform(Txn { zxid, payload: third }),
        })
    }
}

fn position(zxid: Zxid<u8>) -> [u8; 3] {
    [zxid.epoch, zxid.counter, 0]
}

/// A counter in the two upper bits, then the numbers of a history, the first one lowest.
fn snapshot_byte(counter: u8, history: &Log) -> Option<u8> {
    let numbers = history.numbers().iter().rev();
    let byte = numbers.fold(0, |byte, number| byte << TXN_BITS | number);
    (counter <= TXN_MASK).then_some(counter << (TXN_BITS * 3) | byte)
}

fn snapshot_of(byte: u8) -> (u8, Log) {
    let numbers = [0, 1, 2].map(|place| byte >> (TXN_BITS * place) & TXN_MASK);
    let length = numbers.iter().take_while(|number| **number != 0).count();
    // Three numbers fit into a history of TXNS_MAX, which is asserted below.
    (byte >> (TXN_BITS * 3), Log::of(&numbers[..length]).unwrap_or_default())
}

/// The bits of a number of a transaction, and of a counter.
const TXN_BITS: u8 = 2;

/// The greatest number that these bits hold.
const TXN_MASK: u8 = 3;

const _: () = assert!(TXNS_MAX == 3, "SNAP has two bits for each of three transactions");

/// A notification: role and leader, zxid, epoch, and the round, counted from -1.
#[flat]
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Note([u8; 3]);

/// The roles by number.
const ROLES: [Role; 4] = [Role::Down, Role::Looking, Role::Following, Role::Leading];

impl Note {
    /// The notification as bytes; `None` when a number is too great.
    #[must_use]
    pub fn encode(notification: Notification<u8>) -> Option<Self> {
        let Notification { role, vote: Vote { leader, zxid, peer_epoch }, round } = notification;
        let role = match role {
            Role::Down => 0,
            Role::Looking => 1,
            Role::Following => 2,
            Role::Leading => 3,
        };
        let from_none = u8::try_from(round.checked_add(1)?).ok()?;
        let bytes =
            [two(role, leader.0)?, two(zxid.epoch, zxid.counter)?, two(peer_epoch, from_none)?];
        Some(Self(bytes))
    }

    /// The notification.
    #[must_use]
    pub fn decode(self) -> Notification<u8> {
        let [(role, leader), (epoch, counter), (peer_epoch, from_none)] = self.0.map(halves);
        let round = from_none.cast_signed() - 1;
        let role = ROLES.get(usize::from(role)).copied().unwrap_or_default();
        let vote = Vote { leader: ServerId(leader), zxid: Zxid::new(epoch, counter), peer_epoch };
        Notification { role, vote, round }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Message::<Flat>::Notification(self.decode()), f)
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, Message, Note, Notification, Packet, ROLES, Txn, Zxid};
    use crate::explore::sizes::SERVERS;
    use crate::types::{ServerId, Vote};

    #[test]
    fn every_packet_comes_back_as_it_was() {
        let zxid = Zxid::new(1, 2);
        let last = Zxid::new(2, 1);
        let history = Log::of(&[1, 3]).expect("a history holds two");
        let messages = [
            Message::FollowerInfo { accepted_epoch: 3 },
            Message::ObserverInfo { accepted_epoch: 3 },
            Message::Inform(Txn { zxid, payload: 2 }),
            Message::LeaderInfo { epoch: 4 },
            Message::AckEpoch { current_epoch: Some(0), last_zxid: zxid },
            Message::AckEpoch { current_epoch: None, last_zxid: zxid },
            Message::Diff { zxid },
            Message::Trunc { zxid },
            Message::Snap { zxid: last, history },
            Message::Snap { zxid: Zxid::new(1, 0), history: Log::default() },
            Message::Proposal(Txn { zxid, payload: 2 }),
            Message::Commit { zxid },
            Message::NewLeader { epoch: 2 },
            Message::AckLd { epoch: 2 },
            Message::Ack { zxid },
            Message::UpToDate,
        ];
        for message in messages {
            let packet = Packet::encode::<SERVERS>(&message);
            assert_eq!(packet.and_then(|packet| packet.decode()), Some(message));
        }
        assert_eq!(Packet::default().decode(), None);
    }

    #[test]
    fn every_notification_comes_back_as_it_was() {
        for role in ROLES {
            let vote = Vote { leader: ServerId(3), zxid: Zxid::new(1, 2), peer_epoch: 4 };
            for round in [-1, 0, 14] {
                let notification = Notification { role, vote, round };
                assert_eq!(Note::encode(notification).map(Note::decode), Some(notification));
            }
            for round in [-2, 15] {
                assert_eq!(Note::encode(Notification { role, vote, round }), None);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_not_encoded() {
        assert_eq!(Packet::encode::<SERVERS>(&Message::LeaderInfo { epoch: 16 }), None);
        let far = Zxid::new(1, 16);
        assert_eq!(Packet::encode::<SERVERS>(&Message::Commit { zxid: far }), None);
        let greatest = Message::AckEpoch { current_epoch: Some(15), last_zxid: Zxid::new(1, 1) };
        assert_eq!(Packet::encode::<SERVERS>(&greatest), None, "15 stands for no epoch");
    }
}
