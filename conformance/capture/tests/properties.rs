//! The properties on the wire: none is violated in captures of real servers, and each has captures
//! that it alone rejects.

mod story;

use std::collections::BTreeSet;

use story::{LEADER, Story, txn};
use zab_capture::properties::{self, Members, Report};
use zab_wire::PacketType::{Ack, AckEpoch, Commit, Diff, Inform, NewLeader, Snap, Trunc, UpToDate};

fn members(observers: &[i64]) -> Members {
    let servers: BTreeSet<i64> = [1, 2, 3].into_iter().chain(observers.iter().copied()).collect();
    Members { servers, observers: observers.iter().copied().collect() }
}

fn report(story: &Story, observers: &[i64]) -> Report {
    properties::check(&members(observers), story.text().as_bytes()).expect("a capture")
}

fn rules(story: &Story) -> Vec<&'static str> {
    let report = report(story, &[]);
    assert_eq!(report.doubts, Vec::<String>::new());
    report.findings.iter().map(|finding| finding.rule).collect()
}

const Z1: i64 = 0x1_0000_0001;
const Z2: i64 = 0x1_0000_0002;
const NONE: Vec<&str> = Vec::new();

/// Servers 1 and 2 follow 3 in epoch 1; nothing is proposed yet.
fn began() -> (Story, u64, u64) {
    let mut story = Story::default();
    let one = story.follows(1, 1, 0);
    let two = story.follows(2, 1, 0);
    (story, one, two)
}

/// The same, and Z1 is committed.
fn committed() -> (Story, u64, u64) {
    let (mut story, one, two) = began();
    story.propose(&[one, two], &txn(Z1, "/a", Some(7)));
    story.sends(one, Ack, Z1).sends(two, Ack, Z1);
    story.leads(one, Commit, Z1).leads(two, Commit, Z1);
    (story, one, two)
}

#[test]
fn nothing_is_found_in_the_samples_of_apache() {
    for file in ["apache-3.8.0-first-start", "apache-3.9.3-first-start"] {
        let path = format!("{}/tests/captures/{file}.raw.ndjson", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).expect("the capture");
        let report = properties::check(&members(&[]), bytes.as_slice()).expect("a capture");
        assert_eq!((report.findings, report.doubts), (Vec::new(), Vec::new()), "{file}");
        let number = |rule| report.counts.iter().find(|c| c.rule == rule).map(|c| c.number);
        assert!(number(properties::W_QUORUM) > Some(30), "{:?}", report.counts);
        assert!(number(properties::W_DIGEST) > Some(30), "{:?}", report.counts);
        assert_eq!(number(properties::W_LEADER), Some(1));
    }
}

#[test]
fn nothing_is_found_in_a_run_as_it_should_be() {
    assert_eq!(rules(&committed().0), NONE);
}

#[test]
fn what_newleader_was_acknowledged_for_is_in_the_next_first_vote() {
    let lost = |vote: i64| {
        let (mut story, one, two) = committed();
        // It misses a transaction, and gets it by DIFF before NEWLEADER.
        story.ends(one).propose(&[two], &txn(Z2, "/b", None)).sends(two, Ack, Z2);
        story.leads(two, Commit, Z2).mark(r#""what":"start","sid":1"#);
        let again = story.joins(1, 1, Z1);
        story.leads(again, Diff, Z2).propose(&[again], &txn(Z2, "/b", None));
        story.leads(again, Commit, Z2).leads(again, NewLeader, 1 << 32).sends(again, Ack, 1 << 32);
        story.ends(again).mark(r#""what":"start","sid":1"#).vote(1, 1, vote);
        rules(&story)
    };
    assert_eq!(lost(Z2), NONE);
    assert_eq!(lost(Z1), [properties::W_ACKNOWLEDGED]);
    // What a single ACK was for.
    let (mut story, one, _) = committed();
    story.ends(one).mark(r#""what":"start","sid":1"#).vote(1, 1, 0);
    assert_eq!(rules(&story), [properties::W_ACKNOWLEDGED]);
}

#[test]
fn a_truncation_in_between_takes_what_was_owed() {
    let (mut story, one, two) = began();
    story.propose(&[one, two], &txn(Z1, "/a", None)).sends(one, Ack, Z1);
    story.ends(one);
    let again = story.joins(1, 1, Z1);
    story.leads(again, Trunc, 1 << 32).ends(again);
    story.mark(r#""what":"start","sid":1"#).vote(1, 1, 0);
    assert_eq!(rules(&story), NONE);
}

/// Server 1 has a transaction that nobody else has, and the next leader has it cut off.
#[test]
fn what_is_cut_off_stays_off() {
    let says = |acknowledged: bool, sent_again: bool, end: i64| {
        let (mut story, one, two) = committed();
        story.propose(&[one], &txn(Z2, "/b", None)).sends(one, Ack, Z2).ends(one).ends(two);
        let again = story.joins_leader(1, 2, 2, Z2);
        story.leads(again, Trunc, Z1);
        if sent_again {
            story.propose(&[again], &txn(Z2, "/b", None)).leads(again, Commit, Z2);
        }
        if acknowledged {
            story.leads(again, NewLeader, 2 << 32).sends(again, Ack, 2 << 32);
        }
        story.ends(again).vote(1, 2, end);
        rules(&story)
    };
    assert_eq!(says(true, false, Z1), NONE);
    assert_eq!(says(true, false, Z2), [properties::W_TRUNCATED]);
    assert_eq!(says(true, true, Z2), NONE);
    assert_eq!(says(false, false, Z2), NONE, "it may have died before it acted");
}

#[test]
fn a_vote_of_a_process_that_was_not_restarted_owes_nothing() {
    let (mut story, ..) = committed();
    story.vote(1, 1, 0);
    assert_eq!(rules(&story), NONE);
}

#[test]
fn a_committed_transaction_keeps_its_content() {
    let (mut story, one, _) = committed();
    story.ends(one);
    let again = story.joins(1, 1, 0);
    story.leads(again, Diff, Z1).propose(&[again], &txn(Z1, "/b", Some(7)));
    assert_eq!(rules(&story), [properties::W_COMMITTED]);
}

#[test]
fn a_later_leader_has_what_is_committed() {
    // DIFF and SNAP say where the leader's history ends, TRUNC what the learner loses.
    for (header, end, has) in [(Diff, 0, 0), (Snap, 0, Z1), (Trunc, 0, Z1)] {
        let (mut story, one, two) = committed();
        story.ends(one).ends(two);
        let three = story.joins_leader(3, 2, 2, has);
        story.leads(three, header, end);
        assert_eq!(rules(&story), [properties::W_COMMITTED], "{header:?}");
    }
    let (mut story, one, two) = committed();
    story.ends(one).ends(two);
    let three = story.joins_leader(3, 2, 2, Z1);
    story.leads(three, Diff, Z1);
    assert_eq!(rules(&story), NONE);
}

#[test]
fn what_a_leader_sends_of_its_history_is_committed_once_its_epoch_is_established() {
    let tentative = |established: bool| {
        let mut story = Story::default();
        let one = story.joins(1, 2, 0);
        story.leads(one, Diff, Z1).propose(&[one], &txn(Z1, "/a", None)).leads(one, Commit, Z1);
        story.leads(one, NewLeader, 2 << 32).sends(one, Ack, 2 << 32);
        if established {
            story.leads(one, UpToDate, -1);
        }
        story.ends(one);
        let next = story.joins_leader(1, 2, 3, 0);
        story.leads(next, Diff, 0);
        rules(&story)
    };
    assert_eq!(tentative(false), NONE);
    assert_eq!(tentative(true), [properties::W_COMMITTED]);
}

#[test]
fn a_leader_that_cuts_off_what_it_committed_leaves_too_few_holders() {
    let (mut story, one, two) = began();
    story.propose(&[one, two], &txn(Z1, "/a", None)).sends(one, Ack, Z1).leads(one, Commit, Z1);
    story.ends(one);
    let again = story.joins(1, 1, Z1);
    story.leads(again, Trunc, 1 << 32);
    assert_eq!(rules(&story), [properties::W_COMMITTED]);
    // With the other follower's acknowledgement a quorum still has it.
    let (mut story, one, _) = committed();
    story.ends(one);
    let again = story.joins(1, 1, Z1);
    story.leads(again, Trunc, 1 << 32);
    assert_eq!(rules(&story), NONE);
}

#[test]
fn a_commit_counts_only_who_still_has_the_transaction() {
    let stale = |again_acknowledged: bool, reset: bool| {
        let (mut story, mut one, two) = began();
        story.propose(&[one, two], &txn(Z1, "/a", None)).sends(one, Ack, Z1);
        if reset {
            story.ends(one);
            one = story.joins(1, 1, Z1);
            story.leads(one, Trunc, 1 << 32).propose(&[one], &txn(Z1, "/a", None));
            story.leads(one, NewLeader, 1 << 32).sends(one, Ack, 1 << 32).leads(one, UpToDate, -1);
        }
        if again_acknowledged {
            story.sends(one, Ack, Z1);
        }
        story.leads(two, Commit, Z1);
        story
    };
    assert_eq!(rules(&stale(false, false)), NONE);
    assert_eq!(rules(&stale(true, true)), NONE);
    let story = stale(false, true);
    assert_eq!(rules(&story), [properties::W_QUORUM]);
    let report = report(&story, &[]);
    let shown: Vec<&str> = report.findings[0]
        .packets
        .iter()
        .map(|packet| packet.text.split_whitespace().skip(3).collect::<Vec<_>>().join(" "))
        .map(|text| {
            ["ACKEPOCH", "ACK", "TRUNC", "COMMIT", "ended"]
                .into_iter()
                .find(|name| {
                    text.split_whitespace().any(|word| word.trim_end_matches(':') == *name)
                })
                .unwrap_or("?")
        })
        .collect();
    assert_eq!(shown, ["ACK", "ended", "ACKEPOCH", "TRUNC", "COMMIT"]);
}

#[test]
fn a_commit_needs_acknowledgements_of_voters() {
    let (mut story, one, two) = began();
    story.propose(&[one, two], &txn(Z1, "/a", None)).leads(one, Commit, Z1);
    assert_eq!(rules(&story), [properties::W_QUORUM]);
    // Of another transaction.
    let (mut story, one, two) = began();
    story.propose(&[one, two], &txn(Z1, "/a", None)).propose(&[one, two], &txn(Z2, "/b", None));
    story.sends(one, Ack, Z2).leads(one, Commit, Z1);
    assert_eq!(rules(&story), [properties::W_QUORUM]);
    // Of an observer.
    let (mut story, one, _) = began();
    let four = story.observes(4, 1);
    story.propose(&[one], &txn(Z1, "/a", None)).sends(four, Ack, Z1);
    story.leads_txn(four, Inform, &txn(Z1, "/a", None));
    let found = report(&story, &[4]);
    let rules: Vec<&str> = found.findings.iter().map(|finding| finding.rule).collect();
    let expected = [properties::W_PHASE, properties::W_ACK, properties::W_QUORUM];
    assert_eq!(rules, expected, "{:?}", found.findings);
}

/// A capture without one of its links: what is not seen may have happened.
#[test]
fn a_link_that_is_missing_is_a_doubt_and_no_finding() {
    let mut story = Story::default();
    let one = story.follows(1, 1, 0);
    story.propose(&[one], &txn(Z1, "/a", None)).leads(one, Commit, Z1);
    let found = report(&story, &[]);
    assert_eq!(found.findings, Vec::new());
    assert!(found.doubts[0].contains("does not show what server 2 sends to server 3"));
    // One direction of a connection is missing.
    let (mut story, one, two) = began();
    story.propose(&[one, two], &txn(Z1, "/a", None)).sends(two, Ack, Z1).leads(one, Commit, Z1);
    let lines = story.text().lines().map(|line| format!("{line}\n"));
    let without: String = lines.filter(|line| !line.contains(r#""frm":2,"to":3,"hex"#)).collect();
    let found = properties::check(&members(&[]), without.as_bytes()).expect("a capture");
    assert_eq!(found.findings, Vec::new());
    assert!(found.doubts.iter().any(|doubt| doubt.contains("server 3 answers server 2")));
    // The recorder was there, and nobody dialled.
    let mut story = Story::default();
    story.listens(2, 3);
    let one = story.follows(1, 1, 0);
    story.propose(&[one], &txn(Z1, "/a", None)).leads(one, Commit, Z1);
    assert_eq!(rules(&story), [properties::W_QUORUM]);
}

#[test]
fn a_learner_that_reports_less_has_not_what_it_acknowledged() {
    let (mut story, one, two) = began();
    story.propose(&[one, two], &txn(Z1, "/a", None)).sends(one, Ack, Z1).ends(one);
    let again = story.joins(1, 1, 0);
    story.leads(again, Diff, 0).leads(two, Commit, Z1);
    assert_eq!(rules(&story), [properties::W_QUORUM]);
}

#[test]
fn a_transaction_has_one_digest() {
    let (mut story, one, two) = began();
    story.propose(&[one], &txn(Z1, "/a", Some(7))).propose(&[two], &txn(Z1, "/a", Some(8)));
    assert_eq!(rules(&story), [properties::W_DIGEST]);
}

#[test]
fn an_epoch_has_one_leader() {
    let (mut story, one, _) = began();
    story.ends(one);
    let other = story.joins_leader(1, 2, 1, 0);
    assert_eq!(rules(&story), NONE, "to offer an epoch is not to lead it");
    story.leads(other, Diff, 0).leads(other, NewLeader, 1 << 32);
    assert_eq!(rules(&story), [properties::W_LEADER]);
    assert_ne!(LEADER, 2);
}

#[test]
fn what_a_client_was_told_of_is_read() {
    let client = |op: &str, found: bool| {
        let (mut story, ..) = committed();
        story.mark(&format!(r#""what":"return","op":"{op}","path":"/a""#));
        story.mark(&format!(r#""what":"read","path":"/a","found":{found}"#));
        rules(&story)
    };
    assert_eq!(client("create", true), NONE);
    assert_eq!(client("exists", false), NONE);
    assert_eq!(client("create", false), [properties::W_CLIENT]);
}

#[test]
fn a_capture_that_does_not_show_enough_is_in_doubt() {
    let nothing = report(&Story::default().mark(r#""what":"start","sid":1"#).clone(), &[]);
    assert_eq!(nothing.doubts.len(), 1, "{:?}", nothing.doubts);
    let (mut story, one, _) = began();
    story.bytes(one, LEADER, "ffffffff");
    story.bytes(one, LEADER, "0000000000000000");
    assert!(report(&story, &[]).doubts[0].contains("are no message"));
    let (mut story, one, _) = began();
    story.bytes(one, LEADER, "1603030200");
    assert!(report(&story, &[]).doubts[0].contains("the connection is encrypted"));
    let cut = began().0.text().trim_end().trim_end_matches('}').to_owned();
    let found = properties::check(&members(&[]), cut.as_bytes()).expect("a capture");
    assert!(found.doubts[0].contains("the capture is cut in line"), "{:?}", found.doubts);
    let few = Members { servers: [1, 3].into(), observers: BTreeSet::new() };
    let found = properties::check(&few, began().0.text().as_bytes()).expect("a capture");
    assert!(found.doubts[0].contains("server 2 takes part"), "{:?}", found.doubts);
}

#[test]
fn every_property_is_in_the_ledger() {
    let path = format!("{}/../../docs/src/rules.md", env!("CARGO_MANIFEST_DIR"));
    let ledger = std::fs::read_to_string(path).expect("the ledger");
    let (story, ..) = began();
    let counts = report(&story, &[]).counts;
    assert_eq!(counts.len(), 18);
    for count in counts {
        assert!(ledger.contains(&format!("| {} |", count.rule)), "{}", count.rule);
    }
    assert!(AckEpoch != Ack);
}
