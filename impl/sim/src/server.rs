//! One server of the cluster: its disk, and while it lives its core and what surrounds it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use zab_core::{
    Close, ConnectionId, Deliver, Dial, Effects, Input, Message, Notification, Observer, Outgoing,
    Peer, ServerId, Timer, TimerChange, Txn, Write, Zxid,
};

use zab_trace::ConnectionName;

use crate::defect::DriverMutant;
use crate::disk::{Disk, Snapshot};
use crate::election_link::ElectionLink;
use crate::rng::Rng;

/// A server, alive or not.
#[derive(Debug)]
pub(crate) struct Server {
    /// What survives.
    pub(crate) disk: Disk,
    /// How often it has started.
    pub(crate) incarnation: u32,
    /// What does not survive; `None` while the server is down.
    pub(crate) life: Option<Life>,
    /// Its disk takes long.
    pub(crate) slow_disk: bool,
    /// It followed when it was last killed.
    pub(crate) followed: bool,
}

impl Server {
    /// A server that was never started.
    pub(crate) fn new(mutant: Option<DriverMutant>) -> Self {
        let disk = Disk::new(mutant);
        Self { disk, incarnation: 0, life: None, slow_disk: false, followed: false }
    }
}

/// What waits to be handed to the core.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// An input as it stands.
    Input(Input),
    /// An input about a connection that the trace does not know yet.
    Opened(Input, ConnectionId, ConnectionName),
    /// Nothing more comes from this election connection.
    Ended(ConnectionId),
    /// A message on a quorum connection, and the state if it is a SNAP.
    Message(ServerId, ConnectionId, Message, Option<Snapshot>),
    /// The timer of this generation ran out; an older one than the present is void.
    Elapsed(u64, Timer),
    /// A mutant's input, of which the trace shows the consequences and not the cause.
    Forged(Input),
}

impl Incoming {
    /// The quorum connection that this came from or is about.
    pub(crate) fn quorum_connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Message(_, connection, _, _)
            | Self::Opened(
                Input::Connected { connection, .. } | Input::Accepted { connection },
                ..,
            )
            | Self::Input(Input::Disconnected { connection }) => Some(*connection),
            Self::Input(_)
            | Self::Opened(..)
            | Self::Ended(_)
            | Self::Elapsed(..)
            | Self::Forged(_) => None,
        }
    }
}

/// One effect of a step. A kill can come before any of them.
#[derive(Debug)]
pub(crate) enum Op {
    /// Close connections.
    Close(Close),
    /// Write, and wait for it.
    Write(Write),
    /// Begin to append.
    Append(Vec<Txn>),
    /// Give to the state machine.
    Deliver(Deliver),
    /// Send on the quorum port.
    Send(Outgoing),
    /// Offer to the election port.
    Notify(ServerId, Notification),
    /// Dial, or stop.
    Dial(Dial),
    /// Arm or disarm the timer.
    Timer(TimerChange),
    /// Emit the decisions that follow from the step.
    Finish,
}

impl Op {
    /// Whether it sends a message that a trace shows.
    pub(crate) fn is_shown(&self) -> bool {
        match self {
            Self::Send(out) => out.message != Message::Ping,
            Self::Close(_)
            | Self::Write(_)
            | Self::Append(_)
            | Self::Deliver(_)
            | Self::Notify(..)
            | Self::Dial(_)
            | Self::Timer(_)
            | Self::Finish => false,
        }
    }
}

/// A dial under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// Whom.
    pub(crate) leader: ServerId,
    /// How often more, after a failure.
    pub(crate) left: u32,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Life {
    /// The core.
    pub(crate) peer: Peer,
    /// What makes the trace.
    pub(crate) observer: Observer,
    /// What arrived and was not handed in yet.
    pub(crate) inbox: VecDeque<Incoming>,
    /// The effects of the last step that are still to be carried out.
    pub(crate) program: VecDeque<Op>,
    /// An event that continues this server is scheduled.
    pub(crate) scheduled: bool,
    /// The program waits for the disk.
    pub(crate) writing: bool,
    /// The program has written something.
    pub(crate) wrote: bool,
    /// The generation of the timer that counts.
    pub(crate) timer: u64,
    /// The dial that counts, with its generation.
    pub(crate) dial: (u64, Option<Attempt>),
    /// The ways to the other election ports.
    pub(crate) links: BTreeMap<ServerId, ElectionLink<Notification>>,
    /// The transactions about which a client waits here.
    pub(crate) awaited: BTreeSet<Zxid>,
    /// The last transaction that the state machine was given.
    pub(crate) applied: Zxid,
    /// The number of the next trace line.
    pub(crate) seq: u64,
}

impl Life {
    /// A life that begins with the effects of recovery still to be carried out.
    pub(crate) fn new(
        peer: Peer,
        observer: Observer,
        others: impl Iterator<Item = ServerId>,
        applied: Zxid,
    ) -> Self {
        Self {
            peer,
            observer,
            inbox: VecDeque::new(),
            program: VecDeque::new(),
            scheduled: false,
            writing: false,
            wrote: false,
            timer: 0,
            dial: (0, None),
            links: others.map(|id| (id, ElectionLink::new())).collect(),
            awaited: BTreeSet::new(),
            applied,
            seq: 0,
        }
    }

    /// Nothing waits to be done.
    pub(crate) fn is_idle(&self) -> bool {
        self.inbox.is_empty() && self.program.is_empty() && !self.writing
    }
}

/// The effects of a step in the order in which the driver carries them out.
pub(crate) fn program(
    effects: Effects,
    mutant: Option<DriverMutant>,
    rng: &mut Rng,
) -> VecDeque<Op> {
    let mut writes: VecDeque<_> = effects.persist.into_iter().map(Op::Write).collect();
    if mutant == Some(DriverMutant::EpochBeforeLog) {
        epoch_first(&mut writes);
    }
    let mut sends = effects.send;
    if mutant == Some(DriverMutant::SwapSends) {
        swap_two(&mut sends, rng);
    }
    let sends: Vec<_> = sends.into_iter().map(Op::Send).collect();
    let mut ops: VecDeque<_> = effects.close.into_iter().map(Op::Close).collect();
    let early = mutant == Some(DriverMutant::SendBeforePersist);
    let (before, after) = if early { (sends, Vec::new()) } else { (Vec::new(), sends) };
    ops.extend(before);
    ops.extend(writes);
    if !effects.append.is_empty() {
        ops.push_back(Op::Append(effects.append));
    }
    ops.extend(effects.deliver.into_iter().map(Op::Deliver));
    ops.extend(after);
    ops.extend(effects.notify.into_iter().map(|(to, notification)| Op::Notify(to, notification)));
    ops.extend(effects.dial.map(Op::Dial));
    ops.extend(effects.timer.map(Op::Timer));
    ops.push_back(Op::Finish);
    ops
}

/// Moves a write of currentEpoch to the front.
fn epoch_first(writes: &mut VecDeque<Op>) {
    let epoch = writes.iter().position(|op| matches!(op, Op::Write(Write::CurrentEpoch(_))));
    if let Some(op) = epoch.and_then(|index| writes.remove(index)) {
        writes.push_front(op);
    }
}

/// Now and then swaps two neighbours that go to one connection.
fn swap_two(sends: &mut [Outgoing], rng: &mut Rng) {
    let neighbours: Vec<_> = (1..sends.len())
        .filter(|index| sends[*index - 1].connection == sends[*index].connection)
        .collect();
    if rng.chance(200)
        && let Some(index) = rng.pick(&neighbours)
    {
        sends.swap(index - 1, index);
    }
}
