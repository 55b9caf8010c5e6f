//! One run over a trace.

use std::rc::Rc;

use zab_model::{Config, Outbox, Wide};
use zab_trace::{ConnectionName, Event, EventKind, Header, Lint, Message, Packet, ServerId, Zxid};

use super::assumed::Assumed;
use super::base::Base;
use super::options::{Options, Outcome};
use super::postponed::{self, Postponed};
use super::stop::{Stop, inconclusive, unreadable};
use crate::properties::Facts;
use crate::report::{
    Archive, Ledger, Mismatch, Reason, Refusal, Summary, Verdict, Violation, diagnose,
};
use crate::search::{Monitor, Poset, Stuck};
use crate::state::{Candidate, Entry, Future, Linked, Lookahead, Witness};
use crate::trace::{
    At, Causes, ConnectionId, Files, Ids, InFlight, Inputs, Line, Links, Merge, ModelMessage, Next,
    RECORDER, Shown, links, order, shows,
};

/// A line that was refused, and the states before it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) linked: Linked,
    pub(super) states: Vec<Candidate>,
}

/// One run over a trace.
pub(super) struct Checker<'a> {
    pub(super) base: Base<'a>,
    pub(super) assumed: &'a Assumed,
    pub(super) header: Header,
    pub(super) monitors: Vec<Monitor>,
    /// What messages know of open segments.
    causes: Causes,
    pub(super) facts: Facts,
    pub(super) summary: Summary,
    pub(super) witness: Witness,
    /// Whether lines are kept for an explanation.
    pub(super) keeps: bool,
    /// The lines so far, if they are kept.
    pub(super) archive: Archive,
    /// Lines that wait for a snapshot.
    postponed: Postponed,
    /// The line that is explained: the states before it, and what the links said of it.
    pub(super) refused: Option<Refused>,
    /// Where the message of the present `Received` line was sent.
    pub(super) received: Option<At>,
    /// What is wrong with the form of the trace.
    pub(super) lint: Lint,
    /// What the contract promises, and what was seen.
    pub(super) ledger: Ledger,
    /// The first property that is broken. What lines do to the common history is not looked at any
    /// more then; whether their steps are legal is.
    pub(super) violation: Option<Violation>,
}

impl<'a> Checker<'a> {
    pub(super) fn run<I: Inputs + ?Sized>(
        inputs: &I,
        options: &'a Options,
        lookahead: &'a Lookahead,
        assumed: &'a Assumed,
        explain: Option<At>,
    ) -> Result<Outcome, Stop> {
        let inputs = inputs.open().map_err(|error| unreadable(&error))?;
        let Some(first) = inputs.first() else {
            return Err(Verdict::Refused(Refusal::Empty).into());
        };
        let header = first.header.clone();
        let files = Files::new(&inputs);
        let keeps = explain.is_some();
        let mut lint = Lint::default();
        for input in &inputs {
            lint.file(&input.name, &input.header);
        }
        let mut checker = Self::new(options, lookahead, header, files, assumed)?;
        checker.lint = lint;
        let (links, joined) = (&mut checker.base.links, &assumed.joined);
        let mut merge = Merge::new(inputs, joined, links, options.early_bytes_max);
        let orders = &assumed.orders;
        for monitor in checker.monitors.iter_mut().filter(|m| orders.is_partial(m.id)) {
            monitor.poset = Some(Poset::new(Rc::clone(orders)));
            checker.facts = Facts::new(false);
        }
        checker.keeps = keeps;
        let result = checker.lines(&mut merge, explain).and_then(|()| checker.end(&merge));
        match (checker.violation, result) {
            (None, result) => result,
            // A property was broken by the lines before, whatever comes of those after.
            (Some(violation), Err(_)) => Err(Verdict::Violates(Box::new(violation)).into()),
            (Some(violation), Ok(_)) => {
                let whole = Violation { lines: Some(checker.summary.events), ..violation };
                Err(Verdict::Violates(Box::new(whole)).into())
            }
        }
    }

    /// Explains all lines.
    fn lines(&mut self, merge: &mut Merge<'_>, explain: Option<At>) -> Result<(), Stop> {
        loop {
            match merge.next(&self.base.links).map_err(|error| unreadable(&error))? {
                Next::Line(line) => {
                    if !self.postpone(&line) {
                        self.explained(line, merge, explain)?;
                        while let Some(line) = self.postponed.ready(&self.monitors) {
                            self.explained(line, merge, explain)?;
                        }
                    }
                }
                Next::Stalled(_) | Next::End if !self.postponed.is_empty() => {
                    // Nothing tells what was in the snapshot, so its line is taken as it is.
                    for line in self.postponed.drain() {
                        self.explained(line, merge, explain)?;
                    }
                }
                Next::Stalled(stall) => return Err(self.stalled(stall)),
                Next::End => return Ok(()),
            }
        }
    }

    /// Explains one line, or stops; at the line that diverges, looks on where it would be legal.
    fn explained(
        &mut self,
        line: Line,
        merge: &mut Merge<'_>,
        explain: Option<At>,
    ) -> Result<(), Stop> {
        let explain = explain == Some(line.at);
        let mut result = self.line(line, explain);
        if explain
            && let Err(Stop::Verdict(verdict)) = &mut result
            && let Verdict::Diverges(divergence) = &mut **verdict
        {
            divergence.later = self.later(merge);
        }
        result
    }

    /// Puts a line back that receives a SNAP of which the sender's lines do not tell yet what is in
    /// it, and with it all that follows at its server.
    fn postpone(&mut self, line: &Line) -> bool {
        let later = self.postponed.holds(line.event.server);
        let waits = later || postponed::awaits_snapshot(&self.monitors, line);
        if waits {
            self.postponed.push(line.clone());
        }
        waits
    }

    fn new(
        options: &'a Options,
        lookahead: &'a Lookahead,
        header: Header,
        files: Files,
        assumed: &'a Assumed,
    ) -> Result<Self, Stop> {
        let ids = Ids::new(&header.servers);
        let voters = u8::try_from(header.servers.len()).ok();
        let Some(mut cfg) = voters.and_then(Config::<Wide>::new) else {
            return Err(Verdict::Refused(Refusal::Servers(header.servers.len())).into());
        };
        cfg.ensemble.window = usize::try_from(header.window).unwrap_or(usize::MAX);
        cfg.ensemble.profile = options.profile;
        let monitors = ids.all().iter().zip(1..).map(|(real, dense)| {
            let shown = Shown::new(&header.contract, *real);
            Monitor::new(*real, zab_model::ServerId(dense), header.servers.len(), shown)
        });
        let monitors: Vec<Monitor> = monitors.collect();
        let ledger = Ledger::new(&header.contract, ids.all());
        let in_order = monitors.iter().all(|monitor| monitor.shown.every_step());
        let partial = assumed.orders.partial().clone();
        let base = Base {
            options,
            lookahead,
            files,
            links: Links::new(&header.contract, partial, assumed.plan.clone()),
            cfg,
            ids,
            future: Future::default(),
            outbox: Outbox::default(),
            steps: 0,
        };
        Ok(Self {
            base,
            assumed,
            monitors,
            causes: Causes::default(),
            facts: Facts::new(in_order),
            summary: Summary { servers: header.servers.len(), ..Summary::default() },
            witness: Witness::default(),
            keeps: false,
            archive: Archive::default(),
            postponed: Postponed::default(),
            refused: None,
            received: None,
            lint: Lint::default(),
            ledger,
            violation: None,
            header,
        })
    }

    /// Explains one line, or stops.
    fn line(&mut self, line: Line, explain: bool) -> Result<(), Stop> {
        self.summary.events += 1;
        let event = &line.event;
        self.lint.line(line.at.index(), line.at.line, event);
        if event.server == RECORDER {
            self.ledger.recorder(event);
            return Ok(());
        }
        if !shows(&self.header.contract, event.server, event.kind.name()) {
            let place = self.base.files.place(line.at);
            let event = event.kind.name().as_str();
            return Err(Verdict::Refused(Refusal::NotHidden { place, event }).into());
        }
        let Some(row) = self.row(event.server) else {
            let problem = format!(
                "{}: server {} is no member of the ensemble",
                self.base.files.place(line.at),
                event.server
            );
            return Err(Verdict::Refused(Refusal::Read(problem)).into());
        };
        if self.monitors[row].poset.is_none() && order::is_foreign(&event.chain) {
            return Err(Stop::Unordered);
        }
        self.ledger.before(row, event, &self.monitors[row].frontier);
        self.known_past(&line)?;
        let (connection, contents) = self.before(&line, explain)?;
        let linked = Linked { line, connection, contents };
        if explain {
            return Err(self.explain(row, &linked).into());
        }
        self.advance(row, &linked)?;
        let line = linked.line;
        self.after(row, &line);
        if self.keeps {
            self.archive.note(&line, self.sent_at(&line));
        }
        self.ledger.after(row, &line.event, &self.monitors[row].frontier);
        self.monitors[row].remember(line);
        Ok(())
    }

    pub(super) fn row(&self, server: ServerId) -> Option<usize> {
        self.base.ids.all().binary_search(&server).ok()
    }

    /// A first start must be with an empty disk, or nothing is known of what is on it.
    fn known_past(&self, line: &Line) -> Result<(), Stop> {
        let EventKind::Start { recovered } = &line.event.kind else { return Ok(()) };
        let empty = recovered.last_zxid == Zxid::ZERO
            && recovered.accepted_epoch == 0
            && recovered.current_epoch == 0;
        if line.event.incarnation > 1 || empty {
            return Ok(());
        }
        let reason = Reason::UnknownPast { server: line.event.server };
        Err(inconclusive(Some(self.base.files.place(line.at)), reason).into())
    }

    /// What the links say of a line: which use of a connection it is about, and what the sender of
    /// a received message may have meant.
    pub(super) fn before(
        &mut self,
        line: &Line,
        explain: bool,
    ) -> Result<(Option<ConnectionId>, Vec<ModelMessage>), Stop> {
        let Event { server, kind, .. } = &line.event;
        let used = if let EventKind::Received(packet) = kind {
            return self.received(line, packet, explain);
        } else if let EventKind::Disconnected { connection } = kind {
            return Ok((self.base.links.find_open(*server, connection), Vec::new()));
        } else if let EventKind::Connected { connection, peer } = kind {
            self.base.links.connected(*server, connection, *peer)
        } else if let EventKind::Sent(packet) = kind {
            self.base.links.sending(*server, packet)
        } else {
            if let EventKind::Start { .. } = kind {
                self.base.links.started(*server);
            }
            return Ok((None, Vec::new()));
        };
        let id =
            used.map_err(|fault| self.wrong(line, diagnose::fault(&line.event, fault), explain))?;
        if let Some(name) = kind.connection() {
            self.note_use(&line.event, name, id);
        }
        Ok((Some(id), Vec::new()))
    }

    /// Where steps are hidden: what this end sends in this use is known beforehand.
    fn note_use(&mut self, event: &Event, name: &ConnectionName, id: ConnectionId) {
        if self.base.lookahead.knows_sends() {
            let number = self.base.links.number(event.server, name);
            self.base.future.begin(self.base.lookahead, event, name, (id, number));
        }
    }

    /// A line that contradicts what the links know.
    fn wrong(&self, line: &Line, mismatch: Mismatch, explain: bool) -> Stop {
        if explain {
            let divergence = self.link(line, mismatch);
            Verdict::Diverges(Box::new(divergence)).into()
        } else {
            // Another pairing of a name's uses may explain the trace. Whether a name is used a second
            // time is not known before the last line: this one may have been taken for what came
            // in an earlier use because a later use was not looked at yet.
            Stop::Pairing(Box::new(Stop::Stuck(line.at)))
        }
    }

    fn received(
        &mut self,
        line: &Line,
        packet: &Packet,
        explain: bool,
    ) -> Result<(Option<ConnectionId>, Vec<ModelMessage>), Stop> {
        self.received = None;
        let (connection, mut in_flight) =
            self.base.links.receive(line.event.server, packet).map_err(|refused| {
                let mismatch = match refused {
                    links::Refused::Fault(fault) => diagnose::fault(&line.event, fault),
                    links::Refused::Lost => diagnose::lost(packet),
                };
                self.wrong(line, mismatch, explain)
            })?;
        self.received = Some(in_flight.at);
        let sender = self.row(packet.peer).and_then(|row| self.monitors[row].poset.as_ref());
        if let Some(contents) = sender.and_then(|poset| poset.snapshot(in_flight.at)) {
            in_flight.contents = contents.to_vec();
        }
        if let (Message::Snap { .. }, []) = (&packet.message, in_flight.contents.as_slice()) {
            let reason = Reason::UnknownSnapshot { server: packet.peer };
            return Err(inconclusive(Some(self.base.files.place(line.at)), reason).into());
        }
        if in_flight.message != packet.message {
            return Err(self.wrong(line, diagnose::changed(packet, &in_flight.message), explain));
        }
        self.note_use(&line.event, &packet.connection, connection);
        Ok((Some(connection), in_flight.contents))
    }

    /// Gives the line to its server.
    fn advance(&mut self, row: usize, linked: &Linked) -> Result<(), Stop> {
        let Line { at, event } = &linked.line;
        let monitor = &mut self.monitors[row];
        let received = self.received.filter(|_| matches!(event.kind, EventKind::Received(_)));
        let heard = received.map(|sent| self.causes.receive(sent)).unwrap_or_default();
        let search = self.base.search(&monitor.frontier);
        let mut ctx = self.base.context(monitor.shown, linked, search);
        match monitor.advance(&mut ctx, heard) {
            Ok(hidden) => {
                self.summary.hidden_steps += hidden;
                let size = monitor.frontier.len();
                self.summary.frontier_max = self.summary.frontier_max.max(size);
                self.summary.frontier_sum += size as u64;
                Ok(())
            }
            Err(Stuck::Nowhere) => Err(Stop::Stuck(*at)),
            // Already known to diverge: the line is the one where that was found.
            Err(Stuck::Budget) if monitor.ruled_out.is_some() => {
                Err(Stop::Stuck(monitor.ruled_out.unwrap_or(*at)))
            }
            Err(Stuck::Budget) => {
                let reason = Reason::Budget { server: event.server, states: search.limit };
                Err(inconclusive(Some(self.base.files.place(*at)), reason).into())
            }
        }
    }

    /// What follows from an explained line: its message is on its way, its facts are facts.
    fn after(&mut self, row: usize, line: &Line) {
        self.pass(row, line);
        if self.base.options.witness && !self.monitors[row].is_apart() {
            for candidate in &mut self.monitors[row].frontier {
                candidate.trail.push(Entry::of(&line.event));
            }
        }
        self.settle(row, line.at);
    }

    pub(super) fn sent(&mut self, row: usize, line: &Line, packet: &Packet) {
        let mut contents: Vec<ModelMessage> = Vec::new();
        if let Message::Snap { .. } = packet.message
            && !self.monitors[row].is_apart()
        {
            for in_flight in self.monitors[row].frontier.iter().filter_map(|c| c.sent) {
                if !contents.contains(&in_flight) {
                    contents.push(in_flight);
                }
            }
        }
        self.causes.send(line.at, self.monitors[row].last_known());
        let in_flight = InFlight { message: packet.message, at: line.at, contents };
        self.base.links.send(line.event.server, packet, in_flight);
    }
}
