//! The order of a trace: one linear extension of what its lines say came before what.
//!
//! Lines are ordered by their chain's numbers, by `after`, by each message's send before its
//! receive, and by the end of an incarnation before the next one's start; clocks play no part, nor
//! do files and the places of lines in them. Since every rule of the model reads and writes one
//! server only, any two linear extensions lead to the same states, so one is enough.
//!
//! Files are read as streams. A line that is not yet ready blocks its file, and is looked at again
//! when the line comes that it waits for; so the work is linear in the number of lines, whatever
//! the number of files, chains and incarnations. Only when every file is blocked is a line put
//! aside, so a trace whose files are each in order needs no memory here.

mod aside;
mod awake;
mod stall;
mod wait;

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt};
use zab_trace::{Chain, Event, EventName, Pair, ReadError, ServerId};

pub(crate) use stall::{Missing, Stall};

use crate::trace::input::{At, Input, Line, RECORDER};
use crate::trace::links::Links;
use aside::Aside;
use awake::Awake;
use wait::{Names, Sleepers, Wait};

/// What names a chain: server, incarnation, chain.
type ChainKey = (ServerId, u32, Chain);

/// A chain that has begun, or of which a line is put aside or waited for.
#[derive(Debug, Default)]
struct Progress {
    /// The number that is due.
    next: u64,
    /// Lines read too early, by number.
    aside: BTreeMap<u64, Line>,
    /// Who waits for an event of this chain, by its number.
    sleepers: BTreeMap<u64, Vec<Source>>,
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
    head: Option<Line>,
    open: bool,
    /// How many lines were taken: the number of the head.
    taken: u64,
    /// Its place among the blocked files, if its head waits.
    blocked: Option<u64>,
    /// How many of its lines are put aside.
    aside: u64,
}

/// Where a line can come from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// The line with this number in a file.
    Feed { index: usize, number: u64 },
    /// The line with this number in a chain, which is put aside.
    Chain { key: ChainKey, seq: u64 },
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    /// This line; everything that came before it has been handed out.
    Line(Line),
    /// Lines are left, but none is ready, and never will be.
    Stalled(Stall),
    /// All lines were handed out.
    End,
}

/// The merge of a trace's files.
#[derive(Debug)]
pub(crate) struct Merge<'a> {
    feeds: Vec<Feed<'a>>,
    chains: HashMap<ChainKey, Progress>,
    lives: HashMap<ServerId, Life>,
    names: Names,
    awake: Awake,
    sleepers: Sleepers,
    /// Files whose head waits: those that had better be put aside come first.
    blocked: BTreeSet<(u64, usize)>,
    aside: Aside,
    /// A line whose number was used before.
    repeated: Option<At>,
    /// Fields that the format does not know, each once, with its first line.
    unknown: BTreeMap<String, At>,
    start_hidden: bool,
}

impl<'a> Merge<'a> {
    /// Starts merging. `joined`: which names mean the same connection. `bytes_max`: how much memory
    /// lines may take that come too early.
    pub(crate) fn new<C>(
        inputs: Vec<Input<'a>>,
        joined: &[Pair],
        links: &mut Links<C>,
        bytes_max: usize,
    ) -> Self {
        for (left, right) in joined {
            links.join(left, right);
        }
        let start_hidden = inputs
            .first()
            .is_some_and(|input| input.header.contract.hidden.contains(&EventName::Start));
        let feeds = (0..).zip(inputs).map(|(file, input)| Feed {
            file,
            input,
            head: None,
            open: true,
            taken: 0,
            blocked: None,
            aside: 0,
        });
        let feeds: Vec<_> = feeds.collect();
        let mut awake = Awake::default();
        (0..feeds.len()).for_each(|index| awake.add(Source::Feed { index, number: 0 }));
        Self {
            awake,
            feeds,
            chains: HashMap::new(),
            lives: HashMap::new(),
            names: Names::new(joined),
            sleepers: Sleepers::default(),
            blocked: BTreeSet::new(),
            aside: Aside::new(bytes_max),
            repeated: None,
            unknown: BTreeMap::new(),
            start_hidden,
        }
    }

    /// The next line whose predecessors have all been handed out.
    ///
    /// # Errors
    /// When a file cannot be read on.
    pub(crate) fn next<C>(&mut self, links: &Links<C>) -> Result<Next, ReadError> {
        loop {
            while let Some(source) = self.awake.next() {
                let ready = match source {
                    Source::Feed { index, number } => self.look_at_feed(index, number, links)?,
                    Source::Chain { key, seq } => self.look_at_chain(key, seq, links),
                };
                if let Some(line) = ready {
                    return Ok(Next::Line(line));
                }
                if let Some(at) = self.repeated.take() {
                    return Ok(Next::Stalled(Stall::Repeated { at }));
                }
            }
            if let Some((_, index)) = self.blocked.pop_first() {
                self.put_head_aside(index);
                if let Some(stall) = self.aside.over_budget() {
                    return Ok(Next::Stalled(stall));
                }
            } else if self.aside.lines() == 0 {
                return Ok(Next::End);
            } else if !self.wake_for_messages() {
                let rest = self.last_resort();
                return Ok(rest.map_or_else(|| self.stalled(links), Next::Line));
            }
        }
    }

    /// Fields that the format does not know, each with the first line that has it.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = (&String, At)> {
        self.unknown.iter().map(|(name, at)| (name, *at))
    }

    /// Looks at the head of a file: hands it out, or lets it wait.
    fn look_at_feed<C>(
        &mut self,
        index: usize,
        number: u64,
        links: &Links<C>,
    ) -> Result<Option<Line>, ReadError> {
        if self.feeds[index].taken != number {
            return Ok(None);
        }
        self.feeds[index].fill(&mut self.unknown)?;
        let Some(head) = &self.feeds[index].head else { return Ok(None) };
        if let Some(wait) = self.wait(&head.event, links) {
            if wait == Wait::Never {
                self.repeated = Some(head.at);
            }
            self.block(index, wait.distance());
            self.sleep(Source::Feed { index, number }, wait);
            return Ok(None);
        }
        self.unblock(index);
        let line = self.take_head(index);
        if let Some(line) = &line {
            self.advance(&line.event);
        }
        Ok(line)
    }

    /// Looks at a line that is put aside and is the next of its chain.
    fn look_at_chain<C>(&mut self, key: ChainKey, seq: u64, links: &Links<C>) -> Option<Line> {
        let progress = self.chains.get(&key).filter(|progress| progress.next == seq)?;
        let line = progress.aside.get(&seq)?;
        match self.wait(&line.event, links) {
            Some(wait) => {
                self.sleep(Source::Chain { key, seq }, wait);
                None
            }
            None => self.take_aside(&key, seq),
        }
    }

    /// Takes the head of a file; what follows it is looked at next.
    fn take_head(&mut self, index: usize) -> Option<Line> {
        let feed = &mut self.feeds[index];
        let line = feed.head.take();
        feed.taken += 1;
        self.awake.add(Source::Feed { index, number: feed.taken });
        line
    }

    fn block(&mut self, index: usize, distance: u64) {
        self.unblock(index);
        let feed = &mut self.feeds[index];
        // So that all files are read on to the same extent, if none is known to be the better one.
        let cost = feed.aside.saturating_add(distance);
        feed.blocked = Some(cost);
        self.blocked.insert((cost, index));
    }

    fn unblock(&mut self, index: usize) {
        if let Some(cost) = self.feeds[index].blocked.take() {
            self.blocked.remove(&(cost, index));
        }
    }

    fn life(&self, server: ServerId) -> Life {
        self.lives.get(&server).copied().unwrap_or_default()
    }

    /// How many events of a chain were handed out.
    fn done(&self, key: &ChainKey) -> u64 {
        self.chains.get(key).map_or(0, |progress| progress.next)
    }

    /// Notes that a line is handed out, and wakes what waits for it.
    fn advance(&mut self, event: &Event) {
        let key = key(event);
        let progress = match self.chains.get_mut(&key) {
            Some(progress) => progress,
            None => self.chains.entry(key.clone()).or_default(),
        };
        progress.next += 1;
        if progress.aside.contains_key(&progress.next) {
            let seq = progress.next;
            self.awake.add(Source::Chain { key, seq });
        }
        while let Some(first) = progress.sleepers.first_entry()
            && *first.key() < progress.next
        {
            first.remove().into_iter().for_each(|source| self.awake.add(source));
        }
        let woken = self.sleepers.messages(&self.names, event);
        woken.into_iter().for_each(|source| self.awake.add(source));
        if event.server == RECORDER {
            return;
        }
        let life = self.lives.entry(event.server).or_default();
        let begins = event.incarnation > life.incarnation;
        if begins {
            *life = Life { incarnation: event.incarnation, ended: false };
        }
        let ends = event.kind.ends_incarnation();
        life.ended |= ends;
        if begins || ends {
            let up_to = life.incarnation.saturating_add(u32::from(life.ended));
            let woken = self.sleepers.lives(event.server, up_to);
            woken.into_iter().for_each(|source| self.awake.add(source));
        }
    }
}

impl Feed<'_> {
    fn fill(&mut self, unknown: &mut BTreeMap<String, At>) -> Result<(), ReadError> {
        if self.head.is_some() || !self.open {
            return Ok(());
        }
        let located = self.input.events.next().transpose()?;
        self.open = located.is_some();
        self.head = located.map(|located| {
            let at = At { file: self.file, line: located.line };
            for name in located.unknown {
                let first = unknown.entry(name).or_insert(at);
                *first = at.min(*first);
            }
            Line { at, event: located.event }
        });
        Ok(())
    }
}

fn key(event: &Event) -> ChainKey {
    (event.server, event.incarnation, event.chain.clone())
}
