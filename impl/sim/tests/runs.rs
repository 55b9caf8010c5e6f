//! Many seeded runs: they repeat, they meet every situation, and nothing is lost.

use std::collections::BTreeSet;

use zab_core::ProtocolError;
use zab_sim::{Config, Outcome, Stats, header, record, simulate, simulate_into, write};
use zab_trace::{EventName, Trace, lint};

/// How many seeds a test runs: `ZAB_RUNS`, a number of runs, replaces its share.
fn runs(share: u64) -> u64 {
    std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(share)
}

fn text(seed: u64, config: &Config) -> (Vec<u8>, Outcome) {
    let mut bytes = Vec::new();
    let outcome = write(seed, config, &mut bytes).expect("memory takes everything");
    (bytes, outcome)
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..20 {
        let config = Config::of_seed(seed);
        assert_eq!(text(seed, &config), text(seed, &config), "seed {seed}");
    }
}

#[test]
fn another_seed_gives_another_run() {
    let config = Config::default();
    let traces: BTreeSet<_> = (0..20).map(|seed| text(seed, &config).0).collect();
    assert_eq!(traces.len(), 20);
}

/// Profile `fixed` lets a server wait for ever, as ZooKeeper does (D-WAIT): one that accepted an epoch
/// from a leader that failed, while the present leader decided for an older one. It is visible as a
/// complaint of that server, and ends with the leader.
fn may_wait_for_ever(outcome: &Outcome) -> bool {
    let mut complaints = outcome.complaints.iter();
    complaints.any(|(_, complaint)| matches!(complaint, ProtocolError::EpochGoesBack { .. }))
}

#[test]
fn nothing_is_lost_and_the_cluster_settles() {
    let mut waiting = 0;
    let total = runs(1_000);
    for seed in 0..total {
        let outcome = simulate_into(seed, &Config::of_seed(seed), &mut |_| {});
        let violations: Vec<_> = outcome.violations.iter().map(ToString::to_string).collect();
        assert_eq!(violations, [""; 0], "seed {seed}");
        assert!(outcome.settled || may_wait_for_ever(&outcome), "seed {seed}: never settles");
        waiting += u64::from(!outcome.settled);
        if outcome.settled {
            let histories: BTreeSet<_> = outcome.histories.values().collect();
            assert_eq!(histories.len(), 1, "seed {seed}");
        }
    }
    assert!(waiting * 100 <= total, "{waiting} of {total} runs do not settle");
}

#[test]
fn runs_meet_every_situation() {
    let mut stats = Stats::default();
    for seed in 0..300 {
        stats.add(&simulate_into(seed, &Config::of_seed(seed), &mut |_| {}).stats);
    }
    let counts = [
        ("leaders established", stats.established),
        ("leader changes", stats.leader_changes),
        ("DIFF with transactions", stats.diff_with_transactions),
        ("empty DIFF", stats.diff_empty),
        ("TRUNC", stats.trunc),
        ("SNAP", stats.snap),
        ("commits", stats.committed),
        ("follower restarts", stats.follower_restarts),
        ("kills between persist and send", stats.kills_between_persist_and_send),
        ("kills before a Persisted line", stats.kills_before_persisted_line),
        ("transactions lost at kills", stats.transactions_lost_at_kills),
        ("cuts", stats.cuts),
        ("resets", stats.resets),
    ];
    for (what, count) in counts {
        assert!(count > 0, "{what}: none in 300 runs");
    }
}

#[test]
fn a_calm_run_has_one_leader_and_loses_nothing() {
    let run = simulate(7, &Config::calm());
    assert!(run.outcome.settled);
    assert_eq!(run.outcome.stats.established, 1);
    assert_eq!(run.outcome.stats.kills, 0);
    assert_eq!(run.outcome.acknowledged.len() as u64, run.outcome.stats.requests);
    assert_eq!(run.outcome.complaints, []);
}

#[test]
fn every_incarnation_ends_with_stop_or_killed() {
    for seed in 0..30 {
        let mut open = BTreeSet::new();
        for event in simulate(seed, &Config::of_seed(seed)).events {
            let life = (event.server, event.incarnation);
            match event.kind.name() {
                EventName::Start => {
                    assert!(open.insert(life), "seed {seed}: {life:?} starts twice")
                }
                EventName::Stop | EventName::Killed => assert!(open.remove(&life), "seed {seed}"),
                EventName::Connected
                | EventName::Disconnected
                | EventName::Received
                | EventName::Persisted
                | EventName::Sent
                | EventName::Delivered
                | EventName::Looking
                | EventName::Resent
                | EventName::Elected
                | EventName::Proposed
                | EventName::Established
                | EventName::Committed
                | EventName::Joined => assert!(open.contains(&life), "seed {seed}: {event:?}"),
            }
        }
        assert!(open.is_empty(), "seed {seed}: {open:?} never end");
    }
}

#[test]
fn a_folder_holds_the_lines_of_the_run() {
    let seed = 3;
    let config = Config::of_seed(seed);
    let folder = tempfile::tempdir().expect("a folder for the test");
    record(seed, &config, folder.path()).expect("the folder takes the trace");
    let trace = Trace::load(&[folder.path()]).expect("what is recorded can be read");
    let report = lint(&[folder.path()]).expect("what is recorded can be read");
    assert!(report.is_sound(), "{report:?}");
    let mut lines = Vec::new();
    for file in &trace.files {
        assert_eq!(file.header, header(seed, &config));
        lines.extend(file.events.iter().map(|located| located.event.clone()));
    }
    let key = |event: &zab_trace::Event| {
        (event.server, event.incarnation, event.chain.clone(), event.seq)
    };
    let mut expected = simulate(seed, &config).events;
    expected.sort_by_key(key);
    lines.sort_by_key(key);
    assert_eq!(lines, expected);
}
