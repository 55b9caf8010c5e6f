//! The order of a trace: one linear extension of what its lines say came before what.
//!
//! Lines are ordered by their chain's numbers, by `after`, by each message's send before its
//! receive, and by the end of an incarnation before the next one's start; clocks play no part.
//! Since every rule of the model reads and writes one server only, any two linear extensions lead
//! to the same states, so one is enough.
//!
//! Files are read as streams. A line that is not yet ready blocks its file; only when every file
//! is blocked is a line put aside, so a trace whose files are each in order needs no memory here.

mod stall;

use std::collections::{BTreeMap, HashMap};

use zab_trace::{Chain, Event, EventKind, EventName, ReadError, ServerId, Source};

pub(crate) use stall::{Missing, Stall};

use crate::{
    input::{At, Input, Item, RECORDER},
    links::Links,
};

/// What names a chain: server, incarnation, chain.
type ChainKey = (ServerId, u32, Chain);

/// How many lines are put aside at most before the trace is given up.
const ASIDE_MAX: usize = 1 << 20;

/// A chain that has begun, or of which a line is put aside.
#[derive(Debug, Default)]
struct Progress {
    /// The number that is due.
    next: u64,
    /// Lines read too early, by number.
    aside: BTreeMap<u64, Item>,
}

/// How far a server's lives are known.
#[derive(Clone, Copy, Debug, Default)]
struct Life {
    /// The latest incarnation that began; 0 before the first.
    incarnation: u32,
    /// Whether it ended.
    ended: bool,
}

#[derive(Debug)]
struct Feed<'a> {
    file: u32,
    input: Input<'a>,
    head: Option<Item>,
    open: bool,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    /// This line; everything that came before it has been handed out.
    Line(Item),
    /// Lines are left, but none is ready, and never will be.
    Stalled(Stall),
    /// All lines were handed out.
    End,
}

/// The merge of a trace's files.
#[derive(Debug)]
pub(crate) struct Merge<'a> {
    feeds: Vec<Feed<'a>>,
    turn: usize,
    chains: HashMap<ChainKey, Progress>,
    lives: HashMap<ServerId, Life>,
    /// Chains of which lines are put aside.
    waiting: Vec<ChainKey>,
    aside: usize,
    /// A number that was used twice, to be reported next.
    repeated: Option<Stall>,
    start_hidden: bool,
}

impl<'a> Merge<'a> {
    /// Starts merging. The recorder's files are read at once, because `Joined` lines say which
    /// names mean the same connection; their other lines are put aside.
    ///
    /// # Errors
    /// When a recorder's file cannot be read.
    pub(crate) fn new<C>(inputs: Vec<Input<'a>>, links: &mut Links<C>) -> Result<Self, ReadError> {
        let start_hidden = inputs
            .first()
            .is_some_and(|input| input.header.contract.hidden.contains(&EventName::Start));
        let mut merge = Self {
            feeds: Vec::new(),
            turn: 0,
            chains: HashMap::new(),
            lives: HashMap::new(),
            waiting: Vec::new(),
            aside: 0,
            repeated: None,
            start_hidden,
        };
        for (file, input) in (0..).zip(inputs) {
            let mut feed = Feed { file, input, head: None, open: true };
            if feed.input.header.source == Source::Harness {
                while let Some(item) = feed.read()? {
                    if let EventKind::Joined { left, right } = &item.event.kind {
                        links.join(left, right);
                    }
                    merge.put_aside(item);
                }
            }
            merge.feeds.push(feed);
        }
        Ok(merge)
    }

    /// The next line whose predecessors have all been handed out.
    ///
    /// # Errors
    /// When a file cannot be read on.
    pub(crate) fn next<C>(&mut self, links: &Links<C>) -> Result<Next, ReadError> {
        loop {
            if let Some(stall) = self.repeated.take() {
                return Ok(Next::Stalled(stall));
            }
            if let Some(item) = self.take_aside(links, false) {
                return Ok(Next::Line(item));
            }
            for offset in 0..self.feeds.len() {
                let index = (self.turn + offset) % self.feeds.len();
                self.feeds[index].fill()?;
                let ready = self.feeds[index]
                    .head
                    .as_ref()
                    .is_some_and(|item| self.is_ready(&item.event, links, false));
                if ready && let Some(item) = self.feeds[index].head.take() {
                    self.turn = index;
                    self.advance(&item.event);
                    return Ok(Next::Line(item));
                }
            }
            if !self.put_one_aside() {
                if let Some(item) = self.take_aside(links, true) {
                    return Ok(Next::Line(item));
                }
                return Ok(if self.aside == 0 { Next::End } else { self.stalled(links) });
            }
            if self.aside > ASIDE_MAX {
                return Ok(Next::Stalled(Stall::Budget { lines: self.aside }));
            }
        }
    }

    /// Puts the head of one blocked file aside; false if no file has lines left. Files that are
    /// blocked at the beginning of a later incarnation come last: they are usually right to wait.
    fn put_one_aside(&mut self) -> bool {
        let blocked = (0..self.feeds.len()).filter(|index| self.feeds[*index].head.is_some());
        let chosen = blocked.min_by_key(|index| {
            self.feeds[*index].head.as_ref().map(|item| {
                let life = self.life(item.event.server);
                let waiting = self.chains.get(&key(&item.event)).map_or(0, |p| p.aside.len());
                (item.event.incarnation != life.incarnation, waiting)
            })
        });
        let Some(item) = chosen.and_then(|index| self.feeds[index].head.take()) else {
            return false;
        };
        self.put_aside(item);
        true
    }

    fn put_aside(&mut self, item: Item) {
        let key = key(&item.event);
        let progress = self.chains.entry(key.clone()).or_default();
        let seq = item.event.seq;
        let at = item.at;
        if seq < progress.next || progress.aside.insert(seq, item).is_some() {
            self.repeated = Some(Stall::Repeated { at });
            return;
        }
        self.aside += 1;
        if progress.aside.len() == 1 {
            self.waiting.push(key);
        }
    }

    /// A line put aside that is ready now. `last_resort`: nothing else is left, see
    /// [`Self::is_ready`].
    fn take_aside<C>(&mut self, links: &Links<C>, last_resort: bool) -> Option<Item> {
        let index = (0..self.waiting.len()).find(|index| {
            let progress = &self.chains[&self.waiting[*index]];
            let head = progress.aside.get(&progress.next);
            head.is_some_and(|item| self.is_ready(&item.event, links, last_resort))
        })?;
        let progress = self.chains.get_mut(&self.waiting[index])?;
        let item = progress.aside.remove(&progress.next)?;
        if progress.aside.is_empty() {
            self.waiting.swap_remove(index);
        }
        self.aside -= 1;
        self.advance(&item.event);
        Some(item)
    }

    fn life(&self, server: ServerId) -> Life {
        self.lives.get(&server).copied().unwrap_or_default()
    }

    /// Whether all that came before this line has been handed out.
    ///
    /// A `Killed` that names no last event waits until nothing else is left (`last_resort`).
    fn is_ready<C>(&self, event: &Event, links: &Links<C>, last_resort: bool) -> bool {
        let done = |chain: &Chain| {
            let key = (event.server, event.incarnation, chain.clone());
            self.chains.get(&key).map_or(0, |progress| progress.next)
        };
        if event.seq != done(&event.chain) || event.after.iter().any(|(c, seq)| done(c) <= *seq) {
            return false;
        }
        if event.server == RECORDER {
            return true;
        }
        let life = self.life(event.server);
        let begun = event.incarnation == life.incarnation;
        let begins = event.incarnation == life.incarnation + 1
            && (life.incarnation == 0 || life.ended)
            && (event.chain.is_main() || self.start_hidden);
        match &event.kind {
            EventKind::Killed if event.after.is_empty() => last_resort,
            EventKind::Received(packet) => (begun || begins) && links.is_sent(event.server, packet),
            EventKind::Start { .. }
            | EventKind::Stop
            | EventKind::Killed
            | EventKind::Connected { .. }
            | EventKind::Disconnected { .. }
            | EventKind::Persisted(_)
            | EventKind::Sent(_)
            | EventKind::Delivered { .. }
            | EventKind::Looking { .. }
            | EventKind::Resent
            | EventKind::Elected { .. }
            | EventKind::Proposed { .. }
            | EventKind::Established { .. }
            | EventKind::Committed { .. }
            | EventKind::Joined { .. } => begun || begins,
        }
    }

    fn advance(&mut self, event: &Event) {
        if let Some(progress) = self.chains.get_mut(&key(event)) {
            progress.next += 1;
        } else {
            self.chains.insert(key(event), Progress { next: 1, aside: BTreeMap::new() });
        }
        if event.server == RECORDER {
            return;
        }
        let life = self.lives.entry(event.server).or_default();
        if event.incarnation > life.incarnation {
            *life = Life { incarnation: event.incarnation, ended: false };
        }
        if matches!(event.kind, EventKind::Stop | EventKind::Killed) {
            life.ended = true;
        }
    }

    /// How many lines of each chain of an incarnation were handed out.
    pub(crate) fn counts(
        &self,
        server: ServerId,
        incarnation: u32,
    ) -> impl Iterator<Item = (&Chain, u64)> {
        self.chains
            .iter()
            .filter(move |((s, i, _), _)| (*s, *i) == (server, incarnation))
            .map(|((_, _, chain), progress)| (chain, progress.next))
    }
}

impl Feed<'_> {
    fn fill(&mut self) -> Result<(), ReadError> {
        if self.head.is_none() && self.open {
            self.head = self.read()?;
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Option<Item>, ReadError> {
        let located = self.input.events.next().transpose()?;
        self.open = located.is_some();
        Ok(located.map(|located| Item {
            at: At { file: self.file, line: located.line },
            event: located.event,
        }))
    }
}

fn key(event: &Event) -> ChainKey {
    (event.server, event.incarnation, event.chain.clone())
}
