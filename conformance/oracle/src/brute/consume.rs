//! Every way in which a server can show its next line.

use zab_check::convert::{self, ModelMessage};
use zab_model::{Item, Message, Role, ServerId, Shape, Stage, Step, Wide};
use zab_trace::{Event, EventKind, Packet, Persisted, Port, Recovered, Round, State};

use super::hidden::hide;
use super::node::{Due, Node};
use super::{Trace, World};

/// Adds every world in which this server has shown its next line.
pub(super) fn consume(
    trace: &Trace,
    world: &World,
    row: usize,
    line: &Event,
    next: &mut Vec<World>,
) {
    let turn = Turn { trace, world, row };
    let ends = line.kind.ends_incarnation() && turn.node().server.role != Role::Down;
    let mut ways = turn.ways(line);
    if !ends {
        ways.retain(|way| turn.agrees(way, line.state));
        ways.iter_mut().for_each(|way| hide(trace, way, row));
    }
    for mut way in ways {
        way.shown[row] += 1;
        next.push(way);
    }
}

/// A server whose turn it is.
#[derive(Clone, Copy)]
struct Turn<'a> {
    trace: &'a Trace,
    world: &'a World,
    row: usize,
}

impl<'a> Turn<'a> {
    fn node(self) -> &'a Node {
        &self.world.nodes[self.row]
    }

    /// The world after a change of this server, if the change is possible.
    fn changed(self, change: impl FnOnce(&mut Node) -> bool) -> Option<World> {
        let mut world = self.world.clone();
        change(&mut world.nodes[self.row]).then_some(world)
    }

    fn step(self, step: Step<Wide>) -> Option<World> {
        self.changed(|node| node.step(&self.trace.cfg, step))
    }

    fn take(self, due: Due) -> Option<World> {
        self.changed(|node| node.take(due))
    }

    /// The worlds after a line, whatever its state says.
    fn ways(self, line: &Event) -> Vec<World> {
        let link = line.kind.connection().map_or(usize::MAX, |name| self.trace.connection(name));
        let one = |way: Option<World>| way.into_iter().collect();
        let down = self.node().server.role == Role::Down;
        match &line.kind {
            EventKind::Start { recovered } if down => self.start(recovered),
            EventKind::Killed if down => vec![self.world.clone()],
            EventKind::Stop | EventKind::Killed if !down => {
                let agrees = self.agrees(self.world, line.state);
                if agrees { self.end(line.kind == EventKind::Stop) } else { Vec::new() }
            }
            _ if down => Vec::new(),
            EventKind::Connected { peer, .. } => one(self.connected(link, *peer)),
            EventKind::Disconnected { .. } => one(self.disconnected(link)),
            EventKind::Received(packet) => one(self.received(link, packet)),
            EventKind::Sent(packet) => self.sent(link, packet).unwrap_or_default(),
            EventKind::Persisted(write) => self.persisted(*write),
            EventKind::Delivered { zxid } => one(self.take(Due::Delivered(*zxid))),
            EventKind::Established { epoch } => one(self.take(Due::Established(*epoch))),
            EventKind::Committed { zxid } => one(self.take(Due::Committed(*zxid))),
            EventKind::Looking { round } => self.looking(*round),
            EventKind::Elected { leader, round } => one(self.elected(*leader, *round)),
            EventKind::Resent => one(self.step(Step::Resend)),
            EventKind::Proposed { zxid, digest } => one(self.changed(|node| {
                node.step(&self.trace.cfg, Step::Request { payload: digest.0 })
                    && node.proposed == Some(*zxid)
            })),
            EventKind::Start { .. }
            | EventKind::Stop
            | EventKind::Killed
            | EventKind::Joined { .. } => Vec::new(),
        }
    }

    /// Compares the fields that a line has.
    fn agrees(self, world: &World, state: Option<State>) -> bool {
        let Some(mut state) = state else { return true };
        let server = &world.nodes[self.row].server;
        // A transaction of which no line shows the payload may have had any.
        let unknown = (0..Wide::length(&server.history)).any(|index| {
            let zxid = self.trace.cfg.history(server.history).zxid(index).map(convert::zxid);
            zxid.is_some_and(|zxid| !self.trace.digests.contains_key(&zxid))
        });
        state.log_digest = state.log_digest.filter(|_| !unknown);
        state.agrees_with(&convert::state(server.projection(&self.trace.cfg)))
    }

    fn start(self, recovered: &Recovered) -> Vec<World> {
        let survived = 0..=u32::try_from(self.node().server.unsynced()).unwrap_or(u32::MAX);
        let starts = survived.filter_map(|survived| self.step(Step::Start { survived }));
        starts.filter(|world| self.agrees(world, Some(recovered.into()))).collect()
    }

    fn end(self, clean: bool) -> Vec<World> {
        let node = self.node();
        let writes = self.trace.shows[self.row].persisted && !node.server.program.is_finished();
        if clean && (writes || node.due.iter().any(|due| due.is_line())) {
            return Vec::new();
        }
        let ends = [false, true].into_iter().filter(|written| !(*written && clean));
        let ends = ends.filter_map(|written| {
            let mut world = self.changed(|node| {
                (!written || node.step(&self.trace.cfg, Step::ProgramNext))
                    && node.step(&self.trace.cfg, Step::Crash)
            })?;
            world.nodes[self.row].forget();
            world.accepted.retain(|(_, at)| *at != self.row);
            Some(world)
        });
        ends.collect()
    }

    /// Notes who is at the other end; none if an earlier line of this end named somebody else.
    fn names(self, link: usize, peer: u64) -> Option<World> {
        let mut world = self.world.clone();
        let peer = self.trace.row(peer)?;
        let known = *world.peers.entry((link, self.row)).or_insert(peer) == peer;
        known.then_some(world)
    }

    fn connected(self, link: usize, peer: Option<u64>) -> Option<World> {
        let mut world = match peer {
            Some(peer) => self.names(link, peer)?,
            None => self.world.clone(),
        };
        let node = &mut world.nodes[self.row];
        let up = node.wires.contains(&Some(link)) || node.ended.contains(&link);
        if up || world.accepted.contains(&(link, self.row)) {
            return None;
        }
        let leader = node.server.vote.leader;
        let peer = peer.and_then(|peer| self.trace.ids.dense(peer));
        match node.server.role {
            Role::Following if peer == Some(leader) => {
                let wire = &mut node.wires[leader.row()?];
                if node.server.synchronization.stage != Stage::Idle || wire.is_some() {
                    return None;
                }
                *wire = Some(link);
                if !node.step(&self.trace.cfg, Step::Connected { peer: leader }) {
                    return None;
                }
            }
            Role::Leading => world.accepted.push((link, self.row)),
            Role::Following | Role::Looking | Role::Down => node.ended.push(link),
        }
        Some(world)
    }

    /// Connections accepted by a server that has left its role are ended as well.
    fn is_stale(self, link: usize) -> bool {
        let leads = self.node().server.role == Role::Leading;
        let accepted = self.world.accepted.contains(&(link, self.row));
        self.node().ended.contains(&link) || (accepted && !leads)
    }

    fn disconnected(self, link: usize) -> Option<World> {
        let mut world = self.world.clone();
        let node = &mut world.nodes[self.row];
        if !self.is_stale(link) && !self.world.accepted.contains(&(link, self.row)) {
            let peer = node.wires.iter().position(|wire| *wire == Some(link))?;
            if !node.step(&self.trace.cfg, Step::Disconnected { peer: id(peer) }) {
                return None;
            }
            node.wires[peer] = None;
        }
        node.ended.retain(|ended| *ended != link);
        node.due.retain(|due| due.lane() != (5, link));
        world.accepted.retain(|other| *other != (link, self.row));
        Some(world)
    }

    fn received(self, link: usize, packet: &Packet) -> Option<World> {
        let from = self.trace.row(packet.peer)?;
        let addressed = self.world.peers.get(&(link, from)) == Some(&self.row);
        let mut world = self.names(link, packet.peer).filter(|_| addressed)?;
        let channel = world.channels.get_mut(&(link, from))?;
        let due = channel.received == packet.ordinal;
        let message = channel.queue.pop_front().filter(|_| due)?;
        channel.received += 1;
        if convert::message(&self.trace.ids, &message) != Some(packet.message) {
            return None;
        }
        let node = &mut world.nodes[self.row];
        if packet.message.port() == Port::Quorum && node.wires[from] != Some(link) {
            if self.is_stale(link) {
                return Some(world);
            }
            let opens = matches!(message, Message::FollowerInfo { .. });
            if !opens || !world.accepted.contains(&(link, self.row)) {
                return None;
            }
            world.accepted.retain(|other| *other != (link, self.row));
            node.ended.extend(node.wires[from].replace(link));
        }
        node.step(&self.trace.cfg, Step::Receive { from: id(from), message }).then_some(world)
    }

    fn sent(self, link: usize, packet: &Packet) -> Option<Vec<World>> {
        let to = self.trace.row(packet.peer)?;
        let world = self.names(link, packet.peer)?;
        let mut channel = world.channels.get(&(link, self.row)).cloned().unwrap_or_default();
        if channel.sent != packet.ordinal {
            return None;
        }
        channel.sent += 1;
        // The worlds in which this message goes, after a change of the server.
        let put = |message: ModelMessage, change: &dyn Fn(&mut Node)| {
            let (mut world, mut channel) = (world.clone(), channel.clone());
            change(&mut world.nodes[self.row]);
            channel.queue.push_back(message);
            world.channels.insert((link, self.row), channel);
            world
        };
        let is = |message: &ModelMessage| {
            convert::message(&self.trace.ids, message) == Some(packet.message)
        };
        let (node, mut ways) = (self.node(), Vec::new());
        if packet.message.port() == Port::Quorum {
            let towards = node.wires[to] == Some(link) || node.ended.contains(&link);
            let first = node.lane((5, link)).next().filter(|_| towards);
            if let Some((place, Due::Message(_, message))) = first
                && is(&message)
            {
                ways.push(put(message, &|node| {
                    node.due.remove(place);
                }));
            }
            return Some(ways);
        }
        let last = node.last[to].filter(|_| packet.ordinal == 0).map(Message::Notification);
        ways.extend(last.filter(is).map(|last| put(last, &|_| {})));
        for (index, due) in node.lane((6, to)) {
            let Due::Notification(_, notification) = due else { continue };
            let message = Message::Notification(notification);
            if is(&message) {
                ways.push(put(message, &|node| {
                    let mut place = 0;
                    node.due.retain(|due| {
                        place += 1;
                        due.lane() != (6, to) || place > index + 1
                    });
                    node.last[to] = Some(notification);
                }));
            }
        }
        Some(ways)
    }

    fn persisted(self, write: Persisted) -> Vec<World> {
        let of_program = self.changed(|node| {
            node.step(&self.trace.cfg, Step::ProgramNext)
                && node.written.map(convert::persisted) == Some(write)
        });
        let synced = match write {
            Persisted::Log(zxid) => self.step(Step::SyncLog { up_to: convert::zxid_in(zxid) }),
            Persisted::AcceptedEpoch(_)
            | Persisted::CurrentEpoch(_)
            | Persisted::Truncated(_)
            | Persisted::Snapshot(_) => None,
        };
        of_program.into_iter().chain(synced).collect()
    }

    fn elected(self, leader: u64, round: Round) -> Option<World> {
        let leader = self.trace.ids.dense(leader).map_or(0, |id| id.0);
        let decided = self.node().due.iter().any(|due| matches!(due, Due::Elected(..)));
        self.changed(|node| {
            (decided || node.step(&self.trace.cfg, Step::Settle))
                && node.take(Due::Elected(u64::from(leader), round))
        })
    }

    fn looking(self, round: Round) -> Vec<World> {
        let mut ways = self.looking_now(round);
        // A line that shows its own cause shows what that step decides, so nothing older may wait.
        let older = self.node().due.iter().any(|due| matches!(due, Due::Looking(_)));
        if !older
            && ways.is_empty()
            && let Some(world) = self.step(Step::LeaveRole)
        {
            ways = Turn { world: &world, ..self }.looking_now(round);
        }
        ways
    }

    fn looking_now(self, round: Round) -> Vec<World> {
        let begins = self.changed(|node| {
            let coming = node.server.program.contains(Item::Notify) && !node.looking_shown;
            node.looking_shown = true;
            coming && node.server.round == round
        });
        self.take(Due::Looking(round)).into_iter().chain(begins).collect()
    }
}

fn id(row: usize) -> ServerId {
    ServerId(u8::try_from(row + 1).unwrap_or(0))
}
