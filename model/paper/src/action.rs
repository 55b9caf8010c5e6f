//! The names of the seventeen actions.

use std::fmt;

/// One step of the system: the action of the published specification of the same name, and the
/// indices (id - 1) it is about, in the same order. A handler names its server first, then the
/// sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A looking server makes the oracle name it.
    UpdateLeader(usize),
    /// A looking server does as the oracle says.
    FollowLeader(usize),
    /// The connection of (leader, follower) ends.
    Timeout(usize, usize),
    /// A server crashes and recovers.
    Restart(usize),
    /// (leader, follower) connect.
    ConnectAndFollowerSendCepoch(usize, usize),
    /// (leader, follower).
    LeaderProcessCepoch(usize, usize),
    /// (follower, leader).
    FollowerProcessNewEpoch(usize, usize),
    /// (leader, follower).
    LeaderProcessAckEpoch(usize, usize),
    /// (follower, leader).
    FollowerProcessNewLeader(usize, usize),
    /// (leader, follower).
    LeaderProcessAckLd(usize, usize),
    /// (follower, leader).
    FollowerProcessCommitLd(usize, usize),
    /// A leader takes a request.
    LeaderProcessRequest(usize),
    /// A leader proposes what it took.
    LeaderBroadcastPropose(usize),
    /// (follower, leader).
    FollowerProcessPropose(usize, usize),
    /// (leader, follower).
    LeaderProcessAck(usize, usize),
    /// (follower, leader).
    FollowerProcessCommit(usize, usize),
    /// What a connection left behind is dropped at this server.
    FilterNonexistentMessage(usize),
}

impl Action {
    /// The names of the kinds, in the order of [`Action::kind`].
    pub const KINDS: [&'static str; 17] = [
        "UpdateLeader",
        "FollowLeader",
        "Timeout",
        "Restart",
        "ConnectAndFollowerSendCEPOCH",
        "LeaderProcessCEPOCH",
        "FollowerProcessNEWEPOCH",
        "LeaderProcessACKEPOCH",
        "FollowerProcessNEWLEADER",
        "LeaderProcessACKLD",
        "FollowerProcessCOMMITLD",
        "LeaderProcessRequest",
        "LeaderBroadcastPROPOSE",
        "FollowerProcessPROPOSE",
        "LeaderProcessACK",
        "FollowerProcessCOMMIT",
        "FilterNonexistentMessage",
    ];

    /// Its kind, and the servers it is about.
    pub(super) fn parts(self) -> (u16, usize, Option<usize>) {
        match self {
            Self::UpdateLeader(i) => (0, i, None),
            Self::FollowLeader(i) => (1, i, None),
            Self::Timeout(i, j) => (2, i, Some(j)),
            Self::Restart(i) => (3, i, None),
            Self::ConnectAndFollowerSendCepoch(i, j) => (4, i, Some(j)),
            Self::LeaderProcessCepoch(i, j) => (5, i, Some(j)),
            Self::FollowerProcessNewEpoch(i, j) => (6, i, Some(j)),
            Self::LeaderProcessAckEpoch(i, j) => (7, i, Some(j)),
            Self::FollowerProcessNewLeader(i, j) => (8, i, Some(j)),
            Self::LeaderProcessAckLd(i, j) => (9, i, Some(j)),
            Self::FollowerProcessCommitLd(i, j) => (10, i, Some(j)),
            Self::LeaderProcessRequest(i) => (11, i, None),
            Self::LeaderBroadcastPropose(i) => (12, i, None),
            Self::FollowerProcessPropose(i, j) => (13, i, Some(j)),
            Self::LeaderProcessAck(i, j) => (14, i, Some(j)),
            Self::FollowerProcessCommit(i, j) => (15, i, Some(j)),
            Self::FilterNonexistentMessage(i) => (16, i, None),
        }
    }

    /// Which of [`Action::KINDS`] it is.
    #[must_use]
    pub fn kind(self) -> u16 {
        self.parts().0
    }

    /// Whether it is something that fails, and no step of the protocol.
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Timeout(..) | Self::Restart(_))
    }

    /// The index of the server that takes the step; for a timeout, of the leader.
    #[must_use]
    pub fn server(self) -> usize {
        self.parts().1
    }
}

/// As in the specification, with ids: `LeaderProcessACK(1, 2)`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, i, j) = self.parts();
        write!(f, "{}({}", Self::KINDS[usize::from(kind)], i + 1)?;
        if let Some(j) = j {
            write!(f, ", {}", j + 1)?;
        }
        f.write_str(")")
    }
}
