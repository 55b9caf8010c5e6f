//! What can be recorded: a server implementation, seen from outside.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;

use zab_trace::{Port, ServerId};

use crate::process::Launch;
use crate::relay::{Endpoint, Relay};

/// `tickTime` of the servers, in milliseconds: short, so that failures are noticed soon.
const TICK_MS: u32 = 200;

/// A server implementation: how it is configured, started and stopped. The trace of a life is the
/// file `server-ID-LIFE.ndjson` in the folder of traces.
pub trait Target {
    /// The content of a server's `zoo.cfg`.
    fn config(&self, setup: &Setup<'_>) -> String {
        setup.zoo_cfg()
    }

    /// What it is, as a capture's header says it.
    fn software(&self) -> String {
        "unknown".to_owned()
    }

    /// Files that it needs in its folder beside `zoo.cfg`: name and content.
    fn files(&self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// How to start a server.
    fn launch(&self, life: &Life<'_>) -> Launch;

    /// Whether it writes a trace. Without one nothing is known of its steps.
    fn writes_traces(&self) -> bool {
        true
    }

    /// Whether a server that was asked to stop, by SIGTERM, has ended as it should.
    fn stopped_well(&self, status: ExitStatus) -> bool {
        status.success()
    }
}

/// One run of a server's process.
pub struct Life<'a> {
    /// Which server.
    pub server: ServerId,
    /// Which of its lives, from 1: the number after the newest that has left a trace. For a server
    /// without traces it is always 1.
    pub number: u32,
    /// The folder of the server, which holds `zoo.cfg` and `data/myid`.
    pub folder: &'a Path,
    /// The folder of the traces.
    pub traces: &'a Path,
}

/// What a server is configured with.
pub struct Setup<'a> {
    /// Where it listens for the other servers.
    pub own: &'a Endpoint,
    /// The folder of the server.
    pub folder: &'a Path,
    /// Where it listens for clients.
    pub client: SocketAddr,
    /// All servers, itself included.
    pub all: &'a [Endpoint],
    /// What is between them; none if they dial each other.
    pub relay: Option<&'a Relay>,
    /// How many committed transactions a leader keeps for DIFF.
    pub window: u32,
    /// After how many ticks without a word a server gives another one up.
    pub sync_limit: u32,
    /// Which of all servers are observers.
    pub observers: &'a [ServerId],
}

impl Setup<'_> {
    /// What every implementation reads in `zoo.cfg`: its own ports, and for the others the relay's.
    /// Its own host is the wildcard, so that nobody is told an address that leads around the relay.
    /// Snapshots are taken so often that a run shows what comes of them.
    #[must_use]
    pub fn zoo_cfg(&self) -> String {
        let Self { folder, client, window, sync_limit, .. } = self;
        let mut text = format!(
            "tickTime={TICK_MS}\ninitLimit=50\nsyncLimit={sync_limit}\ndataDir={}\n\
             clientPort={}\nclientPortAddress={}\nmaxSessionTimeout=60000\n\
             commitLogCount={window}\nsnapCount=8\n\
             autopurge.purgeInterval=1\n4lw.commands.whitelist=*\n",
            folder.join("data").display(),
            client.port(),
            client.ip(),
        );
        text += &self.server_lines();
        text
    }

    /// The lines `server.N=…`, and what an observer says of itself. Its own host is the wildcard.
    pub(crate) fn server_lines(&self) -> String {
        let Self { own, all, relay, observers, .. } = self;
        let mut text = String::new();
        if observers.contains(&own.server) {
            text.push_str("peerType=observer\n");
        }
        for other in *all {
            let line = if other.server == own.server {
                format!("0.0.0.0:{}:{}", own.quorum.port(), own.election.port())
            } else {
                let port = |port, real: &SocketAddr| match relay {
                    Some(relay) => relay.port(own.server, other.server, port).unwrap_or_default(),
                    None => real.port(),
                };
                let quorum = port(Port::Quorum, &other.quorum);
                format!("127.0.0.1:{quorum}:{}", port(Port::Election, &other.election))
            };
            let role = if observers.contains(&other.server) { ":observer" } else { "" };
            let _ = writeln!(text, "server.{}={line}{role}", other.server);
        }
        text
    }
}
