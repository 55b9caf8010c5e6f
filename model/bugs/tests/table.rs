//! The table of bugs: what it says of releases and switches, and that what needs a moment is found.
//! `zabcheck bugs`, which CI runs, finds all of them; here they are with `ZAB_RUNS=all`.

use std::collections::BTreeSet;

use stateright::Model;
use zab_bugs::{
    ALIKE, BUGS, Budget, Bug, FoundIn, Hunt, Scene, Search, WithHunt, behaves_as, control, reason,
};
use zab_explorer::Options;
use zab_model::explore::{Action, PROPERTIES, PacketKind, State};
use zab_model::profile::{KNOWN, RELEASES, SWITCHES};
use zab_model::{Profile, Queue};

/// What is found within a moment.
const QUICK: [&str; 6] = [
    "ZOOKEEPER-2354",
    "ZOOKEEPER-2845",
    "ZOOKEEPER-4394",
    "ZOOKEEPER-4685",
    "ZOOKEEPER-4712",
    "H-11",
];

fn scenes() -> impl Iterator<Item = (&'static Bug, Scene, Budget)> {
    let all = std::env::var_os("ZAB_RUNS").is_some();
    BUGS.iter().filter(move |bug| all || QUICK.contains(&bug.name)).map(|bug| {
        let budget = Budget::parse(bug.scene.budget).expect("the table's budget");
        (bug, bug.scene, budget)
    })
}

fn options() -> Options<'static> {
    Options { threads: 2, ..Options::default() }
}

fn find(scene: &Scene, budget: Budget) -> Search {
    scene.find(budget, &options(), &mut |_| {}).expect("it begins")
}

/// The model of a scene with three servers.
fn small(scene: &Scene, budget: Budget) -> Option<Hunt> {
    let profile = scene.profile().expect("switches");
    Hunt::new(profile, budget, scene.damage, scene.known)
}

/// The states of a run, which the model makes.
fn states<const N: usize, const P: usize>(
    model: &Hunt<N, P>,
    actions: &[Action],
) -> Vec<State<N, P>> {
    let mut states = model.init_states();
    for action in actions {
        let last = states.last().expect("a state");
        states.push(model.next_state(last, *action).expect("the action is possible"));
    }
    states
}

/// For each state of a run, what it violates, and how many faults there were.
struct Judged<'a>(&'a [Action]);

impl WithHunt for Judged<'_> {
    type Output = Vec<(Vec<&'static str>, u8)>;

    fn run<const N: usize, const P: usize>(self, model: &Hunt<N, P>) -> Self::Output {
        let states = states(model, self.0);
        states.iter().map(|state| (model.violated(state), model.faults(state))).collect()
    }
}

#[test]
fn each_is_found_with_its_damage_as_the_last_step_and_no_fault_too_many() {
    for (bug, scene, budget) in scenes() {
        let search = find(&scene, budget);
        let damage = search.damage.unwrap_or_else(|| panic!("{} is not found", bug.name));
        let states = scene.with_model(budget, Judged(&damage.actions)).expect("there is room");
        let is_done = |at: &usize| states[*at].0.iter().any(|name| scene.damage.contains(name));
        let done: Vec<usize> = (0..states.len()).filter(is_done).collect();
        assert_eq!(done, [damage.actions.len()], "{}", bug.name);
        assert_eq!(states[damage.actions.len()].1, damage.faults, "{}", bug.name);
        assert!(search.precursor.is_some_and(|first| first.actions.len() <= damage.actions.len()));
        assert!(search.stopped.is_none() && !search.overflow, "{}", bug.name);
    }
}

#[test]
fn without_the_bug_the_same_exploration_finds_nothing() {
    for (bug, scene, budget) in scenes() {
        let without = scene.without().expect("switches");
        let control = control(without, scene.grain, budget, scene.known, &options(), &mut |_| {});
        let control = control.expect("it begins");
        assert_eq!((control.violated, control.stopped), (vec![], None), "{}", bug.name);
    }
}

/// Whether a word of a budget counts something of the environment that is a fault.
fn is_fault(count: &str) -> bool {
    let faults = ["crashes", "kills", "lost-disks", "failed-appends", "timeouts", "disconnects"];
    faults.contains(&count)
}

/// What is said not to be searched in vain.
#[test]
fn with_less_of_what_a_bug_needs_it_is_not_found() {
    for (bug, scene, _) in scenes() {
        for (name, least, _) in scene.needs {
            // The rest as it is, servers included; whoever may suffer it does not matter.
            let words = scene.budget.split(' ').filter_map(|word| match word.split_once('=') {
                Some((count, _)) if count == *name => Some(format!("{name}={}", least - 1)),
                Some((count, _)) if *name == "faults" && is_fault(count) => None,
                _ => Some(word.to_owned()),
            });
            assert!(
                *name != "faults" || *least == 1,
                "{}: the test leaves out all faults",
                bug.name
            );
            let fewer = Budget::parse(&words.collect::<Vec<_>>().join(" ")).expect("a budget");
            let search = find(&scene, fewer);
            assert!(search.damage.is_none(), "{} within {fewer}", bug.name);
            assert_eq!((search.stopped, search.overflow), (None, false), "{}", bug.name);
        }
    }
}

/// Of H-04 and ZOOKEEPER-4925, which are one switch, the first is that of TRUNC.
#[test]
fn the_run_of_h_04_has_a_truncation() {
    let bug = BUGS.iter().find(|bug| bug.is_called("h-04")).expect("a bug");
    let scene = bug.scene;
    let budget = Budget::parse(scene.budget).expect("a budget");
    let damage = find(&scene, budget).damage.expect("it is found");
    let is_sent = |state: &State| {
        let mut packets = state.links.down.iter().flat_map(|down| down.queue.as_slice());
        packets.any(|packet| packet.kind() == PacketKind::Trunc)
    };
    let model = small(&scene, budget).expect("there is room");
    assert!(states(&model, &damage.actions).iter().any(is_sent));
}

/// The decision of ZOOKEEPER-5010: of all that 3.8.5 does otherwise than `fixed`, each alone, what makes
/// a follower differ from its leader after the death of the former leader.
#[test]
fn of_what_3_8_5_does_two_switches_show_what_5010_is() {
    let bug = BUGS.iter().find(|bug| bug.is_called("5010")).expect("a bug");
    let scene = bug.scene;
    let budget = Budget::parse(scene.budget).expect("a budget");
    let all = std::env::var_os("ZAB_RUNS").is_some();
    // The two that were suspected, and whatever else there is.
    let looked_at = |name: &str| all || ["sync_thread_on_stop", "fast_forward"].contains(&name);
    let release = behaves_as("3.8.5").expect("a release");
    let mut found = Vec::new();
    for switch in SWITCHES.iter().filter(|switch| looked_at(switch.name)) {
        let value = switch.of(&release.profile).name;
        if value == switch.of(&Profile::FIXED).name {
            continue;
        }
        let setting: &'static str = format!("{}={value}", switch.name).leak();
        let search = find(&Scene { switch: setting, ..scene }, budget);
        assert_eq!((search.stopped, search.overflow), (None, false), "{setting}");
        if search.damage.is_some() {
            found.push(setting);
        }
    }
    let expected = ["trunc_to_absent_record=next_kept", "sync_thread_on_stop=zombie"];
    assert_eq!(found, expected[usize::from(!all)..]);
}

#[test]
fn names_are_unique_and_everything_named_exists() {
    let names: Vec<&str> = BUGS.iter().flat_map(Bug::names).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let is_property = |name: &&str| PROPERTIES.iter().any(|property| property.name == *name);
    for bug in BUGS {
        if let FoundIn::Switches(switches) = bug.found_in {
            for (name, values) in switches {
                let switch = SWITCHES.iter().find(|switch| switch.name == *name);
                let known = switch.expect("a switch").values;
                assert!(
                    values.iter().all(|value| known.iter().any(|k| k.name == *value)),
                    "{name}"
                );
            }
        }
        assert!(reason(bug.name).is_some(), "{}", bug.name);
        let scene = bug.scene;
        assert!(scene.profile().is_ok_and(|with| scene.without().is_ok_and(|w| w != with)));
        assert!(scene.damage.iter().chain(scene.known).all(is_property));
        let budget = Budget::parse(scene.budget).expect("a budget");
        assert_eq!(budget.to_string(), scene.budget, "as it is printed");
        for (name, least, _) in scene.needs {
            assert!(budget.amount(name).is_some_and(|number| number >= *least), "{name}");
        }
    }
}

/// Two tables say which releases have a bug; where both speak of one, they say the same.
#[test]
fn releases_are_those_of_the_table_of_causes() {
    let mut compared = 0;
    for bug in BUGS {
        let of = |cause: &&zab_model::profile::Known| {
            let issue = cause.issue.split_once(' ').map_or(cause.issue, |(issue, _)| issue);
            issue == bug.name || bug.also.contains(&issue)
        };
        let causes: Vec<_> = KNOWN.iter().filter(of).collect();
        let listed = |name: &str| causes.iter().any(|cause| cause.releases.contains(&name));
        if causes.is_empty() {
            continue;
        }
        compared += 1;
        for release in RELEASES {
            assert_eq!(
                bug.is_in(release),
                listed(release.name),
                "{} in {}",
                bug.name,
                release.name
            );
        }
    }
    assert!(compared >= 8, "{compared}");
    let fixed = RELEASES.iter().find(|release| release.name == "fixed").expect("fixed");
    assert!(BUGS.iter().all(|bug| !bug.is_in(fixed)));
}

#[test]
fn releases_without_a_profile_behave_as_one_that_has() {
    for (name, like) in ALIKE {
        assert_eq!(behaves_as(name).map(|release| release.name), Some(*like));
        assert!(RELEASES.iter().all(|release| release.name != *name), "{name} has a profile");
    }
    assert_eq!(behaves_as("3.9.5").map(|release| release.name), Some("3.9.4"));
    assert!(behaves_as("3.9.9").is_none());
}

#[test]
fn what_is_no_budget_is_told_with_what_is() {
    for wrong in [
        "crashs=1",
        "crashes",
        "crashes=x",
        "crashes=1@6",
        "servers=6",
        "electors=1@2",
        "joiners=",
        "joiners=0",
        "disks=slow",
        "crashes=1@",
        "rounds=2@1",
        "crashes=300",
    ] {
        let said = Budget::parse(&format!("requests=1 {wrong}")).expect_err(wrong);
        assert!(said.starts_with(&format!("{wrong:?}: expected ")), "{said}");
    }
    // More requests than there is room for.
    let scene = BUGS[0].scene;
    let budget = Budget::parse("requests=4").expect("a budget");
    let refused = scene.find(budget, &options(), &mut |_| {}).expect_err("too many");
    assert_eq!(refused.to_string(), "requests=4: there is room for 3");
}

/// Only the servers that are named suffer what the budget has.
#[test]
fn a_budget_is_that_of_the_servers_that_are_named() {
    let bug = BUGS.iter().find(|bug| bug.is_called("4394")).expect("a bug");
    let scene = bug.scene;
    let actions =
        |text: &str| {
            let budget = Budget::parse(text).expect("a budget");
            let model = small(&scene, budget).expect("there is room");
            let first = model.init_states().remove(0);
            let steps = model.next_steps(&first);
            let crashes = steps.iter().filter_map(|(action, _)| {
                if let Action::Crash(id) = action { Some(id.0) } else { None }
            });
            crashes.collect::<Vec<u8>>()
        };
    assert_eq!(actions("crashes=1"), [1, 2, 3]);
    assert_eq!(actions("crashes=1@1,3"), [1, 3]);
    assert_eq!(actions("crashes=0@1"), [0_u8; 0]);
}
