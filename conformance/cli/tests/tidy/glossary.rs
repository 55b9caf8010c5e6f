//! The model and the core have the names of `docs/src/glossary.md`.

use crate::{assert_none, has_word, read, root, texts};

/// The Rust names in one cell of the glossary: the words in its code spans before the slash.
fn rust_names(cell: &str) -> Vec<&str> {
    let rust = cell.split(" / ").next().unwrap_or("");
    let spans = rust.split('`').skip(1).step_by(2);
    let words = spans.flat_map(|span| span.split(|c: char| !c.is_alphanumeric() && c != '_'));
    words.filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_model_and_the_core_have_the_names_of_the_glossary() {
    let code = |folder: &str| -> String {
        let texts = texts(folder, "rs");
        let lines = texts.iter().flat_map(|(_, text)| text.lines());
        lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    let (model, core) = (code("model/zab/src"), code("impl/core/src"));
    let glossary = read(&root().join("docs/src/glossary.md"));
    let (mut names, mut missing) = (0, Vec::new());
    for cell in glossary.lines().filter_map(|row| row.strip_suffix(" |")?.rsplit(" | ").next()) {
        for name in rust_names(cell) {
            names += 1;
            for (code, place, other) in [(&model, "model", "(core)"), (&core, "core", "(model)")] {
                if !cell.contains(other) && !has_word(code, name) {
                    missing.push(format!("{name} is not in the {place}"));
                }
            }
        }
    }
    assert!(names > 40, "the glossary has {names} names: is its format still the same?");
    assert_none("the glossary and the code differ", &missing);
}
