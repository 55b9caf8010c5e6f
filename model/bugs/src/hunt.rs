//! The model in which one bug is looked for: the `zookeeper` family, with faults that happen to
//! named servers only, and with three properties.
//!
//! The budget may leave out more: servers that join late, elections with many servers, and disks that are
//! slow. What is left are runs of the family.

use stateright::{Model, Property};
use zab_explorer::ExplorerModel;
use zab_model::explore::properties::{Case, Kind, PROPERTIES, holding, table};
use zab_model::explore::{Action, PAIRS, SERVERS, State, Zab};
use zab_model::{Grain, Phase, Profile, Role, ServerId, Stage, WINDOW_DEFAULT};

use crate::budget::Budget;

/// The model.
#[derive(Clone, Debug)]
pub struct Hunt<const N: usize = SERVERS, const P: usize = PAIRS> {
    /// The family.
    zab: Zab<N, P>,
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
fn safety<const N: usize, const P: usize>(
    zab: &Zab<N, P>,
) -> impl Iterator<Item = (&'static str, u64)> {
    let applying = table().iter().filter(|property| property.applies(zab));
    let bits = applying.zip(0_u32..).map(|(property, place)| (property, 1_u64 << place));
    bits.filter(|(property, _)| property.kind == Kind::Always)
        .map(|(property, bit)| (property.name, bit))
}

impl Hunt {
    /// [`Hunt::sized`] for up to three servers.
    #[must_use]
    pub fn new(profile: Profile, budget: Budget, damage: &[&str], known: &[&str]) -> Option<Self> {
        Self::sized(profile, budget, damage, known)
    }

    /// The names of all safety properties.
    pub(crate) fn safety() -> impl Iterator<Item = &'static str> {
        let safety = PROPERTIES.iter().filter(|property| property.kind == Kind::Always);
        safety.map(|property| property.name)
    }
}

impl<const N: usize, const P: usize> Hunt<N, P> {
    /// Servers that follow `profile`, from empty disks. The damage is the violation of any of the
    /// properties named; precursors are violations of any but those that are `known`. `None` when
    /// the model has no room for the budget.
    #[must_use]
    pub fn sized(
        profile: Profile,
        budget: Budget,
        damage: &[&str],
        known: &[&str],
    ) -> Option<Self> {
        let mut zab = Zab::sized(budget.bounds, WINDOW_DEFAULT)?;
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

    /// The same with a step of a server that does so much.
    #[must_use]
    pub fn at(mut self, grain: Grain) -> Self {
        self.zab.ensemble.grain = grain;
        self
    }

    /// The same with at most so many faults in a run.
    #[must_use]
    pub fn with_faults(self, faults_max: u8) -> Self {
        Self { faults_max, ..self }
    }

    /// The family, without the bounds on who suffers a fault.
    #[must_use]
    pub fn family(&self) -> &Zab<N, P> {
        &self.zab
    }

    /// The names of the safety properties that a state violates, the first of the table first.
    #[must_use]
    pub fn violated(&self, state: &State<N, P>) -> Vec<&'static str> {
        let holding = self.holding(state);
        safety(&self.zab).filter(|(_, bit)| holding & bit == 0).map(|(name, _)| name).collect()
    }

    /// How many faults a run has had that has come to this state.
    #[must_use]
    pub fn faults(&self, state: &State<N, P>) -> u8 {
        self.budget.spent(&state.budget)
    }

    fn holding(&self, state: &State<N, P>) -> u64 {
        holding(&Case::new(&self.zab, state))
    }

    fn all(&self, state: &State<N, P>, bits: u64) -> bool {
        self.holding(state) & bits == bits
    }

    /// Whether the step of this server is within the budget.
    fn allows(
        &self,
        kind: usize,
        server: ServerId,
        before: &State<N, P>,
        after: &State<N, P>,
    ) -> bool {
        let is = |name: &str| Action::NAMES[kind] == name;
        self.budget.allows(server, &before.budget, &after.budget)
            && self.faults(after) <= self.faults_max
            && (self.budget.may_join(server) || !is("Join"))
            && (!is("Elect") || looking(before) - looking(after) <= self.budget.electors())
            && (!self.budget.has_prompt_disks() || is("Sync") || !appends(before))
    }
}

/// How many servers look for a leader.
fn looking<const N: usize, const P: usize>(state: &State<N, P>) -> usize {
    state.servers.iter().filter(|server| server.role == Role::Looking).count()
}

/// Whether a server has appended something that is not durable, and can make it so.
fn appends<const N: usize, const P: usize>(state: &State<N, P>) -> bool {
    state.servers.iter().any(|server| {
        let logs =
            server.phase == Phase::Broadcast || server.synchronization.stage == Stage::Acknowledged;
        server.role != Role::Down && logs && server.program.is_finished() && server.unsynced() > 0
    })
}

impl<const N: usize, const P: usize> Model for Hunt<N, P> {
    type State = State<N, P>;
    type Action = Action;

    fn init_states(&self) -> Vec<State<N, P>> {
        self.zab.init_states()
    }

    fn actions(&self, state: &State<N, P>, actions: &mut Vec<Action>) {
        self.zab.actions(state, actions);
    }

    fn next_state(&self, state: &State<N, P>, action: Action) -> Option<State<N, P>> {
        let next = self.zab.next_state(state, action)?;
        self.allows(action.kind(), action.server(), state, &next).then_some(next)
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

impl<const N: usize, const P: usize> ExplorerModel for Hunt<N, P> {
    fn class_names(&self) -> Vec<String> {
        self.zab.class_names()
    }

    fn class(&self, action: &Action) -> u16 {
        self.zab.class(action)
    }

    fn action_name(&self, class: u16) -> String {
        self.zab.action_name(class)
    }

    fn for_each_successor(&self, state: &State<N, P>, mut visit: impl FnMut(u16, State<N, P>)) {
        let servers = u16::from(self.zab.bounds.servers);
        self.zab.for_each_successor(state, |class, next| {
            // The family has a class for each kind of action and server, servers running faster.
            let server = ServerId(u8::try_from(class % servers + 1).unwrap_or(u8::MAX));
            let kind = usize::from(class / servers);
            if self.allows(kind, server, state, &next) {
                visit(class, next);
            }
        });
    }

    fn may_end(&self, state: &State<N, P>) -> bool {
        self.zab.may_end(state)
    }

    fn property_mask(&self, _: &[Property<Self>], state: &State<N, P>) -> u64 {
        let holding = self.holding(state);
        let all = |bits| holding & bits == bits;
        u64::from(all(self.damage))
            | u64::from(all(self.capacity)) << 1
            | u64::from(!all(self.precursors)) << 2
    }
}
