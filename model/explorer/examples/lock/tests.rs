//! The README shows this example as it is.

use super::tell;

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("main.rs");

/// The blocks of the README with that mark.
fn blocks(mark: &str) -> Vec<&'static str> {
    let begin = format!("\n```{mark}\n");
    let blocks = README.split(begin.as_str()).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}

#[test]
fn the_readme_shows_code_of_the_example() {
    let code = blocks("rust");
    assert!(code.len() >= 5, "{} blocks of code", code.len());
    for block in code {
        assert!(EXAMPLE.contains(block), "not in examples/lock/main.rs:\n{block}");
    }
}

#[test]
fn the_readme_shows_what_the_example_prints() {
    let told = tell().expect("it runs");
    assert_eq!(blocks("text").concat(), told.replace("\n\n", "\n"));
}
