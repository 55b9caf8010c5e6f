//! From a configuration to a server that runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use zab_core::{Peer, Recovered};

use crate::admin;
use crate::client::Service;
use crate::config::{Config, ConfigError, Endpoint};
use crate::descriptors::Shares;
use crate::driver::{Driver, Inbox, Purges, Volatile};
use crate::election_net::ElectionNet;
use crate::error::ServerError;
use crate::link::LinkIds;
use crate::quorum_net::QuorumNet;
use crate::storage::{Recovery, State, Storage};
use crate::tls::{self, Mutual};
use crate::trace::{self, Trace};

/// Most events of one port that wait for the driver; then its connections are not read.
const EVENTS_MAX: usize = 1024;

/// Most bytes of transactions in memory for learners that come back; others are read from the log.
const HELD_BYTES: usize = 16 << 20;

/// Recovers, joins the ensemble and serves clients until `stop` is ready.
///
/// With a directory for traces, everything this process does is written to a file in it before it
/// takes effect. What an operator should know goes to standard error, one line each.
///
/// # Errors
/// What ended the server; see [`ServerError::exit_code`].
pub async fn serve(
    config: Config,
    trace: Option<&Path>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    if let (Some(what), Some(directory)) = (config.untraceable(), trace) {
        let reason = format!("a trace of {what} cannot be checked; start without --trace");
        return Err(ConfigError { path: directory.to_owned(), reason }.into());
    }
    for note in &config.notes {
        tracing::info!("zab-server {}: note: {note}", config.id);
    }
    let (report, log) = mpsc::unbounded_channel();
    let (storage, recovery) =
        Storage::open(&config.data_dir, &config.data_log_dir, config.snap_limits, move |done| {
            // If the driver has ended nobody needs to know.
            let _ = report.send(done);
        })?;
    let Recovery { recovered, snapshot, incarnation, notes } = recovery;
    for note in &notes {
        tracing::warn!("zab-server {}: {note}", config.id);
    }
    let transactions = recovered.transactions.clone();
    let state = State { snapshot, base: recovered.base, transactions };
    let shares = Shares::of_process(config.servers.len());
    let (service, submissions) = Service::new(&config, shares, state.into_tree()?);
    let (peer, effects) = recover(&config, recovered)?;

    let tls = config.quorum_tls.as_ref().map(Mutual::new).transpose()?;
    let ids = LinkIds::default();
    let (election_events, election) = mpsc::channel(EVENTS_MAX);
    let (quorum_events, quorum) = mpsc::channel(EVENTS_MAX);
    let own = config.servers.get(&config.id).cloned();
    let inbox = Inbox { log, election, quorum, submissions };
    let places = shares.unknown_peers;
    let election = ElectionNet::start(&config, tls.clone(), places, ids.clone(), election_events)
        .await
        .map_err(refused("the election port", own.as_ref().map(|own| &own.election)))?;
    let quorum = QuorumNet::new(&config, tls, places, ids, quorum_events)
        .await
        .map_err(refused("the quorum port", own.as_ref().map(|own| &own.quorum)))?;
    let listeners = client_ports(&config).await?;
    let traced = trace.map_or(0, |directory| trace::last_incarnation(directory, config.id));
    let incarnation = incarnation.max(traced.saturating_add(1));
    storage.begin(incarnation)?;
    let trace = match trace {
        Some(directory) => Trace::create(directory, &config, incarnation)?,
        None => Trace::SILENT,
    };
    for (listener, tls) in listeners {
        tokio::spawn(Arc::clone(&service).listen_with(listener, tls));
    }
    admin::start(&config, &service).await;

    let quorum_text = config.quorum_text().into();
    let (purges, state) = (Purges::new(config.purge), Volatile::default());
    let driver = Driver {
        config,
        quorum_text,
        peer,
        trace,
        storage,
        service,
        election,
        quorum,
        purges,
        state,
    };
    driver.run(inbox, effects, stop).await
}

/// How long an elected leader waits for learners to connect, and again for them to accept its
/// epoch: `initLimit`, but not much longer than they take to give up dialling.
const DISCOVERY: Duration = Duration::from_secs(4);

/// How often a server that looks for a leader says so, at least (`fastleader.maxNotificationInterval`).
const NOTIFICATION_MS_MAX: u64 = 60_000;

/// The same of an observer: nobody tells it anything but in answer.
const OBSERVER_ASKS_MS: u64 = 1_000;

/// [`DISCOVERY`] in ticks.
fn discovery_limit(config: &Config) -> u32 {
    let ticks = DISCOVERY.as_millis().div_ceil(config.tick.as_millis());
    u32::try_from(ticks).map_or(config.init_limit, |ticks| ticks.min(config.init_limit))
}

fn recover(
    config: &Config,
    recovered: Recovered,
) -> Result<(Peer, zab_core::Effects), ServerError> {
    let core = zab_core::Config {
        window: config.window,
        held_bytes: HELD_BYTES,
        init_limit: config.init_limit,
        discovery_limit: discovery_limit(config),
        sync_limit: config.sync_limit,
        observers: config.observers(),
        quorums: config.quorums.clone(),
        notification_interval_ms_max: if config.observers().contains(&config.id) {
            OBSERVER_ASKS_MS
        } else {
            NOTIFICATION_MS_MAX
        },
        ..zab_core::Config::new(config.id, config.voters())
    };
    Ok(Peer::recover(core, recovered)?)
}

/// The ports of clients, and what takes connections on those under TLS.
async fn client_ports(
    config: &Config,
) -> Result<Vec<(TcpListener, Option<TlsAcceptor>)>, ServerError> {
    let mut ports = Vec::new();
    if let Some((clients, files)) = &config.secure_client {
        let tls = tls::acceptor(files)?;
        ports.push((listen("the secure client port", clients).await?, Some(tls)));
    }
    if let Some(clients) = &config.client_address {
        ports.push((listen("the client port", clients).await?, None));
    }
    Ok(ports)
}

async fn listen(what: &'static str, at: &Endpoint) -> Result<TcpListener, ServerError> {
    TcpListener::bind((at.host.as_str(), at.port)).await.map_err(refused(what, Some(at)))
}

/// For `map_err`: a port cannot be had. Without an endpoint there is none that could be refused.
fn refused<'a>(
    what: &'static str,
    endpoint: Option<&'a Endpoint>,
) -> impl FnOnce(std::io::Error) -> ServerError + 'a {
    move |source| match endpoint {
        Some(endpoint) => ServerError::Listen { what, endpoint: endpoint.clone(), source },
        None => ServerError::Runtime(source),
    }
}
