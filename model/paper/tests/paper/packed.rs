//! States that wait packed, because memory is short, are the same states.

use zab_explorer::{Options, Report, Verdict, check};
use zab_paper::{Rules, State, reading};

use crate::support::{bounds, paper};

/// So little that half of it is in use from the beginning.
const LITTLE: u64 = 2 << 20;

fn explore<const N: usize, const X: usize>(
    rules: Rules,
    options: &Options<'_>,
) -> Report<State<N, X, 0>> {
    let model = paper::<N, X, 0>(rules);
    let report = check(&model, options, &mut |_| {}).expect("a run that may begin");
    assert!(report.complete(), "{:?}", report.memory);
    report
}

/// Equal with much memory and with little; the states that were packed.
fn compare<const N: usize, const X: usize>(rules: Rules, threads: usize, symmetry: bool) -> u64 {
    let much = Options { threads, symmetry, ..Options::default() };
    let little = Options { memory_max: Some(LITTLE), ..much };
    let (plain, packed) = (explore::<N, X>(rules, &much), explore::<N, X>(rules, &little));
    assert_eq!(plain.memory.packed, 0);
    assert_eq!(packed.distinct, plain.distinct);
    assert_eq!(packed.generated, plain.generated);
    assert_eq!(packed.levels, plain.levels);
    assert_eq!(packed.unreduced, plain.unreduced);
    for (one, other) in packed.properties.iter().zip(&plain.properties) {
        let shown = |verdict: &Verdict<State<N, X, 0>>| {
            let trace = verdict.trace()?;
            // With two threads another of several shortest runs may be shown.
            Some((trace.steps(), (threads == 1).then(|| trace.states.clone())))
        };
        assert_eq!(shown(&one.verdict), shown(&other.verdict), "{}", one.name);
    }
    packed.memory.packed
}

#[test]
fn two_servers_two_timeouts() {
    for threads in [1, 2] {
        let rules = Rules::new(bounds(2, 2, 2, 0, None));
        let packed = compare::<2, 2>(rules, threads, false);
        // A level of so few states is one block for each of two threads.
        assert!(packed > 0 || threads == 2);
        compare::<2, 2>(rules, threads, true);
    }
}

#[test]
fn three_servers_a_timeout_two_epochs() {
    for threads in [1, 2] {
        let rules = Rules::new(bounds(3, 1, 1, 0, Some(2)));
        assert!(compare::<3, 1>(rules, threads, false) > 1_000);
    }
}

/// A counterexample is as long, and with one thread the same.
#[test]
fn a_violation_is_shown_by_the_same_run() {
    let mut rules = Rules::new(bounds(3, 1, 1, 0, Some(2)));
    rules.variant = rules.variant.read(reading("proposals-to-synced").expect("a reading"));
    let much = explore::<3, 1>(rules, &Options::default());
    let violated = |name| {
        let property = much.property(name).expect("a property of the family");
        matches!(property.verdict, Verdict::Violated(_))
    };
    assert!(violated("commits_come_in_order"));
    for threads in [1, 2] {
        assert!(compare::<3, 1>(rules, threads, false) > 1_000);
    }
}
