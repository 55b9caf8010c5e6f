//! Scripted runs: how a late or deposed server is brought back.

use zab_model::Zxid;
use zab_model::explore::{Action, Bounds, Zab};

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
