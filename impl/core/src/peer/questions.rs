//! What a driver may ask a peer at any time.

use zab_trace::State;

use crate::peer::{Peer, RoleState};
use crate::{Base, ConnectionId, Phase, Role, ServerId, Txn, Zxid};

/// Questions of the driver.
impl Peer {
    /// This server.
    #[must_use]
    pub fn id(&self) -> ServerId {
        self.server.config.id
    }

    /// Its role: LOOKING, FOLLOWING or LEADING; of an observer LOOKING or OBSERVING.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.state {
            RoleState::Looking(_) => Role::Looking,
            RoleState::Following(_) if self.server.config.is_observer() => Role::Observing,
            RoleState::Following(_) => Role::Following,
            RoleState::Leading(_) => Role::Leading,
        }
    }

    /// Its phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match &self.state {
            RoleState::Looking(_) => Phase::Election,
            RoleState::Following(follower) => follower.phase(),
            RoleState::Leading(leader) => leader.phase(),
        }
    }

    /// What a trace shows of it.
    #[must_use]
    pub fn state(&self) -> State {
        self.server.state(self.role(), self.phase())
    }

    /// Whether learners may be accepted.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.role() == Role::Leading
    }

    /// Whether clients may be served: the phase is BROADCAST. An established leader takes requests;
    /// an established follower forwards them.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.phase() == Phase::Broadcast
    }

    /// Whether it is LOOKING, and every other voter either votes for what it proposes itself or is
    /// down. Then there is nothing to wait for, and a driver may let [`crate::Timer::FinalizeWait`]
    /// run out before its time: the rule for it (`zk.fle.settle`) asks for no time (D-FW).
    #[must_use]
    pub fn awaits_no_vote(&self, is_down: impl Fn(ServerId) -> bool) -> bool {
        match &self.state {
            RoleState::Looking(election) => election.awaits_no_vote(&self.server, is_down),
            RoleState::Following(_) | RoleState::Leading(_) => false,
        }
    }

    /// The elected leader, perhaps this server; `None` while LOOKING.
    #[must_use]
    pub fn leader(&self) -> Option<ServerId> {
        match &self.state {
            RoleState::Looking(_) => None,
            RoleState::Following(follower) => Some(follower.leader()),
            RoleState::Leading(_) => Some(self.server.config.id),
        }
    }

    /// The connection to the leader, if this server is FOLLOWING or OBSERVING and it is up.
    #[must_use]
    pub fn leader_connection(&self) -> Option<ConnectionId> {
        match &self.state {
            RoleState::Following(follower) => follower.connection,
            RoleState::Looking(_) | RoleState::Leading(_) => None,
        }
    }

    /// At a leader: whether this connection's learner has acknowledged NEWLEADER.
    #[must_use]
    pub fn has_acknowledged(&self, connection: ConnectionId) -> bool {
        match &self.state {
            RoleState::Leading(leader) => leader.has_acknowledged(connection),
            RoleState::Looking(_) | RoleState::Following(_) => false,
        }
    }

    /// The last zxid of the history; `0.0` if it is empty.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.server.history.last()
    }

    /// What lies before the transactions that this peer keeps. When the state machine's state at
    /// [`Self::applied`] is stored, a later start needs no more of the log than what follows this
    /// base: the window of `zk.sync.diff`, and what may have to be cut.
    #[must_use]
    pub fn base(&self) -> Base {
        self.server.history.base()
    }

    /// The last transaction known to be committed; `0.0` until this process was established once.
    #[must_use]
    pub fn last_committed(&self) -> Zxid {
        self.server.last_committed
    }

    /// How far the state machine has been told to go.
    #[must_use]
    pub fn applied(&self) -> Zxid {
        self.server.applied
    }

    /// The transactions after `applied`, up to and with `zxid`: what a leader's driver must apply to
    /// a copy of the state before the copy can go with `Message::Snap { zxid }`. A leader may have
    /// committed what its own disk has not taken yet.
    pub fn not_applied(&self, zxid: Zxid) -> impl Iterator<Item = Txn> + '_ {
        self.server.history.range(self.server.applied, zxid)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Config, ConnectionId, Input, Notification, Peer, Recovered, Role, Vote, Zxid};

    /// There is nothing to wait for when every other voter votes for the same, or is down.
    #[test]
    fn who_has_not_voted_for_the_proposal_is_waited_for() {
        let (mut peer, _) =
            Peer::recover(Config::new(2, [1, 2, 3]), Recovered::EMPTY).expect("a new disk");
        let mut hear = |from, leader| {
            let vote = Vote { leader, zxid: Zxid::ZERO, peer_epoch: 0 };
            let notification = Notification { role: Role::Looking, vote, round: 1 };
            let connection = ConnectionId(from);
            let _ = peer.handle(Input::Notification { from, connection, notification });
            [1, 3].map(|down| peer.awaits_no_vote(|server| server == down))
        };
        assert_eq!(hear(1, 1), [false, false]);
        // Now server 1 votes for this one.
        assert_eq!(hear(1, 2), [false, true]);
        // Server 3 is better.
        assert_eq!(hear(3, 3), [true, false]);
        assert_eq!(hear(1, 3), [true, true]);
        assert!(peer.awaits_no_vote(|_| false));
    }
}
