//! No safety property is vacuous: each is violated in a run, of a defect or of a release.

use std::collections::BTreeSet;

use zab_model::explore::{Bounds, Kind, PROPERTIES, Zab, after_first_epoch};
use zab_model::profile::KNOWN;

use crate::bugs::delivered_out_of_order;
use crate::defects::{DEFECTS, Scene};
use crate::{CALM, explore, violated, with, zab};

/// Properties that neither [`DEFECTS`] nor [`KNOWN`] has, and where they are violated.
const OTHERS: &[(&str, Scene, &str)] = &[
    // A follower forgets what it promised, and two leaders take the same epoch.
    ("accepted_epoch_write=never", Scene::AfterWithCrash, "single_established_leader"),
    // A leader without others broadcasts, and has not delivered what was committed before.
    ("quorum=half", Scene::AfterWithRequest, "primary_integrity"),
];

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
    let broken = delivered_out_of_order();
    assert!(broken.contains(&"global_primary_order"), "{broken:?}");
    seen.extend(["capacity_suffices", "global_primary_order"]);
    let safety = PROPERTIES.iter().filter(|property| property.kind == Kind::Always);
    let unseen: Vec<_> = safety.map(|one| one.name).filter(|name| !seen.contains(name)).collect();
    assert_eq!(unseen, Vec::<&str>::new());
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
