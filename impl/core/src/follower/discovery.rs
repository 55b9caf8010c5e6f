//! Phase 1 of a follower.

use crate::follower::{Follower, Stage};
use crate::server::Server;
use crate::{ConnectionId, Effects, Epoch, Message, Mutant, ProtocolError, Zxid};

/// How far above everything that is known a leader's epoch may be (D-EPOCH).
const EPOCH_LEAP_MAX: Epoch = 1 << 24;

impl Follower {
    /// f.1.1: on a new connection to the leader, send FOLLOWERINFO(acceptedEpoch); an observer
    /// sends OBSERVERINFO.
    pub(crate) fn on_connected(
        &mut self,
        server: &Server,
        connection: ConnectionId,
        out: &mut Effects,
    ) {
        assert!(self.connection.is_none(), "the leader is dialled once");
        self.connection = Some(connection);
        self.on_heard();
        let accepted_epoch = server.accepted_epoch;
        let info = if server.config.is_observer() {
            Message::ObserverInfo { accepted_epoch }
        } else {
            Message::FollowerInfo { accepted_epoch }
        };
        self.send(info, out);
    }

    /// f.1.2: on LEADERINFO(e), accept a newer epoch durably and report the own history; report
    /// without a vote if it was accepted before, and no history if that is to be dropped
    /// (`zk.sync.drop`); refuse an older one (D-WAIT), and one that no ensemble can have reached
    /// (D-EPOCH).
    pub(crate) fn on_leader_info(
        &mut self,
        server: &mut Server,
        epoch: Epoch,
        out: &mut Effects,
    ) -> Result<(), ProtocolError> {
        match self.stage {
            Stage::Discovery => {}
            Stage::Header | Stage::Synchronization(_) | Stage::Broadcast => {
                return Err(self.unexpected("LEADERINFO"));
            }
        }
        if epoch < server.accepted_epoch {
            return Err(ProtocolError::EpochGoesBack {
                from: self.leader(),
                offered: epoch,
                accepted: server.accepted_epoch,
            });
        }
        let known = server.accepted_epoch.max(self.elected.vote.peer_epoch);
        if epoch > known.saturating_add(EPOCH_LEAP_MAX) {
            return Err(ProtocolError::EpochTooFar { from: self.leader(), offered: epoch, known });
        }
        if epoch == Epoch::MAX {
            // Accepting it would leave no epoch for anybody's next election.
            return Err(ProtocolError::EpochExhausted { from: self.leader(), epoch });
        }
        let is_new = epoch > server.accepted_epoch;
        if is_new {
            server.accept_epoch(epoch, out);
            // Another epoch has another history, of which the own one may be a part.
            self.drops_history = false;
        }
        let counts = is_new || server.config.has(Mutant::AckEpochAlwaysCounts);
        let current_epoch = counts.then_some(server.current_epoch);
        let last_zxid = if self.drops_history { Zxid::ZERO } else { server.history.last() };
        self.send(Message::AckEpoch { current_epoch, last_zxid }, out);
        self.stage = Stage::Header;
        Ok(())
    }
}
