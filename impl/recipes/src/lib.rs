//! What ZooKeeper is used for, over a public client crate: locks with fencing tokens, queues,
//! barriers, unique ids, configurations, and failover with fencing.
//!
//! They are those of ZooKeeper's page "Recipes and Solutions" and of Hadoop's
//! `ActiveStandbyElector`, with what a lost connection asks for: after one a client does not know
//! whether its request was done, so every node that a recipe creates has a name of its own, and the
//! client looks for it before it asks again.
//!
//! The tests run every recipe against three servers of this project and of Apache ZooKeeper, kill
//! servers meanwhile, record what the clients saw, and let `zab-history` judge it.
//!
//! The client is `zookeeper-client`: it has every request, sets watches again after a reconnect, and
//! is kept up (0.11.2 is of July 2026).

mod barrier;
mod config;
mod failover;
mod ids;
mod lock;
mod mistake;
mod own;
mod queue;

pub use barrier::Barrier;
pub use config::{Subscriber, publish};
pub use failover::{ACTIVE_LOCK, BREADCRUMB, Controlled, Elector};
pub use ids::next_id;
#[doc(hidden)]
pub use ids::next_id_with_mistake;
pub use lock::{Held, Lock, Mode};
#[doc(hidden)]
pub use mistake::Mistake;
pub use queue::{Consumer, Queue};

/// Why a step of a recipe failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// The client's session has ended: all its ephemeral nodes are gone. Begin anew with a new one.
    #[error("the session has ended")]
    SessionEnded,
    /// The client failed in a way that trying again does not mend.
    #[error("{0}")]
    Client(zookeeper_client::Error),
    /// A node is not as this recipe leaves it.
    #[error("{path}: {what}")]
    Foreign {
        /// Which.
        path: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl From<zookeeper_client::Error> for RecipeError {
    fn from(error: zookeeper_client::Error) -> Self {
        let ended =
            [zookeeper_client::Error::SessionExpired, zookeeper_client::Error::ClientClosed];
        if ended.contains(&error) { Self::SessionEnded } else { Self::Client(error) }
    }
}
