//! What one session sees: its own order.

use zab_trace::Zxid;

use crate::events::{Events, Op};
use crate::findings::Findings;
use crate::outcome::Rule;
use crate::record::What;

/// Checks every session by itself.
pub(crate) fn check(events: &Events<'_>, findings: &mut Findings) {
    for places in events.sessions.values() {
        let ops: Vec<&Op<'_>> = places.iter().map(|place| &events.ops[*place]).collect();
        answers_in_order(events, &ops, findings);
        let swapped = writes_in_order(&ops, findings);
        never_back(&ops, &swapped, findings);
    }
}

/// Replies come in the order of the requests, and none is left out while the connection lives.
fn answers_in_order(events: &Events<'_>, ops: &[&Op<'_>], findings: &mut Findings) {
    let Some(first) = ops.first() else { return };
    let breaks = breaks(events, first.line.client);
    let mut latest: Option<&Op<'_>> = None;
    let mut unanswered: Option<&Op<'_>> = None;
    for op in ops {
        findings.ask(Rule::Fifo);
        // What had no answer when the connection was lost will never have one; nor has what was asked
        // while there was none.
        unanswered = unanswered.filter(|before| {
            let (from, to) = (before.operation.invoked, op.operation.invoked);
            !breaks.iter().any(|at| (from..to).contains(at))
        });
        if op.operation.returned.is_none() {
            unanswered = unanswered.or(Some(op));
            continue;
        }
        if let Some(before) = latest.filter(|before| before.returned() > op.returned()) {
            let text = format!(
                "{} asked {} before {}, and was answered the other way round",
                op.whose(),
                before.operation.call,
                op.operation.call
            );
            findings.violation(Rule::Fifo, op.index, text, &[(before.index, "asked first")]);
        }
        if let Some(before) = unanswered.take() {
            let text = format!(
                "{} has the answer to {} and none to {}, which it had asked before on the same \
                 connection",
                op.whose(),
                op.operation.call,
                before.operation.call
            );
            findings.violation(Rule::Fifo, op.index, text, &[(before.index, "not answered")]);
        }
        latest = Some(op);
    }
}

/// When a client lost its connection, and when it got another one.
fn breaks(events: &Events<'_>, client: u32) -> Vec<u64> {
    let lines = events.history.lines.iter().filter(|line| line.client == client);
    lines
        .filter_map(|line| match line.what {
            What::Connected { at, .. } | What::Disconnected { at } | What::Expired { at } => {
                Some(at)
            }
            What::Operation(_) | What::Watch { .. } | What::Mark(_) => None,
        })
        .collect()
}

/// A session's writes have growing zxids, in the order of the requests. Returns the lines that do not.
fn writes_in_order(ops: &[&Op<'_>], findings: &mut Findings) -> Vec<usize> {
    let mut swapped = Vec::new();
    let mut latest: Option<(&Op<'_>, Zxid)> = None;
    for op in ops.iter().filter(|op| op.operation.call.is_write()) {
        let Some(zxid) = op.zxid() else { continue };
        findings.ask(Rule::Fifo);
        if let Some((before, earlier)) = latest.filter(|(_, earlier)| *earlier >= zxid) {
            let text = format!(
                "{} asked {} before {}, and their zxids are {earlier} and {zxid}",
                op.whose(),
                before.operation.call,
                op.operation.call
            );
            findings.violation(Rule::Fifo, op.index, text, &[(before.index, "asked first")]);
            swapped.push(op.index);
        } else {
            latest = Some((op, zxid));
        }
    }
    swapped
}

/// The states that a session sees never get older.
fn never_back(ops: &[&Op<'_>], swapped: &[usize], findings: &mut Findings) {
    let mut answered: Vec<&&Op<'_>> = ops.iter().filter(|op| op.zxid().is_some()).collect();
    answered.sort_by_key(|op| op.returned());
    let mut newest: Option<(&Op<'_>, Zxid)> = None;
    for op in answered {
        let Some(zxid) = op.zxid() else { continue };
        findings.ask(Rule::SingleImage);
        match newest {
            Some((before, seen)) if zxid < seen => {
                if swapped.contains(&op.index) {
                    continue;
                }
                let server = |op: &Op<'_>| op.line.server.clone().unwrap_or("a server".to_owned());
                let text = format!(
                    "{} saw {seen} ({} at {}), and then {zxid} ({} at {})",
                    op.whose(),
                    before.operation.call,
                    server(before),
                    op.operation.call,
                    server(op)
                );
                findings.violation(
                    Rule::SingleImage,
                    op.index,
                    text,
                    &[(before.index, "saw more")],
                );
            }
            _ => newest = Some((op, zxid)),
        }
    }
}
