//! What a file may hold and how long it is; links; the style of modules and imports.

use crate::{assert_none, files, read, shown};

const LINES_MAX: usize = 600;

#[test]
fn no_source_file_is_longer_than_600_lines() {
    let long: Vec<String> = files("rs")
        .iter()
        .map(|path| (path, read(path).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{} has {lines} lines", shown(path)))
        .collect();
    assert_none("split these files", &long);
}

#[test]
fn unfinished_and_silenced_code_does_not_land() {
    // Spelled in two halves, so that this file does not find itself.
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
        concat!("#[al", "low("),
        concat!("#![al", "low("),
    ];
    let mut found = Vec::new();
    for path in files("rs") {
        for (number, line) in read(&path).lines().enumerate() {
            for mark in marks.iter().filter(|mark| line.contains(**mark)) {
                found.push(format!("{}:{}: {mark}", shown(&path), number + 1));
            }
        }
    }
    assert_none("finish these, or use #[expect(…, reason = …)]", &found);
}

#[test]
fn only_one_module_of_each_command_prints() {
    // Spelled in two halves, so that this file does not find itself.
    let marks = [
        concat!("print", "!("),
        concat!("println", "!("),
        concat!("stdout", "()"),
        concat!("stderr", "()"),
        concat!("error", ".print()"),
    ];
    let speaking = [
        "conformance/cli/src/out.rs",
        "impl/server/src/console.rs",
        "model/certify/src/console.rs",
        "/tests/",
        "/benches/",
        "/examples/",
        "/fuzz/",
        // What a build script prints is for cargo.
        "/build.rs",
    ];
    let mut found = Vec::new();
    for path in files("rs") {
        let name = shown(&path);
        if speaking.iter().any(|folder| name.contains(folder)) {
            continue;
        }
        let text = read(&path);
        // What follows the tests' module is not part of the library.
        let library = text.split("#[cfg(test)]").next().unwrap_or("");
        for (number, line) in library.lines().enumerate() {
            let code = line.trim_start();
            let prints = marks.iter().any(|mark| code.contains(mark));
            if prints && !code.starts_with("//") {
                found.push(format!("{name}:{}", number + 1));
            }
        }
    }
    assert_none("engines return values; commands print by `out` and `console`", &found);
}

#[test]
fn relative_links_in_the_docs_lead_somewhere() {
    let mut dead = Vec::new();
    for path in files("md") {
        for target in read(&path).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or("");
            if file.is_empty() || target.contains("://") {
                continue;
            }
            let folder = path.parent().expect("a file has a folder");
            if !folder.join(file).exists() {
                dead.push(format!("{} -> {target}", shown(&path)));
            }
        }
    }
    assert_none("dead links", &dead);
}

/// Where a module with children is `x/mod.rs`: the build script of the mutations takes every file of
/// this folder for rules.
const MOD_FILES: &[&str] = &["model/paper/src/rules"];

#[test]
fn modules_and_imports_have_one_style() {
    let mut found = Vec::new();
    for path in files("rs") {
        let name = shown(&path);
        let in_crate = |folders: &[&str]| folders.iter().any(|folder| name.starts_with(folder));
        if name.contains("/src/") && name.ends_with("/mod.rs") && !in_crate(MOD_FILES) {
            found.push(format!("{name}: a module with children is x.rs beside the folder x"));
        }
        let text = read(&path);
        for statement in text.split("\nuse ").skip(1).filter_map(|rest| rest.split(';').next()) {
            let nested = statement.split_once('{').is_some_and(|(_, inner)| inner.contains("::"));
            if nested {
                let path = statement.split("::").next().unwrap_or_default();
                found.push(format!("{name}: one `use {path}::…` imports from several modules"));
            }
        }
    }
    assert_none("module style and import style", &found);
}
