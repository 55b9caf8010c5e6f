//! The laws on which `docs/src/unlimited.md` rests: of random states and random renamings.

use std::collections::BTreeSet;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use stateright::{Model, Representative};
use zab_explorer::{Claim, ExplorerModel, Reduction};
use zab_paper::{Action, Epochs, Paper, Rules, State, Unlimited, liveness, reading};

use crate::states::{Tried, monotone, paper, rules, states};

/// Random states that a test tries: `ZAB_RUNS`, or the share that CI runs.
fn config() -> ProptestConfig {
    let cases = std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(400);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// As published, and in the readings that have rules of their own.
fn all_rules<const N: usize, const X: usize>() -> impl Strategy<Value = Rules> {
    let names = ["", "history-first", "epoch-first", "late-ack-ld-commits"];
    proptest::sample::select(names.to_vec()).prop_map(|name| {
        let published = rules::<N, X>(5, 5);
        let variant = reading(name).map_or(published.variant, |one| published.variant.read(one));
        Rules { variant, ..published }
    })
}

type Renaming = (Vec<u8>, Vec<u8>);

/// Epochs up to 9 and the one after them, values up to 40 and the one after them, in their order.
fn renamings() -> impl Strategy<Value = Renaming> {
    (monotone(11, 15, true), monotone(42, 120, false))
}

fn renamed<const N: usize, const X: usize>(
    state: &State<N, X, 0>,
    (epochs, values): &Renaming,
) -> State<N, X, 0> {
    let renamed = state.with_epochs(|epoch| epochs[usize::from(epoch)]);
    let mut renamed = renamed.with_values(|value| values[usize::from(value)]);
    renamed.spent.requests = values[usize::from(state.spent.requests)];
    renamed
}

/// Whether a leader has decided an epoch in this step: that is no comparison of epochs.
fn decides<const N: usize, const X: usize>(
    action: Action,
    state: &State<N, X, 0>,
    next: &State<N, X, 0>,
) -> bool {
    let epoch = |state: &State<N, X, 0>, i: usize| state.servers[i].accepted_epoch;
    matches!(action, Action::LeaderProcessCepoch(i, _) if epoch(state, i) != epoch(next, i))
}

/// The states that are tried are such that everything happens: what no run does as well.
#[test]
fn every_action_is_tried() {
    let mut runner = TestRunner::deterministic();
    let strategy = states::<3, 2>(rules::<3, 2>(5, 5));
    let (mut tried, mut decided) = (BTreeSet::new(), 0);
    for _ in 0..400 {
        let state = strategy.new_tree(&mut runner).expect("a state").current().state;
        for action in Action::all(3) {
            let next = state.after(&rules::<3, 2>(5, 5), action);
            tried.extend(next.map(|_| action.kind()));
            decided += usize::from(next.is_some_and(|next| decides(action, &state, &next)));
        }
    }
    let all: Vec<u16> = (0..).take(Action::KINDS.len() - 1).collect();
    assert_eq!(Vec::from_iter(tried), all, "all but that a message outlives its connection");
    assert!(decided > 5, "{decided}");
}

proptest! {
    #![proptest_config(config())]

    /// A step and a renaming that keeps the order commute, for every action; but a new epoch is the
    /// next number, and which rank that is depends on the gap.
    #[test]
    fn steps_commute_with_renaming(
        (rules, tried) in all_rules::<3, 2>().prop_flat_map(|r| states::<3, 2>(r).prop_map(move |t| (r, t))),
        renaming in renamings(),
    ) {
        let state = tried.state;
        let other = renamed(&state, &renaming);
        for action in Action::all(3) {
            let (here, there) = (state.after(&rules, action), other.after(&rules, action));
            prop_assert_eq!(here.is_some(), there.is_some(), "{}", action);
            let (Some(here), Some(mut there)) = (here, there) else { continue };
            if decides(action, &state, &here) {
                prop_assert!(decides(action, &other, &there));
                continue;
            }
            // The next value is one more, not the next of the renaming.
            if action == Action::LeaderProcessRequest(action.server()) {
                prop_assert_eq!(there.spent.requests, other.spent.requests + 1);
                there.spent.requests = here.spent.requests;
                let mut here = renamed(&State { spent: state.spent, ..here }, &renaming);
                here.spent = there.spent;
                prop_assert_eq!(here, there, "{}", action);
                continue;
            }
            prop_assert_eq!(renamed(&here, &renaming), there, "{}", action);
        }
    }

    /// Of states that runs come to, whatever their numbers: every step has its image, properties and
    /// predicates of claims have their values, and the canonical state is the same.
    #[test]
    fn every_step_has_an_image(tried in states::<3, 2>(rules::<3, 2>(5, 5)), renaming in renamings()) {
        let Tried { state, is_made } = tried;
        let other = renamed(&state, &renaming);
        let bounded = paper::<3, 2>(rules::<3, 2>(5, 5));
        for epochs in [Epochs::Next, Epochs::Any] {
            let model = Unlimited::new(&bounded, epochs);
            let canonical = model.reduction().canonical(&state);
            prop_assert_eq!(model.reduction().canonical(&other), canonical);
            let least = canonical.representative();
            prop_assert_eq!(model.reduction().canonical(&least), least);
            // With epochs made up there may be more of them than fit.
            if !is_made {
                prop_assert_eq!(model.covers(&state), Ok(()));
                prop_assert_eq!(model.covers(&other), Ok(()));
            }
            for (condition, property) in model.properties().iter().enumerate() {
                let value = |state| (property.condition)(&model, state);
                prop_assert_eq!(value(&state), value(&canonical), "{} {}", condition, property.name);
                prop_assert_eq!(value(&other), value(&canonical), "{}", property.name);
            }
        }
        let canonical = Unlimited::new(&bounded, Epochs::Next).reduction().canonical(&state);
        for claim in liveness::claims::<Paper<3, 2, 0>, 3, 2, 0>() {
            let Claim::LeadsTo(from, to) = claim.claim else { panic!("a claim of another shape") };
            for predicate in [from, to] {
                let value = |state| predicate(&bounded, state);
                prop_assert_eq!(value(&state), value(&canonical), "{}", claim.name);
                prop_assert_eq!(value(&other), value(&canonical), "{}", claim.name);
            }
        }
    }

    /// Fairness is the same of a state and of its image: a class that it speaks of is possible in both
    /// or in neither, and each of its steps changes the image.
    #[test]
    fn fairness_is_that_of_the_image(tried in states::<3, 2>(rules::<3, 2>(5, 5)), renaming in renamings()) {
        let bounded = paper::<3, 2>(rules::<3, 2>(5, 5));
        let fair: BTreeSet<u16> =
            liveness::fairness(3).conditions.into_iter().flat_map(|one| one.classes).collect();
        let state = if tried.is_made { tried.state } else { renamed(&tried.state, &renaming) };
        let possible: BTreeSet<u16> = Action::all(3)
            .into_iter()
            .filter(|action| state.after(bounded.rules(), *action).is_some())
            .map(|action| action.class(3))
            .filter(|class| fair.contains(class))
            .collect();
        for epochs in [Epochs::Next, Epochs::Any] {
            let model = Unlimited::new(&bounded, epochs);
            let image = model.reduction().canonical(&state);
            let mut of_image = BTreeSet::new();
            let mut stays = None;
            model.for_each_successor(&image, |class, next| {
                if fair.contains(&class) {
                    of_image.insert(class);
                    stays = stays.or((next == image).then_some(class));
                }
            });
            prop_assert_eq!(stays.map(|class| Action::all(3)[usize::from(class)]), None);
            // With epochs made up there may be more of them than fit.
            if !tried.is_made {
                prop_assert_eq!(&of_image, &possible);
            }
        }
    }

    /// What was spent of the budgets of failures is read by failures only; how long histories were,
    /// and how many requests there were, by requests only.
    #[test]
    fn only_failures_read_their_budgets(
        tried in states::<3, 2>(rules::<3, 2>(5, 5)),
        spent in any::<(u8, u8, u8, u8)>(),
    ) {
        let (rules, state) = (rules::<3, 2>(5, 5), tried.state);
        let mut other = state;
        (other.spent.timeouts, other.spent.restarts) = (spent.0 % 16, spent.1 % 16);
        for action in Action::all(3) {
            if action.is_failure() {
                continue;
            }
            if !matches!(action, Action::LeaderProcessRequest(_)) {
                (other.spent.txns, other.spent.requests) = (spent.2, spent.3);
            }
            let after = |state: &State<3, 2, 0>| state.after(&rules, action);
            let expected = after(&state).map(|next| {
                let mut expected = next;
                expected.spent.timeouts = other.spent.timeouts;
                expected.spent.restarts = other.spent.restarts;
                if !matches!(action, Action::LeaderProcessRequest(_)) {
                    expected.spent = other.spent;
                }
                expected
            });
            prop_assert_eq!(after(&other), expected, "{}", action);
            (other.spent.txns, other.spent.requests) = (state.spent.txns, state.spent.requests);
        }
    }
}
