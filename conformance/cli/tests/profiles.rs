//! `zabcheck profiles`, and `check --profile`: releases of ZooKeeper in the model.

use support::{assert_exit, stderr, stdout, zabcheck};

mod support;

#[test]
fn releases_stand_side_by_side_with_what_is_known_and_what_is_not_modelled() {
    let output = zabcheck(&["profiles"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    let row = |words: &[&str]| {
        let fits = |line: &&str| words.iter().all(|word| line.contains(word));
        assert!(text.lines().any(|line| fits(&line)), "no line with {words:?} in\n{text}");
    };
    row(&["switch", "value", "3.4.10", "3.8.0", "3.9.4", "fixed"]);
    row(&["newleader_program", "queued", "x"]);
    row(&["ZOOKEEPER-4394", "3.8.0", "leader_sends_what_fits", "list_at_newleader=kept"]);
    row(&["leader_timers", "all"]);
    row(&["position_when_established", "epoch_start", "x"]);
    row(&["trunc_across_epochs", "3.4.10"]);
    row(&["ZOOKEEPER-4925", "3.9.3", "sync_apply_enters_window=yes"]);
}

#[test]
fn one_profile_is_told_in_words() {
    let output = zabcheck(&["profiles", "3.9.5"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.contains("acks_of_cut") && text.contains("They stay counted."), "{text}");
    assert!(text.contains("3.9.4, not modelled:"), "{text}");
    assert_exit(&zabcheck(&["profiles", "fixed"]), 0);
}

/// What is explored says at which grain, and so does the command that looks at it.
#[test]
fn a_grain_is_explored_and_an_unknown_one_is_refused_with_the_nearest() {
    let flags = ["check", "--grain", "threads", "--requests", "1", "--profile", "3.9.1"];
    let output = zabcheck(&flags);
    assert_exit(&output, 1);
    let text = stdout(&output);
    assert!(text.contains("grain=threads") && text.contains("Handler"), "{text}");
    assert!(text.contains("look:") && text.contains("--grain threads"), "{text}");
    let output = zabcheck(&["check", "--grain", "thread"]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("the nearest is threads"), "{}", stderr(&output));
    let output = zabcheck(&["check", "--grain", "threads", "--model", "paper"]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("--grain is for --model zookeeper"), "{}", stderr(&output));
}

#[test]
fn a_release_is_explored_and_fixed_is_cleared() {
    let output = zabcheck(&["check", "--profile", "3.9.1", "--requests", "1"]);
    assert_exit(&output, 1);
    let text = stdout(&output);
    assert!(text.contains("acknowledges_in_order") && text.contains("VIOLATED"), "{text}");
    assert_exit(&zabcheck(&["check", "--profile", "fixed", "--requests", "1"]), 0);
}

#[test]
fn names_that_nothing_has_are_answered_with_the_nearest() {
    for (profile, nearest) in [
        ("3.9.11", "the nearest is 3.9.1"),
        ("fixed,acks_of_cuts=kept", "the nearest is acks_of_cut"),
        ("3.8.0,delivery=when_comitted", "the nearest is when_committed"),
    ] {
        let output = zabcheck(&["check", "--profile", profile, "--requests", "1"]);
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(nearest), "{}", stderr(&output));
    }
    let output = zabcheck(&["check", "--model", "paper", "--profile", "3.9.1"]);
    assert_exit(&output, 3);
    assert!(stderr(&output).contains("--profile is for --model zookeeper"));
}

/// Two releases that do the same keep their names, and each says which others are like it.
#[test]
fn a_release_keeps_its_name_and_names_those_that_do_the_same() {
    let trace = concat!(env!("CARGO_MANIFEST_DIR"), "/../import/tests/traces/commit.json");
    for (profile, said) in [
        ("3.9.1", "profile: 3.9.1; the same in all that is modelled: 3.8.0, 3.8.1, "),
        ("3.8.5", "profile: 3.8.5; the same in all that is modelled: 3.8.6, 3.9.2\n"),
        ("3.4.10", "profile: 3.4.10\n"),
        ("fixed,fast_forward=never", "profile: fixed,fast_forward=never\n"),
    ] {
        let output = zabcheck(&["import", "--tlc-json", trace, "--profile", profile]);
        let text = stdout(&output);
        assert!(text.contains(said), "{profile}: {text}");
    }
}
