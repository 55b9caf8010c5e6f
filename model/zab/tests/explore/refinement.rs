//! Every step is one of abstract primary-order broadcast, or none.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use stateright::Model;
use zab_explorer::Options;
use zab_model::explore::properties::Case;
use zab_model::explore::{Seen, Zab};
use zab_paper::AbstractStep;

use crate::defects::Scene;
use crate::{explore, explore_within, violated, with};

const REFINES: &str = "every_step_is_one_of_primary_order_broadcast";

/// The kinds of actions, each with the abstract steps that it is somewhere.
fn steps(model: &Zab) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut waiting = model.init_states();
    let mut seen: HashSet<_> = waiting.iter().copied().collect();
    while let Some(state) = waiting.pop() {
        for (action, next) in model.next_steps(&state) {
            let before = Seen::of(&Case::new(model, &state).config, &state, action.server());
            let step = before.step_to(&Case::new(model, &next).config, &next);
            let step = step.unwrap_or_else(|| panic!("{action} is no abstract step"));
            let kind = action.to_string().split(' ').next().unwrap_or_default().to_owned();
            found.entry(kind).or_default().insert(format!("{step:?}"));
            if seen.insert(next) {
                waiting.push(next);
            }
        }
    }
    found
}

/// What shows, and by which actions.
#[test]
fn each_action_is_the_abstract_step_that_it_is_for() {
    let found = steps(&Scene::AfterWithBoth.model());
    let by = |step: AbstractStep| {
        let step = format!("{step:?}");
        let kinds = found.iter().filter(|(_, steps)| steps.contains(&step));
        kinds.map(|(kind, _)| kind.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(by(AbstractStep::Broadcast), ["Request"]);
    assert_eq!(by(AbstractStep::Establish), ["ToLeader"]);
    assert_eq!(by(AbstractStep::Deliver), ["Sync", "ToLeader", "ToLearner"]);
    assert_eq!(by(AbstractStep::Forget), ["Crash", "LearnerNotices", "LeaveRole"]);
}

/// Mutants of the rules that the exploration of refinement kills.
#[test]
fn a_protocol_that_broadcasts_in_another_way_is_found() {
    for (defect, scene) in [
        // Two leaders in one epoch.
        ("accepted_epoch_write=never", Scene::AfterWithCrash),
        // A leader begins without what was delivered.
        ("newleader_program=epoch_first", Scene::AfterWithCrash),
        // A server delivers what nobody else does.
        ("sync_membership=within_window", Scene::AfterWithLink),
        // What a quorum does not have is delivered, and a later leader begins without it.
        ("quorum=half", Scene::AfterWithRequest),
    ] {
        let found = violated(&explore(&with(scene.model(), defect)));
        assert!(found.contains(&REFINES), "{defect} at {scene:?}: {found:?}");
    }
}

/// Without a bound on failures the list of leaders is not kept, and nothing is said.
#[test]
fn it_is_checked_where_the_leaders_are_remembered() {
    let model = Scene::AfterWithRequest.model();
    let report = explore_within(&model, &Options::default());
    assert!(report.property(REFINES).is_some() && violated(&report).is_empty());
    let mut unlimited = model;
    unlimited.bounds.servers = 2;
    let unlimited = zab_model::explore::Unlimited::new(&unlimited).expect("a coarse election");
    assert!(unlimited.properties().iter().all(|property| property.name != REFINES));
}
