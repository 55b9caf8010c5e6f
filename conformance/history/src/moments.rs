//! What clients see of each other: rules about real time, for clients that share a clock.

use std::collections::BTreeMap;

use zab_trace::Zxid;

use crate::events::{Events, Op};
use crate::findings::Findings;
use crate::outcome::{Rule, Stale};
use crate::record::Call;

/// Checks all operations together. `found` are unknown writes that happened, with their zxids.
pub(crate) fn check(events: &Events<'_>, found: &BTreeMap<usize, Zxid>, findings: &mut Findings) {
    nothing_before_it_was_asked(events, found, findings);
    let known = Acknowledged::new(events);
    after_sync(events, &known, findings);
    in_time(events, &known, findings);
    count_stale(events, &known, findings);
}

/// An answer that rests on a write comes after that write was asked for. As every write rests on
/// those with smaller zxids, this is also the real order of writes: one that was answered before
/// another was asked for has the smaller zxid.
fn nothing_before_it_was_asked(
    events: &Events<'_>,
    found: &BTreeMap<usize, Zxid>,
    findings: &mut Findings,
) {
    let zxid = |op: &Op<'_>| op.zxid().or(found.get(&op.index).copied());
    let mut all: Vec<(Zxid, bool, &Op<'_>)> = Vec::new();
    for op in &events.ops {
        let Some(zxid) = zxid(op) else { continue };
        let writes = op.wrote() || found.contains_key(&op.index);
        all.push((zxid, !writes, op));
    }
    all.sort_by_key(|(zxid, reads, _)| (*zxid, *reads));
    let mut youngest: Option<(Zxid, &Op<'_>)> = None;
    let mut before: Option<(Zxid, &Op<'_>)> = None;
    for (zxid, reads, op) in all {
        if !reads {
            findings.ask(Rule::Linearizable);
            if let Some((_, other)) = before.filter(|(other, _)| *other == zxid) {
                let text = format!(
                    "two writes have the zxid {zxid}: {} and {}",
                    other.operation.call, op.operation.call
                );
                findings.violation(
                    Rule::Linearizable,
                    op.index,
                    text,
                    &[(other.index, "the other")],
                );
            }
            before = Some((zxid, op));
        }
        if let Some((made, write)) = youngest.filter(|(_, w)| op.returned() < w.operation.invoked) {
            let text = format!(
                "{} was answered with {zxid} ({}), and {made} was asked for only later ({})",
                op.whose(),
                op.operation.call,
                write.operation.call
            );
            findings.violation(Rule::Linearizable, op.index, text, &[(write.index, "asked later")]);
        }
        if !reads && youngest.is_none_or(|(_, w)| w.operation.invoked < op.operation.invoked) {
            youngest = Some((zxid, op));
        }
    }
}

/// Acknowledged writes: when each was answered, and the largest zxid until then.
struct Acknowledged<'a> {
    times: Vec<u64>,
    largest: Vec<(Zxid, &'a Op<'a>)>,
}

impl<'a> Acknowledged<'a> {
    fn new(events: &'a Events<'a>) -> Self {
        let mut writes: Vec<&Op<'_>> = events.ops.iter().filter(|op| op.wrote()).collect();
        writes.sort_by_key(|op| op.returned());
        let (mut times, mut largest) = (Vec::new(), Vec::<(Zxid, &Op<'_>)>::new());
        for op in writes {
            let Some(zxid) = op.zxid() else { continue };
            let own = (zxid, op);
            times.push(op.returned());
            largest.push(match largest.last() {
                Some(last) if last.0 > zxid => *last,
                _ => own,
            });
        }
        Self { times, largest }
    }

    /// The write with the largest zxid of those that were answered before a moment.
    fn before(&self, moment: u64) -> Option<(Zxid, &'a Op<'a>)> {
        let count = self.times.partition_point(|at| *at < moment);
        count.checked_sub(1).map(|last| self.largest[last])
    }
}

/// What a session is answered after a sync is as new as what was acknowledged before the sync.
fn after_sync(events: &Events<'_>, known: &Acknowledged<'_>, findings: &mut Findings) {
    for places in events.sessions.values() {
        let mut bound: Option<(Zxid, &Op<'_>, &Op<'_>)> = None;
        for op in places.iter().map(|place| &events.ops[*place]) {
            let Some(zxid) = op.zxid() else { continue };
            if matches!(op.operation.call, Call::Sync { .. }) && op.operation.error.is_none() {
                let newest = known.before(op.operation.invoked);
                let newest = newest.map(|(zxid, write)| (zxid, write, op));
                bound = newest.filter(|new| bound.is_none_or(|old| old.0 < new.0)).or(bound);
            }
            let Some((least, write, sync)) = bound else { continue };
            findings.ask(Rule::SyncRead);
            if zxid < least {
                let text = format!(
                    "{} synced after {} had been acknowledged ({least}), and then {} was answered \
                     from {zxid}",
                    op.whose(),
                    write.operation.call,
                    op.operation.call
                );
                let related = [(write.index, "acknowledged"), (sync.index, "the sync")];
                findings.violation(Rule::SyncRead, op.index, text, &related);
                bound = None;
            }
        }
    }
}

/// No answer is older than the header promises.
fn in_time(events: &Events<'_>, known: &Acknowledged<'_>, findings: &mut Findings) {
    let Some(bound) = events.history.header.timely else { return };
    for op in &events.ops {
        let Some(zxid) = op.zxid() else { continue };
        findings.ask(Rule::Timely);
        let moment = op.operation.invoked.saturating_sub(bound.saturating_mul(1_000_000));
        let missed = known.before(moment).filter(|(newest, _)| *newest > zxid);
        if let Some((newest, write)) = missed {
            let text = format!(
                "{} was answered from {zxid} ({}), and {newest} had been acknowledged more than \
                 {bound} ms before it asked",
                op.whose(),
                op.operation.call
            );
            findings.violation(Rule::Timely, op.index, text, &[(write.index, "acknowledged")]);
        }
    }
}

/// Reads that are behind what another client was told: allowed, and told.
fn count_stale(events: &Events<'_>, known: &Acknowledged<'_>, findings: &mut Findings) {
    for op in events.ops.iter().filter(|op| !op.operation.call.is_write()) {
        let Some(zxid) = op.zxid() else { continue };
        let newest = known.before(op.operation.invoked);
        if let Some((_, write)) = newest.filter(|(newest, _)| *newest > zxid) {
            findings.stale(Stale { read: op.index, write: write.index });
        }
    }
}
