//! Writes a copy of the paper family in which each guard and each effect of its rules can be broken
//! while the program runs, and the list of them.

#[path = "src/scan/mod.rs"]
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use scan::{Defaults, Listing, Source};

/// Texts by the names of their files, relative to the source of the model.
type Files = BTreeMap<String, String>;

/// The family whose rules are broken.
const FAMILY: &str = "paper";

fn main() -> Result<(), Box<dyn Error>> {
    let model = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../zab/src");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed={}", model.display());
    let (modules, files) = closure(&model)?;
    let source = |name| -> Result<Source<'_>, String> {
        let text = files.get(name).ok_or(format!("the model has no {name}"))?;
        Ok(Source { name, text })
    };
    let defaults = Defaults::of(source("paper/variant.rs")?)?;
    let every_action = scan::every_action(source("paper/model.rs")?)?;
    let rules: Vec<Source<'_>> = files
        .iter()
        .filter(|(name, _)| name.starts_with("paper/rules/"))
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
            None if name == "paper/model.rs" => every_action.clone(),
            None => text.clone(),
        };
        let path = copy.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&copy))?;
        // The tests are the original's.
        fs::write(path, text.replace("#[cfg(test)]", "#[cfg(any())]"))?;
    }
    fs::write(out.join("list.rs"), listing.text())?;
    fs::write(out.join("copy.rs"), declared(&copy, &modules))?;
    Ok(())
}

/// The modules that the family needs, itself among them, and their files by name.
fn closure(model: &Path) -> Result<(BTreeSet<String>, Files), Box<dyn Error>> {
    let (mut modules, mut files) = (BTreeSet::new(), Files::new());
    let mut missing = vec![FAMILY.to_owned()];
    while let Some(module) = missing.pop() {
        if !modules.insert(module.clone()) {
            continue;
        }
        let mut own = Files::new();
        let file = format!("{module}.rs");
        if model.join(&file).exists() {
            own.insert(file.clone(), fs::read_to_string(model.join(&file))?);
        }
        if model.join(&module).is_dir() {
            read(&model.join(&module), &format!("{module}/"), &mut own)?;
        }
        if own.is_empty() {
            return Err(format!("the model has no module `{module}`").into());
        }
        let code = own.values().flat_map(|text| text.lines());
        let code = code.filter(|line| !line.trim_start().starts_with("//"));
        for used in code.flat_map(|line| line.split("crate::").skip(1)) {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = used.find(|c| !is_part(c)).unwrap_or(used.len());
            missing.push(used[..end].to_owned());
        }
        files.append(&mut own);
    }
    Ok((modules, files))
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

const COLLAPSIBLE: &str = "#[expect(clippy::collapsible_if, reason = \"a copy\")]\n";

/// The copy as modules.
fn declared(copy: &Path, modules: &BTreeSet<String>) -> String {
    let declared = modules.iter().map(|module| {
        let file = copy.join(format!("{module}.rs"));
        let path = if file.exists() { file } else { copy.join(module).join("mod.rs") };
        // An effect that may be omitted becomes an `if`, and may stand alone in another.
        let lint = if module == FAMILY { COLLAPSIBLE } else { "" };
        format!("{lint}#[path = {path:?}]\npub mod {module};\n")
    });
    declared.collect()
}
