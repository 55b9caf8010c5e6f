//! What is said of the line at which a trace diverges.

use zab_model::NoProbe;
use zab_trace::EventKind;

use super::checker::{Checker, Refused};
use super::stop::inconclusive;
use crate::mapping::{self, choices};
use crate::report::{Reason, Verdict, diagnose};
use crate::state::{Candidate, Linked, Search};
use crate::trace::{Line, Merge, Next, Place, RECORDER};

/// How many lines are read on to find where a refused one would be legal.
const READ_ON_MAX: usize = 400;

/// How many states are taken along for that.
const STATES_MAX: usize = 16;

impl Checker<'_> {
    /// Explains a line that no state takes.
    pub(super) fn explain(&mut self, row: usize, linked: &Linked) -> Verdict {
        let monitor = &mut self.monitors[row];
        // At the end of a segment, it is a line of the segment that was never taken.
        let kept = match &mut monitor.poset {
            Some(poset) if poset.meets(&linked.line.event) => {
                poset.close(&mut monitor.frontier).err()
            }
            Some(_) | None => None,
        };
        let linked = kept.as_ref().map_or(linked, |kept| &kept.linked);
        let mut search = Search { lazy: false, ..self.base.search(&monitor.frontier) };
        search.narrow &= monitor.poset.is_none();
        let mut ctx = self.base.context(monitor.shown, linked, search);
        ctx.witness = false;
        let found = diagnose::closest(&mut ctx, monitor).or_else(|| {
            ctx.search.narrow = false;
            diagnose::closest(&mut ctx, monitor)
        });
        let line = &linked.line;
        if monitor.cut {
            let reason = Reason::HiddenBudget { server: line.event.server };
            return inconclusive(Some(self.base.files.place(line.at)), reason);
        }
        let Some(found) = found else {
            return Verdict::Diverges(Box::new(self.no_continuation(line)));
        };
        if kept.is_none() {
            let others = monitor.frontier.iter().take(STATES_MAX).cloned();
            let states = [found.candidate.clone()].into_iter().chain(others).collect();
            self.refused = Some(Refused { linked: linked.clone(), states });
        }
        Verdict::Diverges(Box::new(self.divergence(line, found)))
    }

    /// The later line of the same server after which the refused one is legal: then the two are in
    /// the wrong order, or what they show is.
    pub(super) fn later(&mut self, merge: &mut Merge<'_>) -> Option<Place> {
        let Refused { linked, mut states } = self.refused.take()?;
        let row = self.row(linked.line.event.server)?;
        if self.monitors[row].poset.is_some() {
            return None;
        }
        self.pass(row, &linked.line);
        for _ in 0..READ_ON_MAX {
            let Ok(Next::Line(line)) = merge.next(&self.base.links) else { return None };
            if line.event.server == RECORDER {
                continue;
            }
            let next_row = self.row(line.event.server)?;
            let (connection, contents) = self.before(&line, false).ok()?;
            let next = Linked { line, connection, contents };
            if next_row == row {
                states = self.shadow(row, &states, &next);
                if states.is_empty() {
                    return None;
                }
                if !self.shadow(row, &states, &linked).is_empty() {
                    return Some(self.base.files.place(next.line.at));
                }
            }
            self.pass(next_row, &next.line);
        }
        None
    }

    /// The states after a line, without hidden steps.
    fn shadow(&mut self, row: usize, states: &[Candidate], linked: &Linked) -> Vec<Candidate> {
        let search = self.base.search(states);
        let mut ctx = self.base.context(self.monitors[row].shown, linked, search);
        ctx.witness = false;
        let mut after = Vec::new();
        for state in states {
            for choice in choices(&ctx, state) {
                let mut taken = state.clone();
                let result = mapping::follow(&mut ctx, &mut taken, choice, &mut NoProbe);
                if result.is_ok() && after.len() < STATES_MAX {
                    after.push(taken);
                }
            }
        }
        after
    }

    /// What a line means for the links.
    pub(super) fn pass(&mut self, row: usize, line: &Line) {
        if let EventKind::Sent(packet) = &line.event.kind {
            self.sent(row, line, packet);
        } else if let EventKind::Disconnected { connection } = &line.event.kind {
            self.base.links.disconnected(line.event.server, connection);
        } else if line.event.kind.ends_incarnation() {
            self.base.links.ended(line.event.server);
        }
    }
}
