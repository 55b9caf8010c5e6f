//! Rules of the repository, as tests: what matters here fails here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const LINES_MAX: usize = 600;

/// Rules without a place in the core, each with the reason.
const NOT_IN_CORE: &[(&str, &str)] =
    &[("zk.crash", "a crash happens to the core; it is no step of it")];

/// Deviations that the model does not cite, each with the reason.
const NOT_IN_MODEL: &[(&str, &str)] = &[("D-FW", "the model has no clock, so nothing waits")];

/// Which of our crates each crate may import (design: two witnesses share no memory).
const LAYERS: &[(&str, &[&str])] = &[
    ("zab-explorer", &[]),
    ("zab-flat", &[]),
    ("zab-view", &[]),
    ("zab-paper", &["zab-explorer", "zab-flat", "zab-view"]),
    ("zab-model", &["zab-explorer", "zab-flat", "zab-paper", "zab-view"]),
    ("zab-mutation", &["zab-explorer", "zab-flat", "zab-view"]),
    ("zab-presets", &["zab-explorer", "zab-model", "zab-paper", "zab-view"]),
    ("zab-trace", &[]),
    ("zab-wire", &[]),
    ("zab-core", &["zab-trace"]),
    ("zab-sim", &["zab-core", "zab-trace"]),
    ("zab-server", &["zab-core", "zab-wire", "zab-trace"]),
    ("zab-fuzz", &["zab-core", "zab-wire", "zab-trace", "zab-server"]),
    ("zab-check", &["zab-model", "zab-paper", "zab-trace"]),
    ("zab-oracle", &["zab-check", "zab-model", "zab-trace"]),
    ("zab-ensemble", &["zab-wire", "zab-trace"]),
    ("zab-capture", &["zab-wire"]),
    (
        "zabcheck",
        &[
            "zab-explorer",
            "zab-model",
            "zab-paper",
            "zab-presets",
            "zab-view",
            "zab-trace",
            "zab-check",
            "zab-oracle",
            "zab-capture",
            "zab-ensemble",
            "zab-sim",
        ],
    ),
];

/// Tests may look further, but the model never sees the implementation nor the reverse.
const LAYERS_IN_TESTS: &[(&str, &[&str])] = &[
    ("zab-check", &["zab-sim", "zab-oracle"]),
    ("zab-oracle", &["zab-sim"]),
    ("zab-mutation", &["zab-paper"]),
    // For ports that stay free until a server listens on them.
    ("zab-server", &["zab-ensemble"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

/// Files that git tracks or would track, with the given extension.
fn files(extension: &str) -> Vec<PathBuf> {
    let list = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the repository");
    let files: Vec<PathBuf> = String::from_utf8(list.stdout)
        .expect("file names are UTF-8")
        .lines()
        .map(|line| root().join(line))
        .filter(|path| path.extension().is_some_and(|e| e == extension) && path.exists())
        .collect();
    assert!(!files.is_empty(), "no *.{extension} files: is this a git checkout?");
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn assert_none(what: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{what}:\n  {}", findings.join("\n  "));
}

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

/// Whether a name stands in a text as a whole word.
fn has_word(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').any(|w| w == name)
}

/// The ids in the ledger's tables: first cell of a row, in backticks, no deviation.
fn ledger() -> BTreeSet<String> {
    let text = read(&root().join("docs/src/rules.md"));
    let ids: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(id, _)| id.to_owned())
        .collect();
    assert!(
        ids.len() > 30,
        "the ledger lists {} rules only: is its format still the same?",
        ids.len()
    );
    ids
}

/// Ids that open a doc comment (`/// f.1.1: …`) below a folder.
fn documented_ids(folder: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let of_rules = |path: &&PathBuf| {
        // The core's list of defects names rules, but is no place of theirs.
        shown(path).starts_with(folder) && !path.ends_with("core/src/mutant.rs")
    };
    for path in files("rs").iter().filter(of_rules) {
        for line in read(path).lines() {
            let line = line.trim_start();
            let Some(doc) = line.strip_prefix("/// ").or_else(|| line.strip_prefix("// ")) else {
                continue;
            };
            let Some((head, _)) = doc.split_once(':') else { continue };
            let is_id = |word: &&str| {
                word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_')
            };
            let words = head.split([',', ' ']).map(|word| word.trim_matches('`'));
            ids.extend(words.filter(is_id).map(str::to_owned));
        }
    }
    ids
}

/// Whether a file is a test or holds test data of the given crates.
fn is_test_of(name: &str, crates: &[&str]) -> bool {
    crates.iter().any(|c| name.starts_with(c))
        && (name.contains("/tests/") || name.ends_with("tests.rs"))
}

#[test]
fn every_rule_has_a_model_a_core_and_tests() {
    let (model, core) = (documented_ids("model/zab/src"), documented_ids("impl/core/src"));
    let mut tests: BTreeMap<&str, String> = BTreeMap::new();
    for path in files("rs").iter().chain(files("txt").iter()) {
        for crate_folder in ["model/zab", "impl/core"] {
            if is_test_of(&shown(path), &[crate_folder]) {
                tests.entry(crate_folder).or_default().push_str(&read(path));
            }
        }
    }
    let mut missing = Vec::new();
    for id in ledger() {
        let excepted = NOT_IN_CORE.iter().any(|(rule, _)| *rule == id);
        if !model.contains(&id) {
            missing.push(format!("{id}: no function in model/zab/src"));
        }
        if !core.contains(&id) && !excepted {
            missing.push(format!("{id}: no place in impl/core/src"));
        }
        for crate_folder in ["model/zab", "impl/core"] {
            let text = tests.get(crate_folder).map_or("", String::as_str);
            let needs_none = excepted && crate_folder == "impl/core";
            if !needs_none && !mentions(text, &id) {
                missing.push(format!("{id}: no test in {crate_folder}"));
            }
        }
    }
    assert_none("the ledger and the code differ", &missing);
}

/// Whether the id stands in the text as a whole word (`f.1.1` is not in `f.1.10`).
fn mentions(text: &str, id: &str) -> bool {
    text.match_indices(id).any(|(at, _)| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let before = text[..at].chars().next_back();
        let mut after = text[at + id.len()..].chars();
        let next = after.next();
        let continues = next == Some('.') && after.next().is_some_and(inside);
        !before.is_some_and(|c| inside(c) || c == '.') && !next.is_some_and(inside) && !continues
    })
}

#[test]
fn a_rule_id_is_found_as_a_whole_word_only() {
    assert!(mentions("rule f.1.1, then", "f.1.1"));
    assert!(mentions("ends with f.1.1.", "f.1.1"));
    assert!(!mentions("f.1.10", "f.1.1"));
    assert!(!mentions("zk.sync.diff.more", "zk.sync.diff"));
}

#[test]
fn no_rule_id_in_the_code_is_missing_from_the_ledger() {
    let ledger = ledger();
    let looks_like_a_rule = |id: &str| {
        let parts: Vec<&str> = id.split('.').collect();
        match parts.as_slice() {
            ["f" | "l", phase, step] => {
                phase.chars().all(|c| c.is_ascii_digit())
                    && step.chars().all(|c| c.is_ascii_digit())
            }
            ["zk", area, name] => !area.is_empty() && !name.is_empty(),
            _ => false,
        }
    };
    let unknown: Vec<String> = documented_ids("model/zab/src")
        .union(&documented_ids("impl/core/src"))
        .filter(|id| looks_like_a_rule(id) && !ledger.contains(*id))
        .cloned()
        .collect();
    assert_none("ids that docs/src/rules.md does not list", &unknown);
}

/// The text of every file with this extension below a folder.
fn texts(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> =
        files(extension).iter().map(|path| (shown(path), read(path))).collect();
    texts.retain(|(name, _)| name.starts_with(folder));
    texts
}

/// Ids of deviations in a text: `D-` and capital letters or digits.
fn deviations(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_id = |word: &&str| {
        let name = word.strip_prefix("D-").unwrap_or("");
        !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    text.split(|c| !is_part(c)).filter(is_id).collect()
}

#[test]
fn deviations_are_listed_in_the_ledger_and_cited_in_the_code() {
    let ledger = read(&root().join("docs/src/rules.md"));
    let listed: BTreeSet<&str> =
        ledger.lines().filter_map(|line| line.strip_prefix("| D-")).collect();
    let listed: BTreeSet<String> =
        listed.iter().map(|row| format!("D-{}", row.split(' ').next().unwrap_or(""))).collect();
    assert!(listed.len() > 8, "the ledger lists {listed:?}: is its format still the same?");
    let mut wrong = Vec::new();
    for (name, text) in ["rs", "md", "txt"].iter().flat_map(|extension| texts("", extension)) {
        let unknown = deviations(&text).into_iter().filter(|id| !listed.contains(*id));
        wrong
            .extend(unknown.map(|id| format!("{name} cites {id}, which the ledger does not list")));
    }
    for (folder, excepted) in [("model/zab/src", NOT_IN_MODEL), ("impl/core/src", &[])] {
        let texts = texts(folder, "rs");
        for id in &listed {
            let cited = texts.iter().any(|(_, text)| deviations(text).contains(id.as_str()));
            if !cited && !excepted.iter().any(|(exception, _)| exception == id) {
                wrong.push(format!("{folder} does not cite {id}"));
            }
        }
    }
    assert_none("the deviations of the ledger and of the code differ", &wrong);
}

#[test]
fn each_switch_of_a_profile_is_read_in_one_place() {
    let listed = read(&root().join("model/zab/src/profile/switches.rs"));
    // `"rule" name: Type {`
    let name = |line: &'_ str| {
        let (_, after) = line.trim().strip_prefix('"')?.split_once("\" ")?;
        Some(after.strip_suffix(" {")?.split_once(": ")?.0.to_owned())
    };
    let switches: Vec<String> = listed.lines().filter_map(name).collect();
    assert!(switches.len() > 20, "{} switches only: has the list another form?", switches.len());
    let mut rules = texts("model/zab/src", "rs");
    rules.retain(|(name, _)| !name.starts_with("model/zab/src/profile"));
    let code: String = rules.into_iter().map(|(_, text)| text).collect();
    let words: Vec<&str> =
        code.split(|c: char| !c.is_ascii_alphanumeric() && !"_.()".contains(c)).collect();
    let ends = |word: &str, name: &str| {
        ["profile", "profile()"].iter().any(|of| word.ends_with(&format!("{of}.{name}")))
    };
    let reads = |name: &str| words.iter().filter(|word| ends(word, name)).count();
    let wrong: Vec<_> = switches.iter().filter(|switch| reads(switch) != 1).cloned().collect();
    assert_none("switches that are not read in exactly one place", &wrong);
}

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
