//! Words about the server as a whole.

use std::fmt::Write as _;
use std::path::Path;

use super::VERSION;
use crate::client::{Mode, Service};
use crate::config::{Config, Endpoint};
use crate::descriptors;

/// The name of a mode.
pub(crate) fn shown(mode: Mode) -> &'static str {
    match mode {
        Mode::Leader => "leader",
        Mode::Follower => "follower",
        Mode::Observer => "observer",
        Mode::Standalone => "standalone",
    }
}

pub(super) fn srvr(service: &Service, mode: Mode) -> String {
    let mut text = format!("Zookeeper version: {VERSION}\n");
    text.push_str(&summary(service, mode));
    text
}

/// As `srvr`, and the connections.
pub(super) fn stat(service: &Service, mode: Mode) -> String {
    let mut text = format!("Zookeeper version: {VERSION}\nClients:\n");
    for entry in service.roster().all() {
        let (stats, session) = (entry.stats.now(), entry.now().session);
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            text,
            " /{}[{}](queued={},recved={},sent={})",
            entry.address,
            u8::from(session != 0),
            stats.outstanding,
            stats.received,
            stats.sent
        );
    }
    text.push('\n');
    text.push_str(&summary(service, mode));
    text
}

fn summary(service: &Service, mode: Mode) -> String {
    let stats = service.stats().now();
    let (zxid, nodes) = service.read(|tree| (tree.last_zxid(), tree.node_count()));
    format!(
        "Latency min/avg/max: {}/{:.4}/{}\nReceived: {}\nSent: {}\nConnections: {}\n\
         Outstanding: {}\nZxid: 0x{zxid:x}\nMode: {}\nNode count: {nodes}\n",
        stats.latency_min_ms,
        stats.latency_avg_ms,
        stats.latency_max_ms,
        stats.received,
        stats.sent,
        service.limits().connections(),
        stats.outstanding,
        shown(mode),
    )
}

/// A name and a number in each line, for programs that watch servers.
pub(super) fn mntr(service: &Service, mode: Mode) -> String {
    let lines = numbers(service, mode).into_iter();
    lines.map(|(name, value)| format!("zk_{name}\t{value}\n")).collect()
}

/// Names, without `zk_` before them, and what they stand at: the names of ZooKeeper.
pub(crate) fn numbers(service: &Service, mode: Mode) -> Vec<(&'static str, String)> {
    let stats = service.stats().now();
    let (nodes, bytes, sessions, ephemerals) = service.read(|tree| {
        let ephemerals: usize = tree.ephemerals().map(|(_, paths)| paths.count()).sum();
        (tree.node_count(), tree.data_bytes(), tree.session_count(), ephemerals)
    });
    let (open, most) = descriptors::in_use();
    let mut lines: Vec<(&'static str, String)> = vec![
        ("version", VERSION.to_owned()),
        ("server_state", shown(mode).to_owned()),
        ("ephemerals_count", ephemerals.to_string()),
        ("num_alive_connections", service.limits().connections().to_string()),
        ("avg_latency", format!("{:.4}", stats.latency_avg_ms)),
        ("outstanding_requests", stats.outstanding.to_string()),
        ("znode_count", nodes.to_string()),
        ("global_sessions", sessions.to_string()),
        ("local_sessions", "0".to_owned()),
        ("packets_sent", stats.sent.to_string()),
        ("packets_received", stats.received.to_string()),
        ("watch_count", service.watches().count().watches.to_string()),
        ("min_latency", stats.latency_min_ms.to_string()),
        ("max_latency", stats.latency_max_ms.to_string()),
        ("max_file_descriptor_count", most.to_string()),
        ("open_file_descriptor_count", open.to_string()),
        ("approximate_data_size", bytes.to_string()),
        ("digest_mismatches_count", service.digests().mismatches().to_string()),
        ("uptime", service.uptime().as_millis().to_string()),
    ];
    if mode == Mode::Leader {
        let learners = service.learners();
        lines.push(("quorum_size", service.config().voters().len().to_string()));
        lines.push(("learners", learners.connected.to_string()));
        lines.push(("synced_followers", learners.followers.to_string()));
        lines.push(("synced_observers", learners.observers.to_string()));
    }
    lines
}

/// The configuration that is in force.
pub(super) fn conf(service: &Service) -> String {
    let config = service.config();
    let (data, log) = sizes(config);
    let port = |at: Option<&Endpoint>| at.map_or(-1, |at| i32::from(at.port));
    let mut text = format!(
        "clientPort={}\nsecureClientPort={}\ndataDir={}\ndataDirSize={data}\ndataLogDir={}\n\
         dataLogSize={log}\ntickTime={}\nmaxClientCnxns={}\nminSessionTimeout={}\n\
         maxSessionTimeout={}\nclientPortListenBacklog=-1\nserverId={}\n",
        port(config.client_address.as_ref()),
        port(config.secure_client.as_ref().map(|(at, _)| at)),
        config.data_dir.join("version-2").display(),
        config.data_log_dir.join("version-2").display(),
        config.tick.as_millis(),
        config.client_connections_max,
        config.session_timeout_min.as_millis(),
        config.session_timeout_max.as_millis(),
        config.id,
    );
    if let Some(own) = config.servers.get(&config.id) {
        let _ = writeln!(
            text,
            "initLimit={}\nsyncLimit={}\nelectionAlg=3\nelectionPort={}\nquorumPort={}\n\
             peerType={}\nmembership: \n{}",
            config.init_limit,
            config.sync_limit,
            own.election.port,
            own.quorum.port,
            u8::from(own.observes),
            config.quorum_text(),
        );
    }
    text
}

/// Zxids, and the digest of the tree after each (`DigestCommand`).
pub(super) fn hash(service: &Service) -> String {
    let kept = service.digests().kept();
    kept.into_iter().map(|(zxid, digest)| format!("{zxid:x}: {digest}\n")).collect()
}

/// How many bytes the data directories hold.
pub(super) fn dirs(service: &Service) -> String {
    let (data, log) = sizes(service.config());
    format!("datadir_size: {data}\nlogdir_size: {log}\n")
}

pub(crate) fn sizes(config: &Config) -> (u64, u64) {
    let size = |directory: &Path| {
        let Ok(entries) = std::fs::read_dir(directory.join("version-2")) else { return 0 };
        entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
    };
    (size(&config.data_dir), size(&config.data_log_dir))
}

/// Where the server runs. The first line is what clients look for.
pub(super) fn envi() -> String {
    let pairs = environment().into_iter();
    let lines = pairs.map(|(name, value)| format!("{name}={value}\n"));
    format!("Environment:\n{}", lines.collect::<String>())
}

/// Names and values of [`envi`].
pub(crate) fn environment() -> Vec<(&'static str, String)> {
    let directory = std::env::current_dir().unwrap_or_default();
    let system = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    vec![
        ("zookeeper.version", VERSION.to_owned()),
        ("host.name", text(system.nodename())),
        ("os.name", text(system.sysname())),
        ("os.arch", text(system.machine())),
        ("os.version", text(system.release())),
        ("user.dir", directory.display().to_string()),
    ]
}
