//! How many bytes of clients may be in memory at one time, over all connections. Who would go
//! beyond waits: its connection is not read until others have been answered.

use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Frames up to this length are small: they are read without asking, and have room of their own,
/// so that those who write little do not wait for those who write much.
pub(crate) const SMALL_MAX: usize = 16 * 1024;

/// What a request takes besides its bytes, about.
const REQUEST_OVERHEAD: usize = 256;

/// How many bytes there may be of each kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Of frames that are not small and have not arrived whole; at least one frame.
    pub(crate) unfinished: usize,
    /// Of requests that are not small and are not answered; at least one request.
    pub(crate) large: usize,
    /// Of small requests that are not answered.
    pub(crate) small: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { unfinished: 16 << 20, large: 32 << 20, small: 16 << 20 }
    }
}

/// The room for the bytes of clients.
#[derive(Debug)]
pub(crate) struct Budget {
    unfinished: Arc<Semaphore>,
    unfinished_max: usize,
    large: Arc<Semaphore>,
    small: Arc<Semaphore>,
}

/// Room that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Of requests that are answered before anything else is read: their bytes are those that were
    /// read already.
    pub(crate) const UNNEEDED: Self = Self { _permit: None };
}

impl Budget {
    pub(crate) fn new(sizes: Sizes) -> Self {
        let pool = |bytes| Arc::new(Semaphore::new(bytes));
        Self {
            unfinished: pool(sizes.unfinished),
            unfinished_max: sizes.unfinished,
            large: pool(sizes.large),
            small: pool(sizes.small),
        }
    }

    /// Whether others may wait for the room that unfinished frames take.
    pub(crate) fn is_short(&self) -> bool {
        self.unfinished.available_permits() < self.unfinished_max / 2
    }

    /// Where a frame of this length has its room while it arrives.
    fn arriving(&self, length: usize) -> (&Arc<Semaphore>, usize) {
        (&self.unfinished, length)
    }

    /// Where a request of this length has its room until it is answered.
    fn unanswered(&self, length: usize) -> (&Arc<Semaphore>, usize) {
        let pool = if length <= SMALL_MAX { &self.small } else { &self.large };
        (pool, length + REQUEST_OVERHEAD)
    }
}

/// What a connection waits for.
type Asking = Pin<Box<dyn Future<Output = Room> + Send>>;

/// One connection's wish for room: it keeps its place in the queue while other things happen.
#[derive(Default)]
pub(super) struct Wish {
    asking: Option<Asking>,
    granted: Option<Room>,
}

impl Wish {
    /// Room for a frame of this length while it arrives; `None`: wait for [`Self::granted`].
    pub(super) fn arriving(&mut self, budget: &Budget, length: usize) -> Option<Room> {
        self.get(budget.arriving(length))
    }

    /// Room for a request of this length until it is answered; `None`: wait for
    /// [`Self::granted`].
    pub(super) fn unanswered(&mut self, budget: &Budget, length: usize) -> Option<Room> {
        self.get(budget.unanswered(length))
    }

    fn get(&mut self, (pool, bytes): (&Arc<Semaphore>, usize)) -> Option<Room> {
        if self.asking.is_some() {
            return None;
        }
        if let Some(room) = self.granted.take() {
            return Some(room);
        }
        // No frame is that long.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let pool = Arc::clone(pool);
        if let Ok(permit) = Arc::clone(&pool).try_acquire_many_owned(bytes) {
            return Some(Room { _permit: Some(permit) });
        }
        self.asking = Some(Box::pin(async move {
            // A pool is never closed.
            Room { _permit: pool.acquire_many_owned(bytes).await.ok() }
        }));
        None
    }

    /// Whether nothing is asked for, and nothing is granted that was not taken.
    pub(super) fn is_idle(&self) -> bool {
        self.asking.is_none() && self.granted.is_none()
    }

    /// Whether there is something to wait for.
    pub(super) fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Waits until there is room, which the next call gives; for ever if nothing was asked for.
    /// May be dropped while it waits.
    pub(super) async fn granted(&mut self) {
        match &mut self.asking {
            Some(asking) => {
                let room = asking.await;
                self.asking = None;
                self.granted = Some(room);
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asks_for_too_much_waits_in_turn() {
        let sizes = Sizes { unfinished: 1, large: 100_000, small: 1000 };
        let budget = Budget::new(sizes);
        let [mut first, mut second, mut third] = [(); 3].map(|()| Wish::default());
        let taken = first.unanswered(&budget, 90_000);
        assert!(taken.is_some());
        assert!(second.unanswered(&budget, 20_000).is_none() && second.is_asking());
        assert!(third.unanswered(&budget, 20_000).is_none());
        // Those who write little do not wait for them.
        let mut small = Wish::default();
        assert!(small.unanswered(&budget, 10).is_some());
        drop(taken);
        second.granted().await;
        let taken = second.unanswered(&budget, 20_000);
        assert!(taken.is_some() && !second.is_asking());
        third.granted().await;
        assert!(third.unanswered(&budget, 20_000).is_some());
    }

    #[tokio::test]
    async fn a_wish_that_is_given_up_leaves_its_place() {
        let budget = Budget::new(Sizes { unfinished: 10, large: 1, small: 1 });
        let taken = Wish::default().arriving(&budget, 10);
        assert!(taken.is_some() && budget.is_short());
        let mut given_up = Wish::default();
        assert!(given_up.arriving(&budget, 10).is_none());
        let mut next = Wish::default();
        assert!(next.arriving(&budget, 10).is_none());
        drop((given_up, taken));
        next.granted().await;
        let taken = next.arriving(&budget, 10);
        drop(taken);
        assert!(!budget.is_short());
    }
}
