//! The driver: hands inputs to a core and carries out what it asks for, in the order of the core's
//! contract, except where a mutant breaks it.

use zab_core::{Decision, Deliver, Effects, Input, Message, Outgoing, TimerChange, Txn, Write};
use zab_trace::EventKind;

use crate::cluster::{Cluster, Happening, Who};
use crate::defect::DriverMutant;
use crate::schedule::Time;
use crate::server::{Incoming, Op, program};

impl Cluster<'_> {
    /// A life begins: its first line, and the effects of recovery.
    pub(crate) fn begin(&mut self, who: Who, effects: Effects) {
        let Some(life) = self.life(who) else { return };
        let state = life.peer.state();
        let events = life.observer.start(&effects, state);
        self.emit(who, events);
        self.enter(who, effects);
        self.wake(who);
    }

    /// Goes on with the program, or takes the next input if there is none.
    pub(crate) fn run_server(&mut self, who: Who) {
        let Some(life) = self.life(who) else { return };
        life.scheduled = false;
        if life.writing {
            return;
        }
        if life.program.is_empty() {
            if self.has(DriverMutant::SwapReceives) && self.rng.chance(300) {
                self.swap_receives(who);
            }
            match self.life(who).and_then(|life| life.inbox.pop_front()) {
                Some(incoming) => self.hand_in(who, incoming),
                None => return,
            }
        }
        self.carry_on(who);
        if self.life(who).is_some_and(|life| !life.is_idle()) {
            self.wake(who);
        }
    }

    /// The write that a program waited for is durable. A kill may come before anyone says so.
    pub(crate) fn written(&mut self, who: Who) {
        if self.life(who).is_none() {
            return;
        }
        let Some(server) = self.servers.get_mut(&who.server) else { return };
        let Some(write) = server.disk.end_write() else { return };
        if self.is_killed_between() {
            self.stats.kills_before_persisted_line += 1;
            return self.kill(who.server);
        }
        let Some(life) = self.life(who) else { return };
        life.writing = false;
        self.say_written(who, write);
        self.wake(who);
    }

    /// The group fsync has returned.
    pub(crate) fn synced(&mut self, who: Who) {
        if self.life(who).is_none() {
            return;
        }
        let Some(server) = self.servers.get_mut(&who.server) else { return };
        let synced = server.disk.end_sync();
        if let Some(zxid) = synced {
            if self.has(DriverMutant::AckBeforeFsync) {
                self.say_late(who, zxid);
            } else {
                self.give(who, Incoming::Input(Input::Synced { zxid }));
            }
        }
        self.sync_in_background(who);
    }

    /// Hands one thing to the core.
    fn hand_in(&mut self, who: Who, incoming: Incoming) {
        let Some(life) = self.life(who) else { return };
        let (input, shown) = match incoming {
            Incoming::Input(input) => (input, true),
            Incoming::Forged(input) => (input, false),
            Incoming::Opened(input, connection, name) => {
                life.observer.opened(connection, name);
                (input, true)
            }
            Incoming::Ended(connection) => return life.observer.ended(connection),
            Incoming::Message(from, connection, message, snapshot) => {
                if let (Some(_), Some(server)) = (&snapshot, self.servers.get_mut(&who.server)) {
                    server.disk.set_aside(snapshot);
                }
                (Input::Message { from, connection, message }, true)
            }
            Incoming::Elapsed(generation, _) if generation != life.timer => return,
            Incoming::Elapsed(_, timer) => (Input::Elapsed(timer), true),
        };
        let Some(life) = self.life(who) else { return };
        let effects = life.peer.handle(input.clone());
        let state = life.peer.state();
        // The trace never shows a tick, so a tick stands for a cause that it must not show.
        let cause = if shown { &input } else { &Input::Tick };
        let mut events = life.observer.step(cause, &effects, state);
        if self.has(DriverMutant::AckBeforeFsync) && matches!(input, Input::Synced { .. }) {
            events.retain(|event| !matches!(event.kind, EventKind::Persisted(_)));
        }
        self.emit(who, events);
        if let (Input::Synced { zxid }, true) = (input, self.has(DriverMutant::EagerDelivery)) {
            self.deliver_eagerly(who, zxid);
        }
        self.enter(who, effects);
    }

    /// Makes the effects of a step the program.
    fn enter(&mut self, who: Who, effects: Effects) {
        self.note(who, &effects);
        let ops = program(effects, self.config.driver_mutant(), &mut self.rng);
        if let Some(life) = self.life(who) {
            life.program = ops;
            life.wrote = false;
        }
    }

    /// What the decisions and messages of a step mean to clients and to the counts.
    fn note(&mut self, who: Who, effects: &Effects) {
        if let Some(error) = &effects.error {
            self.ledger.complain(who.server, error.clone());
        }
        for decision in &effects.decisions {
            match decision {
                Decision::Looking { .. } => {
                    // Clients whose requests are under way are told that nobody knows.
                    if let Some(life) = self.life(who) {
                        life.awaited.clear();
                    }
                }
                Decision::Proposed { zxid, .. } => {
                    if let Some(life) = self.life(who) {
                        life.awaited.insert(*zxid);
                    }
                    self.forge_ack(who, *zxid, effects);
                }
                Decision::Established { epoch } => {
                    let changes = self.ledger.establish(who.server, *epoch);
                    self.stats.established += 1;
                    self.stats.leader_changes += u64::from(changes);
                    self.note_initial_history(who);
                }
                Decision::Committed { .. } => self.stats.committed += 1,
                Decision::Resent | Decision::Elected { .. } => {}
            }
        }
        for (index, out) in effects.send.iter().enumerate() {
            let next = effects.send[index + 1..].iter().find(|o| o.connection == out.connection);
            let proposes = next.is_some_and(|o| matches!(o.message, Message::Proposal { .. }));
            self.stats.sync(&out.message, proposes);
        }
    }

    /// `l.2.2`: with the leader its initial history is established.
    fn note_initial_history(&mut self, who: Who) {
        let Some(server) = self.servers.get(&who.server) else { return };
        let committed = server.life.as_ref().map(|life| life.peer.last_committed());
        for txn in server.disk.history().iter().filter(|txn| Some(txn.zxid) <= committed) {
            self.ledger.commit(txn);
        }
    }

    /// Carries out effects up to the next that has to be waited for. A kill can come before each.
    fn carry_on(&mut self, who: Who) {
        while let Some(life) = self.life(who).filter(|life| !life.writing) {
            if life.program.is_empty() {
                return;
            }
            let writes = life.wrote || life.program.iter().any(|op| matches!(op, Op::Write(_)));
            let speaks = life.program.iter().any(Op::is_shown);
            // Most steps only send. If each of them could end with a kill as often as a step that
            // writes, no server would get far.
            if (writes || speaks && self.rng.chance(250)) && self.is_killed_between() {
                return self.kill(who.server);
            }
            let op = self.life(who).and_then(|life| life.program.pop_front());
            if let Some(op) = op {
                self.carry_out(who, op);
            }
        }
    }

    fn carry_out(&mut self, who: Who, op: Op) {
        match op {
            Op::Close(close) => self.close(who, close),
            Op::Write(write) => self.write(who, write),
            Op::Append(transactions) => self.append(who, transactions),
            Op::Deliver(deliver) => self.deliver(who, deliver),
            Op::Send(out) => self.send(who, out),
            Op::Notify(to, notification) => self.notify(who, to, notification),
            Op::Dial(dial) => self.change_dial(who, dial),
            Op::Timer(change) => self.change_timer(who, change),
            Op::Finish => {
                let events = self.life(who).map(|life| life.observer.finish());
                self.emit(who, events.into_iter().flatten());
            }
        }
    }

    fn write(&mut self, who: Who, write: Write) {
        if self.has(DriverMutant::ForgetAcceptedEpoch) && matches!(write, Write::AcceptedEpoch(_)) {
            return;
        }
        let Some(server) = self.servers.get_mut(&who.server) else { return };
        server.disk.begin_write(write);
        let delay = self.fsync_time(who);
        if let Some(life) = self.life(who) {
            life.writing = true;
            self.after(delay, Happening::Written(who));
        }
    }

    fn say_written(&mut self, who: Who, write: Write) {
        let Some(life) = self.life(who) else { return };
        life.wrote = true;
        let events = life.observer.persisted(&write);
        self.emit(who, events);
        match write {
            Write::CommittedLog(transactions) => {
                for txn in &transactions {
                    self.apply(who, txn);
                }
            }
            Write::Snapshot { zxid } => {
                if let Some(life) = self.life(who) {
                    life.applied = zxid;
                }
            }
            Write::Truncate { .. } => self.hasten_restart(who),
            Write::AcceptedEpoch(_) | Write::CurrentEpoch(_) | Write::SyncLog { .. } => {}
        }
    }

    fn append(&mut self, who: Who, transactions: Vec<Txn>) {
        let last = transactions.last().map(|txn| txn.zxid);
        if let Some(server) = self.servers.get_mut(&who.server) {
            server.disk.append(transactions);
        }
        if let Some(zxid) = last.filter(|_| self.has(DriverMutant::AckBeforeFsync)) {
            self.give(who, Incoming::Input(Input::Synced { zxid }));
        }
        self.sync_in_background(who);
    }

    fn sync_in_background(&mut self, who: Who) {
        let begins = self.servers.get_mut(&who.server).is_some_and(|s| s.disk.begin_sync());
        if begins {
            let delay = self.fsync_time(who);
            self.after(delay, Happening::Synced(who));
        }
    }

    /// Gives something to the state machine.
    pub(crate) fn deliver(&mut self, who: Who, deliver: Deliver) {
        if self.has(DriverMutant::SkippedDelivery) && self.rng.chance(125) {
            return;
        }
        let eager = self.has(DriverMutant::EagerDelivery);
        let Some(life) = self.life(who) else { return };
        if eager && matches!(&deliver, Deliver::Commit(txn) if txn.zxid <= life.applied) {
            return;
        }
        let event = life.observer.delivered(&deliver);
        self.emit(who, event);
        match deliver {
            Deliver::Commit(txn) => self.apply(who, &txn),
            Deliver::CatchUp(Txn { zxid, .. }) | Deliver::Rebuild { zxid } => {
                if let Some(life) = self.life(who) {
                    life.applied = zxid;
                }
            }
        }
    }

    /// The state machine takes a committed transaction.
    fn apply(&mut self, who: Who, txn: &Txn) {
        let Some(life) = self.life(who) else { return };
        let last = std::mem::replace(&mut life.applied, txn.zxid);
        let established = life.peer.is_established();
        self.ledger.deliver(who.server, last, txn.zxid);
        if established {
            self.ledger.commit(txn);
        }
        if self.life(who).is_some_and(|life| life.awaited.remove(&txn.zxid)) {
            self.ledger.acknowledge(txn);
        }
    }

    fn send(&mut self, who: Who, mut out: Outgoing) {
        if self.has(DriverMutant::OlderNewLeader)
            && let Message::NewLeader { epoch } = &mut out.message
        {
            *epoch = epoch.saturating_sub(1);
        }
        let addition = self.addition(who, &out);
        self.send_one(who, out);
        if let Some(addition) = addition {
            self.send_one(who, addition);
        }
    }

    fn send_one(&mut self, who: Who, out: Outgoing) {
        let Some(life) = self.life(who) else { return };
        let event = life.observer.sending(&out);
        self.emit(who, event);
        self.transmit_quorum(who, out);
    }

    fn change_timer(&mut self, who: Who, change: TimerChange) {
        let Some(life) = self.life(who) else { return };
        life.timer += 1;
        let generation = life.timer;
        match change {
            TimerChange::Arm { timer, after_ms } => {
                self.after(after_ms * 1000, Happening::Elapsed(who, generation, timer));
            }
            TimerChange::Disarm => {}
        }
    }

    fn fsync_time(&mut self, who: Who) -> Time {
        let slow = self.servers.get(&who.server).is_some_and(|server| server.slow_disk);
        let base = self.rng.within(150, 3_000);
        if slow { base * self.rng.within(10, 200) } else { base }
    }

    fn is_killed_between(&mut self) -> bool {
        self.quiet_since.is_none() && self.rng.chance(self.config.faults.kill_between_per_mille)
    }
}
