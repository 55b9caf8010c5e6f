//! Where mutants are looked for, from small to large.

use crate::explore::Rung;
use crate::paper::Bounds;

/// The bounds, in the order in which a mutant goes through them, each with the states that the
/// protocol itself has there, ghosts included, and generates.
pub const LADDER: [Rung; 9] = [
    rung([2, 1, 1, 0], false, 345, 419),
    rung([2, 2, 1, 1], false, 8346, 11_993),
    rung([3, 1, 1, 0], true, 4040, 8523),
    rung([3, 1, 0, 1], true, 5150, 10_884),
    rung([4, 1, 0, 0], true, 504, 1297),
    rung([3, 2, 1, 0], true, 27_724, 67_919),
    rung([3, 1, 1, 1], true, 48_335, 107_857),
    rung([3, 1, 2, 0], true, 36_987, 79_463),
    rung([3, 2, 1, 1], true, 372_737, 889_926),
];

/// `numbers` are servers, transactions, timeouts and restarts.
const fn rung(numbers: [u8; 4], symmetry: bool, distinct: u64, generated: u64) -> Rung {
    let [servers, txns, timeouts, restarts] = numbers;
    let bounds = Bounds { servers, txns, epochs: None, timeouts, restarts };
    Rung { bounds, symmetry, distinct, generated }
}
