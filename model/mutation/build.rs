//! Writes a copy of each family as a module, in which each guard and each effect of its rules can be
//! broken while the program runs, and the list of them.

mod src {
    pub(super) mod scan;
}

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use src::scan::words;
use src::scan::{self, Defaults, Listing, Scan, Source};

/// Texts by the names of their files, relative to the source of the family.
type Files = BTreeMap<String, String>;

/// An effect that may be omitted becomes an `if`, and may stand alone in another.
const COLLAPSIBLE: &str = "#[expect(clippy::collapsible_if, reason = \"a copy\")]\n";

/// A family to be copied.
struct Family {
    /// The folder of its crate.
    folder: &'static str,
    /// The module that the copy is.
    module: &'static str,
    /// Names of files whose functions are rules.
    is_rules: fn(&str) -> bool,
    /// The file with `for_each_candidate`, and how its body begins and ends in the copy.
    candidates: (&'static str, &'static str, &'static str),
    /// What its rules have, in the order of those files.
    scan: fn(&Files, &[Source<'_>]) -> Result<Vec<Scan>, String>,
}

const FAMILIES: [Family; 2] = [
    Family {
        folder: "paper",
        module: "paper",
        is_rules: |name| name.starts_with("rules/"),
        candidates: (
            "model.rs",
            "if crate::schema::EVERY_ACTION { return crate::schema::every_action(N).for_each(visit); }",
            "",
        ),
        scan: |files, rules| {
            scan::scan(rules, &Defaults::of(source(files, "variant.rs")?)?, &words::PAPER)
        },
    },
    Family {
        folder: "zab",
        module: "zab",
        // Comparisons are broken where they are made; programs are lists.
        is_rules: |name| {
            (name.starts_with("rules/") && name != "rules/guard.rs")
                || name == "dispatch.rs"
                || name == "program.rs"
        },
        candidates: (
            "explore/enabled.rs",
            "let mut all: Vec<Action> = Vec::new(); let given = &mut visit; \
             let mut visit = |action: Action| all.push(action);",
            "crate::zookeeper::add_actions(self, state, &mut all); all.into_iter().for_each(given);",
        ),
        scan: |files, rules| {
            let defaults = Defaults::of_switches(source(files, "profile/switches.rs")?);
            let is_program = |source: &Source<'_>| source.name == "program.rs";
            let functions: Vec<Source<'_>> =
                rules.iter().copied().filter(|source| !is_program(source)).collect();
            let mut scans = scan::scan(&functions, &defaults, &words::ZOOKEEPER)?;
            let mut run: Vec<String> = scans.iter().flat_map(|scan| scan.run.clone()).collect();
            run.sort();
            run.dedup();
            let at = rules.iter().position(is_program).ok_or("no program.rs")?;
            scans.insert(at, scan::programs(rules[at], &run)?);
            Ok(scans)
        },
    },
];

fn main() -> Result<(), Box<dyn Error>> {
    FAMILIES.iter().try_for_each(copy)
}

fn source<'a>(files: &'a Files, name: &'static str) -> Result<Source<'a>, String> {
    let text = files.get(name).ok_or_else(|| format!("the family has no {name}"))?;
    Ok(Source { name, text })
}

/// Writes the copy of a family and its list.
fn copy(family: &Family) -> Result<(), Box<dyn Error>> {
    let Family { folder, module, .. } = family;
    let from = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(format!("../{folder}/src"));
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", from.display());
    let mut files = Files::new();
    read(&from, "", &mut files)?;
    // The crate becomes a module.
    for text in files.values_mut() {
        *text = text.replace("crate::", &format!("crate::{module}::"));
    }
    let (candidates, opens, closes) = family.candidates;
    let every_action = scan::every_action(source(&files, candidates)?, opens, closes)?;
    let rules: Vec<Source<'_>> = files
        .iter()
        .filter(|(name, _)| (family.is_rules)(name))
        .map(|(name, text)| Source { name, text })
        .collect();
    let scans = (family.scan)(&files, &rules)?;
    let listing = Listing::of(&rules, &scans);
    let copy = out.join(format!("{module}-copy"));
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    for (name, text) in &files {
        let text = match rules.iter().position(|source| source.name == name) {
            Some(at) => listing.instrument(at),
            None if name == candidates => every_action.clone(),
            None => text.clone(),
        };
        let path = copy.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&copy))?;
        // The tests are the original's.
        fs::write(path, text.replace("#[cfg(test)]", "#[cfg(any())]"))?;
    }
    fs::write(out.join(format!("{module}-list.rs")), listing.text())?;
    let path = copy.join("lib.rs");
    let text = format!("{COLLAPSIBLE}#[path = {path:?}]\npub mod {module};\n");
    fs::write(out.join(format!("{module}.rs")), text)?;
    Ok(())
}

/// Every file below a folder that is no test, by its name with a prefix.
fn read(folder: &Path, prefix: &str, files: &mut Files) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().display());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &format!("{name}/"), files)?;
        } else if name.ends_with(".rs") && !name.ends_with("/tests.rs") {
            files.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}
