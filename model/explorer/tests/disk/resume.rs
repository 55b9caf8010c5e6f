//! A run that was saved goes on as if nothing had been.

use std::path::Path;

use zab_explorer::{Checkpoint, ExplorerModel, Options, Stop, TwoPhase};

use super::spill::Sums;
use super::{assert_same, explored};

fn saved<'a>(folder: &'a Path, resume: bool) -> Option<Checkpoint<'a>> {
    Some(Checkpoint { folder, resume, identity: &[] })
}

/// Stops at each of these depths, with another number of threads each time, and goes on to the end.
fn in_pieces<M: ExplorerModel<Action: PartialEq>>(
    model: &M,
    options: &Options<'_>,
    depths: &[u64],
) {
    let folder = tempfile::tempdir().expect("a folder");
    let all = explored(model, &Options { memory_max: None, spill: None, ..*options });
    for (at, depth) in depths.iter().enumerate() {
        let piece = Options {
            threads: 1 + (at * 2) % 5,
            depth_max: *depth,
            checkpoint: saved(folder.path(), at > 0),
            ..*options
        };
        let report = explored(model, &piece);
        assert_eq!((report.stopped, report.depth()), (Some(Stop::Depth), *depth));
    }
    let last = Options { threads: 2, checkpoint: saved(folder.path(), true), ..*options };
    let report = explored(model, &last);
    assert_same(&report, &all);
    assert_eq!(report.identity, all.identity);
    for property in &report.properties {
        if let Some(trace) = property.verdict.trace() {
            assert!(trace.path(model).is_some(), "the run of {} is none", property.name);
        }
    }
}

#[test]
fn at_any_level() {
    let model = TwoPhase::new(5).expect("few");
    for depth in 1..12 {
        in_pieces(&model, &Options::default(), &[depth]);
    }
    in_pieces(&model, &Options::default(), &[1, 2, 5, 7, 10, 13]);
}

/// Violations from before and from after, orbits, and a state that is reached at once.
#[test]
fn what_was_found_is_still_found() {
    for symmetry in [false, true] {
        let options = Options { symmetry, ..Options::default() };
        in_pieces(&Sums { last: 20 }, &options, &[3, 12, 30, 31, 32, 50]);
    }
}

/// Saved while some of it is on disk, and resumed in as little memory, in more and in enough.
#[test]
fn spilled_and_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let spill = Options { spill: Some(folder.path()), ..Options::default() };
    let little = Options { memory_max: Some(3 << 20), ..spill };
    in_pieces(&Sums { last: 80 }, &little, &[20, 100, 101, 150, 180]);
    in_pieces(&Sums { last: 80 }, &Options { memory_max: None, ..spill }, &[90, 180]);
}

/// Resumed without `spill` where what was visited does not fit.
#[test]
fn too_little_memory_to_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = Sums { last: 80 };
    let first =
        Options { depth_max: 200, checkpoint: saved(folder.path(), false), ..Options::default() };
    explored(&model, &first);
    let little = Options {
        memory_max: Some(3 << 20),
        checkpoint: saved(folder.path(), true),
        ..Options::default()
    };
    let error = zab_explorer::check(&model, &little, &mut |_| {}).expect_err("no room");
    assert!(error.to_string().contains("3.0 MiB of memory are too few"), "{error}");
}
