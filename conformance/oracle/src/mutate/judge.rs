//! Whether it is right that a corrupted trace passes: the search over the whole ensemble says.

use zab_check::{Options, Verdict, check_under_contract};
use zab_trace::{Event, Header};

use super::draft::Draft;
use crate::brute::{Brute, brute};
use crate::corrupt::cut;

/// What the search says about a corrupted trace that the checker accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// A run of the model shows the whole trace.
    Legal,
    /// A run of the model shows the trace up to behind the corruption, so many lines; the whole
    /// trace is too much for the search.
    LegalSlice(usize),
    /// The search gave up.
    Open,
    /// No run of the model shows the trace: the checker is wrong. The lines are the fewest that
    /// were found on which it still is.
    Illegal(Vec<Event>),
}

/// Judges a corrupted trace that passes; `first` is the index of the first line that is not that of
/// the honest run. The search takes at most so many states.
pub(super) fn judge(header: &Header, events: &[Event], first: usize, states: usize) -> Judgement {
    match brute(header, events, states) {
        Brute::Conforms => return Judgement::Legal,
        Brute::Diverges | Brute::Incomplete => {
            return Judgement::Illegal(fewest(header, events, states));
        }
        Brute::GaveUp => {}
    }
    // A shorter beginning is less work. It ends with kills, which are always legal.
    let lengths = [events.len() * 3 / 4, events.len() / 2, first + 20, first + 8, first + 2];
    for length in lengths.into_iter().filter(|length| first < *length && *length < events.len()) {
        let slice = cut(events, &events[..length]);
        match brute(header, &slice, states) {
            Brute::Conforms => return Judgement::LegalSlice(length),
            Brute::Diverges | Brute::Incomplete if accepted(header, &slice) => {
                return Judgement::Illegal(fewest(header, &slice, states));
            }
            Brute::Diverges | Brute::Incomplete | Brute::GaveUp => {}
        }
    }
    Judgement::Open
}

fn accepted(header: &Header, events: &[Event]) -> bool {
    let trace = (header.clone(), events.to_vec());
    let verdict = check_under_contract(&trace, &Options::default()).verdict;
    matches!(verdict, Verdict::Conforms(_))
}

/// Whether the checker accepts what the search does not.
fn is_false_pass(header: &Header, events: &[Event], states: usize) -> bool {
    accepted(header, events)
        && matches!(brute(header, events, states), Brute::Diverges | Brute::Incomplete)
}

/// The shortest beginning on which the checker is still wrong, without the lines and messages that
/// it takes no part in.
fn fewest(header: &Header, events: &[Event], states: usize) -> Vec<Event> {
    let beginnings = (1..events.len()).map(|length| cut(events, &events[..length]));
    let shortest = beginnings.into_iter().find(|slice| is_false_pass(header, slice, states));
    let mut best = shortest.unwrap_or_else(|| events.to_vec());
    let mut at = best.len();
    while at > 0 {
        at = (at - 1).min(best.len().saturating_sub(1));
        let mut draft = Draft::new(&best);
        draft.remove_both(vec![at]);
        let smaller = draft.finish();
        if is_false_pass(header, &smaller, states) {
            best = smaller;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corrupt::corruptions;
    use crate::walk::{Walk, walk};

    /// The checker is not asked here whether the trace passes: the search alone has to know.
    #[test]
    fn an_illegal_trace_is_told_and_an_honest_one_is_legal() {
        let mut illegal = 0;
        for seed in 0..4 {
            let (header, events) = walk(seed, &Walk { servers: 2, events: 90, ..Walk::default() });
            assert_eq!(judge(&header, &events, 0, 5_000), Judgement::Legal, "seed {seed}");
            for corruption in corruptions() {
                let Some(corrupted) = corruption.apply(&events) else { continue };
                let judgement = judge(&header, &corrupted.events, corrupted.illegal, 50_000);
                let told = matches!(judgement, Judgement::Illegal(_));
                assert!(told, "seed {seed}, {}: {judgement:?}", corruption.name);
                illegal += 1;
            }
        }
        assert!(illegal > 20, "{illegal} opportunities only");
    }

    #[test]
    fn a_search_without_states_leaves_it_open() {
        let (header, events) = walk(1, &Walk::default());
        assert_eq!(judge(&header, &events, 0, 0), Judgement::Open);
    }
}
