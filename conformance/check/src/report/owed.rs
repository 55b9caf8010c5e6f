//! What the contract promises must come: which lines and fields were seen, and how many the steps
//! of the run had to show.
//!
//! A line that is a consequence (a delivery, most decisions) can come late, and the process can be
//! killed before it comes. So it is missed only if its server took further steps meanwhile, and no
//! line of its kind was ever seen: in the whole trace, of one server, or in one life of it.

use zab_trace::{Contract, Event, EventName, ServerId, State};

use crate::state::Candidate;
use crate::trace::shows;

/// The consequences that are counted, with what the step did that owes one: once, and more often.
const TRACKED: [(EventName, [&str; 2]); 6] = [
    (EventName::Looking, ["round of an election is begun", "rounds of an election are begun"]),
    (EventName::Elected, ["election is settled", "elections are settled"]),
    (EventName::Established, ["epoch is established", "epochs are established"]),
    (EventName::Committed, ["transaction is committed", "transactions are committed"]),
    (EventName::Delivered, ["transaction is delivered", "transactions are delivered"]),
    (EventName::Disconnected, ["connection is closed", "connections are closed"]),
];

/// By kind: how many further steps a server takes before a line of the kind is missed. Sockets may
/// be closed some time after the step that gives a connection up.
const STEPS_LATE: [u8; TRACKED.len()] = [2, 2, 2, 2, 2, 16];

/// How many lines of a server must have a chance to show its state before that is missed, if others
/// show theirs.
const CHANCES: u64 = 4;

/// The fields that a server may not know for a whole life: a snapshot does not tell them.
const NOT_IN_A_SNAPSHOT: [&str; 2] = ["logLength", "logDigest"];

/// How often something was seen that the contract may promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The event's or the field's name.
    pub name: &'static str,
    /// Whether the contract promises it, of one server at least.
    pub promised: bool,
    /// How many lines have it.
    pub seen: u64,
    /// How many lines the steps of the run had to show; those are among them that a kill, or the
    /// end of a role, was faster than. None where only the line itself tells of its step.
    pub owed: Option<u64>,
}

/// What was seen of everything that a contract can promise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By event, in the order of the format; `state` at the end.
    pub lines: Vec<Count>,
    /// By field of `state`.
    pub fields: Vec<Count>,
}

/// Something promised that was never seen, although it was owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeverSeen {
    /// The event, `state`, or a field of it.
    pub name: &'static str,
    /// Whose, if it is seen of others.
    pub server: Option<ServerId>,
    /// Of which life, if it is seen of others.
    pub incarnation: Option<u32>,
    /// How many times it was owed.
    pub owed: u64,
    /// What the steps did that owe it: once, and more often.
    pub deed: [&'static str; 2],
}

impl std::fmt::Display for NeverSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [once, often] = self.deed;
        write!(f, "{} {}", self.owed, if self.owed == 1 { once } else { often })?;
        if let Some(server) = self.server {
            write!(f, " by server {server}")?;
        }
        if let Some(incarnation) = self.incarnation {
            write!(f, " in incarnation {incarnation}")?;
        }
        match self.name {
            "state" => f.write_str(", and no line with `state` was seen")?,
            name if State::FIELDS.contains(&name) => write!(f, ", and none has {name}")?,
            name => write!(f, ", and no {name} line was seen")?,
        }
        f.write_str(": the contract promises it")
    }
}

/// What is counted of one life, one server, or all of them.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// By tracked kind: lines seen.
    seen: [u64; TRACKED.len()],
    /// By tracked kind: lines owed.
    owed: [u64; TRACKED.len()],
    /// By tracked kind: how many further steps passed while one was owed and none had been seen.
    late: [u8; TRACKED.len()],
    /// Lines that show a step of their server.
    steps: u64,
    /// Lines with `state`.
    states: u64,
    /// By field.
    fields: [u64; State::FIELDS.len()],
}

impl Tally {
    fn add(&mut self, other: &Self) {
        for kind in 0..TRACKED.len() {
            self.seen[kind] += other.seen[kind];
            self.owed[kind] += other.owed[kind];
            self.late[kind] = self.late[kind].max(other.late[kind]);
        }
        self.steps += other.steps;
        self.states += other.states;
        for field in 0..State::FIELDS.len() {
            self.fields[field] += other.fields[field];
        }
    }
}

/// One server.
#[derive(Debug)]
struct Member {
    id: ServerId,
    /// By tracked kind: whether the contract promises it of this server.
    promised: [bool; TRACKED.len()],
    /// Of its lives that are over.
    all: Tally,
    /// Of its present life.
    life: Tally,
    incarnation: u32,
    /// By tracked kind: how many lines are due, in every state that explains the server.
    due: [u64; TRACKED.len()],
}

/// What was seen, and what was owed, so far.
#[derive(Debug)]
pub(crate) struct Ledger {
    contract: Contract,
    members: Vec<Member>,
    /// By event, in the order of the format.
    lines: Vec<u64>,
    /// What one life never showed, if others of its server did.
    of_a_life: Option<NeverSeen>,
}

impl Ledger {
    pub(crate) fn new(contract: &Contract, servers: &[ServerId]) -> Self {
        let members = servers.iter().map(|id| Member {
            id: *id,
            promised: TRACKED.map(|(name, _)| shows(contract, *id, name)),
            all: Tally::default(),
            life: Tally::default(),
            incarnation: 0,
            due: [0; TRACKED.len()],
        });
        Self {
            contract: contract.clone(),
            members: members.collect(),
            lines: vec![0; EventName::ALL.len()],
            of_a_life: None,
        }
    }

    /// Notes a line of the recorder.
    pub(crate) fn recorder(&mut self, event: &Event) {
        self.lines[event.kind.name() as usize] += 1;
    }

    /// Notes a line of the server in this row, before its step is taken.
    pub(crate) fn before(&mut self, row: usize, event: &Event, frontier: &[Candidate]) {
        let name = event.kind.name();
        self.lines[name as usize] += 1;
        if name == EventName::Start {
            self.close(row);
            self.members[row].incarnation = event.incarnation;
        }
        let member = &mut self.members[row];
        if let Some(kind) = tracked(name) {
            member.life.seen[kind] += 1;
        }
        member.life.steps += u64::from(name.is_step());
        if let Some(state) = event.state {
            member.life.states += 1;
            for (count, known) in member.life.fields.iter_mut().zip(state.known()) {
                *count += u64::from(known);
            }
        }
        if name == EventName::Stop {
            // A clean stop leaves nothing behind; but it may close connections without a line.
            let due = least_due(frontier);
            for kind in
                (0..TRACKED.len()).filter(|kind| TRACKED[*kind].0 != EventName::Disconnected)
            {
                if due[kind] > 0 && member.life.seen[kind] == 0 {
                    member.life.late[kind] = STEPS_LATE[kind];
                }
            }
        }
    }

    /// Notes what is due after a line's step.
    pub(crate) fn after(&mut self, row: usize, event: &Event, frontier: &[Candidate]) {
        let name = event.kind.name();
        let member = &mut self.members[row];
        let due = least_due(frontier);
        for kind in 0..TRACKED.len() {
            let shown = u64::from(tracked(name) == Some(kind));
            let (before, after) = (member.due[kind], due[kind]);
            member.life.owed[kind] += (after + shown).saturating_sub(before);
            if before > 0 && after > 0 && member.life.seen[kind] == 0 && name.is_step() {
                let late = &mut member.life.late[kind];
                *late = STEPS_LATE[kind].min(*late + 1);
            } else if after == 0 && member.life.late[kind] < STEPS_LATE[kind] {
                // The role ended before anything was missed.
                member.life.late[kind] = 0;
            }
        }
        member.due = due;
    }

    /// Closes the present life of a server.
    fn close(&mut self, row: usize) {
        let member = &mut self.members[row];
        let life = std::mem::take(&mut member.life);
        member.all.add(&life);
        member.due = [0; TRACKED.len()];
        let (id, incarnation) = (member.id, member.incarnation);
        if incarnation > 0 && self.of_a_life.is_none() {
            let promised = member.promised;
            let mut found = self.missing(&life, &promised, CHANCES, true);
            if let Some(never) = &mut found {
                (never.server, never.incarnation) = (Some(id), Some(incarnation));
            }
            self.of_a_life = found;
        }
    }

    /// What was promised, owed and never seen in what is tallied. `chances`: how many lines must
    /// have had one to show the state.
    fn missing(
        &self,
        tally: &Tally,
        promised: &[bool],
        chances: u64,
        one_life: bool,
    ) -> Option<NeverSeen> {
        let never = |name, owed, deed| {
            let (server, incarnation) = (None, None);
            Some(NeverSeen { name, server, incarnation, owed, deed })
        };
        for (kind, (name, deed)) in TRACKED.iter().enumerate() {
            if promised[kind] && tally.seen[kind] == 0 && tally.late[kind] >= STEPS_LATE[kind] {
                return never(name.as_str(), tally.owed[kind], *deed);
            }
        }
        if !self.contract.state {
            return None;
        }
        if tally.states == 0 && tally.steps >= chances {
            return never("state", tally.steps, ["step was shown", "steps were shown"]);
        }
        if tally.states < chances {
            return None;
        }
        let fields = State::FIELDS.iter().zip(&tally.fields);
        let mut fields = fields.filter(|(name, _)| !one_life || !NOT_IN_A_SNAPSHOT.contains(name));
        let (name, _) = fields.find(|(_, seen)| **seen == 0)?;
        never(name, tally.states, ["line with `state` was seen", "lines with `state` were seen"])
    }

    /// What all servers together show.
    fn whole(&self) -> Tally {
        let mut whole = Tally::default();
        for member in &self.members {
            whole.add(&member.all);
            whole.add(&member.life);
        }
        whole
    }

    /// By tracked kind: whether it is promised of a server.
    fn promised(&self) -> [bool; TRACKED.len()] {
        let mut promised = [false; TRACKED.len()];
        for member in &self.members {
            promised.iter_mut().zip(member.promised).for_each(|(all, one)| *all |= one);
        }
        promised
    }

    /// What was owed and not seen of any server so far.
    pub(crate) fn unseen(&self) -> Option<NeverSeen> {
        self.missing(&self.whole(), &self.promised(), 1, false)
    }

    /// All lines are explained: what was promised, owed and never seen?
    pub(crate) fn finish(&mut self) -> Option<NeverSeen> {
        (0..self.members.len()).for_each(|row| self.close(row));
        if let Some(never) = self.unseen() {
            return Some(never);
        }
        for member in &self.members {
            let found = self.missing(&member.all, &member.promised, CHANCES, false);
            if let Some(never) = found {
                return Some(NeverSeen { server: Some(member.id), ..never });
            }
        }
        self.of_a_life.take()
    }

    /// The counts of the whole trace, after its end.
    pub(crate) fn counts(&self, incarnations: u64) -> Counts {
        let whole = self.whole();
        let line = |name: &EventName| {
            let starts = (*name == EventName::Start).then_some(incarnations);
            let owed = starts.or_else(|| tracked(*name).map(|kind| whole.owed[kind]));
            let promised = self.members.iter().any(|m| shows(&self.contract, m.id, *name));
            let owed = owed.filter(|_| promised);
            Count { name: name.as_str(), promised, seen: self.lines[*name as usize], owed }
        };
        let mut lines: Vec<Count> = EventName::ALL.iter().map(line).collect();
        let promised = self.contract.state;
        let owed = |count: u64| promised.then_some(count);
        lines.push(Count { name: "state", promised, seen: whole.states, owed: None });
        let fields = State::FIELDS.iter().zip(whole.fields);
        let fields =
            fields.map(|(name, seen)| Count { name, promised, seen, owed: owed(whole.states) });
        Counts { lines, fields: fields.collect() }
    }
}

/// By tracked kind: how many lines are due at least, whatever state the server is in.
fn least_due(frontier: &[Candidate]) -> [u64; TRACKED.len()] {
    let mut least = [u64::MAX; TRACKED.len()];
    for candidate in frontier {
        let core = &candidate.core;
        let decided = &core.decided;
        let due = [
            decided.looking.len(),
            decided.elected.len(),
            decided.established.len(),
            decided.committed.len(),
            core.delivered.len(),
            core.ended.len(),
        ];
        least.iter_mut().zip(due).for_each(|(least, due)| *least = (*least).min(due as u64));
    }
    if frontier.is_empty() { [0; TRACKED.len()] } else { least }
}

fn tracked(name: EventName) -> Option<usize> {
    TRACKED.iter().position(|(tracked, _)| *tracked == name)
}
