//! What becomes of every capture of the corpus under the rules of its own release, and under `fixed`.

use std::fmt::Write as _;

use crate::common::capture;
use crate::common::corpus;
use zab_follow::Answer;
use zab_follow::Followed;
use zab_model::Profile;

fn told(answer: &Answer) -> String {
    match answer {
        Answer::Conforms => "CONFORMS".to_owned(),
        Answer::Inconclusive(why) => format!("INCONCLUSIVE: {why}"),
        Answer::Diverges(divergence) => {
            let packet = divergence.packet.split_whitespace().collect::<Vec<_>>().join(" ");
            let instead = divergence.instead.join("; ");
            let guards = divergence.guards.join("; ");
            let rule = divergence.rule;
            let server = divergence.server;
            format!(
                "DIVERGES: server {server}: {packet}\n    rule {rule}\n    instead: {instead}\n    guards: {guards}"
            )
        }
    }
}

/// Nodes that were looked at for each packet, in tenths, and the most between two packets.
fn effort(followed: &[Followed]) -> (usize, usize) {
    let nodes: usize = followed.iter().map(|one| one.nodes).sum();
    let packets: usize = followed.iter().map(|one| one.packets).sum();
    let largest = followed.iter().map(|one| one.largest).max().unwrap_or_default();
    (nodes * 10 / packets.max(1), largest)
}

#[test]
fn every_capture_is_a_run_of_its_release() {
    let mut shown = String::new();
    for capture in corpus() {
        let rules = |server| capture.rules(server);
        let followed = zab_follow::follow_all(&capture.items, &capture.members, rules);
        let answer = zab_follow::answer(&followed);
        if answer == Answer::Conforms {
            let (tenths, largest) = effort(&followed);
            assert!(tenths < 50 && largest < 100, "{}: {tenths}, {largest}", capture.name);
        }
        writeln!(shown, "{}: {}", capture.name, told(&answer)).expect("a text");
    }
    insta::assert_snapshot!("own_release", shown);
}

#[test]
fn what_is_no_run_of_fixed_is_told_with_its_place() {
    let mut shown = String::new();
    for capture in corpus() {
        let followed = zab_follow::follow_all(&capture.items, &capture.members, |_| Profile::FIXED);
        writeln!(shown, "{}: {}", capture.name, told(&zab_follow::answer(&followed)))
            .expect("a text");
    }
    insta::assert_snapshot!("fixed", shown);
}

/// The switches that each server of 3.8.0 needs, one by one.
#[test]
fn what_a_capture_needs_of_its_release_is_named() {
    let mut shown = String::new();
    for capture in corpus() {
        for server in capture.members.servers.difference(&capture.members.observers) {
            let rules = capture.rules(*server);
            for one in zab_follow::reliances(&capture.items, &capture.members, *server, rules) {
                let zab_follow::Reliance { settings, rule, issues, divergence, .. } = one;
                let (name, line) = (&capture.name, divergence.line);
                writeln!(
                    shown,
                    "{name}, server {server}, line {line}: {settings} ({rule}) {issues}"
                )
                .expect("a text");
            }
        }
    }
    insta::assert_snapshot!("reliances", shown);
}

/// The choice of steps that are taken at once changes no answer. Where every order is tried, a search may be
/// given up; then it says nothing.
#[test]
fn every_order_of_steps_gives_the_same_answer() {
    let (mut same, mut given_up) = ([0, 0], 0);
    for capture in corpus() {
        for server in capture.members.servers.difference(&capture.members.observers) {
            for profile in [capture.rules(*server), Profile::FIXED] {
                let (items, members) = (&capture.items, &capture.members);
                let eager = zab_follow::follow(items, members, *server, profile).answer;
                let orders =
                    zab_follow::follow_in_every_order(items, members, *server, profile).answer;
                let line = |answer: &Answer| match answer {
                    Answer::Diverges(divergence) => Some(divergence.line),
                    Answer::Conforms | Answer::Inconclusive(_) => None,
                };
                match (&eager, &orders) {
                    (_, Answer::Inconclusive(_)) => given_up += 1,
                    _ => {
                        let name = &capture.name;
                        assert_eq!(line(&eager), line(&orders), "{name}, server {server}");
                        assert_eq!(eager == Answer::Conforms, orders == Answer::Conforms);
                        same[usize::from(eager == Answer::Conforms)] += 1;
                    }
                }
            }
        }
    }
    assert!(same[0] > 5 && same[1] > 100, "{same:?}, {given_up} given up");
}

/// A follower of 3.8.0 acknowledges a transaction before NEWLEADER, and `zab-server`, which leads, goes on:
/// server 2 of `zabcheck record --target mixed --run 2=zab-server --scenario leader-kill --seed 2`.
#[test]
fn zab_server_drops_an_early_acknowledgement() {
    let text = include_bytes!("early-ack.raw.ndjson").to_vec();
    let capture = capture("early-ack".to_owned(), text);
    let rules = |server| capture.rules(server);
    let followed = zab_follow::follow_all(&capture.items, &capture.members, rules);
    assert_eq!(zab_follow::answer(&followed), Answer::Conforms);
    let strict = zab_follow::follow(&capture.items, &capture.members, 2, Profile::FIXED);
    let Answer::Diverges(divergence) = strict.answer else { panic!("{strict:?}") };
    assert!(divergence.packet.contains("UPTODATE"), "{divergence:?}");
    let early = divergence.instead.iter().any(|said| said.contains("ACK-LD came before ACK"));
    assert!(early, "{divergence:?}");
}
