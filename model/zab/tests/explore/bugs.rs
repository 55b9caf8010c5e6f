//! Bugs of releases that need more faults than an exhaustive test has time for: one run each, from
//! its beginning to the damage.

use zab_model::explore::{Action, Bounds, Kind, PROPERTIES, after_first_epoch};
use zab_model::{Profile, Role, Zxid};

use crate::script::{Script, id, set};
use crate::{CALM, with, zab};

/// 3 and 2 have the transaction 1.1, which is committed; faults enough for every run below.
fn script(switches: &str) -> Script {
    let bounds = Bounds { requests: 2, crashes: 2, timeouts: 2, disconnects: 2, rounds: 4, ..CALM };
    let mut model = with(zab(bounds), switches);
    model.starts = vec![after_first_epoch()];
    Script::new(model)
}

/// The properties that do not hold in the present state.
fn broken(script: &Script) -> Vec<&'static str> {
    let safety = PROPERTIES.iter().filter(|property| property.kind == Kind::Always);
    let applying = safety.filter(|property| property.applies(&script.model));
    let broken = applying.filter(|property| !(property.check)(&script.model, &script.state));
    broken.map(|property| property.name).collect()
}

/// A server that looks joins an established leader and is brought up to date.
fn join(script: &mut Script, learner: u8, leader: u8) {
    script.act(Action::Join(id(learner), id(leader)));
    script.talk(&[learner, leader]);
}

/// 3 has logged 2.1, which nobody else has, and 2 has been established in epoch 3 without it.
fn three_is_ahead(script: &mut Script) {
    script.act(Action::Elect(id(3), set(&[2])));
    script.talk(&[2, 3]);
    script.act(Action::Request(id(3)));
    script.sync(3);
}

/// `trunc_durable=no` (H-06): a power loss undoes a truncation that NEWLEADER's acknowledgement
/// vouched for; what was cut comes back in the middle of the log.
#[test]
fn a_truncation_comes_back_after_a_power_loss() {
    for (switches, harm) in [("trunc_durable=no", true), ("", false)] {
        let mut script = script(switches);
        three_is_ahead(&mut script);
        script.act(Action::Crash(id(3)));
        script.act(Action::LearnerNotices(id(2)));
        script.act(Action::Elect(id(2), set(&[1])));
        script.talk(&[1, 2]);
        script.act(Action::Start(id(3), 0));
        join(&mut script, 3, 2);
        script.act(Action::Request(id(2)));
        script.talk(&[2, 3]);
        script.sync(2);
        script.sync(3);
        script.talk(&[2, 3]);
        assert_eq!(script.state.ghost.committed.numbers(), [1, 3], "1.1 and 3.1 are committed");
        assert!(!broken(&script).contains(&"committed_is_durable_on_a_quorum"));
        script.act(Action::Crash(id(3)));
        let returns = Action::CutReturns(id(3));
        assert_eq!(script.possible().contains(&returns), harm);
        if harm {
            script.act(returns);
            assert_eq!(script.state.servers[2].disk.history.numbers(), [1, 2, 3]);
            assert!(broken(&script).contains(&"committed_is_durable_on_a_quorum"));
        }
    }
}

/// `snapshot_when_leading=yes` with `trunc_into_snapshot=loaded` (H-05, ZOOKEEPER-4837): a leader
/// writes a snapshot with 2.1, which nobody else has; told to cut it, it loads it again.
#[test]
fn a_leaders_snapshot_brings_back_what_it_was_told_to_cut() {
    for (switches, harm) in
        [("snapshot_when_leading=yes,trunc_into_snapshot=loaded", true), ("", false)]
    {
        let mut script = script(switches);
        three_is_ahead(&mut script);
        script.act(Action::Crash(id(2)));
        script.act(Action::LeaderNotices(id(2), id(3)));
        script.act(Action::LeaveRole(id(3)));
        // Its snapshot, if it writes one, has 2.1.
        script.act(Action::Elect(id(3), set(&[1])));
        script.act(Action::LeaveRole(id(1)));
        script.act(Action::Start(id(2), 0));
        script.act(Action::LeaveRole(id(3)));
        script.act(Action::Elect(id(2), set(&[1])));
        script.talk(&[1, 2]);
        join(&mut script, 3, 2);
        let broken = broken(&script);
        assert_eq!(broken.contains(&"tree_is_what_its_label_says"), harm, "{broken:?}");
        assert_eq!(broken.contains(&"followers_have_their_leaders_history"), harm, "{broken:?}");
    }
}

/// ZOOKEEPER-4712: 2 has not written 2.1 when it leaves its role, and nobody else has it. It writes 3.1,
/// then its earlier sync thread writes 2.1 behind that. It starts again, leads, and delivers 2.1 after
/// 3.1. What is broken in the end.
pub(crate) fn delivered_out_of_order() -> Vec<&'static str> {
    let mut script = script("sync_thread_on_stop=zombie");
    script.act(Action::Elect(id(3), set(&[2])));
    script.talk(&[2, 3]);
    script.act(Action::Request(id(3)));
    script.talk(&[2, 3]);
    script.act(Action::LeaveRole(id(2)));
    script.act(Action::Crash(id(3)));
    script.act(Action::Start(id(3), 0));
    script.act(Action::Elect(id(3), set(&[2])));
    script.talk(&[2, 3]);
    script.act(Action::Request(id(3)));
    script.talk(&[2, 3]);
    script.sync(2);
    script.sync(3);
    script.talk(&[2, 3]);
    script.act(Action::ZombieWrites(id(2)));
    script.act(Action::Crash(id(2)));
    script.act(Action::Start(id(2), 0));
    script.act(Action::Elect(id(2), set(&[1])));
    script.talk(&[1, 2]);
    broken(&script)
}

/// `zk.sync.drop`: 1 has a snapshot with 2.1, which only the leader 3 had when it began; 2 leads next,
/// without 2.1, and tells 1 to cut inside that snapshot. 1 drops its history and gets another one.
/// Where it leaves its role in place of that, it does so for ever (D-STORES).
#[test]
fn who_is_to_cut_inside_a_snapshot_gets_another_one() {
    for (switches, stays_out) in [("trunc_into_snapshot=refused", true), ("", false)] {
        let mut script = script(switches);
        three_is_ahead(&mut script);
        script.act(Action::LeaveRole(id(2)));
        script.act(Action::LeaderNotices(id(2), id(3)));
        script.act(Action::LeaveRole(id(3)));
        script.act(Action::Elect(id(3), set(&[1])));
        // Until 1 has written the SNAP and the transaction that follows it, but no epoch.
        while script.state.servers[0].disk.snapshot.tree.numbers() != [1, 2] {
            let own = [Action::Connect(id(1)), Action::Accept(id(1), id(3)), Action::Write(id(3))];
            let theirs = [Action::ToLeader(id(1), id(3)), Action::ToLearner(id(1))];
            let next = own.into_iter().chain([Action::Write(id(1))]).chain(theirs);
            let possible = script.possible();
            let next = next.into_iter().find(|action| possible.contains(action));
            script.act(next.expect("1 is brought up to date"));
        }
        script.act(Action::Crash(id(3)));
        script.act(Action::Crash(id(1)));
        script.act(Action::Start(id(1), 0));
        script.act(Action::Elect(id(2), set(&[1])));
        script.talk(&[1, 2]);
        assert_eq!(script.state.servers[0].role == Role::Looking, stays_out);
        assert_eq!(broken(&script).contains(&"leader_sends_what_fits"), stays_out);
        let [one, two, _] = &script.state.servers;
        assert_eq!(one.disk.history.numbers() == two.disk.history.numbers(), !stays_out);
    }
}

/// ZOOKEEPER-5094: a leader has committed 2.1 and not applied it, so it tells 1, which has 2.1, to cut
/// it, and sends it again. 1 applies it to its tree and leaves before NEWLEADER: it votes with what
/// is not on its disk any more.
#[test]
fn after_an_interrupted_truncation_the_tree_is_ahead_of_the_disk() {
    const CUT: &str = "trunc_durable=no,commit_after_snap=applied,window_grows=at_apply";
    for (more, harm) in [(",partial_database=cleared_after_snap", true), ("", false)] {
        let mut script = script(&format!("{CUT}{more}"));
        script.act(Action::Elect(id(3), set(&[2])));
        script.talk(&[2, 3]);
        join(&mut script, 1, 3);
        script.act(Action::Request(id(3)));
        script.talk(&[1, 2, 3]);
        script.sync(1);
        script.sync(2);
        script.talk(&[1, 2, 3]);
        script.act(Action::Cut(id(1)));
        script.act(Action::LearnerNotices(id(1)));
        script.act(Action::Join(id(1), id(3)));
        script.act(Action::Connect(id(1)));
        script.act(Action::Accept(id(1), id(3)));
        script.act(Action::ToLearner(id(1)));
        script.act(Action::ToLeader(id(1), id(3)));
        let sent = ["TRUNC 1.1", "PROPOSAL 2.1 payload=2", "COMMIT 2.1", "NEWLEADER epoch=2"];
        assert_eq!(script.on_its_way(1), sent);
        script.act(Action::ToLearner(id(1)));
        script.act(Action::ToLearner(id(1)));
        script.act(Action::ToLearner(id(1)));
        script.act(Action::Cut(id(1)));
        script.act(Action::LearnerNotices(id(1)));
        let server = &script.state.servers[0];
        assert_eq!(server.own_vote().zxid == Zxid::new(2, 1), harm);
        assert_eq!(server.disk.history.numbers(), [1]);
        assert_eq!(broken(&script).contains(&"stores_agree"), harm);
    }
}

/// What servers of a profile do where both sample captures of Apache have a late joiner: 1 joins the
/// leader 3, which is established and has committed nothing.
fn late_joiner(profile: Profile) -> Script {
    let mut model = zab(Bounds { rounds: 2, crashes: 1, ..CALM });
    model.ensemble.profile = profile;
    let mut script = Script::new(model);
    script.act(Action::Elect(id(3), set(&[2])));
    script.talk(&[2, 3]);
    script.act(Action::Join(id(1), id(3)));
    script.act(Action::Connect(id(1)));
    script.act(Action::Accept(id(1), id(3)));
    script.act(Action::ToLearner(id(1)));
    script.act(Action::Write(id(1)));
    script.act(Action::ToLeader(id(1), id(3)));
    script
}

/// A1 of the captures: `ACKEPOCH 0x0` is answered by `SNAP 0x100000000`; the learner is then at
/// (1, 0), and votes with it after a restart. `fixed` sends DIFF 0.0 (D-L0).
#[test]
fn an_established_leader_is_at_the_beginning_of_its_epoch_in_releases() {
    for release in ["3.8.0", "3.9.3"] {
        let mut script = late_joiner(Profile::named(release).expect("a release"));
        assert_eq!(script.on_its_way(1), ["SNAP 1.0", "NEWLEADER epoch=1"], "{release}");
        script.talk(&[1, 3]);
        script.act(Action::Crash(id(1)));
        script.act(Action::Start(id(1), 0));
        assert_eq!(script.state.servers[0].own_vote().zxid, Zxid::new(1, 0), "{release}");
    }
    let script = late_joiner(Profile::FIXED);
    assert_eq!(script.on_its_way(1), ["DIFF 0.0", "NEWLEADER epoch=1"]);
}
