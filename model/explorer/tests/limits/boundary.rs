//! A step that the boundary leaves out is a step.

use zab_explorer::{Claim, Options, Verdict, check};

use crate::small::{Small, goal, threads, word};

fn climbing_to(most: u32) -> Small {
    Small::counter().inside(move |state| state <= most)
}

/// A counter that climbs for ever, looked at up to 10. It is false that it comes to 10 again and
/// again: it goes on.
#[test]
fn it_hides_no_violation() {
    for options in threads() {
        let model = climbing_to(10).goal(|state| state == 10);
        assert_eq!(word(&model.judge(Claim::AlwaysEventually(goal), &[0], &options)), "unknown");
    }
}

/// Of the same counter it is true that 20 comes.
#[test]
fn it_makes_no_violation() {
    for options in threads() {
        let model = climbing_to(10).goal(|state| state == 20);
        assert_eq!(word(&model.judge(Claim::Eventually(goal), &[0], &options)), "unknown");
        let first = |_: &Small, state: &u32| *state == 0;
        assert_eq!(word(&model.judge(Claim::LeadsTo(first, goal), &[0], &options)), "unknown");
    }
}

/// Whether what comes after the boundary begins with the premise, nobody knows.
#[test]
fn a_premise_that_was_not_seen_may_come_outside() {
    let model = climbing_to(10);
    let late = |_: &Small, state: &u32| *state == 11;
    let report = model.judge(Claim::LeadsTo(late, goal), &[0], &Options::default());
    assert_eq!(word(&report), "unknown");
}

/// What is met before the boundary is met, and a run that never comes there breaks a claim as ever.
#[test]
fn what_does_not_depend_on_it_is_decided() {
    for options in threads() {
        let model = climbing_to(10).goal(|state| state == 5);
        let graph = model.graph(Claim::Eventually(goal), &options);
        assert_eq!((graph.left_out, graph.steps(), graph.stopped), (1, 10, None));
        assert_eq!(word(&model.judge(Claim::Eventually(goal), &[0], &options)), "holds");
        // Nobody makes it climb: it may stay at 0.
        assert_eq!(word(&model.judge(Claim::Eventually(goal), &[], &options)), "violated");
        // A cycle from which one may leave, but need not: the way out is of another class.
        let cycle = Small::new(|state, steps| steps.extend([(0, (state + 1) % 3), (1, 100)]));
        let cycle = cycle.inside(|state| state < 100);
        assert_eq!(word(&cycle.judge(Claim::Eventually(goal), &[0], &options)), "violated");
        // It must be left some time: what then comes is not known.
        assert_eq!(word(&cycle.judge(Claim::Eventually(goal), &[0, 1], &options)), "unknown");
    }
}

/// The other ends that a boundary may seem to make: a state with nothing but steps outside is no
/// terminal state, and no deadlock.
#[test]
fn it_makes_no_end() {
    for options in threads() {
        let report = check(&climbing_to(10), &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.distinct, report.left_out), (11, 1));
        assert_eq!((report.terminal, report.deadlocks), (0, 0));
        assert!(report.deadlock.is_none() && report.complete());
        assert!(matches!(report.properties[0].verdict, Verdict::Holds));
    }
}

/// Every step that leads outside is counted, also from the same state and to the same state, and
/// initial states are.
#[test]
fn what_was_left_out_is_counted() {
    let model = || {
        // A grid: a step right or up, of which the boundary keeps a triangle.
        let model = Small::new(|state, steps| steps.extend([(0, state + 1), (1, state + 1000)]));
        model.inside(|state| state % 1000 + state / 1000 <= 20)
    };
    for options in threads() {
        let report = check(&model(), &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.distinct, report.left_out), (231, 42));
        // Generated, and taken, is what is within.
        assert_eq!(report.generated, 1 + 2 * 210);
        assert_eq!(report.actions[0].1 + report.actions[1].1, 2 * 210);
        let graph = model();
        let graph = graph.graph(Claim::Eventually(goal), &options);
        assert_eq!((graph.distinct, graph.left_out, graph.steps()), (231, 42, 420));
        // The same, each state standing for its mirror image.
        let mirrored = |state: u32| state.min(state % 1000 * 1000 + state / 1000);
        let symmetric = Options { symmetry: true, ..options };
        let report = check(&model().representative(mirrored), &symmetric, &mut |_| {});
        let report = report.expect("it begins");
        assert_eq!((report.distinct, report.left_out, report.terminal), (121, 22, 0));
        // Initial states of which some are outside.
        let starts = climbing_to(10).starts([7, 11, 12]);
        let report = check(&starts, &options, &mut |_| {}).expect("it begins");
        assert_eq!((report.distinct, report.left_out), (4, 3));
    }
}

/// An initial state that was left out may begin a run that breaks the claim.
#[test]
fn an_initial_state_outside_leaves_a_claim_open() {
    let model = || climbing_to(10).goal(|state| state == 9);
    let options = Options::default();
    let judge = |model: Small| word(&model.judge(Claim::Eventually(goal), &[0], &options));
    assert_eq!(judge(model()), "holds");
    assert_eq!(judge(model().starts([0, 11])), "unknown");
}

/// Where states wait packed, steps are left out as ever.
#[test]
fn packed_states_have_the_same_boundary() {
    let model = Small::new(|state, steps| {
        steps.extend((0..20).map(|bit| (0, state ^ 1 << bit)));
    });
    let model = model.inside(|state| state.count_ones() <= 8);
    let run = |memory_max, threads| {
        let options = Options { memory_max, threads, ..Options::default() };
        check(&model, &options, &mut |_| {}).expect("it begins")
    };
    let plain = run(None, 1);
    // From each of the states with eight bits, the twelve with nine.
    assert_eq!((plain.distinct, plain.left_out), (263_950, 125_970 * 12));
    for threads in [1, 2] {
        let packed = run(Some(7 << 20), threads);
        assert!(packed.complete() && packed.memory.packed > 0, "{:?}", packed.memory);
        assert_eq!((packed.distinct, packed.left_out), (plain.distinct, plain.left_out));
        assert_eq!(packed.terminal, 0);
    }
}
