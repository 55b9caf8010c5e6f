//! The normal form of states: a field that the present role and phase do not read has its default
//! value (`zab_model::Server`). So states that behave alike are equal, and counts mean something.

use std::sync::atomic::{AtomicBool, Ordering};

use zab_explorer::{Options, Visited, check};
use zerocopy::TryFromBytes;

use super::explore::{MEMORY, STATES_MAX};
use super::ladder::Rung;
use crate::explore::quietly;
use crate::list::Mutant;
use crate::zab::explore::State;
use crate::zab::{
    Election, Leader, Phase, Progress, Role, Server, ServerId, Shape, Synchronization, Table, Zxid,
};

/// Whether a state that is not in normal form is reached within these bounds: with a mutant, or by the
/// protocol.
pub(crate) fn is_broken(mutant: Option<&Mutant>, rung: &Rung) -> bool {
    let broken = AtomicBool::new(false);
    let look = |states: &[u8]| {
        let states = states.chunks(size_of::<State>()).map(State::try_read_from_bytes);
        if !states.flatten().all(|state| is_normal(&state)) {
            broken.store(true, Ordering::Relaxed);
        }
    };
    let options = Options {
        memory_max: Some(MEMORY),
        states_max: STATES_MAX,
        stop: Some(&broken),
        visited: Some(Visited(&look)),
        ..Options::default()
    };
    let model = rung.model();
    let run = || check(&model, &options, &mut |_| {}).expect("a run that may begin");
    drop(quietly(mutant, run));
    broken.load(Ordering::Relaxed)
}

fn is_normal(state: &State) -> bool {
    state
        .servers
        .iter()
        .all(|server| elects(server) && leads(server) && follows(server) && knows_committed(server))
}

/// The tables of an election are empty outside of one; of servers that have settled no zxid is kept.
fn elects<S: Shape>(server: &Server<S>) -> bool {
    let zxid = |id| server.election.outofelection.row(ServerId(id)).vote.zxid;
    match server.role {
        Role::Looking => (1..=3).all(|id| zxid(id) == Zxid::default()),
        Role::Following | Role::Leading | Role::Down => server.election == Election::default(),
    }
}

/// What a leader keeps for a phase is gone after it.
fn leads<S: Shape>(server: &Server<S>) -> bool {
    let Server { role, phase, leader, .. } = server;
    if *role != Role::Leading {
        return *leader == Leader::default();
    }
    let counted = !leader.decided
        || leader.connecting.is_empty() && leader.new_epoch == <S::Num as Default>::default();
    let gate = *phase == Phase::Discovery || leader.electing.is_empty();
    let acks = *phase == Phase::Synchronization || leader.new_leader_acks.is_empty();
    let waits = (1..=3).map(|id| leader.learners.row(ServerId(id))).all(|learner| {
        learner.progress == Progress::WaitsForGate || learner.last == Zxid::default()
    });
    counted && gate && acks && waits
}

/// A follower in broadcast is not being synchronized, and neither is anybody else.
fn follows<S: Shape>(server: &Server<S>) -> bool {
    let is_synchronized = server.role == Role::Following && server.phase != Phase::Broadcast;
    is_synchronized || server.synchronization == Synchronization::default()
}

/// What is committed is known in broadcast only.
fn knows_committed<S: Shape>(server: &Server<S>) -> bool {
    server.phase == Phase::Broadcast || server.last_committed == Zxid::default()
}
