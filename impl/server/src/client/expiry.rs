//! At the leader: when each session expires. Source: `SessionTrackerImpl`, `ExpiryQueue`.
//!
//! Only the leader decides that a session has expired, and the decision is a transaction like any
//! other; what is kept here ends with its leadership. A new leader gives every session its whole
//! timeout again.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::mutant::Mutant;

/// When each session expires.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    by_session: HashMap<i64, Instant>,
    by_time: BTreeSet<(Instant, i64)>,
}

impl Expiry {
    /// A session begins.
    pub(super) fn track(&mut self, session: i64, timeout_ms: i32, now: Instant) {
        self.forget(session);
        let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
        let at = now + if Mutant::ExpiresEarly.is_on() { timeout / 5 } else { timeout };
        self.by_session.insert(session, at);
        self.by_time.insert((at, session));
    }

    /// Its client was heard of. One that has expired, or never began, stays so.
    pub(super) fn touch(&mut self, session: i64, timeout_ms: i32, now: Instant) {
        if self.by_session.contains_key(&session) {
            self.track(session, timeout_ms, now);
        }
    }

    /// A session ended.
    pub(super) fn forget(&mut self, session: i64) {
        if let Some(at) = self.by_session.remove(&session) {
            self.by_time.remove(&(at, session));
        }
    }

    /// Takes out the sessions that have expired, those first that did so first; at most `max`.
    pub(super) fn take_expired(&mut self, now: Instant, max: usize) -> Vec<i64> {
        let max = if Mutant::NeverExpires.is_on() { 0 } else { max };
        let due = self.by_time.iter().take_while(|(at, _)| *at <= now).take(max);
        let expired: Vec<i64> = due.map(|(_, session)| *session).collect();
        for session in &expired {
            self.forget(*session);
        }
        expired
    }

    /// Every session and when it expires, the first one first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Instant, i64)> {
        self.by_time.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_expires_once_and_when_it_was_silent_for_its_timeout() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut expiry = Expiry::default();
        expiry.track(1, 1000, start);
        expiry.track(2, 2000, start);
        assert!(expiry.take_expired(at(999), 9).is_empty());
        expiry.touch(1, 1000, at(999));
        assert_eq!(expiry.take_expired(at(1998), 9), [0_i64; 0]);
        assert_eq!(expiry.take_expired(at(2000), 9), [1, 2]);
        assert!(expiry.take_expired(at(9000), 9).is_empty());
        expiry.touch(1, 1000, at(9000));
        assert!(expiry.take_expired(at(99_000), 9).is_empty(), "what expired is not touched");
    }

    #[test]
    fn those_that_expired_first_are_taken_first() {
        let start = Instant::now();
        let mut expiry = Expiry::default();
        for session in 1..=5 {
            expiry.track(session, 100 * (6 - i32::try_from(session).unwrap()), start);
        }
        expiry.forget(4);
        let later = start + Duration::from_secs(1);
        assert_eq!(expiry.take_expired(later, 3), [5, 3, 2]);
        assert_eq!(expiry.take_expired(later, 3), [1]);
        assert_eq!(expiry.iter().count(), 0);
    }
}
