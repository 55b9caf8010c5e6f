//! One run over a trace.

use std::rc::Rc;

use zab_model::{Config, Outbox, Wide};
use zab_trace::{ConnectionName, Event, EventKind, Header, Lint, Message, Packet, ServerId, Zxid};

use super::{
    Assumed, Options, Outcome, Stop,
    end::index,
    inconclusive,
    postponed::{self, Postponed},
    refused::Refused,
    unreadable,
};
use crate::{
    archive::Archive,
    candidate::Scene,
    causes::Causes,
    contract::{Shown, shows},
    convert::{Ids, ModelMessage},
    diagnose,
    explain::Mismatch,
    facts::Facts,
    hidden::Closure,
    input::{At, Inputs, Item, Place, RECORDER},
    links::{self, ConnectionId, InFlight, Links},
    lookahead::{Future, Lookahead},
    mapping::Line,
    merge::{Merge, Next},
    monitor::{Monitor, Search, Stuck},
    order,
    owed::Ledger,
    poset::Poset,
    summary::Summary,
    verdict::{Reason, Refusal, Verdict},
    witness::{Entry, Witness},
};

/// One run over a trace.
pub(crate) struct Checker<'a> {
    pub(super) options: &'a Options,
    pub(super) lookahead: &'a Lookahead,
    pub(super) assumed: &'a Assumed,
    pub(super) header: Header,
    pub(super) files: Vec<String>,
    pub(crate) cfg: Config<Wide>,
    pub(crate) ids: Ids,
    pub(crate) monitors: Vec<Monitor>,
    pub(crate) links: Links<ModelMessage>,
    pub(super) future: Future,
    /// What messages know of open segments.
    causes: Causes,
    pub(super) outbox: Outbox<Wide>,
    pub(super) facts: Facts,
    pub(super) summary: Summary,
    pub(super) witness: Witness,
    /// Whether lines are kept for an explanation.
    pub(super) keeps: bool,
    /// The lines so far, if they are kept.
    pub(crate) archive: Archive,
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
        let files = inputs.iter().map(|input| input.name.clone()).collect();
        let keeps = explain.is_some();
        let mut lint = Lint::default();
        for input in &inputs {
            lint.file(&input.name, &input.header);
        }
        let mut checker = Self::new(options, lookahead, header, files, assumed)?;
        checker.lint = lint;
        let (links, joined) = (&mut checker.links, &assumed.joined);
        let mut merge = Merge::new(inputs, joined, links, options.early_bytes_max);
        let orders = &assumed.orders;
        for monitor in checker.monitors.iter_mut().filter(|m| orders.is_partial(m.id)) {
            monitor.poset = Some(Poset::new(Rc::clone(orders)));
            checker.facts = Facts::new(false);
        }
        checker.keeps = keeps;
        loop {
            match merge.next(&checker.links).map_err(|error| unreadable(&error))? {
                Next::Line(item) => {
                    if !checker.postpone(&item) {
                        checker.explained(item, &mut merge, explain)?;
                        while let Some(item) = checker.postponed.ready(&checker.monitors) {
                            checker.explained(item, &mut merge, explain)?;
                        }
                    }
                }
                Next::Stalled(_) | Next::End if !checker.postponed.is_empty() => {
                    // Nothing tells what was in the snapshot, so its line is taken as it is.
                    for item in checker.postponed.take() {
                        checker.explained(item, &mut merge, explain)?;
                    }
                }
                Next::Stalled(stall) => return Err(checker.stalled(stall)),
                Next::End => return checker.end(&merge),
            }
        }
    }

    /// Explains one line, or stops; at the line that diverges, looks on where it would be legal.
    fn explained(
        &mut self,
        item: Item,
        merge: &mut Merge<'_>,
        explain: Option<At>,
    ) -> Result<(), Stop> {
        let explain = explain == Some(item.at);
        let mut result = self.line(item, explain);
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
    fn postpone(&mut self, item: &Item) -> bool {
        let later = self.postponed.holds(item.event.server);
        let waits = later || postponed::awaits_snapshot(&self.monitors, item);
        if waits {
            self.postponed.push(item.clone());
        }
        waits
    }

    fn new(
        options: &'a Options,
        lookahead: &'a Lookahead,
        header: Header,
        files: Vec<String>,
        assumed: &'a Assumed,
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
        let ledger = Ledger::new(&header.contract, ids.all());
        let in_order = monitors.iter().all(|monitor| monitor.shown.every_step());
        Ok(Self {
            options,
            lookahead,
            assumed,
            files,
            monitors,
            cfg,
            ids,
            links: Links::new(
                &header.contract,
                assumed.orders.partial().clone(),
                assumed.plan.clone(),
            ),
            future: Future::default(),
            causes: Causes::default(),
            outbox: Outbox::default(),
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
            header,
        })
    }

    /// A place as a person reads it.
    pub(crate) fn place(&self, at: At) -> Place {
        let file = usize::try_from(at.file).ok().and_then(|file| self.files.get(file));
        Place { file: file.cloned().unwrap_or_default(), line: at.line }
    }

    /// Explains one line, or stops.
    fn line(&mut self, item: Item, explain: bool) -> Result<(), Stop> {
        self.summary.events += 1;
        let event = &item.event;
        self.lint.line(index(item.at), item.at.line, event);
        if event.server == RECORDER {
            self.ledger.recorder(event);
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
        if self.monitors[row].poset.is_none() && order::is_foreign(&event.chain) {
            return Err(Stop::Unordered);
        }
        self.ledger.before(row, event, &self.monitors[row].frontier);
        self.known_past(&item)?;
        let (connection, contents) = self.before(&item, explain)?;
        self.take(row, &item, connection, &contents, explain)?;
        self.after(row, &item)?;
        if self.keeps {
            self.archive.note(&item, self.sent_at(&item));
        }
        self.ledger.after(row, &item.event, &self.monitors[row].frontier);
        self.monitors[row].remember(item);
        Ok(())
    }

    pub(super) fn row(&self, server: ServerId) -> Option<usize> {
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

    /// What the links say of a line: which use of a connection it is about, and what the sender of
    /// a received message may have meant.
    pub(super) fn before(
        &mut self,
        item: &Item,
        explain: bool,
    ) -> Result<(Option<ConnectionId>, Vec<ModelMessage>), Stop> {
        let Event { server, kind, .. } = &item.event;
        let used = match kind {
            EventKind::Connected { connection, peer } => {
                self.links.connected(*server, connection, *peer).map(Some)
            }
            EventKind::Disconnected { connection } => {
                return Ok((self.links.find_open(*server, connection), Vec::new()));
            }
            EventKind::Sent(packet) => self.links.sending(*server, packet).map(Some),
            EventKind::Received(packet) => return self.received(item, packet, explain),
            EventKind::Start { .. } => {
                self.links.started(*server);
                Ok(None)
            }
            EventKind::Stop
            | EventKind::Killed
            | EventKind::Persisted(_)
            | EventKind::Delivered { .. }
            | EventKind::Looking { .. }
            | EventKind::Resent
            | EventKind::Elected { .. }
            | EventKind::Proposed { .. }
            | EventKind::Established { .. }
            | EventKind::Committed { .. }
            | EventKind::Joined { .. } => Ok(None),
        };
        let connection =
            used.map_err(|fault| self.wrong(item, diagnose::fault(&item.event, fault), explain))?;
        if let (Some(id), Some(name)) = (connection, named(kind)) {
            self.note_use(&item.event, name, id);
        }
        Ok((connection, Vec::new()))
    }

    /// Where steps are hidden: what this end sends in this use is known beforehand.
    fn note_use(&mut self, event: &Event, name: &ConnectionName, id: ConnectionId) {
        if self.lookahead.knows_sends() {
            let number = self.links.number(event.server, name);
            self.future.begin(self.lookahead, event, name, (id, number));
        }
    }

    /// A line that contradicts what the links know.
    fn wrong(&self, item: &Item, mismatch: Mismatch, explain: bool) -> Stop {
        if explain {
            let divergence = diagnose::link(self, item, mismatch);
            Verdict::Diverges(Box::new(divergence)).into()
        } else {
            self.or_paired(Stop::Stuck(item.at))
        }
    }

    /// A failure, unless another pairing of a name's uses may explain the trace.
    pub(super) fn or_paired(&self, stop: Stop) -> Stop {
        if self.links.assumes_pairs() { Stop::Pairing(Box::new(stop)) } else { stop }
    }

    fn received(
        &mut self,
        item: &Item,
        packet: &Packet,
        explain: bool,
    ) -> Result<(Option<ConnectionId>, Vec<ModelMessage>), Stop> {
        self.received = None;
        let (connection, mut in_flight) =
            self.links.receive(item.event.server, packet).map_err(|refused| {
                let mismatch = match refused {
                    links::Refused::Fault(fault) => diagnose::fault(&item.event, fault),
                    links::Refused::Lost => diagnose::lost(packet),
                };
                self.wrong(item, mismatch, explain)
            })?;
        self.received = Some(in_flight.at);
        let sender = self.row(packet.peer).and_then(|row| self.monitors[row].poset.as_ref());
        if let Some(contents) = sender.and_then(|poset| poset.snapshot(in_flight.at)) {
            in_flight.contents = contents.to_vec();
        }
        if let (Message::Snap { .. }, []) = (&packet.message, in_flight.contents.as_slice()) {
            let reason = Reason::UnknownSnapshot { server: packet.peer };
            return Err(inconclusive(Some(self.place(item.at)), reason).into());
        }
        if in_flight.message != packet.message {
            return Err(self.wrong(item, diagnose::changed(packet, &in_flight.message), explain));
        }
        self.note_use(&item.event, &packet.connection, connection);
        Ok((Some(connection), in_flight.contents))
    }

    /// Gives the line to its server.
    fn take(
        &mut self,
        row: usize,
        item: &Item,
        connection: Option<ConnectionId>,
        contents: &[ModelMessage],
        explain: bool,
    ) -> Result<(), Stop> {
        if explain {
            return Err(self.explain(row, item, connection, contents).into());
        }
        let line = Line { at: item.at, event: &item.event, connection, contents, ids: &self.ids };
        let monitor = &mut self.monitors[row];
        let mut scene = Scene {
            cfg: &self.cfg,
            lookahead: self.lookahead,
            shown: monitor.shown,
            outbox: &mut self.outbox,
            witness: self.options.witness,
            steps: &mut self.summary.steps,
        };
        let search = Search {
            future: &self.future,
            links: &self.links,
            closure: self.options.closure,
            limit: self.options.states_max(&monitor.frontier),
            narrow: self.options.closure == Closure::Reduced,
            lazy: true,
            untaken: &[],
            uncounted: None,
        };
        let received = matches!(item.event.kind, EventKind::Received(_)).then_some(self.received);
        let heard = received.flatten().map(|sent| self.causes.receive(sent)).unwrap_or_default();
        match monitor.advance(&mut scene, &line, heard, search) {
            Ok(hidden) => {
                self.summary.hidden_steps += hidden;
                let size = monitor.frontier.len();
                self.summary.frontier_max = self.summary.frontier_max.max(size);
                self.summary.frontier_sum += size as u64;
                Ok(())
            }
            Err(Stuck::Nowhere) => Err(Stop::Stuck(item.at)),
            // That the trace diverges is known; the line is the first at which it was.
            Err(Stuck::Budget) if monitor.ruled_out.is_some() => {
                Err(Stop::Stuck(monitor.ruled_out.unwrap_or(item.at)))
            }
            Err(Stuck::Budget) => {
                let (server, states) = (item.event.server, search.limit);
                let reason = Reason::Budget { server, states };
                Err(inconclusive(Some(self.place(item.at)), reason).into())
            }
        }
    }

    /// What follows from an explained line: its message is on its way, its facts are facts.
    fn after(&mut self, row: usize, item: &Item) -> Result<(), Stop> {
        self.pass(row, item);
        if self.options.witness && !self.monitors[row].is_apart() {
            for candidate in &mut self.monitors[row].frontier {
                candidate.trail.push(Entry::of(&item.event));
            }
        }
        self.settle(row, item.at)
    }

    pub(super) fn sent(&mut self, row: usize, item: &Item, packet: &Packet) {
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
        self.causes.send(item.at, self.monitors[row].last_known());
        let in_flight = InFlight { message: packet.message, at: item.at, contents };
        self.links.send(item.event.server, packet, in_flight);
    }
}

/// The connection that a line begins, or sends on.
fn named(kind: &EventKind) -> Option<&ConnectionName> {
    match kind {
        EventKind::Connected { connection, .. } => Some(connection),
        EventKind::Sent(packet) => Some(&packet.connection),
        EventKind::Start { .. }
        | EventKind::Stop
        | EventKind::Killed
        | EventKind::Disconnected { .. }
        | EventKind::Received(_)
        | EventKind::Persisted(_)
        | EventKind::Delivered { .. }
        | EventKind::Looking { .. }
        | EventKind::Resent
        | EventKind::Elected { .. }
        | EventKind::Proposed { .. }
        | EventKind::Established { .. }
        | EventKind::Committed { .. }
        | EventKind::Joined { .. } => None,
    }
}
