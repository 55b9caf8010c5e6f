//! What an operator can ask over HTTP: ZooKeeper's commands as JSON (`AdminServer`), and numbers in
//! the form of Prometheus (`PrometheusMetricsProvider`).
//!
//! Both answer GET only, ask nobody who they are, and change nothing but counters. There is no such
//! port unless the configuration asks for one: ZooKeeper opens 8080 by itself. As there, a port
//! that cannot be had is told, and the server goes on without it.
//!
//! Whoever connects gets one answer within 5 s. Of those who are about to, a few have a place, and
//! one more gets the place of the oldest; two answers at most are in memory.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::client::Service;
use crate::config::{Config, Endpoint};
use crate::unknown_peers;

mod commands;
mod http;
mod metrics;

/// Most connections at a time, on each port.
const PLACES: usize = 16;

/// Most answers in memory at a time, on each port: those about all watches or sessions are long.
const ANSWERS: usize = 2;

/// Opens the ports that the configuration asks for.
pub(crate) async fn start(config: &Config, service: &Arc<Service>) {
    if let Some(admin) = &config.admin {
        let (base, service) = (admin.command_url.clone(), Arc::clone(service));
        let answer = move |path: &str| commands::answer(path, &base, &service);
        let _ = open(config, "the admin port", &admin.endpoint, answer).await;
    }
    if let Some(endpoint) = &config.metrics {
        let service = Arc::clone(service);
        let answer = move |path: &str| (path == "/metrics").then(|| metrics::answer(&service));
        let _ = open(config, "the metrics port", endpoint, answer).await;
    }
}

/// Where it listens; `None`: the port cannot be had, which has been said.
async fn open(
    config: &Config,
    what: &str,
    endpoint: &Endpoint,
    answer: impl Fn(&str) -> Option<http::Page> + Send + Sync + 'static,
) -> Option<SocketAddr> {
    let listener = TcpListener::bind((endpoint.host.as_str(), endpoint.port)).await;
    let bound = listener.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener): (SocketAddr, TcpListener) = match bound {
        Ok(bound) => bound,
        Err(error) => {
            tracing::warn!("zab-server {}: {what} {endpoint} is not served: {error}", config.id);
            return None;
        }
    };
    tracing::info!("zab-server {}: {what} is {address}", config.id);
    let (answer, room) = (Arc::new(answer), Arc::new(Semaphore::new(ANSWERS)));
    tokio::spawn(unknown_peers::receive(listener, PLACES, move |socket| {
        http::serve(socket.stream, Arc::clone(&answer), Arc::clone(&room))
    }));
    Some(address)
}

#[cfg(test)]
mod tests;
