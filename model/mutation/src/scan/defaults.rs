//! Which reading of the paper is the default, from the source that says so.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;

/// Variants of the enums of readings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defaults {
    default: BTreeSet<String>,
    all: BTreeMap<String, BTreeSet<String>>,
}

impl Defaults {
    /// Those of a file: every enum that marks a variant as its default.
    ///
    /// # Errors
    /// When it is no Rust.
    pub(crate) fn of(source: Source<'_>) -> Result<Self, String> {
        let file =
            syn::parse_file(source.text).map_err(|error| format!("{}: {error}", source.name))?;
        let mut all = Self::default();
        for item in &file.items {
            let syn::Item::Enum(item) = item else { continue };
            let path = |variant: &syn::Variant| format!("{}::{}", item.ident, variant.ident);
            let is_default = |variant: &&syn::Variant| {
                variant.attrs.iter().any(|attribute| attribute.path().is_ident("default"))
            };
            if let Some(variant) = item.variants.iter().find(is_default) {
                all.default.insert(path(variant));
                all.all.insert(item.ident.to_string(), item.variants.iter().map(path).collect());
            }
        }
        Ok(all)
    }

    /// Those of a table of switches, `name: Type { Variant = "…", … }`: the first variant of each.
    pub(crate) fn of_switches(source: Source<'_>) -> Self {
        let mut all = Self::default();
        let mut of = None;
        for line in source.text.lines().map(str::trim) {
            let switch = line.strip_suffix(" {").and_then(|line| line.rsplit_once(": "));
            if let Some((_, name)) =
                switch.filter(|(_, name)| name.chars().all(char::is_alphabetic))
            {
                of = Some(name);
            } else if let (Some(name), Some((variant, _))) = (of, line.split_once(" = \"")) {
                let path = format!("{name}::{variant}");
                let variants = all.all.entry(name.to_owned()).or_default();
                if variants.is_empty() {
                    all.default.insert(path.clone());
                }
                variants.insert(path);
            }
        }
        all
    }

    /// Whether a path like `CommitLdZxid::Acknowledged` is the default; `None` if it is no variant
    /// of such an enum.
    pub(crate) fn is_default(&self, path: &str) -> Option<bool> {
        let (name, _) = path.split_once("::")?;
        self.all.get(name)?.contains(path).then(|| self.default.contains(path))
    }
}
