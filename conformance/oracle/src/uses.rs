//! Names that are used again: which use of one end belongs to which use of the other.
//!
//! All ways to pair the uses of two ends, in their order, are tried; in each, every connection has
//! a name of its own.

use std::collections::{BTreeMap, BTreeSet};

use zab_trace::{ConnectionName, Event, EventKind, EventName, Header, Packet, Port};

/// More ways than this are not tried.
const WAYS_MAX: usize = 64;

/// A use: of a name, at a row, in a role, counted from 0.
type Use = (String, usize, Role, u32);

/// What a use is for. On the election port each direction counts for itself, because no line says
/// when a connection begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Quorum,
    Sends,
    Receives,
}

/// What is known of one end of a name.
#[derive(Debug, Default)]
struct End {
    open: bool,
    /// By role: the use before the next one.
    counts: BTreeMap<Role, u32>,
    sent: u64,
    received: u64,
}

impl End {
    fn next(&mut self, roles: &[Role]) {
        for role in roles {
            *self.counts.entry(*role).or_default() += 1;
        }
        self.open = true;
    }

    fn now(&self, role: Role) -> u32 {
        self.counts.get(&role).copied().unwrap_or(0)
    }
}

/// Every way to give each connection a name of its own; none if there are too many.
pub(crate) fn ways(header: &Header, lines: &[Vec<Event>]) -> Option<Vec<Vec<Vec<Event>>>> {
    let shows = |name| !header.contract.hidden.contains(&name);
    let shown = (shows(EventName::Connected), shows(EventName::Disconnected));
    let mut uses = BTreeMap::new();
    for (row, lines) in lines.iter().enumerate() {
        number(row, lines, shown, &mut uses);
    }
    let mut ways: Vec<BTreeMap<Use, u32>> = vec![BTreeMap::new()];
    let names: BTreeSet<&str> = uses.values().map(|(name, ..)| name.as_str()).collect();
    for name in names {
        for (left, right) in [(Role::Quorum, Role::Quorum), (Role::Sends, Role::Receives)] {
            let pairs = pairs(name, (left, right), lines, &uses)?;
            let longer = ways.iter().flat_map(|way| {
                pairs.iter().map(move |more| {
                    let mut way = way.clone();
                    way.extend(more.clone());
                    way
                })
            });
            ways = longer.collect();
            if ways.len() > WAYS_MAX {
                return None;
            }
        }
    }
    Some(ways.iter().map(|way| renamed(lines, &uses, way)).collect())
}

/// Which use each line of a server is about.
fn number(
    row: usize,
    lines: &[Event],
    (connected, disconnected): (bool, bool),
    uses: &mut BTreeMap<(usize, usize), Use>,
) {
    let all = [Role::Quorum, Role::Sends, Role::Receives];
    // By name and port: a connection belongs to one.
    let mut ends: BTreeMap<(String, bool), End> = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        if let EventKind::Start { .. } = line.kind {
            ends.values_mut().for_each(|end| end.open = false);
        }
        let Some(name) = line.kind.connection().map(ToString::to_string) else { continue };
        let port = line.kind.packet().map(|packet| packet.message.port());
        let election = port == Some(Port::Election);
        let end = ends.entry((name.clone(), election)).or_default();
        let mut role = Role::Quorum;
        if let EventKind::Connected { .. } = line.kind {
            if !(end.open && disconnected) {
                end.next(&all);
                (end.sent, end.received) = (0, 0);
            }
        } else if let Some(packet) = line.kind.packet() {
            let sends = matches!(line.kind, EventKind::Sent(_));
            role = message(end, packet, sends, connected);
        } else {
            end.open = false;
        }
        uses.insert((row, index), (name, row, role, end.now(role)));
    }
}

/// Counts a message; returns the role in which this end is used.
fn message(end: &mut End, packet: &Packet, sends: bool, connected: bool) -> Role {
    let election = packet.message.port() == Port::Election;
    let own = if sends { end.sent } else { end.received };
    if packet.ordinal == 0 && (election || !connected) && (!end.open || own > 0) {
        if !end.open || !election {
            end.next(&[Role::Quorum, Role::Sends, Role::Receives]);
            (end.sent, end.received) = (0, 0);
        } else if sends {
            end.next(&[Role::Sends]);
            end.sent = 0;
        } else {
            end.next(&[Role::Receives]);
            end.received = 0;
        }
    }
    if sends {
        end.sent += 1
    } else {
        end.received += 1
    }
    match (election, sends) {
        (false, _) => Role::Quorum,
        (true, true) => Role::Sends,
        (true, false) => Role::Receives,
    }
}

/// Every way to pair the uses of a name: uses of a pair have the same number.
fn pairs(
    name: &str,
    (left, right): (Role, Role),
    lines: &[Vec<Event>],
    uses: &BTreeMap<(usize, usize), Use>,
) -> Option<Vec<BTreeMap<Use, u32>>> {
    let of = |role: Role, row: usize| -> Vec<Use> {
        let own = uses.values().filter(|(n, r, kind, _)| n == name && *r == row && *kind == role);
        own.cloned().collect::<BTreeSet<Use>>().into_iter().collect()
    };
    let rows: Vec<usize> =
        (0..lines.len()).filter(|row| uses.values().any(|u| u.0 == name && u.1 == *row)).collect();
    let single = |role| rows.iter().all(|row| of(role, *row).len() <= 1);
    if single(left) && single(right) {
        // One connection, whoever says that it is an end of it.
        let all = rows.iter().flat_map(|row| [of(left, *row), of(right, *row)].concat());
        return Some(vec![all.map(|used| (used, 0)).collect()]);
    }
    let [one, other] = rows.as_slice() else { return None };
    let receives = |used: &Use| {
        uses.iter().any(|((row, index), u)| {
            u == used && matches!(lines[*row][*index].kind, EventKind::Received(_))
        })
    };
    let directions =
        if left == right { vec![(*one, *other)] } else { vec![(*one, *other), (*other, *one)] };
    let mut ways = vec![BTreeMap::new()];
    for (from, to) in directions {
        let mut found = Vec::new();
        align(&of(left, from), &of(right, to), &receives, &BTreeMap::new(), &mut found);
        let longer = ways.iter().flat_map(|way: &BTreeMap<Use, u32>| {
            found.iter().map(move |more: &BTreeMap<Use, u32>| {
                let mut way = way.clone();
                way.extend(more.clone());
                way
            })
        });
        ways = longer.collect();
        if ways.len() > WAYS_MAX {
            return None;
        }
    }
    Some(ways)
}

/// Adds every pairing in which both sides keep their order and nothing is received in a use that
/// is not paired.
fn align(
    left: &[Use],
    right: &[Use],
    receives: &impl Fn(&Use) -> bool,
    so_far: &BTreeMap<Use, u32>,
    found: &mut Vec<BTreeMap<Use, u32>>,
) {
    if found.len() > WAYS_MAX {
        return;
    }
    let number = u32::try_from(so_far.len()).unwrap_or(u32::MAX);
    match (left, right) {
        ([], []) => found.push(so_far.clone()),
        ([one, left @ ..], [other, right @ ..]) => {
            let mut way = so_far.clone();
            way.extend([(one.clone(), number), (other.clone(), number)]);
            align(left, right, receives, &way, found);
        }
        _ => {}
    }
    for (skipped, left, right) in [
        left.split_first().map(|(one, rest)| (one, rest, right)),
        right.split_first().map(|(one, rest)| (one, left, rest)),
    ]
    .into_iter()
    .flatten()
    {
        if !receives(skipped) {
            let mut way = so_far.clone();
            way.insert(skipped.clone(), number);
            align(left, right, receives, &way, found);
        }
    }
}

/// The lines with the names of a way.
fn renamed(
    lines: &[Vec<Event>],
    uses: &BTreeMap<(usize, usize), Use>,
    way: &BTreeMap<Use, u32>,
) -> Vec<Vec<Event>> {
    let mut lines = lines.to_vec();
    for ((row, index), used) in uses {
        let port = if used.2 == Role::Quorum { "quorum" } else { "election" };
        let name = format!("{}#{port}{}", used.0, way[used]);
        let Ok(name) = ConnectionName::parse(&name) else { continue };
        if let Some(connection) = lines[*row][*index].kind.connection_mut() {
            *connection = name;
        }
    }
    lines
}
