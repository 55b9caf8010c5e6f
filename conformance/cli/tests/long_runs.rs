//! `check --spill`, `--checkpoint`, `--resume` and `--certificate`, as they are asked for and told.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

mod support;

const BOUNDED: &str = "--servers 3 --timeouts 1 --restarts 1 --symmetry";
const UNLIMITED: &str = "--failures unlimited --symmetry";

/// With the folder in place of `DIR`.
fn check(line: &str, folder: &Path) -> Output {
    let words = line.split_whitespace().map(|word| match word.strip_prefix("DIR") {
        Some(rest) => format!("{}{rest}", folder.display()),
        None => word.to_owned(),
    });
    let args = ["check".to_owned()].into_iter().chain(words);
    zabcheck(&args.collect::<Vec<String>>())
}

fn paper(line: &str, folder: &Path) -> Output {
    check(&format!("--model paper {line}"), folder)
}

/// The counts of a result, without what depends on time and memory.
fn counts(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).expect("a result");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    let names = ["verdict", "distinct", "unreduced", "generated", "depth", "terminal", "actions"];
    names.map(|name| value[name].clone()).into()
}

#[test]
fn a_saved_run_goes_on_to_equal_counts() {
    let folder = TempDir::new().expect("a folder");
    let dir = folder.path();
    for name in ["saved", "spilled"] {
        fs::create_dir(dir.join(name)).expect("a folder");
    }
    assert_exit(&paper(&format!("{BOUNDED} --json DIR/all.json"), dir), 0);
    let files = format!("{BOUNDED} --checkpoint DIR/saved --spill DIR/spilled");
    let first = paper(&format!("{files} --depth-max 20"), dir);
    assert_exit(&first, 2);
    assert!(stdout(&first).contains("INCOMPLETE: the limit of depth"), "{}", stdout(&first));
    assert_exit(&paper(&format!("{files} --resume --json DIR/resumed.json"), dir), 0);
    assert_eq!(counts(&dir.join("resumed.json")), counts(&dir.join("all.json")));
    assert_eq!(fs::read_dir(dir.join("spilled")).expect("a folder").count(), 0);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_explored() {
    let folder = TempDir::new().expect("a folder");
    let dir = folder.path();
    let empty = TempDir::new().expect("a folder");
    assert_exit(&paper(&format!("{BOUNDED} --depth-max 9 --checkpoint DIR"), dir), 2);
    let on = "--checkpoint DIR --resume";
    let bounds = "servers=3 txns=1 epochs=unbounded timeouts=1 restarts=1 symmetry";
    let other = bounds.replace("timeouts=1", "timeouts=2");
    let refused = [
        (
            format!("--servers 3 --timeouts 2 --restarts 1 --symmetry {on}"),
            format!("the checkpoint is of another run: bounds: `{bounds}` then, `{other}` now"),
        ),
        (format!("{BOUNDED} --checkpoint DIR"), "there is a checkpoint in ".to_owned()),
        (
            format!("{BOUNDED} --checkpoint DIR/none --resume"),
            "none/lock: No such file or directory".to_owned(),
        ),
        (format!("{BOUNDED} --spill DIR/none"), "cannot write into ".to_owned()),
        ("--servers 3 --liveness --spill DIR".to_owned(), "neither spills".to_owned()),
        (format!("{BOUNDED} --resume"), "--checkpoint <DIR>".to_owned()),
        (
            format!("{BOUNDED} --certificate DIR/c"),
            "--certificate is for --failures unlimited".to_owned(),
        ),
        (format!("{UNLIMITED} --certificate DIR"), "give the name of a file in it".to_owned()),
        (format!("{UNLIMITED} --certificate DIR/c {on}"), "cannot be used with".to_owned()),
    ];
    for (line, words) in refused {
        let output = paper(&line, dir);
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(&words), "{line}: {}", stderr(&output));
    }
    let nothing = paper(&format!("{BOUNDED} {on}"), empty.path());
    assert_exit(&nothing, 3);
    assert!(stderr(&nothing).contains("there is no checkpoint in "), "{}", stderr(&nothing));
    let preset = check("--preset quick --spill DIR", dir);
    assert_exit(&preset, 3);
    assert!(stderr(&preset).contains("are for one exploration"), "{}", stderr(&preset));
}

/// What `zab-certify` says of it is shown in that crate.
#[test]
fn a_certificate_is_written_of_a_closed_set_only() {
    let folder = TempDir::new().expect("a folder");
    let dir = folder.path();
    let line = format!("{UNLIMITED} --certificate DIR/closed");
    let output = paper(&line, dir);
    assert_exit(&output, 0);
    assert!(
        stdout(&output).contains("closed: a certificate of 1487 states"),
        "{}",
        stdout(&output)
    );
    let bytes = fs::read(dir.join("closed")).expect("the certificate");
    let first = b"zabcheck certificate 1\n\
        servers=2 txns=1 epochs=next failures=unlimited requests=unlimited symmetry\n";
    assert!(bytes.starts_with(first) && bytes.ends_with(b"states 00000000000005cf\n"));
    for (more, code) in [("--states-max 500", 2), ("--reading epoch-first --servers 3", 1)] {
        let output = paper(&format!("{line} {more}"), dir);
        assert_exit(&output, code);
        assert!(stdout(&output).contains("closed is not written"), "{}", stdout(&output));
    }
    assert_eq!(fs::read(dir.join("closed")).expect("the certificate"), bytes);
    assert_eq!(fs::read_dir(dir).expect("a folder").count(), 1, "nothing else is left");
}
