//! Every rule of the ledger takes effect somewhere in small explorations.

use std::collections::{BTreeSet, HashSet};

use stateright::Model;
use zab_model::Probe;
use zab_model::explore::{Bounds, Election, Zab, uneven_starts};

use crate::defects::Scene;
use crate::observers::OBSERVED;
use crate::{CALM, ELECTION, zab};

/// Collects the ids of the rules that fire.
#[derive(Default)]
struct Fired(BTreeSet<&'static str>);

impl Probe for Fired {
    fn fired(&mut self, rule: &'static str) {
        self.0.insert(rule);
    }
}

/// The ids in the first column of the tables of `docs/src/rules.md`, deviations left out.
fn ledger() -> BTreeSet<&'static str> {
    let rules = include_str!("../../../../docs/src/rules.md");
    let cells = rules.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.filter(|id| !id.starts_with("D-")).collect()
}

fn explore(model: &Zab, fired: &mut Fired) {
    let mut pending = model.init_states();
    let mut seen: HashSet<_> = pending.iter().copied().collect();
    let mut actions = Vec::new();
    while let Some(state) = pending.pop() {
        model.actions(&state, &mut actions);
        for action in actions.drain(..) {
            if let Some(next) = model.act(&state, action, fired)
                && seen.insert(next)
            {
                pending.push(next);
            }
        }
    }
}

#[test]
fn every_rule_fires() {
    let mut fired = Fired::default();
    let link = Bounds { requests: 1, disconnects: 1, rounds: 2, ..CALM };
    explore(&zab(link), &mut fired);
    let restart = Bounds { crashes: 1, resends: 1, ..ELECTION };
    let mut elections = zab(restart);
    elections.starts = uneven_starts().split_off(2);
    explore(&elections, &mut fired);
    let whole = Bounds { servers: 2, requests: 1, crashes: 1, election: Election::Fle, ..CALM };
    explore(&zab(whole), &mut fired);
    explore(&Scene::InSnapshot.model(), &mut fired);
    explore(&zab(OBSERVED), &mut fired);
    let silent: Vec<_> = ledger().difference(&fired.0).copied().collect();
    assert_eq!(silent, Vec::<&str>::new(), "these rules never fire");
    let unknown: Vec<_> = fired.0.difference(&ledger()).copied().collect();
    assert_eq!(unknown, Vec::<&str>::new(), "these rules are not in the ledger");
}
