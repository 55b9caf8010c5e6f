//! No safety property is vacuous: each is violated in a run, of a defect or of a release.

use std::collections::BTreeSet;

use zab_model::explore::{Bounds, Kind, Log, PROPERTIES, Zab, after_first_epoch};
use zab_model::profile::KNOWN;
use zab_model::{Grain, Txn, Zxid};

use crate::bugs::delivered_out_of_order;
use crate::defects::{DEFECTS, Scene};
use crate::observers::with_a_counted_observer;
use crate::{CALM, explore, violated, with, zab};

/// Properties that neither [`DEFECTS`] nor [`KNOWN`] has, and where they are violated.
const OTHERS: &[(&str, Scene, &str)] = &[
    // A follower forgets what it promised, and two leaders take the same epoch.
    ("accepted_epoch_write=never", Scene::AfterWithCrash, "single_established_leader"),
    // A leader without others broadcasts, and has not delivered what was committed before.
    ("quorum=half", Scene::AfterWithRequest, "primary_integrity"),
];

/// Properties for which no switch is, and the table in which a broken guard or effect of the rules
/// violates them.
const OF_MUTANTS: (&[&str], &str) = (
    &[
        "whoever_is_served_has_an_established_leader",
        "votes_name_the_epoch",
        "handlers_end_with_their_connection",
        "snap_only_where_needed",
        "every_election_has_a_round",
        "decided_with_a_quorum",
    ],
    include_str!("../../../mutation/tests/zookeeper.txt"),
);

#[test]
fn every_safety_property_is_violated_by_a_run() {
    let mut seen: BTreeSet<&str> = DEFECTS.iter().map(|(.., property)| *property).collect();
    seen.extend(KNOWN.iter().flat_map(|known| known.properties));
    for (defect, scene, property) in OTHERS {
        let found = violated(&explore(&with(scene.model(), defect)));
        assert!(found.contains(property), "{defect} at {scene:?}: {found:?}");
        assert!(!seen.contains(property), "{property} is in the other tables");
        seen.insert(property);
    }
    assert_eq!(violated(&explore(&overfull())), ["capacity_suffices"]);
    let early = "followers_have_applied_what_their_leader_began_with";
    assert_eq!(violated(&explore(&with(uneven(), ""))), [""; 0]);
    assert_eq!(violated(&explore(&with(uneven(), "newleader_program=synced_all"))), [early]);
    let broken = delivered_out_of_order();
    assert!(broken.contains(&"global_primary_order"), "{broken:?}");
    let counted = with_a_counted_observer();
    let in_quorum = counted.property("observers_are_in_no_quorum").expect("a property");
    assert!(in_quorum.verdict.trace().is_some(), "{:?}", in_quorum.verdict);
    seen.extend(["capacity_suffices", "global_primary_order", early, in_quorum.name]);
    let (names, table) = OF_MUTANTS;
    for name in names {
        assert!(table.contains(&format!("violates \"{name}\" in ")), "{name}");
        assert!(seen.insert(name), "{name} is in the other tables");
    }
    let safety = PROPERTIES.iter().filter(|property| property.kind == Kind::Always);
    let unseen: Vec<_> = safety.map(|one| one.name).filter(|name| !seen.contains(name)).collect();
    assert_eq!(unseen, Vec::<&str>::new());
}

/// 3 has one transaction more than 2, which gets it in a DIFF; each thread takes steps of its own.
fn uneven() -> Zab {
    let mut model = zab(CALM);
    let mut start = after_first_epoch();
    start.transactions[1] = Txn { zxid: Zxid::new(1, 2), payload: 2 };
    start.disks[2].history = Log::of(&[1, 2]).expect("a log has room for two");
    model.starts = vec![start];
    model.ensemble.grain = Grain::Threads;
    model
}

/// As many transactions as a history has room for were made, and a request is one too many.
fn overfull() -> Zab {
    let mut model = zab(Bounds { requests: 1, ..CALM });
    let mut start = after_first_epoch();
    start.transactions[1] = start.transactions[0];
    start.transactions[2] = start.transactions[0];
    model.starts = vec![start];
    model
}
