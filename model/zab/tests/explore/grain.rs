//! The grains: what the coarse one reaches the fine one reaches, and more.

use std::collections::HashSet;

use stateright::Model;
use zab_model::explore::{Action, Bounds, State, Zab, after_first_epoch};
use zab_model::{Grain, NoProbe, Profile, Role, ServerId};

use crate::{CALM, explore, violated, zab};

/// A follower that is behind by a committed transaction joins a leader that goes on working.
fn scene(bounds: Bounds, profile: &str, grain: Grain) -> Zab {
    let mut model = zab(bounds);
    model.starts = vec![after_first_epoch()];
    model.ensemble.profile = Profile::named(profile).expect("a release");
    model.ensemble.grain = grain;
    model
}

fn reached(model: &Zab) -> HashSet<State> {
    let mut waiting = model.init_states();
    let mut seen: HashSet<State> = waiting.iter().copied().collect();
    while let Some(state) = waiting.pop() {
        waiting.extend(model.next_states(&state).into_iter().filter(|next| seen.insert(*next)));
    }
    seen
}

/// A coarse step calls fine ones in a fixed order, so there is no state that only the coarse grain
/// reaches.
#[test]
fn what_the_coarse_grain_reaches_the_fine_one_reaches() {
    let bounds =
        [Bounds { requests: 1, ..CALM }, Bounds { crashes: 1, rounds: 2, servers: 2, ..CALM }];
    for (bounds, profile) in
        bounds.into_iter().flat_map(|bounds| ["fixed", "3.9.3"].map(|profile| (bounds, profile)))
    {
        let [coarse, fine] = Grain::ALL.map(|grain| reached(&scene(bounds, profile, grain)));
        println!("{profile}, {bounds}: {} states, {} at grain threads", coarse.len(), fine.len());
        assert!(coarse.is_subset(&fine), "{profile}, {bounds}");
        assert!(coarse.len() < fine.len(), "{profile}, {bounds}");
    }
}

/// After a step of grain `threads`, what grain `writes` does in the same step: the handlers of the
/// server go on as far as they can, in order of their learners, then comes the next item of its program
/// that is no write, and so on; at last the commit thread applies what it can.
fn catch_up(fine: &Zab, mut state: State, id: ServerId) -> State {
    let others = fine.ensemble.voters().filter(|other| *other != id);
    let handlers: Vec<Action> = others.map(|learner| Action::Handler(learner, id)).collect();
    loop {
        let is_leader = state.server(id).role == Role::Leading;
        let handler = handlers.iter().filter(|_| is_leader);
        let program = state.server(id).program;
        let is_write = program.next().is_write();
        let item = (!program.is_finished() && !is_write).then_some(Action::Write(id));
        let apply = (state.server(id).role != Role::Down).then_some(Action::Apply(id));
        let mut steps = handler.copied().chain(item).chain(apply);
        let Some(next) = steps.find_map(|action| fine.act(&state, action, &mut NoProbe)) else {
            return state;
        };
        state = next;
    }
}

/// Each step of the coarse grain is this sequence of steps of the fine one, and nothing else: the same
/// state, packet by packet.
#[test]
fn a_coarse_step_is_a_sequence_of_fine_ones() {
    let bounds =
        [Bounds { requests: 1, ..CALM }, Bounds { crashes: 1, rounds: 2, servers: 2, ..CALM }];
    let mut compared = 0;
    for (bounds, profile) in
        bounds.into_iter().flat_map(|bounds| ["fixed", "3.9.3"].map(|profile| (bounds, profile)))
    {
        let [coarse, fine] = Grain::ALL.map(|grain| scene(bounds, profile, grain));
        for state in reached(&coarse) {
            let mut actions = Vec::new();
            coarse.actions(&state, &mut actions);
            for action in actions {
                let Some(expected) = coarse.act(&state, action, &mut NoProbe) else { continue };
                if matches!(action, Action::Elect(..)) {
                    // Several servers take a step.
                    continue;
                }
                let first = fine.act(&state, action, &mut NoProbe).expect("the fine grain has it");
                let composed = catch_up(&fine, first, action.server());
                assert!(composed == expected, "{profile}, {bounds}: {action}\n{state:?}");
                compared += 1;
            }
        }
    }
    println!("{compared} steps");
    assert!(compared > 1_000, "{compared}");
}

#[test]
fn at_grain_threads_the_protocol_holds() {
    let bounds = Bounds { requests: 1, ..CALM };
    let report = explore(&scene(bounds, "fixed", Grain::Threads));
    println!("{} states", report.distinct);
    assert_eq!(violated(&report), Vec::<&str>::new());
}
