//! One forged message stops nothing: each field of each message that an unknown peer can send, at each
//! end of its width, at every moment of an ensemble's life. Afterwards the ensemble serves, elects
//! when its leader is lost, and comes back after a restart of all.
//!
//! The three servers are real cores; whoever forges speaks in the name of one of them.

mod attack;

use attack::{Attack, Forged, notifications, to_follower, to_leader};
use zab_core::{Config, Input, ROUND_MAX, Role, ServerId, Timer};
use zab_trace::EventKind;

use crate::support::Cluster;

/// With `tickTime=2000` and ZooKeeper's other defaults this is 10 s.
const TICKS_MAX: u32 = 5;

fn three(id: ServerId) -> Config {
    Config { discovery_limit: 2, ..Config::new(id, [1, 2, 3]) }
}

/// When the forged message arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The leader was killed; 1 and 2 look for another.
    Looking,
    /// The same, and 1 has missed the last transaction.
    Behind,
    /// 2 leads, and nobody has connected to it yet.
    Elected,
    /// All serve.
    Serving,
    /// 2 and 3 serve, 1 has just started.
    Returning,
}

fn at(moment: Moment) -> Cluster {
    let mut cluster = Cluster::start(three);
    cluster.elect(20);
    assert_eq!(cluster.leader(), Some(3));
    serves(&mut cluster, "before");
    match moment {
        Moment::Looking => cluster.crash(3, 0),
        Moment::Behind => {
            cluster.crash(1, 0);
            serves(&mut cluster, "missed by 1");
            cluster.power_on(1);
            cluster.cut(1, 3);
            cluster.crash(3, 0);
            cluster.heal(1, 3);
        }
        Moment::Elected => {
            cluster.crash(3, 0);
            cluster.settle();
            cluster.input(2, Input::Elapsed(Timer::FinalizeWait));
            assert_eq!(cluster.nodes[&2].peer.role(), Role::Leading);
        }
        Moment::Serving => {}
        Moment::Returning => {
            cluster.crash(1, 0);
            cluster.settle();
            cluster.power_on(1);
        }
    }
    cluster
}

/// Lets time pass until somebody leads and everybody serves; how many ticks that took.
fn recovers(cluster: &mut Cluster, what: &dyn Fn() -> String) -> u32 {
    for ticks in 0..=TICKS_MAX {
        cluster.elect(20);
        let all_serve = cluster.nodes.values().all(|node| node.peer.is_established());
        if all_serve && cluster.leader().is_some() {
            return ticks;
        }
        cluster.tick();
    }
    let roles: Vec<_> =
        cluster.nodes.iter().map(|(id, n)| (*id, n.peer.role(), n.peer.state())).collect();
    panic!("{}: not all serve after {TICKS_MAX} ticks: {roles:?}", what());
}

/// A write at the leader reaches everybody.
fn serves(cluster: &mut Cluster, payload: &str) {
    let leader = cluster.leader().expect("somebody leads");
    cluster.request(leader, payload);
    cluster.settle();
    let last = cluster.nodes[&leader].peer.last_zxid();
    for (id, node) in &cluster.nodes {
        assert_eq!(node.applied.last(), Some(&last), "server {id} has {payload}");
    }
}

/// The forged message, then everything that must still work.
fn survives(moment: Moment, attack: &Attack) {
    let what = || format!("{moment:?}, {attack:?}");
    let mut cluster = at(moment);
    attack.carry_out(&mut cluster);
    recovers(&mut cluster, &what);
    serves(&mut cluster, "after");
    for id in cluster.off.keys().copied().collect::<Vec<_>>() {
        cluster.power_on(id);
    }
    recovers(&mut cluster, &|| format!("{}, then all are up", what()));
    let leader = cluster.leader().expect("somebody leads");
    cluster.crash(leader, 0);
    recovers(&mut cluster, &|| format!("{}, then the leader is killed", what()));
    serves(&mut cluster, "without it");
    for id in cluster.nodes.keys().copied().collect::<Vec<_>>() {
        cluster.crash(id, 0);
    }
    for id in cluster.off.keys().copied().collect::<Vec<_>>() {
        cluster.power_on(id);
    }
    recovers(&mut cluster, &|| format!("{}, then all are restarted", what()));
    serves(&mut cluster, "in the end");
}

#[test]
fn no_forged_vote_stops_an_ensemble() {
    let mut tried = 0;
    for moment in
        [Moment::Looking, Moment::Behind, Moment::Elected, Moment::Serving, Moment::Returning]
    {
        for forged in notifications() {
            for to in [1, 2] {
                survives(moment, &Attack { to, forged: forged.clone() });
                tried += 1;
            }
        }
    }
    assert!(tried > 1_000, "{tried}");
}

#[test]
fn no_forged_learner_stops_an_ensemble() {
    for (moment, leader) in [(Moment::Elected, 2), (Moment::Serving, 3)] {
        for forged in to_leader(leader) {
            survives(moment, &Attack { to: leader, forged });
        }
    }
}

#[test]
fn no_forged_leader_with_an_epoch_out_of_reach_stops_an_ensemble() {
    for epoch in attack::EPOCHS {
        survives(Moment::Elected, &Attack { to: 1, forged: to_follower(2, epoch) });
    }
}

/// A vote that nobody cast makes a server lead that is behind: it gives up as soon as it hears of
/// what it lacks, and nothing is lost.
#[test]
fn a_forged_vote_for_a_server_that_is_behind_costs_one_election() {
    let mut cluster = at(Moment::Behind);
    let last = cluster.nodes[&2].peer.last_zxid();
    assert!(cluster.nodes[&1].peer.last_zxid() < last);
    let forged = Forged::greatest_vote_for(1);
    for to in [1, 2] {
        Attack { to, forged: forged.clone() }.carry_out(&mut cluster);
    }
    let leads = |cluster: &Cluster| cluster.nodes[&1].peer.role() == Role::Leading;
    for _ in 0..3 {
        cluster.settle();
        for id in [1, 2] {
            if !leads(&cluster) {
                cluster.input(id, Input::Elapsed(Timer::FinalizeWait));
            }
        }
    }
    assert!(leads(&cluster), "the forged vote has won");
    assert_eq!(recovers(&mut cluster, &|| "a leader that is behind".to_owned()), 0);
    assert_eq!(cluster.leader(), Some(2));
    assert!(cluster.nodes[&1].applied.contains(&last));
}

/// A learner that was offered an epoch far above all others, which its leader then did not live
/// to establish, is reached by the next elections.
#[test]
fn an_epoch_that_only_one_server_accepted_is_reached_again() {
    let mut cluster = at(Moment::Elected);
    let far = 1 + 3 * (1 << 16);
    Attack { to: 1, forged: to_follower(2, far) }.carry_out(&mut cluster);
    assert_eq!(cluster.nodes[&1].disk.accepted_epoch, far);
    for _ in 0..100 {
        cluster.elect(20);
        cluster.tick();
    }
    assert!(cluster.leader().is_some());
    serves(&mut cluster, "after");
    assert!(cluster.nodes[&2].disk.accepted_epoch >= far);
}

/// D-ROUND: after the last round comes the first, and the ensemble goes on.
#[test]
fn the_last_round_is_followed_by_the_first() {
    let mut cluster = at(Moment::Looking);
    let forged = Forged::vote(Role::Looking, 2, ROUND_MAX);
    Attack { to: 1, forged }.carry_out(&mut cluster);
    recovers(&mut cluster, &|| "the last round".to_owned());
    let rounds = |cluster: &Cluster| -> Vec<i64> {
        let events = cluster.nodes.values().filter_map(|node| {
            node.events.iter().rev().find_map(|event| {
                let EventKind::Elected { round, .. } = &event.kind else { return None };
                Some(*round)
            })
        });
        events.collect()
    };
    assert_eq!(rounds(&cluster), [i64::MAX; 2]);
    cluster.cut(1, 2);
    for _ in 0..20 {
        cluster.tick();
    }
    cluster.heal(1, 2);
    recovers(&mut cluster, &|| "the first round".to_owned());
    assert!(rounds(&cluster).iter().all(|round| *round < 10), "{:?}", rounds(&cluster));
    serves(&mut cluster, "after");
}
