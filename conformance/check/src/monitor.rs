//! One server: the states that explain what it showed so far.

use std::collections::{HashSet, VecDeque};

use zab_model::NoProbe;
use zab_trace::{EventKind, Message, ServerId};

use crate::{
    candidate::{Candidate, Scene, Wire},
    causes::{self, Mark},
    contract::Shown,
    convert::ModelMessage,
    hidden::{self, Closure},
    input::{At, Item},
    lazy::{self, Effort, Goal, Refusal},
    links::{ConnectionId, Links},
    lookahead::Future,
    mapping::{self, Choice, Line},
    poset::Poset,
};

/// How many of a server's last lines are kept for explanations.
const RECENT: usize = 4;

/// A server of the ensemble.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// Its real id.
    pub(crate) id: ServerId,
    /// What its lines show.
    pub(crate) shown: Shown,
    /// The states that explain everything so far: never empty.
    pub(crate) frontier: Vec<Candidate>,
    /// Whether hidden requests were left out for their number.
    pub(crate) cut: bool,
    /// The lives it had.
    pub(crate) incarnations: u64,
    /// Its lines, if they are only partially ordered.
    pub(crate) poset: Option<Poset>,
    /// What its lines know of the open segments of others.
    pub(crate) known: Vec<Mark>,
    /// The line from which on later lines rule out every state.
    pub(crate) ruled_out: Option<At>,
    /// Its last lines.
    pub(crate) recent: VecDeque<Item>,
}

/// Why a line could not be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stuck {
    /// No state explains it.
    Nowhere,
    /// More states than the budget allows explain what came before.
    Budget,
}

/// How hidden steps are searched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search<'a> {
    pub(crate) future: &'a Future,
    pub(crate) links: &'a Links<ModelMessage>,
    pub(crate) closure: Closure,
    pub(crate) limit: usize,
    /// Whether states are dropped that later lines rule out.
    pub(crate) narrow: bool,
    /// Whether hidden syncs and requests wait, where states are dropped that later lines rule out.
    pub(crate) lazy: bool,
    /// The connections of messages that the links count as sent, and that the state has not sent:
    /// one entry for each. There are none where lines are totally ordered.
    pub(crate) untaken: &'a [ConnectionId],
    /// The connection of a message that the state has sent, and that the links do not count.
    pub(crate) uncounted: Option<ConnectionId>,
}

impl Search<'_> {
    /// Whether a candidate for the line's server can still lead to what that server sends.
    pub(crate) fn allows(&self, candidate: &Candidate, line: &Line<'_>) -> bool {
        let sent = |connection| self.sent(connection);
        !self.narrow || self.future.allows(candidate, line.ids, sent)
    }

    /// Forgets what of a candidate can never be seen.
    pub(crate) fn trim(&self, candidate: &mut Candidate) {
        if self.closure == Closure::Reduced {
            self.future.trim(candidate, |connection| self.sent(connection));
        }
    }

    /// Whether hidden syncs and requests wait until something needs them.
    pub(crate) fn is_lazy(&self) -> bool {
        self.lazy && self.narrow && self.closure == Closure::Reduced
    }

    /// What is sent on an open connection after all that waits to be sent on it.
    pub(crate) fn later(&self, wire: &Wire) -> &[Message] {
        let Some(connection) = wire.connection else { return &[] };
        let queued = self.sent(connection) + wire.pending.len();
        self.future.after(connection, queued)
    }

    /// How many messages the state has sent on a connection.
    pub(crate) fn sent(&self, connection: ConnectionId) -> usize {
        let sent = usize::try_from(self.links.sent(connection)).unwrap_or(usize::MAX);
        let untaken = self.untaken.iter().filter(|other| **other == connection).count();
        sent.saturating_sub(untaken) + usize::from(self.uncounted == Some(connection))
    }
}

impl Monitor {
    /// A server that has never run.
    pub(crate) fn new(
        id: ServerId,
        dense: zab_model::ServerId,
        voters: usize,
        shown: Shown,
    ) -> Self {
        Self {
            id,
            shown,
            frontier: vec![Candidate::new(dense, voters)],
            cut: false,
            incarnations: 0,
            poset: None,
            known: Vec::new(),
            ruled_out: None,
            recent: VecDeque::with_capacity(RECENT),
        }
    }

    /// Keeps the states that explain the line as well; returns the number of hidden steps tried.
    /// `heard` is what a received message knows of open segments.
    /// On an error the frontier is of no more use.
    pub(crate) fn advance(
        &mut self,
        scene: &mut Scene<'_>,
        line: &Line<'_>,
        mut heard: Vec<Mark>,
        search: Search<'_>,
    ) -> Result<u64, Stuck> {
        if let Some(poset) = &mut self.poset {
            if !poset.meets(line.event) {
                // States wait with lines, so what is sent later rules none of them out.
                let search = Search { narrow: false, ..search };
                causes::join(&mut heard, &self.known);
                return poset.advance(scene, &mut self.frontier, line, heard, search);
            }
            causes::join(&mut self.known, &poset.all_known());
            if poset.close(&mut self.frontier).is_err() {
                return Err(Stuck::Nowhere);
            }
        }
        causes::join(&mut self.known, &heard);
        if self.shown.every_step()
            && let [candidate] = self.frontier.as_mut_slice()
            && let Some(choice) = only_choice(scene, candidate, line)
        {
            // The fast path: one state, one way to take the line, nothing hidden. It changes the
            // state in place; if it fails, the explanation takes the trace from its beginning.
            return match mapping::take(scene, candidate, line, choice, &mut NoProbe) {
                Ok(()) => Ok(0),
                Err(_) => Err(Stuck::Nowhere),
            };
        }
        match self.explore(scene, line, search) {
            // No state that is left can lead to all that this server sends later. Which line is the
            // first that no state explains, only the others can tell.
            Err(Stuck::Nowhere) if self.ruled_out.is_none() && !self.shown.every_step() => {
                self.ruled_out = Some(line.at);
                self.explore(scene, line, search)
            }
            result => result,
        }
    }

    fn explore(
        &mut self,
        scene: &mut Scene<'_>,
        line: &Line<'_>,
        search: Search<'_>,
    ) -> Result<u64, Stuck> {
        let search = Search { narrow: search.narrow && self.ruled_out.is_none(), ..search };
        let (added, steps) = self.hidden(scene, line, search)?;
        let lazy = search.is_lazy() && !self.shown.every_step();
        let mut effort = Effort { steps, ..Effort::default() };
        let mut after = Distinct::default();
        // Of a line that sends, the links do not know yet.
        let sends = matches!(line.event.kind, EventKind::Sent(_));
        for candidate in self.frontier.iter().chain(&added) {
            for choice in choices(scene, candidate, line) {
                let go = |scene: &mut Scene<'_>, state: &Candidate| {
                    let mut taken = state.clone();
                    mapping::take(scene, &mut taken, line, choice, &mut NoProbe)
                        .map_err(|_| Refusal::Step)?;
                    let allowed = sends || search.allows(&taken, line);
                    if allowed { Ok(taken) } else { Err(Refusal::Later) }
                };
                let taken = if lazy {
                    let goal = Goal { line, shows: true };
                    lazy::attempt(scene, candidate, goal, search, &mut effort, go)
                } else {
                    go(scene, candidate).ok()
                };
                let Some(mut taken) = taken else { continue };
                if !sends && !self.shown.every_step() {
                    search.trim(&mut taken);
                }
                after.add(taken);
            }
        }
        self.cut |= effort.cut;
        if after.states.is_empty() {
            return Err(Stuck::Nowhere);
        }
        if after.states.len() > search.limit {
            return Err(Stuck::Budget);
        }
        self.frontier = after.states;
        Ok(effort.steps)
    }

    /// The frontier, and the states that hidden steps lead to.
    pub(crate) fn closed(
        &mut self,
        scene: &mut Scene<'_>,
        line: &Line<'_>,
        search: Search<'_>,
    ) -> Result<Vec<Candidate>, Stuck> {
        let (added, _) = self.hidden(scene, line, search)?;
        Ok(self.frontier.iter().cloned().chain(added).collect())
    }

    /// The states that hidden steps before a line lead to, and the number of those steps.
    fn hidden(
        &mut self,
        scene: &mut Scene<'_>,
        line: &Line<'_>,
        search: Search<'_>,
    ) -> Result<(Vec<Candidate>, u64), Stuck> {
        if self.shown.every_step() {
            return Ok((Vec::new(), 0));
        }
        let search = Search { narrow: search.narrow && self.ruled_out.is_none(), ..search };
        let closed = hidden::close(scene, &self.frontier, line, search).ok_or(Stuck::Budget)?;
        self.cut |= closed.cut;
        Ok((closed.added, closed.steps))
    }

    /// Notes a line that was explained.
    pub(crate) fn remember(&mut self, item: Item) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        if matches!(item.event.kind, EventKind::Start { .. }) {
            self.incarnations += 1;
        }
        self.recent.push_back(item);
    }

    /// Whether a segment of its lines is open.
    pub(crate) fn is_apart(&self) -> bool {
        self.poset.as_ref().is_some_and(Poset::is_open)
    }

    /// What its last line knows of open segments.
    pub(crate) fn last_known(&self) -> Vec<Mark> {
        match &self.poset {
            Some(poset) if poset.is_open() => poset.known(),
            Some(_) | None => self.known.clone(),
        }
    }
}

/// States of which no two are equal. A single one is not compared with anything.
#[derive(Debug, Default)]
struct Distinct {
    states: Vec<Candidate>,
    seen: HashSet<u64>,
}

impl Distinct {
    fn add(&mut self, state: Candidate) {
        if let [first] = self.states.as_slice() {
            self.seen.insert(first.fingerprint());
        }
        if self.states.is_empty() || self.seen.insert(state.fingerprint()) {
            self.states.push(state);
        }
    }
}

/// The only way in which a line can be taken, if there is only one.
fn only_choice(scene: &Scene<'_>, candidate: &Candidate, line: &Line<'_>) -> Option<Choice> {
    match &line.event.kind {
        EventKind::Start { .. } | EventKind::Stop | EventKind::Killed => {
            let choices = choices(scene, candidate, line);
            match choices.as_slice() {
                [choice] => Some(*choice),
                _ => None,
            }
        }
        EventKind::Received(_) if line.contents.len() > 1 => None,
        EventKind::Received(_)
        | EventKind::Connected { .. }
        | EventKind::Disconnected { .. }
        | EventKind::Persisted(_)
        | EventKind::Sent(_)
        | EventKind::Delivered { .. }
        | EventKind::Looking { .. }
        | EventKind::Resent
        | EventKind::Elected { .. }
        | EventKind::Proposed { .. }
        | EventKind::Established { .. }
        | EventKind::Committed { .. }
        | EventKind::Joined { .. } => Some(Choice::default()),
    }
}

/// The ways in which a line can be taken: never none.
pub(crate) fn choices(scene: &Scene<'_>, candidate: &Candidate, line: &Line<'_>) -> Vec<Choice> {
    let server = &candidate.core.server;
    match &line.event.kind {
        EventKind::Start { recovered } => {
            let survived = mapping::recovery_of(scene.cfg, server, recovered);
            vec![Choice { survived, ..Choice::default() }]
        }
        EventKind::Killed if !server.program.is_finished() => {
            [false, true].map(|written| Choice { written, ..Choice::default() }).to_vec()
        }
        EventKind::Received(_) if line.contents.len() > 1 => (0..line.contents.len())
            .map(|content| Choice { content, ..Choice::default() })
            .collect(),
        EventKind::Stop
        | EventKind::Killed
        | EventKind::Received(_)
        | EventKind::Connected { .. }
        | EventKind::Disconnected { .. }
        | EventKind::Persisted(_)
        | EventKind::Sent(_)
        | EventKind::Delivered { .. }
        | EventKind::Looking { .. }
        | EventKind::Resent
        | EventKind::Elected { .. }
        | EventKind::Proposed { .. }
        | EventKind::Established { .. }
        | EventKind::Committed { .. }
        | EventKind::Joined { .. } => vec![Choice::default()],
    }
}
