//! Writes a copy of `zab-paper` as a module, in which each guard and each effect of its rules can be
//! broken while the program runs, and the list of them.

mod src {
    pub(super) mod scan;
}

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use src::scan::{self, Defaults, Listing, Source};

/// Texts by the names of their files, relative to the source of the family.
type Files = BTreeMap<String, String>;

/// An effect that may be omitted becomes an `if`, and may stand alone in another.
const COLLAPSIBLE: &str = "#[expect(clippy::collapsible_if, reason = \"a copy\")]\n";

fn main() -> Result<(), Box<dyn Error>> {
    let family = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../paper/src");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", family.display());
    let mut files = Files::new();
    read(&family, "", &mut files)?;
    // The crate becomes a module.
    for text in files.values_mut() {
        *text = text.replace("crate::", "crate::paper::");
    }
    let source = |name| -> Result<Source<'_>, String> {
        let text = files.get(name).ok_or(format!("the family has no {name}"))?;
        Ok(Source { name, text })
    };
    let defaults = Defaults::of(source("variant.rs")?)?;
    let every_action = scan::every_action(source("model.rs")?)?;
    let rules: Vec<Source<'_>> = files
        .iter()
        .filter(|(name, _)| name.starts_with("rules/"))
        .map(|(name, text)| Source { name, text })
        .collect();
    let scans = scan::scan(&rules, &defaults)?;
    let listing = Listing::of(&rules, &scans);
    let copy = out.join("copy");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    for (name, text) in &files {
        let text = match rules.iter().position(|source| source.name == name) {
            Some(at) => listing.instrument(at),
            None if name == "model.rs" => every_action.clone(),
            None => text.clone(),
        };
        let path = copy.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&copy))?;
        // The tests are the original's.
        fs::write(path, text.replace("#[cfg(test)]", "#[cfg(any())]"))?;
    }
    fs::write(out.join("list.rs"), listing.text())?;
    let path = copy.join("lib.rs");
    fs::write(out.join("copy.rs"), format!("{COLLAPSIBLE}#[path = {path:?}]\npub mod paper;\n"))?;
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
