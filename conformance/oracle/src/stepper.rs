//! Replays a witness: takes the model through exactly the steps that it names, and compares what
//! they produce with the lines that it says are shown. It searches for nothing, and shares nothing
//! with the search that made the witness; with the search over the whole ensemble it shares how
//! lines are put in order, and how names that are used again are told apart.

mod player;

use std::collections::HashMap;
use std::mem::discriminant;

use zab_check::convert::{self, Ids, ModelMessage};
use zab_check::{Entry, Shown, Witness};
use zab_model::{Config, Decision, Effect, Item, Message, Role, ServerId, Step, Wide};
use zab_trace::{
    Chain, Event, EventKind, EventName, Header, Packet, Persisted, Port, Round, State,
};

use crate::in_order::in_order;
use crate::uses::ways;

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

type Player<'a> = player::Player<'a, Entry>;

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
    let lines = in_order(header, events).filter(|(_, sound)| *sound);
    let (lines, _) = lines.ok_or_else(|| nowhere("lines are missing"))?;
    // A name that is used again stands for several connections.
    let ways = ways(header, &lines).ok_or_else(|| nowhere("names are used too often"))?;
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
    cfg.ensemble.window = usize::try_from(header.window).unwrap_or(usize::MAX);
    let mut players: Vec<Player<'_>> = (0..servers)
        .map(|row| {
            let own = witness.entries.iter().filter(|(server, _)| *server == ids.all()[row]);
            Player::new(row, servers, own.map(|(_, entry)| entry).collect())
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
            if let Some(connection) = event.kind.connection() {
                let next = connections.len();
                connections.entry(connection.as_str()).or_insert(next);
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
                if event.kind != EventKind::Stop && !self.agrees(player, event.state) {
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
            let agrees = self.agrees(player, event.state);
            that(agrees, "the state at the stop is not that of the model")?;
            let writes = self.shown_by[row].persisted && !player.server.program.is_finished();
            that(!writes && !player.owes(), "stops before everything is shown")?;
        }
        match (step, coming.map(|event| &event.kind)) {
            (Step::Connected { peer }, Some(EventKind::Connected { connection, .. })) => {
                let to = peer.row().ok_or("connects to nobody")?;
                player.wires[to] = Some(self.link(connection));
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
        player.step(&self.cfg, self.shown_by[row], step)?;
        if let Step::Disconnected { peer } = step {
            let wire = peer.row().and_then(|to| player.wires[to].take());
            player.ended.extend(wire);
        }
        if step == Step::Crash {
            player.forget();
        }
        if player.server.role != Role::Leading {
            player.ended.append(&mut player.accepted);
        }
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
        let known = player.wires[from] == Some(link);
        if packet.message.port() == Port::Election || known {
            return Ok(());
        }
        let accepted = player.accepted.iter().position(|accepted| *accepted == link);
        let opens = matches!(message, Message::FollowerInfo { .. });
        let Some(accepted) = accepted.filter(|_| opens) else {
            return Err("receives on a connection that is not up");
        };
        player.accepted.remove(accepted);
        let older = player.wires[from].replace(link);
        player.ended.extend(older);
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
        match &event.kind {
            EventKind::Start { recovered } => {
                let state = Some(recovered.into());
                let starts = matches!(last, Some(Step::Start { .. }));
                that(starts && self.agrees(player, state), "recovers something else")
            }
            EventKind::Stop | EventKind::Killed => {
                that(player.server.role == Role::Down, "ends, but still runs")
            }
            EventKind::Connected { connection, .. } => {
                player.connected(self.link(connection));
                Ok(())
            }
            EventKind::Disconnected { connection } => {
                let known = player.close(self.link(connection));
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
                that(
                    taken || player.ended.contains(&slot.0),
                    "shows a message that no step receives",
                )
            }
            EventKind::Sent(packet) => self.sent(row, player, packet),
            EventKind::Persisted(write) => persisted(player, last, *write),
            EventKind::Resent => that(last == Some(Step::Resend), "repeats nothing"),
            EventKind::Proposed { zxid, digest } => {
                let asked = last == Some(Step::Request { payload: digest.0 });
                that(
                    asked && player.proposed.map(convert::zxid) == Some(*zxid),
                    "proposes something else",
                )
            }
            EventKind::Delivered { zxid } => {
                let first = player.first(|effect| matches!(effect, Effect::Delivered(_)));
                let due = first == Some(Effect::Delivered(convert::zxid_in(*zxid)));
                that(due, "shows a delivery that is not due")
            }
            EventKind::Looking { round } => looking(player, *round),
            EventKind::Elected { leader, round } => {
                let leader = self.ids.dense(*leader).ok_or("elects nobody")?;
                decided(player, Decision::Elected { leader, round: *round })
            }
            EventKind::Established { epoch } => {
                decided(player, Decision::Established { epoch: *epoch })
            }
            EventKind::Committed { zxid } => {
                decided(player, Decision::Committed { zxid: convert::zxid_in(*zxid) })
            }
            EventKind::Joined { .. } => Err("is about no server"),
        }
    }

    /// Compares the fields that a line has.
    fn agrees(&self, player: &Player<'_>, state: Option<State>) -> bool {
        let Some(mut state) = state else { return true };
        if self.proposed_hidden {
            state.log_digest = None;
        }
        state.agrees_with(&convert::state(player.server.projection(&self.cfg)))
    }

    fn sent(
        &mut self,
        row: usize,
        player: &mut Player<'_>,
        packet: &Packet,
    ) -> Result<(), &'static str> {
        let (Some(to), link) = (self.row(packet.peer), self.link(&packet.connection)) else {
            return Err("sends to nobody");
        };
        let is = |model_message: &ModelMessage| {
            convert::message(&self.ids, model_message) == Some(packet.message)
        };
        let election = packet.message.port() == Port::Election;
        let message_of = |(on, effect): &(Option<usize>, Effect<Wide>)| {
            let Effect::Sent { to: peer, message } = effect else { return None };
            let is_here =
                if election { on.is_none() && peer.row() == Some(to) } else { *on == Some(link) };
            is_here.then_some(*message)
        };
        let repeats = election && (packet.ordinal == 0 || self.resent_hidden);
        let last =
            player.notified[to].map(Message::Notification).filter(|last| repeats && is(last));
        let model_message = match last {
            Some(model_message) => model_message,
            None => {
                let due = player.pending.iter().enumerate();
                let mut due = due.filter_map(|(place, due)| Some((place, message_of(due)?)));
                // A later notification replaces those before it.
                let found = if election { due.find(|(_, m)| is(m)) } else { due.next() };
                let (place, model_message) =
                    found.filter(|(_, m)| is(m)).ok_or("sends a message that is not due")?;
                let mut index = 0;
                player.pending.retain(|due| {
                    index += 1;
                    index > place + 1 || message_of(due).is_none()
                });
                if let Message::Notification(notification) = model_message {
                    player.notified[to] = Some(notification);
                }
                model_message
            }
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
    player: &mut Player<'_>,
    last: Option<Step<Wide>>,
    write: Persisted,
) -> Result<(), &'static str> {
    let written = player.written.take().map(convert::persisted) == Some(write);
    let synced = match (last, write) {
        (Some(Step::SyncLog { up_to }), Persisted::Log(zxid)) => convert::zxid(up_to) == zxid,
        _ => false,
    };
    that(written || synced, "shows another write")
}

/// The line of a round may come before the write of the step that begins it.
fn looking(player: &mut Player<'_>, round: Round) -> Result<(), &'static str> {
    let coming = player.server.program.contains(Item::Notify) && !player.looking_shown;
    let is_begun = |(_, effect): &(_, Effect<Wide>)| {
        matches!(effect, Effect::Decided(Decision::Looking { .. }))
    };
    if coming && !player.pending.iter().any(is_begun) {
        player.looking_shown = true;
        return that(player.server.round == round, "begins another round");
    }
    decided(player, Decision::Looking { round })
}

/// Takes away the first decision of this kind, which must be this one.
fn decided(player: &mut Player<'_>, wanted: Decision<u32>) -> Result<(), &'static str> {
    let is_alike = |effect: &Effect<Wide>| {
        matches!(effect, Effect::Decided(decision)
            if discriminant(decision) == discriminant(&wanted))
    };
    let due = player.first(is_alike) == Some(Effect::Decided(wanted));
    that(due, "shows a decision that is not due")
}
