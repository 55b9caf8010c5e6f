//! W-ACKNOWLEDGED: what a server acknowledged is in its first vote after a restart.

use std::collections::BTreeMap;

use zab_wire::PacketType;
use zab_wire::election::ServerState;

use super::connections::Seen;
use super::{Count, Findings, Packet, W_ACKNOWLEDGED, is_of_txn};
use crate::connection::Message;
use crate::decode::{Item, What};
use crate::show::Zxid;

/// What each server owes.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    servers: BTreeMap<i64, Server>,
}

#[derive(Debug, Default)]
struct Server {
    /// The end of the history that it acknowledged, and with which packet.
    owed: Option<(i64, Packet)>,
    /// Whether it was started and has not yet said what it has.
    is_new: bool,
    /// How many first words were looked at.
    looked_at: u64,
}

impl Acknowledged {
    pub(super) fn count(&self) -> Count {
        let what = "first words of restarted servers that had acknowledged something";
        let number = self.servers.values().map(|server| server.looked_at).sum();
        Count { rule: W_ACKNOWLEDGED, what, number }
    }

    /// How many of them each server has said.
    pub(super) fn by_server(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        let said = self.servers.iter().map(|(id, server)| (*id, server.looked_at));
        said.filter(|(_, number)| *number > 0)
    }

    /// A server was started.
    pub(super) fn started(&mut self, server: i64) {
        self.servers.entry(server).or_default().is_new = true;
    }

    /// A vote of a server for itself says what its history ends with.
    pub(super) fn vote(&mut self, item: &Item, findings: &mut Findings) {
        let What::Sent { from, message, .. } = &item.what else { return };
        let Message::Notification(vote) = &**message else { return };
        if vote.state == ServerState::Looking && vote.leader == *from {
            self.first_word(*from, vote.zxid, item, findings);
        }
    }

    /// The first that a new process says of its history.
    fn first_word(&mut self, server: i64, has: i64, item: &Item, findings: &mut Findings) {
        let known = self.servers.entry(server).or_default();
        if !std::mem::take(&mut known.is_new) {
            return;
        }
        let Some((owed, packet)) = known.owed.take() else { return };
        known.looked_at += 1;
        if has < owed {
            let says = format!(
                "server {server} acknowledged its history up to {}, and after a restart its \
                 history ends at {}",
                Zxid(owed),
                Zxid(has)
            );
            let packets = vec![packet, Packet::of(item)];
            findings.add_of(Some(server), W_ACKNOWLEDGED, says, packets);
        }
    }

    pub(super) fn packet(&mut self, seen: &Seen<'_>, findings: &mut Findings) {
        let (connection, zxid) = (seen.connection, seen.packet.zxid);
        let learner = connection.learner;
        let kind = seen.packet.kind;
        if seen.by_learner && kind == PacketType::AckEpoch {
            self.first_word(learner, zxid, seen.item, findings);
        }
        let owed = &mut self.servers.entry(learner).or_default().owed;
        match kind {
            PacketType::Ack if !seen.by_learner => {}
            PacketType::Ack if is_of_txn(zxid) => {
                let before = owed.take().filter(|(before, _)| *before >= zxid);
                *owed = before.or_else(|| Some((zxid, seen.evidence())));
            }
            // The learner sends it again after UPTODATE, when its history may have grown.
            PacketType::Ack if connection.newleader_sent && !connection.newleader_acknowledged => {
                let history = connection.history;
                *owed = is_of_txn(history).then(|| (history, seen.evidence()));
            }
            // It may take effect before it is acknowledged.
            PacketType::Trunc => {
                let before = owed.take();
                let is_cut = before.as_ref().is_some_and(|(before, _)| *before > zxid);
                let left = is_of_txn(zxid).then(|| (zxid, seen.evidence()));
                *owed = if is_cut { left } else { before };
            }
            // What replaces a history says nothing of its transactions.
            PacketType::Snap => *owed = None,
            _ => {}
        }
    }
}
