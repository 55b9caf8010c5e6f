//! The process dies before each single change of the directory that it makes.

use super::snapshots::{base, create, found, history, snap, tree};
use super::*;
use crate::storage::fault;

/// How many transactions a window has.
const WINDOW: usize = 2;

/// Does `work` on a disk, whose process dies after 0, 1, 2, … changes; `work` returns what it has
/// been told is durable. What a start then finds must be one of `outcomes`, at least that, and go
/// on working. How often it died.
fn at_every_change(
    work: impl Fn(&Disk, &mut Storage) -> Result<usize, StorageError>,
    outcomes: impl Fn(usize) -> Vec<Vec<Txn>>,
) -> usize {
    for changes in 0.. {
        let disk = Disk::new();
        let (mut storage, _, _) = disk.open().unwrap();
        fault::arm(disk.dir.path(), changes);
        let durable = work(&disk, &mut storage);
        drop(storage);
        let has_died = fault::disarm(disk.dir.path());
        assert!(has_died || durable.is_ok(), "it failed for another reason: {durable:?}");
        let outcomes = outcomes(if has_died { 0 } else { durable.unwrap() });
        let mut history = check(&disk, &outcomes, changes);
        // What comes next is found again, too.
        let next = create(u32::try_from(history.len()).unwrap() + 1);
        disk.write(std::slice::from_ref(&next));
        history.push(next);
        check(&disk, &[history], changes);
        if !has_died {
            return changes;
        }
    }
    unreachable!("a work has an end")
}

/// The outcome that a start finds.
fn check(disk: &Disk, outcomes: &[Vec<Txn>], changes: usize) -> Vec<Txn> {
    let (_, recovery, _) = disk.open().unwrap_or_else(|error| panic!("{changes}: {error}"));
    let (got, recovered) = found(recovery);
    let last = recovered.transactions.last().map_or(recovered.base.zxid, |txn| txn.zxid);
    let outcome = outcomes.iter().find(|history| base(history).zxid == last);
    let outcome = outcome.unwrap_or_else(|| panic!("{changes}: ends at {last}"));
    assert!(got.to_file() == tree(outcome).to_file(), "another tree after {changes} changes");
    let kept = recovered.transactions.len();
    assert_eq!(recovered.transactions, outcome[outcome.len() - kept..], "after {changes} changes");
    let before = base(&outcome[..outcome.len() - kept]);
    let is_known = recovered.base.log.is_some();
    assert_eq!(recovered.base.zxid, before.zxid, "after {changes} changes");
    if is_known {
        assert_eq!(recovered.base, before, "after {changes} changes");
        assert!(kept >= WINDOW.min(outcome.len()), "{kept} of {} are kept", outcome.len());
    }
    outcome.clone()
}

/// All prefixes of a history.
fn prefixes(history: &[Txn]) -> Vec<Vec<Txn>> {
    (0..=history.len()).map(|length| history[..length].to_vec()).collect()
}

#[test]
fn taking_snapshots_and_purging_loses_nothing() {
    let all = history(9);
    let told = std::cell::Cell::new(0);
    let died = at_every_change(
        |_, storage| {
            told.set(0);
            for end in (3..=all.len()).step_by(3) {
                storage.append(all[end - 3..end].to_vec());
                storage.sync()?;
                told.set(end);
                snap(storage, &all[..end], WINDOW);
                storage.purge(2)?;
                storage.keeper.wait();
            }
            Ok(all.len())
        },
        |_| prefixes(&all).split_off(told.get()),
    );
    assert!(died > 60, "it died {died} times");
}

#[test]
fn cutting_behind_a_snapshot_happens_whole_or_not_at_all() {
    let all = history(9);
    for keep in [0, 3, 4, 6] {
        let begun = std::cell::Cell::new(false);
        let died = at_every_change(
            |_, storage| {
                begun.set(false);
                storage.append(all.clone());
                storage.sync()?;
                snap(storage, &all[..3], WINDOW);
                snap(storage, &all[..6], WINDOW);
                begun.set(true);
                storage.truncate(base(&all[..keep]).zxid)?;
                Ok(keep)
            },
            |durable| match durable {
                0 if !begun.get() => prefixes(&all),
                0 => vec![all.clone(), all[..keep].to_vec()],
                length => vec![all[..length].to_vec()],
            },
        );
        assert!(died > 20, "it died {died} times");
    }
}

#[test]
fn a_leaders_state_replaces_snapshots_and_log_whole_or_not_at_all() {
    let (own, leaders) = (history(6), history(9));
    let begun = std::cell::Cell::new(false);
    let file = tree(&leaders).to_file();
    let died = at_every_change(
        |disk, storage| {
            begun.set(false);
            storage.append(own.clone());
            storage.sync()?;
            snap(storage, &own[..3], WINDOW);
            snap(storage, &own, WINDOW);
            let mut writer = super::super::SnapshotWriter::arriving(&disk.path(""), 7)?;
            writer.write(&file[16..file.len() - 13])?;
            writer.finish(None)?;
            begun.set(true);
            storage.install(base(&leaders).zxid, writer)?;
            Ok(leaders.len())
        },
        |durable| match durable {
            0 if begun.get() => vec![own.clone(), leaders.clone()],
            0 => prefixes(&own),
            _ => vec![leaders.clone()],
        },
    );
    assert!(died > 30, "it died {died} times");
}
