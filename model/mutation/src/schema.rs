//! What the instrumented rules ask: is this guard, or this effect, broken now?
//!
//! Which one is, is known by thread: an exploration with one thread runs on the thread that called.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::list::{Change, Mutant};
use crate::paper::Action;

/// What is broken. Nothing has the number 0.
#[derive(Clone, Copy, Default)]
struct Active {
    point: u32,
    /// The call of the guard for which it is; 0 where it is broken for all.
    call: u32,
    change: Option<Change>,
}

thread_local! {
    static ACTIVE: Cell<Active> =
        const { Cell::new(Active { point: 0, call: 0, change: None }) };
}

/// Does something while this mutant is active on this thread, or none.
pub(crate) fn with<T>(mutant: Option<&Mutant>, work: impl FnOnce() -> T) -> T {
    /// Restores what was active, also when `work` panics.
    struct Restore(Active);
    impl Drop for Restore {
        fn drop(&mut self) {
            ACTIVE.set(self.0);
        }
    }
    let active = mutant.map_or(Active::default(), |mutant| Active {
        point: mutant.point,
        call: mutant.call,
        change: Some(mutant.change),
    });
    let _restore = Restore(ACTIVE.replace(active));
    work()
}

/// Whether a mutant is active on this thread.
pub(crate) fn is_active() -> bool {
    ![0, EVERYTHING].contains(&ACTIVE.get().point)
}

/// Nothing is broken, and what is asked is noted.
const EVERYTHING: u32 = u32::MAX;

/// What was asked: by point and call, whether a condition was false and true, or an effect took
/// place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(BTreeMap<(u32, u32), [bool; 2]>);

thread_local! {
    static ASKED: RefCell<Asked> = const { RefCell::new(Asked(BTreeMap::new())) };
}

/// Does something, and notes what is asked.
pub(crate) fn noting<T>(work: impl FnOnce() -> T) -> (T, Asked) {
    ASKED.take();
    let before = ACTIVE.replace(Active { point: EVERYTHING, ..Active::default() });
    let done = work();
    ACTIVE.set(before);
    (done, ASKED.take())
}

impl Asked {
    /// Whether a mutant would have done otherwise somewhere. If not, it does what the protocol does.
    pub(crate) fn differs(&self, mutant: &Mutant) -> bool {
        let asked = self.0.get(&(mutant.point, mutant.call));
        let [was_false, was_true] = asked.copied().unwrap_or_default();
        match mutant.change {
            Change::Negated | Change::Omitted | Change::Replaced { .. } => was_false || was_true,
            Change::True => was_false,
            Change::False => was_true,
        }
    }
}

fn note(point: u32, call: u32, value: bool) {
    ASKED.with_borrow_mut(|Asked(all)| {
        all.entry((point, call)).or_default()[usize::from(value)] = true;
    });
}

/// A condition, as it is or broken.
pub(crate) fn condition(point: u32, value: bool) -> bool {
    condition_in(0, point, value)
}

/// A condition of a guard that is called from several rules, broken for one call only.
pub(crate) fn condition_in(call: u32, point: u32, value: bool) -> bool {
    let active = ACTIVE.get();
    if active.point == point && active.call == call {
        return broken(active.change, value);
    }
    if active.point == EVERYTHING {
        note(point, call, value);
    }
    value
}

fn broken(change: Option<Change>, value: bool) -> bool {
    match change {
        Some(Change::Negated) => !value,
        Some(Change::True) => true,
        Some(Change::False | Change::Omitted | Change::Replaced { .. }) => false,
        None => value,
    }
}

/// Whether an effect takes place.
pub(crate) fn kept(point: u32) -> bool {
    condition_in(0, point, true)
}

/// The items of a program, or those without one. The first has that number, and the others those
/// that follow.
pub(crate) fn items<T>(first: u32, all: &'static [T], without: &[&'static [T]]) -> &'static [T] {
    let missing = (first..).zip(without).find(|(point, _)| !kept(*point));
    missing.map_or(all, |(_, without)| without)
}

/// The value of a field, or nothing.
pub(crate) fn value<T: Default>(point: u32, value: T) -> T {
    if kept(point) { value } else { T::default() }
}

/// The place that an effect changes, or one that nobody looks at.
pub(crate) fn place<'a, T>(point: u32, place: &'a mut T, aside: &'a mut T) -> &'a mut T {
    if kept(point) { place } else { aside }
}

/// The place that is emptied, or a copy of it.
pub(crate) fn copy<'a, T: Copy>(point: u32, place: &'a mut T, aside: &'a mut T) -> &'a mut T {
    if kept(point) {
        return place;
    }
    *aside = *place;
    aside
}

/// One more turn of a loop.
///
/// # Panics
/// When there are so many that it does not end: every loop of the rules goes through servers or
/// transactions.
pub(crate) fn turn(turns: &mut u32) {
    *turns += 1;
    assert!(*turns < 1000, "a step that does not end");
}

/// Whether every action is tried in every state. Nobody sets it to false: then the copy would only
/// try what the original tries.
pub(crate) const EVERY_ACTION: bool = true;

/// Every action of every server, and of every two.
pub(crate) fn every_action(servers: usize) -> impl Iterator<Item = Action> {
    const OF_ONE: [fn(usize) -> Action; 6] = [
        Action::UpdateLeader,
        Action::FollowLeader,
        Action::Restart,
        Action::LeaderProcessRequest,
        Action::LeaderBroadcastPropose,
        Action::FilterNonexistentMessage,
    ];
    const OF_TWO: [fn(usize, usize) -> Action; 11] = [
        Action::Timeout,
        Action::ConnectAndFollowerSendCepoch,
        Action::LeaderProcessCepoch,
        Action::FollowerProcessNewEpoch,
        Action::LeaderProcessAckEpoch,
        Action::FollowerProcessNewLeader,
        Action::LeaderProcessAckLd,
        Action::FollowerProcessCommitLd,
        Action::FollowerProcessPropose,
        Action::LeaderProcessAck,
        Action::FollowerProcessCommit,
    ];
    let of_one = (0..servers).flat_map(|i| OF_ONE.map(|action| action(i)));
    let pairs = (0..servers).flat_map(move |i| (0..servers).map(move |j| (i, j)));
    of_one.chain(pairs.flat_map(|(i, j)| OF_TWO.map(|action| action(i, j))))
}
