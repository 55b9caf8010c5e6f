//! What `check` and `explore` say of their flags, and of those that were not given.

mod support;

use std::process::Output;

use support::{assert_exit, stderr, stdout, zabcheck};

fn run(line: &str) -> Output {
    zabcheck(&line.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn the_help_has_headings_for_each_model_and_every_default() {
    for command in ["check", "explore"] {
        let output = run(&format!("{command} --help"));
        assert_exit(&output, 0);
        let help = stdout(&output);
        let bounds = ["Bounds of both models:", "Bounds of --model zookeeper:"];
        let paper = "Bounds and readings of --model paper:";
        let checks =
            ["Limits:", "Random walks:", "Reports:"].into_iter().filter(|_| command == "check");
        for heading in bounds.into_iter().chain([paper]).chain(checks) {
            let count = help.lines().filter(|line| *line == heading).count();
            assert_eq!(count, 1, "{command}: {heading} in {help}");
        }
        let counts =
            ["servers", "timeouts", "requests", "crashes", "disconnects", "rounds", "resends"];
        let more = ["election", "window", "profile", "txns", "epochs", "restarts"];
        for flag in counts.into_iter().chain(more) {
            let begins = format!("      --{flag} <");
            let about = help.split(&begins).nth(1).unwrap_or_else(|| panic!("{command} --{flag}"));
            let about = about.split("\n      --").next().unwrap_or_default();
            assert!(about.contains("[default: "), "{command} --{flag}: {about}");
        }
        assert_eq!(help.lines().filter(|line| line.chars().count() > 100).count(), 0, "{help}");
    }
    // `explore` refuses them with a reason, and does not offer them.
    let help = stdout(&run("explore --help"));
    for flag in ["--symmetry", "--liveness", "--failures <"] {
        assert!(!help.contains(&format!("      {flag}")), "{flag}: {help}");
    }
}

/// Whatever is wrong is told in the form of clap: what, how the command is used, where the help is.
#[test]
fn what_cannot_be_is_told_with_what_can() {
    let cases = [
        ("check --servers 9", "'9' for '--servers <N>': expected a whole number from 2 to 5"),
        ("check --servers 1", "'1' for '--servers <N>': expected a whole number from 2 to 5"),
        ("check --requests 4", "expected a whole number from 0 to 3"),
        ("check --window 0", "expected a whole number from 1 to 65535"),
        ("check --threads 5000", "expected a whole number from 1 to 256"),
        ("check --model paper --txns 7", "expected a whole number from 0 to 6"),
        (
            "check --txns 1",
            "--txns is for --model paper, but the bounds are for --model zookeeper here: use --requests",
        ),
        (
            "check --model paper --crashes 1",
            "--crashes is for --model zookeeper, but the bounds are for --model paper here: use --restarts",
        ),
        ("check --model paper --disconnects 1", "use --timeouts"),
        ("check --profile 3.9.1 --model paper", "--profile is for --model zookeeper"),
        ("check --model paper --reading history-first --reading epoch-first", "only one can be"),
        ("check --model paper --reading epoch-frist", "'epoch-first'"),
        ("check --model paper --timeouts 14", "may need epoch 16"),
        ("check --model paper --ghosts --servers 5 --txns 3 --timeouts 3", "but 16 are remembered"),
        ("check --list --preset quick", "'--list' cannot be used with '--preset <PRESET>'"),
        ("check --list --walks 3", "'--list' cannot be used with '--walks <N>'"),
        ("check --seed 3", "--walks <N>"),
        ("check --walks 3 --threads 2", "'--walks <N>' cannot be used with '--threads <N>'"),
        ("check --walks 3 --model paper --liveness", "cannot be used with '--liveness'"),
        (
            "check --preset quick --rounds 2",
            "'--preset <PRESET>' cannot be used with '--rounds <N>'",
        ),
        ("check --preset quik", "'quick'"),
        ("explore --exploration electio", "'election'"),
        ("explore --model paper --crashes 1", "use --restarts"),
        ("explore --liveness --model paper", "--liveness is for `zabcheck check`"),
        ("record --list --scenario truncate", "'--list' cannot be used with '--scenario <NAME>'"),
        ("record --list --names", "'--list' cannot be used with '--names'"),
    ];
    for (line, words) in cases {
        let output = run(line);
        assert_exit(&output, 3);
        let said = stderr(&output);
        assert!(said.starts_with("error: ") && said.contains(words), "{line}: {said}");
        assert!(said.contains("try '--help'"), "{line}: {said}");
    }
}

#[test]
fn what_was_not_given_is_told_before_the_result() {
    let text = stdout(&run("check --model paper --timeouts 1"));
    let first = "not given, so by default: --servers 2 --txns 1 --restarts 0\n";
    assert!(text.starts_with(first), "{text}");
    let text = stdout(&run("check --crashes 2 --states-max 1000"));
    assert!(
        text.starts_with("not given, so by default: --servers 3 --requests 1 --rounds 1\n"),
        "{text}"
    );
    assert!(
        text.contains(
            "\nhint: within 1 election not every fault is followed by an election; --rounds 3 "
        ),
        "{text}"
    );
    for enough in ["--crashes 1 --rounds 2", "--crashes 1 --election fle", "--requests 2"] {
        let text = stdout(&run(&format!("check {enough} --states-max 1000")));
        assert!(!text.contains("hint: within"), "{enough}: {text}");
    }
    // A preset says itself what it has.
    let text = stdout(&run("check --preset quick --model zookeeper --states-max 10"));
    assert!(!text.contains("not given"), "{text}");
}
