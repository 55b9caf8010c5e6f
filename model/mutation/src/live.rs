//! Whether a mutant breaks what must come about.

use std::sync::OnceLock;

use zab_explorer::{LiveVerdict, Options};

use crate::explore::quietly;
use crate::list::Mutant;
use crate::paper::{Bounds, Paper, Rules, liveness};

/// Bytes that one run may take.
const MEMORY: u64 = 1 << 30;

/// Different states at which the run of a mutant ends; the protocol has fewer.
const STATES_MAX: u64 = 100_000;

/// Where liveness is judged. Symmetry is not possible there, ghosts are not needed.
pub(crate) const BOUNDS: [Bounds; 3] = [at(2, 1, 0), at(2, 0, 1), at(3, 1, 0)];

const fn at(servers: u8, timeouts: u8, restarts: u8) -> Bounds {
    Bounds { servers, txns: 1, epochs: None, timeouts, restarts }
}

/// The names of the claims that a mutant breaks, once for all bounds where it does.
#[must_use]
pub fn broken_claims(mutant: &Mutant) -> Vec<&'static str> {
    broken(mutant).map(|(claim, _)| claim).collect()
}

/// The claims that a mutant breaks, and where.
pub(crate) fn broken(mutant: &Mutant) -> impl Iterator<Item = (&'static str, Bounds)> {
    /// By bounds: the claims that the protocol as published keeps there.
    static KEPT: OnceLock<[Vec<usize>; BOUNDS.len()]> = OnceLock::new();
    let kept = KEPT.get_or_init(|| BOUNDS.map(holding));
    BOUNDS.into_iter().zip(kept).flat_map(|(bounds, kept)| {
        let verdicts = quietly(Some(mutant), || judge(bounds, kept)).unwrap_or_default();
        let broken = verdicts.into_iter().filter(|(_, verdict)| *verdict == Claimed::Broken);
        broken.map(move |(number, _)| (liveness::STATEMENTS[number].0, bounds))
    })
}

/// The claims, by number, that hold of the protocol.
pub(crate) fn holding(bounds: Bounds) -> Vec<usize> {
    let all: Vec<usize> = (0..liveness::STATEMENTS.len()).collect();
    let verdicts = judge(bounds, &all).into_iter();
    verdicts.filter(|(_, verdict)| *verdict == Claimed::Holds).map(|(number, _)| number).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claimed {
    Holds,
    Broken,
    /// Nothing in it speaks of, or not all was seen.
    Open,
}

fn judge(bounds: Bounds, claims: &[usize]) -> Vec<(usize, Claimed)> {
    match bounds.servers {
        2 => sized::<2>(bounds, claims),
        3 => sized::<3>(bounds, claims),
        servers => panic!("liveness is not judged with {servers} servers"),
    }
}

fn sized<const N: usize>(bounds: Bounds, claims: &[usize]) -> Vec<(usize, Claimed)> {
    let model = Paper::<N, 1, 0>::new(Rules::new(bounds)).expect("bounds that fit");
    let options =
        Options { memory_max: Some(MEMORY), states_max: STATES_MAX, ..Options::default() };
    let graph = liveness::explore(&model, &options, &mut |_| {}).expect("a run that may begin");
    let fairness = liveness::fairness(N);
    let verdict = |number: usize| match graph
        .judge(number, &fairness)
        .expect("classes of this model")
        .verdict
    {
        LiveVerdict::Holds => Claimed::Holds,
        LiveVerdict::Violated(_) => Claimed::Broken,
        LiveVerdict::Vacuous | LiveVerdict::Unknown => Claimed::Open,
    };
    claims.iter().map(|number| (*number, verdict(*number))).collect()
}
