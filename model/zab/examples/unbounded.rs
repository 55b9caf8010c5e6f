//! How many states of the `zookeeper` family remain when budgets are left out and epochs and rounds are
//! ranked: a first measurement (`docs/src/unlimited.md`, "The zookeeper family").
//!
//! ```text
//! cargo run --release -p zab-model --example unbounded -- 200000
//! ```
//!
//! A state is taken for what there is to know of it ([`Pictured::facts`]) without budgets and ghosts.
//! Epochs become their ranks among the epochs in the state, and rounds theirs. Budgets of failures are
//! refilled after each step, so that one of each kind is always left; requests keep their budget,
//! because a transaction keeps its place in the ledger for ever. Of the states with one image the first
//! that is found is followed, so this is a measurement and no proof: another of them may have a gap
//! between two epochs or rounds that this one has not. The number is that of images; it is exact up to
//! that, and `-` in the last column says that the limit was reached first.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Model;
use zab_explorer::ExplorerModel;
use zab_model::WINDOW_DEFAULT;
use zab_model::explore::{Bounds, Budget, Election, Ghost, State, Zab};
use zab_view::{Fact, Pictured};

/// What no rule reads.
const NOT_READ: [&str; 4] = ["known committed", "established", "still allowed", "VIOLATIONS"];

/// A piece of a text.
#[derive(Clone, Copy)]
enum Piece<'t> {
    Text(&'t str),
    Epoch(u8),
    Round(u8),
}

/// The numbers of a fact by what they are: its name, or what stands before and after, tells.
fn pieces<'t>(fact: &'t Fact, found: &mut Vec<Piece<'t>>) {
    let text = fact.value.as_str();
    let is_epoch = fact.name.ends_with("Epoch");
    let mut at = 0;
    while at < text.len() {
        let digits = text[at..].find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len() - at);
        if digits == 0 {
            let end = text[at..].find(|c: char| c.is_ascii_digit()).map_or(text.len(), |n| at + n);
            found.push(Piece::Text(&text[at..end]));
            at = end;
            continue;
        }
        let (before, number, after) = (&text[..at], &text[at..at + digits], &text[at + digits..]);
        let value = number.parse().unwrap_or(u8::MAX);
        let is_zxid = after.starts_with('.');
        let of_vote = before.ends_with(", ") && after.starts_with(')');
        found.push(if is_zxid || of_vote || is_epoch || before.ends_with("poch=") {
            Piece::Epoch(value)
        } else if fact.name == "round" || before.ends_with("round=") {
            Piece::Round(value)
        } else {
            Piece::Text(number)
        });
        at += digits;
        if is_zxid {
            // The counter is no epoch.
            let counter = text[at + 1..].find(|c: char| !c.is_ascii_digit());
            let end = counter.map_or(text.len(), |n| at + 1 + n);
            found.push(Piece::Text(&text[at..end]));
            at = end;
        }
    }
}

/// What there is to know of a state, with ranks if that is wanted.
fn image(model: &Zab, state: &State, ranks: bool) -> u128 {
    let facts = model.facts(state);
    let mut found = Vec::new();
    for fact in facts.iter().filter(|fact| !NOT_READ.contains(&fact.name.as_str())) {
        pieces(fact, &mut found);
        found.push(Piece::Text(";"));
    }
    // Without requests left there is less to come.
    let mut text = state.budget.requests.to_string();
    let [mut epochs, mut rounds] = [BTreeSet::from([0]), BTreeSet::from([0])];
    for piece in &found {
        match piece {
            Piece::Epoch(number) => epochs.insert(*number),
            Piece::Round(number) => rounds.insert(*number),
            Piece::Text(_) => false,
        };
    }
    let rank = |used: &BTreeSet<u8>, number: u8| match ranks {
        true => used.range(..number).count(),
        false => number.into(),
    };
    for piece in found {
        // Writing to a string cannot fail.
        let _ = match piece {
            Piece::Text(part) => write!(text, "{part}"),
            Piece::Epoch(number) => write!(text, "{}", rank(&epochs, number)),
            Piece::Round(number) => write!(text, "{}", rank(&rounds, number)),
        };
    }
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &text).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// Images that runs come to, up to a limit, and whether these are all. `refilled`: budgets of failures
/// never end.
fn images(model: &Zab, ranks: bool, refilled: bool, limit: usize) -> (usize, bool) {
    let full = Budget::of(&model.bounds);
    let next = |mut state: State| {
        state.ghost = Ghost::default();
        if refilled {
            state.budget = Budget { requests: state.budget.requests, ..full };
        }
        state
    };
    let mut queue: VecDeque<State> = model.init_states().into_iter().map(next).collect();
    let mut seen: HashSet<u128> = queue.iter().map(|state| image(model, state, ranks)).collect();
    while let Some(state) = queue.pop_front() {
        if seen.len() >= limit {
            return (seen.len(), false);
        }
        model.for_each_successor(&state, |_, after| {
            let after = next(after);
            if model.within_boundary(&after) && seen.insert(image(model, &after, ranks)) {
                queue.push_back(after);
            }
        });
    }
    (seen.len(), true)
}

/// States within the bounds: all, without budgets, and ranked.
fn bounded(model: &Zab, limit: usize) -> [usize; 3] {
    let mut queue: VecDeque<State> = model.init_states().into();
    let mut seen: HashSet<State> = queue.iter().copied().collect();
    let [mut without, mut ranked] = [HashSet::new(), HashSet::new()];
    while let Some(state) = queue.pop_front() {
        without.insert(image(model, &state, false));
        ranked.insert(image(model, &state, true));
        if seen.len() < limit {
            model.for_each_successor(&state, |_, after| {
                if model.within_boundary(&after) && seen.insert(after) {
                    queue.push_back(after);
                }
            });
        }
    }
    [seen.len(), without.len(), ranked.len()]
}

fn main() {
    let limit = std::env::args().nth(1).and_then(|limit| limit.parse().ok()).unwrap_or(200_000);
    let grains = [Election::Oracle, Election::Anybody, Election::Fle, Election::FleOnly];
    println!("bounded: states, without budgets, ranked; then refilled: images, all of them?");
    for (servers, requests) in [(2, 0), (2, 1), (3, 0), (3, 1)] {
        for election in grains {
            let alone = matches!(election, Election::FleOnly);
            if alone && requests > 0 {
                continue;
            }
            let resends = u8::from(matches!(election, Election::Fle | Election::FleOnly));
            let bounds = Bounds {
                servers,
                observers: 0,
                requests,
                crashes: 1,
                kills: 0,
                lost_disks: 0,
                failed_appends: 0,
                timeouts: 1,
                disconnects: 1,
                rounds: 2,
                resends,
                election,
            };
            let Some(model) = Zab::new(bounds, WINDOW_DEFAULT) else { continue };
            let [all, without, ranked] = bounded(&model, limit);
            let cut = if all >= limit { "+" } else { "" };
            let (count, closed) = images(&model, true, true, limit);
            let closed = if closed { "closed" } else { "-" };
            println!(
                "servers={servers} requests={requests} election={election}: \
                 {all}{cut} {without} {ranked}; {count} {closed}"
            );
        }
    }
}
