//! The model in which one bug is looked for: the `zookeeper` family, with faults that happen to
//! named servers only, and with three properties.

use stateright::{Model, Property};
use zab_explorer::ExplorerModel;
use zab_model::explore::properties::{Case, Kind, PROPERTIES, holding};
use zab_model::explore::{Action, State, Zab};
use zab_model::{Grain, Profile, ServerId, WINDOW_DEFAULT};

use crate::budget::Budget;

/// The model.
#[derive(Clone, Debug)]
pub struct Hunt {
    /// The family.
    zab: Zab,
    budget: Budget,
    /// At most so many faults in a run.
    faults_max: u8,
    /// Properties as a set of the bits of [`holding`].
    damage: u64,
    precursors: u64,
    capacity: u64,
}

/// The damage has not been done.
pub(crate) const DAMAGE: &str = "no damage";
/// Something is not as it should be.
pub(crate) const PRECURSOR: &str = "precursor";
/// Queues and histories of the exploration are long enough.
pub(crate) const CAPACITY: &str = "capacity_suffices";

/// The safety properties of an exploration that does more than elect, with their bits.
fn safety(zab: &Zab) -> impl Iterator<Item = (&'static str, u64)> {
    let applying = PROPERTIES.iter().filter(|property| property.applies(zab));
    let bits = applying.zip(0_u32..).map(|(property, place)| (property, 1_u64 << place));
    bits.filter(|(property, _)| property.kind == Kind::Always)
        .map(|(property, bit)| (property.name, bit))
}

impl Hunt {
    /// Servers that follow `profile`, from empty disks. The damage is the violation of any of the
    /// properties named; precursors are violations of any but those that are `known`. `None` when
    /// the model has no room for the budget.
    #[must_use]
    pub fn new(profile: Profile, budget: Budget, damage: &[&str], known: &[&str]) -> Option<Self> {
        let mut zab = Zab::new(budget.bounds, WINDOW_DEFAULT)?;
        zab.ensemble.profile = profile;
        let bits = |wanted: &dyn Fn(&str) -> bool| {
            let bits = safety(&zab).filter(|(name, _)| wanted(name));
            bits.fold(0, |bits, (_, bit)| bits | bit)
        };
        let damage = bits(&|name| damage.contains(&name));
        let precursors = bits(&|name| name != CAPACITY && !known.contains(&name));
        let capacity = bits(&|name| name == CAPACITY);
        let faults_max = budget.faults();
        Some(Self { zab, budget, faults_max, damage, precursors, capacity })
    }

    /// The same with at most so many faults in a run.
    #[must_use]
    pub fn with_faults(self, faults_max: u8) -> Self {
        Self { faults_max, ..self }
    }

    /// How much one step of a server does.
    pub(crate) fn set_grain(&mut self, grain: Grain) {
        self.zab.ensemble.grain = grain;
    }

    /// The names of all safety properties.
    pub(crate) fn safety() -> impl Iterator<Item = &'static str> {
        let safety = PROPERTIES.iter().filter(|property| property.kind == Kind::Always);
        safety.map(|property| property.name)
    }

    /// The family, without the bounds on who suffers a fault.
    #[must_use]
    pub fn family(&self) -> &Zab {
        &self.zab
    }

    /// The names of the safety properties that a state violates, the first of the table first.
    #[must_use]
    pub fn violated(&self, state: &State) -> Vec<&'static str> {
        let holding = self.holding(state);
        safety(&self.zab).filter(|(_, bit)| holding & bit == 0).map(|(name, _)| name).collect()
    }

    /// How many faults a run has had that has come to this state.
    #[must_use]
    pub fn faults(&self, state: &State) -> u8 {
        self.budget.spent(&state.budget)
    }

    fn holding(&self, state: &State) -> u64 {
        holding(&Case::new(&self.zab, state))
    }

    fn all(&self, state: &State, bits: u64) -> bool {
        self.holding(state) & bits == bits
    }

    /// Whether the step of this server is within the budget.
    fn allows(&self, server: ServerId, before: &State, after: &State) -> bool {
        self.budget.allows(server, &before.budget, &after.budget)
            && self.faults(after) <= self.faults_max
    }
}

impl Model for Hunt {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        self.zab.init_states()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.zab.actions(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let next = self.zab.next_state(state, action)?;
        self.allows(action.server(), state, &next).then_some(next)
    }

    fn format_action(&self, action: &Action) -> String {
        action.to_string()
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(DAMAGE, |hunt, state| hunt.all(state, hunt.damage)),
            Property::always(CAPACITY, |hunt, state| hunt.all(state, hunt.capacity)),
            Property::sometimes(PRECURSOR, |hunt, state| !hunt.all(state, hunt.precursors)),
        ]
    }
}

impl ExplorerModel for Hunt {
    fn class_names(&self) -> Vec<String> {
        self.zab.class_names()
    }

    fn class(&self, action: &Action) -> u16 {
        self.zab.class(action)
    }

    fn action_name(&self, class: u16) -> String {
        self.zab.action_name(class)
    }

    fn for_each_successor(&self, state: &State, mut visit: impl FnMut(u16, State)) {
        let servers = u16::from(self.zab.bounds.servers);
        self.zab.for_each_successor(state, |class, next| {
            // The family has a class for each kind of action and server, servers running faster.
            let server = ServerId(u8::try_from(class % servers + 1).unwrap_or(u8::MAX));
            if self.allows(server, state, &next) {
                visit(class, next);
            }
        });
    }

    fn may_end(&self, state: &State) -> bool {
        self.zab.may_end(state)
    }

    fn property_mask(&self, _: &[Property<Self>], state: &State) -> u64 {
        let holding = self.holding(state);
        let all = |bits| holding & bits == bits;
        u64::from(all(self.damage))
            | u64::from(all(self.capacity)) << 1
            | u64::from(!all(self.precursors)) << 2
    }
}
