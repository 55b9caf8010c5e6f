//! Messages of another type, at both ends, and messages that nobody had a reason to send.

use zab_trace::{Message, MessageType, Role, TxnDigest, Zxid};

use super::Kind;
use super::draft::Draft;
use super::messages::sends;
use crate::rng::Rng;

/// What a message of another type may be filled with.
#[derive(Clone, Copy, Default)]
pub(super) struct Content {
    pub(super) epoch: u32,
    pub(super) zxid: Zxid,
    pub(super) digest: TxnDigest,
}

impl Content {
    /// What a message holds, and where it holds nothing, the state of its sender.
    fn of(message: Message, state: Self) -> Self {
        match message {
            Message::Notification { zxid, peer_epoch, .. } => {
                Self { epoch: peer_epoch, zxid, ..state }
            }
            Message::FollowerInfo { accepted_epoch: epoch }
            | Message::LeaderInfo { epoch }
            | Message::NewLeader { epoch }
            | Message::AckLd { epoch } => Self { epoch, ..state },
            Message::AckEpoch { last_zxid: zxid, .. }
            | Message::Diff { zxid }
            | Message::Trunc { zxid }
            | Message::Snap { zxid }
            | Message::Commit { zxid }
            | Message::Ack { zxid } => Self { zxid, ..state },
            Message::Proposal { zxid, digest } => Self { zxid, digest, ..state },
            Message::UpToDate => state,
        }
    }

    /// A message of this type with this content.
    pub(super) fn message(self, kind: MessageType) -> Message {
        let Self { epoch, zxid, digest } = self;
        match kind {
            MessageType::Notification => Message::Notification {
                role: Role::Looking,
                leader: 1,
                zxid,
                round: i64::from(epoch) + 1,
                peer_epoch: epoch,
            },
            MessageType::FollowerInfo => Message::FollowerInfo { accepted_epoch: epoch },
            MessageType::LeaderInfo => Message::LeaderInfo { epoch },
            MessageType::AckEpoch => {
                Message::AckEpoch { current_epoch: Some(epoch), last_zxid: zxid }
            }
            MessageType::Diff => Message::Diff { zxid },
            MessageType::Trunc => Message::Trunc { zxid },
            MessageType::Snap => Message::Snap { zxid },
            MessageType::Proposal => Message::Proposal { zxid, digest },
            MessageType::Commit => Message::Commit { zxid },
            MessageType::NewLeader => Message::NewLeader { epoch },
            MessageType::AckLd => Message::AckLd { epoch },
            MessageType::Ack => Message::Ack { zxid },
            MessageType::UpToDate => Message::UpToDate,
        }
    }
}

/// What the messages of a server before this place held last.
pub(super) fn content(draft: &Draft, at: usize) -> Content {
    let server = draft.server(at);
    let own = (0..=at).filter(|line| draft.server(*line) == server);
    let messages = own.filter_map(|line| draft.packet(line).map(|packet| packet.message));
    messages.fold(Content::default(), |content, message| Content::of(message, content))
}

/// Types that can be taken for each other.
const PAIRS: [(MessageType, MessageType); 24] = [
    (MessageType::Diff, MessageType::Trunc),
    (MessageType::Diff, MessageType::Snap),
    (MessageType::Trunc, MessageType::Diff),
    (MessageType::Trunc, MessageType::Snap),
    (MessageType::Snap, MessageType::Diff),
    (MessageType::Snap, MessageType::Trunc),
    (MessageType::Commit, MessageType::Proposal),
    (MessageType::Commit, MessageType::Ack),
    (MessageType::Commit, MessageType::UpToDate),
    (MessageType::Proposal, MessageType::Commit),
    (MessageType::Proposal, MessageType::Diff),
    (MessageType::Ack, MessageType::AckLd),
    (MessageType::Ack, MessageType::Commit),
    (MessageType::AckLd, MessageType::Ack),
    (MessageType::AckLd, MessageType::AckEpoch),
    (MessageType::NewLeader, MessageType::UpToDate),
    (MessageType::NewLeader, MessageType::LeaderInfo),
    (MessageType::NewLeader, MessageType::Commit),
    (MessageType::UpToDate, MessageType::NewLeader),
    (MessageType::UpToDate, MessageType::Commit),
    (MessageType::LeaderInfo, MessageType::NewLeader),
    (MessageType::FollowerInfo, MessageType::AckEpoch),
    (MessageType::AckEpoch, MessageType::FollowerInfo),
    (MessageType::AckEpoch, MessageType::AckLd),
];

/// A message that the last lines give no reason for, with content that fits the sender's state.
fn unasked(draft: &mut Draft, rng: &mut Rng, kind: MessageType, up_to: bool) -> Option<()> {
    let election = kind == MessageType::Notification;
    // Any place at which the server has this connection.
    let at = draft
        .any(rng, |draft, at| draft.packet(at).is_some() && draft.on_quorum_port(at) != election)?;
    let mut content = content(draft, at);
    if up_to {
        content.zxid.counter = content.zxid.counter.saturating_add(1);
        content.epoch = content.epoch.saturating_add(1);
    }
    let message = content.message(kind);
    draft.say(at, at, message)
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    for (from, to) in PAIRS {
        kinds.push(Kind::new("message type", format!("{from}: as {to}"), move |draft, rng| {
            let at = draft.any(rng, |draft, at| sends(draft, at, from))?;
            let message = content(draft, at).message(to);
            draft.change_both(at, |_| message);
            Some(())
        }));
    }
    for kind in super::messages::TYPES {
        for (name, up_to) in [("unasked", false), ("unasked, of the next epoch or number", true)] {
            kinds.push(Kind::new("extra message", format!("{kind}: {name}"), move |draft, rng| {
                unasked(draft, rng, kind, up_to)
            }));
        }
    }
    kinds
}
