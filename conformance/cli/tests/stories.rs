//! Runs of the model as traces: what an exploration finds, `conform` judges by a profile.

mod support;

use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

/// A path in a folder, as an argument.
fn at(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().expect("UTF-8").to_owned()
}

#[test]
fn the_trace_of_a_bug_is_legal_under_its_switch_and_not_under_fixed() {
    let folder = TempDir::new().expect("a folder");
    let stories = at(&folder, "stories");
    let names = ["4394", "H-11", "4712"];
    let more = ["--without-control", "--threads", "1", "--stories", &stories];
    let output = zabcheck(&[&["bugs"][..], &names, &more].concat());
    assert_exit(&output, 0);
    for (name, switch, rule) in [
        ("ZOOKEEPER-4394", "list_at_newleader=emptied", "zk.sync.commit"),
        ("H-11", "trunc_to_absent_record=next_kept", "f.2.0"),
        ("ZOOKEEPER-4712", "sync_thread_on_stop=zombie", "zk.fail.learner_link"),
    ] {
        let saved = at(&folder, &format!("stories/{name}.json"));
        assert_exit(&zabcheck(&["replay", &saved]), 0);
        let trace = at(&folder, &format!("stories/{name}.ndjson"));
        let profile = format!("fixed,{switch}");
        let text = stdout(&zabcheck(&["conform", &trace, "--profile", &profile]));
        let is_legal = text.starts_with("CONFORMS")
            || (text.starts_with("VIOLATES") && text.contains("every step of the trace"));
        assert!(is_legal, "{name}: {text}");
        assert!(text.contains(&format!("the steps of profile {profile} are legal")), "{text}");
        let output = zabcheck(&["conform", &trace]);
        assert_exit(&output, 1);
        let text = stdout(&output);
        let named = text.lines().any(|line| line == format!("  rule      {rule}"));
        assert!(text.starts_with("DIVERGES") && named, "{name}: {text}");
    }
}

/// A run that is made by hand, and one of another model.
#[test]
fn any_run_of_the_family_is_a_trace_and_what_is_none_says_why() {
    let folder = TempDir::new().expect("a folder");
    let trace = at(&folder, "run.ndjson");
    let output = zabcheck(&["explore", "--path", "0/0/0", "--export", &trace]);
    assert_exit(&output, 0);
    assert_exit(&zabcheck(&["conform", &trace]), 0);
    for (args, words) in [
        (&["--model", "paper"][..], "only runs of the model `zookeeper`"),
        (&["--grain", "threads"], "traces are followed at grain `writes`"),
        (&["--election", "fle"], "only runs with `--election oracle`"),
        (&["--profile", "3.9.3"], "older_connection=served"),
    ] {
        let path = ["explore", "--path", "0", "--export", &trace];
        let output = zabcheck(&[&path, args].concat());
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(words), "{args:?}: {}", stderr(&output));
    }
}
