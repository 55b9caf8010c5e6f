//! The check of a trace: lines in causal order, each given to its server; what they have in common
//! is compared with ZAB's properties.

use std::collections::BTreeSet;

use zab_model::{Config, Outbox, Shape, Wide};
use zab_trace::{
    Chain, Event, EventKind, Header, Message, Packet, ReadError, ReadErrorKind, ServerId, Zxid,
};

use crate::{
    candidate::{Fact, Log, Scene},
    contract::{Shown, shows},
    convert::{Ids, Letter},
    diagnose,
    explain::{Divergence, Past},
    facts::Facts,
    foresight::{Foresight, Future},
    hidden::Closure,
    input::{At, Inputs, Item, Place, RECORDER},
    links::{ConnectionId, Letter as InFlight, Links},
    mapping::Line,
    merge::{Merge, Missing, Next, Stall},
    monitor::{Monitor, Search, Stuck},
    poset::Poset,
    properties::Broken,
    summary::Summary,
    verdict::{Inconclusive, Reason, Refusal, Verdict, Violation},
    witness::{Entry, Witness},
};

/// How a check is done.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether to keep the run of the model that explains the trace; it grows with the trace.
    pub witness: bool,
    /// Whether hidden steps that can be delayed are delayed.
    pub closure: Closure,
    /// How many states may explain one server at a time.
    pub states_max: usize,
    /// A defect of the model, to show that properties notice it; none for a real check.
    pub mutant: Option<zab_model::Mutant>,
}

impl Default for Options {
    fn default() -> Self {
        Self { witness: false, closure: Closure::Reduced, states_max: 4096, mutant: None }
    }
}

/// The outcome of a check.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the check says.
    pub verdict: Verdict,
    /// The run of the model, if it was asked for and the trace conforms.
    pub witness: Option<Witness>,
}

/// Checks a trace against the model's profile `fixed`.
#[must_use]
pub fn check<I: Inputs + ?Sized>(inputs: &I, options: &Options) -> Outcome {
    let refused = |verdict| Outcome { verdict, witness: None };
    let contract = match inputs.open() {
        Ok(inputs) => inputs.first().map(|input| input.header.contract.clone()),
        Err(error) => return refused(unreadable(&error)),
    };
    match contract.map(|contract| crate::poison::contract_bites(&contract)) {
        None => refused(Verdict::Refused(Refusal::Empty)),
        Some(Err(refusal)) => refused(Verdict::Refused(refusal)),
        Some(Ok(())) => check_under_contract(inputs, options),
    }
}

/// Checks a trace whose contract is known to show enough.
pub(crate) fn check_under_contract<I: Inputs + ?Sized>(inputs: &I, options: &Options) -> Outcome {
    let verdict = |verdict| Outcome { verdict, witness: None };
    let foresight = match foresee(inputs) {
        Ok(foresight) => foresight,
        Err(stop) => return verdict(stop),
    };
    let mut posets = BTreeSet::new();
    let first = loop {
        match Checker::run(inputs, options, &foresight, &posets, None) {
            // Which order its earlier lines had is open as well: once more from the beginning.
            Err(Stop::Poset(server)) => {
                posets.insert(server);
            }
            result => break result,
        }
    };
    match first {
        Ok(outcome) => outcome,
        Err(Stop::Verdict(stop)) => verdict(*stop),
        Err(Stop::Poset(_)) => verdict(Verdict::Refused(Refusal::Empty)),
        // Now that the place is known, the trace is taken once more up to it, to explain it.
        Err(Stop::Stuck(at)) => {
            match Checker::run(inputs, options, &foresight, &posets, Some(at)) {
                Err(Stop::Verdict(stop)) => verdict(*stop),
                Ok(_) | Err(Stop::Stuck(_) | Stop::Poset(_)) => {
                    let changed = "the trace changed while it was read".to_owned();
                    verdict(Verdict::Refused(Refusal::Read(changed)))
                }
            }
        }
    }
}

/// Checks the headers; where steps are hidden, reads what later lines say about them.
fn foresee<I: Inputs + ?Sized>(inputs: &I) -> Result<Foresight, Verdict> {
    let mut foresight = Foresight::default();
    let inputs = inputs.open().map_err(|error| unreadable(&error))?;
    let Some(first) = inputs.first() else { return Err(Verdict::Refused(Refusal::Empty)) };
    let header = first.header.clone();
    acceptable(&header).map_err(Verdict::Refused)?;
    let every_step = |id: &ServerId| Shown::new(&header.contract, *id).every_step();
    if header.servers.iter().all(every_step) {
        return Ok(foresight);
    }
    for (file, input) in (0..).zip(inputs) {
        for located in input.events {
            let located = located.map_err(|error| unreadable(&error))?;
            let at = At { file, line: located.line };
            foresight.note(&Item { at, event: located.event });
        }
    }
    Ok(foresight)
}

fn acceptable(header: &Header) -> Result<(), Refusal> {
    if header.profile != "fixed" {
        return Err(Refusal::Profile(header.profile.clone()));
    }
    if !header.observers.is_empty() {
        return Err(Refusal::Observers);
    }
    if header.servers.is_empty() || header.servers.len() > crate::SERVERS_MAX {
        return Err(Refusal::Servers(header.servers.len()));
    }
    Ok(())
}

fn unreadable(error: &ReadError) -> Verdict {
    match &error.kind {
        ReadErrorKind::Cut => {
            let place = Place { file: error.file.clone(), line: error.line };
            inconclusive(Some(place), Reason::CutLine)
        }
        ReadErrorKind::Io(_)
        | ReadErrorKind::Empty
        | ReadErrorKind::TooLong
        | ReadErrorKind::NotUtf8 { .. }
        | ReadErrorKind::NoHeader
        | ReadErrorKind::SecondHeader
        | ReadErrorKind::WrongVersion { .. }
        | ReadErrorKind::Malformed(_)
        | ReadErrorKind::HeaderDiffers { .. } => Verdict::Refused(Refusal::Read(error.to_string())),
    }
}

fn inconclusive(place: Option<Place>, reason: Reason) -> Verdict {
    Verdict::Inconclusive(Box::new(Inconclusive { place, reason }))
}

/// Why a run over the trace ends early.
enum Stop {
    /// With this verdict.
    Verdict(Box<Verdict>),
    /// The line here cannot be explained; what could have been is not known any more.
    Stuck(At),
    /// This server's lines are only partially ordered, which was not known.
    Poset(ServerId),
}

impl From<Verdict> for Stop {
    fn from(verdict: Verdict) -> Self {
        Self::Verdict(Box::new(verdict))
    }
}

/// One run over a trace.
pub(crate) struct Checker<'a> {
    options: &'a Options,
    foresight: &'a Foresight,
    header: Header,
    files: Vec<String>,
    pub(crate) cfg: Config<Wide>,
    pub(crate) ids: Ids,
    pub(crate) monitors: Vec<Monitor>,
    pub(crate) links: Links<Letter>,
    future: Future,
    outbox: Outbox<Wide>,
    facts: Facts,
    summary: Summary,
    witness: Witness,
    /// Where the message of the present `Received` line was sent.
    received: Option<At>,
    /// The end of an incarnation did not say which lines there must be.
    doubt: Option<(At, Reason)>,
}

impl<'a> Checker<'a> {
    fn run<I: Inputs + ?Sized>(
        inputs: &I,
        options: &'a Options,
        foresight: &'a Foresight,
        posets: &BTreeSet<ServerId>,
        explain: Option<At>,
    ) -> Result<Outcome, Stop> {
        let inputs = inputs.open().map_err(|error| unreadable(&error))?;
        let Some(first) = inputs.first() else {
            return Err(Verdict::Refused(Refusal::Empty).into());
        };
        let header = first.header.clone();
        let files = inputs.iter().map(|input| input.name.clone()).collect();
        let mut checker = Self::new(options, foresight, header, files)?;
        let mut merge = Merge::new(inputs, &mut checker.links).map_err(|e| unreadable(&e))?;
        for monitor in checker.monitors.iter_mut().filter(|m| posets.contains(&m.id)) {
            monitor.poset = Some(Poset::default());
            checker.facts = Facts::new(false);
        }
        checker.future = Future::new(foresight, &mut checker.links);
        loop {
            match merge.next(&checker.links).map_err(|error| unreadable(&error))? {
                Next::Line(item) => {
                    let explain = explain == Some(item.at);
                    checker.line(item, &merge, explain)?;
                }
                Next::Stalled(stall) => return Err(checker.stalled(stall).into()),
                Next::End => return Ok(checker.end()?),
            }
        }
    }

    fn new(
        options: &'a Options,
        foresight: &'a Foresight,
        header: Header,
        files: Vec<String>,
    ) -> Result<Self, Stop> {
        let ids = Ids::new(&header.servers);
        let voters = u8::try_from(header.servers.len()).ok();
        let Some(mut cfg) = voters.and_then(Config::<Wide>::new) else {
            return Err(Verdict::Refused(Refusal::Servers(header.servers.len())).into());
        };
        cfg.window = usize::try_from(header.window).unwrap_or(usize::MAX);
        cfg.mutant = options.mutant;
        let monitors = ids.all().iter().zip(1..).map(|(real, dense)| {
            let shown = Shown::new(&header.contract, *real);
            Monitor::new(*real, zab_model::ServerId(dense), header.servers.len(), shown)
        });
        let monitors: Vec<Monitor> = monitors.collect();
        let in_order = monitors.iter().all(|monitor| monitor.shown.every_step());
        Ok(Self {
            options,
            foresight,
            files,
            monitors,
            cfg,
            ids,
            links: Links::new(),
            future: Future::default(),
            outbox: Outbox::default(),
            facts: Facts::new(in_order),
            summary: Summary { servers: header.servers.len(), ..Summary::default() },
            witness: Witness::default(),
            received: None,
            doubt: None,
            header,
        })
    }

    /// A place as a person reads it.
    pub(crate) fn place(&self, at: At) -> Place {
        let file = usize::try_from(at.file).ok().and_then(|file| self.files.get(file));
        Place { file: file.cloned().unwrap_or_default(), line: at.line }
    }

    /// Explains one line, or stops.
    fn line(&mut self, item: Item, merge: &Merge<'_>, explain: bool) -> Result<(), Stop> {
        self.summary.events += 1;
        let event = &item.event;
        if event.server == RECORDER {
            return Ok(());
        }
        if !shows(&self.header.contract, event.server, event.kind.name()) {
            let place = self.place(item.at);
            let event = event.kind.name().as_str();
            return Err(Verdict::Refused(Refusal::NotHidden { place, event }).into());
        }
        let Some(row) = self.row(event.server) else {
            let problem = format!(
                "{}: server {} is no member of the ensemble",
                self.place(item.at),
                event.server
            );
            return Err(Verdict::Refused(Refusal::Read(problem)).into());
        };
        let chain = &event.chain;
        if self.monitors[row].poset.is_none() && !chain.is_main() && *chain != Chain::harness() {
            return Err(Stop::Poset(event.server));
        }
        self.known_past(&item)?;
        let (connection, contents) = self.before(&item, explain)?;
        self.take(row, &item, connection, &contents, explain)?;
        self.after(row, &item, connection)?;
        if matches!(item.event.kind, EventKind::Stop | EventKind::Killed) {
            self.vouched(&item, merge);
        }
        self.monitors[row].remember(item);
        Ok(())
    }

    fn row(&self, server: ServerId) -> Option<usize> {
        self.ids.all().binary_search(&server).ok()
    }

    /// A first start must be with an empty disk, or nothing is known of what is on it.
    fn known_past(&self, item: &Item) -> Result<(), Stop> {
        let EventKind::Start { recovered } = &item.event.kind else { return Ok(()) };
        let empty = recovered.last_zxid == Zxid::ZERO
            && recovered.accepted_epoch == 0
            && recovered.current_epoch == 0;
        if item.event.incarnation > 1 || empty {
            return Ok(());
        }
        let reason = Reason::UnknownPast { server: item.event.server };
        Err(inconclusive(Some(self.place(item.at)), reason).into())
    }

    /// What the links say of a packet: its connection, and what its sender may have meant.
    fn before(
        &mut self,
        item: &Item,
        explain: bool,
    ) -> Result<(Option<ConnectionId>, Vec<Letter>), Stop> {
        let connection = match &item.event.kind {
            EventKind::Connected { connection, .. } | EventKind::Disconnected { connection } => {
                return Ok((Some(self.links.id(connection)), Vec::new()));
            }
            EventKind::Sent(packet) => {
                return Ok((Some(self.links.id(&packet.connection)), vec![]));
            }
            EventKind::Received(packet) => self.links.id(&packet.connection),
            EventKind::Start { .. }
            | EventKind::Stop
            | EventKind::Killed
            | EventKind::Persisted(_)
            | EventKind::Delivered { .. }
            | EventKind::Looking { .. }
            | EventKind::Resent
            | EventKind::Elected { .. }
            | EventKind::Proposed { .. }
            | EventKind::Established { .. }
            | EventKind::Committed { .. }
            | EventKind::Joined { .. } => return Ok((None, Vec::new())),
        };
        let EventKind::Received(packet) = &item.event.kind else { return Ok((None, Vec::new())) };
        let due = self.links.due(connection, packet.peer);
        let wrong = |checker: &Self, mismatch| -> Stop {
            if explain {
                let divergence = diagnose::link(checker, item, mismatch);
                Verdict::Diverges(Box::new(divergence)).into()
            } else {
                Stop::Stuck(item.at)
            }
        };
        self.received = None;
        if due != packet.ordinal {
            return Err(wrong(self, diagnose::out_of_turn(packet, due)));
        }
        let Some(letter) = self.links.take(connection, packet.peer) else {
            return Err(wrong(self, diagnose::lost(packet)));
        };
        self.received = Some(letter.at);
        if let (Message::Snap { .. }, []) = (&packet.message, letter.contents.as_slice()) {
            let reason = Reason::UnknownSnapshot { server: packet.peer };
            return Err(inconclusive(Some(self.place(item.at)), reason).into());
        }
        if letter.message != packet.message {
            let mismatch = diagnose::changed(packet, &letter.message);
            return Err(wrong(self, mismatch));
        }
        Ok((Some(connection), letter.contents))
    }

    /// Gives the line to its server.
    fn take(
        &mut self,
        row: usize,
        item: &Item,
        connection: Option<ConnectionId>,
        contents: &[Letter],
        explain: bool,
    ) -> Result<(), Stop> {
        let line = Line { at: item.at, event: &item.event, connection, contents, ids: &self.ids };
        let monitor = &mut self.monitors[row];
        let mut scene = Scene {
            cfg: &self.cfg,
            foresight: self.foresight,
            shown: monitor.shown,
            outbox: &mut self.outbox,
            witness: self.options.witness,
            steps: &mut self.summary.steps,
        };
        let search = Search {
            future: &self.future,
            links: &self.links,
            closure: self.options.closure,
            limit: self.options.states_max,
            narrow: self.options.closure == Closure::Reduced,
        };
        if explain {
            let found = diagnose::step(&mut scene, monitor, &line, search).or_else(|| {
                let search = Search { narrow: false, ..search };
                diagnose::step(&mut scene, monitor, &line, search)
            });
            return Err(self.explained(row, item, found).into());
        }
        match monitor.advance(&mut scene, &line, search) {
            Ok(hidden) => {
                self.summary.hidden_steps += hidden;
                let size = monitor.frontier.len();
                self.summary.frontier_max = self.summary.frontier_max.max(size);
                self.summary.frontier_sum += size as u64;
                Ok(())
            }
            Err(Stuck::Nowhere) => Err(Stop::Stuck(monitor.blocked.unwrap_or(item.at))),
            // That the trace diverges is known; the line is the first at which it was.
            Err(Stuck::Budget) if monitor.doomed.is_some() => {
                Err(Stop::Stuck(monitor.doomed.unwrap_or(item.at)))
            }
            Err(Stuck::Budget) => {
                let (server, states) = (item.event.server, self.options.states_max);
                let reason = Reason::Budget { server, states };
                Err(inconclusive(Some(self.place(item.at)), reason).into())
            }
        }
    }

    fn explained(&self, row: usize, item: &Item, found: Option<diagnose::Found>) -> Verdict {
        let place = self.place(item.at);
        let server = item.event.server;
        if self.monitors[row].cut {
            return inconclusive(Some(place), Reason::HiddenBudget { server });
        }
        match found {
            Some(found) => Verdict::Diverges(Box::new(diagnose::divergence(self, item, found))),
            None => Verdict::Diverges(Box::new(diagnose::doomed(self, item))),
        }
    }

    /// What follows from an explained line: its message is on its way, its facts are facts.
    fn after(
        &mut self,
        row: usize,
        item: &Item,
        connection: Option<ConnectionId>,
    ) -> Result<(), Stop> {
        match (&item.event.kind, connection) {
            (EventKind::Sent(packet), Some(connection)) => {
                self.sent(row, item, packet, connection)?
            }
            (EventKind::Disconnected { .. }, Some(connection)) => {
                self.links.lose(connection, item.event.server);
            }
            (EventKind::Stop | EventKind::Killed, _) => self.links.lose_all(item.event.server),
            _ => {}
        }
        if self.options.witness {
            let Event { incarnation, seq, chain, .. } = &item.event;
            for candidate in &mut self.monitors[row].frontier {
                let (incarnation, seq, chain) = (*incarnation, *seq, chain.clone());
                candidate.trail.push(Entry::Line { incarnation, chain, seq });
            }
        }
        self.settle(row, item.at)
    }

    fn sent(
        &mut self,
        row: usize,
        item: &Item,
        packet: &Packet,
        connection: ConnectionId,
    ) -> Result<(), Stop> {
        let mut contents: Vec<Letter> = Vec::new();
        if let Message::Snap { .. } = packet.message {
            for letter in self.monitors[row].frontier.iter().filter_map(|c| c.sent) {
                if !contents.contains(&letter) {
                    contents.push(letter);
                }
            }
        }
        let letter = InFlight { message: packet.message, at: item.at, contents };
        let result = self.links.send(connection, item.event.server, packet, letter);
        result.map_err(|wrong| {
            let reason = Reason::SendOrdinal {
                connection: packet.connection.to_string(),
                expected: wrong.expected,
                found: packet.ordinal,
            };
            inconclusive(Some(self.place(item.at)), reason).into()
        })
    }

    /// Where one state is left, what it did is what happened.
    fn settle(&mut self, row: usize, at: At) -> Result<(), Stop> {
        let [candidate] = self.monitors[row].frontier.as_mut_slice() else { return Ok(()) };
        if self.options.witness {
            let server = self.monitors[row].id;
            let trail = self.monitors[row].frontier[0].trail.drain(..);
            self.witness.entries.extend(trail.map(|entry| (server, entry)));
            return self.state_facts(row, at);
        }
        if candidate.facts.is_empty() { Ok(()) } else { self.state_facts(row, at) }
    }

    fn state_facts(&mut self, row: usize, at: At) -> Result<(), Stop> {
        let server = self.monitors[row].id;
        let facts = std::mem::take(&mut self.monitors[row].frontier[0].facts);
        for fact in facts {
            let holders = match fact {
                Fact::Committed { zxid, history } => self.holders(zxid, history),
                Fact::Proposed { .. } | Fact::Established { .. } | Fact::Held { .. } => None,
            };
            self.facts
                .note(&self.cfg.logs, (at, server, fact), holders)
                .map_err(|broken| self.violated(at, broken))?;
        }
        Ok(())
    }

    fn violated(&self, at: At, broken: Broken) -> Stop {
        let (property, seen) = (broken.property, broken.seen);
        let place = self.place(at);
        Verdict::Violates(Box::new(Violation { property, place, seen })).into()
    }

    /// How many servers hold a transaction durably now, and how many are a quorum; none while a
    /// server may be in several states, or the commit is not of this moment.
    fn holders(&self, zxid: zab_model::Zxid<u32>, history: Log) -> Option<(usize, usize)> {
        if !self.facts.in_order() {
            return None;
        }
        let logs = &self.cfg.logs;
        let length = Wide::length_at(logs, &history, zxid)?;
        let committed = Wide::prefix(logs, &history, length);
        let mut holders = 0;
        for monitor in &self.monitors {
            let [candidate] = monitor.frontier.as_slice() else { return None };
            let disk = &candidate.core.server.disk.history;
            holders += usize::from(Wide::prefix(logs, disk, length) == committed);
        }
        // With a seeded defect the model's own quorum may be too small.
        Some((holders, self.monitors.len() / 2 + 1))
    }

    /// The end of an incarnation must say which lines there are, or a cut tail would look like a
    /// kill. Where it does not, the verdict is INCONCLUSIVE at the end, unless a line diverges.
    fn vouched(&mut self, item: &Item, merge: &Merge<'_>) {
        let Event { server, incarnation, chain: own, .. } = &item.event;
        let stops = item.event.kind == EventKind::Stop;
        let unvouched = merge.counts(*server, *incarnation).find(|(chain, count)| {
            let last = count.saturating_sub(1);
            let named = item.event.after.contains(&((*chain).clone(), last));
            let itself = stops && *chain == own;
            !named && !itself && **chain != Chain::harness()
        });
        if let Some((chain, count)) = unvouched {
            let (server, incarnation, chain) = (*server, *incarnation, chain.clone());
            let reason = Reason::Unvouched { server, incarnation, chain, seq: count - 1 };
            self.doubt.get_or_insert((item.at, reason));
        }
    }

    fn stalled(&self, stall: Stall) -> Verdict {
        match stall {
            Stall::Missing { at, missing } => {
                let reason = match missing {
                    Missing::Line { server, incarnation, chain, seq } => {
                        Reason::Gap { server, incarnation, chain, seq }
                    }
                    Missing::Sent(packet) => Reason::ReceiveWithoutSend(packet),
                    Missing::End { server, incarnation } => {
                        Reason::OpenIncarnation { server, incarnation }
                    }
                };
                inconclusive(Some(self.place(at)), reason)
            }
            Stall::Circle { item, sent } => {
                Verdict::Diverges(Box::new(diagnose::circle(self, &item, sent)))
            }
            Stall::Repeated { at } => inconclusive(Some(self.place(at)), Reason::RepeatedSeq),
            Stall::Budget { lines } => inconclusive(None, Reason::OrderBudget { lines }),
        }
    }

    /// All lines are explained; is anything missing?
    fn end(mut self) -> Result<Outcome, Stop> {
        if self.summary.events == 0 {
            return Err(Verdict::Refused(Refusal::Empty).into());
        }
        if let Some((at, reason)) = self.doubt.take() {
            return Err(inconclusive(Some(self.place(at)), reason).into());
        }
        for monitor in &self.monitors {
            let server = monitor.id;
            let Some(last) = monitor.recent.back() else {
                return Err(inconclusive(None, Reason::MissingServer { server }).into());
            };
            if monitor.is_running() {
                let incarnation = last.event.incarnation;
                let reason = Reason::OpenIncarnation { server, incarnation };
                return Err(inconclusive(Some(self.place(last.at)), reason).into());
            }
        }
        for row in 0..self.monitors.len() {
            // Several ways to end are as good as one: any of them explains the trace.
            self.monitors[row].frontier.truncate(1);
            if let Some(at) = self.monitors[row].recent.back().map(|item| item.at) {
                self.settle(row, at)?;
            }
        }
        self.summary.incarnations = self.monitors.iter().map(|monitor| monitor.incarnations).sum();
        self.facts.finish(&self.cfg.logs).map_err(|(at, broken)| self.violated(at, broken))?;
        self.summary.committed = self.facts.committed_count();
        let witness = self.options.witness.then_some(self.witness);
        Ok(Outcome { verdict: Verdict::Conforms(self.summary), witness })
    }

    /// The past of a line, for explanations: the last lines of its server, and the send of a
    /// received message.
    pub(crate) fn divergence_at(&self, item: &Item) -> Divergence {
        let mut past = Vec::new();
        if let (EventKind::Received(_), Some(at)) = (&item.event.kind, self.received) {
            let event = "the Sent line of this message".to_owned();
            past.push(Past { place: self.place(at), event });
        }
        if let Some(row) = self.row(item.event.server) {
            let lines = self.monitors[row].recent.iter();
            past.extend(lines.map(|item| diagnose::past(self, item)));
        }
        diagnose::blank(self.place(item.at), &item.event, past)
    }
}
