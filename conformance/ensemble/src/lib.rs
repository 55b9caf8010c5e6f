//! Real servers as processes, and the recording of their runs.
//!
//! [`Recording::run`] takes an ensemble through a [`Scenario`]: it starts the servers of a
//! [`Target`] behind a [`Relay`] that can cut and heal links, lets clients write, kills and freezes
//! servers, and leaves the trace of the run in a folder.
//!
//! A [`Target`] is a server implementation: [`ZabServer`] is the one of this project, and
//! [`CommandServer`] is anybody's, started by a command. Nothing else here knows which one it runs,
//! and nothing here prints.
//!
//! [`WireRecording::run`] does the same with servers that write no traces, such as Apache's
//! ([`ApacheServer`]): a [`Recorder`] writes down every byte between them, and acts on packets.
//!
//! The parts may be used on their own: [`ReservedPorts`], [`Process`], [`Relay`], [`Recorder`], and
//! [`ClientRelay`], which writes the history of a client.

#[cfg(test)]
mod alone;
mod client;
mod client_relay;
mod command;
mod ensemble;
mod error;
mod harness;
mod life;
mod order;
mod ports;
mod process;
mod record;
mod recorder;
mod relay;
mod scenario;
mod seen;
mod story;
mod target;
mod wire;
mod zab_server;

pub use client::ClientError;
pub use client_relay::ClientRelay;
pub use command::{CommandError, CommandServer, PLACEHOLDERS};
pub use error::RecordError;
pub use ports::ReservedPorts;
pub use process::{Launch, Process, ProcessError};
pub use record::{Recorded, Recording, left_a_run};
pub use recorder::{Passed, Passing, Reaction, Recorder, Watched, Who};
pub use relay::tap::Flow;
pub use relay::{Endpoint, JoinedConnection, Link, Relay};
pub use scenario::{SCENARIOS, Scenario};
pub use target::{Life, Setup, Target};
pub use wire::{
    ApacheError, ApacheServer, Cost, Mixed, UNDISTURBED, WIRE_SCENARIOS, WireRecorded,
    WireRecording, WireScenario,
};
pub use zab_server::{BinaryError, Untraced, ZabServer};
