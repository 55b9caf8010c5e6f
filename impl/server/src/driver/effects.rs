//! Carrying out the effects of one step, in the order that [`Effects`] demands.

use bytes::Bytes;
use zab_core::{
    Close, ConnectionId, Deliver, Dial, Effects, Message, Observer, Outgoing, Role, TimerChange,
    Txn, Write,
};

use super::{Driver, after, follows};
use crate::client::Mode;
use crate::convert::{self, Identity};
use crate::error::ServerError;
use crate::tree::Tree;
use crate::zxid::{Zxid, to_wire};

impl Driver {
    /// Carries out the effects of one step.
    pub(super) async fn carry_out(&mut self, effects: Effects) -> Result<(), ServerError> {
        for close in &effects.close {
            self.close(*close);
        }
        if !effects.persist.is_empty() {
            self.flush();
            tokio::task::block_in_place(|| self.persist(&effects.persist))?;
        }
        if !effects.append.is_empty() {
            self.storage.append(effects.append);
        }
        for deliver in &effects.deliver {
            self.deliver(deliver)?;
        }
        for outgoing in &effects.send {
            self.send(outgoing)?;
        }
        if !effects.notify.is_empty() {
            for (to, notification) in effects.notify {
                self.election.notify(to, notification);
            }
            self.pump_election()?;
        }
        match effects.dial {
            Some(Dial::To(leader)) => {
                let address = self.config.servers[&leader].quorum.clone();
                let patience = self.config.tick * self.config.init_limit;
                let pause = self.state.joining.pause(leader, patience);
                self.quorum.dial(leader, address, pause);
            }
            Some(Dial::Stop) => self.quorum.stop_dialling(),
            None => {}
        }
        match effects.timer {
            Some(TimerChange::Arm { timer, after_ms }) => {
                self.state.timer = Some((timer, after(after_ms)));
            }
            Some(TimerChange::Disarm) => self.state.timer = None,
            None => {}
        }
        self.trace.write(Observer::finish)?;
        self.on_decisions(&effects.decisions);
        self.follow_role().await?;
        self.complete_syncs();
        self.take_due_snapshot()
    }

    fn close(&mut self, close: Close) {
        match close {
            Close::One(connection) => {
                self.state.links.remove(&connection);
            }
            Close::Every => {
                self.state.links.clear();
                self.state.newcomers.clear();
                self.state.received = None;
                if self.state.is_serving {
                    self.service.stop_serving();
                    self.state.is_serving = false;
                }
                self.state.requests = Default::default();
            }
        }
    }

    /// Makes writes durable, one after the other.
    fn persist(&mut self, writes: &[Write]) -> Result<(), ServerError> {
        for write in writes {
            match write {
                Write::AcceptedEpoch(epoch) => self.storage.accepted_epoch.write(*epoch)?,
                Write::CurrentEpoch(epoch) => self.storage.current_epoch.write(*epoch)?,
                Write::SyncLog { zxid: _ } => self.storage.sync()?,
                Write::CommittedLog(txns) => {
                    self.storage.append(txns.clone());
                    self.storage.sync()?;
                    for txn in txns {
                        self.service.apply(&txn.payload)?;
                    }
                }
                Write::Truncate { zxid } => self.storage.truncate(*zxid)?,
                Write::Snapshot { zxid } => self.install(*zxid)?,
            }
            self.trace.write(|observer| observer.persisted(write))?;
        }
        Ok(())
    }

    /// Puts the tree that came with SNAP in place of everything.
    fn install(&mut self, zxid: Zxid) -> Result<(), ServerError> {
        let received = self.state.received.take().filter(|(end, _)| *end == zxid);
        let (_, state) = received.expect("the core asks for the snapshot that it was just told of");
        self.storage.install(zxid, state.file)?;
        self.service.install_tree(state.tree);
        Ok(())
    }

    fn deliver(&mut self, deliver: &Deliver) -> Result<(), ServerError> {
        match deliver {
            Deliver::Commit(txn) | Deliver::CatchUp(txn) => {
                self.complete_syncs_before(txn.zxid);
                self.service.apply(&txn.payload)?;
            }
            Deliver::Rebuild { zxid } => {
                let tree = tokio::task::block_in_place(|| {
                    Ok::<_, ServerError>(self.storage.read_state()?.into_tree()?)
                })?;
                assert_eq!(tree.last_zxid(), to_wire(*zxid), "the disk ends where it was cut");
                self.service.replace_tree(tree);
            }
        }
        Ok(self.trace.write(|observer| observer.delivered(deliver))?)
    }

    /// The zxid of a PING on this connection.
    fn shown_in_ping(&self, connection: ConnectionId) -> Zxid {
        if self.peer.is_leading() {
            let epoch = self.peer.state().current_epoch.unwrap_or_default();
            return self.peer.last_zxid().max(Zxid::new(epoch, 0));
        }
        self.state.links.get(&connection).map_or(Zxid::ZERO, |learner| learner.pinged)
    }

    fn send(&mut self, outgoing: &Outgoing) -> Result<(), ServerError> {
        self.trace.write(|observer| observer.sending(outgoing))?;
        if let Message::Commit { zxid } | Message::Inform { txn: Txn { zxid, .. } } =
            &outgoing.message
        {
            self.answer_syncs_before(outgoing.connection, *zxid);
        }
        let tree = if let Message::Snap { zxid } = outgoing.message {
            Some(self.tree_at(zxid)?)
        } else {
            None
        };
        let last = self.shown_in_ping(outgoing.connection);
        let Some(learner) = self.state.links.get_mut(&outgoing.connection) else { return Ok(()) };
        let is_leading = self.peer.is_leading();
        let own = || Identity {
            id: self.config.id,
            quorum_text: self.quorum_text.clone(),
            last,
            is_leading,
            heard: if outgoing.message == Message::Ping && !is_leading {
                convert::heard(self.service.take_heard())
            } else {
                Bytes::new()
            },
        };
        let is_taken = learner.send(&outgoing.message, own, &self.storage);
        if let Some(tree) = tree {
            learner.link.send_pieces(tree.into_stream().map(Ok));
        }
        if !is_taken {
            self.state.stuck.push(outgoing.connection);
        }
        Ok(())
    }

    /// The tree as it is after `zxid`, for the quorum port. A leader may have committed what its
    /// own disk has not taken yet: that is applied to the clone.
    fn tree_at(&self, zxid: Zxid) -> Result<Tree, ServerError> {
        let mut tree = self.service.read(Tree::clone);
        for txn in self.peer.not_applied(zxid) {
            tree.apply(&txn.payload)?;
        }
        assert_eq!(tree.last_zxid(), to_wire(zxid), "the tree is the state at {zxid}");
        Ok(tree)
    }

    /// Sends what waits on the election port.
    pub(super) fn pump_election(&mut self) -> Result<(), ServerError> {
        let mut result = Ok(());
        let trace = &mut self.trace;
        self.election.pump(|connection, to, notification| {
            if result.is_ok() {
                result = trace.write(|observer| [observer.notifying(connection, to, notification)]);
            }
        });
        Ok(result?)
    }

    /// What a role means outside of the protocol: a listener, clients, a line in the log.
    async fn follow_role(&mut self) -> Result<(), ServerError> {
        let (role, is_established) = (self.peer.role(), self.peer.is_established());
        if !self.quorum.listens_as(self.peer.is_leading()) {
            if self.peer.is_leading() {
                // The port is held since the start. If there is no descriptor to listen with, the
                // next step tries again, and after a while the core gives the role up.
                if let Err(error) = self.quorum.listen().await {
                    let id = self.config.id;
                    tracing::warn!(
                        "zab-server {id}: cannot listen on the quorum port now: {error}"
                    );
                }
            } else {
                self.quorum.stop_listening().await;
            }
        }
        if is_established && !self.state.is_serving {
            let mode = match role {
                _ if self.config.is_standalone() => Mode::Standalone,
                Role::Leading => Mode::Leader,
                Role::Observing => Mode::Observer,
                Role::Looking | Role::Following => Mode::Follower,
            };
            self.service.start_serving(mode);
            self.state.is_serving = true;
        }
        if self.state.shown != Some((role, is_established)) {
            self.show_place();
            let before = self.state.shown.replace((role, is_established));
            self.show_role(before.map(|(role, _)| role), role, is_established);
        }
        Ok(())
    }

    fn show_role(&mut self, before: Option<Role>, role: Role, is_established: bool) {
        let now = std::time::Instant::now();
        if before.is_some_and(follows) && role == Role::Looking {
            self.state.joining.leave(now);
        }
        if is_established {
            self.state.joining.serve(now);
        }
        let epoch = self.peer.state().current_epoch.unwrap_or_default();
        let last = self.peer.last_zxid();
        let text = match (role, is_established) {
            (_, true) if self.config.is_standalone() => "standalone, serving clients".to_owned(),
            (Role::Looking, _) => format!("LOOKING, epoch {epoch}, last {last}"),
            (_, true) => format!("{role}, epoch {epoch}, serving clients"),
            (_, false) => {
                let leader = self.peer.leader().unwrap_or_default();
                format!("{role}, the leader is server {leader}, last {last}")
            }
        };
        if let Some(text) = self.state.joining.said.say(text, now) {
            tracing::info!("zab-server {}: {text}", self.config.id);
        }
    }
}
