//! What becomes of every capture of the corpus under the rules of its own release, and under `fixed`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::common::Capture;
use crate::common::capture;
use crate::common::corpus;
use zab_follow::Answer;
use zab_follow::Followed;
use zab_follow::Shows;
use zab_model::Profile;
use zab_model::profile::SWITCHES;

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
            // Five servers have more votes to receive in any order.
            let (tenths_max, most) = if capture.is_small() { (50, 100) } else { (80, 300) };
            let name = &capture.name;
            assert!(tenths < tenths_max && largest < most, "{name}: {tenths}, {largest}");
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

/// What each capture shows of each switch, where that is more than that both values explain it.
#[test]
fn what_a_capture_shows_of_each_switch_is_told() {
    let (mut shown, mut counts) = (String::new(), BTreeMap::new());
    for capture in corpus() {
        for server in capture.members.servers.difference(&capture.members.observers) {
            let (items, members) = (&capture.items, &capture.members);
            let rules = capture.rules(*server);
            let switches = zab_follow::switches(items, members, *server, rules);
            for one in switches.expect("it is a run of its release") {
                let shows = one.shows();
                *counts.entry(format!("{shows:?}")).or_insert(0) += 1;
                if !matches!(shows, Shows::OldOnly | Shows::NewOnly | Shows::Unknown) {
                    continue;
                }
                let values: Vec<&str> = one
                    .trials
                    .iter()
                    .filter(|trial| trial.answer == Answer::Conforms)
                    .map(|trial| trial.value)
                    .collect();
                let (name, switch, values) = (&capture.name, one.switch, values.join(", "));
                writeln!(shown, "{name}, server {server}: {switch}: {shows:?} ({values})")
                    .expect("a text");
            }
        }
    }
    insta::assert_snapshot!("switches", format!("{counts:?}\n{shown}"));
}

/// A switch that is not exercised can have any value: a search of its own finds a run, too.
#[test]
fn a_switch_that_is_not_exercised_can_have_any_value() {
    let mut tried = 0;
    let wanted = ["apache-3.8.0/stale-ack", "apache-3.9.3/leader-kill", "zab-server/truncate"];
    for capture in corpus().into_iter().filter(|one| wanted.contains(&one.name.as_str())) {
        for server in &capture.members.servers {
            let (items, members) = (&capture.items, &capture.members);
            let rules = capture.rules(*server);
            let all = zab_follow::switches(items, members, *server, rules).expect("a run");
            for one in all.iter().filter(|one| one.shows() == Shows::NotExercised) {
                for trial in &one.trials {
                    let switch = SWITCHES.iter().find(|switch| switch.name == one.switch);
                    let other = switch.expect("it is there").set(&rules, trial.value);
                    let other = other.expect("a value");
                    let answer = zab_follow::follow(items, members, *server, other).answer;
                    assert_eq!(answer, Answer::Conforms, "{}: {}", capture.name, one.switch);
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// The choice of steps that are taken at once changes no answer. Where every order is tried, a search may be
/// given up; then it says nothing. With five servers most are, after a long time.
#[test]
fn every_order_of_steps_gives_the_same_answer() {
    let (mut same, mut given_up) = ([0, 0], 0);
    for capture in corpus().into_iter().filter(Capture::is_small) {
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

/// A SNAP of a state without transactions is at the beginning of its epoch. Whoever has taken it can cut
/// its log back to there, and has the snapshot still:
/// server 1 of `zabcheck record --target mixed --run 1=zab-server --scenario truncate-first --seed 1`.
#[test]
fn a_log_is_cut_back_to_a_snapshot_without_transactions() {
    let text = include_bytes!("truncated-to-snapshot.raw.ndjson").to_vec();
    let capture = capture("truncated-to-snapshot".to_owned(), text);
    let rules = |server| capture.rules(server);
    let followed = zab_follow::follow_all(&capture.items, &capture.members, rules);
    assert_eq!(zab_follow::answer(&followed), Answer::Conforms);
}

/// An answer that a follower has made is sent after its first votes of the next election: server 3 of
/// `zabcheck record --target apache --scenario truncate --seed 1`, on a busy machine, up to the next UPTODATE.
#[test]
fn an_answer_of_an_earlier_role_is_sent_late() {
    let text = include_str!("late-answer.raw.ndjson");
    let followed = |text: &str| {
        let capture = capture("late-answer".to_owned(), text.as_bytes().to_vec());
        let rules = |server| capture.rules(server);
        zab_follow::answer(&zab_follow::follow_all(&capture.items, &capture.members, rules))
    };
    assert_eq!(followed(text), Answer::Conforms);
    // It is the one that it had made, and nothing else: length, role, leader, zxid and round of the vote.
    let late = "000000b400000001000000000000000200000000000000000000000000000001";
    for (what, wrong) in [
        ("role", "000000b400000002000000000000000200000000000000000000000000000001"),
        ("leader", "000000b400000001000000000000000100000000000000000000000000000001"),
        ("zxid", "000000b400000001000000000000000200000001000000090000000000000001"),
        ("round", "000000b400000001000000000000000200000000000000000000000000000002"),
    ] {
        let lines = text.lines().enumerate().map(|(index, line)| match index {
            203 => {
                assert!(line.contains(late), "{line}");
                line.replace(late, wrong)
            }
            _ => line.to_owned(),
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let Answer::Diverges(divergence) = followed(&text) else { panic!("{what}") };
        assert_eq!(divergence.line, 204, "{what}");
    }
}

/// A leader that is cut off makes a transaction that no packet shows, and has repeated an earlier vote:
/// server 2 of `zabcheck record --wire --scenario deposed-leader --seed 1`, until it is up to date again.
#[test]
fn a_transaction_that_nobody_got_is_told_by_the_next_vote() {
    let text = include_bytes!("unseen-after-repetition.raw.ndjson").to_vec();
    let capture = capture("unseen-after-repetition".to_owned(), text);
    let rules = |server| capture.rules(server);
    let followed = zab_follow::follow_all(&capture.items, &capture.members, rules);
    assert_eq!(zab_follow::answer(&followed), Answer::Conforms);
}
