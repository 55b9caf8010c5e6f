//! The runs of known bugs, made again by a model of the size in which they were found.

use zab_bugs::{Budget, Hunt, Scene, WithHunt};
use zab_model::explore::{Action, Largest};
use zab_view::Run;

/// A run, and the family of which it is one.
pub(crate) struct Retold {
    pub(crate) family: Largest,
    /// Nothing, if the model does not make the run again.
    pub(crate) run: Option<Run>,
}

/// Makes the run of a bug again; `None` where there is no room for the budget.
pub(crate) fn retold(scene: &Scene, budget: Budget, actions: &[Action]) -> Option<Retold> {
    scene.with_model(budget, Retelling(actions)).ok()
}

impl Retold {
    /// The run of these actions.
    pub(crate) fn new<const N: usize, const P: usize>(
        model: &Hunt<N, P>,
        actions: &[Action],
    ) -> Self {
        let family = model.family();
        Self { family: family.largest(), run: Run::of(family, 0, actions) }
    }
}

struct Retelling<'a>(&'a [Action]);

impl WithHunt for Retelling<'_> {
    type Output = Retold;

    fn run<const N: usize, const P: usize>(self, model: &Hunt<N, P>) -> Self::Output {
        Retold::new(model, self.0)
    }
}
