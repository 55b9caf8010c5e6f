//! Closed sets: how large they are, that bounded runs lie inside of them, and what is wrong in them
//! where the protocol is.

use std::collections::{HashSet, VecDeque};

use stateright::{Expectation, Model, Representative};
use zab_explorer::{Options, Reduction, Report, Verdict, check};
use zab_paper::{Bounds, Epochs, Rules, State, Unlimited, Variant, reading};

use crate::states::{paper, rules};

fn explore<const N: usize, const X: usize>(
    variant: Variant,
    epochs: Epochs,
    symmetry: bool,
) -> Report<State<N, X, 0>> {
    let paper = paper::<N, X>(Rules { variant, ..rules::<N, X>(0, 0) });
    let options = Options { threads: 2, symmetry, ..Options::default() };
    let report = check(&Unlimited::new(&paper, epochs), &options, &mut |_| {}).expect("it begins");
    assert!(report.complete(), "{:?}", report.stopped);
    report
}

/// Orbits and states, all properties being as they should.
fn closed<const N: usize, const X: usize>(epochs: Epochs) -> (u64, Option<u64>) {
    let orbits = explore::<N, X>(Variant::default(), epochs, true);
    for property in &orbits.properties {
        let is_fine = match property.kind {
            Expectation::Always => matches!(property.verdict, Verdict::Holds),
            Expectation::Sometimes => matches!(property.verdict, Verdict::Reached(_)),
            Expectation::Eventually => false,
        };
        assert!(is_fine, "{}", property.name);
    }
    assert_eq!(orbits.properties.len(), 22);
    let reductions = ["budgets", "distances of epochs", "distances of requests", "symmetry"];
    assert_eq!(orbits.reductions, reductions);
    (orbits.distinct, orbits.unreduced)
}

#[test]
fn two_servers_are_closed() {
    assert_eq!(closed::<2, 1>(Epochs::Next), (1_487, Some(2_973)));
    assert_eq!(closed::<2, 2>(Epochs::Next), (7_538, Some(15_075)));
    assert_eq!(explore::<2, 2>(Variant::default(), Epochs::Next, false).distinct, 15_075);
}

/// Any later epoch is reached anyway, by leaders that decide one and fail.
#[test]
fn any_later_epoch_is_no_more() {
    assert_eq!(closed::<2, 1>(Epochs::Any), (1_487, Some(2_973)));
    assert_eq!(closed::<2, 2>(Epochs::Any), (7_538, Some(15_075)));
    let three = rules::<3, 1>(0, 0);
    let three = Rules { bounds: Bounds { txns: 0, ..three.bounds }, ..three };
    let (next, any) = (images::<3, 1>(three, Epochs::Next), images::<3, 1>(three, Epochs::Any));
    assert_eq!(next.len(), any.len());
    assert!(next == any);
}

/// All canonical states, by a walk that shares no code with the engine.
fn images<const N: usize, const X: usize>(rules: Rules, epochs: Epochs) -> HashSet<State<N, X, 0>> {
    let model = Unlimited::new(&paper::<N, X>(rules), epochs);
    let first = model.init_states();
    let mut seen: HashSet<_> = first.iter().map(Representative::representative).collect();
    let mut queue = VecDeque::from(first);
    while let Some(state) = queue.pop_front() {
        model.for_each_step(&state, |_, next| {
            let next = next.representative();
            if seen.insert(next) {
                queue.push_back(next);
            }
        });
    }
    seen
}

/// Every state of a bounded run has its image in the closed set, and every step too.
fn lies_inside<const N: usize, const X: usize>(
    bounds: Bounds,
    closed: &HashSet<State<N, X, 0>>,
) -> usize {
    let bounded = paper::<N, X>(Rules::new(bounds));
    let model = Unlimited::new(&bounded, Epochs::Next);
    let image = |state: &State<N, X, 0>| model.reduction().canonical(state).representative();
    let (mut seen, mut queue) = (HashSet::from([State::default()]), vec![State::default()]);
    while let Some(state) = queue.pop() {
        assert!(closed.contains(&image(&state)), "{state:?}");
        bounded.for_each_step(&state, |_, next| {
            if seen.insert(next) {
                queue.push(next);
            }
        });
    }
    seen.len()
}

#[test]
fn bounded_runs_lie_inside() {
    let bounds = |servers, txns, timeouts, restarts| Bounds {
        servers,
        txns,
        epochs: None,
        timeouts,
        restarts,
    };
    let two = images::<2, 2>(rules::<2, 2>(0, 0), Epochs::Next);
    assert_eq!(two.len(), 7_538);
    assert_eq!(lies_inside(bounds(2, 2, 2, 0), &two), 4_001);
    assert_eq!(lies_inside(bounds(2, 2, 1, 1), &two), 4_014);
    assert!(lies_inside(bounds(2, 2, 2, 2), &two) > 10_000);
    let calm = Rules::new(bounds(3, 0, 0, 0));
    let three = images::<3, 1>(calm, Epochs::Next);
    assert!(lies_inside(bounds(3, 0, 1, 1), &three) > 10_000);
}

/// The invariants that a reading violates when the first is found. One thread always finds the same.
fn violated<const N: usize, const X: usize>(name: &str) -> Vec<&'static str> {
    let variant = Variant::default().read(reading(name).expect("a reading"));
    let paper = paper::<N, X>(Rules { variant, ..rules::<N, X>(0, 0) });
    let options =
        Options { threads: 1, symmetry: true, stop_when_violated: true, ..Options::default() };
    let model = Unlimited::new(&paper, Epochs::Next);
    let report = check(&model, &options, &mut |_| {}).expect("it begins");
    let invariants = report.properties.iter().filter(|p| p.kind == Expectation::Always);
    invariants.filter(|p| p.verdict.trace().is_some()).map(|p| p.name).collect()
}

#[test]
fn readings_that_lose_data_still_do() {
    let lost = [
        (violated::<3, 2>("proposals-to-synced"), "proposals_fit_the_history"),
        (violated::<3, 2>("repeated-proposal-illegal"), "proposals_fit_the_history"),
        (violated::<3, 2>("commit-ld-acknowledged"), "commits_come_in_order"),
        (violated::<3, 1>("epoch-first"), "delivered_is_on_a_quorum"),
    ];
    for (violated, property) in lost {
        assert!(violated.contains(&property), "{property} of {violated:?}");
    }
}

/// How many failures it takes, at least, until a reading violates a property; and whether the run is
/// one of the published specification.
fn fewest<const N: usize, const X: usize>(name: &str, property: &str) -> (u8, bool) {
    let variant = Variant::default().read(reading(name).expect("a reading"));
    let paper = paper::<N, X>(Rules { variant, ..rules::<N, X>(0, 0) });
    let without = Unlimited::new(&paper, Epochs::Next);
    let options = Options { symmetry: true, stop_when_violated: true, ..Options::default() };
    let with = |failures| {
        let model = Unlimited::with_failures(&paper, Epochs::Next, failures);
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        let found = report.properties.iter().find(|found| found.name == property)?;
        let replayed = without.reduction().replay(found.verdict.trace()?, None);
        Some((failures, replayed.is_some()))
    };
    (0..6).find_map(with).expect("it is violated")
}

/// None of the readings needs other epochs than the published specification takes.
#[test]
fn readings_that_lose_data_do_so_with_whole_numbers() {
    let missed = "proposals_fit_the_history";
    assert_eq!(fewest::<3, 2>("proposals-to-synced", missed), (0, true));
    assert_eq!(fewest::<3, 2>("repeated-proposal-illegal", missed), (0, true));
    assert_eq!(fewest::<3, 2>("commit-ld-acknowledged", "commits_come_in_order"), (0, true));
    assert_eq!(fewest::<3, 1>("epoch-first", "delivered_is_on_a_quorum"), (2, true));
}

/// So many epochs that a zxid might have no room for more are a violation that is told, no panic.
#[test]
fn epochs_without_room_are_told() {
    let model = Unlimited::new(&paper::<5, 6>(rules::<5, 6>(0, 0)), Epochs::Any);
    let reduction = model.reduction();
    let with = |epochs: u8| {
        let mut state = State::<5, 6, 0>::default();
        let places = state.servers.iter_mut().zip((1..=epochs).step_by(3));
        for (server, epoch) in places {
            server.accepted_epoch = epoch;
            server.current_epoch = (epoch + 1).min(epochs);
            server.leading.reports[0].epoch = (epoch + 2).min(epochs);
        }
        reduction.canonical(&state)
    };
    let capacity = |state: &State<5, 6, 0>| {
        let properties = model.properties();
        let at =
            properties.iter().position(|p| p.name == "capacity_suffices").expect("it is there");
        (properties[at].condition)(&model, state)
    };
    assert!(capacity(&with(13)) && !capacity(&with(14)) && !capacity(&with(15)));
    for epochs in 0..=15 {
        let mut steps = 0;
        model.for_each_step(&with(epochs), |_, _| steps += 1);
        assert!(steps > 0);
    }
}
