//! Well-formed corruptions of honest runs: what the checker accepts is legal, as the search over
//! the whole ensemble shows, and honest runs are accepted.

use std::collections::BTreeMap;

use zab_oracle::mutate::{Run, Share, Tally, Trial, Wrong, kinds, walks};
use zab_sim::{Config, FaultProfile, header, simulate};
use zab_trace::{Event, EventKind, Persisted, Writer};

/// How often each kind is tried under each contract: `ZAB_RUNS`; otherwise once, under one.
fn times() -> Option<usize> {
    std::env::var("ZAB_RUNS").ok()?.parse().ok()
}

/// How many states the search takes for one trace that passes: a trace that the checker accepts
/// wrongly is usually found with few.
const STATES_MAX: usize = 1_500;

const FAULT_PROFILES: [FaultProfile; 4] =
    [FaultProfile::Mixed, FaultProfile::Kills, FaultProfile::Disks, FaultProfile::Cuts];

/// A simulated run.
fn simulated(profile: FaultProfile, seed: u64, events: u64) -> Run {
    let config = Config { events, ..Config::of(profile, seed) };
    let events = simulate(seed, &config).events;
    Run { name: format!("sim {seed} {profile:?}"), header: header(seed, &config), events }
}

/// Whether a server cuts off transactions, but not all of them.
fn truncates(run: &Run) -> bool {
    run.events.iter().any(|event: &Event| {
        matches!(event.kind, EventKind::Persisted(Persisted::Truncated(zxid)) if zxid.counter > 0)
    })
}

/// Random runs of the model and simulated runs, with and without faults; and some in which what is
/// rare happens.
fn honest(count: u64) -> Vec<Run> {
    let profiles = FAULT_PROFILES.into_iter().cycle();
    let usual = (0..count)
        .zip(profiles)
        .map(|(seed, profile)| simulated(profile, seed, 80 + seed % 3 * 60));
    let rare = (0..).map(|seed| simulated(FaultProfile::Cuts, seed, 300)).filter(truncates).take(4);
    walks(count).into_iter().chain(usual).chain(rare).collect()
}

#[test]
fn what_passes_is_legal() {
    let times = times();
    let runs = honest(if times.is_some() { 60 } else { 24 });
    let share = Share { times: times.unwrap_or(1), seed: 1, states_max: STATES_MAX };
    let (trial, alarms) = Trial::new(&runs, share);
    assert!(alarms.is_empty(), "honest runs are refused:\n{}", alarms.join("\n\n"));
    let mut groups: BTreeMap<&str, Tally> = BTreeMap::new();
    let (mut wrong, mut idle) = (Vec::new(), Vec::new());
    let kinds = kinds();
    assert!(kinds.len() >= 150, "{} kinds only", kinds.len());
    for (index, kind) in kinds.iter().enumerate() {
        let tally =
            if times.is_some() { trial.kind(kind) } else { trial.kind_once(kind, index % 4) };
        if tally.tried == 0 {
            idle.push(kind.title());
        }
        wrong.extend(tally.false_passes.iter().chain(&tally.false_alarms).map(text));
        if tally.passed() > 0 {
            println!("{}: {}", kind.title(), numbers(&tally));
        }
        groups.entry(kind.group).or_default().add(tally);
    }
    for (group, tally) in &groups {
        println!("all of {group}: {}", numbers(tally));
        assert!(tally.tried > 0, "no opportunity for any kind of {group}");
    }
    assert!(idle.is_empty(), "no opportunity for {idle:#?}");
    assert!(wrong.is_empty(), "{} wrong verdicts:\n{}", wrong.len(), wrong.join("\n\n"));
}

fn numbers(tally: &Tally) -> String {
    let Tally { tried, rejected, inconclusive, legal, legal_slice, open, .. } = tally;
    let (passes, alarms) = (tally.false_passes.len(), tally.false_alarms.len());
    format!(
        "tried {tried}, rejected {rejected}, inconclusive {inconclusive}, legal {legal}, on a slice \
         {legal_slice}, open {open}, wrongly accepted {passes}, wrongly refused {alarms}"
    )
}

/// A wrong verdict as a file that `zabcheck conform` reads, below a line that says what it is.
fn text(wrong: &Wrong) -> String {
    let mut writer = Writer::new(Vec::new(), &wrong.header).expect("memory");
    for event in &wrong.events {
        writer.write(event).expect("memory");
    }
    let lines = String::from_utf8(writer.into_inner()).expect("text");
    let Wrong { kind, contract, run, verdict, .. } = wrong;
    format!("{kind}, contract {contract}, {run}: {verdict}\n{lines}")
}
