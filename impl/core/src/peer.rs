//! The peer: inputs in, effects out. The only place that knows every role and every message.

use std::sync::Arc;

use zab_trace::State;

use crate::{
    Close, Config, ConnectionId, Decision, Dial, Effects, Input, Message, Notification, Phase,
    ProtocolError, RecoverError, Recovered, Role, ServerId, Timer, TimerChange, Txn, Zxid,
    election::{Election, Settled},
    follower::Follower,
    leader::{Leader, Verdict},
    server::Server,
};

/// One voting server of an ensemble. The [crate] tells how to drive it.
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
    /// `zk.start`: starts from what the disk held, and looks for a leader. The effects are to be
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
            Input::Disconnected { connection } => self.on_disconnected(connection, &mut out),
            Input::Synced { zxid } => self.on_synced(zxid, &mut out),
            Input::Request { payload } => self.on_request(payload, &mut out),
        }
        self.check_invariants();
        out
    }

    fn on_tick(&mut self, out: &mut Effects) {
        let leave = match &mut self.state {
            RoleState::Looking(_) => false,
            RoleState::Following(follower) => follower.on_tick(&self.server),
            RoleState::Leading(leader) => leader.on_tick(&self.server, out) == Verdict::Leave,
        };
        if leave {
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

    /// A notification. Those of servers that are no other voter, or that vote for none, are
    /// dropped; `zk.fle.settled_reply`: a server that is not LOOKING answers those that are.
    fn on_notification(&mut self, from: ServerId, heard: Notification, out: &mut Effects) {
        let config = &self.server.config;
        let is_other_voter = from != config.id && config.voters.contains(&from);
        if !is_other_voter || !config.voters.contains(&heard.vote.leader) {
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
            Role::Looking => out.notify.push((from, elected.reply(self.role()))),
            Role::Following | Role::Leading | Role::Observing => {}
        }
    }

    /// `zk.fle.settle`, `zk.fle.same_round`, `zk.fle.join`: the election is over.
    fn settle(&mut self, settled: Settled, out: &mut Effects) {
        assert_eq!(self.role(), Role::Looking, "only an election is settled");
        let leader = settled.vote.leader;
        out.timer = Some(TimerChange::Disarm);
        out.decisions.push(Decision::Elected { leader, round: settled.round });
        self.state = if leader == self.server.config.id {
            RoleState::Leading(Leader::enter(&self.server, settled))
        } else {
            RoleState::Following(Follower::enter(settled, out))
        };
    }

    /// `zk.fle.leave_role`: close every quorum connection, forget all that belongs to the role,
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

    /// `zk.fail.learner_link`: the leader cannot be reached.
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

    /// `zk.bcast.sync`: a prefix of the unsynced tail became durable.
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
        let verdict = match &mut self.state {
            RoleState::Leading(leader) => leader.on_request(&mut self.server, payload, out),
            // Nobody's: the driver forwards requests to the leader.
            RoleState::Looking(_) | RoleState::Following(_) => Verdict::Stay,
        };
        if verdict == Verdict::Leave {
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
                let done = follower_message(follower, &mut self.server, message, out);
                if let Err(error) = done {
                    self.leave_role(Some(error), out);
                }
            }
            RoleState::Leading(leader)
                if leader.is_unnamed(connection) || leader.is_learner(from, connection) =>
            {
                leader.on_heard(connection);
                let done = leader_message(leader, &mut self.server, from, connection, message, out);
                if let Err(error) = done {
                    leader.close(connection, out);
                    out.error = Some(error);
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

/// FOLLOWING × message. An error leaves the role.
fn follower_message(
    follower: &mut Follower,
    server: &mut Server,
    message: Message,
    out: &mut Effects,
) -> Result<(), ProtocolError> {
    match message {
        Message::LeaderInfo { new_epoch } => follower.on_leader_info(server, new_epoch, out),
        Message::Diff { zxid: _ } => follower.on_diff(server),
        Message::Trunc { zxid } => follower.on_trunc(server, zxid, out),
        Message::Snap { zxid } => follower.on_snap(server, zxid),
        Message::Proposal { txn } => follower.on_proposal(server, txn, out),
        Message::Commit { zxid } => follower.on_commit(server, zxid, out),
        Message::NewLeader { epoch } => follower.on_new_leader(server, epoch, out),
        Message::UpToDate => follower.on_up_to_date(server, out),
        Message::Ping => {
            follower.on_ping(out);
            Ok(())
        }
        Message::FollowerInfo { .. }
        | Message::AckEpoch { .. }
        | Message::AckLd { .. }
        | Message::Ack { .. } => Err(follower.unexpected(message.name())),
    }
}

/// LEADING × message. An error closes the connection.
fn leader_message(
    leader: &mut Leader,
    server: &mut Server,
    from: ServerId,
    connection: ConnectionId,
    message: Message,
    out: &mut Effects,
) -> Result<(), ProtocolError> {
    if leader.is_unnamed(connection) {
        let Message::FollowerInfo { accepted_epoch } = message else {
            return Err(Leader::unexpected_before_name(from, message.name()));
        };
        return leader.on_follower_info(server, from, connection, accepted_epoch, out);
    }
    match message {
        Message::AckEpoch { current_epoch, last_zxid } => {
            leader.on_ack_epoch(server, from, current_epoch, last_zxid, out)
        }
        Message::AckLd { epoch } => leader.on_ack_ld(server, from, epoch, out),
        Message::Ack { zxid } => leader.on_ack(server, from, zxid, out),
        Message::Ping => Ok(()),
        Message::FollowerInfo { .. }
        | Message::LeaderInfo { .. }
        | Message::Diff { .. }
        | Message::Trunc { .. }
        | Message::Snap { .. }
        | Message::Proposal { .. }
        | Message::Commit { .. }
        | Message::NewLeader { .. }
        | Message::UpToDate => Err(leader.unexpected(from, message.name())),
    }
}

/// Questions of the driver.
impl Peer {
    /// This server.
    #[must_use]
    pub fn id(&self) -> ServerId {
        self.server.config.id
    }

    /// Its role: LOOKING, FOLLOWING or LEADING.
    #[must_use]
    pub fn role(&self) -> Role {
        match self.state {
            RoleState::Looking(_) => Role::Looking,
            RoleState::Following(_) => Role::Following,
            RoleState::Leading(_) => Role::Leading,
        }
    }

    /// Its phase.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match &self.state {
            RoleState::Looking(_) => Phase::Election,
            RoleState::Following(follower) => follower.phase(),
            RoleState::Leading(leader) => leader.phase(),
        }
    }

    /// What a trace shows of it.
    #[must_use]
    pub fn state(&self) -> State {
        self.server.state(self.role(), self.phase())
    }

    /// Whether learners may be accepted.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.role() == Role::Leading
    }

    /// Whether clients may be served: the phase is BROADCAST. An established leader takes requests;
    /// an established follower forwards them.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.phase() == Phase::Broadcast
    }

    /// The elected leader, perhaps this server; `None` while LOOKING.
    #[must_use]
    pub fn leader(&self) -> Option<ServerId> {
        match &self.state {
            RoleState::Looking(_) => None,
            RoleState::Following(follower) => Some(follower.leader()),
            RoleState::Leading(_) => Some(self.server.config.id),
        }
    }

    /// The connection to the leader, if this server is FOLLOWING and it is up.
    #[must_use]
    pub fn leader_connection(&self) -> Option<ConnectionId> {
        match &self.state {
            RoleState::Following(follower) => follower.connection,
            RoleState::Looking(_) | RoleState::Leading(_) => None,
        }
    }

    /// The last zxid of the history; `0.0` if it is empty.
    #[must_use]
    pub fn last_zxid(&self) -> Zxid {
        self.server.history.last()
    }

    /// The last transaction known to be committed; `0.0` until this process was established once.
    #[must_use]
    pub fn last_committed(&self) -> Zxid {
        self.server.last_committed
    }

    /// How far the state machine has been told to go.
    #[must_use]
    pub fn applied(&self) -> Zxid {
        self.server.applied
    }

    /// The transactions after `applied`, up to and with `zxid`: what a leader's driver must apply to
    /// a copy of the state before the copy can go with `Message::Snap { zxid }`. A leader may have
    /// committed what its own disk has not taken yet.
    pub fn not_applied(&self, zxid: Zxid) -> impl Iterator<Item = Txn> + '_ {
        self.server.history.range(self.server.applied, zxid)
    }
}
