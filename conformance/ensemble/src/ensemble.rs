//! Real servers behind a relay, and what a scenario can do to them.
//!
//! Every wait is for a condition. Its limit is so long that only a run that is stuck exceeds it.

mod clients;
pub(crate) mod told;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zab_trace::{Event, ServerId};

use crate::client::{self, Mode};
use crate::error::RecordError;
use crate::harness::Harness;
use crate::life;
use crate::ports::ReservedPorts;
use crate::process::{Process, ProcessError};
use crate::relay::{Endpoint, Relay};
use crate::target::{Life, Setup, Target};

/// One server.
struct Member {
    folder: PathBuf,
    client: SocketAddr,
    process: Option<Process>,
    frozen: bool,
    /// The last life whose end is in the trace; 0 before the first.
    ended: u32,
}

/// What an ensemble is to be.
pub(crate) struct Plan<'a> {
    pub(crate) target: &'a dyn Target,
    pub(crate) servers: u8,
    pub(crate) window: u32,
    pub(crate) sync_limit: u32,
    /// How long any wait may take.
    pub(crate) wait_max: Duration,
    /// What the trace says of itself.
    pub(crate) note: String,
    /// Set when the user has asked for the end.
    pub(crate) stop: &'a AtomicBool,
}

/// Servers, the relay between them, and what was done to them.
pub(crate) struct Ensemble<'a> {
    target: &'a dyn Target,
    /// Where the servers write their traces.
    traces: PathBuf,
    members: BTreeMap<ServerId, Member>,
    relay: Relay,
    harness: Arc<Harness>,
    /// Held so that nobody else takes the servers' ports.
    _ports: ReservedPorts,
    /// Every write that was acknowledged: path and value.
    acknowledged: Vec<(String, String)>,
    /// Paths of writes that were not, and never can be any more.
    refused: Vec<String>,
    attempts: u64,
    /// How long any wait may take.
    wait_max: Duration,
    /// Set when the user has asked for the end.
    stop: &'a AtomicBool,
}

impl<'a> Ensemble<'a> {
    /// Prepares configuration and folders below `traces`; starts nothing but the relay.
    pub(crate) fn prepare(plan: &Plan<'a>, traces: PathBuf) -> Result<Self, RecordError> {
        let Plan { target, servers, window, sync_limit, wait_max, stop, .. } = *plan;
        let io = |what: &'static str| move |source| RecordError::Io { what, source };
        let ids = || 1..=ServerId::from(servers);
        let harness = Harness::create(&traces, ids().collect(), window, plan.note.clone());
        let harness = Arc::new(harness.map_err(io("writing the recorder's events"))?);
        let ports = usize::from(servers) * 3;
        let ports = ReservedPorts::reserve(ports).map_err(io("reserving ports"))?;
        let mut free = ports.addresses();
        let mut take = || free.next().ok_or(RecordError::NoPorts);
        let (mut all, mut clients) = (Vec::new(), Vec::new());
        for server in ids() {
            all.push(Endpoint { server, quorum: take()?, election: take()? });
            clients.push(take()?);
        }
        drop(free);
        let joined = Arc::clone(&harness);
        let relay = Relay::start(&all, move |connection| joined.joined(connection))
            .map_err(io("starting the relay"))?;
        let mut members = BTreeMap::new();
        for (own, client) in all.iter().zip(clients) {
            let folder = traces.join(format!("server-{}", own.server));
            fs::create_dir_all(folder.join("data")).map_err(io("making a server's folder"))?;
            let setup = Setup {
                own,
                folder: &folder,
                client,
                all: &all,
                relay: Some(&relay),
                window,
                sync_limit,
                observers: &[],
            };
            fs::write(folder.join("zoo.cfg"), target.config(&setup))
                .map_err(io("writing zoo.cfg"))?;
            let id = own.server.to_string();
            fs::write(folder.join("data/myid"), id).map_err(io("writing myid"))?;
            let member = Member { folder, client, process: None, frozen: false, ended: 0 };
            members.insert(own.server, member);
        }
        Ok(Self {
            target,
            traces,
            members,
            relay,
            harness,
            _ports: ports,
            acknowledged: Vec::new(),
            refused: Vec::new(),
            attempts: 0,
            wait_max,
            stop,
        })
    }

    fn member(&mut self, server: ServerId) -> Result<&mut Member, RecordError> {
        self.members.get_mut(&server).ok_or(RecordError::NoSuchServer(server))
    }

    fn process(&mut self, server: ServerId) -> Result<&mut Process, RecordError> {
        self.member(server)?.process.as_mut().ok_or(RecordError::NotRunning(server))
    }

    /// All servers, in order.
    pub(crate) fn servers(&self) -> Vec<ServerId> {
        self.members.keys().copied().collect()
    }

    /// The servers other than this one, in order.
    pub(crate) fn others(&self, server: ServerId) -> Vec<ServerId> {
        self.members.keys().copied().filter(|id| *id != server).collect()
    }

    /// Starts a server; returns when its trace shows that a life has begun, or, if it writes none,
    /// when it answers on its client port.
    pub(crate) fn start(&mut self, server: ServerId) -> Result<(), RecordError> {
        let (target, traces) = (self.target, self.traces.clone());
        let before = life::newest(&traces, server);
        let member = self.member(server)?;
        let client = member.client;
        let life = Life { server, number: before + 1, folder: &member.folder, traces: &traces };
        member.process = Some(Process::start(&target.launch(&life))?);
        self.harness.note(format_args!("server {server} started"));
        if !target.writes_traces() {
            let what = "answer to srvr on the client port";
            return self.wait(server, what, || client::mode(client) != Mode::Silent);
        }
        let begun = self.wait_for(server, "event in its trace", || {
            let life = life::newest(&traces, server);
            let begun = life > before && !events(&traces, server, life)?.is_empty();
            Ok(begun.then_some(()))
        });
        if let Err(RecordError::Process(ProcessError::Late { waited, log, .. })) = begun {
            let file = life::trace(&traces, server, before + 1);
            return Err(RecordError::NoTrace { server, file, waited, log });
        }
        begun
    }

    /// Starts all servers, and waits until all of them serve.
    pub(crate) fn start_all(&mut self) -> Result<(), RecordError> {
        let servers = self.servers();
        servers.iter().try_for_each(|server| self.start(*server))?;
        servers.into_iter().try_for_each(|server| self.await_serving(server))
    }

    /// Kills a server, and notes it with the last event that its trace shows.
    pub(crate) fn kill(&mut self, server: ServerId) -> Result<(), RecordError> {
        let process = self.member(server)?.process.take();
        let killed = process.ok_or(RecordError::NotRunning(server))?.kill();
        self.ended(server, &killed)?;
        Ok(killed?)
    }

    /// Notes that a process has ended, and how.
    fn ended(
        &mut self,
        server: ServerId,
        killed: &Result<(), ProcessError>,
    ) -> Result<(), RecordError> {
        match killed {
            Ok(()) => self.harness.note(format_args!("server {server} killed")),
            Err(ProcessError::Ended { status, .. }) => {
                self.harness.note(format_args!("server {server} ended by itself: {status}"));
            }
            Err(error) => self.harness.note(error),
        }
        self.note_end(server)
    }

    /// Writes the end of a server's life into the trace, if it has begun and its end is not known.
    fn note_end(&mut self, server: ServerId) -> Result<(), RecordError> {
        let life = self.life(server);
        let member = self.member(server)?;
        member.frozen = false;
        if life == std::mem::replace(&mut member.ended, life) {
            return Ok(());
        }
        life::mend(&self.traces, server, life).map_err(|source| RecordError::Io {
            what: "mending a killed server's trace",
            source,
        })?;
        self.harness.ended(server, life, &self.events(server)?);
        Ok(())
    }

    /// Kills everything that still runs, so that every life has an end in the trace. The first
    /// failure is returned, after the rest was done.
    pub(crate) fn end(&mut self) -> Result<(), RecordError> {
        let mut failed = Ok(());
        for server in self.servers() {
            let Some(process) = self.member(server)?.process.take() else { continue };
            let killed = process.kill();
            failed = failed.and(self.ended(server, &killed));
        }
        let what = "writing the recorder's events";
        let written = self.harness.take_failure().map_or(Ok(()), Err);
        failed.and(written.map_err(|source| RecordError::Io { what, source }))
    }

    /// Freezes a server (SIGSTOP): it does nothing, and its connections stay.
    pub(crate) fn freeze(&mut self, server: ServerId) -> Result<(), RecordError> {
        self.process(server)?.freeze()?;
        self.member(server)?.frozen = true;
        self.harness.note(format_args!("server {server} frozen"));
        Ok(())
    }

    /// Lets a frozen server go on.
    pub(crate) fn thaw(&mut self, server: ServerId) -> Result<(), RecordError> {
        self.harness.note(format_args!("server {server} thawed"));
        self.member(server)?.frozen = false;
        Ok(self.process(server)?.thaw()?)
    }

    /// Cuts a server from all others.
    pub(crate) fn cut(&mut self, server: ServerId) -> Result<(), RecordError> {
        self.member(server)?;
        self.relay.isolate(server);
        self.harness.note(format_args!("server {server} cut off"));
        Ok(())
    }

    /// Cuts two servers from each other.
    fn part(&self, one: ServerId, other: ServerId) {
        self.relay.cut(one, other);
        self.harness.note(format_args!("servers {one} and {other} cut from each other"));
    }

    /// Heals what [`Self::part`] cut.
    fn join(&self, one: ServerId, other: ServerId) {
        self.relay.heal(one, other);
        self.harness.note(format_args!("servers {one} and {other} healed"));
    }

    /// Heals what [`Self::cut`] cut.
    pub(crate) fn heal(&mut self, server: ServerId) -> Result<(), RecordError> {
        self.member(server)?;
        self.relay.rejoin(server);
        self.harness.note(format_args!("server {server} healed"));
        Ok(())
    }

    /// Fails when a server has ended by itself, or the user has asked for the end.
    fn watch(&mut self) -> Result<(), RecordError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(RecordError::Interrupted);
        }
        for process in self.members.values_mut().filter_map(|member| member.process.as_mut()) {
            process.check_running("the scenario's end")?;
        }
        Ok(())
    }

    /// Waits for a condition of a server; fails when any server ends, or it takes too long.
    fn wait(
        &mut self,
        server: ServerId,
        what: &str,
        mut ready: impl FnMut() -> bool,
    ) -> Result<(), RecordError> {
        let asked = || self.stop.load(Ordering::Relaxed);
        let (mut others, mut awaited) = (Vec::new(), None);
        for (id, member) in &mut self.members {
            let Some(process) = &mut member.process else { continue };
            if *id == server {
                awaited = Some(process);
            } else {
                others.push(process);
            }
        }
        let awaited = awaited.ok_or(RecordError::NotRunning(server))?;
        let ready = || asked() || ready();
        awaited.wait_until_among(&mut others, what, self.wait_max, ready)?;
        if asked() { Err(RecordError::Interrupted) } else { Ok(()) }
    }

    /// Waits until `look` finds something; fails as it does, and as [`Self::wait`].
    fn wait_for<T>(
        &mut self,
        server: ServerId,
        what: &str,
        mut look: impl FnMut() -> Result<Option<T>, RecordError>,
    ) -> Result<T, RecordError> {
        let mut seen = Ok(None);
        self.wait(server, what, || {
            seen = look();
            !matches!(seen, Ok(None))
        })?;
        seen?.ok_or(RecordError::NotRunning(server))
    }

    /// Waits until a server serves clients.
    pub(crate) fn await_serving(&mut self, server: ServerId) -> Result<(), RecordError> {
        let address = self.member(server)?.client;
        self.wait(server, "service", || {
            matches!(client::mode(address), Mode::Leader | Mode::Follower)
        })
    }

    /// Waits until a server serves as a follower.
    pub(crate) fn await_following(&mut self, server: ServerId) -> Result<(), RecordError> {
        let address = self.member(server)?.client;
        self.wait(server, "service as a follower", || client::mode(address) == Mode::Follower)
    }

    /// Waits until a server does not serve clients any more.
    pub(crate) fn await_not_serving(&mut self, server: ServerId) -> Result<(), RecordError> {
        let address = self.member(server)?.client;
        self.wait(server, "end of service", || client::mode(address) == Mode::NotServing)
    }

    /// Waits until a server serves as the leader.
    fn await_leading(&mut self, server: ServerId) -> Result<(), RecordError> {
        let address = self.member(server)?.client;
        self.wait(server, "service as the leader", || client::mode(address) == Mode::Leader)
    }

    /// Waits until some running server leads and serves; returns it.
    pub(crate) fn await_leader(&mut self) -> Result<ServerId, RecordError> {
        self.await_leader_among(&self.servers())
    }

    /// The same among these.
    pub(crate) fn await_leader_among(
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

    /// Waits until the trace of a server's present life holds events like these.
    pub(crate) fn await_events<T>(
        &mut self,
        server: ServerId,
        what: &str,
        mut wanted: impl FnMut(&[Event]) -> Option<T>,
    ) -> Result<T, RecordError> {
        let (traces, life) = (self.traces.clone(), self.life(server));
        self.wait_for(server, what, || Ok(wanted(&events(&traces, server, life)?)))
    }

    /// The events of a server's present life, so far.
    pub(crate) fn events(&self, server: ServerId) -> Result<Vec<Event>, RecordError> {
        events(&self.traces, server, self.life(server))
    }

    /// The number of a server's present life; 0 before its first event.
    fn life(&self, server: ServerId) -> u32 {
        life::newest(&self.traces, server)
    }

    /// How many writes were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// Stops every running server cleanly.
    pub(crate) fn stop(&mut self) -> Result<(), RecordError> {
        for server in self.servers() {
            let Some(process) = self.member(server)?.process.take() else { continue };
            let name = process.name().to_owned();
            let stopped = process.stop(self.wait_max);
            self.harness.note(match &stopped {
                Ok(status) => format!("server {server} stopped: {status}"),
                Err(error) => error.to_string(),
            });
            self.note_end(server)?;
            let status = stopped?;
            if !self.target.stopped_well(status) {
                return Err(RecordError::BadStop { name, status: status.to_string() });
            }
        }
        Ok(())
    }
}

/// The events of a life, so far.
fn events(traces: &Path, server: ServerId, life: u32) -> Result<Vec<Event>, RecordError> {
    life::events(traces, server, life).map_err(|source| RecordError::BadTrace { server, source })
}

impl Drop for Ensemble<'_> {
    fn drop(&mut self) {
        // For a scenario that panics. Otherwise all have ended, and this has nothing to do.
        let _ = self.end();
    }
}
