//! What each packet may be after those before it: for each property a capture that it accepts, and
//! wrong ones that it rejects.

mod story;

use std::collections::BTreeSet;

use story::{LEADER, Story, txn};
use zab_capture::properties::{self, Members, W_ACK, W_COMMIT, W_ELECTED, W_EPOCH, W_GATE};
use zab_capture::properties::{W_HISTORY, W_PHASE, W_PING, W_PROPOSAL, W_QUORUM, W_SYNC, W_VOTE};
use zab_wire::PacketType::{
    Ack, AckEpoch, Commit, Diff, FollowerInfo, Inform, NewLeader, Ping, Request, Snap, Sync, Trunc,
    UpToDate,
};

const EPOCH: i64 = 1 << 32;

fn rules(story: &Story) -> Vec<&'static str> {
    let members = Members { servers: [1, 2, 3].into(), observers: BTreeSet::new() };
    let report = properties::check(&members, story.text().as_bytes()).expect("a capture");
    let mut rules: Vec<&str> = report.findings.iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}

const NONE: Vec<&str> = Vec::new();

/// Transaction `n` of epoch 1.
fn z(n: i64) -> i64 {
    EPOCH + n
}

/// Servers 1 and 2 follow 3, and `n` transactions are proposed to both.
fn proposed(n: i64) -> (Story, u64, u64) {
    let mut story = Story::default();
    let (one, two) = (story.follows(1, 1, 0), story.follows(2, 1, 0));
    for zxid in (1..=n).map(z) {
        story.propose(&[one, two], &txn(zxid, "/a", None));
    }
    (story, one, two)
}

#[test]
fn packets_have_their_places() {
    let after = || proposed(1);
    assert_eq!(rules(&after().0), NONE);
    let by_learner = |kind, zxid| {
        let (mut story, one, _) = after();
        rules(story.sends(one, kind, zxid))
    };
    let by_leader = |kind, zxid| {
        let (mut story, one, _) = after();
        rules(story.leads(one, kind, zxid))
    };
    for (kind, zxid) in [(FollowerInfo, 0), (AckEpoch, 0), (Commit, z(1)), (Ack, EPOCH)] {
        assert_eq!(by_learner(kind, zxid), [W_PHASE], "{kind:?}");
    }
    for (kind, zxid) in [(NewLeader, EPOCH), (UpToDate, -1), (Sync, 0), (Request, -1)] {
        assert_eq!(by_leader(kind, zxid), [W_PHASE], "{kind:?}");
    }
    let (mut story, one, _) = after();
    story.leads_txn(one, Inform, &txn(z(2), "/b", None));
    assert_eq!(rules(&story), [W_PHASE, W_QUORUM]);
    // Before UPTODATE.
    let mut story = Story::default();
    let one = story.joins(1, 1, 0);
    story.leads(one, Diff, 0).sends(one, Request, -1);
    assert_eq!(rules(&story), [W_PHASE]);
    let mut story = Story::default();
    story.listens(2, LEADER);
    let one = story.joins(1, 1, 0);
    story.leads(one, Diff, 0).leads(one, NewLeader, EPOCH).leads(one, UpToDate, -1);
    assert_eq!(rules(&story), [W_PHASE, W_GATE]);
}

#[test]
fn what_needs_a_quorum_comes_after_it() {
    // Nobody has registered with the leader but through it.
    let mut story = Story::default();
    let four = story.registers(FollowerInfo, 1, LEADER, 0);
    story.listens(2, LEADER);
    story.accepts(four, 1, 0);
    story.leads(four, Diff, 0);
    assert_eq!(rules(&story), NONE);
    // Who has accepted the epoch before does not count.
    let mut story = Story::default();
    story.listens(2, LEADER);
    let one = story.joins(1, 1, 0);
    story.ends(one);
    let again = story.joins(1, 1, 0);
    story.leads(again, Diff, 0);
    assert_eq!(rules(&story), NONE, "the first time counts");
    let mut story = Story::default();
    story.listens(2, LEADER);
    let elsewhere = story.joins_leader(1, 2, 1, 0);
    story.ends(elsewhere);
    let one = story.joins(1, 1, 0);
    story.leads(one, Diff, 0);
    assert_eq!(rules(&story), [W_GATE]);
}

#[test]
fn epochs_are_what_was_told_and_promised() {
    let mut story = Story::default();
    let one = story.joins(1, 2, 0);
    story.ends(one);
    let again = story.registers_as(1, LEADER, 1);
    assert_eq!(rules(&story), [W_EPOCH], "it has accepted 2");
    story.ends(again);
    let mut story = Story::default();
    let one = story.joins(1, 1, 0);
    story.leads(one, Diff, 0).leads(one, NewLeader, 2 << 32);
    assert_eq!(rules(&story), [W_EPOCH]);
    let mut story = Story::default();
    let one = story.registers(FollowerInfo, 1, LEADER, 0);
    story.offers(one, 1).sends(one, AckEpoch, 0);
    assert_eq!(rules(&story), NONE, "without data there is nothing to compare");
    let mut story = Story::default();
    let one = story.registers(FollowerInfo, 1, LEADER, 0);
    story.offers(one, 1).answers(one, 0, -1);
    assert_eq!(rules(&story), [W_EPOCH], "it has not accepted it before");
    let mut story = Story::default();
    let one = story.registers(FollowerInfo, 1, LEADER, 0);
    story.offers(one, 1).answers(one, 0, 1);
    assert_eq!(rules(&story), [W_EPOCH], "it cannot be in an epoch that it has not accepted");
}

#[test]
fn a_history_ends_where_it_was_told_to() {
    let vote = |zxid| {
        let (mut story, one, _) = proposed(2);
        story.sends(one, Ack, z(1)).ends(one).vote(1, 2, zxid);
        rules(&story)
    };
    for told in [0, z(1), z(2)] {
        assert_eq!(vote(told), NONE, "{told:x}");
    }
    assert_eq!(vote(z(3)), [W_HISTORY]);
    assert_eq!(vote(z(0)), [W_HISTORY]);
}

#[test]
fn a_learner_is_synchronized_from_where_it_is() {
    let header = |kind, zxid| {
        let (mut story, one, two) = proposed(2);
        story.sends(two, Ack, z(1)).sends(one, Ack, z(1)).ends(one);
        let again = story.joins(1, 1, z(1));
        story.leads(again, kind, zxid);
        rules(&story)
    };
    assert_eq!(header(Diff, z(1)), NONE);
    assert_eq!(header(Diff, z(0)), [W_SYNC], "an earlier one");
    assert_eq!(header(Diff, z(2)), [W_SYNC], "nobody has acknowledged it");
    assert_eq!(header(Trunc, z(0)), NONE);
    assert_eq!(header(Trunc, z(1)), [W_SYNC], "there is nothing to cut");
    assert_eq!(header(Snap, z(1)), NONE);
    assert_eq!(header(Snap, z(2)), [W_SYNC]);
    assert_eq!(header(Snap, 2 << 32), [W_SYNC]);
    // DIFF says more than what comes.
    let (mut story, one, two) = proposed(2);
    story.sends(two, Ack, z(1)).sends(two, Ack, z(2)).sends(one, Ack, z(1)).ends(one);
    let again = story.joins(1, 1, z(1));
    story.leads(again, Diff, z(2)).leads(again, NewLeader, EPOCH);
    assert_eq!(rules(&story), [W_SYNC]);
}

#[test]
fn transactions_are_in_order() {
    let next = |zxid| {
        let (mut story, one, _) = proposed(2);
        story.propose(&[one], &txn(zxid, "/c", None));
        rules(&story)
    };
    assert_eq!(next(z(3)), NONE);
    for wrong in [z(2), z(1), z(4), 2 << 32 | 1, 1] {
        assert_eq!(next(wrong).first(), Some(&W_PROPOSAL), "{wrong:x}");
    }
    let (mut story, one, two) = proposed(2);
    story.sends(one, Ack, z(1)).sends(two, Ack, z(1)).leads(one, Commit, z(1));
    assert_eq!(rules(&story), NONE);
    assert_eq!(rules(story.clone().leads(one, Commit, z(1))), [W_COMMIT], "twice");
    assert_eq!(rules(story.clone().sends(one, Ack, z(1))), [W_ACK], "twice");
    assert_eq!(rules(story.clone().sends(one, Ack, z(3))), [W_ACK], "never proposed");
    assert_eq!(rules(story.sends(one, Ack, z(2)).sends(two, Ack, z(2))), NONE);
    assert_eq!(rules(story.leads(two, Commit, z(2))), [W_COMMIT], "the first one is left out");
    let (mut story, one, two) = proposed(3);
    story.sends(one, Ack, z(1)).sends(one, Ack, z(3));
    assert_eq!(rules(&story), [W_ACK], "the second is left out");
    let (mut story, ..) = proposed(1);
    let _ = two;
    let late = story.follows(2, 1, 0);
    story.propose(&[late], &txn(z(1), "/other", None));
    assert_eq!(rules(&story), [W_PROPOSAL], "one zxid, two transactions");
}

#[test]
fn a_ping_says_how_far_the_leader_is() {
    let ping = |zxid, answer| {
        let (mut story, one, _) = proposed(2);
        story.leads(one, Ping, z(1)).leads(one, Ping, zxid).sends(one, Ping, answer);
        rules(&story)
    };
    assert_eq!(ping(z(2), z(2)), NONE);
    assert_eq!(ping(z(2), z(1)), NONE);
    assert_eq!(ping(z(2), z(3)), [W_PING]);
    assert_eq!(ping(z(0), z(1)), [W_PING]);
    let (mut story, one, _) = proposed(1);
    story.leads(one, Ping, z(1)).sends(one, Ping, z(1)).sends(one, Ping, z(1));
    assert_eq!(rules(&story), [W_PING], "one PING, two answers");
    // An observer is sent what is committed, and is told of more.
    let (mut story, ..) = proposed(2);
    let four = story.observes(4, 1);
    story.leads(four, Ping, z(2)).sends(four, Ping, z(2));
    assert!(!rules(&story).contains(&W_PING));
    assert_eq!(ping(z(3), z(3)), [W_PING]);
    assert_eq!(ping(2 << 32, z(1)), [W_PING]);
}

#[test]
fn who_has_settled_follows_whom_it_names() {
    let named = |leader, round| {
        let mut story = Story::default();
        story.meets(&[1, 2, 3]).votes(1, 2, 1, 1).votes(2, 1, 1, 2);
        story.votes(3, 1, 2, 3).votes(2, 1, 2, 2).votes(1, 2, 2, 1).votes(1, 2, 2, 3);
        story.registers(FollowerInfo, 1, LEADER, 0);
        story.settles(1, 2, round, leader);
        rules(&story)
    };
    assert_eq!(named(3, 2), NONE);
    assert_eq!(named(2, 2), [W_ELECTED], "it has registered with 3");
    assert_eq!(named(1, 2), [W_ELECTED], "it follows itself");
    assert_eq!(named(2, 1), NONE, "the vote of an earlier election");
    let mut story = Story::default();
    story.meets(&[1, 2, 3]).votes(3, 1, 1, 3).votes(1, 2, 1, 1).votes(1, 2, 1, 3);
    story.settles(1, 2, 1, 3).votes(1, 2, 1, 3);
    assert_eq!(rules(&story), [W_VOTE], "it looks again in the same round");
}

#[test]
fn votes_only_get_better_and_elect_a_leader() {
    let votes = |cast: &[(i64, i64, i64, i64)], registers: bool| {
        let mut story = Story::default();
        story.meets(&[1, 2, 3]);
        for (from, to, round, leader) in cast {
            story.votes(*from, *to, *round, *leader);
        }
        if registers {
            story.registers(FollowerInfo, 1, LEADER, 0);
        }
        rules(&story)
    };
    let own = [(1, 2, 1, 1), (3, 1, 1, 3), (1, 2, 1, 3)];
    assert_eq!(votes(&own, true), NONE);
    assert_eq!(votes(&[(1, 2, 1, 1), (1, 2, 1, 3)], false), [W_VOTE], "3 has said nothing yet");
    assert_eq!(votes(&[(1, 2, 1, 9)], false), [W_VOTE], "there is no 9");
    let back = [(3, 1, 1, 3), (1, 3, 1, 1), (1, 3, 1, 3), (1, 3, 1, 1)];
    assert_eq!(votes(&back, false), [W_VOTE]);
    let earlier = [(3, 1, 2, 3), (1, 3, 2, 1), (1, 3, 1, 1)];
    assert_eq!(votes(&earlier, false), [W_VOTE]);
    // The receiver was in an earlier round: it may be a late answer.
    let answer = [(3, 1, 1, 3), (1, 3, 2, 1), (1, 3, 2, 3), (1, 3, 2, 1)];
    assert_eq!(votes(&answer, false), NONE);
    assert_eq!(votes(&[(1, 2, 1, 1), (2, 1, 1, 2)], true), [W_ELECTED]);
}
