//! With a little of the memory that a run needs, everything is counted and found as with all of it.

use stateright::{Model, Property};
use zab_explorer::{ExplorerModel, Options, Stop, TwoPhase};

use super::{assert_same, explored};

const MEBIBYTE: u64 = 1 << 20;

/// Sums of three numbers that only grow, in a state with a lot beside them, so that many of them are
/// reached again much later: by `back`, from wherever.
pub(crate) struct Sums {
    pub(crate) last: u8,
}

pub(crate) type Numbers = [u8; 24];

impl Model for Sums {
    type State = Numbers;
    type Action = usize;

    fn init_states(&self) -> Vec<Numbers> {
        vec![[0; 24]]
    }

    fn actions(&self, _: &Numbers, actions: &mut Vec<usize>) {
        actions.extend(0..5);
    }

    fn next_state(&self, numbers: &Numbers, at: usize) -> Option<Numbers> {
        let mut next = *numbers;
        match at {
            0..3 => next[at] += 1,
            // Back to the beginning, and to its half: nearly always to a state of an early level.
            3 => next[..3].fill(0),
            _ => next[..3].iter_mut().for_each(|number| *number /= 2),
        }
        let [a, b, c, rest @ ..] = &mut next;
        for (place, byte) in rest.iter_mut().enumerate() {
            *byte =
                a.wrapping_mul(7).wrapping_add(b.wrapping_mul(31)).wrapping_add(*c) >> (place % 8);
        }
        (next[..3].iter().max() <= Some(&self.last)).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("not this one", |_, state: &Numbers| state[..3] != [9, 17, 5]),
            Property::always("within", |model: &Self, state: &Numbers| state[0] <= model.last),
            Property::sometimes("the last", |model: &Self, state: &Numbers| {
                state[..3].iter().all(|number| *number == model.last)
            }),
            Property::sometimes("never", |_, state: &Numbers| state[0] == u8::MAX),
        ]
    }
}

impl ExplorerModel for Sums {
    fn class_names(&self) -> Vec<String> {
        ["a", "b", "c", "back", "half"].map(str::to_owned).into()
    }

    fn class(&self, at: &usize) -> u16 {
        u16::try_from(*at).expect("few")
    }

    fn representative(&self, state: &Numbers) -> Numbers {
        let mut sorted = *state;
        sorted[..3].sort_unstable();
        sorted[3..].fill(0);
        sorted
    }

    fn orbit_size(&self, state: &Numbers) -> u64 {
        let [a, b, c, ..] = self.representative(state);
        match (a == b, b == c) {
            (true, true) => 1,
            (false, false) => 6,
            _ => 3,
        }
    }
}

/// Compares a run in memory with one in a part of it, with one thread and with two.
fn compare<M: ExplorerModel>(model: &M, options: &Options<'_>, memory: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let all = explored(model, &Options { memory_max: None, ..*options });
    for threads in [1, 2] {
        let short = Options { threads, memory_max: Some(memory), ..*options };
        assert_eq!(explored(model, &short).stopped, Some(Stop::Memory), "it would have fitted");
        let spill = Options { spill: Some(folder.path()), ..short };
        let report = explored(model, &spill);
        assert_eq!(report.disk, None);
        assert!(report.memory.emptied > 0, "emptied {} times", report.memory.emptied);
        assert!(report.memory.peak <= memory, "{} bytes of {memory}", report.memory.peak);
        assert_same(&report, &all);
    }
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "files are left");
}

#[test]
fn two_phase_commit_in_a_tenth_of_its_memory() {
    compare(&TwoPhase::new(7).expect("few"), &Options::default(), 3 * MEBIBYTE);
}

#[test]
fn states_that_come_back_from_late_levels() {
    compare(&Sums { last: 80 }, &Options::default(), 3 * MEBIBYTE);
}

/// Of orbits, sizes are added up; those that turn out to be known are taken off again.
#[test]
fn orbits_and_their_sizes() {
    let sums = Sums { last: 150 };
    compare(&sums, &Options { symmetry: true, ..Options::default() }, 3 * MEBIBYTE);
}

/// A run that is cut short counts no state that it has on disk already.
#[test]
fn a_limit_of_depth_in_the_middle() {
    let options = Options { depth_max: 150, ..Options::default() };
    compare(&Sums { last: 80 }, &options, 3 * MEBIBYTE);
}
