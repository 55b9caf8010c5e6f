//! Observers: they hear of everything that is committed, and decide nothing.

use zab_explorer::{Options, Report, Verdict, check};
use zab_model::explore::{Bounds, State, Zab};
use zab_model::{Grain, Profile, WINDOW_DEFAULT};

use crate::{CALM, zab};

/// Two voters and an observer, with one request.
pub(crate) const OBSERVED: Bounds = Bounds { servers: 2, observers: 1, requests: 1, ..CALM };

/// The safety properties that are violated, and those that say that something is seen and was not.
fn amiss<const N: usize, const P: usize>(report: &Report<State<N, P>>) -> Vec<&'static str> {
    assert_eq!(report.stopped, None);
    let is_amiss = |verdict: &Verdict<State<N, P>>| matches!(verdict, Verdict::Violated(_));
    let all = report.properties.iter().filter(|one| is_amiss(&one.verdict));
    let seen = |name| {
        let property = report.property(name).expect("a property");
        matches!(property.verdict, Verdict::Reached(_))
    };
    let unseen = ["observer_in_broadcast", "observer_informed"].into_iter();
    all.map(|one| one.name).chain(unseen.filter(|name| !seen(name))).collect()
}

/// `docs/src/model.md` has these numbers.
#[test]
fn explorations_with_an_observer_have_so_many_states() {
    let crash = Bounds { crashes: 1, rounds: 2, ..OBSERVED };
    let link = Bounds { disconnects: 1, rounds: 2, ..OBSERVED };
    let counts = [OBSERVED, crash, link].map(|bounds| {
        let report = check(&zab(bounds), &Options::default(), &mut |_| {}).expect("it begins");
        assert_eq!(amiss(&report), [""; 0], "{bounds}");
        (report.distinct, report.generated, report.depth())
    });
    assert_eq!(counts, [(375, 861, 35), (10_846, 28_239, 63), (10_425, 28_929, 63)]);
}

#[test]
fn three_voters_and_an_observer_have_so_many_states() {
    let bounds = Bounds { servers: 3, observers: 1, requests: 1, ..CALM };
    let model = Zab::<5, 20>::sized(bounds, WINDOW_DEFAULT).expect("there is room");
    let report = check(&model, &Options::default(), &mut |_| {}).expect("it begins");
    assert_eq!(amiss(&report), [""; 0]);
    assert_eq!((report.distinct, report.generated, report.depth()), (43_002, 143_946, 51));
}

#[test]
fn observers_are_told_of_what_is_committed_at_grain_threads_and_in_releases() {
    let mut fine = zab(OBSERVED);
    fine.ensemble.grain = Grain::Threads;
    let report = check(&fine, &Options::default(), &mut |_| {}).expect("it begins");
    assert_eq!(amiss(&report), [""; 0]);
    for release in ["3.8.0", "3.9.3", "3.9.4"] {
        let mut model = zab(OBSERVED);
        model.ensemble.profile = Profile::named(release).expect("a release");
        let report = check(&model, &Options::default(), &mut |_| {}).expect("it begins");
        let found = amiss(&report);
        assert!(
            !found.iter().any(|name| name.contains("observer") || name.contains("inform")),
            "{release}: {found:?}"
        );
    }
}

/// ZOOKEEPER-2959: in 3.4.10 an observer stands for a voter when a leader takes a new epoch. Of four voters
/// three are a quorum, so that the observer is seen in the set before it is one.
pub(crate) fn with_a_counted_observer() -> Report<State<5, 20>> {
    let bounds = Bounds { servers: 4, observers: 1, ..CALM };
    let mut model = Zab::<5, 20>::sized(bounds, WINDOW_DEFAULT).expect("there is room");
    model.ensemble.profile =
        Profile::FIXED.with("observers_in_discovery=counted").expect("a switch");
    let options = Options { stop_when_violated: true, ..Options::default() };
    check(&model, &options, &mut |_| {}).expect("it begins")
}

#[test]
fn there_is_room_for_five_servers_with_the_observers() {
    let of = |servers, observers| Bounds { servers, observers, ..CALM };
    for (servers, observers, fits) in [(2, 1, true), (3, 1, false), (0, 3, false), (1, 255, false)]
    {
        assert_eq!(Zab::new(of(servers, observers), WINDOW_DEFAULT).is_some(), fits);
    }
    for (servers, observers, fits) in [(3, 2, true), (4, 1, true), (3, 3, false), (5, 1, false)] {
        let model = Zab::<5, 20>::sized(of(servers, observers), WINDOW_DEFAULT);
        assert_eq!(model.is_some(), fits);
    }
}
