//! Everything that can happen in an exploration.

use std::fmt;

use crate::types::{ServerId, ServerSet, Zxid};

/// One step of the whole system. Each is a step of one server, except [`Action::Elect`] and
/// [`Action::Cut`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// `zk.start`: a server that is down starts, and this many transactions of its unsynced tail
    /// have survived.
    Start(ServerId, u8),
    /// `zk.crash`.
    Crash(ServerId),
    /// A process ends, and its machine runs on: `zk.crash`, and what was appended stays.
    Kill(ServerId),
    /// The power loss of a crash has undone a cut that was not durable.
    CutReturns(ServerId),
    /// A server that is down loses its disk.
    LoseDisk(ServerId),
    /// The unsynced tail cannot be written, and the process lives.
    AppendFails(ServerId),
    /// The sync thread of an earlier role writes what it has.
    ZombieWrites(ServerId),
    /// The coarse election: the first server leads, the set follows it.
    Elect(ServerId, ServerSet),
    /// The coarse form of `zk.fle.join`: the first server follows the second.
    Join(ServerId, ServerId),
    /// `zk.fle.observe`: the first server, an observer, follows the second.
    Observe(ServerId, ServerId),
    /// A notification of the first server reaches the second.
    Notification(ServerId, ServerId),
    /// `zk.fle.settle`.
    Settle(ServerId),
    /// `zk.fle.resend`.
    Resend(ServerId),
    /// A follower's connection to its leader is up (`f.1.1`).
    Connect(ServerId),
    /// The leader (second) receives FOLLOWERINFO on a new connection of the first (`l.1.1`).
    Accept(ServerId, ServerId),
    /// The leader (second) receives the next packet of the first.
    ToLeader(ServerId, ServerId),
    /// The leader (second) receives the next packet on the older connection of the first.
    OlderToLeader(ServerId, ServerId),
    /// The leader (second) notices that the older connection of the first has ended; what is unread
    /// on it is lost.
    OlderEnds(ServerId, ServerId),
    /// A follower receives its leader's next packet.
    ToLearner(ServerId),
    /// The link between a follower and its leader breaks, unnoticed.
    Cut(ServerId),
    /// A defect of the network: the next packet to a follower vanishes.
    Lose(ServerId),
    /// A defect of the network: the next two packets to a follower change places.
    Swap(ServerId),
    /// A follower notices that its connection has ended (`zk.fail.learner_link`).
    LearnerNotices(ServerId),
    /// The leader (second) notices that the connection of the first has ended
    /// (`zk.fail.leader_link`).
    LeaderNotices(ServerId, ServerId),
    /// A server leaves its role: it cannot do its work (no leader to connect to, no quorum), or it
    /// has waited too long for a server that is there.
    LeaveRole(ServerId),
    /// The next write of a server's program is done.
    Write(ServerId),
    /// `zk.bcast.sync`: the log is durable up to here.
    Sync(ServerId, Zxid<u8>),
    /// `l.3.1`: the next client request reaches an established leader.
    Request(ServerId),
    /// Grain `threads`: the commit thread of a server applies a transaction (`zk.bcast.apply`).
    Apply(ServerId),
    /// Grain `threads`: the handler that serves the first server does what comes next, at the leader
    /// (second).
    Handler(ServerId, ServerId),
}

impl Action {
    /// The kinds of action, in the order of [`Action::kind`].
    pub const NAMES: [&'static str; 30] = [
        "Start",
        "Crash",
        "Elect",
        "Join",
        "Notification",
        "Settle",
        "Resend",
        "Connect",
        "Accept",
        "ToLeader",
        "ToLearner",
        "Cut",
        "Lose",
        "Swap",
        "LearnerNotices",
        "LeaderNotices",
        "LeaveRole",
        "Write",
        "Sync",
        "Request",
        "Kill",
        "CutReturns",
        "LoseDisk",
        "AppendFails",
        "ZombieWrites",
        "Apply",
        "Handler",
        "OlderToLeader",
        "OlderEnds",
        "Observe",
    ];

    /// The place of this kind of action in [`Action::NAMES`].
    #[must_use]
    pub fn kind(&self) -> usize {
        match self {
            Self::Start(..) => 0,
            Self::Crash(_) => 1,
            Self::Elect(..) => 2,
            Self::Join(..) => 3,
            Self::Notification(..) => 4,
            Self::Settle(_) => 5,
            Self::Resend(_) => 6,
            Self::Connect(_) => 7,
            Self::Accept(..) => 8,
            Self::ToLeader(..) => 9,
            Self::ToLearner(_) => 10,
            Self::Cut(_) => 11,
            Self::Lose(_) => 12,
            Self::Swap(_) => 13,
            Self::LearnerNotices(_) => 14,
            Self::LeaderNotices(..) => 15,
            Self::LeaveRole(_) => 16,
            Self::Write(_) => 17,
            Self::Sync(..) => 18,
            Self::Request(_) => 19,
            Self::Kill(_) => 20,
            Self::CutReturns(_) => 21,
            Self::LoseDisk(_) => 22,
            Self::AppendFails(_) => 23,
            Self::ZombieWrites(_) => 24,
            Self::Apply(_) => 25,
            Self::Handler(..) => 26,
            Self::OlderToLeader(..) => 27,
            Self::OlderEnds(..) => 28,
            Self::Observe(..) => 29,
        }
    }

    /// The server that takes the step: whoever receives, notices or leads; of a link that breaks,
    /// the learner.
    #[must_use]
    pub fn server(&self) -> ServerId {
        match self {
            Self::Notification(_, id)
            | Self::Accept(_, id)
            | Self::ToLeader(_, id)
            | Self::OlderToLeader(_, id)
            | Self::OlderEnds(_, id)
            | Self::LeaderNotices(_, id)
            | Self::Handler(_, id)
            | Self::Apply(id)
            | Self::Start(id, _)
            | Self::Crash(id)
            | Self::Kill(id)
            | Self::CutReturns(id)
            | Self::LoseDisk(id)
            | Self::AppendFails(id)
            | Self::ZombieWrites(id)
            | Self::Elect(id, _)
            | Self::Join(id, _)
            | Self::Observe(id, _)
            | Self::Settle(id)
            | Self::Resend(id)
            | Self::Connect(id)
            | Self::ToLearner(id)
            | Self::Cut(id)
            | Self::Lose(id)
            | Self::Swap(id)
            | Self::LearnerNotices(id)
            | Self::LeaveRole(id)
            | Self::Write(id)
            | Self::Sync(id, _)
            | Self::Request(id) => *id,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES[self.kind()];
        match self {
            Self::Start(id, survived) => write!(f, "{name} {id} survived={survived}"),
            Self::Elect(leader, followers) => write!(f, "{name} {leader} followers={followers}"),
            Self::Join(id, leader) | Self::Observe(id, leader) => {
                write!(f, "{name} {id} leader={leader}")
            }
            Self::Notification(from, to)
            | Self::Accept(from, to)
            | Self::ToLeader(from, to)
            | Self::OlderToLeader(from, to) => write!(f, "{name} {from}>{to}"),
            Self::LeaderNotices(learner, leader)
            | Self::OlderEnds(learner, leader)
            | Self::Handler(learner, leader) => write!(f, "{name} {leader} learner={learner}"),
            Self::Sync(id, up_to) => write!(f, "{name} {id} up_to={up_to}"),
            Self::Crash(id)
            | Self::Kill(id)
            | Self::CutReturns(id)
            | Self::LoseDisk(id)
            | Self::AppendFails(id)
            | Self::ZombieWrites(id)
            | Self::Settle(id)
            | Self::Resend(id)
            | Self::Connect(id)
            | Self::ToLearner(id)
            | Self::Cut(id)
            | Self::Lose(id)
            | Self::Swap(id)
            | Self::LearnerNotices(id)
            | Self::LeaveRole(id)
            | Self::Write(id)
            | Self::Apply(id)
            | Self::Request(id) => write!(f, "{name} {id}"),
        }
    }
}
