//! The trace format, version 1: what a run of a ZooKeeper-like ensemble did, one event per line.
//!
//! The format is described in `traces/README.md`; this crate is its only implementation here.
//! [`Reader`] streams a file, [`Trace`] holds a whole run, [`Writer`] writes the canonical spelling,
//! and [`lint()`] finds what is wrong with a trace that can be read.
//!
//! ```
//! use zab_trace::{Event, EventKind, Header, Implementation, Reader, Source, Writer};
//!
//! let implementation = Implementation { name: "example".to_owned(), version: "1".to_owned() };
//! let header = Header::new(Source::Hand, implementation, vec![1, 2, 3]);
//! let mut writer = Writer::new(Vec::new(), &header)?;
//! writer.write(&Event::new(1, 1, 0, EventKind::Looking { round: 1 }))?;
//!
//! let bytes = writer.into_inner();
//! let mut reader = Reader::new("example.ndjson", bytes.as_slice())?;
//! let located = reader.next().transpose()?;
//! assert_eq!(located.map(|l| (l.line, l.event.kind)), Some((2, EventKind::Looking { round: 1 })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod digest;
mod error;
mod event;
mod header;
mod lint;
mod message;
mod names;
mod parse;
mod printable;
mod read;
mod state;
mod word;
mod write;
mod zxid;

pub use digest::{DigestError, LogDigest, TxnDigest, fnv1a, txn_digest};
pub use error::{LINE_BYTES_MAX, ReadError, ReadErrorKind};
pub use event::{Event, EventKind, EventName, Packet, Persisted, ROUND_MIN, Round, ServerId};
pub use header::{Contract, Expect, Header, Implementation, Source, VERSION, Verdict};
pub use lint::{About, FINDINGS_MAX, Finding, Lint, LintReport, Severity, lint};
pub use message::{Message, MessageType, Port};
pub use names::{Chain, ConnectionName, ConnectionNameError};
pub use printable::Printable;
pub use read::{
    Located, Pair, Reader, Stream, Trace, TraceFile, files_not_read, joined_names, open_all,
    trace_files,
};
pub use state::{Phase, Recovered, Role, State};
pub use write::Writer;
pub use zxid::{Epoch, Zxid, ZxidError};
