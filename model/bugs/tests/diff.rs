//! Differences between two profiles: the run is one of the first, and what is last in it is what
//! servers of the other one cannot show.

use std::ops::ControlFlow;

use stateright::Model;
use zab_bugs::{Budget, Compared, Difference, Hunt, Seen, difference};
use zab_model::Profile;
use zab_model::explore::{Action, PacketKind};

const fn go_on(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn profile(text: &str) -> Profile {
    Profile::named(text).expect("a profile")
}

fn compare(one: &str, other: &str, budget: &str) -> Compared {
    let budget = Budget::parse(budget).expect("a budget");
    difference(profile(one), profile(other), budget, 100_000, &mut go_on).expect("there is room")
}

/// The difference, whose actions servers of the first profile can take.
fn found(one: &str, other: &str, budget: &str) -> Difference {
    let found = compare(one, other, budget).difference.expect("they differ");
    let budget = Budget::parse(budget).expect("a budget");
    let model = Hunt::new(profile(one), budget, &[], &[]).expect("there is room");
    let mut state = model.init_states().remove(0);
    for action in &found.actions {
        state = model.next_state(&state, *action).expect("the action is possible");
    }
    found
}

fn kind(seen: Option<&Seen>) -> PacketKind {
    match seen {
        Some(Seen::Packet(_, _, packet)) => packet.kind(),
        Some(Seen::Done(_)) | None => PacketKind::None,
    }
}

const SMALL: &str = "servers=2 rounds=1 requests=1";

/// Who acknowledges before it is durable shows an ACK that others cannot show yet; but where all that
/// is between is not seen, nobody can tell.
#[test]
fn what_no_packet_shows_is_no_difference() {
    for other in ["fixed,acknowledgement=at_append", "fixed,newleader_program=epoch_first"] {
        for (one, two) in [("fixed", other), (other, "fixed")] {
            let compared = compare(one, two, SMALL);
            assert!(compared.difference.is_none() && !compared.truncated, "{one} {two}");
        }
    }
}

#[test]
fn a_profile_does_not_differ_from_itself() {
    for name in ["fixed", "3.9.1"] {
        let compared = compare(name, name, "servers=2 rounds=2 requests=1 crashes=1");
        assert!(compared.difference.is_none() && !compared.truncated, "{name}");
        assert!(compared.pairs > 500, "{}", compared.pairs);
    }
}

#[test]
fn a_leader_that_is_established_at_once_sends_uptodate_before_the_acknowledgement() {
    let found = found("fixed,establishment=at_once", "fixed", SMALL);
    let kinds: Vec<PacketKind> = found.seen.iter().map(|seen| kind(Some(seen))).collect();
    // It takes a request before anybody has acknowledged NEWLEADER.
    assert!(!kinds.contains(&PacketKind::AckLd), "{kinds:?}");
    assert!(matches!(found.seen.last(), Some(Seen::Done(Action::Request(_)))), "{:?}", found.seen);
    assert_eq!(found.packets(), kinds.iter().filter(|kind| **kind != PacketKind::None).count());
}

/// ZOOKEEPER-4394: to 3.9.2 a COMMIT before UPTODATE ends the synchronization, so the follower does not
/// acknowledge UPTODATE.
#[test]
fn the_fix_of_4394_shows_as_the_acknowledgement_of_uptodate() {
    let found = found("3.9.3", "3.9.2", "rounds=1 requests=1");
    assert_eq!(kind(found.seen.last()), PacketKind::AckLd, "{:?}", found.seen);
    let packets: Vec<PacketKind> = found.seen.iter().map(|seen| kind(Some(seen))).collect();
    let last = |kind| packets.iter().rposition(|one| *one == kind).expect("it is there");
    assert!(last(PacketKind::NewLeader) < last(PacketKind::Commit), "{packets:?}");
    assert!(last(PacketKind::Commit) < packets.len() - 1, "{packets:?}");
}

#[test]
fn too_many_pairs_are_no_verdict() {
    let budget = Budget::parse(SMALL).expect("a budget");
    let (one, other) = (profile("fixed"), profile("3.9.4"));
    let mut told = Vec::new();
    let mut tell = |pairs| {
        told.push(pairs);
        ControlFlow::Continue(())
    };
    let compared = difference(one, other, budget, 3, &mut tell).expect("room");
    assert!(compared.truncated && compared.difference.is_none() && compared.pairs == 3);
    assert_eq!(told, [0, 1, 2]);
    let mut stop = |_| ControlFlow::Break(());
    let stopped = difference(one, other, budget, 100_000, &mut stop).expect("room");
    assert!(stopped.truncated && stopped.difference.is_none() && stopped.pairs == 0);
    let large = Budget::parse("requests=9").expect("a budget");
    assert!(difference(one, other, large, 3, &mut go_on).is_err());
}
