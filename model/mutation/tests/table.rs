//! The table of all mutants, `tests/table.txt`.
//!
//! By default a share of the rows is found out anew, and all are compared with the source. With
//! `ZAB_RUNS=all` the whole table is, as CI does; with `REWRITE=1` it is written as well: read the
//! difference before you commit it. A number in `ZAB_RUNS` is that of mutants to be tried.

use std::path::Path;

use stateright::Expectation;
use zab_explorer::{ExplorerModel, Options, check};
use zab_mutation::{Family, LADDER, Mutant, Outcome, Summary, explanation, explanations_in_vain};
use zab_mutation::{label, list, row, run, table};

const PAPER: Family = Family::Paper;

const TABLE: &str = include_str!("table.txt");

/// Mutants that a test finds out anew: `ZAB_RUNS` replaces the share that CI runs.
fn runs() -> usize {
    match std::env::var("ZAB_RUNS").as_deref() {
        Ok("all") => list(PAPER).len(),
        Ok(number) => number.parse().expect("ZAB_RUNS is a number, or `all`"),
        Err(_) => 60,
    }
}

fn rewrites() -> bool {
    std::env::var_os("REWRITE").is_some()
}

/// The rows of the table with their mutants.
fn rows() -> Vec<(&'static Mutant, &'static str)> {
    let rows: Vec<&str> = TABLE.lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(
        rows.len(),
        list(PAPER).len(),
        "REWRITE=1: the rules have other guards or effects now"
    );
    list(PAPER).iter().zip(rows).collect()
}

#[test]
fn the_table_is_that_of_the_rules() {
    if rewrites() {
        return;
    }
    for (mutant, row) in rows() {
        assert!(row.starts_with(&label(mutant)), "REWRITE=1: {mutant} is not in the table");
        let survives = row.contains(": survives: ");
        let reason = explanation(PAPER, mutant);
        assert_eq!(survives, reason.is_some(), "{row}");
        assert!(reason.is_none_or(|reason| row.ends_with(reason)), "{row}");
    }
}

#[test]
fn every_mutant_comes_to_what_the_table_says() {
    if rewrites() || runs() >= list(PAPER).len() {
        let all: Vec<&Mutant> = list(PAPER).iter().collect();
        return the_whole_table_is_so(&run(&all, 2, &|_| {}));
    }
    // Those that are killed: it takes the whole ladder to see that one is not.
    let killed: Vec<_> = rows().into_iter().filter(|(_, row)| is_killed(row)).collect();
    let share = killed.len().div_ceil(runs().max(1));
    let (mutants, expected): (Vec<&Mutant>, Vec<&str>) =
        killed.into_iter().skip(share / 2).step_by(share).unzip();
    let found: Vec<String> =
        run(&mutants, 2, &|_| {}).iter().map(|outcome| row(PAPER, outcome)).collect();
    assert_eq!(found, expected);
}

fn is_killed(row: &str) -> bool {
    [": violates ", ": never ", ": not live, "].iter().any(|verdict| row.contains(verdict))
}

fn the_whole_table_is_so(outcomes: &[Outcome]) {
    let found = table(PAPER, outcomes);
    if rewrites() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/table.txt");
        std::fs::write(path, &found).expect("the table can be written");
    } else {
        assert_eq!(found, TABLE);
    }
    let summary = Summary::of(PAPER, outcomes);
    assert_eq!(summary.unexplained, 0, "{found}");
    assert_eq!(explanations_in_vain(PAPER, outcomes), Vec::<String>::new());
    assert!(summary.percent_of_differing() >= 90, "{summary}");
}

/// States and steps, with any model.
fn counts<M: ExplorerModel>(model: &M, symmetry: bool) -> (u64, u64) {
    let options = Options { threads: 2, symmetry, ..Options::default() };
    let report = check(model, &options, &mut |_| {}).expect("a run that may begin");
    assert!(report.complete());
    for property in &report.properties {
        let holds = property.kind == Expectation::Always;
        assert_eq!(property.verdict.trace().is_none(), holds, "{}", property.name);
    }
    (report.distinct, report.generated)
}

macro_rules! counts_of {
    ($family:path, $numbers:expr, $n:literal, $x:literal, $g:literal, $symmetry:expr) => {{
        use $family as family;
        let [servers, txns, timeouts, restarts, epochs] = $numbers;
        let epochs = (epochs > 0).then_some(epochs);
        let bounds = family::Bounds { servers, txns, epochs, timeouts, restarts };
        let model = family::Paper::<$n, $x, $g>::new(family::Rules::new(bounds));
        counts(&model.expect("bounds that fit"), $symmetry)
    }};
}

/// The copy is the model as long as nothing is broken in it: it has the states of the published
/// specification, and the steps of the model, with ghosts and without.
#[test]
fn unbroken_the_copy_is_the_model() {
    use zab_mutation::paper as copy;
    use zab_paper as original;
    macro_rules! same {
        ($numbers:expr, $n:literal, $x:literal, $g:literal, $symmetry:expr) => {{
            let of_copy = counts_of!(copy, $numbers, $n, $x, $g, $symmetry);
            assert_eq!(of_copy, counts_of!(original, $numbers, $n, $x, $g, $symmetry));
            of_copy.0
        }};
    }
    assert_eq!(same!([2, 2, 2, 0, 0], 2, 2, 0, false), 4001);
    assert_eq!(same!([2, 2, 1, 1, 0], 2, 2, 0, false), 4014);
    assert_eq!(same!([3, 1, 1, 0, 2], 3, 1, 0, false), 18_541);
    assert_eq!(same!([3, 1, 0, 1, 0], 3, 1, 0, false), 24_509);
    assert_eq!(same!([3, 2, 1, 0, 0], 3, 2, 12, true), 27_724);
}

/// What the ladder says of the protocol is so: all properties hold, all that must be reachable is
/// reached, and there are as many states.
#[test]
fn the_protocol_climbs_the_ladder() {
    use zab_mutation::paper as copy;
    for rung in LADDER.iter().filter(|rung| rung.distinct < 100_000) {
        let b = rung.bounds;
        let numbers = [b.servers, b.txns, b.timeouts, b.restarts, 0];
        let found = match (b.servers, b.txns) {
            (2, _) => counts_of!(copy, numbers, 2, 2, 12, rung.symmetry),
            (3, 1) => counts_of!(copy, numbers, 3, 1, 12, rung.symmetry),
            (3, 2) => counts_of!(copy, numbers, 3, 2, 12, rung.symmetry),
            (4, 1) => counts_of!(copy, numbers, 4, 1, 12, rung.symmetry),
            (servers, txns) => panic!("{servers} servers, {txns} transactions: add a size"),
        };
        assert_eq!(found, (rung.distinct, rung.generated), "{b}");
    }
}
