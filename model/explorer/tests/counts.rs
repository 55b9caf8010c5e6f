//! Counts: ours, stateright's, and those that TLC and Spin have given for the same model.

use stateright::{Checker, Model};
use zab_explorer::{ExplorerModel, Options, Report, Stop, TwoPhase, Verdict, check};

/// Resource managers, distinct states, generated states, depth; TLC and Spin agree on them.
const KNOWN: [(u8, u64, u64, u64); 5] = [
    (3, 288, 1_146, 11),
    (4, 1_568, 8_258, 14),
    (5, 8_832, 58_146, 17),
    (6, 50_816, 402_306, 20),
    (7, 296_448, 2_744_706, 23),
];

fn model(count: u8) -> TwoPhase {
    TwoPhase::new(count).expect("few resource managers")
}

fn run(count: u8, options: &Options<'_>) -> Report<u64> {
    check(&model(count), options, &mut |_| {}).expect("the run begins")
}

#[test]
fn counts_are_those_of_other_tools_with_any_number_of_threads() {
    for (count, distinct, generated, depth) in KNOWN {
        for threads in [1, 2, 3] {
            let report = run(count, &Options { threads, ..Options::default() });
            assert_eq!(report.stopped, None);
            assert_eq!(
                (report.distinct, report.generated, report.depth()),
                (distinct, generated, depth),
                "{count} resource managers, {threads} threads"
            );
            assert_eq!(report.levels.iter().sum::<u64>(), distinct);
            // Every generated state but the initial one is a step of some class.
            let steps: u64 = report.actions.iter().map(|(_, fired)| fired).sum();
            assert_eq!(steps, generated - 1);
        }
    }
}

/// The size at which the table has grown many times. The next, 10,340,352 states, is asserted by
/// the yardstick, optimised.
#[test]
fn a_larger_model_counts_as_other_tools_do() {
    for threads in [1, 2] {
        let report = run(8, &Options { threads, ..Options::default() });
        assert_eq!(report.stopped, None);
        assert_eq!((report.distinct, report.generated), (1_745_408, 18_507_778));
        assert_eq!(report.depth(), 26);
    }
}

/// Two runs that hash differently see the same: no state was taken for another.
#[test]
fn another_seed_counts_the_same() {
    for seed in 1..4 {
        let report = run(6, &Options { seed, ..Options::default() });
        assert_eq!((report.distinct, report.generated), (50_816, 402_306));
    }
}

#[test]
fn stateright_counts_the_same() {
    for count in 3..=6 {
        let ours = run(count, &Options::default());
        for threads in [1, 2] {
            let bfs = model(count).checker().threads(threads).spawn_bfs().join();
            let dfs = model(count).checker().threads(threads).spawn_dfs().join();
            let expected = (ours.distinct, ours.generated);
            assert_eq!((bfs.unique_state_count() as u64, bfs.state_count() as u64), expected);
            assert_eq!((dfs.unique_state_count() as u64, dfs.state_count() as u64), expected);
        }
        let bfs = model(count).checker().spawn_bfs().join();
        assert_eq!(bfs.max_depth() as u64, ours.depth());
    }
}

/// The same model without its fast successors and without classes.
struct Plain(TwoPhase);

impl Model for Plain {
    type State = u64;
    type Action = <TwoPhase as Model>::Action;

    fn init_states(&self) -> Vec<u64> {
        self.0.init_states()
    }

    fn actions(&self, state: &u64, actions: &mut Vec<Self::Action>) {
        self.0.actions(state, actions);
    }

    fn next_state(&self, state: &u64, action: Self::Action) -> Option<u64> {
        self.0.next_state(state, action)
    }
}

impl ExplorerModel for Plain {}

#[test]
fn a_model_that_overrides_nothing_counts_the_same() {
    let report = check(&Plain(model(5)), &Options::default(), &mut |_| {}).expect("it begins");
    assert_eq!((report.distinct, report.generated), (8_832, 58_146));
    assert_eq!(report.actions, [("step".to_owned(), 58_145)]);
}

/// One state stands for its orbit, and the orbits together are all states.
#[test]
fn orbits_add_up_to_the_unreduced_count() {
    for (count, distinct, ..) in KNOWN {
        for threads in [1, 2] {
            let options = Options { threads, symmetry: true, ..Options::default() };
            let report = run(count, &options);
            assert_eq!(report.unreduced, Some(distinct));
            assert!(report.distinct < distinct / 2);
            assert!(matches!(report.properties[2].verdict, Verdict::Holds));
            // What is shown is a run of the model itself, not of its representatives.
            for property in &report.properties[..2] {
                let trace = property.verdict.trace().expect("both agreements are reached");
                assert!(trace.path(&model(count)).is_some());
            }
        }
    }
}

/// Every class fires; and those of the first step are counted by hand.
#[test]
fn coverage_counts_the_steps_of_every_class() {
    let report = run(3, &Options::default());
    assert!(report.actions.iter().all(|(_, fired)| *fired > 0), "{:?}", report.actions);
    let stopped = run(3, &Options { depth_max: 2, ..Options::default() });
    let of = |name: &str| stopped.actions.iter().find(|(n, _)| n == name).map(|(_, fired)| *fired);
    assert_eq!(stopped.stopped, Some(Stop::Depth));
    // From the initial state: abort, or one of three prepares or chooses to abort.
    assert_eq!(of("TmAbort"), Some(1));
    assert_eq!(of("RmPrepare"), Some(3));
    assert_eq!(of("RmChooseToAbort"), Some(3));
    assert_eq!(of("TmCommit"), Some(0));
    assert_eq!(of("RmRcvCommitMsg"), Some(0));
}
