//! The lines of a trace around one of them, as a sequence diagram.
//!
//! Shown are what the line's server did last and next, what the verdict refers to, and of every message
//! among these both ends. Lines stand in an order that the trace allows: those of a file as they are
//! in it, and what is received after what is sent.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use zab_check::{Place, Verdict, describe_event, describe_message};
use zab_trace::{Event, EventKind, Packet, Phase, ServerId, Trace};
use zab_view::{Arrow, End, Lane, Row, Sequence};

/// So many lines of the server before the one that matters, and after it.
const BEFORE: usize = 12;
const AFTER: usize = 3;

/// A line: the number of its file, and its place among the events of that file.
type At = (usize, usize);

/// The picture of what a verdict is about; `None` if it is about no line of the trace.
pub(crate) fn around(trace: &Trace, verdict: &Verdict) -> Option<Sequence> {
    let lines = Lines::new(trace);
    let place = verdict.place()?;
    let marked = lines.find(place)?;
    let past = match verdict {
        Verdict::Diverges(divergence) => divergence.past.as_slice(),
        Verdict::Conforms(_)
        | Verdict::Violates(_)
        | Verdict::Inconclusive(_)
        | Verdict::Refused(_) => &[],
    };
    let mut picked = lines.of_server_around(marked);
    picked.extend(past.iter().filter_map(|past| lines.find(&past.place)));
    let others: Vec<At> = picked.iter().filter_map(|at| lines.other_end(*at)).collect();
    picked.extend(others);
    Some(lines.draw(&lines.in_order(&picked), marked))
}

/// The events of a trace, and which of them are the two ends of one message.
struct Lines<'t> {
    trace: &'t Trace,
    other_ends: HashMap<At, At>,
}

/// What the two ends of a message have in common; and which message of that name it is, since the
/// name of a connection may be used again.
type Identity<'t> = (&'t str, ServerId, u64, usize);

impl<'t> Lines<'t> {
    fn new(trace: &'t Trace) -> Self {
        let mut lines = Self { trace, other_ends: HashMap::new() };
        // The relay's two names for one connection.
        let mut names: HashMap<&str, &str> = HashMap::new();
        for (_, event) in lines.events() {
            if let EventKind::Joined { left, right } = &event.kind {
                names.insert(right.as_str(), left.as_str());
            }
        }
        let mut uses: HashMap<(bool, &str, ServerId, u64), usize> = HashMap::new();
        let mut ends: [HashMap<Identity<'t>, At>; 2] = Default::default();
        for (at, event) in lines.events() {
            let Some(packet) = event.kind.packet() else { continue };
            let is_sent = is_sent(&event.kind);
            let sender = if is_sent { event.server } else { packet.peer };
            let name = packet.connection.as_str();
            let name = names.get(name).copied().unwrap_or(name);
            let used = uses.entry((is_sent, name, sender, packet.ordinal)).or_default();
            ends[usize::from(is_sent)].insert((name, sender, packet.ordinal, *used), at);
            *used += 1;
        }
        let [received, sent] = &ends;
        for (identity, at) in sent {
            if let Some(other) = received.get(identity) {
                lines.other_ends.insert(*at, *other);
                lines.other_ends.insert(*other, *at);
            }
        }
        lines
    }

    fn events(&self) -> impl Iterator<Item = (At, &'t Event)> + use<'t> {
        let files = self.trace.files.iter().enumerate();
        files.flat_map(|(number, file)| {
            let events = file.events.iter().enumerate();
            events.map(move |(place, located)| ((number, place), &located.event))
        })
    }

    fn event(&self, (file, place): At) -> &'t Event {
        &self.trace.files[file].events[place].event
    }

    fn find(&self, wanted: &Place) -> Option<At> {
        let file = self.trace.files.iter().position(|file| file.name == wanted.file)?;
        let events = &self.trace.files[file].events;
        let place = events.iter().position(|located| located.line == wanted.line)?;
        Some((file, place))
    }

    fn other_end(&self, at: At) -> Option<At> {
        self.other_ends.get(&at).copied()
    }

    /// What the server of a line did around it, in that file.
    fn of_server_around(&self, (file, place): At) -> BTreeSet<At> {
        let server = self.event((file, place)).server;
        let is_its = |at: &At| self.event(*at).server == server;
        let events = self.trace.files[file].events.len();
        let before = (0..=place).rev().map(|place| (file, place)).filter(is_its).take(BEFORE + 1);
        let after = (place + 1..events).map(|place| (file, place)).filter(is_its).take(AFTER);
        before.chain(after).collect()
    }

    /// These lines in an order that the trace allows. Where it allows none (something is received
    /// before it is sent), those of the first file come first.
    fn in_order(&self, picked: &BTreeSet<At>) -> Vec<At> {
        let mut files: Vec<VecDeque<At>> = vec![VecDeque::new(); self.trace.files.len()];
        for at in picked {
            files[at.0].push_back(*at);
        }
        let (mut order, mut taken) = (Vec::new(), BTreeSet::new());
        let may_come = |at: &At, taken: &BTreeSet<At>| {
            let is_received = matches!(self.event(*at).kind, EventKind::Received(_));
            let sent = self.other_end(*at).filter(|sent| is_received && picked.contains(sent));
            sent.is_none_or(|sent| sent.0 == at.0 || taken.contains(&sent))
        };
        while order.len() < picked.len() {
            let ready =
                |file: &&mut VecDeque<At>| file.front().is_some_and(|at| may_come(at, &taken));
            let next = match files.iter_mut().find(ready) {
                Some(file) => file.pop_front(),
                None => files.iter_mut().find_map(VecDeque::pop_front),
            };
            let Some(next) = next else { break };
            taken.insert(next);
            order.push(next);
        }
        order
    }

    fn draw(&self, order: &[At], marked: At) -> Sequence {
        let servers: BTreeSet<ServerId> = order
            .iter()
            .map(|at| self.event(*at))
            .flat_map(|event| [Some(event.server), event.kind.packet().map(|packet| packet.peer)])
            .flatten()
            .collect();
        let lanes: Vec<ServerId> = servers.into_iter().collect();
        let lane = |server: ServerId| lanes.iter().position(|other| *other == server);
        let rows: BTreeMap<At, usize> = order.iter().copied().zip(1..).collect();
        let mut phases: Vec<Option<Lane>> = lanes
            .iter()
            .map(|server| {
                self.phase_before(order.iter().find(|at| self.event(**at).server == *server))
            })
            .collect();
        let row = |text: String, phases: &[Option<Lane>]| Row {
            text,
            servers: Vec::new(),
            crash: false,
            notes: vec![String::new(); lanes.len()],
            phases: phases.to_vec(),
            marked: false,
        };
        let mut sequence = Sequence {
            lanes: lanes.iter().map(|server| format!("server {server}")).collect(),
            rows: vec![row("before".to_owned(), &phases)],
            arrows: Vec::new(),
        };
        for at in order {
            let event = self.event(*at);
            let own = lane(event.server);
            if let Some(own) = own {
                phases[own] = phase_after(event, phases[own]);
            }
            let mut drawn = row(self.text(*at), &phases);
            drawn.servers.extend(own);
            drawn.crash = event.kind == EventKind::Killed;
            drawn.marked = *at == marked;
            sequence.rows.push(drawn);
            sequence.arrows.extend(self.arrow(*at, &rows, &lane));
        }
        sequence
    }

    /// The message that is sent in a line, or received in it without a send that is shown.
    fn arrow(
        &self,
        at: At,
        rows: &BTreeMap<At, usize>,
        lane: &dyn Fn(ServerId) -> Option<usize>,
    ) -> Option<Arrow> {
        let event = self.event(at);
        let packet = event.kind.packet()?;
        let (own, peer) = (lane(event.server)?, lane(packet.peer)?);
        let (here, text) = (rows[&at], describe_message(&packet.message));
        let other = self.other_end(at).and_then(|other| rows.get(&other).copied());
        match (is_sent(&event.kind), other) {
            (true, Some(row)) if row > here => {
                Some(Arrow { from: own, to: peer, text, sent: here, end: End::Received(row) })
            }
            (true, None) => {
                Some(Arrow { from: own, to: peer, text, sent: here, end: End::UnderWay })
            }
            // Without a send before it, a message is drawn where it is received.
            (false, other) if other.is_none_or(|row| row > here) => {
                Some(Arrow { from: peer, to: own, text, sent: here, end: End::Received(here) })
            }
            (true | false, Some(_)) | (false, None) => None,
        }
    }

    /// Where the line stands, and what it says; the names of connections are left out.
    fn text(&self, (file, place): At) -> String {
        let located = &self.trace.files[file].events[place];
        let kind = &located.event.kind;
        let said = match (kind.packet(), kind.connection()) {
            (Some(Packet { message, peer, .. }), _) => {
                let to = if is_sent(kind) { "to" } else { "from" };
                format!("{} {} {to} {peer}", kind.name(), describe_message(message))
            }
            (None, Some(_)) => kind.name().to_string(),
            (None, None) => describe_event(&located.event),
        };
        let name = &self.trace.files[file].name;
        let name = name.rsplit('/').next().unwrap_or(name);
        format!("{name}:{}  {said}", located.line)
    }

    /// The phase that a server is known to be in before a line.
    fn phase_before(&self, at: Option<&At>) -> Option<Lane> {
        let Some(&(file, place)) = at else { return Some(Lane::Election) };
        let server = self.event((file, place)).server;
        let before = (0..place).map(|place| self.event((file, place)));
        before
            .filter(|event| event.server == server)
            .fold(None, |phase, event| phase_after(event, phase))
    }
}

fn is_sent(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Sent(_))
}

/// The phase of a server after an event of it; `None` while it is down.
fn phase_after(event: &Event, before: Option<Lane>) -> Option<Lane> {
    if matches!(event.kind, EventKind::Stop | EventKind::Killed) {
        return None;
    }
    if matches!(event.kind, EventKind::Start { .. } | EventKind::Looking { .. }) {
        return Some(Lane::Election);
    }
    match event.state.and_then(|state| state.phase) {
        Some(Phase::Election) => Some(Lane::Election),
        Some(Phase::Discovery) => Some(Lane::Discovery),
        Some(Phase::Synchronization) => Some(Lane::Synchronization),
        Some(Phase::Broadcast) => Some(Lane::Broadcast),
        None => before.or(Some(Lane::Election)),
    }
}
