//! The grains: what the coarse one reaches the fine one reaches, and more.

use std::collections::HashSet;

use stateright::Model;
use zab_model::explore::{Bounds, State, Zab, after_first_epoch};
use zab_model::{Grain, Profile};

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

#[test]
fn at_grain_threads_the_protocol_holds() {
    let bounds = Bounds { requests: 1, ..CALM };
    let report = explore(&scene(bounds, "fixed", Grain::Threads));
    println!("{} states", report.distinct);
    assert_eq!(violated(&report), Vec::<&str>::new());
}
