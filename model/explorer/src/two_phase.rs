//! Two-phase commit, the yardstick of the engines.
//!
//! The specification of Gray and Lamport ("Consensus on Transaction Commit"), step for step as in
//! stateright's example `2pc.rs`, with a whole state in one word.

use stateright::{Model, Property};

use crate::model::ExplorerModel;

/// The model: a transaction manager and some resource managers.
#[derive(Clone, Debug)]
pub struct TwoPhase {
    count: u8,
}

/// Where the fields of a state begin: two bits a resource manager, then sets of them.
const PREPARED: u32 = 24;
const SENT: u32 = 36;
const MANAGER: u32 = 48;
const MESSAGES: u32 = 50;

const RM_WORKING: u64 = 0;
const RM_PREPARED: u64 = 1;
const RM_COMMITTED: u64 = 2;
const RM_ABORTED: u64 = 3;

const TM_INIT: u64 = 0;
const TM_COMMITTED: u64 = 1;
const TM_ABORTED: u64 = 2;

const COMMIT_SENT: u64 = 1 << MESSAGES;
const ABORT_SENT: u64 = 2 << MESSAGES;

/// A step of the model; resource managers by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwoPhaseAction {
    TmCommit,
    TmAbort,
    TmRcvPrepared(u8),
    RmPrepare(u8),
    RmChooseToAbort(u8),
    RmRcvCommitMsg(u8),
    RmRcvAbortMsg(u8),
}

impl TwoPhase {
    /// The model with so many resource managers. `None` for none, or for more than 12.
    #[must_use]
    pub fn new(count: u8) -> Option<Self> {
        (1..=12).contains(&count).then_some(Self { count })
    }

    /// Whether the transaction manager has decided.
    #[must_use]
    pub fn is_decided(&self, state: &u64) -> bool {
        state >> MANAGER & 3 != TM_INIT
    }

    /// Whether every resource manager has committed or aborted.
    #[must_use]
    pub fn is_done(&self, state: &u64) -> bool {
        let is_final = |index| state >> (2 * index) & 3 >= RM_COMMITTED;
        (0..u32::from(self.count)).all(is_final)
    }

    fn all(&self) -> u64 {
        (1 << self.count) - 1
    }

    /// Calls `visit` with every step, in the order of the example.
    #[inline]
    fn for_each_step(&self, state: u64, mut visit: impl FnMut(TwoPhaseAction)) {
        use TwoPhaseAction::{
            RmChooseToAbort, RmPrepare, RmRcvAbortMsg, RmRcvCommitMsg, TmAbort, TmCommit,
            TmRcvPrepared,
        };
        let init = state >> MANAGER & 3 == TM_INIT;
        if init && state >> PREPARED & self.all() == self.all() {
            visit(TmCommit);
        }
        if init {
            visit(TmAbort);
        }
        for index in 0..self.count {
            if init && state >> (SENT + u32::from(index)) & 1 == 1 {
                visit(TmRcvPrepared(index));
            }
            if state >> (2 * index) & 3 == RM_WORKING {
                visit(RmPrepare(index));
                visit(RmChooseToAbort(index));
            }
            if state & COMMIT_SENT != 0 {
                visit(RmRcvCommitMsg(index));
            }
            if state & ABORT_SENT != 0 {
                visit(RmRcvAbortMsg(index));
            }
        }
    }

    /// The state after a step.
    #[inline]
    fn after(state: u64, action: TwoPhaseAction) -> u64 {
        let rm = |index: u8, to: u64| state & !(3 << (2 * index)) | to << (2 * index);
        match action {
            TwoPhaseAction::TmCommit => state | TM_COMMITTED << MANAGER | COMMIT_SENT,
            TwoPhaseAction::TmAbort => state | TM_ABORTED << MANAGER | ABORT_SENT,
            TwoPhaseAction::TmRcvPrepared(index) => state | 1 << (PREPARED + u32::from(index)),
            TwoPhaseAction::RmPrepare(index) => {
                rm(index, RM_PREPARED) | 1 << (SENT + u32::from(index))
            }
            TwoPhaseAction::RmChooseToAbort(index) | TwoPhaseAction::RmRcvAbortMsg(index) => {
                rm(index, RM_ABORTED)
            }
            TwoPhaseAction::RmRcvCommitMsg(index) => rm(index, RM_COMMITTED),
        }
    }

    /// Whether every resource manager is in that state.
    fn all_are(&self, state: u64, wanted: u64) -> bool {
        self.differences(state, wanted) == 0
    }

    /// Whether some resource manager is in that state.
    fn some_is(&self, state: u64, wanted: u64) -> bool {
        let different = self.differences(state, wanted);
        !(different | different >> 1) & self.lows() != 0
    }

    /// The bits in which the resource managers' states differ from that one.
    fn differences(&self, state: u64, wanted: u64) -> u64 {
        (state ^ (wanted * self.lows())) & (3 * self.lows())
    }

    /// The low bit of every resource manager's state.
    fn lows(&self) -> u64 {
        0x5555_5555 & ((1 << (2 * self.count)) - 1)
    }
}

impl Model for TwoPhase {
    type State = u64;
    type Action = TwoPhaseAction;

    fn init_states(&self) -> Vec<u64> {
        vec![0]
    }

    fn actions(&self, state: &u64, actions: &mut Vec<TwoPhaseAction>) {
        self.for_each_step(*state, |action| actions.push(action));
    }

    fn next_state(&self, state: &u64, action: TwoPhaseAction) -> Option<u64> {
        Some(Self::after(*state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("abort agreement", |model: &Self, state| {
                model.all_are(*state, RM_ABORTED)
            }),
            Property::sometimes("commit agreement", |model: &Self, state| {
                model.all_are(*state, RM_COMMITTED)
            }),
            Property::always("consistent", |model: &Self, state| {
                !(model.some_is(*state, RM_ABORTED) && model.some_is(*state, RM_COMMITTED))
            }),
        ]
    }
}

impl ExplorerModel for TwoPhase {
    fn class_names(&self) -> Vec<String> {
        let names = [
            "TmCommit",
            "TmAbort",
            "TmRcvPrepared",
            "RmPrepare",
            "RmChooseToAbort",
            "RmRcvCommitMsg",
            "RmRcvAbortMsg",
        ];
        names.map(str::to_owned).to_vec()
    }

    fn class(&self, action: &TwoPhaseAction) -> u16 {
        match action {
            TwoPhaseAction::TmCommit => 0,
            TwoPhaseAction::TmAbort => 1,
            TwoPhaseAction::TmRcvPrepared(_) => 2,
            TwoPhaseAction::RmPrepare(_) => 3,
            TwoPhaseAction::RmChooseToAbort(_) => 4,
            TwoPhaseAction::RmRcvCommitMsg(_) => 5,
            TwoPhaseAction::RmRcvAbortMsg(_) => 6,
        }
    }

    fn for_each_successor(&self, state: &u64, mut visit: impl FnMut(u16, u64)) {
        self.for_each_step(*state, |action| {
            visit(self.class(&action), Self::after(*state, action));
        });
    }

    /// With symmetry, resource managers are sorted by all that is known of them.
    fn representative(&self, state: &u64) -> u64 {
        let mut parts = [0; 12];
        let parts = &mut parts[..usize::from(self.count)];
        self.parts(*state, parts);
        parts.sort_unstable();
        let mut sorted = state & !((1 << MANAGER) - 1);
        for (index, part) in (0..).zip(parts.iter()) {
            sorted |= (part & 3) << (2 * index)
                | (part >> 2 & 1) << (PREPARED + index)
                | (part >> 3) << (SENT + index);
        }
        sorted
    }

    /// n! over the product of the factorials of how many are alike.
    fn orbit_size(&self, state: &u64) -> u64 {
        let mut parts = [0; 12];
        let parts = &mut parts[..usize::from(self.count)];
        self.parts(*state, parts);
        let factorial = |n: u64| (1..=n).product::<u64>();
        let alike = |part: u64| parts.iter().filter(|other| **other == part).count() as u64;
        (0..16).fold(factorial(u64::from(self.count)), |size, part| size / factorial(alike(part)))
    }
}

impl TwoPhase {
    /// What is known of each resource manager.
    fn parts(&self, state: u64, parts: &mut [u64]) {
        for (index, part) in (0..).zip(parts) {
            *part = state >> (2 * index) & 3
                | (state >> (PREPARED + index) & 1) << 2
                | (state >> (SENT + index) & 1) << 3;
        }
    }
}
