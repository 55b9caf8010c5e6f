//! W-ELECTED: who leads or follows was elected.
//!
//! A server settles when a quorum votes as it does (`FastLeaderElection.lookForLeader`); its own vote
//! counts, and the others' were sent to it. Votes of the same round count, and what settled servers say
//! of their leader in any round (`receivedFollowingNotification`). A server that has settled says so
//! with a notification (that of an earlier leader, until it takes note of the new one), or registers
//! with its leader, or answers those who register with it.

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::PacketType;
use zab_wire::election::{Notification, ServerState};

use super::connections::Seen;
use super::covered::Covered;
use super::{Count, Findings, Members, Packet, W_ELECTED};
use crate::decode::Item;

/// The rounds in which somebody was LOOKING; `None` for settled.
type Rounds = BTreeSet<Option<i64>>;

/// Who was told by whom to vote for whom.
#[derive(Debug, Default)]
pub(super) struct Elected {
    /// By receiver and candidate: the senders.
    told: BTreeMap<(i64, i64), BTreeMap<i64, Rounds>>,
    /// The last round in which each was LOOKING.
    looked: BTreeMap<i64, i64>,
    /// With whom each has registered since.
    registered: BTreeMap<i64, (i64, Packet)>,
    looked_at: u64,
}

impl Elected {
    pub(super) fn count(&self) -> Count {
        let what = "settled votes, registrations and LEADERINFOs";
        Count { rule: W_ELECTED, what, number: self.looked_at }
    }

    pub(super) fn vote(
        &mut self,
        members: &Members,
        covered: &Covered,
        item: &Item,
        (from, to): (i64, i64),
        vote: &Notification,
        findings: &mut Findings,
    ) {
        let is_looking = vote.state == ServerState::Looking;
        let round = is_looking.then_some(vote.election_epoch);
        if is_looking {
            self.looked.insert(from, vote.election_epoch);
            self.registered.remove(&from);
        } else if vote.election_epoch >= 0 {
            self.agrees(item, from, vote, findings);
            let settled =
                Settled { server: from, leader: vote.leader, round: Some(vote.election_epoch) };
            self.settled(members, covered, item, settled, findings);
        }
        let told = self.told.entry((to, vote.leader)).or_default();
        told.entry(from).or_default().insert(round);
    }

    pub(super) fn packet(
        &mut self,
        members: &Members,
        covered: &Covered,
        seen: &Seen<'_>,
        findings: &mut Findings,
    ) {
        let connection = seen.connection;
        let server = match (seen.packet.kind, seen.by_learner) {
            (PacketType::FollowerInfo | PacketType::ObserverInfo, true) => connection.learner,
            (PacketType::LeaderInfo, false) => connection.leader,
            _ => return,
        };
        if seen.by_learner {
            self.registered.insert(server, (connection.leader, seen.evidence()));
        }
        let settled = Settled { server, leader: connection.leader, round: None };
        self.settled(members, covered, seen.item, settled, findings);
    }

    /// A settled vote is one for whom the server follows or leads, or of an earlier round: until it has
    /// taken note of a new leader, a server answers with its last vote.
    fn agrees(&self, item: &Item, from: i64, vote: &Notification, findings: &mut Findings) {
        let Some(looked) = self.looked.get(&from) else { return };
        if vote.election_epoch < *looked {
            return;
        }
        let registered = self.registered.get(&from);
        let other = registered.filter(|(leader, _)| *leader != vote.leader);
        let is_right = match vote.state {
            ServerState::Leading => vote.leader == from,
            ServerState::Following | ServerState::Observing => vote.leader != from,
            ServerState::Looking => true,
        };
        if is_right && other.is_none() {
            return;
        }
        let says = format!(
            "server {from} has {} as its leader in round {}, and does not follow it",
            vote.leader, vote.election_epoch
        );
        let packets = other.map(|(_, packet)| packet.clone()).into_iter();
        findings.add(W_ELECTED, says, packets.chain([Packet::of(item)]).collect());
    }

    fn settled(
        &mut self,
        members: &Members,
        covered: &Covered,
        item: &Item,
        settled: Settled,
        findings: &mut Findings,
    ) {
        let Settled { server, leader, round } = settled;
        if !self.looked.contains_key(&server) {
            return;
        }
        self.looked_at += 1;
        let told = self.told.get(&(server, leader)).into_iter().flatten();
        let counts =
            |rounds: &Rounds| round.is_none() || rounds.contains(&None) || rounds.contains(&round);
        let told = told.filter(|(id, rounds)| members.is_voter(**id) && counts(rounds));
        let have: BTreeSet<i64> = told.map(|(id, _)| *id).collect();
        let hidden = members.servers.iter().filter(|id| {
            members.is_voter(**id)
                && **id != server
                && !covered.has_votes(**id, server)
                && !have.contains(*id)
        });
        let own = usize::from(members.is_voter(server));
        let (voters, needed) = (have.len() + own, members.quorum());
        if voters + hidden.count() >= needed {
            return;
        }
        let says = format!(
            "server {server} has {leader} as its leader, for which {voters} of {needed} needed \
             voters have voted as far as it was told"
        );
        findings.add(W_ELECTED, says, vec![Packet::of(item)]);
    }
}

/// A server that has settled.
struct Settled {
    server: i64,
    leader: i64,
    /// The round of its vote, if it says.
    round: Option<i64>,
}
