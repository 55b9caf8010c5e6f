//! What becomes of a mutant on its way up the ladder.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::equal::equal;
use crate::explore::{Rung, Seen, explore};
use crate::ladder::LADDER;
use crate::list::Mutant;
use crate::live;
use crate::paper::Bounds;

/// What becomes of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An `always` property is violated.
    Violated {
        /// Its name.
        property: &'static str,
        /// Steps from an initial state; no property is violated sooner.
        steps: usize,
        /// Where.
        place: String,
    },
    /// A `sometimes` property is not reached any more, although all was seen.
    Unreached {
        /// Its name.
        property: &'static str,
        /// Where.
        place: String,
    },
    /// A claim of liveness is violated that the protocol keeps.
    NotLive {
        /// Its name.
        claim: &'static str,
        /// Where.
        place: String,
    },
    /// The system stops where it should go on.
    Stops {
        /// Steps from an initial state.
        steps: usize,
        /// Where.
        place: String,
    },
    /// A state is not in normal form, and nothing else is wrong.
    Malformed {
        /// Where.
        place: String,
    },
    /// A step cannot be finished: it asks for something that is not there.
    Panicked {
        /// What the program says.
        message: String,
        /// Where.
        place: String,
    },
    /// In every state of the protocol it makes the steps of the protocol, on the whole ladder.
    Equal,
    /// It differs from the protocol, and nothing notices.
    Survived,
}

impl Verdict {
    /// Whether a property, or the program itself, notices.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        match self {
            Self::Violated { .. }
            | Self::Unreached { .. }
            | Self::NotLive { .. }
            | Self::Stops { .. }
            | Self::Malformed { .. }
            | Self::Panicked { .. } => true,
            Self::Equal | Self::Survived => false,
        }
    }
}

/// A mutant and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// What became of it.
    pub verdict: Verdict,
}

/// Finds out what becomes of each of some mutants; the answers are in the same order, and do not
/// depend on the number of threads.
///
/// Each mutant is compared with the protocol step by step. One that differs goes up the [`LADDER`]
/// until a property notices; at last liveness is judged, within bounds of its own. `progress` is told
/// how many are decided.
///
/// # Panics
/// When the protocol itself panics, or has no room within the bounds of the ladder.
pub fn run(
    mutants: &[&'static Mutant],
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Vec<Outcome> {
    let threads = threads.max(1);
    // Every so manieth, since neighbours take alike long.
    let share = |first| mutants.iter().copied().skip(first).step_by(threads).collect::<Vec<_>>();
    let compared = |first| LADDER.iter().fold(share(first), equal);
    let same: Vec<_> = on_threads(threads, compared).into_iter().flatten().collect();
    let (next, decided) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let climb = |_| {
        let mut outcomes = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(mutant) = mutants.get(at).copied() else { return outcomes };
            let verdict = if same.contains(&mutant) { Verdict::Equal } else { differing(mutant) };
            outcomes.push((at, Outcome { mutant, verdict }));
            progress(decided.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let mut outcomes: Vec<_> = on_threads(threads, climb).into_iter().flatten().collect();
    outcomes.sort_unstable_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Bounds as the table gives them: servers, transactions, timeouts and restarts.
fn short(bounds: Bounds) -> String {
    let Bounds { servers, txns, epochs: _, timeouts, restarts } = bounds;
    format!("({servers},{txns},{timeouts},{restarts})")
}

/// What becomes of the same work on each of some threads.
pub(crate) fn on_threads<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..threads).map(|n| scope.spawn(move || work(n))).collect();
        let mut done = vec![work(0)];
        for other in others {
            done.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    })
}

/// The verdict of a mutant that differs from the protocol.
fn differing(mutant: &'static Mutant) -> Verdict {
    let climbed = LADDER.iter().find_map(|rung| killed(mutant, rung));
    let not_live = || {
        live::broken(mutant)
            .next()
            .map(|(claim, bounds)| Verdict::NotLive { claim, place: short(bounds) })
    };
    climbed.or_else(not_live).unwrap_or(Verdict::Survived)
}

fn killed(mutant: &Mutant, rung: &Rung) -> Option<Verdict> {
    let place = short(rung.bounds);
    match explore(Some(mutant), rung) {
        Seen::Violated { property, steps, failures: _ } => {
            Some(Verdict::Violated { property, steps, place })
        }
        Seen::Panicked(message) => Some(Verdict::Panicked { message, place }),
        Seen::All { unreached, .. } => {
            unreached.first().map(|property| Verdict::Unreached { property, place })
        }
        Seen::Part => None,
    }
}
