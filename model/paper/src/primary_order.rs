//! The properties of primary-order atomic broadcast, as the paper states them, over what was
//! broadcast, what was delivered and who was established. Both families and the checker of traces
//! take them from here.
//!
//! They are quantified over all servers and over *all* pairs of transactions. (In the published
//! TLA+ the local primary order asks for *some* pair, which every transaction paired with itself
//! satisfies.)

/// The name of a property, and what it says.
pub type Law = (&'static str, &'static str);

/// See [`integrity`].
pub const INTEGRITY: Law =
    ("integrity", "What is delivered was broadcast by a leader, and is delivered once.");
/// See [`agreement`].
pub const AGREEMENT: Law =
    ("agreement", "If one server delivers a and another b, one of them delivers both.");
/// See [`total_order`].
pub const TOTAL_ORDER: Law =
    ("total_order", "If one server delivers a before b, whoever delivers b delivers a before it.");
/// See [`local_primary_order`].
pub const LOCAL_PRIMARY_ORDER: Law = (
    "local_primary_order",
    "Transactions of one leader are delivered in the order in which it broadcast them, none left \
     out.",
);
/// See [`global_primary_order`].
pub const GLOBAL_PRIMARY_ORDER: Law = (
    "global_primary_order",
    "Transactions of an earlier epoch are delivered before those of a later one.",
);
/// See [`primary_integrity`].
pub const PRIMARY_INTEGRITY: Law = (
    "primary_integrity",
    "Before a leader broadcasts it has delivered whatever anybody delivers of earlier epochs.",
);
/// See [`prefix_consistency`].
pub const PREFIX_CONSISTENCY: Law =
    ("prefix_consistency", "Of two delivered histories one is a prefix of the other.");
/// No epoch has two established leaders, even at different times.
pub const SINGLE_ESTABLISHED_LEADER: Law =
    ("single_established_leader", "An epoch has at most one established leader.");
/// Whatever was committed in earlier epochs begins the history of every later leader.
pub const COMMITTED_NEVER_LOST: Law = (
    "committed_never_lost",
    "The history of a later leader holds everything committed in earlier epochs.",
);

/// Whatever is committed is on the disks of a quorum.
pub const COMMITTED_IS_DURABLE: Law = (
    "committed_is_durable_on_a_quorum",
    "A quorum has every committed transaction on disk, from the moment of its commit on.",
);

/// A model loses nothing where it has no room.
pub const CAPACITY_SUFFICES: Law = (
    "capacity_suffices",
    "Nothing is lost to the limits of the model (a defect of the bounds, not of the protocol).",
);

/// A transaction, as far as the properties look at it.
pub trait Transaction: PartialEq + 'static {
    /// The epoch of its zxid.
    fn epoch(&self) -> u8;
    /// The counter of its zxid.
    fn counter(&self) -> u8;
}

/// What each server has delivered, in order.
pub trait Delivered<'a, T: 'a>: Iterator<Item = &'a [T]> + Clone {}

impl<'a, T: 'a, I: Iterator<Item = &'a [T]> + Clone> Delivered<'a, T> for I {}

/// Whatever is delivered was broadcast, and no server delivers it twice.
pub fn integrity<'a, T: Transaction>(
    mut delivered: impl Delivered<'a, T>,
    was_broadcast: impl Fn(&T) -> bool,
) -> bool {
    delivered.all(|txns| {
        let fine = |(at, txn)| was_broadcast(txn) && !txns[..at].contains(txn);
        txns.iter().enumerate().all(fine)
    })
}

/// If one server delivers a and another b, then one of them delivers both.
pub fn agreement<'a, T: Transaction>(delivered: impl Delivered<'a, T>) -> bool {
    for_all_pairs(delivered, |mine, theirs| {
        mine.iter().all(|a| theirs.contains(a) || theirs.iter().all(|b| mine.contains(b)))
    })
}

/// If one server delivers a before b, whoever delivers b delivers a before it.
pub fn total_order<'a, T: Transaction>(delivered: impl Delivered<'a, T>) -> bool {
    for_all_pairs(delivered, |mine, theirs| {
        mine.iter().enumerate().all(|(at, b)| {
            let before = theirs.iter().position(|txn| txn == b).map(|there| &theirs[..there]);
            before.is_none_or(|before| mine[..at].iter().all(|a| before.contains(a)))
        })
    })
}

/// If a primary broadcasts a before b, whoever delivers b delivers a before it.
pub fn local_primary_order<'a, T: Transaction>(
    mut delivered: impl Delivered<'a, T>,
    broadcast: impl Iterator<Item = T> + Clone,
) -> bool {
    delivered.all(|txns| {
        txns.iter().enumerate().all(|(at, b)| {
            let earlier = |a: &T| a.epoch() == b.epoch() && a.counter() < b.counter();
            broadcast.clone().filter(earlier).all(|a| txns[..at].contains(&a))
        })
    })
}

/// Whoever delivers a of an epoch and b of a later one delivers a before b.
pub fn global_primary_order<'a, T: Transaction>(mut delivered: impl Delivered<'a, T>) -> bool {
    delivered.all(|txns| txns.is_sorted_by_key(T::epoch))
}

/// Each primary, given as its epoch and what it has delivered before it broadcasts anything, has
/// delivered whatever anybody delivers of earlier epochs.
pub fn primary_integrity<'a, T: Transaction>(
    delivered: impl Delivered<'a, T>,
    mut primaries: impl Iterator<Item = (u8, &'a [T])>,
) -> bool {
    primaries.all(|(epoch, own)| {
        let mut all = delivered.clone().flatten();
        all.all(|txn| txn.epoch() >= epoch || own.contains(txn))
    })
}

/// Of what any two servers have delivered, one is a prefix of the other.
pub fn prefix_consistency<'a, T: Transaction>(delivered: impl Delivered<'a, T>) -> bool {
    for_all_pairs(delivered, |mine, theirs| {
        let common = mine.len().min(theirs.len());
        mine[..common] == theirs[..common]
    })
}

/// Whether `condition` holds for every two servers, in both orders, and for each with itself.
fn for_all_pairs<'a, T: Transaction>(
    delivered: impl Delivered<'a, T>,
    condition: impl Fn(&[T], &[T]) -> bool,
) -> bool {
    delivered.clone().all(|one| delivered.clone().all(|other| condition(one, other)))
}
