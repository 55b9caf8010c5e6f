//! The numbers in lines, by name, and what can be done to a number.

use zab_trace::{EventKind, Message, Persisted, ROUND_MIN, Role, Round, Zxid};

use crate::rng::Rng;

/// Where a number stands in a line.
pub(super) enum Slot<'a> {
    Small(&'a mut u32),
    Large(&'a mut u64),
    Round(&'a mut Round),
    Optional(&'a mut Option<u32>),
    Position(&'a mut Zxid),
    Role(&'a mut Role),
}

/// The number that stands for an epoch that is not given.
const NONE: u64 = u64::MAX;

/// The roles of voting members, as numbers.
const ROLES: [Role; 3] = [Role::Looking, Role::Following, Role::Leading];

impl Slot<'_> {
    pub(super) fn get(&self) -> u64 {
        match self {
            Self::Small(number) => u64::from(**number),
            Self::Large(number) => **number,
            Self::Round(round) => round.cast_unsigned(),
            Self::Optional(number) => number.map_or(NONE, u64::from),
            Self::Position(zxid) => (u64::from(zxid.epoch) << 32) | u64::from(zxid.counter),
            Self::Role(role) => ROLES.iter().position(|other| other == *role).unwrap_or(0) as u64,
        }
    }

    pub(super) fn put(self, number: u64) {
        let small = u32::try_from(number).unwrap_or(u32::MAX);
        match self {
            Self::Small(slot) => *slot = small,
            Self::Large(slot) => *slot = number,
            Self::Round(slot) => *slot = number.cast_signed().max(ROUND_MIN),
            Self::Optional(slot) => *slot = (number != NONE).then_some(small),
            Self::Position(slot) => {
                let low = u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0);
                *slot = Zxid::new(u32::try_from(number >> 32).unwrap_or(0), low);
            }
            Self::Role(slot) => {
                *slot = ROLES[usize::try_from(number % 3).unwrap_or(0)];
            }
        }
    }
}

/// A number in lines of one kind.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) of: fn(&mut EventKind) -> Option<Slot<'_>>,
    /// What its numbers can be taken for.
    pub(super) family: Family,
}

/// Fields whose numbers can be taken for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Epoch,
    Zxid,
    Round,
    Leader,
    Digest,
    Role,
}

macro_rules! in_message {
    ($name:literal, $family:ident, $pattern:pat => $slot:expr) => {
        Field {
            name: $name,
            family: Family::$family,
            of: |kind| {
                if let Some(packet) = kind.packet_mut()
                    && let $pattern = &mut packet.message
                {
                    return Some($slot);
                }
                None
            },
        }
    };
}

macro_rules! in_line {
    ($name:literal, $family:ident, $pattern:pat => $slot:expr) => {
        Field {
            name: $name,
            family: Family::$family,
            of: |kind| if let $pattern = kind { Some($slot) } else { None },
        }
    };
}

/// The fields of messages.
pub(super) const MESSAGES: [Field; 18] = [
    in_message!("NOTIFICATION role", Role, Message::Notification { role, .. } => Slot::Role(role)),
    in_message!("NOTIFICATION leader", Leader, Message::Notification { leader, .. } => Slot::Large(leader)),
    in_message!("NOTIFICATION zxid", Zxid, Message::Notification { zxid, .. } => Slot::Position(zxid)),
    in_message!("NOTIFICATION round", Round, Message::Notification { round, .. } => Slot::Round(round)),
    in_message!("NOTIFICATION peerEpoch", Epoch, Message::Notification { peer_epoch, .. } => Slot::Small(peer_epoch)),
    in_message!("FOLLOWERINFO acceptedEpoch", Epoch, Message::FollowerInfo { accepted_epoch } => Slot::Small(accepted_epoch)),
    in_message!("LEADERINFO epoch", Epoch, Message::LeaderInfo { epoch } => Slot::Small(epoch)),
    in_message!("ACKEPOCH currentEpoch", Epoch, Message::AckEpoch { current_epoch, .. } => Slot::Optional(current_epoch)),
    in_message!("ACKEPOCH lastZxid", Zxid, Message::AckEpoch { last_zxid, .. } => Slot::Position(last_zxid)),
    in_message!("DIFF zxid", Zxid, Message::Diff { zxid } => Slot::Position(zxid)),
    in_message!("TRUNC zxid", Zxid, Message::Trunc { zxid } => Slot::Position(zxid)),
    in_message!("SNAP zxid", Zxid, Message::Snap { zxid } => Slot::Position(zxid)),
    in_message!("PROPOSAL zxid", Zxid, Message::Proposal { zxid, .. } => Slot::Position(zxid)),
    in_message!("PROPOSAL digest", Digest, Message::Proposal { digest, .. } => Slot::Large(&mut digest.0)),
    in_message!("COMMIT zxid", Zxid, Message::Commit { zxid } => Slot::Position(zxid)),
    in_message!("NEWLEADER epoch", Epoch, Message::NewLeader { epoch } => Slot::Small(epoch)),
    in_message!("ACK-LD epoch", Epoch, Message::AckLd { epoch } => Slot::Small(epoch)),
    in_message!("ACK zxid", Zxid, Message::Ack { zxid } => Slot::Position(zxid)),
];

/// The fields of lines that are no messages.
pub(super) const LINES: [Field; 16] = [
    in_line!("Delivered zxid", Zxid, EventKind::Delivered { zxid } => Slot::Position(zxid)),
    in_line!("Looking round", Round, EventKind::Looking { round } => Slot::Round(round)),
    in_line!("Elected leader", Leader, EventKind::Elected { leader, .. } => Slot::Large(leader)),
    in_line!("Elected round", Round, EventKind::Elected { round, .. } => Slot::Round(round)),
    in_line!("Proposed zxid", Zxid, EventKind::Proposed { zxid, .. } => Slot::Position(zxid)),
    in_line!("Proposed digest", Digest, EventKind::Proposed { digest, .. } => Slot::Large(&mut digest.0)),
    in_line!("Established epoch", Epoch, EventKind::Established { epoch } => Slot::Small(epoch)),
    in_line!("Committed zxid", Zxid, EventKind::Committed { zxid } => Slot::Position(zxid)),
    in_line!("Persisted acceptedEpoch", Epoch, EventKind::Persisted(Persisted::AcceptedEpoch(epoch)) => Slot::Small(epoch)),
    in_line!("Persisted currentEpoch", Epoch, EventKind::Persisted(Persisted::CurrentEpoch(epoch)) => Slot::Small(epoch)),
    in_line!("Persisted log", Zxid, EventKind::Persisted(Persisted::Log(zxid)) => Slot::Position(zxid)),
    in_line!("Persisted truncated", Zxid, EventKind::Persisted(Persisted::Truncated(zxid)) => Slot::Position(zxid)),
    in_line!("Persisted snapshot", Zxid, EventKind::Persisted(Persisted::Snapshot(zxid)) => Slot::Position(zxid)),
    in_line!("Start acceptedEpoch", Epoch, EventKind::Start { recovered } => Slot::Small(&mut recovered.accepted_epoch)),
    in_line!("Start currentEpoch", Epoch, EventKind::Start { recovered } => Slot::Small(&mut recovered.current_epoch)),
    in_line!("Start lastZxid", Zxid, EventKind::Start { recovered } => Slot::Position(&mut recovered.last_zxid)),
];

/// What can be done to a number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    More,
    Less,
    MoreEpoch,
    LessEpoch,
    Zero,
    Max,
    /// The value of an earlier line of the same server.
    Earlier,
    /// The value of a line of another server.
    Foreign,
}

impl Change {
    pub(super) const ALL: [Self; 8] = [
        Self::More,
        Self::Less,
        Self::MoreEpoch,
        Self::LessEpoch,
        Self::Zero,
        Self::Max,
        Self::Earlier,
        Self::Foreign,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::More => "plus 1",
            Self::Less => "minus 1",
            Self::MoreEpoch => "epoch plus 1",
            Self::LessEpoch => "epoch minus 1",
            Self::Zero => "zero",
            Self::Max => "maximum",
            Self::Earlier => "of an earlier line",
            Self::Foreign => "of another server",
        }
    }

    /// The number afterwards, if it is another one.
    pub(super) fn of(
        self,
        now: u64,
        earlier: &[u64],
        foreign: &[u64],
        rng: &mut Rng,
    ) -> Option<u64> {
        let other = |from: &[u64], rng: &mut Rng| {
            let others: Vec<u64> = from.iter().copied().filter(|other| *other != now).collect();
            rng.pick(&others)
        };
        let number = match self {
            Self::More => now.checked_add(1)?,
            Self::Less => now.checked_sub(1)?,
            Self::MoreEpoch => now.checked_add(1 << 32)?,
            Self::LessEpoch => now.checked_sub(1 << 32)?,
            Self::Zero => 0,
            Self::Max => u64::MAX,
            Self::Earlier => other(earlier, rng)?,
            Self::Foreign => other(foreign, rng)?,
        };
        (number != now).then_some(number)
    }
}
