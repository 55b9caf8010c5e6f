//! From the text of `zoo.cfg` to a [`Config`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::settings::{self, Verdict};
use super::{Config, ContainerChecks, Endpoint, FourLetterWords, Options, ServerAddress};
use crate::properties::{self, Property};

/// What `zoo.cfg` says, before it is known which of its servers this one is.
pub(super) struct Draft {
    data_dir: PathBuf,
    pub(super) values: BTreeMap<String, Property>,
    pub(super) servers: BTreeMap<u64, ServerAddress>,
    /// What is ignored, one sentence each.
    notes: Vec<String>,
}

pub(super) const UNDERSTOOD: [&str; 21] = [
    "secureClientPort",
    "secureClientPortAddress",
    "metricsProvider.className",
    "metricsProvider.httpHost",
    "metricsProvider.httpPort",
    "dataDir",
    "dataLogDir",
    "clientPort",
    "clientPortAddress",
    "tickTime",
    "initLimit",
    "syncLimit",
    "maxClientCnxns",
    "maxCnxns",
    "commitLogCount",
    "autopurge.purgeInterval",
    "autopurge.snapRetainCount",
    "4lw.commands.whitelist",
    "minSessionTimeout",
    "maxSessionTimeout",
    "peerType",
];

/// Understood too, also with `zookeeper.` before them.
pub(super) const JAVA_PROPERTIES: [&str; 23] = [
    "sslQuorum",
    "ssl.keyStore.location",
    "ssl.keyStore.type",
    "ssl.trustStore.location",
    "ssl.trustStore.type",
    "ssl.clientAuth",
    "ssl.quorum.keyStore.location",
    "ssl.quorum.keyStore.type",
    "ssl.quorum.trustStore.location",
    "ssl.quorum.trustStore.type",
    "ssl.quorum.clientAuth",
    "enforceQuota",
    "admin.enableServer",
    "admin.serverAddress",
    "admin.serverPort",
    "admin.commandURL",
    "digest.enabled",
    "snapCount",
    "snapSizeLimitInKb",
    "extendedTypesEnabled",
    "znode.container.checkIntervalMs",
    "znode.container.maxPerMinute",
    "DigestAuthenticationProvider.superDigest",
];

impl Draft {
    /// Reads the lines and what the command line adds, without looking at how they fit together. Of
    /// what this server does not do, settings that are tolerated are noted and not refused.
    pub(super) fn parse(text: &str, options: Options<'_>) -> Result<Self, String> {
        let Options { set, tolerate: tolerated } = options;
        let mut properties = properties::parse(text).map_err(|error| error.to_string())?;
        for setting in set {
            let added = properties::parse_argument(setting).map_err(|error| error.to_string())?;
            properties.extend(added);
        }
        let mut values: BTreeMap<String, Property> = BTreeMap::new();
        for property in properties {
            if let Some(earlier) = values.get(&property.key)
                && earlier.value != property.value
            {
                let Property { place, key, value } = property;
                return Err(format!(
                    "{place}: {key}={value} contradicts {}: {key}={}",
                    earlier.place, earlier.value
                ));
            }
            values.insert(property.key.clone(), property);
        }
        let mut notes = Vec::new();
        values.retain(|_, property| {
            let is_unused = settings::is_unused_tls(&property.key, tolerated);
            if is_unused {
                let Property { place, key, .. } = property;
                notes.push(format!("{place}: {key} is tolerated, and not used"));
            }
            !is_unused
        });
        for property in values.values() {
            match settings::check(property) {
                Verdict::Fine => {}
                Verdict::Noted(note) => notes.push(note),
                Verdict::Refused(reason) => {
                    if !settings::is_tolerated(&property.key, tolerated) {
                        return Err(reason);
                    }
                    let Property { place, key, .. } = property;
                    notes.push(format!("{place}: {key} is not supported, and tolerated"));
                }
            }
        }
        let mut servers = BTreeMap::new();
        for property in values.values() {
            let Some(number) = property.key.strip_prefix("server.") else { continue };
            let at_line = |reason| format!("{}: {}: {reason}", property.place, property.key);
            let id = parse_id(number).map_err(at_line)?;
            let server = parse_server(&property.value).map_err(at_line)?;
            if servers.insert(id, server).is_some() {
                return Err(at_line(format!("server {id} is listed twice")));
            }
        }
        let data_dir = values
            .get("dataDir")
            .filter(|p| !p.value.is_empty())
            .map(|p| PathBuf::from(&p.value))
            .ok_or("dataDir is not set; name the directory that holds myid and the snapshots")?;
        Ok(Self { data_dir, values, servers, notes })
    }

    /// Whether there are no other servers: with one server line ZooKeeper is alone, too.
    pub(super) fn is_standalone(&self) -> bool {
        self.servers.len() < 2
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Checks that the lines fit together, for the server with this id.
    pub(super) fn finish(mut self, id: u64) -> Result<Config, String> {
        if self.is_standalone() {
            self.servers.clear();
        } else {
            self.check_servers(id)?;
            self.check_peer_type(id)?;
        }
        let client_address = self.client_address(id)?;
        let config = self.assemble(id, client_address)?;
        check_ports(&config)?;
        Ok(config)
    }

    fn assemble(&self, id: u64, client_address: Option<Endpoint>) -> Result<Config, String> {
        let tick_ms: u64 = self.number("tickTime")?.unwrap_or(3_000);
        let limit = |key: &str| {
            let value: u32 = match self.number(key)? {
                // Nobody is waited for.
                None if self.servers.is_empty() => 10,
                value => value.ok_or_else(|| {
                    format!("{key} is not set; give a number of ticks, for example {key}=5")
                })?,
            };
            if value == 0 { Err(format!("{key} must be at least 1 tick")) } else { Ok(value) }
        };
        if tick_ms == 0 {
            return Err("tickTime must be at least 1 ms".to_owned());
        }
        let session_timeout_min =
            self.timeout_ms("minSessionTimeout", tick_ms.saturating_mul(2))?;
        let session_timeout_max =
            self.timeout_ms("maxSessionTimeout", tick_ms.saturating_mul(20))?;
        if session_timeout_min > session_timeout_max {
            return Err(format!(
                "minSessionTimeout ({} ms) is greater than maxSessionTimeout ({} ms)",
                session_timeout_min.as_millis(),
                session_timeout_max.as_millis()
            ));
        }
        let window: usize = self.number("commitLogCount")?.unwrap_or(500);
        if window == 0 {
            return Err("commitLogCount must be at least 1".to_owned());
        }
        Ok(Config {
            id,
            data_dir: self.data_dir.clone(),
            data_log_dir: self
                .text("dataLogDir")
                .map_or_else(|| self.data_dir.clone(), PathBuf::from),
            client_address,
            secure_client: self.secure_client()?,
            quorum_tls: self.quorum_tls()?,
            tick: Duration::from_millis(tick_ms),
            init_limit: limit("initLimit")?,
            sync_limit: limit("syncLimit")?,
            servers: self.servers.clone(),
            quorums: self.quorums()?,
            client_connections_max: self.number("maxClientCnxns")?.unwrap_or(60),
            connections_max: self.number("maxCnxns")?.unwrap_or(0),
            window,
            snap_limits: self.snap_limits()?,
            purge: self.purge()?,
            four_letter_words: self.four_letter_words(),
            session_timeout_min,
            session_timeout_max,
            extended_types: self.flag("extendedTypesEnabled")?.unwrap_or(false),
            digests: self.flag("digest.enabled")?.unwrap_or(true),
            containers: self.containers()?,
            enforce_quota: self.flag("enforceQuota")?.unwrap_or(false),
            admin: self.admin()?,
            metrics: self.metrics()?,
            super_digest: self.java_value("DigestAuthenticationProvider.superDigest")?,
            notes: self.notes.clone(),
        })
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|p| p.value.as_str()).filter(|v| !v.is_empty())
    }

    pub(super) fn number<N: FromStr>(&self, key: &str) -> Result<Option<N>, String> {
        let Some(property) = self.values.get(key) else { return Ok(None) };
        property.value.parse().map(Some).map_err(|_| {
            format!("{}: {key}={} is not a number in its range", property.place, property.value)
        })
    }

    /// What is on or off, and a Java property in ZooKeeper.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, String> {
        let Some(text): Option<String> = self.java_value(key)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(format!("{key}={} is neither true nor false", text.escape_debug())),
        }
    }

    /// A value that is a Java property in ZooKeeper.
    pub(super) fn java_value<N: FromStr>(&self, key: &str) -> Result<Option<N>, String> {
        match self.number(&format!("zookeeper.{key}"))? {
            Some(number) => Ok(Some(number)),
            None => self.number(key),
        }
    }

    fn containers(&self) -> Result<ContainerChecks, String> {
        let ContainerChecks { interval, max_per_minute } = ContainerChecks::default();
        let interval_ms = self.java_value("znode.container.checkIntervalMs")?;
        let limit = self.java_value("znode.container.maxPerMinute")?;
        Ok(ContainerChecks {
            interval: interval_ms.map_or(interval, Duration::from_millis),
            max_per_minute: limit.unwrap_or(max_per_minute),
        })
    }

    /// ZooKeeper writes -1 for "not set".
    fn timeout_ms(&self, key: &str, default_ms: u64) -> Result<Duration, String> {
        if self.text(key) == Some("-1") {
            return Ok(Duration::from_millis(default_ms));
        }
        Ok(Duration::from_millis(self.number(key)?.unwrap_or(default_ms)))
    }

    fn four_letter_words(&self) -> FourLetterWords {
        match self.text("4lw.commands.whitelist") {
            Some("*") => FourLetterWords::All,
            list => {
                let words = list.unwrap_or("srvr").split(',').map(|w| w.trim().to_owned());
                FourLetterWords::Only(words.filter(|w| !w.is_empty()).collect())
            }
        }
    }

    fn check_servers(&self, id: u64) -> Result<(), String> {
        if !self.servers.contains_key(&id) {
            return Err(format!(
                "myid in {} says {id}, but there is no line server.{id} (there are {})",
                self.data_dir.display(),
                self.servers.keys().map(|id| format!("server.{id}")).collect::<Vec<_>>().join(", ")
            ));
        }
        Ok(())
    }

    /// Source: `QuorumPeerConfig.parseDynamicConfig`, `checkValidity`.
    fn check_peer_type(&mut self, id: u64) -> Result<(), String> {
        let voters = self.servers.values().filter(|server| !server.observes).count();
        if voters < 2 {
            let count = format!("there are {voters} servers that vote, and observers");
            return Err(format!("{count}; an ensemble needs at least two that vote"));
        }
        let observes = self.servers.get(&id).is_some_and(|server| server.observes);
        let asked = self.text("peerType").map(str::to_ascii_lowercase);
        match asked.as_deref() {
            None if !observes => {}
            Some("participant") if !observes => {}
            Some("observer") if observes => {}
            None | Some("participant" | "observer") => {
                let kind = if observes { "an observer" } else { "a participant" };
                let asked = asked.as_deref().unwrap_or("participant, as it is not given");
                self.notes.push(format!(
                    "peerType is {asked}, but line server.{id} says that this is {kind}: it is"
                ));
            }
            Some(other) => {
                let other = other.escape_debug();
                return Err(format!("peerType={other} is neither participant nor observer"));
            }
        }
        Ok(())
    }

    fn client_address(&self, id: u64) -> Result<Option<Endpoint>, String> {
        let host = self.text("clientPortAddress");
        let port: Option<u16> = self.number("clientPort")?;
        let from_line = self.servers.get(&id).and_then(|server| server.client.as_ref());
        match (port, from_line) {
            (Some(0), _) => Err("clientPort must not be 0".to_owned()),
            (Some(port), Some(line)) if port != line.port => Err(format!(
                "clientPort={port} contradicts the client port {} of line server.{id}",
                line.port
            )),
            (Some(port), _) => {
                Ok(Some(Endpoint { host: host.unwrap_or("0.0.0.0").to_owned(), port }))
            }
            (None, Some(line)) => Ok(Some(line.clone())),
            (None, None) if host.is_some() => {
                Err("clientPortAddress is set, but clientPort is not".to_owned())
            }
            (None, None) if self.values.contains_key("secureClientPort") => Ok(None),
            (None, None) => Err("clientPort is not set; for example clientPort=2181".to_owned()),
        }
    }
}

/// No two listeners of the file may share an endpoint, nor may this server's client port be one.
fn check_ports(config: &Config) -> Result<(), String> {
    let mut seen: BTreeMap<Endpoint, String> = BTreeMap::new();
    let mut claim =
        |endpoint: &Endpoint, user: String| match seen.insert(endpoint.clone(), user.clone()) {
            Some(other) => Err(format!("{endpoint} is used twice: {other} and {user}")),
            None => Ok(()),
        };
    for (id, server) in &config.servers {
        claim(&server.quorum, format!("quorum port of server.{id}"))?;
        claim(&server.election, format!("election port of server.{id}"))?;
    }
    let own = config.servers.get(&config.id).map(|server| server.quorum.host.clone());
    let secure = config.secure_client.as_ref().map(|(endpoint, _)| endpoint);
    let clients = [(config.client_address.as_ref(), "clientPort"), (secure, "secureClientPort")];
    for (client, user) in clients {
        let Some(client) = client else { continue };
        for host in own.iter().chain([&client.host]) {
            let endpoint = Endpoint { host: host.clone(), port: client.port };
            if let Some(other) = seen.get(&endpoint) {
                return Err(format!("{endpoint} is used twice: {other} and {user}"));
            }
        }
        seen.insert(client.clone(), user.to_owned());
    }
    Ok(())
}

pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// An id is 1 to 254, because its eight bits are the upper byte of every session id, and 255 marks
/// nodes with a time to live (`EphemeralType`).
pub(super) fn parse_id(text: &str) -> Result<u64, String> {
    match text.parse::<u8>() {
        Ok(id @ 1..=254) => Ok(u64::from(id)),
        Ok(_) | Err(_) => Err(format!("\"{}\" is not a server id (1 to 254)", text.escape_debug())),
    }
}

/// `host:quorumPort:electionPort[:participant|:observer][;[clientHost:]clientPort]`
fn parse_server(text: &str) -> Result<ServerAddress, String> {
    const FORM: &str =
        "expected host:quorumPort:electionPort[:participant or :observer][;clientPort]";
    let (server, client) = match text.split_once(';') {
        Some((server, client)) => (server.trim(), Some(client.trim())),
        None => (text.trim(), None),
    };
    let (host, rest) = split_host(server).ok_or(FORM)?;
    let parts: Vec<&str> = rest.split(':').collect();
    let (quorum, election, observes) = match parts.as_slice() {
        [quorum, election] | [quorum, election, "participant"] => (*quorum, *election, false),
        [quorum, election, "observer"] => (*quorum, *election, true),
        _ => return Err(FORM.to_owned()),
    };
    let endpoint =
        |port| Ok::<_, String>(Endpoint { host: host.to_owned(), port: parse_port(port)? });
    let client = client.map(parse_client).transpose()?;
    let (quorum, election) = (endpoint(quorum)?, endpoint(election)?);
    Ok(ServerAddress { quorum, election, client, observes })
}

/// Splits `host:rest` or `[ipv6]:rest`.
fn split_host(text: &str) -> Option<(&str, &str)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            (host, rest.strip_prefix(':')?)
        }
        None => text.split_once(':')?,
    };
    // What names this server to the others is one line of text for each server.
    let is_name = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control());
    is_name.then_some((host, rest))
}

fn parse_client(text: &str) -> Result<Endpoint, String> {
    let (host, port) = split_host(text).unwrap_or(("0.0.0.0", text));
    Ok(Endpoint { host: host.to_owned(), port: parse_port(port)? })
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        Ok(_) | Err(_) => Err(format!("\"{}\" is not a port (1 to 65535)", text.escape_debug())),
    }
}
