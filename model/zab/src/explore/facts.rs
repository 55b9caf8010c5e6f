//! A state as named facts, for readers.

use std::fmt::{Display, Write};

use zab_view::{Fact, NOTHING, list};

use super::ghost::Violation;
use super::links::{End, Links};
use super::packet::Packet;
use super::sizes::{Flat, Log, Transactions, id_at};
use super::state::{Budget, State};
use crate::server::{Heard, Leader, Progress, Server, Stage, SyncMode, Synchronization};
use crate::shape::{Queue, Table};
use crate::stores::{CommittedLog, Database, Snapshot};
use crate::types::{ServerId, Zxid};

/// The facts about a server that are columns of the table of servers.
pub(super) const COLUMNS: [&str; 7] =
    ["role", "phase", "acceptedEpoch", "currentEpoch", "history", "on disk", "lastCommitted"];

/// Everything that a reader wants to know of a state, always the same names in the same order.
pub(super) fn facts<const N: usize, const P: usize>(state: &State<N, P>) -> Vec<Fact> {
    let (mut facts, made) = (Vec::new(), &state.transactions);
    for (index, server) in state.servers.iter().enumerate() {
        let about = |(name, value)| Fact::of_server(index, name, value);
        facts.extend(server_facts(server, made).map(about));
        facts.extend(synchronization_facts(&server.synchronization, made).map(about));
        facts.extend(leader_facts(&server.leader).map(about));
    }
    facts.extend(link_facts(state).into_iter().map(|(name, value)| Fact::of_system(name, value)));
    let ghost = &state.ghost;
    let leaders = ghost.established.as_slice().iter();
    let leaders = leaders.map(|one| format!("{} in epoch {}", one.leader, one.epoch));
    let violations = Violation::ALL.into_iter().filter(|violation| ghost.has(*violation));
    let system = [
        ("known committed", zxids(&ghost.committed, made)),
        ("established", list(leaders, ", ")),
        ("still allowed", budget(&state.budget)),
        ("VIOLATIONS", list(violations.map(|violation| format!("{violation:?}")), ", ")),
    ];
    facts.extend(system.map(|(name, value)| Fact::of_system(name, value)));
    facts
}

fn budget(budget: &Budget) -> String {
    let Budget {
        requests,
        crashes,
        kills,
        lost_disks,
        failed_appends,
        timeouts,
        disconnects,
        rounds,
        resends,
    } = *budget;
    let counts = [
        ("requests", requests),
        ("crashes", crashes),
        ("kills", kills),
        ("lost disks", lost_disks),
        ("failed appends", failed_appends),
        ("timeouts", timeouts),
        ("disconnects", disconnects),
        ("rounds", rounds),
        ("resends", resends),
    ];
    let left = counts.into_iter().filter(|(_, count)| *count > 0);
    list(left.map(|(name, count)| format!("{name} {count}")), ", ")
}

fn server_facts<const N: usize>(
    server: &Server<Flat<N>>,
    made: &Transactions,
) -> [(&'static str, String); 19] {
    let disk = &server.disk;
    // The value in memory, and the one on disk if that differs.
    let epoch = |memory: u8, disk: u8| {
        if memory == disk { memory.to_string() } else { format!("{memory} (disk {disk})") }
    };
    let like_history = |log: &Log| {
        if *log == server.history { "same".to_owned() } else { zxids(log, made) }
    };
    let Database { tree, label, committed_log } = server.database;
    [
        ("role", server.role.to_string()),
        ("phase", server.phase.to_string()),
        ("acceptedEpoch", epoch(server.accepted_epoch, disk.accepted_epoch)),
        ("currentEpoch", epoch(server.current_epoch, disk.current_epoch)),
        ("history", zxids(&server.history, made)),
        ("on disk", like_history(&disk.history)),
        ("snapshot on disk", snapshot(&disk.snapshot, made)),
        ("may come back", zxids(&disk.cut, made)),
        ("tree", like_history(&tree)),
        ("position", label.to_string()),
        ("window", window(&committed_log, made)),
        ("lastCommitted", server.last_committed.to_string()),
        ("round", unless_default(&server.round)),
        ("vote", unless_default(&server.vote)),
        ("vote of before", unless_default(&server.former.vote)),
        ("program", program(server)),
        ("earlier sync thread", zxids(&server.zombie, made)),
        ("recvset", votes::<N>(&server.election.recvset)),
        ("outofelection", votes::<N>(&server.election.outofelection)),
    ]
}

fn snapshot<const N: usize>(snapshot: &Snapshot<Flat<N>>, made: &Transactions) -> String {
    if *snapshot == Snapshot::default() {
        return NOTHING.to_owned();
    }
    format!("{} with {}", snapshot.label, zxids(&snapshot.tree, made))
}

fn window<const N: usize>(window: &CommittedLog<Flat<N>>, made: &Transactions) -> String {
    let numbers = window.log.numbers().iter().skip(usize::from(window.start));
    list(numbers.map(|number| made[usize::from(*number) - 1].zxid), " ")
}

/// The items that are left and have something to do.
fn program<const N: usize>(server: &Server<Flat<N>>) -> String {
    let items = server.program.left().iter().filter(|item| server.has_to(**item));
    list(items.map(|item| format!("{item:?}")), ", ")
}

/// The rows of a table by server, without those for which there is nothing to say.
fn rows<const N: usize, T>(
    row: impl Fn(ServerId) -> T,
    tell: impl Fn(T) -> Option<String>,
) -> String {
    let rows = (0..N).map(id_at);
    list(rows.filter_map(|id| tell(row(id)).map(|text| format!("{id}: {text}"))), ", ")
}

fn votes<const N: usize>(table: &impl Table<Heard<u8>>) -> String {
    rows::<N, _>(
        |id| table.row(id),
        |heard| {
            let leads = if heard.leading { " LEADING" } else { "" };
            (heard.vote.leader != ServerId::NOBODY).then(|| format!("{}{leads}", heard.vote))
        },
    )
}

fn synchronization_facts<const N: usize>(
    sync: &Synchronization<Flat<N>>,
    made: &Transactions,
) -> [(&'static str, String); 4] {
    let stage = (sync.stage != Stage::Idle).then(|| format!("{:?}", sync.stage));
    let mode = (sync.mode != SyncMode::Diff).then(|| format!("{:?}", sync.mode));
    let mode = if sync.drops { Some("drops its history".to_owned()) } else { mode };
    [
        ("synchronization", stage.unwrap_or_else(|| NOTHING.to_owned())),
        ("mode", mode.unwrap_or_else(|| NOTHING.to_owned())),
        ("received", zxids(&sync.received, made)),
        ("of these committed", unless_default(&sync.committed)),
    ]
}

fn leader_facts<const N: usize>(leader: &Leader<Flat<N>>) -> [(&'static str, String); 8] {
    let learners = |id| leader.learners.row(id);
    let progress = |at: Progress| (at != Progress::None).then(|| format!("{at:?}"));
    let last = |zxid: Zxid<u8>| (zxid != Zxid::default()).then(|| zxid.to_string());
    let decided = if leader.decided { "decided" } else { NOTHING };
    [
        ("epoch", decided.to_owned()),
        ("newEpoch", unless_default(&leader.new_epoch)),
        ("connecting", unless_default(&leader.connecting)),
        ("electing", unless_default(&leader.electing)),
        ("newLeaderAcks", unless_default(&leader.new_leader_acks)),
        ("learners", rows::<N, _>(|id| learners(id).progress, progress)),
        ("reported", rows::<N, _>(|id| learners(id).last, last)),
        ("outstanding, with acknowledgements", list(leader.outstanding.as_slice(), ", ")),
    ]
}

fn link_facts<const N: usize, const P: usize>(state: &State<N, P>) -> Vec<(String, String)> {
    let Links { down, up, notes } = &state.links;
    let mut facts = Vec::new();
    for (place, down) in down.iter().enumerate() {
        let packets = down.queue.as_slice();
        let (sent, held) = packets.split_at(packets.len() - usize::from(down.held));
        let mut text = end(down.end, sent);
        if !held.is_empty() {
            let _ = write!(text, ", not sent yet: {}", end(End::Open, held));
        }
        facts.push((format!("to learner {}", id_at(place)), text));
    }
    for from in 0..N {
        for to in (0..N).filter(|to| *to != from) {
            let up = &up[(from, to)];
            let mut text = end(up.end, up.queue.as_slice());
            if up.older > 0 {
                let _ = write!(text, ", of these on an older connection: {}", up.older);
            }
            if up.newer != End::Closed {
                let _ = write!(text, ", newer {}", end(up.newer, &[up.hello]));
            }
            facts.push((format!("to leader {}>{}", id_at(from), id_at(to)), text));
            let notes = list(notes[(from, to)].as_slice(), ", ");
            facts.push((format!("election {}>{}", id_at(from), id_at(to)), notes));
        }
    }
    facts
}

fn end(end: End, packets: &[Packet]) -> String {
    let messages = packets.iter().filter_map(|packet| packet.decode());
    let messages = list(messages, ", ");
    match end {
        End::Closed => NOTHING.to_owned(),
        End::Open if messages == NOTHING => "open".to_owned(),
        End::Open => messages,
        End::Severed if messages == NOTHING => "severed".to_owned(),
        End::Severed => format!("severed, {messages}"),
    }
}

fn zxids(log: &Log, made: &Transactions) -> String {
    list(log.numbers().iter().map(|number| made[usize::from(*number) - 1].zxid), " ")
}

fn unless_default<T: Default + PartialEq + Display>(value: &T) -> String {
    if *value == T::default() { NOTHING.to_owned() } else { value.to_string() }
}
