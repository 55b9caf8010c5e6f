//! Numbers that do not fit end the run, and no other is shown in their place.

use zab_explorer::{Claim, Options, Refused, Stop, Verdict, check};

use crate::small::{Small, goal, threads, word};

/// Steps that one state may have.
const MOST: u32 = 65_536;

/// One state with so many steps; the states after it have none.
fn wide(steps: u32) -> Small {
    Small::new(move |state, to| {
        if state == 0 {
            to.extend((1..=steps).map(|next| (0, next)));
        }
    })
}

/// The state is the last of its level, and the only one.
#[test]
fn a_wide_state_on_a_level_of_its_own() {
    for options in threads() {
        for bad in [70_000, 4_464, 1, MOST, MOST + 1] {
            let model = wide(70_000).bad(move |state| state == bad);
            let report = check(&model, &options, &mut |_| {}).expect("it begins");
            assert_eq!(report.stopped, Some(Stop::Size));
            let shown = report.properties[0].verdict.trace().and_then(|trace| trace.states.last());
            assert_eq!(shown, (bad <= MOST).then_some(&bad));
        }
        let report = check(&wide(70_000), &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.stopped, report.waiting > 0), (Some(Stop::Size), true));
        assert!(matches!(report.properties[0].verdict, Verdict::Unknown));
        let model = wide(70_000).goal(|state| state == 70_000);
        let judged = model.judge(Claim::Eventually(goal), &[0], &options);
        assert_eq!(word(&judged), "unknown");
        let graph = model.graph(Claim::Eventually(goal), &options);
        assert_eq!(graph.stopped, Some(Stop::Size));
    }
}

/// As many as fit are not too many, and each is told from the others.
#[test]
fn as_many_steps_as_fit() {
    for options in threads() {
        for bad in [1, 2, MOST - 1, MOST] {
            let model = wide(MOST).bad(move |state| state == bad);
            let report = check(&model, &options, &mut |_| {}).expect("it begins");
            assert_eq!((report.stopped, report.distinct), (None, u64::from(MOST) + 1));
            let trace = report.properties[0].verdict.trace().expect("it is violated");
            assert_eq!(trace.states, [0, bad]);
        }
        let model = wide(MOST).goal(|state| state == 1);
        assert_eq!(word(&model.judge(Claim::Eventually(goal), &[0], &options)), "violated");
        let model = wide(MOST).goal(|state| state > 0);
        assert_eq!(word(&model.judge(Claim::Eventually(goal), &[0], &options)), "holds");
    }
}

/// Wide is a state also when it is one of many, the last of many levels, an initial one among others,
/// and when its steps change nothing, lead to one state, or lead outside.
#[test]
fn wide_states_anywhere() {
    let many = || (1..=70_000).map(|next| (0, 1_000_000 + next));
    let models: [Small; 6] = [
        Small::new(move |state, to| match state {
            0 => to.extend((1..=1000).map(|next| (0, next))),
            500 => to.extend(many()),
            _ => {}
        }),
        Small::new(move |state, to| match state {
            20_000 => to.extend(many()),
            state if state < 20_000 => to.push((0, state + 1)),
            _ => {}
        }),
        Small::new(move |state, to| {
            if state == 3 {
                to.extend(many());
            }
        })
        .starts([1, 2, 3]),
        Small::new(|state, to| to.extend((0..70_000).map(|_| (0, state)))),
        Small::new(|_, to| to.extend((0..70_000).map(|_| (0, 1)))),
        Small::new(move |_, to| to.extend(many())).inside(|state| state == 0),
    ];
    for (number, model) in models.iter().enumerate() {
        for options in threads() {
            let report = check(model, &options, &mut |_| {}).expect("it begins");
            assert_eq!(report.stopped, Some(Stop::Size), "model {number}");
            let graph = model.graph(Claim::Eventually(goal), &options);
            assert_eq!(graph.stopped, Some(Stop::Size), "model {number}");
            let judged = model.judge(Claim::Eventually(|_, _| true), &[], &options);
            // All of them have met that at once; but the graph is not complete.
            assert_eq!(word(&judged), "unknown", "model {number}");
        }
    }
}

/// Initial states have 32 bits for their numbers.
#[test]
fn more_initial_states_than_a_state_may_have_steps() {
    for options in threads() {
        let model = Small::new(|state, to| to.push((0, state | 1 << 20)));
        let model = model.starts(0..200_000).bad(|state| state == 150_000 | 1 << 20);
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.stopped, report.distinct), (None, 400_000));
        let trace = report.properties[0].verdict.trace().expect("it is violated");
        assert_eq!(trace.states, [150_000, 150_000 | 1 << 20]);
        let model = model.goal(|state| state != 150_000 && state != 150_000 | 1 << 20);
        let judged = model.judge(Claim::Eventually(goal), &[0], &options);
        let zab_explorer::LiveVerdict::Violated(lasso) = &judged.verdict else {
            panic!("{}", word(&judged))
        };
        assert_eq!(lasso.stem.states.first(), Some(&150_000));
    }
}

/// Initial states for which there is no room end the run; none is taken for a later one.
#[test]
fn initial_states_without_room_end_the_run() {
    for options in threads() {
        let options = Options { memory_max: Some(3 << 20), ..options };
        let model = Small::new(|_, _| {}).starts(0..1_000_000).bad(|state| state == 999_999);
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.stopped, report.depth()), (Some(Stop::Memory), 1));
        assert!(report.distinct < 1_000_000);
        assert!(matches!(report.properties[0].verdict, Verdict::Unknown));
        let options = Options { memory_max: Some(5 << 20), ..options };
        let graph = model.graph(Claim::Eventually(goal), &options);
        assert_eq!(graph.stopped, Some(Stop::Memory));
    }
}

#[test]
fn too_many_threads_are_refused() {
    let options = Options { threads: 1025, ..Options::default() };
    let refused = check(&Small::counter(), &options, &mut |_| {}).err();
    assert_eq!(refused, Some(Refused::TooManyThreads { count: 1025, most: 1024 }));
}
