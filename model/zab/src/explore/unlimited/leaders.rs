//! What is said of established leaders where the list of them is not kept: of those who lead.

use stateright::Property;
use zab_explorer::Reduced;

use super::Unlimited;
use crate::explore::agreement::history;
use crate::explore::ghost::common;
use crate::explore::properties::Case;
use crate::explore::sizes::Flat;
use crate::explore::state::State;
use crate::server::Server;
use crate::types::{Phase, Role};

/// In place of those that need the list.
pub(super) fn properties<const N: usize, const P: usize>() -> Vec<Property<Reduced<Unlimited<N, P>>>>
{
    vec![
        Property::always("one_established_leader_per_epoch_at_a_time", |model, state| {
            one_at_a_time(&case(model, state))
        }),
        Property::always("established_leaders_have_what_is_committed", |model, state| {
            have_what_is_committed(&case(model, state))
        }),
        Property::sometimes("a_leader_is_established", |model, state| {
            established(&case(model, state)).next().is_some()
        }),
    ]
}

fn case<'a, const N: usize, const P: usize>(
    model: &'a Reduced<Unlimited<N, P>>,
    state: &'a State<N, P>,
) -> Case<'a, N, P> {
    Case::new(model.as_ref(), state)
}

/// Who leads in broadcast.
fn established<'a, const N: usize, const P: usize>(
    case: &Case<'a, N, P>,
) -> impl Iterator<Item = &'a Server<Flat<N>>> + use<'a, N, P> {
    let leads = |server: &&Server<Flat<N>>| {
        server.role == Role::Leading && server.phase == Phase::Broadcast
    };
    case.voters().iter().filter(leads)
}

/// No two servers lead one epoch in broadcast.
fn one_at_a_time<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    established(case).all(|one| {
        established(case)
            .all(|other| one.id == other.id || one.accepted_epoch != other.accepted_epoch)
    })
}

/// Whatever is committed under earlier epochs begins the history of whoever leads in broadcast. What
/// was in it when the leader was established stays there.
fn have_what_is_committed<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    established(case).all(|leader| {
        let committed = &case.state.ghost.committed;
        let earlier = case.committed().take_while(|txn| txn.zxid.epoch < leader.accepted_epoch);
        common(&history(case, leader), committed) >= earlier.count()
    })
}
