//! The loop around the protocol core: the only owner of the [`Peer`], of the disk and of the
//! trace. Everything that happens reaches it as an event, one at a time, and it carries out the
//! effects of one before it takes the next.

mod effects;
mod joining;
mod learner;
mod newcomers;
mod requests;
mod snapshots;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use zab_core::{ConnectionId, Effects, Input, Message, Peer, Role, ServerId, Timer};
use zab_wire::PacketType;

use crate::client::{Learners, Place, Service, Submissions};
use crate::config::Config;
use crate::convert::{self, Incoming};
use crate::election_net::{Change, ElectionEvent, ElectionNet};
use crate::error::ServerError;
use crate::link::{LinkEvent, Socket};
use crate::quorum_net::{Arrived, QuorumEvent, QuorumNet, ReceivedPacket};
use crate::storage::{Completion, Storage};
use crate::trace::Trace;
use crate::tree::ENSEMBLE;
use crate::zxid::Zxid;
use joining::{Joining, Said};
use learner::Learner;
use newcomers::Newcomers;
use requests::Requests;
pub(crate) use snapshots::Purges;

/// Most events that are taken in before what is to be sent because of them is.
const TOGETHER_MAX: usize = 64;

/// Everything that the driver listens to.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// From the thread that writes the log.
    pub(crate) log: mpsc::UnboundedReceiver<Completion>,
    /// From the election port.
    pub(crate) election: mpsc::Receiver<ElectionEvent>,
    /// From the quorum port.
    pub(crate) quorum: mpsc::Receiver<QuorumEvent>,
    /// From clients.
    pub(crate) submissions: Submissions,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) config: Config,
    /// [`Config::quorum_text`].
    pub(crate) quorum_text: Bytes,
    pub(crate) peer: Peer,
    pub(crate) trace: Trace,
    pub(crate) storage: Storage,
    pub(crate) service: Arc<Service>,
    pub(crate) election: ElectionNet,
    pub(crate) quorum: QuorumNet,
    pub(crate) purges: Purges,
    pub(crate) state: Volatile,
}

/// What a driver remembers between two steps.
#[derive(Debug, Default)]
pub(crate) struct Volatile {
    /// Connections of the quorum port.
    links: BTreeMap<ConnectionId, Learner>,
    /// Connections that say they are servers that have one already.
    newcomers: Newcomers,
    /// The state that came with SNAP, until NEWLEADER puts it in place.
    received: Option<(Zxid, Arrived)>,
    /// When the core's timer runs out.
    timer: Option<(Timer, Instant)>,
    requests: Requests,
    /// Connections whose other end does not read what it is sent.
    stuck: Vec<ConnectionId>,
    /// Clients are served.
    is_serving: bool,
    /// What was last told to the log.
    shown: Option<(Role, bool)>,
    joining: Joining,
    /// What was said of connections with others than the leader.
    said: Said,
}

impl Driver {
    /// Runs until `stop` is ready. `effects` are those of the recovery of the peer.
    pub(crate) async fn run(
        mut self,
        mut inbox: Inbox,
        effects: Effects,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ServerError> {
        let mut stop = pin!(stop);
        let mut ticks = interval(self.config.tick);
        // A driver that was held up by its disk must not take the others for silent.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.start(effects).await?;
        loop {
            self.take_what_waits(&mut inbox).await?;
            self.flush();
            tokio::select! {
                // Reports of the log come before anything that arrived after them. Who could go on
                // for ever comes after those who cannot.
                biased;
                Some(completion) = inbox.log.recv() => {
                    self.step(Input::Synced { zxid: completion? }).await?;
                }
                () = &mut stop => return self.stop().await,
                () = elapsed(self.state.timer) => {
                    if let Some((timer, _)) = self.state.timer.take() {
                        self.step(Input::Elapsed(timer)).await?;
                    }
                }
                _ = ticks.tick() => self.on_tick().await?,
                Some(event) = inbox.election.recv() => self.on_election(event).await?,
                Some(event) = inbox.quorum.recv() => self.on_quorum(event).await?,
                submission = inbox.submissions.next(), if self.takes_submissions() => {
                    self.on_submission(submission).await?;
                    // What other clients have sent by now is written and proposed together with it.
                    tokio::task::yield_now().await;
                }
            }
            self.after_event().await?;
        }
    }

    /// Takes in what has arrived already, but no more than some of it: then the others have their
    /// turn. What is to be sent because of it leaves together.
    async fn take_what_waits(&mut self, inbox: &mut Inbox) -> Result<(), ServerError> {
        for _ in 0..TOGETHER_MAX {
            // As above; and nobody waits for ever because another has always more.
            self.take_reports(inbox).await?;
            let event = inbox.quorum.try_recv().ok();
            let came = event.is_some();
            if let Some(event) = event {
                self.on_quorum(event).await?;
                self.after_event().await?;
                self.take_reports(inbox).await?;
            }
            let takes_more = self.takes_submissions();
            let submission = takes_more.then(|| inbox.submissions.try_next()).flatten();
            if let Some(submission) = submission {
                self.on_submission(submission).await?;
                self.after_event().await?;
            } else if !came {
                break;
            }
        }
        self.take_reports(inbox).await
    }

    /// Takes in how far the log is durable.
    async fn take_reports(&mut self, inbox: &mut Inbox) -> Result<(), ServerError> {
        while let Ok(completion) = inbox.log.try_recv() {
            self.step(Input::Synced { zxid: completion? }).await?;
            self.after_event().await?;
        }
        Ok(())
    }

    async fn after_event(&mut self) -> Result<(), ServerError> {
        while let Some(connection) = self.state.stuck.pop() {
            self.end(connection, "the other end does not read what it is sent").await?;
        }
        self.admit_newcomers().await
    }

    /// Lets go what is to be written to the log, and sent to other servers.
    fn flush(&mut self) {
        self.storage.flush();
        self.state.links.values_mut().for_each(|learner| learner.link.flush());
    }

    async fn start(&mut self, effects: Effects) -> Result<(), ServerError> {
        self.trace.write(|observer| observer.start(&effects, self.peer.state()))?;
        self.carry_out(effects).await
    }

    async fn stop(mut self) -> Result<(), ServerError> {
        self.service.stop_serving();
        self.quorum.stop_listening().await;
        Ok(self.trace.write(|observer| [observer.stop()])?)
    }

    async fn on_tick(&mut self) -> Result<(), ServerError> {
        for learner in self.state.links.values_mut() {
            learner.silent_ticks = learner.silent_ticks.saturating_add(1);
        }
        self.purge_if_due()?;
        self.step(Input::Tick).await?;
        self.service.show_learners(self.learners());
        self.show_place();
        for chore in self.service.chores() {
            self.propose(&chore, &[], ENSEMBLE).await?;
        }
        if let Some(times) = self.state.joining.settle(std::time::Instant::now()) {
            let times = format_args!("{times} attempts to join before failed as said");
            tracing::info!("zab-server {}: serves clients; {times}", self.config.id);
        }
        Ok(())
    }

    /// For those who ask over HTTP.
    fn show_place(&self) {
        self.service.show_place(Place { leader: self.peer.leader(), phase: self.peer.phase() });
    }

    /// Who is connected to this leader, and who of them is synchronized.
    fn learners(&self) -> Learners {
        let mut learners = Learners { connected: self.state.links.len(), ..Learners::default() };
        for (link, learner) in &self.state.links {
            if self.peer.has_acknowledged(*link) {
                let observes =
                    self.config.servers.get(&learner.server).is_some_and(|server| server.observes);
                *if observes { &mut learners.observers } else { &mut learners.followers } += 1;
            }
        }
        learners
    }

    /// Hands one input to the core and carries out what comes back.
    async fn step(&mut self, input: Input) -> Result<(), ServerError> {
        let role = self.peer.role();
        let effects = self.peer.handle(input.clone());
        self.trace.write(|observer| observer.step(&input, &effects, self.peer.state()))?;
        if let Some(error) = &effects.error {
            self.warn(follows(role), error.to_string());
        } else if role != self.peer.role() && matches!(input, Input::Tick) {
            let missed = if follows(role) { "its leader" } else { "a quorum" };
            self.warn(true, format!("heard nothing of {missed} for too long"));
        }
        self.carry_out(effects).await
    }

    async fn on_election(&mut self, event: ElectionEvent) -> Result<(), ServerError> {
        for change in self.election.on_event(event) {
            match change {
                Change::Opened(connection, name) => {
                    self.trace.tell(|observer| observer.opened(connection, name));
                }
                Change::Ended(connection) => self.trace.tell(|observer| observer.ended(connection)),
                Change::Notification { from, connection, notification } => {
                    self.step(Input::Notification { from, connection, notification }).await?;
                }
            }
        }
        self.pump_election()
    }

    async fn on_quorum(&mut self, event: QuorumEvent) -> Result<(), ServerError> {
        match event {
            QuorumEvent::Accepted { server, socket } => {
                if self.peer.is_leading() {
                    self.state.newcomers.arrive(server, socket);
                }
                Ok(())
            }
            QuorumEvent::Dialled { dial, leader, socket } => {
                if !self.quorum.is_current(dial) {
                    return Ok(());
                }
                match socket.and_then(|socket| self.open(socket, leader)) {
                    Some(connection) => self.step(Input::Connected { leader, connection }).await,
                    None => {
                        self.warn(true, format!("server {leader}, the leader, cannot be reached"));
                        self.step(Input::ConnectFailed { leader }).await
                    }
                }
            }
            QuorumEvent::Link { connection, event } => {
                let Some(learner) = self.state.links.get_mut(&connection) else {
                    // Left over from a connection that this end has closed.
                    return Ok(());
                };
                learner.silent_ticks = 0;
                match event {
                    LinkEvent::Items(items) => {
                        for received in items {
                            self.on_received(connection, received).await?;
                        }
                        Ok(())
                    }
                    LinkEvent::Written => Ok(()),
                    LinkEvent::Flowing => self.step(Input::Flowing { connection }).await,
                    LinkEvent::Ended(reason) => self.end(connection, &reason).await,
                }
            }
        }
    }

    /// A packet has come, unless its connection was closed by this end because of one before it.
    async fn on_received(
        &mut self,
        connection: ConnectionId,
        received: ReceivedPacket,
    ) -> Result<(), ServerError> {
        if !self.state.links.contains_key(&connection) {
            return Ok(());
        }
        match self.understand(connection, received) {
            Ok((from, incoming)) => self.on_incoming(connection, from, incoming).await,
            Err(reason) => self.end(connection, &reason).await,
        }
    }

    /// Starts to read and write a quorum connection; `None` if it has ended already.
    fn open(&mut self, socket: Socket, server: ServerId) -> Option<ConnectionId> {
        let link = self.quorum.start(socket).ok()?;
        let connection = link.id;
        self.trace.tell(|observer| observer.opened(connection, link.name.clone()));
        self.state.links.insert(connection, Learner::new(link, server));
        Some(connection)
    }

    /// A quorum connection has ended, or is ended because of what came on it.
    async fn end(&mut self, connection: ConnectionId, reason: &str) -> Result<(), ServerError> {
        let Some(learner) = self.state.links.remove(&connection) else { return Ok(()) };
        let is_own = follows(self.peer.role());
        self.warn(is_own, format!("connection with server {} ended: {reason}", learner.server));
        self.step(Input::Disconnected { connection }).await
    }

    /// What arrived, and from whom. An error ends the connection.
    fn understand(
        &mut self,
        connection: ConnectionId,
        received: ReceivedPacket,
    ) -> Result<(ServerId, Incoming), String> {
        let incoming = convert::from_packet(&received.packet)?;
        let learner = self.state.links.get_mut(&connection).ok_or("no such connection")?;
        let from = learner.server;
        if received.packet.kind == PacketType::Ping {
            learner.pinged = crate::zxid::from_wire(received.packet.zxid);
        }
        if matches!(received.packet.kind, PacketType::FollowerInfo | PacketType::ObserverInfo)
            && let (server, _) = convert::learner_info(&received.packet)?
            && server != from
        {
            return Err(format!("server {from} says that it is server {server}"));
        }
        if let Some(state) = received.state {
            let zxid = crate::zxid::from_wire(received.packet.zxid);
            self.state.received = Some((zxid, *state));
        }
        Ok((from, incoming))
    }

    async fn on_incoming(
        &mut self,
        connection: ConnectionId,
        from: ServerId,
        incoming: Incoming,
    ) -> Result<(), ServerError> {
        match incoming {
            Incoming::Message(Message::Ack { zxid }) if self.is_early(connection, zxid) => {
                self.step(Input::Heard { connection }).await
            }
            Incoming::Message(message) => {
                self.step(Input::Message { from, connection, message }).await
            }
            Incoming::Heard(sessions) => {
                if self.peer.has_acknowledged(connection) {
                    let sessions = sessions.iter().map(|one| (one.session, one.timeout_ms));
                    self.service.heard(sessions);
                }
                self.step(Input::Message { from, connection, message: Message::Ping }).await
            }
            Incoming::Request(..) | Incoming::Revalidate(_)
                if !self.peer.has_acknowledged(connection) =>
            {
                // Only a server that serves clients has something to ask for them.
                self.end(connection, "it asked for clients before it was a follower").await
            }
            Incoming::Request(request, auth) => {
                self.step(Input::Heard { connection }).await?;
                self.on_forwarded(from, connection, &request, &auth).await
            }
            Incoming::Synced => {
                self.step(Input::Heard { connection }).await?;
                self.on_sync_answered();
                Ok(())
            }
            Incoming::Revalidate(question) => {
                self.step(Input::Heard { connection }).await?;
                self.on_revalidate(from, connection, question);
                Ok(())
            }
            Incoming::Revalidated(answer) => {
                self.step(Input::Heard { connection }).await?;
                self.on_revalidated(answer);
                Ok(())
            }
        }
    }

    /// Whether this is the acknowledgement of something that is committed, from a learner that has
    /// yet to acknowledge NEWLEADER. Followers of ZooKeeper before 3.8.5 and 3.9.2 acknowledge
    /// each transaction that DIFF brought, sometimes too early (ZOOKEEPER-4785). It counts for
    /// nothing, and is no message of the protocol (D-ACKLD).
    fn is_early(&self, connection: ConnectionId, zxid: Zxid) -> bool {
        let is_old = self.peer.state().current_epoch.is_some_and(|epoch| zxid.epoch < epoch);
        let is_committed = is_old || zxid <= self.peer.last_committed();
        self.peer.is_leading() && is_committed && !self.peer.has_acknowledged(connection)
    }

    /// A warning, unless the same was said a short while ago. `is_own`: it is about this server's
    /// place in the ensemble.
    fn warn(&mut self, is_own: bool, text: String) {
        let said = if is_own { &mut self.state.joining.said } else { &mut self.state.said };
        if let Some(text) = said.say(text, std::time::Instant::now()) {
            tracing::warn!("zab-server {}: {text}", self.config.id);
        }
    }
}

/// Whether a server in this role learns from a leader.
fn follows(role: Role) -> bool {
    matches!(role, Role::Following | Role::Observing)
}

/// Waits for the timer, for ever if there is none.
async fn elapsed(timer: Option<(Timer, Instant)>) {
    match timer {
        Some((_, at)) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// When a timer that is armed now runs out.
fn after(milliseconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds)
}
