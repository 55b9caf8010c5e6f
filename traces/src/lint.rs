//! What is wrong with a trace that can be read: things that no emitter should write, and that make
//! a check inconclusive or its result misleading. Whether the steps are legal is not asked here.
//!
//! Events are looked at once, in the order of the files; what is kept grows with the number of
//! incarnations and connections, not with that of events.

mod life;
mod links;

use std::{collections::BTreeSet, fmt, path::Path};

use crate::{
    Event, EventKind, EventName, Header, Located, Message, ReadError, Reader, ServerId,
    error::disagreement, trace_files,
};

use life::Lives;
use links::Links;

/// How many findings are kept; the rest are counted. A trace with more has one fault, not many.
pub const FINDINGS_MAX: usize = 1000;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The trace breaks the format's rules; a check cannot be conclusive.
    Error,
    /// Allowed, and probably not meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong, and where.
///
/// Shown as `file:line: severity: sentence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub sentence: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.severity, self.sentence)
    }
}

/// What a lint found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintReport {
    /// The findings, by file and line, at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub left_out: u64,
    /// How many files were read.
    pub files: usize,
    /// How many events were read.
    pub events: u64,
}

impl LintReport {
    /// Whether nothing was found that breaks the format's rules.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.left_out == 0 && self.findings.iter().all(|f| f.severity != Severity::Error)
    }
}

/// Lints the trace in these files and folders (see [`trace_files`]). A file that cannot be read to
/// its end is a finding, too.
///
/// # Errors
/// When there is no file to lint.
pub fn lint(paths: &[impl AsRef<Path>]) -> Result<LintReport, ReadError> {
    let mut lint = Lint::default();
    for path in trace_files(paths)? {
        match Reader::open(&path) {
            Ok(reader) => {
                lint.file(reader.file(), reader.header());
                for located in reader {
                    match located {
                        Ok(located) => lint.event(&located),
                        Err(error) => lint.unreadable(&error),
                    }
                }
            }
            Err(error) => lint.unreadable(&error),
        }
    }
    Ok(lint.finish())
}

/// A line of one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    file: usize,
    line: u64,
}

/// Findings with their places, before files have names again.
#[derive(Debug, Default)]
struct Findings {
    found: Vec<(Place, Severity, String)>,
    left_out: u64,
}

impl Findings {
    fn error(&mut self, place: Place, sentence: String) {
        self.add(place, Severity::Error, sentence);
    }

    fn warning(&mut self, place: Place, sentence: String) {
        self.add(place, Severity::Warning, sentence);
    }

    fn add(&mut self, place: Place, severity: Severity, sentence: String) {
        if self.found.len() < FINDINGS_MAX {
            self.found.push((place, severity, sentence));
        } else {
            self.left_out += 1;
        }
    }
}

/// A lint in progress, for callers that read the files themselves: [`Lint::file`], then all events
/// of that file, then the next file, and [`Lint::finish`].
#[derive(Debug, Default)]
pub struct Lint {
    files: Vec<String>,
    header: Option<Header>,
    events: u64,
    unknown_ids: BTreeSet<ServerId>,
    lives: Lives,
    links: Links,
    findings: Findings,
}

impl Lint {
    /// Begins a file.
    pub fn file(&mut self, name: &str, header: &Header) {
        self.files.push(name.to_owned());
        let place = self.place(1);
        match &self.header {
            None => {
                let hides = |name| header.contract.hidden.contains(&name);
                self.lives = Lives::new(hides(EventName::Start));
                self.links = Links::new(hides(EventName::Connected));
                self.header = Some(header.clone());
            }
            Some(first) => {
                if let Some(field) = disagreement(first, header) {
                    let sentence = format!("{field} differs from that of {}", self.files[0]);
                    self.findings.error(place, sentence);
                }
            }
        }
    }

    /// Looks at the next event of the file.
    pub fn event(&mut self, located: &Located) {
        let Located { line, event } = located;
        let place = self.place(*line);
        self.events += 1;
        self.check_ids(place, event);
        self.check_contract(place, event);
        self.lives.event(place, event, &mut self.findings);
        self.links.event(place, event, &mut self.findings);
    }

    /// A file cannot be read, or not further.
    pub fn unreadable(&mut self, error: &ReadError) {
        if self.files.last() != Some(&error.file) {
            self.files.push(error.file.clone());
        }
        let place = self.place(error.line);
        self.findings.error(place, format!("column {}: {}", error.column, error.kind));
    }

    /// All files were read: looks at the trace as a whole.
    #[must_use]
    pub fn finish(self) -> LintReport {
        let Self { files, header, events, lives, links, mut findings, .. } = self;
        let hides = |name| header.as_ref().is_some_and(|h| h.contract.hidden.contains(&name));
        lives.finish(hides(EventName::Stop), &mut findings);
        if !hides(EventName::Sent) {
            links.finish(&mut findings);
        }
        for id in header.iter().flat_map(|header| header.servers.iter().chain(&header.observers)) {
            if !lives.has(*id) {
                let sentence = format!("server {id} is a member and has no events");
                findings.warning(Place { file: 0, line: 1 }, sentence);
            }
        }
        let Findings { mut found, left_out } = findings;
        found.sort_by_key(|(place, _, _)| *place);
        let name = |place: Place| files.get(place.file).cloned().unwrap_or_default();
        let findings = found.into_iter().map(|(place, severity, sentence)| Finding {
            file: name(place),
            line: place.line,
            severity,
            sentence,
        });
        let findings = findings.collect();
        LintReport { findings, left_out, files: files.len(), events }
    }

    fn place(&self, line: u64) -> Place {
        Place { file: self.files.len().saturating_sub(1), line }
    }

    /// Every id names a member; each stranger is reported once.
    fn check_ids(&mut self, place: Place, event: &Event) {
        let recorder = event.server == 0;
        if recorder != (event.kind.name() == EventName::Joined) {
            let what = format!("{} of server {}", event.kind.name(), event.server);
            let rule = "server 0 is the recorder, and only it writes Joined";
            self.findings.error(place, format!("{what}: {rule}"));
            return;
        }
        let mut ids = Vec::with_capacity(3);
        if !recorder {
            ids.push(event.server);
        }
        mentioned(&event.kind, &mut ids);
        for id in ids {
            let known = self.header.as_ref().is_some_and(|header| header.has_member(id));
            if !known && self.unknown_ids.insert(id) {
                self.findings.error(place, format!("server {id} is not in the header"));
            }
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
        if !contract.state && event.state.is_some() {
            let sentence = "state, which the contract says is not shown".to_owned();
            self.findings.warning(place, sentence);
        }
        if is_hidden_step(name) && contract.silent.contains(&event.server) {
            let sentence =
                format!("{name} of server {}, which the contract calls silent", event.server);
            self.findings.error(place, sentence);
        }
    }
}

/// The servers that the event's arguments name.
fn mentioned(kind: &EventKind, ids: &mut Vec<ServerId>) {
    match kind {
        EventKind::Connected { peer, .. } => ids.extend(*peer),
        EventKind::Received(packet) | EventKind::Sent(packet) => {
            ids.push(packet.peer);
            if let Message::Notification { leader, .. } = packet.message {
                ids.push(leader);
            }
        }
        EventKind::Elected { leader, .. } => ids.push(*leader),
        EventKind::Start { .. }
        | EventKind::Stop
        | EventKind::Killed
        | EventKind::Disconnected { .. }
        | EventKind::Persisted(_)
        | EventKind::Delivered { .. }
        | EventKind::Looking { .. }
        | EventKind::Resent
        | EventKind::Proposed { .. }
        | EventKind::Established { .. }
        | EventKind::Committed { .. }
        | EventKind::Joined { .. } => {}
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
