//! States to try: on random runs with many failures, and such states with whatever epochs and values
//! in them.

use proptest::prelude::{Strategy, any, prop};
use zab_paper::{Bounds, Paper, Rules, State};

pub(crate) fn rules<const N: usize, const X: usize>(timeouts: u8, restarts: u8) -> Rules {
    let number = |number: usize| u8::try_from(number).expect("small");
    let (servers, txns) = (number(N), number(X));
    Rules::new(Bounds { servers, txns, epochs: None, timeouts, restarts })
}

pub(crate) fn paper<const N: usize, const X: usize>(rules: Rules) -> Paper<N, X, 0> {
    Paper::new(rules).expect("bounds that fit")
}

/// A state, and whether it was made of another that a run comes to.
#[derive(Clone, Debug)]
pub(crate) struct Tried<const N: usize, const X: usize> {
    pub(crate) state: State<N, X, 0>,
    pub(crate) is_made: bool,
}

/// What a request finds: the longest history, and a value that nothing has.
fn spend<const N: usize, const X: usize>(state: &mut State<N, X, 0>) {
    let longest = state.servers.iter().map(|server| server.history.len()).max();
    state.spent.txns = u8::try_from(longest.unwrap_or(0)).expect("small");
    let mut next = 0;
    let _ = state.with_values(|value| {
        next = next.max(value + 1);
        value
    });
    state.spent.requests = next;
    (state.spent.timeouts, state.spent.restarts) = (0, 0);
}

/// The state that a run comes to if it takes these of the steps that are possible. Of every four
/// one may be a failure.
fn run<const N: usize, const X: usize>(rules: Rules, choices: &[(bool, u16)]) -> State<N, X, 0> {
    let model = paper::<N, X>(rules);
    let mut state = State::default();
    for (number, (_, choice)) in choices.iter().enumerate() {
        let mut steps = Vec::new();
        model.for_each_step(&state, |action, next| {
            let is_failure = next.spent.timeouts > state.spent.timeouts;
            if number % 4 == 3 || !is_failure {
                steps.push((action, next));
            }
        });
        let Some((_, next)) = steps.get(usize::from(*choice) % steps.len().max(1)) else { break };
        state = *next;
    }
    state
}

/// States with epochs up to 9 and values up to 40.
pub(crate) fn states<const N: usize, const X: usize>(
    rules: Rules,
) -> impl Strategy<Value = Tried<N, X>> {
    let choices = prop::collection::vec((any::<bool>(), any::<u16>()), 0..90);
    let others = prop::collection::vec((prop::option::weighted(0.3, 0..10_u8), 0..41_u8), 300);
    (choices, any::<bool>(), others).prop_map(move |(choices, is_made, others)| {
        let mut state = run::<N, X>(rules, &choices);
        if is_made {
            let (mut epochs, mut values) = (others.iter().cycle(), others.iter().cycle());
            let other = |(other, _): &(Option<u8>, u8), epoch| other.unwrap_or(epoch);
            state = state.with_epochs(|epoch| epochs.next().map_or(epoch, |o| other(o, epoch)));
            state = state.with_values(|value| values.next().map_or(value, |(_, value)| *value));
        }
        spend(&mut state);
        Tried { state, is_made }
    })
}

/// A strictly monotone map of the numbers below `count` to those below `room`, with gaps; it keeps 0
/// if that is asked for.
pub(crate) fn monotone(count: usize, room: u8, keeps_0: bool) -> impl Strategy<Value = Vec<u8>> {
    let rest = count - usize::from(keeps_0);
    let numbers: Vec<u8> = (u8::from(keeps_0)..room).collect();
    prop::sample::subsequence(numbers, rest).prop_map(move |mut numbers| {
        if keeps_0 {
            numbers.insert(0, 0);
        }
        numbers
    })
}
