//! What lies directly below a crate's `src` imports in one direction.

use std::collections::{BTreeMap, BTreeSet};

use crate::{assert_none, files, read, shown};

/// Folders and files directly below `src` that import each other, each circle with the reason.
const CIRCLES: &[(&str, &[&str], &str)] = &[
    ("impl/server", &["client", "four_letter"], "an answer in words shows the connections"),
    (
        "model/paper",
        &["liveness", "model", "picture", "properties", "render"],
        "the engine asks the model for its properties and pictures, which read the model",
    ),
];

/// The source of a library, by its folder and then by what is directly below `src`: without tests
/// and comments.
fn sources() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut sources: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for path in files("rs") {
        let name = shown(&path);
        let Some((folder, below)) = name.split_once("/src/") else { continue };
        let root = below.split('/').next().unwrap_or(below).trim_end_matches(".rs");
        if ["lib", "main", "bin"].contains(&root) || below.ends_with("tests.rs") {
            continue;
        }
        let text = read(&path);
        let library = text.split("#[cfg(test)]").next().unwrap_or("");
        let code = library.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut code = code.collect::<Vec<_>>().join("\n");
        if !below.contains('/') {
            // There the parent is the crate.
            code = code.replace("super::", "crate::");
        }
        sources
            .entry(folder.to_owned())
            .or_default()
            .entry(root.to_owned())
            .or_default()
            .push_str(&code);
    }
    sources
}

/// The first names of all paths that begin with `crate::`.
fn named_in_crate(code: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let mut depth = 0_usize;
        for part in rest.split_inclusive(['{', '}', ',', ';']) {
            if depth == 0 && !part.trim_start().starts_with('{') || depth == 1 {
                let end = |c: char| !c.is_alphanumeric() && c != '_';
                names.insert(part.trim_start().split(end).next().unwrap_or(""));
            }
            depth = match part.chars().last() {
                Some('{') => depth + 1,
                Some('}') => depth.saturating_sub(1),
                _ => depth,
            };
            if depth == 0 {
                break;
            }
        }
    }
    names.remove("");
    names
}

#[test]
fn folders_of_a_crate_import_in_one_direction() {
    let mut found = Vec::new();
    for (folder, code) in sources() {
        let imports: BTreeMap<&str, Vec<&str>> = code
            .iter()
            .map(|(root, text)| {
                let others = named_in_crate(text).into_iter();
                let others = others.filter(|name| *name != root && code.contains_key(*name));
                (root.as_str(), others.collect())
            })
            .collect();
        for root in imports.keys() {
            // Everything that it imports, directly or not.
            let mut reached = imports[root].clone();
            let mut next = 0;
            while let Some(name) = reached.get(next).copied() {
                next += 1;
                let more = imports[name].iter().filter(|name| !reached.contains(name));
                let more: Vec<&str> = more.copied().collect();
                reached.extend(more);
            }
            let known = CIRCLES.iter().any(|(at, of, _)| *at == folder && of.contains(root));
            if reached.contains(root) && !known {
                found.push(format!("{folder}: {root}, by way of {}", reached.join(", ")));
            }
        }
    }
    assert_none("folders that import each other", &found);
}

#[test]
fn a_group_of_imports_gives_its_first_names() {
    let names =
        named_in_crate("use crate::{\n    a::b,\n    c::{d, e::{f}},\n    g,\n};\ncrate::h::i(x);");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "c", "g", "h"]);
}
