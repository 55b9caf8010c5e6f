//! Which connection a session is on. A session has one at most.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// The connections of all sessions that have one.
#[derive(Debug, Default)]
pub(super) struct Places {
    occupied: Arc<Mutex<Occupied>>,
}

#[derive(Debug, Default)]
struct Occupied {
    by_session: HashMap<i64, Occupant>,
    /// Numbers the occupants, so that one that was replaced does not remove its successor.
    last: u64,
}

#[derive(Debug)]
struct Occupant {
    number: u64,
    /// Dropped to end the connection.
    _stay: oneshot::Sender<()>,
    /// Ends when the connection has.
    gone: oneshot::Receiver<()>,
}

impl Places {
    /// Takes a session's place. The connection that had it is ended, and has submitted its last
    /// request when this returns. The receiver ends when the place is taken in turn.
    pub(super) async fn enter(&self, session: i64) -> (Place, oneshot::Receiver<()>) {
        let (stay, kicked) = oneshot::channel();
        let (here, gone) = oneshot::channel();
        let (place, before) = {
            let mut occupied = self.occupied.lock().unwrap_or_else(PoisonError::into_inner);
            occupied.last += 1;
            let number = occupied.last;
            let occupant = Occupant { number, _stay: stay, gone };
            let before = occupied.by_session.insert(session, occupant);
            let occupied = Arc::clone(&self.occupied);
            (Place { session, number, occupied, _here: here }, before)
        };
        if let Some(Occupant { _stay: stay, gone, .. }) = before {
            drop(stay);
            // It ends by being dropped, never with a value.
            let _ = gone.await;
        }
        (place, kicked)
    }
}

/// A connection's hold on its session, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    session: i64,
    number: u64,
    occupied: Arc<Mutex<Occupied>>,
    _here: oneshot::Sender<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut occupied = self.occupied.lock().unwrap_or_else(PoisonError::into_inner);
        if occupied.by_session.get(&self.session).is_some_and(|one| one.number == self.number) {
            occupied.by_session.remove(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newcomer_waits_until_the_one_before_is_gone() {
        let places = Places::default();
        let (first, kicked) = places.enter(7).await;
        let leave = async {
            assert!(kicked.await.is_err());
            drop(first);
        };
        let ((_second, _kicked), ()) = tokio::join!(places.enter(7), leave);
        assert_eq!(places.occupied.lock().unwrap().by_session.len(), 1);
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_its_connection_ends() {
        let places = Places::default();
        let (place, _kicked) = places.enter(7).await;
        drop(place);
        assert!(places.occupied.lock().unwrap().by_session.is_empty());
    }
}
