//! A second checker, for short traces: a search over the states of the whole ensemble.
//!
//! It takes every hidden step at every server at every moment, and the lines in every order that
//! their servers' sequences and explicit channels allow, and remembers where it has been. It has
//! none of the first checker's arguments: no causal order beforehand, no choice that leaves the most
//! behind, no step that is delayed, no later line that narrows down an earlier one. Both must say
//! the same.

mod consume;
mod hidden;
mod node;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use zab_check::Shown;
use zab_check::convert::{Ids, ModelMessage};
use zab_model::{Config, Role, Wide};
use zab_trace::{Event, EventKind, Header, Port, ServerId, TxnDigest, Zxid};

use crate::in_order::in_order;
use crate::uses::ways;
use node::Node;

/// What the search over the whole ensemble says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brute {
    /// A run of the model shows all lines, and nothing is missing.
    Conforms,
    /// No run of the model shows the lines whose predecessors are all there.
    Diverges,
    /// A run shows all lines whose predecessors are all there, but something is missing.
    Incomplete,
    /// More states than allowed.
    GaveUp,
}

/// A state of the whole ensemble, and how far each server's lines have been shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    nodes: Vec<Node>,
    /// How many of each server's lines have been shown.
    shown: Vec<usize>,
    /// By connection and sending row: what is on its way, and the numbers sent and received.
    channels: BTreeMap<(usize, usize), Channel>,
    /// By connection and row: the acceptor has shown it, and no FOLLOWERINFO has come.
    accepted: Vec<(usize, usize)>,
    /// By connection and row: the row of the other end, as a line of this end named it.
    peers: BTreeMap<(usize, usize), usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Channel {
    queue: VecDeque<ModelMessage>,
    sent: u64,
    received: u64,
}

/// What does not change during the search.
struct Trace {
    cfg: Config<Wide>,
    ids: Ids,
    shows: Vec<Shown>,
    /// Each server's lines, in the order of incarnation and number.
    lines: Vec<Vec<Event>>,
    /// Connections by name.
    connections: HashMap<String, usize>,
    digests: HashMap<Zxid, TxnDigest>,
    /// The greatest counter named of each epoch.
    named: BTreeMap<u32, u32>,
}

/// Searches for a run of the model that shows the trace: one chain per server, and `Killed`.
///
/// Gives up after `states_max` states.
#[must_use]
pub fn brute(header: &Header, events: &[Event], states_max: usize) -> Brute {
    let Some((lines, sound)) = in_order(header, events) else { return Brute::Incomplete };
    let Some(ways) = ways(header, &lines) else { return Brute::GaveUp };
    let traces: Option<Vec<Trace>> =
        ways.into_iter().map(|lines| Trace::new(header, lines)).collect();
    let Some(traces) = traces else { return Brute::Incomplete };
    // A way in which more is missing than in another one is none.
    let found = |trace: &Trace| trace.goal().iter().sum::<usize>();
    let most = traces.iter().map(found).max().unwrap_or(0);
    let mut said = Brute::Diverges;
    for trace in traces.into_iter().filter(|trace| found(trace) == most) {
        match search(&trace, sound, states_max) {
            Brute::Conforms => return Brute::Conforms,
            Brute::GaveUp => said = Brute::GaveUp,
            Brute::Incomplete if said == Brute::Diverges => said = Brute::Incomplete,
            Brute::Incomplete | Brute::Diverges => {}
        }
    }
    said
}

/// Searches where every connection has a name of its own.
fn search(trace: &Trace, sound: bool, states_max: usize) -> Brute {
    let servers = trace.lines.len();
    let first = World {
        nodes: (0..servers).map(|row| Node::new(row, servers)).collect(),
        shown: vec![0; servers],
        channels: BTreeMap::new(),
        accepted: Vec::new(),
        peers: BTreeMap::new(),
    };
    let goal = trace.goal();
    if trace.circular(&goal) || trace.misdirected(&goal) {
        return Brute::Diverges;
    }
    let complete = sound
        && (0..servers)
            .all(|row| goal[row] == trace.lines[row].len() && !trace.lines[row].is_empty());
    let mut seen = HashSet::new();
    let mut waiting = Waiting::default();
    waiting.push(first);
    while let Some(world) = waiting.pop() {
        let arrived = world.shown == goal;
        if arrived && !complete {
            return Brute::Incomplete;
        }
        if arrived {
            let ended = world.nodes.iter().all(|node| node.server.role == Role::Down);
            return if ended { Brute::Conforms } else { Brute::Incomplete };
        }
        for (row, goal) in goal.iter().enumerate() {
            let mut next = Vec::new();
            if world.shown[row] < *goal {
                let line = &trace.lines[row][world.shown[row]];
                consume::consume(trace, &world, row, line, &mut next);
            }
            if world.shown[row] < *goal {
                // What a server does after its last line, nobody sees.
                hidden::steps(trace, &world, row, &mut next);
            }
            for world in next {
                if seen.len() > states_max {
                    return Brute::GaveUp;
                }
                if seen.insert(fingerprint(&world)) {
                    waiting.push(world);
                }
            }
        }
    }
    Brute::Diverges
}

/// Worlds that are still to be visited, by how many lines they have shown. Those that have shown
/// most come first, and of these the oldest: where there is a run, it is found soon; where there is
/// none, all are visited in any order.
#[derive(Default)]
struct Waiting(BTreeMap<usize, VecDeque<World>>);

impl Waiting {
    fn push(&mut self, world: World) {
        self.0.entry(world.shown.iter().sum()).or_default().push_back(world);
    }

    fn pop(&mut self) -> Option<World> {
        let mut most = self.0.last_entry()?;
        let world = most.get_mut().pop_front();
        if most.get().is_empty() {
            most.remove();
        }
        world
    }
}

fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

impl Trace {
    /// The trace; none if it cannot be put into this form.
    fn new(header: &Header, lines: Vec<Vec<Event>>) -> Option<Self> {
        let ids = Ids::new(&header.servers);
        let mut cfg = Config::<Wide>::new(u8::try_from(header.servers.len()).ok()?)?;
        cfg.ensemble.window = usize::try_from(header.window).ok()?;
        let shows = ids.all().iter().map(|id| Shown::new(&header.contract, *id)).collect();
        let mut trace = Self {
            cfg,
            shows,
            lines: Vec::new(),
            connections: HashMap::new(),
            digests: HashMap::new(),
            named: BTreeMap::new(),
            ids,
        };
        lines.iter().flatten().for_each(|event| trace.note(event));
        trace.lines = lines;
        Some(trace)
    }

    fn row(&self, server: ServerId) -> Option<usize> {
        self.ids.all().iter().position(|id| *id == server)
    }

    /// How many of each server's lines have all their predecessors in the trace.
    fn goal(&self) -> Vec<usize> {
        let mut goal = vec![0; self.lines.len()];
        let mut sent: HashSet<(usize, usize, u64)> = HashSet::new();
        loop {
            let mut moved = false;
            for (row, goal) in goal.iter_mut().enumerate() {
                while let Some(line) = self.lines[row].get(*goal) {
                    if let EventKind::Received(packet) = &line.kind {
                        let from = self.row(packet.peer).unwrap_or(usize::MAX);
                        let connection = self.connection(&packet.connection);
                        if !sent.contains(&(connection, from, packet.ordinal)) {
                            break;
                        }
                    }
                    if let EventKind::Sent(packet) = &line.kind {
                        sent.insert((self.connection(&packet.connection), row, packet.ordinal));
                    }
                    *goal += 1;
                    moved = true;
                }
            }
            if !moved {
                return goal;
            }
        }
    }

    /// Whether lines that are left wait for each other: each receives what a later one sends.
    fn circular(&self, goal: &[usize]) -> bool {
        let waits_for = |row: usize| {
            let EventKind::Received(wanted) = &self.lines[row].get(goal[row])?.kind else {
                return None;
            };
            let from = self.row(wanted.peer)?;
            let sends = self.lines[from].iter().skip(goal[from]).any(|line| {
                let EventKind::Sent(packet) = &line.kind else { return false };
                packet.ordinal == wanted.ordinal && packet.connection == wanted.connection
            });
            sends.then_some(from)
        };
        (0..goal.len()).any(|start| {
            // After as many steps as there are servers, a chain that goes on goes in a circle.
            let mut row = Some(start);
            for _ in 0..goal.len() {
                row = row.and_then(waits_for);
            }
            row.is_some()
        })
    }

    /// Whether a line that is left receives, on a connection that others use, what nobody sent.
    fn misdirected(&self, all: &[usize]) -> bool {
        all.iter().enumerate().any(|(row, goal)| {
            let line = self.lines[row].get(*goal);
            let Some(EventKind::Received(wanted)) = line.map(|line| &line.kind) else {
                return false;
            };
            let own = self.ids.all()[row];
            let shown = |row: usize| self.lines[row].iter().take(all[row]);
            let others = (0..all.len()).filter(|sender| *sender != row);
            let elsewhere = others.into_iter().any(|sender| {
                self.lines[sender].iter().any(|line| {
                    let EventKind::Sent(packet) = &line.kind else { return false };
                    let same =
                        packet.connection == wanted.connection && packet.ordinal == wanted.ordinal;
                    same && (line.server == wanted.peer) != (packet.peer == own)
                })
            });
            // On the quorum port every use begins with a line.
            let up = wanted.message.port() == Port::Election
                || shown(row).fold(false, |up, line| {
                    let connects = matches!(&line.kind, EventKind::Connected { connection, .. }
                        if *connection == wanted.connection);
                    let ends = matches!(&line.kind, EventKind::Disconnected { connection }
                        if *connection == wanted.connection);
                    connects || (up && !ends)
                });
            !up || elsewhere
                || shown(row).any(|line| {
                    let (connection, peer) =
                        if let EventKind::Received(packet) | EventKind::Sent(packet) = &line.kind {
                            (&packet.connection, Some(packet.peer))
                        } else if let EventKind::Connected { connection, peer } = &line.kind {
                            (connection, *peer)
                        } else {
                            return false;
                        };
                    let other = peer.is_some_and(|peer| peer != wanted.peer);
                    *connection == wanted.connection && other
                })
        })
    }

    fn connection(&self, name: &zab_trace::ConnectionName) -> usize {
        self.connections.get(name.as_str()).copied().unwrap_or(usize::MAX)
    }

    /// Remembers the names, digests and positions in a line.
    fn note(&mut self, event: &Event) {
        let next = self.connections.len();
        if let Some(connection) = event.kind.connection() {
            self.connections.entry(connection.to_string()).or_insert(next);
        }
        let message = event.kind.packet().map(|packet| packet.message);
        if let Some(zab_trace::Message::Proposal { zxid, digest }) = message {
            self.digests.insert(zxid, digest);
        }
        if let EventKind::Proposed { zxid, digest } = &event.kind {
            self.digests.insert(*zxid, *digest);
        }
        for zxid in named(event) {
            let counter = self.named.entry(zxid.epoch).or_default();
            *counter = zxid.counter.max(*counter);
        }
    }
}

/// All positions that a line names, read off its text.
fn named(event: &Event) -> Vec<Zxid> {
    let text = format!("{event:?}");
    let parts = text.split("Zxid { epoch: ").skip(1);
    let zxids = parts.filter_map(|part| {
        let (epoch, rest) = part.split_once(", counter: ")?;
        let counter: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(Zxid::new(epoch.parse().ok()?, counter.parse().ok()?))
    });
    zxids.collect()
}
