//! The peer: inputs in, effects out. The only place that knows every role and every input.

mod dispatch;
mod questions;

use std::sync::Arc;

use crate::election::{Election, Settled};
use crate::follower::Follower;
use crate::leader::Leader;
use crate::server::{KeepRole, Server};
use crate::{
    Close, Config, ConnectionId, Decision, Dial, Effects, Input, Message, Notification,
    ProtocolError, ROUND_MAX, RecoverError, Recovered, Role, ServerId, Timer, TimerChange, Zxid,
};

/// One server of an ensemble: a voter, or an observer. The [crate] tells how to drive it.
#[derive(Clone, Debug)]
pub struct Peer {
    server: Server,
    state: RoleState,
}

/// What belongs to the role, and is forgotten with it.
#[derive(Clone, Debug)]
enum RoleState {
    Looking(Election),
    Following(Follower),
    Leading(Leader),
}

impl Peer {
    /// zk.start: starts from what the disk held, and looks for a leader. The effects are to be
    /// carried out like those of any step.
    ///
    /// # Errors
    /// The configuration is wrong, or no run of this protocol leaves such a disk.
    pub fn recover(config: Config, recovered: Recovered) -> Result<(Self, Effects), RecoverError> {
        let mut server = Server::recover(config, recovered)?;
        let mut out = Effects::default();
        let election = Election::enter(&mut server, &mut out);
        Ok((Self { server, state: RoleState::Looking(election) }, out))
    }

    /// One step. Cheap, except that bringing a learner up to date costs what is sent to it.
    pub fn handle(&mut self, input: Input) -> Effects {
        let mut out = Effects::default();
        match input {
            Input::Tick => self.on_tick(&mut out),
            Input::Elapsed(timer) => self.on_elapsed(timer, &mut out),
            Input::Notification { from, connection: _, notification } => {
                self.on_notification(from, notification, &mut out);
            }
            Input::Connected { leader, connection } => {
                self.on_connected(leader, connection, &mut out);
            }
            Input::ConnectFailed { leader } => self.on_connect_failed(leader, &mut out),
            Input::Accepted { connection } => self.on_accepted(connection, &mut out),
            Input::Message { from, connection, message } => {
                self.on_message(from, connection, message, &mut out);
            }
            Input::Heard { connection } => self.on_heard(connection),
            Input::Flowing { connection } => self.on_flowing(connection),
            Input::Disconnected { connection } => self.on_disconnected(connection, &mut out),
            Input::Synced { zxid } => self.on_synced(zxid, &mut out),
            Input::Request { payload } => self.on_request(payload, &mut out),
        }
        self.check_invariants();
        out
    }

    fn on_tick(&mut self, out: &mut Effects) {
        let keep = match &mut self.state {
            RoleState::Looking(_) => KeepRole::Yes,
            RoleState::Following(follower) => follower.on_tick(&self.server),
            RoleState::Leading(leader) => leader.on_tick(&self.server, out),
        };
        if keep == KeepRole::No {
            self.leave_role(None, out);
        }
    }

    fn on_elapsed(&mut self, timer: Timer, out: &mut Effects) {
        let settled = match &mut self.state {
            RoleState::Looking(election) => election.on_elapsed(&self.server, timer, out),
            // It ran out while the election was being settled.
            RoleState::Following(_) | RoleState::Leading(_) => None,
        };
        if let Some(settled) = settled {
            self.settle(settled, out);
        }
    }

    /// A notification. Those of servers that are no other voter, that vote for none, or that name
    /// a round beyond the last (D-ROUND) are dropped; `zk.fle.settled_reply`: a server that is not LOOKING answers those that are.
    fn on_notification(&mut self, from: ServerId, heard: Notification, out: &mut Effects) {
        let config = &self.server.config;
        let is_other_voter = from != config.id && config.voters.contains(&from);
        let is_vote = config.voters.contains(&heard.vote.leader) && heard.round <= ROUND_MAX;
        if !is_other_voter || !is_vote {
            self.tell_observer(from, heard.role, out);
            return;
        }
        let elected = match &mut self.state {
            RoleState::Looking(election) => {
                if let Some(settled) = election.on_notification(&mut self.server, from, heard, out)
                {
                    self.settle(settled, out);
                }
                return;
            }
            RoleState::Following(follower) => follower.elected,
            RoleState::Leading(leader) => leader.elected,
        };
        match heard.role {
            Role::Looking if self.server.config.is_observer() => {}
            Role::Looking => out.notify.push((from, elected.reply(self.role()))),
            Role::Following | Role::Leading | Role::Observing => {}
        }
    }

    /// An observer that looks for the leader is told
    /// the vote of the last election, if it is over.
    fn tell_observer(&self, from: ServerId, role: Role, out: &mut Effects) {
        let config = &self.server.config;
        if role != Role::Looking || config.is_observer() || !config.observers.contains(&from) {
            return;
        }
        match &self.state {
            RoleState::Looking(_) => {}
            RoleState::Following(Follower { elected, .. })
            | RoleState::Leading(Leader { elected, .. }) => {
                out.notify.push((from, elected.reply(self.role())));
            }
        }
    }

    /// The election is over (zk.fle.settle, zk.fle.same_round, zk.fle.join): the role begins.
    fn settle(&mut self, settled: Settled, out: &mut Effects) {
        assert_eq!(self.role(), Role::Looking, "only an election is settled");
        let leader = settled.vote.leader;
        out.timer = Some(TimerChange::Disarm);
        out.decisions.push(Decision::Elected { leader, round: settled.round });
        self.state = if leader == self.server.config.id {
            let mut leader = Leader::enter(&self.server, settled);
            if self.server.config.others().next().is_none() {
                leader.lead_alone(&mut self.server, out);
            }
            RoleState::Leading(leader)
        } else {
            RoleState::Following(Follower::enter(settled, out))
        };
    }

    /// zk.fle.leave_role: close every quorum connection, forget all that belongs to the role,
    /// and look for a leader again.
    fn leave_role(&mut self, error: Option<ProtocolError>, out: &mut Effects) {
        assert_ne!(self.role(), Role::Looking, "there is no role to leave");
        assert!(out.persist.is_empty(), "a step that wrote has nothing left to fail");
        assert!(out.append.is_empty(), "a step that appended has nothing left to fail");
        *out = Effects { close: vec![Close::Every], error, ..Effects::default() };
        if self.is_dialling() {
            out.dial = Some(Dial::Stop);
        }
        self.state = RoleState::Looking(Election::enter(&mut self.server, out));
    }

    fn is_dialling(&self) -> bool {
        match &self.state {
            RoleState::Following(follower) => follower.connection.is_none(),
            RoleState::Looking(_) | RoleState::Leading(_) => false,
        }
    }

    fn on_connected(&mut self, leader: ServerId, connection: ConnectionId, out: &mut Effects) {
        match &mut self.state {
            RoleState::Following(follower)
                if follower.leader() == leader && follower.connection.is_none() =>
            {
                follower.on_connected(&self.server, connection, out);
            }
            // The dial was stopped too late.
            RoleState::Looking(_) | RoleState::Following(_) | RoleState::Leading(_) => {
                out.close.push(Close::One(connection));
            }
        }
    }

    /// zk.fail.learner_link: the leader cannot be reached.
    fn on_connect_failed(&mut self, leader: ServerId, out: &mut Effects) {
        match &self.state {
            RoleState::Following(follower)
                if follower.leader() == leader && follower.connection.is_none() =>
            {
                self.leave_role(None, out);
            }
            // The dial was stopped too late.
            RoleState::Looking(_) | RoleState::Following(_) | RoleState::Leading(_) => {}
        }
    }

    fn on_accepted(&mut self, connection: ConnectionId, out: &mut Effects) {
        match &mut self.state {
            RoleState::Leading(leader) => leader.on_accepted(connection),
            // The role was left while the connection was being accepted.
            RoleState::Looking(_) | RoleState::Following(_) => {
                out.close.push(Close::One(connection));
            }
        }
    }

    fn on_heard(&mut self, connection: ConnectionId) {
        match &mut self.state {
            RoleState::Following(follower) if follower.connection == Some(connection) => {
                follower.on_heard();
            }
            RoleState::Leading(leader) => leader.on_heard(connection),
            // Left over from a connection that has since been closed.
            RoleState::Looking(_) | RoleState::Following(_) => {}
        }
    }

    fn on_flowing(&mut self, connection: ConnectionId) {
        match &mut self.state {
            RoleState::Following(follower) if follower.connection == Some(connection) => {
                follower.on_flowing();
            }
            RoleState::Leading(leader) => leader.on_flowing(connection),
            // Left over from a connection that has since been closed.
            RoleState::Looking(_) | RoleState::Following(_) => {}
        }
    }

    /// `zk.fail.learner_link` or `zk.fail.leader_link`: a connection ended.
    fn on_disconnected(&mut self, connection: ConnectionId, out: &mut Effects) {
        match &mut self.state {
            RoleState::Following(follower) if follower.connection == Some(connection) => {
                self.leave_role(None, out);
            }
            RoleState::Leading(leader) => leader.on_disconnected(connection),
            // The end of a connection that this end has closed.
            RoleState::Looking(_) | RoleState::Following(_) => {}
        }
    }

    /// zk.bcast.sync: a prefix of the unsynced tail became durable.
    fn on_synced(&mut self, zxid: Zxid, out: &mut Effects) {
        let synced = self.server.history.mark_durable_to(zxid);
        if synced.is_empty() {
            // Older than the write that ended the last role.
            return;
        }
        out.synced = Some(zxid);
        match &mut self.state {
            RoleState::Looking(_) => unreachable!("no tail is left when LOOKING is entered"),
            RoleState::Following(follower) => follower.on_synced(&mut self.server, &synced, out),
            RoleState::Leading(leader) => leader.on_synced(&mut self.server, &synced, out),
        }
    }

    fn on_request(&mut self, payload: Arc<[u8]>, out: &mut Effects) {
        let keep = match &mut self.state {
            RoleState::Leading(leader) => leader.on_request(&mut self.server, payload, out),
            // Nobody's: the driver forwards requests to the leader.
            RoleState::Looking(_) | RoleState::Following(_) => KeepRole::Yes,
        };
        if keep == KeepRole::No {
            self.leave_role(None, out);
        }
    }

    /// A message on the quorum port, if its connection is still one of this role.
    fn on_message(
        &mut self,
        from: ServerId,
        connection: ConnectionId,
        message: Message,
        out: &mut Effects,
    ) {
        match &mut self.state {
            RoleState::Following(follower) if follower.connection == Some(connection) => {
                follower.on_heard();
                let done = dispatch::follower_message(follower, &mut self.server, message, out);
                if let Err(error) = done {
                    self.leave_role(Some(error), out);
                }
            }
            RoleState::Leading(leader)
                if leader.is_unnamed(connection)
                    || leader.is_fenced_in(&self.server, from, connection, &message) =>
            {
                leader.on_heard(connection);
                let done = dispatch::leader_message(
                    leader,
                    &mut self.server,
                    from,
                    connection,
                    message,
                    out,
                );
                match done {
                    Ok(()) => {}
                    Err(error) if leader.was_elected_by_mistake(&self.server, from, &error) => {
                        self.leave_role(Some(error), out);
                    }
                    Err(error) => {
                        leader.close(connection, out);
                        out.error = Some(error);
                    }
                }
            }
            // Left over from a connection that has since been closed.
            RoleState::Looking(_) | RoleState::Following(_) | RoleState::Leading(_) => {}
        }
    }

    fn check_invariants(&self) {
        assert!(self.server.current_epoch <= self.server.accepted_epoch);
        assert!(self.server.history.last().epoch <= self.server.accepted_epoch);
        assert!(self.server.applied <= self.server.history.last());
    }
}
