//! Lives of servers: what they recover, two that become one, one that becomes two, ends that come
//! too early.

use zab_trace::{Event, EventKind, Recovered, ServerId, State};

use super::Kind;
use super::draft::{Draft, Line};
use crate::rng::Rng;

const GROUP: &str = "life";

fn is_start(draft: &Draft, at: usize) -> bool {
    matches!(draft.kind(at), EventKind::Start { .. })
}

fn is_end(draft: &Draft, at: usize) -> bool {
    draft.kind(at).ends_incarnation()
}

/// What the line of a start says, and a start that is not its server's first.
fn restart(draft: &Draft, rng: &mut Rng) -> Option<usize> {
    draft.any(rng, |draft, at| is_start(draft, at) && draft.lines[at].event.incarnation > 1)
}

fn recovered(draft: &mut Draft, at: usize) -> Option<&mut Recovered> {
    if let EventKind::Start { recovered } = &mut draft.lines[at].event.kind {
        return Some(recovered);
    }
    None
}

/// A state as a start would recover it.
fn as_recovered(state: State) -> Option<Recovered> {
    Some(Recovered {
        accepted_epoch: state.accepted_epoch?,
        current_epoch: state.current_epoch?,
        last_zxid: state.last_zxid?,
        log_length: state.log_length,
        log_digest: state.log_digest,
    })
}

/// Lets a start recover something else; the states of that line and of the next one, whose step is
/// the first, are left out.
fn recover(draft: &mut Draft, at: usize, new: Recovered) -> Option<()> {
    let old = recovered(draft, at)?;
    (*old != new).then_some(())?;
    *old = new;
    draft.lines[at].event.state = None;
    Some(())
}

/// Takes over parts of what was recovered from somewhere else.
type Take = fn(Recovered, Recovered) -> Recovered;

const TAKES: [(&str, Take); 4] = [
    ("everything", |_, other| other),
    ("acceptedEpoch", |own, other| Recovered { accepted_epoch: other.accepted_epoch, ..own }),
    ("currentEpoch", |own, other| Recovered { current_epoch: other.current_epoch, ..own }),
    ("the log", |own, other| Recovered {
        accepted_epoch: own.accepted_epoch,
        current_epoch: own.current_epoch,
        ..other
    }),
];

/// Where else a start takes it from.
type From = (&'static str, fn(&Draft, usize, &mut Rng) -> Option<Recovered>);

const FROM: [From; 3] = [
    ("of the start before", |draft, at, _| {
        let server = draft.server(at);
        let own = (0..at).rev().filter(|line| draft.server(*line) == server);
        own.into_iter().find_map(|line| start_of(draft, line))
    }),
    ("of an earlier state", |draft, at, rng| {
        let server = draft.server(at);
        let own = (0..at).filter(|line| draft.server(*line) == server);
        let states: Vec<State> = own.filter_map(|line| draft.lines[line].event.state).collect();
        as_recovered(rng.pick(&states)?)
    }),
    ("of another server", |draft, at, rng| {
        let server = draft.server(at);
        let others = (0..at).filter(|line| draft.server(*line) != server);
        let states: Vec<State> = others.filter_map(|line| draft.lines[line].event.state).collect();
        as_recovered(rng.pick(&states)?)
    }),
];

fn start_of(draft: &Draft, at: usize) -> Option<Recovered> {
    if let EventKind::Start { recovered } = draft.kind(at) { Some(*recovered) } else { None }
}

fn recoveries(kinds: &mut Vec<Kind>) {
    for (part, take) in TAKES {
        for (whose, from) in FROM {
            let name = format!("Start: recovers {part} {whose}");
            kinds.push(Kind::new(GROUP, name, move |draft, rng| {
                let at = restart(draft, rng)?;
                let other = from(draft, at, rng)?;
                let new = take(start_of(draft, at)?, other);
                recover(draft, at, new)
            }));
        }
    }
    kinds.push(Kind::new(GROUP, "Start: recovers another digest", |draft, rng| {
        let at = draft.any(rng, |draft, at| {
            start_of(draft, at).is_some_and(|start| start.log_digest.is_some())
        })?;
        let mut new = start_of(draft, at)?;
        new.log_digest.as_mut()?.0 ^= 1;
        recover(draft, at, new)
    }));
    for (name, more) in [("longer", true), ("shorter", false)] {
        kinds.push(Kind::new(GROUP, format!("Start: recovers a {name} log"), move |draft, rng| {
            let at = draft.any(rng, is_start)?;
            let mut new = start_of(draft, at)?;
            let length = new.log_length.as_mut()?;
            *length = if more { *length + 1 } else { length.checked_sub(1)? };
            recover(draft, at, new)
        }));
    }
    kinds.push(Kind::new(
        GROUP,
        "Start: the first recovers what a later one does",
        |draft, rng| {
            let at = draft.any(rng, |draft, at| {
                is_start(draft, at) && draft.lines[at].event.incarnation == 1
            })?;
            let server = draft.server(at);
            let later = draft.any(rng, |draft, line| {
                line > at && draft.server(line) == server && is_start(draft, line)
            })?;
            recover(draft, at, start_of(draft, later)?)
        },
    ));
}

/// Lines of this server after this place get the number of another life.
fn renumber_lives(draft: &mut Draft, server: ServerId, from: usize, by: i64) {
    for line in draft.lines[from..].iter_mut().filter(|line| line.event.server == server) {
        let number = i64::from(line.event.incarnation) + by;
        line.event.incarnation = u32::try_from(number).unwrap_or(1);
    }
}

/// The end of a life and the start of the next one are left out.
fn merge(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    let start = restart(draft, rng)?;
    let server = draft.server(start);
    let end = (0..start).rev().find(|at| draft.server(*at) == server && is_end(draft, *at))?;
    renumber_lives(draft, server, start, -1);
    draft.remove(vec![end, start]);
    Some(())
}

/// A life ends in the middle, and the next one begins with what is there.
fn split(draft: &mut Draft, rng: &mut Rng, kill: bool) -> Option<()> {
    let at = draft.any(rng, |draft, at| {
        !is_start(draft, at) && draft.running(draft.server(at), at).is_some()
    })?;
    let server = draft.server(at);
    let last = draft.running(server, at)?;
    let incarnation = draft.lines[last].event.incarnation;
    let start = (0..at)
        .rev()
        .find_map(|line| (draft.server(line) == server).then(|| start_of(draft, line)).flatten());
    let recovered = draft.state(server, at).and_then(as_recovered).or(start)?;
    renumber_lives(draft, server, at, 1);
    let start = Event::new(server, incarnation + 1, 0, EventKind::Start { recovered });
    let end = if kill {
        Event::killed(server, incarnation, 0, Vec::new())
    } else {
        Event {
            state: draft.lines[last].event.state,
            ..Event::new(server, incarnation, 0, EventKind::Stop)
        }
    };
    draft.lines.insert(at, Line::bare(start));
    draft.lines.insert(at, Line::bare(end));
    Some(())
}

/// The last lines of a life never were.
fn shorten(draft: &mut Draft, rng: &mut Rng, both: bool) -> Option<()> {
    let end = draft.any(rng, is_end)?;
    let server = draft.server(end);
    let incarnation = draft.lines[end].event.incarnation;
    let own: Vec<usize> = (0..end)
        .rev()
        .take_while(|at| draft.server(*at) != server || !is_start(draft, *at))
        .filter(|at| {
            draft.server(*at) == server && draft.lines[*at].event.incarnation == incarnation
        })
        .collect();
    let count = 1 + rng.below(own.len().min(8));
    let lines: Vec<usize> = own.into_iter().take(count).collect();
    (!lines.is_empty()).then_some(())?;
    if both {
        draft.remove_both(lines);
    } else {
        draft.remove(lines);
    }
    Some(())
}

/// A whole life never was.
fn without_life(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    let at = draft.any(rng, is_start)?;
    let (server, incarnation) = (draft.server(at), draft.lines[at].event.incarnation);
    let lines = draft.all(|draft, line| {
        draft.server(line) == server && draft.lines[line].event.incarnation == incarnation
    });
    (lines.iter().max()? + 1 < draft.len()).then_some(())?;
    renumber_lives(draft, server, lines.iter().max()? + 1, -1);
    draft.remove_both(lines);
    Some(())
}

/// The first line of a life belongs to the life before, or the last one to the life after.
fn across(draft: &mut Draft, rng: &mut Rng, forward: bool) -> Option<()> {
    let start = restart(draft, rng)?;
    let server = draft.server(start);
    let end = (0..start).rev().find(|at| draft.server(*at) == server && is_end(draft, *at))?;
    let incarnation = draft.lines[start].event.incarnation;
    if forward {
        let last =
            (0..end).rev().find(|at| draft.server(*at) == server && !is_start(draft, *at))?;
        draft.lines[last].event.incarnation = incarnation;
        draft.shift(last, start);
    } else {
        let first = draft.after(start)?;
        draft.lines[first].event.incarnation = incarnation - 1;
        draft.shift(first, end);
    }
    Some(())
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = Vec::new();
    recoveries(&mut kinds);
    kinds.push(Kind::new(GROUP, "two lives: one", merge));
    kinds.push(Kind::new(GROUP, "one life: killed and started in the middle", |draft, rng| {
        split(draft, rng, true)
    }));
    kinds.push(Kind::new(GROUP, "one life: stopped and started in the middle", |draft, rng| {
        split(draft, rng, false)
    }));
    kinds.push(Kind::new(GROUP, "last lines of a life: never", |draft, rng| {
        shorten(draft, rng, true)
    }));
    kinds.push(Kind::new(GROUP, "last lines of a life: lost", |draft, rng| {
        shorten(draft, rng, false)
    }));
    kinds.push(Kind::new(GROUP, "a whole life: never", without_life));
    kinds.push(Kind::new(GROUP, "last line of a life: in the next life", |draft, rng| {
        across(draft, rng, true)
    }));
    kinds.push(Kind::new(GROUP, "first line of a life: in the life before", |draft, rng| {
        across(draft, rng, false)
    }));
    kinds.push(
        Kind::new(GROUP, "Stop: Killed instead", |draft, rng| {
            let at = draft.any(rng, |draft, at| *draft.kind(at) == EventKind::Stop)?;
            let line = &draft.lines[at].event;
            let killed = Event::killed(line.server, line.incarnation, 0, Vec::new());
            draft.lines[at] = Line::bare(killed);
            Some(())
        })
        .legal(),
    );
    kinds.push(Kind::new(GROUP, "Killed: Stop instead", |draft, rng| {
        let at = draft.any(rng, |draft, at| *draft.kind(at) == EventKind::Killed)?;
        let (server, incarnation) = (draft.server(at), draft.lines[at].event.incarnation);
        let mut stop = Event::new(server, incarnation, 0, EventKind::Stop);
        stop.state = draft.state(server, at);
        draft.lines[at] = Line::bare(stop);
        Some(())
    }));
    kinds.push(Kind::new(GROUP, "a server: no line", |draft, rng| {
        let at = rng.below(draft.len());
        let server = draft.server(at);
        let lines = draft.all(|draft, at| draft.server(at) == server);
        draft.remove_both(lines);
        Some(())
    }));
    kinds.push(Kind::new(GROUP, "two servers: exchanged from a line on", |draft, rng| {
        let at = rng.below(draft.len());
        let one = draft.server(at);
        let other = draft.any(rng, |draft, line| draft.server(line) != one)?;
        let other = draft.server(other);
        for line in &mut draft.lines[at..] {
            let server = &mut line.event.server;
            *server = match *server {
                id if id == one => other,
                id if id == other => one,
                id => id,
            };
        }
        Some(())
    }));
    kinds
}
