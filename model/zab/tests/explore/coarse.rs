//! Every step of the oracle can be made by notifications.

use std::collections::{HashSet, VecDeque};

use stateright::Model;
use zab_model::explore::{
    Action, Flat, Settled, Start, State, Zab, after_first_epoch, one_is_late, uneven_starts,
};
use zab_model::{Election, NoProbe, Role, Server, Vote, Zxid};

use crate::script::{id, set};
use crate::{CALM, ELECTION, zab};

/// What an election leaves in a server, without the marks of how it took place.
fn outcome(server: &Server<Flat>) -> Server<Flat> {
    let vote = match server.role {
        Role::Down | Role::Looking => Vote::default(),
        Role::Following | Role::Leading => Vote { zxid: Zxid::default(), ..server.vote },
    };
    Server { round: 0, vote, election: Election::default(), ..*server }
}

fn outcomes(state: &State) -> [Server<Flat>; 3] {
    state.servers.map(|server| outcome(&server))
}

/// Every outcome that the oracle has in one step, and in a second one by which the last server
/// joins; each with the outcomes on the way.
fn coarse(start: Start) -> Vec<Vec<[Server<Flat>; 3]>> {
    let mut model = zab(CALM);
    model.starts = vec![start];
    let mut found = Vec::new();
    let mut paths = vec![(model.init_states().remove(0), Vec::new())];
    while let Some((state, path)) = paths.pop() {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        for action in actions {
            let elects = matches!(action, Action::Elect(..) | Action::Join(..));
            let next = model.act(&state, action, &mut NoProbe);
            if let Some(next) = next.filter(|_| elects) {
                let mut longer = path.clone();
                longer.push(outcomes(&next));
                found.push(longer.clone());
                paths.push((next, longer));
            }
        }
    }
    found
}

/// Whether notifications lead through these outcomes, in this order.
fn is_realisable(start: Start, path: &[[Server<Flat>; 3]]) -> bool {
    let mut model: Zab = zab(ELECTION);
    model.starts = vec![start];
    let first = (model.init_states().remove(0), 0);
    let mut seen = HashSet::from([first]);
    let mut queue = VecDeque::from([first]);
    while let Some((state, passed)) = queue.pop_front() {
        let now = usize::from(outcomes(&state) == path[passed]);
        if passed + now == path.len() {
            return true;
        }
        for next in model.next_states(&state) {
            let next = (next, passed + now);
            if seen.insert(next) {
                queue.push_back(next);
            }
        }
    }
    false
}

#[test]
fn what_the_oracle_elects_notifications_elect() {
    let mut steps = 0;
    for start in uneven_starts().into_iter().chain([after_first_epoch()]) {
        for path in coarse(start) {
            assert!(is_realisable(start, &path), "{start:?} {path:?}");
            steps += 1;
        }
    }
    // Of equals 3 can win with 1, 2 or both, and 2 with 1, each time with the other joining later:
    // 7 paths; likewise for the other starts.
    assert_eq!(steps, 28);
}

/// The state that a start of elections alone begins with.
fn first(start: Start) -> State {
    let mut model = zab(ELECTION);
    model.starts = vec![start];
    model.init_states().remove(0)
}

/// Whether notifications lead from one state to another that is as wanted.
fn leads_to(from: State, is_wanted: impl Fn(&State) -> bool) -> bool {
    let (mut seen, mut queue) = (HashSet::from([from]), VecDeque::from([from]));
    let model = zab(ELECTION);
    while let Some(state) = queue.pop_front() {
        if is_wanted(&state) {
            return true;
        }
        queue.extend(model.next_states(&state).into_iter().filter(|next| seen.insert(*next)));
    }
    false
}

#[test]
fn a_start_after_an_election_is_what_notifications_lead_to() {
    let leads: [(u8, &[u8]); 3] = [(3, &[1, 2]), (1, &[2, 3]), (1, &[2, 3])];
    for (start, (leader, followers)) in uneven_starts().into_iter().zip(leads) {
        let settled = Settled { leader: id(leader), followers: set(followers) };
        let after = first(Start { settled: Some(settled), ..start });
        assert!(leads_to(first(start), |state| *state == after), "{leader} leads");
    }
    let late = first(one_is_late(Start::default()));
    let is_late = |state: &State| {
        let mut state = *state;
        state.budget.crashes = 1;
        zab(ELECTION).act(&state, Action::Crash(id(1)), &mut NoProbe) == Some(late)
    };
    assert!(leads_to(first(Start::default()), is_late));
}
