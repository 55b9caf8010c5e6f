//! Phase 0: fast leader election.

mod vote;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::server::Server;
use crate::{
    Decision, Effects, Epoch, Notification, ROUND_MAX, Role, ServerId, Timer, TimerChange, Vote,
};

/// What another server was last heard to vote for.
#[derive(Clone, Copy, Debug)]
struct Heard {
    role: Role,
    vote: Vote,
}

/// How an election ended: the *current vote* and its round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub(crate) vote: Vote,
    pub(crate) round: u64,
}

impl Settled {
    /// zk.fle.settled_reply: what a server that is LOOKING is told by one that is not.
    pub(crate) fn reply(self, role: Role) -> Notification {
        Notification { role, vote: self.vote, round: self.round }
    }

    /// zk.fle.update_vote: on becoming established, vote for the established epoch.
    pub(crate) fn update_vote(&mut self, epoch: Epoch) {
        self.vote.peer_epoch = epoch;
    }
}

/// A server that is LOOKING.
#[derive(Clone, Debug)]
pub(crate) struct Election {
    proposal: Vote,
    /// Votes of this round, the own one among them.
    recvset: BTreeMap<ServerId, Heard>,
    /// Votes of servers that have already settled, of whatever round.
    outofelection: BTreeMap<ServerId, Heard>,
    /// After how many milliseconds of silence the proposal is repeated.
    interval_ms: u64,
    armed: Timer,
}

impl Election {
    /// zk.fle.enter: write the unsynced tail; then a new round, the own vote as proposal, both
    /// tables empty but for it (D-4892), and the proposal to every other voter.
    pub(crate) fn enter(server: &mut Server, out: &mut Effects) -> Self {
        server.sync_and_catch_up(out);
        server.round = round_after(server.round);
        let mut election = Self {
            proposal: server.own_vote(),
            recvset: BTreeMap::new(),
            outofelection: BTreeMap::new(),
            interval_ms: server.config.notification_interval_ms,
            armed: Timer::Notification,
        };
        out.decisions.push(Decision::Looking { round: server.round });
        election.count_own_vote(server);
        election.broadcast(server, out);
        election.arm(server, out);
        election
    }

    /// A notification while LOOKING. `Some`: the election is settled at once.
    pub(crate) fn on_notification(
        &mut self,
        server: &mut Server,
        from: ServerId,
        heard: Notification,
        out: &mut Effects,
    ) -> Option<Settled> {
        let settled = match heard.role {
            Role::Looking => {
                self.on_looking(server, from, heard, out);
                None
            }
            Role::Following | Role::Leading => self
                .on_settled_in_same_round(server, from, heard)
                .or_else(|| self.on_settled(server, from, heard)),
            // An observer elects nobody.
            Role::Observing => None,
        };
        // D-FW: whatever arrives, the wait for silence starts again.
        if settled.is_none() {
            self.arm(server, out);
        }
        settled
    }

    /// zk.fle.looking: catch up with a newer round, help an older one, adopt a better vote.
    fn on_looking(
        &mut self,
        server: &mut Server,
        from: ServerId,
        heard: Notification,
        out: &mut Effects,
    ) {
        match heard.round.cmp(&server.round) {
            Ordering::Greater => {
                server.round = heard.round;
                self.recvset.clear();
                let own = server.own_vote();
                let theirs_wins = vote::order(&server.config, &heard.vote, &own).is_gt();
                self.propose(server, if theirs_wins { heard.vote } else { own }, out);
            }
            Ordering::Less if server.config.is_observer() => return,
            Ordering::Less => {
                out.notify.push((from, self.notification(server)));
                return;
            }
            Ordering::Equal => {
                if vote::order(&server.config, &heard.vote, &self.proposal).is_gt() {
                    self.propose(server, heard.vote, out);
                }
            }
        }
        self.recvset.insert(from, Heard::of(heard));
    }

    /// zk.fle.same_round (D-SAME): a settled server of this very round. Its vote joins `recvset`, and ends
    /// the election if a quorum and the leader itself agree with it.
    fn on_settled_in_same_round(
        &mut self,
        server: &Server,
        from: ServerId,
        heard: Notification,
    ) -> Option<Settled> {
        if heard.round != server.round {
            return None;
        }
        self.recvset.insert(from, Heard::of(heard));
        supports(server, &self.recvset, heard)
            .then_some(Settled { vote: heard.vote, round: heard.round })
    }

    /// zk.fle.join: a settled server of any round. A quorum of such servers, the leader among
    /// them, is joined, even if that takes the round back.
    fn on_settled(
        &mut self,
        server: &mut Server,
        from: ServerId,
        heard: Notification,
    ) -> Option<Settled> {
        self.outofelection.insert(from, Heard::of(heard));
        if !supports(server, &self.outofelection, heard) {
            return None;
        }
        server.round = heard.round;
        Some(Settled { vote: heard.vote, round: heard.round })
    }

    /// The timer ran out. `Some`: the election is settled.
    pub(crate) fn on_elapsed(
        &mut self,
        server: &Server,
        timer: Timer,
        out: &mut Effects,
    ) -> Option<Settled> {
        if timer != self.armed {
            // It ran out while it was being replaced.
            return None;
        }
        match timer {
            Timer::FinalizeWait => Some(self.settle(server)),
            Timer::Notification => {
                self.resend(server, out);
                None
            }
        }
    }

    /// zk.fle.settle: nothing arrived for finalizeWait while `zk.fle.terminate` held, so the
    /// proposal is what this server votes for until its next election, and tells at once (D-SETTLE).
    fn settle(&self, server: &Server) -> Settled {
        assert!(self.can_terminate(server), "finalizeWait is armed only while this holds");
        Settled { vote: self.proposal, round: server.round }
    }

    /// zk.fle.resend: nothing arrived for the notification interval, so the proposal is sent
    /// again, and the interval doubles.
    fn resend(&mut self, server: &Server, out: &mut Effects) {
        out.decisions.push(Decision::Resent);
        let max = server.config.notification_interval_ms_max;
        self.interval_ms = self.interval_ms.saturating_mul(2).min(max).max(1);
        self.broadcast(server, out);
        self.arm(server, out);
    }

    /// zk.fle.terminate: the senders whose vote equals the proposal are a quorum.
    fn can_terminate(&self, server: &Server) -> bool {
        let senders = self
            .recvset
            .iter()
            .filter(|(_, heard)| heard.vote == self.proposal)
            .map(|(sender, _)| *sender)
            .collect();
        server.config.is_quorum(&senders)
    }

    /// Makes this the proposal, counts it, and tells everybody.
    fn propose(&mut self, server: &Server, vote: Vote, out: &mut Effects) {
        self.proposal = vote;
        self.count_own_vote(server);
        self.broadcast(server, out);
    }

    fn count_own_vote(&mut self, server: &Server) {
        let own = Heard { role: Role::Looking, vote: self.proposal };
        self.recvset.insert(server.config.id, own);
    }

    fn broadcast(&self, server: &Server, out: &mut Effects) {
        let notification = self.notification(server);
        out.notify.extend(server.config.others().map(|other| (other, notification)));
    }

    fn notification(&self, server: &Server) -> Notification {
        Notification { role: Role::Looking, vote: self.proposal, round: server.round }
    }

    /// Arms the one timer: waiting to settle, or waiting to repeat.
    fn arm(&mut self, server: &Server, out: &mut Effects) {
        let (timer, after_ms) = if self.can_terminate(server) {
            (Timer::FinalizeWait, server.config.finalize_wait_ms)
        } else {
            (Timer::Notification, self.interval_ms)
        };
        self.armed = timer;
        out.timer = Some(TimerChange::Arm { timer, after_ms });
    }
}

impl Heard {
    fn of(notification: Notification) -> Self {
        Self { role: notification.role, vote: notification.vote }
    }
}

/// The round after this one. After the last comes the first (D-ROUND): a vote that names the last
/// round is followed like any other, and leaves room for every election after it.
fn round_after(round: u64) -> u64 {
    if round < ROUND_MAX { round + 1 } else { 1 }
}

/// Whether this table elects the sender's leader: those of the same leader and peerEpoch are a
/// quorum, and `zk.fle.check_leader` holds.
fn supports(server: &Server, table: &BTreeMap<ServerId, Heard>, heard: Notification) -> bool {
    let supporters = table
        .iter()
        .filter(|(_, other)| {
            other.vote.leader == heard.vote.leader && other.vote.peer_epoch == heard.vote.peer_epoch
        })
        .map(|(sender, _)| *sender)
        .collect();
    server.config.is_quorum(&supporters) && check_leader(server, table, heard)
}

/// zk.fle.check_leader: the leader itself was heard as LEADING; if it is this server, then only
/// in this very round.
fn check_leader(server: &Server, table: &BTreeMap<ServerId, Heard>, heard: Notification) -> bool {
    let leader = heard.vote.leader;
    if leader == server.config.id {
        return server.round == heard.round;
    }
    table.get(&leader).is_some_and(|of_leader| of_leader.role == Role::Leading)
}
