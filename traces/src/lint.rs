//! What is wrong with a trace that can be read: things that no emitter should write, and that make
//! a check inconclusive or its result misleading. Whether the steps are legal is not asked here.
//!
//! The lines of a chain are looked at in the order of their numbers, wherever they stand: one that
//! comes early is held until it is due. What is kept besides grows with the number of incarnations,
//! chains and connections, not with that of events.

mod findings;
mod life;
mod links;
mod vouch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::disagreement;
use crate::read::files_not_read;
use crate::{
    Event, EventKind, EventName, Header, Located, Message, ReadError, ReadErrorKind, ServerId,
    State, Stream, trace_files,
};

pub use findings::{About, FINDINGS_MAX, Finding, LintReport, Severity};

use findings::{Findings, Place};
use life::{Lives, Turn};
use links::Links;

/// How many bytes of lines that came too early are held at most: 256 MiB.
const HELD_BYTES_MAX: usize = 256 << 20;

/// Lints the trace in these files and folders (see [`trace_files`]). A file whose content is no trace
/// is a finding, too.
///
/// # Errors
/// When there is no file to lint, or the system cannot read one.
pub fn lint(paths: &[impl AsRef<Path>]) -> Result<LintReport, ReadError> {
    let mut lint = Lint::default();
    let mut streams = Vec::new();
    for path in trace_files(paths)? {
        match Stream::open(&path) {
            Ok(stream) => {
                let file = lint.file(stream.file(), stream.header());
                streams.push((file, stream));
            }
            Err(error) => lint.unless_io(error)?,
        }
    }
    in_reading_order(&mut streams);
    for (file, stream) in streams {
        for located in stream {
            match located {
                Ok(located) => lint.event_in(file, &located),
                Err(error) => lint.unless_io(error)?,
            }
        }
    }
    lint.not_read(&files_not_read(paths));
    Ok(lint.finish())
}

/// Files that begin with events of one incarnation change places, so that what comes first in the
/// incarnation is read first: files that were written one after the other may have any names.
fn in_reading_order(streams: &mut Vec<(usize, Stream)>) {
    let mut slots: BTreeMap<(ServerId, u32), Vec<usize>> = BTreeMap::new();
    for (slot, (_, stream)) in streams.iter().enumerate() {
        if let Some(first) = stream.first() {
            slots.entry((first.server, first.incarnation)).or_default().push(slot);
        }
    }
    let mut order: Vec<usize> = (0..streams.len()).collect();
    for group in slots.values() {
        let mut sorted = group.clone();
        sorted.sort_by_key(|slot| streams[*slot].1.first().map(|event| event.seq));
        for (slot, from) in group.iter().zip(sorted) {
            order[*slot] = from;
        }
    }
    let mut taken: Vec<_> = std::mem::take(streams).into_iter().map(Some).collect();
    streams.extend(order.into_iter().filter_map(|from| taken[from].take()));
}

/// A lint in progress, for callers that read the files themselves: [`Lint::file`] for each file,
/// [`Lint::event`] or [`Lint::event_in`] for each event, and [`Lint::finish`].
#[derive(Debug, Default)]
pub struct Lint {
    files: Vec<String>,
    /// Files that are not read.
    beside: Vec<String>,
    header: Option<Header>,
    events: u64,
    unknown_ids: BTreeSet<ServerId>,
    unknown_fields: BTreeSet<String>,
    undeclared_state: bool,
    lives: Lives,
    links: Links,
    findings: Findings,
}

impl Lint {
    /// Begins a file, and gives its index.
    pub fn file(&mut self, name: &str, header: &Header) -> usize {
        self.files.push(name.to_owned());
        let file = self.files.len() - 1;
        match &self.header {
            None => {
                let hides = |name| header.contract.hidden.contains(&name);
                self.lives = Lives::new(hides(EventName::Start));
                self.links = Links::new(hides(EventName::Connected));
                self.check_silent(Place { file, line: 1 }, header);
                self.header = Some(header.clone());
            }
            Some(first) => {
                if let Some(field) = disagreement(first, header) {
                    let sentence = format!("{field} differs from that of {}", self.files[0]);
                    let place = Place { file, line: 1 };
                    self.findings.add(place, Severity::Error, About::File, sentence);
                }
            }
        }
        file
    }

    /// Looks at the next event of the file that was begun last.
    pub fn event(&mut self, located: &Located) {
        self.event_in(self.files.len().saturating_sub(1), located);
    }

    /// Looks at an event of the file with this index.
    pub fn event_in(&mut self, file: usize, located: &Located) {
        let Located { line, event, unknown } = located;
        if !unknown.is_empty() {
            self.unknown(file, *line, unknown);
        }
        self.line(file, *line, event);
    }

    /// Looks at an event on this line of a file, all of whose fields are known.
    pub fn line(&mut self, file: usize, line: u64, event: &Event) {
        self.events += 1;
        let place = Place { file, line };
        if self.lives.turn(place, event, &mut self.findings) == Turn::Now {
            self.take(place, event);
        }
        if self.lives.held_bytes() == 0 {
            return;
        }
        let key = life::key(event);
        while let Some((place, event)) = self.lives.next_held(&key) {
            self.take(place, &event);
        }
        while self.lives.held_bytes() > HELD_BYTES_MAX {
            self.release_one();
        }
    }

    /// Fields of `state` or `recovered` that the format does not know: each name is told once.
    pub fn unknown(&mut self, file: usize, line: u64, names: &[String]) {
        for name in names {
            if self.unknown_fields.len() < FINDINGS_MAX && self.unknown_fields.insert(name.clone())
            {
                let known = State::FIELDS.join(", ");
                let sentence = format!("field {name:?} is ignored: `state` has {known}");
                self.findings.warning(Place { file, line }, sentence);
            }
        }
    }

    /// A file cannot be read, or not further.
    pub fn unreadable(&mut self, error: &ReadError) {
        let file = self.files.iter().rposition(|file| *file == error.file).unwrap_or_else(|| {
            self.files.push(error.file.clone());
            self.files.len() - 1
        });
        let sentence = format!("column {}: {}", error.column, error.kind);
        let place = Place { file, line: error.line };
        self.findings.add(place, Severity::Error, About::File, sentence);
    }

    /// A file's content is a finding; that there is none is not.
    fn unless_io(&mut self, error: ReadError) -> Result<(), ReadError> {
        if matches!(error.kind, ReadErrorKind::Io(_) | ReadErrorKind::NotAFile(_)) {
            return Err(error);
        }
        self.unreadable(&error);
        Ok(())
    }

    /// Files beside the trace's that are not read.
    pub fn not_read(&mut self, paths: &[impl AsRef<Path>]) {
        for path in paths {
            self.beside.push(path.as_ref().display().to_string());
            let place = Place { file: usize::MAX - self.beside.len(), line: 0 };
            let sentence = "not read: only *.ndjson files of a folder are".to_owned();
            self.findings.add(place, Severity::Warning, About::File, sentence);
        }
    }

    /// All files were read: looks at the trace as a whole.
    #[must_use]
    pub fn finish(mut self) -> LintReport {
        while self.lives.held_bytes() > 0 {
            self.release_one();
        }
        let Self { files, beside, header, events, lives, links, mut findings, .. } = self;
        let hides = |name| header.as_ref().is_some_and(|h| h.contract.hidden.contains(&name));
        lives.finish(hides(EventName::Stop), &mut findings);
        links.finish(hides(EventName::Sent), &mut findings);
        for id in header.iter().flat_map(|header| header.servers.iter().chain(&header.observers)) {
            if !lives.has(*id) {
                let sentence = format!("server {id} is a member and has no events");
                let place = Place { file: 0, line: 1 };
                findings.add(place, Severity::Error, About::Member, sentence);
            }
        }
        findings.report(&files, &beside, events)
    }

    /// Takes the lines that are held of one chain, although lines before them are missing.
    fn release_one(&mut self) {
        let Some(key) = self.lives.skip_gap(&mut self.findings) else { return };
        while let Some((place, event)) = self.lives.next_held(&key) {
            self.take(place, &event);
        }
    }

    /// Looks at an event whose turn in its chain has come.
    fn take(&mut self, place: Place, event: &Event) {
        self.check_ids(place, event);
        self.check_contract(place, event);
        self.lives.take(place, event, &mut self.findings);
        self.links.event(place, event, &mut self.findings);
    }

    /// A server that is called silent is a member.
    fn check_silent(&mut self, place: Place, header: &Header) {
        for id in header.contract.silent.iter().filter(|id| !header.has_member(**id)) {
            let sentence = format!("server {id}, which the contract calls silent, is no member");
            self.findings.warning(place, sentence);
        }
    }

    /// Every id names a member; each unknown server is reported once.
    fn check_ids(&mut self, place: Place, event: &Event) {
        let recorder = event.server == 0;
        if recorder != (event.kind.name() == EventName::Joined) {
            let what = format!("{} of server {}", event.kind.name(), event.server);
            let rule = "server 0 is the recorder, and only it writes Joined";
            self.findings.error(place, format!("{what}: {rule}"));
            return;
        }
        if !recorder {
            self.check_id(place, event.server);
        }
        if let EventKind::Connected { peer: Some(peer), .. } = &event.kind {
            self.check_id(place, *peer);
        } else if let Some(packet) = event.kind.packet() {
            self.check_id(place, packet.peer);
            if let Message::Notification { leader, .. } = packet.message {
                self.check_id(place, leader);
            }
        } else if let EventKind::Elected { leader, .. } = &event.kind {
            self.check_id(place, *leader);
        }
    }

    fn check_id(&mut self, place: Place, id: ServerId) {
        let known = self.header.as_ref().is_some_and(|header| header.has_member(id));
        if !known && self.unknown_ids.insert(id) {
            self.findings.error(place, format!("server {id} is not in the header"));
        }
    }

    /// What the header says is not shown, is not.
    fn check_contract(&mut self, place: Place, event: &Event) {
        let Some(contract) = self.header.as_ref().map(|header| &header.contract) else { return };
        let name = event.kind.name();
        if contract.hidden.contains(&name) {
            let sentence = format!("{name} is among the contract's hidden events");
            self.findings.error(place, sentence);
        }
        if !contract.state && event.state.is_some() && !self.undeclared_state {
            self.undeclared_state = true;
            let sentence = "state, which the contract does not promise".to_owned();
            self.findings.warning(place, sentence);
        }
        if is_hidden_step(name) && contract.silent.contains(&event.server) {
            let sentence =
                format!("{name} of server {}, which the contract calls silent", event.server);
            self.findings.error(place, sentence);
        }
    }
}

/// Whether a silent server does not write this event.
const fn is_hidden_step(name: EventName) -> bool {
    match name {
        EventName::Persisted
        | EventName::Delivered
        | EventName::Looking
        | EventName::Resent
        | EventName::Elected
        | EventName::Proposed
        | EventName::Established
        | EventName::Committed => true,
        EventName::Start
        | EventName::Stop
        | EventName::Killed
        | EventName::Connected
        | EventName::Disconnected
        | EventName::Received
        | EventName::Sent
        | EventName::Joined => false,
    }
}
