//! Captures of what servers of an ensemble said to each other, and the messages in them.
//!
//! A capture is what a recorder between the servers saw: which connections were opened, every byte
//! in each direction, and how connections ended ([`raw`]). [`decode`] finds the messages of both
//! ports in these bytes, and knows nothing of what the protocol allows. [`properties`] are what must
//! hold of the messages of any release.
//!
//! [`diagnose`] says which releases explain what packets show.
//! [`corrupt`] makes captures wrong, to try the properties on.
//!
//! The order of a capture is the recorder's. A message stands in it after it was sent and before it
//! was received; messages of one connection and direction are in their own order.

mod connection;
pub mod corrupt;
mod decode;
pub mod diagnose;
pub mod error;
mod json;
mod payload;
pub mod properties;
pub mod raw;
mod show;
mod snapshot;

pub use connection::{Broken, Message, Stream};
pub use decode::{Item, Summary, What, decode};
pub use error::CaptureError;
pub use json::json;
pub use payload::Payload;
pub use snapshot::SnapshotBody;
