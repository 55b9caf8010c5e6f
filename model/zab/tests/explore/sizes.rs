//! Room for more servers: what it costs, and that it changes nothing else.

use stateright::{Checker, Model};
use zab_explorer::{Options, Report, Verdict, check};
use zab_model::WINDOW_DEFAULT;
use zab_model::explore::{Bounds, State, Zab};

use crate::{CALM, ELECTION, zab};

/// Everything but the states themselves, whose bytes differ.
fn explored<const N: usize, const P: usize>(model: &Zab<N, P>) -> (Vec<u64>, Vec<(String, u64)>) {
    let report: Report<State<N, P>> =
        check(model, &Options::default(), &mut |_| {}).expect("the run begins");
    assert_eq!(report.stopped, None);
    let steps = |length: usize| u64::try_from(length).expect("a short run");
    let traces = report.properties.iter().map(|property| property.verdict.trace());
    let traces = traces.map(|trace| trace.map_or(0, |trace| steps(trace.steps())));
    let counts = [report.distinct, report.generated, report.depth(), report.terminal];
    (counts.into_iter().chain(traces).collect(), report.actions)
}

#[test]
fn three_servers_in_the_room_of_five_do_the_same() {
    let crash = Bounds { requests: 1, crashes: 1, rounds: 2, ..CALM };
    for bounds in [crash, ELECTION, Bounds { servers: 2, ..crash }] {
        let large = Zab::<5, 20>::sized(bounds, WINDOW_DEFAULT).expect("there is room");
        assert_eq!(explored(&large), explored(&zab(bounds)), "{bounds}");
    }
}

/// Without symmetry: ids order votes. Both engines count the same, and every safety property holds.
#[test]
fn four_and_five_servers_have_so_many_states() {
    let of = |servers, requests| Bounds { servers, requests, ..CALM };
    for (bounds, distinct, generated) in [(of(4, 1), 24_961, 91_298), (of(5, 0), 66_397, 219_511)] {
        let model = Zab::<5, 20>::sized(bounds, WINDOW_DEFAULT).expect("there is room");
        let report = check(&model, &Options::default(), &mut |_| {}).expect("the run begins");
        assert_eq!(
            (report.stopped, report.distinct, report.generated),
            (None, distinct, generated)
        );
        let violated = report
            .properties
            .iter()
            .filter(|property| matches!(property.verdict, Verdict::Violated(_)));
        assert_eq!(violated.map(|property| property.name).collect::<Vec<_>>(), [""; 0], "{bounds}");
        let everybody = report.property("everybody_in_broadcast").expect("a property");
        assert!(matches!(everybody.verdict, Verdict::Reached(_)), "{bounds}");
        let checker = model.checker().spawn_bfs().join();
        let counts = [checker.unique_state_count(), checker.state_count()];
        assert_eq!(
            counts.map(|count| u64::try_from(count).expect("a count")),
            [distinct, generated]
        );
    }
}

#[test]
fn a_state_has_so_many_bytes() {
    assert_eq!((size_of::<State>(), size_of::<State<5, 20>>()), (602, 1_364));
}

#[test]
fn there_is_room_for_no_more_servers() {
    let of = |servers| Bounds { servers, ..CALM };
    assert!(Zab::new(of(3), WINDOW_DEFAULT).is_some());
    assert!(Zab::new(of(4), WINDOW_DEFAULT).is_none());
    assert!(Zab::<5, 20>::sized(of(5), WINDOW_DEFAULT).is_some());
    assert!(Zab::<5, 20>::sized(of(6), WINDOW_DEFAULT).is_none());
}
