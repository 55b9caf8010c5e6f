//! Phase 3 of a leader.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::leader::{Leader, Outstanding, Progress, Stage};
use crate::server::{KeepRole, Server};
use crate::{Decision, Effects, Message, Mutant, ProtocolError, ServerId, Txn, Zxid};

impl Leader {
    /// l.3.1: an established leader makes a request into its next transaction, appends it to its
    /// own history and proposes it to every forwarding learner.
    ///
    /// A request at a leader that is not established is nobody's: the driver asked too early.
    /// When the counter is used up the role is left, and a new epoch begins (ZOOKEEPER-1277).
    pub(crate) fn on_request(
        &mut self,
        server: &mut Server,
        payload: Arc<[u8]>,
        out: &mut Effects,
    ) -> KeepRole {
        if self.stage != Stage::Broadcast {
            return KeepRole::Yes;
        }
        let Some(counter) = self.counter.checked_add(1) else {
            return KeepRole::No;
        };
        self.counter = counter;
        let zxid = Zxid::new(self.new_epoch, counter);
        let txn = Txn { zxid, payload };
        let digest = server.history.append(txn.clone());
        out.decisions.push(Decision::Proposed { zxid, digest });
        self.outstanding.push_back(Outstanding { zxid, acks: BTreeSet::new() });
        out.append.push(txn.clone());
        self.forward(&Message::Proposal { txn }, out);
        KeepRole::Yes
    }

    /// zk.bcast.sync, at a leader: it acknowledges, in order, what became durable.
    pub(crate) fn on_synced(&mut self, server: &mut Server, synced: &[Zxid], out: &mut Effects) {
        for zxid in synced {
            self.count_ack(server, server.config.id, *zxid, out);
        }
        server.deliver_committed(out);
    }

    /// l.3.2: ACK(z) of a learner. One that has not acknowledged NEWLEADER is refused (D-ACKLD).
    pub(crate) fn on_ack(
        &mut self,
        server: &mut Server,
        from: ServerId,
        zxid: Zxid,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        if self.learner(from).progress != Progress::Acknowledged {
            return Err(self.unexpected(from, "ACK"));
        }
        self.count_ack(server, from, zxid, out);
        if self.stage == Stage::Broadcast {
            server.deliver_committed(out);
        }
        Ok(())
    }

    /// l.3.2: the sender joins the acknowledgements of an outstanding transaction; while the first
    /// outstanding one has a quorum, it is committed. The leader's own vote is like any other.
    fn count_ack(&mut self, server: &mut Server, from: ServerId, zxid: Zxid, out: &mut Effects) {
        let found = self.outstanding.binary_search_by(|outstanding| outstanding.zxid.cmp(&zxid));
        let Ok(index) = found else {
            // Committed already, or never proposed by this leader.
            return;
        };
        self.outstanding[index].acks.insert(from);
        while let Some(first) = self.outstanding.front()
            && can_commit(server, &first.acks)
        {
            let zxid = first.zxid;
            assert!(zxid > server.last_committed, "transactions are committed in order");
            self.outstanding.pop_front();
            self.inform(server, zxid, out);
            server.last_committed = zxid;
            out.decisions.push(Decision::Committed { zxid });
            self.forward(&Message::Commit { zxid }, out);
        }
    }
}

fn can_commit(server: &Server, acks: &BTreeSet<ServerId>) -> bool {
    if server.config.has(Mutant::CommitWithoutQuorum) {
        return !acks.is_empty();
    }
    server.config.is_quorum(acks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::election::Settled;
    use crate::{Config, Recovered};

    /// l.3.1: the transaction after the last possible counter is never proposed.
    #[test]
    fn a_used_up_counter_ends_the_role() {
        let mut server =
            Server::recover(Config::new(3, [1, 2, 3]), Recovered::EMPTY).expect("a new disk");
        let vote = server.own_vote();
        let mut leader = Leader::enter(&server, Settled { vote, round: 1 });
        server.accept_epoch(1, &mut Effects::default());
        leader.enter_stage(Stage::Broadcast);
        leader.counter = u32::MAX;
        let mut out = Effects::default();
        assert_eq!(leader.on_request(&mut server, [].into(), &mut out), KeepRole::No);
        assert_eq!(out, Effects::default());
    }
}
