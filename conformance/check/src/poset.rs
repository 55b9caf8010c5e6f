//! A server whose lines are only partially ordered: chains, and `after` between them.
//!
//! Each state carries its *cut*: which of the incarnation's lines it has taken. A line may be taken
//! as soon as the line before it in its chain, and those it names in `after`, have been. A state that
//! has not taken a line is kept, because a line that is still to come may have to be taken before;
//! when the incarnation ends, only states that have taken all lines are left.
//!
//! The cost grows with the number of cuts, which is why a server with a single chain is checked
//! without them.

use std::collections::HashSet;

use zab_model::NoProbe;
use zab_trace::{Chain, Event, EventKind};

use crate::{
    candidate::{Candidate, Scene},
    convert::{Ids, Letter},
    hidden,
    input::{At, Item},
    links::ConnectionId,
    mapping::{self, Line},
    monitor::{Search, Stuck, choices},
};

/// A line of the present incarnation, with what the links said of it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    item: Item,
    connection: Option<ConnectionId>,
    contents: Vec<Letter>,
}

/// The lines of the present incarnation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Poset {
    lines: Vec<Kept>,
}

impl Poset {
    /// Adds a line, and lets every state take whatever it can take. At the end of the incarnation
    /// an error names the first line that the states which came furthest have not taken.
    pub(crate) fn advance(
        &mut self,
        scene: &mut Scene<'_>,
        frontier: &mut Vec<Candidate>,
        line: &Line<'_>,
        search: Search<'_>,
    ) -> Result<u64, (At, Stuck)> {
        self.lines.push(Kept {
            item: Item { at: line.at, event: line.event.clone() },
            connection: line.connection,
            contents: line.contents.to_vec(),
        });
        let hidden_steps =
            self.take_all(scene, frontier, line.ids, search).ok_or((line.at, Stuck::Budget))?;
        if !matches!(line.event.kind, EventKind::Stop | EventKind::Killed) {
            return Ok(hidden_steps);
        }
        let most = frontier.iter().map(|state| state.core.cut.len()).max().unwrap_or(0);
        if most < self.lines.len() {
            let furthest = frontier.iter().find(|state| state.core.cut.len() == most);
            let left = (0..)
                .zip(&self.lines)
                .find(|(index, _)| furthest.is_some_and(|state| !state.core.cut.contains(index)));
            return Err((left.map_or(line.at, |(_, kept)| kept.item.at), Stuck::Nowhere));
        }
        frontier.retain(|state| state.core.cut.len() == most);
        for state in frontier.iter_mut() {
            state.core.cut.clear();
        }
        self.lines.clear();
        Ok(hidden_steps)
    }

    /// Lets every state take lines until nothing new appears; none beyond the budget.
    fn take_all(
        &self,
        scene: &mut Scene<'_>,
        frontier: &mut Vec<Candidate>,
        ids: &Ids,
        search: Search<'_>,
    ) -> Option<u64> {
        let mut seen: HashSet<u64> = frontier.iter().map(Candidate::fingerprint).collect();
        let (mut next, mut hidden_steps) = (0, 0);
        while let Some(state) = frontier.get(next).cloned() {
            next += 1;
            for (index, kept) in (0..).zip(&self.lines) {
                if state.core.cut.contains(&index) || !self.may_come(&state, &kept.item.event) {
                    continue;
                }
                let Kept { item, connection, contents } = kept;
                let (connection, event) = (*connection, &item.event);
                let line = Line { at: item.at, event, connection, contents, ids };
                let before = if scene.shown.every_step() {
                    vec![state.clone()]
                } else {
                    let seeds = std::slice::from_ref(&state);
                    let closed = hidden::close(scene, seeds, &line, search)?;
                    hidden_steps += closed.steps;
                    closed.candidates
                };
                for candidate in before {
                    for choice in choices(scene, &candidate, &line) {
                        let mut taken = candidate.clone();
                        let result = mapping::take(scene, &mut taken, &line, choice, &mut NoProbe);
                        taken.core.cut.insert(index);
                        if result.is_ok() && seen.insert(taken.fingerprint()) {
                            frontier.push(taken);
                        }
                    }
                }
                if frontier.len() > search.limit {
                    return None;
                }
            }
        }
        Some(hidden_steps)
    }

    /// Whether the lines before this one, in its chain and by `after`, have been taken.
    fn may_come(&self, state: &Candidate, event: &Event) -> bool {
        let taken = |chain: &Chain, seq: u64| {
            let own = |kept: &Kept| kept.item.event.chain == *chain && kept.item.event.seq == seq;
            (0..).zip(&self.lines).any(|(index, kept)| own(kept) && state.core.cut.contains(&index))
        };
        let in_chain = event.seq == 0 || taken(&event.chain, event.seq - 1);
        // A start comes before all else, an end after all that it names.
        let starts = matches!(event.kind, EventKind::Start { .. });
        let started = starts || !state.core.cut.is_empty();
        in_chain && started && event.after.iter().all(|(chain, seq)| taken(chain, *seq))
    }
}
