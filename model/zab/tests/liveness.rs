//! Liveness of the `zookeeper` family: what must come about once the faults are over.

use zab_explorer::{Fairness, Lasso, LiveVerdict, Options, StateGraph, Strength};
use zab_model::explore::liveness::{Live, STATEMENTS};
use zab_model::explore::{Bounds, Election, State, Zab};
use zab_model::{Grain, Profile, Role, WINDOW_DEFAULT};

const CALM: Bounds = Bounds { requests: 1, ..Bounds::CALM };

const CRASH: Bounds = Bounds { crashes: 1, ..CALM };
const LINK: Bounds = Bounds { disconnects: 1, ..CALM };

/// What a server that has promised a later epoch than a living leader's breaks: it cannot join
/// (`docs/src/model.md`, what profile `fixed` does not promise).
const PROMISED: [&str; 2] = ["joined", "applied"];

fn zab(bounds: Bounds, switches: &str) -> Zab {
    let mut zab = Zab::new(bounds, WINDOW_DEFAULT).expect("the bounds fit");
    zab.ensemble.profile = Profile::FIXED.with(switches).expect("switches");
    zab
}

fn live(bounds: Bounds, switches: &str) -> Live {
    Live::new(&zab(bounds, switches)).expect("an election in one step")
}

fn graph(live: &Live) -> StateGraph<'_, Live> {
    let options = Options { threads: 1, ..Options::default() };
    let graph = live.explore(&options, &mut |_| {}).expect("it begins");
    assert!(graph.stopped.is_none() && graph.fault.is_none() && graph.left_out == 0);
    graph
}

/// The claims that do not hold under this fairness, each with the run that breaks it.
fn broken(graph: &StateGraph<'_, Live>, fairness: &Fairness) -> Vec<(&'static str, Lasso<State>)> {
    let mut broken = Vec::new();
    for (number, (name, _)) in STATEMENTS.iter().enumerate() {
        match graph.judge(number, fairness).expect("it is judged").verdict {
            LiveVerdict::Holds => {}
            LiveVerdict::Violated(lasso) => broken.push((*name, lasso)),
            other @ (LiveVerdict::Vacuous | LiveVerdict::Unknown) => panic!("{name}: {other:?}"),
        }
    }
    broken
}

fn names(broken: &[(&'static str, Lasso<State>)]) -> Vec<&'static str> {
    broken.iter().map(|(name, _)| *name).collect()
}

/// The state in which the cycle of a run begins.
fn last(lasso: &Lasso<State>) -> &State {
    lasso.stem.states.last().expect("a state")
}

#[test]
fn fixed_makes_progress_after_the_last_fault() {
    let pair = Bounds { servers: 2, crashes: 1, disconnects: 1, ..CALM };
    for (bounds, may_break) in [(CALM, &[][..]), (pair, &[]), (CRASH, &PROMISED), (LINK, &PROMISED)]
    {
        let live = live(bounds, "");
        let broken = broken(&graph(&live), &live.fairness());
        let names = names(&broken);
        assert!(names.iter().all(|name| may_break.contains(name)), "{bounds}: {names:?}");
        // Who cannot join comes and goes for ever, and has promised more than the leader.
        for (name, lasso) in broken {
            let state = last(&lasso);
            let leader = state.servers.iter().find(|server| server.role == Role::Leading);
            let epoch = leader.expect("a leader").accepted_epoch;
            let left_out = live.waits(&lasso).unwrap_or_else(|| panic!("{bounds}: {name}"));
            assert!(state.server(left_out).accepted_epoch > epoch, "{bounds}: {name}");
            assert!(lasso.cycle.steps() > 0, "{bounds}: {name}");
        }
    }
}

/// ZOOKEEPER-2354: the lasso ends with a server that is down for ever.
#[test]
fn who_cannot_start_stays_down() {
    let live = live(CRASH, "start_ahead_of_epoch=up_to_current");
    let broken = broken(&graph(&live), &live.fairness());
    let (_, lasso) = broken.iter().find(|(name, _)| *name == "comes_up").expect("a lasso");
    assert!(last(lasso).servers.iter().any(|server| server.role == Role::Down));
    assert_eq!(lasso.cycle.steps(), 0, "nothing happens any more");
    assert_eq!(live.waits(lasso), None, "it is another thing than to be left out");
}

/// ZOOKEEPER-4394 and 4685 end a synchronization, and the next one of the same transactions comes to its
/// end: to go on for ever, a transaction more would have to be committed in each of them.
#[test]
fn a_synchronization_that_a_request_has_ended_is_made_again() {
    for switch in ["list_at_newleader=emptied", "newleader_program=queued"] {
        let live = live(CALM, switch);
        let broken = broken(&graph(&live), &live.fairness());
        assert_eq!(names(&broken), [""; 0], "{switch}");
    }
}

/// A server has promised an epoch of which the others know nothing, and one connection may break: no
/// request, so that it stays small.
fn promised() -> Live {
    let mut zab = zab(Bounds { disconnects: 1, ..Bounds::CALM }, "");
    zab.starts[0].disks[1].accepted_epoch = 2;
    Live::new(&zab).expect("an election in one step")
}

/// Whether a claim does not hold under less fairness that holds under all of it.
fn breaks_more(graph: &StateGraph<'_, Live>, all: &Fairness, less: &Fairness) -> bool {
    (0..STATEMENTS.len()).any(|number| {
        let is_violated = |fairness| {
            let report = graph.judge(number, fairness).expect("it is judged");
            matches!(report.verdict, LiveVerdict::Violated(_))
        };
        is_violated(less) && !is_violated(all)
    })
}

/// Without any kind of fairness that is asked for, something more is broken, and there is a run that
/// shows it.
#[test]
fn each_kind_of_fairness_is_needed() {
    let lives = [live(CRASH, ""), live(LINK, ""), promised()];
    let graphs = lives.each_ref().map(graph);
    let fairness = lives[0].fairness();
    let kind = |name: &str| name.split('(').next().unwrap_or_default().to_owned();
    let mut kinds: Vec<String> =
        fairness.conditions.iter().map(|condition| kind(&condition.name)).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 12, "{kinds:?}");
    let is_needed =
        |less: &Fairness| graphs.iter().any(|graph| breaks_more(graph, &fairness, less));
    for dropped in &kinds {
        let mut less = fairness.clone();
        less.conditions.retain(|condition| kind(&condition.name) != *dropped);
        assert!(is_needed(&less), "without {dropped}");
    }
    let mut weak = fairness.clone();
    weak.conditions.iter_mut().for_each(|condition| condition.strength = Strength::Weak);
    assert!(is_needed(&weak), "a server that waits in vain again and again, and not all the time");
}

/// Elections that do not wait must come to an end: otherwise a leader that steps down for a fresher
/// learner can win each time before that learner takes part. It takes a million states to show that.
#[test]
fn hasty_elections_must_come_to_an_end() {
    if std::env::var_os("ZAB_RUNS").is_none() {
        return;
    }
    let live = live(Bounds { crashes: 1, disconnects: 1, ..CALM }, "");
    let graph = graph(&live);
    let fairness = live.fairness();
    let any = Fairness { finitely: Vec::new(), ..fairness.clone() };
    assert!(breaks_more(&graph, &fairness, &any));
}

#[test]
fn elections_with_messages_and_threads_are_not_judged() {
    let messages = zab(Bounds { election: Election::Fle, ..CALM }, "");
    assert!(Live::new(&messages).is_none());
    let mut threads = zab(CALM, "");
    threads.ensemble.grain = Grain::Threads;
    assert!(Live::new(&threads).is_none());
}
