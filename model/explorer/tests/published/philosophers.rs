//! Philosophers who hand clean forks to their neighbours, and Peterson's lock for two.

use zab_explorer::{Claim, Fairness};
use zerocopy::{Immutable, IntoBytes, TryFromBytes};

use crate::spec::{Of, Spec, assert_counts, assert_needs_fairness};

const SEATS: usize = 5;

const LOOP: u8 = 0;
const EAT: u8 = 1;
const THINK: u8 = 2;

/// Five of them, after Chandy and Misra.
struct Philosophers;

/// Fork `i` lies to the left of philosopher `i`, and to the right of the one before.
#[derive(Clone, Copy, PartialEq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
struct Table {
    holder: [u8; SEATS],
    clean: [bool; SEATS],
    hungry: [bool; SEATS],
    at: [u8; SEATS],
}

impl Table {
    /// Hands over a dirty fork that this philosopher holds, if it is one, and cleans it.
    fn hands_over(&mut self, fork: usize, from: usize, to: usize) -> bool {
        let may = usize::from(self.holder[fork]) == from && !self.clean[fork];
        if may {
            self.holder[fork] = u8::try_from(to).expect("a seat");
            self.clean[fork] = true;
        }
        may
    }
}

impl Spec for Philosophers {
    type State = Table;

    fn classes(&self) -> Vec<String> {
        (0..SEATS).map(|seat| format!("philosopher {seat}")).collect()
    }

    fn init(&self) -> Vec<Table> {
        // Each fork is with the lower of its two neighbours.
        let holder = [0, 0, 2, 3, 4];
        let (no, yes) = ([false; SEATS], [true; SEATS]);
        vec![Table { holder, clean: no, hungry: yes, at: [LOOP; SEATS] }]
    }

    fn next(&self, table: &Table, steps: &mut Vec<(u16, Table)>) {
        for (class, seat) in (0..).zip(0..SEATS) {
            let (left, right) = (seat, (seat + 1) % SEATS);
            let mut next = *table;
            match table.at[seat] {
                LOOP => {
                    if !next.hands_over(left, seat, (seat + SEATS - 1) % SEATS) {
                        next.hands_over(right, seat, right);
                    }
                    // What it does next it decides by the forks that it has kept.
                    let is_own =
                        |fork: usize| usize::from(next.holder[fork]) == seat && next.clean[fork];
                    next.at[seat] = match (table.hungry[seat], is_own(left) && is_own(right)) {
                        (true, true) => EAT,
                        (true, false) => LOOP,
                        (false, _) => THINK,
                    };
                }
                EAT => {
                    next.hungry[seat] = false;
                    (next.clean[left], next.clean[right]) = (false, false);
                    next.at[seat] = LOOP;
                }
                _ => (next.hungry[seat], next.at[seat]) = (true, LOOP),
            }
            steps.push((class, next));
        }
    }

    fn invariant(&self, table: &Table) -> bool {
        (0..SEATS).all(|seat| table.at[seat] != EAT || table.at[(seat + 1) % SEATS] != EAT)
    }
}

#[test]
fn philosophers() {
    let model = Of(Philosophers);
    let report = assert_counts(&model, [67, 336, 29]);
    assert_eq!(report.deadlocks, 0);
    let fairness = Fairness::weak(&Philosophers.classes(), 0..5);
    let eats = || Claim::AlwaysEventually(|_: &Of<Philosophers>, table: &Table| !table.hungry[2]);
    assert_needs_fairness(&model, eats, &fairness);
}

/// Two processes; each goes through `a0`, `a1`, `a2`, `a3`, `cs` and `a4`, here 0 to 5.
struct Peterson;

#[derive(Clone, Copy, PartialEq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
struct Lock {
    at: [u8; 2],
    wants: [bool; 2],
    turn: u8,
}

impl Spec for Peterson {
    type State = Lock;

    fn init(&self) -> Vec<Lock> {
        vec![Lock { at: [0; 2], wants: [false; 2], turn: 0 }]
    }

    fn next(&self, lock: &Lock, steps: &mut Vec<(u16, Lock)>) {
        for (me, other, turn) in [(0, 1, 1), (1, 0, 0)] {
            let mut next = *lock;
            next.at[me] = (lock.at[me] + 1) % 6;
            match lock.at[me] {
                1 => next.wants[me] = true,
                2 => next.turn = turn,
                3 if lock.wants[other] && lock.turn == turn => continue,
                5 => next.wants[me] = false,
                _ => {}
            }
            steps.push((0, next));
        }
    }

    fn invariant(&self, lock: &Lock) -> bool {
        !lock.at.iter().all(|at| *at >= 4)
    }
}

#[test]
fn peterson() {
    assert_eq!(assert_counts(&Of(Peterson), [42, 77, 11]).deadlocks, 0);
}
