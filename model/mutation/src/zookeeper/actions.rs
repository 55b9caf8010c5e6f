//! Actions that the copy tries in every state, besides those that the model preselects.

use crate::zab::explore::{Action, Bounds, Election, State, Zab};
use crate::zab::{Role, ServerId};

/// Adds every action about which rules alone decide; what the environment must allow, the model
/// itself decides.
pub(crate) fn add_actions<const N: usize, const P: usize>(
    model: &Zab<N, P>,
    state: &State<N, P>,
    all: &mut Vec<Action>,
) {
    let mut add = |action: Action| {
        if !all.contains(&action) {
            all.push(action);
        }
    };
    let Bounds { election, .. } = model.bounds;
    let made = state.transactions.iter().filter(|txn| txn.zxid.counter > 0).count();
    for id in model.ensemble.members() {
        (0..=2).for_each(|survived| add(Action::Start(id, survived)));
        [Action::Crash(id), Action::Kill(id), Action::LeaveRole(id)].into_iter().for_each(&mut add);
        [Action::Apply(id), Action::ToLearner(id)].into_iter().for_each(&mut add);
        [Action::CutReturns(id), Action::AppendFails(id), Action::ZombieWrites(id)]
            .into_iter()
            .for_each(&mut add);
        add(Action::Write(id));
        if matches!(election, Election::Fle | Election::FleOnly) {
            [Action::Settle(id), Action::Resend(id)].into_iter().for_each(&mut add);
        }
        if made < state.transactions.len() {
            add(Action::Request(id));
        }
        for txn in state.transactions.iter().take(made) {
            add(Action::Sync(id, txn.zxid));
        }
        let leader = state.server(id).vote.leader;
        let leads = model.ensemble.is_voter(leader) && state.server(leader).role == Role::Leading;
        if leads && election != Election::FleOnly {
            add(Action::Connect(id));
        }
        let leads = |other: &ServerId| state.server(*other).role == Role::Leading;
        for leader in model.ensemble.voters().filter(leads) {
            add(Action::Observe(id, leader));
        }
        for other in model.ensemble.members().filter(|other| *other != id) {
            add(Action::Handler(other, id));
            add(Action::ToLeader(other, id));
            add(Action::Notification(other, id));
        }
    }
}
