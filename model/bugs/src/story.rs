//! The order of a run's steps that is easiest to follow.

use std::collections::{HashMap, VecDeque};

use stateright::Model;
use zab_model::explore::{Action, State};

use crate::hunt::Hunt;

/// Where a reordering is: how many actions of each server were taken, and who took the last one.
type Place<const N: usize> = ([u8; N], usize);

/// How a place was reached.
struct Reached<const N: usize, const P: usize> {
    changes: usize,
    from: Option<Place<N>>,
    state: State<N, P>,
}

/// The same actions in an order with the fewest changes from one server to another: each server
/// takes its own in the same order, and the last state shows the same. As they are, if there is no
/// better order, or the model does not make these steps.
pub(crate) fn fewest_changes<const N: usize, const P: usize>(
    model: &Hunt<N, P>,
    actions: &[Action],
    shows: &dyn Fn(&State<N, P>) -> bool,
) -> Vec<Action> {
    reordered(model, actions, shows).unwrap_or_else(|| actions.to_vec())
}

fn reordered<const N: usize, const P: usize>(
    model: &Hunt<N, P>,
    actions: &[Action],
    shows: &dyn Fn(&State<N, P>) -> bool,
) -> Option<Vec<Action>> {
    let mut of: [Vec<Action>; N] = std::array::from_fn(|_| Vec::new());
    for action in actions {
        of.get_mut(server(*action))?.push(*action);
    }
    let state = model.init_states().into_iter().next()?;
    // Nobody has taken the first step yet.
    let start: Place<N> = ([0; N], N);
    let mut reached = HashMap::from([(start, Reached { changes: 0, from: None, state })]);
    // Places with fewer changes come first: a step of the same server goes to the front.
    let mut queue = VecDeque::from([(0, start)]);
    let mut best: Option<Place<N>> = None;
    while let Some((changes, place)) = queue.pop_front() {
        let here = &reached[&place];
        if here.changes < changes {
            continue;
        }
        let state = here.state;
        let (taken, last) = place;
        if (0..N).all(|server| usize::from(taken[server]) == of[server].len()) {
            if shows(&state) {
                best = Some(place);
                break;
            }
            continue;
        }
        for (server, actions) in of.iter().enumerate() {
            let Some(action) = actions.get(usize::from(taken[server])) else { continue };
            let Some(state) = after(model, &state, *action) else { continue };
            let changes = changes + usize::from(server != last);
            let mut next = (taken, server);
            next.0[server] += 1;
            if reached.get(&next).is_some_and(|known| known.changes <= changes) {
                continue;
            }
            reached.insert(next, Reached { changes, from: Some(place), state });
            if server == last {
                queue.push_front((changes, next));
            } else {
                queue.push_back((changes, next));
            }
        }
    }
    let mut order = Vec::new();
    let mut at = best?;
    while let Some(before) = reached[&at].from {
        order.push(of[at.1][usize::from(before.0[at.1])]);
        at = before;
    }
    order.reverse();
    let mut state = model.init_states().into_iter().next()?;
    for action in &order {
        state = after(model, &state, *action)?;
    }
    shows(&state).then_some(order)
}

/// The state after an action that the model offers here. What it does not offer may do something all the
/// same, and is no step.
fn after<const N: usize, const P: usize>(
    model: &Hunt<N, P>,
    state: &State<N, P>,
    action: Action,
) -> Option<State<N, P>> {
    let mut offered = Vec::new();
    model.actions(state, &mut offered);
    offered.contains(&action).then(|| model.next_state(state, action)).flatten()
}

fn server(action: Action) -> usize {
    usize::from(action.server().0).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use zab_explorer::{Options, check};

    use super::*;
    use crate::budget::Budget;
    use crate::hunt::DAMAGE;
    use crate::table::BUGS;

    fn changes(actions: &[Action]) -> usize {
        actions.windows(2).filter(|pair| server(pair[0]) != server(pair[1])).count()
    }

    #[test]
    fn the_same_steps_are_told_with_fewer_changes_of_server() {
        let mut fewer = 0;
        for name in ["4394", "2845", "H-11"] {
            let bug = BUGS.iter().find(|bug| bug.is_called(name)).expect("a bug");
            let scene = bug.scene;
            let budget = Budget::parse(scene.budget).expect("a budget");
            let profile = scene.profile().expect("switches");
            let model =
                Hunt::new(profile, budget, scene.damage, scene.known).expect("there is room");
            let options = Options { stop_when_violated: true, ..Options::default() };
            let report = check(&model, &options, &mut |_| {}).expect("it begins");
            let damage = report.property(DAMAGE).expect("a property");
            let trace = damage.verdict.trace().expect("it is found");
            let found = trace.path(&model).expect("the model's steps").into_actions();
            let is_done = |state: &State| model.violated(state).contains(&scene.damage[0]);
            let is_offered = |actions: &[Action]| {
                let first = model.init_states().into_iter().next();
                actions.iter().try_fold(first?, |state, action| after(&model, &state, *action))
            };
            let told = fewest_changes(&model, &found, &is_done);
            assert!(changes(&told) <= changes(&found), "{found:?}\n{told:?}");
            fewer += changes(&found) - changes(&told);
            for id in 0..3 {
                let of = |all: &[Action]| {
                    all.iter().copied().filter(|one| server(*one) == id).collect::<Vec<_>>()
                };
                assert_eq!(of(&told), of(&found), "server {}", id + 1);
            }
            assert!(is_offered(&told).is_some_and(|last| is_done(&last)), "{told:?}");
            // What no order shows stays as it was found.
            assert_eq!(fewest_changes(&model, &found, &|_| false), found);
        }
        assert!(fewer > 0, "some run is told better than it was found");
    }
}
