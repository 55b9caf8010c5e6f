//! Liveness of the `zookeeper` family: what must come about once the faults are over.

use zab_explorer::{Fairness, LiveVerdict, Options, StateGraph};
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

/// The claims that do not hold under this fairness, each with the last state of its stem and the length of
/// its cycle.
fn broken(graph: &StateGraph<'_, Live>, fairness: &Fairness) -> Vec<(&'static str, State, usize)> {
    let mut broken = Vec::new();
    for (number, (name, _)) in STATEMENTS.iter().enumerate() {
        match graph.judge(number, fairness).expect("it is judged").verdict {
            LiveVerdict::Holds => {}
            LiveVerdict::Violated(lasso) => {
                let last = *lasso.stem.states.last().expect("a state");
                broken.push((*name, last, lasso.cycle.steps()));
            }
            other @ (LiveVerdict::Vacuous | LiveVerdict::Unknown) => panic!("{name}: {other:?}"),
        }
    }
    broken
}

fn names(broken: &[(&'static str, State, usize)]) -> Vec<&'static str> {
    broken.iter().map(|(name, ..)| *name).collect()
}

#[test]
fn fixed_makes_progress_after_the_last_fault() {
    let pair = Bounds { servers: 2, crashes: 1, disconnects: 1, ..CALM };
    for (bounds, may_break) in [(CALM, &[][..]), (pair, &[]), (CRASH, &PROMISED), (LINK, &PROMISED)]
    {
        let live = live(bounds, "");
        let broken = broken(&graph(&live), &live.fairness());
        assert!(names(&broken).iter().all(|name| may_break.contains(name)), "{bounds}: {broken:?}");
        // Who cannot join comes and goes for ever, and has promised more than the leader.
        for (name, state, cycle) in broken {
            let leader = state.servers.iter().find(|server| server.role == Role::Leading);
            let epoch = leader.expect("a leader").accepted_epoch;
            let more = state.servers.iter().any(|server| server.accepted_epoch > epoch);
            assert!(more && cycle > 0, "{bounds}: {name}");
        }
    }
}

/// ZOOKEEPER-2354: the lasso ends with a server that is down for ever.
#[test]
fn who_cannot_start_stays_down() {
    let live = live(CRASH, "start_ahead_of_epoch=up_to_current");
    let broken = broken(&graph(&live), &live.fairness());
    let (_, last, cycle) = broken.iter().find(|(name, ..)| *name == "comes_up").expect("a lasso");
    assert!(last.servers.iter().any(|server| server.role == Role::Down));
    assert_eq!(*cycle, 0, "nothing happens any more");
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

/// Without any kind of fairness that is asked for, something more is broken; timeouts are needed where two
/// faults come together, and that is too large for here (`docs/src/model.md`).
#[test]
fn each_kind_of_fairness_is_needed() {
    let (crash, link) = (live(CRASH, ""), live(LINK, ""));
    let graphs = [graph(&crash), graph(&link)];
    let fairness = crash.fairness();
    let kind = |name: &str| name.split('(').next().unwrap_or_default().to_owned();
    let mut kinds: Vec<String> =
        fairness.conditions.iter().map(|condition| kind(&condition.name)).collect();
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 12, "{kinds:?}");
    let base = graphs.each_ref().map(|graph| names(&broken(graph, &fairness)));
    for dropped in kinds.iter().filter(|kind| *kind != "Timeout") {
        let mut less = fairness.clone();
        less.conditions.retain(|condition| kind(&condition.name) != *dropped);
        let more = graphs.iter().zip(&base).any(|(graph, base)| {
            names(&broken(graph, &less)).iter().any(|name| !base.contains(name))
        });
        assert!(more, "without {dropped}");
    }
}

#[test]
fn elections_with_messages_and_threads_are_not_judged() {
    let messages = zab(Bounds { election: Election::Fle, ..CALM }, "");
    assert!(Live::new(&messages).is_none());
    let mut threads = zab(CALM, "");
    threads.ensemble.grain = Grain::Threads;
    assert!(Live::new(&threads).is_none());
}
