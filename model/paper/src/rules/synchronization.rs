//! Phase 2: a quorum adopts the initial history of the epoch.

use crate::queue::{Kind, Message};
use crate::state::{State, Violation};
use crate::types::Phase;
use crate::types::{History, Members, Zxid, small};
use crate::variant::{CommitLdZxid, NewLeaderWrites, Rules};

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    /// `FollowerProcessNEWLEADER`: adopts epoch and history, and acknowledges; goes back to electing
    /// if it has promised another epoch.
    ///
    /// Where the two are written one after the other, the message stays until both are: a write
    /// whose value is there already is no step of its own.
    pub(super) fn follower_process_new_leader(
        &mut self,
        rules: &Rules,
        follower: usize,
        leader: usize,
    ) -> Option<()> {
        let message = self.for_follower(follower, leader, Kind::NewLeader)?;
        let server = &mut self.servers[follower];
        if message.zxid.epoch() != server.accepted_epoch {
            self.drop_learner(leader, follower);
            return Some(());
        }
        let offered = server.link.history;
        match rules.variant.new_leader {
            NewLeaderWrites::HistoryFirst if server.history != offered => {
                server.history = offered;
                return Some(());
            }
            NewLeaderWrites::EpochFirst if server.current_epoch != server.accepted_epoch => {
                server.current_epoch = server.accepted_epoch;
                return Some(());
            }
            NewLeaderWrites::Atomic
            | NewLeaderWrites::HistoryFirst
            | NewLeaderWrites::EpochFirst => {}
        }
        let out_of_phase = server.phase != Phase::Synchronization;
        server.current_epoch = server.accepted_epoch;
        server.history = offered;
        server.link.down.pop();
        server.link.history = History::default();
        let last = offered.last();
        self.send_up(follower, Message::zxid(Kind::AckLd, last));
        if out_of_phase {
            self.note_violation(Violation::State);
        }
        Some(())
    }

    /// Counts a learner's ACK-LD for every transaction up to a zxid.
    fn acknowledge_up_to(&mut self, leader: usize, follower: usize, zxid: Zxid) {
        let server = &mut self.servers[leader];
        let covered = server.history.txns().iter().take_while(|txn| txn.zxid <= zxid).count();
        server.leading.acks[..covered].iter_mut().for_each(|acks| acks.insert(follower));
    }

    /// `LeaderProcessACKLD`: once a quorum has adopted the initial history, all of it is committed
    /// and the leader is established; later ones are told how far it has committed.
    pub(super) fn leader_process_ack_ld(
        &mut self,
        rules: &Rules,
        leader: usize,
        follower: usize,
    ) -> Option<()> {
        let message = self.for_leader(leader, follower, Kind::AckLd)?;
        self.servers[follower].link.up.pop();
        self.acknowledge_up_to(leader, follower, message.zxid);
        let established = rules.is_quorum(self.servers[leader].leading.ack_ld.senders);
        if established {
            self.commit_without_ack(rules, leader);
        }
        let server = &mut self.servers[leader];
        server.leading.ack_ld.hear(follower);
        let heard = server.leading.ack_ld;
        let expected = if established { Phase::Broadcast } else { Phase::Synchronization };
        let out_of_phase = server.phase != expected;
        if established {
            let committed = server.history.zxid_at(usize::from(server.last_committed));
            let zxid = match rules.variant.commit_ld {
                CommitLdZxid::LastCommitted => committed,
                CommitLdZxid::Acknowledged => message.zxid,
            };
            self.broadcast(leader, Members::of(follower), Message::zxid(Kind::CommitLd, zxid));
        } else if rules.is_quorum(heard.senders) {
            server.last_committed = small(server.history.len());
            server.phase = Phase::Broadcast;
            let zxid = server.history.last();
            self.note_commit(leader);
            self.broadcast(leader, heard.connected, Message::zxid(Kind::CommitLd, zxid));
        }
        if out_of_phase {
            self.note_violation(Violation::State);
        }
        Some(())
    }

    /// `FollowerProcessCOMMITLD`: everything up to the zxid is committed, and broadcast begins.
    pub(super) fn follower_process_commit_ld(
        &mut self,
        follower: usize,
        leader: usize,
    ) -> Option<()> {
        let message = self.for_follower(follower, leader, Kind::CommitLd)?;
        let server = &mut self.servers[follower];
        server.link.down.pop();
        server.phase = Phase::Broadcast;
        match server.history.position(message.zxid) {
            Some(position) => {
                server.last_committed = small(position);
                self.note_commit(follower);
            }
            None => self.note_violation(Violation::Proposal),
        }
        Some(())
    }
}
