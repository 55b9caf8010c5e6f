//! The ways in which a line can be taken.

use zab_model::Item;
use zab_trace::{EventKind, EventName, Persisted};

use super::started::recovery_of;
use crate::state::{Candidate, Context};

/// How a line that fits in several ways is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// `Received`: which of the contents that the sender may have meant.
    pub(crate) content: usize,
    /// `Start`: how many transactions of the unsynced tail survived.
    pub(crate) survived: u32,
    /// `Stop`, `Killed`: whether the next write of the program had become durable, although no
    /// line shows it.
    pub(crate) written: bool,
    /// `Start`: whether the power loss has undone a cut that was not durable. Only under
    /// `trunc_durable=no` is there one.
    pub(crate) cut_returned: bool,
    /// `Persisted`: whether the sync thread of an earlier role has written it. Only under
    /// `sync_thread_on_stop=zombie` is there one.
    pub(crate) zombie: bool,
    /// Whether the main thread has gone on without waiting for the sync thread, which no line shows.
    /// Only under `newleader_program=queued` may it wait.
    pub(crate) resumed: bool,
}

/// The only way in which a line can be taken, if there is only one.
pub(crate) fn only_choice(ctx: &Context<'_>, candidate: &Candidate) -> Option<Choice> {
    let event = ctx.event();
    if is_peculiar(ctx, candidate) {
        return None;
    }
    if event.kind.packet().is_some() && ctx.linked.contents.len() > 1 {
        return None;
    }
    if !event.kind.ends_incarnation() && event.kind.name() != EventName::Start {
        return Some(Choice::default());
    }
    match choices(ctx, candidate).as_slice() {
        [choice] => Some(*choice),
        _ => None,
    }
}

/// Whether the server does, or has done, what only releases do, so that there may be more ways.
fn is_peculiar(ctx: &Context<'_>, candidate: &Candidate) -> bool {
    let server = &candidate.core.server;
    let length = |log| ctx.cfg.history(log).length();
    let pauses = server.program.next() == Item::Pause;
    pauses || length(server.zombie) > 0 || length(server.disk.cut) > 0
}

/// The ways in which a line can be taken: never none.
pub(crate) fn choices(ctx: &Context<'_>, candidate: &Candidate) -> Vec<Choice> {
    let choices = usual(ctx, candidate);
    if !is_peculiar(ctx, candidate) {
        return choices;
    }
    let server = &candidate.core.server;
    let length = |log| ctx.cfg.history(log).length();
    let kind = &ctx.event().kind;
    let either = |is_possible: bool| [false].into_iter().chain(is_possible.then_some(true));
    let returns = matches!(kind, EventKind::Start { .. }) && length(server.disk.cut) > 0;
    let writes = matches!(kind, EventKind::Persisted(Persisted::Log(_)));
    let zombie = writes && length(server.zombie) > 0;
    let pauses = server.program.next() == Item::Pause;
    let ways = choices.into_iter().flat_map(|choice| {
        either(returns).map(move |cut_returned| Choice { cut_returned, ..choice })
    });
    let ways =
        ways.flat_map(|choice| either(zombie).map(move |zombie| Choice { zombie, ..choice }));
    ways.flat_map(|choice| either(pauses).map(move |resumed| Choice { resumed, ..choice }))
        .collect()
}

/// As [`choices`], of what servers do under `fixed`.
fn usual(ctx: &Context<'_>, candidate: &Candidate) -> Vec<Choice> {
    let server = &candidate.core.server;
    let contents = ctx.linked.contents.len();
    let kind = &ctx.event().kind;
    if let EventKind::Start { recovered } = kind {
        let survived = recovery_of(ctx.cfg, server, recovered);
        vec![Choice { survived, ..Choice::default() }]
    } else if *kind == EventKind::Killed && !server.program.is_finished() {
        [false, true].map(|written| Choice { written, ..Choice::default() }).to_vec()
    } else if contents > 1 {
        (0..contents).map(|content| Choice { content, ..Choice::default() }).collect()
    } else {
        vec![Choice::default()]
    }
}
