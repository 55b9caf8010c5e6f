//! Which connection a session is on, and which sessions were heard of. A session has one
//! connection at most.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// The connections of all sessions that have one.
#[derive(Debug, Default)]
pub(super) struct Places {
    occupied: Arc<Mutex<Occupied>>,
}

#[derive(Debug, Default)]
struct Occupied {
    by_session: HashMap<i64, Occupant>,
    /// Sessions that were heard of, and whose connections ended before anybody asked; with their
    /// timeouts.
    departed: HashMap<i64, i32>,
    /// Numbers the occupants, so that one that was replaced does not remove its successor.
    last: u64,
}

#[derive(Debug)]
struct Occupant {
    number: u64,
    timeout_ms: i32,
    /// Something has come from the client since the last [`Places::take_heard`].
    is_heard: Arc<AtomicBool>,
    /// Dropped to end the connection.
    _stay: oneshot::Sender<()>,
    /// Ends when the connection has.
    gone: oneshot::Receiver<()>,
}

impl Places {
    /// Takes a session's place. The connection that had it is ended, and has submitted its last
    /// request when this returns. The receiver ends when the place is taken in turn.
    pub(super) async fn enter(
        &self,
        session: i64,
        timeout_ms: i32,
    ) -> (Place, oneshot::Receiver<()>) {
        let (stay, kicked) = oneshot::channel();
        let (here, gone) = oneshot::channel();
        let is_heard = Arc::new(AtomicBool::new(true));
        let (place, before) = {
            let mut occupied = self.occupied();
            occupied.last += 1;
            let number = occupied.last;
            let occupant =
                Occupant { number, timeout_ms, is_heard: Arc::clone(&is_heard), _stay: stay, gone };
            let before = occupied.by_session.insert(session, occupant);
            let occupied = Arc::clone(&self.occupied);
            (Place { session, number, is_heard, occupied, _here: here }, before)
        };
        if let Some(Occupant { _stay: stay, gone, .. }) = before {
            drop(stay);
            // It ends by being dropped, never with a value.
            let _ = gone.await;
        }
        (place, kicked)
    }

    /// The session is over: its connection, if it has one, ends.
    pub(super) fn end(&self, session: i64) {
        self.occupied().by_session.remove(&session);
    }

    /// The sessions that were heard of since this was last asked, and their timeouts. Those that
    /// are more than `max` are told the next time.
    pub(super) fn take_heard(&self, max: usize) -> Vec<(i64, i32)> {
        let mut occupied = self.occupied();
        let mut heard: Vec<(i64, i32)> = Vec::new();
        for (session, occupant) in &occupied.by_session {
            if heard.len() < max && occupant.is_heard.swap(false, Ordering::Relaxed) {
                heard.push((*session, occupant.timeout_ms));
            }
        }
        let left: Vec<i64> = occupied.departed.keys().copied().take(max - heard.len()).collect();
        for session in left {
            heard.extend(occupied.departed.remove_entry(&session));
        }
        heard
    }

    fn occupied(&self) -> MutexGuard<'_, Occupied> {
        self.occupied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's hold on its session, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    session: i64,
    number: u64,
    is_heard: Arc<AtomicBool>,
    occupied: Arc<Mutex<Occupied>>,
    _here: oneshot::Sender<()>,
}

impl Place {
    /// Something came from the client.
    pub(super) fn hear(&self) {
        // Most often it is set already, and then no other processor is told.
        if !self.is_heard.load(Ordering::Relaxed) {
            self.is_heard.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut occupied = self.occupied.lock().unwrap_or_else(PoisonError::into_inner);
        if occupied.by_session.get(&self.session).is_some_and(|one| one.number == self.number)
            && let Some(left) = occupied.by_session.remove(&self.session)
            && self.is_heard.load(Ordering::Relaxed)
        {
            occupied.departed.insert(self.session, left.timeout_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newcomer_waits_until_the_one_before_is_gone() {
        let places = Places::default();
        let (first, kicked) = places.enter(7, 1000).await;
        let leave = async {
            assert!(kicked.await.is_err());
            drop(first);
        };
        let ((_second, _kicked), ()) = tokio::join!(places.enter(7, 1000), leave);
        assert_eq!(places.occupied.lock().unwrap().by_session.len(), 1);
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_connection_ends() {
        let places = Places::default();
        let (place, _kicked) = places.enter(7, 1000).await;
        drop(place);
        assert!(places.occupied.lock().unwrap().by_session.is_empty());
    }

    #[tokio::test]
    async fn a_session_is_heard_of_once_for_each_time_it_is_asked() {
        let places = Places::default();
        let (one, _kicked) = places.enter(7, 1000).await;
        let (other, _also) = places.enter(8, 2000).await;
        let sorted = |max| {
            let mut heard = places.take_heard(max);
            heard.sort_unstable();
            heard
        };
        assert_eq!(sorted(9), [(7, 1000), (8, 2000)], "who enters was heard of");
        assert_eq!(sorted(9), []);
        one.hear();
        other.hear();
        drop(other);
        assert_eq!(sorted(1), [(7, 1000)]);
        assert_eq!(sorted(9), [(8, 2000)], "it has left and was heard of before");
        assert_eq!(sorted(9), []);
    }

    #[tokio::test]
    async fn the_connection_of_a_session_that_is_over_ends() {
        let places = Places::default();
        let (_place, kicked) = places.enter(7, 1000).await;
        places.end(7);
        assert!(kicked.await.is_err());
    }
}
