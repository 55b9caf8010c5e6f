//! One state that explains what a server showed so far: the model's server, and what its rules
//! have produced but no line has shown yet.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;
use zab_model::{
    Config, Decision, Effect, Enabled, Message, Notification, Phase, Probe, Role, Server, ServerId,
    ServerSet, Shape, Step, Wide, Write, Zxid,
};
use zab_trace::Round;

use crate::state::context::Context;
use crate::state::witness::Entry;
use crate::trace::{ConnectionId, Log, ModelMessage, Shown};

/// The quorum connection to a peer that the model knows as open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Wire {
    /// Its name; none if there is none, or if the contract hides `Connected`.
    pub(crate) connection: Option<ConnectionId>,
    /// What is to be sent on it, in order.
    pub(crate) pending: VecDeque<ModelMessage>,
}

/// What goes to a peer over the election port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Notices {
    /// Notifications to be sent; a newer one may replace those before it.
    pub(crate) pending: VecDeque<Notification<u32>>,
    /// The last one sent.
    pub(crate) last: Option<Notification<u32>>,
}

/// Decisions made and not yet shown, each kind in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Decided {
    pub(crate) looking: VecDeque<Round>,
    /// The `Looking` line of a program that still has a write to do has come already.
    pub(crate) looking_shown: bool,
    pub(crate) elected: VecDeque<(ServerId, Round)>,
    pub(crate) established: VecDeque<u32>,
    pub(crate) committed: VecDeque<Zxid<u32>>,
}

/// A line that should have come by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owed {
    Delivered(Zxid<u32>),
    Looking(Round),
    Elected(ServerId, Round),
    Established(u32),
    Committed(Zxid<u32>),
    /// The next write of the program.
    Persisted,
}

impl Decided {
    /// The first decision that no line has shown.
    pub(crate) fn owed(&self) -> Option<Owed> {
        let Self { looking, looking_shown: _, elected, established, committed } = self;
        let looking = looking.front().map(|round| Owed::Looking(*round));
        let elected = elected.front().map(|(leader, round)| Owed::Elected(*leader, *round));
        let established = established.front().map(|epoch| Owed::Established(*epoch));
        let committed = committed.front().map(|zxid| Owed::Committed(*zxid));
        looking.or(elected).or(established).or(committed)
    }
}

/// A connection that ended at this end while messages for it were waiting: a driver may still
/// hand them to the socket before it closes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ended {
    pub(crate) connection: ConnectionId,
    pub(crate) pending: VecDeque<ModelMessage>,
}

/// Everything in which two candidates can differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Core {
    /// The model's server.
    pub(crate) server: Server<Wide>,
    /// By row: the open connection to each peer.
    pub(crate) wires: Vec<Wire>,
    /// Connections that this end accepted, and on which no FOLLOWERINFO has come yet.
    pub(crate) accepted: Vec<ConnectionId>,
    /// Connections that this end has ended, until their `Disconnected` line.
    pub(crate) ended: Vec<Ended>,
    /// By row: the election port.
    pub(crate) notices: Vec<Notices>,
    /// Transactions delivered and not yet shown.
    pub(crate) delivered: VecDeque<Zxid<u32>>,
    /// Decisions not yet shown.
    pub(crate) decided: Decided,
    /// Hidden requests whose PROPOSAL has not been sent.
    pub(crate) ahead: u32,
    /// Where lines are only partially ordered: how many it has taken of each chain of the open
    /// segment.
    pub(crate) cut: Vec<u32>,
}

/// What happened to the ensemble's common history, for the global properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// This leader made a transaction.
    Proposed { zxid: Zxid<u32>, payload: u64 },
    /// This leader has its quorum for the epoch, and this history is committed.
    Established { epoch: u32, history: Log },
    /// This leader committed up to here.
    Committed { zxid: Zxid<u32>, history: Log },
    /// A server in broadcast holds this history as committed.
    Held { history: Log },
}

/// A candidate.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// In what it can differ from others.
    pub(crate) core: Core,
    /// What its steps did to the common history since the last line on which it was alone.
    pub(crate) facts: Vec<Fact>,
    /// Its steps since then.
    pub(crate) trail: Vec<Entry>,
    /// Writes of the last step.
    pub(crate) written: Option<Write<u32>>,
    /// The message that the last `Sent` line took.
    pub(crate) sent: Option<ModelMessage>,
    /// The transaction of the last step.
    pub(crate) proposed: Option<Zxid<u32>>,
    /// The last step ended a role while a decision of that role had not been shown.
    pub(crate) owed: Option<Owed>,
}

impl Candidate {
    /// A server that has never run.
    pub(crate) fn new(id: ServerId, voters: usize) -> Self {
        let core = Core {
            server: Server::new(id),
            wires: vec![Wire::default(); voters],
            accepted: Vec::new(),
            ended: Vec::new(),
            notices: vec![Notices::default(); voters],
            delivered: VecDeque::new(),
            decided: Decided::default(),
            ahead: 0,
            cut: Vec::new(),
        };
        Self {
            core,
            facts: Vec::new(),
            trail: Vec::new(),
            written: None,
            sent: None,
            proposed: None,
            owed: None,
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        let core = &self.core;
        let wires = core.wires.iter().map(|wire| wire.pending.capacity());
        let ended = core.ended.iter().map(|ended| ended.pending.capacity());
        let notices = core.notices.iter().map(|notices| notices.pending.capacity());
        size_of::<Self>()
            + wires.chain(ended).sum::<usize>() * size_of::<ModelMessage>()
            + notices.sum::<usize>() * size_of::<Notification<u32>>()
            + core.wires.len() * (size_of::<Wire>() + size_of::<Notices>())
            + core.server.leader.outstanding.len() * size_of::<ServerSet>()
            + core.delivered.capacity() * size_of::<Zxid<u32>>()
            + self.facts.capacity() * size_of::<Fact>()
            + self.trail.capacity() * size_of::<Entry>()
    }

    /// A hash of everything in which candidates can differ.
    pub(crate) fn fingerprint(&self) -> u64 {
        // A fixed seed: a check of the same trace does the same again.
        FixedState::default().hash_one(&self.core)
    }

    /// Takes a step of the model, and keeps what it produces. False, and no change, if it is not
    /// enabled.
    pub(crate) fn step<P: Probe>(
        &mut self,
        ctx: &mut Context<'_>,
        step: Step<Wide>,
        probe: &mut P,
    ) -> bool {
        ctx.outbox.clear();
        let before = self.core.server.phase;
        if zab_model::apply(ctx.cfg, &mut self.core.server, step, ctx.outbox, probe) == Enabled::No
        {
            return false;
        }
        *ctx.steps += 1;
        if ctx.witness {
            self.trail.push(Entry::Step(step));
        }
        self.written = None;
        self.proposed = None;
        self.owed = None;
        for effect in ctx.outbox.effects() {
            self.keep(ctx.cfg, ctx.shown, step, *effect);
        }
        let server = &self.core.server;
        if before != Phase::Broadcast && server.phase == Phase::Broadcast {
            let history = Wide::prefix(&ctx.cfg.logs, &server.history, server.committed(ctx.cfg));
            self.facts.push(Fact::Held { history });
        }
        true
    }

    /// Keeps what lines are to show.
    fn keep(&mut self, cfg: &Config<Wide>, shown: Shown, step: Step<Wide>, effect: Effect<Wide>) {
        let core = &mut self.core;
        match effect {
            Effect::Persisted(write) => self.written = Some(write),
            Effect::Delivered(zxid) => {
                if shown.delivered {
                    core.delivered.push_back(zxid);
                }
            }
            Effect::Sent { to, message: Message::Notification(notification) } => {
                if let Some(notices) = row_mut(&mut core.notices, to) {
                    // Where repetitions are hidden, a proposal may be sent any number of times.
                    let proposal = notification.role == Role::Looking;
                    if !shown.resent && proposal && notices.pending.back() == Some(&notification) {
                        return;
                    }
                    notices.pending.push_back(notification);
                }
            }
            Effect::Sent { to, message } => {
                if let Some(wire) = row_mut(&mut core.wires, to) {
                    wire.pending.push_back(message);
                }
            }
            Effect::Decided(decision) => self.decide(cfg, shown, step, decision),
            Effect::Closed(peer) => core.end(peer),
            // The caller, who knows the new connection, has put the older one aside.
            Effect::Replaced(_)
            // At grain `threads` only, which no trace is followed at.
            | Effect::Queued { .. }
            | Effect::Started(_) => {}
            Effect::ClosedAll => {
                core.end_all();
                // `zk.fle.enter` takes the log over: what was to be delivered counts as applied.
                core.delivered.clear();
                self.owed = core.decided.owed();
            }
        }
    }

    fn decide(
        &mut self,
        cfg: &Config<Wide>,
        shown: Shown,
        step: Step<Wide>,
        decision: Decision<u32>,
    ) {
        let decided = &mut self.core.decided;
        let history = self.core.server.history;
        match decision {
            Decision::Looking { round } => {
                if shown.looking && !std::mem::take(&mut decided.looking_shown) {
                    decided.looking.push_back(round);
                }
            }
            Decision::Resent => {}
            Decision::Elected { leader, round } => {
                self.owed = decided.owed();
                if shown.elected {
                    decided.elected.push_back((leader, round));
                }
            }
            Decision::Proposed { zxid } => {
                self.proposed = Some(zxid);
                if let Step::Request { payload } = step {
                    self.facts.push(Fact::Proposed { zxid, payload });
                }
            }
            Decision::Established { epoch } => {
                if shown.established {
                    decided.established.push_back(epoch);
                }
                let committed = self.core.server.committed(cfg);
                let history = Wide::prefix(&cfg.logs, &history, committed);
                self.facts.push(Fact::Established { epoch, history });
            }
            Decision::Committed { zxid } => {
                if shown.committed {
                    decided.committed.push_back(zxid);
                }
                self.facts.push(Fact::Committed { zxid, history });
            }
        }
    }
}

impl Core {
    /// Ends the open connection to a peer.
    pub(crate) fn end(&mut self, peer: ServerId) {
        if let Some(wire) = row_mut(&mut self.wires, peer) {
            let wire = std::mem::take(wire);
            if let Some(connection) = wire.connection {
                self.ended.push(Ended { connection, pending: wire.pending });
            }
        }
    }

    /// Ends every quorum connection.
    pub(crate) fn end_all(&mut self) {
        for wire in &mut self.wires {
            let wire = std::mem::take(wire);
            if let Some(connection) = wire.connection {
                self.ended.push(Ended { connection, pending: wire.pending });
            }
        }
        let accepted = self.accepted.drain(..);
        self.ended
            .extend(accepted.map(|connection| Ended { connection, pending: VecDeque::new() }));
    }

    /// The first line that must come before the process stops cleanly.
    pub(crate) fn owed(&self, shown: Shown) -> Option<Owed> {
        let delivered = self.delivered.front().map(|zxid| Owed::Delivered(*zxid));
        let writes = shown.persisted && !self.server.program.is_finished();
        let persisted = writes.then_some(Owed::Persisted);
        delivered.or(self.decided.owed()).or(persisted)
    }

    /// Everything that a process forgets when it ends.
    pub(crate) fn forget(&mut self) {
        self.wires.fill_with(Wire::default);
        self.accepted.clear();
        self.ended.clear();
        self.notices.fill_with(Notices::default);
        self.delivered.clear();
        self.decided = Decided::default();
        self.ahead = 0;
    }

    /// The open connection to a peer.
    pub(crate) fn wire(&mut self, peer: ServerId) -> Option<&mut Wire> {
        row_mut(&mut self.wires, peer)
    }
}

/// The row of a server in a table that has one for each voter.
pub(crate) fn row_mut<T>(table: &mut [T], id: ServerId) -> Option<&mut T> {
    id.row().and_then(|row| table.get_mut(row))
}
