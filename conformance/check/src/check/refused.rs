//! What is said of the line at which a trace diverges.

use zab_model::NoProbe;
use zab_trace::EventKind;

use super::{Checker, inconclusive};
use crate::{
    candidate::{Candidate, Scene},
    convert::ModelMessage,
    diagnose,
    hidden::Closure,
    input::{Item, Place, RECORDER},
    links::ConnectionId,
    mapping::{self, Line},
    merge::{Merge, Next},
    monitor::{Search, choices},
    verdict::{Reason, Verdict},
};

/// How many lines are read on to find where a refused one would be legal.
const READ_ON_MAX: usize = 400;

/// How many states are taken along for that.
const STATES_MAX: usize = 16;

/// A line that was refused.
#[derive(Debug)]
pub(crate) struct Refused {
    item: Item,
    connection: Option<ConnectionId>,
    contents: Vec<ModelMessage>,
    /// The states before it.
    states: Vec<Candidate>,
}

impl Checker<'_> {
    /// Explains a line that no state takes.
    pub(super) fn explain(
        &mut self,
        row: usize,
        item: &Item,
        connection: Option<ConnectionId>,
        contents: &[ModelMessage],
    ) -> Verdict {
        let monitor = &mut self.monitors[row];
        // At the end of a segment, it is a line of the segment that was never taken.
        let kept = match &mut monitor.poset {
            Some(poset) if poset.meets(&item.event) => poset.close(&mut monitor.frontier).err(),
            Some(_) | None => None,
        };
        let (item, connection, contents) = match &kept {
            Some(kept) => (&kept.item, kept.connection, kept.contents.as_slice()),
            None => (item, connection, contents),
        };
        let line = Line { at: item.at, event: &item.event, connection, contents, ids: &self.ids };
        let mut scene = Scene {
            cfg: &self.cfg,
            lookahead: self.lookahead,
            shown: monitor.shown,
            outbox: &mut self.outbox,
            witness: false,
            steps: &mut self.summary.steps,
        };
        let reduced = self.options.closure == Closure::Reduced;
        let search = Search {
            future: &self.future,
            links: &self.links,
            closure: self.options.closure,
            limit: self.options.states_max(&monitor.frontier),
            narrow: reduced && monitor.poset.is_none(),
            lazy: false,
            untaken: &[],
            uncounted: None,
        };
        let found = diagnose::step(&mut scene, monitor, &line, search).or_else(|| {
            let search = Search { narrow: false, ..search };
            diagnose::step(&mut scene, monitor, &line, search)
        });
        if monitor.cut {
            let server = item.event.server;
            return inconclusive(Some(self.place(item.at)), Reason::HiddenBudget { server });
        }
        let Some(found) = found else {
            return Verdict::Diverges(Box::new(diagnose::no_continuation(self, item)));
        };
        if kept.is_none() {
            let others = monitor.frontier.iter().take(STATES_MAX).cloned();
            let states = [found.candidate.clone()].into_iter().chain(others).collect();
            let (item, contents) = (item.clone(), contents.to_vec());
            self.refused = Some(Refused { item, connection, contents, states });
        }
        Verdict::Diverges(Box::new(diagnose::divergence(self, item, found)))
    }

    /// The later line of the same server after which the refused one is legal: then the two are in
    /// the wrong order, or what they show is.
    pub(super) fn later(&mut self, merge: &mut Merge<'_>) -> Option<Place> {
        let Refused { item, connection, contents, mut states } = self.refused.take()?;
        let row = self.row(item.event.server)?;
        if self.monitors[row].poset.is_some() {
            return None;
        }
        self.pass(row, &item);
        for _ in 0..READ_ON_MAX {
            let Ok(Next::Line(next)) = merge.next(&self.links) else { return None };
            if next.event.server == RECORDER {
                continue;
            }
            let next_row = self.row(next.event.server)?;
            let (used, meant) = self.before(&next, false).ok()?;
            if next_row == row {
                states = self.shadow(row, &states, (&next, used, &meant));
                if states.is_empty() {
                    return None;
                }
                if !self.shadow(row, &states, (&item, connection, &contents)).is_empty() {
                    return Some(self.place(next.at));
                }
            }
            self.pass(next_row, &next);
        }
        None
    }

    /// The states after a line, without hidden steps.
    fn shadow(
        &mut self,
        row: usize,
        states: &[Candidate],
        (item, connection, contents): (&Item, Option<ConnectionId>, &[ModelMessage]),
    ) -> Vec<Candidate> {
        let line = Line { at: item.at, event: &item.event, connection, contents, ids: &self.ids };
        let mut scene = Scene {
            cfg: &self.cfg,
            lookahead: self.lookahead,
            shown: self.monitors[row].shown,
            outbox: &mut self.outbox,
            witness: false,
            steps: &mut self.summary.steps,
        };
        let mut after = Vec::new();
        for state in states {
            for choice in choices(&scene, state, &line) {
                let mut taken = state.clone();
                let result = mapping::take(&mut scene, &mut taken, &line, choice, &mut NoProbe);
                if result.is_ok() && after.len() < STATES_MAX {
                    after.push(taken);
                }
            }
        }
        after
    }

    /// What a line means for the links.
    pub(super) fn pass(&mut self, row: usize, item: &Item) {
        if let EventKind::Sent(packet) = &item.event.kind {
            self.sent(row, item, packet);
        } else if let EventKind::Disconnected { connection } = &item.event.kind {
            self.links.disconnected(item.event.server, connection);
        } else if let EventKind::Stop | EventKind::Killed = item.event.kind {
            self.links.ended(item.event.server);
        }
    }
}
