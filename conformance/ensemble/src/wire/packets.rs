//! What a capture must show, or the scenario was not what it says.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use zab_capture::{Item, Message, What};
use zab_wire::PacketType;

use crate::error::RecordError;
use crate::story::Story;

/// All that a capture holds, and the number of its messages.
pub(super) fn of(path: &Path) -> Result<(Vec<Item>, u64), RecordError> {
    let io = |source| RecordError::Io { what: "reading the capture back", source };
    let file = File::open(path).map_err(io)?;
    let mut items = Vec::new();
    let summary = zab_capture::decode(BufReader::new(file), |item| items.push(item.clone()))
        .map_err(|error| RecordError::Capture(error.to_string()))?;
    match summary.errors {
        0 => Ok((items, summary.total())),
        errors => Err(RecordError::Capture(format!("{errors} messages in it are unreadable"))),
    }
}

fn packets(items: &[Item]) -> impl Iterator<Item = (PacketType, i64, u64)> + '_ {
    items.iter().filter_map(|item| {
        let What::Sent { message, connection, .. } = &item.what else { return None };
        let Message::Packet(packet, _) = &**message else { return None };
        Some((packet.kind, packet.zxid, *connection))
    })
}

/// Epochs that a leader has established.
fn epochs(items: &[Item]) -> usize {
    let mut epochs: Vec<i64> = packets(items)
        .filter(|(kind, ..)| *kind == PacketType::NewLeader)
        .map(|(_, zxid, _)| zxid)
        .collect();
    epochs.sort_unstable();
    epochs.dedup();
    epochs.len()
}

fn said(found: bool, otherwise: &str) -> Result<(), String> {
    if found { Ok(()) } else { Err(otherwise.to_owned()) }
}

pub(super) fn committed_something(items: &[Item]) -> Result<(), String> {
    let found = packets(items).any(|(kind, ..)| kind == PacketType::Commit);
    said(found, "nothing was committed")
}

pub(super) fn two_epochs(items: &[Item]) -> Result<(), String> {
    said(epochs(items) > 1, "there was one epoch only")
}

/// The epochs that a story tells of.
pub(super) fn epochs_of(story: &Story, items: &[Item]) -> Result<(), String> {
    let (found, told) = (epochs(items), story.epochs()?);
    said(found == told, &format!("expected {told} epochs, found {found}"))
}

pub(super) fn truncated(items: &[Item]) -> Result<(), String> {
    let found = packets(items).any(|(kind, ..)| kind == PacketType::Trunc);
    said(found, "nobody was sent TRUNC")
}

pub(super) fn snapshot(items: &[Item]) -> Result<(), String> {
    let found = packets(items).filter(|(kind, ..)| *kind == PacketType::Snap).count();
    said(found > 0, "nobody was sent SNAP")
}

pub(super) fn informed(items: &[Item]) -> Result<(), String> {
    let found = packets(items).any(|(kind, ..)| kind == PacketType::Inform);
    said(found, "no observer was sent INFORM")
}

/// A DIFF with a transaction before NEWLEADER.
pub(super) fn rejoined_by_diff(items: &[Item]) -> Result<(), String> {
    two_epochs(items)?;
    let mut open: Option<u64> = None;
    for (kind, _, connection) in packets(items) {
        let is_in_it = open == Some(connection);
        if kind == PacketType::Diff {
            open = Some(connection);
        } else if kind == PacketType::NewLeader && is_in_it {
            open = None;
        } else if kind == PacketType::Proposal && is_in_it {
            return Ok(());
        }
    }
    said(false, "no DIFF held a transaction")
}
