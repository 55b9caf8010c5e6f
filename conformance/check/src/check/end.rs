//! What follows from explained lines: facts, doubts, and the end of the trace.

use zab_trace::{Event, LintReport, Packet};

use super::checker::Checker;
use super::options::Outcome;
use super::stop::{Stop, inconclusive};
use crate::properties::Broken;
use crate::report::{Reason, Refusal, Verdict, Violation, diagnose};
use crate::state::Fact;
use crate::trace::{At, Line, Log, Merge, Missing, Place, Stall};

/// The verdict on a trace that breaks the format's rules.
pub(super) fn form(report: &LintReport) -> Option<Verdict> {
    let cause = report.cause()?;
    let place = Place { file: cause.file.clone(), line: cause.line };
    let (sentence, more) = (cause.sentence.clone(), report.errors.saturating_sub(1));
    Some(inconclusive(Some(place), Reason::Form { sentence, more }))
}

impl Checker<'_> {
    /// With one candidate left, its facts are certain.
    pub(super) fn settle(&mut self, row: usize, at: At) {
        let [candidate] = self.monitors[row].frontier.as_mut_slice() else { return };
        if self.base.options.witness {
            let server = self.monitors[row].id;
            let trail = self.monitors[row].frontier[0].trail.drain(..);
            self.witness.entries.extend(trail.map(|entry| (server, entry)));
            return self.state_facts(row, at);
        }
        if !candidate.facts.is_empty() {
            self.state_facts(row, at);
        }
    }

    fn state_facts(&mut self, row: usize, at: At) {
        let server = self.monitors[row].id;
        let facts = std::mem::take(&mut self.monitors[row].frontier[0].facts);
        for fact in facts {
            if self.violation.is_some() {
                break;
            }
            let holders = match fact {
                Fact::Committed { zxid, history } => self.holders(zxid, history),
                Fact::Proposed { .. } | Fact::Established { .. } | Fact::Held { .. } => None,
            };
            let noted = self.facts.note(&self.base.cfg.logs, (at, server, fact), holders);
            noted.unwrap_or_else(|broken| self.violated(at, broken));
        }
    }

    fn violated(&mut self, at: At, broken: Broken) {
        let Broken { property, seen } = broken;
        let place = self.base.files.place(at);
        self.violation = Some(Violation { property, place, seen, lines: None });
    }

    /// How many servers hold a transaction durably now, and how many are a quorum; none while a
    /// server may be in several states, or the commit is not of this moment.
    fn holders(&self, zxid: zab_model::Zxid<u32>, history: Log) -> Option<(usize, usize)> {
        if !self.facts.in_order() {
            return None;
        }
        let history = self.base.cfg.history(history);
        let length = history.length_at(zxid)?;
        let committed = history.prefix(length);
        let mut holders = 0;
        for monitor in &self.monitors {
            let [candidate] = monitor.frontier.as_slice() else { return None };
            let disk = self.base.cfg.history(candidate.core.server.disk.history);
            holders += usize::from(disk.prefix(length) == committed);
        }
        // With a seeded defect the model's own quorum may be too small.
        Some((holders, self.monitors.len() / 2 + 1))
    }

    /// Why the merge cannot go on.
    pub(super) fn stalled(&mut self, stall: Stall) -> Stop {
        self.received = None;
        match stall {
            Stall::Missing { at, missing } => {
                let reason = match missing {
                    Missing::Line { server, incarnation, chain, seq } => {
                        Reason::Gap { server, incarnation, chain, seq }
                    }
                    Missing::Sent { line, packet } => return self.unsent(&line, packet),
                    Missing::End { server, incarnation } => {
                        Reason::OpenIncarnation { server, incarnation }
                    }
                };
                inconclusive(Some(self.base.files.place(at)), reason).into()
            }
            Stall::Circle { line, sent } => {
                let divergence = self.circle(&line, sent);
                let verdict = Verdict::Diverges(Box::new(divergence));
                Stop::Pairing(Box::new(verdict.into()))
            }
            Stall::Repeated { at } => {
                inconclusive(Some(self.base.files.place(at)), Reason::RepeatedSeq).into()
            }
            Stall::Knot { at } => {
                inconclusive(Some(self.base.files.place(at)), Reason::Knot).into()
            }
            Stall::Budget { lines, bytes_max } => {
                inconclusive(None, Reason::OrderBudget { lines, bytes_max }).into()
            }
        }
    }

    /// A message is received, and no line shows that it was sent to this server.
    fn unsent(&self, line: &Line, packet: Packet) -> Stop {
        let Event { server, incarnation, .. } = line.event;
        if self.assumed.is_misdirected || self.base.links.contradicts(server, &packet) {
            let divergence = self.link(line, diagnose::misdirected(&packet));
            return Verdict::Diverges(Box::new(divergence)).into();
        }
        let reason = Reason::ReceiveWithoutSend(packet.clone());
        let verdict = Box::new(inconclusive(Some(self.base.files.place(line.at)), reason));
        let receiver = (server, incarnation);
        Stop::Pairing(Box::new(Stop::Unsent { verdict, receiver, packet: Box::new(packet) }))
    }

    /// All lines are explained; is anything missing?
    pub(super) fn end(&mut self, merge: &Merge<'_>) -> Result<Outcome, Stop> {
        if self.summary.events == 0 {
            return Err(Verdict::Refused(Refusal::Empty).into());
        }
        for (name, at) in merge.unknown() {
            self.lint.unknown(at.index(), at.line, std::slice::from_ref(name));
        }
        let report = std::mem::take(&mut self.lint).finish();
        if let Some(wrong) = form(&report) {
            return Err(wrong.into());
        }
        for row in 0..self.monitors.len() {
            // Several ways to end are as good as one: any of them explains the trace.
            self.monitors[row].frontier.truncate(1);
            if let Some(at) = self.monitors[row].recent.back().map(|line| line.at) {
                self.settle(row, at);
            }
        }
        self.summary.incarnations = self.monitors.iter().map(|monitor| monitor.incarnations).sum();
        if self.violation.is_none()
            && let Err((at, broken)) = self.facts.finish(&self.base.cfg.logs)
        {
            self.violated(at, broken);
        }
        self.summary.steps = self.base.steps;
        self.summary.committed = self.facts.committed_count();
        if let Some(never) = self.ledger.finish() {
            return Err(inconclusive(None, Reason::NeverSeen(never)).into());
        }
        self.summary.counts = self.ledger.counts(self.summary.incarnations);
        let witness = std::mem::take(&mut self.witness);
        let witness = self.base.options.witness.then_some(witness);
        let (notes, summary) = (report.findings, self.summary.clone());
        Ok(Outcome { verdict: Verdict::Conforms(summary), witness, notes })
    }
}
