//! Phase 3 of a follower.

use crate::follower::Follower;
use crate::history::is_next;
use crate::server::Server;
use crate::{Effects, Message, Mutant, ProtocolError, Txn, Zxid};

impl Follower {
    /// f.3.1: a PROPOSAL that follows the history is appended to it, unsynced. One that does not
    /// ends the role (D-GAP).
    pub(super) fn on_proposal_in_broadcast(
        &self,
        server: &mut Server,
        txn: Txn,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let last = server.history.last();
        if !is_next(last, txn.zxid) {
            return Err(ProtocolError::ProposalGap { from: self.leader(), zxid: txn.zxid, last });
        }
        server.history.append(txn.clone());
        out.append.push(txn);
        Ok(())
    }

    /// zk.bcast.sync, at a follower: acknowledge, in order, what became durable. An observer's
    /// acknowledgement would count for nothing.
    pub(crate) fn on_synced(&self, server: &mut Server, synced: &[Zxid], out: &mut Effects) {
        for zxid in synced.iter().filter(|_| !server.config.is_observer()) {
            self.send(Message::Ack { zxid: *zxid }, out);
        }
        server.deliver_committed(out);
    }

    /// f.3.3: a COMMIT is for the transaction after lastCommitted, which is then committed.
    pub(super) fn on_commit_in_broadcast(
        &self,
        server: &mut Server,
        zxid: Zxid,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        let expected = server.history.next_after(server.last_committed);
        let any = server.config.has(Mutant::CommitAnything);
        let Some(next) = expected.filter(|next| *next == zxid || any) else {
            return Err(ProtocolError::CommitOutOfTurn { from: self.leader(), zxid, expected });
        };
        server.last_committed = next;
        server.deliver_committed(out);
        Ok(())
    }
}
