//! How much clients may take, and how much they took.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::budget::{Budget, Sizes};
use crate::config::{Config, FourLetterWords};
use crate::descriptors::Shares;

/// What clients may do.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Least session timeout.
    pub(crate) timeout_min: Duration,
    /// Greatest session timeout.
    pub(crate) timeout_max: Duration,
    /// Which four-letter words are answered.
    pub(crate) words: FourLetterWords,
    /// The digest of the administrator's name and password, if there is an administrator.
    pub(crate) super_digest: Option<String>,
    /// Most connections from one address; 0: no limit.
    per_address: usize,
    /// Most connections from all addresses.
    total: usize,
    connected: Arc<Mutex<Connected>>,
    budget: Budget,
}

#[derive(Debug, Default)]
struct Connected {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

impl Limits {
    /// What the configuration allows, and the operating system: unknown peers must not use up the
    /// file descriptors that the quorum needs.
    pub(crate) fn new(config: &Config, shares: Shares, sizes: Sizes) -> Self {
        let asked = usize::try_from(config.connections_max).ok().filter(|max| *max > 0);
        Self {
            timeout_min: config.session_timeout_min,
            timeout_max: config.session_timeout_max,
            words: config.four_letter_words.clone(),
            super_digest: config.super_digest.clone(),
            per_address: usize::try_from(config.client_connections_max).unwrap_or(usize::MAX),
            total: asked.map_or(shares.clients, |asked| asked.min(shares.clients)),
            connected: Arc::default(),
            budget: Budget::new(sizes),
        }
    }

    /// The room for the bytes of all clients.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Lets one more connection in, until the value is dropped; `None` if there are too many.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Admission> {
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        let here = connected.by_address.get(&address).copied().unwrap_or(0);
        let address_full = self.per_address != 0 && here >= self.per_address;
        if address_full || connected.total >= self.total {
            return None;
        }
        connected.total += 1;
        connected.by_address.insert(address, here + 1);
        Some(Admission { address, connected: Arc::clone(&self.connected) })
    }

    /// Connections that are in.
    pub(crate) fn connections(&self) -> usize {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner).total
    }
}

/// A connection's place among those allowed.
#[derive(Debug)]
pub(crate) struct Admission {
    address: IpAddr,
    connected: Arc<Mutex<Connected>>,
}

impl Drop for Admission {
    fn drop(&mut self) {
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        connected.total -= 1;
        if let Some(here) = connected.by_address.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                connected.by_address.remove(&self.address);
            }
        }
    }
}

/// Counters of the server, or of one connection.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    /// Frames from clients.
    received: AtomicU64,
    /// Frames to clients.
    sent: AtomicU64,
    /// Requests received and not answered.
    outstanding: AtomicUsize,
    latency_sum_ms: AtomicU64,
    latency_max_ms: AtomicU64,
    /// One more than the least; 0: nothing was answered yet.
    latency_min_ms_plus_1: AtomicU64,
}

/// What the counters stand at.
#[derive(Debug, PartialEq)]
pub(crate) struct StatsNow {
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) outstanding: usize,
    /// Milliseconds, of the requests that were answered.
    pub(crate) latency_min_ms: u64,
    /// Milliseconds.
    pub(crate) latency_avg_ms: f64,
    /// Milliseconds.
    pub(crate) latency_max_ms: u64,
}

/// What one connection has done and not told yet: many requests cost one look at the counters, which
/// all connections share.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    received: usize,
    sent: usize,
    latency_sum_ms: u64,
    latency_max_ms: u64,
    /// Of the answers, if there are any.
    latency_min_ms: u64,
}

impl Tally {
    /// A request came.
    pub(crate) fn request(&mut self) {
        self.received += 1;
    }

    /// An answer goes out, this long after its request came.
    pub(crate) fn reply(&mut self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        let least = if self.sent == 0 { millis } else { self.latency_min_ms };
        self.latency_min_ms = least.min(millis);
        self.latency_max_ms = self.latency_max_ms.max(millis);
        self.latency_sum_ms = self.latency_sum_ms.saturating_add(millis);
        self.sent += 1;
    }

    /// Whether there is nothing to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.received == 0 && self.sent == 0
    }
}

impl Stats {
    /// What a connection has done.
    pub(crate) fn add(&self, tally: &Tally) {
        let Tally { received, sent, latency_sum_ms, latency_max_ms, latency_min_ms } = *tally;
        self.received.fetch_add(received as u64, Ordering::Relaxed);
        self.outstanding.fetch_add(received, Ordering::Relaxed);
        if sent == 0 {
            return;
        }
        self.outstanding.fetch_sub(sent, Ordering::Relaxed);
        self.sent.fetch_add(sent as u64, Ordering::Relaxed);
        self.latency_sum_ms.fetch_add(latency_sum_ms, Ordering::Relaxed);
        self.latency_max_ms.fetch_max(latency_max_ms, Ordering::Relaxed);
        let least = |now| {
            (now == 0 || latency_min_ms < now - 1).then_some(latency_min_ms.saturating_add(1))
        };
        // An unchanged minimum is no failure.
        let _ =
            self.latency_min_ms_plus_1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, least);
    }

    /// The connection of so many requests that are not answered has ended.
    pub(crate) fn given_up(&self, requests: usize) {
        self.outstanding.fetch_sub(requests, Ordering::Relaxed);
    }

    /// Counts from 0 again; requests that wait for their answers still do.
    pub(crate) fn reset(&self) {
        self.received.store(0, Ordering::Relaxed);
        self.sent.store(0, Ordering::Relaxed);
        self.latency_sum_ms.store(0, Ordering::Relaxed);
        self.latency_max_ms.store(0, Ordering::Relaxed);
        self.latency_min_ms_plus_1.store(0, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> StatsNow {
        let sent = self.sent.load(Ordering::Relaxed);
        let sum = self.latency_sum_ms.load(Ordering::Relaxed);
        // Both are far below 2^52, where numbers of this type are exact.
        #[expect(clippy::cast_precision_loss, reason = "an average for display")]
        let latency_avg_ms = if sent == 0 { 0.0 } else { sum as f64 / sent as f64 };
        StatsNow {
            received: self.received.load(Ordering::Relaxed),
            sent,
            outstanding: self.outstanding.load(Ordering::Relaxed),
            latency_min_ms: self.latency_min_ms_plus_1.load(Ordering::Relaxed).saturating_sub(1),
            latency_avg_ms,
            latency_max_ms: self.latency_max_ms.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn limits(per_address: usize) -> Limits {
        Limits {
            timeout_min: Duration::from_secs(1),
            timeout_max: Duration::from_secs(2),
            words: FourLetterWords::All,
            super_digest: None,
            per_address,
            total: 100,
            connected: Arc::default(),
            budget: Budget::new(Sizes::default()),
        }
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let limits = limits(1);
        let [a, b] = [1, 2].map(|last| IpAddr::from(Ipv4Addr::new(10, 0, 0, last)));
        let first = limits.admit(a).unwrap();
        assert!(limits.admit(a).is_none());
        let second = limits.admit(b).unwrap();
        assert_eq!(limits.connections(), 2);
        drop(first);
        assert!(limits.admit(a).is_some());
        drop(second);
        assert_eq!(limits.connections(), 0);
    }

    #[test]
    fn zero_is_no_limit_for_an_address() {
        let limits = limits(0);
        let address = IpAddr::from(Ipv4Addr::LOCALHOST);
        let admitted: Vec<_> = (0..200).map_while(|_| limits.admit(address)).collect();
        assert_eq!(admitted.len(), 100, "the share of all clients is one");
    }

    #[test]
    fn latencies_are_summed_up() {
        let stats = Stats::default();
        for some in [&[4, 2][..], &[6], &[]] {
            let mut tally = Tally::default();
            assert!(tally.is_empty());
            // One more than is answered.
            tally.request();
            for millis in some {
                tally.request();
                tally.reply(Duration::from_millis(*millis));
            }
            assert!(!tally.is_empty());
            stats.add(&tally);
        }
        let now = stats.now();
        assert_eq!((now.received, now.sent, now.outstanding), (6, 3, 3));
        assert_eq!((now.latency_min_ms, now.latency_max_ms), (2, 6));
        assert!((now.latency_avg_ms - 4.0).abs() < 1e-9);
        stats.given_up(3);
        assert_eq!(stats.now().outstanding, 0);
    }
}
