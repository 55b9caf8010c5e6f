//! How many file descriptors there are, and who may have how many.
//!
//! A server that runs out of them cannot listen, log or accept a learner. So each kind of
//! connection has its share of what the operating system allows (`ulimit -n`), and what the
//! server needs for itself is no client's.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What the server needs for itself: the log and its successor, snapshots, epoch files, the
/// trace, listeners, standard streams, and what the runtime has.
const OWN: usize = 64;
/// Most connections for each other server: one in use and one that is replacing it on each port,
/// and on the quorum port those that wait.
const PER_SERVER: usize = 8;
/// Most unknown peers on each of the two ports between servers.
const UNKNOWN_PEERS_MAX: usize = 128;
/// Most client connections, from all addresses. ZooKeeper has no such limit unless one is set
/// (`maxCnxns`).
const CLIENTS_MAX: usize = 10_000;

/// Who may have how many descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Connections that have not said who they are, on each port between servers.
    pub(crate) unknown_peers: usize,
    /// Connections of clients.
    pub(crate) clients: usize,
}

impl Shares {
    /// The shares of this process, whose limit is raised as far as it may be.
    pub(crate) fn of_process(servers: usize) -> Self {
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum {
            limit.current = limit.maximum;
            // If it stays as it was, there are fewer to share.
            let _ = setrlimit(Resource::Nofile, limit);
        }
        let limit = getrlimit(Resource::Nofile).current;
        Self::of(limit.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)), servers)
    }

    fn of(limit: usize, servers: usize) -> Self {
        let unknown_peers = (limit / 16).clamp(4, UNKNOWN_PEERS_MAX);
        let taken = OWN + 2 * unknown_peers + PER_SERVER * servers;
        Self { unknown_peers, clients: limit.saturating_sub(taken).clamp(1, CLIENTS_MAX) }
    }
}

/// How many descriptors this process has open, and how many it may have; 0 where that is not known.
pub(crate) fn in_use() -> (usize, u64) {
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    (open, getrlimit(Resource::Nofile).current.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_fit_the_limit() {
        for limit in [256, 1024, 4096, 65_536, 1 << 20] {
            let Shares { unknown_peers, clients } = Shares::of(limit, 3);
            assert!(OWN + 2 * unknown_peers + PER_SERVER * 3 + clients <= limit, "{limit}");
            assert!(clients >= limit.min(CLIENTS_MAX) / 2, "{limit}: {clients} clients");
        }
        assert_eq!(Shares::of(usize::MAX, 3).clients, CLIENTS_MAX);
        assert_eq!(Shares::of(1, 3), Shares { unknown_peers: 4, clients: 1 });
    }
}
