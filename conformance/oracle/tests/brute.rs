//! On short traces, good and corrupted, the checker says what a search over the whole ensemble
//! says.

use zab_check::{Closure, Inputs, Options, Reason, Verdict, check, project};
use zab_oracle::{Brute, Rng, Walk, brute, corrupt, walk};
use zab_trace::{Contract, Event, Header};

/// How many runs: `ZAB_RUNS`, or the share that CI runs.
fn runs(share: u64) -> u64 {
    std::env::var("ZAB_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(share)
}

/// The search visits every order of so many lines.
const EVENTS_MAX: usize = 30;

/// A short random run under some contract.
fn short(seed: u64, rng: &mut Rng) -> (Header, Vec<Event>) {
    let contracts: [Contract; 4] = [
        zab_check::everything(),
        zab_check::no_state(),
        zab_check::sends_and_receives(),
        zab_check::silent(1),
    ];
    let contract = &contracts[rng.below(contracts.len())];
    // A trace under the third contract is the rest of a longer run.
    let hides = !contract.hidden.is_empty();
    let quiet = hides || !contract.silent.is_empty();
    let shape = Walk {
        // One server alone may elect itself any number of times unseen.
        servers: if quiet { 2 } else { 1 + u8::try_from(rng.below(3)).unwrap_or(0) },
        events: if hides { 30 + rng.below(16) } else { 16 + rng.below(12) },
        faults: 10,
        names_again: 300,
        ..Walk::default()
    };
    let (header, events) = walk(seed, &shape);
    let (header, events) = project(&header, &events, contract);
    let begin = EVENTS_MAX - 2 * usize::from(shape.servers);
    let short = events.len() <= EVENTS_MAX;
    let events = if short { events } else { corrupt::cut(&events, &events[..begin]) };
    (header, events)
}

/// How often each verdict was given.
#[derive(Debug, Default)]
struct Tally {
    conforms: u64,
    diverges: u64,
    inconclusive: u64,
    gave_up: u64,
    not_whole: u64,
}

fn compare(seed: u64, header: &Header, events: &[Event], tally: &mut Tally) {
    let trace = (header.clone(), events.to_vec());
    let verdict = check(&trace, &Options::default()).verdict;
    let slow = Options { closure: Closure::Full, memory_max: 8 << 20, ..Options::default() };
    let hides = !header.contract.hidden.is_empty() || !header.contract.silent.is_empty();
    if hides {
        let full = check(&trace, &slow).verdict;
        let comparable = !matches!(full, Verdict::Inconclusive(_)) || full.word() == verdict.word();
        if comparable {
            assert_eq!(full.word(), verdict.word(), "seed {seed}: {full} against {verdict}");
        }
    }
    let found = brute(header, events, 50_000);
    let same = match (&verdict, found) {
        (Verdict::Conforms(_), Brute::Conforms) => {
            tally.conforms += 1;
            true
        }
        (Verdict::Diverges(_), Brute::Diverges) => {
            tally.diverges += 1;
            true
        }
        // A trace that is not whole: the checker may stop at what is missing before it comes to
        // what is wrong, but never the other way round.
        (Verdict::Inconclusive(_) | Verdict::Refused(_), Brute::Incomplete | Brute::Diverges) => {
            tally.inconclusive += 1;
            true
        }
        // What a lint calls wrong never conforms, nor does a trace that lacks a kind of line.
        (Verdict::Inconclusive(inconclusive), Brute::Conforms) => {
            tally.not_whole += 1;
            let never = matches!(inconclusive.reason, Reason::NeverSeen(_));
            let form = matches!(inconclusive.reason, Reason::Form { .. });
            never || (form && !trace.lint().is_sound())
        }
        (_, Brute::GaveUp) => {
            tally.gave_up += 1;
            true
        }
        _ => false,
    };
    assert!(same, "seed {seed}, {:?}: search says {found:?}, {verdict}", header.contract);
}

#[test]
fn the_checker_agrees_with_the_search() {
    let mut tally = Tally::default();
    let total = runs(300);
    for seed in 0..total {
        let mut rng = Rng::new(seed ^ 0xc0ffee);
        let (header, events) = short(seed, &mut rng);
        if seed % 4 == 0 {
            compare(seed, &header, &events, &mut tally);
        }
        let corrupted = corrupt::corrupt(&events, &mut rng);
        compare(seed, &header, &corrupted, &mut tally);
    }
    println!("{tally:?}");
    assert!(tally.conforms > 0 && tally.diverges > 0 && tally.inconclusive > 0, "{tally:?}");
    assert!(tally.gave_up * 100 <= total, "{tally:?}");
    assert!(tally.not_whole * 20 <= total, "{tally:?}");
}
