//! A quorum connection, and what is queued for it.

use std::sync::Arc;

use bytes::Bytes;
use zab_core::{Message, ServerId};
use zab_wire::QuorumPacket;

use crate::convert::{self, Identity};
use crate::link::Link;
use crate::storage::{Recall, Storage};
use crate::zxid::Zxid;

/// A quorum connection, and who is at its other end, or says so.
#[derive(Debug)]
pub(super) struct Learner {
    pub(super) link: Link,
    pub(super) server: ServerId,
    /// For how many ticks nothing has come on it, and nothing long was taken from it.
    pub(super) silent_ticks: u32,
    /// What its last PING showed: at a learner, of the leader, which is sent it back.
    pub(super) pinged: Zxid,
    /// It is being sent what it lacks, which it may be slow to read.
    is_catching_up: bool,
    /// Where that is read from, if it is not in memory.
    recall: Option<Arc<Recall>>,
}

impl Learner {
    /// A connection that has just come up.
    pub(super) fn new(link: Link, server: ServerId) -> Self {
        Self {
            link,
            server,
            silent_ticks: 0,
            pinged: Zxid::ZERO,
            is_catching_up: false,
            recall: None,
        }
    }

    /// Queues a message. `false`: the other end does not read.
    pub(super) fn send(
        &mut self,
        message: &Message,
        own: impl FnOnce() -> Identity,
        storage: &Storage,
    ) -> bool {
        match message {
            Message::Stored { zxid, .. } => {
                let recall = self.recall.get_or_insert_with(|| Arc::new(storage.recall()));
                self.link.send_pieces(recalled(Arc::clone(recall), *zxid));
                return true;
            }
            Message::Diff { .. } | Message::Trunc { .. } | Message::Snap { .. } => {
                self.is_catching_up = true;
            }
            Message::NewLeader { .. } => (self.is_catching_up, self.recall) = (false, None),
            Message::FollowerInfo { .. }
            | Message::ObserverInfo { .. }
            | Message::Inform { .. }
            | Message::LeaderInfo { .. }
            | Message::AckEpoch { .. }
            | Message::Proposal { .. }
            | Message::Commit { .. }
            | Message::AckLd { .. }
            | Message::Ack { .. }
            | Message::UpToDate
            | Message::Ping => {}
        }
        if !self.is_catching_up
            && let Some((kind, zxid, data)) = convert::short(message)
        {
            return self.link.put(|out| QuorumPacket::put(out, kind, zxid, data));
        }
        let parts = convert::to_bytes(message, &own());
        if self.is_catching_up {
            self.link.send_catching_up(parts);
            return true;
        }
        self.link.send(parts)
    }
}

/// A PROPOSAL whose bytes are read from the log when it is written.
fn recalled(
    recall: Arc<Recall>,
    zxid: Zxid,
) -> impl Iterator<Item = Result<Bytes, String>> + Send + 'static {
    let mut parts = None;
    std::iter::from_fn(move || {
        if parts.is_none() {
            let payload = tokio::task::block_in_place(|| recall.payload(zxid));
            match payload {
                Ok(payload) => {
                    parts = Some(convert::proposed(zxid, payload).into_parts().into_iter());
                }
                Err(error) => return Some(Err(error.to_string())),
            }
        }
        parts.as_mut()?.next().map(Ok)
    })
}
