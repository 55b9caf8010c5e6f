//! What stands around real server processes while their run is recorded: the [`Relay`] between
//! them, which can cut and heal links and knows which connections it joined, the [`Process`]es
//! themselves, and [`ReservedPorts`] (or one [`ReservedAddress`]) for their addresses.
//!
//! Nothing here prints, and nothing here knows which server implementation it runs.

mod ports;
mod process;
mod relay;

pub use ports::{ReservedAddress, ReservedPorts};
pub use process::{Launch, Process, ProcessError};
pub use relay::{JoinedConnection, Link, Relay, Target};
