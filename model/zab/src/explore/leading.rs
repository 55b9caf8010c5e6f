//! What must hold of who leads and who follows: of elections, epochs and connections.

use super::ghost::{Established, Violation, is_prefix};
use super::links::End;
use super::properties::Case;
use super::sizes::{Flat, index};
use crate::config::Config;
use crate::message::Message;
use crate::server::{Election, Heard, Progress, Server};
use crate::shape::{Queue, Shape, Table};
use crate::step::Step;
use crate::types::{Phase, Role, ServerId, Vote};

/// A table of votes.
type Votes<const N: usize> = <Flat<N> as Shape>::Table<Heard<u8>>;

/// See [`Violation::DecidedEarly`].
pub(super) fn decided_with_a_quorum<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    !case.state.ghost.has(Violation::DecidedEarly)
}

/// See [`Violation::RoundStood`].
pub(super) fn every_election_has_a_round<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    !case.state.ghost.has(Violation::RoundStood)
}

/// See [`Violation::EstablishedEarly`]. A disk that is lost may have held what was acknowledged.
pub(super) fn established_is_durable<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    let is_disk_lost = case.state.budget.lost_disks < case.model.bounds.lost_disks;
    is_disk_lost || !case.state.ghost.has(Violation::EstablishedEarly)
}

/// See [`Violation::SnapInVain`].
pub(super) fn snap_only_where_needed<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    !case.state.ghost.has(Violation::SnapInVain)
}

/// To have an epoch is to have taken over its leader's history: `NEWLEADER` is acknowledged, and
/// currentEpoch written, with that history on the disk (the paper, 4.2, phase 2; ZOOKEEPER-4643).
pub(super) fn whoever_has_an_epoch_has_its_history<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    case.state.ghost.established.as_slice().iter().all(|leader| {
        let of_epoch = |server: &&Server<Flat<N>>| server.disk.current_epoch == leader.epoch;
        case.voters()
            .iter()
            .filter(of_epoch)
            .all(|server| is_prefix(&leader.initial, &server.disk.recovered_tree(&case.config)))
    })
}

/// UPTODATE comes from a leader that a quorum has acknowledged (the paper, 4.2, phase 2;
/// `Leader.waitForNewLeaderAck`).
pub(super) fn whoever_is_served_has_an_established_leader<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    let established = case.state.ghost.established.as_slice();
    let follows = |server: &&Server<Flat<N>>| server.role == Role::Following;
    let mut followers = case.voters().iter().filter(follows).filter(|server| serves(server));
    followers.all(|server| established.iter().any(|one| one.epoch == server.current_epoch))
}

fn serves<const N: usize>(server: &Server<Flat<N>>) -> bool {
    server.phase == Phase::Broadcast
}

/// Whoever is in broadcast tells that epoch to servers that look, which join those that tell the
/// same (`QuorumPeer.updateElectionVote`, ZOOKEEPER-1732).
pub(super) fn votes_name_the_epoch<const N: usize, const P: usize>(case: &Case<'_, N, P>) -> bool {
    case.voters().iter().filter(|server| serves(server)).all(|server| match server.role {
        Role::Leading | Role::Following => server.vote.peer_epoch == server.current_epoch,
        Role::Looking | Role::Down => true,
    })
}

/// A leader knows how far a learner is as long as its end of the connection is open, and no longer
/// (`LearnerHandler.run` and `shutdown`).
pub(super) fn handlers_end_with_their_connection<const N: usize, const P: usize>(
    case: &Case<'_, N, P>,
) -> bool {
    let leads = |server: &&Server<Flat<N>>| server.role == Role::Leading;
    case.voters().iter().filter(leads).all(|leader| {
        case.model.others(leader.id).all(|learner| {
            let up = &case.state.links.up[(index(learner), index(leader.id))];
            let progress = leader.leader.learners.row(learner).progress;
            (progress == Progress::None) == (up.end == End::Closed)
        })
    })
}

/// Whether the end of an election is one that the votes heard allow: those for the leader are a
/// quorum, and a leader that has decided said itself that it leads
/// (`FastLeaderElection.lookForLeader`, `getVoteTracker`, `checkLeader`).
pub(super) fn may_decide<const N: usize>(
    config: &Config<Flat<N>>,
    before: &Server<Flat<N>>,
    step: &Step<Flat<N>>,
    vote: Vote<u8>,
) -> bool {
    let Election { recvset, outofelection } = &before.election;
    let Step::Receive { from, message: Message::Notification(n) } = step else {
        return is_quorum(config, |id| recvset.row(id).vote == vote);
    };
    let heard = |votes: &Votes<N>, id| {
        let new = Heard { vote: n.vote, leading: n.role == Role::Leading };
        if id == *from { new } else { votes.row(id) }
    };
    let in_round = n.round == before.round;
    let is_own = vote.leader == before.id;
    let leads = |votes| if is_own { in_round } else { heard(votes, vote.leader).leading };
    let is_alike = |one: Vote<u8>| one.leader == vote.leader && one.peer_epoch == vote.peer_epoch;
    let of_round = is_quorum(config, |id| heard(recvset, id).vote.leader == vote.leader);
    let of_settled = is_quorum(config, |id| is_alike(heard(outofelection, id).vote));
    in_round && of_round && leads(recvset) || of_settled && leads(outofelection)
}

/// Whether the voters for whom something holds are a strict majority.
fn is_quorum<const N: usize>(config: &Config<Flat<N>>, holds: impl Fn(ServerId) -> bool) -> bool {
    let voters = config.ensemble.voters();
    voters.filter(|id| holds(*id)).count() > usize::from(config.ensemble.voters) / 2
}

/// Whether an epoch and what its leader begins with are on the disks of the leader and of a quorum
/// (the paper, 4.2, phase 2: a quorum has acknowledged NEWLEADER).
pub(super) fn is_durable<const N: usize>(
    config: &Config<Flat<N>>,
    servers: &[Server<Flat<N>>],
    leader: &Established,
) -> bool {
    let has = |id: ServerId| {
        let disk = &servers[index(id)].disk;
        disk.current_epoch >= leader.epoch
            && is_prefix(&leader.initial, &disk.recovered_tree(config))
    };
    has(leader.leader) && is_quorum(config, has)
}
