//! States and steps of the family for readers.

use std::fmt;

use zab_view::{Fact, NOTHING, changes, list, page};

use super::action::Action;
use super::model::Paper;
use super::picture::{DOWN, ways};
use super::queue::Kind;
use super::state::{Heard, Leading, Report, Role, Server, State, Violation};
use super::types::{Members, Seat, Txn};

/// The facts about a server that are columns of the table of servers, and notes in a diagram.
pub(super) const COLUMNS: [&str; 7] =
    ["role", "phase", "f.p", "f.a", "history", "committed", "leader"];

/// What one step changes, and the state after it; `None` when it is not possible.
pub(super) fn step_text<const N: usize, const X: usize, const G: usize>(
    model: &Paper<N, X, G>,
    state: &State<N, X, G>,
    action: Action,
) -> Option<String> {
    let next = state.after(model.rules(), action)?;
    let lines = changes(&facts(state), &facts(&next));
    Some(
        lines
            .into_iter()
            .chain([String::new(), format!("{next:?}")])
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

/// A table of the servers, then what is under way and what properties remember.
impl<const N: usize, const X: usize, const G: usize> fmt::Debug for State<N, X, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&page(&facts(self), &COLUMNS))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Looking => "LOOKING",
            Self::Following => "FOLLOWING",
            Self::Leading => "LEADING",
        })
    }
}

/// The paper's names.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => NOTHING,
            Self::Cepoch => "CEPOCH",
            Self::NewEpoch => "NEWEPOCH",
            Self::AckEpoch => "ACKEPOCH",
            Self::NewLeader => "NEWLEADER",
            Self::AckLd => "ACK-LD",
            Self::CommitLd => "COMMIT-LD",
            Self::Propose => "PROPOSE",
            Self::Ack => "ACK",
            Self::Commit => "COMMIT",
        })
    }
}

/// Everything that a reader wants to know of a state, always the same names in the same order.
pub(super) fn facts<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (index, server) in state.servers.iter().enumerate() {
        let own = [
            ("role", server.role.to_string()),
            ("phase", server.phase.to_string()),
            ("f.p", server.accepted_epoch.to_string()),
            ("f.a", server.current_epoch.to_string()),
            ("history", txns(server.history.txns())),
            ("committed", zxids(state.delivered(index))),
            ("leader", seat(server.leader)),
        ];
        let all = own.into_iter().chain(leading_facts(server, index));
        facts.extend(all.map(|(name, value)| Fact::of_server(index, name, value)));
    }
    for way in ways(state) {
        let name = if way.channel.0 == DOWN { "to follower" } else { "to the leader of" };
        let name = format!("{name} {}", way.channel.1 + 1);
        facts.push(Fact::of_system(name, list(way.messages, ", ")));
    }
    facts.extend(system_facts(state));
    facts
}

/// What only a leader knows.
fn leading_facts<const N: usize, const X: usize>(
    server: &Server<N, X>,
    index: usize,
) -> [(&'static str, String); 7] {
    let Leading { learners, cepoch, ack_epoch, ack_ld, sent, acks, reports } = &server.leading;
    let acked = server.history.txns().iter().zip(acks).filter(|(_, acks)| !acks.is_empty());
    let acked = acked.map(|(txn, acks)| format!("{:?} by {}", txn.zxid, members(*acks)));
    let told = reports.iter().enumerate().filter(|(_, report)| **report != Report::default());
    let told = told.map(|(from, report)| {
        format!("{}: epoch {}, history {}", from + 1, report.epoch, txns(report.history.txns()))
    });
    let others = learners.without(index);
    [
        ("learners", members(others)),
        ("CEPOCH from", heard(*cepoch)),
        ("ACKEPOCH from", heard(*ack_epoch)),
        ("ACK-LD from", heard(*ack_ld)),
        ("told by", list(told, "; ")),
        ("proposed", unless_zero(*sent)),
        ("acknowledged", list(acked, ", ")),
    ]
}

fn system_facts<const N: usize, const X: usize, const G: usize>(
    state: &State<N, X, G>,
) -> Vec<Fact> {
    let (spent, ghost) = (&state.spent, &state.ghost);
    let counts = [
        ("timeouts", spent.timeouts),
        ("restarts", spent.restarts),
        ("requests", spent.requests),
        ("longest history at a request", spent.txns),
    ];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts = counts.map(|(name, count)| format!("{name} {count}"));
    let violation = match state.violation {
        Violation::None => NOTHING.to_owned(),
        violation @ (Violation::State
        | Violation::Proposal
        | Violation::Commit
        | Violation::Ack
        | Violation::Message
        | Violation::NoRoom) => format!("{violation:?}"),
    };
    let wrong = [
        (ghost.established_twice(), "two leaders established in one epoch"),
        (ghost.torn(), "two servers have committed what is no prefix of the other"),
        (ghost.fell(), "an epoch lower than before"),
        (ghost.strayed(), "a step that abstract primary-order broadcast does not have"),
    ];
    let wrong = wrong.into_iter().filter(|(is_so, _)| *is_so).map(|(_, words)| words);
    vec![
        Fact::of_system("the oracle names", seat(state.oracle)),
        Fact::of_system("so far", list(counts, ", ")),
        Fact::of_system("VIOLATION", violation),
        Fact::of_system("established in epochs", list(ghost.epochs(), " ")),
        Fact::of_system("broadcast by leaders", txns(&ghost.broadcasts().collect::<Vec<_>>())),
        Fact::of_system("ever committed", txns(ghost.committed())),
        Fact::of_system("WRONG", list(wrong, "; ")),
    ]
}

fn txns(txns: &[Txn]) -> String {
    list(txns.iter().map(|txn| format!("{txn:?}")), " ")
}

pub(super) fn zxids(txns: &[Txn]) -> String {
    list(txns.iter().map(|txn| format!("{:?}", txn.zxid)), " ")
}

fn members(members: Members) -> String {
    list(members.iter().map(|index| index + 1), " ")
}

fn heard(heard: Heard) -> String {
    let gone = heard.senders.iter().filter(|index| !heard.connected.contains(*index));
    let gone = list(gone.map(|index| index + 1), " ");
    let senders = members(heard.senders);
    if gone == NOTHING { senders } else { format!("{senders} (gone since: {gone})") }
}

fn seat(seat: Seat) -> String {
    seat.index().map_or_else(|| NOTHING.to_owned(), |index| (index + 1).to_string())
}

fn unless_zero(count: u8) -> String {
    if count == 0 { NOTHING.to_owned() } else { count.to_string() }
}
