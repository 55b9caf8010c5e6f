//! Actions as classes of steps: one for each kind and each server or pair of servers that it is
//! about, so that fairness can speak of any of them, and a class says which action was taken.
//!
//! Five servers have 250 classes, which fit the byte that liveness has for them.

use super::action::Action;

/// An action of a kind.
enum Of {
    /// About one server.
    One(fn(usize) -> Action),
    /// About two.
    Two(fn(usize, usize) -> Action),
}

/// By [`Action::kind`].
const KINDS: [Of; Action::KINDS.len()] = [
    Of::One(Action::UpdateLeader),
    Of::One(Action::FollowLeader),
    Of::Two(Action::Timeout),
    Of::One(Action::Restart),
    Of::Two(Action::ConnectAndFollowerSendCepoch),
    Of::Two(Action::LeaderProcessCepoch),
    Of::Two(Action::FollowerProcessNewEpoch),
    Of::Two(Action::LeaderProcessAckEpoch),
    Of::Two(Action::FollowerProcessNewLeader),
    Of::Two(Action::LeaderProcessAckLd),
    Of::Two(Action::FollowerProcessCommitLd),
    Of::One(Action::LeaderProcessRequest),
    Of::One(Action::LeaderBroadcastPropose),
    Of::Two(Action::FollowerProcessPropose),
    Of::Two(Action::LeaderProcessAck),
    Of::Two(Action::FollowerProcessCommit),
    Of::One(Action::FilterNonexistentMessage),
];

/// By kind: the first class, with that many servers.
const fn starts(servers: u16) -> [u16; KINDS.len()] {
    let mut starts = [0; KINDS.len()];
    let mut kind = 1;
    while kind < KINDS.len() {
        let before = match KINDS[kind - 1] {
            Of::One(_) => servers,
            Of::Two(_) => servers * (servers - 1),
        };
        starts[kind] = starts[kind - 1] + before;
        kind += 1;
    }
    starts
}

/// Of two to five servers.
const STARTS: [[u16; KINDS.len()]; 4] = [starts(2), starts(3), starts(4), starts(5)];

impl Action {
    /// Every action of that many servers, in the order of their classes.
    #[must_use]
    pub fn all(servers: usize) -> Vec<Self> {
        let others = move |i: usize| (0..servers).filter(move |j| *j != i);
        let of = |kind: &Of| -> Vec<Self> {
            match kind {
                Of::One(action) => (0..servers).map(action).collect(),
                Of::Two(action) => {
                    (0..servers).flat_map(|i| others(i).map(move |j| action(i, j))).collect()
                }
            }
        };
        KINDS.iter().flat_map(of).collect()
    }

    /// Its place among [`Action::all`] of that many servers, 2 to 5.
    ///
    /// # Panics
    /// When there are fewer servers or more.
    #[inline]
    #[must_use]
    pub fn class(self, servers: usize) -> u16 {
        let (kind, i, j) = self.parts();
        let place = j.map_or(i, |j| i * (servers - 1) + j - usize::from(j > i));
        STARTS[servers - 2][usize::from(kind)] + u16::from(super::types::small(place))
    }

    /// The server whose it is, if it is taken by one; if it is about a pair, the follower, since
    /// that has one connection at most.
    #[must_use]
    pub fn owner(self) -> usize {
        match self {
            Self::UpdateLeader(i)
            | Self::FollowLeader(i)
            | Self::Restart(i)
            | Self::LeaderProcessRequest(i)
            | Self::LeaderBroadcastPropose(i)
            | Self::FilterNonexistentMessage(i)
            | Self::FollowerProcessNewEpoch(i, _)
            | Self::FollowerProcessNewLeader(i, _)
            | Self::FollowerProcessCommitLd(i, _)
            | Self::FollowerProcessPropose(i, _)
            | Self::FollowerProcessCommit(i, _)
            | Self::Timeout(_, i)
            | Self::ConnectAndFollowerSendCepoch(_, i)
            | Self::LeaderProcessCepoch(_, i)
            | Self::LeaderProcessAckEpoch(_, i)
            | Self::LeaderProcessAckLd(_, i)
            | Self::LeaderProcessAck(_, i) => i,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_class_of_its_own() {
        for (servers, count) in [(2, 34), (3, 84), (4, 156), (5, 250)] {
            let all = Action::all(servers);
            assert_eq!(all.len(), count);
            for (action, class) in all.iter().zip(0..) {
                assert_eq!(action.class(servers), class, "{action} of {servers}");
            }
            assert!(all.is_sorted_by_key(|action| action.kind()));
            let kinds =
                all.iter().map(|action| action.kind()).collect::<std::collections::HashSet<_>>();
            assert_eq!(kinds.len(), Action::KINDS.len());
        }
    }
}
