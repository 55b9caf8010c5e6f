//! The table of all mutants of the `zookeeper` family, `tests/zookeeper.txt`.
//!
//! By default a share of the mutants that are killed is killed anew, each within the bounds that its row
//! names, and all rows are compared with the source. A number in `ZAB_RUNS` is that of mutants to be
//! tried. With `ZAB_RUNS=all` the whole table is found out anew, which takes a while: each mutant is
//! compared with the protocol and goes up the ladder. With `REWRITE=1` it is written as well: read the
//! difference before you commit it.

use std::path::Path;

use zab_explorer::{ExplorerModel, Options, check};
use zab_mutation::zookeeper::{LADDER, confirm, run};
use zab_mutation::{Family, Mutant, Outcome, Summary, explanation, explanations_in_vain};
use zab_mutation::{label, list, row, table};

const FAMILY: Family = Family::Zookeeper;
/// Killed in a hundred of those that differ: not less than this.
const PERCENT: usize = 90;
const TABLE: &str = include_str!("zookeeper.txt");

/// Mutants that a test kills anew: `None` is the whole table.
fn runs() -> Option<usize> {
    match std::env::var("ZAB_RUNS").as_deref() {
        Ok("all") => None,
        Ok(number) => Some(number.parse().expect("ZAB_RUNS is a number, or `all`")),
        Err(_) => Some(60),
    }
}

fn rewrites() -> bool {
    std::env::var_os("REWRITE").is_some()
}

/// The rows of the table with their mutants.
fn rows() -> Vec<(&'static Mutant, &'static str)> {
    let rows: Vec<&str> = TABLE.lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(rows.len(), list(FAMILY).len(), "REWRITE=1: the rules have other guards or effects");
    list(FAMILY).iter().zip(rows).collect()
}

#[test]
fn the_table_is_that_of_the_rules() {
    if rewrites() {
        return;
    }
    let all = rows();
    let survives = |row: &str| row.contains(": survives: ");
    for (mutant, row) in &all {
        let label = label(mutant);
        assert!(row.starts_with(&label), "REWRITE=1: {mutant} is not in the table");
        let reason = explanation(FAMILY, mutant);
        assert!(!survives(row) || reason.is_some_and(|reason| row.ends_with(reason)), "{row}");
        // Of several that read alike, one may be killed.
        let alike =
            |other: &&Mutant| other.function == mutant.function && self::label(other) == label;
        let mut rows = all.iter().filter(|(other, _)| alike(other));
        assert!(reason.is_none() || rows.any(|(_, row)| survives(row)), "{row} has a reason");
    }
}

#[test]
fn every_mutant_comes_to_what_the_table_says() {
    let (false, Some(runs)) = (rewrites(), runs()) else {
        let all: Vec<&Mutant> = list(FAMILY).iter().collect();
        return the_whole_table_is_so(&run(&all, LADDER, 2, &|_| {}));
    };
    let killed: Vec<_> = rows().into_iter().filter_map(killed).collect();
    let share = killed.len().div_ceil(runs.max(1));
    let tried: Vec<_> = killed.into_iter().skip(share / 2).step_by(share).collect();
    let places: Vec<_> = tried.iter().map(|(mutant, place, _)| (*mutant, *place)).collect();
    let expected: Vec<&str> = tried.iter().map(|(.., row)| *row).collect();
    let found: Vec<String> =
        confirm(&places, 2).iter().map(|outcome| row(FAMILY, outcome)).collect();
    assert_eq!(found, expected);
}

/// A mutant that is killed, where, and its row.
fn killed<'a>((mutant, row): (&'a Mutant, &'a str)) -> Option<(&'a Mutant, &'a str, &'a str)> {
    let verdict = row.strip_prefix(&label(mutant))?;
    let is_killed = !verdict.starts_with(" survives: ") && verdict != " equal state graph";
    let (_, place) = verdict.rsplit_once(" at ").filter(|_| is_killed)?;
    Some((mutant, place, row))
}

fn the_whole_table_is_so(outcomes: &[Outcome]) {
    let found = table(FAMILY, outcomes);
    if rewrites() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/zookeeper.txt");
        std::fs::write(path, &found).expect("the table can be written");
    } else {
        assert_eq!(found, TABLE);
    }
    let summary = Summary::of(FAMILY, outcomes);
    assert_eq!(summary.unexplained, 0, "{found}");
    assert_eq!(explanations_in_vain(FAMILY, outcomes), Vec::<String>::new());
    assert!(summary.percent_of_differing() >= PERCENT, "{summary}");
}

/// What the table says in its first lines is the sum of its rows, and what the book says of it.
#[test]
fn the_share_that_is_killed_is_told() {
    if rewrites() {
        return;
    }
    let all = rows();
    let count = |words: &str| all.iter().filter(|(_, row)| row.contains(words)).count();
    let (equal, survive) = (count(": equal state graph"), count(": survives: "));
    let killed = all.iter().copied().filter_map(killed).count();
    assert_eq!(killed + equal + survive, all.len());
    let differing = killed + survive;
    let first = format!(
        "{} mutants: {killed} killed, {equal} equal to the protocol, {survive} survive with a \
         reason, 0 without",
        all.len()
    );
    assert_eq!(TABLE.lines().next(), Some(first.as_str()));
    let percent = 100 * killed / differing;
    assert!(percent >= PERCENT, "{percent} % of {differing}");
    let book = include_str!("../../../docs/src/defects.md");
    let told = format!("{killed} of the {differing} that differ are killed, {percent} %");
    assert!(book.contains(&told), "docs/src/defects.md does not say: {told}");
}

/// States and steps, with any copy of the model.
fn counts<M: ExplorerModel>(model: &M) -> (u64, u64) {
    let options = Options { threads: 2, ..Options::default() };
    let report = check(model, &options, &mut |_| {}).expect("a run that may begin");
    assert!(report.complete());
    (report.distinct, report.generated)
}

/// The copy is the model as long as nothing is broken in it: it has the same states and steps, although
/// it tries every action about which rules alone decide.
#[test]
fn unbroken_the_copy_is_the_model() {
    macro_rules! counts_of {
        ($family:path, $grain:ident, $election:ident, $($field:ident: $value:expr),*) => {{
            use $family as family;
            let bounds = family::explore::Bounds {
                election: family::explore::Election::$election,
                $($field: $value,)*
                ..family::explore::Bounds::CALM
            };
            let mut model = family::explore::Zab::new(bounds, 500).expect("bounds that fit");
            model.ensemble.grain = family::Grain::$grain;
            model.starts.push(family::explore::after_first_epoch());
            counts(&model)
        }};
    }
    macro_rules! same {
        ($($all:tt)*) => {
            assert_eq!(counts_of!(zab_mutation::zab, $($all)*), counts_of!(zab_model, $($all)*));
        };
    }
    same!(Writes, Oracle, requests: 2);
    same!(Threads, Oracle, requests: 1);
    same!(Writes, Oracle, crashes: 1, lost_disks: 1, rounds: 2);
    same!(Writes, Oracle, requests: 1, failed_appends: 1, rounds: 2);
    same!(Writes, Oracle, kills: 1, timeouts: 1, disconnects: 1, rounds: 2);
    same!(Writes, Fle, servers: 2, requests: 1, crashes: 1, rounds: 2);
    same!(Writes, FleOnly, rounds: 0);
    same!(Writes, Oracle, servers: 2, observers: 1, requests: 1);
}
