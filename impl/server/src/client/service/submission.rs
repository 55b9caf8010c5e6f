//! What clients submit to the driver.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use zab_wire::Id;
use zab_wire::quorum::ForwardedRequest;

use super::Serving;

/// Something that a client wants and that needs the leader.
#[derive(Debug)]
pub enum Submission {
    /// A change of the tree, or of the sessions.
    Write {
        /// The data of a REQUEST packet. Its `cxid` is this server's number, not the client's.
        request: ForwardedRequest,
        /// Who the client is: the identities of a REQUEST packet.
        auth: Arc<[Id]>,
    },
    /// Bring this server's tree up to the leader's.
    Sync {
        /// The data of a REQUEST packet.
        request: ForwardedRequest,
        /// Who the client is: the identities of a REQUEST packet.
        auth: Arc<[Id]>,
        /// To be told when that is so, and up to which zxid.
        done: oneshot::Sender<i64>,
    },
    /// A client came back with a session; does it live, and may this server have it?
    Revalidate {
        /// The session.
        session: i64,
        /// Its timeout in milliseconds.
        timeout_ms: i32,
        /// To be told the answer.
        done: oneshot::Sender<bool>,
    },
}

/// What clients submit, in an order that keeps each session's.
#[derive(Debug)]
pub struct Submissions {
    pub(super) queue: mpsc::Receiver<(u64, Submission)>,
    pub(super) serving: watch::Receiver<Option<Serving>>,
}

impl Submissions {
    /// The next submission; those from before the last [`super::Service::stop_serving`] are left out,
    /// since their clients are gone. Waits until there is one. May be dropped while it waits.
    pub async fn next(&mut self) -> Submission {
        loop {
            match self.queue.recv().await {
                Some((generation, submission)) if self.is_current(generation) => return submission,
                Some(_) => {}
                // The service is gone, and nobody can submit any more.
                None => std::future::pending().await,
            }
        }
    }

    /// The next submission if one waits already.
    pub fn try_next(&mut self) -> Option<Submission> {
        loop {
            let (generation, submission) = self.queue.try_recv().ok()?;
            if self.is_current(generation) {
                return Some(submission);
            }
        }
    }

    fn is_current(&self, generation: u64) -> bool {
        self.serving.borrow().is_some_and(|serving| serving.generation == generation)
    }
}
