//! From a budget that is known when the program runs to a model whose size is known when it is compiled.

use zab_model::explore::SERVERS_MAX;
use zab_model::{Grain, Profile};

use crate::budget::Budget;
use crate::hunt::Hunt;
use crate::impossible::Impossible;

/// Something to be done with the model in which a bug is looked for, whatever its size.
pub trait WithHunt {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<const N: usize, const P: usize>(self, model: &Hunt<N, P>) -> Self::Output;
}

/// Does something with the model at a grain, of the smallest size that has room for the budget, as
/// [`zab_model::explore::with_size`] does.
///
/// # Errors
/// When none has: of what there is too much.
pub fn with_hunt<W: WithHunt>(
    profile: Profile,
    grain: Grain,
    budget: Budget,
    damage: &[&str],
    known: &[&str],
    work: W,
) -> Result<W::Output, Impossible> {
    if let Some(small) = Hunt::new(profile, budget, damage, known) {
        return Ok(work.run(&small.at(grain)));
    }
    let large = Large::sized(profile, budget, damage, known);
    let large = large.ok_or_else(|| Impossible::no_room(&budget.bounds, SERVERS_MAX))?;
    Ok(work.run(&large.at(grain)))
}

/// The model with as much room as there is.
type Large = Hunt<SERVERS_MAX, { SERVERS_MAX * (SERVERS_MAX - 1) }>;
