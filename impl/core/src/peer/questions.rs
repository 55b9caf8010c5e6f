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
