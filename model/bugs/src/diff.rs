//! What servers of one profile can show on the wire that servers of another one cannot.
//!
//! *What is seen*: every packet between servers, once, some time between its sending and its
//! processing, as a relay between servers sees it; and what is done to the servers (elections,
//! requests, crashes and starts, broken links, roles that are given up), which whoever records a run
//! knows. What a server writes or applies, and when it notices that a connection has ended, is not
//! seen.
//!
//! Of the first profile, runs are looked at in which each packet is seen as soon as it is sent; of the
//! other one, all orders. So a difference is one, and where none is found, that says nothing of other
//! orders either.
//!
//! [`difference`] goes through the runs of the first profile with ever more packets, and keeps for
//! each the states in which servers of the other profile can be that have shown the same. Where there
//! is none left, the run is a difference. It looks at the grain `writes` first, and asks the other
//! profile again at grain `threads`, which allows more: only what is impossible there, too, is told.

mod watched;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;

use stateright::Model;
use zab_model::explore::{Action, Packet, SERVERS, State};
use zab_model::{Grain, Profile, ServerId};

use self::watched::{Event, Watched};
use crate::budget::Budget;
use crate::hunt::Hunt;
use crate::impossible::Impossible;

/// Something that is seen of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A packet of the first server to the second.
    Packet(ServerId, ServerId, Packet),
    /// What was done to a server, or that servers have elected one.
    Done(Action),
}

/// A run that one profile allows and the other one does not.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Its actions, from empty disks.
    pub actions: Vec<Action>,
    /// What was seen, in order; the last is what servers of the other profile cannot show.
    pub seen: Vec<Seen>,
    /// The packets that they can show in its place.
    pub instead: Vec<Seen>,
}

impl Difference {
    /// How many packets were seen.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.seen.iter().filter(|seen| matches!(seen, Seen::Packet(..))).count()
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(from, to, packet) => match packet.decode() {
                Some(message) => write!(f, "{from} > {to}  {message}"),
                None => write!(f, "{from} > {to}"),
            },
            Self::Done(action) => write!(f, "{action}"),
        }
    }
}

/// What came of looking for a difference.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The run with the fewest packets, if there is one.
    pub difference: Option<Difference>,
    /// How many pairs of a state of the one and states of the other were looked at.
    pub pairs: usize,
    /// Whether more pairs were left than may be looked at.
    pub truncated: bool,
}

/// Where a search is.
struct Place {
    state: State,
    /// Which states of the other profile have shown the same; a place in a table.
    others: usize,
    from: usize,
    action: Option<Action>,
}

/// Looks for the run with the fewest packets, within a budget, that servers of profile `one` can make
/// and servers of profile `other` cannot. At most `pairs_max` pairs of states are looked at. `tell` is
/// told before each pair how many were looked at, and may end the search.
///
/// # Errors
/// When there is no room for the budget: there are three servers at most.
pub fn difference(
    one: Profile,
    other: Profile,
    budget: Budget,
    pairs_max: usize,
    tell: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<Compared, Impossible> {
    if usize::from(budget.bounds.servers) > SERVERS {
        return Err(Impossible::Compared(budget.bounds.servers));
    }
    let model = |profile| {
        let model = Hunt::new(profile, budget, &[], &[]);
        model.ok_or_else(|| Impossible::no_room(&budget.bounds, SERVERS))
    };
    let (first, second) = (model(one)?, model(other)?);
    let fine = model(other)?.at(Grain::Threads);
    let mut search = Search::new(&first, &second);
    let mut compared = Compared { difference: None, pairs: 0, truncated: false };
    while let Some(place) = search.next() {
        if compared.pairs == pairs_max || tell(compared.pairs).is_break() {
            compared.truncated = true;
            return Ok(compared);
        }
        compared.pairs += 1;
        for last in search.go_on(place) {
            let actions = search.actions(place, last);
            let Some(found) = confirm(&first, &fine, &actions) else { continue };
            compared.difference = Some(found);
            return Ok(compared);
        }
    }
    Ok(compared)
}

struct Search<'a> {
    one: &'a Hunt,
    other: &'a Hunt,
    places: Vec<Place>,
    /// Sets of states, each sorted, by number; and the number of each.
    sets: Vec<Vec<Watched>>,
    numbers: HashMap<Vec<Watched>, usize>,
    seen: HashSet<(State, usize)>,
    /// Places to go on from, by the number of packets.
    waiting: BTreeMap<usize, Vec<usize>>,
    packets: usize,
}

impl<'a> Search<'a> {
    fn new(one: &'a Hunt, other: &'a Hunt) -> Self {
        let mut search = Self {
            one,
            other,
            places: Vec::new(),
            sets: Vec::new(),
            numbers: HashMap::new(),
            seen: HashSet::new(),
            waiting: BTreeMap::new(),
            packets: 0,
        };
        for (state, of_other) in one.init_states().into_iter().zip(other.init_states()) {
            let others = search.number(closure(other, vec![Watched::new(of_other)]));
            search.put(Place { state, others, from: 0, action: None }, 0);
        }
        search
    }

    fn number(&mut self, set: Vec<Watched>) -> usize {
        let new = self.sets.len();
        let number = *self.numbers.entry(set.clone()).or_insert(new);
        if number == new {
            self.sets.push(set);
        }
        number
    }

    fn put(&mut self, place: Place, packets: usize) {
        if self.seen.insert((place.state, place.others)) {
            self.waiting.entry(packets).or_default().push(self.places.len());
            self.places.push(place);
        }
    }

    /// A place with the fewest packets.
    fn next(&mut self) -> Option<usize> {
        loop {
            let mut entry = self.waiting.first_entry()?;
            self.packets = *entry.key();
            if let Some(place) = entry.get_mut().pop() {
                return Some(place);
            }
            entry.remove();
        }
    }

    /// Takes every step from a place; returns those that the other profile cannot show.
    fn go_on(&mut self, from: usize) -> Vec<Action> {
        let (state, others) = (self.places[from].state, self.places[from].others);
        let mut impossible = Vec::new();
        for (action, next) in self.one.next_steps(&state) {
            let events = shown(&state, action, &next);
            let mut set = self.sets[others].clone();
            for event in &events {
                set = after(self.other, &set, event);
            }
            if set.is_empty() {
                impossible.push(action);
                continue;
            }
            let packets = events.iter().filter(|event| event.is_packet()).count();
            let others = self.number(set);
            let place = Place { state: next, others, from, action: Some(action) };
            self.put(place, self.packets + packets);
        }
        impossible
    }

    /// The actions that lead to a place, and one more.
    fn actions(&self, mut place: usize, last: Action) -> Vec<Action> {
        let mut actions = vec![last];
        while let Some(action) = self.places[place].action {
            actions.push(action);
            place = self.places[place].from;
        }
        actions.reverse();
        actions
    }
}

/// Everything that is seen of a step: what was done, then the packets it sent, each seen at once.
fn shown(before: &State, action: Action, after: &State) -> Vec<Event> {
    let done = Event::of(action);
    let watched = Watched::all_seen(*before);
    done.into_iter().chain(watched.sent(action, after)).collect()
}

/// Whether the other profile cannot show the run either when each thread goes its own way.
fn confirm(one: &Hunt, fine: &Hunt, actions: &[Action]) -> Option<Difference> {
    let mut state = one.init_states().into_iter().next()?;
    let mut set = closure(fine, vec![Watched::new(fine.init_states().into_iter().next()?)]);
    let mut seen = Vec::new();
    for (done, action) in (1..).zip(actions) {
        let next = one.next_state(&state, *action)?;
        for event in shown(&state, *action, &next) {
            seen.push(event.seen(*action));
            let then = after(fine, &set, &event);
            if then.is_empty() {
                let mut instead: Vec<Seen> = Vec::new();
                for (other, _) in set.iter().flat_map(Watched::unseen) {
                    let other = other.seen(*action);
                    if !instead.contains(&other) {
                        instead.push(other);
                    }
                }
                return Some(Difference { actions: actions[..done].to_vec(), seen, instead });
            }
            set = then;
        }
        state = next;
    }
    None
}

/// The states after an event, and after what nobody sees.
fn after(model: &Hunt, set: &[Watched], event: &Event) -> Vec<Watched> {
    let mut then = Vec::new();
    for watched in set {
        if event.is_packet() {
            then.extend(watched.unseen().filter(|(sent, _)| sent == event).map(|(_, next)| next));
            continue;
        }
        for (action, state) in model.next_steps(watched.state()) {
            if Event::of(action).as_ref() == Some(event) {
                then.push(watched.after(action, state));
            }
        }
    }
    closure(model, then)
}

/// These states, and all that come of them by steps that nobody sees.
fn closure(model: &Hunt, mut waiting: Vec<Watched>) -> Vec<Watched> {
    let mut all: HashSet<Watched> = waiting.iter().copied().collect();
    while let Some(watched) = waiting.pop() {
        for (action, state) in model.next_steps(watched.state()) {
            if Event::of(action).is_some() || !watched.may(action) {
                continue;
            }
            let next = watched.after(action, state);
            if all.insert(next) {
                waiting.push(next);
            }
        }
    }
    let mut all: Vec<Watched> = all.into_iter().collect();
    all.sort_unstable_by(Watched::by_bytes);
    all
}
