//! Histories of a simulated ensemble: legal ones are accepted, corrupted ones are rejected, and
//! small ones are judged as stateright's testers judge them.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each corruption is about a few kinds of calls and leaves the others as they are"
)]

mod corrupt;
mod simulator;
mod testers;

use proptest::prelude::*;
use rand::SeedableRng;
use rand_xoshiro::SplitMix64;
use simulator::Size;
use zab_history::{History, Verdict, check};

const SMALL: Size = Size { clients: 3, servers: 3, steps: 120, faults: true, plain: false };

/// The lines as text, for failures.
fn shown(history: &History) -> String {
    let lines = history.lines.iter().enumerate();
    let text = |line| serde_json::to_string(line).expect("JSON");
    let lines: Vec<String> =
        lines.map(|(index, line)| format!("{index}: {}", text(line))).collect();
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn legal_histories_are_accepted(seed: u64, faults: bool) {
        let history = simulator::history(seed, Size { faults, ..SMALL });
        let report = check(&history);
        if let Verdict::Violates(found) = &report.verdict {
            prop_assert!(false, "line {}: {found}\n{}", found.index, shown(&history));
        }
    }
}

/// Of each kind of corruption a share is found; the others change nothing that was promised (an
/// event that nothing depends on any more, a zxid between two that are seen).
#[test]
fn corrupted_histories_are_rejected() {
    const RUNS: u64 = 300;
    for (name, corrupt, least) in corrupt::ALL {
        let (mut made, mut found) = (0_u32, 0_u32);
        for seed in 0..RUNS {
            let history = simulator::history(seed, Size { faults: false, ..SMALL });
            let mut rng = SplitMix64::seed_from_u64(seed);
            let mut lines = history.lines.clone();
            if corrupt(&mut lines, &mut rng).is_none() || lines == history.lines {
                continue;
            }
            let Ok(history) = History::new(history.header, lines) else { continue };
            made += 1;
            found += u32::from(matches!(check(&history).verdict, Verdict::Violates(_)));
        }
        let share = found * 100 / made.max(1);
        eprintln!("{name}: {found} of {made} rejected ({share} %)");
        assert!(made >= 50, "{name} was made {made} times");
        assert!(share >= *least, "{name}: {share} % rejected, expected {least} % at least");
    }
}

/// What is accepted here is linearizable in its writes and sequentially consistent in all, by
/// stateright's search over all orders.
#[test]
fn the_testers_of_stateright_agree() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..600 {
        let size = Size { clients: 3, servers: 2, steps: 28, faults: false, plain: true };
        let history = simulator::history(seed, size);
        assert!(testers::writes_are_linearizable(&history), "{}", shown(&history));
        assert!(testers::all_is_sequential(&history), "{}", shown(&history));
        let mut rng = SplitMix64::seed_from_u64(seed);
        let mut lines = history.lines.clone();
        let (_, corrupt, _) =
            corrupt::ALL[usize::try_from(seed).expect("small") % corrupt::ALL.len()];
        let Some(()) = corrupt(&mut lines, &mut rng) else { continue };
        let Ok(history) = History::new(history.header, lines) else { continue };
        let fine =
            testers::writes_are_linearizable(&history) && testers::all_is_sequential(&history);
        if check(&history).verdict == Verdict::Conforms {
            assert!(fine, "accepted here, and not by stateright:\n{}", shown(&history));
            accepted += 1;
        } else if !fine {
            refused += 1;
        }
    }
    eprintln!("corrupted: {accepted} accepted by both, {refused} refused by both");
    assert!(accepted > 20 && refused > 50, "{accepted} and {refused}");
}
