//! Disks that are full, or cannot be written at all.

use std::path::Path;
use std::process::Command;

use zab_explorer::{Checkpoint, Options, Refused, Stop, check};

use super::killed::{SAVES, SPILLS, model, this_program};
use super::{assert_same, explored};

/// Saves itself or spills. The tests below run it in a process of its own, whose files may only have
/// so many bytes; otherwise it comes to the end.
#[test]
fn meets_a_full_disk() {
    let [saves, spills] = [SAVES, SPILLS].map(std::env::var_os);
    if saves.is_none() && spills.is_none() {
        let own = tempfile::tempdir().expect("a folder");
        let report = explored(&model(), &Options { spill: Some(own.path()), ..Options::default() });
        assert!(report.complete() && report.disk.is_none());
        return;
    }
    let folder = saves.as_deref().map(Path::new);
    let options = Options {
        threads: 2,
        memory_max: Some(3 << 20),
        checkpoint: folder.map(|folder| Checkpoint { folder, resume: false, identity: &[] }),
        spill: spills.as_deref().map(Path::new),
        ..Options::default()
    };
    let report = explored(&model(), &options);
    assert_eq!(report.stopped, Some(Stop::Disk));
    let disk = report.disk.expect("why");
    assert!(disk.contains("cannot write ") && disk.contains("File too large"), "{disk}");
    let all = explored(&model(), &Options::default());
    assert!(report.distinct < all.distinct && report.waiting > 0);
    let levels = report.levels.len() - 1;
    assert_eq!(report.levels[..levels], all.levels[..levels]);
}

/// Runs it with files of at most 128 KiB, as if the disk were full then.
fn with_small_files(variable: &str, folder: &Path) {
    // A shell counts blocks of 512 bytes, or of 1024.
    let limit = "trap '' XFSZ; ulimit -f 128 && exec \"$0\" \"$@\"";
    let status = Command::new("sh")
        .args(["-c", limit])
        .arg(this_program().get_program())
        .args(["--exact", "full::meets_a_full_disk", "--nocapture"])
        .env(variable, folder)
        .status();
    assert!(status.expect("a shell").success());
}

#[test]
fn the_last_checkpoint_is_whole_when_the_disk_is_full() {
    let folder = tempfile::tempdir().expect("a folder");
    with_small_files(SAVES, folder.path());
    let checkpoint = Checkpoint { folder: folder.path(), resume: true, identity: &[] };
    let report =
        explored(&model(), &Options { checkpoint: Some(checkpoint), ..Options::default() });
    assert_same(&report, &explored(&model(), &Options::default()));
}

#[test]
fn what_is_spilled_onto_a_full_disk_ends_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    with_small_files(SPILLS, folder.path());
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn folders_that_are_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing");
    let checkpoint = Checkpoint { folder: &missing, resume: false, identity: &[] };
    let default = Options::default;
    for options in [
        Options { spill: Some(&missing), ..default() },
        Options { checkpoint: Some(checkpoint), ..default() },
    ] {
        let Err(Refused::Disk(message)) = check(&model(), &options, &mut |_| {}) else {
            panic!("it runs")
        };
        assert!(message.contains("missing") && message.contains("No such file"), "{message}");
    }
}
