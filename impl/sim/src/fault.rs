//! What goes wrong: kills, cuts, resets, slow links, slow disks; and how it ends.

use zab_core::{Config as CoreConfig, Observer, Peer, Role, ServerId};

use crate::cluster::{Cluster, Happening, TICK_US, Who};
use crate::defect::Defect;
use crate::network::End;
use crate::server::{Life, Op, Server};

impl Cluster<'_> {
    /// Schedules the next fault, if there are any.
    pub(crate) fn next_fault(&mut self) {
        let mean = self.config.faults.interval_us;
        if mean > 0 {
            let delay = self.rng.within(1, 2 * mean);
            self.after(delay, Happening::Fault);
        }
    }

    /// Something goes wrong: which kind, the weights say.
    pub(crate) fn fault(&mut self) {
        if self.quiet_since.is_some() {
            return;
        }
        self.next_fault();
        let faults = &self.config.faults;
        type Fault<'a> = fn(&mut Cluster<'a>);
        let kinds: [(u32, Fault<'_>); 9] = [
            (faults.kill, Self::kill_any),
            (faults.kill_leader, Self::kill_leader),
            (faults.cut, Self::cut_link),
            (faults.isolate, Self::isolate_any),
            (faults.isolate_leader, Self::isolate_leader),
            (faults.reset, Self::reset_link),
            (faults.slow_link, Self::slow_link),
            (faults.slow_disk, Self::slow_any_disk),
            (faults.slow_leader_disk, Self::slow_leader_disk),
        ];
        let total: u64 = kinds.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut left = self.rng.below(total);
        for (weight, make) in kinds {
            let weight = u64::from(weight);
            if left < weight {
                return make(self);
            }
            left -= weight;
        }
    }

    /// Everything heals, and whoever is down starts.
    pub(crate) fn end_faults(&mut self) {
        let ids: Vec<_> = self.servers.keys().copied().collect();
        for a in &ids {
            for b in ids.iter().filter(|b| *b > a) {
                self.heal(*a, *b);
                self.network.set_slow(*a, *b, false);
            }
            if let Some(server) = self.servers.get_mut(a) {
                server.slow_disk = false;
            }
            self.start(*a);
        }
    }

    /// SIGKILL: memory is gone, connections break, the disk keeps what it must.
    pub(crate) fn kill(&mut self, id: ServerId) {
        let Some(who) = self.who(id) else { return };
        let Some(server) = self.servers.get_mut(&id) else { return };
        let Some(life) = server.life.take() else { return };
        let sends = life.program.iter().any(|op| matches!(op, Op::Send(_)));
        self.stats.kills += 1;
        self.stats.kills_between_persist_and_send += u64::from(life.wrote && sends);
        let before = server.disk.history().len();
        server.disk.crash(&mut self.rng);
        let after = server.disk.history().len();
        let lost = u64::try_from(before.saturating_sub(after)).unwrap_or(u64::MAX);
        self.stats.transactions_lost_at_kills += lost;
        server.followed = life.peer.role() == Role::Following;
        self.break_connections(id);
        if let Some(last) = life.seq.checked_sub(1) {
            self.emit_killed(who, last);
        }
        let delay = self.rng.within(1_000, self.config.faults.down_us_max);
        self.after(delay, Happening::Start(id));
    }

    /// A process starts from what is on its disk.
    pub(crate) fn start(&mut self, id: ServerId) {
        let Some(server) = self.servers.get_mut(&id).filter(|s| s.life.is_none()) else { return };
        let recovered = server.disk.recover();
        let mut config = CoreConfig::new(id, 1..=ServerId::from(self.config.servers));
        config.window = usize::try_from(self.config.window).unwrap_or(usize::MAX);
        if let Some(Defect::Core(mutant)) = self.config.defect {
            config.mutant = Some(mutant);
        }
        let (peer, effects) = match Peer::recover(config, recovered) {
            Ok(started) => started,
            Err(reason) => return self.ledger.refuse(id, reason),
        };
        server.incarnation += 1;
        self.stats.restarts += u64::from(server.incarnation > 1);
        self.stats.follower_restarts += u64::from(std::mem::take(&mut server.followed));
        let who = Who { server: id, incarnation: server.incarnation };
        let observer = Observer::new(id, server.incarnation);
        let others = (1..=ServerId::from(self.config.servers)).filter(|other| *other != id);
        let applied = server.disk.history().last().map_or_else(Default::default, |txn| txn.zxid);
        server.life = Some(Life::new(peer, observer, others.clone(), applied));
        self.begin(who, effects);
        let phase = self.rng.below(TICK_US);
        self.after(phase, Happening::Tick(who));
        for other in others.filter(|other| *other < id) {
            let delay = self.rng.within(100, 3_000);
            self.after(delay, Happening::ElectionDial(who, other));
        }
    }

    /// A link carries again.
    pub(crate) fn heal(&mut self, a: ServerId, b: ServerId) {
        for watch in self.network.heal(a, b) {
            self.watch(Some(watch));
        }
    }

    fn break_connections(&mut self, id: ServerId) {
        for (connection, end) in self.network.held_by(id) {
            let at = self.schedule.now() + self.rng.within(100, 20_000);
            let watch = self.network.sever(connection, end, at, &mut self.rng);
            self.watch(watch);
            let watch = self.network.close(connection, end, at);
            self.watch(watch);
        }
    }

    fn alive(&self) -> Vec<ServerId> {
        self.servers.iter().filter(|(_, s)| s.life.is_some()).map(|(id, _)| *id).collect()
    }

    fn leaders(&self) -> Vec<ServerId> {
        let leads = |server: &Server| server.life.as_ref().is_some_and(|l| l.peer.is_leading());
        self.servers.iter().filter(|(_, server)| leads(server)).map(|(id, _)| *id).collect()
    }

    fn two(&mut self) -> Option<(ServerId, ServerId)> {
        let ids: Vec<_> = self.servers.keys().copied().collect();
        let a = self.rng.pick(&ids)?;
        let others: Vec<_> = ids.into_iter().filter(|id| *id != a).collect();
        Some((a, self.rng.pick(&others)?))
    }

    fn lasting(&mut self) -> u64 {
        self.rng.within(1_000, self.config.faults.lasting_us_max)
    }

    fn kill_any(&mut self) {
        let alive = self.alive();
        if let Some(id) = self.rng.pick(&alive) {
            self.kill(id);
        }
    }

    fn kill_leader(&mut self) {
        let leaders = self.leaders();
        if let Some(id) = self.rng.pick(&leaders) {
            self.kill(id);
        }
    }

    fn cut(&mut self, a: ServerId, b: ServerId, lasting: u64) {
        self.stats.cuts += 1;
        self.network.cut(a, b);
        self.after(lasting, Happening::Heal(a, b));
    }

    fn cut_link(&mut self) {
        if let Some((a, b)) = self.two() {
            let lasting = self.lasting();
            self.cut(a, b, lasting);
        }
    }

    fn isolate_any(&mut self) {
        let ids: Vec<_> = self.servers.keys().copied().collect();
        let alone = self.rng.pick(&ids);
        self.isolate(alone);
    }

    fn isolate_leader(&mut self) {
        let leaders = self.leaders();
        let alone = self.rng.pick(&leaders);
        self.isolate(alone);
    }

    fn isolate(&mut self, alone: Option<ServerId>) {
        let Some(alone) = alone else { return };
        let lasting = self.lasting();
        let others: Vec<_> = self.servers.keys().copied().filter(|id| *id != alone).collect();
        for other in others {
            self.cut(alone, other, lasting);
        }
    }

    /// Breaks what connects two servers; each end notices by itself.
    fn reset_link(&mut self) {
        let Some((a, b)) = self.two() else { return };
        for connection in self.network.between(a, b) {
            self.stats.resets += 1;
            // Either end may learn of it at once, or much later.
            let latest = if self.rng.chance(500) { 5_000 } else { 200_000 };
            for from in [End::Dialler, End::Acceptor] {
                let at = self.schedule.now() + self.rng.within(100, latest);
                let watch = self.network.sever(connection, from, at, &mut self.rng);
                self.watch(watch);
            }
        }
    }

    fn slow_link(&mut self) {
        if let Some((a, b)) = self.two() {
            self.network.set_slow(a, b, true);
            let lasting = self.lasting();
            self.after(lasting, Happening::Hurry(a, b));
        }
    }

    fn slow_any_disk(&mut self) {
        let ids: Vec<_> = self.servers.keys().copied().collect();
        let id = self.rng.pick(&ids);
        self.slow_disk(id);
    }

    fn slow_leader_disk(&mut self) {
        let leaders = self.leaders();
        let id = self.rng.pick(&leaders);
        self.slow_disk(id);
    }

    fn slow_disk(&mut self, id: Option<ServerId>) {
        let Some(id) = id else { return };
        let Some(server) = self.servers.get_mut(&id) else { return };
        server.slow_disk = true;
        let lasting = self.lasting();
        self.after(lasting, Happening::FastDisk(id));
    }
}
