//! Every step is a step of abstract primary-order broadcast, or none.

use std::collections::HashMap;

use zab_explorer::{Options, Verdict, check};
use zab_paper::{AbstractStep, Action, Bounds, NewLeaderWrites, Rules, abstract_step};

use crate::support::{bounds, paper, walk};

const REFINES: &str = "every_step_is_one_of_primary_order_broadcast";

/// How often each action is which abstract step.
fn steps<const N: usize, const X: usize>(
    bounds: Bounds,
) -> HashMap<(&'static str, AbstractStep), usize> {
    let mut counts = HashMap::new();
    walk(&paper::<N, X, 12>(Rules::new(bounds)), |state, steps| {
        for (action, next) in steps {
            let step = abstract_step(state, next).expect("an abstract step");
            *counts.entry((Action::KINDS[usize::from(action.kind())], step)).or_default() += 1;
        }
    });
    counts
}

#[test]
fn each_action_is_the_abstract_step_that_it_is_for() {
    let mut found: Vec<_> = steps::<3, 1>(bounds(3, 1, 0, 1, None)).into_keys().collect();
    found.extend(steps::<3, 2>(bounds(3, 2, 1, 0, None)).into_keys());
    let shows: Vec<_> = found.into_iter().filter(|(_, s)| *s != AbstractStep::Stutter).collect();
    let expected = [
        ("LeaderProcessACKEPOCH", AbstractStep::Establish),
        // A late joiner is offered what has not been proposed yet.
        ("LeaderProcessACKEPOCH", AbstractStep::Broadcast),
        ("LeaderBroadcastPROPOSE", AbstractStep::Broadcast),
        ("LeaderProcessACKLD", AbstractStep::Deliver),
        ("FollowerProcessCOMMITLD", AbstractStep::Deliver),
        ("LeaderProcessACK", AbstractStep::Deliver),
        ("FollowerProcessCOMMIT", AbstractStep::Deliver),
        ("Restart", AbstractStep::Forget),
    ];
    for step in expected {
        assert!(shows.contains(&step), "{step:?} never happened");
    }
    assert!(shows.iter().all(|step| expected.contains(step)), "{shows:?}");
}

fn refines<const N: usize, const X: usize>(rules: Rules) -> bool {
    let options = Options { threads: 2, ..Options::default() };
    let report = check(&paper::<N, X, 12>(rules), &options, &mut |_| {}).expect("a run");
    assert!(report.complete());
    let property = report.property(REFINES).expect("offered with ghosts");
    matches!(property.verdict, Verdict::Holds)
}

#[test]
fn exploration_checks_it() {
    assert!(refines::<2, 2>(Rules::new(bounds(2, 2, 1, 1, None))));
    assert!(refines::<3, 1>(Rules::new(bounds(3, 1, 1, 1, None))));
    assert!(refines::<3, 2>(Rules::new(bounds(3, 2, 1, 0, None))));
    let mut broken = Rules::new(bounds(3, 1, 1, 1, None));
    broken.variant.new_leader = NewLeaderWrites::EpochFirst;
    assert!(!refines::<3, 1>(broken));
}
