//! How tables and verdicts look.

use std::process::{Command, Output};

use support::{assert_exit, stdout, zabcheck};

mod support;

fn run(line: &str) -> Output {
    zabcheck(&line.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn tables_are_as_wide_as_columns_says() {
    let output = Command::new(env!("CARGO_BIN_EXE_zabcheck"))
        .args(["check", "--list"])
        .env("COLUMNS", "80")
        .output()
        .expect("zabcheck runs");
    assert_exit(&output, 0);
    let text = stdout(&output);
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('│')).collect();
    assert!(rows.len() > 100, "{text}");
    assert!(rows.iter().all(|row| row.chars().count() <= 80), "{text}");
}

#[test]
fn verdicts_have_colours_where_asked() {
    let check = "check --model paper --servers 2 --deadlock";
    let text = |color: &str| stdout(&run(&format!("{check} --color {color}")));
    assert!(
        text("always").contains("│ \u{1b}[1m\u{1b}[31mVIOLATED\u{1b}[0m "),
        "{}",
        text("always")
    );
    for color in ["never", "auto"] {
        assert!(!text(color).contains('\u{1b}'), "no terminal: {color}");
    }
}
