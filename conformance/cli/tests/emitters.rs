//! The emitters that are there to be copied: each writes the same run, which conforms.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::{assert_exit, zabcheck};
use tempfile::TempDir;

#[path = "../../../traces/examples/emit.rs"]
#[expect(dead_code, reason = "its `main` is that of the example")]
mod example;

/// Both files of a folder.
fn written(folder: &TempDir) -> [String; 2] {
    [1, 2].map(|server| {
        let file = folder.path().join(format!("server-{server}-1.ndjson"));
        fs::read_to_string(file).expect("a trace")
    })
}

/// CI runs the one in Java (`.ci/run`), and compares what it writes with what this one does.
#[test]
fn the_emitters_in_python_and_in_rust_write_the_same_run_which_conforms() {
    let [python, rust] = [(); 2].map(|()| TempDir::new().expect("a folder"));
    let emitters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/emitters");
    let output = Command::new("python3")
        .arg(emitters.join("emitter.py"))
        .arg(python.path())
        .output()
        .expect("python3 is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    example::emit(rust.path()).expect("two traces");
    assert_eq!(written(&python), written(&rust));
    assert_eq!(written(&rust).map(|text| text.lines().count()), [5, 6]);
    assert_exit(&zabcheck(&[Path::new("lint"), rust.path()]), 0);
    assert_exit(&zabcheck(&[Path::new("conform"), rust.path()]), 0);
}
