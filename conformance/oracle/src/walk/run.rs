//! The run itself: which server does what next.

mod script;

use zab_model::{Config, Message, Number, Phase, Profile, Role, Shape, Stage, Step, Wide};
use zab_trace::{Chain, Event, EventKind, Packet, Recovered, TxnDigest, txn_digest};

use super::Walk;
use super::net::Net;
use super::node::Node;
use crate::rng::Rng;
use zab_check::convert::{self, Ids};

/// Kinds of lines that wait to be shown: decisions and deliveries, and ends of connections.
const KINDS: usize = 6;

/// Of them: the ends of connections.
const ENDED: usize = 5;

/// How many steps a decision or a delivery lets pass, counted from the one that made it.
const STEPS_LATE: u32 = 2;

/// How many steps the end of a connection lets pass.
const CLOSES_LATE: u32 = 12;

/// A run in progress.
pub(super) struct Walker {
    shape: Walk,
    cfg: Config<Wide>,
    ids: Ids,
    rng: Rng,
    nodes: Vec<Node>,
    /// By server and kind of line that waits to be shown: how many steps it let pass.
    waits: Vec<[u32; KINDS]>,
    net: Net,
    events: Vec<Event>,
    requests: u32,
    /// By server: whether its last process ended while its machine ran on.
    killed: Vec<bool>,
    /// By server that looks: those of which it has heard whom they follow, in a script.
    asked: Vec<Vec<usize>>,
}

impl Walker {
    pub(super) fn new(seed: u64, shape: &Walk, profile: Profile) -> Option<Self> {
        let mut cfg = Config::<Wide>::new(shape.servers)?;
        cfg.ensemble.profile = profile;
        cfg.ensemble.window = usize::try_from(shape.window).ok()?;
        let servers = usize::from(shape.servers);
        let real: Vec<u64> = (1..=u64::from(shape.servers)).collect();
        Some(Self {
            shape: *shape,
            cfg,
            ids: Ids::new(&real),
            rng: Rng::new(seed),
            nodes: (0..servers).map(|row| Node::new(row, servers)).collect(),
            waits: vec![[0; KINDS]; servers],
            net: Net::default(),
            events: Vec::new(),
            requests: 0,
            killed: vec![false; servers],
            asked: vec![Vec::new(); servers],
        })
    }

    pub(super) fn run(mut self) -> Vec<Event> {
        let patience = self.shape.events.saturating_mul(200);
        for _ in 0..patience {
            if self.events.len() >= self.shape.events {
                break;
            }
            let row = self.rng.below(self.nodes.len());
            self.act(row);
            self.end_accepted(row);
        }
        for row in 0..self.nodes.len() {
            if self.nodes[row].server.role == Role::Down {
                if self.nodes[row].incarnation == 0 {
                    self.start(row);
                } else {
                    continue;
                }
            }
            self.end(row);
        }
        self.events
    }

    /// A server does something, if what the rng say is possible.
    fn act(&mut self, row: usize) {
        if self.nodes[row].server.role == Role::Down {
            if self.nodes[row].incarnation == 0 || self.rng.often(100) {
                self.start(row);
            }
            return;
        }
        if self.show_late(row) {
            return;
        }
        if self.rng.often(self.shape.faults) {
            return self.fault(row);
        }
        if !self.nodes[row].server.program.is_finished() && self.rng.often(500) {
            return self.program(row);
        }
        match self.rng.below(20) {
            0..=7 => self.show(row),
            8..=13 => self.receive(row),
            14 => self.sync(row),
            15 => self.settle(row),
            16 => self.request(row),
            17 | 18 => self.connect(row),
            _ => self.accept_or_notice(row),
        }
    }

    /// A server that does not lead has no use for the connections it accepted while it did.
    fn end_accepted(&mut self, row: usize) {
        let node = &mut self.nodes[row];
        if matches!(node.server.role, Role::Leading | Role::Down) {
            return;
        }
        for (index, link) in self.net.links.iter().enumerate() {
            let held = link.ends[1] == row && link.shown[1] && link.up[1] && !link.election;
            if held && !node.ended.contains(&index) && !node.wires.contains(&Some(index)) {
                node.ended.push(index);
            }
        }
    }

    fn fault(&mut self, row: usize) {
        match self.rng.below(6) {
            0 | 1 => self.end(row),
            2 => self.resend(row),
            3 => self.leave(row),
            _ => self.cut(row),
        }
    }

    /// A line that never came, while its server went on, would be missed.
    fn show_late(&mut self, row: usize) -> bool {
        for kind in 0..ENDED {
            if self.waits[row][kind] >= STEPS_LATE
                && let Some(line) = self.nodes[row].lines[kind].pop_front()
            {
                self.waits[row][kind] = 0;
                self.line(row, line.line());
                return true;
            }
        }
        if self.waits[row][ENDED] < CLOSES_LATE {
            return false;
        }
        let Some(link) = self.nodes[row].ended.pop() else { return false };
        self.waits[row][ENDED] = 0;
        self.nodes[row].sends.retain(|(other, _)| *other != link);
        self.disconnected(row, link);
        true
    }

    /// Counts a step that the lines which wait let pass.
    fn pass(&mut self, row: usize, kind: &EventKind) {
        if !kind.name().is_step() {
            return;
        }
        let node = &self.nodes[row];
        let waiting = node.lines.iter().map(|lines| !lines.is_empty());
        let waiting = waiting.chain([!node.ended.is_empty()]);
        for (waits, waiting) in self.waits[row].iter_mut().zip(waiting) {
            *waits = if waiting { *waits + 1 } else { 0 };
        }
    }

    fn line(&mut self, row: usize, kind: EventKind) {
        self.pass(row, &kind);
        let node = &mut self.nodes[row];
        let server = self.ids.all()[row];
        let mut event = Event::new(server, node.incarnation, node.seq, kind);
        node.seq += 1;
        if self.shape.state {
            event.state = Some(convert::state(node.server.projection(&self.cfg)));
        }
        self.events.push(event);
    }

    fn start(&mut self, row: usize) {
        let survived = self.rng.below(self.nodes[row].server.unsynced() + 1);
        self.start_with(row, survived);
    }

    /// The process starts, if it may, and so many transactions that were not synced are there.
    fn start_with(&mut self, row: usize, survived: usize) {
        let node = &mut self.nodes[row];
        if !node.step(&self.cfg, Step::Start { survived: u32::from_usize(survived) }) {
            return;
        }
        node.incarnation += 1;
        node.seq = 0;
        let shown = convert::state(node.server.projection(&self.cfg));
        let recovered = Recovered {
            accepted_epoch: shown.accepted_epoch.unwrap_or_default(),
            current_epoch: shown.current_epoch.unwrap_or_default(),
            last_zxid: shown.last_zxid.unwrap_or_default(),
            log_length: shown.log_length,
            log_digest: shown.log_digest,
        };
        self.line(row, EventKind::Start { recovered });
    }

    /// The process is killed, or stops.
    fn end(&mut self, row: usize) {
        let killed = self.rng.often(700);
        if !killed {
            self.finish(row);
        }
        if killed {
            self.killed(row);
        } else {
            self.line(row, EventKind::Stop);
        }
        // A write may have reached the disk although no line shows it.
        if killed && !self.nodes[row].server.program.is_finished() && self.rng.often(300) {
            self.nodes[row].step(&self.cfg, Step::ProgramNext);
        }
        self.down(row);
    }

    /// The recorder's line about a process that is killed.
    fn killed(&mut self, row: usize) {
        let node = &self.nodes[row];
        let last = vec![(Chain::MAIN, node.seq - 1)];
        self.events.push(Event::killed(self.ids.all()[row], node.incarnation, 0, last));
    }

    /// The process has ended.
    fn down(&mut self, row: usize) {
        self.nodes[row].step(&self.cfg, Step::Crash);
        self.nodes[row].forget();
        self.net.lose(row);
    }

    /// Shows all that must be shown before a clean stop.
    fn finish(&mut self, row: usize) {
        while !self.nodes[row].server.program.is_finished() {
            self.program(row);
        }
        while let Some(line) = self.nodes[row].lines[0].pop_front() {
            self.line(row, line.line());
        }
        self.show_decisions(row);
    }

    /// Shows the decisions that must be shown before a step.
    fn show_before(&mut self, row: usize, step: Step<Wide>) {
        let mut trial = self.nodes[row].clone();
        trial.step(&self.cfg, step);
        if trial.late {
            self.show_decisions(row);
        }
    }

    fn show_decisions(&mut self, row: usize) {
        for kind in 1..self.nodes[row].lines.len() {
            while let Some(line) = self.nodes[row].lines[kind].pop_front() {
                self.line(row, line.line());
            }
        }
    }

    fn program(&mut self, row: usize) {
        if self.nodes[row].step(&self.cfg, Step::ProgramNext)
            && let Some(write) = self.nodes[row].written
        {
            self.line(row, EventKind::Persisted(convert::persisted(write)));
        }
    }

    fn sync(&mut self, row: usize) {
        let node = &mut self.nodes[row];
        let unsynced = node.server.unsynced();
        if unsynced == 0 {
            return;
        }
        let length = Wide::length(&node.server.disk.history) + 1 + self.rng.below(unsynced);
        let up_to = self.cfg.history(node.server.history).zxid_at(length);
        if node.step(&self.cfg, Step::SyncLog { up_to }) {
            let write = zab_trace::Persisted::Log(convert::zxid(up_to));
            self.line(row, EventKind::Persisted(write));
        }
    }

    fn settle(&mut self, row: usize) {
        self.show_before(row, Step::Settle);
        // The line is that of the step, so no older one of its kind may wait.
        if self.nodes[row].lines[2].is_empty()
            && self.nodes[row].step(&self.cfg, Step::Settle)
            && let Some(kind) = self.nodes[row].lines[2].pop_back()
        {
            self.line(row, kind.line());
        }
    }

    fn resend(&mut self, row: usize) {
        if self.nodes[row].step(&self.cfg, Step::Resend) {
            self.line(row, EventKind::Resent);
        }
    }

    fn leave(&mut self, row: usize) {
        self.show_before(row, Step::LeaveRole);
        let node = &mut self.nodes[row];
        // The line is that of the step, so no older one of its kind may wait.
        if !node.lines[1].is_empty() || node.server.unsynced() > 0 {
            return;
        }
        if node.step(&self.cfg, Step::LeaveRole)
            && let Some(kind) = self.nodes[row].lines[1].pop_back()
        {
            self.line(row, kind.line());
        }
    }

    fn request(&mut self, row: usize) {
        self.requests += 1;
        let TxnDigest(payload) = txn_digest(&self.requests.to_be_bytes());
        let node = &mut self.nodes[row];
        if node.server.phase == Phase::Broadcast
            && node.step(&self.cfg, Step::Request { payload })
            && let Some(zxid) = node.proposed
        {
            self.line(row, EventKind::Proposed { zxid, digest: TxnDigest(payload) });
        }
    }

    /// Shows something that an earlier step produced.
    fn show(&mut self, row: usize) {
        let kind = self.rng.below(9);
        let node = &mut self.nodes[row];
        if let Some(lines) = node.lines.get_mut(kind) {
            if let Some(line) = lines.pop_front() {
                self.line(row, line.line());
            }
        } else if kind < 8 {
            self.send(row);
        } else {
            self.notify(row);
        }
    }

    fn send(&mut self, row: usize) {
        let index = self.rng.below(self.nodes[row].sends.len());
        let Some((link, queue)) = self.nodes[row].sends.get_mut(index) else { return };
        let Some(model_message) = queue.pop_front() else { return };
        let link = *link;
        let Some(end) = self.net.links[link].end(row) else { return };
        let ordinal = self.net.links[link].send(end, model_message);
        self.packet(row, link, ordinal, &model_message, true);
    }

    fn notify(&mut self, row: usize) {
        let to = self.rng.below(self.nodes.len());
        if to == row || self.nodes[to].server.role == Role::Down {
            return;
        }
        let existing = self.net.election(row, to);
        let link = existing.unwrap_or_else(|| self.open([row.max(to), row.min(to)], true));
        let Some(end) = self.net.links[link].end(row) else { return };
        let repeats = self.net.links[link].sent[end] == 0 && self.rng.often(500);
        let skips = self.rng.often(200);
        let node = &mut self.nodes[row];
        let notification = match node.last[to] {
            Some(last) if repeats => last,
            Some(_) | None => {
                if skips && node.notices[to].len() > 1 {
                    node.notices[to].pop_front();
                }
                let Some(next) = node.notices[to].pop_front() else { return };
                next
            }
        };
        node.last[to] = Some(notification);
        let model_message = Message::Notification(notification);
        let ordinal = self.net.links[link].send(end, model_message);
        self.packet(row, link, ordinal, &model_message, true);
    }

    /// A new connection; now and then it gets the name of one that has ended.
    fn open(&mut self, ends: [usize; 2], election: bool) -> usize {
        let again = self.rng.often(self.shape.names_again);
        let nodes = &self.nodes;
        let is_held = |link: usize| {
            nodes.iter().any(|node| node.ended.contains(&link) || node.wires.contains(&Some(link)))
        };
        let name = again.then(|| self.net.free_name(ends, election, is_held)).flatten();
        self.net.open(ends, election, name)
    }

    fn packet(
        &mut self,
        row: usize,
        link: usize,
        ordinal: u64,
        model_message: &convert::ModelMessage,
        sent: bool,
    ) {
        let Some(message) = convert::message(&self.ids, model_message) else { return };
        let Some(end) = self.net.links[link].end(row) else { return };
        let peer = self.ids.all()[self.net.links[link].ends[1 - end]];
        let connection = self.net.links[link].name.clone();
        let packet = Packet { connection, ordinal, peer, message };
        let kind = if sent { EventKind::Sent(packet) } else { EventKind::Received(packet) };
        self.line(row, kind);
    }

    fn receive(&mut self, row: usize) {
        let ready = self.net.links.iter().enumerate().filter_map(|(index, link)| {
            let end = link.end(row)?;
            (link.up[end] && link.shown[end] && !link.queue[end].is_empty()).then_some((index, end))
        });
        let ready: Vec<_> = ready.collect();
        let Some((link, end)) = self.rng.pick(&ready) else { return };
        self.take(row, link, end);
    }

    /// The message that came first over a connection is received, if it may be.
    fn take(&mut self, row: usize, link: usize, end: usize) {
        let Some((ordinal, model_message)) = self.net.links[link].queue[end].front().copied()
        else {
            return;
        };
        let from = self.net.links[link].ends[1 - end];
        let sender = zab_model::ServerId(u8::from_usize(from + 1));
        let election = self.net.links[link].election;
        let node = &mut self.nodes[row];
        let opens = matches!(model_message, Message::FollowerInfo { .. });
        let ended = node.ended.contains(&link);
        if ended || (!election && node.wires[from] != Some(link) && !opens) {
            return;
        }
        let step = Step::Receive { from: sender, message: model_message };
        self.show_before(row, step);
        let node = &mut self.nodes[row];
        let older = node.wires[from];
        if opens {
            node.wires[from] = Some(link);
            node.sends.push((link, std::collections::VecDeque::new()));
        }
        if !node.step(&self.cfg, step) {
            if opens {
                node.wires[from] = older;
                node.sends.pop();
            }
            return;
        }
        if opens {
            node.ended.extend(older);
        }
        self.net.links[link].queue[end].pop_front();
        self.packet(row, link, ordinal, &model_message, false);
    }

    /// A follower's connection to its leader comes up.
    fn connect(&mut self, row: usize) {
        let server = &self.nodes[row].server;
        let waits = server.role == Role::Following
            && server.phase == Phase::Discovery
            && server.synchronization.stage == Stage::Idle;
        let Some(leader) = server.vote.leader.row() else { return };
        if !waits || leader == row || self.nodes[leader].server.role != Role::Leading {
            return;
        }
        let peer = server.vote.leader;
        let link = self.open([row, leader], false);
        self.nodes[row].wires[leader] = Some(link);
        self.nodes[row].sends.push((link, std::collections::VecDeque::new()));
        if self.nodes[row].step(&self.cfg, Step::Connected { peer }) {
            self.net.links[link].shown[0] = true;
            let connection = self.net.links[link].name.clone();
            let peer = Some(self.ids.all()[leader]);
            self.line(row, EventKind::Connected { connection, peer });
        } else {
            self.nodes[row].wires[leader] = None;
            self.nodes[row].sends.pop();
            self.net.links.pop();
        }
    }

    /// A leader shows a connection it accepted; or a server shows the end of one.
    fn accept_or_notice(&mut self, row: usize) {
        let accepted =
            self.net.links.iter().position(|link| {
                link.ends[1] == row && !link.shown[1] && link.up[1] && !link.election
            });
        if let Some(link) = accepted {
            if self.nodes[row].server.role == Role::Leading {
                self.accept(row, link);
            } else {
                self.net.links[link].drop_end(1);
            }
            return;
        }
        if let Some(link) = self.nodes[row].ended.pop() {
            self.nodes[row].sends.retain(|(other, _)| *other != link);
            return self.disconnected(row, link);
        }
        let dead = self.net.links.iter().enumerate().find_map(|(index, link)| {
            let end = link.end(row)?;
            let noticed = link.up[end] && link.shown[end] && !link.up[1 - end] && !link.election;
            noticed.then_some(index)
        });
        if let Some(link) = dead {
            self.notice(row, link);
        }
    }

    /// A leader shows that it has a connection.
    fn accept(&mut self, row: usize, link: usize) {
        self.net.links[link].shown[1] = true;
        let connection = self.net.links[link].name.clone();
        self.line(row, EventKind::Connected { connection, peer: None });
    }

    /// A connection breaks, and this end notices.
    fn cut(&mut self, row: usize) {
        let open: Vec<usize> = (0..self.net.links.len())
            .filter(|index| {
                let link = &self.net.links[*index];
                link.end(row).is_some_and(|end| link.up[end] && link.shown[end]) && !link.election
            })
            .collect();
        if let Some(link) = self.rng.pick(&open) {
            self.notice(row, link);
        }
    }

    fn notice(&mut self, row: usize, link: usize) {
        if self.nodes[row].ended.contains(&link) {
            return;
        }
        let wire = self.nodes[row].wires.iter().position(|wire| *wire == Some(link));
        if let Some(peer) = wire {
            let step = Step::Disconnected { peer: zab_model::ServerId(u8::from_usize(peer + 1)) };
            self.show_before(row, step);
            if !self.nodes[row].step(&self.cfg, step) {
                return;
            }
            let node = &mut self.nodes[row];
            node.wires[peer] = None;
            node.ended.retain(|ended| *ended != link);
            node.sends.retain(|(other, _)| *other != link);
        }
        self.disconnected(row, link);
    }

    fn disconnected(&mut self, row: usize, link: usize) {
        if let Some(end) = self.net.links[link].end(row) {
            self.net.links[link].drop_end(end);
        }
        let connection = self.net.links[link].name.clone();
        self.line(row, EventKind::Disconnected { connection });
    }
}
