//! Readings of the paper: the three that the specification's authors found to be wrong, and the two
//! orders in which a follower may write what NEWLEADER brings. Each has a known answer.

use stateright::Expectation;
use zab_explorer::{Options, check};
use zab_paper::{
    Bounds, CommitLdZxid, NewLeaderWrites, ProposalsTo, RepeatedProposal, Rules, Variant,
};

use crate::support::{bounds, paper};

const NONE: [&str; 0] = [];

/// The invariants that a reading violates.
fn violated(variant: Variant, bounds: Bounds) -> Vec<&'static str> {
    let options = Options { threads: 2, ..Options::default() };
    let model = paper::<3, 2, 12>(Rules { variant, ..Rules::new(bounds) });
    let report = check(&model, &options, &mut |_| {}).expect("a run that may begin");
    assert!(report.complete());
    let invariants = report.properties.iter().filter(|p| p.kind == Expectation::Always);
    invariants.filter(|p| p.verdict.trace().is_some()).map(|p| p.name).collect()
}

const TWO_TXNS: Bounds = Bounds { servers: 3, txns: 2, epochs: None, timeouts: 0, restarts: 0 };

#[test]
fn proposals_to_synced_followers_only_leave_gaps() {
    let variant = Variant { proposals_to: ProposalsTo::Synced, ..Variant::default() };
    let broken = violated(variant, TWO_TXNS);
    assert_eq!(broken, ["proposals_fit_the_history", "commits_come_in_order"]);
}

#[test]
fn a_follower_may_be_sent_what_it_has() {
    let variant = Variant { repeated_proposal: RepeatedProposal::Illegal, ..Variant::default() };
    let broken = violated(variant, TWO_TXNS);
    assert_eq!(broken, ["proposals_fit_the_history"]);
}

#[test]
fn commit_ld_with_the_acknowledged_zxid_forgets_commits() {
    let variant = Variant { commit_ld: CommitLdZxid::Acknowledged, ..Variant::default() };
    let broken = violated(variant, TWO_TXNS);
    assert_eq!(broken, ["commits_come_in_order"]);
}

#[test]
fn the_repaired_reading_is_sound() {
    assert_eq!(violated(Variant::default(), TWO_TXNS), NONE);
}

/// Between its two writes a server may lose its leader, or crash.
const FAILURES: [Bounds; 2] = [
    Bounds { servers: 3, txns: 1, epochs: None, timeouts: 2, restarts: 0 },
    Bounds { servers: 3, txns: 1, epochs: None, timeouts: 1, restarts: 1 },
];

#[test]
fn history_before_epoch_is_safe() {
    let variant = Variant { new_leader: NewLeaderWrites::HistoryFirst, ..Variant::default() };
    for bounds in FAILURES {
        assert_eq!(violated(variant, bounds), NONE, "{bounds}");
    }
    assert_eq!(violated(variant, bounds(3, 2, 1, 0, None)), NONE);
}

#[test]
fn epoch_before_history_loses_what_was_committed() {
    let variant = Variant { new_leader: NewLeaderWrites::EpochFirst, ..Variant::default() };
    for bounds in FAILURES {
        let broken = violated(variant, bounds);
        assert!(broken.contains(&"committed_never_lost"), "{bounds}: {broken:?}");
        // The symptom that needs no ghost: what a server has delivered is nowhere else.
        assert!(broken.contains(&"delivered_is_on_a_quorum"), "{bounds}");
    }
}
