//! Server symmetry: the rules know servers by nothing but what they are, so renaming them leads
//! from runs to runs.
//!
//! The representative of a state is the least of all its renamings, where states are compared first
//! by the keys of their servers in order (what a server is, names erased), then byte by byte. Only
//! renamings that sort the keys can be least, so the others need not be tried: where all servers
//! differ, one is left.

use stateright::Representative;
use zerocopy::IntoBytes;

use super::state::{Heard, Report, Server, State};
use super::types::{Members, Seat};

/// What a server is, in whatever place: no name occurs in it.
#[derive(Clone, Copy)]
struct Key<const N: usize, const X: usize> {
    is_oracle: bool,
    nameless: Server<N, X>,
}

impl<const N: usize, const X: usize> Key<N, X> {
    /// Sets become their sizes, the leader becomes whether there is one, reports lose their order.
    fn of<const G: usize>(state: &State<N, X, G>, index: usize) -> Self {
        let mut nameless = state.servers[index];
        nameless.leader = nameless.leader.index().map_or(Seat::EMPTY, |_| Seat::of(0));
        let leading = &mut nameless.leading;
        leading.learners = leading.learners.erased();
        for heard in [&mut leading.cepoch, &mut leading.ack_epoch, &mut leading.ack_ld] {
            *heard = Heard { senders: heard.senders.erased(), connected: heard.connected.erased() };
        }
        leading.acks.iter_mut().for_each(|acks| *acks = acks.erased());
        leading.reports.sort_unstable_by_key(|report: &Report<X>| (report.epoch, report.history));
        Self { is_oracle: state.oracle == Seat::of(index), nameless }
    }

    fn order(&self) -> (bool, &[u8]) {
        (self.is_oracle, self.nameless.as_bytes())
    }
}

impl Members {
    /// A set of as many servers, whoever they are.
    fn erased(self) -> Self {
        (0..self.len() as usize).fold(Self::default(), |mut set, index| {
            set.insert(index);
            set
        })
    }
}

/// The least renaming found so far, and how many renamings lead to it.
struct Least<const N: usize, const X: usize, const G: usize> {
    state: State<N, X, G>,
    found: u64,
}

impl<const N: usize, const X: usize, const G: usize> State<N, X, G> {
    /// The same state after the server at each index has moved to `places[index]`, which is a
    /// permutation of the indices.
    #[must_use]
    pub fn renamed(&self, places: &[u8; N]) -> Self {
        let mut renamed = Self { oracle: self.oracle.moved(places), ..*self };
        for (server, place) in self.servers.iter().zip(places) {
            let moved = &mut renamed.servers[usize::from(*place)];
            *moved = *server;
            moved.leader = server.leader.moved(places);
            let leading = &mut moved.leading;
            leading.learners = leading.learners.moved(places);
            for heard in [&mut leading.cepoch, &mut leading.ack_epoch, &mut leading.ack_ld] {
                heard.senders = heard.senders.moved(places);
                heard.connected = heard.connected.moved(places);
            }
            leading.acks.iter_mut().for_each(|acks| *acks = acks.moved(places));
            for (report, to) in server.leading.reports.iter().zip(places) {
                leading.reports[usize::from(*to)] = *report;
            }
        }
        renamed
    }

    fn least_renaming(&self) -> Least<N, X, G> {
        let keys: [Key<N, X>; N] = std::array::from_fn(|index| Key::of(self, index));
        let mut order: [usize; N] = std::array::from_fn(|index| index);
        order.sort_unstable_by(|a, b| keys[*a].order().cmp(&keys[*b].order()));
        let mut least = Least { state: *self, found: 0 };
        self.try_orders(&keys, &mut order, 0, &mut least);
        least
    }

    /// Tries every order that agrees with the given one before `from` and is sorted by keys.
    fn try_orders(
        &self,
        keys: &[Key<N, X>; N],
        order: &mut [usize; N],
        from: usize,
        least: &mut Least<N, X, G>,
    ) {
        if from == N {
            let mut places = [0; N];
            order.iter().zip(0..).for_each(|(index, place)| places[*index] = place);
            let renamed = self.renamed(&places);
            if least.found == 0 || renamed.as_bytes() < least.state.as_bytes() {
                *least = Least { state: renamed, found: 1 };
            } else if renamed == least.state {
                least.found += 1;
            }
            return;
        }
        for swap in from..N {
            if keys[order[swap]].order() != keys[order[from]].order() {
                break;
            }
            order.swap(from, swap);
            self.try_orders(keys, order, from + 1, least);
            order.swap(from, swap);
        }
    }

    /// How many states there are that differ from this one in names only, itself included.
    ///
    /// All renamings are as many for each of them; those that lead to the least are counted.
    #[must_use]
    pub fn orbit_size(&self) -> u64 {
        let renamings: u64 = (1..).take(N).product();
        renamings / self.least_renaming().found
    }
}

impl<const N: usize, const X: usize, const G: usize> Representative for State<N, X, G> {
    /// The least renaming.
    fn representative(&self) -> Self {
        self.least_renaming().state
    }
}
