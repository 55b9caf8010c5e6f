//! Replays a witness: takes the model through exactly the steps that it names, and compares what
//! they produce with the lines that it says are shown. It searches for nothing, and shares nothing
//! with the search that made the witness.

use std::collections::{HashMap, VecDeque};

use zab_model::{Config, Item, Message, Role, ServerId, Step, Wide};
use zab_trace::{Chain, Event, EventKind, EventName, Header, Packet, Persisted, Port, State};

use crate::{
    brute::{self, uses},
    contract::Shown,
    convert::{self, Ids, ModelMessage},
    walk::node::{Node, Product},
    witness::{Entry, Witness},
};

/// Why a witness is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("server {server}, entry {entry}: {why}")]
pub struct Rejected {
    /// Whose entry.
    pub server: u64,
    /// Which of its entries, from 0.
    pub entry: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// One server's part of the witness, and how far it is replayed.
struct Player<'a> {
    node: Node,
    entries: Vec<&'a Entry>,
    next: usize,
    /// The step since the last line, if there was one; hidden steps come before it.
    last: Option<Step<Wide>>,
    /// Connections accepted on which no FOLLOWERINFO has come.
    accepted: Vec<usize>,
}

/// A line's identity: server, incarnation, chain, number.
type Key = (u64, u32, Chain, u64);

/// A message's place: connection, sending row, ordinal.
type Slot = (usize, usize, u64);

struct Replay<'a> {
    cfg: Config<Wide>,
    ids: Ids,
    lines: HashMap<Key, &'a Event>,
    connections: HashMap<&'a str, usize>,
    on_the_way: HashMap<Slot, ModelMessage>,
    /// What each server's lines show.
    shown_by: Vec<Shown>,
    resent_hidden: bool,
    /// Payloads of hidden requests are not known where nobody was sent them, nor are digests of
    /// logs that hold them.
    proposed_hidden: bool,
    shown: usize,
}

/// Replays a witness of a trace in memory, whose connections have the same name at both ends.
///
/// # Errors
/// When a step is not enabled, a line does not show what the steps did, or a line is left over.
pub fn replay(header: &Header, events: &[Event], witness: &Witness) -> Result<(), Rejected> {
    let nowhere = |why| Rejected { server: 0, entry: 0, why };
    let lines = brute::in_order(header, events).filter(|(_, sound)| *sound);
    let (lines, _) = lines.ok_or_else(|| nowhere("lines are missing"))?;
    // A name that is used again stands for several connections.
    let ways = uses::ways(header, &lines).ok_or_else(|| nowhere("names are used too often"))?;
    let mut result = Err(nowhere("nothing is received that was sent"));
    for way in ways {
        let events: Vec<Event> = way.into_iter().flatten().collect();
        result = replay_one(header, &events, witness);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// Replays where every connection has a name of its own.
fn replay_one(header: &Header, events: &[Event], witness: &Witness) -> Result<(), Rejected> {
    let nowhere = |why| Rejected { server: 0, entry: 0, why };
    let servers = header.servers.len();
    let ids = Ids::new(&header.servers);
    let mut cfg = u8::try_from(servers)
        .ok()
        .and_then(Config::<Wide>::new)
        .ok_or_else(|| nowhere("too many servers"))?;
    cfg.window = usize::try_from(header.window).unwrap_or(usize::MAX);
    let mut players: Vec<Player<'_>> = (0..servers)
        .map(|row| {
            let own = witness.entries.iter().filter(|(server, _)| *server == ids.all()[row]);
            Player {
                node: Node::new(row, servers),
                entries: own.map(|(_, entry)| entry).collect(),
                next: 0,
                last: None,
                accepted: Vec::new(),
            }
        })
        .collect();
    let mut replay = Replay::new(cfg, ids, header, events);
    loop {
        let mut moved = false;
        for (row, player) in players.iter_mut().enumerate() {
            while player.next < player.entries.len() && replay.ready(row, player) {
                let server = replay.ids.all()[row];
                let entry = player.next;
                replay.entry(row, player).map_err(|why| Rejected { server, entry, why })?;
                player.next += 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    for (row, player) in players.iter().enumerate() {
        if player.next < player.entries.len() {
            let (server, entry) = (replay.ids.all()[row], player.next);
            return Err(Rejected { server, entry, why: "receives what nobody has sent" });
        }
    }
    if replay.shown == events.len() { Ok(()) } else { Err(nowhere("a line is not shown")) }
}

impl<'a> Replay<'a> {
    fn new(cfg: Config<Wide>, ids: Ids, header: &Header, events: &'a [Event]) -> Self {
        let mut connections = HashMap::new();
        let mut lines = HashMap::new();
        for event in events {
            let key = (event.server, event.incarnation, event.chain.clone(), event.seq);
            lines.insert(key, event);
            if let EventKind::Connected { connection, .. }
            | EventKind::Disconnected { connection } = &event.kind
            {
                let next = connections.len();
                connections.entry(connection.as_str()).or_insert(next);
            }
            if let EventKind::Sent(packet) | EventKind::Received(packet) = &event.kind {
                let next = connections.len();
                connections.entry(packet.connection.as_str()).or_insert(next);
            }
        }
        let hidden = &header.contract;
        let hides = |name| hidden.hidden.contains(&name) || !hidden.silent.is_empty();
        let shown_by = ids.all().iter().map(|id| Shown::new(hidden, *id)).collect();
        Self {
            cfg,
            ids,
            lines,
            shown_by,
            connections,
            on_the_way: HashMap::new(),
            resent_hidden: hides(EventName::Resent),
            proposed_hidden: hides(EventName::Proposed),
            shown: 0,
        }
    }

    fn link(&self, name: &zab_trace::ConnectionName) -> usize {
        self.connections.get(name.as_str()).copied().unwrap_or(usize::MAX)
    }

    fn row(&self, server: u64) -> Option<usize> {
        self.ids.all().iter().position(|id| *id == server)
    }

    fn line(&self, row: usize, entry: &Entry) -> Option<&'a Event> {
        let Entry::Line { incarnation, chain, seq } = entry else { return None };
        let key = (self.ids.all()[row], *incarnation, chain.clone(), *seq);
        self.lines.get(&key).copied()
    }

    /// The line that comes next, of which the steps before it are a part.
    fn coming(&self, row: usize, player: &Player<'_>) -> Option<&'a Event> {
        let lines = player.entries[player.next..].iter();
        lines
            .copied()
            .find(|entry| matches!(entry, Entry::Line { .. }))
            .and_then(|e| self.line(row, e))
    }

    fn slot(&self, packet: &Packet) -> Option<Slot> {
        Some((self.link(&packet.connection), self.row(packet.peer)?, packet.ordinal))
    }

    /// Whether the message of the next line has been sent, if it receives one.
    fn ready(&self, row: usize, player: &Player<'_>) -> bool {
        let Some(event) = self.coming(row, player) else { return true };
        let EventKind::Received(packet) = &event.kind else { return true };
        self.slot(packet).is_some_and(|slot| self.on_the_way.contains_key(&slot))
    }

    fn entry(&mut self, row: usize, player: &mut Player<'_>) -> Result<(), &'static str> {
        match player.entries[player.next] {
            Entry::Step(step) => self.step(row, player, *step),
            entry @ Entry::Line { .. } => {
                let event = self.line(row, entry).ok_or("names a line that is not there")?;
                self.show(row, player, event)?;
                if event.kind != EventKind::Stop && !self.agrees(&player.node, event.state) {
                    return Err("the line's state is not that of the model");
                }
                self.shown += 1;
                player.last = None;
                Ok(())
            }
        }
    }

    /// Takes a step of the model, with the connection that the coming line names.
    fn step(
        &self,
        row: usize,
        player: &mut Player<'_>,
        step: Step<Wide>,
    ) -> Result<(), &'static str> {
        let coming = self.coming(row, player);
        if step == Step::Crash
            && let Some(event) = coming
            && event.kind == EventKind::Stop
        {
            let node = &player.node;
            that(self.agrees(node, event.state), "the state at the stop is not that of the model")?;
            let writes = self.shown_by[row].persisted && !node.server.program.is_finished();
            let owes = writes || node.lines.iter().any(|lines| !lines.is_empty());
            that(!owes, "stops before everything is shown")?;
        }
        match (step, coming.map(|event| &event.kind)) {
            (Step::Connected { peer }, Some(EventKind::Connected { connection, .. })) => {
                let to = peer.row().ok_or("connects to nobody")?;
                let link = self.link(connection);
                player.node.wires[to] = Some(link);
                player.node.sends.push((link, VecDeque::new()));
            }
            (Step::Receive { from, message }, Some(EventKind::Received(packet))) => {
                let model_message = self.slot(packet).and_then(|slot| self.on_the_way.get(&slot));
                if model_message != Some(&message) {
                    return Err("receives something else than was sent");
                }
                self.open(player, from, message, packet)?;
            }
            (Step::Receive { .. }, _) => return Err("receives without a line"),
            _ => {}
        }
        if !player.node.step(&self.cfg, step) {
            return Err("the step is not enabled");
        }
        self.shown_by[row].forget_hidden(&mut player.node.lines);
        if let Step::Disconnected { peer } = step {
            let wire = peer.row().and_then(|to| player.node.wires[to].take());
            player.node.ended.extend(wire);
        }
        if step == Step::Crash {
            player.node.forget();
            player.accepted.clear();
        }
        if player.node.server.role != Role::Leading {
            player.node.ended.append(&mut player.accepted);
        }
        player.last = Some(step);
        Ok(())
    }

    /// A FOLLOWERINFO makes an accepted connection the one to its sender.
    fn open(
        &self,
        player: &mut Player<'_>,
        from: ServerId,
        message: ModelMessage,
        packet: &Packet,
    ) -> Result<(), &'static str> {
        let (Some(from), link) = (from.row(), self.link(&packet.connection)) else {
            return Err("receives from nobody");
        };
        let known = player.node.wires[from] == Some(link);
        if packet.message.port() == Port::Election || known {
            return Ok(());
        }
        let accepted = player.accepted.iter().position(|accepted| *accepted == link);
        let opens = matches!(message, Message::FollowerInfo { .. });
        let Some(accepted) = accepted.filter(|_| opens) else {
            return Err("receives on a connection that is not up");
        };
        player.accepted.remove(accepted);
        let older = player.node.wires[from].replace(link);
        player.node.ended.extend(older);
        player.node.sends.push((link, VecDeque::new()));
        Ok(())
    }

    /// Compares a line with what the steps before it did, or left to be shown.
    fn show(
        &mut self,
        row: usize,
        player: &mut Player<'_>,
        event: &Event,
    ) -> Result<(), &'static str> {
        let last = player.last;
        let node = &mut player.node;
        match &event.kind {
            EventKind::Start { recovered } => {
                let state = State {
                    accepted_epoch: Some(recovered.accepted_epoch),
                    current_epoch: Some(recovered.current_epoch),
                    last_zxid: Some(recovered.last_zxid),
                    log_length: recovered.log_length,
                    log_digest: recovered.log_digest,
                    ..State::default()
                };
                let starts = matches!(last, Some(Step::Start { .. }));
                that(starts && self.agrees(node, Some(state)), "recovers something else")
            }
            EventKind::Stop | EventKind::Killed => {
                that(node.server.role == Role::Down, "ends, but still runs")
            }
            EventKind::Connected { connection, .. } => {
                let link = self.link(connection);
                if !node.wires.contains(&Some(link)) {
                    let leads = node.server.role == Role::Leading;
                    if leads { &mut player.accepted } else { &mut node.ended }.push(link);
                }
                Ok(())
            }
            EventKind::Disconnected { connection } => {
                let link = self.link(connection);
                let known = node.ended.contains(&link) || player.accepted.contains(&link);
                node.ended.retain(|ended| *ended != link);
                node.sends.retain(|(other, _)| *other != link);
                player.accepted.retain(|accepted| *accepted != link);
                that(known, "shows the end of a connection that was not up")
            }
            EventKind::Received(packet) => {
                let slot = self.slot(packet).ok_or("receives from nobody")?;
                let model_message =
                    self.on_the_way.remove(&slot).ok_or("receives what was not sent")?;
                if convert::message(&self.ids, &model_message) != Some(packet.message) {
                    return Err("shows another message than was sent");
                }
                let taken = matches!(last, Some(Step::Receive { .. }));
                that(taken || node.ended.contains(&slot.0), "shows a message that no step receives")
            }
            EventKind::Sent(packet) => self.sent(row, node, packet),
            EventKind::Persisted(write) => persisted(node, last, *write),
            EventKind::Resent => that(last == Some(Step::Resend), "repeats nothing"),
            EventKind::Proposed { zxid, digest } => {
                let asked = last == Some(Step::Request { payload: digest.0 });
                that(asked && node.proposed == Some(*zxid), "proposes something else")
            }
            EventKind::Delivered { zxid } => produced(node, 0, Product::Delivered(*zxid)),
            EventKind::Looking { round } => looking(node, *round),
            EventKind::Elected { leader, round } => {
                let leader = self.ids.dense(*leader).map_or(0, |id| u64::from(id.0));
                produced(node, 2, Product::Elected(leader, *round))
            }
            EventKind::Established { epoch } => produced(node, 3, Product::Established(*epoch)),
            EventKind::Committed { zxid } => produced(node, 4, Product::Committed(*zxid)),
            EventKind::Joined { .. } => Err("is about no server"),
        }
    }

    /// Compares the fields that a line has.
    fn agrees(&self, node: &Node, state: Option<State>) -> bool {
        let Some(mut state) = state else { return true };
        if self.proposed_hidden {
            state.log_digest = None;
        }
        let model = node.server.projection(&self.cfg);
        let shown = State {
            role: convert::role(model.role),
            phase: Some(convert::phase(model.phase)),
            accepted_epoch: Some(model.accepted_epoch),
            current_epoch: Some(model.current_epoch),
            log_length: Some(model.log_length as u64),
            last_zxid: Some(convert::zxid(model.last_zxid)),
            last_committed: Some(convert::zxid(model.last_committed)),
            log_digest: Some(zab_trace::LogDigest(model.log_digest)),
        };
        let merged = State {
            role: state.role.or(shown.role),
            phase: state.phase.or(shown.phase),
            accepted_epoch: state.accepted_epoch.or(shown.accepted_epoch),
            current_epoch: state.current_epoch.or(shown.current_epoch),
            log_length: state.log_length.or(shown.log_length),
            last_zxid: state.last_zxid.or(shown.last_zxid),
            last_committed: state.last_committed.or(shown.last_committed),
            log_digest: state.log_digest.or(shown.log_digest),
        };
        merged == shown
    }

    fn sent(&mut self, row: usize, node: &mut Node, packet: &Packet) -> Result<(), &'static str> {
        let (Some(to), link) = (self.row(packet.peer), self.link(&packet.connection)) else {
            return Err("sends to nobody");
        };
        let is = |model_message: &ModelMessage| {
            convert::message(&self.ids, model_message) == Some(packet.message)
        };
        let model_message = if packet.message.port() == Port::Election {
            let last = node.last[to].map(Message::Notification).filter(is);
            let repeats = packet.ordinal == 0 || self.resent_hidden;
            match last.filter(|_| repeats) {
                Some(model_message) => model_message,
                None => {
                    let queue = &mut node.notices[to];
                    let index = queue.iter().position(|notice| is(&Message::Notification(*notice)));
                    let index = index.ok_or("sends a notification that is not due")?;
                    let notice = queue.drain(..=index).next_back();
                    node.last[to] = notice;
                    notice.map(Message::Notification).ok_or("sends nothing")?
                }
            }
        } else {
            let queue = node.sends.iter_mut().find(|(other, _)| *other == link);
            let (_, queue) = queue.ok_or("sends on a connection that is not up")?;
            let due = queue.front().is_some_and(is);
            queue.pop_front().filter(|_| due).ok_or("sends a message that is not due")?
        };
        let slot = (link, row, packet.ordinal);
        that(self.on_the_way.insert(slot, model_message).is_none(), "sends on a number twice")
    }
}

fn that(holds: bool, why: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(why) }
}

/// A write is the last step's: of a program, or of the log.
fn persisted(
    node: &mut Node,
    last: Option<Step<Wide>>,
    write: Persisted,
) -> Result<(), &'static str> {
    let written = node.written.take().map(convert::persisted) == Some(write);
    let synced = match (last, write) {
        (Some(Step::SyncLog { up_to }), Persisted::Log(zxid)) => convert::zxid(up_to) == zxid,
        _ => false,
    };
    that(written || synced, "shows another write")
}

/// The line of a round may come before the write of the step that begins it.
fn looking(node: &mut Node, round: u64) -> Result<(), &'static str> {
    let coming = node.server.program.contains(Item::Notify) && !node.looking_shown;
    if coming && node.lines[1].is_empty() {
        node.looking_shown = true;
        return that(u64::from(node.server.round) == round, "begins another round");
    }
    produced(node, 1, Product::Looking(round))
}

fn produced(node: &mut Node, kind: usize, product: Product) -> Result<(), &'static str> {
    let due = node.lines[kind].front() == Some(&product);
    node.lines[kind].pop_front();
    that(due, "shows a decision or delivery that is not due")
}
