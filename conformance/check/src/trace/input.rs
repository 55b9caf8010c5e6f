//! What is checked: the files of a trace, as streams or in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::{Path, PathBuf};

use zab_trace::{
    Chain, Event, EventKind, Header, Lint, LintReport, Located, Pair, Printable, ReadError,
    ServerId, Stream, Trace,
};

use super::read_ahead::{ReadAhead, Threads};

/// One file of a trace: its name, its header and the stream of its events.
pub struct Input<'a> {
    /// The name used in places, such as a path.
    pub name: String,
    /// The header line.
    pub header: Header,
    /// The events in the order of the lines.
    pub events: Box<dyn Iterator<Item = Result<Located, ReadError>> + 'a>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).field("header", &self.header).finish()
    }
}

impl<'a> Input<'a> {
    /// A file on disk, with the threads that it shares with the other files of the trace.
    fn from_stream(stream: Stream, threads: &Threads) -> Self {
        let (name, header) = (stream.file().to_owned(), stream.header().clone());
        Self { name, header, events: Box::new(ReadAhead::new(stream, threads.clone())) }
    }

    /// Events in memory, as if they were the lines after the header of a file.
    pub fn from_events(name: &str, header: &Header, events: &'a [Event]) -> Self {
        let located =
            events.iter().zip(2..).map(|(event, line)| Ok(Located::new(line, event.clone())));
        Self { name: name.to_owned(), header: header.clone(), events: Box::new(located) }
    }
}

/// A trace that can be read as often as needed: the check reads it a second time, beforehand, when
/// its contract hides `Proposed`.
pub trait Inputs {
    /// Opens all files of the trace, at their beginning.
    ///
    /// # Errors
    /// When there is no file, one cannot be opened, or their headers disagree.
    fn open(&self) -> Result<Vec<Input<'_>>, ReadError>;

    /// Which names mean the same connection: all that `Joined` lines say.
    ///
    /// # Errors
    /// When a file cannot be read.
    fn joined(&self) -> Result<Vec<Pair>, ReadError> {
        let mut pairs = Vec::new();
        for located in self.open()?.into_iter().flat_map(|input| input.events) {
            if let EventKind::Joined { left, right } = located?.event.kind {
                pairs.push((left, right));
            }
        }
        Ok(pairs)
    }

    /// Files that lie beside the trace's and are not read.
    fn not_read(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// What is wrong with the form of the trace.
    fn lint(&self) -> LintReport {
        let mut lint = Lint::default();
        match self.open() {
            Ok(inputs) => {
                for input in inputs {
                    let file = lint.file(&input.name, &input.header);
                    for located in input.events {
                        match located {
                            Ok(located) => lint.event_in(file, &located),
                            Err(error) => lint.unreadable(&error),
                        }
                    }
                }
            }
            Err(error) => lint.unreadable(&error),
        }
        lint.finish()
    }
}

/// Files and folders on disk.
impl<P: AsRef<Path>> Inputs for [P] {
    fn open(&self) -> Result<Vec<Input<'_>>, ReadError> {
        let threads = Threads::default();
        let streams = zab_trace::open_all(self)?.into_iter();
        Ok(streams.map(|stream| Input::from_stream(stream, &threads)).collect())
    }

    fn joined(&self) -> Result<Vec<Pair>, ReadError> {
        zab_trace::joined_names(self)
    }

    fn not_read(&self) -> Vec<PathBuf> {
        zab_trace::files_not_read(self)
    }

    fn lint(&self) -> LintReport {
        zab_trace::lint(self).unwrap_or_default()
    }
}

/// A trace in memory.
impl Inputs for Trace {
    fn open(&self) -> Result<Vec<Input<'_>>, ReadError> {
        let inputs = self.files.iter().map(|file| Input {
            name: file.name.clone(),
            header: file.header.clone(),
            events: Box::new(file.events.iter().cloned().map(Ok)),
        });
        Ok(inputs.collect())
    }
}

/// One header and the events below it.
impl Inputs for (Header, Vec<Event>) {
    fn open(&self) -> Result<Vec<Input<'_>>, ReadError> {
        Ok(vec![Input::from_events("trace", &self.0, &self.1)])
    }
}

/// Where a line stands: which file of the trace, and the line in it, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At {
    /// The index of the file, in the order in which the trace names them.
    pub(crate) file: u32,
    /// The line, from 1.
    pub(crate) line: u64,
}

impl At {
    /// The file, as an index.
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.file).unwrap_or(usize::MAX)
    }
}

/// The names of a trace's files.
#[derive(Debug)]
pub(crate) struct Files(Vec<String>);

impl Files {
    /// The names of these files.
    pub(crate) fn new(inputs: &[Input<'_>]) -> Self {
        Self(inputs.iter().map(|input| input.name.clone()).collect())
    }

    /// A place as a person reads it.
    pub(crate) fn place(&self, at: At) -> Place {
        Place { file: self.0.get(at.index()).cloned().unwrap_or_default(), line: at.line }
    }
}

/// A line of the trace with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where it stands.
    pub(crate) at: At,
    /// What it says.
    pub(crate) event: Event,
}

/// All lines of a trace, those of each chain in the order of their numbers: one that comes early is
/// held until it is due. What is missing, or there twice, is for others to tell.
pub(crate) fn in_turn(inputs: Vec<Input<'_>>) -> InTurn<'_> {
    let files = (0..).zip(inputs).collect();
    let (chains, sleepers) = (HashMap::new(), HashMap::new());
    InTurn { files, chains, ready: VecDeque::new(), follows_after: false, sleepers }
}

/// The same, and each line behind those that it names in `after`.
pub(crate) fn in_order(inputs: Vec<Input<'_>>) -> InTurn<'_> {
    InTurn { follows_after: true, ..in_turn(inputs) }
}

/// What names a chain: server, incarnation, chain.
type ChainKey = (ServerId, u32, Chain);

/// How far a chain is read: the number that is due, and what is held.
type Turn = (u64, BTreeMap<u64, Line>);

/// See [`in_turn`].
pub(crate) struct InTurn<'a> {
    /// The file that is read comes first.
    files: VecDeque<(u32, Input<'a>)>,
    chains: HashMap<ChainKey, Turn>,
    ready: VecDeque<Line>,
    follows_after: bool,
    /// By the line that they wait for: the chains whose next line names it in `after`.
    sleepers: HashMap<(ChainKey, u64), Vec<ChainKey>>,
}

impl InTurn<'_> {
    fn sort_in(&mut self, line: Line) {
        let Event { server, incarnation, seq, .. } = line.event;
        let key = (server, incarnation, line.event.chain.clone());
        let (next, held) = self.chains.entry(key.clone()).or_default();
        if seq < *next {
            self.ready.push_back(line);
            return;
        }
        let is_due = seq == *next && !held.contains_key(&seq);
        held.insert(seq, line);
        if is_due {
            self.release(key);
        }
    }

    /// Hands out what is due of a chain, and what waits for that.
    fn release(&mut self, chain: ChainKey) {
        let mut chains = vec![chain];
        while let Some(key) = chains.pop() {
            while let Some(seq) = self.due(&key) {
                if let Some(missing) = self.missing(&key, seq) {
                    self.sleepers.entry(missing).or_default().push(key);
                    break;
                }
                let Some((next, held)) = self.chains.get_mut(&key) else { break };
                *next += 1;
                self.ready.extend(held.remove(&seq));
                chains.extend(self.sleepers.remove(&(key.clone(), seq)).into_iter().flatten());
            }
        }
    }

    /// The number of the chain's next line, if the line is held.
    fn due(&self, key: &ChainKey) -> Option<u64> {
        let (next, held) = self.chains.get(key)?;
        held.contains_key(next).then_some(*next)
    }

    /// A line that a held one names in `after`, and that was not handed out.
    fn missing(&self, key: &ChainKey, seq: u64) -> Option<(ChainKey, u64)> {
        let line = self.chains.get(key)?.1.get(&seq).filter(|_| self.follows_after)?;
        let named =
            line.event.after.iter().map(|(chain, seq)| ((key.0, key.1, chain.clone()), *seq));
        named
            .into_iter()
            .find(|(other, seq)| self.chains.get(other).is_none_or(|(next, _)| next <= seq))
    }
}

impl Iterator for InTurn<'_> {
    type Item = Result<Line, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(Ok(line));
            }
            let Some((file, input)) = self.files.front_mut() else {
                // Lines behind those that are missing.
                let held = self.chains.values_mut().flat_map(|(_, held)| std::mem::take(held));
                let mut rest: Vec<Line> = held.map(|(_, line)| line).collect();
                rest.sort_by_key(|line| line.at);
                self.ready.extend(rest);
                return self.ready.pop_front().map(Ok);
            };
            match input.events.next() {
                Some(Ok(Located { line, event, .. })) => {
                    let at = At { file: *file, line };
                    self.sort_in(Line { at, event });
                    if self.ready.is_empty() {
                        // What it waits for may stand in another file.
                        self.files.rotate_left(1);
                    }
                }
                Some(Err(error)) => return Some(Err(error)),
                None => drop(self.files.pop_front()),
            }
        }
    }
}

/// A place in a trace as a person reads it: `file:line`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", Printable(&self.file), self.line)
    }
}

/// The recorder's own id in events that are about no server.
pub(crate) const RECORDER: ServerId = 0;
