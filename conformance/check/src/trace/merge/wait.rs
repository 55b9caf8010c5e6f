//! What a line waits for, and who waits for what.

use std::collections::{BTreeMap, VecDeque};

use foldhash::{HashMap, HashMapExt};
use zab_trace::{ConnectionName, Event, EventKind, Packet, Pair, ServerId};

use super::{ChainKey, Merge, Source, key};
use crate::trace::input::{Line, RECORDER};
use crate::trace::links::Links;

/// A line of which it is not known how far away its turn is counts as so many lines away.
const FAR: u64 = 4096;

/// Why a line is not ready. There may be more reasons: this one is the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Its number was used before.
    Never,
    /// An earlier event of its own chain, so many events before it.
    Turn { key: ChainKey, seq: u64, distance: u64 },
    /// An event that `after` names.
    Line { key: ChainKey, seq: u64 },
    /// Its incarnation has not begun.
    Life { server: ServerId, incarnation: u32 },
    /// Its message has not been sent.
    Message(Packet),
    /// It is a `Killed` that names no last event: everything else comes first.
    Rest,
}

impl Wait {
    /// How many lines are missing at least before its turn, where that is known to be many.
    pub(super) fn distance(&self) -> u64 {
        match self {
            Self::Turn { distance, .. } => FAR.min(*distance),
            Self::Life { .. } | Self::Rest => FAR,
            Self::Never | Self::Line { .. } | Self::Message(_) => 0,
        }
    }
}

impl Merge<'_> {
    /// What a line waits for; none if all that came before it has been handed out.
    pub(super) fn wait<C>(&self, event: &Event, links: &Links<C>) -> Option<Wait> {
        let key = key(event);
        let done = self.done(&key);
        if event.seq != done {
            return Some(match event.seq.checked_sub(done) {
                None => Wait::Never,
                Some(distance) => Wait::Turn { key, seq: event.seq - 1, distance },
            });
        }
        for (chain, seq) in &event.after {
            let key = (event.server, event.incarnation, chain.clone());
            if self.done(&key) <= *seq {
                return Some(Wait::Line { key, seq: *seq });
            }
        }
        if event.server == RECORDER {
            return None;
        }
        let life = self.life(event.server);
        let begun = event.incarnation == life.incarnation;
        let begins = event.incarnation.checked_sub(1) == Some(life.incarnation)
            && (life.incarnation == 0 || life.ended)
            && (event.chain.is_main() || self.start_hidden);
        if !begun && !begins {
            let (server, incarnation) = (event.server, event.incarnation);
            return Some(Wait::Life { server, incarnation });
        }
        if let EventKind::Received(packet) = &event.kind {
            return (!links.is_sent(event.server, packet)).then(|| Wait::Message(packet.clone()));
        }
        (event.kind == EventKind::Killed && event.after.is_empty()).then_some(Wait::Rest)
    }

    /// Lets a source wait.
    pub(super) fn sleep(&mut self, source: Source, wait: Wait) {
        match wait {
            Wait::Never => {}
            Wait::Turn { key, seq, .. } | Wait::Line { key, seq } => {
                let sleepers = &mut self.chains.entry(key).or_default().sleepers;
                sleepers.entry(seq).or_default().push(source);
            }
            Wait::Life { server, incarnation } => {
                // A life that is over does not come again.
                if incarnation > self.life(server).incarnation {
                    let lives = self.sleepers.lives.entry(server).or_default();
                    lives.entry(incarnation).or_default().push(source);
                }
            }
            Wait::Message(packet) => {
                let name = self.names.one(&packet.connection).clone();
                let waiting = self.sleepers.messages.entry(name).or_default();
                waiting.entry((packet.peer, packet.ordinal)).or_default().push(source);
            }
            Wait::Rest => self.sleepers.rest.push_back(source),
        }
    }

    /// All files are read, and nothing is ready: wakes what waits for messages, once. Which use of a
    /// connection a message belongs to can become known by other lines than the one that sends it.
    pub(super) fn wake_for_messages(&mut self) -> bool {
        let handed_out = self.sleepers.handed_out;
        if self.sleepers.messages.is_empty() || self.sleepers.woken_at == Some(handed_out) {
            return false;
        }
        self.sleepers.woken_at = Some(handed_out);
        let waiting = std::mem::take(&mut self.sleepers.messages);
        let waiting = waiting.into_values().flat_map(HashMap::into_values).flatten();
        waiting.for_each(|source| self.awake.add(source));
        true
    }

    /// Everything else was handed out that can be: takes the first line that waits for that.
    pub(super) fn last_resort(&mut self) -> Option<Line> {
        while let Some(source) = self.sleepers.rest.pop_front() {
            if let Source::Chain { key, seq } = source
                && let Some(line) = self.take_aside(&key, seq)
            {
                return Some(line);
            }
        }
        None
    }
}

/// Who waits for what, except events of chains.
#[derive(Debug, Default)]
pub(super) struct Sleepers {
    /// By connection, and by sender and ordinal.
    messages: HashMap<ConnectionName, HashMap<(ServerId, u64), Vec<Source>>>,
    /// By server and incarnation.
    lives: HashMap<ServerId, BTreeMap<u32, Vec<Source>>>,
    rest: VecDeque<Source>,
    /// How many lines were handed out, and how many when all that waits for messages was woken.
    handed_out: u64,
    woken_at: Option<u64>,
}

impl Sleepers {
    /// Who waits for a message of this connection that this event may bring.
    pub(super) fn messages(&mut self, names: &Names, event: &Event) -> Vec<Source> {
        self.handed_out += 1;
        if self.messages.is_empty() {
            return Vec::new();
        }
        if let EventKind::Sent(packet) = &event.kind {
            let name = names.one(&packet.connection);
            let Some(waiting) = self.messages.get_mut(name) else { return Vec::new() };
            let woken = waiting.remove(&(event.server, packet.ordinal)).unwrap_or_default();
            if waiting.is_empty() {
                self.messages.remove(name);
            }
            woken
        } else if let EventKind::Connected { connection, .. }
        | EventKind::Disconnected { connection } = &event.kind
        {
            let waiting = self.messages.remove(names.one(connection)).unwrap_or_default();
            waiting.into_values().flatten().collect()
        } else {
            Vec::new()
        }
    }

    /// Who waits for a life of this server up to this one.
    pub(super) fn lives(&mut self, server: ServerId, up_to: u32) -> Vec<Source> {
        let Some(lives) = self.lives.get_mut(&server) else { return Vec::new() };
        let later = up_to.checked_add(1).map(|next| lives.split_off(&next)).unwrap_or_default();
        std::mem::replace(lives, later).into_values().flatten().collect()
    }
}

/// One name for all names of a connection.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<ConnectionName, ConnectionName>);

impl Names {
    pub(super) fn new(joined: &[Pair]) -> Self {
        let mut groups: HashMap<&ConnectionName, usize> = HashMap::new();
        let mut members: Vec<Vec<&ConnectionName>> = Vec::new();
        for (left, right) in joined {
            let mut find = |name| {
                *groups.entry(name).or_insert_with(|| {
                    members.push(vec![name]);
                    members.len() - 1
                })
            };
            let (one, other) = (find(left), find(right));
            if one == other {
                continue;
            }
            // The smaller group joins the greater one, so that each name moves seldom.
            let small = if members[one].len() < members[other].len() { one } else { other };
            let great = one + other - small;
            let moved = std::mem::take(&mut members[small]);
            for name in &moved {
                groups.insert(name, great);
            }
            members[great].extend(moved);
        }
        let names = members
            .iter()
            .filter(|group| group.len() > 1)
            .flat_map(|group| group.iter().map(|name| ((*name).clone(), group[0].clone())));
        Self(names.collect())
    }

    /// The name that stands for this one.
    pub(super) fn one<'a>(&'a self, name: &'a ConnectionName) -> &'a ConnectionName {
        self.0.get(name).unwrap_or(name)
    }
}
