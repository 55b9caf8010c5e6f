//! Random runs of the model are accepted, under every contract.

use zab_check::{Entry, Options, Verdict, check, project};
use zab_model::Step;
use zab_oracle::{Walk, replay, walk};

/// How many runs: `ZAB_RUNS`, or the share that CI runs.
fn runs(share: u64) -> u64 {
    std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(share)
}

#[test]
fn random_runs_of_the_model_conform_under_every_contract() {
    let mut committed = 0;
    for seed in 0..runs(200) {
        let shape = Walk {
            faults: [0, 6, 20][usize::try_from(seed % 3).unwrap_or(0)],
            names_again: 300,
            ..Walk::default()
        };
        let (header, events) = walk(seed, &shape);
        let contracts = [
            zab_check::everything(),
            zab_check::no_state(),
            zab_check::sends_and_receives(),
            zab_check::silent(1 + seed % 3),
        ];
        for contract in contracts {
            let trace = project(&header, &events, &contract);
            let verdict = check(&trace, &Options::default()).verdict;
            let Verdict::Conforms(summary) = &verdict else {
                let (hidden, silent) = (&contract.hidden, &contract.silent);
                panic!("seed {seed}, hidden {hidden:?}, silent {silent:?}: {verdict}");
            };
            committed += summary.committed;
        }
    }
    assert!(committed > 0, "no run committed anything");
}

#[test]
fn what_explains_a_run_is_a_run_of_the_model() {
    for seed in 0..runs(60) {
        let shape = Walk { names_again: 300, ..Walk::default() };
        let (header, events) = walk(seed, &shape);
        let contracts =
            [zab_check::everything(), zab_check::sends_and_receives(), zab_check::silent(2)];
        for contract in contracts {
            let (header, events) = project(&header, &events, &contract);
            let options = Options { witness: true, ..Options::default() };
            let outcome = check(&(header.clone(), events.clone()), &options);
            let Some(witness) = outcome.witness else { panic!("seed {seed}: {}", outcome.verdict) };
            assert_eq!(replay(&header, &events, &witness), Ok(()), "seed {seed}, {contract:?}");

            // A witness that lacks a step, or shows a line twice, is none.
            let steps = |entry: &Entry| matches!(entry, Entry::Step(step) if *step != Step::Resend);
            let mut lacking = witness.clone();
            let index = lacking.entries.iter().position(|(_, entry)| steps(entry));
            lacking.entries.remove(index.expect("a run has steps"));
            assert!(replay(&header, &events, &lacking).is_err(), "seed {seed}");
            let mut twice = witness;
            twice.entries.extend(twice.entries.last().cloned());
            assert!(replay(&header, &events, &twice).is_err(), "seed {seed}");
        }
    }
}
