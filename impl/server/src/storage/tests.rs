//! What a kill, a damaged disk and a second server do to the data directory.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};

use proptest::prelude::*;
use zab_core::Txn;
use zab_wire::{OpCode, Record as _, TxnBody, TxnHeader};

use super::{Completion, Recovery, SnapLimits, Storage, StorageError};
use crate::zxid::{Zxid, to_wire};

mod crashes;
mod snapshots;

const LIMITS: SnapLimits = SnapLimits { count: 100_000, bytes: None };

/// A transaction whose record has a few dozen bytes.
fn txn(epoch: u32, counter: u32) -> Txn {
    let zxid = Zxid::new(epoch, counter);
    let kind = OpCode::Error.number();
    let header = TxnHeader { session: 1, cxid: 2, zxid: to_wire(zxid), time: 3, kind };
    let body = TxnBody::Error(-110);
    Txn::new(zxid, &*zab_wire::Txn { header, body, digest: None }.to_bytes())
}

struct Disk {
    dir: tempfile::TempDir,
}

impl Disk {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Result<(Storage, Recovery, Receiver<Completion>), StorageError> {
        let (sender, receiver) = channel();
        let path = self.dir.path();
        let (storage, recovery) = Storage::open(path, path, LIMITS, move |done| {
            let _ = sender.send(done);
        })?;
        Ok((storage, recovery, receiver))
    }

    /// Opens it, and returns what the log holds.
    fn zxids(&self) -> Vec<String> {
        let (_, recovery, _) = self.open().unwrap();
        recovery.recovered.transactions.iter().map(|txn| txn.zxid.to_string()).collect()
    }

    /// Writes these transactions in one life of the server.
    fn write(&self, txns: &[Txn]) {
        let (mut storage, _, _) = self.open().unwrap();
        storage.append(txns.to_vec());
        storage.sync().unwrap();
    }

    fn logs(&self) -> Vec<PathBuf> {
        let logs = super::file::numbered(&self.dir.path().join("version-2"), "log.").unwrap();
        logs.into_iter().map(|(_, path)| path).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("version-2").join(name)
    }
}

fn refusal(disk: &Disk) -> String {
    match disk.open() {
        Ok(_) => panic!("must be refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_new_directory_is_empty_and_incarnations_count_from_one() {
    let disk = Disk::new();
    for incarnation in 1..=3 {
        // A start that fails early does not count.
        drop(disk.open().unwrap());
        let (storage, recovery, _) = disk.open().unwrap();
        assert_eq!(recovery.incarnation, incarnation);
        storage.begin(incarnation).unwrap();
        assert_eq!(recovery.recovered, zab_core::Recovered::EMPTY);
        assert_eq!(recovery.notes, Vec::<String>::new());
    }
}

#[test]
fn what_was_synced_is_read_back_across_several_files() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(1, 2)]);
    disk.write(&[txn(1, 3)]);
    disk.write(&[txn(3, 1)]);
    assert_eq!(disk.logs().len(), 3);
    assert!(disk.logs()[2].ends_with("log.300000001"));
    let (storage, recovery, _) = disk.open().unwrap();
    assert_eq!(recovery.recovered.transactions, [txn(1, 1), txn(1, 2), txn(1, 3), txn(3, 1)]);
    storage.accepted_epoch.write(5).unwrap();
    storage.current_epoch.write(4).unwrap();
    drop(storage);
    let (_, recovery, _) = disk.open().unwrap();
    assert_eq!((recovery.recovered.accepted_epoch, recovery.recovered.current_epoch), (5, 4));
}

#[test]
fn every_append_is_reported_and_the_last_report_covers_all() {
    let disk = Disk::new();
    let (mut storage, _, reports) = disk.open().unwrap();
    for counter in 1..=100 {
        storage.append(vec![txn(1, counter)]);
        if counter % 3 == 0 {
            storage.flush();
        }
    }
    drop(storage);
    let reported: Vec<Zxid> = reports.iter().map(Result::unwrap).collect();
    assert_eq!(reported.last(), Some(&Zxid::new(1, 100)));
    assert!(reported.is_sorted());
}

#[test]
fn a_log_that_cannot_be_written_is_reported_and_written_no_more() {
    let disk = Disk::new();
    let (mut storage, _, reports) = disk.open().unwrap();
    std::fs::remove_dir_all(disk.path("")).unwrap();
    storage.append(vec![txn(1, 1)]);
    storage.flush();
    let error = reports.recv().unwrap().unwrap_err().to_string();
    assert!(error.contains("cannot create") && error.contains("log.100000001"), "{error}");
    assert!(matches!(storage.sync(), Err(StorageError::LogEnded)));
    std::fs::create_dir(disk.path("")).unwrap();
    storage.append(vec![txn(1, 2)]);
    assert!(matches!(storage.sync(), Err(StorageError::LogEnded)));
    assert!(disk.logs().is_empty(), "what follows a hole is not written");
}

#[test]
fn a_second_server_is_refused() {
    let disk = Disk::new();
    let held = disk.open().unwrap();
    assert!(refusal(&disk).contains("is locked: another server uses"));
    drop(held);
    disk.open().unwrap();
}

#[test]
fn a_log_cut_anywhere_in_its_last_record_keeps_the_others() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(1, 2), txn(1, 3)]);
    let path = disk.logs().remove(0);
    let whole = std::fs::read(&path).unwrap();
    let record = (whole.len() - 16) / 3;
    for length in whole.len() - record + 1..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let (mut storage, recovery, _) = disk.open().unwrap();
        assert_eq!(recovery.recovered.transactions, [txn(1, 1), txn(1, 2)], "cut at {length}");
        let cut = std::fs::metadata(&path).unwrap().len();
        // A checksum starts with zeros, which are padding as long as nothing follows them.
        let said = recovery.notes.iter().any(|note| note.contains("cut from"));
        assert_eq!(said, cut == (whole.len() - record) as u64, "cut at {length}");
        // What is appended next must be found behind it.
        storage.append(vec![txn(1, 3), txn(1, 4)]);
        storage.sync().unwrap();
        drop(storage);
        assert_eq!(disk.zxids(), ["1.1", "1.2", "1.3", "1.4"]);
        for path in disk.logs() {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn a_log_cut_in_its_header_is_removed() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1)]);
    let first = disk.logs().remove(0);
    let whole = std::fs::read(&first).unwrap();
    for length in 0..=16 {
        std::fs::write(disk.path("log.100000002"), &whole[..length]).unwrap();
        assert_eq!(disk.zxids(), ["1.1"], "cut at {length}");
        assert_eq!(disk.logs(), std::slice::from_ref(&first));
    }
}

#[test]
fn a_log_that_was_allocated_ahead_ends_at_its_zeros() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(1, 2)]);
    let path = disk.logs().remove(0);
    let whole = std::fs::read(&path).unwrap();
    let record = (whole.len() - 16) / 2;
    for kept in whole.len() - record..whole.len() {
        let mut padded = whole[..kept].to_vec();
        padded.resize(4096, 0);
        std::fs::write(&path, &padded).unwrap();
        assert_eq!(disk.zxids(), ["1.1"], "{kept} bytes, then zeros");
    }
    let mut padded = whole.clone();
    padded.resize(4096, 0);
    std::fs::write(&path, &padded).unwrap();
    assert_eq!(disk.zxids(), ["1.1", "1.2"]);
}

#[test]
fn a_flipped_bit_anywhere_is_refused_with_the_file_and_an_offset() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(1, 2), txn(1, 3)]);
    let path = disk.logs().remove(0);
    let whole = std::fs::read(&path).unwrap();
    // The last eight bytes of the header are a database id that nothing depends on.
    for at in (0..8).chain(16..whole.len()) {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            std::fs::write(&path, &damaged).unwrap();
            let reason = refusal(&disk);
            assert!(
                reason.contains("log.100000001 is damaged at byte "),
                "byte {at} bit {bit}: {reason}"
            );
            assert_eq!(std::fs::read(&path).unwrap(), damaged, "a refused log is left alone");
        }
    }
}

#[test]
fn an_unfinished_file_before_another_is_refused() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(1, 2)]);
    disk.write(&[txn(2, 1)]);
    let path = disk.logs().remove(0);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    assert!(refusal(&disk).contains("but another file follows"));
}

#[test]
fn a_log_that_goes_back_is_refused() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(1, 2)]);
    std::fs::copy(disk.path("log.100000001"), disk.path("log.100000002")).unwrap();
    assert!(refusal(&disk).contains("1.1 follows 1.2"));
}

#[test]
fn a_log_with_what_no_tree_can_apply_is_refused_and_left_alone() {
    let refused_bodies = [
        (16, Vec::new(), "of kind 16 (Reconfig) cannot be applied"),
        (14, vec![0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0], "of kind 14 (Multi) has a part of kind 7"),
        (19, vec![0, 0, 0, 1], "of kind 19 (CreateContainer) is malformed"),
        (2, 3_i32.to_be_bytes().iter().chain(b"a/b").copied().collect(), "names the node \"a/b\""),
        (1234, vec![0; 9], "of kind 1234 cannot be applied"),
    ];
    for (kind, body, reason) in refused_bodies {
        let disk = Disk::new();
        disk.write(&[txn(1, 1), txn(1, 2)]);
        let path = disk.logs().remove(0);
        let mut whole = bytes::BytesMut::from(&std::fs::read(&path).unwrap()[..]);
        let offset = whole.len();
        let header = TxnHeader { session: 1, cxid: 1, zxid: 0x1_0000_0003, time: 1, kind };
        zab_wire::log::put_record(&mut whole, &[&header.to_bytes()[..], &body].concat());
        // A torn tail behind it, which would be cut if the rest were good.
        whole.extend_from_slice(&[1, 2, 3]);
        std::fs::write(&path, &whole).unwrap();
        for _ in 0..2 {
            let refused = refusal(&disk);
            assert!(refused.contains("log.100000001 holds, at byte "), "{refused}");
            assert!(refused.contains(&format!("at byte {offset}")), "{refused}");
            assert!(refused.contains("transaction 0x100000003"), "{refused}");
            assert!(refused.contains(reason), "{refused}");
            assert_eq!(std::fs::read(&path).unwrap(), whole, "nothing is changed");
        }
        // Under a snapshot that holds it, nobody needs to apply it.
        std::fs::write(disk.path("snapshot.100000003"), snapshot()).unwrap();
        assert_eq!(disk.open().unwrap().1.recovered.transactions, []);
    }
}

#[test]
fn transactions_are_read_back_from_whatever_file_they_are_in() {
    let disk = Disk::new();
    let history = [txn(1, 1), txn(1, 2), txn(1, 3), txn(2, 1), txn(5, 1), txn(5, 2)];
    disk.write(&history[..2]);
    disk.write(&history[2..5]);
    let (mut storage, _, _) = disk.open().unwrap();
    storage.append(history[5..].to_vec());
    storage.sync().unwrap();
    let recall = storage.recall();
    for txn in history.iter().chain(history.iter().rev()) {
        assert_eq!(recall.payload(txn.zxid).unwrap(), &txn.payload[..]);
    }
    for missing in [Zxid::ZERO, Zxid::new(1, 4), Zxid::new(3, 1), Zxid::new(9, 9)] {
        let error = recall.payload(missing).unwrap_err().to_string();
        assert!(error.contains(&format!("transaction {missing} is not there")), "{error}");
    }
    // What is appended later is found as well.
    storage.append(vec![txn(5, 3)]);
    storage.sync().unwrap();
    assert_eq!(recall.payload(Zxid::new(5, 3)).unwrap(), &txn(5, 3).payload[..]);
    storage.truncate(Zxid::new(1, 2)).unwrap();
    let other = storage.recall();
    assert!(other.payload(Zxid::new(1, 3)).is_err());
    assert_eq!(other.payload(Zxid::new(1, 2)).unwrap(), &history[1].payload[..]);
}

#[test]
fn truncation_cuts_inside_a_file_and_removes_the_later_ones() {
    let history = [txn(1, 1), txn(1, 2), txn(1, 3), txn(2, 1), txn(2, 2)];
    for keep in 0..=history.len() {
        let disk = Disk::new();
        disk.write(&history[..2]);
        disk.write(&history[2..4]);
        let (mut storage, _, _) = disk.open().unwrap();
        storage.append(history[4..].to_vec());
        let last = keep.checked_sub(1).map_or(Zxid::ZERO, |index| history[index].zxid);
        storage.sync().unwrap();
        storage.truncate(last).unwrap();
        assert_eq!(storage.read_state().unwrap().transactions, history[..keep]);
        storage.append(vec![txn(7, 1)]);
        storage.sync().unwrap();
        drop(storage);
        let (_, recovery, _) = disk.open().unwrap();
        assert_eq!(recovery.recovered.transactions[..keep], history[..keep]);
        assert_eq!(recovery.recovered.transactions[keep..], [txn(7, 1)]);
    }
}

#[test]
fn a_truncation_that_a_crash_interrupted_is_finished() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(1, 2)]);
    disk.write(&[txn(1, 3)]);
    std::fs::write(disk.path("intent"), "truncate 100000001\n").unwrap();
    assert_eq!(disk.zxids(), ["1.1"]);
    assert!(!disk.path("intent").exists());
    std::fs::write(disk.path("intent"), "destroy 0\n").unwrap();
    assert!(refusal(&disk).contains("intent: expected \"truncate\""));
}

/// The snapshot of a tree that has only its first nodes.
fn snapshot() -> Vec<u8> {
    crate::tree::Tree::default().to_file().to_vec()
}

/// A snapshot file that has arrived in pieces.
fn incoming(disk: &Disk, file: &[u8]) -> super::SnapshotWriter {
    let mut incoming = super::SnapshotWriter::arriving(&disk.path(""), 7).unwrap();
    for piece in file[16..file.len() - 13].chunks(9) {
        incoming.write(piece).unwrap();
    }
    incoming.finish(None).unwrap();
    incoming
}

#[test]
fn a_snapshot_that_does_not_arrive_whole_leaves_nothing() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1)]);
    let (mut storage, _, _) = disk.open().unwrap();
    let file = snapshot();
    drop(incoming(&disk, &file));
    let mut names = std::fs::read_dir(disk.path("")).unwrap();
    assert!(names.all(|entry| !entry.unwrap().file_name().to_string_lossy().contains("tmp")));
    storage.install(Zxid::new(4, 9), incoming(&disk, &file)).unwrap();
    assert_eq!(std::fs::read(disk.path("snapshot.400000009")).unwrap(), file);
}

#[test]
fn a_snapshot_replaces_the_log() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(5, 1)]);
    let (mut storage, _, _) = disk.open().unwrap();
    storage.install(Zxid::new(4, 9), incoming(&disk, &snapshot())).unwrap();
    storage.append(vec![txn(4, 10)]);
    storage.sync().unwrap();
    drop(storage);
    let (mut storage, recovery, _) = disk.open().unwrap();
    assert_eq!(recovery.recovered.base.zxid, Zxid::new(4, 9));
    assert_eq!(recovery.recovered.base.log, None);
    assert_eq!(recovery.recovered.transactions, [txn(4, 10)]);
    storage.truncate(Zxid::new(4, 9)).unwrap();
    storage.truncate(Zxid::ZERO).unwrap();
    drop(storage);
    assert_eq!(disk.open().unwrap().1.recovered.base, zab_core::Base::EMPTY);
}

#[test]
fn a_replacement_that_a_crash_interrupted_happens_whole_or_not_at_all() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1), txn(5, 1)]);
    std::fs::write(disk.path("intent"), "replace 400000009\n").unwrap();
    assert_eq!(disk.zxids(), ["1.1", "5.1"]);
    std::fs::write(disk.path("intent"), "replace 400000009\n").unwrap();
    let file = snapshot();
    std::fs::write(disk.path("snapshot.400000009"), &file).unwrap();
    std::fs::write(disk.path("snapshot.3.tmp"), b"half").unwrap();
    let (_, recovery, _) = disk.open().unwrap();
    assert_eq!(recovery.recovered.base.zxid, Zxid::new(4, 9));
    assert_eq!(recovery.recovered.transactions, []);
    assert!(!disk.path("snapshot.3.tmp").exists());
}

#[test]
fn a_damaged_snapshot_is_skipped_and_said_so() {
    let disk = Disk::new();
    disk.write(&[txn(1, 1)]);
    let mut file = snapshot();
    file[20] ^= 1;
    std::fs::write(disk.path("snapshot.400000009"), &file).unwrap();
    let (_, recovery, _) = disk.open().unwrap();
    assert_eq!(recovery.recovered.transactions, [txn(1, 1)]);
    assert!(recovery.notes[0].contains("snapshot.400000009 is skipped"));
}

#[test]
fn the_log_may_have_a_directory_of_its_own() {
    let (data, logs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let open = || Storage::open(data.path(), logs.path(), LIMITS, |_| {});
    let (mut storage, _) = open().unwrap();
    storage.append(vec![txn(1, 1)]);
    storage.sync().unwrap();
    storage.accepted_epoch.write(1).unwrap();
    assert!(logs.path().join("version-2/log.100000001").exists());
    assert!(data.path().join("version-2/acceptedEpoch").exists());
    // Each of the two is locked.
    let other = tempfile::tempdir().unwrap();
    let refused = Storage::open(other.path(), logs.path(), LIMITS, |_| {});
    assert!(matches!(refused, Err(StorageError::Locked { .. })));
    drop(storage);
    assert_eq!(open().unwrap().1.recovered.transactions, [txn(1, 1)]);
}

#[test]
fn epochs_of_a_directory_without_epoch_files_are_those_of_the_log() {
    let disk = Disk::new();
    disk.write(&[txn(3, 1)]);
    std::fs::remove_file(disk.path("acceptedEpoch")).unwrap();
    std::fs::remove_file(disk.path("currentEpoch")).unwrap();
    let (_, recovery, _) = disk.open().unwrap();
    assert_eq!((recovery.recovered.accepted_epoch, recovery.recovered.current_epoch), (3, 3));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is cut off the end, what is left is a prefix of the history.
    #[test]
    fn any_prefix_of_the_last_file_recovers_to_a_prefix(count in 1_u32..8, cut in 0.0..1.0_f64) {
        let history: Vec<Txn> = (1..=count).map(|counter| txn(1, counter)).collect();
        let disk = Disk::new();
        disk.write(&history);
        let path = disk.logs().remove(0);
        let whole = std::fs::read(&path).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a fraction of a small length")]
        let length = (whole.len() as f64 * cut) as usize;
        std::fs::write(&path, &whole[..length]).unwrap();
        let (_, recovery, _) = disk.open().unwrap();
        let found = recovery.recovered.transactions;
        prop_assert_eq!(&found[..], &history[..found.len()]);
        prop_assert!(length + 1 < whole.len() || found.len() + 1 >= history.len());
    }

    /// Bytes that nobody wrote are refused or read, and never crash the server.
    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), headed: bool) {
        let disk = Disk::new();
        disk.write(&[txn(1, 1)]);
        let path = disk.logs().remove(0);
        let whole = std::fs::read(&path).unwrap();
        let kept = if headed { whole.len() } else { 0 };
        std::fs::write(&path, [&whole[..kept], &bytes[..]].concat()).unwrap();
        let _ = disk.open();
    }
}
