//! Own snapshots: what they make of the directory, and what a start makes of them.

use zab_core::{Base, Recovered};
use zab_trace::{LogDigest, txn_digest};

use super::*;
use crate::storage::{State, snapshot};
use crate::tree::Tree;

/// A transaction that creates a node of its own.
pub(super) fn create(counter: u32) -> Txn {
    let zxid = Zxid::new(1, counter);
    let kind = OpCode::Create.number();
    let header = TxnHeader { session: 1, cxid: 2, zxid: to_wire(zxid), time: 3, kind };
    let body = TxnBody::Create(zab_wire::txn::CreateTxn {
        path: format!("/node-{counter}"),
        data: Some(vec![7; 5].into()),
        acl: zab_wire::Acl::open(),
        ephemeral: false,
        parent_cversion: counter.cast_signed(),
    });
    Txn::new(zxid, &*zab_wire::Txn { header, body, digest: None }.to_bytes())
}

pub(super) fn history(length: u32) -> Vec<Txn> {
    (1..=length).map(create).collect()
}

/// The tree after these transactions.
pub(super) fn tree(history: &[Txn]) -> Tree {
    let mut tree = Tree::default();
    for txn in history {
        tree.apply(&txn.payload).unwrap();
    }
    tree
}

/// The end of a history, as a base.
pub(super) fn base(history: &[Txn]) -> Base {
    let Some(last) = history.last() else { return Base::EMPTY };
    let digest = history
        .iter()
        .fold(LogDigest::EMPTY, |log, txn| log.after(txn.zxid, txn_digest(&txn.payload)));
    Base { zxid: last.zxid, log: Some((history.len() as u64, digest)) }
}

/// Takes the snapshot of a history whose last `window` transactions are kept, and waits for it.
pub(super) fn snap(storage: &mut Storage, history: &[Txn], window: usize) {
    let start = base(&history[..history.len().saturating_sub(window)]);
    storage.take_snapshot(tree(history), start).unwrap();
    storage.keeper.wait();
}

/// What a start finds: the tree, and whether the rest fits.
pub(super) fn found(recovery: Recovery) -> (Tree, Recovered) {
    let Recovery { recovered, snapshot, .. } = recovery;
    let transactions = recovered.transactions.clone();
    let state = State { snapshot, base: recovered.base, transactions };
    (state.into_tree().unwrap(), recovered)
}

fn names(disk: &Disk, prefix: &str) -> Vec<String> {
    let files = crate::storage::file::numbered(&disk.path(""), prefix).unwrap();
    files.into_iter().map(|(number, _)| format!("{number:x}")).collect()
}

#[test]
fn a_new_directory_has_the_snapshot_of_the_first_state() {
    let disk = Disk::new();
    drop(disk.open().unwrap());
    let file = std::fs::read(disk.path("snapshot.0")).unwrap();
    let digest = Tree::default().zxid_digest().to_bytes();
    let (state, rest) = file.split_at(Tree::default().to_file().len());
    assert_eq!((state, &rest[..20]), (&Tree::default().to_file()[..], &digest[..]));
    let mut notes = Vec::new();
    assert!(snapshot::newest(&disk.path(""), &mut notes).unwrap().is_some());
    assert_eq!(notes, Vec::<String>::new());
}

#[test]
fn a_log_whose_beginning_is_missing_does_not_get_the_first_snapshot() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1)]);
    std::fs::remove_file(disk.path("snapshot.0")).unwrap();
    std::fs::remove_file(disk.logs().remove(0)).unwrap();
    std::fs::write(disk.path("log.100000002"), {
        let other = Disk::new();
        other.write(&[txn(1, 2)]);
        std::fs::read(other.logs().remove(0)).unwrap()
    })
    .unwrap();
    drop(disk.open().unwrap());
    assert_eq!(names(&disk, "snapshot."), Vec::<String>::new());
}

#[test]
fn a_start_after_a_snapshot_reads_no_more_than_the_window_before_it() {
    let all = history(12);
    let disk = Disk::new();
    let (mut storage, _, _) = disk.open().unwrap();
    for end in [4, 8] {
        storage.append(all[end - 4..end].to_vec());
        storage.sync().unwrap();
        snap(&mut storage, &all[..end], 2);
    }
    storage.append(all[8..].to_vec());
    drop(storage);
    assert_eq!(names(&disk, "snapshot."), ["0", "100000004", "100000008"]);
    assert_eq!(names(&disk, "log."), ["100000001", "100000005", "100000009"]);
    // The first file is needed by nobody: a start does not even look at it.
    std::fs::write(disk.path("log.100000001"), b"damaged").unwrap();
    let (got, recovered) = found(disk.open().unwrap().1);
    assert_eq!(recovered.base, base(&all[..6]));
    assert_eq!(recovered.transactions, all[6..]);
    assert_eq!(got.to_file(), tree(&all).to_file());
}

#[test]
fn without_its_log_a_snapshot_stands_for_all_before_it() {
    let all = history(8);
    let disk = Disk::new();
    let (mut storage, _, _) = disk.open().unwrap();
    storage.append(all[..4].to_vec());
    storage.sync().unwrap();
    snap(&mut storage, &all[..4], 2);
    storage.append(all[4..].to_vec());
    drop(storage);
    std::fs::remove_file(disk.path("log.100000001")).unwrap();
    let (got, recovered) = found(disk.open().unwrap().1);
    assert_eq!(recovered.base, Base { zxid: Zxid::new(1, 4), log: None });
    assert_eq!(recovered.transactions, all[4..]);
    assert_eq!(got.to_file(), tree(&all).to_file());
}

#[test]
fn a_damaged_snapshot_is_made_up_for_by_the_one_before_and_the_log() {
    let all = history(8);
    let disk = Disk::new();
    let (mut storage, _, _) = disk.open().unwrap();
    storage.append(all[..4].to_vec());
    snap(&mut storage, &all[..2], 1);
    snap(&mut storage, &all[..4], 1);
    storage.append(all[4..].to_vec());
    drop(storage);
    let path = disk.path("snapshot.100000004");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (_, recovery, _) = disk.open().unwrap();
    assert!(recovery.notes[0].contains("snapshot.100000004 is skipped"), "{:?}", recovery.notes);
    let (got, recovered) = found(recovery);
    assert_eq!(recovered.base, base(&all[..1]));
    assert_eq!(got.to_file(), tree(&all).to_file());
}

#[test]
fn a_snapshot_of_a_state_that_is_cut_goes_with_it() {
    let all = history(8);
    let disk = Disk::new();
    let (mut storage, _, _) = disk.open().unwrap();
    storage.append(all.clone());
    storage.sync().unwrap();
    snap(&mut storage, &all[..3], 1);
    snap(&mut storage, &all[..6], 1);
    storage.truncate(Zxid::new(1, 4)).unwrap();
    assert_eq!(names(&disk, "snapshot."), ["0", "100000003"]);
    assert_eq!(names(&disk, "reach."), ["0", "100000003"]);
    let state = storage.read_state().unwrap();
    assert_eq!(state.into_tree().unwrap().to_file(), tree(&all[..4]).to_file());
    storage.truncate(Zxid::ZERO).unwrap();
    assert_eq!(names(&disk, "snapshot."), ["0"]);
    assert_eq!(storage.read_state().unwrap().into_tree().unwrap().to_file(), tree(&[]).to_file());
    drop(storage);
    assert_eq!(disk.open().unwrap().1.recovered.transactions, []);
}

#[test]
fn what_was_committed_long_ago_is_not_cut() {
    let all = history(4);
    let disk = Disk::new();
    let (mut storage, _, _) = disk.open().unwrap();
    storage.append(all.clone());
    storage.sync().unwrap();
    snap(&mut storage, &all, 1);
    std::fs::remove_file(disk.path("snapshot.0")).unwrap();
    let refused = storage.truncate(Zxid::new(1, 2)).unwrap_err().to_string();
    assert!(refused.contains("cut after 1.2, but the oldest snapshot"), "{refused}");
    assert!(!disk.path("intent").exists());
    assert_eq!(storage.read_state().unwrap().last(), Zxid::new(1, 4));
}

/// A disk with snapshots of every third of `length` transactions, and a log file for each.
fn many(length: usize) -> (Disk, Vec<Txn>) {
    let all = history(u32::try_from(length).unwrap());
    let disk = Disk::new();
    let (mut storage, _, _) = disk.open().unwrap();
    for end in (3..=length).step_by(3) {
        storage.append(all[end - 3..end].to_vec());
        storage.sync().unwrap();
        snap(&mut storage, &all[..end], 4);
    }
    (disk, all)
}

#[test]
fn a_purge_keeps_the_newest_snapshots_and_what_they_and_the_window_need() {
    let (disk, all) = many(18);
    let (mut storage, _, _) = disk.open().unwrap();
    assert!(storage.purge(3).unwrap());
    storage.keeper.wait();
    assert_eq!(names(&disk, "snapshot."), ["10000000c", "10000000f", "100000012"]);
    assert_eq!(names(&disk, "reach."), ["10000000c", "10000000f", "100000012"]);
    // The window of the oldest begins after 8, in the file that begins with 7.
    assert_eq!(names(&disk, "log."), ["100000007", "10000000a", "10000000d", "100000010"]);
    drop(storage);
    for path in ["", "snapshot.100000012", "snapshot.10000000f"] {
        if !path.is_empty() {
            std::fs::remove_file(disk.path(path)).unwrap();
        }
        let (got, recovered) = found(disk.open().unwrap().1);
        assert_eq!(got.to_file(), tree(&all).to_file());
        assert_eq!(recovered.base, base(&all[..18 - recovered.transactions.len()]));
    }
}

/// What a power cut leaves of removals that were not synced: any of them.
#[test]
fn whatever_a_purge_has_removed_a_start_finds_everything() {
    let (disk, all) = many(12);
    let files = || -> std::collections::BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(disk.path("")).unwrap().map(|entry| entry.unwrap());
        let content = |entry: std::fs::DirEntry| {
            (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
        };
        entries.map(content).collect()
    };
    let before = files();
    let (mut storage, _, _) = disk.open().unwrap();
    storage.purge(2).unwrap();
    storage.keeper.wait();
    drop(storage);
    let after = files();
    let removed: Vec<&String> = before.keys().filter(|name| !after.contains_key(*name)).collect();
    assert_eq!(removed.len(), 7, "snapshots 0, 3, 6 with their reach, and one log: {removed:?}");
    for kept in 0..1_u32 << removed.len() {
        let other = Disk::new();
        std::fs::create_dir(other.path("")).unwrap();
        let is_kept = |name: &String| {
            let index = removed.iter().position(|removed| *removed == name);
            index.is_none_or(|index| kept & 1 << index != 0)
        };
        for (name, bytes) in before.iter().filter(|(name, _)| is_kept(name)) {
            std::fs::write(other.path(name), bytes).unwrap();
        }
        let (got, recovered) = found(other.open().unwrap().1);
        assert!(got.to_file() == tree(&all).to_file());
        assert_eq!(recovered.base, base(&all[..8]));
    }
}
