//! The recorder: the relay, with every byte written down, and faults at chosen packets.
//!
//! It writes a capture in the form of `zab_capture::raw`. An entry is written before what it tells
//! of goes on, so a message stands in the capture after it was sent and before it is received.

mod file;
mod passage;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value, json};
use tokio::sync::watch::Sender;
use zab_capture::raw::{Event, Header, Link as RawLink, Port as RawPort, Side};
use zab_trace::{Port, ServerId};

use crate::relay::tap::{Connected, Flow, Tap};
use crate::relay::{Endpoint, JoinedConnection, Link, Relay};

use file::File;
use passage::Direction;
pub use watch::{Passed, Passing, Reaction, Watched, Who};

/// What a recorder does on one direction of a connection.
#[derive(Debug, Default)]
struct Sides {
    dialler_is_off: Sender<bool>,
    acceptor_is_off: Sender<bool>,
}

/// A recorder. Servers, ports and processes are somebody else's business.
pub struct Recorder {
    file: File,
    connections: AtomicU64,
    /// By sender, receiver and port.
    flows: BTreeMap<(ServerId, ServerId, Port), Sender<Flow>>,
    watches: Mutex<Vec<watch::Watch>>,
    /// Who is to be killed, by server: the leader of a process group.
    processes: Mutex<BTreeMap<ServerId, Pid>>,
    open: Mutex<BTreeMap<u64, Arc<Sides>>>,
}

impl Recorder {
    /// Begins a capture of what these servers send.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn create(path: &Path, header: &Header, ids: &[ServerId]) -> io::Result<Arc<Self>> {
        let mut flows = BTreeMap::new();
        for from in ids {
            for to in ids.iter().filter(|to| *to != from) {
                for port in [Port::Election, Port::Quorum] {
                    flows.insert((*from, *to, port), Sender::new(Flow::Pass));
                }
            }
        }
        Ok(Arc::new(Self {
            file: File::create(path, header)?,
            connections: AtomicU64::new(0),
            flows,
            watches: Mutex::default(),
            processes: Mutex::default(),
            open: Mutex::default(),
        }))
    }

    /// A relay between these servers, of which everything that passes is recorded.
    ///
    /// # Errors
    /// When the system has no port, socket or thread left.
    pub fn relay(self: &Arc<Self>, targets: &[Endpoint]) -> io::Result<Relay> {
        Relay::start_with(targets, Arc::new(Recording(Arc::clone(self))))
    }

    /// The first failure to write, if there was one: what came later is not in the capture.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.file.failure()
    }

    /// Writes a mark: whatever the recorder's user did.
    pub fn mark(&self, what: &str, details: Value) {
        self.file.write(Event::Mark { what: what.to_owned(), details: object(details) });
    }

    fn control(&self, op: &str, details: Value) {
        self.file.write(Event::Ctl { op: op.to_owned(), details: object(details) });
    }

    /// Tells what the relay was told to do with all links of these servers.
    pub(crate) fn note_control(&self, op: &str, pairs: &[(ServerId, ServerId)]) {
        self.control(op, json!({ "pairs": pairs }));
    }

    /// Says what happens from now on to what one server sends to another, on these ports.
    pub fn set_flow(&self, from: ServerId, to: ServerId, ports: &[Port], flow: Flow) {
        let (op, arg) = match flow {
            Flow::Pass => ("release", Value::Null),
            Flow::Hold => ("hold", Value::Null),
            Flow::Drop => ("drop", Value::Null),
            Flow::Delay(time) => ("delay", json!(time.as_secs_f64())),
        };
        let names: Vec<&str> = ports.iter().map(|port| letter(*port)).collect();
        self.control(op, json!({ "pairs": [[from, to]], "ch": names, "arg": arg }));
        for port in ports {
            if let Some(sender) = self.flows.get(&(from, to, *port)) {
                sender.send_replace(flow);
            }
        }
    }

    /// Breaks the side of the dialler off a connection: it sees the end, and the acceptor does not.
    pub fn break_dialler(&self, connection: u64) {
        self.control("break", json!({ "cid": connection, "side": "dialler" }));
        if let Some(sides) = lock(&self.open).get(&connection) {
            sides.dialler_is_off.send_replace(true);
        }
    }

    /// Waits for a message, and does something when it passes; once.
    pub fn watch(
        &self,
        matches: impl Fn(&Passing<'_>) -> bool + Send + 'static,
        reaction: Reaction,
    ) -> Watched {
        let (watch, watched) = watch::Watch::new(Box::new(matches), reaction);
        lock(&self.watches).push(watch);
        watched
    }

    /// Delivers what a watch holds back.
    pub fn release(&self, watched: &Watched) {
        self.control("release_packet", json!({ "packet": watched.text() }));
        watched.release();
    }

    /// Whom to kill when a packet says so. If a packet is just killing a server, this returns when the
    /// capture tells so.
    pub fn set_process(&self, server: ServerId, process: Option<u32>) {
        let pid = process.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let mut processes = lock(&self.processes);
        match pid {
            Some(pid) => processes.insert(server, pid),
            None => processes.remove(&server),
        };
    }

    /// Kills a server, as it is.
    fn kill(&self, server: ServerId, for_its_ack: bool) {
        // Held until the capture tells of the kill: whoever sees that the process has ended, and then
        // says whom to kill next, writes what it does after that.
        let mut processes = lock(&self.processes);
        let Some(pid) = processes.remove(&server) else { return };
        // It may have ended by itself a moment ago.
        let killed = kill_process_group(pid, Signal::KILL).is_ok();
        if for_its_ack {
            self.file.write(Event::KillOnAck { server: id(server) });
        }
        self.mark("killed", json!({ "sid": server, "by": "packet", "ran": killed }));
        drop(processes);
    }

    /// Ends the capture. What passes later is not written any more.
    pub fn end(&self) {
        self.file.quit();
    }
}

/// The recorder as the relay sees it.
struct Recording(Arc<Recorder>);

impl Tap for Recording {
    fn joined(&self, connection: &JoinedConnection) -> Connected {
        let recorder = &self.0;
        let number = recorder.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let link = connection.link;
        recorder.file.write(Event::Open(side(number, link, true)));
        let sides = Arc::new(Sides::default());
        lock(&recorder.open).insert(number, Arc::clone(&sides));
        let direction = |by_dialler| {
            Box::new(Direction::new(
                Arc::clone(recorder),
                Arc::clone(&sides),
                number,
                link,
                by_dialler,
            ))
        };
        let at_end = Arc::clone(recorder);
        Connected {
            by_dialler: direction(true),
            by_acceptor: direction(false),
            closed: Box::new(move || {
                lock(&at_end.open).remove(&number);
                at_end.file.write(Event::Close { connection: number });
            }),
        }
    }

    fn listening(&self, link: Link, now: bool) {
        let link = raw(link);
        self.0.file.write(if now { Event::Listen(link) } else { Event::Unlisten(link) });
    }

    fn refused(&self, link: Link) {
        self.0.file.write(Event::Refused(raw(link)));
    }
}

fn object(details: Value) -> Map<String, Value> {
    let Value::Object(object) = details else { return Map::new() };
    object
}

fn letter(port: Port) -> &'static str {
    match port {
        Port::Quorum => "q",
        Port::Election => "e",
    }
}

fn raw_port(port: Port) -> RawPort {
    match port {
        Port::Quorum => RawPort::Quorum,
        Port::Election => RawPort::Election,
    }
}

fn raw(link: Link) -> RawLink {
    RawLink { port: raw_port(link.port), from: id(link.from), to: id(link.to) }
}

/// A side of a connection as the sender of what is told of.
fn side(connection: u64, link: Link, by_dialler: bool) -> Side {
    let (from, to) = if by_dialler { (link.from, link.to) } else { (link.to, link.from) };
    Side { connection, port: raw_port(link.port), from: id(from), to: id(to) }
}

/// Server ids are small.
fn id(server: ServerId) -> i64 {
    i64::try_from(server).unwrap_or(i64::MAX)
}

/// A lock that was held during a panic is used on: what it guards is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
