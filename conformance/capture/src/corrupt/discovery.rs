//! Wrong packets before broadcast.

use bytes::Bytes;
use zab_wire::PacketType::{
    self, Ack, AckEpoch, Diff, FollowerInfo, LeaderInfo, NewLeader, Snap, Trunc, UpToDate,
};

use super::Accepted::Legal;
use super::sheet::{Line, Sheet};
use super::{Chance, Kind, kind};
use crate::connection::Message;
use crate::payload::Payload;
use crate::raw::Event;

const EPOCH: i64 = 1 << 32;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        accepted: Some(Legal("a server may have accepted an epoch of which nobody was told")),
        ..kind("FOLLOWERINFO: epoch one higher", |sheet, chance| {
            zxid(sheet, chance, FollowerInfo, |_| true, EPOCH)
        })
    },
    Kind {
        accepted: Some(Legal("what was accepted before the capture is not in it")),
        ..kind("FOLLOWERINFO: epoch one lower", |sheet, chance| {
            zxid(sheet, chance, FollowerInfo, |zxid| zxid >= EPOCH, -EPOCH)
        })
    },
    kind("LEADERINFO: epoch one higher", |sheet, chance| {
        zxid(sheet, chance, LeaderInfo, |_| true, EPOCH)
    }),
    kind("LEADERINFO: epoch one lower", |sheet, chance| {
        zxid(sheet, chance, LeaderInfo, |_| true, -EPOCH)
    }),
    kind("LEADERINFO before a quorum of FOLLOWERINFO", early_offer),
    kind("LEADERINFO not sent", |sheet, chance| drop_one(sheet, chance, LeaderInfo)),
    Kind {
        accepted: Some(Legal(
            "a server that led may have a transaction that it sent to nobody; what it had before the capture is not in it",
        )),
        ..kind("ACKEPOCH: zxid one higher", |sheet, chance| {
            zxid(sheet, chance, AckEpoch, |_| true, 1)
        })
    },
    kind("ACKEPOCH: currentEpoch one higher", current_epoch),
    kind("ACKEPOCH not sent", |sheet, chance| drop_one(sheet, chance, AckEpoch)),
    kind("DIFF, TRUNC or SNAP before ACKEPOCH", |sheet, chance| {
        before_its(sheet, chance, is_header, |line| line.is(AckEpoch))
    }),
    kind("DIFF instead of TRUNC, or TRUNC instead of DIFF", |sheet, chance| {
        let at = chance.pick(&sheet.places(|line| line.is(Diff) || line.is(Trunc)))?;
        let other = if sheet.lines[at].is(Diff) { Trunc } else { Diff };
        sheet.lines[at].edit_packet(|packet| packet.kind = other);
        Some(())
    }),
    Kind {
        accepted: Some(Legal("a leader that has the next transaction, too, may cut off less")),
        ..kind("DIFF or TRUNC: zxid one higher", |sheet, chance| {
            edit_header(sheet, chance, |line| line.is(Diff) || line.is(Trunc), 1)
        })
    },
    Kind {
        accepted: Some(Legal("a DIFF may end before what is sent with it")),
        ..kind("DIFF: zxid one lower", |sheet, chance| {
            edit_header(sheet, chance, |line| line.is(Diff), -1)
        })
    },
    Kind {
        accepted: Some(Legal("the leader may have cut off more, and sent it again")),
        ..kind("TRUNC: zxid one lower", |sheet, chance| {
            edit_header(sheet, chance, |line| line.is(Trunc), -1)
        })
    },
    kind("SNAP: zxid one higher", |sheet, chance| {
        edit_header(sheet, chance, |line| line.is(Snap), 1)
    }),
    kind("NEWLEADER: epoch one higher", |sheet, chance| {
        zxid(sheet, chance, NewLeader, |_| true, EPOCH)
    }),
    kind("NEWLEADER not sent", |sheet, chance| drop_one(sheet, chance, NewLeader)),
    kind("NEWLEADER sent twice", |sheet, chance| double(sheet, chance, NewLeader)),
    kind("ACK of NEWLEADER: another epoch", |sheet, chance| {
        zxid(sheet, chance, Ack, |zxid| zxid & 0xffff_ffff == 0, EPOCH)
    }),
    kind("ACK of NEWLEADER not sent", lost_ack_ld),
    kind("UPTODATE before a quorum has acknowledged", early_uptodate),
    kind("UPTODATE sent twice", |sheet, chance| double(sheet, chance, UpToDate)),
    kind("UPTODATE not sent", |sheet, chance| drop_one(sheet, chance, UpToDate)),
];

fn is_header(line: &Line) -> bool {
    line.is(Diff) || line.is(Trunc)
}

/// Changes the zxid of one packet of this type whose zxid is so.
pub(super) fn zxid(
    sheet: &mut Sheet,
    chance: &mut Chance,
    kind: PacketType,
    fits: impl Fn(i64) -> bool,
    by: i64,
) -> Option<()> {
    let fits =
        |line: &Line| line.packet().is_some_and(|packet| packet.kind == kind && fits(packet.zxid));
    edit_header(sheet, chance, fits, by)
}

fn edit_header(
    sheet: &mut Sheet,
    chance: &mut Chance,
    fits: impl Fn(&Line) -> bool,
    by: i64,
) -> Option<()> {
    let at = chance.pick(&sheet.places(fits))?;
    sheet.lines[at].edit_packet(|packet| packet.zxid += by);
    Some(())
}

fn drop_one(sheet: &mut Sheet, chance: &mut Chance, kind: PacketType) -> Option<()> {
    // What the sender said afterwards shows that it is not the end of the connection that is missing.
    let places = sheet.packets(kind);
    let followed: Vec<usize> =
        places.into_iter().filter(|at| sheet.next(*at, |_| true).is_some()).collect();
    let at = chance.pick(&followed)?;
    sheet.lines.remove(at);
    Some(())
}

pub(super) fn double(sheet: &mut Sheet, chance: &mut Chance, kind: PacketType) -> Option<()> {
    let at = chance.pick(&sheet.packets(kind))?;
    let again = sheet.lines[at].clone();
    sheet.lines.insert(at + 1, again);
    Some(())
}

/// Puts a packet before an earlier one on its connection.
fn before_its(
    sheet: &mut Sheet,
    chance: &mut Chance,
    fits: impl Fn(&Line) -> bool,
    earlier: impl Fn(&Line) -> bool,
) -> Option<()> {
    let places = sheet.places(fits);
    let pairs: Vec<(usize, usize)> =
        places.into_iter().filter_map(|at| Some((at, sheet.before(at, &earlier)?))).collect();
    let (at, earlier) = chance.pick(&pairs)?;
    sheet.shift(at, earlier);
    Some(())
}

/// The first LEADERINFO of an epoch, as soon as its connection is open.
fn early_offer(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let same = |at: usize| {
        let zxid = sheet.lines[at].packet().map(|packet| packet.zxid);
        move |line: &Line| line.is(LeaderInfo) && line.packet().map(|packet| packet.zxid) == zxid
    };
    let places = sheet.packets(LeaderInfo);
    let first: Vec<usize> =
        places.into_iter().filter(|at| sheet.is_first(*at, same(*at))).collect();
    let at = chance.pick(&first)?;
    let open = sheet.before(at, |line| matches!(line.event, Event::Open(_)))?;
    sheet.shift(at, open + 1);
    Some(())
}

fn current_epoch(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let at = chance.pick(&sheet.packets(AckEpoch))?;
    let Some(Message::Packet(_, Payload::CurrentEpoch(epoch))) = sheet.lines[at].message else {
        return None;
    };
    let wrong = Bytes::copy_from_slice(&(epoch + 1).to_be_bytes());
    sheet.lines[at].edit_packet(|packet| packet.data = Some(wrong));
    Some(())
}

/// The first acknowledgement on a connection on which UPTODATE follows.
fn lost_ack_ld(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let places = sheet.places(|line| {
        line.packet().is_some_and(|packet| packet.kind == Ack && packet.zxid & 0xffff_ffff == 0)
    });
    let is_first = |at: &usize| {
        let before = sheet.before(*at, |line| line.is(Ack));
        before.is_none() && sheet.next(*at, |_| true).is_some()
    };
    let first: Vec<usize> = places.into_iter().filter(is_first).collect();
    let at = chance.pick(&first)?;
    sheet.lines.remove(at);
    Some(())
}

/// The first UPTODATE of a leader, right after its NEWLEADER.
fn early_uptodate(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let places = sheet.packets(UpToDate);
    let at = chance.pick(&places)?;
    let new_leader = sheet.before(at, |line| line.is(NewLeader))?;
    sheet.shift(at, new_leader + 1);
    Some(())
}
