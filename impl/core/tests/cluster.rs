//! Three peers in memory: whole runs, from the election to a committed transaction and beyond.

mod forged;
mod support;

use support::{Cluster, line};
use zab_core::{Config, Phase, Role, ServerId, Timer, Zxid};
use zab_trace::{EventKind, MessageType};

fn three(id: ServerId) -> Config {
    Config::new(id, [1, 2, 3])
}

fn three_with_a_window_of_two(id: ServerId) -> Config {
    Config { window: 2, ..three(id) }
}

fn zxid(epoch: u32, counter: u32) -> Zxid {
    Zxid::new(epoch, counter)
}

fn delivered(cluster: &Cluster, id: ServerId) -> Vec<Zxid> {
    cluster.nodes[&id].delivered.iter().map(|txn| txn.zxid).collect()
}

fn applied(cluster: &Cluster, id: ServerId) -> &[Zxid] {
    &cluster.nodes[&id].applied
}

/// The messages that a server received in its present incarnation, without notifications.
fn received(cluster: &Cluster, id: ServerId) -> Vec<MessageType> {
    let events = cluster.nodes[&id].events.iter();
    events
        .filter_map(|event| {
            let EventKind::Received(packet) = &event.kind else { return None };
            Some(packet.message.kind())
        })
        .filter(|kind| *kind != MessageType::Notification)
        .collect()
}

fn established(config: fn(ServerId) -> Config) -> Cluster {
    let mut cluster = Cluster::start(config);
    cluster.elect(20);
    assert_eq!(cluster.leader(), Some(3));
    assert!(cluster.nodes.values().all(|node| node.peer.phase() == Phase::Broadcast));
    cluster
}

fn three_and_two_observers(id: ServerId) -> Config {
    Config { observers: [4, 5].into(), ..three(id) }
}

/// Observers apply the same, come back, and are no part of a quorum.
#[test]
fn observers_follow_and_decide_nothing() {
    let mut cluster = Cluster::start(three_and_two_observers);
    cluster.elect(20);
    assert_eq!(cluster.leader(), Some(3));
    for id in [4, 5] {
        let peer = &cluster.nodes[&id].peer;
        assert_eq!((peer.role(), peer.phase()), (Role::Observing, Phase::Broadcast));
    }
    cluster.request(3, "a");
    cluster.settle();
    cluster.crash(5, 0);
    cluster.request(3, "b");
    cluster.settle();
    cluster.power_on(5);
    cluster.elect(20);
    for id in 1..=5 {
        assert_eq!(applied(&cluster, id), [zxid(1, 1), zxid(1, 2)], "server {id}");
    }
    // Two observers and one voter are no quorum: nothing more is committed.
    cluster.crash(1, 0);
    cluster.crash(2, 0);
    cluster.request(3, "lost");
    cluster.settle();
    assert_eq!(delivered(&cluster, 3).len(), 2);
    (0..10).for_each(|_| cluster.tick());
    assert_eq!(cluster.leader(), None);
    cluster.power_on(1);
    cluster.power_on(2);
    cluster.elect(20);
    let leader = cluster.leader().expect("a leader");
    cluster.request(leader, "c");
    cluster.settle();
    for id in 1..=5 {
        assert_eq!(applied(&cluster, id), applied(&cluster, leader), "server {id}");
    }
}

#[test]
fn three_servers_elect_the_highest_id_and_commit() {
    let mut cluster = established(three);
    cluster.request(3, "a");
    cluster.request(3, "b");
    cluster.settle();
    for id in [1, 2, 3] {
        assert_eq!(delivered(&cluster, id), [zxid(1, 1), zxid(1, 2)], "server {id}");
    }
}

/// `l.2.1` with `zk.sync.trunc`: what only the killed leader held is cut when it comes back.
#[test]
fn a_killed_leader_comes_back_and_loses_what_was_never_committed() {
    let mut cluster = established(three);
    cluster.request(3, "committed");
    cluster.settle();
    cluster.cut(3, 1);
    cluster.cut(3, 2);
    cluster.request(3, "lost");
    cluster.sync(3, usize::MAX);
    cluster.crash(3, 0);
    cluster.elect(20);
    assert_eq!(cluster.leader(), Some(2));
    cluster.request(2, "after");
    cluster.settle();

    cluster.heal(3, 1);
    cluster.heal(3, 2);
    cluster.power_on(3);
    assert_eq!(applied(&cluster, 3), [zxid(1, 1), zxid(1, 2)]);
    cluster.elect(20);
    assert_eq!(cluster.nodes[&3].peer.role(), Role::Following);
    // 1.2 is in the middle of an epoch that ended at 1.1, inside of the window: too far for TRUNC.
    assert!(received(&cluster, 3).contains(&MessageType::Snap));
    for id in [1, 2, 3] {
        assert_eq!(applied(&cluster, id), [zxid(1, 1), zxid(2, 1)], "server {id}");
    }
}

/// `zk.sync.trunc`, row 2: the new leader has committed nothing of its own yet.
#[test]
fn a_tail_beyond_the_end_is_truncated() {
    let mut cluster = established(three);
    cluster.request(3, "committed");
    cluster.settle();
    cluster.cut(3, 1);
    cluster.cut(3, 2);
    cluster.request(3, "lost");
    cluster.request(3, "also lost");
    cluster.crash(3, 1);
    cluster.elect(20);
    assert_eq!(cluster.leader(), Some(2));

    cluster.heal(3, 1);
    cluster.heal(3, 2);
    cluster.power_on(3);
    // zk.crash: of the unsynced tail a prefix survived.
    assert_eq!(applied(&cluster, 3), [zxid(1, 1), zxid(1, 2)]);
    cluster.elect(20);
    assert!(received(&cluster, 3).contains(&MessageType::Trunc));
    assert_eq!(applied(&cluster, 3), [zxid(1, 1)]);
    cluster.request(2, "after");
    cluster.settle();
    assert_eq!(applied(&cluster, 3), [zxid(1, 1), zxid(2, 1)]);
}

/// `zk.sync.diff` and `zk.sync.snap`: who was away for less than the window gets what it missed,
/// who was away for longer gets the state.
#[test]
fn a_follower_that_was_away_catches_up() {
    for (missed, header) in [(1, MessageType::Diff), (2, MessageType::Snap)] {
        let mut cluster = established(three_with_a_window_of_two);
        cluster.request(3, "before");
        cluster.settle();
        cluster.crash(1, 0);
        for number in 0..missed {
            cluster.request(3, &number.to_string());
        }
        cluster.settle();
        cluster.power_on(1);
        cluster.elect(20);
        assert!(received(&cluster, 1).contains(&header), "{missed} missed");
        cluster.request(3, "after");
        cluster.settle();
        assert_eq!(applied(&cluster, 1), applied(&cluster, 3), "{missed} missed");
    }
}

/// `zk.sync.withdraw` (D-H01): a write that was acknowledged by a follower, cut from it and then
/// acknowledged by the leader's own disk is not committed before the follower holds it again.
#[test]
fn a_withdrawn_acknowledgement_commits_nothing() {
    let mut cluster = established(three);
    cluster.slow_disk.extend([2, 3]);
    cluster.request(3, "a");
    cluster.settle();
    // Server 1 holds 1.1 and said so. Its link breaks, and it finds the same leader again.
    assert_eq!(cluster.nodes[&1].disk.transactions.len(), 1);
    cluster.cut(3, 1);
    cluster.heal(3, 1);
    cluster.slow_disk.insert(1);
    cluster.elect(20);
    assert!(received(&cluster, 1).contains(&MessageType::Trunc));
    assert_eq!(cluster.nodes[&1].disk.transactions.len(), 0);
    cluster.sync(3, 1);
    cluster.settle();
    assert_eq!(cluster.nodes[&3].peer.last_committed(), Zxid::ZERO);

    cluster.slow_disk.clear();
    cluster.settle();
    assert_eq!(cluster.nodes[&3].peer.last_committed(), zxid(1, 1));
    assert_eq!(delivered(&cluster, 1), [zxid(1, 1)]);
}

/// `zk.fail.leader_quorum`, `zk.fail.learner_link`: a leader alone steps down, and the others elect.
#[test]
fn a_leader_without_followers_steps_down() {
    let mut cluster = established(three);
    cluster.cut(3, 1);
    cluster.cut(3, 2);
    cluster.request(3, "nobody hears");
    cluster.elect(20);
    assert_eq!(cluster.nodes[&2].peer.leader(), Some(2));
    cluster.tick();
    assert_eq!(cluster.nodes[&3].peer.role(), Role::Looking);
    assert_eq!(cluster.leader(), Some(2));
    assert_eq!(cluster.nodes[&2].peer.state().current_epoch, Some(2));
}

/// `zk.fail.learner_link`: a follower cut from the leader only does not change the epoch: the
/// others stay, and it comes back when it can.
#[test]
fn an_isolated_follower_changes_no_epoch() {
    let mut cluster = established(three);
    cluster.cut(1, 2);
    cluster.cut(1, 3);
    for _ in 0..5 {
        cluster.settle();
        let node = cluster.node(1);
        assert_eq!(node.timer, Some(Timer::Notification));
        cluster.input(1, zab_core::Input::Elapsed(Timer::Notification));
    }
    cluster.heal(1, 2);
    cluster.heal(1, 3);
    cluster.elect(20);
    assert_eq!(cluster.nodes[&1].peer.phase(), Phase::Broadcast);
    for id in [1, 2, 3] {
        assert_eq!(cluster.nodes[&id].peer.state().current_epoch, Some(1), "server {id}");
    }
}

/// `zk.start`, D-H02: a crash between the log and currentEpoch leaves a history that is ahead of
/// it; the server starts all the same.
#[test]
fn a_history_ahead_of_current_epoch_is_accepted_up_to_accepted_epoch() {
    use zab_core::{Peer, RecoverError, Recovered, Txn};
    let disk = |accepted_epoch| Recovered {
        accepted_epoch,
        current_epoch: 1,
        transactions: vec![Txn::new(zxid(1, 1), []), Txn::new(zxid(2, 1), [])],
        ..Recovered::EMPTY
    };
    assert!(Peer::recover(three(1), disk(2)).is_ok());
    let refused = Peer::recover(three(1), disk(1)).err();
    assert_eq!(refused, Some(RecoverError::HistoryAhead { last: zxid(2, 1), accepted: 1 }));
}

/// The lines of one server, without those of the election port.
fn lines(cluster: &Cluster, id: ServerId) -> Vec<String> {
    let lines = cluster.nodes[&id].events.iter().map(line);
    lines.filter(|line| !line.ends_with("NOTIFICATION")).collect()
}

/// `traces/README.md`: the cause comes first, then what it does, then what follows from it.
#[test]
fn a_step_is_shown_in_the_documented_order() {
    let mut cluster = established(three);
    cluster.request(3, "a");
    cluster.settle();
    cluster.cut(1, 3);
    cluster.settle();
    let leader = [
        "Start 0.0",
        "Looking round=1",
        "Elected leader=3 round=1",
        "Connected peer=None",
        "Connected peer=None",
        "Received #0 FOLLOWERINFO",
        "Persisted acceptedEpoch=1",
        "Sent #0 LEADERINFO",
    ];
    assert_eq!(lines(&cluster, 3)[..leader.len()], leader);
    let commit = [
        "Proposed 1.1",
        "Sent #4 PROPOSAL",
        "Sent #4 PROPOSAL",
        "Received #4 ACK",
        "Received #4 ACK",
        "Sent #5 COMMIT",
        "Sent #5 COMMIT",
        "Committed 1.1",
        "Persisted log=1.1",
        "Delivered 1.1",
        "Disconnected",
    ];
    let found = lines(&cluster, 3);
    assert_eq!(found[found.len() - commit.len()..], commit);
    let follower = [
        "Start 0.0",
        "Looking round=1",
        "Elected leader=3 round=1",
        "Connected peer=Some(3)",
        "Sent #0 FOLLOWERINFO",
        "Received #0 LEADERINFO",
        "Persisted acceptedEpoch=1",
        "Sent #1 ACKEPOCH",
        "Received #1 DIFF",
        "Received #2 NEWLEADER",
        "Persisted currentEpoch=1",
        "Sent #2 ACK-LD",
        "Received #3 UPTODATE",
        "Sent #3 ACK-LD",
        "Received #4 PROPOSAL",
        "Persisted log=1.1",
        "Sent #4 ACK",
        "Received #5 COMMIT",
        "Delivered 1.1",
        "Disconnected",
        "Looking round=2",
    ];
    assert_eq!(lines(&cluster, 1), follower);
    for node in cluster.nodes.values() {
        let numbers = node.events.iter().map(|event| event.seq);
        assert!(numbers.eq(0..node.events.len() as u64), "gaps");
    }
}

/// Leaving a role and looking again are two steps: the state is that of the second, on `Looking`.
#[test]
fn the_step_that_leaves_a_role_shows_its_state_on_looking() {
    let mut cluster = established(three);
    cluster.cut(1, 3);
    let events = &cluster.nodes[&1].events;
    let [.., disconnected, looking] = events.as_slice() else { panic!("two lines") };
    assert_eq!(line(disconnected), "Disconnected");
    assert_eq!(disconnected.state, None);
    assert_eq!(line(looking), "Looking round=2");
    assert_eq!(looking.state.and_then(|state| state.role), Some(Role::Looking));
}
