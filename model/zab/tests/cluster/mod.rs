//! A handful of servers with FIFO links, driven by numbers: the same numbers give the same run in
//! either shape.

use std::collections::VecDeque;

use zab_model::{
    Config, Effect, Enabled, Message, Number, Outbox, Phase, Probe, Queue, Role, Server, ServerId,
    Shape, Stage, Step, Table, apply,
};

/// How many requests a run has: as many as a small history has room for.
pub(crate) const REQUESTS_MAX: u8 = 12;

/// Servers, and what is on its way between them.
pub(crate) struct Cluster<S: Shape> {
    pub(crate) cfg: Config<S>,
    pub(crate) servers: Vec<Server<S>>,
    /// Notifications, by (from, to).
    notes: Vec<Vec<VecDeque<Message<S>>>>,
    /// Packets of the quorum connection between two servers, by (from, to).
    packets: Vec<Vec<VecDeque<Message<S>>>>,
    /// Whether an end has a connection to the other, by (end, other).
    ends: Vec<Vec<bool>>,
    payload: u8,
    /// The digest of every prefix that some server in BROADCAST ever knew to be committed.
    committed: Vec<u64>,
}

/// What a step did, in words that do not depend on the shape.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    pub(crate) server: usize,
    pub(crate) step: String,
    pub(crate) enabled: Enabled,
    pub(crate) effects: Vec<String>,
    pub(crate) state: String,
}

impl<S: Shape<Payload: From<u8>>> Cluster<S> {
    pub(crate) fn new(mut cfg: Config<S>, window: usize) -> Self {
        cfg.ensemble.window = window;
        let n = usize::from(cfg.ensemble.voters);
        let servers = cfg.ensemble.voters().map(Server::new).collect();
        let queues = || vec![vec![VecDeque::new(); n]; n];
        let (notes, packets) = (queues(), queues());
        Self {
            cfg,
            servers,
            notes,
            packets,
            ends: vec![vec![false; n]; n],
            payload: 0,
            committed: vec![],
        }
    }

    /// Every step that the environment allows, in a fixed order. `faults`: also crashes, cuts and
    /// timeouts.
    pub(crate) fn choices(&self, faults: bool) -> Vec<(usize, Step<S>)> {
        let mut found = Vec::new();
        for (me, server) in self.servers.iter().enumerate() {
            if server.role == Role::Down {
                for survived in 0..=server.unsynced() {
                    found.push((me, Step::Start { survived: S::Num::from_usize(survived) }));
                }
                continue;
            }
            if faults {
                found.push((me, Step::Crash));
            }
            if !server.program.is_finished() {
                found.push((me, Step::ProgramNext));
                continue;
            }
            if faults && server.role != Role::Looking {
                found.push((me, Step::LeaveRole));
            }
            self.idle_choices(me, server, &mut found);
        }
        found
    }

    fn idle_choices(&self, me: usize, server: &Server<S>, found: &mut Vec<(usize, Step<S>)>) {
        let durable = S::length(&server.disk.history);
        for length in durable + 1..=S::length(&server.history) {
            let up_to = self.cfg.history(server.history).zxid_at(length);
            found.push((me, Step::SyncLog { up_to }));
        }
        found.push((me, Step::Settle));
        if self.notes[me].iter().all(VecDeque::is_empty) {
            found.push((me, Step::Resend));
        }
        if self.payload < REQUESTS_MAX {
            found.push((me, Step::Request { payload: S::Payload::from(self.payload + 1) }));
        }
        for other in 0..self.servers.len() {
            let peer = id(other);
            if let Some(message) = self.notes[other][me].front() {
                found.push((me, Step::Receive { from: peer, message: *message }));
            }
            if self.ends[me][other] {
                if let Some(message) = self.packets[other][me].front() {
                    found.push((me, Step::Receive { from: peer, message: *message }));
                } else if !self.ends[other][me] {
                    found.push((me, Step::Disconnected { peer }));
                }
            }
        }
        let leader = server.vote.leader.row().unwrap_or_default();
        if server.role == Role::Following
            && server.synchronization.stage == Stage::Idle
            && !self.ends[me][leader]
            && self.servers[leader].role == Role::Leading
        {
            found.push((me, Step::Connected { peer: server.vote.leader }));
        }
    }

    /// Does one of the possible steps, chosen by a number.
    pub(crate) fn step(&mut self, choice: usize, faults: bool, probe: &mut impl Probe) -> Happened {
        let choices = self.choices(faults);
        let (me, step) = choices[choice % choices.len()];
        self.take(me, step, probe)
    }

    /// Does this step of a server.
    pub(crate) fn take(&mut self, me: usize, step: Step<S>, probe: &mut impl Probe) -> Happened {
        self.before(me, &step);
        let mut out = Outbox::default();
        let unchanged = self.servers[me].clone();
        let enabled = apply(&self.cfg, &mut self.servers[me], step, &mut out, probe);
        let requested = matches!(step, Step::Request { .. }) && enabled == Enabled::Yes;
        self.payload += u8::from(requested);
        if enabled == Enabled::No {
            assert_eq!(unchanged, self.servers[me], "a disabled step changed its server");
            assert_eq!(out.effects(), [], "a disabled step has effects");
        }
        let effects = out.effects().iter().map(|effect| self.done(me, effect)).collect();
        let name = if let Step::Receive { from, message } = step {
            format!("receive from={from} {message}")
        } else {
            format!("{step:?}").split([' ', '{']).next().unwrap_or_default().to_owned()
        };
        let state = self.servers[me].projection(&self.cfg).to_string();
        Happened { server: me, step: name, enabled, effects, state }
    }

    /// What the world does with a step before the server does.
    fn before(&mut self, me: usize, step: &Step<S>) {
        match step {
            Step::Receive { from, message } => {
                let from = from.row().unwrap_or_default();
                let note = matches!(message, Message::Notification(_));
                let queues = if note { &mut self.notes } else { &mut self.packets };
                queues[from][me].pop_front();
            }
            Step::Connected { peer } => {
                let peer = peer.row().unwrap_or_default();
                self.ends[me][peer] = true;
                self.ends[peer][me] = true;
                self.packets[me][peer].clear();
                self.packets[peer][me].clear();
            }
            Step::Disconnected { peer } => self.ends[me][peer.row().unwrap_or_default()] = false,
            Step::Crash => {
                self.ends[me].fill(false);
                self.notes.iter_mut().for_each(|from| from[me].clear());
            }
            Step::Start { .. }
            | Step::ProgramNext
            | Step::SyncLog { .. }
            | Step::Observe { .. }
            | Step::Settle
            | Step::Resend
            | Step::LeaveRole
            | Step::CutReturns
            | Step::LoseDisk
            | Step::AppendFails
            | Step::ZombieWrites
            | Step::Apply
            | Step::Handler { .. }
            | Step::ReceiveOlder { .. }
            | Step::OlderEnds { .. }
            | Step::Request { .. } => {}
        }
    }

    /// What the world does with an effect.
    fn done(&mut self, me: usize, effect: &Effect<S>) -> String {
        match effect {
            Effect::Sent { to, message: message @ Message::Notification(_) } => {
                let queue = &mut self.notes[me][to.row().unwrap_or_default()];
                queue.push_back(*message);
                if queue.len() > 3 {
                    queue.pop_front();
                }
            }
            Effect::Sent { to, message } => {
                let to = to.row().unwrap_or_default();
                assert!(
                    self.ends[me][to],
                    "server {me} sends {message} to {to} without a connection"
                );
                if self.ends[to][me] {
                    self.packets[me][to].push_back(*message);
                }
            }
            Effect::ClosedAll => self.ends[me].fill(false),
            Effect::Closed(peer) => self.ends[me][peer.row().unwrap_or_default()] = false,
            Effect::Queued { .. } | Effect::Started(_) => panic!("{effect} at grain writes"),
            Effect::Replaced(_)
            | Effect::Persisted(_)
            | Effect::Delivered(_)
            | Effect::Decided(_) => {}
        }
        if let Effect::Sent { message: Message::Snap { history, .. }, .. } = effect {
            return format!("{effect} of {:016x}", S::digest(&self.cfg.logs, history));
        }
        effect.to_string()
    }

    /// What must hold in every state: what was once committed stays so, in this order, and a quorum
    /// holds it on disk; epochs do not run ahead of promises; the leader's tables fit.
    pub(crate) fn assert_sound(&mut self) {
        let logs = &self.cfg.logs;
        let digest = |log: &S::Log, length: usize| S::digest(logs, &S::prefix(logs, log, length));
        for a in &self.servers {
            assert!(a.current_epoch <= a.accepted_epoch, "{a:?}");
            assert!(a.disk.accepted_epoch <= a.accepted_epoch, "{a:?}");
            if a.phase == Phase::Broadcast {
                let length = a.committed(&self.cfg);
                let known = self.committed.len();
                self.committed
                    .extend((known + 1..=length).map(|length| digest(&a.history, length)));
                for (index, committed) in self.committed.iter().take(length).enumerate() {
                    assert_eq!(*committed, digest(&a.history, index + 1), "{a:?}");
                }
            }
            if a.phase == Phase::Broadcast && a.role == Role::Leading {
                let open = S::length(&a.history) - a.committed(&self.cfg);
                assert_eq!(a.leader.outstanding.as_slice().len(), open, "{a:?}");
            }
            for other in self.cfg.ensemble.voters() {
                let forwarding = a.leader.learners.row(other).progress.is_forwarding();
                assert!(!forwarding || a.role == Role::Leading, "{a:?}");
            }
        }
        let all = self.committed.len();
        let holds = |server: &&Server<S>| {
            self.committed.last().is_none_or(|last| *last == digest(&server.disk.history, all))
        };
        assert!(
            self.servers.iter().filter(holds).count() >= self.cfg.ensemble.quorum(),
            "{:?}",
            self.servers
        );
    }
}

fn id(row: usize) -> ServerId {
    ServerId(u8::try_from(row + 1).unwrap_or(u8::MAX))
}
