//! The cluster: what happens to whom, in the order of the virtual clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use zab_core::{ConnectionId, Input, Message, Notification, ServerId, Timer};
use zab_trace::{Chain, Event, Phase, txn_digest};

use crate::config::Config;
use crate::defect::DriverMutant;
use crate::disk::Snapshot;
use crate::network::{Arrival, End, Head, Network, Watch};
use crate::outcome::{Ledger, Outcome, Stats};
use crate::rng::Rng;
use crate::schedule::{Schedule, Time};
use crate::server::{Incoming, Life, Server};

/// A server in one of its lives: what was scheduled for an earlier one is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    /// The server.
    pub(crate) server: ServerId,
    /// The life.
    pub(crate) incarnation: u32,
}

/// What can happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// Something may have come out of this direction of a connection.
    Arrival(ConnectionId, End),
    /// A server goes on with its program, or takes its next input.
    Run(Who),
    /// The write that a program waits for is durable.
    Written(Who),
    /// The fsync in the background has returned.
    Synced(Who),
    /// A timer of some generation runs out.
    Elapsed(Who, u64, Timer),
    /// A tick has passed.
    Tick(Who),
    /// An attempt to reach the leader, in the dial of some generation.
    Dial(Who, u64),
    /// An attempt to reach another election port.
    ElectionDial(Who, ServerId),
    /// The writer of an election link takes what waits.
    ElectionWrite(Who, ServerId),
    /// A client asks for something.
    Request,
    /// Something goes wrong.
    Fault,
    /// A server is killed, if it still lives this life.
    Kill(Who),
    /// A link is whole again.
    Heal(ServerId, ServerId),
    /// A link is fast again.
    Hurry(ServerId, ServerId),
    /// A disk is fast again.
    FastDisk(ServerId),
    /// A server starts.
    Start(ServerId),
    /// A look at whether the run is over.
    Look,
}

/// What a connection carries.
#[derive(Debug, Clone)]
pub(crate) enum Wire {
    /// On the election port.
    Notification(Notification),
    /// On the quorum port, with the state if it is a SNAP.
    Quorum(Message, Option<Snapshot>),
}

/// Virtual time between two ticks of a server, in microseconds: a `tickTime` of 100 ms.
pub(crate) const TICK_US: Time = 100_000;

/// How often the cluster is looked at once faults have stopped, in microseconds.
const LOOK_US: Time = 50_000;

/// Everything there is.
pub(crate) struct Cluster<'a> {
    pub(crate) config: &'a Config,
    pub(crate) rng: Rng,
    pub(crate) schedule: Schedule<Happening>,
    pub(crate) network: Network<Wire>,
    pub(crate) servers: BTreeMap<ServerId, Server>,
    pub(crate) ledger: Ledger,
    pub(crate) stats: Stats,
    /// Since when there are no more faults.
    pub(crate) quiet_since: Option<Time>,
    /// When the last look found new lines, and how many there were.
    progress: (Time, u64),
    sink: &'a mut dyn FnMut(&Event),
}

impl<'a> Cluster<'a> {
    /// All servers down, and nothing scheduled.
    pub(crate) fn down(seed: u64, config: &'a Config, sink: &'a mut dyn FnMut(&Event)) -> Self {
        let ids = 1..=ServerId::from(config.servers);
        Self {
            config,
            rng: Rng::new(seed),
            schedule: Schedule::new(),
            network: Network::new(),
            servers: ids.map(|id| (id, Server::new(config.driver_mutant()))).collect(),
            ledger: Ledger::default(),
            stats: Stats::default(),
            quiet_since: None,
            progress: (0, 0),
            sink,
        }
    }

    /// All servers down, everything that drives the run scheduled.
    pub(crate) fn new(seed: u64, config: &'a Config, sink: &'a mut dyn FnMut(&Event)) -> Self {
        let mut cluster = Self::down(seed, config, sink);
        for id in 1..=ServerId::from(config.servers) {
            let delay = cluster.rng.below(300_000);
            cluster.after(delay, Happening::Start(id));
        }
        cluster.next_request();
        cluster.next_fault();
        cluster.after(LOOK_US, Happening::Look);
        cluster
    }

    /// Runs to the end.
    pub(crate) fn run(mut self) -> Outcome {
        while let Some(happening) = self.schedule.next() {
            if matches!(happening, Happening::Look) {
                if self.look() {
                    break;
                }
                self.after(LOOK_US, Happening::Look);
            } else {
                self.happen(happening);
            }
        }
        self.end()
    }

    /// Lets the next thing happen. False: nothing is scheduled.
    pub(crate) fn step(&mut self) -> bool {
        let Some(happening) = self.schedule.next() else { return false };
        self.happen(happening);
        true
    }

    /// Stops everything, and says what it came to.
    pub(crate) fn end(mut self) -> Outcome {
        let settled = self.is_settled();
        self.stop();
        self.stats.elapsed_us = self.schedule.now();
        let histories = self.servers.iter().map(|(id, server)| {
            let digests = server.disk.history().iter().map(|t| (t.zxid, txn_digest(&t.payload)));
            (*id, digests.collect())
        });
        let histories = histories.collect();
        self.ledger.close(histories, settled, self.stats)
    }

    /// Lets something happen after `delay` microseconds.
    pub(crate) fn after(&mut self, delay: Time, happening: Happening) {
        self.schedule.after(delay, &mut self.rng, happening);
    }

    /// Schedules a look at a direction of a connection.
    pub(crate) fn watch(&mut self, watch: Option<Watch>) {
        if let Some((id, from, at)) = watch {
            let delay = at.saturating_sub(self.schedule.now());
            self.after(delay, Happening::Arrival(id, from));
        }
    }

    /// The server's present life, as what is scheduled for it names it.
    pub(crate) fn who(&self, server: ServerId) -> Option<Who> {
        let incarnation = self.servers.get(&server).filter(|s| s.life.is_some())?.incarnation;
        Some(Who { server, incarnation })
    }

    /// The server, if it still lives the life that was meant.
    pub(crate) fn life(&mut self, who: Who) -> Option<&mut Life> {
        let server = self.servers.get_mut(&who.server)?;
        server.life.as_mut().filter(|_| server.incarnation == who.incarnation)
    }

    /// Puts something into a server's inbox and lets the server run.
    pub(crate) fn give(&mut self, who: Who, incoming: Incoming) {
        let Some(life) = self.life(who) else { return };
        life.inbox.push_back(incoming);
        self.wake(who);
    }

    /// Lets a server run soon, unless it will anyway.
    pub(crate) fn wake(&mut self, who: Who) {
        let Some(life) = self.life(who) else { return };
        if !life.writing && !std::mem::replace(&mut life.scheduled, true) {
            let delay = self.rng.within(1, 40);
            self.after(delay, Happening::Run(who));
        }
    }

    /// Writes lines of a server's trace, numbered as they are written.
    pub(crate) fn emit(&mut self, who: Who, events: impl IntoIterator<Item = Event>) {
        for mut event in events {
            let Some(life) = self.life(who) else { return };
            event.seq = life.seq;
            life.seq += 1;
            self.stats.events += 1;
            (self.sink)(&event);
        }
    }

    /// The recorder writes that it killed a server whose last line was numbered `last`.
    pub(crate) fn emit_killed(&mut self, who: Who, last: u64) {
        let event = Event::killed(who.server, who.incarnation, 0, vec![(Chain::MAIN, last)]);
        self.stats.events += 1;
        (self.sink)(&event);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Arrival(id, from) => self.arrive(id, from),
            Happening::Run(who) => self.run_server(who),
            Happening::Written(who) => self.written(who),
            Happening::Synced(who) => self.synced(who),
            Happening::Elapsed(who, generation, timer) => {
                self.give(who, Incoming::Elapsed(generation, timer));
            }
            Happening::Tick(who) => {
                if self.life(who).is_some() {
                    self.give(who, Incoming::Input(Input::Tick));
                    self.after(TICK_US, Happening::Tick(who));
                }
            }
            Happening::Dial(who, generation) => self.dial(who, generation),
            Happening::ElectionDial(who, to) => self.election_dial(who, to),
            Happening::ElectionWrite(who, to) => self.election_write(who, to),
            Happening::Request => self.request(),
            Happening::Fault => self.fault(),
            Happening::Kill(who) => {
                if self.life(who).is_some() {
                    self.kill(who.server);
                }
            }
            Happening::Heal(a, b) => self.heal(a, b),
            Happening::Hurry(a, b) => self.network.set_slow(a, b, false),
            Happening::FastDisk(id) => {
                if let Some(server) = self.servers.get_mut(&id) {
                    server.slow_disk = false;
                }
            }
            Happening::Start(id) => self.start(id),
            Happening::Look => {}
        }
    }

    /// Takes everything off a direction that has arrived by now.
    fn arrive(&mut self, id: ConnectionId, from: End) {
        loop {
            match self.network.arrive(id, from, self.schedule.now()) {
                Head::Idle => return,
                Head::Later(at) => return self.watch(Some((id, from, at))),
                Head::Arrived(arrival) => self.receive(id, from, arrival),
            }
        }
    }

    fn receive(&mut self, id: ConnectionId, from: End, arrival: Arrival<Wire>) {
        let Some(connection) = self.network.get(id) else { return };
        let (sender, receiver) = (connection.server(from), connection.server(from.other()));
        let port = connection.port;
        let Some(who) = self.who(receiver) else { return };
        match arrival {
            Arrival::Message(Wire::Notification(notification)) => {
                let input = Input::Notification { from: sender, connection: id, notification };
                self.give(who, Incoming::Input(input));
            }
            Arrival::Message(Wire::Quorum(message, snapshot)) => {
                self.give(who, Incoming::Message(sender, id, message, snapshot));
            }
            Arrival::End => self.hang_up(who, sender, id, port),
        }
    }

    /// A client asks a server that takes requests, if there is one.
    fn request(&mut self) {
        if self.quiet_since.is_some() {
            return;
        }
        self.next_request();
        let leaders: Vec<_> = self
            .servers
            .iter()
            .filter(|(_, server)| {
                server.life.as_ref().is_some_and(|life| life.peer.is_established())
                    && server.life.as_ref().is_some_and(|life| life.peer.is_leading())
            })
            .map(|(id, _)| *id)
            .collect();
        let Some(who) = self.rng.pick(&leaders).and_then(|id| self.who(id)) else { return };
        self.ask(who);
    }

    /// A client asks this server for a transaction, and nobody else for the same.
    pub(crate) fn ask(&mut self, who: Who) -> Arc<[u8]> {
        self.stats.requests += 1;
        let payload: Arc<[u8]> = self.stats.requests.to_be_bytes().into();
        self.give(who, Incoming::Input(Input::Request { payload: Arc::clone(&payload) }));
        payload
    }

    fn next_request(&mut self) {
        let pauses = self.rng.chance(self.config.pauses_per_mille);
        let mean = self.config.request_interval_us * if pauses { 50 } else { 1 };
        let delay = self.rng.within(1, 2 * mean);
        self.after(delay, Happening::Request);
    }

    /// Whether the run is over. Faults stop when enough has happened.
    fn look(&mut self) -> bool {
        if let Some(since) = self.quiet_since {
            let late = self.schedule.now() - since > self.config.settle_us;
            let loud = self.stats.events > 3 * self.config.events + 1_000;
            return self.is_settled() || late || loud;
        }
        let now = self.schedule.now();
        if self.stats.events > self.progress.1 {
            self.progress = (now, self.stats.events);
        }
        // If no server can start any more, the number of lines asked for is never reached.
        let stalled = now - self.progress.0 > self.config.settle_us;
        if self.stats.events >= self.config.events || stalled {
            self.quiet_since = Some(now);
            self.end_faults();
        }
        false
    }

    /// All servers are in broadcast, with nothing under way that could change a history.
    pub(crate) fn is_settled(&self) -> bool {
        let quiet = self.servers.values().all(|server| {
            server.life.as_ref().is_some_and(|life| {
                life.is_idle()
                    && life.peer.state().phase == Some(Phase::Broadcast)
                    && server.disk.is_synced()
            })
        });
        quiet && self.network.is_empty(|wire| !matches!(wire, Wire::Quorum(Message::Ping, _)))
    }

    /// Stops the servers; one that is in the middle of something is killed.
    fn stop(&mut self) {
        let ids: Vec<_> = self.servers.keys().copied().collect();
        for who in ids.into_iter().filter_map(|id| self.who(id)).collect::<Vec<_>>() {
            let Some(life) = self.life(who) else { continue };
            if life.program.is_empty() && !life.writing {
                let event = life.observer.stop();
                self.emit(who, [event]);
            } else {
                self.kill(who.server);
            }
        }
    }

    /// Whether this run has that defect.
    pub(crate) fn has(&self, mutant: DriverMutant) -> bool {
        self.config.driver_mutant() == Some(mutant)
    }
}
