//! Runs without bounds as runs of the published specification, with whole numbers for epochs.

use zab_explorer::{Reduction, Trace};

use super::Unlimited;
use crate::action::Action;
use crate::bounds::Bounds;
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
    /// `None` if that is another run: it then needs other epochs than the published specification
    /// takes, or more of them than fit a zxid.
    #[must_use]
    pub fn replay(&self, trace: &Trace<State<N, X, 0>>) -> Option<Replayed<N, X>> {
        let all = Action::all(N);
        let action = |class: &u16| all.get(usize::from(*class)).copied();
        let actions: Vec<Action> = trace.classes.iter().map(action).collect::<Option<_>>()?;
        let count = |is_it: fn(&Action) -> bool| actions.iter().filter(|a| is_it(a)).count();
        let restarts = count(|action| matches!(action, Action::Restart(_)));
        let timeouts = count(|action| matches!(action, Action::Timeout(..)));
        let fits = N + timeouts + 2 * restarts;
        let bounds = Bounds {
            // A restart spends a timeout too.
            timeouts: u8::try_from(timeouts + restarts).ok()?,
            restarts: u8::try_from(restarts).ok()?,
            ..*self.paper.bounds()
        };
        if fits > usize::from(NUMBER_MAX) {
            return None;
        }
        // The specification refuses requests for good when a history has been full at one. With one
        // more transaction it does not, and a leader takes what it has room for.
        (bounds.txns..=bounds.txns + 1).find_map(|txns| {
            let bounds = Bounds { txns, ..bounds };
            let model = self.paper.with_rules(Rules { bounds, ..*self.paper.rules() });
            self.is_run(&model, trace, &actions)
                .then(|| Replayed { model, actions: actions.clone() })
        })
    }

    /// Whether the actions lead the model through states of which these are the images.
    fn is_run(
        &self,
        model: &Paper<N, X, 0>,
        trace: &Trace<State<N, X, 0>>,
        actions: &[Action],
    ) -> bool {
        let mut state = State::default();
        let mut images = trace.states.iter();
        let mut is_image = |state: &State<N, X, 0>| {
            let image = images.next();
            image.is_some_and(|image| *image == self.canonical(state))
        };
        is_image(&state)
            && actions.iter().all(|action| {
                let Some(next) = state.after(model.rules(), *action) else { return false };
                state = next;
                is_image(&state)
            })
    }
}
