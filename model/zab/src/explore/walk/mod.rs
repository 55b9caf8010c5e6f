//! Random runs of the rules at the finest grain, for any number of servers and any length.
//!
//! An exploration says "for every behaviour within small bounds"; a random run says nothing of the
//! kind, but it is long, and it has more servers. It keeps what an exploration cannot afford:
//! which message of which connection each step consumed and produced, so that a run can be told
//! as a trace, or be stepped again ([`Run::entries`] hold every [`Step`]).

mod dice;
mod network;
mod walker;

use crate::config::Config;
use crate::outbox::Effect;
use crate::server::Projection;
use crate::shape::Shape;
use crate::step::Step;
use crate::types::ServerId;

/// What a random run may do. Counts are totals over the run.
#[derive(Clone, Copy, Debug)]
pub struct Plan<S: Shape> {
    /// Voting members.
    pub servers: u8,
    /// The leader's window, in transactions.
    pub window: usize,
    /// Steps of servers after which the run ends.
    pub steps: usize,
    /// Client requests.
    pub requests: u32,
    /// Crashes; a crashed server starts again sooner or later.
    pub crashes: u32,
    /// Times that a server leaves its role although nothing it needs has failed.
    pub timeouts: u32,
    /// Quorum connections that break although both ends live.
    pub disconnects: u32,
    /// The payload of a request, by its number from 1.
    pub payload: fn(u32) -> S::Payload,
}

/// What happened in a random run.
#[derive(Debug)]
pub struct Run<S: Shape> {
    /// What it came from: the same seed and plan give the same run.
    pub seed: u64,
    /// The ensemble, and the storage of its histories.
    pub config: Config<S>,
    /// Every connection there was; entries name them by their place in this list.
    pub connections: Vec<Connection>,
    /// Every step of every server, in one global order.
    pub entries: Vec<Entry<S>>,
}

/// Which port of a server a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// Notifications; dialled by the server with the greater id.
    Election,
    /// All other messages; dialled by the learner.
    Quorum,
}

/// A connection between two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// The port it leads to.
    pub port: Port,
    /// Who opened it.
    pub dialler: ServerId,
    /// Who accepted it.
    pub acceptor: ServerId,
}

/// A message's identity: the connection, and its number there, counted from 0 for each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The connection's place in [`Run::connections`].
    pub connection: usize,
    /// How many messages its sender had sent on it before.
    pub ordinal: u32,
}

/// One step of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<S: Shape> {
    /// Whose step it is.
    pub server: ServerId,
    /// How often its process had started, from 1; for [`Step::Start`] this start included.
    pub incarnation: u32,
    /// What happened to it.
    pub step: Step<S>,
    /// The connection that [`Step::Connected`], [`Step::Disconnected`] or [`Step::Receive`] is
    /// about.
    pub connection: Option<usize>,
    /// For [`Step::Receive`]: which message it was.
    pub consumed: Option<Place>,
    /// What the step did, in order.
    pub effects: Vec<Effect<S>>,
    /// For each [`Effect::Sent`], in order: which message it became; `None` when there was no
    /// connection to send it on. A message that was sent may still be lost.
    pub sent: Vec<Option<Place>>,
    /// The connections whose end at this server the step closed, in order.
    pub closed: Vec<usize>,
    /// The server after the step.
    pub after: Projection<S::Num>,
}

/// A random run. `None` when the shape has no room for so many servers.
#[must_use]
pub fn random_walk<S: Shape>(seed: u64, plan: &Plan<S>) -> Option<Run<S>> {
    let config = Config { window: plan.window, ..Config::new(plan.servers)? };
    Some(walker::Walker::new(seed, plan, config).run())
}
