//! Recipes: what programs do with a client, judged by the marks that they leave.
//!
//! `README.md` lists the marks of each recipe. All rules compare moments of different clients, so
//! they are asked only where clients share a clock.

mod failover;
mod lock;
mod queue;
mod together;

use std::collections::BTreeMap;

use zab_trace::Zxid;

use crate::events::Events;
use crate::findings::Findings;
use crate::record::{Clock, Line, Mark, What};

/// A mark with its line.
#[derive(Clone, Copy, Debug)]
struct Marked<'a> {
    index: usize,
    line: &'a Line,
    mark: &'a Mark,
}

impl Marked<'_> {
    fn value(&self) -> &str {
        self.mark.value.as_deref().unwrap_or("")
    }

    fn token(&self) -> Zxid {
        self.mark.token.unwrap_or_default()
    }

    fn client(&self) -> u32 {
        self.line.client
    }

    /// The largest zxid that its client had been answered in this session.
    fn seen(&self, events: &Events<'_>) -> Zxid {
        let session = self.line.session.as_deref().and_then(|session| events.sessions.get(session));
        let ops = session.into_iter().flatten().map(|place| &events.ops[*place]);
        let before = ops.filter(|op| op.returned() < self.mark.at);
        before.filter_map(|op| op.zxid()).max().unwrap_or_default()
    }
}

/// Checks the marks of every recipe, each of its names by itself.
pub(crate) fn check(events: &Events<'_>, findings: &mut Findings) {
    if events.history.header.clock != Clock::Shared {
        return;
    }
    let mut by_name: BTreeMap<(&str, &str), Vec<Marked<'_>>> = BTreeMap::new();
    for (index, line) in events.history.lines.iter().enumerate() {
        if let What::Mark(mark) = &line.what {
            let marked = Marked { index, line, mark };
            by_name.entry((&mark.recipe, &mark.name)).or_default().push(marked);
        }
    }
    for ((recipe, _), mut marks) in by_name {
        marks.sort_by_key(|marked| marked.mark.at);
        match recipe {
            "lock" => lock::check(events, &marks, findings),
            "queue" => queue::check(&marks, findings),
            "barrier" => together::barrier(&marks, findings),
            "ids" => together::ids(&marks, findings),
            "config" => together::config(&marks, findings),
            "failover" => failover::check(&marks, findings),
            _ => {}
        }
    }
}
