//! Connections: names used again, wrong peers, messages after the end, connections that cross,
//! ordinals.

use zab_trace::{ConnectionName, EventKind, MessageType, ServerId};

use super::Kind;
use super::draft::{Draft, Link};
use super::messages::{TYPES, sends};
use crate::rng::Rng;

const GROUP: &str = "connection";

/// The name that a line gives its connection.
fn rename(draft: &mut Draft, at: usize, name: &ConnectionName) {
    let name = name.clone();
    if let EventKind::Connected { connection, .. } | EventKind::Disconnected { connection } =
        &mut draft.lines[at].event.kind
    {
        *connection = name;
    } else if let Some(packet) = draft.packet_mut(at) {
        packet.connection = name;
    }
}

/// The servers at the ends of a connection, in ascending order, and whether it is for elections.
fn ends(draft: &Draft, link: &Link) -> (Vec<ServerId>, bool) {
    let lines = draft.all(|draft, at| draft.link(at) == Some(link));
    let election = lines.iter().any(|at| !draft.on_quorum_port(*at));
    let mut ends: Vec<ServerId> = lines
        .iter()
        .flat_map(|at| {
            let peer = draft.packet(*at).map(|packet| packet.peer);
            [Some(draft.server(*at)), peer]
        })
        .flatten()
        .collect();
    ends.sort_unstable();
    ends.dedup();
    (ends, election)
}

/// Two connections between the same servers for the same purpose, or between others.
fn pair(draft: &Draft, rng: &mut Rng, same: bool) -> Option<[Link; 2]> {
    let mut links: Vec<Link> = (0..draft.len()).filter_map(|at| draft.link(at).cloned()).collect();
    links.sort_unstable();
    links.dedup();
    let known: Vec<_> = links.iter().map(|link| ends(draft, link)).collect();
    let mut pairs = Vec::new();
    for (index, one) in links.iter().enumerate() {
        for (other, name) in links.iter().enumerate().skip(index + 1) {
            if known[index].1 == known[other].1 && (known[index].0 == known[other].0) == same {
                pairs.push([one.clone(), name.clone()]);
            }
        }
    }
    let index = rng.below(pairs.len());
    pairs.into_iter().nth(index)
}

/// One connection gets the name of another one, at both ends.
fn reuse(draft: &mut Draft, rng: &mut Rng, same: bool) -> Option<()> {
    let [one, other] = pair(draft, rng, same)?;
    for at in draft.all(|draft, at| draft.link(at) == Some(&other)) {
        rename(draft, at, &one.name);
    }
    Some(())
}

/// From a line on, one server takes two connections for each other.
fn cross(draft: &mut Draft, rng: &mut Rng, same: bool) -> Option<()> {
    let [one, other] = pair(draft, rng, same)?;
    let on = |draft: &Draft, at: usize| {
        draft.packet(at).is_some()
            && (draft.link(at) == Some(&one) || draft.link(at) == Some(&other))
    };
    let from = draft.any(rng, on)?;
    let server = draft.server(from);
    for at in draft.all(|draft, at| at >= from && draft.server(at) == server && on(draft, at)) {
        let name = if draft.link(at) == Some(&one) { &other } else { &one };
        rename(draft, at, &name.name);
    }
    Some(())
}

/// One message goes over another connection between the same servers, at both ends.
fn over_another(draft: &mut Draft, rng: &mut Rng, kind: MessageType) -> Option<()> {
    let all = draft.all(|draft, at| sends(draft, at, kind));
    let at = rng.pick(&all)?;
    let own = ends(draft, draft.link(at)?);
    let other = draft.any(rng, |draft, line| {
        draft.link(line) != draft.link(at)
            && draft.link(line).is_some_and(|link| ends(draft, link) == own)
    })?;
    move_to_connection_of(draft, at, other)
}

/// Moves a message to the connection of another line, at both ends.
fn move_to_connection_of(draft: &mut Draft, at: usize, other: usize) -> Option<()> {
    let link = draft.link(other)?.clone();
    for end in [Some(at), draft.other_end(at)].into_iter().flatten() {
        rename(draft, end, &link.name);
        draft.set_link(end, &link);
    }
    Some(())
}

/// A message of the one port goes over a connection of the other.
fn over_other_port(draft: &mut Draft, rng: &mut Rng, election: bool) -> Option<()> {
    let of_port = |draft: &Draft, at: usize, election: bool| {
        draft.packet(at).is_some() && draft.on_quorum_port(at) != election
    };
    let at = draft.any(rng, |draft, at| draft.sends(at) && of_port(draft, at, election))?;
    let peer = draft.packet(at)?.peer;
    let other = draft.any(rng, |draft, line| {
        of_port(draft, line, !election)
            && draft.server(line) == draft.server(at)
            && draft.packet(line).is_some_and(|packet| packet.peer == peer)
    })?;
    move_to_connection_of(draft, at, other)
}

/// The end of a connection comes before the last message that this end sent or received.
fn ends_early(draft: &mut Draft, rng: &mut Rng, sent: bool) -> Option<()> {
    let pairs = draft.all(|draft, at| matches!(draft.kind(at), EventKind::Disconnected { .. }));
    let pairs = pairs.into_iter().filter_map(|end| {
        let last = (0..end).rev().find(|at| {
            draft.same_life(*at, end)
                && draft.link(*at) == draft.link(end)
                && draft.packet(*at).is_some()
                && draft.sends(*at) == sent
        })?;
        Some((end, last))
    });
    let (end, last) = rng.pick(&pairs.collect::<Vec<_>>())?;
    draft.shift(end, last);
    Some(())
}

/// What was lost with a connection arrives after its end.
fn arrives_late(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    let lost = draft.any(rng, |draft, at| {
        let next = draft.packet(at).is_some_and(|packet| {
            draft.all(|draft, end| {
                end > at
                    && draft.server(end) == packet.peer
                    && draft.link(end) == draft.link(at)
                    && matches!(draft.kind(end), EventKind::Disconnected { .. })
            }) != Vec::<usize>::new()
        });
        draft.sends(at) && draft.other_end(at).is_none() && next
    })?;
    let end = draft.all(|draft, end| {
        end > lost
            && draft.link(end) == draft.link(lost)
            && draft.server(end) != draft.server(lost)
            && matches!(draft.kind(end), EventKind::Disconnected { .. })
    });
    let end = *end.first()?;
    let packet = draft.packet(lost)?.clone();
    let link = draft.link(lost)?.clone();
    let received = zab_trace::Packet { peer: draft.server(lost), ..packet };
    let to = draft.server(end);
    draft.insert(end + 1, to, EventKind::Received(received))?;
    draft.set_link(end + 1, &link);
    Some(())
}

/// A server sends on a connection that it has ended.
fn sent_late(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    let pairs = draft.all(|draft, at| matches!(draft.kind(at), EventKind::Disconnected { .. }));
    let pairs = pairs.into_iter().filter_map(|end| {
        let last = (0..end).rev().find(|at| {
            draft.same_life(*at, end) && draft.link(*at) == draft.link(end) && draft.sends(*at)
        })?;
        Some((end, last))
    });
    let (end, last) = rng.pick(&pairs.collect::<Vec<_>>())?;
    let message = draft.packet(last)?.message;
    draft.say(end, last, message)
}

/// A line that comes after the clean end of its process.
fn after_stop(draft: &mut Draft, rng: &mut Rng, sent: bool) -> Option<()> {
    let at = draft.any(rng, |draft, at| {
        draft.packet(at).is_some() && draft.sends(at) == sent && stop_of(draft, at).is_some()
    })?;
    let stop = stop_of(draft, at)?;
    draft.shift(at, stop);
    Some(())
}

/// The clean end of a line's life.
fn stop_of(draft: &Draft, at: usize) -> Option<usize> {
    let later = (at + 1..draft.len()).filter(|line| draft.same_life(at, *line));
    later.into_iter().find(|line| *draft.kind(*line) == EventKind::Stop)
}

/// What happens to an ordinal at one end, or at both.
fn ordinal(draft: &mut Draft, rng: &mut Rng, ends: [bool; 2], more: bool) -> Option<()> {
    // The name of a connection can be used again, with ordinals from 0.
    let at = draft.any(rng, |draft, at| {
        let later = draft.packet(at).is_some_and(|packet| packet.ordinal > 1);
        later && draft.sends(at) && draft.other_end(at).is_some()
    })?;
    draft.keeps_ordinals = true;
    let received = draft.other_end(at)?;
    for (end, changes) in [(at, ends[0]), (received, ends[1])] {
        if changes {
            let ordinal = &mut draft.packet_mut(end)?.ordinal;
            *ordinal = if more { *ordinal + 1 } else { ordinal.checked_sub(1)? };
        }
    }
    Some(())
}

/// All ordinals of a connection begin with 1.
fn from_one(draft: &mut Draft, rng: &mut Rng) -> Option<()> {
    let at = draft.any(rng, |draft, at| draft.packet(at).is_some())?;
    let link = draft.link(at)?.clone();
    draft.keeps_ordinals = true;
    for at in draft.all(|draft, at| draft.link(at) == Some(&link)) {
        if let Some(packet) = draft.packet_mut(at) {
            packet.ordinal += 1;
        }
    }
    Some(())
}

/// Two messages of a connection are received under each other's ordinal.
fn exchanged_ordinals(draft: &mut Draft, rng: &mut Rng, sent: bool) -> Option<()> {
    let of_end = |draft: &Draft, at: usize| draft.packet(at).is_some() && draft.sends(at) == sent;
    let one = draft.any(rng, of_end)?;
    let other = draft.any(rng, |draft, at| {
        at != one
            && of_end(draft, at)
            && draft.server(at) == draft.server(one)
            && draft.link(at) == draft.link(one)
    })?;
    draft.keeps_ordinals = true;
    let first = draft.packet(one)?.ordinal;
    let second = std::mem::replace(&mut draft.packet_mut(other)?.ordinal, first);
    draft.packet_mut(one)?.ordinal = second;
    Some(())
}

/// The peer that a Connected line names.
fn connected_peer(
    draft: &mut Draft,
    rng: &mut Rng,
    accepted: bool,
    of: fn(Option<ServerId>, ServerId) -> Option<ServerId>,
) -> Option<()> {
    let is = |draft: &Draft, at: usize| {
        if let EventKind::Connected { peer, .. } = draft.kind(at) {
            return peer.is_none() == accepted;
        }
        false
    };
    let at = draft.any(rng, is)?;
    let server = draft.server(at);
    let right = (0..draft.len()).find_map(|line| {
        let same = draft.link(line) == draft.link(at) && draft.server(line) != server;
        same.then(|| draft.server(line))
    });
    // Without a line of the other end, nothing says who is there.
    right?;
    if let EventKind::Connected { peer, .. } = &mut draft.lines[at].event.kind {
        *peer = of(right, server);
    }
    Some(())
}

/// A server that is neither of these.
fn another(right: Option<ServerId>, own: ServerId) -> Option<ServerId> {
    (1..=3).find(|id| Some(*id) != right && *id != own)
}

/// Kinds that are one function each.
fn single() -> Vec<Kind> {
    vec![
        Kind::new(GROUP, "name: of another one between the same servers", |d, rng| {
            reuse(d, rng, true)
        }),
        Kind::new(GROUP, "name: of one between other servers", |d, rng| reuse(d, rng, false)),
        Kind::new(GROUP, "crossed at one end, between the same servers", |d, rng| {
            cross(d, rng, true)
        }),
        Kind::new(GROUP, "crossed at one end, between other servers", |d, rng| {
            cross(d, rng, false)
        }),
        Kind::new(GROUP, "message of elections on the quorum port", |d, rng| {
            over_other_port(d, rng, true)
        })
        .illegal(),
        Kind::new(GROUP, "message of the quorum port in an election", |d, rng| {
            over_other_port(d, rng, false)
        })
        .illegal(),
        Kind::new(GROUP, "Disconnected before the last message sent", |d, rng| {
            ends_early(d, rng, true)
        })
        .illegal(),
        Kind::new(GROUP, "Disconnected before the last message received", |d, rng| {
            ends_early(d, rng, false)
        })
        .illegal(),
        Kind::new(GROUP, "a lost message arrives after Disconnected", arrives_late).illegal(),
        Kind::new(GROUP, "sent after Disconnected", sent_late).illegal(),
        Kind::new(GROUP, "sent after Stop", |d, rng| after_stop(d, rng, true)).illegal(),
        Kind::new(GROUP, "received after Stop", |d, rng| after_stop(d, rng, false)).illegal(),
        Kind::new(GROUP, "ordinals from 1", from_one).illegal(),
        Kind::new(GROUP, "ordinals of two messages exchanged where sent", |d, rng| {
            exchanged_ordinals(d, rng, true)
        })
        .illegal(),
        Kind::new(GROUP, "ordinals of two messages exchanged where received", |d, rng| {
            exchanged_ordinals(d, rng, false)
        })
        .illegal(),
    ]
}

/// What a Connected line names.
fn peers() -> Vec<Kind> {
    vec![
        Kind::new(GROUP, "Connected: another peer where dialled", |d, rng| {
            connected_peer(d, rng, false, another)
        })
        .illegal(),
        Kind::new(GROUP, "Connected: another peer where accepted", |d, rng| {
            connected_peer(d, rng, true, another)
        })
        .illegal(),
        Kind::new(GROUP, "Connected: itself as peer where dialled", |d, rng| {
            connected_peer(d, rng, false, |_, own| Some(own))
        })
        .illegal(),
        Kind::new(GROUP, "Connected: no peer where dialled", |d, rng| {
            connected_peer(d, rng, false, |_, _| None)
        }),
        Kind::new(GROUP, "Connected: the right peer where accepted", |d, rng| {
            connected_peer(d, rng, true, |right, _| right)
        })
        .legal(),
    ]
}

pub(super) fn kinds() -> Vec<Kind> {
    let mut kinds = single();
    kinds.extend(peers());
    for (name, ends) in [
        ("where sent", [true, false]),
        ("where received", [false, true]),
        ("at both ends", [true, true]),
    ] {
        for (how, more) in [("plus 1", true), ("minus 1", false)] {
            let new = Kind::new(GROUP, format!("one ordinal: {how} {name}"), move |draft, rng| {
                ordinal(draft, rng, ends, more)
            });
            kinds.push(new.illegal());
        }
    }
    for kind in TYPES {
        let name = format!("{kind}: over another connection between the same servers");
        kinds.push(Kind::new(GROUP, name, move |draft, rng| over_another(draft, rng, kind)));
    }
    kinds
}
