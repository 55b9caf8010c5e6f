//! Runs without bounds as runs of the published specification, with whole numbers for epochs.

use zab_explorer::{Reduction, Trace};

use super::Unlimited;
use crate::action::Action;
use crate::bounds::Bounds;
use crate::ghost::Ghost;
use crate::model::Paper;
use crate::state::State;
use crate::types::NUMBER_MAX;
use crate::variant::Rules;

/// A run as one of the published specification.
#[derive(Clone, Debug)]
pub struct Replayed<const N: usize, const X: usize> {
    /// The model with the bounds that the run needs.
    pub model: Paper<N, X, 0>,
    /// What happens.
    pub actions: Vec<Action>,
}

impl<const N: usize, const X: usize> Unlimited<N, X> {
    /// The same run from the initial state, where every new epoch is one more than the greatest that
    /// the leader has heard of.
    ///
    /// One that goes on for ever goes back, when it is over, to the state at `returns_to`, 0 for the
    /// first: to that very state, not merely to one with the same image. So it goes round for ever in
    /// the published specification, too. Its steps are those of the images, and what is possible in a
    /// state is possible in its image; so it is as fair.
    ///
    /// `None` if that is another run: it then needs other epochs than the published specification
    /// takes, or more of them than fit a zxid; or it does not come back.
    #[must_use]
    pub fn replay(
        &self,
        trace: &Trace<State<N, X, 0>>,
        returns_to: Option<usize>,
    ) -> Option<Replayed<N, X>> {
        let all = Action::all(N);
        let action = |class: &u16| all.get(usize::from(*class)).copied();
        let actions: Vec<Action> = trace.classes.iter().map(action).collect::<Option<_>>()?;
        let count = |is_it: fn(&Action) -> bool| actions.iter().filter(|a| is_it(a)).count();
        let restarts = count(|action| matches!(action, Action::Restart(_)));
        let timeouts = count(|action| matches!(action, Action::Timeout(..)));
        let epochs_max = N + timeouts + 2 * restarts;
        let bounds = Bounds {
            // A restart spends a timeout too.
            timeouts: u8::try_from(timeouts + restarts).ok()?,
            restarts: u8::try_from(restarts).ok()?,
            ..*self.paper.bounds()
        };
        if epochs_max > usize::from(NUMBER_MAX) {
            return None;
        }
        // The specification refuses requests for good when a history has been full at one. With one
        // more transaction it does not, and a leader takes what it has room for.
        (bounds.txns..=bounds.txns + 1).find_map(|txns| {
            let bounds = Bounds { txns, ..bounds };
            let model = self.paper.with_rules(Rules { bounds, ..*self.paper.rules() });
            let states = self.run_of(&model, trace, &actions)?;
            let goes_on = returns_to.is_none_or(|begins| states.get(begins) == states.last());
            goes_on.then(|| Replayed { model, actions: actions.clone() })
        })
    }

    /// The states through which the actions lead the model; `None` if these are not their images. How
    /// many failures an image has counted does not matter, nor what it remembers of its run.
    fn run_of(
        &self,
        model: &Paper<N, X, 0>,
        trace: &Trace<State<N, X, 0>>,
        actions: &[Action],
    ) -> Option<Vec<State<N, X, 0>>> {
        let calm = Self { counts_failures: false, ..*self };
        let image =
            |state: &State<N, X, 0>| State { ghost: Ghost::default(), ..calm.canonical(state) };
        let mut states = vec![State::default()];
        for action in actions {
            states.push(states.last()?.after(model.rules(), *action)?);
        }
        let same = |(state, seen): (&State<N, X, 0>, _)| image(state) == image(seen);
        states.iter().zip(&trace.states).all(same).then_some(states)
    }
}
