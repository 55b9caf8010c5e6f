//! Random runs: they can be stepped again, lose nothing of what they tell, and keep what was
//! committed.

use std::collections::{BTreeMap, BTreeSet};

use zab_model::explore::walk::{Entry, Place, Plan, Run, random_walk};
use zab_model::shape::Shape;
use zab_model::{
    Decision, Effect, Enabled, Message, NoProbe, Outbox, Server, ServerId, Step, Wide, apply,
};

const PLAN: Plan<Wide> = Plan {
    servers: 3,
    window: 3,
    steps: 1_500,
    requests: 40,
    crashes: 6,
    timeouts: 4,
    disconnects: 6,
    payload: |number| u64::from(number),
};

fn runs() -> impl Iterator<Item = Run<Wide>> {
    let three = (0..60).map(|seed| (seed, PLAN));
    let five = (60..90).map(|seed| (seed, Plan { servers: 5, steps: 3_000, ..PLAN }));
    three.chain(five).map(|(seed, plan)| random_walk(seed, &plan).expect("the servers fit"))
}

/// Takes the servers of a run through its entries, and shows each entry with the servers after it.
fn step_again(run: &Run<Wide>, mut after: impl FnMut(&Entry<Wide>, &[Server<Wide>])) {
    let mut servers: Vec<Server<Wide>> = run.config.voters().map(Server::new).collect();
    for entry in &run.entries {
        let server = &mut servers[usize::from(entry.server.0) - 1];
        let mut out = Outbox::default();
        let enabled = apply(&run.config, server, entry.step, &mut out, &mut NoProbe);
        assert_eq!(enabled, Enabled::Yes, "seed {} {entry:?}", run.seed);
        assert_eq!(out.effects(), entry.effects, "seed {}", run.seed);
        assert_eq!(server.projection(&run.config), entry.after, "seed {}", run.seed);
        after(entry, &servers);
    }
}

#[test]
fn a_run_is_its_seed() {
    let once = random_walk::<Wide>(7, &PLAN).expect("the servers fit");
    let again = random_walk::<Wide>(7, &PLAN).expect("the servers fit");
    assert_eq!(once.entries, again.entries);
    assert_eq!(once.connections, again.connections);
}

#[test]
fn what_was_received_was_sent_before_once_and_in_order() {
    for run in runs() {
        let mut sent: BTreeMap<(usize, ServerId, u32), Message<Wide>> = BTreeMap::new();
        let mut received: BTreeMap<(usize, ServerId), u32> = BTreeMap::new();
        for entry in &run.entries {
            if let (Step::Receive { from, message }, Some(place)) = (entry.step, entry.consumed) {
                let Place { connection, ordinal } = place;
                assert_eq!(Some(connection), entry.connection);
                assert_eq!(sent.get(&(connection, from, ordinal)), Some(&message));
                let next = received.entry((connection, from)).or_default();
                // The next one: a connection loses nothing but its end.
                assert_eq!(ordinal, *next, "seed {}", run.seed);
                *next += 1;
            }
            let messages = entry.effects.iter().filter_map(|effect| match effect {
                Effect::Sent { message, .. } => Some(*message),
                Effect::Persisted(_)
                | Effect::Delivered(_)
                | Effect::Decided(_)
                | Effect::Closed(_)
                | Effect::Replaced(_)
                | Effect::ClosedAll => None,
            });
            for (place, message) in entry.sent.iter().zip(messages) {
                if let Some(Place { connection, ordinal }) = place {
                    let key = (*connection, entry.server, *ordinal);
                    assert!(sent.insert(key, message).is_none(), "seed {}", run.seed);
                }
            }
        }
    }
}

#[test]
fn what_is_committed_is_on_a_quorum_and_in_every_later_epoch() {
    for run in runs() {
        let logs = &run.config.logs;
        let mut committed = Wide::prefix(logs, &Default::default(), 0);
        let mut leaders = BTreeMap::new();
        step_again(&run, |entry, servers| {
            let server = &servers[usize::from(entry.server.0) - 1];
            let length = server.committed(&run.config);
            let known = Wide::prefix(logs, &server.history, length);
            let shorter = Wide::length(&committed).min(length);
            let same =
                Wide::prefix(logs, &known, shorter) == Wide::prefix(logs, &committed, shorter);
            assert!(same, "seed {}: committed histories agree", run.seed);
            if length > Wide::length(&committed) {
                committed = known;
            }
            let whole = Wide::length(&committed);
            let holds = |s: &&Server<Wide>| Wide::prefix(logs, &s.disk.history, whole) == committed;
            let holders = servers.iter().filter(holds).count();
            assert!(holders >= run.config.quorum(), "seed {}: {holders} hold it", run.seed);
            for effect in &entry.effects {
                if let Effect::Decided(Decision::Established { epoch }) = effect {
                    let before = leaders.insert(*epoch, entry.server);
                    assert_eq!(before, None, "seed {}: one leader in epoch {epoch}", run.seed);
                    assert!(length >= whole, "seed {}: nothing is lost", run.seed);
                }
            }
        });
    }
}

#[test]
fn random_runs_see_every_way_of_synchronization_and_later_epochs() {
    let mut seen = BTreeSet::new();
    for run in runs() {
        for effect in run.entries.iter().flat_map(|entry| &entry.effects) {
            if let Effect::Sent { message, .. } = effect {
                let text = message.to_string();
                seen.extend(text.split(' ').next().map(str::to_owned));
            } else if let Effect::Decided(Decision::Established { epoch: 3.. }) = effect {
                seen.insert("third epoch".to_owned());
            }
        }
    }
    for expected in ["DIFF", "TRUNC", "SNAP", "COMMIT", "UPTODATE", "third epoch"] {
        assert!(seen.contains(expected), "{expected} is not among {seen:?}");
    }
}
