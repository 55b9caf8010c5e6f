//! `zoo.cfg` and `myid`: what an operator tells a server.
//!
//! The keys, their defaults and their meaning are those of ZooKeeper's `QuorumPeerConfig`; the
//! subset that is understood is the list in [`Config`]. A setting that promises what this server
//! does not do (TLS, authentication, weights, writes that are not synced, …) is refused, whatever
//! file it comes from. Any other key that is not understood is ignored with a note, so that a file
//! written for ZooKeeper is usable as it stands. A line that is missing, malformed or contradicts another is an error that names the file and what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zab_core::Quorums;

pub use crate::storage::SnapLimits;
pub use tls::{ClientAuth, TlsFiles};

mod monitoring;
mod parse;
mod quorums;
mod settings;
mod storage;
mod tls;

/// Everything a server reads from `zoo.cfg` and `myid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// This server's id, from `myid`, 1 to 254: 255 would make sessions look like times to live.
    pub id: u64,
    /// `dataDir`: snapshots, epoch files, `myid`.
    pub data_dir: PathBuf,
    /// `dataLogDir`: transaction log; `dataDir` unless given.
    pub data_log_dir: PathBuf,
    /// `clientPortAddress` and `clientPort`: where clients connect; every address unless given. There
    /// need not be one if there is a port under TLS.
    pub client_address: Option<Endpoint>,
    /// `secureClientPortAddress`, `secureClientPort` and `ssl.*`: where clients connect under TLS.
    pub secure_client: Option<(Endpoint, TlsFiles)>,
    /// `sslQuorum` and `ssl.quorum.*`: TLS on both ports between servers.
    pub quorum_tls: Option<TlsFiles>,
    /// `tickTime`: the unit of the limits below; 3 s unless given.
    pub tick: Duration,
    /// `initLimit`, in ticks: how long joining and synchronizing may take.
    pub init_limit: u32,
    /// `syncLimit`, in ticks: how long a synchronized learner or leader may be silent.
    pub sync_limit: u32,
    /// `server.N`: the ensemble, this server included, at least two servers; or none, if this
    /// server is alone.
    pub servers: BTreeMap<u64, ServerAddress>,
    /// `group.N` and `weight.N`: which sets of voters are quorums; majorities unless given.
    pub quorums: Quorums,
    /// `maxClientCnxns`: connections from one address; 0 = unlimited; 60 unless given.
    pub client_connections_max: u32,
    /// `maxCnxns`: connections from all addresses; 0, or not given = as many as the file
    /// descriptors of the process allow.
    pub connections_max: u32,
    /// `commitLogCount`: committed transactions kept to bring learners up to date; 500 unless
    /// given. ZooKeeper does not go below 500, this server accepts any number from 1.
    pub window: usize,
    /// `snapCount` and `snapSizeLimitInKb`: when a snapshot is taken; 100,000 and 4 GiB unless
    /// given.
    pub snap_limits: SnapLimits,
    /// `autopurge.snapRetainCount` and `autopurge.purgeInterval`: whether old snapshots and logs
    /// are removed; not unless given.
    pub purge: Option<Purge>,
    /// `4lw.commands.whitelist`: four-letter words that are answered; `srvr` unless given.
    pub four_letter_words: FourLetterWords,
    /// `minSessionTimeout`; two ticks unless given.
    pub session_timeout_min: Duration,
    /// `maxSessionTimeout`; twenty ticks unless given.
    pub session_timeout_max: Duration,
    /// `extendedTypesEnabled`: nodes may have a time to live.
    pub extended_types: bool,
    /// `digest.enabled`: transactions carry the digest of the tree, and are compared by it.
    pub digests: bool,
    /// `znode.container.checkIntervalMs` and `znode.container.maxPerMinute`.
    pub containers: ContainerChecks,
    /// `enforceQuota`: hard limits of quotas are kept; not unless given.
    pub enforce_quota: bool,
    /// `admin.serverPort` and the like: commands over HTTP; none unless one of these is given.
    pub admin: Option<Admin>,
    /// `metricsProvider.className` and the like: numbers for Prometheus.
    pub metrics: Option<Endpoint>,
    /// `DigestAuthenticationProvider.superDigest`: who may do everything.
    pub super_digest: Option<String>,
    /// What was ignored, one sentence each, for the log.
    pub notes: Vec<String>,
}

/// When the leader looks for containers that are empty, and for nodes whose time to live is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerChecks {
    /// How often; every minute unless given.
    pub interval: Duration,
    /// Most nodes that it deletes in a minute; 10,000 unless given.
    pub max_per_minute: usize,
}

impl Default for ContainerChecks {
    fn default() -> Self {
        Self { interval: Duration::from_secs(60), max_per_minute: 10_000 }
    }
}

/// Where ZooKeeper's commands are answered over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// `admin.serverAddress` and `admin.serverPort`.
    pub endpoint: Endpoint,
    /// `admin.commandURL`, without a slash at its end.
    pub command_url: String,
}

/// A host name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// Host name, IPv4 address, or IPv6 address without brackets.
    pub host: String,
    /// Port, not 0.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// One `server.N` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// Where the leader takes learners (2888 by custom).
    pub quorum: Endpoint,
    /// Where votes are exchanged (3888 by custom).
    pub election: Endpoint,
    /// Where clients connect, if the line says so.
    pub client: Option<Endpoint>,
    /// It is an observer: it has no vote.
    pub observes: bool,
}

/// How old snapshots and logs are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purge {
    /// How many snapshots are kept, at least 3.
    pub retained: usize,
    /// The time from one removal to the next.
    pub interval: Duration,
}

/// Which four-letter words are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FourLetterWords {
    /// `*`
    All,
    /// Only these.
    Only(BTreeSet<String>),
}

impl FourLetterWords {
    /// Whether `word` is answered.
    pub fn allows(&self, word: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(words) => words.contains(word),
        }
    }
}

/// Why a configuration is not usable.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct ConfigError {
    /// The file that is wrong.
    pub path: PathBuf,
    /// What is wrong with it, and the line if it is one line's fault.
    pub reason: String,
}

/// The id of a server that is alone.
const STANDALONE_ID: u64 = 1;

/// What the command line says about the configuration.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Settings like lines of the file, which they follow.
    pub set: &'a [String],
    /// Settings, or with a dot at the end all that begin so, that are not refused although this
    /// server does not do what they promise.
    pub tolerate: &'a [String],
}

impl Config {
    /// Reads `zoo.cfg` at `path`, and `myid` in the data directory that it names.
    pub fn load(path: &Path, options: Options<'_>) -> Result<Self, ConfigError> {
        let fail = |path: &Path, reason: String| ConfigError { path: path.to_owned(), reason };
        let text = parse::read_text(path).map_err(|reason| fail(path, reason))?;
        let draft = parse::Draft::parse(&text, options);
        let draft = draft.map_err(|reason| fail(path, reason))?;
        if draft.is_standalone() {
            return draft.finish(STANDALONE_ID).map_err(|reason| fail(path, reason));
        }
        let myid = draft.data_dir().join("myid");
        let id = parse::read_text(&myid)
            .map_err(|reason| {
                format!("{reason}; write the number N of this server's line server.N into it")
            })
            .and_then(|text| parse::parse_id(text.trim()))
            .map_err(|reason| fail(&myid, reason))?;
        draft.finish(id).map_err(|reason| fail(path, reason))
    }

    /// A server that is alone, with its data in `directory`: `clientPort` 2181 of this machine,
    /// unless the options say otherwise.
    pub fn standalone(directory: &Path, options: Options<'_>) -> Result<Self, ConfigError> {
        let fail = |reason: String| ConfigError { path: directory.to_owned(), reason };
        let shown = directory.to_str().ok_or_else(|| fail("is not UTF-8 text".to_owned()))?;
        let mut text = format!("dataDir={}\n", shown.replace('\\', "\\\\"));
        for (key, value) in [("clientPort", "2181"), ("clientPortAddress", "127.0.0.1")] {
            if !options.set.iter().any(|setting| setting.split('=').next() == Some(key)) {
                let _ = writeln!(text, "{key}={value}");
            }
        }
        let draft = parse::Draft::parse(&text, options).map_err(fail)?;
        if !draft.is_standalone() {
            return Err(fail("a server that is alone has no server.N settings".to_owned()));
        }
        draft.finish(STANDALONE_ID).map_err(fail)
    }

    /// What [`Self::load`] makes of the text of a `zoo.cfg` and the number in `myid`.
    ///
    /// # Errors
    /// What is wrong with the text.
    #[cfg(feature = "fuzz")]
    pub fn from_text(text: &str, id: u64) -> Result<Self, String> {
        parse::Draft::parse(text, Options::default())?.finish(id)
    }

    /// The ensemble as ZooKeeper writes it: `server.N=…` lines and `version=0`, without a final
    /// line break. Apache's election thread dies of a notification without it.
    pub fn quorum_text(&self) -> String {
        let mut text = String::new();
        for (id, server) in &self.servers {
            let (quorum, port) = (&server.quorum, server.election.port);
            // Writing to a string cannot fail.
            let client = server.client.as_ref().map_or_else(String::new, |at| format!(";{at}"));
            let kind = if server.observes { "observer" } else { "participant" };
            let _ = writeln!(text, "server.{id}={quorum}:{port}:{kind}{client}");
        }
        text.push_str(&quorums::text(self));
        text.push_str("version=0");
        text
    }

    /// The ids of the ensemble, ascending; of a server that is alone, its own.
    pub fn ids(&self) -> Vec<u64> {
        if self.is_standalone() {
            return vec![self.id];
        }
        self.servers.keys().copied().collect()
    }

    /// The ids of those who vote, ascending; of a server that is alone, its own.
    pub fn voters(&self) -> Vec<u64> {
        self.ids().into_iter().filter(|id| !self.observers().contains(id)).collect()
    }

    /// The ids of those who do not.
    pub fn observers(&self) -> BTreeSet<u64> {
        let observers = self.servers.iter().filter(|(_, server)| server.observes);
        observers.map(|(id, _)| *id).collect()
    }

    /// Why a trace of this server could not be checked, if it could not: neither the trace format
    /// nor the model has observers, groups and weights, and the model has no ensemble of one.
    pub fn untraceable(&self) -> Option<&'static str> {
        if self.is_standalone() {
            return Some("a server that is alone");
        }
        if !self.observers().is_empty() {
            return Some("an ensemble with observers");
        }
        (self.quorums != Quorums::Majority).then_some("an ensemble with groups and weights")
    }

    /// Whether this server has no others.
    pub fn is_standalone(&self) -> bool {
        self.servers.is_empty()
    }
}

#[cfg(test)]
mod tests;
