//! To leave failures out of cycles is sound: a model in which a run says that they are over comes to the
//! same verdicts.

use stateright::{Model, Property};
use zab_explorer::{ExplorerModel, Fairness, Reduced, ReducedAction};
use zab_paper::liveness::{STATEMENTS, after_failures, explore, fairness};
use zab_paper::{Action, Epochs, Paper, State, Unlimited, Variant};

use crate::lives::{bounded, options, repaired, word};

/// The model in which a run says of itself that failures are over, at any time, and takes none
/// afterwards: an independent way to ask for finitely many. What it says is kept where no other
/// model without bounds keeps anything, as a restart that was spent.
struct SaysSo<const N: usize, const X: usize>(Reduced<Unlimited<N, X>>);

/// A step of the model; `None`: failures are over.
type Said = Option<ReducedAction<Action>>;

impl<const N: usize, const X: usize> SaysSo<N, X> {
    fn over(mut state: State<N, X, 0>, over: u8) -> State<N, X, 0> {
        state.spent.restarts = over;
        state
    }
}

impl<const N: usize, const X: usize> AsRef<Paper<N, X, 0>> for SaysSo<N, X> {
    fn as_ref(&self) -> &Paper<N, X, 0> {
        self.0.as_ref()
    }
}

impl<const N: usize, const X: usize> Model for SaysSo<N, X> {
    type State = State<N, X, 0>;
    type Action = Said;

    fn init_states(&self) -> Vec<Self::State> {
        self.0.init_states()
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Said>) {
        let over = state.spent.restarts == 1;
        self.0.for_each_step(&Self::over(*state, 0), |step, _| {
            if !(over && step.action.is_failure()) {
                actions.push(Some(step));
            }
        });
        if !over {
            actions.push(None);
        }
    }

    fn next_state(&self, state: &Self::State, action: Said) -> Option<Self::State> {
        let over = state.spent.restarts;
        match action {
            None => Some(Self::over(*state, 1)),
            Some(step) => {
                self.0.next_state(&Self::over(*state, 0), step).map(|next| Self::over(next, over))
            }
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Vec::new()
    }
}

impl<const N: usize, const X: usize> ExplorerModel for SaysSo<N, X> {
    fn class_names(&self) -> Vec<String> {
        let mut names = self.0.class_names();
        names.push("failures are over".to_owned());
        names
    }

    fn class(&self, action: &Said) -> u16 {
        match action {
            Some(step) => self.0.class(step),
            None => u16::try_from(self.0.class_names().len()).expect("few"),
        }
    }
}

/// Fair to all, to all but one condition, and to nobody.
fn fairnesses(servers: usize) -> Vec<Fairness> {
    let all = fairness(servers);
    let mut fairnesses = vec![all.clone(), Fairness::default()];
    for lost in 0..all.conditions.len() {
        let mut less = all.clone();
        less.conditions.remove(lost);
        fairnesses.push(less);
    }
    fairnesses
}

fn failures(servers: usize) -> Vec<u16> {
    after_failures(servers).finitely
}

/// How often each verdict is given, where leaving failures out of cycles and a run that says that they
/// are over must say the same.
fn agree<const N: usize, const X: usize>(variant: Variant, txns: u8, epochs: Epochs) -> [usize; 2] {
    let model = Unlimited::new(&bounded::<N, X>(variant, txns), epochs);
    let says_so = SaysSo(model);
    let graph = explore(&model, &options(), &mut |_| {}).expect("it begins");
    let doubled = explore(&says_so, &options(), &mut |_| {}).expect("it begins");
    assert_eq!(doubled.distinct, 2 * graph.distinct);
    let names = says_so.class_names();
    let over = u16::try_from(names.len() - 1).expect("few");
    let mut counts = [0; 2];
    for fairness in fairnesses(N) {
        let left_out = fairness.clone().finitely(failures(N));
        let said = fairness.and(Fairness::weak(&names, [over]));
        for number in 0..STATEMENTS.len() {
            let found = word(&graph, number, &left_out);
            assert_eq!(found, word(&doubled, number, &said), "{number} {left_out:?}");
            counts[usize::from(found == "violated")] += 1;
        }
    }
    counts
}

#[test]
fn to_leave_failures_out_of_cycles_is_to_say_that_they_are_over() {
    for variant in [Variant::default(), repaired()] {
        for epochs in [Epochs::Next, Epochs::Any] {
            let counts = agree::<2, 1>(variant, 1, epochs);
            assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
        }
        agree::<2, 2>(variant, 2, Epochs::Next);
    }
    // Servers that are turned away for ever are there with three only.
    agree::<3, 1>(repaired(), 0, Epochs::Next);
}
