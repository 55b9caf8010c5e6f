//! `zabcheck wire`, and `conform` of a capture: a verdict is never stronger than the run.

use std::fs;
use std::path::{Path, PathBuf};

use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

mod support;

/// A capture of Apache ZooKeeper without a header.
fn sample() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/tests/captures");
    folder.join("apache-3.8.0-first-start.raw.ndjson")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn what_was_checked_is_said() {
    let sample = sample();
    let output = zabcheck(&["wire", text(&sample), "--servers", "1,2,3"]);
    assert_exit(&output, 0);
    let shown = stdout(&output);
    assert!(shown.starts_with("HOLDS  "), "{shown}");
    assert!(shown.contains("the steps themselves were not checked against a release"), "{shown}");
    assert!(shown.contains("│ W-QUORUM"), "{shown}");
}

/// Every step is checked against a release, which somebody must name.
#[test]
fn a_capture_conforms_to_its_release() {
    let sample = sample();
    let conform = ["conform", text(&sample), "--servers", "1,2,3"];
    let output = zabcheck(&conform);
    assert_exit(&output, 2);
    let shown = stdout(&output);
    assert!(shown.starts_with("INCONCLUSIVE  "), "{shown}");
    assert!(shown.contains("nobody says which release it is of"), "{shown}");
    let output = zabcheck(&[&conform[..], &["--profile", "3.8.0"]].concat());
    assert_exit(&output, 0);
    let shown = stdout(&output);
    assert!(shown.starts_with("CONFORMS  "), "{shown}");
    assert!(shown.contains("consistent with position_when_established=epoch_start"), "{shown}");
    let output = zabcheck(&[&conform[..], &["--profile", "fixed"]].concat());
    assert_exit(&output, 1);
    let shown = stdout(&output);
    assert!(shown.starts_with("DIVERGES  "), "{shown}");
    assert!(shown.contains("SNAP 1.0"), "{shown}");
    assert!(shown.contains("possible instead: zk.sync.diff: DIFF 0.0"), "{shown}");
}

/// The header of a capture of the corpus names the release. What it does otherwise than `fixed` is told
/// with the switch and the known issue.
#[test]
fn what_a_release_does_is_told_with_the_issue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/corpus/apache-3.8.0");
    let capture = folder.join("leader-kill.raw.ndjson");
    let output = zabcheck(&["conform", text(&capture)]);
    assert_exit(&output, 0);
    let shown = stdout(&output);
    assert!(shown.starts_with("CONFORMS  "), "{shown}");
    assert!(shown.contains("newleader_program=queued (f.2.1); see ZOOKEEPER-4785"), "{shown}");
    let output = zabcheck(&["conform", text(&capture), "--profile", "fixed"]);
    assert_exit(&output, 1);
    let shown = stdout(&output);
    assert!(shown.starts_with("DIVERGES  "), "{shown}");
    assert!(shown.contains("ACK 2.1"), "{shown}");
    assert!(shown.contains("possible instead: f.2.1: ACK-LD epoch=2"), "{shown}");
    assert!(shown.contains("ZOOKEEPER-4785"), "{shown}");
    let output = zabcheck(&["diagnose", text(&capture)]);
    assert_exit(&output, 0);
    let shown = stdout(&output);
    // The switch on which it rests, by itself; and those that made no difference.
    assert!(shown.contains("server 3, newleader_program (f.2.1): old only (queued)\n"), "{shown}");
    let other = "3.8.0 with newleader_program=committed cannot send 315 11645.257 ms 3 -> 2";
    assert!(shown.contains(other), "{shown}");
    assert!(shown.contains("server 2, first_ack (l.3.2): old only (any)\n"), "{shown}");
    let (_, idle) = shown.split_once("\nnot exercised: ").expect("such switches");
    let idle: Vec<_> = idle.split([',', '\n']).map(str::trim).collect();
    for switch in ["snap_label", "newleader_queued", "acks_of_cut", "observer_newleader"] {
        assert!(idle.contains(&switch), "{switch}: {shown}");
    }
    let run = "server 3: followed through the model, a run of 3.8.0, 3.9.1\n";
    assert!(shown.contains(run), "{shown}");
    assert!(shown.contains("not of 3.9.3: it cannot send 315 11645.257 ms 3 -> 2"), "{shown}");
    // What violates a property is said so, though every step is one of the release.
    let stale = folder.join("stale-ack.raw.ndjson");
    let output = zabcheck(&["conform", text(&stale)]);
    assert_exit(&output, 1);
    let shown = stdout(&output);
    assert!(shown.starts_with("VIOLATES  "), "{shown}");
    assert!(
        shown.contains("consistent with acks_of_cut=kept (zk.sync.withdraw); see D-H01"),
        "{shown}"
    );
}

#[test]
fn who_takes_part_must_be_known() {
    let sample = sample();
    let output = zabcheck(&["wire", text(&sample)]);
    assert_exit(&output, 3);
    assert!(stdout(&output).contains("give them with --servers"), "{}", stdout(&output));
    // More voters than there are would make a quorum larger, fewer make it smaller: a server that
    // takes part and is not named puts the verdict in doubt.
    let output = zabcheck(&["wire", text(&sample), "--servers", "1,3"]);
    assert_exit(&output, 2);
    assert!(stdout(&output).contains("server 2 takes part"), "{}", stdout(&output));
}

/// An observer is named beside the voters, or among the servers; and every step of it is looked at.
#[test]
fn an_observer_is_named_beside_the_voters() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capture/corpus/apache-3.8.0");
    let capture = fs::read_to_string(folder.join("observer.raw.ndjson")).expect("a capture");
    let (_, without_header) = capture.split_once('\n').expect("a header");
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("observer.raw.ndjson");
    fs::write(&file, without_header).expect("written");
    let conform = |servers, observers: &str, profile| {
        let members = ["--servers", servers, "--observers", observers];
        zabcheck(&[&["conform", text(&file), "--profile", profile], &members[..]].concat())
    };
    for servers in ["1,2,3", "1,2,3,4"] {
        let output = conform(servers, "4", "3.8.0");
        assert_exit(&output, 0);
        assert!(stdout(&output).starts_with("CONFORMS  "), "{}", stdout(&output));
    }
    let output = conform("1,2,3", "4", "fixed");
    assert_exit(&output, 1);
    assert!(stdout(&output).contains("3 -> 4  quorum    #14  SNAP 1.0"), "{}", stdout(&output));
    // What one does that was named and takes no part is not known.
    let output = conform("1,2,3", "4,5", "3.8.0");
    assert_exit(&output, 2);
    assert!(stdout(&output).contains("and not for server 5"), "{}", stdout(&output));
    let members = ["--servers", "1,2,5", "--observers", "4"];
    let output = zabcheck(&[&["decode", text(&file)], &members[..]].concat());
    assert_exit(&output, 0);
    let shown = stdout(&output);
    assert!(shown.contains("server 3 takes part, and is none of those that were named"), "{shown}");
    assert!(shown.contains("server 5 was named, and has no connection"), "{shown}");
    assert!(!shown.contains("server 4 "), "{shown}");
}

#[test]
fn a_folder_stands_for_the_captures_in_it() {
    let folder = TempDir::new().expect("a folder");
    let header = "{\"capture\":1,\"servers\":[1,2,3],\"observers\":[],\"software\":\"x\"}\n";
    let capture = fs::read_to_string(sample()).expect("the sample");
    fs::write(folder.path().join("a.raw.ndjson"), format!("{header}{capture}")).expect("written");
    let output = zabcheck(&["wire", text(folder.path())]);
    assert_exit(&output, 0);
    // It is cut in the middle of a line: nothing is said of what followed.
    let cut = format!("{header}{}", &capture[..capture.len() / 2]);
    fs::write(folder.path().join("b.raw.ndjson"), cut).expect("written");
    let output = zabcheck(&["wire", text(folder.path())]);
    assert_exit(&output, 2);
    assert!(stdout(&output).contains("the capture is cut in line"), "{}", stdout(&output));
    let output = zabcheck(&["decode", text(&folder.path().join("b.raw.ndjson"))]);
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("the capture is cut in line"), "{}", stderr(&output));
    assert!(stdout(&output).contains("LEADERINFO"), "what stands before the cut is shown");
}

#[test]
fn captures_and_traces_are_not_mixed() {
    let trace = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/mistakes.in/good.ndjson");
    let output = zabcheck(&["conform", text(&sample()), text(&trace)]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("give either captures or traces"), "{}", stderr(&output));
    let output = zabcheck(&["wire", text(&trace)]);
    assert_exit(&output, 3);
    assert!(stdout(&output).contains("expected an entry of a capture"), "{}", stdout(&output));
}

#[test]
fn a_capture_is_drawn() {
    let folder = TempDir::new().expect("a folder");
    let sample = sample();
    for (name, arrow) in [("run.svg", "LEADERINFO epoch=1"), ("run.mmd", "s2->>s0: LEADERINFO")] {
        let file = folder.path().join(name);
        let output = zabcheck(&["decode", text(&sample), "--export", text(&file)]);
        assert_exit(&output, 0);
        let drawn = fs::read_to_string(&file).expect("written");
        assert!(drawn.contains(arrow), "{name}");
        assert!(drawn.contains("server 3") && !drawn.contains("PING"), "{name}");
    }
    let file = folder.path().join("few.mmd");
    let only = ["decode", text(&sample), "--only", "snap", "--export", text(&file)];
    assert_exit(&zabcheck(&only), 0);
    let drawn = fs::read_to_string(&file).expect("written");
    assert_eq!(drawn.matches("->>").count(), 1, "{drawn}");
}
