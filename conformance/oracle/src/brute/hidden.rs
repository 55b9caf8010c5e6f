//! Every hidden step that a server may take, whatever comes next.

use zab_model::{Phase, Role, Shape, Step, Wide};
use zab_trace::EventKind;

use super::node::Due;
use super::{Trace, World};

/// Adds the worlds that one hidden step of this server leads to.
pub(super) fn steps(trace: &Trace, world: &World, row: usize, next: &mut Vec<World>) {
    let node = &world.nodes[row];
    let (server, shown) = (&node.server, trace.shows[row]);
    if server.role == Role::Down {
        return;
    }
    let mut steps: Vec<Step<Wide>> = Vec::new();
    if !shown.persisted {
        steps.push(Step::ProgramNext);
        let durable = Wide::length(&server.disk.history);
        for length in durable + 1..=durable + server.unsynced() {
            let up_to = trace.cfg.history(server.history).zxid_at(length);
            steps.push(Step::SyncLog { up_to });
        }
    }
    if !shown.elected {
        steps.push(Step::Settle);
    }
    if !shown.looking {
        steps.push(Step::LeaveRole);
    }
    if !shown.resent && resend_helps(trace, world, row) {
        steps.push(Step::Resend);
    }
    if !shown.proposed && server.role == Role::Leading && server.phase == Phase::Broadcast {
        let last = server.last(&trace.cfg);
        let epoch = server.accepted_epoch;
        let counter = if last.epoch == epoch { last.counter + 1 } else { 1 };
        // A transaction that no line names need not have been.
        if trace.named.get(&epoch).is_some_and(|named| counter <= *named) {
            let zxid = zab_trace::Zxid::new(epoch, counter);
            let payload = trace.digests.get(&zxid).map_or(0, |digest| digest.0);
            steps.push(Step::Request { payload });
        }
    }
    for step in steps {
        let mut world = world.clone();
        if world.nodes[row].step(&trace.cfg, step) {
            hide(trace, &mut world, row);
            next.push(world);
        }
    }
}

/// Forgets what a step produced that the contract hides.
pub(super) fn hide(trace: &Trace, world: &mut World, row: usize) {
    let shown = trace.shows[row];
    let node = &mut world.nodes[row];
    node.hide(shown);
    node.written = None;
    node.proposed = None;
}

/// Repetitions beyond the number of notifications that are still to be sent show nothing.
fn resend_helps(trace: &Trace, world: &World, row: usize) -> bool {
    let sends = trace.lines[row].iter().skip(world.shown[row]).filter(|line| {
        matches!(&line.kind, EventKind::Sent(packet)
            if packet.message.port() == zab_trace::Port::Election)
    });
    let sends = sends.count();
    let node = &world.nodes[row];
    (0..node.wires.len()).all(|to| {
        let queue: Vec<Due> = node.lane((6, to)).map(|(_, due)| due).collect();
        let repeated = queue.iter().rev().take_while(|due| Some(*due) == queue.last());
        repeated.count() <= sends
    }) && sends > 0
}
