//! What becomes of a mutant of the `zookeeper` family on its way up the ladder.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::compare::differing;
use super::explore::{Protocol, Seen, explore, protocol};
use super::ladder::{LADDER, Rung};
use super::{form, live};
use crate::list::Mutant;
use crate::verdict::{Outcome, Verdict, on_threads};

/// Different states of the protocol up to which the form of states is looked at.
const FORM_MAX: u64 = 30_000;

/// What becomes of each of some mutants on a ladder; the answers are in the same order, and do not depend on the
/// number of threads.
///
/// Each mutant is compared with the protocol step by step. Where it differs, it is explored, until a
/// property notices; at last liveness is judged, and the normal form of states. `progress` is told each answer.
///
/// # Panics
/// When the protocol itself panics, or violates a property on the ladder.
pub fn run(
    mutants: &[&'static Mutant],
    ladder: &[Rung],
    threads: usize,
    progress: &(dyn Fn(&Outcome) + Sync),
) -> Vec<Outcome> {
    let compared = each(ladder, threads, |rung| {
        let protocol = protocol(rung);
        let differing = differing(mutants, rung, &protocol);
        (rung, protocol, differing)
    });
    each(mutants, threads, |mutant| {
        let rungs: Vec<(&Rung, &Protocol)> = compared
            .iter()
            .filter(|(_, _, differing)| differing.contains(mutant))
            .map(|(rung, protocol, _)| (*rung, protocol))
            .collect();
        let verdict = match rungs.as_slice() {
            [] => Verdict::Equal,
            rungs => climb(mutant, rungs),
        };
        let outcome = Outcome { mutant, verdict };
        progress(&outcome);
        outcome
    })
}

/// What becomes of each of some mutants at the place where it is said to be noticed: within the bounds
/// of that rung alone, or by liveness. One that is not noticed there is said to survive.
///
/// # Panics
/// As [`run`].
pub fn confirm(mutants: &[(&'static Mutant, &str)], threads: usize) -> Vec<Outcome> {
    let is_named = |rung: &&Rung| mutants.iter().any(|(_, place)| *place == rung.name);
    let rungs: Vec<&Rung> = LADDER.iter().filter(is_named).collect();
    let protocols = each(&rungs, threads, |rung| protocol(rung));
    each(mutants, threads, |(mutant, place)| {
        let mut known = rungs.iter().zip(&protocols);
        let verdict = match known.find(|(rung, _)| rung.name == *place) {
            Some((rung, protocol)) => {
                killed(mutant, rung, protocol).or_else(|| malformed(mutant, rung))
            }
            None => live::broken(mutant),
        };
        Outcome { mutant, verdict: verdict.unwrap_or(Verdict::Survived) }
    })
}

fn climb(mutant: &'static Mutant, rungs: &[(&Rung, &Protocol)]) -> Verdict {
    let climbed = rungs.iter().find_map(|(rung, protocol)| killed(mutant, rung, protocol));
    let small = || rungs.iter().filter(|(_, protocol)| protocol.distinct < FORM_MAX);
    let malformed = || small().find_map(|(rung, _)| malformed(mutant, rung));
    let noticed = climbed.or_else(|| live::broken(mutant)).or_else(malformed);
    noticed.unwrap_or(Verdict::Survived)
}

/// The verdict of a mutant that breaks the normal form within the bounds of a rung.
fn malformed(mutant: &Mutant, rung: &Rung) -> Option<Verdict> {
    form::is_broken(Some(mutant), rung).then(|| Verdict::Malformed { place: rung.name.to_owned() })
}

/// What becomes of a mutant within the bounds of one rung, if something notices it there.
fn killed(mutant: &Mutant, rung: &Rung, protocol: &Protocol) -> Option<Verdict> {
    let place = rung.name.to_owned();
    match explore(mutant, rung) {
        Seen::Violated { property, steps } => Some(Verdict::Violated { property, steps, place }),
        Seen::Panicked(message) => Some(Verdict::Panicked { message, place }),
        Seen::All { unreached, deadlock } => {
            let new = unreached.iter().find(|name| !protocol.unreached.contains(name));
            let unreached =
                new.map(|property| Verdict::Unreached { property, place: place.clone() });
            let stops = deadlock.filter(|_| !protocol.has_deadlock);
            unreached.or(stops.map(|steps| Verdict::Stops { steps, place }))
        }
        Seen::Part => None,
    }
}

/// What comes of each of some things, in order; the work is shared by threads.
fn each<'a, T: Sync, U: Send>(
    all: &'a [T],
    threads: usize,
    work: impl Fn(&'a T) -> U + Sync,
) -> Vec<U> {
    let next = AtomicUsize::new(0);
    let done = on_threads(threads.max(1), |_| {
        let mut done = BTreeMap::new();
        while let Some((at, one)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            all.get(at).map(|one| (at, one))
        } {
            done.insert(at, work(one));
        }
        done
    });
    done.into_iter().flatten().collect::<BTreeMap<_, _>>().into_values().collect()
}
