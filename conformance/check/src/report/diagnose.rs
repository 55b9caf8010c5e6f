//! Finds out why a line cannot be explained: runs every candidate's step again with a probe, and
//! takes the one that came furthest.

use zab_model::Record;
use zab_trace::{Event, EventKind, Packet};

use crate::mapping::{self, LINKS, Miss, choices};
use crate::report::explain::{Divergence, Mismatch, Past};
use crate::report::{describe, legal};
use crate::search::Monitor;
use crate::state::{Candidate, Context, witness};
use crate::trace::{Fault, Place, convert};

/// The candidate that came closest to a line, and what kept it from it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) rule: &'static str,
    pub(crate) mismatch: Mismatch,
    pub(crate) held: Vec<String>,
    pub(crate) states: usize,
    pub(crate) state: String,
    pub(crate) legal: Vec<String>,
    pub(crate) candidate: Candidate,
}

/// Looks for the candidate that comes closest. None if there are too many to look at.
pub(crate) fn closest(ctx: &mut Context<'_>, monitor: &mut Monitor) -> Option<Found> {
    let candidates = monitor.closed(ctx).ok()?;
    let states = monitor.frontier.len();
    let mut best: Option<((u8, usize), Found)> = None;
    for candidate in &candidates {
        for choice in choices(ctx, candidate) {
            let mut record = Record::default();
            let mut taken = candidate.clone();
            let Err(miss) = mapping::follow(ctx, &mut taken, choice, &mut record) else { continue };
            let held = record.checks.iter().filter(|check| check.holds).count();
            let score = (progress(&miss), held);
            if best.as_ref().is_none_or(|(other, _)| score > *other) {
                best = Some((score, found(ctx, candidate, &miss, &record, states)));
            }
        }
    }
    best.map(|(_, found)| found)
}

/// How far a miss is from success: a step that was taken is closer than one that was not.
fn progress(miss: &Miss) -> u8 {
    match miss {
        Miss::State(_) => 3,
        Miss::Step(_) => 2,
        Miss::Send { open: true, .. }
        | Miss::Write(_)
        | Miss::Delivery(_)
        | Miss::Decision(_)
        | Miss::Owed(_) => 1,
        Miss::Send { open: false, .. }
        | Miss::NotConnected
        | Miss::Twice
        | Miss::Unknown(_)
        | Miss::Down
        | Miss::Running => 0,
    }
}

fn found(
    ctx: &mut Context<'_>,
    candidate: &Candidate,
    miss: &Miss,
    record: &Record,
    states: usize,
) -> Found {
    let default = mapping::rule(ctx.event(), &candidate.core.server);
    let (rule, mismatch) = mismatch(ctx, miss, record, default);
    let held = record.checks.iter().filter(|check| check.holds);
    let held = held.map(|c| format!("{}: {} ({} | {})", c.rule, c.guard, c.offered, c.held));
    Found {
        rule,
        mismatch,
        held: held.collect(),
        states,
        state: candidate.core.server.projection(ctx.cfg).to_string(),
        legal: legal::legal(ctx, candidate),
        candidate: candidate.clone(),
    }
}

/// Whether the model uses this word as a rule's id, and not as a name for what all rules share.
fn is_rule(word: &str) -> bool {
    word.contains('.')
}

fn mismatch(
    ctx: &Context<'_>,
    miss: &Miss,
    record: &Record,
    default: &'static str,
) -> (&'static str, Mismatch) {
    let unexpected =
        |wanted: String| Mismatch::Unexpected { found: describe::event(ctx.event()), wanted };
    let or_nothing = |due: Option<String>| due.unwrap_or_else(|| "nothing of this kind".to_owned());
    match miss {
        Miss::Step(step) => match record.failed() {
            Some(check) => {
                let rule = if is_rule(check.rule) { check.rule } else { default };
                (rule, guard(check))
            }
            None => (default, unexpected(format!("no {}", witness::name(step)))),
        },
        Miss::State(differs) => {
            let left = record.fired.contains(&"zk.fle.leave_role");
            match record.failed() {
                Some(check) if left && is_rule(check.rule) => (check.rule, guard(check)),
                Some(_) | None => {
                    let field = differs.field;
                    let (found, wanted) = (differs.trace.clone(), differs.model.clone());
                    let fired = record.fired.iter().find(|rule| is_rule(rule));
                    (fired.copied().unwrap_or(default), Mismatch::Field { field, found, wanted })
                }
            }
        }
        Miss::Send { due, open } => {
            let due = due.and_then(|due| convert::message(ctx.ids, &due));
            let wanted = match (due, open) {
                (Some(due), _) => format!("Sent {}", describe::message(&due)),
                (None, true) => "no message is due on this connection".to_owned(),
                (None, false) => "this connection is not open at this end".to_owned(),
            };
            (default, unexpected(wanted))
        }
        Miss::Write(due) => (default, unexpected(or_nothing(due.map(describe::write)))),
        Miss::Delivery(due) => {
            (default, unexpected(or_nothing(due.map(|zxid| format!("Delivered {zxid}")))))
        }
        Miss::Decision(due) => (default, unexpected(or_nothing(due.clone()))),
        Miss::Owed(owed) => {
            let (rule, line) = describe::owed(*owed, ctx.ids);
            (rule, unexpected(format!("{line}, before this line")))
        }
        Miss::NotConnected => (LINKS, unexpected("a connection that is up at this end".to_owned())),
        Miss::Twice => (LINKS, unexpected("a new connection".to_owned())),
        Miss::Unknown(_) => (default, unexpected("a vote for a member of the ensemble".to_owned())),
        Miss::Down => (default, unexpected("Start: the server is not running".to_owned())),
        Miss::Running => (default, unexpected("Stop or Killed: the server is running".to_owned())),
    }
}

fn guard(check: &zab_model::Check) -> Mismatch {
    Mismatch::Guard {
        guard: format!("{}: {}", check.rule, check.guard),
        found: check.offered.clone(),
        wanted: check.held.clone(),
    }
}

/// What to do about a line that breaks this rule.
pub(crate) fn next(rule: &str) -> String {
    if rule == LINKS {
        "read \"Links\" in docs/src/rules.md; look at the recorder, or at what lies between the \
         servers"
            .to_owned()
    } else {
        format!("zabcheck explain {rule}; look at what the implementation does there")
    }
}

/// A divergence of which only the place is known.
pub(crate) fn blank(place: Place, event: &Event, past: Vec<Past>) -> Divergence {
    let unknown = Mismatch::Unexpected { found: describe::event(event), wanted: String::new() };
    Divergence {
        place,
        server: event.server,
        incarnation: event.incarnation,
        seq: event.seq,
        event: describe::event(event),
        rule: LINKS,
        mismatch: unknown,
        held: Vec::new(),
        states: 0,
        state: "not needed: the message itself is wrong".to_owned(),
        legal: Vec::new(),
        later: None,
        notes: Vec::new(),
        past,
        unseen: None,
        next: next(LINKS),
    }
}

/// A line that does not fit to what its end of the connection did before.
pub(crate) fn fault(event: &Event, fault: Fault) -> Mismatch {
    let unexpected = |wanted: &str| Mismatch::Unexpected {
        found: describe::event(event),
        wanted: wanted.to_owned(),
    };
    match (fault, &event.kind) {
        (Fault::Ordinal { expected }, EventKind::Sent(packet) | EventKind::Received(packet)) => {
            Mismatch::Field {
                field: "ordinal",
                found: packet.ordinal.to_string(),
                wanted: format!("{expected}: each use of a connection counts from 0, without gaps"),
            }
        }
        (Fault::Peer { known }, _) => {
            unexpected(&format!("peer {known}, as earlier lines of this connection name it"))
        }
        (Fault::Ordinal { .. } | Fault::Closed, _) => {
            unexpected("a connection that is up at this end")
        }
    }
}

/// A message that the server it names did not send on this connection.
pub(crate) fn misdirected(packet: &Packet) -> Mismatch {
    Mismatch::Unexpected {
        found: format!("{} from {}", describe::message(&packet.message), packet.peer),
        wanted: "a message on a connection that is up between these two servers".to_owned(),
    }
}

/// A message that was lost when its connection ended.
pub(crate) fn lost(packet: &Packet) -> Mismatch {
    Mismatch::Unexpected {
        found: describe::message(&packet.message),
        wanted: "nothing: this end had ended the connection".to_owned(),
    }
}

/// A message that is not the one that was sent.
pub(crate) fn changed(packet: &Packet, sent: &zab_trace::Message) -> Mismatch {
    Mismatch::Field {
        field: "message",
        found: describe::message(&packet.message),
        wanted: format!("{}, as it was sent", describe::message(sent)),
    }
}
