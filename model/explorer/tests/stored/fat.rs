//! Two-phase commit with states of vectors, sets and enums: a state for each of the flat model's.

use std::collections::BTreeSet;

use stateright::{Model, Property};
use zab_explorer::{ExplorerModel, StoredState, TwoPhase};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    Working,
    Prepared,
    Committed,
    Aborted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fat {
    pub(crate) managers: Vec<Manager>,
    /// Those of which the transaction manager knows that they are prepared.
    known: BTreeSet<u8>,
    /// Those that have said so.
    sent: BTreeSet<u8>,
    /// What the transaction manager has decided and said.
    decided: Vec<String>,
}

pub(crate) struct FatTwoPhase {
    pub(crate) inner: TwoPhase,
    count: u8,
}

impl FatTwoPhase {
    pub(crate) fn new(count: u8) -> Self {
        Self { inner: TwoPhase::new(count).expect("few"), count }
    }

    fn fat_of(&self, flat: u64) -> Fat {
        let numbers = 0..self.count;
        let manager = |number: u8| match flat >> (2 * number) & 3 {
            0 => Manager::Working,
            1 => Manager::Prepared,
            2 => Manager::Committed,
            _ => Manager::Aborted,
        };
        let set = |from: u8| numbers.clone().filter(move |number| flat >> (from + number) & 1 == 1);
        Fat {
            managers: numbers.clone().map(manager).collect(),
            known: set(24).collect(),
            sent: set(36).collect(),
            decided: match flat >> 48 & 3 {
                0 => vec![],
                1 => vec!["commit".to_owned()],
                _ => vec!["abort".to_owned()],
            },
        }
    }
}

/// The flat state that a state is made of.
pub(crate) fn flat_of(fat: &Fat) -> u64 {
    let managers = (0..).zip(&fat.managers);
    let managers = managers.fold(0, |all, (number, state)| all | (*state as u64) << (2 * number));
    let set = |set: &BTreeSet<u8>| set.iter().fold(0_u64, |all, number| all | 1 << number);
    // The manager's state, and the message that tells it.
    let decided = match fat.decided.as_slice() {
        [] => 0,
        [word] if word == "commit" => 1 << 48 | 1 << 50,
        _ => 2 << 48 | 2 << 50,
    };
    managers | set(&fat.known) << 24 | set(&fat.sent) << 36 | decided
}

impl StoredState for Fat {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let mut list = |items: &mut dyn Iterator<Item = u8>| {
            let start = bytes.len();
            bytes.push(0);
            bytes.extend(items);
            bytes[start] = u8::try_from(bytes.len() - start - 1).expect("short lists");
        };
        list(&mut self.managers.iter().map(|state| *state as u8));
        list(&mut self.known.iter().copied());
        list(&mut self.sent.iter().copied());
        list(&mut self.decided.iter().flat_map(|word| word.bytes()));
    }

    fn decode(bytes: &[u8]) -> Self {
        let mut rest = bytes;
        let mut list = || {
            let (length, others) = rest.split_first().expect("a length");
            let (list, others) = others.split_at(usize::from(*length));
            rest = others;
            list
        };
        let manager = |byte: &u8| match byte {
            0 => Manager::Working,
            1 => Manager::Prepared,
            2 => Manager::Committed,
            _ => Manager::Aborted,
        };
        let (managers, known, sent, decided) = (list(), list(), list(), list());
        let word = || String::from_utf8(decided.to_vec()).expect("a word");
        Self {
            managers: managers.iter().map(manager).collect(),
            known: known.iter().copied().collect(),
            sent: sent.iter().copied().collect(),
            decided: if decided.is_empty() { vec![] } else { vec![word()] },
        }
    }
}

impl Model for FatTwoPhase {
    type State = Fat;
    type Action = <TwoPhase as Model>::Action;

    fn init_states(&self) -> Vec<Fat> {
        self.inner.init_states().into_iter().map(|state| self.fat_of(state)).collect()
    }

    fn actions(&self, state: &Fat, actions: &mut Vec<Self::Action>) {
        self.inner.actions(&flat_of(state), actions);
    }

    fn next_state(&self, state: &Fat, action: Self::Action) -> Option<Fat> {
        Some(self.fat_of(self.inner.next_state(&flat_of(state), action)?))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::sometimes("abort agreement", |_, state: &Fat| {
                state.managers.iter().all(|state| *state == Manager::Aborted)
            }),
            Property::sometimes("commit agreement", |_, state: &Fat| {
                state.managers.iter().all(|state| *state == Manager::Committed)
            }),
            Property::always("consistent", |_, state: &Fat| {
                !(state.managers.contains(&Manager::Aborted)
                    && state.managers.contains(&Manager::Committed))
            }),
        ]
    }
}

impl ExplorerModel for FatTwoPhase {
    fn class_names(&self) -> Vec<String> {
        self.inner.class_names()
    }

    fn class(&self, action: &Self::Action) -> u16 {
        self.inner.class(action)
    }

    fn representative(&self, state: &Fat) -> Fat {
        self.fat_of(self.inner.representative(&flat_of(state)))
    }

    fn orbit_size(&self, state: &Fat) -> u64 {
        self.inner.orbit_size(&flat_of(state))
    }
}
