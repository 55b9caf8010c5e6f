//! Every corruption is found, at its line and under its rule; its twin is accepted.

use std::path::{Path, PathBuf};

use zab_check::{Options, Verdict, check};
use zab_oracle::corrupt;
use zab_sim::{Config, header, simulate};
use zab_trace::{Expect, Header, Verdict as Expected, Writer};

/// After so many runs there must have been an opportunity.
const SEEDS_MAX: u64 = 2000;

/// Of so many opportunities the one that takes the fewest lines is kept in the corpus.
const CHOICE: usize = 40;

/// Simulated runs in which a corruption may find its opportunity.
fn good(seed: u64) -> (Header, Vec<zab_trace::Event>) {
    let config = Config { events: 300, ..Config::default() };
    let mut header = header(seed, &config);
    header.seed = Some(seed);
    (header, simulate(seed, &config).events)
}

/// The corruption committed in the runs in which there is an opportunity.
fn committed(
    corruption: &corrupt::Corruption,
) -> impl Iterator<Item = (Header, corrupt::Corrupted)> {
    let runs = (0..SEEDS_MAX).map(good);
    runs.filter_map(|(header, events)| Some((header, corruption.apply(&events)?)))
}

#[test]
fn every_corruption_is_found_where_it_is() {
    let mut missed = Vec::new();
    for corruption in corrupt::corruptions() {
        let Some((header, corrupted)) = committed(&corruption).next() else {
            missed.push(format!("{}: no opportunity", corruption.name));
            continue;
        };
        let twin = check(&(header.clone(), corrupted.twin), &Options::default()).verdict;
        if !matches!(twin, Verdict::Conforms(_)) {
            missed.push(format!("{}: its twin: {twin}", corruption.name));
        }
        let verdict = check(&(header, corrupted.events), &Options::default()).verdict;
        let line = verdict.place().map(|place| place.line);
        let expected = Some(corrupted.illegal as u64 + 2);
        let found = matches!(verdict, Verdict::Diverges(_));
        if !found || line != expected || verdict.rule() != Some(corruption.rule) {
            let name = corruption.name;
            missed.push(format!("{name}: expected {expected:?} {}: {verdict}", corruption.rule));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

/// Where a part of the corpus is.
fn corpus(part: &str, name: &str) -> PathBuf {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/corpus");
    corpus.join(part).join(format!("{name}.ndjson"))
}

fn text(header: &Header, events: &[zab_trace::Event]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), header).expect("memory");
    for event in events {
        writer.write(event).expect("memory");
    }
    writer.into_inner()
}

/// The corpus holds a file and its twin for each corruption; `ZAB_WRITE_CORPUS=1` writes them anew,
/// as the simulator makes them now.
#[test]
fn the_corpus_holds_every_corruption() {
    let write = std::env::var_os("ZAB_WRITE_CORPUS").is_some();
    for corruption in corrupt::corruptions() {
        if !write {
            for part in ["accept", "reject"] {
                let path = corpus(part, corruption.name);
                assert!(path.is_file(), "{} is missing", path.display());
            }
            continue;
        }
        let (mut header, corrupted) = committed(&corruption)
            .take(CHOICE)
            .min_by_key(|(_, corrupted)| corrupted.events.len())
            .expect("an opportunity");
        header.note = Some(corruption.story.to_owned());
        header.expect = Some(Expect {
            verdict: Expected::Diverges,
            line: Some(corrupted.illegal as u64 + 2),
            rule: Some(corruption.rule.to_owned()),
        });
        let rejected = text(&header, &corrupted.events);
        header.note = Some(format!("The good twin of reject/{}.ndjson.", corruption.name));
        header.expect = Some(Expect { verdict: Expected::Conforms, line: None, rule: None });
        let accepted = text(&header, &corrupted.twin);
        std::fs::write(corpus("reject", corruption.name), rejected).expect("writable");
        std::fs::write(corpus("accept", corruption.name), accepted).expect("writable");
    }
}
