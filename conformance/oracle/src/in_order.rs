//! Each server's lines in their order, for the search over the whole ensemble and for the stepper.

use zab_check::convert::Ids;
use zab_trace::{Chain, Event, EventKind, Header};

/// Each server's lines in the order of incarnation and number, and whether nothing is missing from
/// them; none if a line is of no member.
pub(crate) fn in_order(header: &Header, events: &[Event]) -> Option<(Vec<Vec<Event>>, bool)> {
    let ids = Ids::new(&header.servers);
    let mut lines = vec![Vec::new(); header.servers.len()];
    for event in events {
        let row = ids.all().iter().position(|id| *id == event.server)?;
        lines[row].push(event.clone());
    }
    let mut sound = true;
    for lines in &mut lines {
        sound &= order(lines);
    }
    Some((lines, sound))
}

/// Puts one server's lines in order; false if numbers are missing or used twice, or an end does not
/// say what it is the end of. Lines that can only come after such a place are left out.
fn order(lines: &mut Vec<Event>) -> bool {
    let all = std::mem::take(lines);
    let last = all.iter().map(|event| event.incarnation).max().unwrap_or(0);
    let mut sound = true;
    for incarnation in 1..=last {
        let life = |harness: bool| {
            let of = |event: &&Event| {
                event.incarnation == incarnation && (event.chain == Chain::harness()) == harness
            };
            all.iter().filter(of).cloned().collect::<Vec<Event>>()
        };
        let (main, whole) = in_sequence(life(false));
        let (killed, all_killed) = in_sequence(life(true));
        sound &= whole && all_killed;
        let mut ended = main.iter().any(|event| event.kind == EventKind::Stop);
        let count = main.len() as u64;
        // A kill stands after the last line that it names.
        let mut own: Vec<(u64, Event)> = main.into_iter().map(|event| (event.seq, event)).collect();
        for event in killed {
            let place = match event.after.as_slice() {
                [] => count,
                [(chain, seq)] if chain.is_main() && *seq < count => *seq,
                _ => {
                    sound = false;
                    continue;
                }
            };
            sound &= place + 1 == count || count == 0;
            ended = true;
            let index = own.partition_point(|(at, _)| *at <= place);
            own.insert(index, (place, event));
        }
        lines.extend(own.into_iter().map(|(_, event)| event));
        if !ended {
            return sound && incarnation == last;
        }
        if !sound && !whole {
            return false;
        }
    }
    sound
}

/// The lines of one chain up to the first number that is missing or used twice, and whether those
/// are all.
fn in_sequence(mut chain: Vec<Event>) -> (Vec<Event>, bool) {
    chain.sort_by_key(|event| event.seq);
    let due = (0..).zip(&chain).take_while(|(due, event)| *due == event.seq).count();
    let whole = due == chain.len();
    chain.truncate(due);
    (chain, whole)
}
