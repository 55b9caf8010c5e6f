//! Every seeded defect is found, by the property that is there for it; and without the defect the
//! same exploration finds nothing.

use std::collections::HashSet;

use stateright::Model;
use zab_explorer::{Options, Report};
use zab_model::explore::{
    Bounds, Election, NetworkMutant, PROPERTIES, Start, State, Zab, after_first_epoch, in_snapshot,
    uneven_starts,
};
use zab_model::{Disk, Grain, Profile};

use crate::{CALM, ELECTION, explore, explore_within, violated, with, zab};

/// Where a defect shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scene {
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
    /// The same at grain `threads`.
    AfterAtThreads,
    /// The same, one request and one crash.
    AfterWithBoth,
    /// The same, two requests and one broken connection.
    AfterWithLink,
    /// The same, and two requests; nothing fails.
    AfterWithTwo,
    /// 1 has a snapshot up to 2.1, of which the others, in a later epoch, have only 1.1.
    InSnapshot,
    /// From empty disks, two requests.
    TwoRequests,
    /// From empty disks, one request and one broken connection.
    RequestAndLink,
    /// From empty disks, one request and one crash.
    EmptyWithBoth,
    /// 3 and 2 have a committed transaction; one request, and one append that fails.
    AfterWithFailure,
    /// Two voters and an observer, from empty disks, and one request.
    ObservedWithRequest,
    /// The same, one request and one broken connection.
    ObservedWithLink,
}

/// Two voters and an observer.
const OBSERVED: Bounds = Bounds { servers: 2, observers: 1, ..CALM };

impl Scene {
    pub(crate) fn model(self) -> Zab {
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
            Self::AfterAtThreads => {
                let mut model = Self::AfterWithRequest.model();
                model.ensemble.grain = Grain::Threads;
                model
            }
            Self::AfterWithBoth => after(Bounds { requests: 1, crashes: 1, rounds: 2, ..CALM }),
            Self::AfterWithLink => after(Bounds { requests: 2, disconnects: 1, rounds: 2, ..CALM }),
            Self::RequestAndLink => zab(Bounds { requests: 1, disconnects: 1, rounds: 2, ..CALM }),
            Self::AfterWithTwo => after(Bounds { requests: 2, ..CALM }),
            Self::EmptyWithBoth => zab(Bounds { requests: 1, crashes: 1, rounds: 2, ..CALM }),
            Self::AfterWithFailure => {
                after(Bounds { requests: 1, failed_appends: 1, rounds: 2, ..CALM })
            }
            Self::InSnapshot => {
                let mut model = zab(CALM);
                model.starts = vec![in_snapshot()];
                model
            }
            Self::TwoRequests => zab(Bounds { requests: 2, ..CALM }),
            Self::ObservedWithRequest => zab(Bounds { requests: 1, ..OBSERVED }),
            Self::ObservedWithLink => {
                zab(Bounds { requests: 1, disconnects: 1, rounds: 2, ..OBSERVED })
            }
        }
    }
}

/// Each value of each switch that is not that of `fixed`, where it shows, and the property that is
/// violated first; `none` for what releases do and is safe alone.
pub(crate) const DEFECTS: &[(&str, Scene, &str)] = &[
    ("quorum=half", Scene::After, "established_is_durable"),
    ("vote_order=zxid_first", Scene::Elections, "best_of_a_quorum_leads"),
    ("same_round_compares=leader", Scene::Elections, "none"),
    ("settling=role_first", Scene::Elections, "none"),
    ("older_epoch=accepted", Scene::Promised, "epochs_are_ordered"),
    ("accepted_epoch_write=never", Scene::After, "acknowledged_is_durable"),
    ("observers_in_discovery=counted", Scene::ObservedWithRequest, "none"),
    ("fresher_learner=accepted", Scene::Anybody, "no_truncation_of_committed"),
    ("leader_epoch_write=after_newleader", Scene::AfterWithBoth, "none"),
    ("snapshot_when_leading=yes", Scene::AfterWithBoth, "none"),
    ("sync_membership=within_window", Scene::AfterWithLink, "prefix_consistency"),
    ("ondisk_diff=where_reached", Scene::AfterWithBoth, "none"),
    ("diff_cursor=max", Scene::AfterWithBoth, "committed_is_durable_on_a_quorum"),
    ("trunc_point=one_below", Scene::AfterWithBoth, "no_truncation_of_committed"),
    ("snap_label=when_sent", Scene::AfterAtThreads, "leader_sends_what_fits"),
    ("newleader_queued=before_snap", Scene::AfterAtThreads, "none"),
    ("acks_of_cut=kept", Scene::AfterWithBoth, "committed_is_durable_on_a_quorum"),
    ("older_connection=served", Scene::RequestAndLink, "committed_is_durable_on_a_quorum"),
    ("trunc_effect=ignored", Scene::AfterWithBoth, "leader_sends_what_fits"),
    ("trunc_to_absent_record=next_kept", Scene::EmptyWithBoth, "tree_is_what_its_label_says"),
    ("trunc_into_snapshot=refused", Scene::InSnapshot, "leader_sends_what_fits"),
    ("trunc_into_snapshot=loaded", Scene::AfterWithBoth, "none"),
    ("trunc_durable=no", Scene::AfterWithBoth, "acknowledged_is_durable"),
    (
        "newleader_program=epoch_first",
        Scene::AfterWithCrash,
        "whoever_has_an_epoch_has_its_history",
    ),
    ("newleader_program=ack_before_log", Scene::AfterWithRequest, "acknowledged_is_durable"),
    ("newleader_program=ack_first", Scene::After, "acknowledged_is_durable"),
    (
        "newleader_program=logged_at_uptodate",
        Scene::AfterWithBoth,
        "committed_is_durable_on_a_quorum",
    ),
    ("newleader_program=queued", Scene::AfterWithRequest, "acknowledges_in_order"),
    ("newleader_program=synced_all", Scene::AfterWithBoth, "none"),
    ("observer_newleader=unlogged", Scene::ObservedWithLink, "none"),
    ("commit_after_snap=applied", Scene::AfterWithBoth, "none"),
    ("sync_apply_enters_window=no", Scene::AfterWithTwo, "log_and_window_are_continuous"),
    ("log_after_snapshot=kept", Scene::AfterWithBoth, "leader_sends_what_fits"),
    ("list_at_newleader=emptied", Scene::AfterWithRequest, "leader_sends_what_fits"),
    ("first_ack=any", Scene::AfterWithBoth, "none"),
    ("establishment=at_once", Scene::AfterWithBoth, "established_is_durable"),
    ("position_when_established=epoch_start", Scene::EmptyWithBoth, "leader_sends_what_fits"),
    ("window_grows=at_apply", Scene::AfterWithBoth, "no_truncation_of_committed"),
    ("acknowledgement=at_append", Scene::AfterWithRequest, "acknowledged_is_durable"),
    (
        "own_acknowledgement=at_proposal",
        Scene::AfterWithRequest,
        "committed_is_durable_on_a_quorum",
    ),
    ("commit=first_ack", Scene::AfterWithRequest, "committed_is_durable_on_a_quorum"),
    ("inform=at_proposal", Scene::ObservedWithRequest, "informed_after_commit"),
    ("commit_extent=all", Scene::TwoRequests, "committed_is_durable_on_a_quorum"),
    ("delivery=when_committed", Scene::AfterWithRequest, "delivered_is_committed_and_durable"),
    ("proposal_gap=warned", Scene::AfterWithBoth, "none"),
    ("partial_database=cleared_after_snap", Scene::AfterWithBoth, "none"),
    ("partial_database=kept", Scene::AfterWithCrash, "stores_agree"),
    ("fast_forward=in_broadcast", Scene::AfterWithBoth, "none"),
    ("fast_forward=never", Scene::AfterWithBoth, "committed_is_durable_on_a_quorum"),
    ("sync_thread_on_stop=zombie", Scene::EmptyWithBoth, "log_and_window_are_continuous"),
    ("failed_append=kept", Scene::AfterWithFailure, "log_and_window_are_continuous"),
    ("start_ahead_of_epoch=up_to_current", Scene::AfterWithCrash, "whoever_is_down_can_start"),
];

/// Known bugs that need several switches, as [`DEFECTS`].
const COMBINED: &[(&str, Scene, &str)] = &[
    // ZOOKEEPER-4882: what is committed and was never written leaves a hole.
    ("delivery=when_committed,failed_append=kept", Scene::AfterWithFailure, "stores_agree"),
    // ZOOKEEPER-2845 before UPTODATE: what NEWLEADER made the follower log is behind its position.
    (
        "newleader_program=synced_all,fast_forward=in_broadcast",
        Scene::AfterWithBoth,
        "log_and_window_are_continuous",
    ),
];

#[test]
fn bugs_that_need_several_switches_are_found() {
    for (defect, scene, property) in COMBINED {
        let report = explore(&with(scene.model(), defect));
        assert!(violated(&report).contains(property), "{defect}: {:?}", violated(&report));
    }
}

#[test]
fn faults_of_each_kind_break_nothing_but_a_lost_disk() {
    let faults = Bounds { requests: 1, kills: 1, failed_appends: 1, rounds: 2, ..CALM };
    assert_eq!(violated(&explore(&zab(faults))), Vec::<&str>::new());
    // Two of three have a transaction; with a disk goes the quorum.
    let lost = Bounds { requests: 1, kills: 1, lost_disks: 1, rounds: 2, ..CALM };
    assert!(violated(&explore(&zab(lost))).contains(&"committed_is_durable_on_a_quorum"));
}

/// The properties that are violated by the level that violates any.
fn violated_first(model: &Zab) -> Vec<&'static str> {
    let options = Options { stop_when_violated: true, ..Options::default() };
    violated(&explore_within(model, &options))
}

#[test]
fn every_defect_is_found_by_its_property() {
    let listed: Vec<&str> = DEFECTS.iter().map(|(defect, ..)| *defect).collect();
    let all: Vec<String> = Profile::defects().map(|profile| profile.to_string()).collect();
    assert_eq!(listed, all, "the table lists every value, in order");
    let wrong = DEFECTS.iter().filter_map(|(defect, scene, property)| {
        let violated = violated_first(&with(scene.model(), defect));
        let found =
            if violated.is_empty() { *property == "none" } else { violated.contains(property) };
        (!found).then(|| format!("{defect} at {scene:?}: {violated:?}"))
    });
    assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn without_a_defect_the_same_explorations_find_nothing() {
    let mut scenes: Vec<Scene> = DEFECTS.iter().map(|(_, scene, _)| *scene).collect();
    scenes.sort_unstable();
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
    // A search without an engine takes long in the largest scenes.
    let large = [Scene::AfterWithLink, Scene::EmptyWithBoth];
    let small = |row: &&(&str, Scene, &str)| !large.contains(&row.1) && row.2 != "none";
    for (defect, scene, name) in DEFECTS.iter().filter(small) {
        let model = with(scene.model(), defect);
        for threads in [1, 2] {
            let options = Options { threads, stop_when_violated: true, ..Options::default() };
            let report = explore_within(&model, &options);
            let found = violated(&report);
            // Of several that are violated after as many steps, two threads come to any of them first.
            let is_found = if threads == 1 { found.contains(name) } else { !found.is_empty() };
            assert!(is_found, "{defect}: {name} is violated, and not only {found:?}");
            found.into_iter().for_each(|found| assert_shortest(&model, &report, found));
        }
    }
}

/// The run to a violated property has as few steps as there can be, and the model makes them.
fn assert_shortest(model: &Zab, report: &Report<State>, name: &str) {
    let property = report.property(name).and_then(|property| property.verdict.trace());
    let trace = property.expect("a violated property has a run");
    let profile = model.ensemble.profile;
    assert_eq!(trace.steps(), distance(model, name), "{profile}: {name}");
    let path = trace.path(model).expect("the model makes these steps");
    let property = PROPERTIES.iter().find(|property| property.name == name);
    let property = property.expect("the property is listed");
    assert!(!(property.check)(model, path.last_state()), "{profile}: {name}");
}
