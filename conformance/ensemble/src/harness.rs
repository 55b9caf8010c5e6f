//! What the recorder itself sees, written as it happens: whatever ends the recorder, the files
//! hold everything up to that moment.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use zab_trace::{Chain, Event, EventKind, Header, Implementation, ServerId, Source, Writer};

use crate::relay::JoinedConnection;

/// Name of the file with the recorder's lines of the trace.
pub(crate) const TRACE: &str = "harness.ndjson";
/// Name of the file that tells in words what was done and seen.
const JOURNAL: &str = "recorder.log";

/// The recorder's two files. The relay writes to them too, from its own thread.
#[derive(Debug)]
pub(crate) struct Harness(Mutex<Files>);

#[derive(Debug)]
struct Files {
    trace: Writer<File>,
    journal: File,
    /// How many connections were joined.
    joined: u64,
    /// The first write that failed. A trace without that line means nothing.
    failed: Option<io::Error>,
}

impl Harness {
    /// Starts the files in `out`.
    pub(crate) fn create(
        out: &Path,
        servers: Vec<ServerId>,
        window: u32,
        note: String,
    ) -> io::Result<Self> {
        let implementation = Implementation {
            name: "zabcheck".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut header = Header::new(Source::Harness, implementation, servers);
        header.window = window;
        header.note = Some(note);
        let trace = Writer::new(File::create_new(out.join(TRACE))?, &header)?;
        let journal = File::create_new(out.join(JOURNAL))?;
        Ok(Self(Mutex::new(Files { trace, journal, joined: 0, failed: None })))
    }

    /// The relay joined two connections; no byte has been forwarded yet.
    pub(crate) fn joined(&self, connection: &JoinedConnection) {
        let mut files = self.files();
        let event = connection.event(files.joined);
        files.joined += 1;
        files.write(&event);
    }

    /// A server ended in this life, and its trace shows these events.
    ///
    /// A life whose last event is Stop has its end. Any other end is one that the server did not
    /// choose: for the protocol it is the same whether the recorder killed the process or
    /// something else did.
    pub(crate) fn ended(&self, server: ServerId, incarnation: u32, events: &[Event]) {
        let Some(last) = events.last() else { return };
        if last.kind == EventKind::Stop {
            return;
        }
        let mut ends: Vec<(Chain, u64)> = Vec::new();
        for event in events {
            ends.retain(|(chain, _)| *chain != event.chain);
            ends.push((event.chain.clone(), event.seq));
        }
        self.files().write(&Event::killed(server, incarnation, 0, ends));
    }

    /// Tells in the journal what was done or seen.
    pub(crate) fn note(&self, what: impl Display) {
        let mut files = self.files();
        let written = files.journal.write_all(format!("{what}\n").as_bytes());
        files.settle(written);
    }

    /// The first failure to write, if there was one and nobody has asked before.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.files().failed.take()
    }

    /// A thread that panicked while it wrote does not keep the others from it.
    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn write(&mut self, event: &Event) {
        let written = self.trace.write(event);
        self.settle(written);
    }

    fn settle(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use zab_trace::{Reader, Recovered};

    use super::*;

    #[test]
    fn every_end_but_a_clean_stop_is_a_kill_after_the_last_event_of_each_chain() {
        let folder = tempfile::tempdir().expect("a folder");
        let harness =
            Harness::create(folder.path(), vec![1, 2, 3], 500, String::new()).expect("two files");
        let recovered = Recovered::default();
        let start = Event::new(1, 1, 0, EventKind::Start { recovered });
        let looking = Event::new(1, 1, 1, EventKind::Looking { round: 1 });
        let side = Chain::new("side");
        let other = Event { chain: side.clone(), ..Event::new(1, 1, 0, EventKind::Resent) };
        let stop = Event::new(1, 1, 2, EventKind::Stop);
        harness.ended(1, 1, &[start.clone(), looking.clone(), stop]);
        harness.ended(2, 1, &[]);
        harness.ended(3, 4, &[start, other, looking]);
        let read = Reader::open(&folder.path().join(TRACE)).expect("a header");
        let events: Vec<_> = read.map(|line| line.expect("a line").event).collect();
        assert_eq!(events, [Event::killed(3, 4, 0, vec![(side, 0), (Chain::MAIN, 1)])]);
    }
}
