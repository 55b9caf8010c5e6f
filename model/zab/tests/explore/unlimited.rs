//! No bound on failures: what is closed, and why it speaks for every run (`docs/src/unlimited.md`).

use std::collections::BTreeSet;

use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_assert_eq, proptest};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use stateright::Model;
use zab_explorer::{ExplorerModel, Options, Reduced, Reduction, Report, check};
use zab_model::explore::{Action, Bounds, Budget, Election, State, Unlimited, Zab};
use zab_model::{NoProbe, Zxid};

use crate::defects::{DEFECTS, Scene};
use crate::{CALM, violated, with, zab};

/// Whatever fails in runs, and elections: one of each kind is as many as one likes.
const FAILS: Bounds = Bounds {
    servers: 2,
    crashes: 1,
    kills: 1,
    failed_appends: 1,
    timeouts: 1,
    disconnects: 1,
    ..CALM
};

/// The same, counted: for runs to be tried. There are no more elections than established leaders that a
/// state has room for: one more is an overflow, which what is closed, without the list of them, has not.
const COUNTED: Bounds = Bounds {
    servers: 3,
    requests: 3,
    crashes: 9,
    kills: 9,
    lost_disks: 1,
    failed_appends: 2,
    timeouts: 9,
    disconnects: 9,
    rounds: 4,
    ..CALM
};

fn unlimited(zab: &Zab) -> Reduced<Unlimited> {
    Unlimited::new(zab).expect("its elections have no messages")
}

fn closed(bounds: Bounds) -> Report<State> {
    let options = Options { threads: 2, ..Options::default() };
    let model = unlimited(&zab(bounds));
    let report = check(&model, &options, &mut |_| {}).expect("the run begins");
    assert_eq!(report.stopped, None);
    report
}

#[test]
fn what_is_closed() {
    let sets = [
        (0, Election::Oracle, 639),
        (1, Election::Oracle, 4986),
        (2, Election::Oracle, 30_569),
        (1, Election::Anybody, 15_902),
    ];
    for (requests, election, states) in sets {
        let report = closed(Bounds { requests, election, ..FAILS });
        assert_eq!(violated(&report), [""; 0], "{requests} {election}");
        assert_eq!(report.distinct, states, "{requests} {election}");
    }
}

/// With messages in elections there are rounds, which are not renamed.
#[test]
fn elections_with_messages_are_refused() {
    for election in [Election::Fle, Election::FleOnly] {
        let bounds = Bounds { requests: 0, election, ..FAILS };
        assert!(Unlimited::new(&zab(bounds)).is_none());
    }
}

/// Defects that show with two servers and two requests, whoever may win.
const WITH_TWO: [&str; 15] = [
    "quorum=half",
    "accepted_epoch_write=never",
    "diff_cursor=max",
    "newleader_program=ack_before_log",
    "newleader_program=ack_first",
    "newleader_program=logged_at_uptodate",
    "newleader_program=queued",
    "establishment=at_once",
    "acknowledgement=at_append",
    "own_acknowledgement=at_proposal",
    "commit=first_ack",
    "commit_extent=all",
    "partial_database=kept",
    "fast_forward=never",
    "sync_thread_on_stop=zombie",
];

/// Every defect shows that does within bounds: with any number of failures, or with at most as many as
/// where it is looked for within bounds. `none` stands for what shows nowhere.
#[test]
fn every_defect_shows() {
    let closed = |defect| {
        let model = with(zab(Bounds { requests: 2, ..FAILS }), defect);
        unlimited(&model)
    };
    let counted = |defect, scene: Scene| Unlimited::counted(&with(scene.model(), defect));
    let mut elections = Vec::new();
    for (defect, scene, property) in DEFECTS.iter().filter(|(.., property)| *property != "none") {
        let model = match WITH_TWO.contains(defect) {
            true => Some(closed(defect)),
            false => counted(defect, *scene),
        };
        let Some(model) = model else {
            elections.push(*defect);
            continue;
        };
        let options = Options { stop_when_violated: true, ..Options::default() };
        let report = check(&model, &options, &mut |_| {}).expect("the run begins");
        assert_ne!(violated(&report), [""; 0], "{defect}: {property}");
    }
    // Of elections with their messages, of grain `threads`, and of observers.
    assert_eq!(elections, ["vote_order=zxid_first", "snap_label=when_sent", "inform=at_proposal"]);
}

/// The state that a run comes to if it takes these of the steps that are possible. Of every sixteen one
/// may be a failure.
fn run(model: &Zab, choices: &[u16]) -> State {
    let mut state = model.init_states().remove(0);
    let failures = |state: &State| {
        let Budget { crashes, kills, lost_disks, failed_appends, timeouts, disconnects, .. } =
            state.budget;
        [crashes, kills, lost_disks, failed_appends, timeouts, disconnects]
    };
    for (number, choice) in choices.iter().enumerate() {
        let mut steps = Vec::new();
        model.for_each_successor(&state, |_, next| {
            if number % 16 == 15 || failures(&next) == failures(&state) {
                steps.push(next);
            }
        });
        let Some(next) = steps.get(usize::from(*choice) % steps.len().max(1)) else { break };
        state = *next;
    }
    state
}

/// Epochs of the runs that are tried: an election takes at most one more.
const EPOCHS: u8 = COUNTED.rounds + 1;

/// Strictly monotone maps of epochs to such as fit a packet, one more each as well; 0 stays 0.
fn renamings() -> impl Strategy<Value = Vec<u8>> {
    let numbers: Vec<u8> = (1..14).collect();
    prop::sample::subsequence(numbers, usize::from(EPOCHS)).prop_map(|mut numbers| {
        numbers.insert(0, 0);
        numbers
    })
}

fn renamed(state: &State, renaming: &[u8]) -> State {
    state.with_epochs(|epoch| renaming[usize::from(epoch)]).expect("it fits a packet")
}

fn states(election: Election) -> impl Strategy<Value = State> {
    let model = zab(Bounds { election, ..COUNTED });
    prop::collection::vec(any::<u16>(), 0..200).prop_map(move |choices| run(&model, &choices))
}

/// Random states that a test tries: `ZAB_RUNS`, or the share that CI runs.
fn config() -> ProptestConfig {
    let cases = std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(200);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Whether a leader wants another epoch after this step than before it, or has decided one.
fn takes_epoch(action: Action, before: &State, after: &State) -> bool {
    let wants = |state: &State| {
        let leader = state.server(action.server());
        (leader.leader.new_epoch, leader.accepted_epoch)
    };
    matches!(action, Action::Elect(..) | Action::Accept(..)) && wants(before) != wants(after)
}

/// The states that are tried are such that whatever can happen does: all kinds of action but those of
/// elections with messages, of a broken network, of profiles other than `fixed`, of grain `threads`, and
/// of observers.
#[test]
fn every_action_is_tried() {
    const OTHERS: [&str; 12] = [
        "Notification",
        "Settle",
        "Resend",
        "Lose",
        "Swap",
        "CutReturns",
        "ZombieWrites",
        "Apply",
        "Handler",
        "OlderToLeader",
        "OlderEnds",
        "Observe",
    ];
    let mut runner = TestRunner::deterministic();
    let (strategy, model) = (states(Election::Oracle), zab(COUNTED));
    let (mut tried, mut taken) = (BTreeSet::new(), 0);
    for _ in 0..300 {
        let state = strategy.new_tree(&mut runner).expect("a state").current();
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let Some(next) = model.act(&state, action, &mut NoProbe) else { continue };
            tried.insert(Action::NAMES[action.kind()]);
            taken += usize::from(takes_epoch(action, &state, &next));
        }
    }
    let all = Action::NAMES.into_iter().filter(|name| !OTHERS.contains(name));
    assert_eq!(tried, all.collect());
    assert!(taken > 20, "{taken}");
}

proptest! {
    #![proptest_config(config())]

    /// A step and a renaming that keeps the order commute; but a new epoch is the next number, and
    /// which rank that is depends on the gap.
    #[test]
    fn steps_commute_with_renaming(
        state in prop::sample::select(vec![Election::Oracle, Election::Anybody]).prop_flat_map(states),
        renaming in renamings(),
    ) {
        let model = zab(Bounds { election: Election::Anybody, ..COUNTED });
        let other = renamed(&state, &renaming);
        let [mut here, mut there] = [Vec::new(), Vec::new()];
        model.actions(&state, &mut here);
        model.actions(&other, &mut there);
        let sync = |action: &Action| {
            let Action::Sync(id, up_to) = action else { return *action };
            let epoch = renaming[usize::from(up_to.epoch)];
            Action::Sync(*id, Zxid { epoch, ..*up_to })
        };
        prop_assert_eq!(here.iter().map(sync).collect::<Vec<_>>(), there.clone());
        for (action, other_action) in here.into_iter().zip(there) {
            let next = model.act(&state, action, &mut NoProbe);
            let other_next = model.act(&other, other_action, &mut NoProbe);
            prop_assert_eq!(next.is_some(), other_next.is_some(), "{}", action);
            let (Some(next), Some(other_next)) = (next, other_next) else { continue };
            if !takes_epoch(action, &state, &next) {
                prop_assert_eq!(renamed(&next, &renaming), other_next, "{}", action);
            }
        }
    }

    /// Of states that runs come to, whatever their numbers: every step has its image, and properties
    /// have their values.
    #[test]
    fn every_step_has_an_image(
        oracle in states(Election::Oracle),
        anybody in states(Election::Anybody),
        renaming in renamings(),
    ) {
        for (state, election) in [(oracle, Election::Oracle), (anybody, Election::Anybody)] {
            let model = unlimited(&zab(Bounds { election, ..COUNTED }));
            let other = renamed(&state, &renaming);
            prop_assert_eq!(model.reduction().canonical(&state), model.reduction().canonical(&other));
            prop_assert_eq!(model.covers(&state), Ok(()));
            prop_assert_eq!(model.covers(&other), Ok(()));
        }
    }
}
