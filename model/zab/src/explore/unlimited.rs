//! No bound on failures, elections and epochs: states up to what no rule and no property tells apart.
//!
//! As in the `paper` family ([`zab_paper::Unlimited`]): no rule reads how often something failed but
//! the failures themselves, and no rule does anything with an epoch but compare it, or take the next
//! one. So states are taken for one that differ in
//!
//! * what was spent of the budgets: every kind of failure that the bounds allow at all is possible in
//!   every state, and so is an election. Requests keep their budget, because a transaction keeps its
//!   place in the ledger;
//! * epochs, as long as their order is the same: they are their ranks among all epochs that occur in
//!   the state, and 0 stays 0;
//! * which leaders were established earlier: the list of them has no end. What is committed is
//!   remembered as within bounds. That each step is one of abstract primary-order broadcast cannot be
//!   judged without that list; in its place are the two properties of whoever leads.
//!
//! For coarse elections ([`Election::Oracle`] and [`Election::Anybody`]) only: with messages there are
//! rounds as well, of which a server takes the next one like an epoch. And for [`Grain::Writes`] only,
//! where it is known which steps take an epoch.
//!
//! `docs/src/unlimited.md` says what a closed set proves, and lists the places that read an epoch.

mod epochs;
mod leaders;

use stateright::Property;
use zab_explorer::{Reduced, Reduction};

use super::action::Action;
use super::bounds::{Bounds, Election};
use super::ghost::Violation;
use super::model::Zab;
use super::properties;
use super::sizes::{PAIRS, SERVERS};
use super::state::{Budget, State};
use crate::grain::Grain;
use crate::probe::NoProbe;
use crate::shape::Few;

/// Epochs that may occur in a state, 0 included: two more still fit a packet.
const EPOCHS_MAX: u32 = 13;

/// The model without a bound on failures, elections and epochs.
#[derive(Clone, Debug)]
pub struct Unlimited<const N: usize = SERVERS, const P: usize = PAIRS> {
    zab: Zab<N, P>,
    counted: Counted,
}

/// Of what there are at most as many as the bounds of the model say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Requests,
    RequestsAndFailures,
    All,
}

impl<const N: usize, const P: usize> Unlimited<N, P> {
    /// The model without bounds on what these bounds allow at all, other than requests. `None` where
    /// elections have messages, at grain `threads`, and with observers.
    #[must_use]
    pub fn new(zab: &Zab<N, P>) -> Option<Reduced<Self>> {
        let all = zab.bounds;
        // Nothing is ever spent, so that one of each kind is always left.
        let bounds = Bounds {
            crashes: all.crashes.min(1),
            kills: all.kills.min(1),
            lost_disks: all.lost_disks.min(1),
            failed_appends: all.failed_appends.min(1),
            timeouts: all.timeouts.min(1),
            disconnects: all.disconnects.min(1),
            rounds: all.rounds.min(1),
            ..all
        };
        Self::of(Zab { bounds, ..zab.clone() }, Counted::Requests)
    }

    /// The same with as many failures as these bounds allow, and any number of elections.
    #[must_use]
    pub fn elections(zab: &Zab<N, P>) -> Option<Reduced<Self>> {
        let bounds = Bounds { rounds: 1, ..zab.bounds };
        Self::of(Zab { bounds, ..zab.clone() }, Counted::RequestsAndFailures)
    }

    /// The same with at most as many failures and elections as these bounds allow. What is violated
    /// here is violated with any number of them.
    #[must_use]
    pub fn counted(zab: &Zab<N, P>) -> Option<Reduced<Self>> {
        Self::of(zab.clone(), Counted::All)
    }

    fn of(zab: Zab<N, P>, counted: Counted) -> Option<Reduced<Self>> {
        match zab.bounds.election {
            _ if zab.ensemble.grain == Grain::Threads || zab.bounds.observers > 0 => None,
            Election::Oracle | Election::Anybody => Some(Reduced::new(Self { zab, counted })),
            Election::Fle | Election::FleOnly => None,
        }
    }
}

impl<const N: usize, const P: usize> Reduction for Unlimited<N, P> {
    type Base = Zab<N, P>;

    fn base(&self) -> &Zab<N, P> {
        &self.zab
    }

    fn names(&self) -> Vec<&'static str> {
        let budgets = match self.counted {
            Counted::Requests | Counted::All => "budgets of failures and elections",
            Counted::RequestsAndFailures => "the budget of elections",
        };
        vec![budgets, "distances of epochs", "leaders before"]
    }

    /// If there are so many epochs that more might not fit, that is noted as a violation.
    fn canonical(&self, state: &State<N, P>) -> State<N, P> {
        let mut whole = *state;
        let full = Budget::of(&self.zab.bounds);
        whole.budget = match self.counted {
            Counted::Requests => Budget { requests: state.budget.requests, ..full },
            Counted::RequestsAndFailures => Budget { rounds: full.rounds, ..state.budget },
            Counted::All => state.budget,
        };
        whole.ghost.established = Few::default();
        whole.ghost.clear(Violation::NoAbstractStep);
        let used = whole.used_epochs();
        if used.count() > EPOCHS_MAX {
            whole.ghost.mark(Violation::Overflow);
        }
        whole.with_ranks(used)
    }

    /// A server that begins to lead wants the epoch after the one that it has accepted, and later one
    /// that is above what a learner tells. In some states of the class that is an epoch that occurs, in
    /// others nobody has it: these steps are taken from the state as it stands, and from the states with
    /// a gap between any two epochs.
    fn for_each_outcome(
        &self,
        state: &State<N, P>,
        action: &Action,
        mut visit: impl FnMut(State<N, P>),
    ) {
        let used = state.used_epochs().count();
        let takes_epoch = matches!(action, Action::Elect(..) | Action::Accept(..));
        if takes_epoch && used > EPOCHS_MAX {
            return;
        }
        self.zab.act(state, *action, &mut NoProbe).into_iter().for_each(&mut visit);
        let gaps = if takes_epoch { used } else { 1 };
        for gap in 1..gaps {
            let apart = state.with_epochs(|epoch| epoch + u8::from(u32::from(epoch) >= gap));
            let next = apart.and_then(|apart| self.zab.act(&apart, *action, &mut NoProbe));
            next.into_iter().for_each(&mut visit);
        }
    }

    fn properties(&self) -> Vec<Property<Reduced<Self>>> {
        let mut all = properties::unlimited(&self.zab);
        all.extend(leaders::properties());
        all
    }
}
