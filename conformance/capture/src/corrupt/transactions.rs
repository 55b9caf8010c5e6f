//! Wrong transactions.

use zab_wire::PacketType::{self, Ack, Commit, Inform, Ping, Proposal};
use zab_wire::{Record as _, Txn};

use super::Accepted::Legal;
use super::discovery::{double, zxid};
use super::sheet::{Line, Sheet};
use super::{Chance, Kind, kind};

pub(super) const KINDS: &[Kind] = &[
    kind("PROPOSAL skipped", |sheet, chance| skip(sheet, chance, Proposal)),
    kind("PROPOSAL sent twice", |sheet, chance| double(sheet, chance, Proposal)),
    kind("PROPOSALs reordered", |sheet, chance| swap(sheet, chance, Proposal)),
    kind("PROPOSAL: zxid one higher, in both places", |sheet, chance| {
        let at = chance.pick(&sheet.packets(Proposal))?;
        edit_txn(&mut sheet.lines[at], |txn| txn.header.zxid += 1)
    }),
    kind("PROPOSAL: zxid one higher than the transaction's", |sheet, chance| {
        zxid(sheet, chance, Proposal, |_| true, 1)
    }),
    kind("PROPOSAL: another transaction", |sheet, chance| {
        let at = chance.pick(&proposed_twice(sheet))?;
        edit_txn(&mut sheet.lines[at], |txn| txn.header.cxid += 1)
    }),
    kind("PROPOSAL: another digest", |sheet, chance| {
        let at = chance.pick(&proposed_twice(sheet))?;
        edit_txn(&mut sheet.lines[at], |txn| {
            if let Some(digest) = &mut txn.digest {
                digest.tree ^= 1;
            }
        })
    }),
    kind("COMMIT before a quorum has acknowledged", early_commit),
    kind("COMMIT skipped", |sheet, chance| skip(sheet, chance, Commit)),
    kind("COMMIT sent twice", |sheet, chance| double(sheet, chance, Commit)),
    kind("COMMITs reordered", |sheet, chance| swap(sheet, chance, Commit)),
    kind("COMMIT before its PROPOSAL", |sheet, chance| {
        before_proposal(sheet, chance, |line| line.is(Commit))
    }),
    kind("COMMIT: of what was never proposed", |sheet, chance| {
        zxid(sheet, chance, Commit, |_| true, 1 << 16)
    }),
    kind("ACK before its PROPOSAL", |sheet, chance| before_proposal(sheet, chance, is_ack)),
    kind("ACK: of what was never proposed", |sheet, chance| {
        zxid(sheet, chance, Ack, is_txn, 1 << 16)
    }),
    Kind {
        accepted: Some(Legal("the first of a connection may be for any transaction")),
        ..kind("ACK skipped", |sheet, chance| skip_where(sheet, chance, is_ack))
    },
    kind("ACK sent twice", |sheet, chance| {
        let at = chance.pick(&sheet.places(is_ack))?;
        let again = sheet.lines[at].clone();
        sheet.lines.insert(at + 1, again);
        Some(())
    }),
    kind("ACKs reordered", |sheet, chance| swap_where(sheet, chance, is_ack)),
    kind("INFORM skipped", |sheet, chance| skip(sheet, chance, Inform)),
    kind("INFORM sent twice", |sheet, chance| double(sheet, chance, Inform)),
    Kind {
        accepted: Some(Legal(
            "before NEWLEADER the leader may have proposed more than it has sent to this learner",
        )),
        ..kind("PING: zxid one higher", |sheet, chance| zxid(sheet, chance, Ping, |_| true, 1))
    },
    kind("PING: another epoch", |sheet, chance| zxid(sheet, chance, Ping, |_| true, 1 << 32)),
];

fn is_txn(zxid: i64) -> bool {
    zxid & 0xffff_ffff != 0
}

fn is_ack(line: &Line) -> bool {
    line.packet().is_some_and(|packet| packet.kind == Ack && is_txn(packet.zxid))
}

fn is_for(line: &Line, kind: PacketType, zxid: i64) -> bool {
    line.packet().is_some_and(|packet| packet.kind == kind && packet.zxid == zxid)
}

/// Changes the transaction in a packet, and its zxid with it.
fn edit_txn(line: &mut Line, edit: impl FnOnce(&mut Txn)) -> Option<()> {
    let mut txn = Txn::from_bytes(line.packet()?.data.as_ref()?).ok()?;
    edit(&mut txn);
    line.edit_packet(|packet| {
        packet.zxid = txn.header.zxid;
        packet.data = Some(txn.to_bytes());
    });
    Some(())
}

/// PROPOSALs of transactions that are proposed more than once.
fn proposed_twice(sheet: &Sheet) -> Vec<usize> {
    let zxid = |at: &usize| sheet.lines[*at].packet().map(|packet| packet.zxid);
    let all = sheet.packets(Proposal);
    let twice = |at: &usize| all.iter().filter(|other| zxid(other) == zxid(at)).count() > 1;
    all.iter().copied().filter(twice).collect()
}

/// Takes one away after which the same sender sends another such one.
fn skip_where(sheet: &mut Sheet, chance: &mut Chance, fits: impl Fn(&Line) -> bool) -> Option<()> {
    let places = sheet.places(&fits);
    let followed: Vec<usize> =
        places.into_iter().filter(|at| sheet.next(*at, &fits).is_some()).collect();
    let at = chance.pick(&followed)?;
    sheet.lines.remove(at);
    Some(())
}

fn skip(sheet: &mut Sheet, chance: &mut Chance, kind: PacketType) -> Option<()> {
    skip_where(sheet, chance, |line| line.is(kind))
}

fn swap_where(sheet: &mut Sheet, chance: &mut Chance, fits: impl Fn(&Line) -> bool) -> Option<()> {
    let places = sheet.places(&fits);
    let pairs: Vec<(usize, usize)> =
        places.into_iter().filter_map(|at| Some((at, sheet.next(at, &fits)?))).collect();
    let (one, other) = chance.pick(&pairs)?;
    sheet.lines.swap(one, other);
    Some(())
}

fn swap(sheet: &mut Sheet, chance: &mut Chance, kind: PacketType) -> Option<()> {
    swap_where(sheet, chance, |line| line.is(kind))
}

/// Puts a packet before the PROPOSAL of the same transaction on its connection.
fn before_proposal(
    sheet: &mut Sheet,
    chance: &mut Chance,
    fits: impl Fn(&Line) -> bool,
) -> Option<()> {
    let pair = |at: usize| {
        let zxid = sheet.lines[at].packet()?.zxid;
        Some((at, sheet.before(at, |line| is_for(line, Proposal, zxid))?))
    };
    let pairs: Vec<(usize, usize)> = sheet.places(fits).into_iter().filter_map(pair).collect();
    let (at, proposal) = chance.pick(&pairs)?;
    sheet.shift(at, proposal);
    Some(())
}

/// The first COMMIT of a transaction whose first ACK stands before it and after its PROPOSAL goes
/// before that ACK.
fn early_commit(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let place = |at: usize| {
        let zxid = sheet.lines[at].packet()?.zxid;
        let first = sheet.is_first(at, |line| is_for(line, Commit, zxid));
        let ack = (0..at).find(|other| is_for(&sheet.lines[*other], Ack, zxid))?;
        let proposal = sheet.before(at, |line| is_for(line, Proposal, zxid))?;
        (first && proposal < ack).then_some((at, ack))
    };
    let places: Vec<(usize, usize)> = sheet.packets(Commit).into_iter().filter_map(place).collect();
    let (at, ack) = chance.pick(&places)?;
    sheet.shift(at, ack);
    Some(())
}
