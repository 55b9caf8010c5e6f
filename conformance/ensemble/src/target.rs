//! What can be recorded: a server implementation, seen from outside.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use zab_trace::{Event, Port, ServerId};

use crate::process::Launch;
use crate::relay::{Endpoint, Relay};

/// `tickTime` of the servers, in milliseconds: short, so that failures are noticed soon.
const TICK_MS: u32 = 200;

/// A server implementation: how it is configured and started, and where its events are found. A
/// life is one run of its process, by number from 1.
pub trait Target {
    /// The content of a server's `zoo.cfg`.
    fn config(&self, setup: &Setup<'_>) -> String;

    /// How to start a server in its folder, which holds `zoo.cfg` and `data/myid`.
    fn launch(&self, server: ServerId, folder: &Path, traces: &Path) -> Launch;

    /// The newest life of a server of which the folder of traces tells; 0 if there is none.
    fn newest_life(&self, traces: &Path, server: ServerId) -> u32;

    /// The events of a life that may still go on.
    fn events(&self, traces: &Path, server: ServerId, life: u32) -> Vec<Event>;

    /// Makes the trace of a life whole, whose process has ended.
    ///
    /// # Errors
    /// When its file cannot be read or written.
    fn mend(&self, traces: &Path, server: ServerId, life: u32) -> io::Result<()>;
}

/// What a server is configured with.
pub struct Setup<'a> {
    /// Where it listens for the other servers.
    pub own: &'a Endpoint,
    /// Where it listens for clients.
    pub client: SocketAddr,
    /// All servers, itself included.
    pub all: &'a [Endpoint],
    /// What is between them.
    pub relay: &'a Relay,
    /// How many committed transactions a leader keeps for DIFF.
    pub window: u32,
    /// After how many ticks without a word a server gives another one up.
    pub sync_limit: u32,
}

impl Setup<'_> {
    /// What every implementation reads in `zoo.cfg`: its own ports, and for the others the relay's.
    /// Its own host is the wildcard, so that nobody is told an address that leads around the relay.
    #[must_use]
    pub fn zoo_cfg(&self) -> String {
        let Self { own, client, all, relay, window, sync_limit } = self;
        let mut text = format!(
            "tickTime={TICK_MS}\ninitLimit=50\nsyncLimit={sync_limit}\ndataDir=data\n\
             clientPort={}\nclientPortAddress={}\nmaxSessionTimeout=60000\n\
             commitLogCount={window}\n4lw.commands.whitelist=*\n",
            client.port(),
            client.ip(),
        );
        for other in *all {
            let line = if other.server == own.server {
                format!("0.0.0.0:{}:{}", own.quorum.port(), own.election.port())
            } else {
                let port = |port| relay.port(own.server, other.server, port).unwrap_or_default();
                format!("127.0.0.1:{}:{}", port(Port::Quorum), port(Port::Election))
            };
            let _ = writeln!(text, "server.{}={line}", other.server);
        }
        text
    }
}
