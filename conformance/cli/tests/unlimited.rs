//! `check --failures unlimited`: what is closed, how that is told, and what it does not go together
//! with.

use std::fs;

use serde_json::Value;
use support::{assert_exit, stderr, stdout, zabcheck};
use tempfile::TempDir;

mod support;

fn check(line: &str) -> std::process::Output {
    let args = ["check", "--model", "paper"].into_iter().chain(line.split_whitespace());
    zabcheck(&args.collect::<Vec<&str>>())
}

#[test]
fn two_servers_are_closed_and_the_mode_is_told() {
    for (epochs, said) in [("", "epochs=next"), (" --epochs any", "epochs=any")] {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("result.json");
        let line = format!("--failures unlimited --symmetry{epochs} --json {}", path.display());
        let output = check(&line);
        assert_exit(&output, 0);
        let text = stdout(&output);
        let words = [
            "failures=unlimited requests=unlimited",
            said,
            "1487 distinct states",
            "they stand for 2973 states",
            "taken for one: what differs in budgets, distances of epochs",
            "with any number of failures, requests and epochs",
        ];
        for word in words {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("budgets_are_kept"), "{text}");
        let value: Value =
            serde_json::from_str(&fs::read_to_string(&path).expect("the result")).expect("JSON");
        assert_eq!(value["reductions"].as_array().map(Vec::len), Some(4));
    }
}

/// What comes about after the last failure, whenever that is.
#[test]
fn liveness_is_judged_after_the_last_failure() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("result.json");
    let line = format!("--failures unlimited --txns 2 --liveness --json {}", path.display());
    let output = check(&line);
    assert_exit(&output, 0);
    let text = stdout(&output);
    for claim in ["established", "joined", "delivered", "delivered_or_missed"] {
        let row = text.lines().find(|line| line.contains(&format!("│ {claim} ")));
        assert!(row.is_some_and(|row| row.contains("holds")), "{claim}: {text}");
    }
    for words in ["15075 distinct states", "liveness: 15075 states", "nothing fails, and a quorum"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let value: Value =
        serde_json::from_str(&fs::read_to_string(&path).expect("the result")).expect("JSON");
    assert_eq!(value["liveness"]["states"], 15_075);
}

/// A counterexample has as few failures as any, and is a run of the published specification: with
/// bounds it is looked at, and ends in the state that was shown.
#[test]
fn a_counterexample_has_the_fewest_failures_and_whole_numbers() {
    // With two threads, either of two properties that are violated after as many steps is the first.
    let output = check(
        "--servers 3 --failures unlimited --symmetry --reading epoch-first --stop-when-violated \
         --threads 1",
    );
    assert_exit(&output, 1);
    let text = stdout(&output);
    assert!(text.contains("delivered_is_on_a_quorum is violated after"), "{text}");
    assert!(text.contains("\n2 failures; no run to it has fewer\n"), "{text}");
    let look = text.lines().find_map(|line| line.strip_prefix("look: zabcheck "));
    let look: Vec<&str> = look.expect(&text).split_whitespace().collect();
    let looked = zabcheck(&look);
    assert_exit(&looked, 0);
    let looked = stdout(&looked);
    assert!(looked.contains(" is violated here"), "{looked}");
}

#[test]
fn bounds_and_no_bounds_exclude_each_other() {
    let refused = [
        ("check --failures unlimited", "--failures is for --model paper"),
        ("check --model paper --failures unlimited --timeouts 1", "--timeouts"),
        ("check --model paper --failures unlimited --restarts 1", "--restarts"),
        ("check --model paper --failures unlimited --ghosts", "--ghosts"),
        ("check --model paper --failures unlimited --liveness --symmetry", "--symmetry"),
        ("check --model paper --failures unlimited --liveness --ghosts", "--ghosts"),
        ("check --model paper --failures unlimited --epochs 3", "has no bound on epochs"),
        ("check --model paper --epochs any", "--epochs any is for --failures unlimited"),
        ("check --model paper --epochs many", "expected a whole number from 0 to 255, or `any`"),
        ("check --model paper --failures 3", "unlimited"),
        ("check --model paper --failures unlimited --txns 9", "from 0 to 6"),
        ("explore --model paper --failures unlimited --path 0", "is for `zabcheck check`"),
        ("explore --exploration paper-closed-pair --path 0", "is for `zabcheck check`"),
    ];
    for (line, words) in refused {
        let output = zabcheck(&line.split_whitespace().collect::<Vec<&str>>());
        assert_exit(&output, 3);
        let text = stderr(&output);
        assert!(text.contains(words), "{line}: {text}");
    }
}
