//! Allocators of resources: a simple one, and one that makes a schedule.

use zab_explorer::{Claim, Condition, Fairness, StoredState, Strength};
use zerocopy::{Immutable, IntoBytes, TryFromBytes};

use crate::spec::{Holds, Of, Spec, assert_counts, assert_needs_fairness, holds};

const CLIENTS: usize = 3;

/// Sets of the two resources, as bits.
const ALL: u8 = 0b11;

/// What is wanted, and what is held, by client.
#[derive(Clone, Copy, Debug, PartialEq, IntoBytes, TryFromBytes, Immutable)]
#[repr(C)]
struct Resources {
    wanted: [u8; CLIENTS],
    held: [u8; CLIENTS],
}

impl Resources {
    const NONE: Self = Self { wanted: [0; CLIENTS], held: [0; CLIENTS] };

    fn free(&self) -> u8 {
        ALL & !self.held.iter().fold(0, |all, held| all | held)
    }

    /// All that a client does by itself: it wants some, and gives some back.
    fn client_steps(&self, client: usize, mut step: impl FnMut(u16, Self)) {
        let [request, _, finish, give_up, give_back] = classes_of(client);
        for set in 1..=ALL {
            if self.wanted[client] == 0 && self.held[client] == 0 {
                let mut next = *self;
                next.wanted[client] = set;
                step(request, next);
            }
            if set & !self.held[client] == 0 {
                let mut next = *self;
                next.held[client] &= !set;
                let class = match (set == self.held[client], self.wanted[client] == 0) {
                    (true, true) => finish,
                    (true, false) => give_up,
                    (false, _) => give_back,
                };
                step(class, next);
            }
        }
    }

    fn with(&self, client: usize, set: u8) -> Self {
        let mut next = *self;
        next.held[client] |= set;
        next.wanted[client] &= !set;
        next
    }

    /// Sets that can be given to a client, as far as resources go.
    fn possible(&self, client: usize) -> impl Iterator<Item = u8> {
        let most = self.free() & self.wanted[client];
        (1..=ALL).filter(move |set| set & !most == 0)
    }

    fn are_exclusive(&self) -> bool {
        let [a, b, c] = self.held;
        (a & b) | (a & c) | (b & c) == 0
    }
}

/// That a client wants some, gets some, gives back all when it has got what it wanted, gives back all
/// although it has not, and gives back a part.
fn classes_of(client: usize) -> [u16; 5] {
    [0, 3, 6, 9, 12].map(|first| first + u16::try_from(client).expect("few"))
}

const SCHEDULE: u16 = 15;

fn names() -> Vec<String> {
    (0..=SCHEDULE).map(|class| format!("class {class}")).collect()
}

/// Gives what is free to whoever wants it.
struct Simple;

impl Spec for Simple {
    type State = Resources;

    fn classes(&self) -> Vec<String> {
        names()
    }

    fn init(&self) -> Vec<Resources> {
        vec![Resources::NONE]
    }

    fn next(&self, state: &Resources, steps: &mut Vec<(u16, Resources)>) {
        for client in 0..CLIENTS {
            state.client_steps(client, |class, next| steps.push((class, next)));
            let [_, allocate, ..] = classes_of(client);
            steps.extend(state.possible(client).map(|set| (allocate, state.with(client, set))));
        }
    }

    fn invariant(&self, state: &Resources) -> bool {
        state.are_exclusive()
    }
}

/// By client, one condition over these of its classes.
fn each(strength: Strength, classes: impl Fn([u16; 5]) -> Vec<u16>) -> Fairness {
    let condition = |client| {
        let classes = classes(classes_of(client));
        Condition { name: format!("client {client}"), strength, classes }
    };
    Fairness { conditions: (0..CLIENTS).map(condition).collect(), finitely: Vec::new() }
}

#[test]
fn simple_allocator() {
    let model = Of(Simple);
    assert_eq!(assert_counts(&model, [400, 1633, 6]).deadlocks, 0);
    let returns = each(Strength::Weak, |[_, _, finish, give_up, _]| vec![finish, give_up]);
    let allocates = |strength| each(strength, |[_, allocate, ..]| vec![allocate]);
    let fairness = returns.clone().and(allocates(Strength::Strong));
    let obtains = || {
        Claim::LeadsTo(
            |_: &Of<Simple>, state: &Resources| state.wanted[0] & 1 == 1,
            |_, state| state.held[0] & 1 == 1,
        )
    };
    assert_needs_fairness(&model, obtains, &fairness);
    // Somebody else may always be quicker.
    assert!(!holds(&model, obtains(), &returns.clone().and(allocates(Strength::Weak))));
    let satisfied: Holds<Simple> = |_, state| state.wanted[0] == 0;
    assert_needs_fairness(&model, || Claim::AlwaysEventually(satisfied), &fairness);
    let gives_back = || Claim::LeadsTo(satisfied, |_, state| state.held[0] == 0);
    assert_needs_fairness(&model, gives_back, &fairness);
    // If only those give back that have all that they wanted, two may each wait for what the other
    // has; the specification's second form claims no more than that these give back.
    let finishes = each(Strength::Weak, |[_, _, finish, ..]| vec![finish]);
    let fairness = finishes.and(allocates(Strength::Strong));
    assert!(!holds(&model, obtains(), &fairness));
    assert!(holds(&model, gives_back(), &fairness));
}

/// Gives in the order of a schedule, to which it adds whoever wants something.
struct Scheduling;

#[derive(Clone, Debug, PartialEq)]
struct Scheduled {
    resources: Resources,
    schedule: Vec<u8>,
}

impl StoredState for Scheduled {
    fn encode(&self, bytes: &mut Vec<u8>) {
        self.resources.encode(bytes);
        bytes.extend(&self.schedule);
    }

    fn decode(bytes: &[u8]) -> Self {
        let (resources, schedule) = bytes.split_at(size_of::<Resources>());
        Self { resources: Resources::decode(resources), schedule: schedule.to_vec() }
    }
}

/// All orders of these clients.
fn orders(clients: &[u8]) -> Vec<Vec<u8>> {
    if clients.is_empty() {
        return vec![Vec::new()];
    }
    let first = |client: &u8| {
        let others: Vec<u8> = clients.iter().copied().filter(|other| other != client).collect();
        let client = *client;
        orders(&others).into_iter().map(move |rest| [vec![client], rest].concat())
    };
    clients.iter().flat_map(first).collect()
}

impl Spec for Scheduling {
    type State = Scheduled;

    fn classes(&self) -> Vec<String> {
        names()
    }

    fn init(&self) -> Vec<Scheduled> {
        vec![Scheduled { resources: Resources::NONE, schedule: Vec::new() }]
    }

    fn next(&self, state: &Scheduled, steps: &mut Vec<(u16, Scheduled)>) {
        let Scheduled { resources, schedule } = state;
        for client in 0..CLIENTS {
            resources.client_steps(client, |class, resources| {
                steps.push((class, Scheduled { resources, schedule: schedule.clone() }));
            });
        }
        for (at, client) in schedule.iter().enumerate() {
            let client = usize::from(*client);
            let [_, allocate, ..] = classes_of(client);
            let earlier = schedule[..at].iter();
            let earlier = earlier.fold(0, |all, who| all | resources.wanted[usize::from(*who)]);
            for set in resources.possible(client).filter(|set| set & earlier == 0) {
                let mut schedule = schedule.clone();
                if set == resources.wanted[client] {
                    schedule.remove(at);
                }
                let resources = resources.with(client, set);
                steps.push((allocate, Scheduled { resources, schedule }));
            }
        }
        let wants = |client: &u8| resources.wanted[usize::from(*client)] != 0;
        let new: Vec<u8> =
            (0..3).filter(|client| wants(client) && !schedule.contains(client)).collect();
        if !new.is_empty() {
            let schedule = |order| [schedule.clone(), order].concat();
            let resources = *resources;
            let step = |order| (SCHEDULE, Scheduled { resources, schedule: schedule(order) });
            steps.extend(orders(&new).into_iter().map(step));
        }
    }

    fn invariant(&self, state: &Scheduled) -> bool {
        state.resources.are_exclusive()
    }
}

#[test]
fn scheduling_allocator() {
    let model = Of(Scheduling);
    assert_eq!(assert_counts(&model, [1690, 5854, 7]).deadlocks, 0);
    let fairness = each(Strength::Weak, |[_, _, finish, ..]| vec![finish])
        .and(each(Strength::Weak, |[_, allocate, ..]| vec![allocate]))
        .and(Fairness::weak(&names(), SCHEDULE..=SCHEDULE));
    // With a schedule, weak fairness is enough.
    let obtains = || {
        Claim::LeadsTo(
            |_: &Of<Scheduling>, state: &Scheduled| state.resources.wanted[0] & 1 == 1,
            |_, state| state.resources.held[0] & 1 == 1,
        )
    };
    assert_needs_fairness(&model, obtains, &fairness);
}
