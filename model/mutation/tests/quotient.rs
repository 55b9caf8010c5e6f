//! What is killed within bounds is killed without a bound on failures, with as few of them:
//! `tests/quotient.txt`, a row for each such mutant of `tests/table.txt`.
//!
//! By default a share of the rows is found out anew; with `ZAB_RUNS=all` all are, as CI does, and with
//! `REWRITE=1` they are written as well.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use zab_mutation::paper::Bounds;
use zab_mutation::{Family, Mutant, Shows, failures_within, label, list, shows};

const TABLE: &str = include_str!("table.txt");
const QUOTIENT: &str = include_str!("quotient.txt");

/// Mutants that a test finds out anew by default.
const SHARE: usize = 40;

/// Where the row of a mutant says that it is killed: servers, transactions, timeouts and restarts.
fn bounds(row: &str) -> Option<Bounds> {
    let (_, numbers) = row.strip_suffix(')')?.rsplit_once(" at (")?;
    let numbers = numbers.split(',').map(|number| number.parse().ok());
    let numbers: Vec<u8> = numbers.collect::<Option<_>>()?;
    let [servers, txns, timeouts, restarts] = numbers[..] else { return None };
    Some(Bounds { servers, txns, epochs: None, timeouts, restarts })
}

/// Every mutant that is killed within bounds, and where.
fn killed() -> Vec<(&'static Mutant, Bounds)> {
    let rows: Vec<&str> = TABLE.lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(rows.len(), list(Family::Paper).len(), "table.txt is not that of the rules");
    let pairs = list(Family::Paper).iter().zip(rows);
    pairs.filter_map(|(mutant, row)| Some((mutant, bounds(row)?))).collect()
}

const COUNTS: &str = "it is about a budget, of which there is none";
const FEWER: &str = "a failure does less, or does not happen: its runs are runs of the protocol, and \
                     what they do not reach within bounds is nothing that must be reached here";

/// What is not tried, by function and code, each with the reason.
const NOT_TRIED: [(&str, &str, &str); 8] = [
    ("leader_process_request", "self.spent.txns = small(longest.unwrap_or(0));", COUNTS),
    ("leader_process_request", "self.spent.requests += 1;", COUNTS),
    ("timeout", "self.spent.timeouts < rules.bounds.timeouts", COUNTS),
    ("timeout", "allowed && self.connected(leader, follower)", COUNTS),
    ("timeout", "self.disconnect(rules, leader, follower);", FEWER),
    ("timeout", "self.spent.timeouts += 1;", COUNTS),
    ("restart", "self.spent.restarts < rules.bounds.restarts", COUNTS),
    ("restart", "self.spent.restarts += 1;", COUNTS),
];

fn reason(mutant: &Mutant) -> Option<&'static str> {
    let fits = |(function, code, _): &&(&str, &str, &str)| {
        *function == mutant.function && *code == mutant.code
    };
    NOT_TRIED.iter().find(fits).map(|(.., reason)| *reason)
}

/// The row of a mutant.
fn row(mutant: &Mutant, bounds: Bounds) -> String {
    let label = label(mutant);
    if let Some(reason) = reason(mutant) {
        return format!("{label} not tried: {reason}");
    }
    let within = failures_within(mutant, bounds);
    match shows(mutant, bounds, within) {
        Some(Shows { what, failures }) => {
            format!("{label} {what}, {failures} failures; within bounds {within}")
        }
        None => format!("{label} does not show; within bounds {within} failures"),
    }
}

/// The rows of these mutants, by two threads.
fn rows(mutants: &[(&'static Mutant, Bounds)]) -> Vec<String> {
    let (next, found) = (Mutex::new(0..mutants.len()), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let Some(at) = next.lock().expect("no panic").next() else { return };
            let (mutant, bounds) = mutants[at];
            let row = row(mutant, bounds);
            found.lock().expect("no panic").insert(at, row);
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    found.into_inner().expect("no panic").into_values().collect()
}

#[test]
fn what_is_killed_within_bounds_is_killed_without() {
    let all = killed();
    assert!(all.len() > 250, "{}", all.len());
    if std::env::var_os("REWRITE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quotient.txt");
        return std::fs::write(path, rows(&all).join("\n") + "\n").expect("it can be written");
    }
    let share = match std::env::var("ZAB_RUNS").as_deref() {
        Ok("all") => 1,
        Ok(_) | Err(_) => all.len().div_ceil(SHARE),
    };
    let expected: Vec<&str> = QUOTIENT.lines().collect();
    assert_eq!(expected.len(), all.len(), "REWRITE=1: other mutants are killed now");
    let tried: Vec<_> = all.iter().copied().skip(share / 2).step_by(share).collect();
    let expected: Vec<&str> = expected.into_iter().skip(share / 2).step_by(share).collect();
    assert_eq!(rows(&tried), expected);
}

/// Every mutant that is tried shows.
#[test]
fn every_one_shows_or_is_about_a_budget() {
    if std::env::var_os("REWRITE").is_some() {
        return;
    }
    let rows = killed().into_iter().zip(QUOTIENT.lines());
    let (tried, not_tried): (Vec<_>, Vec<_>) =
        rows.partition(|((mutant, _), _)| reason(mutant).is_none());
    assert!(not_tried.iter().all(|(_, row)| row.contains(": not tried: ")));
    assert!(not_tried.len() < 20 && tried.len() > 260, "{}", not_tried.len());
    for ((mutant, _), row) in tried {
        assert!(row.starts_with(&label(mutant)), "REWRITE=1: {mutant} is not in the table");
        assert!(row.contains(" failures; within bounds "), "{row}");
    }
    let found = |entry: &&(&str, &str, &str)| {
        list(Family::Paper).iter().any(|one| one.function == entry.0 && one.code == entry.1)
    };
    assert_eq!(NOT_TRIED.iter().filter(found).count(), NOT_TRIED.len());
}
