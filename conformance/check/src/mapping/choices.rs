//! The ways in which a line can be taken.

use zab_trace::{EventKind, EventName};

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
}

/// The only way in which a line can be taken, if there is only one.
pub(crate) fn only_choice(ctx: &Context<'_>, candidate: &Candidate) -> Option<Choice> {
    let event = ctx.event();
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

/// The ways in which a line can be taken: never none.
pub(crate) fn choices(ctx: &Context<'_>, candidate: &Candidate) -> Vec<Choice> {
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
