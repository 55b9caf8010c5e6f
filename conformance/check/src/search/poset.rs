//! A server whose lines are only partially ordered: chains, and `after` between them.
//!
//! At a meeting point (`order`) the server is checked like one whose lines are totally ordered, at
//! the same cost. Between two meeting points lies a *segment*. Its lines are kept, and each state
//! carries its *cut*: how many lines of each chain it has taken. A line may be taken as soon as the
//! line before it in its chain, those it names in `after`, and those that came before the message it
//! receives have been. A state that has not taken a line is kept, because a line that is still to
//! come may have to be taken before; at the next meeting point only states that have taken all
//! lines are left. The cost of a segment grows with the number of its cuts.
//!
//! A state does not wait with a line that only shows what a step has left behind, once that is due:
//! a message on a quorum connection, a delivery, a commit, an establishment ([`only_shows`]). Such
//! a line takes the head of a queue. No other line takes that head, because each queue is shown by
//! one chain, and nothing that the model does later reads or changes it; so whatever the state can
//! do before the line, it can also do after it. A projection that the line carries agrees now; later
//! it can only agree as well.
//!
//! Nor does it wait with the write that a program stands before, since until then only such lines
//! can come; nor, as a follower in BROADCAST, with a sync ([`only_syncs`]). The sync adds its
//! acknowledgements to a queue that holds nothing else, and what can be delivered to another. If the
//! role is left before it in truth, `zk.fle.enter` makes the tail durable with the same line,
//! whatever was to be delivered is void either way, and a queue of a connection that has ended need
//! not be sent. A leader's sync may commit, and where the COMMIT stands among proposals shows, so
//! there a state waits.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use zab_model::{NoProbe, Phase, Role};
use zab_trace::{Chain, Event, EventKind, Message, Port};

use crate::mapping::{self, Choice, choices};
use crate::search::hidden;
use crate::search::step::Stuck;
use crate::state::{Candidate, Context, Entry, Linked, Search};
use crate::trace::{At, ConnectionId, Mark, ModelMessage, Orders, causes};

/// A line of the open segment.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) linked: Linked,
    /// The lines that come before it, apart from those of its own chain.
    before: Vec<Spot>,
    /// What it knows of open segments.
    known: Vec<Mark>,
    /// How many lines of the segment were read before.
    arrival: usize,
}

impl Kept {
    fn event(&self) -> &Event {
        &self.linked.line.event
    }
}

/// A line of the segment: the row of its chain, and its place in the row.
type Spot = (usize, usize);

/// A chain's lines of the open segment.
#[derive(Debug)]
struct Row {
    /// The number of its first line here.
    first: u64,
    lines: Vec<Kept>,
}

/// The lines of the open segment; none at a meeting point.
#[derive(Debug, Default)]
pub(crate) struct Poset {
    orders: Rc<Orders>,
    rows: Vec<Row>,
    index: HashMap<Chain, usize>,
    lines: usize,
    /// How many segments there were.
    number: u64,
    /// What the SNAPs that were sent in segments may have held.
    snapshots: HashMap<At, Vec<ModelMessage>>,
}

impl Poset {
    /// A server of whose order this is known.
    pub(crate) fn new(orders: Rc<Orders>) -> Self {
        Self { orders, ..Self::default() }
    }

    /// Whether the line is checked like one of a total order.
    pub(crate) fn meets(&self, event: &Event) -> bool {
        self.orders.is_meeting_point(event)
    }

    /// Whether a segment is open.
    pub(crate) fn is_open(&self) -> bool {
        self.lines > 0
    }

    /// What a SNAP that was sent in a segment may hold.
    pub(crate) fn snapshot(&self, sent: At) -> Option<&[ModelMessage]> {
        self.snapshots.get(&sent).map(Vec::as_slice)
    }

    /// Whether a SNAP of the open segment was not sent yet in any state.
    pub(crate) fn awaits_snapshot(&self) -> bool {
        let lines = self.rows.iter().flat_map(|row| &row.lines);
        let mut sends = lines.filter(|kept| sends_snapshot(&kept.event().kind));
        sends.any(|kept| !self.snapshots.contains_key(&kept.linked.line.at))
    }

    /// Ends the open segment: only states that have taken all its lines are left. An error is the
    /// first line that the states which came furthest have not taken; those states are left then.
    pub(crate) fn close(&mut self, frontier: &mut Vec<Candidate>) -> Result<(), Box<Kept>> {
        let taken = |state: &Candidate| state.core.cut.iter().map(|n| *n as usize).sum::<usize>();
        let most = frontier.iter().map(taken).max().unwrap_or(0);
        frontier.retain(|state| taken(state) == most);
        if most < self.lines {
            let heads = frontier.iter().flat_map(|state| self.heads(state));
            let first = heads.map(|spot| self.kept(spot)).min_by_key(|kept| kept.arrival);
            if let Some(kept) = first {
                return Err(Box::new(kept.clone()));
            }
        }
        for state in frontier.iter_mut() {
            state.core.cut.clear();
        }
        self.rows.clear();
        self.index.clear();
        self.lines = 0;
        self.number += 1;
        Ok(())
    }

    /// Adds a line to the segment, and lets every state take whatever it can take. `known` is what
    /// came before the line apart from the lines of its segment.
    pub(crate) fn advance(
        &mut self,
        ctx: &mut Context<'_>,
        frontier: &mut Vec<Candidate>,
        known: Vec<Mark>,
    ) -> Result<u64, Stuck> {
        let newest = self.push(ctx.linked, known);
        let mut work = Work { newest, steps: 0, todo: Vec::new() };
        let waiting = std::mem::take(frontier);
        for state in waiting {
            if !self.may_come(&state, newest) {
                frontier.push(state);
            } else if let Some(taken) = self.show(ctx, &state, newest) {
                work.todo.push(taken);
            } else {
                self.take_in_every_way(ctx, &state, newest, &mut work)?;
                frontier.push(state);
            }
        }
        let mut seen = HashSet::new();
        while let Some(state) = work.todo.pop() {
            if !seen.insert(state.fingerprint()) {
                continue;
            }
            let heads: Vec<Spot> = self.heads(&state).collect();
            let shown = heads.iter().find_map(|head| self.show(ctx, &state, *head));
            if let Some(taken) = shown {
                work.todo.push(taken);
                continue;
            }
            for head in heads {
                self.take_in_every_way(ctx, &state, head, &mut work)?;
            }
            frontier.push(state);
            if frontier.len() + work.todo.len() > ctx.search.limit {
                return Err(Stuck::Budget);
            }
        }
        Ok(work.steps)
    }

    fn push(&mut self, linked: &Linked, mut known: Vec<Mark>) -> Spot {
        let event = &linked.line.event;
        let rows = self.rows.len();
        let row = *self.index.entry(event.chain.clone()).or_insert(rows);
        if row == rows {
            self.rows.push(Row { first: event.seq, lines: Vec::new() });
        }
        let named = event.after.iter().filter_map(|(chain, seq)| {
            let row = *self.index.get(chain)?;
            let place = seq.checked_sub(self.rows[row].first)?;
            Some((row, usize::try_from(place).ok()?))
        });
        let mut before: Vec<Spot> = named.collect();
        let here = |mark: &&Mark| mark.server == event.server && mark.segment == self.number;
        let heard = known.iter().filter(here).map(|mark| (mark.row, mark.count - 1));
        before.extend(heard.filter(|(other, _)| *other != row));
        let place = self.rows[row].lines.len();
        let own = place.checked_sub(1).map(|place| (row, place));
        for (row, place) in before.iter().copied().chain(own) {
            if let Some(kept) = self.rows[row].lines.get(place) {
                causes::join(&mut known, &kept.known);
            }
        }
        let (server, segment) = (event.server, self.number);
        causes::join(&mut known, &[Mark { server, segment, row, count: place + 1 }]);
        let arrival = self.lines;
        self.lines += 1;
        self.rows[row].lines.push(Kept { linked: linked.clone(), before, known, arrival });
        (row, place)
    }

    /// What the newest line knows.
    pub(crate) fn known(&self) -> Vec<Mark> {
        let newest = self.rows.iter().filter_map(|row| row.lines.last());
        let newest = newest.max_by_key(|kept| kept.arrival);
        newest.map(|kept| kept.known.clone()).unwrap_or_default()
    }

    /// What all lines of the segment know.
    pub(crate) fn all_known(&self) -> Vec<Mark> {
        let mut known = Vec::new();
        for kept in self.rows.iter().filter_map(|row| row.lines.last()) {
            causes::join(&mut known, &kept.known);
        }
        known
    }

    fn kept(&self, (row, place): Spot) -> &Kept {
        &self.rows[row].lines[place]
    }

    /// The lines that a state can take next.
    fn heads(&self, state: &Candidate) -> impl Iterator<Item = Spot> {
        let next = |(row, lines): (usize, &Row)| {
            let place = taken_of(state, row);
            (place < lines.lines.len()).then_some((row, place))
        };
        let next = self.rows.iter().enumerate().filter_map(next);
        next.filter(|spot| self.may_come(state, *spot))
    }

    /// Whether the lines before this one have been taken, and it is the next of its chain.
    fn may_come(&self, state: &Candidate, spot: Spot) -> bool {
        let before = &self.kept(spot).before;
        taken_of(state, spot.0) == spot.1
            && before.iter().all(|(row, place)| taken_of(state, *row) > *place)
    }

    /// Takes a line that only shows what is due; none if it is not such a line, or not due.
    fn show(&mut self, ctx: &mut Context<'_>, state: &Candidate, spot: Spot) -> Option<Candidate> {
        let kept = self.kept(spot);
        // Where `Connected` is hidden, a message may show a connection as well.
        let event = kept.event();
        let shows = only_shows(&event.kind) && ctx.shown.connected;
        if !shows && !only_syncs(&event.kind, state) {
            return None;
        }
        let mut taken = state.clone();
        let mut on_line = ctx.with(&kept.linked, ctx.search);
        mapping::follow(&mut on_line, &mut taken, Choice::default(), &mut NoProbe).ok()?;
        self.count(ctx, &mut taken, spot);
        Some(taken)
    }

    /// Takes a line in every way, with every hidden step before it.
    fn take_in_every_way(
        &mut self,
        ctx: &mut Context<'_>,
        state: &Candidate,
        spot: Spot,
        work: &mut Work,
    ) -> Result<(), Stuck> {
        let kept = self.kept(spot);
        let hides = !ctx.shown.every_step();
        let untaken = if hides { self.untaken_sends(state, work.newest) } else { Vec::new() };
        let taken = taken_of(state, work.newest.0) > work.newest.1;
        let newest = self.kept(work.newest);
        let sends = matches!(newest.event().kind, EventKind::Sent(_));
        let uncounted = newest.linked.connection.filter(|_| taken && sends);
        let search = Search { untaken: &untaken, uncounted, ..ctx.search };
        let mut on_line = ctx.with(&kept.linked, search);
        let mut all = Vec::new();
        let mut added = Vec::new();
        if hides {
            let closed = hidden::close(&mut on_line, std::slice::from_ref(state))?;
            work.steps += closed.steps;
            added = closed.added;
        }
        for candidate in std::iter::once(state).chain(&added) {
            for choice in choices(&on_line, candidate) {
                let mut taken = candidate.clone();
                if mapping::follow(&mut on_line, &mut taken, choice, &mut NoProbe).is_ok() {
                    all.push(taken);
                }
            }
        }
        for mut taken in all {
            self.count(ctx, &mut taken, spot);
            work.todo.push(taken);
        }
        Ok(())
    }

    /// Notes in a state that it has taken a line.
    fn count(&mut self, ctx: &Context<'_>, taken: &mut Candidate, spot: Spot) {
        let cut = &mut taken.core.cut;
        cut.resize(cut.len().max(spot.0 + 1), 0);
        cut[spot.0] += 1;
        let line = &self.rows[spot.0].lines[spot.1].linked.line;
        if ctx.witness {
            taken.trail.push(Entry::of(&line.event));
        }
        if sends_snapshot(&line.event.kind)
            && let Some(model_message) = taken.sent
        {
            let model_messages = self.snapshots.entry(line.at).or_default();
            if !model_messages.contains(&model_message) {
                model_messages.push(model_message);
            }
        }
    }

    /// The connections of messages that were sent, as the links count, and that this state has not
    /// sent: one entry for each. The links do not count the newest line yet.
    fn untaken_sends(&self, state: &Candidate, newest: Spot) -> Vec<ConnectionId> {
        let mut untaken = Vec::new();
        for (row, lines) in self.rows.iter().enumerate() {
            for (place, kept) in lines.lines.iter().enumerate().skip(taken_of(state, row)) {
                let sends = matches!(kept.event().kind, EventKind::Sent(_));
                if sends && (row, place) != newest {
                    untaken.extend(kept.linked.connection);
                }
            }
        }
        untaken
    }
}

/// What is on its way while states take lines.
struct Work {
    newest: Spot,
    steps: u64,
    /// States that have taken the newest line, and of which it is not known what they can take.
    todo: Vec<Candidate>,
}

/// How many lines of a row a state has taken.
fn taken_of(state: &Candidate, row: usize) -> usize {
    state.core.cut.get(row).map_or(0, |taken| *taken as usize)
}

/// Whether a line sends a state of which only the sender knows what it is.
fn sends_snapshot(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Sent(packet) if matches!(packet.message, Message::Snap { .. }))
}

/// Whether a line is a write past which nothing else is delayed: the next one of a program, or a
/// sync of a follower.
fn only_syncs(kind: &EventKind, state: &Candidate) -> bool {
    let server = &state.core.server;
    let follows = server.role == Role::Following && server.phase == Phase::Broadcast;
    matches!(kind, EventKind::Persisted(_)) && (follows || !server.program.is_finished())
}

/// Whether a line takes the head of a queue, and changes nothing else.
fn only_shows(kind: &EventKind) -> bool {
    if let EventKind::Sent(packet) = kind {
        return packet.message.port() == Port::Quorum;
    }
    matches!(
        kind,
        EventKind::Delivered { .. } | EventKind::Established { .. } | EventKind::Committed { .. }
    )
}
