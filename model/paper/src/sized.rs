//! From bounds that are known when the program runs to a model whose size is known when it is
//! compiled.

use super::bounds::{Bounds, BoundsError, SERVERS_MAX};
use super::model::Paper;
use super::variant::Rules;

/// Transactions that a history can hold in the largest of the sizes of [`with_model`].
pub const TXNS_MAX: u8 = 6;

/// Something to be done with the model of some bounds, whatever its size.
pub trait WithModel<const G: usize> {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<const N: usize, const X: usize>(self, model: &Paper<N, X, G>) -> Self::Output;
}

/// Does something with the smallest model that has room for the bounds of these rules. Every size
/// has the same states; smaller ones are faster. There are few sizes, because each is compiled, and
/// none of its own for three transactions where there are not three servers.
///
/// `G` is how many requests the ghosts remember: 0 for the counts of the normal form, at least
/// [`Bounds::requests_max`] for the properties that need ghosts.
///
/// # Errors
/// When no model has room for the bounds; the error says what would fit.
pub fn with_model<const G: usize, W: WithModel<G>>(
    rules: Rules,
    work: W,
) -> Result<W::Output, BoundsError> {
    let Bounds { servers, txns, .. } = rules.bounds;
    Ok(match (servers, txns) {
        (2, 0..=2) => work.run(&Paper::<2, 2, G>::new(rules)?),
        (2, 3..=TXNS_MAX) => work.run(&Paper::<2, 6, G>::new(rules)?),
        (3, 0..=2) => work.run(&Paper::<3, 2, G>::new(rules)?),
        (3, 3) => work.run(&Paper::<3, 3, G>::new(rules)?),
        (3, 4..=TXNS_MAX) => work.run(&Paper::<3, 6, G>::new(rules)?),
        (4, 0..=2) => work.run(&Paper::<4, 2, G>::new(rules)?),
        (4, 3..=TXNS_MAX) => work.run(&Paper::<4, 6, G>::new(rules)?),
        (SERVERS_MAX, 0..=2) => work.run(&Paper::<5, 2, G>::new(rules)?),
        (SERVERS_MAX, 3..=TXNS_MAX) => work.run(&Paper::<5, 6, G>::new(rules)?),
        (2..=SERVERS_MAX, offered) => {
            return Err(BoundsError::Txns { offered, room: usize::from(TXNS_MAX) });
        }
        (offered, _) => return Err(BoundsError::ServerRange { offered }),
    })
}
