//! Mistakes that are made on purpose, so that tests can show that each is found.

/// A recipe as somebody could have got it wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mistake {
    /// None.
    #[default]
    None,
    /// A lock is taken as soon as the own node is there.
    LockDoesNotWait,
    /// A reader waits for nobody.
    ReaderIgnoresWriters,
    /// The token is made of the number of children, which gets smaller.
    TokenOfChildren,
    /// An item is read and deleted, and whether the delete was the own one is not asked.
    TakeIgnoresDelete,
    /// The youngest item is taken first.
    TakesYoungest,
    /// A barrier is passed as soon as the own node is there.
    BarrierDoesNotWait,
    /// The id is the number of children.
    IdOfChildren,
    /// The watch is not set again after its first event.
    WatchesOnce,
    /// The node becomes active before it fences.
    ActiveBeforeFence,
}
