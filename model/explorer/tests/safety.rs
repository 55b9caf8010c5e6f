//! Verdicts, counterexamples and budgets of the safety engine.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use stateright::{Expectation, Model, Property};
use zab_explorer::{ExplorerModel, Options, Refused, Stop, TwoPhase, Verdict, check};

/// Numbers from 0: one more, or twice as many, below a limit.
struct Numbers {
    limit: u32,
}

const FORBIDDEN: u32 = 77;

impl Model for Numbers {
    type State = u32;
    type Action = &'static str;

    fn init_states(&self) -> Vec<u32> {
        // The first is outside of the boundary.
        vec![u32::MAX, 1]
    }

    fn actions(&self, _state: &u32, actions: &mut Vec<&'static str>) {
        actions.extend(["more", "twice", "nothing"]);
    }

    fn next_state(&self, state: &u32, action: &'static str) -> Option<u32> {
        match action {
            "more" => Some(state + 1),
            "twice" => Some(state * 2),
            _ => None,
        }
    }

    fn within_boundary(&self, state: &u32) -> bool {
        *state < self.limit
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("never 77", |_, state| *state != FORBIDDEN),
            Property::always("below the limit", |model: &Self, state| *state < model.limit),
            Property::sometimes("64", |_, state| *state == 64),
            Property::sometimes("a million", |_, state| *state == 1_000_000),
            Property::eventually("two", |_, state| *state == 2),
        ]
    }
}

impl ExplorerModel for Numbers {
    fn class_names(&self) -> Vec<String> {
        vec!["more".to_owned(), "twice".to_owned()]
    }

    fn class(&self, action: &&'static str) -> u16 {
        u16::from(*action == "twice")
    }
}

/// 1, 2, 4, 9, …: the shortest way to a number doubles as often as it can.
fn shortest(number: u32) -> usize {
    (number.ilog2() + number.count_ones() - 1) as usize
}

#[test]
fn counterexamples_are_shortest_and_are_runs_of_the_model() {
    for threads in [1, 2] {
        let model = Numbers { limit: 5000 };
        let options = Options { threads, ..Options::default() };
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        assert!(report.complete());
        assert_eq!(report.distinct, 4999);
        let of = |name: &str| &report.property(name).expect("it is there").verdict;
        let Verdict::Violated(trace) = of("never 77") else { panic!("{:?}", of("never 77")) };
        assert_eq!(trace.states.last(), Some(&FORBIDDEN));
        assert_eq!(trace.steps(), shortest(FORBIDDEN));
        let path = trace.path(&model).expect("a run of the model");
        assert_eq!(path.into_states(), trace.states);
        assert!(matches!(of("below the limit"), Verdict::Holds));
        let reached = of("64").trace().expect("it is reached");
        assert_eq!(reached.steps(), shortest(64));
        // 1 becomes 2 in either way; then only doubling is short.
        assert_eq!(reached.classes[1..], [1; 5]);
        assert!(matches!(of("a million"), Verdict::NeverReached));
        assert_eq!(report.property("two").map(|p| &p.kind), Some(&Expectation::Eventually));
        assert!(matches!(of("two"), Verdict::Unknown));
    }
}

#[test]
fn a_run_may_end_at_the_first_violation() {
    for threads in [1, 2] {
        let model = Numbers { limit: 1_000_000 };
        let options = Options { threads, stop_when_violated: true, ..Options::default() };
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        assert_eq!(report.stopped, Some(Stop::Violated));
        assert!(report.distinct < 999_999);
        let trace = report.properties[0].verdict.trace().expect("a counterexample");
        assert_eq!(trace.steps(), shortest(FORBIDDEN));
        assert!(matches!(report.properties[1].verdict, Verdict::Unknown));
    }
}

/// An initial state may violate a property; the counterexample has no step.
#[test]
fn initial_states_are_checked() {
    struct Bad;
    impl Model for Bad {
        type State = u8;
        type Action = u8;
        fn init_states(&self) -> Vec<u8> {
            vec![3, 4, 4]
        }
        fn actions(&self, _state: &u8, _actions: &mut Vec<u8>) {}
        fn next_state(&self, _state: &u8, _action: u8) -> Option<u8> {
            None
        }
        fn properties(&self) -> Vec<Property<Self>> {
            vec![Property::always("not 4", |_, state| *state != 4)]
        }
    }
    impl ExplorerModel for Bad {}
    let report = check(&Bad, &Options::default(), &mut |_| {}).expect("it begins");
    assert_eq!((report.distinct, report.generated, report.terminal), (2, 3, 2));
    let trace = report.properties[0].verdict.trace().expect("a counterexample");
    assert_eq!((trace.states.as_slice(), trace.steps()), (&[4][..], 0));
    assert!(report.complete());
}

/// What ends a run early is named, and leaves no verdict behind that needs all states.
#[test]
fn budgets_end_a_run_incomplete() {
    let stop = AtomicBool::new(true);
    let default = Options::default;
    let cases = [
        (Options { states_max: 1000, ..default() }, Stop::States),
        (Options { depth_max: 5, ..default() }, Stop::Depth),
        (Options { time_max: Some(Duration::ZERO), ..default() }, Stop::Time),
        (Options { memory_max: Some(2 << 20), ..default() }, Stop::Memory),
        (Options { stop: Some(&stop), ..default() }, Stop::Asked),
    ];
    for (options, expected) in cases {
        for threads in [1, 2] {
            let model = TwoPhase::new(8).expect("few");
            let options = Options { threads, ..options };
            let report = check(&model, &options, &mut |_| {}).expect("it begins");
            assert_eq!(report.stopped, Some(expected));
            assert!(report.distinct < 1_745_408);
            assert!(matches!(report.properties[2].verdict, Verdict::Unknown));
            let used = report.memory.table + report.memory.log;
            assert!(used <= report.memory.budget, "{:?}", report.memory);
            assert!(used <= report.memory.peak, "{:?}", report.memory);
            assert!((1..=report.distinct).contains(&report.waiting), "{}", report.waiting);
        }
    }
}

/// States that wait are those of the levels that were not expanded.
#[test]
fn what_waits_is_counted() {
    let model = TwoPhase::new(5).expect("few");
    let whole = check(&model, &Options::default(), &mut |_| {}).expect("it begins");
    for depth in 1..whole.depth() {
        let options = Options { depth_max: depth, ..Options::default() };
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        let at = usize::try_from(depth).expect("a small number") - 1;
        assert_eq!(report.waiting, whole.levels[at]);
    }
    assert_eq!(whole.waiting, 0);
}

/// However many there are, beyond those that the smallest table has room for.
#[test]
fn a_visited_state_takes_at_most_12_bytes() {
    let model = TwoPhase::new(7).expect("few");
    for states_max in [120_000, 160_000, 200_000, 250_000, 280_000, u64::MAX] {
        let options = Options { states_max, ..Options::default() };
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        let (bytes, states) = (report.memory.table, report.distinct);
        assert!(bytes <= 12 * states, "{bytes} bytes for {states} states");
    }
}

/// A budget that is just enough is used up to the end, and no more of it.
#[test]
fn memory_is_kept_to_the_budget() {
    let model = TwoPhase::new(7).expect("few");
    let mut complete = 0;
    for mebibytes in 3..12 {
        let options = Options { memory_max: Some(mebibytes << 20), ..Options::default() };
        let report = check(&model, &options, &mut |_| {}).expect("it begins");
        let memory = report.memory;
        // A batch or two beyond what was allowed is not worth a check at every state.
        let slack = 64 << 10;
        assert!(memory.table + memory.log <= memory.budget + slack, "{memory:?}");
        assert!(memory.peak <= memory.budget + slack, "{memory:?}");
        match report.stopped {
            None => {
                complete += 1;
                assert_eq!((report.distinct, report.waiting), (296_448, 0));
            }
            Some(stop) => {
                assert_eq!(stop, Stop::Memory);
                // What was in use says what the budget must exceed.
                assert!(memory.peak > memory.budget / 2, "{memory:?}");
            }
        }
    }
    // 296,448 states take 8 bytes in a table nine tenths full, 6 in the log, and a frontier.
    assert!((1..9).contains(&complete), "{complete} budgets were enough");
}

#[test]
fn impossible_runs_are_refused() {
    let model = TwoPhase::new(3).expect("few");
    let refused = |options: &Options<'_>| check(&model, options, &mut |_| {}).err();
    let small = Options { memory_max: Some(1000), ..Options::default() };
    let Some(Refused::TooLittleMemory { needed, given: 1000 }) = refused(&small) else {
        panic!("{:?}", refused(&small));
    };
    assert_eq!(
        refused(&small).expect("refused").to_string(),
        "0.0 MiB of memory are too few: the run begins with 2 MiB \
         (hint: give more, or expect fewer states)"
    );
    let enough = Options { memory_max: Some(needed), ..Options::default() };
    assert_eq!(refused(&enough), None);
    let none = Options { threads: 0, ..Options::default() };
    assert_eq!(refused(&none), Some(Refused::NoThreads));
    let empty = check(&Numbers { limit: 0 }, &Options::default(), &mut |_| {}).err();
    assert_eq!(empty, Some(Refused::NoInitialState));
    let expecting = Options { states_expected: u64::MAX, ..Options::default() };
    assert!(matches!(refused(&expecting), Some(Refused::TooLittleMemory { .. })));
}

#[test]
fn progress_is_told_and_grows() {
    let mut told = Vec::new();
    let options = Options { progress_every: Duration::ZERO, ..Options::default() };
    let model = TwoPhase::new(6).expect("few");
    let report = check(&model, &options, &mut |progress| told.push(*progress)).expect("it begins");
    assert!(told.len() > 20);
    assert!(told.windows(2).all(|two| two[0].distinct <= two[1].distinct));
    assert!(told.windows(2).all(|two| two[0].depth <= two[1].depth));
    assert!(told.iter().all(|progress| progress.waiting <= progress.distinct));
    let last = told.last().expect("some");
    assert_eq!((last.distinct, last.generated), (report.distinct, report.generated));
    assert_eq!((last.depth, last.waiting), (report.depth(), 0));
}

/// A guess of the number of states saves growth, and makes identities longer.
#[test]
fn expected_states_size_the_table() {
    let model = TwoPhase::new(6).expect("few");
    let run = |states_expected| {
        let options = Options { states_expected, ..Options::default() };
        check(&model, &options, &mut |_| {}).expect("it begins")
    };
    let (plain, sized) = (run(0), run(10_000_000));
    assert_eq!(plain.distinct, sized.distinct);
    assert_eq!((plain.identity.bits, sized.identity.bits), (73, 79));
    assert!(sized.identity.missing_expected < plain.identity.missing_expected);
    assert!(plain.identity.missing_expected < 1e-12);
    assert!(plain.memory.table < sized.memory.table);
}

/// Where memory is short, states wait packed; the counts, their order and the traces stay.
#[test]
fn packed_states_are_the_same_states() {
    let model = TwoPhase::new(8).expect("few");
    for threads in [1, 2] {
        let run = |memory_max| {
            let options = Options { threads, memory_max, ..Options::default() };
            check(&model, &options, &mut |_| {}).expect("it begins")
        };
        let (plain, packed) = (run(None), run(Some(40 << 20)));
        assert!(plain.complete() && packed.complete(), "{:?}", packed.memory);
        assert_eq!(plain.memory.packed, 0);
        assert!(packed.memory.packed > 10_000, "{:?}", packed.memory);
        assert_eq!((packed.distinct, packed.generated), (plain.distinct, plain.generated));
        assert_eq!((packed.terminal, packed.waiting), (plain.terminal, 0));
        assert_eq!(packed.levels, plain.levels);
        assert_eq!(packed.actions, plain.actions);
        for (one, other) in packed.properties.iter().zip(&plain.properties) {
            let steps = |verdict: &Verdict<u64>| verdict.trace().map(|trace| trace.steps());
            assert_eq!(steps(&one.verdict), steps(&other.verdict), "{}", one.name);
            // One thread numbers states in one way.
            if threads == 1 {
                let states = |verdict: &Verdict<u64>| verdict.trace().map(|t| t.states.clone());
                assert_eq!(states(&one.verdict), states(&other.verdict), "{}", one.name);
            }
        }
    }
}
