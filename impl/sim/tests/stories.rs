//! The stories of `traces/stories`, played by the simulator with many seeds.

use std::fs;
use std::path::Path;

use zab_sim::{Run, tell};
use zab_trace::{EventKind, MessageType};

/// How many seeds each story is told with: `ZAB_RUNS`, a number of runs, replaces its share.
fn runs(share: u64) -> u64 {
    std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(share)
}

fn text(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/stories");
    fs::read_to_string(folder.join(format!("{name}.txt"))).expect("a story")
}

/// Tells a story with every seed; each run is looked at.
fn every(name: &str, look: impl Fn(u64, &Run)) {
    let text = text(name);
    for seed in 0..runs(50) {
        let run = tell(seed, &text).unwrap_or_else(|why| panic!("{name}, seed {seed}: {why}"));
        let violations: Vec<_> = run.outcome.violations.iter().map(ToString::to_string).collect();
        assert_eq!(violations, [""; 0], "{name}, seed {seed}");
        assert!(run.outcome.settled, "{name}, seed {seed}");
        look(seed, &run);
    }
}

fn sent(run: &Run, kind: MessageType) -> bool {
    run.events.iter().any(
        |event| matches!(&event.kind, EventKind::Sent(packet) if packet.message.kind() == kind),
    )
}

#[test]
fn three_in_order() {
    every("three-in-order", |seed, run| {
        assert_eq!(run.outcome.acknowledged.len(), 2, "seed {seed}");
    });
}

#[test]
fn five_in_order() {
    every("five-in-order", |seed, run| {
        assert_eq!(run.outcome.acknowledged.len(), 2, "seed {seed}");
    });
}

#[test]
fn isolated_follower() {
    every("isolated-follower", |seed, run| {
        assert_eq!(run.outcome.stats.leader_changes, 0, "seed {seed}");
    });
}

#[test]
fn deposed_leader() {
    every("deposed-leader", |seed, run| {
        assert_eq!(run.outcome.stats.leader_changes, 1, "seed {seed}");
        // What only the old leader has is cut off, or all is sent anew.
        let replaced = [MessageType::Trunc, MessageType::Snap].map(|kind| sent(run, kind));
        assert!(replaced.contains(&true), "seed {seed}");
    });
}

#[test]
fn what_does_not_come_true_is_told_with_its_line() {
    let wrong = [
        ("servers 3\nstart 1\nleads 1\n", "leads 1: this does not come true"),
        ("servers 3\nstart 1\nstart 2\nleads 1\n", "leads 1: this does not come true"),
        ("servers 3\nstart 1\ndance 1\n", "dance 1: a story has no such line"),
        ("servers 3\nstart 1\nwrite 1\n", "write 1: nobody leads"),
        (
            "servers 3\nstart 1\nrefused 1\n",
            "refused 1: this server does not believe that it leads",
        ),
        ("servers 3\nstart 1\nstart 2\nleads 2\nepochs 2\n", "epochs 2: 1 epochs were established"),
        ("start 1\n", "the story does not begin with servers: start 1"),
    ];
    for (text, why) in wrong {
        assert_eq!(tell(1, text).map(|_| ()), Err(why.to_owned()));
    }
}
