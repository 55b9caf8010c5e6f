//! Random walks: what they find is so, what they do not find is not said.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use zab_explorer::{
    ExplorerModel, Options, Refused, Stop, Trace, TwoPhase, WalkOptions, WalkReport, check, walk,
};

use crate::small::Small;

fn walked(model: &Small, options: &WalkOptions<'_>) -> WalkReport<u32> {
    walk(model, options, &mut |_| {}).expect("it begins")
}

/// Up by one or two; 50 is bad, and so is an odd end.
fn climb() -> Small {
    let steps = |state: u32, steps: &mut Vec<(u16, u32)>| {
        if state < 60 {
            steps.extend([(0, state + 1), (1, state + 2)]);
        }
    };
    Small::new(steps).bad(|state| state == 50).may_end(|state| state == 60)
}

#[test]
fn what_is_found_is_a_run_of_the_model() {
    let report = walked(&climb(), &WalkOptions::default());
    let exact = check(&climb(), &Options::default(), &mut |_| {}).expect("it begins");
    let shortest = exact.property("never bad").and_then(|found| found.verdict.trace());
    let (found, shortest) = (report.found("never bad").expect("half of them"), shortest);
    assert_eq!((found.states.first(), found.states.last()), (Some(&0), Some(&50)));
    assert!(found.path(&climb()).is_some());
    assert!(Some(found.steps()) >= shortest.map(Trace::steps));
    assert_eq!((report.stopped, report.walks, report.cut), (None, 1000, 0));
    assert_eq!(report.ended, 1000);
    // 61 is the odd end, from 59 only.
    assert!((100..900).contains(&report.deadlocks), "{}", report.deadlocks);
    let deadlock = report.deadlock.expect("it was met").walk;
    assert_eq!(deadlock.states.last(), Some(&61));
    assert!(deadlock.path(&climb()).is_some());
}

#[test]
fn the_seed_decides_all() {
    let of = |seed| {
        let report = walked(&climb(), &WalkOptions { seed, walks_max: 20, ..Default::default() });
        (report.steps, report.deadlocks, report.found("never bad").cloned())
    };
    assert_eq!(of(1), of(1));
    let others = (2..6).map(of).collect::<Vec<_>>();
    assert!(others.iter().any(|other| *other != of(1)), "all seeds give the same");
}

/// Of many walks, the one that found something is found again, alone.
#[test]
fn a_walk_is_repeated_by_its_own_seed() {
    let options = WalkOptions { seed: u64::MAX - 3, walks_max: 20, ..Default::default() };
    let mut told = Vec::new();
    let report = walk(&climb(), &options, &mut |report| told.push((report.walks, report.steps)));
    let report = report.expect("it begins");
    assert_eq!(told.len(), 20);
    assert!(told.windows(2).all(|two| two[0].0 + 1 == two[1].0 && two[0].1 < two[1].1));
    assert_eq!(told.last(), Some(&(report.walks, report.steps)));
    let found = report.properties.iter().find_map(|property| property.found.clone());
    let found = found.expect("one of twenty");
    let options = WalkOptions { seed: found.seed, walks_max: 1, ..Default::default() };
    let again = walked(&climb(), &options);
    assert_eq!(again.found("never bad").map(|walk| &walk.states), Some(&found.walk.states));
}

#[test]
fn every_step_is_as_likely() {
    // Four ways from 0, each its own end.
    let model = Small::new(|state, steps: &mut Vec<(u16, u32)>| {
        if state == 0 {
            steps.extend((1..=4).map(|end| (0, end)));
        }
    });
    let mut ends = [0_u32; 5];
    for seed in 0..4000 {
        let report = walked(&model, &WalkOptions { seed, walks_max: 1, ..Default::default() });
        let end = report.deadlock.and_then(|met| met.walk.states.last().copied()).expect("an end");
        ends[end as usize] += 1;
    }
    assert!(ends[1..].iter().all(|count| (850..1150).contains(count)), "{ends:?}");
}

#[test]
fn limits_are_kept_and_named() {
    let endless = || Small::counter();
    let cut = walked(&endless(), &WalkOptions { walks_max: 7, steps_max: 9, ..Default::default() });
    assert_eq!((cut.stopped, cut.walks, cut.steps, cut.cut), (None, 7, 63, 7));
    let time_max = Some(Duration::ZERO);
    let late = walked(&endless(), &WalkOptions { time_max, ..Default::default() });
    assert_eq!((late.stopped, late.walks, late.steps), (Some(Stop::Time), 1, 0));
    let stop = AtomicBool::new(true);
    let asked = walked(&endless(), &WalkOptions { stop: Some(&stop), ..Default::default() });
    assert_eq!(asked.stopped, Some(Stop::Asked));
    let bad = endless().bad(|state| state == 5);
    let options = WalkOptions { stop_when_violated: true, ..Default::default() };
    let first = walked(&bad, &options);
    assert_eq!((first.stopped, first.walks, first.steps), (Some(Stop::Violated), 1, 5));
}

/// A walk stays within the boundary; where it cannot go on because of it, that is no deadlock.
#[test]
fn the_boundary_is_no_deadlock() {
    let report = walked(&Small::counter().inside(|state| state < 4), &WalkOptions::default());
    assert_eq!((report.ended, report.deadlocks, report.steps), (1000, 0, 3000));
    let nowhere = Small::counter().inside(|_| false);
    let refused = walk(&nowhere, &WalkOptions::default(), &mut |_| {}).err();
    assert_eq!(refused, Some(Refused::NoInitialState));
}

#[test]
fn a_panic_comes_with_the_walk_to_it() {
    let model = Small::new(|state, steps: &mut Vec<(u16, u32)>| {
        assert!(state != 3, "three is too many");
        steps.push((0, state + 1));
    });
    let report = walked(&model, &WalkOptions::default());
    assert_eq!((report.stopped, report.walks), (Some(Stop::Panicked), 1));
    let fault = report.fault.expect("it panicked");
    assert!(fault.to_string().ends_with("the steps of this state: three is too many"), "{fault}");
    assert_eq!(fault.trace.map(|walk| walk.states), Some(vec![0, 1, 2, 3]));
}

/// On a real model: no walk finds what exploring shows not to be there, and some find what is.
#[test]
fn walks_agree_with_the_exploration() {
    let model = TwoPhase::new(3).expect("few");
    let report = walk(&model, &WalkOptions::default(), &mut |_| {}).expect("it begins");
    assert!(report.found("consistent").is_none());
    for name in ["abort agreement", "commit agreement"] {
        let found = report.found(name).unwrap_or_else(|| panic!("{name} was not met"));
        assert!(found.path(&model).is_some());
        assert!(found.classes.iter().all(|class| usize::from(*class) < model.class_names().len()));
    }
}
