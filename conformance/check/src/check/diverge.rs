//! The divergences that a run finds.

use zab_trace::EventKind;

use super::checker::Checker;
use crate::report::{Case, Divergence, Found, Mismatch, Past, describe, diagnose, notes};
use crate::trace::{At, Line};

impl Checker<'_> {
    /// The divergence at a line, with what was found.
    pub(super) fn divergence(&self, line: &Line, found: Found) -> Divergence {
        let Found { rule, mismatch, held, states, state, legal, candidate } = found;
        let notes = notes::notes(&Case {
            cfg: &self.base.cfg,
            ids: &self.base.ids,
            files: &self.base.files,
            archive: &self.archive,
            line,
            sent: self.sent_at(line),
            candidate: &candidate,
        });
        let (next, blank) = (diagnose::next(rule), self.blank(line));
        Divergence { rule, mismatch, held, states, state, legal, notes, next, ..blank }
    }

    /// The divergence of a line with a connection.
    pub(super) fn link(&self, line: &Line, mismatch: Mismatch) -> Divergence {
        Divergence { mismatch, ..self.blank(line) }
    }

    /// The divergence of a line after which no state leads to what its server sends later.
    pub(super) fn no_continuation(&self, line: &Line) -> Divergence {
        let mismatch = Mismatch::Unexpected {
            found: describe::event(&line.event),
            wanted: "a state from which this server can send what it sends later".to_owned(),
        };
        let state = "several; none leads to the messages that follow".to_owned();
        Divergence { state, ..self.link(line, mismatch) }
    }

    /// The divergence of a message that is received before it is sent.
    pub(super) fn circle(&self, line: &Line, sent: At) -> Divergence {
        let mismatch = Mismatch::Unexpected {
            found: describe::event(&line.event),
            wanted: "a message that was sent before: the lines between wait for each other"
                .to_owned(),
        };
        let mut divergence = self.link(line, mismatch);
        let event = "the Sent line of this message".to_owned();
        divergence.past.push(Past { place: self.base.files.place(sent), event });
        divergence
    }

    /// A line that diverges, with what came before it.
    fn blank(&self, line: &Line) -> Divergence {
        let past = |line: &Line| Past {
            place: self.base.files.place(line.at),
            event: describe::event(&line.event),
        };
        let nearest = self.archive.nearest(&line.event, self.sent_at(line));
        let mut lines: Vec<Past> = nearest.into_iter().map(past).collect();
        if let Some(row) = self.row(line.event.server).filter(|_| lines.is_empty()) {
            lines.extend(self.monitors[row].recent.iter().map(past));
        }
        let unseen = self.ledger.unseen();
        let place = self.base.files.place(line.at);
        Divergence { unseen, ..diagnose::blank(place, &line.event, lines) }
    }

    /// Where the message that a line receives was sent.
    pub(super) fn sent_at(&self, line: &Line) -> Option<At> {
        let now = self.received.filter(|_| matches!(line.event.kind, EventKind::Received(_)));
        self.archive.sent(line.at).unwrap_or(now)
    }
}
