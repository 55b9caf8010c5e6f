//! How many states there are: asserted, and the same whoever counts.

use stateright::{Checker, Model};
use zab_model::explore::{Bounds, Limits, Search, run};

use crate::{CALM, ELECTION, zab};

/// Bounds and their distinct and generated states.
fn known() -> [(Bounds, usize, usize); 3] {
    [
        (Bounds { servers: 2, requests: 1, crashes: 1, rounds: 2, ..CALM }, 412, 726),
        (ELECTION, 6_657, 25_160),
        (Bounds { requests: 1, disconnects: 1, rounds: 2, ..CALM }, 73_593, 219_604),
    ]
}

#[test]
fn breadth_first_and_depth_first_count_the_same_states() {
    for (bounds, distinct, generated) in known() {
        let breadth = zab(bounds).checker().spawn_bfs().join();
        let depth = zab(bounds).checker().spawn_dfs().join();
        let counts = [breadth.unique_state_count(), depth.unique_state_count()];
        assert_eq!(counts, [distinct; 2], "{bounds}");
        let counts = [breadth.state_count(), depth.state_count()];
        assert_eq!(counts, [generated; 2], "{bounds}");
    }
}

#[test]
fn a_report_counts_what_the_checkers_count() {
    for (bounds, distinct, generated) in known() {
        for search in [Search::Breadth, Search::Depth] {
            let report = run(&zab(bounds), search, Limits::default(), &mut |_| ());
            assert!(report.complete);
            assert_eq!(report.distinct, distinct as u64, "{bounds}");
            assert_eq!(report.generated, generated as u64, "{bounds}");
            // Every state but the initial ones was led to by an action.
            let led: u64 = report.actions.iter().map(|(_, count)| count).sum();
            assert_eq!(led + 1, report.generated, "{bounds}");
        }
    }
}
