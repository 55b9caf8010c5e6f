//! Connections that have not said who they are, on the ports between servers.
//!
//! Anybody can open one. Their number and their time are limited. When all places are taken, a new
//! one gets the place of the oldest, so a peer that speaks at once, as servers do, is heard however
//! many others say nothing.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::link::Socket;

/// How long an unknown peer may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long accepting rests after it failed, which it does when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections for ever, and lets each introduce itself. Ends all of them when dropped.
pub(crate) async fn receive<F>(listener: TcpListener, places: usize, greet: impl Fn(Socket) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut unknown_peers = UnknownPeers::new(places);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => unknown_peers.admit(greet(Socket::accepted(stream))),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Those who have not introduced themselves yet.
struct UnknownPeers {
    tasks: JoinSet<()>,
    /// In the order in which they came.
    order: VecDeque<AbortHandle>,
    places: usize,
}

impl UnknownPeers {
    fn new(places: usize) -> Self {
        Self { tasks: JoinSet::new(), order: VecDeque::new(), places: places.max(1) }
    }

    /// Gives somebody a place; if there is none, the oldest has to leave.
    fn admit(&mut self, greet: impl Future<Output = ()> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        self.order.retain(|task| !task.is_finished());
        while self.order.len() >= self.places {
            let Some(oldest) = self.order.pop_front() else { break };
            oldest.abort();
        }
        let task = self.tasks.spawn(async move {
            // It has introduced itself, or its time is over: in both cases it gives up its place.
            let _ = tokio::time::timeout(PATIENCE, greet).await;
        });
        self.order.push_back(task);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    #[tokio::test]
    async fn the_oldest_leaves_when_all_places_are_taken() {
        let mut unknown_peers = UnknownPeers::new(2);
        let (said, mut heard) = mpsc::unbounded_channel();
        let mut speak = Vec::new();
        for name in 0..3 {
            let (sender, receiver) = oneshot::channel::<()>();
            let said = said.clone();
            speak.push(sender);
            unknown_peers.admit(async move {
                if receiver.await.is_ok() {
                    said.send(name).unwrap();
                }
            });
        }
        for sender in speak {
            // The first one has gone.
            let _ = sender.send(());
        }
        drop(said);
        let mut all = Vec::new();
        while let Some(name) = heard.recv().await {
            all.push(name);
        }
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
    }

    #[tokio::test]
    async fn whoever_is_done_takes_no_place() {
        let mut unknown_peers = UnknownPeers::new(1);
        for _ in 0..3 {
            let (done, was_done) = oneshot::channel();
            unknown_peers.admit(async move { done.send(()).unwrap() });
            was_done.await.unwrap();
        }
    }
}
