//! Checkpoints that are not whole, not of this run, or none at all.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use zab_explorer::{Checkpoint, Options, TwoPhase, check};

use super::explored;

/// Saves a run at some level.
fn save(folder: &Path) {
    let identity = [("model", "two-phase commit".to_owned()), ("build", "1".to_owned())];
    let checkpoint = Some(Checkpoint { folder, resume: false, identity: &identity });
    let model = TwoPhase::new(4).expect("few");
    explored(&model, &Options { depth_max: 6, checkpoint, ..Options::default() });
}

/// What is said when it is resumed; the folder's name is left out.
fn resumed(folder: &Path, model: &str, options: &Options<'_>) -> String {
    let identity = [("model", model.to_owned()), ("build", "1".to_owned())];
    let checkpoint = Some(Checkpoint { folder, resume: true, identity: &identity });
    let model = TwoPhase::new(4).expect("few");
    match check(&model, &Options { checkpoint, ..*options }, &mut |_| {}) {
        Ok(report) => format!("goes on to {} states", report.distinct),
        Err(error) => error.to_string().replace(&folder.display().to_string(), "DIR"),
    }
}

const SAME: &str = "two-phase commit";

/// Each file, not as it was.
#[test]
fn damaged_files() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path());
    let files = fs::read_dir(folder.path()).expect("a folder");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.retain(|file| !file.ends_with("lock"));
    let mut told = String::new();
    for file in files {
        let whole = fs::read(&file).expect("a file");
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 4;
        let damages = [
            ("empty", Some(Vec::new())),
            ("cut in half", Some(whole[..whole.len() / 2].to_vec())),
            ("without its last byte", Some(whole[..whole.len() - 1].to_vec())),
            ("with a bit changed", Some(changed)),
            ("with something else", Some(b"#!/bin/sh\nexit 1\n".repeat(9999))),
            ("gone", None),
        ];
        for (name, bytes) in damages {
            match bytes {
                Some(bytes) => fs::write(&file, bytes).expect("a file"),
                None => fs::remove_file(&file).expect("a file"),
            }
            let said = resumed(folder.path(), SAME, &Options::default());
            let file = file.file_name().expect("a name").to_string_lossy();
            writeln!(told, "{file} {name}:\n    {said}").expect("a string");
        }
        fs::write(&file, whole).expect("a file");
    }
    let said = resumed(folder.path(), SAME, &Options::default());
    writeln!(told, "as it was:\n    {said}").expect("a string");
    insta::assert_snapshot!(told);
}

/// What a run is about must be the same; how it is run need not.
#[test]
fn checkpoints_of_other_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path());
    let default = Options::default;
    let mut told = String::new();
    let mut tell = |name: &str, said: String| {
        writeln!(told, "{name}:\n    {said}").expect("a string");
    };
    let of = |model, options: &Options<'_>| resumed(folder.path(), model, options);
    tell("another model", of("three-phase commit", &default()));
    tell("another seed", of(SAME, &Options { seed: 7, ..default() }));
    tell("symmetry", of(SAME, &Options { symmetry: true, ..default() }));
    let all = Options { symmetry: true, seed: 7, ..default() };
    tell("all of that", of("three-phase commit", &all));
    let manifest = folder.path().join("checkpoint.json");
    let text = fs::read_to_string(&manifest).expect("a file");
    fs::write(&manifest, text.replace("zab-explorer checkpoint 1", "zab-explorer checkpoint 2"))
        .expect("a file");
    tell("another version", of(SAME, &default()));
    fs::write(&manifest, text).expect("a file");
    let new = Checkpoint { folder: folder.path(), resume: false, identity: &[] };
    let model = TwoPhase::new(4).expect("few");
    let options = Options { checkpoint: Some(new), ..default() };
    let error = check(&model, &options, &mut |_| {}).expect_err("it is there").to_string();
    tell("not resumed", error.replace(&folder.path().display().to_string(), "DIR"));
    tell("other threads, memory and limits", {
        of(SAME, &Options { threads: 3, memory_max: Some(1 << 27), depth_max: 9, ..default() })
    });
    let empty = tempfile::tempdir().expect("a folder");
    tell("nothing there", resumed(empty.path(), SAME, &default()));
    insta::assert_snapshot!(told);
}

/// One folder is of one run at a time.
#[test]
fn two_runs_in_one_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    save(folder.path());
    let lock = fs::File::create(folder.path().join("lock")).expect("a file");
    lock.lock().expect("nobody has it");
    let said = resumed(folder.path(), SAME, &Options::default());
    assert_eq!(said, "another run saves itself in DIR");
}
