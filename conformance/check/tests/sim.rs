//! Simulated runs with faults conform.

use zab_check::{Options, Verdict, check};
use zab_sim::{Config, header, simulate};

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
