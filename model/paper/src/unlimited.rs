//! No bound on failures, requests and epochs: states up to what no rule and no property tells apart.
//!
//! Three things only ever grow in a run: failures, requests and epochs. No rule reads how many
//! failures there were but the failures themselves; no rule does anything with the value of a
//! request but compare it with another; no rule does anything with an epoch but compare it with
//! another, or take a later one. So states are taken for one that differ in
//!
//! * what was spent of the budgets: failures are possible in every state. A request needs room in
//!   the leader's history, and no more;
//! * the values of requests, as long as their order is the same: they are their ranks among all
//!   values that occur in the state, and the next request gets the next rank;
//! * epochs, as long as their order is the same: they are their ranks among all epochs that occur in
//!   the state, and 0 stays 0.
//!
//! What is left is finite. `docs/src/unlimited.md` says what its closed set proves, and why.

mod ranks;
mod replay;

pub use ranks::in_ranks;
pub use replay::Replayed;

use std::fmt;

use stateright::{Property, Representative};
use zab_explorer::{Reduced, Reduction};

use super::action::Action;
use super::bounds::Bounds;
use super::model::Paper;
use super::properties;
use super::state::{Spent, State, Violation};
use super::types::{NUMBER_MAX, small};
use super::variant::{Rules, Variant};

/// Epochs that may occur in a state, 0 included: two more still fit a zxid.
const EPOCHS_MAX: u32 = NUMBER_MAX as u32 - 1;

/// Values of requests that may occur in a state: one more can still be told apart.
const VALUES_MAX: u32 = 126;

/// Which epochs a leader may decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Epochs {
    /// One more than the greatest it has heard of, as in the published specification: it may be one
    /// that is in use elsewhere.
    #[default]
    Next,
    /// Any that is later than the greatest it has heard of, as in the paper: also one between any
    /// two that are in use, or equal to one.
    Any,
}

impl fmt::Display for Epochs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Next => "next",
            Self::Any => "any",
        })
    }
}

/// The family without a bound on failures, requests and epochs; histories hold at most `txns`
/// transactions.
#[derive(Clone, Copy, Debug)]
pub struct Unlimited<const N: usize, const X: usize> {
    paper: Paper<N, X, 0>,
    epochs: Epochs,
    /// Whether failures are counted after all, so that there are at most as many as the bounds of
    /// the model say.
    counts_failures: bool,
}

impl<const N: usize, const X: usize> Unlimited<N, X> {
    /// The model without bounds, for servers, transactions and reading of a bounded one.
    #[must_use]
    pub fn new(bounded: &Paper<N, X, 0>, epochs: Epochs) -> Reduced<Self> {
        // Nothing is ever spent, so that one failure of each kind is always left.
        let bounds = Bounds { epochs: None, timeouts: 1, restarts: 1, ..*bounded.bounds() };
        let paper = bounded.with_rules(Rules { bounds, ..*bounded.rules() });
        Reduced::new(Self { paper, epochs, counts_failures: false })
    }

    /// The same with so many failures at most, of whatever kind; requests and epochs have no bound.
    #[must_use]
    pub fn with_failures(bounded: &Paper<N, X, 0>, epochs: Epochs, most: u8) -> Reduced<Self> {
        let bounds = Bounds { epochs: None, timeouts: most, restarts: most, ..*bounded.bounds() };
        // So a restart needs a failure to be left too, and one count is enough for both.
        let variant = Variant { restart_is_timeout: true, ..bounded.rules().variant };
        let paper = bounded.with_rules(Rules { bounds, variant });
        Reduced::new(Self { paper, epochs, counts_failures: true })
    }

    /// The state after an action. Whether an epoch became lower is remembered: it shows in the step
    /// only, in which epochs are not renamed yet.
    fn after(&self, state: &State<N, X, 0>, action: Action) -> Option<State<N, X, 0>> {
        let mut next = state.after(self.paper.rules(), action)?;
        if state.is_ahead_in_epochs(&next) {
            next.ghost.fall();
        }
        Some(next)
    }

    /// The outcomes of LeaderProcessCEPOCH. If the leader decides an epoch, it is one more than the
    /// greatest it has heard of. In some states of the class that is the next epoch that is in use,
    /// in others nobody has it: the step is taken from one of each kind.
    fn for_each_epoch(
        &self,
        state: &State<N, X, 0>,
        leader: usize,
        action: Action,
        mut visit: impl FnMut(State<N, X, 0>),
    ) {
        let [epochs, _] = state.count_used();
        if epochs > EPOCHS_MAX {
            return;
        }
        let Some(next) = self.after(state, action) else { return };
        visit(next);
        let new = next.servers[leader].accepted_epoch;
        if new == state.servers[leader].accepted_epoch {
            return;
        }
        // The epochs are 0 to the greatest.
        let greatest = small(epochs as usize) - 1;
        let (mut own, mut last) = (next, new);
        if new <= greatest {
            let apart = state.with_epochs(|epoch| epoch + u8::from(epoch >= new));
            let Some(next) = self.after(&apart, action) else { return };
            visit(next);
            (own, last) = (next, greatest + 1);
        }
        match self.epochs {
            Epochs::Next => {}
            // Nobody else has the new epoch now, so that another may stand in its place.
            Epochs::Any => {
                for other in new + 1..=last {
                    visit(own.with_epochs(|epoch| if epoch == new { other } else { epoch }));
                    visit(own.with_epochs(|epoch| {
                        if epoch == new { other + 1 } else { epoch + u8::from(epoch > other) }
                    }));
                }
            }
        }
    }
}

impl<const N: usize, const X: usize> Reduction for Unlimited<N, X> {
    type Base = Paper<N, X, 0>;

    fn base(&self) -> &Paper<N, X, 0> {
        &self.paper
    }

    fn names(&self) -> Vec<&'static str> {
        vec!["budgets", "distances of epochs", "distances of requests"]
    }

    /// If there are so many epochs or values that more might not fit, that is noted as a violation,
    /// and none is made any more.
    fn canonical(&self, state: &State<N, X, 0>) -> State<N, X, 0> {
        let timeouts = if self.counts_failures { state.spent.timeouts } else { 0 };
        let mut canonical = State { spent: Spent { timeouts, ..Spent::default() }, ..*state };
        let [epochs, values] = canonical.become_ranks();
        if epochs > EPOCHS_MAX || values > VALUES_MAX {
            canonical.note_violation(Violation::NoRoom);
        }
        canonical
    }

    fn for_each_outcome(
        &self,
        state: &State<N, X, 0>,
        action: &Action,
        mut visit: impl FnMut(State<N, X, 0>),
    ) {
        match *action {
            Action::LeaderProcessCepoch(leader, _) => {
                self.for_each_epoch(state, leader, *action, visit);
            }
            Action::LeaderProcessRequest(leader) => {
                let [_, values] = state.count_used();
                if values > VALUES_MAX {
                    return;
                }
                let txns = small(state.servers[leader].history.len());
                let spent = Spent { txns, requests: small(values as usize), ..state.spent };
                let next = self.after(&State { spent, ..*state }, *action);
                next.into_iter().for_each(visit);
            }
            Action::UpdateLeader(_)
            | Action::FollowLeader(_)
            | Action::Timeout(..)
            | Action::Restart(_)
            | Action::ConnectAndFollowerSendCepoch(..)
            | Action::FollowerProcessNewEpoch(..)
            | Action::LeaderProcessAckEpoch(..)
            | Action::FollowerProcessNewLeader(..)
            | Action::LeaderProcessAckLd(..)
            | Action::FollowerProcessCommitLd(..)
            | Action::LeaderBroadcastPropose(_)
            | Action::FollowerProcessPropose(..)
            | Action::LeaderProcessAck(..)
            | Action::FollowerProcessCommit(..)
            | Action::FilterNonexistentMessage(_) => {
                self.after(state, *action).into_iter().for_each(&mut visit);
            }
        }
    }

    fn properties(&self) -> Vec<Property<Reduced<Self>>> {
        properties::unlimited()
    }

    fn representative(&self, state: &State<N, X, 0>) -> State<N, X, 0> {
        Representative::representative(state)
    }

    fn orbit_size(&self, state: &State<N, X, 0>) -> u64 {
        state.orbit_size()
    }
}
