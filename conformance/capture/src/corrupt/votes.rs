//! Wrong votes.

use zab_wire::election::{Notification, ServerState};

use super::Accepted::{Legal, NotCompared};
use super::sheet::{Line, Sheet};
use super::{Chance, Kind, kind};

/// Why many votes are not compared.
const LATE: &str = "a vote that may be a late answer, or repeated on a new connection, is not compared with others";

pub(super) const KINDS: &[Kind] = &[
    Kind {
        accepted: Some(NotCompared(LATE)),
        ..kind("vote: zxid one higher", |sheet, chance| edit(sheet, chance, |vote| vote.zxid += 1))
    },
    Kind {
        accepted: Some(NotCompared(LATE)),
        ..kind("vote: zxid one lower", |sheet, chance| {
            edit_where(sheet, chance, |vote| vote.zxid > 0, |vote| vote.zxid -= 1)
        })
    },
    kind("vote: epoch one higher", |sheet, chance| {
        edit(sheet, chance, |vote| vote.peer_epoch += 1)
    }),
    Kind {
        accepted: Some(NotCompared(LATE)),
        ..kind("vote: epoch one lower", |sheet, chance| {
            edit_where(sheet, chance, |vote| vote.peer_epoch > 0, |vote| vote.peer_epoch -= 1)
        })
    },
    kind("vote: for a server that is none", |sheet, chance| {
        edit(sheet, chance, |vote| vote.leader = 99)
    }),
    Kind {
        accepted: Some(Legal(
            "in the first election of a new ensemble all are equal but for their ids, and a vote for a greater one may come early",
        )),
        ..kind("vote: for another server", other_leader)
    },
    Kind { accepted: Some(NotCompared(LATE)), ..kind("vote: round goes back", round_back) },
    Kind { accepted: Some(NotCompared(LATE)), ..kind("vote: goes back within a round", vote_back) },
    Kind {
        accepted: Some(Legal("a server that has the votes of a quorum leads from then on")),
        ..kind("vote: LEADING instead of LOOKING", |sheet, chance| {
            edit(sheet, chance, |vote| vote.state = ServerState::Leading)
        })
    },
    Kind {
        accepted: Some(NotCompared(
            "until it takes note of a new leader a server answers with the vote of an earlier round",
        )),
        ..kind("settled vote: for another server", settled_leader)
    },
    kind("settled vote: epoch that never was", |sheet, chance| {
        let at = chance.pick(&sheet.places(is_settled))?;
        sheet.lines[at].edit_vote(|vote| vote.peer_epoch += 7);
        Some(())
    }),
];

fn is_looking(line: &Line) -> bool {
    line.vote().is_some_and(|vote| vote.state == ServerState::Looking && vote.leader >= 0)
}

fn is_settled(line: &Line) -> bool {
    line.vote().is_some_and(|vote| vote.state != ServerState::Looking && vote.election_epoch >= 0)
}

fn edit(
    sheet: &mut Sheet,
    chance: &mut Chance,
    edit: impl FnOnce(&mut Notification),
) -> Option<()> {
    edit_where(sheet, chance, |_| true, edit)
}

fn edit_where(
    sheet: &mut Sheet,
    chance: &mut Chance,
    fits: impl Fn(&Notification) -> bool,
    edit: impl FnOnce(&mut Notification),
) -> Option<()> {
    let places = sheet.places(|line| is_looking(line) && line.vote().is_some_and(&fits));
    let at = chance.pick(&places)?;
    sheet.lines[at].edit_vote(edit);
    Some(())
}

/// The servers that vote for somebody.
fn servers(sheet: &Sheet) -> Vec<i64> {
    let mut servers: Vec<i64> = sheet
        .lines
        .iter()
        .filter_map(|line| line.vote().map(|vote| vote.leader).filter(|leader| *leader >= 0))
        .collect();
    servers.sort_unstable();
    servers.dedup();
    servers
}

fn other_leader(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let at = chance.pick(&sheet.places(is_looking))?;
    let before = sheet.lines[at].vote()?.leader;
    let others: Vec<i64> = servers(sheet).into_iter().filter(|id| *id != before).collect();
    let other = chance.pick(&others)?;
    sheet.lines[at].edit_vote(|vote| vote.leader = other);
    Some(())
}

fn settled_leader(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let at = chance.pick(&sheet.places(is_settled))?;
    let before = sheet.lines[at].vote()?.leader;
    let others: Vec<i64> = servers(sheet).into_iter().filter(|id| *id != before).collect();
    let other = chance.pick(&others)?;
    sheet.lines[at].edit_vote(|vote| vote.leader = other);
    Some(())
}

/// A vote that follows another one in the same round gets an earlier round.
fn round_back(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let places = pairs(sheet, |one, other| one.election_epoch == other.election_epoch);
    let (_, at) = chance.pick(&places)?;
    sheet.lines[at].edit_vote(|vote| vote.election_epoch -= 1);
    Some(())
}

/// Two different votes in one round change places.
fn vote_back(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let places = pairs(sheet, |one, other| {
        one.election_epoch == other.election_epoch
            && (one.leader, one.zxid) != (other.leader, other.zxid)
    });
    let (one, other) = chance.pick(&places)?;
    sheet.lines.swap(one, other);
    Some(())
}

/// Neighbouring LOOKING votes of one sender on one connection.
fn pairs(
    sheet: &Sheet,
    fits: impl Fn(&Notification, &Notification) -> bool,
) -> Vec<(usize, usize)> {
    let next = |at: &usize| Some((*at, sheet.next(*at, |line| line.vote().is_some())?));
    let both = |(one, other): &(usize, usize)| {
        let votes = sheet.lines[*one].vote().zip(sheet.lines[*other].vote());
        is_looking(&sheet.lines[*other]) && votes.is_some_and(|(one, other)| fits(one, other))
    };
    sheet.places(is_looking).iter().filter_map(next).filter(both).collect()
}
