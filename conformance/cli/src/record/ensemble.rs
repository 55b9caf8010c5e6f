//! Three real servers behind a relay, and what a scenario can do to them.
//!
//! Every wait is for a condition, with a deadline; nothing here waits for time to pass.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zab_capture::{Launch, Process, Relay, ReservedPorts, Target};
use zab_trace::{Event, EventKind, Persisted, Port, Reader, ServerId, Zxid};

use super::RecordError;
use super::client::{self, Client, ClientError, Mode};

/// The ensemble's size.
const SERVERS: [ServerId; 3] = [1, 2, 3];
/// How long any wait may take.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long a clean stop may take.
const STOP_MAX: Duration = Duration::from_secs(10);
/// How long one write is tried again.
const WRITE_MAX: Duration = Duration::from_secs(30);
/// `tickTime` of the servers, in milliseconds: short, so that failures are noticed soon.
const TICK_MS: u32 = 200;

/// Files of one server.
struct Member {
    folder: PathBuf,
    client: SocketAddr,
    process: Option<Process>,
    /// How often it was started; its trace file carries this number.
    incarnation: u32,
}

/// Three servers, the relay between them, and what was done to them.
pub(super) struct Ensemble {
    program: PathBuf,
    /// Where the servers write their traces.
    traces: PathBuf,
    members: BTreeMap<ServerId, Member>,
    relay: Relay,
    /// Held so that nobody else takes the servers' ports.
    _ports: ReservedPorts,
    killed: Vec<Event>,
    /// Every write that was acknowledged: path and value.
    acknowledged: Vec<(String, String)>,
    attempts: u64,
}

impl Ensemble {
    /// Prepares configuration and folders below `out`; starts nothing but the relay.
    pub(super) fn prepare(program: &Path, out: &Path, window: u32) -> Result<Self, RecordError> {
        let io = |what: &'static str| move |source| RecordError::Io { what, source };
        let ports = ReservedPorts::reserve(SERVERS.len() * 3).map_err(io("reserving ports"))?;
        let mut free = ports.addresses();
        let mut take = || free.next().ok_or(RecordError::NoPorts);
        let mut targets = Vec::new();
        let mut clients = Vec::new();
        for server in SERVERS {
            targets.push(Target { server, quorum: take()?, election: take()? });
            clients.push(take()?);
        }
        drop(free);
        let relay = Relay::start(&targets).map_err(io("starting the relay"))?;
        let mut members = BTreeMap::new();
        for (target, client) in targets.iter().zip(clients) {
            let folder = out.join(format!("server-{}", target.server));
            fs::create_dir_all(folder.join("data")).map_err(io("making a server's folder"))?;
            let config = config(target, client, &targets, &relay, window);
            fs::write(folder.join("zoo.cfg"), config).map_err(io("writing zoo.cfg"))?;
            let id = target.server.to_string();
            fs::write(folder.join("data/myid"), id).map_err(io("writing myid"))?;
            let member = Member { folder, client, process: None, incarnation: 0 };
            members.insert(target.server, member);
        }
        Ok(Self {
            program: program.to_owned(),
            traces: out.to_owned(),
            members,
            relay,
            _ports: ports,
            killed: Vec::new(),
            acknowledged: Vec::new(),
            attempts: 0,
        })
    }

    fn member(&mut self, server: ServerId) -> Result<&mut Member, RecordError> {
        self.members.get_mut(&server).ok_or(RecordError::NoSuchServer(server))
    }

    /// The servers other than this one, in order.
    pub(super) fn others(&self, server: ServerId) -> Vec<ServerId> {
        self.members.keys().copied().filter(|id| *id != server).collect()
    }

    /// Starts a server; returns when its trace has begun.
    pub(super) fn start(&mut self, server: ServerId) -> Result<(), RecordError> {
        let (program, traces) = (self.program.clone(), self.traces.clone());
        let member = self.member(server)?;
        member.incarnation += 1;
        let launch = Launch {
            name: format!("server {server}"),
            program,
            args: vec!["zoo.cfg".into(), "--trace".into(), traces.into_os_string()],
            folder: member.folder.clone(),
            log: "log".into(),
        };
        member.process = Some(Process::start(&launch)?);
        let file = self.trace_file(server)?;
        self.wait(server, "trace", || file.metadata().is_ok_and(|meta| meta.len() > 0))
    }

    /// Starts all servers, and waits until all of them serve.
    pub(super) fn start_all(&mut self) -> Result<(), RecordError> {
        for server in SERVERS {
            self.start(server)?;
        }
        SERVERS.into_iter().try_for_each(|server| self.await_serving(server))
    }

    /// Kills a server, and notes it with the last event that its trace shows.
    pub(super) fn kill(&mut self, server: ServerId) -> Result<(), RecordError> {
        let member = self.member(server)?;
        let process = member.process.take().ok_or(RecordError::NotRunning(server))?;
        let incarnation = member.incarnation;
        process.kill()?;
        drop_half_line(&self.trace_file(server)?).map_err(|source| RecordError::Io {
            what: "mending a killed server's trace",
            source,
        })?;
        let last = self.events(server)?.last().map(|event| (event.chain.clone(), event.seq));
        let after = last.into_iter().collect();
        self.killed.push(Event::killed(server, incarnation, 0, after));
        Ok(())
    }

    /// Cuts a server from both others.
    pub(super) fn cut(&mut self, server: ServerId) -> Result<(), RecordError> {
        self.member(server)?;
        self.relay.isolate(server);
        Ok(())
    }

    /// Heals what [`Self::cut`] cut.
    pub(super) fn heal(&mut self, server: ServerId) -> Result<(), RecordError> {
        self.member(server)?;
        self.relay.rejoin(server);
        Ok(())
    }

    /// Waits for a condition; fails when the server ends or it takes too long.
    fn wait(
        &mut self,
        server: ServerId,
        what: &str,
        ready: impl FnMut() -> bool,
    ) -> Result<(), RecordError> {
        let process =
            self.member(server)?.process.as_mut().ok_or(RecordError::NotRunning(server))?;
        Ok(process.wait_until(what, WAIT_MAX, ready)?)
    }

    /// Waits until a server serves clients.
    pub(super) fn await_serving(&mut self, server: ServerId) -> Result<(), RecordError> {
        let address = self.member(server)?.client;
        self.wait(server, "service", || client::mode(address) != Mode::NotServing)
    }

    /// Waits until a server does not serve clients any more.
    pub(super) fn await_not_serving(&mut self, server: ServerId) -> Result<(), RecordError> {
        let address = self.member(server)?.client;
        self.wait(server, "end of service", || client::mode(address) == Mode::NotServing)
    }

    /// Waits until some running server leads and serves; returns it.
    pub(super) fn await_leader(&mut self) -> Result<ServerId, RecordError> {
        self.await_leader_among(&SERVERS)
    }

    /// The same among these.
    pub(super) fn await_leader_among(
        &mut self,
        among: &[ServerId],
    ) -> Result<ServerId, RecordError> {
        let running: Vec<(ServerId, SocketAddr)> = self
            .members
            .iter()
            .filter(|(id, member)| member.process.is_some() && among.contains(id))
            .map(|(id, member)| (*id, member.client))
            .collect();
        let (first, _) = *running.first().ok_or(RecordError::NobodyRuns)?;
        let mut leader = first;
        self.wait(first, "leader in the ensemble", || {
            let found = running.iter().find(|(_, client)| client::mode(*client) == Mode::Leader);
            found.is_some_and(|(id, _)| {
                leader = *id;
                true
            })
        })?;
        Ok(leader)
    }

    /// Creates `count` nodes through a server, each acknowledged before the next. A write whose
    /// answer does not come is tried again on a new session.
    pub(super) fn write(&mut self, server: ServerId, count: usize) -> Result<(), RecordError> {
        let address = self.member(server)?.client;
        let deadline = Instant::now() + WRITE_MAX;
        let mut session: Option<Client> = None;
        let mut done = 0;
        while done < count {
            self.attempts += 1;
            let path = format!("/n{}", self.attempts);
            match Self::create(&mut session, address, &path) {
                Ok(()) => {
                    self.acknowledged.push((path.clone(), path));
                    done += 1;
                }
                Err(error) if Instant::now() >= deadline => return Err(error.into()),
                // The server has no quorum yet, or lost it: the next attempt uses a new path, so
                // that an attempt that did take place does no harm.
                Err(_) => session = None,
            }
        }
        Ok(())
    }

    fn create(
        session: &mut Option<Client>,
        address: SocketAddr,
        path: &str,
    ) -> Result<(), ClientError> {
        let client = match session {
            Some(client) => client,
            None => session.insert(Client::connect(address)?),
        };
        client.create(path, path.as_bytes())
    }

    /// Cuts a server off, and hands it one write in the moment before it notices that it is alone.
    pub(super) fn write_after_cut(&mut self, server: ServerId) -> Result<(), RecordError> {
        let mut session = Client::connect(self.member(server)?.client)?;
        self.cut(server)?;
        Ok(session.send_create("/lost", b"lost")?)
    }

    /// Waits until a server's log holds, durably, a transaction that it has not committed.
    pub(super) fn await_uncommitted_tail(&mut self, server: ServerId) -> Result<(), RecordError> {
        let file = self.trace_file(server)?;
        self.wait(server, "uncommitted transaction in the log", || {
            has_uncommitted_tail(&events_so_far(&file))
        })
    }

    /// Reads every acknowledged write back from every server.
    pub(super) fn read_back(&mut self) -> Result<(), RecordError> {
        for server in SERVERS {
            self.await_serving(server)?;
            let mut session = Client::connect(self.member(server)?.client)?;
            for (path, value) in &self.acknowledged {
                let found = session.get(path)?;
                if found != value.as_bytes() {
                    return Err(RecordError::Lost { server, path: path.clone() });
                }
            }
        }
        Ok(())
    }

    /// Stops every running server cleanly.
    pub(super) fn stop(&mut self) -> Result<(), RecordError> {
        for member in self.members.values_mut() {
            if let Some(process) = member.process.take() {
                let name = process.name().to_owned();
                let status = process.stop(STOP_MAX)?;
                if !status.success() {
                    return Err(RecordError::BadStop { name, status: status.to_string() });
                }
            }
        }
        Ok(())
    }

    /// What the recorder itself saw: the relay's connections and the kills.
    pub(super) fn harness_events(&self) -> Vec<Event> {
        self.relay.events().into_iter().chain(self.killed.iter().cloned()).collect()
    }

    fn trace_file(&mut self, server: ServerId) -> Result<PathBuf, RecordError> {
        let incarnation = self.member(server)?.incarnation;
        Ok(self.traces.join(format!("server-{server}-{incarnation}.ndjson")))
    }

    fn events(&mut self, server: ServerId) -> Result<Vec<Event>, RecordError> {
        Ok(events_so_far(&self.trace_file(server)?))
    }
}

/// Drops a last line without its end: a kill can fall into a write(2), and what it left half done
/// is as if it had come a moment earlier.
fn drop_half_line(file: &Path) -> io::Result<()> {
    let content = fs::read(file)?;
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole == content.len() {
        return Ok(());
    }
    let file = fs::OpenOptions::new().write(true).open(file)?;
    file.set_len(u64::try_from(whole).map_err(io::Error::other)?)
}

/// The events of a file that may still be written to: up to the first line that is not whole.
fn events_so_far(file: &Path) -> Vec<Event> {
    let Ok(reader) = Reader::open(file) else { return Vec::new() };
    reader.map_while(Result::ok).map(|located| located.event).collect()
}

fn has_uncommitted_tail(events: &[Event]) -> bool {
    let mut durable = Zxid::ZERO;
    let mut committed = Zxid::ZERO;
    for event in events {
        if let EventKind::Persisted(Persisted::Log(zxid)) = &event.kind {
            durable = *zxid;
        } else if let EventKind::Committed { zxid } = &event.kind {
            committed = *zxid;
        }
    }
    durable > committed
}

/// `zoo.cfg` of one server: its own ports, and for the others the relay's. Its own host is the
/// wildcard, so that nobody is told an address that leads around the relay.
fn config(own: &Target, client: SocketAddr, all: &[Target], relay: &Relay, window: u32) -> String {
    let mut text = format!(
        "tickTime={TICK_MS}\ninitLimit=10\nsyncLimit=5\ndataDir=data\nclientPort={}\n\
         clientPortAddress={}\ncommitLogCount={window}\n4lw.commands.whitelist=*\n",
        client.port(),
        client.ip(),
    );
    for other in all {
        let line = if other.server == own.server {
            format!("0.0.0.0:{}:{}", own.quorum.port(), own.election.port())
        } else {
            let port = |port| relay.port(own.server, other.server, port).unwrap_or_default();
            format!("127.0.0.1:{}:{}", port(Port::Quorum), port(Port::Election))
        };
        text.push_str(&format!("server.{}={line}\n", other.server));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_half_of_a_line_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("trace");
        for (content, expected) in [("a\nb\nc", "a\nb\n"), ("a\nb\n", "a\nb\n"), ("a", "")] {
            fs::write(&file, content).expect("written");
            drop_half_line(&file).expect("mended");
            assert_eq!(fs::read_to_string(&file).expect("read"), expected);
        }
    }
}
