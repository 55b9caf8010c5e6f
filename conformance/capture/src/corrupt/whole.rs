//! Packets that are elsewhere, or something else, as a whole.

use zab_wire::PacketType::{Ack, Commit, Proposal};

use super::Accepted::Legal;
use super::sheet::{Line, Sheet};
use super::{Chance, Kind, kind};
use crate::raw::{Event, Side};

pub(super) const KINDS: &[Kind] = &[
    Kind {
        accepted: Some(Legal(
            "a learner may have two connections to its leader, with the same transactions on both",
        )),
        ..kind("a packet on another connection", other_connection)
    },
    kind("a packet from the other end", |sheet, chance| {
        let at = chance.pick(&sheet.places(is_of_txn))?;
        let Event::Data { side, .. } = &mut sheet.lines[at].event else { return None };
        *side = Side { from: side.to, to: side.from, ..side.clone() };
        Some(())
    }),
    kind("COMMIT as an ACK", |sheet, chance| {
        let at = chance.pick(&sheet.packets(Commit))?;
        sheet.lines[at].edit_packet(|packet| packet.kind = Ack);
        Some(())
    }),
    kind("PROPOSAL as a COMMIT", |sheet, chance| {
        let at = chance.pick(&sheet.packets(Proposal))?;
        sheet.lines[at].edit_packet(|packet| packet.kind = Commit);
        Some(())
    }),
    kind("a packet of a type that is none", |sheet, chance| {
        let at = chance.pick(&sheet.places(|line| line.packet().is_some()))?;
        sheet.lines[at].edit_bytes(|bytes| bytes[..4].copy_from_slice(&99_i32.to_be_bytes()));
        Some(())
    }),
    kind("a packet without its last byte", |sheet, chance| {
        let places = sheet.places(|line| line.packet().is_some());
        let followed: Vec<usize> =
            places.into_iter().filter(|at| sheet.next(*at, |_| true).is_some()).collect();
        let at = chance.pick(&followed)?;
        sheet.lines[at].edit_bytes(|bytes| {
            bytes.pop();
        });
        Some(())
    }),
    Kind {
        accepted: Some(Legal(
            "what follows is taken for the rest of a long message, which the end of the connection has cut off",
        )),
        ..kind("a vote without its last byte", |sheet, chance| {
            let places = sheet.places(|line| line.vote().is_some());
            let followed: Vec<usize> =
                places.into_iter().filter(|at| sheet.next(*at, |_| true).is_some()).collect();
            let at = chance.pick(&followed)?;
            sheet.lines[at].edit_bytes(|bytes| {
                bytes.pop();
            });
            Some(())
        })
    },
];

fn is_of_txn(line: &Line) -> bool {
    line.is(Proposal) || line.is(Commit) || line.is(Ack)
}

/// A packet goes to another quorum connection that is open, from the end that has its part there.
fn other_connection(sheet: &mut Sheet, chance: &mut Chance) -> Option<()> {
    let places = sheet.places(is_of_txn);
    let at = chance.pick(&places)?;
    let other = chance.pick(&sheet.others_open(at))?;
    let by_learner = sheet.lines[at].is(Ack);
    let Event::Data { side, .. } = &mut sheet.lines[at].event else { return None };
    *side = match by_learner {
        true => other,
        false => Side { from: other.to, to: other.from, ..other },
    };
    Some(())
}
