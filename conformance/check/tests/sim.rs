//! Simulated runs with faults conform.

use std::fs;
use std::path::Path;

use zab_check::{Options, Verdict, check};
use zab_sim::{Config, header, simulate, story_config, tell};

/// How many times the share that CI runs: `ZAB_RUNS`, a number of runs, replaces it.
fn runs(share: u64) -> u64 {
    std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(share)
}

#[test]
fn simulated_runs_conform() {
    for seed in 0..runs(60) {
        let config = Config { servers: if seed % 4 == 3 { 5 } else { 3 }, ..Config::default() };
        let run = simulate(seed, &config);
        let trace = (header(seed, &config), run.events);
        let verdict = check(&trace, &Options::default()).verdict;
        assert!(matches!(verdict, Verdict::Conforms(_)), "seed {seed}: {verdict}");
    }
}

#[test]
fn simulated_runs_conform_under_every_contract() {
    for seed in 0..runs(40) {
        let config = Config { events: 150, ..Config::default() };
        let (header, events) = (header(seed, &config), simulate(seed, &config).events);
        let contracts = [
            zab_check::everything(),
            zab_check::no_state(),
            zab_check::sends_and_receives(),
            zab_check::silent(1 + seed % 3),
        ];
        for contract in contracts {
            let trace = zab_check::project(&header, &events, &contract);
            let verdict = check(&trace, &Options::default()).verdict;
            let hidden = &contract.hidden;
            assert!(
                matches!(verdict, Verdict::Conforms(_)),
                "seed {seed}, hidden {hidden:?}, silent {:?}: {verdict}",
                contract.silent
            );
        }
    }
}

/// What the simulator plays of `traces/stories`.
#[test]
fn stories_conform() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/stories");
    let mut told = 0;
    for file in fs::read_dir(folder).expect("the stories") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("a story");
        let config = story_config(&text).expect("a number of servers");
        for seed in 0..runs(20) {
            let run = tell(seed, &text).expect("the story comes true");
            let trace = (header(seed, &config), run.events);
            let verdict = check(&trace, &Options::default()).verdict;
            assert!(matches!(verdict, Verdict::Conforms(_)), "seed {seed}: {verdict}\n{text}");
            told += 1;
        }
    }
    assert!(told > 0, "no story was told");
}
