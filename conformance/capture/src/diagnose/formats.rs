//! What is in a packet tells how old its sender is.

use zab_wire::PacketType;

use super::{Answers, DIGEST, NEWLEADER, NOTIFICATION, Releases};
use crate::connection::Message;
use crate::decode::{Item, What};
use crate::payload::Payload;
use crate::properties::Packet;

pub(super) fn look(item: &Item, answers: &mut Answers) {
    let What::Sent { from, message, .. } = &item.what else { return };
    let evidence = || vec![Packet::of(item)];
    match &**message {
        Message::Notification(vote) => {
            let old = vote.version < 2;
            let releases = if old { Releases::V3_4 } else { Releases::SINCE_3_5 };
            answers.saw(*from, NOTIFICATION, releases, evidence);
        }
        Message::Packet(packet, _) if packet.kind == PacketType::NewLeader => {
            let has_config = packet.data.as_ref().is_some_and(|data| !data.is_empty());
            let releases = if has_config { Releases::SINCE_3_5 } else { Releases::V3_4 };
            answers.saw(*from, NEWLEADER, releases, evidence);
        }
        Message::Packet(_, Payload::Txn(txn)) => {
            // Who has none may have turned them off.
            let has_digest = txn.digest.is_some();
            let releases = if has_digest { Releases::SINCE_3_5 } else { Releases::ALL };
            answers.saw(*from, DIGEST, releases, evidence);
        }
        Message::Packet(..)
        | Message::Initial(_)
        | Message::NotANotification(_)
        | Message::Snapshot(_) => {}
    }
}
