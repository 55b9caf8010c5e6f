//! One server: the states that explain what it showed so far.

use std::collections::{HashSet, VecDeque};

use zab_model::NoProbe;
use zab_trace::{EventKind, ServerId};

use crate::mapping::{self, choices, only_choice};
use crate::search::hidden;
use crate::search::lazy::{self, Effort, Goal, Refusal};
use crate::search::poset::Poset;
use crate::search::step::Stuck;
use crate::state::{Candidate, Context};
use crate::trace::{At, Line, Mark, Shown, causes};

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
    pub(crate) recent: VecDeque<Line>,
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
        ctx: &mut Context<'_>,
        mut heard: Vec<Mark>,
    ) -> Result<u64, Stuck> {
        if let Some(poset) = &mut self.poset {
            if !poset.meets(ctx.event()) {
                // States wait with lines, so what is sent later rules none of them out.
                ctx.search.narrow = false;
                causes::join(&mut heard, &self.known);
                return poset.advance(ctx, &mut self.frontier, heard);
            }
            causes::join(&mut self.known, &poset.all_known());
            if poset.close(&mut self.frontier).is_err() {
                return Err(Stuck::Nowhere);
            }
        }
        causes::join(&mut self.known, &heard);
        if self.shown.every_step()
            && let [candidate] = self.frontier.as_mut_slice()
            && let Some(choice) = only_choice(ctx, candidate)
        {
            // The fast path: one state, one way to take the line, nothing hidden. It changes the
            // state in place; if it fails, the explanation takes the trace from its beginning.
            return match mapping::follow(ctx, candidate, choice, &mut NoProbe) {
                Ok(()) => Ok(0),
                Err(_) => Err(Stuck::Nowhere),
            };
        }
        match self.explore(ctx) {
            // No state that is left can lead to all that this server sends later. Which line is the
            // first that no state explains, only the others can tell.
            Err(Stuck::Nowhere) if self.ruled_out.is_none() && !self.shown.every_step() => {
                self.ruled_out = Some(ctx.linked.line.at);
                self.explore(ctx)
            }
            result => result,
        }
    }

    fn explore(&mut self, ctx: &mut Context<'_>) -> Result<u64, Stuck> {
        let (added, steps) = self.hidden(ctx)?;
        let lazy = ctx.is_lazy() && !self.shown.every_step();
        let mut effort = Effort { steps, ..Effort::default() };
        let mut after = Distinct::default();
        // A line that sends is added to the links only after its step.
        let sends = matches!(ctx.event().kind, EventKind::Sent(_));
        for candidate in self.frontier.iter().chain(&added) {
            for choice in choices(ctx, candidate) {
                let go = |ctx: &mut Context<'_>, state: &Candidate| {
                    let mut taken = state.clone();
                    mapping::follow(ctx, &mut taken, choice, &mut NoProbe)
                        .map_err(|_| Refusal::Step)?;
                    let allowed = sends || ctx.allows(&taken);
                    if allowed { Ok(taken) } else { Err(Refusal::Later) }
                };
                let taken = if lazy {
                    lazy::attempt(ctx, candidate, Goal::Line, &mut effort, go)
                } else {
                    go(ctx, candidate).ok()
                };
                let Some(mut taken) = taken else { continue };
                if !sends && !self.shown.every_step() {
                    ctx.trim(&mut taken);
                }
                after.add(taken);
            }
        }
        self.cut |= effort.cut;
        if after.states.is_empty() {
            return Err(Stuck::Nowhere);
        }
        if after.states.len() > ctx.search.limit {
            return Err(Stuck::Budget);
        }
        self.frontier = after.states;
        Ok(effort.steps)
    }

    /// The frontier, and the states that hidden steps lead to.
    pub(crate) fn closed(&mut self, ctx: &mut Context<'_>) -> Result<Vec<Candidate>, Stuck> {
        let (added, _) = self.hidden(ctx)?;
        Ok(self.frontier.iter().cloned().chain(added).collect())
    }

    /// The states that hidden steps before a line lead to, and the number of those steps.
    fn hidden(&mut self, ctx: &mut Context<'_>) -> Result<(Vec<Candidate>, u64), Stuck> {
        ctx.search.narrow &= self.ruled_out.is_none();
        if self.shown.every_step() {
            return Ok((Vec::new(), 0));
        }
        let closed = hidden::close(ctx, &self.frontier)?;
        self.cut |= closed.cut;
        Ok((closed.added, closed.steps))
    }

    /// Notes a line that was explained.
    pub(crate) fn remember(&mut self, line: Line) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        if matches!(line.event.kind, EventKind::Start { .. }) {
            self.incarnations += 1;
        }
        self.recent.push_back(line);
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
