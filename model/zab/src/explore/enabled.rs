//! Which actions are possible, in a fixed order.

use super::action::Action;
use super::bounds::Election;
use super::links::End;
use super::model::{NetworkMutant, Zab};
use super::oracle;
use super::sizes::{Flat, id_at, index};
use super::state::State;
use crate::grain::Grain;
use crate::program::Item;
use crate::server::Stage;
use crate::shape::{Queue, Shape};
use crate::stores::Disk;
use crate::types::{Phase, Role, ServerId, ServerSet};

impl<const N: usize, const P: usize> Zab<N, P> {
    /// Calls `visit` with every action that may be possible; the rules decide.
    pub(super) fn for_each_candidate(&self, state: &State<N, P>, mut visit: impl FnMut(Action)) {
        for place in self.members() {
            self.of_server(state, id_at(place), &mut visit);
        }
    }

    fn of_server(&self, state: &State<N, P>, id: ServerId, visit: &mut impl FnMut(Action)) {
        let server = state.server(id);
        if server.role == Role::Down {
            let survivors = 0..=u8::try_from(server.unsynced()).unwrap_or(u8::MAX);
            survivors.for_each(|survived| visit(Action::Start(id, survived)));
            of_disk(state, id, visit);
            return;
        }
        if state.budget.crashes > 0 {
            visit(Action::Crash(id));
        }
        if state.budget.kills > 0 {
            visit(Action::Kill(id));
        }
        if !server.zombie.numbers().is_empty() {
            visit(Action::ZombieWrites(id));
        }
        if !server.program.is_finished() {
            visit(Action::Write(id));
            if server.program.is_past(Item::Queue) {
                of_sync_thread(state, id, visit);
            }
            match self.ensemble.grain {
                Grain::Writes => return,
                Grain::Threads => {}
            }
        }
        self.of_notifications(state, id, visit);
        match server.role {
            Role::Down => {}
            Role::Looking if self.ensemble.is_voter(id) => self.of_looking(state, id, visit),
            Role::Looking => self.of_looking_observer(state, id, visit),
            Role::Following => self.of_following(state, id, visit),
            Role::Leading => self.of_leading(state, id, visit),
        }
        if self.ensemble.grain == Grain::Threads && server.phase == Phase::Broadcast {
            visit(Action::Apply(id));
        }
        if server.role != Role::Looking
            && (self.is_stranded(state, id) || state.budget.timeouts > 0)
        {
            visit(Action::LeaveRole(id));
        }
        if server.phase == Phase::Broadcast || server.synchronization.stage == Stage::Acknowledged {
            of_sync_thread(state, id, visit);
            if state.budget.failed_appends > 0 && server.unsynced() > 0 {
                visit(Action::AppendFails(id));
            }
        }
    }

    fn of_notifications(&self, state: &State<N, P>, id: ServerId, visit: &mut impl FnMut(Action)) {
        for from in self.others(id) {
            if !state.links.notes[(index(from), index(id))].as_slice().is_empty() {
                visit(Action::Notification(from, id));
            }
        }
    }

    fn of_looking(&self, state: &State<N, P>, id: ServerId, visit: &mut impl FnMut(Action)) {
        if !self.has_oracle() {
            visit(Action::Settle(id));
            if state.budget.resends > 0 {
                visit(Action::Resend(id));
            }
            return;
        }
        if state.budget.rounds > 0 {
            for followers in subsets(self.others(id)) {
                if self.can_elect(state, id, followers) {
                    visit(Action::Elect(id, followers));
                }
            }
        }
        for leader in self.others(id) {
            if oracle::can_join(self.ensemble, state, id, leader) {
                visit(Action::Join(id, leader));
            }
        }
    }

    /// An observer may have heard of any server that leads, at any time.
    fn of_looking_observer(
        &self,
        state: &State<N, P>,
        id: ServerId,
        visit: &mut impl FnMut(Action),
    ) {
        let leads = |leader: &ServerId| state.server(*leader).role == Role::Leading;
        for leader in self.ensemble.voters().filter(leads) {
            visit(Action::Observe(id, leader));
        }
    }

    fn of_following(&self, state: &State<N, P>, id: ServerId, visit: &mut impl FnMut(Action)) {
        let down = &state.links.down[index(id)];
        match down.end {
            End::Closed => {
                let leads = state.server(state.server(id).vote.leader).role == Role::Leading;
                if leads && self.bounds.election != Election::FleOnly {
                    visit(Action::Connect(id));
                }
            }
            End::Open => {
                if state.budget.disconnects > 0 {
                    visit(Action::Cut(id));
                }
                let waiting = down.queue.as_slice().len() - usize::from(down.held);
                match self.network {
                    Some(NetworkMutant::Drops) if waiting > 0 => visit(Action::Lose(id)),
                    Some(NetworkMutant::Reorders) if waiting > 1 => visit(Action::Swap(id)),
                    Some(NetworkMutant::Drops | NetworkMutant::Reorders) | None => {}
                }
            }
            End::Severed => visit(Action::LearnerNotices(id)),
        }
        if down.next().is_some() {
            visit(Action::ToLearner(id));
        }
    }

    fn of_leading(&self, state: &State<N, P>, id: ServerId, visit: &mut impl FnMut(Action)) {
        for learner in self.other_members(id) {
            let up = &state.links.up[(index(learner), index(id))];
            if up.has_packet() {
                visit(Action::ToLeader(learner, id));
            }
            if up.older > 0 {
                visit(Action::OlderToLeader(learner, id));
                visit(Action::OlderEnds(learner, id));
            }
            if up.newer != End::Closed {
                visit(Action::Accept(learner, id));
            }
            if up.end == End::Severed {
                visit(Action::LeaderNotices(learner, id));
            }
            if self.ensemble.grain == Grain::Threads {
                visit(Action::Handler(learner, id));
            }
        }
        if state.server(id).phase == Phase::Broadcast && state.budget.requests > 0 {
            visit(Action::Request(id));
        }
    }
}

/// What may have happened to a disk whose server is down.
fn of_disk<const N: usize, const P: usize>(
    state: &State<N, P>,
    id: ServerId,
    visit: &mut impl FnMut(Action),
) {
    let disk = &state.server(id).disk;
    if !disk.cut.numbers().is_empty() {
        visit(Action::CutReturns(id));
    }
    if state.budget.lost_disks > 0 && *disk != Disk::default() {
        visit(Action::LoseDisk(id));
    }
}

/// Any part of the unsynced tail becomes durable.
fn of_sync_thread<const N: usize, const P: usize>(
    state: &State<N, P>,
    id: ServerId,
    visit: &mut impl FnMut(Action),
) {
    let server = state.server(id);
    let unsynced = server.history.numbers().iter().skip(Flat::<N>::length(&server.disk.history));
    let txns = unsynced.map(|number| state.transactions[usize::from(*number) - 1]);
    txns.for_each(|txn| visit(Action::Sync(id, txn.zxid)));
}

/// Every subset of a few servers, the empty one first.
fn subsets(servers: impl Iterator<Item = ServerId>) -> Vec<ServerSet> {
    let mut sets = vec![ServerSet::default()];
    for id in servers {
        for place in 0..sets.len() {
            let mut larger = sets[place];
            larger.insert(id);
            sets.push(larger);
        }
    }
    sets
}
