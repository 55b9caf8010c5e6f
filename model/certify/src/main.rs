//! `zab-certify FILE`: a second witness that a set of states is closed without a bound on failures,
//! and that no state of it violates an invariant. FILE is what `zabcheck check --failures unlimited
//! --certificate FILE` has written. No code is shared with the engine, nor with the reduction that it
//! runs: the rules are read through `stateright::Model`, and the renaming is written down once more.
//! `docs/src/unlimited.md` says what follows from such a set.

mod console;
mod file;
mod renaming;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{ParallelBridge, ParallelIterator};
use stateright::{Expectation, Model};
use zab_paper::{Bounds, Paper, Rules, State, WithModel, with_model};
use zerocopy::{IntoBytes, TryFromBytes};

use file::{Certificate, Wrong, file};
use renaming::{canonical, for_each_step, orders};

fn main() -> ExitCode {
    let [path] = &std::env::args_os().skip(1).collect::<Vec<_>>()[..] else {
        return console::usage();
    };
    console::tell(Certificate::open(Path::new(path)).and_then(|certificate| {
        let Certificate { servers, txns, .. } = certificate;
        // Nothing is ever spent, so one failure of each kind is always left.
        let bounds = Bounds { servers, txns, epochs: None, timeouts: 1, restarts: 1 };
        with_model::<0, _>(Rules::new(bounds), certificate).unwrap_or_else(file)
    }))
}

/// The set is not closed, or a state of it violates something.
fn refuted<T>(why: &str) -> Result<T, Wrong> {
    Err(Wrong(1, format!("the set is not closed without a violation: {why}")))
}

impl WithModel<0> for Certificate {
    type Output = Result<String, Wrong>;

    /// Confirms that the initial state is in the set, that every step leads into it, and that every
    /// invariant holds in each of its states.
    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, 0>) -> Self::Output {
        let (orders, hashes) = (orders::<N>(), [RandomState::new(), RandomState::new()]);
        // 128 bits of each state, by a hash that is another one in each run.
        let print = |state: &State<N, X, 0>| {
            let state = canonical(state, &orders);
            let [high, low] = [0, 1].map(|i| u128::from(hashes[i].hash_one(state.as_bytes())));
            high << 64 | low
        };
        let set = Mutex::new(HashSet::new());
        let count = sum(&self, |state| {
            let print = print(state);
            set.lock().unwrap_or_else(PoisonError::into_inner).insert(print);
            Ok(1)
        })?;
        let set = set.into_inner().unwrap_or_else(PoisonError::into_inner);
        if count != self.states {
            return file(format!("it has {count} states, and says that it has {}", self.states));
        }
        if !model.init_states().iter().all(|state| set.contains(&print(state))) {
            return refuted("the initial state is not in it");
        }
        let mut invariants = model.properties();
        invariants.retain(|property| property.expectation == Expectation::Always);
        let steps = sum(&self, |state| {
            if let Some(broken) = invariants.iter().find(|one| !(one.condition)(model, state)) {
                return refuted(&format!("{} is violated in {state:?}", broken.name));
            }
            let (mut steps, mut out) = (0, None);
            for_each_step(model, state, |action, next| {
                steps += 1;
                out = out.or_else(|| (!set.contains(&print(&next))).then_some(action));
            });
            match out {
                None => Ok(steps),
                Some(action) => refuted(&format!("{action} leads out of it from {state:?}")),
            }
        })?;
        Ok(format!(
            "closed: {N} servers, {} transactions, any number of failures: {} states; all {steps} \
             steps from them lead into the set; {} invariants hold",
            self.txns,
            set.len(),
            invariants.len()
        ))
    }
}

/// Visits all states of the certificate, on all processors, and adds up what that gives.
fn sum<const N: usize, const X: usize>(
    certificate: &Certificate,
    visit: impl Fn(&State<N, X, 0>) -> Result<u64, Wrong> + Sync,
) -> Result<u64, Wrong> {
    let size = size_of::<State<N, X, 0>>();
    let visit = |bytes: &[u8]| match State::try_read_from_bytes(bytes) {
        Ok(state) => visit(&state),
        Err(_) => file("it has bytes that are no state"),
    };
    let pieces = certificate.pieces(1000 * size as u64)?.par_bridge();
    pieces.map(|piece| piece?.chunks(size).map(visit).sum()).try_reduce(|| 0, |a, b| Ok(a + b))
}
