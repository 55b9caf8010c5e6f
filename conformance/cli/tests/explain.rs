//! `zabcheck explain`, `completions` and `man`: what leads from a verdict to the protocol, and from
//! a shell to the command.

use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

mod support;

#[test]
fn a_rule_is_shown_with_its_source() {
    let output = zabcheck(&["explain", "L.3.2"]);
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(text.starts_with("l.3.2  Broadcast (phase 3)\n  rule      ACK(z) from a "), "{text}");
    assert!(text.contains("\n  source    Leader.processAck"), "{text}");
    assert!(text.contains("grep -rnF 'l.3.2' model/zab/src impl/core"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

#[test]
fn a_deviation_is_shown_with_what_zookeeper_does() {
    let output = zabcheck(&["explain", "D-TR"]);
    assert_exit(&output, 0);
    let expected = "D-TR  Deviations\n  ZooKeeper truncation is not synced\n";
    assert!(stdout(&output).starts_with(expected), "{}", stdout(&output));
}

#[test]
fn without_a_rule_all_are_listed() {
    let output = zabcheck(&["explain"]);
    assert_exit(&output, 0);
    for id in ["zk.fle.enter", "f.1.1", "l.2.1", "zk.bcast.apply", "zk.crash", "D-GAP"] {
        assert!(stdout(&output).contains(&format!(" {id} ")), "{id}");
    }
}

#[test]
fn a_typing_error_is_answered_with_what_may_have_been_meant() {
    for (typed, meant) in [("l32", "l.3.2"), ("zk.fle.ente", "zk.fle.enter"), ("trunc", "trunc")] {
        let output = zabcheck(&["explain", typed]);
        assert_exit(&output, 3);
        assert!(stderr(&output).contains(meant), "{}", stderr(&output));
    }
    let output = zabcheck(&["explain", "paxos"]);
    assert_exit(&output, 3);
    assert_eq!(
        stderr(&output),
        "zabcheck: there is no rule paxos: zabcheck explain lists all rules\n"
    );
}

/// So that the list of a shell and the manual cannot lack a command.
#[test]
fn completions_and_manual_pages_know_every_command() {
    let help = stdout(&zabcheck(&["--help"]));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // A long description goes on in a line of its own, further to the right.
    let begins = listed.filter_map(|line| line.strip_prefix("  ").filter(|l| !l.starts_with(' ')));
    let listed: Vec<_> = begins.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(listed.contains(&"verify") && listed.contains(&"explain"), "{listed:?}");
    let folder = TempDir::new().expect("a folder");
    let out = folder.path().join("man1");
    assert_exit(&zabcheck(&["man".as_ref(), "--out".as_ref(), out.as_os_str()]), 0);
    for shell in ["bash", "zsh", "fish"] {
        let output = zabcheck(&["completions", shell]);
        assert_exit(&output, 0);
        for command in &listed {
            assert!(stdout(&output).contains(command), "{shell} lacks {command}");
        }
    }
    for command in listed.iter().filter(|command| **command != "help") {
        let page = out.join(format!("zabcheck-{command}.1"));
        let text = std::fs::read_to_string(&page).expect("a page");
        assert!(text.contains(".SH OPTIONS"), "{command}");
    }
}
