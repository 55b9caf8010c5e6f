//! Every way in which a server can show its next line.

use zab_check::convert::{self, ModelMessage};
use zab_model::{Item, Message, Role, ServerId, Shape, Stage, Step, Wide};
use zab_trace::{Event, EventKind, Packet, Persisted, Port, Recovered, State};

use super::{
    Trace, World,
    hidden::hide,
    node::{Due, Node},
};

/// Adds every world in which this server has shown its next line.
pub(super) fn consume(
    trace: &Trace,
    world: &World,
    row: usize,
    line: &Event,
    next: &mut Vec<World>,
) {
    let mut ways = Vec::new();
    let down = world.nodes[row].server.role == Role::Down;
    match &line.kind {
        EventKind::Start { recovered } if down => start(trace, world, row, recovered, &mut ways),
        EventKind::Killed if down => ways.push(world.clone()),
        EventKind::Stop | EventKind::Killed if !down => {
            if agrees(trace, &world.nodes[row], line.state.as_ref()) {
                end(trace, world, row, line.kind == EventKind::Stop, &mut ways);
            }
            finish(ways, row, next);
            return;
        }
        _ if down => {}
        EventKind::Start { .. } | EventKind::Stop | EventKind::Killed => {}
        EventKind::Connected { connection, peer } => {
            let link = trace.connection(connection);
            connected(trace, world, row, link, *peer, &mut ways);
        }
        EventKind::Disconnected { connection } => {
            disconnected(trace, world, row, trace.connection(connection), &mut ways);
        }
        EventKind::Received(packet) => received(trace, world, row, packet, &mut ways),
        EventKind::Sent(packet) => sent(trace, world, row, packet, &mut ways),
        EventKind::Persisted(write) => persisted(trace, world, row, *write, &mut ways),
        EventKind::Delivered { zxid } => pop(world, row, Due::Delivered(*zxid), &mut ways),
        EventKind::Established { epoch } => {
            pop(world, row, Due::Established(*epoch), &mut ways);
        }
        EventKind::Committed { zxid } => pop(world, row, Due::Committed(*zxid), &mut ways),
        EventKind::Looking { round } => looking(trace, world, row, *round, &mut ways),
        EventKind::Elected { leader, round } => {
            let product = Due::Elected(u64::from(dense(trace, *leader)), *round);
            if world.nodes[row].due.iter().any(|due| matches!(due, Due::Elected(..))) {
                pop(world, row, product, &mut ways);
            } else {
                let then = |world: &World| {
                    let mut after = Vec::new();
                    pop(world, row, product, &mut after);
                    after
                };
                cause(trace, world, row, Step::Settle, then, &mut ways);
            }
        }
        EventKind::Resent => {
            cause(trace, world, row, Step::Resend, |world| vec![world.clone()], &mut ways);
        }
        EventKind::Proposed { zxid, digest } => {
            cause(
                trace,
                world,
                row,
                Step::Request { payload: digest.0 },
                |world| {
                    let same = world.nodes[row].proposed == Some(*zxid);
                    if same { vec![world.clone()] } else { Vec::new() }
                },
                &mut ways,
            );
        }
        EventKind::Joined { .. } => {}
    }
    ways.retain(|way| agrees(trace, &way.nodes[row], line.state.as_ref()));
    for way in &mut ways {
        hide(trace, way, row);
    }
    finish(ways, row, next);
}

fn finish(ways: Vec<World>, row: usize, next: &mut Vec<World>) {
    for mut way in ways {
        way.shown[row] += 1;
        next.push(way);
    }
}

fn dense(trace: &Trace, real: u64) -> u8 {
    trace.ids.dense(real).map_or(0, |id| id.0)
}

fn id(row: usize) -> ServerId {
    ServerId(u8::try_from(row + 1).unwrap_or(0))
}

/// A step, and what must be there after it.
fn cause(
    trace: &Trace,
    world: &World,
    row: usize,
    step: Step<Wide>,
    then: impl Fn(&World) -> Vec<World>,
    ways: &mut Vec<World>,
) {
    let mut world = world.clone();
    if world.nodes[row].step(&trace.cfg, step) {
        ways.extend(then(&world));
    }
}

fn pop(world: &World, row: usize, product: Due, ways: &mut Vec<World>) {
    let mut world = world.clone();
    if world.nodes[row].take(product) {
        ways.push(world);
    }
}

/// Compares the fields that a line has.
fn agrees(trace: &Trace, node: &Node, state: Option<&State>) -> bool {
    let Some(state) = state else { return true };
    let model = node.server.projection(&trace.cfg);
    let is = |same: Option<bool>| same.unwrap_or(true);
    is(state.role.map(|role| Some(role) == convert::role(model.role)))
        && is(state.phase.map(|phase| phase == convert::phase(model.phase)))
        && is(state.accepted_epoch.map(|epoch| epoch == model.accepted_epoch))
        && is(state.current_epoch.map(|epoch| epoch == model.current_epoch))
        && is(state.log_length.map(|length| length == model.log_length as u64))
        && is(state.last_zxid.map(|zxid| zxid == convert::zxid(model.last_zxid)))
        && is(state.last_committed.map(|zxid| zxid == convert::zxid(model.last_committed)))
        && (unknown(trace, node) || is(state.log_digest.map(|digest| digest.0 == model.log_digest)))
}

/// Whether a history holds a transaction of which no line shows the payload.
fn unknown(trace: &Trace, node: &Node) -> bool {
    let history = &node.server.history;
    (0..Wide::length(history)).any(|index| {
        let zxid = trace.cfg.history(*history).zxid(index).map(convert::zxid);
        zxid.is_some_and(|zxid| !trace.digests.contains_key(&zxid))
    })
}

fn start(trace: &Trace, world: &World, row: usize, recovered: &Recovered, ways: &mut Vec<World>) {
    for survived in 0..=world.nodes[row].server.unsynced() {
        let mut world = world.clone();
        let survived = u32::try_from(survived).unwrap_or(u32::MAX);
        if !world.nodes[row].step(&trace.cfg, Step::Start { survived }) {
            continue;
        }
        let state = State {
            accepted_epoch: Some(recovered.accepted_epoch),
            current_epoch: Some(recovered.current_epoch),
            last_zxid: Some(recovered.last_zxid),
            log_length: recovered.log_length,
            log_digest: recovered.log_digest,
            ..State::default()
        };
        if agrees(trace, &world.nodes[row], Some(&state)) {
            ways.push(world);
        }
    }
}

fn end(trace: &Trace, world: &World, row: usize, clean: bool, ways: &mut Vec<World>) {
    let node = &world.nodes[row];
    let writes = trace.shows[row].persisted && !node.server.program.is_finished();
    if clean && (writes || node.due.iter().any(|due| due.is_line())) {
        return;
    }
    for written in [false, true] {
        if written && clean {
            continue;
        }
        let mut world = world.clone();
        if written && !world.nodes[row].step(&trace.cfg, Step::ProgramNext) {
            continue;
        }
        if world.nodes[row].step(&trace.cfg, Step::Crash) {
            world.nodes[row].forget();
            world.accepted.retain(|(_, at)| *at != row);
            ways.push(world);
        }
    }
}

fn connected(
    trace: &Trace,
    world: &World,
    row: usize,
    link: usize,
    peer: Option<u64>,
    ways: &mut Vec<World>,
) {
    let mut world = world.clone();
    if peer.is_some_and(|peer| !names(trace, &mut world, (link, row), peer)) {
        return;
    }
    let node = &mut world.nodes[row];
    let up = node.wires.contains(&Some(link)) || node.ended.contains(&link);
    if up || world.accepted.contains(&(link, row)) {
        return;
    }
    let leader = node.server.vote.leader;
    let peer = peer.and_then(|peer| trace.ids.dense(peer));
    match node.server.role {
        Role::Following if peer == Some(leader) => {
            let Some(to) = leader.row() else { return };
            let idle = node.server.synchronization.stage == Stage::Idle && node.wires[to].is_none();
            if !idle {
                return;
            }
            node.wires[to] = Some(link);
            if node.step(&trace.cfg, Step::Connected { peer: leader }) {
                ways.push(world);
            }
        }
        Role::Leading => {
            world.accepted.push((link, row));
            ways.push(world);
        }
        Role::Following | Role::Looking | Role::Down => {
            node.ended.push(link);
            ways.push(world);
        }
    }
}

/// Notes who is at the other end; false if an earlier line of this end named somebody else.
fn names(trace: &Trace, world: &mut World, end: (usize, usize), peer: u64) -> bool {
    trace.row(peer).is_some_and(|row| *world.peers.entry(end).or_insert(row) == row)
}

/// Connections accepted by a server that has left its role are ended as well.
fn stale(world: &World, row: usize, link: usize) -> bool {
    let leads = world.nodes[row].server.role == Role::Leading;
    world.nodes[row].ended.contains(&link) || (world.accepted.contains(&(link, row)) && !leads)
}

fn disconnected(trace: &Trace, world: &World, row: usize, link: usize, ways: &mut Vec<World>) {
    let mut world = world.clone();
    let stale = stale(&world, row, link) || world.accepted.contains(&(link, row));
    let node = &mut world.nodes[row];
    if !stale {
        let Some(peer) = node.wires.iter().position(|wire| *wire == Some(link)) else { return };
        if !node.step(&trace.cfg, Step::Disconnected { peer: id(peer) }) {
            return;
        }
        node.wires[peer] = None;
    }
    node.ended.retain(|ended| *ended != link);
    node.due.retain(|due| due.lane() != (5, link));
    world.accepted.retain(|other| *other != (link, row));
    ways.push(world);
}

fn received(trace: &Trace, world: &World, row: usize, packet: &Packet, ways: &mut Vec<World>) {
    let (Some(from), link) = (trace.row(packet.peer), trace.connection(&packet.connection)) else {
        return;
    };
    let mut world = world.clone();
    let addressed = world.peers.get(&(link, from)) == Some(&row);
    if !addressed || !names(trace, &mut world, (link, row), packet.peer) {
        return;
    }
    let Some(channel) = world.channels.get_mut(&(link, from)) else { return };
    let due = channel.received == packet.ordinal;
    let Some(model_message) = channel.queue.pop_front().filter(|_| due) else { return };
    channel.received += 1;
    if convert::message(&trace.ids, &model_message) != Some(packet.message) {
        return;
    }
    if packet.message.port() == Port::Quorum && world.nodes[row].wires[from] != Some(link) {
        if stale(&world, row, link) {
            ways.push(world);
            return;
        }
        let opens = matches!(model_message, Message::FollowerInfo { .. });
        if !opens || !world.accepted.contains(&(link, row)) {
            return;
        }
        world.accepted.retain(|other| *other != (link, row));
        let node = &mut world.nodes[row];
        node.ended.extend(node.wires[from].replace(link));
    }
    if world.nodes[row].step(&trace.cfg, Step::Receive { from: id(from), message: model_message }) {
        ways.push(world);
    }
}

fn sent(trace: &Trace, world: &World, row: usize, packet: &Packet, ways: &mut Vec<World>) {
    let (Some(to), link) = (trace.row(packet.peer), trace.connection(&packet.connection)) else {
        return;
    };
    let mut world = world.clone();
    if !names(trace, &mut world, (link, row), packet.peer) {
        return;
    }
    let world = &world;
    let channel = world.channels.get(&(link, row)).cloned().unwrap_or_default();
    if channel.sent != packet.ordinal {
        return;
    }
    let is = |model_message: &ModelMessage| {
        convert::message(&trace.ids, model_message) == Some(packet.message)
    };
    let put = |mut world: World, model_message: ModelMessage| {
        let mut channel = channel.clone();
        channel.sent += 1;
        channel.queue.push_back(model_message);
        world.channels.insert((link, row), channel);
        world
    };
    if packet.message.port() == Port::Election {
        let node = &world.nodes[row];
        let last = node.last[to].filter(|_| packet.ordinal == 0).map(Message::Notification);
        if let Some(last) = last.filter(is) {
            ways.push(put(world.clone(), last));
        }
        for (index, due) in node.lane((6, to)) {
            let Due::Notification(_, notice) = due else { continue };
            let model_message = Message::Notification(notice);
            if is(&model_message) {
                let mut world = world.clone();
                let node = &mut world.nodes[row];
                let mut place = 0;
                node.due.retain(|due| {
                    place += 1;
                    due.lane() != (6, to) || place > index + 1
                });
                node.last[to] = Some(notice);
                ways.push(put(world, model_message));
            }
        }
        return;
    }
    let node = &world.nodes[row];
    let towards = node.wires[to] == Some(link) || node.ended.contains(&link);
    let first = node.lane((5, link)).next().filter(|_| towards);
    if let Some((place, Due::Message(_, model_message))) = first
        && is(&model_message)
    {
        let mut world = world.clone();
        world.nodes[row].due.remove(place);
        ways.push(put(world, model_message));
    }
}

fn persisted(trace: &Trace, world: &World, row: usize, write: Persisted, ways: &mut Vec<World>) {
    cause(
        trace,
        world,
        row,
        Step::ProgramNext,
        |world| {
            let same = world.nodes[row].written.map(convert::persisted) == Some(write);
            if same { vec![world.clone()] } else { Vec::new() }
        },
        ways,
    );
    if let Persisted::Log(zxid) = write {
        let up_to = convert::zxid_in(zxid);
        cause(trace, world, row, Step::SyncLog { up_to }, |world| vec![world.clone()], ways);
    }
}

fn looking(trace: &Trace, world: &World, row: usize, round: u64, ways: &mut Vec<World>) {
    let shown_now = |world: &World| {
        let mut ways = Vec::new();
        pop(world, row, Due::Looking(round), &mut ways);
        let node = &world.nodes[row];
        let coming = node.server.program.contains(Item::Notify) && !node.looking_shown;
        if coming && u64::from(node.server.round) == round {
            let mut world = world.clone();
            world.nodes[row].looking_shown = true;
            ways.push(world);
        }
        ways
    };
    let before = shown_now(world);
    // A line that shows its own cause shows what that step decides, so nothing older may wait.
    let older = world.nodes[row].due.iter().any(|due| matches!(due, Due::Looking(_)));
    if !older && before.is_empty() {
        cause(trace, world, row, Step::LeaveRole, shown_now, ways);
    }
    ways.extend(before);
}
