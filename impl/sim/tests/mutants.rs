//! Every defect of the driver changes what happens; whether the checker finds it is tested there.

use zab_sim::{Config, Mutant, mutants, simulate};

/// Whether a run with the defect shows other lines than the run without.
fn changes(mutant: &Mutant, seed: u64) -> bool {
    let config = mutant.config(seed);
    let healthy = Config { defect: None, ..config.clone() };
    simulate(seed, &config).events != simulate(seed, &healthy).events
}

#[test]
fn every_mutant_changes_a_run() {
    for mutant in mutants() {
        let found = (0..200).any(|seed| changes(mutant, seed));
        assert!(found, "{}: 200 runs are as they would be without it", mutant.name);
    }
}

#[test]
fn a_run_with_a_defect_repeats() {
    for mutant in mutants() {
        let config = mutant.config(1);
        assert_eq!(simulate(1, &config), simulate(1, &config), "{}", mutant.name);
    }
}

#[test]
fn runs_with_defects_end() {
    for mutant in mutants() {
        for seed in 0..5 {
            let config = mutant.config(seed);
            let outcome = simulate(seed, &config).outcome;
            assert!(outcome.stats.events < 10 * config.events, "{} {seed}", mutant.name);
        }
    }
}

/// Losing what was acknowledged does not take the checker to see.
#[test]
fn a_lying_disk_loses_acknowledged_requests() {
    let lying = mutants().iter().find(|mutant| mutant.name == "lying-disk");
    let lost = lying.is_some_and(|mutant| {
        (0..200).any(|seed| !simulate(seed, &mutant.config(seed)).outcome.violations.is_empty())
    });
    assert!(lost, "200 runs on lying disks lose nothing");
}
