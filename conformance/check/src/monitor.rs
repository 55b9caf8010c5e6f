//! One server: the states that explain what it showed so far.

use std::collections::{HashSet, VecDeque};

use zab_model::{NoProbe, Role};
use zab_trace::{EventKind, ServerId};

use crate::{
    candidate::{Candidate, Scene},
    causes::{self, Mark},
    contract::Shown,
    convert::Letter,
    foresight::Future,
    hidden::{self, Closure},
    input::{At, Item},
    links::{ConnectionId, Links},
    mapping::{self, Choice, Line},
    poset::{Kept, Poset},
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
    /// The line of a partial order that could not be taken.
    pub(crate) blocked: Option<Box<Kept>>,
    /// What its lines know of the open segments of others.
    pub(crate) known: Vec<Mark>,
    /// The line from which on later lines rule out every state.
    pub(crate) doomed: Option<At>,
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
    pub(crate) links: &'a Links<Letter>,
    pub(crate) closure: Closure,
    pub(crate) limit: usize,
    /// Whether states are dropped that later lines rule out.
    pub(crate) narrow: bool,
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
            blocked: None,
            known: Vec::new(),
            doomed: None,
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
            if !poset.meets(line) {
                // States wait with lines, so what is sent later rules none of them out.
                let search = Search { narrow: false, ..search };
                causes::join(&mut heard, &self.known);
                return poset.advance(scene, &mut self.frontier, line, heard, search);
            }
            causes::join(&mut self.known, &poset.all_known());
            if let Err(kept) = poset.close(&mut self.frontier) {
                self.blocked = Some(kept);
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
            Err(Stuck::Nowhere) if self.doomed.is_none() && !self.shown.every_step() => {
                self.doomed = Some(line.at);
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
        let search = Search { narrow: search.narrow && self.doomed.is_none(), ..search };
        let (before, hidden_steps) = self.closed(scene, line, search)?;
        let mut seen = HashSet::new();
        let mut after: Vec<Candidate> = Vec::new();
        // Of a line that sends, the links do not know yet.
        let sends = matches!(line.event.kind, EventKind::Sent(_));
        for candidate in before {
            for choice in choices(scene, &candidate, line) {
                let mut taken = candidate.clone();
                let result = mapping::take(scene, &mut taken, line, choice, &mut NoProbe);
                if result.is_err() || !(sends || search.allows(&taken, line)) {
                    continue;
                }
                if !sends && !self.shown.every_step() {
                    search.trim(&mut taken);
                }
                if seen.insert(taken.fingerprint()) {
                    after.push(taken);
                }
            }
        }
        if after.is_empty() {
            return Err(Stuck::Nowhere);
        }
        if after.len() > search.limit {
            return Err(Stuck::Budget);
        }
        self.frontier = after;
        Ok(hidden_steps)
    }

    /// The frontier with hidden steps taken, and their number.
    pub(crate) fn closed(
        &mut self,
        scene: &mut Scene<'_>,
        line: &Line<'_>,
        search: Search<'_>,
    ) -> Result<(Vec<Candidate>, u64), Stuck> {
        if self.shown.every_step() {
            return Ok((self.frontier.clone(), 0));
        }
        let search = Search { narrow: search.narrow && self.doomed.is_none(), ..search };
        let closed = hidden::close(scene, &self.frontier, line, search).ok_or(Stuck::Budget)?;
        self.cut |= closed.cut;
        Ok((closed.candidates, closed.steps))
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

    /// Whether the server is running, in some state that explains it.
    pub(crate) fn is_running(&self) -> bool {
        self.frontier.iter().any(|candidate| candidate.core.server.role != Role::Down)
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
