//! W-VOTE: votes are what `FastLeaderElection` sends.
//!
//! * A vote names a voter, and says of it what that server has said of itself: zxid and epoch come
//!   from its own vote for itself (`sendNotifications`, `updateProposal`). A settled vote has the epoch
//!   that was established instead (`QuorumPeer.updateElectionVote`).
//! * In one round a server says one thing of itself, and its vote only gets better
//!   (`totalOrderPredicate`); rounds go up. Once it has settled, and says so on a connection, it votes
//!   there in later rounds only.
//!
//! A round may be set back when a server joins a settled leader of an earlier round (`logicalclock.set`
//! in `receivedFollowingNotification`), so votes are compared only as long as the server has not
//! settled, and was told of no settled server in an earlier round. Two more things are excepted.
//! An answer to a vote of an earlier round (`Messenger.WorkerReceiver`) is made on another thread than
//! votes are, and may come late: a vote is not compared if its receiver had voted in an earlier round
//! since the sender was settled last. On a new connection the last message is sent again
//! (`QuorumCnxManager.SendWorker`): the first vote on a connection is not compared if there was an
//! earlier connection. Observers have no vote of their own, adopt those of others all the same, and are
//! answered with the vote of the last election: what they say and are told is not compared.

use std::collections::{BTreeMap, BTreeSet};

use zab_wire::PacketType;
use zab_wire::election::{Notification, ServerState};

use super::connections::Seen;
use super::covered::Covered;
use super::histories::Histories;
use super::{Count, Findings, Members, Packet, W_EPOCH, W_VOTE};
use crate::decode::Item;
use crate::raw::{Event, Link, Port};
use crate::show::Zxid;

/// Epoch, zxid and leader, in the order in which votes are compared.
type Vote = (i64, i64, i64);

/// What all servers have voted.
#[derive(Debug, Default)]
pub(super) struct Votes {
    /// By server: the ends of history and epochs that it has said of itself.
    own: BTreeMap<i64, BTreeSet<(i64, i64)>>,
    elections: BTreeMap<i64, Election>,
    /// Who has sent something to whom since it was started.
    spoken: BTreeSet<(i64, i64)>,
    /// Connections on which a server has voted.
    begun: BTreeSet<(u64, i64)>,
    /// The last settled vote of a server on a connection.
    settled: BTreeMap<(u64, i64), (i64, Packet)>,
    looked_at: u64,
}

/// What a server has said and was told since it was settled last.
#[derive(Debug, Default)]
struct Election {
    /// The last vote on each connection, with its round.
    last: BTreeMap<u64, (i64, Vote, Packet)>,
    /// What it says of itself in each round.
    itself: BTreeMap<i64, (Vote, Packet)>,
    /// The earliest round of a settled server that it was told of.
    settled: Option<i64>,
    /// The earliest round in which each other one has voted.
    rounds: BTreeMap<i64, i64>,
}

impl Votes {
    pub(super) fn count(&self) -> Count {
        Count { rule: W_VOTE, what: "votes", number: self.looked_at }
    }

    pub(super) fn event(&mut self, event: &Event) {
        if let Some(server) = event.started() {
            self.elections.remove(&server);
            self.spoken.retain(|(from, _)| *from != server);
        }
        match event {
            // It may have ended, or the recorder was told to cut it off.
            Event::Unlisten(Link { port: Port::Election, to, .. }) => {
                self.elections.remove(to);
            }
            Event::Close { connection } => {
                self.begun.retain(|(number, _)| number != connection);
                self.settled.retain(|(number, _), _| number != connection);
                self.elections.values_mut().for_each(|election| {
                    election.last.remove(connection);
                });
            }
            _ => {}
        }
    }

    /// A packet shows that its sender has settled.
    pub(super) fn packet(&mut self, seen: &Seen<'_>) {
        let kind = seen.packet.kind;
        if matches!(
            kind,
            PacketType::FollowerInfo | PacketType::ObserverInfo | PacketType::LeaderInfo
        ) {
            self.elections.remove(&seen.sender());
        }
    }

    pub(super) fn vote(
        &mut self,
        context: &Context<'_>,
        at: &At<'_>,
        vote: &Notification,
        findings: &mut Findings,
    ) {
        self.looked_at += 1;
        // Who may not vote names nobody.
        if vote.leader == i64::MIN {
            return;
        }
        let packet = Packet::of(at.item);
        let wrong = self.names_a_voter(context, at, vote);
        if let Some(says) = wrong {
            let says = format!("server {} {says}", at.from);
            findings.add(W_VOTE, says, vec![packet.clone()]);
        }
        if vote.leader == at.from && vote.state == ServerState::Looking {
            self.own.entry(at.from).or_default().insert((vote.zxid, vote.peer_epoch));
        }
        let is_asked = !context.is_between_voters(at);
        if vote.state != ServerState::Looking || is_asked {
            let (members, leader) = (context.members, vote.leader);
            let is_possible = vote.election_epoch < 0
                || !context.covered.has_all_votes(members, leader)
                || context.histories.can_have_epoch(context.covered, leader, vote.peer_epoch);
            if !is_possible {
                let says = format!(
                    "server {} says that server {leader} has epoch {}, which it never had",
                    at.from, vote.peer_epoch
                );
                findings.add(W_EPOCH, says, vec![packet.clone()]);
            }
            if !is_asked {
                self.settled(at, vote, packet);
            }
            return;
        }
        self.looking(at, vote, packet, findings);
    }

    fn names_a_voter(
        &self,
        context: &Context<'_>,
        at: &At<'_>,
        vote: &Notification,
    ) -> Option<String> {
        let leader = vote.leader;
        if !context.members.is_voter(leader) {
            return Some(format!("votes for {leader}, which is no voter"));
        }
        if leader == at.from || !context.covered.has_all_votes(context.members, leader) {
            return None;
        }
        let own = self.own.get(&leader);
        let epochs = if vote.state == ServerState::Looking && context.is_between_voters(at) {
            vote.peer_epoch..=vote.peer_epoch
        } else {
            i64::MIN..=i64::MAX
        };
        let is_known = own.is_some_and(|own| {
            let said = (vote.zxid, *epochs.start())..=(vote.zxid, *epochs.end());
            own.range(said).next().is_some()
        });
        (!is_known).then(|| {
            format!(
                "votes for {leader} with {} in epoch {}, which {leader} has not said of itself",
                Zxid(vote.zxid),
                vote.peer_epoch
            )
        })
    }

    /// A server that has settled says so to another.
    fn settled(&mut self, at: &At<'_>, vote: &Notification, packet: Packet) {
        self.elections.remove(&at.from);
        let told = self.elections.entry(at.to).or_default();
        let round = vote.election_epoch;
        told.settled = Some(told.settled.map_or(round, |before| before.min(round)));
        self.spoken.insert((at.from, at.to));
        self.begun.insert((at.connection, at.from));
        self.settled.insert((at.connection, at.from), (round, packet));
    }

    fn looking(
        &mut self,
        at: &At<'_>,
        vote: &Notification,
        packet: Packet,
        findings: &mut Findings,
    ) {
        let round = vote.election_epoch;
        let key: Vote = (vote.peer_epoch, vote.zxid, vote.leader);
        let told = self.elections.entry(at.to).or_default().rounds.entry(at.from).or_insert(round);
        *told = round.min(*told);
        let is_first = self.begun.insert((at.connection, at.from));
        let may_be_repeated = !self.spoken.insert((at.from, at.to)) && is_first;
        let election = self.elections.entry(at.from).or_default();
        let may_be_answer = election.rounds.get(&at.to).is_some_and(|heard| *heard < round);
        if may_be_repeated || may_be_answer {
            return;
        }
        if let Some((settled, shown)) = self.settled.get(&(at.connection, at.from))
            && round <= *settled
        {
            let says = format!("server {} votes in round {round} after it has settled", at.from);
            findings.add(W_VOTE, says, vec![shown.clone(), packet.clone()]);
        }
        let may_join = |round: i64| election.settled.is_some_and(|settled| settled < round);
        let before = election.last.insert(at.connection, (round, key, packet.clone()));
        if let Some((earlier, better, shown)) = before
            && ((earlier, better) > (round, key))
            && !may_join(earlier)
        {
            let says = format!(
                "server {} goes back from its vote for {} in round {earlier}",
                at.from, better.2
            );
            findings.add(W_VOTE, says, vec![shown, packet.clone()]);
        }
        if vote.leader != at.from || may_join(round) {
            return;
        }
        let (said, shown) = election.itself.entry(round).or_insert_with(|| (key, packet.clone()));
        if *said != key {
            let says = format!("server {} says two things of itself in round {round}", at.from);
            findings.add(W_VOTE, says, vec![shown.clone(), packet]);
        }
    }
}

/// What is known beside votes.
pub(super) struct Context<'a> {
    pub(super) members: &'a Members,
    pub(super) covered: &'a Covered,
    pub(super) histories: &'a Histories,
}

impl Context<'_> {
    /// Observers take part in elections without a vote of their own, and are answered with the vote of
    /// the last election.
    fn is_between_voters(&self, at: &At<'_>) -> bool {
        self.members.is_voter(at.from) && self.members.is_voter(at.to)
    }
}

/// Where a vote stands.
pub(super) struct At<'a> {
    pub(super) item: &'a Item,
    pub(super) connection: u64,
    pub(super) from: i64,
    pub(super) to: i64,
}
