//! Encodings that do not give back what they were given.

use stateright::{Model, Property};
use zab_explorer::{
    Claim, ExplorerModel, LiveProperty, LiveVerdict, Options, StateGraph, Stop, StoredState,
    Verdict, check,
};

/// What is wrong with the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// What is on the shelf is forgotten.
    Forgets,
    /// From three items on, one of them is forgotten.
    ForgetsLater,
    /// Equal states have other bytes each time, as those of a `HashMap` may have.
    Reorders,
    EncodePanics,
    DecodePanics,
}

/// Items put on a shelf, one after the other. Equality is that of the sorted items.
#[derive(Clone, Debug)]
struct Shelf {
    wrong: Wrong,
    items: Vec<u8>,
}

impl PartialEq for Shelf {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |shelf: &Self| {
            let mut items = shelf.items.clone();
            items.sort_unstable();
            items
        };
        sorted(self) == sorted(other)
    }
}

const WRONGS: [Wrong; 6] = [
    Wrong::Nothing,
    Wrong::Forgets,
    Wrong::ForgetsLater,
    Wrong::Reorders,
    Wrong::EncodePanics,
    Wrong::DecodePanics,
];

impl StoredState for Shelf {
    fn encode(&self, bytes: &mut Vec<u8>) {
        let Self { wrong, items } = self;
        let keep = match wrong {
            Wrong::Forgets => 0,
            Wrong::ForgetsLater => items.len().min(2),
            Wrong::Nothing | Wrong::Reorders | Wrong::EncodePanics | Wrong::DecodePanics => {
                items.len()
            }
        };
        assert!(*wrong != Wrong::EncodePanics || items.len() < 3, "three are too many");
        bytes.push(*wrong as u8);
        let mut items = items.clone();
        if *wrong != Wrong::Reorders {
            items.sort_unstable();
        }
        bytes.extend(&items[..keep]);
    }

    fn decode(bytes: &[u8]) -> Self {
        let (wrong, items) = bytes.split_first().expect("a byte");
        let wrong = WRONGS[usize::from(*wrong)];
        let mut items = items.to_vec();
        if wrong == Wrong::Reorders {
            items.reverse();
        }
        assert!(wrong != Wrong::DecodePanics || items.len() < 3, "three are too many");
        Self { wrong, items }
    }
}

/// Items 1 to 4, each once; the items that are there at first.
struct Shelves(Wrong, Vec<u8>);

impl Model for Shelves {
    type State = Shelf;
    type Action = u8;

    fn init_states(&self) -> Vec<Shelf> {
        vec![Shelf { wrong: self.0, items: self.1.clone() }]
    }

    fn actions(&self, state: &Shelf, actions: &mut Vec<u8>) {
        actions.extend((1..=4).filter(|item| !state.items.contains(item)));
    }

    fn next_state(&self, state: &Shelf, action: u8) -> Option<Shelf> {
        let mut next = state.clone();
        next.items.push(action);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("few", |_, state: &Shelf| state.items.len() < 9)]
    }
}

impl ExplorerModel for Shelves {
    fn may_end(&self, state: &Shelf) -> bool {
        state.items.len() == 4
    }
}

#[test]
fn an_encoding_that_works_is_not_complained_of() {
    let report = check(&Shelves(Wrong::Nothing, vec![]), &Options::default(), &mut |_| {});
    let report = report.expect("it begins");
    assert!(report.complete() && report.fault.is_none());
    // A subset each: the order in which items came is not in the bytes.
    assert_eq!((report.distinct, report.deadlocks), (16, 0));
}

/// Each with what is said of it, and how many items are in the last state of the run to it.
#[test]
fn every_wrong_encoding_is_named_with_the_run_to_the_state() {
    let another = "the encoding of a state does not give it back: what it is decoded to is another \
                   state";
    let reordered = "the encoding of a state does not give it back: what it is decoded to has \
                     other bytes, though it is equal";
    let panicked =
        "the model panicked when it was asked for the steps of this state: three are too many";
    let cases = [
        (Wrong::Forgets, Stop::Encoding, another, 1),
        (Wrong::ForgetsLater, Stop::Encoding, another, 3),
        (Wrong::Reorders, Stop::Encoding, reordered, 2),
        // The state whose steps were asked for.
        (Wrong::EncodePanics, Stop::Panicked, panicked, 2),
        (Wrong::DecodePanics, Stop::Panicked, panicked, 2),
    ];
    for (wrong, stop, message, items) in cases {
        for threads in [1, 2] {
            let options = Options { threads, ..Options::default() };
            let model = Shelves(wrong, vec![]);
            let report = check(&model, &options, &mut |_| {}).expect("it begins");
            let fault = report.fault.as_ref().unwrap_or_else(|| panic!("{wrong:?} goes unnoticed"));
            assert_eq!((report.stopped, fault.stop), (Some(stop), stop), "{wrong:?}");
            assert_eq!(fault.to_string(), message);
            let trace = fault.trace.as_ref().expect("a run to it");
            assert_eq!((trace.steps(), trace.states[items].items.len()), (items, items));
            assert!(matches!(report.properties[0].verdict, Verdict::Unknown));
            let claims = vec![LiveProperty {
                name: "full",
                claim: Claim::Eventually(|_: &Shelves, state: &Shelf| state.items.len() == 4),
            }];
            let graph = StateGraph::explore(&model, &options, claims, &mut |_| {});
            let graph = graph.expect("it begins");
            assert_eq!(graph.stopped, Some(stop), "{wrong:?}");
            let fault = graph.fault.as_ref().expect("the same");
            assert_eq!(fault.to_string(), message);
            assert_eq!(fault.trace.as_ref().map(zab_explorer::Trace::steps), Some(items));
            let report = graph.judge(0, &zab_explorer::Fairness::default()).expect("no classes");
            assert!(!matches!(report.verdict, LiveVerdict::Holds));
        }
    }
}

#[test]
fn an_initial_state_is_confirmed_as_well() {
    let report = check(&Shelves(Wrong::Forgets, vec![1]), &Options::default(), &mut |_| {});
    let report = report.expect("it begins");
    let fault = report.fault.expect("it is noticed");
    assert_eq!((report.stopped, fault.stop), (Some(Stop::Encoding), Stop::Encoding));
    assert_eq!(fault.trace.map(|trace| trace.steps()), Some(0));
}

/// What stands for an orbit is confirmed too: with other bytes each time, orbits would fall apart.
#[test]
fn a_representative_is_confirmed_as_well() {
    struct Turned(Shelves);
    impl Model for Turned {
        type State = Shelf;
        type Action = u8;
        fn init_states(&self) -> Vec<Shelf> {
            self.0.init_states()
        }
        fn actions(&self, state: &Shelf, actions: &mut Vec<u8>) {
            self.0.actions(state, actions);
        }
        fn next_state(&self, state: &Shelf, action: u8) -> Option<Shelf> {
            self.0.next_state(state, action)
        }
    }
    impl ExplorerModel for Turned {
        fn representative(&self, state: &Shelf) -> Shelf {
            let wrong = if state.items.len() == 2 { Wrong::Forgets } else { state.wrong };
            Shelf { wrong, items: state.items.clone() }
        }
    }
    let options = Options { symmetry: true, ..Options::default() };
    let report = check(&Turned(Shelves(Wrong::Nothing, vec![])), &options, &mut |_| {});
    let report = report.expect("it begins");
    assert_eq!(report.stopped, Some(Stop::Encoding));
    assert_eq!(report.fault.and_then(|fault| fault.trace).map(|trace| trace.steps()), Some(2));
}
