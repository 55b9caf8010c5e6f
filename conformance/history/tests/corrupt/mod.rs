//! Corruptions of histories: each changes one thing, at random.

use rand::Rng;
use rand::seq::IteratorRandom;
use rand_xoshiro::SplitMix64;
use zab_history::{Call, Line, Mark, Operation, What};
use zab_trace::Zxid;

type Corruption = fn(&mut [Line], &mut SplitMix64) -> Option<()>;

/// All of them: name, what is done, and how many of a hundred are to be found at least.
pub(crate) const ALL: &[(&str, Corruption, u32)] = &[
    ("other data", other_data, 100),
    ("a node not found", not_found, 95),
    ("an older zxid", older, 60),
    ("a newer zxid", newer, 40),
    ("zxids of two writes swapped", swapped, 90),
    ("another version", other_version, 100),
    ("another number", other_number, 90),
    ("an event lost", event_lost, 55),
    ("an event late", event_late, 55),
    ("a refused write done", refused_done, 55),
    ("a write done refused", done_refused, 80),
];

/// A random operation with an answer that fits.
fn pick<'a>(
    lines: &'a mut [Line],
    rng: &mut SplitMix64,
    fits: impl Fn(&Operation) -> bool,
) -> Option<&'a mut Operation> {
    let operations = lines.iter_mut().filter_map(|line| match &mut line.what {
        What::Operation(operation) if operation.zxid.is_some() && fits(operation) => {
            Some(operation)
        }
        _ => None,
    });
    operations.choose(rng)
}

fn wrote(operation: &Operation) -> bool {
    operation.call.is_write() && operation.error.is_none()
}

fn other_data(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let read = pick(lines, rng, |operation| operation.reply.data.is_some())?;
    read.reply.data = Some("nobody wrote this".to_owned());
    Some(())
}

fn not_found(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let read = pick(lines, rng, |operation| operation.reply.data.is_some())?;
    read.error = Some("NoNode".to_owned());
    read.reply = zab_history::Reply::default();
    Some(())
}

fn older(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let read = pick(lines, rng, |operation| !operation.call.is_write())?;
    let zxid = read.zxid?;
    let counter = zxid.counter.checked_sub(rng.random_range(1..6))?;
    read.zxid = Some(Zxid::new(zxid.epoch, counter));
    Some(())
}

fn newer(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let read = pick(lines, rng, |operation| !operation.call.is_write())?;
    let zxid = read.zxid?;
    read.zxid = Some(Zxid::new(zxid.epoch, zxid.counter + rng.random_range(1..6)));
    Some(())
}

fn swapped(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let one = pick(lines, rng, wrote)?.zxid;
    let other = pick(lines, rng, |operation| wrote(operation) && operation.zxid != one)?;
    let zxid = other.zxid;
    other.zxid = one;
    let invoked = other.invoked;
    let first = pick(lines, rng, |operation| {
        wrote(operation) && operation.zxid == one && operation.invoked != invoked
    })?;
    first.zxid = zxid;
    Some(())
}

fn other_version(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let read = pick(lines, rng, |operation| operation.reply.data.is_some())?;
    read.reply.stat.as_mut()?.version += 1;
    Some(())
}

fn other_number(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let fits = |operation: &Operation| {
        wrote(operation)
            && matches!(&operation.call, Call::Create { kind, path, .. }
                if kind.is_sequential() && path.starts_with("/a/"))
    };
    let create = pick(lines, rng, fits)?;
    let path = create.reply.path.as_mut()?;
    let (name, number) = path.split_at(path.len() - 10);
    *path = format!("{name}{:010}", number.parse::<u32>().ok()? + 1);
    Some(())
}

fn events(lines: &[Line], rng: &mut SplitMix64) -> Option<usize> {
    let events = lines.iter().enumerate();
    let events = events.filter(|(_, line)| matches!(line.what, What::Watch { .. }));
    events.map(|(index, _)| index).choose(rng)
}

fn event_lost(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let event = events(lines, rng)?;
    let What::Watch { at, .. } = lines[event].what else { return None };
    // A mark of no recipe says nothing.
    let (recipe, mark, name) = (String::new(), String::new(), String::new());
    lines[event].what =
        What::Mark(Mark { at, recipe, mark, name, value: None, token: None, size: None });
    Some(())
}

fn event_late(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let event = events(lines, rng)?;
    let client = lines[event].client;
    let What::Watch { at, .. } = lines[event].what else { return None };
    let answers = lines.iter().filter(|line| line.client == client);
    let answers = answers.filter_map(|line| match &line.what {
        What::Operation(operation) => operation.returned,
        _ => None,
    });
    let next = answers.filter(|returned| *returned > at).min()?;
    // Moments are renumbered, so that there is room between two.
    for line in lines.iter_mut() {
        match &mut line.what {
            What::Operation(operation) => {
                operation.invoked *= 2;
                operation.returned = operation.returned.map(|returned| returned * 2);
            }
            What::Connected { at }
            | What::Disconnected { at }
            | What::Expired { at }
            | What::Watch { at, .. } => *at *= 2,
            What::Mark(_) => {}
        }
    }
    let What::Watch { at, .. } = &mut lines[event].what else { return None };
    *at = next * 2 + 1;
    Some(())
}

fn refused_done(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let fits = |operation: &Operation| {
        operation.error.is_some()
            && matches!(operation.call, Call::Delete { .. } | Call::Set { .. })
    };
    pick(lines, rng, fits)?.error = None;
    Some(())
}

fn done_refused(lines: &mut [Line], rng: &mut SplitMix64) -> Option<()> {
    let fits = |operation: &Operation| {
        wrote(operation) && matches!(operation.call, Call::Delete { .. } | Call::Set { .. })
    };
    let write = pick(lines, rng, fits)?;
    write.error = Some("NoNode".to_owned());
    write.reply = zab_history::Reply::default();
    Some(())
}
