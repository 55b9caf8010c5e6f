//! Bounded runs lie inside what is closed without bounds.
//!
//! By induction: the image of the initial state is the initial state, and every step has an image
//! among the steps from the image. By default that is tried of the small runs of preset `merge`; with
//! `ZAB_RUNS=all` of all, as CI does.

use std::collections::HashSet;

use stateright::{Model, Representative};
use zab_explorer::Reduction;
use zab_paper::{Epochs, Paper, Rules, State, Unlimited, WithModel, with_model};
use zab_presets::{Family, Preset};

/// Orbits of a run that is small.
const SMALL: usize = 30_000;

/// Walks through a bounded run, up to symmetry; the number of orbits, if there are not too many.
struct Inside {
    most: usize,
}

impl WithModel<0> for Inside {
    type Output = Option<usize>;

    fn run<const N: usize, const X: usize>(self, bounded: &Paper<N, X, 0>) -> Option<usize> {
        let model = Unlimited::new(bounded, Epochs::Next);
        let canonical = |state: &State<N, X, 0>| model.reduction().canonical(state);
        let first = State::default();
        assert_eq!(model.init_states(), [canonical(&first)]);
        let (mut seen, mut queue) = (HashSet::from([first.representative()]), vec![first]);
        let (mut images, mut steps) = (Vec::new(), Vec::new());
        while let Some(state) = queue.pop() {
            images.clear();
            model.for_each_step(&canonical(&state), |step, next| images.push((step.action, next)));
            steps.clear();
            bounded.for_each_step(&state, |action, next| steps.push((action, next)));
            for (action, next) in &steps {
                assert!(images.contains(&(*action, canonical(next))), "{action} of\n{state:?}");
                if seen.insert(next.representative()) {
                    queue.push(*next);
                }
            }
            if seen.len() > self.most {
                return None;
            }
        }
        Some(seen.len())
    }
}

#[test]
fn bounded_runs_of_the_preset_lie_inside() {
    let most = match std::env::var("ZAB_RUNS").as_deref() {
        Ok("all") => usize::MAX,
        Ok(_) | Err(_) => SMALL,
    };
    let mut tried: Vec<Rules> = Vec::new();
    let mut inside = 0;
    for exploration in Preset::Merge.explorations() {
        let Family::Paper(run) = exploration.family else { continue };
        if run.unlimited.is_some() || tried.contains(&run.rules) {
            continue;
        }
        tried.push(run.rules);
        let orbits = with_model::<0, _>(run.rules, Inside { most }).expect("bounds that fit");
        inside += usize::from(orbits.is_some());
        assert!(orbits.is_none_or(|orbits| orbits > 1_000), "{}", exploration.name);
    }
    assert!(inside >= 3 && (most == SMALL || inside == tried.len()), "{inside} of {tried:?}");
}
