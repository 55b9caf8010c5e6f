//! Which crate imports which.

use std::collections::BTreeSet;

use crate::{assert_none, files, has_word, read, root};

/// Which of our crates each crate may import (design: two witnesses share no memory).
const LAYERS: &[(&str, &[&str])] = &[
    ("zab-explorer", &[]),
    ("zab-flat", &[]),
    ("zab-view", &[]),
    ("zab-paper", &["zab-explorer", "zab-flat", "zab-view"]),
    // A second witness for what the engine finds: it reads the rules, and nothing else.
    ("zab-certify", &["zab-paper"]),
    ("zab-model", &["zab-explorer", "zab-flat", "zab-paper", "zab-view"]),
    ("zab-mutation", &["zab-explorer", "zab-flat", "zab-paper", "zab-view"]),
    ("zab-presets", &["zab-explorer", "zab-model", "zab-paper", "zab-view"]),
    ("zab-bugs", &["zab-explorer", "zab-model"]),
    ("zab-trace", &[]),
    ("zab-wire", &[]),
    ("zab-core", &["zab-trace"]),
    ("zab-sim", &["zab-core", "zab-trace"]),
    ("zab-server", &["zab-core", "zab-wire", "zab-trace"]),
    ("zab-fuzz", &["zab-capture", "zab-core", "zab-wire", "zab-trace", "zab-server"]),
    ("zab-check", &["zab-model", "zab-paper", "zab-trace"]),
    ("zab-oracle", &["zab-check", "zab-model", "zab-trace"]),
    ("zab-ensemble", &["zab-capture", "zab-history", "zab-wire", "zab-trace"]),
    ("zab-capture", &["zab-wire"]),
    ("zab-follow", &["zab-capture", "zab-model", "zab-wire"]),
    ("zab-recipes", &[]),
    ("zab-history", &["zab-trace"]),
    ("zab-import", &["zab-model"]),
    (
        "zabcheck",
        &[
            "zab-bugs",
            "zab-explorer",
            "zab-model",
            "zab-paper",
            "zab-presets",
            "zab-view",
            "zab-trace",
            "zab-check",
            "zab-oracle",
            "zab-capture",
            "zab-follow",
            "zab-history",
            "zab-import",
            "zab-ensemble",
            "zab-wire",
            "zab-sim",
        ],
    ),
];

/// Tests may look further, but the model never sees the implementation nor the reverse.
const LAYERS_IN_TESTS: &[(&str, &[&str])] = &[
    ("zab-check", &["zab-sim", "zab-oracle"]),
    ("zab-oracle", &["zab-sim"]),
    ("zab-mutation", &["zab-model", "zab-paper"]),
    // Whose states it confirms.
    ("zab-certify", &["zab-explorer"]),
    // For ports that stay free until a server listens on them.
    ("zab-server", &["zab-ensemble"]),
    // Servers and what records their clients, and the check of what was recorded.
    ("zab-recipes", &["zab-ensemble", "zab-history", "zab-trace"]),
];

#[test]
fn crates_import_only_what_their_layer_may() {
    let manifests: Vec<String> = files("toml")
        .iter()
        .filter(|path| path.ends_with("Cargo.toml"))
        .map(|path| read(path))
        .filter(|text| text.contains("[package]"))
        .collect();
    let named: BTreeSet<&str> = manifests.iter().map(|text| package_name(text)).collect();
    assert_eq!(named, LAYERS.iter().map(|(name, _)| *name).collect(), "the table of layers");
    let of = |table: &[(&str, &[&'static str])], name: &str| -> Vec<&'static str> {
        table.iter().find(|(layer, _)| *layer == name).map_or(Vec::new(), |(_, may)| may.to_vec())
    };
    let mut wrong = Vec::new();
    for text in &manifests {
        let name = package_name(text);
        let (allowed, in_tests) = (of(LAYERS, name), of(LAYERS_IN_TESTS, name));
        for (section, import) in imports(text) {
            let test_only = section == "[dev-dependencies]";
            let may = allowed.contains(&import) || test_only && in_tests.contains(&import);
            if !may {
                wrong.push(format!("{name} imports {import}"));
            }
        }
    }
    assert_none("imports against the layers", &wrong);
}

fn package_name(manifest: &str) -> &str {
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = "));
    name.expect("a package has a name").trim_matches('"')
}

/// Our crates in a manifest's sections of dependencies, each with the section that names it.
fn imports(manifest: &str) -> Vec<(&str, &'static str)> {
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
        }
        if section.contains("dependencies") {
            let ours = LAYERS.iter().map(|(name, _)| *name);
            found.extend(ours.filter(|name| has_word(line, name)).map(|name| (section, name)));
        }
    }
    found
}

#[test]
fn the_architecture_names_every_crate() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let missing: Vec<String> = LAYERS
        .iter()
        .filter(|(name, _)| !text.contains(&format!("`{name}`")))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_none("crates that ARCHITECTURE.md does not name", &missing);
}
