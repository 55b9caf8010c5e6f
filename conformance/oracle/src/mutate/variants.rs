//! Changes that leave a run honest: what the checker says must not depend on them.

use std::collections::HashMap;

use zab_trace::{Chain, ConnectionName, EventKind, Message};

use super::Kind;
use super::draft::{Draft, Line};
use crate::corrupt::cut;
use crate::rng::Rng;

const GROUP: &str = "legal variant";

/// Where the line of a chain of its own stands in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    InPlace,
    First,
    Last,
}

/// A line in a chain of its own, ordered with the rest by `after`.
fn own_chain(draft: &mut Draft, rng: &mut Rng, stands: Stands) -> Option<()> {
    let at = draft.any(rng, |draft, at| {
        let inner = draft.before(at).is_some() && draft.after(at).is_some();
        // The messages of one direction of a connection are in one chain.
        inner && draft.packet(at).is_none() && draft.lines[at].event.chain.is_main()
    })?;
    let next = draft.after(at)?;
    let chain = Chain::new("other");
    let event = &mut draft.lines[at].event;
    let seq = event.seq;
    event.after = vec![(Chain::MAIN, seq.checked_sub(1)?)];
    event.chain = chain.clone();
    draft.lines[next].event.after = vec![(chain, 0)];
    match stands {
        Stands::InPlace => {}
        Stands::First => draft.lines[..=at].rotate_right(1),
        Stands::Last => draft.lines[at..].rotate_left(1),
    }
    Some(())
}

/// All lines of one server that neither send nor receive, in a chain at the end of the file; the
/// order is the same.
fn split_server(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    let only_main = |draft: &Draft, server| {
        draft.all(|draft, at| {
            let chain = &draft.lines[at].event.chain;
            draft.server(at) == server && !chain.is_main() && !chain.is_harness()
        }) == Vec::<usize>::new()
    };
    let first = draft.any(rng, |draft, at| {
        draft.lines[at].event.chain.is_main() && only_main(draft, draft.server(at))
    })?;
    let (server, other) = (draft.server(first), Chain::new("other"));
    // By incarnation: the line before; and how many lines each of the two chains has.
    let mut last: HashMap<u32, (Chain, u64)> = HashMap::new();
    let mut counts: HashMap<u32, [u64; 2]> = HashMap::new();
    let own = |draft: &Draft, at: usize| {
        draft.server(at) == server && draft.lines[at].event.chain.is_main()
    };
    let mut moved = Vec::new();
    for at in draft.all(own) {
        let moves = draft.packet(at).is_none()
            && !matches!(draft.kind(at), EventKind::Start { .. } | EventKind::Stop);
        let event = &mut draft.lines[at].event;
        let count = &mut counts.entry(event.incarnation).or_default()[usize::from(moves)];
        event.chain = if moves { other.clone() } else { Chain::MAIN };
        event.seq = *count;
        *count += 1;
        let before = last.insert(event.incarnation, (event.chain.clone(), event.seq));
        event.after = before.into_iter().filter(|(chain, _)| *chain != event.chain).collect();
        if moves {
            moved.push(at);
        }
    }
    (!moved.is_empty()).then_some(())?;
    let lines: Vec<Line> = moved.iter().map(|at| draft.lines[*at].clone()).collect();
    draft.remove(moved);
    draft.lines.extend(lines);
    Some(())
}

/// The lines of one server after those of another, as if they were files.
fn by_server(draft: &mut Draft, descending: bool) -> Option<()> {
    draft.lines.sort_by_key(|line| line.event.server);
    if descending {
        draft.lines.sort_by_key(|line| std::cmp::Reverse(line.event.server));
    }
    Some(())
}

/// Another order of the lines in the file, in which each server's lines keep theirs.
fn interleaved(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    for _ in 0..draft.len() {
        let at = rng.below(draft.len() - 1);
        if draft.server(at) != draft.server(at + 1) {
            draft.lines.swap(at, at + 1);
        }
    }
    Some(())
}

/// Every connection gets another name.
fn renamed(draft: &mut Draft) -> Option<()> {
    let mut names: HashMap<ConnectionName, ConnectionName> = HashMap::new();
    for line in &mut draft.lines {
        let name = if let EventKind::Connected { connection, .. }
        | EventKind::Disconnected { connection } = &mut line.event.kind
        {
            connection
        } else if let Some(packet) = line.event.kind.packet_mut() {
            &mut packet.connection
        } else {
            continue;
        };
        let next = names.len();
        let new = names.entry(name.clone()).or_insert_with(|| {
            ConnectionName::new(format_args!("here:{next}"), format_args!("there:{next}"))
        });
        *name = new.clone();
    }
    Some(())
}

/// All payloads are others, where no state shows the log's digest.
fn other_payloads(draft: &mut Draft) -> Option<()> {
    let shown = |line: &Line| line.event.state.is_some_and(|state| state.log_digest.is_some());
    (!draft.lines.iter().any(shown)).then_some(())?;
    let mut any = false;
    for line in &mut draft.lines {
        if let EventKind::Start { recovered } = &mut line.event.kind {
            recovered.log_digest = None;
        }
        if let EventKind::Proposed { digest, .. } = &mut line.event.kind {
            digest.0 = !digest.0;
            any = true;
        }
        if let Some(packet) = line.event.kind.packet_mut()
            && let Message::Proposal { digest, .. } = &mut packet.message
        {
            digest.0 = !digest.0;
            any = true;
        }
    }
    any.then_some(())
}

/// Some lines do not show a state, or a part of it.
fn less_state(draft: &mut Draft, rng: &mut Rng, whole: bool) -> Option<()> {
    let lines = draft.all(|draft, at| draft.lines[at].event.state.is_some());
    let mut any = false;
    for at in lines {
        if !rng.often(300) {
            continue;
        }
        any = true;
        let Some(state) = &mut draft.lines[at].event.state else { continue };
        match rng.below(4) {
            0 => state.role = None,
            1 => state.accepted_epoch = None,
            2 => state.log_length = None,
            _ => state.last_committed = None,
        }
        if whole {
            draft.lines[at].event.state = None;
        }
    }
    any.then_some(())
}

/// All servers that run are killed at a line.
fn killed_there(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    let events: Vec<_> = draft.lines.iter().map(|line| line.event.clone()).collect();
    let length = 1 + rng.below(events.len() - 1);
    let kept = cut(&events, &events[..length]);
    draft.lines = kept.into_iter().map(Line::bare).collect();
    draft.keeps_ordinals = true;
    Some(())
}

pub(super) fn kinds() -> Vec<Kind> {
    let kinds = vec![
        Kind::new(GROUP, "lines of one server after those of another", |draft, _| {
            by_server(draft, false)
        }),
        Kind::new(GROUP, "lines of one server before those of another", |draft, _| {
            by_server(draft, true)
        }),
        Kind::new(GROUP, "lines of the servers in another order", interleaved),
        Kind::new(GROUP, "a line in a chain of its own", |draft, rng| {
            own_chain(draft, rng, Stands::InPlace)
        }),
        Kind::new(GROUP, "a line in a chain of its own, at the end of the file", |draft, rng| {
            own_chain(draft, rng, Stands::Last)
        }),
        Kind::new(GROUP, "a line in a chain of its own, first in the file", |draft, rng| {
            own_chain(draft, rng, Stands::First)
        }),
        Kind::new(
            GROUP,
            "all lines of one server but messages, at the end of the file",
            split_server,
        ),
        Kind::new(GROUP, "connections: all have other names", |draft, _| renamed(draft)),
        Kind::new(GROUP, "payloads: all are others", |draft, _| other_payloads(draft)),
        Kind::new(GROUP, "state: not in some lines", |draft, rng| less_state(draft, rng, true)),
        Kind::new(GROUP, "state: less in some lines", |draft, rng| less_state(draft, rng, false)),
        Kind::new(GROUP, "all servers: killed at a line", killed_there),
    ];
    kinds.into_iter().map(Kind::legal).collect()
}
