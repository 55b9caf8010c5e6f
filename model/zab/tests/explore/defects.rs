//! Every seeded defect is found, by the property that is there for it; and without the defect the
//! same exploration finds nothing.

use std::collections::HashSet;

use stateright::Model;
use zab_explorer::Options;
use zab_model::explore::{
    Bounds, Election, NetworkMutant, PROPERTIES, Start, Zab, after_first_epoch, uneven_starts,
};
use zab_model::{Disk, Mutant};

use crate::{CALM, ELECTION, explore, explore_within, violated, with_defect, zab};

/// Where a defect shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    /// Elections alone, from uneven histories.
    Elections,
    /// 1 has promised epoch 2, of which the others know nothing.
    Promised,
    /// Anybody may be elected; 3 and 2 have a committed transaction.
    Anybody,
    /// 3 and 2 have a committed transaction; nothing fails.
    After,
    /// The same, and one crash.
    AfterWithCrash,
    /// The same, and one request.
    AfterWithRequest,
    /// The same, one request and one crash.
    AfterWithBoth,
    /// From empty disks, two requests.
    TwoRequests,
}

impl Scene {
    fn model(self) -> Zab {
        let after = |bounds: Bounds| {
            let mut model = zab(bounds);
            model.starts = vec![after_first_epoch()];
            model
        };
        match self {
            Self::Elections => {
                let mut model = zab(ELECTION);
                model.starts = uneven_starts();
                model
            }
            Self::Promised => {
                let mut model = zab(CALM);
                let mut start = Start::default();
                start.disks[0] = Disk { accepted_epoch: 2, ..Disk::default() };
                model.starts = vec![start];
                model
            }
            Self::Anybody => after(Bounds { election: Election::Anybody, ..CALM }),
            Self::After => after(CALM),
            Self::AfterWithCrash => after(Bounds { crashes: 1, rounds: 2, ..CALM }),
            Self::AfterWithRequest => after(Bounds { requests: 1, ..CALM }),
            Self::AfterWithBoth => after(Bounds { requests: 1, crashes: 1, rounds: 2, ..CALM }),
            Self::TwoRequests => zab(Bounds { requests: 2, ..CALM }),
        }
    }
}

/// Each defect, where it shows, and the property that is violated first.
const DEFECTS: [(Mutant, Scene, &str); Mutant::ALL.len()] = [
    (Mutant::MinorityQuorum, Scene::After, "no_truncation_of_committed"),
    (Mutant::VoteIgnoresEpoch, Scene::Elections, "best_of_a_quorum_leads"),
    (Mutant::OlderEpochAccepted, Scene::Promised, "epochs_are_ordered"),
    (Mutant::AcceptedEpochNotWritten, Scene::After, "acknowledged_is_durable"),
    (Mutant::FresherLearnerAccepted, Scene::Anybody, "no_truncation_of_committed"),
    (Mutant::DiffFromMax, Scene::AfterWithBoth, "committed_is_durable_on_a_quorum"),
    (Mutant::TruncBelowCommitted, Scene::AfterWithBoth, "no_truncation_of_committed"),
    (Mutant::TruncIgnored, Scene::AfterWithBoth, "leader_sends_what_fits"),
    (Mutant::NothingWithdrawn, Scene::AfterWithBoth, "committed_is_durable_on_a_quorum"),
    (Mutant::EpochBeforeHistory, Scene::AfterWithCrash, "no_truncation_of_committed"),
    (Mutant::AckLdBeforeWrites, Scene::After, "acknowledged_is_durable"),
    (Mutant::EstablishedWithoutQuorum, Scene::AfterWithBoth, "committed_is_durable_on_a_quorum"),
    (Mutant::AckBeforeSync, Scene::AfterWithRequest, "acknowledged_is_durable"),
    (Mutant::OwnAckBeforeSync, Scene::AfterWithRequest, "committed_is_durable_on_a_quorum"),
    (Mutant::CommitWithoutQuorum, Scene::AfterWithRequest, "committed_is_durable_on_a_quorum"),
    (Mutant::CommitAhead, Scene::TwoRequests, "committed_is_durable_on_a_quorum"),
    (Mutant::DeliveredBeforeSync, Scene::AfterWithRequest, "delivered_is_committed_and_durable"),
];

/// The properties that are violated by the level that violates any.
fn violated_first(model: &Zab) -> Vec<&'static str> {
    let options = Options { stop_when_violated: true, ..Options::default() };
    violated(&explore_within(model, &options))
}

#[test]
fn every_defect_is_found_by_its_property() {
    for (place, (mutant, scene, property)) in DEFECTS.into_iter().enumerate() {
        assert_eq!(mutant, Mutant::ALL[place], "the table lists every defect, in order");
        let violated = violated_first(&with_defect(scene.model(), mutant));
        assert!(violated.contains(&property), "{mutant:?} at {scene:?}: {violated:?}");
    }
}

#[test]
fn without_a_defect_the_same_explorations_find_nothing() {
    let mut scenes: Vec<Scene> = DEFECTS.iter().map(|(_, scene, _)| *scene).collect();
    scenes.dedup();
    for scene in scenes {
        assert_eq!(violated(&explore(&scene.model())), Vec::<&str>::new(), "{scene:?}");
    }
}

#[test]
fn a_network_that_drops_or_reorders_is_found() {
    for defect in [NetworkMutant::Drops, NetworkMutant::Reorders] {
        let mut model = zab(Bounds { requests: 2, ..CALM });
        model.network = Some(defect);
        assert_eq!(violated_first(&model), ["leader_sends_what_fits"], "{defect:?}");
    }
}

/// Steps to the nearest state that violates the property, found level by level.
fn distance(model: &Zab, name: &str) -> usize {
    let property = PROPERTIES.iter().find(|property| property.name == name);
    let property = property.expect("the property is listed");
    let mut level = model.init_states();
    let mut seen: HashSet<_> = level.iter().copied().collect();
    for steps in 0.. {
        if !level.iter().all(|state| (property.check)(model, state)) {
            return steps;
        }
        let next = level.iter().flat_map(|state| model.next_states(state));
        level = next.filter(|state| seen.insert(*state)).collect();
        assert!(!level.is_empty(), "{name} is violated somewhere");
    }
    unreachable!("a level is empty, or one violates the property")
}

#[test]
fn counterexamples_are_shortest_runs_of_the_model() {
    for (mutant, scene, name) in DEFECTS {
        let model = with_defect(scene.model(), mutant);
        for threads in [1, 2] {
            let options = Options { threads, stop_when_violated: true, ..Options::default() };
            let report = explore_within(&model, &options);
            let found = report.property(name).and_then(|property| property.verdict.trace());
            let trace = found.expect("the property is violated");
            assert_eq!(trace.steps(), distance(&model, name), "{mutant:?}");
            let path = trace.path(&model).expect("the model makes these steps");
            let property = PROPERTIES.iter().find(|property| property.name == name);
            let property = property.expect("the property is listed");
            assert!(!(property.check)(&model, path.last_state()), "{mutant:?}");
        }
    }
}
