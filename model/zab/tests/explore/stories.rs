//! Scripted runs: how a late or deposed server is brought back.

use zab_model::explore::{Action, Bounds, Kind, PROPERTIES, Zab, trace_text};
use zab_model::{Role, Zxid};

use crate::script::{Script, id, set};
use crate::{CALM, zab};

/// Requests, faults and elections enough for every story.
const STORY: Bounds =
    Bounds { requests: 3, crashes: 2, timeouts: 2, disconnects: 2, rounds: 3, ..CALM };

/// 3 leads and 2 follows; both are in broadcast. 1 is still looking.
fn three_leads_two(model: Zab) -> Script {
    let mut script = Script::new(model);
    script.act(Action::Elect(id(3), set(&[2])));
    script.talk(&[2, 3]);
    script
}

/// A request of the leader that the two of them commit.
fn commit(script: &mut Script) {
    script.act(Action::Request(id(3)));
    script.talk(&[2, 3]);
    script.sync(2);
    script.sync(3);
    script.talk(&[2, 3]);
}

/// A looking server joins an established leader and reports its history, up to the moment when the
/// leader has answered with what will bring it up to date.
fn report(script: &mut Script, learner: u8, leader: u8) {
    script.act(Action::Join(id(learner), id(leader)));
    script.act(Action::Connect(id(learner)));
    script.act(Action::Accept(id(learner), id(leader)));
    script.act(Action::ToLearner(id(learner)));
    script.act(Action::Write(id(learner)));
    script.act(Action::ToLeader(id(learner), id(leader)));
}

fn committed(script: &Script, server: usize) -> Zxid<u8> {
    script.state.servers[server - 1].last_committed
}

#[test]
fn an_empty_latecomer_gets_a_diff_while_nothing_is_committed() {
    // Rules l.2.1 and zk.sync.diff, row 1.
    let mut script = three_leads_two(zab(STORY));
    script.act(Action::Request(id(3)));
    report(&mut script, 1, 3);
    let sent = ["DIFF 0.0", "PROPOSAL 1.1 payload=1", "NEWLEADER epoch=1"];
    assert_eq!(script.on_its_way(1), sent);
}

#[test]
fn a_latecomer_behind_the_window_gets_a_snapshot() {
    // Rule zk.sync.snap: the window holds the last transaction only.
    let mut script = three_leads_two(Zab::new(STORY, 1).expect("the bounds fit"));
    commit(&mut script);
    commit(&mut script);
    report(&mut script, 1, 3);
    assert_eq!(script.on_its_way(1), ["SNAP 1.2", "NEWLEADER epoch=1"]);
    script.talk(&[1, 3]);
    assert_eq!(committed(&script, 1), Zxid::new(1, 2));
}

#[test]
fn a_deposed_leader_is_told_to_cut_its_tail() {
    // Rule zk.sync.trunc, row 2: 3 logs a request that nobody gets, and crashes.
    let mut script = three_leads_two(zab(STORY));
    script.act(Action::Request(id(3)));
    script.sync(3);
    script.act(Action::Crash(id(3)));
    script.act(Action::LearnerNotices(id(2)));
    script.act(Action::Elect(id(2), set(&[1])));
    script.talk(&[1, 2]);
    script.act(Action::Start(id(3), 0));
    report(&mut script, 3, 2);
    assert_eq!(script.on_its_way(3), ["TRUNC 0.0", "NEWLEADER epoch=2"]);
    script.talk(&[2, 3]);
    assert_eq!(script.state.servers[2].disk.history, script.state.servers[1].disk.history);
}

#[test]
fn a_tail_between_two_epochs_gives_way_to_a_snapshot() {
    // Rule zk.sync.snap: 3 has 1.1 and 1.2, the others went on with 1.1 and 2.1; the first
    // transaction of the window above 1.2 has another epoch, so no row before the last one fits.
    let mut script = three_leads_two(zab(STORY));
    commit(&mut script);
    script.act(Action::Request(id(3)));
    script.sync(3);
    script.act(Action::Crash(id(3)));
    script.act(Action::LearnerNotices(id(2)));
    script.act(Action::Elect(id(2), set(&[1])));
    script.talk(&[1, 2]);
    script.act(Action::Request(id(2)));
    script.talk(&[1, 2]);
    script.sync(1);
    script.sync(2);
    script.talk(&[1, 2]);
    assert_eq!(committed(&script, 2), Zxid::new(2, 1));
    script.act(Action::Start(id(3), 0));
    report(&mut script, 3, 2);
    assert_eq!(script.on_its_way(3), ["SNAP 2.1", "NEWLEADER epoch=2"]);
    script.talk(&[2, 3]);
    assert_eq!(committed(&script, 3), Zxid::new(2, 1));
}

/// The properties that do not hold now.
fn broken(script: &Script) -> Vec<&'static str> {
    let safety = PROPERTIES.iter().filter(|property| property.kind == Kind::Always);
    let broken = safety
        .filter(|property| property.applies(&script.model))
        .filter(|property| !(property.check)(&script.model, &script.state));
    broken.map(|property| property.name).collect()
}

#[test]
fn a_truncation_that_reaches_nobody_cuts_nothing() {
    // 1 reported 1.1 to 3, lost the connection, was elected in epoch 2, and committed 1.1. Only
    // then does 3 read that report: for 3, which is behind, 1.1 was never committed.
    let mut script = Script::new(zab(STORY));
    script.act(Action::Elect(id(3), set(&[1])));
    script.talk(&[1, 3]);
    script.act(Action::Join(id(2), id(3)));
    script.act(Action::Request(id(3)));
    script.act(Action::ToLearner(id(1)));
    script.act(Action::Crash(id(1)));
    script.act(Action::Start(id(1), 1));
    script.act(Action::Join(id(1), id(3)));
    script.act(Action::Connect(id(1)));
    script.act(Action::Crash(id(2)));
    script.act(Action::Start(id(2), 0));
    script.act(Action::Accept(id(1), id(3)));
    script.act(Action::ToLearner(id(1)));
    script.act(Action::Cut(id(1)));
    script.act(Action::LearnerNotices(id(1)));
    script.act(Action::Elect(id(1), set(&[2])));
    script.talk(&[1, 2]);
    assert_eq!(committed(&script, 1), Zxid::new(1, 1));
    let late = Action::ToLeader(id(1), id(3));
    let told = trace_text(&script.model, &script.state, &[late]);
    assert!(told[0].action.contains("zk.sync.trunc"), "{told:?}");
    script.act(late);
    assert_eq!(broken(&script), Vec::<&str>::new());
}

#[test]
fn a_snapshot_cannot_be_truncated_and_its_owner_is_sent_another() {
    // Rule zk.sync.drop: 1 has 1.1 and 1.2 as a snapshot, which no leader has committed; 2 has only 1.1.
    let mut script = three_leads_two(zab(STORY));
    script.act(Action::Request(id(3)));
    script.act(Action::ToLearner(id(2)));
    script.act(Action::Crash(id(2)));
    script.act(Action::Start(id(2), 1));
    script.act(Action::Request(id(3)));
    script.act(Action::LeaveRole(id(3)));
    script.act(Action::Write(id(3)));
    script.act(Action::Elect(id(3), set(&[1])));
    script.act(Action::Connect(id(1)));
    script.act(Action::Accept(id(1), id(3)));
    script.act(Action::Write(id(3)));
    script.act(Action::ToLearner(id(1)));
    script.act(Action::Write(id(1)));
    script.act(Action::ToLeader(id(1), id(3)));
    script.act(Action::Write(id(3)));
    assert_eq!(script.on_its_way(1), ["SNAP 1.2", "NEWLEADER epoch=2"]);
    script.act(Action::ToLearner(id(1)));
    script.act(Action::ToLearner(id(1)));
    script.act(Action::Write(id(1)));
    script.act(Action::Crash(id(1)));
    script.act(Action::Start(id(1), 0));
    script.act(Action::Elect(id(2), set(&[1])));
    script.act(Action::Connect(id(1)));
    script.act(Action::Accept(id(1), id(2)));
    script.act(Action::Write(id(2)));
    script.act(Action::ToLearner(id(1)));
    script.act(Action::Write(id(1)));
    script.act(Action::ToLeader(id(1), id(2)));
    script.act(Action::Write(id(2)));
    assert_eq!(script.on_its_way(1), ["TRUNC 1.1", "NEWLEADER epoch=3"]);
    script.act(Action::ToLearner(id(1)));
    // It follows still, on a new connection, and says that it has nothing.
    assert_eq!(script.state.servers[0].role, Role::Following);
    script.act(Action::Connect(id(1)));
    script.act(Action::Accept(id(1), id(2)));
    script.act(Action::ToLearner(id(1)));
    script.act(Action::ToLeader(id(1), id(2)));
    assert_eq!(script.on_its_way(1), ["SNAP 1.1", "NEWLEADER epoch=3"]);
    assert_eq!(broken(&script), Vec::<&str>::new());
}
