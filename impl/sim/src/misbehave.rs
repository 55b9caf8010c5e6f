//! How the driver misbehaves under a mutant, as far as it is more than a step left out.

use zab_core::{Deliver, Effects, Input, Message, Outgoing, Zxid};
use zab_trace::{Event, EventKind, Persisted};

use crate::cluster::{Cluster, Happening, Who};
use crate::defect::DriverMutant;
use crate::server::Incoming;

impl Cluster<'_> {
    /// ForgedAck: the core is given an ACK of each learner that was sent the proposal.
    pub(crate) fn forge_ack(&mut self, who: Who, zxid: Zxid, effects: &Effects) {
        if !self.has(DriverMutant::ForgedAck) {
            return;
        }
        for out in &effects.send {
            let message = Message::Ack { zxid };
            let input = Input::Message { from: out.to, connection: out.connection, message };
            self.give(who, Incoming::Forged(input));
        }
    }

    /// AckBeforeFsync: writes the late `Persisted` line; the core was told of the sync earlier.
    pub(crate) fn say_late(&mut self, who: Who, zxid: Zxid) {
        let Some(life) = self.life(who) else { return };
        let state = life.peer.state();
        let kind = EventKind::Persisted(Persisted::Log(zxid));
        let event = Event::new(who.server, who.incarnation, 0, kind).with_state(state);
        self.emit(who, [event]);
    }

    /// What a mutant sends besides `out`.
    pub(crate) fn addition(&mut self, who: Who, out: &Outgoing) -> Option<Outgoing> {
        let mutant = self.config.driver_mutant()?;
        let message = if mutant == DriverMutant::DuplicateSend && self.rng.chance(60) {
            out.message.clone()
        } else if let (DriverMutant::CommitWithProposal, Message::Proposal { txn }) =
            (mutant, &out.message)
        {
            // In synchronization a COMMIT of its own follows anyway.
            let established = self.life(who)?.peer.is_established();
            established.then_some(Message::Commit { zxid: txn.zxid })?
        } else if let (DriverMutant::EarlyUpToDate, Message::NewLeader { .. }) =
            (mutant, &out.message)
        {
            Message::UpToDate
        } else {
            return None;
        };
        Some(Outgoing { message, ..out.clone() })
    }

    /// SwapReceives: the two messages that wait longest, if they came on one connection, change
    /// places.
    pub(crate) fn swap_receives(&mut self, who: Who) {
        let Some(life) = self.life(who) else { return };
        let message = |index| match life.inbox.get(index) {
            // A sign of life among messages would change nothing.
            Some(Incoming::Message(_, connection, message, _)) if *message != Message::Ping => {
                Some(*connection)
            }
            Some(_) | None => None,
        };
        if message(0).is_some() && message(0) == message(1) {
            life.inbox.swap(0, 1);
        }
    }

    /// EagerDelivery: the state machine takes what became durable, committed or not.
    pub(crate) fn deliver_eagerly(&mut self, who: Who, synced: Zxid) {
        let Some(life) = self.life(who).filter(|life| life.peer.is_established()) else { return };
        let applied = life.applied;
        let Some(server) = self.servers.get(&who.server) else { return };
        let history = server.disk.history().iter();
        let new = history.filter(|txn| txn.zxid > applied && txn.zxid <= synced);
        for txn in new.cloned().collect::<Vec<_>>() {
            self.deliver(who, Deliver::Commit(txn));
        }
    }

    /// SkipTruncation, ResurrectedTail: what a disk forgot or kept shows only when the server
    /// starts again, so the server is killed soon.
    pub(crate) fn hasten_restart(&mut self, who: Who) {
        let shows =
            self.has(DriverMutant::SkipTruncation) || self.has(DriverMutant::ResurrectedTail);
        if shows && self.quiet_since.is_none() {
            let delay = self.rng.within(1_000, 300_000);
            self.after(delay, Happening::Kill(who));
        }
    }
}
