//! Runs without a bound on failures, as they are shown.

use zab_explorer::{Fairness, Lasso, Reduced, Trace};
use zab_paper::{Action, Bounds, Paper, Rules, State, Unlimited, Variant, in_ranks};
use zab_view::Run as Told;

use crate::live::why_fair;
use crate::outcome::Property;

/// A run to be shown.
#[derive(Clone, Debug)]
pub(super) struct Shown<const N: usize, const X: usize> {
    trace: Trace<State<N, X, 0>>,
    /// The number of the state that it goes back to, if it goes on for ever.
    returns_to: Option<usize>,
    /// What makes it fair, then.
    why_fair: Vec<String>,
}

impl<const N: usize, const X: usize> Shown<N, X> {
    /// A run that ends where a property is violated.
    pub(super) fn of(trace: &Trace<State<N, X, 0>>) -> Self {
        Self { trace: trace.clone(), returns_to: None, why_fair: Vec::new() }
    }

    /// The stem of a lasso, and one round of its cycle.
    pub(super) fn unrolled(lasso: &Lasso<State<N, X, 0>>, fairness: &Fairness) -> Self {
        let mut trace = lasso.stem.clone();
        trace.states.extend(lasso.cycle.states.iter().skip(1).copied());
        trace.classes.extend(&lasso.cycle.classes);
        Self { trace, returns_to: Some(lasso.stem.steps()), why_fair: why_fair(lasso, fairness) }
    }

    fn actions(&self) -> impl Iterator<Item = Action> {
        let all = Action::all(N);
        self.trace.classes.iter().map(move |class| all[usize::from(*class)])
    }

    /// How many failures there are in it.
    pub(super) fn failures(&self) -> u8 {
        let failures = self.actions().filter(|action| action.is_failure());
        u8::try_from(failures.count()).unwrap_or(u8::MAX)
    }

    /// Becomes another run, if that has fewer failures.
    pub(super) fn take_if_fewer(&mut self, other: Self) {
        if other.failures() < self.failures() {
            *self = other;
        }
    }
}

/// The published specification with so many failures at most, of whatever kind; `None` if it has no
/// room for them.
pub(super) fn published<const N: usize, const X: usize>(
    bounded: &Paper<N, X, 0>,
    failures: u8,
) -> Option<Paper<N, X, 0>> {
    let Rules { bounds, variant } = *bounded.rules();
    let bounds = Bounds { epochs: None, timeouts: failures, restarts: failures, ..bounds };
    // So a restart needs a failure to be left too.
    let variant = Variant { restart_is_timeout: true, ..variant };
    Paper::new(Rules { bounds, variant }).ok()
}

/// The run with whole numbers, as one of the published specification.
pub(super) fn replayed<const N: usize, const X: usize>(
    model: &Reduced<Unlimited<N, X>>,
    trace: &Trace<State<N, X, 0>>,
    returns_to: Option<usize>,
) -> Option<Told> {
    let replayed = model.reduction().replay(trace, returns_to)?;
    let told = Told::of(&replayed.model, 0, &replayed.actions)?;
    Some(Told { returns_to, ..told })
}

/// A property whose violation is to be shown.
pub(super) struct Showing<'a, const N: usize, const X: usize> {
    pub(super) model: &'a Reduced<Unlimited<N, X>>,
    /// All runs were looked at that have fewer failures than that.
    pub(super) searched: u8,
    pub(super) property: &'a mut Property,
}

impl<const N: usize, const X: usize> Showing<'_, N, X> {
    /// Shows the run with whole numbers, as one of the published specification; `false` if it is none.
    pub(super) fn replayed(&mut self, shown: &Shown<N, X>) -> bool {
        let told = replayed(self.model, &shown.trace, shown.returns_to);
        let Some(told) = told else { return false };
        self.property.trace_length = Some(shown.trace.steps());
        self.property.run = Some(told);
        self.count(shown);
        self.property.remarks.extend(shown.why_fair.iter().cloned());
        true
    }

    /// Shows a run that needs other epochs than the published specification takes: another one that
    /// does not, if there is one with as few failures; or else its states, in ranks. `found` is what
    /// such a search has found, if it was made and saw all.
    pub(super) fn in_other_epochs(
        &mut self,
        paper: &Paper<N, X, 0>,
        shown: &Shown<N, X>,
        found: Option<Option<Shown<N, X>>>,
    ) {
        let is_none = matches!(found, Some(None));
        if found.flatten().is_some_and(|found| self.replayed(&found)) {
            return;
        }
        self.property.trace_length = Some(shown.trace.steps());
        self.property.run = None;
        self.count(shown);
        let (failures, txns) = (shown.failures(), paper.bounds().txns);
        let remarks = &mut self.property.remarks;
        remarks.push(
            "it is a run of the paper's protocol, in which a leader may decide any epoch that is \
             later than all it has heard of; in this run one decides an epoch that is not one more \
             than the greatest heard"
                .to_owned(),
        );
        remarks.push(match is_none {
            true => format!(
                "no run of the published specification with at most {failures} failures and \
                 {txns} transactions violates it"
            ),
            false => {
                "whether some run of the published specification violates it was not found out"
                    .to_owned()
            }
        });
        remarks.push("its states, with epochs and values of requests as ranks:".to_owned());
        remarks.extend(in_ranks(paper, &shown.trace, shown.returns_to));
        remarks.extend(shown.why_fair.iter().cloned());
    }

    /// Says how many failures there are, if no run has fewer.
    fn count(&mut self, shown: &Shown<N, X>) {
        let count = shown.failures();
        if count <= self.searched {
            let noun = if count == 1 { "failure" } else { "failures" };
            self.property.remarks.push(format!("{count} {noun}; no run to it has fewer"));
        }
    }
}
