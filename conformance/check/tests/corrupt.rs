//! Every crime is found, at its line and under its rule; its twin is accepted.

use std::path::{Path, PathBuf};

use zab_check::{Options, Verdict, check, corrupt};
use zab_sim::{Config, header, simulate};
use zab_trace::{Expect, Header, Verdict as Expected, Writer};

/// After so many runs there must have been an opportunity.
const SEEDS_MAX: u64 = 2000;

/// Of so many opportunities the one that takes the fewest lines is kept in the corpus.
const CHOICE: usize = 40;

/// Simulated runs in which a crime may find its opportunity.
fn good(seed: u64) -> (Header, Vec<zab_trace::Event>) {
    let config = Config { events: 300, ..Config::default() };
    let mut header = header(seed, &config);
    header.seed = Some(seed);
    (header, simulate(seed, &config).events)
}

/// The crime committed in the runs in which there is an opportunity.
fn committed(crime: &corrupt::Crime) -> impl Iterator<Item = (Header, corrupt::Spoiled)> {
    let runs = (0..SEEDS_MAX).map(good);
    runs.filter_map(|(header, events)| Some((header, crime.commit(&events)?)))
}

#[test]
fn every_crime_is_found_where_it_is_committed() {
    let mut missed = Vec::new();
    for crime in corrupt::crimes() {
        let Some((header, spoiled)) = committed(&crime).next() else {
            missed.push(format!("{}: no opportunity", crime.name));
            continue;
        };
        let twin = check(&(header.clone(), spoiled.twin), &Options::default()).verdict;
        if !matches!(twin, Verdict::Conforms(_)) {
            missed.push(format!("{}: its twin: {twin}", crime.name));
        }
        let verdict = check(&(header, spoiled.events), &Options::default()).verdict;
        let line = verdict.place().map(|place| place.line);
        let expected = Some(spoiled.illegal as u64 + 2);
        let found = matches!(verdict, Verdict::Diverges(_));
        if !found || line != expected || verdict.rule() != Some(crime.rule) {
            let name = crime.name;
            missed.push(format!("{name}: expected {expected:?} {}: {verdict}", crime.rule));
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

/// The corpus holds a file and its twin for each crime; `ZAB_WRITE_CORPUS=1` writes them anew, as the
/// simulator makes them now.
#[test]
fn the_corpus_holds_every_crime() {
    let write = std::env::var_os("ZAB_WRITE_CORPUS").is_some();
    for crime in corrupt::crimes() {
        if !write {
            for part in ["accept", "reject"] {
                let path = corpus(part, crime.name);
                assert!(path.is_file(), "{} is missing", path.display());
            }
            continue;
        }
        let (mut header, spoiled) = committed(&crime)
            .take(CHOICE)
            .min_by_key(|(_, spoiled)| spoiled.events.len())
            .expect("an opportunity");
        header.note = Some(crime.story.to_owned());
        header.expect = Some(Expect {
            verdict: Expected::Diverges,
            line: Some(spoiled.illegal as u64 + 2),
            rule: Some(crime.rule.to_owned()),
        });
        let rejected = text(&header, &spoiled.events);
        header.note = Some(format!("The good twin of reject/{}.ndjson.", crime.name));
        header.expect = Some(Expect { verdict: Expected::Conforms, line: None, rule: None });
        let accepted = text(&header, &spoiled.twin);
        std::fs::write(corpus("reject", crime.name), rejected).expect("writable");
        std::fs::write(corpus("accept", crime.name), accepted).expect("writable");
    }
}
