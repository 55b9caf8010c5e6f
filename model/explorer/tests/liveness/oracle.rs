//! What is true of small graphs, by trying every set of states in which a run could stay.

use zab_explorer::{Fairness, Lasso, Met, Strength};

use crate::graph::{Form, Graph};

/// Whether some fair run breaks the claim. Of the classes that a run takes finitely often no step is
/// taken where it stays.
pub(crate) fn is_violated(graph: &Graph, form: Form, fairness: &Fairness, states: u8) -> bool {
    let everywhere = (1_u64 << states) - 1;
    let reachable = spread(graph, graph.initial.iter().fold(0, |set, s| set | 1 << s), everywhere);
    let comes_back = form == Form::EventuallyAlways;
    let waiting = if comes_back { everywhere } else { everywhere & !graph.goal(form) };
    let starts = match form {
        Form::Eventually => graph.initial.iter().fold(0, |set, state| set | 1 << state),
        Form::AlwaysEventually | Form::EventuallyAlways => reachable,
        Form::LeadsTo => reachable & graph.p,
    };
    let region = spread(graph, starts & waiting, waiting);
    let lasting = |step: &&(u8, u16, u8)| !fairness.finitely.contains(&step.1);
    let staying =
        Graph { steps: graph.steps.iter().filter(lasting).copied().collect(), ..graph.clone() };
    (1..=everywhere).any(|set| {
        let breaks = !comes_back || set & !graph.p != 0;
        set & !region == 0
            && breaks
            && can_stay(&staying, set)
            && is_fair(graph, &staying, fairness, set)
    })
}

/// What can be reached without leaving `within`.
fn spread(graph: &Graph, from: u64, within: u64) -> u64 {
    let mut reached = from & within;
    loop {
        let next = graph.steps.iter().fold(reached, |set, (from, _, to)| {
            if reached >> from & 1 == 1 { set | 1 << to } else { set }
        });
        if next & within == reached {
            return reached;
        }
        reached = next & within;
    }
}

/// Whether a run can visit every state of the set again and again, and no other.
fn can_stay(graph: &Graph, set: u64) -> bool {
    if set.count_ones() == 1 {
        let state = u8::try_from(set.trailing_zeros()).expect("below 64");
        let mut steps = graph.steps.iter().filter(|(from, ..)| *from == state).peekable();
        return steps.peek().is_none() || steps.any(|(from, _, to)| from == to);
    }
    (0..64).filter(|state| set >> state & 1 == 1).all(|state| spread(graph, 1 << state, set) == set)
}

/// Whether a run is fair that takes all these steps between the states of the set for ever.
fn is_fair(graph: &Graph, staying: &Graph, fairness: &Fairness, set: u64) -> bool {
    let members: Vec<u8> = (0..64).filter(|state| set >> state & 1 == 1).collect();
    fairness.conditions.iter().all(|condition| {
        let taken = staying.steps.iter().any(|(from, class, to)| {
            from != to
                && members.contains(from)
                && members.contains(to)
                && condition.classes.contains(class)
        });
        let enabled = |state: &&u8| graph.enables(**state, &condition.classes);
        let count = members.iter().filter(enabled).count();
        taken
            || match condition.strength {
                Strength::Weak => count < members.len(),
                Strength::Strong => count == 0,
            }
    })
}

/// A lasso is a fair run of the graph that breaks the claim.
pub(crate) fn check_lasso(graph: &Graph, form: Form, fairness: &Fairness, lasso: &Lasso<u8>) {
    let (stem, cycle) = (&lasso.stem, &lasso.cycle);
    assert!(graph.initial.contains(&stem.states[0]));
    for trace in [stem, cycle] {
        assert_eq!(trace.states.len(), trace.classes.len() + 1);
        for (pair, class) in trace.states.windows(2).zip(&trace.classes) {
            assert!(graph.steps.contains(&(pair[0], *class, pair[1])), "{pair:?} {class}");
        }
    }
    assert_eq!(stem.states.last(), cycle.states.first());
    assert_eq!(cycle.states.first(), cycle.states.last());
    if lasso.stutters() {
        let end = cycle.states[0];
        assert!(graph.steps.iter().all(|(from, ..)| *from != end), "{end} has steps");
    }
    let met = |state: &u8| graph.goal(form) >> state & 1 == 1;
    let always_met = cycle.states.iter().all(met);
    assert!(if form == Form::EventuallyAlways {
        !always_met
    } else {
        !cycle.states.iter().any(met)
    });
    match form {
        Form::Eventually => assert!(!stem.states.iter().any(met)),
        Form::AlwaysEventually | Form::EventuallyAlways => {}
        Form::LeadsTo => {
            let last = stem.states.iter().rposition(met).map_or(0, |at| at + 1);
            assert!(stem.states[last..].iter().any(|state| graph.p >> state & 1 == 1));
        }
    }
    let set = cycle.states.iter().fold(0, |set, state| set | 1 << state);
    assert!(is_fair(graph, graph, fairness, set));
    assert_eq!(lasso.fairness.len(), fairness.conditions.len());
    for (met, condition) in lasso.fairness.iter().zip(&fairness.conditions) {
        match met {
            Met::Taken(step) => {
                assert!(condition.classes.contains(&cycle.classes[*step]));
                assert_ne!(cycle.states[*step], cycle.states[step + 1]);
            }
            Met::Disabled(at) => {
                assert!(!graph.enables(cycle.states[*at], &condition.classes));
            }
            Met::NeverEnabled => {
                let enabled = |state: &u8| graph.enables(*state, &condition.classes);
                assert!(!cycle.states.iter().any(enabled));
            }
        }
    }
}
