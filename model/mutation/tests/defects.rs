//! Defects that are easily made, and one property that each breaks, at the smallest bounds where it
//! can; and defects that break no invariant, only claims of liveness.
//!
//! The table names the first property that notices a mutant. Here stands one that says what is lost.

use zab_mutation::Change::{self, Omitted, Replaced, True};
use zab_mutation::paper::Bounds;
use zab_mutation::{Family, Mutant, broken_claims, list, violated};

const ONE_TXN: Bounds = Bounds { servers: 3, txns: 1, epochs: Some(2), timeouts: 1, restarts: 0 };
const TWO_TXNS: Bounds = Bounds { txns: 2, epochs: None, ..ONE_TXN };
const THREE_EPOCHS: Bounds = Bounds { timeouts: 2, epochs: Some(3), ..ONE_TXN };
const RESTART: Bounds = Bounds { timeouts: 0, restarts: 1, epochs: None, ..ONE_TXN };
const FOUR: Bounds = Bounds { servers: 4, timeouts: 0, epochs: None, ..ONE_TXN };

/// The mutant of a rule. Of several that read alike, it is the last.
fn mutant(function: &str, code: &str, change: Change) -> &'static Mutant {
    let is_it = |m: &&Mutant| m.function == function && m.code == code && m.change == change;
    list(Family::Paper).iter().rfind(is_it).expect("a mutant of the list")
}

fn named(wanted: &str) -> &'static Mutant {
    let is_it = |m: &&Mutant| matches!(m.change, Replaced { name, .. } if name == wanted);
    list(Family::Paper).iter().find(is_it).expect("a defect with a name")
}

#[test]
fn each_defect_breaks_what_it_is_a_danger_to() {
    let new_leader = "follower_process_new_leader";
    let symptoms = [
        (named("epoch not raised"), ONE_TXN, "single_established_leader"),
        (named("promise forgotten"), RESTART, "single_established_leader"),
        (named("history forgotten"), RESTART, "committed_never_lost"),
        (named("newest proposed first"), TWO_TXNS, "proposals_fit_the_history"),
        (named("commit to unsynced"), TWO_TXNS, "commits_come_in_order"),
        (
            mutant(
                "leader_process_ack_epoch",
                "self.adopt_most_recent(leader, heard.senders);",
                Omitted,
            ),
            TWO_TXNS,
            "prefix_consistency",
        ),
        (mutant(new_leader, "server.history = offered;", Omitted), TWO_TXNS, "total_order"),
        (
            mutant(new_leader, "server.current_epoch = server.accepted_epoch;", Omitted),
            THREE_EPOCHS,
            "committed_never_lost",
        ),
        (
            mutant("follower_process_propose", "server.history.push(txn)", Omitted),
            ONE_TXN,
            "delivered_is_on_a_quorum",
        ),
        (
            mutant("try_to_commit", "!rules.is_quorum(acks)", Change::False),
            FOUR,
            "delivered_is_on_a_quorum",
        ),
        (
            mutant("try_to_commit", "committed + 1 >= position", True),
            TWO_TXNS,
            "commits_come_in_order",
        ),
        (
            mutant(
                "leader_process_ack_ld",
                "server.last_committed = small(server.history.len());",
                Omitted,
            ),
            ONE_TXN,
            "primary_integrity",
        ),
        (
            mutant("look", "server.link = Link::default();", Omitted),
            ONE_TXN,
            "no_message_outlives_its_connection",
        ),
    ];
    for (mutant, bounds, property) in symptoms {
        let broken = violated(mutant, bounds);
        assert!(broken.contains(&property), "{mutant} at {bounds} breaks {broken:?}");
    }
}

#[test]
fn what_is_never_done_breaks_a_claim() {
    let answer = "self.send_down(follower, Message::epoch(Kind::NewEpoch, epoch));";
    let ack = "self.send_up(follower, Message::zxid(Kind::Ack, message.zxid));";
    let proposes = "self.is_established(leader)";
    let cases = [
        (mutant("leader_process_cepoch", answer, Omitted), "established"),
        (mutant("follower_process_propose", ack, Omitted), "delivered_or_missed"),
        (mutant("leader_broadcast_propose", proposes, Change::False), "delivered_or_missed"),
    ];
    for (mutant, claim) in cases {
        assert_eq!(violated(mutant, TWO_TXNS), Vec::<&str>::new(), "{mutant}");
        let broken = broken_claims(mutant);
        assert!(broken.contains(&claim), "{mutant} breaks {broken:?}");
    }
}

#[test]
fn the_page_lists_the_defects_with_names() {
    let page = include_str!("../../../docs/src/defects.md");
    let part = page.split("## ").find(|part| part.starts_with("The published protocol"));
    let rows = part.expect("its part").lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
    let names = rows.filter_map(|row| row.split(" | ").next());
    let expected = list(Family::Paper).iter().filter_map(|mutant| match mutant.change {
        Replaced { name, .. } => Some(name),
        Change::Negated | True | Change::False | Omitted => None,
    });
    assert_eq!(names.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}
