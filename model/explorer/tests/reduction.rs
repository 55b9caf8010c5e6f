//! A model that never ends, and the finite one that a reduction makes of it.

use stateright::{Model, Property};
use zab_explorer::{
    Claim, ExplorerModel, Fairness, LiveProperty, LiveVerdict, Options, Reduced, Reduction,
    StateGraph, Verdict, check,
};

/// Three customers; 0 for none, or a ticket with a number.
type Tickets = [u8; 3];

/// Whoever has no ticket draws one more than the greatest that is out; the least is served. As long
/// as somebody waits the numbers grow, and they end at `last`.
#[derive(Clone, Copy, Debug)]
struct Counter {
    last: u8,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Draw(usize),
    Serve(usize),
}

impl Model for Counter {
    type State = Tickets;
    type Action = Act;

    fn init_states(&self) -> Vec<Tickets> {
        vec![[0; 3]]
    }

    fn actions(&self, _: &Tickets, actions: &mut Vec<Act>) {
        actions.extend((0..3).flat_map(|i| [Act::Draw(i), Act::Serve(i)]));
    }

    fn next_state(&self, tickets: &Tickets, act: Act) -> Option<Tickets> {
        let mut next = *tickets;
        let greatest = *tickets.iter().max()?;
        match act {
            Act::Draw(i) if tickets[i] == 0 && greatest < self.last => next[i] = greatest + 1,
            Act::Serve(i) => {
                let least = tickets.iter().filter(|ticket| **ticket > 0).min()?;
                (tickets[i] == *least).then_some(())?;
                next[i] = 0;
            }
            Act::Draw(_) => return None,
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("all_different", |_, tickets| all_different(tickets))]
    }
}

fn all_different(tickets: &Tickets) -> bool {
    (0..3).all(|i| (0..i).all(|j| tickets[i] == 0 || tickets[i] != tickets[j]))
}

impl ExplorerModel for Counter {
    fn class_names(&self) -> Vec<String> {
        let name = |i| [format!("Draw({i})"), format!("Serve({i})")];
        (0..3).flat_map(name).collect()
    }

    fn class(&self, act: &Act) -> u16 {
        match act {
            Act::Draw(i) => 2 * u16::try_from(*i).expect("three"),
            Act::Serve(i) => 2 * u16::try_from(*i).expect("three") + 1,
        }
    }
}

/// Numbers are told apart by their order only.
#[derive(Clone, Copy, Debug)]
struct Order {
    base: Counter,
    canonical: fn(&Tickets) -> Tickets,
}

fn ranks(tickets: &Tickets) -> Tickets {
    tickets.map(|ticket| {
        let up_to = |other: &&u8| **other > 0 && **other <= ticket;
        u8::try_from(tickets.iter().filter(up_to).count()).expect("three")
    })
}

impl Reduction for Order {
    type Base = Counter;

    fn base(&self) -> &Counter {
        &self.base
    }

    fn names(&self) -> Vec<&'static str> {
        vec!["distances of tickets"]
    }

    fn canonical(&self, tickets: &Tickets) -> Tickets {
        (self.canonical)(tickets)
    }

    fn for_each_outcome(&self, tickets: &Tickets, act: &Act, visit: impl FnMut(Tickets)) {
        self.base.next_state(tickets, *act).into_iter().for_each(visit);
    }

    fn properties(&self) -> Vec<Property<Reduced<Self>>> {
        vec![Property::always("all_different", |_, tickets| all_different(tickets))]
    }

    /// Customers are alike: those without a ticket first, then in order.
    fn representative(&self, tickets: &Tickets) -> Tickets {
        let mut sorted = *tickets;
        sorted.sort_unstable();
        sorted
    }

    fn orbit_size(&self, tickets: &Tickets) -> u64 {
        [1, 3, 6, 6][tickets.iter().filter(|ticket| **ticket > 0).count()]
    }
}

fn reduced(last: u8, canonical: fn(&Tickets) -> Tickets) -> Reduced<Order> {
    Reduced::new(Order { base: Counter { last }, canonical })
}

/// One for each order of each set of those who wait, however far the numbers go.
#[test]
fn what_never_ends_is_closed() {
    for last in [3, 9] {
        let report = check(&reduced(last, ranks), &Options::default(), &mut |_| {}).expect("runs");
        assert!(report.complete() && matches!(report.properties[0].verdict, Verdict::Holds));
        assert_eq!((report.distinct, report.unreduced), (16, None));
        assert_eq!(report.reductions, ["distances of tickets"]);
    }
    let numbers = |last| check(&Counter { last }, &Options::default(), &mut |_| {}).expect("runs");
    assert!(numbers(9).distinct > numbers(8).distinct);
    assert_eq!(numbers(9).reductions, Vec::<&str>::new());
}

#[test]
fn symmetry_comes_on_top() {
    let options = Options { symmetry: true, ..Options::default() };
    let report = check(&reduced(3, ranks), &options, &mut |_| {}).expect("runs");
    assert_eq!((report.distinct, report.unreduced), (4, Some(16)));
    assert_eq!(report.reductions, ["distances of tickets", "symmetry"]);
}

/// Whoever waits is served, if the serving is fair: numbers that come round again make a circle.
#[test]
fn liveness_is_judged_on_what_is_left() {
    let model = reduced(9, ranks);
    let waits = |_: &Reduced<Order>, tickets: &Tickets| tickets[0] > 0;
    let claim = Claim::LeadsTo(waits, |_, tickets| tickets[0] == 0);
    let promise = vec![LiveProperty { name: "served", claim }];
    let graph = StateGraph::explore(&model, &Options::default(), promise, &mut |_| {});
    let graph = graph.expect("runs").stuttering();
    let names = model.class_names();
    let verdict = |classes| graph.judge(0, &Fairness::weak(&names, classes)).expect("known");
    assert!(matches!(verdict(0..6).verdict, LiveVerdict::Holds));
    assert!(matches!(verdict(0..0).verdict, LiveVerdict::Violated(_)));
}

/// Every state of the model, but those of the last number, where the base ends.
fn states() -> Vec<Tickets> {
    let numbers = 0..9_u8;
    let pairs = numbers.clone().flat_map(|a| (0..9).map(move |b| (a, b)));
    let all = pairs.flat_map(|(a, b)| numbers.clone().map(move |c| [a, b, c]));
    all.filter(all_different).collect()
}

#[test]
fn a_reduction_that_keeps_its_contract_covers_every_state() {
    for tickets in states() {
        assert_eq!(reduced(9, ranks).covers(&tickets), Ok(()), "{tickets:?}");
    }
}

/// What is wrong with a reduction is found in some state.
#[test]
fn a_reduction_that_breaks_its_contract_is_found() {
    let found = |canonical| {
        let model = reduced(9, canonical);
        let mut found: Vec<String> =
            states().iter().filter_map(|tickets| model.covers(tickets).err()).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    // Who came first is forgotten.
    let anybody = found(|tickets| tickets.map(|ticket| ticket.min(1)));
    assert!(anybody.contains(&"a property has another value".to_owned()), "{anybody:?}");
    // The order is turned round.
    let last_first = found(|tickets| {
        let ranks = ranks(tickets);
        let waiting = ranks.into_iter().max().unwrap_or(0);
        ranks.map(|rank| if rank == 0 { 0 } else { waiting + 1 - rank })
    });
    let words = ["the canonical state of a canonical state is another"];
    assert_eq!(last_first, words);
    // Customers change places, and their classes of actions do not.
    let sorted = found(|tickets| {
        let mut sorted = ranks(tickets);
        sorted.sort_unstable();
        sorted
    });
    assert!(sorted.iter().any(|words| words.ends_with("is missing")), "{sorted:?}");
}
