//! Servers behind a recorder, and what a scenario can do to them.
//!
//! Every wait is for a condition. Its limit is so long that only a run that is stuck exceeds it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use zab_capture::raw::Header;
use zab_trace::{Port, ServerId};

use super::files::{self, Home, Ports};
use super::{CAPTURE, WireRecording, disk};
use crate::client::{self, Mode};
use crate::error::RecordError;
use crate::process::{Process, ProcessError};
use crate::recorder::{Passed, Passing, Reaction, Recorder, Watched};
use crate::relay::tap::Flow;
use crate::relay::{Link, Relay};
use crate::target::{Life, Target};

/// The pause between two looks at a condition.
pub(super) const PAUSE: Duration = Duration::from_millis(10);

/// Both ports.
pub(super) const BOTH: [Port; 2] = [Port::Election, Port::Quorum];

/// Servers, the recorder between them, and what clients were told.
pub(crate) struct Run<'a> {
    pub(super) recording: WireRecording<'a>,
    target: &'a dyn Target,
    pub(super) homes: BTreeMap<ServerId, Home>,
    processes: BTreeMap<ServerId, Process>,
    observers: Vec<ServerId>,
    relay: Relay,
    pub(super) recorder: Arc<Recorder>,
    _ports: Ports,
    /// Paths whose creation was acknowledged.
    pub(super) written: Vec<String>,
    /// Paths of writes that were not, and never can be any more.
    pub(super) refused: Vec<String>,
    pub(super) attempts: u64,
    pub(super) lost: usize,
    pub(super) stop: &'a AtomicBool,
}

impl<'a> Run<'a> {
    /// Prepares folders, ports and the recorder in `out`; starts no server.
    pub(super) fn prepare(recording: &WireRecording<'a>, out: &Path) -> Result<Self, RecordError> {
        Self::new(recording, out, false)
    }

    /// The same, and the servers dial each other: the recorder sees nothing.
    pub(super) fn prepare_direct(
        recording: &WireRecording<'a>,
        out: &Path,
    ) -> Result<Self, RecordError> {
        Self::new(recording, out, true)
    }

    fn new(recording: &WireRecording<'a>, out: &Path, direct: bool) -> Result<Self, RecordError> {
        let WireRecording { target, servers, scenario, stop, .. } = *recording;
        let io = |what: &'static str| move |source| RecordError::Io { what, source };
        fs::create_dir_all(out).map_err(io("making the folder for the capture"))?;
        let out = out.canonicalize().map_err(io("finding the folder for the capture"))?;
        if fs::read_dir(&out).map_err(io("reading the folder for the capture"))?.next().is_some() {
            return Err(RecordError::NotEmpty(out));
        }
        let voters = ServerId::from(servers);
        let all = voters + ServerId::from(scenario.observers);
        let ids: Vec<ServerId> = (1..=all).collect();
        let observers: Vec<ServerId> = (voters + 1..=all).collect();
        let signed =
            |ids: &[ServerId]| ids.iter().filter_map(|id| i64::try_from(*id).ok()).collect();
        let header = Header {
            capture: 1,
            servers: signed(&ids),
            observers: signed(&observers),
            software: Some(target.software()),
            note: Some(format!("{}, seed {}: {}", scenario.name, recording.seed, scenario.story)),
        };
        let recorder = Recorder::create(&out.join(CAPTURE), &header, &ids)
            .map_err(io("writing the capture"))?;
        let ports = Ports::reserve(&ids)?;
        let relay = recorder.relay(&ports.all).map_err(io("starting the recorder"))?;
        let limits = (scenario.window, scenario.sync_limit);
        let homes =
            files::make(&out, target, &ports, (!direct).then_some(&relay), limits, &observers)?;
        Ok(Self {
            recording: *recording,
            target,
            homes,
            processes: BTreeMap::new(),
            observers,
            relay,
            recorder,
            _ports: ports,
            written: Vec::new(),
            refused: Vec::new(),
            attempts: 0,
            lost: 0,
            stop,
        })
    }

    pub(super) fn home(&self, server: ServerId) -> Result<&Home, RecordError> {
        self.homes.get(&server).ok_or(RecordError::NoSuchServer(server))
    }

    pub(super) fn process(&self, server: ServerId) -> Result<&Process, RecordError> {
        self.processes.get(&server).ok_or(RecordError::NotRunning(server))
    }

    /// Whether a server's process was started and not ended by us.
    pub(super) fn runs(&self, server: ServerId) -> bool {
        self.processes.contains_key(&server)
    }

    /// All servers, in order.
    pub(super) fn servers(&self) -> Vec<ServerId> {
        self.homes.keys().copied().collect()
    }

    /// The voters other than this server, in order.
    pub(super) fn others(&self, server: ServerId) -> Vec<ServerId> {
        let voters = self.homes.keys().copied().filter(|id| !self.observers.contains(id));
        voters.filter(|id| *id != server).collect()
    }

    pub(super) fn observers(&self) -> &[ServerId] {
        &self.observers
    }

    /// Starts a server; does not wait for it.
    pub(super) fn start(&mut self, server: ServerId) -> Result<(), RecordError> {
        let home = self.home(server)?;
        let folder = home.folder.clone();
        let life = Life { server, number: 1, folder: &folder, traces: &folder };
        self.recorder.mark("start", json!({ "sid": server }));
        let process = Process::start(&self.target.launch(&life))?;
        self.recorder.set_process(server, Some(process.id()));
        self.processes.insert(server, process);
        Ok(())
    }

    /// Starts all servers, and waits until all of them serve.
    pub(super) fn start_all(&mut self) -> Result<(), RecordError> {
        let servers = self.servers();
        servers.iter().try_for_each(|server| self.start(*server))?;
        servers.into_iter().try_for_each(|server| self.await_serving(server))
    }

    /// Kills a server.
    pub(super) fn kill(&mut self, server: ServerId) -> Result<(), RecordError> {
        let process = self.processes.remove(&server).ok_or(RecordError::NotRunning(server))?;
        self.recorder.set_process(server, None);
        self.recorder.mark("kill9", json!({ "sid": server }));
        process.kill()?;
        self.recorder.mark("killed", json!({ "sid": server }));
        self.mark_files("killed", &[server]);
        Ok(())
    }

    /// Waits for the end of a server that a packet has killed.
    pub(super) fn await_killed(&mut self, server: ServerId) -> Result<(), RecordError> {
        let process = self.processes.remove(&server).ok_or(RecordError::NotRunning(server))?;
        process.await_end(self.recording.wait_max)?;
        self.recorder.set_process(server, None);
        self.mark_files("killed", &[server]);
        Ok(())
    }

    /// Writes epochs and last logged zxids of servers into the capture.
    pub(super) fn mark_files(&self, tag: &str, servers: &[ServerId]) {
        let mut files = Map::new();
        for server in servers {
            let Some(home) = self.homes.get(server) else { continue };
            let data = home.folder.join("data");
            let last = disk::last_logged(&data).map(|zxid| format!("{zxid:#x}"));
            let epoch = |name: &str| disk::epoch(&data, name);
            let value = json!({
                "acceptedEpoch": epoch("acceptedEpoch"),
                "currentEpoch": epoch("currentEpoch"),
                "lastLogged": last,
            });
            files.insert(server.to_string(), value);
        }
        self.recorder.mark("files", json!({ "tag": tag, "files": files }));
    }

    /// The zxid of the last transaction in a server's log file.
    pub(super) fn last_logged(&self, server: ServerId) -> Option<i64> {
        disk::last_logged(&self.homes.get(&server)?.folder.join("data"))
    }

    /// Cuts a server from all others: its connections are reset, and nobody reaches it.
    pub(super) fn cut(&self, server: ServerId) {
        self.recorder.note_control("cut", &self.pairs(server));
        self.relay.isolate(server);
    }

    /// Heals what [`Self::cut`] cut.
    pub(super) fn heal(&self, server: ServerId) {
        self.recorder.note_control("heal", &self.pairs(server));
        self.relay.rejoin(server);
    }

    /// Cuts two servers from each other.
    pub(super) fn part(&self, one: ServerId, other: ServerId) {
        self.recorder.note_control("cut", &[(one, other), (other, one)]);
        self.relay.cut(one, other);
    }

    /// Heals what [`Self::part`] cut.
    pub(super) fn join(&self, one: ServerId, other: ServerId) {
        self.recorder.note_control("heal", &[(one, other), (other, one)]);
        self.relay.heal(one, other);
    }

    /// Resets the connection of a learner to a leader; it can be made again at once.
    pub(super) fn reset(&self, learner: ServerId, leader: ServerId) {
        let link = Link { from: learner, to: leader, port: Port::Quorum };
        self.recorder.note_control("reset", &[(learner, leader)]);
        self.relay.cut_link(link);
        self.relay.heal_link(link);
    }

    /// Says what happens to everything between a server and all others.
    pub(super) fn set_flows(&self, server: ServerId, flow: Flow) {
        for (from, to) in self.pairs(server) {
            self.recorder.set_flow(from, to, &BOTH, flow);
        }
    }

    /// Both directions between a server and each other one.
    fn pairs(&self, server: ServerId) -> Vec<(ServerId, ServerId)> {
        let others = self.homes.keys().copied().filter(|id| *id != server);
        others.flat_map(|other| [(server, other), (other, server)]).collect()
    }

    /// Waits for a packet to pass, and reacts when it does.
    pub(super) fn watch(
        &self,
        matches: impl Fn(&Passing<'_>) -> bool + Send + 'static,
        reaction: Reaction,
    ) -> Watched {
        self.recorder.watch(matches, reaction)
    }

    /// Waits until a packet that is waited for has passed.
    pub(super) fn await_packet(
        &mut self,
        watched: &Watched,
        what: &str,
    ) -> Result<Passed, RecordError> {
        self.wait(what, |_| watched.passed())
    }

    /// Waits until `look` finds something; fails when a server ends by itself, the capture cannot be
    /// written, the user asks for the end, or it takes too long.
    pub(super) fn wait<T>(
        &mut self,
        what: &str,
        mut look: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<T, RecordError> {
        let begin = Instant::now();
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            self.check()?;
            if begin.elapsed() >= self.recording.wait_max {
                let waited = self.recording.wait_max;
                return Err(RecordError::NoPacket { what: what.to_owned(), waited });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Fails when the user asks for the end, the capture cannot be written, or a server has ended by
    /// itself.
    pub(super) fn check(&mut self) -> Result<(), RecordError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(RecordError::Interrupted);
        }
        if let Some(why) = self.recorder.failure() {
            return Err(RecordError::Capture(why));
        }
        for process in self.processes.values_mut() {
            match process.check_running("the scenario's end") {
                // A packet has killed it, and the scenario will say that it knows.
                Err(ProcessError::Ended { status, .. }) if is_kill(status) => {}
                checked => checked?,
            }
        }
        Ok(())
    }

    pub(super) fn mode(&self, server: ServerId) -> Mode {
        self.homes.get(&server).map_or(Mode::Silent, |home| client::mode(home.client))
    }

    /// Waits until a server serves clients.
    pub(super) fn await_serving(&mut self, server: ServerId) -> Result<(), RecordError> {
        self.wait(&format!("service by server {server}"), |run| {
            let mode = run.mode(server);
            matches!(mode, Mode::Leader | Mode::Follower | Mode::Observer).then_some(())
        })
    }

    /// Waits until a server does not serve clients any more.
    pub(super) fn await_not_serving(&mut self, server: ServerId) -> Result<(), RecordError> {
        self.wait(&format!("end of service by server {server}"), |run| {
            matches!(run.mode(server), Mode::NotServing).then_some(())
        })
    }

    /// Waits until one of these leads and serves; returns it.
    pub(super) fn await_leader_among(&mut self, ids: &[ServerId]) -> Result<ServerId, RecordError> {
        self.wait("leader in the ensemble", |run| {
            ids.iter().copied().find(|id| run.runs(*id) && run.mode(*id) == Mode::Leader)
        })
    }

    /// The same among all.
    pub(super) fn await_leader(&mut self) -> Result<ServerId, RecordError> {
        self.await_leader_among(&self.servers())
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.written.len()
    }

    pub(super) fn lost(&self) -> usize {
        self.lost
    }

    /// Kills everything that still runs, and ends the capture.
    pub(super) fn end(&mut self) -> Result<(), RecordError> {
        let mut failed = Ok(());
        for (server, process) in std::mem::take(&mut self.processes) {
            self.recorder.set_process(server, None);
            self.recorder.mark("kill9", json!({ "sid": server, "at": "end" }));
            match process.kill() {
                Err(ProcessError::Ended { status, .. }) if is_kill(status) => {}
                killed => failed = failed.and(killed),
            }
        }
        self.mark_files("end", &self.servers());
        self.recorder.end();
        let written = self.recorder.failure().map_or(Ok(()), |why| Err(RecordError::Capture(why)));
        written.and(failed.map_err(RecordError::from))
    }

    /// Writes a mark of a client.
    pub(super) fn mark(&self, what: &str, details: Value) {
        self.recorder.mark(what, details);
    }
}

/// Whether a process was ended by SIGKILL.
fn is_kill(status: std::process::ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal() == Some(rustix::process::Signal::KILL.as_raw())
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        // Dropping a process kills it.
        self.processes.clear();
    }
}
