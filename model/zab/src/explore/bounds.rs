//! How far an exploration goes: budgets for everything the environment may do.
//!
//! Budgets are part of the explored state: an action whose budget is spent is not enabled, and
//! nothing else is cut. So a state without successors is one where the system has really stopped,
//! and a verdict says "for every behaviour with at most these faults".

use std::fmt;

/// How servers find a leader in an exploration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Election {
    /// One coarse step elects; see [`super::oracle`].
    Oracle,
    /// As [`Election::Oracle`], but any LOOKING server may win, whatever its history. Elections
    /// allow less, so a property that holds here does not depend on them.
    Anybody,
    /// Fast leader election with all of its messages (`zk.fle.*`).
    Fle,
    /// Fast leader election alone: nobody connects to the leader that was found.
    FleOnly,
}

impl fmt::Display for Election {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oracle => "oracle",
            Self::Anybody => "anybody",
            Self::Fle => "fle",
            Self::FleOnly => "fle-only",
        })
    }
}

/// The size of an exploration. Every count is a total over the whole run, not per server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Voting members, 1 to [`super::sizes::SERVERS_MAX`].
    pub servers: u8,
    /// Observers, whose ids come after those of the voting members; with them there are at most
    /// [`super::sizes::SERVERS_MAX`] servers.
    pub observers: u8,
    /// Client requests that leaders turn into transactions.
    pub requests: u8,
    /// Crashes, each with the power lost: any part of what is not synced may be gone. A crashed
    /// server may start again at any time, at no cost.
    pub crashes: u8,
    /// Ends of a process while its machine runs on: what was appended stays.
    pub kills: u8,
    /// Disks that are lost while their server is down.
    pub lost_disks: u8,
    /// Appends to a log that fail while the process lives.
    pub failed_appends: u8,
    /// Times that a server gives up its role although nothing it needs has failed.
    pub timeouts: u8,
    /// Quorum connections that break although both ends live.
    pub disconnects: u8,
    /// Without notifications: elections. Otherwise: returns from a role to LOOKING.
    pub rounds: u8,
    /// Times that a LOOKING server repeats its notifications (`zk.fle.resend`).
    pub resends: u8,
    /// How leaders are found.
    pub election: Election,
}

impl Bounds {
    /// Three servers, the oracle, one election, and nothing else.
    pub const CALM: Self = Self {
        servers: 3,
        observers: 0,
        requests: 0,
        crashes: 0,
        kills: 0,
        lost_disks: 0,
        failed_appends: 0,
        timeouts: 0,
        disconnects: 0,
        rounds: 1,
        resends: 0,
        election: Election::Oracle,
    };
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "servers={} requests={} crashes={} timeouts={} disconnects={} rounds={} resends={} election={}",
            self.servers,
            self.requests,
            self.crashes,
            self.timeouts,
            self.disconnects,
            self.rounds,
            self.resends,
            self.election
        )?;
        let more = [
            ("observers", self.observers),
            ("kills", self.kills),
            ("lost-disks", self.lost_disks),
            ("failed-appends", self.failed_appends),
        ];
        more.iter()
            .filter(|(_, count)| *count > 0)
            .try_for_each(|(name, count)| write!(f, " {name}={count}"))
    }
}
